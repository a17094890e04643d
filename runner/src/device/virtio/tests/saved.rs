//! A device that is saved while its guest is held, and another one that goes on in its place: with the same memory, as a
//! machine that was restored has it.

use super::parking::{parked, rests};
use super::*;
use vm_memory::{Bytes as _, GuestAddress};
use vmlock_saved::device::Device as Saved;
use vmlock_saved::state::Lines;

/// The state of a guest's device, which rests meanwhile.
fn save(guest: &Guest) -> Saved {
    let _held = parked(guest);
    let (mut states, lines) = guest.bus.saved().expect("it can be saved");
    assert_eq!((states.len(), lines), (1, Lines::default()));
    states.remove(0)
}

/// A new device of the same guest, which goes on in that state.
fn restored(device: &Device, opened: Vec<Opened>, memory: &Memory, state: &Saved) -> Guest {
    let mut guest = Guest::new(device, opened, memory);
    let restored = guest
        .bus
        .restore(std::slice::from_ref(state), &Lines::default());
    restored.expect("it was saved so");
    guest
}

fn behind(device: &Device, server: impl Server + 'static) -> Vec<Opened> {
    vec![Opened {
        shown: shown(device).expect("a device"),
        server: Box::new(server),
        device: device.clone(),
    }]
}

#[test]
fn a_disk_goes_on_with_what_waited_and_with_what_was_lost() {
    let place = Place::new("saved-disk");
    place.disk(&[b'x'; 8 * 512]);
    let device = disk(8, false);
    let memory = memory();
    let mut guest = Guest::new(&device, place.open(&device).expect("it fits"), &memory);
    // Nobody saves a device that does not rest.
    let words = guest.bus.saved().expect_err("it is at work");
    assert!(
        words[0].contains("device `d`: its thread does not rest"),
        "{words:?}"
    );
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, FLUSH);
    let write = header(1, 2);
    guest.request(&mut driver, &write, Part::Out(&[b'a'; 512]));
    let held = parked(&guest);
    let parts = [
        Part::Out(&header(1, 3)),
        Part::Out(&[b'b'; 512]),
        Part::In(1),
    ];
    let waits = driver.offer(&parts)[2];
    guest.notify();
    let (states, _) = guest.bus.saved().expect("it can be saved");
    let disks = guest.bus.identify(false);
    let [(name, identity)] = <[_; 1]>::try_from(disks).ok().expect("one disk");
    let identity = identity
        .within(Duration::from_secs(60))
        .expect("it can be read");
    let identity = identity.flatten().expect("a disk");
    assert_eq!(name, "d");
    // It ends where it rests.
    let before = guest.read(0x60);
    drop(guest.bus);
    drop(held);
    let mut opened = loop {
        // Its thread lets go of the file when it sees that.
        match place.open(&device) {
            Ok(opened) => break opened,
            Err(words) => assert!(words.contains("another program"), "{words}"),
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(place.bytes()[3 * 512..4 * 512], [b'x'; 512]);
    let saved = [("d".to_owned(), identity)];
    assert_eq!(compare(&mut opened, &saved, &|_, _| ()), Ok(()));
    let mut guest = restored(&device, opened, &memory, &states[0]);
    assert_eq!((guest.read(STATUS), before & 1), (15, 1));
    guest.interrupted();
    while driver.bytes(waits, 1) != [0] || place.bytes()[3 * 512..4 * 512] != [b'b'; 512] {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(guest.back(&mut driver), 1);
    let parts = [Part::Out(&header(0, 2)), Part::In(512), Part::In(1)];
    let at = driver.offer(&parts);
    guest.notify();
    assert_eq!(guest.back(&mut driver), 513);
    assert_eq!(driver.bytes(at[1], 512), [b'a'; 512]);

    // What was lost is lost for the next machine, too.
    let model = disk::model(
        device
            .virtio
            .as_ref()
            .and_then(|v| v.block.as_ref())
            .expect("so"),
        256,
    );
    let new = || {
        behind(
            &device,
            disk::Disk::new(model.clone(), AtOnce::new(Failing(Arc::default()))),
        )
    };
    let mut guest = Guest::new(&device, new(), &memory);
    let mut driver = Driver::at(&memory, 16, BASE + 0x10_0000);
    guest.begin(&driver, FLUSH);
    assert_eq!(
        guest.request(&mut driver, &header(4, 0), Part::Out(&[])),
        (1, 1)
    );
    guest.write(0x64, u32::MAX);
    let state = save(&guest);
    assert!(state.text.contains("\"lost\": true"), "{}", state.text);
    let guest = restored(&device, new(), &memory, &state);
    guest.interrupted();
    for _ in 0..2 {
        assert_eq!(
            guest.request(&mut driver, &header(4, 0), Part::Out(&[])),
            (1, 1)
        );
    }
}

#[test]
fn a_disk_that_is_another_one_is_refused_by_name() {
    let place = Place::new("saved-other");
    place.disk(&[b'x'; 8 * 512]);
    let device = disk(8, false);
    let memory = memory();
    let mut opened = place.open(&device).expect("it fits");
    let file = fs::File::open(place.0.join("disk.img")).expect("it is there");
    let identity = disk::identity::of(&file, 8, &Default::default(), true, &Default::default())
        .expect("it can be read");
    let saved = [("d".to_owned(), identity.clone())];
    assert_eq!(compare(&mut opened, &saved, &|_, _| ()), Ok(()));
    let words = compare(&mut opened, &[], &|_, _| ()).expect_err("it is missing");
    assert!(words.contains("disk `d`: nothing was saved"), "{words}");
    let two = [saved[0].clone(), ("e".to_owned(), identity)];
    let words = compare(&mut opened, &two, &|_, _| ()).expect_err("there is none");
    assert!(words.contains("disk `e`: the lock has none"), "{words}");
    drop(opened);
    place.disk(&[b'y'; 8 * 512]);
    let words = compare(
        &mut place.open(&device).expect("it fits"),
        &saved,
        &|_, _| (),
    );
    let words = words.expect_err("it was changed");
    assert!(words.contains("disk `d`: it was changed since"), "{words}");
    let mut guest = Guest::new(
        &device,
        stand_in::stand_ins(std::slice::from_ref(&device)).expect("so"),
        &memory,
    );
    guest.write(STATUS, 1);
    let mut others = guest.bus.identify(false);
    let (_, identity) = others.pop().expect("a disk");
    assert_eq!(identity.within(Duration::from_secs(60)), Ok(Some(None)));
}

#[test]
fn only_what_the_lock_has_a_digest_of_is_held_by_it() {
    for (read_only, digest) in [(true, true), (true, false), (false, false)] {
        let mut device = disk(8, read_only);
        let virtio = device.virtio.as_mut().expect("it is one");
        let model = virtio.block.as_mut().expect("it is a disk");
        model.digest = digest.then(|| format!("sha256-{}", "5a".repeat(32)));
        let opened = behind(&device, Endless).remove(0);
        assert_eq!(opened.held_by_lock("d"), digest);
        assert!(!opened.held_by_lock("e"));
    }
}

/// A disk that never has been read to its end.
struct Endless;

impl Server for Endless {
    fn begin(&mut self, _: vmlock_virtio::features::Features, _: &mut Log) {}
    fn serve(&mut self, _: thread::Work) -> Result<Drained, Broken> {
        Ok(Drained::NOTHING)
    }
    fn identity(
        &mut self,
        _: bool,
        look: &look::Look,
        _: &mut Log,
    ) -> Option<io::Result<vmlock_saved::state::Disk>> {
        let end = (1..).find_map(|bytes| look.reached(bytes).err());
        end.map(Err)
    }
}

/// Its guest has it back, and its machine's end does not wait for it.
#[test]
fn a_disk_that_nobody_waits_for_is_read_no_further() {
    let (device, memory) = (disk(8, false), memory());
    for gone in [true, false] {
        let mut guest = Guest::new(&device, behind(&device, Endless), &memory);
        let mut looks = guest.bus.identify(true);
        let (_, look) = looks.pop().expect("a disk");
        while look.bytes() < 1000 {
            assert_eq!(look.within(Duration::from_millis(1)), Ok(None));
        }
        let look = (!gone).then_some(look);
        let begun = std::time::Instant::now();
        for farewell in guest.bus.finish(false) {
            assert!(farewell.wait(begun), "it is read for ever");
        }
        if let Some(look) = look {
            let words = look.within(Duration::from_secs(60)).expect_err("given up");
            assert!(words.contains("nobody waits"), "{words}");
        }
    }
}

#[test]
fn random_bytes_come_after_it_and_the_driver_is_interrupted_whatever_is_there() {
    let place = Place::new("saved-random");
    let device = device(DeviceKind::VirtioEntropy, None);
    let memory = memory();
    let open = || place.open(&device).expect("every host has some");
    let mut guest = Guest::new(&device, open(), &memory);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, 0);
    let state = save(&guest);
    drop(guest);
    // Nothing is available, and its driver may wait for what it was never told.
    let mut guest = restored(&device, open(), &memory, &state);
    guest.interrupted();
    assert_eq!((guest.read(0x60), driver.used()), (1, None));
    driver.offer(&[Part::In(9)]);
    guest.notify();
    guest.interrupted();
    assert_eq!(driver.used(), Some((0, 9)));
    // One that no driver has set up interrupts nobody.
    guest.write(STATUS, 0);
    let state = save(&guest);
    let guest = restored(&device, open(), &memory, &state);
    std::thread::sleep(Duration::from_millis(20));
    assert!(guest.doors.call.read().is_err());
}

/// One that says what it is told to do.
struct Told(std::sync::mpsc::Sender<&'static str>);

impl Server for Told {
    fn begin(&mut self, _: vmlock_virtio::features::Features, _: &mut Log) {
        self.0.send("begin").expect("somebody listens");
    }
    fn resume(&mut self, _: &mut Log) {
        self.0.send("resume").expect("somebody listens");
    }
    fn serve(&mut self, _: thread::Work) -> Result<Drained, Broken> {
        self.0.send("serve").expect("somebody listens");
        Ok(Drained::NOTHING)
    }
}

/// Whether the guest goes on is not known before everybody is there: until then nothing of it leaves the machine.
#[test]
fn one_that_is_parked_before_it_begins_does_nothing_and_then_owes_all() {
    let place = Place::new("saved-parked");
    let device = device(DeviceKind::VirtioEntropy, None);
    let memory = memory();
    let opened = place.open(&device).expect("every host has some");
    let mut guest = Guest::new(&device, opened, &memory);
    let driver = Driver::new(&memory, 16);
    guest.begin(&driver, 0);
    let state = save(&guest);
    drop(guest);
    let (sender, told) = std::sync::mpsc::channel();
    let (windows, threads) = ready(behind(&device, Told(sender)), &memory).expect("descriptors");
    let mut bus = Bus::new(std::slice::from_ref(&device), Box::new(io::sink()), windows);
    let restored = bus.restore(std::slice::from_ref(&state), &Lines::default());
    restored.expect("it was saved so");
    let mut held = bus.parks().remove(0).park();
    for thread in threads {
        thread.start(|| Ok(())).expect("threads are to be had");
    }
    rests(&mut held);
    let doors = bus.doors().pop().expect("it has some");
    let guest = Guest { bus, doors };
    guest.notify();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["begin"]);
    assert!(guest.doors.call.read().is_err());
    drop(held);
    guest.interrupted();
    let then: Vec<&str> = told.try_iter().collect();
    assert_eq!(then[..2], ["resume", "serve"]);
    assert!(!then[1..].contains(&"resume"));
}

#[test]
fn what_the_user_said_waits_for_the_guest_that_goes_on() {
    let place = Place::new("saved-console");
    let device = device(DeviceKind::VirtioConsole, None);
    let memory = memory();
    let open = || place.open(&device).expect("it needs nothing");
    let mut guest = Guest::new(&device, open(), &memory);
    let mut receive = Driver::new(&memory, 16);
    let transmit = Driver::at(&memory, 16, BASE + 0x10_0000);
    guest.begin_all(&[&receive, &transmit], 0);
    assert_eq!(guest.bus.console_input(b"hello"), (5, None));
    let state = save(&guest);
    drop(guest);
    let guest = restored(&device, open(), &memory, &state);
    let at = receive.offer(&[Part::In(16)])[0];
    guest.notify_of(0);
    assert_eq!(guest.back(&mut receive), 5);
    assert_eq!(receive.bytes(at, 5), b"hello");
}

/// Section 5.10.6.7: the driver resets what it has when it takes the event, and would reset what came before that.
#[test]
fn sockets_are_gone_and_nothing_is_received_before_the_driver_has_heard() {
    use vmlock_spec::lock::Vsock;
    use vmlock_virtio::vsock::Header;
    let place = Place::new("saved-vsock");
    let sockets = Vsock {
        cid: 3,
        ports: Vec::new(),
    };
    let device = Device {
        virtio: entry(DeviceKind::VirtioVsock, None, None, Some(sockets)),
        ..device(DeviceKind::VirtioVsock, None)
    };
    let memory = memory();
    let open = || place.open(&device).expect("it needs nothing");
    let mut guest = Guest::new(&device, open(), &memory);
    let mut receive = Driver::new(&memory, 16);
    let mut transmit = Driver::at(&memory, 16, BASE + 0x8_0000);
    let mut events = Driver::at(&memory, 16, BASE + 0x10_0000);
    guest.begin_all(&[&receive, &transmit, &events], 0);
    for _ in 0..4 {
        receive.offer(&[Part::In(100)]);
        events.offer(&[Part::In(4)]);
    }
    let state = save(&guest);
    drop(guest);
    let guest = restored(&device, open(), &memory, &state);
    assert_eq!(guest.back(&mut events), 4);
    let header = Header {
        source: (3, 77),
        destination: (2, 9),
        length: 0,
        kind: 1,
        operation: 1,
        flags: 0,
        allocated: 600,
        forwarded: 0,
    };
    transmit.offer(&[Part::Out(&header.bytes())]);
    guest.notify_of(1);
    guest.back(&mut transmit);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!((receive.used(), events.used()), (None, None));
    events.offer(&[Part::In(4)]);
    guest.notify_of(2);
    // There is no such port.
    assert_eq!(guest.back(&mut receive), 44);
    assert_eq!(events.used(), None);
}

/// What a saved one of each kind is, for ever.
const FROZEN: [(DeviceKind, &str); 5] = [
    (
        DeviceKind::VirtioBlock,
        include_str!("../../../../../spec/saved/tests/frozen/device/virtio-block-1.v1.json"),
    ),
    (
        DeviceKind::VirtioNet,
        include_str!("../../../../../spec/saved/tests/frozen/device/virtio-net-1.v1.json"),
    ),
    (
        DeviceKind::VirtioConsole,
        include_str!("../../../../../spec/saved/tests/frozen/device/virtio-console-1.v1.json"),
    ),
    (
        DeviceKind::VirtioEntropy,
        include_str!("../../../../../spec/saved/tests/frozen/device/virtio-entropy-1.v1.json"),
    ),
    (
        DeviceKind::VirtioVsock,
        include_str!("../../../../../spec/saved/tests/frozen/device/virtio-vsock-1.v1.json"),
    ),
];

fn frozen(text: &str) -> Saved {
    Saved {
        name: "d".to_owned(),
        version: 1,
        text: text.to_owned(),
    }
}

/// A device without anything of the host's behind it, which nobody serves.
fn idle(kind: DeviceKind, memory: &Memory) -> (Bus, Vec<Idle>) {
    use vmlock_spec::lock::{Net, Vsock};
    let device = match kind {
        DeviceKind::VirtioBlock => disk(8, false),
        DeviceKind::VirtioNet => {
            let net = Net {
                mac: "02:00:00:00:00:01".to_owned(),
                mtu: 1500,
                tap: None,
            };
            Device {
                virtio: entry(kind, None, Some(net), None),
                ..device(kind, None)
            }
        }
        DeviceKind::VirtioVsock => {
            let ports = Vec::new();
            Device {
                virtio: entry(kind, None, None, Some(Vsock { cid: 3, ports })),
                ..device(kind, None)
            }
        }
        _ => device(kind, None),
    };
    let devices = [device];
    let opened = stand_in::stand_ins(&devices).expect("they need nothing");
    let (windows, threads) = ready(opened, memory).expect("descriptors are to be had");
    (Bus::new(&devices, Box::new(io::sink()), windows), threads)
}

/// The guest's memory, in which so many chains have gone through each queue.
fn gone_through(positions: &[u16]) -> Memory {
    let memory = memory();
    for (at, position) in (0..).zip(positions) {
        for area in [0x4002, 0x5002] {
            let to = GuestAddress(BASE + 0x2_0000 * at + area);
            memory.write_obj(*position, to).expect("it is in memory");
        }
    }
    memory
}

fn positions(kind: DeviceKind) -> &'static [u16] {
    match kind {
        DeviceKind::VirtioNet => &[3, 65535],
        DeviceKind::VirtioConsole => &[3, 7],
        DeviceKind::VirtioVsock => &[3, 9],
        _ => &[3],
    }
}

#[test]
fn what_was_saved_once_can_be_restored_for_ever() {
    for (kind, text) in FROZEN {
        let memory = gone_through(positions(kind));
        let (mut bus, threads) = idle(kind, &memory);
        let restored = bus.restore(&[frozen(text)], &Lines::default());
        assert_eq!(restored, Ok(()), "{kind:?}");
        // Held before it begins, it has seen the driver and nothing of its queues.
        let mut held = bus.parks().remove(0).park();
        for thread in threads {
            thread.start(|| Ok(())).expect("threads are to be had");
        }
        while !held.rests() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (saved, _) = bus.saved().expect("it rests");
        assert_eq!(saved, [frozen(text)], "{kind:?}");
    }
}

#[test]
fn a_state_that_no_driver_makes_is_refused_by_name() {
    let long = format!("\"waiting\": \"{}\"", "61".repeat(65537));
    for (kind, text) in FROZEN {
        let memory = gone_through(positions(kind));
        let refused = |from: &str, to: &str, why: &str| {
            let text = text.replacen(from, to, 1);
            let (mut bus, _threads) = idle(kind, &memory);
            let words = bus.restore(&[frozen(&text)], &Lines::default());
            let words = words.expect_err(to);
            assert!(
                words.starts_with("device `d`: ") && words.contains(why),
                "{to}: {words}"
            );
        };
        for (from, to, why) in [
            (
                "\"Status\": \"0x0000000f\"",
                "\"Status\": \"0x0000001f\"",
                "Status",
            ),
            ("\"needsReset\": false", "\"needsReset\": null", "null"),
            // Without VIRTIO_F_VERSION_1, and with what nobody offers.
            (
                "\"0x00000001\",\n      \"0x00000000\",",
                "\"0x00000000\",\n      \"0x00000000\",",
                "DriverFeatures",
            ),
            (
                "\"0x00000000\"\n    ]",
                "\"0x80000000\"\n    ]",
                "DriverFeatures",
            ),
            (
                "\"InterruptStatus\": \"0x0000000",
                "\"InterruptStatus\": \"0x0000001",
                "InterruptStatus",
            ),
            ("\"queues\": [", "\"queues\": [], \"more\": [", "more"),
            (
                "\"QueueNum\": \"0x00000010\"",
                "\"QueueNum\": \"0x00000011\"",
                "queue 0",
            ),
            (
                "\"QueueNum\": \"0x00000010\"",
                "\"QueueNum\": \"0x80000000\"",
                "queue 0",
            ),
            (
                "\"QueueDesc\": \"0x00000000",
                "\"QueueDesc\": \"0xffffffff",
                "queue 0",
            ),
            (
                "\"QueueDriver\": \"0x00000000",
                "\"QueueDriver\": \"0xffffffff",
                "queue 0",
            ),
            (
                "\"QueueDevice\": \"0x00000000",
                "\"QueueDevice\": \"0xffffffff",
                "queue 0",
            ),
            ("\"position\": 3", "\"position\": 4", "queue 0"),
            ("\"position\": 3", "\"position\": 65536", "65536"),
        ] {
            refused(from, to, why);
        }
        match kind {
            DeviceKind::VirtioBlock => refused("\"lost\": true", "\"lost\": 1", "line"),
            DeviceKind::VirtioNet => refused("\"link\": true", "\"link\": 1", "line"),
            DeviceKind::VirtioConsole => {
                refused("\"waiting\": \"68656c6c6f\"", &long, "65536 bytes at most");
                refused(
                    "\"waiting\": \"68656c6c6f\"",
                    "\"waiting\": \"6\"",
                    "hex digits",
                );
            }
            _ => refused("\n}\n", ",\n  \"lost\": true\n}\n", "lost"),
        }
    }
}

/// A cable that its driver saw pulled out is in again at its new host, and the driver is told.
#[test]
fn a_card_is_plugged_in_again() {
    let (kind, text) = FROZEN[1];
    let memory = gone_through(positions(kind));
    let (mut bus, _threads) = idle(kind, &memory);
    let text = text.replace("\"link\": true", "\"link\": false");
    let restored = bus.restore(&[frozen(&text)], &Lines::default());
    assert_eq!(restored, Ok(()));
    let mut read = |offset: u64| {
        let mut word = [0; 4];
        bus.read(WINDOWS + offset, &mut word);
        u32::from_le_bytes(word)
    };
    // ConfigGeneration, InterruptStatus, the link's status.
    assert_eq!((read(0xfc), read(0x60), read(0x104) >> 16 & 1), (3, 2, 1));
}
