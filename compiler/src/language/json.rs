//! The JSON form of a description, and where its values stand in the text: an object, or `machines` with one for each.
//! Each machine is described in full there; what KDL has for sharing is for people.

mod shape;
mod text;
mod unlike;
mod walk;

pub use unlike::{of_lock, unlike, what_it_is};

use super::decode::{Decoded, ENTRIES_MAX, too_many};
use super::scan::conflict;
use crate::diagnostic::Diagnostic;
use crate::language::sharing;
use crate::location::{Places, Source};
use crate::several::{MACHINES_MAX, SEVERAL};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use vmlock_spec::vm::VmSpec;
use vmlock_spec::vm::device::{Device, Vsock};
use walk::{Walker, walked};

/// Places that hold an object or nothing: serde would take a list for one, by position.
const OBJECTS: [&str; 5] = ["", "/cpu", "/cpu/pmu", "/cpu/debug", "/boot"];

/// Longest message of the reader, in characters: it repeats what it did not expect.
const WORDS_CHARS_MAX: usize = 400;

/// Several machines of one file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    /// For editors alone.
    #[serde(rename = "$schema", default)]
    _schema: Option<String>,
    machines: Vec<VmSpec>,
}

/// What the machines of a text are called; nothing where it cannot be read.
pub fn names(source: &Source) -> Option<Vec<Option<String>>> {
    let value: serde_json::Value = serde_json::from_str(&source.text).ok()?;
    let name = |one: &serde_json::Value| Some(one.get("name")?.as_str()?.to_owned());
    match value.get(SEVERAL).and_then(serde_json::Value::as_array) {
        Some(several) => Some(several.iter().map(name).collect()),
        None => Some(vec![name(&value)]),
    }
}

/// Reads a description in its JSON form: its machines.
///
/// # Errors
/// What is wrong with it as JSON, keys that stand twice, or the first thing that is not as a
/// description has it: the JSON Schema in an editor shows the others.
pub fn decode(source: &Arc<Source>) -> Result<Vec<Decoded>, Vec<Diagnostic>> {
    if let Some(conflict) = conflict(source) {
        return Err(vec![conflict]);
    }
    let IgnoredAny =
        serde_json::from_str(&source.text).map_err(|error| vec![unreadable(source, &error)])?;
    let Walker {
        places,
        keys,
        count,
        twice,
        ..
    } = walked(source, ENTRIES_MAX);
    if count > ENTRIES_MAX {
        let value = serde_json::from_str(&source.text).ok();
        let other = value.and_then(|value| another(source, &value));
        return Err(vec![other.unwrap_or_else(|| too_many(source, count))]);
    }
    if !twice.is_empty() {
        return Err(twice);
    }
    let wrong = |error: serde_json::Error| refused(source, &error, &places, &keys);
    // An object alone has keys.
    let several = places.get(&format!("/{SEVERAL}")).is_some();
    let (specs, places) = if several {
        let Several { machines, .. } = serde_json::from_str(&source.text).map_err(wrong)?;
        let count = machines.len();
        let wrong = |words: String, help: String| {
            let span = places.find(&format!("/{SEVERAL}"));
            let found = Diagnostic::error("spec::json", words);
            Err(vec![found.at(source, span, "this list").help(help)])
        };
        if count == 0 {
            let help =
                "a description has one machine at least: write it here, or in the file's place";
            return wrong(format!("`{SEVERAL}` is empty"), help.to_owned());
        }
        if count > MACHINES_MAX {
            let help = format!("a file has at most {MACHINES_MAX}");
            return wrong(format!("this file has {count} machines"), help);
        }
        let each = (0..count).map(|index| places.below(&format!("/{SEVERAL}/{index}")));
        (machines, each.collect())
    } else {
        let spec = serde_json::from_str(&source.text).map_err(wrong)?;
        (vec![spec], vec![places])
    };
    let mut found = objects(source, &specs, &places);
    found.extend(empty(source, &specs, &places));
    let named: Vec<(&str, Range<usize>)> = specs
        .iter()
        .zip(&places)
        .map(|(spec, places)| (spec.name.as_str(), places.find("/name")))
        .collect();
    found.extend(sharing::taken_names(source, &named));
    if !found.is_empty() {
        return Err(found);
    }
    let machine = |(spec, places): (VmSpec, Places)| Decoded {
        name: Some(spec.name.clone()),
        span: places.find(""),
        spec: Some(spec),
        places,
        found: Vec::new(),
        unread: Vec::new(),
    };
    Ok(specs.into_iter().zip(places).map(machine).collect())
}

/// Lists of a PMU's events that are there and say nothing. A description has no place for the difference.
fn empty(source: &Arc<Source>, specs: &[VmSpec], places: &[Places]) -> Vec<Diagnostic> {
    let of = |(spec, places): (&VmSpec, &Places)| {
        let of_pmu = spec.cpu.pmu.iter().flat_map(|pmu| {
            let lists = [("allow", &pmu.allow), ("deny", &pmu.deny)];
            lists.into_iter().filter(|(_, list)| list.is_empty())
        });
        // What is not written is empty as well.
        let spans = of_pmu.filter_map(|(word, _)| {
            let span = places.get(&format!("/cpu/pmu/{word}"));
            span.map(|span| (word, span))
        });
        spans.collect::<Vec<_>>()
    };
    let told = |(word, span)| {
        Diagnostic::error("spec::missing", format!("`{word}` names no event"))
            .at(source, span, "this list")
            .help("name one at least, or leave it out")
    };
    specs.iter().zip(places).flat_map(of).map(told).collect()
}

/// Lists where objects have to be.
fn objects(source: &Arc<Source>, specs: &[VmSpec], places: &[Places]) -> Vec<Diagnostic> {
    let mut lists = Vec::new();
    for (spec, places) in specs.iter().zip(places) {
        let of_set = (0..spec.cpu.set.len()).map(|index| format!("/cpu/set/{index}"));
        let objects = OBJECTS.iter().map(|place| (*place).to_owned());
        let of_devices = spec.devices.iter().enumerate().flat_map(|(index, device)| {
            let place = format!("/devices/{index}/{}", device.word());
            let ports = match device {
                Device::Vsock(Vsock { ports, .. }) => ports.len(),
                _ => 0,
            };
            let ports: Vec<String> = (0..ports)
                .map(|port| format!("{place}/ports/{port}"))
                .collect();
            [place].into_iter().chain(ports)
        });
        let places_of = objects.chain(of_set).chain(of_devices);
        lists.extend(places_of.filter_map(|place| places.get(&place)));
    }
    let is_list = |span: &Range<usize>| source.text[span.start..].starts_with('[');
    lists
        .into_iter()
        .filter(is_list)
        .map(|span| {
            Diagnostic::error("spec::json", "an object stands here, not a list")
                .at(source, span, "this list")
                .help("name each value: what a list means would change with each new key")
        })
        .collect()
}

/// The reader's words, without its place.
fn plain(error: &serde_json::Error) -> String {
    shortened(&vmlock_spec::json::words(error), WORDS_CHARS_MAX)
}

/// A text that is no JSON.
fn unreadable(source: &Arc<Source>, error: &serde_json::Error) -> Diagnostic {
    let at = offset(&source.text, error.line(), error.column());
    text::wrong(source, at, &plain(error))
}

/// JSON that is no description: all that its schema does not have so, or else what the reader says.
fn refused(
    source: &Arc<Source>,
    error: &serde_json::Error,
    places: &Places,
    keys: &BTreeMap<String, Range<usize>>,
) -> Vec<Diagnostic> {
    let value: Result<serde_json::Value, _> = serde_json::from_str(&source.text);
    if let Some(found) = value.as_ref().ok().and_then(|value| another(source, value)) {
        return vec![found];
    }
    let found = value.map(|value| shape::wrong(source, &value, places, keys));
    match found.unwrap_or_default() {
        found if !found.is_empty() => found,
        _ => {
            let at = offset(&source.text, error.line(), error.column());
            let found = Diagnostic::error("spec::json", plain(error));
            vec![found.at(source, at..at, "here").help(
                "`vmlock schema spec` prints the JSON Schema of this form; an editor that has it points at every error",
            )]
        }
    }
}

/// The finding on a file of another kind where a description belongs. A description with a key too many is still one.
fn another(source: &Arc<Source>, value: &serde_json::Value) -> Option<Diagnostic> {
    let described = ["abi", SEVERAL].iter().any(|key| value.get(key).is_some());
    let kind = what_it_is(value).filter(|_| !described)?;
    let help = match kind {
        "a lock" => {
            "`vmlock lock` makes a lock of a description, and nothing makes a description of a lock"
        }
        "a host report" => "`vmlock adopt` makes a description of it",
        _ => "`vmlock import` makes a part of a CPU model of it",
    };
    let found = Diagnostic::error("spec::json", format!("this is {kind}, not a description"));
    Some(
        found
            .at(source, beginning(source), "it begins here")
            .help(help),
    )
}

/// Where a text begins.
fn beginning(source: &Source) -> Range<usize> {
    let start = source.text.len() - source.text.trim_start().len();
    start
        ..start
            + source.text[start..]
                .chars()
                .next()
                .map_or(0, char::len_utf8)
}

/// The byte offset of serde_json's line and column (bytes, from 1).
pub fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A text of the file as a message can hold it.
fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found() {
        let text = r#"{ "n\u0061me": "a\"b", "arch": "arm64", "abi": ["x", "kvm-6.8"], "cpu": {"model": "m", "count": 2}, "memory": 1 }"#;
        let source = Arc::new(Source {
            path: "x".into(),
            text: text.into(),
        });
        let places = &decode(&source).unwrap()[0].places;
        let said = |p: &str| &text[places.find(p)];
        assert_eq!(said("/name"), r#""a\"b""#);
        assert_eq!(said("/abi/1"), r#""kvm-6.8""#);
        assert_eq!(said("/cpu/count"), "2");
        assert_eq!(said("/cpu/count/deeper"), "2");
        assert_eq!(said("/nothing"), "{");
    }
}
