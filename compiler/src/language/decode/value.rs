//! The value of one entry: a string, a whole number within bounds, a truth value.

use super::{Decoder, meant};
use crate::language::nodes::{self, Node, Number};
use kdl::{KdlEntry, KdlValue};

/// What the table calls the code of an `allow`.
const WARNING: &str = "a warning's code";

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
                _ if what == WARNING => {
                    "a warning has a name, such as `spec::unsure`; events of the PMU stand in its block: `pmu { allow 0x11; }`".to_owned()
                }
                _ => format!("write `{name}\"{written}\"`"),
            };
            self.wrong_type(entry, what, "a string", help);
            return None;
        };
        Some(text.to_owned())
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, entry: &KdlEntry, what: &str, of: Number) -> Option<u64> {
        let bounds = of.least..=of.most;
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
                    of.code,
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

    /// An event of the PMU.
    pub(super) fn event(&mut self, entry: &KdlEntry, what: &str) -> Option<u64> {
        if let Some(help) = entry.value().as_string().and_then(meant::event) {
            self.wrong_type(entry, what, "a whole number", help);
            return None;
        }
        self.number(entry, what, nodes::EVENT)
    }

    /// Whether a value of a list of names is a number, which is reported.
    pub(super) fn is_no_name(&mut self, row: &Node, entry: &KdlEntry, what: &str) -> bool {
        let number = matches!(entry.value(), KdlValue::Integer(_) | KdlValue::Float(_));
        if number {
            let help = match row.example.contains("\"kvm-") {
                true => {
                    let written = self.source.text.get(self.value_span(entry));
                    format!("write `\"kvm-{}\"`", written.unwrap_or("…"))
                }
                false => format!("leave it out: `{}` takes names alone", row.word),
            };
            self.wrong_type(entry, what, "a name", help);
        }
        number
    }
}
