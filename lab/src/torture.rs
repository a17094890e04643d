//! `vmlock-lab torture`: interrupt controllers under fire, the kernel's and the runner's.
//!
//! A guest with eight vCPUs masks, routes, clears and pends shared interrupts at random while edges and
//! levels are sent to it, its vCPUs send each other SGIs and their timers tick; none may be lost or invented.
//! The runner for it is built with its feature `torture`.

use crate::cache::Cache;
use crate::cross;
use crate::emulate::Ended;
use crate::errand::Errand;
use crate::failure::{OK, Result, tell};
use crate::flags;
use crate::step::{self, Step};
use crate::trial::Bench;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whose machine it is.
const LOCK: &str = "lab/tests/specs/eight.vm.lock.json";
/// Who answers for the distributor, and the flags for it: this lock's is the host kernel's own.
const WAYS: [(&str, &[&str]); 2] = [
    ("the kernel's distributor", &[]),
    ("the runner's distributor", &["--emulate-gic"]),
];
/// How long a host may take: something, and more for each interrupt.
const LIMIT: (Duration, Duration) = (Duration::from_secs(120), Duration::from_millis(3));

/// Runs it both ways and prints the counts; 1 if they do not agree.
pub fn run(cache: &Cache, flags: &flags::Torture) -> Result<u8> {
    let bench = Bench::prepare(cache)?;
    let program = runner(cache)?;
    let step = step(&program, &flags.kernel, flags.interrupts, flags.rarity);
    step::told(&step::run_alone(cache, &bench, step)?)
}

/// The runner with its tests of itself.
pub fn runner(cache: &Cache) -> Result<PathBuf> {
    cross::build_with(cache, cross::RUNNER, "torture")
}

/// So many interrupts each way, by `program`, such a runner; the counts are printed.
pub fn step<'a>(program: &Path, kernel: &str, interrupts: u64, rarity: u64) -> Step<'a> {
    let interrupts_each = u32::try_from(interrupts).unwrap_or(u32::MAX);
    let (count, rarity) = (interrupts.to_string(), rarity.to_string());
    let job = |(_, flags): (&str, &[&str])| -> Vec<String> {
        let numbers = ["--interrupts", &count, "--rarity", &rarity];
        let all = [&["torture", LOCK][..], flags, &numbers[..]].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let errand = Errand {
        cpu: "neoverse-n1".to_owned(),
        kernel: kernel.to_owned(),
        program: program.to_owned(),
        by_shell: false,
        with: vec![LOCK.to_owned()],
        disks: Vec::new(),
        modules: Vec::new(),
        jobs: WAYS.map(job).to_vec(),
        limit: LIMIT.0 + LIMIT.1 * interrupts_each,
    };
    Step {
        name: "no interrupt is lost or invented".to_owned(),
        errands: vec![errand],
        judge: Box::new(move |done| {
            let mut problems = Vec::new();
            for done in done {
                for ((way, flags), ended) in WAYS.iter().zip(&done.jobs) {
                    let place = format!("{way} on Linux {}", done.host.kernel.version);
                    match agreement(ended, interrupts, !flags.is_empty()) {
                        Ok(words) => tell(format_args!("{place}: {words}"))?,
                        Err(why) => problems.push(format!("{place}: {why}")),
                    }
                }
            }
            Ok(problems)
        }),
    }
}

/// The counts in words, or why they do not agree; so many are to be taken or cleared; `proxied`: the runner is to answer.
fn agreement(ended: &Ended, interrupts: u64, proxied: bool) -> std::result::Result<String, String> {
    let output = String::from_utf8_lossy(&ended.stdout);
    let errors = String::from_utf8_lossy(&ended.stderr);
    let Ok(value) = serde_json::from_str::<Value>(&output) else {
        return Err(format!(
            "no counts, code {}: {}",
            ended.code,
            errors.trim_end()
        ));
    };
    let tally = &value["tally"];
    let open = tally["open"].as_array().into_iter().flatten();
    let open = open.filter_map(Value::as_str);
    let words = format!(
        "{} sent, {} taken, {} cleared, {} lost in {} s, {} ticks; {} exits answered by the runner, {} stops; {}; not as it should be: {}{}",
        tally["sent"],
        tally["taken"],
        tally["cleared"],
        tally["lost"],
        tally["milliseconds"].as_u64().unwrap_or(0) / 1000,
        numbers(&tally["ticks"]).sum::<u64>(),
        value["interruptController"]["exits"],
        value["interruptController"]["stops"],
        counted(&tally["disturbances"]),
        counted(&tally["findings"]),
        numbers(&tally["stopped"])
            .map(|vcpu| format!(", the timer of vCPU {vcpu} stopped"))
            .chain(open.map(|open| format!(", {open}")))
            .collect::<String>(),
    );
    let exits = value["interruptController"]["exits"].as_u64();
    let answered = exits.is_some_and(|exits| (exits > 0) == proxied);
    let done = [&tally["taken"], &tally["cleared"]].map(|n| n.as_u64().unwrap_or(0));
    let enough = done.iter().sum::<u64>() >= interrupts;
    if ended.code == OK && value["agrees"] == true && answered && enough {
        Ok(words)
    } else {
        Err(words)
    }
}

fn numbers(list: &Value) -> impl Iterator<Item = u64> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
}

/// Names with their counts, those that are not zero.
fn counted(counts: &Value) -> String {
    let words: Vec<String> = counts
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    match words.is_empty() {
        true => "nothing".to_owned(),
        false => words.join(", "),
    }
}
