//! Accesses where nothing is: between the devices, above memory, behind the
//! last address. What answers them is a promise like any other.

use core::arch::asm;

use crate::boot;
use crate::record::Area;
use crate::wire::{self, Kind, Parameters};

/// What a register holds before an access, and has to hold after one that was aborted.
const BEFORE: u64 = 0x5a5a_0123_4567_a5a5;

/// The widest intermediate and physical addresses of this CPU, in bits (ID_AA64MMFR0_EL1.PARange, Arm ARM D24.2.91),
/// as far as the memory map's translation goes.
fn physical_bits() -> u32 {
    let features: u64;
    // SAFETY: reads an ID register.
    unsafe {
        asm!("mrs {}, id_aa64mmfr0_el1", out(reg) features, options(nomem, nostack, preserves_flags));
    }
    match features & 0xf {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        _ => 48,
    }
}

/// Tries every kind of access in every kind of place, but where the host says that such places are not looked at.
pub fn full(area: &mut Area, parameters: &Parameters) {
    let bits = parameters.edge.trailing_zeros();
    if let Some(at) = boot::edge(bits).filter(|_| bits < physical_bits()) {
        each(area, wire::PLACE_EDGE, at, parameters.edge);
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
    if above < boot::IDENTITY_END && above != parameters.edge {
        each(area, wire::PLACE_ABOVE, above, above);
    }
}

fn each(area: &mut Area, place: u64, at: u64, physical: u64) {
    for access in wire::ACCESS_LOAD..=wire::ACCESS_FETCH {
        look(area, place, access, at, physical);
    }
}

fn look(area: &mut Area, place: u64, access: u64, at: u64, physical: u64) {
    let value = access_at(access, at, physical);
    let id = wire::unmapped(place, access);
    area.push(Kind::Unmapped, id, wire::STATUS_VALUE, value);
}

/// ESR_EL1 of what an access took, 0 for nothing.
fn access_at(access: u64, at: u64, physical: u64) -> u64 {
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
    let as_it_was = register == BEFORE && far == physical && next == 1;
    // The upper half is what KVM left there: 6.1 extends the sign of what it injects.
    esr & 0xffff_ffff
        | if as_it_was {
            0
        } else {
            wire::UNMAPPED_ELSEWHERE
        }
}
