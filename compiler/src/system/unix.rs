//! Linux and macOS.

use super::Stamp;
use rustix::fs::OFlags;
use rustix::process::{Pid, test_kill_process};
use std::borrow::Cow;
use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Which file it is, whatever the path to it: device and inode, or a block device's own number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FileId {
    /// A regular file.
    Regular(u64, u64),
    /// A block device.
    Block(u64),
}

/// Of that file.
///
/// # Errors
/// The system's.
pub fn file_id(file: &File) -> io::Result<FileId> {
    let metadata = file.metadata()?;
    Ok(match metadata.file_type().is_block_device() {
        true => FileId::Block(metadata.rdev()),
        false => FileId::Regular(metadata.dev(), metadata.ino()),
    })
}

/// When the content was written, and when anything of the file was.
pub type Times = [(i64, i64); 2];

/// Of that file.
///
/// # Errors
/// The system's.
pub fn stamp(file: &File) -> io::Result<Stamp> {
    let metadata = file.metadata()?;
    Ok(Stamp {
        file: (metadata.dev(), metadata.ino()),
        times: [
            (metadata.mtime(), metadata.mtime_nsec()),
            (metadata.ctime(), metadata.ctime_nsec()),
        ],
    })
}

/// Opens a file that passes the check, to be read; waits for nobody who would write it.
///
/// # Errors
/// The system's, and what the check says.
pub fn open(path: &Path, check: impl Fn(FileType) -> io::Result<()>) -> io::Result<File> {
    // Looked at first, since opening alone can start something; and once more, since it may have changed.
    check(fs::metadata(path)?.file_type())?;
    let nonblock = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// Whether it may be a disk.
pub fn is_block_device(kind: FileType) -> bool {
    kind.is_block_device()
}

/// What that is which is neither file nor folder.
pub fn kind(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

/// Whether it can be started.
pub fn is_program(file: &Metadata) -> bool {
    file.is_file() && file.permissions().mode() & 0o111 != 0
}

/// Starts a program in this one's place; comes back where it cannot.
pub fn instead(command: &mut Command) -> io::Error {
    command.exec()
}

/// Whether there is a process of that number.
pub fn alive(id: i64) -> bool {
    let number = i32::try_from(id).ok().filter(|number| *number > 0);
    let pid = number.and_then(Pid::from_raw);
    // One that may not be asked is there.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// File systems whose `syncfs` has all of it on their own disk when it comes back (include/uapi/linux/magic.h): ext2 to ext4, XFS,
/// Btrfs, F2FS, and memory, which has none. What FUSE, overlays and networks do then is for others to say.
#[cfg(target_os = "linux")]
const ON_DISK: [u32; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994];
/// The first Linux whose `syncfs` tells of what could not be written (fs/sync.c).
#[cfg(target_os = "linux")]
const TELLS: (u32, u32) = (5, 8);

/// Waits until all that was written to the file system of that file is on its disk.
///
/// # Errors
/// The system's; always where nobody knows that it would be.
#[cfg(target_os = "linux")]
pub fn sync(file: &File) -> io::Result<()> {
    let system = rustix::fs::fstatfs(file)?.f_type;
    let release = rustix::system::uname();
    if !ON_DISK.contains(&(system as u32)) || !tells(release.release().to_bytes()) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(rustix::fs::syncfs(file)?)
}

/// Whether a Linux of that release tells it.
#[cfg(target_os = "linux")]
fn tells(release: &[u8]) -> bool {
    let mut numbers = release
        .split(|byte| !byte.is_ascii_digit())
        .map(|digits| str::from_utf8(digits).ok()?.parse().ok());
    let version = numbers.next().flatten().zip(numbers.next().flatten());
    version.is_some_and(|version: (u32, u32)| version >= TELLS)
}

/// macOS has no such call.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn sync(_: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A path as addresses, git and services of others have it.
pub fn slashes(path: &str) -> Cow<'_, str> {
    Cow::Borrowed(path)
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn a_linux_that_tells_of_no_errors_is_not_asked() {
        for (release, does) in [
            ("5.7.19", false),
            ("5.8.0-1-amd64", true),
            ("4.19.0", false),
            ("5.10.0-28-arm64", true),
            ("7.0-rc1", true),
            ("6", false),
            ("", false),
            ("none", false),
        ] {
            assert_eq!(super::tells(release.as_bytes()), does, "{release}");
        }
    }
}
