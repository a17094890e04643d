//! What a guest finds in each virtio device before a driver does: one table, which
//! names what the witness saw and says what a lock promises of it; the models are
//! tested by it too. [`ring`] has what it finds out by driving one.
//!
//! Devices are called as Linux calls them, `virtio0` and on, in the order of the lock.

mod ring;

use super::Promise;
use super::wire::virtio::*;
use super::wire::{self, Kind, key};
use crate::lock::{Device, Lock, Virtio};
use crate::machine::virtio::{MAGIC, REGISTERS_VERSION, VENDOR, bit, configuration, number};
use std::borrow::Cow;

/// What a register reads where there is no shared memory (virtio 1.2 section 4.2.2).
const NO_SHARED_MEMORY: u64 = 0xffff_ffff;

/// One thing that the witness looks at in a device.
struct Entry {
    /// Its name, in the standard's terms.
    name: &'static str,
    /// What is looked at, see [`super::wire::virtio`].
    what: u64,
    /// What a device of a lock shows.
    shows: fn(&Shown) -> u64,
}

/// What a device shows, as its registers have it.
struct Shown {
    device: u32,
    features: u128,
    queues: Vec<u16>,
    configuration: Vec<u8>,
    /// INTID of its interrupt.
    interrupt: u32,
    /// Of a disk: its serial number, and whether no driver can change it.
    disk: Option<(String, bool)>,
}

impl Shown {
    fn new(device: &Device, virtio: &Virtio) -> Option<Self> {
        let (number, _) = number(device.kind)?;
        let bits = virtio.features.iter().filter_map(|name| bit(name));
        let disk = virtio.block.as_ref();
        Some(Self {
            device: number,
            features: bits.fold(0, |all, bit| all | 1 << bit),
            queues: virtio.queues.clone(),
            configuration: configuration(virtio),
            interrupt: device.interrupt,
            disk: disk.map(|disk| (disk.serial.clone(), disk.read_only)),
        })
    }

    fn queue(&self, index: usize) -> u64 {
        self.queues.get(index).copied().unwrap_or(0).into()
    }

    fn word(&self, index: usize) -> u64 {
        word(&self.configuration, index)
    }
}

/// Eight bytes, the first in bits 7:0; zeroes behind the last.
fn word(bytes: &[u8], index: usize) -> u64 {
    let bytes = bytes.iter().skip(8 * index).take(8);
    bytes
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

const fn entry(name: &'static str, what: u64, shows: fn(&Shown) -> u64) -> Entry {
    Entry { name, what, shows }
}

/// All versions of all kinds so far differ in what a lock says of them, and in nothing else.
#[rustfmt::skip]
const TABLE: &[Entry] = &[
    entry("MagicValue", 0x000, |_| MAGIC.into()),
    entry("Version", 0x004, |_| REGISTERS_VERSION.into()),
    entry("DeviceID", 0x008, |shown| shown.device.into()),
    entry("VendorID", 0x00c, |_| VENDOR.into()),
    entry("QueueReady", 0x044, |_| 0),
    entry("InterruptStatus", 0x060, |_| 0),
    entry("Status", 0x070, |_| 0),
    entry("SHMLenLow", 0x0b0, |_| NO_SHARED_MEMORY),
    entry("SHMLenHigh", 0x0b4, |_| NO_SHARED_MEMORY),
    entry("SHMBaseLow", 0x0b8, |_| NO_SHARED_MEMORY),
    entry("SHMBaseHigh", 0x0bc, |_| NO_SHARED_MEMORY),
    entry("ConfigGeneration", 0x0fc, |_| 0),
    entry("DeviceFeatures[63:0]", FEATURES, |shown| shown.features as u64),
    entry("DeviceFeatures[127:64]", FEATURES + 1, |shown| (shown.features >> 64) as u64),
    entry("DeviceFeatures beyond", FEATURES_BEYOND, |_| 0),
    entry("QueueNumMax[0]", QUEUE, |shown| shown.queue(0)),
    entry("QueueNumMax[1]", QUEUE + 1, |shown| shown.queue(1)),
    entry("QueueNumMax[2]", QUEUE + 2, |shown| shown.queue(2)),
    entry("QueueNumMax beyond", QUEUES_BEYOND, |_| 0),
    entry("configuration[7:0]", CONFIGURATION, |shown| shown.word(0)),
    entry("configuration[15:8]", CONFIGURATION + 1, |shown| shown.word(1)),
    entry("configuration[23:16]", CONFIGURATION + 2, |shown| shown.word(2)),
    entry("configuration[31:24]", CONFIGURATION + 3, |shown| shown.word(3)),
    entry("configuration[39:32]", CONFIGURATION + 4, |shown| shown.word(4)),
    entry("configuration[47:40]", CONFIGURATION + 5, |shown| shown.word(5)),
    entry("configuration[55:48]", CONFIGURATION + 6, |shown| shown.word(6)),
    entry("configuration[63:56]", CONFIGURATION + 7, |shown| shown.word(7)),
    entry("configuration beyond", CONFIGURATION_BEYOND, |_| 0),
    entry("configuration by other widths", CONFIGURATION_WIDTHS, |_| 0),
    entry("registers by other widths", REGISTER_WIDTHS, |_| 0),
    entry("absent registers", ABSENT, |_| 0),
    entry("Status after narrow writes", NARROW_WRITES, |_| 0),
    entry("configuration after writes", CONFIGURATION_WRITES, |_| 0),
    entry("Status in negotiation", NEGOTIATION, |_| NEGOTIATED),
    entry("QueueReady without a ring", NO_RING, |_| 0),
    entry("selectors after a reset", AFTER_RESET, |shown| shown.features as u64 & 0xffff_ffff | shown.queue(0) << 32),
    entry("load behind the window", BEHIND, |_| wire::DATA_ABORT),
];

/// The name of what a record is about.
pub(super) fn name(id: u64) -> Cow<'static, str> {
    let (device, what) = parts(id);
    let mut entries = TABLE.iter().chain(ring::all());
    match entries.find(|entry| entry.what == what) {
        Some(entry) => format!("virtio{device}.{}", entry.name).into(),
        None => format!("virtio{device} offset {what:#05x}").into(),
    }
}

/// Guest-physical addresses of the devices that the witness looks at, in its order.
pub fn looked_at(devices: &[Device]) -> impl Iterator<Item = u64> {
    let virtio = devices.iter().filter(|device| device.virtio.is_some());
    virtio.map(|device| device.range.base).take(DEVICES_MAX)
}

/// The keys of all that is looked at in a machine.
pub(super) fn keys(devices: &[Device]) -> impl Iterator<Item = u64> {
    let looked_at = devices.iter().filter(|device| device.virtio.is_some());
    let numbers = looked_at.map(|device| number(device.kind).map_or(0, |(number, _)| number));
    let of_one = |(index, number)| entries(number).map(move |entry| of(index, entry.what));
    let ids = (0..).zip(numbers.take(DEVICES_MAX)).flat_map(of_one);
    ids.map(|id| key(Kind::Virtio, id))
}

/// All that is looked at in a device of that number.
fn entries(number: u32) -> impl Iterator<Item = &'static Entry> {
    TABLE.iter().chain(ring::of(number))
}

/// What the lock's virtio devices show to vCPU 0, which looks at them.
pub(super) fn promises(lock: &Lock) -> Vec<Promise> {
    let devices = lock.machine.devices.iter();
    let shown = devices.filter_map(|device| Shown::new(device, device.virtio.as_ref()?));
    let of_one = |(index, shown): (u64, Shown)| {
        entries(shown.device).map(move |entry| Promise {
            vcpu: 0,
            key: key(Kind::Virtio, of(index, entry.what)),
            value: Some((entry.shows)(&shown)),
            mask: u64::MAX,
        })
    };
    (0..).zip(shown).flat_map(of_one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::wire::virtio::ring as driven;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn everything_that_the_witness_looks_at_stands_in_the_table_once() {
        let others = OTHERS.into_iter().chain(driven::ALL).flatten();
        let seen: BTreeSet<u64> = AT_RESET.iter().copied().chain(others).collect();
        let all = || TABLE.iter().chain(ring::all());
        let told: BTreeSet<u64> = all().map(|entry| entry.what).collect();
        assert_eq!(seen, told);
        let names: BTreeSet<&str> = all().map(|entry| entry.name).collect();
        assert_eq!((told.len(), names.len()), (all().count(), all().count()));
        assert_eq!(name(of(3, 0x008)), "virtio3.DeviceID");
        assert_eq!(name(of(3, driven::SERIAL)), "virtio3.serial number[7:0]");
        assert_eq!(name(of(3, 0x404)), "virtio3 offset 0x404");
    }
}
