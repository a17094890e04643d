//! What each family of systems has calls of its own for: which file is open, whether opening it waits, what may be started
//! and how. One file for each; both give the same names.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{
    FileId, Times, alive, file_id, instead, is_block_device, is_program, kind, open, stamp,
};
#[cfg(windows)]
pub use windows::{
    FileId, Times, alive, file_id, instead, is_block_device, is_program, kind, open, stamp,
};

/// A file as it is: written anew, it has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The device or volume that it is on, and its number there.
    pub file: (u64, u64),
    /// When it was written.
    pub times: Times,
}
