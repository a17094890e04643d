//! `vmlock export`: what somebody's virtual machine monitor can be told of a lock, and what becomes of each entry there.

use crate::command::{read_lock, read_report, unwritable};
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
    let report = match read_report(&flags.host) {
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
    let idle = idle(&flags.accept, &exported);
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
    let open: Vec<&Entry> = exported
        .entries
        .iter()
        .filter(|entry| !accepted(entry, &flags.accept))
        .collect();
    let host = flags.host.display();
    out.line(format!("{shown} under {} {version} on {host}:", vmm.title));
    for fate in Fate::ALL {
        say(fate, &exported.entries, flags.verbose, out);
    }
    let others = Scope::ALL.iter().filter(|scope| !scopes.contains(scope));
    let others: Vec<&str> = others.map(|scope| scope.name()).collect();
    out.lines(hanging(&format!(
        "not looked at: {} promises of {}",
        exported.not_looked_at.promises,
        others.join(", ")
    )));
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
    if open.is_empty() {
        out.line("all of it is kept or accepted");
    } else {
        out.exit(Exit::Findings);
        out.lines(hanging(&verdict(&open)));
    }
    out.value("vmm", vmm.name.as_ref());
    out.value("version", version);
    out.value("accepted", open.is_empty());
    out.value(
        "only",
        scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
    );
    out.value("entries", json!(exported.entries));
    out.value("notLookedAt", exported.not_looked_at.promises);
    out.value("text", exported.text.as_str());
    match &flags.output {
        None if exported.text.is_empty() => {}
        None => {
            out.line("");
            out.verbatim(&exported.text);
        }
        Some(_) if !open.is_empty() => {}
        Some(path) => {
            let to = path.display().to_string();
            match vmlock_atomic::replace(path, &exported.text) {
                Ok(()) => out.note(format!("{to}: written")),
                Err(error) => out.fail(Exit::Environment, unwritable(&to, &error)),
            }
        }
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
fn accepted(entry: &Entry, accept: &[String]) -> bool {
    entry.fate == Fate::Kept || accept.iter().any(|word| accepts(word, entry))
}

fn accepts(word: &str, entry: &Entry) -> bool {
    word == entry.fate.name() || vmm::names(&[word.to_owned().into()], &entry.name)
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
    let mut counts: BTreeMap<Scope, usize> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.fate == fate) {
        match alike.iter_mut().find(|(words, _)| *words == entry.words) {
            Some((_, names)) => names.push(&entry.name),
            None => alike.push((&entry.words, vec![&entry.name])),
        }
        *counts.entry(entry.scope).or_default() += 1;
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
