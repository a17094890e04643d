//! `vmlock export`: what somebody's virtual machine monitor can be told of a lock, and what becomes of each entry there.

use crate::command::{read_lock, read_tried, unwritable};
use crate::diagnostic::{Diagnostic, join};
use crate::flags::ExportFlags;
use crate::render::{Exit, Output, hanging};
use serde_json::json;
use std::collections::BTreeMap;
use vmlock_spec::catalogue::vmm::{self, Vmm};
use vmlock_spec::catalogue::{self, VMMS};
use vmlock_spec::export::{Entry, Export, Fate, SCOPES, export};
use vmlock_spec::observation::scope::Scope;

/// How many names are listed before the rest is counted.
const NAMED: usize = 8;

/// Exports.
pub fn run(flags: &ExportFlags, out: &mut Output) {
    let (vmm, version) = match known(&flags.to) {
        Ok(known) => known,
        Err(diagnostic) => return out.fail(Exit::Usage, *diagnostic),
    };
    let lock = match read_lock(&flags.lock) {
        Ok(lock) => lock,
        Err(diagnostic) => return out.fail(Exit::Environment, diagnostic),
    };
    let report = match read_tried(&flags.host) {
        Ok(report) => report,
        Err(diagnostic) => return out.fail(Exit::Environment, diagnostic),
    };
    let mut scopes = match flags.only.is_empty() {
        true => SCOPES.to_vec(),
        false => flags.only.clone(),
    };
    scopes.sort_unstable();
    scopes.dedup();
    let exported = export(&lock, &report, vmm, version, &scopes);
    let shown = flags.lock.display().to_string();
    let accept = words(&flags.accept, &exported);
    let idle = idle(&accept, &exported);
    if !idle.is_empty() {
        let words = format!("`--accept` names nothing of `{shown}`: {}", join(&idle));
        let fates = Fate::ALL.map(|fate| fate.name()).join(", ");
        let usage = Diagnostic::error("usage::arguments", words);
        return out.fail(
            Exit::Usage,
            usage.help(format!(
                "a fate ({fates}) or an entry's name is accepted; `--verbose` lists them"
            )),
        );
    }
    let entries = exported.entries.iter();
    let open: Vec<&Entry> = match exported.text {
        Some(_) => entries.filter(|e| !is_accepted(e, &accept)).collect(),
        None => entries.collect(),
    };
    let host = flags.host.display();
    out.line(format!("{shown} under {} {version} on {host}:", vmm.title));
    for fate in Fate::ALL {
        say(fate, &exported.entries, flags.verbose, out);
    }
    let others = Scope::ALL.iter().filter(|scope| !scopes.contains(scope));
    let others: Vec<&str> = others.map(|scope| scope.name()).collect();
    let others = match exported.text {
        Some(_) => others.join(", "),
        None => "all parts".to_owned(),
    };
    out.lines(hanging(&format!(
        "not looked at: {} promises of {others}",
        exported.not_looked_at.promises
    )));
    if !exported.unpromised.is_empty() {
        out.lines(hanging(&format!(
            "no lock can promise or forbid {} here, which a guest can find: {}",
            exported.unpromised.len(),
            exported.unpromised.join(", ")
        )));
    }
    if out.is_for_services() {
        let finding = |entry: &&Entry| {
            let words = format!(
                "{} {}{}",
                entry.name,
                entry.fate.name(),
                clause(&entry.words)
            );
            Diagnostic::error("export::open", words).in_file(&shown)
        };
        out.findings(open.iter().map(finding).collect());
    }
    // Where nothing could be planned, there is nothing that could be accepted.
    let accepted = open.is_empty() && exported.text.is_some();
    match (&exported.text, open.is_empty()) {
        (None, _) => {
            out.line("nothing of it can be planned there, so that nothing can be exported")
        }
        (Some(_), true) => out.line("all of it is kept or accepted"),
        (Some(_), false) => out.lines(hanging(&verdict(&open))),
    }
    if !accepted {
        out.exit(Exit::Findings);
    }
    out.value("vmm", vmm.name.as_ref());
    out.value("version", version);
    out.value("accepted", accepted);
    out.value(
        "only",
        scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
    );
    out.value("entries", json!(exported.entries));
    out.value("notLookedAt", exported.not_looked_at.promises);
    out.value("unpromised", exported.unpromised);
    out.value("text", exported.text.as_deref());
    match (&flags.output, &exported.text) {
        (None, None) => {}
        (None, Some(text)) => {
            out.line("");
            out.verbatim(text);
        }
        (Some(path), Some(text)) if accepted => {
            let to = path.display().to_string();
            match vmlock_atomic::replace(path, text) {
                Ok(()) => out.note(format!("{to}: written")),
                Err(error) => out.fail(Exit::Environment, unwritable(&to, &error)),
            }
        }
        (Some(path), _) => out.note(format!("{}: not written", path.display())),
    }
}

/// The VMM and the version that are meant.
fn known(asked: &str) -> Result<(&'static Vmm, &'static str), Box<Diagnostic>> {
    let (name, version) = match asked.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (asked, None),
    };
    let quoted = |names: &mut dyn Iterator<Item = &str>| {
        join(&names.map(|name| format!("`{name}`")).collect::<Vec<_>>())
    };
    let Some(vmm) = catalogue::vmm(name) else {
        let words = format!("there is no VMM `{name}`");
        let all = quoted(&mut VMMS.iter().map(|vmm| vmm.name.as_ref()));
        return Err(Box::new(
            Diagnostic::error("export::unknown-vmm", words).help(format!("known are {all}")),
        ));
    };
    vmm.version(version)
        .map(|version| (vmm, version))
        .ok_or_else(|| {
            let words = format!(
                "nobody has looked at {} {}",
                vmm.title,
                version.unwrap_or_default()
            );
            let all = quoted(&mut vmm.versions.iter().map(AsRef::as_ref));
            Box::new(
                Diagnostic::error("export::unknown-vmm", words)
                    .help(format!("known are the versions {all}")),
            )
        })
}

/// Whether an entry is kept, or what becomes of it is good enough.
fn is_accepted(entry: &Entry, accept: &[String]) -> bool {
    entry.fate == Fate::Kept || accept.iter().any(|word| accepts(word, entry))
}

fn accepts(word: &str, entry: &Entry) -> bool {
    word == entry.fate.name() || vmm::names(&[word.to_owned().into()], &entry.name)
}

/// The words between the commas of what is accepted, but for a comma that an entry has in its name.
fn words(accept: &[String], exported: &Export) -> Vec<String> {
    let is_entry = |word: &str| exported.entries.iter().any(|entry| entry.name == word);
    let mut out = Vec::new();
    for said in accept {
        let mut pieces: &[&str] = &said.split(',').collect::<Vec<_>>();
        while !pieces.is_empty() {
            let longest = (2..=pieces.len()).rev();
            let mut longest = longest.filter(|n| is_entry(&pieces[..*n].join(",")));
            let (word, rest) = pieces.split_at(longest.next().unwrap_or(1));
            out.push(word.join(","));
            pieces = rest;
        }
    }
    out
}

/// Words that accept nothing that could be: neither fates nor entries.
fn idle(accept: &[String], exported: &Export) -> Vec<String> {
    let is_fate = |word: &str| Fate::ALL.iter().any(|fate| fate.name() == word);
    let idle = |word: &&String| {
        !is_fate(word) && !exported.entries.iter().any(|entry| accepts(word, entry))
    };
    let idle = accept.iter().filter(idle);
    idle.map(|word| format!("`{word}`")).collect()
}

fn clause(words: &str) -> String {
    match words.is_empty() {
        true => String::new(),
        false => format!(": {words}"),
    }
}

/// What of the entries has that fate. What is as the lock says is counted, the rest named.
fn say(fate: Fate, entries: &[Entry], verbose: bool, out: &mut Output) {
    // In the order of their first ones.
    let mut alike: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.fate == fate) {
        match alike.iter_mut().find(|(words, _)| *words == entry.words) {
            Some((_, names)) => names.push(&entry.name),
            None => alike.push((&entry.words, vec![&entry.name])),
        }
        let scope = entry.scope.map_or("of all parts", Scope::name);
        *counts.entry(scope).or_default() += 1;
    }
    if counts.is_empty() {
        return;
    }
    let count: usize = counts.values().sum();
    let counts: Vec<String> = counts
        .iter()
        .map(|(scope, n)| format!("{n} {scope}"))
        .collect();
    out.lines(hanging(&format!(
        "  {:11} {count:4}  {} ({})",
        fate.name(),
        fate.words(),
        counts.join(", ")
    )));
    let as_locked = matches!(fate, Fate::Kept | Fate::Chance);
    if as_locked && !verbose {
        return;
    }
    for (words, names) in alike {
        let listed = match verbose {
            true => names.len(),
            false => NAMED,
        };
        let mut line = names[..names.len().min(listed)].join(", ");
        if names.len() > listed {
            line += &format!(" and {} more", names.len() - listed);
        }
        out.lines(hanging(&format!("    {line}{}", clause(words))));
    }
}

/// What is neither kept nor accepted, in one sentence.
fn verdict(open: &[&Entry]) -> String {
    let mut counts: BTreeMap<Fate, usize> = BTreeMap::new();
    for entry in open {
        *counts.entry(entry.fate).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(fate, n)| format!("{n} {}", fate.name()))
        .collect();
    format!(
        "neither kept nor accepted: {}; `--accept` takes these words, and names of entries",
        counts.join(", ")
    )
}
