//! The virtio devices that a user can ask for, a statement each: `disk`, `net`, `rng`,
//! `console "virtio"` and `vsock`.
//!
//! What is not said here has one meaning for ever: `machine/devices.rs` makes a lock's
//! entries of it.

use serde::{Deserialize, Serialize};

/// A virtio device. In the JSON form an object with one key, its word: `{"rng": {}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Device {
    /// A disk; Linux calls the first `vda`.
    Disk(Disk),
    /// A network card.
    Net(Net),
    /// A source of entropy: the host's.
    Rng {},
    /// A console beside the one of `console`; Linux calls it `hvc0`.
    Console {},
    /// Sockets that the guest opens to programs on the host.
    Vsock(Vsock),
}

impl Device {
    /// The word that a description has for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Device::Disk(_) => "disk",
            Device::Net(_) => "net",
            Device::Rng {} => "rng",
            Device::Console {} => "console",
            Device::Vsock(_) => "vsock",
        }
    }
    /// Its name in the lock: the author's, or the word where there can be one alone.
    pub fn name(&self) -> &str {
        match self {
            Device::Disk(Disk { name, .. }) | Device::Net(Net { name, .. }) => name,
            Device::Rng {} | Device::Console {} | Device::Vsock(_) => self.word(),
        }
    }
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Disk {
    /// Its name in the lock, as a machine's may be; no guest sees it but as the serial number.
    pub name: String,
    /// The raw file or block device that holds it; relative to the lock.
    pub path: String,
    /// Its capacity in bytes, a multiple of 512; that of the file that is there unless it says so. In KDL `"8GiB"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Whether the guest can read it alone.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub read_only: bool,
    /// Its serial number, 1 to 20 printable ASCII characters; its name unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Of a read-only disk, `sha256-` and 64 hex digits of its contents; those of the file that is there unless it says
    /// so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether a read-only disk may have any contents: it is held to no digest.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub any_file: bool,
}

/// A network card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Net {
    /// Its name in the lock, as a machine's may be; no guest sees it.
    pub name: String,
    /// The tap device of the host that its frames go to; whoever starts the machine says which unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tap: Option<String>,
    /// Its address, for example `52:54:00:12:34:56`; one made of the machine's name and its own unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// The most bytes of a frame behind its Ethernet header, 68 to 65521; 1500 unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
}

/// Sockets that the guest opens to programs on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Vsock {
    /// The guest's context id, 3 and up.
    pub cid: u32,
    /// Ports of the host that the guest can reach; there are no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
}

/// A port of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Port {
    /// Its number.
    pub port: u32,
    /// The Unix socket that a program listens at; relative to the lock.
    pub path: String,
}
