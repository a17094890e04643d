//! Where proofs lie: `/run/vmlock`, a folder that only root can enter, on a file system that a boot begins anew.
//!
//! Whoever can write here decides what is believed, so nothing on the way is taken for granted: no symbolic link is
//! followed, and what is opened is looked at before a byte of it is. `/run` and the folder are root's and nobody else
//! can write there; a proof is a regular file of root's with one name. Root in a namespace is somebody else, and has
//! no proofs.

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{Uid, UnlinkatFlags, unlinkat};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process;

/// The folder, as words have it.
pub const PLACE: &str = "/run/vmlock";
const PARENT: &str = "/run";
const FOLDER: &str = "vmlock";

/// The most proofs that are kept: one for each lock, program, and set of CPUs. More than a host has guests, so that they
/// do not push each other's out; one has some 10 KiB.
const PROOFS_MAX: usize = 1024;
/// The most bytes that one has.
const SIZE_MAX: usize = 256 << 10;

/// The names that [`Store::write`] gives.
const PREFIX: &str = "sha256-";
const TEMPORARY: &str = ".sha256-";

/// The inode of the first user namespace (`USER_NS_INIT_INO`, include/uapi/linux/nsfs.h, 7.3; the same since 3.8).
const FIRST_NAMESPACE: u64 = 0xefff_fffd;

const NOBODY_ELSE_WRITES: u32 = 0o022;

/// The folder, opened.
pub struct Store {
    folder: OwnedFd,
    owner: Uid,
}

impl Store {
    /// Opens the folder, and makes it first where there is none. `None` for those who have no proofs, and on a
    /// system without `/run`.
    ///
    /// # Errors
    /// Why it is not to be believed, in words.
    pub fn open() -> Result<Option<Self>, String> {
        let root = Uid::from_raw(0);
        let namespace = fs::metadata("/proc/self/ns/user");
        let first = namespace.is_ok_and(|namespace| namespace.ino() == FIRST_NAMESPACE);
        if Uid::effective() != root || !first {
            return Ok(None);
        }
        Self::open_in(Path::new(PARENT), root)
    }

    /// The same in another folder than `/run`, and for another owner than root.
    fn open_in(parent: &Path, owner: Uid) -> Result<Option<Self>, String> {
        let folder = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let words = |place: &Path, e: Errno| match e {
            Errno::ELOOP | Errno::ENOTDIR => format!("{} is no folder", place.display()),
            e => format!("{}: {e}", place.display()),
        };
        let above = match nix::fcntl::open(parent, folder, Mode::empty()) {
            Ok(above) => above,
            Err(Errno::ENOENT) => return Ok(None),
            Err(e) => return Err(words(parent, e)),
        };
        owned(&above, owner, NOBODY_ELSE_WRITES)
            .map_err(|e| format!("{}: {e}", parent.display()))?;
        let place = parent.join(FOLDER);
        match mkdirat(&above, FOLDER, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(e) => return Err(words(&place, e)),
        }
        let folder = openat(&above, FOLDER, folder, Mode::empty()).map_err(|e| words(&place, e))?;
        owned(&folder, owner, 0o077).map_err(|e| format!("{}: {e}", place.display()))?;
        Ok(Some(Self { folder, owner }))
    }

    /// What lies there under that name, if anything does.
    ///
    /// # Errors
    /// Why it is not to be believed, in words.
    pub fn read(&self, name: &str) -> Result<Option<String>, String> {
        // Without O_NONBLOCK, a FIFO would be waited for.
        let flags = OFlag::O_RDONLY
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let file = match openat(&self.folder, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ELOOP) => return Err("it is a symbolic link".to_owned()),
            Err(e) => return Err(e.to_string()),
        };
        let stat = owned(&file, self.owner, NOBODY_ELSE_WRITES)?;
        if kind(&stat) != SFlag::S_IFREG {
            return Err("it is no regular file".to_owned());
        }
        if stat.st_nlink != 1 {
            return Err(format!("it has {} names", stat.st_nlink));
        }
        let size = usize::try_from(stat.st_size).unwrap_or(0).min(SIZE_MAX);
        let mut text = String::with_capacity(size + 1);
        File::from(file)
            .take(SIZE_MAX as u64 + 1)
            .read_to_string(&mut text)
            .map_err(|e| e.to_string())?;
        match text.len() <= SIZE_MAX {
            true => Ok(Some(text)),
            false => Err("it is larger than a proof can be".to_owned()),
        }
    }

    /// Puts a file there, whole or not at all, in place of whatever has its name.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        self.make_room()?;
        let temporary = format!(".{name}.{}", process::id());
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let create = || {
            openat(
                &self.folder,
                temporary.as_str(),
                flags,
                Mode::S_IRUSR | Mode::S_IWUSR,
            )
        };
        let file = create().or_else(|e| match e {
            // Of an earlier process of that number.
            Errno::EEXIST => {
                self.remove(&temporary)?;
                create()
            }
            e => Err(e),
        })?;
        let mut file = File::from(file);
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| {
                Ok(renameat(
                    &self.folder,
                    temporary.as_str(),
                    &self.folder,
                    name,
                )?)
            });
        if written.is_err() {
            // The first error is the one to report.
            let _ = self.remove(&temporary);
        }
        written
    }

    /// Takes a file away.
    fn remove(&self, name: &str) -> nix::Result<()> {
        unlinkat(&self.folder, name, UnlinkatFlags::NoRemoveDir)
    }

    /// Takes the oldest files away until there is room for one more.
    fn make_room(&self) -> io::Result<()> {
        let mut files = Vec::new();
        let folder = openat(
            &self.folder,
            ".",
            OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )?;
        for entry in Dir::from_fd(folder)?.iter() {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if !name.starts_with(PREFIX) && !name.starts_with(TEMPORARY) {
                continue;
            }
            match fstatat(&self.folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
                Ok(stat) => files.push((stat.st_mtime, stat.st_mtime_nsec, name.to_owned())),
                // Somebody else made room.
                Err(Errno::ENOENT) => {}
                Err(e) => return Err(e.into()),
            }
        }
        files.sort();
        let surplus = (files.len() + 1).saturating_sub(PROOFS_MAX);
        for (.., name) in files.into_iter().take(surplus) {
            match self.remove(&name) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}

/// Makes sure that something opened belongs to the owner, and that nobody has these permissions.
fn owned(file: impl AsFd, owner: Uid, forbidden: u32) -> Result<FileStat, String> {
    let stat = fstat(file).map_err(|e| e.to_string())?;
    if stat.st_uid != owner.as_raw() {
        return Err(format!("it belongs to user {}", stat.st_uid));
    }
    if stat.st_mode & forbidden != 0 {
        return Err(format!(
            "others may use it (mode {:04o})",
            stat.st_mode & 0o7777
        ));
    }
    Ok(stat)
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::mkfifo;
    use std::env;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    const NAME: &str = "sha256-0";

    /// A folder in place of `/run`, gone with the test.
    struct Run(PathBuf);

    impl Run {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("vmlock-store-{name}-{}", process::id()));
            // Of an earlier process of that number.
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).expect("a folder of the test's own");
            chmod(&path, 0o755);
            Self(path)
        }
        fn store(&self) -> Store {
            self.open()
                .expect("nobody else can write there")
                .expect("it is there")
        }
        fn open(&self) -> Result<Option<Store>, String> {
            Store::open_in(&self.0, Uid::effective())
        }
        fn place(&self) -> PathBuf {
            self.0.join(FOLDER)
        }
        fn proof(&self) -> PathBuf {
            self.place().join(NAME)
        }
        /// Why a store cannot be opened.
        fn refusal(&self) -> String {
            match self.open() {
                Err(words) => words,
                Ok(store) => panic!("{} was opened: {}", self.0.display(), store.is_some()),
            }
        }
    }

    impl Drop for Run {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is the test's own");
    }

    #[test]
    fn what_was_written_is_read_and_nobody_else_gets_in() {
        let run = Run::new("written");
        let store = run.store();
        assert_eq!(store.read(NAME), Ok(None));
        store.write(NAME, "one").expect("there is room");
        store.write(NAME, "two").expect("there is room");
        assert_eq!(run.store().read(NAME), Ok(Some("two".to_owned())));
        let mode = |path: PathBuf| {
            fs::metadata(path)
                .expect("it is there")
                .permissions()
                .mode()
        };
        assert_eq!(mode(run.place()) & 0o7777, 0o700);
        assert_eq!(mode(run.proof()) & 0o7777, 0o600);
        let names = fs::read_dir(run.place()).expect("it is there").count();
        assert_eq!(names, 1, "nothing temporary is left");
    }

    #[test]
    fn what_somebody_else_could_have_made_is_not_believed() {
        let run = Run::new("tampered");
        let store = run.store();
        let refused = |words: &str| {
            let said = store.read(NAME).expect_err("it is not to be believed");
            assert!(said.contains(words), "{said}");
        };
        let elsewhere = run.0.join("elsewhere");
        fs::write(&elsewhere, "text").expect("it is the test's own");
        symlink(&elsewhere, run.proof()).expect("it is the test's own");
        refused("symbolic link");
        store.write(NAME, "text").expect("the link is replaced");
        assert_eq!(store.read(NAME), Ok(Some("text".to_owned())));
        fs::hard_link(run.proof(), run.0.join("other")).expect("it is the test's own");
        refused("2 names");
        store.write(NAME, "text").expect("it is replaced");
        for mode in [0o620, 0o602] {
            chmod(&run.proof(), mode);
            refused("others may use it");
        }
        fs::remove_file(run.proof()).expect("it is the test's own");
        mkfifo(&run.proof(), Mode::S_IRWXU).expect("it is the test's own");
        refused("no regular file");
        fs::remove_file(run.proof()).expect("it is the test's own");
        fs::create_dir(run.proof()).expect("it is the test's own");
        refused("no regular file");
        fs::remove_dir(run.proof()).expect("it is the test's own");
        fs::write(run.proof(), vec![b'x'; SIZE_MAX + 1]).expect("it is the test's own");
        refused("larger");
        fs::write(run.proof(), [0xff]).expect("it is the test's own");
        refused("UTF-8");
        let other = Store {
            owner: Uid::from_raw(Uid::effective().as_raw() + 1),
            ..run.store()
        };
        let said = other.read(NAME).expect_err("it is somebody else's");
        assert!(said.contains("belongs to"), "{said}");
    }

    #[test]
    fn a_folder_that_others_can_use_is_none() {
        let run = Run::new("folder");
        drop(run.store());
        for mode in [0o750, 0o701, 0o770] {
            chmod(&run.place(), mode);
            assert!(run.refusal().contains("others may use it"), "{mode:o}");
        }
        fs::remove_dir(run.place()).expect("it is the test's own");
        let elsewhere = run.0.join("elsewhere");
        fs::create_dir(&elsewhere).expect("it is the test's own");
        chmod(&elsewhere, 0o700);
        symlink(&elsewhere, run.place()).expect("it is the test's own");
        assert!(run.refusal().contains("no folder"));
        fs::remove_file(run.place()).expect("it is the test's own");
        fs::write(run.place(), "").expect("it is the test's own");
        assert!(run.refusal().contains("no folder"));
        fs::remove_file(run.place()).expect("it is the test's own");
        chmod(&run.0, 0o777);
        assert!(run.refusal().contains("others may use it"));
        chmod(&run.0, 0o755);
        let other = Uid::from_raw(Uid::effective().as_raw() + 1);
        let said = Store::open_in(&run.0, other)
            .err()
            .expect("it is somebody else's");
        assert!(said.contains("belongs to"), "{said}");
        let nowhere = Store::open_in(&run.0.join("nowhere"), other);
        assert!(matches!(nowhere, Ok(None)));
    }

    #[test]
    fn the_oldest_proofs_make_room() {
        let run = Run::new("room");
        let store = run.store();
        fs::write(run.place().join("note"), "").expect("it is the test's own");
        let name = |n: usize| format!("sha256-{n:04}");
        for n in 0..PROOFS_MAX {
            let proof = run.place().join(name(n));
            fs::write(&proof, "text").expect("it is the test's own");
            chmod(&proof, 0o600);
        }
        for n in PROOFS_MAX..PROOFS_MAX + 3 {
            store.write(&name(n), "text").expect("there is room");
        }
        let left: Vec<usize> = (0..PROOFS_MAX + 3)
            .filter(|n| store.read(&name(*n)) != Ok(None))
            .collect();
        assert_eq!(left, (3..PROOFS_MAX + 3).collect::<Vec<_>>());
        assert!(
            run.place().join("note").exists(),
            "what is not ours is left"
        );
    }
}
