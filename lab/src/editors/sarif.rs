//! SARIF documents in Microsoft's validator, which comes from npm in the version that is pinned beside what asks it.

use super::{LIMIT, NPM, able, digits, install, skipped};
use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{Failure, Result};
use crate::tools;
use sha2::{Digest as _, Sha256};
use std::env::consts::ARCH;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Below the checkout: what is fetched, and what asks it.
const FOLDER: &str = "lab/editors/sarif";
const PINS: [&str; 2] = ["package.json", "package-lock.json"];
const SCRIPT: &str = "lab/editors/sarif.mjs";
/// The program, in its package.
const PROGRAM: &str = "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool";
/// For which machines Microsoft builds it.
const BUILT_FOR: &str = "x86_64";

/// What is wrong with what `--format sarif` prints; nothing where the validator is not to be had here.
pub fn checked(cache: &Cache) -> Result<Option<Vec<String>>> {
    let what = "SARIF in Microsoft's validator";
    if ARCH != BUILT_FOR {
        return skipped(what, "it is built for x86-64 alone");
    }
    if able(what)?.is_none() {
        return Ok(None);
    }
    let root = cross::workspace()?;
    let compiler = cross::build_quickly("vmlock")?;
    let Some(multitool) = provide(cache, &root)? else {
        return skipped(
            what,
            "it cannot be fetched (44 MB); npm's own words are above",
        );
    };
    let scratch = cache.scratch()?;
    let path = scratch.path().join("said");
    let said = fs::File::create(&path).map_err(|e| Failure::file("create", &path, &e))?;
    let runs = scratch.path().join("runs");
    cache::make_dir(&runs)?;
    let mut node = Command::new("node");
    node.current_dir(&root)
        .arg(SCRIPT)
        .args([&compiler, &multitool, &runs])
        .stdin(Stdio::null())
        .stdout(said);
    let status = tools::run(&mut node, Some(LIMIT))?;
    Ok(Some(tools::problems(SCRIPT, &cache::read(&path)?, status)))
}

/// The validator, which is fetched once for each version. Nothing where that failed.
fn provide(cache: &Cache, root: &Path) -> Result<Option<PathBuf>> {
    let mut hash = Sha256::new();
    let mut pins = Vec::new();
    for name in PINS {
        let content = cache::read(&root.join(FOLDER).join(name))?;
        hash.update(&content);
        pins.push((name, content));
    }
    let place = cache.path(&format!("sarif-{}", digits(hash)));
    if !install(cache, &place, &pins, &[(Path::new(NPM.0), NPM.1)])? {
        return Ok(None);
    }
    let program = place.join(PROGRAM);
    // Its package would do so by a script, and npm runs none of those here.
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .map_err(|e| Failure::file("make a program of", &program, &e))?;
    Ok(Some(program))
}
