//! Accesses where nothing is: between the devices, above memory, behind the
//! last address. What answers them is a promise like any other.

use core::arch::asm;

use crate::boot;
use crate::reach;
use crate::record::Area;
use crate::wire::{self, Kind, Parameters};

/// What a register holds before an access, and has to hold after one that was aborted.
const BEFORE: u64 = 0x5a5a_0123_4567_a5a5;

/// Tries every kind of access in every kind of place, but where the host says that such places are not looked at.
pub fn full(area: &mut Area, parameters: &Parameters) {
    let addressed = reach::addressed();
    let edge = parameters.edge;
    if edge < addressed {
        let at = boot::window(wire::PLACE_EDGE as usize, edge);
        each(area, wire::PLACE_EDGE, at, edge);
    }
    if parameters.hole == 0 {
        return;
    }
    let hole = parameters.hole;
    for access in [wire::ACCESS_LOAD, wire::ACCESS_STORE, wire::ACCESS_PAIR] {
        look(area, wire::PLACE_HOLE, access, hole, hole);
    }
    let above = parameters.above;
    // Where memory ends with the addresses, that place is looked at already.
    if above < addressed && above != edge {
        let at = boot::window(wire::PLACE_ABOVE as usize, above);
        each(area, wire::PLACE_ABOVE, at, at);
    }
}

fn each(area: &mut Area, place: u64, at: u64, faulting: u64) {
    for access in wire::ACCESS_LOAD..=wire::ACCESS_FETCH {
        look(area, place, access, at, faulting);
    }
}

fn look(area: &mut Area, place: u64, access: u64, at: u64, faulting: u64) {
    let value = access_at(access, at, faulting);
    let id = wire::unmapped(place, access);
    area.push(Kind::Unmapped, id, wire::STATUS_VALUE, value);
}

/// ESR_EL1 of what an access took, 0 for nothing. FAR_EL1 has to be `faulting` then.
fn access_at(access: u64, at: u64, faulting: u64) -> u64 {
    let (esr, far, mut register, next): (u64, u64, u64, u64);
    macro_rules! instruction {
        ($text:literal) => {
            asm!(
                "msr sp_el0, {on}",
                "mov x20, xzr",
                "mov {next}, xzr",
                $text,
                "mov {next}, #1",
                "dsb sy",
                "msr sp_el0, xzr",
                "mrs {far}, far_el1",
                on = in(reg) 1u64,
                at = in(reg) at,
                far = out(reg) far,
                next = out(reg) next,
                inout("x0") BEFORE => register,
                out("x1") _,
                out("x20") esr,
                out("lr") _,
                options(nostack),
            )
        };
    }
    // SAFETY: nothing is at the address that the host names, so nothing that Rust knows of is changed there; a fault
    // is skipped, and that of a fetch goes back behind the call.
    unsafe {
        match access {
            wire::ACCESS_LOAD => instruction!("ldr w0, [{at}]"),
            wire::ACCESS_STORE => instruction!("str w0, [{at}]"),
            wire::ACCESS_PAIR => instruction!("ldp x0, x1, [{at}]"),
            wire::ACCESS_EXCLUSIVE => instruction!("ldxr x0, [{at}]"),
            wire::ACCESS_ZERO => instruction!("dc zva, {at}"),
            _ => instruction!("blr {at}"),
        }
    }
    if esr == 0 {
        // A load that gives zero is no news, one that gives anything else is.
        if register == BEFORE {
            register = 0;
        }
        return if register == 0 {
            0
        } else {
            wire::UNMAPPED_ELSEWHERE
        };
    }
    // Behind the last address KVM has aborted fetches by itself all along, up to 5.18 with the address that was used in
    // FAR_EL1 (arch/arm64/kvm/mmu.c `kvm_handle_guest_abort`): nobody can make kernels alike in that.
    let fetched = access == wire::ACCESS_FETCH && far == at;
    let as_it_was = register == BEFORE && (far == faulting || fetched) && next == 1;
    // The upper half is what KVM left there: 6.1 extends the sign of what it injects.
    esr & 0xffff_ffff
        | if as_it_was {
            0
        } else {
            wire::UNMAPPED_ELSEWHERE
        }
}
