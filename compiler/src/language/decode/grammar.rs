//! The grammar of one node: its arguments, properties and block, each of which
//! may be missing, unknown, doubled or one too many.

use super::Decoder;
use super::line::Line;
use super::span::{head, range};
use super::word::VM_NODES;
use crate::diagnostic::Diagnostic;
use crate::language::elsewhere;
use crate::language::nodes::{self, Node};
use kdl::{KdlDocument, KdlEntry, KdlNode};
use std::collections::BTreeMap;
use std::ops::Range;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::names;
use vmlock_spec::words::did_you_mean;

/// Whether a node of that name has values.
fn says_something(word: &str) -> bool {
    let rows = nodes::every(nodes::VM.block).into_iter();
    rows.filter(|row| row.word == word)
        .any(|row| !row.values.is_empty())
}

/// Nodes that are their names alone, as values.
fn names_alone(word: &str, inner: &[KdlNode]) -> Option<String> {
    let mut rows = nodes::every(nodes::VM.block).into_iter();
    if !rows.any(|row| row.word == word && row.many) {
        return None;
    }
    let alone = |node: &KdlNode| node.entries().is_empty() && node.children().is_none();
    let all = !inner.is_empty() && inner.iter().all(alone);
    let names = inner
        .iter()
        .map(|node| format!("{:?}", node.name().value()));
    all.then(|| names.collect::<Vec<String>>().join(" "))
}

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
        row: &'static Node,
        node: &'n KdlNode,
    ) -> BTreeMap<&'static str, &'n KdlEntry> {
        let mut map: BTreeMap<&'static str, &KdlEntry> = BTreeMap::new();
        let mut odd: Vec<&KdlEntry> = Vec::new();
        let laid_out = row.word == "cpu" && self.laid_out(node);
        for entry in node.entries() {
            let Some(name) = entry.name() else { continue };
            self.no_type(entry.ty());
            let Some(known) = row.property(name.value()) else {
                if !(laid_out && elsewhere::lays_out(name.value())) {
                    odd.push(entry);
                }
                continue;
            };
            if let Some(first) = map.insert(known.name, entry) {
                let span = range(entry.span());
                let first = range(first.span());
                self.found.push(
                    Diagnostic::error(
                        "spec::duplicate-property",
                        format!("`{}` is given twice", known.name),
                    )
                    .at(self.source, span, "again here")
                    .at(self.source, first, "first here")
                    .help("keep one of the two"),
                );
            }
        }
        self.odd_ones(row, node, &odd);
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
                        None if node.entries().is_empty() => match names_alone(word, several) {
                            Some(names) => format!("write `{word} {names}`, in one line"),
                            None if says_something(word) => {
                                format!("`{word}` is one line: what it says stands behind it")
                            }
                            None => format!(
                                "remove the braces and what is between them; `{word}` is one line"
                            ),
                        },
                        None => format!(
                            "remove the braces and what is between them; `{word}` is one line"
                        ),
                    },
                },
            );
        }
    }

    /// Reports names of baselines that stand in a block, `abi { kvm 6.8; }` or `abi kvm { version 6.8; }`; whether there are
    /// such.
    pub(super) fn names_in_block(&mut self, node: &KdlNode) -> bool {
        let children = node.children().map_or(&[][..], KdlDocument::nodes);
        let text = |entry: &KdlEntry| match entry.value().as_string() {
            Some(text) => Some(text.to_owned()),
            None => self
                .source
                .text
                .get(self.value_span(entry))
                .map(str::to_owned),
        };
        let said = |child: &KdlNode| match child.entries() {
            [entry] if entry.name().is_none() => text(entry),
            _ => None,
        };
        let catalogue = Catalogue::builtin();
        let named: Option<Vec<String>> = match (node.entries(), children) {
            ([family], [one]) => (|| Some(vec![names::of_two(&text(family)?, &said(one)?)?]))(),
            ([], several) => several
                .iter()
                .map(|child| {
                    let said = said(child)?;
                    let two = names::of_two(child.name().value(), &said);
                    two.or_else(|| names::is_known(&said, &catalogue).then_some(said))
                })
                .collect(),
            _ => None,
        };
        let Some(named) = named.filter(|named| !named.is_empty()) else {
            return false;
        };
        let word = node.name().value();
        let help = match named.iter().find(|name| !names::is_known(name, &catalogue)) {
            Some(unknown) => names::baseline(unknown, &catalogue),
            None => {
                let quoted: Vec<String> = named.iter().map(|name| format!("\"{name}\"")).collect();
                format!("write `{word} {}`, in one line", quoted.join(" "))
            }
        };
        self.push(
            "spec::unexpected-block",
            format!("`{word}` takes no block"),
            head(node),
            "its block",
            help,
        );
        true
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
    pub(super) fn only<'n>(
        &mut self,
        row: &'static Node,
        node: &'n KdlNode,
    ) -> Option<&'n KdlEntry> {
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
                return self.first(row, node, &list);
            }
            let last = list
                .last()
                .map_or(range(extra.span()).end, |l| range(l.span()).end);
            let help = self.with_one_value(row, node, &list);
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
        self.first(row, node, &list)
    }

    /// What to write for a node with more than its one value.
    fn with_one_value(&mut self, row: &'static Node, node: &KdlNode, list: &[&KdlEntry]) -> String {
        let (word, example) = (row.word, row.example);
        let written = |entry: &KdlEntry| {
            let text = self.source.text.get(self.value_span(entry));
            text.unwrap_or("…").to_owned()
        };
        let all: Vec<String> = list.iter().map(|entry| written(entry)).collect();
        let [first, second, ..] = all.as_slice() else {
            return format!("write `{example}`");
        };
        let count = list.get(1).and_then(|entry| super::cpu::counted(entry));
        let plain = |text: &String| !text.contains(['"', '#', '\\']);
        self.misspelt.extend(elsewhere::nameless(word, 1));
        if let Some(line) = Line::new(row, node, &self.source.text).as_written() {
            return format!("write `{line}`");
        }
        match word {
            "cpu" if count.is_some() && node.entries().len() == 2 => {
                format!("write `cpu {first} count={}`", count.unwrap_or(1))
            }
            "description" if all.iter().all(plain) => {
                format!("write `description \"{}\"`", all.join(" "))
            }
            "disk" if ["ro", "readonly", "read-only"].contains(&second.as_str()) => {
                "write `read-only=#true`".to_owned()
            }
            "vm" => match all.as_slice() {
                [name, word, base]
                    if word == "from" || super::word::FROM_ELSEWHERE.contains(&word.as_str()) =>
                {
                    self.misspelt.insert("from");
                    format!("write `vm {name} from={base} {{ … }}`")
                }
                _ => format!("write `vm {first} {{ … }}`"),
            },
            "arch" | "memory" | "console" | "lock-schema" | "across-saves" => match list.len() {
                2 => "keep one of the two".to_owned(),
                _ => "keep one of them".to_owned(),
            },
            _ => format!("it is written `{example}`"),
        }
    }

    /// The first of a node's arguments; that there is none is reported.
    pub(super) fn first<'n>(
        &mut self,
        row: &Node,
        node: &KdlNode,
        list: &[&'n KdlEntry],
    ) -> Option<&'n KdlEntry> {
        let word = row.word;
        // A value in a block is told of with the block.
        let inner = match word {
            "vm" => "name",
            "cpu" => "model",
            _ => "",
        };
        let block = node.children();
        let in_block = block.is_some() && inner.is_empty();
        let told = block.is_some_and(|block| !inner.is_empty() && block.get(inner).is_some());
        if list.is_empty() && !in_block && !self.meant_a_value(node) && !told {
            self.push(
                "spec::missing",
                format!("`{word}` needs a value"),
                head(node),
                "nothing follows",
                match (node.entries(), row.values.first()) {
                    ([_, ..], Some(value)) => {
                        format!(
                            "{} stands right behind `{word}`, as in `{}`",
                            value.what, row.example
                        )
                    }
                    _ => format!("write `{}`", row.example),
                },
            );
        }
        list.first().copied()
    }

    /// Whether a node without its value has a property that it does not have: then that was meant to
    /// be it, and is told how to write it. One mistake is one finding.
    pub(super) fn meant_a_value(&self, node: &KdlNode) -> bool {
        self.odd.contains(&head(node).start)
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
