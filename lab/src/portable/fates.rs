//! What `vmlock export` says becomes of a lock under QEMU, and what a portable witness saw there: every fate is held
//! against `vmlock audit`. Where they disagree, the catalogue's entry of QEMU is wrong.

use super::{CPU, HOSTS, path, run};
use crate::failure::{FINDINGS, Failure, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The lock that is exported, and against which QEMU's guests are held.
const LOCK: &str = "examples/modern.vm.lock.json";
/// The parts of it that can be.
const SCOPES: &str = "cpu,firmware,gic";
/// Fates of what a guest sees otherwise.
const BROKEN: [&str; 3] = ["overwritten", "forced", "cannot"];
/// How many entries are kept or left to chance, and seen, at least.
const HELD: usize = 500;

/// What QEMU is told.
pub(super) struct Exported {
    /// QEMU's version, as `vmlock export` is told it.
    pub version: String,
    /// Its options, in one line.
    pub options: String,
}

/// Exports the lock to Debian's QEMU of that package version, for the hosts on which it is tried.
pub(super) fn exported(vmlock: &Path, package: &str) -> Result<Exported> {
    // `1:10.0.8+ds-0+deb13u1`
    let version = package.split(':').next_back().unwrap_or(package);
    let version = version.split('+').next().unwrap_or(version).to_owned();
    let mut options = BTreeSet::new();
    for kernel in HOSTS {
        let said = export(vmlock, &version, kernel)?;
        let text = said["text"].as_str().unwrap_or_default();
        options.insert(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let all: Vec<String> = options.into_iter().collect();
    match <[String; 1]>::try_from(all) {
        Ok([options]) if !options.is_empty() => Ok(Exported { version, options }),
        other => Err(Failure::bug(format!(
            "QEMU is told nothing, or other things on each host: {other:?}"
        ))),
    }
}

fn export(vmlock: &Path, version: &str, kernel: &str) -> Result<Value> {
    let to = format!("qemu@{version}");
    let host = format!("spec/catalogue/hosts/{CPU}-{kernel}.json");
    asked(vmlock, &["export", LOCK, "--to", &to, "--host", &host]).map(|(_, said)| said)
}

/// What `vmlock` says to a program: its exit code, and the object.
fn asked(vmlock: &Path, arguments: &[&str]) -> Result<(u8, Value)> {
    let all = [&["--format", "json"], arguments].concat();
    let (code, said) = run(vmlock, &all)?;
    let said = serde_json::from_slice(&said);
    let said = said.map_err(|e| Failure::bug(format!("`vmlock {}`: {e}", all.join(" "))))?;
    Ok((code, said))
}

/// The texts under that name in a list of objects.
fn texts(list: &Value, name: &str) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    let texts = list.filter_map(|one| one[name].as_str());
    texts.map(str::to_owned).collect()
}

/// Where what was said of a host's guest and what its witness saw differ.
pub(super) fn disagreements(
    vmlock: &Path,
    version: &str,
    kernel: &str,
    log: &Path,
) -> Result<Vec<String>> {
    let said = export(vmlock, version, kernel)?;
    let log = path(log)?;
    let (_, observed) = asked(vmlock, &["observe", log])?;
    let guests = observed["observed"][0]["guest"].as_array();
    let facts = guests.into_iter().flatten().filter_map(Value::as_object);
    let seen: BTreeSet<&str> = facts.flatten().map(|(name, _)| name.as_str()).collect();
    let audit = ["audit", LOCK, "--observed", log, "--only", SCOPES];
    let (code, judged) = asked(vmlock, &audit)?;
    let broken: BTreeSet<String> = texts(&judged["differences"], "name").into_iter().collect();
    let mut problems = Vec::new();
    let mut problem = |words: String| problems.push(format!("{kernel}: {words}"));
    let promises = judged["notJudged"]["promises"].as_u64();
    if code != FINDINGS || broken.is_empty() || promises.is_none_or(|n| n == 0) {
        problem(format!(
            "{LOCK} is judged with code {code}, {} facts broken and {promises:?} promises not judged",
            broken.len()
        ));
    }
    let (mut named, mut held) = (BTreeSet::new(), 0);
    for entry in said["entries"].as_array().into_iter().flatten() {
        let (Some(name), Some(fate)) = (entry["name"].as_str(), entry["fate"].as_str()) else {
            problem(format!("an entry without a name or a fate: {entry}"));
            continue;
        };
        named.insert(name.to_owned());
        // What no witness sees by itself shows in other entries.
        if entry["seen"] != true {
            continue;
        }
        let foretold = BROKEN.contains(&fate);
        match (seen.contains(name), broken.contains(name)) {
            (false, _) => problem(format!("{name} is said to be {fate}, and nobody saw it")),
            (true, broken) if broken != foretold => problem(format!(
                "{name} is said to be {fate} ({}), and the witness saw {}",
                entry["words"],
                if broken {
                    "something else"
                } else {
                    "what the lock promises"
                }
            )),
            (true, true) => {}
            (true, false) => held += 1,
        }
    }
    if held <= HELD {
        problem(format!("only {held} entries are as promised, and seen"));
    }
    for name in broken.difference(&named) {
        problem(format!(
            "{name} is seen otherwise than promised, and nothing was said of it"
        ));
    }
    // More interrupts have more words of groups.
    let more = |name: &String| name.starts_with("GICD_IGROUPR") && broken.contains("GICD_TYPER");
    for name in texts(&judged["unnamed"], "name") {
        if !more(&name) {
            problem(format!("{name} is there, and nothing was said of it"));
        }
    }
    Ok(problems)
}
