//! A guest that goes on: the witness's look at its vCPUs before it does, what of its state comes last, and how it is given that.

use super::drive::interrupt_controller;
use super::{Ended, Shared};
use crate::handover::protocol::Verdict;
use crate::kick::kick;
#[cfg(feature = "torture")]
use crate::kvm::Settled;
use crate::kvm::{self, Kick, Rest, Runnable, core, host_counter};
use crate::machine::loan::look::{Answers, LIMIT};
use crate::say;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vmlock_spec::lock::Lock;
use vmlock_spec::observation::{self, living};
use vmm_sys_util::signal::Killable;

/// What of a saved guest's state comes last.
pub struct Resumed {
    /// Its lock, by which is judged what its vCPUs see.
    pub lock: &'static Lock,
    /// Whether the witness looks at them before it goes on.
    pub looked_at: bool,
    /// CNTVCT_EL0.
    pub counter: Counter,
    /// Which vCPUs are on.
    pub on: Vec<bool>,
    /// It is paused until its operator lets it go on.
    pub paused: bool,
    /// Asks for it at its other end, right before it goes on, where it is handed over.
    pub asks: Option<Asks>,
    /// That one is on another host.
    pub far: bool,
}

/// What asks for a guest that is handed over; what it is given is done last before that is taken. Where it is given why the
/// guest cannot go on here, it says so to its other end.
pub type Asks = Box<dyn FnOnce(Result<Last<'_>, &str>) -> Verdict + Send>;
/// What is done last.
pub type Last<'a> = &'a dyn Fn() -> Result<(), String>;

/// What a guest that goes on finds in CNTVCT_EL0.
#[derive(Clone, Copy)]
pub struct Counter {
    /// Its value.
    pub value: u64,
    /// What the host's counter was when it had that, where it counts on since.
    pub since: Option<u64>,
}

impl Counter {
    /// What it is by now.
    fn now(self) -> u64 {
        let passed = |since| host_counter().wrapping_sub(since);
        self.value.wrapping_add(self.since.map_or(0, passed))
    }
}

/// The witness's looks at the vCPUs of a guest that goes on. They have its state, and none of them runs yet.
#[derive(Clone)]
pub(super) struct Looks {
    /// One at a time: they are lent in the same page. Whether one could not be looked at: then no other one is.
    page: Arc<Mutex<bool>>,
    sees: Sender<(u32, Result<Vec<u8>, String>)>,
}

/// Why a guest does not go on, in words.
#[derive(Clone)]
pub(super) enum Unfit {
    /// Its machine would show it something else than its lock promises.
    Shows(String),
    /// The witness could not look.
    Unseen(String),
}

/// What comes of them.
pub(super) struct Seen {
    vcpus: usize,
    lock: &'static Lock,
    sees: Receiver<(u32, Result<Vec<u8>, String>)>,
}

impl Looks {
    /// At so many vCPUs of that lock.
    pub fn new(vcpus: usize, lock: &'static Lock) -> (Self, Seen) {
        let (sends, sees) = channel();
        let looks = Self {
            page: Arc::default(),
            sees: sends,
        };
        (looks, Seen { vcpus, lock, sees })
    }

    /// At this one, on its own thread.
    pub fn at(self, vcpu: Runnable, index: u32, shared: &Shared) -> Runnable {
        let (vcpu, ()) = vcpu.on_this_thread(|vcpu| {
            let mut failed = self.page.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = match *failed || shared.stop.load(Ordering::Acquire) {
                true => Err("it was left out".to_owned()),
                false => look(vcpu, index, shared),
            };
            *failed |= seen.is_err();
            // In their order: why the first one failed is told. Who waits for it has nothing else to do.
            let _ = self.sees.send((index, seen));
        });
        vcpu
    }
}

/// ENABLE and IMASK of CNTV_CTL_EL0 and CNTP_CTL_EL0.
const ENABLE: u64 = 1;
const IMASK: u64 = 1 << 1;

/// What the witness sees on a vCPU.
///
/// # Errors
/// It did not see everything.
fn look(vcpu: &mut Runnable, index: u32, shared: &Shared) -> Result<Vec<u8>, String> {
    let slot = index as usize;
    let lookout = shared.lookout.as_ref().ok_or("nobody can look at it")?;
    if let Some(proxied) = &shared.proxied {
        proxied.world.join(slot, Kick::this_thread());
    }
    let answers = Answers {
        firmware: shared.firmware.as_ref(),
        frames: &|mmio| interrupt_controller(slot, mmio, shared),
    };
    let mut settled = match vcpu.settle().map_err(|e| e.to_string())? {
        Rest::Settled(settled) => settled,
        Rest::Exit(_) => return Err("it comes out of KVM, and has not been inside".to_owned()),
    };
    #[cfg(feature = "torture")]
    altered(&mut settled)?;
    // Its counter is not the guest's yet: a timer that goes by it would fire now, and not when the guest wants it.
    let words = |e: kvm::Error| e.to_string();
    let virtual_timer = settled.get(core::CNTV_CTL).map_err(words)?;
    // KVM up to 6.3 tells nobody of the other one, and nobody who uses it is saved there.
    let physical = settled.get(core::CNTP_CTL).unwrap_or(0);
    let timers = [(core::CNTV_CTL, virtual_timer), (core::CNTP_CTL, physical)];
    let armed = timers.iter().filter(|(_, control)| control & ENABLE != 0);
    for (id, _) in armed.clone() {
        settled.between().set(*id, 0).map_err(words)?;
    }
    let seen = lookout.look(&mut settled, index, &answers);
    for (id, control) in armed {
        settled.between().set(*id, *control).map_err(words)?;
        let now = settled.get(*id).map_err(words)?;
        if (now ^ control) & (ENABLE | IMASK) != 0 {
            return Err("its timer could not be armed again".to_owned());
        }
    }
    seen.map_err(|lost| lost.words)
}

/// Makes `VMLOCK_ALTERED` its PSCI version, behind what was read back: a host whose KVM tells the runner one thing and the guest
/// another.
#[cfg(feature = "torture")]
fn altered(settled: &mut Settled<'_>) -> Result<(), String> {
    let Some(version) = std::env::var("VMLOCK_ALTERED").ok() else {
        return Ok(());
    };
    let version = version.parse().map_err(|_| "VMLOCK_ALTERED is no number")?;
    let register = vmlock_spec::catalogue::register_by_name("KVM_REG_ARM_PSCI_VERSION");
    let register = register.ok_or("the catalogue has no PSCI version")?;
    let written = settled.between().set(register.id, version);
    written.map_err(|e| e.to_string())
}

impl Seen {
    /// Waits for all of them, and judges.
    ///
    /// # Errors
    /// Something is not what the lock promises, or was not seen: in words.
    pub fn all(self) -> Result<(), Unfit> {
        let mut areas = vec![Vec::new(); self.vcpus];
        for _ in 0..self.vcpus {
            let gone = |_| Unfit::Unseen("a vCPU's thread has gone".to_owned());
            let (index, seen) = self.sees.recv().map_err(gone)?;
            let why =
                |why| Unfit::Unseen(format!("the witness could not look at vCPU {index}: {why}"));
            if let Some(area) = areas.get_mut(index as usize) {
                *area = seen.map_err(why)?;
            }
        }
        judged(self.lock, &areas).map_err(Unfit::Shows)
    }
}

/// What its vCPUs see against what the lock promises.
///
/// # Errors
/// Something is another thing, or was not seen: in words.
fn judged(lock: &Lock, areas: &[Vec<u8>]) -> Result<(), String> {
    let areas: Vec<&[u8]> = areas.iter().map(Vec::as_slice).collect();
    let (sightings, incomplete) = observation::decode(&areas);
    let (audit, _) = living::seen(lock, &sightings, incomplete);
    if audit.kept() {
        return Ok(());
    }
    let differences = audit.differences();
    let differences = differences.iter().map(|it| {
        format!(
            "{} on vCPU {}: promised {}, seen {}",
            it.name, it.vcpu, it.promised, it.seen
        )
    });
    let incomplete = audit.incomplete.iter();
    let incomplete = incomplete.map(|it| format!("vCPU {}: {}", it.vcpu, it.reason));
    let unnamed = audit.unnamed();
    let unnamed = unnamed.iter().map(|it| {
        format!(
            "{} on vCPU {}: seen {}, which the lock does not promise",
            it.name, it.vcpu, it.seen
        )
    });
    let all: Vec<String> = differences.chain(incomplete).chain(unnamed).collect();
    let more = match all.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let told = all.into_iter().take(MOST).collect::<Vec<_>>().join("; ");
    Err(match told.is_empty() {
        true => "none of the promised facts was seen".to_owned(),
        false => format!("the guest would not see what its lock promises: {told}{more}"),
    })
}

/// How many facts are told.
const MOST: usize = 8;

/// Waits until the witness has looked, and kicks whoever is with it for too long: a vCPU of which it does not come back.
pub(super) fn see_to(threads: &[JoinHandle<()>], looks: &Receiver<()>) {
    let begun = Instant::now();
    while let Err(RecvTimeoutError::Timeout) = looks.recv_timeout(Duration::from_secs(1)) {
        if begun.elapsed() <= LIMIT {
            continue;
        }
        for thread in threads.iter().filter(|thread| !thread.is_finished()) {
            // A thread that ended in between needs no kick.
            let _ = thread.kill(kick());
        }
    }
}

/// Gives a guest that goes on the last thing that it is given, its counter, and has it from its other end where it is handed
/// over; whether it is known to be here. Of one that is, the counter begins only then.
pub(super) fn gained(
    vcpu: &Runnable,
    resumed: Resumed,
    seen: Result<(), Unfit>,
) -> Result<bool, Ended> {
    let Resumed { counter, asks, .. } = resumed;
    if let Err(unfit) = seen {
        let (Unfit::Shows(why) | Unfit::Unseen(why)) = &unfit;
        return Err(match (asks, unfit.clone()) {
            (Some(asks), _) => {
                let _ = asks(Err(why));
                Ended::NotHanded(why.clone())
            }
            (None, Unfit::Shows(why)) => Ended::NotKept(why),
            (None, Unfit::Unseen(why)) => Ended::NotSeen(why),
        });
    }
    count_on(vcpu, counter.now()).map_err(Ended::Broken)?;
    let Some(asks) = asks else {
        return Ok(true);
    };
    let known = match asks(Ok(&|| count_on(vcpu, counter.now()))) {
        Verdict::Runs => true,
        Verdict::Unknown(why) => {
            say::note(format_args!(
                "it is not known whether the guest is here: {why}"
            ));
            false
        }
        Verdict::Never(why) => return Err(Ended::NotHanded(why)),
        Verdict::Broken(why) => return Err(Ended::Broken(why)),
    };
    Ok(known)
}

/// Has a guest that goes on read that in CNTVCT_EL0.
///
/// # Errors
/// It would read something else: in words.
fn count_on(vcpu: &Runnable, counter: u64) -> Result<(), String> {
    match vcpu.set_counter(counter) {
        Ok(None) => Ok(()),
        Ok(Some(read)) => Err(format!(
            "KVM did not set its counter: CNTVCT_EL0 is {read:#x} after {counter:#x} was written"
        )),
        Err(error) => Err(error.to_string()),
    }
}
