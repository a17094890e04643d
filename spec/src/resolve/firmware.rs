//! Firmware: KVM's pseudo-registers for it, and who decides what its calls answer.

use super::{Complaints, Context};
use crate::catalogue::{Kind, REGISTERS, Subject};
use crate::lock::{Binding, LockedRegister};
use crate::observation::wire;
use crate::smccc::{self, Services};
use crate::vm::Feature;

/// KVM's firmware pseudo-registers.
pub(super) fn firmware(
    context: &Context,
    locked: &mut Vec<LockedRegister>,
    complaints: &mut Complaints,
) {
    for info in REGISTERS.iter().filter(|r| r.kind == Kind::Firmware) {
        let cpu = format!("cpu/{}", context.cpu.name);
        let (value, rule, from) = if info.id == smccc::PSCI_VERSION_REGISTER {
            let psci = context.last(|s| match s {
                Subject::Psci(version) => Some(*version),
                _ => None,
            });
            let (version, from) = psci.unwrap_or_default();
            (version.into(), Binding::Exact, from)
        } else if let Some(level) = context.fact(&info.name) {
            (level, Binding::Fact, cpu)
        } else if info.id < smccc::STD_BMAP_REGISTER {
            complaints.error(
                "spec::incomplete-cpu",
                "/cpu/model",
                format!(
                    "CPU model `{}` does not say its {}",
                    context.cpu.name, info.name
                ),
                Some(format!(
                    "add `fact \"{}\" LEVEL source=\"…\"` to it",
                    info.name
                )),
            );
            continue;
        } else {
            let bitmap = context.last(|s| match s {
                Subject::Bitmap(register, bits) if *register == info.name => Some(*bits),
                _ => None,
            });
            match bitmap {
                Some((Some(bits), from)) => (bits, Binding::Exact, from),
                Some((None, from)) => (0, Binding::Absent, from),
                None => (0, Binding::Absent, "abi".to_owned()),
            }
        };
        locked.push(LockedRegister {
            id: info.id,
            name: info.name.to_string(),
            value,
            rule,
            from,
            mask: info.promised(),
            vary: Vec::new(),
        });
    }
}

/// What decides the answers of firmware calls, out of the finished registers;
/// who decided the PSCI version, and who the SMC conduit.
pub(super) fn services(context: &Context, locked: &[LockedRegister]) -> (Services, String, String) {
    let smc = context.last(|s| match s {
        Subject::Smc(conduit) => Some(*conduit),
        _ => None,
    });
    let (smc, smc_from) = smc.unwrap_or((false, "abi".to_owned()));
    let services = Services {
        smc,
        stolen_time: context.spec.cpu.features.contains(&Feature::StealTime),
        ..Services::of_registers(locked)
    };
    let psci = locked.iter().find(|r| r.id == smccc::PSCI_VERSION_REGISTER);
    let psci_from = psci.map_or_else(|| format!("cpu/{}", context.cpu.name), |r| r.from.clone());
    (services, psci_from, smc_from)
}

/// The firmware workarounds: KVM's register, and the function that is asked for.
const WORKAROUNDS: [(u64, u32); 3] = [
    (smccc::WORKAROUND_1_REGISTER, 0x8000_8000),
    (smccc::WORKAROUND_2_REGISTER, 0x8000_7fff),
    (smccc::WORKAROUND_3_REGISTER, 0x8000_3fff),
];

/// Answers that are not promised because the level that decides them is waived.
pub(crate) fn waived_answers(locked: &[LockedRegister]) -> Vec<u64> {
    let waived = |id: &u64| {
        let mut entries = locked.iter().filter(|r| r.id == *id);
        entries.any(|r| r.vary.iter().any(|w| w.field == "Level"))
    };
    let waived = WORKAROUNDS.iter().filter(|(id, _)| waived(id));
    waived
        .map(|(_, function)| wire::key(wire::Kind::ArchFeatures, u64::from(*function)))
        .collect()
}

/// Who decides an answer: the CPU model for the workarounds, else the baselines.
pub(super) fn answer_from(key: u64, psci_from: &str, smc_from: &str, cpu: &str) -> String {
    let asked = wire::id_of(key);
    if wire::kind_of(key) == Some(wire::Kind::ArchFeatures)
        && WORKAROUNDS.iter().any(|(_, f)| u64::from(*f) == asked)
    {
        return format!("cpu/{cpu}");
    }
    if wire::kind_of(key) == Some(wire::Kind::Smc) {
        return smc_from.to_owned();
    }
    psci_from.to_owned()
}
