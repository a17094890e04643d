//! Passes on to the in-kernel interrupt controller what the guest does to the
//! frames that are advertised in its place.

use super::gate::Gate;
use super::table::SGI_FRAME;
use super::{Access, Frames, InKernel, Part, Quick};
use crate::kvm::{Error, Gic, Result, Vm};
use crate::machine::pause::World;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use vmlock_spec::lock::Lock;

/// How long KVM may say that a vCPU is busy when all of them were seen to be
/// outside: one may be reading its own registers in another exit.
const BUSY: Duration = Duration::from_secs(5);
const BUSY_PAUSE: Duration = Duration::from_micros(50);

/// Offsets in a redistributor (Arm IHI 0069 section 12.10).
const GICR_ISACTIVER0: u32 = SGI_FRAME + 0x300;
const GICR_ICACTIVER0: u32 = SGI_FRAME + 0x380;

static EXITS: AtomicU64 = AtomicU64::new(0);
static STOPS: AtomicU64 = AtomicU64::new(0);

/// How many exits of the guest the proxy answered, and for how many of them it
/// had to stop every vCPU.
pub fn counts() -> (u64, u64) {
    (EXITS.load(Ordering::Relaxed), STOPS.load(Ordering::Relaxed))
}

/// The distributor and the redistributors of a machine.
pub struct Proxy {
    frames: Mutex<Frames>,
    kernel: Kernel,
}

struct Kernel {
    gic: Arc<Gic>,
    mpidr: Vec<u64>,
    gate: Arc<Gate>,
}

impl Proxy {
    /// The frames of a lock in front of an interrupt controller that is
    /// initialised and has seen no guest.
    ///
    /// # Errors
    /// KVM does not tell its state.
    pub fn new(lock: &Lock, gic: Arc<Gic>, vm: Vm) -> Result<Self> {
        let kernel = Kernel {
            gic,
            mpidr: lock.machine.vcpus.iter().map(|v| v.mpidr).collect(),
            gate: Arc::new(Gate::new(vm)),
        };
        let frames = Mutex::new(Frames::new(lock, &kernel)?);
        Ok(Self { frames, kernel })
    }

    /// What everyone who injects interrupts has to pass.
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.kernel.gate)
    }

    /// The copies. A panic ends the process, so poison says nothing.
    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Whether the kernel has every interrupt in group 1.
    ///
    /// # Errors
    /// KVM does not tell.
    pub fn all_in_group_one(&self) -> Result<bool> {
        self.frames().all_in_group_one(&self.kernel)
    }

    /// Serves a vCPU's exit; `None` when no frame is at that address. The
    /// caller's own vCPU is outside the guest.
    ///
    /// # Errors
    /// A vCPU cannot be stopped, or the kernel refuses.
    pub fn access(
        &self,
        world: &World,
        address: u64,
        width: usize,
        access: Access,
    ) -> Option<Result<u64>> {
        let quick = {
            let mut frames = self.frames();
            if !frames.covers(address) {
                return None;
            }
            EXITS.fetch_add(1, Ordering::Relaxed);
            frames.quick(address, width, access)
        };
        if let Quick::Done(value) = quick {
            return Some(Ok(value));
        }
        STOPS.fetch_add(1, Ordering::Relaxed);
        // The copies are not held while the others come out: one of them may
        // be on its way here.
        let Some(_stopped) = world.stop() else {
            return Some(Err(Error {
                call: "stopping every vCPU".to_owned(),
                errno: libc::ETIMEDOUT,
            }));
        };
        Some(self.frames().stopped(address, width, access, &self.kernel))
    }
}

/// Repeats a call while KVM says that a vCPU is busy.
fn patiently<T>(call: impl Fn() -> Result<T>) -> Result<T> {
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

impl Kernel {
    /// MPIDR_EL1 of a vCPU; SPIs are reached through any.
    fn mpidr(&self, part: Part) -> u64 {
        let index = match part {
            Part::Distributor => 0,
            Part::Redistributor(index) => index,
        };
        self.mpidr.get(index).copied().unwrap_or(0)
    }
}

impl Kernel {
    /// Makes sure that a guest's write to GICR_ISACTIVER0 or GICR_ICACTIVER0 was done. KVM does not do it for
    /// userspace where the interrupt is a timer's (arch/arm64/kvm/vgic/vgic-mmio.c `vgic_hw_irq_change_active`,
    /// 5.10 to 7.3); a guest that goes on without its timer, as one that was started by kexec out of an interrupt,
    /// is worse than one that ends with a reason.
    fn activity(&self, part: Part, offset: u32, value: u32) -> Result<()> {
        let wanted = match (part, offset) {
            (Part::Redistributor(_), GICR_ISACTIVER0) => value,
            (Part::Redistributor(_), GICR_ICACTIVER0) => 0,
            _ => return Ok(()),
        };
        let active = self.read(part, GICR_ISACTIVER0)?;
        match (active ^ wanted) & value {
            0 => Ok(()),
            missed => Err(Error {
                call: format!(
                    "changing whether interrupt {} is active, in the redistributor that the runner answers for",
                    missed.trailing_zeros()
                ),
                errno: libc::EOPNOTSUPP,
            }),
        }
    }
}

impl InKernel for Kernel {
    type Error = Error;

    fn read(&self, part: Part, offset: u32) -> Result<u32> {
        patiently(|| match part {
            Part::Distributor => self.gic.distributor(offset),
            Part::Redistributor(_) => self.gic.redistributor(self.mpidr(part), offset),
        })
    }

    fn write(&self, part: Part, offset: u32, value: u32) -> Result<()> {
        patiently(|| match part {
            Part::Distributor => self.gic.set_distributor_register(offset, value),
            Part::Redistributor(_) => {
                self.gic
                    .set_redistributor_register(self.mpidr(part), offset, value)
            }
        })?;
        self.activity(part, offset, value)
    }

    fn lines(&self, part: Part, first: u32) -> Result<u32> {
        patiently(|| self.gic.lines(self.mpidr(part), first))
    }

    fn quietly<T>(&self, first: u32, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.gate.quietly(first, work)
    }
}
