//! `vmlock-lab facts`: what saving a guest takes for granted of KVM (`lab/facts/`), statement by statement, on hosts of
//! many kernels. A kernel that changes one fails here, and not a guest that is carried to it.

use crate::cache::Cache;
use crate::cross;
use crate::emulate::Ended;
use crate::errand::{self, Errand};
use crate::failure::{OK, Result, tell};
use crate::flags;
use crate::step::{self, Done, Step};
use crate::trial::Bench;
use std::path::PathBuf;

/// The package of the program that tries them.
const PACKAGE: &str = "vmlock-lab-facts";

/// The fewest statements that are to be tried: a program that tries none would end well.
const STATEMENTS: usize = 28;

/// The hosts of the tests: the oldest kernel and the newest, which differ most.
pub const SLICE: [(&str, &str); 2] = [(CPU, "5.10"), (CPU, "7.3")];
/// A CPU that all kernels take, with a PMU.
const CPU: &str = "cortex-a72";

/// Tries them on the kernels that were asked for, and says what was seen; 0 if all hold.
pub fn run(cache: &Cache, flags: &flags::Facts) -> Result<u8> {
    let bench = Bench::prepare(cache)?;
    let kernels = flags.kernels.iter().map(String::as_str);
    let step = Step {
        judge: Box::new(|done| {
            for job in done.iter().flat_map(|done| &done.jobs) {
                tell(String::from_utf8_lossy(&job.stdout).trim_end())?;
            }
            judged(done)
        }),
        ..step(cache, kernels.map(|kernel| (flags.cpu.as_str(), kernel)))?
    };
    step::told(&step::run_alone(cache, &bench, step)?)
}

/// All of them on these hosts, each a CPU and a kernel.
pub fn step<'a, 'h>(
    cache: &Cache,
    hosts: impl IntoIterator<Item = (&'h str, &'h str)>,
) -> Result<Step<'a>> {
    let program = cross::build(cache, PACKAGE)?;
    let errand = |(cpu, kernel): (&str, &str)| Errand {
        cpu: cpu.to_owned(),
        kernel: kernel.to_owned(),
        program: PathBuf::clone(&program),
        by_shell: false,
        with: Vec::new(),
        disks: Vec::new(),
        modules: Vec::new(),
        jobs: vec![Vec::new()],
        limit: errand::LIMIT,
    };
    Ok(Step {
        name: "what saving a guest takes for granted of KVM".to_owned(),
        errands: hosts.into_iter().map(errand).collect(),
        judge: Box::new(judged),
    })
}

/// What is wrong with what was seen.
fn judged(done: &[Done]) -> Result<Vec<String>> {
    let jobs = done.iter().flat_map(|done| &done.jobs);
    Ok(jobs.filter_map(problem).collect())
}

/// What is wrong with how the program ended.
fn problem(ended: &Ended) -> Option<String> {
    let said = String::from_utf8_lossy(&ended.stdout);
    let (holds, other): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.contains(" holds: "));
    let held = holds.len();
    let last = said.lines().last().unwrap_or("it said nothing").trim_end();
    match ended.code {
        OK if held >= STATEMENTS => None,
        OK => Some(format!(
            "{held} of {STATEMENTS} statements were tried: {last}"
        )),
        code => Some(format!(
            "it ended with code {code}:\n{}\n{}",
            other.join("\n"),
            String::from_utf8_lossy(&ended.stderr).trim_end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_tries_nothing_and_a_statement_that_does_not_hold_are_problems() {
        let ended = |code, held: usize| Ended {
            code,
            stdout: "Linux 6.12: lines holds: 1\n".repeat(held).into_bytes(),
            stderr: Vec::new(),
        };
        assert_eq!(problem(&ended(0, STATEMENTS)), None);
        for (code, held) in [(0, 0), (0, STATEMENTS - 1), (1, STATEMENTS), (4, 0)] {
            assert!(problem(&ended(code, held)).is_some(), "{code}, {held}");
        }
        let mut changed = ended(1, 1);
        let words = b"Linux 6.12: edge does NOT hold\n  seen:      0\n";
        changed.stdout.extend_from_slice(words);
        let told = problem(&changed).unwrap();
        assert!(
            told.contains("edge does NOT") && told.contains("seen: ") && !told.contains("lines")
        );
    }
}
