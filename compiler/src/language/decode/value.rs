//! The value of one entry: a string, a whole number within bounds, a list of strings.

use super::Decoder;
use super::span::{head, range};
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
            let help = format!("write `{name}\"{written}\"`");
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
            let example = match entry.value() {
                KdlValue::String(text) if text.trim().parse::<u64>().is_ok() => {
                    text.trim().to_owned()
                }
                KdlValue::Float(float) => format!("{float:.0}"),
                _ => bounds.start().to_string(),
            };
            self.wrong_type(
                entry,
                what,
                "a whole number",
                format!("write `{name}{example}`"),
            );
            return None;
        };
        match u64::try_from(number) {
            Ok(number) if bounds.contains(&number) => Some(number),
            _ => {
                let limits = match *bounds.end() {
                    u64::MAX => format!("{} to {:#x}", bounds.start(), u64::MAX),
                    end => format!("{} to {end}", bounds.start()),
                };
                self.push(
                    code,
                    format!("{what} is out of range"),
                    self.value_span(entry),
                    "out of range",
                    format!("{what} is {limits}"),
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
            self.wrong_type(
                entry,
                what,
                "`#true` or `#false`",
                format!("write `{name}=#true`"),
            );
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
            if arguments.is_empty() {
                self.push(
                    "spec::missing",
                    format!("`{}` names nothing", node.name().value()),
                    head(node),
                    "nothing follows",
                    format!("write `{example}`"),
                );
            }
            for entry in arguments {
                if let Some(text) = self.string(entry, what) {
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
