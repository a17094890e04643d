//! What of the interrupt controller's frames the witness reads, and which of their registers it writes and
//! puts back.
//!
//! Offsets and names: GIC architecture specification IHI 0069, chapter 12.

/// An offset in a frame, with the register's name; of a register of 64 bits the lower half has it, and the upper
/// one `.high` behind it.
pub type Register = (u64, &'static str);

/// GICD_IGROUPR, one word for 32 interrupts: those of all SPIs that there are are read and written.
pub const GICD_IGROUPR: u64 = 0x80;

/// Distributor registers to read.
#[rustfmt::skip]
pub const DISTRIBUTOR: &[Register] = &[
    (0x0, "GICD_CTLR"), (0x4, "GICD_TYPER"), (0x8, "GICD_IIDR"), (0xc, "GICD_TYPER2"), (0x10, "GICD_STATUSR"),
    (0x420, "GICD_IPRIORITYR8"), (0x820, "GICD_ITARGETSR8"), (0xc08, "GICD_ICFGR2"), (0xd04, "GICD_IGRPMODR1"),
    (0xe08, "GICD_NSACR2"), (0x6100, "GICD_IROUTER32"), (0x6104, "GICD_IROUTER32.high"),
    (0xffd0, "GICD_PIDR4"), (0xffd4, "GICD_PIDR5"), (0xffd8, "GICD_PIDR6"), (0xffdc, "GICD_PIDR7"),
    (0xffe0, "GICD_PIDR0"), (0xffe4, "GICD_PIDR1"), (0xffe8, "GICD_PIDR2"), (0xffec, "GICD_PIDR3"),
    (0xfff0, "GICD_CIDR0"), (0xfff4, "GICD_CIDR1"), (0xfff8, "GICD_CIDR2"), (0xfffc, "GICD_CIDR3"),
];

/// Distributor registers to write, besides every IGROUPR of an SPI: the first four priorities, the first
/// configuration and the first group modifier word.
pub const DISTRIBUTOR_WRITABLE: &[u64] = &[0x420, 0xc08, 0xd04];

/// Redistributor registers to read; 0x10000 and up is the SGI frame.
#[rustfmt::skip]
pub const REDISTRIBUTOR: &[Register] = &[
    (0x0, "GICR_CTLR"), (0x4, "GICR_IIDR"), (0x8, "GICR_TYPER"), (0xc, "GICR_TYPER.high"),
    (0x10, "GICR_STATUSR"), (0x14, "GICR_WAKER"), (0x18, "GICR_MPAMIDR"), (0x1c, "GICR_PARTIDR"),
    (0x70, "GICR_PROPBASER"), (0x74, "GICR_PROPBASER.high"),
    (0x78, "GICR_PENDBASER"), (0x7c, "GICR_PENDBASER.high"), (0xc0, "GICR_SYNCR"),
    (0xffd0, "GICR_PIDR4"), (0xffd4, "GICR_PIDR5"), (0xffd8, "GICR_PIDR6"), (0xffdc, "GICR_PIDR7"),
    (0xffe0, "GICR_PIDR0"), (0xffe4, "GICR_PIDR1"), (0xffe8, "GICR_PIDR2"), (0xffec, "GICR_PIDR3"),
    (0xfff0, "GICR_CIDR0"), (0xfff4, "GICR_CIDR1"), (0xfff8, "GICR_CIDR2"), (0xfffc, "GICR_CIDR3"),
    (0x1_0080, "GICR_IGROUPR0"), (0x1_0400, "GICR_IPRIORITYR0"), (0x1_0c00, "GICR_ICFGR0"),
    (0x1_0c04, "GICR_ICFGR1"), (0x1_0d00, "GICR_IGRPMODR0"), (0x1_0e00, "GICR_NSACR"),
];

/// Redistributor registers to write: PROPBASER and PENDBASER (LPIs are off, so nothing comes of it), IGROUPR0,
/// IPRIORITYR0, ICFGR1, IGRPMODR0.
pub const REDISTRIBUTOR_WRITABLE: &[u64] = &[
    0x70, 0x74, 0x78, 0x7c, 0x1_0080, 0x1_0400, 0x1_0c04, 0x1_0d00,
];

/// The witness puts back what it has read.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_was_read_before() {
        for (read, written) in [
            (DISTRIBUTOR, DISTRIBUTOR_WRITABLE),
            (REDISTRIBUTOR, REDISTRIBUTOR_WRITABLE),
        ] {
            for offset in written {
                assert!(read.iter().any(|(at, _)| at == offset), "{offset:#x}");
            }
        }
    }
}
