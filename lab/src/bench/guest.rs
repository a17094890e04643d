//! The guest whose first instruction is timed: a kernel Image whose entry says one byte on the console
//! and then ends, or waits.
//!
//! It is as large as a real kernel, because it is one with another entry: loading it is part of
//! what is measured. The byte leaves the guest with its fourth instruction; a timer outside cannot see any earlier one.

use crate::failure::{Failure, Result};

/// The byte that the guest sends.
pub const MARK: u8 = b'!';

/// Address of the PL011's data register on QEMU's `virt` machine (hw/arm/virt.c, VIRT_UART0).
pub const QEMU_UART: u32 = 0x0900_0000;

/// What the guest does once it has sent its byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// PSCI SYSTEM_OFF (Arm DEN 0022, 0x8400_0008).
    PowerOff,
    /// It waits for interrupts, none of which is enabled.
    Wait,
}

/// Where the entry's own code is in the Image: behind the 64-byte header.
const CODE: usize = 64;

/// `b #64`: the header's first instruction.
const BRANCH_OVER_HEADER: u32 = 0x1400_0000 | (CODE as u32 / 4);

/// The kernel Image with another entry.
pub fn image(kernel: &[u8], uart: u32, then: Then) -> Result<Vec<u8>> {
    let mut code = vec![
        movz_w(1, uart & 0xffff, 0),
        movk_w(1, uart >> 16),
        movz_w(2, u32::from(MARK), 0),
        0x3900_0022, // strb w2, [x1]
    ];
    code.extend(match then {
        Then::PowerOff => [
            movz_w(0, 0x8400, 1),
            0x3200_0000 | 29 << 16 | 1, // see the test: orr w0, w0, #8
            0xd400_0002,                // hvc #0
            0x1400_0000,                // b .
        ],
        Then::Wait => [
            0xd503_207f, // wfi
            0x17ff_ffff, // b .-4
            0xd503_201f, // nop
            0xd503_201f,
        ],
    });
    let mut image = kernel.to_vec();
    let room = image
        .get_mut(CODE..CODE + 4 * code.len())
        .ok_or_else(|| Failure::bug("a kernel Image without code"))?;
    for (slot, instruction) in room.chunks_exact_mut(4).zip(code) {
        slot.copy_from_slice(&instruction.to_le_bytes());
    }
    image[..4].copy_from_slice(&BRANCH_OVER_HEADER.to_le_bytes());
    Ok(image)
}

/// `movz wN, #value, lsl #(16 * half)`
fn movz_w(register: u32, value: u32, half: u32) -> u32 {
    0x5280_0000 | half << 21 | value << 5 | register
}

/// `movk wN, #value, lsl #16`
fn movk_w(register: u32, value: u32) -> u32 {
    0x72a0_0000 | value << 5 | register
}
