//! Stops every vCPU at once.
//!
//! KVM lets nobody at the interrupt controller's registers while a vCPU is
//! inside KVM_RUN. A thread that runs a vCPU calls [`World::enter`] before
//! and [`World::leave`] after; whoever needs all of them outside holds a
//! [`Stopped`]. Stops follow one another, and those who wait for one go first:
//! vCPUs that exit at the same time for the same reason share one pause.
//! One that stops the world again and again, as a guest does that polls
//! GICD_ISACTIVER until another vCPU is done, leaves the others half of the time.

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

/// Something that makes a thread come out of KVM_RUN, also when it is just
/// about to go in.
pub type Kicker = Box<dyn Fn() + Send>;

#[derive(Default)]
struct Slot {
    kicker: Option<Kicker>,
    inside: bool,
}

struct State {
    slots: Vec<Slot>,
    inside: usize,
    stopped: bool,
    /// Threads that want a stop.
    waiting: usize,
    /// By how much the time of stops exceeded the time in between when the last one ended.
    ahead: Duration,
    /// When the last stop ended.
    ended: Instant,
}

/// All vCPUs of a machine.
pub struct World {
    state: Mutex<State>,
    /// A vCPU came out, or a stop ended.
    changed: Condvar,
}

/// While it lives, no vCPU is inside KVM_RUN.
pub struct Stopped<'a> {
    world: &'a World,
    /// Since when nobody could enter for its sake.
    since: Instant,
}

impl World {
    /// So many vCPUs, none of them with a thread yet.
    pub fn new(vcpus: usize) -> Self {
        let mut slots = Vec::new();
        slots.resize_with(vcpus, Slot::default);
        Self {
            state: Mutex::new(State {
                slots,
                inside: 0,
                stopped: false,
                waiting: 0,
                ahead: Duration::ZERO,
                ended: Instant::now(),
            }),
            changed: Condvar::new(),
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

    /// The vCPU is about to enter KVM_RUN. Waits while the world is stopped.
    pub fn enter(&self, vcpu: usize) {
        let mut state = self.state();
        while state.stopped || state.waiting > 0 {
            state = self.changed.wait(state).unwrap_or_else(|e| e.into_inner());
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

    /// Gets every vCPU out of KVM_RUN and keeps them out. The calling thread
    /// is not inside. `None` when one of them does not come out.
    pub fn stop(&self) -> Option<Stopped<'_>> {
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
        if state.inside > 0 && !state.stopped {
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
                self.changed.notify_all();
                return None;
            }
            state.kick();
        }
        state.waiting -= 1;
        state.stopped = true;
        Some(Stopped { world: self, since })
    }
}

impl State {
    /// How long the vCPUs may yet run before they are stopped again; nothing
    /// while they are kept out anyway.
    fn rest(&self) -> Option<Duration> {
        if self.stopped || self.waiting > 0 {
            return None;
        }
        let rest = self.ahead.saturating_sub(self.ended.elapsed());
        rest.checked_sub(AHEAD).filter(|rest| !rest.is_zero())
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
        let between = begun.duration_since(state.ended);
        let ahead = state.ahead.saturating_sub(between) + now.duration_since(begun);
        state.ahead = ahead.min(FAR_AHEAD);
        state.ended = now;
        state.stopped = false;
        drop(state);
        self.world.changed.notify_all();
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
        const VCPUS: usize = 8;
        const STOPS: u64 = 300;
        let world = Arc::new(World::new(VCPUS));
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
                        let stopped = world.stop().expect("everybody comes out");
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

    /// Two that stop the world all the time, and one that needs to be inside
    /// for a while to get anything done.
    #[test]
    fn whoever_polls_leaves_time_to_the_others() {
        const WORK: Duration = Duration::from_millis(20);
        let world = Arc::new(World::new(3));
        let done = Arc::new(AtomicBool::new(false));
        let pollers: Vec<_> = (0..2)
            .map(|vcpu| {
                let (world, done) = (Arc::clone(&world), Arc::clone(&done));
                thread::spawn(move || {
                    while !done.load(SeqCst) {
                        world.enter(vcpu);
                        world.leave(vcpu);
                        let stopped = world.stop().expect("everybody comes out");
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
        assert!(took < 100 * WORK, "{worked:?} of work took {took:?}");
    }
}
