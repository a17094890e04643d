//! A Debian that has nothing but apt and what this needs: packages unpacked and not configured, no maintainer script of
//! theirs runs. For this machine it is entered by `chroot`; that for arm64 elsewhere is the disk of an emulated host, on a
//! real kernel.

use super::typed::Typed;
use super::{LIMIT, NAMESPACES};
use crate::cache::{self, Cache};
use crate::disk;
use crate::emulate::Ended;
use crate::failure::{Failure, Result};
use crate::packages::{self, AMD64, ARM64, Architecture, Archive, HOSTS};
use crate::release::archive::Files;
use crate::step::{self, Done, Step};
use crate::tools;
use crate::trial::Bench;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The release, and what is in it: apt, and what dpkg and the scripts call.
const SUITE: &str = "trixie";
const PACKAGES: &[&str] = &[
    "apt",
    "base-files",
    "bash",
    "coreutils",
    "dash",
    "debianutils",
    "diffutils",
    "dpkg",
    "findutils",
    "grep",
    "gzip",
    "libc-bin",
    "sed",
    "tar",
];
/// Packages for amd64; those for arm64 are of [`HOSTS`].
const FOR_AMD64: Archive = Archive {
    state: "apt-release",
    architecture: AMD64,
    suites: &[SUITE],
    security: &["trixie-security"],
    megabytes: 10,
};
/// Debian's directories.
const LINKS: [&str; 4] = ["bin", "sbin", "lib", "lib64"];
/// Nobody else than root is there.
const ALONE: [(&str, &str); 3] = [
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
    ("etc/group", "root:x:0:\n"),
    ("dev/null", ""),
];
/// What apt and dpkg want to find, and nobody answers.
const FILES: [(&str, &str); 2] = [
    (
        "etc/apt/apt.conf",
        "APT::Sandbox::User \"root\";\nAPT::Get::Assume-Yes \"true\";\n",
    ),
    ("var/lib/dpkg/status", ""),
];
const DIRS: [&str; 8] = [
    "etc/apt/preferences.d",
    "var/lib/apt/lists/partial",
    "var/cache/apt/archives/partial",
    "var/lib/dpkg/info",
    "var/lib/dpkg/updates",
    "var/log/apt",
    "tmp",
    "usr/local",
];
/// Bytes of it as a disk.
const BYTES: u64 = 1 << 30;

/// Enters it, for one script: the tree, and the script.
const CHROOT: &str = r#"
exec 2>&1
mount -o bind /dev/null "$0/dev/null"
exec chroot "$0" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin /bin/bash -c "cd /given; $1"
"#;
/// The same in an emulated host, whose first disk it is.
const HOST: &str = r#"
mkdir -p /tree && mount -t ext4 /dev/vda /tree || exit 1
exec sh -c "$1" /tree "$0"
"#;
/// CPU and kernel of such hosts.
const CPU: &str = "cortex-a72";
const KERNEL: &str = "6.12";

/// What is wrong with what is for an architecture, once it is installed there.
pub fn tried(
    cache: &Cache,
    architecture: Architecture,
    files: &Files,
    typed: &Typed,
) -> Result<Vec<String>> {
    let scratch = cache.scratch()?;
    let tree = scratch.path().join("tree");
    let name = architecture.name;
    let is_native = Architecture::native().is_some_and(|native| native.name == name);
    if !is_native && name != ARM64.name {
        return Ok(vec![format!(
            "what is for {name} was not tried: this machine is another, and hosts are emulated for {} alone",
            ARM64.name
        )]);
    }
    fill(cache, architecture, &tree, files)?;
    let script = typed.script(name);
    if is_native {
        return Ok(typed.judge(name, &entered(&tree, &script)?));
    }
    let image = scratch.path().join("tree.img");
    disk::file_system(&tree, &image, BYTES)?;
    let host = Host {
        name: &format!("what is for {name} can be installed"),
        words: &[HOST, &script, CHROOT],
        disk: image,
        limit: LIMIT,
    };
    host.tried(cache, |ended| typed.judge(name, ended))
}

/// An emulated host for one script.
pub struct Host<'a> {
    /// What holds if nothing is wrong there.
    pub name: &'a str,
    /// The script of its shell, and the script's words, from `$0` on.
    pub words: &'a [&'a str],
    /// Its disk.
    pub disk: PathBuf,
    /// How long the script may take.
    pub limit: Duration,
}

impl Host<'_> {
    /// What is wrong, by how the script ended there.
    pub fn tried(
        self,
        cache: &Cache,
        judge: impl Fn(&Ended) -> Vec<String>,
    ) -> Result<Vec<String>> {
        let bench = Bench::prepare(cache)?;
        let mut errand = bench.errand(CPU, KERNEL, &[[&["-c"], self.words].concat()]);
        errand.by_shell = true;
        errand.modules = vec!["ext4".to_owned()];
        errand.disks = vec![self.disk];
        errand.limit = self.limit;
        let judge = |done: &[Done]| {
            let jobs: Vec<_> = done.iter().flat_map(|done| &done.jobs).collect();
            match jobs[..] {
                [ended] => Ok(judge(ended)),
                _ => Err(Failure::bug("one job was wanted, and not one was done")),
            }
        };
        let step = Step {
            name: self.name.to_owned(),
            errands: vec![errand],
            judge: Box::new(judge),
        };
        step::run_alone(cache, &bench, step)
    }
}

/// Makes it, with the release's files for that architecture.
fn fill(cache: &Cache, architecture: Architecture, tree: &Path, files: &Files) -> Result<()> {
    let archive = match architecture.name == AMD64.name {
        true => FOR_AMD64,
        false => HOSTS,
    };
    for name in LINKS {
        cache::make_dir(&tree.join("usr").join(name))?;
        let link = tree.join(name);
        symlink(format!("usr/{name}"), &link)
            .map_err(|e| Failure::file("make the link", &link, &e))?;
    }
    {
        let _guard = cache.lock()?;
        let (_packages, debs) = packages::download_all(cache, &archive, SUITE, PACKAGES)?;
        for deb in &debs {
            packages::unpack(deb, &["./*"], tree)?;
        }
    }
    for (path, text) in ALONE {
        cache::write(&tree.join(path), text.as_bytes())?;
    }
    provide(tree, architecture, files)
}

/// Puts into a tree that has apt what it wants to find, and the release's files for that architecture.
pub fn provide(tree: &Path, architecture: Architecture, files: &Files) -> Result<()> {
    DIRS.iter()
        .try_for_each(|dir| cache::make_dir(&tree.join(dir)))?;
    for (path, text) in FILES {
        cache::write(&tree.join(path), text.as_bytes())?;
    }
    for (name, _, content) in files
        .iter()
        .filter(|(name, ..)| name.contains(architecture.name))
    {
        cache::write(&tree.join("given").join(name), content)?;
    }
    Ok(())
}

/// Runs a script in it on this machine; what is mounted for that is seen by nobody else.
fn entered(tree: &Path, script: &str) -> Result<Ended> {
    let mut command = Command::new("unshare");
    command.args(NAMESPACES);
    if !tools::is_root() {
        command.arg("-r");
    }
    command
        .args(["sh", "-ec", CHROOT])
        .arg(tree)
        .arg(script)
        .stdin(Stdio::null());
    let (status, stdout) = tools::output_within(&mut command, LIMIT)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    let killed = code.is_none().then(|| format!("it ended with {status}\n"));
    Ok(Ended {
        code: code.unwrap_or(u8::MAX),
        stdout,
        stderr: killed.unwrap_or_default().into_bytes(),
    })
}
