//! A pause, from the moment when somebody asks for it to the machine at rest.
//!
//! First every vCPU comes to rest: its exit is served by the devices and completed. No vCPU waits for a device's thread
//! from then on, and these are parked: what is under way at a disk comes back to its driver, nothing more is begun.
//! When all of them rest and KVM was told of each interrupt line as it is, the machine is [`Settled`]. Nobody is waited
//! for: whoever pauses asks again ([`Pausing::go_on`]) until that is so, or too late.

use super::barrier::{Barrier, Hold, Own};
use crate::device::bus::Bus;
use crate::device::virtio::thread::{Identity, Park, Parked};
use crate::memory::Memory;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};
use vmlock_saved::device::Device;
use vmlock_saved::state::{Gic, Lines};
use vmlock_spec::lock::Lock;

/// How long everybody gets to come to rest.
pub const LIMIT: Duration = Duration::from_secs(30);
/// How long a vCPU gets to come out before its kick is repeated.
const AGAIN: Duration = Duration::from_millis(5);

/// A running machine, for whoever operates it.
pub struct Controls {
    barrier: Arc<Barrier>,
    parks: Vec<Park>,
    bus: Arc<Mutex<Bus>>,
    stop: Box<dyn Fn() + Send + Sync>,
    /// What can be saved of it; nothing of a witness's.
    pub saves: Option<Saves>,
}

/// What a machine is saved by.
pub struct Saves {
    /// Its lock, as it was read.
    pub text: &'static str,
    /// The same.
    pub lock: &'static Lock,
    /// The guest's memory.
    pub memory: Arc<Memory>,
    /// What the host's kernel says that it is.
    pub kernel: String,
    /// Its interrupt controller, as its guest has set it. Every vCPU rests.
    pub gic: Box<dyn Fn() -> Result<Gic, String> + Send + Sync>,
}

impl Controls {
    /// Those of a machine with these devices, whose threads are parked by `parks`, and which `stop` ends.
    pub fn new(
        barrier: Arc<Barrier>,
        bus: Arc<Mutex<Bus>>,
        parks: Vec<Park>,
        stop: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            barrier,
            parks,
            bus,
            stop: Box::new(stop),
            saves: None,
        }
    }

    /// Has the machine end. It is not waited for.
    pub fn stop(&self) {
        (self.stop)();
    }

    /// Whether anybody holds the guest.
    pub fn is_held(&self) -> bool {
        self.barrier.is_lowered()
    }

    /// Begins to pause the guest.
    pub fn pause(&self, now: Instant) -> Pausing {
        Pausing {
            parked: None,
            hold: self.barrier.hold(),
            begun: now,
            kicked: now,
        }
    }
}

/// A guest that is to come to rest. It goes on where this is dropped.
pub struct Pausing {
    // Before `hold`: the devices go on before the vCPUs do.
    parked: Option<Vec<Parked>>,
    hold: Hold,
    begun: Instant,
    kicked: Instant,
}

/// A guest at rest. It goes on once this is dropped, if nobody else holds it.
pub struct Paused {
    _parked: Vec<Parked>,
    _hold: Hold,
}

/// A machine whose state can be read: every vCPU is between two instructions, no chain of a virtqueue is out, and KVM was
/// told of each interrupt line as it is. Nobody is at its devices while this lives.
pub struct Settled<'a> {
    bus: MutexGuard<'a, Bus>,
    _paused: PhantomData<&'a Paused>,
}

/// How far a pause has come.
pub enum Progress {
    /// Not far enough.
    Under(Pausing),
    /// The guest is at rest.
    Over(Paused),
    /// It does not come to rest, and goes on: who did not, in words.
    GivenUp(String),
}

impl Pausing {
    /// Goes on with it, and waits for nobody.
    pub fn go_on(mut self, controls: &Controls, now: Instant) -> Progress {
        // Its vCPUs' threads leave, and that is no rest.
        if controls.barrier.is_gone() {
            return Progress::GivenUp("its machine has come to its end".to_owned());
        }
        let awake = match self.parked {
            // They rest for as long as they are held.
            Some(_) => Vec::new(),
            None if now.saturating_duration_since(self.kicked) < AGAIN => controls.barrier.awake(),
            None => {
                self.kicked = now;
                controls.barrier.urge()
            }
        };
        let late = now.saturating_duration_since(self.begun) > LIMIT;
        if !awake.is_empty() {
            return match late {
                true => Progress::GivenUp(vcpus(&awake)),
                false => Progress::Under(self),
            };
        }
        let mut parked = self
            .parked
            .unwrap_or_else(|| controls.parks.iter().map(Park::park).collect());
        let busy = parked.iter_mut().filter_map(|device| match device.rests() {
            true => None,
            false => Some(device.name().to_owned()),
        });
        let busy: Vec<String> = busy.collect();
        let paused = Paused {
            _parked: parked,
            _hold: self.hold,
        };
        if busy.is_empty() && paused.settled(controls).is_some() {
            return Progress::Over(paused);
        }
        if late {
            return Progress::GivenUp(match busy.is_empty() {
                true => "somebody is at the devices all the time".to_owned(),
                false => format!("{} did not come to rest", busy.join(", ")),
            });
        }
        let Paused {
            _parked: parked,
            _hold: hold,
        } = paused;
        Progress::Under(Self {
            parked: Some(parked),
            hold,
            begun: self.begun,
            kicked: self.kicked,
        })
    }
}

impl Paused {
    /// Its machine; `None` where somebody is at the devices at this moment, such as a line that rises by itself.
    pub fn settled<'a>(&'a self, controls: &'a Controls) -> Option<Settled<'a>> {
        let mut bus = match controls.bus.try_lock() {
            Ok(bus) => bus,
            Err(TryLockError::Poisoned(bus)) => bus.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        bus.lines_agree().then_some(Settled {
            bus,
            _paused: PhantomData,
        })
    }

    /// Asks the vCPUs for what is their own.
    pub fn ask(&self, controls: &Controls) {
        controls.barrier.ask();
    }

    /// What they said, once all of them have.
    pub fn told(&self, controls: &Controls) -> Option<Result<Vec<Own>, String>> {
        match controls.barrier.is_gone() {
            true => Some(Err("its machine has come to its end".to_owned())),
            false => controls.barrier.told(),
        }
    }
}

impl Settled<'_> {
    /// The state of its devices, and the lines that are up.
    ///
    /// # Errors
    /// Each that cannot be saved, with why.
    pub fn devices(&mut self) -> Result<(Vec<Device>, Lines), Vec<String>> {
        self.bus.saved()
    }

    /// Has each disk make stable what was written and say which contents it has, of the `whole` or of a part, by name; to be
    /// waited for.
    pub fn disks(&self, whole: bool) -> Vec<(String, Identity)> {
        self.bus.identify(whole)
    }

    /// The machine's interrupt controller.
    ///
    /// # Errors
    /// The kernel does not tell, in words.
    pub fn gic(&self, saves: &Saves) -> Result<Gic, String> {
        (saves.gic)()
    }
}

/// What is said of vCPUs that do not come to rest.
fn vcpus(awake: &[usize]) -> String {
    let numbers: Vec<String> = awake.iter().map(usize::to_string).collect();
    format!(
        "vCPU {} did not come out of what the runner does for it (it may wait for whoever reads the guest's console)",
        numbers.join(", ")
    )
}

#[cfg(test)]
pub mod tests {
    use super::super::barrier::tests::{barrier, vcpu};
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::thread::{self, JoinHandle};

    /// A machine without devices, with one vCPU: how far that has come, and how often somebody ended the machine.
    pub struct Machine {
        pub controls: Controls,
        pub rounds: Arc<AtomicU32>,
        pub ended: Arc<AtomicU32>,
        pub bus: Arc<Mutex<Bus>>,
    }

    /// One whose vCPU goes so many rounds, of a tenth of a millisecond or more; none where it never comes to rest.
    pub fn machine(rounds: u32) -> (Machine, Option<JoinHandle<()>>) {
        let barrier = barrier(1);
        let (rounds, thread) = match rounds {
            0 => (Arc::default(), None),
            more => {
                let (rounds, thread) = vcpu(&barrier, more);
                (rounds, Some(thread))
            }
        };
        let (ended, bus) = (Arc::new(AtomicU32::new(0)), Arc::default());
        let end = Arc::clone(&ended);
        let controls = Controls::new(barrier, Arc::clone(&bus), Vec::new(), move || {
            _ = end.fetch_add(1, SeqCst)
        });
        let machine = Machine {
            controls,
            rounds,
            ended,
            bus,
        };
        (machine, thread)
    }

    fn paused(controls: &Controls) -> Paused {
        let mut pausing = controls.pause(Instant::now());
        loop {
            pausing = match pausing.go_on(controls, Instant::now()) {
                Progress::Under(pausing) => pausing,
                Progress::Over(paused) => return paused,
                Progress::GivenUp(why) => panic!("{why}"),
            };
            thread::sleep(Duration::from_micros(100));
        }
    }

    #[test]
    fn a_guest_stands_still_while_it_is_paused_and_goes_on_afterwards() {
        let (machine, thread) = machine(50);
        for _ in 0..20 {
            let paused = paused(&machine.controls);
            let before = machine.rounds.load(SeqCst);
            assert!(paused.settled(&machine.controls).is_some());
            thread::sleep(Duration::from_millis(2));
            assert_eq!(machine.rounds.load(SeqCst), before);
            assert!(machine.controls.is_held());
        }
        thread
            .expect("it has one")
            .join()
            .expect("it comes to its end");
        assert!(!machine.controls.is_held());
    }

    #[test]
    fn a_pause_that_does_not_come_is_given_up_and_says_who_was_busy() {
        let (machine, _) = machine(0);
        let begun = Instant::now();
        let pausing = machine.controls.pause(begun);
        let Progress::Under(pausing) = pausing.go_on(&machine.controls, begun + LIMIT) else {
            panic!("there is time left")
        };
        let late = begun + LIMIT + AGAIN;
        let Progress::GivenUp(why) = pausing.go_on(&machine.controls, late) else {
            panic!("it is late")
        };
        assert!(why.starts_with("vCPU 0 did not come out"), "{why}");
        assert!(!machine.controls.is_held());
    }

    #[test]
    fn somebody_at_the_devices_is_waited_for_and_not_for_ever() {
        let (machine, thread) = machine(1);
        thread
            .expect("it has one")
            .join()
            .expect("it comes to its end");
        let begun = Instant::now();
        let pausing = machine.controls.pause(begun);
        let busy = machine.bus.lock().expect("nobody panics");
        let Progress::Under(pausing) = pausing.go_on(&machine.controls, begun) else {
            panic!("there is time left")
        };
        let late = begun + LIMIT + AGAIN;
        let Progress::GivenUp(why) = pausing.go_on(&machine.controls, late) else {
            panic!("it is late")
        };
        assert!(why.contains("at the devices"), "{why}");
        drop(busy);
        drop(paused(&machine.controls));
    }
}
