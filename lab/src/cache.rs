//! The cache: kernels, package indexes and sources that were fetched once.
//!
//! It lies outside the checkout. Nothing in it is ever seen half written: files and directories are
//! made under another name and renamed, and a lock file keeps two labs from fetching the same thing
//! at the same time.

use crate::failure::{Failure, Result};
use sha2::{Digest, Sha256};
use std::env;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The cache directory.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// Held while the cache is changed; released when dropped.
#[derive(Debug)]
pub struct Guard {
    _file: File,
}

impl Cache {
    /// Finds the directory (`$VMLOCK_CACHE`, `$XDG_CACHE_HOME/vmlock`, `~/.cache/vmlock`) and makes
    /// sure that it exists.
    pub fn open() -> Result<Self> {
        let set = |name: &str| {
            env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let root = set("VMLOCK_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|d| d.join("vmlock")))
            .or_else(|| set("HOME").map(|d| d.join(".cache/vmlock")))
            .ok_or_else(|| {
                Failure::environment(
                    "no place for the cache: neither VMLOCK_CACHE, XDG_CACHE_HOME nor HOME is set; set one of them",
                )
            })?;
        let root = std::path::absolute(&root).map_err(|e| Failure::file("resolve", &root, &e))?;
        make_dir(&root)?;
        Ok(Self { root })
    }

    /// A path inside the cache.
    pub fn path(&self, inner: &str) -> PathBuf {
        self.root.join(inner)
    }

    /// Waits until no other lab changes the cache, then keeps others out.
    pub fn lock(&self) -> Result<Guard> {
        let path = self.path("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| Failure::file("open", &path, &e))?;
        if file.try_lock().is_err() {
            crate::failure::say("waiting for another vmlock-lab that is filling the cache");
            file.lock().map_err(|e| Failure::file("lock", &path, &e))?;
        }
        Ok(Guard { _file: file })
    }

    /// A fresh directory inside the cache, on the same file system, so that what is made in it can
    /// be renamed into place. It is removed when dropped.
    pub fn scratch(&self) -> Result<Scratch> {
        Scratch::new_in(&self.root)
    }
}

/// A directory that is removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A fresh directory in the system's directory for temporary files.
    pub fn new() -> Result<Self> {
        Self::new_in(&env::temp_dir())
    }

    fn new_in(parent: &Path) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!(".vmlock-lab-{}-{count}", std::process::id()));
        // A directory of an earlier process with this number is nobody's any more.
        let _ = fs::remove_dir_all(&path);
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&path)
            .map_err(|e| Failure::file("create", &path, &e))?;
        Ok(Self { path })
    }

    /// Where the directory is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Creates a directory and its parents.
pub fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| Failure::file("create", path, &e))
}

/// Writes a file whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let parent = path
        .parent()
        .ok_or_else(|| Failure::bug(format!("{} has no parent directory", path.display())))?;
    make_dir(parent)?;
    let name = path
        .file_name()
        .ok_or_else(|| Failure::bug(format!("{} names no file", path.display())))?;
    let partial = parent.join(format!(
        ".{}.{}",
        name.to_string_lossy(),
        std::process::id()
    ));
    let done = File::create(&partial)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&partial, path));
    done.map_err(|e| {
        let _ = fs::remove_file(&partial);
        Failure::file("write", path, &e)
    })
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Failure::file("read", path, &e))
}

/// SHA-256 of a file, as lower-case hexadecimal digits.
pub fn digest(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|e| Failure::file("open", path, &e))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file
            .read(&mut buffer)
            .map_err(|e| Failure::file("read", path, &e))?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
    }
    Ok(hex(&hash.finalize()))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
