//! What a new lock keeps of three that git merges: what both branches began with, ours and theirs. One rule for all of
//! it: a side that changed something has its way, and where both did, in two ways, nobody knows.

use crate::compile::Former;
use std::collections::BTreeSet;
use vmlock_spec::lock::{Block, Boot, BootFile, Lock};
use vmlock_spec::resolve::Target;

/// One thing on three sides: in the base, ours and theirs.
pub struct Sides<T> {
    /// What both began with.
    pub base: T,
    /// What the branch has that is merged into.
    pub ours: T,
    /// What the other one has.
    pub theirs: T,
}

impl<T> Sides<T> {
    /// The same of each side.
    pub fn map<U>(&self, of: impl Fn(&T) -> U) -> Sides<U> {
        Sides {
            base: of(&self.base),
            ours: of(&self.ours),
            theirs: of(&self.theirs),
        }
    }

    /// What becomes of it: `None` where both sides changed it, in two ways.
    pub fn merged(self) -> Option<T>
    where
        T: PartialEq,
    {
        let Self { base, ours, theirs } = self;
        match () {
            () if ours == theirs || theirs == base => Some(ours),
            () if ours == base => Some(theirs),
            () => None,
        }
    }
}

/// Why nobody can say what is kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Undecided {
    /// What both sides changed.
    pub what: String,
    /// The file that says it, where it is there; relative to the lock.
    pub file: Option<String>,
}

/// What a lock keeps of three. The base is `None` where both sides added theirs.
///
/// # Errors
/// What both sides changed, in two ways.
pub fn kept(locks: &Sides<Option<&Lock>>) -> Result<Former, Undecided> {
    let target = locks.map(|lock| lock.map(Target::keeping));
    let of = |pick: fn(&Target) -> Option<u32>| {
        let sides = target.map(|target| target.as_ref().map(pick));
        sides.merged().ok_or_else(|| Undecided {
            what: "the lock's version".to_owned(),
            file: None,
        })
    };
    // Of two values one is changed to the other, so both sides cannot disagree.
    let former_schema = target.map(|t| t.as_ref().is_some_and(|t| t.former_schema));
    let pins: Vec<String> = set(&target.map(|target| {
        let pins = target.iter().flat_map(|target| target.pins.clone());
        pins.collect()
    }));
    let boot = |pick: fn(&Boot) -> Option<&BootFile>| {
        let files = locks.map(|lock| lock.and_then(|l| l.boot.as_ref()).and_then(pick).cloned());
        let path = files.ours.as_ref().map(|file| file.path.clone());
        files.merged().ok_or_else(|| Undecided {
            what: "which file is booted".to_owned(),
            file: path,
        })
    };
    let kernel = boot(|boot| Some(&boot.kernel))?;
    let initrd = boot(|boot| boot.initrd.as_ref())?;
    Ok(Former {
        target: Target {
            version: of(|target| target.version)?.flatten(),
            pins,
            former_schema: former_schema.merged().unwrap_or(false),
        },
        boot: kernel.map(|kernel| Boot {
            kernel,
            initrd,
            cmdline: String::new(),
            kaslr_seed: false,
        }),
        disks: disks(&locks.map(|lock| lock.map(blocks).unwrap_or_default()))?,
    })
}

/// The disks of a lock.
pub fn blocks(lock: &Lock) -> Vec<Block> {
    let devices = lock.machine.devices.iter();
    let virtio = devices.filter_map(|device| device.virtio.as_ref());
    virtio.filter_map(|virtio| virtio.block.clone()).collect()
}

/// Path by path, since that is how a disk is found again.
fn disks(sides: &Sides<Vec<Block>>) -> Result<Vec<Block>, Undecided> {
    let all = [&sides.ours, &sides.theirs].into_iter().flatten();
    let paths: BTreeSet<&str> = all.map(|block| block.path.as_str()).collect();
    let mut kept = Vec::new();
    for path in paths {
        let of_path = sides.map(|blocks| {
            let same = blocks.iter().filter(|block| block.path == path);
            same.cloned().collect::<Vec<Block>>()
        });
        kept.extend(of_path.merged().ok_or_else(|| Undecided {
            what: format!("the disk `{path}`"),
            file: Some(path.to_owned()),
        })?);
    }
    Ok(kept)
}

/// What both sides have, and what one of them added: a set merges whatever happened to it.
fn set(sides: &Sides<Vec<String>>) -> Vec<String> {
    let all: BTreeSet<&String> = sides.ours.iter().chain(&sides.theirs).collect();
    let stays = |name: &&String| {
        let has = sides.map(|side| side.contains(name));
        has.merged().unwrap_or(true)
    };
    all.into_iter().filter(stays).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides<T>(base: T, ours: T, theirs: T) -> Sides<T> {
        Sides { base, ours, theirs }
    }

    #[test]
    fn who_changed_it_has_their_way() {
        assert_eq!(sides(1, 1, 2).merged(), Some(2));
        assert_eq!(sides(1, 2, 1).merged(), Some(2));
        assert_eq!(sides(1, 2, 2).merged(), Some(2));
        assert_eq!(sides(1, 2, 3).merged(), None);
    }

    #[test]
    fn sets_always_merge() {
        let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let merged = set(&sides(names("a b c"), names("a c d"), names("a b e")));
        assert_eq!(merged, names("a d e"));
    }

    #[test]
    fn a_disk_that_both_changed_is_nobodys() {
        let block = |sectors| {
            vec![Block {
                path: "root.img".to_owned(),
                sectors,
                read_only: false,
                serial: "root".to_owned(),
                digest: None,
            }]
        };
        assert_eq!(disks(&sides(block(8), block(8), block(16))), Ok(block(16)));
        let undecided = disks(&sides(block(8), block(16), block(24))).unwrap_err();
        assert_eq!(undecided.file.as_deref(), Some("root.img"));
    }
}
