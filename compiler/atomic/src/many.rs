//! Many files at once: each as whole as one by itself, and the disk is waited for once for all of them.

use crate::{
    Staged, begin, end, folder_of, in_place, is_no_file, open_folder, replace, sync_folder,
};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io;
use std::path::Path;

/// How many are begun at a time: as many temporary files a killed process may leave behind, and so many are waited for by
/// who ends this one. A process may have twice as many open wherever there is a limit.
const TOGETHER: usize = 128;
/// Up to how many are synced one by one: that takes no longer then, and waits for nobody else's files.
const FEW: usize = 8;

/// Replaces each file as [`replace`] does, and says of each what came of it. They are written beside their places, synced,
/// renamed, and each folder is synced once, so many of them together; when this comes back, all of that is done.
///
/// `sync` has all that was written to the file system of an open file on its disk before it comes back (Linux: `syncfs`, which
/// tells of what could not be written from 5.8 on). Where it fails, or there is none, each file is synced by itself.
///
/// What cannot be done together is tried once more by itself, so that many need no more room, and no more open files, than one.
pub fn replace_all(
    files: &[(&Path, &[u8])],
    sync: impl Fn(&File) -> io::Result<()>,
) -> Vec<io::Result<()>> {
    let groups = files.chunks(TOGETHER);
    groups.flat_map(|group| together(group, &sync)).collect()
}

fn together(
    files: &[(&Path, &[u8])],
    sync: impl Fn(&File) -> io::Result<()>,
) -> Vec<io::Result<()>> {
    let mut done = placed(files, sync);
    for ((path, content), done) in files.iter().zip(&mut done) {
        if done.is_none() {
            *done = Some(replace(path, content));
        }
    }
    done.into_iter().flatten().collect()
}

/// What came of those that are in their place; nothing of the others is left.
fn placed(
    files: &[(&Path, &[u8])],
    sync: impl Fn(&File) -> io::Result<()>,
) -> Vec<Option<io::Result<()>>> {
    let _begun = begin();
    // Folders come first: where a process may have few files open, each that is written here can be flushed as well.
    let mut folders = BTreeMap::new();
    let mut stage = |(path, content): &(&Path, &[u8])| {
        if is_no_file(path) {
            return None;
        }
        let folder = folder_of(&end(path).ok()?);
        if let Entry::Vacant(entry) = folders.entry(folder) {
            let opened = open_folder(entry.key()).ok()?;
            entry.insert((opened, None));
        }
        Staged::write(path, content).ok()
    };
    let mut staged: Vec<Option<Staged>> = files.iter().map(&mut stage).collect();
    let synced = staged.iter().flatten().count() > FEW && synced(&staged, sync);
    for slot in &mut staged {
        let place = |one: Staged| {
            let synced = match synced {
                true => Ok(()),
                false => one.file.sync_all(),
            };
            one.place(synced).ok()
        };
        *slot = slot.take().and_then(place);
    }
    let mut flushed = |one: &Staged| {
        let Some((Some(folder), done)) = folders.get_mut(&one.folder) else {
            return in_place(one.file.sync_all());
        };
        match done.get_or_insert_with(|| sync_folder(folder)) {
            Ok(()) => Ok(()),
            Err(error) => in_place(Err(io::Error::new(error.kind(), error.to_string()))),
        }
    };
    let staged = staged.iter();
    staged.map(|one| one.as_ref().map(&mut flushed)).collect()
}

/// Whether all of them are on their disks, whichever these are.
fn synced(staged: &[Option<Staged>], sync: impl Fn(&File) -> io::Result<()>) -> bool {
    let mut systems = BTreeMap::new();
    for one in staged.iter().flatten() {
        systems.entry(file_system(&one.file)).or_insert(&one.file);
    }
    systems
        .iter()
        .all(|(system, file)| system.is_some() && sync(file).is_ok())
}

/// Which file system it is on.
#[cfg(unix)]
fn file_system(file: &File) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().ok().map(|metadata| metadata.dev())
}

#[cfg(not(unix))]
fn file_system(_: &File) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::fs;
    use std::io::ErrorKind;
    use std::path::PathBuf;
    use std::process;

    const NO_SYNC: fn(&File) -> io::Result<()> = |_| Err(ErrorKind::Unsupported.into());

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("vmlock-many-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    fn numbered(folder: &Path, count: usize) -> Vec<PathBuf> {
        let name = |number| folder.join(format!("f{number}"));
        (0..count).map(name).collect()
    }

    fn new<'a>(paths: &'a [PathBuf]) -> Vec<(&'a Path, &'a [u8])> {
        let new = |path: &'a PathBuf| (path.as_path(), b"new".as_slice());
        paths.iter().map(new).collect()
    }

    /// Each new text is whole beside its place when the disk is waited for, and no name has changed yet.
    #[test]
    fn what_is_renamed_was_synced() {
        let folder = folder("order");
        let paths = numbered(&folder, 2 * TOGETHER + FEW);
        for path in &paths {
            fs::write(path, "old").unwrap();
        }
        let calls = Cell::new(0);
        let done = replace_all(&new(&paths), |_| {
            let before = calls.get() * TOGETHER;
            calls.set(calls.get() + 1);
            for (number, path) in paths.iter().enumerate() {
                let text = fs::read_to_string(path).unwrap();
                assert_eq!(text == "new", number < before, "{number}, {before}");
            }
            let waiting = names(&folder).into_iter().filter(|n| n.starts_with('.'));
            let waiting: Vec<String> = waiting.collect();
            assert_eq!(waiting.len(), TOGETHER);
            for name in waiting {
                assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), "new");
            }
            Ok(())
        });
        // The few that are left are synced one by one.
        assert_eq!(calls.get(), if cfg!(unix) { 2 } else { 0 });
        assert_eq!(done.len(), paths.len());
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        for path in &paths {
            assert_eq!(fs::read_to_string(path).unwrap(), "new");
        }
        assert_eq!(names(&folder).len(), paths.len());
        fs::remove_dir_all(folder).unwrap();
    }

    /// Each that cannot be replaced is told in its place, as by itself, and is what it was; all others are new.
    #[test]
    fn each_is_old_or_new_whatever_becomes_of_the_others() {
        let syncs: [fn(&File) -> io::Result<()>; 2] = [NO_SYNC, |_| Ok(())];
        for (name, sync) in ["one by one", "together"].into_iter().zip(syncs) {
            let folder = folder(name);
            let other = folder.join("other");
            fs::create_dir(&other).unwrap();
            let mut paths = numbered(&folder, 20);
            paths.extend(numbered(&other, 20));
            for path in paths.iter().step_by(2) {
                fs::write(path, "old").unwrap();
            }
            paths[3] = folder.join("none/f");
            fs::create_dir(&paths[7]).unwrap();
            paths[31] = other.join("x".repeat(300));
            let done = replace_all(&new(&paths), sync);
            assert_eq!(done.len(), paths.len());
            for (number, (path, done)) in paths.iter().zip(&done).enumerate() {
                match number {
                    3 | 7 | 31 => {
                        let alone = replace(path, "new").unwrap_err().to_string();
                        assert_eq!(done.as_ref().unwrap_err().to_string(), alone);
                    }
                    _ => {
                        assert!(done.is_ok(), "{number}: {done:?}");
                        assert_eq!(fs::read_to_string(path).unwrap(), "new");
                    }
                }
            }
            assert!(paths[7].is_dir());
            // Without those that could not be; with `other`.
            assert_eq!((names(&folder).len(), names(&other).len()), (20, 19));
            fs::remove_dir_all(folder).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn mode_and_link_stay_and_a_pipe_is_written_to() {
        use std::os::fd::AsRawFd as _;
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = folder("mode");
        let mut paths = numbered(&folder, 20);
        fs::write(&paths[0], "old").unwrap();
        fs::set_permissions(&paths[0], fs::Permissions::from_mode(0o640)).unwrap();
        symlink("far", &paths[1]).unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        paths[2] = PathBuf::from(format!("/proc/self/fd/{}", writer.as_raw_fd()));
        let done = replace_all(&new(&paths), |_| Ok(()));
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        drop(writer);
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "new");
        let mode = fs::metadata(&paths[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(fs::symlink_metadata(&paths[1]).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(folder.join("far")).unwrap(), "new");
        assert_eq!(names(&folder).len(), 20);
        fs::remove_dir_all(folder).unwrap();
    }
}
