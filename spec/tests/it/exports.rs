//! What becomes of locks under other people's virtual machine monitors: the catalogue's entries are sound, and every
//! promise has one fate, which agrees with the plan.

use crate::plans::hosts;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use vmlock_spec::catalogue::vmm::{Form, Manner, names as names_of};
use vmlock_spec::catalogue::{VMMS, register_by_name, vmm};
use vmlock_spec::export::{Export, Fate, SCOPES, export};
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::observation::{key_named, promises, scope::Scope};
use vmlock_spec::plan::{Emulation, Plan, plan_with};
use vmlock_spec::report::HostReport;
use vmlock_spec::vm::Feature;

/// Hosts of two CPUs, with old and new kernels.
const HOSTS: [&str; 4] = ["neoverse-n1-5.10", "neoverse-n1-7.2", "max-6.1", "max-7.3"];

/// The examples' locks, by name.
fn examples() -> BTreeMap<String, Lock> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let paths = fs::read_dir(folder)
        .expect("examples")
        .flatten()
        .map(|e| e.path());
    let locks = paths.filter(|p| p.to_string_lossy().ends_with(".vm.lock.json"));
    let read = |path| canonical::parse(&fs::read_to_string(path).expect("a file")).expect("a lock");
    locks
        .map(read)
        .map(|lock: Lock| (lock.name.clone(), lock))
        .collect()
}

/// The lock and the host of these names, exported.
fn exported(lock: &str, host: &str, to: &str) -> (Lock, HostReport, Export) {
    let lock = examples().remove(lock).expect("an example");
    let host = hosts().remove(host).expect("a recorded host");
    let vmm = vmm(to.split('@').next().unwrap()).expect("a VMM");
    let version = vmm.version(to.split_once('@').map(|(_, v)| v));
    let export = export(&lock, &host, vmm, version.expect("a version"), &SCOPES);
    (lock, host, export)
}

fn fate(export: &Export, name: &str) -> Fate {
    let found = export.entries.iter().find(|entry| entry.name == name);
    found.unwrap_or_else(|| panic!("{name} has no fate")).fate
}

#[test]
fn vmms_are_sound() {
    assert!(VMMS.len() >= 4);
    for vmm in VMMS {
        let name = &vmm.name;
        let features: BTreeSet<&str> = vmm.features.iter().map(|f| f.feature.as_ref()).collect();
        let all: BTreeSet<&str> = Feature::ALL.iter().map(|f| f.name()).collect();
        assert_eq!(features, all, "{name}: who decides each feature?");
        for own in vmm.overwrites.iter() {
            assert!(own.value.unwrap_or(0) & !own.mask == 0, "{name}: {own:?}");
            for seen in own.names.iter() {
                let one = seen.replace('*', "2");
                assert!(
                    key_named(&one).is_some(),
                    "{name}: {seen} is nothing that a guest sees"
                );
            }
        }
        let told = vmm
            .writes
            .iter()
            .filter_map(|writes| writes.tell.as_deref());
        for writes in vmm.writes.iter() {
            for register in writes.names.iter().chain(writes.but.iter()) {
                let known = register == "*" || register_by_name(register).is_some();
                assert!(known, "{name}: there is no {register}");
            }
        }
        let of_features = vmm.features.iter().flat_map(|f| match &f.manner {
            Manner::Told { on, off, length } => [on, off, length].map(|t| t.as_deref()),
            Manner::Never | Manner::Always => [None; 3],
        });
        for words in told.chain(of_features.flatten()) {
            assert!(
                words.starts_with('-') && words.split(' ').count() <= 2,
                "{name}: {words}"
            );
            assert_eq!(
                vmm.form,
                Form::Arguments,
                "{name} has no command line: {words}"
            );
        }
    }
}

#[test]
fn a_version_is_one_that_somebody_looked_at() {
    let qemu = vmm("qemu").unwrap();
    assert_eq!(qemu.version(None), Some("11.1"));
    assert_eq!(qemu.version(Some("10.0.8")), Some("10.0"));
    assert_eq!(qemu.version(Some("11.10")), None);
    assert_eq!(qemu.version(Some("")), None);
}

/// Every promise of the scopes has one fate, on every host and under every VMM; what the host itself cannot keep is
/// neither kept nor left to chance, and what is broken by the plan alone is named by it.
#[test]
fn every_promise_has_a_fate_that_agrees_with_the_plan() {
    let (mut seen, mut fates) = (0, BTreeSet::new());
    for (name, lock) in examples() {
        let promised: BTreeSet<String> = promises(&lock)
            .iter()
            .filter(|p| SCOPES.contains(&Scope::of(p.key)) && p.mask != 0)
            .map(|p| p.name().into_owned())
            .collect();
        for (host, report) in hosts()
            .into_iter()
            .filter(|(host, _)| HOSTS.contains(&host.as_str()))
        {
            let plan: Plan = plan_with(&lock, &report, Emulation::Forbidden);
            for vmm in VMMS {
                let version = vmm.version(None).unwrap();
                let export = export(&lock, &report, vmm, version, &SCOPES);
                let place = format!("{name} on {host} under {}", vmm.name);
                fates.extend(export.entries.iter().map(|e| e.fate));
                if export.text.is_empty() {
                    assert!(
                        export.entries.iter().all(|e| e.fate == Fate::Cannot),
                        "{place}"
                    );
                    assert!(!export.entries.is_empty(), "{place}");
                    continue;
                }
                let names: BTreeSet<&str> =
                    export.entries.iter().map(|e| e.name.as_str()).collect();
                assert_eq!(names.len(), export.entries.len(), "{place}: two fates");
                let without: Vec<&String> = promised
                    .iter()
                    .filter(|p| !names.contains(p.as_str()))
                    .collect();
                let waived = |name: &&String| {
                    let mut registers = lock.registers.iter();
                    registers.any(|r| r.name == **name && r.promised() == 0)
                };
                assert!(without.iter().all(waived), "{place}: {without:?}");
                for refusal in &plan.refusals {
                    let register = refusal.name.rsplit_once('.').map(|(register, _)| register);
                    let named = |name: &str| export.entries.iter().find(|e| e.name == name);
                    let Some(entry) = named(&refusal.name).or(register.and_then(named)) else {
                        continue;
                    };
                    let own = vmm
                        .overwrites
                        .iter()
                        .any(|o| names_of(&o.names, &entry.name));
                    assert!(own || entry.fate > Fate::Chance, "{place}: {entry:?}");
                }
                seen += export.entries.len();
            }
        }
    }
    assert!(seen > 30_000, "{seen}");
    assert_eq!(fates, BTreeSet::from(Fate::ALL));
}

#[test]
fn a_knob_counts_from_its_version_on() {
    const PSCI: &str = "KVM_REG_ARM_PSCI_VERSION";
    let (_, _, old) = exported("modern", "neoverse-n1-7.2", "qemu@10.0");
    let (_, _, new) = exported("modern", "neoverse-n1-7.2", "qemu@11.1");
    for name in [PSCI, "PSCI_VERSION()", "PSCI_FEATURES(SYSTEM_OFF2_64)"] {
        assert_eq!(
            (fate(&old, name), fate(&new, name)),
            (Fate::Cannot, Fate::Kept),
            "{name}"
        );
    }
    assert!(new.text.contains("kvm-psci-version=1.1") && !old.text.contains("psci"));
    // On a host that shows it by itself, nobody holds it without the knob.
    let (_, _, old) = exported("modern", "neoverse-n1-6.1", "qemu@10.0");
    assert_eq!(fate(&old, PSCI), Fate::Chance);
}

#[test]
fn an_answer_is_kept_where_all_that_decides_it_is() {
    let (_, _, export) = exported("modern", "neoverse-n1-7.2", "firecracker");
    // By PSCI's version alone, by a bitmap, and by what only the kernel or silicon decides.
    assert_eq!(fate(&export, "PSCI_VERSION()"), Fate::Kept);
    assert_eq!(fate(&export, "TRNG_VERSION()"), Fate::Kept);
    assert_eq!(fate(&export, "SMC PSCI_VERSION()"), Fate::Chance);
    assert_eq!(
        fate(&export, "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_1)"),
        Fate::Chance
    );
    assert_eq!(fate(&export, "PV_TIME_ST()"), Fate::Forced);
    assert_eq!(fate(&export, "CLIDR_EL1"), Fate::Overwritten);
}

#[test]
fn features_that_every_guest_gets_are_forced_with_all_that_follows() {
    let (_, _, export) = exported("modern", "neoverse-n1-6.12", "cloud-hypervisor");
    for name in ["pmu", "ID_AA64DFR0_EL1", "PMCR_EL0", "PMEVCNTR0_EL0"] {
        assert_eq!(fate(&export, name), Fate::Forced, "{name}");
    }
    let (_, _, export) = exported("modern", "max-6.12", "crosvm");
    assert_eq!(fate(&export, "pointer authentication in use"), Fate::Forced);
    // Two at once, of which the report has no view: nothing is guessed.
    let (_, _, export) = exported("modern", "max-6.12", "cloud-hypervisor");
    assert_eq!(export.entries.len(), 1);
    assert_eq!(
        (export.entries[0].fate, export.text.as_str()),
        (Fate::Cannot, "")
    );
}

/// Firecracker's parser: `0b` and `0`, `1`, `x`; as many digits as the register has bits; no address twice.
#[test]
fn a_template_is_exact_to_its_parser() {
    let (lock, host, export) = exported("modern", "neoverse-n1-7.2", "firecracker");
    let template: serde_json::Value = serde_json::from_str(&export.text).unwrap();
    let object = template.as_object().unwrap();
    assert_eq!(
        object.keys().collect::<Vec<_>>(),
        ["reg_modifiers", "vcpu_features"]
    );
    let digits = |value: &serde_json::Value| -> String {
        let text = value["bitmap"].as_str().unwrap();
        text.strip_prefix("0b").unwrap().to_owned()
    };
    // POWER_OFF (0) and PSCI_0_2 (2) are its own; it refuses a PMU (3).
    let features = digits(&template["vcpu_features"][0]);
    assert_eq!(features, format!("{}000xx0x", "x".repeat(25)));
    let view = host.view(&[]).unwrap();
    let mut addresses = Vec::new();
    for modifier in template["reg_modifiers"].as_array().unwrap() {
        let address = modifier["addr"]
            .as_str()
            .unwrap()
            .strip_prefix("0x")
            .unwrap();
        let id = u64::from_str_radix(address, 16).unwrap();
        assert!(view.register(id).is_some(), "{id:#x} would stop the VM");
        let digits = digits(modifier);
        assert_eq!(digits.len(), 8 << (id >> 52 & 0xf), "{id:#x}");
        let entry = lock.registers.iter().find(|r| r.id == id).unwrap();
        for (bit, digit) in digits.chars().rev().enumerate() {
            let wanted = match (entry.promised() >> bit & 1, entry.value >> bit & 1) {
                (0, _) => 'x',
                (_, 0) => '0',
                _ => '1',
            };
            assert_eq!(digit, wanted, "{} bit {bit}", entry.name);
        }
        addresses.push(id);
    }
    assert_eq!(
        addresses.iter().collect::<BTreeSet<_>>().len(),
        addresses.len()
    );
    assert!(
        addresses.len() > 60 && export.text.len() < 16 << 10,
        "{}",
        export.text.len()
    );
    // CTR_EL0 before CCSIDR_EL1, firmware last.
    let place = |id: u64| addresses.iter().position(|a| *a == id).unwrap();
    assert!(place(0x6030_0000_0013_d801) < place(0x6020_0000_0011_0001));
    assert!(place(0x6020_0000_0011_0002) < place(0x6030_0000_0014_0000));
    // Neither what is overwritten nor what nobody but silicon decides.
    for id in [
        0x6030_0000_0013_c801,
        0x6030_0000_0013_c000,
        0x6030_0000_0014_0001,
    ] {
        assert!(!addresses.contains(&id), "{id:#x}");
    }
}
