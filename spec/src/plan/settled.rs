//! What follows from a lock without standing in it, against what a guest saw on the host, each vCPU by itself: alike, or
//! refused. Firmware calls that nobody implements are the exception: where a kernel implements one, it is told to deny it.

use super::host::{Filter, Host};
use super::inside::Inside;
use super::{Plan, Refusal, Step, Way, disagreement};
use crate::lock::{Lock, LockedRegister};
use crate::observation::{Promise, settled, wire, words};
use crate::reason;
use crate::report::{Reading, Seen};
use crate::smccc::{self, Services};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

/// Holds each fact that the probe's guest saw too against what follows from the lock.
pub(super) fn settled(lock: &Lock, on: Host, inside: &Inside, plan: &mut Plan) {
    if lock.lock_version < settled::SINCE {
        return;
    }
    let services = Services::of_lock(lock);
    let call = |function, n| wire::key(wire::Kind::Hvc, wire::call(function, n, 0));
    let deniable = OnceCell::new();
    let all_calls = || -> HashMap<u64, u32> {
        let unimplemented = settled::unimplemented(&services);
        let results =
            |(function, results)| (0..results).map(move |n| (call(function, n), function));
        unimplemented.flat_map(results).collect()
    };
    let mut denied = BTreeSet::new();
    // Where the kernel takes no SMC and the lock has it for a conduit, one call refused says so for all.
    let no_conduit = services.smc && plan.refusals.iter().any(|r| r.name == BY_SMC);
    // What vCPU 0 finds is not in all what the others find.
    let others = OnceCell::new();
    let of_others = || -> HashMap<u64, Promise> {
        let promises = settled::promises(lock, 1);
        promises.map(|promise| (promise.key, promise)).collect()
    };
    let vcpus = on.view.vcpus();
    let mut unseen = Vec::new();
    for first in settled::promises(lock, 0) {
        if no_conduit && first.name().starts_with(SMC) {
            continue;
        }
        let promise = |vcpu: u32| match vcpu {
            0 => Some(&first),
            _ => others.get_or_init(of_others).get(&first.key),
        };
        let mut seen = inside.facts(first.key);
        // The second vCPU of the probe's guest stands for all others, which that guest cannot start.
        let by_first = seen.clone().any(|fact| fact.vcpu == 0);
        let by_others = seen.clone().any(|fact| fact.vcpu > 0);
        let owed = || lock.machine.vcpus.len() > 1 && promise(1).is_some();
        let looked = || by_first && (by_others || !owed());
        if !on.view.rehearsed && !looked() && !settled::starts_beyond(first.key, vcpus, lock) {
            unseen.push(first.name().into_owned());
        }
        let broken = seen.find_map(|fact| {
            let promise = promise(fact.vcpu)?;
            (!promise.kept(fact.seen)).then_some((promise, fact.seen))
        });
        let Some((broken, seen)) = broken else {
            continue;
        };
        let name = &*first.name();
        // vCPUs that were promised the same and do not see the same.
        if let Reading::Apart(readings) = inside.seen(first.key)
            && readings
                .iter()
                .all(|(vcpu, _)| promise(*vcpu).is_none_or(|p| p.value == first.value))
        {
            disagreement::refuse(name, first.words(), &readings, FROM, plan);
            continue;
        }
        // Where an ID register decides it, and is to be another: in the rehearsal it is seen whether the kernel follows.
        let decided_otherwise = settled::decided_by(first.key).is_some_and(|register| {
            let entry = lock.registers.iter().find(|r| r.name == register);
            let bits = |entry: &LockedRegister, value| (value ^ entry.value) & entry.promised();
            match entry.zip(inside.seen_as(register).value()) {
                Some((entry, value)) => bits(entry, value) != 0,
                None => on.view.rehearsed,
            }
        });
        if decided_otherwise || brought_about(name, plan) {
            continue;
        }
        let usable = matches!(on.filter, Filter::Usable | Filter::Preferred);
        match deniable
            .get_or_init(all_calls)
            .get(&first.key)
            .filter(|f| usable && smccc::filterable(**f))
        {
            Some(_) if in_ranges(plan) => {}
            Some(function) => {
                let step = denied.insert(*function).then_some(Step::Deny(*function));
                plan.keep(name, Way::Emulate, step, "the kernel is told to deny it");
            }
            None => plan
                .refusals
                .push(refusal(name, &broken.words(), seen, on.filter)),
        }
    }
    if !unseen.is_empty() {
        plan.refusals.push(untold(&unseen));
    }
}

/// A report whose guest did not look at all that is promised.
fn untold(unseen: &[String]) -> Refusal {
    const NAMED: usize = 3;
    let mut names = unseen[..unseen.len().min(NAMED)].join(", ");
    if unseen.len() > NAMED {
        names += &format!(" and {} more", unseen.len() - NAMED);
    }
    let reason = format!("the report does not say what a guest on this host sees in {names}");
    Refusal::untold("what a guest sees", &reason)
}

/// How the names of calls by SMC begin.
pub(crate) const SMC: &str = "SMC ";
/// The call by which a guest looks for that conduit.
pub(crate) const BY_SMC: &str = "SMC PSCI_VERSION()";

/// Where the refusal's promise comes from.
const FROM: &str =
    "what every guest finds on the kernels that this version of the lock was made for";

fn refusal(name: &str, wanted: &str, seen: Seen, filter: Filter) -> Refusal {
    let offered = words(seen, u64::MAX);
    let mut help =
        vec!["choose another host, and report this one: vmlock knows no such kernel".to_owned()];
    if name.starts_with(SMC) {
        help.extend(filter.help());
    }
    Refusal {
        code: reason::NO_KNOB,
        name: name.to_owned(),
        wanted: wanted.to_owned(),
        reason: format!(
            "a guest on this host sees {offered} in {name}, and KVM has no knob for it"
        ),
        offered,
        from: FROM.to_owned(),
        help,
    }
}

/// Whether all functions but a few are forwarded to the runner.
fn in_ranges(plan: &Plan) -> bool {
    plan.steps()
        .any(|step| matches!(step, Step::ForwardRanges(_)))
}

/// Whether what the probe's guest saw there is changed by another part of the plan.
fn brought_about(name: &str, plan: &Plan) -> bool {
    plan.steps().any(|step| match step {
        Step::Distributor | Step::IidrRevision(_) => name.starts_with("GIC"),
        Step::ForwardRanges(_) => name.starts_with(SMC),
        _ => false,
    })
}
