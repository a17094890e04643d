//! What brings back what changed: a line of a description, tried on the host whose kernel changed it.

use super::search::same_thing;
use super::{After, Bench, Guest};
use crate::catalogue::{Statement, Subject, field};
use crate::lock::Lock;
use crate::plan::{Plan, Refusal, Way, plan};
use crate::vm::Feature;
use std::collections::BTreeMap;
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
    /// By this line.
    By {
        /// The line.
        knob: Knob,
        /// Whether the runner answers in the kernel's place; else the kernel takes what is written.
        emulated: bool,
    },
    /// By no line alone: a description that names the old baseline has them, and the host keeps its lock in this.
    ByBaseline,
    /// By nothing, with the reason.
    Nothing(String),
}

/// One value of a lock by name, as far as it is promised.
type Values = BTreeMap<String, (u64, u64)>;

/// What two locks promise differently: name, and the old value with the bits that are promised; `None` where the old
/// lock does not have it.
pub(super) fn moved(before: &Lock, after: &Lock) -> BTreeMap<String, Option<(u64, u64)>> {
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
    registers.chain(gic).chain(answers).collect()
}

/// The line by which a guest has what was `moved` as it was, tried in a description that names the new baseline.
pub(super) fn restored(
    bench: &Bench<'_>,
    after: &After,
    guest: &Guest<'_>,
    statement: &Statement,
    moved: &BTreeMap<String, Option<(u64, u64)>>,
) -> Restored {
    let is_about = |name: &str| {
        let register = name.split('.').next().unwrap_or(name);
        moved.contains_key(name) || moved.contains_key(register)
    };
    // Of a register that is refused in several fields, the one that it is about speaks first.
    let path = match &statement.subject {
        Subject::Field(path, _) => path.as_ref(),
        _ => "",
    };
    let refusal = |plan: Plan| {
        let mut about: Vec<Refusal> = plan.refusals;
        about.retain(|r| is_about(&r.name));
        about.sort_by_key(|r| r.name != path);
        about.into_iter().next().map(|refusal| refusal.reason)
    };
    let mut reason = None;
    for knob in knobs(bench, guest, statement) {
        let lock = match after.tried(guest, &[&knob]) {
            Ok(lock) => lock,
            Err(complaints) => {
                let words = complaints.into_iter().map(|c| c.message).next();
                reason = reason.or(words);
                continue;
            }
        };
        let now = values(&lock);
        if moved
            .iter()
            .any(|(name, old)| now.get(name) != old.as_ref())
        {
            continue;
        }
        let plan = plan(&lock, guest.report);
        let mut keeps = plan.keeps.iter().filter(|keep| is_about(&keep.name));
        let emulated = keeps.any(|keep| keep.way == Way::Emulate);
        match refusal(plan) {
            None => return Restored::By { knob, emulated },
            refused => reason = reason.or(refused),
        }
    }
    // The lock of the old baseline asks for the old values too, and the planner says whether they can be had.
    match refusal(plan(&guest.before, guest.report)) {
        None => Restored::ByBaseline,
        Some(refused) => Restored::Nothing(reason.unwrap_or(refused)),
    }
}

/// Lines that could bring back what a statement changes for a guest.
fn knobs(bench: &Bench<'_>, guest: &Guest<'_>, statement: &Statement) -> Vec<Knob> {
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
            let mut lines: Vec<Knob> = line_for(path, value).into_iter().collect();
            if !lines.contains(&set) {
                lines.push(set);
            }
            lines
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
            match guest.features.contains(&Feature::Pmu) && !events.is_empty() {
                true => vec![Knob::Deny(events)],
                false => Vec::new(),
            }
        }
        _ => {
            let names = bench.catalogue.baseline_names();
            let parts = names.filter_map(|name| bench.catalogue.baseline(name));
            let parts = parts.filter(|baseline| {
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

/// The line that would say the old value of a register's field, where no host was asked; `None` for what no field is.
pub fn line_for(path: &str, value: u64) -> Option<Knob> {
    let (_, field) = field(path)?;
    Some(match value == field.none() {
        true => Knob::Hide(path.to_owned()),
        false => Knob::Set(path.to_owned(), value),
    })
}
