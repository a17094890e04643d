//! Disks for hosts with an empty file system on them, of the kinds that do what the lab's hosts' own, which is in memory, does not:
//! fs-verity, and copies that share their blocks.

use crate::cache::Cache;
use crate::failure::{Failure, Result};
use crate::packages::{Architecture, Archive, Program};
use crate::programs::{Programs, Wanted};
use crate::tools;
use clap::ValueEnum;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of the disk. What nobody wrote takes no room.
const BYTES: u64 = 256 << 20;

const BTRFS: &str = "/usr/sbin/mkfs.btrfs";
const EXT4: &[tools::Need] = &[("mke2fs", "e2fsprogs")];

/// What is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileSystem {
    /// With fs-verity.
    Ext4,
    /// As it is made.
    Btrfs,
}

impl FileSystem {
    /// The modules of Linux that read and write it, without those that they need.
    pub fn modules(self) -> &'static [&'static str] {
        match self {
            Self::Ext4 => &["ext4"],
            Self::Btrfs => &["btrfs"],
        }
    }

    /// Makes a disk in a folder, under this name.
    pub fn make(self, cache: &Cache, folder: &Path, name: &str) -> Result<PathBuf> {
        let path = folder.join(name);
        let made = File::create_new(&path).and_then(|file| file.set_len(BYTES));
        made.map_err(|e| Failure::file("write", &path, &e))?;
        let mut command = match self {
            Self::Ext4 => {
                tools::ensure(EXT4)?;
                let mut command = Command::new(tools::find("mke2fs").unwrap_or("mke2fs".into()));
                // Its digests are of blocks as large.
                command.args(["-q", "-F", "-b", "4096", "-t", "ext4", "-O", "verity"]);
                command
            }
            Self::Btrfs => {
                let wanted = btrfs()?;
                let programs = Programs::provide(cache, &wanted)?;
                let mut command = programs.start(cache, &wanted, BTRFS).command();
                command.arg("--quiet");
                command
            }
        };
        match tools::output(command.arg(&path))? {
            (status, _) if status.success() => Ok(path),
            (status, said) => Err(Failure::environment(format!(
                "{command:?} makes no file system ({status}): {}",
                String::from_utf8_lossy(&said).trim()
            ))),
        }
    }
}

/// Who makes one of Btrfs: Debian's, whatever this machine has.
fn btrfs() -> Result<Wanted> {
    let architecture = Architecture::native()
        .ok_or_else(|| Failure::environment("mkfs.btrfs is fetched for x86-64 and arm64 alone"))?;
    Ok(Wanted {
        from: Program {
            archive: Archive {
                state: "apt-btrfs",
                architecture,
                suites: &["trixie"],
                security: &["trixie-security"],
                megabytes: 10,
            },
            suite: None,
            package: "btrfs-progs",
            also: &[],
            without: "python3",
        },
        programs: &[BTRFS],
        libraries: &[],
        trees: &[],
        folder: format!("btrfs-trixie-{}", architecture.name),
        words: "Debian 13's mkfs.btrfs with what it needs (10 MB)".to_owned(),
    })
}
