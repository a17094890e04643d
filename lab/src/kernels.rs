//! Kernels by series: `6.12` is the newest 6.12 that Debian's archive has for arm64.
//!
//! The `cloud` flavour, because it has KVM, the serial ports and the PCI host built in, so that an
//! emulated host needs no module; `6.12-16k` is the one with pages of 16 KiB. What was fetched once stays in the
//! cache, with its digest, and is what the series means until a refresh is asked for.

use crate::cache::{self, Cache};
use crate::failure::{Failure, Result, say};
use crate::packages::{self, Index, Package};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Kernel series whose hosts are recorded and stand in the documents: those of Debian's archive.
pub const SERIES: [&str; 11] = [
    "5.10", "6.1", "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3",
];

/// CPUs of those hosts.
pub const CPUS: [&str; 4] = ["cortex-a72", "cortex-a76", "neoverse-n1", "max"];

/// Kernel series of the host on which interrupt controllers are put under fire.
pub const TORTURED: &str = "6.12";

/// A kernel that can be booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// What the user asked for: a series, a version or a path.
    pub asked: String,
    /// Upstream version (`6.12.107`), or the file's name where a path was given.
    pub version: String,
    /// The uncompressed arm64 `Image`.
    pub image: PathBuf,
}

/// What is recorded beside each cached Image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// The package that it was taken from.
    pub package: Package,
    /// SHA-256 of the Image.
    sha256: String,
}

/// Which of Debian's builds of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flavour {
    /// For machines in clouds, with pages of 4 KiB.
    Cloud,
    /// With pages of 16 KiB, from 6.12 on. Of the CPUs of hosts a Cortex-A72 has none such.
    Pages16K,
}

impl Flavour {
    /// All of them.
    const ALL: [Self; 2] = [Self::Cloud, Self::Pages16K];

    /// How the names of its packages end.
    fn ending(self) -> &'static str {
        match self {
            Self::Cloud => packages::CLOUD,
            Self::Pages16K => packages::PAGES_16K,
        }
    }

    /// What stands behind a series in the name of a kernel.
    fn mark(self) -> &'static str {
        match self {
            Self::Cloud => "",
            Self::Pages16K => "-16k",
        }
    }

    /// Where its kernels are in the cache.
    fn folder(self) -> &'static str {
        match self {
            Self::Cloud => "kernels",
            Self::Pages16K => "kernels-16k",
        }
    }
}

/// Kernels of one series or point release, of one flavour.
#[derive(Debug, Clone)]
struct Series {
    numbers: Vec<u32>,
    flavour: Flavour,
}

/// A kernel version as Debian numbers it: upstream numbers, then Debian's revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    upstream: Vec<u32>,
    revision: u32,
}

impl Kernel {
    /// Whether it came from Debian's archive, and so is of a series.
    pub fn is_debians(&self) -> bool {
        self.beside().is_file()
    }

    fn beside(&self) -> PathBuf {
        self.image.with_file_name("about.json")
    }

    /// What is recorded beside it in the cache.
    pub fn about(&self) -> Result<About> {
        let path = self.beside();
        if !self.is_debians() {
            return Err(Failure::environment(format!(
                "{} did not come from Debian's archive, so nothing but the Image is known of it; name a series, e.g. --kernel 6.12",
                self.image.display()
            )));
        }
        serde_json::from_slice(&cache::read(&path)?)
            .map_err(|e| Failure::environment(format!("kernel {}: {e}", self.version)))
    }
}

impl Version {
    /// Reads `6.12.107-1~deb12u1`. Release candidates are no version of a series.
    fn parse(text: &str) -> Option<Self> {
        let (upstream, revision) = text.split_once('-')?;
        let upstream = upstream
            .split('.')
            .map(|n| n.parse().ok())
            .collect::<Option<Vec<u32>>>()?;
        let digits = revision.len()
            - revision
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        Some(Self {
            upstream,
            revision: revision[..digits].parse().ok()?,
        })
    }

    /// Whether this is a version of `series`, numbers of a series or of a point release.
    fn is_of(&self, series: &[u32]) -> bool {
        self.upstream.starts_with(series)
    }

    fn series(&self) -> String {
        let numbers: Vec<String> = self.upstream.iter().take(2).map(u32::to_string).collect();
        numbers.join(".")
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.upstream.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

/// Which kernel to take, as given on the command line.
enum Wanted {
    Path(PathBuf),
    Series(Series),
}

fn wanted(asked: &str) -> Result<Wanted> {
    if asked.contains('/') || Path::new(asked).is_file() {
        return Ok(Wanted::Path(PathBuf::from(asked)));
    }
    let marked = asked.strip_suffix(Flavour::Pages16K.mark());
    let flavour = marked.map_or(Flavour::Cloud, |_| Flavour::Pages16K);
    let series = marked.unwrap_or(asked);
    let numbers: Option<Vec<u32>> = series.split('.').map(|n| n.parse().ok()).collect();
    match numbers {
        Some(numbers) if (2..=3).contains(&numbers.len()) => {
            Ok(Wanted::Series(Series { numbers, flavour }))
        }
        _ => Err(Failure::usage(format!(
            "--kernel {asked}: neither a kernel series such as 6.12, or 6.12-16k for pages of 16 KiB, \
             a version such as 6.12.107, nor the path of an arm64 Image (a path has a `/` in it)"
        ))),
    }
}

/// Finds each of the kernels, fetching those that the cache does not have.
pub fn resolve(cache: &Cache, asked: &[String], refresh: bool) -> Result<Vec<Kernel>> {
    let mut found: BTreeMap<&str, Kernel> = BTreeMap::new();
    let mut missing: Vec<(&str, Series)> = Vec::new();
    for name in asked {
        // Many hosts have one kernel.
        if found.contains_key(name.as_str()) || missing.iter().any(|(other, _)| other == name) {
            continue;
        }
        match wanted(name)? {
            Wanted::Path(path) => {
                found.insert(name, from_path(name, &path)?);
            }
            Wanted::Series(series) => match newest_cached(cache, name, &series)? {
                Some(kernel) if !refresh => {
                    found.insert(name, kernel);
                }
                _ => missing.push((name, series)),
            },
        }
    }
    if !missing.is_empty() {
        let _guard = cache.lock()?;
        // Another lab may have fetched them while this one waited.
        if !refresh {
            let mut still = Vec::new();
            for (name, series) in missing {
                match newest_cached(cache, name, &series)? {
                    Some(kernel) => {
                        found.insert(name, kernel);
                    }
                    None => still.push((name, series)),
                }
            }
            missing = still;
        }
        fetch(cache, missing, &mut found)?;
    }
    asked
        .iter()
        .map(|name| {
            found
                .get(name.as_str())
                .cloned()
                .ok_or_else(|| Failure::bug(format!("kernel {name} was resolved to nothing")))
        })
        .collect()
}

/// Checks an Image that the user brings.
fn from_path(asked: &str, path: &Path) -> Result<Kernel> {
    check_image(path)?;
    Ok(Kernel {
        asked: asked.to_owned(),
        version: path
            .file_name()
            .map_or_else(|| asked.to_owned(), |n| n.to_string_lossy().into_owned()),
        image: path.to_owned(),
    })
}

/// An arm64 Image has `ARM\x64` at offset 56 (Documentation/arch/arm64/booting.rst).
fn check_image(path: &Path) -> Result<()> {
    let mut head = [0; 64];
    fs::File::open(path)
        .map_err(|e| Failure::file("open", path, &e))?
        .read_exact(&mut head)
        .map_err(|e| Failure::file("read the header of", path, &e))?;
    if &head[56..60] == b"ARM\x64" && head[4..8] != *b"zimg" {
        return Ok(());
    }
    let what = match head {
        [0x1f, 0x8b, ..] => "it is compressed with gzip; unpack it first (`zcat`)",
        [b'M', b'Z', _, _, b'z', b'i', b'm', b'g', ..] => {
            "it is a compressed EFI image; the uncompressed one is arch/arm64/boot/Image in a build tree"
        }
        _ => "it lacks the magic number of such an image",
    };
    Err(Failure::environment(format!(
        "{} is no uncompressed arm64 kernel Image: {what}",
        path.display()
    )))
}

/// The kernels of a flavour in the cache, oldest first.
fn cached(cache: &Cache, flavour: Flavour) -> Result<Vec<(Version, PathBuf)>> {
    let dir = cache.path(flavour.folder());
    let Ok(entries) = fs::read_dir(&dir) else {
        return Ok(Vec::new());
    };
    let mut kernels: Vec<(Version, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = Version::parse(path.file_name()?.to_str()?)?;
            path.join("about.json").is_file().then_some((version, path))
        })
        .collect();
    kernels.sort();
    Ok(kernels)
}

fn newest_cached(cache: &Cache, asked: &str, series: &Series) -> Result<Option<Kernel>> {
    for (version, dir) in cached(cache, series.flavour)?.into_iter().rev() {
        if !version.is_of(&series.numbers) {
            continue;
        }
        let about: Option<About> =
            serde_json::from_slice(&cache::read(&dir.join("about.json"))?).ok();
        let image = dir.join("Image");
        let whole =
            about.is_some_and(|a| cache::digest(&image).is_ok_and(|digest| digest == a.sha256));
        if whole {
            return Ok(Some(Kernel {
                asked: asked.to_owned(),
                version: format!("{version}{}", series.flavour.mark()),
                image,
            }));
        }
        say(format_args!(
            "{} is not what was fetched once; fetching it again",
            image.display()
        ));
        let _ = fs::remove_dir_all(&dir);
    }
    Ok(None)
}

/// Packages that may hold an Image of this series, best first.
fn candidates(index: &Index, series: &Series) -> Vec<(Version, Package)> {
    let mut found: Vec<(Version, Package)> = index
        .packages
        .iter()
        // Where Debian has split the package, the old name holds nothing but dependencies.
        .filter(|p| p.name.starts_with("linux-") && p.size > 1_000_000)
        .filter(|p| p.name.ends_with(series.flavour.ending()))
        .filter_map(|p| Some((Version::parse(&p.version)?, p.clone())))
        .filter(|(version, _)| version.is_of(&series.numbers))
        .collect();
    found.sort_by(|(a, p), (b, q)| {
        let signed = |p: &Package| !p.name.contains("unsigned");
        (b, signed(q), &p.suite).cmp(&(a, signed(p), &q.suite))
    });
    found
}

/// Fetches kernels of the wanted series into the cache. The caller holds the cache's lock.
fn fetch<'a>(
    cache: &Cache,
    mut missing: Vec<(&'a str, Series)>,
    found: &mut BTreeMap<&'a str, Kernel>,
) -> Result<()> {
    let mut index = Index::current(cache, &packages::HOSTS)?;
    // Where a suite turned out not to have its packages any more.
    let mut gone: Vec<(String, String)> = Vec::new();
    while !missing.is_empty() {
        let mut batch: Vec<(&str, Series, Version, Package)> = Vec::new();
        for (name, series) in &missing {
            let best = candidates(&index, series)
                .into_iter()
                .find(|(_, p)| !gone.iter().any(|(n, s)| n == name && *s == p.suite));
            match best {
                Some((version, package)) => batch.push((name, series.clone(), version, package)),
                None if !index.is_new() => {
                    index = Index::fetch(cache, &packages::HOSTS)?;
                    gone.clear();
                    batch.clear();
                    break;
                }
                None => return Err(no_such_series(cache, &index, (name, series.flavour))),
            }
        }
        if batch.is_empty() {
            continue;
        }
        let list: Vec<String> = batch.iter().map(|b| b.2.to_string()).collect();
        let size: u64 = batch.iter().map(|b| b.3.size).sum();
        say(format_args!(
            "fetching kernel {} ({} MB)",
            list.join(", "),
            size / 1_000_000
        ));
        let scratch = cache.scratch()?;
        let packages: Vec<&Package> = batch.iter().map(|b| &b.3).collect();
        let files = packages::download(cache, &packages, &scratch)?;
        missing.clear();
        for ((name, series, version, package), file) in batch.into_iter().zip(files) {
            let Some(file) = file else {
                say(format_args!(
                    "{} {} is in the index of {} but no longer in the archive",
                    package.name, package.version, package.suite
                ));
                gone.push((name.to_owned(), package.suite));
                missing.push((name, series));
                continue;
            };
            let image = install(cache, (&version, series.flavour), package, &file)?;
            found.insert(
                name,
                Kernel {
                    asked: name.to_owned(),
                    version: format!("{version}{}", series.flavour.mark()),
                    image,
                },
            );
        }
        // A day-old index may name what is gone: ask again before an older version is taken.
        if !missing.is_empty() && !index.is_new() {
            index = Index::fetch(cache, &packages::HOSTS)?;
            gone.clear();
        }
    }
    Ok(())
}

/// Puts the Image of a package into the cache.
fn install(
    cache: &Cache,
    (version, flavour): (&Version, Flavour),
    package: Package,
    deb: &Path,
) -> Result<PathBuf> {
    let scratch = cache.scratch()?;
    packages::unpack(
        deb,
        &["./boot/vmlinuz-*", "./usr/lib/modules/*/vmlinuz*"],
        scratch.path(),
    )?;
    let images = files_below(scratch.path())?;
    let [image] = images.as_slice() else {
        return Err(Failure::environment(format!(
            "{} {} has {} kernel images where one was expected",
            package.name,
            package.version,
            images.len()
        )));
    };
    check_image(image)?;
    let place = cache.path(&format!("{}/{}", flavour.folder(), package.version));
    let fresh = cache.scratch()?;
    let target = fresh.path().join("Image");
    fs::rename(image, &target).map_err(|e| Failure::file("rename", image, &e))?;
    let about = About {
        package,
        sha256: cache::digest(&target)?,
    };
    let text = serde_json::to_vec_pretty(&about)
        .map_err(|e| Failure::bug(format!("cannot write about.json: {e}")))?;
    cache::write(&fresh.path().join("about.json"), &text)?;
    cache::make_dir(&cache.path(flavour.folder()))?;
    let _ = fs::remove_dir_all(&place);
    fs::rename(fresh.path(), &place).map_err(|e| Failure::file("rename", fresh.path(), &e))?;
    say(format_args!("kernel {version} is in {}", place.display()));
    Ok(place.join("Image"))
}

pub fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        let entries = fs::read_dir(&dir).map_err(|e| Failure::file("list", &dir, &e))?;
        for entry in entries {
            let entry = entry.map_err(|e| Failure::file("list", &dir, &e))?;
            let kind = entry
                .file_type()
                .map_err(|e| Failure::file("look at", &entry.path(), &e))?;
            if kind.is_dir() {
                dirs.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

fn no_such_series(cache: &Cache, index: &Index, (asked, flavour): (&str, Flavour)) -> Failure {
    let have = cached(cache, flavour).unwrap_or_default();
    let mut series: Vec<Version> = index
        .packages
        .iter()
        .filter(|p| p.name.starts_with("linux-") && p.name.ends_with(flavour.ending()))
        .filter_map(|p| Version::parse(&p.version))
        .chain(have.into_iter().map(|(version, _)| version))
        .collect();
    series.sort();
    let name = |version: &Version| format!("{}{}", version.series(), flavour.mark());
    let mut names: Vec<String> = series.iter().map(name).collect();
    names.dedup();
    Failure::environment(format!(
        "kernel {asked} IS GONE: Debian's archive has no such arm64 kernel of that series (any more), and the \
         cache has none either. It has {}. A series that left the archive can still be used by giving \
         the path of its Image with --kernel PATH",
        names.join(", ")
    ))
}

/// Every series that the archive or the cache has: its newest version, and where it is if cached.
pub fn list(cache: &Cache, refresh: bool) -> Result<Vec<(String, String, Option<PathBuf>)>> {
    let index = match Index::cached(cache, &packages::HOSTS) {
        Some(index) if !refresh => index,
        _ => {
            let _guard = cache.lock()?;
            Index::fetch(cache, &packages::HOSTS)?
        }
    };
    let mut list = Vec::new();
    for flavour in Flavour::ALL {
        let mut series: BTreeMap<Vec<u32>, (Version, Option<PathBuf>)> = BTreeMap::new();
        let all = Series {
            numbers: Vec::new(),
            flavour,
        };
        for (version, _) in candidates(&index, &all).into_iter().rev() {
            let key = version.upstream.iter().take(2).copied().collect();
            series.insert(key, (version, None));
        }
        for (version, dir) in cached(cache, flavour)? {
            let key = version.upstream.iter().take(2).copied().collect();
            series.insert(key, (version, Some(dir.join("Image"))));
        }
        list.extend(series.into_values().map(|(version, image)| {
            let name = format!("{}{}", version.series(), flavour.mark());
            (name, version.to_string(), image)
        }));
    }
    Ok(list)
}

/// The static arm64 busybox for the initramfs: the newest of the newest stable suite that has one.
pub fn busybox(cache: &Cache) -> Result<Vec<u8>> {
    let place = cache.path("busybox/busybox");
    let record = cache.path("busybox/sha256");
    let is_whole = || {
        let recorded = fs::read_to_string(&record).ok()?;
        let digest = cache::digest(&place).ok()?;
        (digest == recorded).then_some(())
    };
    if is_whole().is_some() {
        return cache::read(&place);
    }
    let _guard = cache.lock()?;
    if is_whole().is_some() {
        return cache::read(&place);
    }
    let index = Index::current(cache, &packages::HOSTS)?;
    say("fetching busybox-static (1 MB)");
    for suite in ["trixie", "sid", "bookworm", "bullseye"] {
        let Some(package) = index
            .packages
            .iter()
            .find(|p| p.name == "busybox-static" && p.suite == suite)
        else {
            continue;
        };
        let scratch = cache.scratch()?;
        if let [Some(deb)] = packages::download(cache, &[package], &scratch)?.as_slice() {
            packages::unpack(deb, &["./usr/bin/busybox", "./bin/busybox"], scratch.path())?;
            let files = files_below(scratch.path())?;
            if let Some(file) = files.iter().find(|f| f.ends_with("bin/busybox")) {
                cache::write(&place, &cache::read(file)?)?;
                cache::write(&record, cache::digest(&place)?.as_bytes())?;
                return cache::read(&place);
            }
        }
    }
    Err(Failure::environment(
        "Debian's archive gave no busybox-static for arm64, which an emulated host needs to start",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, suite: &str, size: u64) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            suite: suite.to_owned(),
            size,
        }
    }

    #[test]
    fn versions_order_by_number_and_release_candidates_are_none() {
        let parse = |text| Version::parse(text);
        assert!(parse("6.12.107-1") > parse("6.12.94-1"));
        assert!(parse("6.12.115-2~deb12u1") > parse("6.12.115-1"));
        assert_eq!(parse("7.3~rc7-1~exp1"), None);
        assert_eq!(parse("nonsense"), None);
        assert_eq!(parse("5.10.223-1").unwrap().series(), "5.10");
    }

    #[test]
    fn the_newest_package_that_holds_an_image_is_taken() {
        let index = Index {
            made: 0,
            packages: vec![
                package(
                    "linux-image-7.2.12+deb13-cloud-arm64",
                    "7.2.12-1",
                    "sid",
                    1900,
                ),
                package(
                    "linux-binary-unsigned-7.2.12+deb13-cloud-arm64",
                    "7.2.12-1",
                    "sid",
                    10_000_000,
                ),
                package(
                    "linux-binary-7.2.12+deb13-cloud-arm64",
                    "7.2.12-1",
                    "sid",
                    10_000_000,
                ),
                package(
                    "linux-binary-7.2.9+deb13-cloud-arm64",
                    "7.2.9-1",
                    "sid",
                    10_000_000,
                ),
                package(
                    "linux-binary-7.2.9+deb13-arm64-16k",
                    "7.2.9-1",
                    "sid",
                    60_000_000,
                ),
            ],
        };
        let series = |numbers: &[u32], flavour| Series {
            numbers: numbers.to_vec(),
            flavour,
        };
        let cloud = |numbers: &[u32]| candidates(&index, &series(numbers, Flavour::Cloud));
        let (version, best) = cloud(&[7, 2]).remove(0);
        assert_eq!(version.to_string(), "7.2.12");
        assert_eq!(best.name, "linux-binary-7.2.12+deb13-cloud-arm64");
        assert!(cloud(&[7]).len() == 3 && cloud(&[7, 20]).is_empty());
        let (version, best) = candidates(&index, &series(&[7, 2], Flavour::Pages16K)).remove(0);
        assert_eq!(version.to_string(), "7.2.9");
        assert_eq!(best.name, "linux-binary-7.2.9+deb13-arm64-16k");
    }

    #[test]
    fn what_is_neither_series_nor_path_is_refused() {
        assert!(matches!(wanted("6.12"), Ok(Wanted::Series(_))));
        assert!(
            matches!(wanted("6.12-16k"), Ok(Wanted::Series(s)) if s.flavour == Flavour::Pages16K)
        );
        assert!(matches!(wanted("./Image"), Ok(Wanted::Path(_))));
        for bad in ["6", "6.12.1.1", "latest", "6.x", "", "-16k", "6.12-4k"] {
            assert!(wanted(bad).is_err(), "{bad}");
        }
    }
}
