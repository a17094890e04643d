//! The compiler's commands in instructions, as valgrind's callgrind counts them: however much else the machine does, they
//! are nearly the same each time, so that a command which becomes slower is seen. They are held against those that are
//! checked in beside this file, which are of one architecture and one Rust.

use super::commands::{COMMANDS, NOTHING};
use super::editor;
use super::{Measure, median};
use crate::cache::{self, Cache};
use crate::failure::{Failure, Result, say};
use crate::tools;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where they are checked in.
const FILE: &str = "lab/src/bench/counts.json";
/// How they are made anew.
const WRITE: &str = "cargo run --release -p vmlock-lab -- bench --commands --count --write";
/// How many times what is checked in a command may take.
const MARGIN: f64 = 1.05;
/// Runs of each: hash tables are seeded anew in each, and threads meet otherwise.
const RUNS: usize = 3;
/// The program that counts, and the package that brings it.
const VALGRIND: (&str, &str) = ("valgrind", "valgrind");
/// What the language server's count is called: start, the first findings, end.
const SERVER: &str = "lsp, to the first findings";

/// What that of one key is called; and how many keys more are pressed in the one of two runs, which differ by nothing else.
const KEY: &str = "lsp, a key in 10,000 lines";
const KEYS: u32 = 10;

/// What is checked in.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    /// The architecture, as Rust names it.
    arch: String,
    /// What `rustc --version` said.
    rustc: String,
    /// Instructions of each command.
    counts: BTreeMap<String, u64>,
}

/// Counts each command, and writes the counts down or holds them against those that are.
pub(super) fn held(
    cache: &Cache,
    root: &Path,
    compiler: &Path,
    write: bool,
) -> Result<Vec<Measure>> {
    tools::ensure(&[VALGRIND])?;
    let file = root.join(FILE);
    let here = Counts {
        arch: ARCH.to_owned(),
        rustc: rustc(root)?,
        counts: count(cache, root, compiler)?,
    };
    if write {
        let text = serde_json::to_string_pretty(&here)
            .map_err(|e| Failure::bug(format!("cannot write the counts: {e}")))?;
        cache::write(&file, format!("{text}\n").as_bytes())?;
    }
    let kept = kept(&file)?;
    if kept.arch != here.arch {
        return Err(Failure::environment(format!(
            "{FILE} has counts of {}, and this machine is {}: there is nothing to hold them against",
            kept.arch, here.arch
        )));
    }
    if kept.rustc != here.rustc {
        say(format_args!(
            "{FILE} has counts of {}, and this is {}, which may be the whole difference",
            kept.rustc, here.rustc
        ));
    }
    here.counts
        .iter()
        .map(|(name, count)| measure(name, *count, &kept))
        .collect()
}

fn measure(name: &str, count: u64, kept: &Counts) -> Result<Measure> {
    let known = kept.counts.get(name).ok_or_else(|| {
        Failure::environment(format!("{FILE} has no count of `{name}`; make it: {WRITE}"))
    })?;
    let millions = |count: u64| count as f64 / 1e6;
    let change = 100.0 * (count as f64 / *known as f64 - 1.0);
    Ok(Measure::new(
        format!("vmlock {name}"),
        millions(count),
        "million",
        millions(*known) * MARGIN,
        format!(
            "instructions, median of {RUNS} runs; {change:+.1} % of the {:.2} million that are checked in",
            millions(*known)
        ),
    ))
}

fn kept(file: &Path) -> Result<Counts> {
    let text = cache::read(file)?;
    serde_json::from_slice(&text)
        .map_err(|e| Failure::environment(format!("{FILE}: {e}; make it anew: {WRITE}")))
}

fn rustc(root: &Path) -> Result<String> {
    let (status, said) = tools::output(Command::new("rustc").arg("--version").current_dir(root))?;
    match status.success() {
        true => Ok(String::from_utf8_lossy(&said).trim().to_owned()),
        false => Err(Failure::environment("`rustc --version` failed")),
    }
}

/// Instructions of each command, by what it is called.
fn count(cache: &Cache, root: &Path, compiler: &Path) -> Result<BTreeMap<String, u64>> {
    let scratch = cache.scratch()?;
    let run = Counted {
        compiler,
        file: scratch.path().join("callgrind"),
    };
    let mut counts = BTreeMap::new();
    for (arguments, code) in [(NOTHING, 0)].into_iter().chain(COMMANDS) {
        let name = arguments.join(" ");
        let once = || run.command(root, arguments, code);
        counts.insert(name, middle(once)?);
    }
    let server = || {
        let mut server = run.under_valgrind();
        server.arg("lsp").current_dir(scratch.path());
        server
    };
    let first = || editor::first_findings(server()).and_then(|()| run.total());
    counts.insert(SERVER.to_owned(), middle(first)?);
    let pressed = |keys: u32| editor::keys(server(), keys.into()).and_then(|()| run.total());
    let key = || Ok(pressed(1 + KEYS)?.saturating_sub(pressed(1)?) / u64::from(KEYS));
    counts.insert(KEY.to_owned(), middle(key)?);
    Ok(counts)
}

fn middle(once: impl Fn() -> Result<u64>) -> Result<u64> {
    let runs: Vec<u64> = (0..RUNS).map(|_| once()).collect::<Result<_>>()?;
    let runs: Vec<f64> = runs.into_iter().map(|count| count as f64).collect();
    Ok(median(&runs) as u64)
}

/// The compiler, and where valgrind writes what it counted.
struct Counted<'a> {
    compiler: &'a Path,
    file: PathBuf,
}

impl Counted<'_> {
    fn under_valgrind(&self) -> Command {
        let mut command = Command::new(VALGRIND.0);
        command
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", self.file.display()))
            .arg(self.compiler);
        command
    }

    /// One run that ends with that code.
    fn command(&self, root: &Path, arguments: &[&str], code: i32) -> Result<u64> {
        let mut command = self.under_valgrind();
        let command = command.args(arguments).current_dir(root);
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = quiet
            .status()
            .map_err(|e| Failure::environment(format!("cannot run valgrind: {e}")))?;
        if status.code() != Some(code) {
            return Err(Failure::environment(format!(
                "`vmlock {}` under valgrind ended with {status}",
                arguments.join(" ")
            )));
        }
        self.total()
    }

    /// What the last run counted; it is gone then, so that no run can be taken for another.
    fn total(&self) -> Result<u64> {
        let said = String::from_utf8_lossy(&cache::read(&self.file)?).into_owned();
        fs::remove_file(&self.file).map_err(|e| Failure::file("remove", &self.file, &e))?;
        total(&said).ok_or_else(|| Failure::environment("callgrind counted nothing"))
    }
}

/// The sum at the end of callgrind's file.
fn total(said: &str) -> Option<u64> {
    let last = said
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals:"))?;
    last.trim().parse().ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_sum_is_found() {
        assert_eq!(total("events: Ir\nsummary: 7\n1 2\ntotals: 42\n"), Some(42));
        for said in ["", "events: Ir\nsummary: 7\n", "totals: 0", "totals: much"] {
            assert_eq!(total(said), None, "{said}");
        }
    }

    #[test]
    fn every_command_has_a_count_and_nothing_else_has() {
        let file = crate::cross::workspace().unwrap().join(FILE);
        let kept = kept(&file).unwrap();
        let commands = COMMANDS.iter().map(|(arguments, _)| arguments.join(" "));
        let known = commands.chain([NOTHING.join(" "), SERVER.to_owned(), KEY.to_owned()]);
        assert_eq!(
            kept.counts.into_keys().collect::<BTreeSet<_>>(),
            known.collect()
        );
    }

    #[test]
    fn more_than_the_margin_is_too_much() {
        let kept = Counts {
            arch: String::new(),
            rustc: String::new(),
            counts: BTreeMap::from([("x".to_owned(), 1_000_000)]),
        };
        let met = |count| measure("x", count, &kept).unwrap().met;
        assert!(met(500_000) && met(1_050_000) && !met(1_050_001));
        assert!(measure("y", 1, &kept).is_err());
    }
}
