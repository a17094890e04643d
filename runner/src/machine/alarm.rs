//! When a device's interrupt line rises although nobody touches the device: a
//! time of day that the vCPUs' threads set, and one thread that waits for it.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// The host's clock may be set while somebody waits: it is looked at so often.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Default)]
struct State {
    at: Option<Duration>,
    over: bool,
}

/// At most one time of day, since 1970.
#[derive(Default)]
pub struct Alarm {
    state: Mutex<State>,
    changed: Condvar,
}

impl Alarm {
    /// A panic ends the process, so poison says nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Sets the time, or none.
    pub fn set(&self, at: Option<Duration>) {
        let mut state = self.state();
        if state.at != at {
            state.at = at;
            self.changed.notify_one();
        }
    }

    /// Nobody has to wait any more.
    pub fn end(&self) {
        self.state().over = true;
        self.changed.notify_all();
    }

    /// Waits until the time has come, and forgets it; false once it is [`Alarm::end`].
    pub fn wait(&self, now: impl Fn() -> Duration) -> bool {
        let mut state = self.state();
        while !state.over {
            state = match state.at.map(|at| at.saturating_sub(now())) {
                Some(Duration::ZERO) => {
                    state.at = None;
                    return true;
                }
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left.min(LOOK));
                    waited.unwrap_or_else(|e| e.into_inner()).0
                }
                None => {
                    let waited = self.changed.wait(state);
                    waited.unwrap_or_else(|e| e.into_inner())
                }
            };
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::Instant;

    #[test]
    fn it_comes_when_it_is_set_and_not_before() {
        let alarm = Alarm::default();
        let clock = AtomicU64::new(100);
        let now = || Duration::from_secs(clock.load(Ordering::SeqCst));
        alarm.set(Some(Duration::from_secs(100)));
        assert!(alarm.wait(now));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| alarm.wait(now));
            alarm.set(Some(Duration::from_secs(5000)));
            thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            // The host's clock is set forward.
            clock.store(5000, Ordering::SeqCst);
            let begun = Instant::now();
            assert!(waiting.join().expect("no panic"));
            assert!(begun.elapsed() < 10 * LOOK);
        });
        thread::scope(|scope| {
            let waiting = scope.spawn(|| alarm.wait(now));
            alarm.end();
            assert!(!waiting.join().expect("no panic"));
        });
        assert!(!alarm.wait(now));
    }
}
