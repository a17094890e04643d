//! What the documents keep of an audit: which host keeps which lock, how, or which entries it refuses. From this the table
//! and the page are made, so that one lock can be audited anew, and the page be drawn otherwise, without all hosts.

use super::{Cell, Verdict, lock_name, short_digest};
use crate::cache;
use crate::failure::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

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
    /// Of how many entries.
    pub count: u64,
    /// Their names, or the first of them.
    pub names: Vec<String>,
}

/// What is kept of cells, which are in the order of their locks.
pub fn of(cells: &[Cell]) -> Result<Vec<Lock>> {
    cells
        .chunk_by(|a, b| a.lock == b.lock)
        .map(|of_lock| {
            Ok(Lock {
                name: lock_name(&of_lock[0].lock).to_owned(),
                sha256: cache::digest(Path::new(&of_lock[0].lock))?,
                hosts: of_lock.iter().map(host).collect(),
            })
        })
        .collect()
}

fn host(cell: &Cell) -> Host {
    Host {
        cpu: cell.cpu.clone(),
        kernel: cell.kernel.clone(),
        version: cell.version.clone(),
        said: said(&cell.verdict, &cell.report),
    }
}

fn said(verdict: &Verdict, report: &Value) -> Said {
    let count = |way: &str| report["plan"][way].as_u64().unwrap_or(0);
    match verdict {
        Verdict::Kept { digest, facts } => Said::Kept {
            facts: *facts,
            digest: short_digest(digest).to_owned(),
            set: count("set"),
            emulated: count("emulate"),
        },
        Verdict::Refused(reasons) => Said::Refused(refusals(&report["refusals"], reasons)),
        Verdict::Differs(what) => Said::Differs(what.clone()),
        Verdict::Failed(why) => Said::Failed(why.clone()),
    }
}

/// Refusals by code; reasons alone, where they have none.
fn refusals(list: &Value, reasons: &[String]) -> Vec<Refusal> {
    const UNNAMED: &str = "host::unnamed";
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for refusal in list.as_array().map_or(&[][..], Vec::as_slice) {
        let code = refusal["code"].as_str().unwrap_or(UNNAMED);
        let name = refusal["name"].as_str().unwrap_or("an unnamed entry");
        groups.entry(code).or_default().push(name.to_owned());
    }
    if groups.is_empty() {
        groups.insert(UNNAMED, reasons.to_vec());
    }
    let groups = groups.into_iter().map(|(code, names)| Refusal {
        code: code.to_owned(),
        count: names.len() as u64,
        names,
    });
    let mut groups: Vec<Refusal> = groups.collect();
    // They are in the order of their codes already.
    groups.sort_by_key(|group| group.count);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refusals_are_counted_by_code_the_rarest_first() {
        let list: Vec<Value> = ["A", "B", "C", "D"]
            .iter()
            .map(|name| json!({"code": "host::not-writable", "name": name}))
            .chain([json!({"code": "host::iidr-refused", "name": "GICD_IIDR.Revision"})])
            .collect();
        let refused = Verdict::Refused(vec!["A: no".to_owned()]);
        let group = |code: &str, names: &[&str]| Refusal {
            code: code.to_owned(),
            count: names.len() as u64,
            names: names.iter().map(|&name| name.to_owned()).collect(),
        };
        assert_eq!(
            said(&refused, &json!({ "refusals": list })),
            Said::Refused(vec![
                group("host::iidr-refused", &["GICD_IIDR.Revision"]),
                group("host::not-writable", &["A", "B", "C", "D"]),
            ])
        );
        assert_eq!(
            said(&refused, &Value::Null),
            Said::Refused(vec![group("host::unnamed", &["A: no"])])
        );
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
        assert_eq!(said(&kept, &report), how(2, 1));
        assert_eq!(said(&kept, &Value::Null), how(0, 0));
    }
}
