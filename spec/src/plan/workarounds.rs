//! Levels of the SMCCC workarounds, where they follow from another register of
//! the lock.

use super::{Plan, Refusal};
use crate::catalogue::field;
use crate::lock::{Lock, LockedRegister};
use crate::reason;
use crate::report::View;
use crate::smccc;

/// `Level` of the workaround registers.
const LEVEL: u64 = 0xf;

/// Whether keeping the lock hides or shows ID_AA64PFR1_EL1.SSBS on this host.
/// From 6.12 on the level of SMCCC_ARCH_WORKAROUND_2 follows from what the guest
/// sees there (`kvm_arm_get_fw_reg` and `kvm_smccc_call_handler`,
/// arch/arm64/kvm/hypercalls.c), in a way that the host's mitigations decide.
pub(super) fn moves_workaround_2(lock: &Lock, view: &View) -> bool {
    let Some((register, ssbs)) = field("ID_AA64PFR1_EL1.SSBS") else {
        return false;
    };
    let host = view.register(register.id).and_then(|r| r.value);
    let mut entries = lock.registers.iter();
    let entry = entries.find(|r| r.id == register.id);
    let (Some(host), Some(entry)) = (host, entry) else {
        return false;
    };
    let shown = |value: u64| ssbs.get(value) != 0;
    entry.promised() & ssbs.mask() != 0 && shown(host) != shown(entry.value)
}

/// Whether that is the level, and promised.
pub(super) fn is_level(entry: &LockedRegister) -> bool {
    entry.id == smccc::WORKAROUND_2_REGISTER && entry.promised() & LEVEL != 0
}

pub(super) fn unforeseen_level(entry: &LockedRegister, plan: &mut Plan) {
    let path = format!("{}.Level", entry.name);
    plan.refusals.push(Refusal {
        code: reason::SILICON_FACT,
        wanted: format!("{:#x}", entry.value & LEVEL),
        offered: "nothing that is known beforehand".into(),
        reason: format!(
            "{path} follows from ID_AA64PFR1_EL1.SSBS, which this lock changes here: what a guest then sees is the host's"
        ),
        from: entry.from.clone(),
        help: vec![
            format!("waive the level in the spec: `vary \"{path}\"`"),
            "or choose a host whose ID_AA64PFR1_EL1.SSBS is the lock's".into(),
        ],
        name: path,
    });
}
