//! The steps of the tests that need hosts. What all of them want done is collected first, so that each host is
//! booted once; then each step judges what came of its errands.
//!
//! In a host the errands follow each other in the steps' order. What a step tests must not depend on a host that
//! nobody has used.

use crate::cache::Cache;
use crate::emulate::{Ended, Machine, Outcome};
use crate::errand::{Errand, LIMIT};
use crate::failure::{ENVIRONMENT, FINDINGS, Failure, INTERRUPTED, OK, Result, say, tell};
use crate::kernels;
use crate::tools;
use crate::trial::{self, Bench};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What came of an errand.
pub struct Done {
    /// Where it was done.
    pub host: Machine,
    /// How each job ended, in their order.
    pub jobs: Vec<Ended>,
    /// How long the jobs took together.
    took: Duration,
}

/// Says what is wrong, of what came of a step's errands, in their order.
pub type Judge<'a> = Box<dyn FnOnce(&[Done]) -> Result<Vec<String>> + 'a>;

/// A part of the tests.
pub struct Step<'a> {
    /// What holds if nothing is wrong.
    pub name: String,
    /// What it wants done.
    pub errands: Vec<Errand>,
    /// What it makes of them.
    pub judge: Judge<'a>,
}

/// What a step found.
pub struct Verdict {
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub problems: Vec<String>,
    /// How long its jobs took in their hosts.
    pub took: Duration,
}

/// What came of all steps.
pub struct Outcomes {
    /// In the order of the steps.
    pub verdicts: Vec<Verdict>,
    /// How often hosts crashed or stood still, and were booted once more.
    pub stood: usize,
    /// How often they went on while a guest in them ran out of its time, and were booted once more: vmlock-run may be to
    /// blame.
    pub late: usize,
}

/// How often a host is booted for the same errands, where what stops it is none of theirs.
const TRIES: usize = 4;

/// Hosts that were booted once more, by why.
#[derive(Default)]
struct Again {
    stood: AtomicUsize,
    late: AtomicUsize,
}

/// Does all errands of all steps, each host booted once. A host that fails is a problem of the steps whose errands it had.
pub fn run(cache: &Cache, bench: &Bench, steps: Vec<Step>) -> Result<Outcomes> {
    let all: Vec<&Errand> = steps.iter().flat_map(|step| &step.errands).collect();
    let names: Vec<String> = all.iter().map(|errand| errand.kernel.clone()).collect();
    // All of them at once, so that what is missing is fetched in one go.
    kernels::resolve(cache, &names, false)?;
    let mut boots = boots(&all);
    // The longest first, so that none of them runs alone at the end.
    let jobs = |boot: &Vec<usize>| boot.iter().map(|&at| all[at].jobs.len()).sum::<usize>();
    boots.sort_by_key(|boot| Reverse(jobs(boot)));
    say(format_args!(
        "{} errands to {} hosts",
        all.len(),
        boots.len()
    ));
    let again = Again::default();
    let done: Vec<Vec<std::result::Result<Done, String>>> =
        tools::in_parallel(&boots, tools::hosts_at_a_time(), |boot| {
            let errands: Vec<&Errand> = boot.iter().map(|&at| all[at]).collect();
            match in_one_host(cache, bench, &errands, &again) {
                Err(failure) if failure.code() == INTERRUPTED => Err(failure),
                Err(failure) => Ok(errands.iter().map(|_| Err(failure.to_string())).collect()),
                Ok(done) => Ok(done.into_iter().map(Ok).collect()),
            }
        })?;
    let mut done: Vec<(usize, std::result::Result<Done, String>)> = boots
        .concat()
        .into_iter()
        .zip(done.into_iter().flatten())
        .collect();
    done.sort_by_key(|(at, _)| *at);
    let mut done = done.into_iter().map(|(_, done)| done);
    let mut verdicts = Vec::new();
    for step in steps {
        // All of the step's own, whatever the first of them is.
        let mine: Vec<_> = done.by_ref().take(step.errands.len()).collect();
        let mine: std::result::Result<Vec<Done>, String> = mine.into_iter().collect();
        let (problems, took) = match mine {
            Ok(mine) => (
                (step.judge)(&mine)?,
                mine.iter().map(|done| done.took).sum(),
            ),
            Err(failure) => (vec![failure], Duration::ZERO),
        };
        verdicts.push(Verdict {
            name: step.name,
            problems,
            took,
        });
    }
    Ok(Outcomes {
        verdicts,
        stood: again.stood.into_inner(),
        late: again.late.into_inner(),
    })
}

/// The problems of one step that is all that there is to do.
pub fn run_alone(cache: &Cache, bench: &Bench, step: Step) -> Result<Vec<String>> {
    let outcomes = run(cache, bench, vec![step])?;
    let verdicts = outcomes.verdicts.into_iter();
    Ok(verdicts.flat_map(|v| v.problems).collect())
}

/// Tells what is wrong; the exit code.
pub fn told(problems: &[String]) -> Result<u8> {
    problems.iter().try_for_each(tell)?;
    Ok(if problems.is_empty() { OK } else { FINDINGS })
}

/// Which errands go to the same host: their places in the list, host by host.
fn boots(errands: &[&Errand]) -> Vec<Vec<usize>> {
    let mut boots: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (at, errand) in errands.iter().enumerate() {
        let host = (errand.cpu.as_str(), errand.kernel.as_str());
        boots.entry(host).or_default().push(at);
    }
    boots.into_values().collect()
}

/// Boots a host for errands that all go there.
fn in_one_host(
    cache: &Cache,
    bench: &Bench,
    errands: &[&Errand],
    again: &Again,
) -> Result<Vec<Done>> {
    let first = errands
        .first()
        .ok_or_else(|| Failure::bug("a host without an errand"))?;
    let limits = errands.iter().map(|errand| errand.limit);
    let limit = limits.max().unwrap_or(LIMIT);
    let mut host = trial::host(cache, &first.kernel, &first.cpu, limit)?;
    host.disks = errands.iter().flat_map(|e| e.disks.clone()).collect();
    // An emulated CPU stops once in some hundred hosts, with nothing to be found of why: for good, all of them at once,
    // or until its guest has run out of time, which has come twice in a row where it came. What vmlock-run does to a host
    // it does each time, and a program that hangs in a host that does not is a failure at once.
    let mut tries = 1;
    let mut outcome = loop {
        let (count, words) = match bench.run(&host, errands) {
            Err(failure) if failure.is_crash() && tries < TRIES => {
                (&again.stood, failure.to_string())
            }
            outcome => {
                let outcome = outcome?;
                let stuck = outcome.jobs.iter().find_map(stuck);
                let Some(words) = stuck.filter(|_| tries < TRIES) else {
                    break outcome;
                };
                let place = format!("Linux {} ({}): {words}", host.kernel.version, host.cpu);
                (&again.late, place)
            }
        };
        tell(format_args!("again: {words}"))?;
        count.fetch_add(1, Ordering::Relaxed);
        tries += 1;
    };
    let took: Duration = outcome.took.iter().sum();
    say(format_args!(
        "Linux {} ({}): booted in {} s, {} jobs in {} s",
        host.kernel.version,
        host.cpu,
        outcome.booted.as_secs(),
        outcome.jobs.len(),
        took.as_secs()
    ));
    Ok(errands
        .iter()
        .map(|errand| share(&host, errand, &mut outcome))
        .collect())
}

/// What vmlock-run said whose witness has run out of its time (runner/src/witness.rs).
fn stuck(job: &Ended) -> Option<String> {
    let words = String::from_utf8_lossy(&job.stderr);
    let is_stuck = job.code == ENVIRONMENT && words.contains("the witness did not come to an end");
    is_stuck.then(|| words.trim_end().to_owned())
}

/// Takes what belongs to the next errand out of a host's outcome.
fn share(host: &Machine, errand: &Errand, outcome: &mut Outcome) -> Done {
    let count = errand.jobs.len();
    Done {
        host: host.clone(),
        jobs: outcome.jobs.drain(..count).collect(),
        took: outcome.took.drain(..count).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_witness_out_of_time_is_tried_once_more() {
        let ended = |code, words: &str| Ended {
            code,
            stdout: Vec::new(),
            stderr: words.as_bytes().to_vec(),
        };
        let words = "error: the witness did not come to an end within 90 seconds\n";
        assert_eq!(
            stuck(&ended(ENVIRONMENT, words)).as_deref(),
            Some(words.trim_end())
        );
        assert_eq!(stuck(&ended(0, words)), None);
        assert_eq!(stuck(&ended(ENVIRONMENT, "error: no /dev/kvm")), None);
    }

    #[test]
    fn errands_to_one_host_share_a_boot_in_their_order() {
        let to = |cpu: &str, kernel: &str| Errand {
            cpu: cpu.to_owned(),
            kernel: kernel.to_owned(),
            program: PathBuf::new(),
            by_shell: false,
            with: Vec::new(),
            disks: Vec::new(),
            modules: Vec::new(),
            jobs: Vec::new(),
            limit: LIMIT,
        };
        let all = [
            to("b", "6.1"),
            to("a", "6.1"),
            to("b", "6.1"),
            to("b", "5.10"),
        ];
        let all: Vec<&Errand> = all.iter().collect();
        assert_eq!(boots(&all), [vec![1], vec![3], vec![0, 2]]);
        assert!(boots(&[]).is_empty());
    }
}
