//! Pieces of bytes.

/// What is held against bytes that may all be zero: a comparison of memory is quicker than a look at each.
const ZEROS: [u8; 4096] = [0; 4096];

/// Whether all of them are zero.
pub(super) fn are_zero(bytes: &[u8]) -> bool {
    let mut pieces = bytes.chunks(ZEROS.len());
    pieces.all(|piece| *piece == ZEROS[..piece.len()])
}

/// So many bytes, from there on.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}
