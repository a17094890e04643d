//! What the fuzzers call: bytes become a file or a section, and what has to hold of whatever is let in, is held. `fuzz/`
//! feeds them; frozen files, seeds and findings run with the tests.

use super::bytes::array;
use super::consistent::{disk, gic, vcpu};
use super::header::{self, HEADER_BYTES, Header};
use super::memory::{CHUNK_BYTES, MEMORY_AT, MEMORY_MAX, Memory};
use super::table::{self, ENTRY_BYTES};
use super::write::{bodies, seal};
use super::{Contents, ReadAt, Saved, open};
use crate::device::{clock, uart, virtio};
use crate::state::{Disk, Gic, Host, Lines, Machine, Vcpu};
use crate::text;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Digest;
use std::io;
use vmlock_spec::lock::canonical;

/// What a fuzzer calls with its bytes.
pub type Target = fn(&[u8]);

/// Every target, with its name.
pub const TARGETS: [(&str, Target); 2] = [("file", file), ("section", section)];

/// A file without the guest's memory, which is zero: its header, and what stands behind the memory.
#[derive(Clone, PartialEq)]
struct Folded {
    header: [u8; HEADER_BYTES],
    rest: Vec<u8>,
}

impl ReadAt for Folded {
    fn length(&self) -> io::Result<u64> {
        Ok(self.table() + self.rest.len() as u64)
    }
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let header = HEADER_BYTES as u64;
        match offset.checked_sub(self.table()) {
            Some(behind) => self.rest.read_at(bytes, behind),
            None if offset < header => self.header.read_at(bytes, offset),
            None => {
                bytes.fill(0);
                Ok(())
            }
        }
    }
}

impl Folded {
    fn new(data: &[u8]) -> Option<Self> {
        let (header, rest) = data.split_first_chunk()?;
        Some(Self {
            header: *header,
            rest: rest.to_vec(),
        })
    }

    /// What the header says of the guest's memory, in bytes; what is more than a file can hold is refused before it is
    /// used.
    fn memory(&self) -> u64 {
        u64::from_le_bytes(array(&self.header, header::MEMORY_BYTES_AT)).min(MEMORY_MAX)
    }

    /// Where the rest begins.
    fn table(&self) -> u64 {
        MEMORY_AT + self.memory()
    }

    /// The same, with the checksums that it has to have; with `places`, each section begins where the one before it
    /// ends, and the last one ends the file. Anybody who writes a file can do as much.
    fn mended(mut self, places: bool) -> Self {
        let sections = u32::from_le_bytes(array(&self.header, header::SECTIONS_AT));
        let count = (sections as usize).min(self.rest.len() / ENTRY_BYTES);
        let begin = self.table() + (count * ENTRY_BYTES) as u64;
        let length = self.table() + self.rest.len() as u64;
        let memory = self.memory();
        let (entries, bodies) = self.rest.split_at_mut(count * ENTRY_BYTES);
        let said = Header {
            memory,
            sections,
            length,
        };
        let (mut left, mut read) = (&*bodies, Vec::new());
        for (number, entry) in entries
            .as_chunks_mut::<ENTRY_BYTES>()
            .0
            .iter_mut()
            .enumerate()
        {
            let long = u64::from_le_bytes(array(entry, table::LENGTH_AT));
            if places {
                let long = match usize::try_from(long) {
                    Ok(long) if number + 1 < count => long.min(left.len()),
                    _ => left.len(),
                };
                let offset = begin + (bodies.len() - left.len()) as u64;
                put(entry, table::OFFSET_AT, &offset.to_le_bytes());
                put(entry, table::LENGTH_AT, &(long as u64).to_le_bytes());
                left = &left[long..];
            }
            let from = u64::from_le_bytes(array(entry, table::OFFSET_AT)).checked_sub(begin);
            let long = u64::from_le_bytes(array(entry, table::LENGTH_AT));
            let range = from.and_then(|from| {
                let end = usize::try_from(from.checked_add(long)?).ok()?;
                bodies.get(usize::try_from(from).ok()?..end)
            });
            let body = range.unwrap_or_default();
            put(entry, table::CRC_AT, &crc32fast::hash(body).to_le_bytes());
            read.extend_from_slice(body);
        }
        let mut digest = said.digest();
        digest.update(&*entries);
        digest.update(&read);
        put(&mut self.header, header::LENGTH_AT, &length.to_le_bytes());
        put(&mut self.header, header::IDENTITY_AT, &digest.finalize());
        let crc = crc32fast::hash(&self.header[..header::CRC_AT]);
        put(&mut self.header, header::CRC_AT, &crc.to_le_bytes());
        self
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// A whole file but for its memory: as it comes, and with checksums that are right. Says what was let in, and how often.
pub fn file(data: &[u8]) {
    let Some(folded) = Folded::new(data) else {
        return;
    };
    let mut all = vec![
        folded.clone(),
        folded.clone().mended(false),
        folded.mended(true),
    ];
    all.dedup();
    for file in all {
        if let Ok(saved) = open(&file) {
            let again = rewritten(&saved);
            let again = open(&again).expect("what was read can be written, and read again");
            assert_eq!(again.state, saved.state);
            assert_eq!(again.disks, saved.disks);
            assert_eq!(again.memory, saved.memory);
            assert_eq!(again.lock_text, saved.lock_text);
        }
    }
}

/// What was read, written anew.
fn rewritten(saved: &Saved) -> Folded {
    let nobody = Host {
        report: None,
        kernel: String::new(),
        writer: String::new(),
    };
    let contents = Contents {
        lock: &saved.lock_text,
        state: &saved.state,
        disks: &saved.disks,
        host: saved.host.as_ref().unwrap_or(&nobody),
    };
    let bodies = bodies(&contents, &saved.memory).expect("what was read can be said");
    let (header, mut rest, _) = seal(&bodies, saved.memory.bytes());
    bodies.iter().for_each(|body| rest.extend(&body.bytes));
    Folded { header, rest }
}

/// One section by itself, as whichever there is.
pub fn section(data: &[u8]) {
    let _ = kinds(data);
}

/// As how many kinds of section it is taken.
fn kinds(data: &[u8]) -> usize {
    let bytes = (data.len() / 40) as u64 * CHUNK_BYTES;
    if let Ok(mut memory) = Memory::begin(data.len() as u64, bytes)
        && memory.read(0, data).is_ok()
    {
        assert_eq!(memory.write(), data);
    }
    let Ok(text) = str::from_utf8(data) else {
        return 0;
    };
    let taken = [
        canonical::parse(text).is_ok(),
        value::<Vcpu>(text).is_some_and(|one| vcpu(&one).is_ok()),
        value::<Gic>(text).is_some_and(|one| gic(&one).is_ok()),
        value::<Disk>(text).is_some_and(|one| disk(&one).is_ok()),
        value::<Machine>(text).is_some(),
        value::<Lines>(text).is_some(),
        value::<Host>(text).is_some(),
        value::<clock::Pl031>(text).is_some(),
        value::<clock::Pl031V2>(text).is_some(),
        value::<uart::Uart<uart::Uart16550>>(text).is_some(),
        value::<uart::Uart<uart::Uart16550V2>>(text).is_some(),
        value::<virtio::Block>(text).is_some(),
        value::<virtio::Net>(text).is_some(),
        value::<virtio::Console>(text).is_some(),
        value::<virtio::Plain>(text).is_some(),
    ];
    taken.into_iter().filter(|is_taken| *is_taken).count()
}

/// What a text says, if it says such a thing: in one spelling alone.
fn value<T: DeserializeOwned + Serialize>(text: &str) -> Option<T> {
    let value = text::read(text).ok()?;
    assert_eq!(text::write(&value).as_deref(), Ok(text));
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn below(folder: &Path, all: &mut Vec<PathBuf>) {
        let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for path in entries.flatten().map(|entry| entry.path()) {
            match path.is_dir() {
                true => below(&path, all),
                false => all.push(path),
            }
        }
    }

    /// Frozen files, and what was found or chosen because it goes deep: each to each target.
    #[test]
    fn all_seeds_and_findings_pass() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = Vec::new();
        below(&here.join("tests/frozen"), &mut all);
        assert!(all.len() > 9, "only {} are frozen", all.len());
        for (name, _) in TARGETS {
            let before = all.len();
            below(&here.join("../../fuzz/seeds").join(name), &mut all);
            assert!(all.len() > before, "{name} has no seeds");
        }
        for path in all {
            let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            TARGETS.iter().for_each(|(_, target)| target(&bytes));
        }
    }

    /// A seed that no kind takes any more leads nowhere.
    #[test]
    fn each_seed_is_a_section() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = Vec::new();
        below(&here.join("tests/frozen/device"), &mut all);
        below(&here.join("../../fuzz/seeds/section"), &mut all);
        assert!(all.len() > 12, "only {} seeds", all.len());
        for path in all {
            let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert!(kinds(&bytes) > 0, "{}", path.display());
        }
    }

    /// A frozen file whose checksums were damaged is let in once they are mended: the fuzzer gets behind them.
    #[test]
    fn the_fuzzer_gets_behind_the_checksums() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen/v1.sections");
        let mut bytes = fs::read(path).expect("it is checked in");
        put(&mut bytes, header::CRC_AT, &[0; 4]);
        put(&mut bytes, HEADER_BYTES + table::CRC_AT, &[0; 4]);
        let folded = Folded::new(&bytes).expect("there is a header");
        open(&folded).expect_err("its checksums are others");
        open(&folded.clone().mended(false)).expect("they are mended");
        put(&mut bytes, HEADER_BYTES + table::OFFSET_AT, &[0; 8]);
        let folded = Folded::new(&bytes).expect("there is a header");
        open(&folded.clone().mended(false)).expect_err("its first section is elsewhere");
        open(&folded.mended(true)).expect("it is where it belongs");
    }
}
