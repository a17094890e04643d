//! The CPUs that this program runs on: all of one kind, and no others.
//!
//! KVM up to 6.14 gives a guest the MIDR_EL1 and REVIDR_EL1 of whichever CPU its thread is on
//! (arch/arm64/kvm/hyp/include/hyp/sysreg-sr.h: VPIDR_EL2), and CTR_EL0, DCZID_EL0 and what instructions do are
//! never anything else. On a host with two kinds of CPUs, everything that was probed, read back and looked at
//! from inside on one kind would be wrong after the scheduler has moved a thread to the other. So those that it
//! may run on are judged, and every thread is held to them, whatever comes online later. What can let them go all
//! the same is looked for while a guest runs ([`watch`]).

pub mod watch;

use crate::failure::Failure;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};

/// Where Linux tells what CPU `n` is (Documentation/ABI/testing/sysfs-devices-system-cpu).
const CPUS: &str = "/sys/devices/system/cpu";

/// What Linux tells of a cache, by the names of its files. A file that is not there is as good as any
/// other content: no firmware says more.
const CACHE: [&str; 6] = [
    "level",
    "type",
    "size",
    "ways_of_associativity",
    "number_of_sets",
    "coherency_line_size",
];
/// The most caches that are looked for: CLIDR_EL1 names seven levels, each at most twice.
const CACHES: usize = 14;

/// What tells one kind of CPU from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    midr: u64,
    revidr: u64,
    /// One line for each cache.
    caches: Vec<String>,
}

impl Kind {
    /// What CPU `cpu` is; `None` where that cannot be told, as of one that is offline.
    fn of(cpu: usize) -> Option<Self> {
        let folder = open(AT_FDCWD, &format!("{CPUS}/cpu{cpu}"))?;
        let registers = open(&folder, "regs/identification")?;
        let register = |name: &str| {
            let text = attribute(&registers, name)?;
            u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()
        };
        Some(Self {
            midr: register("midr_el1")?,
            revidr: register("revidr_el1")?,
            caches: (0..CACHES)
                .map_while(|index| cache(&folder, index))
                .collect(),
        })
    }
}

/// One of a CPU's caches in a line; `None` where Linux knows of no such one.
fn cache(cpu: &OwnedFd, index: usize) -> Option<String> {
    let folder = open(cpu, &format!("cache/index{index}"))?;
    let level = attribute(&folder, CACHE[0])?;
    let mut words = format!("{} {level}", CACHE[0]);
    for file in &CACHE[1..] {
        if let Some(text) = attribute(&folder, file) {
            let _ = write!(words, " {file} {text}");
        }
    }
    Some(words)
}

/// The folder of all CPUs, for a thread that can look nowhere else afterwards.
pub fn folder() -> Option<OwnedFd> {
    open(AT_FDCWD, CPUS)
}

/// A folder of sysfs. There are a dozen files for each CPU before every start, so each is looked for in its own folder,
/// and not from the root on.
fn open(from: impl AsFd, path: &str) -> Option<OwnedFd> {
    let folder = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    openat(from, path, folder, Mode::empty()).ok()
}

/// What a file of it says. It is read by one call: a file of sysfs has a page at most, and gives all of it at once.
fn attribute(folder: &OwnedFd, name: &str) -> Option<String> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty()).ok()?;
    let mut text = [0; 4096];
    let size = File::from(file).read(&mut text).ok()?;
    Some(str::from_utf8(&text[..size]).ok()?.trim().to_owned())
}

/// Its registers; with `{:#}` its caches too.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            midr,
            revidr,
            caches,
        } = self;
        write!(f, "MIDR_EL1 {midr:#010x} and REVIDR_EL1 {revidr:#x}")?;
        match f.alternate() {
            true => write!(f, " and caches ({})", caches.join(", ")),
            false => Ok(()),
        }
    }
}

impl Kind {
    /// What tells it from another one.
    fn beside(&self, other: &Self) -> String {
        match (self.midr, self.revidr) == (other.midr, other.revidr) {
            true => format!("{self:#}"),
            false => self.to_string(),
        }
    }
}

/// CPUs of one kind, to which this program's threads are held.
#[derive(Clone, Debug)]
pub struct Cores {
    cpus: BTreeSet<usize>,
    kind: Kind,
}

impl Cores {
    /// Holds this thread, all others there are, and all that it will start, to the CPUs that it may run on now.
    ///
    /// # Errors
    /// They are of several kinds, what they are cannot be told, or Linux does not hold the thread to them.
    pub fn hold() -> Result<Self, Failure> {
        let unheld = |why: &dyn fmt::Display| {
            Failure::environment(
                format!(
                    "this program's threads cannot be held to the CPUs that they are on: {why}"
                ),
                &[],
            )
        };
        let this = Pid::from_raw(0);
        let allowed = allowed(this).map_err(|e| unheld(&e))?;
        let cores = judge(&allowed, Kind::of)?;
        bind(this, &cores.cpus).map_err(|e| unheld(&e))?;
        // What was started before runs no vCPU; it is held all the same, so that nothing of this process is elsewhere.
        for thread in fs::read_dir("/proc/self/task")
            .into_iter()
            .flatten()
            .flatten()
        {
            if let Some(number) = thread.file_name().to_str().and_then(|n| n.parse().ok()) {
                // One that has ended in between needs no holding.
                let _ = bind(Pid::from_raw(number), &cores.cpus);
            }
        }
        let held = self::allowed(this).map_err(|e| unheld(&e))?;
        match held.is_subset(&cores.cpus) {
            true => Ok(cores),
            false => Err(unheld(&format_args!(
                "they were to be {}, and are {}",
                list(&cores.cpus),
                list(&held)
            ))),
        }
    }
}

/// Their numbers and their kind; with `{:#}` everything that tells kinds apart.
impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CPUs {} with ", list(&self.cpus))?;
        self.kind.fmt(f)
    }
}

/// The CPUs that are online and that a thread may run on.
fn allowed(thread: Pid) -> nix::Result<BTreeSet<usize>> {
    let set = sched_getaffinity(thread)?;
    Ok((0..CpuSet::count())
        .filter(|cpu| set.is_set(*cpu).unwrap_or(false))
        .collect())
}

/// Lets a thread run on these CPUs alone. Success proves nothing.
fn bind(thread: Pid, cpus: &BTreeSet<usize>) -> nix::Result<()> {
    let mut set = CpuSet::new();
    cpus.iter().try_for_each(|cpu| set.set(*cpu))?;
    sched_setaffinity(thread, &set)
}

/// CPU numbers as `taskset` takes them.
fn list(cpus: &BTreeSet<usize>) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &cpu in cpus {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => ranges.push((cpu, cpu)),
        }
    }
    let word = |(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    ranges.iter().map(word).collect::<Vec<_>>().join(",")
}

/// Compares the CPUs. One of which nothing can be told is left out: it has just gone offline, or nobody knows it.
fn judge(
    allowed: &BTreeSet<usize>,
    kind: impl Fn(usize) -> Option<Kind>,
) -> Result<Cores, Failure> {
    let mut kinds: BTreeMap<Kind, BTreeSet<usize>> = BTreeMap::new();
    for &cpu in allowed {
        if let Some(kind) = kind(cpu) {
            kinds.entry(kind).or_default().insert(cpu);
        }
    }
    let registers: BTreeSet<(u64, u64)> = kinds.keys().map(|k| (k.midr, k.revidr)).collect();
    let words: Vec<String> = kinds
        .iter()
        .map(|(kind, cpus)| match registers.len() == kinds.len() {
            true => format!("CPUs {} have {kind}", list(cpus)),
            false => format!("CPUs {} have {kind:#}", list(cpus)),
        })
        .collect();
    let count = kinds.len();
    match kinds.pop_first() {
        None => Err(Failure::environment(
            format!(
                "what CPUs this host has cannot be read below {CPUS}: they may be of several kinds"
            ),
            &["mount /sys"],
        )),
        Some((kind, cpus)) if count == 1 => Ok(Cores { cpus, kind }),
        Some((_, cpus)) => Err(Failure::environment(
            format!(
                "this host has CPUs of {count} kinds, and a guest would see the one that it happens to run on: {}",
                words.join("; ")
            ),
            &[&format!(
                "let it run on CPUs of one kind only: taskset --cpu-list {} vmlock-run …",
                list(&cpus)
            )],
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(midr: u64, caches: &[&str]) -> Option<Kind> {
        Some(Kind {
            midr,
            revidr: 0,
            caches: caches.iter().map(|c| format!("level 1 size {c}")).collect(),
        })
    }

    /// CPUs 0 and 1 are alike, 2 is another, 3 is offline, and 4 has a smaller cache.
    fn kinds(cpu: usize) -> Option<Kind> {
        match cpu {
            0 | 1 => kind(0x410f_d034, &["64K"]),
            2 => kind(0x410f_d083, &["64K"]),
            4 => kind(0x410f_d034, &["32K"]),
            _ => None,
        }
    }

    fn judged(cpus: &[usize]) -> Result<Cores, Failure> {
        judge(&cpus.iter().copied().collect(), kinds)
    }

    fn refusal(cpus: &[usize]) -> String {
        match judged(cpus) {
            Err(Failure::Environment(trouble)) => {
                format!("{} {}", trouble.message, trouble.help.join(" "))
            }
            other => panic!("{cpus:?}: {other:?}"),
        }
    }

    #[test]
    fn lists_are_what_taskset_takes() {
        let of = |cpus: &[usize]| list(&cpus.iter().copied().collect());
        assert_eq!(of(&[0, 1, 2, 5]), "0-2,5");
        assert_eq!(of(&[7]), "7");
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn cpus_of_two_kinds_are_refused_and_unknown_ones_are_left_out() {
        let cores = judged(&[0, 1, 3]).expect("both are of one kind");
        assert_eq!(cores.cpus, BTreeSet::from([0, 1]));
        assert!(judged(&[2]).is_ok());
        let words = refusal(&[0, 1, 2]);
        assert!(words.contains("CPUs of 2 kinds"), "{words}");
        assert!(words.contains("--cpu-list 0-1 "), "{words}");
        assert!(!words.contains("64K"), "{words}");
        assert!(refusal(&[3]).contains("cannot be read"));
    }

    #[test]
    fn cpus_that_differ_in_their_caches_alone_are_of_two_kinds() {
        let words = refusal(&[0, 4]);
        assert!(words.contains("32K") && words.contains("64K"), "{words}");
    }

    #[test]
    fn this_thread_is_held_to_what_it_was_judged_on() {
        let before = allowed(Pid::from_raw(0)).expect("Linux tells");
        let first: BTreeSet<usize> = before.iter().copied().take(1).collect();
        bind(Pid::from_raw(0), &first).expect("one of them is allowed");
        assert_eq!(allowed(Pid::from_raw(0)).expect("Linux tells"), first);
        let child = std::thread::spawn(|| allowed(Pid::from_raw(0)));
        let child = child.join().expect("it ends").expect("Linux tells");
        assert_eq!(child, first);
    }
}
