//! A restored guest's memory is held against its digests while the guest runs, on a thread of its own.
//!
//! The guest's memory is laid over its file, which stays as it is ([`steady`](super::steady)). What the guest has not written
//! is the file's, and the file is read here, not the guest's memory, in which it may have written meanwhile. The guest's
//! outlet opens when all of it was what was saved. Else it never does, and the guest ends.

use super::restore::Opened;
use crate::hold::outlet::Outlet;
use crate::memory::Memory;
use crate::speaker;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
#[cfg(feature = "torture")]
use std::time::Duration;
use vmlock_saved::file::{CHUNK_BYTES, Memory as Chunks};
use vmlock_spec::event::Event;

/// In how many pieces a guest's memory is laid over its file. A process has 65,530 (`vm.max_map_count`).
const PIECES: usize = 1024;

/// The thread, before it has anything to do.
pub struct Checker {
    work: Sender<Work>,
    #[cfg(feature = "torture")]
    slow: Duration,
}

/// What of a guest's memory is its file's.
pub struct Laid {
    file: File,
    /// Chunks, by their numbers.
    runs: Vec<Range<u64>>,
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

/// The chunks in which there is something, in no more than so many pieces: where there are more, the shortest holes between
/// them go with them.
fn runs(there: impl Iterator<Item = u64> + Clone, most: usize) -> Vec<Range<u64>> {
    let mut joins = 0;
    loop {
        let mut runs: Vec<Range<u64>> = Vec::new();
        for number in there.clone() {
            match runs.last_mut() {
                Some(last) if number - last.end <= joins => last.end = number + 1,
                _ => runs.push(number..number + 1),
            }
        }
        if runs.len() <= most.max(1) {
            return runs;
        }
        joins = (2 * joins).max(1);
    }
}

impl Laid {
    /// Lays that memory over a file that stays as it is.
    ///
    /// # Errors
    /// Linux's. The memory is not to be used then.
    pub(super) fn over(chunks: &Chunks, memory: &Memory, file: File) -> io::Result<Self> {
        let runs = runs(chunks.there(), PIECES);
        for run in &runs {
            let address = memory.range().base + run.start * CHUNK_BYTES;
            let bytes = (run.end - run.start) * CHUNK_BYTES;
            memory.lay(address, bytes, &file, Chunks::offset(run.start))?;
        }
        memory.laid();
        Ok(Self { file, runs })
    }

    fn bytes(&self) -> u64 {
        let chunks = self.runs.iter().map(|run| run.end - run.start);
        chunks.sum::<u64>() * CHUNK_BYTES
    }
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
        // Where the thread has gone, nothing ever leaves the guest.
        let _ = self.checker.work.send(Work {
            check: (self.opened, self.laid),
            outlet: Arc::clone(outlet),
            ends: Box::new(ends),
            #[cfg(feature = "torture")]
            slow: self.checker.slow,
        });
    }
}

impl Work {
    fn check(self) {
        let (opened, laid) = self.check;
        #[cfg(feature = "torture")]
        let (_nobody, never) = channel::<()>();
        let (mut bytes, mut checked) = (Vec::new(), 0);
        for number in laid.runs.iter().cloned().flatten() {
            #[cfg(feature = "torture")]
            let _ = never.recv_timeout(self.slow);
            if let Err(why) = opened.holds(&laid.file, number, &mut bytes) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_laid_in_few_pieces_and_holes_only_where_there_would_be_too_many() {
        let of = |there: &str, most| {
            let there: Vec<u64> = (0..)
                .zip(there.chars())
                .filter_map(|(at, letter)| (letter == 'x').then_some(at))
                .collect();
            runs(there.into_iter(), most)
        };
        assert_eq!(of("", 4), []);
        assert_eq!(of("....", 4), []);
        assert_eq!(of("x..xx.x", 4), [0..1, 3..5, 6..7]);
        assert_eq!(of("x..xx.x", 2), [0..1, 3..7]);
        assert_eq!(of("x..xx.x", 1), vec![0..7; 1]);
        assert_eq!(of(".x......x.", 1), vec![1..9; 1]);
        // None is left out, whatever there is.
        let many = "x.".repeat(3000);
        let runs = of(&many, PIECES);
        assert!(runs.len() <= PIECES);
        assert_eq!((runs[0].start, runs[runs.len() - 1].end), (0, 5999));
    }
}
