//! Lock × host report × virtual machine monitor → what that VMM can be told of the lock, and what becomes of each entry
//! in its guests.
//!
//! Nothing is decided here that [`plan`](crate::plan) decides. A VMM is data of the catalogue: which registers it
//! writes, which vCPU features it gives, what it overwrites. Through it a host shows less than to our own runner: the
//! report is cut down to that ([`through`]), the lock is planned on what is left, and the refusals are what this VMM
//! cannot do. What is kept without anybody holding it is told apart from what is written: on the next host it may differ.

mod arguments;
mod calls;
mod domain;
mod judge;
mod template;
mod through;

use crate::catalogue::vmm::{Form, Vmm};
use crate::catalogue::{RegisterInfo, register_by_name};
use crate::lock::Lock;
use crate::observation::scope::{NotJudged, Scope};
use crate::observation::{Promise, key_named, promises};
use crate::plan::{self, Emulation, Refusal, plan_with};
use crate::report::HostReport;
use crate::vm::Feature;
use judge::Judge;
use serde::Serialize;
use through::Told;

/// What becomes of an entry under a VMM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// The VMM holds it: another host shows the same, or the guest is not started.
    Kept,
    /// This host shows it, and nobody holds it.
    Chance,
    /// The VMM shows something of its own there.
    Overwritten,
    /// The VMM gives guests a feature that the lock does not have, and this follows.
    Forced,
    /// It differs, or nobody knows what it is, and this VMM has no knob for it.
    Cannot,
}

impl Fate {
    /// All of them, the best first.
    pub const ALL: [Fate; 5] = [
        Fate::Kept,
        Fate::Chance,
        Fate::Overwritten,
        Fate::Forced,
        Fate::Cannot,
    ];

    /// As it is written on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Fate::Kept => "kept",
            Fate::Chance => "chance",
            Fate::Overwritten => "overwritten",
            Fate::Forced => "forced",
            Fate::Cannot => "cannot",
        }
    }

    /// What it means, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Fate::Kept => "the VMM holds it",
            Fate::Chance => "this host shows it, and nobody holds it",
            Fate::Overwritten => "the VMM shows something of its own",
            Fate::Forced => "follows from a feature that the VMM gives every guest",
            Fate::Cannot => "differs or is not known, and the VMM has no knob for it",
        }
    }
}

/// The parts of a lock that can be held against a guest of somebody's VMM: its memory, its devices and the state in which
/// it begins are the VMM's own.
pub const SCOPES: [Scope; 3] = [Scope::Cpu, Scope::Firmware, Scope::Gic];

/// What becomes of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The entry's name.
    pub name: String,
    /// Of which part of the machine it is; `None` for what is of none of them alone, and is never left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What becomes of it.
    pub fate: Fate,
    /// Why; empty where the fate says it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// Whether it is a promise of the lock, which a witness sees by itself. A vCPU feature shows in registers, a firmware
    /// register of KVM's in calls.
    pub seen: bool,
}

/// What a VMM can be told of a lock on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// What becomes of every entry, by scope and name.
    pub entries: Vec<Entry>,
    /// Promises of the parts that are the VMM's own.
    pub not_looked_at: NotJudged,
    /// What a guest can find on this host, and no lock can promise or forbid; of all parts, whichever are judged.
    pub unpromised: Vec<String>,
    /// What the VMM is told, in its own form; `None` where nothing of the lock could be planned there.
    pub text: Option<String>,
}

/// Exports a lock to one of the versions of a VMM that the catalogue knows, for a host, with these parts of it judged.
pub fn export(
    lock: &Lock,
    report: &HostReport,
    vmm: &Vmm,
    version: &str,
    scopes: &[Scope],
) -> Export {
    let told = Told { vmm, version };
    let all = promises(lock);
    let mut features = lock.features.clone();
    features.sort();
    let seen = match through::guests(lock, report, told) {
        Ok(seen) => seen,
        Err(refusal) => return none(vec![*refusal], all.len()),
    };
    if seen.view(&features).is_none() {
        // Nothing of it can be planned.
        let refusals = plan_with(lock, report, Emulation::Forbidden).refusals;
        return none(refusals, all.len());
    }
    if let Err(refusal) = arguments::memory(lock) {
        return none(vec![*refusal], all.len());
    }
    let judged = |promise: &&Promise| scopes.contains(&Scope::of(promise.key));
    let not_looked_at = NotJudged {
        promises: all.iter().filter(|promise| !judged(promise)).count(),
        facts: 0,
    };
    let judge = Judge::new(lock, report, &seen, told, all.iter().filter(judged));
    let mut entries = judge.entries();
    entries.retain(|entry| entry.scope.is_none_or(|scope| scopes.contains(&scope)));
    let text = match vmm.form {
        Form::Template => template::text(&judge),
        Form::Arguments => arguments::text(&judge),
        Form::Domain => domain::text(&judge),
    };
    Export {
        entries,
        not_looked_at,
        unpromised: judge.unpromised(),
        text: Some(text),
    }
}

/// An export of which nothing could be planned: none of so many promises was looked at.
fn none(refusals: Vec<Refusal>, promises: usize) -> Export {
    let entry = |refusal: Refusal| Entry {
        scope: scope_of(&refusal.name),
        name: refusal.name,
        fate: Fate::Cannot,
        words: refusal.reason,
        seen: false,
    };
    Export {
        entries: refusals.into_iter().map(entry).collect(),
        not_looked_at: NotJudged { promises, facts: 0 },
        unpromised: Vec::new(),
        text: None,
    }
}

/// Of which part of the machine an entry is that a plan names; `None` where that is not known, or all parts hang on it.
fn scope_of(name: &str) -> Option<Scope> {
    /// What a plan calls a register that has no name (`KVM_REG_ARM_COPROC_MASK`): firmware's, and its bitmaps.
    const OF_FIRMWARE: [&str; 2] = ["KVM register class 0x14 ", "KVM register class 0x16 "];
    let begins = |beginning: &&str| name.starts_with(*beginning);
    if name == Feature::StealTime.name() || OF_FIRMWARE.iter().any(begins) {
        return Some(Scope::Firmware);
    }
    if name == "GICv3" {
        return Some(Scope::Gic);
    }
    if name == plan::LENGTHS || Feature::ALL.iter().any(|feature| feature.name() == name) {
        return Some(Scope::Cpu);
    }
    if name == plan::ENTRY {
        return Some(Scope::Entry);
    }
    // How far the memory can reach is of the host, whichever machine is made there.
    if name == "address bits" {
        return None;
    }
    let register = name.rsplit_once('.').map(|(register, _)| register);
    let named = |of: fn(&str) -> Option<Scope>| of(name).or(register.and_then(of));
    named(|name| key_named(name).map(Scope::of))
        .or_else(|| named(|name| register_by_name(name).map(of_register)))
}

/// A register that a guest does not read by its own name.
fn of_register(info: &RegisterInfo) -> Scope {
    match info.id >> 16 & 0xfff {
        // KVM_REG_ARM_FW and KVM_REG_ARM_FW_FEAT_BMAP.
        0x14 | 0x16 => Scope::Firmware,
        _ => Scope::Cpu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plan_names_is_of_the_part_that_shows_it_and_never_guessed() {
        for (name, scope) in [
            ("KVM_REG_ARM_PSCI_VERSION.Minor", Some(Scope::Firmware)),
            ("KVM_REG_ARM_PSCI_VERSION", Some(Scope::Firmware)),
            ("KVM register class 0x14 number 0x9", Some(Scope::Firmware)),
            ("KVM register class 0x16 number 0x9", Some(Scope::Firmware)),
            ("KVM register class 0x18 number 0x9", None),
            ("steal-time", Some(Scope::Firmware)),
            ("PSCI_VERSION()", Some(Scope::Firmware)),
            ("SVE vector lengths", Some(Scope::Cpu)),
            ("pmu", Some(Scope::Cpu)),
            ("ID_AA64PFR0_EL1.SVE", Some(Scope::Cpu)),
            ("S3_0_C0_C7_7", Some(Scope::Cpu)),
            ("GICv3", Some(Scope::Gic)),
            ("GICD_IIDR.Revision", Some(Scope::Gic)),
            ("GICD_IGROUPR1.writable", Some(Scope::Gic)),
            ("X1 at entry", Some(Scope::Entry)),
            (plan::ENTRY, Some(Scope::Entry)),
            ("address bits", None),
            ("vCPUs", None),
            ("features", None),
            ("memory", None),
            ("what a guest sees", None),
        ] {
            assert_eq!(scope_of(name), scope, "{name}");
        }
    }
}
