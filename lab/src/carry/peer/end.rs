//! The peer's end of the cable: it answers ARP and pings, and sends back each line of the one connection that a guest opens.
//! The lines are numbered, so that none can be missing or come twice without a word.
//!
//! No thread and no socket of this machine is in it: frames go in, and frames come out.

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr, Ipv4Address};
use std::collections::VecDeque;
use std::time::Duration;

/// Who the peer is, the same throughout: `carried.rs` names the address and the port to the guest.
const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x77, 0x00, 0x01];
const ADDRESS: Ipv4Address = Ipv4Address::new(10, 77, 0, 1);
const PORT: u16 = 7077;

/// A frame of Ethernet with its header, without its checksum.
pub const FRAME: usize = 1514;

/// Bytes of a connection each way.
const ROOM: usize = 16 << 10;

/// What a peer came to hear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// How often somebody connected to it.
    pub connections: usize,
    /// How many lines came in their order, and went back.
    pub lines: u64,
    /// Whether the guest closed its connection, after a whole line.
    pub closed: bool,
    /// The first thing that was not as it has to be.
    pub wrong: Option<String>,
}

impl Heard {
    fn wrong(&mut self, what: impl FnOnce() -> String) {
        self.wrong.get_or_insert_with(what);
    }

    /// A line without its end.
    fn line(&mut self, line: &[u8]) {
        let due = self.lines + 1;
        let text = String::from_utf8_lossy(line);
        if text.parse() == Ok(due) {
            self.lines = due;
        } else {
            self.wrong(|| format!("line {due} was due, and {text:?} came"));
        }
    }
}

/// A connection, or who listens for one.
struct Connection {
    handle: SocketHandle,
    /// Somebody is there.
    open: bool,
    /// The beginning of a line.
    begun: Vec<u8>,
}

/// The end of the cable.
pub struct End {
    interface: Interface,
    sockets: SocketSet<'static>,
    wire: Wire,
    connections: Vec<Connection>,
    heard: Heard,
}

impl End {
    /// One that has heard nothing.
    pub fn new() -> Self {
        let mut wire = Wire::default();
        let mut sockets = SocketSet::new(Vec::new());
        let listening = listen(&mut sockets);
        Self {
            interface: interface(&mut wire, MAC, ADDRESS),
            connections: vec![listening],
            sockets,
            wire,
            heard: Heard::default(),
        }
    }

    /// What it has heard.
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// A frame comes in.
    pub fn takes(&mut self, frame: Vec<u8>) {
        self.wire.to.push_back(frame);
    }

    /// A frame that goes out.
    pub fn gives(&mut self) -> Option<Vec<u8>> {
        self.wire.from.pop_front()
    }

    /// Does what is to be done at that time, since whenever it began.
    pub fn tends(&mut self, now: Duration) {
        let now = time(now);
        self.interface.poll(now, &mut self.wire, &mut self.sockets);
        for connection in &mut self.connections {
            let socket = self.sockets.get_mut(connection.handle);
            connection.tends(socket, &mut self.heard);
        }
        // Whoever connects once more finds somebody, and is counted.
        if self.connections.iter().all(|connection| connection.open) {
            self.connections.push(listen(&mut self.sockets));
        }
        self.interface.poll(now, &mut self.wire, &mut self.sockets);
    }
}

impl Connection {
    fn tends(&mut self, socket: &mut Socket, heard: &mut Heard) {
        if !self.open && socket.may_recv() {
            self.open = true;
            heard.connections += 1;
            if heard.connections > 1 {
                heard.wrong(|| "the guest connected once more".to_owned());
            }
        }
        // What has no room on its way back is left for later.
        while socket.can_recv() && socket.send_queue() < socket.send_capacity() {
            let room = socket.send_capacity() - socket.send_queue();
            let mut bytes = vec![0; room];
            let Ok(count) = socket.recv_slice(&mut bytes) else {
                break;
            };
            bytes.truncate(count);
            if socket.send_slice(&bytes) != Ok(count) {
                heard.wrong(|| "what came could not go back".to_owned());
            }
            for byte in bytes {
                match byte {
                    b'\n' => heard.line(&std::mem::take(&mut self.begun)),
                    _ => self.begun.push(byte),
                }
            }
            if self.begun.len() > ROOM {
                self.begun.clear();
                heard.wrong(|| "a line had no end".to_owned());
            }
        }
        match socket.state() {
            // All that it said has gone back, and now it is let go.
            State::CloseWait if !socket.can_recv() => {
                socket.close();
                heard.closed = self.begun.is_empty();
                if !heard.closed {
                    heard.wrong(|| "the connection was closed in the middle of a line".to_owned());
                }
            }
            State::Closed if self.open && !heard.closed => {
                heard.wrong(|| "the connection was broken off".to_owned());
            }
            _ => {}
        }
    }
}

/// Somebody who listens. None of its connections has a timeout: a guest may be away for long.
fn listen(sockets: &mut SocketSet<'static>) -> Connection {
    let mut socket = socket();
    // It is refused where a port is 0 or a socket is open: this port is not, nor is this socket.
    let listens = socket.listen(PORT);
    debug_assert_eq!(listens, Ok(()));
    Connection {
        handle: sockets.add(socket),
        open: false,
        begun: Vec::new(),
    }
}

fn socket() -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; ROOM]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    socket
}

fn interface(wire: &mut Wire, mac: [u8; 6], address: Ipv4Address) -> Interface {
    let config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac)));
    let mut interface = Interface::new(config, wire, Instant::ZERO);
    interface.update_ip_addrs(|addresses| {
        // The first of several that there is room for.
        let added = addresses.push(IpCidr::new(address.into(), 24));
        debug_assert!(added.is_ok());
    });
    interface
}

fn time(now: Duration) -> Instant {
    Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

/// Frames that wait for somebody.
#[derive(Default)]
struct Wire {
    to: VecDeque<Vec<u8>>,
    from: VecDeque<Vec<u8>>,
}

struct Incoming(Vec<u8>);

struct Outgoing<'a>(&'a mut VecDeque<Vec<u8>>);

impl RxToken for Incoming {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        self.0.push_back(frame);
        result
    }
}

impl Device for Wire {
    type RxToken<'a> = Incoming;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Incoming, Outgoing<'_>)> {
        let frame = self.to.pop_front()?;
        Some((Incoming(frame), Outgoing(&mut self.from)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing(&mut self.from))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest on the other side of a cable, whose time goes on by milliseconds.
    struct Guest {
        end: End,
        interface: Interface,
        sockets: SocketSet<'static>,
        wire: Wire,
        now: Duration,
        /// Frames that are lost, each way.
        lost: usize,
        /// Whether nobody is there.
        away: bool,
    }

    impl Guest {
        fn new() -> Self {
            let mut wire = Wire::default();
            let mac = [0x52, 0x54, 0x00, 0x77, 0x00, 0x02];
            Self {
                end: End::new(),
                interface: interface(&mut wire, mac, Ipv4Address::new(10, 77, 0, 2)),
                sockets: SocketSet::new(Vec::new()),
                wire,
                now: Duration::ZERO,
                lost: 0,
                away: false,
            }
        }

        fn connected(&mut self, from: u16) -> SocketHandle {
            let mut socket = socket();
            socket
                .connect(self.interface.context(), (ADDRESS, PORT), from)
                .unwrap();
            let handle = self.sockets.add(socket);
            self.waits(2000);
            assert!(self.socket(handle).may_send());
            handle
        }

        fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
            self.sockets.get_mut(handle)
        }

        fn waits(&mut self, milliseconds: u32) {
            for _ in 0..milliseconds {
                self.now += Duration::from_millis(1);
                self.end.tends(self.now);
                while let Some(frame) = self.end.gives() {
                    if self.away {
                        self.lost += 1;
                    } else {
                        self.wire.to.push_back(frame);
                    }
                }
                if self.away {
                    continue;
                }
                self.interface
                    .poll(time(self.now), &mut self.wire, &mut self.sockets);
                for frame in std::mem::take(&mut self.wire.from) {
                    self.end.takes(frame);
                }
            }
        }

        fn says(&mut self, handle: SocketHandle, words: &str) {
            let said = self.socket(handle).send_slice(words.as_bytes());
            assert_eq!(said, Ok(words.len()));
        }

        fn hears(&mut self, handle: SocketHandle) -> String {
            let mut bytes = [0; ROOM];
            let count = self.socket(handle).recv_slice(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        }
    }

    /// What a peer comes to hear of a guest that says so.
    fn heard(words: &str) -> Heard {
        let mut guest = Guest::new();
        let handle = guest.connected(4000);
        guest.says(handle, words);
        guest.waits(100);
        assert_eq!(guest.hears(handle), words);
        guest.socket(handle).close();
        guest.waits(100);
        guest.end.heard().clone()
    }

    #[test]
    fn lines_in_their_order_go_back_and_one_connection_is_no_more() {
        let good = Heard {
            connections: 1,
            lines: 3,
            closed: true,
            wrong: None,
        };
        assert_eq!(heard("00001\n00002\n3\n"), good);
    }

    #[test]
    fn a_line_that_is_missing_or_doubled_or_no_number_is_found() {
        let wrong = |words| heard(words).wrong.unwrap_or_default();
        assert_eq!(wrong("1\n3\n"), "line 2 was due, and \"3\" came");
        assert_eq!(wrong("1\n2\n2\n3\n"), "line 3 was due, and \"2\" came");
        assert_eq!(wrong("2\n"), "line 1 was due, and \"2\" came");
        assert_eq!(wrong("1\nx\n2\n"), "line 2 was due, and \"x\" came");
        assert_eq!(
            wrong("1\n2"),
            "the connection was closed in the middle of a line"
        );
    }

    #[test]
    fn a_second_connection_is_found() {
        let mut guest = Guest::new();
        let first = guest.connected(4000);
        guest.says(first, "1\n");
        guest.connected(4001);
        guest.waits(100);
        let heard = guest.end.heard();
        assert_eq!(heard.connections, 2);
        assert_eq!(
            heard.wrong.as_deref(),
            Some("the guest connected once more")
        );
    }

    #[test]
    fn a_connection_that_is_broken_off_is_found() {
        let mut guest = Guest::new();
        let handle = guest.connected(4000);
        guest.says(handle, "1\n");
        guest.waits(100);
        guest.socket(handle).abort();
        guest.waits(100);
        let heard = guest.end.heard();
        assert_eq!(
            (heard.lines, heard.wrong.as_deref()),
            (1, Some("the connection was broken off"))
        );
    }

    #[test]
    fn what_is_lost_while_a_guest_is_away_comes_again() {
        let mut guest = Guest::new();
        let handle = guest.connected(4000);
        guest.says(handle, "1\n");
        guest.waits(100);
        assert_eq!(guest.hears(handle), "1\n");
        // It goes once the peer has the line, and before it has the answer.
        guest.says(handle, "2\n");
        let now = time(guest.now);
        let Guest {
            interface,
            wire,
            sockets,
            ..
        } = &mut guest;
        interface.poll(now, wire, sockets);
        for frame in std::mem::take(&mut guest.wire.from) {
            guest.end.takes(frame);
        }
        guest.away = true;
        guest.waits(600 * 1000);
        assert!(guest.lost > 5, "{} frames were lost", guest.lost);
        guest.away = false;
        guest.says(handle, "3\n");
        guest.waits(120_000);
        assert_eq!(guest.hears(handle), "2\n3\n");
        let heard = guest.end.heard();
        assert_eq!((heard.connections, heard.lines), (1, 3));
        assert_eq!(heard.wrong, None);
    }

    #[test]
    fn pings_are_answered() {
        let mut end = End::new();
        let mac = [2, 0, 0, 0, 0, 9];
        // Who has 10.77.0.1? Tell 10.77.0.9.
        let mut ask = [&[0xff; 6][..], &mac, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &mac].concat();
        ask.extend([10, 77, 0, 9, 0, 0, 0, 0, 0, 0, 10, 77, 0, 1]);
        end.takes(ask);
        end.tends(Duration::from_millis(1));
        let answer = end.gives().expect("an answer");
        assert_eq!((&answer[..6], &answer[22..28]), (&mac[..], &MAC[..]));
        let sum = |bytes: &[u8]| {
            let words = bytes
                .chunks(2)
                .map(|two| u32::from(two[0]) << 8 | u32::from(two[1]));
            let sum: u32 = words.sum();
            let sum = (sum & 0xffff) + (sum >> 16);
            (!(sum as u16)).to_be_bytes()
        };
        let mut packet = [
            &[
                0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1, 0, 0, 10, 77, 0, 9, 10, 77, 0, 1,
            ][..],
            &[8, 0, 0, 0, 0, 7, 0, 1],
        ]
        .concat();
        let (ip, icmp) = (sum(&packet[..20]), sum(&packet[20..]));
        packet[10..12].copy_from_slice(&ip);
        packet[22..24].copy_from_slice(&icmp);
        end.takes([&MAC[..], &mac, &[8, 0], &packet].concat());
        end.tends(Duration::from_millis(2));
        let answer = end.gives().expect("an echo");
        // From the peer to whom it was, an echo's reply.
        assert_eq!(answer[26..35], [10, 77, 0, 1, 10, 77, 0, 9, 0]);
        assert_eq!(answer[38..42], [0, 7, 0, 1]);
    }
}
