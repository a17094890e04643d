//! Who decides what a host shows instead of the lock's value: the kernel, the CPU, the firmware, or the host kernel's
//! command line. A refusal names them, so that nobody looks for another CPU where a boot option is the matter.

use super::host::{Host, IDENTITY};
use crate::catalogue::{Kind, RegisterInfo, register_by_name};
use crate::lock::{Lock, LockedRegister};
use crate::reason;
use crate::smccc;

/// Who decides a value, and what can be done about it.
pub(super) struct Decider {
    /// A code of [`reason`].
    pub code: &'static str,
    /// The end of a sentence that begins with what a guest sees.
    pub who: String,
    /// What the user can do.
    pub help: String,
}

/// For each firmware workaround the option of the host kernel's command line that withholds it
/// (arch/arm64/kernel/proton-pack.c, 7.3); `mitigations=off` withholds all.
const OPTIONS: [(u64, &str); 3] = [
    (smccc::WORKAROUND_1_REGISTER, "nospectre_v2"),
    (smccc::WORKAROUND_2_REGISTER, "ssbd=force-off"),
    (smccc::WORKAROUND_3_REGISTER, "nospectre_bhb"),
];

/// Whether the host's CPU is the very one that the lock promises, by MIDR_EL1; `None` where that is not known.
pub(super) fn same_cpu(locked: Option<u64>, host: Option<u64>) -> Option<bool> {
    Some(locked? == host?)
}

/// The register that says which CPU it is.
const MIDR: &str = "MIDR_EL1";

/// The CPU that a lock promises.
pub(super) fn locked_cpu(lock: &Lock) -> Option<u64> {
    let entry = lock.registers.iter().find(|r| r.name == MIDR)?;
    Some(entry.value)
}

/// The CPU that a guest finds on a host, else the one that KVM tells of.
pub(super) fn host_cpu(host: &Host) -> Option<u64> {
    let listed = || host.view.register(register_by_name(MIDR)?.id)?.value;
    host.inside.seen_as(MIDR).value().or_else(listed)
}

impl Decider {
    /// The kernel, which shows another value or does not take the lock's.
    pub(super) fn kernel(code: &'static str, who: &str) -> Self {
        let help =
            "choose a host whose kernel shows or takes the value; `vmlock check` compares reports";
        Self {
            code,
            who: who.to_owned(),
            help: help.to_owned(),
        }
    }

    /// Who decides a value that the kernel was asked for and does not take.
    pub(super) fn unwritable(info: Option<&RegisterInfo>, identity: bool) -> Self {
        let identification = info.is_some_and(|i| i.kind == Kind::Identification);
        if !identification || identity {
            return Self::kernel(reason::NOT_WRITABLE, "the kernel does not take the value");
        }
        Self {
            code: reason::NOT_WRITABLE,
            who: "the CPU decides it: this kernel lets a VM have none of its own".into(),
            help: format!(
                "choose a host with that CPU, or one whose kernel lets a VM have another ({})",
                IDENTITY
            ),
        }
    }

    /// Who decides a value that no kernel can change, of which the host offers that.
    pub(super) fn fact(
        entry: &LockedRegister,
        info: Option<&RegisterInfo>,
        offered: u64,
        same_cpu: Option<bool>,
    ) -> Self {
        let of = |who: String, help: &str| Self {
            code: reason::SILICON_FACT,
            who,
            help: help.to_owned(),
        };
        match info.map(|i| i.kind) {
            Some(Kind::Firmware) => Self::workaround(entry, offered, same_cpu),
            Some(Kind::Timer) => of(
                format!(
                    "the host's firmware decides it: the counter runs at {offered} Hz here, and at {} Hz in the lock",
                    entry.value
                ),
                &format!(
                    "choose a host whose counter runs at {} Hz, whatever its CPU",
                    entry.value
                ),
            ),
            Some(Kind::Gic) => of(
                "the interrupt controller's CPU interface decides it".into(),
                "choose a host with the interrupt controller that the lock was made for",
            ),
            _ if same_cpu == Some(true) => of(
                "the firmware decides it: the CPU is the lock's".into(),
                "choose a host with the firmware that the lock was made for",
            ),
            _ => of(
                "silicon or firmware decides it".into(),
                "choose a host with the CPU that the lock was made for",
            ),
        }
    }

    /// Who decides the level of a firmware workaround, and what is answered about it.
    pub(super) fn workaround(entry: &LockedRegister, offered: u64, same_cpu: Option<bool>) -> Self {
        let option = OPTIONS.iter().find(|(id, _)| *id == entry.id);
        let option = option.map_or("nospectre_v2", |(_, option)| option);
        let kernel = format!(
            "the host kernel (its release; `mitigations=off` or `{option}` on its command line)"
        );
        let (who, help) = match same_cpu {
            Some(true) => (
                format!("{kernel} or its firmware decides it: the CPU is the lock's"),
                match offered < entry.value {
                    true => format!("boot the host without `mitigations=off` and `{option}`, with a kernel and firmware that have the workaround"),
                    false => "make the lock's CPU model again from the report of a host that is set up as this one: `vmlock cpu REPORT`".to_owned(),
                },
            ),
            _ => (
                format!("the CPU, its firmware and {kernel} decide it"),
                "choose a host with the lock's CPU, its firmware and its mitigations".to_owned(),
            ),
        };
        Self {
            code: reason::SILICON_FACT,
            who,
            help,
        }
    }
}
