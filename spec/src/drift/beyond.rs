//! What no statement of a baseline says: what would be refused or written all the same, features that came or went, and
//! what no lock promises; between a host with the old kernel and one with the new, where there are both.

use crate::adopt::shown;
use crate::catalogue::register_by_id;
use crate::lock::Lock;
use crate::observation::{self, AT_LATER_ENTRY, Promise, key_named, key_of, unpromised, wire};
use crate::plan::{Emulation, Keep, LENGTHS, Refusal, Step, Way, plan_with, unlocked};
use crate::reason;
use crate::report::{Fact, HostReport, Reading, Seen, View};
use crate::smccc;
use crate::vm::Feature;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Something that no statement can say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsaid {
    /// The entry's name, with the field where one differs; or a feature's.
    pub name: String,
    /// What guests saw: what a host with the old kernel shows, or else what baseline and CPU model promise.
    pub before: String,
    /// What the host shows.
    pub after: String,
    /// What can be done about it.
    pub remedy: Remedy,
}

/// What can be done about something that no statement can say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// A lock of the old baseline and of the statements that were found has it written on this host.
    Written,
    /// Nothing, with the reason.
    Refused(String),
    /// It is a feature that guests have where their description asks for it, and not otherwise.
    Asked,
    /// No lock promises or forbids it.
    Unpromised,
    /// The host shows what the baseline says, which the one with the old kernel did not, or guests had no lock there that
    /// could have been tried: nothing was.
    Untried,
}

impl Remedy {
    /// Which one, whatever the reason.
    const fn rank(&self) -> u8 {
        match self {
            Remedy::Asked | Remedy::Untried => 0,
            Remedy::Unpromised => 1,
            Remedy::Written => 2,
            Remedy::Refused(_) => 3,
        }
    }
}

/// In what a host differs from a lock.
#[derive(Clone, Debug)]
pub(super) struct Left {
    wanted: String,
    offered: String,
    remedy: Remedy,
    readings: Readings,
    /// It is that KVM lists a register. Its list is complete: one that has none of it tells that as well.
    is_listed: bool,
}

/// What a view itself tells of something, by who tells it.
type Readings = BTreeMap<String, String>;

/// By name; of several under one name, each has its number.
pub(super) type AllLeft = BTreeMap<(String, usize), Left>;

/// What of a lock this host would refuse or have written, and what a guest finds there that no lock promises.
pub(super) fn left(lock: &Lock, view: &View, report: &HostReport) -> AllLeft {
    let plan = plan_with(lock, report, Emulation::Forbidden);
    let refused = plan.refusals.into_iter().map(|refusal| {
        let left = Left {
            readings: readings(&refusal.name, &refusal.offered, view),
            is_listed: [reason::UNKNOWN_REGISTER, reason::UNLOCKED_REGISTER]
                .contains(&refusal.code),
            wanted: refusal.wanted,
            offered: refusal.offered,
            remedy: Remedy::Refused(refusal.reason),
        };
        (refusal.name, left)
    });
    let kept = plan.keeps.into_iter().filter_map(|keep| {
        let left = match (&keep.step, keep.way) {
            (Some(step), _) => {
                let (wanted, offered) = written(&keep, step, view, report)?;
                Left {
                    readings: readings(&keep.name, &offered, view),
                    wanted,
                    offered,
                    remedy: Remedy::Written,
                    is_listed: false,
                }
            }
            (None, Way::Unpromised) => Left {
                readings: readings(&keep.name, &keep.words, view),
                wanted: "nothing there".to_owned(),
                offered: keep.words,
                remedy: Remedy::Unpromised,
                is_listed: false,
            },
            _ => return None,
        };
        Some((keep.name, left))
    });
    let mut all = AllLeft::new();
    for (name, left) in refused.chain(kept) {
        let number = all.range((name.clone(), 0)..=(name.clone(), usize::MAX));
        let number = number.count();
        all.insert((name, number), left);
    }
    all
}

/// Whether a text has the value that was found, and not only that there is another one or none.
fn tells(offered: &str) -> bool {
    offered.starts_with(|c: char| c.is_ascii_digit())
}

/// What the view tells under that name; where the text that is `offered` has no value, of the whole register too.
fn readings(name: &str, offered: &str, view: &View) -> Readings {
    let mut all = Readings::new();
    let mut facts = |name: &str| {
        let key = key_of(name);
        let by_smc = name == unpromised::BY_SMC.name;
        for fact in &view.guest {
            let is_it = fact.name == name || key.is_some() && key_of(&fact.name) == key;
            if is_it || by_smc && fact.name.starts_with("SMC ") {
                let who = match by_smc {
                    true => format!("{} on vCPU {}", fact.name, fact.vcpu),
                    false => format!("vCPU {}", fact.vcpu),
                };
                all.insert(who, fact.seen.to_string());
            }
        }
    };
    facts(name);
    if tells(offered) {
        return all;
    }
    let register = name.split(['.', ' ']).next().unwrap_or(name);
    if register != name {
        facts(register);
    }
    let registers = view.registers.iter();
    let listed = registers.filter(|r| r.name == register || unlocked::encoded(r.id) == name);
    for (id, value) in listed.filter_map(|r| Some((r.id, r.value?))) {
        all.insert(format!("KVM register {id:#x}"), format!("{value:#x}"));
    }
    all
}

/// What a step writes, and what is there by default; `None` for what only comes with another step.
fn written(keep: &Keep, step: &Step, view: &View, report: &HostReport) -> Option<(String, String)> {
    let untold = || "something else by default".to_owned();
    Some(match step {
        Step::Identity => return None,
        Step::Register { id, value } | Step::Reset { id, value } => {
            let name = register_by_id(*id).map_or(keep.name.as_str(), |info| &info.name);
            let shown = shown(view, *id, name);
            (
                format!("{value:#x}"),
                shown.map_or_else(untold, |shown| format!("{shown:#x}")),
            )
        }
        Step::VectorLengths(wanted) => (listed(wanted), listed(&report.vector_lengths)),
        Step::IidrRevision(revision) => {
            let iidr = report.gic.as_ref().map(|gic| gic.iidr >> 12 & 0xf);
            (
                revision.to_string(),
                iidr.map_or_else(untold, |revision| revision.to_string()),
            )
        }
        Step::DenyEvents(events) => {
            let list: Vec<String> = events.iter().map(|e| format!("{e:#x}")).collect();
            let list = list.join(", ");
            (format!("no events {list}"), format!("events {list}"))
        }
        _ => (keep.words.clone(), untold()),
    })
}

/// What differs between two hosts, as far as they can be compared.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// What changed.
    pub unsaid: Vec<Unsaid>,
    /// What nobody can compare, and why, in words.
    pub unknown: Vec<String>,
}

/// What reads otherwise in two guests of one host: what happens to lie on KVM's stack, from 6.16 on. It is no change of a
/// kernel's (`unpromised::ROWS` has its words).
const LEFTOVERS: &str = "MDCCINT_EL1";

/// What a vCPU that is started once more finds as its guest left it: places in the witness, which are others in another
/// witness (`unpromised::ROWS` has these registers). Anything else there, such as zero or what KVM fills registers with,
/// would be a kernel's doing.
const LEFT_BEHIND: [&str; 2] = ["ELR_EL1 at a later entry", "SP_EL1 at a later entry"];

/// Where the witness's image and stacks are, guest-physical.
const WITNESS: Range<u64> = wire::LOAD_ADDRESS..wire::entry::BLOCKS_ADDRESS;

/// Whether that is a place in the witness.
fn is_within(seen: Seen) -> bool {
    matches!(seen, Seen::Value(place) if WITNESS.contains(&place))
}

/// What a guest read from inside, by vCPU and name.
fn facts(view: &View) -> BTreeMap<(u32, &str), Seen> {
    let all = view.guest.iter();
    all.map(|fact| ((fact.vcpu, fact.name.as_str()), fact.seen))
        .collect()
}

/// Whether that follows from what both reports tell, though the older witness did not look at it. Either both locks promise
/// it, it is kept, and in the bits that one of them leaves out a guest reads what it does in the register itself, which is
/// compared; or no lock promises it, there was nothing to read in that register, and is as little now, whenever a guest looks.
/// `register` is what guests of the old host and of the new one see in the register itself.
fn is_as_promised(
    locks: &[Vec<Promise>; 2],
    (vcpu, name): (u32, &str),
    new: Seen,
    register: [Option<Seen>; 2],
) -> bool {
    let key = key_named(name);
    // The bits that a lock promises; `None` where it is broken. That there is something to read promises no bit.
    let kept = |promises: &Vec<Promise>| {
        let of = |promise: &&Promise| promise.vcpu == vcpu && Some(promise.key) == key;
        let mut all = promises.iter().filter(of);
        all.try_fold(0, |all, promise| {
            promise.kept(new).then_some(all | bits(promise))
        })
    };
    let [old_register, new_register] = register;
    let nothing = |seen: Option<Seen>| matches!(seen, Some(Seen::Undefined | Seen::Trapped(_)));
    match [&locks[0], &locks[1]].map(kept) {
        [Some(0), Some(0)] => {
            nothing(old_register) && nothing(new_register) && Some(new) == new_register
        }
        [Some(a), Some(b)] => match (new, new_register) {
            (Seen::Value(new), Some(Seen::Value(register))) => (new ^ register) & !(a & b) == 0,
            (Seen::Value(_), _) => a & b == u64::MAX,
            (new, register) => a & b == u64::MAX && register.is_none_or(|is| is == new),
        },
        _ => false,
    }
}

/// The bits that are promised; all of them where a guest must find nothing to read.
fn bits(promise: &Promise) -> u64 {
    promise.value.map_or(u64::MAX, |_| promise.mask)
}

/// That there is nothing to compare with.
fn alone(name: &str) -> String {
    format!("{name}: one of the two reports alone tells what a guest sees of it")
}

/// What guests of the old host saw and guests of the new one see otherwise, of all that neither lock promises, by the old
/// baseline or with what was found to have changed: facts that they do not name, and bits that they leave out. What is in
/// either list of [`AllLeft`] is compared by [`changed`].
pub(super) fn unpromised(
    locks: [&Lock; 2],
    (old, new): (&View, &View),
    left: [&AllLeft; 2],
) -> Changed {
    let mut masks: BTreeMap<(u32, u64), u64> = BTreeMap::new();
    let promises = locks.map(observation::promises);
    for promise in promises.iter().flatten() {
        *masks.entry((promise.vcpu, promise.key)).or_default() |= bits(promise);
    }
    let by_smc = left
        .iter()
        .any(|left| left.keys().any(|(name, _)| name == unpromised::BY_SMC.name));
    let is_compared = |name: &str| {
        name == LEFTOVERS
            || by_smc && name.starts_with("SMC ")
            || left
                .iter()
                .any(|left| left.contains_key(&(name.to_owned(), 0)))
    };
    let (old, new) = (facts(old), facts(new));
    // What a register is at a later entry as well, is told of the register.
    let is_itself = |view: &BTreeMap<(u32, &str), Seen>, (vcpu, name): (u32, &str)| {
        let register = name.strip_suffix(AT_LATER_ENTRY);
        let itself = register.and_then(|register| view.get(&(vcpu, register)));
        itself.is_some_and(|itself| view.get(&(vcpu, name)) == Some(itself))
    };
    let mut out = Changed::default();
    for place in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let (vcpu, name) = *place;
        if is_itself(&old, *place) && is_itself(&new, *place) {
            continue;
        }
        let promised = key_of(name).and_then(|key| masks.get(&(vcpu, key)));
        let differ = match (old.get(place), new.get(place), promised) {
            (Some(old), Some(new), None) if LEFT_BEHIND.contains(&name) => {
                old != new && ![old, new].iter().all(|seen| is_within(**seen))
            }
            (None, Some(seen), _) => {
                let register = name.strip_suffix(AT_LATER_ENTRY).map(|register| {
                    let place = (vcpu, register);
                    [&old, &new].map(|view| view.get(&place).copied())
                });
                !is_as_promised(&promises, (vcpu, name), *seen, register.unwrap_or_default())
            }
            (Some(Seen::Value(old)), Some(Seen::Value(new)), promised) => {
                (old ^ new) & !promised.unwrap_or(&0) != 0
            }
            // Whether a promise of it is kept says the plan.
            (Some(old), Some(new), None) => old != new,
            (Some(_), Some(_), Some(_)) => false,
            _ => true,
        };
        if !differ || is_compared(name) {
            continue;
        }
        match (old.get(place), new.get(place)) {
            (Some(old), Some(new)) => out.unsaid.push(Unsaid {
                name: name.to_owned(),
                before: old.to_string(),
                after: new.to_string(),
                remedy: Remedy::Unpromised,
            }),
            _ => out.unknown.push(alone(name)),
        }
    }
    // The same on several vCPUs.
    out.unsaid.sort();
    out.unsaid.dedup();
    out.unknown.sort();
    out.unknown.dedup();
    out
}

/// Whether a view has something to compare with what another one reads under that name; of what no guest reads, the plans
/// tell all.
fn has_reading(view: &View, name: &str) -> bool {
    let name = name.split('.').next().unwrap_or(name);
    let Some(key) = key_named(name) else {
        return true;
    };
    let mut facts = view.guest.iter();
    let mut registers = view.registers.iter();
    facts.any(|fact| fact.name == name || key_named(&fact.name) == Some(key))
        || registers
            .any(|r| r.value.is_some() && (r.name == name || unlocked::encoded(r.id) == name))
}

/// What changed from one to the other; without an old host, from what the lock says. Guests of the old host had that lock.
pub(super) fn changed(
    old: Option<(&Lock, &View, &AllLeft)>,
    (new_view, new): (&View, &AllLeft),
) -> Changed {
    let mut out = Changed::default();
    let promises = old.map(|(lock, ..)| observation::promises(lock));
    let promises = promises.unwrap_or_default();
    let (old_view, old) = old.map(|(_, view, left)| (view, left)).unzip();
    for (key, now) in new {
        let then = old.and_then(|old| old.get(key));
        if old.is_none() && now.remedy == Remedy::Unpromised {
            continue;
        }
        if let Some(untold) = [Some(now), then]
            .into_iter()
            .flatten()
            .find(|l| l.is_untold())
        {
            out.unknown.push(untold.words(&key.0));
            continue;
        }
        // That a lock promises it is not that a guest of the old host was shown it.
        if then.is_none()
            && !now.is_listed
            && old_view.is_some_and(|view| !has_reading(view, &key.0))
        {
            out.unknown.push(alone(&key.0));
            continue;
        }
        // What the lock of now says of a call is not what a guest of the old host was answered.
        let is_call = key.0.contains('(') && then.is_none();
        let answered = old_view
            .filter(|_| is_call)
            .and_then(|view| Answered::of(&key.0, view, &promises));
        let same = |old: &View| {
            let of = |view| readings(&key.0, &now.offered, view);
            of(old) == of(new_view)
        };
        if matches!(answered, Some(Answered::ByDefault(_))) && old_view.is_some_and(same) {
            continue;
        }
        let (mut before, mut after) = match (then, answered) {
            (Some(then), _) => (then.offered.clone(), now.offered.clone()),
            (None, Some(answered)) => (answered.words(), now.offered.clone()),
            (None, None) => (now.wanted.clone(), now.offered.clone()),
        };
        if let Some(then) = then.filter(|then| then.offered == now.offered) {
            let is_worse = then.remedy.rank() < now.remedy.rank();
            match now.compare(then) {
                Some(true) if !is_worse => continue,
                None if !is_worse => {
                    let words = format!("{}: {after}, and the reports say no more", key.0);
                    out.unknown.push(words);
                    continue;
                }
                // The texts are the same: what was read tells them apart.
                Some(false) => {
                    before = then.told_beside(now);
                    after = now.told_beside(then);
                }
                Some(true) | None => {}
            }
        }
        out.unsaid.push(Unsaid {
            name: key.0.clone(),
            before,
            after,
            remedy: now.remedy.clone(),
        });
    }
    for (key, then) in old.into_iter().flatten() {
        if new.contains_key(key) {
            continue;
        }
        match then.is_untold() {
            true => out.unknown.push(then.words(&key.0)),
            // Nor is it that a guest of the new host is shown it.
            false if !then.is_listed && !has_reading(new_view, &key.0) => {
                out.unknown.push(alone(&key.0));
            }
            false => out.unsaid.push(Unsaid {
                name: key.0.clone(),
                before: then.offered.clone(),
                after: then.wanted.clone(),
                remedy: Remedy::Untried,
            }),
        }
    }
    out
}

/// What a guest of the old host was answered to a call, by a kernel that kept its lock.
enum Answered {
    /// What the kernel answers by default, which its lock does not forbid.
    ByDefault(String),
    /// What its lock promises, and the kernel answers only where something was written.
    Brought(String),
}

impl Answered {
    /// `None` where no guest made the call.
    fn of(call: &str, view: &View, promises: &[Promise]) -> Option<Self> {
        let key = key_of(call)?;
        let facts = view.guest.iter().filter(|f| key_of(&f.name) == Some(key));
        let facts: Vec<&Fact> = facts.collect();
        let words = |seen: Seen| match seen {
            Seen::Value(value) => smccc::answer_name(call, value),
            _ => seen.to_string(),
        };
        let read = match Reading::of(facts.iter().copied()) {
            Reading::Unseen => return None,
            Reading::Alike(_, seen) => words(seen),
            Reading::Apart(all) => {
                let all = all.into_iter();
                let all = all.map(|(vcpu, seen)| format!("{} on vCPU {vcpu}", words(seen)));
                all.collect::<Vec<_>>().join(", ")
            }
        };
        // The second vCPU of the probe's guest stands for all others.
        let mut own = promises.iter().filter(|p| p.vcpu <= 1 && p.key == key);
        let is_broken = |promise: &&Promise| {
            let mut of_vcpu = facts.iter().filter(|fact| fact.vcpu == promise.vcpu);
            of_vcpu.any(|fact| !promise.kept(fact.seen))
        };
        Some(match own.find(is_broken) {
            None => Self::ByDefault(read),
            Some(promise) => Self::Brought(match promise.value {
                Some(value) => smccc::answer_name(call, value),
                None => promise.words(),
            }),
        })
    }

    fn words(self) -> String {
        match self {
            Self::ByDefault(words) | Self::Brought(words) => words,
        }
    }
}

impl Left {
    /// Whether it is about what a report does not tell.
    fn is_untold(&self) -> bool {
        self.offered == Refusal::UNTOLD
    }

    /// Why it cannot be compared.
    fn words(&self, name: &str) -> String {
        let why = match &self.remedy {
            Remedy::Refused(reason) => reason,
            _ => &self.offered,
        };
        format!("{name}: {why}")
    }

    /// Whether two hosts show the same there, of which the same text is offered; `None` where nobody can tell.
    fn compare(&self, other: &Left) -> Option<bool> {
        let (a, b) = (&self.readings, &other.readings);
        match (a.is_empty(), b.is_empty()) {
            (false, false) => Some(a == b),
            (true, true) => tells(&self.offered).then_some(true),
            _ => None,
        }
    }

    /// What is offered, and what was read otherwise than there.
    fn told_beside(&self, other: &Left) -> String {
        let readings = self.readings.iter();
        let own = readings.filter(|(who, told)| other.readings.get(*who) != Some(*told));
        let own: Vec<String> = own.map(|(who, told)| format!("{who}: {told}")).collect();
        match own.is_empty() {
            true => self.offered.clone(),
            false => format!("{} ({})", self.offered, own.join(", ")),
        }
    }
}

/// A feature that guests had.
pub(super) fn gone(refusal: Refusal) -> Unsaid {
    Unsaid {
        name: refusal.name,
        before: refusal.wanted,
        after: refusal.offered,
        remedy: Remedy::Refused(refusal.reason),
    }
}

/// A feature that guests can be given.
pub(super) fn new(feature: Feature) -> Unsaid {
    Unsaid {
        name: feature.name().to_owned(),
        before: "no vCPU with it".to_owned(),
        after: "a guest that has it".to_owned(),
        remedy: Remedy::Asked,
    }
}

/// Whether two guests see the same in everything that was looked at; what they see of vector lengths, their views do not
/// tell.
pub(super) fn alike(a: &View, b: &View) -> bool {
    let values = |view: &View| -> Vec<(u64, Option<u64>)> {
        view.registers.iter().map(|r| (r.id, r.value)).collect()
    };
    let facts = |view: &View| -> Vec<Fact> {
        let all = view.guest.iter().filter(|fact| fact.name != LEFTOVERS);
        all.cloned().collect()
    };
    facts(a) == facts(b) && values(a) == values(b)
}

/// What two guests that have no lock see otherwise, of what both views tell.
pub(super) fn told(old: &View, new: &View) -> Vec<Unsaid> {
    let one = |name: &str, before: String, after: String| Unsaid {
        name: name.to_owned(),
        before,
        after,
        remedy: Remedy::Untried,
    };
    let (old_facts, new_facts) = (facts(old), facts(new));
    let both = old_facts.iter().filter_map(|(place, old)| {
        let new = new_facts.get(place)?;
        let (_, name) = *place;
        let is_witness = LEFT_BEHIND.contains(&name) && is_within(*old) && is_within(*new);
        let differ = old != new && name != LEFTOVERS && !is_witness;
        differ.then(|| one(name, old.to_string(), new.to_string()))
    });
    let registers = old.registers.iter().filter_map(|old| {
        let mut all = new.registers.iter();
        let new = all.find(|new| new.id == old.id)?.value?;
        let before = old.value.filter(|old| *old != new)?;
        Some(one(&old.name, format!("{before:#x}"), format!("{new:#x}")))
    });
    let mut out: Vec<Unsaid> = both.chain(registers).collect();
    // The same on several vCPUs, and by KVM.
    out.sort();
    out.dedup();
    out
}

/// That guests have other vector lengths, in bits, where both reports tell them.
pub(super) fn lengths(of: [&[u32]; 2]) -> Option<Unsaid> {
    let [old, new] = of;
    let differ = old != new && !old.is_empty() && !new.is_empty();
    differ.then(|| Unsaid {
        name: LENGTHS.to_owned(),
        before: listed(old),
        after: listed(new),
        remedy: Remedy::Untried,
    })
}

/// Vector lengths, in words.
fn listed(lengths: &[u32]) -> String {
    let texts: Vec<String> = lengths.iter().map(u32::to_string).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "PSCI_VERSION()";

    /// A guest of two vCPUs that was answered so.
    fn view(answers: [u64; 2]) -> View {
        let fact = |(vcpu, value)| Fact {
            vcpu,
            name: CALL.to_owned(),
            seen: Seen::Value(value),
        };
        View {
            features: Vec::new(),
            registers: Vec::new(),
            guest: (0..).zip(answers).map(fact).collect(),
            rehearsed: false,
        }
    }

    fn promise(value: u64) -> Promise {
        Promise {
            vcpu: 0,
            key: key_of(CALL).expect("a call"),
            value: Some(value),
            mask: u64::MAX,
        }
    }

    /// Both kernels answer the same by default: that the old one could be made to answer as its lock says is still lost.
    #[test]
    fn an_answer_that_was_brought_about_is_not_the_default_one() {
        let answered = |answers, promises: &[Promise]| {
            let answered = Answered::of(CALL, &view(answers), promises).expect("it was answered");
            (matches!(answered, Answered::ByDefault(_)), answered.words())
        };
        let (new, old) = (0x10001, 0x2);
        assert_eq!(
            answered([new; 2], &[promise(new)]),
            (true, "0x10001".to_owned())
        );
        assert_eq!(answered([new; 2], &[]), (true, "0x10001".to_owned()));
        assert_eq!(
            answered([new; 2], &[promise(old)]),
            (false, "0x2".to_owned())
        );
        assert_eq!(
            answered([new, old], &[]),
            (true, "0x10001 on vCPU 0, 0x2 on vCPU 1".to_owned())
        );
        assert!(Answered::of("SMC PSCI_VERSION()", &view([new; 2]), &[]).is_none());
    }
}
