//! The user's files are opened here alone: regular ones, up to what one can be, and block devices that are disks.
//!
//! A pipe may never end, and opening one waits for who writes it; a device may do
//! anything. What a description means must not depend on who feeds it, either.

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Whether a file of that name may be a host's report: JSON that is no lock and no description.
pub fn is_report(name: &str) -> bool {
    let others = [".vm.lock.json", ".vm.json"];
    name.ends_with(".json") && !others.iter().any(|end| name.ends_with(end))
}

/// Bytes of a disk's beginning that tell which format it has.
const HEAD_BYTES: u64 = 16;

/// `sha256-` and 64 hex digits of all that is left to be read.
///
/// # Errors
/// The system's.
pub fn sha256(mut file: impl io::Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    let bytes = hash.finalize();
    Ok(bytes.iter().fold("sha256-".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    }))
}

/// Reads a regular file up to one byte more than `limit`, which is enough for whoever parses it to
/// refuse it.
///
/// # Errors
/// The system's, and what the file is where it is no regular one.
pub fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a regular file.
///
/// # Errors
/// The system's, and what the file is where it is no regular one.
pub fn open(path: &Path) -> io::Result<File> {
    checked(path, regular)
}

/// Which file it is, whatever the path to it: device and inode, or a block device's own number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FileId {
    /// A regular file.
    Regular(u64, u64),
    /// A block device.
    Block(u64),
}

/// A regular file or block device that is a disk.
pub struct Image {
    /// Which one it is.
    pub id: FileId,
    /// Opened, to be read from its beginning.
    pub file: File,
    /// Its length in bytes.
    pub bytes: u64,
    /// How it begins.
    pub head: Vec<u8>,
}

/// Opens a regular file or block device.
///
/// # Errors
/// The system's, and what the file is where it is neither.
pub fn disk(path: &Path) -> io::Result<Image> {
    let mut file = checked(path, |kind| match kind.is_block_device() {
        true => Ok(()),
        false => regular(kind),
    })?;
    let metadata = file.metadata()?;
    let id = match metadata.file_type().is_block_device() {
        true => FileId::Block(metadata.rdev()),
        false => FileId::Regular(metadata.dev(), metadata.ino()),
    };
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    // What metadata says of a block device's length is nothing.
    let bytes = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    Ok(Image {
        id,
        file,
        bytes,
        head,
    })
}

fn checked(path: &Path, check: impl Fn(FileType) -> io::Result<()>) -> io::Result<File> {
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

fn regular(kind: FileType) -> io::Result<()> {
    let what = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(io::Error::new(
        ErrorKind::InvalidInput,
        format!("it is {what}, and only regular files are read"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixListener;

    #[test]
    fn what_is_no_file_is_named() {
        let words = |path: &str| read(Path::new(path), 10).unwrap_err().to_string();
        assert!(words("/").contains("a folder"));
        assert!(words("/dev/zero").contains("a device"));
        let (reader, _writer) = io::pipe().unwrap();
        assert!(words(&format!("/proc/self/fd/{}", reader.as_raw_fd())).contains("a pipe"));
        let socket = std::env::temp_dir().join(format!("vmlock-socket-{}", std::process::id()));
        let listener = UnixListener::bind(&socket).unwrap();
        assert!(words(socket.to_str().unwrap()).contains("a socket"));
        drop(listener);
        fs::remove_file(&socket).unwrap();
    }

    #[test]
    fn no_more_is_read_than_refuses_it() {
        let path = std::env::temp_dir().join(format!("vmlock-long-{}", std::process::id()));
        fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"01234");
        assert_eq!(read(&path, 10).unwrap(), b"0123456789");
        fs::remove_file(&path).unwrap();
    }
}
