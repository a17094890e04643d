//! What `vmlock drift` says: one thing that changed after the other, with what restores it.

use crate::command::check::refused;
use crate::difference::{self, Change, compare, guest_visible, in_short};
use crate::fold::folded;
use crate::render::{Exit, Output, hanging};
use crate::shell;
use crate::wording;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vmlock_spec::drift::{Drift, Entry, Knob, Machine, Question, Remedy, Restored};
use vmlock_spec::lock::Lock;
use vmlock_spec::part;
use vmlock_spec::plan::{Refusal, plan};
use vmlock_spec::report::HostReport;
use vmlock_spec::vm::Feature;

/// What is compared, by name.
pub struct Names<'a> {
    /// What guests saw before: a baseline, or the report of a host.
    pub from: &'a str,
    /// That report, of which a baseline can be made.
    pub adopted: Option<&'a str>,
    /// The reports of the new kernel.
    pub paths: &'a [&'a str],
    /// Their CPU models, each once.
    pub models: &'a [String],
}

impl<'a> Names<'a> {
    /// ` (a.json; guests with pmu)`, where it is not about all of these machines.
    fn only(&self, of: &[Machine], all: &[Machine]) -> String {
        let hosts = each(of.iter().map(|m| m.host));
        let mut parts = Vec::new();
        if hosts.len() != each(all.iter().map(|m| m.host)).len() {
            parts.push(self.paths(&hosts).join(", "));
        }
        let there = all.iter().filter(|m| hosts.contains(&m.host)).count();
        if of.len() != there {
            let sets = each(of.iter().map(|m| m.features.as_slice()));
            let sets: Vec<String> = sets.into_iter().map(guests).collect();
            parts.push(sets.join(", "));
        }
        match parts.is_empty() {
            true => String::new(),
            false => format!(" ({})", parts.join("; ")),
        }
    }

    fn paths(&self, hosts: &[usize]) -> Vec<&'a str> {
        let paths = hosts.iter().filter_map(|h| self.paths.get(*h));
        paths.copied().collect()
    }

    /// Machines, for programs.
    fn machines(&self, of: &[Machine]) -> Vec<Value> {
        let machine = |m: &Machine| {
            let features: Vec<&str> = m.features.iter().map(|f| f.name()).collect();
            json!({ "report": self.paths.get(m.host), "features": features })
        };
        of.iter().map(machine).collect()
    }
}

/// Guests with a set of features.
fn guests(features: &[Feature]) -> String {
    let names: Vec<&str> = features.iter().map(|f| f.name()).collect();
    match names.is_empty() {
        true => "plain guests".to_owned(),
        false => format!("guests with {}", names.join(" and ")),
    }
}

/// Each once, in the order in which it comes first.
fn each<T: PartialEq>(list: impl Iterator<Item = T>) -> Vec<T> {
    let mut out = Vec::new();
    for one in list {
        if !out.contains(&one) {
            out.push(one);
        }
    }
    out
}

/// Machines by what is said of them, in the order in which each is said first.
fn by_words<T: PartialEq>(said: impl Iterator<Item = (T, Machine)>) -> Vec<(T, Vec<Machine>)> {
    let mut groups: Vec<(T, Vec<Machine>)> = Vec::new();
    for (words, machine) in said {
        match groups.iter_mut().find(|(other, _)| *other == words) {
            Some((_, machines)) if !machines.contains(&machine) => machines.push(machine),
            Some(_) => {}
            None => groups.push((words, vec![machine])),
        }
    }
    groups
}

/// Everything that changed.
pub fn drift(found: &Drift<'_>, names: &Names<'_>, question: Question<'_>, out: &mut Output) {
    let (from, to, models) = (names.from, names.paths.join(", "), names.models.join(", "));
    let all: Vec<Machine> = {
        let compared = found.guests.iter().map(|g| &g.machine);
        let kept = found.kept.iter().map(|k| &k.machine);
        let unsaid = found.unsaid.values().flatten();
        let unknown = found.unknown.iter().map(|u| &u.machine);
        let machines = compared.chain(kept).chain(unsaid).chain(unknown);
        each(machines).into_iter().cloned().collect()
    };
    // What no statement was looked for can be unsaid, too.
    let count = found.entries.len() + found.unsaid.len().max(found.unsought);
    let by_promises: Vec<usize> = found.by_promises().into_iter().collect();
    let words = match count {
        0 if found.unknown.is_empty() && !by_promises.is_empty() => {
            "see no difference in what locks promise".to_owned()
        }
        0 if found.unknown.is_empty() => "see no difference".to_owned(),
        0 => "see no difference in what could be compared".to_owned(),
        1 => "see 1 thing changed".to_owned(),
        n => format!("see {n} things changed"),
    };
    let summary = format!("{from} → {to}: guests on {models} {words}");
    out.lines(hanging(&summary));
    out.value("summary", summary);
    let mut changes: Vec<Change> = Vec::new();
    let mut list: Vec<Value> = Vec::new();
    for entry in &found.entries {
        list.push(one(entry, names, &mut changes, out));
    }
    let mut unsaid: Vec<Value> = Vec::new();
    // What nobody promised is many lines of little weight: those that went the same way stand in one.
    let mut unpromised: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (what, machines) in &found.unsaid {
        let way = format!(
            "{} → {}{}",
            what.before,
            what.after,
            names.only(machines, &all)
        );
        let (kind, words) = remedy(&what.remedy, &what.name);
        match what.remedy {
            Remedy::Unpromised => unpromised.entry(way).or_default().push(&what.name),
            _ => {
                out.line("");
                out.lines(hanging(&format!("{}: {way}", what.name)));
                out.lines(hanging(&format!("  {words}")));
            }
        }
        unsaid.push(json!({
            "name": what.name, "before": what.before, "after": what.after, "remedy": kind, "words": words,
            "guests": names.machines(machines),
        }));
    }
    for (way, what) in unpromised {
        out.line("");
        out.lines(hanging(&format!("{}: {way}", what.join(", "))));
        let (_, words) = remedy(&Remedy::Unpromised, "");
        out.lines(hanging(&format!("  {words}")));
    }
    let unknown = by_words(found.unknown.iter().map(|u| (&u.words, u.machine.clone())));
    for (words, machines) in &unknown {
        out.line("");
        out.lines(hanging(&format!(
            "not compared{}: {words}",
            names.only(machines, &all)
        )));
    }
    if !unknown.is_empty() {
        out.lines(hanging(
            "  a report of a host with the old kernel tells: vmlock drift OLD NEW",
        ));
    }
    let unknown = unknown.into_iter();
    let unknown: Vec<Value> = unknown
        .map(|(words, machines)| json!({ "words": words, "guests": names.machines(&machines) }))
        .collect();
    if count + unknown.len() > 0 {
        out.line("");
    }
    let together = together(found, names, out);
    let kept = old_locks(found, names, out);
    if let Some(words) = in_short(&changes) {
        out.note(format!("in short: {words}"));
    }
    out.value("from", from);
    out.value("baseline", question.named);
    out.value("reports", names.paths);
    out.value("models", names.models);
    out.value("changes", list);
    out.value("unsaid", unsaid);
    out.value("unknown", unknown);
    out.value("byPromises", names.paths(&by_promises));
    out.value("together", together);
    out.value("old", kept);
}

/// What can be done about something that no statement says: a word for programs, and for people.
fn remedy(remedy: &Remedy, name: &str) -> (&'static str, String) {
    match remedy {
        Remedy::Written => (
            "written",
            "no statement says it; a lock of the old baseline and of what stands above has it written on this host".to_owned(),
        ),
        Remedy::Refused(reason) => ("nothing", format!("nothing restores it: {reason}")),
        Remedy::Asked => (
            "asked",
            format!("guests have it where their description asks for `{name}`, and no others"),
        ),
        Remedy::Unpromised => (
            "unpromised",
            "no lock promises or forbids it, and nothing restores it".to_owned(),
        ),
        Remedy::Untried => (
            "untried",
            "no statement said what the old host showed, and nothing was tried to restore it"
                .to_owned(),
        ),
    }
}

/// What brings something back, for people.
fn restored(how: &Restored, names: &Names<'_>) -> String {
    let answers = |emulated: &bool| match emulated {
        true => ", where vmlock-run answers in the kernel's place",
        false => "",
    };
    match how {
        Restored::By {
            knob,
            also,
            emulated,
        } => {
            let also = match also.is_empty() {
                true => String::new(),
                false => format!(", which changes {} too", also.join(", ")),
            };
            format!("restored by: {knob}{also}{}", answers(emulated))
        }
        Restored::ByBaseline { name, emulated } => format!(
            "restored by: `{name}` itself, named in `abi`{}",
            answers(emulated)
        ),
        Restored::ByAdopting { emulated } => format!(
            "restored by: a baseline of the old host, `vmlock adopt {}`{}",
            shell::word(names.adopted.unwrap_or("OLD")),
            answers(emulated)
        ),
        Restored::WithOthers(refused) => format!(
            "no line alone restores it: the old baseline would, and this host refuses other things of that ({})",
            refused.join(", ")
        ),
        Restored::Nothing(reason) => format!("nothing restores it: {reason}"),
    }
}

/// One statement: what it changes for which guests, and what restores it.
fn one(entry: &Entry, names: &Names<'_>, all: &mut Vec<Change>, out: &mut Output) -> Value {
    let subject = wording::subject(&entry.statement);
    let says = wording::act(&entry.statement);
    out.line("");
    out.lines(hanging(&format!("{subject}: {says}")));
    let whole: Vec<Machine> = entry.seen.iter().map(|s| s.machine.clone()).collect();
    let changes = entry.seen.iter().flat_map(|seen| {
        let mut changes = guest_visible(compare(&seen.before, &seen.after));
        // The device tree follows from the rest.
        changes.retain(|change| !change.name.starts_with("deviceTree."));
        let machine = seen.machine.clone();
        changes.into_iter().map(move |c| (c, machine.clone()))
    });
    let changes = by_words(changes);
    let shown: Vec<Change> = changes
        .iter()
        .map(|(change, machines)| Change {
            words: format!("{}{}", change.words, names.only(machines, &whole)),
            ..change.clone()
        })
        .collect();
    out.lines(difference::table(&shown));
    let how = entry.seen.iter();
    let how = by_words(how.map(|s| (&s.restored, s.machine.clone())));
    for (how, machines) in &how {
        let words = restored(how, names);
        let only = names.only(machines, &whole);
        out.lines(hanging(&format!("  {words}{only}")));
    }
    let line = |(how, machines): &(&Restored, Vec<Machine>)| {
        let (line, emulated) = match how {
            Restored::By { knob, emulated, .. } => (Some(knob.to_string()), *emulated),
            Restored::ByBaseline { name, emulated } => (Some(format!("abi \"{name}\"")), *emulated),
            Restored::ByAdopting { emulated } => (None, *emulated),
            Restored::WithOthers(_) | Restored::Nothing(_) => (None, false),
        };
        json!({
            "restores": !matches!(how, Restored::WithOthers(_) | Restored::Nothing(_)),
            "line": line, "emulated": emulated, "words": restored(how, names),
            "guests": names.machines(machines),
        })
    };
    let seen = |(change, machines): &(Change, Vec<Machine>)| {
        json!({
            "name": change.name, "before": change.before, "after": change.after,
            "words": change.words, "guests": names.machines(machines),
        })
    };
    let value = json!({
        "subject": subject,
        "says": says,
        "seen": changes.iter().map(seen).collect::<Vec<_>>(),
        "restored": how.iter().map(line).collect::<Vec<_>>(),
    });
    all.extend(changes.into_iter().map(|(change, _)| change));
    value
}

/// All lines of one guest in one description.
fn together(found: &Drift<'_>, names: &Names<'_>, out: &mut Output) -> Vec<Value> {
    let whole: Vec<Machine> = found.together.iter().map(|t| t.machine.clone()).collect();
    let said = found.together.iter();
    let said = by_words(said.map(|t| ((&t.knobs, &t.refused), t.machine.clone())));
    // Which lines these are stands above, with each guest that has them.
    let kept = said.iter().filter(|((_, refused), _)| refused.is_empty());
    let kept: Vec<Machine> = kept.flat_map(|(_, machines)| machines.clone()).collect();
    if !kept.is_empty() {
        out.lines(hanging(&format!(
            "all of these lines in one description{}: kept",
            names.only(&kept, &whole)
        )));
    }
    for ((_, refused), machines) in said.iter().filter(|((_, r), _)| !r.is_empty()) {
        out.lines(hanging(&format!(
            "all of these lines in one description{}: not kept: {}",
            names.only(machines, &whole),
            refused.join("; ")
        )));
    }
    let value = |((knobs, refused), machines): &((&Vec<Knob>, &Vec<String>), Vec<Machine>)| {
        let lines: Vec<String> = knobs.iter().map(Knob::to_string).collect();
        json!({ "lines": lines, "refused": refused, "guests": names.machines(machines) })
    };
    said.iter().map(value).collect()
}

/// Whether machines that are locked to the old baseline are kept.
fn old_locks(found: &Drift<'_>, names: &Names<'_>, out: &mut Output) -> Vec<Value> {
    let mut list = Vec::new();
    for (index, path) in names.paths.iter().enumerate() {
        let of_host = found.kept.iter().filter(|kept| kept.machine.host == index);
        let whole: Vec<Machine> = of_host.clone().map(|k| k.machine.clone()).collect();
        let said = by_words(of_host.map(|k| (&k.refusals, k.machine.clone())));
        let machines = format!("machines that are locked to what `{}` shows", names.from);
        for (refusals, of) in said {
            let only = names.only(&of, &whole);
            match refusals.is_empty() {
                true => out.lines(hanging(&format!("{path}: {machines} are kept{only}"))),
                false => {
                    out.lines(hanging(&format!(
                        "{path}: {machines} are refused{only}, offered for wanted:"
                    )));
                    for fold in folded(refusals) {
                        out.lines(hanging(&format!("  {}", fold.line())));
                    }
                }
            }
            list.push(json!({
                "report": path,
                "guests": names.machines(&of),
                "kept": refusals.is_empty(),
                "refusals": json_of(refusals),
            }));
        }
    }
    list
}

fn json_of(refusals: &[Refusal]) -> Value {
    serde_json::to_value(refusals).unwrap_or_default()
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
                    refused::say(&refusals, another.as_ref(), true, out);
                    out.exit(Exit::Refused);
                }
            }
            list.push(json!({
                "lock": path,
                "report": name,
                "kept": refusals.is_empty(),
                "refusals": json_of(&refusals),
            }));
        }
    }
    out.value("locks", list);
}

/// What differs between what two witnesses saw, and what one of them did not tell.
pub fn observed(a: &str, b: &str, changes: &[Change], untold: &[String], out: &mut Output) {
    let words = match (changes.len(), untold.is_empty()) {
        (0, true) => "a guest sees no difference".to_owned(),
        (0, false) => "nothing that both of them tell differs".to_owned(),
        (1, _) => "1 fact changed".to_owned(),
        (n, _) => format!("{n} facts changed"),
    };
    let summary = format!("{a} → {b}: {words}");
    out.line(&summary);
    out.lines(difference::table(changes));
    if let Some(words) = in_short(changes) {
        out.note(format!("in short: {words}"));
    }
    let unknown = untold.iter();
    let unknown: Vec<Value> = unknown
        .map(|words| json!({ "words": words, "guests": [{ "report": b, "features": [] }] }))
        .collect();
    out.value("summary", summary);
    out.value("from", a);
    out.value("reports", [b].as_slice());
    out.value("changes", serde_json::to_value(changes).unwrap_or_default());
    out.value("unknown", unknown);
}
