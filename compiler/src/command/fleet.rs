//! `vmlock fleet`: which of many hosts keep which locks, and why the others do not.

mod grid;

use super::{parse_lock, read, read_report};
use crate::below;
use crate::diagnostic::Diagnostic;
use crate::files::is_report;
use crate::flags::{FleetFlags, Format};
use crate::page;
use crate::progress::Progress;
use crate::render::{Exit, Output, hanging};
use grid::Grid;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::parallel;
use vmlock_spec::plan::Emulation;
use vmlock_spec::report::HostReport;

/// How many reasons of a host, and how many hosts, are told for people by name.
const NAMED: usize = 3;
/// How many sets of reasons are told of a lock.
const TOGETHER: usize = 20;

/// A host's report. Where two are alike but for their boots, what is planned on one holds on the other.
struct Host {
    path: String,
    /// Without its boot.
    report: HostReport,
    boot: Option<String>,
}

/// Plans every lock on every host.
pub fn run(flags: &FleetFlags, out: &mut Output) {
    let locks = below::files(&flags.locks, "lock", |n| n.ends_with(".vm.lock.json"), out);
    let locks = all(&once(locks), out, |path| {
        let text = read(path, canonical::SIZE_MAX)?;
        let (lock, _) = parse_lock(path, text)?;
        Ok((path.display().to_string(), lock))
    });
    let hosts = below::files(&flags.hosts, "host report", is_report, out);
    let hosts = all(&once(hosts), out, |path| {
        let mut report = read_report(path)?;
        Ok(Host {
            path: path.display().to_string(),
            boot: report.boot.take(),
            report,
        })
    });
    twice(&hosts, out);
    // A table of what could be read would look like that of all.
    if !out.is_fine() {
        return;
    }
    let emulation = match flags.native {
        true => Emulation::Forbidden,
        false => Emulation::Allowed,
    };
    let all_locks: Vec<&Lock> = locks.iter().map(|(_, lock)| lock).collect();
    let reports: Vec<&HostReport> = hosts.iter().map(|host| &host.report).collect();
    let grid = grid::plan(&all_locks, &reports, emulation);
    let enough = |row: &Vec<Option<usize>>| kept(row) >= flags.at_least;
    let all_kept = grid.cells.iter().all(enough);
    if !all_kept {
        out.exit(Exit::Refused);
    }
    let rows = || locks.iter().zip(&grid.cells);
    let of_lock = |((path, lock), row): (&(String, Lock), &Vec<Option<usize>>)| {
        json!({
            "lock": path,
            "name": lock.name,
            "keptBy": kept(row),
            "kept": enough(row),
            // For each host, in their order: the number of its reasons; `null` where it is kept.
            "refused": row,
        })
    };
    let whole = || {
        let paths: Vec<&str> = hosts.iter().map(|host| host.path.as_str()).collect();
        let mut whole = Map::new();
        whole.insert("kept".to_owned(), all_kept.into());
        whole.insert("atLeast".to_owned(), flags.at_least.into());
        whole.insert("hosts".to_owned(), json!(paths));
        whole.insert("reasons".to_owned(), grid.reasons());
        whole.insert("locks".to_owned(), rows().map(of_lock).collect());
        whole
    };
    match flags.format {
        Format::Html => return out.verbatim(&page::fleet(&Value::Object(whole()))),
        Format::Json => whole()
            .into_iter()
            .for_each(|(key, value)| out.value(&key, value)),
        _ => {}
    }
    for ((path, _), row) in rows() {
        say(path, row, &grid, &hosts, flags.at_least, out);
    }
    let count = rows().filter(|(_, row)| enough(row)).count();
    out.line(format!(
        "{count} of {} {} kept by at least {} of {} {}",
        locks.len(),
        if locks.len() == 1 {
            "lock is"
        } else {
            "locks are"
        },
        flags.at_least,
        hosts.len(),
        if hosts.len() == 1 { "host" } else { "hosts" },
    ));
}

/// Each file once, by whatever paths and symbolic links it was named: one report is one host, and one lock one machine.
fn once(mut files: Vec<below::File>) -> Vec<below::File> {
    let mut known = HashSet::new();
    // What is not there is told when it is read.
    let place = |file: &below::File| fs::canonicalize(&file.path).unwrap_or(file.path.clone());
    files.retain(|file| known.insert(place(file)));
    files
}

/// Reads each of them, and tells of all that cannot be read.
fn all<T: Send>(
    files: &[below::File],
    out: &mut Output,
    read: impl Fn(&Path) -> Result<T, Diagnostic> + Sync,
) -> Vec<T> {
    let mut all = Vec::new();
    let progress = Progress::of(files.len(), "files read");
    let read = parallel::each(files.len(), |index| {
        let read = read(&files[index].path);
        progress.one_more();
        read
    });
    progress.end();
    for read in read {
        match read {
            Ok(read) => all.push(read),
            Err(diagnostic) => out.fail(Exit::Environment, diagnostic),
        }
    }
    all
}

/// Two reports of one boot are of one host, which would count twice.
fn twice(hosts: &[Host], out: &mut Output) {
    let mut known: HashMap<&str, &str> = HashMap::new();
    for host in hosts {
        let Some(boot) = &host.boot else {
            continue;
        };
        if let Some(other) = known.insert(boot, &host.path) {
            let words = format!(
                "`{other}` and `{}` are of one boot of one host, which would count twice",
                host.path
            );
            let diagnostic = Diagnostic::error("usage::arguments", words);
            out.fail(Exit::Usage, diagnostic.help("leave one of them out"));
        }
    }
}

fn kept(row: &[Option<usize>]) -> usize {
    row.iter().filter(|cell| cell.is_none()).count()
}

/// For people: by how many hosts a lock is kept, and the others with their reasons, most of them first.
fn say(
    path: &str,
    row: &[Option<usize>],
    grid: &Grid,
    hosts: &[Host],
    at_least: usize,
    out: &mut Output,
) {
    let kept = kept(row);
    let few = match kept >= at_least {
        true => "",
        false => ": too few",
    };
    let open = |cell: &&usize| grid.is_open(**cell);
    let untold = match row.iter().flatten().filter(open).count() {
        0 => String::new(),
        n => format!(", unknown of {n}"),
    };
    out.lines(hanging(&format!(
        "{path}: kept by {kept} of {} hosts{untold}{few}",
        row.len()
    )));
    let mut words: HashMap<usize, String> = HashMap::new();
    let mut refused: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
    for number in row.iter().flatten() {
        words.entry(*number).or_insert_with(|| grid.words(*number));
    }
    for (cell, host) in row.iter().zip(hosts) {
        if let Some(number) = cell {
            let why = (grid.is_open(*number), words[number].as_str());
            refused.entry(why).or_default().push(&host.path);
        }
    }
    let mut refused: Vec<_> = refused.into_iter().collect();
    refused.sort_by_key(|(_, hosts)| std::cmp::Reverse(hosts.len()));
    let others = refused.split_off(refused.len().min(TOGETHER));
    for ((is_open, words), hosts) in refused {
        let by = if is_open { "unknown of" } else { "not by" };
        let hosts = format!("  {by} {}: {}", hosts.len(), some(&hosts, ", "));
        out.lines(hanging(&hosts));
        out.lines(hanging(&format!("    {words}")));
    }
    if !others.is_empty() {
        let count: usize = others.iter().map(|(_, hosts)| hosts.len()).sum();
        out.lines(hanging(&format!(
            "  not by {count} more, for {} other reasons: `--format json` has them",
            others.len()
        )));
    }
}

/// The first few of them, and how many more there are.
fn some(all: &[&str], between: &str) -> String {
    let first = &all[..all.len().min(NAMED)];
    let mut text = first.join(between);
    if all.len() > NAMED {
        text += &format!("{between}and {} more", all.len() - NAMED);
    }
    text
}
