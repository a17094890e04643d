//! What a host's kernel counts: exits of KVM's vCPUs, and system calls of a process.

use crate::cache;
use crate::failure::{Failure, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Where KVM counts exits of all guests (virt/kvm/kvm_main.c `kvm_init_debug`).
const EXITS: &str = "/sys/kernel/debug/kvm/exits";
/// The tracepoint of all system calls, and a histogram of it by thread and call
/// (Documentation/trace/histogram.rst).
const CALLS: &str = "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter";
const HISTOGRAM: &str = "hist:keys=common_pid,id.syscall:size=8192";
/// The tracepoint of a vCPU that enters its guest (arch/arm64/kvm/trace_arm.h), and what ends the counting there: where the
/// guest's program counter is one of its memory's addresses. The witness's look at it is at none of them.
const ENTRIES: &str = "/sys/kernel/debug/tracing/events/kvm/kvm_entry";
const UNTIL: &str = "disable_hist:raw_syscalls:sys_enter";
/// How the histogram is said to count no more.
const PAUSED: &str = "[paused]";
/// How long a guest may take that is about to run.
const SOON: Duration = Duration::from_secs(10);

/// System calls, by name.
pub type Calls = BTreeMap<String, u64>;

/// How often something happened.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Exits of vCPUs to the host's kernel.
    pub exits: u64,
    /// System calls, by name.
    pub calls: Calls,
}

impl Counts {
    /// What has happened since.
    pub fn since(&self, before: &Self) -> Self {
        let calls = self.calls.iter().map(|(name, count)| {
            let before = before.calls.get(name).unwrap_or(&0);
            (name.clone(), count.saturating_sub(*before))
        });
        Self {
            exits: self.exits.saturating_sub(before.exits),
            calls: calls.filter(|(_, count)| *count > 0).collect(),
        }
    }
}

/// Counters at work, until dropped.
pub struct Counters {
    /// Whether the first instruction of a guest's own ends it.
    until_a_guest_runs: bool,
}

impl Counters {
    /// Has system calls counted.
    ///
    /// # Errors
    /// The kernel has no such counters.
    pub fn start() -> Result<Self> {
        let counters = Self {
            until_a_guest_runs: false,
        };
        trigger(CALLS, HISTOGRAM)?;
        // KVM must have something to count.
        cache::read(Path::new(EXITS)).map(|_| counters)
    }

    /// Has system calls counted until any vCPU enters its guest's own code, which is in the memory that begins at that address and
    /// has no translation.
    ///
    /// # Errors
    /// The kernel has no such counters.
    pub fn until_a_guest_runs(memory: u64) -> Result<Self> {
        let mut counters = Self::start()?;
        trigger(ENTRIES, &until(memory))?;
        counters.until_a_guest_runs = true;
        Ok(counters)
    }

    /// The system calls of a process, and of all that began later, once none is counted any more: of threads that have ended as
    /// well, and not of those.
    ///
    /// # Errors
    /// There are none, or counting does not end.
    pub fn calls_since(&self, process: u32, but: &[u32]) -> Result<Calls> {
        let begun = Instant::now();
        let histogram = loop {
            let histogram = cache::read(&Path::new(CALLS).join("hist"))?;
            let histogram = String::from_utf8_lossy(&histogram).into_owned();
            if has_ended(&histogram) {
                break histogram;
            }
            if begun.elapsed() > SOON {
                return Err(Failure::environment(
                    "a guest was to run its own code, and no vCPU has entered it",
                ));
            }
            thread::sleep(Duration::from_millis(1));
        };
        let of = |task| task >= process && !but.contains(&task);
        let calls = calls(&histogram, of);
        match calls.is_empty() {
            false => Ok(calls),
            true => Err(Failure::environment("no system call was counted")),
        }
    }

    /// The counts of a process as they are now.
    ///
    /// # Errors
    /// There are none.
    pub fn now(&self, process: u32) -> Result<Counts> {
        let text = |path: &Path| -> Result<String> {
            Ok(String::from_utf8_lossy(&cache::read(path)?).into_owned())
        };
        let exits = text(Path::new(EXITS))?;
        let tasks = tasks(process)?;
        Ok(Counts {
            exits: exits
                .trim()
                .parse()
                .map_err(|_| Failure::environment(format!("{EXITS} says {exits:?}")))?,
            calls: calls(&text(&Path::new(CALLS).join("hist"))?, |task| {
                tasks.contains(&task)
            }),
        })
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        // Where it cannot be taken back, the next guest is slower, and everybody's.
        if self.until_a_guest_runs {
            let _ = trigger(ENTRIES, &format!("!{UNTIL}"));
        }
        let _ = trigger(CALLS, &format!("!{HISTOGRAM}"));
    }
}

/// The threads of a process.
///
/// # Errors
/// It has gone.
pub fn tasks(process: u32) -> Result<Vec<u32>> {
    let tasks = format!("/proc/{process}/task");
    let all = fs::read_dir(&tasks).map_err(|e| Failure::file("list", Path::new(&tasks), &e))?;
    let number = |name: std::ffi::OsString| name.into_string().ok()?.parse().ok();
    Ok(all
        .filter_map(|task| number(task.ok()?.file_name()))
        .collect())
}

/// What ends the counting at the first entry into a guest whose memory begins there.
fn until(memory: u64) -> String {
    format!("{UNTIL} if vcpu_pc >= {memory:#x}")
}

/// Whether a histogram counts no more.
fn has_ended(histogram: &str) -> bool {
    histogram.lines().any(|line| line.ends_with(PAUSED))
}

/// Tells a tracepoint what to do.
fn trigger(tracepoint: &str, text: &str) -> Result<()> {
    let path = Path::new(tracepoint).join("trigger");
    fs::write(&path, text).map_err(|e| Failure::file("write", &path, &e))
}

/// The calls of some threads in a histogram: `{ common_pid: 7, id: sys_read [ 63] } hitcount: 5`.
fn calls(histogram: &str, of: impl Fn(u32) -> bool) -> Calls {
    let mut calls = BTreeMap::new();
    for line in histogram.lines() {
        let entry = || {
            let (keys, count) = line.split_once("} hitcount:")?;
            let (pid, id) = keys.split_once("common_pid:")?.1.split_once(',')?;
            let pid: u32 = pid.trim().parse().ok()?;
            let name = id.split_once("id:")?.1.split('[').next()?.trim();
            let name = name.strip_prefix("sys_").unwrap_or(name).to_owned();
            let count: u64 = count.trim().parse().ok()?;
            of(pid).then_some((name, count))
        };
        if let Some((name, count)) = entry() {
            *calls.entry(name).or_default() += count;
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the words of Linux 6.12.
    #[test]
    fn counting_ends_in_the_guests_own_code_and_is_seen_to_have_ended() {
        assert_eq!(
            until(0x4000_0000),
            "disable_hist:raw_syscalls:sys_enter if vcpu_pc >= 0x40000000"
        );
        let of = |state: &str| {
            format!(
                "# event histogram\n#\n# trigger info: hist:keys=common_pid,id.syscall:vals=hitcount:sort=hitcount:size=8192 \
                 [{state}]\n#\n\n{{ common_pid: 12, id: sys_read [ 63] }} hitcount: 5\n"
            )
        };
        assert!(has_ended(&of("paused")) && !has_ended(&of("active")));
    }

    #[test]
    fn the_calls_of_a_process_are_found_and_no_others() {
        let histogram = "# event histogram\n#\n\n\
            { common_pid:         12, id: sys_read                       [ 63] } hitcount:          5\n\
            { common_pid:         13, id: sys_read                       [ 63] } hitcount:          2\n\
            { common_pid:         14, id: sys_write                      [ 64] } hitcount:          9\n\n\
            Totals:\n    Hits: 16\n";
        let calls = calls(histogram, |task| [12, 13].contains(&task));
        assert_eq!(calls, BTreeMap::from([("read".to_owned(), 7)]));
        let [now, before] = [(9, 7), (4, 3)].map(|(exits, read)| Counts {
            exits,
            calls: BTreeMap::from([("read".to_owned(), read), ("ioctl".to_owned(), 1)]),
        });
        let since = now.since(&before);
        assert_eq!((since.exits, since.calls.len()), (5, 1));
    }
}
