//! arm64 Linux images: finding out what a file is, unpacking it, and where it goes.
//!
//! Source: Documentation/arch/arm64/booting.rst, "Call the kernel image". The
//! header is the guest author's word; nothing in it is believed unchecked.

pub mod packed;

use crate::memory::Memory;
use std::io::{self, ErrorKind, Read};
use vmlock_spec::lock::Range;

/// What to say of a file that is longer or shorter than it was when it was opened.
pub const CHANGED: &str = "it changed while it was being read";
/// Bytes of the header.
pub const HEADER: usize = 64;
const MAGIC: u32 = u32::from_le_bytes(*b"ARM\x64");
const ALIGNMENT: u64 = 2 << 20;
/// `text_offset` of kernels before 3.17, whose `image_size` is zero.
const OLD_TEXT_OFFSET: u64 = 0x8_0000;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    text_offset: u64,
    image_size: u64,
    /// 0 unspecified, else 4, 16 or 64 KiB.
    pub page_kib: u32,
}

fn word(bytes: &[u8; HEADER], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// Reads the header.
///
/// # Errors
/// What is wrong with the image, in words.
pub fn header(bytes: &[u8; HEADER]) -> Result<Header, String> {
    if word(bytes, 56) as u32 != MAGIC {
        return Err(match bytes {
            [0x7f, b'E', b'L', b'F', ..] => {
                "it is an ELF file; the kernel build's `arch/arm64/boot/Image` is wanted".to_owned()
            }
            [b'M', b'Z', ..] => {
                "it is an EFI program that is no arm64 `Image`; of a unified kernel image, \
                                 the section `.linux` is wanted"
                    .to_owned()
            }
            _ => {
                "it is no arm64 `Image`: the magic number ARM\\x64 at byte 56 is missing".to_owned()
            }
        });
    }
    let flags = word(bytes, 24);
    if flags & 1 != 0 {
        return Err("it is a big-endian kernel, and the machine starts little-endian".to_owned());
    }
    let image_size = word(bytes, 16);
    let text_offset = if image_size == 0 {
        OLD_TEXT_OFFSET
    } else {
        word(bytes, 8)
    };
    if text_offset >= ALIGNMENT {
        return Err(format!(
            "its header asks for a text offset of {text_offset:#x}, which is 2 MiB or more"
        ));
    }
    let page_kib = match flags >> 1 & 3 {
        1 => 4,
        2 => 16,
        3 => 64,
        _ => 0,
    };
    Ok(Header {
        text_offset,
        image_size,
        page_kib,
    })
}

impl Header {
    /// The addresses that the image takes when its 2 MiB-aligned base is `base`.
    ///
    /// # Errors
    /// Words: it does not fit into the memory from `base` on, or takes `reserved` addresses.
    pub fn place(
        &self,
        file: u64,
        base: u64,
        memory: Range,
        reserved: Range,
    ) -> Result<Range, String> {
        if self.image_size != 0 && self.image_size < file {
            return Err(format!(
                "its header says that it takes {} bytes, and the file alone has {file}",
                self.image_size
            ));
        }
        let size = self.image_size.max(file);
        let start = base.checked_add(self.text_offset);
        let end = start.and_then(|s| s.checked_add(size));
        let (Some(start), Some(end), Some(limit)) = (start, end, memory.end()) else {
            return Err(format!(
                "its header says that it takes {size:#x} bytes, more than there are addresses"
            ));
        };
        if base < memory.base || end > limit {
            return Err(format!(
                "it takes {} KiB from {start:#x} on, and the guest's memory ends at {limit:#x}",
                size.div_ceil(1024)
            ));
        }
        let range = Range { base: start, size };
        if range.overlaps(&reserved) {
            return Err(would_lie_over(reserved, "the device tree"));
        }
        Ok(range)
    }
}

/// Why a kernel cannot lie where something else does.
fn would_lie_over(other: Range, name: &str) -> String {
    format!("it would lie over {name} at {:#x}", other.base)
}

/// Where a kernel may lie.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The 2 MiB-aligned address that images are placed from.
    pub base: u64,
    /// What the device tree takes.
    pub fdt: Range,
}

/// Loads the image that a file of `size` bytes holds, read once from its beginning on; gives the addresses that it
/// takes. `runs` may object to what its header says.
///
/// # Errors
/// Words: the file is damaged, no image, lies about itself, or does not fit.
pub fn load(
    mut file: impl Read,
    size: u64,
    memory: &Memory,
    room: Room,
    runs: impl FnOnce(&Header) -> Result<(), String>,
) -> Result<Range, String> {
    let start = beginning(&mut file).map_err(|e| e.to_string())?;
    let Some(packed) = packed::packed(&start, size)? else {
        let (range, count) = place(&start, file, size, memory, room, runs, |e| e.to_string())?;
        return if count == size {
            Ok(range)
        } else {
            Err(CHANGED.to_owned())
        };
    };
    let damaged = |e: &io::Error| packed.damaged(e);
    let mut content = packed.unpack(start.as_slice().chain(file))?;
    let start = beginning(&mut content).map_err(|e| damaged(&e))?;
    // How much it is shows at its end; till then it is the least that it can be.
    let least = start.len() as u64;
    place(&start, content, least, memory, room, runs, damaged)
        .map(|(range, _)| range)
        .map_err(|words| format!("unpacked, {words}"))
}

/// Loads a program without a header, as the author of its lock says, to the address at which it is entered; gives the
/// addresses that it takes. Those that are `taken` are so by what each is named.
///
/// # Errors
/// Words: it has a header, cannot be read, or does not fit.
pub fn load_flat(
    mut file: impl Read,
    size: u64,
    memory: &Memory,
    address: u64,
    taken: &[(Range, &str)],
) -> Result<Range, String> {
    let start = beginning(&mut file).map_err(|e| e.to_string())?;
    let image = start
        .first_chunk()
        .is_some_and(|bytes| header(bytes).is_ok());
    if image || packed::packed(&start, size)?.is_some() {
        return Err(
            "it says itself where it goes, and the lock names an address for it".to_owned(),
        );
    }
    let range = Range {
        base: address,
        size,
    };
    let all = memory.range();
    if size == 0 || !address.is_multiple_of(4) {
        return Err(format!(
            "it has {size} bytes, and none can be entered at {address:#x}"
        ));
    }
    match (range.end(), all.end()) {
        (Some(end), Some(limit)) if address >= all.base && end <= limit => {}
        _ => {
            return Err(format!(
                "it takes {} KiB from {address:#x} on, and the guest's memory lies from {:#x} to {:#x}",
                size.div_ceil(1024),
                all.base,
                all.end().unwrap_or(u64::MAX)
            ));
        }
    }
    if let Some((other, name)) = taken.iter().find(|(other, _)| range.overlaps(other)) {
        return Err(would_lie_over(*other, name));
    }
    match memory.fill(address, &mut start.as_slice().chain(file), size) {
        Ok(count) if count == size => Ok(range),
        Err(error) if error.kind() != ErrorKind::FileTooLarge => Err(error.to_string()),
        _ => Err(CHANGED.to_owned()),
    }
}

/// The first bytes, as many as a header has or there are.
fn beginning(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(HEADER);
    source.take(HEADER as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Copies an image of at least `least` bytes to where its header says, the rest of which `source` gives; the addresses
/// that it takes, and how many bytes it has.
fn place(
    start: &[u8],
    source: impl Read,
    least: u64,
    memory: &Memory,
    room: Room,
    runs: impl FnOnce(&Header) -> Result<(), String>,
    unread: impl Fn(&io::Error) -> String,
) -> Result<(Range, u64), String> {
    let bytes = start
        .first_chunk()
        .ok_or("it is shorter than an image's header of 64 bytes")?;
    let header = header(bytes)?;
    runs(&header)?;
    let at = |size| header.place(size, room.base, memory.range(), room.fdt);
    let range = at(least)?;
    let end = memory.range().end().unwrap_or(u64::MAX);
    let most = match header.image_size {
        0 => end.saturating_sub(range.base),
        size => size,
    };
    let copied = memory.fill(range.base, &mut start.chain(source), most);
    let size = copied.map_err(|e| match e.kind() {
        ErrorKind::FileTooLarge => {
            format!("it has more than the {most} bytes that there are for it")
        }
        _ => unread(&e),
    })?;
    Ok((at(size)?, size))
}

#[cfg(test)]
mod tests {
    use super::packed::tests::{gzip, program, zstd};
    use super::*;

    const MEMORY: Range = Range {
        base: 0x4000_0000,
        size: 64 << 20,
    };
    const FDT: Range = Range {
        base: 0x4000_0000,
        size: 0x10_0000,
    };
    const BASE: u64 = 0x4020_0000;

    fn bytes(text_offset: u64, image_size: u64, flags: u64) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[8..16].copy_from_slice(&text_offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&image_size.to_le_bytes());
        bytes[24..32].copy_from_slice(&flags.to_le_bytes());
        bytes[56..60].copy_from_slice(b"ARM\x64");
        bytes
    }

    fn place(text_offset: u64, image_size: u64, file: u64) -> Result<Range, String> {
        header(&bytes(text_offset, image_size, 0xa))?.place(file, BASE, MEMORY, FDT)
    }

    #[test]
    fn an_image_goes_where_its_header_says() {
        assert_eq!(
            place(0, 0x30_0000, 0x20_0000),
            Ok(Range {
                base: BASE,
                size: 0x30_0000
            })
        );
        assert_eq!(
            place(0x8_0000, 0x30_0000, 5).map(|r| r.base),
            Ok(BASE + 0x8_0000)
        );
        // Old kernels say nothing: then the offset is fixed and the file is all.
        assert_eq!(
            place(77, 0, 0x1000),
            Ok(Range {
                base: BASE + 0x8_0000,
                size: 0x1000
            })
        );
    }

    #[test]
    fn an_image_that_lies_is_refused() {
        for (text_offset, image_size, file) in [
            (0, u64::MAX, 0x1000),
            (0, 62 << 20 | 1, 0x1000),
            (0, 1, 0x1000),
            (ALIGNMENT, 0x1000, 0x1000),
            (u64::MAX, 0x1000, 0x1000),
            (0, 0, u64::MAX),
            (0, 0, 64 << 20),
        ] {
            assert!(
                place(text_offset, image_size, file).is_err(),
                "{text_offset:#x} {image_size:#x} {file:#x}"
            );
        }
        let over = header(&bytes(0, 0x1000, 0)).map(|h| h.place(0x1000, MEMORY.base, MEMORY, FDT));
        assert!(matches!(over, Ok(Err(words)) if words.contains("device tree")));
        let below = header(&bytes(0, 0x1000, 0)).map(|h| h.place(0x1000, 0, MEMORY, FDT));
        assert!(matches!(below, Ok(Err(_))));
    }

    #[test]
    fn what_is_no_image_is_named() {
        assert!(header(&bytes(0, 1, 1)).is_err_and(|e| e.contains("big-endian")));
        let mut elf = [0; HEADER];
        elf[..4].copy_from_slice(b"\x7fELF");
        assert!(header(&elf).is_err_and(|e| e.contains("ELF")));
        let mut unified = [0; HEADER];
        unified[..2].copy_from_slice(b"MZ");
        assert!(header(&unified).is_err_and(|e| e.contains("unified kernel image")));
        assert!(header(&[0; HEADER]).is_err_and(|e| e.contains("magic")));
    }

    #[test]
    fn page_sizes_are_read() {
        for (flags, kib) in [(0, 0), (2, 4), (4, 16), (6, 64), (0xa, 4)] {
            assert_eq!(header(&bytes(0, 1, flags)).map(|h| h.page_kib), Ok(kib));
        }
    }

    fn memory() -> Memory {
        Memory::new(MEMORY).expect("64 MiB are available")
    }

    const ROOM: Room = Room {
        base: BASE,
        fdt: FDT,
    };

    fn loaded(file: &[u8], size: u64) -> (Memory, Result<Range, String>) {
        let memory = memory();
        let range = load(file, size, &memory, ROOM, |_| Ok(()));
        (memory, range)
    }

    /// An image of so many bytes, and for how many its header asks.
    fn image(size: usize, image_size: u64) -> Vec<u8> {
        let mut bytes = bytes(0, image_size, 0xa).to_vec();
        bytes.extend((HEADER..size).map(|n| (n % 251) as u8));
        bytes
    }

    #[test]
    fn an_image_lies_in_memory_as_in_its_file_however_it_is_packed() {
        let plain = image(300_000, 0x10_0000);
        let files = [
            plain.clone(),
            gzip(&plain),
            zstd(&plain),
            program("gzip", &gzip(&plain)),
            program("zstd", &zstd(&plain)),
        ];
        for file in files {
            let (memory, range) = loaded(&file, file.len() as u64);
            let size = 0x10_0000;
            assert_eq!(range, Ok(Range { base: BASE, size }));
            let there = memory.read(BASE, plain.len() + 1).expect("it is there");
            assert_eq!(there[..plain.len()], plain);
            assert_eq!(there[plain.len()], 0);
        }
    }

    #[test]
    fn no_more_is_unpacked_than_there_is_room_for() {
        let small = Range {
            base: MEMORY.base,
            size: 4 << 20,
        };
        let unpacked = |file: Vec<u8>| {
            let memory = Memory::new(small).expect("4 MiB are available");
            let range = load(&*file, file.len() as u64, &memory, ROOM, |_| Ok(()));
            (memory, range.expect_err("there is no room"))
        };
        // What a header asks for is the limit, or else the memory.
        let mut bomb = image(HEADER, 0);
        bomb.resize(3 << 20, 0);
        for packed in [gzip(&bomb), zstd(&bomb), program("zstd", &zstd(&bomb))] {
            assert!(packed.len() < 1 << 20);
            assert!(unpacked(packed).1.contains("more than the 1572864 bytes"));
        }
        let (_, words) = unpacked(gzip(&image(5000, 4999)));
        assert!(words.contains("more than the 4999 bytes"));
        // Refused by its header: nothing of it is in memory.
        let (memory, words) = unpacked(gzip(&image(5000, 1 << 40)));
        assert!(words.contains("memory ends at"));
        assert_eq!(memory.read(BASE, 8), Ok(vec![0; 8]));
    }

    #[test]
    fn a_file_that_is_another_one_by_now_is_refused() {
        let file = image(5000, 0);
        for size in [0, 4999, 5001, 1 << 20] {
            let (_, range) = loaded(&file, size);
            assert!(range.is_err_and(|e| e.contains("changed")), "{size}");
        }
        let (_, range) = loaded(&file, 1 << 50);
        assert!(range.is_err_and(|e| e.contains("memory ends at")));
    }

    #[test]
    fn a_program_without_a_header_lies_where_its_lock_says() {
        let program: Vec<u8> = (0..5000u32).map(|n| (n % 251) as u8).collect();
        let memory = memory();
        let taken = [(FDT, "the device tree")];
        let load =
            |file: &[u8], address| load_flat(file, file.len() as u64, &memory, address, &taken);
        for address in [0x4008_0000 + FDT.size, 0x4020_0004, 0x4400_0000 - 5000] {
            let size = program.len() as u64;
            let base = address;
            assert_eq!(load(&program, address), Ok(Range { base, size }));
            assert_eq!(memory.read(address, 5000), Ok(program.clone()));
        }
        for (address, why) in [
            (0x4020_0002, "entered"),
            (0x4000_0000, "device tree"),
            (FDT.base + FDT.size - 4, "device tree"),
            (0x3fff_0000, "memory lies from"),
            (0x4400_0000 - 4996, "memory lies from"),
            (u64::MAX - 3, "memory lies from"),
        ] {
            let words = load(&program, address).expect_err("it does not fit");
            assert!(words.contains(why), "{words}");
        }
        assert!(load(b"", BASE).is_err_and(|e| e.contains("0 bytes")));
        for file in [image(5000, 0), gzip(&program), self::program("gzip", b"x")] {
            assert!(load(&file, BASE).is_err_and(|e| e.contains("says itself")));
        }
    }

    #[test]
    fn what_is_too_short_or_unfit_is_named() {
        for short in [&b""[..], b"MZ", &gzip(b""), &gzip(&[0; HEADER - 1])] {
            let (_, range) = loaded(short, short.len() as u64);
            assert!(range.is_err_and(|e| e.contains("shorter than")));
        }
        let elf = gzip(&[&b"\x7fELF"[..], &[0; HEADER]].concat());
        let (_, range) = loaded(&elf, elf.len() as u64);
        assert!(range.is_err_and(|e| e.contains("unpacked, it is an ELF file")));
        let file = image(5000, 0);
        let range = load(&*file, 5000, &memory(), ROOM, |_| Err("unfit".to_owned()));
        assert_eq!(range, Err("unfit".to_owned()));
    }
}
