//! A guest's driver at the registers of a device, with its thread and its file behind
//! them; KVM's part, eventfds that are signalled, is played too.

use super::*;
use crate::device::bus::Bus;
use std::os::fd::{AsRawFd as _, RawFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs, process};
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;
use vmlock_spec::lock::{Block, Range};
use vmlock_spec::machine::virtio::{BASE as WINDOWS, WINDOW, entry};
use vmlock_virtio::block::engine::{AtOnce, Backend};
use vmlock_virtio::driver::{BASE, Driver, Part, memory};
use vmlock_virtio::ring::{Broken, Drained};

pub mod parking;
mod saved;
mod sockets;

const STATUS: u64 = 0x70;
const NEEDS_RESET: u32 = 0x40;
/// VIRTIO_F_VERSION_1 in its word.
const VERSION_1: u32 = 1;
/// VIRTIO_BLK_F_FLUSH in its word.
pub const FLUSH: u32 = 1 << 9;

/// A folder of its own, gone with the test.
pub struct Place(PathBuf);

impl Place {
    pub fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("vmlock-virtio-{}-{name}", process::id()));
        fs::create_dir_all(&path).expect("the temporary directory takes files");
        Self(path)
    }

    pub fn disk(&self, bytes: &[u8]) {
        fs::write(self.0.join("disk.img"), bytes).expect("the temporary directory takes files");
    }

    pub fn bytes(&self) -> Vec<u8> {
        fs::read(self.0.join("disk.img")).expect("it is there")
    }

    pub fn open(&self, device: &Device) -> Result<Vec<Opened>, String> {
        self.open_all(std::slice::from_ref(device), Taken::default())
    }

    fn open_all(&self, devices: &[Device], taken: Taken) -> Result<Vec<Opened>, String> {
        self.open_of(devices, taken, Others::None)
    }

    fn open_of(
        &self,
        devices: &[Device],
        taken: Taken,
        others: Others<'_>,
    ) -> Result<Vec<Opened>, String> {
        open(
            devices,
            &self.0,
            taken,
            &|| Box::new(std::io::sink()),
            true,
            others,
        )
        .map_err(|failure| match failure {
            Failure::Refused(refusals) => {
                let words = refusals
                    .iter()
                    .map(|r| format!("{}; {}", r.offered, r.reason));
                words.collect()
            }
            other => panic!("{other:?}"),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left behind is left in the temporary directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn device(kind: DeviceKind, block: Option<Block>) -> Device {
    Device {
        name: "d".to_owned(),
        kind,
        range: Range {
            base: WINDOWS,
            size: WINDOW,
        },
        interrupt: 34,
        virtio: entry(kind, block, None, None),
    }
}

pub fn disk(sectors: u64, read_only: bool) -> Device {
    let block = Block {
        path: "disk.img".to_owned(),
        sectors,
        read_only,
        serial: "serial".to_owned(),
        digest: None,
    };
    device(DeviceKind::VirtioBlock, Some(block))
}

/// A device with its guest.
pub struct Guest {
    pub bus: Bus,
    doors: Doors,
}

impl Guest {
    pub fn new(device: &Device, opened: Vec<Opened>, memory: &Memory) -> Self {
        let (windows, threads) = ready(opened, memory).expect("descriptors are to be had");
        for thread in threads {
            let kind = thread.kind();
            // Whatever these tests do, it is no more than a jail allows.
            let first = move || {
                crate::jail::confine_this_thread(kind);
                Ok(())
            };
            thread.start(first).expect("threads are to be had");
        }
        let devices = std::slice::from_ref(device);
        let mut bus = Bus::new(devices, Box::new(io::sink()), windows);
        let doors = bus.doors().pop().expect("it has some");
        assert!(bus.doors().is_empty());
        Self { bus, doors }
    }

    fn write(&mut self, offset: u64, value: u32) {
        let line = self.bus.write(WINDOWS + offset, &value.to_le_bytes());
        assert_eq!(line, None);
        if let Some(wait) = self.bus.wait() {
            wait.over();
        }
    }

    fn read(&mut self, offset: u64) -> u32 {
        let mut word = [0; 4];
        self.bus.read(WINDOWS + offset, &mut word);
        u32::from_le_bytes(word)
    }

    /// Sets the device up with one queue, as a driver does.
    pub fn begin(&mut self, driver: &Driver, features: u32) {
        self.begin_all(&[driver], features);
    }

    /// The same with all of its queues.
    fn begin_all(&mut self, drivers: &[&Driver], features: u32) {
        self.write(STATUS, 0);
        self.write(STATUS, 1 | 2);
        for (select, word) in [(0, features), (1, VERSION_1)] {
            self.write(0x24, select);
            self.write(0x20, word);
        }
        self.write(STATUS, 1 | 2 | 8);
        for (queue, driver) in (0..).zip(drivers) {
            self.write(0x30, queue);
            self.write(0x38, driver.setup.size);
            for (offset, address) in [
                (0x80, driver.setup.descriptors),
                (0x90, driver.setup.driver),
                (0xa0, driver.setup.device),
            ] {
                self.write(offset, address as u32);
                self.write(offset + 4, (address >> 32) as u32);
            }
            self.write(0x44, 1);
            assert_eq!(self.read(0x44), 1);
        }
        self.write(STATUS, 1 | 2 | 4 | 8);
        self.write(STATUS, 1 | 2 | 8 | 4);
        assert_eq!(self.read(STATUS), 15);
    }

    /// What KVM does when the guest writes to QueueNotify.
    pub fn notify(&self) {
        self.notify_of(0);
    }

    fn notify_of(&self, queue: usize) {
        self.doors.queues[queue].write(1).expect("it counts");
    }

    /// Waits for a chain to come back; how much was written.
    pub fn back(&self, driver: &mut Driver) -> u32 {
        for _ in 0..10_000 {
            if let Some((_, written)) = driver.used() {
                return written;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("nothing came back in ten seconds");
    }

    /// Waits for the interrupt.
    fn interrupted(&self) {
        for _ in 0..10_000 {
            if self.doors.call.read().is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("no interrupt in ten seconds");
    }

    /// Makes a request and waits for it; its status, and how much was written.
    fn request(&self, driver: &mut Driver, header: &[u8], data: Part) -> (u8, u32) {
        let parts = [Part::Out(header), data, Part::In(1)];
        let status = driver.offer(&parts)[2];
        self.notify();
        self.interrupted();
        let (_, written) = driver.used().expect("it came back");
        (driver.bytes(status, 1)[0], written)
    }
}

pub fn header(kind: u32, sector: u64) -> Vec<u8> {
    let mut header = kind.to_le_bytes().to_vec();
    header.extend([0; 4]);
    header.extend(sector.to_le_bytes());
    header
}

#[test]
fn what_a_guest_writes_is_in_the_file_and_comes_back() {
    let place = Place::new("disk");
    place.disk(&[b'x'; 8 * 512 + 100]);
    let device = disk(8, false);
    let memory = memory();
    let opened = place.open(&device).expect("it fits");
    let mut guest = Guest::new(&device, opened, &memory);
    // Twice: a reset leaves nothing behind.
    for round in 0..2 {
        let base = BASE + 0x10_0000 * round;
        let mut driver = Driver::at(&memory, 16, base);
        guest.begin(&driver, FLUSH);
        let block = [b'a' + round as u8; 1024];
        let (status, written) = guest.request(&mut driver, &header(1, 6), Part::Out(&block));
        assert_eq!((status, written), (0, 1));
        assert_eq!(
            guest.request(&mut driver, &header(4, 0), Part::Out(&[])),
            (0, 1)
        );
        let bytes = place.bytes();
        assert_eq!(bytes[6 * 512..8 * 512], block);
        // What is behind the disk's end is not the guest's.
        assert_eq!(bytes[8 * 512..], [b'x'; 100]);
        assert_eq!(
            guest.request(&mut driver, &header(1, 7), Part::Out(&block)),
            (1, 1)
        );
        let parts = [Part::Out(&header(0, 5)), Part::In(1024), Part::In(1)];
        let at = driver.offer(&parts);
        guest.notify();
        guest.interrupted();
        assert_eq!(driver.used().map(|(_, written)| written), Some(1025));
        assert_eq!(driver.bytes(at[2], 1), [0]);
        assert_eq!(driver.bytes(at[1], 512), [b'x'; 512]);
        assert_eq!(driver.bytes(at[1] + 512, 512), block[..512]);
        assert_eq!(guest.read(0x60), 1);
        guest.write(0x64, 1);
        assert_eq!(guest.read(0x60), 0);
    }
}

#[test]
fn a_disk_of_a_guest_that_comes_has_to_be_held_by_its_other_end() {
    let place = Place::new("comes");
    place.disk(&[0; 512]);
    for (read_only, is_held, unseen, good) in [
        (false, true, false, true),
        (false, false, false, false),
        (false, false, true, true),
        (false, true, true, true),
        // Of what both read, neither keeps the other one out.
        (true, true, false, true),
        (true, false, false, true),
    ] {
        let device = disk(1, read_only);
        let other = is_held.then(|| place.open(&device).expect("nobody has it"));
        let devices = std::slice::from_ref(&device);
        let opened = place.open_of(devices, Taken::default(), Others::Disks { unseen });
        match opened {
            Ok(_) => assert!(good, "{read_only} {is_held} {unseen}"),
            Err(why) => assert!(!good && why.contains("lock is not seen here"), "{why}"),
        }
        drop(other);
        // It holds nothing yet, nor does what was refused.
        assert!(place.open(&device).is_ok());
    }
}

#[test]
fn an_exit_notifies_as_an_eventfd_does() {
    let place = Place::new("notify");
    place.disk(&[0; 512]);
    let device = disk(1, true);
    let memory = memory();
    let opened = place.open(&device).expect("it fits");
    let mut guest = Guest::new(&device, opened, &memory);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, FLUSH);
    let at = driver.offer(&[Part::Out(&header(8, 0)), Part::In(20), Part::In(1)]);
    guest.write(QUEUE_NOTIFY, 0);
    guest.interrupted();
    assert_eq!(driver.bytes(at[1], 7), *b"serial\0");
    // Queues that there are not, and what is no word, wake nobody.
    guest.write(QUEUE_NOTIFY, 1);
    guest.write(QUEUE_NOTIFY, u32::MAX);
    guest.bus.write(WINDOWS + QUEUE_NOTIFY, &[0]);
}

#[test]
fn a_driver_that_breaks_a_rule_is_told_and_can_begin_again() {
    let place = Place::new("broken");
    place.disk(&[0; 512]);
    let device = disk(1, false);
    let memory = memory();
    let opened = place.open(&device).expect("it fits");
    let mut guest = Guest::new(&device, opened, &memory);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, FLUSH);
    // A buffer beyond the guest's memory.
    driver.set(0, (u64::MAX - 4, 16), 0, 0);
    driver.publish(0);
    guest.notify();
    guest.interrupted();
    assert_eq!(guest.read(STATUS), 15 | NEEDS_RESET);
    assert_eq!(guest.read(0x60), 2);
    assert_eq!(driver.used(), None);
    let mut driver = Driver::at(&memory, 16, BASE + 0x10_0000);
    guest.begin(&driver, FLUSH);
    let (status, _) = guest.request(&mut driver, &header(1, 0), Part::Out(&[b'y'; 512]));
    assert_eq!((status, place.bytes()), (0, vec![b'y'; 512]));
}

#[test]
fn a_disk_that_ends_early_reaches_the_guest() {
    let place = Place::new("fails");
    place.disk(&[0; 4096]);
    let device = disk(8, false);
    let memory = memory();
    let opened = place.open(&device).expect("it fits");
    let mut guest = Guest::new(&device, opened, &memory);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, FLUSH);
    assert_eq!(
        guest.request(&mut driver, &header(0, 7), Part::In(512)),
        (0, 513)
    );
    // Somebody cuts it off.
    let file = fs::OpenOptions::new()
        .write(true)
        .open(place.0.join("disk.img"));
    file.and_then(|f| f.set_len(512)).expect("it is ours");
    assert_eq!(
        guest.request(&mut driver, &header(0, 7), Part::In(512)),
        (1, 0)
    );
    assert_eq!(
        guest.request(&mut driver, &header(0, 0), Part::In(512)),
        (0, 513)
    );
}

/// A disk whose first flush fails and tells nobody else, as a kernel's does.
struct Failing(Arc<AtomicU32>);

impl Backend for Failing {
    fn read<B: BitmapSlice>(&mut self, _: u64, _: &[VolatileSlice<B>]) -> io::Result<()> {
        Ok(())
    }
    fn write<B: BitmapSlice>(&mut self, _: u64, _: &[VolatileSlice<B>], _: bool) -> io::Result<()> {
        Ok(())
    }
    fn flush(&mut self) -> io::Result<()> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Err(io::Error::from_raw_os_error(libc::EIO)),
            _ => Ok(()),
        }
    }
    fn discard(&mut self, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }
    fn zero(&mut self, _: u64, _: u64, _: bool, _: bool) -> io::Result<()> {
        Ok(())
    }
}

/// A kernel that is started by another one (kexec), or a driver that is bound again, resets the device.
#[test]
fn what_was_lost_stays_lost_after_a_reset() {
    let device = disk(8, false);
    let memory = memory();
    let entry = device.virtio.as_ref().and_then(|v| v.block.as_ref());
    let model = disk::model(entry.expect("it is a disk"), 256);
    let opened = Opened {
        shown: shown(&device).expect("a device"),
        server: Box::new(disk::Disk::new(model, AtOnce::new(Failing(Arc::default())))),
        device: device.clone(),
    };
    let mut guest = Guest::new(&device, vec![opened], &memory);
    for round in 0..3 {
        let mut driver = Driver::at(&memory, 16, BASE + 0x8_0000 * round);
        guest.begin(&driver, FLUSH);
        for _ in 0..2 {
            let flushed = guest.request(&mut driver, &header(4, 0), Part::Out(&[]));
            assert_eq!(flushed, (1, 1), "round {round}");
        }
    }
}

#[test]
fn what_a_guest_wrote_is_made_stable_at_the_end_unless_it_has_gone() {
    for gone in [false, true] {
        ends(gone);
    }
}

fn ends(gone: bool) {
    let device = disk(8, false);
    let memory = memory();
    let entry = device.virtio.as_ref().and_then(|v| v.block.as_ref());
    let model = disk::model(entry.expect("it is a disk"), 256);
    let flushes = Arc::new(AtomicU32::new(0));
    let opened = Opened {
        shown: shown(&device).expect("a device"),
        server: Box::new(disk::Disk::new(
            model,
            AtOnce::new(Failing(Arc::clone(&flushes))),
        )),
        device: device.clone(),
    };
    let mut guest = Guest::new(&device, vec![opened], &memory);
    let finish = |guest: &mut Guest| {
        let begun = Instant::now();
        let devices = guest.bus.finish(gone).into_iter();
        devices.map(|d| d.wait(begun)).collect::<Vec<_>>()
    };
    // There was no driver that could have written.
    assert_eq!(finish(&mut guest), [true]);
    assert_eq!(flushes.load(Ordering::Relaxed), 0);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, FLUSH);
    guest.request(&mut driver, &header(1, 0), Part::Out(&[1; 512]));
    assert_eq!(finish(&mut guest), [true]);
    // What it writes elsewhere is told there.
    assert_eq!(flushes.load(Ordering::Relaxed), u32::from(!gone));
    // Nobody serves the rings any more.
    driver.offer(&[Part::Out(&header(8, 0)), Part::In(20), Part::In(1)]);
    guest.notify();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(driver.used(), None);
}

/// Once a reset is over, nothing of the guest's memory changes any more.
#[test]
fn a_reset_waits_until_nobody_touches_the_rings() {
    let place = Place::new("reset");
    place.disk(&[7; 1 << 20]);
    let device = disk(2048, true);
    let memory = memory();
    let opened = place.open(&device).expect("it fits");
    let mut guest = Guest::new(&device, opened, &memory);
    for round in 0..50 {
        let mut driver = Driver::new(&memory, 16);
        // Of the round before.
        let empty = vec![0u8; 0x1_0000];
        use vm_memory::Bytes as _;
        let at = vm_memory::GuestAddress(BASE);
        memory.write_slice(&empty, at).expect("it fits");
        guest.begin(&driver, FLUSH);
        for _ in 0..5 {
            let parts = [Part::Out(&header(0, 0)), Part::In(64 << 10), Part::In(1)];
            driver.offer(&parts);
            guest.notify();
        }
        std::thread::sleep(Duration::from_micros(50 * round));
        guest.write(STATUS, 0);
        let area = driver.bytes(BASE, 0x1f_0000);
        std::thread::sleep(Duration::from_millis(1));
        assert!(driver.bytes(BASE, 0x1f_0000) == area, "round {round}");
    }
}

#[test]
fn random_bytes_come_and_differ() {
    let place = Place::new("random");
    let device = device(DeviceKind::VirtioEntropy, None);
    let memory = memory();
    let opened = place.open(&device).expect("every host has some");
    let mut guest = Guest::new(&device, opened, &memory);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, 0);
    let at = driver.offer(&[Part::In(600)])[0];
    guest.notify();
    guest.interrupted();
    assert_eq!(driver.used(), Some((0, 600)));
    let bytes = driver.bytes(at, 600);
    assert_ne!(bytes[..300], bytes[300..]);
}

/// A guest never takes for random what is not.
#[test]
fn without_random_bytes_a_buffer_waits() {
    let device = device(DeviceKind::VirtioEntropy, None);
    let memory = memory();
    let opened = Opened {
        shown: shown(&device).expect("a device"),
        server: Box::new(entropy::Random(crate::firmware::entropy::Entropy::none())),
        device: device.clone(),
    };
    let mut guest = Guest::new(&device, vec![opened], &memory);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, 0);
    driver.offer(&[Part::In(600)]);
    guest.notify();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(driver.used(), None);
    // It is looked at again and again, and a reset still has its turn.
    guest.write(STATUS, 0);
}

#[test]
fn what_is_no_disk_is_refused_by_name() {
    let place = Place::new("refused");
    let refused = |device: &Device| place.open(device).err().unwrap_or_default();
    assert!(refused(&disk(1, false)).contains("No such file"));
    fs::create_dir(place.0.join("disk.img")).expect("a folder");
    assert!(refused(&disk(1, false)).contains("it is a folder"));
    fs::remove_dir(place.0.join("disk.img")).expect("it is empty");
    place.disk(&[0; 1023]);
    assert!(refused(&disk(2, false)).contains("`disk.img` of 1023 bytes; the file is smaller"));
    assert_eq!(refused(&disk(1, false)), "");
}

#[test]
fn a_disk_has_one_writer_or_many_readers() {
    let place = Place::new("held");
    place.disk(&[0; 512]);
    let held = place.open(&disk(1, false)).expect("nobody has it");
    for read_only in [false, true] {
        let words = place.open(&disk(1, read_only)).err().unwrap_or_default();
        assert!(words.contains("another program has it"), "{words}");
    }
    drop(held);
    let reader = place.open(&disk(1, true)).expect("nobody has it");
    let another = place.open(&disk(1, true)).expect("readers only");
    assert!(place.open(&disk(1, false)).is_err());
    drop((reader, another));
    assert!(place.open(&disk(1, false)).is_ok());
}

/// A disk of that name in that file.
fn at(name: &str, path: &str, read_only: bool) -> Device {
    let mut device = disk(1, read_only);
    device.name = name.to_owned();
    let virtio = device.virtio.as_mut().and_then(|v| v.block.as_mut());
    virtio.expect("it is a disk").path = path.to_owned();
    device
}

#[test]
fn no_file_that_a_guest_writes_is_two_things_of_its_machine() {
    let place = Place::new("twice");
    place.disk(&[0; 512]);
    for link in ["link.img", "lock.json", "kernel", "initrd"] {
        fs::write(place.0.join(link), [0; 512]).expect("a file");
    }
    let link = place.0.join("link.img");
    fs::remove_file(&link).expect("it is there");
    fs::hard_link(place.0.join("disk.img"), &link).expect("the same file");
    for (first, second) in [(false, false), (false, true), (true, false)] {
        let two = [at("one", "disk.img", first), at("two", "link.img", second)];
        let words = place.open_all(&two, Taken::default()).err();
        let words = words.unwrap_or_default();
        assert!(
            words.contains("it is the disk `one` of this machine, too"),
            "{words}"
        );
    }
    let two = [at("one", "disk.img", true), at("two", "link.img", true)];
    assert!(place.open_all(&two, Taken::default()).is_ok());
    let text = include_str!("../../../../examples/modern.vm.lock.json");
    let mut lock = vmlock_spec::lock::canonical::parse(text).expect("a lock");
    let boot = lock.boot.as_mut().expect("it boots something");
    boot.kernel = vmlock_spec::lock::BootFile::at("kernel");
    boot.initrd = Some(vmlock_spec::lock::BootFile::at("initrd"));
    let taken = || Taken::of(&lock, &place.0.join("lock.json"), &place.0);
    for (path, what) in [
        ("lock.json", "the lock"),
        ("kernel", "the kernel"),
        ("initrd", "the initial RAM file system"),
    ] {
        let words = place.open_all(&[at("one", path, false)], taken()).err();
        let words = words.unwrap_or_default();
        assert!(
            words.contains(&format!("it is {what} of this machine")),
            "{words}"
        );
        assert!(place.open_all(&[at("one", path, true)], taken()).is_ok());
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("alive").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_console_hears_and_is_heard() {
    let device = device(DeviceKind::VirtioConsole, None);
    let memory = memory();
    let sink = Sink::default();
    let opened = Opened {
        shown: shown(&device).expect("a device"),
        server: Box::new(Console::new(Box::new(sink.clone()))),
        device: device.clone(),
    };
    let mut guest = Guest::new(&device, vec![opened], &memory);
    // Nobody listens yet, and there is no UART: it waits outside.
    assert_eq!(guest.bus.console_input(b"early"), (0, None));
    let mut receive = Driver::new(&memory, 16);
    let mut transmit = Driver::at(&memory, 16, BASE + 0x10_0000);
    guest.begin_all(&[&receive, &transmit], 0);
    transmit.offer(&[Part::Out(b"hello, "), Part::Out(b"world")]);
    guest.notify_of(1);
    assert_eq!(guest.back(&mut transmit), 0);
    assert_eq!(*sink.0.lock().expect("alive"), b"hello, world");
    // Input that comes before its buffers, and the other way round; one without room comes back.
    assert_eq!(guest.bus.console_input(b"abcdef"), (6, None));
    receive.offer(&[Part::In(0)]);
    let two = [
        receive.offer(&[Part::In(2)])[0],
        receive.offer(&[Part::In(9)])[0],
    ];
    guest.notify_of(0);
    assert_eq!([(); 3].map(|()| guest.back(&mut receive)), [0, 2, 4]);
    assert_eq!(receive.bytes(two[0], 2), b"ab");
    assert_eq!(receive.bytes(two[1], 4), b"cdef");
    let third = receive.offer(&[Part::In(9)])[0];
    guest.notify_of(0);
    assert_eq!(guest.bus.console_input(b"ghi"), (3, None));
    assert_eq!(guest.back(&mut receive), 3);
    assert_eq!(receive.bytes(third, 3), b"ghi");
    guest.write(STATUS, 0);
    assert_eq!(guest.bus.console_input(b"late"), (0, None));
}

#[test]
fn a_guest_hides_nothing_of_what_fails_here() {
    let mut log = Log::new("d".to_owned(), "d".to_owned());
    let now = Instant::now();
    let mut said = |cause, count| {
        let words = (0..count).filter_map(|_| log.words(cause, now, "words"));
        words.count()
    };
    let few = said(Cause::Guest, 1000);
    assert!((1..10).contains(&few), "{few}");
    assert_eq!(said(Cause::Host, 1), 1);
    assert_eq!(said(Cause::Host, 1000), few - 1);
    assert_eq!(said(Cause::Change, 1000), 1000);
    assert_eq!(said(Cause::Guest, 1), 0);
}

/// A device with a pipe for its host's side, which says how often that is broken.
struct Piped(io::PipeWriter, std::sync::mpsc::Sender<()>);

impl Server for Piped {
    fn begin(&mut self, _: vmlock_virtio::features::Features, _: &mut Log) {}
    fn serve(&mut self, _: thread::Work) -> Result<Drained, Broken> {
        Ok(Drained::NOTHING)
    }
    fn trouble(&mut self, _: &mut Log) {
        self.1.send(()).expect("somebody listens");
    }
    fn wakes(&self) -> Option<RawFd> {
        Some(self.0.as_raw_fd())
    }
}

#[test]
fn a_host_that_breaks_is_looked_at_whether_or_not_there_is_a_driver() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = Box::new(Piped(writer, sender));
    let call = eventfd().expect("an eventfd");
    let log = Log::new("d".to_owned(), "d".to_owned());
    let ready = Worker::ready(Thread::Disk, log, server, &memory(), 1, call);
    let (_worker, _, thread) = ready.expect("descriptors are to be had");
    thread.start(|| Ok(())).expect("threads are to be had");
    let wait = Duration::from_millis(100);
    assert!(receiver.recv_timeout(wait).is_err());
    drop(reader);
    assert!(receiver.recv_timeout(100 * wait).is_ok());
}

/// A descriptor that a program is started with: without FD_CLOEXEC.
fn passed_in(file: &fs::File) -> RawFd {
    use nix::fcntl::{FcntlArg, fcntl};
    fcntl(file, FcntlArg::F_DUPFD(100)).expect("a descriptor")
}

#[test]
fn a_card_without_a_tap_gets_the_one_that_is_handed_in_and_no_other() {
    let card = |name: &str, tap: Option<&str>| {
        let net = vmlock_spec::lock::Net {
            tap: tap.map(str::to_owned),
            mac: "52:54:00:12:34:56".to_owned(),
            mtu: 1500,
        };
        Device {
            name: name.to_owned(),
            virtio: entry(DeviceKind::VirtioNet, None, Some(net), None),
            ..device(DeviceKind::VirtioNet, None)
        }
    };
    let devices = [card("lan", None), card("wan", Some("tap0")), disk(1, false)];
    let given = |taps: &[&str]| cabled(&devices, taps.iter().copied());
    let named = given(&["lan=tap7"]).expect("it has none");
    let tap = |device: &Device| device.virtio.as_ref()?.net.as_ref()?.tap.clone();
    assert!(
        named
            .iter()
            .map(tap)
            .eq([Some("tap7".to_owned()), Some("tap0".to_owned()), None])
    );
    for wrong in [
        &["wan=tap7"][..],
        &["d=tap7"],
        &["x=tap7"],
        &["lan"],
        &["lan=a/b"],
        &["lan=a", "lan=b"],
        &["lan=fd:"],
        &["lan=fd:-1"],
        &["lan=fd:99999999999"],
    ] {
        assert!(given(wrong).is_err(), "{wrong:?}");
    }
    let place = Place::new("no-tap");
    // What is no tap, what is not there, and what this program opened itself.
    let ours = std::fs::File::open("/dev/null").expect("there is one");
    let given_fd = format!("lan=fd:{}", ours.as_raw_fd());
    let passed = passed_in(&ours);
    let passed_fd = format!("lan=fd:{passed}");
    for (fd, why) in [
        ("lan=fd:1", "it is a standard stream"),
        ("lan=fd:1000000", "no such descriptor was passed in"),
        (
            given_fd.as_str(),
            "it was not passed in, or was taken before",
        ),
        (passed_fd.as_str(), "it is no tap"),
    ] {
        let cards = given(&[fd]).expect("it may be one");
        let refused = place.open(&cards[0]).err().expect("it is none");
        assert!(refused.contains(why), "{fd}: {refused}");
    }
    let refused = place.open(&devices[0]).err().expect("it has no tap");
    assert!(
        refused.contains("no tap; neither the lock nor the command line"),
        "{refused}"
    );
}

/// A guest that is started anew gets no other contents than its lock says.
#[test]
fn a_disk_that_was_changed_meanwhile_is_refused_at_the_next_start() {
    let place = Place::new("changed");
    let mut device = disk(2, true);
    let digest = "sha256-2edc986847e209b4016e141a6dc8716d3207350f416969382d431539bf292e4a";
    let block = device.virtio.as_mut().and_then(|v| v.block.as_mut());
    block.expect("a disk").digest = Some(digest.to_owned());
    place.disk(&[b'a'; 1024]);
    let mut opened = place.open(&device).expect("it holds that");
    assert!(look_again(&mut opened).is_ok());
    place.disk(&[b'b'; 1024]);
    let Err(Failure::Refused(refusals)) = look_again(&mut opened) else {
        panic!("it holds something else");
    };
    assert!(refusals[0].reason.contains("and the lock's sha256-2edc"));
    // Written anew, and the same.
    place.disk(&[b'a'; 1024]);
    assert!(look_again(&mut opened).is_ok());
}

/// A copy of a descriptor is the same tap.
#[test]
fn no_tap_is_that_of_two_cards() {
    let mut taken = Taken::default();
    assert_eq!(taken.tap("lan", "tap0"), None);
    assert_eq!(taken.tap("wan", "tap1"), None);
    assert_eq!(taken.tap("dmz", "tap0"), Some("lan"));
}

/// A disk that nobody writes is the lock's by its contents, as far as its sectors go.
#[test]
fn a_read_only_disk_with_other_contents_is_refused() {
    let place = Place::new("contents");
    let mut device = disk(2, true);
    // Of 1024 times `a`, as sha256sum says.
    let digest = "sha256-2edc986847e209b4016e141a6dc8716d3207350f416969382d431539bf292e4a";
    let block = device.virtio.as_mut().and_then(|v| v.block.as_mut());
    block.expect("a disk").digest = Some(digest.to_owned());
    let mut bytes = vec![b'a'; 1024];
    place.disk(&bytes);
    assert!(place.open(&device).is_ok());
    bytes.push(b'b');
    place.disk(&bytes);
    assert!(place.open(&device).is_ok());
    bytes[1023] = b'b';
    place.disk(&bytes);
    let refused = place.open(&device).err().expect("it is another");
    assert!(refused.contains("and the lock's sha256-2edc"), "{refused}");
}
