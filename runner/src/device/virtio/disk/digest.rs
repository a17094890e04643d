//! What a disk that nobody writes holds, in one word: SHA-256 over its sectors, and over
//! nothing behind them.

use sha2::{Digest as _, Sha256};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _};
use std::time::{SystemTime, UNIX_EPOCH};
use vmlock_spec::machine::virtio::SECTOR;

/// Bytes that are read at a time.
const PART: usize = 256 << 10;

/// An open disk that holds what its lock says.
pub struct Contents {
    file: File,
    sectors: u64,
    digest: String,
    stamp: Option<Stamp>,
}

/// What changes with a file's contents: bytes, and when it was written and changed.
#[derive(PartialEq, Eq)]
struct Stamp([i64; 5]);

/// Seconds after which what is written has another time than what was: a file system's clock may tick once in two.
const TICK: i64 = 2;

impl Stamp {
    /// None of a block device, which has no such times, and of a file that was changed a moment ago: whoever writes it
    /// once more may do that at the same time, by the file system's clock.
    fn of(metadata: &Metadata) -> Option<Self> {
        let m = metadata;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        let changed = m.mtime().max(m.ctime());
        let settled = changed.saturating_add(TICK) < i64::try_from(now).ok()?;
        let size = i64::try_from(m.size()).unwrap_or(i64::MAX);
        let stamp = Self([size, m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec()]);
        (settled && !m.file_type().is_block_device()).then_some(stamp)
    }
}

impl Contents {
    /// Looks at what a file holds: that, where it has the digest that is wanted, else the digest that it has.
    ///
    /// # Errors
    /// The system's; also where the file ends before.
    pub fn held(file: &File, sectors: u64, wanted: &str) -> io::Result<Result<Self, String>> {
        // Before it is read: what is written meanwhile is seen by the next look.
        let stamp = Stamp::of(&file.metadata()?);
        let digest = of(file, sectors)?;
        if digest != wanted {
            return Ok(Err(digest));
        }
        let file = file.try_clone()?;
        Ok(Ok(Self {
            file,
            sectors,
            digest,
            stamp,
        }))
    }

    /// Looks once more, where it may have changed: the digest that it has by now, if that is another.
    ///
    /// # Errors
    /// As [`Contents::held`].
    pub fn changed(&mut self) -> io::Result<Option<String>> {
        let stamp = Stamp::of(&self.file.metadata()?);
        if stamp.is_some() && stamp == self.stamp {
            return Ok(None);
        }
        let digest = of(&self.file, self.sectors)?;
        if digest != self.digest {
            return Ok(Some(digest));
        }
        self.stamp = stamp;
        Ok(None)
    }
}

/// `sha256-` and 64 hex digits of the first sectors of a file.
///
/// # Errors
/// The system's; also where the file ends before.
fn of(file: &File, sectors: u64) -> io::Result<String> {
    let end = sectors.saturating_mul(SECTOR);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PART];
    let mut at = 0;
    while at < end {
        let most = (end - at).min(PART as u64) as usize;
        match file.read_at(&mut buffer[..most], at) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                hash.update(&buffer[..length]);
                at += length as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let bytes = hash.finalize();
    Ok(bytes.iter().fold("sha256-".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process};

    /// By clocks that tick every few milliseconds, what is written next may have the same time.
    #[test]
    fn a_file_that_was_written_a_moment_ago_is_read_again() {
        let path = env::temp_dir().join(format!("vmlock-stamp-{}", process::id()));
        fs::write(&path, "x").expect("the temporary directory takes files");
        let fresh = fs::metadata(&path).expect("it is there");
        assert!(Stamp::of(&fresh).is_none());
        fs::remove_file(&path).expect("it is there");
        // Building this took longer.
        let old = concat!(env!("CARGO_MANIFEST_DIR"), "/src/main.rs");
        let old = fs::metadata(old).expect("this was built of it");
        assert!(Stamp::of(&old).is_some());
    }
}
