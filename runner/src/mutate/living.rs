//! What an audit of a guest that runs is worth. The guest runs in a machine that shows it something else than its lock
//! promises, and the audit has to name each promise of which that is so.
//!
//! What is found that this host can show otherwise is shown so, of a few values for each entry: by KVM, or by what the runner
//! answers in its place. The machine
//! is one of a lock that differs from the guest's in all of these entries, and is held against the guest's own as
//! `vmlock-run audit --control` holds it. What the host cannot show otherwise is altered where the witness's words come in.
//! A promise that is not looked at has to be among those that the audit leaves out by name.

use crate::device::bus::Bus;
use crate::device::virtio::stand_in::stand_ins;
use crate::device::virtio::start;
use crate::enforce::apply::{self, Recipe};
use crate::enforce::verify::{self, Verified};
use crate::failure::Failure;
use crate::firmware::forward::Firmware;
use crate::kvm::{System, core, discard};
use crate::living::looked;
use crate::machine::run::{Saved, Session, Space, run_beside};
use crate::memory::Memory;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use vmlock_spec::lock::Lock;
use vmlock_spec::observation::living::{LeftOut, bound, seen};
use vmlock_spec::observation::{self, Incomplete, Promise, Sighting};
use vmlock_spec::plan::{Orders, Plan, Refusal};

/// How long the guest may run.
const LIMIT: Duration = Duration::from_secs(300);
/// The guest: it counts, for ever. `add x0, x0, #1` and `b .-4`.
const GUEST: [u32; 2] = [0x9100_0400, 0x17ff_ffff];
/// How many fields of an entry are tried, at most; and how often other values are.
const FIELDS: usize = 4;
const ROUNDS: usize = 12;

/// What became of the alterations.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// How many promises an audit of a running guest judges, as a whole or in part.
    pub judged: usize,
    /// How many of them the machine did not keep, and the audit named.
    pub in_machine: usize,
    /// The entries of the lock that it showed otherwise.
    pub entries: Vec<String>,
    /// How many of them were named where only the witness's words said otherwise.
    pub in_words: usize,
    /// How many promises are not judged, or not as a whole, by what they are about.
    pub left_out: BTreeMap<&'static str, usize>,
    /// Those that nobody noticed, and that nobody named either.
    pub unnoticed: Vec<String>,
}

/// Plans a lock on this host.
pub type Plans<'a> = &'a dyn Fn(&Lock) -> Result<Plan, Failure>;

/// Alters every promise of the lock that an audit of a running guest judges.
///
/// # Errors
/// The lock as it is is not kept, or there is no machine that shows anything else.
pub fn mutate(
    system: &System,
    lock: &'static Lock,
    orders: &Orders,
    plans: Plans<'_>,
) -> Result<Tally, Failure> {
    let (facts, incomplete) = audited(lock, machine(system, lock, orders)?, orders)?;
    let (audit, left_out) = seen(lock, &facts, incomplete);
    if !audit.kept() {
        return Err(super::unaltered(&format!(
            "a guest that runs does not see it kept: {:?}",
            audit.differences()
        )));
    }
    let mut tally = Tally::default();
    let promises = partition(lock, &left_out, &mut tally);
    let within = by_machine(system, lock, plans, &mut tally)?;
    tally.in_machine = within.len();
    by_words(lock, &facts, &promises, &within, &mut tally);
    Ok(tally)
}

/// The promises that are judged. Each of the lock's is one, or is left out by a name that the audit told.
fn partition(lock: &Lock, told: &[LeftOut], tally: &mut Tally) -> Vec<Promise> {
    let mut judged = Vec::new();
    for promise in observation::promises(lock) {
        let (own, left_out) = bound(vec![promise]);
        let bits: u64 = own.iter().map(|promise| promise.mask).sum();
        let whole = own.iter().any(|own| own.value.is_none()) || bits == promise.mask;
        if left_out.is_empty() && (own.is_empty() || !whole) {
            tally.unnoticed.push(place(&promise));
        }
        for left in left_out {
            *tally.left_out.entry(left.what).or_default() += left.promises;
        }
        judged.extend(own);
    }
    let told: BTreeMap<&str, usize> = told.iter().map(|left| (left.what, left.promises)).collect();
    for (what, count) in &tally.left_out {
        if told.get(what) != Some(count) {
            let words = format!(
                "{what}: {count}, of which the audit tells {:?}",
                told.get(what)
            );
            tally.unnoticed.push(words);
        }
    }
    tally.judged = judged.len();
    judged
}

fn place(promise: &Promise) -> String {
    format!("{} on vCPU {}", promise.name(), promise.vcpu)
}

/// Each promise that is judged, altered as the witness in another machine would tell of it; `within` a machine some of them
/// were altered. All in one comparison, which has to name each.
fn by_words(
    lock: &Lock,
    facts: &[Sighting],
    promises: &[Promise],
    within: &BTreeSet<(u32, u64)>,
    tally: &mut Tally,
) {
    let mut altered = facts.to_vec();
    for fact in &mut altered {
        let about = (fact.vcpu, fact.key);
        if let Ok(at) = promises.binary_search_by_key(&about, |p| (p.vcpu, p.key)) {
            fact.seen = super::other(&promises[at], fact.seen);
        }
    }
    let named = named(lock, &altered);
    for promise in promises {
        match named.contains(&(promise.vcpu, promise.name().into_owned())) {
            true if within.contains(&(promise.vcpu, promise.key)) => {}
            true => tally.in_words += 1,
            false => tally.unnoticed.push(place(promise)),
        }
    }
}

/// What an audit says that is not as promised.
fn named(lock: &Lock, facts: &[Sighting]) -> HashSet<(u32, String)> {
    let (audit, _) = seen(lock, facts, Vec::new());
    let differences = audit.differences().into_iter();
    differences.map(|d| (d.vcpu, d.name)).collect()
}

/// A guest in a machine that shows as many entries of the lock otherwise as this host can: the promises that this breaks,
/// each of which its audit names.
fn by_machine(
    system: &System,
    lock: &Lock,
    plans: Plans<'_>,
    tally: &mut Tally,
) -> Result<BTreeSet<(u32, u64)>, Failure> {
    let mut entries = entries(lock);
    for _ in 0..ROUNDS {
        let altered: &'static Lock = Box::leak(Box::new(with(lock, &entries)));
        let refused = match attempt(system, altered, plans) {
            Ok((machine, orders)) => {
                let (facts, incomplete) = audited(altered, machine, &orders)?;
                return contradicted(lock, altered, (&facts, incomplete), &entries, tally);
            }
            Err(Failure::Refused(refusals)) => refusals,
            Err(failure) => return Err(failure),
        };
        if !give_way(&mut entries, &refused) {
            return Err(Failure::Refused(refused));
        }
    }
    Err(super::unaltered("this host takes no set of other values"))
}

/// The machine of an altered lock, if this host can show all of it.
fn attempt(
    system: &System,
    altered: &'static Lock,
    plans: Plans<'_>,
) -> Result<((Verified, Arc<Memory>), Orders), Failure> {
    let orders = plans(altered)?.orders();
    Ok((machine(system, altered, &orders)?, orders))
}

/// What that guest's audit has to name, by its lock: all that its machine shows otherwise.
fn contradicted(
    lock: &Lock,
    altered: &Lock,
    (facts, incomplete): (&[Sighting], Vec<Incomplete>),
    entries: &[Entry],
    tally: &mut Tally,
) -> Result<BTreeSet<(u32, u64)>, Failure> {
    // Else it is not known what the machine shows.
    let (own, _) = seen(altered, facts, incomplete);
    if !own.kept() {
        return Err(super::unaltered(&format!(
            "the altered machine does not show what it is to: {:?}",
            own.differences()
        )));
    }
    let named = named(lock, facts);
    let (shown, _) = bound(observation::promises(altered));
    let mut within = BTreeSet::new();
    for promise in bound(observation::promises(lock)).0 {
        let about = (promise.vcpu, promise.key);
        let Ok(at) = shown.binary_search_by_key(&about, |p| (p.vcpu, p.key)) else {
            continue;
        };
        let bits = promise.mask & shown[at].mask;
        if promise.value.map(|v| v & bits) == shown[at].value.map(|v| v & bits) {
            continue;
        }
        match named.contains(&(promise.vcpu, promise.name().into_owned())) {
            true => _ = within.insert(about),
            false => tally
                .unnoticed
                .push(format!("{} in the machine", place(&promise))),
        }
    }
    let shown = entries.iter().filter(|entry| !entry.values.is_empty());
    tally.entries = shown.map(|entry| entry.name.clone()).collect();
    match within.is_empty() {
        true => Err(super::unaltered("this host shows nothing otherwise")),
        false => Ok(within),
    }
}

/// Where an entry stands in its lock.
#[derive(Clone, Copy)]
enum At {
    Register(usize),
    Controller(usize),
    Answer(usize),
    Affinity(usize),
}

/// An entry, and what it may be instead, the first one first: none where it stays as it is.
struct Entry {
    name: String,
    at: At,
    values: Vec<u64>,
}

/// All that may be another.
fn entries(lock: &Lock) -> Vec<Entry> {
    let entry = |name: &str, at, values| Entry {
        name: name.to_owned(),
        at,
        values,
    };
    let registers = (0..).zip(&lock.registers).map(|(at, register)| {
        let values = others(register.value, register.promised());
        entry(&register.name, At::Register(at), values)
    });
    let frames = (0..).zip(&lock.gic.registers).map(|(at, register)| {
        let values = others(register.value.into(), u32::MAX.into());
        entry(&register.name, At::Controller(at), values)
    });
    let answers = (0..)
        .zip(&lock.hypercalls.answers)
        .map(|(at, answer)| entry(&answer.call, At::Answer(at), vec![answer.answer ^ 1]));
    let vcpus = (0..).zip(&lock.machine.vcpus).map(|(at, vcpu)| {
        let values = vec![vcpu.mpidr ^ 1 << 8];
        entry("MPIDR_EL1", At::Affinity(at), values)
    });
    let all = registers.chain(frames).chain(answers).chain(vcpus);
    all.filter(|entry| !entry.values.is_empty()).collect()
}

/// Values beside one, in the order in which they are tried: each field of four bits is one less, which a host can do that has
/// what is hidden; then the lowest bit is another.
fn others(value: u64, promised: u64) -> Vec<u64> {
    let fields = (0..64).step_by(4).filter(|at| {
        let (mask, field) = (promised >> at & 0xf, value >> at & 0xf);
        mask == 0xf && field != 0 && field != 0xf
    });
    let less = fields.map(|at| value - (1 << at));
    let bit = super::lowest(promised);
    let all = less.take(FIELDS).chain([value ^ bit]);
    all.filter(|other| *other != value).collect()
}

/// The lock with each entry at its first value.
fn with(lock: &Lock, entries: &[Entry]) -> Lock {
    let mut altered = lock.clone();
    for entry in entries {
        let Some(value) = entry.values.first() else {
            continue;
        };
        match entry.at {
            At::Register(at) => altered.registers[at].value = *value,
            At::Controller(at) => altered.gic.registers[at].value = *value as u32,
            At::Affinity(at) => {
                altered.machine.vcpus[at].mpidr = *value;
                altered.machine.vcpus[at].redistributor ^= 1 << 40;
            }
            At::Answer(_) => {}
        }
    }
    // What follows from the registers; then what an answer alone says.
    super::answer_anew(&mut altered);
    for entry in entries {
        if let (At::Answer(at), Some(value)) = (entry.at, entry.values.first()) {
            altered.hypercalls.answers[at].answer = *value;
        }
    }
    altered
}

/// Each entry that was refused takes its next value, or stays as it is; whether there was one.
fn give_way(entries: &mut [Entry], refused: &[Refusal]) -> bool {
    let mut next = |of: &dyn Fn(&Entry) -> bool| {
        let open = entries.iter_mut().filter(|entry| !entry.values.is_empty());
        let given = open.filter(|entry| of(entry));
        given.map(|entry| entry.values.remove(0)).count() > 0
    };
    // A refusal names a field of it, or its vCPU, as well.
    let named = |entry: &Entry| {
        let rest = refused.iter().map(|r| r.name.strip_prefix(&entry.name));
        rest.flatten()
            .any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    // Where a call is refused that is no entry of its own, the services are what it follows from.
    let of_calls = refused.iter().any(|r| r.name.contains('('));
    next(&named) || of_calls && next(&|entry| entry.name.starts_with("KVM_REG_ARM_"))
}

/// That lock's machine, read back.
fn machine(
    system: &System,
    lock: &'static Lock,
    orders: &Orders,
) -> Result<(Verified, Arc<Memory>), Failure> {
    let memory = Memory::sparse(lock.machine.memory).map_err(|e| Failure::environment(e, &[]))?;
    let memory = Arc::new(memory);
    let recipe = Recipe::of_lock(lock, orders);
    let begun = apply::begin(system, &recipe, Some(Arc::clone(&memory)))?;
    let built = apply::complete(begun, &recipe)?;
    Ok((verify::verify(built, lock, &recipe)?, memory))
}

/// What the witness sees on the vCPUs of a guest that runs in that machine.
fn audited(
    lock: &'static Lock,
    (verified, memory): (Verified, Arc<Memory>),
    orders: &Orders,
) -> Result<(Vec<Sighting>, Vec<Incomplete>), Failure> {
    let trouble = |words: String| Failure::environment(words, &[]);
    let begins = lock.machine.memory.base;
    let code: Vec<u8> = GUEST.into_iter().flat_map(u32::to_le_bytes).collect();
    memory.write(begins, &code).map_err(trouble)?;
    if let Some(vcpu) = verified.boot_vcpu() {
        vcpu.set(core::PC, begins)?;
        vcpu.set(core::PSTATE, core::PSTATE_BOOT)?;
    }
    let devices = &lock.machine.devices;
    let windows = start(stand_ins(devices)?, &memory.shared())?;
    let controls = Arc::<OnceLock<_>>::default();
    let bus = Bus::unheard(devices, windows);
    let firmware = Firmware::new(lock, &orders.steps);
    let session = Session {
        limit: Some(LIMIT),
        controls: Arc::clone(&controls),
        saves: Some(Saved {
            // Nobody saves it.
            text: "",
            lock,
            memory: Arc::clone(&memory),
            kernel: "none".to_owned(),
            hands: None,
        }),
        ..Session::alone(Space::of_lock(lock), bus, firmware)
    };
    let (sender, receiver) = channel();
    let ended = run_beside(verified, session, move |injector| {
        // Who waits for it has nothing else to do.
        let _ = sender.send(looked(&controls, &|| injector.has_ended()));
    })?;
    discard(memory);
    let areas = receiver
        .recv()
        .map_err(|_| "nobody audited it".to_owned())
        .and_then(|areas| areas)
        .map_err(|why| trouble(format!("{why}: the guest ended so: {ended:?}")))?;
    let areas: Vec<&[u8]> = areas.iter().map(Vec::as_slice).collect();
    Ok(observation::decode(&areas))
}
