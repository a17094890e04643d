//! `vmlock-lab release --check FOLDER`: a release in the hands of those who take it. Its digests; programs that need
//! nothing of a system; what lintian says; each package and archive installed where there is nothing but apt; the image in
//! podman. What README says to type is what is typed.

mod tree;
mod typed;

use super::archive::Files;
use super::{COMPILER, SUMS, image};
use crate::cache::{self, Cache, Scratch};
use crate::cross::{self, RUNNER};
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::packages::{AMD64, ARM64};
use crate::step;
use crate::tools;
use flate2::read::GzDecoder;
use object::elf::{DT_NEEDED, FileHeader64, PT_INTERP};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use typed::Typed;

/// What looks at packages and at images.
const NEEDS: &[tools::Need] = &[
    ("lintian", "lintian"),
    ("podman", "podman"),
    ("runc", "runc"),
    ("unshare", "util-linux"),
];

/// Runs the image as README does, with a storage that is gone afterwards, in the host's network,
/// of which nothing is used, and within limits that every machine has.
const CONTAINER: &str = r#"
podman() {
    verb=$1
    shift
    case $verb in run) set -- --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@" ;; esac
    command podman --root "$storage/root" --runroot "$storage/run" --storage-driver vfs --runtime runc "$verb" "$@"
}
"#;

/// What lintian says that is not so of these: a package of ours is no upload to Debian, and closes none of its bugs; a static
/// program that can be anywhere in memory looks like a library that needs none.
const NOT_OURS: [&str; 2] = [
    "initial-upload-closes-no-bugs",
    "shared-library-lacks-prerequisites",
];

/// How long one of all that may take.
const LIMIT: Duration = Duration::from_secs(600);

/// Tells what is wrong with the release in a folder.
pub fn run(cache: &Cache, folder: &Path) -> Result<u8> {
    tools::ensure(NEEDS)?;
    let root = cross::workspace()?;
    let folder = crate::job::absolute(&crate::job::current_dir()?, folder);
    let files = files(&folder)?;
    let names: Vec<&str> = files.iter().map(|(name, ..)| name).collect();
    let readme = cache::read(&root.join("README.md"))?;
    let missing = missing(&names);
    if !missing.is_empty() {
        return Err(Failure::environment(format!(
            "{} is no whole release: there is no {}",
            folder.display(),
            missing.join(", no ")
        )));
    }
    let typed = Typed::of(&String::from_utf8_lossy(&readme), &names)?;
    let mut problems = sums(&files);
    say("looking into archives and packages");
    for (name, _, content) in files.iter() {
        if name.ends_with(".tar.gz") {
            problems.extend(programs(name, content)?);
        } else if name.ends_with(".deb") {
            problems.extend(lintian(&folder.join(name))?);
        }
    }
    for architecture in [AMD64, ARM64] {
        say(format_args!(
            "installing what is for {} where there is nothing but apt",
            architecture.name
        ));
        problems.extend(tree::tried(cache, architecture, &files, &typed)?);
    }
    say("running the image");
    problems.extend(contained(&root, &folder, &files, &typed)?);
    let code = step::told(&problems)?;
    if code == OK {
        tell(format_args!(
            "{} files are as they should be, and README's {} commands for them do what it says",
            names.len(),
            typed.count()
        ))?;
    }
    Ok(code)
}

/// What a release has, and these files are not: each program of each machine in each form.
fn missing(names: &[&str]) -> Vec<String> {
    let mut wanted = vec![(COMPILER, AMD64.name), (COMPILER, ARM64.name)];
    wanted.push((RUNNER, ARM64.name));
    let forms = wanted.into_iter().flat_map(|(program, machine)| {
        [
            (format!("{program}-"), format!("-linux-{machine}.tar.gz")),
            (format!("{program}-"), format!("-linux-{machine}.cdx.json")),
            (format!("{program}_"), format!("_{machine}.deb")),
        ]
    });
    let image = (format!("{COMPILER}-"), ".oci.tar".to_owned());
    let is_there = |(start, end): &(String, String)| {
        let rest = |name: &&str| {
            let rest = name
                .strip_prefix(start.as_str())?
                .strip_suffix(end.as_str())?;
            // `vmlock-run-0.1.0` is no version of `vmlock`.
            rest.starts_with(|first: char| first.is_ascii_digit())
                .then_some(())
        };
        names.iter().any(|name| rest(name).is_some())
    };
    let left = forms.chain([image]).filter(|form| !is_there(form));
    left.map(|(start, end)| format!("{start}VERSION{end}"))
        .collect()
}

/// All files of a release.
fn files(folder: &Path) -> Result<Files> {
    let list = |e| Failure::file("list", folder, &e);
    let mut files = Files::default();
    for entry in fs::read_dir(folder).map_err(list)? {
        let path = entry.map_err(list)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files.put(name, cache::read(&path)?);
    }
    Ok(files)
}

/// Files without the digest that they should have, and digests without their file.
fn sums(files: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    let mut left: Vec<_> = files.iter().filter(|(name, ..)| *name != SUMS).collect();
    let told = files.iter().find(|(name, ..)| *name == SUMS);
    let told = told.map_or_else(String::new, |(.., sums)| {
        String::from_utf8_lossy(sums).into()
    });
    for line in told.lines() {
        let (digest, name) = line.split_once("  ").unwrap_or_default();
        let Some(at) = left.iter().position(|(file, ..)| *file == name) else {
            problems.push(format!("{SUMS} has `{line}`, and no such file is there"));
            continue;
        };
        let (.., content) = left.swap_remove(at);
        if cache::hex(&Sha256::digest(content)) != digest {
            problems.push(format!("{name} is not what {SUMS} has the digest of"));
        }
    }
    let without = left
        .iter()
        .map(|(name, ..)| format!("{name} is not in {SUMS}"));
    problems.extend(without);
    problems
}

/// What the programs of an archive need of a system. Without a program there is nothing to try.
fn programs(name: &str, archive: &[u8]) -> Result<Vec<String>> {
    let failed =
        |e: std::io::Error| Failure::environment(format!("{name} cannot be unpacked: {e}"));
    let mut problems = Vec::new();
    let mut found = 0;
    for entry in tar::Archive::new(GzDecoder::new(archive))
        .entries()
        .map_err(failed)?
    {
        let mut entry = entry.map_err(failed)?;
        let path = entry.path().map_err(failed)?.to_string_lossy().into_owned();
        if path.contains("/bin/") {
            let mut program = Vec::new();
            entry.read_to_end(&mut program).map_err(failed)?;
            found += 1;
            problems.extend(needs(&program).map(|what| format!("{name}: {path} {what}")));
        }
    }
    if found == 0 {
        problems.push(format!("{name} has no program"));
    }
    Ok(problems)
}

/// What a program needs beside itself, if anything.
fn needs(program: &[u8]) -> Option<String> {
    let read = || -> object::read::Result<(bool, bool)> {
        let header = FileHeader64::<object::Endianness>::parse(program)?;
        let endian = header.endian()?;
        let (mut loader, mut libraries) = (false, false);
        for part in header.program_headers(endian, program)? {
            loader |= part.p_type(endian) == PT_INTERP;
            let entries = part.dynamic(endian, program)?.unwrap_or_default();
            libraries |= entries
                .iter()
                .any(|each| each.d_tag(endian) == u64::from(DT_NEEDED));
        }
        Ok((loader, libraries))
    };
    match read() {
        Ok((false, false)) => None,
        Ok((loader, _)) => Some(format!(
            "is not static: it names {}",
            if loader { "a loader" } else { "libraries" }
        )),
        Err(e) => Some(format!("is no ELF file of 64 bits: {e}")),
    }
}

/// What lintian finds wrong with a package: its errors, and its warnings. What is only for trying is not stripped.
fn lintian(package: &Path) -> Result<Vec<String>> {
    let mut command = Command::new("lintian");
    let name = package.file_name().unwrap_or_default().to_string_lossy();
    let is_quick = name.contains("~quick");
    let own = is_quick.then_some("unstripped-binary-or-object");
    let left_out: Vec<&str> = NOT_OURS.into_iter().chain(own).collect();
    command
        .args(["--allow-root", "--no-cfg", "--fail-on", "error,warning"])
        .args(["--suppress-tags", &left_out.join(",")])
        .arg(package)
        .stdin(Stdio::null());
    let (status, said) = tools::output(&mut command)?;
    let words = String::from_utf8_lossy(&said);
    Ok(match status.code() {
        Some(0) => Vec::new(),
        _ => vec![format!("{}: lintian: {}", package.display(), words.trim())],
    })
}

/// What is wrong with the image: what its specification says, and what podman does with it.
fn contained(root: &Path, folder: &Path, files: &Files, typed: &Typed) -> Result<Vec<String>> {
    let images: Vec<_> = files
        .iter()
        .filter(|(name, ..)| name.ends_with(".oci.tar"))
        .collect();
    let [(name, _, content)] = images[..] else {
        return Ok(vec![format!("there are {} images, not one", images.len())]);
    };
    let mut problems = Vec::new();
    let architectures = image::read_back(content)?;
    if architectures != [AMD64.name, ARM64.name] {
        problems.push(format!("{name} is for {}", architectures.join(", ")));
    }
    let scratch = Scratch::new()?;
    let work = scratch.path().join("work");
    for end in ["vm.kdl", "vm.lock.json"] {
        let file = format!("portable.{end}");
        let content = cache::read(&root.join("examples").join(&file))?;
        cache::write(&work.join(file), &content)?;
    }
    let run = |line: &str| {
        // Images are loaded from where they are, and run where descriptions are.
        let place = if line.contains(name) { folder } else { &work };
        let mut command = Command::new("bash");
        command
            .args(["-ec", &format!("{CONTAINER}{line}")])
            .env("storage", scratch.path().join("storage"))
            .current_dir(place)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        tools::run(&mut command, Some(LIMIT))
    };
    for line in typed.podman() {
        let status = run(line)?;
        if !status.success() {
            problems.push(format!("`{line}`: {status}"));
        }
    }
    // A program that says yes to everything is found by a lock that is not of its description.
    let lock = work.join("portable.vm.lock.json");
    let text = String::from_utf8_lossy(&cache::read(&lock)?).replacen("5.10", "5.11", 1);
    cache::write(&lock, text.as_bytes())?;
    for line in typed.podman().iter().filter(|line| !line.contains(name)) {
        let status = run(line)?;
        if status.code() != Some(i32::from(FINDINGS)) {
            problems.push(format!(
                "`{line}` ends with {status} for a lock that is not of its description"
            ));
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_digest_or_another_one_is_named() {
        let mut files = Files::default();
        files.put("a", "a");
        let digest = cache::hex(&Sha256::digest("a"));
        files.put(SUMS, format!("{digest}  a\n"));
        assert!(sums(&files).is_empty());
        files.put("b", "b");
        files.put("a", "A");
        files.put(SUMS, format!("{digest}  a\n{digest}  c\n"));
        assert_eq!(sums(&files).len(), 3, "{:?}", sums(&files));
        files.take(SUMS);
        assert_eq!(sums(&files).len(), 2);
    }

    #[test]
    fn what_a_release_lacks_is_named() {
        let of = |program: &str, machine: &str| {
            [
                format!("{program}-0.1.0-linux-{machine}.tar.gz"),
                format!("{program}-0.1.0-linux-{machine}.cdx.json"),
                format!("{program}_0.1.0-1_{machine}.deb"),
            ]
        };
        let mut all = [
            of("vmlock", "amd64"),
            of("vmlock", "arm64"),
            of("vmlock-run", "arm64"),
        ]
        .concat();
        all.push("vmlock-0.1.0.oci.tar".to_owned());
        let names: Vec<&str> = all.iter().map(String::as_str).collect();
        assert!(missing(&names).is_empty(), "{:?}", missing(&names));
        for at in 0..names.len() {
            let mut without = names.clone();
            without.remove(at);
            assert_eq!(missing(&without).len(), 1, "without {}", names[at]);
        }
    }

    #[test]
    fn a_program_that_needs_a_system_is_named() {
        let own = std::env::current_exe().expect("it runs");
        let words = needs(&cache::read(&own).expect("it is there"));
        assert!(words.is_some_and(|words| words.contains("a loader")));
        assert!(needs(b"#!/bin/sh").is_some_and(|words| words.contains("no ELF")));
    }
}
