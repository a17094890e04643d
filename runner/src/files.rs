//! The user's files: read up to what one can be, written whole or not at all.

use crate::failure::Failure;
use nix::fcntl::{FcntlArg, fcntl};
use std::fmt::Display;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::report::{self, HostReport};

/// Reads a lock; of a file that is none, no more than a lock can have.
///
/// # Errors
/// It cannot be read, or is no lock.
pub fn read_lock(path: &Path) -> Result<Lock, Failure> {
    parse_lock(path, &read_text(path)?)
}

/// The lock in a file's text.
///
/// # Errors
/// It is none.
pub fn parse_lock(path: &Path, text: &str) -> Result<Lock, Failure> {
    canonical::parse(text).map_err(|e| unusable(path, &e))
}

fn unusable(path: &Path, why: &dyn Display) -> Failure {
    Failure::environment(
        format!("the lock `{}` cannot be used: {why}", path.display()),
        &[],
    )
}

/// The text of a file that is to be a lock, as far as one can go.
///
/// # Errors
/// It cannot be read.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    let bad = |why: &dyn Display| unusable(path, why);
    let file = open(path).map_err(|e| bad(&e))?;
    let size = file.metadata().map_or(0, |m| m.len() as usize);
    // Read by one call, as long as the file is what it was: the end shows in room that is left.
    let mut text = String::with_capacity(size.min(canonical::SIZE_MAX) + 1);
    // One byte more than the limit is enough for the parser to refuse it.
    file.take(canonical::SIZE_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|e| bad(&e))?;
    Ok(text)
}

/// Reads a host's report.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read_report(path: &Path) -> Result<HostReport, Failure> {
    let bad = |why: &dyn Display| {
        let words = format!("the host report `{}` cannot be used: {why}", path.display());
        Failure::environment(words, &["make it on that host with `vmlock-run probe`"])
    };
    let file = open(path).map_err(|e| bad(&e))?;
    let mut text = String::new();
    file.take(report::SIZE_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|e| bad(&e))?;
    let report = report::parse(&text).map_err(|e| bad(&e))?;
    match &report.imported {
        None => Ok(report),
        Some(imported) => Err(bad(&format!(
            "it was imported ({}), and nobody has tried what that host keeps",
            imported.of
        ))),
    }
}

/// Opens a regular file to be read, and waits for nobody: opening a FIFO would wait for a writer, and reading one, or a
/// device, for what may never come.
///
/// # Errors
/// It cannot be opened, or is something else.
pub fn open(path: &Path) -> io::Result<File> {
    // Looked at first, since opening alone can start something; and once more, since it may have changed.
    regular(fs::metadata(path)?.file_type())?;
    let file = OpenOptions::new()
        .read(true)
        // Nothing to a regular file.
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

fn regular(kind: FileType) -> io::Result<()> {
    let what = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(io::Error::other(format!(
        "it is {what}, and only regular files are read"
    )))
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

/// Holds a file against others, for as long as it is open: alone where it is written.
///
/// # Errors
/// The host's; another program has it.
pub fn hold(file: impl AsFd, read_only: bool) -> nix::Result<()> {
    let kind = if read_only {
        libc::F_RDLCK
    } else {
        libc::F_WRLCK
    };
    lock(file, kind)
}

/// Lets others have it, though it is open here.
///
/// # Errors
/// The host's.
pub fn let_go(file: impl AsFd) -> nix::Result<()> {
    lock(file, libc::F_UNLCK)
}

/// Takes or gives up the open file's lock on all of it, `kind` being F_RDLCK, F_WRLCK or F_UNLCK, and waits for nobody.
///
/// # Errors
/// The host's: EAGAIN where another program's lock is in the way.
pub fn lock(file: impl AsFd, kind: libc::c_int) -> nix::Result<()> {
    let all = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&all)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::path::PathBuf;
    use std::process::{self, Command};

    /// A path of its own for a test, below which nothing is.
    fn place(name: &str) -> PathBuf {
        let path = env::temp_dir().join(format!("vmlock-files-{}-{name}", process::id()));
        // Of an earlier process of that number.
        let _ = fs::remove_file(&path);
        path
    }

    fn unread(path: &Path) -> String {
        let failure = read_lock(path).expect_err("it is no lock");
        let Failure::Environment(trouble) = failure else {
            panic!("{failure:?}");
        };
        trouble.message
    }

    #[test]
    fn no_more_of_a_file_is_read_than_a_lock_can_have() {
        let path = place("huge");
        let huge = File::create(&path).and_then(|f| f.set_len(1 << 40));
        huge.expect("a file full of holes");
        assert!(unread(&path).contains("larger than"));
        fs::remove_file(&path).expect("it was made here");
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_not_waited_for() {
        let fifo = place("fifo");
        let made = Command::new("mkfifo").arg(&fifo).status();
        assert!(made.expect("a system has it").success());
        assert!(unread(&fifo).contains("a pipe"));
        fs::remove_file(&fifo).expect("it was made here");
        assert!(unread(Path::new("/dev/zero")).contains("a device"));
        assert!(unread(&env::temp_dir()).contains("a folder"));
    }

    #[test]
    fn a_report_that_cannot_be_written_is_an_error() {
        assert!(write_report("no/such/folder/host.json", "{}").is_err());
    }
}
