//! Passes on to the in-kernel interrupt controller what the guest does to the
//! frames that are advertised in its place.

use super::gate::Gate;
use super::table::SGI_FRAME;
use super::{Access, Frames, InKernel, Mapped, Part, Quick};
use crate::kvm::{Error, Gic, Load, Result, Vm};
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
    reach: Reach,
    timers: Timers,
}

/// Whose interrupts the private ones of timers are.
#[derive(Clone, Copy)]
struct Timers {
    virtual_timer: Timer,
    physical_timer: Timer,
}

#[derive(Clone, Copy)]
struct Timer {
    intid: u32,
    /// Whether KVM leaves it to the hardware; not known before [`Proxy::finalised`].
    mapped: bool,
}

impl Timer {
    fn new(intid: u32) -> Self {
        Self {
            intid,
            mapped: false,
        }
    }

    /// This timer's part of [`Mapped`].
    fn add(self, fires: bool, to: &mut Mapped) {
        to.which |= 1 << self.intid;
        to.raised |= u32::from(fires) << self.intid;
    }
}

/// How the in-kernel interrupt controller is reached.
struct Reach {
    gic: Arc<Gic>,
    mpidr: Vec<u64>,
    gate: Arc<Gate>,
}

/// The in-kernel interrupt controller for one access.
struct Kernel<'a> {
    reach: &'a Reach,
    timers: Timers,
    /// The read that is served, if it is one.
    load: Option<&'a Load<'a>>,
}

impl Proxy {
    /// The frames of a lock in front of an interrupt controller that is
    /// initialised and has seen no guest.
    ///
    /// # Errors
    /// KVM does not tell its state.
    pub fn new(lock: &Lock, gic: Arc<Gic>, vm: Vm) -> Result<Self> {
        let reach = Reach {
            gic,
            mpidr: lock.machine.vcpus.iter().map(|v| v.mpidr).collect(),
            gate: Arc::new(Gate::new(vm)),
        };
        let private = &lock.machine.private_interrupts;
        let timers = Timers {
            virtual_timer: Timer::new(private.virtual_timer),
            physical_timer: Timer::new(private.physical_timer),
        };
        let kernel = reach.kernel(timers, None);
        let frames = Mutex::new(Frames::new(lock, &kernel)?);
        Ok(Self {
            frames,
            reach,
            timers,
        })
    }

    /// Finds out which timers KVM leaves to the hardware, once it has finalised
    /// every vCPU (`kvm_timer_enable`) and before the guest runs.
    ///
    /// # Errors
    /// KVM refuses.
    pub fn finalised(&mut self) -> Result<()> {
        let Timers {
            virtual_timer,
            physical_timer,
        } = &mut self.timers;
        for timer in [virtual_timer, physical_timer] {
            timer.mapped = self.reach.is_mapped(timer.intid)?;
        }
        Ok(())
    }

    /// What everyone who injects interrupts has to pass.
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.reach.gate)
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
        self.frames()
            .all_in_group_one(&self.reach.kernel(self.timers, None))
    }

    /// Serves a vCPU's exit; `None` when no frame is at that address. The
    /// caller's own vCPU is outside the guest; `load` is the read that it waits for.
    ///
    /// # Errors
    /// A vCPU cannot be stopped, or the kernel refuses.
    pub fn access(
        &self,
        world: &World,
        address: u64,
        width: usize,
        access: Access,
        load: Option<&Load<'_>>,
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
        let kernel = self.reach.kernel(self.timers, load);
        Some(self.frames().stopped(address, width, access, &kernel))
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

impl Reach {
    fn kernel<'a>(&'a self, timers: Timers, load: Option<&'a Load<'a>>) -> Kernel<'a> {
        Kernel {
            reach: self,
            timers,
            load,
        }
    }

    /// MPIDR_EL1 of a vCPU; SPIs are reached through any.
    fn mpidr(&self, part: Part) -> u64 {
        let index = match part {
            Part::Distributor => 0,
            Part::Redistributor(index) => index,
        };
        self.mpidr.get(index).copied().unwrap_or(0)
    }

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
        })
    }

    /// Whether KVM leaves a private interrupt to the hardware: it then ignores that userspace
    /// makes it active (see [`Reach::activity`]). It is not active before, nor after.
    fn is_mapped(&self, intid: u32) -> Result<bool> {
        let (part, bit) = (Part::Redistributor(0), 1 << intid);
        self.write(part, GICR_ISACTIVER0, bit)?;
        let active = self.read(part, GICR_ISACTIVER0)?;
        self.write(part, GICR_ICACTIVER0, bit)?;
        Ok(active & bit == 0)
    }

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

impl InKernel for Kernel<'_> {
    type Error = Error;

    fn read(&self, part: Part, offset: u32) -> Result<u32> {
        self.reach.read(part, offset)
    }

    fn write(&self, part: Part, offset: u32, value: u32) -> Result<()> {
        self.reach.write(part, offset, value)?;
        self.reach.activity(part, offset, value)
    }

    fn lines(&self, part: Part, first: u32) -> Result<u32> {
        patiently(|| self.reach.gic.lines(self.reach.mpidr(part), first))
    }

    fn mapped(&self) -> Result<Mapped> {
        let mut mapped = Mapped::default();
        let Some(load) = self.load else {
            return Ok(mapped);
        };
        let Timers {
            virtual_timer,
            physical_timer,
        } = self.timers;
        if virtual_timer.mapped {
            virtual_timer.add(load.virtual_timer_fires()?, &mut mapped);
        }
        // Where KVM does not tell, the line that the last exit left has to do.
        if physical_timer.mapped
            && let Some(fires) = load.physical_timer_fires()?
        {
            physical_timer.add(fires, &mut mapped);
        }
        Ok(mapped)
    }

    fn quietly<T>(&self, first: u32, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.reach.gate.quietly(first, work)
    }
}
