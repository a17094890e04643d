//! virtio devices: version 1 of their shapes, by the names of the standard's registers (virtio 1.2, section 4.2.2). What
//! a device offers, how large a disk is, what a card's address is: all that is the lock's.

use super::bytes::Bytes;
use crate::hex::{Hex32, Hex64};
use serde::{Deserialize, Serialize};

crate::shape! {
    /// The registers of a device.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    pub struct Transport {
        /// Status, without DEVICE_NEEDS_RESET.
        ///
        /// Held to: what a driver reaches, step by step
        pub status: Hex32,
        /// Status has DEVICE_NEEDS_RESET.
        ///
        /// Held to: only with DRIVER_OK
        #[serde(rename = "needsReset")]
        pub needs_reset: bool,
        /// The features that the driver accepted, 32 in each word.
        ///
        /// Held to: what the device offers, once there is FEATURES_OK
        pub driver_features: [Hex32; 4],
        /// Which of the device's are shown.
        pub device_features_sel: Hex32,
        /// Which of the driver's are set.
        pub driver_features_sel: Hex32,
        /// Which queue is meant.
        pub queue_sel: Hex32,
        /// Why it interrupts.
        ///
        /// Held to: bits that there are, only with DRIVER_OK
        pub interrupt_status: Hex32,
        /// How often the configuration has changed.
        pub config_generation: Hex32,
        /// Each queue, in order.
        ///
        /// Held to: as many as the device has
        #[serde(rename = "queues")]
        pub queues: Vec<Queue>,
    }
}

crate::shape! {
    /// A virtqueue of which no chain is out.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    pub struct Queue {
        /// Its size, as the driver wrote it.
        pub queue_num: Hex32,
        /// Whether it is ready.
        ///
        /// Held to: only with FEATURES_OK, and with rings that are in the guest's memory
        pub queue_ready: bool,
        /// Where its descriptors are.
        pub queue_desc: Hex64,
        /// Where the driver's area is.
        pub queue_driver: Hex64,
        /// Where the device's area is.
        pub queue_device: Hex64,
        /// How many chains have gone through it, modulo 2^16.
        ///
        /// Held to: 0 but for a queue in operation, and what the rings say
        #[serde(rename = "position")]
        pub position: u16,
    }
}

crate::shape! {
    /// `virtio-block-1`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Block {
        /// Its registers.
        pub registers: Transport,
        /// Something that was written is known not to have become stable: no flush succeeds any more.
        pub lost: bool,
    }
}

crate::shape! {
    /// `virtio-net-1`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Net {
        /// Its registers.
        pub registers: Transport,
        /// The driver was shown a cable that is in.
        pub link: bool,
    }
}

crate::shape! {
    /// `virtio-console-1`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Console {
        /// Its registers.
        pub registers: Transport,
        /// Input for which the driver had no buffer.
        ///
        /// Held to: 65536 bytes
        pub waiting: Bytes,
    }
}

crate::shape! {
    /// `virtio-entropy-1`, and `virtio-vsock-1`: connections do not outlive a save, and the driver is told so.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Plain {
        /// Its registers.
        pub registers: Transport,
    }
}
