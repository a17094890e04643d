//! What in a description's JSON form is not as its schema has it: types of values, unknown and missing keys, names that
//! there are not. It is asked where serde has refused a text: serde says the first thing alone, and in words of Rust.

use super::shortened;
use crate::diagnostic::{Diagnostic, suggest};
use crate::flags::Which;
use crate::language::decode::{meant, size};
use crate::language::elsewhere;
use crate::language::nodes::VM;
use crate::location::{Places, Source};
use crate::schema::schema;
use crate::several::SEVERAL;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use vmlock_spec::lock::hex::{hex64, is_digest};
use vmlock_spec::report::Seen;
use vmlock_spec::words::did_you_mean;

/// Longest key or text that is repeated, in characters.
const CHARS_MAX: usize = 64;

/// Most that is told.
const FOUND_MAX: usize = 50;

/// Everything that stands otherwise than the schema says. `keys` has where the keys stand, by the place of their value.
pub fn wrong(
    source: &Arc<Source>,
    value: &Value,
    places: &Places,
    keys: &BTreeMap<String, Range<usize>>,
) -> Vec<Diagnostic> {
    let schema = schema(Which::Spec);
    let mut judge = Judge {
        source,
        code: "spec::json",
        schema: &schema,
        places,
        keys,
        strict: false,
        found: Vec::new(),
    };
    match value.get(SEVERAL) {
        Some(Value::Array(machines)) => {
            for key in value.as_object().into_iter().flat_map(Map::keys) {
                if ![SEVERAL, "$schema"].contains(&key.as_str()) {
                    judge.beside_machines(key);
                }
            }
            for (index, machine) in machines.iter().enumerate() {
                judge.machine(machine, &format!("/{}/{index}", SEVERAL));
            }
        }
        Some(other) => {
            let span = places.find(&format!("/{}", SEVERAL));
            let message = format!("`machines` must be a list, not {}", called(kind(other)));
            judge.push(
                span,
                message,
                called(kind(other)),
                "write `[{ \"name\": \"web\", … }]`, an object to each machine",
            );
        }
        None => judge.machine(value, ""),
    }
    judge.found
}

/// Everything that stands otherwise in a lock or a host report than its schema says; `of` is what it is called. Programs
/// write them: what is there has to be known, and not how it would be written.
pub fn unlike(
    source: &Arc<Source>,
    value: &Value,
    places: &Places,
    keys: &BTreeMap<String, Range<usize>>,
    (which, of, code): (Which, &str, &'static str),
) -> Vec<Diagnostic> {
    let schema = schema(which);
    let mut judge = Judge {
        source,
        code,
        schema: &schema,
        places,
        keys,
        strict: true,
        found: Vec::new(),
    };
    judge.value(value, &schema, of, true, "");
    judge.found
}

/// How programs spell texts.
struct Spelling {
    /// What the schema says of it.
    pattern: &'static str,
    is: fn(&str) -> bool,
    /// What it is, for people.
    words: &'static str,
}

/// Spellings of the values in locks and reports.
const SPELLINGS: [Spelling; 6] = [
    Spelling {
        pattern: "^0x60[23]0[0-9a-f]{12}$",
        is: |text| {
            let of_arm64 = ["0x6020", "0x6030"]
                .iter()
                .any(|start| text.starts_with(start));
            of_arm64 && hex64::parse_digits(text, 16).is_ok()
        },
        words: "the id of one of KVM's arm64 registers stands here: `0x6020` or `0x6030` and 12 hex digits",
    },
    Spelling {
        pattern: "^0x[0-9a-f]{16}$",
        is: |text| hex64::parse_digits(text, 16).is_ok(),
        words: "`0x` and 16 hex digits stand here",
    },
    Spelling {
        pattern: "^0x[0-9a-f]{8}$",
        is: |text| hex64::parse_digits(text, 8).is_ok(),
        words: "`0x` and 8 hex digits stand here",
    },
    Spelling {
        pattern: "^0x([0-9a-f]{8}|[0-9a-f]{16})$",
        is: |text| {
            [8, 16]
                .into_iter()
                .any(|digits| hex64::parse_digits(text, digits).is_ok())
        },
        words: "`0x` and 8 or 16 hex digits stand here",
    },
    Spelling {
        pattern: "^sha256-[0-9a-f]{64}$",
        is: is_digest,
        words: "`sha256-` and 64 hex digits stand here",
    },
    Spelling {
        pattern: "^(0x[0-9a-f]{16}|undefined|abort|trapped 0x[0-9a-f]{2})$",
        is: |text| Seen::try_from(text.to_owned()).is_ok(),
        words: "`0x` and 16 hex digits stand here, or an exception",
    },
];

struct Judge<'a> {
    source: &'a Arc<Source>,
    /// The code of what is found.
    code: &'static str,
    schema: &'a Value,
    places: &'a Places,
    keys: &'a BTreeMap<String, Range<usize>>,
    /// Whether spellings and bounds are judged as well. Those of a description are judged with the whole of it, in words of
    /// their own.
    strict: bool,
    found: Vec<Diagnostic>,
}

/// What kind of value it is, in the schema's words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A kind for people.
fn called(kind: &str) -> &'static str {
    match kind {
        "null" => "`null`",
        "boolean" => "a truth value",
        "number" => "a number with a fraction",
        "integer" => "a whole number",
        "string" => "a string",
        "array" => "a list",
        _ => "an object",
    }
}

impl<'a> Judge<'a> {
    /// Tells of one, up to as many as anybody reads: a file must not decide how many there are.
    fn push(&mut self, span: Range<usize>, message: String, label: &str, help: impl Into<String>) {
        if self.found.len() == FOUND_MAX {
            return;
        }
        self.found.push(
            Diagnostic::error(self.code, message)
                .at(self.source, span, label)
                .help(help),
        );
    }

    fn key_at(&self, place: &str) -> Range<usize> {
        let key = self.keys.get(place).cloned();
        key.unwrap_or_else(|| self.places.find(place))
    }

    fn beside_machines(&mut self, key: &str) {
        let span = self.key_at(&format!("/{key}"));
        let message = format!("`{}` stands beside `machines`", shortened(key, CHARS_MAX));
        self.push(
            span,
            message,
            "which machine's?",
            "each machine says what it has itself: write it into those of `machines`",
        );
    }

    fn machine(&mut self, value: &Value, place: &str) {
        let Value::Object(object) = value else {
            let message = format!("a description is an object, not {}", called(kind(value)));
            self.push(
                self.places.find(place),
                message,
                called(kind(value)),
                "write `{ \"name\": \"web\", … }`; several machines are `{ \"machines\": [ … ] }`",
            );
            return;
        };
        let required = ["name", "arch", "abi", "cpu", "memory"];
        self.object(object, self.schema, &required, "vm", place);
    }

    /// The schema that stands behind references and lists of one.
    fn meant(&self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..8 {
            let inner = match (
                schema.get("$ref").and_then(Value::as_str),
                schema.get("allOf"),
            ) {
                (Some(place), _) => self.schema.pointer(place.trim_start_matches('#')),
                (None, Some(Value::Array(all))) if all.len() == 1 => all.first(),
                _ => None,
            };
            match inner {
                Some(inner) => schema = inner,
                None => break,
            }
        }
        schema
    }

    fn out_of(&self, number: Option<u64>, shape: &Value) -> bool {
        // Of a description, more than serde takes is told here.
        let least = if self.strict { 0 } else { u64::from(u32::MAX) };
        let most = shape.get("maximum").and_then(Value::as_u64);
        number.is_none_or(|number| most.is_some_and(|most| number > most && number > least))
    }

    /// How a text has to be spelt that is not so.
    fn misspelt(&self, text: &str, shape: &Value) -> Option<&'static str> {
        let pattern = shape.get("pattern").and_then(Value::as_str)?;
        let spelling = SPELLINGS
            .iter()
            .find(|spelling| spelling.pattern == pattern)?;
        (self.strict && !(spelling.is)(text)).then_some(spelling.words)
    }

    /// The kinds of values that may stand somewhere; none where anything may.
    fn kinds(&self, schema: &'a Value, depth: usize) -> Vec<&'a str> {
        let schema = self.meant(schema);
        match schema.get("type") {
            Some(Value::String(one)) => return vec![one.as_str()],
            Some(Value::Array(several)) => {
                return several.iter().filter_map(Value::as_str).collect();
            }
            _ => {}
        }
        let choices = ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(key));
        let choices = choices.filter_map(Value::as_array).flatten();
        match depth {
            0..8 => choices
                .flat_map(|choice| self.kinds(choice, depth + 1))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The names that may stand somewhere, where there are no others.
    fn names(&self, schema: &'a Value) -> Option<Vec<&'a str>> {
        let choices = self.meant(schema).get("oneOf")?.as_array()?;
        choices
            .iter()
            .map(|choice| choice.get("const")?.as_str())
            .collect()
    }

    fn value(&mut self, value: &Value, schema: &'a Value, key: &str, required: bool, place: &str) {
        let shape = self.meant(schema);
        let kinds = self.kinds(schema, 0);
        let has = kind(value);
        if !kinds.is_empty() && !kinds.contains(&has) {
            return self.of_another_kind(value, shape, &kinds, key, required, place);
        }
        match value {
            Value::String(text) => {
                if let Some(names) = self
                    .names(schema)
                    .filter(|names| !names.contains(&text.as_str()))
                {
                    let help = match (key, text.to_ascii_lowercase().as_str()) {
                        ("arch", "aarch64" | "armv8" | "arm64e") => {
                            "write `\"arm64\"`, as Linux does".to_owned()
                        }
                        ("console", "virtio" | "hvc0") => {
                            "write `{ \"console\": {} }` into `devices`".to_owned()
                        }
                        ("console", "ttys0" | "serial" | "uart") => "write `\"16550\"`".to_owned(),
                        _ => suggest(text, names),
                    };
                    let message = format!("`{key}` cannot be `{}`", shortened(text, CHARS_MAX));
                    self.push(self.places.find(place), message, "unknown", help);
                } else if let Some(words) = self.misspelt(text, shape) {
                    let message = format!("`{key}` cannot be `{}`", shortened(text, CHARS_MAX));
                    self.push(self.places.find(place), message, words, "");
                }
            }
            Value::Number(number)
                if number.as_u64().is_none() || self.out_of(number.as_u64(), shape) =>
            {
                let of = |bound| shape.get(bound).and_then(Value::as_u64);
                let help = match (of("minimum"), of("maximum")) {
                    (Some(least), Some(most)) => format!("`{key}` is {least} to {most}"),
                    _ => format!("`{key}` is 0 or more"),
                };
                self.push(
                    self.places.find(place),
                    format!("`{key}` is out of range"),
                    "out of range",
                    help,
                );
            }
            Value::Array(items) => {
                let Some(inner) = shape.get("items") else {
                    return;
                };
                for (index, item) in items.iter().enumerate() {
                    self.value(item, inner, key, true, &format!("{place}/{index}"));
                }
            }
            Value::Object(object) => {
                if let Some(inner) = shape
                    .get("additionalProperties")
                    .filter(|inner| inner.is_object())
                {
                    for (key, value) in object {
                        self.value(value, inner, key, true, &format!("{place}/{key}"));
                    }
                    return;
                }
                let required = shape.get("required").and_then(Value::as_array);
                let required = required.into_iter().flatten().filter_map(Value::as_str);
                let required: Vec<&str> = required.collect();
                self.object(object, shape, &required, key, place);
            }
            _ => {}
        }
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        shape: &'a Value,
        required: &[&str],
        of: &str,
        place: &str,
    ) {
        let Some(known) = shape.get("properties").and_then(Value::as_object) else {
            return;
        };
        let of = match of {
            "devices" => "device",
            "ports" => "port",
            of => of,
        };
        // A device is one of them, and so none can be left out.
        let one_of = shape.get("maxProperties").is_some();
        let mut meant_by_others = Vec::new();
        let mut elsewhere = false;
        for (key, value) in object {
            let place = format!("{place}/{}", shortened_key(key));
            if let Some(schema) = known.get(key).filter(|_| key != SEVERAL) {
                let needed = one_of || required.contains(&key.as_str());
                self.value(value, schema, key, needed, &place);
                continue;
            }
            if one_of && elsewhere {
                // Several of them are one mistake: what kind it is stands around the rest.
                continue;
            }
            elsewhere |= one_of || key == "vm";
            let (ours, help) = match value.as_str().filter(|_| one_of) {
                Some(name) if known.contains_key(name) => {
                    (None, format!("write `{{ \"{name}\": {{ … }} }}`"))
                }
                _ => unknown(of, key, known),
            };
            meant_by_others.extend(ours);
            let message = match of {
                "vm" => format!("a description has no `{}`", shortened(key, CHARS_MAX)),
                _ => format!("`{of}` has no `{}`", shortened(key, CHARS_MAX)),
            };
            self.push(self.key_at(&place), message, "unknown", help);
        }
        for key in required {
            if !elsewhere
                && !object.contains_key(*key)
                && !meant_by_others.iter().any(|ours| ours == key)
            {
                let message = match of {
                    "vm" => format!("this description has no `{key}`"),
                    _ => format!("this `{of}` has no `{key}`"),
                };
                let help = format!("add `\"{key}\": {}`", example(key, known.get(*key)));
                self.push(self.places.find(place), message, "in this object", help);
            }
        }
    }

    fn of_another_kind(
        &mut self,
        value: &Value,
        shape: &'a Value,
        kinds: &[&'a str],
        key: &str,
        required: bool,
        place: &str,
    ) {
        let span = self.places.find(place);
        // What follows "must be", without `null`: that is written by leaving the key out.
        let wanted = kinds
            .iter()
            .copied()
            .find(|kind| *kind != "null")
            .unwrap_or("null");
        if (wanted, kind(value)) == ("object", "array") {
            let help = "name each value: what a list means would change with each new key";
            return self.push(
                span,
                "an object stands here, not a list".to_owned(),
                "this list",
                help,
            );
        }
        let written = self.source.text.get(span.clone()).unwrap_or("…");
        let help = match (wanted, value) {
            (_, Value::Null) if !required => {
                format!("leave `{key}` out: what is not written is not there")
            }
            ("integer", Value::String(text)) => number(text, key, shape),
            ("integer", Value::Number(number)) => match number.as_f64() {
                Some(whole)
                    if whole.fract() == 0.0
                        && (0.0..=u64::MAX as f64).contains(&whole)
                        && whole < 1e15 =>
                {
                    format!("write `{whole:.0}`")
                }
                _ => format!("`{key}` is a whole number"),
            },
            ("string", Value::Number(_)) if ["abi", "runs-on"].contains(&key) => {
                format!("write `\"kvm-{written}\"`")
            }
            ("string", Value::Number(_)) => format!("write `\"{written}\"`, in quotes"),
            ("string", Value::Array(items)) if items.len() == 1 => {
                format!("write `{}`, without the brackets", items[0])
            }
            ("array", Value::String(_) | Value::Number(_))
                if items_are(self, shape, kind(value)) =>
            {
                format!("write `[{written}]`: it is a list, of one")
            }
            ("array", Value::Object(object))
                if key == "features" && object.values().all(Value::is_boolean) =>
            {
                let on = object
                    .iter()
                    .filter(|(_, on)| **on == Value::Bool(true))
                    .map(|(name, _)| format!("{name:?}"));
                format!("write `[{}]`", on.collect::<Vec<_>>().join(", "))
            }
            ("array", Value::Object(_)) if key == "features" => {
                "list those that the guest has: `[\"pmu\", …]`".to_owned()
            }
            ("array", Value::Object(object))
                if key == "set" && !object.is_empty() && object.values().all(Value::is_u64) =>
            {
                let one = |(field, value): (&String, &Value)| {
                    format!("{{ \"field\": {field:?}, \"value\": {value} }}")
                };
                let all: Vec<String> = object.iter().take(3).map(one).collect();
                format!("write `[{}]`", all.join(", "))
            }
            ("array", Value::Object(object))
                if !object.is_empty() && items_are(self, shape, "object") =>
            {
                "put `[` before it and `]` behind it: it is a list".to_owned()
            }
            ("array", Value::Object(_)) => {
                format!("write `[{}]`: it is a list", self.example_of_items(shape))
            }
            ("array", _) => format!("write `[{}]`", self.example_of_items(shape)),
            ("object", _) => format!("write `{}`", self.example_of(shape, value)),
            ("boolean", value) => match truth(value) {
                Some(truth) => format!("write `{truth}`"),
                None => "write `true` or `false`".to_owned(),
            },
            _ if in_list(place) => {
                format!(
                    "each of `{key}` is {}: write one, or leave it out",
                    called(wanted)
                )
            }
            _ => format!(
                "`{key}` is {}, such as `{}`",
                called(wanted),
                example(key, Some(shape))
            ),
        };
        let message = match in_list(place) {
            true => format!(
                "each of `{key}` must be {}, not {}",
                called(wanted),
                called(kind(value))
            ),
            false => format!(
                "`{key}` must be {}, not {}",
                called(wanted),
                called(kind(value))
            ),
        };
        self.push(span, message, called(kind(value)), help);
    }

    /// An object as it could stand there, with a text that stands in its place.
    fn example_of(&self, shape: &'a Value, value: &Value) -> String {
        let shape = self.meant(shape);
        // A device that has nothing to say, by its name alone.
        let devices = shape.get("maxProperties").is_some();
        let known = shape.get("properties").and_then(Value::as_object);
        if let (true, Value::String(name)) = (devices, value) {
            let lone = known.is_some_and(|known| known.contains_key(name));
            return match lone {
                true => format!("{{ \"{name}\": {{ … }} }}"),
                false => "{ \"disk\": { … } }".to_owned(),
            };
        }
        let required = shape.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        let mut text = value.as_str().map(|text| format!("{text:?}"));
        let pairs = required.map(|key| {
            let schema = known.and_then(|known| known.get(key));
            let is_text = schema.is_none_or(|schema| self.kinds(schema, 0).contains(&"string"));
            let value = text
                .take_if(|_| is_text)
                .unwrap_or_else(|| example(key, schema));
            format!("\"{key}\": {value}")
        });
        let pairs: Vec<String> = pairs.collect();
        match pairs.is_empty() {
            true if known.is_none() => "{}".to_owned(),
            true => "{ … }".to_owned(),
            false => format!("{{ {} }}", pairs.join(", ")),
        }
    }

    fn example_of_items(&self, shape: &'a Value) -> String {
        let Some(items) = shape.get("items") else {
            return "…".to_owned();
        };
        match self.kinds(items, 0).first() {
            Some(&"object") => self.example_of(items, &Value::Null),
            Some(&"string") => "\"…\"".to_owned(),
            _ => "…".to_owned(),
        }
    }
}

/// Whether a list may hold such a value.
fn items_are(judge: &Judge, shape: &Value, kind: &str) -> bool {
    let items = shape.get("items");
    // References are judged where the schema is at hand; those of lists of names lead to strings.
    match items
        .and_then(|items| items.get("type"))
        .and_then(Value::as_str)
    {
        Some(one) => one == kind,
        None => {
            let place = items
                .and_then(|items| items.get("$ref"))
                .and_then(Value::as_str);
            let inner = place.and_then(|place| judge.schema.pointer(place.trim_start_matches('#')));
            let object = inner.is_some_and(|inner| inner.get("properties").is_some());
            if kind == "object" {
                object
            } else {
                !object && kind == "string"
            }
        }
    }
}

/// Whether a place is one of a list's.
fn in_list(place: &str) -> bool {
    let last = place.rsplit('/').next();
    last.is_some_and(|last| last.parse::<usize>().is_ok())
}

/// As a place calls it.
fn shortened_key(key: &str) -> String {
    key.chars().take(super::walk::KEY_CHARS_MAX).collect()
}

/// A text where a number has to be.
fn number(text: &str, key: &str, shape: &Value) -> String {
    let bytes = ["memory", "size"].contains(&key);
    if let (true, Ok(bytes)) = (bytes, size(text.trim())) {
        return format!("write `{bytes}`: the JSON form has bytes");
    }
    match meant::read(text.trim()) {
        Some(number) if bytes && number < 1 << 26 => {
            "write the bytes as a number: `536870912` are 512 MiB".to_owned()
        }
        Some(number) if !text.trim().starts_with('0') || number == 0 => {
            format!("write `{number}`, without quotes")
        }
        Some(number) => {
            format!("write `{number}`: numbers of JSON are decimal, and stand without quotes")
        }
        None if bytes => "write the bytes as a number: `536870912` are 512 MiB".to_owned(),
        None => match shape
            .get("maximum")
            .and_then(Value::as_u64)
            .filter(|most| *most < u64::MAX)
        {
            Some(most) => format!("`{key}` is a whole number up to {most}, without quotes"),
            None => format!("`{key}` is a whole number, without quotes"),
        },
    }
}

/// What other programs write for a truth value.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// How the value of a key could be written.
fn example(key: &str, schema: Option<&Value>) -> String {
    let known = schema.and_then(|schema| schema.get("examples")?.get(0));
    match (known, key) {
        (Some(value), _) => value.to_string(),
        (None, "arch") => "\"arm64\"".to_owned(),
        (None, "abi") => "[\"kvm-6.8\"]".to_owned(),
        (None, "cpu") => "{ \"model\": \"neoverse-n1\", \"count\": 2 }".to_owned(),
        (None, "model") => "\"neoverse-n1\"".to_owned(),
        (None, "code") => "\"spec::emulated-cpu\"".to_owned(),
        (None, "field") => "\"ID_AA64ISAR0_EL1.RNDR\"".to_owned(),
        (None, "value") => "0".to_owned(),
        (None, "port") => "1024".to_owned(),
        (None, "path") => "\"agent.sock\"".to_owned(),
        (None, "across-saves") => "\"goes-on\"".to_owned(),
        (None, "console") => "\"16550\"".to_owned(),
        (None, _) => "\"…\"".to_owned(),
    }
}

/// What was meant by a key that there is not, and what to do.
fn unknown(of: &str, key: &str, known: &Map<String, Value>) -> (Option<String>, String) {
    let names = known
        .keys()
        .map(String::as_str)
        .filter(|name| *name != SEVERAL);
    if of == "vm" && elsewhere::counts(key) {
        let help = "write `\"cpu\": { \"count\": … }`";
        return (None, help.to_owned());
    }
    if ["vm", "cpu"].contains(&of) && elsewhere::lays_out(key) && !elsewhere::counts(key) {
        let help = "leave it out: no machine of vmlock's lays its vCPUs out, and `\"cpu\": { \"count\": … }` says how many there are";
        return (None, help.to_owned());
    }
    if of == "vm" && elsewhere::absent(key) {
        let help = "no machine of vmlock's has one: leave it out; `devices` has disks, networks, `rng` and `vsock`";
        return (None, help.to_owned());
    }
    let near = names
        .clone()
        .find(|name| did_you_mean(key, std::iter::once(*name)).is_some());
    if let Some(near) = near {
        return (Some(near.to_owned()), format!("write `\"{near}\"`"));
    }
    let theirs = match of {
        "vm" => elsewhere::node(key).filter(|ours| known.contains_key(*ours)),
        "cpu" if ["type", "name", "model-name"].contains(&key) => Some("model"),
        _ => elsewhere::property(of, key),
    };
    if let Some(ours) = theirs {
        return (Some(ours.to_owned()), format!("write `\"{ours}\"`"));
    }
    let help = match (of, key) {
        ("vm", "from") => "in the JSON form each machine is described in full; `from` is a word of KDL, and `vmlock convert` writes it out".to_owned(),
        ("vm", "vm") => "the whole file is the machine: write what it has without a `vm` around it".to_owned(),
        ("vm", "lockVersion" | "registers") => "this is a lock, which `vmlock lock` makes of a description".to_owned(),
        ("vm", "disks" | "drives" | "networks" | "network-interfaces" | "nets") => "devices stand in `devices`, one object each: `[{ \"disk\": { … } }]`".to_owned(),
        ("vm", "disk" | "net" | "rng" | "vsock") => format!("write `\"devices\": [{{ \"{key}\": {{ … }} }}]`"),
        ("vm", "kernel" | "initrd" | "cmdline") => format!("write `\"boot\": {{ \"{key}\": … }}`"),
        ("vm", "features" | "model" | "count" | "hide" | "set") => format!("write `\"cpu\": {{ \"{key}\": … }}`"),
        (_, key) if key.starts_with("//") || ["comment", "_comment", "#"].contains(&key) => match of {
            "vm" => "JSON has no comments: `\"description\"` says what a machine is for, and KDL has comments (`vmlock convert`)".to_owned(),
            _ => "JSON has no comments: leave it out; KDL has them (`vmlock convert`)".to_owned(),
        },
        ("cpu", key) if VM.inner("cpu").is_some_and(|cpu| cpu.inner(key).is_some_and(|node| node.meaning == "/definitions/Feature")) => format!("write `\"features\": [\"{key}\"]`"),
        _ => {
            let listed: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            format!("there are {}", crate::diagnostic::join(&listed))
        }
    };
    (None, help)
}
