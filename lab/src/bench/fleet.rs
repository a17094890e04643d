//! A large fleet: how long `vmlock fleet` takes over a thousand locks on a thousand hosts, no two of which are alike in
//! what is planned.

use super::Measure;
use super::commands::{cpu_of_children, examples};
use crate::cache::{self, Cache};
use crate::failure::{Failure, Result, say};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// How many locks there are, and how many hosts.
const MANY: usize = 1000;
/// How long it may take on two processors, in seconds.
const LIMIT: f64 = 10.0;

/// Fields of one bit's difference, by register and lowest bit: which of them are altered is a lock's or host's number.
const DIGITS: [(&str, u32); 10] = [
    ("ID_AA64ISAR0_EL1", 4),
    ("ID_AA64ISAR0_EL1", 8),
    ("ID_AA64ISAR0_EL1", 12),
    ("ID_AA64ISAR0_EL1", 16),
    ("ID_AA64ISAR0_EL1", 20),
    ("ID_AA64ISAR0_EL1", 28),
    ("ID_AA64ISAR1_EL1", 0),
    ("ID_AA64ISAR1_EL1", 12),
    ("ID_AA64MMFR1_EL1", 12),
    ("ID_AA64MMFR2_EL1", 0),
];
/// The register that holds that number, with some bits before it.
const NUMBER: &str = "REVIDR_EL1";

/// Wall-clock time over all of them, reading included.
pub(super) fn time(cache: &Cache, root: &Path, compiler: &Path) -> Result<Measure> {
    let scratch = cache.scratch()?;
    let folder = scratch.path();
    say(format_args!("making {MANY} locks and {MANY} host reports"));
    locks(root, &folder.join("locks"))?;
    hosts(root, &folder.join("hosts"))?;
    say("planning each lock on each host");
    let (before, began) = (cpu_of_children()?, Instant::now());
    let status = Command::new(compiler)
        .current_dir(folder)
        .args(["fleet", "locks", "--host", "hosts"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|e| Failure::environment(format!("cannot run {}: {e}", compiler.display())))?;
    let seconds = began.elapsed().as_secs_f64();
    let processors = cpu_of_children()?.saturating_sub(before).as_secs_f64();
    // 3: not every lock is kept.
    if !matches!(status.code(), Some(0 | 3)) {
        return Err(Failure::environment(format!(
            "`vmlock fleet` over {MANY} locks and hosts ended with {status}"
        )));
    }
    Ok(Measure::new(
        format!("vmlock fleet, {MANY} locks on {MANY} hosts"),
        seconds,
        "s",
        LIMIT,
        format!("wall clock, reading included; {processors:.1} s of CPU time"),
    ))
}

/// Writes a thousand altered copies of files, each as `alter` has it by its number.
fn altered(
    from: &[PathBuf],
    to: &Path,
    end: &str,
    alter: impl Fn(&mut Value, u64) -> Option<()>,
) -> Result<()> {
    cache::make_dir(to)?;
    let mut all = Vec::new();
    for path in from {
        let value: Value = serde_json::from_slice(&cache::read(path)?)
            .map_err(|e| Failure::bug(format!("{}: {e}", path.display())))?;
        all.push((path, value));
    }
    let first = all.iter().cycle().take(MANY);
    for (number, (path, value)) in (0..).zip(first) {
        let mut value = value.clone();
        alter(&mut value, number)
            .ok_or_else(|| Failure::bug(format!("{} is not as expected", path.display())))?;
        let file = to.join(format!("{number:03}{end}"));
        cache::write(&file, format!("{value:#}\n").as_bytes())?;
    }
    Ok(())
}

fn locks(root: &Path, to: &Path) -> Result<()> {
    let from = examples(root)?.into_iter();
    let from: Vec<PathBuf> = from
        .map(|spec| root.join(spec.replace(".vm.kdl", ".vm.lock.json")))
        .collect();
    altered(&from, to, ".vm.lock.json", |lock, number| {
        for entry in lock["registers"].as_array_mut()? {
            let name = entry["name"].as_str()?.to_owned();
            entry["value"] = moved(&name, entry["value"].as_str()?, number)?.into();
        }
        Some(())
    })
}

fn hosts(root: &Path, to: &Path) -> Result<()> {
    let dir = root.join("spec/catalogue/hosts");
    let entries = fs::read_dir(&dir).map_err(|e| Failure::file("list", &dir, &e))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let is_report = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
    let mut from: Vec<PathBuf> = paths.filter(is_report).collect();
    from.sort();
    altered(&from, to, ".json", |host, number| {
        for view in host["views"].as_array_mut()? {
            for entry in view["registers"].as_array_mut()? {
                let name = entry["name"].as_str()?.to_owned();
                if let Some(value) = entry.get("value").and_then(Value::as_str) {
                    entry["value"] = moved(&name, value, number)?.into();
                }
            }
            for facts in view["guest"].as_array_mut()? {
                let facts = facts.as_object_mut()?.iter_mut();
                for (name, seen) in facts.filter(|(name, _)| is_altered(name)) {
                    *seen = moved(name, seen.as_str()?, number)?.into();
                }
            }
        }
        Some(())
    })
}

fn is_altered(name: &str) -> bool {
    name == NUMBER || DIGITS.iter().any(|(register, _)| *register == name)
}

/// What a register holds in the lock or host of that number.
fn moved(name: &str, value: &str, number: u64) -> Option<String> {
    let mut bits = u64::from_str_radix(value.strip_prefix("0x")?, 16).ok()?;
    if name == NUMBER {
        bits = 0x1000 | number;
    }
    for (digit, (register, bit)) in DIGITS.iter().enumerate() {
        if *register == name {
            bits ^= (number >> digit & 1) << bit;
        }
    }
    let width = value.len();
    Some(format!("{bits:#0width$x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_are_alike() {
        let of = |number| {
            let names = [
                "ID_AA64ISAR0_EL1",
                "ID_AA64ISAR1_EL1",
                "ID_AA64MMFR1_EL1",
                "ID_AA64MMFR2_EL1",
            ];
            names.map(|name| moved(name, "0x0000000000000000", number).unwrap())
        };
        let all: BTreeSet<_> = (0..MANY as u64).map(of).collect();
        assert_eq!(all.len(), MANY);
        assert_eq!(
            moved(NUMBER, "0x0000000000000000", 7).unwrap(),
            "0x0000000000001007"
        );
        assert_eq!(
            moved("MIDR_EL1", "0x00000000410fd0c1", 7).unwrap(),
            "0x00000000410fd0c1"
        );
    }
}
