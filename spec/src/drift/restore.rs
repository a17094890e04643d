//! What brings back what changed: a line of a description, tried on the host whose kernel changed it.

use super::search::same_thing;
use super::{After, Bench, Guest, Machine};
use crate::catalogue::{BASELINES, Statement, Subject, field};
use crate::lock::Lock;
use crate::plan::{Keep, Plan, Refusal, Way, plan};
use crate::vm::Feature;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A line of a description.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knob {
    /// A part, named in `abi` beside the whole baseline.
    Part(String),
    /// `hide` in the `cpu` block.
    Hide(String),
    /// `set` in the `cpu` block.
    Set(String, u64),
    /// `deny` in the block of `pmu`: common events.
    Deny(Vec<u16>),
}

/// As it is written.
impl fmt::Display for Knob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Knob::Part(name) => write!(f, "abi … \"{name}\""),
            Knob::Hide(field) => write!(f, "hide \"{field}\""),
            Knob::Set(field, value) => write!(f, "set \"{field}\" {value:#x}"),
            Knob::Deny(events) => {
                f.write_str("pmu { deny")?;
                for event in events {
                    write!(f, " {event:#x}")?;
                }
                f.write_str("; }")
            }
        }
    }
}

/// Whether the old values can be had on the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restored {
    /// By this line, for which nothing else is refused.
    By {
        /// The line.
        knob: Knob,
        /// What it changes beside, by name: what hangs on the restored value.
        also: Vec<String>,
        /// Whether the runner answers in the kernel's place; else the kernel takes what is written.
        emulated: bool,
    },
    /// By a description that names this baseline: the host keeps all of its old values.
    ByBaseline {
        /// The baseline.
        name: String,
        /// As above.
        emulated: bool,
    },
    /// By a baseline that is made of the old host's report: the host keeps all of its old values.
    ByAdopting {
        /// As above.
        emulated: bool,
    },
    /// By no line alone. The old values would be kept, but who has them has others that are refused, by these names.
    WithOthers(Vec<String>),
    /// By nothing, with the reason.
    Nothing(String),
}

/// All the lines that restore something for one guest, in one description.
#[derive(Debug)]
pub struct Together {
    /// The guest.
    pub machine: Machine,
    /// The lines.
    pub knobs: Vec<Knob>,
    /// Why no such machine comes of it, has all of the old values or is kept; empty where it is.
    pub refused: Vec<String>,
}

/// One value of a lock by name, as far as it is promised.
type Values = BTreeMap<String, (u64, u64)>;

/// What two locks promise differently: name, and the old value with the bits that are promised; `None` where the old
/// lock does not have it.
pub(super) type Moved = BTreeMap<String, Option<(u64, u64)>>;

/// That of two locks.
pub(super) fn moved(before: &Lock, after: &Lock) -> Moved {
    let (old, new) = (values(before), values(after));
    let names = old.keys().chain(new.keys());
    names
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| (name.clone(), old.get(name).copied()))
        .collect()
}

/// Everything that a lock gives a value by name.
fn values(lock: &Lock) -> Values {
    let registers = lock.registers.iter();
    let registers = registers.map(|r| (r.name.clone(), (r.value & r.mask, r.mask)));
    let gic = lock.gic.registers.iter();
    let gic = gic.map(|r| (r.name.clone(), (r.value.into(), u64::MAX)));
    let answers = lock.hypercalls.answers.iter();
    let answers = answers.map(|a| (a.call.clone(), (a.answer, u64::MAX)));
    let reset = lock.reset.iter();
    let reset = reset.map(|line| (format!("{} at entry", line.name), (line.value, u64::MAX)));
    registers.chain(gic).chain(answers).chain(reset).collect()
}

/// What a lock has otherwise than another one, beside what was moved.
fn beside(lock: &Lock, moved: &Moved, after: &Values) -> Vec<String> {
    let now = values(lock);
    let names: BTreeSet<&String> = now.keys().chain(after.keys()).collect();
    let names = names.into_iter().filter(|name| !moved.contains_key(*name));
    let names = names.filter(|name| now.get(*name) != after.get(*name));
    names.cloned().collect()
}

/// How a host keeps a lock, beside how it keeps another one.
struct Tried {
    /// Refusals of what was moved, and then those that the other lock does not meet.
    refused: Vec<Refusal>,
    /// How many of them are about what was moved.
    about: usize,
    /// Names of all that is refused, whatever the other lock meets.
    all: Vec<String>,
    /// Whether the runner answers for something that it does not answer for there.
    emulated: bool,
}

/// Plans a lock on the host of a guest. Of what was moved `path` speaks first.
fn tried(lock: &Lock, guest: &Guest<'_>, base: &Plan, moved: &Moved, path: &str) -> Tried {
    let is_about = |name: &str| {
        let register = name.split('.').next().unwrap_or(name);
        moved.contains_key(name) || moved.contains_key(register)
    };
    let same = |a: &Refusal, b: &Refusal| {
        (a.code, &a.name, &a.wanted, &a.offered) == (b.code, &b.name, &b.wanted, &b.offered)
    };
    let Plan {
        keeps, refusals, ..
    } = plan(lock, guest.report);
    let all = refusals
        .iter()
        .map(|refusal| refusal.name.clone())
        .collect();
    let answers = |keeps: &[Keep], name: &str| {
        let mut keeps = keeps.iter();
        keeps.any(|keep| keep.way == Way::Emulate && keep.name == name)
    };
    let mut emulated = keeps.iter().filter(|keep| keep.way == Way::Emulate);
    let emulated = emulated.any(|keep| !answers(&base.keeps, &keep.name));
    let (mut refused, others): (Vec<Refusal>, Vec<Refusal>) =
        refusals.into_iter().partition(|r| is_about(&r.name));
    refused.sort_by_key(|r| r.name != path);
    let about = refused.len();
    let known = |refusal: &Refusal| base.refusals.iter().any(|r| same(r, refusal));
    refused.extend(others.into_iter().filter(|refusal| !known(refusal)));
    Tried {
        refused,
        about,
        all,
        emulated,
    }
}

/// What brings back for a guest what was `moved`: a line, tried in a description that names the new baseline, or another
/// baseline as a whole.
pub(super) fn restored(
    bench: &Bench<'_>,
    after: &After,
    guest: &Guest<'_>,
    statement: &Statement,
    moved: &Moved,
) -> Restored {
    // Of a register that is refused in several fields, the one that it is about speaks first.
    let path = match &statement.subject {
        Subject::Field(path, _) => path.as_ref(),
        _ => "",
    };
    let Some(new) = after.lock(guest) else {
        return Restored::Nothing("all that changed together gives no lock".to_owned());
    };
    let (base, now) = (plan(&new, guest.report), values(&new));
    let (mut reason, mut found) = (None, None);
    for knob in knobs(guest, statement) {
        let lock = match after.tried(guest, &[&knob]) {
            Ok(lock) => lock,
            Err(complaints) => {
                let words = complaints.into_iter().map(|c| c.message).next();
                reason = reason.or(words);
                continue;
            }
        };
        if !has_old(&lock, moved) {
            continue;
        }
        let tried = tried(&lock, guest, &base, moved, path);
        match tried.refused.into_iter().next() {
            None => {
                let by = Restored::By {
                    knob,
                    also: beside(&lock, moved, &now),
                    emulated: tried.emulated,
                };
                match &by {
                    Restored::By { also, .. } if also.is_empty() => return by,
                    _ => found = found.or(Some(by)),
                }
            }
            Some(refused) => reason = reason.or(Some(refused.reason)),
        }
    }
    if let Some(by) = found {
        return by;
    }
    // The old baseline asks for all of the old values, and the planner says whether they can be had.
    let question = &bench.question;
    if question.named != question.baseline
        && let Some(lock) = bench.named(guest)
        && has_old(&lock, moved)
    {
        let tried = tried(&lock, guest, &base, moved, path);
        if tried.all.is_empty() {
            return Restored::ByBaseline {
                name: question.named.to_owned(),
                emulated: tried.emulated,
            };
        }
    }
    let tried = tried(&guest.before, guest, &base, moved, path);
    let emulated = tried.emulated;
    if !has_old(&guest.before, moved) {
        let words = "what it replaces is not what the old baseline says by itself";
        return Restored::Nothing(reason.unwrap_or_else(|| words.to_owned()));
    }
    match tried.refused.first() {
        // What this host refuses the new machine too, it refuses the old one no less.
        None if !tried.all.is_empty() => Restored::WithOthers(tried.all),
        None if question.named == question.baseline => Restored::ByBaseline {
            name: question.named.to_owned(),
            emulated,
        },
        None => Restored::ByAdopting { emulated },
        Some(refused) if tried.about > 0 => {
            Restored::Nothing(reason.unwrap_or_else(|| refused.reason.clone()))
        }
        Some(_) => Restored::WithOthers(tried.all),
    }
}

/// Whether a lock has what was moved as it was.
fn has_old(lock: &Lock, moved: &Moved) -> bool {
    let now = values(lock);
    let mut moved = moved.iter();
    moved.all(|(name, old)| now.get(name) == old.as_ref())
}

/// All the lines that bring back what has these names for a guest at once, planned on its host.
pub(super) fn together(
    after: &After,
    guest: &Guest<'_>,
    knobs: Vec<Knob>,
    names: &BTreeSet<String>,
) -> Together {
    let old = values(&guest.before);
    let moved = names
        .iter()
        .map(|name| (name.clone(), old.get(name).copied()));
    let moved: Moved = moved.collect();
    let lines: Vec<&Knob> = knobs.iter().collect();
    let refused = match (after.lock(guest), after.tried(guest, &lines)) {
        (Some(new), Ok(lock)) => {
            let base = plan(&new, guest.report);
            let tried = tried(&lock, guest, &base, &moved, "");
            let reasons = tried.refused.into_iter().map(|r| r.reason);
            // One line can undo what another one brings back.
            let now = values(&lock);
            let lost = moved
                .iter()
                .filter(|(name, old)| now.get(*name) != old.as_ref());
            let lost = lost.map(|(name, _)| {
                format!("{name} does not have its old value: one of these lines undoes another")
            });
            reasons.chain(lost).collect()
        }
        (_, Err(complaints)) => complaints.into_iter().map(|c| c.message).collect(),
        (None, Ok(_)) => vec!["all that changed together gives no lock".to_owned()],
    };
    Together {
        machine: guest.machine.clone(),
        knobs,
        refused,
    }
}

/// Lines that could bring back what a statement changes for a guest.
fn knobs(guest: &Guest<'_>, statement: &Statement) -> Vec<Knob> {
    let old = |name: &str| {
        let mut registers = guest.before.registers.iter();
        registers.find(|r| r.name == name).map(|r| r.value)
    };
    match &statement.subject {
        Subject::Field(path, _) => {
            let Some((register, field)) = field(path) else {
                return old(path)
                    .map(|value| Knob::Set(path.to_string(), value))
                    .into_iter()
                    .collect();
            };
            let Some(value) = old(&register.name).map(|value| field.get(value)) else {
                return Vec::new();
            };
            // Where nothing can be hidden, zero can still be written.
            let set = Knob::Set(path.to_string(), value);
            match value == field.none() {
                true => vec![Knob::Hide(path.to_string()), set],
                false => vec![set],
            }
        }
        Subject::Events { register, .. } => {
            let now = guest.deviates.iter().find_map(|s| match s {
                Subject::Events {
                    register: of, or, ..
                } if of == register => Some(*or),
                _ => None,
            });
            let gained = now.zip(old(register)).map_or(0, |(now, old)| now & !old);
            let events = denied(register, gained);
            match guest.machine.features.contains(&Feature::Pmu) && !events.is_empty() {
                true => vec![Knob::Deny(events)],
                false => Vec::new(),
            }
        }
        _ => {
            // Of files of somebody's own, only what was named is used.
            let parts = BASELINES.iter().filter(|baseline| {
                let said = &baseline.statements;
                let about = |s: &Statement| same_thing(&s.subject, &statement.subject);
                baseline.part.is_some() && said.iter().all(about) && !said.is_empty()
            });
            parts
                .map(|part| Knob::Part(part.name.to_string()))
                .collect()
        }
    }
}

/// Numbers of the common events of these bits (Arm ARM, PMCEID0_EL0 and PMCEID1_EL0).
fn denied(register: &str, bits: u64) -> Vec<u16> {
    let base = match register {
        "PMCEID1_EL0" => 0x20,
        _ => 0,
    };
    let number = |bit: u16| match bit {
        0..32 => base + bit,
        _ => 0x4000 + base + bit - 32,
    };
    let set = |bit: &u16| bits >> bit & 1 == 1;
    (0..64).filter(set).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::resolve::{Target, resolve};
    use crate::vm::{Cpu, VmSpec};

    /// Lines that do not bring back all that they should are not called kept.
    #[test]
    fn what_lines_undo_together_is_named() {
        const HOST: &str = include_str!("../../catalogue/hosts/neoverse-n1-7.3.json");
        let report = crate::report::parse(HOST).expect("it is a report");
        let catalogue = Catalogue::builtin();
        let question = super::super::Question {
            catalogue: &catalogue,
            baseline: "kvm-7.3",
            named: "kvm-7.3",
            source: "a test",
        };
        let host = super::super::Host {
            model: "neoverse-n1",
            report: &report,
            old: None,
        };
        let found = super::super::drift(question, &[host]);
        let found = found.unwrap_or_else(|unfit| panic!("{unfit:?}"));
        let guest = &found.guests[0];
        let after = Bench { question }.with(&[]);
        let set = |field: &str| Knob::Hide(field.to_owned());
        let knobs = || vec![set("ID_AA64ISAR0_EL1.DP"), set("ID_AA64ISAR0_EL1.RDM")];
        let all = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            together(&after, guest, knobs(), &names).refused
        };
        assert_eq!(all(&["ID_AA64ISAR1_EL1"]), [""; 0]);
        let lost = all(&["ID_AA64ISAR0_EL1", "ID_AA64ISAR1_EL1"]);
        assert_eq!(lost.len(), 1, "{lost:?}");
        assert!(lost[0].starts_with("ID_AA64ISAR0_EL1 does not"), "{lost:?}");
    }

    /// Whatever a lock gives a value is noticed where it moves.
    #[test]
    fn what_vcpus_begin_with_moves_too() {
        let cpu = Cpu::bare("neoverse-n1", 1, &[], &[]);
        let spec = VmSpec::bare("test", &["kvm-7.2"], cpu, 64 << 20);
        let resolved = resolve(&spec, &Catalogue::builtin(), &Target::NEWEST);
        let (lock, _) = resolved.expect("it gives a lock");
        assert!(moved(&lock, &lock).is_empty());
        let mut other = lock.clone();
        other.reset[0].value ^= 1;
        let (old, name) = (lock.reset[0].value, &lock.reset[0].name);
        let moved = moved(&lock, &other);
        assert_eq!(
            moved.get(&format!("{name} at entry")),
            Some(&Some((old, u64::MAX)))
        );
        assert!(has_old(&lock, &moved) && !has_old(&other, &moved));
        assert!(beside(&other, &moved, &values(&lock)).is_empty());
        assert_eq!(beside(&other, &Moved::new(), &values(&lock)).len(), 1);
    }
}
