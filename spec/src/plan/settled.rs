//! What follows from a lock without standing in it, against what a guest saw on the host, each vCPU by itself: alike, or
//! refused. Firmware calls that nobody implements are the exception: where a kernel implements one, it is told to deny it.

use super::host::{Filter, Host, Knobs};
use super::{Plan, Refusal, Step, Way, disagreement};
use crate::lock::Lock;
use crate::observation::{Promise, settled, wire, words};
use crate::reason;
use crate::report::{Fact, Reading, Seen};
use crate::smccc::{self, Services};
use std::collections::{BTreeSet, HashMap};

/// What follows from a lock for one fact, and what of the lock bears on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Follows {
    /// What vCPU 0 finds.
    pub first: Promise,
    /// What the others find, which is not in all the same.
    others: Option<Promise>,
    /// Whether there are any.
    several: bool,
    /// The vCPU, where it is how one is started.
    started: Option<u64>,
    /// Where an ID register decides it: what the lock has there, and which bits it promises.
    decided: Option<(&'static str, Option<(u64, u64)>)>,
    /// The function, where it is how one is answered that nobody implements.
    unimplemented: Option<u32>,
    /// Whether SMC is a conduit.
    smc: bool,
}

/// What a host shows there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Found<'a> {
    /// What each vCPU saw, in the order of the report.
    facts: Vec<&'a Fact>,
    /// What vCPUs read in the ID register that decides it, where they agree.
    decided: Option<u64>,
    /// How many vCPUs the probe's guest had.
    vcpus: u32,
    knobs: Knobs<'a>,
}

/// What other parts of a plan bring about there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Elsewhere {
    /// The lock has SMC for a conduit and this kernel does not, which was said once for all.
    pub no_conduit: bool,
    /// The interrupt controller is another one than the probe's guest saw.
    pub interrupts: bool,
    /// All functions but a few are forwarded to the runner.
    pub ranges: bool,
}

impl Elsewhere {
    /// How many there are.
    pub(super) const ALL: usize = 8;

    /// The number of this one.
    pub(super) const fn index(self) -> usize {
        self.no_conduit as usize | (self.interrupts as usize) << 1 | (self.ranges as usize) << 2
    }

    /// The one of a number, by its last bits.
    pub(super) const fn of_index(index: usize) -> Self {
        Self {
            no_conduit: index & 1 != 0,
            interrupts: index & 2 != 0,
            ranges: index & 4 != 0,
        }
    }
}

/// What comes of it, beside what stands in the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// That the report does not say it.
    pub unseen: bool,
    /// The function that the kernel is told to deny.
    pub denied: Option<u32>,
}

/// What follows from a lock, fact by fact.
pub(super) fn follows(lock: &Lock) -> Vec<Follows> {
    if lock.lock_version < settled::SINCE {
        return Vec::new();
    }
    let services = Services::of_lock(lock);
    let call = |function, n| wire::key(wire::Kind::Hvc, wire::call(function, n, 0));
    let unimplemented: HashMap<u64, u32> = settled::unimplemented(&services)
        .flat_map(|(function, results)| (0..results).map(move |n| (call(function, n), function)))
        .collect();
    let others: HashMap<u64, Promise> = settled::promises(lock, 1)
        .map(|promise| (promise.key, promise))
        .collect();
    let of = |first: Promise| Follows {
        first,
        others: others.get(&first.key).copied(),
        several: lock.machine.vcpus.len() > 1,
        started: settled::starts(first.key, lock),
        decided: settled::decided_by(first.key).map(|register| {
            let entry = lock.registers.iter().find(|r| r.name == register);
            (register, entry.map(|entry| (entry.value, entry.promised())))
        }),
        unimplemented: unimplemented.get(&first.key).copied(),
        smc: services.smc,
    };
    settled::promises(lock, 0).map(of).collect()
}

/// What a host shows where that is looked for; `vcpus` is how many its guest had.
pub(super) fn found<'a>(key: u64, on: &Host<'a>, vcpus: u32) -> Found<'a> {
    let decided = settled::decided_by(key);
    Found {
        facts: on.inside.facts(key).collect(),
        decided: decided.and_then(|register| on.inside.seen_as(register).value()),
        vcpus,
        knobs: on.knobs,
    }
}

/// What a plan brings about there, as far as it is made.
pub(super) fn elsewhere(plan: &Plan) -> Elsewhere {
    let interrupts = |step: &Step| matches!(step, Step::Distributor | Step::IidrRevision(_));
    Elsewhere {
        no_conduit: plan.refusals.iter().any(|r| r.name == BY_SMC),
        interrupts: plan.steps().any(interrupts),
        ranges: plan.steps().any(forwards_ranges),
    }
}

/// Whether all functions but a few are forwarded to the runner by it.
fn forwards_ranges(step: &Step) -> bool {
    matches!(step, Step::ForwardRanges(_))
}

/// Holds each fact that the probe's guest saw too against what follows from the lock.
pub(super) fn settled(lock: &Lock, on: Host, plan: &mut Plan) {
    let elsewhere = elsewhere(plan);
    let vcpus = on.view.vcpus();
    let mut denied = BTreeSet::new();
    let mut unseen = Vec::new();
    for follows in follows(lock) {
        let found = found(follows.first.key, &on, vcpus);
        let outcome = one(&follows, &found, elsewhere, plan);
        if outcome.unseen {
            unseen.push(follows.first.name().into_owned());
        }
        if let Some(function) = outcome.denied {
            let step = denied.insert(function).then_some(Step::Deny(function));
            let words = "the kernel is told to deny it";
            plan.keep(&follows.first.name(), Way::Emulate, step, words);
        }
    }
    if !unseen.is_empty() {
        plan.refusals.push(untold(&unseen));
    }
}

/// One of them.
pub(super) fn one(
    follows: &Follows,
    found: &Found,
    elsewhere: Elsewhere,
    plan: &mut Plan,
) -> Outcome {
    let first = &follows.first;
    let mut outcome = Outcome::default();
    // Where the kernel takes no SMC and the lock has it for a conduit, one call refused says so for all.
    if elsewhere.no_conduit && follows.smc && first.name().starts_with(SMC) {
        return outcome;
    }
    let promise = |vcpu: u32| match vcpu {
        0 => Some(first),
        _ => follows.others.as_ref(),
    };
    // The second vCPU of the probe's guest stands for all others, which that guest cannot start.
    let by_first = found.facts.iter().any(|fact| fact.vcpu == 0);
    let by_others = found.facts.iter().any(|fact| fact.vcpu > 0);
    let owed = follows.several && follows.others.is_some();
    let looked = by_first && (by_others || !owed);
    let beyond = |vcpu: u64| settled::is_beyond(vcpu, found.vcpus);
    outcome.unseen = !found.knobs.rehearsed && !looked && !follows.started.is_some_and(beyond);
    let broken = found.facts.iter().find_map(|fact| {
        let promise = promise(fact.vcpu)?;
        (!promise.kept(fact.seen)).then_some((promise, fact.seen))
    });
    let Some((broken, seen)) = broken else {
        return outcome;
    };
    let name = &*first.name();
    // vCPUs that were promised the same and do not see the same.
    if let Reading::Apart(readings) = Reading::of(found.facts.iter().copied())
        && readings
            .iter()
            .all(|(vcpu, _)| promise(*vcpu).is_none_or(|p| p.value == first.value))
    {
        disagreement::refuse(name, first.words(), &readings, FROM, plan);
        return outcome;
    }
    // Where an ID register decides it, and is to be another: in the rehearsal it is seen whether the kernel follows.
    let decided_otherwise =
        follows
            .decided
            .is_some_and(|(_, entry)| match entry.zip(found.decided) {
                Some(((locked, promised), value)) => (value ^ locked) & promised != 0,
                None => found.knobs.rehearsed,
            });
    let brought_about = elsewhere.interrupts && name.starts_with("GIC")
        || elsewhere.ranges && name.starts_with(SMC);
    if decided_otherwise || brought_about {
        return outcome;
    }
    let filter = found.knobs.filter;
    let usable = matches!(filter, Filter::Usable | Filter::Preferred);
    match follows
        .unimplemented
        .filter(|function| usable && smccc::filterable(*function))
    {
        Some(_) if elsewhere.ranges => {}
        Some(function) => outcome.denied = Some(function),
        None => plan
            .refusals
            .push(refusal(name, &broken.words(), seen, filter)),
    }
    outcome
}

/// A report whose guest did not look at all that is promised.
pub(super) fn untold(unseen: &[String]) -> Refusal {
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
