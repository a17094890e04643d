//! Devices of the machine, as the guest reaches them: through memory-mapped
//! registers and one interrupt line each. None trusts the guest.
//!
//! What a lock names is a part and its version, and each has a file: a plain
//! value that knows no clock, no file and no thread ([`serial::v1`],
//! [`serial::v2`], [`clock::v1`], [`clock::v2`]). It never changes what it shows:
//! another behaviour is another version. [`serial`] and [`clock`] join them to
//! the world, [`virtio`] does it for the models of `vmlock_virtio`, [`bus`] says who
//! answers where.

pub mod bus;
pub mod clock;
pub mod rate;
pub mod serial;
pub mod virtio;

use crate::counters;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use virtio::thread::{Identity, Park};
use vm_memory::GuestMemoryMmap;
use vmlock_saved::device::Device as Saved;
use vmm_sys_util::eventfd::EventFd;

/// The guest's memory, as devices have it.
pub type Memory = GuestMemoryMmap<()>;

/// How a device is reached without an exit, for whoever has the machine.
pub struct Doors {
    /// INTID of the interrupt that `call` sends, as an edge.
    pub interrupt: u32,
    /// Signalled by the device's thread.
    pub call: EventFd,
    /// Guest-physical address of QueueNotify.
    pub notify: u64,
    /// Signalled when the guest writes the queue's number there, in their order.
    pub queues: Vec<EventFd>,
}

/// Something that a vCPU has to wait for before its access is over, and nobody else.
pub struct Wait(Receiver<()>);

impl Wait {
    /// Waits. One who has gone does nothing any more either.
    pub fn over(self) {
        let _ = self.0.recv();
    }
}

/// What a device still has to do at the end of its machine.
pub struct Farewell {
    over: Wait,
    most: Duration,
}

impl Farewell {
    /// Waits until it is done, or for as long as that may take since `begun`; whether it is done.
    pub fn wait(self, begun: Instant) -> bool {
        let left = self.most.saturating_sub(begun.elapsed());
        // One who has gone has nothing to do any more.
        self.over.0.recv_timeout(left) != Err(RecvTimeoutError::Timeout)
    }
}

/// A device with memory-mapped registers and an interrupt line.
pub trait Model: Send {
    /// Answers a read at an offset from its first address. Fills all of `data`,
    /// whatever its width and whether or not there is a register.
    fn read(&mut self, offset: u64, data: &mut [u8]);

    /// Takes a write at an offset from its first address.
    fn write(&mut self, offset: u64, data: &[u8]);

    /// The level of its interrupt line at this moment.
    fn line(&mut self) -> bool;

    /// Whether it is a console to which a driver listens: it is the one that the user means.
    fn listens(&self) -> bool {
        false
    }

    /// How many bytes it can take from outside of the machine.
    fn room(&self) -> usize {
        0
    }

    /// Takes bytes from outside of the machine, at most as many as there is room for.
    fn input(&mut self, _bytes: &[u8]) {}

    /// The host's time of day, since 1970, at which its line rises by itself.
    fn rings_at(&mut self) -> Option<Duration> {
        None
    }

    /// How it is reached without an exit, for whoever asks first.
    fn doors(&mut self) -> Option<Doors> {
        None
    }

    /// How its thread is parked while the guest is held, of a device that has one.
    fn park(&self) -> Option<Park> {
        None
    }

    /// Has it do what it still has to, since its machine has ended. Its guest has ended with that, or `gone` elsewhere.
    fn finish(&mut self, _gone: bool) -> Option<Farewell> {
        None
    }

    /// What its last write has to wait for.
    fn wait(&mut self) -> Option<Wait> {
        None
    }

    /// Its state, at rest, under its name in the lock.
    ///
    /// # Errors
    /// It has none that can be saved: why, in words.
    fn save(&self, name: &str) -> Result<Saved, String>;

    /// Takes a state that was saved in place of its own, in which nobody has found it yet; the level of its line that KVM
    /// was told then.
    ///
    /// # Errors
    /// It can never have been in that state: why not, in words. It is not to be used then.
    fn restore(&mut self, state: &Saved) -> Result<bool, String>;

    /// Which contents it has, of a disk: of all of it, or of a part.
    fn identify(&self, _whole: bool) -> Option<Identity> {
        None
    }

    /// What it counts of itself, where it does.
    fn counts(&self) -> Option<Arc<counters::Device>> {
        None
    }
}
