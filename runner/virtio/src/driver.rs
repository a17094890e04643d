//! A guest's driver for the tests: lays a queue out in memory, makes chains
//! available and sees them used. It can break every rule.

use crate::features::Features;
use crate::ring::{Ring, Setup};
use virtio_queue::desc::split::Descriptor;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

/// The guest's memory.
pub type Memory = GuestMemoryMmap<()>;

/// Where it begins.
pub const BASE: u64 = 0x4000_0000;
/// How much there is.
pub const SIZE: u64 = 0x20_0000;
/// Flags of a descriptor.
pub const NEXT: u16 = 1;
/// The device writes it.
pub const WRITE: u16 = 2;
/// It is a table.
pub const INDIRECT: u16 = 4;

/// A guest's memory, all zeroes.
pub fn memory() -> Memory {
    GuestMemoryMmap::from_ranges(&[(GuestAddress(BASE), SIZE as usize)])
        .expect("2 MiB are available")
}

/// A buffer of a chain.
#[derive(Clone, Copy)]
pub enum Part<'a> {
    /// Bytes for the device to read.
    Out(&'a [u8]),
    /// How many bytes the device may write.
    In(usize),
}

/// A driver's side of one queue.
pub struct Driver<'m> {
    /// The guest's memory.
    pub memory: &'m Memory,
    /// What the registers are told.
    pub setup: Setup,
    /// What the available ring's index says.
    pub available: u16,
    seen: u16,
    next: u16,
    free: u64,
}

impl<'m> Driver<'m> {
    /// A driver whose queue lies at the start of memory.
    pub fn new(memory: &'m Memory, size: u16) -> Self {
        Self::at(memory, size, BASE)
    }

    /// A driver with its queue and its buffers from there on.
    pub fn at(memory: &'m Memory, size: u16, base: u64) -> Self {
        let setup = Setup {
            most: size,
            size: size.into(),
            ready: true,
            descriptors: base,
            driver: base + 0x4000,
            device: base + 0x5000,
        };
        Self {
            memory,
            setup,
            available: 0,
            seen: 0,
            next: 0,
            free: base + 0x1_0000,
        }
    }

    /// The device's side.
    pub fn ring(&self, features: &[u32]) -> Ring {
        let ring = self.setup.ring(self.memory, Features::of(features));
        ring.expect("all of it is in memory")
    }

    /// Writes a descriptor into a table.
    pub fn describe(
        &self,
        table: u64,
        at: u16,
        (address, length): (u64, u32),
        flags: u16,
        next: u16,
    ) {
        let to = GuestAddress(table + 16 * u64::from(at));
        let descriptor = Descriptor::new(address, length, flags, next);
        self.memory.write_obj(descriptor, to).expect("it fits");
    }

    /// Writes a descriptor into the queue's table.
    pub fn set(&self, at: u16, buffer: (u64, u32), flags: u16, next: u16) {
        self.describe(self.setup.descriptors, at, buffer, flags, next);
    }

    /// Makes the chain that begins there available.
    pub fn publish(&mut self, head: u16) {
        let at = u64::from(self.available) % u64::from(self.setup.size);
        let entry = GuestAddress(self.setup.driver + 4 + 2 * at);
        self.memory.write_obj(head, entry).expect("it fits");
        self.set_available(self.available.wrapping_add(1));
    }

    /// Writes the available ring's index.
    pub fn set_available(&mut self, index: u16) {
        self.available = index;
        let to = GuestAddress(self.setup.driver + 2);
        self.memory.write_obj(index, to).expect("it fits");
    }

    /// The available ring's flags.
    pub fn set_flags(&self, flags: u16) {
        let to = GuestAddress(self.setup.driver);
        self.memory.write_obj(flags, to).expect("it fits");
    }

    /// Room for a buffer, with a hole behind it.
    pub fn buffer(&mut self, length: usize) -> u64 {
        let address = self.free;
        self.free += length as u64 + 0x10;
        assert!(self.free < BASE + SIZE, "the tests' memory is full");
        address
    }

    /// Makes a chain and publishes it; where each buffer is.
    pub fn offer(&mut self, parts: &[Part]) -> Vec<u64> {
        let mut buffers = Vec::new();
        let head = self.next;
        for (at, part) in parts.iter().enumerate() {
            let (length, write) = match part {
                Part::Out(bytes) => (bytes.len(), 0),
                Part::In(length) => (*length, WRITE),
            };
            let address = self.buffer(length);
            if let Part::Out(bytes) = part {
                let to = GuestAddress(address);
                self.memory.write_slice(bytes, to).expect("it fits");
            }
            let more = if at + 1 < parts.len() { NEXT } else { 0 };
            let next = (self.next + 1) % self.setup.size as u16;
            self.set(self.next, (address, length as u32), write | more, next);
            self.next = next;
            buffers.push(address);
        }
        self.publish(head);
        buffers
    }

    /// The next chain that came back: its head, and how much was written.
    pub fn used(&mut self) -> Option<(u32, u32)> {
        let read = |at: u64| {
            self.memory
                .read_obj::<u16>(GuestAddress(at))
                .expect("there")
        };
        if read(self.setup.device + 2) == self.seen {
            return None;
        }
        let at = u64::from(self.seen) % u64::from(self.setup.size);
        let entry = self.setup.device + 4 + 8 * at;
        self.seen = self.seen.wrapping_add(1);
        let word = |at: u64| {
            self.memory
                .read_obj::<u32>(GuestAddress(at))
                .expect("there")
        };
        Some((word(entry), word(entry + 4)))
    }

    /// Bytes of the guest's memory.
    pub fn bytes(&self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let read = self.memory.read_slice(&mut bytes, GuestAddress(address));
        read.expect("it is in memory");
        bytes
    }
}
