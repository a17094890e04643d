//! How far a long command is, for somebody who waits at a terminal: a line that is written over and then taken away.

use crate::render;
use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often somebody is told.
const TOLD: Duration = Duration::from_millis(250);

/// Whether the line stands there.
static LINE: Mutex<bool> = Mutex::new(false);

/// What is counted, up to how many.
pub struct Progress {
    count: usize,
    what: &'static str,
    /// How many are done, and when that was last told; nobody is told where nobody waits.
    done: Option<Mutex<(usize, Instant)>>,
}

impl Progress {
    /// Nothing is done yet of so many.
    pub fn of(count: usize, what: &'static str) -> Self {
        let waits = io::stderr().is_terminal();
        Self {
            count,
            what,
            done: waits.then(|| Mutex::new((0, Instant::now()))),
        }
    }

    /// One more is done.
    pub fn one_more(&self) {
        let Some(Ok(mut done)) = self.done.as_ref().map(Mutex::lock) else {
            return;
        };
        done.0 += 1;
        if done.1.elapsed() >= TOLD {
            done.1 = Instant::now();
            let mut line = line();
            // Who does not see it misses nothing.
            let _ = render::write(
                io::stderr(),
                &format!("\rvmlock: {} of {} {}", done.0, self.count, self.what),
            );
            *line = true;
        }
    }

    /// Takes the line away.
    pub fn end(&self) {
        drop(wipe());
    }
}

fn line() -> MutexGuard<'static, bool> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the line away, if one stands there. None is written while what is returned lives.
pub fn wipe() -> MutexGuard<'static, bool> {
    let mut line = line();
    if *line {
        let _ = render::write(io::stderr(), "\r\x1b[K");
        *line = false;
    }
    line
}
