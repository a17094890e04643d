//! What each family of systems has calls of its own for: which file is open, whether opening it waits, what may be started
//! and how, how others spell a path. One file for each; both give the same names.

use std::io;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{
    FileId, Times, alive, file_id, instead, is_block_device, is_program, kind, open, slashes,
    stamp, sync,
};
#[cfg(windows)]
pub use windows::{
    FileId, Times, alive, file_id, instead, is_block_device, is_program, kind, open, slashes,
    stamp, sync,
};

/// A file as it is: written anew, it has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The device or volume that it is on, and its number there.
    pub file: (u64, u64),
    /// When it was written.
    pub times: Times,
}

/// Why what is no regular file is not read.
pub fn no_file(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("it is {what}, and only regular files are read"),
    )
}
