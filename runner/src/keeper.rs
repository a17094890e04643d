//! `start --on-reset restart`: the process that stays while guests come and go.
//!
//! It holds what outlives a reset: the disks with their locks, the taps, the sockets, how the terminal was. Each guest
//! has a process of its own, forked off before anything of KVM and any thread exists, which makes the machine anew and
//! proves it. All that this one learns of it is its exit code: it maps no memory of a guest's and reads nothing of one, and
//! is not in its jail.
//!
//! `unsafe` is here for fork(2).

use crate::failure::{Failure, exit};
use crate::machine::terminal;
use crate::say;
use crate::signals::{self, Came, Held};
use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use std::time::{Duration, Instant};
use vmlock_spec::event::Event;

/// Whose process it is from now on.
pub enum Side {
    /// That of a guest.
    Guest(Anew),
    /// The keeper's: the last guest has ended, with that exit code.
    Keeper(u8),
}

/// A guest that was started anew so many times before, this time after that pause.
pub struct Anew {
    /// How many times.
    pub restarts: u64,
    /// How long it waited.
    pub pause: Duration,
}

impl Anew {
    /// Says so. That is the guest's process's to do: a keeper that waits for whoever reads its words hears no signal.
    pub fn say(&self) {
        let event = Event::Restarted {
            restarts: self.restarts,
            wait: self.pause.as_millis() as u64,
        };
        say::event(event, words(self.restarts, self.pause));
    }
}

/// Starts a guest's process, and another one each time that one ends with [`exit::RESET`]. To be called while there is one
/// thread, with everything open that a guest keeps over its reset. `console`: whether guests have the terminal.
///
/// # Errors
/// The system gives no process.
pub fn keep(console: bool) -> Result<Side, Failure> {
    let held = Held::new().map_err(|e| trouble("signals cannot be received", e))?;
    if console {
        terminal::remember();
    }
    let keeper = getpid();
    let mut pace = Pace::default();
    let mut pause = Duration::ZERO;
    for restarts in 0.. {
        let begun = Instant::now();
        // SAFETY: this process has one thread, as the caller says, so the child finds no lock that somebody else holds.
        let guest = match unsafe { fork() } {
            Ok(ForkResult::Child) => {
                follow(keeper)
                    .map_err(|e| trouble("a guest's process cannot be tied to ours", e))?;
                return Ok(Side::Guest(Anew { restarts, pause }));
            }
            Ok(ForkResult::Parent { child }) => child,
            Err(errno) => return Err(trouble("there is no process for a guest to be had", errno)),
        };
        let (code, asked) = wait(guest, &held).map_err(|e| trouble("a guest is lost", e))?;
        if code != exit::RESET {
            return Ok(end(code));
        }
        pause = pace.next(begun.elapsed());
        if let Some(signal) = asked.or_else(|| rest(pause, &held)) {
            signals::end(signal as i32);
        }
    }
    // Nobody counts so far.
    Ok(end(exit::RESET))
}

/// Gives the terminal back.
fn end(code: u8) -> Side {
    terminal::restore();
    Side::Keeper(code)
}

/// What ends the keeper, which gives the terminal back.
fn trouble(what: &str, errno: Errno) -> Failure {
    terminal::restore();
    Failure::environment(format!("{what}: {errno}"), &[])
}

/// Has the guest's process end with the keeper's, which may have ended already: nobody else would end it.
fn follow(keeper: Pid) -> nix::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    match getppid() == keeper {
        true => Ok(()),
        false => Err(Errno::ESRCH),
    }
}

/// Waits for the end of a guest's process and passes on to it what asks this one to end: its exit code, and what came.
fn wait(guest: Pid, signals: &Held) -> nix::Result<(u8, Option<Signal>)> {
    let mut asked = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG))? {
            // What a guest's process left behind, where this one is whom orphans go to.
            other if other.pid().is_some_and(|pid| pid != guest) => continue,
            WaitStatus::Exited(_, code) => {
                return Ok((code.try_into().unwrap_or(exit::BUG), asked));
            }
            WaitStatus::Signaled(_, signal, _) => {
                let number = signal as i32;
                terminal::restore();
                say::event(
                    Event::Signal { number },
                    format_args!("the guest's process was ended by signal {number}"),
                );
                return Ok((say::signalled(signal as i32), asked));
            }
            _ => {}
        }
        if let Came::Ending(signal) = signals.next(None)? {
            asked = Some(signal);
            // It has not been waited for, so the number is its own, also where it has ended.
            kill(guest, signal)?;
        }
    }
}

/// Lets that time pass; what asked this process to end meanwhile.
fn rest(pause: Duration, signals: &Held) -> Option<Signal> {
    let end = Instant::now() + pause;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match signals.next(Some(left)) {
            Ok(Came::Ending(signal)) => return Some(signal),
            Ok(Came::Child) => {}
            // Nothing, in all that time; or nothing can be waited for.
            Ok(Came::Nothing) | Err(_) => return None,
        }
    }
}

/// What is said of a restart.
fn words(restarts: u64, pause: Duration) -> String {
    let mut words = format!("the guest starts anew (restart {restarts})");
    if !pause.is_zero() {
        words += &format!(
            ", after {} ms: it asks for one reset after the other",
            pause.as_millis()
        );
    }
    words
}

/// A guest that lived for longer than this does not reset again and again.
const LONG: Duration = Duration::from_secs(10);
/// How long the second restart in a row waits; each further one twice as long, up to [`MOST`].
const FIRST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(8);

/// How soon a guest starts anew: at once, unless it resets again and again.
#[derive(Default)]
struct Pace {
    next: Duration,
}

impl Pace {
    /// How long to wait after a guest that lived for so long, with its start.
    fn next(&mut self, lived: Duration) -> Duration {
        if lived >= LONG {
            self.next = Duration::ZERO;
        }
        let pause = self.next;
        self.next = (2 * pause).clamp(FIRST, MOST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_resets_again_and_again_waits_longer_each_time() {
        let mut pace = Pace::default();
        let quick = Duration::from_secs(1);
        let waits: Vec<u128> = (0..8).map(|_| pace.next(quick).as_millis()).collect();
        assert_eq!(waits, [0, 250, 500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(pace.next(LONG), Duration::ZERO);
        assert_eq!(pace.next(quick), FIRST);
    }

    #[test]
    fn each_restart_is_said_with_its_number_and_why_it_waits() {
        assert_eq!(
            words(1, Duration::ZERO),
            "the guest starts anew (restart 1)"
        );
        assert!(
            words(7, MOST)
                .ends_with("(restart 7), after 8000 ms: it asks for one reset after the other")
        );
    }
}
