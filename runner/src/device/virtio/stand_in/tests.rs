//! The witness's driver at the registers of each stand-in, with its thread; KVM's part is played.

use super::*;
use crate::device::bus::Bus;
use crate::device::virtio::start;
use crate::device::{Doors, Memory};
use std::collections::{BTreeMap, VecDeque};
use std::thread::sleep;
use std::time::Duration;
use vm_memory::{Bytes as _, GuestAddress, GuestMemoryMmap};
use vmlock_spec::lock::{Block, Net, Port, Range, canonical};
use vmlock_spec::machine::virtio::{BASE, WINDOW, entry};
use vmlock_spec::observation::promises;
use vmlock_spec::observation::wire::virtio::ring::{
    self, AFTER_USE, CAUSES, INTERRUPT, INTERRUPT_AGAIN, INTERRUPT_BEYOND, Machine, NO_INTERRUPT,
    SERIAL, STATUSES, UNFILLED, USED, drive,
};
use vmlock_spec::observation::wire::virtio::{Window, parts};
use vmlock_spec::observation::wire::{DATA_ABORT, Kind, RINGS_ADDRESS, id_of, kind_of};
use vmlock_spec::report::Seen;
use vmlock_virtio::entropy::fill;

/// INTID of the device's interrupt.
const INTID: u32 = 41;

/// A guest whose interrupts KVM sends: as edges, when the device's thread asks for them.
struct Guest {
    bus: Bus,
    doors: Doors,
    memory: Memory,
    pending: VecDeque<u64>,
    seen: BTreeMap<u64, u64>,
    /// What a broken machine does to them.
    interrupts: fn(u64, &mut VecDeque<u64>),
}

impl Window for Guest {
    fn read(&mut self, offset: u64, bytes: u64) -> Result<u64, u64> {
        if offset + bytes > WINDOW {
            return Err(DATA_ABORT);
        }
        let mut data = [0; 8];
        self.bus.read(BASE + offset, &mut data[..bytes as usize]);
        Ok(u64::from_le_bytes(data))
    }

    fn write(&mut self, offset: u64, bytes: u64, value: u64) -> Result<(), u64> {
        if BASE + offset == self.doors.notify {
            let queue = self.doors.queues.get(value as usize).expect("a queue");
            queue.write(1).expect("it counts");
            return Ok(());
        }
        let data = &value.to_le_bytes()[..bytes as usize];
        assert_eq!(self.bus.write(BASE + offset, data), None);
        if let Some(wait) = self.bus.wait() {
            wait.over();
        }
        Ok(())
    }

    fn record(&mut self, what: u64, seen: Result<u64, u64>) {
        assert!(self.seen.insert(what, seen.expect("a value")).is_none());
    }
}

impl Machine for Guest {
    fn area(&self) -> u64 {
        RINGS_ADDRESS
    }

    fn load(&mut self, at: u64, bytes: u64) -> u64 {
        let mut data = [0; 8];
        let from = GuestAddress(RINGS_ADDRESS + at);
        let read = self.memory.read_slice(&mut data[..bytes as usize], from);
        read.expect("memory");
        u64::from_le_bytes(data)
    }

    fn store(&mut self, at: u64, bytes: u64, value: u64) {
        assert!(at + bytes <= ring::AREA_SIZE && at.is_multiple_of(bytes));
        let data = &value.to_le_bytes()[..bytes as usize];
        let to = GuestAddress(RINGS_ADDRESS + at);
        self.memory.write_slice(data, to).expect("memory");
    }

    fn interrupt(&mut self, wait: bool) -> u64 {
        let patience = if wait { 5000 } else { 1 };
        for _ in 0..patience {
            if let Ok(sent) = self.doors.call.read() {
                (0..sent).for_each(|_| (self.interrupts)(INTID.into(), &mut self.pending));
            }
            if let Some(intid) = self.pending.pop_front() {
                return intid;
            }
            if wait {
                sleep(Duration::from_millis(1));
            }
        }
        NO_INTERRUPT
    }
}

fn device(
    kind: DeviceKind,
    block: Option<Block>,
    net: Option<Net>,
    vsock: Option<Vsock>,
) -> Device {
    Device {
        name: "it".to_owned(),
        kind,
        range: Range {
            base: BASE,
            size: WINDOW,
        },
        interrupt: INTID,
        virtio: entry(kind, block, net, vsock),
    }
}

fn disk(read_only: bool) -> Device {
    let block = Block {
        path: "nowhere/there-is-none.img".to_owned(),
        sectors: 8,
        read_only,
        serial: "a serial of 20 bytes".to_owned(),
        digest: None,
    };
    device(DeviceKind::VirtioBlock, Some(block), None, None)
}

fn rng() -> Device {
    device(DeviceKind::VirtioEntropy, None, None, None)
}

/// One of each kind. None of what they name is there.
fn all() -> Vec<Device> {
    let net = Net {
        tap: Some("no-such-tap".to_owned()),
        mac: "52:54:00:12:34:56".to_owned(),
        mtu: 1500,
    };
    let port = Port {
        port: 1024,
        path: "nowhere/there-is-none.sock".to_owned(),
    };
    let vsock = Vsock {
        cid: 0xfedc_ba98,
        ports: vec![port],
    };
    vec![
        disk(false),
        disk(true),
        device(DeviceKind::VirtioNet, None, Some(net), None),
        rng(),
        device(DeviceKind::VirtioConsole, None, None, None),
        device(DeviceKind::VirtioVsock, None, None, Some(vsock)),
    ]
}

fn sends(intid: u64, pending: &mut VecDeque<u64>) {
    pending.push_back(intid);
}

/// A guest with the device, and its stand-in behind it.
fn guest(device: &Device) -> Guest {
    let opened = stand_ins(std::slice::from_ref(device)).expect("it needs nothing");
    guest_with(device, opened)
}

fn guest_with(device: &Device, opened: Vec<Opened>) -> Guest {
    let devices = std::slice::from_ref(device);
    let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0x4000_0000), 0x20_0000)]);
    let memory: Memory = memory.expect("memory");
    let windows = start(opened, &memory).expect("threads are to be had");
    let mut bus = Bus::unheard(devices, windows);
    let doors = bus.doors().pop().expect("it has some");
    Guest {
        bus,
        doors,
        memory,
        pending: VecDeque::new(),
        seen: BTreeMap::new(),
        interrupts: sends,
    }
}

/// Names of the promises that a lock with the device makes of its use, and that were not kept; how many were looked at.
fn broken(device: &Device, guest: &Guest) -> (Vec<String>, usize) {
    let text = include_str!("../../../../../examples/modern.vm.lock.json");
    let mut lock = canonical::parse(text).expect("a lock");
    lock.machine.devices.push(device.clone());
    let mut names = Vec::new();
    let mut looked_at = 0;
    for promise in promises(&lock) {
        let (_, what) = parts(id_of(promise.key));
        let driven = ring::ALL.iter().any(|range| range.contains(&what));
        if kind_of(promise.key) != Some(Kind::Virtio) || !driven {
            continue;
        }
        looked_at += 1;
        let seen = guest.seen.get(&what).copied().map(Seen::Value);
        if !seen.is_some_and(|seen| promise.kept(seen)) {
            names.push(format!("{}: {seen:x?}", promise.name()));
        }
    }
    (names, looked_at)
}

#[test]
fn every_stand_in_is_what_its_lock_promises() {
    for device in all() {
        let mut guest = guest(&device);
        drive(&mut guest);
        let (names, looked_at) = broken(&device, &guest);
        assert!(names.is_empty(), "{:?}: {names:?}", device.kind);
        assert!(looked_at >= 9, "{:?}", device.kind);
        assert_eq!(looked_at, guest.seen.len(), "{:?}", device.kind);
        // And once more, since a reset leaves nothing.
        guest.seen.clear();
        drive(&mut guest);
        assert_eq!(broken(&device, &guest), (names, looked_at));
    }
}

/// What is looked at when the interrupts are not what they should be.
#[test]
fn interrupts_that_are_others_are_noticed() {
    type Breaks = fn(u64, &mut VecDeque<u64>);
    let cases: [(Breaks, u64, u64); 4] = [
        (|_, _| {}, INTERRUPT, NO_INTERRUPT),
        (|intid, all| all.push_back(intid + 1), INTERRUPT, 42),
        // One that was taken leaves its room behind: the first comes once, and the second twice.
        (
            |intid, all| all.extend(vec![intid; 1 + all.capacity().min(1)]),
            INTERRUPT_BEYOND,
            41,
        ),
        (|_, all| all.extend([41, 57]), INTERRUPT_AGAIN, 57),
    ];
    for (interrupts, what, expected) in cases {
        let device = rng();
        let mut guest = guest(&device);
        guest.interrupts = interrupts;
        drive(&mut guest);
        assert_eq!(guest.seen[&what], expected, "{what:#x}");
        assert!(!broken(&device, &guest).0.is_empty());
        // Whatever came, it is at rest.
        assert_eq!(guest.seen[&AFTER_USE], 0);
    }
}

/// One that comes twice is taken for the next request's, which may not be done then: if it is, there is one too many.
#[test]
fn a_first_interrupt_that_comes_twice_is_noticed() {
    let device = rng();
    let mut guest = guest(&device);
    guest.interrupts = |intid, all| all.extend([intid; 2]);
    drive(&mut guest);
    let (used, beyond) = (guest.seen[&USED], guest.seen[&INTERRUPT_BEYOND]);
    assert!(used != ring::USED_IN_ORDER || beyond == 41, "{used:#x}");
    assert!(!broken(&device, &guest).0.is_empty());
}

/// A line that stays up until its cause is acknowledged is no edge.
#[test]
fn a_level_is_noticed() {
    let device = rng();
    let mut guest = guest(&device);
    guest.interrupts = |intid, all| {
        // One that was taken leaves its room behind.
        if all.capacity() == 0 {
            all.push_back(intid);
        }
    };
    drive(&mut guest);
    assert_eq!(guest.seen[&INTERRUPT_AGAIN], NO_INTERRUPT);
    assert_eq!(guest.seen[&CAUSES], ring::CAUSES_IN_ORDER);
    assert_eq!(guest.seen[&USED], ring::USED_IN_ORDER);
    assert_eq!(broken(&device, &guest).0.len(), 1);
}

#[test]
fn a_disk_that_says_another_serial_number_is_noticed() {
    let device = disk(false);
    let mut other = device.clone();
    let block = other.virtio.as_mut().and_then(|v| v.block.as_mut());
    block.expect("a disk").serial = "a serial of 20 bytez".to_owned();
    let mut guest = guest(&other);
    drive(&mut guest);
    let (names, _) = broken(&device, &guest);
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].starts_with("virtio0.serial number[19:16]: "));
    assert_eq!(guest.seen[&SERIAL], u64::from_le_bytes(*b"a serial"));
    // One that takes what it must not.
    let device = disk(true);
    let mut guest = self::guest(&disk(false));
    drive(&mut guest);
    assert_eq!(guest.seen[&STATUSES], 0);
    let (names, _) = broken(&device, &guest);
    assert!(
        names
            .iter()
            .any(|name| name.contains("a write of no bytes"))
    );
}

/// What fills each buffer with the same bytes.
struct Same(u8);

impl Server for Same {
    fn begin(&mut self, _features: Features, _log: &mut Log) {}

    fn serve(&mut self, work: Work) -> Result<Drained, Broken> {
        let Some(Some(ring)) = work.rings.first_mut() else {
            return Ok(Drained::NOTHING);
        };
        let (memory, byte) = (work.memory, self.0);
        let source = |bytes: &mut [u8]| {
            bytes.fill(byte);
            Ok(())
        };
        ring.drain(memory, work.chain, |chain| {
            Ok(fill(memory, chain, source).unwrap_or(0))
        })
    }
}

#[test]
fn what_is_not_random_is_noticed() {
    for (byte, words) in [(0, 16), (0xff, 16), (0x5a, 8)] {
        let device = rng();
        let mut opened = stand_ins(std::slice::from_ref(&device)).expect("it needs nothing");
        opened[0].server = Box::new(Same(byte));
        let mut guest = guest_with(&device, opened);
        drive(&mut guest);
        assert_eq!(guest.seen[&UNFILLED], words, "{byte:#x}");
        let (names, _) = broken(&device, &guest);
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(names[0].starts_with("virtio0.words that are not random: "));
    }
}

#[test]
fn what_has_bytes_reaches_no_disk() {
    let mut bytes = [0u8; 512];
    let piece = [VolatileSlice::from(&mut bytes[..])];
    assert!(Nothing.write(0, &piece, false).is_err());
    assert!(Nothing.read(0, &piece).is_err());
    assert!(Nothing.zero(0, 512, false, false).is_err());
    assert!(Nothing.discard(0, 512).is_err());
    assert!(Nothing.write::<()>(0, &[], true).is_ok());
}
