//! The guest whose first instruction is timed: a kernel Image whose entry says one byte on the
//! console and then ends, or waits.
//!
//! It is a real kernel with another entry, so loading it is part of what is measured. The byte leaves the
//! guest with its fifth instruction; no one outside can see an earlier one. And a guest that is nothing but
//! SYSTEM_OFF, where it is the start and the end of the process that count. And one that says its byte again and again,
//! so that a restored one is heard as soon as it goes on.

use crate::failure::{Failure, Result};

/// The byte that the guest sends.
pub const MARK: u8 = b'!';

/// Address of the PL011's data register on QEMU's `virt` machine (`hw/arm/virt.c`, `VIRT_UART`).
pub const QEMU_UART: u32 = 0x0900_0000;

/// What the guest does once it has sent its byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It powers off.
    PowerOff,
    /// It waits for interrupts, and none is enabled.
    Wait,
}

/// Where the entry's own code goes: behind the 64-byte header that loaders read.
const CODE: usize = 64;

/// `text_offset`, `image_size` and `flags` of the header, and its magic (Documentation/arch/arm64/booting.rst).
const SIZE: usize = 16;
const MAGIC: usize = 56;

/// PSCI SYSTEM_OFF (Arm DEN 0022): `mov w0, #0x84000008`, `hvc #0`, `b .`
const SYSTEM_OFF: [u32; 4] = [movz(0, 0x0008), movk(0, 0x8400), 0xd400_0002, 0x1400_0000];

/// A kernel Image that powers off.
pub fn off() -> Vec<u8> {
    let mut image = vec![0; CODE];
    image[..4].copy_from_slice(&OVER_THE_HEADER.to_le_bytes());
    image.extend(SYSTEM_OFF.iter().flat_map(|word| word.to_le_bytes()));
    let size = image.len() as u64;
    image[SIZE..SIZE + 8].copy_from_slice(&size.to_le_bytes());
    image[MAGIC..MAGIC + 4].copy_from_slice(b"ARM\x64");
    image
}

/// `b .+64`, the header's first instruction.
const OVER_THE_HEADER: u32 = 0x1400_0010;

/// The kernel Image with an entry that first fills memory up to `until`, an address below 4 GiB, then says its byte about ten
/// thousand times a second for ever. Zero fills nothing but 16 bytes. It fills from an address on that is a multiple of 16, as
/// `until` has to be: what goes over the end of memory is an abort.
pub fn ticking(kernel: &[u8], uart: u32, until: u32) -> Result<Vec<u8>> {
    let code = [
        movz(1, uart & 0xffff),
        movk(1, uart >> 16),
        movz(2, u32::from(MARK)),
        0x1000_7fa3, // adr x3, .+4084
        movz(4, until & 0xffff),
        movk(4, until >> 16),
        0xaa03_03e6,     // mov x6, x3
        0xa881_1866,     // stp x6, x6, [x3], #16
        0xeb04_007f,     // cmp x3, x4
        0x54ff_ffa3,     // b.lo .-12
        0x3900_0022,     // strb w2, [x1]
        movz(5, 25_000), // of two instructions
        0x7100_04a5,     // subs w5, w5, #1
        0x54ff_ffe1,     // b.ne .-4
        0x17ff_fffc,     // b .-16
    ];
    entered(kernel, &code)
}

/// The kernel Image with another entry. `uart` is where a byte has to be written to be sent.
pub fn image(kernel: &[u8], uart: u32, then: Then) -> Result<Vec<u8>> {
    let code = [
        movz(1, uart & 0xffff),
        movk(1, uart >> 16),
        movz(2, u32::from(MARK)),
        0x3900_0022, // strb w2, [x1]
    ];
    let end = match then {
        Then::PowerOff => SYSTEM_OFF,
        Then::Wait => [
            0xd503_207f, // wfi
            0x17ff_ffff, // b .-4
            0xd503_201f, // nop
            0xd503_201f, // nop
        ],
    };
    let code: Vec<u32> = code.into_iter().chain(end).collect();
    entered(kernel, &code)
}

/// The kernel Image with that code behind its header.
fn entered(kernel: &[u8], code: &[u32]) -> Result<Vec<u8>> {
    let mut image = kernel.to_vec();
    let mut put = |at: usize, instruction: u32| {
        image
            .get_mut(at..at + 4)
            .map(|slot| slot.copy_from_slice(&instruction.to_le_bytes()))
            .ok_or_else(|| Failure::environment("the guest's kernel Image is too short to be one"))
    };
    put(0, OVER_THE_HEADER)?;
    for (place, instruction) in code.iter().enumerate() {
        put(CODE + 4 * place, *instruction)?;
    }
    Ok(image)
}

/// `movz wN, #value`
const fn movz(register: u32, value: u32) -> u32 {
    0x5280_0000 | value << 5 | register
}

/// `movk wN, #value, lsl #16`
const fn movk(register: u32, value: u32) -> u32 {
    0x72a0_0000 | value << 5 | register
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instructions are those that GNU as makes of the comments.
    #[test]
    fn the_entry_is_what_an_assembler_makes_of_it() {
        let image = image(&[0; 128], 0x0900_1234, Then::PowerOff).unwrap();
        let words: Vec<u32> = image
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        assert_eq!(words[0], 0x1400_0010);
        assert_eq!(
            words[16..24],
            [
                0x5282_4681,
                0x72a1_2001,
                0x5280_0422,
                0x3900_0022,
                0x5280_0100,
                0x72b0_8000,
                0xd400_0002,
                0x1400_0000
            ]
        );
        assert!(super::image(&[0; 64], 0, Then::Wait).is_err());
        let image = ticking(&[0; 128], 0x0900_1234, 0x5000_0000).unwrap();
        let (words, _) = image.as_chunks::<4>();
        let words: Vec<u32> = words.iter().map(|b| u32::from_le_bytes(*b)).collect();
        assert_eq!(
            words[16..31],
            [
                0x5282_4681,
                0x72a1_2001,
                0x5280_0422,
                0x1000_7fa3,
                0x5280_0004,
                0x72aa_0004,
                0xaa03_03e6,
                0xa881_1866,
                0xeb04_007f,
                0x54ff_ffa3,
                0x3900_0022,
                0x528c_3505,
                0x7100_04a5,
                0x54ff_ffe1,
                0x17ff_fffc
            ]
        );
    }
}
