//! virtio devices: version 1 of their shapes, by the names of the standard's registers (virtio 1.2, section 4.2.2). What
//! a device offers, how large a disk is, what a card's address is: all that is the lock's.

use super::bytes::Bytes;
use crate::hex::{Hex32, Hex64};
use serde::{Deserialize, Serialize};

/// The registers of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Transport {
    /// Status, without DEVICE_NEEDS_RESET.
    pub status: Hex32,
    /// Status has DEVICE_NEEDS_RESET.
    #[serde(rename = "needsReset")]
    pub needs_reset: bool,
    /// The features that the driver accepted, 32 in each word.
    pub driver_features: [Hex32; 4],
    /// Which of the device's are shown.
    pub device_features_sel: Hex32,
    /// Which of the driver's are set.
    pub driver_features_sel: Hex32,
    /// Which queue is meant.
    pub queue_sel: Hex32,
    /// Why it interrupts.
    pub interrupt_status: Hex32,
    /// How often the configuration has changed.
    pub config_generation: Hex32,
    /// Each queue, in order.
    #[serde(rename = "queues")]
    pub queues: Vec<Queue>,
}

/// A virtqueue of which no chain is out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Queue {
    /// Its size, as the driver wrote it.
    pub queue_num: Hex32,
    /// Whether it is ready.
    pub queue_ready: bool,
    /// Where its descriptors are.
    pub queue_desc: Hex64,
    /// Where the driver's area is.
    pub queue_driver: Hex64,
    /// Where the device's area is.
    pub queue_device: Hex64,
    /// How many chains have gone through it, modulo 2^16.
    #[serde(rename = "position")]
    pub position: u16,
}

/// `virtio-block-1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Block {
    /// Its registers.
    pub registers: Transport,
    /// Something that was written is known not to have become stable: no flush succeeds any more.
    pub lost: bool,
}

/// `virtio-net-1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Net {
    /// Its registers.
    pub registers: Transport,
    /// The driver was shown a cable that is in.
    pub link: bool,
}

/// `virtio-console-1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Console {
    /// Its registers.
    pub registers: Transport,
    /// Input for which the driver had no buffer.
    pub waiting: Bytes,
}

/// `virtio-entropy-1`, and `virtio-vsock-1`: connections do not outlive a save, and the driver is told so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plain {
    /// Its registers.
    pub registers: Transport,
}
