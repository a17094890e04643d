//! The user's files are opened here alone: regular ones, up to what one can be, and block devices that are disks.
//!
//! A pipe may never end, and opening one waits for who writes it; a device may do
//! anything. What a description means must not depend on who feeds it, either.

use crate::system;
pub use crate::system::FileId;
use sha2::{Digest as _, Sha256};
use std::fs::{File, FileType};
use std::io::{self, Read as _, Seek as _, SeekFrom};
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
    system::open(path, regular)
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
    let mut file = system::open(path, |kind| match system::is_block_device(kind) {
        true => Ok(()),
        false => regular(kind),
    })?;
    let id = system::file_id(&file)?;
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

fn regular(kind: FileType) -> io::Result<()> {
    match kind {
        _ if kind.is_file() => Ok(()),
        _ if kind.is_dir() => Err(system::no_file("a folder")),
        _ => Err(system::no_file(system::kind(kind))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_named() {
        use std::os::fd::AsRawFd as _;
        use std::os::unix::net::UnixListener;
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

    #[cfg(windows)]
    #[test]
    fn what_is_no_file_is_named() {
        let words = |path: &str| read(Path::new(path), 10).unwrap_err().to_string();
        let folder = std::env::temp_dir();
        assert!(words(folder.to_str().unwrap()).contains("a folder"));
        for name in ["NUL", "nul", r"\\.\NUL"] {
            assert!(words(name).contains("a device"), "{name}: {}", words(name));
        }
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
