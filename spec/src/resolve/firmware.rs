//! Firmware: KVM's pseudo-registers for it, and who decides what its calls answer.

use super::registers::incomplete;
use super::{Complaints, Context};
use crate::catalogue::{Kind, REGISTERS, Subject, register_by_name};
use crate::lock::{Binding, LockedRegister, v1};
use crate::observation::wire;
use crate::smccc::{self, Services};
use crate::vm::Feature;
use std::collections::BTreeMap;

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
        } else if context.fact(&info.name).is_some()
            && let Some(level) = context.known(&info.name, u64::MAX)
        {
            (level, Binding::Fact, cpu)
        } else if info.id < smccc::STD_BMAP_REGISTER {
            incomplete(context, info, complaints);
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

/// What decides the answers of firmware calls, out of the finished registers.
pub(super) fn services(context: &Context, locked: &[LockedRegister]) -> Services {
    let smc = context.last(|s| match s {
        Subject::Smc(conduit) => Some(*conduit),
        _ => None,
    });
    Services {
        smc: smc.is_some_and(|(conduit, _)| conduit),
        stolen_time: context.spec.cpu.features.contains(&Feature::StealTime),
        ..Services::of_registers(locked)
    }
}

/// Answers that are not promised because the level that decides them is waived.
pub(crate) fn waived_answers(locked: &[LockedRegister]) -> Vec<u64> {
    let waived = |id: &u64| {
        let mut entries = locked.iter().filter(|r| r.id == *id);
        entries.any(|r| r.vary.iter().any(|w| w.field == "Level"))
    };
    let waived = smccc::WORKAROUNDS.iter().filter(|(id, _)| waived(id));
    waived
        .map(|(_, function)| wire::key(wire::Kind::ArchFeatures, u64::from(*function)))
        .collect()
}

/// Who decided each answer: the CPU model those of the workarounds, else the statement with which it became what it is.
pub(super) fn deciders(
    context: &Context,
    locked: &[LockedRegister],
    services: &Services,
) -> impl Fn(u64) -> String + use<> {
    let cpu = format!("cpu/{}", context.cpu.name);
    let from = |id: u64| locked.iter().find(|r| r.id == id).map(|r| r.from.clone());
    let psci = from(smccc::PSCI_VERSION_REGISTER).unwrap_or_else(|| cpu.clone());
    let smc = context.last(|s| match s {
        Subject::Smc(conduit) => Some(*conduit),
        _ => None,
    });
    let smc = smc.map_or_else(|| "abi".to_owned(), |(_, from)| from);
    let version = context.version;
    let decided = match version {
        v1::VERSION => BTreeMap::new(),
        _ => context.deciders(history(context, services)),
    };
    move |key| {
        let asked = wire::id_of(key);
        let workaround = smccc::WORKAROUNDS
            .iter()
            .any(|(_, f)| u64::from(*f) == asked);
        match wire::kind_of(key) {
            Some(wire::Kind::ArchFeatures) if workaround => cpu.clone(),
            // Version 1 told these two alone.
            Some(wire::Kind::Smc) if version == v1::VERSION => smc.clone(),
            _ => decided.get(&key).unwrap_or(&psci).clone(),
        }
    }
}

/// The answers after each statement that decides some, oldest first.
fn history(
    context: &Context,
    services: &Services,
) -> impl Iterator<Item = (String, Vec<smccc::KeyedAnswer>)> {
    let mut now = Services {
        psci: 0,
        std: 0,
        std_hyp: 0,
        vendor_hyp: 0,
        vendor_hyp_2: 0,
        smc: false,
        stolen_time: false,
        ..*services
    };
    let mut out = Vec::new();
    for (_, statement, from) in &context.statements {
        match &statement.subject {
            Subject::Psci(version) => now.psci = *version,
            Subject::Smc(conduit) => now.smc = *conduit,
            Subject::Bitmap(register, bits) => {
                let bits = bits.unwrap_or(0);
                match register_by_name(register).map(|r| r.id) {
                    Some(smccc::STD_BMAP_REGISTER) => now.std = bits,
                    Some(smccc::STD_HYP_BMAP_REGISTER) => now.std_hyp = bits,
                    Some(smccc::VENDOR_HYP_BMAP_REGISTER) => now.vendor_hyp = bits,
                    Some(smccc::VENDOR_HYP_BMAP_2_REGISTER) => now.vendor_hyp_2 = bits,
                    _ => continue,
                }
            }
            _ => continue,
        }
        out.push((from.clone(), now));
    }
    if services.stolen_time {
        out.push(("spec/cpu/steal-time".to_owned(), *services));
    }
    let version = context.version;
    out.into_iter()
        .map(move |(from, services)| (from, smccc::answers(&services, version)))
}
