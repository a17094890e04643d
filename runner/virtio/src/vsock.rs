//! `virtio-vsock-1`: stream sockets between programs of the guest and of the host
//! (section 5.10 of the standard), which the guest alone opens, and only to ports
//! that its lock declares.
//!
//! Here is what a packet is; [`sockets`] has the connections, [`reset`] what a driver is told where they are gone.

pub mod reset;
pub mod sockets;

use crate::chain::{Chain, Malformed, Span};
use crate::mmio::Shown;
use crate::ring;
use virtio_bindings::virtio_ids::VIRTIO_ID_VSOCK;
use vm_memory::GuestMemory;

/// The queue from which the driver receives.
pub const RECEIVE: u16 = 0;
/// The queue by which it transmits.
pub const TRANSMIT: u16 = 1;
/// The queue from which it learns that all connections are gone.
pub const EVENT: u16 = 2;
/// The context id of the host (section 5.10.4).
pub const HOST: u64 = 2;
/// Bytes of a packet's header (`struct virtio_vsock_hdr`).
pub const HEADER: usize = 44;
/// VIRTIO_VSOCK_TYPE_STREAM.
const STREAM: u16 = 1;
/// VIRTIO_VSOCK_EVENT_TRANSPORT_RESET.
const TRANSPORT_RESET: u32 = 0;

/// What a driver sees of it: `cid` is the guest's context id, `queue` QueueNumMax of all three queues.
pub fn shown(cid: u64, queue: u16) -> Shown {
    Shown {
        device: VIRTIO_ID_VSOCK,
        // Streams alone, as without any feature of its own (section 5.10.3).
        features: ring::OFFERED,
        requires: &[],
        queues: vec![queue; 3],
        configuration: cid.to_le_bytes().to_vec(),
    }
}

/// What a packet is for (section 5.10.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Operation {
    /// Opens a connection.
    Request = 1,
    /// It is open.
    Response = 2,
    /// It is closed, or there never was one.
    Reset = 3,
    /// There will be no more data one way, or both.
    Shutdown = 4,
    /// Data.
    Data = 5,
    /// What the sender has room for.
    CreditUpdate = 6,
    /// Asks for a credit update.
    CreditRequest = 7,
}

impl Operation {
    const ALL: [Self; 7] = [
        Self::Request,
        Self::Response,
        Self::Reset,
        Self::Shutdown,
        Self::Data,
        Self::CreditUpdate,
        Self::CreditRequest,
    ];

    /// By its number.
    pub fn of(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|&one| one as u16 == number)
    }
}

/// A packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Context id and port of the sender.
    pub source: (u64, u32),
    /// Context id and port of the receiver.
    pub destination: (u64, u32),
    /// Bytes of data behind it.
    pub length: u32,
    /// What kind of socket.
    pub kind: u16,
    /// [`Operation`], by number.
    pub operation: u16,
    /// What the operation makes of them.
    pub flags: u32,
    /// How much the sender has room for in all (`buf_alloc`).
    pub allocated: u32,
    /// How much of what it received has left that room (`fwd_cnt`), modulo 2^32.
    pub forwarded: u32,
}

impl Header {
    /// As it stands in memory.
    pub fn bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let mut at = 0;
        let mut put = |value: &[u8]| {
            bytes[at..at + value.len()].copy_from_slice(value);
            at += value.len();
        };
        put(&self.source.0.to_le_bytes());
        put(&self.destination.0.to_le_bytes());
        put(&self.source.1.to_le_bytes());
        put(&self.destination.1.to_le_bytes());
        put(&self.length.to_le_bytes());
        put(&self.kind.to_le_bytes());
        put(&self.operation.to_le_bytes());
        put(&self.flags.to_le_bytes());
        put(&self.allocated.to_le_bytes());
        put(&self.forwarded.to_le_bytes());
        bytes
    }

    /// Out of memory.
    pub fn of(bytes: [u8; HEADER]) -> Self {
        let number = |at: usize, length: usize| {
            let bytes = bytes[at..at + length].iter().rev();
            bytes.fold(0u64, |value, &byte| value << 8 | u64::from(byte))
        };
        let word = |at| number(at, 4) as u32;
        Self {
            source: (number(0, 8), word(16)),
            destination: (number(8, 8), word(20)),
            length: word(24),
            kind: number(28, 2) as u16,
            operation: number(30, 2) as u16,
            flags: word(32),
            allocated: word(36),
            forwarded: word(40),
        }
    }
}

/// What a driver transmits: a header, and where its data are among what the device may read. The chain goes back with
/// nothing written.
///
/// # Errors
/// It has no header, or fewer data than that says.
pub fn packet<M: GuestMemory>(memory: &M, chain: &Chain) -> Result<(Header, Span), Malformed> {
    let mut header = [0; HEADER];
    chain.readable().read(memory, 0, &mut header)?;
    let header = Header::of(header);
    let data = Span {
        skip: HEADER as u64,
        length: header.length.into(),
    };
    match data.skip + data.length <= chain.readable().length() {
        true => Ok((header, data)),
        false => Err(Malformed::TooShort),
    }
}

/// Where data can go in a buffer of the driver's, behind a header.
///
/// # Errors
/// It has no room for a header.
pub fn room(chain: &Chain) -> Result<Span, Malformed> {
    let skip = HEADER as u64;
    let length = chain.writable().length().checked_sub(skip);
    let length = length.ok_or(Malformed::TooShort)?;
    Ok(Span { skip, length })
}

/// Writes a packet's header before its data, and gives the number of bytes with which the buffer goes back.
///
/// # Errors
/// There is no room for it.
pub fn head<M: GuestMemory>(memory: &M, chain: &Chain, header: Header) -> Result<u32, Malformed> {
    if u64::from(header.length) > room(chain)?.length {
        return Err(Malformed::TooShort);
    }
    chain.writable().write(memory, 0, &header.bytes())?;
    // No more than the chain has.
    Ok(HEADER as u32 + header.length)
}

/// Tells the driver that all connections are gone, in a buffer of the third queue.
///
/// # Errors
/// There is no room for it.
pub fn transport_reset<M: GuestMemory>(memory: &M, chain: &Chain) -> Result<u32, Malformed> {
    let event = TRANSPORT_RESET.to_le_bytes();
    chain.writable().write(memory, 0, &event)?;
    Ok(event.len() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, Memory, Part, memory};
    use crate::mmio::Transport;

    /// Sections 5.10.4 and 5.10.6, by hand.
    #[test]
    fn a_header_lies_as_the_standard_has_it() {
        let bytes: [u8; HEADER] = std::array::from_fn(|at| at as u8);
        let header = Header::of(bytes);
        let expected = Header {
            source: (0x0706_0504_0302_0100, 0x1312_1110),
            destination: (0x0f0e_0d0c_0b0a_0908, 0x1716_1514),
            length: 0x1b1a_1918,
            kind: 0x1d1c,
            operation: 0x1f1e,
            flags: 0x2322_2120,
            allocated: 0x2726_2524,
            forwarded: 0x2b2a_2928,
        };
        assert_eq!(header, expected);
        assert_eq!(header.bytes(), bytes);
        let known: Vec<u16> = (0..=u16::MAX)
            .filter(|&n| Operation::of(n).is_some())
            .collect();
        assert_eq!(known, [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn it_shows_its_context_id_alone() {
        let shown = shown(3, 8);
        let bits: Vec<u32> = (0..128).filter(|&bit| shown.features.has(bit)).collect();
        assert_eq!((shown.device, bits), (19, vec![28, 29, 32]));
        assert_eq!(shown.configuration, [3, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(shown.queues, [8, 8, 8]);
        Transport::new(shown).expect("there is such a device");
    }

    fn chain(parts: &[Part], look: impl FnOnce(&Memory, &Chain)) {
        let memory = memory();
        let mut driver = Driver::new(&memory, 8);
        let mut ring = driver.ring(&[]);
        driver.offer(parts);
        let mut chain = Chain::default();
        assert_eq!(ring.take(&memory, &mut chain), Ok(true));
        look(&memory, &chain);
    }

    #[test]
    fn a_packet_is_whole_or_none() {
        let header = Header {
            length: 10,
            ..Header::of([1; HEADER])
        };
        let bytes = header.bytes();
        for (data, whole) in [(0, false), (9, false), (10, true), (11, true)] {
            let data = vec![0; data];
            chain(
                &[
                    Part::Out(&bytes[..20]),
                    Part::Out(&bytes[20..]),
                    Part::Out(&data),
                ],
                |m, c| {
                    let span = Span {
                        skip: 44,
                        length: 10,
                    };
                    let expected = if whole {
                        Ok((header, span))
                    } else {
                        Err(Malformed::TooShort)
                    };
                    assert_eq!(packet(m, c), expected);
                },
            );
        }
        chain(&[Part::Out(&bytes[..43])], |m, c| {
            assert_eq!(packet(m, c), Err(Malformed::TooShort));
        });
        let most = Header {
            length: u32::MAX,
            ..header
        }
        .bytes();
        chain(&[Part::Out(&most)], |m, c| {
            assert_eq!(packet(m, c), Err(Malformed::TooShort));
        });
    }

    #[test]
    fn a_packet_goes_into_a_buffer_that_has_room() {
        let header = Header {
            length: 6,
            ..Header::of([1; HEADER])
        };
        for (room, written) in [
            (43, None),
            (44, None),
            (49, None),
            (50, Some(50)),
            (60, Some(50)),
        ] {
            chain(&[Part::In(room)], |m, c| {
                assert_eq!(head(m, c, header).ok(), written, "{room}");
                let span = super::room(c).ok().map(|span| span.length);
                assert_eq!(span, room.checked_sub(44).map(|n| n as u64));
            });
        }
        for (room, written) in [(3, None), (4, Some(4)), (9, Some(4))] {
            chain(&[Part::In(room)], |m, c| {
                assert_eq!(transport_reset(m, c).ok(), written);
            });
        }
    }
}
