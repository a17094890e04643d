//! Every register, read and written in every width, aligned and not.

use core::arch::asm;

use super::{ENABLE_GROUP_1, Guest, SGI_FRAME, read, write};
use crate::boot;
use crate::probe::Outcome;
use crate::table::{self, ACCESSED, ACCESSES, Frame, REGISTERS, Register, SWEEP, SWEPT, WRITTEN};

/// Bytes of a frame's page of registers, across whose end nothing is accessed.
const PAGE: u32 = 0x1_0000;

impl Guest<'_> {
    /// Tries all of them.
    pub fn registers(&self) {
        if self.chosen(1) {
            self.sweep();
        }
        for (number, register) in (0..).zip(&REGISTERS) {
            for (way, &(width, offset)) in (0..).zip(&ACCESSES) {
                if register.offset % PAGE + offset + width > PAGE {
                    continue;
                }
                let address = self.base(register.frame) + u64::from(register.offset + offset);
                let key = |what, look| table::key(ACCESSED, [number, way, what, 0, look]);
                self.log(key(0, 0), seen(load(address, width)));
                for (what, &value) in (1..).zip(&WRITTEN) {
                    self.log(key(what, 0), seen(store(address, width, value)));
                    // Everything that it can have reached: two words from its beginning on.
                    let base = self.base(register.frame) + u64::from(register.offset & !3);
                    for look in 1..=2 {
                        let address = base + 4 * (look - 1);
                        if register.offset % PAGE + 4 * look as u32 <= PAGE {
                            self.log(key(what, look), read(address).into());
                        }
                    }
                }
                self.restore(register);
            }
        }
    }

    /// Every word of the frames that is not zero.
    fn sweep(&self) {
        for (number, &(frame, size)) in (0..).zip(&SWEEP) {
            if frame == Frame::Others && self.parameters.vcpus < 2 {
                continue;
            }
            for offset in (0..size).step_by(4) {
                let value = read(self.base(frame) + u64::from(offset));
                if value != 0 {
                    let key = table::key(SWEPT, [number, 0, 0, 0, offset.into()]);
                    self.log(key, value.into());
                }
            }
        }
    }

    /// Undoes what writing a register, and the one behind it, can have done.
    fn restore(&self, register: &Register) {
        let base = self.base(register.frame);
        let offset = u64::from(register.offset & !3);
        let twice = |offset: u64, value: u32| {
            write(base + offset, value);
            write(base + offset + 4, value);
        };
        match (register.frame, offset % SGI_FRAME) {
            (Frame::Distributor, 0x0) => write(base, ENABLE_GROUP_1),
            (_, 0x80..0x100) => twice(offset, u32::MAX),
            // The clearing register is behind the setting one.
            (_, 0x100..0x180 | 0x200..0x280 | 0x300..0x380) => twice(offset + 0x80, u32::MAX),
            (_, 0x400..0x800) => twice(offset, 0x8080_8080),
            (_, 0xc00..0xd00 | 0x6000..0x8000 | 0x70..0x80) => twice(offset, 0),
            _ => {}
        }
    }
}

/// What came of an access, as it is written down: an exception's syndrome has more than any value of a device
/// of 32 bits, and none of 64 has such a class.
fn seen(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Value(value) => value,
        Outcome::Exception(syndrome) => 1 << 63 | syndrome,
    }
}

/// Where an access of so many bytes goes: where it is not aligned, through a mapping as memory, since that of devices
/// has alignment faults.
fn place(address: u64, width: u32) -> u64 {
    match address.is_multiple_of(width.into()) {
        true => address,
        false => boot::device_as_memory(address),
    }
}

macro_rules! probed {
    ($address:expr, $value:expr, $instruction:literal) => {{
        let mut value: u64 = $value;
        let esr: u64;
        // SAFETY: a device's register, where no Rust object lives; a fault is skipped.
        unsafe {
            asm!(
                "msr sp_el0, {on}",
                "mov x20, xzr",
                $instruction,
                "dsb sy",
                "msr sp_el0, xzr",
                on = in(reg) 1u64,
                address = in(reg) $address,
                value = inout(reg) value,
                out("x20") esr,
                options(nostack),
            );
        }
        Outcome::new(value, esr)
    }};
}

/// Reads so many bytes.
fn load(address: u64, width: u32) -> Outcome {
    let address = place(address, width);
    match width {
        1 => probed!(address, 0, "ldrb {value:w}, [{address}]"),
        2 => probed!(address, 0, "ldrh {value:w}, [{address}]"),
        4 => probed!(address, 0, "ldr {value:w}, [{address}]"),
        _ => probed!(address, 0, "ldr {value}, [{address}]"),
    }
}

/// Writes so many bytes; the value is meaningless.
fn store(address: u64, width: u32, value: u64) -> Outcome {
    let address = place(address, width);
    match width {
        1 => probed!(address, value, "strb {value:w}, [{address}]"),
        2 => probed!(address, value, "strh {value:w}, [{address}]"),
        4 => probed!(address, value, "str {value:w}, [{address}]"),
        _ => probed!(address, value, "str {value}, [{address}]"),
    }
    .map(|_| 0)
}
