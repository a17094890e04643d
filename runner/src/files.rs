//! The user's files: read up to what one can be, written whole or not at all.

use crate::failure::Failure;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use vmlock_spec::lock::{Lock, canonical};

/// Reads a lock; of a file that is none, no more than a lock can have.
///
/// # Errors
/// It cannot be read, or is no lock.
pub fn read_lock(path: &Path) -> Result<Lock, Failure> {
    let bad = |why: &dyn std::fmt::Display| {
        Failure::environment(
            format!("the lock `{}` cannot be used: {why}", path.display()),
            &[],
        )
    };
    let file = File::open(path).map_err(|e| bad(&e))?;
    let mut text = String::new();
    // One byte more than the limit is enough for the parser to refuse it.
    file.take(canonical::SIZE_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|e| bad(&e))?;
    canonical::parse(&text).map_err(|e| bad(&e))
}

/// Writes a report: there is the old file or the new one, at any moment.
///
/// # Errors
/// It cannot be written; what was there is untouched.
pub fn write_report(path: &str, text: &str) -> Result<(), Failure> {
    vmlock_atomic::replace(Path::new(path), text).map_err(|e| {
        Failure::environment(
            format!("the report cannot be written to `{path}`: {e}"),
            &["look at the folder's permissions and at the space on the disk"],
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_no_lock() {
        let failure = read_lock(Path::new("/dev/zero")).expect_err("it is no lock");
        let Failure::Environment(trouble) = failure else {
            panic!("{failure:?}");
        };
        assert!(trouble.message.contains("larger than"), "{trouble:?}");
    }

    #[test]
    fn a_report_that_cannot_be_written_is_an_error() {
        assert!(write_report("no/such/folder/host.json", "{}").is_err());
    }
}
