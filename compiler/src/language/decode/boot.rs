//! `boot kernel="…" initrd="…" cmdline="…"`: what the guest starts with.

use super::Decoder;
use super::span::{head, range};
use kdl::KdlNode;
use vmlock_spec::vm::Boot;

/// Longest command line (arm64 `COMMAND_LINE_SIZE`, arch/arm64/include/uapi/asm/setup.h).
const CMDLINE_MAX_BYTES: usize = 2048;

impl Decoder<'_> {
    pub(super) fn boot(&mut self, node: &KdlNode) -> Option<Boot> {
        const EXAMPLE: &str =
            "boot kernel=\"vmlinuz\" initrd=\"initrd.img\" cmdline=\"console=ttyS0\"";
        self.places.note("/boot", head(node));
        self.no_children(node);
        self.no_arguments(node, &format!("write `{EXAMPLE}`"));
        let properties = self.properties(
            node,
            &[
                "kernel",
                "initrd",
                "cmdline",
                "kernel-digest",
                "initrd-digest",
                "kernel-address",
                "any-file",
            ],
        );
        for (name, entry) in &properties {
            self.places
                .note(format!("/boot/{name}"), range(entry.span()));
        }
        let mut fine = true;
        let mut text = |decoder: &mut Self, name: &str| {
            let entry = properties.get(name)?;
            // An empty command line is one; an empty path is none.
            if name == "cmdline" && entry.value().as_string() == Some("") {
                return None;
            }
            let text = decoder.string(entry, &format!("`{name}`"));
            fine &= text.is_some();
            text.filter(|t| {
                let whole = !t.contains(['\0', '\n']);
                if !whole {
                    let span = decoder.value_span(entry);
                    let message = format!("`{name}` holds a NUL or a line break");
                    decoder.push(
                        "spec::bad-cmdline",
                        message,
                        span,
                        "not one line of text",
                        "keep it on one line",
                    );
                }
                whole
            })
        };
        let kernel = text(self, "kernel");
        let initrd = text(self, "initrd");
        let cmdline = text(self, "cmdline").unwrap_or_default();
        let kernel_digest = text(self, "kernel-digest");
        let initrd_digest = text(self, "initrd-digest");
        let kernel_address = properties
            .get("kernel-address")
            .and_then(|e| self.number(e, "spec::out-of-range", "`kernel-address`", 0..=u64::MAX));
        let any_file = properties
            .get("any-file")
            .and_then(|e| self.truth(e, "`any-file`"))
            .unwrap_or_default();
        if !properties.contains_key("kernel") && !self.misspelt.contains("kernel") {
            self.push(
                "spec::missing",
                "`boot` names no kernel".to_owned(),
                head(node),
                "no `kernel`",
                format!("write `{EXAMPLE}`"),
            );
        }
        if cmdline.len() > CMDLINE_MAX_BYTES {
            // The value itself would fill the screen.
            let name = properties.get("cmdline").and_then(|e| e.name());
            let span = name.map_or(head(node), |n| range(n.span()));
            self.push(
                "spec::bad-cmdline",
                format!("the command line has {} bytes", cmdline.len()),
                span,
                "too long",
                "an arm64 kernel reads at most 2048",
            );
            return None;
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
        })
    }
}
