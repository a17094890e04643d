//! Digests of the files that a machine boots, and of its disks. A large one is read by a thread of its own: nobody waits
//! for it with every key that is pressed, and what is read once is known until the file changes.

use crate::files;
use crate::system;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Largest file that is read at once, in bytes: some milliseconds.
const AT_ONCE_MAX: u64 = 1 << 20;

/// A file as it is: another time or length is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Which file it is, and when it was written.
    stamp: system::Stamp,
    length: u64,
    /// How much of it is read.
    bytes: u64,
}

/// A file that is to be read.
pub struct Job {
    key: Key,
    file: File,
}

/// What was read: a digest, or that it could not be.
#[derive(Debug)]
pub struct Done {
    key: Key,
    digest: Option<String>,
}

impl Job {
    /// Reads it.
    pub fn done(self) -> Done {
        let digest = files::sha256(self.file.take(self.key.bytes)).ok();
        Done {
            key: self.key,
            digest,
        }
    }
}

/// A thread that reads what it is given, one file after the other. It ends with whoever gives, or when nobody wants what
/// it tells.
///
/// # Errors
/// The system's, which gives no more threads.
pub fn reader(told: impl Fn(Done) -> bool + Send + 'static) -> io::Result<Sender<Job>> {
    let (sender, jobs) = channel::<Job>();
    let read = move || {
        for job in jobs {
            if !told(job.done()) {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("digests".to_owned())
        .spawn(read)?;
    Ok(sender)
}

/// What is known, and what is asked for.
#[derive(Default)]
pub struct Digests {
    known: RefCell<BTreeMap<Key, Option<String>>>,
    asked: RefCell<BTreeSet<Key>>,
    jobs: RefCell<Vec<Job>>,
}

impl Digests {
    /// Of the first `bytes` of a file: known, read at once, or asked for.
    ///
    /// # Errors
    /// The system's.
    pub fn of(&self, file: File, bytes: u64) -> io::Result<Option<String>> {
        let metadata = file.metadata()?;
        let key = Key {
            stamp: system::stamp(&file)?,
            length: metadata.len(),
            bytes,
        };
        if let Some(known) = self.known.borrow().get(&key) {
            return match known {
                Some(digest) => Ok(Some(digest.clone())),
                None => Err(io::Error::other("it could not be read to its end")),
            };
        }
        // A device's length is not in its metadata.
        if metadata.is_file() && metadata.len().min(bytes) <= AT_ONCE_MAX {
            let digest = files::sha256(file.take(bytes))?;
            self.known.borrow_mut().insert(key, Some(digest.clone()));
            return Ok(Some(digest));
        }
        // A file that is being written is another one with every key that is pressed: it is read once more when it was read.
        let mut asked = self.asked.borrow_mut();
        let same = |k: &Key| (k.stamp.file, k.bytes) == (key.stamp.file, key.bytes);
        if !asked.iter().any(same) {
            asked.insert(key);
            self.jobs.borrow_mut().push(Job { key, file });
        }
        Ok(None)
    }

    /// What is to be read, once.
    pub fn jobs(&self) -> Vec<Job> {
        std::mem::take(&mut self.jobs.borrow_mut())
    }

    /// Whether something is being read.
    pub fn is_waiting(&self) -> bool {
        !self.asked.borrow().is_empty()
    }

    /// What was asked for is not going to be read.
    pub fn give_up(&self) {
        let asked = std::mem::take(&mut *self.asked.borrow_mut());
        let failed = asked.into_iter().map(|key| (key, None));
        self.known.borrow_mut().extend(failed);
    }

    /// What was read.
    pub fn learn(&self, done: Done) {
        self.asked.borrow_mut().remove(&done.key);
        self.known.borrow_mut().insert(done.key, done.digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_large_file_is_read_elsewhere_and_once() {
        let path = std::env::temp_dir().join(format!("vmlock-digests-{}", std::process::id()));
        let open = || File::open(&path).unwrap();
        let digests = Digests::default();
        fs::write(&path, "small").unwrap();
        let small = digests.of(open(), u64::MAX).unwrap();
        assert_eq!(small, files::sha256(&b"small"[..]).ok());
        fs::write(&path, vec![7; AT_ONCE_MAX as usize + 1]).unwrap();
        assert_eq!(digests.of(open(), u64::MAX).unwrap(), None);
        assert_eq!(digests.of(open(), u64::MAX).unwrap(), None);
        // The first bytes alone are few enough.
        assert!(digests.of(open(), 4).unwrap().is_some());
        let jobs = digests.jobs();
        assert!(jobs.len() == 1 && digests.is_waiting());
        for job in jobs {
            digests.learn(job.done());
        }
        assert!(!digests.is_waiting());
        assert!(digests.of(open(), u64::MAX).unwrap().is_some());
        assert!(digests.jobs().is_empty());
        // While one that is being written is read, nobody else reads it, and then it is read as it is now.
        let grown = |bytes: usize| fs::write(&path, vec![7; AT_ONCE_MAX as usize + bytes]).unwrap();
        for bytes in 2..9 {
            grown(bytes);
            assert_eq!(digests.of(open(), u64::MAX).unwrap(), None);
        }
        for left in [1, 0] {
            let jobs = digests.jobs();
            assert_eq!(jobs.len(), 1);
            jobs.into_iter().for_each(|job| digests.learn(job.done()));
            assert_eq!(digests.of(open(), u64::MAX).unwrap().is_none(), left == 1);
        }
        fs::remove_file(&path).unwrap();
    }
}
