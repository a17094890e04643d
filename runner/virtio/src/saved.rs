//! What of a device outlives a run: plain values, apart from those that run, and
//! nothing that the lock says. Both conversions take them apart completely.
//!
//! A saved state is believed no more than a guest: [`crate::mmio::Transport::restored`]
//! holds it against what the device shows and against the guest's memory.

use std::fmt;

/// The registers of a device, but for the configuration space: what changes it (a network card's link) says so anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Status, without DEVICE_NEEDS_RESET.
    pub status: u32,
    /// The features that the driver accepted, 32 in each word.
    pub accepted: [u32; 4],
    /// DeviceFeaturesSel.
    pub device_select: u32,
    /// DriverFeaturesSel.
    pub driver_select: u32,
    /// QueueSel.
    pub queue_select: u32,
    /// InterruptStatus.
    pub causes: u32,
    /// DEVICE_NEEDS_RESET.
    pub broken: bool,
    /// ConfigGeneration.
    pub generation: u32,
    /// Each queue, in order.
    pub queues: Vec<Queue>,
}

/// A virtqueue that is at rest: no chain of it is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// QueueNum, as written.
    pub size: u32,
    /// QueueReady.
    pub ready: bool,
    /// QueueDesc.
    pub descriptors: u64,
    /// QueueDriver.
    pub driver: u64,
    /// QueueDevice.
    pub device: u64,
    /// How many chains have gone through it, modulo 2^16.
    pub position: u16,
}

/// Why a saved state is none of this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Status has bits that no driver could have set, or in an order in which it could not.
    Status,
    /// Features that are not offered, or not without others.
    Features,
    /// InterruptStatus has bits that there are not.
    Causes,
    /// DEVICE_NEEDS_RESET before DRIVER_OK.
    Broken,
    /// Another number of queues.
    Queues,
    /// A queue that could not have become ready, or whose rings in the guest's memory say something else.
    Queue(usize),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Status => f.write_str("Status: bits that no driver could have set"),
            Refused::Features => {
                f.write_str("DriverFeatures: some that the device does not offer, or not alone")
            }
            Refused::Causes => f.write_str("InterruptStatus: bits that there are not"),
            Refused::Broken => f.write_str("DEVICE_NEEDS_RESET before DRIVER_OK"),
            Refused::Queues => f.write_str("another number of queues than the device has"),
            Refused::Queue(at) => write!(
                f,
                "queue {at}: it could not be ready, or is not where the guest's memory says that it is"
            ),
        }
    }
}

impl std::error::Error for Refused {}
