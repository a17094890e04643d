//! `vmlock-lab drift`: what a kernel changes for guests, asked of emulated hosts that boot it.
//!
//! Its exit codes are those of `git bisect run`: 0 where guests see no change, 1 where they do, 125 where the kernel could
//! not be tried, or where nothing is known to have changed and not everything could be compared. What changed is said by
//! `vmlock drift`.

use crate::cache::{self, Cache, Scratch};
use crate::cross;
use crate::emulate::Machine;
use crate::failure::{FINDINGS, Failure, INTERRUPTED, OK, Result};
use crate::flags::Drift;
use crate::job;
use crate::kernels;
use crate::options;
use crate::record;
use crate::tools;
use crate::trial::Bench;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// git-bisect(1): this commit cannot be tested.
const UNTRIED: u8 = 125;

/// Boots, probes and compares.
pub fn run(cache: &Cache, flags: &Drift) -> Result<u8> {
    let asked = std::slice::from_ref(&flags.kernel);
    let kernel = kernels::resolve(cache, asked, flags.refresh)?;
    let kernel = kernel
        .into_iter()
        .next()
        .ok_or_else(|| Failure::bug("a kernel was asked for and none was found"))?;
    // Before anything is built, so that what is missing is told at once.
    options::expect(&kernel.image)?;
    let compiler = cross::build_quickly("vmlock")?;
    let from = match &flags.from {
        Some(from) => from.clone(),
        None => newest(&compiler)?,
    };
    let bench = Bench::prepare(cache)?;
    let limit = Some(Duration::from_secs(flags.timeout)).filter(|limit| !limit.is_zero());
    let hosts: Vec<Machine> = flags
        .cpus
        .iter()
        .map(|cpu| job::machine(kernel.clone(), cpu, &flags.hardware, limit))
        .collect();
    let reports = tools::in_parallel(&hosts, tools::hosts_at_a_time(), |host| {
        record::probe(&bench, host)
    })?;
    let scratch = Scratch::new()?;
    let folder = flags.reports.as_deref().unwrap_or(scratch.path());
    cache::make_dir(folder)?;
    let mut command = Command::new(&compiler);
    command.args(["drift", "--from", &from]);
    for (cpu, report) in flags.cpus.iter().zip(&reports) {
        let path = folder.join(format!("{cpu}.json"));
        cache::write(&path, report)?;
        command.arg(path);
    }
    let status = tools::run(command.args(&flags.args), None)?;
    verdict(status.code())
}

/// Mainline's whole baseline that none of mainline's comes after. Those of distributions come after one of mainline's, and
/// nothing after them.
fn newest(compiler: &Path) -> Result<String> {
    let mut command = Command::new(compiler);
    let (_, said) = tools::output(command.args(["--format", "json", "baselines"]))?;
    let said: Value = serde_json::from_slice(&said)
        .map_err(|e| Failure::bug(format!("`vmlock baselines` cannot be read: {e}")))?;
    last_whole(&said).ok_or_else(|| Failure::bug("`vmlock baselines` names no newest one"))
}

fn last_whole(said: &Value) -> Option<String> {
    let wholes = said["baselines"].as_array()?.iter();
    let is_release = |b: &&Value| b["part"].is_null() && b["distribution"] == false;
    let wholes: Vec<&Value> = wholes.filter(is_release).collect();
    let last = |b: &&&Value| wholes.iter().all(|other| other["after"] != b["name"]);
    Some(wholes.iter().rfind(last)?["name"].as_str()?.to_owned())
}

/// What an exit code of `vmlock drift` means for the kernel.
fn verdict(code: Option<i32>) -> Result<u8> {
    match code {
        Some(0) => Ok(OK),
        // 3: a lock that was named is refused.
        Some(1 | 3) => Ok(FINDINGS),
        // It has said what could not be compared.
        Some(125) => Ok(UNTRIED),
        _ => Err(Failure::environment(
            "`vmlock drift` could not compare this kernel; its messages are above",
        )),
    }
}

/// The exit code of a failure: whatever kept the kernel from being tried says nothing of the kernel.
pub fn code(failure: &Failure) -> u8 {
    match failure.code() {
        // Above 127, which ends a bisection.
        INTERRUPTED => INTERRUPTED,
        _ => UNTRIED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn exit_codes_are_those_of_git_bisect() {
        let codes = [
            (0, OK),
            (1, FINDINGS),
            (3, FINDINGS),
            (125, UNTRIED),
            (2, UNTRIED),
            (4, UNTRIED),
            (70, UNTRIED),
        ];
        for (code, expected) in codes {
            let got = verdict(Some(code)).unwrap_or_else(|failure| super::code(&failure));
            assert_eq!(got, expected, "{code}");
        }
        // Killed by a signal.
        assert_eq!(
            verdict(None).map_err(|f| super::code(&f)).unwrap_err(),
            UNTRIED
        );
        assert_eq!(super::code(&Failure::bug("x")), UNTRIED);
        assert_eq!(super::code(&Failure::crash("x")), UNTRIED);
        assert_eq!(super::code(&Failure::interrupted()), INTERRUPTED);
    }

    #[test]
    fn the_newest_baseline_is_the_one_that_nothing_comes_after() {
        let said = json!({ "baselines": [
            { "name": "debian-12.r1", "after": "kvm-7.2", "part": null, "distribution": true },
            { "name": "kvm-7.3", "after": "kvm-7.2", "part": null, "distribution": false },
            { "name": "kvm-7.2", "after": null, "part": null, "distribution": false },
            { "name": "debian-13.r1", "after": "kvm-7.2", "part": null, "distribution": true },
            { "name": "debian-14.r1", "after": "kvm-7.3", "part": null, "distribution": true },
            { "name": "psci-1.1", "after": null, "part": "psci", "distribution": false },
        ]});
        assert_eq!(last_whole(&said).as_deref(), Some("kvm-7.3"));
        assert_eq!(last_whole(&json!({})), None);
    }
}
