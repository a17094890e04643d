//! The distributor frame (Arm IHI 0069 section 12.8; vgic-mmio-v3.c
//! `vgic_v3_dist_registers`).

use super::bank::{Aspect, Bank};
use super::table::{BYTE_OR_WORD, Row, WORD, WORD_OR_LONG, find};
use super::{Access, InKernel, Part, Quick};
use vmlock_spec::lock::Gic;

/// What a distributor register does.
enum What {
    /// GICD_CTLR: EnableGrp1, beside constants of the lock.
    Control,
    /// A constant of the lock.
    Locked(&'static str),
    /// GICD_STATUSR: ones, and nothing to write.
    Ones,
    /// Interrupts; so many registers' bytes to a bank of 32.
    Interrupts(Aspect, u32),
}

const fn row(first: u32, end: u32, what: What) -> Row<What> {
    let widths = match what {
        What::Interrupts(Aspect::Priority, _) => BYTE_OR_WORD,
        What::Interrupts(Aspect::Route, _) => WORD_OR_LONG,
        _ => WORD,
    };
    Row {
        first,
        end,
        what,
        widths,
    }
}

/// Everything else reads as zero and cannot be written: IGROUPR0 and the like
/// (private interrupts are the redistributors'), ITARGETSR, IGRPMODR, NSACR,
/// SETSPI and CLRSPI (no message-based SPIs), the extended SPIs.
#[rustfmt::skip]
const ROWS: &[Row<What>] = &[
    row(0x0000, 0x0004, What::Control),                          // GICD_CTLR
    row(0x0004, 0x0008, What::Locked("GICD_TYPER")),
    row(0x0008, 0x000c, What::Locked("GICD_IIDR")),
    row(0x000c, 0x0010, What::Locked("GICD_TYPER2")),
    row(0x0010, 0x0014, What::Ones),                             // GICD_STATUSR
    row(0x0080, 0x0100, What::Interrupts(Aspect::Group, 4)),     // GICD_IGROUPR<n>
    row(0x0100, 0x0180, What::Interrupts(Aspect::Enable, 4)),    // GICD_ISENABLER<n>
    row(0x0180, 0x0200, What::Interrupts(Aspect::Disable, 4)),   // GICD_ICENABLER<n>
    row(0x0200, 0x0280, What::Interrupts(Aspect::Pend, 4)),      // GICD_ISPENDR<n>
    row(0x0280, 0x0300, What::Interrupts(Aspect::Unpend, 4)),    // GICD_ICPENDR<n>
    row(0x0300, 0x0380, What::Interrupts(Aspect::Activate, 4)),  // GICD_ISACTIVER<n>
    row(0x0380, 0x0400, What::Interrupts(Aspect::Deactivate, 4)), // GICD_ICACTIVER<n>
    row(0x0400, 0x0800, What::Interrupts(Aspect::Priority, 32)), // GICD_IPRIORITYR<n>
    row(0x0c00, 0x0d00, What::Interrupts(Aspect::Configuration, 8)), // GICD_ICFGR<n>
    row(0x6000, 0x8000, What::Interrupts(Aspect::Route, 256)),   // GICD_IROUTER<n>
    row(0xffe8, 0xffec, What::Locked("GICD_PIDR2")),
];

const CTLR: u32 = 0x0;
/// GICD_CTLR.EnableGrp1 with DS set (Arm IHI 0069 section 12.9.4).
const ENABLE_GROUP_1: u32 = 1 << 1;

/// The distributor.
pub struct Distributor {
    gic: Gic,
    control: u32,
    /// SPIs, from INTID 32 on.
    banks: Vec<Bank>,
}

impl Distributor {
    /// The distributor of a lock, in the state in which the kernel's is.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn new<K: InKernel>(gic: &Gic, kernel: &K) -> Result<Self, K::Error> {
        let enabled = kernel.read(Part::Distributor, CTLR)? & ENABLE_GROUP_1;
        let banks = (32..gic.interrupts)
            .step_by(32)
            .map(|first| Bank::new(gic, Part::Distributor, 0, first, kernel))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            control: gic.value("GICD_CTLR").unwrap_or(0) | enabled,
            gic: gic.clone(),
            banks,
        })
    }

    /// Whether the kernel has every SPI in group 1.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn all_in_group_one<K: InKernel>(&self, kernel: &K) -> Result<bool, K::Error> {
        for bank in &self.banks {
            if !bank.all_in_group_one(kernel)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The bank behind an offset, and the offset within its registers.
    fn bank(&mut self, offset: u32, first: u32, bytes: u32) -> Option<(&mut Bank, u32)> {
        let at = offset - first;
        // Bank 0 is the private interrupts'.
        let index = (at / bytes).checked_sub(1)?;
        let bank = self.banks.get_mut(index as usize)?;
        Some((bank, at % bytes))
    }

    /// See [`super::Frames::quick`].
    pub fn quick(&mut self, offset: u32, width: usize, access: Access) -> Quick {
        let Some(row) = find(ROWS, offset, width) else {
            return Quick::Done(0);
        };
        match (&row.what, access) {
            (What::Control, Access::Read) => Quick::Done(self.control.into()),
            (What::Control, Access::Write(value)) => {
                match (value as u32 ^ self.control) & ENABLE_GROUP_1 {
                    0 => Quick::Done(0),
                    _ => Quick::Stop,
                }
            }
            (What::Locked(name), Access::Read) => {
                Quick::Done(self.gic.value(name).unwrap_or(0).into())
            }
            (What::Ones, Access::Read) => Quick::Done(u32::MAX.into()),
            (What::Locked(_) | What::Ones, Access::Write(_)) => Quick::Done(0),
            (What::Interrupts(aspect, bytes), _) => match self.bank(offset, row.first, *bytes) {
                Some((bank, at)) => bank.quick(*aspect, at, width, access),
                None => Quick::Done(0),
            },
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
        match (&row.what, access) {
            (What::Control, Access::Write(value)) => {
                let enabled = value as u32 & ENABLE_GROUP_1;
                kernel.write(Part::Distributor, CTLR, enabled)?;
                self.control = self.control & !ENABLE_GROUP_1 | enabled;
                if enabled != 0 {
                    // KVM does not queue what became pending while the distributor was disabled.
                    for bank in &self.banks {
                        bank.enable_again(kernel)?;
                    }
                }
                Ok(0)
            }
            (What::Interrupts(aspect, bytes), _) => match self.bank(offset, row.first, *bytes) {
                Some((bank, at)) => bank.stopped(*aspect, at, access, kernel),
                None => Ok(0),
            },
            _ => Ok(0),
        }
    }
}
