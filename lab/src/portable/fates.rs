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
            "QEMU is told other things on each host: {other:?}"
        ))),
    }
}

fn export(vmlock: &Path, version: &str, kernel: &str) -> Result<Value> {
    let to = format!("qemu@{version}");
    let host = format!("spec/catalogue/hosts/{CPU}-{kernel}.json");
    let arguments = [
        "--format", "json", "export", LOCK, "--to", &to, "--host", &host,
    ];
    let (_, said) = run(vmlock, &arguments)?;
    Ok(serde_json::from_slice(&said).unwrap_or_default())
}

/// Where what was said of a host's guest and what its witness saw differ.
pub(super) fn disagreements(
    vmlock: &Path,
    version: &str,
    kernel: &str,
    log: &Path,
) -> Result<Vec<String>> {
    let said = export(vmlock, version, kernel)?;
    let audit = [
        "--format",
        "json",
        "audit",
        LOCK,
        "--observed",
        path(log)?,
        "--only",
        SCOPES,
    ];
    let (code, seen) = run(vmlock, &audit)?;
    let seen: Value = serde_json::from_slice(&seen).unwrap_or_default();
    let facts = seen["facts"].as_u64().unwrap_or(0);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let differences = list(&seen["differences"]);
    let broken: BTreeSet<String> = differences.iter().map(|d| text(&d["name"])).collect();
    let mut problems = Vec::new();
    if code != FINDINGS || facts < 700 || broken.is_empty() || seen["notJudged"]["promises"] == 0 {
        problems.push(format!(
            "{kernel}: {LOCK} is judged with code {code}, {facts} facts, {} of them broken",
            broken.len()
        ));
    }
    let mut entries = BTreeSet::new();
    for entry in list(&said["entries"]) {
        let (name, fate) = (text(&entry["name"]), text(&entry["fate"]));
        let otherwise = BROKEN.contains(&fate.as_str());
        // Neither is seen by itself: a register of KVM's firmware shows in calls, a feature in registers.
        let unseen = name.starts_with("KVM_REG_ARM_") || FEATURES.contains(&name.as_str());
        if broken.contains(&name) != otherwise && !unseen {
            problems.push(format!(
                "{kernel}: {name} is said to be {fate}, and the witness saw {}: {}",
                if otherwise {
                    "what the lock promises"
                } else {
                    "something else"
                },
                entry["words"]
            ));
        }
        entries.insert(name);
    }
    let unsaid = broken.difference(&entries);
    problems.extend(unsaid.map(|name| format!("{kernel}: nothing is said of {name}")));
    // More interrupts have more words of groups.
    let more = |name: &String| !(name.starts_with("GICD_IGROUPR") && broken.contains("GICD_TYPER"));
    let unnamed = list(&seen["unnamed"])
        .iter()
        .map(|fact| text(&fact["name"]))
        .collect::<Vec<_>>();
    let unnamed = unnamed.into_iter().filter(more);
    problems
        .extend(unnamed.map(|name| format!("{kernel}: nothing is said of {name}, which is there")));
    Ok(problems)
}

/// vCPU features, which are entries by their names.
const FEATURES: [&str; 5] = ["pmu", "sve", "pauth", "mte", "steal-time"];
