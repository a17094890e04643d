//! The examples, and locks that show one thing each, on emulated hosts: which kernels keep each of them, and why the
//! others refuse it.

use crate::carry;
use crate::devices;
use crate::disks;
use crate::failure::{OK, Result, say};
use crate::handover;
use crate::hibernate;
use crate::interrupts;
use crate::library;
use crate::matrix::{Verdict, short};
use crate::moments;
use crate::network;
use crate::step::{Done, Step};
use crate::trial::{self, Bench, Trial, Tried};
use std::collections::{BTreeMap, BTreeSet};

/// What is expected of an example on hosts with its CPU.
pub struct Expected {
    pub spec: &'static str,
    pub lock: &'static str,
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

impl Expected {
    /// One that a step of its own starts, on hosts with that CPU and so many of it: nothing is asked of it here.
    const fn elsewhere(
        spec: &'static str,
        lock: &'static str,
        (cpu, cpus): (&'static str, u32),
    ) -> Self {
        Self {
            spec,
            lock,
            cpu,
            cpus,
            flags: &[],
            ends: OK,
            kept: &[],
            audited: &[],
            refused: &[],
        }
    }
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
            ("6.12", &["PSCI_VERSION"]),
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
        spec: "examples/pinned.vm.kdl",
        lock: "examples/pinned.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &["--native"],
        ends: OK,
        kept: &[],
        audited: &[],
        refused: &[
            ("6.12", &["GICD_IIDR.Revision"]),
            ("7.3", &["GICD_IIDR.Revision"]),
        ],
    },
    Expected {
        spec: "examples/modern.vm.kdl",
        lock: "examples/modern.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "6.12-16k", "6.18", "7.0", "7.3"],
        audited: &[],
        refused: &[
            ("5.10", &["ID_AA64DFR0_EL1", "CLIDR_EL1", "PSCI"]),
            ("6.1", &["ID_AA64DFR0_EL1", "CLIDR_EL1"]),
        ],
    },
    // What takes memory beside the guest's, on hosts whose pages are larger than the guest's.
    Expected {
        spec: "lab/tests/specs/pages.vm.kdl",
        lock: "lab/tests/specs/pages.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12-16k", "7.3"],
        audited: &["6.12-16k", "7.3"],
        refused: &[],
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
    // As many vCPUs as have their redistributors in one region, and one more.
    Expected {
        spec: "lab/tests/specs/one-region.vm.kdl",
        lock: "lab/tests/specs/one-region.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 123,
        flags: &[],
        ends: OK,
        kept: &["6.12"],
        audited: &["6.12"],
        refused: &[],
    },
    Expected {
        spec: "lab/tests/specs/two-regions.vm.kdl",
        lock: "lab/tests/specs/two-regions.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 124,
        flags: &[],
        ends: OK,
        kept: &["5.10", "7.3"],
        audited: &["5.10", "7.3"],
        refused: &[],
    },
    Expected {
        spec: "lab/tests/specs/sixteen.vm.kdl",
        lock: "lab/tests/specs/sixteen.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 16,
        flags: &[],
        ends: OK,
        kept: &["6.12"],
        audited: &[],
        refused: &[],
    },
    // More memory than the host has: refused, but where the user knows.
    Expected {
        spec: "lab/tests/specs/vast.vm.kdl",
        lock: "lab/tests/specs/vast.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &["--overcommit"],
        ends: OK,
        kept: &["5.10", "7.3"],
        audited: &["5.10", "7.3"],
        refused: &[],
    },
    Expected {
        spec: "lab/tests/specs/vast.vm.kdl",
        lock: "lab/tests/specs/vast.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &[],
        audited: &[],
        refused: &[(
            "7.3",
            &["memory: the machine has more memory than this host"],
        )],
    },
    // More addresses than the CPU has at stage 2.
    Expected {
        spec: "lab/tests/specs/vast.vm.kdl",
        lock: "lab/tests/specs/vast.vm.lock.json",
        cpu: "a64fx",
        cpus: 2,
        flags: &["--overcommit"],
        ends: OK,
        kept: &[],
        audited: &[],
        refused: &[("6.12", &["address bits", "KVM_CAP_ARM_VM_IPA_SIZE"])],
    },
    Expected {
        spec: "lab/tests/specs/widest.vm.kdl",
        lock: "lab/tests/specs/widest.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &["--overcommit"],
        ends: OK,
        kept: &["6.12"],
        audited: &["6.12"],
        refused: &[],
    },
    // Another ACTLR_EL1 than the host's: the runner starts the second vCPU, where the kernel lets it.
    Expected {
        spec: "lab/tests/specs/actlr.vm.kdl",
        lock: "lab/tests/specs/actlr.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "7.3"],
        audited: &["7.3"],
        refused: &[
            ("5.10", &["ACTLR_EL1 at entry", "starts a vCPU"]),
            ("6.1", &["ACTLR_EL1 at entry", "starts a vCPU"]),
        ],
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
    Expected::elsewhere(
        "lab/tests/specs/devices.vm.kdl",
        devices::LOCK,
        ("neoverse-n1", 1),
    ),
    Expected::elsewhere(
        "lab/tests/specs/disks.vm.kdl",
        disks::LOCK,
        ("cortex-a72", 2),
    ),
    Expected::elsewhere("examples/carried.vm.kdl", carry::LOCK, ("cortex-a72", 2)),
    Expected::elsewhere(
        "lab/tests/specs/net.vm.kdl",
        network::LOCK,
        ("cortex-a72", 2),
    ),
    Expected::elsewhere(
        "lab/tests/specs/kexec.vm.kdl",
        handover::LOCK,
        ("neoverse-n1", 2),
    ),
    Expected::elsewhere(
        "lab/tests/specs/moments.vm.kdl",
        moments::LOCK,
        ("cortex-a72", 2),
    ),
    Expected::elsewhere(
        "lab/tests/specs/answered.vm.kdl",
        moments::ANSWERED,
        ("cortex-a72", 2),
    ),
    // Held against itself by a step of its own.
    Expected::elsewhere(
        "lab/tests/specs/timers.vm.kdl",
        "lab/tests/specs/timers.vm.lock.json",
        ("neoverse-n1", 2),
    ),
    Expected::elsewhere(
        "lab/tests/specs/library.vm.kdl",
        library::LOCK,
        ("neoverse-n1", 2),
    ),
    Expected::elsewhere(
        "lab/tests/specs/library-regions.vm.kdl",
        library::REGIONS,
        ("neoverse-n1", 124),
    ),
    Expected::elsewhere(
        "lab/tests/specs/interrupts.vm.kdl",
        interrupts::LOCK,
        ("neoverse-n1", 8),
    ),
    // The examples' locks as they were in version 1 of the format: kept where they were.
    Expected {
        spec: "spec/tests/frozen/v1/portable.vm.kdl",
        lock: "spec/tests/frozen/v1/portable.vm.lock.json",
        cpu: "cortex-a72",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["5.10", "6.1", "6.12", "6.16", "6.18", "7.0", "7.3"],
        audited: &["5.10", "6.1", "6.12", "6.16", "6.18", "7.0", "7.3"],
        refused: &[],
    },
    Expected {
        spec: "spec/tests/frozen/v1/pinned.vm.kdl",
        lock: "spec/tests/frozen/v1/pinned.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "6.16", "6.18", "7.0", "7.2", "7.3"],
        audited: &["6.12", "6.16", "6.18", "7.0", "7.2", "7.3"],
        refused: &[],
    },
    Expected {
        spec: "spec/tests/frozen/v1/modern.vm.kdl",
        lock: "spec/tests/frozen/v1/modern.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "6.18", "7.0", "7.3"],
        audited: &["6.12", "6.18", "7.0", "7.3"],
        refused: &[],
    },
    Expected {
        spec: "spec/tests/frozen/v1/hibernate.vm.kdl",
        lock: "spec/tests/frozen/v1/hibernate.vm.lock.json",
        cpu: "neoverse-n1",
        cpus: 2,
        flags: &[],
        ends: OK,
        kept: &["6.12", "7.3"],
        audited: &["6.12", "7.3"],
        refused: &[],
    },
];

/// The examples, each once.
pub fn distinct() -> impl Iterator<Item = &'static Expected> {
    let first =
        |(at, example): &(usize, &Expected)| EXAMPLES[..*at].iter().all(|e| e.spec != example.spec);
    EXAMPLES.iter().enumerate().filter(first).map(|(_, e)| e)
}

/// How the runner says that a host cannot keep a lock.
const REFUSED: u8 = 3;

/// The locks that are tried on a host.
fn tried(cpu: &str, kernel: &str) -> Vec<(&'static Expected, Tried<'static>)> {
    let mine = EXAMPLES
        .iter()
        .filter(|example| example.cpu == cpu && expects(example, kernel));
    mine.map(|example| {
        let tried = Tried {
            lock: example.lock,
            flags: example.flags,
            starts: starts(example, kernel),
        };
        (example, tried)
    })
    .collect()
}

/// Each example on each kernel of its table: audited, and a real guest started.
pub fn step<'a>(bench: &Bench) -> Step<'a> {
    let mut wanted: BTreeSet<(&str, &str)> = BTreeSet::new();
    for example in EXAMPLES {
        let kernels = example
            .kept
            .iter()
            .chain(example.refused.iter().map(|(k, _)| k));
        wanted.extend(kernels.map(|&kernel| (example.cpu, kernel)));
    }
    let errands = wanted.into_iter().map(|(cpu, kernel)| {
        let (_, tried): (Vec<_>, Vec<_>) = tried(cpu, kernel).into_iter().unzip();
        bench.errand(cpu, kernel, &trial::jobs(&tried))
    });
    Step {
        name: "examples on emulated hosts".to_owned(),
        errands: errands.collect(),
        judge: Box::new(judge_examples),
    }
}

/// What is not as expected of the examples.
fn judge_examples(done: &[Done]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut digests: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for Done { host, jobs, .. } in done {
        let kernel = host.kernel.asked.as_str();
        let (mine, tried): (Vec<_>, Vec<_>) = tried(&host.cpu, kernel).into_iter().unzip();
        for (example, trial) in mine.into_iter().zip(trial::trials(&tried, jobs)?) {
            let lock = [&[example.lock], example.flags].concat().join(" ");
            let place = format!("{lock} on Linux {} ({})", host.kernel.version, host.cpu);
            say(format_args!("{place}: {}", short(&trial.verdict)));
            if let Verdict::Kept { digest, .. } = &trial.verdict {
                let all = digests.entry(example.lock).or_default();
                all.insert(digest.clone());
            }
            if let Some(problem) = problem(example, kernel, &trial) {
                problems.push(format!("{place}: {problem}"));
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

    /// What is to be audited alone and is not to be kept would be tried nowhere.
    #[test]
    fn what_is_audited_alone_is_kept() {
        for example in EXAMPLES {
            let mut audited = example.audited.iter();
            assert!(
                audited.all(|k| example.kept.contains(k)),
                "{}",
                example.lock
            );
        }
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
