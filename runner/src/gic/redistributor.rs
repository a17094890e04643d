//! A vCPU's redistributor: its own frame and the one of its SGIs and PPIs
//! (Arm IHI 0069 sections 12.10 and 12.11; vgic-mmio-v3.c
//! `vgic_v3_rd_registers`).

use super::bank::{Aspect, Bank};
use super::table::{BYTE_OR_WORD, Row, WORD, WORD_OR_LONG, find};
use super::{Access, InKernel, Part, Quick};
use vmlock_spec::lock::Gic;

/// What a redistributor register does.
enum What {
    /// A constant of the lock.
    Locked(&'static str),
    /// GICR_TYPER, 64 bits.
    Type,
    /// Kept by the kernel: LPI tables, which are never used without an ITS.
    Kernel,
    /// SGIs and PPIs.
    Interrupts(Aspect),
}

/// Where the SGI frame begins.
const SGI_FRAME: u32 = 0x1_0000;

const fn row(first: u32, end: u32, what: What) -> Row<What> {
    let widths = match what {
        What::Interrupts(Aspect::Priority) => BYTE_OR_WORD,
        What::Type | What::Kernel => WORD_OR_LONG,
        _ => WORD,
    };
    Row {
        first,
        end,
        what,
        widths,
    }
}

/// Everything else reads as zero and cannot be written: STATUSR, WAKER,
/// SYNCR (never busy), IGRPMODR0, NSACR; and, without an ITS, EnableLPIs in
/// CTLR, INVLPIR and INVALLR.
#[rustfmt::skip]
const ROWS: &[Row<What>] = &[
    row(0x0000, 0x0004, What::Locked("GICR_CTLR")),
    row(0x0004, 0x0008, What::Locked("GICR_IIDR")),
    row(0x0008, 0x0010, What::Type),                                // GICR_TYPER
    row(0x0070, 0x0078, What::Kernel),                              // GICR_PROPBASER
    row(0x0078, 0x0080, What::Kernel),                              // GICR_PENDBASER
    row(0xffe8, 0xffec, What::Locked("GICR_PIDR2")),
    row(0x1_0080, 0x1_0084, What::Interrupts(Aspect::Group)),       // GICR_IGROUPR0
    row(0x1_0100, 0x1_0104, What::Interrupts(Aspect::Enable)),      // GICR_ISENABLER0
    row(0x1_0180, 0x1_0184, What::Interrupts(Aspect::Disable)),     // GICR_ICENABLER0
    row(0x1_0200, 0x1_0204, What::Interrupts(Aspect::Pend)),        // GICR_ISPENDR0
    row(0x1_0280, 0x1_0284, What::Interrupts(Aspect::Unpend)),      // GICR_ICPENDR0
    row(0x1_0300, 0x1_0304, What::Interrupts(Aspect::Activate)),    // GICR_ISACTIVER0
    row(0x1_0380, 0x1_0384, What::Interrupts(Aspect::Deactivate)),  // GICR_ICACTIVER0
    row(0x1_0400, 0x1_0420, What::Interrupts(Aspect::Priority)),    // GICR_IPRIORITYR<n>
    row(0x1_0c00, 0x1_0c08, What::Interrupts(Aspect::Configuration)), // GICR_ICFGR0 and 1
];

/// A redistributor.
pub struct Redistributor {
    gic: Gic,
    part: Part,
    kind: u64,
    bank: Bank,
}

impl Redistributor {
    /// The redistributor of vCPU `index`, with this GICR_TYPER, in the state
    /// in which the kernel's is.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn new<K: InKernel>(
        gic: &Gic,
        index: usize,
        kind: u64,
        kernel: &K,
    ) -> Result<Self, K::Error> {
        let part = Part::Redistributor(index);
        Ok(Self {
            gic: gic.clone(),
            part,
            kind,
            bank: Bank::new(gic, part, SGI_FRAME, 0, kernel)?,
        })
    }

    /// Whether the kernel has every SGI and PPI in group 1.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn all_in_group_one<K: InKernel>(&self, kernel: &K) -> Result<bool, K::Error> {
        self.bank.all_in_group_one(kernel)
    }

    /// See [`super::Frames::quick`].
    pub fn quick(&mut self, offset: u32, width: usize, access: Access) -> Quick {
        let Some(row) = find(ROWS, offset, width) else {
            return Quick::Done(0);
        };
        match (&row.what, access) {
            (What::Locked(name), Access::Read) => {
                Quick::Done(self.gic.value(name).unwrap_or(0).into())
            }
            (What::Type, Access::Read) => {
                let shifted = self.kind >> (8 * (offset - row.first));
                Quick::Done(match width {
                    8 => shifted,
                    _ => shifted & 0xffff_ffff,
                })
            }
            (What::Locked(_) | What::Type, Access::Write(_)) => Quick::Done(0),
            (What::Kernel, _) => Quick::Stop,
            (What::Interrupts(aspect), _) => {
                self.bank.quick(*aspect, offset - row.first, width, access)
            }
        }
    }

    /// See [`super::Frames::stopped`].
    ///
    /// # Errors
    /// The kernel's.
    pub fn stopped<K: InKernel>(
        &mut self,
        offset: u32,
        width: usize,
        access: Access,
        kernel: &K,
    ) -> Result<u64, K::Error> {
        let Some(row) = find(ROWS, offset, width) else {
            return Ok(0);
        };
        match &row.what {
            What::Kernel => {
                let mut result = 0;
                for half in 0..(width as u32 / 4) {
                    let (at, shift) = (offset + 4 * half, 32 * half);
                    match access {
                        Access::Read => {
                            result |= u64::from(kernel.read(self.part, at)?) << shift;
                        }
                        Access::Write(value) => {
                            kernel.write(self.part, at, (value >> shift) as u32)?;
                        }
                    }
                }
                Ok(result)
            }
            What::Interrupts(aspect) => {
                self.bank
                    .stopped(*aspect, offset - row.first, access, kernel)
            }
            What::Locked(_) | What::Type => Ok(0),
        }
    }
}
