//! What pairs of recorded hosts have in common: a lock comes of it, all of them
//! keep that lock, and every field obeys its rule.

use crate::plans::{hosts, with_evt};
use crate::truth::{lock, spec};
use std::collections::BTreeMap;
use vmlock_spec::adopt::shown;
use vmlock_spec::catalogue::{Catalogue, Kind, Rule, field, register_by_id};
use vmlock_spec::common::{Common, Nothing, common};
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::{Refusal, plan};
use vmlock_spec::reason::{GIC, IIDR_NOT_HONOURED, IIDR_REFUSED};
use vmlock_spec::report::HostReport;
use vmlock_spec::vm::{Feature, SetField};

/// The lock that a user gets who pastes it.
fn pasted(found: &Common) -> Lock {
    let abi: Vec<&str> = found.abi.iter().map(String::as_str).collect();
    let mut spec = spec(&abi, &found.cpu, &found.features);
    let set = found.set.iter().map(|s| SetField {
        field: s.field.clone(),
        value: s.value,
    });
    spec.cpu.set = set.collect();
    spec.vary = found.vary.iter().map(|s| s.field.clone()).collect();
    lock(&spec)
}

/// Holds one pair to all that is promised of it.
fn holds(names: &str, reports: &[HostReport], features: &[Feature], same_cpu: bool) -> bool {
    let catalogue = Catalogue::builtin();
    let found = match common(reports, &catalogue, features, None) {
        Ok(found) => found,
        Err(Nothing::UnknownCpu) => panic!("{names}: their CPUs are in the catalogue"),
        Err(Nothing::Impossible(refusals)) => {
            // Nothing is called impossible that the spec could have waived.
            assert!(!refusals.is_empty(), "{names}");
            let gic = |code| [IIDR_REFUSED, IIDR_NOT_HONOURED, GIC].contains(&code);
            // `max` on 5.10 is what no baseline says: SMCCC_ARCH_WORKAROUND_3 is not required there, and PMMIR_EL1 is
            // undefined where its PMU is too new for that kernel.
            let unsaid = ["SMCCC_ARCH_WORKAROUND_3", "PMMIR_EL1"];
            let unsaid = |name: &str| unsaid.iter().any(|part| name.contains(part));
            let known = |r: &Refusal| gic(r.code) || names.contains("max-5.10") && unsaid(&r.name);
            let known = refusals.iter().all(|(_, r)| known(r));
            assert!(!same_cpu || known, "{names}: {refusals:?}");
            for (_, refusal) in &refusals {
                let waivable = field(&refusal.name).is_some_and(|(r, _)| r.kind != Kind::Firmware);
                assert!(!waivable, "{names}: {}", refusal.name);
            }
            return false;
        }
    };
    let lock = pasted(&found);
    for report in reports {
        let refused = plan(&lock, report).refusals;
        assert!(refused.is_empty(), "{names}: {:?}", refused[0]);
    }
    for waived in &found.vary {
        let first = waived.hosts[0];
        assert!(
            waived
                .hosts
                .iter()
                .any(|h| *h != first || *h != Some(waived.value)),
            "{names}: {} is waived and all hosts show it",
            waived.field
        );
    }
    // A guest never finds more of a feature than one of its hosts has, nor has to do less than one needs.
    for entry in lock.registers.iter().filter(|r| r.guest_readable()) {
        let fields = register_by_id(entry.id).map_or(&[][..], |i| i.fields.as_ref());
        for field in fields.iter().filter(|f| f.mask() & entry.promised() != 0) {
            for report in reports {
                let view = report.view(features).expect("it was planned");
                let Some(own) = shown(view, entry.id, &entry.name) else {
                    continue;
                };
                let (value, own) = (field.get(entry.value), field.get(own));
                let sound = match field.rule {
                    Rule::Lower => field.order(value) <= field.order(own),
                    Rule::Higher => field.order(value) >= field.order(own),
                    Rule::HigherOrZero => value == 0 || field.order(value) >= field.order(own),
                    Rule::Exact | Rule::Free => true,
                };
                assert!(
                    sound,
                    "{names}: {}.{} is {value:#x}, a host has {own:#x}",
                    entry.name, field.name
                );
            }
        }
    }
    true
}

#[test]
fn every_pair_of_hosts_keeps_what_it_has_in_common() {
    let hosts: BTreeMap<String, HostReport> = hosts();
    let names: Vec<&String> = hosts.keys().collect();
    let mut kept = 0;
    let mut tried = 0;
    // All of it takes minutes without optimisation: then every seventh pair, with and without a PMU in turn.
    let stride = if cfg!(debug_assertions) { 7 } else { 1 };
    let mut pairs = 0;
    let mut with_pmu = false;
    for (index, a) in names.iter().enumerate() {
        for b in &names[index..] {
            pairs += 1;
            if pairs % stride != 0 {
                continue;
            }
            let pair = [hosts[*a].clone(), hosts[*b].clone()];
            with_pmu = !with_pmu;
            let features: &[Feature] = if with_pmu { &[Feature::Pmu] } else { &[] };
            let words = format!("{a} and {b} with {features:?}");
            let same_cpu = a.rsplit_once('-').map(|n| n.0) == b.rsplit_once('-').map(|n| n.0);
            kept += usize::from(holds(&words, &pair, features, same_cpu));
            tried += 1;
        }
    }
    // Silicon tells two of the four kinds of CPU apart for good: that no workaround is needed cannot be hidden.
    assert!(kept > tried / 4, "{kept} of {tried}");
}

/// Two fields that one write takes away together are given up by neither host.
#[test]
fn ctr_el0_is_had_in_common_with_a_cpu_that_traps_it_once_written() {
    let host = hosts().remove("neoverse-n1-6.12").expect("recorded");
    let pair = [host.clone(), with_evt(host)];
    let found = common(&pair, &Catalogue::builtin(), &[], None).expect("they have");
    let named: Vec<&String> = found
        .set
        .iter()
        .chain(&found.vary)
        .map(|f| &f.field)
        .collect();
    assert!(named.is_empty(), "{named:?}");
    assert_eq!(found.cpu, "neoverse-n1");
}
