//! What a saved guest is, in a few lines. All of the file is checked but the guest's memory, which is not read.

use crate::command::read_saved;
use crate::render::{Exit, Output, hanging};
use serde_json::{Value, json};
use std::path::Path;
use vmlock_saved::Saved;
use vmlock_saved::file::Entry;
use vmlock_saved::state::{Covers, Disk, Power};
use vmlock_spec::words;

/// Bytes of a disk's block.
const BLOCK: u64 = 4096;

/// Explains it.
pub fn explain(path: &Path, shown: &str, out: &mut Output) {
    let saved = match read_saved(path) {
        Ok(saved) => saved,
        Err(finding) => return out.fail(Exit::Environment, finding),
    };
    let on = saved
        .state
        .vcpus
        .iter()
        .filter(|vcpu| vcpu.power == Power::On)
        .count();
    let there = saved.memory.there().len();
    let (name, vcpus) = (&saved.lock.name, saved.state.vcpus.len());
    out.line(format!(
        "{shown}: machine `{name}`, arm64, a guest that was saved"
    ));
    out.line(format!("  is        {}", saved.identity));
    out.line(format!("  vcpus     {vcpus}, {on} of them on"));
    out.line(format!(
        "  memory    {} MiB, of which {} MiB are in the file; they were not read",
        saved.memory.bytes() >> 20,
        2 * there
    ));
    for device in &saved.state.devices {
        out.line(format!(
            "  device    {}: state of version {}",
            device.name, device.version
        ));
    }
    for (name, disk) in &saved.disks {
        let over = match &disk.covers {
            Covers::All => "all of it".to_owned(),
            Covers::Blocks(blocks) => format!(
                "a part, {} of its {} blocks of {BLOCK} bytes",
                blocks.len(),
                disk.size.div_ceil(BLOCK)
            ),
        };
        out.lines(hanging(&format!(
            "  disk      {name}: {} bytes, with a digest over {over}",
            disk.size
        )));
    }
    if let Some(host) = &saved.host {
        let [kernel, writer] = [&host.kernel, &host.writer].map(|text| words::printable(text));
        out.lines(hanging(&format!(
            "  saved on  Linux {kernel}, by vmlock {writer}"
        )));
    }
    for entry in &saved.table {
        let (name, length) = (&entry.name, entry.length);
        out.line(format!(
            "  section   {name}, version {}: {length} bytes",
            entry.version
        ));
    }
    out.value("saved", told(&saved, there));
}

/// The same for programs.
fn told(saved: &Saved, chunks: usize) -> Value {
    let section = |entry: &Entry| {
        let Entry {
            name,
            version,
            length,
            ..
        } = entry;
        json!({ "name": name, "version": version, "bytes": length })
    };
    let disk = |(name, disk): &(String, Disk)| {
        let whole = disk.covers == Covers::All;
        json!({ "name": name, "bytes": disk.size, "digest": disk.digest, "whole": whole })
    };
    json!({
        "name": saved.lock.name,
        "identity": saved.identity.to_string(),
        "vcpus": saved.state.vcpus.len(),
        "memory": saved.memory.bytes(),
        "chunks": chunks,
        "virtualCounter": saved.state.machine.virtual_counter.0,
        "wallClock": saved.state.machine.wall_clock,
        "disks": saved.disks.iter().map(disk).collect::<Vec<_>>(),
        "sections": saved.table.iter().map(section).collect::<Vec<_>>(),
    })
}
