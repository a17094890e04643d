//! Guest memory in chunks of 2 MiB, at the same distances in the file as in the guest, whatever the pages of a host:
//! what of it is there, and digests by which each chunk can be told from another.

use super::bytes::{are_zero, array};
use super::refused::{Place, Refused};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Length of a chunk, in bytes.
pub const CHUNK_BYTES: u64 = 2 << 20;
/// Where the guest's memory begins in the file.
pub const MEMORY_AT: u64 = CHUNK_BYTES;
/// Length of what the section `memory` says of a chunk, in bytes: a word that is 1 where there is something, CRC-32,
/// SHA-256.
pub(super) const ENTRY_BYTES: usize = 40;
/// Most guest memory that a file can hold, in bytes.
pub const MEMORY_MAX: u64 = 4 << 40;

/// What a chunk of guest memory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chunk {
    /// All zero, and not in the file.
    #[default]
    Hole,
    /// Something.
    Bytes {
        /// CRC-32 of it.
        crc: u32,
        /// SHA-256 of it.
        sha256: [u8; 32],
    },
}

impl Chunk {
    /// What is said of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        match are_zero(bytes) {
            true => Self::Hole,
            false => Self::Bytes {
                crc: crc32fast::hash(bytes),
                sha256: Sha256::digest(bytes).into(),
            },
        }
    }
}

/// All of a guest's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// How many chunks there are.
    count: u64,
    /// Those in which there is something: what is kept of a memory that is mostly empty is little, however large it is.
    there: BTreeMap<u64, Chunk>,
}

impl Memory {
    /// So many bytes that are all zero.
    pub(super) fn empty(bytes: u64) -> Self {
        Self {
            count: bytes.div_ceil(CHUNK_BYTES),
            there: BTreeMap::new(),
        }
    }

    /// Its length, in bytes.
    pub fn bytes(&self) -> u64 {
        self.count * CHUNK_BYTES
    }

    /// How many chunks it has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What the chunk of that number is, from 0; `None` where there is none.
    pub fn chunk(&self, number: u64) -> Option<Chunk> {
        let there = self.there.get(&number).copied();
        (number < self.count).then(|| there.unwrap_or_default())
    }

    /// The numbers of the chunks in which there is something, in order.
    pub fn there(&self) -> impl ExactSizeIterator<Item = u64> + Clone + '_ {
        self.there.keys().copied()
    }

    /// Notes what a chunk is; says whether there is one of that number.
    pub(super) fn set(&mut self, number: u64, chunk: Chunk) -> bool {
        match chunk {
            _ if number >= self.count => return false,
            Chunk::Hole => self.there.remove(&number),
            chunk => self.there.insert(number, chunk),
        };
        true
    }

    /// Where a chunk is in the file.
    pub fn offset(number: u64) -> u64 {
        MEMORY_AT + number * CHUNK_BYTES
    }

    /// Holds what was read of a chunk against what is said of it: with CRC-32, which finds damage, or with SHA-256 as
    /// well, which finds intent.
    ///
    /// # Errors
    /// It is something else, or there is no such chunk.
    pub fn check(&self, number: u64, bytes: &[u8], against_intent: bool) -> Result<(), Refused> {
        let wrong = |words: &str| Err(Refused::at(Place::Chunk(number), words));
        match self.chunk(number) {
            _ if bytes.len() as u64 != CHUNK_BYTES => wrong("it is not whole"),
            None => wrong("there is none"),
            Some(Chunk::Hole) => match are_zero(bytes) {
                true => Ok(()),
                false => wrong("there is something where nothing was saved"),
            },
            Some(Chunk::Bytes { crc, .. }) if crc32fast::hash(bytes) != crc => {
                wrong("its CRC-32 is another: it was damaged")
            }
            Some(Chunk::Bytes { sha256, .. })
                if against_intent && Sha256::digest(bytes).as_slice() != sha256 =>
            {
                wrong("its SHA-256 is another: it was changed")
            }
            Some(Chunk::Bytes { .. }) => Ok(()),
        }
    }

    /// How long the section is that speaks of so many bytes of memory.
    pub(super) fn section_bytes(bytes: u64) -> u64 {
        bytes.div_ceil(CHUNK_BYTES) * ENTRY_BYTES as u64
    }

    /// The section that speaks of it.
    pub(super) fn write(&self) -> Vec<u8> {
        let bytes = Self::section_bytes(self.bytes());
        let mut out = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
        for (&number, chunk) in &self.there {
            let from = number as usize * ENTRY_BYTES;
            let entry = &mut out[from..from + ENTRY_BYTES];
            if let Chunk::Bytes { crc, sha256 } = chunk {
                entry[..4].copy_from_slice(&1u32.to_le_bytes());
                entry[4..8].copy_from_slice(&crc.to_le_bytes());
                entry[8..].copy_from_slice(sha256);
            }
        }
        out
    }

    /// Begins to read that section, which has so many bytes and has to speak of so many of memory.
    ///
    /// # Errors
    /// In words: it speaks of others.
    pub(super) fn begin(section: u64, bytes: u64) -> Result<Self, String> {
        match section == Self::section_bytes(bytes) {
            true => Ok(Self::empty(bytes)),
            false => Err("it speaks of more or fewer chunks than there are".into()),
        }
    }

    /// Reads more of it: whole entries, from that of this chunk on.
    ///
    /// # Errors
    /// In words, what is wrong.
    pub(super) fn read(&mut self, first: u64, section: &[u8]) -> Result<(), String> {
        for (number, entry) in (first..).zip(section.chunks_exact(ENTRY_BYTES)) {
            let chunk = match u32::from_le_bytes(array(entry, 0)) {
                0 if are_zero(entry) => continue,
                1 => Chunk::Bytes {
                    crc: u32::from_le_bytes(array(entry, 4)),
                    sha256: array(entry, 8),
                },
                _ => {
                    return Err(format!(
                        "what it says of chunk {number} is nothing that there is"
                    ));
                }
            };
            self.there.insert(number, chunk);
        }
        Ok(())
    }
}
