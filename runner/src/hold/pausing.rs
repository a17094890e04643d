//! A pause, from the moment when somebody asks for it to the machine at rest.
//!
//! First every vCPU comes to rest: its exit is served by the devices and completed. No vCPU waits for a device's thread
//! from then on, and these are parked: what is under way at a disk comes back to its driver, nothing more is begun.
//! When all of them rest and KVM was told of each interrupt line as it is, the machine is [`Settled`]. Nobody is waited
//! for: whoever pauses asks again ([`Pausing::go_on`]) until that is so, or too late.

use super::barrier::{Barrier, Hold, Own};
use super::bell::Bell;
use super::outlet::Outlet;
use crate::device::bus::Bus;
use crate::device::virtio::thread::{Identity, Park, Parked};
use crate::handover::hands::Hands;
use crate::memory::Memory;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};
use vmlock_saved::device::Device;
use vmlock_saved::state::{Gic, Lines};
use vmlock_spec::lock::Lock;

/// How long everybody gets to come to rest.
pub const LIMIT: Duration = Duration::from_secs(30);
/// What is said of a guest that ends by itself before it is at rest.
pub const AT_ITS_END: &str = "its machine has come to its end";
/// How long a vCPU gets to come out before its kick is repeated.
const AGAIN: Duration = Duration::from_millis(5);

/// A running machine, for whoever operates it.
pub struct Controls {
    barrier: Arc<Barrier>,
    parks: Vec<Park>,
    bus: Arc<Mutex<Bus>>,
    stop: Box<dyn Fn() + Send + Sync>,
    begun: Mutex<Option<Pausing>>,
    /// It began with a pause since nobody here knows whether it runs elsewhere.
    pub unknown: bool,
    /// And where it came from is another host.
    pub far: bool,
    /// What can be saved of it; nothing of a witness's.
    pub saves: Option<Saves>,
    /// Where all passes that leaves it: what it is saved as, and what is seen of it, too.
    pub outlet: Arc<Outlet>,
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
    /// What it can be handed over by, where its memory is shared.
    pub hands: Option<Hands>,
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
            begun: Mutex::default(),
            unknown: false,
            far: false,
            saves: None,
            outlet: Outlet::opened(),
        }
    }

    /// Has the machine end. It is not waited for.
    pub fn stop(&self) {
        (self.stop)();
    }

    /// How many vCPUs it has.
    pub fn vcpus(&self) -> u32 {
        u32::try_from(self.barrier.vcpus()).unwrap_or(u32::MAX)
    }

    /// Gets a vCPU out that is lent and does not come back.
    pub fn kick(&self, vcpu: u32) {
        self.barrier.kick(vcpu);
    }

    /// What wakes who waits for it.
    pub fn bell(&self) -> &Bell {
        &self.barrier.bell
    }

    /// Whether the machine ends.
    pub fn is_gone(&self) -> bool {
        self.barrier.is_gone()
    }

    /// Whether it has come to its end, which may still have to wait until its memory was checked.
    pub fn is_at_its_end(&self) -> bool {
        self.is_gone() || self.outlet.has_ended()
    }

    /// Whether anybody holds the guest.
    pub fn is_held(&self) -> bool {
        self.barrier.is_lowered()
    }

    /// Has its outlet be what it stands by; its barrier.
    #[cfg(test)]
    pub fn stands_by_outlet(&self) -> Arc<Barrier> {
        self.outlet.stands_by(&self.barrier);
        Arc::clone(&self.barrier)
    }

    /// Begins to pause the guest.
    pub fn pause(&self, now: Instant) -> Pausing {
        Pausing {
            parked: None,
            hold: self.barrier.hold(),
            begun: Some(now),
            kicked: now,
        }
    }

    /// Has it begin with a pause: nobody has let it go since it was made. Its devices are parked, and it is held.
    pub fn begin_paused(&mut self, parked: Vec<Parked>, hold: Hold) {
        let pausing = Pausing {
            parked: Some(parked),
            hold,
            begun: None,
            kicked: Instant::now(),
        };
        self.begun = Mutex::new(Some(pausing));
    }

    /// The pause that it began with; once.
    pub fn begun(&self) -> Option<Pausing> {
        // A panic ends the process, so poison says nothing.
        self.begun.lock().unwrap_or_else(|e| e.into_inner()).take()
    }
}

/// A guest that is to come to rest. It goes on where this is dropped.
pub struct Pausing {
    // Before `hold`: the devices go on before the vCPUs do.
    parked: Option<Vec<Parked>>,
    hold: Hold,
    /// `None`: however long it takes.
    begun: Option<Instant>,
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
        let awake = match now.saturating_duration_since(self.kicked) < AGAIN {
            true => controls.barrier.awake(),
            false => {
                self.kicked = now;
                controls.barrier.urge()
            }
        };
        // Its vCPUs' threads leave, and that is no rest. Asked last: one that has left said this before. Its devices are not
        // parked then, which have yet to begin what its guest wanted of them.
        if controls.is_at_its_end() {
            return Progress::GivenUp(AT_ITS_END.to_owned());
        }
        let late = self
            .begun
            .is_some_and(|begun| now.saturating_duration_since(begun) > LIMIT);
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

    /// Has the witness look on that vCPU.
    pub fn look(&self, controls: &Controls, vcpu: u32) {
        controls.barrier.look(vcpu);
    }

    /// What it saw there, once it has.
    pub fn seen(&self, controls: &Controls, vcpu: u32) -> Option<Result<Vec<u8>, String>> {
        match controls.barrier.is_gone() {
            true => Some(Err(AT_ITS_END.to_owned())),
            false => controls.barrier.seen(vcpu),
        }
    }

    /// What they said, once all of them have.
    pub fn told(&self, controls: &Controls) -> Option<Result<Vec<Own>, String>> {
        match controls.barrier.is_gone() {
            true => Some(Err(AT_ITS_END.to_owned())),
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
    use super::super::barrier::Lost;
    use super::super::barrier::tests::{barrier, thread_of, vcpu};
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::sync::mpsc::{Sender, channel};
    use std::thread::{self, JoinHandle};

    /// A machine without devices: how far its vCPU 0 has come, and how often somebody ended the machine.
    pub struct Machine {
        pub controls: Controls,
        pub rounds: Arc<AtomicU32>,
        pub ended: Arc<AtomicU32>,
        pub bus: Arc<Mutex<Bus>>,
    }

    /// That of a barrier.
    fn with(barrier: Arc<Barrier>, rounds: Arc<AtomicU32>) -> Machine {
        let (ended, bus) = (Arc::new(AtomicU32::new(0)), Arc::default());
        let end = Arc::clone(&ended);
        let controls = Controls::new(barrier, Arc::clone(&bus), Vec::new(), move || {
            _ = end.fetch_add(1, SeqCst)
        });
        Machine {
            controls,
            rounds,
            ended,
            bus,
        }
    }

    /// One that begins paused, and what starts its vCPU: the rounds of that, and its thread.
    pub fn begins_paused(
        rounds: u32,
    ) -> (Machine, impl FnOnce() -> (Arc<AtomicU32>, JoinHandle<()>)) {
        let barrier = barrier(1);
        let mut machine = with(Arc::clone(&barrier), Arc::default());
        machine.controls.begin_paused(Vec::new(), barrier.hold());
        (machine, move || vcpu(&barrier, rounds))
    }

    /// A vCPU that the witness sees nothing on before the test says what.
    pub struct Lent {
        /// What is seen next.
        pub sees: Sender<Result<Vec<u8>, Lost>>,
        /// How often it was lent.
        pub lent: Arc<AtomicU32>,
        /// How often it was kicked.
        pub kicks: Arc<AtomicU32>,
        /// What it does.
        pub thread: JoinHandle<()>,
    }

    /// One with so many such vCPUs, each of which goes so many rounds.
    pub fn watched(vcpus: u32, rounds: u32) -> (Machine, Vec<Lent>) {
        let barrier = barrier(vcpus as usize);
        let mut first = None;
        let all = (0..vcpus).map(|vcpu| {
            let (sees, seen) = channel();
            let (lent, kicks) = (Arc::new(AtomicU32::new(0)), Arc::default());
            let count = Arc::clone(&lent);
            let look = move || {
                count.fetch_add(1, SeqCst);
                seen.recv().expect("the test says what")
            };
            let (passed, thread) = thread_of(&barrier, vcpu, rounds, &kicks, look);
            first.get_or_insert(passed);
            Lent {
                sees,
                lent,
                kicks,
                thread,
            }
        });
        let all = all.collect();
        (with(barrier, first.unwrap_or_default()), all)
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
        (with(barrier, rounds), thread)
    }

    fn paused(controls: &Controls) -> Paused {
        at_rest(controls, controls.pause(Instant::now()))
    }

    fn at_rest(controls: &Controls, mut pausing: Pausing) -> Paused {
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

    /// Nobody lets it go before its operator does, and nobody's patience ends.
    #[test]
    fn a_guest_that_begins_paused_goes_no_round_before_it_is_let_go() {
        let Machine { mut controls, .. } = machine(0).0;
        assert!(controls.begun().is_none());
        let hold = controls.barrier.hold();
        controls.begin_paused(Vec::new(), hold);
        let pausing = controls.begun().expect("it has one");
        assert!(controls.begun().is_none());
        let late = Instant::now() + 3 * LIMIT;
        let Progress::Under(pausing) = pausing.go_on(&controls, late) else {
            panic!("its vCPU does not rest yet")
        };
        let (rounds, thread) = vcpu(&controls.barrier, 5);
        let paused = at_rest(&controls, pausing);
        assert_eq!(rounds.load(SeqCst), 0);
        assert!(controls.is_held());
        drop(paused);
        thread.join().expect("it comes to its end");
        assert_eq!(rounds.load(SeqCst), 5);
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
