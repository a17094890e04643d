use super::engine::{AtOnce, Backend, Engine};
use super::requests::Requests;
use super::*;
use crate::driver::{BASE, Driver, INDIRECT, Memory, NEXT, Part, SIZE, WRITE, memory};
use crate::mmio::Transport;
use crate::random::Random;
use crate::ring::{Broken, Ring};
use std::mem::offset_of;
use virtio_bindings::virtio_ring::VIRTIO_RING_F_INDIRECT_DESC as INDIRECT_DESC;
use vm_memory::bitmap::BitmapSlice;
use vm_memory::{Bytes, GuestAddress, Permissions, VolatileSlice};

const OK: u8 = 0;
const IOERR: u8 = 1;
const UNSUPP: u8 = 2;
const SECTORS: u64 = 64;

fn disk() -> Disk {
    Disk {
        sectors: SECTORS,
        read_only: false,
        serial: *b"serial-number-of-20!",
        queue: 64,
    }
}

/// A disk in memory, which sees to it that nothing beyond it is asked for; what it was asked for, and what it says.
struct Store {
    bytes: Vec<u8>,
    asked: Vec<Operation>,
    fails: Option<i32>,
}

impl Store {
    fn new() -> Self {
        let mut bytes = vec![0; (SECTORS * SECTOR) as usize];
        for (at, sector) in bytes.chunks_mut(SECTOR as usize).enumerate() {
            sector.fill(at as u8 + 1);
            sector[at] = 0xff;
        }
        Self {
            bytes,
            asked: Vec::new(),
            fails: None,
        }
    }
    fn says(&self) -> io::Result<()> {
        self.fails
            .map_or(Ok(()), |errno| Err(io::Error::from_raw_os_error(errno)))
    }
    fn part(&mut self, offset: u64, length: u64) -> &mut [u8] {
        &mut self.bytes[offset as usize..(offset + length) as usize]
    }
}

fn length<B: BitmapSlice>(slices: &[VolatileSlice<B>]) -> u64 {
    slices.iter().map(|slice| slice.len() as u64).sum()
}

impl Backend for Store {
    fn read<B: BitmapSlice>(&mut self, offset: u64, into: &[VolatileSlice<B>]) -> io::Result<()> {
        let data = Span {
            skip: 0,
            length: length(into),
        };
        self.asked.push(Operation::Read { offset, data });
        self.says()?;
        let mut rest = &*self.part(offset, data.length);
        for slice in into {
            slice.copy_from(rest);
            rest = &rest[slice.len()..];
        }
        Ok(())
    }
    fn write<B: BitmapSlice>(
        &mut self,
        offset: u64,
        from: &[VolatileSlice<B>],
        stable: bool,
    ) -> io::Result<()> {
        let data = Span {
            skip: 16,
            length: length(from),
        };
        self.asked.push(Operation::Write {
            offset,
            data,
            stable,
        });
        self.says()?;
        let mut rest = self.part(offset, data.length);
        for slice in from {
            let (part, others) = rest.split_at_mut(slice.len());
            slice.copy_to(part);
            rest = others;
        }
        Ok(())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.asked.push(Operation::Flush);
        self.says()
    }
    fn discard(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.asked.push(Operation::Discard { offset, length });
        self.part(offset, length);
        self.says()
    }
    fn zero(&mut self, offset: u64, length: u64, unmap: bool, stable: bool) -> io::Result<()> {
        self.asked.push(Operation::Zero {
            offset,
            length,
            unmap,
            stable,
        });
        self.says()?;
        self.part(offset, length).fill(0);
        Ok(())
    }
}

/// A guest with a disk.
struct Guest<'m> {
    driver: Driver<'m>,
    ring: Ring,
    block: Block,
    engine: AtOnce<Store>,
    requests: Requests,
}

/// What a request came to: its status, how much came back, where its buffers are.
struct Answered {
    status: u8,
    written: u32,
    buffers: Vec<u64>,
    failed: bool,
}

impl<'m> Guest<'m> {
    fn new(memory: &'m Memory, disk: Disk) -> Self {
        let features = disk.shown().features;
        Self::accepting(memory, disk, features)
    }
    fn accepting(memory: &'m Memory, disk: Disk, features: Features) -> Self {
        let driver = Driver::new(memory, 64);
        Self {
            ring: driver.ring(&[INDIRECT_DESC]),
            driver,
            block: Block::new(disk, features, false),
            engine: AtOnce::new(Store::new()),
            requests: Requests::new(64),
        }
    }
    /// Serves what is available; how many requests failed.
    fn serve(&mut self) -> Result<usize, Broken> {
        let (memory, mut errors) = (self.driver.memory, 0);
        let (engine, ring) = (&mut self.engine, &mut self.ring);
        let failed = |_: &Block, _| errors += 1;
        let served = self
            .requests
            .serve(&mut self.block, engine, ring, memory, failed);
        served.map(|_| errors)
    }
    /// Serves a chain that was taken; the number of bytes that it goes back with.
    fn serve_one(&mut self, chain: &Chain) -> Result<u32, Malformed> {
        let memory = self.driver.memory;
        let (status, filled) = match self.block.decode(memory, chain)? {
            Request::Answer { status, filled } => (status, filled),
            Request::Do(operation) => {
                let data = match operation {
                    Operation::Read { data, .. } => {
                        chain.writable().slices(memory, data, Permissions::Write)?
                    }
                    Operation::Write { data, .. } => {
                        chain.readable().slices(memory, data, Permissions::Read)?
                    }
                    _ => Vec::new(),
                };
                self.engine.begin(0, operation, &data);
                let (_, result) = self.engine.over().expect("it was done at once");
                self.block.settle(operation, &result)
            }
        };
        answer(memory, chain, status, filled)
    }
    /// A chain that ends with its status.
    fn ask(&mut self, parts: &[Part]) -> Answered {
        let parts = [parts, &[Part::In(1)]].concat();
        let buffers = self.driver.offer(&parts);
        let status = *buffers.last().expect("there is a status");
        let memory = self.driver.memory;
        memory
            .write_obj(0xeeu8, GuestAddress(status))
            .expect("it fits");
        let served = self.serve().expect("it is a request");
        let (_, written) = self.driver.used().expect("it came back");
        Answered {
            status: self.driver.bytes(status, 1)[0],
            written,
            buffers,
            failed: served > 0,
        }
    }
    /// What a request with that header would have the disk do.
    fn decode(&mut self, kind: u32, parts: &[Part]) -> Request {
        let header = header(kind, 99);
        let parts = [&[Part::Out(&header)], parts, &[Part::In(1)]].concat();
        self.driver.offer(&parts);
        let memory = self.driver.memory;
        let mut chain = Chain::default();
        assert_eq!(self.ring.take(memory, &mut chain), Ok(true));
        let request = self.block.decode(memory, &chain);
        request.expect("it is a request")
    }
    /// The same with a header.
    fn request(&mut self, kind: u32, sector: u64, parts: &[Part]) -> Answered {
        let header = header(kind, sector);
        self.ask(&[&[Part::Out(&header)], parts].concat())
    }
}

fn header(kind: u32, sector: u64) -> [u8; 16] {
    let mut header = [0; 16];
    header[..4].copy_from_slice(&kind.to_le_bytes());
    header[8..].copy_from_slice(&sector.to_le_bytes());
    header
}

fn range(sector: u64, count: u32, flags: u32) -> [u8; 16] {
    let mut range = [0; 16];
    range[..8].copy_from_slice(&sector.to_le_bytes());
    range[8..12].copy_from_slice(&count.to_le_bytes());
    range[12..].copy_from_slice(&flags.to_le_bytes());
    range
}

#[test]
fn the_configuration_lies_where_linux_looks_for_it() {
    let shown = disk().shown();
    let at = |from: usize, length: usize| {
        let bytes = &shown.configuration[from..from + length];
        bytes
            .iter()
            .rev()
            .fold(0u64, |value, &byte| value << 8 | u64::from(byte))
    };
    for (from, length, value) in [
        (offset_of!(virtio_blk_config, capacity), 8, SECTORS),
        (offset_of!(virtio_blk_config, size_max), 4, 0),
        (offset_of!(virtio_blk_config, seg_max), 4, 62),
        (offset_of!(virtio_blk_config, blk_size), 4, 512),
        (offset_of!(virtio_blk_config, wce), 1, 0),
        (offset_of!(virtio_blk_config, num_queues), 2, 0),
        (
            offset_of!(virtio_blk_config, max_discard_sectors),
            4,
            1 << 21,
        ),
        (offset_of!(virtio_blk_config, max_discard_seg), 4, 1),
        (
            offset_of!(virtio_blk_config, discard_sector_alignment),
            4,
            8,
        ),
        (
            offset_of!(virtio_blk_config, max_write_zeroes_sectors),
            4,
            1 << 15,
        ),
        (offset_of!(virtio_blk_config, max_write_zeroes_seg), 4, 1),
        (offset_of!(virtio_blk_config, write_zeroes_may_unmap), 1, 1),
    ] {
        assert_eq!(at(from, length), value, "at {from}");
    }
    // Large queues have as many segments as a request may have anywhere.
    let large = Disk {
        queue: 1024,
        ..disk()
    }
    .shown();
    assert_eq!(large.configuration[12..16], 254u32.to_le_bytes());
}

/// The features of version 1 of the model, by number.
#[test]
fn the_features_are_these() {
    let bits = |read_only| {
        let features = Disk {
            read_only,
            ..disk()
        }
        .shown()
        .features;
        (0..128)
            .filter(|&bit| features.has(bit))
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(false), [2, 6, 9, 13, 14, 28, 29, 32]);
    assert_eq!(bits(true), [2, 5, 6, 9, 28, 29, 32]);
    for queue in [1, 2, 4, 256, 1 << 15] {
        let shown = Disk { queue, ..disk() }.shown();
        Transport::new(shown).expect("there is such a disk");
    }
}

#[test]
fn sectors_are_read_and_written_however_they_are_framed() {
    let memory = memory();
    let mut guest = Guest::new(&memory, disk());
    let read = guest.request(0, 3, &[Part::In(512), Part::In(100), Part::In(412)]);
    assert_eq!((read.status, read.written), (OK, 1025));
    let disk = guest.engine.backend().bytes.clone();
    let mut seen = guest.driver.bytes(read.buffers[1], 512);
    seen.extend(guest.driver.bytes(read.buffers[2], 100));
    seen.extend(guest.driver.bytes(read.buffers[3], 412));
    assert_eq!(seen, disk[3 * 512..5 * 512]);

    let data: Vec<u8> = (0..1024).map(|at| at as u8 ^ 0x5a).collect();
    let (one, two) = data.split_at(700);
    let wrote = guest.request(1, 62, &[Part::Out(one), Part::Out(two)]);
    assert_eq!((wrote.status, wrote.written), (OK, 1));
    assert_eq!(guest.engine.backend().bytes[62 * 512..], data);
    assert_eq!(guest.engine.backend().bytes[..62 * 512], disk[..62 * 512]);

    // The header in pieces and with the data, the status with the data.
    let header = header(0, 1);
    let parts = [
        Part::Out(&header[..3]),
        Part::Out(&header[3..]),
        Part::In(513),
    ];
    let buffers = guest.driver.offer(&parts);
    guest.serve().expect("it is a request");
    assert_eq!(guest.driver.used(), Some((9, 513)));
    let seen = guest.driver.bytes(buffers[2], 514);
    assert_eq!(seen[..512], disk[512..1024]);
    assert_eq!(seen[512..], [OK, 0]);
    let mut all = self::header(1, 0).to_vec();
    all.extend([0xab; 512]);
    let wrote = guest.ask(&[Part::Out(&all)]);
    assert_eq!((wrote.status, wrote.written), (OK, 1));
    assert_eq!(guest.engine.backend().bytes[..512], [0xab; 512]);
}

#[test]
fn nothing_beyond_the_disk_is_asked_for() {
    let sizes = [
        (0, 512, OK),
        (63, 512, OK),
        (0, 64 * 512, OK),
        (64, 0, OK),
        (64, 512, IOERR),
        (63, 1024, IOERR),
        (0, 65 * 512, IOERR),
        (65, 0, IOERR),
        (0, 1, IOERR),
        (0, 511, IOERR),
        (0, 513, IOERR),
        (1 << 55, 512, IOERR),
        (u64::MAX / 512, 512, IOERR),
        (u64::MAX / 512 + 1, 512, IOERR),
        (u64::MAX, 512, IOERR),
        (u64::MAX, 1024, IOERR),
    ];
    for (sector, length, status) in sizes {
        let memory = memory();
        let mut guest = Guest::new(&memory, disk());
        let read = guest.request(0, sector, &[Part::In(length)]);
        assert_eq!(read.status, status, "reads {length} at {sector}");
        let written = match status {
            IOERR if length != 0 => 0,
            _ => length as u32 + 1,
        };
        assert_eq!(read.written, written);
        let data = vec![1; length];
        let wrote = guest.request(1, sector, &[Part::Out(&data)]);
        assert_eq!(wrote.status, status, "writes {length} at {sector}");
        assert_eq!(wrote.written, 1);
        assert_eq!(
            guest.engine.backend().asked.len(),
            if status == OK { 2 } else { 0 }
        );
        assert!(!read.failed && !wrote.failed);
    }
}

#[test]
fn a_request_that_goes_both_ways_is_none() {
    let memory = memory();
    let mut guest = Guest::new(&memory, disk());
    let read = guest.request(0, 0, &[Part::Out(&[0; 512]), Part::In(512)]);
    let wrote = guest.request(1, 0, &[Part::Out(&[0; 512]), Part::In(512)]);
    assert_eq!([read.status, wrote.status], [IOERR; 2]);
    assert_eq!([read.written, wrote.written], [0; 2]);
    assert_eq!(guest.engine.backend().asked, []);
}

#[test]
fn a_read_only_disk_is_only_read() {
    let memory = memory();
    let disk = Disk {
        read_only: true,
        ..disk()
    };
    // Whatever a driver says that it accepted.
    let all: Vec<u32> = (0..128).collect();
    let features = Features::of(&all);
    let mut guest = Guest::accepting(&memory, disk, features);
    assert_eq!(guest.request(0, 0, &[Part::In(512)]).status, OK);
    let asked = guest.engine.backend().asked.clone();
    // There is nothing to be flushed, which nobody is asked for.
    assert_eq!(guest.request(4, 0, &[]).status, OK);
    assert_eq!(guest.request(1, 0, &[Part::Out(&[0; 512])]).status, IOERR);
    for kind in [11, 13] {
        let range = range(0, 1, 0);
        assert_eq!(guest.request(kind, 0, &[Part::Out(&range)]).status, IOERR);
    }
    assert_eq!(guest.engine.backend().asked, asked);
    assert_eq!(guest.engine.backend().bytes, Store::new().bytes);
}

#[test]
fn without_a_flush_every_write_is_stable() {
    let memory = memory();
    let accept = |bits: &[u32]| {
        let mut guest = Guest::accepting(&memory, disk(), Features::of(bits));
        let data = guest.request(1, 0, &[Part::Out(&[0; 512])]).status;
        let zero = range(1, 1, 0);
        let zero = guest.request(13, 0, &[Part::Out(&zero)]).status;
        let flush = guest.request(4, 0, &[]).status;
        let stable = guest
            .engine
            .backend()
            .asked
            .iter()
            .map(|asked| match asked {
                Operation::Write { stable, .. } | Operation::Zero { stable, .. } => *stable,
                Operation::Flush => true,
                other => panic!("{other:?}"),
            });
        (stable.collect::<Vec<_>>(), [data, zero, flush])
    };
    assert_eq!(accept(&[9, 14]), (vec![false, false, true], [OK, OK, OK]));
    assert_eq!(accept(&[14]), (vec![true, true], [OK, OK, UNSUPP]));
}

#[test]
fn what_was_lost_stays_lost() {
    let memory = memory();
    let mut guest = Guest::new(&memory, disk());
    assert_eq!(guest.request(1, 0, &[Part::Out(&[0; 512])]).status, OK);
    guest.engine.backend().fails = Some(28);
    let flush = guest.request(4, 0, &[]);
    assert_eq!((flush.status, flush.failed), (IOERR, true));
    // The host's next flush succeeds, and says nothing of it.
    guest.engine.backend().fails = None;
    let flush = guest.request(4, 0, &[]);
    assert_eq!((flush.status, flush.failed), (IOERR, false));
    assert_eq!(guest.request(0, 0, &[Part::In(512)]).status, OK);
    // Nor does the next driver's, on the same disk.
    let features = disk().shown().features;
    guest.block = Block::new(disk(), features, guest.block.has_lost());
    let flush = guest.request(4, 0, &[]);
    assert_eq!((flush.status, flush.failed), (IOERR, false));
    // A write that is stable by itself makes nothing of it stable either.
    let mut guest = Guest::accepting(&memory, disk(), Features::of(&[32]));
    guest.engine.backend().fails = Some(EIO);
    assert_eq!(guest.request(1, 0, &[Part::Out(&[0; 512])]).status, IOERR);
    guest.engine.backend().fails = None;
    assert_eq!(guest.request(1, 0, &[Part::Out(&[0; 512])]).status, IOERR);
}

#[test]
fn a_failure_of_the_host_is_one_of_the_disk() {
    let memory = memory();
    let mut guest = Guest::new(&memory, disk());
    guest.engine.backend().fails = Some(EIO);
    let one = range(8, 8, 0);
    let answers = [
        guest.request(0, 0, &[Part::In(512)]),
        guest.request(1, 0, &[Part::Out(&[0; 512])]),
        guest.request(11, 0, &[Part::Out(&one)]),
        guest.request(13, 0, &[Part::Out(&one)]),
    ];
    assert!(answers.iter().all(|a| a.status == IOERR && a.failed));
    assert_eq!(answers.map(|a| a.written), [0, 1, 1, 1]);
    guest.engine.backend().fails = None;
    assert_eq!(guest.request(1, 0, &[Part::Out(&[0; 512])]).status, OK);
    assert_eq!(guest.request(4, 0, &[]).status, OK);
}

#[test]
fn a_hint_that_is_not_taken_is_no_error() {
    let memory = memory();
    let mut guest = Guest::new(&memory, disk());
    let one = range(8, 8, 0);
    // ENOSPC, EBUSY, ETXTBSY, EOPNOTSUPP, EPERM.
    for errno in [28, 16, 26, 95, 1] {
        guest.engine.backend().fails = Some(errno);
        let discard = guest.request(11, 0, &[Part::Out(&one)]);
        assert_eq!((discard.status, discard.failed), (OK, true), "{errno}");
        let zero = guest.request(13, 0, &[Part::Out(&one)]);
        assert_eq!((zero.status, zero.failed), (IOERR, true), "{errno}");
    }
}

#[test]
fn ranges_are_discarded_and_zeroed_within_limits() {
    let memory = memory();
    const BIG: u64 = 1 << 22;
    let discard_most = 1 << 21;
    let zero_most = 1 << 15;
    // Sectors on the disk; sector, count, flags; status of a discard and of zeroes.
    let cases = [
        (SECTORS, (0, 64, 0), OK, OK),
        (SECTORS, (63, 1, 0), OK, OK),
        (SECTORS, (0, 1, 1), UNSUPP, OK),
        (SECTORS, (0, 1, 2), UNSUPP, UNSUPP),
        (SECTORS, (0, 1, 1 << 31), UNSUPP, UNSUPP),
        (SECTORS, (0, 0, 0), IOERR, IOERR),
        (SECTORS, (0, 65, 0), IOERR, IOERR),
        (SECTORS, (64, 1, 0), IOERR, IOERR),
        (SECTORS, (u64::MAX, 1, 0), IOERR, IOERR),
        (SECTORS, (u64::MAX / 512, u32::MAX, 0), IOERR, IOERR),
        (BIG, (0, zero_most, 0), OK, OK),
        (BIG, (0, zero_most + 1, 0), OK, IOERR),
        (BIG, (0, discard_most, 0), OK, IOERR),
        (BIG, (0, discard_most + 1, 0), IOERR, IOERR),
        (BIG, (0, u32::MAX, 0), IOERR, IOERR),
    ];
    for (sectors, (sector, count, flags), discards, zeroes) in cases {
        for (kind, status) in [(11, discards), (13, zeroes)] {
            let disk = Disk { sectors, ..disk() };
            let mut guest = Guest::new(&memory, disk);
            let range = range(sector, count, flags);
            let request = guest.decode(kind, &[Part::Out(&range)]);
            let (offset, length) = (sector.wrapping_mul(512), u64::from(count) * 512);
            let expected = match (kind, status) {
                (_, IOERR) => FAILED,
                (_, UNSUPP) => UNSUPPORTED,
                (11, _) => Request::Do(Operation::Discard { offset, length }),
                _ => Request::Do(Operation::Zero {
                    offset,
                    length,
                    unmap: flags == 1,
                    stable: false,
                }),
            };
            assert_eq!(request, expected, "{kind}: {count} at {sector}");
        }
    }
    let mut guest = Guest::new(&memory, disk());
    let before = guest.engine.backend().bytes.clone();
    let some = range(3, 2, 0);
    assert_eq!(guest.request(11, 0, &[Part::Out(&some)]).status, OK);
    assert_eq!(guest.engine.backend().bytes, before);
    assert_eq!(guest.request(13, 0, &[Part::Out(&some)]).status, OK);
    assert_eq!(guest.engine.backend().bytes[3 * 512..5 * 512], [0; 1024]);
    assert_eq!(guest.engine.backend().bytes[..3 * 512], before[..3 * 512]);
    assert_eq!(guest.engine.backend().bytes[5 * 512..], before[5 * 512..]);
    // One range, and all of it.
    for parts in [
        vec![],
        vec![Part::Out(&[0; 15][..])],
        vec![Part::Out(&[0; 32][..])],
    ] {
        for kind in [11, 13] {
            let mut guest = Guest::new(&memory, disk());
            assert_eq!(guest.request(kind, 0, &parts).status, IOERR);
        }
    }
}

#[test]
fn it_says_its_serial_number() {
    let memory = memory();
    let mut guest = Guest::new(&memory, disk());
    let id = guest.request(8, 77, &[Part::In(7), Part::In(13)]);
    assert_eq!((id.status, id.written), (OK, 21));
    let mut seen = guest.driver.bytes(id.buffers[1], 7);
    seen.extend(guest.driver.bytes(id.buffers[2], 13));
    assert_eq!(seen, b"serial-number-of-20!");
    // More room, of which no more than that was filled; too little.
    let id = guest.request(8, 0, &[Part::In(64)]);
    assert_eq!((id.status, id.written), (OK, 20));
    assert_eq!(guest.driver.bytes(id.buffers[1], 21)[20], 0);
    let id = guest.request(8, 0, &[Part::In(19)]);
    assert_eq!((id.status, id.written), (IOERR, 0));
    assert_eq!(guest.driver.bytes(id.buffers[1], 19), [0; 19]);
}

#[test]
fn there_are_no_other_requests() {
    let memory = memory();
    let known = [0, 1, 4, 8, 11, 13];
    for kind in (0..64).chain([1 << 8, 1 << 31, u32::MAX]) {
        let mut guest = Guest::new(&memory, disk());
        let answered = guest.request(kind, 0, &[]);
        let status = match kind {
            0 | 1 | 4 => OK,
            8 | 11 | 13 => IOERR,
            _ => UNSUPP,
        };
        assert_eq!(answered.status, status, "{kind}");
        assert_eq!(known.contains(&kind), answered.status != UNSUPP);
    }
    // Those that were not accepted neither.
    for (kind, feature) in [(11, 13), (13, 14)] {
        let features = disk().shown().features;
        let others: Vec<u32> = (0..128)
            .filter(|&bit| features.has(bit) && bit != feature)
            .collect();
        let mut guest = Guest::accepting(&memory, disk(), Features::of(&others));
        let range = range(0, 1, 0);
        assert_eq!(guest.request(kind, 0, &[Part::Out(&range)]).status, UNSUPP);
    }
}

#[test]
fn who_cannot_be_answered_is_no_request() {
    let header = header(0, 0);
    let cases: [&[Part]; 6] = [
        &[Part::Out(&header)],
        &[Part::Out(&header[..15]), Part::In(513)],
        &[Part::In(513)],
        &[Part::Out(&header), Part::In(0)],
        &[Part::Out(&[])],
        &[Part::In(0)],
    ];
    for (at, parts) in cases.into_iter().enumerate() {
        let memory = memory();
        let mut guest = Guest::new(&memory, disk());
        guest.driver.offer(parts);
        let served = guest.serve();
        let why = Malformed::TooShort;
        let none = Err(Broken::Chain { head: 0, why });
        assert_eq!(served, none, "case {at}");
        assert_eq!(guest.engine.backend().asked, []);
        assert_eq!(guest.driver.used(), None);
    }
}

/// Header, data and status in one place, on the ring, and on the table itself.
#[test]
fn buffers_that_overlap_harm_the_guest_alone() {
    let memory = memory();
    for target in [0x1_0000, 0, 0x4000, 0x5000, 0x5ff8] {
        let mut guest = Guest::new(&memory, disk());
        let setup = guest.driver.setup;
        for kind in [0, 8] {
            let place = BASE + target;
            memory
                .write_slice(&header(kind, 0), GuestAddress(BASE + 0x1_0000))
                .expect("it fits");
            let table = BASE + 0x9000;
            guest
                .driver
                .describe(table, 0, (BASE + 0x1_0000, 16), NEXT, 1);
            guest
                .driver
                .describe(table, 1, (place, 512), WRITE | NEXT, 2);
            guest.driver.describe(table, 2, (place + 4, 1), WRITE, 0);
            guest.driver.set(0, (table, 48), INDIRECT, 0);
            let entry = setup.driver + 4 + 2 * u64::from(guest.driver.available % 64);
            memory
                .write_obj(0u16, GuestAddress(entry))
                .expect("it fits");
            guest
                .driver
                .set_available(guest.driver.available.wrapping_add(1));
            let mut chain = Chain::default();
            // Where the ring was written over, it breaks.
            let Ok(true) = guest.ring.take(&memory, &mut chain) else {
                break;
            };
            let written = guest.serve_one(&chain).expect("it is a request");
            assert_eq!(written, if kind == 0 { 513 } else { 20 });
            assert_eq!(guest.driver.bytes(place + 4, 1), [OK]);
            let given = guest.ring.give(&memory, chain.head(), written);
            given.expect("it was taken");
        }
    }
}

/// The store panics where something beyond it is asked for.
#[test]
fn no_chain_breaks_it() {
    let memory = memory();
    let mut random = Random(9);
    let (mut asked, mut answered, mut none) = (0, 0, 0);
    for _ in 0..30_000 {
        let disk = Disk {
            read_only: random.below(4) == 0,
            ..disk()
        };
        let mut guest = Guest::new(&memory, disk.clone());
        let before = guest.engine.backend().bytes.clone();
        if random.below(4) == 0 {
            guest.engine.backend().fails = Some(EIO);
        }
        let at = BASE + 0x1_0000 + random.below(16);
        let kind = [0, 1, 4, 8, 11, 13, random.bits() as u32][random.below(7) as usize];
        let sector = match random.below(4) {
            0 => random.bits(),
            _ => random.below(SECTORS + 1),
        };
        memory
            .write_slice(&header(kind, sector), GuestAddress(at))
            .expect("it fits");
        let one = range(
            random.below(SECTORS + 2),
            random.below(40) as u32,
            random.below(3) as u32,
        );
        memory
            .write_slice(&one, GuestAddress(at + 16))
            .expect("it fits");
        let count = 1 + random.below(5) as u16;
        for index in 0..count {
            let address = match random.below(3) {
                0 => BASE + random.below(SIZE - 0x4000),
                _ => at + 16,
            };
            let length = match random.below(4) {
                0 => random.below(0x4000),
                1 => 16,
                2 => 512 * random.below(20),
                _ => [0, 1, 15, 20, 21, 511, 513][random.below(7) as usize],
            };
            let (address, length) = if index == 0 {
                (at, 16)
            } else {
                (address, length)
            };
            let write = if index > 1 || random.below(2) == 0 && index > 0 {
                WRITE
            } else {
                0
            };
            let next = if index + 1 < count { NEXT } else { 0 };
            guest
                .driver
                .set(index, (address, length as u32), write | next, index + 1);
        }
        memory
            .write_obj(0u32, GuestAddress(guest.driver.setup.device))
            .expect("it fits");
        guest.driver.publish(0);
        let mut chain = Chain::default();
        if guest.ring.take(&memory, &mut chain) != Ok(true) {
            none += 1;
            continue;
        }
        let room = chain.writable().length();
        match guest.serve_one(&chain) {
            Ok(written) => {
                answered += 1;
                assert!(u64::from(written) <= room);
                asked += guest.engine.backend().asked.len();
                if disk.read_only {
                    assert_eq!(guest.engine.backend().bytes, before);
                }
            }
            Err(why) => {
                none += 1;
                assert_eq!(why, Malformed::TooShort);
                assert_eq!(guest.engine.backend().asked, []);
            }
        }
    }
    let counts = [asked, answered, none];
    assert!(counts.into_iter().all(|n| n > 2_000), "{counts:?}");
}

/// An engine whose operations are over when the test says so.
#[derive(Default)]
struct Late {
    begun: Vec<(u16, Operation)>,
    over: Vec<(u16, io::Result<()>)>,
    /// What becomes of those that are waited for.
    errno: Option<i32>,
}

impl Late {
    fn finish(&mut self, at: usize) {
        let (token, _) = self.begun.remove(at);
        let result = self
            .errno
            .map_or(Ok(()), |errno| Err(io::Error::from_raw_os_error(errno)));
        self.over.push((token, result));
    }
}

impl Engine for Late {
    fn begin<B: BitmapSlice>(&mut self, token: u16, operation: Operation, _: &[VolatileSlice<B>]) {
        self.begun.push((token, operation));
    }
    fn submit(&mut self) {}
    fn over(&mut self) -> Option<(u16, io::Result<()>)> {
        self.over.pop()
    }
    fn rest(&mut self) {
        while !self.begun.is_empty() {
            self.finish(0);
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn requests_come_back_in_the_order_in_which_they_are_over() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 16);
    let mut ring = driver.ring(&[]);
    let mut block = Block::new(disk(), disk().shown().features, false);
    let mut requests = Requests::new(16);
    let mut engine = Late::default();
    let mut serve = |engine: &mut Late, ring: &mut Ring| {
        let mut turns = 0;
        loop {
            let served = requests.serve(&mut block, engine, ring, &memory, |_, _| {});
            turns += 1;
            if !served.expect("they are requests").more {
                // The last one found nothing, and asked to be notified.
                return turns;
            }
        }
    };
    for sector in 0..4 {
        driver.offer(&[Part::Out(&header(0, sector)), Part::In(513)]);
    }
    assert_eq!(serve(&mut engine, &mut ring), 2);
    assert_eq!((engine.begun.len(), ring.out()), (4, 4));
    assert_eq!(driver.used(), None);
    let heads: Vec<_> = [2, 0, 1, 0]
        .into_iter()
        .map(|at| {
            engine.finish(at);
            assert_eq!(serve(&mut engine, &mut ring), 2);
            driver.used().expect("one came back")
        })
        .collect();
    assert_eq!(heads.len(), 4);
    let mut in_order = heads.clone();
    in_order.sort_unstable();
    assert_ne!(heads, in_order);
    assert_eq!(ring.out(), 0);
}

/// A disk of 2 GiB, to its driver.
fn large() -> Block {
    let large = Disk {
        sectors: 1 << 22,
        ..disk()
    };
    let features = large.shown().features;
    Block::new(large, features, false)
}

/// A host that cannot zero writes as many bytes: no reset waits for gigabytes.
#[test]
fn what_is_zeroed_weighs_as_much_as_if_it_were_written() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 64);
    let mut ring = driver.ring(&[]);
    let mut block = large();
    let mut requests = Requests::new(64);
    let mut engine = Late::default();
    let zeroes = range(0, 1 << 15, 0);
    for _ in 0..8 {
        driver.offer(&[Part::Out(&header(13, 0)), Part::Out(&zeroes), Part::In(1)]);
    }
    let mut under_way = |engine: &mut Late, ring: &mut Ring| {
        for _ in 0..4 {
            let served = requests.serve(&mut block, engine, ring, &memory, |_, _| {});
            served.expect("they are requests");
        }
        engine.begun.len()
    };
    assert_eq!(under_way(&mut engine, &mut ring), 4);
    engine.finish(0);
    engine.finish(0);
    assert_eq!(under_way(&mut engine, &mut ring), 4);
}

/// What is forgotten is not written: nothing else waits for it.
#[test]
fn a_large_discard_holds_nothing_up() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 64);
    let mut ring = driver.ring(&[]);
    let mut block = large();
    let mut requests = Requests::new(64);
    let mut engine = Late::default();
    let gigabyte = range(0, 1 << 21, 0);
    driver.offer(&[Part::Out(&header(11, 0)), Part::Out(&gigabyte), Part::In(1)]);
    driver.offer(&[Part::Out(&header(0, 0)), Part::In(513)]);
    let served = requests.serve(&mut block, &mut engine, &mut ring, &memory, |_, _| {});
    served.expect("they are requests");
    assert_eq!(engine.begun.len(), 2);
}

/// What a flush finds out while its driver takes the queue away is known to the next driver's.
#[test]
fn what_a_reset_waits_for_may_be_lost_for_ever() {
    for (errno, lost) in [(None, false), (Some(EIO), true)] {
        let memory = memory();
        let mut driver = Driver::new(&memory, 16);
        let mut ring = driver.ring(&[]);
        let mut block = Block::new(disk(), disk().shown().features, false);
        let mut requests = Requests::new(16);
        let mut engine = Late {
            errno,
            ..Late::default()
        };
        driver.offer(&[Part::Out(&header(4, 0)), Part::In(1)]);
        let mut failures = 0;
        let served = requests.serve(&mut block, &mut engine, &mut ring, &memory, |_, _| {});
        served.expect("it is a request");
        let before = driver.bytes(BASE, 0x8000);
        requests.rest(&mut block, &mut engine, |_, _| failures += 1);
        assert!(driver.bytes(BASE, 0x8000) == before);
        assert_eq!(
            (block.has_lost(), failures),
            (lost, usize::from(lost)),
            "{errno:?}"
        );
        assert!(engine.begun.is_empty() && engine.over.is_empty());
    }
}
