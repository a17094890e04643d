//! Limits of the description that no type can hold.

use super::Complaints;
use crate::lock::v1;
use crate::machine::{MEMORY_MAX, MEMORY_MIN, VCPUS_MAX};
use crate::vm::VmSpec;

/// Whether a machine or a device can be called so: in paths, device trees and words for people.
pub(crate) fn is_name(name: &str) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.len() <= 63 && name.chars().all(valid) && !name.starts_with('.')
}

/// Limits of the description that no type can hold.
pub(super) fn shape(spec: &VmSpec, version: u32, complaints: &mut Complaints) {
    if !is_name(&spec.name) {
        complaints.error(
            "spec::bad-name",
            "/name",
            format!("`{}` is no name for a machine", spec.name.escape_debug()),
            Some("use 1 to 63 letters, digits, `-`, `_` and `.`, and no `.` at the front".into()),
        );
    }
    // What version 1 cannot hold needs an upgrade, which its lock is never given unasked.
    let upgrade = |fits: bool| {
        let old = version == v1::VERSION && fits;
        old.then(|| {
            "a lock of version 1 cannot hold more: `vmlock lock --upgrade` makes a newer one"
                .to_owned()
        })
    };
    let most = match version {
        v1::VERSION => 64,
        _ => VCPUS_MAX,
    };
    if !(1..=most).contains(&spec.cpu.count) {
        complaints.error(
            "spec::cpu-count",
            "/cpu/count",
            format!("{} vCPUs: a machine has 1 to {most}", spec.cpu.count),
            upgrade((1..=VCPUS_MAX).contains(&spec.cpu.count)),
        );
    }
    let (high, words) = match version {
        v1::VERSION => (512 << 30, "512 GiB"),
        _ => (MEMORY_MAX, "255 TiB"),
    };
    let whole = spec.memory.is_multiple_of(2 << 20);
    if !(MEMORY_MIN..=high).contains(&spec.memory) || !whole {
        complaints.error(
            "spec::memory-size",
            "/memory",
            format!(
                "{} bytes of memory: a machine has 64 MiB to {words}, in steps of 2 MiB",
                spec.memory
            ),
            upgrade((MEMORY_MIN..=MEMORY_MAX).contains(&spec.memory) && whole),
        );
    }
    if let Some(boot) = &spec.boot
        && version == v1::VERSION
    {
        let asked = [
            ("kernel-digest", boot.kernel_digest.is_some()),
            ("initrd-digest", boot.initrd_digest.is_some()),
            ("kernel-address", boot.kernel_address.is_some()),
        ];
        for (what, _) in asked.into_iter().filter(|(_, asked)| *asked) {
            complaints.error(
                "spec::needs-upgrade",
                format!("/boot/{what}"),
                format!("a lock of version 1 cannot hold `{what}`"),
                Some("`vmlock lock --upgrade` makes a newer one".into()),
            );
        }
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
