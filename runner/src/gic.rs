//! The GICv3 distributor and redistributors in the runner's hands.
//!
//! Kernels refuse, or accept and ignore, some of what a lock says about the
//! interrupt controller. The in-kernel one is then hidden (see
//! `enforce::apply`), its frames' accesses come here, and what they
//! mean for interrupts is passed on through `KVM_DEV_ARM_VGIC_GRP_DIST_REGS`
//! and `_REDIST_REGS`: injection, the CPU interface and SGIs stay in the kernel.
//!
//! Pure state machines. What only the guest changes (enables, priorities,
//! routes, …) is answered from a copy; whatever needs the kernel needs every
//! vCPU outside the guest, because KVM answers EBUSY otherwise, and says so:
//! [`Frames::quick`] gives [`Quick::Stop`], and the caller comes back with
//! [`Frames::stopped`]. Register names and offsets: Arm IHI 0069, chapter 12.
//! What each one does is what arch/arm64/kvm/vgic/vgic-mmio-v3.c and
//! vgic-mmio.c do (Linux 5.10 to 7.3), so that a guest cannot tell.

pub mod bank;
pub mod difference;
#[cfg(target_arch = "aarch64")]
pub mod direct;
pub mod frame;
#[cfg(target_arch = "aarch64")]
pub mod gate;
pub mod lpi;
#[cfg(target_arch = "aarch64")]
pub mod proxy;
pub mod table;
#[cfg(test)]
mod tests;
pub mod view;

use frame::Frame;
use vmlock_saved::state::Gic as View;
use vmlock_spec::lock::{Lock, Range};

/// Bytes of one redistributor: its own frame and the one of SGIs and PPIs
/// (Arm IHI 0069 section 12.10).
pub const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;

/// Which part of the in-kernel interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The distributor.
    Distributor,
    /// The redistributor of the vCPU with that index.
    Redistributor(usize),
}

/// Private interrupts of a vCPU's own hardware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// Which they are, a bit each.
    pub which: u32,
    /// Which of them are raised at this moment.
    pub raised: u32,
    /// Of which of them KVM does not tell.
    pub untold: u32,
}

/// The in-kernel interrupt controller, as it can be reached while no vCPU is
/// in the guest.
pub trait InKernel {
    /// Why an access failed.
    type Error;
    /// Reads 32 bits.
    fn read(&self, part: Part, offset: u32) -> Result<u32, Self::Error>;
    /// Writes 32 bits.
    fn write(&self, part: Part, offset: u32, value: u32) -> Result<(), Self::Error>;
    /// The input lines of the 32 interrupts from `first` on
    /// (`KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO`).
    fn lines(&self, part: Part, first: u32) -> Result<u32, Self::Error>;
    /// The private interrupts of which KVM asks the hardware, when the guest reads whether they are pending.
    fn mapped(&self) -> Result<Mapped, Self::Error>;
    /// Makes a 32-bit access as the guest makes it itself, where userspace's means less; what a read gives.
    fn as_guest(&self, part: Part, offset: u32, access: Access) -> Result<u32, Self::Error>;
    /// Why the guest cannot go on: what it wrote at that offset was not done to these interrupts.
    fn not_done(&self, part: Part, offset: u32, which: u32) -> Self::Error;
    /// Keeps everyone from injecting any of the 32 interrupts from `first` on
    /// while `work` runs. What comes in between arrives after it.
    fn quietly<T>(
        &self,
        first: u32,
        work: impl FnOnce() -> Result<T, Self::Error>,
    ) -> Result<T, Self::Error>;
}

fn contains(range: Range, address: u64) -> bool {
    address
        .checked_sub(range.base)
        .is_some_and(|offset| offset < range.size)
}

/// What the guest does to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It reads.
    Read,
    /// It writes this.
    Write(u64),
}

/// What came of an access without the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quick {
    /// It is done; the value is what a read gives.
    Done(u64),
    /// The kernel is needed, and every vCPU outside the guest.
    Stop,
}

/// Every frame of a machine.
pub struct Frames {
    distributor: (Range, Frame),
    /// Each with its address, in the order of the addresses and of the vCPUs.
    redistributors: Vec<(u64, Frame)>,
}

impl Frames {
    /// The frames of a lock, in the state in which the in-kernel interrupt
    /// controller is; no vCPU has run.
    ///
    /// # Errors
    /// The kernel does not tell its state.
    pub fn new<K: InKernel>(lock: &Lock, kernel: &K) -> Result<Self, K::Error> {
        let machine = &lock.machine;
        let distributor = Frame::distributor(&lock.gic, kernel)?;
        let redistributors = machine
            .vcpus
            .iter()
            .enumerate()
            .zip(machine.redistributor_frames())
            .map(|((index, vcpu), base)| {
                let frame = Frame::redistributor(&lock.gic, index, vcpu.redistributor, kernel)?;
                Ok((base, frame))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            distributor: (machine.distributor, distributor),
            redistributors,
        })
    }

    /// Has all frames as a guest has set them before, in front of a kernel that was told all of it.
    pub fn restore(&mut self, view: &View) {
        self.distributor.1.restore_distributor(view);
        for ((_, frame), one) in self.redistributors.iter_mut().zip(&view.redistributors) {
            frame.restore_redistributor(one);
        }
    }

    /// Puts what the guest has set in place of what the kernel has.
    pub fn said(&self, view: &mut View) {
        self.distributor.1.said_distributor(view);
        for ((_, frame), one) in self.redistributors.iter().zip(&mut view.redistributors) {
            frame.said_redistributor(one);
        }
    }

    /// Whether there is a frame at an address.
    pub fn covers(&self, address: u64) -> bool {
        contains(self.distributor.0, address) || self.redistributor(address).is_some()
    }

    /// Which redistributor has an address.
    fn redistributor(&self, address: u64) -> Option<usize> {
        let behind = self
            .redistributors
            .partition_point(|(base, _)| *base <= address);
        let index = behind.checked_sub(1)?;
        let (base, _) = self.redistributors.get(index)?;
        (address - base < REDISTRIBUTOR_SIZE).then_some(index)
    }

    /// Does an access if that needs no kernel. `width` is in bytes.
    pub fn quick(&mut self, address: u64, width: usize, access: Access) -> Quick {
        let (range, distributor) = &mut self.distributor;
        if contains(*range, address) {
            return distributor.quick((address - range.base) as u32, width, access);
        }
        match self.redistributor(address) {
            Some(index) => {
                let (base, one) = &mut self.redistributors[index];
                let before = one.properties();
                let quick = one.quick((address - *base) as u32, width, access);
                let properties = one.properties();
                if properties != before {
                    let all = self.redistributors.iter_mut();
                    all.for_each(|(_, one)| one.set_properties(properties));
                }
                quick
            }
            None => Quick::Done(0),
        }
    }

    /// Does an access for which [`Frames::quick`] gave [`Quick::Stop`], now
    /// that every vCPU is outside the guest.
    ///
    /// # Errors
    /// The kernel's.
    pub fn stopped<K: InKernel>(
        &mut self,
        address: u64,
        width: usize,
        access: Access,
        kernel: &K,
    ) -> Result<u64, K::Error> {
        // Another vCPU may have done the same while this one waited.
        if let Quick::Done(value) = self.quick(address, width, access) {
            return Ok(value);
        }
        let (range, distributor) = &mut self.distributor;
        if contains(*range, address) {
            return distributor.stopped((address - range.base) as u32, width, access, kernel);
        }
        match self.redistributor(address) {
            Some(index) => {
                let (base, one) = &mut self.redistributors[index];
                one.stopped((address - *base) as u32, width, access, kernel)
            }
            None => Ok(0),
        }
    }

    /// Whether the kernel has every interrupt in group 1, which is where the
    /// guest's own groups begin.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn all_in_group_one<K: InKernel>(&self, kernel: &K) -> Result<bool, K::Error> {
        for (_, one) in &self.redistributors {
            if !one.all_in_group_one(kernel)? {
                return Ok(false);
            }
        }
        self.distributor.1.all_in_group_one(kernel)
    }
}
