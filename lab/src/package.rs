//! `vmlock-lab package`: every crate that is published is packaged, unpacked, and built there against the packages of the
//! others, without a network and without a checkout around it. Then the compiler is installed as README says, from the
//! checkout and from a local source that has the packages in the registry's place.

use crate::cache::{self, Scratch};
use crate::cross;
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::tools;
use flate2::read::GzDecoder;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Crates of the workspace that are never published (`publish = false`): they are of use in a checkout alone.
const NEVER: [&str; 4] = [
    "vmlock-lab",
    "vmlock-lab-agent",
    "vmlock-lab-facts",
    "vmlock-witness-image",
];
/// The program that everybody installs, by the name of its package.
const PROGRAM: &str = "vmlock";
/// How README's line begins.
const INSTALL: &str = "cargo install ";
/// What of it names the checkout: where the registry's place is taken, the package's name is typed.
const CHECKOUT: &str = "--path compiler";
/// A lock that an installed program has to find fresh.
const EXAMPLE: &str = "examples/portable.vm.kdl";

/// Packages them all; 0 if each is built by itself, and what README says installs a program that works.
pub fn run() -> Result<u8> {
    let root = cross::workspace()?;
    let mut cargo = cross::cargo_in(&root);
    // What is packaged is what is there now, committed or not.
    cargo.args([
        "package",
        "--workspace",
        "--locked",
        "--offline",
        "--allow-dirty",
    ]);
    for name in NEVER {
        cargo.args(["--exclude", name]);
    }
    say("packaging the crates of the workspace");
    if !tools::run(&mut cargo, None)?.success() {
        tell("a package is not built without its checkout; cargo's own messages are above")?;
        return Ok(FINDINGS);
    }
    tell("each package is built by itself")?;
    let readme = cache::read(&root.join("README.md"))?;
    let line = line(&String::from_utf8_lossy(&readme))?;
    let scratch = Scratch::new()?;
    let source = scratch.path().join("source");
    let ours = fill(&root, &source)?;
    say(format_args!(
        "installing {PROGRAM} from the checkout, and from {ours} packages in a local source"
    ));
    let from_source = line.replace(CHECKOUT, PROGRAM);
    let replaced = [
        "--config".to_owned(),
        "source.crates-io.replace-with = 'local'".to_owned(),
        "--config".to_owned(),
        format!("source.local.directory = '{}'", source.display()),
    ];
    for (line, folder, config) in [
        (&line, root.as_path(), &[][..]),
        // Nothing of the checkout is around it.
        (&from_source, scratch.path(), &replaced),
    ] {
        let place = Scratch::new()?;
        match installed(&root, line, folder, config, place.path())? {
            None => tell(format_args!(
                "`{line}` installs a {PROGRAM} that finds {EXAMPLE} locked as it is"
            ))?,
            Some(problem) => {
                tell(format_args!("`{line}`: {problem}"))?;
                return Ok(FINDINGS);
            }
        }
    }
    Ok(OK)
}

/// The line that README has for a checkout.
fn line(readme: &str) -> Result<String> {
    let commands = readme.split('`').skip(1).step_by(2);
    let mut lines = commands.filter(|line| line.starts_with(INSTALL) && line.contains(CHECKOUT));
    lines.next().map(str::to_owned).ok_or_else(|| {
        Failure::environment(format!(
            "README has no `{INSTALL}… {CHECKOUT}`, so there is nothing to type"
        ))
    })
}

/// Makes a directory source (the Cargo Book, "Source Replacement") of what the workspace needs and of the packages that were
/// made of it; how many these are. Cargo wants what other systems need, too: what of that is not here yet is fetched.
fn fill(root: &Path, source: &Path) -> Result<usize> {
    let mut vendor = cross::cargo_in(root);
    vendor
        .args(["vendor", "--locked", "--quiet", "--versioned-dirs"])
        .arg(source)
        .stdout(Stdio::null());
    if !tools::run(&mut vendor, None)?.success() {
        return Err(Failure::environment(
            "`cargo vendor` failed; its own messages are above",
        ));
    }
    let made = target(root).join("package");
    let list = |e| Failure::file("list", &made, &e);
    let mut count = 0;
    for entry in fs::read_dir(&made).map_err(list)? {
        let path = entry.map_err(list)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let end = format!("-{}.crate", env!("CARGO_PKG_VERSION"));
        if !name.ends_with(&end) {
            continue;
        }
        let content = cache::read(&path)?;
        tar::Archive::new(GzDecoder::new(&content[..]))
            .unpack(source)
            .map_err(|e| Failure::file("unpack", &path, &e))?;
        // Cargo holds a package's lock file against this digest of it.
        let digest = cache::hex(&Sha256::digest(&content));
        let sums = json!({ "files": {}, "package": digest }).to_string();
        let folder = source.join(name.trim_end_matches(".crate"));
        cache::write(&folder.join(".cargo-checksum.json"), sums.as_bytes())?;
        count += 1;
    }
    if count == 0 {
        return Err(Failure::bug(format!(
            "cargo packaged nothing in {}",
            made.display()
        )));
    }
    Ok(count)
}

fn target(root: &Path) -> PathBuf {
    let own = std::env::var_os("CARGO_TARGET_DIR");
    own.map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// Types a line of README in a folder, of which nothing is optimised; what is wrong with what it installs, if anything.
fn installed(
    root: &Path,
    line: &str,
    folder: &Path,
    config: &[String],
    place: &Path,
) -> Result<Option<String>> {
    let mut cargo = cross::cargo_in(folder);
    cargo
        .args(line.split(' ').skip(1))
        .args(["--debug", "--offline", "--quiet", "--root"])
        .arg(place)
        .args(config)
        .env("CARGO_TARGET_DIR", target(root).join("installed"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    let status = tools::run(&mut cargo, None)?;
    if !status.success() {
        return Ok(Some(format!("it ended with {status}")));
    }
    let program = place.join("bin").join(PROGRAM);
    let (status, said) = tools::output(Command::new(&program).arg("--version"))?;
    let version = format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION"));
    if !status.success() || String::from_utf8_lossy(&said).trim() != version {
        return Ok(Some(format!("what it installed is no {version}")));
    }
    let mut check = Command::new(&program);
    check
        .args(["lock", "--check", EXAMPLE])
        .current_dir(root)
        .stdout(Stdio::null());
    let status = tools::run(&mut check, None)?;
    Ok((!status.success()).then(|| format!("what it installed ends with {status} for {EXAMPLE}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readmes_line_is_found() {
        let readme = "`cargo run` and `cargo install other`\n| `cargo install --locked --path compiler`; `x` |";
        assert_eq!(
            line(readme).unwrap(),
            "cargo install --locked --path compiler"
        );
        assert!(line("`cargo install vmlock`").is_err());
        let own = cache::read(&cross::workspace().unwrap().join("README.md")).unwrap();
        assert!(line(&String::from_utf8(own).unwrap()).is_ok());
    }
}
