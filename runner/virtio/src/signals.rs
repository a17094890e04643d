//! What a device tells its driver beside the rings: why it interrupts
//! (InterruptStatus), and that it cannot go on (DEVICE_NEEDS_RESET).
//!
//! The thread that serves a device sets them, the registers show them. They live
//! from one reset to the next: after it, the registers have new ones, and who
//! still sets the old ones does so unseen.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use virtio_bindings::virtio_mmio::{VIRTIO_MMIO_INT_CONFIG, VIRTIO_MMIO_INT_VRING};

/// Causes of an interrupt, and whether the device needs a reset. Whoever sets one sends the interrupt after it.
#[derive(Debug, Default)]
pub struct Signals {
    causes: AtomicU32,
    broken: AtomicBool,
}

impl Signals {
    /// As they were when they were saved.
    pub(crate) fn restored(causes: u32, broken: bool) -> Self {
        Self {
            causes: AtomicU32::new(causes & (VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG)),
            broken: AtomicBool::new(broken),
        }
    }

    /// Buffers have been used.
    pub fn used(&self) {
        self.causes
            .fetch_or(VIRTIO_MMIO_INT_VRING, Ordering::AcqRel);
    }

    /// The configuration has changed.
    pub fn configuration(&self) {
        self.causes
            .fetch_or(VIRTIO_MMIO_INT_CONFIG, Ordering::AcqRel);
    }

    /// The driver did what the standard forbids: nothing goes on before a reset, of which it is told as of a change of
    /// the configuration (section 2.1.2).
    pub fn needs_reset(&self) {
        self.broken.store(true, Ordering::Release);
        self.configuration();
    }

    /// InterruptStatus.
    pub fn causes(&self) -> u32 {
        self.causes.load(Ordering::Acquire)
    }

    /// InterruptACK.
    pub(crate) fn acknowledge(&self, causes: u32) {
        self.causes.fetch_and(!causes, Ordering::AcqRel);
    }

    /// Whether the device needs a reset.
    pub fn broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }
}
