//! Debian's own QEMU for arm64, to measure against, put into a host as Debian would have it.

use crate::cache::Cache;
use crate::emulate::{Files, Job, LAB};
use crate::failure::Result;
use crate::packages::{self, Program};
use crate::programs::{Programs, Start, Wanted};
use std::path::PathBuf;

/// The program inside the host.
pub const PROGRAM: &str = "/usr/bin/qemu-system-aarch64";

/// Makes the dynamic linker's cache.
const LINKER_CACHE: &str = "/usr/sbin/ldconfig";

/// Makes the dynamic linker's cache. A Debian system has one; without it QEMU would start slower
/// than it does there.
pub fn linked() -> Job {
    Job {
        program: LINKER_CACHE.to_owned(),
        args: vec!["-X".to_owned()],
    }
}

/// The same, and what a shell does with that script after it.
pub fn prepared(script: &str) -> [Job; 2] {
    let shell = Job {
        program: format!("{LAB}/bin/sh"),
        args: vec!["-c".to_owned(), script.to_owned()],
    };
    [linked(), shell]
}

/// That QEMU in the cache.
pub struct Peer(Programs);

impl Peer {
    /// Finds QEMU in the cache, or fetches it.
    pub fn provide(cache: &Cache) -> Result<Self> {
        Programs::provide(cache, &wanted()).map(Self)
    }

    /// Debian's version of the package.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// How it is started where its files are where the cache has them.
    pub fn start(&self, cache: &Cache) -> Start {
        self.0.start(cache, &wanted(), PROGRAM)
    }

    /// Where the cache has its files.
    pub fn places(&self, cache: &Cache) -> Vec<PathBuf> {
        self.0
            .files(cache, &wanted())
            .map(|(_, place)| place)
            .collect()
    }

    /// Puts QEMU and its libraries into a host.
    pub fn add(&self, cache: &Cache, files: &mut Files) {
        for (path, source) in self.0.files(cache, &wanted()) {
            files.copy(path, &source);
        }
        files.dir("/etc");
        files.dir("/var/cache/ldconfig");
    }
}

/// Of the stable release whose kernel series is 6.12, the one that is measured on.
fn wanted() -> Wanted {
    Wanted {
        from: Program {
            archive: packages::HOSTS,
            suite: Some("trixie"),
            package: "qemu-system-arm",
            also: &["libc-bin"],
            without: "qemu-",
        },
        programs: &[PROGRAM, LINKER_CACHE],
        libraries: &[],
        trees: &[],
        folder: "qemu-trixie".to_owned(),
        words: "Debian's arm64 QEMU and the libraries that it needs (28 MB)".to_owned(),
    }
}
