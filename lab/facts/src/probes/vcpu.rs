//! What KVM keeps of a vCPU, and changes behind whoever asks.

use super::{error_name, failed, name};
use crate::guest::{Came, DEVICE, Guest, MEMORY, PC, X0, X1, X2, code};
use kvm_bindings::{
    KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_STOPPED,
    kvm_device_attr, kvm_mp_state, kvm_smccc_filter,
    kvm_smccc_filter_action_KVM_SMCCC_FILTER_FWD_TO_USER,
};
use kvm_ioctls::Kvm;
use std::io;

/// X3.
const X3: u64 = X2 + 2;
/// ACTLR_EL1 (encoding 3 0 1 0 1).
const ACTLR_EL1: u64 = 0x6030_0000_0013_c081;
/// OSLSR_EL1 (encoding 2 0 1 1 4).
const OSLSR_EL1: u64 = 0x6030_0000_0013_808c;
/// PSCI's VERSION, SYSTEM_OFF and CPU_ON (DEN0022, section 5).
const VERSION: u32 = 0x8400_0000;
const SYSTEM_OFF: u64 = 0x8400_0008;
const CPU_ON: u64 = 0xc400_0003;

/// A vCPU that the other one has just turned on, and that nobody has run.
pub fn turned_on(kvm: &Kvm) -> io::Result<String> {
    const CONTEXT: u64 = 0x22;
    let mut guest = Guest::new(kvm, 2, &[code::CALL, code::STORE_X2])?;
    // The call gives X1 to X3 back as 0, so the one that made it tells at that address what came of it.
    for (register, value) in [(X0, CPU_ON), (X1, 1), (X2, DEVICE), (X3, CONTEXT)] {
        guest.set(0, register, value)?;
    }
    let came = guest.run(0);
    if came != Came::Store(0, 0) {
        return Ok(format!("another exit: {came:?}"));
    }
    let state = |guest: &Guest| -> io::Result<String> {
        let begins = guest.get(1, PC)? == DEVICE && guest.get(1, X0)? == CONTEXT;
        Ok(format!("begins {begins}, {}", power(guest, 1)?))
    };
    let first = state(&guest)?;
    let completed = name(&guest.complete(1));
    Ok(format!(
        "at the first look {first}; completed ({completed}) {}",
        state(&guest)?
    ))
}

/// All vCPUs of a guest that has ended.
pub fn ended(kvm: &Kvm) -> io::Result<String> {
    let mut guest = Guest::new(kvm, 2, &[code::CALL])?;
    guest.vcpus[1].set_mp_state(kvm_mp_state {
        mp_state: KVM_MP_STATE_RUNNABLE,
    })?;
    guest.set(0, X0, SYSTEM_OFF)?;
    let before = [power(&guest, 0)?, power(&guest, 1)?];
    let came = guest.run(0);
    if came != Came::Event {
        return Ok(format!("another exit: {came:?}"));
    }
    let after = [power(&guest, 0)?, power(&guest, 1)?];
    Ok(format!(
        "before {}; after {}",
        before.join(" and "),
        after.join(" and ")
    ))
}

fn power(guest: &Guest, vcpu: usize) -> io::Result<String> {
    Ok(match guest.vcpus[vcpu].get_mp_state()?.mp_state {
        KVM_MP_STATE_RUNNABLE => "on".to_owned(),
        KVM_MP_STATE_STOPPED => "off".to_owned(),
        other => format!("in state {other}"),
    })
}

/// ACTLR_EL1, which the guest writes and reads.
pub fn actlr(kvm: &Kvm) -> io::Result<String> {
    let program = [
        code::msr(ACTLR_EL1, 2),
        code::BARRIER,
        code::mrs(0, ACTLR_EL1),
        code::STORE,
    ];
    let mut guest = Guest::new(kvm, 1, &program)?;
    guest.set(0, ACTLR_EL1, 0x5)?;
    guest.set(0, X2, 0xa)?;
    match guest.run(0) {
        Came::Store(DEVICE, seen) => Ok(format!(
            "0x5 written, then 0xa by the guest, which reads {seen:#x}; KVM tells {:#x}",
            guest.get(0, ACTLR_EL1)?
        )),
        other => Ok(format!("another exit: {other:?}")),
    }
}

/// The OS lock of a fresh vCPU.
pub fn os_lock(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[])?;
    Ok(match guest.get(0, OSLSR_EL1) {
        Ok(value) => format!("{value:#x}"),
        Err(error) => failed(&error),
    })
}

/// A firmware call that a filter gives to user space.
pub fn forwarded(kvm: &Kvm) -> io::Result<String> {
    let mut guest = Guest::new(kvm, 1, &[code::CALL, code::SPIN])?;
    let filter = kvm_smccc_filter {
        base: VERSION,
        nr_functions: 1,
        action: kvm_smccc_filter_action_KVM_SMCCC_FILTER_FWD_TO_USER as u8,
        ..Default::default()
    };
    let set = guest.vm.set_device_attr(&kvm_device_attr {
        group: KVM_ARM_VM_SMCCC_CTRL,
        attr: KVM_ARM_VM_SMCCC_FILTER.into(),
        addr: std::ptr::from_ref(&filter) as u64,
        flags: 0,
    });
    if let Err(error) = set {
        return Ok(format!("no filter ({})", error_name(error.errno())));
    }
    guest.set(0, X0, VERSION.into())?;
    let came = guest.run(0);
    if came != Came::Call {
        return Ok(format!("another exit: {came:?}"));
    }
    let at_exit = guest.get(0, PC)?.wrapping_sub(MEMORY);
    guest.set(0, X0, 0x33)?;
    let completed = name(&guest.complete(0));
    Ok(format!(
        "at the exit PC + {at_exit}; X0 written, completed ({completed}) PC + {}, X0 {:#x}",
        guest.get(0, PC)?.wrapping_sub(MEMORY),
        guest.get(0, X0)?
    ))
}
