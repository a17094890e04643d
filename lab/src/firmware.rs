//! `vmlock-lab firmware`: PSCI versions and hypercall services against live hosts. For each a lock, and on
//! each kernel what becomes of it. A guest asks for every function and provokes the error codes; it must be
//! told the same on every kernel that keeps the lock, whether the kernel answers or vmlock does.

use crate::cache::Cache;
use crate::cross;
use crate::emulator;
use crate::failure::{Failure, Result, say};
use crate::flags::Firmware;
use crate::kernels;
use crate::matrix::{Verdict, short, verdict};
use crate::step::{self, Done, Step};
use crate::trial::Bench;
use crate::truth;
use std::collections::BTreeMap;
use std::fs;

/// One lock.
struct Lock {
    /// CPU of the hosts.
    cpu: &'static str,
    /// What `abi` names.
    abi: &'static [&'static str],
    /// The first kernel series that keeps it; earlier ones refuse it.
    since: &'static str,
    /// Whether a kernel without the SMCCC filter is refused for the lack of it.
    filter: bool,
}

/// PSCI 1.1 needs Linux 5.18; 1.2 and 1.3 need 6.13, or 6.4, where vmlock can answer in the kernel's place;
/// so does the discovery of implementations, which later kernels offer and leave to vmlock.
#[rustfmt::skip]
const LOCKS: [Lock; 13] = [
    Lock { cpu: "cortex-a72", abi: &["kvm-5.10", "psci-0.2"], since: "5.10", filter: false },
    Lock { cpu: "cortex-a72", abi: &["kvm-5.10", "psci-1.0"], since: "5.10", filter: false },
    Lock { cpu: "cortex-a72", abi: &["kvm-5.10", "psci-1.1"], since: "6.1", filter: false },
    Lock { cpu: "cortex-a72", abi: &["kvm-5.10", "psci-1.2"], since: "6.12", filter: true },
    Lock { cpu: "cortex-a72", abi: &["kvm-5.10", "psci-1.3"], since: "6.12", filter: true },
    Lock { cpu: "neoverse-n1", abi: &["kvm-6.8", "psci-0.2"], since: "6.12", filter: true },
    Lock { cpu: "neoverse-n1", abi: &["kvm-6.8", "psci-1.0"], since: "6.12", filter: true },
    Lock { cpu: "neoverse-n1", abi: &["kvm-6.8", "psci-1.1"], since: "6.12", filter: true },
    Lock { cpu: "neoverse-n1", abi: &["kvm-6.8", "psci-1.2"], since: "6.12", filter: true },
    Lock { cpu: "neoverse-n1", abi: &["kvm-6.8", "psci-1.3"], since: "6.12", filter: true },
    Lock { cpu: "neoverse-n1", abi: &["kvm-6.8", "smc-none"], since: "6.12", filter: false },
    Lock { cpu: "neoverse-n1", abi: &["kvm-6.8", "smccc-discover-impl"], since: "6.12", filter: true },
    Lock { cpu: "neoverse-n1", abi: &["kvm-6.8", "psci-1.3", "smccc-discover-impl"], since: "6.12", filter: true },
];

/// Kernels without the filter that lets vmlock answer (Linux 6.4).
const WITHOUT_FILTER: [&str; 2] = ["5.10", "6.1"];

/// What the kernel says when it was asked for more than it has: which kernel has it.
const REMEDY: &str = "6.4";

/// What a guest of 5.10 needs to be kept by later kernels, as `examples/portable.vm.kdl` has it.
const PORTABLE: &str = " {\n        pmu\n    }\n    vary \"PMCR_EL0.IMP\" \"PMCR_EL0.IDCODE\"";

/// CPUs of the hosts.
const CPUS: [&str; 2] = ["cortex-a72", "neoverse-n1"];

/// Hosts of `vmlock-lab test`: each error code and each way of answering once.
pub const SLICE: [(&str, &str); 3] = [
    ("cortex-a72", "5.10"),
    ("neoverse-n1", "6.12"),
    ("neoverse-n1", "7.3"),
];

/// Audits on all the kernels that were asked for; 0 if all is as expected.
pub fn run(cache: &Cache, flags: &Firmware) -> Result<u8> {
    emulator::ensure(cache, true)?;
    let bench = Bench::prepare(cache)?;
    if flags.refresh {
        kernels::resolve(cache, &flags.kernels, true)?;
    }
    let names = CPUS
        .iter()
        .flat_map(|cpu| flags.kernels.iter().map(|kernel| (*cpu, kernel.as_str())));
    step::told(&step::run_alone(cache, &bench, step(&bench, names)?)?)
}

/// Whether this kernel keeps the lock.
fn keeps(lock: &Lock, kernel: &str) -> bool {
    let place = |series: &str| kernels::SERIES.iter().position(|s| *s == series);
    place(kernel) >= place(lock.since)
}

/// Each lock as it is kept by default, and with all calls answered by vmlock that it can answer.
fn ways(kernel: &str) -> &'static [&'static [&'static str]] {
    match WITHOUT_FILTER.contains(&kernel) {
        true => &[&[]],
        false => &[&[], &["--emulate-calls"]],
    }
}

/// The audits on a host of that CPU and kernel: the place of each lock in [`LOCKS`], and further arguments.
fn audits(cpu: &str, kernel: &str) -> Vec<(usize, &'static [&'static str])> {
    let mine = (0..LOCKS.len()).filter(|at| LOCKS[*at].cpu == cpu);
    mine.flat_map(|at| ways(kernel).iter().map(move |way| (at, *way)))
        .collect()
}

/// The locks on these hosts, each a CPU and a kernel.
pub fn step<'a, 'h>(
    bench: &Bench,
    hosts: impl IntoIterator<Item = (&'h str, &'h str)>,
) -> Result<Step<'a>> {
    let folder = bench.root().join("target").join("firmware");
    fs::create_dir_all(&folder).map_err(|e| Failure::file("make", &folder, &e))?;
    let compiler = cross::build_quickly("vmlock")?;
    let mut paths = Vec::new();
    for lock in &LOCKS {
        let name = lock.abi[1..].join("-");
        let block = if lock.cpu == "cortex-a72" {
            PORTABLE
        } else {
            ""
        };
        let path = truth::lock(&compiler, &folder, lock.abi, lock.cpu, &name, block)?;
        paths.push(path);
    }
    let errands = hosts.into_iter().map(|(cpu, kernel)| {
        let audit = |(at, way): (usize, &[&'static str])| {
            [&["audit", paths[at].as_str(), "--format", "json"], way].concat()
        };
        let jobs: Vec<Vec<&str>> = audits(cpu, kernel).into_iter().map(audit).collect();
        bench.errand(cpu, kernel, &jobs)
    });
    Ok(Step {
        name: "PSCI versions and hypercall services".to_owned(),
        errands: errands.collect(),
        judge: Box::new(|done| Ok(problems(done))),
    })
}

/// What is not as expected.
fn problems(done: &[Done]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut digests: BTreeMap<usize, String> = BTreeMap::new();
    for Done { host, jobs, .. } in done {
        let kernel = host.kernel.asked.as_str();
        for ((at, way), job) in audits(&host.cpu, kernel).into_iter().zip(jobs) {
            let (verdict, report) = verdict(job);
            let emulated = report["plan"]["emulate"].as_u64().unwrap_or(0);
            let remedy = String::from_utf8_lossy(&job.stdout).contains(REMEDY);
            let lock = &LOCKS[at];
            let what = [lock.abi, way].concat().join(" ");
            let place = format!("{what} on {} ({})", host.kernel.version, host.cpu);
            say(format_args!(
                "{place}: {}, {emulated} by vmlock",
                short(&verdict)
            ));
            let mut problem = |words: &str| problems.push(format!("{place}: {words}"));
            match &verdict {
                Verdict::Kept { digest, .. } if keeps(lock, kernel) => {
                    if digests.entry(at).or_insert_with(|| digest.clone()) != digest {
                        problem("a guest saw another machine than elsewhere");
                    }
                    if !way.is_empty() && emulated < ALL_CALLS {
                        problem("vmlock was to answer all calls, and answered few");
                    }
                }
                // The reasons name the kernel that has the filter.
                Verdict::Refused(_) if !keeps(lock, kernel) => {
                    if !remedy && lock.filter {
                        problem("refused without a word on which kernel could keep it");
                    }
                }
                other => problem(&short(other)),
            }
        }
    }
    let tried = |at: &usize| {
        done.iter()
            .any(|d| d.host.cpu == LOCKS[*at].cpu && keeps(&LOCKS[*at], &d.host.kernel.asked))
    };
    let unkept = (0..LOCKS.len())
        .filter(tried)
        .filter(|at| !digests.contains_key(at));
    problems.extend(unkept.map(|at| format!("{}: kept nowhere", LOCKS[at].abi.join(" "))));
    if digests.is_empty() {
        problems.push("nothing was kept anywhere".to_owned());
    }
    problems
}

/// Fewer answers than these come of all calls that vmlock can answer.
const ALL_CALLS: u64 = 80;
