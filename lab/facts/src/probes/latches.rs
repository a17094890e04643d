//! What is pending, as KVM keeps it: latches and lines.

use super::failed;
use crate::guest::Guest;
use kvm_bindings::{
    KVM_ARM_IRQ_TYPE_SHIFT, KVM_ARM_IRQ_TYPE_SPI, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
    KVM_DEV_ARM_VGIC_GRP_DIST_REGS, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
    KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
};
use kvm_ioctls::Kvm;
use std::io;
use vmm_sys_util::eventfd::EventFd;

/// GICR_ISPENDR0 and GICR_ICPENDR0, in the second frame of a redistributor (Arm IHI 0069, 12.11).
const PRIVATE: (u64, u64) = (0x1_0200, 0x1_0280);
/// GICD_ISPENDR1 and GICD_ICPENDR1 (Arm IHI 0069, 12.9), of INTIDs 32 to 63.
const SHARED: (u64, u64) = (0x204, 0x284);
/// GICD_ICFGR2, of INTIDs 32 to 47: two bits each, 2 is edge-triggered.
const CONFIGURATION: u64 = 0xc08;
/// INTID 41 is edge-triggered, 40 and all others are level-sensitive.
const EDGE_41: u32 = 2 << (9 * 2);
/// INTIDs 40 and 41.
const BOTH: u32 = 1 << 8 | 1 << 9;

/// ICC_PMR_EL1, ICC_CTLR_EL1, whose bits 10:8 are PRIbits, ICC_AP1R0_EL1 and ICC_AP1R1_EL1, by their encodings.
const PMR: u64 = 0xc230;
const CTLR: u64 = 0xc664;
const AP1R0: u64 = 0xc648;
const AP1R1: u64 = 0xc649;

/// A PPI's latch.
pub fn private(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[])?;
    pending(
        &guest,
        KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
        PRIVATE,
        1 << 20,
        "ICPENDR0",
    )
}

/// Latches of an interrupt that is edge-triggered and of one that is not.
pub fn shared(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[])?;
    let group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
    guest.set_attribute(group, CONFIGURATION, EDGE_41)?;
    pending(&guest, group, SHARED, BOTH, "ICPENDR1")
}

fn pending(
    guest: &Guest,
    group: u32,
    (set, clear): (u64, u64),
    bits: u32,
    name: &str,
) -> io::Result<String> {
    guest.set_attribute(group, set, bits)?;
    let latched = guest.attribute(group, set)?;
    let cleared = guest.attribute(group, clear)?;
    guest.set_attribute(group, clear, bits)?;
    let after = guest.attribute(group, set)?;
    guest.set_attribute(group, set, 0)?;
    let zeroed = guest.attribute(group, set)?;
    Ok(format!(
        "set {latched:#010x}; {name} {cleared:#010x}; after its write {after:#010x}; 0 written {zeroed:#010x}"
    ))
}

/// An edge that an eventfd sends, once that is taken away.
pub fn edge(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[])?;
    let group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
    guest.set_attribute(group, CONFIGURATION, EDGE_41)?;
    let event = EventFd::new(0)?;
    // Of shared interrupts, the first one is 0 there.
    guest.vm.register_irqfd(&event, 41 - 32)?;
    event.write(1)?;
    guest.vm.unregister_irqfd(&event, 41 - 32)?;
    let latched = guest.attribute(group, SHARED.0)?;
    Ok(format!("the latches {latched:#010x}"))
}

/// The CPU interface, before and after the first KVM_RUN; and whether it has a second word of active priorities.
pub fn interface(kvm: &Kvm) -> io::Result<String> {
    let mut guest = Guest::new(kvm, 1, &[])?;
    let group = KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS;
    guest.set_long_attribute(group, PMR, 0xf0)?;
    guest.set_long_attribute(group, AP1R0, 1 << 4)?;
    guest.complete(0);
    let (priority, active) = (guest.attribute(group, PMR)?, guest.attribute(group, AP1R0)?);
    let bits = (guest.attribute(group, CTLR)? >> 8 & 7) + 1;
    let second = match guest.attribute(group, AP1R1) {
        Ok(_) => "read".to_owned(),
        Err(error) => failed(&error),
    };
    Ok(format!(
        "PMR {priority:#x}, AP1R0 {active:#x}; of {bits} bits AP1R1 {second}"
    ))
}

/// Lines of two interrupts, one of each kind.
pub fn lines(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[])?;
    guest.set_attribute(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, CONFIGURATION, EDGE_41)?;
    for intid in [40, 41] {
        let line = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid;
        guest.vm.set_irq_line(line, true)?;
    }
    let group = KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO;
    let up = guest.attribute(group, 32)?;
    let latched = guest.attribute(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, SHARED.0)?;
    guest.set_attribute(group, 32, 0)?;
    let down = guest.attribute(group, 32)?;
    Ok(format!(
        "by KVM_IRQ_LINE {up:#010x} of {BOTH:#010x}; the latches {latched:#010x}; written to 0, {down:#010x}"
    ))
}
