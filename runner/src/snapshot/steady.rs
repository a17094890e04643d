//! Whether a saved guest's file stays what it is while a guest runs on it.
//!
//! Pages that the guest has not written are the file's own. Who could write that file would write the guest's memory, past
//! every digest. So a guest runs on a file that nobody can write any more: one that is sealed (memfd_create(2)); one under
//! fs-verity (Documentation/filesystems/fsverity.rst); root's, which nobody may write and nobody has open to write it; or else
//! on a private copy of it, where the file system makes one without reading it (FICLONE, ioctl_ficlonerange(2)). What can be
//! none of these is read into memory before the guest runs.
//!
//! Whose a file is and what is in it, a file system says. One that has that from elsewhere (a network, FUSE) may say another
//! thing the next time, and a lease is of this host alone; so those count for nothing here.

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::statfs::{FsType, fstatfs};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
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
/// File systems whose files this kernel alone writes (include/uapi/linux/magic.h): ext2 to ext4, XFS, Btrfs, F2FS, tmpfs,
/// ramfs, SquashFS, EROFS.
const LOCAL: [FsType; 8] = [
    FsType(0xef53),
    FsType(0x5846_5342),
    FsType(0x9123_683e),
    FsType(0xf2f5_2010),
    FsType(0x0102_1994),
    FsType(0x8584_58f6),
    FsType(0x7371_7368),
    FsType(0xe0f5_e1e2),
];
/// Whose user 0 is this host's: all of a process's users are themselves (user_namespaces(7)).
const ALL_USERS: [&str; 3] = ["0", "0", "4294967295"];

/// A file that stays as it is and has so many bytes: the one that was asked about, or a copy that nobody else has.
///
/// # Errors
/// It is none, and cannot be copied: in words.
pub fn steady(path: &Path, file: &File, length: u64) -> Result<File, String> {
    let cannot = |e: io::Error| e.to_string();
    let is_local = is_local(file).map_err(cannot)?;
    let same = is_sealed(file) || is_local && is_verity(file).map_err(cannot)?;
    let why = match (same, is_local) {
        (true, _) => None,
        (false, true) => not_roots(file).map_err(cannot)?,
        (false, false) => Some("its file system may have it from elsewhere".to_owned()),
    };
    let steady = match why {
        None => file.try_clone().map_err(cannot)?,
        Some(why) => copied(path, file).map_err(|e| {
            format!(
                "it may change while the guest runs (it is not sealed, not under fs-verity, and {why}), and its file system makes no private copy of it ({e})"
            )
        })?,
    };
    // What lies behind its end cannot be touched.
    match steady.metadata().map_err(cannot)?.len() {
        found if found == length => Ok(steady),
        found => Err(format!("it has {found} bytes by now, and had {length}")),
    }
}

/// Its file system has it from nowhere else.
fn is_local(file: &File) -> io::Result<bool> {
    Ok(LOCAL.contains(&fstatfs(file)?.filesystem_type()))
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

/// It is root's, nobody may write it, and nobody has it open to do so, to whom it may have been open before; or why that is not
/// so, or not known.
fn not_roots(file: &File) -> io::Result<Option<String>> {
    let about = file.metadata()?;
    if about.uid() != 0 || about.mode() & WRITABLE != 0 {
        return Ok(Some(
            "not a file of root's that nobody may write".to_owned(),
        ));
    }
    // Without it, nobody knows.
    let users = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    if !are_all(&users) {
        return Ok(Some(
            "in a user namespace nobody knows whose root's files are".to_owned(),
        ));
    }
    let error = match unwritten(file) {
        Ok(()) => return Ok(None),
        Err(error) => error,
    };
    Ok(Some(match error.kind() {
        ErrorKind::WouldBlock => "somebody has it open to write it".to_owned(),
        // CAP_LEASE.
        ErrorKind::PermissionDenied => {
            "whether somebody has it open to write it, Linux tells root alone".to_owned()
        }
        _ => format!("whether somebody has it open to write it is not known: {error}"),
    }))
}

/// Whether a map of users has all of them as themselves.
fn are_all(map: &str) -> bool {
    map.split_ascii_whitespace().eq(ALL_USERS)
}

/// Nobody has it open to write it, or mapped so: else Linux gives no lease to read it (fcntl(2), "Leases").
fn unwritten(file: &File) -> io::Result<()> {
    // Whoever opens it to write in this moment waits for it to be over; we are told of that by a signal that does nothing.
    lease(file, SETSIG, libc::SIGURG)?;
    lease(file, libc::F_SETLEASE, libc::F_RDLCK)?;
    let _ = lease(file, libc::F_SETLEASE, libc::F_UNLCK);
    Ok(())
}

fn lease(file: &File, command: libc::c_int, what: libc::c_int) -> io::Result<()> {
    // SAFETY: plain numbers, of a descriptor that is open; neither F_SETSIG nor F_SETLEASE takes an address.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, what) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A file without a name, beside that one, which has the very same blocks. Nobody can write it, nor can this process.
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
    if !is_local(&copy)? {
        return Err(io::Error::other("it may have its files from elsewhere"));
    }
    // SAFETY: both descriptors are open, and the request takes a descriptor and no address.
    let result = unsafe { libc::ioctl(copy.as_raw_fd(), FICLONE, file.as_raw_fd()) };
    match result {
        0 => File::open(format!("/proc/self/fd/{}", copy.as_raw_fd())),
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
        assert!(steady(Path::new(&path), &file, 4096).is_err());
        let half = FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE);
        fcntl(&file, half).expect("nobody maps it");
        assert!(steady(Path::new(&path), &file, 4096).is_err());
        let rest = FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK);
        fcntl(&file, rest).expect("it takes it");
        let same = steady(Path::new(&path), &file, 4096).expect("it is sealed");
        let inode = |file: &File| file.metadata().expect("it is open").ino();
        assert_eq!(inode(&same), inode(&file));
        let why = steady(Path::new(&path), &file, 8192).expect_err("it is shorter");
        assert_eq!(why, "it has 4096 bytes by now, and had 8192");
    }

    /// A copy, where this machine's file system makes one, is another file with the same in it.
    #[test]
    fn a_file_that_its_owner_can_write_is_copied_or_refused() {
        let path = env::temp_dir().join(format!("vmlock-steady-{}", process::id()));
        fs::write(&path, [7; 4096]).expect("the temporary directory takes files");
        let file = File::open(&path).expect("it is there");
        match steady(&path, &file, 4096) {
            Err(why) => assert!(why.contains("may change while"), "{why}"),
            Ok(copy) => {
                fs::write(&path, [8; 4096]).expect("it is there");
                let mut read = [0; 1];
                copy.read_exact_at(&mut read, 0).expect("it is there");
                assert_eq!(read, [7]);
                assert!(copy.write_at(&[8], 0).is_err());
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
        let users = fs::read_to_string("/proc/self/uid_map").expect("this Linux has it");
        let is_root = file.metadata().expect("it is open").uid() == 0;
        let why = || not_roots(&file).expect("it is open").unwrap_or_default();
        let (opened, alone) = match (is_root, are_all(&users)) {
            (true, true) => ("somebody has it open to write it", ""),
            (true, false) => ["in a user namespace nobody knows whose root's files are"; 2].into(),
            (false, _) => ["not a file of root's that nobody may write"; 2].into(),
        };
        assert_eq!(why(), opened);
        drop(writes);
        assert_eq!(why(), alone);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        assert_eq!(why(), "not a file of root's that nobody may write");
        fs::remove_file(&path).expect("it was made here");
    }

    /// Root in there is any user out here.
    #[test]
    fn a_user_namespaces_root_is_not_the_hosts() {
        for (map, are) in [
            ("         0          0 4294967295\n", true),
            ("         0       1000          1\n", false),
            ("0 1000 1\n1 100000 65536\n", false),
            ("0 0 1\n", false),
            ("0 0 4294967295\n0 0 4294967295\n", false),
            ("", false),
        ] {
            assert_eq!(are_all(map), are, "{map:?}");
        }
    }

    /// A file of /proc is this kernel's, and has other contents each time.
    #[test]
    fn a_file_system_that_makes_its_files_up_is_not_believed() {
        let file = File::open("/proc/version").expect("this Linux has it");
        assert!(!is_local(&file).expect("it is open"));
        let memory = Memory::unnamed("local", 4096).expect("this Linux has them");
        assert!(is_local(&memory).expect("it is open"));
        let why = steady(Path::new("/proc/version"), &file, 0).expect_err("it may change");
        assert!(why.contains("may have it from elsewhere"), "{why}");
    }
}
