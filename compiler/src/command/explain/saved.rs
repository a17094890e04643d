//! What a saved guest is, in a few lines. All of the file is checked but the guest's memory, which is not read.

use crate::command::unreadable;
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::render::{Exit, Output, hanging};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;
use vmlock_saved::file::{Chunk, is_saved};
use vmlock_saved::state::Power;
use vmlock_saved::{Refused, Saved, open};
use vmlock_spec::words;

/// Whether a file begins as a saved guest does.
pub fn is_one(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = files::open(path).and_then(|file| file.take(64).read_to_end(&mut head));
    read.is_ok() && is_saved(&head)
}

/// Explains it.
pub fn explain(path: &Path, shown: &str, out: &mut Output) {
    let saved = match files::open(path)
        .map_err(Refused::from)
        .and_then(|file| open(&file))
    {
        Ok(saved) => saved,
        Err(Refused::Unreadable(error)) => {
            return out.fail(Exit::Environment, unreadable(path, &error));
        }
        Err(refused) => {
            let words = format!("`{shown}` is no saved guest that can be restored: {refused}");
            let finding = Diagnostic::error("saved::invalid", words).in_file(shown);
            let help = "take another copy of the file, or a guest that was saved at another time";
            return out.fail(Exit::Findings, finding.help(help));
        }
    };
    let on = saved
        .state
        .vcpus
        .iter()
        .filter(|vcpu| vcpu.power == Power::On)
        .count();
    let chunks = saved.memory.chunks();
    let there = chunks.iter().filter(|chunk| **chunk != Chunk::Hole).count();
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
        out.line(format!("  disk      {name}: {} bytes", disk.size));
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
    let section = |entry: &vmlock_saved::file::Entry| json!({ "name": entry.name, "version": entry.version, "bytes": entry.length });
    json!({
        "name": saved.lock.name,
        "identity": saved.identity.to_string(),
        "vcpus": saved.state.vcpus.len(),
        "memory": saved.memory.bytes(),
        "chunks": chunks,
        "virtualCounter": saved.state.machine.virtual_counter.0,
        "wallClock": saved.state.machine.wall_clock,
        "sections": saved.table.iter().map(section).collect::<Vec<_>>(),
    })
}
