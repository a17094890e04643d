//! The state of a machine that is at rest: all that is this guest's own, but for its memory and what its devices are.
//!
//! Plain values, apart from those that run. Nothing that the lock decides stands here: identification registers,
//! firmware's versions, vector lengths, addresses of frames. What a register is called is what the catalogue calls it,
//! so that a state says the same on every kernel. Each type is the shape of its section, in version 1; a new thing that
//! has to be saved makes a new version or a section of its own, and is never a field that may be absent.

mod gic;
mod vcpu;

pub use gic::{Gic, INTERFACE, Interrupts, Redistributor, Shared};
pub use vcpu::{Power, Registers, Serror, Vcpu, is_state};

use crate::device::Device;
use crate::hex::Hex64;
use serde::{Deserialize, Serialize};

/// A machine at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// What there is once.
    pub machine: Machine,
    /// Its vCPUs, in the lock's order.
    pub vcpus: Vec<Vcpu>,
    /// Its interrupt controller.
    pub gic: Gic,
    /// The lines of its devices' interrupts.
    pub lines: Lines,
    /// Its devices, in the lock's order.
    pub devices: Vec<Device>,
}

crate::shape! {
    /// What there is once in a machine.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Machine {
        /// CNTVCT_EL0 of all vCPUs, when vCPU 0 was read, at rest.
        pub virtual_counter: Hex64,
        /// The host's wall clock once all were read, in nanoseconds since 1970-01-01T00:00:00Z.
        pub wall_clock: u64,
    }
}

crate::shape! {
    /// The lines by which devices interrupt, as they hold them.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Lines {
        /// INTIDs (32 and up) of those that are up, ascending.
        ///
        /// Held to: ascending, each a device's of the lock
        pub up: Vec<u32>,
    }
}

crate::shape! {
    /// What a disk held, so that another one, or one that was changed since, is not taken for it.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Disk {
        /// Its length in bytes.
        ///
        /// Held to: what the disk has that the lock names
        pub size: u64,
        /// Which of its bytes the digest is over.
        pub covers: Covers,
        /// `sha256-` and 64 hex digits.
        ///
        /// Held to: what the disk has there
        pub digest: String,
    }
}

crate::shape! {
    /// Bytes of a disk.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Covers {
        /// All of them.
        All,
        /// Blocks of 4096 bytes, or less where the disk ends: their numbers, ascending.
        ///
        /// Held to: ascending, inside the disk
        Blocks(Vec<u64>),
    }
}

crate::shape! {
    /// The host that it was saved on, for who wonders: nothing is decided by it.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Host {
        /// `sha256-` and 64 hex digits of its host report, or nothing that anybody knows.
        pub report: Option<String>,
        /// What `uname` said of the kernel.
        pub kernel: String,
        /// The version of vmlock that wrote the file.
        pub writer: String,
    }
}
