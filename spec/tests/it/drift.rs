//! Drift between recorded hosts of two kernel series, with the newer one's baseline unknown: what is found, applied to
//! the CPU models, is what the catalogue says.

use crate::plans::hosts;
use std::collections::BTreeMap;
use vmlock_spec::catalogue::{Baseline, Catalogue};
use vmlock_spec::drift::{Host, Restored, drift, nearest};
use vmlock_spec::lock::Lock;
use vmlock_spec::resolve::{Target, resolve};
use vmlock_spec::vm::{Cpu, Feature, VmSpec};

/// An older and a newer series, and whether the older one's baseline is right of `max` too: before 6.12 nobody holds it
/// against that CPU.
const PAIRS: [(&str, &str, bool); 4] = [
    ("6.1", "6.12", false),
    ("6.12", "6.18", true),
    ("6.18", "7.0", true),
    ("7.0", "7.1", true),
];

const CPUS: [&str; 4] = ["cortex-a72", "cortex-a76", "neoverse-n1", "max"];

fn lock(
    catalogue: &Catalogue,
    abi: &str,
    model: &str,
    features: &[Feature],
    lengths: &[u32],
) -> Lock {
    let cpu = Cpu::bare(model, 2, features, lengths);
    let spec = VmSpec::bare("test", &[abi], cpu, 64 << 20);
    resolve(&spec, catalogue, &Target::NEWEST).map_or_else(|e| panic!("{e:#?}"), |(lock, _)| lock)
}

/// Everything that a guest is promised, by name.
fn promised(lock: &Lock) -> BTreeMap<String, u64> {
    let registers = lock.registers.iter();
    let registers = registers.map(|r| (r.name.clone(), r.value & r.mask));
    let gic = lock.gic.registers.iter();
    let gic = gic.map(|r| (r.name.clone(), r.value.into()));
    let answers = lock.hypercalls.answers.iter();
    let answers = answers.map(|a| (a.call.clone(), a.answer));
    registers.chain(gic).chain(answers).collect()
}

#[test]
fn drift_that_is_made_a_baseline_is_what_the_catalogue_says() {
    let (recorded, mut guests, mut restored) = (hosts(), 0, 0);
    for (old, new, with_max) in PAIRS {
        let hosts_of = |series: &str| -> Vec<Host<'_>> {
            let cpus = CPUS.into_iter().filter(|cpu| with_max || *cpu != "max");
            let host = |model| Host {
                model,
                report: &recorded[&format!("{model}-{series}")],
            };
            cpus.map(host).collect()
        };
        let all = hosts_of(new);
        let (from, to) = (format!("kvm-{old}"), format!("kvm-{new}"));
        let mut then = Catalogue::builtin().until(&from);
        assert!(then.baseline(&to).is_none());
        let of = |hosts: &[Host<'_>]| drift(&then, &from, hosts, "a test").map(|d| d.unsaid);
        let known = of(&hosts_of(old)).unwrap_or_else(|e| panic!("{e:?}"));
        let found = drift(&then, &from, &all, "a test").unwrap_or_else(|e| panic!("{e:?}"));
        // Where a CPU has tags, guests with them find more in CLIDR_EL1 than any baseline says, before and after.
        let unsaid: Vec<_> = found
            .unsaid
            .keys()
            .filter(|u| !known.contains_key(u))
            .collect();
        assert!(unsaid.is_empty(), "{old} to {new}: {unsaid:?}");
        let mut made: Baseline = then.baseline(&from).expect("it is known").clone();
        made.name = "made".into();
        made.after = Some(from.into());
        made.statements = found.statements().into();
        then.import(vec![made], Vec::new())
            .expect("a name of its own");
        for guest in &found.guests {
            let Host { model, report } = all[guest.host];
            let lengths = &report.vector_lengths;
            let made = lock(&then, "made", model, &guest.features, lengths);
            let builtin = Catalogue::builtin();
            let said = lock(&builtin, &to, model, &guest.features, lengths);
            let place = format!("{old} to {new} on {model}, {:?}", guest.features);
            assert_eq!(promised(&made), promised(&said), "{place}");
            guests += 1;
        }
        let seen = found.entries.iter().flat_map(|entry| &entry.seen);
        restored += seen
            .filter(|s| matches!(s.restored, Restored::By { .. }))
            .count();
    }
    assert!(
        guests >= 40 && restored >= 10,
        "{guests} guests, {restored} restored"
    );
}

#[test]
fn a_kernel_without_a_change_does_not_drift_and_is_nearest_to_its_baseline() {
    let recorded = hosts();
    for model in ["cortex-a72", "neoverse-n1"] {
        let host = Host {
            model,
            report: &recorded[&format!("{model}-7.3")],
        };
        let catalogue = Catalogue::builtin().until("kvm-7.2");
        let found = drift(&catalogue, "kvm-7.2", &[host], "a test").expect("it can be applied");
        assert!(found.is_none(), "{model}: {:?}", found.unsaid);
        assert_eq!(nearest(&catalogue, host).as_deref(), Some("kvm-7.2"));
    }
}
