//! `vmlock-lab test`: everything that shows that vmlock works. The tests of the workspace, the bytes of
//! the examples' locks on two architectures, and the examples on emulated hosts of every kernel that their tables name.

use crate::accesses;
use crate::cache::Cache;
use crate::cross;
use crate::devices;
use crate::emulator;
use crate::failure::{FINDINGS, OK, Result, say, tell};
use crate::firmware;
use crate::handover;
use crate::hibernate;
use crate::interrupts;
use crate::kernels;
use crate::matrix::{Verdict, short};
use crate::mutations;
use crate::tools;
use crate::torture;
use crate::trial::{self, Bench, Trial};
use crate::truth;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

/// What is expected of an example on hosts with its CPU.
struct Expected {
    spec: &'static str,
    lock: &'static str,
    cpu: &'static str,
    cpus: u32,
    /// Further arguments of `audit` and `start`.
    flags: &'static [&'static str],
    /// How `vmlock-run start` ends: 0, or the code of a guest that hibernates.
    ends: u8,
    /// Kernels that keep the lock, all with one digest.
    kept: &'static [&'static str],
    /// Those of them on which it is audited and no guest is started: a real guest takes as long as five audits.
    audited: &'static [&'static str],
    /// Kernels that refuse it, and words that their reasons have.
    refused: &'static [(&'static str, &'static [&'static str])],
}

const EXAMPLES: &[Expected] = &[
    Expected {
        spec: "examples/portable.vm.kdl",
        lock: "examples/portable.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["5.10", "6.1", "6.12", "6.16", "6.18", "7.0", "7.3"],
        audited: &[],
        refused: &[],
    },
    // Where the runner may not answer in its place, what the kernel does not honour is refused.
    Expected {
        spec: "examples/portable.vm.kdl",
        lock: "examples/portable.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &["--native"],
        ends: OK,
        kept: &[],
        audited: &[],
        refused: &[
            (
                "6.16",
                &["GICD_IIDR", "accepted by the kernel and not honoured"],
            ),
            (
                "6.18",
                &["GICD_IIDR", "accepted by the kernel and not honoured"],
            ),
        ],
    },
    Expected {
        spec: "examples/pinned.vm.kdl",
        lock: "examples/pinned.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "6.16", "6.18", "7.0", "7.2", "7.3"],
        audited: &["6.12", "6.18", "7.0", "7.3"],
        refused: &[],
    },
    Expected {
        spec: "examples/modern.vm.kdl",
        lock: "examples/modern.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "6.18", "7.0", "7.3"],
        audited: &[],
        refused: &[
            ("5.10", &["ID_AA64DFR0_EL1", "CLIDR_EL1", "PSCI"]),
            ("6.1", &["ID_AA64DFR0_EL1", "CLIDR_EL1"]),
        ],
    },
    // Without its waiver, `portable` asks for what later kernels do not show.
    Expected {
        spec: "lab/tests/specs/unwaived.vm.kdl",
        lock: "lab/tests/specs/unwaived.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["5.10", "6.1"],
        audited: &["5.10", "6.1"],
        refused: &[
            ("6.12", &["PMCR_EL0.IMP", "PMCR_EL0.IDCODE"]),
            ("7.3", &["PMCR_EL0.IMP", "PMCR_EL0.IDCODE"]),
        ],
    },
    Expected {
        spec: "lab/tests/specs/eight.vm.kdl",
        lock: "lab/tests/specs/eight.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 8,
        flags: &[],
        ends: OK,
        kept: &["6.12"],
        audited: &[],
        refused: &[],
    },
    // Version 2 of the lock: what answers where nothing is.
    Expected {
        spec: "lab/tests/specs/space.vm.kdl",
        lock: "lab/tests/specs/space.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["5.10", "6.1", "6.12", "7.3"],
        audited: &["5.10", "6.1", "7.3"],
        refused: &[],
    },
    // Caches that the description chooses: before 6.3 there is nothing to choose.
    Expected {
        spec: "lab/tests/specs/caches.vm.kdl",
        lock: "lab/tests/specs/caches.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "7.3"],
        audited: &["6.12", "7.3"],
        refused: &[("6.1", &["CCSIDR_EL1[0]"])],
    },
    // A kernel as distributions ship it.
    Expected {
        spec: "lab/tests/specs/shipped.vm.kdl",
        lock: "lab/tests/specs/shipped.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12"],
        audited: &[],
        refused: &[],
    },
    Expected {
        spec: "lab/tests/specs/features.vm.kdl",
        lock: "lab/tests/specs/features.vm.lock.json",
        cpu: "max",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "7.3"],
        audited: &["6.12"],
        refused: &[("5.10", &["mte"]), ("6.1", &["CCSIDR_EL1[1]"])],
    },
    Expected {
        spec: "lab/tests/specs/less.vm.kdl",
        lock: "lab/tests/specs/less.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "7.3"],
        audited: &["6.12", "7.3"],
        refused: &[("6.1", &["ID_AA64DFR0_EL1.WRPs", "ID_AA64PFR0_EL1.EL0"])],
    },
    // What CPU_ON undoes is no longer there on the second vCPU.
    Expected {
        spec: "lab/tests/specs/counters.vm.kdl",
        lock: "lab/tests/specs/counters.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12"],
        audited: &["6.12"],
        refused: &[("6.1", &["PMCR_EL0.N"])],
    },
    Expected {
        spec: "lab/tests/specs/vectors.vm.kdl",
        lock: "lab/tests/specs/vectors.vm.lock.json",
        cpu: "a64fx",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12"],
        audited: &["6.12"],
        refused: &[("5.10", &["ID_AA64DFR0_EL1.PMUVer"])],
    },
    // A Cortex-A72 on itself, and on newer CPUs where the kernel lets MIDR_EL1 and all of the ID registers be written.
    Expected {
        spec: "lab/tests/specs/masked.vm.kdl",
        lock: "lab/tests/specs/masked.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "7.3"],
        audited: &["6.12", "7.3"],
        refused: &[("6.1", &["CLIDR_EL1"])],
    },
    Expected {
        spec: "lab/tests/specs/masked.vm.kdl",
        lock: "lab/tests/specs/masked.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.18", "7.3"],
        audited: &["6.18"],
        refused: &[
            ("6.12", &["MIDR_EL1.PartNum"]),
            ("6.16", &["ID_ISAR5_EL1.RDM"]),
        ],
    },
    Expected {
        spec: "lab/tests/specs/masked.vm.kdl",
        lock: "lab/tests/specs/masked.vm.lock.json",
        cpu: "max",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["7.3"],
        audited: &["7.3"],
        refused: &[],
    },
    // The same between near relations, with nothing waived.
    Expected {
        spec: "lab/tests/specs/sibling.vm.kdl",
        lock: "lab/tests/specs/sibling.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.16", "7.3"],
        audited: &["6.16", "7.3"],
        refused: &[("6.12", &["MIDR_EL1.PartNum"])],
    },
    // Stolen time is told by a call, and written to where the lock says.
    Expected {
        spec: "lab/tests/specs/steal.vm.kdl",
        lock: "lab/tests/specs/steal.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "7.3"],
        audited: &["7.3"],
        refused: &[],
    },
    // SYSTEM_OFF2 comes from vmlock up to 6.12, from the kernel later.
    Expected {
        spec: "examples/hibernate.vm.kdl",
        lock: "examples/hibernate.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: hibernate::HIBERNATED,
        kept: &["6.12", "6.18", "7.3"],
        audited: &[],
        refused: &[("6.1", &["PSCI"])],
    },
    Expected {
        spec: "examples/hibernate.vm.kdl",
        lock: "examples/hibernate.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &["--native"],
        ends: hibernate::HIBERNATED,
        kept: &["7.3"],
        audited: &[],
        refused: &[("6.12", &["PSCI"])],
    },
    // A revision each: by the kernel, or by the runner where that does not honour it.
    Expected {
        spec: "lab/tests/specs/rev0.vm.kdl",
        lock: "lab/tests/specs/rev0.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12"],
        audited: &["6.12"],
        refused: &[],
    },
    Expected {
        spec: "lab/tests/specs/rev1.vm.kdl",
        lock: "lab/tests/specs/rev1.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["5.10"],
        audited: &["5.10"],
        refused: &[],
    },
    Expected {
        spec: "lab/tests/specs/rev2.vm.kdl",
        lock: "lab/tests/specs/rev2.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.16", "7.0"],
        audited: &["6.16", "7.0"],
        refused: &[],
    },
    Expected {
        spec: "lab/tests/specs/rev3.vm.kdl",
        lock: "lab/tests/specs/rev3.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["5.10", "7.3"],
        audited: &["5.10", "7.3"],
        refused: &[],
    },
    // These are started by steps of their own.
    Expected {
        spec: "lab/tests/specs/devices.vm.kdl",
        lock: devices::LOCK,
        cpu: "neoverse-n1",
        cpus: 1,
        flags: &[],
        ends: OK,
        kept: &[],
        audited: &[],
        refused: &[],
    },
    Expected {
        spec: "lab/tests/specs/kexec.vm.kdl",
        lock: handover::LOCK,
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &[],
        audited: &[],
        refused: &[],
    },
    // Held against itself by a step of its own.
    Expected {
        spec: "lab/tests/specs/timers.vm.kdl",
        lock: "lab/tests/specs/timers.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &[],
        audited: &[],
        refused: &[],
    },
    Expected {
        spec: "lab/tests/specs/interrupts.vm.kdl",
        lock: interrupts::LOCK,
        cpu: "neoverse-n1",
        cpus: 8,
        flags: &[],
        ends: OK,
        kept: &[],
        audited: &[],
        refused: &[],
    },
];

/// The examples, each once.
fn distinct() -> impl Iterator<Item = &'static Expected> {
    let first =
        |(at, example): &(usize, &Expected)| EXAMPLES[..*at].iter().all(|e| e.spec != example.spec);
    EXAMPLES.iter().enumerate().filter(first).map(|(_, e)| e)
}

/// Kernel of the host in which the compiler runs on arm64.
const COMPILER_HOST: &str = "6.12";

/// Kernel of the host of a guest that starts one kernel after another.
const KEXEC_HOST: &str = "7.3";

/// Interrupts that are sent to a guest, by either interrupt controller.
const INTERRUPTS: u64 = 25_000;

/// How the runner says that a host cannot keep a lock.
const REFUSED: u8 = 3;

/// How long one host may take.
const LIMIT: Duration = Duration::from_secs(400);

/// Runs all tests; 0 if every one of them passes.
pub fn run(cache: &Cache) -> Result<u8> {
    let begin = Instant::now();
    emulator::ensure(cache, true)?;
    emulator::warn_of_other_cpus()?;
    let mut problems = Vec::new();
    let mut step = |name: &str, found: Result<Vec<String>>| -> Result<()> {
        let found = found?;
        let word = if found.is_empty() { "ok" } else { "FAILED" };
        tell(format_args!(
            "{word:<7} {name} ({} s after the start)",
            begin.elapsed().as_secs()
        ))?;
        for problem in &found {
            tell(format_args!("        {problem}"))?;
        }
        problems.extend(found);
        Ok(())
    };

    say("running the tests of the workspace");
    step("tests of the workspace", workspace_tests())?;
    let bench = Bench::prepare(cache)?;
    step(
        "no path of this machine is in the runner",
        cross::paths_within(bench.program()),
    )?;
    step("locks of the examples are up to date", up_to_date(&bench))?;
    step(
        "locks have the same bytes when made on arm64",
        same_bytes(cache, &bench),
    )?;
    step("examples on emulated hosts", on_hosts(cache, &bench))?;
    let wanted = truth::wanted()?;
    step(
        &format!("the catalogue against default guests: {}", wanted.models()),
        truth(cache, &bench, &wanted),
    )?;
    step(
        "a Linux guest's interrupts go where it wants them",
        interrupts::run(
            &bench,
            &trial::host(cache, COMPILER_HOST, "neoverse-n1", LIMIT)?,
        ),
    )?;
    step(
        "a Linux guest goes on through kexec, and through a crash in its timer's interrupt",
        handover::run(
            cache,
            &bench,
            &trial::host(cache, KEXEC_HOST, "neoverse-n1", LIMIT)?,
        ),
    )?;
    step(
        "a Linux guest gets all its input, and its alarm rings",
        devices::run(
            &bench,
            &trial::host(cache, COMPILER_HOST, "neoverse-n1", LIMIT)?,
        ),
    )?;
    let runner = torture::runner(cache)?;
    step(
        "no promise can be altered unnoticed",
        mutations::noticed(cache, &bench, &runner),
    )?;
    step(
        "no interrupt is lost or invented",
        torture::under_fire(cache, &bench, &runner, kernels::TORTURED, INTERRUPTS, 64),
    )?;
    step(
        "the interrupt controller answers access by access as the kernel's does",
        accesses::compare(cache, &bench, &runner, &accesses::SLICE, accesses::STRIDE),
    )?;
    step(
        "PSCI versions and hypercall services",
        firmware::audits(cache, &bench, firmware::SLICE),
    )?;
    step(
        "broken and hostile guests, and CPUs that come and go",
        in_hosts(),
    )?;
    if problems.is_empty() {
        tell("all passed")?;
        Ok(OK)
    } else {
        tell(format_args!("{} problems", problems.len()))?;
        Ok(FINDINGS)
    }
}

/// `cargo test` of everything.
fn workspace_tests() -> Result<Vec<String>> {
    cargo_test(&["--workspace"])
}

/// The runner's tests that need a real KVM.
fn in_hosts() -> Result<Vec<String>> {
    cargo_test(&["--package", "vmlock-run", "--tests", "--", "--ignored"])
}

/// Runs tests; returns what is wrong with them.
fn cargo_test(arguments: &[&str]) -> Result<Vec<String>> {
    let mut command = cross::cargo_in(&cross::workspace()?);
    command.args(["test", "--quiet"]).args(arguments);
    let (status, output) = tools::output(&mut command)?;
    let output = String::from_utf8_lossy(&output);
    let what = format!("cargo test {}", arguments.join(" "));
    Ok(match (status.success(), passed(&output)) {
        (false, _) => vec![format!("{what} failed; it said:\n{}", output.trim_end())],
        (true, 0) => vec![format!("{what} found nothing to test")],
        (true, count) => {
            say(format_args!("{what}: {count} passed"));
            Vec::new()
        }
    })
}

/// How many tests passed, of all the programs that cargo ran.
fn passed(output: &str) -> u64 {
    let results = output
        .lines()
        .filter_map(|line| line.strip_prefix("test result: "));
    let counts = results.filter_map(|words| {
        let (_, rest) = words.split_once(". ")?;
        rest.split_once(" passed;")?.0.parse::<u64>().ok()
    });
    counts.sum()
}

/// What default guests have on every CPU model and kernel that the catalogue names.
fn truth(cache: &Cache, bench: &Bench, wanted: &truth::Wanted) -> Result<Vec<String>> {
    for words in &wanted.skipped {
        tell(format_args!(
            "skipped the model {words}; another QEMU: {}=PATH",
            emulator::VARIABLE
        ))?;
    }
    let hosts = wanted
        .hosts
        .iter()
        .map(|(cpu, kernel)| trial::host(cache, kernel, cpu, LIMIT))
        .collect::<Result<Vec<_>>>()?;
    truth::run(bench, &hosts)
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

/// The compiler makes the same bytes in an emulated arm64 host.
fn same_bytes(cache: &Cache, bench: &Bench) -> Result<Vec<String>> {
    let compiler = cross::build(cache, "vmlock")?;
    let host = trial::host(cache, COMPILER_HOST, "cortex-a72", LIMIT)?;
    // Beside each spec stands its lock, which says in which version it is made anew.
    let files: Vec<&str> = distinct()
        .flat_map(|example| [example.spec, example.lock])
        .collect();
    let jobs: Vec<Vec<&str>> = distinct()
        .map(|example| vec!["lock", "--check", example.spec])
        .collect();
    let outcome = bench.run_program(&host, &compiler, &files, &jobs)?;
    let mut problems = Vec::new();
    for (example, ended) in distinct().zip(&outcome.jobs) {
        if ended.code != OK {
            problems.push(format!(
                "{}: arm64 makes another lock than the one that is checked in (code {}): {}",
                example.spec,
                ended.code,
                String::from_utf8_lossy(&ended.stderr)
            ));
        }
    }
    Ok(problems)
}

/// Each example on each kernel of its table: audited, and a real guest started.
fn on_hosts(cache: &Cache, bench: &Bench) -> Result<Vec<String>> {
    let mut wanted: BTreeSet<(&str, &str)> = BTreeSet::new();
    for example in EXAMPLES {
        let kernels = example
            .kept
            .iter()
            .chain(example.refused.iter().map(|(k, _)| k));
        wanted.extend(kernels.map(|&kernel| (example.cpu, kernel)));
    }
    let names: Vec<String> = wanted
        .iter()
        .map(|(_, kernel)| (*kernel).to_owned())
        .collect();
    // All of them at once, so that what is missing is fetched in one go.
    kernels::resolve(cache, &names, false)?;
    let hosts = wanted
        .iter()
        .map(|(cpu, kernel)| trial::host(cache, kernel, cpu, LIMIT))
        .collect::<Result<Vec<_>>>()?;
    say(format_args!("booting {} hosts", hosts.len()));
    let results = tools::in_parallel(&hosts, tools::hosts_at_a_time(), |host| {
        let mine: Vec<&Expected> = EXAMPLES
            .iter()
            .filter(|example| example.cpu == host.cpu && expects(example, &host.kernel.asked))
            .collect();
        let locks: Vec<(&str, &[&str], bool)> = mine
            .iter()
            .map(|e| (e.lock, e.flags, starts(e, &host.kernel.asked)))
            .collect();
        let trials = bench.try_locks(host, &locks)?;
        for ((lock, flags, _), trial) in locks.iter().zip(&trials) {
            let lock = [&[*lock], *flags].concat().join(" ");
            say(format_args!(
                "{lock} on {} ({}): {}",
                host.kernel.version,
                host.cpu,
                short(&trial.verdict)
            ));
        }
        Ok(mine.into_iter().zip(trials).collect::<Vec<_>>())
    })?;

    let mut problems = Vec::new();
    let mut digests: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (host, results) in hosts.iter().zip(&results) {
        for (example, trial) in results {
            if let Verdict::Kept { digest, .. } = &trial.verdict {
                digests
                    .entry(example.lock)
                    .or_default()
                    .insert(digest.clone());
            }
            if let Some(problem) = problem(example, &host.kernel.asked, trial) {
                problems.push(format!(
                    "{} on Linux {} ({}): {problem}",
                    example.lock, host.kernel.version, host.cpu
                ));
            }
        }
    }
    for (lock, digests) in digests {
        if digests.len() != 1 {
            problems.push(format!(
                "{lock}: guests on different hosts saw {} different machines",
                digests.len()
            ));
        }
    }
    Ok(problems)
}

fn expects(example: &Expected, kernel: &str) -> bool {
    example.kept.contains(&kernel) || example.refused.iter().any(|(k, _)| *k == kernel)
}

/// Whether a guest is started under it on that kernel, or a start is refused.
fn starts(example: &Expected, kernel: &str) -> bool {
    !example.audited.contains(&kernel)
}

/// What is not as expected of an example on a host.
fn problem(example: &Expected, kernel: &str, trial: &Trial) -> Option<String> {
    let refused = example.refused.iter().find(|(k, _)| *k == kernel);
    let code = trial.start.as_ref().map(|start| start.code);
    let checked = match trial.verdict {
        Verdict::Kept { .. } => OK,
        _ => REFUSED,
    };
    if trial.check != checked {
        let (audit, check) = (short(&trial.verdict), trial.check);
        return Some(format!(
            "the audit says `{audit}`, and yet check ended with code {check}"
        ));
    }
    match (refused, &trial.verdict) {
        (None, Verdict::Kept { .. }) if !starts(example, kernel) => None,
        (None, Verdict::Kept { .. }) => match example.ends {
            OK => trial.start_problem(example.cpus),
            ends if code == Some(ends) => None,
            ends => {
                let words = trial.start.as_ref().map_or(&[][..], |start| &start.stderr);
                Some(format!(
                    "its guest should end with code {ends}, and vmlock-run start ended with {code:?}: {}",
                    String::from_utf8_lossy(words)
                ))
            }
        },
        (Some((_, words)), Verdict::Refused(reasons)) => {
            let all = reasons.join("\n");
            let missing: Vec<&&str> = words.iter().filter(|word| !all.contains(**word)).collect();
            if !missing.is_empty() {
                Some(format!(
                    "refused, but no reason speaks of {missing:?}: {all}"
                ))
            } else if code != Some(REFUSED) {
                Some(format!(
                    "the audit is refused, and yet start ended with code {code:?}"
                ))
            } else {
                None
            }
        }
        (None, other) => Some(format!("it should be kept: {}", short(other))),
        (Some(_), other) => Some(format!("it should be refused: {}", short(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulate::Ended;

    fn trial(verdict: Verdict, code: u8, console: &str) -> Trial {
        let check = match verdict {
            Verdict::Kept { .. } => OK,
            _ => REFUSED,
        };
        Trial {
            verdict,
            check,
            start: Some(Ended {
                code,
                stdout: console.as_bytes().to_vec(),
                stderr: Vec::new(),
            }),
        }
    }

    fn example() -> Expected {
        Expected {
            spec: "an.vm.kdl",
            lock: "an.vm.lock.json",
            cpu: "cortex-a72",
            cpus: 2,
            flags: &[],
            ends: OK,
            kept: &["6.12"],
            audited: &[],
            refused: &[("6.16", &["GICD_IIDR", "honour"])],
        }
    }

    const CONSOLE: &str = "boot\r\nvmlock guest: 2 CPUs, kernel 6.12\r\n\
        vmlock guest: CPU 1 is online, MIDR_EL1 0\r\nvmlock guest: powering off\r\n";

    fn kept() -> Verdict {
        Verdict::Kept {
            digest: "d".to_owned(),
            facts: 1,
        }
    }

    #[test]
    fn tests_that_passed_are_counted() {
        let quiet = "\nrunning 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out\n";
        assert_eq!(passed(&quiet.repeat(3)), 6);
        // Nothing was ignored, so nothing was asked for.
        assert_eq!(
            passed("running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored\n"),
            0
        );
        assert_eq!(passed(""), 0);
    }

    #[test]
    fn a_kept_lock_needs_a_guest_that_comes_up_and_powers_off() {
        let example = &example();
        assert_eq!(problem(example, "6.12", &trial(kept(), 0, CONSOLE)), None);
        assert!(problem(example, "6.12", &trial(kept(), 11, CONSOLE)).is_some());
        assert!(problem(example, "6.12", &trial(kept(), 0, "panic")).is_some());
        assert!(problem(example, "6.16", &trial(kept(), 0, CONSOLE)).is_some());
    }

    #[test]
    fn a_check_says_what_the_audit_says() {
        let example = &example();
        let mut said = trial(kept(), 0, CONSOLE);
        said.check = REFUSED;
        assert!(problem(example, "6.12", &said).is_some());
        let words = "GICD_IIDR.Revision: accepted and not honoured".to_owned();
        let mut said = trial(Verdict::Refused(vec![words]), 3, "");
        said.check = OK;
        assert!(problem(example, "6.16", &said).is_some());
    }

    #[test]
    fn a_refusal_needs_its_reasons_and_a_refused_start() {
        let example = &example();
        let refused = |words: &str| Verdict::Refused(vec![words.to_owned()]);
        let good = "GICD_IIDR.Revision: accepted and not honoured";
        assert_eq!(problem(example, "6.16", &trial(refused(good), 3, "")), None);
        assert!(problem(example, "6.16", &trial(refused("other"), 3, "")).is_some());
        assert!(problem(example, "6.16", &trial(refused(good), 0, CONSOLE)).is_some());
        assert!(problem(example, "6.12", &trial(refused(good), 3, "")).is_some());
    }
}
