//! How the rows of a register table are found.

/// Access widths that a register takes, as a set of byte counts: any other
/// access reads as zero and writes nothing (`check_region`,
/// arch/arm64/kvm/vgic/vgic-mmio.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths(u8);

/// 32 bits alone.
pub const WORD: Widths = Widths(4);
/// 8 or 32 bits.
pub const BYTE_OR_WORD: Widths = Widths(1 | 4);
/// 32 or 64 bits.
pub const WORD_OR_LONG: Widths = Widths(4 | 8);

impl Widths {
    /// Whether an access of so many bytes at that offset is one of them.
    pub fn take(self, offset: u32, width: usize) -> bool {
        let known = matches!(width, 1 | 4 | 8);
        known && self.0 & width as u8 != 0 && offset.is_multiple_of(width as u32)
    }
}

/// One row of a register table.
pub struct Row<T> {
    /// First offset.
    pub first: u32,
    /// Offset behind the last byte.
    pub end: u32,
    /// What is there.
    pub what: T,
    /// Accesses that it takes.
    pub widths: Widths,
}

/// The row of an access, if one takes it.
pub fn find<T>(rows: &'static [Row<T>], offset: u32, width: usize) -> Option<&'static Row<T>> {
    let row = rows
        .iter()
        .find(|row| (row.first..row.end).contains(&offset))?;
    row.widths.take(offset, width).then_some(row)
}
