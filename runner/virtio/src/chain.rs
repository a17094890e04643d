//! A chain of buffers that a driver made available: read once, and checked whole
//! before anything is done with it (sections 2.7.4 and 2.7.5 of the standard).
//!
//! All descriptors are copied first, so what a guest changes in its tables
//! afterwards changes nothing here. What is in the buffers may change at any time.
//! A chain that breaks a rule is no shorter chain: it is none.

use std::fmt;
use virtio_queue::desc::split::Descriptor;
use vm_memory::bitmap::BS;
use vm_memory::{Address, Bytes, GuestAddress, GuestMemory, Permissions, VolatileSlice};

/// Bytes of a descriptor.
const DESCRIPTOR: u32 = 16;

/// A piece of guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Guest-physical address.
    pub address: u64,
    /// Bytes; never none.
    pub length: u32,
}

impl Segment {
    /// Adds it as memory of this process, for calls that move data.
    ///
    /// # Errors
    /// [`Malformed::Outside`]: it is not in the guest's memory any more.
    pub fn slices<'m, M: GuestMemory>(
        self,
        memory: &'m M,
        access: Permissions,
        into: &mut Vec<VolatileSlice<'m, BS<'m, M::Bitmap>>>,
    ) -> Result<(), Malformed> {
        let Self { address, length } = self;
        let outside = Malformed::Outside { address, length };
        let slices = memory.get_slices(GuestAddress(address), length as usize, access);
        for slice in slices.map_err(|_| outside)? {
            into.push(slice.map_err(|_| outside)?);
        }
        Ok(())
    }
}

/// Some bytes of a [`Buffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How many bytes come before them.
    pub skip: u64,
    /// How many they are.
    pub length: u64,
}

/// Why a driver's chain is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A descriptor's number is beyond its table.
    Index {
        /// The number.
        index: u16,
        /// How many descriptors the table has.
        size: u32,
    },
    /// It has more descriptors than the queue can have: most of the time, a circle.
    TooLong {
        /// The most that it could have.
        most: u16,
    },
    /// It has more than 2^32 - 1 bytes.
    TooLarge,
    /// A buffer or a table is not all in the guest's memory.
    Outside {
        /// Its guest-physical address.
        address: u64,
        /// Its length in bytes.
        length: u32,
    },
    /// A buffer for the device to read comes after one for it to write.
    Order,
    /// An indirect table, which the driver had not accepted.
    NotAccepted,
    /// An indirect table in an indirect table.
    Nested,
    /// An indirect table that is not the last of its chain.
    NotLast,
    /// An indirect table with no descriptors, or with a part of one.
    Table {
        /// Its length in bytes.
        length: u32,
    },
    /// Fewer bytes than every request of this device has.
    TooShort,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Index { index, size } => {
                write!(f, "descriptor {index} of a table of {size}")
            }
            Malformed::TooLong { most } => write!(
                f,
                "a chain of more than the {most} descriptors of the largest queue"
            ),
            Malformed::TooLarge => f.write_str("a chain of 4 GiB or more"),
            Malformed::Outside { address, length } => write!(
                f,
                "{length} bytes at {address:#x}, which are not all in the guest's memory"
            ),
            Malformed::Order => {
                f.write_str("a buffer for the device to read after one for it to write")
            }
            Malformed::NotAccepted => {
                f.write_str("an indirect table without VIRTIO_RING_F_INDIRECT_DESC")
            }
            Malformed::Nested => f.write_str("an indirect table in an indirect table"),
            Malformed::NotLast => {
                f.write_str("an indirect table that is not the last of its chain")
            }
            Malformed::Table { length } => write!(f, "an indirect table of {length} bytes"),
            Malformed::TooShort => f.write_str("fewer bytes than a request has"),
        }
    }
}

impl std::error::Error for Malformed {}

/// Where descriptors are, and what the driver may do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Guest-physical address of the queue's table.
    pub address: u64,
    /// Its descriptors.
    pub size: u16,
    /// The most that a chain may have. Linux makes chains for the largest queue even where its own is smaller, by
    /// indirect tables (drivers/virtio/virtio_ring.c `virtqueue_add_split`).
    pub longest: u16,
    /// VIRTIO_RING_F_INDIRECT_DESC was accepted.
    pub indirect: bool,
}

/// A chain; empty at first. Made once and filled for each request, so that none allocates.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    head: u16,
    segments: Vec<Segment>,
    readable: usize,
}

impl Chain {
    /// The number of its first descriptor, by which the driver knows it.
    pub fn head(&self) -> u16 {
        self.head
    }

    /// What the device may read.
    pub fn readable(&self) -> Buffer<'_> {
        Buffer(&self.segments[..self.readable])
    }

    /// What the device may write.
    pub fn writable(&self) -> Buffer<'_> {
        Buffer(&self.segments[self.readable..])
    }

    /// Reads the chain that begins there.
    pub(crate) fn read<M: GuestMemory>(
        &mut self,
        memory: &M,
        table: Table,
        head: u16,
    ) -> Result<(), Malformed> {
        let read = self.walk(memory, table, head);
        if read.is_err() {
            self.segments.clear();
            self.readable = 0;
        }
        read
    }

    fn walk<M: GuestMemory>(
        &mut self,
        memory: &M,
        table: Table,
        head: u16,
    ) -> Result<(), Malformed> {
        self.head = head;
        self.segments.clear();
        self.readable = 0;
        let (mut address, mut size, mut index) = (table.address, u32::from(table.size), head);
        let (mut nested, mut written) = (false, false);
        let (mut count, mut bytes) = (0, 0u32);
        loop {
            if u32::from(index) >= size {
                return Err(Malformed::Index { index, size });
            }
            let descriptor = descriptor(memory, address, index)?;
            if descriptor.refers_to_indirect_table() {
                let length = descriptor.len();
                if !table.indirect {
                    return Err(Malformed::NotAccepted);
                }
                if nested {
                    return Err(Malformed::Nested);
                }
                if descriptor.has_next() {
                    return Err(Malformed::NotLast);
                }
                if length == 0 || length % DESCRIPTOR != 0 {
                    return Err(Malformed::Table { length });
                }
                nested = true;
                (address, size, index) = (descriptor.addr().0, length / DESCRIPTOR, 0);
                continue;
            }
            if count == table.longest {
                let most = table.longest;
                return Err(Malformed::TooLong { most });
            }
            count += 1;
            let segment = Segment {
                address: descriptor.addr().0,
                length: descriptor.len(),
            };
            bytes = bytes
                .checked_add(segment.length)
                .ok_or(Malformed::TooLarge)?;
            if written && !descriptor.is_write_only() {
                return Err(Malformed::Order);
            }
            written = descriptor.is_write_only();
            if segment.length != 0 {
                check(memory, segment, written)?;
                self.segments.push(segment);
                self.readable += usize::from(!written);
            }
            if !descriptor.has_next() {
                return Ok(());
            }
            index = descriptor.next();
        }
    }
}

fn descriptor<M: GuestMemory>(memory: &M, table: u64, index: u16) -> Result<Descriptor, Malformed> {
    let offset = u64::from(index) * u64::from(DESCRIPTOR);
    let outside = Malformed::Outside {
        address: table.saturating_add(offset),
        length: DESCRIPTOR,
    };
    let address = GuestAddress(table).checked_add(offset).ok_or(outside)?;
    memory.read_obj(address).map_err(|_| outside)
}

fn check<M: GuestMemory>(memory: &M, segment: Segment, write: bool) -> Result<(), Malformed> {
    let access = if write {
        Permissions::Write
    } else {
        Permissions::Read
    };
    let Segment { address, length } = segment;
    match memory.check_range(GuestAddress(address), length as usize, access) {
        true => Ok(()),
        false => Err(Malformed::Outside { address, length }),
    }
}

/// One side of a chain: pieces that are read or written as if they were one.
#[derive(Clone, Copy, Debug)]
pub struct Buffer<'c>(&'c [Segment]);

impl<'c> Buffer<'c> {
    /// Bytes: fewer than 2^32.
    pub fn length(self) -> u64 {
        self.0.iter().map(|s| u64::from(s.length)).sum()
    }

    /// The pieces of some of its bytes; of what is beyond its end, nothing.
    pub fn segments(self, span: Span) -> impl Iterator<Item = Segment> + 'c {
        let (mut skip, mut left) = (span.skip, span.length);
        self.0.iter().filter_map(move |segment| {
            let from = skip.min(segment.length.into());
            skip -= from;
            let length = (u64::from(segment.length) - from).min(left);
            left -= length;
            let address = segment.address + from;
            // No more than the piece had.
            let length = length as u32;
            (length != 0).then_some(Segment { address, length })
        })
    }

    /// Some of its bytes as pieces of this process's memory, for calls that move data.
    ///
    /// # Errors
    /// [`Malformed::TooShort`]: it does not have so many.
    pub fn slices<M: GuestMemory>(
        self,
        memory: &M,
        span: Span,
        access: Permissions,
    ) -> Result<Vec<VolatileSlice<'_, BS<'_, M::Bitmap>>>, Malformed> {
        let (mut slices, mut bytes) = (Vec::new(), 0);
        for segment in self.segments(span) {
            segment.slices(memory, access, &mut slices)?;
            bytes += u64::from(segment.length);
        }
        match bytes == span.length {
            true => Ok(slices),
            false => Err(Malformed::TooShort),
        }
    }

    /// Copies bytes out of it.
    ///
    /// # Errors
    /// [`Malformed::TooShort`]: it does not have so many. Then some may have been copied.
    pub fn read<M: GuestMemory>(
        self,
        memory: &M,
        skip: u64,
        into: &mut [u8],
    ) -> Result<(), Malformed> {
        let length = into.len() as u64;
        let mut rest = into;
        for Segment { address, length } in self.segments(Span { skip, length }) {
            let (part, others) = rest.split_at_mut(length as usize);
            let copied = memory.read_slice(part, GuestAddress(address));
            copied.map_err(|_| Malformed::Outside { address, length })?;
            rest = others;
        }
        match rest {
            [] => Ok(()),
            _ => Err(Malformed::TooShort),
        }
    }

    /// Copies bytes into it.
    ///
    /// # Errors
    /// As [`Buffer::read`].
    pub fn write<M: GuestMemory>(
        self,
        memory: &M,
        skip: u64,
        from: &[u8],
    ) -> Result<(), Malformed> {
        let length = from.len() as u64;
        let mut rest = from;
        for Segment { address, length } in self.segments(Span { skip, length }) {
            let (part, others) = rest.split_at(length as usize);
            let copied = memory.write_slice(part, GuestAddress(address));
            copied.map_err(|_| Malformed::Outside { address, length })?;
            rest = others;
        }
        match rest {
            [] => Ok(()),
            _ => Err(Malformed::TooShort),
        }
    }
}
