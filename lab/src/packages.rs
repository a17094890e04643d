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
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Debian's archive keys (package `debian-archive-keyring`).
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Suites of the main archive.
const SUITES: &[&str] = &[
    "bullseye",
    "bookworm",
    "bookworm-backports",
    "trixie",
    "trixie-backports",
    "sid",
    "experimental",
];

/// Suites of the security archive, where there is one.
const SECURITY: &[&str] = &["bullseye-security", "bookworm-security", "trixie-security"];

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
    pub fn cached(cache: &Cache) -> Option<Self> {
        let text = fs::read(cache.path("apt/index.json")).ok()?;
        let index: Self = serde_json::from_slice(&text).ok()?;
        let age = now().saturating_sub(index.made);
        (age < FRESH.as_secs()).then_some(index)
    }

    /// Whether the index was taken so recently that taking it again would change nothing.
    pub fn is_new(&self) -> bool {
        now().saturating_sub(self.made) < 60 * 60
    }

    /// Takes the index of all suites from the archive. The caller holds the cache's lock.
    pub fn fetch(cache: &Cache) -> Result<Self> {
        tools::ensure(tools::ARCHIVE)?;
        configure(cache)?;
        say("fetching Debian's package indexes (about 40 MB, once a day)");
        let mut update = apt(cache);
        update.args(["-q", "update"]).stdout(Stdio::null());
        if !tools::run(&mut update, None)?.success() {
            say(
                "some of the indexes could not be fetched (see above); going on with those that could",
            );
        }
        let packages = read_indexes(cache)?;
        if packages.is_empty() {
            return Err(Failure::environment(
                "no package index of Debian could be fetched; apt's own messages are above",
            ));
        }
        let index = Self {
            made: now(),
            packages,
        };
        let text = serde_json::to_vec(&index)
            .map_err(|e| Failure::bug(format!("cannot write the index: {e}")))?;
        cache::write(&cache.path("apt/index.json"), &text)?;
        Ok(index)
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

/// An apt that uses our state and nothing of the machine's.
fn apt(cache: &Cache) -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("-c")
        .arg(cache.path("apt/apt.conf"))
        .stdin(Stdio::null())
        .env("LC_ALL", "C");
    command
}

/// Writes the configuration of our own apt.
fn configure(cache: &Cache) -> Result<()> {
    if !Path::new(KEYRING).exists() {
        return Err(Failure::environment(format!(
            "{KEYRING} is missing, so nothing from Debian's archive can be verified; \
             install it and try again:\n    sudo apt-get install -y debian-archive-keyring"
        )));
    }
    let (main, security) = mirrors()?;
    let line = |address: &str, suite: &str| {
        format!("deb [arch=arm64 signed-by={KEYRING}] {address} {suite} main\n")
    };
    let mut sources: String = SUITES.iter().map(|s| line(&main, s)).collect();
    if let Some(address) = security {
        sources.extend(SECURITY.iter().map(|s| line(&address, s)));
    }
    let root = cache.path("apt");
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
APT::Architecture "arm64";
#clear APT::Architectures;
APT::Architectures {{ "arm64"; }};
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
fn read_indexes(cache: &Cache) -> Result<Vec<Package>> {
    let mut command = apt(cache);
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
            && name.ends_with("-cloud-arm64"))
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

/// Downloads packages into `into`, verified by apt; for each wanted one where its file is, or `None`
/// where the archive does not have it any more. The caller holds the cache's lock.
pub fn download(
    cache: &Cache,
    wanted: &[&Package],
    into: &Scratch,
) -> Result<Vec<Option<PathBuf>>> {
    tools::ensure(tools::ARCHIVE)?;
    configure(cache)?;
    let mut command = apt(cache);
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

/// Downloads packages of a suite with all that they depend on into `into`, verified by apt; the result is
/// where the package files are. The caller holds the cache's lock.
pub fn download_with_dependencies(
    cache: &Cache,
    suite: &str,
    names: &[&str],
    into: &Scratch,
) -> Result<Vec<PathBuf>> {
    tools::ensure(tools::ARCHIVE)?;
    configure(cache)?;
    if Index::cached(cache).is_none() {
        Index::fetch(cache)?;
    }
    cache::make_dir(&into.path().join("partial"))?;
    let fetch = || {
        let mut command = apt(cache);
        command
            .args(["-qq", "-y", "--no-install-recommends", "--download-only"])
            .args(["-t", suite, "-o"])
            .arg(format!("Dir::Cache::archives={}", into.path().display()))
            .arg("install")
            .args(names)
            .stdout(Stdio::null());
        tools::run(&mut command, None)
    };
    if !fetch()?.success() {
        // What an older index names may be gone from the archive.
        Index::fetch(cache)?;
        if !fetch()?.success() {
            return Err(Failure::environment(format!(
                "Debian's archive did not give {} of {suite} for arm64; apt's own messages are above",
                names.join(", ")
            )));
        }
    }
    Ok(fs::read_dir(into.path())
        .map_err(|e| Failure::file("list", into.path(), &e))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "deb"))
        .collect())
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
