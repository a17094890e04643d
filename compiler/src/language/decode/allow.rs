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
                None if self.misspelt.contains("reason") => None,
                None => {
                    self.push(
                        "spec::missing",
                        "`allow` does not say why".to_owned(),
                        head(node),
                        "no `reason`",
                        format!("write `{EXAMPLE}`"),
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
