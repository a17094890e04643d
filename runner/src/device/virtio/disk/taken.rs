//! Which file is which: no file is two things of one machine, where a guest writes one of
//! them.
//!
//! Names do not tell, since links give a file several: what counts is the file itself.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use vmlock_spec::lock::Lock;

/// A file, whatever its names: a regular one by its file system and inode, a block device by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Identity {
    File(u64, u64),
    Device(u64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        match metadata.file_type().is_block_device() {
            true => Self::Device(metadata.rdev()),
            false => Self::File(metadata.dev(), metadata.ino()),
        }
    }
}

/// The files of one machine that are known so far.
#[derive(Default)]
pub struct Taken {
    all: Vec<(Identity, String, bool)>,
    /// Taps by name, and whose each is.
    taps: Vec<(String, String)>,
}

impl Taken {
    /// What a lock's machine boots from, and the lock.
    pub fn of(lock: &Lock, path: &Path, directory: &Path) -> Self {
        let named = |name: &str| -> PathBuf { directory.join(name) };
        let mut taken = Self::default();
        taken.read("the lock", path);
        if let Some(boot) = &lock.boot {
            taken.read("the kernel", &named(&boot.kernel.path));
            if let Some(initrd) = &boot.initrd {
                taken.read("the initial RAM file system", &named(&initrd.path));
            }
        }
        taken
    }

    /// A file that is read. Where it is none, whoever reads it says so.
    fn read(&mut self, what: &str, path: &Path) {
        if let Ok(metadata) = fs::metadata(path) {
            let identity = Identity::of(&metadata);
            self.all.push((identity, what.to_owned(), false));
        }
    }

    /// Takes a tap for a card; which one has it already. A descriptor that was passed in may be another's copy.
    pub fn tap(&mut self, card: &str, tap: &str) -> Option<&str> {
        self.taps.push((tap.to_owned(), card.to_owned()));
        let [before @ .., _] = &self.taps[..] else {
            return None;
        };
        let same = before.iter().find(|(other, _)| other == tap);
        same.map(|(_, card)| card.as_str())
    }

    /// Takes the file of a disk, or of another thing that is open; what else it is already, where that cannot be.
    ///
    /// # Errors
    /// The host says nothing of it.
    pub fn take(&mut self, what: String, file: &fs::File, write: bool) -> io::Result<Option<&str>> {
        let identity = Identity::of(&file.metadata()?);
        self.all.push((identity, what, write));
        let [before @ .., _] = &self.all[..] else {
            return Ok(None);
        };
        let mut before = before.iter();
        let same = before.find(|(other, _, written)| *other == identity && (write || *written));
        Ok(same.map(|(_, what, _)| what.as_str()))
    }
}
