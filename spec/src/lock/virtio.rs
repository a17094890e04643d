//! What a lock says of a virtio device beside its address and its interrupt: all
//! that a guest can find in it, and where its host's side is.
//!
//! What each kind shows follows from the parts below, and stands in
//! `machine/virtio.rs`; "the standard" is virtio 1.2 (OASIS, 1 July 2022).

use serde::{Deserialize, Serialize};

/// A virtio device: what it offers, and what is its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Virtio {
    /// The features that it offers, by the names of the standard, in the order of their bits; there are no others.
    pub features: Vec<String>,
    /// QueueNumMax of each queue; there are no others.
    pub queues: Vec<u16>,
    /// Of a disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// Of a network card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Net>,
    /// Of sockets between guest and host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vsock: Option<Vsock>,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Block {
    /// The file or block device that holds it, relative to the lock; no guest sees that.
    pub path: String,
    /// Capacity in sectors of 512 bytes: what is smaller is refused, and the rest of what is larger does not exist.
    pub sectors: u64,
    /// Whether it offers VIRTIO_BLK_F_RO.
    pub read_only: bool,
    /// What VIRTIO_BLK_T_GET_ID answers, 1 to 20 bytes, zeroes behind it.
    pub serial: String,
    /// Of a disk that nobody writes, `sha256-` and 64 hex digits of its sectors: others are refused. Without it, any
    /// contents will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(regex(pattern = r"^sha256-[0-9a-f]{64}$"))
    )]
    pub digest: Option<String>,
}

/// A network card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Net {
    /// The host's tap device, where the lock names one; no guest sees that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tap: Option<String>,
    /// Its address: six pairs of hex digits.
    #[cfg_attr(
        feature = "schema",
        schemars(regex(pattern = r"^[0-9a-f]{2}(:[0-9a-f]{2}){5}$"))
    )]
    pub mac: String,
    /// The most bytes of a frame behind its Ethernet header, 68 to 65521.
    pub mtu: u16,
}

/// Sockets between guest and host, which the guest opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vsock {
    /// The guest's context id.
    pub cid: u32,
    /// Ports of the host that answer, ascending; there are no others.
    pub ports: Vec<Port>,
}

/// A port of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Port {
    /// Its number.
    pub port: u32,
    /// The Unix socket behind it, relative to the lock; no guest sees that.
    pub path: String,
}
