//! `vmlock-lab bench`: how fast and how small the programs are, each figure beside its limit and all
//! of them in one run.
//!
//! What is compared is measured in turn in one boot of one host. The host's clock goes by instructions
//! unless real time is asked for, so the figures do not depend on what else this machine does.

mod commands;
mod counts;
pub mod devices;
mod editor;
mod fleet;
mod guest;
mod inside;
mod many;
pub mod peer;
mod phases;
pub mod saves;
mod starts;

pub use inside::run as inside;

use crate::cache::{self, Cache, Scratch};
use crate::cross;
use crate::emulate::{self, Clock, Files, Job, Machine, Output, Work};
use crate::emulator;
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::flags::{self, Format};
use crate::guest as debian;
use crate::interrupts;
use crate::job;
use crate::kernels::{self, Kernel};
use crate::tools;
use guest::Then;
use inside::{Measured, Order, Run};
use peer::Peer;
use phases::Phases;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Part of the start-up that enforcing and verifying a lock may take.
const SHARE: f64 = 0.1;
/// Part of QEMU's time to the first guest instruction.
const START: f64 = 0.2;
/// Part of a guest's boot that it may take where the runner answers for the distributor.
const BOOT: f64 = 1.05;
/// Memory beyond the guest's, in MiB.
const RESIDENT: f64 = 5.0;
/// Size of vmlock-run, in MiB.
const SIZE: f64 = 3.0;
/// Packages that vmlock-run is made of.
const PACKAGES: f64 = 60.0;

/// Kernel series of the hosts.
const KERNEL: &str = "6.12";
/// Examples that are started, each with the CPU of its host.
const HOSTS: [(&str, &str); 2] = [("modern", "neoverse-n1"), ("portable", "cortex-a72")];
/// Where everything is in a host.
const DIR: &str = "/bench";
/// Memory of a host, in MiB.
const MEMORY: u32 = 4096;
/// How long one host may take before its first round, and for each round.
const LIMIT: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(30));
/// A run of the compiler is short, so there are more of them for each run of the rest.
const COMPILE_RUNS: u32 = 5;

/// The machine that Linux is booted on.
const BOOTED: &str = "lab/tests/specs/eight.vm.lock.json";
/// Boots that count, each way.
const BOOTS: u32 = 3;
/// How long the two boots of a round may take.
const BOOT_LIMIT: Duration = Duration::from_secs(200);
/// Who answers for the distributor: the kernel, the runner.
const WAYS: [(&str, &[&str]); 2] = [("kernel", &[]), ("runner", &["--emulate-gic"])];
/// The first byte of the guest's /init.
const FIRST_WORD: u8 = b'v';

/// Names of the contenders in a host.
const OURS: &str = "vmlock-run";
const THEIRS: &str = "qemu";

const MIB: f64 = 1_048_576.0;

/// One figure.
#[derive(Debug, Serialize)]
struct Measure {
    /// What was measured.
    name: String,
    /// The figure.
    value: f64,
    /// What it counts.
    unit: &'static str,
    /// The most that it may be.
    limit: f64,
    /// The figure as a part of its limit.
    ratio: f64,
    /// Whether the limit is met.
    met: bool,
    /// What the figure comes from.
    detail: String,
}

impl Measure {
    fn new(name: String, value: f64, unit: &'static str, limit: f64, detail: String) -> Self {
        let ratio = value / limit;
        Self {
            name,
            value,
            unit,
            limit,
            ratio,
            met: ratio <= 1.0,
            detail,
        }
    }

    /// A figure or a limit with its unit.
    fn worded(&self, value: f64) -> String {
        match self.unit {
            "part" => format!("{:.1} %", 100.0 * value),
            "packages" => format!("{value} packages"),
            unit => format!("{value:.2} {unit}"),
        }
    }
}

/// Measures what was asked for, or all but saves; 1 if a limit is not met.
pub fn run(cache: &Cache, flags: &flags::Bench) -> Result<u8> {
    let root = cross::workspace()?;
    if flags.commands || flags.fleet {
        say("building vmlock");
        let compiler = cross::build_native("vmlock")?;
        if flags.fleet {
            return told(&[fleet::time(cache, &root, &compiler)?], flags.format);
        }
        if flags.count {
            let measures = counts::held(cache, &root, &compiler, flags.write)?;
            return told(&measures, flags.format);
        }
        let runs = flags.runs.saturating_mul(COMPILE_RUNS);
        let mut measures = commands::times(&root, &compiler, runs)?;
        measures.extend(many::times(cache, &root, &compiler, flags.runs)?);
        measures.extend(editor::times(cache, &compiler, runs)?);
        return told(&measures, flags.format);
    }
    emulator::ensure(cache, true)?;
    say("building vmlock, vmlock-run and vmlock-lab");
    // Where it is not measured itself, all that it does is to compile a few specs.
    let compiler = match flags.starts || flags.devices || flags.saves {
        true => cross::build_quickly("vmlock")?,
        false => cross::build_native("vmlock")?,
    };
    let runner = cross::build(cache, cross::RUNNER)?;
    let lab = cross::build(cache, "vmlock-lab")?;

    let kernels = [KERNEL, debian::KERNEL].map(str::to_owned);
    let [kernel, guest] = kernels::resolve(cache, &kernels, false)?
        .try_into()
        .map_err(|_| Failure::bug("two kernels were asked for and not two were found"))?;
    let bench = Bench {
        cache,
        root: &root,
        compiler: &compiler,
        runner: &runner,
        lab: &lab,
        kernel,
        guest: cache::read(&guest.image)?,
        runs: flags.runs,
        older: flags.older.as_deref(),
        clock: match flags.real_time {
            true => Clock::Real,
            false => Clock::Instructions,
        },
    };
    let measures = match (flags.starts, flags.devices, flags.saves) {
        (true, ..) => bench.starts()?,
        (_, true, _) => bench.devices(&Peer::provide(cache)?)?,
        (.., true) => bench.saves(&Peer::provide(cache)?)?,
        _ => bench.everything()?,
    };
    told(&measures, flags.format)
}

/// Prints the figures; 1 if a limit is not met.
fn told(measures: &[Measure], format: Format) -> Result<u8> {
    let met = measures.iter().all(|m| m.met);
    print(measures, met, format)?;
    Ok(if met { OK } else { FINDINGS })
}

/// Size of the static, stripped program.
fn size(runner: &Path) -> Result<Measure> {
    let bytes = fs::metadata(runner)
        .map_err(|e| Failure::file("look at", runner, &e))?
        .len();
    Ok(Measure::new(
        "vmlock-run, size".to_owned(),
        bytes as f64 / MIB,
        "MiB",
        SIZE,
        "static, stripped, with the witness in it".to_owned(),
    ))
}

/// Number of packages that end up in vmlock-run, itself included.
fn packages(root: &Path) -> Result<Measure> {
    let mut command = cross::cargo_in(root);
    command
        .args(["tree", "--package", cross::RUNNER, "--edges", "normal"])
        .args(["--target", cross::TARGET, "--prefix", "none"])
        .args(["--format", "{p}"]);
    let (status, out) = tools::output(&mut command)?;
    if !status.success() {
        return Err(Failure::environment(
            "cargo tree failed; its own messages are above",
        ));
    }
    Ok(Measure::new(
        "vmlock-run, packages".to_owned(),
        count_packages(&String::from_utf8_lossy(&out)) as f64,
        "packages",
        PACKAGES,
        "what is linked into it, itself included".to_owned(),
    ))
}

/// Different packages in cargo's tree, which marks those that it has shown before.
fn count_packages(tree: &str) -> usize {
    tree.lines()
        .map(|line| line.trim().trim_end_matches(" (*)"))
        .filter(|line| !line.is_empty())
        .collect::<BTreeSet<_>>()
        .len()
}

/// What all hosts have in common.
struct Bench<'a> {
    cache: &'a Cache,
    root: &'a Path,
    compiler: &'a Path,
    runner: &'a Path,
    lab: &'a Path,
    kernel: Kernel,
    /// The guest's kernel, before it gets its other entry.
    guest: Vec<u8>,
    runs: u32,
    /// A vmlock-run to measure the start against.
    older: Option<&'a Path>,
    clock: Clock,
}

impl Bench<'_> {
    /// All figures but those of saves, which take half an hour.
    fn everything(&self) -> Result<Vec<Measure>> {
        let mut measures = self.starts()?;
        let compiled = self.runs.saturating_mul(COMPILE_RUNS);
        measures.extend(commands::times(self.root, self.compiler, compiled)?);
        measures.extend(many::times(
            self.cache,
            self.root,
            self.compiler,
            self.runs,
        )?);
        measures.extend(editor::times(self.cache, self.compiler, compiled)?);
        measures.push(size(self.runner)?);
        measures.push(packages(self.root)?);
        let peer = Peer::provide(self.cache)?;
        for (example, cpu) in HOSTS {
            say(format_args!(
                "starting guests with vmlock-run and with QEMU in turn, Linux {} on {cpu}",
                self.kernel.version
            ));
            measures.extend(self.on_host(&peer, example, cpu)?);
        }
        measures.extend(self.devices(&peer)?);
        say("booting Linux with KVM's distributor and with the runner's in turn");
        measures.push(self.boots()?);
        Ok(measures)
    }

    /// Starts the guest of an example with both contenders in one host.
    fn on_host(&self, peer: &Peer, example: &str, cpu: &str) -> Result<Vec<Measure>> {
        let scratch = self.cache.scratch()?;
        let lock = self.lock(example, &scratch)?;
        let vm = Vm::read(&cache::read(&lock)?)?;

        let mut files = Files::default();
        let ours = job::add_program(&mut files, self.runner)?;
        let timer = job::add_program(&mut files, self.lab)?;
        peer.add(self.cache, &mut files);
        let mut boot = |place: &str, uart: u32, then: Then| -> Result<String> {
            let lock_inside = format!("{DIR}/{place}/{example}.vm.lock.json");
            files.copy(&lock_inside, &lock);
            let image = guest::image(&self.guest, uart, then)?;
            files.program(&format!("{DIR}/{place}/{}", vm.kernel), image);
            if let Some(initrd) = &vm.initrd {
                files.copy(
                    &format!("{DIR}/{place}/{initrd}"),
                    &scratch.path().join(debian::INITRD),
                );
            }
            Ok(lock_inside)
        };
        debian::provide(self.cache, scratch.path(), debian::KERNEL)?;
        let timed = boot("ours", vm.uart, Then::PowerOff)?;
        let waiting = boot("waiting", vm.uart, Then::Wait)?;
        boot(THEIRS, guest::QEMU_UART, Then::PowerOff)?;
        let start = |lock: &str, more: &[&str]| -> Vec<String> {
            [ours.as_str(), "start", lock]
                .iter()
                .chain(more)
                .map(|&word| word.to_owned())
                .collect()
        };
        let order = Order {
            contenders: BTreeMap::from([
                (
                    OURS.to_owned(),
                    start(&timed, &["--stats", "--no-proof-cache"]),
                ),
                (THEIRS.to_owned(), vm.qemu(THEIRS)),
            ]),
            rounds: self.runs,
            forgetful: BTreeSet::new(),
            mark: Some(guest::MARK),
            resident: Some((start(&waiting, &[]), vm.memory)),
        };
        let limit = LIMIT.0 + LIMIT.1 * self.runs;
        let linker = peer::linked();
        let measured = self.measure(cpu, &mut files, Some(linker), &timer, &order, limit)?;
        self.report(peer, example, cpu, &measured)
    }

    /// Compiles an example somewhere else, so that no lock of the checkout is touched or believed.
    fn lock(&self, example: &str, scratch: &Scratch) -> Result<PathBuf> {
        let spec = self.root.join(format!("examples/{example}.vm.kdl"));
        self.compile(example, &cache::read(&spec)?, scratch)
    }

    /// Compiles a spec.
    fn compile(&self, name: &str, text: &[u8], scratch: &Scratch) -> Result<PathBuf> {
        let spec = format!("{name}.vm.kdl");
        cache::write(&scratch.path().join(&spec), text)?;
        let mut command = Command::new(self.compiler);
        command
            .current_dir(scratch.path())
            .args(["lock", &spec])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if !tools::run(&mut command, None)?.success() {
            return Err(Failure::environment(format!("{spec} does not compile")));
        }
        Ok(scratch.path().join(format!("{name}.vm.lock.json")))
    }

    /// Boots Linux on eight vCPUs with the kernel's distributor and with the runner's in turn.
    fn boots(&self) -> Result<Measure> {
        let mut files = Files::default();
        let ours = job::add_program(&mut files, self.runner)?;
        let timer = job::add_program(&mut files, self.lab)?;
        let lock = job::text(&self.root.join(BOOTED))?;
        let start = |flags: &[&str]| -> Vec<String> {
            [&[ours.as_str(), "start", &lock, "--stats"][..], flags]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        let contenders = BTreeMap::from(WAYS.map(|(way, flags)| (way.to_owned(), start(flags))));
        job::add_arguments(self.cache, &mut files, self.root, &start(&[])[1..])?;
        let order = Order {
            contenders,
            rounds: BOOTS,
            forgetful: BTreeSet::new(),
            mark: Some(FIRST_WORD),
            resident: None,
        };
        let limit = LIMIT.0 + BOOT_LIMIT * BOOTS;
        let measured = self.measure("neoverse-n1", &mut files, None, &timer, &order, limit)?;
        let boots = |way: &str| -> Result<(f64, String)> {
            let runs = measured.runs.get(way).map_or(&[][..], Vec::as_slice);
            let mut times = Vec::new();
            for run in runs {
                answered(way, &run.words)?;
                times.push((run.to_mark - Phases::read(&run.words)?.total) / 1e3);
            }
            let said = runs.last().and_then(|run| {
                run.words
                    .lines()
                    .find_map(|line| line.strip_prefix("vmlock-run: devices"))
            });
            Ok((
                median(&times),
                format!("devices{}", said.unwrap_or_default()),
            ))
        };
        let ((native, _), (proxied, said)) = (boots(WAYS[0].0)?, boots(WAYS[1].0)?);
        Ok(Measure::new(
            "eight: boot of Linux with the runner's distributor, part of that with KVM's"
                .to_owned(),
            proxied / native,
            "part",
            BOOT,
            format!(
                "Linux {} on neoverse-n1, in turn, medians of {BOOTS}, from the first guest instruction to /init: \
                 {proxied:.0} ms and {native:.0} ms; {said}",
                self.kernel.version
            ),
        ))
    }

    fn measure(
        &self,
        cpu: &str,
        files: &mut Files,
        before: Option<Job>,
        timer: &str,
        order: &Order,
        limit: Duration,
    ) -> Result<Measured> {
        let inside = format!("{DIR}/order.json");
        files.program(&inside, json(order)?);
        let timing = Job {
            program: timer.to_owned(),
            args: vec!["bench-inside".to_owned(), inside],
        };
        let jobs: Vec<Job> = before.into_iter().chain([timing]).collect();
        let place = Place {
            cpu,
            cpus: 2,
            memory: MEMORY,
            disks: Vec::new(),
            limit,
        };
        let answers = self.in_host(place, files, &jobs)?;
        measured(answers.last().map_or(&[], Vec::as_slice))
    }

    /// Runs jobs in a host; what each of them printed.
    fn in_host(&self, place: Place, files: &Files, jobs: &[Job]) -> Result<Vec<Vec<u8>>> {
        let machine = Machine {
            kernel: self.kernel.clone(),
            cpu: place.cpu.to_owned(),
            cpus: place.cpus,
            memory: place.memory,
            kernel_args: Vec::new(),
            disks: place.disks,
            kept: Vec::new(),
            shares: false,
            bag: None,
            cables: Vec::new(),
            limit: Some(place.limit),
            clock: self.clock,
        };
        let outcome = emulate::run(
            &machine,
            &Work {
                dir: DIR,
                files,
                busybox: &kernels::busybox(self.cache)?,
                jobs,
                results: &[],
                output: Output::Collect,
                console: None,
            },
        )?;
        if let Some((job, ended)) = jobs.iter().zip(&outcome.jobs).find(|(_, e)| e.code != OK) {
            return Err(Failure::environment(format!(
                "nothing could be measured on Linux {}, {}: {} ended with code {}:\n{}",
                self.kernel.version,
                place.cpu,
                job.program,
                ended.code,
                String::from_utf8_lossy(&ended.stderr).trim_end()
            )));
        }
        Ok(outcome.jobs.into_iter().map(|job| job.stdout).collect())
    }

    fn report(
        &self,
        peer: &Peer,
        example: &str,
        cpu: &str,
        measured: &Measured,
    ) -> Result<Vec<Measure>> {
        let runs = |name: &str| -> Result<&[Run]> {
            measured
                .runs
                .get(name)
                .map(Vec::as_slice)
                .ok_or_else(|| Failure::bug(format!("{name} was not run")))
        };
        let to_mark =
            |runs: &[Run]| median(&runs.iter().map(|r| r.to_mark / 1e3).collect::<Vec<_>>());
        let to_end =
            |runs: &[Run]| median(&runs.iter().map(|r| r.to_end / 1e3).collect::<Vec<_>>());
        let (ours, theirs) = (runs(OURS)?, runs(THEIRS)?);
        let phases: Vec<Phases> = ours
            .iter()
            .map(|run| Phases::read(&run.words))
            .collect::<Result<_>>()?;
        let clock = match self.clock {
            Clock::Real => "real time",
            Clock::Instructions => "2 ns for each instruction of the host",
        };
        let host = format!("Linux {} on {cpu}, {clock}", self.kernel.version);
        let of =
            |pick: &dyn Fn(&Phases) -> f64| median(&phases.iter().map(pick).collect::<Vec<_>>());
        Ok(vec![
            Measure::new(
                format!("{example}: enforce and verify, part of the start"),
                of(&|p| (p.phase("enforce").1 + p.phase("verify").1) / p.total),
                "part",
                SHARE,
                format!(
                    "{host}: {} ioctls; {}",
                    of(&|p| p.phase("enforce").0 + p.phase("verify").0),
                    Phases::words(&phases)
                ),
            ),
            Measure::new(
                format!("{example}: first guest instruction, part of QEMU's time"),
                to_mark(ours) / to_mark(theirs),
                "part",
                START,
                format!(
                    "{host}, in turn, medians of {}: vmlock-run {:.1} ms, QEMU {} {:.1} ms; to the end of the \
                     process {:.1} and {:.1} ms",
                    self.runs,
                    to_mark(ours),
                    peer.version(),
                    to_mark(theirs),
                    to_end(ours),
                    to_end(theirs)
                ),
            ),
            Measure::new(
                format!("{example}: memory of vmlock-run beyond the guest's"),
                measured.resident as f64 / MIB,
                "MiB",
                RESIDENT,
                format!("{host}: resident while the guest runs"),
            ),
        ])
    }
}

/// A host of the bench.
struct Place<'a> {
    cpu: &'a str,
    cpus: u32,
    /// MiB.
    memory: u32,
    disks: Vec<PathBuf>,
    limit: Duration,
}

/// An order, for who carries it out in a host.
fn json(order: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(order).map_err(|e| Failure::bug(format!("cannot write the order: {e}")))
}

/// What came of an order.
fn measured<T: DeserializeOwned>(answer: &[u8]) -> Result<T> {
    serde_json::from_slice(answer)
        .map_err(|e| Failure::bug(format!("what was measured cannot be read: {e}")))
}

/// What has to be known of a lock.
struct Vm {
    kernel: String,
    initrd: Option<String>,
    command_line: String,
    /// Where a byte has to be written to be sent.
    uart: u32,
    /// Where guest memory begins.
    base: u64,
    /// Bytes of it.
    memory: u64,
    cpus: usize,
}

impl Vm {
    fn read(lock: &[u8]) -> Result<Self> {
        let lock: Value = serde_json::from_slice(lock)
            .map_err(|e| Failure::bug(format!("a lock that is no JSON: {e}")))?;
        let text = |place: &str| lock.pointer(place).and_then(Value::as_str);
        // Version 1 of the lock has nothing but its path.
        let file = |what: &str| {
            let place = format!("/boot/{what}");
            text(&format!("{place}/path")).or(text(&place))
        };
        let number = |value: Option<&Value>| {
            u64::from_str_radix(value?.as_str()?.strip_prefix("0x")?, 16).ok()
        };
        let machine = &lock["machine"];
        let uart = machine["devices"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|device| {
                let kind = device["kind"].as_str();
                kind.is_some_and(|kind| kind.starts_with("16550"))
            })
            .and_then(|device| number(device.pointer("/range/base")))
            .and_then(|base| u32::try_from(base).ok());
        let vm = || {
            Some(Self {
                kernel: file("kernel")?.to_owned(),
                initrd: file("initrd").map(str::to_owned),
                command_line: text("/boot/cmdline").unwrap_or_default().to_owned(),
                uart: uart?,
                base: number(machine.pointer("/memory/base"))?,
                memory: number(machine.pointer("/memory/size"))?,
                cpus: machine["vcpus"].as_array()?.len(),
            })
        };
        vm().ok_or_else(|| {
            Failure::bug(
                "a lock without boot files, a 16550, memory or vCPUs where they are expected",
            )
        })
    }

    /// The same machine in QEMU, as far as QEMU has it. `place` is where its files are.
    fn qemu(&self, place: &str) -> Vec<String> {
        let mut command: Vec<String> = [
            peer::PROGRAM,
            "-M",
            "virt,gic-version=3",
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-monitor",
            "none",
            "-serial",
            "stdio",
            "-no-reboot",
        ]
        .map(str::to_owned)
        .to_vec();
        let mut add = |flag: &str, value: String| command.extend([flag.to_owned(), value]);
        add("-smp", self.cpus.to_string());
        add("-m", (self.memory >> 20).to_string());
        add("-kernel", format!("{DIR}/{place}/{}", self.kernel));
        if let Some(initrd) = &self.initrd {
            add("-initrd", format!("{DIR}/{place}/{initrd}"));
        }
        add("-append", self.command_line.clone());
        command
    }
}

/// Whether that one answered for the distributor who was to: a runner that never did would be as fast as KVM.
fn answered(way: &str, words: &str) -> Result<()> {
    let exits = interrupts::counts(words)["exits"].as_u64();
    match (way == WAYS[0].0, exits) {
        (true, Some(0)) | (false, Some(1..)) => Ok(()),
        _ => Err(Failure::environment(format!(
            "the distributor was to be the {way}'s, and vmlock-run answered {} accesses to it",
            exits.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string())
        ))),
    }
}

/// The middle one; of an even number the mean of both.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

fn print(measures: &[Measure], met: bool, format: Format) -> Result<()> {
    let table = |separator: &str| -> Result<()> {
        for m in measures {
            tell(format_args!(
                "{separator}{:<8}{separator}{:<62}{separator}{:>14}{separator}{:>14}{separator}{:>6.2} of the limit{separator}",
                if m.met { "met" } else { "NOT MET" },
                m.name,
                m.worded(m.value),
                m.worded(m.limit),
                m.ratio,
            ))?;
            if separator.is_empty() {
                tell(format_args!("        {}\n", m.detail))?;
            }
        }
        Ok(())
    };
    match format {
        Format::Human => table("")?,
        Format::Markdown => {
            tell("| | | measured | limit | ratio |\n|---|---|---|---|---|")?;
            table(" | ")?;
        }
        Format::Json => {
            let text = serde_json::to_string_pretty(&serde_json::json!({
                "met": met,
                "measures": measures,
            }))
            .map_err(|e| Failure::bug(format!("cannot write the figures: {e}")))?;
            tell(text)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).is_nan());
        let measure = |value| Measure::new(String::new(), value, "ms", 15.0, String::new());
        // What could not be measured meets no limit.
        assert!(measure(15.0).met && !measure(15.1).met && !measure(f64::NAN).met);
    }

    #[test]
    fn a_distributor_that_nobody_answered_for_is_not_measured() {
        let words = |exits: u32| format!("{{\"interruptController\":{{\"exits\":{exits}}}}}\n");
        let [(native, _), (proxied, _)] = WAYS;
        assert!(answered(native, &words(0)).is_ok() && answered(proxied, &words(9)).is_ok());
        assert!(answered(native, &words(9)).is_err() && answered(proxied, &words(0)).is_err());
        assert!(answered(native, "").is_err() && answered(proxied, "").is_err());
    }

    #[test]
    fn packages_are_counted_once() {
        let tree = "a v1 (/src/a)\nb v1\nc v2\nb v1 (*)\nc v3\n\n";
        assert_eq!(count_packages(tree), 4);
    }

    #[test]
    fn a_lock_says_what_qemu_is_to_start() {
        let lock = br#"{"boot": {"kernel": "guest/Image", "cmdline": "quiet"}, "machine": {"memory":
            {"base": "0x40000000", "size": "0x0000000010000000"}, "vcpus": [{}, {}],
            "devices": [{"kind": "pl031", "range": {"base": "0x1"}}, {"kind": "16550", "range": {"base": "0x09000000"}}]}}"#;
        let vm = Vm::read(lock).unwrap();
        assert_eq!((vm.uart, vm.memory, vm.cpus), (0x0900_0000, 256 << 20, 2));
        let command = vm.qemu(THEIRS).join(" ");
        assert!(
            command.contains("-m 256 -kernel /bench/qemu/guest/Image -append quiet"),
            "{command}"
        );
        assert!(Vm::read(b"{}").is_err());
    }
}
