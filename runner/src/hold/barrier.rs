//! Keeps the vCPUs out of the guest for as long as anybody holds it.
//!
//! Every vCPU's thread looks at it before it enters KVM_RUN. Who wants the guest to stand takes a [`Hold`]: that gets
//! those out that are inside, as soon as a kick reaches them, and lets nobody in until the last hold is gone. Holds are
//! counted, so that no holder ends another one's; the guest's counters go on meanwhile.
//!
//! A thread that is kept out first completes its vCPU's exit and shows what came of it ([`AtRest`]): it is at rest only
//! then. This is independent of [`World`](crate::machine::pause::World): that stops vCPUs for moments, one at the
//! guest's own request, and waits until they are out.

use super::bell::Bell;
use crate::kick::Kicker;
use nix::unistd::Pid;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use vmlock_saved::state;

/// A vCPU between two instructions, whose exit was served and completed: what is lent here as one runs nothing of the
/// guest's while it is lent.
pub trait AtRest {
    /// All that is its own.
    ///
    /// # Errors
    /// It cannot be read, or has no names, in words.
    fn own(&self) -> Result<Own, String>;

    /// What the witness sees on it: an area of `vmlock_wire`.
    ///
    /// # Errors
    /// It did not see everything.
    fn look(&mut self) -> Result<Vec<u8>, Lost>;
}

/// A look that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Why.
    pub words: String,
    /// The vCPU is what it was. Any other one does not run on.
    pub runs_on: bool,
}

/// What a vCPU has of its own.
#[derive(Clone, Debug)]
pub struct Own {
    /// Its state.
    pub vcpu: state::Vcpu,
    /// CNTVCT_EL0 when it was read.
    pub counter: u64,
}

/// What became of asking for something.
enum Asked<T> {
    Nothing,
    /// Its thread has yet to read it.
    Waits,
    Told(Result<T, String>),
}

impl<T> Asked<T> {
    /// Takes what is to be done; whether there is something.
    fn begin(&mut self) -> bool {
        let waits = matches!(self, Self::Waits);
        if waits {
            *self = Self::Nothing;
        }
        waits
    }
}

/// A vCPU, as far as its thread is concerned.
enum Slot {
    /// It has no thread yet, which will look here before it enters.
    Expected,
    /// Its thread, and what makes it come out of KVM_RUN.
    Running(Pid, Kicker),
    /// The same, at rest.
    Resting(Pid, Kicker),
    /// It has no thread any more.
    Gone,
}

impl Slot {
    fn thread(&self) -> Option<(Pid, &Kicker)> {
        match self {
            Self::Running(thread, kicker) | Self::Resting(thread, kicker) => {
                Some((*thread, kicker))
            }
            Self::Expected | Self::Gone => None,
        }
    }

    /// It cannot run before somebody lets it.
    fn rests(&self) -> bool {
        matches!(self, Self::Resting(..) | Self::Gone)
    }

    fn rest(&mut self, rests: bool) {
        *self = match (std::mem::replace(self, Self::Gone), rests) {
            (Self::Running(thread, kicker), true) => Self::Resting(thread, kicker),
            (Self::Resting(thread, kicker), false) => Self::Running(thread, kicker),
            (other, _) => other,
        };
    }
}

struct State {
    vcpus: Vec<Slot>,
    /// What each was asked for: what is its own, and what the witness sees on it.
    asked: Vec<Asked<Own>>,
    looks: Vec<Asked<Vec<u8>>>,
    /// How often that was. What was read for an earlier time is no answer: the guest may have run since.
    times: u64,
    /// How many hold the guest.
    holds: usize,
    /// Nobody is held up any more.
    gone: bool,
}

impl State {
    fn awake(&self) -> impl Iterator<Item = (usize, &Slot)> {
        let vcpus = self.vcpus.iter().enumerate();
        vcpus.filter(|(_, slot)| !slot.rests())
    }

    /// Whether each has said what is its own.
    fn all_told(&self) -> bool {
        let mut asked = self.asked.iter();
        asked.all(|asked| matches!(asked, Asked::Told(_)))
    }
}

/// Open while nobody holds the guest.
pub struct Barrier {
    /// The same as whether there are holds, for who looks often.
    held: Arc<AtomicBool>,
    state: Mutex<State>,
    /// The last hold has gone.
    raised: Condvar,
    /// Wakes who waits for all vCPUs to rest, or for what they were asked.
    pub bell: Bell,
}

/// While it lives, no vCPU enters KVM_RUN, unless the machine ends.
pub struct Hold {
    barrier: Arc<Barrier>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.barrier.let_go(&mut self.barrier.state());
    }
}

impl Barrier {
    /// That of a machine with so many vCPUs; `held` tells whether anybody holds it, and `bell` wakes who waits for them.
    pub fn new(vcpus: usize, held: Arc<AtomicBool>, bell: Bell) -> Self {
        Self {
            held,
            state: Mutex::new(State {
                vcpus: (0..vcpus).map(|_| Slot::Expected).collect(),
                asked: (0..vcpus).map(|_| Asked::Nothing).collect(),
                looks: (0..vcpus).map(|_| Asked::Nothing).collect(),
                times: 0,
                holds: 0,
                gone: false,
            }),
            raised: Condvar::new(),
            bell,
        }
    }

    /// A panic ends the process, so poison says nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Whether the machine ends: nobody is held up any more.
    pub fn is_gone(&self) -> bool {
        self.state().gone
    }

    /// One holder less.
    fn let_go(&self, state: &mut State) {
        state.holds -= 1;
        if state.holds == 0 {
            self.held.store(false, Ordering::Release);
            self.raised.notify_all();
        }
    }

    /// How many vCPUs there are.
    pub fn vcpus(&self) -> usize {
        self.state().vcpus.len()
    }

    fn set(&self, vcpu: u32, slot: Slot) {
        if let Some(was) = self.state().vcpus.get_mut(vcpu as usize) {
            *was = slot;
        }
    }

    /// This thread runs that vCPU from now on, and is kicked so.
    pub fn join(&self, vcpu: u32, thread: Pid, kicker: Kicker) {
        self.set(vcpu, Slot::Running(thread, kicker));
    }

    /// That vCPU has no thread any more.
    pub fn part(&self, vcpu: u32) {
        self.set(vcpu, Slot::Gone);
        self.bell.ring();
    }

    /// The threads that run vCPUs.
    pub fn threads(&self) -> Vec<Pid> {
        let state = self.state();
        let threads = state.vcpus.iter().filter_map(Slot::thread);
        threads.map(|(thread, _)| thread).collect()
    }

    /// Makes the thread of that vCPU come out of KVM_RUN; one that has not joined yet is not in there.
    pub fn kick(&self, vcpu: u32) {
        let state = self.state();
        let slot = state.vcpus.get(vcpu as usize);
        if let Some((_, kick)) = slot.and_then(Slot::thread) {
            kick();
        }
    }

    /// Whether the vCPUs are kept out. A kick that comes between this and KVM_RUN takes effect there.
    pub fn is_lowered(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Rests while anybody holds the guest, with a vCPU that does not run meanwhile.
    pub fn rest(&self, vcpu: u32, settled: &mut impl AtRest) {
        let (mut state, at) = (self.state(), vcpu as usize);
        while state.holds > 0 && !state.gone {
            if let Some(slot) = state.vcpus.get_mut(at)
                && !slot.rests()
            {
                slot.rest(true);
                if state.awake().next().is_none() {
                    self.bell.ring();
                }
            }
            let times = state.times;
            if state.asked.get_mut(at).is_some_and(Asked::begin) {
                drop(state);
                let own = settled.own();
                state = self.state();
                let same = state.times == times;
                if same && let Some(asked) = state.asked.get_mut(at) {
                    *asked = Asked::Told(own);
                    if state.all_told() {
                        self.bell.ring();
                    }
                }
                continue;
            }
            if state.looks.get_mut(at).is_some_and(Asked::begin) {
                // Nobody is let in while this one is lent, whoever else lets go, and it is not at rest.
                state.holds += 1;
                if let Some(slot) = state.vcpus.get_mut(at) {
                    slot.rest(false);
                }
                drop(state);
                let seen = settled.look();
                state = self.state();
                if seen.as_ref().err().is_none_or(|lost| lost.runs_on) {
                    self.let_go(&mut state);
                }
                let same = state.times == times;
                if same && let Some(asked) = state.looks.get_mut(at) {
                    *asked = Asked::Told(seen.map_err(|lost| lost.words));
                    self.bell.ring();
                }
                continue;
            }
            state = self.raised.wait(state).unwrap_or_else(|e| e.into_inner());
        }
        if let Some(slot) = state.vcpus.get_mut(vcpu as usize) {
            slot.rest(false);
        }
    }

    /// Asks each vCPU's thread for what its vCPU has of its own. All of them rest, and are held meanwhile.
    pub fn ask(&self) {
        let mut state = self.state();
        state.times = state.times.wrapping_add(1);
        state
            .asked
            .iter_mut()
            .for_each(|asked| *asked = Asked::Waits);
        drop(state);
        self.raised.notify_all();
    }

    /// Has the witness look on that vCPU, whose thread sees to it. All of them rest, and are held meanwhile.
    pub fn look(&self, vcpu: u32) {
        let mut state = self.state();
        state.times = state.times.wrapping_add(1);
        if let Some(asked) = state.looks.get_mut(vcpu as usize) {
            *asked = Asked::Waits;
        }
        drop(state);
        self.raised.notify_all();
    }

    /// What it saw there, once it has.
    pub fn seen(&self, vcpu: u32) -> Option<Result<Vec<u8>, String>> {
        let mut state = self.state();
        let asked = state.looks.get_mut(vcpu as usize)?;
        match std::mem::replace(asked, Asked::Nothing) {
            Asked::Told(seen) => Some(seen.map_err(|why| format!("vCPU {vcpu}: {why}"))),
            other => {
                *asked = other;
                None
            }
        }
    }

    /// What they said, in order, once all of them have.
    pub fn told(&self) -> Option<Result<Vec<Own>, String>> {
        let mut state = self.state();
        let told = state.all_told().then(|| std::mem::take(&mut state.asked))?;
        state.asked = told.iter().map(|_| Asked::Nothing).collect();
        drop(state);
        let own = |(index, asked)| match asked {
            Asked::Told(own) => own.map_err(|why| format!("vCPU {index}: {why}")),
            _ => Err(format!("vCPU {index} was not read")),
        };
        Some(told.into_iter().enumerate().map(own).collect())
    }

    /// Lets no vCPU in, and gets those out that are inside.
    pub fn hold(self: &Arc<Self>) -> Hold {
        let mut state = self.state();
        state.holds += 1;
        self.held.store(true, Ordering::Release);
        drop(state);
        self.urge();
        Hold {
            barrier: Arc::clone(self),
        }
    }

    /// The vCPUs that are not at rest.
    pub fn awake(&self) -> Vec<usize> {
        self.state().awake().map(|(vcpu, _)| vcpu).collect()
    }

    /// Kicks those that are not at rest: which they are.
    pub fn urge(&self) -> Vec<usize> {
        let state = self.state();
        for (_, slot) in state.awake() {
            if let Some((_, kick)) = slot.thread() {
                kick();
            }
        }
        state.awake().map(|(vcpu, _)| vcpu).collect()
    }

    /// Holds nobody up from now on: the machine is to end.
    pub fn remove(&self) {
        self.state().gone = true;
        self.raised.notify_all();
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    /// A vCPU without KVM, on which the witness sees that.
    pub struct Vcpu<L>(pub L);

    impl<L: FnMut() -> Result<Vec<u8>, Lost>> AtRest for Vcpu<L> {
        fn own(&self) -> Result<Own, String> {
            Err("it has no KVM".to_owned())
        }

        fn look(&mut self) -> Result<Vec<u8>, Lost> {
            self.0()
        }
    }

    /// What the witness sees where that is all the same.
    fn seven() -> Result<Vec<u8>, Lost> {
        Ok(vec![7])
    }

    /// The barrier of so many vCPUs.
    pub fn barrier(vcpus: usize) -> Arc<Barrier> {
        let bell = Bell::new().expect("there are descriptors");
        Arc::new(Barrier::new(vcpus, Arc::default(), bell))
    }

    /// The thread of vCPU 0, which goes so many rounds, and what counts them.
    pub fn vcpu(barrier: &Arc<Barrier>, rounds: u32) -> (Arc<AtomicU32>, JoinHandle<()>) {
        thread_of(barrier, 0, rounds, &Arc::default(), seven)
    }

    /// The same of any vCPU, on which the witness sees that; who kicks it is counted.
    pub fn thread_of(
        barrier: &Arc<Barrier>,
        vcpu: u32,
        rounds: u32,
        kicks: &Arc<AtomicU32>,
        look: impl FnMut() -> Result<Vec<u8>, Lost> + Send + 'static,
    ) -> (Arc<AtomicU32>, JoinHandle<()>) {
        let (barrier, passed) = (Arc::clone(barrier), Arc::new(AtomicU32::new(0)));
        let (count, kicks) = (Arc::clone(&passed), Arc::clone(kicks));
        let kicked = move || _ = kicks.fetch_add(1, SeqCst);
        barrier.join(vcpu, Pid::this(), Box::new(kicked));
        let thread = thread::spawn(move || {
            let mut own = Vcpu(look);
            while count.load(SeqCst) < rounds {
                if barrier.is_lowered() {
                    barrier.rest(vcpu, &mut own);
                    continue;
                }
                count.fetch_add(1, SeqCst);
                thread::sleep(Duration::from_micros(100));
            }
            barrier.part(vcpu);
        });
        (passed, thread)
    }

    fn comes(what: impl Fn() -> bool) {
        while !what() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn nobody_passes_until_the_last_holder_has_gone() {
        let barrier = barrier(1);
        let kicks = Arc::new(AtomicU32::new(0));
        let kicked = Arc::clone(&kicks);
        barrier.join(
            0,
            Pid::this(),
            Box::new(move || _ = kicked.fetch_add(1, SeqCst)),
        );
        assert_eq!(barrier.threads(), [Pid::this()]);
        let one = barrier.hold();
        assert_eq!((kicks.load(SeqCst), barrier.urge()), (1, vec![0]));
        let other = barrier.hold();
        let (passed, thread) = vcpu(&barrier, 3);
        comes(|| barrier.urge().is_empty());
        drop(one);
        thread::sleep(Duration::from_millis(20));
        assert!(barrier.is_lowered());
        assert_eq!(passed.load(SeqCst), 0);
        drop(other);
        thread.join().expect("it passes");
        assert_eq!(passed.load(SeqCst), 3);
        assert!(barrier.threads().is_empty() && !barrier.is_lowered());
    }

    /// One that is held again before it noticed that it was let go has not run.
    #[test]
    fn a_vcpu_is_at_rest_from_hold_to_hold() {
        let barrier = barrier(1);
        let (_, thread) = vcpu(&barrier, 200);
        for _ in 0..100 {
            let hold = barrier.hold();
            comes(|| barrier.urge().is_empty());
            drop(hold);
        }
        thread.join().expect("it passes");
    }

    #[test]
    fn one_that_has_yet_to_come_is_waited_for_and_one_that_has_gone_is_not() {
        let barrier = barrier(2);
        let hold = barrier.hold();
        assert_eq!(barrier.urge(), [0, 1]);
        barrier.part(1);
        assert_eq!(barrier.urge(), [0]);
        let (_, thread) = vcpu(&barrier, 1);
        comes(|| barrier.urge().is_empty());
        drop(hold);
        thread.join().expect("it passes");
    }

    #[test]
    fn a_vcpu_at_rest_is_read_by_its_own_thread() {
        let barrier = barrier(1);
        let hold = barrier.hold();
        let (_, thread) = vcpu(&barrier, 1);
        comes(|| barrier.urge().is_empty());
        assert!(barrier.told().is_none());
        barrier.ask();
        let mut told = None;
        while told.is_none() {
            told = barrier.told();
        }
        let words = told.and_then(Result::err).expect("it has no KVM");
        assert_eq!(words, "vCPU 0: it has no KVM");
        drop(hold);
        thread.join().expect("it passes");
    }

    /// Says how often it was read, the first time only when it is let.
    struct Slow<'a> {
        reads: &'a AtomicU32,
        may: &'a AtomicBool,
    }

    impl AtRest for Slow<'_> {
        fn own(&self) -> Result<Own, String> {
            let reads = self.reads.fetch_add(1, SeqCst) + 1;
            comes(|| reads > 1 || self.may.load(SeqCst));
            Err(format!("read {reads}"))
        }

        fn look(&mut self) -> Result<Vec<u8>, Lost> {
            let looks = self.reads.fetch_add(1, SeqCst) + 1;
            comes(|| self.may.load(SeqCst));
            Err(Lost {
                words: format!("look {looks}"),
                runs_on: looks == 1,
            })
        }
    }

    /// Whoever holds the guest may have gone: it stands until the vCPU is what it was, and for good where it is not.
    #[test]
    fn nobody_passes_while_a_vcpu_is_lent_nor_after_one_was_lost() {
        let (reads, may) = (AtomicU32::new(0), AtomicBool::new(false));
        for (look, runs_on) in [(1, true), (2, false)] {
            may.store(false, SeqCst);
            let barrier = barrier(1);
            let hold = barrier.hold();
            barrier.join(0, Pid::this(), Box::new(|| {}));
            thread::scope(|scope| {
                let mut slow = Slow {
                    reads: &reads,
                    may: &may,
                };
                let resting = Arc::clone(&barrier);
                let thread = scope.spawn(move || resting.rest(0, &mut slow));
                comes(|| barrier.urge().is_empty());
                barrier.look(0);
                comes(|| reads.load(SeqCst) == look);
                drop(hold);
                thread::sleep(Duration::from_millis(20));
                assert!(barrier.is_lowered() && !thread.is_finished());
                // Nobody takes it for one at rest meanwhile.
                assert_eq!(barrier.awake(), [0]);
                may.store(true, SeqCst);
                let mut seen = None;
                while seen.is_none() {
                    seen = barrier.seen(0);
                }
                let words = seen.and_then(Result::err).expect("it says so");
                assert_eq!(words, format!("vCPU 0: look {look}"));
                if !runs_on {
                    thread::sleep(Duration::from_millis(20));
                    assert!(barrier.is_lowered() && !thread.is_finished());
                    barrier.remove();
                }
                thread.join().expect("it passes");
                assert_eq!(barrier.is_lowered(), !runs_on);
            });
        }
    }

    #[test]
    fn what_was_read_for_somebody_who_gave_up_is_told_to_nobody() {
        let barrier = barrier(1);
        let (reads, may) = (AtomicU32::new(0), AtomicBool::new(false));
        let hold = barrier.hold();
        thread::scope(|scope| {
            let mut slow = Slow {
                reads: &reads,
                may: &may,
            };
            let resting = Arc::clone(&barrier);
            scope.spawn(move || resting.rest(0, &mut slow));
            barrier.ask();
            comes(|| reads.load(SeqCst) == 1);
            drop(hold);
            let hold = barrier.hold();
            barrier.ask();
            may.store(true, SeqCst);
            let mut told = None;
            while told.is_none() {
                told = barrier.told();
            }
            let words = told.and_then(Result::err).expect("it says so");
            assert_eq!(words, "vCPU 0: read 2");
            drop(hold);
        });
    }

    #[test]
    fn a_machine_that_ends_waits_for_nothing() {
        let barrier = barrier(1);
        let _hold = barrier.hold();
        barrier.join(0, Pid::this(), Box::new(|| {}));
        thread::scope(|scope| {
            let held = scope.spawn(|| barrier.rest(0, &mut Vcpu(seven)));
            comes(|| barrier.urge().is_empty());
            barrier.remove();
            held.join().expect("it passes");
        });
        barrier.rest(0, &mut Vcpu(seven));
    }
}
