//! A vCPU's timer, and the counter that all of them have.

use super::failed;
use crate::guest::{self, CNTV_CTL, CNTV_CVAL, CNTVCT, Guest, get_register};
use kvm_bindings::{KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS};
use kvm_ioctls::Kvm;
use std::io;

/// GICR_ISACTIVER0 (Arm IHI 0069, 12.11).
const ACTIVE: u64 = 0x1_0300;
/// The virtual timer's PPI.
const TIMER: u32 = 1 << 27;
/// The physical timer's control and compare value, and its counter (`KVM_REG_ARM_PTIMER_CTL` and on).
const CNTP_CTL: u64 = 0x6030_0000_0013_df11;
const CNTP_CVAL: u64 = 0x6030_0000_0013_df12;
const CNTPCT: u64 = 0x6030_0000_0013_df01;
/// What counters are written to: nothing that one gets to by itself while a probe runs.
const FAR: [u64; 2] = [1 << 50, 1 << 52];
/// How far one may have gone on since: ten minutes at 1 GHz.
const NEAR: u64 = 600_000_000_000;

/// The active bit of the timer's interrupt, before and after the first KVM_RUN.
pub fn active(kvm: &Kvm) -> io::Result<String> {
    let group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS;
    let is_active =
        |guest: &Guest| -> io::Result<bool> { Ok(guest.attribute(group, ACTIVE)? & TIMER != 0) };
    let mut before = Guest::new(kvm, 1, &[])?;
    before.set_attribute(group, ACTIVE, TIMER)?;
    before.complete(0);
    let stays = is_active(&before)?;
    let mut after = Guest::new(kvm, 1, &[])?;
    after.complete(0);
    after.set_attribute(group, ACTIVE, TIMER)?;
    Ok(format!(
        "set before, {stays}; set after, {}",
        is_active(&after)?
    ))
}

/// The line of a timer that has expired.
pub fn expired(kvm: &Kvm) -> io::Result<String> {
    let mut guest = Guest::new(kvm, 1, &[])?;
    guest.set(0, CNTV_CVAL, 1)?;
    guest.set(0, CNTV_CTL, 1)?;
    guest.complete(0);
    let lines = guest.attribute(KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 0)?;
    Ok(format!("line {}", lines & TIMER != 0))
}

/// What is told of a timer that has expired, before anything ran.
pub fn status(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[])?;
    guest.set(0, CNTV_CVAL, 1)?;
    guest.set(0, CNTV_CTL, 1)?;
    Ok(format!("{:#x}", guest.get(0, CNTV_CTL)?))
}

/// What is told of the physical timer.
pub fn physical(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[])?;
    let told = [("CTL", CNTP_CTL), ("CVAL", CNTP_CVAL), ("CNTPCT", CNTPCT)];
    let told = told.map(|(name, id)| match guest.get(0, id) {
        Ok(_) => format!("{name} read"),
        Err(error) => format!("{name} {}", failed(&error)),
    });
    Ok(told.join("; "))
}

/// The counter of the other vCPU.
pub fn counter(kvm: &Kvm) -> io::Result<String> {
    let mut guest = Guest::new(kvm, 2, &[])?;
    let mut seen = Vec::new();
    for (at, far) in FAR.into_iter().enumerate() {
        guest.set(at, CNTVCT, far)?;
        let near = |vcpu| -> io::Result<bool> { Ok(is_near(guest.get(vcpu, CNTVCT)?, far)) };
        seen.push(match (near(at)?, near(1 - at)?) {
            (true, true) => "both",
            (true, false) => "the one alone",
            (false, _) => "not even the one",
        });
        guest.complete(0);
        guest.complete(1);
    }
    Ok(format!(
        "before a run: {}; after a run: {}",
        seen[0], seen[1]
    ))
}

/// The counter of a vCPU, after another one was created.
pub fn created(kvm: &Kvm) -> io::Result<String> {
    let vm = kvm.create_vm()?;
    let first = vm.create_vcpu(0)?;
    guest::initialise(&vm, &first, false, 0)?;
    first.set_one_reg(CNTVCT, &FAR[0].to_le_bytes())?;
    let written = is_near(get_register(&first, CNTVCT)?, FAR[0]);
    let second = vm.create_vcpu(1)?;
    guest::initialise(&vm, &second, true, 0)?;
    let stays = is_near(get_register(&first, CNTVCT)?, FAR[0]);
    Ok(format!("written {written}; after another vCPU {stays}"))
}

fn is_near(counter: u64, written: u64) -> bool {
    (written..written + NEAR).contains(&counter)
}
