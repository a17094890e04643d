//! Kubernetes' rules for labels (its documentation, "Labels and Selectors: Syntax and character set"; RFC 1123 for
//! domains): a key is a DNS domain of at most 253 characters, `/` and a name of at most 63; a name or value begins and
//! ends with a letter or digit, and has these, `-`, `_` and `.` between.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const PART_MAX: usize = 63;
const DOMAIN_MAX: usize = 253;

/// Domains whose labels are others' to give: they take away what they do not know, or reserve them.
const OF_OTHERS: [&str; 3] = ["kubernetes.io", "k8s.io", "kubevirt.io"];

/// A DNS domain in front of a label's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(String);

impl Domain {
    /// Of its text.
    ///
    /// # Errors
    /// In words, why it cannot be one.
    pub fn new(text: &str) -> Result<Self, String> {
        if !subdomain(text) || !text.contains('.') {
            return Err("this is no DNS domain: small letters, digits and `-` between dots, at most 253 characters, for example `vmlock.example.com`".to_owned());
        }
        let of = |other: &&&str| text == **other || text.ends_with(&format!(".{other}"));
        match OF_OTHERS.iter().find(of) {
            Some(other) => Err(format!(
                "labels below `{other}` are others' to give: take a domain of your own"
            )),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is a subdomain as RFC 1123 has it.
fn subdomain(text: &str) -> bool {
    let label = |label: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=PART_MAX).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= DOMAIN_MAX && text.split('.').all(label)
}

/// Whether a text can be a label's name or value. An empty value could, and says nothing.
///
/// # Errors
/// In words, why not.
pub fn part(text: &str, what: &str) -> Result<(), String> {
    let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    if bytes.len() <= PART_MAX
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(inner)
    {
        return Ok(());
    }
    Err(format!(
        "`{}` cannot be {what} in Kubernetes: at most {PART_MAX} ASCII letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
        text.escape_debug()
    ))
}

/// Whether a text can be a node's name.
///
/// # Errors
/// In words, why not.
pub fn node(name: &str) -> Result<(), String> {
    match subdomain(name) {
        true => Ok(()),
        false => Err(format!(
            "`{}` is no name of a node: small letters, digits and `-` between dots",
            name.escape_debug()
        )),
    }
}

/// A time in seconds, as RFC 3339 writes it, in UTC.
pub fn time(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March have the day that not every year has at their end; 400 of them have 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let day = day - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn names_and_values_are_as_the_published_rules_have_them() {
        let long = "a".repeat(63);
        for good in ["a", "A", "0", "lock.web", "a-b_c.d", long.as_str()] {
            assert_eq!(part(good, "a name"), Ok(()), "{good}");
        }
        let longer = "a".repeat(64);
        let bad = [
            "",
            "-a",
            "a-",
            ".a",
            "a.",
            "_a",
            "a_",
            "a b",
            "a/b",
            "a=b",
            "ä",
            "a\n",
            "a\0",
            "a$",
            longer.as_str(),
        ];
        for text in bad {
            assert!(part(text, "a name").is_err(), "{text:?}");
        }
    }

    #[test]
    fn domains_are_ones_own() {
        let long = format!(
            "{}.{}.{}.{}",
            "a".repeat(63),
            "b".repeat(63),
            "c".repeat(63),
            "d".repeat(61)
        );
        assert_eq!(long.len(), 253);
        for good in [
            "example.com",
            "vmlock.example.com",
            "x1-2.y",
            "notkubernetes.io",
            long.as_str(),
        ] {
            assert!(Domain::new(good).is_ok(), "{good}");
        }
        let longer = format!("{long}a");
        let bad = [
            "",
            "example",
            "Example.com",
            "a..b",
            ".a.b",
            "a.b.",
            "-a.b",
            "a-.b",
            "a_b.c",
            "a/b.c",
            "a.b\n",
            "kubernetes.io",
            "node.kubernetes.io",
            "kubevirt.io",
            "x.k8s.io",
            longer.as_str(),
        ];
        for text in bad {
            assert!(Domain::new(text).is_err(), "{text:?}");
        }
        assert!(node("node-1.example.com").is_ok());
        assert!(
            ["", "A", "a b", "$(id)", "a\n"]
                .iter()
                .all(|n| node(n).is_err())
        );
    }

    #[test]
    fn times_are_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_704_067_199, "2023-12-31T23:59:59Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(time(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
