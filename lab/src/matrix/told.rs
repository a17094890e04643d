//! What the documents keep of an audit: which host keeps which lock, how, or which entries it refuses. From this the table
//! and the page are made, so that one lock can be audited anew, and the page be drawn otherwise, without all hosts.

use super::{Cell, Verdict, short_digest};
use crate::cache;
use crate::failure::{Failure, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What became of one lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Its file, without the ending that all have.
    pub name: String,
    /// Of the file that was audited.
    pub sha256: String,
    pub hosts: Vec<Host>,
}

/// What became of it on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    pub cpu: String,
    /// The series, or what else was asked for.
    pub kernel: String,
    pub version: String,
    pub said: Said,
}

/// A verdict with what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Said {
    /// How many facts a guest saw, the first digits of their digest, how many entries were set, and how many the runner
    /// answers itself.
    #[serde(rename_all = "camelCase")]
    Kept {
        facts: u64,
        digest: String,
        set: u64,
        emulated: u64,
    },
    /// Entries that the host refuses, by why: the rarest reason first, since it says most about the host.
    Refused(Vec<Refusal>),
    Differs(Vec<String>),
    Failed(String),
}

/// Entries that are refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// As `vmlock explain` knows it.
    pub code: String,
    /// Each entry: its name, and what was wanted of the host and why it was not to be had.
    pub entries: Vec<String>,
}

/// The digest of each lock, by its path: before the first of them is audited.
pub fn digests(locks: &[PathBuf]) -> Result<BTreeMap<PathBuf, String>> {
    let of = |path: &PathBuf| Ok((path.clone(), cache::digest(path)?));
    locks.iter().map(of).collect()
}

/// That each lock is still the one that was audited.
pub fn unchanged(before: &BTreeMap<PathBuf, String>) -> Result<()> {
    let paths: Vec<PathBuf> = before.keys().cloned().collect();
    let now = digests(&paths)?;
    let mut changed = before
        .iter()
        .filter(|(path, digest)| now.get(*path) != Some(digest));
    changed
        .next()
        .map_or(Ok(()), |(path, _)| Err(was_changed(path)))
}

/// What to say of one that is not.
fn was_changed(path: &Path) -> Failure {
    Failure::environment(format!(
        "{} was changed while it was audited: nothing is said of it; audit it once more",
        path.display()
    ))
}

/// What is kept of cells, which are in the order of their locks. A lock that is another one now than before the audits
/// was not audited, or not everywhere.
pub fn of(cells: &[Cell], before: &BTreeMap<PathBuf, String>) -> Result<Vec<Lock>> {
    cells
        .chunk_by(|a, b| a.lock == b.lock)
        .map(|of_lock| {
            let first = &of_lock[0];
            let path = Path::new(&first.lock);
            let sha256 = cache::digest(path)?;
            if before.get(path) != Some(&sha256) {
                return Err(was_changed(path));
            }
            Ok(Lock {
                name: first.name.clone(),
                sha256,
                hosts: of_lock.iter().map(host).collect::<Result<_>>()?,
            })
        })
        .collect()
}

fn host(cell: &Cell) -> Result<Host> {
    let said = said(&cell.verdict, &cell.report).map_err(|what| {
        Failure::environment(format!(
            "{} on {} ({}) is refused, and the runner does not say for which entry, by which code: {what}",
            cell.name, cell.version, cell.cpu
        ))
    })?;
    Ok(Host {
        cpu: cell.cpu.clone(),
        kernel: cell.kernel.clone(),
        version: cell.version.clone(),
        said,
    })
}

/// A verdict with what stands behind it; of a refusal without its name or code, that refusal.
fn said(verdict: &Verdict, report: &Value) -> std::result::Result<Said, String> {
    let count = |way: &str| report["plan"][way].as_u64().unwrap_or(0);
    Ok(match verdict {
        Verdict::Kept { digest, facts } => Said::Kept {
            facts: *facts,
            digest: short_digest(digest).to_owned(),
            set: count("set"),
            emulated: count("emulate"),
        },
        Verdict::Refused(_) => Said::Refused(refusals(&report["refusals"])?),
        Verdict::Differs(what) => Said::Differs(what.clone()),
        Verdict::Failed(why) => Said::Failed(why.clone()),
    })
}

/// Refusals by code.
fn refusals(list: &Value) -> std::result::Result<Vec<Refusal>, String> {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for refusal in list.as_array().map_or(&[][..], Vec::as_slice) {
        let text = |key: &str| refusal[key].as_str().ok_or_else(|| refusal.to_string());
        let entry = format!(
            "{}: wanted {}; {}",
            text("name")?,
            text("wanted")?,
            text("reason")?
        );
        groups.entry(text("code")?).or_default().push(entry);
    }
    if groups.is_empty() {
        return Err("no refusal at all".to_owned());
    }
    let groups = groups.into_iter().map(|(code, entries)| Refusal {
        code: code.to_owned(),
        entries,
    });
    let mut groups: Vec<Refusal> = groups.collect();
    // They are in the order of their codes already.
    groups.sort_by_key(|group| group.entries.len());
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lock_that_changes_while_it_is_audited_is_told_of() {
        let folder = std::env::temp_dir().join(format!("vmlock-told-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("web.vm.lock.json");
        std::fs::write(&path, "{}").expect("a file");
        let before = digests(std::slice::from_ref(&path)).expect("digests");
        assert!(unchanged(&before).is_ok());
        std::fs::write(&path, "{ }").expect("another file");
        assert!(unchanged(&before).is_err());
        std::fs::remove_dir_all(folder).expect("its end");
    }

    #[test]
    fn refusals_are_gathered_by_code_the_rarest_first() {
        let refusal = |code: &str, name: &str| {
            let reason = format!("a guest on this host sees 0x0 in {name}");
            json!({"code": code, "name": name, "wanted": "0x1", "offered": "0x0", "reason": reason})
        };
        let list: Vec<Value> = ["A", "B", "C", "D"]
            .iter()
            .map(|name| refusal("host::not-writable", name))
            .chain([refusal("host::iidr-refused", "GICD_IIDR.Revision")])
            .collect();
        let refused = Verdict::Refused(vec!["A: no".to_owned()]);
        let group = |code: &str, names: &[&str]| Refusal {
            code: code.to_owned(),
            entries: names
                .iter()
                .map(|name| format!("{name}: wanted 0x1; a guest on this host sees 0x0 in {name}"))
                .collect(),
        };
        assert_eq!(
            said(&refused, &json!({ "refusals": list })),
            Ok(Said::Refused(vec![
                group("host::iidr-refused", &["GICD_IIDR.Revision"]),
                group("host::not-writable", &["A", "B", "C", "D"]),
            ]))
        );
        // Each word of a refusal has to be there, and one refusal at least.
        for key in ["code", "name", "wanted", "reason"] {
            let mut broken = list.clone();
            broken[3][key].take();
            let words = said(&refused, &json!({ "refusals": broken }));
            assert!(words.is_err_and(|what| what.contains("0x0")), "{key}");
        }
        assert!(said(&refused, &Value::Null).is_err());
    }

    /// Who looks at the page afterwards reads of the lock that was audited, and of no other.
    #[test]
    fn a_lock_that_changes_meanwhile_is_told_of_as_that() {
        let scratch = cache::Scratch::new().unwrap();
        let path = scratch.path().join("web.vm.lock.json");
        cache::write(&path, b"one").unwrap();
        let locks = [path.clone()];
        let before = digests(&locks).unwrap();
        let cell = Cell {
            lock: path.display().to_string(),
            name: "web".to_owned(),
            cpu: "max".to_owned(),
            kernel: "6.12".to_owned(),
            version: "6.12.9".to_owned(),
            verdict: Verdict::Failed("it hangs".to_owned()),
            report: Value::Null,
        };
        let cells = [cell];
        let told = of(&cells, &before).unwrap();
        assert_eq!((told.len(), told[0].name.as_str()), (1, "web"));
        assert_eq!(told[0].sha256, before[&path]);
        cache::write(&path, b"two").unwrap();
        let words = of(&cells, &before).map_err(|e| e.to_string());
        assert!(words.is_err_and(|words| words.contains("changed while it was audited")));
    }

    #[test]
    fn a_kept_lock_says_how() {
        let kept = Verdict::Kept {
            digest: "sha256-ab".to_owned(),
            facts: 7,
        };
        let how = |set, emulated| Said::Kept {
            facts: 7,
            digest: "ab".to_owned(),
            set,
            emulated,
        };
        let report = json!({"plan": {"same": 3, "set": 2, "emulate": 1}});
        assert_eq!(said(&kept, &report), Ok(how(2, 1)));
        assert_eq!(said(&kept, &Value::Null), Ok(how(0, 0)));
    }
}
