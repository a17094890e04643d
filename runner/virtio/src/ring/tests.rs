use super::*;
use crate::chain::Span;
use crate::driver::{BASE, Driver, INDIRECT, Memory, NEXT, Part, SIZE, WRITE, memory};
use crate::random::Random;

const EVENT_IDX: u32 = VIRTIO_RING_F_EVENT_IDX;
const INDIRECT_DESC: u32 = VIRTIO_RING_F_INDIRECT_DESC;

fn take(ring: &mut Ring, memory: &Memory) -> Result<Chain, Broken> {
    let mut chain = Chain::default();
    let taken = ring.take(memory, &mut chain)?;
    assert!(taken, "nothing is available");
    Ok(chain)
}

/// What the ring says of the one chain that is there, for a driver whose queue has eight descriptors.
fn why(features: &[u32], make: impl FnOnce(&mut Driver)) -> Malformed {
    let memory = memory();
    let mut driver = Driver::new(&memory, 8);
    let mut ring = driver.ring(features);
    make(&mut driver);
    driver.publish(0);
    match take(&mut ring, &memory) {
        Err(Broken::Chain { head: 0, why }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn chains_go_through_in_order_and_round_the_end() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 4);
    let mut ring = driver.ring(&[]);
    let mut chain = Chain::default();
    assert_eq!(ring.take(&memory, &mut chain), Ok(false));
    for turn in 0..70_000u32 {
        let byte = [turn as u8];
        driver.set(0, (BASE + 0x1_0000, 1), NEXT, 3);
        driver.set(3, (BASE + 0x1_1000, 5), WRITE, 0);
        memory
            .write_slice(&byte, GuestAddress(BASE + 0x1_0000))
            .expect("it fits");
        driver.publish(0);
        assert_eq!(ring.take(&memory, &mut chain), Ok(true));
        let mut read = [0];
        chain
            .readable()
            .read(&memory, 0, &mut read)
            .expect("one byte");
        assert_eq!((read, chain.head()), (byte, 0));
        assert_eq!(chain.writable().length(), 5);
        assert_eq!((ring.out(), ring.position()), (1, None));
        ring.give(&memory, chain.head(), turn)
            .expect("it was taken");
        assert_eq!(driver.used(), Some((0, turn)));
        assert_eq!(ring.position(), Some((turn + 1) as u16));
    }
}

#[test]
fn a_set_up_makes_a_ring_or_none() {
    let memory = memory();
    let setup = Driver::new(&memory, 16).setup;
    let end = BASE + SIZE;
    let wrong = [
        Setup { size: 0, ..setup },
        Setup { size: 3, ..setup },
        Setup { size: 32, ..setup },
        Setup {
            size: 1 << 16 | 16,
            ..setup
        },
        Setup {
            size: u32::MAX,
            ..setup
        },
        Setup { most: 0, ..setup },
        Setup {
            descriptors: 0,
            ..setup
        },
        Setup {
            descriptors: BASE + 8,
            ..setup
        },
        Setup {
            descriptors: end - 16 * 15,
            ..setup
        },
        Setup {
            descriptors: u64::MAX - 15,
            ..setup
        },
        Setup { driver: 0, ..setup },
        Setup {
            driver: BASE + 1,
            ..setup
        },
        Setup {
            driver: end - 36,
            ..setup
        },
        Setup {
            driver: u64::MAX - 1,
            ..setup
        },
        Setup {
            device: BASE - 4,
            ..setup
        },
        Setup {
            device: BASE + 2,
            ..setup
        },
        Setup {
            device: end - 132,
            ..setup
        },
        Setup {
            device: u64::MAX - 3,
            ..setup
        },
    ];
    for setup in wrong {
        assert!(
            setup.ring(&memory, Features::default()).is_none(),
            "{setup:x?}"
        );
    }
    // To the last byte: 16 descriptors, 6 + 2 * 16 and 6 + 8 * 16 bytes.
    let right = [
        setup,
        Setup { size: 1, ..setup },
        Setup {
            descriptors: end - 256,
            ..setup
        },
        Setup {
            driver: end - 38,
            ..setup
        },
        Setup {
            device: end - 136,
            ..setup
        },
        // All in one place.
        Setup {
            driver: BASE,
            device: BASE,
            ..setup
        },
    ];
    for setup in right {
        assert!(
            setup.ring(&memory, Features::default()).is_some(),
            "{setup:x?}"
        );
    }
}

#[test]
fn a_chain_that_breaks_a_rule_is_none() {
    let buffer = (BASE + 0x1_0000, 0x100);
    let end = BASE + SIZE;
    assert_eq!(
        why(&[], |d| d.set(0, buffer, NEXT, 8)),
        Malformed::Index { index: 8, size: 8 }
    );
    assert_eq!(
        why(&[], |d| d.set(0, buffer, NEXT, 0)),
        Malformed::TooLong { most: 8 }
    );
    assert_eq!(
        why(&[], |d| {
            d.set(0, buffer, NEXT, 1);
            d.set(1, buffer, NEXT, 2);
            d.set(2, buffer, NEXT, 1);
        }),
        Malformed::TooLong { most: 8 }
    );
    assert_eq!(
        why(&[], |d| {
            d.set(0, (BASE, 1), NEXT, 1);
            d.set(1, (BASE, u32::MAX), 0, 0);
        }),
        Malformed::TooLarge
    );
    assert_eq!(
        why(&[], |d| {
            d.set(0, buffer, WRITE | NEXT, 1);
            d.set(1, buffer, 0, 0);
        }),
        Malformed::Order
    );
    // Not even an empty one.
    assert_eq!(
        why(&[], |d| {
            d.set(0, buffer, WRITE | NEXT, 1);
            d.set(1, (BASE, 0), 0, 0);
        }),
        Malformed::Order
    );
    for (address, length) in [
        (BASE - 1, 1),
        (BASE - 1, 2),
        (end - 1, 2),
        (end, 1),
        (0, 1),
        (u64::MAX, 1),
        (u64::MAX, 2),
        (u64::MAX - 0xf, u32::MAX),
        (BASE, SIZE as u32 + 1),
    ] {
        for flags in [0, WRITE] {
            assert_eq!(
                why(&[], |d| d.set(0, (address, length), flags, 0)),
                Malformed::Outside { address, length }
            );
        }
    }
}

#[test]
fn a_head_beyond_the_table_is_no_chain() {
    let memory = memory();
    for head in [8, 9, u16::MAX] {
        let mut driver = Driver::new(&memory, 8);
        let mut ring = driver.ring(&[]);
        driver.publish(head);
        let why = Malformed::Index {
            index: head,
            size: 8,
        };
        let broken = ring.take(&memory, &mut Chain::default());
        assert_eq!(broken, Err(Broken::Chain { head, why }));
        // It cannot be given back either.
        assert!(ring.give(&memory, head, 0).is_err());
        assert_eq!(driver.used(), None);
    }
}

#[test]
fn an_indirect_table_that_breaks_a_rule_is_none() {
    let table = BASE + 0x8000;
    let buffer = (BASE + 0x1_0000, 0x100);
    let on = &[INDIRECT_DESC][..];
    assert_eq!(
        why(&[], |d| d.set(0, (table, 16), INDIRECT, 0)),
        Malformed::NotAccepted
    );
    for length in [0, 1, 15, 17, 24] {
        assert_eq!(
            why(on, |d| d.set(0, (table, length), INDIRECT, 0)),
            Malformed::Table { length }
        );
    }
    assert_eq!(
        why(on, |d| d.set(0, (table, 16), INDIRECT | NEXT, 1)),
        Malformed::NotLast
    );
    assert_eq!(
        why(on, |d| {
            d.set(0, (table, 32), INDIRECT, 0);
            d.describe(table, 0, (table, 16), INDIRECT, 0);
        }),
        Malformed::Nested
    );
    // A table in a table of which it is itself one.
    assert_eq!(
        why(on, |d| d.set(0, (BASE, 16), INDIRECT, 0)),
        Malformed::Nested
    );
    assert_eq!(
        why(on, |d| {
            d.set(0, (table, 32), INDIRECT, 0);
            d.describe(table, 0, buffer, NEXT, 2);
        }),
        Malformed::Index { index: 2, size: 2 }
    );
    assert_eq!(
        why(on, |d| {
            d.set(0, (table, 32), INDIRECT, 0);
            d.describe(table, 0, buffer, NEXT, 0);
        }),
        Malformed::TooLong { most: 8 }
    );
    for address in [0, BASE - 16, BASE + SIZE, u64::MAX, u64::MAX - 15] {
        let outside = Malformed::Outside {
            address,
            length: 16,
        };
        assert_eq!(why(on, |d| d.set(0, (address, 16), INDIRECT, 0)), outside);
    }
    // The second descriptor of a table whose first one is the last of memory.
    let last = BASE + SIZE - 16;
    assert_eq!(
        why(on, |d| {
            d.set(0, (last, !15), INDIRECT, 0);
            d.describe(last, 0, buffer, NEXT, 1);
        }),
        Malformed::Outside {
            address: BASE + SIZE,
            length: 16
        }
    );
    assert_eq!(
        why(on, |d| {
            d.set(0, (u64::MAX - 31, 1 << 20), INDIRECT, 0);
        }),
        Malformed::Outside {
            address: u64::MAX - 31,
            length: 16
        }
    );
}

#[test]
fn an_indirect_table_is_read_as_if_its_buffers_were_the_chains() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 8);
    let mut ring = driver.ring(&[INDIRECT_DESC]);
    let table = BASE + 0x8001;
    let at = |n: u64| (BASE + 0x1_0000 + n * 0x100, 0x10);
    driver.set(3, at(0), NEXT, 4);
    // The device ignores WRITE here (section 2.7.5.3.2).
    driver.set(4, (table, 48), INDIRECT | WRITE, 0);
    driver.describe(table, 0, at(1), NEXT, 2);
    driver.describe(table, 2, (0, 0), NEXT, 1);
    driver.describe(table, 1, at(2), WRITE, 0);
    driver.publish(3);
    let chain = take(&mut ring, &memory).expect("it is a chain");
    assert_eq!(chain.head(), 3);
    let all = Span {
        skip: 0,
        length: u64::MAX,
    };
    let pieces = |buffer: crate::chain::Buffer| {
        let pieces = buffer.segments(all);
        pieces.map(|s| (s.address, s.length)).collect::<Vec<_>>()
    };
    assert_eq!(pieces(chain.readable()), [at(0), at(1)]);
    assert_eq!(pieces(chain.writable()), [at(2)]);
    ring.give(&memory, 3, 7).expect("it was taken");
    assert_eq!(driver.used(), Some((3, 7)));
}

/// As Linux does where it got a smaller queue than it could have had.
#[test]
fn a_chain_may_be_as_long_as_the_largest_queue() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 4);
    driver.setup.most = 8;
    let mut ring = driver.ring(&[INDIRECT_DESC]);
    let table = BASE + 0x8000;
    driver.set(0, (table, 16 * 9), INDIRECT, 0);
    for at in 0..9 {
        let more = if at < 7 { NEXT } else { 0 };
        driver.describe(table, at, (BASE, 1), more, at + 1);
    }
    driver.publish(0);
    let chain = take(&mut ring, &memory).expect("it is a chain");
    assert_eq!(chain.readable().length(), 8);
    driver.describe(table, 7, (BASE, 1), NEXT, 8);
    driver.publish(0);
    let why = Malformed::TooLong { most: 8 };
    let broken = Err(Broken::Chain { head: 0, why });
    assert_eq!(ring.take(&memory, &mut Chain::default()), broken);
}

#[test]
fn no_more_is_available_than_there_is() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 4);
    let mut ring = driver.ring(&[]);
    driver.set_available(5);
    let mut chain = Chain::default();
    assert_eq!(ring.take(&memory, &mut chain), Err(Broken::Available));
    driver.set_available(u16::MAX);
    assert_eq!(ring.take(&memory, &mut chain), Err(Broken::Available));
    // Four are out, and a fifth one comes.
    driver.set_available(4);
    for _ in 0..4 {
        assert_eq!(ring.take(&memory, &mut chain), Ok(true));
    }
    driver.set_available(5);
    assert_eq!(ring.take(&memory, &mut chain), Err(Broken::Available));
    for _ in 0..4 {
        ring.give(&memory, 0, 0).expect("it was taken");
    }
    assert_eq!(ring.give(&memory, 0, 0), Err(Broken::Available));
}

#[test]
fn a_chain_that_is_left_comes_again() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 4);
    let mut ring = driver.ring(&[]);
    driver.offer(&[Part::In(1)]);
    driver.offer(&[Part::In(2)]);
    for length in [1, 2] {
        for _ in 0..3 {
            let chain = take(&mut ring, &memory).expect("it is there");
            assert_eq!(chain.writable().length(), length);
            ring.leave();
            assert_eq!(ring.out(), 0);
        }
        let chain = take(&mut ring, &memory).expect("it is there");
        ring.give(&memory, chain.head(), 0).expect("it was taken");
    }
    let position = ring.position();
    ring.leave();
    assert_eq!(ring.position(), position);
}

#[test]
fn interrupts_are_suppressed_by_flag() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 8);
    let mut ring = driver.ring(&[]);
    let mut turn = |driver: &mut Driver| {
        driver.offer(&[Part::In(1)]);
        let chain = take(&mut ring, &memory).expect("it is there");
        ring.give(&memory, chain.head(), 0).expect("it was taken");
        let first = ring.interrupts(&memory);
        // Nothing was given back since.
        assert_eq!(ring.interrupts(&memory), Ok(false));
        first
    };
    assert_eq!(turn(&mut driver), Ok(true));
    driver.set_flags(1);
    assert_eq!(turn(&mut driver), Ok(false));
    driver.set_flags(0xfffe);
    assert_eq!(turn(&mut driver), Ok(true));
}

#[test]
fn interrupts_are_suppressed_by_index() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 8);
    let mut ring = driver.ring(&[EVENT_IDX]);
    // used_event, behind the available ring: "interrupt me when the third one came back".
    let event = GuestAddress(driver.setup.driver + 4 + 2 * 8);
    memory.write_obj(2u16, event).expect("it fits");
    driver.set_flags(1);
    let mut told = Vec::new();
    for _ in 0..5 {
        driver.offer(&[Part::In(1)]);
        let chain = take(&mut ring, &memory).expect("it is there");
        ring.give(&memory, chain.head(), 0).expect("it was taken");
        told.push(ring.interrupts(&memory).expect("in memory"));
    }
    assert_eq!(told, [false, false, true, false, false]);
}

#[test]
fn a_driver_is_asked_to_notify_or_not() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 8);
    let used = |at: u64| {
        let at = GuestAddress(BASE + 0x5000 + at);
        memory.read_obj::<u16>(at).expect("it is in memory")
    };
    let mut ring = driver.ring(&[]);
    ring.mute(&memory).expect("in memory");
    assert_eq!(used(0), 1);
    assert_eq!(ring.listen(&memory), Ok(false));
    assert_eq!(used(0), 0);
    driver.offer(&[Part::In(1)]);
    assert_eq!(ring.listen(&memory), Ok(true));
    // By index: avail_event, behind the used ring, is the next one.
    let mut ring = driver.ring(&[EVENT_IDX]);
    take(&mut ring, &memory).expect("it is there");
    assert_eq!(ring.listen(&memory), Ok(false));
    assert_eq!(used(4 + 8 * 8), 1);
}

#[test]
fn a_ring_is_drained_and_listens_again() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 4);
    let mut ring = driver.ring(&[]);
    let mut chain = Chain::default();
    let muted = || {
        let flags = GuestAddress(BASE + 0x5000);
        memory.read_obj::<u16>(flags).expect("it is in memory") == 1
    };
    let drained = ring.drain(&memory, &mut chain, |_| panic!("nothing is available"));
    let nothing = Drained {
        interrupts: false,
        more: false,
    };
    assert_eq!((drained, muted()), (Ok(nothing), false));
    for length in 1..=3 {
        driver.offer(&[Part::In(length)]);
    }
    let mut lengths = Vec::new();
    let drained = ring.drain(&memory, &mut chain, |chain| {
        assert!(muted());
        lengths.push(chain.writable().length());
        Ok(lengths.len() as u32 + 10)
    });
    let done = Drained {
        interrupts: true,
        more: false,
    };
    assert_eq!((drained, muted()), (Ok(done), false));
    assert_eq!(lengths, [1, 2, 3]);
    let used = [driver.used(), driver.used(), driver.used(), driver.used()];
    assert_eq!(used, [Some((0, 11)), Some((1, 12)), Some((2, 13)), None]);
    // A driver that never stops is left waiting, until the next time.
    driver.set(0, (BASE + 0x1_0000, 9), WRITE, 0);
    driver.publish(0);
    let mut served = 0;
    let drained = ring.drain(&memory, &mut chain, |_| {
        served += 1;
        driver.publish(0);
        Ok(0)
    });
    let more = Drained {
        interrupts: true,
        more: true,
    };
    assert_eq!((drained, served, muted()), (Ok(more), 4, true));
    let drained = ring.drain(&memory, &mut chain, |_| Ok(0));
    assert_eq!((drained, muted()), (Ok(done), false));
    driver.publish(0);
    let why = Malformed::TooShort;
    let broken = Err(Broken::Chain { head: 0, why });
    assert_eq!(ring.drain(&memory, &mut chain, |_| Err(why)), broken);
}

#[test]
fn something_else_has_its_turn_after_so_many_bytes() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 4);
    driver.setup.most = 64;
    let mut ring = driver.ring(&[VIRTIO_RING_F_INDIRECT_DESC]);
    let table = BASE + 0x8000;
    let each = BYTES / 64;
    for at in 0..40 {
        let more = if at < 39 { NEXT } else { 0 };
        driver.describe(table, at, (BASE, each as u32), WRITE | more, at + 1);
    }
    for head in 0..3 {
        driver.set(head, (table, 16 * 40), INDIRECT, 0);
        driver.publish(head);
    }
    let mut chain = Chain::default();
    for (count, more) in [(2, true), (1, false)] {
        let mut served = 0;
        let drained = ring.drain(&memory, &mut chain, |_| {
            served += 1;
            Ok(0)
        });
        let drained = drained.map(|drained| drained.more);
        assert_eq!((drained, served), (Ok(more), count));
    }
}

#[test]
fn bytes_are_copied_across_pieces_and_no_further() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 8);
    let mut ring = driver.ring(&[]);
    let sent = [Part::Out(b"ab"), Part::Out(b""), Part::Out(b"cde")];
    let parts = [&sent[..], &[Part::In(1), Part::In(0), Part::In(3)]].concat();
    let buffers = driver.offer(&parts);
    let chain = take(&mut ring, &memory).expect("it is there");
    let mut read = [0; 5];
    assert_eq!(chain.readable().read(&memory, 0, &mut read), Ok(()));
    assert_eq!(&read, b"abcde");
    assert_eq!(chain.readable().read(&memory, 1, &mut read[..3]), Ok(()));
    assert_eq!(&read, b"bcdde");
    assert_eq!(chain.readable().read(&memory, 5, &mut []), Ok(()));
    let short = Err(Malformed::TooShort);
    assert_eq!(chain.readable().read(&memory, 1, &mut read), short);
    assert_eq!(chain.readable().read(&memory, u64::MAX, &mut read), short);
    assert_eq!(chain.writable().write(&memory, 0, b"wxyz"), Ok(()));
    assert_eq!(driver.bytes(buffers[3], 2), b"w\0");
    assert_eq!(driver.bytes(buffers[5], 4), b"xyz\0");
    assert_eq!(chain.writable().write(&memory, 3, b"!?"), short);
    assert_eq!(chain.writable().write(&memory, 4, b"!"), short);
    let span = Span { skip: 1, length: 2 };
    let pieces: Vec<_> = chain.writable().segments(span).collect();
    assert_eq!(pieces.len(), 1);
    assert_eq!((pieces[0].address, pieces[0].length), (buffers[5], 2));
}

#[test]
fn a_saved_position_has_to_be_what_the_guest_sees() {
    let memory = memory();
    let mut driver = Driver::new(&memory, 4);
    let mut ring = driver.ring(&[]);
    for _ in 0..9 {
        driver.offer(&[Part::In(1)]);
        let chain = take(&mut ring, &memory).expect("it is there");
        ring.give(&memory, chain.head(), 0).expect("it was taken");
    }
    driver.offer(&[Part::In(3)]);
    let none = Features::default();
    for wrong in [0, 8, 10, u16::MAX] {
        assert_eq!(driver.setup.ring_after(&memory, none, wrong), None);
    }
    let position = ring.position().expect("none is out");
    let ring = driver.setup.ring_after(&memory, none, position);
    let mut ring = ring.expect("it is the position");
    let chain = take(&mut ring, &memory).expect("it is there");
    assert_eq!(chain.writable().length(), 3);
    driver.set_available(position + 5);
    assert_eq!(driver.setup.ring_after(&memory, none, position), None);
}

/// Whatever is in memory, a ring answers, and what it calls a chain is one.
#[test]
fn no_memory_breaks_a_ring() {
    let memory = memory();
    let mut random = Random(8);
    let (mut whole, mut broken) = (0, 0);
    for _ in 0..20_000 {
        let mut driver = Driver::new(&memory, 8);
        let features = match random.below(4) {
            0 => vec![],
            1 => vec![EVENT_IDX],
            _ => vec![EVENT_IDX, INDIRECT_DESC],
        };
        let mut ring = driver.ring(&features);
        for at in 0..8 {
            let address = match random.below(8) {
                0 => random.bits(),
                1 => BASE + SIZE - random.below(4),
                2 => driver.setup.descriptors,
                _ => BASE + random.below(SIZE),
            };
            let length = match random.below(4) {
                0 => random.bits() as u32,
                _ => random.below(20) as u32 * 8,
            };
            let flags = match random.below(8) {
                0 => random.bits() as u16,
                flags => (flags & 3) as u16,
            };
            driver.set(at, (address, length), flags, random.below(9) as u16);
        }
        memory
            .write_obj(0u32, GuestAddress(driver.setup.device))
            .expect("it fits");
        for _ in 0..=random.below(8) {
            driver.publish(random.below(9) as u16);
        }
        let mut chain = Chain::default();
        loop {
            match ring.take(&memory, &mut chain) {
                Ok(true) => {
                    whole += 1;
                    for buffer in [chain.readable(), chain.writable()] {
                        let length = buffer.length();
                        assert!(length <= u32::MAX.into());
                        if length <= SIZE {
                            let mut bytes = vec![0; length as usize];
                            assert_eq!(buffer.read(&memory, 0, &mut bytes), Ok(()));
                        }
                    }
                    ring.give(&memory, chain.head(), 1).expect("it was taken");
                    ring.interrupts(&memory).expect("in memory");
                }
                Ok(false) => break,
                Err(_) => {
                    broken += 1;
                    assert_eq!(chain.readable().length() + chain.writable().length(), 0);
                    break;
                }
            }
        }
    }
    assert!(
        whole > 2_000 && broken > 2_000,
        "{whole} whole, {broken} broken"
    );
}
