//! The page of `vmlock drift`: what changed and which locks, on each host of the new kernel.
//!
//! A cell without a change says so only where that host was compared; where anything of it was not, it says that nothing
//! is known to have changed.

use serde_json::Value;
use vmlock_page::{Cells, Frame, Grid, Kind, Row, page};
use vmlock_spec::words::printable;

const FRAME: Frame = Frame {
    title: "vmlock drift",
    heading: "What a new kernel changes for guests",
    row: "what changed, or lock",
    finds: "changed or refused (a register, a reason)",
    kinds: &[
        Kind::Same,
        Kind::Restored,
        Kind::Changed,
        Kind::NotCompared,
        Kind::Kept,
        Kind::Refused,
    ],
    legible: printable,
};

/// What a row says of one host.
type Told = (Kind, Vec<String>);

/// The page of a drift; `data` is what `vmlock drift --format json` prints.
pub fn drift(data: &Value) -> String {
    let hosts: Vec<String> = list(&data["reports"]).iter().map(text).collect();
    let mut cells = Cells::default();
    let mut rows = Vec::new();
    let mut add = |name: String, told: &dyn Fn(&str) -> Told| {
        let told: Vec<Told> = hosts.iter().map(|host| told(host)).collect();
        rows.push(Row {
            name,
            note: String::new(),
            marked: told
                .iter()
                .any(|(kind, _)| [Kind::Changed, Kind::Refused].contains(kind)),
            cells: told
                .into_iter()
                .map(|(kind, lines)| cells.number(kind, lines))
                .collect(),
        });
    };
    for change in list(&data["changes"]) {
        match change.get("subject") {
            Some(subject) => add(
                format!("{}: {}", text(subject), text(&change["says"])),
                &|host| changed(data, change, host),
            ),
            // Between two runs of a witness it is one fact, and what restores it is not known.
            None => add(text(&change["name"]), &|_| {
                (Kind::Changed, vec![fact(change)])
            }),
        }
    }
    for (name, changes) in by_name(list(&data["unsaid"])) {
        add(name, &|host| unsaid(data, &changes, host));
    }
    add("all else that guests see".to_owned(), &|host| {
        elsewhere(data, host)
    });
    if !list(&data["together"]).is_empty() {
        add(
            "all lines that restore, in one description".to_owned(),
            &|host| {
                let of_host = |one: &&Value| is_about(one, host);
                let those = list(&data["together"]).iter().filter(of_host);
                judged(
                    those.map(|one| (list(&one["refused"]).is_empty(), one)),
                    &|one| list(&one["refused"]).iter().map(text).collect(),
                    "no line that restores something was tried on this host",
                )
            },
        );
    }
    if !list(&data["old"]).is_empty() {
        let name = format!(
            "machines that are locked to what {} shows",
            text(&data["from"])
        );
        add(name, &|host| {
            let old = list(&data["old"]).iter();
            verdicts(
                old.filter(|one| one["report"] == host),
                "no machine of the old kernel was held against this host",
            )
        });
    }
    let mut known: Vec<&Value> = Vec::new();
    for lock in list(&data["locks"]) {
        if known.contains(&&lock["lock"]) {
            continue;
        }
        known.push(&lock["lock"]);
        add(text(&lock["lock"]), &|host| {
            let of_both = |one: &&Value| one["lock"] == lock["lock"] && one["report"] == host;
            verdicts(
                list(&data["locks"]).iter().filter(of_both),
                "not held against this host: the lock is for another CPU",
            )
        });
    }
    let grid = Grid {
        summary: text(&data["summary"]),
        hosts,
        rows,
        cells,
    };
    page(&FRAME, &grid)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether one of its guests is on that host.
fn is_about(what: &Value, host: &str) -> bool {
    list(&what["guests"])
        .iter()
        .any(|guest| guest["report"] == host)
}

/// ` (plain guests; guests with pmu)`: those of a host.
fn guests(what: &Value, host: &str) -> String {
    let here = list(&what["guests"]).iter();
    let here = here.filter(|guest| guest["report"] == host);
    let words: Vec<String> = here
        .map(|guest| {
            let names: Vec<String> = list(&guest["features"]).iter().map(text).collect();
            match names.is_empty() {
                true => "plain guests".to_owned(),
                false => format!("guests with {}", names.join(" and ")),
            }
        })
        .collect();
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", words.join("; ")),
    }
}

/// One fact that changed.
fn fact(change: &Value) -> String {
    let side = |key: &str| change[key].as_str().unwrap_or("—").to_owned();
    let words = match change["words"].as_str() {
        None | Some("") => String::new(),
        Some(words) => format!(": {words}"),
    };
    format!(
        "{}: {} → {}{words}",
        text(&change["name"]),
        side("before"),
        side("after")
    )
}

/// Where a row tells of no change: whether that is known of all guests of the host.
fn untouched(data: &Value, host: &str) -> Told {
    let unknown = list(&data["unknown"]).iter();
    match unknown.clone().any(|one| is_about(one, host)) {
        true => (
            Kind::NotCompared,
            vec!["not all guests of this host could be compared".to_owned()],
        ),
        false => (Kind::Same, Vec::new()),
    }
}

/// What a statement changes on a host.
fn changed(data: &Value, change: &Value, host: &str) -> Told {
    let here = |key: &str| list(&change[key]).iter().filter(|one| is_about(one, host));
    let (seen, restored) = (here("seen"), here("restored"));
    if seen.clone().next().is_none() && restored.clone().next().is_none() {
        return untouched(data, host);
    }
    let all =
        restored.clone().next().is_some() && restored.clone().all(|how| how["restores"] == true);
    let told = |one: &Value, words: String| format!("{words}{}", guests(one, host));
    let mut lines: Vec<String> = seen.map(|one| told(one, fact(one))).collect();
    lines.extend(restored.map(|how| told(how, text(&how["words"]))));
    (if all { Kind::Restored } else { Kind::Changed }, lines)
}

/// Those of one name together: from different values on different hosts, it is one thing that changed.
fn by_name(all: &[Value]) -> Vec<(String, Vec<&Value>)> {
    let mut out: Vec<(String, Vec<&Value>)> = Vec::new();
    for one in all {
        let name = text(&one["name"]);
        match out.iter_mut().find(|(other, _)| *other == name) {
            Some((_, those)) => those.push(one),
            None => out.push((name, vec![one])),
        }
    }
    out
}

/// What no statement says.
fn unsaid(data: &Value, changes: &[&Value], host: &str) -> Told {
    let here = changes.iter().filter(|change| is_about(change, host));
    let here: Vec<&Value> = here.copied().collect();
    if here.is_empty() {
        let by_promises = list(&data["byPromises"]).iter().any(|one| one == host);
        return match by_promises {
            true => (Kind::NotCompared, vec![not_recorded(data)]),
            false => untouched(data, host),
        };
    }
    let all = here.iter().all(|change| change["remedy"] == "written");
    let lines = here.iter().flat_map(|change| {
        let way = format!(
            "{}: {} → {}{}",
            text(&change["name"]),
            text(&change["before"]),
            text(&change["after"]),
            guests(change, host)
        );
        [way, text(&change["words"])]
    });
    (
        if all { Kind::Restored } else { Kind::Changed },
        lines.collect(),
    )
}

fn not_recorded(data: &Value) -> String {
    format!(
        "nobody has recorded {} on this CPU: what no lock promises is not compared",
        text(&data["from"])
    )
}

/// What no other row is about: the same, as far as it was compared.
fn elsewhere(data: &Value, host: &str) -> Told {
    let unknown = list(&data["unknown"]).iter();
    let unknown = unknown.filter(|one| is_about(one, host));
    let mut lines: Vec<String> = unknown
        .map(|one| format!("{}{}", text(&one["words"]), guests(one, host)))
        .collect();
    if list(&data["byPromises"]).iter().any(|one| one == host) {
        lines.push(not_recorded(data));
    }
    match lines.is_empty() {
        true => (Kind::Same, lines),
        false => (Kind::NotCompared, lines),
    }
}

/// Kept where all are, and somebody was asked; else why nobody was.
fn judged<'a>(
    verdicts: impl Iterator<Item = (bool, &'a Value)>,
    why: &dyn Fn(&Value) -> Vec<String>,
    unasked: &str,
) -> Told {
    let all: Vec<(bool, &Value)> = verdicts.collect();
    if all.is_empty() {
        return (Kind::NotCompared, vec![unasked.to_owned()]);
    }
    let refused = all.into_iter().filter(|(kept, _)| !kept);
    let refused: Vec<Vec<String>> = refused.map(|(_, one)| why(one)).collect();
    match refused.is_empty() {
        true => (Kind::Kept, Vec::new()),
        false => (Kind::Refused, refused.concat()),
    }
}

/// The same of locks: each refusal by its name.
fn verdicts<'a>(all: impl Iterator<Item = &'a Value>, unasked: &str) -> Told {
    let why = |one: &Value| {
        let refusals = list(&one["refusals"]).iter();
        let line = |r: &Value| format!("{}: {}", text(&r["name"]), text(&r["reason"]));
        refusals.map(line).collect()
    };
    judged(all.map(|one| (one["kept"] == true, one)), &why, unasked)
}
