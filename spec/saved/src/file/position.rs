//! A file is read by position: the one thing here that each family of systems has a call of its own for.

use std::fs::File;
use std::io;

/// Reads exactly as much as there is room for, as pread(2) does.
#[cfg(unix)]
pub(super) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Reads exactly as much as there is room for. `seek_read` moves the file's own position, which nobody here asks for,
/// and may give less than there is.
#[cfg(windows)]
pub(super) fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !bytes.is_empty() {
        match file.seek_read(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process};

    #[test]
    fn just_what_there_is_room_for_is_read() {
        let path = env::temp_dir().join(format!("vmlock-position-{}", process::id()));
        fs::write(&path, "0123456789").unwrap();
        let file = File::open(&path).unwrap();
        let mut bytes = [0; 4];
        for (offset, expected) in [(6, b"6789"), (0, b"0123"), (3, b"3456")] {
            read_exact_at(&file, &mut bytes, offset).unwrap();
            assert_eq!(&bytes, expected);
        }
        for offset in [7, 10, 1 << 40] {
            let error = read_exact_at(&file, &mut bytes, offset).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{offset}");
        }
        drop(file);
        fs::remove_file(path).unwrap();
    }
}
