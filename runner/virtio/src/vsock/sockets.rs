//! Connections between a guest's programs and the host's: who may open one, how
//! much either side has room for, and how one ends (section 5.10.6 of the standard).
//!
//! The guest's packets become [`Event`]s for whoever has the host's sockets, and
//! what that does becomes packets. There are never more connections than
//! [`MOST`]; and once [`WAITING`] answers wait for the driver's buffers, nobody
//! takes what it transmits until there is room again.

use super::{HOST, Header, Operation, STREAM};
use crate::chain::Span;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most connections at a time. With as many that the guest has closed and nobody reads, they take 64 MiB and 256
/// descriptors of the host.
pub const MOST: usize = 128;
/// So many answers may wait before no more packets are taken.
pub const WAITING: usize = 1024;
/// Bytes of a connection that may be on their way from the guest into the host's socket.
pub const ALLOCATED: u32 = 256 << 10;
/// Flags of [`Operation::Shutdown`]: no more is received, or sent.
const NO_RECEIVE: u32 = 1 << 0;
const NO_SEND: u32 = 1 << 1;
const NEITHER: u32 = NO_RECEIVE | NO_SEND;

/// A connection, by its port of the guest and of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The guest's port.
    pub guest: u32,
    /// The host's port.
    pub host: u32,
}

/// What follows from a packet for the host's sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing.
    None,
    /// Open one; then [`Sockets::opened`].
    Open(Key),
    /// Write these bytes of what the device may read; [`Sockets::written`] once they have left.
    Data(Key, Span),
    /// The guest sends no more: what it has sent is still to be written.
    Finish(Key),
    /// The same, and the guest receives no more: the connection is none any more. The guest may open one of the same
    /// ports at once, while what this one has sent is still being written.
    Close(Key),
    /// The connection is none any more, and what it has sent is not to be written.
    Abort(Key),
}

#[derive(Clone, Debug)]
struct Connection {
    open: bool,
    /// What the guest has said that it will not do.
    guest: u32,
    /// What the host has.
    host: u32,
    /// Bytes from the guest, and how many of them have left for the host's socket, modulo 2^32.
    received: u32,
    forwarded: u32,
    /// What the guest was last told of them.
    told: u32,
    /// Bytes to the guest, and what it says of its room.
    sent: u32,
    guest_allocated: u32,
    guest_forwarded: u32,
}

/// All connections of a guest.
#[derive(Clone, Debug)]
pub struct Sockets {
    cid: u64,
    ports: BTreeSet<u32>,
    connections: BTreeMap<Key, Connection>,
    answers: VecDeque<Header>,
}

impl Sockets {
    /// None yet. `ports` are those of the host that the guest may open.
    pub fn new(cid: u64, ports: impl IntoIterator<Item = u32>) -> Self {
        Self {
            cid,
            ports: ports.into_iter().collect(),
            connections: BTreeMap::new(),
            answers: VecDeque::new(),
        }
    }

    /// Whether a packet of the guest's can be taken: each may have an answer.
    pub fn takes(&self) -> bool {
        self.answers.len() < WAITING
    }

    /// The answer that has waited longest, for a buffer of the driver's.
    pub fn answer(&mut self) -> Option<Header> {
        self.answers.pop_front()
    }

    /// Takes a packet of the guest's. `data` is where its data are.
    pub fn take(&mut self, packet: &Header, data: Span) -> Event {
        if packet.source.0 != self.cid || packet.destination.0 != HOST {
            return Event::None;
        }
        let key = Key {
            guest: packet.source.1,
            host: packet.destination.1,
        };
        let operation = Operation::of(packet.operation).filter(|_| packet.kind == STREAM);
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.guest_allocated = packet.allocated;
            connection.guest_forwarded = packet.forwarded;
            match operation {
                Some(operation) => self.go_on(key, operation, packet.flags, data),
                None => self.abort(key),
            }
        } else if operation == Some(Operation::Request) {
            self.open(key, packet)
        } else {
            if operation != Some(Operation::Reset) {
                self.reset(key);
            }
            Event::None
        }
    }

    fn open(&mut self, key: Key, packet: &Header) -> Event {
        if !self.ports.contains(&key.host) || self.connections.len() == MOST {
            self.reset(key);
            return Event::None;
        }
        let connection = Connection {
            open: false,
            guest: 0,
            host: 0,
            received: 0,
            forwarded: 0,
            told: 0,
            sent: 0,
            guest_allocated: packet.allocated,
            guest_forwarded: packet.forwarded,
        };
        self.connections.insert(key, connection);
        Event::Open(key)
    }

    /// A packet of a connection that there is.
    fn go_on(&mut self, key: Key, operation: Operation, flags: u32, data: Span) -> Event {
        let Some(connection) = self.connections.get_mut(&key) else {
            return Event::None;
        };
        match operation {
            Operation::Reset => {
                self.connections.remove(&key);
                Event::Abort(key)
            }
            Operation::CreditUpdate => Event::None,
            Operation::CreditRequest => {
                let credit = connection.packet(self.cid, key, Operation::CreditUpdate);
                self.answers.push_back(credit);
                Event::None
            }
            Operation::Data if connection.may_receive(data.length) => {
                // No more than there is room for.
                connection.received = connection.received.wrapping_add(data.length as u32);
                Event::Data(key, data)
            }
            Operation::Shutdown if connection.open => {
                let before = connection.guest;
                connection.guest |= flags & NEITHER;
                if connection.guest == NEITHER {
                    self.reset(key);
                    return Event::Close(key);
                }
                match connection.guest & !before & NO_SEND {
                    0 => Event::None,
                    _ => Event::Finish(key),
                }
            }
            _ => self.abort(key),
        }
    }

    /// Ends a connection whose guest broke a rule.
    fn abort(&mut self, key: Key) -> Event {
        self.reset(key);
        Event::Abort(key)
    }

    /// Tells the guest that there is no such connection, and sees to it.
    fn reset(&mut self, key: Key) {
        self.connections.remove(&key);
        self.answers.push_back(Header {
            allocated: 0,
            forwarded: 0,
            ..header(self.cid, key, Operation::Reset)
        });
    }

    /// The host's socket of a connection is open, or could not be opened.
    pub fn opened(&mut self, key: Key, open: bool) {
        match self.connections.get_mut(&key) {
            Some(connection) if open && !connection.open => {
                connection.open = true;
                let response = connection.packet(self.cid, key, Operation::Response);
                self.answers.push_back(response);
            }
            Some(_) if !open => self.reset(key),
            _ => {}
        }
    }

    /// So many bytes have left for the host's socket. The guest is told when half of its room has become free.
    pub fn written(&mut self, key: Key, bytes: u32) {
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        let waiting = connection.received.wrapping_sub(connection.forwarded);
        connection.forwarded = connection.forwarded.wrapping_add(bytes.min(waiting));
        if connection.forwarded.wrapping_sub(connection.told) >= ALLOCATED / 2 {
            let credit = connection.packet(self.cid, key, Operation::CreditUpdate);
            self.answers.push_back(credit);
        }
    }

    /// Whether the guest may still be given bytes, now or once it has room.
    pub fn receives(&self, key: Key) -> bool {
        self.connections.get(&key).is_some_and(Connection::receives)
    }

    /// How many bytes the guest has room for; none where it receives no more.
    pub fn room(&self, key: Key) -> u32 {
        self.connections.get(&key).map_or(0, Connection::room)
    }

    /// The packet with so many bytes of the host's; `None` where the guest has no room for them.
    pub fn data(&mut self, key: Key, length: u32) -> Option<Header> {
        let connection = self.connections.get_mut(&key)?;
        if length == 0 || length > connection.room() {
            return None;
        }
        connection.sent = connection.sent.wrapping_add(length);
        let packet = connection.packet(self.cid, key, Operation::Data);
        Some(Header { length, ..packet })
    }

    /// The host's socket gives no more.
    pub fn finished(&mut self, key: Key) {
        if let Some(connection) = self.connections.get_mut(&key)
            && connection.host & NO_SEND == 0
        {
            connection.host |= NO_SEND;
            let packet = connection.packet(self.cid, key, Operation::Shutdown);
            let flags = connection.host;
            self.answers.push_back(Header { flags, ..packet });
        }
    }

    /// The host's socket is gone.
    pub fn closed(&mut self, key: Key) {
        if self.connections.contains_key(&key) {
            self.reset(key);
        }
    }
}

impl Connection {
    fn may_receive(&self, length: u64) -> bool {
        let waiting = self.received.wrapping_sub(self.forwarded);
        let free = ALLOCATED.saturating_sub(waiting);
        self.open && self.guest & NO_SEND == 0 && length <= u64::from(free)
    }

    fn receives(&self) -> bool {
        self.open && self.guest & NO_RECEIVE == 0 && self.host & NO_SEND == 0
    }

    fn room(&self) -> u32 {
        if !self.receives() {
            return 0;
        }
        let waiting = self.sent.wrapping_sub(self.guest_forwarded);
        self.guest_allocated.saturating_sub(waiting)
    }

    /// A packet to the guest, which tells it of the room that there is.
    fn packet(&mut self, cid: u64, key: Key, operation: Operation) -> Header {
        self.told = self.forwarded;
        Header {
            forwarded: self.forwarded,
            ..header(cid, key, operation)
        }
    }
}

fn header(cid: u64, key: Key, operation: Operation) -> Header {
    Header {
        source: (HOST, key.host),
        destination: (cid, key.guest),
        length: 0,
        kind: STREAM,
        operation: operation as u16,
        flags: 0,
        allocated: ALLOCATED,
        forwarded: 0,
    }
}

#[cfg(test)]
mod tests;
