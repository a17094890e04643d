//! `vmlock-lab tour`: the main job for someone who sees it for the first time. Compile a spec, start a
//! real guest under its lock on two host kernels, audit on both, say whether the guest saw the same machine, and take the
//! running guest of the one to the other and back (`tour/journey.rs`).

use crate::cache::Cache;
use crate::cross;
use crate::emulate::Machine;
use crate::emulator;
use crate::errand::Errand;
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::guest;
use crate::kernels::{self, Kernel};
use crate::packages;
use crate::room;
use crate::tools;
use crate::trial::{self, Bench};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

mod journey;
mod words;

use journey::{Journey, Seen};
use words::{NEW, SHOWN};

const SPEC: &str = "examples/portable.vm.kdl";
const LOCK: &str = "examples/portable.vm.lock.json";

/// CPU model of the spec and number of its CPUs.
const CPU: &str = "cortex-a72";
const CPUS: u32 = 2;

/// The oldest and the newest kernel that keep the lock, six years of changes between them, and back.
const KERNELS: [&str; 3] = ["5.10", "7.3", "5.10"];

/// How long this very machine may take.
const LIMIT: Duration = Duration::from_secs(300);

/// Takes the tour.
pub fn run(cache: &Cache) -> Result<u8> {
    let mut parts = Parts::begin();
    // Before anything is built, so that what is missing is told at once.
    emulator::ensure_programs(true)?;
    room::warn(cache, &room::TOUR)?;
    let root = cross::workspace()?;
    // The one waits for this machine's CPUs, the other for the network.
    let (built, fetched) = thread::scope(|scope| {
        let building = scope.spawn(|| compiled_and_built(cache, &root));
        let begin = Instant::now();
        let fetched = fetched(cache, &root);
        if let (Err(failure), false) = (&fetched, building.is_finished()) {
            say(format_args!(
                "{failure}; what is being built comes to its end"
            ));
        }
        (building.join(), fetched.map(|all| (all, begin.elapsed())))
    });
    let built = built.map_err(|_| Failure::bug("a thread of the lab panicked"))?;
    let (kernels, fetching) = fetched?;
    let program = built?;
    parts.next("to compile the spec and to build vmlock-run");
    parts.meanwhile(fetching, packages::megabytes());
    let bench = Bench::of(cache, root, program)?;
    let mut hosts: Vec<Machine> = kernels
        .into_iter()
        .map(|kernel| trial::machine(kernel, CPU, journey::LIMIT))
        .collect();
    let journey = Journey::new(cache, &bench, LOCK)?;
    let mut seen: Vec<Seen> = hosts.iter().map(Seen::of).collect();
    for (turn, host) in hosts.iter_mut().enumerate() {
        let before = turn.checked_sub(1).map(|before| &seen[before].carried);
        let before = before.and_then(Option::as_ref);
        let is_there = turn == 0 || before.is_some_and(journey::goes_on);
        // All there is to see on the last one beside the guest that goes on, the first one has shown.
        let [audits, starts] = [turn < SHOWN, turn == NEW];
        if !(audits || starts || is_there) {
            continue;
        }
        let mut jobs: Vec<Vec<&str>> = Vec::new();
        if audits {
            jobs.push(vec!["audit", LOCK, "--format", "json"]);
        }
        // In the first one, the guest that is started is the one that goes on.
        if starts {
            jobs.push(vec!["start", LOCK]);
        }
        let mut errands = vec![bench.errand(CPU, &host.kernel.asked, &jobs)];
        if is_there {
            let is_last = turn + 1 == KERNELS.len();
            errands.push(journey.errand(&bench, host, before, is_last)?);
        }
        let place = format!("Linux {}", host.kernel.version);
        say(format_args!("booting {place}"));
        let errands: Vec<&Errand> = errands.iter().collect();
        let run = || bench.run(host, &errands);
        let mut ended = journey.images.taken(&place, run)?.0.jobs.into_iter();
        let mut next = |is: bool| is.then(|| ended.next()).flatten();
        let here = &mut seen[turn];
        here.audit = next(audits);
        here.start = next(starts);
        here.carried = next(is_there);
        parts.next(&format!("on {place}"));
    }
    let (words, is_good) = words::told(&seen, LOCK, CPU, CPUS);
    tell(words)?;
    if is_native_host() {
        tell_native(bench.root(), cache)?;
    }
    tell(format_args!("\n({})", parts.words()))?;
    Ok(if is_good { OK } else { FINDINGS })
}

/// Builds the compiler, compiles the spec with it, and builds vmlock-run: the path of that.
fn compiled_and_built(cache: &Cache, root: &Path) -> Result<PathBuf> {
    say("building vmlock");
    let compiler = cross::build_quickly("vmlock")?;
    tell(format_args!(
        "1. Compile the spec {SPEC}\n\n   $ vmlock lock {SPEC}"
    ))?;
    let mut command = Command::new(&compiler);
    command.current_dir(root).args(["lock", SPEC]);
    if !tools::run(&mut command, None)?.success() {
        return Err(Failure::environment(format!(
            "{SPEC} does not compile; the messages are above"
        )));
    }
    tell(format_args!(
        "   {LOCK} now says what the guest is to see, register by register.\n"
    ))?;
    say("building vmlock-run for arm64");
    cross::build(cache, cross::RUNNER)
}

/// Fetches all that hosts need, the emulator first, and makes their guest: their kernels.
fn fetched(cache: &Cache, root: &Path) -> Result<Vec<Kernel>> {
    emulator::ensure(cache, true)?;
    emulator::warn_of_other_cpus()?;
    // All in one go, the guest's too.
    let all = KERNELS.into_iter().chain([guest::KERNEL]);
    let all: Vec<String> = all.map(str::to_owned).collect();
    let mut kernels = kernels::resolve(cache, &all, false)?;
    kernels.truncate(KERNELS.len());
    // The other guests are not for this lock.
    guest::provide(cache, &root.join("examples/guest"), guest::KERNEL)?;
    Ok(kernels)
}

/// What the tour has taken, part by part.
struct Parts {
    begun: Instant,
    last: Instant,
    words: Vec<String>,
}

impl Parts {
    fn begin() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            last: now,
            words: Vec::new(),
        }
    }

    /// A part has come to its end.
    fn next(&mut self, what: &str) {
        let seconds = self.last.elapsed().as_secs();
        self.last = Instant::now();
        self.words.push(format!("{seconds} s {what}"));
    }

    /// What was done during the last one.
    fn meanwhile(&mut self, time: Duration, megabytes: u64) {
        if let Some(last) = self.words.last_mut() {
            let seconds = time.as_secs();
            last.push_str(&format!(
                " (meanwhile {seconds} s for what hosts need, of which {megabytes} MB were fetched)"
            ));
        }
    }

    /// All of it.
    fn words(&self) -> String {
        let seconds = self.begun.elapsed().as_secs();
        format!("The tour took {seconds} s: {}.", self.words.join(", "))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_took_is_told_part_by_part() {
        let mut parts = Parts::begin();
        parts.next("to build");
        parts.meanwhile(Duration::from_secs(41), 147);
        parts.next("on Linux 7.3.4");
        assert_eq!(
            parts.words(),
            "The tour took 0 s: 0 s to build (meanwhile 41 s for what hosts need, of which 147 MB were fetched), \
             0 s on Linux 7.3.4."
        );
    }
}
