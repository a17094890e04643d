//! The compiler's completions in bash, fish and zsh themselves: Debian 13's fish and zsh are fetched and run from the cache,
//! whichever of them this machine has.

use crate::cache::{self, Cache, Scratch};
use crate::cross;
use crate::failure::{FINDINGS, Failure, Result, tell};
use crate::packages::{Architecture, Archive, Program};
use crate::programs::{Programs, Wanted};
use crate::step;
use crate::tools;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The folder with the shells, for the tests: what it names is started, and nothing is left out.
pub const VARIABLE: &str = "VMLOCK_SHELLS";
/// The shells by name, on a Debian system; that zsh has its modules in it.
const SHELLS: [(&str, &str); 2] = [("fish", "/usr/bin/fish"), ("zsh", "/usr/bin/zsh-static")];
/// What fish reads besides.
const FISH: &str = "/usr/share/fish";
/// How many tests there are: each shell's.
const TESTS: usize = 3;

fn wanted(architecture: Architecture) -> Wanted {
    Wanted {
        from: Program {
            archive: Archive {
                state: "apt-shells",
                architecture,
                suites: &["trixie"],
                security: &["trixie-security"],
                megabytes: 10,
            },
            suite: None,
            package: "fish",
            also: &["zsh-static"],
            without: "python3",
        },
        programs: &[SHELLS[0].1, SHELLS[1].1],
        libraries: &[],
        trees: &[FISH],
        folder: format!("shells-trixie-{}", architecture.name),
        words: "Debian 13's fish and zsh with what they need (20 MB)".to_owned(),
    }
}

/// `vmlock-lab shells`: what `test` holds of completions, by itself.
pub fn run(cache: &Cache) -> Result<u8> {
    match checked(cache)? {
        Some(problems) => step::told(&problems),
        None => Ok(FINDINGS),
    }
}

/// The shells by their names, in a folder; nothing where they are not to be had here, which is told.
pub fn provide(cache: &Cache) -> Result<Option<Scratch>> {
    let skipped = |why: &str| {
        tell(format_args!("skipped: completions in fish and zsh: {why}"))?;
        Ok(None)
    };
    let Some(architecture) = Architecture::native() else {
        return skipped("they are fetched for x86-64 and arm64 alone");
    };
    let wanted = wanted(architecture);
    let programs = match Programs::provide(cache, &wanted) {
        Ok(found) => found,
        Err(why) => return skipped(&format!("they cannot be fetched: {why}")),
    };
    let folder = cache.scratch()?;
    for (name, program) in SHELLS {
        let start = programs.start(cache, &wanted, program);
        let words = [start.program.as_os_str()]
            .into_iter()
            .chain(start.args.iter().map(|word| word.as_os_str()));
        let words: Vec<String> = words.map(quoted).collect();
        let path = folder.path().join(name);
        let script = format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "));
        cache::write(&path, script.as_bytes())?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .map_err(|e| Failure::file("make executable", &path, &e))?;
    }
    Ok(Some(folder))
}

/// As a shell reads one word.
fn quoted(word: &OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
}

/// What is wrong with completions in the shells; nothing where these are not to be had.
pub fn checked(cache: &Cache) -> Result<Option<Vec<String>>> {
    let Some(shells) = provide(cache)? else {
        return Ok(None);
    };
    completed(shells.path()).map(Some)
}

fn completed(shells: &Path) -> Result<Vec<String>> {
    let mut command = cross::cargo_in(&cross::workspace()?);
    command
        // As all tests of the workspace are built, so that nothing is built twice.
        .args([
            "test",
            "--quiet",
            "--workspace",
            "--test",
            "it",
            "completions::",
        ])
        .env(VARIABLE, shells);
    let (status, said) = tools::output(&mut command)?;
    let said = String::from_utf8_lossy(&said);
    let passed = format!("ok. {TESTS} passed; 0 failed;");
    Ok(match status.success() && said.contains(&passed) {
        true => Vec::new(),
        false => vec![format!(
            "not each of {TESTS} shells completes: {status}:\n{}",
            said.trim()
        )],
    })
}
