//! Guest memory, and files that exist only in memory.

use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;
#[cfg(feature = "torture")]
use std::sync::atomic::AtomicU64;
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap};
use vmlock_spec::lock::Range;

/// One contiguous range of guest memory, all zeroes at first. Pages that
/// nobody has touched cost nothing.
pub struct Memory {
    map: GuestMemoryMmap<()>,
    range: Range,
}

impl Memory {
    /// Maps memory for a guest-physical range.
    ///
    /// # Errors
    /// Words: the range is empty or wraps, or there is no room for it.
    pub fn new(range: Range) -> Result<Self, String> {
        let size = usize::try_from(range.size).map_err(|e| e.to_string())?;
        let map = GuestMemoryMmap::from_ranges(&[(GuestAddress(range.base), size)])
            .map_err(|e| format!("{} MiB of guest memory: {e}", range.size >> 20))?;
        Ok(Self { map, range })
    }

    /// The guest-physical addresses.
    pub fn range(&self) -> Range {
        self.range
    }

    /// The same memory as `linux-loader` wants it.
    pub fn backend(&self) -> &GuestMemoryMmap<()> {
        &self.map
    }

    /// Where the memory is in this process.
    pub fn host_address(&self) -> u64 {
        self.map
            .get_host_address(GuestAddress(self.range.base))
            .map_or(0, |p| p as u64)
    }

    /// Copies bytes to a guest-physical address.
    ///
    /// # Errors
    /// They do not fit.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), String> {
        self.map
            .write_slice(bytes, GuestAddress(address))
            .map_err(|e| e.to_string())
    }

    /// Copies bytes from a guest-physical address.
    ///
    /// # Errors
    /// They are not all within the memory.
    pub fn read(&self, address: u64, length: usize) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; length];
        self.map
            .read_slice(&mut bytes, GuestAddress(address))
            .map_err(|e| e.to_string())?;
        Ok(bytes)
    }

    /// Words of 64 bits that the guest may change at any time; `None` when they
    /// are not all within the memory, or not aligned.
    #[cfg(feature = "torture")]
    pub fn words<const N: usize>(&self, address: u64) -> Option<&[AtomicU64; N]> {
        let size = size_of::<[AtomicU64; N]>();
        let slice = self.map.get_slice(GuestAddress(address), size).ok()?;
        let pointer = slice.ptr_guard_mut().as_ptr().cast::<[AtomicU64; N]>();
        // SAFETY: `size` bytes of the mapping, which lives as long as `self`;
        // aligned, and every bit pattern is valid. The guest changes
        // them as atomics do.
        pointer.is_aligned().then(|| unsafe { &*pointer })
    }

    /// Reads `length` bytes of a file to a guest-physical address.
    ///
    /// # Errors
    /// The file is shorter, cannot be read, or does not fit.
    pub fn read_file(&self, address: u64, file: &mut File, length: usize) -> Result<(), String> {
        self.map
            .read_exact_volatile_from(GuestAddress(address), file, length)
            .map_err(|e| e.to_string())
    }
}

/// A file without a name, gone when it is closed.
///
/// # Errors
/// The kernel has none to give.
pub fn anonymous_file() -> io::Result<File> {
    // SAFETY: the name is a C string literal; no pointer is kept.
    let fd = unsafe { libc::memfd_create(c"vmlock".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and belongs to nobody else.
    Ok(unsafe { File::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        Memory::new(Range {
            base: 0x4000_0000,
            size: 0x20_0000,
        })
        .expect("2 MiB are available")
    }

    #[test]
    fn bytes_come_back_and_never_leave_the_range() {
        let memory = memory();
        memory
            .write(0x401f_fffc, b"last")
            .expect("these are the last four bytes");
        assert_eq!(
            memory.read(0x401f_fffc, 4).expect("they are there"),
            b"last"
        );
        assert!(memory.write(0x401f_fffd, b"over").is_err());
        assert!(memory.read(0x3fff_ffff, 2).is_err());
        assert!(memory.write(u64::MAX, b"x").is_err());
    }

    #[test]
    fn an_empty_or_wrapping_range_is_refused() {
        assert!(Memory::new(Range { base: 0, size: 0 }).is_err());
        assert!(
            Memory::new(Range {
                base: u64::MAX - 0xfff,
                size: 0x2000
            })
            .is_err()
        );
    }
}
