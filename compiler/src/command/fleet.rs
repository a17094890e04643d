//! `vmlock fleet`: which of many hosts keep which locks, and why the others do not.

use super::{digest_of, parse_lock, read, read_report};
use crate::below;
use crate::diagnostic::Diagnostic;
use crate::flags::{FleetFlags, Format};
use crate::fold::folded;
use crate::page;
use crate::parallel;
use crate::render::{self, Exit, Output, hanging};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::part;
use vmlock_spec::plan::{Emulation, Ground, plan_on};
use vmlock_spec::report::{self, HostReport};

/// How many reasons of a host, and how many hosts, are told for people by name.
const NAMED: usize = 3;
/// How often somebody at a terminal is told how far it is.
const TOLD: Duration = Duration::from_millis(250);

/// A host's report. Where two are alike but for their boots, what is planned on one holds on the other.
struct Host {
    path: String,
    report: HostReport,
    /// Of the report without its boot.
    digest: String,
}

/// What came of every lock on every host.
struct Grid {
    /// For each lock, for each host, the number of its reasons; `None` where it is kept.
    cells: Vec<Vec<Option<usize>>>,
    /// Each set of reasons once, in the order in which locks and hosts meet them.
    reasons: Vec<Reasons>,
}

/// Why a host does not keep a lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reasons {
    /// That its CPU is another one.
    another_cpu: Option<String>,
    /// What is refused, one line for each register.
    refused: Vec<String>,
}

impl Reasons {
    /// For people: where the CPU is another one, the rest follows from that.
    fn words(&self) -> String {
        match &self.another_cpu {
            Some(words) => words.clone(),
            None => {
                let lines: Vec<&str> = self.refused.iter().map(String::as_str).collect();
                some(&lines, "; ")
            }
        }
    }
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
        let report = read_report(path)?;
        let digest = digest_of(&report::write(&report.without_boot()));
        let path = path.display().to_string();
        Ok(Host {
            path,
            report,
            digest,
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
    let grid = grid(&locks, &hosts, emulation);
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
    let paths: Vec<&str> = hosts.iter().map(|host| host.path.as_str()).collect();
    let mut whole = Map::new();
    whole.insert("kept".to_owned(), all_kept.into());
    whole.insert("atLeast".to_owned(), flags.at_least.into());
    whole.insert("hosts".to_owned(), json!(paths));
    whole.insert("reasons".to_owned(), json!(grid.reasons));
    whole.insert("locks".to_owned(), rows().map(of_lock).collect());
    if flags.format == Format::Html {
        return out.verbatim(&page::fleet(&Value::Object(whole)));
    }
    for (key, value) in whole {
        out.value(&key, value);
    }
    for ((path, _), row) in rows() {
        say(path, row, &grid.reasons, &hosts, flags.at_least, out);
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

/// Whether a file below a folder of reports is one.
fn is_report(name: &str) -> bool {
    let others = [".vm.lock.json", ".vm.json"];
    name.ends_with(".json") && !others.iter().any(|end| name.ends_with(end))
}

/// Reads each of them, and tells of all that cannot be read.
fn all<T: Send>(
    files: &[below::File],
    out: &mut Output,
    read: impl Fn(&Path) -> Result<T, Diagnostic> + Sync,
) -> Vec<T> {
    let mut all = Vec::new();
    for read in parallel::each(files.len(), |index| read(&files[index].path)) {
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
        let Some(boot) = &host.report.boot else {
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

/// Why a host does not keep a lock; `None` where it does.
fn reasons(lock: &Lock, host: (&HostReport, &Ground), emulation: Emulation) -> Option<Reasons> {
    let (report, ground) = host;
    let plan = plan_on(lock, ground, emulation);
    if plan.refusals.is_empty() {
        return None;
    }
    let another_cpu = part::another(lock, report).map(|another| another.words);
    let folds = folded(&plan.refusals);
    let refused = folds.iter().map(|fold| fold.line()).collect();
    Some(Reasons {
        another_cpu,
        refused,
    })
}

fn grid(locks: &[(String, Lock)], hosts: &[Host], emulation: Emulation) -> Grid {
    // Of reports that say the same, one is planned on.
    let mut digests: HashMap<&str, usize> = HashMap::new();
    let mut different: Vec<&Host> = Vec::new();
    let places: Vec<usize> = hosts
        .iter()
        .map(|host| {
            *digests.entry(&host.digest).or_insert_with(|| {
                different.push(host);
                different.len() - 1
            })
        })
        .collect();
    let grounds = different
        .iter()
        .map(|host| (&host.report, Ground::of(&host.report)));
    let grounds: Vec<(&HostReport, Ground)> = grounds.collect();
    let progress = Progress::of(locks.len());
    let known = Mutex::new(HashMap::new());
    let rows = parallel::each(locks.len(), |index| {
        let (_, lock) = &locks[index];
        let of = |(report, ground): &(&HostReport, Ground)| {
            number(&known, reasons(lock, (report, ground), emulation))
        };
        let row: Vec<Option<usize>> = grounds.iter().map(of).collect();
        progress.one_more();
        row
    });
    progress.end();
    // Numbers were given as the threads met them: from here on they are the same in each run.
    let known = known.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut known: HashMap<usize, Reasons> = known.into_iter().map(|(why, n)| (n, why)).collect();
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let mut all: Vec<Reasons> = Vec::new();
    let mut cell = |met: usize| {
        *numbers.entry(met).or_insert_with(|| {
            all.extend(known.remove(&met));
            all.len() - 1
        })
    };
    let mut cells = Vec::with_capacity(rows.len());
    for row in rows {
        let row: Vec<Option<usize>> = row.into_iter().map(|met| met.map(&mut cell)).collect();
        cells.push(places.iter().map(|place| row[*place]).collect());
    }
    Grid {
        cells,
        reasons: all,
    }
}

/// The number under which these reasons are known; `None` where there are none.
fn number(known: &Mutex<HashMap<Reasons, usize>>, why: Option<Reasons>) -> Option<usize> {
    let why = why?;
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let next = known.len();
    Some(*known.entry(why).or_insert(next))
}

/// For people: by how many hosts a lock is kept, and the others with their reasons, most of them first.
fn say(
    path: &str,
    row: &[Option<usize>],
    reasons: &[Reasons],
    hosts: &[Host],
    at_least: usize,
    out: &mut Output,
) {
    let kept = kept(row);
    let few = match kept >= at_least {
        true => "",
        false => ": too few",
    };
    out.lines(hanging(&format!(
        "{path}: kept by {kept} of {} hosts{few}",
        row.len()
    )));
    let mut refused: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (cell, host) in row.iter().zip(hosts) {
        if let Some(number) = cell {
            let words = reasons[*number].words();
            refused.entry(words).or_default().push(&host.path);
        }
    }
    let mut refused: Vec<_> = refused.into_iter().collect();
    refused.sort_by_key(|(_, hosts)| std::cmp::Reverse(hosts.len()));
    for (words, hosts) in refused {
        let hosts = format!("  not by {}: {}", hosts.len(), some(&hosts, ", "));
        out.lines(hanging(&hosts));
        out.lines(hanging(&format!("    {words}")));
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

/// How far it is, for somebody who waits at a terminal.
struct Progress {
    count: usize,
    /// How many are done, and when that was last told; nobody is told where nobody waits.
    done: Option<Mutex<(usize, Instant)>>,
}

impl Progress {
    fn of(count: usize) -> Self {
        let waits = io::stderr().is_terminal();
        Self {
            count,
            done: waits.then(|| Mutex::new((0, Instant::now()))),
        }
    }

    fn one_more(&self) {
        let Some(Ok(mut done)) = self.done.as_ref().map(Mutex::lock) else {
            return;
        };
        done.0 += 1;
        if done.1.elapsed() >= TOLD {
            done.1 = Instant::now();
            // Who does not see it misses nothing.
            let _ = render::write(
                io::stderr(),
                &format!("\rvmlock: {} of {} locks planned", done.0, self.count),
            );
        }
    }

    /// Takes the line away.
    fn end(&self) {
        if self.done.is_some() {
            let _ = render::write(io::stderr(), "\r\x1b[K");
        }
    }
}
