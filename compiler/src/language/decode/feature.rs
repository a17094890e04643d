//! What stands behind a feature in the `cpu` block: counters and events of the
//! PMU, breakpoints, vector lengths.

use super::span::{head, range};
use super::{Decoder, meant};
use crate::diagnostic::suggest;
use crate::language::nodes::properties;
use kdl::KdlNode;
use vmlock_spec::vm::limits::{BREAKPOINTS, COUNTERS, VECTOR_BITS};
use vmlock_spec::vm::{Debug, Pmu};

impl Decoder<'_> {
    /// What stands behind `pmu` and in its block; `None` for the word alone.
    pub(super) fn pmu(&mut self, node: &KdlNode) -> Option<Pmu> {
        const POINTER: &str = "/cpu/pmu";
        self.places.note(POINTER, head(node));
        let properties = self.properties(node, properties(&["vm", "cpu", "pmu"]));
        let mut pmu = Pmu {
            counters: self.count(&properties, "counters", POINTER, COUNTERS),
            ..Pmu::default()
        };
        if let Some(entry) = properties.get("version") {
            self.places
                .note(format!("{POINTER}/version"), range(entry.span()));
            pmu.version = self.string(entry, "`version`");
        }
        for child in node.children().map_or(&[][..], |c| c.nodes()) {
            let word = child.name().value();
            self.no_type(child.ty());
            let list = match word {
                "allow" => &mut pmu.allow,
                "deny" => &mut pmu.deny,
                _ => {
                    self.push(
                        "spec::unknown-node",
                        format!("a `pmu` has no `{word}`"),
                        head(child),
                        "unknown",
                        suggest(word, ["allow", "deny"]),
                    );
                    continue;
                }
            };
            self.properties(child, &[]);
            self.no_children(child);
            let arguments = self.arguments(child);
            if arguments.is_empty() {
                let words = format!("`{word}` names no event");
                let help = format!("write `{word} 17`, the events' numbers, or leave it out");
                self.push("spec::missing", words, head(child), "nothing follows", help);
            }
            for entry in arguments {
                if let Some(help) = entry.value().as_string().and_then(meant::event) {
                    self.wrong_type(entry, "an event", "a whole number", help);
                    continue;
                }
                let event = self.number(entry, "spec::out-of-range", "an event", 0..=0xffff);
                if let Some(event) = event {
                    let pointer = format!("{POINTER}/{word}/{}", list.len());
                    self.places.note(pointer, range(entry.span()));
                    list.push(event as u16);
                }
            }
        }
        (pmu != Pmu::default()).then_some(pmu)
    }

    /// `debug breakpoints=4 watchpoints=2`.
    pub(super) fn debug(&mut self, node: &KdlNode) -> Option<Debug> {
        const POINTER: &str = "/cpu/debug";
        self.places.note(POINTER, head(node));
        self.no_children(node);
        self.no_arguments(node, "write `debug breakpoints=4 watchpoints=2`");
        let properties = self.properties(node, properties(&["vm", "cpu", "debug"]));
        let debug = Debug {
            breakpoints: self.count(&properties, "breakpoints", POINTER, BREAKPOINTS),
            watchpoints: self.count(&properties, "watchpoints", POINTER, BREAKPOINTS),
        };
        // One that says something, and nothing right, has been told of.
        let told = debug == Debug::default() && !node.entries().is_empty();
        (!told).then_some(debug)
    }

    /// The lengths of `sve 128 256`; the resolver says which sets there are.
    pub(super) fn vector_lengths(
        &mut self,
        node: &KdlNode,
        unread: &mut Vec<&'static str>,
    ) -> Vec<u32> {
        self.places.note("/cpu/vector-lengths", head(node));
        let mut out = Vec::new();
        for entry in self.arguments(node) {
            let what = "a vector length, in bits,";
            let bits = self.number(entry, "spec::vector-lengths", what, VECTOR_BITS);
            match bits {
                Some(bits) => {
                    let pointer = format!("/cpu/vector-lengths/{}", out.len());
                    self.places.note(pointer, range(entry.span()));
                    out.push(bits as u32);
                }
                None => unread.push("/cpu/vector-lengths"),
            }
        }
        out
    }
}
