//! `vmlock-lab accesses`: what comes of each access to an interrupt controller, answered by the kernel and by
//! the runner: a guest must not be able to tell.
//!
//! In one host, one guest runs both ways (witness/src/accesses.rs): every register in every width, and one interrupt
//! of each kind in every state. The runner for it is built with its feature `torture`.

use crate::cache::Cache;
use crate::emulate::Ended;
use crate::errand::{self, Errand};
use crate::failure::{OK, Result, say};
use crate::flags;
use crate::step::{self, Done, Step};
use crate::torture;
use crate::trial::Bench;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// A lock that the kernel and the runner can both keep, where it is held against itself.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The lock.
    pub lock: &'static str,
    /// The host's CPU.
    pub cpu: &'static str,
    /// The host's kernel.
    pub kernel: &'static str,
}

const fn place(lock: &'static str, cpu: &'static str, kernel: &'static str) -> Place {
    Place { lock, cpu, kernel }
}

/// Revision 2 of GICD_IIDR, on a CPU whose KVM is not at EL2 itself: it leaves the virtual timer alone to the hardware.
const REVISION_2: &str = "lab/tests/specs/rev2.vm.lock.json";
/// The same, on one whose KVM is at EL2 and leaves both timers to it; of the physical one it does not tell.
const BOTH_TIMERS: &str = "lab/tests/specs/timers.vm.lock.json";
/// Revision 3, with both timers.
const REVISION_3: &str = "examples/modern.vm.lock.json";

/// All that the command tries.
const PLACES: [Place; 7] = [
    place(REVISION_2, "cortex-a72", "5.10"),
    place(REVISION_2, "cortex-a72", "6.1"),
    place(REVISION_2, "cortex-a72", "6.12"),
    place(REVISION_2, "cortex-a72", "7.3"),
    place(BOTH_TIMERS, "neoverse-n1", "5.10"),
    place(REVISION_3, "neoverse-n1", "6.12"),
    place(REVISION_3, "neoverse-n1", "7.3"),
];

/// What the tests try: where KVM tells least of its timers, and the newest.
pub const SLICE: [Place; 2] = [PLACES[4], PLACES[3]];

/// One case in so many, in the tests.
pub const STRIDE: u64 = 41;

/// Who answers: the kernel, the runner, and the kernel once more: a host that is busy takes a vCPU off its CPU between two
/// accesses, after which a kernel does not answer as before (7.3.4 on a Cortex-A72 was seen to forget that the virtual
/// timer's interrupt is active). Without a word, the kernel keeps its interrupt controller where it can: that it did is
/// counted. `--native` would refuse what these locks have of calls, which newer kernels take by SMC too.
const WAYS: [&[&str]; 3] = [&[], &["--emulate-gic"], &[]];

/// How long a host may take.
const LIMIT: Duration = Duration::from_secs(6000);

/// The most differences that are printed of one host.
const SHOWN: usize = 20;

/// Runs all of it and prints the differences; 1 if there are any.
pub fn run(cache: &Cache, flags: &flags::Accesses) -> Result<u8> {
    let bench = Bench::prepare(cache)?;
    let program = torture::runner(cache)?;
    let places: Vec<Place> = PLACES
        .into_iter()
        .filter(|place| flags.kernels.is_empty() || flags.kernels.iter().any(|k| k == place.kernel))
        .collect();
    let step = step(&program, &places, flags.stride);
    step::told(&step::run_alone(cache, &bench, step)?)
}

/// Both ways in these places, by `program`, a runner with its tests of itself.
pub fn step<'a>(program: &Path, places: &[Place], stride: u64) -> Step<'a> {
    let places = places.to_vec();
    let limit = LIMIT / u32::try_from(stride).unwrap_or(u32::MAX).max(1);
    let stride = stride.to_string();
    let job = |place: &Place, way: &[&str]| -> Vec<String> {
        let all = [&["accesses", place.lock, "--stride", &stride], way].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let errand = |place: &Place| Errand {
        cpu: place.cpu.to_owned(),
        kernel: place.kernel.to_owned(),
        program: program.to_owned(),
        by_shell: false,
        with: vec![place.lock.to_owned()],
        disks: Vec::new(),
        modules: Vec::new(),
        jobs: WAYS.map(|way| job(place, way)).to_vec(),
        limit: errand::LIMIT.max(limit),
    };
    Step {
        name: "the interrupt controller answers access by access as the kernel's does".to_owned(),
        errands: places.iter().map(errand).collect(),
        judge: Box::new(move |done| {
            let mut problems = Vec::new();
            if places.is_empty() {
                problems.push("no host was asked for".to_owned());
            }
            for (place, Done { host, jobs, .. }) in places.iter().zip(done) {
                let at = format!(
                    "{} on Linux {} ({})",
                    place.lock, host.kernel.version, host.cpu
                );
                let (words, found) = match jobs.as_slice() {
                    [kernel, runner, again] => differences([kernel, again], runner),
                    _ => ("nothing".to_owned(), vec!["three jobs were run".to_owned()]),
                };
                say(format_args!("{at}: {words}"));
                problems.extend(found.into_iter().map(|problem| format!("{at}: {problem}")));
            }
            Ok(problems)
        }),
    }
}

/// What came of each access, and how often the runner answered and lent a vCPU.
struct Seen {
    outcomes: BTreeMap<String, String>,
    exits: u64,
    loans: u64,
}

fn seen(ended: &Ended) -> std::result::Result<Seen, String> {
    let value: Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
    let outcomes = value["outcomes"].as_object().into_iter().flatten();
    let outcomes: BTreeMap<String, String> = outcomes
        .filter_map(|(what, seen)| Some((what.clone(), seen.as_str()?.to_owned())))
        .collect();
    if ended.code != OK || outcomes.is_empty() {
        let words = String::from_utf8_lossy(&ended.stderr);
        return Err(format!("code {}: {}", ended.code, words.trim_end()));
    }
    let count = |name: &str| value["interruptController"][name].as_u64().unwrap_or(0);
    Ok(Seen {
        outcomes,
        exits: count("exits"),
        loans: count("loans"),
    })
}

/// A summary, and what the runner answers as the kernel did neither time.
fn differences([kernel, again]: [&Ended; 2], runner: &Ended) -> (String, Vec<String>) {
    let (kernel, again, runner) = match (seen(kernel), seen(again), seen(runner)) {
        (Ok(kernel), Ok(again), Ok(runner)) => (kernel, again, runner),
        (kernel, again, runner) => {
            let failed = [
                ("the kernel's", kernel.err()),
                ("the kernel's", again.err()),
                ("the runner's", runner.err()),
            ];
            let failed = failed
                .into_iter()
                .filter_map(|(whose, why)| Some(format!("{whose} way ended with {}", why?)));
            return ("no result".to_owned(), failed.collect());
        }
    };
    let mut problems = Vec::new();
    if kernel.exits + again.exits != 0 || runner.exits == 0 || runner.loans == 0 {
        problems.push(format!(
            "the runner answered {} exits of its own guest and {} of the kernel's, and lent a vCPU {} times",
            runner.exits,
            kernel.exits + again.exits,
            runner.loans
        ));
    }
    let all = kernel.outcomes.keys().chain(runner.outcomes.keys());
    let all: std::collections::BTreeSet<&String> = all.collect();
    let nothing = "nothing".to_owned();
    let of = |seen: &Seen, what: &String| seen.outcomes.get(what).unwrap_or(&nothing).clone();
    let different: Vec<String> = all
        .iter()
        .filter(|what| {
            let answer = runner.outcomes.get(**what);
            [&kernel, &again]
                .iter()
                .all(|kernel| kernel.outcomes.get(**what) != answer)
        })
        .map(|what| {
            let (kernel, runner) = (of(&kernel, what), of(&runner, what));
            format!("{what}: {}", steps(&kernel, &runner))
        })
        .collect();
    let unsteady = |what: &&&String| kernel.outcomes.get(**what) != again.outcomes.get(**what);
    let unsteady = all.iter().filter(unsteady).count();
    if unsteady * 100 > all.len() && all.len() > 100 {
        problems.push(format!(
            "the kernel contradicts itself in {unsteady} of {} cases",
            all.len()
        ));
    }
    let words = format!(
        "{} accesses and cases, {} of them different, {} in which the kernel's own differ; {} exits answered by the \
         runner, {} loans",
        all.len(),
        different.len(),
        unsteady,
        runner.exits,
        runner.loans
    );
    let more = different.len().saturating_sub(SHOWN);
    problems.extend(different.into_iter().take(SHOWN));
    if more > 0 {
        problems.push(format!("and {more} more differences"));
    }
    (words, problems)
}

/// The steps of a case in which two outcomes differ.
fn steps(kernel: &str, runner: &str) -> String {
    let (kernel, runner): (Vec<&str>, Vec<&str>) =
        (kernel.split("; ").collect(), runner.split("; ").collect());
    let longest = kernel.len().max(runner.len());
    let step = |all: &[&str], at: usize| all.get(at).copied().unwrap_or("nothing").to_owned();
    let different: Vec<String> = (0..longest)
        .map(|at| (step(&kernel, at), step(&runner, at)))
        .filter(|(kernel, runner)| kernel != runner)
        .map(|(kernel, runner)| format!("the kernel's guest `{kernel}`, the runner's `{runner}`"))
        .collect();
    different.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: &str, exits: u64, loans: u64) -> Ended {
        let stdout = format!(
            r#"{{"outcomes":{{"GICD_CTLR + 0, 4 bytes, read":"0x52","an edge":"{outcome}"}},
                "interruptController":{{"exits":{exits},"stops":1,"loans":{loans}}}}}"#
        );
        Ended {
            code: OK,
            stdout: stdout.into_bytes(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn two_ways_are_the_same_or_the_step_is_named() {
        let kernel = ended("seen pending; acknowledged 40", 0, 0);
        let (words, problems) =
            differences([&kernel; 2], &ended("seen pending; acknowledged 40", 9, 2));
        assert_eq!(problems, Vec::<String>::new());
        assert!(
            words.starts_with("2 accesses and cases, 0 of them"),
            "{words}"
        );
        let (_, problems) = differences(
            [&kernel; 2],
            &ended("seen pending; acknowledged 1023", 9, 2),
        );
        assert_eq!(
            problems,
            ["an edge: the kernel's guest `acknowledged 40`, the runner's `acknowledged 1023`"]
        );
    }

    #[test]
    fn what_the_kernel_answers_in_two_ways_may_be_either() {
        let (one, other) = (ended("seen active", 0, 0), ended("seen", 0, 0));
        let (words, problems) = differences([&one, &other], &ended("seen active", 9, 2));
        assert_eq!(problems, Vec::<String>::new());
        assert!(
            words.contains("1 in which the kernel's own differ"),
            "{words}"
        );
        let (_, problems) = differences([&one, &other], &ended("seen pending", 9, 2));
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn whoever_should_have_answered_did() {
        let (kernel, runner) = (ended("seen", 0, 0), ended("seen", 9, 2));
        for (kernel, runner) in [
            (&kernel, &kernel),
            (&runner, &runner),
            (&kernel, &ended("seen", 9, 0)),
        ] {
            assert_eq!(differences([kernel; 2], runner).1.len(), 1);
        }
        let mut failed = ended("seen", 9, 2);
        failed.code = 4;
        assert_eq!(differences([&kernel; 2], &failed).1.len(), 1);
    }
}
