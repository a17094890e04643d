//! Drives virtio devices: memory that they reach, and their interrupts. What is asked of them, and in which order, is
//! [`vmlock_wire::virtio::ring`]'s.
//!
//! The portable witness has none of this: who knows no lock does not know what is behind a device.

use core::arch::asm;
use core::ptr;

use crate::device::Virtio;
use crate::place;
use crate::probe::{self, Outcome};
use crate::record::{self, Area};
use crate::sysreg;
use crate::wire::Parameters;
use crate::wire::virtio::Window;
use crate::wire::virtio::ring::{Machine, NO_INTERRUPT, PATIENCE, drive};

/// Offsets in the distributor (Arm IHI 0069 section 12.8).
const CTLR: u64 = 0x0;
const TYPER: u64 = 0x4;
const ISENABLER: u64 = 0x100;
const ICENABLER: u64 = 0x180;
const ICFGR: u64 = 0xc00;
const ENABLE_GROUP_1: u32 = 1 << 1;
/// ICFGR of sixteen interrupts that are edges.
const EDGES: u32 = 0xaaaa_aaaa;

/// ICC_PMR_EL1 that lets all of KVM's priorities pass, and nothing.
const ALL_PRIORITIES: u64 = 0xf8;
/// ICC_IAR1_EL1: from here on there is no interrupt.
const SPECIAL: u64 = 1020;

/// Drives each virtio device, while the distributor at `parameters.gicd` forwards every shared interrupt as an edge to this
/// vCPU, as it does after a reset (GICD_IROUTER<n> is 0, and so is the affinity of vCPU 0).
pub fn each(area: &mut Area, parameters: &Parameters) {
    let gicd = parameters.gicd;
    if gicd == 0 || parameters.virtio.iter().all(|&base| base == 0) {
        return;
    }
    let words = match probe::read32(gicd + TYPER) {
        Outcome::Value(typer) => typer & 31,
        Outcome::Exception(_) => 0,
    };
    // What cannot be written shows: no interrupt comes.
    let set = |first: u64, each: u64, value: u32| {
        for word in each..each * (words + 1) {
            let _ = probe::write32(gicd + first + 4 * word, value);
        }
    };
    set(ICFGR, 2, EDGES);
    set(ISENABLER, 1, u32::MAX);
    let _ = probe::write32(gicd + CTLR, ENABLE_GROUP_1);
    interface(ALL_PRIORITIES, 1);
    for (index, &base) in (0..).zip(&parameters.virtio) {
        if base != 0 {
            let device = Virtio { area, base, index };
            drive(&mut Driven(device));
        }
    }
    interface(0, 0);
    let _ = probe::write32(gicd + CTLR, 0);
    set(ICENABLER, 1, u32::MAX);
    set(ICFGR, 2, 0);
}

/// Sets this vCPU's priority mask and whether it is given interrupts of group 1. PSTATE masks them all the time: they are
/// taken without an exception.
fn interface(mask: u64, enable: u64) {
    // SAFETY: the CPU interface alone; no memory.
    unsafe {
        asm!(
            "msr icc_pmr_el1, {mask}",
            "msr icc_igrpen1_el1, {enable}",
            "isb",
            mask = in(reg) mask,
            enable = in(reg) enable,
            options(nostack),
        );
    }
}

/// A device that is driven.
struct Driven<'a>(Virtio<'a>);

impl Window for Driven<'_> {
    fn read(&mut self, offset: u64, bytes: u64) -> Result<u64, u64> {
        self.0.read(offset, bytes)
    }

    fn write(&mut self, offset: u64, bytes: u64, value: u64) -> Result<(), u64> {
        // What was written to memory is there before the device looks.
        barrier();
        self.0.write(offset, bytes, value)
    }

    fn record(&mut self, what: u64, seen: Result<u64, u64>) {
        self.0.record(what, seen);
    }
}

impl Machine for Driven<'_> {
    fn area(&self) -> u64 {
        place::rings()
    }

    fn load(&mut self, at: u64, bytes: u64) -> u64 {
        let at = ptr::with_exposed_provenance::<u8>((place::rings() + at) as usize);
        // SAFETY: `drive` keeps to the page, which the host gave to the rings and to which no reference exists, and aligns
        // what it accesses; the device may write there at any time.
        unsafe {
            match bytes {
                1 => ptr::read_volatile(at).into(),
                2 => ptr::read_volatile(at.cast::<u16>()).into(),
                4 => ptr::read_volatile(at.cast::<u32>()).into(),
                _ => ptr::read_volatile(at.cast::<u64>()),
            }
        }
    }

    fn store(&mut self, at: u64, bytes: u64, value: u64) {
        let at = ptr::with_exposed_provenance_mut::<u8>((place::rings() + at) as usize);
        // SAFETY: as in `load`.
        unsafe {
            match bytes {
                1 => ptr::write_volatile(at, value as u8),
                2 => ptr::write_volatile(at.cast::<u16>(), value as u16),
                4 => ptr::write_volatile(at.cast::<u32>(), value as u32),
                _ => ptr::write_volatile(at.cast::<u64>(), value),
            }
        }
        barrier();
    }

    fn interrupt(&mut self, wait: bool) -> u64 {
        let begun = sysreg::now();
        let limit = sysreg::frequency().saturating_mul(PATIENCE);
        loop {
            let intid = take();
            if intid < SPECIAL {
                return intid;
            }
            if !wait || sysreg::now().wrapping_sub(begun) > limit {
                return NO_INTERRUPT;
            }
            // One that comes brings this vCPU out of the guest and back, which is an event.
            record::wait();
        }
    }
}

/// Acknowledges and ends the interrupt that is pending on this vCPU, if one is.
fn take() -> u64 {
    let intid: u64;
    // SAFETY: the CPU interface alone. The compiler must not move accesses to memory before it, and does not, because the
    // block is not declared `nomem`.
    unsafe { asm!("mrs {}, icc_iar1_el1", "dsb sy", out(reg) intid, options(nostack)) };
    if intid < SPECIAL {
        // SAFETY: ends the interrupt; no memory.
        unsafe { asm!("msr icc_eoir1_el1, {}", "isb", in(reg) intid, options(nostack)) };
    }
    intid
}

fn barrier() {
    // SAFETY: a barrier, which the compiler must not move accesses over either.
    unsafe { asm!("dmb sy", options(nostack, preserves_flags)) };
}
