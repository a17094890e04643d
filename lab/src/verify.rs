//! `vmlock-lab test`: everything that shows that vmlock works. The tests of the workspace, the bytes of
//! the examples' locks on two architectures, and the examples on emulated hosts of every kernel that their tables name.

use crate::accesses;
use crate::browser;
use crate::cache::{self, Cache};
use crate::carry;
use crate::confined;
use crate::cross;
use crate::debian;
use crate::devices;
use crate::disks;
use crate::editors;
use crate::emulator;
use crate::errand::{Errand, LIMIT};
use crate::facts;
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::firmware;
use crate::flags;
use crate::handover;
use crate::interrupts;
use crate::kernels;
use crate::library;
use crate::libvirt;
use crate::mutations;
use crate::network;
use crate::portable;
use crate::room;
use crate::shells;
use crate::step::{self, Done, Outcomes, Step};
use crate::tools;
use crate::torture;
use crate::trial::Bench;
use crate::truth;
use crate::witness;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

mod examples;

use examples::{Expected, distinct};

/// Kernel of the host in which the compiler runs on arm64.
const COMPILER_HOST: &str = "6.12";

/// Kernel of the host of a guest that starts one kernel after another.
const KEXEC_HOST: &str = "7.3";

/// How often hosts may crash or stand still in a run, and be booted once more: runs of some 40 hosts have met two.
const CRASHES: usize = 4;

/// How often hosts may go on while a guest in them runs out of its time, and be booted once more: it has come twice in a
/// run, each time of an A64FX with 6.12 whose first guest had not begun.
const LATE: usize = 6;

/// What the examples' descriptions import.
const IMPORTED: [&str; 1] = ["lab/tests/specs/actlr.cpu.kdl"];

/// Interrupts that are sent to a guest, by either interrupt controller.
const INTERRUPTS: u64 = 25_000;

/// Runs all tests; 0 if every one of them passes. The last line counts them: tests of the workspace, steps,
/// and CPU models that this emulator does not have.
pub fn run(cache: &Cache, flags: &flags::Test) -> Result<u8> {
    emulator::ensure(cache, true)?;
    if let Some(words) = &flags.only {
        return only(cache, words);
    }
    emulator::warn_of_other_cpus()?;
    room::warn(cache, &room::VERIFY)?;
    let mut tally = Tally::default();
    // The tests of the workspace take these, too.
    let shells = shells::provide(cache)?;
    let with_shells = |mut command: Command| {
        command.envs(shells.as_ref().map(|s| (shells::VARIABLE, s.path())));
        tools::aside(command)
    };
    say("building the tests of the workspace, and the runner for hosts");
    // Either has long parts that keep one CPU busy.
    let (built, bench) = thread::scope(|scope| {
        let begin = Instant::now();
        let built = scope.spawn(move || (tests_built(), begin.elapsed()));
        let bench = Bench::prepare(cache);
        (built.join(), bench)
    });
    let (built, took) = built.map_err(|_| Failure::bug("a thread of the lab panicked"))?;
    tally.add("the tests of the workspace are built", took, built?)?;
    let bench = bench?;
    if tally.failed > 0 {
        return tally.told();
    }
    // An emulated host leaves half of a CPU alone, and its guests have limits to keep: tests take what is left.
    let compiler = thread::scope(|scope| {
        let begin = Instant::now();
        let aside = scope.spawn(move || {
            let found = cargo_test(with_shells, &[WORKSPACE]);
            (found, begin.elapsed(), compiler(cache))
        });
        let beside = beside(cache, &bench, &mut tally);
        if let Err(failure) = &beside {
            say(format_args!(
                "{failure}; the tests of the workspace go on to their end"
            ));
        }
        let joined = aside
            .join()
            .map_err(|_| Failure::bug("a thread of the lab panicked"))?;
        let (found, took, compiler) = joined;
        tally.add("tests of the workspace, beside all others", took, found?)?;
        beside.and(compiler)
    })?;
    tally.timed(SAME_BYTES, || {
        let done = step::run(cache, &bench, vec![same_bytes(compiler, &bench)])?;
        let problems = done.verdicts.into_iter().flat_map(|v| v.problems);
        Ok(Found {
            again: done.stood + done.late,
            ..Found::step(problems.collect())
        })
    })?;
    tally.told()
}

/// Whether the tests of the workspace compile.
fn tests_built() -> Result<Found> {
    let mut build = cross::cargo_in(&cross::workspace()?);
    let built = tools::run(build.args(["test", "--quiet", "--no-run", WORKSPACE]), None)?;
    let problem = (!built.success()).then(|| "they do not compile".to_owned());
    Ok(Found::step(problem.into_iter().collect()))
}

/// The compiler as an arm64 program.
fn compiler(cache: &Cache) -> Result<PathBuf> {
    cross::build_aside_for_its_answers(cache, "vmlock")
}

/// All that is no test of the workspace, and does not need the compiler on arm64.
fn beside(cache: &Cache, bench: &Bench, tally: &mut Tally) -> Result<()> {
    tally.timed("no path of this machine is in the runner", || {
        Ok(Found::step(cross::paths_within(cache, bench.program())?))
    })?;
    tally.timed("the witnesses are what their source makes", || {
        Ok(witness::rebuilt(cache)?.map_or_else(Found::skipped, Found::step))
    })?;
    tally.timed("the portable witness under QEMU's own emulation", || {
        Ok(Found::step(portable::emulated()?))
    })?;
    tally.timed(
        "schemas, language server and grammar in the engines of editors",
        || Ok(editors::checked(cache)?.map_or_else(Found::skipped, Found::step)),
    )?;
    tally.timed("VS Code's extension, packed and loaded", || {
        Ok(editors::extension(cache)?.map_or_else(Found::skipped, Found::step))
    })?;
    tally.timed("the language server in Neovim", || {
        Ok(editors::neovim::checked(cache)?.map_or_else(Found::skipped, Found::step))
    })?;
    tally.timed("completions in bash, fish and zsh", || {
        Ok(shells::checked(cache)?.map_or_else(Found::skipped, Found::step))
    })?;
    tally.timed("SARIF in Microsoft's validator", || {
        Ok(editors::sarif::checked(cache)?.map_or_else(Found::skipped, Found::step))
    })?;
    tally.timed("libvirt's XML in libvirt's own schema", || {
        Ok(libvirt::checked(cache)?.map_or_else(Found::skipped, Found::step))
    })?;
    tally.timed("pages for browsers in Chromium", || {
        Ok(browser::checked(cache)?.map_or_else(Found::skipped, Found::step))
    })?;
    tally.timed("locks of the examples are up to date", || {
        Ok(Found::step(up_to_date(bench)?))
    })?;
    let wanted = wanted(tally)?;
    on_hosts(
        step::run(cache, bench, steps(cache, bench, wanted)?)?,
        tally,
    )?;
    tally.timed(
        "a running guest goes from kernel to kernel and back",
        || {
            let (problems, again) = carry::checked(cache, bench)?;
            Ok(Found {
                again,
                ..Found::step(problems)
            })
        },
    )?;
    tally.timed(
        "hostile guests, CPUs that come and go, proofs that were touched",
        || cargo_test(|command| command, &IN_HOSTS),
    )
}

/// The models to be compared; those that this emulator has not are told of, and counted as skipped.
fn wanted(tally: &mut Tally) -> Result<truth::Wanted> {
    let wanted = truth::wanted()?;
    for words in &wanted.skipped {
        tell(format_args!(
            "skipped the model {words}; another QEMU: {}=PATH",
            emulator::VARIABLE
        ))?;
    }
    tally.skipped += wanted.skipped.len() as u64;
    Ok(wanted)
}

/// Takes in what steps found, and how many hosts had to be booted twice.
fn on_hosts(outcomes: Outcomes, tally: &mut Tally) -> Result<()> {
    for verdict in outcomes.verdicts {
        tally.add(&verdict.name, verdict.took, Found::step(verdict.problems))?;
    }
    let (stood, late) = (outcomes.stood, outcomes.late);
    tally.again = stood + late;
    tally.timed("hosts that crash are rare", || {
        let mut problems = Vec::new();
        if stood > CRASHES {
            problems.push(format!(
                "{stood} hosts crashed or stood still, and at most {CRASHES} of them by themselves"
            ));
        }
        if late > LATE {
            problems.push(format!(
                "guests ran out of their time on {late} hosts that went on, and at most {LATE} of them by themselves"
            ));
        }
        Ok(Found::step(problems))
    })
}

/// What is done on emulated hosts.
fn steps<'a>(cache: &Cache, bench: &'a Bench, wanted: truth::Wanted) -> Result<Vec<Step<'a>>> {
    let runner = torture::runner(cache)?;
    Ok(vec![
        examples::step(bench),
        truth::step(bench, wanted)?,
        interrupts::step(bench, COMPILER_HOST),
        handover::step(cache, bench, KEXEC_HOST)?,
        devices::step(bench, COMPILER_HOST),
        portable::with_kvm(cache, bench)?,
        disks::step(cache, bench)?,
        network::step(cache, bench)?,
        debian::step(cache, bench, debian::SLICE, None)?,
        confined::step(cache, bench, &runner, confined::SLICE)?,
        mutations::step(&runner),
        torture::step(&runner, kernels::TORTURED, INTERRUPTS, 64),
        accesses::step(&runner, &accesses::SLICE, accesses::STRIDE),
        firmware::step(bench, firmware::SLICE)?,
        facts::step(cache, facts::SLICE)?,
        library::step(cache)?,
    ])
}

/// Those of the steps on emulated hosts whose names have these words.
fn only(cache: &Cache, words: &str) -> Result<u8> {
    let mut tally = Tally::default();
    let bench = Bench::prepare(cache)?;
    let mut steps = steps(cache, &bench, wanted(&mut tally)?)?;
    let mut names: Vec<String> = steps.iter().map(|step| step.name.clone()).collect();
    names.push(SAME_BYTES.to_owned());
    if SAME_BYTES.contains(words) {
        steps.push(same_bytes(compiler(cache)?, &bench));
    }
    let named = |step: &Step| step.name.contains(words);
    let steps: Vec<Step> = steps.into_iter().filter(named).collect();
    if steps.is_empty() {
        return Err(Failure::environment(format!(
            "no step on emulated hosts has `{words}` in its name; there are:\n  {}",
            names.join("\n  ")
        )));
    }
    on_hosts(step::run(cache, &bench, steps)?, &mut tally)?;
    tally.told()
}

/// What a part of the tests found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// Hosts that were booted twice.
    again: usize,
    /// What is wrong; nothing if nothing failed.
    problems: Vec<String>,
}

impl Found {
    /// Of what could not be tried here.
    fn skipped() -> Self {
        Self {
            skipped: 1,
            ..Self::default()
        }
    }

    /// Of a step, which is one test.
    fn step(problems: Vec<String>) -> Self {
        Self {
            passed: problems.is_empty().into(),
            failed: (!problems.is_empty()).into(),
            problems,
            ..Self::default()
        }
    }

    /// Of what `cargo test` said as it ended. What is not even run has failed.
    fn cargo(what: &str, success: bool, output: &str) -> Self {
        let (passed, failed) = counts(output);
        let skipped = said(output, SKIPPED).count() as u64;
        let again = said(output, AGAIN).count();
        let problem = match success {
            false => Some(format!("{what} failed; it said:\n{}", output.trim_end())),
            true if passed == 0 => Some(format!("{what} found nothing to test")),
            true if again > CRASHES => Some(format!(
                "{again} hosts failed in {what}, and at most {CRASHES} of them by themselves"
            )),
            true => None,
        };
        Self {
            // They end as those do that pass.
            passed: passed.saturating_sub(skipped),
            failed: failed.max(problem.is_some().into()),
            skipped,
            again,
            problems: problem.into_iter().collect(),
        }
    }
}

/// What all parts found together.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// Hosts that were booted twice.
    again: usize,
}

impl Tally {
    /// The counting line. What is left out was told before, by name.
    fn told(&self) -> Result<u8> {
        let skipped = match self.skipped {
            0 => String::new(),
            count => format!(", {count} skipped"),
        };
        let again = match self.again {
            0 => String::new(),
            count => format!(", {count} hosts booted twice"),
        };
        tell(format_args!(
            "{} passed, {} failed{skipped}{again}",
            self.passed, self.failed
        ))?;
        Ok(if self.failed == 0 { OK } else { FINDINGS })
    }

    /// Runs a part and tells what it found.
    fn timed(&mut self, name: &str, part: impl FnOnce() -> Result<Found>) -> Result<()> {
        let begin = Instant::now();
        let found = part()?;
        self.add(name, begin.elapsed(), found)
    }

    /// Tells what a part found that took so long.
    fn add(&mut self, name: &str, took: Duration, found: Found) -> Result<()> {
        let word = match (found.failed, found.skipped) {
            (0, skipped) if skipped > 0 && found.passed == 0 => "SKIPPED",
            (0, _) => "ok",
            _ => "FAILED",
        };
        tell(format_args!("{word:<7} {:>5} s  {name}", took.as_secs()))?;
        for problem in &found.problems {
            tell(format_args!("        {problem}"))?;
        }
        self.passed += found.passed;
        self.failed += found.failed;
        self.skipped += found.skipped;
        self.again += found.again;
        Ok(())
    }
}

/// What `cargo test` is to test.
const WORKSPACE: &str = "--workspace";

/// The runner's tests that need a real KVM.
const IN_HOSTS: [&str; 5] = ["--package", "vmlock-run", "--tests", "--", "--ignored"];

/// Runs tests of the workspace, in that manner.
fn cargo_test(manner: impl Fn(Command) -> Command, arguments: &[&str]) -> Result<Found> {
    let mut command = cross::cargo_in(&cross::workspace()?);
    // One package that fails hides nothing of the others.
    command
        .args(["test", "--quiet", "--no-fail-fast"])
        .args(arguments);
    let mut command = manner(command);
    let (status, output) = tools::output(&mut command)?;
    let what = format!("cargo test {}", arguments.join(" "));
    let output = String::from_utf8_lossy(&output);
    said(&output, SKIPPED).try_for_each(|words| tell(format_args!("skipped: {words}")))?;
    said(&output, AGAIN).try_for_each(|words| tell(format_args!("again: {words}")))?;
    Ok(Found::cargo(&what, status.success(), &output))
}

/// What tests say before the words for what could not be tried here, and for a host that failed and was booted once more.
const SKIPPED: &str = "SKIPPED: ";
const AGAIN: &str = "AGAIN: ";

/// What tests said behind that, each to the end of its line.
fn said<'a>(output: &'a str, what: &'a str) -> impl Iterator<Item = &'a str> {
    let words = output.split(what).skip(1);
    words.filter_map(|rest| rest.lines().next())
}

/// How many tests passed and failed, of all the programs that cargo ran.
fn counts(output: &str) -> (u64, u64) {
    let results = output
        .lines()
        .filter_map(|line| line.strip_prefix("test result: "));
    let sums = results.filter_map(|words| {
        let (_, rest) = words.split_once(". ")?;
        let (passed, rest) = rest.split_once(" passed; ")?;
        let (failed, _) = rest.split_once(" failed;")?;
        Some((passed.parse::<u64>().ok()?, failed.parse::<u64>().ok()?))
    });
    sums.fold((0, 0), |(p, f), (passed, failed)| (p + passed, f + failed))
}

/// The checked-in locks are what the compiler makes of the specs.
fn up_to_date(bench: &Bench) -> Result<Vec<String>> {
    let compiler = cross::build_quickly("vmlock")?;
    let mut problems = Vec::new();
    for example in distinct() {
        let mut command = Command::new(&compiler);
        command
            .current_dir(bench.root())
            .args(["lock", "--check", example.spec]);
        if !tools::run(&mut command, None)?.success() {
            problems.push(format!(
                "{}: its lock is stale; `vmlock lock {}` makes it anew",
                example.spec, example.spec
            ));
        }
    }
    Ok(problems)
}

const SAME_BYTES: &str = "locks have the same bytes when made on arm64";

/// The compiler, which was built for arm64, makes the same bytes in an emulated host.
fn same_bytes<'a>(compiler: PathBuf, bench: &'a Bench) -> Step<'a> {
    let files = distinct().flat_map(|example| [example.spec, example.lock]);
    let job =
        |example: &Expected| ["lock", "--check", "--print-digest", example.spec].map(str::to_owned);
    let errand = Errand {
        cpu: "cortex-a72".to_owned(),
        kernel: COMPILER_HOST.to_owned(),
        program: compiler,
        by_shell: false,
        with: files.chain(IMPORTED).map(str::to_owned).collect(),
        disks: Vec::new(),
        modules: Vec::new(),
        jobs: distinct().map(|example| job(example).to_vec()).collect(),
        limit: LIMIT,
    };
    let judge = |done: &[Done]| {
        let mut problems = Vec::new();
        let ended = done.iter().flat_map(|done| &done.jobs);
        for (example, ended) in distinct().zip(ended) {
            let here = cache::digest(&bench.root().join(example.lock))?;
            let said = String::from_utf8_lossy(&ended.stdout);
            let words = String::from_utf8_lossy(&ended.stderr);
            if ended.code != OK || !said.contains(&here) {
                problems.push(format!(
                    "{}: arm64 makes another lock than the one that is checked in, code {}: {said}{words}",
                    example.spec, ended.code
                ));
            }
        }
        Ok(problems)
    };
    Step {
        name: SAME_BYTES.to_owned(),
        errands: vec![errand],
        judge: Box::new(judge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_and_none_is_a_failure() {
        let quiet = "\nrunning 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out\n";
        assert_eq!(counts(&quiet.repeat(3)), (6, 0));
        assert_eq!(
            Found::cargo("", true, quiet),
            Found {
                passed: 2,
                ..Found::default()
            }
        );
        let one = quiet.replace("..", ".SKIPPED: no fish\n.");
        let found = Found::cargo("", true, &one);
        assert_eq!((found.passed, found.failed, found.skipped), (1, 0, 1));
        assert_eq!(said(&one, SKIPPED).collect::<Vec<_>>(), ["no fish"]);
        let hosts = |count: usize| ["AGAIN: a host\n".repeat(count), quiet.to_owned()].concat();
        assert_eq!(Found::cargo("", true, &hosts(CRASHES)).failed, 0);
        assert_eq!(Found::cargo("", true, &hosts(CRASHES + 1)).failed, 1);
        let bad = "test result: FAILED. 5 passed; 3 failed; 0 ignored\n";
        let found = Found::cargo("", false, &[quiet, bad].concat());
        assert_eq!(
            (found.passed, found.failed, found.problems.len()),
            (7, 3, 1)
        );
        // Nothing was ignored, so nothing was asked for.
        let none = "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored\n";
        assert_eq!(Found::cargo("", true, none).failed, 1);
        // It did not compile.
        assert_eq!(Found::cargo("", false, "").failed, 1);
    }

    #[test]
    fn a_step_is_one_test() {
        assert_eq!(Found::step(Vec::new()).passed, 1);
        let both = Found::step(vec![String::new(); 2]);
        assert_eq!((both.passed, both.failed), (0, 1));
    }
}
