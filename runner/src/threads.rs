//! Threads of a machine: named, with small stacks.

use crate::failure::Failure;
use std::thread::{self, JoinHandle};

/// Stack of each thread of a machine, in bytes.
pub const STACK: usize = 256 << 10;

/// Starts a thread.
///
/// # Errors
/// There are no more threads to be had.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Failure> {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK)
        .spawn(work)
        .map_err(|e| Failure::environment(format!("a thread cannot be started: {e}"), &[]))
}
