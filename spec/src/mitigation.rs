//! Mitigations of speculation that a guest is told of, and locks that withhold them.
//!
//! A guest that is not told protects itself by slower means, or not at all. A
//! lock may well withhold one: an old baseline did not show it, or a host lacks
//! it. It is said by name, when the lock is made and where it is kept.

use crate::catalogue::{CpuModel, field, register_by_name};
use crate::lock::{Lock, LockedRegister};
use crate::report::{HostReport, View};

/// One mitigation, and the field that tells a guest of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Mitigation {
    /// `REGISTER.FIELD`.
    pub path: &'static str,
    /// The lowest value that tells of it.
    pub least: u64,
    /// What it is, for people.
    pub words: &'static str,
    /// The vulnerability of which a model says that it is not open to it, where KVM then tells a guest so.
    unaffected: Option<&'static str>,
}

const fn mitigation(path: &'static str, least: u64, words: &'static str) -> Mitigation {
    Mitigation {
        path,
        least,
        words,
        unaffected: None,
    }
}

/// All of them (Arm ARM DDI 0487; Arm DEN0028 for the workarounds, whose levels are
/// arch/arm64/include/uapi/asm/kvm.h's `KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_n`, 7.3).
pub const MITIGATIONS: &[Mitigation] = &[
    Mitigation {
        unaffected: Some("spectre-v2"),
        ..mitigation(
            "ID_AA64PFR0_EL1.CSV2",
            1,
            "Spectre v2: branches are not steered from another context",
        )
    },
    Mitigation {
        unaffected: Some("meltdown"),
        ..mitigation(
            "ID_AA64PFR0_EL1.CSV3",
            1,
            "Meltdown: nothing is used that must not be read",
        )
    },
    mitigation(
        "ID_AA64MMFR1_EL1.ECBHB",
        1,
        "Spectre-BHB: an exception parts branch history",
    ),
    mitigation(
        "ID_AA64ISAR2_EL1.CLRBHB",
        1,
        "Spectre-BHB: an instruction clears branch history",
    ),
    mitigation(
        "ID_AA64PFR1_EL1.SSBS",
        1,
        "Spectre v4: a program can forbid that loads pass stores",
    ),
    mitigation(
        "ID_AA64ISAR1_EL1.SPECRES",
        1,
        "predictions of a context can be dropped",
    ),
    mitigation(
        "KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1.Level",
        1,
        "Spectre v2: firmware helps, or need not",
    ),
    mitigation(
        "KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2.Level",
        2,
        "Spectre v4: firmware helps, or need not",
    ),
    mitigation(
        "KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3.Level",
        1,
        "Spectre-BHB: firmware helps, or need not",
    ),
];

/// Those that registers do not tell of, though it is offered; what is waived is withheld from nobody.
fn withheld(
    locked: &[LockedRegister],
    offers: impl Fn(&Mitigation) -> bool,
) -> Vec<&'static Mitigation> {
    let hides = |m: &&Mitigation| {
        let Some((register, field)) = field(m.path) else {
            return false;
        };
        let entry = locked.iter().find(|r| r.id == register.id);
        entry.is_some_and(|entry| {
            let waived = entry.vary.iter().any(|w| w.field == field.name);
            !waived && field.get(entry.value) < m.least
        })
    };
    MITIGATIONS
        .iter()
        .filter(|m| hides(m) && offers(m))
        .collect()
}

/// The least value with which KVM tells a guest that a CPU is not open to something, whatever its register holds
/// (arch/arm64/kvm/sys_regs.c `sanitise_id_aa64pfr0_el1`, 7.3).
pub(crate) fn told_of(model: &CpuModel, path: &str) -> Option<u64> {
    let mitigation = MITIGATIONS.iter().find(|m| m.path == path)?;
    let name = mitigation.unaffected?;
    let unaffected = model.unaffected.iter().any(|u| u == name);
    unaffected.then_some(mitigation.least)
}

/// Those that a lock's registers withhold, though its CPU model has them.
pub(crate) fn withheld_from_model(
    locked: &[LockedRegister],
    model: &CpuModel,
) -> Vec<&'static Mitigation> {
    withheld(locked, |m| {
        let told = field(m.path).is_some_and(|(register, field)| {
            let mut values = model.registers.iter().chain(model.facts.iter());
            let value = values.find(|v| v.register == register.name);
            value.is_some_and(|v| field.get(v.value) >= m.least)
        });
        told || told_of(model, m.path).is_some()
    })
}

/// Those that a lock withholds from its guest, though this host would tell one of them.
pub fn withheld_on(lock: &Lock, report: &HostReport) -> Vec<&'static Mitigation> {
    let mut features = lock.features.clone();
    features.sort();
    let view = report.view(&features).or_else(|| report.view(&[]));
    withheld(&lock.registers, |m| view.is_some_and(|v| tells(v, m)))
}

/// Whether a guest with that view can be told: by what stands there, or by what can.
fn tells(view: &View, mitigation: &Mitigation) -> bool {
    let Some((name, field_name)) = mitigation.path.split_once('.') else {
        return false;
    };
    let Some(register) = register_by_name(name) else {
        return false;
    };
    let Some(reported) = view.register(register.id) else {
        return false;
    };
    let enough = |value: u64| value >= mitigation.least;
    let now = register
        .field(field_name)
        .zip(reported.value)
        .is_some_and(|(field, value)| enough(field.get(value)));
    let accepts = reported.accepts.get(field_name);
    now || accepts.is_some_and(|values| values.iter().any(|v| enough(*v)))
}

/// The fields with what they tell of, for people.
pub fn words(list: &[&Mitigation]) -> String {
    let each: Vec<String> = list
        .iter()
        .map(|m| format!("{} ({})", m.path, m.words))
        .collect();
    each.join(", ")
}
