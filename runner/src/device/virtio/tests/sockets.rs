//! Sockets between a guest and its host: opened, spoken through, closed, each in its turn.

use super::*;

#[test]
fn a_guest_opens_a_socket_of_the_host() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;
    use vmlock_spec::lock::{Port, Vsock};
    use vmlock_virtio::vsock::{HEADER, Header};

    let place = Place::new("vsock");
    let listener = UnixListener::bind(place.0.join("agent.sock")).expect("a socket");
    let port = |port, path: &str| Port {
        port,
        path: path.to_owned(),
    };
    let sockets = Vsock {
        cid: 3,
        ports: vec![port(1024, "agent.sock"), port(1025, "nobody.sock")],
    };
    let device = Device {
        virtio: entry(DeviceKind::VirtioVsock, None, None, Some(sockets)),
        ..device(DeviceKind::VirtioVsock, None)
    };
    let memory = memory();
    let opened = place.open(&device).expect("nothing is needed");
    let mut guest = Guest::new(&device, opened, &memory);
    let mut receive = Driver::new(&memory, 16);
    let mut transmit = Driver::at(&memory, 16, BASE + 0x8_0000);
    let events = Driver::at(&memory, 16, BASE + 0x10_0000);
    guest.begin_all(&[&receive, &transmit, &events], 0);
    let buffers: Vec<u64> = (0..16)
        .map(|_| receive.offer(&[Part::In(500)])[0])
        .collect();
    let mut buffers = buffers.into_iter();
    let mut next = |guest: &Guest, receive: &mut Driver| {
        let written = guest.back(receive) as usize;
        let bytes = receive.bytes(buffers.next().expect("sixteen are enough"), written);
        let header: [u8; HEADER] = bytes[..HEADER].try_into().expect("so long");
        (Header::of(header), bytes[HEADER..].to_vec())
    };
    let mut send = |guest: &Guest, port: u32, operation: u16, flags: u32, data: &[u8]| {
        let header = Header {
            source: (3, 77),
            destination: (2, port),
            length: data.len() as u32,
            kind: 1,
            operation,
            flags,
            allocated: 600,
            forwarded: 0,
        };
        transmit.offer(&[Part::Out(&header.bytes()), Part::Out(data)]);
        guest.notify_of(1);
        guest.back(&mut transmit);
    };
    // One that nobody listens at, and one that was not declared.
    for port in [1025, 9] {
        send(&guest, port, 1, 0, b"");
        assert_eq!(next(&guest, &mut receive).0.operation, 3);
    }
    send(&guest, 1024, 1, 0, b"");
    let (response, _) = next(&guest, &mut receive);
    assert_eq!((response.operation, response.destination), (2, (3, 77)));
    let (mut host, _) = listener.accept().expect("it came");
    send(&guest, 1024, 5, 0, b"from the guest");
    let mut bytes = [0; 14];
    host.read_exact(&mut bytes).expect("it is there");
    assert_eq!(&bytes, b"from the guest");
    // More than the guest has room for: it gets that much, in buffers of 456 bytes.
    host.write_all(&[b'x'; 1000]).expect("room");
    let (one, data) = next(&guest, &mut receive);
    let (two, rest) = next(&guest, &mut receive);
    assert_eq!(
        (one.operation, data.len(), two.operation, rest.len()),
        (5, 456, 5, 144)
    );
    assert!(data.iter().chain(&rest).all(|&b| b == b'x'));
    // The guest sends its last and closes: all of it arrives, and then the end.
    send(&guest, 1024, 5, 0, b"the last");
    send(&guest, 1024, 4, 3, b"");
    assert_eq!(next(&guest, &mut receive).0.operation, 3);
    let mut rest = Vec::new();
    host.set_nonblocking(false).expect("it can");
    // What the host wrote and nobody took makes this a reset at worst.
    let _ = host.read_to_end(&mut rest);
    assert_eq!(rest, b"the last");
    // A reset ends what is open.
    send(&guest, 1024, 1, 0, b"");
    assert_eq!(next(&guest, &mut receive).0.operation, 2);
    let (mut host, _) = listener.accept().expect("it came");
    guest.write(STATUS, 0);
    assert!(matches!(host.read(&mut bytes), Ok(0) | Err(_)));
}

/// A guest with sockets, one packet after the other.
struct Sockets<'m> {
    guest: Guest,
    receive: Driver<'m>,
    transmit: Driver<'m>,
}

impl Sockets<'_> {
    /// Sends a packet from a port, with room for so many bytes.
    fn send(&mut self, port: u32, operation: u16, room: u32, data: &[u8]) {
        let header = vmlock_virtio::vsock::Header {
            source: (3, port),
            destination: (2, 1024),
            length: data.len() as u32,
            kind: 1,
            operation,
            flags: 0,
            allocated: room,
            forwarded: 0,
        };
        let parts = [Part::Out(&header.bytes()), Part::Out(data)];
        self.transmit.offer(&parts);
        self.guest.notify_of(1);
        self.guest.back(&mut self.transmit);
    }

    /// The next packet's operation, port and data.
    fn next(&mut self) -> (u16, u32, Vec<u8>) {
        use vmlock_virtio::vsock::{HEADER, Header};
        let at = self.receive.offer(&[Part::In(HEADER + 100)])[0];
        self.guest.notify_of(0);
        let written = self.guest.back(&mut self.receive) as usize;
        let bytes = self.receive.bytes(at, written);
        let header = bytes[..HEADER].try_into().expect("so long");
        let header = Header::of(header);
        (
            header.operation,
            header.destination.1,
            bytes[HEADER..].to_vec(),
        )
    }
}

#[test]
fn every_socket_has_its_turn_and_its_last_words() {
    use std::io::Write as _;
    use std::os::unix::net::UnixListener;
    use vmlock_spec::lock::{Port, Vsock};

    let place = Place::new("turns");
    let listener = UnixListener::bind(place.0.join("agent.sock")).expect("a socket");
    let path = "agent.sock".to_owned();
    let sockets = Vsock {
        cid: 3,
        ports: vec![Port { port: 1024, path }],
    };
    let device = Device {
        virtio: entry(DeviceKind::VirtioVsock, None, None, Some(sockets)),
        ..device(DeviceKind::VirtioVsock, None)
    };
    let memory = memory();
    let opened = place.open(&device).expect("nothing is needed");
    let mut all = Sockets {
        guest: Guest::new(&device, opened, &memory),
        receive: Driver::new(&memory, 16),
        transmit: Driver::at(&memory, 16, BASE + 0x8_0000),
    };
    let events = Driver::at(&memory, 16, BASE + 0x10_0000);
    let drivers = [&all.receive, &all.transmit, &events];
    all.guest.begin_all(&drivers, 0);
    let mut hosts = Vec::new();
    for port in [70, 71, 72] {
        all.send(port, 1, 100_000, b"");
        assert_eq!(all.next(), (2, port, Vec::new()));
        let (mut host, _) = listener.accept().expect("it came");
        host.write_all(&[port as u8; 1000]).expect("room");
        hosts.push(host);
    }
    let turns: Vec<u32> = (0..6).map(|_| all.next().1).collect();
    let mut sorted = turns[..3].to_vec();
    sorted.sort_unstable();
    assert_eq!((&sorted[..], &turns[..3]), (&[70, 71, 72][..], &turns[3..]));
    // One that has said its last and gone: what it said arrives, whatever it is still told.
    all.send(80, 1, 0, b"");
    while all.next().1 != 80 {}
    let (mut host, _) = listener.accept().expect("it came");
    host.write_all(b"bye").expect("room");
    drop(host);
    all.send(80, 5, 0, b"more");
    all.send(80, 5, 0, b"and more");
    all.send(80, 6, 100, b"");
    let mut said = Vec::new();
    while said.last().is_none_or(|(operation, _)| *operation != 3) {
        let (operation, port, data) = all.next();
        if port == 80 {
            said.push((operation, data));
        }
    }
    assert_eq!(said, [(5, b"bye".to_vec()), (3, Vec::new())]);
}

#[test]
fn a_socket_whose_path_is_too_long_is_refused_by_name() {
    use vmlock_spec::lock::{Port, Vsock};

    let place = Place::new("long");
    let named = |path: String| {
        let sockets = Vsock {
            cid: 3,
            ports: vec![Port { port: 1024, path }],
        };
        Device {
            virtio: entry(DeviceKind::VirtioVsock, None, None, Some(sockets)),
            ..device(DeviceKind::VirtioVsock, None)
        }
    };
    let room = 107 - place.0.as_os_str().len() - 1;
    assert!(place.open(&named("x".repeat(room))).is_ok());
    let words = place.open(&named("x".repeat(room + 1))).err();
    let words = words.unwrap_or_default();
    assert!(
        words.contains(
            "for port 1024; the path has 108 bytes, and that of a Unix socket at most 107"
        ),
        "{words}"
    );
}
