//! `allow "CODE" "REGISTER.FIELD" … reason="…"`: a warning that its author knows of, of these fields or of all.

use super::Decoder;
use super::span::{head, range};
use crate::language::nodes::properties;
use kdl::KdlNode;
use vmlock_spec::vm::Allow;

impl Decoder<'_> {
    pub(super) fn allow(&mut self, nodes: &[&KdlNode]) -> Vec<Allow> {
        const EXAMPLE: &str = "allow \"spec::withholds-mitigation\" reason=\"…\"";
        let mut out = Vec::new();
        for node in nodes {
            let pointer = format!("/allow/{}", out.len());
            self.places.note(&pointer, head(node));
            self.no_children(node);
            let properties = self.properties(node, properties(&["vm", "allow"]));
            let arguments = self.arguments(node);
            let code = self.first(node, &arguments, EXAMPLE).and_then(|entry| {
                self.places
                    .note(format!("{pointer}/code"), range(entry.span()));
                self.string(entry, "a warning's code")
            });
            let mut fields = Vec::new();
            for entry in arguments.iter().skip(1) {
                let place = format!("{pointer}/fields/{}", fields.len());
                self.places.note(place, range(entry.span()));
                fields.extend(self.string(entry, "a field"));
            }
            let fields = Some(fields).filter(|fields| !fields.is_empty());
            let reason = match properties.get("reason") {
                Some(entry) => {
                    let span = self.value_span(entry);
                    self.places.note(format!("{pointer}/reason"), span);
                    self.string(entry, "`reason`")
                }
                // One without anything, or with all of it in a block, is one mistake.
                None if arguments.is_empty() || self.misspelt.contains("reason") => None,
                None => {
                    let written = |entry: &kdl::KdlEntry| {
                        let text = self.source.text.get(self.value_span(entry));
                        text.unwrap_or("…").to_owned()
                    };
                    let code = arguments.first().map_or_else(String::new, |e| written(e));
                    // A text that is no field is the reason without its name.
                    let why = arguments.get(1).filter(|e| {
                        let text = e.value().as_string();
                        text.is_some_and(|text| !text.contains('.') || text.contains(' '))
                    });
                    let why = why.map_or_else(|| "\"…\"".to_owned(), |e| written(e));
                    self.push(
                        "spec::missing",
                        "`allow` does not say why".to_owned(),
                        head(node),
                        "no `reason`",
                        format!("write `allow {code} reason={why}`"),
                    );
                    None
                }
            };
            if let (Some(code), Some(reason)) = (code, reason) {
                out.push(Allow {
                    code,
                    fields,
                    reason,
                });
            }
        }
        out
    }
}
