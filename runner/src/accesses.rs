//! The interrupt controller access by access: lets a guest try all of it
//! (witness/src/accesses.rs), and says in words what came of what, so that two ways
//! to answer can be held against each other.
//!
//! What is tried: `vmlock_spec::observation::accesses`.

use crate::device::bus::Bus;
use crate::enforce::apply::{self, Recipe};
use crate::enforce::verify;
use crate::failure::Failure;
use crate::firmware::forward::Firmware;
use crate::kvm::System;
use crate::machine::run::{Ended, Session, Space, run};
use crate::memory::Memory;
use crate::witness::{self, Stage};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use vmlock_spec::lock::Lock;
use vmlock_spec::observation::accesses as table;
use vmlock_spec::observation::wire::MODE_ACCESSES;
use vmlock_spec::plan::Plan;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(3000);

/// What came of each access or case, by what was done.
pub type Outcomes = BTreeMap<String, String>;

/// Tries one in `stride` cases; all of them and every word of the frames where it is 1.
///
/// # Errors
/// The machine cannot be made as planned, or the guest does not come to an end.
pub fn try_all(
    system: &System,
    lock: &Lock,
    plan: &Plan,
    stride: u64,
) -> Result<Outcomes, Failure> {
    let memory = Memory::new(lock.machine.memory).map_err(|e| Failure::environment(e, &[]))?;
    let memory = Arc::new(memory);
    let recipe = Recipe::of_lock(lock, &plan.orders());
    let begun = apply::begin(system, &recipe, Some(Arc::clone(&memory)))?;
    let built = apply::complete(begun, &recipe)?;
    let verified = verify::verify(built, lock, &recipe)?;
    let stage = Stage {
        mode: MODE_ACCESSES,
        search: Vec::new(),
        mpidr: recipe.mpidr.clone(),
        distributor: lock.machine.distributor.base,
        redistributors: lock.machine.redistributor_frames().collect(),
        devices: [0; 2],
        virtio: Vec::new(),
        space: Space::of_lock(lock),
    };
    witness::load(&stage, &memory, &verified)?;
    let words = memory
        .words::<{ table::WORDS }>(table::ADDRESS)
        .ok_or_else(|| Failure::environment("the guest has too little memory", &[]))?;
    let private = &lock.machine.private_interrupts;
    words[table::VIRTUAL_TIMER].store(private.virtual_timer.into(), SeqCst);
    words[table::PHYSICAL_TIMER].store(private.physical_timer.into(), SeqCst);
    words[table::PMU].store(private.pmu.unwrap_or(0).into(), SeqCst);
    words[table::STRIDE].store(stride, SeqCst);
    let bus = Bus::doorbell(table::DOORBELL);
    let firmware = Firmware::new(lock, &recipe.orders.steps);
    let session = Session {
        limit: Some(LIMIT),
        ..Session::alone(Space::of_lock(lock), bus, firmware)
    };
    match run(verified, session)? {
        Ended::PowerOff => Ok(outcomes(words)),
        other => Err(Failure::environment(
            format!(
                "the guest ended otherwise than by powering off, after {} entries: {other:?}",
                words[table::COUNT].load(SeqCst)
            ),
            &[],
        )),
    }
}

/// The log in words.
fn outcomes(words: &[AtomicU64; table::WORDS]) -> Outcomes {
    let count = (words[table::COUNT].load(SeqCst) as usize).min(table::ENTRIES);
    let (entries, _) = words[table::LOG..].as_chunks::<2>();
    let mut outcomes = Outcomes::new();
    for [key, value] in entries.iter().take(count) {
        let (what, seen) = say(key.load(SeqCst), value.load(SeqCst));
        let outcome = outcomes.entry(what).or_default();
        if !outcome.is_empty() {
            outcome.push_str("; ");
        }
        outcome.push_str(&seen);
    }
    outcomes
}

/// What was done, and what was seen of it.
fn say(key: u64, value: u64) -> (String, String) {
    let (kind, parts) = table::parts(key);
    let at = |index: usize| parts[index] as usize;
    let nothing = || (format!("an unknown key {key:#x}"), format!("{value:#x}"));
    match kind {
        table::SWEPT => {
            let Some((frame, _)) = table::SWEEP.get(at(0)) else {
                return nothing();
            };
            (
                format!("{frame:?} {:#07x}", parts[4]),
                format!("{value:#010x}"),
            )
        }
        table::ACCESSED => {
            let (Some(register), Some((width, offset))) =
                (table::REGISTERS.get(at(0)), table::ACCESSES.get(at(1)))
            else {
                return nothing();
            };
            let what = match at(2).checked_sub(1).and_then(|n| table::WRITTEN.get(n)) {
                Some(written) => format!("{written:#x} written"),
                None => "read".to_owned(),
            };
            (
                format!("{} + {offset}, {width} bytes, {what}", register.name),
                format!("{value:#x}"),
            )
        }
        table::CASE => {
            let (Some(source), Some(operation), Some(step)) = (
                table::Source::ALL.get(at(0)),
                table::Operation::ALL.get(at(2)),
                table::STEPS.get(at(4)),
            ) else {
                return nothing();
            };
            let states = [
                (table::ENABLED, "enabled"),
                (table::PENDED, "pended"),
                (table::RAISED, "raised"),
                (table::ACTIVATED, "activated"),
                (table::TAKEN, "taken"),
            ];
            let state: Vec<&str> = states
                .iter()
                .filter(|(bit, _)| parts[1] & bit != 0)
                .map(|(_, name)| *name)
                .collect();
            let afar = if parts[3] == 0 { "" } else { " from afar" };
            let what = format!("{source:?} [{}] {operation:?}{afar}", state.join(" "));
            let seen = match step.starts_with("acknowledged") {
                true => format!("{step} {}", value as u32),
                false => format!("{step} {}", state_in_words(value)),
            };
            (what, seen)
        }
        table::MADE => {
            let (Some(way), Some(of)) = (table::WAYS.get(at(0)), table::MADE_OF.get(at(4))) else {
                return nothing();
            };
            ((*way).to_owned(), format!("{of} {value:#x}"))
        }
        _ => nothing(),
    }
}

/// Bits as `table::SEEN` has them.
fn state_in_words(value: u64) -> String {
    let bits = (0..).zip(table::SEEN);
    let mut words: Vec<String> = bits
        .filter(|(bit, _)| value >> bit & 1 == 1)
        .map(|(_, name)| name.to_owned())
        .collect();
    for (name, part) in [
        ("priority", value >> 8 & 0xff),
        ("ICFGR", value >> 16 & 3),
        ("IROUTER", value >> 32 & 0xff_ffff),
        ("ICC_RPR_EL1", value >> 56),
    ] {
        if part != 0 {
            words.push(format!("{name} {part:#x}"));
        }
    }
    words.join(", ")
}
