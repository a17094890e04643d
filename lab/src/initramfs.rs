//! Root file systems for kernels to start from: cpio archives in the `newc` format that
//! Documentation/driver-api/early-userspace/buffer-format.rst describes.

use crate::failure::{Failure, Result};
use std::collections::BTreeSet;

/// A `newc` archive that is being written. It is not compressed: reading it costs an emulated CPU less than
/// unpacking it would.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    /// Paths of the directories that are in it.
    dirs: BTreeSet<String>,
    inodes: u32,
}

const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

impl Archive {
    /// A regular file with these permission bits; its directories are made.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.parents(path)?;
        self.entry(path, FILE | (mode & 0o7777), content, (0, 0))
    }

    /// A directory, and those above it.
    pub fn dir(&mut self, path: &str) -> Result<()> {
        let path = path.trim_matches('/');
        self.parents(path)?;
        if !path.is_empty() && self.dirs.insert(path.to_owned()) {
            self.entry(path, DIRECTORY | 0o755, b"", (0, 0))?;
        }
        Ok(())
    }

    /// A symbolic link.
    pub fn link(&mut self, path: &str, target: &str) -> Result<()> {
        self.parents(path)?;
        self.entry(path, LINK | 0o777, target.as_bytes(), (0, 0))
    }

    /// A character device with its major and minor number.
    pub fn character_device(&mut self, path: &str, major: u32, minor: u32) -> Result<()> {
        self.parents(path)?;
        self.entry(path, CHARACTER_DEVICE | 0o600, b"", (major, minor))
    }

    /// The finished archive.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, b"", (0, 0))?;
        Ok(self.bytes)
    }

    fn parents(&mut self, path: &str) -> Result<()> {
        let path = path.trim_matches('/');
        let ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
        for end in ends {
            let dir = &path[..end];
            if self.dirs.insert(dir.to_owned()) {
                self.entry(dir, DIRECTORY | 0o755, b"", (0, 0))?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8], device: (u32, u32)) -> Result<()> {
        let path = path.trim_matches('/');
        let size = u32::try_from(content.len()).map_err(|_| {
            Failure::usage(format!(
                "{path} is 4 GiB or more; an initramfs cannot hold it"
            ))
        })?;
        self.inodes += 1;
        // Length of the name with its terminating zero byte.
        let name_size = u32::try_from(path.len() + 1)
            .map_err(|_| Failure::bug("a path of 4 GiB in an initramfs"))?;
        let fields = [
            self.inodes,
            mode,
            0, // uid
            0, // gid
            1, // links
            0, // time: the same input gives the same bytes
            size,
            0,
            0,
            device.0,
            device.1,
            name_size,
            0, // checksum, not used in this format
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08X}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        let length = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(length, 0);
    }
}

/// Quotes a word for a POSIX shell.
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_directories_come_once_and_first() {
        let mut archive = Archive::default();
        archive.file("/a/b/c", 0o755, b"12345").unwrap();
        archive.file("a/b/d", 0o644, b"").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("070701").count(), 5);
        assert!(text.find("a/b\0").unwrap() < text.find("a/b/c\0").unwrap());
        assert_eq!(text.matches("a/b\0").count(), 1);
    }

    #[test]
    fn quoting_survives_quotes() {
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
