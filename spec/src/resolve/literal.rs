//! Texts are taken as they stand: nothing in them is filled in, expanded or unquoted. What other programs would do that
//! to is refused, for it would be locked as nobody means it.

use super::Complaints;
use crate::catalogue::{Catalogue, hwcap};
use crate::names;
use crate::vm::Feature;

/// What a text is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A file on the host, by its path.
    Path,
    /// The place of a schema: a path, or an address in the web.
    Place,
    /// A kernel's command line.
    CommandLine,
    /// A name of the catalogue's or the machine's.
    Name,
    /// The name of a CPU model, of which there is one.
    Model,
}

/// Quotes of other languages, and those that editors make of them.
const QUOTES: [char; 14] = [
    '\'', '`', '“', '”', '„', '‘', '’', '«', '»', '′', '″', '＂', '＇', '"',
];

/// Complains of a text that is not meant as it stands; says whether it is one.
pub(super) fn complain(
    text: &str,
    sort: Sort,
    place: &str,
    what: &str,
    complaints: &mut Complaints,
) -> bool {
    let Some((message, help)) = found(text, sort, what) else {
        return false;
    };
    complaints.error("spec::taken-literally", place, message, Some(help));
    true
}

/// What a program would have to fill in or expand in a text that stands for a path.
pub fn unexpanded(text: &str) -> Option<(String, String)> {
    filled_in(text).or_else(|| expanded(text))
}

fn found(text: &str, sort: Sort, what: &str) -> Option<(String, String)> {
    let of_sort = match sort {
        Sort::Path => quoted(text, what)
            .or_else(|| expanded(text))
            .or_else(|| elsewhere(text)),
        Sort::Place => quoted(text, what),
        Sort::CommandLine => quoted_words(text),
        Sort::Name => filled_in(text).or_else(|| several(text)),
        Sort::Model => filled_in(text).or_else(|| more_than_a_model(text)),
    };
    of_sort.or_else(|| filled_in(text))
}

fn quoted(text: &str, what: &str) -> Option<(String, String)> {
    const NOTHING: [&str; 4] = ["none", "null", "nil", "undefined"];
    if NOTHING.contains(&text.to_ascii_lowercase().as_str()) {
        return Some((
            format!("{what} would be a file that is called `{text}`"),
            format!("leave it out where there is none; a file of that name is `./{text}`"),
        ));
    }
    let quote = text.chars().find(|c| QUOTES.contains(c))?;
    if quote == '`' && text.contains(' ') {
        return Some((
            "nothing is run here, and no output is filled in".to_owned(),
            "write the value itself: a text is taken as it stands".to_owned(),
        ));
    }
    let inner = text.trim_matches(QUOTES);
    let help = match inner.contains(QUOTES) || inner.len() == text.len() || inner.is_empty() {
        true => "give the file a name without it".to_owned(),
        false => format!("write `\"{inner}\"`"),
    };
    Some((
        format!("{what} would hold the quote `{quote}` itself"),
        help,
    ))
}

/// Several names in one text.
fn several(text: &str) -> Option<(String, String)> {
    let names: Vec<&str> = text.split([',', ' ']).filter(|n| !n.is_empty()).collect();
    let is_feature = |name: &&str| {
        hwcap(name).is_some() || Feature::ALL.iter().any(|feature| feature.name() == *name)
    };
    let apart = text.contains(',')
        || names.iter().all(|name| name.contains(['-', '.']))
        || names.iter().all(is_feature);
    if names.len() < 2 || !apart {
        return None;
    }
    let names: Vec<String> = names
        .iter()
        .map(|n| format!("\"{}\"", n.escape_debug()))
        .collect();
    Some((
        "one text holds several names".to_owned(),
        format!("write each in quotes of its own: {}", names.join(" ")),
    ))
}

/// A CPU as QEMU and device trees write it: `neoverse-n1,pmu=on`, `arm,neoverse-n1`.
fn more_than_a_model(text: &str) -> Option<(String, String)> {
    if !text.contains(',') {
        return None;
    }
    let mut parts = text.split(',').map(str::trim).peekable();
    // Device trees name the maker first.
    parts.next_if_eq(&"arm");
    let name = parts.next()?;
    let catalogue = Catalogue::builtin();
    let known = catalogue.cpu(name).map(|_| name.to_owned());
    let model = known.or_else(|| {
        let said = names::cpu(name, &catalogue);
        let like = said.strip_prefix("did you mean `")?.strip_suffix("`?")?;
        (!like.contains('`')).then(|| like.to_owned())
    })?;
    Some((
        "one text holds more than the name of a CPU model".to_owned(),
        format!(
            "write `\"{model}\"`; what a vCPU has beside its model stands in the block of `cpu`, each alone on its line"
        ),
    ))
}

fn quoted_words(text: &str) -> Option<(String, String)> {
    let quote = text.chars().find(|c| *c != '"' && QUOTES.contains(c))?;
    let inner = text.trim_matches(QUOTES);
    // Within it they are somebody's own: an init's, or a module's parameter.
    let typed = |c: char| c.is_ascii() && c != '"' && QUOTES.contains(&c);
    if !text.starts_with(typed) && !text.contains(|c| QUOTES.contains(&c) && !typed(c) && c != '"')
    {
        return None;
    }
    let around = inner.len() < text.len() && !inner.contains(QUOTES) && text.starts_with(quote);
    let help = match around {
        true => format!("write `cmdline=\"{inner}\"`"),
        false => {
            "Linux knows `\"` alone (lib/cmdline.c), which a string holds as `\\\"`".to_owned()
        }
    };
    Some((
        format!("`cmdline` would hold the quote `{quote}` itself"),
        help,
    ))
}

/// Variables, commands and templates.
fn filled_in(text: &str) -> Option<(String, String)> {
    let part = variable(text)
        .or_else(|| between(text, "%", "%"))
        .or_else(|| between(text, "@", "@"))
        .or_else(|| text.find("{{").map(|at| &text[at..]))
        .or_else(|| text.find("<%").map(|at| &text[at..]))?;
    Some((
        format!("nothing fills in `{}` here", part.escape_debug()),
        "write the value itself: a text is taken as it stands".to_owned(),
    ))
}

/// `$NAME`, `${NAME}` or `$(COMMAND)`, and no hash of a password (`$6$…`).
fn variable(text: &str) -> Option<&str> {
    text.match_indices('$').find_map(|(at, _)| {
        let rest = &text[at + 1..];
        for (open, close) in [('{', '}'), ('(', ')')] {
            if rest.starts_with(open) {
                let end = rest.find(close).map_or(rest.len(), |end| end + 1);
                return Some(&text[at..at + 1 + end]);
            }
        }
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let length = length.unwrap_or(rest.len());
        let name = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let begins = text[..at].ends_with([' ', '=', '/', ',', ':', '-', '.', '"']) || at == 0;
        (name && begins && !rest[length..].starts_with('$')).then(|| &text[at..at + 1 + length])
    })
}

/// `%NAME%`: a name of capital letters between two signs.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.match_indices(open).find_map(|(at, _)| {
        let rest = &text[at + open.len()..];
        let end = rest.find(close)?;
        let of_names = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let name = &rest[..end];
        let is_name =
            name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(of_names);
        is_name.then(|| &text[at..at + open.len() + end + close.len()])
    })
}

/// What a shell makes paths of.
fn expanded(text: &str) -> Option<(String, String)> {
    if text.starts_with('~') {
        return Some((
            "nothing makes a home directory of `~` here".to_owned(),
            "write the whole path, or one that is relative to this file".to_owned(),
        ));
    }
    let sign = text.chars().find(|c| "*?".contains(*c))?;
    Some((
        format!("nothing looks for files that fit `{sign}` here"),
        "name the one file that is meant".to_owned(),
    ))
}

/// Paths of Windows and addresses.
fn elsewhere(text: &str) -> Option<(String, String)> {
    if text.contains("://") {
        let help = match text.strip_prefix("file://") {
            Some(path) => format!("write `\"{path}\"`"),
            None => "fetch it first, and name the file that is there then".to_owned(),
        };
        return Some((
            format!("`{}` is an address, not a path", text.escape_debug()),
            help,
        ));
    }
    text.contains('\\').then(|| {
        (
            "a path has `/` here, not `\\`".to_owned(),
            format!("write `\"{}\"`", posix(text)),
        )
    })
}

/// A path of Windows as a host has it.
pub fn posix(path: &str) -> String {
    let drive = path.as_bytes().get(1) == Some(&b':');
    let path = if drive { &path[2..] } else { path };
    path.replace("\\\\", "\\").replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_as_it_stands_is_taken() {
        for text in [
            "vmlinuz",
            "/boot/vmlinuz-6.8",
            "../a b/Image",
            "a-50%",
            "x@y",
            "é~",
            "%h",
        ] {
            assert!(found(text, Sort::Path, "`kernel`").is_none(), "{text}");
        }
        for text in [
            "",
            "console=ttyS0 root=LABEL=\"a b\" x=~y",
            "pw=$6$salt$hash $y$j9T$",
            "a=b\\040c url=http://x/?y=* %h 5$",
        ] {
            assert!(
                found(text, Sort::CommandLine, "`cmdline`").is_none(),
                "{text}"
            );
        }
        assert!(found("https://x/lock.json", Sort::Place, "the schema's place").is_none());
        assert!(found("kvm-6.8", Sort::Name, "a baseline").is_none());
    }

    #[test]
    fn what_others_would_change_is_refused() {
        for (text, help) in [
            ("'vmlinuz'", "write `\"vmlinuz\"`"),
            ("‘vmlinuz’", "write `\"vmlinuz\"`"),
            ("“vmlinuz”", "write `\"vmlinuz\"`"),
            ("\"vmlinuz\"", "write `\"vmlinuz\"`"),
            (
                "none",
                "leave it out where there is none; a file of that name is `./none`",
            ),
            (
                "`uname -r`",
                "write the value itself: a text is taken as it stands",
            ),
            ("it's", "give the file a name without it"),
            (
                "~/x",
                "write the whole path, or one that is relative to this file",
            ),
            (
                "~root/x",
                "write the whole path, or one that is relative to this file",
            ),
            ("vmlinuz-*", "name the one file that is meant"),
            ("C:\\boot\\Image", "write `\"/boot/Image\"`"),
            ("..\\Image", "write `\"../Image\"`"),
            ("file:///boot/Image", "write `\"/boot/Image\"`"),
            (
                "https://x/Image",
                "fetch it first, and name the file that is there then",
            ),
        ] {
            assert_eq!(found(text, Sort::Path, "it").unwrap().1, help, "{text}");
        }
        for text in [
            "${A}",
            "$A/x",
            "a-$(uname -r)",
            "%KERNEL%",
            "@K@/x",
            "{{ k }}",
            "<%= k %>",
            "$a",
            "${",
        ] {
            for sort in [Sort::Path, Sort::Place, Sort::CommandLine, Sort::Name] {
                assert!(
                    found(text, sort, "it").unwrap().0.contains("fills in"),
                    "{text}"
                );
            }
        }
        assert_eq!(
            found("kvm-6.8, psci-1.1", Sort::Name, "it").unwrap().1,
            "write each in quotes of its own: \"kvm-6.8\" \"psci-1.1\""
        );
        for name in ["Linux 6.8", "Raspberry Pi 4", "kvm-6.8"] {
            assert!(found(name, Sort::Name, "it").is_none(), "{name}");
        }
        for (text, refused) in [
            ("'a b'", true),
            ("a=“b”", true),
            ("init='a'", false),
            ("rob's", false),
        ] {
            let found = found(text, Sort::CommandLine, "it");
            assert_eq!(found.is_some(), refused, "{text}");
        }
    }
}
