//! What `vmlock-run status` tells of a living guest: numbers that only grow while its machine is the same.

use serde::{Deserialize, Serialize};

/// The version of the format. Another reader meets what it does not know: fields may be added to it.
pub const STATUS_VERSION: u32 = 1;

/// A guest, as its runner knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Version of this format.
    pub status_version: u32,
    /// The machine's name, as its lock has it.
    pub name: String,
    /// What it does.
    pub state: State,
    /// The process that runs it.
    pub process: u32,
    /// How often it was started anew because it had asked for a reset; what follows counts from the last time on.
    pub restarts: u64,
    /// Milliseconds since its process began.
    pub milliseconds: u64,
    /// While it is being saved: how far that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saving: Option<Saving>,
    /// While its memory is held against what was saved, since it was restored: how far that is. Nothing leaves it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checking: Option<Checking>,
    /// Bytes of what it said on a console of `--console` that nobody will have: there was no room for them.
    pub console_lost: u64,
    /// Its vCPUs, in order; none before it runs.
    pub vcpus: Vec<Vcpu>,
    /// Its devices, in the lock's order; none before it runs.
    pub devices: Vec<Device>,
}

/// What a guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its machine is being made and proved.
    Starting,
    /// It runs.
    Running,
    /// It is brought to rest, and written to a file.
    Saving,
    /// It goes to another runner, if that one takes it.
    HandingOver,
    /// Nobody knows here whether it runs at another runner: it rests until somebody names this one (`claim`) or ends it.
    Unknown,
    /// It is held: by its operator, or by the runner as long as its threads are not on the CPUs that they belong on.
    Paused,
}

/// How far a guest is that is being saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Saving {
    /// Bytes of its memory that were written, or need not be.
    pub written: u64,
    /// Bytes of its memory.
    pub memory: u64,
    /// Bytes of its disks that were read, where all of them are (`--disk-digest`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub read: u64,
    /// Bytes of its disks that are to be read, where all of them are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub disks: u64,
}

/// How far the check of a restored guest's memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Checking {
    /// Bytes that are what was saved.
    pub checked: u64,
    /// Bytes that are to be checked: what of its memory was not empty.
    pub memory: u64,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// A vCPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Vcpu {
    /// How often it came out of the guest, by what it wanted.
    pub exits: Exits,
}

/// How often a vCPU came out of the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Exits {
    /// An access to a device, or to where nothing is.
    pub device: u64,
    /// An access to an interrupt controller that the runner answers for.
    pub interrupt_controller: u64,
    /// A firmware call that the runner answers.
    pub firmware: u64,
    /// Somebody wanted its thread.
    pub kicked: u64,
    /// Anything else.
    pub other: u64,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// As the lock has it.
    pub name: String,
    /// How often its interrupt was raised.
    pub interrupts: u64,
    /// Requests that its driver made, frames and packets among them; zero for a part without queues.
    pub requests: u64,
    /// What failed on the host.
    pub errors: u64,
    /// Bytes that left the guest, with the headers of requests.
    pub bytes_out: u64,
    /// Bytes that the guest got, with the headers of answers.
    pub bytes_in: u64,
}

impl Exits {
    /// All of them.
    pub fn sum(&self) -> u64 {
        let Self {
            device,
            interrupt_controller,
            firmware,
            kicked,
            other,
        } = self;
        device + interrupt_controller + firmware + kicked + other
    }
}

impl State {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Saving => "saving",
            Self::HandingOver => "handing-over",
            Self::Unknown => "unknown",
            Self::Paused => "paused",
        }
    }
}
