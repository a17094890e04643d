//! The registers by which a driver finds a device and sets it up: virtio over
//! MMIO, version 2 (section 4.2 of the standard), as a state machine.
//!
//! Registers are words, and only whole words at their own addresses are accesses
//! to them; the configuration space takes any width. Whatever else there is reads
//! as zero and takes no write. What follows from a write is an [`Effect`].
//!
//! Where the standard leaves a device its choice: bits of Status are added and
//! never cleared but by a reset, and each needs those before it; a queue becomes
//! ready between FEATURES_OK and DRIVER_OK; what is set up does not change any more.

use crate::features::Features;
use crate::ring::{Ring, Setup};
use crate::saved::{self, Refused};
use crate::signals::Signals;
use std::sync::Arc;
use virtio_bindings::virtio_config::{
    VIRTIO_CONFIG_S_ACKNOWLEDGE as ACKNOWLEDGE, VIRTIO_CONFIG_S_DRIVER as DRIVER,
    VIRTIO_CONFIG_S_DRIVER_OK as DRIVER_OK, VIRTIO_CONFIG_S_FAILED as FAILED,
    VIRTIO_CONFIG_S_FEATURES_OK as FEATURES_OK, VIRTIO_CONFIG_S_NEEDS_RESET as NEEDS_RESET,
    VIRTIO_F_VERSION_1,
};
use virtio_bindings::virtio_mmio::*;
use vm_memory::GuestMemory;

/// Bytes of a device's registers, its configuration space among them.
pub const WINDOW: u64 = 0x200;
/// Where the configuration space begins.
const CONFIGURATION: u64 = VIRTIO_MMIO_CONFIG as u64;
/// The most bytes of configuration.
const CONFIGURATION_MOST: usize = (WINDOW - CONFIGURATION) as usize;
/// MagicValue: `virt`.
pub const MAGIC: u32 = u32::from_le_bytes(*b"virt");
/// Version.
pub const VERSION: u32 = 2;
/// VendorID: `VMLK`.
pub const VENDOR: u32 = u32::from_le_bytes(*b"VMLK");
/// What the length and the base of shared memory read where there is none (section 4.2.2).
const NO_SHARED_MEMORY: u32 = u32::MAX;

/// What a device shows: from the lock alone, and the same for as long as its machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it is (section 5).
    pub device: u32,
    /// The features that it offers; VIRTIO_F_VERSION_1 is one.
    pub features: Features,
    /// Features that nobody may accept alone: each, and those of which it needs one.
    pub requires: &'static [(u32, &'static [u32])],
    /// QueueNumMax of each queue.
    pub queues: Vec<u16>,
    /// The configuration space, to its last byte that is not always zero; 256 bytes at most.
    pub configuration: Vec<u8>,
}

impl Shown {
    /// What a device of these features cannot be, in words.
    fn impossible(&self) -> Option<String> {
        let queue = |most: &u16| most.is_power_of_two();
        if !self.features.has(VIRTIO_F_VERSION_1) {
            Some("a device without VIRTIO_F_VERSION_1".to_owned())
        } else if let Some(most) = self.queues.iter().find(|most| !queue(most)) {
            Some(format!("a queue of {most} descriptors"))
        } else if self.configuration.len() > CONFIGURATION_MOST {
            let bytes = self.configuration.len();
            Some(format!("{bytes} bytes of configuration"))
        } else {
            None
        }
    }

    /// Whether a driver may work with these features alone (section 2.2.2).
    fn accepts(&self, features: Features) -> bool {
        features.within(self.features)
            && features.has(VIRTIO_F_VERSION_1)
            && self.requires.iter().all(|&(one, others)| {
                !features.has(one) || others.iter().any(|&other| features.has(other))
            })
    }
}

/// All that a device's server needs of what its driver set up.
#[derive(Debug)]
pub struct Activation {
    /// The features that the driver accepted.
    pub features: Features,
    /// Each queue, in order; `None` for one that the driver does not use.
    pub rings: Vec<Option<Ring>>,
    /// How the server speaks to the driver beside the rings, until the next reset.
    pub signals: Arc<Signals>,
}

/// What follows from a write.
#[derive(Debug)]
pub enum Effect {
    /// Nothing.
    None,
    /// The driver is ready: the device begins to work.
    Start(Activation),
    /// Something became available in a queue. A queue that is wired to an ioeventfd never says it here.
    Notify(u16),
    /// The driver takes a queue away: once the write is over, nobody touches it.
    Stop(u16),
    /// The driver takes all queues away: once the write is over, nobody touches them.
    Reset,
}

/// The registers of a device.
#[derive(Debug)]
pub struct Transport {
    shown: Shown,
    status: u32,
    accepted: Features,
    device_select: u32,
    driver_select: u32,
    queue_select: u32,
    queues: Vec<Setup>,
    signals: Arc<Signals>,
    generation: u32,
}

impl Transport {
    /// A device that no driver has found yet.
    ///
    /// # Errors
    /// Words: there is no such device.
    pub fn new(shown: Shown) -> Result<Self, String> {
        if let Some(words) = shown.impossible() {
            return Err(words);
        }
        let queues = shown.queues.iter().map(|&most| Setup::new(most));
        Ok(Self {
            queues: queues.collect(),
            shown,
            status: 0,
            accepted: Features::default(),
            device_select: 0,
            driver_select: 0,
            queue_select: 0,
            signals: Arc::default(),
            generation: 0,
        })
    }

    /// Answers a read at an offset from its first address. Fills all of `data`.
    pub fn read(&self, offset: u64, data: &mut [u8]) {
        data.fill(0);
        if let Some(from) = offset.checked_sub(CONFIGURATION) {
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            let there = self.shown.configuration.get(from..).unwrap_or_default();
            data.iter_mut()
                .zip(there)
                .for_each(|(to, from)| *to = *from);
        } else if let Ok(word) = <&mut [u8; 4]>::try_from(data)
            && offset.is_multiple_of(4)
        {
            *word = self.word(offset as u32).to_le_bytes();
        }
    }

    fn word(&self, offset: u32) -> u32 {
        let queue = self.queue();
        match offset {
            VIRTIO_MMIO_MAGIC_VALUE => MAGIC,
            VIRTIO_MMIO_VERSION => VERSION,
            VIRTIO_MMIO_DEVICE_ID => self.shown.device,
            VIRTIO_MMIO_VENDOR_ID => VENDOR,
            VIRTIO_MMIO_DEVICE_FEATURES => self.shown.features.word(self.device_select),
            VIRTIO_MMIO_QUEUE_NUM_MAX => queue.map_or(0, |queue| queue.most.into()),
            VIRTIO_MMIO_QUEUE_READY => queue.map_or(0, |queue| queue.ready.into()),
            VIRTIO_MMIO_INTERRUPT_STATUS => self.signals.causes(),
            VIRTIO_MMIO_STATUS if self.signals.broken() => self.status | NEEDS_RESET,
            VIRTIO_MMIO_STATUS => self.status,
            VIRTIO_MMIO_SHM_LEN_LOW
            | VIRTIO_MMIO_SHM_LEN_HIGH
            | VIRTIO_MMIO_SHM_BASE_LOW
            | VIRTIO_MMIO_SHM_BASE_HIGH => NO_SHARED_MEMORY,
            VIRTIO_MMIO_CONFIG_GENERATION => self.generation,
            _ => 0,
        }
    }

    fn queue(&self) -> Option<&Setup> {
        self.queues.get(usize::try_from(self.queue_select).ok()?)
    }

    /// The selected queue, while what is said of it counts.
    fn open_queue(&mut self) -> Option<&mut Setup> {
        let queue = self
            .queues
            .get_mut(usize::try_from(self.queue_select).ok()?)?;
        (!queue.ready).then_some(queue)
    }

    /// Takes a write at an offset from its first address. No configuration that there is can be written.
    pub fn write<M: GuestMemory>(&mut self, offset: u64, data: &[u8], memory: &M) -> Effect {
        if let Ok(word) = data.try_into()
            && offset.is_multiple_of(4)
            && offset < CONFIGURATION
        {
            return self.set(offset as u32, u32::from_le_bytes(word), memory);
        }
        Effect::None
    }

    fn set<M: GuestMemory>(&mut self, offset: u32, value: u32, memory: &M) -> Effect {
        match offset {
            VIRTIO_MMIO_DEVICE_FEATURES_SEL => self.device_select = value,
            VIRTIO_MMIO_DRIVER_FEATURES_SEL => self.driver_select = value,
            VIRTIO_MMIO_DRIVER_FEATURES => {
                if !self.has(FEATURES_OK) {
                    self.accepted.set_word(self.driver_select, value);
                }
            }
            VIRTIO_MMIO_QUEUE_SEL => self.queue_select = value,
            VIRTIO_MMIO_QUEUE_NUM => {
                if let Some(queue) = self.open_queue() {
                    queue.size = value;
                }
            }
            VIRTIO_MMIO_QUEUE_READY => return self.set_ready(value, memory),
            VIRTIO_MMIO_QUEUE_NOTIFY => return self.notify(value),
            VIRTIO_MMIO_INTERRUPT_ACK => self.signals.acknowledge(value),
            VIRTIO_MMIO_STATUS => return self.set_status(value, memory),
            _ => self.set_address(offset, value),
        }
        Effect::None
    }

    /// Half of an address of the selected queue; other offsets take no write.
    fn set_address(&mut self, offset: u32, value: u32) {
        let Some(queue) = self.open_queue() else {
            return;
        };
        let (address, high) = match offset {
            VIRTIO_MMIO_QUEUE_DESC_LOW => (&mut queue.descriptors, false),
            VIRTIO_MMIO_QUEUE_DESC_HIGH => (&mut queue.descriptors, true),
            VIRTIO_MMIO_QUEUE_AVAIL_LOW => (&mut queue.driver, false),
            VIRTIO_MMIO_QUEUE_AVAIL_HIGH => (&mut queue.driver, true),
            VIRTIO_MMIO_QUEUE_USED_LOW => (&mut queue.device, false),
            VIRTIO_MMIO_QUEUE_USED_HIGH => (&mut queue.device, true),
            _ => return,
        };
        let value = u64::from(value);
        *address = match high {
            true => *address & 0xffff_ffff | value << 32,
            false => *address >> 32 << 32 | value,
        };
    }

    fn has(&self, status: u32) -> bool {
        self.status & status != 0
    }

    /// A queue whose set-up makes no ring does not become ready, and reads so.
    fn set_ready<M: GuestMemory>(&mut self, value: u32, memory: &M) -> Effect {
        let (accepted, runs) = (self.accepted, self.has(DRIVER_OK));
        let open = self.has(FEATURES_OK) && !runs;
        let at = u16::try_from(self.queue_select).unwrap_or(u16::MAX);
        let Some(queue) = self.queues.get_mut(usize::from(at)) else {
            return Effect::None;
        };
        match value {
            0 if queue.ready => {
                queue.ready = false;
                if runs {
                    return Effect::Stop(at);
                }
            }
            1 if open => queue.ready = queue.ring(memory, accepted).is_some(),
            _ => {}
        }
        Effect::None
    }

    fn notify(&self, value: u32) -> Effect {
        match u16::try_from(value) {
            Ok(at) if self.serves(usize::from(at)) => Effect::Notify(at),
            _ => Effect::None,
        }
    }

    fn serves(&self, queue: usize) -> bool {
        let ready = self.queues.get(queue).is_some_and(|queue| queue.ready);
        ready && self.has(DRIVER_OK) && !self.signals.broken()
    }

    fn set_status<M: GuestMemory>(&mut self, value: u32, memory: &M) -> Effect {
        if value == 0 {
            return self.reset();
        }
        let ran = self.has(DRIVER_OK);
        self.status = self.after(value);
        if ran || !self.has(DRIVER_OK) {
            return Effect::None;
        }
        let ring = |queue: &Setup| match queue.ready {
            true => queue.ring(memory, self.accepted),
            false => None,
        };
        Effect::Start(Activation {
            features: self.accepted,
            rings: self.queues.iter().map(ring).collect(),
            signals: Arc::clone(&self.signals),
        })
    }

    /// Status with some bits added: each of the driver's steps needs the one before it.
    fn after(&self, value: u32) -> u32 {
        let mut status = self.status | value & FAILED;
        let steps = [ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK];
        for (at, step) in steps.into_iter().enumerate() {
            let may = at == 0 || status & steps[at - 1] != 0;
            let accepts = step != FEATURES_OK || self.shown.accepts(self.accepted);
            if value & step != 0 && may && accepts {
                status |= step;
            }
        }
        status
    }

    /// What the device shows stays, and so does ConfigGeneration.
    fn reset(&mut self) -> Effect {
        let ran = self.has(DRIVER_OK);
        self.status = 0;
        self.accepted = Features::default();
        self.device_select = 0;
        self.driver_select = 0;
        self.queue_select = 0;
        for queue in &mut self.queues {
            *queue = Setup::new(queue.most);
        }
        self.signals = Arc::default();
        if ran { Effect::Reset } else { Effect::None }
    }

    /// The configuration space, as the driver is shown it.
    pub fn configuration(&self) -> &[u8] {
        &self.shown.configuration
    }

    /// Whether a driver is at work.
    pub fn runs(&self) -> bool {
        self.has(DRIVER_OK)
    }

    /// Changes the configuration space, whose length stays. Whether the driver has to be interrupted.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut [u8])) -> bool {
        let before = self.shown.configuration.clone();
        change(&mut self.shown.configuration);
        if self.shown.configuration == before {
            return false;
        }
        self.generation = self.generation.wrapping_add(1);
        let runs = self.has(DRIVER_OK);
        if runs {
            self.signals.configuration();
        }
        runs
    }

    /// What of it outlives this run. `positions` are those of the rings of the last [`Activation`], all at rest.
    pub fn save(&self, positions: &[Option<u16>]) -> saved::Transport {
        let Self {
            shown: _,
            status,
            accepted,
            device_select,
            driver_select,
            queue_select,
            queues,
            signals,
            generation,
        } = self;
        let queue = |(at, queue): (usize, &Setup)| {
            let Setup {
                most: _,
                size,
                ready,
                descriptors,
                driver,
                device,
            } = *queue;
            saved::Queue {
                size,
                ready,
                descriptors,
                driver,
                device,
                position: positions.get(at).copied().flatten().unwrap_or(0),
            }
        };
        saved::Transport {
            status: *status,
            accepted: [0, 1, 2, 3].map(|select| accepted.word(select)),
            device_select: *device_select,
            driver_select: *driver_select,
            queue_select: *queue_select,
            causes: signals.causes(),
            broken: signals.broken(),
            generation: *generation,
            queues: queues.iter().enumerate().map(queue).collect(),
        }
    }

    /// The registers as they were when they were saved, and what its server needs if it was at work.
    ///
    /// # Errors
    /// No driver can have brought this device into that state, or the guest's memory says something else.
    pub fn restored<M: GuestMemory>(
        &self,
        state: &saved::Transport,
        memory: &M,
    ) -> Result<(Self, Option<Activation>), Refused> {
        let saved::Transport {
            status,
            accepted,
            device_select,
            driver_select,
            queue_select,
            causes,
            broken,
            generation,
            ref queues,
        } = *state;
        if queues.len() != self.queues.len() {
            return Err(Refused::Queues);
        }
        let set_up = queues.iter().zip(&self.shown.queues);
        let set_up = set_up.map(|(queue, &most)| {
            let saved::Queue {
                size,
                ready,
                descriptors,
                driver,
                device,
                position: _,
            } = *queue;
            Setup {
                most,
                size,
                ready,
                descriptors,
                driver,
                device,
            }
        });
        let mut restored = Self {
            shown: self.shown.clone(),
            status: 0,
            accepted: Features::default(),
            device_select,
            driver_select,
            queue_select,
            queues: set_up.collect(),
            signals: Arc::new(Signals::restored(causes, broken)),
            generation,
        };
        for (select, word) in (0..).zip(accepted) {
            restored.accepted.set_word(select, word);
        }
        if status & FEATURES_OK != 0 && !self.shown.accepts(restored.accepted) {
            return Err(Refused::Features);
        }
        if restored.after(status) != status {
            return Err(Refused::Status);
        }
        restored.status = status;
        let runs = restored.has(DRIVER_OK);
        if causes != restored.signals.causes() || causes != 0 && !runs {
            return Err(Refused::Causes);
        }
        if broken && !runs {
            return Err(Refused::Broken);
        }
        let ring = |queue: &Setup, position| match runs && !broken {
            true => queue.ring_after(memory, restored.accepted, position),
            false => queue.ring(memory, restored.accepted),
        };
        let mut rings = Vec::new();
        for (at, (queue, saved)) in restored.queues.iter().zip(queues).enumerate() {
            if saved.position != 0 && !(queue.ready && runs && !broken) {
                return Err(Refused::Queue(at));
            }
            rings.push(match queue.ready {
                true if restored.has(FEATURES_OK) => {
                    let ring = ring(queue, saved.position);
                    Some(ring.ok_or(Refused::Queue(at))?)
                }
                true => return Err(Refused::Queue(at)),
                false => None,
            });
        }
        let activation = Activation {
            features: restored.accepted,
            rings,
            signals: Arc::clone(&restored.signals),
        };
        Ok((restored, (runs && !broken).then_some(activation)))
    }
}

#[cfg(test)]
mod tests;
