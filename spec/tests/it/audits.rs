//! What a guest saw against what its lock promises: nothing that is missing, other or ambiguous is kept.

use crate::truth::{lock, spec};
use vmlock_spec::lock::Lock;
use vmlock_spec::observation::{self, Audit, Incomplete, Sighting, audit, fact_name, promises};
use vmlock_spec::report::Seen;
use vmlock_wire as wire;

fn example() -> Lock {
    lock(&spec(&["kvm-6.8", "psci-1.1"], "neoverse-n1", &[]))
}

/// What a guest sees where every promise is kept.
fn all_kept(lock: &Lock) -> Vec<Sighting> {
    let promises = promises(lock);
    let facts = promises.into_iter().map(|promise| Sighting {
        vcpu: promise.vcpu,
        key: promise.key,
        seen: promise.value.map_or(Seen::Undefined, Seen::Value),
    });
    facts.collect()
}

/// An audit whose vCPUs have all ended as they should.
fn whole(lock: &Lock, facts: &[Sighting]) -> Audit {
    audit(lock, facts, Vec::new())
}

#[test]
fn all_that_is_promised_is_kept() {
    let lock = example();
    let facts = all_kept(&lock);
    let found = whole(&lock, &facts);
    assert!(found.kept() && found.facts() == facts.len() && found.observed().is_empty());
    assert!(found.facts() > 300, "{}", found.facts());
}

#[test]
fn a_fact_that_is_not_reported_is_not_kept() {
    let lock = example();
    let facts = all_kept(&lock);
    let promised = whole(&lock, &facts).facts();
    let nothing = whole(&lock, &[]).differences();
    assert_eq!(nothing.len(), promised, "each is missed");
    // The first of them alone, then the last.
    for gone in [&nothing[0], &nothing[promised - 1]] {
        let is_gone = |f: &Sighting| f.vcpu == gone.vcpu && fact_name(f.key) == gone.name;
        let rest: Vec<Sighting> = facts.iter().filter(|f| !is_gone(f)).cloned().collect();
        let found = whole(&lock, &rest);
        assert_eq!(found.differences(), [(*gone).clone()]);
        assert!(!found.kept());
    }
}

#[test]
fn another_value_is_not_kept() {
    let lock = example();
    let facts = all_kept(&lock);
    let of = |name: &str| {
        let mut facts = facts.iter();
        facts.position(|f| f.vcpu == 1 && fact_name(f.key) == name)
    };
    let midr = of("MIDR_EL1").expect("every lock has it");
    for seen in [
        Seen::Value(1),
        Seen::Undefined,
        Seen::Trapped(0),
        Seen::Abort,
    ] {
        let mut other = facts.clone();
        other[midr].seen = seen;
        let found = whole(&lock, &other);
        assert!(!found.kept() && found.differences().len() == 1, "{seen:?}");
    }
}

#[test]
fn a_fact_that_was_seen_in_two_ways_is_not_kept() {
    let lock = example();
    let mut facts = all_kept(&lock);
    // The right one comes last, in order as well.
    let mut seen = facts.iter();
    let at = seen.position(|fact| matches!(fact.seen, Seen::Value(1..)));
    let mut other = facts[at.expect("not all is zero")];
    other.seen = Seen::Value(0);
    facts.insert(0, other);
    let found = whole(&lock, &facts);
    assert!(found.differences().is_empty() && !found.kept());
}

#[test]
fn an_account_with_a_gap_and_an_empty_one_are_not_kept() {
    let lock = example();
    let gap = vec![Incomplete {
        vcpu: 1,
        reason: "the witness did not finish on this vCPU".to_owned(),
    }];
    assert!(!audit(&lock, &all_kept(&lock), gap).kept());
    assert!(!whole(&lock, &[]).kept());
}

#[test]
fn a_promise_that_no_witness_can_tell_of_is_not_kept() {
    let mut lock = example();
    let facts = all_kept(&lock);
    assert!(whole(&lock, &facts).kept());
    lock.gic.registers[0].name = "GICD_NOBODY".to_owned();
    let found = whole(&lock, &facts);
    assert!(!found.kept() && found.differences().len() == 1);
}

#[test]
fn how_far_a_witness_came_is_told() {
    let mut begun = wire::AREA_MAGIC.to_le_bytes().to_vec();
    begun.extend(2u32.to_le_bytes());
    begun.extend(wire::DONE_NOT.to_le_bytes());
    for name in ["MIDR_EL1", "ID_AA64PFR0_EL1"] {
        let key = observation::key_of(name).unwrap();
        begun.extend(key.to_le_bytes());
        begun.resize(begun.len() + size_of::<wire::Record>() - 8, 0);
    }
    let nothing = &begun[..size_of::<wire::AreaHeader>()];
    let mut started = nothing.to_vec();
    started[8] = 0;
    assert_eq!(
        observation::progress(&[&begun, &[], &started]),
        "vCPU 0 has looked at 2 things, ID_AA64PFR0_EL1 the last of them; vCPU 1 has not begun; \
         vCPU 2 has begun and looked at nothing"
    );
    // Of a count that is not the area's, nothing is read that is not there.
    assert_eq!(
        observation::progress(&[nothing]),
        "vCPU 0 has begun and looked at nothing"
    );
}
