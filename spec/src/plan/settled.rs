//! What follows from a lock without standing in it, against what a guest saw on the host: alike, or refused. Firmware
//! calls that nobody implements are the exception: where a kernel implements one, it is told to deny it.

use super::host::{Filter, Host};
use super::{Plan, Refusal, Step, Way, disagreement};
use crate::lock::{Lock, LockedRegister};
use crate::observation::{Promise, fact_name, settled, wire, words};
use crate::reason;
use crate::report::{Reading, Seen};
use crate::smccc::{self, Services};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

/// Holds each fact that the probe's guest saw too against what follows from the lock.
pub(super) fn settled(lock: &Lock, on: Host, inside: impl Fn(&str) -> Reading, plan: &mut Plan) {
    if lock.lock_version < settled::SINCE {
        return;
    }
    let services = Services::of_lock(lock);
    let call = |function, n| fact_name(wire::key(wire::Kind::Hvc, wire::call(function, n, 0)));
    let calls: HashMap<String, u32> = settled::unimplemented(&services)
        .flat_map(|(function, results)| (0..results).map(move |n| (call(function, n), function)))
        .collect();
    let mut denied = BTreeSet::new();
    // Where the kernel takes no SMC and the lock has it for a conduit, one call refused says so for all.
    let no_conduit = services.smc && plan.refusals.iter().any(|r| r.name == BY_SMC);
    // What vCPU 0 finds is not in all what the others find.
    let others = OnceCell::new();
    let of_others = || -> HashMap<String, Promise> {
        let promises = settled::promises(lock, 1);
        promises
            .map(|promise| (promise.name.clone(), promise))
            .collect()
    };
    for first in settled::promises(lock, 0) {
        let name = first.name.as_str();
        if no_conduit && name.starts_with("SMC ") {
            continue;
        }
        let kept = |vcpu: u32, seen: Seen| match vcpu {
            0 => first.kept(seen),
            _ => others
                .get_or_init(of_others)
                .get(name)
                .is_none_or(|other| other.kept(seen)),
        };
        let seen = match inside(name) {
            Reading::Unseen => continue,
            Reading::Alike(vcpu, seen) if kept(vcpu, seen) => continue,
            Reading::Alike(_, seen) => seen,
            Reading::Apart(readings) => {
                if !readings.iter().all(|(vcpu, seen)| kept(*vcpu, *seen)) {
                    disagreement::refuse(name, first.words(), &readings, FROM, plan);
                }
                continue;
            }
        };
        // Where an ID register decides it, and is to be another: in the rehearsal it is seen whether the kernel follows.
        let decided_by = settled::decided_by(name).map(|register| {
            let entry = lock.registers.iter().find(|r| r.name == register);
            let bits = |entry: &LockedRegister, value| (value ^ entry.value) & entry.promised();
            let seen = inside(register).value();
            entry
                .zip(seen)
                .is_some_and(|(entry, value)| bits(entry, value) == 0)
        });
        if decided_by == Some(false) || brought_about(name, plan) {
            continue;
        }
        let usable = matches!(on.filter, Filter::Usable | Filter::Preferred);
        match calls.get(name).filter(|f| usable && smccc::filterable(**f)) {
            Some(_) if in_ranges(plan) => {}
            Some(function) => {
                let step = denied.insert(*function).then_some(Step::Deny(*function));
                plan.keep(name, Way::Emulate, step, "the kernel is told to deny it");
            }
            None => plan
                .refusals
                .push(refusal(name, &first.words(), seen, on.filter)),
        }
    }
}

/// The call by which a guest looks for a conduit.
const BY_SMC: &str = "SMC PSCI_VERSION()";

/// Where the refusal's promise comes from.
const FROM: &str =
    "what every guest finds on the kernels that this version of the lock was made for";

fn refusal(name: &str, wanted: &str, seen: Seen, filter: Filter) -> Refusal {
    let offered = words(seen, u64::MAX);
    let mut help =
        vec!["choose another host, and report this one: vmlock knows no such kernel".to_owned()];
    if name.starts_with("SMC ") {
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
        Step::ForwardRanges(_) => name.starts_with("SMC "),
        _ => false,
    })
}
