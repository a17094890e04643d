//! A restored guest's memory is held against its digests while the guest runs, on a thread of its own.
//!
//! The guest's memory is laid over its file, which stays as it is ([`steady`](super::steady)). What the guest has not written
//! is the file's, and the file is read here, not the guest's memory, in which it may have written meanwhile. The guest's
//! outlet opens when all of it was what was saved. Else it never does, and the guest ends.

use super::laid::Laid;
use super::restore::Opened;
use crate::hold::outlet::Outlet;
use crate::speaker;
use std::sync::Arc;
use std::sync::mpsc::{SendError, Sender, channel};
#[cfg(feature = "torture")]
use std::time::Duration;
use vmlock_saved::file::CHUNK_BYTES;
use vmlock_spec::event::Event;

/// What is said where there is no thread that checks.
const GONE: &str =
    "the saved guest cannot be restored: the thread that was to check its memory has gone";

/// The thread, before it has anything to do.
pub struct Checker {
    work: Sender<Work>,
    #[cfg(feature = "torture")]
    slow: Duration,
}

/// A check that begins once its guest does.
pub struct Check {
    checker: Checker,
    opened: Arc<Opened>,
    laid: Laid,
}

struct Work {
    check: (Arc<Opened>, Laid),
    outlet: Arc<Outlet>,
    ends: Box<dyn Fn(String) + Send>,
    #[cfg(feature = "torture")]
    slow: Duration,
}

impl Checker {
    /// One, and what its thread does.
    pub fn new() -> (Self, impl FnOnce() + Send + 'static) {
        let (work, begins) = channel::<Work>();
        let checker = Self {
            work,
            #[cfg(feature = "torture")]
            slow: slow(),
        };
        (checker, move || begins.into_iter().for_each(Work::check))
    }

    /// What it is to check.
    pub fn of(self, opened: Arc<Opened>, laid: Laid) -> Check {
        Check {
            checker: self,
            opened,
            laid,
        }
    }
}

/// How long it waits before each chunk, for who looks what comes of that.
#[cfg(feature = "torture")]
fn slow() -> Duration {
    let slow = std::env::var("VMLOCK_SLOW_CHECK").ok();
    let slow = slow.and_then(|milliseconds| milliseconds.parse().ok());
    Duration::from_millis(slow.unwrap_or(0))
}

impl Check {
    /// Begins. What `ends` is told ends the guest.
    pub fn begin(self, outlet: &Arc<Outlet>, ends: impl Fn(String) + Send + 'static) {
        outlet.expects(self.laid.bytes());
        let sent = self.checker.work.send(Work {
            check: (self.opened, self.laid),
            outlet: Arc::clone(outlet),
            ends: Box::new(ends),
            #[cfg(feature = "torture")]
            slow: self.checker.slow,
        });
        // Nothing would ever leave the guest, and nobody would say why.
        if let Err(SendError(work)) = sent {
            work.outlet.never();
            (work.ends)(GONE.to_owned());
        }
    }
}

impl Work {
    fn check(self) {
        let (opened, laid) = self.check;
        #[cfg(feature = "torture")]
        let (_nobody, never) = channel::<()>();
        let (mut bytes, mut checked) = (Vec::new(), 0);
        for number in laid.chunks() {
            #[cfg(feature = "torture")]
            let _ = never.recv_timeout(self.slow);
            if let Err(why) = opened.holds(laid.file(), number, &mut bytes) {
                self.outlet.never();
                return (self.ends)(why);
            }
            checked += CHUNK_BYTES;
            self.outlet.checked(checked);
        }
        speaker::event(
            Event::Note,
            format_args!(
                "all {} MiB of the guest's memory are what was saved: what it sends leaves from now on",
                checked >> 20
            ),
        );
        self.outlet.open();
    }
}
