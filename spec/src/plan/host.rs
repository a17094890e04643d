//! What is asked of a host while it is planned on. Each entry of a lock is decided by what the host shows of it alone, and by
//! a few facts that bear on many: so what was decided once holds wherever the same is shown.

use super::Emulation;
use super::inside::Inside;
use crate::lock::LockedRegister;
use crate::report::{HostReport, Reading, ReportedRegister, View};

/// The capability that makes MIDR_EL1, REVIDR_EL1 and AIDR_EL1 writable.
pub const IDENTITY: &str = "KVM_CAP_ARM_WRITABLE_IMP_ID_REGS";

/// The host that a lock is to be kept on.
#[derive(Clone, Copy)]
pub(super) struct Host<'a> {
    pub view: &'a View,
    pub inside: &'a Inside<'a>,
    pub knobs: Knobs<'a>,
}

/// What bears on more than one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Knobs<'a> {
    pub filter: Filter,
    /// PSCI versions that were accepted and stuck.
    pub psci: &'a [String],
    /// Whether PMU events can be hidden.
    pub event_filter: bool,
    /// Whether a VM can have an identity of its own ([`IDENTITY`]).
    pub identity: bool,
    /// As [`View::rehearsed`].
    pub rehearsed: bool,
}

/// What a host shows of one register.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shown<'a> {
    /// Where KVM lists it.
    pub listed: Option<&'a ReportedRegister>,
    /// What the vCPUs of the probe's guest read.
    pub seen: Reading,
    pub knobs: Knobs<'a>,
}

impl<'a> Knobs<'a> {
    pub(super) fn of(report: &'a HostReport, view: &View, emulation: Emulation) -> Self {
        Self {
            filter: Filter::of(report, emulation),
            psci: &report.psci,
            event_filter: report.event_filter,
            identity: report.capabilities.get(IDENTITY).is_some_and(|c| *c > 0),
            rehearsed: view.rehearsed,
        }
    }
}

impl<'a> Host<'a> {
    /// What it shows of a register of a lock.
    pub(super) fn shows(&self, entry: &LockedRegister) -> Shown<'a> {
        Shown {
            listed: self.view.register(entry.id),
            seen: match entry.guest_readable() {
                true => self.inside.seen_of(entry),
                false => Reading::Unseen,
            },
            knobs: self.knobs,
        }
    }
}

/// Whether firmware calls can be taken out of the kernel's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Filter {
    Usable,
    /// Usable, and every call that the runner can answer is taken.
    Preferred,
    Forbidden,
    Missing,
}

impl Filter {
    pub(super) fn of(report: &HostReport, emulation: Emulation) -> Self {
        match (report.smccc_filter, emulation) {
            (false, _) => Filter::Missing,
            (true, Emulation::Forbidden) => Filter::Forbidden,
            (true, Emulation::Allowed | Emulation::Preferred) => Filter::Usable,
            (true, Emulation::PreferredCalls) => Filter::Preferred,
        }
    }

    /// What the user can do about a call that the kernel does not answer as promised.
    pub(super) fn help(self) -> Option<String> {
        let words = match self {
            Filter::Usable | Filter::Preferred => return None,
            Filter::Forbidden => "or let the runner answer the call: leave `--native` out",
            Filter::Missing => {
                "or one with Linux 6.4 or later, where the runner can answer the call itself (the SMCCC filter)"
            }
        };
        Some(words.to_owned())
    }
}
