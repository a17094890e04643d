//! What a device's thread and its registers both know of the outside: whether the cable
//! is in, and what the user says.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Whether a card's cable is in, as its thread finds it. The registers say so from the next access on: nobody sees them
/// before.
#[derive(Default)]
pub struct Link {
    down: AtomicBool,
}

impl Link {
    /// Whether it is in.
    pub fn is_up(&self) -> bool {
        !self.down.load(Ordering::Acquire)
    }

    /// It is pulled out; whether it was in.
    pub fn take_down(&self) -> bool {
        !self.down.swap(true, Ordering::AcqRel)
    }
}

/// How many bytes of input may wait.
const HELD: usize = 64 << 10;

/// What the user says and the guest has not taken.
#[derive(Default)]
pub struct Input {
    held: Mutex<VecDeque<u8>>,
}

impl Input {
    /// The bytes, while nobody adds any. A panic ends the process, so poison says nothing.
    pub fn held(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.held.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// How many more bytes it takes.
    pub fn room(&self) -> usize {
        HELD - self.held().len().min(HELD)
    }

    /// Takes bytes, at most as many as there is room for.
    pub fn put(&self, bytes: &[u8]) {
        self.held().extend(bytes);
    }
}
