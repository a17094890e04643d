//! The grammar of one node: its arguments, properties and block, each of which
//! may be missing, unknown, doubled or one too many.

use super::span::{head, range};
use super::word::{FROM_ELSEWHERE, VM_NODES};
use super::{Decoder, meant};
use crate::diagnostic::{Diagnostic, join};
use crate::language::elsewhere;
use crate::language::nodes::{self, Property};
use kdl::{KdlEntry, KdlNode, KdlValue};
use std::collections::BTreeMap;
use std::ops::Range;
use vmlock_spec::words::did_you_mean;

impl Decoder<'_> {
    pub(super) fn no_type(&mut self, annotation: Option<&kdl::KdlIdentifier>) {
        if let Some(name) = annotation {
            self.push(
                "spec::type-annotation",
                format!(
                    "a type annotation, `({})`, means nothing here",
                    name.value()
                ),
                range(name.span()),
                "this annotation",
                "remove it, with its parentheses",
            );
        }
    }

    pub(super) fn arguments<'n>(&mut self, node: &'n KdlNode) -> Vec<&'n KdlEntry> {
        let entries = node.entries().iter().filter(|e| e.name().is_none());
        let list: Vec<&KdlEntry> = entries.collect();
        for entry in &list {
            self.no_type(entry.ty());
        }
        list
    }

    /// The properties of a node; unknown and doubled ones are reported.
    pub(super) fn properties<'n>(
        &mut self,
        node: &'n KdlNode,
        known: &'static [Property],
    ) -> BTreeMap<&'static str, &'n KdlEntry> {
        let mut map: BTreeMap<&'static str, &KdlEntry> = BTreeMap::new();
        let (word, start) = (node.name().value(), head(node).start);
        for entry in node.entries() {
            let Some(name) = entry.name() else { continue };
            self.no_type(entry.ty());
            let Some(known_name) = known.iter().map(|k| k.name).find(|k| *k == name.value()) else {
                let names = known.iter().map(|k| k.name);
                self.resembles(name.value(), names.clone());
                let inherits = word == "vm" && FROM_ELSEWHERE.contains(&name.value());
                if inherits {
                    // What it would have had from there is not missing as well.
                    self.misspelt.insert("from");
                }
                let theirs = elsewhere::property(word, name.value())
                    .filter(|ours| names.clone().any(|name| name == *ours));
                self.misspelt.extend(theirs);
                let help = match (known, did_you_mean(name.value(), names.clone())) {
                    _ if theirs.is_some() => {
                        let written = self.source.text.get(self.value_span(entry));
                        let (ours, written) = (theirs.unwrap_or_default(), written.unwrap_or("…"));
                        match (ours, written) {
                            // A feature that is named alone.
                            ("read-only", "true" | "1" | "\"true\"" | "\"on\"") => {
                                "write `read-only=#true`".to_owned()
                            }
                            _ => format!("write `{ours}={written}`"),
                        }
                    }
                    _ if inherits => {
                        let written = self.source.text.get(self.value_span(entry));
                        format!("write `from={}`", written.unwrap_or("…"))
                    }
                    (_, Some(words)) => words,
                    ([], _) | ([_], _) if known.is_empty() || word == "vm" => {
                        let inside = match word {
                            "vm" => VM_NODES.contains(&name.value()),
                            "cpu" => ["hide", "set"].contains(&name.value()),
                            _ => false,
                        };
                        if inside {
                            format!(
                                "`{}` stands inside the block: `{word} … {{ {} … }}`",
                                name.value(),
                                name.value()
                            )
                        } else if self.odd.contains_key(&start) {
                            // Several of them are one mistake.
                            continue;
                        } else {
                            match known {
                                [first, ..] => format!("`{word}` has `{}`", first.name),
                                [] => format!("`{word}` has no properties"),
                            }
                        }
                    }
                    _ => {
                        let names: Vec<String> = names.map(|k| format!("`{k}`")).collect();
                        format!("`{word}` has {}", join(&names))
                    }
                };
                self.odd.entry(start).or_insert(self.found.len());
                self.push(
                    "spec::unknown-property",
                    format!("`{word}` has no property `{}`", name.value()),
                    range(name.span()),
                    "unknown",
                    help,
                );
                continue;
            };
            if let Some(first) = map.insert(known_name, entry) {
                let span = range(entry.span());
                let first = range(first.span());
                self.found.push(
                    Diagnostic::error(
                        "spec::duplicate-property",
                        format!("`{known_name}` is given twice"),
                    )
                    .at(self.source, span, "again here")
                    .at(self.source, first, "first here")
                    .help("keep one of the two"),
                );
            }
        }
        map
    }

    /// Remembers which known names a word was probably meant to be.
    pub(super) fn resembles(&mut self, word: &str, known: impl Iterator<Item = &'static str>) {
        let near = |k: &&'static str| did_you_mean(word, std::iter::once(*k)).is_some();
        self.misspelt.extend(known.filter(near));
    }

    pub(super) fn no_children(&mut self, node: &KdlNode) {
        if let Some(children) = node.children() {
            let word = node.name().value();
            let mut span = range(children.span());
            // The block's own span may leave out its braces; the node's never does.
            if span.is_empty() {
                span = head(node);
            }
            self.push(
                "spec::unexpected-block",
                format!("`{word}` takes no block"),
                span,
                "this block",
                match children.nodes() {
                    // The value alone, as a node or behind a word of its author's.
                    [one]
                        if node.entries().is_empty()
                            && self
                                .as_properties(node, std::slice::from_ref(one))
                                .is_none() =>
                    {
                        let value = one.entries().first().map(|entry| self.value_span(entry));
                        let value = value.unwrap_or(head(one));
                        let value = self.source.text.get(value).unwrap_or("…");
                        format!("write `{word} {value}`, in one line")
                    }
                    several => match self.as_properties(node, several) {
                        Some(line) => format!("write `{line}`, in one line"),
                        None => format!(
                            "remove the braces and what is between them; `{word}` is one line"
                        ),
                    },
                },
            );
        }
    }

    /// A node whose properties stand in a block, as nodes of their own: with them in its line.
    fn as_properties(&self, node: &KdlNode, inner: &[KdlNode]) -> Option<String> {
        let word = node.name().value();
        let known = nodes::every(nodes::VM.block)
            .into_iter()
            .find(|known| known.word == word && !known.properties.is_empty())?;
        let values = node.entries().iter();
        let values = values.map(|entry| self.source.text.get(range(entry.span())).map(str::trim));
        let one = |child: &KdlNode| {
            let [entry] = child.entries() else {
                return None;
            };
            let name = child.name().value();
            let ours = known.property(name).map(|property| property.name);
            let ours = ours.or_else(|| elsewhere::property(word, name))?;
            let value = self.source.text.get(self.value_span(entry))?;
            (entry.name().is_none()).then(|| format!("{ours}={value}"))
        };
        let mut line = vec![word.to_owned()];
        for value in values {
            line.push(value?.to_owned());
        }
        for child in inner {
            line.push(one(child)?);
        }
        (!inner.is_empty()).then(|| line.join(" "))
    }

    pub(super) fn no_arguments(&mut self, node: &KdlNode, help: &str) {
        let word = node.name().value();
        // However many there are, they are one mistake.
        let list = self.arguments(node);
        if let (Some(first), Some(last)) = (list.first(), list.last()) {
            self.push(
                "spec::unexpected-argument",
                format!("`{word}` takes no value"),
                range(first.span()).start..range(last.span()).end,
                "unexpected",
                help,
            );
        }
    }

    /// The node's one argument; further ones are reported.
    pub(super) fn only<'n>(&mut self, node: &'n KdlNode, example: &str) -> Option<&'n KdlEntry> {
        let list = self.arguments(node);
        let word = node.name().value();
        // However many there are, they are one mistake.
        if let Some(extra) = list.get(1) {
            let bare = self.source.text.get(range(extra.span()));
            if let Some(next) = VM_NODES.iter().find(|known| Some(**known) == bare) {
                self.misspelt.insert(next);
                let message = format!("`{next}` stands in the line of `{word}`");
                let help = format!("begin a line with `{next}`, or write a `;` before it");
                let span = range(extra.span());
                self.push(
                    "spec::unexpected-argument",
                    message,
                    span,
                    "another node",
                    help,
                );
                return self.first(node, &list, example);
            }
            let last = list
                .last()
                .map_or(range(extra.span()).end, |l| range(l.span()).end);
            let help = self.with_one_value(node, &list, example);
            self.push(
                "spec::unexpected-argument",
                format!("`{word}` takes one value"),
                range(extra.span()).start..last,
                if list.len() == 2 {
                    "one too many"
                } else {
                    "too many"
                },
                help,
            );
        }
        self.first(node, &list, example)
    }

    /// What to write for a node with more than its one value.
    fn with_one_value(&mut self, node: &KdlNode, list: &[&KdlEntry], example: &str) -> String {
        let word = node.name().value();
        let written = |entry: &KdlEntry| {
            let text = self.source.text.get(self.value_span(entry));
            text.unwrap_or("…").to_owned()
        };
        let all: Vec<String> = list.iter().map(|entry| written(entry)).collect();
        let [first, second, ..] = all.as_slice() else {
            return format!("write `{example}`");
        };
        let count = list
            .get(1)
            .is_some_and(|entry| entry.value().as_integer().is_some());
        let plain = |text: &String| !text.contains(['"', '#', '\\']);
        match word {
            "cpu" if count => format!("write `cpu {first} count={second}`"),
            "description" if all.iter().all(plain) => {
                format!("write `description \"{}\"`", all.join(" "))
            }
            "disk" if ["ro", "readonly", "read-only"].contains(&second.as_str()) => {
                "write `read-only=#true`".to_owned()
            }
            "disk" if list.len() == 2 && !self.has(node, "path") => {
                self.misspelt.insert("path");
                format!("write `disk {first} path={second}`")
            }
            "vm" => format!("write `vm {first} {{ … }}`"),
            "arch" | "memory" | "console" | "lock-schema" | "across-saves" => {
                format!("write `{word} {first}`")
            }
            _ => format!("write `{example}`"),
        }
    }

    fn has(&self, node: &KdlNode, property: &str) -> bool {
        let named = |entry: &KdlEntry| entry.name().is_some_and(|name| name.value() == property);
        node.entries().iter().any(named)
    }

    /// The first of a node's arguments; that there is none is reported.
    pub(super) fn first<'n>(
        &mut self,
        node: &KdlNode,
        list: &[&'n KdlEntry],
        example: &str,
    ) -> Option<&'n KdlEntry> {
        let word = node.name().value();
        // A value in a block is told of with the block.
        let in_block = node.children().is_some() && !["vm", "cpu"].contains(&word);
        if list.is_empty() && !in_block && !self.meant_a_value(node, example) {
            self.push(
                "spec::missing",
                format!("`{word}` needs a value"),
                head(node),
                "nothing follows",
                format!("write `{example}`"),
            );
        }
        list.first().copied()
    }

    /// Whether a node without its value has a property that it does not have: then that was meant to
    /// be it, and is told how to write it. One mistake is one finding.
    pub(super) fn meant_a_value(&mut self, node: &KdlNode, example: &str) -> bool {
        let Some(index) = self.odd.get(&head(node).start).copied() else {
            return false;
        };
        let help = format!("write `{}`", self.with_its_value(node, example));
        let Some(found) = self.found.get_mut(index) else {
            return false;
        };
        found.help = vec![help];
        true
    }

    /// A node whose value was given as a property, as it is written here: `set "FIELD" 0` has the property's name for its
    /// first value too.
    fn with_its_value(&self, node: &KdlNode, example: &str) -> String {
        let properties = || node.entries().iter().filter(|entry| entry.name().is_some());
        let set = node.name().value() == "set";
        let text = |entry: &KdlEntry| match entry.value() {
            KdlValue::String(text) if set && meant::read(text).is_some() => text.clone(),
            KdlValue::String(text) => format!("{text:?}"),
            _ => self
                .source
                .text
                .get(self.value_span(entry))
                .unwrap_or("…")
                .to_owned(),
        };
        let called =
            |entry: &&KdlEntry, name: &str| entry.name().is_some_and(|n| n.value() == name);
        let Some((first, name)) = properties()
            .next()
            .and_then(|p| Some((p, p.name()?.value())))
        else {
            return example.to_owned();
        };
        let word = node.name().value();
        // Baselines are called by what they are of and its version.
        let release = |entry: &KdlEntry| {
            let name = entry.name().map_or("kvm", |name| name.value());
            let version = text(entry);
            let version = version.trim_matches('"');
            let of = if word == "abi" { name } else { "kvm" };
            format!("\"{of}-{}\"", version.trim_start_matches("kvm-"))
        };
        if word == "abi" && name.starts_with(|c: char| c.is_ascii_lowercase()) {
            let all: Vec<String> = properties().map(release).collect();
            return format!("abi {}", all.join(" "));
        }
        if word == "runs-on" {
            return format!("runs-on {}", release(first));
        }
        if let ("memory", Some(number)) = (word, first.value().as_integer()) {
            return format!("memory \"{}\"", super::memory::with_unit(number));
        }
        if let (true, Some(field)) = (word == "set", node.entry(0)) {
            return format!("set {} {}", text(field), text(first));
        }
        if word == "set" {
            let value = properties().find(|entry| called(entry, "value"));
            return match (value, name == "field") {
                (Some(value), true) => format!("set {} {}", text(first), text(value)),
                (None, true) => example.to_owned(),
                (_, false) => format!("set \"{name}\" {}", text(first)),
            };
        }
        let mut line = format!("{word} {}", text(first));
        for entry in properties().skip(1) {
            let written = self.source.text.get(range(entry.span())).unwrap_or("…");
            line = format!("{line} {}", written.trim());
        }
        match word {
            "vm" => format!("{line} {{ … }}"),
            _ => line,
        }
    }

    pub(super) fn twice(&mut self, first: Range<usize>, second: &KdlNode, help: &str) {
        let (second, word) = (head(second), second.name().value());
        self.found.push(
            Diagnostic::error("spec::duplicate-node", format!("`{word}` is given twice"))
                .at(self.source, second, "again here")
                .at(self.source, first, "first here")
                .help(help),
        );
    }
}
