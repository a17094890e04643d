//! Debian's own QEMU for arm64, to measure against: the package with all that it depends on, fetched and
//! verified by our apt, unpacked into the cache, and put into a host as Debian would have it.

use crate::cache::{self, Cache};
use crate::emulate::Files;
use crate::failure::{Failure, Result, say};
use crate::packages;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The stable release whose kernel series is 6.12, the one that is measured on.
const SUITE: &str = "trixie";

/// The program inside the host.
pub const PROGRAM: &str = "/usr/bin/qemu-system-aarch64";

/// Makes the dynamic linker's cache. A Debian system has one; without it QEMU would start slower
/// than it does there.
pub const LINKER_CACHE: &str = "/usr/sbin/ldconfig";

/// What is in the cache.
#[derive(Debug, Serialize, Deserialize)]
pub struct Peer {
    /// Debian's version of the package.
    pub version: String,
    /// SHA-256 of each file, by its absolute path inside a host.
    files: BTreeMap<String, String>,
}

impl Peer {
    /// Finds QEMU in the cache, or fetches it.
    pub fn provide(cache: &Cache) -> Result<Self> {
        let place = place(cache);
        let _guard = cache.lock()?;
        if let Ok(text) = fs::read(place.join("about.json"))
            && let Ok(peer) = serde_json::from_slice::<Self>(&text)
        {
            let is_whole = |(path, digest): (&String, &String)| {
                cache::digest(&source(&place, path)).is_ok_and(|d| d == *digest)
            };
            if peer.files.iter().all(is_whole) {
                return Ok(peer);
            }
            say(format_args!(
                "{} is not what was fetched once; fetching it again",
                place.display()
            ));
        }
        Self::fetch(cache, &place)
    }

    /// Puts QEMU and its libraries into a host.
    pub fn add(&self, cache: &Cache, files: &mut Files) {
        let place = place(cache);
        for path in self.files.keys() {
            files.copy(path, &source(&place, path));
        }
        files.dir("/etc");
        files.dir("/var/cache/ldconfig");
    }

    /// The caller holds the cache's lock.
    fn fetch(cache: &Cache, place: &Path) -> Result<Self> {
        say("fetching Debian's arm64 QEMU with all that it depends on (35 MB)");
        let packages = cache.scratch()?;
        let names = ["qemu-system-arm", "libc-bin"];
        let debs = packages::download_with_dependencies(cache, SUITE, &names, &packages)?;
        let version = debs
            .iter()
            .filter_map(|deb| deb.file_stem()?.to_str())
            .find_map(|name| name.strip_prefix("qemu-system-arm_"))
            .and_then(|rest| rest.strip_suffix("_arm64"))
            .ok_or_else(|| Failure::environment("apt fetched no qemu-system-arm for arm64"))?
            .replace("%3a", ":");
        let tree = cache.scratch()?;
        for deb in &debs {
            // Older packages have their libraries in /lib; those two are one directory.
            let patterns = [
                "./usr/lib/aarch64-linux-gnu/lib*.so*",
                "./usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
                "./lib/aarch64-linux-gnu/lib*.so*",
                ".*/bin/qemu-system-aarch64",
                ".*/sbin/ldconfig",
            ];
            packages::unpack(deb, &patterns, tree.path())?;
        }
        let mut files = BTreeMap::new();
        let target = cache.scratch()?;
        for (path, from) in picked(tree.path())? {
            let to = source(target.path(), &path);
            let content = cache::read(&from)?;
            cache::write(&to, &content)?;
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&to, mode)
                .map_err(|e| Failure::file("make executable", &to, &e))?;
            files.insert(path, cache::digest(&to)?);
        }
        for needed in [PROGRAM, LINKER_CACHE, LOADER] {
            if !files.contains_key(needed) {
                return Err(Failure::environment(format!(
                    "Debian's packages of {SUITE} have no {needed} any more, which the benchmark needs"
                )));
            }
        }
        let peer = Self { version, files };
        let text = serde_json::to_vec_pretty(&peer)
            .map_err(|e| Failure::bug(format!("cannot write about.json: {e}")))?;
        cache::write(&target.path().join("about.json"), &text)?;
        let _ = fs::remove_dir_all(place);
        fs::rename(target.path(), place).map_err(|e| Failure::file("rename", target.path(), &e))?;
        Ok(peer)
    }
}

/// The dynamic linker, where arm64 programs say that it is.
const LOADER: &str = "/lib/ld-linux-aarch64.so.1";

fn place(cache: &Cache) -> PathBuf {
    cache.path(&format!("qemu-{SUITE}"))
}

fn source(place: &Path, path: &str) -> PathBuf {
    place.join(path.trim_start_matches('/'))
}

/// The files of an unpacked tree that a host needs: where each is there, and where its content is.
/// A library is there once, under the name that programs ask for.
fn picked(tree: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for path in [PROGRAM, LINKER_CACHE] {
        let file = source(tree, path);
        if file.is_file() {
            files.insert(path.to_owned(), file);
        }
    }
    for dir in ["usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu"] {
        let dir = tree.join(dir);
        let Ok(entries) = fs::read_dir(&dir) else {
            continue;
        };
        let entries: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        let links: BTreeSet<PathBuf> = entries
            .iter()
            .filter_map(|p| fs::read_link(p).ok())
            .collect();
        for path in &entries {
            let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
                continue;
            };
            let is_linked = links.contains(Path::new(name));
            if is_linked || !path.is_file() {
                continue;
            }
            let inside = match name {
                "ld-linux-aarch64.so.1" => LOADER.to_owned(),
                name => format!("/usr/lib/aarch64-linux-gnu/{name}"),
            };
            files.insert(inside, path.clone());
        }
    }
    Ok(files)
}
