//! Single instructions that may trap, and what became of them.
//!
//! A probe sets SP_EL0 to non-zero; the exception vector then skips the
//! instruction and puts ESR_EL1 into x20 (`boot.s`). Those two registers are
//! safe across hypercalls: SMCCC preserves x19 and up.

use core::arch::asm;
use core::mem::MaybeUninit;

use crate::wire;

/// What one instruction came to.
#[derive(Clone, Copy)]
pub enum Outcome {
    /// It gave this value.
    Value(u64),
    /// It took an exception with this ESR_EL1.
    Exception(u64),
}

/// Exception class in ESR_EL1 (Arm ARM D24.2.40): unknown reason, which is
/// what UNDEFINED instructions report.
const EC_UNKNOWN: u64 = 0x00;
/// Data abort taken without a change of exception level.
const EC_DATA_ABORT_SAME: u64 = 0x25;

impl Outcome {
    /// The value, unless there was an exception.
    pub fn new(value: u64, esr: u64) -> Outcome {
        if esr == 0 {
            Outcome::Value(value)
        } else {
            Outcome::Exception(esr)
        }
    }

    /// `wire::Record::status`.
    pub fn status(self) -> u32 {
        let Outcome::Exception(esr) = self else {
            return wire::STATUS_VALUE;
        };
        let class = (esr >> 26) & 0x3f;
        let status = match class {
            EC_UNKNOWN => wire::STATUS_UNDEFINED,
            EC_DATA_ABORT_SAME => wire::STATUS_ABORT,
            _ => wire::STATUS_EXCEPTION,
        };
        status | (class as u32) << 8
    }

    /// `wire::Record::value`.
    pub fn value(self) -> u64 {
        match self {
            Outcome::Value(value) => value,
            Outcome::Exception(esr) if (esr >> 26) & 0x3f == EC_UNKNOWN => 0,
            Outcome::Exception(esr) => esr,
        }
    }

    /// Applies `f` to a value; leaves an exception alone.
    pub fn map(self, f: impl FnOnce(u64) -> u64) -> Outcome {
        match self {
            Outcome::Value(value) => Outcome::Value(f(value)),
            exception => exception,
        }
    }
}

/// Two instructions in memory: one to be tried, which may change x0 alone,
/// and a `ret`.
pub type Stub = [u32; 2];

/// `ret`
pub const RET: u32 = 0xd65f_03c0;

/// Runs a stub with `x0` as its argument; gives x0 as it leaves it.
pub fn run(stub: &'static Stub, x0: u64) -> Outcome {
    let (value, esr): (u64, u64);
    // SAFETY: the memory map lets constants be executed. The stub changes x0
    // and what the instruction to be tried changes (system register state
    // that no Rust code depends on), and returns through the link register.
    unsafe {
        asm!(
            "msr sp_el0, {on}",
            "mov x20, xzr",
            "blr {stub}",
            "msr sp_el0, xzr",
            on = in(reg) 1u64,
            stub = in(reg) stub.as_ptr(),
            inout("x0") x0 => value,
            out("x20") esr,
            out("lr") _,
            options(nostack),
        );
    }
    Outcome::new(value, esr)
}

/// Reads 32 bits of a device, or of whatever is there.
pub fn read32(address: u64) -> Outcome {
    let (value, esr): (u64, u64);
    // SAFETY: reading changes nothing that Rust knows of, wherever it is; a
    // fault is skipped. A plain `ldr` has a syndrome
    // that every hypervisor can decode.
    unsafe {
        asm!(
            "msr sp_el0, {on}",
            "mov x20, xzr",
            "ldr {value:w}, [{address}]",
            "dsb sy",
            "msr sp_el0, xzr",
            on = in(reg) 1u64,
            address = in(reg) address,
            value = out(reg) value,
            out("x20") esr,
            options(nostack),
        );
    }
    Outcome::new(value & 0xffff_ffff, esr)
}

/// Writes 32 bits of a device; the value is meaningless.
pub fn write32(address: u64, value: u32) -> Outcome {
    let esr: u64;
    // SAFETY: the caller names a device's address, in the GiB of the memory map
    // where no Rust object lives, or an end of memory, where none does either; a
    // fault is skipped.
    unsafe {
        asm!(
            "msr sp_el0, {on}",
            "mov x20, xzr",
            "str {value:w}, [{address}]",
            "dsb sy",
            "msr sp_el0, xzr",
            on = in(reg) 1u64,
            address = in(reg) address,
            value = in(reg) value,
            out("x20") esr,
            options(nostack),
        );
    }
    Outcome::new(0, esr)
}

macro_rules! device_writes {
    ($($(#[$doc:meta])* $name:ident, $instruction:literal, $value:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(address: u64, value: $value) -> Outcome {
            let esr: u64;
            // SAFETY: as in `write32`.
            unsafe {
                asm!(
                    "msr sp_el0, {on}",
                    "mov x20, xzr",
                    $instruction,
                    "dsb sy",
                    "msr sp_el0, xzr",
                    on = in(reg) 1u64,
                    address = in(reg) address,
                    value = in(reg) value,
                    out("x20") esr,
                    options(nostack),
                );
            }
            Outcome::new(0, esr)
        }
    )*};
}

macro_rules! device_reads {
    ($($(#[$doc:meta])* $name:ident, $instruction:literal, $mask:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(address: u64) -> Outcome {
            let (value, esr): (u64, u64);
            // SAFETY: as in `read32`.
            unsafe {
                asm!(
                    "msr sp_el0, {on}",
                    "mov x20, xzr",
                    $instruction,
                    "dsb sy",
                    "msr sp_el0, xzr",
                    on = in(reg) 1u64,
                    address = in(reg) address,
                    value = out(reg) value,
                    out("x20") esr,
                    options(nostack),
                );
            }
            Outcome::new(value & $mask, esr)
        }
    )*};
}

device_reads! {
    /// Reads 8 bits of a device, or of whatever is there.
    read8, "ldrb {value:w}, [{address}]", 0xff;
    /// Reads 16 bits of a device, or of whatever is there.
    read16, "ldrh {value:w}, [{address}]", 0xffff;
    /// Reads 64 bits of a device, or of whatever is there.
    read64, "ldr {value}, [{address}]", 0xffff_ffff_ffff_ffff;
}

device_writes! {
    /// Writes 8 bits of a device; the value is meaningless.
    write8, "strb {value:w}, [{address}]", u32;
    /// Writes 16 bits of a device; the value is meaningless.
    write16, "strh {value:w}, [{address}]", u32;
    /// Writes 64 bits of a device; the value is meaningless.
    write64, "str {value}, [{address}]", u64;
}

/// The instruction that asks firmware for something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Conduit {
    /// HVC #0
    Hvc,
    /// SMC #0
    Smc,
}

/// Calls firmware with x0 to x3 (SMCCC, DEN0028); gives x0 to x3 as they come
/// back, or the ESR_EL1 of the exception that the instruction took.
pub fn call(conduit: Conduit, arguments: [u64; 4]) -> Result<[u64; 4], u64> {
    let [mut x0, mut x1, mut x2, mut x3] = arguments;
    let esr: u64;
    macro_rules! instruction {
        ($text:literal) => {
            asm!(
                "msr sp_el0, x4",
                "mov x20, xzr",
                $text,
                "msr sp_el0, xzr",
                inout("x0") x0,
                inout("x1") x1,
                inout("x2") x2,
                inout("x3") x3,
                inout("x4") 1u64 => _,
                out("x20") esr,
                // SMCCC 1.0 lets the callee change all of these.
                out("x5") _, out("x6") _, out("x7") _, out("x8") _, out("x9") _,
                out("x10") _, out("x11") _, out("x12") _, out("x13") _, out("x14") _,
                out("x15") _, out("x16") _, out("x17") _,
                options(nostack),
            )
        };
    }
    // SAFETY: the caller of a function that changes the machine (CPU_ON,
    // SYSTEM_OFF) means it to; every other one leaves memory and the registers
    // not named here alone.
    unsafe {
        match conduit {
            Conduit::Hvc => instruction!("hvc #0"),
            Conduit::Smc => instruction!("smc #0"),
        }
    }
    if esr == 0 {
        Ok([x0, x1, x2, x3])
    } else {
        Err(esr)
    }
}

/// Calls firmware with [`wire::SENTINEL`] plus its number in each of x1 to x17; gives x0 to x17 as they come back, or
/// the ESR_EL1 of the exception that the instruction took.
pub fn call_with_all(
    conduit: Conduit,
    function: u32,
    room: &mut MaybeUninit<[u64; 18]>,
) -> Result<&[u64; 18], u64> {
    let esr: u64;
    macro_rules! instruction {
        ($text:literal) => {
            asm!(
                // x20 to x22 and SP_EL0 are the callee's to preserve (SMCCC 1.0).
                "msr sp_el0, x20",
                "mov x20, xzr",
                "add x1, x21, #1",
                "add x2, x21, #2",
                "add x3, x21, #3",
                "add x4, x21, #4",
                "add x5, x21, #5",
                "add x6, x21, #6",
                "add x7, x21, #7",
                "add x8, x21, #8",
                "add x9, x21, #9",
                "add x10, x21, #10",
                "add x11, x21, #11",
                "add x12, x21, #12",
                "add x13, x21, #13",
                "add x14, x21, #14",
                "add x15, x21, #15",
                "add x16, x21, #16",
                "add x17, x21, #17",
                $text,
                "stp x0, x1, [x22]",
                "stp x2, x3, [x22, #16]",
                "stp x4, x5, [x22, #32]",
                "stp x6, x7, [x22, #48]",
                "stp x8, x9, [x22, #64]",
                "stp x10, x11, [x22, #80]",
                "stp x12, x13, [x22, #96]",
                "stp x14, x15, [x22, #112]",
                "stp x16, x17, [x22, #128]",
                "msr sp_el0, xzr",
                inout("x0") u64::from(function) => _,
                inout("x20") 1u64 => esr,
                in("x21") wire::SENTINEL,
                in("x22") room.as_mut_ptr(),
                out("x1") _, out("x2") _, out("x3") _, out("x4") _, out("x5") _, out("x6") _,
                out("x7") _, out("x8") _, out("x9") _, out("x10") _, out("x11") _, out("x12") _, out("x13") _,
                out("x14") _, out("x15") _, out("x16") _, out("x17") _,
                options(nostack),
            )
        };
    }
    // SAFETY: the callers' functions change nothing but the registers named here, and the array that x22 points to
    // is written within its bounds.
    unsafe {
        match conduit {
            Conduit::Hvc => instruction!("hvc #0"),
            Conduit::Smc => instruction!("smc #0"),
        }
    }
    if esr != 0 {
        return Err(esr);
    }
    // SAFETY: all eighteen were stored above.
    Ok(unsafe { room.assume_init_ref() })
}
