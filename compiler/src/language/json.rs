//! The JSON form of a description, and where its values stand in the text: an object, or `machines` with one for each.
//! Each machine is described in full there; what KDL has for sharing is for people.

mod shape;
mod text;

use super::decode::{Decoded, ENTRIES_MAX, too_many};
use super::scan::conflict;
use crate::diagnostic::Diagnostic;
use crate::flags::Which;
use crate::language::sharing;
use crate::location::{Places, Source};
use crate::several::{MACHINES_MAX, SEVERAL};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use vmlock_spec::lock::{canonical, v1, v2};
use vmlock_spec::vm::VmSpec;
use vmlock_spec::vm::device::{Device, Vsock};

/// Places that hold an object or nothing: serde would take a list for one, by position.
const OBJECTS: [&str; 5] = ["", "/cpu", "/cpu/pmu", "/cpu/debug", "/boot"];

/// Longest part of a key that a place is called by, in characters; those that mean something are short.
const KEY_CHARS_MAX: usize = 64;

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
        let other = value.and_then(|value| another(source, &value, &places));
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
    if let Some(found) = value
        .as_ref()
        .ok()
        .and_then(|value| another(source, value, places))
    {
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

/// Of how many values of a lock or a host report the place is kept, some ten times those of a real one: a file must not decide
/// how much memory that takes. What has none is shown where that stands which it is in.
const PLACES_MAX: usize = 200_000;
/// The longest way to a value whose place is kept, in bytes.
const POINTER_MAX: usize = 256;

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

/// The finding on a file of another kind where a description belongs. A description with a key too many is still one.
fn another(source: &Arc<Source>, value: &serde_json::Value, places: &Places) -> Option<Diagnostic> {
    let kind = what_it_is(value).filter(|_| value.get("abi").is_none())?;
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
            .at(source, places.find(""), "it begins here")
            .help(help),
    )
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
            let start = source.text.len() - source.text.trim_start().len();
            Diagnostic::error(code, message).at(source, start..start + 1, "it begins here")
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
    let (message, label) = match shown.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        true => (format!("`{name}` is out of range"), "out of range"),
        false => {
            let words = shortened(words, WORDS_CHARS_MAX);
            (format!("`{name}` cannot be used: {words}"), "here")
        }
    };
    Diagnostic::error("spec::json", message).at(source, span, label)
}

/// Walks a text that is JSON; the first `places` of its values have a place.
fn walked(source: &Arc<Source>, most: usize) -> Walker<'_> {
    let mut walker = Walker::new(source, most);
    walker.value(&mut String::new());
    walker
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

/// Walks JSON that has been read successfully, so depth and form are known to be fine.
struct Walker<'a> {
    source: &'a Arc<Source>,
    text: &'a [u8],
    at: usize,
    places: Places,
    /// Where the keys stand, by the place of what they name.
    keys: BTreeMap<String, Range<usize>>,
    /// How many values have a place.
    most: usize,
    count: usize,
    /// Keys that stand twice in one object.
    twice: Vec<Diagnostic>,
    /// A place of the text whose value is looked for: the innermost one there, or what ended last before it within that.
    sought: Option<usize>,
    /// What was found there: its pointer, and where it stands.
    met: Option<(String, Range<usize>)>,
}

impl<'a> Walker<'a> {
    fn new(source: &'a Arc<Source>, most: usize) -> Self {
        Walker {
            source,
            text: source.text.as_bytes(),
            at: 0,
            places: Places::new(Arc::clone(source)),
            keys: BTreeMap::new(),
            most,
            count: 0,
            twice: Vec::new(),
            sought: None,
            met: None,
        }
    }

    fn blank(&mut self) {
        while self
            .peek()
            .is_some_and(|b| b.is_ascii_whitespace() || b == b',' || b == b':')
        {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Where a string stands, with its quotes.
    fn string(&mut self) -> Range<usize> {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|b| b != b'"') {
            self.at += 1 + usize::from(self.peek() == Some(b'\\'));
        }
        self.at = (self.at + 1).min(self.text.len());
        start..self.at
    }

    fn object(&mut self, pointer: &mut String) {
        let length = pointer.len();
        let mut keys: BTreeMap<String, Range<usize>> = BTreeMap::new();
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                return;
            }
            let span = self.string();
            // As it is read, not as it is spelt: `"n\u0061me"` is `name`.
            let key = serde_json::from_slice(&self.text[span.clone()]);
            let key: String = key.unwrap_or_default();
            pointer.push('/');
            pointer.extend(key.chars().take(KEY_CHARS_MAX));
            if self.count <= self.most && pointer.len() <= POINTER_MAX {
                self.keys.insert(pointer.clone(), span.clone());
            }
            if let Some(first) = keys.get(&key) {
                self.given_twice(&key, span, first.clone());
            } else {
                keys.insert(key, span);
            }
            self.value(pointer);
            pointer.truncate(length);
        }
    }

    fn given_twice(&mut self, key: &str, again: Range<usize>, first: Range<usize>) {
        if self.twice.len() == ENTRIES_MAX {
            return;
        }
        let message = format!("`{}` is given twice", shortened(key, KEY_CHARS_MAX));
        self.twice.push(
            Diagnostic::error("spec::duplicate-property", message)
                .at(self.source, again, "again here")
                .at(self.source, first, "first here")
                .help("keep one of the two"),
        );
    }

    fn value(&mut self, pointer: &mut String) {
        self.blank();
        let (start, length) = (self.at, pointer.len());
        match self.peek() {
            Some(b'{') => {
                self.at += 1;
                self.object(pointer);
                self.at += 1;
            }
            Some(b'[') => {
                self.at += 1;
                for index in 0.. {
                    self.blank();
                    if matches!(self.peek(), None | Some(b']')) {
                        break;
                    }
                    pointer.push_str(&format!("/{index}"));
                    self.value(pointer);
                    pointer.truncate(length);
                }
                self.at += 1;
            }
            Some(b'"') => {
                self.string();
            }
            _ => {
                let ends = |b: u8| b.is_ascii_whitespace() || b",]}".contains(&b);
                while self.peek().is_some_and(|b| !ends(b)) {
                    self.at += 1;
                }
            }
        }
        self.count += 1;
        let end = self.at.min(self.text.len());
        // A block is best shown by its bracket alone.
        let scalar = !matches!(self.text.get(start), Some(b'{' | b'['));
        let span = start..if scalar { end } else { start + 1 };
        if let Some(sought) = self.sought {
            let within = (start..end).contains(&sought);
            if end <= sought || within && self.met.as_ref().is_none_or(|(_, met)| met.start < start)
            {
                self.met = Some((pointer.chars().take(POINTER_MAX).collect(), span.clone()));
            }
            if within {
                self.sought = None;
            }
        }
        if self.count > self.most || pointer.len() > POINTER_MAX {
            return;
        }
        self.places.note(pointer.clone(), span);
    }
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
    use canonical::LockError;
    use serde_json::Value;
    use vmlock_spec::report::ReportError;

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

    #[test]
    fn places_take_no_more_memory_than_a_few_of_each_byte() {
        let mut text = "1".to_owned();
        for _ in 0..100 {
            text = format!("{{\"{}\": {text}}}", "k".repeat(64));
        }
        let source = Arc::new(Source {
            path: "x".into(),
            text: format!("[{}]", vec!["0"; PLACES_MAX + 9].join(",")),
        });
        let all = walked(&source, PLACES_MAX);
        let last = |at: usize| all.places.get(&format!("/{at}"));
        assert!(last(PLACES_MAX - 1).is_some() && last(PLACES_MAX).is_none());
        let source = Arc::new(Source {
            path: "x".into(),
            text,
        });
        let all = walked(&source, PLACES_MAX);
        assert!(all.keys.keys().all(|key| key.len() <= POINTER_MAX));
        assert_eq!(all.keys.len(), 3);
    }

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
        for (which, of, text, read) in [
            (
                Which::Lock,
                "lock",
                include_str!("../../../spec/tests/frozen/v1/modern.vm.lock.json"),
                lock,
            ),
            (
                Which::Lock,
                "lock",
                include_str!("../../../examples/modern.vm.lock.json"),
                lock,
            ),
            (
                Which::Lock,
                "lock",
                include_str!("../../../examples/carried.vm.lock.json"),
                lock,
            ),
            (
                Which::Host,
                "report",
                include_str!("../../../spec/catalogue/hosts/max-7.3.json"),
                report,
            ),
        ] {
            let mut whole: Value = serde_json::from_str(text).unwrap();
            shorten(&mut whole);
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
                    told += 1;
                }
            }
        }
        assert!(told > 200, "{told}");
    }
}
