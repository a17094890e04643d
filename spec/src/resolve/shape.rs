//! Limits of the description that no type can hold.

use super::Complaints;
use crate::vm::VmSpec;

/// Limits of the description that no type can hold.
pub(super) fn shape(spec: &VmSpec, complaints: &mut Complaints) {
    let valid = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if spec.name.is_empty() || spec.name.len() > 63 || !spec.name.chars().all(valid) {
        complaints.error(
            "spec::bad-name",
            "/name",
            format!("`{}` is no name for a machine", spec.name.escape_debug()),
            Some("use 1 to 63 letters, digits, `-`, `_` and `.`".into()),
        );
    }
    if !(1..=64).contains(&spec.cpu.count) {
        complaints.error(
            "spec::cpu-count",
            "/cpu/count",
            format!("{} vCPUs: a machine has 1 to 64", spec.cpu.count),
            None,
        );
    }
    let (low, high, unit) = (64u64 << 20, 512u64 << 30, 2u64 << 20);
    if !(low..=high).contains(&spec.memory) || !spec.memory.is_multiple_of(unit) {
        complaints.error(
            "spec::memory-size",
            "/memory",
            format!(
                "{} bytes of memory: a machine has 64 MiB to 512 GiB, in steps of 2 MiB",
                spec.memory
            ),
            None,
        );
    }
    let cmdline = spec.boot.as_ref().map_or("", |b| b.cmdline.as_str());
    if cmdline.len() > 2048 || cmdline.contains(['\0', '\n']) {
        complaints.error(
            "spec::bad-cmdline",
            "/boot/cmdline",
            "a command line has at most 2048 bytes (COMMAND_LINE_SIZE on arm64) on one line".into(),
            None,
        );
    }
    for (index, feature) in spec.cpu.features.iter().enumerate() {
        if spec.cpu.features[..index].contains(feature) {
            complaints.error(
                "spec::duplicate",
                format!("/cpu/features/{index}"),
                format!("feature `{}` is named twice", feature.name()),
                None,
            );
        }
    }
}
