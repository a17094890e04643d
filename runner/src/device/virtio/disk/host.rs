//! Which engine a disk has: io_uring where the host has one that can be restricted, else this thread.

use super::file::Raw;
use super::uring::Uring;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::fs::MetadataExt as _;
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;
use vmlock_virtio::block::Operation;
use vmlock_virtio::block::engine::{AtOnce, Engine};

/// The engine of a disk.
pub enum Host {
    /// Many operations under way at a time.
    Ring {
        /// Who does them.
        ring: Box<Uring>,
        /// The file as it was opened, by which it is held against others.
        _held: File,
    },
    /// One after the other.
    Own(AtOnce<Raw>),
}

impl Host {
    /// The engine of a file that is a disk, whose queue has so many descriptors; and why it is not io_uring.
    pub fn new(file: File, queue: u16) -> (Self, Option<io::Error>) {
        match again(&file).and_then(|again| Uring::new(again, queue)) {
            Ok(ring) => {
                let ring = Box::new(ring);
                (Self::Ring { ring, _held: file }, None)
            }
            Err(why) => (Self::Own(AtOnce::new(Raw::new(file))), Some(why)),
        }
    }

    /// What becomes readable when something is over, of one that does not wait for it.
    pub fn wakes(&self) -> Option<RawFd> {
        match self {
            Self::Ring { ring, .. } => Some(ring.wakes()),
            Self::Own(_) => None,
        }
    }
}

/// The file opened once more: the kernel lets go of a ring and its files some time after this program has, and nobody else
/// could have the disk until then.
fn again(file: &File) -> io::Result<File> {
    let flags = OFlag::from_bits_truncate(fcntl(file, FcntlArg::F_GETFL)?);
    let again = OpenOptions::new()
        .read(true)
        .write(flags.contains(OFlag::O_RDWR))
        .open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    let which = |file: &File| file.metadata().map(|m| (m.dev(), m.ino(), m.rdev()));
    match which(&again)? == which(file)? {
        true => Ok(again),
        false => Err(io::Error::other("/proc/self/fd has another file")),
    }
}

impl Engine for Host {
    fn begin<B: BitmapSlice>(
        &mut self,
        token: u16,
        operation: Operation,
        data: &[VolatileSlice<B>],
    ) {
        match self {
            Self::Ring { ring, .. } => ring.begin(token, operation, data),
            Self::Own(own) => own.begin(token, operation, data),
        }
    }

    fn submit(&mut self) {
        match self {
            Self::Ring { ring, .. } => ring.submit(),
            Self::Own(own) => own.submit(),
        }
    }

    fn over(&mut self) -> Option<(u16, io::Result<()>)> {
        match self {
            Self::Ring { ring, .. } => ring.over(),
            Self::Own(own) => own.over(),
        }
    }

    fn rest(&mut self) {
        match self {
            Self::Ring { ring, .. } => ring.rest(),
            Self::Own(own) => own.rest(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Ring { ring, .. } => ring.flush(),
            Self::Own(own) => own.flush(),
        }
    }

    fn close(&mut self) {
        match self {
            Self::Ring { ring, .. } => ring.close(),
            Self::Own(own) => own.close(),
        }
    }
}
