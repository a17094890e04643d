//! What no statement of a baseline says: what would be refused or written all the same, features that came or went, and
//! what no lock promises; between a host with the old kernel and one with the new, where there are both.

use crate::adopt::shown;
use crate::catalogue::register_by_id;
use crate::lock::Lock;
use crate::plan::{Emulation, Keep, Refusal, Step, Way, plan_with};
use crate::report::{HostReport, View};
use crate::vm::Feature;
use std::collections::BTreeMap;

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
    /// A lock of the old baseline has it written on this host.
    Written,
    /// Nothing, with the reason.
    Refused(String),
    /// It is a feature that guests have where their description asks for it, and not otherwise.
    Asked,
    /// No lock promises or forbids it.
    Unpromised,
    /// The host shows what the baseline says, which the one with the old kernel did not: nothing was tried.
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
}

/// By name; of several under one name, each has its number.
pub(super) type AllLeft = BTreeMap<(String, usize), Left>;

/// What of a lock this host would refuse or have written, and what a guest finds there that no lock promises.
pub(super) fn left(lock: &Lock, view: &View, report: &HostReport) -> AllLeft {
    let plan = plan_with(lock, report, Emulation::Forbidden);
    let refused = plan.refusals.into_iter().map(|refusal| {
        let left = Left {
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
                    wanted,
                    offered,
                    remedy: Remedy::Written,
                }
            }
            (None, Way::Unpromised) => Left {
                wanted: "nothing there".to_owned(),
                offered: keep.words,
                remedy: Remedy::Unpromised,
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

/// What a step writes, and what is there by default; `None` for what only comes with another step.
fn written(keep: &Keep, step: &Step, view: &View, report: &HostReport) -> Option<(String, String)> {
    let lengths = |list: &[u32]| {
        let texts: Vec<String> = list.iter().map(u32::to_string).collect();
        texts.join(", ")
    };
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
        Step::VectorLengths(wanted) => (lengths(wanted), lengths(&report.vector_lengths)),
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

/// What changed from one to the other; without an old host, from what the lock says.
pub(super) fn changed(old: Option<&AllLeft>, new: &AllLeft) -> Vec<Unsaid> {
    let mut out = Vec::new();
    for (key, now) in new {
        let before = match old {
            None if now.remedy == Remedy::Unpromised => continue,
            None => &now.wanted,
            Some(old) => match old.get(key) {
                None => &now.wanted,
                // The same as ever, unless less can be done about it.
                Some(then)
                    if then.offered == now.offered && then.remedy.rank() >= now.remedy.rank() =>
                {
                    continue;
                }
                Some(then) => &then.offered,
            },
        };
        out.push(Unsaid {
            name: key.0.clone(),
            before: before.clone(),
            after: now.offered.clone(),
            remedy: now.remedy.clone(),
        });
    }
    for (key, then) in old.into_iter().flatten() {
        if !new.contains_key(key) {
            out.push(Unsaid {
                name: key.0.clone(),
                before: then.offered.clone(),
                after: then.wanted.clone(),
                remedy: Remedy::Untried,
            });
        }
    }
    out
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

/// Whether two guests see the same in everything that was looked at.
pub(super) fn alike(a: &View, b: &View) -> bool {
    let values = |view: &View| -> Vec<(u64, Option<u64>)> {
        view.registers.iter().map(|r| (r.id, r.value)).collect()
    };
    a.guest == b.guest && values(a) == values(b)
}
