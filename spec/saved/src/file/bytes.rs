//! Pieces of bytes.

/// Something of header or table: where it stands, and how long it is, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Offset from the start.
    pub at: usize,
    /// Length.
    pub bytes: usize,
    /// What it says.
    pub about: &'static str,
}

/// What stands between these offsets, without a gap.
pub(super) const fn fields<const N: usize>(
    starts: [(usize, &'static str); N],
    end: usize,
) -> [Field; N] {
    let nothing = Field {
        at: 0,
        bytes: 0,
        about: "",
    };
    let mut fields = [nothing; N];
    let mut number = 0;
    while number < N {
        let (at, about) = starts[number];
        let next = if number + 1 < N {
            starts[number + 1].0
        } else {
            end
        };
        let bytes = next - at;
        fields[number] = Field { at, bytes, about };
        number += 1;
    }
    fields
}

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
