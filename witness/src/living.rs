//! What is read on a vCPU that a living guest has lent (`vmlock_wire::living`): nothing is driven, and the guest's own
//! things stay as they are but for what the host puts back.
//!
//! Stage 1 of the translation is off, so all memory is accessed past the caches, and every access is aligned. The host
//! has given the memory to this vCPU alone.

use core::arch::{asm, global_asm};

use crate::record::Area;
use crate::wire::living::{AREA, AREA_SIZE, PORT, STACK_END};
use crate::wire::{self, Kind};
use crate::{AFFINITY, gic, smccc, sysreg};

global_asm!(
    include_str!("living.s"),
    include_str!("vectors.s"),
    stack = const STACK_END,
    look = sym look,
    fault = sym crate::fault,
);

/// The area of the vCPU that is lent.
fn area(index: u64) -> Area {
    // SAFETY: `wire::living` keeps that memory for it, and one vCPU is lent at a time.
    unsafe { Area::at(AREA, AREA_SIZE, index as u32) }
}

/// All of it, called by `living.s` with the vCPU's index and its MPIDR_EL1, and with where the distributor and its own
/// redistributor are.
extern "C" fn look(index: u64, mpidr: u64, distributor: u64, redistributor: u64) {
    clean();
    let (mut area, own) = (area(index), mpidr & AFFINITY);
    area.begin();
    sysreg::full(&mut area);
    // The distributor is one for all: vCPU 0 looks at it.
    if index == 0 {
        gic::distributor(&mut area, distributor);
    }
    gic::redistributor(&mut area, redistributor);
    match index {
        0 => smccc::full(&mut area, own, None),
        _ => smccc::each(&mut area, own),
    }
    area.end();
    leave();
}

/// Marks the area as failed, and leaves.
pub fn give_up(values: &[u64], first: u64) {
    let index: u64;
    // SAFETY: `living.s` put the vCPU's index there.
    unsafe {
        asm!("mrs {}, tpidr_el1", out(reg) index, options(nomem, nostack, preserves_flags));
    }
    let mut area = area(index);
    for (id, value) in (first..).zip(values) {
        area.push(Kind::Fault, id, wire::STATUS_VALUE, *value);
    }
    area.finish(wire::DONE_FAULT);
    leave();
}

/// No line of the area is in a cache from here on, until somebody looks at it through one.
fn clean() {
    // No line is shorter than 16 bytes (CTR_EL0.DminLine).
    for line in (AREA..AREA + AREA_SIZE).step_by(16) {
        // SAFETY: what the line holds goes to memory, and stays what it is.
        unsafe { asm!("dc civac, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
}

/// Has the host take the vCPU back, which does not run on from here.
fn leave() {
    clean();
    // SAFETY: nothing is behind the address; what the vCPU has translated without its tables is forgotten first.
    unsafe {
        asm!(
            "tlbi vmalle1is",
            "dsb ish",
            "isb",
            "str wzr, [{port}]",
            "2: b 2b",
            port = in(reg) PORT,
            options(noreturn),
        );
    }
}
