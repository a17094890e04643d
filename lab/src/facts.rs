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
const STATEMENTS: usize = 16;

/// Tries them on the kernels that were asked for; 0 if all hold.
pub fn run(cache: &Cache, flags: &flags::Facts) -> Result<u8> {
    let bench = Bench::prepare(cache)?;
    let program = cross::build(cache, PACKAGE)?;
    let errand = |kernel: &String| Errand {
        cpu: flags.cpu.clone(),
        kernel: kernel.clone(),
        program: PathBuf::clone(&program),
        by_shell: false,
        with: Vec::new(),
        disks: Vec::new(),
        modules: Vec::new(),
        jobs: vec![Vec::new()],
        limit: errand::LIMIT,
    };
    let step = Step {
        name: "what saving a guest takes for granted of KVM".to_owned(),
        errands: flags.kernels.iter().map(errand).collect(),
        judge: Box::new(judged),
    };
    step::told(&step::run_alone(cache, &bench, step)?)
}

/// Says what was seen, and what is wrong with it.
fn judged(done: &[Done]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for job in done.iter().flat_map(|done| &done.jobs) {
        tell(String::from_utf8_lossy(&job.stdout).trim_end())?;
        problems.extend(problem(job));
    }
    Ok(problems)
}

/// What is wrong with how the program ended.
fn problem(ended: &Ended) -> Option<String> {
    let said = String::from_utf8_lossy(&ended.stdout);
    let held = said
        .lines()
        .filter(|line| line.contains(" holds: "))
        .count();
    let last = said.lines().last().unwrap_or("it said nothing").trim_end();
    match ended.code {
        OK if held >= STATEMENTS => None,
        OK => Some(format!(
            "{held} of {STATEMENTS} statements were tried: {last}"
        )),
        code => Some(format!(
            "it ended with code {code}: {last}\n{}",
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
        assert_eq!(problem(&ended(0, 16)), None);
        for (code, held) in [(0, 0), (0, 15), (1, 16), (4, 0)] {
            assert!(problem(&ended(code, held)).is_some(), "{code}, {held}");
        }
    }
}
