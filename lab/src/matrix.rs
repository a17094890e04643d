//! `vmlock-lab matrix`: every lock on every kernel and CPU, as a table.
//!
//! With `--docs` it is the whole table of all examples for the documents (`matrix/documents.rs`), and either can be a page
//! for a browser (`matrix/grid.rs`).
//!
//! One host per kernel and CPU audits all locks, one after another, because booting a host takes longer than an audit.

use crate::cache::Cache;
use crate::cross;
use crate::emulate::{self, Ended, Files, Job, Machine, Output, Work};
use crate::emulator;
use crate::failure::{ENVIRONMENT, FINDINGS, Failure, OK, Result, say, tell};
use crate::flags::{Matrix, Table};
use crate::job;
use crate::kernels;
use crate::tools;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod documents;
mod grid;
mod told;

/// Exit code of `vmlock-run` when the host cannot keep the lock.
const REFUSED: u8 = 3;

/// What became of one lock on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The guest saw what the lock promises.
    Kept { digest: String, facts: u64 },
    /// The host cannot keep the lock; each reason as `name: reason`.
    Refused(Vec<String>),
    /// The guest saw something else than the lock promises.
    Differs(Vec<String>),
    /// There is no verdict.
    Failed(String),
}

/// One line of the table.
#[derive(Debug)]
struct Cell {
    lock: String,
    /// What the lock is called: its file, or its path where another has such a file.
    name: String,
    cpu: String,
    kernel: String,
    version: String,
    verdict: Verdict,
    /// What `audit` printed, where that was JSON.
    report: Value,
}

/// Audits all locks on all hosts and prints the table.
pub fn run(cache: &Cache, flags: &Matrix) -> Result<u8> {
    if flags.docs {
        return docs(cache, flags);
    }
    once(&flags.locks, &flags.kernels, &flags.cpus)?;
    let digests = told::digests(&flags.locks)?;
    let cells = audit_all(cache, flags, &flags.locks, &flags.kernels, &flags.cpus)?;
    // Two files' verdicts are no table of one lock, however it is printed.
    told::unchanged(&digests)?;
    match flags.format {
        Table::Human => tell(human(&cells).trim_end())?,
        Table::Markdown => tell(markdown(&cells).trim_end())?,
        Table::Json => tell(format_args!("{:#}", as_json(&cells)))?,
        Table::Html => tell(grid::page(&told::of(&cells, &digests)?)?.trim_end())?,
    }
    Ok(exit_code(&cells))
}

/// Writes what the documents say, or what they say of some locks, unless the table cannot be stood by.
fn docs(cache: &Cache, flags: &Matrix) -> Result<u8> {
    let root = cross::workspace()?;
    let examples = documents::examples(&root)?;
    let locks = documents::asked(&examples, &flags.locks)?;
    let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
    let (kernels, cpus) = (owned(&kernels::SERIES), owned(&kernels::CPUS));
    once(&locks, &kernels, &cpus)?;
    let digests = told::digests(&locks)?;
    let cells = audit_all(cache, flags, &locks, &kernels, &cpus)?;
    let code = exit_code(&cells);
    if code != OK {
        tell(human(&cells).trim_end())?;
        return Ok(code);
    }
    let told = documents::with(&root, &examples, told::of(&cells, &digests)?)?;
    for (place, text) in documents::made(&root, &told)? {
        let target = root.join(place);
        crate::cache::write(&target, text.as_bytes())?;
        say(format_args!("wrote {}", target.display()));
    }
    Ok(OK)
}

/// That a lock, a kernel or a CPU is named once: the audits of two would be one row or column, and take as long as two.
fn once(locks: &[PathBuf], kernels: &[String], cpus: &[String]) -> Result<()> {
    let locks: Vec<String> = locks
        .iter()
        // One that is not there is told of as that.
        .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()))
        .map(|path| path.display().to_string())
        .collect();
    for (what, all) in [("lock", &locks[..]), ("kernel", kernels), ("CPU", cpus)] {
        let mut seen = BTreeSet::new();
        if let Some(twice) = all.iter().find(|one| !seen.insert(*one)) {
            return Err(Failure::usage(format!(
                "the {what} {twice} is named twice: name each {what} once"
            )));
        }
    }
    Ok(())
}

/// One cell for each lock on each host, in the order of the locks.
fn audit_all(
    cache: &Cache,
    flags: &Matrix,
    locks: &[PathBuf],
    kernels: &[String],
    cpus: &[String],
) -> Result<Vec<Cell>> {
    emulator::ensure(cache, flags.program.is_none())?;
    let locks = locks
        .iter()
        .map(|path| match path.is_file() {
            true => job::text(path),
            false => Err(Failure::environment(format!(
                "there is no lock {}",
                path.display()
            ))),
        })
        .collect::<Result<Vec<_>>>()?;
    let program = match &flags.program {
        Some(path) => path.clone(),
        None => cross::build(cache, cross::RUNNER)?,
    };
    let kernels = kernels::resolve(cache, kernels, flags.refresh)?;
    let busybox = kernels::busybox(cache)?;
    let mut hosts = Vec::new();
    for cpu in cpus {
        for kernel in &kernels {
            // A limit for booting, and one for each audit.
            let limit = (flags.timeout != 0).then(|| Duration::from_secs(flags.timeout));
            hosts.push(job::machine(kernel.clone(), cpu, &flags.hardware, limit));
        }
    }
    let at_a_time = flags.jobs.unwrap_or_else(tools::hosts_at_a_time);
    say(format_args!(
        "{} audits on {} hosts, {at_a_time} at a time",
        locks.len() * hosts.len(),
        hosts.len()
    ));

    let auditor = Auditor {
        cache,
        program: &program,
        busybox: &busybox,
        locks: &locks,
        args: &flags.args,
    };
    let results = tools::in_parallel(&hosts, at_a_time, |host| {
        let cells = auditor.audit(host)?;
        for cell in &cells {
            say(format_args!(
                "{} on {} ({}): {}",
                cell.lock,
                cell.version,
                cell.cpu,
                short(&cell.verdict)
            ));
        }
        Ok(cells)
    })?;
    let mut cells: Vec<Cell> = results.into_iter().flatten().collect();
    let place = |cell: &Cell| locks.iter().position(|lock| *lock == cell.lock);
    cells.sort_by_key(place);
    Ok(cells)
}

/// What all hosts of a matrix have in common.
struct Auditor<'a> {
    cache: &'a Cache,
    program: &'a Path,
    busybox: &'a [u8],
    locks: &'a [String],
    args: &'a [String],
}

impl Auditor<'_> {
    /// Audits all locks in one host. Where that fails, each lock gets a host of its own, so that one
    /// which brings its host down takes no other with it.
    fn audit(&self, host: &Machine) -> Result<Vec<Cell>> {
        let cell = |lock: &String, (verdict, report)| Cell {
            lock: lock.clone(),
            name: called(lock, self.locks).to_owned(),
            cpu: host.cpu.clone(),
            kernel: host.kernel.asked.clone(),
            version: host.kernel.version.clone(),
            verdict,
            report,
        };
        let failed = |failure: &Failure| (Verdict::Failed(failure.to_string()), Value::Null);
        match self.audit_in_one(host, self.locks) {
            Ok(ended) => Ok(self
                .locks
                .iter()
                .zip(&ended)
                .map(|(lock, ended)| cell(lock, verdict(ended)))
                .collect()),
            Err(failure) if failure.code() != ENVIRONMENT => Err(failure),
            Err(failure) if self.locks.len() == 1 => Ok(self
                .locks
                .iter()
                .map(|lock| cell(lock, failed(&failure)))
                .collect()),
            Err(_) => self
                .locks
                .iter()
                .map(
                    |lock| match self.audit_in_one(host, std::slice::from_ref(lock)) {
                        Ok(ended) => Ok(cell(
                            lock,
                            ended.first().map_or_else(
                                || failed(&Failure::bug("a host without a result")),
                                verdict,
                            ),
                        )),
                        Err(failure) if failure.code() == ENVIRONMENT => {
                            Ok(cell(lock, failed(&failure)))
                        }
                        Err(failure) => Err(failure),
                    },
                )
                .collect(),
        }
    }

    fn audit_in_one(&self, host: &Machine, locks: &[String]) -> Result<Vec<Ended>> {
        let dir = job::current_dir()?;
        let mut files = Files::default();
        let inside = job::add_program(&mut files, self.program)?;
        let mut jobs = Vec::new();
        for lock in locks {
            let mut args = vec!["audit".to_owned(), lock.clone()];
            args.extend(["--format", "json"].map(str::to_owned));
            args.extend(self.args.iter().cloned());
            job::add_arguments(self.cache, &mut files, &dir, &args)?;
            jobs.push(Job {
                program: inside.clone(),
                args,
            });
        }
        let outcome = emulate::run(
            host,
            &Work {
                dir: &job::text(&dir)?,
                files: &files,
                busybox: self.busybox,
                jobs: &jobs,
                results: &[],
                output: Output::Collect,
                console: None,
            },
        )?;
        Ok(outcome.jobs)
    }
}

/// Reads what an audit says.
pub fn verdict(ended: &Ended) -> (Verdict, Value) {
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap_or(Value::Null);
    let verdict = match ended.code {
        OK => match (report["digest"].as_str(), count(&report["facts"])) {
            (Some(digest), facts) if facts > 0 => Verdict::Kept {
                digest: digest.to_owned(),
                facts,
            },
            // An audit that saw nothing proves nothing.
            _ => Verdict::Failed(
                "it ended with code 0 and reported no digest or no facts".to_owned(),
            ),
        },
        FINDINGS => Verdict::Differs(named(&report["differences"])),
        REFUSED => Verdict::Refused(named(&report["refusals"])),
        code => {
            let words = String::from_utf8_lossy(&ended.stderr);
            // Of a crash, all that the host's kernel said of it.
            let most = if code > 128 { usize::MAX } else { 5 };
            let words: Vec<&str> = words.lines().rev().take(most).collect();
            let words: Vec<&str> = words.into_iter().rev().collect();
            Verdict::Failed(format!("exit code {code}: {}", words.join(" / ")))
        }
    };
    (verdict, report)
}

/// A number, or the length of a list.
fn count(value: &Value) -> u64 {
    value
        .as_u64()
        .or_else(|| value.as_array().map(|list| list.len() as u64))
        .unwrap_or(0)
}

/// Each item of a list as `name: reason`, as far as it has them.
fn named(list: &Value) -> Vec<String> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .map(|item| match item {
            Value::String(text) => text.clone(),
            _ => {
                let reason = ["reason", "message"]
                    .iter()
                    .find_map(|key| item[key].as_str());
                match (item["name"].as_str(), reason) {
                    (Some(name), None) if item["promised"].is_string() => format!(
                        "{name} on vCPU {}: promised {}, seen {}",
                        item["vcpu"],
                        item["promised"].as_str().unwrap_or_default(),
                        item["seen"].as_str().unwrap_or_default()
                    ),
                    (Some(name), Some(reason)) => format!("{name}: {reason}"),
                    (Some(text), None) | (None, Some(text)) => text.to_owned(),
                    (None, None) => item.to_string(),
                }
            }
        })
        .collect()
}

/// A verdict in one line.
pub fn short(verdict: &Verdict) -> String {
    let first = |word: &str, reasons: &[String]| match reasons {
        [] => format!("{word}, without a reason"),
        [only] => format!("{word}: {only}"),
        [first, rest @ ..] => format!("{word}: {first} (and {} more)", rest.len()),
    };
    match verdict {
        Verdict::Kept { digest, facts } => {
            format!("kept, digest {}, {facts} facts", short_digest(digest))
        }
        Verdict::Refused(reasons) => first("refused", reasons),
        Verdict::Differs(differences) => first("DIFFERS", differences),
        Verdict::Failed(why) => {
            format!("FAILED: {}", why.lines().next().unwrap_or_default())
        }
    }
}

/// The first 12 digits, enough to tell digests apart by eye.
pub fn short_digest(digest: &str) -> &str {
    let digits = digest.rsplit([':', '-']).next().unwrap_or(digest);
    digits.get(..12).unwrap_or(digits)
}

/// The name of a lock in a table: its file, without the ending that all have.
fn lock_name(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.strip_suffix(".vm.lock.json").unwrap_or(file)
}

/// What one of several locks is called: by its path, where another of them has a file of that name.
fn called<'a>(path: &'a str, all: &[String]) -> &'a str {
    let name = lock_name(path);
    match all.iter().filter(|other| lock_name(other) == name).count() {
        0 | 1 => name,
        _ => path,
    }
}

fn host_name(cell: &Cell) -> String {
    match cell.version.starts_with(&cell.kernel) {
        true => cell.version.clone(),
        false => cell.kernel.clone(),
    }
}

/// The table for reading; what failed is told in full below it.
fn human(cells: &[Cell]) -> String {
    let rows: Vec<[String; 4]> = cells
        .iter()
        .map(|cell| {
            [
                cell.name.clone(),
                cell.cpu.clone(),
                host_name(cell),
                short(&cell.verdict),
            ]
        })
        .collect();
    let width = |column: usize, title: &str| {
        let widest = rows.iter().map(|row| row[column].chars().count()).max();
        widest.unwrap_or(0).max(title.len())
    };
    let (a, b, c) = (width(0, "lock"), width(1, "cpu"), width(2, "kernel"));
    let mut text = format!("{:a$}  {:b$}  {:c$}  verdict\n", "lock", "cpu", "kernel");
    for [lock, cpu, kernel, verdict] in &rows {
        let _ = writeln!(text, "{lock:a$}  {cpu:b$}  {kernel:c$}  {verdict}");
    }
    text.push('\n');
    for line in summary(cells) {
        let _ = writeln!(text, "{line}");
    }
    for cell in cells {
        if let Verdict::Failed(why) = &cell.verdict
            && why.contains('\n')
        {
            let _ = writeln!(
                text,
                "\n{} on {} ({}): {why}",
                cell.name,
                host_name(cell),
                cell.cpu
            );
        }
    }
    text
}

fn markdown(cells: &[Cell]) -> String {
    let mut text = String::from("| lock | CPU | kernel | verdict |\n|---|---|---|---|\n");
    for cell in cells {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            cell.name,
            cell.cpu,
            host_name(cell),
            short(&cell.verdict).replace('|', "\\|")
        );
    }
    text.push('\n');
    for line in summary(cells) {
        let _ = writeln!(text, "* {line}");
    }
    text
}

/// One sentence per lock and CPU.
fn summary(cells: &[Cell]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for cell in cells {
        if !seen.insert((&cell.lock, &cell.cpu)) {
            continue;
        }
        let same: Vec<&Cell> = cells
            .iter()
            .filter(|c| c.lock == cell.lock && c.cpu == cell.cpu)
            .collect();
        let digests = digests(&same);
        let kept = same.iter().filter(|c| is_kept(c)).count();
        let what = match (kept, digests.len()) {
            (0, _) => "kept nowhere".to_owned(),
            (1, _) => "kept".to_owned(),
            (_, 1) => "kept, and a guest saw the same machine each time".to_owned(),
            (_, n) => format!("kept, BUT A GUEST SAW {n} DIFFERENT MACHINES"),
        };
        lines.push(format!(
            "{} on {}: {kept} of {} hosts: {what}",
            cell.name,
            cell.cpu,
            same.len()
        ));
    }
    lines
}

fn is_kept(cell: &Cell) -> bool {
    matches!(cell.verdict, Verdict::Kept { .. })
}

fn digests<'a>(cells: &[&'a Cell]) -> BTreeSet<&'a str> {
    cells
        .iter()
        .filter_map(|cell| match &cell.verdict {
            Verdict::Kept { digest, .. } => Some(digest.as_str()),
            _ => None,
        })
        .collect()
}

fn as_json(cells: &[Cell]) -> Value {
    let cells: Vec<Value> = cells
        .iter()
        .map(|cell| {
            let mut object = json!({
                "lock": cell.lock,
                "cpu": cell.cpu,
                "kernel": cell.kernel,
                "kernelVersion": cell.version,
            });
            match &cell.verdict {
                Verdict::Kept { digest, facts } => {
                    object["verdict"] = "kept".into();
                    object["digest"] = digest.as_str().into();
                    object["facts"] = (*facts).into();
                }
                Verdict::Refused(reasons) => {
                    object["verdict"] = "refused".into();
                    object["reasons"] = reasons.as_slice().into();
                }
                Verdict::Differs(differences) => {
                    object["verdict"] = "differs".into();
                    object["reasons"] = differences.as_slice().into();
                }
                Verdict::Failed(why) => {
                    object["verdict"] = "failed".into();
                    object["reasons"] = json!([why]);
                }
            }
            object["report"] = cell.report.clone();
            object
        })
        .collect();
    json!({ "cells": cells })
}

fn exit_code(cells: &[Cell]) -> u8 {
    let any = |test: fn(&Verdict) -> bool| cells.iter().any(|cell| test(&cell.verdict));
    // A lock promises the same whatever the host's kernel and CPU are.
    let drifts = cells.iter().any(|cell| {
        let same: Vec<&Cell> = cells.iter().filter(|c| c.lock == cell.lock).collect();
        digests(&same).len() > 1
    });
    if cells.is_empty() || any(|v| matches!(v, Verdict::Failed(_))) {
        ENVIRONMENT
    } else if drifts || any(|v| matches!(v, Verdict::Differs(_))) {
        FINDINGS
    } else {
        OK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: u8, stdout: &str) -> Ended {
        Ended {
            code,
            stdout: stdout.as_bytes().to_vec(),
            stderr: b"one\ntwo\n".to_vec(),
        }
    }

    fn cell(kernel: &str, verdict: Verdict) -> Cell {
        Cell {
            lock: "examples/web.vm.lock.json".to_owned(),
            name: "web".to_owned(),
            cpu: "neoverse-n1".to_owned(),
            kernel: kernel.to_owned(),
            version: format!("{kernel}.9"),
            verdict,
            report: Value::Null,
        }
    }

    fn kept(digest: &str) -> Verdict {
        Verdict::Kept {
            digest: digest.to_owned(),
            facts: 7,
        }
    }

    #[test]
    fn verdicts_are_read_from_code_and_report() {
        let of = |code, text| verdict(&ended(code, text)).0;
        let report = r#"{"facts": 7, "differences": [], "digest": "sha256:ab"}"#;
        assert_eq!(of(0, report), kept("sha256:ab"));
        assert!(matches!(
            of(0, r#"{"facts": 0, "digest": "x"}"#),
            Verdict::Failed(_)
        ));
        assert!(matches!(of(0, "no JSON"), Verdict::Failed(_)));
        assert_eq!(
            of(
                3,
                r#"{"refusals": [{"name": "GICD_IIDR", "reason": "not honoured"}]}"#
            ),
            Verdict::Refused(vec!["GICD_IIDR: not honoured".to_owned()])
        );
        assert_eq!(
            of(1, r#"{"differences": [{"name": "CTR_EL0"}]}"#),
            Verdict::Differs(vec!["CTR_EL0".to_owned()])
        );
        assert_eq!(
            of(
                1,
                r#"{"differences": [{"vcpu": 1, "name": "CTR_EL0", "promised": "0x1", "seen": "0x2"}]}"#
            ),
            Verdict::Differs(vec!["CTR_EL0 on vCPU 1: promised 0x1, seen 0x2".to_owned()])
        );
        assert_eq!(
            of(70, ""),
            Verdict::Failed("exit code 70: one / two".to_owned())
        );
    }

    #[test]
    fn two_digests_of_one_lock_are_a_finding() {
        let one = [cell("5.10", kept("a")), cell("6.12", kept("a"))];
        assert_eq!(exit_code(&one), OK);
        assert!(human(&one).contains("2 of 2 hosts: kept, and a guest saw the same machine"));
        let two = [cell("5.10", kept("a")), cell("6.12", kept("b"))];
        assert_eq!(exit_code(&two), FINDINGS);
        let broken = [
            cell("5.10", kept("a")),
            cell("6.12", Verdict::Failed("hangs".to_owned())),
        ];
        assert_eq!(exit_code(&broken), ENVIRONMENT);
        assert_eq!(exit_code(&[]), ENVIRONMENT);
    }

    #[test]
    fn what_is_named_twice_is_refused_before_a_host_is_booted() {
        let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let said = |locks: &[&str], kernels: &[&str], cpus: &[&str]| {
            once(&paths(locks), &owned(kernels), &owned(cpus))
                .map_err(|e| (e.code(), e.to_string()))
        };
        assert!(said(&["a", "b"], &["6.12", "6.1"], &["max"]).is_ok());
        for (locks, kernels, cpus, word) in [
            (&["a", "a"][..], &["6.12"][..], &["max"][..], "the lock a"),
            // One file, by two paths.
            (
                &["Cargo.toml", "src/../Cargo.toml"],
                &["6.12"],
                &["max"],
                "Cargo.toml",
            ),
            (
                &["a"],
                &["6.12", "6.1", "6.12"],
                &["max"],
                "the kernel 6.12",
            ),
            (&["a"], &["6.12"], &["max", "max"], "the CPU max"),
        ] {
            let words = said(locks, kernels, cpus).unwrap_err();
            assert!(
                words.0 == crate::failure::USAGE && words.1.contains(word),
                "{words:?}"
            );
        }
    }

    #[test]
    fn two_locks_of_one_name_are_told_apart_by_their_paths() {
        let all = [
            "x/web.vm.lock.json",
            "y/web.vm.lock.json",
            "x/db.vm.lock.json",
        ];
        let all = all.map(str::to_owned);
        let names: Vec<&str> = all.iter().map(|path| called(path, &all)).collect();
        assert_eq!(names, ["x/web.vm.lock.json", "y/web.vm.lock.json", "db"]);
    }

    #[test]
    fn a_refusal_shows_its_first_reason() {
        let refused = Verdict::Refused(vec!["A: a".to_owned(), "B: b".to_owned()]);
        let cells = [cell("6.16", refused)];
        assert!(
            markdown(&cells)
                .contains("| web | neoverse-n1 | 6.16.9 | refused: A: a (and 1 more) |")
        );
        assert_eq!(exit_code(&cells), OK);
        assert_eq!(as_json(&cells)["cells"][0]["verdict"], "refused");
    }
}
