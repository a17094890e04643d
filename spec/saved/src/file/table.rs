//! The table of sections: an entry of 128 bytes for each, in the order in which they stand.

use super::bytes::{Field, are_zero, array, fields};
use super::refused::{Place, Refused};

/// Length of an entry, in bytes.
pub const ENTRY_BYTES: usize = 128;
/// Most bytes of a section's name.
const NAME_BYTES: usize = 96;

const VERSION_AT: usize = 96;
const CRITICAL_AT: usize = 98;
const CODEC_AT: usize = 100;
const RESERVED_AT: usize = 102;
pub(super) const OFFSET_AT: usize = 104;
pub(super) const LENGTH_AT: usize = 112;
pub(super) const CRC_AT: usize = 120;
const END_AT: usize = 124;

/// What stands in an entry, in order.
pub const ENTRY: &[Field] = &fields(
    [
        (0, "name, printable ASCII, filled up with zeros"),
        (VERSION_AT, "version of the section"),
        (
            CRITICAL_AT,
            "1 where who does not know it must not go on, else 0",
        ),
        (
            CODEC_AT,
            "how it is to be read: 1 JSON, 2 as its section says",
        ),
        (RESERVED_AT, "zero"),
        (OFFSET_AT, "where it is in the file"),
        (LENGTH_AT, "its length"),
        (CRC_AT, "CRC-32 of its bytes"),
        (END_AT, "zero"),
    ],
    ENTRY_BYTES,
);

/// How a section's bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// JSON, a fact to a line; 1.
    Json,
    /// As its section says; 2.
    Raw,
}

/// What the table says of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, of printable ASCII.
    pub name: String,
    /// The version of its content.
    pub version: u16,
    /// Whether who does not know it must not go on.
    pub critical: bool,
    /// How it is to be read.
    pub codec: Codec,
    /// Where it is in the file.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
    /// CRC-32 of its bytes.
    pub crc: u32,
}

/// Whether a section can have that name.
pub(super) fn is_name(name: &[u8]) -> bool {
    (1..=NAME_BYTES).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic)
}

impl Entry {
    /// Its bytes; the name has to be one.
    pub(super) fn bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, self.name.as_bytes());
        put(VERSION_AT, &self.version.to_le_bytes());
        put(CRITICAL_AT, &u16::from(self.critical).to_le_bytes());
        let codec: u16 = match self.codec {
            Codec::Json => 1,
            Codec::Raw => 2,
        };
        put(CODEC_AT, &codec.to_le_bytes());
        put(OFFSET_AT, &self.offset.to_le_bytes());
        put(LENGTH_AT, &self.length.to_le_bytes());
        put(CRC_AT, &self.crc.to_le_bytes());
        bytes
    }

    /// Reads the entry of that number, from 0.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn parse(bytes: &[u8; ENTRY_BYTES], number: usize) -> Result<Self, Refused> {
        let wrong = |words: &str| Refused::at(Place::Table, format!("entry {number}: {words}"));
        let end = bytes[..NAME_BYTES].iter().position(|byte| *byte == 0);
        let (name, rest) = bytes[..NAME_BYTES].split_at(end.unwrap_or(NAME_BYTES));
        if !is_name(name) || !are_zero(rest) {
            return Err(wrong("its name is none"));
        }
        let name = String::from_utf8_lossy(name).into_owned();
        let critical = match u16::from_le_bytes(array(bytes, CRITICAL_AT)) {
            0 => false,
            1 => true,
            _ => return Err(wrong("it has flags that there are not")),
        };
        let codec = match u16::from_le_bytes(array(bytes, CODEC_AT)) {
            1 => Codec::Json,
            2 => Codec::Raw,
            _ => return Err(wrong("nobody knows how its section is to be read")),
        };
        if array(bytes, RESERVED_AT) != [0; 2] || array(bytes, END_AT) != [0; 4] {
            return Err(wrong("there are bytes in it that mean nothing"));
        }
        Ok(Self {
            name,
            version: u16::from_le_bytes(array(bytes, VERSION_AT)),
            critical,
            codec,
            offset: u64::from_le_bytes(array(bytes, OFFSET_AT)),
            length: u64::from_le_bytes(array(bytes, LENGTH_AT)),
            crc: u32::from_le_bytes(array(bytes, CRC_AT)),
        })
    }
}
