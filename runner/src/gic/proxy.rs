//! Passes on to the in-kernel interrupt controller what the guest does to the
//! frames that are advertised in its place.

use super::direct::{Direct, patiently};
use super::gate::Gate;
use super::{Access, Frames, InKernel, Mapped, Part, Quick, REDISTRIBUTOR_SIZE};
use crate::kvm::{Error, Gic, Mmio, Result, Slot, Vm};
use crate::machine::loan::held::Held;
use crate::machine::loan::lend::{self, Ground};
use crate::machine::loan::pace::Pace;
use crate::machine::loan::page::Errand;
use crate::machine::pause::{Stopped, World};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use vmlock_saved::state::Gic as View;
use vmlock_spec::lock::Lock;

static EXITS: AtomicU64 = AtomicU64::new(0);
static STOPS: AtomicU64 = AtomicU64::new(0);

/// What the proxy did, in all of this process's machines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Exits of the guest that it answered.
    pub exits: u64,
    /// For how many of them it had to stop every vCPU.
    pub stops: u64,
    /// How often it had a vCPU lent.
    pub loans: u64,
}

/// What it did so far.
pub fn counts() -> Counts {
    Counts {
        exits: EXITS.load(Ordering::Relaxed),
        stops: STOPS.load(Ordering::Relaxed),
        loans: lend::count(),
    }
}

impl Counts {
    /// What it did since.
    pub fn since(self, before: Self) -> Self {
        Self {
            exits: self.exits - before.exits,
            stops: self.stops - before.stops,
            loans: self.loans - before.loans,
        }
    }
}

/// Where the in-kernel interrupt controller is hidden.
pub struct Hidden {
    /// Guest-physical address of the distributor.
    pub distributor: u64,
    /// Guest-physical address of the first redistributor.
    pub redistributors: u64,
    /// The memory that lies over them.
    pub cover: Option<Slot>,
}

/// The distributor and the redistributors of a machine.
pub struct Proxy {
    frames: Mutex<Frames>,
    reach: Reach,
    timers: Timers,
    pace: Mutex<Pace>,
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

    /// This timer's part of [`Mapped`]; `None` where KVM does not tell whether it fires.
    fn add(self, fires: Option<bool>, to: &mut Mapped) {
        let bit = 1 << self.intid;
        to.which |= bit;
        match fires {
            Some(true) => to.raised |= bit,
            Some(false) => {}
            None => to.untold |= bit,
        }
    }
}

/// How the in-kernel interrupt controller is reached.
struct Reach {
    gic: Arc<Gic>,
    mpidr: Vec<u64>,
    gate: Arc<Gate>,
    /// Where its frames are for a vCPU that is lent to `ground`.
    distributor: u64,
    redistributors: u64,
    ground: Ground,
}

/// The in-kernel interrupt controller for one access.
struct Kernel<'a> {
    reach: &'a Reach,
    timers: Timers,
    /// The access that is served, if one is.
    served: Option<Served<'a>>,
}

/// An access, while every vCPU is outside.
struct Served<'a> {
    held: RefCell<Held<'a>>,
    others: &'a Stopped<'a>,
}

impl Proxy {
    /// The frames of a lock in front of an interrupt controller that is
    /// initialised and has seen no guest.
    ///
    /// # Errors
    /// KVM does not tell its state, or there is no memory for lending vCPUs.
    pub fn new(lock: &Lock, gic: Arc<Gic>, vm: Vm, hidden: Hidden) -> Result<Self> {
        let machine = &lock.machine;
        let port = machine
            .redistributors
            .first()
            .map_or(0, |region| region.base);
        let reach = Reach {
            gic,
            mpidr: machine.vcpus.iter().map(|v| v.mpidr).collect(),
            // Where the advertised frames are, the kernel has nothing.
            ground: Ground::new(&vm, machine.distributor.base, port, hidden.cover)?,
            gate: Arc::new(Gate::new(vm)),
            distributor: hidden.distributor,
            redistributors: hidden.redistributors,
        };
        let private = &machine.private_interrupts;
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
            pace: Mutex::default(),
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
        let kernel = Direct {
            gic: &self.reach.gic,
            mpidr: &self.reach.mpidr,
        };
        for timer in [virtual_timer, physical_timer] {
            timer.mapped = kernel.is_mapped(timer.intid)?;
        }
        Ok(())
    }

    /// Has the frames as a guest has set them before; the kernel was told.
    pub fn restore(&self, view: &View) {
        self.frames().restore(view);
    }

    /// Puts what the guest has set in place of what the kernel has.
    pub fn said(&self, view: &mut View) {
        self.frames().said(view);
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

    /// Serves the exit of vCPU `vcpu`; gives it back when no frame is at its address.
    ///
    /// # Errors
    /// A vCPU cannot be stopped or lent, or the kernel refuses.
    pub fn access<'a>(
        &self,
        world: &World,
        vcpu: usize,
        mut mmio: Mmio<'a>,
    ) -> Result<Option<Mmio<'a>>> {
        let (address, width) = (mmio.address, mmio.data().len());
        let access = match mmio.is_write {
            true => Access::Write(mmio.value()),
            false => Access::Read,
        };
        let quick = {
            let mut frames = self.frames();
            if !frames.covers(address) {
                return Ok(Some(mmio));
            }
            EXITS.fetch_add(1, Ordering::Relaxed);
            frames.quick(address, width, access)
        };
        let held = Held::new(mmio);
        if let Quick::Done(value) = quick {
            held.answer(value)?;
            return Ok(None);
        }
        STOPS.fetch_add(1, Ordering::Relaxed);
        // The copies are not held while the others come out: one of them may
        // be on its way here.
        let others = world.stop(vcpu).ok_or_else(|| Error {
            call: "stopping every vCPU".to_owned(),
            errno: libc::ETIMEDOUT,
        })?;
        let served = Served {
            held: RefCell::new(held),
            others: &others,
        };
        let kernel = self.reach.kernel(self.timers, Some(served));
        let value = self.frames().stopped(address, width, access, &kernel)?;
        let lent = kernel.answer(value)?;
        drop(others);
        if lent && let Some(rest) = self.one_more_loan() {
            std::thread::sleep(rest);
        }
        Ok(None)
    }

    /// How long the vCPU that was lent has to wait.
    fn one_more_loan(&self) -> Option<Duration> {
        // A panic ends the process, so poison says nothing.
        let mut pace = self.pace.lock().unwrap_or_else(|e| e.into_inner());
        pace.one_more(Instant::now())
    }
}

impl Reach {
    fn kernel<'a>(&'a self, timers: Timers, served: Option<Served<'a>>) -> Kernel<'a> {
        Kernel {
            reach: self,
            timers,
            served,
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

    /// Where a register of the in-kernel frames is for a vCPU that is lent.
    fn address(&self, part: Part, offset: u32) -> u64 {
        u64::from(offset)
            + match part {
                Part::Distributor => self.distributor,
                Part::Redistributor(index) => {
                    self.redistributors + index as u64 * REDISTRIBUTOR_SIZE
                }
            }
    }
}

impl Kernel<'_> {
    /// Answers the access; whether its vCPU was lent.
    fn answer(self, value: u64) -> Result<bool> {
        let Some(served) = self.served else {
            return Ok(false);
        };
        let held = served.held.into_inner();
        let lent = held.waiting().is_none();
        held.answer(value)?;
        Ok(lent)
    }
}

impl InKernel for Kernel<'_> {
    type Error = Error;

    fn read(&self, part: Part, offset: u32) -> Result<u32> {
        self.reach.read(part, offset)
    }

    fn write(&self, part: Part, offset: u32, value: u32) -> Result<()> {
        self.reach.write(part, offset, value)
    }

    fn lines(&self, part: Part, first: u32) -> Result<u32> {
        patiently(|| self.reach.gic.lines(self.reach.mpidr(part), first))
    }

    fn mapped(&self) -> Result<Mapped> {
        let mut mapped = Mapped::default();
        let Some(served) = &self.served else {
            return Ok(mapped);
        };
        let held = served.held.borrow();
        let Some(mmio) = held.waiting() else {
            return Ok(mapped);
        };
        let Timers {
            virtual_timer,
            physical_timer,
        } = self.timers;
        if virtual_timer.mapped {
            virtual_timer.add(Some(mmio.virtual_timer_fires()?), &mut mapped);
        }
        if physical_timer.mapped {
            physical_timer.add(mmio.physical_timer_fires()?, &mut mapped);
        }
        Ok(mapped)
    }

    fn as_guest(&self, part: Part, offset: u32, access: Access) -> Result<u32> {
        let served = self.served.as_ref().ok_or_else(|| Error {
            call: "lending a vCPU while none is served".to_owned(),
            errno: libc::EINVAL,
        })?;
        let address = self.reach.address(part, offset);
        let errand = match access {
            Access::Read => Errand::load(address),
            Access::Write(value) => Errand::store(address, value as u32),
        };
        let mut held = served.held.borrow_mut();
        let left = self
            .reach
            .ground
            .lend(held.vcpu()?, served.others, &errand)?;
        Ok(left.last().map_or(0, |read| *read as u32))
    }

    fn not_done(&self, part: Part, offset: u32, which: u32) -> Error {
        Error {
            call: format!(
                "writing {which:#x} at {:#x} as the guest did",
                self.reach.address(part, offset)
            ),
            errno: libc::EOPNOTSUPP,
        }
    }

    fn quietly<T>(&self, first: u32, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.reach.gate.quietly(first, work)
    }
}
