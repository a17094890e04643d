//! `virtio-net-1`: a network card (section 5.1 of the standard) with one pair of
//! queues: the driver receives from the first and transmits by the second.
//!
//! Each frame has a header of twelve bytes that says what was left out of it
//! (checksums, segmentation). It is held against what the driver accepted and made
//! anew, both ways: the guest can change its own at any time ([`Card::transmit`]),
//! and the host's says more than a guest may learn of its network card
//! ([`Inbox::deliver`]). What a driver receives goes into its buffers straight from
//! the host, as many as it takes.

use crate::chain::{Chain, Malformed, Segment, Span};
use crate::features::Features;
use crate::mmio::Shown;
use crate::ring::{Broken, OFFERED, Ring};
use std::collections::VecDeque;
use std::fmt;
use virtio_bindings::virtio_ids::VIRTIO_ID_NET;
use virtio_bindings::virtio_net::*;
use vm_memory::bitmap::BS;
use vm_memory::{GuestMemory, Permissions, VolatileSlice};

/// The queue from which the driver receives.
pub const RECEIVE: u16 = 0;
/// The queue by which it transmits.
pub const TRANSMIT: u16 = 1;
/// Bytes of the header before each frame (`struct virtio_net_hdr_v1`).
pub const HEADER: usize = 12;
/// Where in the header the number of buffers is.
const NUM_BUFFERS: usize = 10;
/// Bytes of an Ethernet header.
pub const ETHERNET: u64 = 14;
/// Bytes of the shortest frame, without its checksum.
pub const SHORTEST: usize = 60;
/// Bytes of the tags of virtual LANs that a frame may have: two (IEEE 802.1ad).
pub const TAGS: u64 = 8;
/// Bytes of the largest frame that is yet to be segmented: as section 5.1.6.3.1 has it, without the header.
pub const LARGEST: u64 = 65_550;
/// The most bytes of a TCP header.
const TCP: u64 = 60;
/// The most pieces of memory that one call fills: Linux takes 1024 (UIO_MAXIOV), two of which are the host's own.
const PIECES: usize = 1022;
/// Where in the configuration space the link's status is.
const STATUS: usize = 6;

/// A card as its lock has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Its address.
    pub mac: [u8; 6],
    /// The most bytes of a frame behind its Ethernet header: at least 68 (section 5.1.4.1).
    pub mtu: u16,
    /// QueueNumMax of both queues.
    pub queue: u16,
}

impl Nic {
    /// What a driver sees of it. The link is up.
    pub fn shown(&self) -> Shown {
        let mut configuration = vec![0; 12];
        configuration[..6].copy_from_slice(&self.mac);
        set_link(&mut configuration, true);
        configuration[10..].copy_from_slice(&self.mtu.to_le_bytes());
        Shown {
            device: VIRTIO_ID_NET,
            features: OFFERED.and(Features::of(&[
                VIRTIO_NET_F_MAC,
                VIRTIO_NET_F_MTU,
                VIRTIO_NET_F_STATUS,
                VIRTIO_NET_F_MRG_RXBUF,
                VIRTIO_NET_F_CSUM,
                VIRTIO_NET_F_HOST_TSO4,
                VIRTIO_NET_F_HOST_TSO6,
                VIRTIO_NET_F_HOST_ECN,
                VIRTIO_NET_F_GUEST_CSUM,
                VIRTIO_NET_F_GUEST_TSO4,
                VIRTIO_NET_F_GUEST_TSO6,
                VIRTIO_NET_F_GUEST_ECN,
            ])),
            // Section 5.1.3.1.
            requires: &[
                (VIRTIO_NET_F_HOST_TSO4, &[VIRTIO_NET_F_CSUM]),
                (VIRTIO_NET_F_HOST_TSO6, &[VIRTIO_NET_F_CSUM]),
                (
                    VIRTIO_NET_F_HOST_ECN,
                    &[VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6],
                ),
                (VIRTIO_NET_F_GUEST_TSO4, &[VIRTIO_NET_F_GUEST_CSUM]),
                (VIRTIO_NET_F_GUEST_TSO6, &[VIRTIO_NET_F_GUEST_CSUM]),
                (
                    VIRTIO_NET_F_GUEST_ECN,
                    &[VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6],
                ),
            ],
            queues: vec![self.queue; 2],
            configuration,
        }
    }
}

/// What a card's configuration says of its link.
pub fn link(configuration: &[u8]) -> bool {
    configuration
        .get(STATUS)
        .is_some_and(|&byte| u32::from(byte) & VIRTIO_NET_S_LINK_UP != 0)
}

/// Says in a card's configuration whether its link is up.
pub fn set_link(configuration: &mut [u8], up: bool) {
    let status = if up { VIRTIO_NET_S_LINK_UP as u8 } else { 0 };
    if let Some(byte) = configuration.get_mut(STATUS) {
        *byte = status;
    }
}

/// The frame by which a network learns that a card is now at this cable: a reverse request of the card for its own
/// address (RFC 903), to everybody. None of a guest's own frames is forged by it: it says nothing of any address but the
/// card's, and asks for none that anybody has.
pub fn announcement(mac: [u8; 6]) -> [u8; SHORTEST] {
    /// Ethernet type of a reverse request; hardware and protocol that it is about, with the lengths of their addresses; the
    /// request itself.
    const HEAD: [u8; 10] = [0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3];
    let mut frame = [0; SHORTEST];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&[0xff; 6]);
    put(&mac);
    put(&HEAD);
    // Whose request it is, and about whom.
    for _ in 0..2 {
        put(&mac);
        put(&[0; 4]);
    }
    frame
}

/// Why a frame does not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has no whole Ethernet header.
    Short,
    /// It is larger than the MTU allows, or than any frame that is yet to be segmented.
    Large,
    /// A checksum is left out, which the driver did not accept, or its place is beyond the frame.
    Checksum,
    /// It is to be segmented in a way that the driver did not accept, without a checksum or without a size.
    Segments,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Short => "a frame without an Ethernet header",
            Fault::Large => "a frame that is too large",
            Fault::Checksum => "a frame without a checksum, which was not accepted or cannot be",
            Fault::Segments => {
                "a frame to be segmented in a way that was not accepted or cannot be"
            }
        })
    }
}

/// What becomes of what a driver transmits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// It leaves.
    Send {
        /// Its header, for the host.
        header: [u8; HEADER],
        /// The frame: bytes of what the device may read.
        frame: Span,
    },
    /// It does not, and the driver is not told.
    Drop(Fault),
}

/// The features by which a driver accepts what is left out of the frames that go one way.
struct Way {
    checksum: u32,
    tcp4: u32,
    tcp6: u32,
    ecn: u32,
    /// Whose hint of how much is header is passed on: a guest's. A host's says how its memory is laid out.
    hint: bool,
}

const OUT: Way = Way {
    checksum: VIRTIO_NET_F_CSUM,
    tcp4: VIRTIO_NET_F_HOST_TSO4,
    tcp6: VIRTIO_NET_F_HOST_TSO6,
    ecn: VIRTIO_NET_F_HOST_ECN,
    hint: true,
};

const IN: Way = Way {
    checksum: VIRTIO_NET_F_GUEST_CSUM,
    tcp4: VIRTIO_NET_F_GUEST_TSO4,
    tcp6: VIRTIO_NET_F_GUEST_TSO6,
    ecn: VIRTIO_NET_F_GUEST_ECN,
    hint: false,
};

/// A card at work, from a driver's set-up to the next reset.
#[derive(Clone, Debug)]
pub struct Card {
    mtu: u16,
    features: Features,
}

impl Card {
    /// A card whose driver accepted these features.
    pub fn new(nic: &Nic, features: Features) -> Self {
        Self {
            mtu: nic.mtu,
            features,
        }
    }

    /// What a chain of the second queue transmits. It goes back with nothing written.
    ///
    /// # Errors
    /// It has no header.
    pub fn transmit<M: GuestMemory>(
        &self,
        memory: &M,
        chain: &Chain,
    ) -> Result<Transmit, Malformed> {
        let mut header = [0; HEADER];
        chain.readable().read(memory, 0, &mut header)?;
        let skip = HEADER as u64;
        let length = chain.readable().length() - skip;
        Ok(match self.header(&OUT, header, length) {
            Ok(header) => Transmit::Send {
                header,
                frame: Span { skip, length },
            },
            Err(fault) => Transmit::Drop(fault),
        })
    }

    /// The header of a frame of that length, made anew (sections 5.1.6.2 and 5.1.6.4). That a host has checked a checksum
    /// (VIRTIO_NET_HDR_F_DATA_VALID) depends on its network card, and is not passed on.
    fn header(&self, way: &Way, header: [u8; HEADER], length: u64) -> Result<[u8; HEADER], Fault> {
        let [flags, kind, h0, h1, s0, s1, c0, c1, o0, o1, _, _] = header;
        let word = |low, high| u64::from(u16::from_le_bytes([low, high]));
        let checksum = u32::from(flags) & VIRTIO_NET_HDR_F_NEEDS_CSUM != 0;
        let segments = u32::from(kind) != VIRTIO_NET_HDR_GSO_NONE;
        let most = match segments {
            true => LARGEST,
            false => self.whole(),
        };
        if length < ETHERNET {
            return Err(Fault::Short);
        }
        if length > most {
            return Err(Fault::Large);
        }
        // Two bytes, at its place.
        let start = word(c0, c1);
        let checksum_end = start + word(o0, o1) + 2;
        if checksum && !(self.features.has(way.checksum) && checksum_end <= length) {
            return Err(Fault::Checksum);
        }
        if segments && !(checksum && self.segments(way, kind) && word(s0, s1) != 0) {
            return Err(Fault::Segments);
        }
        // No more than there is, and as much as a TCP header may be (sections 5.1.6.2.2 and 5.1.6.4.1).
        let head = if way.hint { word(h0, h1) } else { start + TCP };
        let [h0, h1] = match segments {
            true => (head.min(length).min(u16::MAX.into()) as u16).to_le_bytes(),
            false => [0; 2],
        };
        let [s0, s1] = if segments { [s0, s1] } else { [0; 2] };
        let [c0, c1, o0, o1] = if checksum { [c0, c1, o0, o1] } else { [0; 4] };
        let flags = match checksum {
            true => VIRTIO_NET_HDR_F_NEEDS_CSUM as u8,
            false => 0,
        };
        Ok([flags, kind, h0, h1, s0, s1, c0, c1, o0, o1, 0, 0])
    }

    /// Bytes of the largest frame that is not to be segmented.
    fn whole(&self) -> u64 {
        u64::from(self.mtu) + ETHERNET + TAGS
    }

    /// Whether the driver accepted that way to segment.
    fn segments(&self, way: &Way, kind: u8) -> bool {
        let kind = u32::from(kind);
        let accepted = match kind & !VIRTIO_NET_HDR_GSO_ECN {
            VIRTIO_NET_HDR_GSO_TCPV4 => self.features.has(way.tcp4),
            VIRTIO_NET_HDR_GSO_TCPV6 => self.features.has(way.tcp6),
            _ => false,
        };
        let ecn = kind & VIRTIO_NET_HDR_GSO_ECN != 0;
        accepted && (!ecn || self.features.has(way.ecn))
    }

    /// Bytes of the largest frame that the driver may be given, with its header.
    pub fn largest(&self) -> u64 {
        let tso = [VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6];
        let frame = match tso.iter().any(|&bit| self.features.has(bit)) {
            true => LARGEST,
            false => self.whole(),
        };
        frame + HEADER as u64
    }

    /// The buffers for what the driver receives.
    pub fn inbox(&self) -> Inbox {
        Inbox {
            card: self.clone(),
            merges: self.features.has(VIRTIO_NET_F_MRG_RXBUF),
            largest: self.largest(),
            chains: VecDeque::new(),
            spare: Vec::new(),
            room: 0,
        }
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The driver has it.
    All,
    /// The driver had too few buffers, or did not accept what is left out of it: it is lost, as on any wire.
    Lost,
}

/// Buffers of the first queue that wait for a frame.
///
/// The host reads a header into memory of its own, the frame into [`Inbox::slices`] and, where these are too few, on
/// into more of its own (`spill`, of [`Card::largest`] bytes): a driver may have too few buffers for the largest frame for
/// ever, and none is that large.
#[derive(Clone, Debug)]
pub struct Inbox {
    card: Card,
    merges: bool,
    largest: u64,
    chains: VecDeque<Chain>,
    spare: Vec<Chain>,
    room: u64,
}

impl Inbox {
    /// Takes buffers, as many as the largest frame needs and there are: whether there is one at all.
    ///
    /// # Errors
    /// The driver broke a rule.
    pub fn fill<M: GuestMemory>(&mut self, ring: &mut Ring, memory: &M) -> Result<bool, Broken> {
        while self.room < self.largest
            && (self.merges || self.chains.is_empty())
            && self.pieces().count() < PIECES
        {
            if !self.take(ring, memory)? {
                break;
            }
        }
        Ok(!self.chains.is_empty())
    }

    fn take<M: GuestMemory>(&mut self, ring: &mut Ring, memory: &M) -> Result<bool, Broken> {
        let mut chain = self.spare.pop().unwrap_or_default();
        if !ring.take(memory, &mut chain)? {
            self.spare.push(chain);
            return Ok(false);
        }
        let length = chain.writable().length();
        if length < HEADER as u64 {
            let (head, why) = (chain.head(), Malformed::TooShort);
            return Err(Broken::Chain { head, why });
        }
        self.room += length;
        self.chains.push_back(chain);
        Ok(true)
    }

    /// As much of the buffers as one call fills, without what the header takes of the first.
    fn pieces(&self) -> impl Iterator<Item = Segment> {
        let pieces = self.chains.iter().enumerate();
        let pieces = pieces.flat_map(move |(at, chain)| {
            chain.writable().segments(Span {
                skip: if at == 0 { HEADER as u64 } else { 0 },
                length: u64::MAX,
            })
        });
        pieces.take(PIECES)
    }

    /// Where a frame goes, without its header.
    ///
    /// # Errors
    /// The buffers are not in the guest's memory any more.
    pub fn slices<'m, M: GuestMemory>(
        &self,
        memory: &'m M,
    ) -> Result<Vec<VolatileSlice<'m, BS<'m, M::Bitmap>>>, Malformed> {
        let mut slices = Vec::new();
        for piece in self.pieces() {
            piece.slices(memory, Permissions::Write, &mut slices)?;
        }
        Ok(slices)
    }

    /// Gives a frame to the driver: `length` bytes with that header of the host's, what did not fit into
    /// [`Inbox::slices`] in `spill`.
    ///
    /// # Errors
    /// The driver broke a rule.
    pub fn deliver<M: GuestMemory>(
        &mut self,
        ring: &mut Ring,
        memory: &M,
        header: [u8; HEADER],
        length: u64,
        spill: &[u8],
    ) -> Result<Delivered, Broken> {
        let Ok(mut header) = self.card.header(&IN, header, length) else {
            return Ok(Delivered::Lost);
        };
        let spilled: u64 = self.pieces().map(|piece| u64::from(piece.length)).sum();
        // It cannot be, where the host read as it should.
        if length.saturating_sub(spilled) > spill.len() as u64 {
            return Ok(Delivered::Lost);
        }
        let all = length + HEADER as u64;
        while self.room < all {
            if !(self.merges && self.take(ring, memory)?) {
                return Ok(Delivered::Lost);
            }
        }
        let (mut count, mut left) = (0u16, length);
        for chain in &self.chains {
            if left == 0 {
                break;
            }
            let skip = if count == 0 { HEADER as u64 } else { 0 };
            let from = length - left;
            // A buffer has room for a header.
            let part = left.min(chain.writable().length() - skip);
            // This much of it is in the buffer already.
            let there = spilled.saturating_sub(from).min(part);
            let rest = spill
                .get((from + there).saturating_sub(spilled) as usize..)
                .and_then(|rest| rest.get(..(part - there) as usize))
                .unwrap_or_default();
            write(memory, chain, skip + there, rest)?;
            left -= part;
            count += 1;
        }
        let Some(first) = self.chains.front() else {
            return Ok(Delivered::Lost);
        };
        header[NUM_BUFFERS..].copy_from_slice(&count.to_le_bytes());
        write(memory, first, 0, &header)?;
        let mut left = all;
        for _ in 0..count {
            let Some(chain) = self.chains.pop_front() else {
                break;
            };
            let room = chain.writable().length();
            let part = left.min(room);
            // A chain is shorter than 4 GiB.
            ring.give(memory, chain.head(), part as u32)?;
            self.room -= room;
            left -= part;
            self.spare.push(chain);
        }
        Ok(Delivered::All)
    }

    /// Leaves all buffers in the queue, as if none had been taken.
    pub fn leave(&mut self, ring: &mut Ring) {
        self.room = 0;
        for chain in self.chains.drain(..) {
            ring.leave();
            self.spare.push(chain);
        }
    }
}

fn write<M: GuestMemory>(memory: &M, chain: &Chain, skip: u64, bytes: &[u8]) -> Result<(), Broken> {
    let head = chain.head();
    let written = chain.writable().write(memory, skip, bytes);
    written.map_err(|why| Broken::Chain { head, why })
}

#[cfg(test)]
mod tests;
