//! Windows.

use super::{Stamp, no_file};
use std::borrow::Cow;
use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::path::Path;
use std::process::{self, Command};
use winapi_util::file;

/// Which file it is, whatever the path to it: volume and index. Where a file system has longer indexes (`ReFS`), two files
/// may have one, and are then taken for the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileId(u64, u64);

/// Of that file.
///
/// # Errors
/// The system's.
pub fn file_id(file: &File) -> io::Result<FileId> {
    let known = file::information(file)?;
    Ok(FileId(known.volume_serial_number(), known.file_index()))
}

/// When it was made, and when its content was written.
pub type Times = [Option<u64>; 2];

/// Of that file.
///
/// # Errors
/// The system's.
pub fn stamp(file: &File) -> io::Result<Stamp> {
    let known = file::information(file)?;
    Ok(Stamp {
        file: (known.volume_serial_number(), known.file_index()),
        times: [known.creation_time(), known.last_write_time()],
    })
}

/// Opens a file that passes the check, to be read. Opening waits for nobody here, and a device has no metadata: it is
/// looked at when it is open.
///
/// # Errors
/// The system's, and what the check says.
pub fn open(path: &Path, check: impl Fn(FileType) -> io::Result<()>) -> io::Result<File> {
    let opened = File::open(path);
    // A folder is opened for nobody who does not say that he wants one.
    let file = match (opened, fs::metadata(path)) {
        (Ok(file), _) => file,
        (Err(error), Ok(metadata)) => {
            check(metadata.file_type())?;
            return Err(error);
        }
        (Err(error), Err(_)) => return Err(error),
    };
    match file::typ(&file)? {
        found if found.is_disk() => {}
        found if found.is_pipe() => return Err(no_file("a pipe")),
        _ => return Err(no_file("a device")),
    }
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// A disk is a regular file here.
pub fn is_block_device(_: FileType) -> bool {
    false
}

/// What that is which is neither file nor folder.
pub fn kind(_: FileType) -> &'static str {
    "a device"
}

/// Whether it can be started. Its name tells, and there is no other mark.
pub fn is_program(file: &Metadata) -> bool {
    file.is_file()
}

/// Runs a program and ends as it ends, since none can take this one's place; comes back where it cannot be started. Ctrl-C
/// reaches both: what it ends is the other's to say.
pub fn instead(command: &mut Command) -> io::Error {
    // Where it cannot be had, both end.
    let _ = ctrlc::set_handler(|| {});
    match command.status() {
        // Windows has no signals: there always is a code.
        Ok(status) => process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// Whether there is a process of that number: as long as nothing else is known. Who ends closes what this program reads,
/// and that ends it, too.
pub fn alive(_: i64) -> bool {
    true
}

/// Nothing here has all that was written to a volume on its disk, but for who may do anything.
///
/// # Errors
/// Always.
pub fn sync(_: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A path as addresses, git and services of others have it: with `/` between names, and without what the system puts before
/// a path that it has followed to its end.
pub fn slashes(path: &str) -> Cow<'_, str> {
    let plain = match path.strip_prefix(r"\\?\UNC\") {
        Some(share) => format!(r"\\{share}"),
        None => path.strip_prefix(r"\\?\").unwrap_or(path).to_owned(),
    };
    Cow::Owned(plain.replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_as_others_have_it() {
        for (path, wanted) in [
            (r"C:\a b\c", "C:/a b/c"),
            (r"\\?\C:\a", "C:/a"),
            (r"\\?\UNC\server\share", "//server/share"),
            (r"a\b/c", "a/b/c"),
        ] {
            assert_eq!(slashes(path), wanted);
        }
    }
}
