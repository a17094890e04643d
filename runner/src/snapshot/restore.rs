//! A saved guest is taken out of its file. What machine it is for, its operator's lock says: the file has to have been
//! saved under the very same one. All of it but memory is held against its digests before the guest runs; its memory
//! while it runs, and then nothing leaves it before ([`check`](super::check)), or before, where its file may change.

use super::laid::Laid;
use super::steady::steady;
use crate::device::bus::Bus;
use crate::device::virtio;
use crate::failure::Failure;
use crate::files;
use crate::memory::Memory;
use crate::say;
use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vmlock_saved::carry::{SAVED, stays};
use vmlock_saved::file::CHUNK_BYTES;
use vmlock_saved::state::{Covers, Disk};
use vmlock_saved::{Saved, open};
use vmlock_spec::plan::Refusal;
use vmlock_spec::reason;

/// What to do about disks that are others.
const UNTOUCHED: &str =
    "put them back as they were when it was saved; neither they nor the saved guest were touched";

/// How often somebody who looks is told how far it is.
const EACH: Duration = Duration::from_millis(500);

/// A saved guest, but for its memory.
pub struct Opened {
    path: PathBuf,
    file: File,
    /// What its file says.
    pub saved: Saved,
}

fn unusable(path: &Path, why: &str, help: &[&str]) -> Failure {
    let words = format!(
        "the saved guest `{}` cannot be restored: {why}",
        path.display()
    );
    Failure::environment(words, help)
}

/// What is to be said of disks that are as they were saved: which of them may have changed all the same, but for those that
/// are `held` to the lock's own digests; and that there is none, where all of them were to be held `whole`.
fn unseen(disks: &[(String, Disk)], held: &dyn Fn(&str) -> bool, whole: bool) -> Option<String> {
    if disks.is_empty() {
        let none = "the guest has no disk: there was none for `--disk-digest` to hold";
        return whole.then(|| none.to_owned());
    }
    let may = |(name, disk): &&(String, Disk)| disk.covers != Covers::All && !held(name);
    let may = disks.iter().filter(may);
    let names: Vec<String> = may.map(|(name, _)| format!("`{name}`")).collect();
    let names = names.join(", ");
    (!names.is_empty()).then(|| format!(
        "of the disks {names}, both ends and the blocks that the guest wrote last are as they were saved; what was changed elsewhere is not seen (`save --disk-digest` has all of it seen)"
    ))
}

impl Opened {
    /// Opens a file whose guest was saved under the lock of that text.
    ///
    /// # Errors
    /// It is none, or of another lock.
    pub fn open(path: &Path, text: &str) -> Result<Self, Failure> {
        let file = files::open(path).map_err(|e| unusable(path, &e.to_string(), &[]))?;
        let mut opened = Self::handed(path, file, text)?;
        // The id itself is new with the machine; the guest hears of it as soon as it listens.
        if let Some(device) = opened.saved.lock.machine.generation_id() {
            opened.saved.state.gic.pulse(device.interrupt);
        }
        Ok(opened)
    }

    /// The same of a guest that is handed over, whose state is in that file: it keeps its generation id.
    ///
    /// # Errors
    /// It is none, or of another lock.
    pub fn handed(path: &Path, file: File, text: &str) -> Result<Self, Failure> {
        let saved = open(&file).map_err(|e| unusable(path, &e.to_string(), &[]))?;
        if saved.lock_text != text {
            let help = [
                "restore it with the lock that it was started with: `vmlock diff` shows what another one says",
            ];
            return Err(unusable(path, "it was saved under another lock", &help));
        }
        let privates = saved.state.gic.redistributors.iter().map(|r| &r.private);
        if let Some(first) = stays(&saved.lock, saved.state.vcpus.iter().zip(privates)).first() {
            let why = format!("vCPU {}: {}", first.vcpu, first.words);
            return Err(unusable(path, &why, &[]));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            saved,
        })
    }

    /// Has the devices of a new machine go on as they were saved.
    ///
    /// # Errors
    /// What they cannot go on with.
    pub fn devices(&self, bus: &mut Bus) -> Result<(), Failure> {
        let state = &self.saved.state;
        let restored = bus.restore(&state.devices, &state.lines);
        restored.map_err(|why| unusable(&self.path, &why, &[]))
    }

    /// Holds the disks against those that the guest had when it was saved, as far as the file has a digest of them, and says
    /// what it cannot see; where they are asked to be held `whole`, it has to be all.
    ///
    /// # Errors
    /// Those that are not the same, as a refusal; that there is no digest of all.
    pub fn disks(&self, opened: &mut [virtio::Opened], whole: bool) -> Result<(), Failure> {
        let sampled = self.saved.disks.iter();
        let sampled = sampled.filter(|(_, disk)| disk.covers != Covers::All);
        let names: Vec<String> = sampled.map(|(name, _)| format!("`{name}`")).collect();
        let names = names.join(", ");
        if whole && !names.is_empty() {
            let why = format!("it has no digest over all of its disks {names}");
            let help = [
                "`vmlock-run save --disk-digest` makes one; without `--disk-digest` here, a part of them is held to what was saved",
            ];
            return Err(unusable(&self.path, &why, &help));
        }
        let progress = say::Progress::of("the disks are held against their digests", false);
        let shown = Cell::new(Instant::now());
        let reached = |disk: &str, bytes: u64| {
            if shown.get().elapsed() > EACH {
                let all = self.saved.disks.iter().find(|(name, _)| name == disk);
                progress.bytes(bytes, all.map_or(bytes, |(_, disk)| disk.size));
                shown.set(Instant::now());
            }
        };
        let compared = virtio::compare(opened, &self.saved.disks, &reached);
        say::no_progress();
        compared.map_err(|why| {
            Failure::Refused(vec![Refusal {
                code: reason::DEVICE,
                name: "disks".to_owned(),
                wanted: "as they were when the guest was saved".to_owned(),
                offered: "something else".to_owned(),
                reason: why,
                from: SAVED.to_owned(),
                help: vec![UNTOUCHED.to_owned()],
            }])
        })?;
        let held = |name: &str| opened.iter().any(|opened| opened.held_by_lock(name));
        if let Some(words) = unseen(&self.saved.disks, &held, whole) {
            say::note(format_args!("{words}"));
        }
        Ok(())
    }

    /// Its file, if that stays what it is while the guest runs on it; else that is said.
    pub fn steady(&self) -> Option<File> {
        match steady(&self.path, &self.file, self.saved.length) {
            Ok(file) => Some(file),
            Err(why) => {
                self.copies(&why);
                None
            }
        }
    }

    /// Lays the guest's memory over that file. Nothing of it is read; what was empty stays so. `None` where the host does not
    /// map it: that is said, and the memory is checked and copied.
    ///
    /// # Errors
    /// The host has no room for it; as [`Opened::load`].
    pub fn lay(&self, memory: &Memory, file: File) -> Result<Option<Laid>, Failure> {
        let laid = Laid::over(&self.saved.memory, memory, file);
        let laid = laid.map_err(|e| {
            let why = format!("its memory cannot be mapped: {e}");
            let help = ["`--verify` copies it"];
            unusable(&self.path, &why, &help)
        })?;
        match laid {
            Ok(laid) => Ok(Some(laid)),
            Err(why) => {
                self.copies(&format!("its memory cannot be mapped: {why}"));
                self.load(memory).map(|()| None)
            }
        }
    }

    /// Says that its guest's memory is checked and copied before it runs, and why.
    fn copies(&self, why: &str) {
        say::note(format_args!(
            "all of the guest's memory is checked and copied before it runs: of `{}`, {why}",
            self.path.display()
        ));
    }

    /// Holds a chunk of the guest's memory, in that file, against its digest.
    ///
    /// # Errors
    /// It is not what was saved, in words.
    pub fn holds(&self, file: &File, number: u64, bytes: &mut Vec<u8>) -> Result<(), String> {
        let held = self.saved.chunk(file, number, bytes, true);
        held.map_err(|why| {
            let from = self.saved.lock.machine.memory.base + number * CHUNK_BYTES;
            format!(
                "the saved guest `{}` cannot be restored: its memory at {from:#x} to {:#x} is not what was saved: {why}",
                self.path.display(),
                from + CHUNK_BYTES - 1
            )
        })
    }

    /// Copies the guest's memory, each chunk held against its digest. What was empty stays so.
    ///
    /// # Errors
    /// It is not what was saved.
    pub fn load(&self, memory: &Memory) -> Result<(), Failure> {
        let bad = |why: &str| unusable(&self.path, why, &[]);
        let mut bytes = Vec::new();
        let progress = say::Progress::of("the saved guest is checked and read", false);
        let (all, mut shown) = (memory.range().size, Instant::now());
        for number in self.saved.memory.there() {
            if shown.elapsed() > EACH {
                progress.bytes(number * CHUNK_BYTES, all);
                shown = Instant::now();
            }
            let read = self.saved.chunk(&self.file, number, &mut bytes, true);
            read.map_err(|e| bad(&e.to_string()))?;
            let address = memory.range().base + number * CHUNK_BYTES;
            memory.write(address, &bytes).map_err(|e| bad(&e))?;
        }
        say::no_progress();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(covers: Covers) -> Disk {
        Disk {
            size: 1 << 30,
            covers,
            digest: String::new(),
        }
    }

    #[test]
    fn only_of_disks_that_nothing_holds_whole_it_is_said_that_they_may_have_changed() {
        let part = || disk(Covers::Blocks(vec![0, 1]));
        let all = ("all".to_owned(), disk(Covers::All));
        let (root, data) = (("root".to_owned(), part()), ("data".to_owned(), part()));
        let held = |name: &str| name == "root";
        let none = |_: &str| false;
        let three = [all.clone(), root.clone(), data];
        let words = unseen(&three, &held, false).expect("one may have");
        assert!(words.contains("of the disks `data`, both"), "{words}");
        let words = unseen(&three, &none, false).expect("two may have");
        assert!(words.contains("disks `root`, `data`, both"), "{words}");
        assert_eq!(unseen(&[all.clone(), root], &held, false), None);
        assert_eq!(unseen(&[all], &none, true), None);
    }

    #[test]
    fn that_there_is_no_disk_is_said_to_who_asked_for_all_of_them() {
        let words = unseen(&[], &|_| false, true).expect("there is none");
        assert!(words.contains("no disk"), "{words}");
        assert_eq!(unseen(&[], &|_| false, false), None);
    }
}
