//! The distributor or one redistributor: what the guest has set, and what an
//! access to it means.

use super::bank::Bank;
use super::lpi::{FIRST_PENDING, Table};
use super::table::{DISTRIBUTOR, REDISTRIBUTOR, Row, SGI_FRAME, What, find};
use super::{Access, InKernel, Part, Quick};
use vmlock_saved::hex::{Hex32, Hex64};
use vmlock_saved::state::{Gic as View, Redistributor};
use vmlock_spec::lock::Gic;

pub(super) const CTLR: u32 = 0x0;
/// GICD_CTLR.EnableGrp1 with DS set (Arm IHI 0069 section 12.9.4).
pub(super) const ENABLE_GROUP_1: u32 = 1 << 1;

/// A distributor or a redistributor.
pub struct Frame {
    part: Part,
    rows: &'static [Row],
    gic: Gic,
    /// GICD_CTLR.
    control: u32,
    /// GICR_TYPER.
    kind: u64,
    /// INTID / 32 of the first bank: the distributor has no private interrupts.
    first_bank: u32,
    banks: Vec<Bank>,
    /// GICR_PROPBASER, the same in all redistributors.
    properties: u64,
    /// GICR_PENDBASER.
    pending: u64,
}

impl Frame {
    /// The distributor of a lock, in the state in which the kernel's is.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn distributor<K: InKernel>(gic: &Gic, kernel: &K) -> Result<Self, K::Error> {
        let part = Part::Distributor;
        let enabled = kernel.read(part, CTLR)? & ENABLE_GROUP_1;
        let banks = (32..gic.interrupts)
            .step_by(32)
            .map(|first| Bank::new(gic, part, 0, first, kernel))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            part,
            rows: DISTRIBUTOR,
            control: gic.value("GICD_CTLR").unwrap_or(0) | enabled,
            kind: 0,
            gic: gic.clone(),
            first_bank: 1,
            banks,
            properties: 0,
            pending: 0,
        })
    }

    /// The redistributor of vCPU `index`, with this GICR_TYPER, in the state
    /// in which the kernel's is.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn redistributor<K: InKernel>(
        gic: &Gic,
        index: usize,
        kind: u64,
        kernel: &K,
    ) -> Result<Self, K::Error> {
        let part = Part::Redistributor(index);
        Ok(Self {
            part,
            rows: REDISTRIBUTOR,
            control: 0,
            kind,
            gic: gic.clone(),
            first_bank: 0,
            banks: vec![Bank::new(gic, part, SGI_FRAME, 0, kernel)?],
            properties: 0,
            pending: FIRST_PENDING,
        })
    }

    /// Has the distributor as a guest has set it before.
    pub fn restore_distributor(&mut self, view: &View) {
        self.control = self.control & !ENABLE_GROUP_1 | view.control.0 & ENABLE_GROUP_1;
        let firsts = (32..self.gic.interrupts).step_by(32);
        self.banks = firsts
            .zip(&view.shared)
            .map(|(first, shared)| {
                let place = (self.part, 0, first);
                Bank::restored(&self.gic, place, &shared.interrupts, Some(&shared.routes))
            })
            .collect();
    }

    /// Has the redistributor as a guest has set it before.
    pub fn restore_redistributor(&mut self, view: &Redistributor) {
        let place = (self.part, SGI_FRAME, 0);
        self.banks = vec![Bank::restored(&self.gic, place, &view.private, None)];
        (self.properties, self.pending) = (view.properties.0, view.pending_table.0);
    }

    /// Puts what the guest has set of the distributor in place of what the kernel has.
    pub fn said_distributor(&self, view: &mut View) {
        view.control = Hex32(self.control & ENABLE_GROUP_1);
        for (bank, shared) in self.banks.iter().zip(&mut view.shared) {
            bank.said(&mut shared.interrupts, Some(&mut shared.routes));
        }
    }

    /// The same of a redistributor.
    pub fn said_redistributor(&self, view: &mut Redistributor) {
        for bank in &self.banks {
            bank.said(&mut view.private, None);
        }
        view.properties = Hex64(self.properties);
        view.pending_table = Hex64(self.pending);
    }

    /// Whether the kernel has every interrupt in group 1.
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

    /// The bank behind an offset from the first of its registers, so many bytes
    /// of which are of each bank; and the offset within the bank's own.
    fn bank(&mut self, at: u32, bytes: u32) -> Option<(&mut Bank, u32)> {
        let index = (at / bytes).checked_sub(self.first_bank)?;
        let bank = self.banks.get_mut(index as usize)?;
        Some((bank, at % bytes))
    }

    /// See [`super::Frames::quick`].
    pub fn quick(&mut self, offset: u32, width: usize, access: Access) -> Quick {
        let Some(row) = find(self.rows, offset, width) else {
            return Quick::Done(0);
        };
        let at = offset - row.first;
        Quick::Done(match (&row.what, access) {
            (What::Control, Access::Read) => self.control.into(),
            (What::Control, Access::Write(value)) => {
                if (value as u32 ^ self.control) & ENABLE_GROUP_1 != 0 {
                    return Quick::Stop;
                }
                0
            }
            (What::Locked(name), Access::Read) => self.gic.value(name).unwrap_or(0).into(),
            (What::Type, Access::Read) => {
                let shifted = self.kind >> (8 * at);
                match width {
                    8 => shifted,
                    _ => shifted & 0xffff_ffff,
                }
            }
            (What::Ones, Access::Read) => u32::MAX.into(),
            (What::Locked(_) | What::Type | What::Ones, Access::Write(_)) => 0,
            (What::Table(table), access) => {
                let held = match table {
                    Table::Properties => &mut self.properties,
                    Table::Pending => &mut self.pending,
                };
                match access {
                    Access::Read => Table::read(*held, at, width),
                    Access::Write(value) => {
                        *held = table.written(*held, at, width, value);
                        0
                    }
                }
            }
            (What::Interrupts(aspect, bytes), _) => match self.bank(at, *bytes) {
                Some((bank, at)) => return bank.quick(*aspect, at, width, access),
                None => 0,
            },
        })
    }

    /// GICR_PROPBASER.
    pub fn properties(&self) -> u64 {
        self.properties
    }

    /// Has GICR_PROPBASER as it was written in another redistributor.
    pub fn set_properties(&mut self, properties: u64) {
        self.properties = properties;
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
        let Some(row) = find(self.rows, offset, width) else {
            return Ok(0);
        };
        match (&row.what, access) {
            (What::Control, Access::Write(value)) => {
                let enabled = value as u32 & ENABLE_GROUP_1;
                kernel.write(self.part, CTLR, enabled)?;
                self.control = self.control & !ENABLE_GROUP_1 | enabled;
                Ok(0)
            }
            (What::Interrupts(aspect, bytes), _) => match self.bank(offset - row.first, *bytes) {
                Some((bank, at)) => bank.stopped(*aspect, at, access, kernel),
                None => Ok(0),
            },
            _ => Ok(0),
        }
    }
}
