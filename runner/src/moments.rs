//! A guest that is at one hostile moment after the other (witness/src/moments.rs) is saved at each of its instructions,
//! and goes on in a new machine: what it comes to is what one comes to that nobody saved. With the feature `torture` alone.
//!
//! Each machine lasts one turn: one of its vCPUs goes one instruction, or makes one exit that is served. Then it is paused,
//! settled and saved as any guest is, its file is read as any file is, and the next machine is given that state, which is
//! read back. The guest's memory stays where it is meanwhile; that of some is in their files, which others restore. These are
//! audited where they are saved and where they are restored, before they go on: what they see has the digest of what one sees
//! that nobody saved.

use crate::device::bus::Bus;
use crate::enforce::apply::{self, Recipe};
use crate::enforce::verify;
use crate::failure::Failure;
use crate::firmware::forward::Firmware;
use crate::hold::pausing::{Controls, Saves, Settled};
use crate::kvm::{System, bury, discard};
use crate::living;
use crate::machine::run::turn::{Came, Length, Turn};
use crate::machine::run::{
    Counter, Ended, Resumed, Saved, Session, Space, run, run_beside, run_for_a_turn,
};
use crate::memory::Memory;
use crate::pack::{Packer, Unpacker};
use crate::snapshot::restore::Opened;
use crate::snapshot::save::{self, Saving, Wrote};
use crate::threads::spawn;
use crate::witness::{self, Stage};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use vmlock_saved::state::{Host, Power, State};
use vmlock_saved::{Contents, WriteAt, Writer};
use vmlock_spec::lock::Lock;
use vmlock_spec::observation::living::seen;
use vmlock_spec::observation::moments as told;
use vmlock_spec::observation::wire::MODE_MOMENTS;
use vmlock_spec::observation::{self, device};
use vmlock_spec::plan::Orders;

/// Instructions of a round, at least: so that the guest has rounds to go behind the last one that it is saved at.
const ROUND: u64 = 400;
/// How long a guest that nobody stops may take to its end.
const LIMIT: Duration = Duration::from_secs(120);
/// How soon somebody who waits looks again.
const SOON: Duration = Duration::from_micros(200);
/// How many machines wait to be torn down, at most.
const DEAD: u64 = 32;
/// How many of each kind are kept, whatever else is.
const OF_EACH_KIND: u64 = 2;
/// vCPU 1 has so many turns while it is on, before vCPU 0 has one.
const OTHERS_TURNS: u64 = 9;

/// The file that goes from one machine to the next, without memory; and that of a guest that is kept whole.
const FILE: &str = "/tmp/moment";
const WHOLE: &str = "/tmp/moment.save";

/// PSTATE.SS and MDSCR_EL1.SS: what a single step leaves nowhere.
const PSTATE_SS: u64 = 1 << 21;
const MDSCR_SS: u64 = 1 << 0;

const IN_THE_HANDLER: &str = "inside the timer's handler";
const READ_IN_THE_HANDLER: &str = "an MMIO read pending inside the timer's handler";
const SPI_ACTIVE: &str = "an SPI active";
const LINE_UP: &str = "a level line up";
const READ: &str = "an MMIO read pending";
const WRITE: &str = "an MMIO write pending";
const CPU_ON: &str = "CPU_ON in flight";
const STARTING: &str = "CPU_ON in flight at the runner";
const CALL: &str = "a forwarded firmware call";
const OFF: &str = "a vCPU off that the kernel has turned off";

/// What is to be done.
pub struct Sweep {
    /// At how many instructions it is saved.
    pub steps: u64,
    /// One file in so many is kept.
    pub each: u64,
    /// Where those are kept.
    pub into: Option<PathBuf>,
}

/// What came of it.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// How often the guest was saved and restored.
    pub moves: u64,
    /// How often at a moment of each kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// How often it was refused for the moment, because a vCPU was being turned on.
    pub tried_again: u64,
    /// How often PSTATE.SS was set, or MDSCR_EL1.SS.
    pub steps_left: u64,
    /// How often the timer interrupted the guest without a cause, on this kernel (wire::moments::SPURIOUS), and what
    /// CNTV_CTL_EL0 was the last time; and both of one that nobody saved.
    pub spurious: u64,
    pub spurious_control: u64,
    pub spurious_unsaved: u64,
    pub spurious_control_unsaved: u64,
    /// The saved guests that were interrupted so more often than one that nobody saved, by the moves that they are of; and
    /// those that were less often.
    pub once_more: Vec<u64>,
    pub once_less: Vec<u64>,
    /// How many files are kept, or were restored.
    pub files: u64,
    /// How many of these are of a moment of each kind, where they are kept.
    pub kept: BTreeMap<&'static str, u64>,
    /// How many of these guests were audited, and see what the one that nobody saved does.
    pub audited: u64,
    /// The digest of what that one sees.
    pub digest: String,
    /// The sum of the guest that nobody saved.
    pub sum: String,
    /// What is wrong.
    pub problems: Vec<String>,
    /// How long it took.
    pub milliseconds: u64,
}

impl Tally {
    /// What a guest came to that nobody saved.
    fn beside(&mut self, unsaved: &Words) {
        self.sum = sums(unsaved);
        self.spurious_unsaved = unsaved[told::SPURIOUS];
        self.spurious_control_unsaved = unsaved[told::SPURIOUS + 1];
    }

    /// What an audit of that moved guest came to.
    fn was_audited(&mut self, name: &str, came: Result<String, String>) {
        match came {
            Ok(digest) if digest == self.digest => self.audited += 1,
            Ok(digest) => self.problems.push(format!(
                "{name}: what it sees has digest {digest}, and what one sees that nobody saved {}",
                self.digest
            )),
            Err(why) => self.problems.push(format!("{name}: its audit: {why}")),
        }
    }
}

/// The digest of what a guest sees, whose audit has these areas.
///
/// # Errors
/// That is not what its lock promises.
fn digest(lock: &Lock, areas: &[Vec<u8>]) -> Result<String, String> {
    let areas: Vec<&[u8]> = areas.iter().map(Vec::as_slice).collect();
    let (sightings, incomplete) = observation::decode(&areas);
    let (audit, _) = seen(lock, &sightings, incomplete);
    match audit.kept() {
        true => Ok(audit.digest()),
        false => Err(format!(
            "it does not see what its lock promises: {:?}, {:?}",
            audit.differences(),
            audit.incomplete
        )),
    }
}

/// The words of a guest that has come to its end.
type Words = [u64; told::WORDS];

/// Whose machines these are.
struct Maker<'a> {
    system: &'a System,
    lock: &'static Lock,
    text: &'static str,
    recipe: Recipe<'static>,
    orders: &'a Orders,
}

/// A file of which nothing but the sections is written.
struct Target(File);

impl WriteAt for Target {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset)
    }
    fn sync(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn trouble(words: impl Into<String>) -> Failure {
    Failure::environment(words.into(), &[])
}

fn bad(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    trouble(format!("{}: {why}", path.display()))
}

/// Saves the guest at each of its instructions.
///
/// # Errors
/// A machine cannot be made as planned, or does not go on.
pub fn sweep(
    system: &System,
    (lock, text): (&'static Lock, &'static str),
    orders: &Orders,
    wanted: &Sweep,
) -> Result<Tally, Failure> {
    let maker = Maker::new(system, (lock, text), orders)?;
    let begun = Instant::now();
    let rounds = wanted.steps / ROUND + 2;
    let mut tally = Tally::default();
    let unsaved = maker.unsaved(rounds)?;
    tally.beside(&unsaved);
    tally.digest = maker.unmoved(&unsaved)?;
    let memory = maker.memory(rounds)?;
    let (file, whole) = (Path::new(FILE), Path::new(WHOLE));
    let into = wanted.into.as_deref();
    let mut packer = into.map(|into| Packer::new(into).map_err(|e| bad(into, &e)));
    let mut packer = packer.take().transpose()?;
    let (mut opened, mut turn): (Option<Opened>, _) = (None, Turn::new(0, Length::Exit));
    for number in 0..wanted.steps {
        let before = opened.as_ref().map(|opened| &opened.saved.state);
        let was_on = before.is_some_and(is_on);
        let keep = Keep {
            keeps: packer.is_some(),
            always: number.is_multiple_of(wanted.each),
            met: tally.kinds.clone(),
            lock,
            was_on,
        };
        let moved = maker.move_on(&memory, opened.as_ref(), turn, file, keep);
        let moved = moved.map_err(|failure| failure.at(number, before))?;
        tally.moves += 1;
        tally.tried_again += moved.tried_again;
        if let (Some(_), Some(packer)) = (&moved.kept, &mut packer) {
            let added = File::open(whole).and_then(|file| packer.add(number, &file));
            added.map_err(|e| bad(whole, &e))?;
            tally.files += 1;
        }
        let next = Opened::open(file, text)?;
        let state = &next.saved.state;
        tally.steps_left += u64::from(steps_left(state));
        for kind in kinds(lock, state, &moved, was_on) {
            *tally.kinds.entry(kind).or_default() += 1;
            if moved.kept.is_some() {
                *tally.kept.entry(kind).or_default() += 1;
            }
        }
        if let Some(came) = moved.kept {
            tally.was_audited(&format!("saved at move {number}"), came);
        }
        turn = Turn::new(whose(state, number), Length::Instruction);
        opened = Some(next);
        if number.is_multiple_of(DEAD) {
            spawn("undertaker", bury)?;
        }
    }
    if let (Some(packer), Some(into)) = (packer, into) {
        packer.end().map_err(|e| bad(into, &e))?;
    }
    let (words, _) = maker.to_the_end(&memory, opened.as_ref(), Audited::No)?;
    tally.spurious = words[told::SPURIOUS];
    tally.spurious_control = words[told::SPURIOUS + 1];
    if told::found(&words) != told::found(&unsaved) {
        tally.problems.push(difference(&words, &unsaved));
    }
    if tally.steps_left > 0 {
        tally
            .problems
            .push("what a single step needs was saved with the guest".to_owned());
    }
    tally.problems.extend(unmet(&tally, maker.starts()));
    tally.milliseconds = begun.elapsed().as_millis() as u64;
    Ok(tally)
}

/// Restores every guest that was kept there, and has it come to its end.
///
/// # Errors
/// A machine cannot be made as planned.
pub fn finish(
    system: &System,
    (lock, text): (&'static Lock, &'static str),
    orders: &Orders,
    from: &Path,
) -> Result<Tally, Failure> {
    let maker = Maker::new(system, (lock, text), orders)?;
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut unsaved: Option<(u64, Words)> = None;
    let mut packed = Unpacker::new(from).map_err(|e| bad(from, &e))?;
    let whole = Path::new(WHOLE);
    while let Some(number) = packed.next(whole).map_err(|e| bad(from, &e))? {
        let opened = Opened::open(whole, text)?;
        let memory = maker.empty()?;
        opened.load(&memory)?;
        let begun_with = words(&memory)?;
        let rounds = begun_with[told::ROUNDS];
        let expected = match unsaved {
            Some((of, words)) if of == rounds => words,
            _ => maker.unsaved(rounds)?,
        };
        unsaved = Some((rounds, expected));
        tally.beside(&expected);
        if tally.digest.is_empty() {
            tally.digest = maker.unmoved(&expected)?;
        }
        let name = format!("saved at move {number}");
        match maker.to_the_end(&memory, Some(&opened), Audited::First) {
            Ok((words, came)) => {
                tally.was_audited(&name, came);
                let before = begun_with[told::SPURIOUS];
                let spurious = words[told::SPURIOUS].saturating_sub(before);
                tally.spurious += spurious;
                match spurious.cmp(&expected[told::SPURIOUS]) {
                    Ordering::Less => tally.once_less.push(number),
                    Ordering::Equal => {}
                    Ordering::Greater => {
                        tally.once_more.push(number);
                        tally.spurious_control = words[told::SPURIOUS + 1];
                    }
                }
                if told::found(&words) != told::found(&expected) {
                    let difference = difference(&words, &expected);
                    tally.problems.push(format!("{name}: {difference}"));
                }
            }
            Err(Failure::Refused(refusals)) => {
                let why = refusals.iter().map(|r| format!("{}: {}", r.name, r.reason));
                let why: Vec<String> = why.collect();
                tally
                    .problems
                    .push(format!("{name}: refused: {}", why.join("; ")));
            }
            Err(Failure::Environment(why) | Failure::Usage(why)) => {
                tally.problems.push(format!("{name}: {}", why.message));
            }
        }
        tally.files += 1;
        spawn("undertaker", bury)?;
    }
    if tally.files == 0 {
        tally
            .problems
            .push(format!("there is no saved guest in {}", from.display()));
    }
    tally.milliseconds = begun.elapsed().as_millis() as u64;
    Ok(tally)
}

/// What a turn came to.
struct Moved {
    came: Came,
    vcpu: usize,
    tried_again: u64,
    /// The guest is in a file of its own, with its memory; what it sees, as an audit says that came afterwards.
    kept: Option<Result<String, String>>,
}

/// Whether a guest is audited before it goes on, or early in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audited {
    No,
    First,
}

/// Which guests are kept whole.
struct Keep {
    keeps: bool,
    /// Whatever it is at.
    always: bool,
    /// How often it was at a moment of each kind so far.
    met: BTreeMap<&'static str, u64>,
    lock: &'static Lock,
    was_on: bool,
}

impl Keep {
    fn wants(&self, state: &State, moved: &Moved) -> bool {
        let rare = |kind| self.met.get(kind).is_none_or(|n| *n < OF_EACH_KIND);
        let met = kinds(self.lock, state, moved, self.was_on);
        self.keeps && (self.always || met.into_iter().any(rare))
    }
}

/// Why there is no next machine.
enum Lost {
    Failed(Failure),
    /// In words.
    Stuck(String),
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Lost {
    /// With where it was.
    fn at(self, number: u64, before: Option<&State>) -> Failure {
        let pc = before
            .and_then(|state| Some(state.vcpus.first()?.registers.get("PC")?.to_string()))
            .unwrap_or_default();
        let place = format!("move {number}, from vCPU 0 at {pc}");
        match self {
            Self::Stuck(words) => trouble(format!("{place}: {words}")),
            Self::Failed(Failure::Environment(mut why)) => {
                why.message = format!("{place}: {}", why.message);
                Failure::Environment(why)
            }
            Self::Failed(Failure::Refused(refusals)) => {
                let why = refusals.iter().map(|r| format!("{}: {}", r.name, r.reason));
                let why: Vec<String> = why.collect();
                trouble(format!("{place}: refused: {}", why.join("; ")))
            }
            Self::Failed(other) => other,
        }
    }
}

impl<'a> Maker<'a> {
    fn new(
        system: &'a System,
        (lock, text): (&'static Lock, &'static str),
        orders: &'a Orders,
    ) -> Result<Self, Failure> {
        let [Some(_), _] = <[_; 2]>::from(device::looked_at(&lock.machine.devices)) else {
            return Err(Failure::usage(
                "the lock has no UART, whose line could be up",
                &["take lab/tests/specs/moments.vm.lock.json"],
            ));
        };
        if lock.machine.vcpus.len() != 2 {
            return Err(Failure::usage(
                "the guest has two vCPUs, and the lock other ones",
                &["take lab/tests/specs/moments.vm.lock.json"],
            ));
        }
        Ok(Self {
            system,
            lock,
            text,
            recipe: Recipe::of_lock(lock, orders),
            orders,
        })
    }

    fn firmware(&self) -> Option<Firmware> {
        Firmware::new(self.lock, &self.orders.steps)
    }

    /// Whether the runner turns vCPUs on, and answers all of firmware's calls.
    fn starts(&self) -> bool {
        self.firmware().is_some_and(|f| f.starter().is_some())
    }

    fn empty(&self) -> Result<Arc<Memory>, Failure> {
        Ok(Arc::new(
            Memory::new(self.lock.machine.memory).map_err(trouble)?,
        ))
    }

    /// Memory of a guest that has yet to begin.
    fn memory(&self, rounds: u64) -> Result<Arc<Memory>, Failure> {
        let memory = self.empty()?;
        let (uart, _) = device::looked_at(&self.lock.machine.devices);
        let line = uart.map_or(0, |uart| uart.interrupt);
        let words = words_of(&memory)?;
        words[told::ROUNDS].store(rounds, SeqCst);
        let timer = self.lock.machine.private_interrupts.virtual_timer;
        words[told::TIMER].store(timer.into(), SeqCst);
        words[told::LINE].store(line.into(), SeqCst);
        Ok(memory)
    }

    /// A machine that begins, or goes on; what it runs with.
    fn make(
        &self,
        memory: &Arc<Memory>,
        opened: Option<&Opened>,
        controls: &Arc<OnceLock<Controls>>,
        audited: Audited,
    ) -> Result<(verify::Verified, Session), Failure> {
        let (lock, recipe) = (self.lock, &self.recipe);
        let begun = apply::begin(self.system, recipe, Some(Arc::clone(memory)))?;
        let built = apply::complete(begun, recipe)?;
        let state = opened.map(|opened| &opened.saved.state);
        let verified = match state {
            Some(state) => verify::resumed(built, lock, recipe, &mut || Ok(state))?,
            None => {
                let verified = verify::verify(built, lock, recipe)?;
                let (uart, _) = device::looked_at(&lock.machine.devices);
                let stage = Stage {
                    mode: MODE_MOMENTS,
                    search: Vec::new(),
                    mpidr: recipe.mpidr.clone(),
                    distributor: lock.machine.distributor.base,
                    redistributors: lock.machine.redistributor_frames().collect(),
                    devices: [uart.map_or(0, |uart| uart.range.base), 0],
                    virtio: Vec::new(),
                    space: Space::of_lock(lock),
                };
                witness::load(&stage, memory, &verified)?;
                verified
            }
        };
        let mut bus = Bus::new(&lock.machine.devices, Box::new(std::io::sink()), Vec::new());
        if let Some(opened) = opened {
            opened.devices(&mut bus)?;
        }
        let resumed = state.map(|state| Resumed {
            lock,
            looked_at: true,
            counter: Counter {
                value: state.machine.virtual_counter.0,
                since: None,
            },
            on: state
                .vcpus
                .iter()
                .map(|vcpu| vcpu.power == Power::On)
                .collect(),
            paused: audited == Audited::First,
            asks: None,
            far: false,
        });
        let session = Session {
            limit: Some(LIMIT),
            controls: Arc::clone(controls),
            saves: Some(Saved {
                text: self.text,
                lock,
                memory: Arc::clone(memory),
                kernel: "none".to_owned(),
                hands: None,
            }),
            resumed,
            ..Session::alone(Space::of_lock(lock), bus, self.firmware())
        };
        Ok((verified, session))
    }

    /// What a guest comes to that nobody saves.
    fn unsaved(&self, rounds: u64) -> Result<Words, Failure> {
        let memory = self.memory(rounds)?;
        let (words, _) = self.to_the_end(&memory, None, Audited::No)?;
        discard(memory);
        Ok(words)
    }

    /// The digest of what a guest sees that nobody saves, and that is audited; it comes to the same as `unsaved`, which is not.
    fn unmoved(&self, unsaved: &Words) -> Result<String, Failure> {
        let memory = self.memory(unsaved[told::ROUNDS])?;
        let (words, came) = self.to_the_end(&memory, None, Audited::First)?;
        discard(memory);
        match told::found(&words) == told::found(unsaved) {
            true => came.map_err(|why| trouble(format!("nobody saved it: its audit: {why}"))),
            false => Err(trouble(format!(
                "audited and not saved, {}",
                difference(&words, unsaved)
            ))),
        }
    }

    /// What the guest comes to that nobody saves from here on, and the digest of what it sees where it is audited.
    fn to_the_end(
        &self,
        memory: &Arc<Memory>,
        opened: Option<&Opened>,
        audited: Audited,
    ) -> Result<(Words, Result<String, String>), Failure> {
        let controls = Arc::<OnceLock<Controls>>::default();
        let (verified, session) = self.make(memory, opened, &controls, audited)?;
        let mut came = Err("nobody audited it".to_owned());
        let ended = match audited {
            Audited::No => run(verified, session)?,
            Audited::First => {
                let (sender, receiver) = channel();
                let lock = self.lock;
                let ended = run_beside(verified, session, move |injector| {
                    let ended = || injector.has_ended();
                    let seen = living::looked(&controls, &ended);
                    let seen = seen.and_then(|areas| digest(lock, &areas));
                    if seen.is_ok() {
                        living::until(&ended);
                    }
                    // Who waits for it has nothing else to do.
                    let _ = sender.send(seen);
                })?;
                if let Ok(seen) = receiver.recv() {
                    came = seen;
                }
                ended
            }
        };
        let words = words(memory)?;
        match ended {
            Ended::PowerOff if words[told::FAULT] == 0 => Ok((words, came)),
            Ended::PowerOff => Err(trouble(format!(
                "the guest took an exception that it did not expect; its words are {words:x?}"
            ))),
            how => Err(trouble(format!(
                "the guest ended otherwise than by powering off: {how:?}; its audit: {came:?}; its words are {words:x?}"
            ))),
        }
    }

    /// Has a vCPU go one turn in a new machine, and saves it into that file, but for its memory.
    fn move_on(
        &self,
        memory: &Arc<Memory>,
        opened: Option<&Opened>,
        turn: Turn,
        file: &Path,
        keep: Keep,
    ) -> Result<Moved, Lost> {
        let controls = Arc::<OnceLock<Controls>>::default();
        let (verified, session) = self.make(memory, opened, &controls, Audited::No)?;
        let (sender, receiver) = channel();
        let turn = Arc::new(turn);
        let given = Arc::clone(&turn);
        let ended = run_for_a_turn(verified, session, turn, move |ended| {
            let saved = match controls.get() {
                _ if ended() => Err("it ended at once".to_owned()),
                _ => saved_after(&given, &controls, &keep, ended),
            };
            // Who waits for it has nothing else to do.
            let _ = sender.send(saved);
        })?;
        let saved = receiver
            .recv()
            .map_err(|_| trouble("nobody saved the guest"))?;
        let (state, moved) = saved.map_err(|why| Lost::Stuck(format!("{why}: {ended:?}")))?;
        self.write(&state, file)?;
        Ok(moved)
    }

    /// Writes that file, as if all memory were zero.
    fn write(&self, state: &State, path: &Path) -> Result<(), Failure> {
        let bad = |e: &dyn std::fmt::Display| bad(path, e);
        let file = File::create(path).map_err(|e| bad(&e))?;
        let size = self.lock.machine.memory.size;
        let writer = Writer::new(Target(file), size).map_err(|e| bad(&e))?;
        let host = Host {
            report: None,
            kernel: "none".to_owned(),
            writer: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let contents = Contents {
            lock: self.text,
            state,
            disks: &[],
            host: &host,
        };
        writer.finish(&contents).map_err(|e| bad(&e))?;
        Ok(())
    }
}

/// Waits for the turn, pauses the machine and reads it.
fn saved_after(
    turn: &Turn,
    controls: &OnceLock<Controls>,
    keep: &Keep,
    ended: &dyn Fn() -> bool,
) -> Result<(State, Moved), String> {
    let mut tried_again = 0;
    loop {
        let kick = |vcpu: usize| {
            if let (Some(controls), Ok(vcpu)) = (controls.get(), u32::try_from(vcpu)) {
                controls.kick(vcpu);
            }
        };
        let came = turn.wait(ended, kick).ok_or("the turn was never over")?;
        let controls = controls.get().ok_or("nobody operates it")?;
        let saves = controls.saves.as_ref().ok_or("it has no lock")?;
        let paused = living::at_rest(controls, controls.pause(Instant::now()))?;
        paused.ask(controls);
        let own = loop {
            match paused.told(controls) {
                Some(own) => break own?,
                None => thread::sleep(SOON),
            }
        };
        let mut settled = loop {
            match paused.settled(controls) {
                Some(settled) => break settled,
                None => thread::sleep(SOON),
            }
        };
        match save::state(&mut settled, saves, own) {
            Ok(state) => {
                let mut moved = Moved {
                    came,
                    vcpu: turn.vcpu(),
                    tried_again,
                    kept: None,
                };
                if keep.wants(&state, &moved) {
                    whole(&state, &settled, saves, Path::new(WHOLE))?;
                    // The witness is no device's, and asks none.
                    drop(settled);
                    let areas = living::areas(controls, &paused);
                    moved.kept = Some(areas.and_then(|areas| digest(keep.lock, &areas)));
                }
                return Ok((state, moved));
            }
            // The runner turns it on itself, once that vCPU has its turn.
            Err(why) if why.contains("being turned on") && tried_again == 0 => {
                tried_again += 1;
                turn.again(1);
            }
            Err(why) => return Err(why),
        }
    }
}

/// Writes the whole guest into that file, as whoever saves one does.
fn whole(state: &State, settled: &Settled<'_>, saves: &Saves, path: &Path) -> Result<(), String> {
    let file = File::create(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let memory = saves.memory.range().size;
    let mut saving = Saving::new(file, state.clone(), settled.disks(false), memory)?;
    loop {
        match saving.go_on(saves)? {
            Wrote::More(more) => saving = *more,
            Wrote::Whole(_) => return Ok(()),
        }
    }
}

fn words_of(memory: &Memory) -> Result<&[std::sync::atomic::AtomicU64; told::WORDS], Failure> {
    memory
        .words::<{ told::WORDS }>(told::ADDRESS)
        .ok_or_else(|| trouble("the guest has too little memory"))
}

fn words(memory: &Memory) -> Result<Words, Failure> {
    Ok(words_of(memory)?.each_ref().map(|word| word.load(SeqCst)))
}

fn sums(words: &Words) -> String {
    format!("{:#018x}", words[told::SUM])
}

fn difference(words: &Words, unsaved: &Words) -> String {
    format!("the guest came to {words:x?}, and one that nobody saved to {unsaved:x?}")
}

fn is_on(state: &State) -> bool {
    (state.vcpus.get(1)).is_some_and(|vcpu| vcpu.power == Power::On)
}

/// Who has the next turn.
fn whose(state: &State, number: u64) -> usize {
    usize::from(is_on(state) && !number.is_multiple_of(OTHERS_TURNS + 1))
}

/// Whether what the single step needs is in the state.
fn steps_left(state: &State) -> bool {
    state.vcpus.iter().any(|vcpu| {
        let has = |name: &str, bit: u64| {
            let value = vcpu.registers.get(name).and_then(|value| value.word());
            value.is_some_and(|value| value & bit != 0)
        };
        has("PSTATE", PSTATE_SS) || has("MDSCR_EL1", MDSCR_SS)
    })
}

/// Which hostile moments this is.
fn kinds(lock: &Lock, state: &State, moved: &Moved, was_on: bool) -> Vec<&'static str> {
    let timer = lock.machine.private_interrupts.virtual_timer;
    let first = state.gic.redistributors.first();
    let in_the_handler = first.is_some_and(|r| r.private.active.0 >> timer & 1 == 1);
    let active = state.gic.shared.iter().any(|s| s.interrupts.active.0 != 0);
    let turned_on = is_on(state) && !was_on && moved.vcpu == 0;
    [
        (in_the_handler, IN_THE_HANDLER),
        (active, SPI_ACTIVE),
        (!state.lines.up.is_empty(), LINE_UP),
        (moved.came == Came::Read, READ),
        (
            moved.came == Came::Read && in_the_handler,
            READ_IN_THE_HANDLER,
        ),
        (moved.came == Came::Write, WRITE),
        (turned_on || moved.tried_again > 0, CPU_ON),
        (moved.tried_again > 0, STARTING),
        (moved.came == Came::Call, CALL),
        (moved.came == Came::Off, OFF),
    ]
    .into_iter()
    .filter_map(|(met, kind)| met.then_some(kind))
    .collect()
}

/// Kinds of moments that were never met; firmware's calls come to the runner where it `starts` vCPUs.
fn unmet(tally: &Tally, starts: bool) -> Vec<String> {
    let of_calls: &[&str] = match starts {
        true => &[CALL, STARTING],
        false => &[OFF],
    };
    let needed = [
        IN_THE_HANDLER,
        READ_IN_THE_HANDLER,
        SPI_ACTIVE,
        LINE_UP,
        READ,
        WRITE,
        CPU_ON,
    ];
    let never = needed
        .iter()
        .chain(of_calls)
        .filter(|kind| !tally.kinds.contains_key(*kind));
    never
        .map(|kind| format!("the guest was never saved with {kind}"))
        .collect()
}
