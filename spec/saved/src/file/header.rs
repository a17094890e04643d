//! The header: 4 KiB that say where all else is, and bind it. It is written last, and it is the file's commit record.

use super::bytes::{Field, are_zero, array, fields};
use super::memory::{CHUNK_BYTES, MEMORY_AT, MEMORY_MAX};
use super::refused::{Place, Refused};
use super::table::ENTRY_BYTES;
use sha2::{Digest, Sha256};
use std::fmt;

/// Length of the header, in bytes.
pub const HEADER_BYTES: usize = 4096;
/// The container's version.
pub const VERSION: u16 = 1;
/// How a file begins: a byte that is no ASCII, a name, and what transfers of text would change.
const MAGIC: [u8; 16] = *b"\x89vmlock-save\r\n\x1a\n";
/// arm64, as ELF numbers it (`EM_AARCH64`).
const ARM64: u16 = 183;
/// Most sections: vCPUs, devices, disks and a few more.
pub(super) const SECTIONS_MAX: u32 = 2048;

/// Where things are, in bytes from the start of the header.
const VERSION_AT: usize = 16;
const ARCH_AT: usize = 18;
pub(super) const SECTIONS_AT: usize = 20;
pub(super) const LENGTH_AT: usize = 24;
const TABLE_AT: usize = 32;
const MEMORY_OFFSET_AT: usize = 40;
pub(super) const MEMORY_BYTES_AT: usize = 48;
pub(super) const IDENTITY_AT: usize = 56;
const RESERVED_AT: usize = 88;
pub(super) const CRC_AT: usize = 4092;

/// What stands in the header, in order.
pub const HEADER: &[Field] = &fields(
    [
        (
            0,
            "`89 76 6d 6c 6f 63 6b 2d 73 61 76 65 0d 0a 1a 0a`: a byte that is no ASCII, `vmlock-save`, what transfers of text would change",
        ),
        (VERSION_AT, "container version: 1"),
        (ARCH_AT, "architecture, as ELF numbers it: 183, arm64"),
        (SECTIONS_AT, "how many sections there are"),
        (LENGTH_AT, "length of the file"),
        (TABLE_AT, "where the table is"),
        (MEMORY_OFFSET_AT, "where guest memory is: 2 MiB"),
        (MEMORY_BYTES_AT, "length of guest memory"),
        (
            IDENTITY_AT,
            "identity: SHA-256 over the header up to its CRC, with the identity itself as zeros, the table and all sections",
        ),
        (RESERVED_AT, "zero"),
        (CRC_AT, "CRC-32 of what stands before it"),
    ],
    HEADER_BYTES,
);

/// SHA-256 over header (with the identity itself as zeros, and without its CRC), table and sections. Guest memory is
/// bound by what the section `memory` says of each chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity(pub [u8; 32]);

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256-")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a file that begins so is meant to be a saved guest.
pub fn is_saved(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}

/// What a header says, but for its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of guest memory.
    pub memory: u64,
    /// How many sections there are.
    pub sections: u32,
    /// Length of the file.
    pub length: u64,
}

impl Header {
    /// Where the table is: right behind the guest's memory.
    pub fn table(&self) -> u64 {
        MEMORY_AT + self.memory
    }

    /// Where the first section is.
    pub fn bodies(&self) -> u64 {
        self.table() + u64::from(self.sections) * ENTRY_BYTES as u64
    }

    /// Where the digest begins that is the identity: table and sections are still to follow.
    pub fn digest(&self) -> Sha256 {
        let mut digest = Sha256::new();
        digest.update(&self.bytes(Identity([0; 32]))[..CRC_AT]);
        digest
    }

    /// The header's bytes.
    pub fn bytes(&self, identity: Identity) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, &MAGIC);
        put(VERSION_AT, &VERSION.to_le_bytes());
        put(ARCH_AT, &ARM64.to_le_bytes());
        put(SECTIONS_AT, &self.sections.to_le_bytes());
        put(LENGTH_AT, &self.length.to_le_bytes());
        put(TABLE_AT, &self.table().to_le_bytes());
        put(MEMORY_OFFSET_AT, &MEMORY_AT.to_le_bytes());
        put(MEMORY_BYTES_AT, &self.memory.to_le_bytes());
        put(IDENTITY_AT, &identity.0);
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// What a header says, and the identity that it promises; `length` is that of the file.
    ///
    /// # Errors
    /// It is no header, of another version, damaged, or says what no file has.
    pub fn parse(bytes: &[u8; HEADER_BYTES], length: u64) -> Result<(Self, Identity), Refused> {
        let wrong = |words: String| Refused::at(Place::Header, words);
        if bytes[..MAGIC.len()] != MAGIC {
            return Err(match are_zero(bytes) {
                true => {
                    wrong("it is empty: whoever saved the guest has not come to the end".into())
                }
                false => Refused::at(Place::File, "it is no saved guest of vmlock"),
            });
        }
        let version = u16::from_le_bytes(array(bytes, VERSION_AT));
        let crc = u32::from_le_bytes(array(bytes, CRC_AT));
        let whole = crc32fast::hash(&bytes[..CRC_AT]) == crc;
        // A newer version may have its checksum elsewhere.
        if version > VERSION {
            return Err(wrong(format!(
                "container version {version} is newer than this program's {VERSION}: use the vmlock that wrote it, or a newer one"
            )));
        }
        if !whole {
            return Err(wrong("its CRC-32 is another: it was damaged".into()));
        }
        if version != VERSION {
            return Err(wrong(format!("container version {version} does not exist")));
        }
        let arch = u16::from_le_bytes(array(bytes, ARCH_AT));
        if arch != ARM64 {
            return Err(wrong(format!(
                "it is of another architecture than arm64: {arch}"
            )));
        }
        let header = Self {
            memory: u64::from_le_bytes(array(bytes, MEMORY_BYTES_AT)),
            sections: u32::from_le_bytes(array(bytes, SECTIONS_AT)),
            length: u64::from_le_bytes(array(bytes, LENGTH_AT)),
        };
        if header.length != length {
            return Err(Refused::at(
                Place::File,
                format!(
                    "it has {length} bytes, and its header says {}",
                    header.length
                ),
            ));
        }
        if header.memory == 0
            || header.memory > MEMORY_MAX
            || !header.memory.is_multiple_of(CHUNK_BYTES)
        {
            return Err(wrong(format!(
                "{} bytes of memory are none, not whole chunks of 2 MiB, or more than a file can hold",
                header.memory
            )));
        }
        if header.sections > SECTIONS_MAX {
            return Err(wrong(format!(
                "{} sections are more than {SECTIONS_MAX}",
                header.sections
            )));
        }
        let places = [
            (TABLE_AT, header.table(), "the table"),
            (MEMORY_OFFSET_AT, MEMORY_AT, "guest memory"),
        ];
        for (at, expected, name) in places {
            let said = u64::from_le_bytes(array(bytes, at));
            if said != expected {
                return Err(wrong(format!(
                    "{name} is said to be at {said}, and can only be at {expected}"
                )));
            }
        }
        if !are_zero(&bytes[RESERVED_AT..CRC_AT]) {
            return Err(wrong("there are bytes in it that mean nothing".into()));
        }
        Ok((header, Identity(array(bytes, IDENTITY_AT))))
    }
}
