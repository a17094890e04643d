//! Stops every vCPU at once.
//!
//! KVM lets nobody at the interrupt controller's registers while a vCPU is
//! inside KVM_RUN. A thread that runs a vCPU calls [`World::enter`] before
//! and [`World::leave`] after; whoever needs all of them outside holds a
//! [`Stopped`]. Stops follow one another, and those who wait for one go first:
//! vCPUs that exit at the same time for the same reason share one pause.
//! One that stops the world again and again, as a guest does that polls
//! GICD_ISACTIVER until another vCPU is done, leaves the others half of the time.
//!
//! Who stops it once often does so again at once, as a driver that sets up its interrupts. So the others stay outside
//! for as long after a stop as it took to get them out: what that costs them is never more than what it saves twice over.

use crate::kick::Kicker;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How long a vCPU gets to come out before its kick is repeated.
const AGAIN: Duration = Duration::from_millis(5);
/// How long all of them get: only a host in trouble needs so long.
const LIMIT: Duration = Duration::from_secs(30);

/// By how much the time of stops may exceed the time in between: a few stops
/// in a row need not wait for each other.
const AHEAD: Duration = Duration::from_millis(5);
/// The most that the time of stops is ahead: one that took long is not paid for long.
const FAR_AHEAD: Duration = Duration::from_millis(50);
/// The most that the others stay outside after a stop: a host in trouble does not make them wait.
const LINGER: Duration = Duration::from_millis(5);

/// Whether the vCPUs share the time around stops.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// All of them work, as any guest's may: whoever stops the others again and again leaves them half of the time.
    Shared,
    /// One works while the others are off, or wait for its end without asking the interrupt controller: the witness's.
    OneByOne,
}

#[derive(Default)]
struct Slot {
    kicker: Option<Kicker>,
    inside: bool,
}

struct State {
    turns: Turns,
    slots: Vec<Slot>,
    inside: usize,
    stopped: bool,
    /// Threads that want a stop.
    waiting: usize,
    /// By how much the time of stops exceeded the time in between when the last one ended.
    ahead: Duration,
    /// When the last stop ended.
    ended: Instant,
    /// Whose stop it was, which alone may enter until [`State::free`].
    last: Option<usize>,
    /// How long it took to get everybody out, the last time that somebody was inside.
    cost: Duration,
    /// Whether one of those who stay outside looks at the clock for all of them.
    watched: bool,
}

/// All vCPUs of a machine.
pub struct World {
    state: Mutex<State>,
    /// The last vCPU came out, or a stop ended: for those who want to stop it.
    changed: Condvar,
    /// A stop ended, or the time after it: for those who want to enter.
    free: Condvar,
}

/// While it lives, no vCPU is inside KVM_RUN.
pub struct Stopped<'a> {
    world: &'a World,
    /// Who stopped it.
    vcpu: usize,
    /// Since when nobody could enter for its sake.
    since: Instant,
}

impl World {
    /// So many vCPUs, none of them with a thread yet.
    pub fn new(vcpus: usize, turns: Turns) -> Self {
        let mut slots = Vec::new();
        slots.resize_with(vcpus, Slot::default);
        Self {
            state: Mutex::new(State {
                turns,
                slots,
                inside: 0,
                stopped: false,
                waiting: 0,
                ahead: Duration::ZERO,
                ended: Instant::now(),
                last: None,
                cost: Duration::ZERO,
                watched: false,
            }),
            changed: Condvar::new(),
            free: Condvar::new(),
        }
    }

    /// A panic ends the process, so poison says nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// This thread runs that vCPU from now on, and is kicked so.
    pub fn join(&self, vcpu: usize, kicker: Kicker) {
        if let Some(slot) = self.state().slots.get_mut(vcpu) {
            slot.kicker = Some(kicker);
        }
    }

    /// That vCPU has no thread any more.
    pub fn part(&self, vcpu: usize) {
        if let Some(slot) = self.state().slots.get_mut(vcpu) {
            slot.kicker = None;
        }
    }

    /// The vCPU is about to enter KVM_RUN. Waits while the world is stopped, and a little longer after another's stop.
    pub fn enter(&self, vcpu: usize) {
        let mut state = self.state();
        let mut waited = false;
        loop {
            let left = match state.apart(vcpu) {
                _ if state.stopped || state.waiting > 0 => None,
                None => break,
                Some(_) if state.watched => None,
                left => left,
            };
            waited = true;
            let Some(left) = left else {
                state = self.free.wait(state).unwrap_or_else(|e| e.into_inner());
                continue;
            };
            state.watched = true;
            (state, _) = self
                .free
                .wait_timeout(state, left)
                .unwrap_or_else(|e| e.into_inner());
            state.watched = false;
        }
        if waited {
            // One wakes the next.
            self.free.notify_one();
        }
        state.inside += 1;
        if let Some(slot) = state.slots.get_mut(vcpu) {
            slot.inside = true;
        }
    }

    /// The vCPU has come out of KVM_RUN.
    pub fn leave(&self, vcpu: usize) {
        let mut state = self.state();
        state.inside -= 1;
        if let Some(slot) = state.slots.get_mut(vcpu) {
            slot.inside = false;
        }
        if state.inside == 0 && state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Gets every vCPU out of KVM_RUN and keeps them out, for this one, whose thread
    /// calls and is not inside. `None` when one of them does not come out.
    pub fn stop(&self, vcpu: usize) -> Option<Stopped<'_>> {
        let mut state = self.state();
        while let Some(rest) = state.rest() {
            (state, _) = self
                .changed
                .wait_timeout(state, rest)
                .unwrap_or_else(|e| e.into_inner());
        }
        let since = Instant::now();
        let deadline = since + LIMIT;
        state.waiting += 1;
        let kicked = state.inside > 0 && !state.stopped;
        if kicked {
            state.kick();
        }
        while state.stopped || state.inside > 0 {
            let (next, wait) = self
                .changed
                .wait_timeout(state, AGAIN)
                .unwrap_or_else(|e| e.into_inner());
            state = next;
            if !wait.timed_out() {
                continue;
            }
            if Instant::now() > deadline {
                state.waiting -= 1;
                self.free.notify_one();
                return None;
            }
            state.kick();
        }
        state.waiting -= 1;
        state.stopped = true;
        if kicked {
            state.cost = since.elapsed().min(LINGER);
        }
        Some(Stopped {
            world: self,
            vcpu,
            since,
        })
    }
}

impl State {
    /// When all may enter again after the last stop.
    fn free(&self) -> Instant {
        self.ended + self.cost
    }

    /// How long this vCPU has to stay outside after another's stop; nothing where it need not.
    fn apart(&self, vcpu: usize) -> Option<Duration> {
        let left = self.free().saturating_duration_since(Instant::now());
        (self.last? != vcpu && !left.is_zero()).then_some(left)
    }

    /// By how much the time in which the others were kept out would exceed the time in between, if a stop began then.
    fn ahead(&self, then: Instant) -> Duration {
        let free = self.free().min(then);
        let kept = free.saturating_duration_since(self.ended);
        (self.ahead + kept).saturating_sub(then.saturating_duration_since(free))
    }

    /// How long the vCPUs may yet run before they are stopped again; nothing
    /// while they are kept out anyway.
    fn rest(&self) -> Option<Duration> {
        if self.turns == Turns::OneByOne || self.stopped || self.waiting > 0 {
            return None;
        }
        let rest = self.ahead(Instant::now()).checked_sub(AHEAD)?;
        (!rest.is_zero()).then_some(rest)
    }

    /// Kicks every vCPU that is inside.
    fn kick(&self) {
        for slot in self.slots.iter().filter(|slot| slot.inside) {
            if let Some(kicker) = &slot.kicker {
                kicker();
            }
        }
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        let mut state = self.world.state();
        let (now, begun) = (Instant::now(), self.since.max(state.ended));
        let ahead = state.ahead(begun) + now.duration_since(begun);
        state.ahead = ahead.min(FAR_AHEAD);
        state.ended = now;
        state.last = Some(self.vcpu);
        state.stopped = false;
        let watched = state.watched;
        drop(state);
        self.world.changed.notify_all();
        // Whoever looks at the clock already wakes the next in time.
        if !watched {
            self.world.free.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
    use std::thread;

    /// Threads that are inside until they are kicked, and stop the world
    /// themselves now and then, all at once: nobody is inside during a stop,
    /// no two stops overlap, and all of them come to an end.
    #[test]
    fn nobody_is_inside_while_the_world_is_stopped() {
        for turns in [Turns::Shared, Turns::OneByOne] {
            stop_all_the_time(turns);
        }
    }

    fn stop_all_the_time(turns: Turns) {
        const VCPUS: usize = 8;
        const STOPS: u64 = 300;
        let world = Arc::new(World::new(VCPUS, turns));
        let inside = Arc::new(AtomicUsize::new(0));
        let stops = Arc::new(AtomicU64::new(0));
        let alone = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..VCPUS)
            .map(|vcpu| {
                let (world, inside) = (Arc::clone(&world), Arc::clone(&inside));
                let (stops, alone) = (Arc::clone(&stops), Arc::clone(&alone));
                thread::spawn(move || {
                    let kicked = Arc::new(AtomicBool::new(false));
                    let flag = Arc::clone(&kicked);
                    world.join(vcpu, Box::new(move || flag.store(true, SeqCst)));
                    while stops.load(SeqCst) < STOPS {
                        world.enter(vcpu);
                        inside.fetch_add(1, SeqCst);
                        for _ in 0..1000 {
                            if kicked.swap(false, SeqCst) {
                                break;
                            }
                            thread::yield_now();
                        }
                        inside.fetch_sub(1, SeqCst);
                        world.leave(vcpu);
                        let stopped = world.stop(vcpu).expect("everybody comes out");
                        assert!(!alone.swap(true, SeqCst));
                        assert_eq!(inside.load(SeqCst), 0);
                        stops.fetch_add(1, SeqCst);
                        alone.store(false, SeqCst);
                        drop(stopped);
                    }
                    world.part(vcpu);
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no thread fails");
        }
    }

    /// After a stop the others stay outside for as long as it took to get them out, and whoever stopped them does not; all
    /// of that counts as time that they were kept out.
    #[test]
    fn who_stopped_the_others_goes_first() {
        let world = World::new(2, Turns::Shared);
        drop(world.stop(0).expect("nobody is inside"));
        assert_eq!(world.state().apart(1), None, "it took nothing");
        let mut state = world.state();
        let ended = Instant::now() + LIMIT;
        (state.ended, state.cost) = (ended, LINGER);
        assert!(state.apart(1).is_some());
        assert_eq!(state.apart(0), None);
        state.ahead = AHEAD;
        assert_eq!(state.ahead(ended), AHEAD);
        assert_eq!(state.ahead(ended + LINGER), AHEAD + LINGER);
        assert_eq!(state.ahead(ended + 2 * LINGER), AHEAD);
        state.ended = ended - 2 * LIMIT;
        assert_eq!(state.apart(1), None, "it is over");
    }

    /// Two that stop the world all the time, and one that needs to be inside
    /// for a while to get anything done.
    #[test]
    fn whoever_polls_leaves_time_to_the_others() {
        const WORK: Duration = Duration::from_millis(20);
        let world = Arc::new(World::new(3, Turns::Shared));
        let done = Arc::new(AtomicBool::new(false));
        let pollers: Vec<_> = (0..2)
            .map(|vcpu| {
                let (world, done) = (Arc::clone(&world), Arc::clone(&done));
                thread::spawn(move || {
                    while !done.load(SeqCst) {
                        world.enter(vcpu);
                        world.leave(vcpu);
                        let stopped = world.stop(vcpu).expect("everybody comes out");
                        thread::sleep(Duration::from_millis(1));
                        drop(stopped);
                    }
                })
            })
            .collect();
        let kicked = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&kicked);
        world.join(2, Box::new(move || flag.store(true, SeqCst)));
        let (begun, mut worked) = (Instant::now(), Duration::ZERO);
        while worked < WORK && begun.elapsed() < LIMIT {
            world.enter(2);
            let entered = Instant::now();
            while !kicked.swap(false, SeqCst) && worked + entered.elapsed() < WORK {
                thread::yield_now();
            }
            worked += entered.elapsed();
            world.leave(2);
        }
        done.store(true, SeqCst);
        for poller in pollers {
            poller.join().expect("no thread fails");
        }
        let took = begun.elapsed();
        // Who finds no turn has worked nothing by the limit.
        assert!(took < 1000 * WORK, "{worked:?} of work took {took:?}");
    }
}
