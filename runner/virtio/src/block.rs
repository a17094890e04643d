//! `virtio-block-1`: a disk (section 5.2 of the standard), with one queue.
//!
//! A request is decoded into an [`Operation`] for whoever has the disk ([`engine`]), or
//! answered at once; [`Block::settle`] makes a status of what became of the operation,
//! [`answer`] tells the driver. [`requests`] has those that are under way, [`written`] knows where the last ones wrote.
//! Header and status may lie in any pieces of the chain (section 2.7.4): what counts is their place among its bytes.
//!
//! The disk has a volatile cache, as VIRTIO_BLK_F_FLUSH says. A driver that does
//! not accept it has every write stable before it is answered (section 5.2.6.2).
//! Once anything was lost behind the driver's back, no flush succeeds any more.

pub mod engine;
pub mod requests;
pub mod written;

use crate::chain::{Chain, Malformed, Span};
use crate::features::Features;
use crate::mmio::Shown;
use crate::ring::OFFERED;
use std::io;
use virtio_bindings::virtio_blk::*;
use virtio_bindings::virtio_ids::VIRTIO_ID_BLOCK;
use vm_memory::GuestMemory;

/// Bytes of a sector, the unit of all places and lengths, and of a block.
pub const SECTOR: u64 = 512;
/// Bytes of a disk's serial number.
pub const SERIAL: usize = VIRTIO_BLK_ID_BYTES as usize;
/// Bytes of a request's header, and of what it says of a range.
const HEADER: u64 = 16;
/// The most pieces of data in a request, whatever the queue.
pub const SEGMENTS: u16 = 254;
/// The most sectors that one discard takes: 1 GiB.
pub const DISCARD_SECTORS: u32 = 1 << 21;
/// Ranges that begin and end at so many sectors are best discarded: a page of most file systems.
pub const DISCARD_ALIGNMENT: u32 = 8;
/// The most sectors that are zeroed at once: 16 MiB, since some hosts can only write them.
pub const ZERO_SECTORS: u32 = 1 << 15;

/// Linux's error of a disk that is broken (include/uapi/asm-generic/errno-base.h).
const EIO: i32 = 5;

/// A disk as its lock has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its capacity.
    pub sectors: u64,
    /// No driver can change it.
    pub read_only: bool,
    /// Its serial number, zeroes behind it.
    pub serial: [u8; SERIAL],
    /// QueueNumMax of its queue.
    pub queue: u16,
}

impl Disk {
    /// What a driver sees of it.
    pub fn shown(&self) -> Shown {
        let common = Features::of(&[
            VIRTIO_BLK_F_SEG_MAX,
            VIRTIO_BLK_F_BLK_SIZE,
            VIRTIO_BLK_F_FLUSH,
        ]);
        let own = match self.read_only {
            true => Features::of(&[VIRTIO_BLK_F_RO]),
            false => Features::of(&[VIRTIO_BLK_F_DISCARD, VIRTIO_BLK_F_WRITE_ZEROES]),
        };
        Shown {
            device: VIRTIO_ID_BLOCK,
            features: OFFERED.and(common).and(own),
            requires: &[],
            queues: vec![self.queue],
            configuration: self.configuration(),
        }
    }

    /// `struct virtio_blk_config` (section 5.2.4), with zeroes for what no offered feature is about.
    fn configuration(&self) -> Vec<u8> {
        let mut bytes = vec![0; 60];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let segments = self.queue.saturating_sub(2).clamp(1, SEGMENTS);
        put(0, &self.sectors.to_le_bytes());
        put(12, &u32::from(segments).to_le_bytes());
        put(20, &(SECTOR as u32).to_le_bytes());
        if !self.read_only {
            put(36, &DISCARD_SECTORS.to_le_bytes());
            put(40, &1u32.to_le_bytes());
            put(44, &DISCARD_ALIGNMENT.to_le_bytes());
            put(48, &ZERO_SECTORS.to_le_bytes());
            put(52, &1u32.to_le_bytes());
            put(56, &[1]);
        }
        bytes
    }

    /// Where sectors are on the disk, in bytes, if all of them are.
    fn place(&self, sector: u64, count: u64) -> Option<u64> {
        let end = sector.checked_add(count)?;
        end.checked_mul(SECTOR)?;
        (end <= self.sectors).then_some(sector * SECTOR)
    }
}

/// The status byte of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// It was done.
    Ok = VIRTIO_BLK_S_OK as u8,
    /// It was not: the host's error, or the request's own.
    IoError = VIRTIO_BLK_S_IOERR as u8,
    /// There is no such request here.
    Unsupported = VIRTIO_BLK_S_UNSUPP as u8,
}

/// What a request wants done. Offsets and lengths are bytes, all of them on the disk and multiples of [`SECTOR`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Fills these bytes of what the device may write.
    Read {
        /// From there on.
        offset: u64,
        /// The bytes.
        data: Span,
    },
    /// Writes these bytes of what the device may read.
    Write {
        /// There.
        offset: u64,
        /// The bytes.
        data: Span,
        /// They have to outlive the host's power before it is answered.
        stable: bool,
    },
    /// Makes all writes that were answered before stable.
    Flush,
    /// What is there is not needed any more: a hint.
    Discard {
        /// From there on.
        offset: u64,
        /// So much.
        length: u64,
    },
    /// Writes zeroes.
    Zero {
        /// From there on.
        offset: u64,
        /// So many.
        length: u64,
        /// They need not take up room.
        unmap: bool,
        /// As of a write.
        stable: bool,
    },
}

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Something for the disk.
    Do(Operation),
    /// Nothing for the disk, and what the driver is told.
    Answer {
        /// The status.
        status: Status,
        /// How much of its data was filled.
        filled: u64,
    },
}

const FAILED: Request = Request::Answer {
    status: Status::IoError,
    filled: 0,
};
const UNSUPPORTED: Request = Request::Answer {
    status: Status::Unsupported,
    filled: 0,
};

/// A disk at work, from a driver's set-up to the next reset.
#[derive(Clone, Debug)]
pub struct Block {
    disk: Disk,
    features: Features,
    lost: bool,
}

impl Block {
    /// A disk whose driver accepted these features; `lost` where an earlier driver's writes were ([`Block::has_lost`]): no
    /// reset brings them back.
    pub fn new(disk: Disk, features: Features, lost: bool) -> Self {
        Self {
            disk,
            features,
            lost,
        }
    }

    /// Whether something that was written is known not to have become stable.
    pub fn has_lost(&self) -> bool {
        self.lost
    }

    /// What a chain asks for.
    ///
    /// # Errors
    /// It is no request: nobody could be answered.
    pub fn decode<M: GuestMemory>(&self, memory: &M, chain: &Chain) -> Result<Request, Malformed> {
        let mut header = [0; HEADER as usize];
        chain.readable().read(memory, 0, &mut header)?;
        let input = chain.writable().length().checked_sub(1);
        let input = input.ok_or(Malformed::TooShort)?;
        let output = chain.readable().length() - HEADER;
        let [k0, k1, k2, k3, _, _, _, _, sector @ ..] = header;
        let sector = u64::from_le_bytes(sector);
        Ok(match u32::from_le_bytes([k0, k1, k2, k3]) {
            VIRTIO_BLK_T_IN if output == 0 => self.transfer(sector, input, false),
            VIRTIO_BLK_T_OUT if input == 0 => self.transfer(sector, output, true),
            // Nothing was written, and some files cannot be asked (fdatasync(2): EINVAL).
            VIRTIO_BLK_T_FLUSH if self.disk.read_only && self.features.has(VIRTIO_BLK_F_FLUSH) => {
                Request::Answer {
                    status: Status::Ok,
                    filled: 0,
                }
            }
            VIRTIO_BLK_T_FLUSH if self.features.has(VIRTIO_BLK_F_FLUSH) => {
                Request::Do(Operation::Flush)
            }
            VIRTIO_BLK_T_GET_ID if input >= SERIAL as u64 => {
                chain.writable().write(memory, 0, &self.disk.serial)?;
                Request::Answer {
                    status: Status::Ok,
                    filled: SERIAL as u64,
                }
            }
            VIRTIO_BLK_T_DISCARD if self.features.has(VIRTIO_BLK_F_DISCARD) => {
                self.range(memory, chain, false)?
            }
            VIRTIO_BLK_T_WRITE_ZEROES if self.features.has(VIRTIO_BLK_F_WRITE_ZEROES) => {
                self.range(memory, chain, true)?
            }
            VIRTIO_BLK_T_IN | VIRTIO_BLK_T_OUT | VIRTIO_BLK_T_GET_ID => FAILED,
            _ => UNSUPPORTED,
        })
    }

    /// Whether what is written has to be stable before it is answered.
    fn writes_through(&self) -> bool {
        !self.features.has(VIRTIO_BLK_F_FLUSH)
    }

    fn transfer(&self, sector: u64, length: u64, write: bool) -> Request {
        let whole = length.is_multiple_of(SECTOR);
        let place = self.disk.place(sector, length / SECTOR);
        let Some(offset) = place.filter(|_| whole && !(write && self.disk.read_only)) else {
            return FAILED;
        };
        Request::Do(match write {
            true => Operation::Write {
                offset,
                data: Span {
                    skip: HEADER,
                    length,
                },
                stable: self.writes_through(),
            },
            false => Operation::Read {
                offset,
                data: Span { skip: 0, length },
            },
        })
    }

    /// Discard and write-zeroes: one range, as `max_discard_seg` and `max_write_zeroes_seg` say.
    fn range<M: GuestMemory>(
        &self,
        memory: &M,
        chain: &Chain,
        zero: bool,
    ) -> Result<Request, Malformed> {
        if chain.readable().length() != 2 * HEADER {
            return Ok(FAILED);
        }
        let mut range = [0; HEADER as usize];
        chain.readable().read(memory, HEADER, &mut range)?;
        let [sector @ .., n0, n1, n2, n3, f0, f1, f2, f3] = range;
        let sector = u64::from_le_bytes(sector);
        let count = u32::from_le_bytes([n0, n1, n2, n3]);
        let flags = u32::from_le_bytes([f0, f1, f2, f3]);
        let (most, known) = match zero {
            true => (ZERO_SECTORS, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP),
            // For a discard the only flag is none (section 5.2.6.2).
            false => (DISCARD_SECTORS, 0),
        };
        if flags & !known != 0 {
            return Ok(UNSUPPORTED);
        }
        let place = self.disk.place(sector, count.into());
        let Some(offset) = place.filter(|_| (1..=most).contains(&count) && !self.disk.read_only)
        else {
            return Ok(FAILED);
        };
        let length = u64::from(count) * SECTOR;
        Ok(Request::Do(match zero {
            true => Operation::Zero {
                offset,
                length,
                unmap: flags != 0,
                stable: self.writes_through(),
            },
            false => Operation::Discard { offset, length },
        }))
    }

    /// The status of an operation, and how much of the request's data it filled.
    ///
    /// Where what was written before did not become stable, the kernel says so once, and its next flush succeeds without
    /// what was lost. Here it stays lost.
    pub fn settle(&mut self, operation: Operation, result: &io::Result<()>) -> (Status, u64) {
        let (stabilises, filled) = match operation {
            Operation::Read { data, .. } => (false, data.length),
            Operation::Write { stable, .. } | Operation::Zero { stable, .. } => (stable, 0),
            Operation::Flush => (true, 0),
            Operation::Discard { .. } => (false, 0),
        };
        self.lost |= stabilises && result.is_err();
        let failed = match result {
            Ok(()) => false,
            // A hint that a host cannot take now is no error of the disk, and one that its disk broke at is.
            Err(error) => {
                !matches!(operation, Operation::Discard { .. }) || error.raw_os_error() == Some(EIO)
            }
        };
        match failed || stabilises && self.lost {
            true => (Status::IoError, 0),
            false => (Status::Ok, filled),
        }
    }
}

/// Writes the status of a request, and gives the number of bytes that its chain goes back with: as many as were
/// written from the start, with none left out.
///
/// # Errors
/// There is no byte for the status.
pub fn answer<M: GuestMemory>(
    memory: &M,
    chain: &Chain,
    status: Status,
    filled: u64,
) -> Result<u32, Malformed> {
    let length = chain.writable().length();
    let input = length.checked_sub(1).ok_or(Malformed::TooShort)?;
    chain.writable().write(memory, input, &[status as u8])?;
    // A chain is shorter than 4 GiB.
    Ok(if filled == input { length } else { filled } as u32)
}

/// What failed, and why.
#[derive(Debug)]
pub struct Failed {
    /// What it was.
    pub operation: Operation,
    /// The host's error.
    pub error: io::Error,
    /// What the driver was told.
    pub status: Status,
}

#[cfg(test)]
mod tests;
