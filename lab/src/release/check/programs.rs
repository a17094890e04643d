//! The programs of a release: static, and of the same bytes in each form that one is given in.

use super::typed::program;
use crate::failure::{Failure, Result};
use crate::release::archive::{Files, gunzip, untar};
use crate::release::image;
use object::elf::{DT_NEEDED, FileHeader64, PT_INTERP};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use std::collections::BTreeMap;
use std::io::{self, Read as _};

/// The member of a package in which its files are (deb(5)).
const DATA: &str = "data.tar.gz";

/// A program, and Debian's name of the machine that it is for.
pub type Key = (String, String);
/// The bytes of each.
pub type Programs = BTreeMap<Key, Vec<u8>>;

/// Each program of a release, and what is wrong with them.
pub fn programs(files: &Files) -> Result<(Programs, Vec<String>)> {
    let mut found = Programs::new();
    let mut problems = Vec::new();
    for (form, key, inside) in forms(files)? {
        let bins = inside.iter().filter(|(path, ..)| path.contains("/bin/"));
        let bins: Vec<(&str, &[u8])> = bins.map(|(path, _, content)| (path, content)).collect();
        let [(path, content)] = bins[..] else {
            problems.push(format!("{form} has {} programs, not one", bins.len()));
            continue;
        };
        if !path.ends_with(&format!("/bin/{}", key.0)) {
            problems.push(format!("{form} has {path}, and no {}", key.0));
        }
        problems.extend(needs(content).map(|what| format!("{form}: {path} {what}")));
        match found.get(&key) {
            Some(other) if other != content => problems.push(format!(
                "{form}: {path} is not the program that others have for {}",
                key.1
            )),
            Some(_) => {}
            None => {
                found.insert(key, content.to_vec());
            }
        }
    }
    Ok((found, problems))
}

/// What is in each archive, package and image.
fn forms(files: &Files) -> Result<Vec<(String, Key, Files)>> {
    let mut forms = Vec::new();
    for (name, _, content) in files.iter() {
        let failed = |e: io::Error| Failure::environment(format!("{name} cannot be unpacked: {e}"));
        let key = |machine: &str| (program(name).to_owned(), machine.to_owned());
        if let Some(machine) = machine(name, ".tar.gz", '-') {
            let inside = gunzip(content)
                .and_then(|all| untar(&all))
                .map_err(failed)?;
            forms.push((name.to_owned(), key(machine), inside));
        } else if let Some(machine) = machine(name, ".deb", '_') {
            let inside = packed(content).map_err(failed)?;
            forms.push((name.to_owned(), key(machine), inside));
        } else if name.ends_with(".oci.tar") {
            for of in image::read_back(content)? {
                let machine = of.architecture;
                forms.push((format!("{name} for {machine}"), key(&machine), of.files));
            }
        }
    }
    Ok(forms)
}

/// The machine in the name of a file.
pub fn machine<'a>(name: &'a str, end: &str, before: char) -> Option<&'a str> {
    let (_, machine) = name.strip_suffix(end)?.rsplit_once(before)?;
    Some(machine)
}

/// The files of a Debian package.
fn packed(package: &[u8]) -> io::Result<Files> {
    let mut archive = ar::Archive::new(package);
    while let Some(entry) = archive.next_entry() {
        let mut entry = entry?;
        if entry.header().identifier() == DATA.as_bytes() {
            let mut data = Vec::new();
            entry.read_to_end(&mut data)?;
            return untar(&gunzip(&data)?);
        }
    }
    Err(io::Error::other(format!("it has no {DATA}")))
}

/// What a program needs beside itself, if anything.
fn needs(program: &[u8]) -> Option<String> {
    let read = || -> object::read::Result<(bool, bool)> {
        let header = FileHeader64::<object::Endianness>::parse(program)?;
        let endian = header.endian()?;
        let (mut loader, mut libraries) = (false, false);
        for part in header.program_headers(endian, program)? {
            loader |= part.p_type(endian) == PT_INTERP;
            let entries = part.dynamic(endian, program)?.unwrap_or_default();
            libraries |= entries
                .iter()
                .any(|each| each.d_tag(endian) == u64::from(DT_NEEDED));
        }
        Ok((loader, libraries))
    };
    match read() {
        Ok((false, false)) => None,
        Ok((loader, _)) => Some(format!(
            "is not static: it names {}",
            if loader { "a loader" } else { "libraries" }
        )),
        Err(e) => Some(format!("is no ELF file of 64 bits: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache;
    use crate::release::archive::{gzip, tar};
    use crate::release::debian;

    /// The head of an ELF file without anything in it.
    fn empty() -> Vec<u8> {
        let mut head = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
        head.resize(64, 0);
        head[16..20].copy_from_slice(&[2, 0, 183, 0]);
        head[52] = 64;
        head
    }

    fn archive(program: &[u8]) -> Vec<u8> {
        let mut files = Files::default();
        files.program("vmlock-1/bin/vmlock", program);
        files.put("vmlock-1/share/doc/words", "words");
        gzip(&tar(&files, 0).unwrap()).unwrap()
    }

    fn package(program: &[u8]) -> Vec<u8> {
        let mut files = Files::default();
        files.program("usr/bin/vmlock", program);
        let about = debian::About {
            package: "vmlock",
            version: "1-1",
            architecture: "arm64",
            maintainer: "A Name <name@vmlock.test>",
            suggests: "vmlock-run",
            title: "one line",
            words: &["More of it."],
            time: 0,
        };
        debian::package(&about, &files).unwrap()
    }

    #[test]
    fn a_program_that_another_form_has_otherwise_is_named() {
        let mut files = Files::default();
        files.put("vmlock-1-linux-arm64.tar.gz", archive(&empty()));
        files.put("vmlock_1-1_arm64.deb", package(&empty()));
        files.put("SHA256SUMS", "");
        let (found, problems) = programs(&files).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        let key = ("vmlock".to_owned(), "arm64".to_owned());
        assert_eq!(found, BTreeMap::from([(key, empty())]));
        let mut other = empty();
        other.push(0);
        files.put("vmlock_1-1_arm64.deb", package(&other));
        let (_, problems) = programs(&files).unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("vmlock_1-1_arm64.deb: usr/bin/vmlock is not"));
        // A package's program is looked into as an archive's is.
        let own = cache::read(&std::env::current_exe().unwrap()).unwrap();
        files.put("vmlock_1-1_arm64.deb", package(&own));
        let (_, problems) = programs(&files).unwrap();
        assert!(
            problems.iter().any(|words| words.contains("not static")),
            "{problems:?}"
        );
        let mut none = Files::default();
        none.put(
            "vmlock-1-linux-arm64.tar.gz",
            gzip(&tar(&Files::default(), 0).unwrap()).unwrap(),
        );
        assert_eq!(programs(&none).unwrap().1.len(), 1);
    }

    #[test]
    fn a_program_that_needs_a_system_is_named() {
        let own = std::env::current_exe().expect("it runs");
        let words = needs(&cache::read(&own).expect("it is there"));
        assert!(words.is_some_and(|words| words.contains("a loader")));
        assert!(needs(b"#!/bin/sh").is_some_and(|words| words.contains("no ELF")));
        assert_eq!(needs(&empty()), None);
    }
}
