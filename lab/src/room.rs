//! Whether what is built and fetched finds room on its disks. Without it a linker dies of a signal half an hour into a run,
//! and says little of disks. This is said before, and no more than that: what is there counts as if it were of today, and how
//! much a file system really takes (it may compress) is its own.

use crate::cache::Cache;
use crate::cross;
use crate::failure::{Result, say};
use nix::sys::statvfs::statvfs;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

const MB: u64 = 1_000_000;

/// Bytes that a command puts into cargo's target folder and into the cache, where nothing is there yet: what `du` says on x86-64
/// after a tour, and, in round figures, of a checkout in which the tests were built and run.
pub struct Needs {
    pub target: u64,
    pub cache: u64,
}

/// What `cargo tour` needs.
pub const TOUR: Needs = Needs {
    target: 1_300 * MB,
    cache: 260 * MB,
};

/// What `cargo verify` needs.
pub const VERIFY: Needs = Needs {
    target: 4_000 * MB,
    cache: 1_200 * MB,
};

/// A folder, and what is wanted of its file system.
struct Folder {
    name: String,
    /// The file system's number: two folders can be on one.
    device: u64,
    /// Bytes that it has to hold in the end, that it holds now, and that its file system has left.
    needs: u64,
    holds: u64,
    free: u64,
}

/// Says where there is no room for what is not there yet. A folder that cannot be looked at is left to whoever writes there.
pub fn warn(cache: &Cache, needs: &Needs) -> Result<()> {
    // Next to what is built for hosts.
    let target = cross::target_dir(&cross::workspace()?);
    let target = target.parent();
    let cached = cache.path("");
    let folders = [
        (target, needs.target),
        (Some(cached.as_path()), needs.cache),
    ];
    let folders = folders.into_iter().filter_map(|(path, needs)| {
        let path = path?;
        // Some file systems do not say how large they are.
        let of = statvfs(path).ok().filter(|of| of.blocks() > 0)?;
        Some(Folder {
            name: path.display().to_string(),
            device: fs::metadata(path).ok()?.dev(),
            needs,
            holds: held(path, &mut BTreeSet::new()),
            free: of.blocks_available() * of.fragment_size(),
        })
    });
    for lack in lacks(&folders.collect::<Vec<_>>()) {
        say(format_args!(
            "{lack}; make room, or name folders elsewhere in CARGO_TARGET_DIR and VMLOCK_CACHE"
        ));
    }
    Ok(())
}

/// What each file system lacks, in words.
fn lacks(folders: &[Folder]) -> Vec<String> {
    let of_one = |one: &Folder| {
        let all = folders.iter().filter(|other| other.device == one.device);
        let missing = |of: &Folder| of.needs.saturating_sub(of.holds);
        let needs: u64 = all.clone().map(missing).sum();
        let names: Vec<&str> = all.map(|folder| folder.name.as_str()).collect();
        (needs > one.free).then(|| {
            format!(
                "there may be no room for what is built and fetched: {} {} MB more, and {} MB are free there",
                match names[..] {
                    [name] => format!("{name} takes"),
                    _ => format!("{} take", names.join(" and ")),
                },
                needs.div_ceil(MB),
                one.free / MB
            )
        })
    };
    let first = |(at, one): (usize, &Folder)| {
        let seen = folders[..at]
            .iter()
            .any(|before| before.device == one.device);
        (!seen).then(|| of_one(one)).flatten()
    };
    folders.iter().enumerate().filter_map(first).collect()
}

/// Bytes on disk of all that is in a folder, each file once.
fn held(folder: &Path, seen: &mut BTreeSet<(u64, u64)>) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match fs::metadata(entry.path()) {
        // Where a loop of links leads comes to its end by itself.
        Ok(of) if !seen.insert((of.dev(), of.ino())) => 0,
        Ok(of) if of.is_dir() => held(&entry.path(), seen),
        Ok(of) => of.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, device: u64, [needs, holds, free]: [u64; 3]) -> Folder {
        Folder {
            name: name.to_owned(),
            device,
            needs: needs * MB,
            holds: holds * MB,
            free: free * MB,
        }
    }

    #[test]
    fn what_is_there_needs_no_more_room() {
        assert!(lacks(&[folder("t", 1, [4000, 3990, 10])]).is_empty());
        assert!(lacks(&[folder("t", 1, [4000, 9000, 0])]).is_empty());
    }

    #[test]
    fn two_folders_of_one_file_system_need_room_together() {
        let both = |device| {
            [
                folder("t", 1, [4000, 1000, 3500]),
                folder("c", device, [1000, 0, 3500]),
            ]
        };
        assert_eq!(
            lacks(&both(1)),
            [
                "there may be no room for what is built and fetched: t and c take 4000 MB more, and 3500 MB are free there"
            ]
        );
        assert!(lacks(&both(2)).is_empty());
    }

    #[test]
    fn files_hold_what_their_blocks_do() {
        let scratch = crate::cache::Scratch::new().unwrap();
        assert_eq!(held(scratch.path(), &mut BTreeSet::new()), 0);
        fs::create_dir(scratch.path().join("inner")).unwrap();
        fs::write(scratch.path().join("inner/file"), [1; 10_000]).unwrap();
        let other = scratch.path().join("inner/other");
        fs::hard_link(scratch.path().join("inner/file"), other).unwrap();
        assert!((10_000..20_000).contains(&held(scratch.path(), &mut BTreeSet::new())));
        assert_eq!(held(Path::new("/nonexistent"), &mut BTreeSet::new()), 0);
    }
}
