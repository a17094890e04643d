//! The rehearsal: a second machine, enforced by the same plan, in which the
//! witness looks from inside and is held against the lock. What cannot be read
//! back from outside (PMU events, registers of vCPUs that CPU_ON has reset) is
//! proven this way before a guest's first instruction.

use crate::enforce::apply::{self, Recipe};
use crate::enforce::verify;
use crate::failure::Failure;
use crate::firmware::forward::Firmware;
use crate::kvm::{System, discard};
use crate::machine::memory::Memory;
use crate::machine::run::Space;
use crate::witness::{self, Stage};
use std::sync::Arc;
use vmlock_spec::lock::Lock;
use vmlock_spec::machine::STOLEN_TIME_SIZE;
use vmlock_spec::observation::wire::{MODE_FULL, MODE_LIGHT};
use vmlock_spec::observation::{self, Audit, Incomplete, Look};
use vmlock_spec::plan::{Plan, Refusal};
use vmlock_spec::reason;
use vmlock_spec::report::Fact;

/// Builds the lock's machine, lets the witness look at it, and compares.
///
/// # Errors
/// As [`observe`].
pub fn rehearse(system: &System, lock: &Lock, plan: &Plan, look: Look) -> Result<Audit, Failure> {
    let (facts, incomplete) = observe(system, lock, plan, look)?;
    Ok(observation::audit(lock, &facts, incomplete, look))
}

/// Builds the lock's machine; what the witness saw of it, and where its account has gaps.
///
/// # Errors
/// The machine cannot be made as planned, or the witness does not come to an end.
pub fn observe(
    system: &System,
    lock: &Lock,
    plan: &Plan,
    look: Look,
) -> Result<(Vec<Fact>, Vec<Incomplete>), Failure> {
    let memory = Memory::new(lock.machine.memory).map_err(|e| Failure::environment(e, &[]))?;
    let memory = Arc::new(memory);
    let recipe = Recipe::of_lock(lock, plan);
    // The kernel writes zeroes there when a vCPU asks where it is: what else stands there was not written.
    for vcpu in &lock.machine.vcpus {
        if let Some(address) = vcpu.stolen_time {
            let written = memory.write(address, &[0xa5; STOLEN_TIME_SIZE as usize]);
            written.map_err(|e| Failure::environment(e, &[]))?;
        }
    }
    let begun = apply::begin(system, &recipe, Some(Arc::clone(&memory)))?;
    let built = apply::complete(begun, &recipe)?;
    let verified = verify::verify(built, lock, &recipe)?;
    let frames = match look {
        Look::Everywhere => witness::frames(lock.machine.memory),
        Look::AtWhatIsThere | Look::Light => 0,
    };
    let mode = match look {
        Look::Light => MODE_LIGHT,
        Look::Everywhere | Look::AtWhatIsThere => MODE_FULL,
    };
    let stage = Stage {
        frames,
        mode,
        mpidr: recipe.mpidr.clone(),
        distributor: lock.machine.distributor.base,
        redistributors: lock.machine.redistributors[0].base,
        space: Space::of_lock(lock),
    };
    witness::load(&stage, &memory, &verified)?;
    let firmware = Firmware::new(lock, &recipe.steps);
    let seen = witness::observe(verified, &stage, &memory, firmware, Box::new(|| {}))?;
    discard(memory);
    Ok(seen)
}

/// Rehearses, and refuses where the witness saw anything but the promises.
///
/// # Errors
/// Every promise that is not kept from inside, as refusals.
pub fn prove(system: &System, lock: &Lock, plan: &Plan, look: Look) -> Result<(), Failure> {
    let audit = rehearse(system, lock, plan, look)?;
    if audit.kept() {
        return Ok(());
    }
    let refusal = |name: String, wanted: String, offered: String, why: String| Refusal {
        code: reason::REHEARSAL,
        name,
        wanted,
        offered,
        reason: why,
        from: "the rule that a success code proves nothing".to_owned(),
        help: vec!["choose another host, and report this one: its probe said otherwise".to_owned()],
    };
    let mut refusals: Vec<Refusal> = audit
        .differences
        .into_iter()
        .map(|d| {
            let why = format!("in a rehearsal, vCPU {} saw {}", d.vcpu, d.seen);
            refusal(d.name, d.promised, d.seen, why)
        })
        .collect();
    refusals.extend(audit.incomplete.into_iter().map(|i| {
        let name = format!("vCPU {}", i.vcpu);
        refusal(
            name,
            "a complete account".to_owned(),
            i.reason.clone(),
            i.reason,
        )
    }));
    if refusals.is_empty() {
        let why = "in a rehearsal, the witness saw none of the promised facts".to_owned();
        refusals.push(refusal(
            "facts".to_owned(),
            "all".to_owned(),
            "none".to_owned(),
            why,
        ));
    }
    Err(Failure::Refused(refusals))
}
