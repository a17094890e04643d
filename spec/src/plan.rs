//! Lock × host report → for each entry how it will be kept, or why it cannot.
//!
//! A pure function, and the only place where that is decided: `vmlock check`
//! and the runner both call [`plan`], or [`plan_with`] where the runner must, or
//! must not, answer in the kernel's place. Each part of the machine is decided
//! in a file of its own below; here is what a plan is, and the order of things.

mod decider;
pub mod devices;
mod disagreement;
mod features;
mod firmware;
mod fleet;
mod ground;
mod host;
mod imported;
mod inside;
mod interrupts;
mod owed;
mod phase;
mod presumed;
mod registers;
mod reset;
mod room;
mod settled;
pub(crate) mod unlocked;
mod workarounds;

pub(crate) use features::LENGTHS;
pub use features::not_offered;
pub use firmware::default_services;
pub(crate) use firmware::{tells_service, tells_smc};
pub use fleet::Fleet;
pub use ground::Ground;
pub use host::IDENTITY;
pub use imported::Untold;
pub use owed::{Frame, Owed, frames};
pub use phase::Phase;
pub use presumed::presumed;
pub use reset::{ALL as ENTRY, Beginning, beginning};
pub(crate) use settled::{BY_SMC, SMC};

use crate::lock::{Lock, LockedRegister};
use crate::reason;
use crate::report::{HostReport, View};
use host::{Host, Knobs, Shown};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How an entry is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The host shows it already.
    Same,
    /// It is written, then read back.
    Set,
    /// The runner answers in the kernel's place.
    Emulate,
    /// The guest finds nothing there.
    Absent,
    /// No kernel can change it, and it is equal.
    Fact,
    /// It is waived in the spec.
    Vary,
    /// A guest can find it here, and no lock can promise or forbid it.
    Unpromised,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Same,
        Self::Set,
        Self::Emulate,
        Self::Absent,
        Self::Fact,
        Self::Vary,
        Self::Unpromised,
    ];

    /// As reports and JSON have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Set => "set",
            Self::Emulate => "emulate",
            Self::Absent => "absent",
            Self::Fact => "fact",
            Self::Vary => "vary",
            Self::Unpromised => "unpromised",
        }
    }
}

/// What has to be done for an entry; [`Step::phase`] says when.
///
/// Whoever carries steps out matches all of them: one that falls into a last arm is a promise that nobody keeps. So a new
/// kind of step is a new version of this crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Let the VM have an identity of its own, before it has vCPUs
    /// (`KVM_CAP_ARM_WRITABLE_IMP_ID_REGS`, 6.15 and later): without it,
    /// MIDR_EL1, REVIDR_EL1 and AIDR_EL1 cannot be written.
    Identity,
    /// Write a register with `KVM_SET_ONE_REG`.
    Register {
        /// KVM register id.
        id: u64,
        /// The whole value to write.
        value: u64,
    },
    /// Write a register of run-time state, before a vCPU begins and whenever the runner starts one for CPU_ON.
    Reset {
        /// KVM register id.
        id: u64,
        /// The whole value to write.
        value: u64,
    },
    /// Give every vCPU exactly these SVE vector lengths, in bits (`KVM_REG_ARM64_SVE_VLS`).
    VectorLengths(Vec<u32>),
    /// Give each vCPU, in order, its stolen-time structure at this guest-physical address
    /// (`KVM_ARM_VCPU_PVTIME_IPA`).
    StolenTime(Vec<u64>),
    /// Write GICD_IIDR with this revision.
    IidrRevision(u8),
    /// Hide PMU events from the guest (`KVM_ARM_VCPU_PMU_V3_FILTER`).
    DenyEvents(Vec<u16>),
    /// Hide the in-kernel distributor and redistributors and answer for them.
    Distributor,
    /// Leave a firmware register as the kernel has it: the runner answers the
    /// calls that it decides. Reading it back gives the kernel's value, not the promised one.
    Leave {
        /// KVM register id.
        id: u64,
        /// The kernel's value.
        value: u64,
    },
    /// Let the runner answer this firmware function (`KVM_SMCCC_FILTER_FWD_TO_USER`).
    Forward(u32),
    /// Let the runner answer every function of these ranges, both ends included (`KVM_SMCCC_FILTER_FWD_TO_USER`).
    ForwardRanges(Vec<(u32, u32)>),
    /// Let the kernel answer NOT_SUPPORTED to this firmware function (`KVM_SMCCC_FILTER_DENY`).
    Deny(u32),
}

/// Whether the runner may answer in the kernel's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emulation {
    /// Where the kernel cannot.
    #[default]
    Allowed,
    /// Nowhere: what the kernel cannot keep is refused.
    Forbidden,
    /// For the interrupt controller in any case; tests compare the two ways so.
    Preferred,
    /// For firmware calls in any case, where the kernel lets go of them.
    PreferredCalls,
}

/// One entry that can be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Keep {
    /// The entry's name.
    pub name: String,
    /// How it is kept.
    pub way: Way,
    /// What has to be done for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Why this way, in words; empty where there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// One entry that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// Its code; `vmlock explain CODE` explains it.
    pub code: &'static str,
    /// The entry's name, with the field where one differs.
    pub name: String,
    /// What the lock promises.
    pub wanted: String,
    /// What the host offers instead.
    pub offered: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Which baseline, CPU model or place in the spec asked for it.
    pub from: String,
    /// What the user can do.
    pub help: Vec<String>,
}

/// The plan of one lock on one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Plan {
    /// Entries that can be kept.
    pub keeps: Vec<Keep>,
    /// Entries that cannot; the guest is not started unless there are none.
    pub refusals: Vec<Refusal>,
    /// Entries of which nobody knows whether they can be kept, since the report was imported
    /// ([`crate::report::Imported`]). Then nothing is in `keeps`, and one refusal at least says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Untold>,
    /// Ids of registers of which `KVM_GET_ONE_REG` says something else than a
    /// guest reads (CTR_EL0 up to 6.2, and on CPUs with FEAT_EVT): what was read
    /// from inside counts, and reading them back from outside would prove nothing.
    pub only_inside: BTreeSet<u64>,
    /// Ids of registers of the lock that the host's kernel lists: what they hold
    /// is read back, so they have to be there still when the guest is started.
    pub read_back: BTreeSet<u64>,
}

/// What of a plan has to be carried out, and what has to be known of it to read the machine back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Orders {
    /// The steps, in the order in which they are carried out: by [`Step::phase`], and in each phase as the entries are.
    pub steps: Vec<Step>,
    /// As [`Plan::only_inside`].
    pub only_inside: BTreeSet<u64>,
    /// As [`Plan::read_back`].
    pub read_back: BTreeSet<u64>,
}

impl Plan {
    /// What has to be done for it.
    pub fn orders(&self) -> Orders {
        let mut steps: Vec<Step> = self.steps().cloned().collect();
        steps.sort_by_key(Step::phase);
        Orders {
            steps,
            only_inside: self.only_inside.clone(),
            read_back: self.read_back.clone(),
        }
    }
    fn keep(&mut self, name: &str, way: Way, step: Option<Step>, words: &str) {
        self.keeps.push(Keep::by(name, way, step, words));
    }
    /// Whether nothing is known to be wrong with the host, and nothing to be right: the report was imported.
    pub fn is_unknown(&self) -> bool {
        let is_open = |refusal: &Refusal| refusal.code == reason::IMPORTED;
        !self.refusals.is_empty() && self.refusals.iter().all(is_open)
    }
    /// The steps, in the order of the entries.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.keeps.iter().filter_map(|k| k.step.as_ref())
    }
}

/// Plans how this host's kernel keeps that lock.
pub fn plan(lock: &Lock, report: &HostReport) -> Plan {
    plan_with(lock, report, Emulation::default())
}

/// As [`plan`], with a say in what the runner answers itself.
pub fn plan_with(lock: &Lock, report: &HostReport, emulation: Emulation) -> Plan {
    plan_on(lock, &Ground::of(report), emulation)
}

/// As [`plan_with`], on a host on which more than one lock is planned.
///
/// Whatever can refuse here has its place in [`Fleet::refused`], too; what adds to [`Plan::keeps`] alone has none there.
pub fn plan_on(lock: &Lock, ground: &Ground, emulation: Emulation) -> Plan {
    let report = ground.report;
    let mut plan = Plan::default();
    // Before all else, so that none is kept by a report which says that it was imported and tells of trials too.
    if let Some(imported) = &report.imported {
        plan.refusals = imported::refusals(lock, imported);
        plan.unknown = imported::unknown(lock, imported);
        return plan;
    }
    room::room(lock, report, &mut plan);
    let Some(gic) = &report.gic else {
        plan.refusals.push(interrupts::no_gicv3(report));
        return plan;
    };
    let mut features = lock.features.clone();
    features.sort();
    let view = report.view(&features);
    let Some((view, inside)) = view.and_then(|view| Some((view, ground.inside(view)?))) else {
        plan.refusals.extend(not_offered(&features, report));
        return plan;
    };
    features::vector_lengths(lock, report, &mut plan);
    plan.keeps.extend(features::stolen_time(lock));
    let (locked, host_ssbs) = (workarounds::locked_ssbs(lock), workarounds::host_ssbs(view));
    let level_moves = workarounds::moves_workaround_2(locked, host_ssbs);
    let host = Host {
        view,
        inside,
        knobs: Knobs::of(report, view, emulation),
    };
    let same_cpu = decider::same_cpu(decider::locked_cpu(lock), decider::host_cpu(&host));
    for entry in &lock.registers {
        match level_moves && workarounds::is_level(entry) {
            true => workarounds::unforeseen_level(entry, &mut plan),
            false => registers::register(entry, &host.shows(entry), same_cpu, &mut plan),
        }
    }
    if plan.steps().any(registers::writes_identity) {
        plan.keep(
            IDENTITY,
            Way::Set,
            Some(Step::Identity),
            "so that the VM can have a MIDR_EL1 of its own",
        );
    }
    unlocked::unlocked(lock, view, &mut plan);
    reset::reset(lock, host, &mut plan);
    plan.keeps.extend(features::hidden_and_there(lock, view));
    let seen = interrupts::seen(&lock.gic.registers, inside);
    let room = interrupts::hides(lock);
    interrupts::gic(&lock.gic.registers, &seen, gic, room, emulation, &mut plan);
    let asked = firmware::Asked::of(lock);
    let answering = firmware::Answering::of(host, asked.answers);
    let left = firmware::Left::of(&plan);
    firmware::answers(&asked, &answering, left, same_cpu, &mut plan);
    settled::settled(lock, host, &mut plan);
    plan
}

impl Keep {
    fn by(name: &str, way: Way, step: Option<Step>, words: &str) -> Self {
        Self {
            name: name.to_owned(),
            way,
            step,
            words: words.to_owned(),
        }
    }
}

impl Refusal {
    /// What is offered where the report of a host does not tell.
    pub const UNTOLD: &str = "nothing that the report tells";

    /// What to do about that.
    pub const AGAIN: &str = "make the report again with `vmlock-run probe`";

    /// Of what the report of a host does not tell.
    fn untold(name: &str, reason: &str) -> Self {
        Self {
            code: reason::NO_KNOB,
            name: name.to_owned(),
            wanted: "what the lock says".to_owned(),
            offered: Self::UNTOLD.to_owned(),
            reason: reason.to_owned(),
            from: "the rule that unknown means no".to_owned(),
            help: vec![Self::AGAIN.to_owned()],
        }
    }
}

/// Whether this host keeps one register, as [`plan`] would.
pub fn keeps(entry: &LockedRegister, view: &View, report: &HostReport) -> bool {
    let mut plan = Plan::default();
    let shown = Shown {
        listed: view.register(entry.id),
        seen: view.seen(&entry.name),
        knobs: Knobs::of(report, view, Emulation::default()),
    };
    registers::register(entry, &shown, None, &mut plan);
    plan.refusals.is_empty()
}
