//! A description as KDL text: what `decode` reads, the other way round, by the same table. Names and values alone; a
//! description that came of a text with comments is edited in that text.

use super::nodes::{EVENT, Form, Node as Row, Number, Property, VM, Value};
use serde_json::Value as Json;
use vmlock_spec::vm::VmSpec;
use vmlock_spec::words;

/// What is written before all else of a machine; the rest is in the table's order.
const FIRST: [&str; 4] = ["description", "labels", "arch", "import"];
/// The property that is written behind the others: it is long.
const LAST: &str = "cmdline";

/// Writes a description, laid out as `vmlock fmt` does it.
///
/// # Errors
/// The place of a size that KDL has no unit for: its sizes are whole KiB.
pub fn write(spec: &VmSpec) -> Result<String, String> {
    // Nothing of a description is something that JSON has not.
    let json = serde_json::to_value(spec).unwrap_or_default();
    text(&VM, &json)
}

/// What an object of the JSON form says, as its row writes it.
pub(super) fn text(row: &Row, said: &Json) -> Result<String, String> {
    let mut text = String::new();
    object(row, said, "")?.write(0, &mut text);
    Ok(text)
}

/// A node that says what an object of the JSON form does.
fn object(row: &Row, said: &Json, place: &str) -> Result<Node, String> {
    let mut node = Node::new(row.word);
    for value in row.values {
        for one in each(said.get(value.key)) {
            node = node.raw(literal(value.value, one, place)?);
        }
    }
    let (last, others): (Vec<&Property>, Vec<_>) =
        row.properties.iter().partition(|p| p.name == LAST);
    for property in others.into_iter().chain(last) {
        if let Some(one) = said.get(property.name) {
            let place = format!("{place}/{}", property.name);
            let one = literal(property.value, one, &place)?;
            node = node.raw(format!("{}={one}", property.name));
        }
    }
    let first = FIRST.iter().filter_map(|word| row.inner(word));
    let others = row.block.iter().filter(|row| !FIRST.contains(&row.word));
    for inner in first.chain(others) {
        node.children.extend(part(inner, said, place)?);
    }
    Ok(node)
}

/// The nodes of a block that say what the object does of which they make a part.
fn part(row: &Row, said: &Json, place: &str) -> Result<Vec<Node>, String> {
    let empty = |own: &&Json| own.as_array().is_some_and(Vec::is_empty);
    let own = said.get(row.key()).filter(|own| !empty(own));
    let place = format!("{place}/{}", row.key());
    let listed = |word: &Json| word.as_str() == Some(row.word);
    let one = match row.form {
        _ if !row.list.is_empty() => {
            let named = each(said.get(row.list)).iter().any(listed);
            named.then(|| statement(row, own, &place)).transpose()?
        }
        Form::Labels => own.map(labels),
        // All devices in their order, where the first of their words stands in the table.
        Form::Console => {
            let devices = each(said.get("devices")).iter().enumerate();
            return devices.map(|(index, said)| device(index, said)).collect();
        }
        Form::Device => None,
        Form::Item => {
            let items = each(own).iter().enumerate();
            let item = |(index, said)| object(row, said, &format!("{place}/{index}"));
            return items.map(item).collect();
        }
        Form::Truth if own == Some(&Json::Bool(false)) => None,
        Form::Nothing | Form::Value | Form::Truth | Form::List | Form::Object => own
            .map(|own| statement(row, Some(own), &place))
            .transpose()?,
    };
    Ok(one.into_iter().collect())
}

/// A node that says what one value of the JSON form does.
fn statement(row: &Row, said: Option<&Json>, place: &str) -> Result<Node, String> {
    if let Some(said) = said.filter(|said| said.is_object()) {
        return object(row, said, place);
    }
    let mut node = Node::new(row.word);
    for value in row.values {
        for one in each(said) {
            node = node.raw(literal(value.value, one, place)?);
        }
    }
    Ok(node)
}

fn device(index: usize, said: &Json) -> Result<Node, String> {
    let said = said.as_object().and_then(|device| device.iter().next());
    let Some((row, said)) = said.and_then(|(word, said)| Some((VM.inner(word)?, said))) else {
        return Err(format!("/devices/{index}"));
    };
    match row.form {
        Form::Console => Ok(Node::new(row.word).raw(quoted("virtio"))),
        _ => object(row, said, &format!("/devices/{index}/{}", row.word)),
    }
}

fn labels(said: &Json) -> Node {
    let labels = said.as_object().into_iter().flatten();
    labels.fold(Node::new("labels"), |node, (name, value)| {
        let value = value.as_str().unwrap_or_default();
        node.raw(format!("{}={}", word(name), quoted(value)))
    })
}

/// The values of a list, or the one that there is.
fn each(said: Option<&Json>) -> &[Json] {
    match said {
        Some(Json::Array(list)) => list,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// A value as KDL spells it.
fn literal(value: Value, said: &Json, place: &str) -> Result<String, String> {
    Ok(match (said, said.as_u64(), value) {
        (Json::String(text), ..) => quoted(text),
        (Json::Bool(truth), ..) => format!("#{truth}"),
        (_, Some(bytes), Value::Size(_)) => size(bytes, place)?,
        (_, Some(number), Value::Event) => digits(number, EVENT),
        (_, Some(number), Value::Number(of)) => digits(number, of),
        _ => said.to_string(),
    })
}

fn digits(number: u64, of: Number) -> String {
    match number < of.hex_from {
        true => number.to_string(),
        false => format!("{number:#x}"),
    }
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
    use vmlock_spec::vm::device::{Device, Disk, Net, Port, Vsock};
    use vmlock_spec::vm::{AcrossSaves, Allow, Boot, Cpu, Debug, Feature, Pmu, SetField};

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
