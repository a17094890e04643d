//! `vmlock-lab tour`: the main job for someone who sees it for the first time. Compile a spec, start a
//! real guest under its lock on two host kernels, audit on both, say whether the guest saw the same machine, and take the
//! running guest of the one to the other and back (`tour/journey.rs`).

use crate::cache::Cache;
use crate::carry::stop::SAVED;
use crate::cross;
use crate::emulate::Machine;
use crate::emulator;
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::kernels;
use crate::matrix::{self, Verdict, short_digest};
use crate::tools;
use crate::trial::{self, Bench};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

mod journey;

use journey::Journey;

const SPEC: &str = "examples/portable.vm.kdl";
const LOCK: &str = "examples/portable.vm.lock.json";

/// CPU model of the spec and number of its CPUs.
const CPU: &str = "cortex-a72";
const CPUS: u32 = 2;

/// The oldest and the newest kernel that keep the lock, six years of changes between them, and back.
const KERNELS: [&str; 3] = ["5.10", "7.3", "5.10"];

/// So many of the hosts show what the lock makes of them; in that one of them a guest of its own is started.
const SHOWN: usize = 2;
const NEW: usize = 1;

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
    let mut hosts: Vec<Machine> = kernels
        .into_iter()
        .map(|kernel| trial::machine(kernel, CPU, LIMIT))
        .collect();
    let mut journey = Journey::new(cache, &bench, LOCK, &hosts)?;
    let mut seen = Vec::new();
    for (turn, host) in hosts.iter_mut().enumerate() {
        if !journey.goes_on() {
            break;
        }
        say(format_args!("booting Linux {}", host.kernel.version));
        let mut jobs: Vec<Vec<&str>> = Vec::new();
        // All there is to see on the last one, the first one has shown.
        if turn < SHOWN {
            jobs.push(vec!["audit", LOCK, "--format", "json"]);
        }
        // In the first one, the guest that is started is the one that goes on.
        if turn == NEW {
            jobs.push(vec!["start", LOCK]);
        }
        let own = bench.errand(CPU, &host.kernel.asked, &jobs);
        let carried = journey.errand(&bench, host)?;
        let mut ended = bench.run(host, &[&own, &carried])?.jobs;
        journey.went(ended.pop().unwrap_or_default());
        seen.push(ended);
    }
    let of = |turn: usize, job: usize| seen.get(turn).and_then(|jobs| jobs.get(job));

    tell(format_args!(
        "2. Start a real Debian guest under that lock, on two hosts with a {CPU}\n\n   \
         $ vmlock-run start {LOCK}\n"
    ))?;
    let mut is_good = true;
    let starts = [(journey.start(), SAVED), (of(NEW, 1), OK)];
    for (host, (start, ends)) in hosts.iter().zip(starts) {
        tell(format_args!("   On Linux {}:", host.kernel.version))?;
        let lines = start.map(trial::guest_lines).unwrap_or_default();
        for line in lines.iter().filter(|line| journey::is_of_any(line)) {
            tell(format_args!("     {line}"))?;
        }
        let problem = match start {
            Some(start) => trial::start_problem(start, ends, CPUS),
            None => Some("no guest was started".to_owned()),
        };
        if let Some(problem) = problem {
            is_good = false;
            tell(format_args!("     FAILED: {problem}"))?;
        }
        tell("")?;
    }

    tell(format_args!(
        "3. Audit: a guest that reads all it can, from inside, on every CPU\n\n   $ vmlock-run audit {LOCK}\n"
    ))?;
    let verdicts: Vec<Verdict> = (0..SHOWN)
        .filter_map(|turn| of(turn, 0).map(|ended| matrix::verdict(ended).0))
        .collect();
    is_good &= tell_audits(&hosts[..SHOWN], &verdicts)?;
    is_good &= tell_journey(&journey)?;
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
fn tell_audits(hosts: &[Machine], verdicts: &[Verdict]) -> Result<bool> {
    let mut digests = BTreeSet::new();
    let mut kept = 0;
    for (host, verdict) in hosts.iter().zip(verdicts) {
        let version = &host.kernel.version;
        match verdict {
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

/// Prints what became of the guest that went on; whether it lost nothing.
fn tell_journey(journey: &Journey) -> Result<bool> {
    tell(format_args!(
        "\n4. Take the running guest to another kernel, and back\n\n   \
         The guest that was started on the first host is still running. It has a file open whose name it has\n   \
         removed: only a program that never ended can read it. It is saved, its host is switched off, and it goes\n   \
         on in the next one. Wherever it wakes up it is told so, and writes that to its file.\n\n   \
         $ vmlock-run save guest.save --control SOCKET\n   \
         $ vmlock-run restore guest.save --lock {LOCK}\n"
    ))?;
    let (told, problems) = journey.told(CPUS);
    for (place, words) in &told {
        tell(format_args!("   On {place}: {words}"))?;
    }
    for problem in &problems {
        tell(format_args!("   FAILED: {problem}"))?;
    }
    tell(match problems.is_empty() {
        true => "\nOne guest, booted once, ran on three hosts, and lost nothing.",
        false => "\nThe guest did NOT get through all of it.",
    })?;
    Ok(problems.is_empty())
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
