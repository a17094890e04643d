//! The rehearsal: a second machine, enforced by the same orders, in which the
//! witness looks from inside and is held against the lock. What cannot be read
//! back from outside (PMU events, registers of vCPUs that CPU_ON has reset) is
//! proven this way before a guest's first instruction.

use crate::device::bus::Bus;
use crate::device::virtio::stand_in::stand_ins;
use crate::device::virtio::start;
use crate::enforce::apply::{self, Recipe};
use crate::enforce::verify;
use crate::failure::Failure;
use crate::firmware::forward::Firmware;
use crate::kvm::{System, discard};
use crate::machine::run::Space;
use crate::memory::Memory;
use crate::witness::{self, Stage};
use std::sync::Arc;
use vmlock_spec::lock::{Lock, Range};
use vmlock_spec::machine::STOLEN_TIME_SIZE;
use vmlock_spec::observation::wire::{FRAME_SIZE, MODE_FULL, Search as Frames};
use vmlock_spec::observation::{self, Audit, Incomplete, Sighting, device, virtio};
use vmlock_spec::plan::Orders;

/// What a rehearsal is for. The witness looks at everything in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// It is all that there is: the machine is read back too, and interrupt controllers are searched for in all of
    /// guest-physical space, which takes its time.
    Audit,
    /// The same, but searched where the lock shows an interrupt controller, and where the kernel has its own.
    Check,
    /// As [`For::Check`], but not read back: a guest's own machine is made by the same orders, and that one is.
    Start,
}

/// Builds the lock's machine, lets the witness look at it, and compares.
///
/// # Errors
/// As [`observe`].
pub fn rehearse(
    system: &System,
    lock: &Lock,
    orders: &Orders,
    purpose: For,
) -> Result<Audit, Failure> {
    let (facts, incomplete) = observe(system, lock, orders, purpose)?;
    Ok(observation::audit(lock, &facts, incomplete))
}

/// Builds the lock's machine; what the witness saw of it, and where its account has gaps.
///
/// # Errors
/// The machine cannot be made as planned, or the witness does not come to an end.
pub fn observe(
    system: &System,
    lock: &Lock,
    orders: &Orders,
    purpose: For,
) -> Result<(Vec<Sighting>, Vec<Incomplete>), Failure> {
    let memory = Memory::sparse(lock.machine.memory).map_err(|e| Failure::environment(e, &[]))?;
    let memory = Arc::new(memory);
    let recipe = Recipe::of_lock(lock, orders);
    // The kernel writes zeroes there when a vCPU asks where it is: what else stands there was not written.
    for vcpu in &lock.machine.vcpus {
        if let Some(address) = vcpu.stolen_time {
            let written = memory.write(address, &[0xa5; STOLEN_TIME_SIZE as usize]);
            written.map_err(|e| Failure::environment(e, &[]))?;
        }
    }
    let begun = apply::begin(system, &recipe, Some(Arc::clone(&memory)))?;
    let built = apply::complete(begun, &recipe)?;
    let verified = match purpose {
        For::Audit | For::Check => verify::verify(built, lock, &recipe)?,
        For::Start => verify::unpromised(built)?,
    };
    let (uart, rtc) = device::looked_at(&lock.machine.devices);
    let stage = Stage {
        search: match purpose {
            For::Audit => vec![witness::everywhere(lock.machine.memory)],
            For::Check | For::Start => frames(lock, &recipe),
        },
        mode: MODE_FULL,
        mpidr: recipe.mpidr.clone(),
        distributor: lock.machine.distributor.base,
        redistributors: lock.machine.redistributor_frames().collect(),
        devices: [uart, rtc].map(|device| device.map_or(0, |d| d.range.base)),
        virtio: virtio::looked_at(&lock.machine.devices).collect(),
        space: Space::of_lock(lock),
    };
    witness::load(&stage, &memory, &verified)?;
    let firmware = Firmware::new(lock, &recipe.orders.steps);
    let devices = &lock.machine.devices;
    let windows = start(stand_ins(devices)?, &memory.shared())?;
    let bus = Bus::unheard(devices, windows);
    let seen = witness::observe(verified, &stage, &memory, bus, firmware, Box::new(|| {}))?;
    discard(memory);
    Ok(seen)
}

/// The frames of the interrupt controller that the lock shows, and those of the in-kernel one where it is hidden:
/// KVM has no others, which is read back.
fn frames(lock: &Lock, recipe: &Recipe) -> Vec<Frames> {
    let mut all = Vec::new();
    let mut add = |distributor: u64, redistributors: &[Range]| {
        let regions = redistributors.iter().map(|r| (r.base, r.size / FRAME_SIZE));
        for (base, frames) in [(distributor, 1)].into_iter().chain(regions) {
            all.push(Frames { base, frames });
        }
    };
    add(lock.machine.distributor.base, &lock.machine.redistributors);
    if recipe.proxied.is_some() {
        add(recipe.distributor, &recipe.redistributors);
    }
    all
}
