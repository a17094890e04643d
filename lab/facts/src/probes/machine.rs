//! Events, the distributor as a whole, and memory.

use super::completion::beside;
use super::failed;
use crate::guest::{
    ABORTS, Came, Guest, MASKED, MEMORY, Memory, PC, PSTATE, SIZE, VBAR_EL1, X0, X2, add_slot, code,
};
use kvm_bindings::{
    KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
    KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY, kvm_device_attr, kvm_vcpu_events,
};
use kvm_ioctls::Kvm;
use nix::unistd::{SysconfVar, sysconf};
use std::io;
use std::sync::atomic::Ordering::SeqCst;

/// GICD_IIDR, whose bits 15:12 are the revision (Arm IHI 0069, 12.9).
const IIDR: u64 = 0x8;
/// GICD_TYPER.
const TYPER: u64 = 0x4;
/// Where a second slot is.
const SECOND: u64 = MEMORY + SIZE as u64;

/// An SError, masked and not.
pub fn events(kvm: &Kvm) -> io::Result<String> {
    let mut seen = Vec::new();
    for (name, pstate) in [("masked", MASKED), ("unmasked", ABORTS)] {
        let guest = Guest::new(kvm, 1, &[])?;
        guest.set(0, PSTATE, pstate)?;
        guest.set(0, VBAR_EL1, SECOND)?;
        let mut events = kvm_vcpu_events::default();
        events.exception.serror_pending = 1;
        guest.vcpus[0].set_vcpu_events(&events)?;
        let pending = match guest.vcpus[0].get_vcpu_events()?.exception.serror_pending {
            0 => "taken",
            _ => "pending",
        };
        let pc = match guest.get(0, PC)? {
            MEMORY => "PC stays".to_owned(),
            pc => format!("PC VBAR + {:#x}", pc.wrapping_sub(SECOND)),
        };
        seen.push(format!("{name}: {pending}, {pc}"));
    }
    Ok(seen.join("; "))
}

/// The distributor, while a vCPU runs.
pub fn busy(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[code::SPIN])?;
    let mut meanwhile = String::new();
    let (guest, came) = beside(guest, |guest| {
        meanwhile = typer(guest);
        Ok(())
    })?;
    if came != Came::Error(libc::EINTR) {
        return Ok(format!("another exit: {came:?}"));
    }
    Ok(format!(
        "while it runs {meanwhile}; after it {}",
        typer(&guest)
    ))
}

fn typer(guest: &Guest) -> String {
    match guest.attribute(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, TYPER) {
        Ok(_) => "read".to_owned(),
        Err(error) => failed(&error),
    }
}

/// Revisions of the distributor: that of a fresh one, and what comes of a write of others.
pub fn revisions(kvm: &Kvm) -> io::Result<String> {
    let group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
    let revision = |iidr: u32| iidr >> 12 & 0xf;
    let fresh = Guest::new(kvm, 1, &[])?.attribute(group, IIDR)?;
    let mut seen = vec![format!("fresh {}", revision(fresh))];
    for wanted in 0..=4 {
        let guest = Guest::new(kvm, 1, &[])?;
        seen.push(
            match guest.set_attribute(group, IIDR, fresh & !(0xf << 12) | wanted << 12) {
                Ok(()) => {
                    let read = revision(guest.attribute(group, IIDR)?);
                    format!("{wanted} read {read}")
                }
                Err(error) => {
                    format!("{wanted} {}", failed(&error))
                }
            },
        );
    }
    Ok(seen.join("; "))
}

/// A load from and a store to a slot that is read-only.
pub fn read_only(kvm: &Kvm) -> io::Result<String> {
    let mut guest = Guest::new(kvm, 1, &[code::LOAD_X2, code::STORE, code::STORE_X2])?;
    let memory = Memory::new();
    memory.word(0).store(0x77, SeqCst);
    add_slot(&guest.vm, 1, KVM_MEM_READONLY, SECOND, memory)?;
    guest.set(0, X2, SECOND)?;
    // It tells what it has loaded by storing it to the device.
    let loaded = match guest.run(0) {
        Came::Store(_, word) => format!("{word:#x}"),
        other => format!("{other:?}"),
    };
    guest.complete(0);
    guest.set(0, X0, 0x11)?;
    let stored = match guest.run(0) {
        Came::Store(address, word) => {
            format!("exits with {word:#x} at + {}", address.wrapping_sub(SECOND))
        }
        other => format!("comes back as {other:?}"),
    };
    guest.complete(0);
    Ok(format!(
        "loaded {loaded}; the store {stored}; the memory {:#x}",
        memory.word(0).load(SeqCst)
    ))
}

/// Pages that a guest and that KVM itself wrote. What KVM writes is the record of stolen time.
pub fn dirty(kvm: &Kvm) -> io::Result<String> {
    // Pages of 16 KiB, the largest of those hosts, apart: the program, the guest's, stolen time's, and one of nobody.
    const STORED: u64 = 0x4000;
    const STOLEN: u64 = 0x8000;
    let program = [code::STORE_X2, code::STORE];
    let mut guest = Guest::with_slot(kvm, 1, &program, KVM_MEM_LOG_DIRTY_PAGES)?;
    guest.set(0, X2, MEMORY + STORED)?;
    let address = MEMORY + STOLEN;
    guest.vcpus[0].set_device_attr(&kvm_device_attr {
        group: KVM_ARM_VCPU_PVTIME_CTRL,
        attr: KVM_ARM_VCPU_PVTIME_IPA.into(),
        addr: std::ptr::from_ref(&address) as u64,
        flags: 0,
    })?;
    let came = guest.run(0);
    if !matches!(came, Came::Store(..)) {
        return Ok(format!("another exit: {came:?}"));
    }
    let page = sysconf(SysconfVar::PAGE_SIZE)?.unwrap_or(0);
    let page = u64::try_from(page).map_err(io::Error::other)?.max(1);
    let log = |guest: &Guest| -> io::Result<u64> {
        Ok(guest
            .vm
            .get_dirty_log(0, SIZE)?
            .first()
            .copied()
            .unwrap_or(0))
    };
    let bit = |offset: u64| 1u64 << (offset / page);
    let first = log(&guest)?;
    let again = log(&guest)?;
    let other = first & !(bit(STORED) | bit(STOLEN)) != 0;
    Ok(format!(
        "the guest's page {}; stolen time's {}; any other {other}; asked again {}",
        first & bit(STORED) != 0,
        first & bit(STOLEN) != 0,
        if again == 0 { "none" } else { "some" },
    ))
}
