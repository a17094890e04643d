//! What differs between two guests that were saved: registers by their names, devices, the counter. Their memory is not
//! read: the digests of its chunks tell which of them differ.

use crate::difference::{self, Change, by_field, change, hex};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use vmlock_saved::Saved;
use vmlock_saved::file::Memory;
use vmlock_saved::hex::{Hex32, Hex64};
use vmlock_saved::state::{Covers, Interrupts, Redistributor, Shared, Vcpu};
use vmlock_spec::catalogue::register_by_name;

/// Compares them.
pub fn compare(a: &Saved, b: &Saved) -> Vec<Change> {
    let mut changes = Vec::new();
    let locks = difference::compare(&a.lock, &b.lock);
    changes.extend(under("lock: ", locks));
    facts(&of_state(a), &of_state(b), &mut changes);
    changes.extend(devices(a, b));
    changes.extend(memory(a, b));
    if changes.is_empty() && a.identity != b.identity {
        let words = "it is in a section that this vmlock need not know";
        let [old, new] = [a, b].map(|saved| saved.identity.to_string());
        changes.push(change("identity", old, new, words));
    }
    changes
}

/// What something is called, and what it is.
type Fact = (String, String);

/// All that a saved guest says of itself, but for devices and memory.
fn of_state(saved: &Saved) -> Vec<Fact> {
    let state = &saved.state;
    let mut out = vec![
        named("virtual counter", &state.machine.virtual_counter),
        named("wall clock, in ns since 1970", &state.machine.wall_clock),
    ];
    for (number, vcpu) in state.vcpus.iter().enumerate() {
        of_vcpu(number, vcpu, &mut out);
    }
    out.push(named("GICD_CTLR", &state.gic.control));
    for (block, shared) in (1..).zip(&state.gic.shared) {
        of_shared(block, shared, &mut out);
    }
    for (number, redistributor) in state.gic.redistributors.iter().enumerate() {
        of_redistributor(number, redistributor, &mut out);
    }
    out.push(named("interrupt lines that are up", &state.lines.up));
    for (name, disk) in &saved.disks {
        out.push(named(&format!("disk {name}: size"), &disk.size));
        let digest = format!("disk {name}: digest");
        out.push(named(&digest, &disk.digest));
        let covers = match &disk.covers {
            Covers::All => "all of it".to_owned(),
            Covers::Blocks(blocks) => format!("{} blocks", blocks.len()),
        };
        out.push((format!("{digest} covers"), covers));
    }
    if let Some(host) = &saved.host {
        out.push(named("saved on: kernel", &host.kernel));
        out.push(named("saved on: host report", &host.report));
        out.push(named("saved by: vmlock", &host.writer));
    }
    out
}

fn named(name: &str, value: &impl Serialize) -> Fact {
    let value = serde_json::to_value(value).unwrap_or_default();
    (name.to_owned(), difference::plain(&value))
}

fn of_vcpu(number: usize, vcpu: &Vcpu, out: &mut Vec<Fact>) {
    out.push(named(&format!("vCPU {number} power"), &vcpu.power));
    out.push(named(&format!("vCPU {number} SError"), &vcpu.serror));
    for (info, value) in vcpu.registers.iter() {
        out.push(named(&format!("vCPU {number} {}", info.name), value));
    }
}

/// Interrupts of a block of 32, by the names of the registers that have them; `of` stands before these.
fn interrupts(of: &str, block: usize, interrupts: &Interrupts, out: &mut Vec<Fact>) {
    let Interrupts {
        group,
        enabled,
        pending,
        active,
        level,
        configuration,
        priority,
    } = interrupts;
    let words: [(&str, &[Hex32]); 6] = [
        ("IGROUPR", &[*group]),
        ("ISENABLER", &[*enabled]),
        ("ISPENDR", &[*pending]),
        ("ISACTIVER", &[*active]),
        ("ICFGR", configuration),
        ("IPRIORITYR", priority),
    ];
    for (name, words) in words {
        for (number, word) in (block * words.len()..).zip(words) {
            out.push(named(&format!("{of}{name}{number}"), word));
        }
    }
    let first = block * 32;
    let whose = of.trim_end_matches(|c: char| !c.is_whitespace());
    let lines = format!("{whose}lines of INTIDs {first}–{}", first + 31);
    out.push(named(&lines, level));
}

fn of_shared(block: usize, shared: &Shared, out: &mut Vec<Fact>) {
    interrupts("GICD_", block, &shared.interrupts, out);
    for (intid, route) in (block * 32..).zip(&shared.routes) {
        out.push(named(&format!("GICD_IROUTER{intid}"), route));
    }
}

fn of_redistributor(number: usize, redistributor: &Redistributor, out: &mut Vec<Fact>) {
    let Redistributor {
        control,
        properties,
        pending_table,
        private,
        interface,
    } = redistributor;
    let of = format!("vCPU {number} ");
    out.push(named(&format!("{of}GICR_CTLR"), control));
    out.push(named(&format!("{of}GICR_PROPBASER"), properties));
    out.push(named(&format!("{of}GICR_PENDBASER"), pending_table));
    interrupts(&format!("{of}GICR_"), 0, private, out);
    for (name, value) in interface {
        let value: &Hex64 = value;
        out.push(named(&format!("{of}{name}"), value));
    }
}

/// Holds facts against each other: in the order of the first, then those that it does not have.
fn facts(a: &[Fact], b: &[Fact], out: &mut Vec<Change>) {
    let [in_a, in_b] = [a, b].map(|facts| facts.iter().cloned().collect::<BTreeMap<_, _>>());
    let new = b.iter().filter(|(name, _)| !in_a.contains_key(name));
    for (name, _) in a.iter().chain(new) {
        let (before, after) = (in_a.get(name), in_b.get(name));
        if before == after {
            continue;
        }
        let register = name.rsplit(' ').next().and_then(register_by_name);
        let number = |text: Option<&String>| hex(text?);
        match (register, number(before), number(after)) {
            (Some(info), Some(old), Some(new)) => by_field(name, info, old, new, out),
            _ => out.push(Change {
                name: name.clone(),
                before: before.cloned(),
                after: after.cloned(),
                words: String::new(),
            }),
        }
    }
}

/// What two guests' devices were told, each in the shape of its own kind.
fn devices(a: &Saved, b: &Saved) -> Vec<Change> {
    let states = |saved: &Saved| -> BTreeMap<String, Value> {
        let state = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let devices = saved.state.devices.iter().map(|device| {
            let said =
                serde_json::json!({ "version": device.version, "state": state(&device.text) });
            (device.name.clone(), said)
        });
        devices.collect()
    };
    under("device ", difference::compare(&states(a), &states(b)))
}

/// Changes that are about something: words for places in locks say nothing of it.
fn under(of: &str, mut changes: Vec<Change>) -> Vec<Change> {
    for change in &mut changes {
        change.name.insert_str(0, of);
        if of != "lock: " {
            change.words.clear();
        }
    }
    changes
}

/// How many chunks of memory differ, by what the files say of them.
fn memory(a: &Saved, b: &Saved) -> Option<Change> {
    let [old, new] = [a, b].map(|saved| &saved.memory);
    let most = old.count().max(new.count());
    let differ = (0..most)
        .filter(|&at| old.chunk(at) != new.chunk(at))
        .count();
    let there = |memory: &Memory| {
        let count = memory.there().len();
        format!("{count} of {} chunks in use", memory.count())
    };
    let words = format!("{differ} chunks of 2 MiB differ, by their digests");
    (differ > 0).then(|| change("memory", there(old), there(new), &words))
}
