//! What a disk that nobody writes holds, in one word: SHA-256 over its sectors, and over
//! nothing behind them.

use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use vmlock_spec::machine::virtio::SECTOR;

/// Bytes that are read at a time.
const PART: usize = 256 << 10;

/// `sha256-` and 64 hex digits of the first sectors of a file.
///
/// # Errors
/// The system's; also where the file ends before.
pub fn of(file: &File, sectors: u64) -> io::Result<String> {
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
