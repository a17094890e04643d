//! Looks whether a guest's threads are still on the CPUs that were judged.
//!
//! Linux lets a thread go from the CPUs that it was held to when the last of them goes offline
//! (`select_fallback_rq`, kernel/sched/core.c), and when its cpuset is changed (up to 6.1 a change overrides what
//! the thread asked for: `update_tasks_cpumask`, kernel/cgroup/cpuset.c). Nothing tells of either, so it is looked
//! for now and then: one cheap call for each thread.

use super::{Cores, Kind, allowed, bind, list};
use nix::errno::Errno;
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::process;
use std::time::Duration;

/// How often it is looked.
pub const PERIOD: Duration = Duration::from_millis(250);

/// What a look found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Every thread is on CPUs of the kind that was judged.
    Held,
    /// A thread was let go to a CPU of another kind, and is held again: words about it.
    Caught(String),
    /// A thread may run on a CPU of another kind, and cannot be held: words about it.
    Loose(String),
}

/// What has to be asked of Linux.
trait Scheduler {
    fn allowed(&self, thread: Pid) -> nix::Result<BTreeSet<usize>>;
    fn bind(&self, thread: Pid, cpus: &BTreeSet<usize>);
    fn kind(&self, cpu: usize) -> Option<Kind>;
}

struct Linux;

impl Scheduler for Linux {
    fn allowed(&self, thread: Pid) -> nix::Result<BTreeSet<usize>> {
        allowed(thread)
    }
    fn bind(&self, thread: Pid, cpus: &BTreeSet<usize>) {
        // What came of it is looked at.
        let _ = bind(thread, cpus);
    }
    fn kind(&self, cpu: usize) -> Option<Kind> {
        Kind::of(cpu)
    }
}

impl Cores {
    /// Looks at these threads, and takes those that were let go back where they can be.
    pub fn look(&self, threads: &[Pid]) -> Found {
        self.look_with(threads, &Linux)
    }

    fn look_with(&self, threads: &[Pid], scheduler: &impl Scheduler) -> Found {
        let mut strange = BTreeMap::new();
        let mut loose = false;
        for &thread in threads {
            let astray = || -> Option<BTreeSet<usize>> {
                match scheduler.allowed(thread) {
                    Ok(cpus) => Some(cpus.difference(&self.cpus).copied().collect()),
                    // It has ended.
                    Err(Errno::ESRCH) => Some(BTreeSet::new()),
                    Err(_) => None,
                }
            };
            match astray() {
                Some(cpus) if cpus.is_empty() => continue,
                Some(cpus) => strange.extend(self.strange(&cpus, scheduler)),
                None => loose = true,
            }
            scheduler.bind(thread, &self.cpus);
            loose |= astray().is_none_or(|cpus| !self.strange(&cpus, scheduler).is_empty());
        }
        let words = || {
            let strange: Vec<String> = strange
                .iter()
                .map(|(cpu, kind)| match kind {
                    Some(kind) => format!("CPU {cpu} with {}", kind.beside(&self.kind)),
                    None => format!("CPU {cpu}, of which nothing is known"),
                })
                .collect();
            match strange.is_empty() {
                true => "its threads may run on CPUs that cannot be told".to_owned(),
                false => format!("its threads were let run on {}", strange.join(", ")),
            }
        };
        match (loose, strange.is_empty()) {
            (false, true) => Found::Held,
            (false, false) => Found::Caught(format!(
                "{}; they are held to CPUs {} again",
                words(),
                list(&self.cpus)
            )),
            (true, _) => Found::Loose(format!(
                "{}, and it was started on {self}; let them run on those alone: taskset --all-tasks --pid \
                 --cpu-list {} {}",
                words(),
                list(&self.cpus),
                process::id()
            )),
        }
    }

    /// Those of the CPUs that are of another kind, or of one that cannot be told.
    fn strange(
        &self,
        cpus: &BTreeSet<usize>,
        scheduler: &impl Scheduler,
    ) -> BTreeMap<usize, Option<Kind>> {
        let kinds = cpus.iter().map(|&cpu| (cpu, scheduler.kind(cpu)));
        kinds
            .filter(|(_, kind)| kind.as_ref() != Some(&self.kind))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// One thread. CPUs 0 and 1 are of one kind, 2 of another.
    struct Host {
        now: RefCell<nix::Result<BTreeSet<usize>>>,
        /// What a cpuset leaves of whatever is asked for.
        cpuset: BTreeSet<usize>,
    }

    impl Scheduler for Host {
        fn allowed(&self, _: Pid) -> nix::Result<BTreeSet<usize>> {
            self.now.borrow().clone()
        }
        fn bind(&self, _: Pid, cpus: &BTreeSet<usize>) {
            let left: BTreeSet<usize> = cpus.intersection(&self.cpuset).copied().collect();
            if !left.is_empty() {
                *self.now.borrow_mut() = Ok(left);
            }
        }
        fn kind(&self, cpu: usize) -> Option<Kind> {
            (cpu < 3).then(|| kind(u64::from(cpu == 2)))
        }
    }

    fn kind(midr: u64) -> Kind {
        Kind {
            midr,
            revidr: 0,
            caches: Vec::new(),
        }
    }

    fn look(now: nix::Result<&[usize]>, cpuset: &[usize]) -> (Found, nix::Result<BTreeSet<usize>>) {
        let cores = Cores {
            cpus: BTreeSet::from([0]),
            kind: kind(0),
        };
        let set = |cpus: &[usize]| cpus.iter().copied().collect::<BTreeSet<_>>();
        let host = Host {
            now: RefCell::new(now.map(set)),
            cpuset: set(cpuset),
        };
        let found = cores.look_with(&[Pid::from_raw(1)], &host);
        (found, host.now.into_inner())
    }

    #[test]
    fn a_thread_that_stays_is_left_alone() {
        assert_eq!(look(Ok(&[0]), &[0, 1, 2]).0, Found::Held);
        assert_eq!(look(Err(Errno::ESRCH), &[0]).0, Found::Held);
    }

    #[test]
    fn a_thread_that_was_let_go_is_taken_back() {
        let (found, now) = look(Ok(&[0, 2]), &[0, 2]);
        assert!(
            matches!(&found, Found::Caught(words) if words.contains("CPU 2 with MIDR_EL1")),
            "{found:?}"
        );
        assert_eq!(now, Ok(BTreeSet::from([0])));
    }

    #[test]
    fn a_thread_that_cannot_be_taken_back_is_loose_only_on_another_kind() {
        assert_eq!(look(Ok(&[1]), &[1]).0, Found::Held);
        let (found, _) = look(Ok(&[2]), &[2]);
        assert!(
            matches!(&found, Found::Loose(words) if words.contains("--cpu-list 0 ")),
            "{found:?}"
        );
        let (found, _) = look(Ok(&[7]), &[7]);
        assert!(
            matches!(&found, Found::Loose(words) if words.contains("nothing is known")),
            "{found:?}"
        );
        assert!(matches!(look(Err(Errno::EPERM), &[]).0, Found::Loose(_)));
    }
}
