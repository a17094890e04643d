use super::*;
use crate::chain::Chain;
use crate::driver::{BASE, Driver, Memory, Part, memory};
use crate::random::Random;

/// Section 4.2.2, table 4.1, by hand: offset, whether it can be read, and written.
const REGISTERS: [(u64, bool, bool); 30] = [
    (0x000, true, false), // MagicValue
    (0x004, true, false), // Version
    (0x008, true, false), // DeviceID
    (0x00c, true, false), // VendorID
    (0x010, true, false), // DeviceFeatures
    (0x014, false, true), // DeviceFeaturesSel
    (0x020, false, true), // DriverFeatures
    (0x024, false, true), // DriverFeaturesSel
    (0x030, false, true), // QueueSel
    (0x034, true, false), // QueueNumMax
    (0x038, false, true), // QueueNum
    (0x044, true, true),  // QueueReady
    (0x050, false, true), // QueueNotify
    (0x060, true, false), // InterruptStatus
    (0x064, false, true), // InterruptACK
    (0x070, true, true),  // Status
    (0x080, false, true), // QueueDescLow
    (0x084, false, true), // QueueDescHigh
    (0x090, false, true), // QueueDriverLow
    (0x094, false, true), // QueueDriverHigh
    (0x0a0, false, true), // QueueDeviceLow
    (0x0a4, false, true), // QueueDeviceHigh
    (0x0ac, false, true), // SHMSel, which selects nothing
    (0x0b0, true, false), // SHMLenLow
    (0x0b4, true, false), // SHMLenHigh
    (0x0b8, true, false), // SHMBaseLow
    (0x0bc, true, false), // SHMBaseHigh
    (0x0c0, true, true),  // QueueReset, without VIRTIO_F_RING_RESET always 0
    (0x0fc, true, false), // ConfigGeneration
    (0x100, true, true),  // the configuration space
];
const NUM_MAX: u64 = 0x34;
const NUM: u64 = 0x38;
const READY: u64 = 0x44;
const NOTIFY: u64 = 0x50;
const INTERRUPT: u64 = 0x60;
const ACK: u64 = 0x64;
const STATUS: u64 = 0x70;
const GENERATION: u64 = 0xfc;
const CONFIG: u64 = 0x100;

/// A feature of the device's own, one that needs it, and the ring's.
const OWN: u32 = 3;
const NEEDS_OWN: u32 = 100;
const SIZES: [u16; 2] = [16, 4];

fn shown() -> Shown {
    Shown {
        device: 42,
        features: Features::of(&[OWN, NEEDS_OWN, VIRTIO_F_VERSION_1, 28, 29]),
        requires: &[(NEEDS_OWN, &[OWN, 28])],
        queues: SIZES.to_vec(),
        configuration: (1..=9).collect(),
    }
}

/// A device, the guest's memory, and how a guest reaches them.
struct Guest {
    transport: Transport,
    memory: Memory,
}

impl Guest {
    fn new() -> Self {
        Self {
            transport: Transport::new(shown()).expect("there is such a device"),
            memory: memory(),
        }
    }
    fn read(&self, offset: u64) -> u32 {
        let mut word = [0xaa; 4];
        self.transport.read(offset, &mut word);
        u32::from_le_bytes(word)
    }
    fn write(&mut self, offset: u64, value: u32) -> Effect {
        let word = value.to_le_bytes();
        self.transport.write(offset, &word, &self.memory)
    }
    fn quietly(&mut self, offset: u64, value: u32) {
        let effect = self.write(offset, value);
        assert!(matches!(effect, Effect::None), "{effect:?}");
    }
    fn accept(&mut self, bits: &[u32]) {
        let features = Features::of(bits);
        for select in 0..4 {
            self.quietly(0x24, select);
            self.quietly(0x20, features.word(select));
        }
    }
    fn set_up(&mut self, at: u32, setup: &Setup) {
        self.quietly(0x30, at);
        self.quietly(NUM, setup.size);
        let addresses = [setup.descriptors, setup.driver, setup.device];
        for (offset, address) in [0x80, 0x90, 0xa0].into_iter().zip(addresses) {
            self.quietly(offset, address as u32);
            self.quietly(offset + 4, (address >> 32) as u32);
        }
        self.quietly(READY, 1);
    }
    /// As Linux does it, with the first queue alone.
    fn start(&mut self) -> (Setup, Activation) {
        self.quietly(STATUS, 0);
        self.quietly(STATUS, 1);
        self.quietly(STATUS, 3);
        self.accept(&[VIRTIO_F_VERSION_1, OWN]);
        self.quietly(STATUS, 0xb);
        assert_eq!(self.read(STATUS), 0xb);
        let setup = Driver::new(&self.memory, SIZES[0]).setup;
        self.set_up(0, &setup);
        assert_eq!(self.read(READY), 1);
        match self.write(STATUS, 0xf) {
            Effect::Start(activation) => (setup, activation),
            other => panic!("{other:?}"),
        }
    }
    fn state(&self) -> saved::Transport {
        self.transport.save(&[])
    }
}

/// In every state that a driver brings a device into.
fn everywhere(look: impl Fn(&mut Guest)) {
    let prepare: [fn(&mut Guest); 6] = [
        |_| {},
        |guest| guest.quietly(STATUS, 1),
        |guest| {
            guest.quietly(STATUS, 3);
            guest.accept(&[VIRTIO_F_VERSION_1]);
            guest.quietly(STATUS, 0xb);
        },
        |guest| drop(guest.start()),
        |guest| {
            let (_, activation) = guest.start();
            activation.signals.used();
            guest.quietly(0x30, 1);
            guest.quietly(0x14, 3);
        },
        |guest| {
            let (_, activation) = guest.start();
            activation.signals.needs_reset();
            guest.quietly(0x30, u32::MAX);
            guest.quietly(0x14, u32::MAX);
        },
    ];
    for prepare in prepare {
        let mut guest = Guest::new();
        prepare(&mut guest);
        look(&mut guest);
    }
}

#[test]
fn every_read_of_every_width_has_its_answer() {
    everywhere(|guest| {
        let state = guest.state();
        let select = state.device_select;
        let queue = state.queues.get(state.queue_select as usize);
        let expected = |offset: u64| -> u32 {
            match offset {
                0x00 => 0x7472_6976,
                0x04 => 2,
                0x08 => 42,
                0x0c => 0x4b4c_4d56,
                0x10 => shown().features.word(select),
                NUM_MAX => SIZES
                    .get(state.queue_select as usize)
                    .map_or(0, |&n| n.into()),
                READY => queue.map_or(0, |q| q.ready.into()),
                INTERRUPT => state.causes,
                STATUS => state.status | if state.broken { 0x40 } else { 0 },
                0xb0..=0xbc => u32::MAX,
                _ => 0,
            }
        };
        for offset in (0..2 * WINDOW).chain(u64::MAX - 16..=u64::MAX) {
            for width in [0, 1, 2, 3, 4, 8, 16] {
                let mut data = vec![0xaa; width];
                guest.transport.read(offset, &mut data);
                let wanted: Vec<u8> = match offset {
                    ..CONFIG if width == 4 && offset % 4 == 0 => {
                        expected(offset).to_le_bytes().to_vec()
                    }
                    ..CONFIG => vec![0; width],
                    _ => (0..width as u64)
                        .map(|at| offset.saturating_add(at) - CONFIG)
                        .map(|at| if at < 9 { at as u8 + 1 } else { 0 })
                        .collect(),
                };
                assert_eq!(data, wanted, "{width} bytes at {offset:#x}");
            }
        }
        for (offset, readable, _) in REGISTERS {
            assert!(readable || guest.read(offset) == 0, "{offset:#x}");
        }
        // Reading changes nothing.
        assert_eq!(guest.state(), state);
    });
}

#[test]
fn only_whole_words_at_registers_that_take_them_are_writes() {
    everywhere(|guest| {
        let before = guest.state();
        for offset in (0..2 * WINDOW).chain(u64::MAX - 16..=u64::MAX) {
            let register = REGISTERS.iter().find(|(at, _, _)| *at == offset);
            let takes = register.is_some_and(|(_, _, writable)| *writable);
            for width in [0, 1, 2, 3, 4, 8, 16] {
                if takes && width == 4 && offset < CONFIG {
                    continue;
                }
                for byte in [0, 1, 0xff] {
                    let data = vec![byte; width];
                    let effect = guest.transport.write(offset, &data, &guest.memory);
                    assert!(matches!(effect, Effect::None), "{width} at {offset:#x}");
                }
            }
        }
        assert_eq!(guest.state(), before);
        let mut configuration = [0; 9];
        guest.transport.read(CONFIG, &mut configuration);
        assert_eq!(configuration.to_vec(), shown().configuration);
        // No register lies behind the last one.
        for (offset, _, _) in REGISTERS {
            guest.quietly(1 << 32 | offset, 1);
        }
        assert_eq!(guest.state(), before);
        // Those that take words and have no effect.
        for offset in [0xac, 0xc0] {
            guest.quietly(offset, 1);
        }
        assert_eq!(guest.state(), before);
    });
}

#[test]
fn the_tables_of_this_test_and_linux_agree() {
    let linux = [
        VIRTIO_MMIO_MAGIC_VALUE,
        VIRTIO_MMIO_VERSION,
        VIRTIO_MMIO_DEVICE_ID,
        VIRTIO_MMIO_VENDOR_ID,
        VIRTIO_MMIO_DEVICE_FEATURES,
        VIRTIO_MMIO_DEVICE_FEATURES_SEL,
        VIRTIO_MMIO_DRIVER_FEATURES,
        VIRTIO_MMIO_DRIVER_FEATURES_SEL,
        VIRTIO_MMIO_QUEUE_SEL,
        VIRTIO_MMIO_QUEUE_NUM_MAX,
        VIRTIO_MMIO_QUEUE_NUM,
        VIRTIO_MMIO_QUEUE_READY,
        VIRTIO_MMIO_QUEUE_NOTIFY,
        VIRTIO_MMIO_INTERRUPT_STATUS,
        VIRTIO_MMIO_INTERRUPT_ACK,
        VIRTIO_MMIO_STATUS,
        VIRTIO_MMIO_QUEUE_DESC_LOW,
        VIRTIO_MMIO_QUEUE_DESC_HIGH,
        VIRTIO_MMIO_QUEUE_AVAIL_LOW,
        VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
        VIRTIO_MMIO_QUEUE_USED_LOW,
        VIRTIO_MMIO_QUEUE_USED_HIGH,
        VIRTIO_MMIO_SHM_SEL,
        VIRTIO_MMIO_SHM_LEN_LOW,
        VIRTIO_MMIO_SHM_LEN_HIGH,
        VIRTIO_MMIO_SHM_BASE_LOW,
        VIRTIO_MMIO_SHM_BASE_HIGH,
        // Linux has no name for QueueReset.
        0xc0,
        VIRTIO_MMIO_CONFIG_GENERATION,
        VIRTIO_MMIO_CONFIG,
    ];
    assert_eq!(REGISTERS.map(|(offset, _, _)| offset), linux.map(u64::from));
}

#[test]
fn status_goes_one_way() {
    // From each status that there is, each value: what it leads to.
    let step = |status: u32, value: u32| -> u32 {
        if value == 0 {
            return 0;
        }
        let mut next = status | value & 0x80;
        for (bit, needs) in [(1, 0), (2, 1), (8, 2), (4, 8)] {
            if value & bit != 0 && next & needs == needs {
                next |= bit;
            }
        }
        next
    };
    for path in [&[][..], &[1], &[1, 3], &[1, 3, 0xb], &[1, 3, 0xb, 0xf]] {
        for failed in [0, 0x80] {
            for value in (0..256).chain([0x100, 0xffff_ff00, u32::MAX]) {
                let mut guest = Guest::new();
                guest.accept(&[VIRTIO_F_VERSION_1]);
                let mut status = 0;
                for &part in path.iter().chain(&[failed]) {
                    if part != 0 {
                        drop(guest.write(STATUS, part));
                        status = step(status, part);
                    }
                }
                assert_eq!(guest.read(STATUS), status);
                let effect = guest.write(STATUS, value);
                let next = step(status, value);
                assert_eq!(guest.read(STATUS), next, "{status:#x}, {value:#x}");
                match effect {
                    Effect::Start(_) => assert!(status & 4 == 0 && next & 4 != 0),
                    Effect::Reset => assert!(status & 4 != 0 && next == 0),
                    Effect::None => assert_eq!(status & 4, next & 4),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn features_are_accepted_as_a_whole_or_not() {
    let cases: [(&[u32], bool); 10] = [
        (&[VIRTIO_F_VERSION_1], true),
        (&[VIRTIO_F_VERSION_1, OWN], true),
        (&[VIRTIO_F_VERSION_1, OWN, NEEDS_OWN, 28, 29], true),
        (&[VIRTIO_F_VERSION_1, NEEDS_OWN, 28], true),
        // Without the first, one that needs another, and those that are not offered.
        (&[], false),
        (&[OWN], false),
        (&[VIRTIO_F_VERSION_1, NEEDS_OWN], false),
        (&[VIRTIO_F_VERSION_1, 0], false),
        (&[VIRTIO_F_VERSION_1, 34], false),
        (&[VIRTIO_F_VERSION_1, 127], false),
    ];
    for (bits, taken) in cases {
        let mut guest = Guest::new();
        guest.quietly(STATUS, 3);
        guest.accept(bits);
        guest.quietly(STATUS, 0xb);
        assert_eq!(guest.read(STATUS), if taken { 0xb } else { 3 }, "{bits:?}");
        // DRIVER_OK needs FEATURES_OK.
        let started = matches!(guest.write(STATUS, 0xf), Effect::Start(_));
        assert_eq!(started, taken, "{bits:?}");
    }
}

#[test]
fn what_was_accepted_stays() {
    let mut guest = Guest::new();
    let (_, activation) = guest.start();
    assert_eq!(
        activation.features,
        Features::of(&[VIRTIO_F_VERSION_1, OWN])
    );
    let before = guest.state().accepted;
    guest.accept(&[28]);
    assert_eq!(guest.state().accepted, before);
    // Words that there are not say nothing.
    let mut guest = Guest::new();
    guest.accept(&[VIRTIO_F_VERSION_1]);
    for select in [4, 5, u32::MAX] {
        guest.quietly(0x24, select);
        guest.quietly(0x20, u32::MAX);
        guest.quietly(0x14, select);
        assert_eq!(guest.read(0x10), 0);
    }
    guest.quietly(STATUS, 0xb);
    assert_eq!(guest.read(STATUS), 0xb);
}

#[test]
fn a_queue_becomes_ready_in_its_time_and_place() {
    let mut guest = Guest::new();
    let setup = Driver::new(&guest.memory, SIZES[0]).setup;
    guest.quietly(STATUS, 3);
    guest.accept(&[VIRTIO_F_VERSION_1]);
    guest.set_up(0, &setup);
    assert_eq!(guest.read(READY), 0, "before FEATURES_OK");
    guest.quietly(STATUS, 0xb);
    for (wrong, why) in [
        (Setup { size: 32, ..setup }, "larger than the largest"),
        (Setup { size: 12, ..setup }, "no power of two"),
        (Setup { driver: 0, ..setup }, "not in memory"),
        (
            Setup {
                device: setup.device + 2,
                ..setup
            },
            "not aligned",
        ),
        (
            Setup {
                descriptors: setup.descriptors | 1 << 63,
                ..setup
            },
            "not in memory",
        ),
    ] {
        guest.set_up(0, &wrong);
        assert_eq!(guest.read(READY), 0, "{why}");
    }
    guest.set_up(0, &setup);
    assert_eq!(guest.read(READY), 1);
    // What is said of it now counts no more.
    let before = guest.state();
    guest.set_up(
        0,
        &Setup {
            size: 1,
            descriptors: 0,
            ..setup
        },
    );
    assert_eq!(guest.state(), before);
    for value in [2, 3, u32::MAX] {
        guest.quietly(READY, value);
        assert_eq!(guest.read(READY), 1);
    }
    // Until it is taken away.
    guest.quietly(READY, 0);
    assert_eq!(guest.read(READY), 0);
    guest.set_up(1, &Setup { size: 4, ..setup });
    assert_eq!(guest.read(READY), 1);
    for none in [2, 3, 0x1_0000, 0x1_0001, u32::MAX] {
        let before = guest.state().queues;
        guest.set_up(none, &setup);
        assert_eq!((guest.read(READY), guest.read(NUM_MAX)), (0, 0));
        assert_eq!(guest.state().queues, before);
    }
    let Effect::Start(activation) = guest.write(STATUS, 0xf) else {
        panic!("it does not start");
    };
    let rings: Vec<bool> = activation.rings.iter().map(Option::is_some).collect();
    assert_eq!(rings, [false, true]);
    guest.set_up(0, &setup);
    assert_eq!(guest.read(READY), 0, "after DRIVER_OK");
}

#[test]
fn a_queue_is_taken_away_once() {
    let mut guest = Guest::new();
    guest.start();
    assert!(matches!(guest.write(NOTIFY, 0), Effect::Notify(0)));
    assert!(matches!(guest.write(READY, 0), Effect::Stop(0)));
    assert_eq!(guest.read(READY), 0);
    guest.quietly(READY, 0);
    guest.quietly(READY, 1);
    assert_eq!(guest.read(READY), 0);
    guest.quietly(NOTIFY, 0);
}

#[test]
fn a_notification_counts_for_a_queue_that_works() {
    let mut guest = Guest::new();
    guest.quietly(NOTIFY, 0);
    let setup = Driver::new(&guest.memory, SIZES[0]).setup;
    guest.quietly(STATUS, 3);
    guest.accept(&[VIRTIO_F_VERSION_1]);
    guest.quietly(STATUS, 0xb);
    guest.set_up(0, &setup);
    assert_eq!(guest.read(READY), 1);
    guest.quietly(NOTIFY, 0);
    let (_, activation) = guest.start();
    assert!(matches!(guest.write(NOTIFY, 0), Effect::Notify(0)));
    for none in [1, 2, 0x1_0000, u32::MAX] {
        guest.quietly(NOTIFY, none);
    }
    activation.signals.needs_reset();
    guest.quietly(NOTIFY, 0);
}

#[test]
fn an_interrupt_says_why_until_it_is_acknowledged() {
    let mut guest = Guest::new();
    let (_, activation) = guest.start();
    assert_eq!(guest.read(INTERRUPT), 0);
    activation.signals.used();
    activation.signals.configuration();
    assert_eq!(guest.read(INTERRUPT), 3);
    guest.quietly(ACK, 1);
    assert_eq!(guest.read(INTERRUPT), 2);
    guest.quietly(ACK, 0xffff_fffd);
    assert_eq!(guest.read(INTERRUPT), 2);
    guest.quietly(ACK, u32::MAX);
    assert_eq!(guest.read(INTERRUPT), 0);
}

#[test]
fn a_broken_device_says_so_until_it_is_reset() {
    let mut guest = Guest::new();
    let (_, activation) = guest.start();
    activation.signals.needs_reset();
    assert_eq!((guest.read(STATUS), guest.read(INTERRUPT)), (0x4f, 2));
    // No driver takes the bit away, or gives it.
    guest.quietly(STATUS, 0xf);
    assert_eq!(guest.read(STATUS), 0x4f);
    assert!(matches!(guest.write(STATUS, 0), Effect::Reset));
    guest.quietly(STATUS, 0x41);
    assert_eq!(guest.read(STATUS), 1);
}

#[test]
fn a_reset_leaves_what_the_device_shows_alone() {
    let mut guest = Guest::new();
    let fresh = guest.state();
    let (_, activation) = guest.start();
    guest.quietly(0x30, 1);
    guest.quietly(0x14, 1);
    activation.signals.used();
    assert!(guest.transport.reconfigure(|bytes| bytes[0] = 0x55));
    assert!(matches!(guest.write(STATUS, 0), Effect::Reset));
    let after = guest.state();
    assert_eq!(
        after,
        saved::Transport {
            generation: 1,
            ..fresh
        }
    );
    guest.quietly(STATUS, 0);
    // A thread that is late is seen by nobody.
    activation.signals.needs_reset();
    assert_eq!((guest.read(STATUS), guest.read(INTERRUPT)), (0, 0));
    assert_eq!(guest.read(CONFIG), 0x0403_0255);
    let (_, again) = guest.start();
    again.signals.used();
    assert_eq!(guest.read(INTERRUPT), 1);
}

#[test]
fn a_change_of_the_configuration_is_told() {
    let mut guest = Guest::new();
    assert!(!guest.transport.reconfigure(|bytes| bytes[8] = 7));
    assert_eq!((guest.read(GENERATION), guest.read(INTERRUPT)), (1, 0));
    guest.start();
    assert!(!guest.transport.reconfigure(|bytes| bytes[8] = 7));
    assert_eq!((guest.read(GENERATION), guest.read(INTERRUPT)), (1, 0));
    assert!(guest.transport.reconfigure(|bytes| bytes[8] = 8));
    assert_eq!((guest.read(GENERATION), guest.read(INTERRUPT)), (2, 2));
    let mut last = [0];
    guest.transport.read(CONFIG + 8, &mut last);
    assert_eq!(last, [8]);
}

#[test]
fn a_device_that_cannot_be_is_refused() {
    let wrong = [
        Shown {
            features: Features::of(&[OWN]),
            ..shown()
        },
        Shown {
            queues: vec![16, 0],
            ..shown()
        },
        Shown {
            queues: vec![12],
            ..shown()
        },
        Shown {
            configuration: vec![0; 257],
            ..shown()
        },
    ];
    for shown in wrong {
        assert!(Transport::new(shown.clone()).is_err(), "{shown:?}");
    }
    let most = Shown {
        queues: vec![1 << 15],
        configuration: vec![1; 256],
        ..shown()
    };
    let transport = Transport::new(most).expect("there is such a device");
    let mut last = [0; 2];
    transport.read(0x1ff, &mut last);
    assert_eq!(last, [1, 0]);
}

/// A device that is at work, saved after some chains.
fn saved_at_work() -> (Guest, saved::Transport) {
    let mut guest = Guest::new();
    let (_, mut activation) = guest.start();
    let mut driver = Driver::new(&guest.memory, SIZES[0]);
    let ring = activation.rings[0].as_mut().expect("it is ready");
    for _ in 0..3 {
        driver.offer(&[Part::In(1)]);
        let mut chain = Chain::default();
        assert_eq!(ring.take(&guest.memory, &mut chain), Ok(true));
        let given = ring.give(&guest.memory, chain.head(), 1);
        given.expect("it was taken");
    }
    driver.offer(&[Part::In(7)]);
    activation.signals.used();
    let positions = activation
        .rings
        .iter()
        .map(|ring| ring.as_ref()?.position());
    let state = guest.transport.save(&positions.collect::<Vec<_>>());
    (guest, state)
}

#[test]
fn a_saved_device_goes_on_where_it_was() {
    let (guest, state) = saved_at_work();
    assert_eq!(state.queues[0].position, 3);
    let fresh = Transport::new(shown()).expect("there is such a device");
    let (transport, activation) = fresh.restored(&state, &guest.memory).expect("it is one");
    let mut activation = activation.expect("it is at work");
    assert_eq!(transport.save(&[Some(3), None]), state);
    for offset in (0..WINDOW).step_by(4) {
        let mut word = [0; 4];
        transport.read(offset, &mut word);
        assert_eq!(u32::from_le_bytes(word), guest.read(offset), "{offset:#x}");
    }
    let ring = activation.rings[0].as_mut().expect("it is ready");
    let mut chain = Chain::default();
    assert_eq!(ring.take(&guest.memory, &mut chain), Ok(true));
    assert_eq!(chain.writable().length(), 7);
    assert!(activation.rings[1].is_none());
}

#[test]
fn every_state_that_a_driver_makes_can_be_saved() {
    everywhere(|guest| {
        let state = guest.state();
        let fresh = Transport::new(shown()).expect("there is such a device");
        let (transport, activation) = fresh.restored(&state, &guest.memory).expect("it is one");
        assert_eq!(transport.save(&[]), state);
        assert_eq!(activation.is_some(), state.status & 4 != 0 && !state.broken);
    });
}

#[test]
fn a_saved_state_is_believed_no_more_than_a_guest() {
    let (guest, state) = saved_at_work();
    let with = |change: &dyn Fn(&mut saved::Transport)| {
        let mut state = state.clone();
        change(&mut state);
        let fresh = Transport::new(shown()).expect("there is such a device");
        fresh.restored(&state, &guest.memory).err()
    };
    type Change = &'static dyn Fn(&mut saved::Transport);
    let cases: [(Change, Refused); 22] = [
        (&|s| s.status = 0x1f, Refused::Status),
        (&|s| s.status = 0x4f, Refused::Status),
        (&|s| s.status = 0x10f, Refused::Status),
        (&|s| s.status = 0xe, Refused::Status),
        (&|s| s.status = 0x7, Refused::Status),
        (&|s| s.accepted[0] |= 1, Refused::Features),
        (&|s| s.accepted[1] = 0, Refused::Features),
        (&|s| s.accepted = [0, 1, 0, 1 << 4], Refused::Features),
        (&|s| s.causes = 4, Refused::Causes),
        (&|s| (s.status, s.causes) = (0xb, 1), Refused::Causes),
        (
            &|s| (s.status, s.causes, s.broken) = (0xb, 0, true),
            Refused::Broken,
        ),
        (&|s| s.queues.truncate(1), Refused::Queues),
        (&|s| s.queues.push(s.queues[0]), Refused::Queues),
        (&|s| s.queues[0].size = 32, Refused::Queue(0)),
        (&|s| s.queues[0].descriptors = BASE - 16, Refused::Queue(0)),
        (&|s| s.queues[0].driver += 1, Refused::Queue(0)),
        (&|s| s.queues[0].device = u64::MAX - 3, Refused::Queue(0)),
        (&|s| s.queues[0].position = 2, Refused::Queue(0)),
        (&|s| s.queues[1].ready = true, Refused::Queue(1)),
        (&|s| s.queues[1].position = 3, Refused::Queue(1)),
        (&|s| (s.causes, s.broken) = (2, true), Refused::Queue(0)),
        (&|s| (s.status, s.causes) = (3, 0), Refused::Queue(0)),
    ];
    for (at, (change, refused)) in cases.into_iter().enumerate() {
        assert_eq!(with(change), Some(refused), "case {at}");
    }
    assert_eq!(with(&|_| {}), None);
}

/// Where a guest without a plan looks or writes, what, and how wide.
fn anywhere(random: &mut Random) -> (u64, u32, usize) {
    let offset = match random.below(9) {
        0 => random.below(2 * WINDOW),
        1 => STATUS,
        3 => NOTIFY,
        2 => READY,
        _ => REGISTERS[random.below(30) as usize].0,
    };
    let value = match random.below(16) {
        0 => random.bits() as u32,
        1 => BASE as u32 + random.below(64) as u32 * 0x100,
        2 => 0xb,
        3 => 0xf,
        4..=8 => 1,
        _ => random.below(4) as u32,
    };
    let width = [4, 4, 4, 1, 2, 8][random.below(6) as usize];
    (offset, value, width)
}

/// Both have the same memory, and nobody takes anything out of the rings.
#[test]
fn a_restored_device_answers_as_the_one_that_was_saved() {
    let mut random = Random(10);
    let (mut at_work, mut broken) = (0, 0);
    for _ in 0..200 {
        let mut guest = Guest::new();
        let setup = Driver::new(&guest.memory, SIZES[0]).setup;
        let mut signals: Option<Arc<Signals>> = None;
        for _ in 0..random.below(400) {
            match random.below(24) {
                0 => guest.set_up(0, &setup),
                1 => guest.accept(&[VIRTIO_F_VERSION_1]),
                2 => _ = guest.transport.reconfigure(|bytes| bytes[0] ^= 1),
                3 => {
                    if let Some(signals) = &signals {
                        signals.used();
                    }
                }
                4 if random.below(8) == 0 => {
                    if let Some(signals) = &signals {
                        signals.needs_reset();
                    }
                }
                _ => {}
            }
            let (offset, value, width) = anywhere(&mut random);
            let data = &u64::from(value).to_le_bytes()[..width];
            if let Effect::Start(activation) = guest.transport.write(offset, data, &guest.memory) {
                signals = Some(activation.signals);
            }
        }
        let state = guest.state();
        // What the configuration says is its device's own.
        let fresh = Transport {
            shown: guest.transport.shown.clone(),
            ..Transport::new(shown()).expect("there is such a device")
        };
        let restored = fresh.restored(&state, &guest.memory);
        let (mut restored, activation) = restored.expect("a driver made it");
        at_work += u32::from(activation.is_some());
        broken += u32::from(state.broken);
        for _ in 0..1_000 {
            let (offset, value, width) = anywhere(&mut random);
            let data = &u64::from(value).to_le_bytes()[..width];
            let before = guest.transport.write(offset, data, &guest.memory);
            let after = restored.write(offset, data, &guest.memory);
            assert_eq!(format!("{before:?}"), format!("{after:?}"));
            let (offset, _, width) = anywhere(&mut random);
            let (mut one, mut other) = ([0; 8], [0; 8]);
            guest.transport.read(offset, &mut one[..width]);
            restored.read(offset, &mut other[..width]);
            assert_eq!(one, other, "{offset:#x}");
        }
        assert_eq!(restored.save(&[]), guest.state());
    }
    assert!(at_work > 10 && broken > 3, "{at_work}, {broken}");
}

#[test]
fn no_access_breaks_it() {
    let mut random = Random(6);
    let mut guest = Guest::new();
    let (mut started, mut stopped, mut reset, mut notified) = (0, 0, 0, 0);
    let setup = Driver::new(&guest.memory, SIZES[0]).setup;
    for _ in 0..300_000 {
        // Now and then a step as a driver makes it, or it would never come far.
        match random.below(32) {
            0 => guest.set_up(0, &setup),
            1 => guest.accept(&[VIRTIO_F_VERSION_1]),
            _ => {}
        }
        let (offset, value, width) = anywhere(&mut random);
        let data = &u64::from(value).to_le_bytes()[..width];
        match guest.transport.write(offset, data, &guest.memory) {
            Effect::Start(activation) => {
                started += 1;
                assert!(activation.features.within(shown().features));
                if random.below(4) == 0 {
                    activation.signals.needs_reset();
                }
            }
            Effect::Stop(at) => {
                stopped += 1;
                assert!(usize::from(at) < SIZES.len());
            }
            Effect::Notify(at) => {
                notified += 1;
                assert!(usize::from(at) < SIZES.len());
            }
            Effect::Reset => reset += 1,
            Effect::None => {}
        }
        let mut seen = [0; 8];
        guest
            .transport
            .read(random.below(2 * WINDOW), &mut seen[..width]);
        // What a driver made, it could have made: it can be saved.
        if random.below(64) == 0 {
            let (state, fresh) = (guest.state(), Transport::new(shown()));
            let fresh = fresh.expect("there is such a device");
            let restored = fresh.restored(&state, &guest.memory);
            assert_eq!(restored.err(), None, "{state:x?}");
        }
    }
    for count in [started, stopped, reset, notified] {
        assert!(count > 20, "{started}, {stopped}, {reset}, {notified}");
    }
}
