//! SHA-256 (FIPS 180-4), by which locks name what they were made of.
//!
//! It is here, and no dependency: what is hashed are a few kilobytes that are no secret, and who has this crate builds
//! nothing for it.

/// First 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2).
#[rustfmt::skip]
const ROUND: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// The same of the square roots of the first eight (section 5.3.3).
#[rustfmt::skip]
const START: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// Bytes of a block.
const BLOCK: usize = 64;

/// The digest of all these bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut state = START;
    for block in blocks {
        state = compress(state, block);
    }
    // A bit that is set, zeros, and in the last eight bytes the number of bits (section 5.1.1).
    let mut last = [0; 2 * BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    let end = match rest.len() < BLOCK - 8 {
        true => BLOCK,
        false => 2 * BLOCK,
    };
    let bits = (bytes.len() as u64).wrapping_mul(8);
    last[end - 8..end].copy_from_slice(&bits.to_be_bytes());
    for block in last[..end].as_chunks::<BLOCK>().0 {
        state = compress(state, block);
    }
    let mut out = [0; 32];
    for (bytes, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    out
}

/// `sha256-` and the 64 hex digits of it.
pub fn named(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(NAME.len() + 64);
    text.push_str(NAME);
    for byte in digest(bytes) {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

/// How a digest says what it is.
const NAME: &str = "sha256-";

/// The state after one more block (section 6.2.2).
fn compress(state: [u32; 8], block: &[u8; BLOCK]) -> [u32; 8] {
    let mut words = [0; 64];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for at in 16..64 {
        let (low, high) = (words[at - 15], words[at - 2]);
        let low = low.rotate_right(7) ^ low.rotate_right(18) ^ low >> 3;
        let high = high.rotate_right(17) ^ high.rotate_right(19) ^ high >> 10;
        let sum = low.wrapping_add(high).wrapping_add(words[at - 7]);
        words[at] = sum.wrapping_add(words[at - 16]);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    for (word, round) in words.iter().zip(ROUND) {
        let sum = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = e & f ^ !e & g;
        let first = h.wrapping_add(sum).wrapping_add(choice);
        let first = first.wrapping_add(round).wrapping_add(*word);
        let sum = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let second = sum.wrapping_add(a & b ^ a & c ^ b & c);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
    }
    let mut out = state;
    for (word, more) in out.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(more);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// Every way in which the last block can be filled, three times over, and one long text.
    #[test]
    fn it_is_the_digest_of_others() {
        let bytes: Vec<u8> = (0u32..100_000)
            .map(|n| (n.wrapping_mul(n) >> 3) as u8)
            .collect();
        for length in (0..=3 * BLOCK + 1).chain([bytes.len()]) {
            let expected: [u8; 32] = Sha256::digest(&bytes[..length]).into();
            assert_eq!(digest(&bytes[..length]), expected, "{length} bytes");
        }
    }

    /// The example of the standard.
    #[test]
    fn its_name_is_what_sha256sum_prints() {
        let abc = "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(named(b"abc"), abc);
    }
}
