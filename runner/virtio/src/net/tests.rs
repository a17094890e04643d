use super::*;
use crate::driver::{BASE, Driver, INDIRECT, Memory, NEXT, Part, SIZE, WRITE, memory};
use crate::mmio::Transport;
use crate::random::Random;
use std::mem::offset_of;
use virtio_bindings::virtio_ring::VIRTIO_RING_F_INDIRECT_DESC as INDIRECT_DESC;
use vm_memory::{Bytes, GuestAddress};

const CSUM: u32 = VIRTIO_NET_F_CSUM;
const TSO4: u32 = VIRTIO_NET_F_HOST_TSO4;
const TSO6: u32 = VIRTIO_NET_F_HOST_TSO6;
const ECN: u32 = VIRTIO_NET_F_HOST_ECN;
const MERGES: u32 = VIRTIO_NET_F_MRG_RXBUF;

fn nic() -> Nic {
    Nic {
        mac: [0x52, 0x54, 0, 1, 2, 3],
        mtu: 1500,
        queue: 64,
    }
}

fn card(bits: &[u32]) -> Card {
    Card::new(&nic(), Features::of(bits))
}

#[test]
fn the_configuration_lies_where_linux_looks_for_it() {
    let shown = nic().shown();
    let at = |from: usize, length: usize| shown.configuration[from..from + length].to_vec();
    assert_eq!(at(offset_of!(virtio_net_config, mac), 6), nic().mac);
    assert_eq!(at(offset_of!(virtio_net_config, status), 2), [1, 0]);
    assert_eq!(
        at(offset_of!(virtio_net_config, max_virtqueue_pairs), 2),
        [0; 2]
    );
    assert_eq!(
        at(offset_of!(virtio_net_config, mtu), 2),
        1500u16.to_le_bytes()
    );
    let mut down = shown.configuration.clone();
    set_link(&mut down, false);
    assert_eq!(down[offset_of!(virtio_net_config, status)], 0);
    set_link(&mut [], true);
    assert_eq!(HEADER, size_of::<virtio_net_hdr_v1>());
    assert_eq!(NUM_BUFFERS, offset_of!(virtio_net_hdr_v1, num_buffers));
}

/// The features of version 1 of the model, by number.
#[test]
fn the_features_are_these() {
    let shown = nic().shown();
    let bits: Vec<u32> = (0..128).filter(|&bit| shown.features.has(bit)).collect();
    assert_eq!(bits, [0, 1, 3, 5, 7, 8, 9, 11, 12, 13, 15, 16, 28, 29, 32]);
    assert_eq!(shown.queues, [64, 64]);
    Transport::new(shown).expect("there is such a card");
}

/// Each header, what a driver accepted, the frame's length: what leaves.
#[test]
fn a_header_is_made_anew_or_the_frame_is_dropped() {
    let all = [CSUM, TSO4, TSO6, ECN];
    // flags, kind, header length, segment size, checksum start and offset, buffers.
    let header = |flags, kind, words: [u16; 5]| {
        let mut bytes = [0; HEADER];
        (bytes[0], bytes[1]) = (flags, kind);
        for (to, word) in bytes[2..].chunks_mut(2).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    };
    let plain = header(0, 0, [0; 5]);
    let sum = header(1, 0, [0, 0, 34, 16, 0]);
    let tcp = header(1, 1, [54, 1448, 34, 16, 0]);
    assert_eq!(
        card(&[1, 7]).header(&IN, header(1, 1, [0, 9, 65_500, 16, 0]), 65_550),
        Ok(header(1, 1, [u16::MAX, 9, 65_500, 16, 0]))
    );
    type Case<'a> = ([u8; HEADER], &'a [u32], u64, Result<[u8; HEADER], Fault>);
    let cases: [Case; 31] = [
        (plain, &[], 14, Ok(plain)),
        (plain, &[], 13, Err(Fault::Short)),
        (plain, &[], 0, Err(Fault::Short)),
        (plain, &[], 1522, Ok(plain)),
        (plain, &[], 1523, Err(Fault::Large)),
        (plain, &all, 1523, Err(Fault::Large)),
        (plain, &[], u32::MAX.into(), Err(Fault::Large)),
        // What says nothing is not passed on.
        (header(0, 0, [1, 2, 3, 4, 5]), &[], 60, Ok(plain)),
        (header(0xfe, 0, [0; 5]), &all, 60, Ok(plain)),
        (header(0xff, 0, [9, 9, 34, 16, 9]), &all, 60, Ok(sum)),
        (sum, &[CSUM], 60, Ok(sum)),
        (sum, &[], 60, Err(Fault::Checksum)),
        (sum, &[CSUM], 52, Ok(sum)),
        (sum, &[CSUM], 51, Err(Fault::Checksum)),
        (
            header(1, 0, [0, 0, u16::MAX, u16::MAX, 0]),
            &[CSUM],
            1518,
            Err(Fault::Checksum),
        ),
        (tcp, &all, 1518, Ok(tcp)),
        (tcp, &[CSUM, TSO4], 65_550, Ok(tcp)),
        (tcp, &all, 65_551, Err(Fault::Large)),
        (tcp, &[CSUM], 1518, Err(Fault::Segments)),
        (tcp, &[CSUM, TSO6, ECN], 1518, Err(Fault::Segments)),
        (tcp, &[TSO4], 1518, Err(Fault::Checksum)),
        // No size; no checksum; more header than there is.
        (
            header(1, 1, [54, 0, 34, 16, 0]),
            &all,
            1518,
            Err(Fault::Segments),
        ),
        (
            header(0, 1, [54, 1448, 34, 16, 0]),
            &all,
            1518,
            Err(Fault::Segments),
        ),
        (
            header(1, 1, [u16::MAX, 1448, 34, 16, 0]),
            &all,
            1518,
            Ok(header(1, 1, [1518, 1448, 34, 16, 0])),
        ),
        // TCP over version 6, with congestion told; UDP in both ways, and what there is not.
        (
            header(1, 4, [54, 9, 34, 16, 0]),
            &all,
            99,
            Ok(header(1, 4, [54, 9, 34, 16, 0])),
        ),
        (
            header(1, 0x84, [54, 9, 34, 16, 0]),
            &all,
            60,
            Ok(header(1, 0x84, [54, 9, 34, 16, 0])),
        ),
        (
            header(1, 0x81, [54, 9, 34, 16, 0]),
            &[CSUM, TSO4],
            99,
            Err(Fault::Segments),
        ),
        (
            header(1, 0x80, [54, 9, 34, 16, 0]),
            &all,
            99,
            Err(Fault::Segments),
        ),
        (
            header(1, 3, [54, 9, 34, 16, 0]),
            &all,
            99,
            Err(Fault::Segments),
        ),
        (
            header(1, 5, [54, 9, 34, 16, 0]),
            &all,
            99,
            Err(Fault::Segments),
        ),
        (
            header(1, 0x7f, [54, 9, 34, 16, 0]),
            &all,
            99,
            Err(Fault::Segments),
        ),
    ];
    for (at, (header, bits, length, made)) in cases.into_iter().enumerate() {
        assert_eq!(card(bits).header(&OUT, header, length), made, "case {at}");
        // The other way, it takes the other features, and what a host says of its memory is not passed on.
        let made = made.map(|mut made| {
            let head = if made[1] != 0 {
                length.min(94) as u8
            } else {
                0
            };
            made[2..4].copy_from_slice(&[head, 0]);
            made
        });
        let others = |bit: &u32| match *bit {
            CSUM => VIRTIO_NET_F_GUEST_CSUM,
            TSO4 => VIRTIO_NET_F_GUEST_TSO4,
            TSO6 => VIRTIO_NET_F_GUEST_TSO6,
            _ => VIRTIO_NET_F_GUEST_ECN,
        };
        let others: Vec<u32> = bits.iter().map(others).collect();
        assert_eq!(card(&others).header(&IN, header, length), made, "case {at}");
        if header[..2] != [0, 0] && made.is_ok_and(|made| made[0] != 0) {
            assert!(card(&others).header(&OUT, header, length).is_err());
            assert!(card(bits).header(&IN, header, length).is_err());
        }
    }
}

#[test]
fn a_frame_is_found_however_it_is_framed() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 64);
    let mut ring = driver.ring(&[]);
    let bytes: Vec<u8> = (0..HEADER as u8 + 60)
        .map(|at| if at < 12 { 0 } else { at })
        .collect();
    for cut in [1, 11, 12, 13, 40] {
        let (one, two) = bytes.split_at(cut);
        driver.offer(&[Part::Out(one), Part::Out(two), Part::In(5)]);
        let mut chain = Chain::default();
        assert_eq!(ring.take(&memory, &mut chain), Ok(true));
        let sent = card(&[]).transmit(&memory, &chain);
        let Ok(Transmit::Send { header, frame }) = sent else {
            panic!("{sent:?}");
        };
        assert_eq!(header, [0; HEADER]);
        assert_eq!(
            frame,
            Span {
                skip: 12,
                length: 60
            }
        );
        let mut seen = [0; 60];
        let read = chain.readable().read(&memory, frame.skip, &mut seen);
        assert_eq!((read, &seen[..]), (Ok(()), &bytes[12..]));
        ring.give(&memory, chain.head(), 0).expect("it was taken");
    }
    driver.offer(&[Part::Out(&[0; 11]), Part::In(100)]);
    let mut chain = Chain::default();
    assert_eq!(ring.take(&memory, &mut chain), Ok(true));
    let sent = card(&[]).transmit(&memory, &chain);
    assert_eq!(sent, Err(Malformed::TooShort));
}

/// A driver that receives.
struct Receiver<'m> {
    driver: Driver<'m>,
    ring: Ring,
    inbox: Inbox,
    buffers: VecDeque<(u64, usize)>,
}

impl<'m> Receiver<'m> {
    fn new(memory: &'m Memory, bits: &[u32]) -> Self {
        let driver = Driver::new(memory, 64);
        Self {
            ring: driver.ring(&[INDIRECT_DESC]),
            driver,
            inbox: card(bits).inbox(),
            buffers: VecDeque::new(),
        }
    }
    fn offer(&mut self, lengths: &[usize]) {
        for &length in lengths {
            let at = self.driver.offer(&[Part::In(length)]);
            self.buffers.push_back((at[0], length));
        }
    }
    fn fill(&mut self) -> bool {
        let filled = self.inbox.fill(&mut self.ring, self.driver.memory);
        filled.expect("the driver breaks no rule")
    }
    /// The host has a frame of that length, with its header.
    fn arrives(&mut self, length: usize) -> Delivered {
        let memory = self.driver.memory;
        let frame: Vec<u8> = (0..length).map(|at| (at % 251) as u8 + 1).collect();
        let mut rest = &frame[HEADER..];
        for slice in self.inbox.slices(memory).expect("in memory") {
            let part = rest.len().min(slice.len());
            slice.copy_from(&rest[..part]);
            rest = &rest[part..];
        }
        let length = (length - HEADER) as u64;
        // What says nothing, or says too much.
        let header = [0xfe, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let delivered = self
            .inbox
            .deliver(&mut self.ring, memory, header, length, rest);
        delivered.expect("the driver breaks no rule")
    }
    /// How many buffers came back, with a frame that is whole.
    fn received(&mut self, length: usize) -> usize {
        let (mut seen, mut count) = (Vec::new(), 0);
        while let Some((_, written)) = self.driver.used() {
            let (at, room) = self.buffers.pop_front().expect("it was offered");
            assert!(written as usize == room || seen.len() + written as usize == length);
            seen.extend(self.driver.bytes(at, written as usize));
            count += 1;
        }
        assert_eq!(seen.len(), length);
        let mut header = [0; HEADER];
        header[10] = count as u8;
        assert_eq!(seen[..HEADER], header);
        for (at, byte) in seen.into_iter().enumerate().skip(HEADER) {
            assert_eq!(byte, (at % 251) as u8 + 1, "byte {at}");
        }
        count
    }
}

#[test]
fn frames_go_into_as_many_buffers_as_they_need() {
    let memory = memory();
    let mut receiver = Receiver::new(&memory, &[MERGES]);
    assert!(!receiver.fill());
    for (length, buffers) in [(26, 1), (60, 1), (100, 1), (101, 2), (1000, 10), (1001, 11)] {
        receiver.offer(&vec![100; buffers]);
        assert!(receiver.fill());
        assert_eq!(receiver.arrives(length), Delivered::All, "{length}");
        assert_eq!(receiver.received(length), buffers);
    }
    // Of those that were taken beforehand, the next frame makes use.
    receiver.offer(&[100; 20]);
    for _ in 0..4 {
        assert!(receiver.fill());
        assert_eq!(receiver.arrives(450), Delivered::All);
        assert_eq!(receiver.received(450), 5);
    }
    assert!(!receiver.fill());
    assert_eq!(receiver.ring.out(), 0);
}

#[test]
fn what_spilled_goes_into_buffers_that_come_later() {
    let memory = memory();
    let mut receiver = Receiver::new(&memory, &[MERGES]);
    receiver.offer(&[30, 30]);
    assert!(receiver.fill());
    // They come while the host reads.
    receiver.offer(&[30, 30]);
    assert_eq!(receiver.arrives(111), Delivered::All);
    assert_eq!(receiver.received(111), 4);
    // Or do not come: the frame is lost, and the next one has them.
    receiver.offer(&[30, 30]);
    assert!(receiver.fill());
    receiver.offer(&[30]);
    assert_eq!(receiver.arrives(91), Delivered::Lost);
    assert_eq!(receiver.driver.used(), None);
    assert!(receiver.fill());
    assert_eq!(receiver.arrives(90), Delivered::All);
    assert_eq!(receiver.received(90), 3);
}

#[test]
fn without_merging_a_frame_has_one_buffer() {
    let memory = memory();
    let mut receiver = Receiver::new(&memory, &[]);
    receiver.offer(&[1526, 1526, 1526]);
    assert!(receiver.fill());
    assert_eq!(receiver.ring.out(), 1);
    assert_eq!(receiver.arrives(1526), Delivered::All);
    assert_eq!(receiver.received(1526), 1);
    assert!(receiver.fill());
    // With a VLAN's tag it is too large for a buffer that need not have room for one.
    assert_eq!(receiver.arrives(1530), Delivered::Lost);
    assert_eq!(receiver.arrives(1526), Delivered::All);
    assert_eq!(receiver.received(1526), 1);
}

#[test]
fn buffers_are_left_as_if_none_had_been_taken() {
    let memory = memory();
    let mut receiver = Receiver::new(&memory, &[MERGES]);
    receiver.offer(&[200; 10]);
    assert!(receiver.fill());
    assert_eq!(receiver.arrives(250), Delivered::All);
    assert_eq!(receiver.received(250), 2);
    assert_eq!((receiver.ring.out(), receiver.ring.position()), (6, None));
    receiver.inbox.leave(&mut receiver.ring);
    assert_eq!(
        (receiver.ring.out(), receiver.ring.position()),
        (0, Some(2))
    );
    assert!(receiver.fill());
    assert_eq!(receiver.arrives(1500), Delivered::All);
    assert_eq!(receiver.received(1500), 8);
}

#[test]
fn the_largest_frame_is_what_was_accepted() {
    for (bits, largest) in [
        (&[][..], 1534),
        (&[VIRTIO_NET_F_GUEST_CSUM], 1534),
        (&[VIRTIO_NET_F_GUEST_TSO4], 65_562),
        (&[VIRTIO_NET_F_GUEST_TSO6], 65_562),
    ] {
        assert_eq!(card(bits).largest(), largest);
    }
    let memory = memory();
    // No more is taken than it needs.
    let mut receiver = Receiver::new(&memory, &[MERGES]);
    receiver.offer(&[512; 8]);
    assert!(receiver.fill());
    assert_eq!(receiver.ring.out(), 3);
}

#[test]
fn a_buffer_without_room_for_a_header_breaks_a_rule() {
    let memory = memory();
    for length in [0, 1, 11] {
        let mut receiver = Receiver::new(&memory, &[MERGES]);
        receiver.offer(&[length]);
        let why = Malformed::TooShort;
        let broken = Err(Broken::Chain { head: 0, why });
        assert_eq!(receiver.inbox.fill(&mut receiver.ring, &memory), broken);
    }
}

#[test]
fn a_host_that_reads_wrongly_loses_its_frame() {
    let memory = memory();
    let mut receiver = Receiver::new(&memory, &[MERGES]);
    receiver.offer(&[100]);
    assert!(receiver.fill());
    receiver.offer(&[100; 4]);
    for (length, spill) in [(0, 0), (13, 0), (89, 0), (1500, 5), (u64::MAX, 5)] {
        let spill = vec![0; spill];
        let ring = &mut receiver.ring;
        let header = [0; HEADER];
        let inbox = &mut receiver.inbox;
        let delivered = inbox.deliver(ring, &memory, header, length, &spill);
        assert_eq!(delivered, Ok(Delivered::Lost));
    }
    assert_eq!(receiver.driver.used(), None);
}

/// A header of what is to be segmented.
const SEGMENTS: [u8; HEADER] = [1, 1, 0, 0, 100, 0, 34, 0, 16, 0, 0, 0];

/// More pieces than a call of the host takes: what is behind them is filled from what spilled.
#[test]
fn no_call_of_the_host_has_too_many_pieces() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 64);
    driver.setup.most = 1024;
    let mut ring = driver.ring(&[INDIRECT_DESC]);
    let bits = [MERGES, VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4];
    let mut inbox = card(&bits).inbox();
    let table = BASE + 0x8000;
    for at in 0..600 {
        let more = if at < 599 { NEXT } else { 0 };
        let place = BASE + 0x1_0000 + 16 * u64::from(at);
        driver.describe(table, at, (place, 16), WRITE | more, at + 1);
    }
    for head in 0..4 {
        driver.set(head, (table, 16 * 600), INDIRECT, 0);
        driver.publish(head);
    }
    assert_eq!(inbox.fill(&mut ring, &memory), Ok(true));
    let slices = inbox.slices(&memory).expect("in memory");
    assert_eq!((slices.len(), ring.out()), (PIECES, 2));
    let length = 2 * 9600 - HEADER;
    let room = 16 * PIECES - HEADER;
    let spill: Vec<u8> = (0..length - room).map(|at| at as u8).collect();
    let delivered = inbox.deliver(&mut ring, &memory, SEGMENTS, length as u64, &spill);
    assert_eq!(delivered, Ok(Delivered::All));
    assert_eq!(
        [driver.used(), driver.used()],
        [Some((0, 9600)), Some((1, 9600))]
    );
    // All buffers are in one place: the last one wrote the end of it.
    let end = driver.bytes(BASE + 0x1_0000 + 9600 - 64, 64);
    assert_eq!(end, spill[spill.len() - 64..]);
}

#[test]
fn no_chain_breaks_it() {
    let memory = memory();
    let mut random = Random(10);
    let (mut sent, mut dropped, mut delivered, mut lost) = (0, 0, 0, 0);
    for _ in 0..20_000 {
        let bits: Vec<u32> = (0..20).filter(|_| random.below(2) == 0).collect();
        let card = card(&bits);
        let mut driver = Driver::new(&memory, 8);
        let mut ring = driver.ring(&[]);
        memory
            .write_obj(0u32, GuestAddress(driver.setup.device))
            .expect("it fits");
        let header = random.bits() & 0x0000_0fff_0fff_8501;
        memory
            .write_obj(header, GuestAddress(BASE + 0x1_0000))
            .expect("it fits");
        let write = random.below(2) == 0;
        for at in 0..8 {
            let address = match random.below(2) {
                0 => BASE + 0x1_0000,
                _ => BASE + random.below(SIZE - 0x1_0000),
            };
            let length = [0, 12, 60, 100, 1500, 0x1_0000][random.below(6) as usize];
            let flags = if write { WRITE } else { 0 } | random.below(2) as u16;
            driver.set(at, (address, length), flags, at + 1);
            driver.publish(at);
        }
        if write {
            let mut inbox = card.inbox();
            if inbox.fill(&mut ring, &memory) != Ok(true) {
                continue;
            }
            let largest = card.largest();
            let length = random.below(largest);
            let spill = vec![1; 2 * largest as usize];
            let header = [[0; HEADER], SEGMENTS][random.below(2) as usize];
            match inbox.deliver(&mut ring, &memory, header, length, &spill) {
                Ok(Delivered::All) => delivered += 1,
                Ok(Delivered::Lost) => lost += 1,
                Err(_) => {}
            }
            inbox.leave(&mut ring);
            continue;
        }
        let mut chain = Chain::default();
        while ring.take(&memory, &mut chain) == Ok(true) {
            match card.transmit(&memory, &chain) {
                Ok(Transmit::Send { header, frame }) => {
                    sent += 1;
                    assert!((14..=65_550).contains(&frame.length));
                    assert_eq!((header[0] & !1, &header[10..]), (0, &[0, 0][..]));
                }
                Ok(Transmit::Drop(_)) => dropped += 1,
                Err(why) => assert_eq!(why, Malformed::TooShort),
            }
        }
    }
    let counts = [sent, dropped, delivered, lost];
    assert!(counts.into_iter().all(|n| n > 500), "{counts:?}");
}

/// RFC 903, by hand.
#[test]
fn a_card_says_where_it_is_now() {
    let frame = announcement([2, 3, 4, 5, 6, 7]);
    assert_eq!(frame[..6], [0xff; 6]);
    assert_eq!(frame[6..14], [2, 3, 4, 5, 6, 7, 0x80, 0x35]);
    assert_eq!(frame[14..22], [0, 1, 8, 0, 6, 4, 0, 3]);
    for from in [22, 32] {
        assert_eq!(frame[from..from + 10], [2, 3, 4, 5, 6, 7, 0, 0, 0, 0]);
    }
    assert_eq!(frame[42..], [0; 18]);
}
