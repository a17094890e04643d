//! A look at all of a disk takes its time: how far it is, and whether anybody still waits for it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A look at a disk, for who waits for it on another thread: how far it is. It ends early where nobody waits any more, so that
/// the disk is its guest's again.
#[derive(Debug, Default)]
pub struct Look {
    bytes: AtomicU64,
    given_up: AtomicBool,
}

impl Look {
    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Nobody waits for it any more.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// So many bytes were read.
    ///
    /// # Errors
    /// Nobody waits for more.
    pub fn reached(&self, bytes: u64) -> io::Result<()> {
        self.bytes.store(bytes, Ordering::Relaxed);
        match self.given_up.load(Ordering::Relaxed) {
            true => Err(io::Error::other("nobody waits for it any more")),
            false => Ok(()),
        }
    }
}
