//! `boot kernel="…" initrd="…" cmdline="…"`: what the guest starts with.

use super::Decoder;
use super::span::head;
use crate::language::nodes::properties;
use kdl::KdlNode;
use vmlock_spec::vm::Boot;

impl Decoder<'_> {
    pub(super) fn boot(&mut self, node: &KdlNode) -> Option<Boot> {
        const EXAMPLE: &str =
            "boot kernel=\"vmlinuz\" initrd=\"initrd.img\" cmdline=\"console=ttyS0\"";
        self.places.note("/boot", head(node));
        self.no_children(node);
        // A path without its name is one mistake, however many there are.
        let nameless = self.arguments(node).first().map(|e| self.value_span(e));
        if let Some(span) = &nameless {
            let alone = node.entries().len() == 1;
            let help = match self.source.text.get(span.clone()).filter(|_| alone) {
                Some(written) => format!("write `boot kernel={written}`"),
                None => format!("write `{EXAMPLE}`"),
            };
            self.push(
                "spec::unexpected-argument",
                "`boot` takes no value without a name".to_owned(),
                span.clone(),
                "which of the files?",
                help,
            );
        }
        let properties = self.properties(node, properties(&["vm", "boot"]));
        for (name, entry) in &properties {
            let span = self.value_span(entry);
            self.places.note(format!("/boot/{name}"), span);
        }
        let mut fine = true;
        let mut text = |decoder: &mut Self, name: &str| {
            let entry = properties.get(name)?;
            let text = decoder.string(entry, &format!("`{name}`"));
            fine &= text.is_some();
            text
        };
        let kernel = text(self, "kernel");
        let initrd = text(self, "initrd");
        let cmdline = text(self, "cmdline").unwrap_or_default();
        let kernel_digest = text(self, "kernel-digest");
        let initrd_digest = text(self, "initrd-digest");
        let kernel_address = properties
            .get("kernel-address")
            .and_then(|e| self.number(e, "spec::out-of-range", "`kernel-address`", 0..=u64::MAX));
        let mut truth = |name: &str| {
            let entry = properties.get(name)?;
            self.truth(entry, &format!("`{name}`"))
        };
        let any_file = truth("any-file").unwrap_or_default();
        let kaslr_seed = truth("kaslr-seed").unwrap_or_default();
        let told = nameless.is_some()
            || node.children().is_some()
            || self.odd.contains_key(&head(node).start)
            || self.misspelt.contains("kernel");
        if !properties.contains_key("kernel") && !told {
            self.push(
                "spec::missing",
                "`boot` names no kernel".to_owned(),
                head(node),
                "no `kernel`",
                format!("write `{EXAMPLE}`"),
            );
        }
        let kernel = kernel.filter(|_| fine)?;
        Some(Boot {
            kernel,
            initrd,
            cmdline,
            kernel_digest,
            initrd_digest,
            kernel_address,
            any_file,
            kaslr_seed,
        })
    }
}
