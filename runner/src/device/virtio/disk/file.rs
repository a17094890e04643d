//! Requests carried out one after the other on the disk's own thread, by system calls
//! that wait.
//!
//! What a file system or a block device cannot do is done by hand: a discard is a
//! hint, and zeroes can be written.

use crate::device::virtio::vectored::{read_at, write_at};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;
use vmlock_virtio::block::engine::Backend;

/// What is written at a time where zeroes are.
pub static ZEROES: [u8; 64 << 10] = [0; 64 << 10];

/// A file whose bytes are the disk's.
pub struct Raw {
    file: File,
}

impl Raw {
    /// A file that was opened for it.
    pub fn new(file: File) -> Self {
        Self { file }
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Changes how a range takes up room; whether that can be done here.
    fn allocate(&self, mode: FallocateFlags, offset: u64, length: u64) -> io::Result<bool> {
        let number = |n: u64| libc::off_t::try_from(n).map_err(|_| ErrorKind::FileTooLarge);
        let (offset, length) = (number(offset)?, number(length)?);
        loop {
            match fallocate(&self.file, mode, offset, length) {
                Ok(()) => return Ok(true),
                Err(Errno::EINTR) => {}
                Err(errno) if cannot(errno) => return Ok(false),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn write_zeroes(&self, mut offset: u64, mut length: u64) -> io::Result<()> {
        while length > 0 {
            let part = length.min(ZEROES.len() as u64);
            self.file.write_all_at(&ZEROES[..part as usize], offset)?;
            offset += part;
            length -= part;
        }
        Ok(())
    }
}

impl Backend for Raw {
    fn read<B: BitmapSlice>(&mut self, offset: u64, into: &[VolatileSlice<B>]) -> io::Result<()> {
        read_at(&self.file, offset, into)
    }

    fn write<B: BitmapSlice>(
        &mut self,
        offset: u64,
        from: &[VolatileSlice<B>],
        stable: bool,
    ) -> io::Result<()> {
        write_at(&self.file, offset, from)?;
        if stable { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn discard(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.allocate(HOLE, offset, length).map(|_| ())
    }

    fn zero(&mut self, offset: u64, length: u64, unmap: bool, stable: bool) -> io::Result<()> {
        let mode = if unmap { HOLE } else { ZERO };
        if !self.allocate(mode, offset, length)? {
            self.write_zeroes(offset, length)?;
        }
        if stable { self.flush() } else { Ok(()) }
    }
}

/// Whether room cannot be changed: not on this file system, not of this file, not at this place of this block device.
pub fn cannot(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::ENODEV | Errno::EINVAL
    )
}

/// A hole reads as zeroes (fallocate(2)).
pub const HOLE: FallocateFlags =
    FallocateFlags::FALLOC_FL_PUNCH_HOLE.union(FallocateFlags::FALLOC_FL_KEEP_SIZE);
/// Zeroes that have their room.
pub const ZERO: FallocateFlags =
    FallocateFlags::FALLOC_FL_ZERO_RANGE.union(FallocateFlags::FALLOC_FL_KEEP_SIZE);

#[cfg(test)]
mod tests {
    use super::*;
    use vmm_sys_util::tempfile::TempFile;

    fn full() -> Raw {
        let file = TempFile::new().expect("a file").into_file();
        file.write_all_at(&[b'x'; 300_000], 0).expect("room");
        Raw::new(file)
    }

    fn bytes(raw: &Raw) -> Vec<u8> {
        let mut bytes = vec![0; 300_000];
        let read = raw.file.read_exact_at(&mut bytes, 0);
        read.expect("as long as before");
        bytes
    }

    #[test]
    fn zeroes_are_there_and_nothing_else_changes_whatever_the_host_can() {
        let zeroed = |work: &dyn Fn(&mut Raw) -> io::Result<()>| {
            let mut raw = full();
            work(&mut raw).expect("the host does it");
            let bytes = bytes(&raw);
            assert_eq!(raw.file.metadata().map(|m| m.len()).ok(), Some(300_000));
            assert!(bytes[512..200_512].iter().all(|&b| b == 0));
            assert!(bytes[..512].iter().all(|&b| b == b'x'));
            assert!(bytes[200_512..].iter().all(|&b| b == b'x'));
        };
        for unmap in [false, true] {
            for stable in [false, true] {
                zeroed(&|raw| raw.zero(512, 200_000, unmap, stable));
            }
        }
        zeroed(&|raw| raw.write_zeroes(512, 200_000));
    }

    #[test]
    fn a_discard_touches_nothing_else_and_a_host_that_cannot_is_no_error() {
        let mut raw = full();
        raw.discard(4096, 8192).expect("a hint");
        let bytes = bytes(&raw);
        assert!(
            bytes[..4096]
                .iter()
                .chain(&bytes[12288..])
                .all(|&b| b == b'x')
        );
        let (read, _write) = std::os::unix::net::UnixStream::pair().expect("sockets");
        let mut socket = Raw::new(File::from(std::os::fd::OwnedFd::from(read)));
        assert!(matches!(socket.allocate(HOLE, 0, 512), Ok(false) | Err(_)));
        assert!(socket.zero(0, 512, true, false).is_err());
    }
}
