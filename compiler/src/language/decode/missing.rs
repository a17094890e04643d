//! What a node has to have and does not. What stands where it cannot be read, or was meant to be it, is told of there: one
//! mistake is one finding.

use super::line::Line;
use super::span::head;
use super::{Decoder, LACKS, cpu};
use crate::language::elsewhere;
use crate::language::nodes::{self, Node, Property, Value};
use kdl::{KdlEntry, KdlNode};

impl Decoder<'_> {
    /// A node that a block has to have.
    pub(super) fn lacks_node(&mut self, block: &KdlNode, row: &Node) {
        if !self.misspelt.contains(row.word) && !self.misspelt.contains("from") {
            self.push(
                "spec::missing",
                format!("{LACKS}{}`", row.word),
                head(block),
                "in this block",
                format!("add `{}`", row.example),
            );
        }
    }

    /// A property that a node has to have.
    pub(super) fn lacks(&mut self, row: &Node, node: &KdlNode, property: &Property) {
        let name = property.name;
        let values: Vec<&KdlEntry> = node
            .entries()
            .iter()
            .filter(|entry| entry.name().is_none())
            .collect();
        let as_value = match row.word {
            "cpu" => self.count_elsewhere(node),
            // One without anything.
            "allow" => values
                .first()
                .is_none_or(|first| first.value().as_string().is_none()),
            _ => row.values.is_empty() && !values.is_empty(),
        };
        let in_block = row.block.is_empty() && node.children().is_some();
        let told = !["allow", "cpu"].contains(&row.word);
        let odd = told && self.odd.contains(&head(node).start);
        // What is wrong there is found there as well.
        if row.word == "vsock" && !as_value && !self.heir.contains(&head(node).start) {
            // Its word alone is shown.
            let word = self.heir.start..self.heir.start + nodes::VM.word.len();
            self.push(
                "spec::missing",
                "this machine takes over a `vsock`, and has no `cid` of its own for it".to_owned(),
                word,
                "this machine",
                "a `cid` is each machine's own, for by it two are told apart: write `vsock cid=4` here, or another",
            );
            return;
        }
        if as_value || in_block || odd || self.misspelt.contains(name) {
            return;
        }
        let help = match row.word {
            "cpu" => "add `count=1`, or as many vCPUs as the guest has".to_owned(),
            "allow" if values.len() < node.entries().len() => {
                "say why in this line, with `reason=`".to_owned()
            }
            "allow" => self.with_reason(&values),
            _ if node.entries().is_empty() && node.children().is_none() => {
                format!("write `{}`", row.example)
            }
            _ => format!(
                "say it in this line with `{name}=`, as in `{}`",
                row.example
            ),
        };
        let words = format!("no `{name}`");
        self.push(
            "spec::missing",
            property.lacks.to_owned(),
            head(node),
            &words,
            help,
        );
    }

    /// Whether the number of vCPUs stands where it cannot be read: that is told of there.
    fn count_elsewhere(&self, node: &KdlNode) -> bool {
        let nameless = |entry: &&KdlEntry| entry.name().is_none();
        let mut values = node.entries().iter().filter(nameless);
        let model = values.next();
        let inner = node.children().map_or(&[][..], |block| block.nodes());
        model.is_some_and(|entry| entry.value().as_integer().is_some())
            || values.any(|entry| cpu::counted(entry).is_some())
            || inner
                .iter()
                .any(|node| elsewhere::counts(node.name().value()))
    }

    /// What to write for a warning that is allowed without a reason.
    fn with_reason(&self, values: &[&KdlEntry]) -> String {
        let written = |entry: &KdlEntry| {
            let text = self.source.text.get(self.value_span(entry));
            text.unwrap_or("…").to_owned()
        };
        let code = values.first().map_or_else(String::new, |e| written(e));
        // A text that is no field is the reason without its name.
        let why = values.get(1).filter(|e| {
            let text = e.value().as_string();
            text.is_some_and(|text| !text.contains('.') || text.contains(' '))
        });
        let why = why.map_or_else(|| "\"…\"".to_owned(), |e| written(e));
        format!("write `allow {code} reason={why}`")
    }

    /// A path of `boot` without its name: one mistake, however many there are.
    pub(super) fn nameless(&mut self, row: &'static Node, node: &KdlNode) {
        let values = self.arguments(node);
        let Some(span) = values.first().map(|entry| self.value_span(entry)) else {
            return;
        };
        let help = match Line::new(row, node, &self.source.text).as_written() {
            Some(line) => format!("write `{line}`"),
            None => "name each file, with `kernel=` and `initrd=`".to_owned(),
        };
        self.push(
            "spec::unexpected-argument",
            "`boot` takes no value without a name".to_owned(),
            span,
            "which of the files?",
            help,
        );
    }

    /// A node of a list that adds nothing to it.
    pub(super) fn names_nothing(&mut self, row: &Node, node: &KdlNode) {
        let word = row.word;
        let (words, help) = match row.values.first().map(|value| value.value) {
            // The word of a feature says enough.
            _ if !row.list.is_empty() => return,
            Some(Value::Event) => (
                format!("`{word}` names no event"),
                format!("write `{word} 17`, the events' numbers, or leave it out"),
            ),
            _ => (
                format!("`{word}` names nothing"),
                format!("write `{}`", row.example),
            ),
        };
        if node.children().is_none() && !self.meant_a_value(node) {
            self.push("spec::missing", words, head(node), "nothing follows", help);
        }
    }
}
