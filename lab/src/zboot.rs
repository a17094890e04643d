//! The Debian guest's kernel as distributions ship theirs: an EFI program that unpacks itself (zboot), around the
//! `Image` compressed with gzip (drivers/firmware/efi/libstub/zboot-header.S and Makefile.zboot, Linux 6.12).
//!
//! Only what loaders without EFI look at is there; the code of the EFI stub is not.

use crate::cache::{self, Cache};
use crate::failure::{Failure, Result};
use crate::guest::{self, put};
use crate::tools;
use std::path::Path;
use std::process::{Command, Stdio};

/// Name of the kernel in the guest's directory.
pub const IMAGE: &str = "vmlinuz.efi";

/// Where the payload begins.
const OFFSET: usize = 0x1000;

/// Packs the `Image` that is in a directory.
pub fn provide(cache: &Cache, dir: &Path) -> Result<()> {
    let scratch = cache.scratch()?;
    let plain = scratch.path().join("vmlinux.bin");
    cache::write(&plain, &padded(cache::read(&dir.join(guest::IMAGE))?))?;
    let mut gzip = Command::new("gzip");
    gzip.args(["-n", "-1"]).arg(&plain).stdin(Stdio::null());
    if !tools::run(&mut gzip, None)?.success() {
        return Err(Failure::environment("gzip failed on the guest's kernel"));
    }
    let payload = cache::read(&scratch.path().join("vmlinux.bin.gz"))?;
    put(&dir.join(IMAGE), &program(&payload))
}

/// An image as long as it is in memory: its header tells at byte 16.
fn padded(mut image: Vec<u8>) -> Vec<u8> {
    let size = image.get(16..24).and_then(|b| b.try_into().ok());
    let size = size.map_or(0, u64::from_le_bytes);
    // Another number would be no kernel's.
    if size < 1 << 30 {
        image.resize(image.len().max(size as usize), 0);
    }
    image
}

fn program(payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"MZ\0\0zimg".to_vec();
    bytes.extend((OFFSET as u32).to_le_bytes());
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(b"gzip");
    bytes.resize(56, 0);
    // LINUX_PE_MAGIC, and where the PE header would be.
    bytes.extend(0x8182_23cd_u32.to_le_bytes());
    bytes.extend(64u32.to_le_bytes());
    bytes.resize(OFFSET, 0);
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_where_the_header_says() {
        let bytes = program(b"payload");
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(&bytes[word(8)..word(8) + word(12)], b"payload");
        assert_eq!(&bytes[4..8], b"zimg");
        assert_eq!(&bytes[24..29], b"gzip\0");
    }

    #[test]
    fn an_image_is_packed_as_long_as_it_is_in_memory() {
        let mut image = vec![1; 64];
        image[16..24].copy_from_slice(&100u64.to_le_bytes());
        assert_eq!(padded(image).len(), 100);
        assert_eq!(padded(vec![0xff; 64]).len(), 64);
        assert_eq!(padded(vec![1; 3]).len(), 3);
    }
}
