//! What a lock says of each virtio device is what its model shows: features, queues and configuration space; and what is
//! promised of it is what the witness would see of the model.

use std::collections::BTreeMap;
use vm_memory::{GuestAddress, GuestMemoryMmap};
use vmlock_spec::lock::{Block, Device, DeviceKind, Net, Range, Virtio, Vsock, canonical};
use vmlock_spec::machine::virtio::{BASE, WINDOW, configuration, entry, features, mac, number};
use vmlock_spec::observation::promises;
use vmlock_spec::observation::wire::virtio::{
    ABSENT, NEGOTIATED, NEGOTIATION, REGISTER_WIDTHS, Window, look, parts, ring,
};
use vmlock_spec::observation::wire::{DATA_ABORT, Kind, id_of, kind_of};
use vmlock_spec::report::Seen;
use vmlock_virtio::block::{
    DISCARD_ALIGNMENT, DISCARD_SECTORS, Disk, SEGMENTS, SERIAL, ZERO_SECTORS,
};
use vmlock_virtio::mmio::{self, Effect, Shown, Transport};
use vmlock_virtio::net::{ETHERNET, LARGEST, Nic, TAGS};
use vmlock_virtio::vsock::sockets::{ALLOCATED, MOST, WAITING};
use vmlock_virtio::{console, entropy, vsock};

/// Holds a model against the entry of its kind.
fn same(kind: DeviceKind, said: &Virtio, shown: &Shown) {
    let (device, _) = number(kind).expect("a virtio device");
    assert_eq!(shown.device, device, "{kind:?}");
    assert_eq!(shown.queues, said.queues, "{kind:?}");
    let read_only = said.block.as_ref().is_some_and(|disk| disk.read_only);
    let (names, bits): (Vec<&str>, Vec<u32>) = features(kind, read_only).unzip();
    assert_eq!(said.features, names, "{kind:?}");
    assert!(bits.is_sorted(), "{kind:?}");
    for bit in 0..128 {
        assert_eq!(
            shown.features.has(bit),
            bits.contains(&bit),
            "{kind:?}: feature bit {bit}"
        );
    }
    let whole = |mut bytes: Vec<u8>| {
        bytes.resize(WINDOW as usize - 0x100, 0);
        bytes
    };
    assert_eq!(
        whole(configuration(said)),
        whole(shown.configuration.clone()),
        "{kind:?}"
    );
    witnessed(kind, said, shown);
}

/// The registers of a model, with nothing behind them.
struct Registers {
    transport: Transport,
    memory: GuestMemoryMmap,
    seen: BTreeMap<u64, u64>,
}

impl Window for Registers {
    fn read(&mut self, offset: u64, bytes: u64) -> Result<u64, u64> {
        if offset + bytes > WINDOW {
            return Err(DATA_ABORT);
        }
        let mut data = [0; 8];
        self.transport.read(offset, &mut data[..bytes as usize]);
        Ok(u64::from_le_bytes(data))
    }

    fn write(&mut self, offset: u64, bytes: u64, value: u64) -> Result<(), u64> {
        let data = &value.to_le_bytes()[..bytes as usize];
        let effect = self.transport.write(offset, data, &self.memory);
        assert!(
            matches!(effect, Effect::None),
            "a witness starts {effect:?}"
        );
        Ok(())
    }

    fn record(&mut self, what: u64, seen: Result<u64, u64>) {
        assert!(self.seen.insert(what, seen.expect("a value")).is_none());
    }
}

/// The registers of a model that shows that.
fn model(shown: &Shown) -> Registers {
    let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0x4000_0000), 0x1_0000)]);
    Registers {
        transport: Transport::new(shown.clone()).expect("a device"),
        memory: memory.expect("memory"),
        seen: BTreeMap::new(),
    }
}

/// Looks at a model as the witness does, and holds that against what a lock with that device promises.
fn witnessed(kind: DeviceKind, said: &Virtio, shown: &Shown) {
    let mut registers = model(shown);
    look(&mut registers);
    let text = include_str!("../../examples/modern.vm.lock.json");
    let mut lock = canonical::parse(text).expect("a lock");
    lock.machine.devices.push(Device {
        name: "it".to_owned(),
        kind,
        range: Range {
            base: BASE,
            size: WINDOW,
        },
        interrupt: 34,
        virtio: Some(said.clone()),
    });
    let mut held = 0;
    for promise in promises(&lock) {
        if kind_of(promise.key) != Some(Kind::Virtio) {
            continue;
        }
        let (index, what) = parts(id_of(promise.key));
        // What is found out by driving it: its thread's tests look at that.
        if ring::ALL.iter().any(|driven| driven.contains(&what)) {
            continue;
        }
        let seen = registers.seen.remove(&what).map(Seen::Value);
        assert_eq!(index, 0);
        assert!(
            seen.is_some_and(|seen| promise.kept(seen)),
            "{kind:?}: {} is {seen:x?}, and {:x?} is promised",
            promise.name(),
            promise.value
        );
        held += 1;
    }
    assert!(held > 30 && registers.seen.is_empty(), "{held}");
}

/// What a guest finds out by using a device is frozen with its kind.
#[test]
fn constants_are_what_the_page_says() {
    let rows: [(&str, u64, u64); 10] = [
        (
            "block: pieces of data in a request, for queues that are as large (`seg_max`)",
            SEGMENTS.into(),
            254,
        ),
        (
            "block: sectors of a discard",
            DISCARD_SECTORS.into(),
            1 << 21,
        ),
        (
            "block: alignment of a discard, in sectors",
            DISCARD_ALIGNMENT.into(),
            8,
        ),
        (
            "block: sectors that are zeroed",
            ZERO_SECTORS.into(),
            1 << 15,
        ),
        (
            "net: bytes of a frame beyond the MTU: Ethernet's header and two VLAN tags",
            ETHERNET + TAGS,
            22,
        ),
        (
            "net: bytes of a frame that is yet to be segmented",
            LARGEST,
            65_550,
        ),
        ("entropy: bytes of a request", entropy::MOST, 64 << 10),
        ("vsock: connections", MOST as u64, 128),
        (
            "vsock: answers that wait before no more packets are taken",
            WAITING as u64,
            1024,
        ),
        (
            "vsock: bytes that a connection has room for (`buf_alloc`)",
            ALLOCATED.into(),
            256 << 10,
        ),
    ];
    let page = include_str!("../../docs/virtio.md");
    for (what, is, frozen) in rows {
        assert_eq!(is, frozen, "{what}");
        assert!(
            page.lines()
                .any(|line| line == format!("| {what} | {is} |")),
            "{what}"
        );
    }
}

#[test]
fn models_show_what_locks_say() {
    assert_eq!(mmio::WINDOW, WINDOW);
    for read_only in [false, true] {
        let block = Block {
            path: "root.img".to_owned(),
            sectors: 0x1234_5678_9abc,
            read_only,
            serial: "root".to_owned(),
            digest: None,
        };
        let kind = DeviceKind::VirtioBlock;
        let said = entry(kind, Some(block), None, None).expect("an entry");
        let disk = Disk {
            sectors: 0x1234_5678_9abc,
            read_only,
            serial: [0; SERIAL],
            queue: said.queues[0],
        };
        same(kind, &said, &disk.shown());
    }
    let net = Net {
        tap: Some("tap0".to_owned()),
        mac: "52:54:00:12:34:56".to_owned(),
        mtu: 9000,
    };
    let card = |queue| Nic {
        mac: mac(&net.mac).expect("an address"),
        mtu: net.mtu,
        queue,
    };
    let kind = DeviceKind::VirtioNet;
    let said = entry(kind, None, Some(net.clone()), None).expect("an entry");
    same(kind, &said, &card(said.queues[0]).shown());
    let sockets = Vsock {
        cid: 0xfedc_ba98,
        ports: Vec::new(),
    };
    let kind = DeviceKind::VirtioVsock;
    let said = entry(kind, None, None, Some(sockets)).expect("an entry");
    same(kind, &said, &vsock::shown(0xfedc_ba98, said.queues[0]));
    for (kind, shown) in [
        (
            DeviceKind::VirtioConsole,
            console::shown as fn(u16) -> Shown,
        ),
        (DeviceKind::VirtioEntropy, entropy::shown),
    ] {
        let said = entry(kind, None, None, None).expect("an entry");
        same(kind, &said, &shown(said.queues[0]));
    }
}

/// A model in which a register that can be written alone can be read.
struct Remembering {
    inner: Registers,
    register: u64,
    written: Option<u64>,
}

impl Window for Remembering {
    fn read(&mut self, offset: u64, bytes: u64) -> Result<u64, u64> {
        match self.written {
            Some(value) if offset == self.register => Ok(value),
            _ => self.inner.read(offset, bytes),
        }
    }
    fn write(&mut self, offset: u64, bytes: u64, value: u64) -> Result<(), u64> {
        if offset == self.register {
            self.written = Some(value);
        }
        self.inner.write(offset, bytes, value)
    }
    fn record(&mut self, what: u64, seen: Result<u64, u64>) {
        self.inner.record(what, seen);
    }
}

/// Each of them: the selectors, what a driver accepts, a queue's size and addresses, notifications.
#[test]
fn a_register_that_shows_what_was_written_is_noticed() {
    for register in [
        0x014, 0x020, 0x024, 0x030, 0x038, 0x050, 0x064, 0x080, 0x084, 0x090, 0x094, 0x0a0, 0x0a4,
        0x0ac,
    ] {
        let mut remembering = Remembering {
            inner: model(&entropy::shown(64)),
            register,
            written: None,
        };
        look(&mut remembering);
        assert_ne!(remembering.inner.seen[&ABSENT], 0, "{register:#x}");
    }
}

/// A card that takes segments without checksums lets a driver pass who breaks a rule; ours does not.
#[test]
fn a_device_that_lets_a_driver_pass_is_noticed() {
    let card = Nic {
        mac: [2; 6],
        mtu: 1500,
        queue: 256,
    };
    let mut without = card.shown();
    without.requires = &[];
    let mut registers = model(&without);
    look(&mut registers);
    assert_eq!(registers.seen[&NEGOTIATION] >> 32 & 0xff, 0xb);
    let mut registers = model(&card.shown());
    look(&mut registers);
    assert_eq!(registers.seen[&NEGOTIATION], NEGOTIATED);
}

/// A model that answers reads of other widths: of one register, or of all.
struct Narrow {
    inner: Registers,
    register: u64,
}

impl Window for Narrow {
    fn read(&mut self, offset: u64, bytes: u64) -> Result<u64, u64> {
        let register = offset & !3;
        let mask = u64::MAX >> (64 - 8 * bytes);
        if bytes == 4 || register != self.register {
            return self.inner.read(offset, bytes);
        }
        let word = self.inner.read(register, 4)?;
        Ok(word >> (8 * (offset - register)) & mask)
    }
    fn write(&mut self, offset: u64, bytes: u64, value: u64) -> Result<(), u64> {
        self.inner.write(offset, bytes, value)
    }
    fn record(&mut self, what: u64, seen: Result<u64, u64>) {
        self.inner.record(what, seen);
    }
}

/// Each register that holds something is read by other widths while it does.
#[test]
fn a_register_that_answers_other_widths_is_noticed() {
    let shown = entropy::shown(64);
    for register in [
        0x000, 0x004, 0x008, 0x00c, 0x010, 0x034, 0x0b0, 0x0b4, 0x0b8, 0x0bc,
    ] {
        let mut narrow = Narrow {
            inner: model(&shown),
            register,
        };
        look(&mut narrow);
        let seen = narrow.inner.seen[&REGISTER_WIDTHS];
        assert_ne!(seen, 0, "{register:#x}");
    }
}
