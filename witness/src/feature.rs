//! Optional features in use: an ID register may say what it likes, an instruction
//! does what it does.
//!
//! Encodings: Arm ARM DDI 0487, chapter C6; register fields: chapter D24.

use core::arch::asm;

use crate::boot;
use crate::place;
use crate::probe::{self, Outcome, RET, Stub};
use crate::record::Area;
use crate::sysreg::{isb, mrs, msr};
use crate::wire::{self, Kind, encoding};

static GET_SCTLR: Stub = [mrs(encoding(3, 0, 1, 0, 0)), RET];
static SET_SCTLR: Stub = [msr(encoding(3, 0, 1, 0, 0)), RET];
static GET_PFR0: Stub = [mrs(encoding(3, 0, 0, 4, 0)), RET];
static GET_PFR1: Stub = [mrs(encoding(3, 0, 0, 4, 1)), RET];
static SET_APIA_KEY_LOW: Stub = [msr(encoding(3, 0, 2, 1, 0)), RET];
static SET_APIA_KEY_HIGH: Stub = [msr(encoding(3, 0, 2, 1, 1)), RET];
/// `paciza x0`
static PACIZA: Stub = [0xdac1_23e0, RET];
/// `autiza x0`
static AUTIZA: Stub = [0xdac1_33e0, RET];

/// SCTLR_EL1.EnIA: instruction key A is used at this level.
const ENABLE_KEY_A: u64 = 1 << 31;
/// SCTLR_EL1.ATA: allocation tags can be reached from this level.
const ALLOCATION_TAGS: u64 = 1 << 43;

/// ESR_EL1.EC: SVC in AArch32; execution in an illegal state.
const SVC_AARCH32: u64 = 0x11;
const ILLEGAL_STATE: u64 = 0x0e;

/// Pointers into guest memory. An authentication code has some twenty bits: that
/// none of them is changed is no accident.
const POINTERS: [u64; 4] = [
    wire::LOAD_ADDRESS,
    wire::RECORDS_ADDRESS + 0x18,
    wire::PARAMETERS_ADDRESS + 0x1230,
    wire::RAM_BASE + 0x5678,
];

/// Records what comes of using each of them.
pub fn each(area: &mut Area) {
    let Outcome::Value(control) = probe::run(&GET_SCTLR, 0) else {
        return;
    };
    probe::run(&SET_SCTLR, control | ENABLE_KEY_A);
    isb();
    let outcome = pointers();
    area.push_outcome(Kind::Use, wire::USE_PAUTH, outcome);
    probe::run(&SET_SCTLR, control);
    isb();
    if has_aarch32() {
        area.push_outcome(Kind::Use, wire::USE_AARCH32, aarch32());
    }
    // ID_AA64PFR1_EL1.MTE: from 2 on there are tags in memory. Where there are none, LDG may read zero or
    // not exist: that binds nobody.
    let memory_tags = probe::run(&GET_PFR1, 0).map(|pfr1| pfr1 >> 8 & 0xf);
    if matches!(memory_tags, Outcome::Value(2..)) {
        probe::run(&SET_SCTLR, control | ALLOCATION_TAGS);
        isb();
        let address = boot::tagged(place::granule(area.vcpu(), area.address()));
        area.push_outcome(Kind::Use, wire::USE_MTE, tags(address));
    }
    probe::run(&SET_SCTLR, control);
    isb();
}

/// Whether the guest is told that EL0 has AArch32: ID_AA64PFR0_EL1.EL0 is 2 or more.
///
/// Where KVM says that there is none and the CPU has it all the same, as with CPUs of two kinds, KVM takes a vCPU
/// out of use that an interrupt of the host's finds in it (arch/arm64/kvm/arm.c `kvm_arch_vcpu_ioctl_run`, 5.10 to 7.3;
/// seen on an emulated A64FX).
pub fn has_aarch32() -> bool {
    let el0 = probe::run(&GET_PFR0, 0).map(|pfr0| pfr0 & 0xf);
    matches!(el0, Outcome::Value(2..))
}

/// Runs one instruction of AArch32 at EL0.
fn aarch32() -> Outcome {
    let esr = boot::aarch32();
    match esr >> 26 & 0x3f {
        SVC_AARCH32 => Outcome::Value(wire::AARCH32_RUNS),
        ILLEGAL_STATE => Outcome::Value(wire::AARCH32_ILLEGAL),
        _ => Outcome::Exception(esr),
    }
}

/// Signs and authenticates.
fn pointers() -> Outcome {
    probe::run(&SET_APIA_KEY_LOW, 0x0123_4567_89ab_cdef);
    probe::run(&SET_APIA_KEY_HIGH, 0xfedc_ba98_7654_3210);
    isb();
    let mut found = wire::PAUTH_RESTORES;
    for pointer in POINTERS {
        let signed = probe::run(&PACIZA, pointer);
        let Outcome::Value(signed) = signed else {
            return signed;
        };
        if signed != pointer {
            found |= wire::PAUTH_CHANGES;
        }
        match probe::run(&AUTIZA, signed) {
            Outcome::Value(restored) if restored == pointer => {}
            Outcome::Value(_) => found &= !wire::PAUTH_RESTORES,
            exception => return exception,
        }
    }
    Outcome::Value(found)
}

/// Writes and reads tags; leaves the granule with tag 0, as it was.
fn tags(address: u64) -> Outcome {
    let mut found = 0;
    for tag in wire::MTE_TAGS {
        match tag_round_trip(address, tag) {
            Outcome::Value(pointer) => found = found << 4 | pointer >> 56 & 0xf,
            exception => return exception,
        }
    }
    match tag_round_trip(address, 0) {
        Outcome::Value(_) => Outcome::Value(found),
        exception => exception,
    }
}

/// STG of a tag and LDG of it: gives the address with the tag that was read in bits 59:56.
fn tag_round_trip(address: u64, tag: u64) -> Outcome {
    let (pointer, esr): (u64, u64);
    // SAFETY: only the tag of a granule is written, through a mapping that nothing else uses,
    // and no access anywhere is checked against tags (SCTLR_EL1.TCF is 0). A fault is skipped.
    unsafe {
        asm!(
            "msr sp_el0, {on}",
            "mov x20, xzr",
            ".inst 0xd9200801", // stg x1, [x0]
            "dsb sy",
            ".inst 0xd9600001", // ldg x1, [x0]
            "msr sp_el0, xzr",
            on = in(reg) 1u64,
            in("x0") address,
            inout("x1") address | tag << 56 => pointer,
            out("x20") esr,
            options(nostack),
        );
    }
    Outcome::new(pointer, esr)
}
