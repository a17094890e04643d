//! Who may run a guest whose memory two processes have: whoever holds a lock on that memory's file (fcntl(2),
//! F_OFD_SETLK). The kernel gives it to one open file description at a time, and takes it back from a process that dies.
//! So the taking end opens the file anew, instead of keeping the description that the giving end holds the lock by.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;

/// That a file keeps its length, and these seals.
const SEALS: SealFlag = SealFlag::F_SEAL_GROW
    .union(SealFlag::F_SEAL_SHRINK)
    .union(SealFlag::F_SEAL_SEAL);

fn lock(file: &File, kind: libc::c_int) -> nix::Result<()> {
    let all = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&all)).map(|_| ())
}

/// Takes the right to run the guest of that memory; `false` where somebody else has it.
///
/// # Errors
/// The host's.
pub fn take(memory: &File) -> io::Result<bool> {
    match lock(memory, libc::F_WRLCK) {
        Ok(()) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Lets go of it.
///
/// # Errors
/// The host's.
pub fn leave(memory: &File) -> io::Result<()> {
    lock(memory, libc::F_UNLCK).map_err(io::Error::from)
}

/// Has that file never have another length.
///
/// # Errors
/// The host's.
pub fn seal(memory: &File) -> io::Result<()> {
    fcntl(memory, FcntlArg::F_ADD_SEALS(SEALS)).map_err(io::Error::from)?;
    Ok(())
}

/// Has nobody write a file from now on, which is memory and mapped by nobody.
///
/// # Errors
/// It is no such file, or somebody could still write it.
pub fn freeze(file: &File) -> io::Result<()> {
    let all = SEALS | SealFlag::F_SEAL_WRITE;
    fcntl(file, FcntlArg::F_ADD_SEALS(all))?;
    let seals = fcntl(file, FcntlArg::F_GET_SEALS)?;
    match SealFlag::from_bits_truncate(seals).contains(all) {
        true => Ok(()),
        false => Err(io::Error::other("its seals are not what they were set to")),
    }
}

/// The guest's memory that came from the other end, by a description of our own.
///
/// # Errors
/// It is no sealed memory of that length, in words.
pub fn anew(came: File, bytes: u64) -> Result<File, String> {
    let words = |e: io::Error| format!("it cannot be opened anew: {e}");
    let seals = fcntl(&came, FcntlArg::F_GET_SEALS);
    let seals = seals.map_err(|_| "it is no memory that can be sealed".to_owned())?;
    if !SealFlag::from_bits_truncate(seals).contains(SEALS) {
        return Err("its length can still change".to_owned());
    }
    let found = came.metadata().map_err(words)?;
    if found.len() != bytes {
        return Err(format!(
            "it has {} bytes, and the lock {bytes}",
            found.len()
        ));
    }
    let path = format!("/proc/self/fd/{}", came.as_raw_fd());
    let mut options = OpenOptions::new();
    let anew = options.read(true).write(true).open(path).map_err(words)?;
    let same = anew.metadata().map_err(words)?;
    match (same.dev(), same.ino()) == (found.dev(), found.ino()) {
        true => Ok(anew),
        false => Err("/proc/self/fd has another file".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    #[test]
    fn one_has_the_right_until_it_lets_go_or_is_gone() {
        let one = Memory::unnamed("a test", 1 << 21).expect("a file");
        seal(&one).expect("it can be sealed");
        let copy = one.try_clone().expect("a descriptor");
        let other = anew(one.try_clone().expect("a descriptor"), 1 << 21).expect("it is sealed");
        assert!(take(&one).expect("a file"));
        assert!(take(&copy).expect("the same description"));
        assert!(!take(&other).expect("a file"));
        leave(&one).expect("a file");
        assert!(take(&other).expect("a file"));
        assert!(!take(&one).expect("a file"));
        drop(other);
        assert!(take(&one).expect("a file"));
    }

    #[test]
    fn what_is_no_sealed_memory_of_that_length_is_refused() {
        let bytes = 1 << 21;
        let memory = || Memory::unnamed("a test", bytes).expect("a file");
        let why = |file| anew(file, bytes).expect_err("it is refused");
        assert!(why(memory()).contains("length can still change"));
        let null = File::open("/dev/null").expect("every system has it");
        assert!(why(null).contains("no memory that can be sealed"));
        let sealed = memory();
        seal(&sealed).expect("it can be sealed");
        assert!(
            anew(sealed, bytes / 2)
                .expect_err("another length")
                .contains("bytes")
        );
        let read = memory();
        freeze(&read).expect("nobody has it mapped");
        assert!(freeze(&File::open("/dev/null").expect("it")).is_err());
    }
}
