//! No files, by Landlock (Documentation/userspace-api/landlock.rst): whatever is still to be used is open already.
//!
//! Kernels have it from 5.13 on, and handle more with each version of it; what they all know is told to each as far as it
//! goes. Signals are left out: 6.12 would count threads of one process with rules of their own as strangers, and a
//! vCPU's thread has to be kicked; the table allows them to this process alone.

use super::linux::{self, Handled};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// `LANDLOCK_ACCESS_FS_READ_FILE`.
const READ_FILE: u64 = 1 << 2;

/// Rights to files that each version handles, by their number (include/uapi/linux/landlock.h, 7.3); the last one counts
/// for all later ones.
const FILE_RIGHTS: [(u32, u32); 4] = [(1, 13), (2, 14), (3, 15), (5, 16)];
/// From these versions on, TCP ports and abstract Unix sockets are handled too.
const NET_SINCE: u32 = 4;
const SCOPES_SINCE: u32 = 6;
/// `LANDLOCK_ACCESS_NET_BIND_TCP` and `_CONNECT_TCP`.
const NET: u64 = 0b11;
/// `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET`.
const SCOPED: u64 = 0b1;

/// The rules of a process.
pub struct Landlock {
    version: u32,
    nothing: OwnedFd,
}

impl Landlock {
    /// Rules that allow nothing; `None` where this kernel has no Landlock.
    ///
    /// # Errors
    /// Linux's.
    pub fn new() -> io::Result<Option<Self>> {
        let version = match linux::landlock_version() {
            Ok(version) => version,
            Err(error) => {
                return match error.raw_os_error() {
                    Some(libc::ENOSYS | libc::EOPNOTSUPP) => Ok(None),
                    _ => Err(error),
                };
            }
        };
        let nothing = ruleset(version)?;
        Ok(Some(Self { version, nothing }))
    }

    /// Puts this thread, and those that it starts from now on, under them.
    ///
    /// # Errors
    /// Linux's; it let the thread open something afterwards.
    pub fn give_up_files(&self) -> io::Result<()> {
        linux::landlock_restrict(&self.nothing)?;
        sealed()
    }

    /// Puts this thread, and those that it starts from now on, under rules that leave the files in that folder.
    ///
    /// # Errors
    /// Linux's; it let the thread open something else afterwards.
    pub fn give_up_files_but(&self, folder: BorrowedFd<'_>) -> io::Result<()> {
        let ruleset = ruleset(self.version)?;
        linux::landlock_allow(&ruleset, folder, READ_FILE)?;
        linux::landlock_restrict(&ruleset)?;
        sealed()
    }
}

fn ruleset(version: u32) -> io::Result<OwnedFd> {
    let (handled, size) = handled(version);
    linux::landlock_ruleset(&handled, size)
}

/// What a version handles, and how many bytes say it.
fn handled(version: u32) -> (Handled, usize) {
    let known = FILE_RIGHTS
        .iter()
        .rev()
        .find(|(since, _)| version >= *since);
    let files = known.map_or(0, |(_, count)| (1 << count) - 1);
    let size = match version {
        SCOPES_SINCE.. => 24,
        NET_SINCE.. => 16,
        _ => 8,
    };
    let handled = Handled {
        files,
        net: NET,
        scoped: SCOPED,
    };
    (handled, size)
}

/// Whether this thread can open nothing any more: the first folder of all is tried.
fn sealed() -> io::Result<()> {
    match linux::open_root() {
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => Err(io::Error::other("and yet it opens `/`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::thread;

    #[test]
    fn each_version_is_told_what_it_knows() {
        let told = |version| {
            let (handled, size) = handled(version);
            (handled.files, size)
        };
        assert_eq!(told(1), (0x1fff, 8));
        assert_eq!(told(2), (0x3fff, 8));
        assert_eq!(told(3), (0x7fff, 8));
        assert_eq!(told(4), (0x7fff, 16));
        assert_eq!(told(5), (0xffff, 16));
        assert_eq!(told(6), (0xffff, 24));
        assert_eq!(told(99), (0xffff, 24));
    }

    /// On this machine's own kernel, where it has Landlock.
    #[test]
    fn a_thread_without_files_opens_none_and_one_with_a_keyhole_one_folder() {
        nix::sys::prctl::set_no_new_privs().expect("every Linux has it");
        let Some(landlock) = Landlock::new().expect("a kernel with or without Landlock") else {
            crate::say::note("SKIPPED: this kernel has no Landlock");
            return;
        };
        let folder = File::open("/proc/self").expect("a folder");
        thread::scope(|scope| {
            scope.spawn(|| {
                landlock.give_up_files().expect("no file");
                assert!(File::open("/proc/self/stat").is_err());
            });
            scope.spawn(|| {
                use std::os::fd::AsFd as _;
                let given = landlock.give_up_files_but(folder.as_fd());
                given.expect("no other file");
                assert!(fs::read("/proc/self/stat").is_ok());
                assert!(File::open("/proc/stat").is_err());
            });
        });
        assert!(File::open("/proc/stat").is_ok());
    }
}
