//! Kernels as distributions ship them: compressed, by themselves or as the payload of an EFI program (zboot).
//!
//! The file is read once, from its beginning to its end, and what comes out is counted by whoever takes it: nothing is
//! set aside for sizes that a file claims, but for the window of zstd, which has a limit.
//!
//! Sources: RFC 1952 (gzip), RFC 8878 (zstd), drivers/firmware/efi/libstub/zboot-header.S and Makefile.zboot
//! (Linux 6.1 to 7.3).

use super::HEADER;
use flate2::bufread::GzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufReader, Read};

/// Largest window of zstd: that of `zstd -22 --ultra`, by which kernels are packed.
const WINDOW: u64 = 128 << 20;

/// Compression that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878, one frame.
    Zstd,
}

/// Where in a file something compressed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    packing: Packing,
    /// Bytes before it.
    offset: u64,
    /// Its bytes; without a size, to the end of the file.
    size: Option<u64>,
}

/// What is compressed in a file of `size` bytes that begins so; `None` where nothing is.
///
/// # Errors
/// Words: it is compressed otherwise, or says of itself what cannot be.
pub fn packed(start: &[u8], size: u64) -> Result<Option<Packed>, String> {
    let whole = |packing| {
        Ok(Some(Packed {
            packing,
            offset: 0,
            size: None,
        }))
    };
    match start {
        [0x1f, 0x8b, ..] => whole(Packing::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => whole(Packing::Zstd),
        [b'M', b'Z', _, _, b'z', b'i', b'm', b'g', ..] => zboot(start, size).map(Some),
        [b'B', b'Z', b'h', ..]
        | [0xfd, b'7', b'z', b'X', b'Z', ..]
        | [0x02, 0x21, 0x4c, 0x18, ..]
        | [0x89, b'L', b'Z', b'O', ..]
        | [0x5d, 0, 0, ..] => Err(
            "it is compressed otherwise than with gzip or zstd; unpack it to an `Image` first"
                .to_owned(),
        ),
        _ => Ok(None),
    }
}

/// The payload of a zboot image: its offset at byte 8 and its size at byte 12, in 32 bits each, and how it is
/// compressed as text at byte 24.
fn zboot(start: &[u8], file: u64) -> Result<Packed, String> {
    let header: &[u8; HEADER] = start
        .first_chunk()
        .ok_or_else(|| "it ends within the header of an EFI program (zboot)".to_owned())?;
    let word = |at: usize| {
        let mut word = [0; 4];
        word.copy_from_slice(&header[at..at + 4]);
        u64::from(u32::from_le_bytes(word))
    };
    let (offset, size) = (word(8), word(12));
    if offset < HEADER as u64 || size == 0 || offset + size > file {
        return Err(format!(
            "as an EFI program (zboot) it says that its payload has {size} bytes from {offset:#x} on, and the file has \
             {file}: is it whole?"
        ));
    }
    let kind = header[24..56].split(|b| *b == 0).next().unwrap_or_default();
    let packing = match kind {
        b"gzip" => Packing::Gzip,
        // By this name up to 6.13.
        b"zstd" | b"zstd22" => Packing::Zstd,
        other => {
            return Err(format!(
                "as an EFI program (zboot) it says that its payload is compressed with `{}`, and only gzip and zstd are \
                 known; unpack it to an `Image` first",
                other.escape_ascii()
            ));
        }
    };
    Ok(Packed {
        packing,
        offset,
        size: Some(size),
    })
}

impl Packed {
    /// What comes out of a file that is read from its beginning.
    ///
    /// # Errors
    /// Words: it is damaged, or cannot be read.
    pub fn unpack<'a>(&self, mut file: impl Read + 'a) -> Result<Box<dyn Read + 'a>, String> {
        let before = io::copy(&mut file.by_ref().take(self.offset), &mut io::sink());
        before.map_err(|e| e.to_string())?;
        let payload = BufReader::new(file.take(self.size.unwrap_or(u64::MAX)));
        Ok(match self.packing {
            Packing::Gzip => Box::new(GzDecoder::new(payload)),
            Packing::Zstd => {
                let frame = StreamingDecoder::new_with_max_window_size(payload, WINDOW);
                let frame = frame.map_err(|e| self.damaged(&e))?;
                Box::new(Checked { frame })
            }
        })
    }

    /// What to say where unpacking ends with that error.
    pub fn damaged(&self, error: &dyn std::error::Error) -> String {
        let name = match self.packing {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        };
        format!("its {name} data is damaged: {error}")
    }
}

/// A frame of zstd whose checksum, if it has one, is compared at its end.
struct Checked<R: Read> {
    frame: StreamingDecoder<R, FrameDecoder>,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.frame.read(buffer)?;
        let decoder = &self.frame.decoder;
        let promised = decoder.get_checksum_from_data();
        if count == 0
            && !buffer.is_empty()
            && promised.is_some()
            && promised != decoder.get_calculated_checksum()
        {
            return Err(io::Error::other("its checksum is another one"));
        }
        Ok(count)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use std::io::Write as _;

    /// What `printf '%s' 'a kernel as it is shipped' | zstd -22 --ultra` writes: its size was not known, so the
    /// window has 128 MiB.
    const SHIPPED: &[u8] =
        b"\x28\xb5\x2f\xfd\x04\x88\xc9\x00\x00a kernel as it is shipped\xdf\xa1\x82\xdf";

    pub fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).expect("it is memory");
        encoder.finish().expect("it is memory")
    }

    pub fn zstd(content: &[u8]) -> Vec<u8> {
        compress_to_vec(content, CompressionLevel::Fastest)
    }

    /// A zboot image around a payload, as the kernel's build lays it out.
    pub fn program(kind: &str, payload: &[u8]) -> Vec<u8> {
        const CODE: usize = 0x200;
        let mut bytes = b"MZ\0\0zimg".to_vec();
        bytes.extend((CODE as u32).to_le_bytes());
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(kind.bytes());
        bytes.resize(56, 0);
        bytes.extend(0x8182_23cd_u32.to_le_bytes());
        bytes.extend(64u32.to_le_bytes());
        bytes.resize(CODE, 0xee);
        bytes.extend(payload);
        // The EFI stub.
        bytes.extend([0xee; 0x100]);
        bytes
    }

    fn unpacked(file: &[u8]) -> Result<Vec<u8>, String> {
        let start = &file[..file.len().min(HEADER)];
        let packed = packed(start, file.len() as u64)?.ok_or("it is not compressed")?;
        let mut out = Vec::new();
        packed
            .unpack(file)?
            .read_to_end(&mut out)
            .map_err(|e| packed.damaged(&e))?;
        Ok(out)
    }

    fn content() -> Vec<u8> {
        (0..4_000u32)
            .flat_map(|n| (n * n % 977).to_le_bytes())
            .collect()
    }

    #[test]
    fn what_was_packed_comes_out() {
        let content = content();
        assert_eq!(unpacked(&gzip(&content)), Ok(content.clone()));
        assert_eq!(unpacked(&zstd(&content)), Ok(content.clone()));
        for kind in ["gzip", "zstd", "zstd22"] {
            let payload = match kind {
                "gzip" => gzip(&content),
                _ => zstd(&content),
            };
            assert_eq!(unpacked(&program(kind, &payload)), Ok(content.clone()));
        }
        assert_eq!(unpacked(SHIPPED), Ok(b"a kernel as it is shipped".to_vec()));
    }

    #[test]
    fn a_cut_or_altered_file_is_an_error_and_nothing_else_comes_out() {
        let content = content();
        for whole in [
            gzip(&content),
            zstd(&content),
            SHIPPED.to_vec(),
            program("gzip", &gzip(&content)),
            program("zstd", &zstd(&content)),
        ] {
            let right = unpacked(&whole).expect("it is whole");
            let step = whole.len() / 100 + 1;
            for length in (0..whole.len()).step_by(step) {
                let cut = unpacked(&whole[..length]);
                assert!(cut.is_err() || cut == Ok(right.clone()), "{length}");
            }
            for at in (0..whole.len()).step_by(step) {
                let mut altered = whole.clone();
                altered[at] ^= 1 << (at % 8);
                let altered = unpacked(&altered);
                assert!(altered.is_err() || altered == Ok(right.clone()), "{at}");
            }
        }
    }

    #[test]
    fn what_a_program_says_of_its_payload_is_not_believed() {
        let whole = program("gzip", &gzip(b"x"));
        let lie = |at: usize, value: u32| {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            unpacked(&bytes)
        };
        for (at, value) in [(8, 0), (8, 63), (8, u32::MAX), (12, 0), (12, u32::MAX)] {
            assert!(lie(at, value).is_err_and(|e| e.contains("is it whole?")));
        }
        assert!(unpacked(&whole[..40]).is_err_and(|e| e.contains("ends within")));
        for kind in ["lz4", "xzkern", "", "\x1b[2J"] {
            let words = unpacked(&program(kind, b"xxxx")).expect_err("it is not known");
            assert!(words.contains("only gzip and zstd"), "{words}");
            assert!(!words.contains('\x1b'), "{words}");
        }
    }

    #[test]
    fn a_window_beyond_the_kernels_is_refused_before_it_is_made() {
        // A frame of no known size whose window has 2 GiB (RFC 8878, section 3.1.1.1.2).
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        assert!(unpacked(&frame).is_err_and(|e| e.contains("damaged")));
    }

    #[test]
    fn other_compression_is_named_and_plain_files_are_left_alone() {
        for start in [&b"BZh9"[..], b"\xfd7zXZ\0", b"\x02\x21\x4c\x18", b"\x89LZO"] {
            assert!(packed(start, 100).is_err_and(|e| e.contains("gzip or zstd")));
        }
        for start in [&b""[..], b"\x1f", b"MZ\0\0", b"MZplain"] {
            assert_eq!(packed(start, 100), Ok(None));
        }
    }
}
