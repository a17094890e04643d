//! A trial: on one host, each lock is audited and checked, and a real guest is started under it.

use crate::cache::Cache;
use crate::cross;
use crate::emulate::{self, Clock, Ended, Files, Job, LAB, Machine, Outcome, Output, Work};
use crate::emulator;
use crate::errand::{self, Errand};
use crate::failure::{Failure, OK, Result};
use crate::guest;
use crate::hibernate;
use crate::job;
use crate::kernels::{self, Kernel};
use crate::matrix::{self, Verdict};
use crate::modules;
use crate::zboot;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What all trials of one run have in common.
pub struct Bench<'a> {
    cache: &'a Cache,
    /// The static arm64 vmlock-run.
    program: PathBuf,
    busybox: Vec<u8>,
    /// The checkout; locks are named relative to it.
    root: PathBuf,
}

/// A host of two CPUs, which is what all trials run on.
pub fn machine(kernel: Kernel, cpu: &str, limit: Duration) -> Machine {
    Machine {
        kernel,
        cpu: cpu.to_owned(),
        cpus: 2,
        memory: 2048,
        kernel_args: Vec::new(),
        disks: Vec::new(),
        kept: Vec::new(),
        shares: false,
        bag: None,
        cables: Vec::new(),
        limit: Some(limit),
        clock: Clock::Real,
    }
}

/// The same, with the kernel of a series.
pub fn host(cache: &Cache, series: &str, cpu: &str, limit: Duration) -> Result<Machine> {
    let kernel = kernels::resolve(cache, &[series.to_owned()], false)?
        .pop()
        .ok_or_else(|| Failure::bug("a kernel was asked for and none was found"))?;
    Ok(machine(kernel, cpu, limit))
}

/// How a lock fared on a host.
#[derive(Debug)]
pub struct Trial {
    /// What the audit found.
    pub verdict: Verdict,
    /// The exit code of `vmlock-run check`.
    pub check: u8,
    /// How `vmlock-run start` ended, where a guest was to be started.
    pub start: Option<Ended>,
}

impl<'a> Bench<'a> {
    /// Builds and fetches what every trial needs. The guests are written anew where they differ: those of an
    /// older lab would be tried without a word.
    pub fn prepare(cache: &'a Cache) -> Result<Self> {
        emulator::ensure(cache, true)?;
        let root = cross::workspace()?;
        let guests = root.join("examples/guest");
        guest::provide(cache, &guests, guest::KERNEL)?;
        zboot::provide(cache, &guests)?;
        hibernate::provide(&guests)?;
        Self::of(cache, root, cross::build(cache, cross::RUNNER)?)
    }

    /// With the runner that is to be tried, and none of the guests: they are there, or are not tried.
    pub fn of(cache: &'a Cache, root: PathBuf, program: PathBuf) -> Result<Self> {
        Ok(Self {
            cache,
            program,
            busybox: kernels::busybox(cache)?,
            root,
        })
    }

    /// The runner that is tried.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What runs the vmlock-run under test with each of these argument lists.
    pub fn errand(&self, cpu: &str, kernel: &str, jobs: &[Vec<&str>]) -> Errand {
        let owned = |args: &Vec<&str>| args.iter().map(|&arg| arg.to_owned()).collect();
        Errand {
            cpu: cpu.to_owned(),
            kernel: kernel.to_owned(),
            program: self.program.clone(),
            by_shell: false,
            with: Vec::new(),
            disks: Vec::new(),
            modules: Vec::new(),
            jobs: jobs.iter().map(owned).collect(),
            limit: errand::LIMIT,
        }
    }

    /// Boots a host and does all errands in it, one after the other. What they name is relative to the checkout.
    pub fn run(&self, host: &Machine, errands: &[&Errand]) -> Result<Outcome> {
        let mut files = Files::default();
        let mut jobs = Vec::new();
        let mut wanted: Vec<&str> = errands
            .iter()
            .flat_map(|errand| errand.modules.iter().map(String::as_str))
            .collect();
        if !(host.disks.is_empty() && host.kept.is_empty()) {
            wanted.extend(modules::DISKS);
        }
        if host.bag.is_some() {
            wanted.extend(modules::of_bag(&host.kernel)?);
        }
        files.modules(modules::provide(self.cache, &host.kernel, &wanted)?);
        let whole = |path: &String| job::absolute(&self.root, Path::new(path));
        for errand in errands {
            let inside = job::add_program(&mut files, &errand.program)?;
            let program = match errand.by_shell {
                true => format!("{LAB}/bin/sh"),
                false => inside,
            };
            for path in errand.with.iter().map(whole) {
                files.copy(&job::text(&path)?, &path);
            }
            for args in &errand.jobs {
                job::add_arguments(self.cache, &mut files, &self.root, args)?;
                jobs.push(Job {
                    program: program.clone(),
                    args: args.clone(),
                });
            }
        }
        let outcome = emulate::run(
            host,
            &Work {
                dir: &job::text(&self.root)?,
                files: &files,
                busybox: &self.busybox,
                jobs: &jobs,
                results: &[],
                output: Output::Collect,
                console: None,
            },
        )?;
        if outcome.jobs.len() == jobs.len() {
            Ok(outcome)
        } else {
            Err(Failure::bug("a host did not run all its jobs"))
        }
    }
}

/// A lock that is audited and checked, and under which a guest is started if so wanted.
pub struct Tried<'a> {
    /// The lock.
    pub lock: &'a str,
    /// Further arguments.
    pub flags: &'a [&'a str],
    /// Whether a guest is started.
    pub starts: bool,
}

/// The arguments of vmlock-run that try these locks.
pub fn jobs<'a>(tried: &[Tried<'a>]) -> Vec<Vec<&'a str>> {
    let mut jobs = Vec::new();
    for Tried {
        lock,
        flags,
        starts,
    } in tried
    {
        jobs.push([&["audit", *lock, "--format", "json"], *flags].concat());
        jobs.push([&["check", *lock], *flags].concat());
        if *starts {
            // As if no other had been started on that host.
            jobs.push([&["start", *lock, "--no-proof-cache"], *flags].concat());
        }
    }
    jobs
}

/// How the locks fared, of how those jobs ended.
pub fn trials(tried: &[Tried], ended: &[Ended]) -> Result<Vec<Trial>> {
    let mut ended = ended.iter();
    let mut next = || {
        let ended = ended.next();
        ended.ok_or_else(|| Failure::bug("a job without a result"))
    };
    let mut trial = |tried: &Tried| {
        Ok(Trial {
            verdict: matrix::verdict(next()?).0,
            check: next()?.code,
            start: tried.starts.then(|| next().cloned()).transpose()?,
        })
    };
    tried.iter().map(&mut trial).collect()
}

impl Trial {
    /// Why the guest did not come up with so many CPUs and power off, or `None` if it did.
    pub fn start_problem(&self, cpus: u32) -> Option<String> {
        match &self.start {
            Some(start) => start_problem(start, OK, cpus),
            None => Some("no guest was started".to_owned()),
        }
    }
}

/// What a guest's own `/init` printed, line by line.
pub fn guest_lines(ended: &Ended) -> Vec<String> {
    String::from_utf8_lossy(&ended.stdout)
        .lines()
        .filter_map(|line| {
            line.find("vmlock guest: ")
                .map(|at| line[at..].trim().to_owned())
        })
        .collect()
}

/// Why a guest did not come up with so many CPUs and end with that code, by powering off where that is 0.
pub fn start_problem(start: &Ended, ends: u8, cpus: u32) -> Option<String> {
    let lines = guest_lines(start);
    let says = |what: &str| lines.iter().any(|line| line.contains(what));
    let problem = if start.code != ends {
        format!("vmlock-run start ended with code {}", start.code)
    } else if !says(&format!("{cpus} CPUs, kernel")) {
        format!("the guest did not report {cpus} CPUs")
    } else if !says(&format!("CPU {} is online", cpus - 1)) {
        format!("the guest's CPU {} is not online", cpus - 1)
    } else if ends == OK && !says("powering off") {
        "the guest did not power off by itself".to_owned()
    } else {
        return None;
    };
    Some(format!("{problem}{}", last_words(start)))
}

/// The end of what a program said, to stand below a problem.
pub fn last_words(ended: &Ended) -> String {
    let end = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<String> = text.lines().rev().take(12).map(str::to_owned).collect();
        let lines: Vec<String> = lines.into_iter().rev().collect();
        lines.join("\n      | ")
    };
    format!(
        "\n      | {}\n      | {}",
        end(&ended.stdout),
        end(&ended.stderr)
    )
}
