//! `docs/matrix.md`: all examples on every kernel series and four CPUs, with the reasons of each refusal.
//!
//! Each section names the digest of the lock that was audited, so that a page about an older lock is found out
//! (`lab/tests/house/`).

use super::{Cell, Verdict, lock_name, short_digest};
use crate::cache;
use crate::failure::{Failure, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the page lies in the checkout.
pub const PLACE: &str = "docs/matrix.md";

/// How many names of a group of refusals a cell shows.
const NAMES: usize = 3;

const HEAD: &str = "\
# Which hosts keep which lock

Every example, audited on real KVM of every kernel series below, on four emulated CPUs: the runner makes the host show
what the lock says, and a guest reads everything from inside. Written by `vmlock-lab matrix --docs`; not edited by hand.

*kept*: the guest saw exactly what the lock promises. The numbers say how many entries were written and read back
(`set`) and how many the runner answers itself (`emulated`); the rest the host shows by itself. All hosts that keep a
lock showed its guest one and the same machine, whose digest stands above the table.

*refused*: the guest was not started. Each code stands with the number of entries that it is about and the first of
them; `vmlock explain CODE` tells what it means and what to do about it, `vmlock-run check LOCK` on such a host lists
every entry.
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
                "{} is no lock of the examples, which the page is about",
                path.display()
            ))),
        }
    };
    named.iter().map(example).collect()
}

/// The page, with what it has said so far of the examples that no cell is about.
pub fn write(root: &Path, examples: &[PathBuf], cells: &[Cell]) -> Result<String> {
    let target = root.join(PLACE);
    let old = fs::read_to_string(&target).unwrap_or_default();
    let mut text = HEAD.to_owned();
    for example in examples {
        let path = crate::job::text(example)?;
        let of_lock: Vec<&Cell> = cells.iter().filter(|cell| cell.lock == path).collect();
        match (of_lock.as_slice(), old_section(&old, lock_name(&path))) {
            ([], Some(section)) => text.push_str(section),
            ([], None) => {
                return Err(Failure::environment(format!(
                    "{PLACE} has no section about {path}: name that lock, too, or none"
                )));
            }
            (of_lock, _) => section(root, of_lock, &mut text)?,
        }
    }
    Ok(text)
}

/// What a page says of an example: from its title to the next one's.
fn old_section<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let start = page.find(&format!("\n## `{name}`\n"))?;
    let rest = &page[start + 1..];
    let end = rest.find("\n## `").map_or(page.len(), |at| start + 1 + at);
    Some(&page[start..end])
}

/// One lock: a row per kernel, a column per CPU.
fn section(root: &Path, cells: &[&Cell], text: &mut String) -> Result<()> {
    let path = &cells[0].lock;
    let spec = path.replace(".lock.json", ".kdl");
    let source =
        fs::read_to_string(&spec).map_err(|e| Failure::file("read", Path::new(&spec), &e))?;
    let shown = Path::new(path)
        .strip_prefix(root)
        .unwrap_or(Path::new(path));
    let _ = writeln!(
        text,
        "\n## `{}`\n\n```kdl\n{}\n```\n\nLock: `{}`, sha256 `{}`.",
        lock_name(path),
        source.trim_end(),
        shown.display(),
        cache::digest(Path::new(path))?
    );
    let digest = cells.iter().find_map(|cell| match &cell.verdict {
        Verdict::Kept { digest, facts } => Some((digest, facts)),
        _ => None,
    });
    let _ = match digest {
        Some((digest, facts)) => writeln!(
            text,
            "Where it is kept, a guest saw {facts} promised facts, digest `{}`.\n",
            short_digest(digest)
        ),
        None => writeln!(text, "No host here keeps it.\n"),
    };
    let mut columns: Vec<&str> = Vec::new();
    let mut rows: Vec<(&str, BTreeMap<&str, String>)> = Vec::new();
    for cell in cells {
        if !columns.contains(&cell.cpu.as_str()) {
            columns.push(&cell.cpu);
        }
        let row = match rows
            .iter()
            .position(|(version, _)| *version == cell.version)
        {
            Some(row) => row,
            None => {
                rows.push((&cell.version, BTreeMap::new()));
                rows.len() - 1
            }
        };
        rows[row].1.insert(&cell.cpu, words(cell));
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
fn words(cell: &Cell) -> String {
    let text = match &cell.verdict {
        Verdict::Kept { .. } => {
            let count = |way: &str| cell.report["plan"][way].as_u64().unwrap_or(0);
            let parts: Vec<String> = [("set", count("set")), ("emulated", count("emulate"))]
                .into_iter()
                .filter(|(_, n)| *n > 0)
                .map(|(word, n)| format!("{n} {word}"))
                .collect();
            match parts.is_empty() {
                true => "**kept**".to_owned(),
                false => format!("**kept**: {}", parts.join(", ")),
            }
        }
        Verdict::Refused(reasons) => refused(&cell.report["refusals"], reasons),
        Verdict::Differs(what) => format!("DIFFERS: {}", what.join("; ")),
        Verdict::Failed(why) => format!("FAILED: {why}"),
    };
    text.replace('|', "\\|").replace('\n', " ")
}

/// Refusals by code, the rarest reason first: it says most about the host.
fn refused(list: &Value, reasons: &[String]) -> String {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for refusal in list.as_array().map_or(&[][..], Vec::as_slice) {
        let code = refusal["code"].as_str().unwrap_or("host::unnamed");
        let name = refusal["name"].as_str().unwrap_or("an unnamed entry");
        groups.entry(code).or_default().push(name);
    }
    if groups.is_empty() {
        return format!("refused: {}", reasons.join("; "));
    }
    let mut groups: Vec<(&str, Vec<&str>)> = groups.into_iter().collect();
    groups.sort_by_key(|(code, names)| (names.len(), *code));
    let parts: Vec<String> = groups
        .iter()
        .map(|(code, names)| {
            let first = names
                .iter()
                .take(NAMES)
                .copied()
                .collect::<Vec<_>>()
                .join(", ");
            match names.len() {
                n if n > NAMES => format!("`{code}` {n}: {first}, …"),
                _ => format!("`{code}`: {first}"),
            }
        })
        .collect();
    format!("refused: {}", parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cell(verdict: Verdict, report: Value) -> Cell {
        Cell {
            lock: "web.vm.lock.json".to_owned(),
            cpu: "max".to_owned(),
            kernel: "6.12".to_owned(),
            version: "6.12.9".to_owned(),
            verdict,
            report,
        }
    }

    #[test]
    fn a_refusal_names_each_code_with_its_first_entries() {
        let list: Vec<Value> = ["A", "B", "C", "D"]
            .iter()
            .map(|name| json!({"code": "host::not-writable", "name": name}))
            .chain([json!({"code": "host::iidr-refused", "name": "GICD_IIDR.Revision"})])
            .collect();
        let refused = cell(
            Verdict::Refused(vec!["A: no".to_owned()]),
            json!({ "refusals": list }),
        );
        assert_eq!(
            words(&refused),
            "refused: `host::iidr-refused`: GICD_IIDR.Revision; `host::not-writable` 4: A, B, C, …"
        );
    }

    #[test]
    fn a_kept_lock_says_how() {
        let verdict = Verdict::Kept {
            digest: "sha256-ab".to_owned(),
            facts: 7,
        };
        let kept = cell(
            verdict.clone(),
            json!({"plan": {"same": 3, "set": 2, "emulate": 1}}),
        );
        assert_eq!(words(&kept), "**kept**: 2 set, 1 emulated");
        assert_eq!(words(&cell(verdict, Value::Null)), "**kept**");
    }

    #[test]
    fn what_is_not_asked_for_stays_as_the_page_has_it() {
        let page = "# Title\n\n## `a`\n\nof a\n\n## `b`\n\nof b\n";
        assert_eq!(old_section(page, "a"), Some("\n## `a`\n\nof a\n"));
        assert_eq!(old_section(page, "b"), Some("\n## `b`\n\nof b\n"));
        assert_eq!(old_section(page, "of"), None);
        let examples = [PathBuf::from("a.vm.lock.json")];
        let words = asked(&examples, &[PathBuf::from("/")]).map_err(|e| e.to_string());
        assert!(words.is_err_and(|words| words.contains("no lock of the examples")));
    }
}
