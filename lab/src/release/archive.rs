//! Files in archives: of the same files come the same bytes, whoever makes them and when.

use crate::failure::{Failure, Result};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _, Write as _};

/// Files by their path, which has no slash in front.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, (u32, Vec<u8>)>);

impl Files {
    /// One that everybody reads.
    pub fn put(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), (0o644, content.into()));
    }

    /// One that everybody runs.
    pub fn program(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), (0o755, content.into()));
    }

    /// One of that mode.
    pub fn add(&mut self, path: impl Into<String>, mode: u32, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), (mode, content.into()));
    }

    /// Each path, with the file's mode and content.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32, &[u8])> {
        self.0
            .iter()
            .map(|(path, (mode, content))| (path.as_str(), *mode, content.as_slice()))
    }

    /// Those of which a name is made, by that name.
    pub fn named(&self, name: impl Fn(&str) -> Option<String>) -> Self {
        let named = |(path, file): (&String, &(u32, Vec<u8>))| Some((name(path)?, file.clone()));
        Self(self.0.iter().filter_map(named).collect())
    }

    /// Takes one out.
    pub fn take(&mut self, path: &str) -> Option<Vec<u8>> {
        self.0.remove(path).map(|(_, content)| content)
    }
}

/// An archive of files and of the folders around them, each folder before what is in it: in the order of their paths,
/// root's, and of one time.
pub fn tar(files: &Files, time: u64) -> Result<Vec<u8>> {
    archive(files, time, true)
}

/// One of files alone: it is unpacked over folders of a system, whose modes and owners are none of its business.
pub fn tar_of_files(files: &Files, time: u64) -> Result<Vec<u8>> {
    archive(files, time, false)
}

fn archive(files: &Files, time: u64, has_folders: bool) -> Result<Vec<u8>> {
    let failed = |path: &str, e: std::io::Error| {
        Failure::environment(format!("{path} cannot be put into an archive: {e}"))
    };
    let mut archive = tar::Builder::new(Vec::new());
    let mut folders = BTreeSet::new();
    for (path, mode, content) in files.iter() {
        for (end, _) in path.match_indices('/') {
            let folder = &path[..=end];
            if has_folders && folders.insert(folder.to_owned()) {
                let mut header = header(0o755, 0, time);
                header.set_entry_type(tar::EntryType::Directory);
                archive
                    .append_data(&mut header, folder, &[][..])
                    .map_err(|e| failed(folder, e))?;
            }
        }
        let mut header = header(mode, content.len() as u64, time);
        archive
            .append_data(&mut header, path, content)
            .map_err(|e| failed(path, e))?;
    }
    archive.into_inner().map_err(|e| failed("its end", e))
}

fn header(mode: u32, size: u64, time: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Compressed as well as it goes, without a name or a time.
pub fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut out = GzBuilder::new().write(Vec::new(), Compression::best());
    out.write_all(content)
        .and_then(|()| out.finish())
        .map_err(|e| Failure::bug(format!("memory cannot be compressed: {e}")))
}

/// The files of an archive.
pub fn untar(archive: &[u8]) -> io::Result<Files> {
    let mut files = Files::default();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let path = entry.path()?.to_string_lossy().into_owned();
            let mode = entry.header().mode()?;
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            files.add(path, mode, content);
        }
    }
    Ok(files)
}

/// What was compressed.
pub fn gunzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    GzDecoder::new(content).read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};

    #[test]
    fn the_same_files_are_the_same_bytes_in_whatever_order_they_come() {
        let (mut one, mut other) = (Files::default(), Files::default());
        one.put("usr/share/doc/a", "words");
        one.program("usr/bin/a", "\x7fELF");
        other.program("usr/bin/a", "\x7fELF");
        other.put("usr/share/doc/a", "words");
        let bytes = tar(&one, 1_000_000_000).unwrap();
        assert_eq!(bytes, tar(&other, 1_000_000_000).unwrap());
        assert_ne!(bytes, tar(&one, 1_000_000_001).unwrap());
        // As they were when they were first made: another version of a crate may make others.
        assert_eq!(
            crate::cache::hex(&Sha256::digest(&bytes)),
            "468ac8975a30904b3f5b54fa200b219db47ee90311bafcc4f5975f430615be0c"
        );
    }

    #[test]
    fn folders_come_before_what_is_in_them_and_all_is_roots() {
        let mut files = Files::default();
        files.put("usr/share/doc/a", "words");
        files.program("usr/bin/a", "program");
        let bytes = tar(&files, 7).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap())
            .collect();
        let told: Vec<(String, u32, u64, u64)> = entries
            .iter()
            .map(|entry| {
                let header = entry.header();
                assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
                (
                    entry.path().unwrap().to_string_lossy().into_owned(),
                    header.mode().unwrap(),
                    header.size().unwrap(),
                    header.mtime().unwrap(),
                )
            })
            .collect();
        let folder = |path: &str| (path.to_owned(), 0o755, 0, 7);
        assert_eq!(
            told,
            [
                folder("usr/"),
                folder("usr/bin/"),
                ("usr/bin/a".to_owned(), 0o755, 7, 7),
                folder("usr/share/"),
                folder("usr/share/doc/"),
                ("usr/share/doc/a".to_owned(), 0o644, 5, 7),
            ]
        );
        let bytes = tar_of_files(&files, 7).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let paths: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().into_owned())
            .collect();
        assert_eq!(
            paths,
            ["usr/bin/a", "usr/share/doc/a"].map(std::path::PathBuf::from)
        );
    }

    #[test]
    fn what_is_compressed_has_no_time_and_comes_back() {
        let bytes = gzip(b"words words words").unwrap();
        // RFC 1952: the time, the slowest algorithm, and no system that made it.
        assert_eq!(bytes[4..10], [0, 0, 0, 0, 2, 255]);
        let mut back = Vec::new();
        std::io::copy(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut back).unwrap();
        assert_eq!(back, b"words words words");
    }
}
