//! `vmlock-lab release --check FOLDER`: a release in the hands of those who take it. Its digests; programs that need
//! nothing of a system; what lintian says of packages, and systemd of units; each package and archive installed where there is
//! nothing but apt; the units started by systemd in an emulated host; the image in podman, and in an emulated host where this
//! machine is another. What README says to type is what is typed.

mod bills;
mod contained;
mod programs;
mod started;
mod tree;
mod typed;
mod units;

use super::archive::Files;
use super::{COMPILER, SUMS};
use crate::cache::{self, Cache};
use crate::cross::{self, RUNNER};
use crate::failure::{Failure, OK, Result, say, tell};
use crate::packages::{AMD64, ARM64};
use crate::step;
use crate::tools;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use typed::Typed;

/// What looks at packages, at units and at images.
const NEEDS: &[tools::Need] = &[
    ("lintian", "lintian"),
    ("podman", "podman"),
    ("runc", "runc"),
    ("systemd-analyze", "systemd"),
    ("unshare", "util-linux"),
];

/// What `unshare` starts is alone with its mounts and processes, and all of them end with it, in time or not.
const NAMESPACES: [&str; 4] = ["--mount", "--pid", "--fork", "--kill-child"];

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
    let (programs, wrong) = programs::programs(&files)?;
    problems.extend(wrong);
    problems.extend(bills::problems(&files, &programs));
    for name in names.iter().filter(|name| name.ends_with(".deb")) {
        problems.extend(lintian(&folder.join(name))?);
    }
    problems.extend(units::problems(&folder, &names)?);
    for architecture in [AMD64, ARM64] {
        say(format_args!(
            "installing what is for {} where there is nothing but apt",
            architecture.name
        ));
        problems.extend(tree::tried(cache, architecture, &files, &typed)?);
    }
    say("starting the units in an emulated host (some minutes)");
    problems.extend(started::problems(cache, &root, &files, &typed)?);
    say("running the image");
    problems.extend(contained::problems(cache, &root, &folder, &files, &typed)?);
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
    let (status, said) = tools::output_within(&mut command, LIMIT)?;
    let words = String::from_utf8_lossy(&said);
    Ok(match status.code() {
        Some(0) => Vec::new(),
        _ => vec![format!(
            "{}: lintian ended with {status}: {}",
            package.display(),
            words.trim()
        )],
    })
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
}
