//! True random number generator firmware interface 1.0 (DEN0098).

use super::{Call, NOT_SUPPORTED, Outcome, World};
use vmlock_spec::smccc::TRNG_UUID;

/// `INVALID_PARAMETERS` (DEN0098 section 2.1).
pub const INVALID_PARAMETERS: u64 = -2i64 as u64;
/// `NO_ENTROPY`: ask again later.
pub const NO_ENTROPY: u64 = -3i64 as u64;

/// The functions that draw random bits: TRNG_RND of both widths.
pub const RANDOM: [u32; 2] = [0x8400_0053, 0xc400_0053];

const VERSION: u64 = 0x1_0000;

/// Answers a TRNG function.
pub fn answer(call: &Call, world: &mut dyn World) -> Outcome {
    match call.function {
        0x8400_0050 => Outcome::one(VERSION),
        0x8400_0051 => Outcome::one(match call.arguments[0] {
            0x8400_0050..=0x8400_0053 | 0xc400_0053 => 0,
            _ => NOT_SUPPORTED,
        }),
        0x8400_0052 => Outcome::Return(TRNG_UUID),
        0x8400_0053 => random(32, call.arguments[0] as u32, world),
        0xc400_0053 => random(64, call.arguments[0] as u32, world),
        _ => Outcome::one(NOT_SUPPORTED),
    }
}

/// TRNG_RND: up to three registers of so many bits, the lowest bits in x3 and
/// the bits beyond the requested ones zero (DEN0098 section 2.5). As in the kernel
/// (arch/arm64/kvm/trng.c `kvm_trng_do_rnd`, 5.14 to 7.3), the number of bits has
/// 32 bits itself, and asking for none succeeds.
fn random(width: u64, bits: u32, world: &mut dyn World) -> Outcome {
    let bits = u64::from(bits);
    if bits > 3 * width {
        return Outcome::one(INVALID_PARAMETERS);
    }
    let mut bytes = [0u8; 24];
    if !world.entropy(&mut bytes) {
        return Outcome::one(NO_ENTROPY);
    }
    let mut results = [0u64; 4];
    for (n, chunk) in bytes.chunks_exact(8).enumerate() {
        let wanted = bits.saturating_sub(n as u64 * width).min(width);
        let word = chunk
            .iter()
            .fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        results[3 - n] = match wanted {
            0 => 0,
            _ => word & u64::MAX >> (64 - wanted),
        };
    }
    Outcome::Return(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones(bool);

    impl World for Ones {
        fn entropy(&mut self, bytes: &mut [u8]) -> bool {
            bytes.fill(0xff);
            self.0
        }
        fn instant(&mut self, _: bool) -> Option<(u64, u64)> {
            None
        }
    }

    fn rnd(function: u32, bits: u64) -> Outcome {
        let call = Call {
            function,
            arguments: [bits, 0],
            smc: false,
        };
        answer(&call, &mut Ones(true))
    }

    #[test]
    fn exactly_the_requested_bits_are_random() {
        let m = u64::MAX;
        for (bits, expected) in [
            (1, [0, 0, 0, 1]),
            (0, [0; 4]),
            (63, [0, 0, 0, m >> 1]),
            (64, [0, 0, 0, m]),
            (65, [0, 0, 1, m]),
            (191, [0, m >> 1, m, m]),
            (192, [0, m, m, m]),
        ] {
            assert_eq!(rnd(0xc400_0053, bits), Outcome::Return(expected));
        }
        let w = 0xffff_ffff;
        for (bits, expected) in [
            (32, [0, 0, 0, w]),
            (33, [0, 0, 1, w]),
            (96, [0, w, w, w]),
            (0, [0; 4]),
            // The upper half of x1 does not count.
            (1 << 32 | 8, [0, 0, 0, 0xff]),
        ] {
            assert_eq!(rnd(0x8400_0053, bits), Outcome::Return(expected));
        }
    }

    #[test]
    fn too_many_bits_are_invalid() {
        for (function, bits) in [
            (0xc400_0053, 193),
            (0xc400_0053, u64::MAX),
            (0x8400_0053, 97),
        ] {
            assert_eq!(rnd(function, bits), Outcome::one(INVALID_PARAMETERS));
        }
    }

    #[test]
    fn a_host_without_entropy_says_so() {
        let call = Call {
            function: 0xc400_0053,
            arguments: [64, 0],
            smc: false,
        };
        assert_eq!(answer(&call, &mut Ones(false)), Outcome::one(NO_ENTROPY));
    }
}
