//! What `vmlock labels` prints, held against schedulers themselves: Debian 13's Slurm, OpenStack's placement API and kubectl,
//! which are fetched and run from the cache. A few recorded hosts are their nodes, and each lock is asked for on each of them.
//!
//! They run in namespaces of their own, as an ordinary user without a network: whatever becomes of them, nothing of it is left.

use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{FINDINGS, Failure, Result, tell};
use crate::packages::{Architecture, Archive, Program};
use crate::programs::{Programs, Wanted};
use crate::step;
use crate::tools;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Below the checkout: what is run in there.
const SCRIPTS: &str = "lab/schedulers";
/// How the system that it runs in is begun, there.
const ENTER: &str = "enter.sh";
/// How long all of it may take; each wait of the scripts has a limit of its own.
const LIMIT: Duration = Duration::from_secs(600);
/// What a process is parted from: users, processes, mounts, network, name, message queues.
const APART: [&str; 9] = [
    "--user",
    "--map-root-user",
    "--fork",
    "--pid",
    "--kill-child",
    "--mount",
    "--net",
    "--uts",
    "--ipc",
];
/// The packages beside Slurm's controller.
const ALSO: [&str; 6] = [
    "slurmd",
    "slurm-client",
    "python3-placement",
    "kubectl",
    "ca-certificates",
    "dash",
];
/// The programs, on a Debian system.
const PROGRAMS: [&str; 11] = [
    "/usr/bin/dash",
    "/usr/bin/kubectl",
    "/usr/bin/placement-api",
    "/usr/bin/python3.13",
    "/usr/bin/sbatch",
    "/usr/bin/scontrol",
    "/usr/bin/sinfo",
    "/usr/bin/squeue",
    "/usr/sbin/slurmctld-wlm",
    "/usr/sbin/slurmd-wlm",
    "/usr/sbin/slurmstepd-wlm",
];
/// What they are made of besides, but for Slurm's plugins, whose folder has the architecture's name in it.
const PYTHON: [&str; 3] = [
    "/usr/lib/python3/dist-packages",
    "/usr/lib/python3.13",
    "/usr/share/ca-certificates",
];
const TREES_AMD64: [&str; 4] = [
    PYTHON[0],
    PYTHON[1],
    PYTHON[2],
    "/usr/lib/x86_64-linux-gnu/slurm-wlm",
];
const TREES_ARM64: [&str; 4] = [
    PYTHON[0],
    PYTHON[1],
    PYTHON[2],
    "/usr/lib/aarch64-linux-gnu/slurm-wlm",
];
/// The nodes, and the recorded host of each.
const NODES: [(&str, &str); 3] = [
    ("n1", "neoverse-n1-7.3"),
    ("n2", "neoverse-n1-5.10"),
    ("n3", "cortex-a72-6.12"),
];
/// The first node after it has booted another kernel, which keeps less.
const BOOTED: (&str, &str) = ("n1-booted", "neoverse-n1-6.1");
/// Where locks are, below the checkout.
const LOCKS: [&str; 2] = ["examples", "lab/tests/specs"];
/// Names of machines at the edge of what can be one: the longest that Kubernetes takes behind `lock.`, and one of all sorts of
/// characters.
const NAMES: [&str; 2] = [
    "a-name-of-58-characters-which-is-as-long-as-one-may-be.678",
    "Of.All-Sorts_9",
];
/// A domain for Kubernetes' labels.
const DOMAIN: [&str; 2] = ["--domain", "vmlock.example.com"];

fn wanted(architecture: Architecture) -> Wanted {
    let is_arm = architecture.name == crate::packages::ARM64.name;
    Wanted {
        from: Program {
            archive: Archive {
                state: "apt-schedulers",
                architecture,
                suites: &["trixie"],
                security: &["trixie-security"],
                megabytes: 10,
            },
            suite: None,
            package: "slurmctld",
            also: &ALSO,
            // What installs a service.
            without: "init-system-helpers",
        },
        programs: &PROGRAMS,
        libraries: &[],
        trees: if is_arm { &TREES_ARM64 } else { &TREES_AMD64 },
        folder: format!("schedulers-trixie-{}", architecture.name),
        words: "Debian 13's Slurm, placement API and kubectl, and what they need (80 MB)"
            .to_owned(),
    }
}

/// `vmlock-lab schedulers`: what they make of labels.
pub fn run(cache: &Cache) -> Result<u8> {
    match checked(cache)? {
        Some(problems) => step::told(&problems),
        None => Ok(FINDINGS),
    }
}

/// What is wrong with the labels; nothing where they cannot be tried here.
fn checked(cache: &Cache) -> Result<Option<Vec<String>>> {
    let skipped = |why: &str| {
        tell(format_args!("skipped: labels in schedulers: {why}"))?;
        Ok(None)
    };
    let Some(architecture) = Architecture::native() else {
        return skipped("these are fetched for x86-64 and arm64 alone");
    };
    let mut apart = apart();
    apart.arg("true").stdout(Stdio::null());
    if !tools::run(&mut apart, None)?.success() {
        return skipped(
            "this machine lets nobody have namespaces of their own (see unshare's message above)",
        );
    }
    let wanted = wanted(architecture);
    let programs = match Programs::provide(cache, &wanted) {
        Ok(found) => found,
        Err(why) => return skipped(&format!("they cannot be fetched: {why}")),
    };
    let root = cross::workspace()?;
    let compiler = Compiler(cross::build_quickly("vmlock")?);
    let scratch = cache.scratch()?;
    let order = order(&root, &compiler, scratch.path())?;
    let file = scratch.path().join("order.json");
    cache::write(&file, order.to_string().as_bytes())?;
    let base = scratch.path().join("system");
    cache::make_dir(&base)?;
    let path = scratch.path().join("said");
    let said = fs::File::create(&path).map_err(|e| Failure::file("create", &path, &e))?;
    let scripts = root.join(SCRIPTS);
    let mut command = self::apart();
    // No setting of whoever runs this reaches a scheduler.
    command
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .arg("sh")
        .arg(scripts.join(ENTER))
        .arg(programs.place(cache, &wanted, ""))
        .args([&scripts, &file, &base])
        .stdin(Stdio::null())
        .stdout(said);
    let status = tools::run(&mut command, Some(LIMIT))?;
    let said = cache::read(&path)?;
    Ok(Some(tools::problems(SCRIPTS, &said, status)))
}

/// What starts a command in namespaces of its own, which end with it.
fn apart() -> Command {
    let mut command = Command::new("unshare");
    command.args(APART);
    command
}

/// `vmlock`, whose answers are wanted.
struct Compiler(PathBuf);

impl Compiler {
    /// What it prints; it ends with one of these codes. What else it says is told where it does not.
    fn says(&self, codes: &[i32], words: &[&str], paths: &[&Path]) -> Result<String> {
        let mut command = Command::new(&self.0);
        command.args(words).args(paths).stdin(Stdio::null());
        let (status, said, besides) = tools::both(&mut command)?;
        match status.code() {
            Some(code) if codes.contains(&code) => Ok(String::from_utf8_lossy(&said).into_owned()),
            _ => Err(Failure::environment(format!(
                "`vmlock {}` ended with {status}: {}",
                words.join(" "),
                String::from_utf8_lossy(&besides)
            ))),
        }
    }

    fn labels(&self, host: &Path, locks: &[PathBuf], words: &[&str]) -> Result<String> {
        let mut all = vec!["labels"];
        all.extend(words);
        let mut paths = vec![Path::new("--host"), host];
        paths.extend(locks.iter().map(PathBuf::as_path));
        self.says(&[0], &all, &paths)
    }

    fn select(&self, lock: &Path, words: &[&str]) -> Result<String> {
        let mut all = vec!["labels"];
        all.extend(words);
        self.says(&[0], &all, &[Path::new("--select"), lock])
    }

    /// Which of these hosts keep which of these locks: the answer of a command that knows nothing of labels.
    fn kept(&self, hosts: &[&Path], locks: &[PathBuf]) -> Result<Value> {
        let mut paths: Vec<&Path> = locks.iter().map(PathBuf::as_path).collect();
        paths.push(Path::new("--host"));
        paths.extend(hosts);
        // 3: a lock that no host keeps is among them.
        let said = self.says(&[0, 3], &["fleet", "--format", "json"], &paths)?;
        serde_json::from_str(&said)
            .map_err(|e| Failure::environment(format!("`vmlock fleet` wrote no JSON: {e}")))
    }
}

/// All that the scripts are told: what is said of each node, what each lock asks for, and where it has to land.
fn order(root: &Path, compiler: &Compiler, folder: &Path) -> Result<Value> {
    let locks = locks(root, compiler, folder)?;
    let mut reports = BTreeMap::new();
    for (at, (name, host)) in NODES.iter().chain([&BOOTED]).enumerate() {
        let report = root.join(format!("spec/catalogue/hosts/{host}.json"));
        let mut value: Value = serde_json::from_slice(&cache::read(&report)?)
            .map_err(|e| Failure::environment(format!("{} is no JSON: {e}", report.display())))?;
        value["boot"] = json!(format!("3e1b5c2a-77d0-4f6e-9a51-0c8d2f4b6e{at:02x}"));
        let path = folder.join(format!("{name}.json"));
        cache::write(&path, value.to_string().as_bytes())?;
        reports.insert(*name, path);
    }
    let report = |name: &str| -> Result<&Path> {
        let found = reports.get(name).map(PathBuf::as_path);
        found.ok_or_else(|| Failure::bug(format!("no report of {name}")))
    };
    let said = |name: &str, format: &str, more: &[&str]| -> Result<String> {
        let mut words = vec!["--format", format];
        words.extend(more);
        compiler.labels(report(name)?, &locks, &words)
    };
    let mut nodes = serde_json::Map::new();
    for (name, _) in NODES {
        let node = json!({
            "slurm": said(name, "slurm", &[])?.trim(),
            "openstack": said(name, "openstack", &[])?.split_whitespace().collect::<Vec<_>>(),
            "nfd": said(name, "nfd", &DOMAIN)?,
            "kubectl": said(name, "kubectl", &[DOMAIN[0], DOMAIN[1], "--node", name])?,
        });
        nodes.insert(name.to_owned(), node);
    }
    let names: Vec<&str> = NODES
        .iter()
        .chain([&BOOTED])
        .map(|(name, _)| *name)
        .collect();
    let hosts = names
        .iter()
        .map(|name| report(name))
        .collect::<Result<Vec<_>>>()?;
    let fleet = compiler.kept(&hosts, &locks)?;
    let mut asked = Vec::new();
    let mut lost = None;
    for path in &locks {
        let row = fleet["locks"].as_array().into_iter().flatten();
        let row = row
            .into_iter()
            .find(|row| row["lock"].as_str() == path.to_str())
            .ok_or_else(|| Failure::bug(format!("`vmlock fleet` leaves out {}", path.display())))?;
        let refused = row["refused"].as_array().cloned().unwrap_or_default();
        let keeps = |name: &str| {
            let at = names.iter().position(|n| *n == name);
            at.and_then(|at| refused.get(at))
                .is_some_and(Value::is_null)
        };
        let kept: Vec<&str> = NODES
            .iter()
            .map(|(name, _)| *name)
            .filter(|n| keeps(n))
            .collect();
        if kept == [NODES[0].0] && !keeps(BOOTED.0) {
            lost = lost.or_else(|| row["name"].as_str().map(str::to_owned));
        }
        asked.push(json!({
            "name": row["name"],
            "kept": kept,
            "slurm": compiler.select(path, &["--format", "slurm"])?.trim(),
            "openstack": compiler.select(path, &["--format", "openstack"])?.trim(),
            "nfd": compiler.select(path, &["--format", "nfd", DOMAIN[0], DOMAIN[1]])?,
        }));
    }
    let lost =
        lost.ok_or_else(|| Failure::bug("no lock is kept before that boot and not after it"))?;
    Ok(json!({
        "nodes": nodes,
        "locks": asked,
        "boot": {
            "node": NODES[0].0,
            "lock": lost,
            "slurm": said(BOOTED.0, "slurm", &[])?.trim(),
            "openstack": said(BOOTED.0, "openstack", &[])?.split_whitespace().collect::<Vec<_>>(),
        },
    }))
}

/// The checked-in locks, and some of names that are not everyone's.
fn locks(root: &Path, compiler: &Compiler, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for below in LOCKS {
        let below = root.join(below);
        let entries = fs::read_dir(&below).map_err(|e| Failure::file("list", &below, &e))?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        all.extend(paths.filter(|path| path.to_string_lossy().ends_with(".vm.lock.json")));
    }
    all.sort();
    for name in NAMES {
        let spec = folder.join(format!("{name}.vm.kdl"));
        let text = format!(
            "vm \"{name}\" {{\n    arch \"arm64\"\n    abi \"kvm-7.2\"\n    cpu \"neoverse-n1\" count=1\n    memory \"256MiB\"\n}}\n"
        );
        cache::write(&spec, text.as_bytes())?;
        compiler.says(&[0], &["lock"], &[&spec])?;
        all.push(folder.join(format!("{name}.vm.lock.json")));
    }
    Ok(all)
}
