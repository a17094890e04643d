//! `vmlock check`: the plan for each host, without running anything; of a saved guest, also whether its state goes there.

mod imported;
pub mod refused;
mod table;

use crate::below;
use crate::command::{is_saved, read, read_lock, read_report, read_saved};
use crate::diagnostic::{Diagnostic, Severity, join};
use crate::flags::CheckFlags;
use crate::location::Source;
use crate::render::{Exit, Output, hanging};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vmlock_saved::carry::{Line, Way as Goes, carry};
use vmlock_saved::state::State;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::lock::{Lock, canonical, newer};
use vmlock_spec::mitigation;
use vmlock_spec::observation::unpromised;
use vmlock_spec::part::{self, Another};
use vmlock_spec::plan::{Emulation, Keep, Plan, Way, plan_with};
use vmlock_spec::report::HostReport;
use vmlock_spec::resolve::allow::WITHHOLDS;
use vmlock_spec::resolve::dispatch;

/// A host report, by the path that it was given.
type Host = (String, HostReport);

/// A lock, be it of machines to come or of a guest that was saved.
struct Subject {
    lock: Lock,
    /// What the guest has.
    state: Option<State>,
}

fn subject(path: &Path) -> Result<Subject, Diagnostic> {
    if is_saved(path) {
        let saved = read_saved(path)?;
        let (lock, state) = (saved.lock, Some(saved.state));
        return Ok(Subject { lock, state });
    }
    let lock = read_lock(path)?;
    Ok(Subject { lock, state: None })
}

/// Plans each lock on each host: one lock at length, several as a table.
pub fn run(flags: &CheckFlags, out: &mut Output) {
    let is_lock = |path: &&PathBuf| path.to_string_lossy().ends_with(".vm.lock.json");
    if let Some(lock) = flags.hosts.iter().find(is_lock) {
        // Without any other lock, those below this folder would be meant.
        let words = format!("`{}` is a lock and no host report", lock.display());
        let help = "`--host` takes all that follows: put locks before it";
        return out.fail(
            Exit::Usage,
            Diagnostic::error("usage::arguments", words).help(help),
        );
    }
    let locks = below::files(&flags.locks, "lock", |n| n.ends_with(".vm.lock.json"), out);
    let listed = out.is_fine();
    let mut read = Vec::new();
    for file in &locks {
        match subject(&file.path) {
            Ok(subject) => read.push((file.path.as_path(), subject)),
            Err(diagnostic) => out.fail(Exit::Environment, diagnostic),
        }
    }
    let single = matches!(locks.as_slice(), [file] if file.named);
    if single && read.is_empty() {
        return;
    }
    let mut hosts: Vec<Host> = Vec::new();
    for path in &flags.hosts {
        match read_report(path) {
            Ok(report) => hosts.push((path.display().to_string(), report)),
            Err(diagnostic) => out.fail(Exit::Environment, diagnostic),
        }
    }
    let mut all = Vec::new();
    for (path, subject) in &read {
        all.push(one(flags, path, subject, &hosts, single, out));
    }
    if flags.deny_warnings {
        out.deny_warnings();
    }
    // What could not be read is no host that keeps a lock, and no lock that is kept.
    let all_read = hosts.len() == flags.hosts.len() && read.len() == locks.len();
    let complete = listed && all_read && !locks.is_empty();
    let kept = complete && all.iter().all(|checked| checked.refusals.is_empty());
    if let ([checked], [(_, subject)], true) = (all.as_slice(), read.as_slice(), single) {
        // Where nothing is said of a host, that is no answer to what was asked.
        if all_read {
            unpromised_of(&subject.lock, flags.verbose, out);
        }
        out.value("kept", kept);
        out.value("refusals", checked.refusals.clone());
        out.value("hosts", checked.hosts.clone());
    } else {
        out.lines(table::lines(&all, &hosts, complete, flags.native));
        let of_lock = |checked: &Checked| {
            json!({
                "lock": checked.lock,
                "kept": complete && checked.refusals.is_empty(),
                "hosts": checked.hosts,
            })
        };
        out.value("kept", kept);
        out.value("locks", all.iter().map(of_lock).collect::<Vec<_>>());
    }
}

/// What came of one lock.
struct Checked {
    /// Its path.
    lock: String,
    /// What is said of each host in a table.
    cells: Vec<String>,
    /// The same for programs.
    hosts: Vec<Value>,
    refusals: Vec<Value>,
}

fn one(
    flags: &CheckFlags,
    path: &Path,
    subject: &Subject,
    reports: &[Host],
    single: bool,
    out: &mut Output,
) -> Checked {
    let lock = &subject.lock;
    let emulation = if flags.native {
        Emulation::Forbidden
    } else {
        Emulation::Allowed
    };
    let shown_lock = path.display().to_string();
    if let Some(words) = dispatch::of_lock(lock, &Catalogue::builtin()) {
        let mut warning = Diagnostic::error(dispatch::CODE, words)
            .help(dispatch::HELP)
            .in_file(&shown_lock);
        warning.severity = Severity::Warning;
        out.findings(vec![warning]);
    }
    if single {
        more(lock, out);
    }
    let mut hosts = Vec::new();
    let mut cells = Vec::new();
    let mut withheld: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut refusals = Vec::new();
    for (shown, report) in reports {
        let mut plan = plan_with(lock, report, emulation);
        // Where nothing was tried, nobody knows what of a guest's state goes there either.
        let state = subject.state.as_ref();
        let state = state.filter(|_| report.imported.is_none());
        let carried = state.map(|state| {
            let carried = carry(state, lock, report);
            let mut lines = carried.lines();
            lines.retain(|line| line.way != Goes::Same);
            for refusal in carried.refusals {
                if !plan.refusals.contains(&refusal) {
                    plan.refusals.push(refusal);
                }
            }
            lines
        });
        if !plan.refusals.is_empty() {
            out.exit(Exit::Refused);
        }
        // On a host that keeps the lock all the same, its kernel gives guests the other's registers.
        let another = part::another(lock, report).filter(|_| !plan.refusals.is_empty());
        if let Some(imported) = &report.imported
            && (single || flags.verbose)
        {
            imported::say(shown, lock, &plan, imported, flags.verbose, out);
        } else if single || flags.verbose {
            say(flags.verbose, shown, lock, &plan, another.as_ref(), out);
            carried
                .iter()
                .flatten()
                .for_each(|line| say_carried(line, out));
        }
        cells.push(table::cell(&plan, another.as_ref()));
        if out.is_for_services() && !plan.refusals.is_empty() {
            // A saved guest has no lines.
            let text = match subject.state {
                None => read(path, canonical::SIZE_MAX).unwrap_or_default(),
                Some(_) => String::new(),
            };
            let path = shown_lock.clone();
            let source = Arc::new(Source { path, text });
            out.findings(refused::findings(
                shown,
                lock,
                &source,
                &plan.refusals,
                another.as_ref(),
            ));
        }
        let kept = plan.refusals.is_empty();
        let hidden = mitigation::withheld_on(lock, report);
        if kept && !hidden.is_empty() {
            let words = mitigation::words(&hidden);
            withheld
                .entry(words)
                .or_default()
                .push(format!("`{shown}`"));
        }
        let list = |value: Result<Value, serde_json::Error>| value.unwrap_or_default();
        let of_host = list(serde_json::to_value(&plan.refusals));
        if let Value::Array(more) = &of_host {
            refusals.extend(more.iter().cloned());
        }
        let mut host = json!({
            "report": shown,
            "kept": kept,
            "anotherCpu": another.as_ref().map(|another| &another.words),
            "keeps": list(serde_json::to_value(&plan.keeps)),
            "refusals": of_host,
        });
        if let Some(imported) = &report.imported {
            host["by"] = list(serde_json::to_value(imported.by));
            host["unknown"] = list(serde_json::to_value(&plan.unknown));
        }
        if let Some(lines) = carried {
            host["carried"] = list(serde_json::to_value(lines));
        }
        hosts.push(host);
    }
    for (words, hosts) in withheld {
        let words = format!(
            "the guest is not told what protects it on {}: {words}",
            join(&hosts)
        );
        let mut warning = Diagnostic::error(WITHHOLDS, words)
            .help("a newer baseline in the description may show it; `vmlock lock` says where it is decided")
            .in_file(&shown_lock);
        warning.severity = Severity::Warning;
        out.findings(vec![warning]);
    }
    Checked {
        lock: shown_lock,
        cells,
        hosts,
        refusals,
    }
}

/// What no lock like that one promises on any host.
fn unpromised_of(lock: &Lock, verbose: bool, out: &mut Output) {
    let open = unpromised::open(lock);
    if verbose {
        for row in &open {
            out.lines(hanging(&format!(
                "not promised: {}{}",
                row.name,
                row.clause()
            )));
        }
    } else {
        let names: Vec<&str> = open.iter().map(|row| row.name).collect();
        let names = names.join("; ");
        out.lines(hanging(&format!(
            "not promised on any host (`--verbose` says why): {names}"
        )));
    }
    out.value(
        "unpromised",
        serde_json::to_value(&open).unwrap_or_default(),
    );
}

/// What the newest version of the lock would promise beside it.
fn more(lock: &Lock, out: &mut Output) {
    let beside = newer::beside(lock);
    if beside.is_empty() {
        return;
    }
    let words: Vec<String> = beside
        .iter()
        .map(|b| format!("{} ({})", b.name, b.words))
        .collect();
    out.note(format!(
        "vmlock: this lock has version {}; version {} would promise beside it: {}. \
         `vmlock lock --upgrade` moves it",
        lock.lock_version,
        newer::VERSION,
        words.join("; "),
    ));
    out.value(
        "newer",
        json!({ "lockVersion": newer::VERSION, "promises": beside }),
    );
}

/// A register of a saved guest that does not go over as it is.
fn say_carried(line: &Line, out: &mut Output) {
    let way = line.way.word();
    out.lines(hanging(&format!("  {way:9} {}  {}", line.name, line.words)));
}

fn say(
    verbose: bool,
    host: &str,
    lock: &Lock,
    plan: &Plan,
    another: Option<&Another>,
    out: &mut Output,
) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for keep in &plan.keeps {
        *counts.entry(keep.way.word()).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(way, n)| format!("{n} {way}")).collect();
    let verdict = match plan.refusals.len() {
        0 => format!("can keep `{}`", lock.name),
        1 => format!("cannot keep `{}`: 1 entry", lock.name),
        n => format!("cannot keep `{}`: {n} entries", lock.name),
    };
    let counts = match counts.is_empty() {
        true => String::new(),
        false => format!(" ({})", counts.join(", ")),
    };
    out.lines(hanging(&format!("{host}: {verdict}{counts}")));
    if let Some(another) = another {
        refused::say_first(another, out);
    }
    let shown =
        |k: &&Keep| verbose || k.step.is_some() || matches!(k.way, Way::Vary | Way::Unpromised);
    let width = plan
        .keeps
        .iter()
        .filter(shown)
        .map(|k| k.name.chars().count())
        .max()
        .unwrap_or(0)
        .min(44);
    for keep in plan.keeps.iter().filter(shown) {
        let line = format!(
            "  {:6} {:width$}  {}",
            keep.way.word(),
            keep.name,
            keep.words
        );
        out.lines(hanging(line.trim_end()));
    }
    // Waived fields of registers that are otherwise promised stand in the lock alone.
    for register in &lock.registers {
        for waiver in register.vary.iter().filter(|_| register.promised() != 0) {
            let name = format!("{}.{}", register.name, waiver.field);
            out.line(format!("  vary   {name:width$}  waived by {}", waiver.from));
        }
    }
    refused::say(&plan.refusals, another, verbose, out);
}
