//! `vmlock-lab tour`: the main job for someone who sees it for the first time. Compile a spec, start a
//! real guest under its lock on two host kernels, audit on both, and say whether the guest saw the same machine.

use crate::cache::Cache;
use crate::cross;
use crate::emulate::Machine;
use crate::emulator;
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::kernels;
use crate::matrix::{Verdict, short_digest};
use crate::tools;
use crate::trial::{self, Bench, Trial};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const SPEC: &str = "examples/portable.vm.kdl";
const LOCK: &str = "examples/portable.vm.lock.json";

/// CPU model of the spec and number of its CPUs.
const CPU: &str = "cortex-a72";
const CPUS: u32 = 2;

/// The oldest and the newest kernel that keep the lock: six years of changes between them.
const KERNELS: [&str; 2] = ["5.10", "7.3"];

/// How long one host may take.
const LIMIT: Duration = Duration::from_secs(300);

/// Takes the tour.
pub fn run(cache: &Cache) -> Result<u8> {
    let begin = Instant::now();
    // Before anything is built, so that what is missing is told at once.
    emulator::ensure(cache, true)?;
    emulator::warn_of_other_cpus()?;
    let root = cross::workspace()?;
    say("building vmlock");
    let compiler = cross::build_quickly("vmlock")?;
    tell(format_args!(
        "1. Compile the spec {SPEC}\n\n   $ vmlock lock {SPEC}"
    ))?;
    let mut command = Command::new(&compiler);
    command.current_dir(&root).args(["lock", SPEC]);
    if !tools::run(&mut command, None)?.success() {
        return Err(Failure::environment(format!(
            "{SPEC} does not compile; the messages are above"
        )));
    }
    tell(format_args!(
        "   {LOCK} now says what the guest is to see, register by register.\n"
    ))?;

    say("building vmlock-run for arm64");
    let bench = Bench::prepare(cache)?;
    let kernels = kernels::resolve(cache, &KERNELS.map(str::to_owned), false)?;
    let hosts: Vec<Machine> = kernels
        .into_iter()
        .map(|kernel| trial::machine(kernel, CPU, LIMIT))
        .collect();
    say("booting the hosts, each with a guest inside");
    let trials = tools::in_parallel(&hosts, tools::hosts_at_a_time(), |host| {
        let trial = bench.try_lock(host, LOCK)?;
        say(format_args!("Linux {} is done", host.kernel.version));
        Ok(trial)
    })?;

    tell(format_args!(
        "2. Start a real Debian guest under that lock, on two hosts with a {CPU}\n\n   \
         $ vmlock-run start {LOCK}\n"
    ))?;
    let mut is_good = true;
    for (host, trial) in hosts.iter().zip(&trials) {
        tell(format_args!("   On Linux {}:", host.kernel.version))?;
        for line in trial.guest_lines() {
            tell(format_args!("     {line}"))?;
        }
        if let Some(problem) = trial.start_problem(CPUS) {
            is_good = false;
            tell(format_args!("     FAILED: {problem}"))?;
        }
        tell("")?;
    }

    tell(format_args!(
        "3. Audit: a guest that reads all it can, from inside, on every CPU\n\n   $ vmlock-run audit {LOCK}\n"
    ))?;
    is_good &= tell_audits(&hosts, &trials)?;
    if is_native_host() {
        tell_native(bench.root(), cache)?;
    }
    tell(format_args!(
        "\n(The tour took {} s.)",
        begin.elapsed().as_secs()
    ))?;
    Ok(if is_good { OK } else { FINDINGS })
}

/// Prints what the audits found; whether the guest saw the same machine each time.
fn tell_audits(hosts: &[Machine], trials: &[Trial]) -> Result<bool> {
    let mut digests = BTreeSet::new();
    let mut kept = 0;
    for (host, trial) in hosts.iter().zip(trials) {
        let version = &host.kernel.version;
        match &trial.verdict {
            Verdict::Kept { digest, facts } => {
                kept += 1;
                digests.insert(digest.as_str());
                tell(format_args!(
                    "   On Linux {version}: {facts} facts seen, none differs from the lock; digest {}",
                    short_digest(digest)
                ))?;
            }
            Verdict::Refused(reasons) => {
                tell(format_args!(
                    "   On Linux {version}: REFUSED, the lock cannot be kept there:"
                ))?;
                for reason in reasons {
                    tell(format_args!("     {reason}"))?;
                }
            }
            Verdict::Differs(differences) => {
                tell(format_args!(
                    "   On Linux {version}: the guest saw SOMETHING ELSE than the lock promises:"
                ))?;
                for what in differences {
                    tell(format_args!("     {what}"))?;
                }
            }
            Verdict::Failed(why) => tell(format_args!("   On Linux {version}: FAILED: {why}"))?,
        }
    }
    let versions: Vec<&str> = hosts.iter().map(|h| h.kernel.version.as_str()).collect();
    let versions = versions.join(" and ");
    if kept == hosts.len() && digests.len() == 1 {
        tell(format_args!(
            "\nThe guest saw the same machine on Linux {versions}."
        ))?;
        Ok(true)
    } else {
        tell(format_args!(
            "\nThe guest did NOT see the same machine on Linux {versions}."
        ))?;
        Ok(false)
    }
}

/// Whether this very machine can run arm64 guests.
fn is_native_host() -> bool {
    std::env::consts::ARCH == "aarch64" && std::fs::File::open("/dev/kvm").is_ok()
}

/// Says whether this machine would keep the lock too. It is for the model's silicon, so that a
/// refusal is an answer and no failure.
fn tell_native(root: &Path, cache: &Cache) -> Result<()> {
    let mut command = Command::new(cross::build(cache, cross::RUNNER)?);
    command
        .current_dir(root)
        .args(["audit", LOCK])
        .stdout(std::process::Stdio::null());
    tell("\n   And this very machine, whose words are on standard error:")?;
    let status = tools::run(&mut command, Some(LIMIT))?;
    match status.code() {
        Some(0) => tell("   it keeps the lock as well.")?,
        Some(3) => tell(format_args!(
            "   it cannot keep the lock, and says why; its CPU is not a {CPU}."
        ))?,
        _ => tell(format_args!("   no verdict ({status})."))?,
    }
    Ok(())
}
