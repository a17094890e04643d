//! Reads the system registers: those of `vmlock_wire::registers`, every cache, and every vector length.

use core::arch::asm;

use crate::asks;
use crate::probe::{self, Outcome, RET, Stub};
use crate::record::Area;
use crate::wire::registers::{ID_SPACE, IDENTIFICATION, OTHERS, WRITABLE, of_id_space};
use crate::wire::{self, Kind, encoding};

/// Registers of a light look; they are the first ones of a full one.
const LIGHT: usize = ID_SPACE + IDENTIFICATION.len();
const COUNT: usize = LIGHT + OTHERS.len();

/// A register and whether to keep its value, by position in [`STUBS`].
const fn entry(index: usize) -> (u64, bool) {
    if index < ID_SPACE {
        return (of_id_space(index), true);
    }
    let register = match index < LIGHT {
        true => IDENTIFICATION[index - ID_SPACE],
        false => OTHERS[index - LIGHT],
    };
    (register.id, register.value)
}

/// `mrs x0, <id>` (Arm ARM C6.2: MRS; the id is bits 20:5 of the instruction).
pub const fn mrs(id: u64) -> u32 {
    0xd520_0000 | (id as u32) << 5
}

/// `msr <id>, x0`
pub const fn msr(id: u64) -> u32 {
    0xd500_0000 | (id as u32) << 5
}

/// One readable instruction per register, made when the witness is compiled.
static STUBS: [Stub; COUNT] = {
    let mut stubs = [[0, RET]; COUNT];
    let mut i = 0;
    while i < COUNT {
        stubs[i][0] = mrs(entry(i).0);
        i += 1;
    }
    stubs
};

static ENTRIES: [(u64, bool); COUNT] = {
    let mut entries = [(0, true); COUNT];
    let mut i = 0;
    while i < COUNT {
        entries[i] = entry(i);
        i += 1;
    }
    entries
};

/// Records the registers that a light look is about, and every cache.
pub fn light(area: &mut Area) {
    read(area, 0..LIGHT);
    caches(area);
}

/// Records every register, every cache and every vector length.
pub fn full(area: &mut Area) {
    read(area, 0..COUNT);
    caches(area);
    vector_lengths(area);
    writable(area);
}

fn read(area: &mut Area, range: core::ops::Range<usize>) {
    // The interface registers are UNDEFINED while SRE is 0, which is what
    // hardware without a hypervisor may come up with. KVM's is always 1.
    if !cfg!(feature = "living") {
        probe::run(&SET_SRE, 1);
        isb();
    }
    for ((id, keep), stub) in ENTRIES
        .iter()
        .zip(&STUBS)
        .skip(range.start)
        .take(range.len())
        .filter(|((id, _), _)| asks(Kind::SystemRegister, *id))
    {
        let outcome = probe::run(stub, 0);
        let outcome = match keep {
            true => outcome,
            false => outcome.map(|_| 0),
        };
        area.push_outcome(Kind::SystemRegister, *id, outcome);
    }
}

static SET_SRE: Stub = [msr(encoding(3, 0, 12, 12, 5)), RET];
static SET_CSSELR: Stub = [msr(encoding(3, 2, 0, 0, 0)), RET];
static GET_CSSELR: Stub = [mrs(encoding(3, 2, 0, 0, 0)), RET];
static GET_CCSIDR: Stub = [mrs(encoding(3, 1, 0, 0, 0)), RET];
static SET_ZCR: Stub = [msr(encoding(3, 0, 1, 2, 0)), RET];
static GET_ZCR: Stub = [mrs(encoding(3, 0, 1, 2, 0)), RET];
/// `rdvl x0, #1`
static RDVL: Stub = [0x04bf_5020, RET];

/// CCSIDR_EL1 of all seven levels, data or unified and instruction, named by
/// CLIDR_EL1 or not; then CSSELR_EL1 as it holds what was written last.
fn caches(area: &mut Area) {
    for selector in 0..14 {
        probe::run(&SET_CSSELR, selector);
        isb();
        area.push_outcome(Kind::Ccsidr, selector, probe::run(&GET_CCSIDR, 0));
    }
    area.push_outcome(
        Kind::SystemRegister,
        encoding(3, 2, 0, 0, 0),
        probe::run(&GET_CSSELR, 0),
    );
    probe::run(&SET_CSSELR, 0);
    isb();
}

/// The vector length that each ZCR_EL1.LEN gives, where there is SVE.
fn vector_lengths(area: &mut Area) {
    // A shorter vector loses what a longer one held.
    if !asks(Kind::SveVectorLength, 0) {
        return;
    }
    let before = probe::run(&GET_ZCR, 0);
    if before.status() != wire::STATUS_VALUE {
        return;
    }
    for length in 0..16 {
        probe::run(&SET_ZCR, length);
        isb();
        area.push_outcome(Kind::SveVectorLength, length, probe::run(&RDVL, 0));
    }
    probe::run(&SET_ZCR, before.value());
    isb();
}

static SET_WRITABLE: [Stub; WRITABLE.len()] = writable_stubs(msr(0));
static GET_WRITABLE: [Stub; WRITABLE.len()] = writable_stubs(mrs(0));

const fn writable_stubs(instruction: u32) -> [Stub; WRITABLE.len()] {
    let mut stubs = [[instruction, RET]; WRITABLE.len()];
    let mut i = 0;
    while i < WRITABLE.len() {
        stubs[i][0] |= (WRITABLE[i].id as u32) << 5;
        i += 1;
    }
    stubs
}

/// As many as the widest of them has bits: beyond, a CPU may take a binary point for a negative one.
const ONES: u64 = 0xff;

/// What is read back after all ones (bits 63:32) and after zero (31:0); the first content is put back.
fn writable(area: &mut Area) {
    let all = WRITABLE.iter().zip(&SET_WRITABLE).zip(&GET_WRITABLE);
    for ((register, set), get) in
        all.filter(|((register, _), _)| asks(Kind::SystemRegisterWritable, register.id))
    {
        let written = |value| {
            probe::run(set, value);
            isb();
            probe::run(get, 0)
        };
        let before = probe::run(get, 0);
        let outcome = match before {
            Outcome::Value(before) => {
                let ones = written(ONES);
                let zeros = written(0);
                written(before);
                ones.map(|ones| ones << 32 | zeros.value())
            }
            exception => exception,
        };
        area.push_outcome(Kind::SystemRegisterWritable, register.id, outcome);
    }
}

/// What was written to system registers holds from here on.
pub fn isb() {
    // SAFETY: a barrier, nothing else.
    unsafe { asm!("isb", options(nostack, preserves_flags)) };
}

/// The virtual counter, not read ahead of earlier instructions.
pub fn now() -> u64 {
    let ticks;
    // SAFETY: CNTVCT_EL0 is readable at EL1 in every implementation.
    unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack, preserves_flags)) };
    ticks
}

/// Ticks of [`now`] per second, as CNTFRQ_EL0 has it.
pub fn frequency() -> u64 {
    let hertz: u64;
    // SAFETY: CNTFRQ_EL0 is readable at EL1 in every implementation.
    unsafe { asm!("mrs {}, cntfrq_el0", out(reg) hertz, options(nomem, nostack, preserves_flags)) };
    hertz
}
