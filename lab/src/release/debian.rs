//! A Debian package (deb(5), deb-control(5)): three members of an archive. Compressed by gzip, which every dpkg reads and
//! which Rust has, so that the same content makes the same bytes on any machine.

use super::archive::{Files, gzip, tar};
use crate::cache::hex;
use crate::failure::{Failure, Result};
use md5::{Digest as _, Md5};

/// What a package says of itself.
#[derive(Debug)]
pub struct About<'a> {
    /// Its name.
    pub package: &'a str,
    /// Its version, with the packaging's own after a dash.
    pub version: &'a str,
    /// Debian's name of the architecture.
    pub architecture: &'a str,
    /// Whom to write to: `Name <address>`.
    pub maintainer: &'a str,
    /// Which other package is of use beside it.
    pub suggests: &'a str,
    /// One line of what it is.
    pub title: &'a str,
    /// Lines that say more.
    pub words: &'a [&'a str],
    /// When its source was committed, in seconds since 1970.
    pub time: u64,
}

/// The package with these files.
pub fn package(about: &About, files: &Files) -> Result<Vec<u8>> {
    let mut control = Files::default();
    control.put("control", text(about, files));
    control.put("md5sums", sums(files));
    let members: [(&[u8], Vec<u8>); 3] = [
        (b"debian-binary", b"2.0\n".to_vec()),
        (b"control.tar.gz", gzip(&tar(&control, about.time)?)?),
        (b"data.tar.gz", gzip(&tar(files, about.time)?)?),
    ];
    let mut archive = ar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = ar::Header::new(name.to_vec(), content.len() as u64);
        header.set_mtime(about.time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mode(0o100_644);
        archive
            .append(&header, &content[..])
            .map_err(|e| Failure::bug(format!("a package cannot be put together: {e}")))?;
    }
    archive
        .into_inner()
        .map_err(|e| Failure::bug(format!("a package cannot be ended: {e}")))
}

/// Its `md5sums` (deb-md5sums(5)), by which `dpkg --verify` finds what is no longer as it was packed.
fn sums(files: &Files) -> String {
    let line = |(path, _, content): (&str, u32, &[u8])| {
        format!("{}  {path}\n", hex(&Md5::digest(content)))
    };
    files.iter().map(line).collect()
}

/// Its `control`. Nothing is needed beside it: the program is static.
fn text(about: &About, files: &Files) -> String {
    // Policy 5.6.20: in KiB, each file rounded up.
    let size: u64 = files
        .iter()
        .map(|(_, _, f)| (f.len() as u64).div_ceil(1024))
        .sum();
    let words: String = about
        .words
        .iter()
        .map(|line| format!(" {line}\n"))
        .collect();
    format!(
        "Package: {}\nVersion: {}\nArchitecture: {}\nMaintainer: {}\nInstalled-Size: {size}\n\
         Suggests: {}\nSection: utils\nPriority: optional\nDescription: {}\n{words}",
        about.package,
        about.version,
        about.architecture,
        about.maintainer,
        about.suggests,
        about.title,
    )
}

/// Debian's changelog (deb-changelog(5)): this version, of the time of its source.
pub fn changelog(about: &About) -> String {
    format!(
        "{} ({}) unstable; urgency=medium\n\n  * As released. What changed for those who use it is in changelog.gz.\n\n \
         -- {}  {}\n",
        about.package,
        about.version,
        about.maintainer,
        date(about.time)
    )
}

/// A time in UTC as mail has it (RFC 5322): `Mon, 02 Jan 2006 15:04:05 +0000`.
fn date(time: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (year, month, day) = civil(time / 86_400);
    let at = time % 86_400;
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} +0000",
        DAYS[(time / 86_400 % 7) as usize],
        MONTHS[month as usize - 1],
        at / 3600,
        at / 60 % 60,
        at % 60
    )
}

/// The same as ISO 8601 has it.
pub fn iso(time: u64) -> String {
    let (year, month, day) = civil(time / 86_400);
    let at = time % 86_400;
    format!(
        "{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        at / 3600,
        at / 60 % 60,
        at % 60
    )
}

/// Year, month and day of a day since 1970, in the Gregorian calendar.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    loop {
        let length = 365 + u64::from(is_leap(year));
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    const ABOUT: About = About {
        package: "vmlock",
        version: "0.1.0-1",
        architecture: "arm64",
        maintainer: "A Name <name@vmlock.test>",
        suggests: "vmlock-run",
        title: "one line",
        words: &["More of it.", ".", "The end."],
        time: 1_709_251_199,
    };

    #[test]
    fn a_package_is_three_members_of_its_commits_time() {
        let mut files = Files::default();
        files.program("usr/bin/vmlock", vec![0; 1025]);
        files.put("usr/share/doc/vmlock/copyright", "words");
        let bytes = package(&ABOUT, &files).unwrap();
        assert_eq!(bytes, package(&ABOUT, &files).unwrap());
        let mut archive = ar::Archive::new(&bytes[..]);
        let mut names = Vec::new();
        while let Some(entry) = archive.next_entry() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.mtime(), ABOUT.time);
            assert_eq!((header.uid(), header.gid()), (0, 0));
            names.push(String::from_utf8(header.identifier().to_vec()).unwrap());
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            if names.len() == 2 {
                let mut members = tar::Archive::new(flate2::read::GzDecoder::new(&content[..]));
                let mut texts = Vec::new();
                for member in members.entries().unwrap() {
                    let mut text = String::new();
                    member.unwrap().read_to_string(&mut text).unwrap();
                    texts.push(text);
                }
                let [control, sums] = &texts[..] else {
                    panic!("{texts:?}");
                };
                assert_eq!(
                    control,
                    "Package: vmlock\nVersion: 0.1.0-1\nArchitecture: arm64\n\
                     Maintainer: A Name <name@vmlock.test>\nInstalled-Size: 3\nSuggests: vmlock-run\n\
                     Section: utils\nPriority: optional\nDescription: one line\n More of it.\n .\n The end.\n"
                );
                // As `head -c 1025 /dev/zero | md5sum` and `printf words | md5sum` have them.
                assert_eq!(
                    sums,
                    "0ad4cf7b35f62b8ff9c73f481594fbdd  usr/bin/vmlock\n89759e1284e2479b991d2669de104942  usr/share/doc/vmlock/copyright\n"
                );
            }
        }
        assert_eq!(names, ["debian-binary", "control.tar.gz", "data.tar.gz"]);
    }

    #[test]
    fn times_are_told_as_mail_and_iso_have_them() {
        for (time, mail, other) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z"),
            (
                1_709_251_199,
                "Thu, 29 Feb 2024 23:59:59 +0000",
                "2024-02-29T23:59:59Z",
            ),
            (
                951_782_400,
                "Tue, 29 Feb 2000 00:00:00 +0000",
                "2000-02-29T00:00:00Z",
            ),
            (
                1_798_761_599,
                "Thu, 31 Dec 2026 23:59:59 +0000",
                "2026-12-31T23:59:59Z",
            ),
        ] {
            assert_eq!((date(time).as_str(), iso(time).as_str()), (mail, other));
        }
    }
}
