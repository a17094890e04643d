//! What goes from host to host: the saved guest and its disks, as files behind disks of the hosts.

use super::needs::Needs;
use crate::cache::{self, Cache, Scratch};
use crate::disk;
use crate::emulate::Outcome;
use crate::failure::{Failure, Result, tell};
use crate::tools;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of a saved guest beside its memory, at most.
const BESIDE: u64 = 64 << 20;

/// The name of the saved guest outside.
const FILE: &str = "guest.save";

/// The files behind the hosts' disks.
pub struct Images {
    /// The saved guest.
    pub guest: PathBuf,
    /// The guest's disks.
    pub disks: Vec<PathBuf>,
    /// Where they are as they were before the host that has them.
    before: PathBuf,
    /// Bytes of the saved guest, at most.
    room: u64,
    /// How many of the disks have a file system.
    formatted: usize,
}

impl Images {
    /// Nobody's guest, and an empty disk for each of the lock's: the guest makes its file system anew. A Debian's first one
    /// is a copy of its root.
    pub fn make(cache: &Cache, scratch: &Scratch, needs: &Needs) -> Result<Self> {
        // Rather missed now than once the guest has gone all its way.
        if !needs.disks.is_empty() {
            tools::ensure(&[("e2fsck", "e2fsprogs")])?;
        }
        let room = needs.memory + BESIDE;
        let (now, before) = (scratch.path().join("now"), scratch.path().join("before"));
        cache::make_dir(&now)?;
        cache::make_dir(&before)?;
        let guest = now.join(FILE);
        size(&guest, room)?;
        let mut disks = Vec::new();
        for (number, (_, bytes)) in needs.disks.iter().enumerate() {
            let image = now.join(format!("disk{number}.img"));
            if needs.debian && number == 0 {
                let root = disk::image(cache)?;
                let all = disk::BYTES;
                if *bytes < all {
                    return Err(Failure::usage(format!(
                        "a Debian's root takes {all} bytes, and the lock's first disk has {bytes}"
                    )));
                }
                disk::copy(&root, &image)?;
            }
            size(&image, *bytes)?;
            disks.push(image);
        }
        Ok(Self {
            guest,
            disks,
            before,
            room,
            formatted: 1 + usize::from(needs.debian),
        })
    }

    fn each(&self, copy: impl Fn(&Path, &Path) -> Result<()>) -> Result<()> {
        let all = std::iter::once(&self.guest).chain(&self.disks);
        all.into_iter().try_for_each(|path| {
            let name = path.file_name().unwrap_or_default();
            copy(path, &self.before.join(name))
        })
    }

    /// Runs a host that has them. An emulated host stops once in some hundred (`step.rs`): then it is booted once more, with
    /// all as it was before. Says whether it was.
    pub fn taken(&self, host: &str, run: impl Fn() -> Result<Outcome>) -> Result<(Outcome, bool)> {
        self.each(disk::copy)?;
        match run() {
            Err(failure) if failure.is_crash() => {
                tell(format_args!("again: {host}: {failure}"))?;
                self.each(|now, before| disk::copy(before, now))?;
                Ok((run()?, true))
            }
            outcome => Ok((outcome?, false)),
        }
    }

    /// Digests of the guest's disks.
    pub fn digests(&self) -> Result<Vec<String>> {
        self.disks.iter().map(|path| cache::digest(path)).collect()
    }

    /// What `vmlock explain` says of the saved guest, which has so many bytes.
    pub fn explain(&self, compiler: &Path, bytes: u64) -> Result<(Value, String)> {
        let path = &self.guest;
        size(path, bytes)?;
        let explained = |format: &str| {
            let mut command = Command::new(compiler);
            command.arg("explain").arg(path).args(["--format", format]);
            match tools::output(&mut command)? {
                (status, words) if status.success() => Ok(words),
                (status, _) => Err(Failure::environment(format!(
                    "`vmlock explain` has no words for the saved guest ({status})"
                ))),
            }
        };
        let object = serde_json::from_slice(&explained("json")?)
            .map_err(|e| Failure::environment(format!("`vmlock explain` says no JSON: {e}")))?;
        let words = String::from_utf8_lossy(&explained("human")?).into_owned();
        size(path, self.room)?;
        Ok((object, words))
    }

    /// Which of the guest's file systems are not as they should be.
    pub fn out_of_order(&self) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        for path in self.disks.iter().take(self.formatted) {
            let mut command = Command::new(tools::find("e2fsck").unwrap_or("e2fsck".into()));
            let (status, words) = tools::output(command.arg("-fn").arg(path))?;
            if !status.success() {
                let (path, words) = (path.display(), String::from_utf8_lossy(&words));
                problems.push(format!(
                    "the guest's file system on {path} is out of order:\n{}",
                    words.trim_end()
                ));
            }
        }
        Ok(problems)
    }
}

/// Makes a file that long. What nobody wrote is zero and takes no room.
fn size(path: &Path, bytes: u64) -> Result<()> {
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    file.and_then(|file| file.set_len(bytes))
        .map_err(|e| Failure::file("size", path, &e))
}
