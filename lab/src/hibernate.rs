//! The guest of `examples/hibernate.vm.kdl`: a few instructions in the form of an arm64 Image that ask
//! PSCI for SYSTEM_OFF2 (DEN0022 section 5.11) and hibernate by it.
//!
//! It asks PSCI_FEATURES what SYSTEM_OFF2 can do, tries a type that does not exist, and then hibernates.
//! Where an answer is not the one that PSCI 1.3 gives, it asks for a reset, which ends `vmlock-run start`
//! with another exit code.

use crate::failure::Result;
use crate::guest::put;
use std::path::Path;

/// Name of the guest's kernel in its directory.
pub const IMAGE: &str = "hibernate.Image";

/// Exit code of `vmlock-run start` when a guest asked to be hibernated.
pub const HIBERNATED: u8 = 12;

const PSCI_FEATURES: u32 = 0x8400_000a;
const SYSTEM_RESET: u32 = 0x8400_0009;
const SYSTEM_OFF2: u32 = 0xc400_0015;

/// Puts the guest into a directory.
pub fn provide(dir: &Path) -> Result<()> {
    put(&dir.join(IMAGE), &image())
}

/// Bytes of an Image's header (Documentation/arch/arm64/booting.rst section 4).
const HEADER: usize = 64;

fn image() -> Vec<u8> {
    let mut code = Vec::new();
    let mut failures = Vec::new();
    // PSCI_FEATURES(SYSTEM_OFF2) is 1: the one type is HIBERNATE_OFF.
    set(&mut code, 0, PSCI_FEATURES);
    set(&mut code, 1, SYSTEM_OFF2);
    code.push(HVC);
    code.push(0xd100_0400); // sub x0, x0, #1
    failures.push(code.len());
    code.push(CBNZ_X0);
    // SYSTEM_OFF2 of type 2 is INVALID_PARAMETERS, -2.
    set(&mut code, 0, SYSTEM_OFF2);
    set(&mut code, 1, 2);
    set(&mut code, 2, 0);
    code.push(HVC);
    code.push(0x9100_0800); // add x0, x0, #2
    failures.push(code.len());
    code.push(CBNZ_X0);
    // SYSTEM_OFF2 of type 1 does not return.
    set(&mut code, 0, SYSTEM_OFF2);
    set(&mut code, 1, 1);
    set(&mut code, 2, 0);
    code.push(HVC);
    let failed = code.len();
    for at in failures {
        code[at] |= ((failed - at) as u32) << 5;
    }
    set(&mut code, 0, SYSTEM_RESET);
    code.push(HVC);
    code.push(0x1400_0000); // b .

    let size = (HEADER + 4 * code.len()) as u64;
    let mut bytes = Vec::new();
    bytes.extend(0x1400_0010u32.to_le_bytes()); // b to the first byte after the header
    bytes.extend([0; 4]);
    bytes.extend(0u64.to_le_bytes()); // offset from a 2 MiB boundary
    bytes.extend(size.to_le_bytes());
    bytes.extend(0b1010u64.to_le_bytes()); // little-endian, 4 KiB pages, anywhere in memory
    bytes.extend([0; 24]);
    bytes.extend(*b"ARM\x64");
    bytes.extend([0; 4]);
    bytes.extend(code.iter().flat_map(|word| word.to_le_bytes()));
    bytes
}

/// `hvc #0`
const HVC: u32 = 0xd400_0002;
/// `cbnz x0, …`, to be completed with the distance in words.
const CBNZ_X0: u32 = 0xb500_0000;

/// `movz w<register>, #low` and `movk w<register>, #high, lsl #16`
fn set(code: &mut Vec<u32>, register: u32, value: u32) {
    code.push(0x5280_0000 | (value & 0xffff) << 5 | register);
    code.push(0x72a0_0000 | (value >> 16) << 5 | register);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_has_the_header_that_loaders_look_for() {
        let image = image();
        assert_eq!(&image[56..60], b"ARM\x64");
        assert_eq!(
            u64::from_le_bytes(image[16..24].try_into().unwrap()),
            image.len() as u64
        );
        // The branch of the header leads to the first instruction: movz w0, #0xa.
        assert_eq!(&image[HEADER..HEADER + 4], 0x5280_0140u32.to_le_bytes());
        // The last instruction stays where it is.
        assert_eq!(&image[image.len() - 4..], 0x1400_0000u32.to_le_bytes());
    }
}
