//! What is wrong with a lock or a host report that its reader has refused, which programs write and a hand may have changed.

use super::walk::{PLACES_MAX, Walker};
use super::{WORDS_CHARS_MAX, beginning, offset, shape, shortened, unreadable};
use crate::diagnostic::Diagnostic;
use crate::flags::Which;
use crate::language::scan::conflict;
use crate::location::Source;
use std::ops::Range;
use std::sync::Arc;
use vmlock_spec::lock::{canonical, v1, v2};

/// What a file of vmlock's is, by the version that it says of itself; `None` for a description, and for all others.
pub fn what_it_is(value: &serde_json::Value) -> Option<&'static str> {
    const KINDS: [(&str, &str); 3] = [
        ("lockVersion", "a lock"),
        ("reportVersion", "a host report"),
        ("observedVersion", "what a witness saw"),
    ];
    let mut kinds = KINDS.iter().filter(|(key, _)| value.get(key).is_some());
    kinds.next().map(|(_, kind)| *kind)
}

/// By which schema a lock is judged, by the version that it says.
pub fn of_lock(text: &str) -> Which {
    match canonical::version_in(text) {
        Some(v1::VERSION) => Which::LockV1,
        Some(v2::VERSION) => Which::LockV2,
        _ => Which::Lock,
    }
}

/// What is wrong with a lock or a host report that its reader has refused: that it is no JSON, what first stands otherwise
/// there than its schema says, or else the member that the reader stopped at, with its `words`. `of` is what it is called.
pub fn unlike(
    source: &Arc<Source>,
    (which, of, code): (Which, &str, &'static str),
    (line, column, words): (usize, usize, &str),
) -> Diagnostic {
    let mut first = match serde_json::from_str::<serde_json::Value>(&source.text) {
        Err(error) => conflict(source).unwrap_or_else(|| unreadable(source, &error)),
        Ok(value) if what_it_is(&value).is_some_and(|kind| !kind.ends_with(of)) => {
            let kind = what_it_is(&value).unwrap_or_default();
            let wanted = match which {
                Which::Host => "host report",
                _ => of,
            };
            let message = format!("this is {kind}, not a {wanted}");
            Diagnostic::error(code, message).at(source, beginning(source), "it begins here")
        }
        Ok(value) => {
            let at = offset(&source.text, line, column);
            let mut walker = Walker::new(source, PLACES_MAX);
            walker.sought = Some(at);
            walker.value(&mut String::new());
            let Walker {
                places,
                keys,
                twice,
                met,
                ..
            } = walker;
            let found = shape::unlike(source, &value, &places, &keys, (which, of, code));
            let mut found: Vec<Diagnostic> = found.into_iter().chain(twice).collect();
            found.sort_by_key(|one| one.labels.first().map_or(0, |label| label.span.start));
            let first = found.into_iter().next();
            first.unwrap_or_else(|| refused_member(source, met, of, words))
        }
    };
    first.code = code;
    first
}

/// The member that the reader of a lock or a host report refused, by its name.
fn refused_member(
    source: &Arc<Source>,
    met: Option<(String, Range<usize>)>,
    of: &str,
    words: &str,
) -> Diagnostic {
    let (pointer, span) = met.unwrap_or((String::new(), 0..0));
    let mut names = pointer.rsplit('/');
    let name = names.find(|name| name.parse::<usize>().is_err() && !name.is_empty());
    let name = name.unwrap_or(of);
    let shown = source.text.get(span.clone()).unwrap_or_default();
    // Of numbers the reader's library knows bounds of its own.
    let number = shown.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let of_numbers = ["integer", "floating point", "number out of range"];
    let out_of_range = number && of_numbers.iter().any(|of| words.contains(of));
    let (message, label) = match out_of_range {
        true => (format!("`{name}` is out of range"), "out of range"),
        false => {
            let words = shortened(words, WORDS_CHARS_MAX);
            (format!("`{name}` cannot be used: {words}"), "here")
        }
    };
    Diagnostic::error("spec::json", message).at(source, span, label)
}

#[cfg(test)]
mod tests {
    use super::super::walk::walked;
    use super::*;
    use canonical::LockError;
    use serde_json::Value;
    use vmlock_spec::report::ReportError;

    /// Words of the reader's library, which speak of Rust.
    const FOREIGN: [&str; 8] = [
        "invalid type",
        "invalid value",
        "invalid length",
        "expected ",
        "missing field",
        "unknown field",
        "unknown variant",
        " at line ",
    ];

    /// Leaves a little of each list: what one holds is alike.
    fn shorten(value: &mut Value) {
        match value {
            Value::Array(list) => {
                list.truncate(2);
                list.iter_mut().for_each(shorten);
            }
            Value::Object(map) => map.values_mut().for_each(shorten),
            _ => {}
        }
    }

    /// The pointers of members, a few of each list and map.
    fn below(value: &Value, pointer: &str, members: &mut Vec<String>) {
        let inner: Vec<(String, &Value)> = match value {
            Value::Array(list) => {
                let first = list.iter().enumerate().take(1);
                first.map(|(at, one)| (at.to_string(), one)).collect()
            }
            Value::Object(map) => {
                let first = map.iter().take(6);
                first
                    .map(|(key, one)| (key.replace('~', "~0").replace('/', "~1"), one))
                    .collect()
            }
            _ => Vec::new(),
        };
        for (key, value) in inner {
            let pointer = format!("{pointer}/{key}");
            below(value, &pointer, members);
            members.push(pointer);
        }
    }

    /// Every member of locks of all versions and of a report, by its name, with values of all kinds in its place: whatever
    /// the reader refuses is told in words of our own, at a place of the text.
    #[test]
    fn whatever_is_changed_by_hand_is_told_in_words_of_our_own() {
        type Read = fn(&str) -> Option<(usize, usize, String)>;
        let lock: Read = |text| match vmlock_spec::lock::canonical::parse(text) {
            Err(LockError::Malformed {
                line,
                column,
                message,
            }) => Some((line, column, message)),
            _ => None,
        };
        let report: Read = |text| match vmlock_spec::report::read(text) {
            Err(ReportError::Malformed {
                line,
                column,
                message,
            }) => Some((line, column, message)),
            _ => None,
        };
        let values = [
            "null",
            "-1",
            "1.5",
            "99999999999",
            "\"x\"",
            "[3]",
            "{\"x\": 1}",
        ];
        let mut told = 0;
        let mut elsewhere = std::collections::BTreeSet::new();
        for (which, of, text, read) in [
            (
                Which::Lock,
                "lock",
                include_str!("../../../../spec/tests/frozen/v1/modern.vm.lock.json"),
                lock,
            ),
            (
                Which::Lock,
                "lock",
                include_str!("../../../../examples/modern.vm.lock.json"),
                lock,
            ),
            (
                Which::Lock,
                "lock",
                include_str!("../../../../examples/carried.vm.lock.json"),
                lock,
            ),
            (
                Which::Host,
                "report",
                include_str!("../../../../spec/catalogue/hosts/max-7.3.json"),
                report,
            ),
        ] {
            let mut whole: Value = serde_json::from_str(text).unwrap();
            shorten(&mut whole);
            // What is wrong with so little of a file by itself.
            let short = serde_json::to_string_pretty(&whole).unwrap();
            let short = read(&short).map(|(_, _, words)| words);
            let mut members = Vec::new();
            below(&whole, "", &mut members);
            for pointer in members {
                for value in values {
                    let mut changed = whole.clone();
                    *changed.pointer_mut(&pointer).unwrap() = serde_json::from_str(value).unwrap();
                    let text = serde_json::to_string_pretty(&changed).unwrap();
                    let Some((line, column, words)) = read(&text) else {
                        continue;
                    };
                    if short.as_ref() == Some(&words) {
                        continue;
                    }
                    let which = match which {
                        Which::Host => which,
                        _ => of_lock(&text),
                    };
                    let path = "x".into();
                    let source = Arc::new(Source { path, text });
                    let one = unlike(
                        &source,
                        (which, of, "lock::invalid"),
                        (line, column, &words),
                    );
                    let message = one.message.join("; ");
                    let foreign = FOREIGN.iter().find(|words| message.contains(**words));
                    assert_eq!(foreign, None, "{pointer}: {value}: {message}");
                    let label = one.labels.first().expect("it has a place");
                    let shown = source.text.get(label.span.clone());
                    assert!(
                        shown.is_some_and(|shown| !shown.is_empty()),
                        "{pointer}: {message}"
                    );
                    let all = walked(&source, PLACES_MAX);
                    // The member, from its key on, or what it is in.
                    let of_list = pointer
                        .rsplit('/')
                        .next()
                        .is_some_and(|k| k.parse::<usize>().is_ok());
                    let whole = all.places.get(&pointer).expect("it is there");
                    let key = all.keys.get(&pointer).filter(|_| !of_list);
                    let key = key.map_or(whole.start, |key| key.start);
                    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                    let around = [all.places.get(parent), all.keys.get(parent).cloned()];
                    let at = label.span.start;
                    let there = (key..whole.start + value.len() + 20).contains(&at)
                        || around.iter().flatten().any(|span| span.start == at);
                    if !there {
                        elsewhere.insert(format!("{pointer} {value}: {message} at {shown:?}"));
                    }
                    told += 1;
                }
            }
        }
        assert!(elsewhere.is_empty(), "{elsewhere:#?}");
        assert!(told > 200, "{told}");
    }
}
