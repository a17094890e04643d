//! The compiler's commands, by the CPU time of their processes: what it takes to make the lock of each example, and what
//! the commands that people and editors run all day take beside one that does nothing.

use super::{Measure, median};
use crate::failure::{Failure, Result};
use nix::sys::resource::{UsageWho, getrusage};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// CPU time of `vmlock lock`, in milliseconds.
const COMPILE: f64 = 15.0;
/// How many times the CPU time of the command that does nothing.
const BESIDE: f64 = 2.5;
/// Megabytes that the recorded hosts may add to the compiler, and where they lie as it has them.
const RECORDED: f64 = 1.0;
const PACKED: &str = "spec/catalogue/hosts/packed";
/// What does nothing but start and end.
pub(super) const NOTHING: &[&str] = &["--version"];
/// What is held against it, and the exit code: 1 where `diff` finds differences.
pub(super) const COMMANDS: [(&[&str], i32); 5] = [
    (&["lock", "--dry-run", "examples/portable.vm.kdl"], 0),
    (&["lock", "--check", "examples/portable.vm.kdl"], 0),
    (&["explain", "ID_AA64PFR0_EL1"], 0),
    (&["explain", "kvm-6.8"], 0),
    (
        &[
            "diff",
            "examples/portable.vm.lock.json",
            "examples/modern.vm.lock.json",
        ],
        1,
    ),
];

/// All figures of it.
pub(super) fn times(root: &Path, compiler: &Path, runs: u32) -> Result<Vec<Measure>> {
    let mut measures = compile(root, compiler, runs)?;
    measures.extend(beside_nothing(root, compiler, runs)?);
    measures.push(recorded(root)?);
    Ok(measures)
}

/// Bytes of the recorded hosts as the compiler has them in it. That they cost no start is in the time of the command that does
/// nothing: none is unpacked before somebody asks for it.
fn recorded(root: &Path) -> Result<Measure> {
    let folder = root.join(PACKED);
    let list = |e| Failure::file("list", &folder, &e);
    let (mut bytes, mut count) = (0, 0);
    for entry in fs::read_dir(&folder).map_err(list)? {
        bytes += entry
            .and_then(|entry| entry.metadata())
            .map_err(list)?
            .len();
        count += 1;
    }
    if count == 0 {
        return Err(Failure::bug("no recorded host is packed"));
    }
    Ok(Measure::new(
        "recorded hosts in vmlock".to_owned(),
        bytes as f64 / 1e6,
        "MB",
        RECORDED,
        format!("{count} reports, packed"),
    ))
}

/// CPU time of the compiler on each example.
fn compile(root: &Path, compiler: &Path, runs: u32) -> Result<Vec<Measure>> {
    let mut measures = Vec::new();
    for example in examples(root)? {
        let mut times = Vec::new();
        for run in 0..=runs {
            let time = time(root, compiler, &["lock", "--dry-run", &example], 0)?;
            // The first run finds nothing in the machine's caches.
            if run > 0 {
                times.push(time);
            }
        }
        measures.push(Measure::new(
            format!("vmlock lock {example}"),
            median(&times),
            "ms",
            COMPILE,
            format!("CPU time of the process, user and system; median of {runs}"),
        ));
    }
    Ok(measures)
}

/// CPU time of commands beside one that does nothing, in turn.
fn beside_nothing(root: &Path, compiler: &Path, runs: u32) -> Result<Vec<Measure>> {
    let mut times = vec![Vec::new(); COMMANDS.len()];
    for run in 0..=runs {
        let nothing = time(root, compiler, NOTHING, 0)?;
        for ((command, code), times) in COMMANDS.iter().zip(&mut times) {
            let time = time(root, compiler, command, *code)?;
            if run > 0 {
                times.push(time / nothing);
            }
        }
    }
    let measure = |((command, _), times): (&(&[&str], i32), &Vec<f64>)| {
        Measure::new(
            format!("vmlock {} beside vmlock --version", command.join(" ")),
            median(times),
            "times",
            BESIDE,
            format!("CPU time of the processes, in turn; median of {runs} ratios"),
        )
    };
    Ok(COMMANDS.iter().zip(&times).map(measure).collect())
}

/// CPU time of one run that ends with that code, in milliseconds.
fn time(root: &Path, compiler: &Path, arguments: &[&str], code: i32) -> Result<f64> {
    let before = cpu_of_children()?;
    let mut command = Command::new(compiler);
    command
        .current_dir(root)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command
        .status()
        .map_err(|e| Failure::environment(format!("cannot run {}: {e}", compiler.display())))?;
    let time = cpu_of_children()?.saturating_sub(before);
    if status.code() != Some(code) {
        return Err(Failure::environment(format!(
            "`vmlock {}` ended with {status}",
            arguments.join(" ")
        )));
    }
    Ok(time.as_secs_f64() * 1e3)
}

/// The specs of the examples, relative to the checkout.
pub(super) fn examples(root: &Path) -> Result<Vec<String>> {
    let dir = root.join("examples");
    let entries = fs::read_dir(&dir).map_err(|e| Failure::file("list", &dir, &e))?;
    let mut specs: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".vm.kdl"))
        .map(|name| format!("examples/{name}"))
        .collect();
    specs.sort();
    Ok(specs)
}

/// CPU time of all processes that this one has waited for.
pub(super) fn cpu_of_children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_err(|e| Failure::environment(format!("cannot ask for CPU times: {e}")))?;
    let part = |seconds: i64, micros: i64| {
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
            + Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    };
    let (user, system) = (usage.user_time(), usage.system_time());
    Ok(part(user.tv_sec(), user.tv_usec()) + part(system.tv_sec(), system.tv_usec()))
}
