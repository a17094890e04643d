//! A description as KDL text: what `decode` reads, the other way round. Names and values alone; a description that came
//! of a text with comments is edited in that text.

use vmlock_spec::vm::device::{Device, Disk, Net, Vsock};
use vmlock_spec::vm::{AcrossSaves, Boot, Cpu, Feature, Pmu, VmSpec};
use vmlock_spec::words;

/// Writes a description, laid out as `vmlock fmt` does it.
///
/// # Errors
/// The place of a size that KDL has no unit for: its sizes are whole KiB.
pub fn write(spec: &VmSpec) -> Result<String, String> {
    let mut node = Node::new("vm").value(&spec.name);
    if let Some(words) = &spec.description {
        node = node.child(Node::new("description").value(words));
    }
    if !spec.labels.is_empty() {
        let labels = spec.labels.iter();
        node = node.child(labels.fold(Node::new("labels"), |node, (name, value)| {
            node.property(&word(name), value)
        }));
    }
    node = node.child(Node::new("arch").value("arm64"));
    node = node.listed("import", &spec.import);
    node = node.listed("abi", &spec.abi);
    node = node.child(cpu(&spec.cpu));
    node = node.child(Node::new("memory").raw(size(spec.memory, "/memory")?));
    if let Some(said) = &spec.boot {
        node = node.child(boot(said));
    }
    for (index, said) in spec.devices.iter().enumerate() {
        node = node.child(device(said, index)?);
    }
    if spec.across_saves != AcrossSaves::default() {
        node = node.child(Node::new("across-saves").value(spec.across_saves.name()));
    }
    if spec.vmgenid {
        node = node.child(Node::new("vmgenid"));
    }
    node = node.listed("vary", &spec.vary);
    for allow in &spec.allow {
        let mut child = Node::new("allow").value(&allow.code);
        for field in allow.fields.iter().flatten() {
            child = child.value(field);
        }
        node = node.child(child.property("reason", &allow.reason));
    }
    node = node.listed("runs-on", &spec.runs_on);
    if let Some(place) = &spec.lock_schema {
        node = node.child(Node::new("lock-schema").value(place));
    }
    let mut text = String::new();
    node.write(0, &mut text);
    Ok(text)
}

/// A name of the author's own, in quotes where KDL would take it for something else.
fn word(name: &str) -> String {
    const KEPT: [&str; 5] = ["true", "false", "null", "inf", "nan"];
    let letters = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match letters && name.chars().all(plain) && !KEPT.contains(&name) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

fn cpu(cpu: &Cpu) -> Node {
    let mut node = Node::new("cpu").value(&cpu.model);
    node = node.raw(format!("count={}", cpu.count));
    for feature in &cpu.features {
        let mut child = Node::new(feature.name());
        match feature {
            Feature::Sve => {
                for bits in &cpu.vector_lengths {
                    child = child.raw(bits.to_string());
                }
            }
            Feature::Pmu => child = pmu(child, cpu.pmu.as_ref()),
            Feature::Pauth | Feature::Mte | Feature::StealTime => {}
        }
        node = node.child(child);
    }
    if let Some(debug) = &cpu.debug {
        let child = Node::new("debug").number("breakpoints", debug.breakpoints);
        node = node.child(child.number("watchpoints", debug.watchpoints));
    }
    if cpu.aarch32 {
        node = node.child(Node::new("aarch32"));
    }
    node = node.listed("hide", &cpu.hide);
    for set in &cpu.set {
        let value = match set.value {
            small @ ..10 => small.to_string(),
            value => format!("{value:#x}"),
        };
        node = node.child(Node::new("set").value(&set.field).raw(value));
    }
    node
}

fn pmu(mut node: Node, pmu: Option<&Pmu>) -> Node {
    let Some(pmu) = pmu else {
        return node;
    };
    if let Some(version) = &pmu.version {
        node = node.property("version", version);
    }
    node = node.number("counters", pmu.counters);
    for (word, events) in [("allow", &pmu.allow), ("deny", &pmu.deny)] {
        if !events.is_empty() {
            let mut child = Node::new(word);
            for event in events {
                child = child.raw(format!("{event:#x}"));
            }
            node = node.child(child);
        }
    }
    node
}

fn boot(boot: &Boot) -> Node {
    let mut node = Node::new("boot").property("kernel", &boot.kernel);
    node = node.maybe("initrd", boot.initrd.as_deref());
    if boot.any_file {
        node = node.raw("any-file=#true".to_owned());
    }
    node = node.maybe("kernel-digest", boot.kernel_digest.as_deref());
    node = node.maybe("initrd-digest", boot.initrd_digest.as_deref());
    if let Some(address) = boot.kernel_address {
        node = node.raw(format!("kernel-address={address:#x}"));
    }
    if boot.kaslr_seed {
        node = node.raw("kaslr-seed=#true".to_owned());
    }
    if !boot.cmdline.is_empty() {
        node = node.property("cmdline", &boot.cmdline);
    }
    node
}

fn device(device: &Device, index: usize) -> Result<Node, String> {
    let node = Node::new(device.word());
    Ok(match device {
        Device::Disk(disk) => of_disk(node, disk, index)?,
        Device::Net(Net {
            name,
            tap,
            mac,
            mtu,
        }) => {
            let node = node.value(name).maybe("tap", tap.as_deref());
            node.maybe("mac", mac.as_deref())
                .number("mtu", mtu.map(u32::from))
        }
        Device::Rng {} => node,
        Device::Console {} => node.value("virtio"),
        Device::Vsock(Vsock { cid, ports }) => {
            let mut node = node.number("cid", Some(*cid));
            for port in ports {
                let child = Node::new("port").raw(port.port.to_string());
                node = node.child(child.property("path", &port.path));
            }
            node
        }
    })
}

fn of_disk(node: Node, disk: &Disk, index: usize) -> Result<Node, String> {
    let mut node = node.value(&disk.name).property("path", &disk.path);
    if let Some(bytes) = disk.size {
        let size = size(bytes, &format!("/devices/{index}/disk/size"))?;
        node = node.raw(format!("size={size}"));
    }
    if disk.read_only {
        node = node.raw("read-only=#true".to_owned());
    }
    node = node.maybe("serial", disk.serial.as_deref());
    node = node.maybe("digest", disk.digest.as_deref());
    if disk.any_file {
        node = node.raw("any-file=#true".to_owned());
    }
    Ok(node)
}

/// A size in the largest unit of which it is a whole number.
fn size(bytes: u64, place: &str) -> Result<String, String> {
    [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")]
        .into_iter()
        .find(|(shift, _)| bytes.trailing_zeros() >= *shift)
        .map(|(shift, unit)| format!("\"{}{unit}\"", bytes >> shift))
        .ok_or_else(|| place.to_owned())
}

/// Whether nobody sees a character of a string, or it ends a line: KDL has it by its number.
fn unseen(c: char) -> bool {
    c.is_control() || !words::is_printable(c)
}

/// A string between quotes.
pub fn quoted(text: &str) -> String {
    // A path of Windows is taken for a mistake where each `\` of it is written twice.
    // Three quotes would begin a text of several lines.
    if text.contains('\\') && !text.contains(unseen) && !text.starts_with("\"\"") {
        let hashes = text
            .split('"')
            .map(|rest| rest.len() - rest.trim_start_matches('#').len());
        let hashes = "#".repeat(1 + hashes.max().unwrap_or(0));
        return format!("{hashes}\"{text}\"{hashes}");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if unseen(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A node that is written.
struct Node {
    line: String,
    children: Vec<Node>,
}

impl Node {
    fn new(word: &str) -> Self {
        Self {
            line: word.to_owned(),
            children: Vec::new(),
        }
    }

    /// Adds a value or property as it is.
    fn raw(mut self, text: String) -> Self {
        self.line.push(' ');
        self.line.push_str(&text);
        self
    }

    fn value(self, text: &str) -> Self {
        self.raw(quoted(text))
    }

    fn property(self, name: &str, text: &str) -> Self {
        self.raw(format!("{name}={}", quoted(text)))
    }

    fn maybe(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.property(name, text),
            None => self,
        }
    }

    fn number(self, name: &str, number: Option<u32>) -> Self {
        match number {
            Some(number) => self.raw(format!("{name}={number}")),
            None => self,
        }
    }

    fn child(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }

    /// One line with all of a list; none where it is empty.
    fn listed(self, word: &str, list: &[String]) -> Self {
        if list.is_empty() {
            return self;
        }
        let node = list
            .iter()
            .fold(Node::new(word), |node, text| node.value(text));
        self.child(node)
    }

    fn write(&self, depth: usize, out: &mut String) {
        let indent = " ".repeat(depth * 4);
        out.push_str(&format!("{indent}{}", self.line));
        if !self.children.is_empty() {
            out.push_str(" {\n");
            for child in &self.children {
                child.write(depth + 1, out);
            }
            out.push_str(&format!("{indent}}}"));
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::decode::decode;
    use crate::language::read::parse;
    use crate::language::sharing::Defaults;
    use crate::location::Source;
    use proptest::prelude::*;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
    use std::sync::Arc;
    use vmlock_spec::vm::device::Port;
    use vmlock_spec::vm::{Allow, Debug, SetField};

    /// Any text, with what strings of KDL have to escape more often than chance has it.
    fn text() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            '"', '\\', '\n', '\r', '\t', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}',
            '\u{202e}', '\u{feff}', '#', 'é', '🦀', ' ', '{', '/',
        ]);
        let chars = prop_oneof![4 => prop::char::range('a', 'z'), 2 => odd, 1 => any::<char>()];
        let texts = prop::collection::vec(chars, 0..9).prop_map(String::from_iter);
        // What begins as a path of Windows and holds what nobody sees is refused by `scan`, and by nobody missed.
        texts.prop_filter("half a path", |text: &String| {
            let path = text.contains('\\') || text.starts_with('.') || text.get(1..2) == Some(":");
            !(path && (text.contains(unseen) || text.starts_with("\"\"")))
        })
    }

    fn texts() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(text(), 0..3)
    }

    fn maybe() -> impl Strategy<Value = Option<String>> {
        prop::option::of(text())
    }

    fn cpus() -> impl Strategy<Value = Cpu> {
        let features = prop::sample::subsequence(Feature::ALL.to_vec(), 0..=Feature::ALL.len());
        let lengths = prop::sample::subsequence(vec![128, 256, 512], 0..=3);
        let events = || prop::collection::vec(0..=0xffff_u16, 0..3);
        let pmu = (maybe(), prop::option::of(0..=31_u32), events(), events());
        let debug = (prop::option::of(2..=16_u32), prop::option::of(2..=16_u32));
        let debug = prop::option::of(debug.prop_map(|(breakpoints, watchpoints)| Debug {
            breakpoints,
            watchpoints,
        }));
        let set = (text(), any::<u64>()).prop_map(|(field, value)| SetField { field, value });
        let set = prop::collection::vec(set, 0..3);
        let first = (text(), 1..=64_u32, features, lengths, pmu);
        (first, debug, any::<bool>(), texts(), set).prop_map(
            |(first, debug, aarch32, hide, set)| {
                let (model, count, features, vector_lengths, (version, counters, allow, deny)) =
                    first;
                let pmu = Pmu {
                    version,
                    counters,
                    allow,
                    deny,
                };
                let has = |feature| features.contains(&feature);
                Cpu {
                    model,
                    count,
                    pmu: (has(Feature::Pmu) && pmu != Pmu::default()).then_some(pmu),
                    vector_lengths: if has(Feature::Sve) {
                        vector_lengths
                    } else {
                        Vec::new()
                    },
                    features,
                    debug,
                    aarch32,
                    hide,
                    set,
                }
            },
        )
    }

    fn boots() -> impl Strategy<Value = Boot> {
        let rest = (prop::option::of(any::<u64>()), any::<bool>(), any::<bool>());
        (text(), maybe(), text(), maybe(), maybe(), rest).prop_map(
            |(kernel, initrd, cmdline, kernel_digest, initrd_digest, rest)| Boot {
                kernel,
                initrd,
                cmdline,
                kernel_digest,
                initrd_digest,
                kernel_address: rest.0,
                any_file: rest.1,
                kaslr_seed: rest.2,
            },
        )
    }

    fn devices() -> impl Strategy<Value = Device> {
        let size = prop::option::of((0..1_u64 << 40).prop_map(|kib| kib << 10));
        let disk = (
            text(),
            text(),
            size,
            any::<bool>(),
            maybe(),
            maybe(),
            any::<bool>(),
        );
        let disk = disk.prop_map(
            |(name, path, size, read_only, serial, digest, any_file)| Disk {
                name,
                path,
                size,
                read_only,
                serial,
                digest,
                any_file,
            },
        );
        let net = (text(), maybe(), maybe(), prop::option::of(68..=65521_u16));
        let net = net.prop_map(|(name, tap, mac, mtu)| Net {
            name,
            tap,
            mac,
            mtu,
        });
        let port = (1024..9999_u32, text()).prop_map(|(port, path)| Port { port, path });
        let vsock = (3..99_u32, prop::collection::vec(port, 0..3));
        let vsock = vsock.prop_map(|(cid, ports)| Vsock { cid, ports });
        prop_oneof![
            disk.prop_map(Device::Disk),
            net.prop_map(Device::Net),
            vsock.prop_map(Device::Vsock),
            Just(Device::Rng {}),
            Just(Device::Console {}),
        ]
    }

    fn specs() -> impl Strategy<Value = VmSpec> {
        let allow = (text(), prop::collection::vec(text(), 0..3), text());
        let allow = allow.prop_map(|(code, fields, reason)| Allow {
            code,
            fields: Some(fields).filter(|fields| !fields.is_empty()),
            reason,
        });
        let abi = prop::collection::vec(text(), 1..3);
        let memory = (0..1_u64 << 40).prop_map(|kib| kib << 10);
        let machine = (text(), abi, cpus(), memory).prop_map(|(name, abi, cpu, memory)| VmSpec {
            abi,
            ..VmSpec::bare(&name, &[], cpu, memory)
        });
        let boot = prop::option::of(boots());
        let devices = prop::collection::vec(devices(), 0..4);
        let allow = prop::collection::vec(allow, 0..3);
        let about = (maybe(), prop::collection::btree_map(text(), text(), 0..3));
        let across = prop::sample::select(AcrossSaves::ALL.map(|(_, one)| one).to_vec());
        let saves = (across, prop::bool::ANY);
        let rest = (
            boot,
            devices,
            saves,
            texts(),
            allow,
            texts(),
            texts(),
            maybe(),
        );
        (machine, about, rest).prop_map(|(machine, about, rest)| {
            let (boot, devices, saves, vary, allow, runs_on, import, lock_schema) = rest;
            let (description, labels) = about;
            let (across_saves, vmgenid) = saves;
            VmSpec {
                description,
                labels,
                boot,
                devices,
                across_saves,
                vmgenid,
                vary,
                allow,
                runs_on,
                import,
                lock_schema,
                ..machine
            }
        })
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let config = ProptestConfig {
            cases: CASES,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        // The same descriptions in every run.
        let chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, chance);
        let kept = runner.run(&specs(), |spec| {
            let source = Arc::new(Source {
                path: "x".into(),
                text: write(&spec).unwrap(),
            });
            let decoded = decode(&source, &parse(&source).unwrap(), &Defaults::default()).remove(0);
            let found: Vec<_> = decoded.found.iter().map(|d| &d.message).collect();
            prop_assert!(found.is_empty(), "{found:?}\n{}", source.text);
            prop_assert_eq!(decoded.spec, Some(spec));
            prop_assert_eq!(crate::language::layout::edits(&source).unwrap(), []);
            Ok(())
        });
        kept.unwrap();
    }

    /// How many descriptions are written.
    const CASES: u32 = 64;

    #[test]
    fn sizes_have_the_largest_unit() {
        assert_eq!(size(512 << 20, "").as_deref(), Ok("\"512MiB\""));
        assert_eq!(size(2 << 30, "").as_deref(), Ok("\"2GiB\""));
        assert_eq!(size(1025 << 10, "").as_deref(), Ok("\"1025KiB\""));
        assert_eq!(size(512, "/memory"), Err("/memory".to_owned()));
    }
}
