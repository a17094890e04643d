//! Files are replaced whole or not at all.

mod many;

pub use many::replace_all;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Names that are tried for the temporary file.
const ATTEMPTS: u32 = 100;

/// The number of the next one: threads do not try each other's.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Read by who has a temporary file; written by who wants none.
static BEGUN: RwLock<()> = RwLock::new(());

fn begin() -> RwLockReadGuard<'static, ()> {
    BEGUN.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until each file that other threads have begun is whole and in its place. None is begun while what is returned
/// lives: for who ends the process.
pub fn hold() -> RwLockWriteGuard<'static, ()> {
    BEGUN.write().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a file by way of a temporary one in the same folder: written, flushed
/// to the disk, renamed, and the folder flushed too. A crash at any moment leaves
/// the old file or the new one. The mode of an existing file is kept, and a
/// symbolic link stays one, also where nothing is at its end yet. What is no file (`/dev/stdout`) is written to.
/// On Windows, what is marked as read-only is left alone; rights are those of the folder there, and of it nothing is synced.
///
/// A folder that may be written to and not read (mode 0333) cannot be flushed by
/// itself: the file is, once more, under its new name, which is all that is left.
///
/// # Errors
/// The system's; the temporary file is then gone and the old one untouched. Where
/// the last flush alone failed, the words say that the new file is in place.
pub fn replace(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let content = content.as_ref();
    if is_no_file(path) {
        return OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(content);
    }
    let _begun = begin();
    let staged = Staged::write(path, content)?;
    let synced = staged.file.sync_all();
    let Staged { folder, file, .. } = staged.place(synced)?;
    flush(&folder, &file)
}

/// Whether there is what has no text of its own: a device, a pipe.
fn is_no_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// A whole text beside the file that it is to replace; who has one has begun.
struct Staged {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    folder: PathBuf,
}

impl Staged {
    /// Writes it, with the mode of the file that is there.
    fn write(path: &Path, content: &[u8]) -> io::Result<Self> {
        let target = end(path)?;
        let folder = folder_of(&target);
        let (mut file, temporary) = temporary(&folder)?;
        let written = match fs::metadata(&target) {
            Ok(existing) => take_mode(&file, &existing),
            Err(_) => Ok(()),
        };
        let written = written.and_then(|()| file.write_all(content));
        let staged = Self {
            file,
            temporary,
            target,
            folder,
        };
        staged.or_gone(written)
    }

    /// Puts it where it belongs, if it is on the disk.
    fn place(self, synced: io::Result<()>) -> io::Result<Self> {
        let placed = synced.and_then(|()| fs::rename(&self.temporary, &self.target));
        self.or_gone(placed)
    }

    fn or_gone(self, done: io::Result<()>) -> io::Result<Self> {
        match done {
            Ok(()) => Ok(self),
            Err(error) => {
                // The first error is the one to report.
                let _ = fs::remove_file(&self.temporary);
                Err(error)
            }
        }
    }
}

/// Writes a file that is not there yet, by way of a temporary one as [`replace`] does: it appears whole, or not at all,
/// and nobody's file of that name is touched, not even one that appears meanwhile.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] where something has that name, be it a link to nothing; or the system's.
pub fn create(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let folder = folder_of(path);
    let _begun = begin();
    let (mut file, temporary) = temporary(&folder)?;
    let written = file
        .write_all(content.as_ref())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&temporary, path));
    let removed = fs::remove_file(&temporary);
    // The first error is the one to report.
    written.and(removed)?;
    flush(&folder, &file)
}

/// Flushes a folder after a file in it got its name.
fn flush(folder: &Path, file: &File) -> io::Result<()> {
    in_place(flush_folder(folder).unwrap_or_else(|| file.sync_all()))
}

/// `None` where the folder may not be read.
fn flush_folder(folder: &Path) -> Option<io::Result<()>> {
    open_folder(folder)
        .and_then(|folder| folder.as_ref().map(sync_folder).transpose())
        .transpose()
}

/// A folder, to be flushed; `None` where it may not be read.
fn open_folder(folder: &Path) -> io::Result<Option<File>> {
    match File::open(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
        opened => opened.map(Some),
    }
}

fn sync_folder(folder: &File) -> io::Result<()> {
    let flushed = folder.sync_all();
    // Some file systems have no such call for a folder.
    let none = |error: &io::Error| {
        matches!(
            error.kind(),
            ErrorKind::InvalidInput | ErrorKind::Unsupported
        )
    };
    match flushed {
        Err(error) if none(&error) => Ok(()),
        flushed => flushed,
    }
}

/// What it means that a flush failed after the file got its name.
fn in_place(flushed: io::Result<()>) -> io::Result<()> {
    flushed.map_err(|error| {
        let words = format!("it is in place, but may not outlast a crash: {error}");
        io::Error::new(error.kind(), words)
    })
}

/// Where the links that begin at that path lead, whether something is there or not.
fn end(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    loop {
        // Of links in a circle the system says so.
        match fs::canonicalize(&target) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            known => return known,
        }
        let Ok(next) = fs::read_link(&target) else {
            return match target == path || folder_of(&target).is_dir() {
                true => Ok(target),
                false => Err(io::Error::new(
                    ErrorKind::NotFound,
                    format!(
                        "it is a link to `{}`, in a folder that is not there",
                        target.display()
                    ),
                )),
            };
        };
        target = folder_of(&target).join(next);
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A new file in that folder. One that is there belongs to somebody else: to a process that was
/// killed, or that has the same number in another container.
fn temporary(folder: &Path) -> io::Result<(File, PathBuf)> {
    let mut failed = ErrorKind::AlreadyExists.into();
    for _ in 0..ATTEMPTS {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".vmlock-{}-{number}.tmp", process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) => failed = error,
        }
        if failed.kind() != ErrorKind::AlreadyExists {
            break;
        }
    }
    Err(failed)
}

#[cfg(unix)]
fn take_mode(file: &File, existing: &Metadata) -> io::Result<()> {
    file.set_permissions(existing.permissions())
}

/// Of a mode Windows has one bit, which there is about the file, and not about who writes: what has it is not replaced. A
/// temporary file that has it could not be removed.
#[cfg(windows)]
fn take_mode(_: &File, existing: &Metadata) -> io::Result<()> {
    match existing.permissions().readonly() {
        true => Err(io::Error::new(
            ErrorKind::PermissionDenied,
            "it is marked as read-only; `attrib -r` takes the mark away",
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use std::os::unix::fs::symlink;
    use std::thread;
    use std::time::Duration;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("vmlock-atomic-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// As with `>` of a shell: what is written is found where the links lead.
    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_yet_is_written_through() {
        let folder = folder("nothing");
        fs::create_dir_all(folder.join("far")).unwrap();
        let (first, second) = (folder.join("first"), folder.join("second"));
        symlink("second", &first).unwrap();
        symlink("far/real", &second).unwrap();
        replace(&first, "new").unwrap();
        assert_eq!(fs::read_to_string(folder.join("far/real")).unwrap(), "new");
        for link in [&first, &second] {
            assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        }
        let (lost, circle) = (folder.join("lost"), folder.join("circle"));
        symlink("nowhere/real", &lost).unwrap();
        symlink("circle", &circle).unwrap();
        let words = replace(&lost, "new").unwrap_err().to_string();
        assert!(
            words.contains("nowhere/real") && words.contains("folder that is not there"),
            "{words}"
        );
        assert!(replace(&circle, "new").is_err());
        for link in [&lost, &circle] {
            assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_there_is_never_written_over() {
        let folder = folder("create");
        let file = folder.join("file");
        create(&file, "first").unwrap();
        let error = create(&file, "second").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "first");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nor_is_a_link_to_nothing() {
        let folder = folder("create-link");
        let link = folder.join("link");
        symlink("nowhere", &link).unwrap();
        let error = create(&link, "second").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(!folder.join("nowhere").exists());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    /// Whoever has it open reads what it was. On Windows it is the file system that lets that be, or not.
    #[test]
    fn a_file_is_replaced_though_somebody_reads_it_or_stays() {
        let folder = folder("replace");
        let file = folder.join("file");
        fs::write(&file, "old").unwrap();
        let open = File::open(&file).unwrap();
        let replaced = replace(&file, "new");
        if cfg!(unix) || replaced.is_ok() {
            replaced.unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        }
        assert_eq!(io::read_to_string(open).unwrap(), "old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        replace(&file, "newer").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "newer");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(windows)]
    #[test]
    fn what_is_marked_as_read_only_is_left_alone() {
        let folder = folder("read-only");
        let file = folder.join("file");
        fs::write(&file, "old").unwrap();
        let mark = |readonly| {
            let mut permissions = fs::metadata(&file).unwrap().permissions();
            permissions.set_readonly(readonly);
            fs::set_permissions(&file, permissions).unwrap();
        };
        mark(true);
        let error = replace(&file, "new").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("attrib -r"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        mark(false);
        replace(&file, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn mode_and_link_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder("mode");
        let (real, link) = (folder.join("real"), folder.join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::metadata(&real).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_a_killed_process_left_behind_is_in_nobodys_way() {
        let folder = folder("left");
        let first = NEXT.load(Ordering::Relaxed);
        let name = |number| folder.join(format!(".vmlock-{}-{number}.tmp", process::id()));
        // Other tests take some meanwhile.
        let left: Vec<PathBuf> = (first..first + ATTEMPTS / 2).map(name).collect();
        left.iter()
            .for_each(|left| fs::write(left, "half").unwrap());
        // As long as a name can be.
        let path = folder.join("x".repeat(255));
        replace(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        for left in &left {
            assert_eq!(fs::read_to_string(left).unwrap(), "half");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), left.len() + 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn nothing_is_begun_while_somebody_holds() {
        let folder = folder("hold");
        let (file, other) = (folder.join("file"), folder.join("other"));
        let held = hold();
        let writer = {
            let (file, other) = (file.clone(), other.clone());
            thread::spawn(move || replace(&file, "new").and_then(|()| create(&other, "new")))
        };
        thread::sleep(Duration::from_millis(50));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        drop(held);
        writer.join().unwrap().unwrap();
        for path in [file, other] {
            assert_eq!(fs::read_to_string(path).unwrap(), "new");
        }
        // Who has begun is waited for.
        let begun = begin();
        let holder = thread::spawn(|| drop(hold()));
        thread::sleep(Duration::from_millis(50));
        assert!(!holder.is_finished());
        drop(begun);
        holder.join().unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_to() {
        use std::os::fd::AsRawFd as _;
        let (mut reader, writer) = io::pipe().unwrap();
        let name = format!("/proc/self/fd/{}", writer.as_raw_fd());
        replace(Path::new(&name), "x").unwrap();
        drop(writer);
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "x");
    }

    #[test]
    fn failure_leaves_nothing() {
        let folder = folder("fail");
        assert!(replace(&folder.join("no/such/file"), "x").is_err());
        // The target is a folder: renaming onto it fails after writing.
        fs::create_dir(folder.join("taken")).unwrap();
        assert!(replace(&folder.join("taken"), "x").is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
