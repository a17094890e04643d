//! What goes from one runner to another beside words: descriptors, each by the name that both have it under in their lock.
//! No path of the host's is ever among it.

use super::id::Id;
use crate::failure::Failure;
use crate::{files, unix};
use nix::errno::Errno;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::Refusal;
use vmlock_spec::reason;
use vmlock_spec::vm::Feature;

/// What a guest can be handed over by.
pub struct Hands {
    /// Its memory, by a description that the right to run it does not hang on.
    pub memory: File,
    /// What is behind its disks and cards, by their names.
    pub devices: Vec<(String, File)>,
    /// Its generation id.
    pub generation: Option<Id>,
    /// The digest of its lock.
    pub lock: String,
}

/// What is said of a guest of which nobody here knows whether it runs elsewhere.
pub const UNKNOWN: &str = "the guest rests, and nobody knows here whether it was handed over: look at the other end (`vmlock-run status`); where it rests there, end that one (`vmlock-run stop`), and `vmlock-run claim` lets it go on here; a guest that ran there and has ended is over";

/// The same at an end that gave it to another host.
pub const FAR: &str = "the guest rests, and nobody knows here whether it runs on the other host that it was given to: look at that end (`vmlock-run status`); where it rests there, end that one (`vmlock-run stop`), and `vmlock-run claim --other-end-is-gone` lets it go on here";

/// The same at an end that has it from another host, which nobody can name: the other one may have gone on with the guest,
/// and nothing here would tell that what is here is old.
pub const CAME: &str = "the guest rests, and this end does not know whether it goes on at the other host, where it came from: what is here may be old, so nobody can name this end. Look at that one (`vmlock-run status`), and end this one (`vmlock-run stop`); where the guest rests there, `vmlock-run claim --other-end-is-gone` there lets it go on there";

/// What is said to who claims such a guest at the end that gave it, and does not say that.
pub const WORD: &str = "its other end is on another host, which cannot be seen from here, and a guest that runs twice destroys its disks: where that end has ended (`vmlock-run stop`), and the guest never ran there, say so by `--other-end-is-gone`";

/// What is said of one that ran elsewhere since.
pub const OVER: &str = "it has gone on elsewhere since: that guest is over here (`vmlock-run stop` ends what is left of it)";

impl Hands {
    /// The same to be held later.
    ///
    /// # Errors
    /// There are no descriptors to be had.
    pub fn to_hold(&self, lock: &Lock) -> io::Result<Vec<Held<File>>> {
        let copy = |disk: Held<&File>| {
            let Held {
                name, read_only, ..
            } = disk;
            let file = disk.file.try_clone()?;
            Ok(Held {
                name,
                file,
                read_only,
            })
        };
        self.disks(lock).map(copy).collect()
    }

    /// Its disks, and how each is held against others.
    pub fn disks<'a>(&'a self, lock: &'a Lock) -> impl Iterator<Item = Held<&'a File>> {
        let entry = |name: &str| {
            let device = lock.machine.devices.iter().find(|d| d.name == name)?;
            Some(device.virtio.as_ref()?.block.as_ref()?.read_only)
        };
        self.devices.iter().filter_map(move |(name, file)| {
            let (name, read_only) = (name.clone(), entry(name)?);
            Some(Held {
                name,
                file,
                read_only,
            })
        })
    }
}

/// A disk that is held against other programs, or is to be.
pub struct Held<F> {
    /// Its name in the lock.
    pub name: String,
    /// What is behind it.
    pub file: F,
    /// Others may read it as well.
    pub read_only: bool,
}

/// What tells whether a file was written: of a block device, nothing does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    name: String,
    /// How long it is, and its mtime and ctime, each with nanoseconds (inode(7)).
    file: Option<[i64; 5]>,
}

/// What tells whether somebody writes these disks from now on: those too that the guest only reads, since for a moment
/// nobody holds them.
///
/// # Errors
/// One cannot be looked at.
pub fn stamps<F: AsFd>(disks: &[Held<F>]) -> Result<Vec<Stamp>, String> {
    let stamp = |disk: &Held<F>| {
        let name = disk.name.clone();
        let found = unix::stat(disk.file.as_fd());
        let found = found.map_err(|e| format!("disk `{name}` cannot be looked at: {e}"))?;
        let file = (found.st_mode & libc::S_IFMT == libc::S_IFREG).then_some([
            found.st_size,
            found.st_mtime,
            found.st_mtime_nsec,
            found.st_ctime,
            found.st_ctime_nsec,
        ]);
        Ok(Stamp { name, file })
    };
    disks.iter().map(stamp).collect()
}

/// The same before anything is held: a network file system then says what it knows, which may be old, unless it is told to ask.
///
/// # Errors
/// As [`stamps`].
pub fn stamps_anew<F: AsFd>(disks: &[Held<F>]) -> Result<Vec<Stamp>, String> {
    disks
        .iter()
        .for_each(|disk| unix::look_anew(disk.file.as_fd()));
    stamps(disks)
}

/// Holds these disks, and looks whether anybody has written them since. Whether one of which nothing tells that is taken for
/// the same, `blind` says.
///
/// # Errors
/// Which one, in words.
pub fn hold_same<F: AsFd>(disks: &[Held<F>], since: &[Stamp], blind: bool) -> Result<(), String> {
    hold(disks)?;
    // By now: a lock has NFS look at the server's file again.
    let now = stamps(disks)?;
    if since.len() != now.len() {
        return Err("what its disks were when the guest came to rest is not known".to_owned());
    }
    for (was, is) in since.iter().zip(now) {
        let name = &was.name;
        if *was != is {
            return Err(format!(
                "disk `{name}` was written since the guest came to rest: it ran elsewhere, or somebody else changed it"
            ));
        }
        if was.file.is_none() && !blind {
            return Err(format!(
                "disk `{name}` is a block device, of which nobody can see here whether it was written since the guest came to rest"
            ));
        }
    }
    Ok(())
}

/// Holds all of these disks against others; where one cannot be held, none of them is, whether it was held before or not.
///
/// # Errors
/// Which one cannot be held, and why.
pub fn hold<F: AsFd>(disks: &[Held<F>]) -> Result<(), String> {
    for disk in disks {
        if let Err(errno) = files::hold(&disk.file, disk.read_only) {
            let why = match errno {
                Errno::EAGAIN | Errno::EACCES => "another program has it".to_owned(),
                errno => format!("it cannot be locked: {errno}"),
            };
            // Of those that cannot be let go of here, whoever wants them is told.
            let _ = let_go(disks);
            return Err(format!("disk `{}`: {why}", disk.name));
        }
    }
    Ok(())
}

/// Lets others have these disks.
///
/// # Errors
/// The host's.
pub fn let_go<F: AsFd>(disks: &[Held<F>]) -> Result<(), String> {
    disks.iter().try_for_each(|disk| {
        let left = files::let_go(&disk.file);
        left.map_err(|errno| format!("disk `{}`: {errno}", disk.name))
    })
}

/// What came of one.
pub type Handed = BTreeMap<String, File>;

/// The digest of a lock, by which both ends see that theirs are the same.
pub fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256-{hex}")
}

/// Whether a guest of that lock can have memory that another process has, too.
///
/// # Errors
/// The refusal.
pub fn can_share(lock: &Lock) -> Result<(), Failure> {
    match lock.features.contains(&Feature::Mte) {
        false => Ok(()),
        true => Err(Failure::Refused(vec![Refusal {
            code: reason::MEMORY,
            name: "mte".to_owned(),
            wanted: "memory with tags".to_owned(),
            offered: "memory that is shared".to_owned(),
            reason: "not every kernel keeps the tags of memory that two processes have (`--memory shared`)".to_owned(),
            from: "spec/features".to_owned(),
            help: vec!["leave `--memory shared` out: the guest then cannot be handed over".to_owned()],
        }])),
    }
}

/// Takes the disk of that name out of what came: it has to be the very file of the lock's path, which is looked at and not
/// opened, and open in the same way.
///
/// # Errors
/// Why it is not, in words.
pub fn disk(handed: &mut Handed, name: &str, path: &Path, read_only: bool) -> Result<File, String> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let file = handed.remove(name).ok_or("it was not handed over")?;
    let (came, ours) = (file.metadata(), std::fs::metadata(path));
    let came = came.map_err(|e| format!("it cannot be looked at: {e}"))?;
    let ours = ours.map_err(|e| format!("the lock's own file cannot be looked at: {e}"))?;
    if (came.dev(), came.ino(), came.rdev()) != (ours.dev(), ours.ino(), ours.rdev()) {
        return Err("another file was handed over than is there".to_owned());
    }
    let mode =
        fcntl(&file, FcntlArg::F_GETFL).map_err(|e| format!("it cannot be looked at: {e}"))?;
    let mode = OFlag::from_bits_retain(mode) & (OFlag::O_ACCMODE | OFlag::O_APPEND);
    let wanted = match read_only {
        true => OFlag::O_RDONLY,
        false => OFlag::O_RDWR,
    };
    if mode != wanted {
        return Err("it was handed over open in another way than the lock has it".to_owned());
    }
    if !read_only {
        settle(&file);
    }
    Ok(file)
}

/// The guest rests until its disks are stable: what has gathered is made so while it runs. By a description that nobody else
/// has: the kernel tells each of them once what could not be written (`file_check_and_advance_wb_err`, mm/filemap.c), and the
/// guest is to hear that, by the one that came. So what it says here is left to that one.
fn settle(file: &File) {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    if let Ok(anew) = File::open(path) {
        let _ = anew.sync_data();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, OpenOptions};
    use std::{env, process};

    #[test]
    fn disks_that_were_written_since_a_guest_came_to_rest_are_not_taken_for_the_same() {
        let path = env::temp_dir().join(format!("vmlock-stamps-{}", process::id()));
        fs::write(&path, "a disk").expect("the temporary directory takes files");
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).open(&path).expect("a file")
        };
        let disk = |file, read_only| {
            let name = "root".to_owned();
            [Held {
                name,
                file,
                read_only,
            }]
        };
        let (disks, others) = (disk(open(), false), disk(open(), false));
        let since = stamps(&disks).expect("it is open");
        assert_eq!(stamps_anew(&others).as_ref(), Ok(&since));
        assert!(hold_same(&disks, &since, false).is_ok());
        // It is held from then on.
        let why = hold_same(&others, &since, false).expect_err("it is held");
        assert!(why.contains("another program has it"), "{why}");
        let_go(&disks).expect("it is ours");
        assert!(hold_same(&others, &since, false).is_ok());
        let_go(&others).expect("it is ours");
        // The same bytes again, a moment later.
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&path, "a disk").expect("it is ours");
        let why = hold_same(&disks, &since, true).expect_err("it was written");
        assert!(why.contains("was written since"), "{why}");
        // So is one that the guest only reads.
        let_go(&disks).expect("it is ours");
        let reads = disk(open(), true);
        let since = stamps(&reads).expect("it is open");
        assert!(hold_same(&reads, &since, false).is_ok());
        let_go(&reads).expect("it is ours");
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&path, "a disk").expect("it is ours");
        let why = hold_same(&reads, &since, true).expect_err("it was written");
        assert!(why.contains("was written since"), "{why}");
        let why = hold_same(&reads, &[], true).expect_err("nothing was seen before");
        assert!(why.contains("is not known"), "{why}");
        let_go(&reads).expect("it is ours");
        fs::remove_file(&path).expect("it was made here");
        // Of what is no regular file, nothing tells it.
        let null = disk(File::open("/dev/null").expect("it is there"), true);
        let since = stamps(&null).expect("it is open");
        assert_eq!(since[0].file, None);
        assert!(hold_same(&null, &since, true).is_ok());
        let why = hold_same(&null, &since, false).expect_err("nothing tells");
        assert!(why.contains("is a block device"), "{why}");
    }

    #[test]
    fn a_disk_that_came_is_the_very_file_of_the_lock() {
        let path = env::temp_dir().join(format!("vmlock-hands-{}", process::id()));
        let other = path.with_extension("other");
        fs::write(&path, "a disk").expect("the temporary directory takes files");
        fs::write(&other, "a disk").expect("it does");
        let open = |path: &Path, write| {
            let mut options = OpenOptions::new();
            options.read(true).write(write).open(path).expect("a file")
        };
        let came = |file| Handed::from([("root".to_owned(), file)]);
        let mut good = came(open(&path, true));
        assert!(disk(&mut good, "root", &path, false).is_ok());
        assert!(good.is_empty());
        let why = |mut handed: Handed, name| {
            disk(&mut handed, name, &path, false).expect_err("it is refused")
        };
        assert!(why(came(open(&path, true)), "data").contains("not handed over"));
        assert!(why(came(open(&other, true)), "root").contains("another file"));
        assert!(why(came(open(&path, false)), "root").contains("another way"));
        let mut options = OpenOptions::new();
        let append = options.read(true).append(true).open(&path).expect("a file");
        assert!(why(came(append), "root").contains("another way"));
        fs::remove_file(&other).expect("it was made here");
        fs::remove_file(&path).expect("it was made here");
        assert!(why(Handed::new(), "root").contains("not handed over"));
    }
}
