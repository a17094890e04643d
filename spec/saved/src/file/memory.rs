//! Guest memory in chunks of 2 MiB, at the same distances in the file as in the guest, whatever the pages of a host:
//! what of it is there, and digests by which each chunk can be told from another.

use super::bytes::{are_zero, array};
use super::refused::{Place, Refused};
use sha2::{Digest, Sha256};

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
    /// Its chunks, in order.
    chunks: Vec<Chunk>,
}

impl Memory {
    /// So many bytes that are all zero.
    pub(super) fn empty(bytes: u64) -> Self {
        let count = bytes.div_ceil(CHUNK_BYTES);
        Self {
            chunks: vec![Chunk::Hole; usize::try_from(count).unwrap_or(usize::MAX)],
        }
    }

    /// Its length, in bytes.
    pub fn bytes(&self) -> u64 {
        self.chunks.len() as u64 * CHUNK_BYTES
    }

    /// What each chunk is, in order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Notes what a chunk is; says whether there is one of that number.
    pub(super) fn set(&mut self, number: u64, chunk: Chunk) -> bool {
        let at = usize::try_from(number).ok();
        let place = at.and_then(|at| self.chunks.get_mut(at));
        place.map(|place| *place = chunk).is_some()
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
        let chunk = usize::try_from(number)
            .ok()
            .and_then(|at| self.chunks.get(at));
        match chunk {
            _ if bytes.len() as u64 != CHUNK_BYTES => wrong("it is not whole"),
            None => wrong("there is none"),
            Some(Chunk::Hole) => match are_zero(bytes) {
                true => Ok(()),
                false => wrong("there is something where nothing was saved"),
            },
            Some(Chunk::Bytes { crc, .. }) if crc32fast::hash(bytes) != *crc => {
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
        let mut out = Vec::with_capacity(self.chunks.len() * ENTRY_BYTES);
        for chunk in &self.chunks {
            let mut entry = [0; ENTRY_BYTES];
            if let Chunk::Bytes { crc, sha256 } = chunk {
                entry[..4].copy_from_slice(&1u32.to_le_bytes());
                entry[4..8].copy_from_slice(&crc.to_le_bytes());
                entry[8..].copy_from_slice(sha256);
            }
            out.extend(entry);
        }
        out
    }

    /// Reads that section, which has to speak of so many bytes.
    ///
    /// # Errors
    /// In words, what is wrong.
    pub(super) fn parse(section: &[u8], bytes: u64) -> Result<Self, String> {
        if section.len() as u64 != Self::section_bytes(bytes) {
            return Err("it speaks of more or fewer chunks than there are".into());
        }
        let mut chunks = Vec::with_capacity(section.len() / ENTRY_BYTES);
        for (number, entry) in section.chunks_exact(ENTRY_BYTES).enumerate() {
            chunks.push(match u32::from_le_bytes(array(entry, 0)) {
                0 if are_zero(entry) => Chunk::Hole,
                1 => Chunk::Bytes {
                    crc: u32::from_le_bytes(array(entry, 4)),
                    sha256: array(entry, 8),
                },
                _ => {
                    return Err(format!(
                        "what it says of chunk {number} is nothing that there is"
                    ));
                }
            });
        }
        Ok(Self { chunks })
    }
}
