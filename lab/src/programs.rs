//! Programs of Debian's archive with the libraries that they need: fetched and verified by our apt, and
//! unpacked into the cache, so that they run where they are not installed.

use crate::cache::{self, Cache};
use crate::failure::{Failure, Result, say};
use crate::packages::{self, Architecture, Program};
use crate::tools;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to have in the cache.
#[derive(Debug)]
pub struct Wanted {
    /// The package and what comes with it.
    pub from: Program,
    /// The programs, where they are on a Debian system.
    pub programs: &'static [&'static str],
    /// Libraries that are asked for by a name to which another one links.
    pub libraries: &'static [&'static str],
    /// Folders that they read, where these are on a Debian system: taken whole.
    pub trees: &'static [&'static str],
    /// Name of the folder in the cache.
    pub folder: String,
    /// What is fetched, and how much that is, in words.
    pub words: String,
}

/// What is in the cache.
#[derive(Debug, Serialize, Deserialize)]
pub struct Programs {
    /// Debian's version of the package.
    pub version: String,
    /// SHA-256 of each file, by where it is on a Debian system.
    files: BTreeMap<String, String>,
}

impl Programs {
    /// Finds the programs in the cache, or fetches them.
    pub fn provide(cache: &Cache, wanted: &Wanted) -> Result<Self> {
        let place = cache.path(&wanted.folder);
        if let Some(found) = Self::cached(&place) {
            return Ok(found);
        }
        let _guard = cache.lock()?;
        // Another lab may have fetched them while this one waited.
        if let Some(found) = Self::cached(&place) {
            return Ok(found);
        }
        if place.exists() {
            say(format_args!(
                "{} is not what was fetched once; fetching it again",
                place.display()
            ));
        }
        Self::fetch(cache, wanted, &place)
    }

    /// What was fetched once, if it still is that.
    fn cached(place: &Path) -> Option<Self> {
        let text = fs::read(place.join("about.json")).ok()?;
        let found: Self = serde_json::from_slice(&text).ok()?;
        let is_whole = |(path, digest): (&String, &String)| {
            cache::digest(&source(place, path)).is_ok_and(|d| d == *digest)
        };
        found.files.iter().all(is_whole).then_some(found)
    }

    /// The caller holds the cache's lock.
    fn fetch(cache: &Cache, wanted: &Wanted, place: &Path) -> Result<Self> {
        say(format_args!("fetching {}", wanted.words));
        let Program {
            archive, package, ..
        } = &wanted.from;
        let architecture = &archive.architecture;
        let (_packages, debs) = packages::download_program(cache, &wanted.from)?;
        let version = debs
            .first()
            .and_then(|own| own.file_stem()?.to_str()?.split('_').nth(1))
            .ok_or_else(|| Failure::environment(format!("apt fetched no {package}")))?
            .replace("%3a", ":");
        let tree = cache.scratch()?;
        let libraries = directories(architecture);
        let patterns: Vec<String> = libraries
            .iter()
            .map(|dir| format!("./{dir}/*.so*"))
            .chain(wanted.programs.iter().map(|path| format!(".{path}")))
            .chain(wanted.trees.iter().map(|path| format!(".{path}/*")))
            .collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        for deb in &debs {
            packages::unpack(deb, &patterns, tree.path())?;
        }
        let mut files = BTreeMap::new();
        let target = cache.scratch()?;
        let mut picked = picked(tree.path(), wanted.programs, wanted.libraries, architecture);
        for folder in wanted.trees {
            below(tree.path(), folder, &mut picked)?;
        }
        for (path, from) in picked {
            let to = source(target.path(), &path);
            let content = cache::read(&from)?;
            cache::write(&to, &content)?;
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&to, mode)
                .map_err(|e| Failure::file("make executable", &to, &e))?;
            files.insert(path, cache::digest(&to)?);
        }
        for needed in wanted.programs.iter().chain([&architecture.loader]) {
            if !files.contains_key(*needed) {
                return Err(Failure::environment(format!(
                    "Debian's {package} {version} and what it depends on have no {needed}, which is needed here"
                )));
            }
        }
        let programs = Self { version, files };
        let text = serde_json::to_vec_pretty(&programs)
            .map_err(|e| Failure::bug(format!("cannot write about.json: {e}")))?;
        cache::write(&target.path().join("about.json"), &text)?;
        let _ = fs::remove_dir_all(place);
        fs::rename(target.path(), place).map_err(|e| Failure::file("rename", target.path(), &e))?;
        Ok(programs)
    }

    /// Each file: where it is on a Debian system, and where it is here.
    pub fn files(&self, cache: &Cache, wanted: &Wanted) -> impl Iterator<Item = (&str, PathBuf)> {
        let place = cache.path(&wanted.folder);
        self.files
            .keys()
            .map(move |path| (path.as_str(), source(&place, path)))
    }

    /// Where a file or folder of them is here.
    pub fn place(&self, cache: &Cache, wanted: &Wanted, path: &str) -> PathBuf {
        source(&cache.path(&wanted.folder), path)
    }

    /// How one of the programs is started on this machine: by the loader and with the libraries that came
    /// with it, whatever this machine's own are.
    pub fn start(&self, cache: &Cache, wanted: &Wanted, program: &str) -> Start {
        let place = cache.path(&wanted.folder);
        let architecture = &wanted.from.archive.architecture;
        Start {
            program: source(&place, architecture.loader),
            args: vec![
                "--inhibit-cache".into(),
                "--library-path".into(),
                source(&place, &library(architecture, "")).into(),
                source(&place, program).into(),
            ],
        }
    }
}

/// How a program is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// What is run.
    pub program: PathBuf,
    /// Its first arguments.
    pub args: Vec<OsString>,
}

impl From<PathBuf> for Start {
    fn from(program: PathBuf) -> Self {
        let args = Vec::new();
        Self { program, args }
    }
}

impl Start {
    /// The command that starts it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        command
    }

    /// What it prints when it is started with these arguments.
    pub fn answer(&self, args: &[&str]) -> Result<String> {
        let mut command = self.command();
        let (status, out) = tools::output(command.args(args).env("LC_ALL", "C"))?;
        match status.success() {
            true => Ok(String::from_utf8_lossy(&out).into_owned()),
            false => Err(Failure::environment(format!(
                "{command:?} failed: {status}"
            ))),
        }
    }
}

fn source(place: &Path, path: &str) -> PathBuf {
    place.join(path.trim_start_matches('/'))
}

/// Where a library is on a Debian system.
fn library(architecture: &Architecture, name: &str) -> String {
    format!("/usr/lib/{}/{name}", architecture.triplet)
}

/// Where packages have their libraries. Older ones have them in `/lib`; on a Debian system, those two are
/// one directory.
fn directories(architecture: &Architecture) -> [String; 2] {
    let dir = format!("lib/{}", architecture.triplet);
    [format!("usr/{dir}"), dir]
}

/// The files of an unpacked tree that are needed: where each is on a Debian system, and where its content
/// is. A library is there once, under the name that programs ask for.
fn picked(
    tree: &Path,
    programs: &[&str],
    libraries: &[&str],
    architecture: &Architecture,
) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for path in programs {
        let file = source(tree, path);
        if file.is_file() {
            files.insert((*path).to_owned(), file);
        }
    }
    let loader = Path::new(architecture.loader).file_name();
    for dir in directories(architecture) {
        let Ok(entries) = fs::read_dir(tree.join(dir)) else {
            continue;
        };
        let entries: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        let links: BTreeSet<PathBuf> = entries
            .iter()
            .filter_map(|p| fs::read_link(p).ok())
            .collect();
        for path in &entries {
            let Some(name) = path.file_name() else {
                continue;
            };
            let asked = libraries.iter().any(|library| *library == name);
            if (links.contains(Path::new(name)) && !asked) || !path.is_file() {
                continue;
            }
            let inside = if Some(name) == loader {
                architecture.loader.to_owned()
            } else if let Some(name) = name.to_str() {
                library(architecture, name)
            } else {
                continue;
            };
            files.insert(inside, path.clone());
        }
    }
    files
}

/// Adds every file below a folder of an unpacked tree.
fn below(tree: &Path, folder: &str, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let here = source(tree, folder);
    let entries = fs::read_dir(&here).map_err(|e| Failure::file("list", &here, &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Failure::file("list", &here, &e))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{folder}/{name}");
        // A link may lead out of the tree; the files that it stands for are there themselves.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => below(tree, &path, files)?,
            Ok(kind) if kind.is_file() => {
                files.insert(path, entry.path());
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Scratch;
    use crate::packages::AMD64;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_library_is_there_once_by_the_name_that_programs_ask_for() {
        let scratch = Scratch::new().unwrap();
        let tree = scratch.path();
        for file in [
            "usr/bin/qemu",
            "usr/bin/other",
            "usr/lib/x86_64-linux-gnu/libz.so.1.2",
            "lib/x86_64-linux-gnu/libc.so.6",
            "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "usr/lib/x86_64-linux-gnu/liby.so.0.22",
        ] {
            cache::write(&tree.join(file), b"").unwrap();
        }
        symlink(
            "libz.so.1.2",
            tree.join("usr/lib/x86_64-linux-gnu/libz.so.1"),
        )
        .unwrap();
        symlink(
            "liby.so.0.22",
            tree.join("usr/lib/x86_64-linux-gnu/liby.so.0"),
        )
        .unwrap();
        let programs = ["/usr/bin/qemu", "/usr/bin/absent"];
        let found = picked(tree, &programs, &["liby.so.0.22"], &AMD64);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            [
                "/lib64/ld-linux-x86-64.so.2",
                "/usr/bin/qemu",
                "/usr/lib/x86_64-linux-gnu/libc.so.6",
                "/usr/lib/x86_64-linux-gnu/liby.so.0",
                "/usr/lib/x86_64-linux-gnu/liby.so.0.22",
                "/usr/lib/x86_64-linux-gnu/libz.so.1",
            ]
        );
    }
}
