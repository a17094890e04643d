//! One vCPU has its turn, of one instruction or one exit, while the others stay outside: how a guest is saved at each of
//! its moments. With the feature `torture` alone.

use crate::kvm::{self, Exit, Runnable};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// How long a vCPU without a turn stays outside before it looks again.
const APART: Duration = Duration::from_micros(200);
/// How soon whoever waits for a turn looks whether the machine has come to its end.
const AGAIN: Duration = Duration::from_millis(20);
/// How long a turn may take.
const LIMIT: Duration = Duration::from_secs(60);

/// How far a turn goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// One instruction, or the exit that this one makes.
    Instruction,
    /// Up to the first exit.
    Exit,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// An instruction without an exit.
    Stepped,
    /// A read where no memory is, which waits for its value.
    Read,
    /// A write there, which waits to be done.
    Write,
    /// A call of firmware, which the runner has answered.
    Call,
    /// It has turned itself off, as the kernel answers that: without an exit.
    Off,
    /// Something else.
    Other,
}

impl Came {
    /// Nothing where it only was kicked.
    pub fn of(exit: &Exit<'_>) -> Option<Self> {
        Some(match exit {
            Exit::Kicked => return None,
            Exit::Stepped => Self::Stepped,
            Exit::Mmio(mmio) if mmio.is_write => Self::Write,
            Exit::Mmio(_) => Self::Read,
            Exit::Hypercall(_) => Self::Call,
            _ => Self::Other,
        })
    }
}

struct State {
    vcpu: usize,
    length: Length,
    /// It is inside, or what it came out with is being served.
    begun: bool,
    /// What it came out with.
    came: Option<Came>,
    /// That was served, and its thread has come around.
    over: bool,
}

/// Whose turn it is.
pub struct Turn {
    state: Mutex<State>,
    over: Condvar,
}

impl Turn {
    /// That vCPU's.
    pub fn new(vcpu: usize, length: Length) -> Self {
        Self {
            state: Mutex::new(State {
                vcpu,
                length,
                begun: false,
                came: None,
                over: false,
            }),
            over: Condvar::new(),
        }
    }

    /// A panic ends the process, so poison says nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// One more, after the last is over.
    pub fn again(&self, vcpu: usize) {
        *self.state() = State {
            vcpu,
            length: Length::Instruction,
            begun: false,
            came: None,
            over: false,
        };
    }

    /// Whether that vCPU may enter KVM_RUN; its thread asks each time. One that may not has waited a little.
    pub(super) fn lets_in(&self, vcpu: usize, runnable: &Runnable) -> kvm::Result<bool> {
        let mut state = self.state();
        if state.vcpu != vcpu || state.over {
            drop(state);
            thread::sleep(APART);
            return Ok(false);
        }
        let steps = state.length == Length::Instruction;
        if state.came.is_some() {
            if steps {
                runnable.step(false)?;
            }
            state.over = true;
            self.over.notify_all();
            return Ok(false);
        }
        if !state.begun {
            if steps {
                runnable.step(true)?;
            }
            state.begun = true;
        } else if runnable.is_off()? {
            // Somebody who waits for it kicked it; the next round ends it.
            state.came = Some(Came::Off);
            return Ok(false);
        }
        Ok(true)
    }

    /// That vCPU came out with this, which has yet to be served.
    pub(super) fn came(&self, vcpu: usize, came: Option<Came>) {
        let mut state = self.state();
        if state.vcpu == vcpu && state.begun && !state.over {
            state.came = came;
        }
    }

    /// Whose it is.
    pub fn vcpu(&self) -> usize {
        self.state().vcpu
    }

    /// Waits until it is over; `None` where it never is, or the machine `ended`. A vCPU whose turn takes long is kicked, by
    /// its index: one that has turned itself off does not come out by itself.
    pub fn wait(&self, ended: impl Fn() -> bool, kick: impl Fn(usize)) -> Option<Came> {
        let begun = Instant::now();
        let mut state = self.state();
        while !state.over {
            if ended() || begun.elapsed() > LIMIT {
                return None;
            }
            let waited;
            (state, waited) = self
                .over
                .wait_timeout(state, AGAIN)
                .unwrap_or_else(|e| e.into_inner());
            if waited.timed_out() && state.begun {
                kick(state.vcpu);
            }
        }
        state.came
    }
}
