//! Guest memory.

use crate::failure::Failure;
use crate::handover::right::{self, BEHIND, Page, Right};
use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl::{get_thp_disable, set_thp_disable};
use nix::sys::sysinfo::sysinfo;
use nix::unistd::{SysconfVar, sysconf};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsRawFd as _, RawFd};
use std::sync::Arc;
#[cfg(feature = "torture")]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryBackend, GuestMemoryMmap};
use vmlock_spec::lock::Range;
use vmlock_spec::plan::Refusal;
use vmlock_spec::reason;

/// What the host has for its programs, in bytes: RAM and the space it swaps to.
///
/// # Errors
/// It does not say.
pub fn of_host() -> Result<u64, Failure> {
    let info = sysinfo().map_err(|e| {
        Failure::environment(
            format!("the host does not say how much memory it has: {e}"),
            &[],
        )
    })?;
    Ok(info.ram_total().saturating_add(info.swap_total()))
}

/// The refusal of more memory than the host has. Pages that nobody has touched cost nothing, so it could be given: a
/// guest that uses what it was promised would be ended in the middle of its life.
pub fn beyond(wanted: u64, host: u64) -> Option<Refusal> {
    (wanted > host).then(|| Refusal {
        code: reason::MEMORY,
        name: "memory".to_owned(),
        wanted: format!("{} MiB", wanted >> 20),
        offered: format!("{} MiB of RAM and swap", host >> 20),
        reason: "the machine has more memory than this host, which would end a guest that uses all of it".to_owned(),
        from: "spec/memory".to_owned(),
        help: vec![
            "choose a host with more memory, or give the guest less".to_owned(),
            "`--overcommit` starts it all the same: for guests that never use what they have".to_owned(),
        ],
    })
}

/// The most bytes for which no huge page is cleared: to be given 64 small ones takes half as long.
const FEW: u64 = 256 << 10;

/// Does what puts about so many bytes into guest memory. Where they are few, that is into small pages: clearing 2 MiB for
/// a device tree takes 0.6 of the 13 ms of a start, and again as long for a small kernel. What a guest touches later
/// around them is for the kernel to give as it likes.
pub fn sparing<T>(bytes: u64, load: impl FnOnce() -> T) -> T {
    // The switch is the process's. Who started it may have turned it already, and then it stays so.
    let turned = bytes <= FEW && get_thp_disable() == Ok(false) && set_thp_disable(true).is_ok();
    let loaded = load();
    if turned {
        // Where it does not turn back, that costs time alone.
        let _ = set_thp_disable(false);
    }
    loaded
}

/// The largest page of a host.
const LARGEST_PAGE: u64 = 64 << 10;

/// Bytes of this host's pages, by which memory is taken and mapped.
pub fn page() -> u64 {
    let bytes = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .filter(|bytes| bytes.is_power_of_two())
        .unwrap_or(LARGEST_PAGE)
}

/// Bytes that are copied at a time.
const BUFFER: u64 = 256 << 10;

/// One contiguous range of guest memory, all zeroes at first. Pages that
/// nobody has touched cost nothing.
pub struct Memory {
    map: GuestMemoryMmap<()>,
    range: Range,
    /// The right to run what is in it, of memory that another process can have, too.
    right: Option<Right>,
}

/// `MFD_NOEXEC_SEAL` (include/uapi/linux/memfd.h), from 6.3 on: nobody makes a program of it.
const NO_PROGRAM: u32 = 0x8;

impl Memory {
    /// Maps memory for a guest-physical range.
    ///
    /// # Errors
    /// Words: the range is empty or wraps, or there is no room for it.
    pub fn new(range: Range) -> Result<Self, String> {
        Self::mapped(range, None)
    }

    /// Maps it, of that file from that offset on where there is one.
    fn mapped(range: Range, file: Option<(&Arc<File>, u64)>) -> Result<Self, String> {
        let size = usize::try_from(range.size).map_err(|e| e.to_string())?;
        let start = GuestAddress(range.base);
        let of = file.map(|(file, offset)| FileOffset::from_arc(Arc::clone(file), offset));
        let map = GuestMemoryMmap::from_ranges_with_files(&[(start, size, of)])
            .map_err(|e| format!("{} MiB of guest memory: {e}", range.size >> 20))?;
        let memory = Self {
            map,
            range,
            right: None,
        };
        memory.keep_from_children();
        Ok(memory)
    }

    /// Maps memory that another process can be given: a file without a name, whose length never changes. Whoever makes it may
    /// run its guest, until it lets go of that.
    ///
    /// # Errors
    /// As [`Memory::new`]; the host has no such files.
    pub fn to_share(range: Range) -> Result<Self, String> {
        let words = |e: io::Error| format!("{} MiB of shared memory: {e}", range.size >> 20);
        let file = Self::unnamed("guest", range.size.saturating_add(BEHIND)).map_err(words)?;
        right::seal(&file).map_err(words)?;
        let file = Arc::new(file);
        let right = Right::first(Arc::clone(&file), Self::behind(range, &file)?).map_err(words)?;
        Self::with(range, &file, right)
    }

    /// Maps such memory for a guest that comes from another host: nobody may run what is in it yet.
    ///
    /// # Errors
    /// As [`Memory::to_share`].
    pub fn to_come(range: Range) -> Result<Self, String> {
        let words = |e: io::Error| format!("{} MiB of shared memory: {e}", range.size >> 20);
        let file = Self::unnamed("guest", range.size.saturating_add(BEHIND)).map_err(words)?;
        right::seal(&file).map_err(words)?;
        Self::given(range, file)
    }

    fn with(range: Range, file: &Arc<File>, right: Right) -> Result<Self, String> {
        let mut memory = Self::mapped(range, Some((file, 0)))?;
        memory.right = Some(right);
        Ok(memory)
    }

    /// What is behind the guest's memory in that file.
    fn behind(range: Range, file: &Arc<File>) -> Result<Box<dyn Page>, String> {
        let behind = Range {
            base: 0,
            size: BEHIND,
        };
        Ok(Box::new(Self::mapped(behind, Some((file, range.size)))?))
    }

    /// Maps the memory of a guest that another process still runs. It is that of [`right::anew`].
    ///
    /// # Errors
    /// As [`Memory::new`].
    pub fn given(range: Range, file: File) -> Result<Self, String> {
        let file = Arc::new(file);
        let right = Right::to_come(Arc::clone(&file), Self::behind(range, &file)?);
        Self::with(range, &file, right)
    }

    /// A file of so many bytes that is memory, has no name, and can be sealed.
    ///
    /// # Errors
    /// The host's.
    pub fn unnamed(name: &str, bytes: u64) -> io::Result<File> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let made = memfd_create(name, flags | MFdFlags::from_bits_retain(NO_PROGRAM));
        let made = match made {
            Err(Errno::EINVAL) => memfd_create(name, flags),
            made => made,
        };
        let file = File::from(made?);
        file.set_len(bytes)?;
        Ok(file)
    }

    /// The right to run the guest, of memory that another process can have.
    pub fn right(&self) -> Option<&Right> {
        self.right.as_ref()
    }

    /// Maps memory of which little is ever touched: in small pages, so that nothing is cleared that nobody looks at.
    ///
    /// # Errors
    /// As [`Memory::new`].
    pub fn sparse(range: Range) -> Result<Self, String> {
        let memory = Self::new(range)?;
        memory.advise(libc::MADV_NOHUGEPAGE);
        Ok(memory)
    }

    /// A child of this process does not get it: neither time nor memory goes into a copy that nobody uses.
    fn keep_from_children(&self) {
        self.advise(libc::MADV_DONTFORK);
    }

    /// Has a part of it be that of a file, until something is written there: each page of which nobody has written anything
    /// is the file's, and the file stays as it is. The guest has not run yet. Whoever asks for this has seen to it that the
    /// file stays as it is, too.
    ///
    /// # Errors
    /// The part is not one of whole pages of this host's within the memory; Linux's. Nobody knows then what is there.
    pub fn lay(&self, address: u64, bytes: u64, file: &File, offset: u64) -> io::Result<()> {
        let signed = |number| libc::off_t::try_from(number).map_err(|_| ErrorKind::InvalidInput);
        let offset = signed(offset)?;
        self.put(address, bytes, libc::MAP_PRIVATE, file.as_raw_fd(), offset)
    }

    /// Has a part of it be as it was at first, all zeroes, whatever was laid there.
    ///
    /// # Errors
    /// As [`Memory::lay`].
    pub fn clear(&self, address: u64, bytes: u64) -> io::Result<()> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        self.put(address, bytes, flags, -1, 0)
    }

    /// Maps something else in the place of a part.
    fn put(
        &self,
        address: u64,
        bytes: u64,
        flags: libc::c_int,
        file: RawFd,
        offset: libc::off_t,
    ) -> io::Result<()> {
        let part = Range {
            base: address,
            size: bytes,
        };
        let within = bytes > 0
            && address >= self.range.base
            && part
                .end()
                .zip(self.range.end())
                .is_some_and(|(p, m)| p <= m);
        let at = self
            .host_address()
            .wrapping_add(address.wrapping_sub(self.range.base));
        // Where the memory begins is Linux's choice, which knows no larger pages than its own.
        let whole = (at | bytes | offset as u64) & (page() - 1) == 0;
        if !within || !whole || self.right.is_some() {
            return Err(ErrorKind::InvalidInput.into());
        }
        // SAFETY: `within` says that all of it is in the mapping that `map` owns, which is contiguous and as long as `map`
        // lives; whole pages of the host's take its place there, so nothing else is unmapped. What refers to it takes it for
        // memory that changes at any time.
        let put = unsafe {
            libc::mmap(
                at as *mut libc::c_void,
                bytes as usize,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_FIXED | libc::MAP_NORESERVE | flags,
                file,
                offset,
            )
        };
        match put == libc::MAP_FAILED {
            true => Err(io::Error::last_os_error()),
            false => Ok(()),
        }
    }

    /// Says of all of it, where parts were laid into it, that children do not get it.
    pub fn laid(&self) {
        self.keep_from_children();
    }

    /// Tells the kernel how it is used. Where it does not listen, that costs time alone.
    /// `advice` is of the kind that leaves the content as it is.
    fn advise(&self, advice: libc::c_int) {
        let start = self.host_address() as *mut libc::c_void;
        // SAFETY: exactly the mapping that `map` owns; neither MADV_DONTFORK nor MADV_NOHUGEPAGE, which are all that is given,
        // changes anything in it.
        let _ = unsafe { libc::madvise(start, self.range.size as usize, advice) };
    }

    /// The memory itself, for a device's thread, which may keep it for longer than the machine does.
    pub fn shared(&self) -> GuestMemoryMmap<()> {
        self.map.clone()
    }

    /// The guest-physical addresses.
    pub fn range(&self) -> Range {
        self.range
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

    /// Copies what a source gives, to its end, to a guest-physical address; how many bytes that were.
    ///
    /// # Errors
    /// The source's; [`ErrorKind::FileTooLarge`] where it gives more than `most`, or more than fits.
    pub fn fill(&self, address: u64, source: &mut impl Read, most: u64) -> io::Result<u64> {
        let size = most.clamp(1, BUFFER) as usize;
        let mut buffer = vec![0; size];
        let mut count = 0;
        loop {
            let read = match source.read(&mut buffer) {
                Ok(0) => return Ok(count),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let to = address.checked_add(count);
            count += read as u64;
            match to {
                Some(to) if count <= most => self
                    .write(to, &buffer[..read])
                    .map_err(|_| ErrorKind::FileTooLarge)?,
                _ => return Err(ErrorKind::FileTooLarge.into()),
            }
        }
    }
}

/// At its beginning.
impl Page for Memory {
    fn load(&self) -> u64 {
        let found = self
            .map
            .load(GuestAddress(self.range.base), Ordering::SeqCst);
        found.unwrap_or(u64::MAX)
    }

    fn store(&self, number: u64) {
        // Where it does not fit, it stays what is no number of anybody's.
        let at = GuestAddress(self.range.base);
        let _ = self.map.store(number, at, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt as _;

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
    fn a_source_is_copied_to_its_end_or_refused() {
        let memory = memory();
        let bytes: Vec<u8> = (0..600_000u32).map(|n| (n % 253) as u8).collect();
        let fill = |address, most| {
            memory
                .fill(address, &mut &*bytes, most)
                .map_err(|e| e.kind())
        };
        assert_eq!(fill(0x4000_1000, 600_000), Ok(600_000));
        assert_eq!(memory.read(0x4000_1000, 600_000), Ok(bytes.clone()));
        assert_eq!(fill(0x4000_1000, 599_999), Err(ErrorKind::FileTooLarge));
        assert_eq!(fill(0x401f_0000, 600_000), Err(ErrorKind::FileTooLarge));
        assert_eq!(fill(u64::MAX, 600_000), Err(ErrorKind::FileTooLarge));
    }

    #[test]
    fn a_part_that_is_laid_over_it_is_the_files_until_it_is_written() {
        let memory = memory();
        let file = Memory::unnamed("laid", 0x4_0000).expect("this Linux has them");
        file.write_all_at(&[7; 0x4_0000], 0).expect("there is room");
        memory.write(0x4011_0000, b"before").expect("it is there");
        let lay = |address, bytes, offset| memory.lay(address, bytes, &file, offset);
        lay(0x4010_0000, 0x2_0000, 0x1_0000).expect("it is within");
        memory.laid();
        let read = |address| memory.read(address, 2).expect("it is there");
        assert_eq!(read(0x400f_ffff), [0, 7]);
        assert_eq!(read(0x4011_ffff), [7, 0]);
        memory.write(0x4011_0000, b"x").expect("it is there");
        assert_eq!(read(0x4011_0000), [b'x', 7]);
        let mut kept = [0; 1];
        file.read_exact_at(&mut kept, 0x2_0000)
            .expect("it is there");
        assert_eq!(kept, [7]);
        for (address, bytes, offset) in [
            (0x3fff_0000, 0x1_0000, 0),
            (0x401f_0000, 0x2_0000, 0),
            (0x4010_0800, 0x1_0000, 0),
            (0x4010_0000, 0x800, 0),
            (0x4010_0000, 0x1_0000, 0x200),
            (0x4010_0000, 0, 0),
            (!0xffff, 0x1_0000, 0),
        ] {
            assert!(lay(address, bytes, offset).is_err(), "{address:#x}");
        }
        assert_eq!(read(0x4012_0000), [0, 0]);
        // And it is as it was at first again, what was written there, too.
        memory.clear(0x4011_0000, 0x1_0000).expect("it is within");
        assert_eq!(read(0x4010_ffff), [7, 0]);
        assert_eq!(read(0x4011_0000), [0, 0]);
        assert!(memory.clear(0x401f_0000, 0x2_0000).is_err());
    }

    /// Linux lays memory wherever one of its own pages may begin.
    #[test]
    fn a_part_is_laid_over_memory_that_begins_at_any_page_of_the_hosts() {
        let small = |size| {
            Memory::new(Range {
                base: 0x4000_0000,
                size,
            })
            .expect("there is room")
        };
        let file = Memory::unnamed("laid-anywhere", 0x2_0000).expect("this Linux has them");
        file.write_all_at(&[7; 0x2_0000], 0).expect("there is room");
        // Each is a page longer than whole pages of the largest size, so that one after the other begins at another page, wherever
        // Linux has room for them.
        let mut others = Vec::new();
        let memory = (0..256).find_map(|_| {
            let memory = small(0x10_0000 + page());
            if memory.host_address() & (LARGEST_PAGE - 1) != 0 {
                return Some(memory);
            }
            others.push(memory);
            None
        });
        let Some(memory) = memory else {
            assert_eq!(page(), LARGEST_PAGE, "all of 256 were on 64 KiB");
            return;
        };
        memory
            .lay(0x4001_0000, 0x1_0000, &file, 0x1_0000)
            .expect("it is on the host's pages");
        let read = |address| memory.read(address, 2).expect("it is there");
        assert_eq!(read(0x4000_ffff), [0, 7]);
        assert_eq!(read(0x4001_ffff), [7, 0]);
    }

    #[test]
    fn more_than_the_host_has_is_refused_in_words() {
        let host = of_host().expect("every Linux says it");
        assert!(host > 64 << 20);
        assert_eq!(beyond(host, host), None);
        let refusal = beyond(1 << 40, 2 << 30).expect("it has less");
        assert_eq!(refusal.wanted, "1048576 MiB");
        assert_eq!(refusal.offered, "2048 MiB of RAM and swap");
        assert!(refusal.help.concat().contains("--overcommit"));
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
