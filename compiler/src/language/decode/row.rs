//! A node by its row of the table: what it says, as the JSON form of a description has it, and where each place of that
//! stands. What a row does not say is in the other files.

use super::cpu::counted;
use super::line::Line;
use super::span::{head, range, range_of_entries};
use super::{Decoder, line, meant};
use crate::language::nodes::{Form, Node, Property, Value};
use crate::location::WHOLE;
use kdl::{KdlEntry, KdlNode};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use vmlock_spec::catalogue::{Catalogue, register_by_name};
use vmlock_spec::names;

/// An object of the JSON form.
pub(super) type Object = Map<String, Json>;

impl Decoder<'_> {
    /// What a node says that makes an object, its block with it; `None` where what is left would mean something else.
    pub(super) fn object(
        &mut self,
        row: &'static Node,
        node: &KdlNode,
        place: &str,
    ) -> Option<Object> {
        let mut out = Object::new();
        let properties = self.properties(row, node);
        if row.block.is_empty() {
            self.no_children(node);
        }
        let entries = self.values(row, node);
        let mut fine = true;
        for (index, value) in row.values.iter().enumerate() {
            let place = format!("{place}/{}", value.key);
            if row.many && index + 1 == row.values.len() {
                for entry in entries.iter().skip(index) {
                    let place = format!("{place}/{}", length(&out, value.key));
                    self.places.note(place, range(entry.span()));
                    if let Some(one) = self.value(entry, value.value, value.what) {
                        push(&mut out, value.key, one);
                    }
                }
                continue;
            }
            let one = entries.get(index).and_then(|entry| {
                self.places.note(place.as_str(), range(entry.span()));
                self.value(entry, value.value, value.what)
            });
            match one.or_else(|| self.placeholder(row, value.value, place)) {
                Some(one) => drop(out.insert(value.key.to_owned(), one)),
                None => fine = false,
            }
        }
        for property in row.properties {
            fine &= self.property(row, node, property, &properties, place, &mut out);
        }
        self.block(row, node, place, &mut out);
        (fine || !row.is_whole()).then_some(out)
    }

    /// A property of an object; whether all is well with it.
    fn property(
        &mut self,
        row: &'static Node,
        node: &KdlNode,
        property: &'static Property,
        given: &BTreeMap<&'static str, &KdlEntry>,
        place: &str,
        out: &mut Object,
    ) -> bool {
        let (name, value) = (property.name, property.value);
        let place = format!("{place}/{name}");
        let one = match given.get(name) {
            None if property.lacks.is_empty() => return true,
            None => {
                self.lacks(row, node, property);
                None
            }
            Some(entry) => {
                // Of what a CPU has, the name is shown, too: a number alone says little.
                let span = match place.starts_with("/cpu/") {
                    true => range(entry.span()),
                    false => self.value_span(entry),
                };
                self.places.note(place.as_str(), span);
                self.value(entry, value, &format!("`{name}`"))
            }
        };
        // Another machine has been taken over already.
        if value == Value::Machine {
            return true;
        }
        let needed = !property.lacks.is_empty();
        let one = match one {
            None if needed => self.placeholder(row, value, place),
            // The others of the object are judged without it.
            None if row.form == Form::Object => {
                self.unread.push(place);
                return true;
            }
            one => one,
        };
        let fine = one.is_some();
        out.extend(one.map(|one| (name.to_owned(), one)));
        fine
    }

    /// What stands for something that an object has to have and that could not be read, where others are judged beside it.
    /// What is said of it itself is noise.
    fn placeholder(&mut self, row: &Node, value: Value, place: String) -> Option<Json> {
        let stands_in = match value {
            Value::Name => Json::from("unnamed"),
            Value::Number(number) => Json::from(number.least),
            Value::Size(size) => Json::from(size.least),
            // Of these nothing is shorter than another, or can stand for one.
            Value::Named(_)
            | Value::Baseline
            | Value::Model
            | Value::Hidden
            | Value::Set
            | Value::Import
            | Value::File
            | Value::Truth
            | Value::Console
            | Value::Machine
            | Value::Text
            | Value::Event => return None,
        };
        // One of a list is left out of it.
        (row.form == Form::Object).then(|| {
            self.unread.push(place);
            stands_in
        })
    }

    /// The values of a node that makes an object: as many as its row has.
    fn values<'n>(&mut self, row: &'static Node, node: &'n KdlNode) -> Vec<&'n KdlEntry> {
        match row.values {
            [] => {
                self.no_values(row, node);
                Vec::new()
            }
            [_] if !row.many => self.only(row, node).into_iter().collect(),
            _ if row.word == "set" => self.set(row, node),
            values => {
                let mut list = self.arguments(node);
                if let Some(told) = self.reason_in_words(row, node) {
                    list.retain(|entry| entry.span().offset() < told);
                }
                let given = list.len();
                self.first(row, node, &list);
                if !row.many && given > values.len() {
                    list.truncate(values.len());
                    self.push(
                        "spec::unexpected-argument",
                        format!("`{}` takes {} values", row.word, values.len()),
                        range_of_entries(node),
                        "too many",
                        format!("it is written `{}`", row.example),
                    );
                }
                if let (false, true, Some(lacks)) = (row.many, given > 0, values.get(given)) {
                    self.push(
                        "spec::missing",
                        format!("`{}` does not say {}", row.word, lacks.what),
                        range_of_entries(node),
                        "a value is missing",
                        format!("write `{}`", row.example),
                    );
                }
                list
            }
        }
    }

    /// Reports a reason of several words without quotes; where its second word begins.
    fn reason_in_words(&mut self, row: &Node, node: &KdlNode) -> Option<usize> {
        let entries = node.entries();
        let is_reason =
            |entry: &KdlEntry| entry.name().is_some_and(|name| name.value() == "reason");
        let at = entries.iter().position(is_reason)?;
        let words = entries.get(at..).filter(|words| words.len() > 1)?;
        let bare = |entry: &KdlEntry| {
            let text = self.source.text.get(self.value_span(entry))?;
            let plain = entry.value().as_string() == Some(text) && !text.contains("::");
            plain.then(|| text.to_owned())
        };
        // A field says of what alone the warning is allowed: as a word of the reason it would be allowed of everything.
        let is_field = |text: &String| {
            let name = text.split('.').next().unwrap_or(text);
            text.trim_end_matches('.').contains('.') || register_by_name(name).is_some()
        };
        let texts: Vec<String> = words.iter().map(bare).collect::<Option<_>>()?;
        let nameless = words[1..].iter().all(|entry| entry.name().is_none());
        if row.word != "allow" || !nameless || texts[1..].iter().any(is_field) {
            return None;
        }
        let (from, to) = (
            range(words[1].span()).start,
            range(words[words.len() - 1].span()).end,
        );
        self.push(
            "spec::unexpected-argument",
            "`reason` is one text, in quotes".to_owned(),
            from..to,
            "no part of it",
            format!("write `reason=\"{}\"`", texts.join(" ")),
        );
        Some(from)
    }

    /// Reports the values of a node that takes none.
    fn no_values(&mut self, row: &'static Node, node: &KdlNode) {
        let word = row.word;
        let first = node.entries().iter().find(|entry| entry.name().is_none());
        let off = first.and_then(|entry| meant::truth(entry.value())) == Some(false);
        let written = Line::new(row, node, &self.source.text).as_written();
        let help = match (row.form, word) {
            (_, "boot") => return self.nameless(row, node),
            _ if line::is_switch(row) && off => line::switch(row, false, None),
            (_, "rng") => "`rng` stands alone on its line: its randomness is the host's".to_owned(),
            (Form::Truth, _) => "the word alone asks for it; without it there is none".to_owned(),
            _ if !row.list.is_empty() => {
                format!("the word alone turns it on; without `{word}` it is off")
            }
            _ => match written {
                Some(line) => format!("write `{line}`"),
                None => format!("what it says has a name, as in `{}`", row.example),
            },
        };
        self.no_arguments(node, &help);
    }

    /// What the nodes of a block say.
    fn block(&mut self, row: &'static Node, node: &KdlNode, place: &str, out: &mut Object) {
        let mut first: BTreeMap<&str, &KdlNode> = BTreeMap::new();
        let mut known: Vec<(&'static Node, &KdlNode)> = Vec::new();
        let block = match row.block.is_empty() {
            true => None,
            false => node.children(),
        };
        for child in block.map_or(&[][..], |block| block.nodes()) {
            self.no_type(child.ty());
            let Some(inner) = row.inner(child.name().value()) else {
                self.unknown(row, child);
                continue;
            };
            let first = first.entry(inner.word).or_insert(child);
            if !inner.repeats && !std::ptr::eq(*first, child) {
                let help = match (row.word, inner.word) {
                    (_, "abi") => "name all baselines behind one `abi`".to_owned(),
                    ("vm", word) => format!("keep one `{word}`"),
                    _ => "keep one of the two".to_owned(),
                };
                self.twice(head(first), child, &help);
                continue;
            }
            known.push((inner, child));
        }
        for (inner, child) in known {
            self.part(inner, child, place, out);
        }
        for inner in row.block {
            match first.get(inner.word) {
                Some(node) if !inner.list.is_empty() => {
                    let place = format!("{place}/{}/{}", inner.list, length(out, inner.list));
                    self.places
                        .note(format!("{place}{WHOLE}"), range(node.span()));
                    self.places.note(place, head(node));
                    push(out, inner.list, inner.word.into());
                }
                None if inner.needed => self.lacks_node(node, inner),
                _ => {}
            }
            let value = inner.values.first().filter(|_| inner.needed);
            if let (Some(value), false) = (value, out.contains_key(inner.key())) {
                let place = format!("{place}/{}", inner.key());
                let one = self.placeholder(row, value.value, place);
                out.extend(one.map(|one| (inner.key().to_owned(), one)));
            }
        }
    }

    /// What one node of a block says, into the object of that; what is wrong with its line is one finding.
    fn part(&mut self, row: &'static Node, node: &KdlNode, place: &str, out: &mut Object) {
        let since = self.found.len();
        self.said(row, node, place, out);
        self.in_one(row, node, since);
    }

    fn said(&mut self, row: &'static Node, node: &KdlNode, place: &str, out: &mut Object) {
        let key = row.key();
        let place = format!("{place}/{key}");
        match row.form {
            Form::Nothing => self.alone(row, node),
            Form::Truth => {
                self.places
                    .note(format!("{place}{WHOLE}"), range(node.span()));
                self.places.note(place, head(node));
                self.alone(row, node);
                out.insert(key.to_owned(), true.into());
            }
            Form::Value => {
                let one = self.one(row, node, place);
                out.extend(one.map(|one| (key.to_owned(), one)));
            }
            Form::List => self.list(row, node, &place, out),
            Form::Object => {
                self.places.note(place.as_str(), head(node));
                match self.object(row, node, &place) {
                    // The word of a feature says enough; one with values and nothing right has been told of.
                    Some(object)
                        if object.is_empty()
                            && !(row.list.is_empty() && node.entries().is_empty()) => {}
                    Some(object) => drop(out.insert(key.to_owned(), object.into())),
                    None => self.unread.push(place),
                }
            }
            Form::Item => {
                let place = format!("{place}/{}", length(out, key));
                let span = match row.properties {
                    [] => range_of_entries(node),
                    _ => head(node),
                };
                self.places.note(place.as_str(), span);
                if let Some(object) = self.object(row, node, &place) {
                    push(out, key, object.into());
                }
            }
            Form::Device => {
                let place = format!("/devices/{}/{key}", length(out, "devices"));
                if let Some(object) = self.object(row, node, &place) {
                    self.device(node, key, object, out);
                }
            }
            Form::Console => self.console(row, node, out),
            Form::Labels => drop(out.insert(key.to_owned(), self.labels(node).into())),
        }
    }

    /// A node that is its word alone.
    fn alone(&mut self, row: &'static Node, node: &KdlNode) {
        self.properties(row, node);
        self.no_children(node);
        self.no_values(row, node);
    }

    /// The one value that a node says.
    pub(super) fn one(
        &mut self,
        row: &'static Node,
        node: &KdlNode,
        place: String,
    ) -> Option<Json> {
        let value = row.values.first()?;
        if let Value::Size(size) = value.value
            && self.apart(node, value.what, &size)
        {
            return None;
        }
        self.properties(row, node);
        self.no_children(node);
        let entry = self.only(row, node)?;
        self.places.note(place, range(entry.span()));
        self.value(entry, value.value, value.what)
    }

    /// The values that a node adds to the list of all of its name.
    fn list(&mut self, row: &'static Node, node: &KdlNode, place: &str, out: &mut Object) {
        self.properties(row, node);
        let of_baselines = row
            .values
            .first()
            .is_some_and(|v| v.value == Value::Baseline);
        if of_baselines && self.names_in_block(node) {
            // What it names has been told; the rest of the machine is judged without it.
            self.unread.push(place.to_owned());
            out.entry(row.key())
                .or_insert_with(|| Json::Array(Vec::new()));
            return;
        }
        self.no_children(node);
        let arguments = self.arguments(node);
        if arguments.is_empty() {
            self.names_nothing(row, node);
        }
        if self.places.get(place).is_none() {
            self.places.note(place, head(node));
        }
        let key = row.key();
        for entry in arguments {
            let value = row.values.first().and_then(|value| {
                let number = matches!(value.value, Value::Number(_) | Value::Event);
                if !number && self.is_no_name(row, entry, value.what) {
                    return None;
                }
                let one = self.value(entry, value.value, value.what);
                // Without one of its numbers a list is another.
                if number && one.is_none() {
                    self.unread.push(place.to_owned());
                }
                one
            });
            if let Some(value) = value {
                self.places
                    .note(format!("{place}/{}", length(out, key)), range(entry.span()));
                push(out, key, value);
            }
        }
    }

    /// A value of its kind.
    fn value(&mut self, entry: &KdlEntry, value: Value, what: &str) -> Option<Json> {
        match value {
            Value::Truth => self.truth(entry, what).map(Json::from),
            Value::Number(number) => self.number(entry, what, number).map(Json::from),
            Value::Event => self.event(entry, what).map(Json::from),
            Value::Size(size) => self.size(entry, what, &size).map(Json::from),
            Value::Named("Arch") => self.arch(entry, what).map(Json::from),
            Value::Named("AcrossSaves") => self.across_saves(entry, what).map(Json::from),
            Value::Model if entry.value().as_integer().is_some() => {
                let written = self.source.text.get(self.value_span(entry));
                let written = written.unwrap_or_default();
                // Digits are a number of vCPUs; `0xd0c` is what MIDR_EL1 says of a CPU.
                let help = match counted(entry).filter(|_| !written.starts_with("0x")) {
                    Some(count) => {
                        format!(
                            "write `cpu \"neoverse-n1\" count={count}`, with the model that it is"
                        )
                    }
                    None => names::cpu(written, &Catalogue::builtin()),
                };
                self.wrong_type(entry, what, "a name", help);
                None
            }
            // Named, so that a new kind is asked for here.
            Value::Named(_)
            | Value::Baseline
            | Value::Model
            | Value::Hidden
            | Value::Set
            | Value::Import
            | Value::File
            | Value::Console
            | Value::Machine
            | Value::Name
            | Value::Text => self.string(entry, what).map(Json::from),
        }
    }
}

/// How long the list of that key is.
pub(super) fn length(object: &Object, key: &str) -> usize {
    object
        .get(key)
        .and_then(Json::as_array)
        .map_or(0, |list| list.len())
}

/// Adds to the list of that key.
pub(super) fn push(object: &mut Object, key: &str, value: Json) {
    match object.get_mut(key).and_then(Json::as_array_mut) {
        Some(list) => list.push(value),
        None => drop(object.insert(key.to_owned(), Json::Array(vec![value]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::nodes::{EVENT, Positional, Property, Size, VM, WORD};
    use crate::language::read::parse;
    use crate::language::write;
    use crate::location::Source;
    use serde_json::json;
    use std::sync::Arc;

    const SWAP: Value = Value::Size(Size {
        before: "swap ",
        code: "spec::disk-size",
        limits: "swap is small",
        least: 0,
    });

    /// A disk as the table has it, and fields that it has not.
    fn longer() -> &'static Node {
        let disk = VM.inner("disk").unwrap();
        let more = |name, value| Property {
            name,
            value,
            ..*disk.property("serial").unwrap()
        };
        let more = [
            more("queues", Value::Number(EVENT)),
            more("lazy", Value::Truth),
        ];
        let two = Positional {
            key: "low",
            value: Value::Number(EVENT),
            what: "the lowest",
        };
        let range = Node {
            word: "range",
            form: Form::Object,
            values: vec![
                two,
                Positional {
                    key: "high",
                    what: "the highest",
                    ..two
                },
            ]
            .leak(),
            example: "range 1 2",
            ..WORD
        };
        let swap = Node {
            word: "swap",
            form: Form::Value,
            values: vec![Positional {
                what: "swap",
                value: SWAP,
                ..two
            }]
            .leak(),
            example: "swap \"1GiB\"",
            ..WORD
        };
        let hosts = Node {
            word: "host",
            form: Form::List,
            key: "hosts",
            values: VM.inner("runs-on").unwrap().values,
            many: true,
            repeats: true,
            example: "host \"a\"",
            ..WORD
        };
        Box::leak(Box::new(Node {
            properties: [disk.properties, &more].concat().leak(),
            block: vec![hosts, range, swap].leak(),
            ..*disk
        }))
    }

    /// What that row reads in a line, what it finds, and where the first queue is said.
    fn read(line: &str) -> (Option<Json>, Vec<&'static str>, Option<String>) {
        let source = Arc::new(Source {
            path: "x".into(),
            text: line.to_owned(),
        });
        let document = parse(&source).unwrap();
        let mut decoder = Decoder::new(&source);
        let object = decoder.object(longer(), &document.nodes()[0], "/disk");
        let found = decoder.found.iter().map(|found| found.code).collect();
        let place = decoder.places.get("/disk/queues");
        let said = place.map(|span| source.text[span].to_owned());
        (object.map(Json::from), found, said)
    }

    #[test]
    fn a_row_alone_has_a_field_read_and_written() {
        let line = "disk \"a\" path=\"b\" queues=0x10 lazy=#true {\n    host \"c\" \"d\"\n    range 0x1 0x2\n    swap \"1GiB\"\n}\n";
        let (object, found, said) = read(line);
        let told = json!({ "name": "a", "path": "b", "queues": 16, "lazy": true, "hosts": ["c", "d"],
                "range": { "low": 1, "high": 2 }, "swap": 1 << 30 });
        assert_eq!((object.as_ref(), found), (Some(&told), vec![]));
        assert_eq!(said.as_deref(), Some("0x10"));
        assert_eq!(write::text(longer(), &told).as_deref(), Ok(line));
        // What is wrong with it is found as with any other.
        for (line, code) in [
            ("disk \"a\" path=\"b\" queues=\"0x10\"", "spec::wrong-type"),
            ("disk \"a\" path=\"b\" queues=0x10000", "spec::out-of-range"),
            ("disk \"a\" path=\"b\" lazy=1", "spec::wrong-type"),
            ("disk \"a\" path=\"b\" lasy=#true", "spec::unknown-property"),
            ("disk \"a\" path=\"b\" { host; }", "spec::missing"),
            (
                "disk \"a\" path=\"b\" { hosts \"c\"; }",
                "spec::unknown-node",
            ),
            (
                "disk \"a\" path=\"b\" { range 1 2 3; }",
                "spec::unexpected-argument",
            ),
            ("disk \"a\" path=\"b\" { range 1; }", "spec::missing"),
            ("disk \"a\" path=\"b\" { range; }", "spec::missing"),
            ("disk \"a\" path=\"b\" { swap 1 GiB; }", "spec::disk-size"),
        ] {
            assert_eq!(read(line).1, [code], "{line}");
        }
    }
}
