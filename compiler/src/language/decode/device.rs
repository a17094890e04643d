//! Devices of the machine, a node each: their order in the block is the one in which a guest finds them. A console is one
//! of them where it is virtio's.

use super::Decoder;
use super::row::{Object, length, push};
use super::span::{head, range};
use crate::diagnostic::suggest;
use crate::language::nodes::Node;
use kdl::KdlNode;
use serde_json::json;

impl Decoder<'_> {
    /// Adds a device to those of a machine.
    pub(super) fn device(&mut self, node: &KdlNode, word: &str, device: Object, out: &mut Object) {
        let place = format!("/devices/{}", length(out, "devices"));
        self.places.note(format!("{place}/{word}"), head(node));
        self.places.note(place, head(node));
        push(out, "devices", json!({ word: device }));
    }

    /// What is behind the console, where it says so, or another one.
    pub(super) fn console(&mut self, row: &'static Node, node: &KdlNode, out: &mut Object) {
        self.properties(row, node);
        self.no_children(node);
        let Some(entry) = self.only(row, node) else {
            return;
        };
        let Some(name) = self.string(entry, "the console") else {
            return;
        };
        match name.as_str() {
            "16550" => match self.uart.clone() {
                Some(first) => self.twice(first, node, "keep one `console`"),
                None => {
                    self.uart = Some(head(node));
                    self.places.note("/console", range(entry.span()));
                    out.insert("console".to_owned(), name.into());
                }
            },
            "virtio" => self.device(node, row.word, Object::new(), out),
            _ => self.push(
                "spec::unknown-console",
                format!("unknown console `{name}`"),
                range(entry.span()),
                "unknown",
                match name.as_str() {
                    "hvc0" | "hvc" | "virtio-console" => "write `console \"virtio\"`".to_owned(),
                    "ttyS0" | "ttyAMA0" | "pl011" | "serial" | "uart" => {
                        "write `console \"16550\"`: Linux calls it `ttyS0`".to_owned()
                    }
                    "pty" | "stdio" | "file" | "tcp" | "unix" | "mon:stdio" => {
                        "write `console \"16550\"`; where its text goes is up to who runs the machine".to_owned()
                    }
                    "none" | "off" | "no" => {
                        "leave the line out: without `console` there is a 16550, and nobody has to use it"
                            .to_owned()
                    }
                    _ => suggest(&name, ["16550", "virtio"]),
                },
            ),
        }
    }
}
