//! What is at which offset of the distributor and of a redistributor
//! (Arm IHI 0069 sections 12.8, 12.10 and 12.11; vgic-mmio-v3.c
//! `vgic_v3_dist_registers` and `vgic_v3_rd_registers`).

use super::bank::Aspect;
use super::lpi::Table;

/// Access widths that a register takes, as a set of byte counts: any other
/// access reads as zero and writes nothing (`check_region`,
/// arch/arm64/kvm/vgic/vgic-mmio.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths(u8);

/// 32 bits alone.
const WORD: Widths = Widths(4);
/// 8 or 32 bits.
const BYTE_OR_WORD: Widths = Widths(1 | 4);
/// 32 or 64 bits.
const WORD_OR_LONG: Widths = Widths(4 | 8);

impl Widths {
    /// Whether an access of so many bytes at that offset is one of them.
    fn take(self, offset: u32, width: usize) -> bool {
        let known = matches!(width, 1 | 4 | 8);
        known && self.0 & width as u8 != 0 && offset.is_multiple_of(width as u32)
    }
}

/// What a register does.
pub enum What {
    /// GICD_CTLR: EnableGrp1, beside constants of the lock.
    Control,
    /// A constant of the lock.
    Locked(&'static str),
    /// GICR_TYPER, 64 bits, the machine's.
    Type,
    /// GICD_STATUSR: ones, and nothing to write.
    Ones,
    /// Where a table of LPIs would be: kept, and never used.
    Table(Table),
    /// Interrupts; so many registers' bytes to 32 of them.
    Interrupts(Aspect, u32),
}

/// One row of a table.
pub struct Row {
    /// First offset.
    pub first: u32,
    /// Offset behind the last byte.
    pub end: u32,
    /// What is there.
    pub what: What,
    /// Accesses that it takes.
    widths: Widths,
}

const fn row(first: u32, end: u32, what: What) -> Row {
    let widths = match what {
        What::Interrupts(Aspect::Priority, _) => BYTE_OR_WORD,
        What::Interrupts(Aspect::Route, _) | What::Type | What::Table(_) => WORD_OR_LONG,
        _ => WORD,
    };
    Row {
        first,
        end,
        what,
        widths,
    }
}

/// The row of an access, if one takes it.
pub fn find(rows: &'static [Row], offset: u32, width: usize) -> Option<&'static Row> {
    let row = rows
        .iter()
        .find(|row| (row.first..row.end).contains(&offset))?;
    row.widths.take(offset, width).then_some(row)
}

/// The distributor. Everything else reads as zero and cannot be written:
/// ITARGETSR, IGRPMODR, NSACR, SETSPI and CLRSPI (no message-based SPIs), the
/// extended SPIs.
#[rustfmt::skip]
pub const DISTRIBUTOR: &[Row] = &[
    row(0x0000, 0x0004, What::Control),                              // GICD_CTLR
    row(0x0004, 0x0008, What::Locked("GICD_TYPER")),
    row(0x0008, 0x000c, What::Locked("GICD_IIDR")),
    row(0x000c, 0x0010, What::Locked("GICD_TYPER2")),
    row(0x0010, 0x0014, What::Ones),                                 // GICD_STATUSR
    row(0x0080, 0x0100, What::Interrupts(Aspect::Group, 4)),         // GICD_IGROUPR<n>
    row(0x0100, 0x0180, What::Interrupts(Aspect::Enable, 4)),        // GICD_ISENABLER<n>
    row(0x0180, 0x0200, What::Interrupts(Aspect::Disable, 4)),       // GICD_ICENABLER<n>
    row(0x0200, 0x0280, What::Interrupts(Aspect::Pend, 4)),          // GICD_ISPENDR<n>
    row(0x0280, 0x0300, What::Interrupts(Aspect::Unpend, 4)),        // GICD_ICPENDR<n>
    row(0x0300, 0x0380, What::Interrupts(Aspect::Activate, 4)),      // GICD_ISACTIVER<n>
    row(0x0380, 0x0400, What::Interrupts(Aspect::Deactivate, 4)),    // GICD_ICACTIVER<n>
    row(0x0400, 0x0800, What::Interrupts(Aspect::Priority, 32)),     // GICD_IPRIORITYR<n>
    row(0x0c00, 0x0d00, What::Interrupts(Aspect::Configuration, 8)), // GICD_ICFGR<n>
    row(0x6000, 0x8000, What::Interrupts(Aspect::Route, 256)),       // GICD_IROUTER<n>
    row(0xffe8, 0xffec, What::Locked("GICD_PIDR2")),
];

/// Where a redistributor's frame of SGIs and PPIs begins.
pub const SGI_FRAME: u32 = 0x1_0000;

/// A redistributor. Everything else reads as zero and cannot be written:
/// STATUSR, WAKER, SYNCR (never busy), IGRPMODR0, NSACR; and, without an ITS,
/// EnableLPIs in CTLR, INVLPIR and INVALLR.
#[rustfmt::skip]
pub const REDISTRIBUTOR: &[Row] = &[
    row(0x0000, 0x0004, What::Locked("GICR_CTLR")),
    row(0x0004, 0x0008, What::Locked("GICR_IIDR")),
    row(0x0008, 0x0010, What::Type),                                     // GICR_TYPER
    row(0x0070, 0x0078, What::Table(Table::Properties)),                 // GICR_PROPBASER
    row(0x0078, 0x0080, What::Table(Table::Pending)),                    // GICR_PENDBASER
    row(0xffe8, 0xffec, What::Locked("GICR_PIDR2")),
    row(0x1_0080, 0x1_0084, What::Interrupts(Aspect::Group, 4)),         // GICR_IGROUPR0
    row(0x1_0100, 0x1_0104, What::Interrupts(Aspect::Enable, 4)),        // GICR_ISENABLER0
    row(0x1_0180, 0x1_0184, What::Interrupts(Aspect::Disable, 4)),       // GICR_ICENABLER0
    row(0x1_0200, 0x1_0204, What::Interrupts(Aspect::Pend, 4)),          // GICR_ISPENDR0
    row(0x1_0280, 0x1_0284, What::Interrupts(Aspect::Unpend, 4)),        // GICR_ICPENDR0
    row(0x1_0300, 0x1_0304, What::Interrupts(Aspect::Activate, 4)),      // GICR_ISACTIVER0
    row(0x1_0380, 0x1_0384, What::Interrupts(Aspect::Deactivate, 4)),    // GICR_ICACTIVER0
    row(0x1_0400, 0x1_0420, What::Interrupts(Aspect::Priority, 32)),     // GICR_IPRIORITYR<n>
    row(0x1_0c00, 0x1_0c08, What::Interrupts(Aspect::Configuration, 8)), // GICR_ICFGR0 and 1
];
