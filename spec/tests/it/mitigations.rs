//! What a lock withholds of that which protects a guest, against hosts and models.

use crate::plans::host;
use crate::truth::{lock, spec};
use vmlock_spec::catalogue::{Kind, field};
use vmlock_spec::lock::Lock;
use vmlock_spec::mitigation::{MITIGATIONS, withheld_on};
use vmlock_spec::plan::plan;

fn names(lock: &Lock, on: &str) -> Vec<&'static str> {
    withheld_on(lock, &host(on))
        .iter()
        .map(|m| m.path)
        .collect()
}

#[test]
fn mitigations_are_fields_that_exist() {
    assert!(MITIGATIONS.len() >= 9);
    for mitigation in MITIGATIONS {
        let (register, field) = field(mitigation.path).expect(mitigation.path);
        assert!(matches!(register.kind, Kind::Id | Kind::Firmware));
        assert!(mitigation.least <= field.max(), "{}", mitigation.path);
        assert!(!mitigation.words.is_empty(), "{}", mitigation.path);
    }
}

#[test]
fn what_a_host_would_tell_is_named() {
    // 5.10 did not say of a Cortex-A72 that it is not open to Meltdown; 6.12 does.
    let old = lock(&spec(&["kvm-5.10"], "cortex-a72", &[]));
    assert_eq!(names(&old, "cortex-a72-6.12"), ["ID_AA64PFR0_EL1.CSV3"]);
    assert_eq!(names(&old, "cortex-a72-5.10"), Vec::<&str>::new());
    let new = lock(&spec(&["kvm-6.8"], "cortex-a72", &[]));
    assert_eq!(names(&new, "cortex-a72-6.12"), Vec::<&str>::new());
    let mut waived = spec(&["kvm-5.10"], "cortex-a72", &[]);
    waived.vary = vec!["ID_AA64PFR0_EL1.CSV3".into()];
    assert_eq!(names(&lock(&waived), "cortex-a72-6.12"), Vec::<&str>::new());
}

#[test]
fn what_is_hidden_is_named() {
    let mut hidden = spec(&["kvm-6.12"], "neoverse-n1", &[]);
    hidden.cpu.hide = vec!["ssbs".into(), "ID_AA64PFR0_EL1.CSV2".into()];
    let expected = ["ID_AA64PFR0_EL1.CSV2", "ID_AA64PFR1_EL1.SSBS"];
    assert_eq!(names(&lock(&hidden), "neoverse-n1-7.3"), expected);
}

/// A level of a workaround that a host has and a lock does not is refused; it is named all the same.
#[test]
fn a_workaround_is_named() {
    let mut other = lock(&spec(&["kvm-6.12"], "neoverse-n1", &[]));
    let name = "KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3";
    let mut entries = other.registers.iter_mut();
    let level = entries.find(|r| r.name == name).expect("it is locked");
    assert_ne!(level.value, 0);
    level.value = 0;
    assert_eq!(
        names(&other, "neoverse-n1-7.3"),
        ["KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3.Level"]
    );
    let refused = plan(&other, &host("neoverse-n1-7.3")).refusals;
    assert!(!refused.is_empty());
}
