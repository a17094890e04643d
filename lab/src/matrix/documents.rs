//! What the documents say of all examples on every kernel series and four CPUs: `docs/matrix.md`, a table to read, its page
//! for a browser, which has what each host refuses, and the data that both are made of.
//!
//! Each section names the digest of the lock that was audited, so that a page about an older lock is found out
//! (`lab/tests/house/`).

use super::grid;
use super::told::{Host, Lock, Said};
use crate::cache;
use crate::failure::{Failure, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What the other two are made of.
const DATA: &str = "docs/matrix.json";
const TABLE: &str = "docs/matrix.md";
/// Not `matrix.html`: the book calls the table so.
const PAGE: &str = "docs/matrix-page.html";

const HEAD: &str = "\
# Which hosts keep which lock

Every example, audited on real KVM of every kernel series below, on four emulated CPUs: the runner makes the host show
what the lock says, and a guest reads everything from inside. Written by `vmlock-lab matrix --docs`; not edited by hand.

[One page](matrix-page.html) for a browser has all of it as a grid in which each cell opens its reasons, found by
register, value or code; it needs no network. The [data](matrix.json) of both are beside it.

**yes**: the guest saw exactly what the lock promises. The numbers say how many entries were written and read back
(`set`) and how many the runner answers itself (`emulated`); the rest the host shows by itself. All hosts that keep a
lock showed its guest one and the same machine, whose digest stands above the table.

no: the guest was not started. The number says how many entries the host refuses, the word why: of several reasons
the rarest, which says most about the host. `vmlock explain host::WORD` tells what it means and what to do about it,
`vmlock-run check LOCK` on such a host lists every entry.
";

/// The locks of the examples, in the order of their names.
pub fn examples(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join("examples");
    let entries = fs::read_dir(&folder).map_err(|e| Failure::file("read", &folder, &e))?;
    let mut locks: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".vm.lock.json"))
        .collect();
    locks.sort();
    if locks.is_empty() {
        return Err(Failure::environment(format!(
            "there is no lock in {}",
            folder.display()
        )));
    }
    Ok(locks)
}

/// Those of the examples that are asked for: all of them, where none is named.
pub fn asked(examples: &[PathBuf], named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if named.is_empty() {
        return Ok(examples.to_vec());
    }
    let example = |path: &PathBuf| {
        let whole = fs::canonicalize(path).map_err(|e| Failure::file("find", path, &e))?;
        match examples.contains(&whole) {
            true => Ok(whole),
            false => Err(Failure::environment(format!(
                "{} is no lock of the examples, which the documents are about",
                path.display()
            ))),
        }
    };
    named.iter().map(example).collect()
}

/// What the documents are made of.
pub fn read(root: &Path) -> Result<Vec<Lock>> {
    let place = root.join(DATA);
    serde_json::from_slice(&cache::read(&place)?)
        .map_err(|e| Failure::environment(format!("cannot read {}: {e}", place.display())))
}

/// What was audited now, and of all other examples what the documents have said so far.
pub fn with(root: &Path, examples: &[PathBuf], audited: Vec<Lock>) -> Result<Vec<Lock>> {
    let mut known: BTreeMap<String, Lock> = BTreeMap::new();
    if audited.len() < examples.len() {
        known.extend(
            read(root)?
                .into_iter()
                .map(|lock| (lock.name.clone(), lock)),
        );
    }
    known.extend(audited.into_iter().map(|lock| (lock.name.clone(), lock)));
    let of_example = |example: &PathBuf| {
        let name = crate::job::text(example)?;
        let lock = known.get(super::lock_name(&name)).cloned();
        lock.ok_or_else(|| {
            Failure::environment(format!(
                "{DATA} says nothing about {name}: name that lock, too, or none"
            ))
        })
    };
    examples.iter().map(of_example).collect()
}

/// Each file by its place in the checkout.
pub fn made(root: &Path, locks: &[Lock]) -> Result<[(&'static str, String); 3]> {
    let data = serde_json::to_string_pretty(locks)
        .map_err(|e| Failure::bug(format!("what the documents keep is no JSON: {e}")))?;
    let mut table = HEAD.to_owned();
    for lock in locks {
        section(root, lock, &mut table)?;
    }
    Ok([
        (DATA, format!("{data}\n")),
        (TABLE, table),
        (PAGE, grid::page(locks)?),
    ])
}

/// One lock: a row per kernel, a column per CPU.
fn section(root: &Path, lock: &Lock, text: &mut String) -> Result<()> {
    let Lock {
        name,
        sha256,
        hosts,
    } = lock;
    let spec = root.join(format!("examples/{name}.vm.kdl"));
    let source = fs::read_to_string(&spec).map_err(|e| Failure::file("read", &spec, &e))?;
    let shown = format!("examples/{name}.vm.lock.json");
    let _ = writeln!(
        text,
        "\n## `{name}`\n\n```kdl\n{}\n```\n\nLock: `{shown}`, sha256 `{sha256}`.",
        source.trim_end(),
    );
    let kept: BTreeSet<(u64, &str)> = hosts
        .iter()
        .filter_map(|host| match &host.said {
            Said::Kept { facts, digest, .. } => Some((*facts, digest.as_str())),
            _ => None,
        })
        .collect();
    let _ = match Vec::from_iter(kept)[..] {
        [] => writeln!(text, "No host here keeps it.\n"),
        [(facts, digest)] => writeln!(
            text,
            "Where it is kept, a guest saw {facts} promised facts, digest `{digest}`.\n"
        ),
        // The head says that it was one machine.
        ref several => {
            return Err(Failure::environment(format!(
                "`{name}` showed its guests {} machines, by their facts and digests: {several:?}",
                several.len()
            )));
        }
    };
    let mut columns: Vec<&str> = Vec::new();
    let mut rows: Vec<(&str, BTreeMap<&str, String>)> = Vec::new();
    for host in hosts {
        if !columns.contains(&host.cpu.as_str()) {
            columns.push(&host.cpu);
        }
        let row = match rows
            .iter()
            .position(|(version, _)| *version == host.version)
        {
            Some(row) => row,
            None => {
                rows.push((&host.version, BTreeMap::new()));
                rows.len() - 1
            }
        };
        rows[row].1.insert(&host.cpu, words(host));
    }
    let _ = writeln!(text, "| kernel | {} |", columns.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(columns.len()));
    for (version, row) in rows {
        let row: Vec<&str> = columns
            .iter()
            .map(|cpu| row.get(cpu).map_or("", String::as_str))
            .collect();
        let _ = writeln!(text, "| {version} | {} |", row.join(" | "));
    }
    Ok(())
}

/// One cell.
fn words(host: &Host) -> String {
    match &host.said {
        Said::Kept { set, emulated, .. } => {
            let parts: Vec<String> = [("set", set), ("emulated", emulated)]
                .into_iter()
                .filter(|(_, n)| **n > 0)
                .map(|(word, n)| format!("{n} {word}"))
                .collect();
            match parts.is_empty() {
                true => "**yes**".to_owned(),
                false => format!("**yes**: {}", parts.join(", ")),
            }
        }
        Said::Refused(refusals) => {
            let count: usize = refusals.iter().map(|refusal| refusal.entries.len()).sum();
            let code = refusals.first().map_or("", |first| first.code.as_str());
            let word = code.strip_prefix("host::").unwrap_or(code);
            format!("no: {count}, {word}")
        }
        Said::Differs(what) => format!("DIFFERS: {}", what.len()),
        Said::Failed(_) => "FAILED".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::Refusal;
    use super::*;
    use crate::cross;

    /// Whatever draws them has been run since it was changed.
    #[test]
    fn the_documents_are_made_of_what_was_audited() {
        let root = cross::workspace().unwrap();
        let locks = read(&root).unwrap();
        let names: Vec<String> = examples(&root)
            .unwrap()
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let names: Vec<&str> = names
            .iter()
            .map(|name| crate::matrix::lock_name(name))
            .collect();
        assert_eq!(
            locks
                .iter()
                .map(|lock| lock.name.as_str())
                .collect::<Vec<_>>(),
            names
        );
        for (place, text) in made(&root, &locks).unwrap() {
            let target = root.join(place);
            if std::env::var_os("VMLOCK_UPDATE").is_some() {
                cache::write(&target, text.as_bytes()).unwrap();
            }
            assert!(
                fs::read_to_string(&target).unwrap_or_default() == text,
                "{place} is not what is made of {DATA}: VMLOCK_UPDATE=1 cargo test -p vmlock-lab the_documents_are_made"
            );
            // A browser opens it at once, and so does git.
            assert!(text.len() < 2 << 20, "{place} has {} bytes", text.len());
        }
    }

    #[test]
    fn a_cell_of_the_table_is_short() {
        let said = |said| {
            words(&Host {
                cpu: "max".to_owned(),
                kernel: "6.12".to_owned(),
                version: "6.12.9".to_owned(),
                said,
            })
        };
        let kept = |set, emulated| Said::Kept {
            facts: 7,
            digest: "ab".to_owned(),
            set,
            emulated,
        };
        assert_eq!(said(kept(0, 0)), "**yes**");
        assert_eq!(said(kept(2, 1)), "**yes**: 2 set, 1 emulated");
        assert_eq!(said(kept(0, 1)), "**yes**: 1 emulated");
        let refusal = |code: &str, count| Refusal {
            code: code.to_owned(),
            entries: vec!["A: wanted 1; it is 2".to_owned(); count],
        };
        let refused = vec![
            refusal("host::answer", 2),
            refusal("host::not-writable", 51),
        ];
        assert_eq!(said(Said::Refused(refused)), "no: 53, answer");
    }

    /// The sentence about one machine is held, also of what several runs were merged to.
    #[test]
    fn a_lock_that_showed_two_machines_makes_no_document() {
        let root = cross::workspace().unwrap();
        let host = |kernel: &str, facts, digest: &str| Host {
            cpu: "max".to_owned(),
            kernel: kernel.to_owned(),
            version: format!("{kernel}.9"),
            said: Said::Kept {
                facts,
                digest: digest.to_owned(),
                set: 1,
                emulated: 0,
            },
        };
        let of = |hosts| {
            let mut text = String::new();
            let lock = Lock {
                name: "modern".to_owned(),
                sha256: "ab".to_owned(),
                hosts,
            };
            section(&root, &lock, &mut text)
                .map(|()| text)
                .map_err(|e| e.to_string())
        };
        let one = of(vec![host("6.12", 7, "ab"), host("7.3", 7, "ab")]).unwrap();
        assert!(one.contains("saw 7 promised facts, digest `ab`"), "{one}");
        for other in [host("7.3", 7, "cd"), host("7.3", 8, "ab")] {
            let words = of(vec![host("6.12", 7, "ab"), other]);
            assert!(words.is_err_and(|words| words.contains("2 machines")));
        }
    }

    #[test]
    fn what_is_not_audited_now_stays_as_it_was() {
        let scratch = cache::Scratch::new().unwrap();
        let root = scratch.path();
        let lock = |name: &str, sha256: &str| Lock {
            name: name.to_owned(),
            sha256: sha256.to_owned(),
            hosts: Vec::new(),
        };
        let old = serde_json::to_string(&[lock("a", "old"), lock("b", "old"), lock("gone", "old")]);
        cache::write(&root.join(DATA), old.unwrap().as_bytes()).unwrap();
        let path = |name: &str| PathBuf::from(format!("{name}.vm.lock.json"));
        let (all, now) = ([path("a"), path("b")], vec![lock("b", "new")]);
        assert_eq!(
            with(root, &all, now.clone()).unwrap(),
            [lock("a", "old"), lock("b", "new")]
        );
        let more = [path("a"), path("b"), path("c")];
        let words = with(root, &more, now).map_err(|e| e.to_string());
        assert!(words.is_err_and(|words| words.contains("says nothing about c.vm.lock.json")));
        let words = asked(&all, &[PathBuf::from("/")]).map_err(|e| e.to_string());
        assert!(words.is_err_and(|words| words.contains("no lock of the examples")));
    }
}
