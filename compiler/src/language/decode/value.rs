//! The value of one entry: a string, a whole number within bounds, a list of strings.

use super::span::{head, range};
use super::{Decoder, meant};
use kdl::{KdlEntry, KdlNode, KdlValue};
use std::collections::BTreeMap;

/// The kind of a value, for people.
fn kind(value: &KdlValue) -> &'static str {
    match value {
        KdlValue::String(_) => "a string",
        KdlValue::Integer(_) => "a whole number",
        KdlValue::Float(_) => "a number with a fraction",
        KdlValue::Bool(_) => "a truth value",
        KdlValue::Null => "`#null`",
    }
}

impl Decoder<'_> {
    pub(super) fn wrong_type(&mut self, entry: &KdlEntry, what: &str, wanted: &str, help: String) {
        self.push(
            "spec::wrong-type",
            format!("{what} must be {wanted}, not {}", kind(entry.value())),
            self.value_span(entry),
            kind(entry.value()),
            help,
        );
    }

    /// A string; what may stand in it is judged with the whole description.
    pub(super) fn string(&mut self, entry: &KdlEntry, what: &str) -> Option<String> {
        let span = self.value_span(entry);
        let Some(text) = entry.value().as_string() else {
            let written = self
                .source
                .text
                .get(span)
                .unwrap_or("…")
                .trim_start_matches('#');
            let name = entry
                .name()
                .map(|n| format!("{}=", n.value()))
                .unwrap_or_default();
            let help = match entry.value() {
                KdlValue::Null | KdlValue::Bool(false) => meant::absent(&name),
                KdlValue::Bool(true) => format!("{what} is a text in quotes"),
                _ => format!("write `{name}\"{written}\"`"),
            };
            self.wrong_type(entry, what, "a string", help);
            return None;
        };
        Some(text.to_owned())
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &mut self,
        entry: &KdlEntry,
        code: &'static str,
        what: &str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let Some(number) = entry.value().as_integer() else {
            let name = entry
                .name()
                .map(|n| format!("{}=", n.value()))
                .unwrap_or_default();
            let help = meant::number(entry.value(), &name, what, &bounds);
            self.wrong_type(entry, what, "a whole number", help);
            return None;
        };
        match u64::try_from(number) {
            Ok(number) if bounds.contains(&number) => Some(number),
            _ => {
                self.push(
                    code,
                    format!("{what} is out of range"),
                    self.value_span(entry),
                    "out of range",
                    meant::range(what, &bounds),
                );
                None
            }
        }
    }

    /// `#true` or `#false`.
    pub(super) fn truth(&mut self, entry: &KdlEntry, what: &str) -> Option<bool> {
        let truth = entry.value().as_bool();
        if truth.is_none() {
            let name = entry.name().map_or("", |n| n.value());
            let help = match meant::truth(entry.value()) {
                Some(truth) => format!("write `{name}=#{truth}`"),
                None => format!("write `{name}=#true` or `{name}=#false`"),
            };
            self.wrong_type(entry, what, "`#true` or `#false`", help);
        }
        truth
    }

    /// A number that a property of a node gives.
    pub(super) fn count(
        &mut self,
        properties: &BTreeMap<&'static str, &KdlEntry>,
        name: &str,
        pointer: &str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Option<u32> {
        let entry = properties.get(name)?;
        self.places
            .note(format!("{pointer}/{name}"), range(entry.span()));
        let number = self.number(entry, "spec::out-of-range", &format!("`{name}`"), bounds)?;
        Some(number as u32)
    }

    /// The strings of one or several nodes of one name.
    pub(super) fn list(
        &mut self,
        nodes: &[&KdlNode],
        pointer: &str,
        what: &str,
        example: &str,
    ) -> Vec<String> {
        let mut out = Vec::new();
        for node in nodes {
            self.properties(node, &[]);
            self.no_children(node);
            let arguments = self.arguments(node);
            if arguments.is_empty()
                && node.children().is_none()
                && !self.meant_a_value(node, example)
            {
                self.push(
                    "spec::missing",
                    format!("`{}` names nothing", node.name().value()),
                    head(node),
                    "nothing follows",
                    format!("write `{example}`"),
                );
            }
            for entry in arguments {
                let release = matches!(entry.value(), KdlValue::Integer(_) | KdlValue::Float(_));
                if release && example.contains("\"kvm-") {
                    let written = self.source.text.get(self.value_span(entry));
                    let help = format!("write `\"kvm-{}\"`", written.unwrap_or("…"));
                    self.wrong_type(entry, what, "a name", help);
                } else if release {
                    let word = node.name().value();
                    let help = format!("leave it out: `{word}` takes names alone");
                    self.wrong_type(entry, what, "a name", help);
                } else if let Some(text) = self.string(entry, what) {
                    let pointer = format!("{pointer}/{}", out.len());
                    self.places.note(pointer, range(entry.span()));
                    out.push(text);
                }
            }
        }
        if let Some(node) = nodes.first() {
            self.places.note(pointer, head(node));
        }
        out
    }
}
