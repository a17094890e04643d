//! The JSON Schemas in the engines that editors and CI use: `ajv`, the service behind VS Code's JSON, and Python's
//! `check-jsonschema`; the language server by VS Code's client for such servers, and in Neovim; the grammar by VS Code's
//! tokenizer; VS Code's extension (`extension.rs`); and SARIF in Microsoft's validator (`sarif.rs`). They come from their
//! registries, in the versions that `lab/editors/` pins, and are run by this machine's Node.js and Python; where these
//! are not, or the registries cannot be reached, that is told and counted.

pub mod extension;
pub mod neovim;
pub mod sarif;

use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{FINDINGS, Failure, Result, say, tell};
use crate::step;
use crate::tools;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Below the checkout: what is fetched, and what is run.
const FOLDER: &str = "lab/editors";
/// What is fetched, by name and version; of npm's packages with their digests.
const PINS: [&str; 3] = ["package.json", "package-lock.json", "requirements.txt"];
/// What checks: the schemas, the language server, the grammar.
const SCRIPTS: [&str; 3] = ["check.mjs", "lsp.mjs", "grammar.mjs"];
/// npm, which fetches what its lock pins and runs nothing of it.
const NPM: (&str, &[&str]) = (
    "npm",
    &[
        "ci",
        "--omit=dev",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--loglevel=error",
        "--fetch-retries=1",
        "--fetch-timeout=60000",
    ],
);
/// Programs that are needed, each with Debian's package.
const NEEDS: [tools::Need; 3] = [
    ("node", "nodejs"),
    ("npm", "npm"),
    ("python3", "python3-venv"),
];
/// Written last: all of it is there.
const WHOLE: &str = "whole";
/// How long a registry may take with everything, and the engines with all files.
const LIMIT: Duration = Duration::from_secs(300);
/// The oldest Node.js that has what they are written in.
const OLDEST_NODE: u32 = 18;

/// `vmlock-lab editors`: what `test` holds of the schemas, by itself.
pub fn run(cache: &Cache) -> Result<u8> {
    let parts = [
        checked(cache)?,
        extension(cache)?,
        neovim::checked(cache)?,
        sarif::checked(cache)?,
    ];
    match parts.into_iter().collect::<Option<Vec<_>>>() {
        Some(problems) => step::told(&problems.concat()),
        None => Ok(FINDINGS),
    }
}

/// Which Node.js this machine has, where it has all that the engines run by; else that they are skipped was told, and why.
fn able(what: &str) -> Result<Option<String>> {
    let missing: Vec<&str> = NEEDS
        .iter()
        .filter(|(program, _)| tools::find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        let words = format!("this machine lacks Debian's {}", missing.join(", "));
        return skipped(what, &words);
    }
    let (_, node) = tools::output(Command::new("node").arg("--version"))?;
    let node = String::from_utf8_lossy(&node).trim().to_owned();
    let mut parts = node.trim_start_matches('v').split('.');
    if parts.next().and_then(|major| major.parse().ok()) < Some(OLDEST_NODE) {
        let words = format!("its Node.js is {node}, and {OLDEST_NODE} or later is needed");
        return skipped(what, &words);
    }
    Ok(Some(node))
}

/// What is wrong with VS Code's extension; nothing where it cannot be packed here.
pub fn extension(cache: &Cache) -> Result<Option<Vec<String>>> {
    let what = "VS Code's extension, packed and loaded";
    if able(what)?.is_none() {
        return Ok(None);
    }
    let root = cross::workspace()?;
    let compiler = cross::build_quickly("vmlock")?;
    let Some(modules) = extension::modules(cache, &root)? else {
        return skipped(
            what,
            "its client cannot be fetched; npm's own words are above",
        );
    };
    extension::checked(cache, &root, &compiler, &modules).map(Some)
}

/// What is wrong with schemas, language server and grammar, by those engines; nothing where they are not to be had here.
pub fn checked(cache: &Cache) -> Result<Option<Vec<String>>> {
    let what = "schemas, language server and grammar in the engines that editors use";
    let Some(node) = able(what)? else {
        return Ok(None);
    };
    let root = cross::workspace()?;
    let compiler = cross::build_quickly("vmlock")?;
    let Some(place) = provide(cache, &root, &node)? else {
        return skipped(what, "they cannot be fetched; their own words are above");
    };
    let scratch = cache.scratch()?;
    let mut lines = Vec::new();
    for script in SCRIPTS {
        // It finds the engines beside itself. Other checkouts, with scripts of their own, have the same ones.
        let content = cache::read(&root.join(FOLDER).join(script))?;
        let copy = place.join(format!("{}.mjs", digits(Sha256::new_with_prefix(&content))));
        cache::write(&copy, &content)?;
        let path = scratch.path().join(script);
        let said = fs::File::create(&path).map_err(|e| Failure::file("create", &path, &e))?;
        let mut command = Command::new("node");
        command
            .current_dir(&root)
            .arg(&copy)
            .args([&compiler, &place.join("python/bin/check-jsonschema")])
            .stdin(Stdio::null())
            .stdout(said);
        let status = tools::run(&mut command, Some(LIMIT))?;
        lines.extend(tools::problems(script, &cache::read(&path)?, status));
    }
    Ok(Some(lines))
}

/// Tells that something is not tried here, and why.
fn skipped<T>(what: &str, why: &str) -> Result<Option<T>> {
    tell(format_args!("skipped: {what}: {why}"))?;
    Ok(None)
}

fn digits(hash: Sha256) -> String {
    let bytes = hash.finalize();
    bytes[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The folder with the engines, which is filled once for each set of versions. Nothing where that failed.
fn provide(cache: &Cache, root: &Path, node: &str) -> Result<Option<PathBuf>> {
    // Programs of Python know which one they are for, and where they are.
    let version = "import sys; print(sys.version, sys.base_prefix)";
    let (_, python) = tools::output(Command::new("python3").args(["-c", version]))?;
    let mut hash = Sha256::new_with_prefix(python);
    hash.update(node);
    hash.update(cache.path("").as_os_str().as_encoded_bytes());
    let mut pins = Vec::new();
    for name in PINS {
        let content = cache::read(&root.join(FOLDER).join(name))?;
        hash.update(&content);
        pins.push((name, content));
    }
    let place = cache.path(&format!("editors-{}", digits(hash)));
    let pip = place.join("python/bin/pip");
    let steps: [(&Path, &[&str]); 3] = [
        (Path::new(NPM.0), NPM.1),
        (Path::new("python3"), &["-m", "venv", "python"]),
        (
            &pip,
            &[
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--only-binary=:all:",
                "-r",
                "requirements.txt",
            ],
        ),
    ];
    Ok(install(cache, &place, &pins, &steps)?.then_some(place))
}

/// Fills a folder of the cache once, by programs that are run in it behind what pins their versions; `false` where one
/// failed.
fn install(
    cache: &Cache,
    place: &Path,
    pins: &[(&str, Vec<u8>)],
    steps: &[(&Path, &[&str])],
) -> Result<bool> {
    let _guard = cache.lock()?;
    if place.join(WHOLE).is_file() {
        return Ok(true);
    }
    // What an earlier lab did not end.
    let _ = fs::remove_dir_all(place);
    for (name, content) in pins {
        cache::write(&place.join(name), content)?;
    }
    let begin = Instant::now();
    for (program, arguments) in steps {
        let mut command = Command::new(program);
        command
            .current_dir(place)
            .args(*arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let status = tools::run(&mut command, Some(LIMIT.saturating_sub(begin.elapsed())))?;
        if !status.success() {
            let (program, words) = (program.display(), arguments.join(" "));
            say(format_args!("`{program} {words}` ended with {status}"));
            return Ok(false);
        }
    }
    fs::write(place.join(WHOLE), "").map_err(|e| Failure::file("write", &place.join(WHOLE), &e))?;
    Ok(true)
}
