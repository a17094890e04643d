//! What a vCPU begins with, on the recorded hosts and on those that differ in it.

use crate::plans::{host, hosts};
use crate::truth::{lock, spec};
use std::collections::BTreeSet;
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::lock::Lock;
use vmlock_spec::lock::reset::{Begun, begun};
use vmlock_spec::observation::wire::{self, entry};
use vmlock_spec::observation::{fact_name, promises};
use vmlock_spec::plan::{Beginning, Emulation, Plan, Step, beginning, plan, plan_with};
use vmlock_spec::reason;
use vmlock_spec::report::{self, HostReport, ReportedRegister};
use vmlock_spec::smccc::POWER;
use vmlock_spec::vm::Feature;

fn machine(cpu: &str, vcpus: u32, features: &[Feature]) -> Lock {
    let mut spec = spec(&["kvm-6.12"], cpu, features);
    spec.cpu.count = vcpus;
    if features.contains(&Feature::Sve) {
        spec.cpu.vector_lengths = vec![128];
    }
    let lock = lock(&spec);
    assert!(!lock.reset.is_empty());
    lock
}

fn change(host: &mut HostReport, name: &str, change: impl Fn(&mut ReportedRegister)) {
    let id = register_by_name(name).expect("the catalogue has it").id;
    let mut changed = 0;
    for view in &mut host.views {
        for register in view.registers.iter_mut().filter(|r| r.id == id) {
            change(register);
            changed += 1;
        }
    }
    assert_ne!(changed, 0, "{name} is not recorded");
}

/// Refusals and steps that are about what a vCPU begins with.
fn about(plan: &Plan) -> (Vec<&str>, Vec<(u64, u64)>) {
    let mut refused: Vec<&str> = plan.refusals.iter().map(|r| r.name.as_str()).collect();
    refused.retain(|name| name.contains("at entry") || name.contains("begins with"));
    let written = plan.steps().filter_map(|step| match step {
        Step::Reset { id, value } => Some((*id, *value)),
        _ => None,
    });
    (refused, written.collect())
}

/// The functions that come to the runner.
fn forwarded(plan: &Plan) -> Vec<u32> {
    let forwarded = plan.steps().filter_map(|step| match step {
        Step::Forward(function) => Some(*function),
        _ => None,
    });
    forwarded
        .filter(|function| POWER.contains(function))
        .collect()
}

#[test]
fn every_recorded_host_begins_as_locks_say() {
    for (name, host) in hosts() {
        let (cpu, _) = name.rsplit_once('-').expect("CPU and series");
        for view in &host.views {
            let lock = machine(cpu, 2, &view.features);
            let plan = plan(&lock, &host);
            assert_eq!(about(&plan), (vec![], vec![]), "{name} {:?}", view.features);
            assert!(forwarded(&plan).is_empty(), "{name}");
            // The report tells of it, and the guest saw it.
            let (mut told, mut seen) = (0, 0);
            for begun in begun(&lock) {
                let value = view.register(begun.info.id).and_then(|r| r.value);
                told += usize::from(value.is_some());
                let fact = begun.fact().map(fact_name);
                let fact = fact.and_then(|fact| view.seen(&fact).value());
                if let Some(value) = fact.filter(|_| !begun.info.name.starts_with("DBG")) {
                    assert_eq!(value & begun.mask, begun.value, "{name} {}", begun.name());
                    seen += 1;
                }
            }
            assert!(told > 80 && seen > 55, "{name}: {told} told, {seen} seen");
        }
    }
}

#[test]
fn another_value_is_written_where_it_stays() {
    let mut host = host("neoverse-n1-6.12");
    change(&mut host, "ACTLR_EL1", |r| r.value = Some(0x30));
    let id = register_by_name("ACTLR_EL1").expect("it is there").id;
    // The kernel resets a vCPU at CPU_ON, unless the runner does.
    let two = plan(&machine("neoverse-n1", 2, &[]), &host);
    assert_eq!(about(&two), (vec![], vec![(id, 0)]));
    assert_eq!(forwarded(&two), POWER);
    // The first vCPU needs no CPU_ON.
    let one = plan(&machine("neoverse-n1", 1, &[]), &host);
    assert_eq!(about(&one), (vec![], vec![(id, 0)]));
    assert!(forwarded(&one).is_empty());
}

/// KVM_ARM_VCPU_INIT puts CLIDR_EL1 back on 6.4 to 6.9, as it does run-time state everywhere.
#[test]
fn a_vcpu_that_is_started_once_more_has_all_that_was_written() {
    let mut host = host("neoverse-n1-6.12");
    change(&mut host, "ACTLR_EL1", |r| r.value = Some(0x30));
    let mut lock = machine("neoverse-n1", 2, &[Feature::Pmu]);
    let mut entries = lock.registers.iter_mut();
    let clidr = entries.find(|r| r.name == "CLIDR_EL1");
    let clidr = clidr.expect("the lock has it");
    clidr.value ^= 0x1000_0000;
    let (id, value, told) = (clidr.id, clidr.value, clidr.promised());
    let plan = plan(&lock, &host);
    let begins = beginning(&lock, &plan.orders().steps);
    assert!(begins.contains(&Beginning { id, value, told }));
    let actlr = register_by_name("ACTLR_EL1").expect("it is there").id;
    let of_actlr = begins.iter().find(|b| b.id == actlr).map(|b| b.value);
    assert_eq!(of_actlr, Some(0));
    let written = plan.steps().filter(|step| match step {
        Step::Register { .. } | Step::Reset { .. } => true,
        Step::Identity
        | Step::VectorLengths(_)
        | Step::StolenTime(_)
        | Step::IidrRevision(_)
        | Step::DenyEvents(_)
        | Step::Distributor
        | Step::Leave { .. }
        | Step::Forward(_)
        | Step::ForwardRanges(_)
        | Step::Deny(_) => false,
    });
    assert_eq!(begins.len(), written.count());
    // Of PMCR_EL0 only what is promised: the rest is the guest's own.
    let pmcr = lock.registers.iter().find(|r| r.name == "PMCR_EL0");
    let pmcr = pmcr.expect("the lock has it");
    let (id, value) = (pmcr.id, pmcr.value);
    let begins = beginning(&lock, &[Step::Register { id, value }]);
    assert_eq!(begins[0].told, pmcr.promised());
    assert_ne!(begins[0].told, u64::MAX);
}

#[test]
fn without_the_runner_several_vcpus_are_refused_by_name() {
    let mut old = host("neoverse-n1-5.10");
    change(&mut old, "ACTLR_EL1", |r| r.value = Some(0x30));
    let mut new = host("neoverse-n1-6.12");
    change(&mut new, "ACTLR_EL1", |r| r.value = Some(0x30));
    let lock = machine("neoverse-n1", 2, &[]);
    for (host, emulation, word) in [
        (&old, Emulation::Allowed, "Linux 6.4"),
        (&new, Emulation::Forbidden, "--native"),
    ] {
        let plan = plan_with(&lock, host, emulation);
        assert_eq!(about(&plan), (vec!["ACTLR_EL1 at entry"], vec![]));
        let refusal = plan
            .refusals
            .iter()
            .find(|r| r.name == "ACTLR_EL1 at entry");
        let refusal = refusal.expect("it is refused");
        assert_eq!(refusal.code, reason::NOT_WRITABLE);
        assert_eq!((&*refusal.wanted, &*refusal.offered), ("0x0", "0x30"));
        assert_eq!(refusal.from, "cpu/neoverse-n1");
        assert!(refusal.reason.contains("starts a vCPU"), "{refusal:?}");
        assert!(
            refusal.help.iter().any(|help| help.contains(word)),
            "{refusal:?}"
        );
    }
    let one = machine("neoverse-n1", 1, &[]);
    assert_eq!(about(&plan(&one, &old)).1.len(), 1);
}

#[test]
fn what_the_kernel_does_not_take_is_refused() {
    let mut host = host("neoverse-n1-6.12");
    change(&mut host, "SCTLR_EL1", |r| {
        r.value = Some(0x30c5_0838);
        r.writable = !(1 << 28);
    });
    let plan = plan(&machine("neoverse-n1", 1, &[]), &host);
    assert_eq!(about(&plan), (vec!["SCTLR_EL1 at entry"], vec![]));
    let refusal = plan
        .refusals
        .iter()
        .find(|r| r.name == "SCTLR_EL1 at entry");
    let refusal = refusal.expect("it is refused");
    assert_eq!(
        (&*refusal.wanted, &*refusal.offered),
        ("0xc50078", "0x30c50838")
    );
}

/// What KVM does not tell counts as the guest saw it.
#[test]
fn what_only_a_guest_sees_is_held_too() {
    let mut host = host("neoverse-n1-5.10");
    for view in &mut host.views {
        let facts = view.guest.iter_mut();
        for fact in facts.filter(|f| f.name == "AFSR0_EL1 at entry") {
            fact.seen = vmlock_spec::report::Seen::Value(0xde);
        }
    }
    let plan = plan(&machine("neoverse-n1", 1, &[]), &host);
    assert_eq!(about(&plan).0, ["AFSR0_EL1 at entry"]);
}

#[test]
fn vcpus_that_begin_apart_are_refused() {
    let mut host = host("neoverse-n1-6.12");
    for view in &mut host.views {
        let facts = view.guest.iter_mut();
        for fact in facts.filter(|f| f.name == "VBAR_EL1 at entry" && f.vcpu == 1) {
            fact.seen = vmlock_spec::report::Seen::Value(0x800);
        }
    }
    let plan = plan(&machine("neoverse-n1", 2, &[]), &host);
    let refusal = plan.refusals.iter().find(|r| r.name == "VBAR_EL1 at entry");
    assert_eq!(refusal.map(|r| r.code), Some(reason::VCPUS_DISAGREE));
}

#[test]
fn a_report_that_says_nothing_of_it_is_refused() {
    let mut host = host("neoverse-n1-6.12");
    for register in host.views.iter_mut().flat_map(|v| &mut v.registers) {
        if register_by_name(&register.name).is_some_and(|i| i.begins(|_| true)) {
            register.value = None;
        }
    }
    let plan = plan(&machine("neoverse-n1", 1, &[]), &host);
    assert_eq!(about(&plan).0, ["what a vCPU begins with"]);
}

/// Each register of which a lock speaks is told or seen on every recorded host, or a guest is still to look: where it is
/// neither, it is refused by name.
#[test]
fn what_is_neither_told_nor_seen_is_refused() {
    let mut tried = 0;
    for name in ["neoverse-n1-5.10", "neoverse-n1-6.12", "max-7.3"] {
        let host = host(name);
        let (cpu, _) = name.rsplit_once('-').expect("CPU and series");
        for view in &host.views {
            let lock = machine(cpu, 2, &view.features);
            let all = begun(&lock);
            tried += all.len();
            // By halves: where nothing at all is told, that is one refusal.
            for half in [0, 1] {
                let lost: Vec<&Begun> = all.iter().skip(half).step_by(2).collect();
                let refused = |rehearsed: bool, listed: bool| {
                    let mut host = host.clone();
                    let mut views = host.views.iter_mut();
                    let of = views
                        .find(|v| v.features == view.features)
                        .expect("it was cloned");
                    of.rehearsed = rehearsed;
                    for begun in &lost {
                        let fact = begun.fact().map(fact_name);
                        of.guest
                            .retain(|f| Some(f.name.as_str()) != fact.as_deref());
                        let id = begun.info.id;
                        match listed {
                            true => {
                                let mut registers = of.registers.iter_mut();
                                let register = registers.find(|r| r.id == id);
                                register.into_iter().for_each(|r| r.value = None);
                            }
                            false => of.registers.retain(|r| r.id != id),
                        }
                    }
                    let plan = plan(&lock, &host);
                    let names = about(&plan).0.into_iter().map(str::to_owned);
                    names.collect::<BTreeSet<_>>()
                };
                let named = |owed: &dyn Fn(&Begun) -> bool| {
                    let owed = lost.iter().filter(|begun| owed(begun));
                    owed.map(|begun| begun.name()).collect::<BTreeSet<_>>()
                };
                assert_eq!(refused(false, false), named(&|_| true), "{name}");
                let unread = refused(false, true);
                assert_eq!(unread, named(&|begun| begun.is_narrow()), "{name}");
                let unawaited = refused(true, false);
                assert_eq!(unawaited, named(&|begun| begun.fact().is_none()), "{name}");
            }
        }
    }
    assert!(tried > 600, "{tried}");
}

/// Where KVM says nothing of some promised bits, its value of the others tells nothing.
#[test]
fn what_kvm_does_not_tell_has_to_be_seen() {
    let mut host = host("neoverse-n1-6.12");
    let lock = machine("neoverse-n1", 2, &[]);
    let all = begun(&lock);
    let partly: Vec<&Begun> = all
        .iter()
        .filter(|b| b.mask & !b.told != 0 && b.is_narrow())
        .collect();
    assert!(!partly.is_empty());
    for view in &mut host.views {
        let named: Vec<_> = partly
            .iter()
            .filter_map(|b| b.fact())
            .map(fact_name)
            .collect();
        view.guest
            .retain(|fact| named.iter().all(|name| *name != fact.name));
    }
    let names: Vec<String> = partly.iter().map(|begun| begun.name()).collect();
    assert_eq!(about(&plan(&lock, &host)).0, names);
}

/// A register that the kernel lists and does not let be read is not zero in the report that is written of it.
#[test]
fn what_cannot_be_read_is_not_zero_in_a_report() {
    let mut host = host("neoverse-n1-6.12");
    change(&mut host, "VBAR_EL1", |r| {
        r.value = None;
        r.writable = 0;
    });
    let again = report::parse(&report::write(&host)).expect("it is a report");
    assert!(again == host, "the report says something else");
}

/// What names nothing in the two lists beside `state` is an error by name.
#[test]
fn lists_of_a_report_name_nothing_else() {
    let text = report::write(&host("neoverse-n1-6.12"));
    for (list, name) in [
        ("reset", "VBAR_EL2"),
        ("reset", "VBAR_EL99"),
        // No lock speaks of it.
        ("reset", "PC"),
        ("settable", "VBAR_EL2"),
        ("settable", "MIDR_EL1"),
    ] {
        let mut report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        report["views"][0][list][name] = "0x0000000000000001".into();
        let error = report::parse(&report.to_string()).expect_err("a name of nothing");
        assert!(error.contains(&format!("`{name}` of `{list}`")), "{error}");
    }
    // Without `reset`, nothing is said of what can be set.
    let mut report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let view = report["views"][0].as_object_mut().expect("it is one");
    assert!(view.remove("reset").is_some());
    view.insert(
        "settable".to_owned(),
        serde_json::json!({"VBAR_EL1": "0x0000000000000001"}),
    );
    let error = report::parse(&report.to_string()).expect_err("a name of nothing");
    assert!(error.contains("`VBAR_EL1` of `settable`"), "{error}");
}

#[test]
fn secondaries_are_looked_at_twice() {
    let all = promises(&machine("neoverse-n1", 2, &[]));
    let of = |vcpu: u32, end: &str| {
        let of = all
            .iter()
            .filter(|p| p.vcpu == vcpu && p.name().ends_with(end));
        of.count()
    };
    assert!(of(0, " at entry") > 50);
    assert_eq!(of(0, " at entry"), of(1, " at entry"));
    assert_eq!(of(0, " at a later entry"), 0);
    // The stack pointer, where an exception came from, and the timers' compare values are what the guest left; four
    // registers are looked at once more.
    assert_eq!(of(1, " at a later entry"), of(1, " at entry") - 5 + 4);
}

/// What a vCPU leaves before it is started once more is not what it is promised to begin with: else a start that resets
/// nothing would go unnoticed.
#[test]
fn what_is_promised_again_was_another_value_before() {
    let all = promises(&machine("neoverse-n1", 2, &[]));
    let mut looked = 0;
    for (id, leaves) in entry::READ.iter().zip(entry::LEAVES) {
        let name = fact_name(wire::key(wire::Kind::Entry, *id | entry::LATER));
        let Some(promise) = all.iter().find(|p| p.vcpu == 1 && p.name() == name) else {
            continue;
        };
        match leaves {
            Some(left) => assert!(
                (left ^ promise.value.unwrap_or(0)) & promise.mask != 0,
                "{name} is left as it is promised"
            ),
            // KVM ignores what a guest writes there.
            None => assert_eq!(name, "ACTLR_EL1 at a later entry"),
        }
        looked += 1;
    }
    assert!(looked > 10, "only {looked} are promised");
}
