//! The interrupt controller as a guest sees it: what the distributor and this
//! vCPU's redistributor say about themselves, and which bits can be written.
//!
//! Which registers: `vmlock_wire::frames`.

use crate::asks;
use crate::probe::{self, Outcome};
use crate::record::Area;
use crate::wire::frames::{
    DISTRIBUTOR, DISTRIBUTOR_WRITABLE, GICD_IGROUPR, REDISTRIBUTOR, REDISTRIBUTOR_WRITABLE,
    Register,
};
use crate::wire::{self, Kind, STATUS_VALUE, Search};

const GICD_TYPER: u64 = 0x4;

/// Records the distributor whose frame is at `base`.
pub fn distributor(area: &mut Area, base: u64) {
    let mut read = [Outcome::Value(0); DISTRIBUTOR_WRITABLE.len()];
    each(
        area,
        Kind::Gicd,
        base,
        (DISTRIBUTOR, DISTRIBUTOR_WRITABLE),
        &mut read,
    );
    // ITLinesNumber: interrupts in units of 32, less one; the first unit is
    // each redistributor's own.
    let lines = match probe::read32(base + GICD_TYPER) {
        Outcome::Value(typer) => typer & 31,
        Outcome::Exception(_) => 0,
    };
    for word in 1..=lines {
        let offset = GICD_IGROUPR + 4 * word;
        if !asks(Kind::Gicd, offset) {
            continue;
        }
        let before = probe::read32(base + offset);
        area.push_outcome(Kind::Gicd, offset, before);
        writable(area, Kind::GicdWritable, base, offset, before);
    }
    for (&offset, &before) in DISTRIBUTOR_WRITABLE.iter().zip(&read) {
        writable(area, Kind::GicdWritable, base, offset, before);
    }
}

/// Records registers of the frame at `base`, and leaves in `read` what those were that are to be written.
fn each(
    area: &mut Area,
    kind: Kind,
    base: u64,
    (registers, to_write): (&[Register], &[u64]),
    read: &mut [Outcome],
) {
    for &(offset, _) in registers.iter().filter(|(offset, _)| asks(kind, *offset)) {
        let outcome = probe::read32(base + offset);
        area.push_outcome(kind, offset, outcome);
        let kept = read.iter_mut().zip(to_write);
        for (kept, _) in kept.filter(|(_, written)| **written == offset) {
            *kept = outcome;
        }
    }
}

/// Records how many distributors and redistributors there are in these ranges of
/// guest-physical space. Both have 0x3b in PIDR2 (GICv3, Arm)
/// and Arm's implementer in IIDR, which lies at different offsets.
pub fn search<'a>(area: &mut Area, ranges: impl Iterator<Item = &'a Search>) {
    const PIDR2: u64 = 0xffe8;
    const GICV3_OF_ARM: u64 = 0x3b;
    const IMPLEMENTER: u64 = 0xfff;
    const ARM: u64 = 0x43b;
    let holds = |address, mask, value| matches!(probe::read32(address), Outcome::Value(read) if read & mask == value);
    let mut found = [0u64; 4];
    let frames = |range: &Search| {
        let base = range.base;
        (0..range.frames.min(wire::MAX_FRAMES))
            .map(move |frame| base.wrapping_add(frame * wire::FRAME_SIZE))
    };
    for base in ranges.flat_map(frames) {
        if !holds(base + PIDR2, u64::MAX, GICV3_OF_ARM) {
            continue;
        }
        let (number, sum) = if holds(base + 8, IMPLEMENTER, ARM) {
            (
                wire::SEARCH_DISTRIBUTORS,
                wire::SEARCH_DISTRIBUTOR_ADDRESSES,
            )
        } else if holds(base + 4, IMPLEMENTER, ARM) {
            (
                wire::SEARCH_REDISTRIBUTORS,
                wire::SEARCH_REDISTRIBUTOR_ADDRESSES,
            )
        } else {
            continue;
        };
        for (at, more) in [(number, 1), (sum, base)] {
            if let Some(slot) = found.get_mut(at as usize) {
                *slot = slot.wrapping_add(more);
            }
        }
    }
    for (id, value) in (0..).zip(found) {
        area.push(Kind::Search, id, STATUS_VALUE, value);
    }
}

/// Records this vCPU's own redistributor, whose frames are at `base`.
pub fn redistributor(area: &mut Area, base: u64) {
    let mut read = [Outcome::Value(0); REDISTRIBUTOR_WRITABLE.len()];
    each(
        area,
        Kind::Gicr,
        base,
        (REDISTRIBUTOR, REDISTRIBUTOR_WRITABLE),
        &mut read,
    );
    for (&offset, &before) in REDISTRIBUTOR_WRITABLE.iter().zip(&read) {
        writable(area, Kind::GicrWritable, base, offset, before);
    }
}

/// Of the redistributor at `base`: the affinity of its vCPU, its size, and whether it is the last of its region
/// (GICR_TYPER; with VLPIS it has two more frames). `None` where nothing answers.
#[cfg(feature = "portable")]
pub fn typer(base: u64) -> Option<(u64, u64, bool)> {
    const GICR_TYPER: u64 = 0x8;
    let (Outcome::Value(low), Outcome::Value(high)) = (
        probe::read32(base + GICR_TYPER),
        probe::read32(base + GICR_TYPER + 4),
    ) else {
        return None;
    };
    let affinity = high & 0xff_ffff | high >> 24 << 32;
    let size = wire::REDISTRIBUTOR_SIZE << (low >> 1 & 1);
    Some((affinity, size, low >> 4 & 1 == 1))
}

fn writable(area: &mut Area, kind: Kind, base: u64, offset: u64, before: Outcome) {
    if asks(kind, offset) {
        let outcome = write_and_restore(base + offset, before);
        area.push_outcome(kind, offset, outcome);
    }
}

/// What is read back after all ones (bits 63:32) and after zero (31:0), or the
/// first exception on the way; `before` is what was read last. Each access may cost a
/// trip to the host's userspace, so none is made twice.
fn write_and_restore(address: u64, before: Outcome) -> Outcome {
    let Outcome::Value(before) = before else {
        return before;
    };
    let ones = write_and_read(address, u32::MAX);
    let zeros = write_and_read(address, 0);
    let restored = match zeros {
        Outcome::Value(zeros) if zeros == before => Outcome::Value(0),
        _ => probe::write32(address, before as u32),
    };
    match (ones, zeros) {
        (Outcome::Value(ones), Outcome::Value(zeros)) if restored.status() == STATUS_VALUE => {
            Outcome::Value(ones << 32 | zeros)
        }
        (Outcome::Exception(_), _) => ones,
        (_, Outcome::Exception(_)) => zeros,
        _ => restored,
    }
}

fn write_and_read(address: u64, value: u32) -> Outcome {
    match probe::write32(address, value) {
        Outcome::Value(_) => probe::read32(address),
        exception => exception,
    }
}
