//! What `vmlock drift` says: one thing that changed after the other, with what restores it.

use crate::command::check::refused;
use crate::difference::{self, Change, compare, guest_visible, hex, in_short};
use crate::fold::folded;
use crate::render::{Exit, Output, hanging};
use crate::wording;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::drift::{Drift, Entry, Restored, line_for};
use vmlock_spec::lock::Lock;
use vmlock_spec::part;
use vmlock_spec::plan::{Refusal, plan};
use vmlock_spec::report::HostReport;

/// What is compared, by name.
pub struct Names<'a> {
    /// What guests saw before: a baseline, or the report of a host.
    pub from: &'a str,
    /// The baseline of the catalogue that is that, or comes nearest to it.
    pub old: &'a str,
    /// The reports of the new kernel.
    pub paths: &'a [&'a str],
    /// The CPU model of each.
    pub models: &'a [String],
}

impl Names<'_> {
    /// ` (a.json, b.json)`, where it is not about all hosts.
    fn only(&self, hosts: &[usize]) -> String {
        if hosts.len() == self.paths.len() {
            return String::new();
        }
        let names: Vec<&str> = hosts
            .iter()
            .filter_map(|h| self.paths.get(*h).copied())
            .collect();
        format!(" ({})", names.join(", "))
    }
}

/// Hosts by what is said of them, in the order in which each is said first.
fn by_words<T: Clone + PartialEq>(said: impl Iterator<Item = (T, usize)>) -> Vec<(T, Vec<usize>)> {
    let mut groups: Vec<(T, Vec<usize>)> = Vec::new();
    for (words, host) in said {
        match groups.iter_mut().find(|(other, _)| *other == words) {
            Some((_, hosts)) if !hosts.contains(&host) => hosts.push(host),
            Some(_) => {}
            None => groups.push((words, vec![host])),
        }
    }
    groups
}

/// Everything that changed.
pub fn drift(found: &Drift<'_>, names: &Names<'_>, out: &mut Output) {
    let mut all: Vec<Change> = Vec::new();
    let mut list: Vec<Value> = Vec::new();
    let to = names.paths.join(", ");
    let models = {
        let mut models: Vec<&str> = names.models.iter().map(String::as_str).collect();
        models.dedup();
        models.join(", ")
    };
    let count = found.entries.len() + found.unsaid.len();
    out.lines(hanging(&match count {
        0 => format!(
            "{} → {to}: guests on {models} see no difference",
            names.from
        ),
        1 => format!(
            "{} → {to}: guests on {models} see 1 thing changed",
            names.from
        ),
        n => format!(
            "{} → {to}: guests on {models} see {n} things changed",
            names.from
        ),
    }));
    for entry in &found.entries {
        list.push(one(found, entry, names, &mut all, out));
    }
    let mut unsaid: Vec<Value> = Vec::new();
    for (what, guests) in &found.unsaid {
        let mut hosts: Vec<usize> = guests.iter().map(|g| found.guests[*g].host).collect();
        hosts.dedup();
        out.line("");
        out.lines(hanging(&format!(
            "{}: {} → {}{}",
            what.name,
            what.wanted,
            what.offered,
            names.only(&hosts)
        )));
        let words = match what.reason.as_str() {
            "" => "  no baseline says it; a lock of the old one has it written on this host"
                .to_owned(),
            reason => format!("  nothing restores it: {reason}"),
        };
        out.lines(hanging(&words));
        unsaid.push(json!({
            "name": what.name, "before": what.wanted, "after": what.offered, "reason": what.reason,
            "reports": paths(names, &hosts),
        }));
    }
    if count > 0 {
        out.line("");
    }
    let kept = old_locks(found, names, out);
    if let Some(words) = in_short(&all) {
        out.note(format!("in short: {words}"));
    }
    out.value("from", names.from);
    out.value("baseline", names.old);
    out.value("reports", names.paths);
    out.value("models", names.models);
    out.value("changes", list);
    out.value("unsaid", unsaid);
    out.value("old", kept);
}

fn paths<'a>(names: &Names<'a>, hosts: &[usize]) -> Vec<&'a str> {
    hosts
        .iter()
        .filter_map(|h| names.paths.get(*h).copied())
        .collect()
}

/// One statement: what it changes for which guests, and what restores it.
fn one(
    found: &Drift<'_>,
    entry: &Entry,
    names: &Names<'_>,
    all: &mut Vec<Change>,
    out: &mut Output,
) -> Value {
    let subject = wording::subject(&entry.statement);
    let says = wording::act(&entry.statement);
    out.line("");
    out.lines(hanging(&format!("{subject}: {says}")));
    let host = |guest: usize| found.guests[guest].host;
    let changes = entry.seen.iter().flat_map(|seen| {
        let mut changes = guest_visible(compare(&seen.before, &seen.after));
        // The device tree follows from the rest.
        changes.retain(|change| !change.name.starts_with("deviceTree."));
        changes.into_iter().map(|change| (change, host(seen.guest)))
    });
    let changes = by_words(changes);
    let shown: Vec<Change> = changes
        .iter()
        .map(|(change, hosts)| Change {
            words: format!("{}{}", change.words, names.only(hosts)),
            ..change.clone()
        })
        .collect();
    out.lines(difference::table(&shown));
    let restored = entry
        .seen
        .iter()
        .map(|s| (s.restored.clone(), host(s.guest)));
    let restored = by_words(restored);
    for (how, hosts) in &restored {
        let words = match how {
            Restored::By {
                knob,
                emulated: false,
            } => format!("restored by: {knob}"),
            Restored::By {
                knob,
                emulated: true,
            } => {
                format!("restored by: {knob}, where vmlock-run answers in the kernel's place")
            }
            Restored::ByBaseline => format!("restored by: `{}` itself, named in `abi`", names.old),
            Restored::Nothing(reason) => format!("nothing restores it: {reason}"),
        };
        out.lines(hanging(&format!("  {words}{}", names.only(hosts))));
    }
    let how = |(how, hosts): &(Restored, Vec<usize>)| match how {
        Restored::By { knob, emulated } => json!({
            "line": knob.to_string(), "emulated": emulated, "reports": paths(names, hosts),
        }),
        Restored::ByBaseline => json!({
            "line": format!("abi \"{}\"", names.old), "emulated": false, "reports": paths(names, hosts),
        }),
        Restored::Nothing(reason) => json!({ "nothing": reason, "reports": paths(names, hosts) }),
    };
    let seen = |(change, hosts): &(Change, Vec<usize>)| {
        json!({
            "name": change.name, "before": change.before, "after": change.after,
            "words": change.words, "reports": paths(names, hosts),
        })
    };
    let value = json!({
        "subject": subject,
        "says": says,
        "seen": changes.iter().map(seen).collect::<Vec<_>>(),
        "restored": restored.iter().map(how).collect::<Vec<_>>(),
    });
    all.extend(changes.into_iter().map(|(change, _)| change));
    value
}

/// Whether machines that are locked to the old baseline are kept.
fn old_locks(found: &Drift<'_>, names: &Names<'_>, out: &mut Output) -> Vec<Value> {
    let mut list = Vec::new();
    for (index, path) in names.paths.iter().enumerate() {
        let mut refusals: Vec<Refusal> = Vec::new();
        for guest in found.guests.iter().filter(|guest| guest.host == index) {
            for refusal in guest.plan().refusals {
                let known =
                    |other: &Refusal| other.name == refusal.name && other.code == refusal.code;
                if !refusals.iter().any(known) {
                    refusals.push(refusal);
                }
            }
        }
        let machines = format!("machines that are locked to what `{}` shows", names.from);
        match refusals.is_empty() {
            true => out.lines(hanging(&format!("{path}: {machines} are kept"))),
            false => {
                out.lines(hanging(&format!(
                    "{path}: {machines} are refused (offered for wanted)"
                )));
                for fold in folded(&refusals) {
                    out.lines(hanging(&format!("  {}", fold.line())));
                }
            }
        }
        list.push(json!({
            "report": path,
            "kept": refusals.is_empty(),
            "refusals": serde_json::to_value(&refusals).unwrap_or_default(),
        }));
    }
    list
}

/// Which of these locks are kept, each on the hosts with the CPU that it is for.
pub fn locks(locks: &[(String, Lock)], reports: &[(String, HostReport)], out: &mut Output) {
    let mut list = Vec::new();
    for (path, lock) in locks {
        let is_for = |(_, report): &&(String, HostReport)| part::another(lock, report).is_none();
        let mut hosts: Vec<&(String, HostReport)> = reports.iter().filter(is_for).collect();
        if hosts.is_empty() {
            hosts = reports.iter().collect();
        }
        for (name, report) in hosts {
            let refusals = plan(lock, report).refusals;
            match refusals.len() {
                0 => out.lines(hanging(&format!("{path} on {name}: kept"))),
                n => {
                    let entries = if n == 1 {
                        "1 entry"
                    } else {
                        &format!("{n} entries")
                    };
                    out.lines(hanging(&format!("{path} on {name}: refused, {entries}")));
                    let another = part::another(lock, report);
                    if let Some(another) = &another {
                        refused::say_first(another, out);
                    }
                    refused::say(&refusals, another.as_ref(), false, out);
                    out.exit(Exit::Refused);
                }
            }
            list.push(json!({
                "lock": path,
                "report": name,
                "kept": refusals.is_empty(),
                "refusals": serde_json::to_value(&refusals).unwrap_or_default(),
            }));
        }
    }
    out.value("locks", list);
}

/// What differs between what two witnesses saw, with the lines that would say it.
pub fn observed(a: &str, b: &str, changes: &[Change], catalogue: &Catalogue, out: &mut Output) {
    if changes.is_empty() {
        out.line(format!("{a} → {b}: a guest sees no difference"));
    } else {
        out.line(format!("{a} → {b}: {} facts changed", changes.len()));
        out.lines(difference::table(changes));
        let mut lines: BTreeMap<String, ()> = BTreeMap::new();
        lines.extend(
            changes
                .iter()
                .filter_map(|c| Some((line(c, catalogue)?, ()))),
        );
        if !lines.is_empty() {
            out.line("what would restore it, where the host's kernel or vmlock-run can (its report tells):");
            out.lines(lines.keys().map(|line| format!("  {line}")));
        }
        out.value("lines", lines.into_keys().collect::<Vec<_>>());
    }
    if let Some(words) = in_short(changes) {
        out.note(format!("in short: {words}"));
    }
    out.value("changes", serde_json::to_value(changes).unwrap_or_default());
}

/// The line of a description that says the old value.
fn line(change: &Change, catalogue: &Catalogue) -> Option<String> {
    let before = change.before.as_deref()?;
    let part = match change.name.as_str() {
        "PSCI_VERSION()" => Some(format!("psci-{before}")),
        "GICD_IIDR" => Some(format!("gic-iidr-rev{}", hex(before)? >> 12 & 0xf)),
        _ => None,
    };
    match part {
        Some(part) => {
            let known = catalogue.baseline(&part).is_some();
            known.then(|| format!("abi … \"{part}\""))
        }
        None => line_for(&change.name, hex(before)?).map(|line| line.to_string()),
    }
}
