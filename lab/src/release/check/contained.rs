//! The image of containers: what its specification says of it, what podman does with it on this machine, and the other
//! machine's in an emulated host, where its layers are the root of a process, as podman would have it.

use super::typed::Typed;
use super::{LIMIT, NAMESPACES};
use crate::cache::{self, Cache, Scratch};
use crate::disk;
use crate::emulate::Ended;
use crate::failure::{FINDINGS, Failure, OK, Result, say};
use crate::packages::{AMD64, ARM64, Architecture};
use crate::release::archive::Files;
use crate::release::image::{self, Machine};
use crate::step::{self, Done, Step};
use crate::tools;
use crate::trial::Bench;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the image as README does, with a storage that is gone afterwards, in the host's network,
/// of which nothing is used, and within limits that every machine has.
const CONTAINER: &str = r#"
podman() {
    verb=$1
    shift
    case $verb in run) set -- --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@" ;; esac
    command podman --root "$storage/root" --runroot "$storage/run" --tmpdir "$storage/tmp" --storage-driver vfs --runtime runc "$verb" "$@"
}
"#;

/// Runs a program in a folder of the host's first disk that is all that it sees, and where another folder of that disk is
/// mounted. The words: that folder, the folder that it runs in, and the program with its arguments.
const ROOTED: &str = r#"
work=$0
place=$1
shift
[ -d /tree/$work ] || { mkdir -p /tree && mount -t ext4 /dev/vda /tree; } || exit 99
mkdir -p /tree/root$place && mount -o bind /tree/$work /tree/root$place || exit 99
env -i nsenter -r/tree/root -w/tree/root$place "$@"
code=$?
umount /tree/root$place
exit $code
"#;
/// CPU and kernel of that host, and bytes of its disk.
const CPU: &str = "cortex-a72";
const KERNEL: &str = "6.12";
const BYTES: u64 = 256 << 20;

/// Folders with a description: with its lock, and with one that is not of it, by which a program is found that says yes to
/// everything. How a check of each ends.
const WORKS: [(&str, u8); 2] = [("same", OK), ("other", FINDINGS)];

/// What is wrong with the image.
pub fn problems(
    cache: &Cache,
    root: &Path,
    folder: &Path,
    files: &Files,
    typed: &Typed,
) -> Result<Vec<String>> {
    let images: Vec<_> = files
        .iter()
        .filter(|(name, ..)| name.ends_with(".oci.tar"))
        .collect();
    let [(name, _, content)] = images[..] else {
        return Ok(vec![format!("there are {} images, not one", images.len())]);
    };
    let mut problems = Vec::new();
    let machines = image::read_back(content)?;
    let names: Vec<&str> = machines.iter().map(|m| m.architecture.as_str()).collect();
    if names != [AMD64.name, ARM64.name] {
        problems.push(format!("{name} is for {}", names.join(", ")));
    }
    let scratch = Scratch::new()?;
    for (work, _) in WORKS {
        fill(root, &scratch.path().join(work), work)?;
    }
    problems.extend(in_podman(folder, name, typed, scratch.path())?);
    let is_other = |machine: &&Machine| {
        Architecture::native().is_none_or(|native| native.name != machine.architecture)
    };
    for machine in machines.iter().filter(is_other) {
        problems.extend(in_host(cache, machine, typed, scratch.path())?);
    }
    Ok(problems)
}

/// Puts a description and a lock there.
fn fill(root: &Path, folder: &Path, work: &str) -> Result<()> {
    for end in ["vm.kdl", "vm.lock.json"] {
        let file = format!("portable.{end}");
        let content = cache::read(&root.join("examples").join(&file))?;
        let mut text = String::from_utf8_lossy(&content).into_owned();
        if work == WORKS[1].0 && end == "vm.lock.json" {
            text = text.replacen("5.10", "5.11", 1);
        }
        cache::write(&folder.join(file), text.as_bytes())?;
    }
    Ok(())
}

/// README's lines: the image is loaded from where it is, and run where descriptions are.
fn in_podman(folder: &Path, name: &str, typed: &Typed, works: &Path) -> Result<Vec<String>> {
    let run = |line: &str, place: &Path| {
        // Whoever is not root has namespaces of podman's own making.
        let mut command = Command::new(if tools::is_root() { "unshare" } else { "bash" });
        if tools::is_root() {
            command.args(NAMESPACES).args(["--mount-proc", "bash"]);
        }
        command
            .args(["-ec", &format!("{CONTAINER}{line}")])
            .env("storage", works.join("storage"))
            .current_dir(place)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        tools::run(&mut command, Some(LIMIT))
    };
    let mut problems = Vec::new();
    let (of_file, of_works): (Vec<_>, Vec<_>) =
        typed.podman().iter().partition(|line| line.contains(name));
    for line in of_file {
        let status = run(line, folder)?;
        if !status.success() {
            problems.push(format!("`{line}`: {status}"));
        }
    }
    for (work, code) in WORKS {
        for line in &of_works {
            let status = run(line, &works.join(work))?;
            if status.code() != Some(i32::from(code)) {
                problems.push(format!(
                    "`{line}` ends with {status} for the {work} lock, not with {code}"
                ));
            }
        }
    }
    Ok(problems)
}

/// What README has such an image do, and what it says of itself, on a real kernel.
fn in_host(cache: &Cache, machine: &Machine, typed: &Typed, works: &Path) -> Result<Vec<String>> {
    let Machine {
        architecture,
        entrypoint,
        folder,
        files,
    } = machine;
    if architecture != ARM64.name {
        return Ok(vec![format!(
            "the image for {architecture} was not run: this machine is another, and hosts are emulated for {} alone",
            ARM64.name
        )]);
    }
    say(format_args!(
        "running the image for {architecture} in an emulated host"
    ));
    let scratch = cache.scratch()?;
    let tree = scratch.path().join("tree");
    for (path, mode, content) in files.iter() {
        let path = tree.join("root").join(path);
        cache::write(&path, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .map_err(|e| Failure::file("set the permissions of", &path, &e))?;
    }
    for (work, _) in WORKS {
        for file in ["portable.vm.kdl", "portable.vm.lock.json"] {
            let content = cache::read(&works.join(work).join(file))?;
            cache::write(&tree.join(work).join(file), &content)?;
        }
    }
    let disk = scratch.path().join("tree.img");
    disk::file_system(&tree, &disk, BYTES)?;
    let wanted = wanted(typed);
    let job = |(work, arguments, _): &(&'static str, Vec<String>, u8)| -> Vec<String> {
        let words = ["-c", ROOTED, work, folder].map(str::to_owned);
        [&words[..], entrypoint, arguments].concat()
    };
    let bench = Bench::prepare(cache)?;
    let mut errand = bench.errand(CPU, KERNEL, &[]);
    errand.jobs = wanted.iter().map(job).collect();
    errand.by_shell = true;
    errand.modules = vec!["ext4".to_owned()];
    errand.disks = vec![disk];
    errand.limit = LIMIT;
    let judge = |done: &[Done]| {
        let jobs = done.iter().flat_map(|done| &done.jobs);
        let found = wanted
            .iter()
            .zip(jobs)
            .filter_map(|((work, arguments, code), ended)| {
                problem(
                    &format!(
                        "the image for {architecture}, `{}` with the {work} lock",
                        arguments.join(" ")
                    ),
                    arguments,
                    *code,
                    ended,
                )
            });
        Ok(found.collect())
    };
    let step = Step {
        name: format!("the image for {architecture} runs"),
        errands: vec![errand],
        judge: Box::new(judge),
    };
    step::run_alone(cache, &bench, step)
}

/// What the image is given, where, and how that ends.
fn wanted(typed: &Typed) -> Vec<(&'static str, Vec<String>, u8)> {
    let mut wanted = vec![(WORKS[0].0, vec![VERSION.to_owned()], OK)];
    for (work, code) in WORKS {
        wanted.extend(typed.arguments().map(|arguments| (work, arguments, code)));
    }
    wanted
}

/// What has the program say which one it is.
const VERSION: &str = "--version";

fn problem(what: &str, arguments: &[String], code: u8, ended: &Ended) -> Option<String> {
    let said = String::from_utf8_lossy(&ended.stdout);
    let version = format!("vmlock {}", env!("CARGO_PKG_VERSION"));
    let is_told = arguments != [VERSION] || said.trim() == version;
    (ended.code != code || !is_told).then(|| {
        format!(
            "{what} ends with {}, not with {code}, and says:\n{said}{}",
            ended.code,
            String::from_utf8_lossy(&ended.stderr)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_code_or_version_is_a_problem() {
        let of = |argument: &str, code: u8, said: &str| {
            let ended = Ended {
                code: OK,
                stdout: said.as_bytes().to_vec(),
                stderr: Vec::new(),
            };
            problem("", &[argument.to_owned()], code, &ended).is_some()
        };
        let version = format!("vmlock {}\n", env!("CARGO_PKG_VERSION"));
        assert!(!of(VERSION, OK, &version));
        assert!(of(VERSION, OK, "vmlock 9.9.9"));
        assert!(!of("lock", OK, "whatever"));
        assert!(of("lock", FINDINGS, &version));
    }
}
