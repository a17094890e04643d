//! What a compilation reads beside the description, and from where: the disk, or whoever has a file open and unsaved.

use super::read::{self, Unreadable};
use crate::files::{self, Image, sha256};
use crate::location::Source;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

/// See the top of the file.
pub trait Reach {
    /// A text file of the user.
    ///
    /// # Errors
    /// [`Unreadable`] says whether the system or the bytes are at fault.
    fn source(&self, path: &Path, shown: &str) -> Result<Arc<Source>, Unreadable>;

    /// Opens a file that a machine boots.
    ///
    /// # Errors
    /// The system's, and what the file is where it is no regular one.
    fn file(&self, path: &Path) -> io::Result<File> {
        files::open(path)
    }

    /// Opens a file or block device that is a disk.
    ///
    /// # Errors
    /// The system's, and what the file is where it is neither.
    fn image(&self, path: &Path) -> io::Result<Image> {
        files::disk(path)
    }

    /// `sha256-` and 64 hex digits of the first `bytes` of a file that was opened; `None` where they are not known yet.
    ///
    /// # Errors
    /// The system's.
    fn digest(&self, file: File, bytes: u64) -> io::Result<Option<String>>;
}

/// All from the disk.
pub struct Disk;

impl Reach for Disk {
    fn source(&self, path: &Path, shown: &str) -> Result<Arc<Source>, Unreadable> {
        read::read_source(path, shown)
    }

    fn digest(&self, file: File, bytes: u64) -> io::Result<Option<String>> {
        sha256(file.take(bytes)).map(Some)
    }
}
