//! The distributor or one redistributor: what the guest has set, and what an
//! access to it means.

use super::bank::Bank;
use super::table::{DISTRIBUTOR, REDISTRIBUTOR, Row, SGI_FRAME, What, find};
use super::{Access, InKernel, Part, Quick};
use std::collections::BTreeMap;
use vmlock_saved::hex::Hex32;
use vmlock_saved::state::{Gic as View, Redistributor};
use vmlock_spec::lock::Gic;

pub(super) const CTLR: u32 = 0x0;
/// GICD_CTLR.EnableGrp1 with DS set (Arm IHI 0069 section 12.9.4).
pub(super) const ENABLE_GROUP_1: u32 = 1 << 1;

/// The words of an access, with the bits of its value at which each begins.
fn words(offset: u32, width: usize) -> impl Iterator<Item = (u32, u32)> {
    (0..width as u32 / 4).map(move |word| (offset + 4 * word, 32 * word))
}

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
    /// Words that the kernel keeps, by their offsets, as far as it has told them since they were written.
    told: BTreeMap<u32, u32>,
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
            told: BTreeMap::new(),
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
            told: BTreeMap::new(),
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
        self.told = BTreeMap::new();
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
            (What::Kernel, access) => match (self.told(offset, width), access) {
                (Some(told), Access::Read) => told,
                // Only what it does not hold already can change it.
                (Some(told), Access::Write(value)) if told == value => 0,
                _ => return Quick::Stop,
            },
            (What::Interrupts(aspect, bytes), _) => match self.bank(at, *bytes) {
                Some((bank, at)) => return bank.quick(*aspect, at, width, access),
                None => 0,
            },
        })
    }

    /// The words there, where the kernel has told all of them.
    fn told(&self, offset: u32, width: usize) -> Option<u64> {
        words(offset, width).try_fold(0, |all, (at, shift)| {
            Some(all | u64::from(*self.told.get(&at)?) << shift)
        })
    }

    /// Another frame's register at that offset was written, and the kernel may have one for all of them, as it has
    /// GICR_PROPBASER (`vgic_mmio_write_propbase`, arch/arm64/kvm/vgic/vgic-mmio-v3.c).
    pub fn forget(&mut self, offset: u32) {
        let register = find(self.rows, offset, 4).map(|row| row.first..row.end);
        self.told
            .retain(|at, _| !register.as_ref().is_some_and(|r| r.contains(at)));
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
            (What::Kernel, _) => {
                if let Access::Write(value) = access {
                    for (at, shift) in words(offset, width) {
                        kernel.write(self.part, at, (value >> shift) as u32)?;
                    }
                }
                // It need not hold what was written.
                for at in (row.first..row.end).step_by(4) {
                    self.told.insert(at, kernel.read(self.part, at)?);
                }
                Ok(self.told(offset, width).unwrap_or(0))
            }
            (What::Interrupts(aspect, bytes), _) => match self.bank(offset - row.first, *bytes) {
                Some((bank, at)) => bank.stopped(*aspect, at, access, kernel),
                None => Ok(0),
            },
            _ => Ok(0),
        }
    }
}
