//! What a guest is told of its caches: by registers, and by the device tree.

use crate::plans::host;
use crate::truth::{lock, spec};
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::{Step, plan};

fn value(lock: &Lock, name: &str) -> Option<u64> {
    let mut entries = lock.registers.iter();
    entries.find(|r| r.name == name).map(|r| r.value)
}

/// Lines of the device tree that speak of caches.
fn told(lock: &Lock) -> Vec<&str> {
    let lines = lock.device_tree.text.iter().map(|line| line.trim());
    lines.filter(|line| line.contains("cache")).collect()
}

#[test]
fn the_device_tree_is_silent_of_caches_that_kvm_makes_up() {
    let made_up = lock(&spec(&["kvm-6.8"], "neoverse-n1", &[]));
    assert_eq!(told(&made_up), Vec::<&str>::new());
    let silicon = lock(&spec(&["kvm-5.10"], "neoverse-n1", &[]));
    let size = silicon.device_tree.text.iter();
    let size = size.filter(|line| line.contains("d-cache-size")).count();
    assert_eq!(size, 2, "one for each vCPU");
}

#[test]
fn a_part_chooses_the_caches_of_the_model() {
    let chosen = lock(&spec(&["kvm-6.8", "cache-model"], "neoverse-n1", &[]));
    assert_eq!(value(&chosen, "CLIDR_EL1"), Some(0x8200_0023));
    // 64 KiB of four ways, 256 sets, 64 bytes a line; bits 31:28 are zero, as KVM asks for.
    assert_eq!(value(&chosen, "CCSIDR_EL1[0]"), Some(0x001f_e01a));
    let lines = told(&chosen);
    assert!(
        lines.iter().any(|l| l.contains("d-cache-size = <0x10000>")),
        "{lines:?}"
    );
    // A kernel that makes caches up takes others; before, the silicon's are all that there is.
    let new = plan(&chosen, &host("neoverse-n1-6.12"));
    assert_eq!(new.refusals, []);
    let written = |id: u64| {
        new.steps()
            .any(|s| matches!(s, Step::Register { id: i, .. } if *i == id))
    };
    assert!(written(0x6020_0000_0011_0000), "CCSIDR_EL1[0] is written");
    let old = plan(&chosen, &host("neoverse-n1-5.10"));
    assert!(
        old.refusals
            .iter()
            .any(|r| r.name.starts_with("CCSIDR_EL1[0]"))
    );
}

#[test]
fn geometry_in_64_bits_is_told_in_32() {
    // 64 KiB of four ways: 0xff sets behind the first, in bits 55:32 of the silicon's register.
    let narrow = lock(&spec(&["kvm-6.8", "cache-model"], "neoverse-v1", &[]));
    assert_eq!(value(&narrow, "CCSIDR_EL1[0]"), Some(0xff << 13 | 0x1a));
}

#[test]
fn a_part_makes_up_caches_over_an_old_kernel() {
    let new = lock(&spec(&["kvm-6.8"], "cortex-a72", &[]));
    let old = lock(&spec(&["kvm-5.10", "cache-made-up"], "cortex-a72", &[]));
    for name in ["CLIDR_EL1", "CCSIDR_EL1[0]", "CCSIDR_EL1[1]"] {
        assert_eq!(value(&old, name), value(&new, name), "{name}");
    }
    assert_eq!(told(&old), Vec::<&str>::new());
}
