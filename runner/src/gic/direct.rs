//! The in-kernel interrupt controller by its own descriptor, whoever answers its guest.

use super::Part;
use super::table::SGI_FRAME;
use super::view::InKernel;
use crate::kvm::{Error, Gic, Result};
use std::time::{Duration, Instant};

/// Offsets in a redistributor (Arm IHI 0069 section 12.10).
const GICR_ISACTIVER0: u32 = SGI_FRAME + 0x300;
const GICR_ICACTIVER0: u32 = SGI_FRAME + 0x380;

/// How long KVM may say that a vCPU is busy when all of them were seen to be
/// outside: one may be reading its own registers in another exit.
const BUSY: Duration = Duration::from_secs(5);
const BUSY_PAUSE: Duration = Duration::from_micros(50);

/// The interrupt controller of vCPUs with these MPIDR_EL1.
pub struct Direct<'a> {
    /// Its descriptor.
    pub gic: &'a Gic,
    /// Of each vCPU.
    pub mpidr: &'a [u64],
}

impl Direct<'_> {
    /// MPIDR_EL1 of a vCPU; SPIs are reached through any.
    fn mpidr(&self, part: Part) -> u64 {
        let index = match part {
            Part::Distributor => 0,
            Part::Redistributor(index) => index,
        };
        self.mpidr.get(index).copied().unwrap_or(0)
    }

    /// Whether KVM leaves a private interrupt to the hardware, once it has finalised every vCPU and before the guest runs:
    /// it then ignores that userspace makes it active, or not (see [`super::bank`]). It is as it was afterwards.
    ///
    /// # Errors
    /// KVM refuses.
    pub fn is_mapped(&self, intid: u32) -> Result<bool> {
        let (part, bit) = (Part::Redistributor(0), 1 << intid);
        let active = || Ok::<bool, Error>(self.read(part, GICR_ISACTIVER0)? & bit != 0);
        let before = active()?;
        let (there, back) = match before {
            true => (GICR_ICACTIVER0, GICR_ISACTIVER0),
            false => (GICR_ISACTIVER0, GICR_ICACTIVER0),
        };
        self.write(part, there, bit)?;
        let after = active()?;
        self.write(part, back, bit)?;
        Ok(after == before)
    }
}

impl InKernel for Direct<'_> {
    type Error = Error;

    fn read(&self, part: Part, offset: u32) -> Result<u32> {
        patiently(|| match part {
            Part::Distributor => self.gic.distributor(offset),
            Part::Redistributor(_) => self.gic.redistributor(self.mpidr(part), offset),
        })
    }

    fn write(&self, part: Part, offset: u32, value: u32) -> Result<()> {
        let mpidr = self.mpidr(part);
        patiently(|| match part {
            Part::Distributor => self.gic.set_distributor_register(offset, value),
            Part::Redistributor(_) => self.gic.set_redistributor_register(mpidr, offset, value),
        })
    }

    fn lines(&self, part: Part, first: u32) -> Result<u32> {
        patiently(|| self.gic.lines(self.mpidr(part), first))
    }

    fn set_lines(&self, part: Part, first: u32, levels: u32) -> Result<()> {
        patiently(|| self.gic.set_lines(self.mpidr(part), first, levels))
    }

    fn interface(&self, vcpu: usize, register: u16) -> Result<u64> {
        let mpidr = self.mpidr(Part::Redistributor(vcpu));
        patiently(|| self.gic.interface(mpidr, register))
    }

    fn set_interface(&self, vcpu: usize, register: u16, value: u64) -> Result<()> {
        let mpidr = self.mpidr(Part::Redistributor(vcpu));
        patiently(|| self.gic.set_interface(mpidr, register, value))
    }
}

/// Repeats a call while KVM says that a vCPU is busy.
pub(super) fn patiently<T>(call: impl Fn() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + BUSY;
    loop {
        match call() {
            Err(error) if error.errno == libc::EBUSY && Instant::now() < deadline => {
                std::thread::sleep(BUSY_PAUSE);
            }
            result => return result,
        }
    }
}
