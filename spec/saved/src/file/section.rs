//! Which sections there are: the one table for writer, reader and documents.
//!
//! A section that is to say more gets a new version, or a new one beside it. Who writes takes the oldest version that
//! says it all, so that an older vmlock reads what it can; who reads knows every version that ever was.

use super::table::Codec;
use crate::shape::{Form, Shaped as _};
use crate::state::{Disk, Gic, Host, Lines, Machine, Vcpu};
use vmlock_spec::lock::canonical;

/// A kind of section.
#[derive(Debug)]
pub struct Kind {
    /// Its name, or with `many` what stands before the dot.
    pub name: &'static str,
    /// Whether there is one for each of something: `vcpu.0`, `device.root`.
    pub many: bool,
    /// The newest version that this program knows. A device's kind has its own.
    pub newest: u16,
    /// Whether who does not know it must not go on.
    pub critical: bool,
    /// How it is to be read.
    pub codec: Codec,
    /// The most bytes of it that are read.
    pub bytes_max: u64,
    /// What it says.
    pub about: &'static str,
    /// How its newest version stands in JSON; a device's kind has its own.
    pub form: Option<Form>,
}

/// Every kind, in the order in which the sections stand.
pub const KINDS: [Kind; 9] = [
    Kind {
        name: "lock",
        many: false,
        newest: 1,
        critical: true,
        codec: Codec::Raw,
        bytes_max: canonical::SIZE_MAX as u64,
        about: "the guest's lock, to the byte as it was checked in",
        form: None,
    },
    Kind {
        name: "machine",
        many: false,
        newest: 1,
        critical: true,
        codec: Codec::Json,
        bytes_max: 4 << 10,
        about: "what there is once: the virtual counter and the wall clock",
        form: Some(Machine::FORM),
    },
    Kind {
        name: "vcpu",
        many: true,
        newest: 1,
        critical: true,
        codec: Codec::Json,
        bytes_max: 1 << 20,
        about: "a vCPU, by its number: its registers by name, whether it is on, a pending SError",
        form: Some(Vcpu::FORM),
    },
    Kind {
        name: "gic",
        many: false,
        newest: 1,
        critical: true,
        codec: Codec::Json,
        bytes_max: 8 << 20,
        about: "the interrupt controller as its guest has set it, and interrupts under way",
        form: Some(Gic::FORM),
    },
    Kind {
        name: "lines",
        many: false,
        newest: 1,
        critical: true,
        codec: Codec::Json,
        bytes_max: 64 << 10,
        about: "the interrupt lines that devices hold up",
        form: Some(Lines::FORM),
    },
    Kind {
        name: "device",
        many: true,
        newest: u16::MAX,
        critical: true,
        codec: Codec::Json,
        bytes_max: 64 << 20,
        about: "a device, by its name in the lock, in the version of its own kind",
        form: None,
    },
    Kind {
        name: "disk",
        many: true,
        newest: 1,
        critical: true,
        codec: Codec::Json,
        bytes_max: 1 << 20,
        about: "a disk's length and a digest, by its name in the lock",
        form: Some(Disk::FORM),
    },
    Kind {
        name: "host",
        many: false,
        newest: 1,
        critical: false,
        codec: Codec::Json,
        bytes_max: 64 << 10,
        about: "the host that it was saved on; nothing is decided by it",
        form: Some(Host::FORM),
    },
    Kind {
        name: "memory",
        many: false,
        newest: 1,
        critical: true,
        codec: Codec::Raw,
        bytes_max: super::memory::MEMORY_MAX / super::CHUNK_BYTES
            * super::memory::ENTRY_BYTES as u64,
        about: "for each 2 MiB of guest memory 40 bytes: 0 for a hole or 1, CRC-32, SHA-256",
        form: None,
    },
];

/// Most bytes of all sections together, but for what is said of memory.
pub(super) const BODIES_MAX: u64 = 256 << 20;
/// Most bytes of a section that this program does not know.
pub(super) const UNKNOWN_MAX: u64 = 16 << 20;

/// The kind of a section, with its place in [`KINDS`] and what stands behind the dot.
pub(super) fn kind(name: &str) -> Option<(usize, &'static Kind, Option<&str>)> {
    let (before, behind) = match name.split_once('.') {
        Some((before, behind)) => (before, Some(behind)),
        None => (name, None),
    };
    let at = KINDS
        .iter()
        .position(|kind| kind.name == before && kind.many == behind.is_some())?;
    Some((at, &KINDS[at], behind))
}
