//! When a device's interrupt line rises although nobody touches the device: a
//! time of day that the vCPUs' threads set, and that one thread waits for beside all else.

use nix::sys::eventfd::{EfdFlags, EventFd};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// At most one time of day, since 1970.
pub struct Alarm {
    at: Mutex<Option<Duration>>,
    /// Can be read once a time was set.
    set: EventFd,
}

impl Alarm {
    /// None is set.
    ///
    /// # Errors
    /// The system gives no eventfd.
    pub fn new() -> nix::Result<Self> {
        Ok(Self {
            at: Mutex::new(None),
            set: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
        })
    }

    /// A panic ends the process, so poison says nothing.
    fn at(&self) -> MutexGuard<'_, Option<Duration>> {
        self.at.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Sets the time, or none.
    pub fn set(&self, time: Option<Duration>) {
        let mut at = self.at();
        if *at != time {
            *at = time;
            if time.is_some() {
                // A counter that is full wakes as well.
                let _ = self.set.write(1);
            }
        }
    }

    /// How long until the time comes, which is set from now on if any is; zero once it has come. [`Alarm::as_fd`] has something
    /// to read once another one was set.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        // Nothing is there to be read when none was set.
        let _ = self.set.read();
        self.at().map(|at| at.saturating_sub(now))
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.set.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::reader::wait;
    use std::thread;
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(1000);

    #[test]
    fn it_comes_when_it_is_set_and_not_before() {
        let alarm = Alarm::new().expect("an eventfd");
        let second = Duration::from_secs;
        assert_eq!(alarm.left(second(100)), None);
        alarm.set(Some(second(105)));
        assert_eq!(alarm.left(second(100)), Some(second(5)));
        // The host's clock is set forward.
        assert_eq!(alarm.left(second(5000)), Some(Duration::ZERO));
        alarm.set(None);
        assert_eq!(alarm.left(second(5000)), None);
    }

    #[test]
    fn who_waits_is_woken_by_a_new_time_once() {
        let alarm = Alarm::new().expect("an eventfd");
        let begun = Instant::now();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(LONG, &alarm));
            thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            alarm.set(Some(LONG));
        });
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert_eq!(alarm.left(Duration::ZERO), Some(LONG));
        // The same again is nothing new, and neither is none.
        alarm.set(Some(LONG));
        alarm.set(None);
        let begun = Instant::now();
        wait(Duration::from_millis(20), &alarm);
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }
}
