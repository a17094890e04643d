//! Devices of the machine, a node each: `console`, `disk`, `net`, `rng` and `vsock`. Their order in the block is the one
//! in which a guest finds them.

use super::Decoder;
use super::memory::Sized;
use super::span::{head, range};
use super::word::DEVICE_NODES;
use crate::diagnostic::suggest;
use crate::language::nodes::{self, Property, properties};
use kdl::{KdlEntry, KdlNode};
use std::collections::BTreeMap;
use vmlock_spec::machine::virtio::{CIDS, MTUS, PORTS};
use vmlock_spec::vm::Console;
use vmlock_spec::vm::device::{Device, Disk, Net, Port, Vsock};

const SIZE: Sized = Sized {
    what: "`size`",
    before: "size=",
    code: "spec::disk-size",
    limits: "no file is 8 EiB long",
};

type Properties<'n> = BTreeMap<&'static str, &'n KdlEntry>;

impl Decoder<'_> {
    /// The devices of a `vm` block: what is behind its console, where it says so, and those of virtio.
    pub(super) fn devices(&mut self, vm: &KdlNode) -> (Option<Console>, Vec<Device>) {
        let mut uart: Option<(&KdlNode, Console)> = None;
        let mut devices = Vec::new();
        let nodes = vm.children().map_or(&[][..], |c| c.nodes());
        for node in nodes {
            let word = node.name().value();
            if !DEVICE_NODES.contains(&word) {
                continue;
            }
            let place = format!("/devices/{}/{word}", devices.len());
            let device = match word {
                "disk" => self.disk(node, &place).map(Device::Disk),
                "net" => self.net(node, &place).map(Device::Net),
                "vsock" => self.vsock(node, &place).map(Device::Vsock),
                "rng" => self.rng(node),
                _ => match (self.console(node), uart) {
                    (Some(Shown::Virtio), _) => Some(Device::Console {}),
                    (Some(Shown::Uart(_)), Some((first, _))) => {
                        self.twice(first, node, "keep one `console`");
                        None
                    }
                    (Some(Shown::Uart(console)), None) => {
                        uart = Some((node, console));
                        None
                    }
                    (None, _) => None,
                },
            };
            if let Some(device) = device {
                self.places
                    .note(format!("/devices/{}", devices.len()), head(node));
                self.places.note(place, head(node));
                devices.push(device);
            }
        }
        (uart.map(|(_, console)| console), devices)
    }

    fn console(&mut self, node: &KdlNode) -> Option<Shown> {
        self.properties(node, &[]);
        self.no_children(node);
        let entry = self.only(node, "console \"16550\"")?;
        let name = self.string(entry, "the console")?;
        match name.as_str() {
            "16550" => {
                self.places.note("/console", range(entry.span()));
                return Some(Shown::Uart(Console::Uart16550));
            }
            "virtio" => return Some(Shown::Virtio),
            _ => {}
        }
        self.push(
            "spec::unknown-console",
            format!("unknown console `{name}`"),
            range(entry.span()),
            "unknown",
            match name.as_str() {
                "hvc0" | "hvc" | "virtio-console" => "write `console \"virtio\"`".to_owned(),
                "ttyS0" | "serial" | "uart" => "write `console \"16550\"`".to_owned(),
                "none" | "off" | "no" => {
                    "leave the line out: without `console` there is a 16550, and nobody has to use it"
                        .to_owned()
                }
                _ => suggest(&name, ["16550", "virtio"]),
            },
        );
        None
    }

    fn disk(&mut self, node: &KdlNode, place: &str) -> Option<Disk> {
        const EXAMPLE: &str = "disk \"root\" path=\"root.img\"";
        self.no_children(node);
        let properties = self.noted(node, properties(&["vm", "disk"]), place);
        let name = self.called(node, EXAMPLE, place);
        let path = self.needed(node, &properties, "path", "names no file", EXAMPLE);
        let serial = self.given(&properties, "serial", Self::text_of);
        let size = self.given(&properties, "size", |d, entry, _| d.size(entry, &SIZE));
        let read_only = self.given(&properties, "read-only", Self::truth);
        let digest = self.given(&properties, "digest", Self::text_of);
        let any_file = self.given(&properties, "any-file", Self::truth);
        Some(Disk {
            name: name?,
            path: path?,
            size: size?,
            read_only: read_only?.unwrap_or_default(),
            serial: serial?,
            digest: digest?,
            any_file: any_file?.unwrap_or_default(),
        })
    }

    fn net(&mut self, node: &KdlNode, place: &str) -> Option<Net> {
        const EXAMPLE: &str = "net \"lan\" tap=\"tap0\"";
        self.no_children(node);
        let properties = self.noted(node, properties(&["vm", "net"]), place);
        let name = self.called(node, EXAMPLE, place);
        let tap = self.given(&properties, "tap", Self::text_of);
        let mac = self.given(&properties, "mac", Self::text_of);
        let mtu = self.given(&properties, "mtu", |d, entry, what| {
            d.number(entry, "spec::out-of-range", what, MTUS)
        });
        Some(Net {
            name: name?,
            tap: tap?,
            mac: mac?,
            mtu: mtu?.map(|mtu| mtu as u16),
        })
    }

    fn rng(&mut self, node: &KdlNode) -> Option<Device> {
        self.properties(node, &[]);
        self.no_children(node);
        self.no_arguments(
            node,
            "`rng` stands alone on its line: its randomness is the host's",
        );
        Some(Device::Rng {})
    }

    fn vsock(&mut self, node: &KdlNode, place: &str) -> Option<Vsock> {
        const EXAMPLE: &str = "vsock cid=3 { port 1024 path=\"agent.sock\"; }";
        let properties = self.noted(node, properties(&["vm", "vsock"]), place);
        self.no_arguments(node, &format!("write `{EXAMPLE}`"));
        let cids = u64::from(*CIDS.start())..=(*CIDS.end()).into();
        let cid = match properties.get("cid") {
            Some(entry) => self.number(entry, "spec::out-of-range", "`cid`", cids),
            // A value without its name is told of already.
            None if node.entries().iter().any(|e| e.name().is_none()) => None,
            None if !self.heir.contains(&head(node).start) => {
                // Its word alone is shown.
                let word = self.heir.start..self.heir.start + nodes::VM.word.len();
                self.push(
                    "spec::missing",
                    "this machine takes over a `vsock`, and has no `cid` of its own for it".to_owned(),
                    word,
                    "this machine",
                    "a `cid` is each machine's own, for by it two are told apart: write `vsock cid=4` here, or another",
                );
                None
            }
            None => {
                self.lacks(node, "cid", "has no context id", EXAMPLE);
                None
            }
        };
        let mut ports = Vec::new();
        for child in node.children().map_or(&[][..], |c| c.nodes()) {
            let word = child.name().value();
            self.no_type(child.ty());
            if word != "port" {
                self.push(
                    "spec::unknown-node",
                    format!("a `vsock` has no `{word}`"),
                    head(child),
                    "unknown",
                    suggest(word, ["port"]),
                );
                continue;
            }
            let place = format!("{place}/ports/{}", ports.len());
            ports.extend(self.port(child, &place));
        }
        Some(Vsock {
            cid: cid? as u32,
            ports,
        })
    }

    fn port(&mut self, node: &KdlNode, place: &str) -> Option<Port> {
        const EXAMPLE: &str = "port 1024 path=\"agent.sock\"";
        self.no_children(node);
        self.places.note(place, head(node));
        let properties = self.noted(node, properties(&["vm", "vsock", "port"]), place);
        let number = self.only(node, EXAMPLE).and_then(|entry| {
            self.places
                .note(format!("{place}/port"), range(entry.span()));
            self.number(entry, "spec::out-of-range", "a port", PORTS)
        });
        let path = self.needed(node, &properties, "path", "names no socket", EXAMPLE);
        Some(Port {
            port: number? as u32,
            path: path?,
        })
    }

    /// The properties of a device, each with its place.
    fn noted<'n>(
        &mut self,
        node: &'n KdlNode,
        known: &'static [Property],
        place: &str,
    ) -> Properties<'n> {
        let properties = self.properties(node, known);
        for (name, entry) in &properties {
            let span = self.value_span(entry);
            self.places.note(format!("{place}/{name}"), span);
        }
        properties
    }

    /// What a device is called.
    fn called(&mut self, node: &KdlNode, example: &str, place: &str) -> Option<String> {
        let entry = self.only(node, example)?;
        self.places
            .note(format!("{place}/name"), range(entry.span()));
        self.string(entry, "a device's name")
    }

    /// A text that a device cannot be without.
    fn needed(
        &mut self,
        node: &KdlNode,
        properties: &Properties,
        name: &'static str,
        lacks: &str,
        example: &str,
    ) -> Option<String> {
        match properties.get(name) {
            Some(entry) => self.string(entry, &format!("`{name}`")),
            None => {
                self.lacks(node, name, lacks, example);
                None
            }
        }
    }

    fn lacks(&mut self, node: &KdlNode, name: &'static str, lacks: &str, example: &str) {
        // A property that was misspelt, or stands in a block, is told of already.
        let in_block = node.children().is_some() && node.name().value() != "vsock";
        // So is one of a name that nothing has: it may have been meant to be this.
        let odd = self.odd.contains_key(&head(node).start);
        if in_block || odd || self.misspelt.contains(name) {
            return;
        }
        let word = node.name().value();
        self.push(
            "spec::missing",
            format!("this `{word}` {lacks}"),
            head(node),
            &format!("no `{name}`"),
            format!("write `{example}`"),
        );
    }

    /// A property that may be left out: what it says, or that it could not be read.
    fn given<T>(
        &mut self,
        properties: &Properties,
        name: &str,
        read: impl FnOnce(&mut Self, &KdlEntry, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        match properties.get(name) {
            None => Some(None),
            Some(entry) => read(self, entry, &format!("`{name}`")).map(Some),
        }
    }

    fn text_of(&mut self, entry: &KdlEntry, what: &str) -> Option<String> {
        self.string(entry, what)
    }
}

/// What a `console` asks for.
enum Shown {
    Uart(Console),
    Virtio,
}
