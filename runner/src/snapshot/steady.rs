//! Whether a saved guest's file stays what it is while a guest runs on it.
//!
//! Pages that the guest has not written are the file's own. Who could write that file would write the guest's memory, past
//! every digest. So a guest runs on a file that nobody can write any more: one that is sealed (memfd_create(2)); one under
//! fs-verity (Documentation/filesystems/fsverity.rst); root's, which nobody may write and nobody has open to write it; or else
//! on a private copy of it, where the file system makes one without reading it (FICLONE, ioctl_ficlonerange(2)). What can be
//! none of these is read into memory before the guest runs.

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Of include/uapi/linux/fs.h.
const FICLONE: libc::Ioctl = 0x4004_9409_u32 as libc::Ioctl;
/// `F_SETSIG` (include/uapi/asm-generic/fcntl.h).
const SETSIG: libc::c_int = 10;
/// Everybody's right to write.
const WRITABLE: u32 = 0o222;

/// A file that stays as it is: the one that was asked about, or a copy that nobody else has.
///
/// # Errors
/// It is none, and cannot be copied: in words.
pub fn steady(path: &Path, file: &File) -> Result<File, String> {
    let cannot = |e: io::Error| e.to_string();
    if is_sealed(file) || is_verity(file).map_err(cannot)? || is_roots(file).map_err(cannot)? {
        return file.try_clone().map_err(cannot);
    }
    copied(path, file).map_err(|e| {
        format!(
            "it can be written while the guest runs (it is not sealed, not under fs-verity, and not a file of root's that nobody may write), and its file system makes no private copy of it ({e})"
        )
    })
}

/// Nobody can write it or make it shorter any more.
fn is_sealed(file: &File) -> bool {
    let wanted = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK;
    // A file that knows no seals has none.
    let seals = fcntl(file, FcntlArg::F_GET_SEALS).unwrap_or(0);
    SealFlag::from_bits_retain(seals).contains(wanted)
}

/// Its file system holds each page against a digest, and takes no writes to it.
fn is_verity(file: &File) -> io::Result<bool> {
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the path is an empty string that ends, the descriptor is open, and the kernel writes no more than the structure.
    let result = unsafe {
        libc::statx(
            file.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            0,
            found.as_mut_ptr(),
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all zeroes are a value of it, and the kernel has written another one over that.
    let found = unsafe { found.assume_init() };
    Ok(found.stx_attributes & libc::STATX_ATTR_VERITY as u64 != 0)
}

/// It is root's, nobody may write it, and nobody has it open to do so: to that somebody may have opened it before.
fn is_roots(file: &File) -> io::Result<bool> {
    let about = file.metadata()?;
    Ok(about.uid() == 0 && about.mode() & WRITABLE == 0 && is_unwritten(file))
}

/// Nobody has it open to write it, or mapped so: else Linux gives no lease to read it (fcntl(2), "Leases").
fn is_unwritten(file: &File) -> bool {
    // Whoever opens it to write in this moment waits for it to be over; we are told of that by a signal that does nothing.
    let asked = lease(file, SETSIG, libc::SIGURG) && lease(file, libc::F_SETLEASE, libc::F_RDLCK);
    if asked {
        let _ = lease(file, libc::F_SETLEASE, libc::F_UNLCK);
    }
    asked
}

fn lease(file: &File, command: libc::c_int, what: libc::c_int) -> bool {
    // SAFETY: plain numbers, of a descriptor that is open; neither F_SETSIG nor F_SETLEASE takes an address.
    unsafe { libc::fcntl(file.as_raw_fd(), command, what) == 0 }
}

/// A file without a name, beside that one, which has the very same blocks.
fn copied(path: &Path, file: &File) -> io::Result<File> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let copy = OpenOptions::new()
        .read(true)
        .write(true)
        .mode(0o600)
        // Nobody gives it a name later.
        .custom_flags(libc::O_TMPFILE | libc::O_EXCL)
        .open(folder)?;
    // SAFETY: both descriptors are open, and the request takes a descriptor and no address.
    let result = unsafe { libc::ioctl(copy.as_raw_fd(), FICLONE, file.as_raw_fd()) };
    match result {
        0 => Ok(copy),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
    use std::{env, fs, process};

    #[test]
    fn a_file_that_is_sealed_stays_as_it_is_and_one_that_is_not_does_not() {
        let file = Memory::unnamed("sealed", 4096).expect("this Linux has them");
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // The folder of that takes no file.
        assert!(steady(Path::new(&path), &file).is_err());
        let half = FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE);
        fcntl(&file, half).expect("nobody maps it");
        assert!(steady(Path::new(&path), &file).is_err());
        let rest = FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK);
        fcntl(&file, rest).expect("it takes it");
        let same = steady(Path::new(&path), &file).expect("it is sealed");
        let inode = |file: &File| file.metadata().expect("it is open").ino();
        assert_eq!(inode(&same), inode(&file));
    }

    /// A copy, where this machine's file system makes one, is another file with the same in it.
    #[test]
    fn a_file_that_its_owner_can_write_is_copied_or_refused() {
        let path = env::temp_dir().join(format!("vmlock-steady-{}", process::id()));
        fs::write(&path, [7; 4096]).expect("the temporary directory takes files");
        let file = File::open(&path).expect("it is there");
        match steady(&path, &file) {
            Err(why) => assert!(why.contains("can be written while"), "{why}"),
            Ok(copy) => {
                fs::write(&path, [8; 4096]).expect("it is there");
                let mut read = [0; 1];
                copy.read_exact_at(&mut read, 0).expect("it is there");
                assert_eq!(read, [7]);
            }
        }
        fs::remove_file(&path).expect("it was made here");
    }

    /// As root alone can make one. Another one has it open to write it, and is seen.
    #[test]
    fn a_file_of_roots_that_nobody_may_write_stays_as_it_is_once_nobody_has_it_open() {
        let path = env::temp_dir().join(format!("vmlock-steady-root-{}", process::id()));
        fs::write(&path, [7; 4096]).expect("the temporary directory takes files");
        let writes = OpenOptions::new().write(true).open(&path);
        let writes = writes.expect("it is there");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("it is ours");
        let file = File::open(&path).expect("it is there");
        let is_root = file.metadata().expect("it is open").uid() == 0;
        assert!(!is_roots(&file).expect("it is open"));
        drop(writes);
        assert_eq!(is_roots(&file).expect("it is open"), is_root);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        assert!(!is_roots(&file).expect("it is open"));
        fs::remove_file(&path).expect("it was made here");
    }
}
