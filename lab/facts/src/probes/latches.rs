//! What is pending, as KVM keeps it: latches and lines.

use crate::guest::Guest;
use kvm_bindings::{
    KVM_ARM_IRQ_TYPE_SHIFT, KVM_ARM_IRQ_TYPE_SPI, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
    KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
};
use kvm_ioctls::Kvm;
use std::io;

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
