//! A saved guest as a file, container version 1.
//!
//! Little-endian throughout. A header of 4 KiB, which is written last: without it, nothing was saved. Guest memory at
//! 2 MiB, in chunks of 2 MiB of which the empty ones are holes. Behind it a table of sections, and the sections, one
//! behind the other: the lock as it was checked in, the state as JSON with a fact to a line, and the digest of each
//! chunk. No byte is without a checksum that has to be right, and none stands where the order of things does not put it.
//!
//! `header.rs` and `table.rs` are bytes, `section.rs` says which sections there are, `memory.rs` is the chunks;
//! `write.rs` and `read.rs` put them together; `consistent.rs` is what holds in a file whose checksums are all right;
//! `fuzz.rs` is what the fuzzers call.

mod bytes;
mod consistent;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod header;
mod memory;
mod position;
mod read;
mod refused;
pub mod section;
mod table;
#[cfg(test)]
mod tests;
mod write;

pub use bytes::Field;
pub use header::{HEADER, HEADER_BYTES, Identity, VERSION, is_saved};
pub use memory::{CHUNK_BYTES, Chunk, MEMORY_AT, MEMORY_MAX, Memory};
pub use read::{ReadAt, Saved, open};
pub use refused::{Place, Refused};
pub use table::{Codec, ENTRY, ENTRY_BYTES, Entry};
pub use write::{Contents, Failed, WriteAt, Writer};
