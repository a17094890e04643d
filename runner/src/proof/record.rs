//! A proof as text: what was carried out, under which key, and a digest of both.
//!
//! Three lines, of which nothing may be missing, changed or more: it is read only if it is, to the byte, what would be
//! written. The digest is no signature: only root can write where it lies, and an accident is found by it.

use super::Proven;
use super::key::digest;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Display;
use vmlock_spec::mitigation::MITIGATIONS;
use vmlock_spec::plan::Orders;

const TITLE: &str = "vmlock proof 1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<'a> {
    orders: Cow<'a, Orders>,
    /// Fields, `REGISTER.FIELD`, that would tell a guest of a mitigation.
    withheld: Vec<Cow<'a, str>>,
}

/// The text of a proof.
pub fn write(proven: &Proven, key: &str) -> String {
    let body = body(proven, key);
    let digest = digest(body.as_bytes());
    format!("{body}{digest}\n")
}

/// All of it but its digest.
fn body(proven: &Proven, key: &str) -> String {
    let withheld = proven.withheld.iter().map(|m| m.path.into());
    let content = Content {
        orders: Cow::Borrowed(&proven.orders),
        withheld: withheld.collect(),
    };
    // Plain structs of numbers and names are always representable.
    let content = serde_json::to_string(&content).unwrap_or_default();
    format!("{TITLE} of {key}\n{content}\n")
}

/// The proof in such a text.
///
/// # Errors
/// Why it is not to be believed, in words.
pub fn read(text: &str, key: &str) -> Result<Proven, String> {
    let mut lines = text.split_inclusive('\n');
    let (Some(title), Some(content), Some(sum)) = (lines.next(), lines.next(), lines.next()) else {
        return Err("it is cut off".to_owned());
    };
    let (found, _) = text.split_at(title.len() + content.len());
    if sum.trim_end_matches('\n') != digest(found.as_bytes()) {
        return Err("it is not as it was written".to_owned());
    }
    if title.trim_end_matches('\n') != format!("{TITLE} of {key}") {
        return Err("it is about something else".to_owned());
    }
    let foreign = |why: &dyn Display| format!("it is no proof of this program: {why}");
    let content: Content = serde_json::from_str(content).map_err(|e| foreign(&e))?;
    let known = |path: &Cow<str>| {
        let found = MITIGATIONS.iter().find(|m| m.path == *path);
        found.ok_or_else(|| foreign(&format_args!("`{path}` tells of no mitigation")))
    };
    let proven = Proven {
        withheld: content
            .withheld
            .iter()
            .map(known)
            .collect::<Result<_, _>>()?,
        orders: content.orders.into_owned(),
    };
    // The digest of what was found is known to be right by now.
    match found == body(&proven, key) && sum.ends_with('\n') && lines.next().is_none() {
        true => Ok(proven),
        false => Err("it is not as it was written".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use vmlock_spec::plan::Step;

    fn proven() -> Proven {
        let orders = Orders {
            steps: vec![
                Step::Identity,
                Step::Register {
                    id: u64::MAX,
                    value: 1 << 63,
                },
                Step::Reset { id: 3, value: 4 },
                Step::VectorLengths(vec![128, 256]),
                Step::StolenTime(vec![0x4000_0000]),
                Step::IidrRevision(2),
                Step::DenyEvents(vec![0x1e]),
                Step::Distributor,
                Step::Leave { id: 1, value: 2 },
                Step::Forward(0x8400_0000),
                Step::ForwardRanges(vec![(0x8600_0000, 0x8600_003e), (0xc600_0000, u32::MAX)]),
                Step::Deny(0xc400_0015),
            ],
            only_inside: BTreeSet::from([3]),
            read_back: BTreeSet::from([1, u64::MAX]),
        };
        Proven {
            orders,
            withheld: MITIGATIONS.iter().take(2).collect(),
        }
    }

    fn kind(step: &Step) -> usize {
        match step {
            Step::Identity => 0,
            Step::Register { .. } => 1,
            Step::Reset { .. } => 2,
            Step::VectorLengths(_) => 3,
            Step::StolenTime(_) => 4,
            Step::IidrRevision(_) => 5,
            Step::DenyEvents(_) => 6,
            Step::Distributor => 7,
            Step::Leave { .. } => 8,
            Step::Forward(_) => 9,
            Step::ForwardRanges(_) => 10,
            Step::Deny(_) => 11,
        }
    }

    #[test]
    fn every_order_comes_back() {
        let text = write(&proven(), "key");
        assert_eq!(read(&text, "key"), Ok(proven()));
        // Whoever adds a step adds it above, and to the number.
        let steps = proven().orders.steps;
        let kinds: BTreeSet<usize> = steps.iter().map(kind).collect();
        assert_eq!(kinds, (0..12).collect());
        let none = Proven {
            orders: Orders::default(),
            withheld: Vec::new(),
        };
        assert_eq!(read(&write(&none, "key"), "key"), Ok(none));
    }

    #[test]
    fn no_byte_of_it_can_be_altered_added_or_left_out() {
        let text = write(&proven(), "key");
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let altered = String::from_utf8(bytes).expect("it is ASCII still");
            assert!(read(&altered, "key").is_err(), "byte {at}");
            assert!(read(&text[..at], "key").is_err(), "{at} bytes");
        }
        for more in ["\n", " ", "x\n"] {
            assert!(read(&format!("{text}{more}"), "key").is_err(), "{more:?}");
        }
        assert!(read(&text, "other").is_err());
    }

    /// Even with the right digest, another format or a step that is not known is no proof.
    #[test]
    fn what_this_program_does_not_write_is_not_read() {
        let written = |body: &str| format!("{body}{}\n", digest(body.as_bytes()));
        let none = r#"{"steps":[],"onlyInside":[],"readBack":[]}"#;
        let title = format!("{TITLE} of key");
        let right = format!(r#"{{"orders":{none},"withheld":[]}}"#);
        assert!(read(&written(&format!("{title}\n{right}\n")), "key").is_ok());
        for content in [
            "{}".to_owned(),
            none.to_owned(),
            right.replacen("[]", r#"["fly"]"#, 1),
            right.replace(r#""readBack":[]"#, r#""readBack":[],"more":1"#),
            right.replace(r#""withheld":[]"#, r#""withheld":[],"more":1"#),
            right.replace(r#""withheld":[]"#, r#""withheld":["SPEED"]"#),
            right.replace(",", ", "),
        ] {
            let text = written(&format!("{title}\n{content}\n"));
            assert!(read(&text, "key").is_err(), "{content}");
        }
        let other = format!("vmlock proof 2 of key\n{right}\n");
        assert!(read(&written(&other), "key").is_err());
    }
}
