//! Keeps the vCPUs out of the guest while what is around the machine is not as it has to be.
//!
//! Every vCPU's thread passes it before it enters KVM_RUN. Lowering it gets those out that are inside, as soon as a
//! kick reaches them; the guest's counters go on meanwhile. It is independent of [`World`](crate::machine::pause::World): that
//! stops vCPUs for moments, one at the guest's own request, and waits until they are out.

use crate::kick::Kicker;
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

#[derive(Default)]
struct State {
    /// The thread of each vCPU, and what makes it come out of KVM_RUN.
    vcpus: BTreeMap<u32, (Pid, Kicker)>,
    /// Nobody is held up any more.
    gone: bool,
}

/// Open until it is lowered.
#[derive(Default)]
pub struct Barrier {
    lowered: AtomicBool,
    state: Mutex<State>,
    raised: Condvar,
}

impl Barrier {
    /// A panic ends the process, so poison says nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// This thread runs that vCPU from now on, and is kicked so.
    pub fn join(&self, vcpu: u32, thread: Pid, kicker: Kicker) {
        self.state().vcpus.insert(vcpu, (thread, kicker));
    }

    /// That vCPU has no thread any more.
    pub fn part(&self, vcpu: u32) {
        self.state().vcpus.remove(&vcpu);
    }

    /// The threads that run vCPUs.
    pub fn threads(&self) -> Vec<Pid> {
        let state = self.state();
        state.vcpus.values().map(|(thread, _)| *thread).collect()
    }

    /// Makes the thread of that vCPU come out of KVM_RUN; one that has not joined yet is not in there.
    pub fn kick(&self, vcpu: u32) {
        if let Some((_, kick)) = self.state().vcpus.get(&vcpu) {
            kick();
        }
    }

    /// Waits while it is lowered. A kick that comes between this and KVM_RUN takes effect there.
    pub fn pass(&self) {
        if !self.lowered.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state();
        while self.lowered.load(Ordering::Acquire) && !state.gone {
            state = self.raised.wait(state).unwrap_or_else(|e| e.into_inner());
        }
    }

    /// Lets no vCPU in, and gets those out that are inside.
    pub fn lower(&self) {
        let state = self.state();
        self.lowered.store(true, Ordering::Release);
        for (_, kicker) in state.vcpus.values() {
            kicker();
        }
    }

    /// Lets them in again.
    pub fn raise(&self) {
        let _state = self.state();
        self.lowered.store(false, Ordering::Release);
        self.raised.notify_all();
    }

    /// Holds nobody up from now on: the machine is to end.
    pub fn remove(&self) {
        self.state().gone = true;
        self.raised.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::thread;
    use std::time::Duration;

    /// A thread that passes again and again, and what counts its rounds.
    fn runner(barrier: &Arc<Barrier>, rounds: u32) -> (Arc<AtomicU32>, thread::JoinHandle<()>) {
        let (barrier, passed) = (Arc::clone(barrier), Arc::new(AtomicU32::new(0)));
        let count = Arc::clone(&passed);
        let thread = thread::spawn(move || {
            for _ in 0..rounds {
                barrier.pass();
                count.fetch_add(1, SeqCst);
            }
        });
        (passed, thread)
    }

    #[test]
    fn nobody_passes_until_it_is_raised() {
        let barrier = Arc::new(Barrier::default());
        let kicks = Arc::new(AtomicU32::new(0));
        let kicked = Arc::clone(&kicks);
        let kicker = Box::new(move || _ = kicked.fetch_add(1, SeqCst));
        barrier.join(0, Pid::this(), kicker);
        assert_eq!(barrier.threads(), [Pid::this()]);
        barrier.lower();
        assert_eq!(kicks.load(SeqCst), 1);
        let (passed, thread) = runner(&barrier, 3);
        thread::sleep(Duration::from_millis(20));
        assert_eq!(passed.load(SeqCst), 0);
        barrier.raise();
        thread.join().expect("it passes");
        assert_eq!(passed.load(SeqCst), 3);
        barrier.part(0);
        assert!(barrier.threads().is_empty());
    }

    #[test]
    fn a_machine_that_ends_waits_for_nothing() {
        let barrier = Arc::new(Barrier::default());
        barrier.lower();
        let (_, thread) = runner(&barrier, 1);
        barrier.remove();
        thread.join().expect("it passes");
        barrier.lower();
        barrier.pass();
    }
}
