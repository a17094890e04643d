//! How far the machine reaches: its first and its last word of memory, and where
//! its addresses end.

use core::arch::asm;

use crate::boot;
use crate::probe::{self, Outcome};
use crate::record::Area;
use crate::wire::{self, Kind, Parameters, STATUS_VALUE};

/// The number of the window that shows the end of memory; those of the address bits are the bits themselves.
const LAST_WORD: usize = 3;

/// The first address that this CPU's translation does not reach.
pub fn addressed() -> u64 {
    let features: u64;
    // SAFETY: reads an ID register.
    unsafe {
        asm!("mrs {}, id_aa64mmfr0_el1", out(reg) features, options(nomem, nostack, preserves_flags));
    }
    1 << wire::physical_bits(features)
}

/// Looks at both ends of memory and for the end of the addresses, but where the host says that such places are not
/// looked at.
pub fn full(area: &mut Area, parameters: &Parameters) {
    if parameters.hole == 0 {
        return;
    }
    let addressed = addressed();
    let last = parameters.above.saturating_sub(4);
    if last < addressed {
        memory(area, boot::window(LAST_WORD, last));
    }
    area.push(
        Kind::Reach,
        wire::REACH_ADDRESS_BITS,
        STATUS_VALUE,
        address_bits(addressed).into(),
    );
}

/// Nothing else is in the first and the last word of memory, and each is its own.
fn memory(area: &mut Area, last: u64) {
    let words = [wire::RAM_BASE, last];
    for (at, value) in words.into_iter().zip(wire::REACH_WRITTEN) {
        probe::write32(at, value);
    }
    let read = words.map(probe::read32);
    for at in words {
        probe::write32(at, 0);
    }
    let ids = [wire::REACH_FIRST_WORD, wire::REACH_LAST_WORD];
    for (id, outcome) in ids.into_iter().zip(read) {
        area.push_outcome(Kind::Reach, id, outcome);
    }
}

/// [`wire::REACH_ADDRESS_BITS`].
fn address_bits(addressed: u64) -> u32 {
    let most = addressed.trailing_zeros();
    let mut all = wire::ADDRESS_BITS.take_while(|bits| *bits < most);
    let ends = |bits: &u32| {
        let physical = 1 << bits;
        let read = probe::read32(boot::window(*bits as usize, physical));
        matches!(read, Outcome::Exception(_)) && faulting() == physical
    };
    all.find(ends).unwrap_or(most)
}

/// FAR_EL1.
fn faulting() -> u64 {
    let far: u64;
    // SAFETY: reads the address of the last abort.
    unsafe {
        asm!("mrs {}, far_el1", out(reg) far, options(nomem, nostack, preserves_flags));
    }
    far
}
