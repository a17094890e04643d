use super::*;
use crate::random::Random;

const CID: u64 = 3;
const PORT: u32 = 1024;
const KEY: Key = Key {
    guest: 77,
    host: PORT,
};
/// No answers.
const NONE: [u16; 0] = [];
/// What the guest has room for.
const ROOM: u32 = 10_000;

fn sockets() -> Sockets {
    Sockets::new(CID, [PORT, 5])
}

fn packet(operation: u16, length: u32) -> Header {
    Header {
        source: (CID, KEY.guest),
        destination: (HOST, KEY.host),
        length,
        kind: STREAM,
        operation,
        flags: 0,
        allocated: ROOM,
        forwarded: 0,
    }
}

fn span(length: u32) -> Span {
    Span {
        skip: 44,
        length: length.into(),
    }
}

fn send(sockets: &mut Sockets, packet: Header) -> Event {
    sockets.take(&packet, span(packet.length))
}

/// The operations of the answers that wait.
fn answers(sockets: &mut Sockets) -> Vec<u16> {
    let mut operations = Vec::new();
    while let Some(answer) = sockets.answer() {
        assert_eq!((answer.source.0, answer.destination.0), (HOST, CID));
        assert_eq!((answer.kind, answer.length), (STREAM, 0));
        operations.push(answer.operation);
    }
    operations
}

fn open() -> Sockets {
    let mut sockets = sockets();
    assert_eq!(send(&mut sockets, packet(1, 0)), Event::Open(KEY));
    assert_eq!(answers(&mut sockets), NONE);
    sockets.opened(KEY, true);
    let response = sockets.answer().expect("it is answered");
    assert_eq!(response.operation, 2);
    assert_eq!((response.source.1, response.destination.1), (PORT, 77));
    assert_eq!((response.allocated, response.forwarded), (ALLOCATED, 0));
    sockets.opened(KEY, true);
    assert_eq!(answers(&mut sockets), NONE);
    sockets
}

#[test]
fn only_declared_ports_are_opened() {
    for (port, opens) in [
        (PORT, true),
        (5, true),
        (0, false),
        (1023, false),
        (u32::MAX, false),
    ] {
        let mut sockets = sockets();
        let request = Header {
            destination: (HOST, port),
            ..packet(1, 0)
        };
        let event = send(&mut sockets, request);
        assert_eq!(matches!(event, Event::Open(_)), opens, "{port}");
        assert_eq!(answers(&mut sockets), if opens { vec![] } else { vec![3] });
    }
    // Nobody listens there.
    let mut sockets = sockets();
    send(&mut sockets, packet(1, 0));
    sockets.opened(KEY, false);
    assert_eq!(answers(&mut sockets), [3]);
    assert_eq!(send(&mut sockets, packet(1, 0)), Event::Open(KEY));
}

#[test]
fn what_is_for_others_or_from_others_is_not_heard() {
    for (source, destination) in [
        (CID + 1, HOST),
        (CID, CID),
        (CID, 0),
        (HOST, HOST),
        (CID, u64::MAX),
    ] {
        let mut sockets = sockets();
        for operation in 0..9 {
            let packet = Header {
                source: (source, KEY.guest),
                destination: (destination, PORT),
                ..packet(operation, 0)
            };
            assert_eq!(send(&mut sockets, packet), Event::None);
        }
        assert_eq!(answers(&mut sockets), NONE);
    }
}

#[test]
fn without_a_connection_all_but_a_request_is_reset() {
    for operation in [0, 2, 4, 5, 6, 7, 8, u16::MAX] {
        let mut sockets = sockets();
        assert_eq!(send(&mut sockets, packet(operation, 0)), Event::None);
        assert_eq!(answers(&mut sockets), [3], "{operation}");
    }
    let mut sockets = sockets();
    assert_eq!(send(&mut sockets, packet(3, 0)), Event::None);
    assert_eq!(answers(&mut sockets), NONE);
    // A request for another kind of socket.
    for kind in [0, 2, 3, u16::MAX] {
        let request = Header {
            kind,
            ..packet(1, 0)
        };
        assert_eq!(send(&mut sockets, request), Event::None);
        assert_eq!(answers(&mut sockets), [3]);
    }
}

#[test]
fn a_rule_that_is_broken_ends_the_connection() {
    let broken = [
        packet(0, 0),
        packet(1, 0),
        packet(2, 0),
        packet(8, 0),
        packet(5, ALLOCATED + 1),
        packet(5, u32::MAX),
        Header {
            kind: 2,
            ..packet(5, 1)
        },
    ];
    for packet in broken {
        let mut sockets = open();
        assert_eq!(send(&mut sockets, packet), Event::Abort(KEY), "{packet:?}");
        assert_eq!(answers(&mut sockets), [3]);
        assert_eq!(sockets.room(KEY), 0);
    }
    // Before it is open.
    for operation in [1, 2, 4, 5] {
        let mut sockets = sockets();
        send(&mut sockets, packet(1, 0));
        let event = send(&mut sockets, packet(operation, 1));
        assert_eq!(event, Event::Abort(KEY));
        assert_eq!(answers(&mut sockets), [3]);
        sockets.opened(KEY, true);
        assert_eq!(answers(&mut sockets), NONE);
    }
}

#[test]
fn the_guest_sends_as_much_as_there_is_room_for() {
    let mut sockets = open();
    let half = ALLOCATED / 2;
    for _ in 0..2 {
        let event = send(&mut sockets, packet(5, half));
        assert_eq!(event, Event::Data(KEY, span(half)));
    }
    sockets.written(KEY, half - 1);
    assert_eq!(answers(&mut sockets), NONE);
    sockets.written(KEY, 1);
    let credit = sockets.answer().expect("half of it is free");
    assert_eq!((credit.operation, credit.forwarded), (6, half));
    sockets.written(KEY, 1);
    assert_eq!(answers(&mut sockets), NONE);
    let event = send(&mut sockets, packet(5, half));
    assert_eq!(event, Event::Data(KEY, span(half)));
    // More than it has sent has not left.
    sockets.written(KEY, u32::MAX);
    let credit = sockets.answer().expect("all of it is free");
    assert_eq!(credit.forwarded, 3 * half);
    assert_eq!(
        send(&mut sockets, packet(5, ALLOCATED)),
        Event::Data(KEY, span(ALLOCATED))
    );
    assert_eq!(send(&mut sockets, packet(5, 1)), Event::Abort(KEY));
    // On request.
    let mut sockets = open();
    send(&mut sockets, packet(5, 9));
    sockets.written(KEY, 9);
    assert_eq!(send(&mut sockets, packet(7, 0)), Event::None);
    let credit = sockets.answer().expect("it was asked for");
    assert_eq!((credit.operation, credit.forwarded), (6, 9));
}

#[test]
fn the_guest_is_sent_as_much_as_it_has_room_for() {
    let mut sockets = sockets();
    send(&mut sockets, packet(1, 0));
    assert_eq!(sockets.room(KEY), 0, "it is not open");
    let mut sockets = open();
    assert_eq!(sockets.room(KEY), ROOM);
    assert_eq!(sockets.data(KEY, ROOM + 1), None);
    assert_eq!(sockets.data(KEY, 0), None);
    let data = sockets.data(KEY, ROOM - 1).expect("it has room");
    assert_eq!((data.operation, data.length), (5, ROOM - 1));
    assert_eq!(sockets.room(KEY), 1);
    let credit = |allocated, forwarded| Header {
        allocated,
        forwarded,
        ..packet(6, 0)
    };
    for (allocated, forwarded, room) in [
        (ROOM, ROOM - 1, ROOM),
        (ROOM, 1, 2),
        (5, 0, 0),
        (0, ROOM - 1, 0),
        (u32::MAX, ROOM - 1, u32::MAX),
        // More than it was sent: all but nothing is on the way.
        (ROOM, ROOM, 0),
        (u32::MAX, u32::MAX, u32::MAX - ROOM),
    ] {
        assert_eq!(
            send(&mut sockets, credit(allocated, forwarded)),
            Event::None
        );
        assert_eq!(sockets.room(KEY), room, "{allocated}, {forwarded}");
    }
    assert_eq!(answers(&mut sockets), NONE);
    let none = Key { guest: 1, host: 1 };
    assert_eq!((sockets.room(none), sockets.data(none, 1)), (0, None));
}

#[test]
fn a_connection_ends_from_either_side() {
    let shutdown = |flags| Header {
        flags,
        ..packet(4, 0)
    };
    // The guest: it sends no more, and receives no more.
    let mut sockets = open();
    assert_eq!(send(&mut sockets, shutdown(NO_SEND)), Event::Finish(KEY));
    assert_eq!(send(&mut sockets, shutdown(NO_SEND)), Event::None);
    assert_eq!(sockets.room(KEY), ROOM);
    assert_eq!(send(&mut sockets, shutdown(NO_RECEIVE)), Event::Close(KEY));
    assert_eq!(answers(&mut sockets), [3]);
    let mut sockets = open();
    assert_eq!(send(&mut sockets, shutdown(NO_RECEIVE)), Event::None);
    assert_eq!((sockets.room(KEY), sockets.data(KEY, 1)), (0, None));
    assert_eq!(send(&mut sockets, packet(5, 1)), Event::Data(KEY, span(1)));
    let mut sockets = open();
    assert_eq!(send(&mut sockets, shutdown(u32::MAX)), Event::Close(KEY));
    // It sends although it said that it would not.
    let mut sockets = open();
    send(&mut sockets, shutdown(NO_SEND));
    assert_eq!(send(&mut sockets, packet(5, 1)), Event::Abort(KEY));
    let mut sockets = open();
    assert_eq!(send(&mut sockets, packet(3, 0)), Event::Abort(KEY));
    assert_eq!(answers(&mut sockets), NONE);
    // The host.
    let mut sockets = open();
    sockets.finished(KEY);
    sockets.finished(KEY);
    let told = sockets.answer().expect("it is told");
    assert_eq!((told.operation, told.flags), (4, NO_SEND));
    assert_eq!(answers(&mut sockets), NONE);
    assert_eq!((sockets.room(KEY), sockets.data(KEY, 1)), (0, None));
    assert_eq!(send(&mut sockets, packet(5, 1)), Event::Data(KEY, span(1)));
    sockets.closed(KEY);
    sockets.closed(KEY);
    assert_eq!(answers(&mut sockets), [3]);
}

#[test]
fn there_are_no_more_than_the_most() {
    let mut sockets = sockets();
    let request = |guest| Header {
        source: (CID, guest),
        ..packet(1, 0)
    };
    for guest in 0..MOST as u32 {
        let event = send(&mut sockets, request(guest));
        assert!(matches!(event, Event::Open(_)));
    }
    assert_eq!(send(&mut sockets, request(5000)), Event::None);
    assert_eq!(answers(&mut sockets), [3]);
    for guest in 5000.. {
        if !sockets.takes() {
            break;
        }
        send(&mut sockets, request(guest));
    }
    assert_eq!(answers(&mut sockets).len(), WAITING);
    assert!(sockets.takes());
}

#[test]
fn no_packet_breaks_it() {
    let mut random = Random(11);
    let mut sockets = sockets();
    let mut events = [0; 6];
    for _ in 0..200_000 {
        let port = |random: &mut Random| [PORT, 5, 6][random.below(3) as usize];
        let key = Key {
            guest: random.below(3) as u32,
            host: port(&mut random),
        };
        let length = match random.below(8) {
            0 => random.bits() as u32,
            _ => random.below(u64::from(ALLOCATED) / 4) as u32,
        };
        match random.below(6) {
            0 => sockets.opened(key, random.below(4) != 0),
            1 => sockets.written(key, length),
            2 => {
                if let Some(data) = sockets.data(key, length) {
                    assert_eq!(data.length, length);
                }
            }
            3 if random.below(20) == 0 => match random.below(2) {
                0 => sockets.finished(key),
                _ => sockets.closed(key),
            },
            _ if sockets.takes() => {
                let packet = Header {
                    source: (CID, key.guest),
                    destination: (HOST, key.host),
                    length,
                    kind: if random.below(50) == 0 { 2 } else { STREAM },
                    operation: [1, 5, 5, 4, 6, random.below(9) as u16][random.below(6) as usize],
                    flags: random.below(4) as u32,
                    allocated: random.bits() as u32,
                    forwarded: random.bits() as u32,
                };
                let event = send(&mut sockets, packet);
                events[match event {
                    Event::None => 0,
                    Event::Open(_) => 1,
                    Event::Data(_, span) => {
                        assert!(span.length <= ALLOCATED.into());
                        2
                    }
                    Event::Finish(_) => 3,
                    Event::Close(_) => 4,
                    Event::Abort(_) => 5,
                }] += 1;
            }
            _ => drop(sockets.answer()),
        }
        assert!(sockets.connections.len() <= MOST && sockets.answers.len() <= 2 * WAITING);
        for connection in sockets.connections.values() {
            let waiting = connection.received.wrapping_sub(connection.forwarded);
            assert!(waiting <= ALLOCATED);
        }
        if random.below(3) == 0 {
            sockets.answer();
        }
    }
    assert!(events.iter().all(|&n| n > 20), "{events:?}");
}
