//! One verb in each file.

#[cfg(feature = "torture")]
pub mod accesses;
pub mod audit;
pub mod check;
pub mod jail;
#[cfg(feature = "torture")]
pub mod moments;
#[cfg(feature = "torture")]
pub mod mutate;
pub mod probe;
pub mod start;
#[cfg(feature = "torture")]
pub mod torture;

use crate::control::{self, client, migrator, saver};
use crate::cores::Cores;
use crate::failure::{Failure, exit};
use crate::files::read_lock;
use crate::flags::{self, Parsed};
use crate::host::probe::{Scope, probe};
use crate::jail::elders::Elders;
use crate::kvm::{self, Kick, System};
use crate::memory;
use crate::say;
use crate::signals;
use std::path::Path;
use vmlock_run_flags::OVERCOMMIT;
use vmlock_spec::lock::{Device, Lock};
use vmlock_spec::mitigation::{self, Mitigation};
use vmlock_spec::plan::{Emulation, Plan, Way, plan_with};

/// Runs a command and returns its exit code.
///
/// # Errors
/// Why there is no result.
pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    Kick::install()?;
    // Whose guest is jailed begins otherwise.
    if !matches!(parsed.verb, "start" | start::RESTORE | start::RECEIVE) {
        signals::end_the_process(&mut Elders::free())?;
    }
    match parsed.verb {
        "probe" => probe::run(parsed),
        "check" => check::run(parsed),
        "audit" => audit::run(parsed),
        "start" | start::RESTORE | start::RECEIVE => start::run(parsed),
        control::MIGRATE => migrator::run(parsed),
        control::SAVE => saver::run(parsed),
        verb if control::VERBS.contains(&verb) => client::run(parsed),
        "jail" => jail::run(parsed),
        #[cfg(feature = "torture")]
        "accesses" => accesses::run(parsed),
        #[cfg(feature = "torture")]
        "moments" => moments::run(parsed),
        #[cfg(feature = "torture")]
        "mutate" => mutate::run(parsed),
        #[cfg(feature = "torture")]
        "torture" => torture::run(parsed),
        "completions" => {
            say::println(&flags::completions(&parsed.argument)?)?;
            Ok(exit::OK)
        }
        other => Err(Failure::usage(
            format!("there is no command `{other}`"),
            &[],
        )),
    }
}

/// Opens `/dev/kvm`, on CPUs that are the same wherever a thread runs.
fn open() -> Result<System, Failure> {
    Cores::hold()?;
    usable(System::open())
}

/// An open `/dev/kvm`, or why there is none.
fn usable(opened: kvm::Result<System>) -> Result<System, Failure> {
    opened.map_err(|error| {
        let help: &[&str] = match error.errno {
            libc::ENOENT => &[
                "this kernel has no KVM, or it is a guest without nested virtualisation",
                "`vmlock-lab run --kernel 6.12 -- …` runs the same command in an emulated host",
            ],
            libc::EACCES | libc::EPERM => {
                &["add yourself to the group that owns /dev/kvm (often `kvm`)"]
            }
            _ => &[],
        };
        Failure::environment(format!("KVM cannot be used: {error}"), help)
    })
}

/// The lock that the command line names, and how this host keeps it.
///
/// # Errors
/// What the plan refuses, all at once; a lock or a host that cannot be used.
fn kept_here(parsed: &Parsed) -> Result<(System, Lock, Plan), Failure> {
    let lock = read_lock(Path::new(&parsed.argument))?;
    afforded(parsed, &lock)?;
    let system = open()?;
    let planned = Planned::new(&system, &lock, &Scope::For(&lock), emulation(parsed)?)?;
    say_withheld(&planned.withheld);
    let plan = planned.kept()?;
    Ok((system, lock, plan))
}

/// Whether the host has the machine's memory, or need not have it.
///
/// # Errors
/// The refusal.
fn afforded(parsed: &Parsed, lock: &Lock) -> Result<(), Failure> {
    let wanted = lock.machine.memory.size;
    match memory::beyond(wanted, memory::of_host()?) {
        Some(refusal) if !parsed.has(OVERCOMMIT.long) => Err(Failure::Refused(vec![refusal])),
        _ => Ok(()),
    }
}

/// Whether the command line lets the runner answer in the kernel's place.
fn emulation(parsed: &Parsed) -> Result<Emulation, Failure> {
    let flags = [
        ("native", Emulation::Forbidden),
        ("emulate-gic", Emulation::Preferred),
        ("emulate-calls", Emulation::PreferredCalls),
    ];
    let given: Vec<_> = flags.iter().filter(|(flag, _)| parsed.has(flag)).collect();
    match given[..] {
        [] => Ok(Emulation::Allowed),
        [(_, emulation)] => Ok(*emulation),
        [(one, _), (other, _), ..] => Err(Failure::usage(
            format!("`--{one}` and `--{other}` contradict each other"),
            &["give one of them"],
        )),
    }
}

/// What of this host decides about the lock, as far as the scope goes.
struct Planned {
    plan: Plan,
    /// What the lock withholds from its guest, though this host would tell it.
    withheld: Vec<&'static Mitigation>,
}

impl Planned {
    fn new(
        system: &System,
        lock: &Lock,
        scope: &Scope,
        emulation: Emulation,
    ) -> Result<Self, Failure> {
        let report = probe(system, scope)?;
        Ok(Self {
            plan: plan_with(lock, &report, emulation),
            withheld: mitigation::withheld_on(lock, &report),
        })
    }

    /// The plan.
    ///
    /// # Errors
    /// What it refuses, all at once.
    fn kept(self) -> Result<Plan, Failure> {
        match self.plan.refusals.is_empty() {
            true => Ok(self.plan),
            false => Err(Failure::Refused(self.plan.refusals)),
        }
    }
}

/// Says by name what protects a guest and is not told to it.
fn say_withheld(withheld: &[&Mitigation]) {
    if !withheld.is_empty() {
        say::note(format_args!(
            "the guest is not told what protects it on this host: {}",
            mitigation::words(withheld)
        ));
    }
}

/// Devices of which `start` opens what stands behind them, which only then is known to be what the lock says.
fn unopened(lock: &Lock) -> Vec<&str> {
    let virtio = |device: &&Device| {
        let parts = device.virtio.as_ref();
        parts.is_some_and(|v| v.block.is_some() || v.net.is_some() || v.vsock.is_some())
    };
    let devices = lock.machine.devices.iter().filter(virtio);
    devices.map(|device| device.name.as_str()).collect()
}

/// The same in words, where there are some.
fn not_opened(devices: &[&str]) -> String {
    match devices {
        [] => String::new(),
        devices => format!(
            "not looked at: the files, taps and sockets of {}; `start` opens them, and may refuse\n",
            devices.join(", ")
        ),
    }
}

/// How many entries are kept in which way, in the order of [`Way`].
fn counts(plan: &Plan) -> Vec<(Way, usize)> {
    Way::ALL
        .map(|way| (way, plan.keeps.iter().filter(|k| k.way == way).count()))
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
}
