//! Registers that the host lists and the lock does not name.

use super::registers::takes;
use super::{Plan, Refusal, Step, Way};
use crate::catalogue::{Kind, RegisterInfo, register_by_id};
use crate::lock::Lock;
use crate::reason;
use crate::report::{ReportedRegister, View};
use crate::vm::Feature;
use std::collections::BTreeSet;

/// What of a lock bears on registers that it does not name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Silent {
    /// Ids of those that it does name.
    named: BTreeSet<u64>,
    version: u32,
    /// What CSSELR_EL1 selects of the caches that CLIDR_EL1 names.
    caches: Vec<u64>,
    pmu: bool,
}

impl Silent {
    pub(super) fn of(lock: &Lock) -> Self {
        Self {
            named: lock.registers.iter().map(|entry| entry.id).collect(),
            version: lock.lock_version,
            caches: lock.caches(),
            pmu: lock.features.contains(&Feature::Pmu),
        }
    }
}

/// Registers that the host lists and the lock does not name.
pub(super) fn unlocked(lock: &Lock, view: &View, plan: &mut Plan) {
    let silent = Silent::of(lock);
    for host in &view.registers {
        register(&silent, host, plan);
    }
}

/// One that the host lists: where the lock does not name it, it is known state, or made invisible by a neutral value, or
/// refused.
pub(super) fn register(lock: &Silent, host: &ReportedRegister, plan: &mut Plan) {
    if lock.named.contains(&host.id) {
        return;
    }
    let known = register_by_id(host.id);
    let newer = known.is_some_and(|info| info.since > lock.version);
    let Some(info) = known.filter(|info| !newer || info.neutral.is_some()) else {
        let name = encoded(host.id);
        plan.refusals.push(Refusal {
            code: reason::UNKNOWN_REGISTER,
            wanted: "nothing there".into(),
            offered: match known {
                Some(info) => format!(
                    "a register that the lock's version {} does not know: {}",
                    lock.version, info.name
                ),
                None => "a register that neither the lock nor the catalogue knows".into(),
            },
            reason: format!("the host's kernel shows guests {name}, and nobody knows what that does to this guest"),
            from: "the rule that unknown means no".into(),
            help: vec![match newer {
                true => "lock the machine anew with `vmlock lock --upgrade`, or choose a host with an older kernel".into(),
                false => "use a vmlock that knows this kernel, or choose a host with an older one".into(),
            }],
            name,
        });
        return;
    };
    // Per-vCPU affinity is part of the machine; caches that CLIDR_EL1 does
    // not name are UNKNOWN; a PMU that the guest has not cannot be read.
    let unnamed = |selector: u8| !lock.caches.contains(&selector.into());
    let without_pmu = info.feature.as_deref() == Some("pmu") && !lock.pmu;
    if info.kind == Kind::State && !newer
        || info.csselr().is_some_and(unnamed)
        || info.name == "MPIDR_EL1"
        || without_pmu
    {
        return;
    }
    match info.neutral.zip(host.value) {
        Some((neutral, value)) if value == neutral => plan.keep(&info.name, Way::Absent, None, ""),
        Some((neutral, value)) if takes_all(info, host, value, neutral) => {
            let step = Step::Register {
                id: info.id,
                value: neutral,
            };
            plan.keep(
                &info.name,
                Way::Absent,
                Some(step),
                "set to the value that hides it",
            );
        }
        _ => plan.refusals.push(Refusal {
            code: reason::UNLOCKED_REGISTER,
            name: info.name.to_string(),
            wanted: "nothing there".into(),
            offered: match host.value {
                Some(value) => format!("{value:#x}"),
                None => "a register that KVM lists and does not let be read".into(),
            },
            reason: format!(
                "the lock says nothing of {}, and {}",
                info.name,
                match info.neutral {
                    Some(neutral) => {
                        format!("the kernel does not take {neutral:#x}, which would hide it")
                    }
                    None => "no value makes it invisible".into(),
                }
            ),
            from: "the rule that unknown means no".into(),
            help: vec!["run `vmlock lock` again with this version".into()],
        }),
    }
}

/// What a refusal calls a register that nobody knows, by its KVM register id.
pub(crate) fn encoded(id: u64) -> String {
    let encoding = id & 0xffff;
    match id >> 16 & 0xfff {
        0x13 => format!(
            "S{}_{}_C{}_C{}_{}",
            encoding >> 14 & 3,
            encoding >> 11 & 7,
            encoding >> 7 & 15,
            encoding >> 3 & 15,
            encoding & 7
        ),
        class => format!("KVM register class {class:#x} number {encoding:#x}"),
    }
}

/// The same of a register's whole value, in each of its fields.
fn takes_all(info: &RegisterInfo, host: &ReportedRegister, value: u64, wanted: u64) -> bool {
    let mut rest = value ^ wanted;
    for field in info.fields.iter() {
        let changed = rest & field.mask();
        if changed != 0 && takes(host, &field.name, field.get(wanted), changed) {
            rest &= !changed;
        }
    }
    rest & !host.writable == 0
}
