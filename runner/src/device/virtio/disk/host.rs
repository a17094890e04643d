//! Which engine a disk has: io_uring where the host has one that can be restricted, else this thread.
//!
//! A file outlives a guest's reset, with its locks; a ring is of one process (`keeper.rs`), which makes it when it begins
//! to serve.

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
use vmlock_virtio::block::engine::{AtOnce, Backend, Engine};

/// The engine of a disk.
pub enum Host {
    /// Many operations under way at a time.
    Ring {
        /// Who does them.
        ring: Box<Uring>,
        /// The file as it was opened, by which it is held against others.
        held: File,
    },
    /// One after the other.
    Own(AtOnce<Raw>),
}

impl Host {
    /// The engine of a file that is a disk: nothing but that file, before [`Process::enter`].
    pub fn new(file: File) -> Self {
        Self::Own(AtOnce::new(Raw::new(file)))
    }
}

/// An engine that may have something which no other process can share.
pub trait Process: Engine {
    /// Makes that, in the process that will carry out the requests, of a disk whose queue has so many descriptors: what
    /// becomes readable when something is over, of an engine that does not wait for it; and why it is not the faster one.
    fn enter(&mut self, queue: u16) -> (Option<RawFd>, Option<io::Error>);

    /// The file that is the disk, of an engine that has one.
    fn file(&self) -> Option<&File> {
        None
    }
}

impl<D: Backend> Process for AtOnce<D> {
    fn enter(&mut self, _queue: u16) -> (Option<RawFd>, Option<io::Error>) {
        (None, None)
    }
}

impl Process for Host {
    fn enter(&mut self, queue: u16) -> (Option<RawFd>, Option<io::Error>) {
        let Self::Own(own) = self else {
            return (None, None);
        };
        let file = own.backend().file();
        let made = again(file).and_then(|again| Ok((Uring::new(again, queue)?, file.try_clone()?)));
        match made {
            Ok((ring, held)) => {
                let wakes = ring.wakes();
                *self = Self::Ring {
                    ring: Box::new(ring),
                    held,
                };
                (Some(wakes), None)
            }
            Err(why) => (None, Some(why)),
        }
    }

    fn file(&self) -> Option<&File> {
        Some(match self {
            Self::Ring { held, .. } => held,
            Self::Own(own) => own.doer().file(),
        })
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
