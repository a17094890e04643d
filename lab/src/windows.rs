//! `vmlock-lab windows`: the compiler and the crates that it is made of, tested as programs for Windows under Wine, and checked
//! for macOS. Nothing here has ever been tried on either.
//!
//! What needs Unix is not compiled for Windows. Which tests that leaves out stands in one list, each with its reason, and is
//! said each time.

mod left_out;

use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::tools;
use left_out::LEFT_OUT;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What is tested.
const CRATES: [&str; 4] = ["vmlock", "vmlock-atomic", "vmlock-saved", "vmlock-spec"];
/// The target that needs nothing of Microsoft's.
const TARGET: &str = "x86_64-pc-windows-gnu";
/// What is checked, and run by nobody.
const APPLE: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];
/// What links for Windows.
const GCC: &str = "x86_64-w64-mingw32-gcc";
/// What Wine is called: Debian has its loader for 64 bits apart from the script that asks for one of 32.
const WINE: [&str; 3] = ["/usr/lib/wine/wine64", "wine64", "wine"];
/// A library of Windows that programs of Rust ask for random bytes. Wine has it since version 9.
const LIBRARY: &str = "bcryptprimitives.dll";
/// One that stands in for it.
const SOURCE: &str = include_str!("windows/bcryptprimitives.c");
/// How long Wine may take to make its folders.
const LIMIT: Duration = Duration::from_secs(300);
/// The fewest tests that are a test of anything.
const FEWEST: usize = 400;

/// Tests for Windows, and checks for macOS.
pub fn run(cache: &Cache) -> Result<u8> {
    let wine = tool(&WINE);
    let gcc = tool(&[GCC]);
    let (Some(wine), Some(_)) = (&wine, &gcc) else {
        return Err(missing(wine.is_some(), gcc.is_some(), &targets()?));
    };
    let targets = targets()?;
    if !targets.is_empty() {
        return Err(missing(true, true, &targets));
    }
    let prefix = cache.path("wine");
    prepare(&prefix, wine)?;
    let mut problems = Vec::new();
    check(&mut problems)?;
    let tried = test(&prefix, wine, &mut problems)?;
    left_out(&tried, &mut problems)?;
    for problem in &problems {
        tell(problem)?;
    }
    Ok(if problems.is_empty() { OK } else { FINDINGS })
}

/// The first of these programs that is here.
fn tool(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| match name.starts_with('/') {
        true => Some(PathBuf::from(name)).filter(|path| path.is_file()),
        false => tools::find(name),
    })
}

/// The targets whose standard library is not here.
fn targets() -> Result<Vec<&'static str>> {
    let mut lost = Vec::new();
    for target in APPLE.into_iter().chain([TARGET]) {
        let mut rustc = Command::new("rustc");
        rustc.args(["--print", "target-libdir", "--target", target]);
        let (_, told) = tools::output(&mut rustc)?;
        let place = String::from_utf8_lossy(&told).trim().to_owned();
        if place.is_empty() || !Path::new(&place).is_dir() {
            lost.push(target);
        }
    }
    Ok(lost)
}

/// What is not here, and what brings it.
fn missing(wine: bool, gcc: bool, targets: &[&str]) -> Failure {
    let packages: Vec<&str> = [(wine, "wine64"), (gcc, "gcc-mingw-w64-x86-64")]
        .into_iter()
        .filter(|(there, _)| !there)
        .map(|(_, package)| package)
        .collect();
    let mut lines = Vec::new();
    if !packages.is_empty() {
        lines.push(format!(
            "    sudo apt-get install -y --no-install-recommends {}",
            packages.join(" ")
        ));
    }
    if !targets.is_empty() {
        lines.push(format!("    rustup target add {}", targets.join(" ")));
    }
    Failure::environment(format!(
        "what builds for Windows and macOS, or runs there in its place, is missing here; bring it and try again:\n{}",
        lines.join("\n")
    ))
}

/// Wine, with folders of its own and without words of its own.
fn under(wine: &Path, prefix: &Path) -> Command {
    let mut command = Command::new(wine);
    surroundings(&mut command, prefix);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn surroundings(command: &mut Command, prefix: &Path) {
    command
        .env("WINEPREFIX", prefix)
        .env("WINEDEBUG", "-all")
        .env_remove("DISPLAY");
}

/// Has Wine make its folders, with the library in them that it may lack.
fn prepare(prefix: &Path, wine: &Path) -> Result<()> {
    cache::make_dir(prefix)?;
    let mut start = under(wine, prefix);
    start.args(["wineboot", "--init"]);
    if !tools::run(&mut start, Some(LIMIT))?.success() {
        return Err(Failure::environment(format!(
            "{} cannot make its folders in {}",
            wine.display(),
            prefix.display()
        )));
    }
    let place = prefix.join("drive_c/windows/system32").join(LIBRARY);
    if place.exists() {
        return Ok(());
    }
    let source = prefix.join("bcryptprimitives.c");
    cache::write(&source, SOURCE.as_bytes())?;
    let mut gcc = Command::new(GCC);
    gcc.args(["-shared", "-Os", "-s", "-Wall", "-Werror", "-o"])
        .arg(&place)
        .arg(&source)
        .arg("-ladvapi32");
    if !tools::run(&mut gcc, Some(LIMIT))?.success() {
        return Err(Failure::environment(format!(
            "{GCC} does not build {LIBRARY}"
        )));
    }
    say(format_args!(
        "this Wine has no {LIBRARY}: one of the lab's own stands in for it"
    ));
    Ok(())
}

/// Cargo, for the crates.
fn cargo(verb: &str, crates: &[&str], targets: &[&str]) -> Result<Command> {
    let mut cargo = cross::cargo_in(&cross::workspace()?);
    cargo.args([verb, "--locked"]);
    for name in crates {
        cargo.args(["--package", name]);
    }
    for target in targets {
        cargo.args(["--target", target]);
    }
    Ok(cargo)
}

/// Whether the compiler builds for macOS.
fn check(problems: &mut Vec<String>) -> Result<()> {
    say("checking the compiler for macOS");
    let mut cargo = cargo("check", &["vmlock"], &APPLE)?;
    if !tools::run(&mut cargo, None)?.success() {
        problems
            .push("the compiler does not build for macOS; cargo's own messages are above".into());
    }
    Ok(())
}

/// Runs the tests under Wine; the names of those that there are.
fn test(prefix: &Path, wine: &Path, problems: &mut Vec<String>) -> Result<BTreeSet<String>> {
    say("testing for Windows under Wine");
    let mut cargo = cargo("test", &CRATES, &[TARGET])?;
    surroundings(&mut cargo, prefix);
    // Documents' tests are not run for another target, and debugging is nobody's wish here.
    cargo
        .args(["--no-fail-fast", "--bins", "--lib", "--tests"])
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", wine)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("RUST_BACKTRACE", "0");
    let (status, told) = tools::output(&mut cargo)?;
    let told = String::from_utf8_lossy(&told);
    let (tried, failed) = verdicts(&told);
    if !status.success() {
        // What each of them says, as the harness has it.
        say(&told);
        problems.extend(
            failed
                .iter()
                .map(|name| format!("failed for Windows: {name}")),
        );
        problems.push(format!("the tests for Windows ended with {status}"));
    }
    if tried.len() < FEWEST {
        problems.push(format!(
            "only {} tests were tried for Windows, and {FEWEST} are the fewest that there can be",
            tried.len()
        ));
    }
    tell(format_args!(
        "Windows, under Wine: {} passed, {} failed",
        tried.len() - failed.len(),
        failed.len()
    ))?;
    Ok(tried)
}

/// The tests of a harness's words, and those that failed.
fn verdicts(told: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut tried, mut failed) = (BTreeSet::new(), BTreeSet::new());
    for line in told.lines() {
        let Some((name, verdict)) = line
            .trim_end()
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        else {
            continue;
        };
        match verdict {
            "ok" => {}
            "FAILED" => {
                failed.insert(name.to_owned());
            }
            _ => continue,
        }
        tried.insert(name.to_owned());
    }
    (tried, failed)
}

/// Says which tests there are here and not for Windows, each under its reason; a test without one is a problem.
fn left_out(tried: &BTreeSet<String>, problems: &mut Vec<String>) -> Result<()> {
    let mut cargo = cargo("test", &CRATES, &[])?;
    cargo.args(["--bins", "--lib", "--tests", "--quiet", "--", "--list"]);
    let (status, told) = tools::output(&mut cargo)?;
    if !status.success() {
        return Err(Failure::environment(format!(
            "which tests there are here cannot be told: cargo ended with {status}"
        )));
    }
    let told = String::from_utf8_lossy(&told);
    let here: BTreeSet<&str> = told
        .lines()
        .filter_map(|l| l.strip_suffix(": test"))
        .collect();
    let left: BTreeSet<&str> = here
        .iter()
        .filter(|name| !tried.contains(**name))
        .copied()
        .collect();
    problems.extend(unreasoned(&left, LEFT_OUT));
    tell(format_args!(
        "left out there by name, {} of {}:",
        left.len(),
        here.len()
    ))?;
    for (reason, names) in LEFT_OUT {
        tell(format_args!(
            "  {reason}: {} ({})",
            names.len(),
            names.join(", ")
        ))?;
    }
    Ok(())
}

/// Tests that are left out and stand in no list, and those that stand in one and are not left out.
fn unreasoned(left: &BTreeSet<&str>, list: &[(&str, &[&str])]) -> Vec<String> {
    let listed: BTreeSet<&str> = list.iter().flat_map(|(_, names)| *names).copied().collect();
    let more = left.difference(&listed);
    let fewer = listed.difference(left);
    more.map(|name| format!("left out for Windows without a reason: {name}"))
        .chain(fewer.map(|name| format!("{name} is said to be left out for Windows, and is not")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_harness_says_of_each_test_is_read() {
        let told = "running 3 tests\r\ntest a::b ... ok\r\ntest c ... FAILED\ntest d ... ignored\ntest result: FAILED. 1 passed";
        let (tried, failed) = verdicts(told);
        assert!(tried.iter().eq(["a::b", "c"]) && failed.iter().eq(["c"]));
    }

    #[test]
    fn a_test_without_a_reason_is_named_and_a_reason_without_a_test() {
        let left = BTreeSet::from(["a", "b"]);
        assert!(unreasoned(&left, &[("x", &["a"]), ("y", &["b"])]).is_empty());
        let told = unreasoned(&left, &[("x", &["a", "c"])]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].ends_with("a reason: b") && told[1].starts_with("c is said"));
    }

    #[test]
    fn no_test_is_left_out_for_two_reasons() {
        let all: Vec<&str> = LEFT_OUT
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn what_is_missing_is_named_with_what_brings_it() {
        let words = missing(false, true, &[TARGET]).to_string();
        assert!(
            words.contains("wine64") && words.contains("rustup target add x86_64-pc-windows-gnu")
        );
        assert!(!words.contains("mingw"), "{words}");
    }
}
