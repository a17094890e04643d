//! What is asked of a host while it is planned on: its report, whether the runner can answer firmware calls there, and
//! whose CPU it has.

use super::Emulation;
use crate::report::{HostReport, View};

/// The capability that makes MIDR_EL1, REVIDR_EL1 and AIDR_EL1 writable.
pub const IDENTITY: &str = "KVM_CAP_ARM_WRITABLE_IMP_ID_REGS";

/// The host that a register is to be kept on.
#[derive(Clone, Copy)]
pub(super) struct Host<'a> {
    pub report: &'a HostReport,
    pub view: &'a View,
    pub filter: Filter,
    /// Whether its CPU is the lock's, where that is known.
    pub same_cpu: Option<bool>,
}

/// Whether firmware calls can be taken out of the kernel's hands.
#[derive(Clone, Copy, PartialEq, Eq)]
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
