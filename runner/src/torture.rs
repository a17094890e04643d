//! The interrupt controller under fire: sends edges and levels into a guest
//! that disturbs its interrupts at random (witness/src/torture.rs), until so
//! many were taken, and holds what was taken against what was sent.
//!
//! What may be counted as lost or invented, and why nothing else can happen:
//! `vmlock_spec::observation::torture`.

use crate::device::bus::Bus;
use crate::enforce::apply::{self, Recipe};
use crate::enforce::verify;
use crate::failure::Failure;
use crate::firmware::forward::Firmware;
use crate::kvm::System;
use crate::machine::run::{Injector, Session, Space, run_beside};
use crate::memory::Memory;
use crate::witness::{self, Stage};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use vmlock_spec::lock::Lock;
use vmlock_spec::observation::torture as fire;
use vmlock_spec::observation::wire::MODE_TORTURE;
use vmlock_spec::plan::Plan;

/// Without one more interrupt for so long, those that are open are lost.
const LOST: Duration = Duration::from_secs(20);
/// How long is waited at the end for one that nobody sent.
const INVENTED: Duration = Duration::from_millis(500);
/// How long a sender sleeps after each round: a guest takes several at a time
/// faster than one by one.
const PAUSE: Duration = Duration::from_millis(1);

/// What came of it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Interrupts sent: by eventfd, by line, by the guest itself, by one vCPU to another.
    pub sent: u64,
    /// Interrupts that a vCPU acknowledged.
    pub taken: u64,
    /// Interrupts that were pending and that the guest cleared.
    pub cleared: u64,
    /// Interrupts sent that were neither taken nor cleared.
    pub lost: u64,
    /// Which those are, in words.
    pub open: Vec<String>,
    /// Ticks that each vCPU's timer gave it.
    pub ticks: Vec<u64>,
    /// vCPUs whose timer stopped ticking.
    pub stopped: Vec<u64>,
    /// What must not be, and how often it was.
    pub findings: BTreeMap<&'static str, u64>,
    /// How often the guest did what to its interrupts.
    pub disturbances: BTreeMap<&'static str, u64>,
    /// How long it took.
    pub milliseconds: u64,
}

impl Tally {
    /// Whether the counts agree.
    pub fn agrees(&self) -> bool {
        self.taken > 0
            && self.lost == 0
            && self.stopped.is_empty()
            && self.findings.values().all(|n| *n == 0)
            && self.sent == self.taken + self.cleared
    }
}

/// Runs the guest until so many interrupts were taken; one in `rarity` is
/// followed by a disturbance.
///
/// # Errors
/// The machine cannot be made as planned, or it ends by itself.
pub fn torture(
    system: &System,
    lock: &Lock,
    plan: &Plan,
    interrupts: u64,
    rarity: u64,
) -> Result<Tally, Failure> {
    let most = fire::CPUS;
    if lock.machine.vcpus.len() > most {
        let words = format!("the guest under fire has at most {most} vCPUs");
        return Err(Failure::usage(words, &["take a lock with fewer"]));
    }
    let memory = Memory::new(lock.machine.memory).map_err(|e| Failure::environment(e, &[]))?;
    let memory = Arc::new(memory);
    let recipe = Recipe::of_lock(lock, &plan.orders());
    let begun = apply::begin(system, &recipe, Some(Arc::clone(&memory)))?;
    let built = apply::complete(begun, &recipe)?;
    let verified = verify::verify(built, lock, &recipe)?;
    let stage = Stage {
        mode: MODE_TORTURE,
        search: Vec::new(),
        mpidr: recipe.mpidr.clone(),
        distributor: lock.machine.distributor.base,
        redistributors: lock.machine.redistributor_frames().collect(),
        devices: [0; 2],
        virtio: Vec::new(),
        space: Space::of_lock(lock),
    };
    witness::load(&stage, &memory, &verified)?;
    let none = || Failure::environment("the guest has too little memory", &[]);
    let words = memory
        .words::<{ fire::WORDS }>(fire::ADDRESS)
        .ok_or_else(none)?;
    let private = &lock.machine.private_interrupts;
    words[fire::VIRTUAL_TIMER].store(private.virtual_timer.into(), SeqCst);
    words[fire::PHYSICAL_TIMER].store(private.physical_timer.into(), SeqCst);
    words[fire::RARITY].store(rarity, SeqCst);
    let (sender, receiver) = channel();
    let vcpus = stage.mpidr.len() as u64;
    let bus = Bus::doorbell(fire::DOORBELL);
    let firmware = Firmware::new(lock, &recipe.orders.steps);
    let session = Session::alone(Space::of_lock(lock), bus, firmware);
    let ended = run_beside(verified, session, move |injector| {
        let result = match memory.words(fire::ADDRESS) {
            Some(words) => Guest { words }.fire(injector, vcpus, interrupts),
            None => Err(none()),
        };
        // The receiver waits for it.
        let _ = sender.send(result);
    })?;
    receiver.try_recv().unwrap_or_else(|_| {
        Err(Failure::environment(
            format!("the guest ended by itself: {ended:?}"),
            &["this host's KVM does not run a plain EL1 guest; its kernel log may say why"],
        ))
    })
}

/// What host and guest both count in.
struct Guest<'a> {
    words: &'a [AtomicU64; fire::WORDS],
}

impl Guest<'_> {
    fn word(&self, first: usize, spi: u32) -> &AtomicU64 {
        &self.words[first + spi as usize % fire::COUNT]
    }

    fn counts(&self, first: usize, count: usize) -> impl Iterator<Item = u64> {
        (self.words[first..].iter().take(count)).map(|w| w.load(SeqCst))
    }

    fn sent(&self) -> u64 {
        self.counts(fire::SENT, fire::COUNT)
            .chain(self.counts(fire::SIGNALLED, fire::PAIRS))
            .sum()
    }

    fn taken(&self) -> u64 {
        self.counts(fire::TAKEN, fire::COUNT)
            .chain(self.counts(fire::ANSWERED, fire::PAIRS))
            .sum()
    }

    fn cleared(&self) -> u64 {
        self.counts(fire::CLEARED, fire::COUNT).sum()
    }

    fn done(&self) -> u64 {
        self.taken() + self.cleared()
    }

    /// Interrupts of which a cause is open or more were taken than sent, in words.
    fn open(&self) -> Vec<String> {
        let shared = (0..fire::COUNT as u32).filter_map(|spi| {
            let [sent, taken, cleared, lock] = [fire::SENT, fire::TAKEN, fire::CLEARED, fire::LOCK]
                .map(|first| self.word(first, spi).load(SeqCst));
            let intid = fire::FIRST + spi;
            (sent != taken + cleared).then(|| {
                format!(
                    "INTID {intid}: {sent} sent, {taken} taken, {cleared} cleared, held by {lock}"
                )
            })
        });
        let sent = self.counts(fire::SIGNALLED, fire::PAIRS);
        let pairs = sent
            .zip(self.counts(fire::ANSWERED, fire::PAIRS))
            .enumerate();
        let private = pairs.filter_map(|(pair, (sent, taken))| {
            let target = pair % fire::CPUS;
            let what = match pair / fire::CPUS {
                fire::PENDED_TICK => "a timer's interrupt that was pended".to_owned(),
                sender => format!("SGI {sender}"),
            };
            let words = || format!("{what} on vCPU {target}: {sent} sent, {taken} taken");
            (sent != taken).then(words)
        });
        shared.chain(private).collect()
    }

    fn fire(&self, injector: &Injector, vcpus: u64, interrupts: u64) -> Result<Tally, Failure> {
        let wires = fire::WIRED
            .map(|spi| injector.wire(fire::FIRST + spi))
            .collect::<Result<Vec<_>, _>>()?;
        let begun = Instant::now();
        while self.words[fire::READY].load(SeqCst) < vcpus && begun.elapsed() < LOST {
            thread::sleep(Duration::from_millis(1));
        }
        let begun = Instant::now();
        let enough = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                self.send(fire::WIRED, &enough, |spi| {
                    if let Some(wire) = wires.get((spi - fire::WIRED.start) as usize) {
                        // A counter that is read at once does not overflow.
                        let _ = wire.write(1);
                    }
                });
            });
            scope.spawn(|| {
                self.send(fire::EDGES.start..fire::LEVELS.end, &enough, |spi| {
                    injector.line(fire::FIRST + spi, true);
                });
            });
            self.wait(|| self.done() >= interrupts);
            enough.store(true, SeqCst);
            self.words[fire::STOP].store(1, SeqCst);
        });
        self.wait(|| self.done() >= self.sent());
        let ticks = || self.counts(fire::TICKS, vcpus as usize);
        let before: Vec<u64> = ticks().collect();
        self.wait(|| ticks().zip(&before).all(|(now, before)| now > *before));
        let stopped = (0..).zip(ticks().zip(&before));
        let stopped = stopped.filter(|(_, (now, before))| now == *before);
        let stopped = stopped.map(|(vcpu, _)| vcpu).collect();
        let milliseconds = begun.elapsed().as_millis() as u64;
        thread::sleep(INVENTED);
        let named = |names: &[&'static str], first: usize| {
            let counts = self.counts(first, names.len());
            names.iter().copied().zip(counts).collect()
        };
        let (sent, taken, cleared) = (self.sent(), self.taken(), self.cleared());
        Ok(Tally {
            open: self.open(),
            ticks: ticks().collect(),
            stopped,
            sent,
            taken,
            cleared,
            lost: sent.saturating_sub(taken + cleared),
            findings: named(&fire::FINDINGS, fire::FOUND),
            disturbances: named(&fire::DISTURBANCES, fire::DISTURBED),
            milliseconds,
        })
    }

    /// Sends one more of each interrupt whenever the last one was taken or
    /// cleared and nobody holds it still.
    fn send(&self, spis: Range<u32>, enough: &AtomicBool, one: impl Fn(u32)) {
        while !enough.load(SeqCst) {
            for spi in spis.clone() {
                let lock = self.word(fire::LOCK, spi);
                if lock.compare_exchange(0, 2, SeqCst, SeqCst).is_err() {
                    continue;
                }
                let done = self.word(fire::TAKEN, spi).load(SeqCst)
                    + self.word(fire::CLEARED, spi).load(SeqCst);
                if done == self.word(fire::SENT, spi).load(SeqCst) {
                    self.word(fire::SENT, spi).fetch_add(1, SeqCst);
                    one(spi);
                }
                lock.store(0, SeqCst);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits until something is so, or until no interrupt comes any more.
    fn wait(&self, until: impl Fn() -> bool) {
        let mut last = (Instant::now(), self.done());
        while !until() && last.0.elapsed() < LOST {
            thread::sleep(Duration::from_millis(1));
            let done = self.done();
            if done != last.1 {
                last = (Instant::now(), done);
            }
        }
    }
}
