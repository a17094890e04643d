//! The same as a page for a browser: locks and hosts, and what became of each on each.

use super::told::{Host, Lock, Said};
use crate::failure::{Failure, Result};
use std::borrow::Cow;
use std::collections::BTreeMap;
use vmlock_page::{Cells, Frame, Grid, Kind, Row};

const FRAME: Frame = Frame {
    title: "vmlock-lab matrix",
    heading: "Which hosts keep which lock",
    row: "lock",
    finds: "refused for (a register, a value, a code)",
    kinds: &[Kind::Kept, Kind::Refused, Kind::Differs, Kind::NoVerdict],
    legible,
};

/// Of what is neither plain nor a letter, the number: the lab links nothing of `vmlock-spec`, which knows more of it.
fn legible(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    match text.chars().all(plain) {
        true => text.into(),
        false => {
            let parts = text.chars().map(|c| match plain(c) {
                true => c.to_string(),
                false => c.escape_unicode().to_string(),
            });
            parts.collect::<String>().into()
        }
    }
}

/// The page of some locks; hosts stand in the order in which they come.
pub fn page(locks: &[Lock]) -> Result<String> {
    let mut hosts: Vec<String> = Vec::new();
    for host in locks.iter().flat_map(|lock| &lock.hosts) {
        let name = column(host);
        if !hosts.contains(&name) {
            hosts.push(name);
        }
    }
    let mut cells = Cells::default();
    let mut rows = Vec::new();
    for lock in locks {
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        for host in &lock.hosts {
            let (kind, lines) = cell(host);
            if told
                .insert(column(host), cells.number(kind, lines))
                .is_some()
            {
                return Err(Failure::environment(format!(
                    "`{}` was audited twice on {}: name each kernel and CPU once",
                    lock.name,
                    column(host)
                )));
            }
        }
        let kept = lock.hosts.iter();
        let kept = kept.filter(|host| matches!(host.said, Said::Kept { .. }));
        let kept = kept.count();
        rows.push(Row {
            name: lock.name.clone(),
            note: format!("{kept} of {}: ", lock.hosts.len()),
            marked: kept == 0,
            cells: hosts
                .iter()
                .map(|host| match told.get(host) {
                    Some(number) => *number,
                    None => cells.number(Kind::NoVerdict, vec!["not audited".to_owned()]),
                })
                .collect(),
        });
    }
    let summary = format!(
        "{} locks, audited on real KVM of {} emulated hosts.",
        locks.len(),
        hosts.len()
    );
    Ok(vmlock_page::page(
        &FRAME,
        &Grid {
            summary,
            hosts,
            rows,
            cells,
        },
    ))
}

fn column(host: &Host) -> String {
    format!("{}, {}", host.kernel, host.cpu)
}

/// What a cell is, and what it opens.
fn cell(host: &Host) -> (Kind, Vec<String>) {
    let mut lines = vec![format!("Linux {}", host.version)];
    let kind = match &host.said {
        Said::Kept {
            facts,
            digest,
            set,
            emulated,
        } => {
            lines.push(format!(
                "a guest saw {facts} promised facts, with the digest {digest}"
            ));
            lines.push(format!(
                "{set} entries were written and read back, and {emulated} are answered by the runner"
            ));
            Kind::Kept
        }
        Said::Refused(refusals) => {
            for refusal in refusals {
                let entries = refusal.entries.iter();
                lines.extend(entries.map(|entry| format!("{entry}: {}", refusal.code)));
            }
            Kind::Refused
        }
        Said::Differs(what) => {
            lines.extend(what.iter().cloned());
            Kind::Differs
        }
        Said::Failed(why) => {
            lines.push(why.clone());
            Kind::NoVerdict
        }
    };
    (kind, lines)
}

#[cfg(test)]
mod tests {
    use super::super::told::Refusal;
    use super::*;
    use serde_json::Value;

    fn host(kernel: &str, said: Said) -> Host {
        Host {
            cpu: "max".to_owned(),
            kernel: kernel.to_owned(),
            version: format!("{kernel}.9"),
            said,
        }
    }

    fn lock(name: &str, hosts: Vec<Host>) -> Lock {
        Lock {
            name: name.to_owned(),
            sha256: "ab".to_owned(),
            hosts,
        }
    }

    fn kept() -> Said {
        Said::Kept {
            facts: 7,
            digest: "cd".to_owned(),
            set: 2,
            emulated: 1,
        }
    }

    /// What the page holds.
    fn data(page: &str) -> Value {
        let (_, rest) = page.split_once("id=\"data\">").unwrap();
        let (data, _) = rest.split_once("</script>").unwrap();
        serde_json::from_str(data).unwrap()
    }

    /// The words of a row's cell, and what it opens.
    fn opened(data: &Value, row: usize, column: usize) -> (String, Vec<String>) {
        let at = |value: &Value| value.as_u64().unwrap() as usize;
        let cell = &data["cells"][at(&data["rows"][row]["cells"][column])];
        let words = &data["kinds"][at(&cell["kind"])]["words"];
        let lines = cell["lines"].as_array().unwrap().iter();
        let lines = lines.map(|line| line.as_str().unwrap().to_owned());
        (words.as_str().unwrap().to_owned(), lines.collect())
    }

    #[test]
    fn every_cell_says_what_became_of_the_lock() {
        let refused = Said::Refused(vec![Refusal {
            code: "host::answer".to_owned(),
            entries: vec![
                "A.B: wanted 1; it is 2".to_owned(),
                "C: wanted 3; no".to_owned(),
            ],
        }]);
        let differs = Said::Differs(vec!["CTR_EL0 on vCPU 1".to_owned()]);
        let hostile = "<script>\u{202e}größe";
        let page = page(&[
            lock("web", vec![host("5.10", kept()), host("6.12", refused)]),
            lock(
                hostile,
                vec![
                    host("6.12", differs),
                    host("7.3", Said::Failed("it hangs\n".to_owned())),
                ],
            ),
        ]);
        let data = data(&page.unwrap());
        assert_eq!(
            data["hosts"],
            serde_json::json!(["5.10, max", "6.12, max", "7.3, max"])
        );
        assert_eq!(data["rows"][0]["note"], "1 of 2: ");
        assert_eq!(data["rows"][1]["name"], "<script>\\u{202e}größe");
        assert_eq!(
            [0, 1].map(|row| data["rows"][row]["marked"].as_bool()),
            [Some(false), Some(true)]
        );
        for (row, column, words, lines) in [
            (
                0,
                0,
                "kept",
                &[
                    "Linux 5.10.9",
                    "a guest saw 7 promised facts, with the digest cd",
                    "2 entries were written and read back, and 1 are answered by the runner",
                ][..],
            ),
            (
                0,
                1,
                "not kept",
                &[
                    "Linux 6.12.9",
                    "A.B: wanted 1; it is 2: host::answer",
                    "C: wanted 3; no: host::answer",
                ],
            ),
            (0, 2, "no verdict", &["not audited"]),
            (1, 0, "no verdict", &["not audited"]),
            (
                1,
                1,
                "a guest saw something else",
                &["Linux 6.12.9", "CTR_EL0 on vCPU 1"],
            ),
            (1, 2, "no verdict", &["Linux 7.3.9", "it hangs\\u{a}"]),
        ] {
            let (was, opened) = opened(&data, row, column);
            assert_eq!(
                (was.as_str(), opened),
                (words, lines.iter().map(|&l| l.to_owned()).collect())
            );
        }
    }

    #[test]
    fn one_host_has_one_verdict() {
        let twice = lock("web", vec![host("6.12", kept()), host("6.12", kept())]);
        let words = page(&[twice]).map_err(|e| e.to_string());
        assert!(words.is_err_and(|words| words.contains("audited twice on 6.12, max")));
    }
}
