//! A device's thread while its guest is held: what is under way comes back to its driver, nothing more is begun, and
//! nothing is forgotten afterwards.

use super::*;
use crate::device::virtio::thread::Parked;

/// Waits until it rests.
pub fn rests(parked: &mut Parked) {
    for _ in 0..10_000 {
        if parked.rests() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("{} does not come to rest in ten seconds", parked.name());
}

pub fn parked(guest: &Guest) -> Parked {
    let parks = guest.bus.parks();
    assert_eq!(parks.len(), 1);
    let mut parked = parks[0].park();
    rests(&mut parked);
    parked
}

pub const SECTORS: u64 = 4096;
/// Sectors of each request.
const EACH: u64 = 32;

/// Its driver has no VIRTIO_BLK_F_FLUSH: a write takes two steps, and zeroes may take three.
#[test]
fn a_disk_brings_every_step_to_its_end_and_nothing_is_begun_meanwhile() {
    let place = Place::new("parked");
    place.disk(&[b'x'; (SECTORS * 512) as usize]);
    let device = disk(SECTORS, false);
    let memory = memory();
    let opened = place.open(&device).expect("it fits");
    let mut guest = Guest::new(&device, opened, &memory);
    let (mut offered, mut back) = (0, 0);
    // A driver of its own for each turn, since the memory has an end.
    for turn in 0..10u64 {
        guest.write(STATUS, 0);
        let rings = vm_memory::GuestAddress(BASE);
        vm_memory::Bytes::write_slice(&memory, &[0; 0x1_0000], rings).expect("it is memory");
        let mut driver = Driver::new(&memory, 16);
        // VIRTIO_BLK_F_WRITE_ZEROES.
        guest.begin(&driver, 1 << 14);
        for pause in 0..5 {
            let mut offer = |driver: &mut Driver, turn: u64| {
                let sector = offered * EACH % SECTORS;
                let data = [turn as u8; EACH as usize * 512];
                let zeroes = [
                    &sector.to_le_bytes()[..],
                    &(EACH as u32).to_le_bytes(),
                    &[0; 4],
                ]
                .concat();
                match offered % 3 {
                    0 => {
                        driver.offer(&[Part::Out(&header(13, 0)), Part::Out(&zeroes), Part::In(1)])
                    }
                    _ => driver.offer(&[
                        Part::Out(&header(1, sector)),
                        Part::Out(&data),
                        Part::In(1),
                    ]),
                };
                offered += 1;
            };
            for _ in 0..4 {
                offer(&mut driver, turn);
            }
            guest.notify();
            if pause % 2 == 1 {
                std::thread::sleep(Duration::from_micros(100 * (turn % 4)));
            }
            let held = parked(&guest);
            // What is offered now waits, and what has not come back by now was not begun.
            while driver.used().is_some() {
                back += 1;
            }
            offer(&mut driver, turn);
            guest.notify();
            std::thread::sleep(Duration::from_millis(2));
            assert_eq!(driver.used(), None, "turn {turn}");
            drop(held);
            while back < offered {
                assert_eq!(guest.back(&mut driver), 1);
                back += 1;
            }
        }
    }
    let bytes = place.bytes();
    let all = bytes.chunks(EACH as usize * 512).enumerate();
    for (at, chunk) in all.take(offered.min(SECTORS / EACH) as usize) {
        // The last one that was offered there.
        let rounds = (offered - 1 - at as u64) / (SECTORS / EACH);
        let number = at as u64 + rounds * (SECTORS / EACH);
        let wanted = match number % 3 {
            0 => 0,
            _ => (number / 25) as u8,
        };
        assert!(chunk.iter().all(|&b| b == wanted), "request {number}");
    }
}

/// What a disk does once it is told to.
struct Slow {
    allowed: Arc<AtomicU32>,
    begun: Vec<u16>,
    /// How many it has begun so far.
    count: Arc<AtomicU32>,
}

impl disk::host::Process for Slow {
    fn enter(&mut self, _: u16) -> (Option<RawFd>, Option<io::Error>) {
        (None, None)
    }
}

impl vmlock_virtio::block::engine::Engine for Slow {
    fn begin<B: BitmapSlice>(
        &mut self,
        token: u16,
        _: vmlock_virtio::block::Operation,
        _: &[VolatileSlice<B>],
    ) {
        self.begun.push(token);
        self.count.fetch_add(1, Ordering::AcqRel);
    }
    fn submit(&mut self) {}
    fn over(&mut self) -> Option<(u16, io::Result<()>)> {
        match self.allowed.load(Ordering::Acquire) {
            0 => None,
            _ => self.begun.pop().map(|token| (token, Ok(()))),
        }
    }
    fn rest(&mut self) {}
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Such a disk with so many requests under way at the most; what allows them to be over, and how many it has begun.
fn slow(device: &Device, queue: u16) -> (Opened, Arc<AtomicU32>, Arc<AtomicU32>) {
    let entry = device.virtio.as_ref().and_then(|v| v.block.as_ref());
    let model = disk::model(entry.expect("it is a disk"), queue);
    let (allowed, count) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let engine = Slow {
        allowed: Arc::clone(&allowed),
        begun: Vec::new(),
        count: Arc::clone(&count),
    };
    let opened = Opened {
        shown: shown(device).expect("a device"),
        server: Box::new(disk::Disk::new(model, engine)),
        device: device.clone(),
    };
    (opened, allowed, count)
}

#[test]
fn one_that_is_slow_does_not_rest_before_its_chains_are_back_and_obeys_meanwhile() {
    let device = disk(8, false);
    let memory = memory();
    let (opened, allowed, _) = slow(&device, 256);
    let mut guest = Guest::new(&device, vec![opened], &memory);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, FLUSH);
    driver.offer(&[Part::Out(&header(1, 0)), Part::Out(&[1; 512]), Part::In(1)]);
    guest.notify();
    std::thread::sleep(Duration::from_millis(20));
    let mut held = guest.bus.parks()[0].park();
    std::thread::sleep(Duration::from_millis(20));
    assert!(!held.rests() && driver.used().is_none());
    // The host's side would wake the thread; here the guest does.
    allowed.store(1, Ordering::Release);
    guest.notify();
    rests(&mut held);
    assert_eq!(driver.used(), Some((0, 1)));
    // A pause that was given up and one that follows it: the last word counts.
    allowed.store(0, Ordering::Release);
    let again = guest.bus.parks()[0].park();
    drop(held);
    drop(again);
    let request = [Part::Out(&header(1, 0)), Part::Out(&[1; 512]), Part::In(1)];
    driver.offer(&request);
    guest.notify();
    std::thread::sleep(Duration::from_millis(20));
    let mut held = guest.bus.parks()[0].park();
    assert!(!held.rests());
    // The machine ends meanwhile.
    let begun = Instant::now();
    let done: Vec<bool> = guest
        .bus
        .finish(false)
        .into_iter()
        .map(|d| d.wait(begun))
        .collect();
    assert_eq!(done, [true]);
    rests(&mut held);
}

/// As a guest does that was restored and whose memory is still being checked: it runs, and nothing of it leaves. Whoever
/// pauses it meanwhile lets go of the pause alone, and sees its queue as its driver has set it up by then.
#[test]
fn a_disk_that_two_park_waits_for_both_though_its_driver_goes_on() {
    let place = Place::new("parked-twice");
    place.disk(&[b'x'; (SECTORS * 512) as usize]);
    let device = disk(SECTORS, false);
    let memory = memory();
    let opened = place.open(&device).expect("it fits");
    let mut guest = Guest::new(&device, opened, &memory);
    let kept = parked(&guest);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, 0);
    let data = [b'y'; 512];
    driver.offer(&[Part::Out(&header(1, 0)), Part::Out(&data), Part::In(1)]);
    guest.notify();
    for _ in 0..3 {
        let paused = parked(&guest);
        let (saved, _) = guest.bus.saved().expect("it rests");
        assert!(
            saved[0].text.contains("\"position\": "),
            "{}",
            saved[0].text
        );
        drop(paused);
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!((driver.used(), place.bytes()[0]), (None, b'x'));
    }
    // A reset is waited for by a vCPU, and comes.
    guest.write(STATUS, 0);
    guest.begin(&driver, 0);
    assert_eq!((driver.used(), place.bytes()[0]), (None, b'x'));
    drop(kept);
    assert_eq!(guest.back(&mut driver), 1);
    assert_eq!(place.bytes()[0], b'y');
}

/// What a driver made available before its machine ends is begun where both come at once.
#[test]
fn what_waits_is_begun_before_the_end_that_comes_with_it() {
    let place = Place::new("parked-end");
    place.disk(&[b'x'; (SECTORS * 512) as usize]);
    let device = disk(SECTORS, false);
    let memory = memory();
    let opened = place.open(&device).expect("it fits");
    let mut guest = Guest::new(&device, opened, &memory);
    let kept = parked(&guest);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, 0);
    let data = [b'y'; 512];
    driver.offer(&[Part::Out(&header(1, 0)), Part::Out(&data), Part::In(1)]);
    drop(kept);
    let begun = Instant::now();
    let ends = guest.bus.finish(false);
    assert!(ends.into_iter().all(|end| end.wait(begun)));
    assert_eq!(place.bytes()[0], b'y');
}

/// More than is served at a time: none of it is left behind.
#[test]
fn all_that_waits_is_begun_before_the_end_that_comes_with_it() {
    const BUFFERS: usize = 50;
    let device = device(DeviceKind::VirtioEntropy, None);
    let place = Place::new("parked-end-all");
    let memory = memory();
    let opened = place.open(&device).expect("this host has random numbers");
    let mut guest = Guest::new(&device, opened, &memory);
    let kept = parked(&guest);
    let mut driver = Driver::new(&memory, 64);
    guest.begin(&driver, 0);
    for _ in 0..BUFFERS {
        driver.offer(&[Part::In(8)]);
    }
    drop(kept);
    let begun = Instant::now();
    let ends = guest.bus.finish(false);
    assert!(ends.into_iter().all(|end| end.wait(begun)));
    let back = std::iter::from_fn(|| driver.used()).count();
    assert_eq!(back, BUFFERS);
}

/// More than may be under way at a time, too: there is room for the rest once some of it is over.
#[test]
fn what_waits_behind_all_that_is_under_way_is_begun_before_the_end_that_comes_with_it() {
    let device = disk(8, false);
    let memory = memory();
    let (opened, allowed, count) = slow(&device, 2);
    let mut guest = Guest::new(&device, vec![opened], &memory);
    let kept = parked(&guest);
    let mut driver = Driver::new(&memory, 16);
    guest.begin(&driver, FLUSH);
    for _ in 0..5 {
        driver.offer(&[Part::Out(&header(1, 0)), Part::Out(&[1; 512]), Part::In(1)]);
    }
    drop(kept);
    for _ in 0..1000 {
        if count.load(Ordering::Acquire) == 2 {
            break;
        }
        guest.notify();
        std::thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    let ends = guest.bus.finish(false);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(count.load(Ordering::Acquire), 2);
    allowed.store(1, Ordering::Release);
    assert!(ends.into_iter().all(|end| end.wait(begun)));
    assert_eq!(count.load(Ordering::Acquire), 5);
}

#[test]
fn a_console_keeps_what_the_user_says_until_its_guest_goes_on() {
    let device = device(DeviceKind::VirtioConsole, None);
    let place = Place::new("parked-console");
    let memory = memory();
    let opened = place.open(&device).expect("it needs no file");
    let mut guest = Guest::new(&device, opened, &memory);
    let mut receive = Driver::at(&memory, 16, BASE);
    let transmit = Driver::at(&memory, 16, BASE + 0x10_0000);
    guest.begin_all(&[&receive, &transmit], 0);
    let at = receive.offer(&[Part::In(16)]);
    guest.notify_of(0);
    let held = parked(&guest);
    guest.bus.console_input(b"hello");
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(receive.used(), None);
    drop(held);
    assert_eq!(guest.back(&mut receive), 5);
    assert_eq!(receive.bytes(at[0], 5), b"hello");
}
