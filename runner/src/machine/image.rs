//! arm64 Linux images: finding out what a file is, and where it goes.
//!
//! Source: Documentation/arch/arm64/booting.rst, "Call the kernel image". The
//! header is the guest author's word; nothing in it is believed unchecked.

use super::memory::anonymous_file;
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{self, Read, Seek};
use vmlock_spec::lock::Range;

/// Bytes of the header.
pub const HEADER: usize = 64;
const MAGIC: u32 = u32::from_le_bytes(*b"ARM\x64");
const GZIP: [u8; 2] = [0x1f, 0x8b];
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
            [b'M', b'Z', _, _, b'z', b'i', b'm', b'g', ..] => {
                "it is a compressed EFI program (zboot); unpack it to an `Image` first".to_owned()
            }
            [0x7f, b'E', b'L', b'F', ..] => {
                "it is an ELF file; the kernel build's `arch/arm64/boot/Image` is wanted".to_owned()
            }
            [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                "it is compressed otherwise than with gzip; unpack it to an `Image` first"
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
            return Err(format!(
                "it would lie over {:#x}, where the device tree is",
                reserved.base
            ));
        }
        Ok(range)
    }
}

/// The kernel as an uncompressed file, at its start: the file itself, or what
/// is inside when it is gzip, which is unpacked up to `limit` bytes.
///
/// # Errors
/// Words: it cannot be read, is damaged, or larger than the limit.
pub fn open(mut file: File, limit: u64) -> Result<File, String> {
    let mut magic = [0; 2];
    let packed = match file.read_exact(&mut magic) {
        Ok(()) => magic == GZIP,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(error.to_string()),
    };
    file.rewind().map_err(|e| e.to_string())?;
    if !packed {
        return Ok(file);
    }
    let mut plain =
        anonymous_file().map_err(|e| format!("there is no memory to unpack it: {e}"))?;
    // One byte more than fits tells a full file from a larger one.
    let mut unpacked = GzDecoder::new(io::BufReader::new(file)).take(limit.saturating_add(1));
    let size = io::copy(&mut unpacked, &mut plain)
        .map_err(|e| format!("its gzip data is damaged: {e}"))?;
    if size > limit {
        return Err(format!(
            "unpacked it is larger than the guest's memory of {} MiB",
            limit >> 20
        ));
    }
    plain.rewind().map_err(|e| e.to_string())?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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
        let mut zboot = [0; HEADER];
        zboot[..8].copy_from_slice(b"MZ\0\0zimg");
        assert!(header(&zboot).is_err_and(|e| e.contains("zboot")));
        assert!(header(&[0; HEADER]).is_err_and(|e| e.contains("magic")));
    }

    #[test]
    fn page_sizes_are_read() {
        for (flags, kib) in [(0, 0), (2, 4), (4, 16), (6, 64), (0xa, 4)] {
            assert_eq!(header(&bytes(0, 1, flags)).map(|h| h.page_kib), Ok(kib));
        }
    }

    fn packed(content: &[u8]) -> File {
        let mut file = anonymous_file().expect("memory is available");
        let mut encoder = flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast());
        encoder
            .write_all(content)
            .and_then(|()| encoder.finish().map(|_| ()))
            .expect("it is written to memory");
        file.rewind().expect("memory can be rewound");
        file
    }

    #[test]
    fn gzip_is_unpacked_within_bounds() {
        let content = vec![7u8; 1 << 20];
        let mut back = Vec::new();
        let mut file = open(packed(&content), 1 << 20).expect("it fits exactly");
        file.read_to_end(&mut back).expect("memory can be read");
        assert_eq!(back, content);
        assert!(open(packed(&content), (1 << 20) - 1).is_err_and(|e| e.contains("larger")));
    }

    #[test]
    fn damaged_gzip_is_an_error_and_plain_files_are_left_alone() {
        let mut file = packed(&[1; 4096]);
        let mut data = Vec::new();
        file.read_to_end(&mut data).expect("memory can be read");
        data.truncate(data.len() / 2);
        let mut broken = anonymous_file().expect("memory is available");
        broken
            .write_all(&data)
            .and_then(|()| broken.rewind())
            .expect("it is memory");
        assert!(open(broken, 1 << 20).is_err_and(|e| e.contains("damaged")));
        for content in [&b""[..], b"x", b"MZplain"] {
            let mut plain = anonymous_file().expect("memory is available");
            plain
                .write_all(content)
                .and_then(|()| plain.rewind())
                .expect("it is memory");
            let mut back = Vec::new();
            open(plain, 10)
                .expect("plain")
                .read_to_end(&mut back)
                .expect("memory can be read");
            assert_eq!(back, content);
        }
    }
}
