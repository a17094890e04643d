//! Debian's package archive, through an apt state of our own.
//!
//! apt does the verifying: every index is checked against the signature of Debian's archive key and
//! every package against the index. The machine's own apt lists, caches and package database are
//! neither read nor changed; only its mirror address and its proxy settings are used.

use crate::cache::{self, Cache, Scratch};
use crate::failure::{Failure, Result, say};
use crate::tools;
use serde::{Deserialize, Serialize};
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Debian's archive keys (package `debian-archive-keyring`).
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An architecture, as Debian and its C library name things.
#[derive(Debug, Clone, Copy)]
pub struct Architecture {
    /// Debian's name of it.
    pub name: &'static str,
    /// The directory of its libraries, below `/usr/lib`.
    pub triplet: &'static str,
    /// The dynamic loader, where programs say that it is.
    pub loader: &'static str,
}

/// That of the hosts.
pub const ARM64: Architecture = Architecture {
    name: "arm64",
    triplet: "aarch64-linux-gnu",
    loader: "/lib/ld-linux-aarch64.so.1",
};

/// That of most machines that emulate them.
pub const AMD64: Architecture = Architecture {
    name: "amd64",
    triplet: "x86_64-linux-gnu",
    loader: "/lib64/ld-linux-x86-64.so.2",
};

impl Architecture {
    /// That of this machine, where its programs can be fetched.
    pub fn native() -> Option<Self> {
        match env::consts::ARCH {
            "x86_64" => Some(AMD64),
            "aarch64" => Some(ARM64),
            _ => None,
        }
    }
}

/// What an apt of ours knows of the archive.
#[derive(Debug, Clone, Copy)]
pub struct Archive {
    /// Where in the cache its state is.
    pub state: &'static str,
    /// Which packages it takes.
    pub architecture: Architecture,
    /// Suites of the main archive.
    pub suites: &'static [&'static str],
    /// Suites of the security archive, where the machine knows one.
    pub security: &'static [&'static str],
    /// How much the indexes come to, in MB.
    pub megabytes: u32,
}

impl Archive {
    /// A path inside its state.
    fn path(&self, cache: &Cache, inner: &str) -> PathBuf {
        cache.path(self.state).join(inner)
    }
}

/// Everything that runs inside hosts.
pub const HOSTS: Archive = Archive {
    state: "apt",
    architecture: ARM64,
    suites: &[
        "bullseye",
        "bookworm",
        "bookworm-backports",
        "trixie",
        "trixie-backports",
        "sid",
        "experimental",
    ],
    security: &["bullseye-security", "bookworm-security", "trixie-security"],
    megabytes: 40,
};

/// How the names of kernels for clouds end.
pub const CLOUD: &str = "-cloud-arm64";

/// How those of kernels with pages of 16 KiB do.
pub const PAGES_16K: &str = "-arm64-16k";

/// What of the indexes can matter to the lab; by another name since it has kernels with pages of 16 KiB, which a lab
/// that does not know of them would take for others.
const INDEX: &str = "index-2.json";

/// How long an index is good for. Point versions come and go; a day is what the archive itself
/// takes between two changes.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// One package of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Name of the binary package.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// Suite whose index lists it.
    pub suite: String,
    /// Size of the package file, in bytes.
    pub size: u64,
}

/// The packages of the archive that can matter to the lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Index {
    /// Seconds since 1970 when the index was taken.
    pub made: u64,
    /// The packages, in no particular order.
    pub packages: Vec<Package>,
}

impl Index {
    /// The index in the cache, if there is one and it is not too old.
    pub fn cached(cache: &Cache, archive: &Archive) -> Option<Self> {
        let text = fs::read(archive.path(cache, INDEX)).ok()?;
        let index: Self = serde_json::from_slice(&text).ok()?;
        let age = now().saturating_sub(index.made);
        (age < FRESH.as_secs()).then_some(index)
    }

    /// Whether the index was taken so recently that taking it again would change nothing.
    pub fn is_new(&self) -> bool {
        now().saturating_sub(self.made) < 60 * 60
    }

    /// The one in the cache, or else a new one. The caller holds the cache's lock.
    pub fn current(cache: &Cache, archive: &Archive) -> Result<Self> {
        Self::cached(cache, archive).map_or_else(|| Self::fetch(cache, archive), Ok)
    }

    /// Takes the index of all suites from the archive. The caller holds the cache's lock.
    pub fn fetch(cache: &Cache, archive: &Archive) -> Result<Self> {
        tools::ensure(tools::ARCHIVE)?;
        configure(cache, archive)?;
        say(format_args!(
            "fetching Debian's package indexes for {} (about {} MB, at most once a day)",
            archive.architecture.name, archive.megabytes
        ));
        let mut update = apt(cache, archive);
        update.args(["-q", "update"]).stdout(Stdio::null());
        if !tools::run(&mut update, None)?.success() {
            say(
                "some of the indexes could not be fetched (see above); going on with those that could",
            );
        }
        let packages = read_indexes(cache, archive)?;
        if packages.is_empty() {
            return Err(Failure::environment(
                "no package index of Debian could be fetched; apt's own messages are above",
            ));
        }
        count(u64::from(archive.megabytes) * 1_000_000);
        let index = Self {
            made: now(),
            packages,
        };
        let text = serde_json::to_vec(&index)
            .map_err(|e| Failure::bug(format!("cannot write the index: {e}")))?;
        cache::write(&archive.path(cache, INDEX), &text)?;
        Ok(index)
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

/// An apt that uses our state and nothing of the machine's.
fn apt(cache: &Cache, archive: &Archive) -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("-c")
        .arg(archive.path(cache, "apt.conf"))
        .stdin(Stdio::null())
        .env("LC_ALL", "C");
    command
}

/// Writes the configuration of our own apt.
fn configure(cache: &Cache, archive: &Archive) -> Result<()> {
    if !Path::new(KEYRING).exists() {
        return Err(Failure::environment(format!(
            "{KEYRING} is missing, so nothing from Debian's archive can be verified; \
             install it and try again:\n    sudo apt-get install -y debian-archive-keyring"
        )));
    }
    let (main, security) = mirrors()?;
    let architecture = archive.architecture.name;
    let line = |address: &str, suite: &str| {
        format!("deb [arch={architecture} signed-by={KEYRING}] {address} {suite} main\n")
    };
    let mut sources: String = archive.suites.iter().map(|s| line(&main, s)).collect();
    if let Some(address) = security {
        sources.extend(archive.security.iter().map(|s| line(&address, s)));
    }
    let root = cache.path(archive.state);
    for dir in ["lists/partial", "archives/partial"] {
        cache::make_dir(&root.join(dir))?;
    }
    cache::write(&root.join("sources.list"), sources.as_bytes())?;
    // An empty package database: nothing is installed as far as this apt knows.
    cache::write(&root.join("status"), b"")?;
    let place = root.display();
    let settings = format!(
        r#"Dir::Etc::sourcelist "{place}/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "{place}";
Dir::State::lists "{place}/lists";
Dir::State::status "{place}/status";
Dir::Cache "{place}";
APT::Architecture "{architecture}";
#clear APT::Architectures;
APT::Architectures {{ "{architecture}"; }};
// The machine's hooks are about the machine's packages.
#clear APT::Update;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear Acquire::IndexTargets::deb::DEP-11-icons-large;
#clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;
#clear Acquire::IndexTargets::deb::DEP-11-icons-large-hidpi;
#clear Acquire::IndexTargets::deb::CNF;
Acquire::Languages "none";
// Suites that are no longer maintained are not signed anew.
Acquire::Check-Valid-Until "false";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
// Only the user who runs the lab can read its cache.
APT::Sandbox::User "root";
"#
    );
    cache::write(&root.join("apt.conf"), settings.as_bytes())
}

/// The addresses of the main and the security archive: from the environment, or those that the
/// machine's own apt uses.
fn mirrors() -> Result<(String, Option<String>)> {
    let set = |name: &str| env::var(name).ok().filter(|v| !v.trim().is_empty());
    if let Some(main) = set("VMLOCK_MIRROR") {
        return Ok((main, set("VMLOCK_SECURITY_MIRROR")));
    }
    let mut command = Command::new("apt-get");
    command
        .args([
            "indextargets",
            "--format",
            "$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(SIGNED_BY)",
            "Created-By: Packages",
        ])
        .env("LC_ALL", "C");
    let (_, out) = tools::output(&mut command)?;
    let (main, security) = pick_mirrors(&String::from_utf8_lossy(&out));
    match main {
        Some(main) => Ok((main, security)),
        None => Err(Failure::environment(
            "this machine's apt knows no Debian mirror. Name one in VMLOCK_MIRROR (the address that \
             has `dists/` below it) and, for security updates, in VMLOCK_SECURITY_MIRROR; \
             or give the path of an arm64 Image with --kernel PATH",
        )),
    }
}

/// Picks Debian's archives from lines `address|origin|label|signed-by`. Origin and label are empty
/// where the machine never fetched that index.
fn pick_mirrors(targets: &str) -> (Option<String>, Option<String>) {
    let (mut main, mut security) = (None, None);
    for line in targets.lines() {
        let mut parts = line.split('|');
        let mut next = || parts.next().unwrap_or_default();
        let (address, origin, label, signed_by) = (next(), next(), next(), next());
        let address = address.trim_end_matches('/');
        let says_debian = match origin {
            "" => {
                signed_by.contains("debian-archive")
                    || address.ends_with("/debian")
                    || address.ends_with("/debian-security")
            }
            other => other == "Debian",
        };
        if address.is_empty() || !says_debian {
            continue;
        }
        let slot = if label == "Debian-Security" || address.ends_with("-security") {
            &mut security
        } else {
            &mut main
        };
        slot.get_or_insert_with(|| address.to_owned());
    }
    (main, security)
}

/// Reads the package indexes that our apt has fetched and verified.
fn read_indexes(cache: &Cache, archive: &Archive) -> Result<Vec<Package>> {
    let mut command = apt(cache, archive);
    command.args([
        "indextargets",
        "--format",
        "$(FILENAME)|$(RELEASE)",
        "Created-By: Packages",
    ]);
    let (_, out) = tools::output(&mut command)?;
    let mut packages = Vec::new();
    for line in String::from_utf8_lossy(&out).lines() {
        let Some((file, suite)) = line.split_once('|') else {
            continue;
        };
        // apt lists the target also where its fetch failed.
        if file.is_empty() || !Path::new(file).exists() {
            say(format_args!("there is no index of suite {suite}"));
            continue;
        }
        let mut child = Command::new("/usr/lib/apt/apt-helper")
            .args(["cat-file", file])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| Failure::environment(format!("cannot run apt-helper: {e}")))?;
        if let Some(text) = child.stdout.take() {
            parse_index(BufReader::new(text), suite, &mut packages)
                .map_err(|e| Failure::file("read", Path::new(file), &e))?;
        }
        let _ = child.wait();
    }
    Ok(packages)
}

/// Whether the lab can have a use for the package.
fn is_wanted(name: &str) -> bool {
    matches!(name, "busybox-static" | "rust-src")
        || (["linux-image-", "linux-binary-"]
            .iter()
            .any(|start| name.starts_with(start))
            && [CLOUD, PAGES_16K].iter().any(|end| name.ends_with(end)))
}

/// Picks the wanted packages of one index (stanzas of `Field: value` lines with empty lines between).
fn parse_index(
    mut text: impl BufRead,
    suite: &str,
    packages: &mut Vec<Package>,
) -> std::io::Result<()> {
    let mut line = Vec::new();
    let mut current: Option<Package> = None;
    loop {
        line.clear();
        let end = text.read_until(b'\n', &mut line)? == 0;
        let content = line.trim_ascii_end();
        if content.is_empty() {
            packages.extend(current.take().filter(|p| !p.version.is_empty()));
            if end {
                return Ok(());
            }
            continue;
        }
        let value = |field: &str| {
            let rest = content.strip_prefix(field.as_bytes())?;
            str::from_utf8(rest.strip_prefix(b": ")?).ok()
        };
        if let Some(name) = value("Package") {
            current = is_wanted(name).then(|| Package {
                name: name.to_owned(),
                version: String::new(),
                suite: suite.to_owned(),
                size: 0,
            });
        } else if let Some(package) = &mut current {
            if let Some(version) = value("Version") {
                version.clone_into(&mut package.version);
            } else if let Some(size) = value("Size") {
                package.size = size.parse().unwrap_or(0);
            }
        }
    }
}

/// Downloads packages for hosts into `into`, verified by apt; for each wanted one where its file is, or
/// `None` where the archive does not have it any more. The caller holds the cache's lock.
pub fn download(
    cache: &Cache,
    wanted: &[&Package],
    into: &Scratch,
) -> Result<Vec<Option<PathBuf>>> {
    tools::ensure(tools::ARCHIVE)?;
    configure(cache, &HOSTS)?;
    let mut command = apt(cache, &HOSTS);
    command
        .args(["-q", "download"])
        .args(wanted.iter().map(|p| format!("{}={}", p.name, p.version)))
        .current_dir(into.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // apt ends with an error when any one of them is gone; which one shows by what is there.
    tools::run(&mut command, None)?;
    let names: Vec<PathBuf> = fs::read_dir(into.path())
        .map_err(|e| Failure::file("list", into.path(), &e))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .collect();
    count_files(&names);
    Ok(wanted
        .iter()
        .map(|package| {
            let start = format!("{}_{}_", package.name, package.version.replace(':', "%3a"));
            names
                .iter()
                .find(|path| {
                    path.file_name()
                        .and_then(|n| n.to_str())
                        .is_some_and(|n| n.starts_with(&start) && n.ends_with(".deb"))
                })
                .cloned()
        })
        .collect())
}

/// A package with programs, and what to fetch with it.
#[derive(Debug)]
pub struct Program {
    /// Where it is taken from.
    pub archive: Archive,
    /// The suite that is preferred, where the archive has several.
    pub suite: Option<&'static str>,
    /// The package.
    pub package: &'static str,
    /// Further packages.
    pub also: &'static [&'static str],
    /// Of what the package depends on, what is left out: packages whose names start so.
    pub without: &'static str,
}

/// Downloads a package with what it needs, all verified by apt; the result is where the package files
/// are, the package's own first. The caller holds the cache's lock.
pub fn download_program(cache: &Cache, program: &Program) -> Result<(Scratch, Vec<PathBuf>)> {
    let Program {
        archive, package, ..
    } = program;
    tools::ensure(tools::ARCHIVE)?;
    configure(cache, archive)?;
    Index::current(cache, archive)?;
    if let Some(found) = try_program(cache, program)? {
        return Ok(found);
    }
    // What an older index names may be gone from the archive.
    Index::fetch(cache, archive)?;
    try_program(cache, program)?.ok_or_else(|| {
        Failure::environment(format!(
            "Debian's archive did not give {package} of {} for {}; apt's own messages are above",
            program.suite.unwrap_or(&archive.suites.join(", ")),
            archive.architecture.name
        ))
    })
}

/// The same without another attempt: nothing where apt failed.
fn try_program(cache: &Cache, program: &Program) -> Result<Option<(Scratch, Vec<PathBuf>)>> {
    let into = cache.scratch()?;
    let suite = program.suite;
    let fetch = |verb: &[&str], names: &[String]| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        fetch_into(cache, &program.archive, suite, &into, verb, &names)
    };
    if !fetch(&["download"], &[program.package.to_owned()])? {
        return Ok(None);
    }
    let mut found = fetched(&into)?;
    let [own] = found.as_slice() else {
        return Ok(None);
    };
    let mut ask = Command::new("dpkg-deb");
    let (status, depends) = tools::output(ask.arg("-f").arg(own).arg("Depends"))?;
    if !status.success() {
        return Err(Failure::environment(format!(
            "{} does not say what it depends on",
            own.display()
        )));
    }
    let depends = String::from_utf8_lossy(&depends);
    let mut names = dependencies(&depends);
    names.retain(|name| !name.starts_with(program.without));
    names.extend(program.also.iter().map(|&name| name.to_owned()));
    if !fetch(&["--download-only", "install"], &names)? {
        return Ok(None);
    }
    let own = own.clone();
    found.extend(fetched(&into)?.into_iter().filter(|file| *file != own));
    Ok(Some((into, found)))
}

/// Downloads packages of a suite with all that they need, verified by apt; the result is where the package files are. The
/// caller holds the cache's lock.
pub fn download_all(
    cache: &Cache,
    archive: &Archive,
    suite: &str,
    names: &[&str],
) -> Result<(Scratch, Vec<PathBuf>)> {
    tools::ensure(tools::ARCHIVE)?;
    configure(cache, archive)?;
    Index::current(cache, archive)?;
    let into = cache.scratch()?;
    let verb = &["--download-only", "install"];
    let attempt = || fetch_into(cache, archive, Some(suite), &into, verb, names);
    // What an older index names may be gone from the archive.
    if !(attempt()? || Index::fetch(cache, archive).is_ok() && attempt()?) {
        return Err(Failure::environment(format!(
            "Debian's archive did not give all of {suite} that a disk needs; apt's own messages are above"
        )));
    }
    let found = fetched(&into)?;
    Ok((into, found))
}

/// Has apt fetch packages into a folder; whether it could.
fn fetch_into(
    cache: &Cache,
    archive: &Archive,
    suite: Option<&str>,
    into: &Scratch,
    verb: &[&str],
    names: &[&str],
) -> Result<bool> {
    cache::make_dir(&into.path().join("partial"))?;
    let mut command = apt(cache, archive);
    command
        .args(["-qq", "-y", "--no-install-recommends", "-o"])
        .arg(format!("Dir::Cache::archives={}", into.path().display()))
        .args(suite.iter().flat_map(|suite| ["-t", *suite]))
        .args(verb)
        .args(names)
        .current_dir(into.path())
        .stdout(Stdio::null());
    let before = fetched(into)?;
    let success = tools::run(&mut command, None)?.success();
    let mut new = fetched(into)?;
    new.retain(|file| !before.contains(file));
    count_files(&new);
    Ok(success)
}

/// Bytes that were fetched from the archive by this process.
static FETCHED: AtomicU64 = AtomicU64::new(0);

/// How many megabytes this process has fetched from Debian's archive, its indexes by what they are said to have.
pub fn megabytes() -> u64 {
    FETCHED.load(Ordering::Relaxed) / 1_000_000
}

fn count(bytes: u64) {
    FETCHED.fetch_add(bytes, Ordering::Relaxed);
}

fn count_files(files: &[PathBuf]) {
    let sizes = files
        .iter()
        .filter_map(|file| Some(fs::metadata(file).ok()?.len()));
    count(sizes.sum());
}

/// The package files of a folder.
fn fetched(into: &Scratch) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(into.path())
        .map_err(|e| Failure::file("list", into.path(), &e))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "deb"));
    Ok(files.collect())
}

/// The packages of a `Depends` field (`a (>= 1), b:any | c`): of alternatives the first, which Debian
/// prefers.
fn dependencies(field: &str) -> Vec<String> {
    field
        .split(',')
        .filter_map(|one| one.split_whitespace().next())
        .filter_map(|name| name.split(':').next())
        .map(str::to_owned)
        .collect()
}

/// Unpacks those members of a package that match one of the shell patterns (each starting with
/// `./`) into a directory.
pub fn unpack(deb: &Path, patterns: &[&str], into: &Path) -> Result<()> {
    let mut archive = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(deb)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| Failure::environment(format!("cannot run dpkg-deb: {e}")))?;
    let members = archive
        .stdout
        .take()
        .ok_or_else(|| Failure::bug("dpkg-deb has no output"))?;
    // A pattern that matches nothing makes tar fail, and tells nothing: callers look for the
    // files that they need.
    let mut tar = Command::new("tar");
    tar.arg("-x")
        .arg("-C")
        .arg(into)
        .args(["--no-same-owner", "--wildcards", "--"])
        .args(patterns)
        .stdin(members)
        .stderr(Stdio::null());
    tools::run(&mut tar, None)?;
    let status = archive
        .wait()
        .map_err(|e| Failure::environment(format!("cannot wait for dpkg-deb: {e}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::environment(format!(
            "{} is not a whole Debian package",
            deb.display()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_packages_are_picked_from_an_index() {
        let text = "Package: bash\nVersion: 5\nSize: 1\n\n\
            Package: linux-image-6.12.9+deb13-cloud-arm64\nSource: x\nVersion: 6.12.9-1\nSize: 77\n\n\
            Package: busybox-static\nVersion: 1:1.37.0-6\nSize: 5\n";
        let mut packages = Vec::new();
        parse_index(text.as_bytes(), "trixie", &mut packages).unwrap();
        let seen: Vec<_> = packages
            .iter()
            .map(|p| (p.name.as_str(), p.version.as_str(), p.size))
            .collect();
        assert_eq!(
            seen,
            [
                ("linux-image-6.12.9+deb13-cloud-arm64", "6.12.9-1", 77),
                ("busybox-static", "1:1.37.0-6", 5),
            ]
        );
    }

    #[test]
    fn of_each_dependency_the_first_alternative_is_taken() {
        let field = "libc6 (>= 2.34), perl:any,\n liba | libb (= 1),\n";
        assert_eq!(dependencies(field), ["libc6", "perl", "liba"]);
        assert!(dependencies("\n").is_empty());
    }

    #[test]
    fn mirrors_are_those_of_debian_only() {
        let targets = "https://other.example/apt/|Other|Other|\n\
            http://mirror.example/debian/|Debian|Debian|\n\
            http://mirror.example/debian-security/|Debian|Debian-Security|\n";
        assert_eq!(
            pick_mirrors(targets),
            (
                Some("http://mirror.example/debian".to_owned()),
                Some("http://mirror.example/debian-security".to_owned())
            )
        );
    }

    #[test]
    fn mirrors_are_found_before_the_first_update() {
        let targets = "http://a.example/debian/|||\nhttp://a.example/debian-security/|||\n\
            http://b.example/ubuntu/|||\n";
        assert_eq!(
            pick_mirrors(targets),
            (
                Some("http://a.example/debian".to_owned()),
                Some("http://a.example/debian-security".to_owned())
            )
        );
        assert_eq!(
            pick_mirrors("http://b.example/ubuntu/|Ubuntu|Ubuntu|\n"),
            (None, None)
        );
    }
}
