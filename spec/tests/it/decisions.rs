//! What the `cpu` block decides: one rule for `hide` and `set`, and every name that Linux has for a feature.

use crate::truth::spec;
use vmlock_spec::catalogue::{Catalogue, HWCAPS, Kind, REGISTERS, field};
use vmlock_spec::lock::Lock;
use vmlock_spec::resolve::{Complaint, Severity, Target, resolve};
use vmlock_spec::vm::{Feature, SetField, VmSpec};

/// Both ways of resolving, with the codes of what is wrong.
fn resolved(spec: &VmSpec) -> Result<Lock, Vec<&'static str>> {
    let codes = |complaints: Vec<Complaint>| {
        let errors = complaints.iter().filter(|c| c.severity == Severity::Error);
        errors.map(|c| c.code).collect()
    };
    let resolved = resolve(spec, &Catalogue::builtin(), &Target::NEWEST);
    resolved.map(|(lock, _)| lock).map_err(codes)
}

fn hide(mut spec: VmSpec, name: &str) -> VmSpec {
    spec.cpu.hide.push(name.to_owned());
    spec
}

fn set(mut spec: VmSpec, field: &str, value: u64) -> VmSpec {
    let field = field.to_owned();
    spec.cpu.set.push(SetField { field, value });
    spec
}

fn value(lock: &Lock, path: &str) -> i64 {
    let (register, field) = field(path).expect("a field");
    let entry = lock.registers.iter().find(|r| r.id == register.id);
    field.order(field.get(entry.expect("in the lock").value))
}

#[test]
fn hide_and_set_obey_one_rule() {
    let (mut taken, mut refused) = (0, 0);
    let spec = || spec(&["kvm-6.12"], "max", &[]);
    for register in REGISTERS.iter().filter(|r| r.kind == Kind::Id) {
        for field in register.fields.iter() {
            let path = format!("{}.{}", register.name, field.name);
            // What hides AArch32 at EL0 is 1: without EL0 there is no CPU.
            let none = match path.as_str() {
                "ID_AA64PFR0_EL1.EL0" => 1,
                _ => field.none(),
            };
            let hidden = resolved(&hide(spec(), &path));
            let same = resolved(&set(spec(), &path, none));
            match (hidden, same) {
                (Ok(hidden), Ok(same)) => {
                    assert_eq!(value(&hidden, &path), field.order(none), "{path}");
                    assert_eq!(value(&same, &path), field.order(none), "{path}");
                    taken += 1;
                }
                (Err(hidden), Err(same)) => {
                    assert_eq!(hidden, same, "{path}");
                    refused += 1;
                }
                (hidden, same) => panic!("{path}: hide {:?}, set {:?}", hidden.err(), same.err()),
            }
        }
    }
    assert!(
        taken > 200 && refused > 5,
        "{taken} taken, {refused} refused"
    );
}

#[test]
fn every_hwcap_is_hidden_and_promised_or_has_words() {
    let mut hidden = 0;
    for features in [&[][..], &[Feature::Sve, Feature::Pauth, Feature::Mte]] {
        let mut spec = spec(&["kvm-6.12"], "max", features);
        if features.contains(&Feature::Sve) {
            spec.cpu.vector_lengths = vec![128];
        }
        let plain = resolved(&spec).expect("a lock");
        for hwcap in HWCAPS {
            let below = |lock: &Lock| {
                let mut fields = hwcap.fields.iter();
                fields.all(|f| value(lock, &f.path) < f.from as i64)
            };
            let name = &hwcap.name;
            match resolved(&hide(spec.clone(), name)) {
                Ok(lock) => {
                    assert!(!hwcap.fields.is_empty() && below(&lock), "{name}");
                    hidden += 1;
                }
                Err(codes) => {
                    let code = match (&hwcap.why, hwcap.feature.as_deref()) {
                        (Some(_), _) => "spec::not-settable",
                        (None, Some("sme")) => "spec::off-already",
                        (None, Some(_)) if features.is_empty() => "spec::off-already",
                        (None, Some(_)) => "spec::contradiction",
                        // Floating point and Advanced SIMD go together.
                        (None, None) => "spec::impossible-combination",
                    };
                    assert_eq!(codes, [code], "{name}");
                    continue;
                }
            }
            let silicon = !below(&plain);
            match resolved(&set(spec.clone(), name, 1)) {
                Ok(lock) => assert!(!below(&lock), "{name}"),
                Err(codes) => {
                    assert!(!silicon, "{name} is there already");
                    assert!(!codes.is_empty(), "{name}");
                }
            }
            let off = resolved(&set(spec.clone(), name, 0)).expect("a lock");
            assert!(below(&off), "{name}");
        }
    }
    assert!(hidden > 120, "only {hidden} were hidden");
}

#[test]
fn two_names_on_one_field_are_no_contradiction() {
    let both = hide(hide(spec(&["kvm-6.12"], "max", &[]), "aes"), "pmull");
    let lock = resolved(&both).expect("a lock");
    assert_eq!(value(&lock, "ID_AA64ISAR0_EL1.AES"), 0);
    let against = set(hide(spec(&["kvm-6.12"], "max", &[]), "aes"), "aes", 1);
    assert_eq!(
        resolved(&against).expect_err("a contradiction"),
        ["spec::contradiction", "spec::contradiction"]
    );
}

#[test]
fn a_fact_is_taken_as_it_is_and_never_for_zero() {
    let clock = "CNTFRQ_EL0.ClockFreq";
    let spec = || spec(&["kvm-6.8"], "neoverse-n1", &[]);
    let plain = resolved(&spec()).expect("a lock");
    let same = resolved(&set(spec(), clock, 62_500_000)).expect("a lock");
    assert_eq!(same, plain);
    for other in [0, 25_000_000] {
        let codes = resolved(&set(spec(), clock, other)).expect_err("a fact");
        assert_eq!(codes, ["spec::not-settable"], "{other}");
    }
}
