//! What the fuzzers call: bytes become what a guest does, and what has to hold
//! whatever that is, is held. A function for each handler; `fuzz/` feeds them, and
//! the seeds and findings in `fuzz/seeds/` run with the tests.

use crate::block::engine::{AtOnce, Backend, Engine};
use crate::block::requests::Requests;
use crate::block::{self, Block, Disk, Operation, SECTOR};
use crate::chain::{Chain, Span};
use crate::console;
use crate::entropy;
use crate::features::Features;
use crate::mmio::{Activation, Effect, Shown, Transport};
use crate::net::{Card, Delivered, Nic, Transmit};
use crate::ring::{Ring, Setup};
use crate::saved;
use crate::vsock::reset::Reset;
use crate::vsock::sockets::{ALLOCATED, Event, Key, Sockets};
use crate::vsock::{self, Header};
use std::collections::VecDeque;
use std::io;
use vm_memory::bitmap::BitmapSlice;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap, VolatileSlice};

/// What a fuzzer calls with its bytes.
pub type Target = fn(&[u8]);

/// Every target, with its name, which is that of its seeds' folder.
pub const TARGETS: [(&str, Target); 6] = [
    ("registers", registers),
    ("ring", ring),
    ("block", block),
    ("net", net),
    ("vsock", vsock),
    ("saved", saved),
];

type Memory = GuestMemoryMmap<()>;

const BASE: u64 = 0x4000_0000;
const SIZE: usize = 0x1_0000;
/// Descriptors of a queue, and where all of it lies.
const QUEUE: u16 = 16;
const TABLE: u64 = BASE;
const DRIVER: u64 = BASE + 0x400;
const DEVICE: u64 = BASE + 0x600;
/// An indirect table.
const INDIRECT: u64 = BASE + 0x800;
const SECTORS: u64 = 64;

thread_local! {
    static MEMORY: Memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(BASE), SIZE)])
        .expect("64 KiB are available");
}

/// What is left of a fuzzer's bytes.
struct Feed<'a>(&'a [u8]);

impl Feed<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }
    fn byte(&mut self) -> Option<u8> {
        Some(self.bytes::<1>()?[0])
    }
    fn half(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_le_bytes)
    }
    fn word(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }
    fn wide(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }
    /// An address: most of the time in memory.
    fn address(&mut self) -> Option<u64> {
        match self.byte()? {
            0 => self.wide(),
            _ => Some(BASE + u64::from(self.half()?)),
        }
    }
}

/// A guest with one queue.
struct Guest<'a, 'm> {
    feed: Feed<'a>,
    memory: &'m Memory,
    ring: Ring,
    features: Features,
    available: u16,
}

impl Guest<'_, '_> {
    fn poke(&self, address: u64, bytes: &[u8]) {
        // Where nothing is, nothing happens.
        let _ = self.memory.write_slice(bytes, GuestAddress(address));
    }
    /// One thing that a guest does to its queue and its buffers; `None` at the end of the bytes.
    fn act(&mut self, choice: u8) -> Option<()> {
        match choice % 4 {
            0 => {
                let (table, at) = match self.feed.byte()? {
                    at @ ..128 => (TABLE, at % QUEUE as u8),
                    at => (INDIRECT, at % QUEUE as u8),
                };
                let mut descriptor = [0; 16];
                descriptor[..8].copy_from_slice(&self.feed.address()?.to_le_bytes());
                let length = match self.feed.byte()? {
                    0 => self.feed.word()?,
                    _ => self.feed.half()?.into(),
                };
                descriptor[8..12].copy_from_slice(&length.to_le_bytes());
                descriptor[12] = self.feed.byte()?;
                descriptor[14] = self.feed.byte()?;
                self.poke(table + 16 * u64::from(at), &descriptor);
            }
            1 => {
                let at = u64::from(self.available % QUEUE);
                let head = u16::from(self.feed.byte()?);
                self.poke(DRIVER + 4 + 2 * at, &head.to_le_bytes());
                self.available = self.available.wrapping_add(1);
                self.poke(DRIVER + 2, &self.available.to_le_bytes());
            }
            2 => {
                let address = self.feed.address()?;
                let bytes = self.feed.bytes::<16>()?;
                self.poke(address, &bytes);
            }
            _ => {
                self.available = self.feed.half()?;
                self.poke(DRIVER + 2, &self.available.to_le_bytes());
            }
        }
        Some(())
    }
}

/// Where a driver has its queue.
fn setup() -> Setup {
    Setup {
        size: QUEUE.into(),
        ready: true,
        descriptors: TABLE,
        driver: DRIVER,
        device: DEVICE,
        ..Setup::new(QUEUE)
    }
}

/// Runs a guest that accepts what its first bytes say.
fn guest(data: &[u8], run: impl FnOnce(Guest) -> Option<()>) {
    let mut feed = Feed(data);
    let Some(words) = feed.wide() else { return };
    let mut features = Features::default();
    features.set_word(0, words as u32);
    features.set_word(1, (words >> 32) as u32);
    MEMORY.with(|memory| {
        let cleared = memory.write_slice(&[0; 0x1000], GuestAddress(BASE));
        cleared.expect("it is in memory");
        // It ends where the bytes do, or the queue breaks.
        let _ = run(Guest {
            feed,
            memory,
            ring: setup().ring(memory, features)?,
            features,
            available: 0,
        });
        Some(())
    });
}

/// The registers: no access breaks them, and every state that they come into can be saved and restored.
pub fn registers(data: &[u8]) {
    let device = || {
        let shown = Shown {
            device: 42,
            features: Features::of(&[0, 1, 28, 29, 32, 100]),
            requires: &[(1, &[0])],
            queues: vec![QUEUE, 4],
            configuration: vec![1; 9],
        };
        Transport::new(shown).expect("there is such a device")
    };
    let mut transport = device();
    let mut signals = None;
    let mut feed = Feed(data);
    MEMORY.with(|memory| {
        // Nothing has gone through any ring.
        let cleared = memory.write_slice(&[0; 0x1000], GuestAddress(BASE));
        cleared.expect("it is in memory");
        while let Some(choice) = feed.byte() {
            match choice % 8 {
                0..5 => {
                    let Some((offset, value)) = feed.byte().zip(feed.word()) else {
                        return;
                    };
                    let (offset, value) = (u64::from(offset) * 4, u64::from(value));
                    let width = if choice < 240 {
                        4
                    } else {
                        usize::from(choice - 240)
                    };
                    let data = [value.to_le_bytes(), [0; 8]].concat();
                    match transport.write(offset, &data[..width], memory) {
                        Effect::Start(activation) => {
                            assert!(activation.features.has(32));
                            signals = Some(activation.signals);
                        }
                        Effect::Notify(at) | Effect::Stop(at) => assert!(at < 2),
                        Effect::None | Effect::Reset => {}
                    }
                }
                5 => {
                    let Some(offset) = feed.half() else { return };
                    let mut data = [0xaa; 8];
                    transport.read(offset.into(), &mut data[..usize::from(choice) % 9]);
                }
                6 => match (&signals, choice) {
                    (Some(signals), ..128) => signals.used(),
                    (Some(signals), _) => signals.needs_reset(),
                    _ => {}
                },
                _ => {
                    transport.reconfigure(|bytes| bytes[0] = choice);
                }
            }
        }
        let state = transport.save(&[]);
        let restored = device().restored(&state, memory);
        let (restored, _) = restored.expect("a driver made it");
        assert_eq!(restored.save(&[]), state);
    });
}

/// What a device of some kind shows.
fn any_device(kind: u8) -> Shown {
    match kind % 5 {
        0 => Disk {
            sectors: SECTORS,
            read_only: kind >= 128,
            serial: [b'x'; block::SERIAL],
            queue: QUEUE,
        }
        .shown(),
        1 => Nic {
            mac: [2; 6],
            mtu: 1500,
            queue: QUEUE,
        }
        .shown(),
        2 => console::shown(QUEUE),
        3 => entropy::shown(QUEUE),
        _ => vsock::shown(3, QUEUE),
    }
}

/// A device at work with so many queues, each in a page of its own.
fn at_work(queues: usize) -> saved::Transport {
    let queue = |at: u64| saved::Queue {
        size: QUEUE.into(),
        ready: true,
        descriptors: TABLE + 0x1000 * at,
        driver: DRIVER + 0x1000 * at,
        device: DEVICE + 0x1000 * at,
        position: 0,
    };
    saved::Transport {
        status: 15,
        accepted: [0, 1, 0, 0],
        device_select: 0,
        driver_select: 0,
        queue_select: 0,
        causes: 0,
        broken: false,
        generation: 0,
        queues: (0..queues as u64).map(queue).collect(),
    }
}

/// Changes one thing of a saved state; `None` at the end of the bytes.
fn forge(state: &mut saved::Transport, feed: &mut Feed) -> Option<()> {
    let choice = feed.byte()?;
    let queues = state.queues.len().max(1);
    let queue = state.queues.get_mut(usize::from(choice) / 16 % queues);
    match (choice % 16, queue) {
        (0, _) => state.status = feed.word()?,
        (1, _) => state.status = feed.byte()?.into(),
        (2, _) => state.accepted[usize::from(choice) / 16 % 4] = feed.word()?,
        (3, _) => state.accepted[0] |= 1 << (feed.byte()? % 32),
        (4, _) => state.queue_select = feed.word()?,
        (5, _) => state.causes = feed.byte()?.into(),
        (6, _) => state.broken = !state.broken,
        (7, _) => state.generation = feed.word()?,
        (8, Some(queue)) => queue.size = feed.word()?,
        (9, Some(queue)) => queue.size = 1 << (feed.byte()? % 20),
        (10, Some(queue)) => queue.ready = !queue.ready,
        (11, Some(queue)) => queue.descriptors = feed.address()?,
        (12, Some(queue)) => queue.driver = feed.address()?,
        (13, Some(queue)) => queue.device = feed.address()?,
        (14, Some(queue)) => queue.position = feed.half()?,
        (_, Some(_)) if choice >= 128 => _ = state.queues.pop(),
        (_, queue) => {
            let queue = queue.copied();
            state.queues.extend(queue);
        }
    }
    Some(())
}

/// A saved state that nobody has to have made, and a guest's memory that nobody has to have written: it is refused, or a
/// device that could have been saved so, and whose queues are served without a step beyond the guest's memory.
pub fn saved(data: &[u8]) {
    let mut feed = Feed(data);
    let Some(kind) = feed.byte() else { return };
    let shown = any_device(kind);
    let (offered, queues) = (shown.features, shown.queues.len());
    let fresh = Transport::new(shown).expect("there is such a device");
    MEMORY.with(|memory| {
        let cleared = memory.write_slice(&[0; 0x4000], GuestAddress(BASE));
        cleared.expect("it is in memory");
        let mut state = at_work(queues);
        while let Some(choice) = feed.byte() {
            let done = match choice {
                // Half of the time, memory: anywhere in the pages of the queues.
                128.. => feed.half().zip(feed.wide()).map(|(at, bytes)| {
                    let to = BASE + u64::from(at % 0x3ff8);
                    let bytes = &bytes.to_le_bytes()[..1 + usize::from(choice % 8)];
                    let written = memory.write_slice(bytes, GuestAddress(to));
                    written.expect("it is in memory");
                }),
                _ => forge(&mut state, &mut feed),
            };
            if done.is_none() {
                break;
            }
        }
        let Ok((transport, activation)) = fresh.restored(&state, memory) else {
            return;
        };
        let rings = activation.iter().flat_map(|activation| &activation.rings);
        let positions = rings.map(|ring| ring.as_ref()?.position());
        assert_eq!(transport.save(&positions.collect::<Vec<_>>()), state);
        let Some(Activation {
            features, rings, ..
        }) = activation
        else {
            return;
        };
        assert!(features.within(offered) && features.has(32));
        let mut chain = Chain::default();
        for (at, ring) in rings.into_iter().enumerate() {
            let Some(mut ring) = ring else { continue };
            let drained = match (kind % 5, at) {
                (4, 2) => Reset::Owed.serve(Some(&mut ring), memory, &mut chain),
                _ => ring.drain(memory, &mut chain, |chain| {
                    buffers(memory, chain, kind);
                    Ok(0)
                }),
            };
            assert!(drained.is_err() || ring.out() == 0);
        }
    });
}

/// A ring, and what only fills or empties a buffer: what is called a chain is one, and what is out is known.
pub fn ring(data: &[u8]) {
    guest(data, |mut guest| {
        let memory = guest.memory;
        let mut out = VecDeque::new();
        let mut chain = Chain::default();
        let mut last = false;
        while let Some(choice) = guest.feed.byte() {
            match choice % 16 {
                0..8 => guest.act(choice)?,
                8..11 => {
                    last = guest.ring.take(memory, &mut chain).ok()?;
                    if last {
                        out.push_back(chain.head());
                        buffers(memory, &chain, choice);
                    }
                }
                11 | 12 => {
                    if let Some(head) = out.pop_front() {
                        guest.ring.give(memory, head, choice.into()).ok()?;
                        last &= !out.is_empty();
                    }
                }
                13 if last => {
                    out.pop_back();
                    guest.ring.leave();
                    last = false;
                }
                14 => {
                    guest.ring.interrupts(memory).ok()?;
                    guest.ring.mute(memory).ok()?;
                }
                _ => {
                    guest.ring.listen(memory).ok()?;
                }
            }
            assert_eq!(usize::from(guest.ring.out()), out.len());
            assert_eq!(guest.ring.position().is_some(), out.is_empty());
        }
        Some(())
    });
}

/// Reads and fills both sides of a chain.
fn buffers(memory: &Memory, chain: &Chain, choice: u8) {
    let output = chain.readable().length();
    assert!(output + chain.writable().length() <= u32::MAX.into());
    if output <= SIZE as u64 {
        let mut sink = Vec::new();
        console::transmit(memory, chain, &mut sink).expect("it takes all");
        assert_eq!(sink.len() as u64, output);
    }
    let taken = console::receive(memory, chain, &[choice; 100]);
    let room = chain.writable().length();
    assert_eq!(taken.map(u64::from), Ok(room.min(100)));
    let filled = entropy::fill(memory, chain, |bytes| {
        bytes.fill(choice);
        Ok(())
    });
    assert!(filled.is_ok_and(|filled| u64::from(filled) <= room));
}

/// A disk that sees to it that it is asked for nothing beyond it.
struct Store {
    read_only: bool,
    stable: bool,
}

impl Store {
    fn check(&self, offset: u64, length: u64) {
        let whole = offset.is_multiple_of(SECTOR) && length.is_multiple_of(SECTOR);
        assert!(whole && offset + length <= SECTORS * SECTOR);
    }
    fn check_write(&self, offset: u64, length: u64, stable: bool) {
        self.check(offset, length);
        assert!(!self.read_only && stable == self.stable);
    }
}

fn length<B: BitmapSlice>(slices: &[VolatileSlice<B>]) -> u64 {
    slices.iter().map(|slice| slice.len() as u64).sum()
}

impl Backend for Store {
    fn read<B: BitmapSlice>(&mut self, offset: u64, into: &[VolatileSlice<B>]) -> io::Result<()> {
        self.check(offset, length(into));
        into.iter().for_each(|slice| slice.copy_from(&[0x55; 64]));
        Ok(())
    }
    fn write<B: BitmapSlice>(
        &mut self,
        offset: u64,
        from: &[VolatileSlice<B>],
        stable: bool,
    ) -> io::Result<()> {
        self.check_write(offset, length(from), stable);
        match offset {
            0 => Err(io::ErrorKind::Other.into()),
            _ => Ok(()),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn discard(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.check_write(offset, length, self.stable);
        Ok(())
    }
    fn zero(&mut self, offset: u64, length: u64, _unmap: bool, stable: bool) -> io::Result<()> {
        self.check_write(offset, length, stable);
        Ok(())
    }
}

/// Who carries out what a disk is asked for, and says so when the guest's bytes have it: at once, or late and in any order.
struct Late {
    store: AtOnce<Store>,
    late: bool,
    held: Vec<(u16, io::Result<()>)>,
    over: VecDeque<(u16, io::Result<()>)>,
}

impl Late {
    fn release(&mut self, choice: u8) {
        if !self.held.is_empty() {
            let at = usize::from(choice) % self.held.len();
            self.over.push_back(self.held.swap_remove(at));
        }
    }
}

impl Engine for Late {
    fn begin<B: BitmapSlice>(
        &mut self,
        token: u16,
        operation: Operation,
        data: &[VolatileSlice<B>],
    ) {
        let held = self.held.iter().chain(&self.over);
        assert!(held.into_iter().all(|(other, _)| *other != token));
        self.store.begin(token, operation, data);
        self.held.extend(self.store.over());
        if !self.late {
            self.over.extend(self.held.pop());
        }
    }
    fn submit(&mut self) {}
    fn over(&mut self) -> Option<(u16, io::Result<()>)> {
        self.over.pop_front()
    }
    fn rest(&mut self) {
        self.over.extend(self.held.drain(..));
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk.
pub fn block(data: &[u8]) {
    guest(data, |mut guest| {
        let disk = Disk {
            sectors: SECTORS,
            read_only: guest.features.has(63),
            serial: [b'x'; block::SERIAL],
            queue: QUEUE,
        };
        let mut engine = Late {
            store: AtOnce::new(Store {
                read_only: disk.read_only,
                stable: !guest.features.has(9),
            }),
            late: guest.features.has(62),
            held: Vec::new(),
            over: VecDeque::new(),
        };
        let mut requests = Requests::new(QUEUE);
        let mut block = Block::new(disk, guest.features, false);
        while let Some(choice) = guest.feed.byte() {
            let memory = guest.memory;
            match choice % 8 {
                0..5 => guest.act(choice)?,
                // Its driver takes the queue away, and makes it anew.
                7 if choice >= 128 => {
                    requests.rest(&mut block, &mut engine, |_, _| {});
                    assert!(engine.held.is_empty() && engine.over.is_empty());
                    guest.poke(DRIVER, &[0; 4]);
                    guest.poke(DEVICE, &[0; 4]);
                    guest.available = 0;
                    guest.ring = setup().ring(memory, guest.features)?;
                }
                _ => {
                    engine.release(choice / 8);
                    let ring = &mut guest.ring;
                    let drained = requests.serve(&mut block, &mut engine, ring, memory, |_, _| {});
                    drained.ok()?;
                }
            }
            assert_eq!(usize::from(guest.ring.out()), engine.held.len());
        }
        Some(())
    });
}

/// A network card: frames leave from the ring, or arrive into it.
pub fn net(data: &[u8]) {
    guest(data, |mut guest| {
        let nic = Nic {
            mac: [2; 6],
            mtu: 1500,
            queue: QUEUE,
        };
        let card = Card::new(&nic, guest.features);
        let receives = guest.features.has(63);
        let mut inbox = card.inbox();
        let mut chain = Chain::default();
        let spill = vec![7; card.largest() as usize];
        while let Some(choice) = guest.feed.byte() {
            if choice % 8 < 5 {
                guest.act(choice)?;
            } else if !receives {
                while guest.ring.take(guest.memory, &mut chain).ok()? {
                    if let Transmit::Send { header, frame } =
                        card.transmit(guest.memory, &chain).ok()?
                    {
                        let end = frame.skip + frame.length;
                        assert!(end == chain.readable().length() && frame.length >= 14);
                        assert!(header[0] == 0 || guest.features.has(0));
                        assert!(header[1] == 0 || header[0] == 1);
                    }
                    guest.ring.give(guest.memory, chain.head(), 0).ok()?;
                }
            } else if choice % 8 == 7 {
                inbox.leave(&mut guest.ring);
                assert_eq!(guest.ring.out(), 0);
            } else if inbox.fill(&mut guest.ring, guest.memory).ok()? {
                let slices = inbox.slices(guest.memory).expect("it is in memory");
                let there = length(&slices);
                let number = guest.feed.half()?;
                let length = u64::from(number).min(card.largest());
                let rest = length.saturating_sub(there) as usize;
                let out = guest.ring.out();
                let spill = &spill[..rest];
                // What is left out of it, as the number has it.
                let [low, high] = number.to_le_bytes();
                let header = [low, high & 0x85, 0, 0, 1, 0, low, 0, 6, 0, 0, 0];
                let delivered = inbox.deliver(&mut guest.ring, guest.memory, header, length, spill);
                match delivered.ok()? {
                    Delivered::All => {
                        assert!((14..=65_550).contains(&length));
                        assert!(low & 1 == 0 || guest.features.has(1));
                        let segments = header[1] != 0;
                        assert!(
                            !segments || low & 1 == 1 && (7..=8).any(|f| guest.features.has(f))
                        );
                        assert!(segments || length <= 1522);
                    }
                    Delivered::Lost => assert!(guest.ring.out() >= out),
                }
            }
        }
        Some(())
    });
}

/// Sockets: what may be on its way is bounded, and no data go to a port that was not declared.
pub fn vsock(data: &[u8]) {
    guest(data, |mut guest| {
        let mut sockets = Sockets::new(3, [1024, 5]);
        let mut chain = Chain::default();
        let mut keys: Vec<Key> = Vec::new();
        while let Some(choice) = guest.feed.byte() {
            let key = keys.get(usize::from(choice / 16)).copied();
            match (choice % 16, key) {
                (0..6, _) => guest.act(choice)?,
                (6, Some(key)) => sockets.opened(key, choice < 240),
                (7, Some(key)) => sockets.written(key, guest.feed.word()?),
                (8, Some(key)) => {
                    let length = guest.feed.half()?.into();
                    let room = sockets.room(key);
                    let data = sockets.data(key, length);
                    assert!(data.is_none() || length <= room);
                }
                (9, Some(key)) => sockets.finished(key),
                (10, Some(key)) => sockets.closed(key),
                (11, _) => {
                    let taken = guest.ring.take(guest.memory, &mut chain).ok()?;
                    let answer = if taken { sockets.answer() } else { None };
                    if let Some(answer) = answer {
                        let written = vsock::head(guest.memory, &chain, answer).ok()?;
                        assert_eq!(written, 44);
                        guest.ring.give(guest.memory, chain.head(), written).ok()?;
                    }
                }
                _ if sockets.takes() => {
                    if !guest.ring.take(guest.memory, &mut chain).ok()? {
                        continue;
                    }
                    let (header, data) = vsock::packet(guest.memory, &chain).ok()?;
                    heard(&mut sockets, &mut keys, &chain, header, data);
                    guest.ring.give(guest.memory, chain.head(), 0).ok()?;
                }
                _ => {}
            }
        }
        Some(())
    });
}

fn heard(sockets: &mut Sockets, keys: &mut Vec<Key>, chain: &Chain, header: Header, data: Span) {
    match sockets.take(&header, data) {
        Event::Open(key) => {
            assert!([1024, 5].contains(&key.host));
            keys.push(key);
        }
        Event::Data(key, data) => {
            assert!(keys.contains(&key) && data.length <= ALLOCATED.into());
            assert!(data.skip + data.length <= chain.readable().length());
        }
        Event::Finish(key) => assert!(keys.contains(&key)),
        Event::Close(key) | Event::Abort(key) => keys.retain(|one| *one != key),
        Event::None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use std::fs;
    use std::path::Path;

    /// What was found, or was chosen because it goes deep, stays found.
    #[test]
    fn all_seeds_and_findings_pass() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
        for (name, target) in TARGETS {
            let entries = fs::read_dir(folder.join(name));
            let entries = entries.unwrap_or_else(|e| panic!("{name}: {e}"));
            let mut seen = 0;
            for path in entries.flatten().map(|entry| entry.path()) {
                target(&fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
                seen += 1;
            }
            assert!(seen > 0, "{name} has no seeds");
        }
    }

    /// A little of what the fuzzers do, without their sense of direction.
    #[test]
    fn bytes_without_a_plan_pass() {
        for (_, target) in TARGETS {
            let mut random = Random(12);
            for _ in 0..2_000 {
                let length = random.below(400) as usize;
                let bytes: Vec<u8> = (0..length).map(|_| random.bits() as u8).collect();
                target(&bytes);
            }
        }
    }
}
