//! Devices of the machine, a node each: the console.

use super::Decoder;
use super::span::range;
use crate::diagnostic::suggest;
use kdl::KdlNode;
use vmlock_spec::vm::Console;

impl Decoder<'_> {
    pub(super) fn console(&mut self, node: &KdlNode) -> Option<Console> {
        self.properties(node, &[]);
        self.no_children(node);
        let entry = self.only(node, "console \"16550\"")?;
        self.places.note("/console", range(entry.span()));
        let name = self.string(entry, "the console")?;
        if name == "16550" {
            return Some(Console::Uart16550);
        }
        self.push(
            "spec::unknown-console",
            format!("unknown console `{name}`"),
            range(entry.span()),
            "unknown",
            suggest(&name, ["16550"]),
        );
        None
    }
}
