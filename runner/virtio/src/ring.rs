//! A split virtqueue (section 2.7 of the standard): how a driver sets one up, and
//! the ring in operation.
//!
//! Cursors and the suppression of interrupts by index are `virtio-queue`'s. Here
//! is what it leaves to its user: that a driver makes no more available than it
//! has, that a chain is whole ([`crate::chain`]), and suppression by flag.

use crate::chain::{Chain, Malformed, Table};
use crate::features::Features;
use std::fmt;
use std::sync::atomic::{Ordering, fence};
use virtio_bindings::virtio_config::VIRTIO_F_VERSION_1;
use virtio_bindings::virtio_ring::{
    VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC, VRING_AVAIL_F_NO_INTERRUPT,
};
use virtio_queue::{Error, Queue, QueueOwnedT, QueueState, QueueT};
use vm_memory::{Bytes, GuestAddress, GuestMemory};

/// What every device offers: the standard itself, and what this ring can.
pub const OFFERED: Features = Features::of(&[
    VIRTIO_F_VERSION_1,
    VIRTIO_RING_F_INDIRECT_DESC,
    VIRTIO_RING_F_EVENT_IDX,
]);

/// Once the buffers of so many bytes were served, something else has its turn: 64 MiB.
pub const BYTES: u64 = 64 << 20;

/// What a driver says of a queue before it is in operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Descriptors that it can have: QueueNumMax.
    pub most: u16,
    /// Descriptors that it has: QueueNum, as written.
    pub size: u32,
    /// QueueReady.
    pub ready: bool,
    /// Guest-physical address of the descriptor table (QueueDesc).
    pub descriptors: u64,
    /// Guest-physical address of the driver's area, the available ring (QueueDriver).
    pub driver: u64,
    /// Guest-physical address of the device's area, the used ring (QueueDevice).
    pub device: u64,
}

impl Setup {
    /// A queue of which nothing was said.
    pub const fn new(most: u16) -> Self {
        Self {
            most,
            size: most as u32,
            ready: false,
            descriptors: 0,
            driver: 0,
            device: 0,
        }
    }

    /// The ring that it makes: nothing has gone through it yet. `None` for a size that is no power of two or too large,
    /// an address that is not aligned, and an area that is not all in the guest's memory. Areas that overlap harm
    /// the guest alone.
    pub fn ring<M: GuestMemory>(&self, memory: &M, features: Features) -> Option<Ring> {
        self.ring_at(memory, features, 0)
    }

    fn ring_at<M: GuestMemory>(
        &self,
        memory: &M,
        features: Features,
        position: u16,
    ) -> Option<Ring> {
        let state = QueueState {
            max_size: self.most,
            next_avail: position,
            next_used: position,
            event_idx_enabled: features.has(VIRTIO_RING_F_EVENT_IDX),
            size: u16::try_from(self.size).ok()?,
            ready: true,
            desc_table: self.descriptors,
            avail_ring: self.driver,
            used_ring: self.device,
        };
        let queue = Queue::try_from(state).ok()?;
        let table = Table {
            address: self.descriptors,
            size: state.size,
            longest: self.most,
            indirect: features.has(VIRTIO_RING_F_INDIRECT_DESC),
        };
        queue.is_valid(memory).then_some(Ring {
            queue,
            table,
            out: 0,
            added: false,
        })
    }

    /// The ring that it makes after so many chains (modulo 2^16) have gone through it, which the guest's memory has to
    /// confirm: `None` where it does not, or as [`Setup::ring`].
    pub(crate) fn ring_after<M: GuestMemory>(
        &self,
        memory: &M,
        features: Features,
        position: u16,
    ) -> Option<Ring> {
        let ring = self.ring_at(memory, features, position)?;
        let used = ring.queue.used_idx(memory, Ordering::Acquire).ok()?.0;
        let available = ring.queue.avail_idx(memory, Ordering::Acquire).ok()?.0;
        let waiting = available.wrapping_sub(position);
        (used == position && waiting <= ring.table.size).then_some(ring)
    }
}

/// Why a ring cannot be served any more: its driver broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A chain that is none.
    Chain {
        /// The number of its first descriptor.
        head: u16,
        /// What is wrong with it.
        why: Malformed,
    },
    /// More is available than the queue has descriptors.
    Available,
    /// The rings are not in the guest's memory any more.
    Memory,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Chain { head, why } => write!(f, "the chain at descriptor {head} has {why}"),
            Broken::Available => {
                f.write_str("more chains are available than the queue has descriptors")
            }
            Broken::Memory => f.write_str("the queue is not in the guest's memory"),
        }
    }
}

impl std::error::Error for Broken {}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidAvailRingIndex => Broken::Available,
            _ => Broken::Memory,
        }
    }
}

/// What is to be done once a ring was drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The driver wants to be interrupted.
    pub interrupts: bool,
    /// There may be more, of which the driver does not notify: it is to be drained again.
    pub more: bool,
}

impl Drained {
    /// There was nothing to be done.
    pub const NOTHING: Self = Self {
        interrupts: false,
        more: false,
    };

    /// What is to be done once another ring was drained, too.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            interrupts: self.interrupts || other.interrupts,
            more: self.more || other.more,
        }
    }
}

/// A virtqueue in operation. After a [`Broken`] the device needs a reset.
#[derive(Debug, PartialEq, Eq)]
pub struct Ring {
    queue: Queue,
    table: Table,
    out: u16,
    added: bool,
}

impl Ring {
    /// Takes the next chain that is available; `false` where there is none.
    ///
    /// # Errors
    /// The driver broke a rule.
    pub fn take<M: GuestMemory>(&mut self, memory: &M, chain: &mut Chain) -> Result<bool, Broken> {
        let next = self.queue.iter(memory)?.next();
        let Some(next) = next else { return Ok(false) };
        if self.out == self.table.size {
            return Err(Broken::Available);
        }
        let head = next.head_index();
        let read = chain.read(memory, self.table, head);
        read.map_err(|why| Broken::Chain { head, why })?;
        self.out += 1;
        Ok(true)
    }

    /// Leaves the chain that was taken last where it was: available, and the next one.
    pub fn leave(&mut self) {
        if let Some(out) = self.out.checked_sub(1) {
            self.out = out;
            self.queue.go_to_previous_position();
        }
    }

    /// Gives a chain back, with so many bytes written from the start of what the device may write.
    ///
    /// # Errors
    /// It is none that could have been taken.
    pub fn give<M: GuestMemory>(
        &mut self,
        memory: &M,
        head: u16,
        written: u32,
    ) -> Result<(), Broken> {
        self.out = self.out.checked_sub(1).ok_or(Broken::Available)?;
        self.added = true;
        Ok(self.queue.add_used(memory, head, written)?)
    }

    /// Whether the driver wants to be interrupted for what was given back since this was last asked.
    ///
    /// # Errors
    /// [`Broken::Memory`].
    pub fn interrupts<M: GuestMemory>(&mut self, memory: &M) -> Result<bool, Broken> {
        if !std::mem::take(&mut self.added) {
            return Ok(false);
        }
        if self.queue.event_idx_enabled() {
            return Ok(self.queue.needs_notification(memory)?);
        }
        // What was given back is seen before the flag is read.
        fence(Ordering::SeqCst);
        let flags = memory.load(GuestAddress(self.queue.avail_ring()), Ordering::Relaxed);
        let flags = u16::from_le(flags.map_err(|_| Broken::Memory)?);
        Ok(u32::from(flags) & VRING_AVAIL_F_NO_INTERRUPT == 0)
    }

    /// Asks the driver not to notify: somebody looks at the ring anyway.
    ///
    /// # Errors
    /// [`Broken::Memory`].
    pub fn mute<M: GuestMemory>(&mut self, memory: &M) -> Result<(), Broken> {
        Ok(self.queue.disable_notification(memory)?)
    }

    /// Asks the driver to notify; whether something became available meanwhile, of which it did not: then it is asked not
    /// to again, since somebody looks at the ring anyway.
    ///
    /// # Errors
    /// [`Broken::Memory`].
    pub fn listen<M: GuestMemory>(&mut self, memory: &M) -> Result<bool, Broken> {
        let more = self.queue.enable_notification(memory)?;
        if more {
            self.mute(memory)?;
        }
        Ok(more)
    }

    /// Asks the driver to notify of what it makes available beyond the first so many (modulo 2^16), whether or not these
    /// were taken; whether there is more already, of which it may not.
    ///
    /// # Errors
    /// [`Broken::Memory`].
    pub fn listen_beyond<M: GuestMemory>(
        &mut self,
        memory: &M,
        available: u16,
    ) -> Result<bool, Broken> {
        self.queue.enable_notification(memory)?;
        if self.queue.event_idx_enabled() {
            // The last word of the device's area (section 2.7.8).
            let place = u64::from(self.table.size) * 8 + 4;
            let place = GuestAddress(self.queue.used_ring().saturating_add(place));
            let stored = memory.store(available.to_le(), place, Ordering::Relaxed);
            stored.map_err(|_| Broken::Memory)?;
            // It is seen before the driver's index is read.
            fence(Ordering::SeqCst);
        }
        Ok(self.available(memory)? != available)
    }

    /// Serves what is available, and what becomes available meanwhile, up to as many chains as the queue has descriptors,
    /// and until they have had [`BYTES`]: no guest keeps whoever calls this busy for ever, and a reset does not wait for
    /// long. `serve` gives the number of bytes that it wrote.
    ///
    /// # Errors
    /// The driver broke a rule, or `serve` says so.
    pub fn drain<M: GuestMemory>(
        &mut self,
        memory: &M,
        chain: &mut Chain,
        mut serve: impl FnMut(&Chain) -> Result<u32, Malformed>,
    ) -> Result<Drained, Broken> {
        let (mut more, mut bytes) = (true, 0);
        self.mute(memory)?;
        for _ in 0..self.table.size {
            if bytes >= BYTES {
                break;
            }
            if self.take(memory, chain)? {
                let head = chain.head();
                bytes += chain.readable().length() + chain.writable().length();
                let written = serve(chain).map_err(|why| Broken::Chain { head, why })?;
                self.give(memory, head, written)?;
            } else if !self.listen(memory)? {
                more = false;
                break;
            }
        }
        let interrupts = self.interrupts(memory)?;
        Ok(Drained { interrupts, more })
    }

    /// How many chains the driver has made available so far, modulo 2^16.
    ///
    /// # Errors
    /// [`Broken::Memory`].
    pub fn available<M: GuestMemory>(&self, memory: &M) -> Result<u16, Broken> {
        Ok(self.queue.avail_idx(memory, Ordering::Acquire)?.0)
    }

    /// How many chains have been taken and not given back.
    pub fn out(&self) -> u16 {
        self.out
    }

    /// How many chains have gone through it, modulo 2^16; `None` while some are out.
    pub fn position(&self) -> Option<u16> {
        let position = self.queue.next_avail();
        (position == self.queue.next_used()).then_some(position)
    }
}

#[cfg(test)]
mod tests;
