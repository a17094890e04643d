//! The catalogue against live hosts: for each CPU model and kernel, the kernel's
//! baseline applied to the model must be what a default guest has there. So its
//! lock is kept without a single write, and the witness finds no difference.

use crate::cross;
use crate::emulator;
use crate::failure::{Failure, OK, Result, say};
use crate::kernels;
use crate::matrix::{Verdict, short, verdict};
use crate::step::{Done, Step};
use crate::tools;
use crate::trial::Bench;
use serde_json::Value;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Kernels of the lab and the baselines that say what they show. Stable point
/// releases: where one were to differ, the catalogue's `stable` line would say so.
pub const KERNELS: [(&str, &str); 5] = [
    ("5.10", "kvm-5.10"),
    ("6.1", "kvm-6.1"),
    ("6.12", "kvm-6.12"),
    ("6.18", "kvm-6.18"),
    ("7.3", "kvm-7.3"),
];

/// Baselines of distributions whose kernels the lab has: the newest revision of each is held against the newest package.
const DISTRIBUTIONS: [(&str, &str); 3] = [
    ("5.10", "debian-11"),
    ("6.1", "debian-12"),
    ("6.12", "debian-13"),
];

/// A CPU model of the catalogue, and where the emulator's CPU is what it says.
pub struct Model {
    /// Its name, which is the emulator's too.
    pub name: &'static str,
    /// The first and the last release of QEMU that was seen to have this very CPU.
    qemu: (u32, u32),
    /// The first of [`KERNELS`] on which its facts are true.
    since: &'static str,
}

/// QEMU 10.0 has other CPUs of the first four names: no trace in ID_DFR0_EL1, for cortex-a72 four ways in
/// the data cache, and in `max` more features. Each kernel before 6.3 shows of a CPU with FEAT_CCIDX what no lock can hold, and
/// 5.10 answers for a64fx that SMCCC_ARCH_WORKAROUND_3 is not needed.
const MODELS: [Model; 8] = [
    model("cortex-a72", (7, 7), "5.10"),
    model("cortex-a76", (7, 7), "5.10"),
    model("neoverse-n1", (7, 7), "5.10"),
    model("max", (7, 7), "6.12"),
    model("a64fx", (7, 10), "6.1"),
    model("neoverse-v1", (10, 10), "6.12"),
    model("neoverse-n2", (10, 10), "6.12"),
    model("cortex-a710", (10, 10), "6.12"),
];

const fn model(name: &'static str, qemu: (u32, u32), since: &'static str) -> Model {
    Model { name, qemu, since }
}

/// What to compare with this emulator.
#[derive(Default)]
pub struct Wanted {
    /// CPU and kernel of each host.
    pub hosts: Vec<(&'static str, &'static str)>,
    /// Words on each model that is left out; its name comes first.
    pub skipped: Vec<String>,
}

impl Wanted {
    /// How many models are compared, and which are not.
    pub fn models(&self) -> String {
        let compared = MODELS.len() - self.skipped.len();
        let counted = format!("{compared} of {} CPU models", MODELS.len());
        let name = |words: &String| words.split(':').next().unwrap_or_default().to_owned();
        let names: Vec<String> = self.skipped.iter().map(name).collect();
        match self.skipped.is_empty() {
            true => counted,
            false => format!("{counted}, SKIPPED {}", names.join(", ")),
        }
    }
}

/// What can be compared with this emulator.
pub fn wanted() -> Result<Wanted> {
    let (release, mut wanted) = (emulator::release()?, Wanted::default());
    for model in &MODELS {
        let (first, last) = model.qemu;
        if !(first..=last).contains(&release) || !emulator::has(model.name)? {
            wanted.skipped.push(format!(
                "{}: {} was not seen to have this very CPU",
                model.name,
                emulator::name()?
            ));
            continue;
        }
        let kernels = KERNELS.iter().map(|(kernel, _)| *kernel);
        let since = kernels.skip_while(|kernel| *kernel != model.since);
        wanted
            .hosts
            .extend(since.map(|kernel| (model.name, kernel)));
    }
    Ok(wanted)
}

/// Features of the default guests that are compared.
const FEATURES: [(&str, &str); 2] = [("plain", ""), ("pmu", " {\n        pmu\n    }")];

/// Each model on each kernel, as far as this emulator has it.
pub fn step<'a>(bench: &Bench, wanted: Wanted) -> Result<Step<'a>> {
    let folder = bench.root().join("target").join("truth");
    fs::create_dir_all(&folder).map_err(|e| Failure::file("make", &folder, &e))?;
    let compiler = cross::build_quickly("vmlock")?;
    let name = format!("the catalogue against default guests: {}", wanted.models());
    let mut errands = Vec::new();
    for (cpu, kernel) in wanted.hosts {
        let baseline = baseline(kernel)?;
        let mut jobs = Vec::new();
        let locks = FEATURES
            .iter()
            .map(|(name, block)| lock(&compiler, &folder, &[baseline], cpu, name, block))
            .collect::<Result<Vec<_>>>()?;
        for lock in &locks {
            jobs.push(vec!["check", lock, "--format", "json"]);
            jobs.push(vec!["audit", lock, "--format", "json"]);
        }
        // On the same host: what a distribution's users name is planned alone, since the witness saw that guest already.
        let of_distribution = match distribution(kernel) {
            Some(name) => FEATURES
                .iter()
                .map(|(feature, block)| lock(&compiler, &folder, &[name], cpu, feature, block))
                .collect::<Result<Vec<_>>>()?,
            None => Vec::new(),
        };
        for lock in &of_distribution {
            jobs.push(vec!["check", lock, "--format", "json"]);
        }
        if recorded(bench.root(), cpu, kernel).is_some() {
            jobs.push(vec!["probe"]);
        }
        errands.push(bench.errand(cpu, kernel, &jobs));
    }
    let root = bench.root().to_owned();
    Ok(Step {
        name,
        errands,
        judge: Box::new(move |done| {
            if done.is_empty() {
                return Ok(vec!["no host was compared".to_owned()]);
            }
            let mut found = Vec::new();
            for done in done {
                found.extend(on_host(done)?);
                found.extend(as_recorded(done, &root, &compiler)?);
            }
            Ok(found)
        }),
    })
}

/// What a kernel of the lab shows.
fn baseline(kernel: &str) -> Result<&'static str> {
    let known = KERNELS.iter().find(|(name, _)| *name == kernel);
    let (_, baseline) = known.ok_or_else(|| Failure::bug("a kernel without a baseline"))?;
    Ok(baseline)
}

/// Whose kernel that is.
fn distribution(kernel: &str) -> Option<&'static str> {
    let mut known = DISTRIBUTIONS.iter();
    known
        .find(|(name, _)| *name == kernel)
        .map(|(_, name)| *name)
}

/// What a default guest of a distribution's kernel drifted in, from the newest revision of its baseline.
fn drifted(done: &Done, name: &str) -> Result<Vec<String>> {
    let (package, mut problems) = (done.host.kernel.about()?.package, Vec::new());
    let theirs = 2 * FEATURES.len()..3 * FEATURES.len();
    let jobs = done.jobs.get(theirs).unwrap_or_default();
    if jobs.len() != FEATURES.len() {
        return Ok(vec![format!(
            "{name} on {}: it was not held against its kernel",
            done.host.cpu
        )]);
    }
    for (job, (feature, _)) in jobs.iter().zip(FEATURES) {
        let plan: Value = serde_json::from_slice(&job.stdout).unwrap_or(Value::Null);
        let place = format!(
            "{name} on {} {} ({}, {feature})",
            package.name, package.version, done.host.cpu
        );
        let keeps = plan["keeps"]
            .as_array()
            .filter(|keeps| job.code == OK && !keeps.is_empty());
        let Some(keeps) = keeps else {
            problems.push(format!("{place}: drift, a default guest does not keep it; a new revision is due (`vmlock drift --from {name}` says what it says)"));
            continue;
        };
        let written = keeps.iter().filter(|k| !k["step"].is_null());
        let names: Vec<String> = written.map(|k| k["name"].to_string()).collect();
        match names.is_empty() {
            true => say(format_args!("{place}: no drift")),
            false => problems.push(format!(
                "{place}: drift in {}; a new revision is due",
                names.join(", ")
            )),
        }
    }
    Ok(problems)
}

/// The report of this host that the catalogue has to have, of a distribution's kernel: of others a newer point release may
/// change something.
fn recorded(root: &Path, cpu: &str, kernel: &str) -> Option<PathBuf> {
    let is_recorded = distribution(kernel).is_some() && kernels::CPUS.contains(&cpu);
    is_recorded.then(|| root.join(format!("spec/catalogue/hosts/{cpu}-{kernel}.json")))
}

/// What `vmlock drift` finds between the report of this host that the catalogue has and one of now. A newer witness that
/// looks otherwise finds what no kernel changed, and the hosts are to be recorded anew.
fn as_recorded(done: &Done, root: &Path, compiler: &Path) -> Result<Vec<String>> {
    let (cpu, kernel) = (&done.host.cpu, &done.host.kernel.asked);
    let Some(before) = recorded(root, cpu, kernel) else {
        return Ok(Vec::new());
    };
    let place = format!("the recorded host {cpu}-{kernel}");
    let Some(probed) = done.jobs.last().filter(|job| job.code == OK) else {
        return Ok(vec![format!("{place}: it was not probed now")]);
    };
    let now = root.join(format!("target/truth/{cpu}-{kernel}.json"));
    fs::write(&now, &probed.stdout).map_err(|e| Failure::file("write", &now, &e))?;
    let mut command = Command::new(compiler);
    let (status, said) = tools::output(command.arg("drift").args([&before, &now]))?;
    Ok(match status.code() == Some(i32::from(OK)) {
        true => Vec::new(),
        false => vec![format!(
            "{place}: a host of now differs (`vmlock-lab record` records it anew): {}",
            String::from_utf8_lossy(&said).trim()
        )],
    })
}

/// What is not as the catalogue says.
fn on_host(done: &Done) -> Result<Vec<String>> {
    let host = &done.host;
    let baseline = baseline(&host.kernel.asked)?;
    let mut problems = match distribution(&host.kernel.asked) {
        Some(name) => drifted(done, name)?,
        None => Vec::new(),
    };
    for (pair, (feature, _)) in done.jobs.chunks_exact(2).zip(FEATURES) {
        let place = format!(
            "{baseline} on {} ({}, {feature})",
            host.kernel.version, host.cpu
        );
        let audit = verdict(&pair[1]).0;
        if !matches!(audit, Verdict::Kept { .. }) {
            problems.push(format!("{place}: {}", short(&audit)));
        }
        let plan: Value = serde_json::from_slice(&pair[0].stdout).unwrap_or(Value::Null);
        match plan["keeps"].as_array() {
            Some(keeps) if pair[0].code == OK && !keeps.is_empty() => {
                for keep in keeps.iter().filter(|k| !k["step"].is_null()) {
                    problems.push(format!("{place}: {} has to be written", keep["name"]));
                }
            }
            _ if matches!(audit, Verdict::Kept { .. }) => {
                problems.push(format!("{place}: `check` gave no plan"));
            }
            _ => {}
        }
        say(format_args!("{place}: {}", short(&audit)));
    }
    Ok(problems)
}

/// Writes and compiles the spec of a guest without anything to boot; gives the lock's path.
pub fn lock(
    compiler: &Path,
    folder: &Path,
    abi: &[&str],
    cpu: &str,
    name: &str,
    block: &str,
) -> Result<String> {
    let stem = format!("{cpu}-{}-{name}", abi.first().unwrap_or(&""));
    let abi = format!("\"{}\"", abi.join("\" \""));
    let spec: PathBuf = folder.join(format!("{stem}.vm.kdl"));
    let text = format!(
        "vm \"{stem}\" {{\n    arch \"arm64\"\n    abi {abi}\n    \
         cpu \"{cpu}\" count=2{block}\n    memory \"64MiB\"\n}}\n"
    );
    fs::write(&spec, text).map_err(|e| Failure::file("write", &spec, &e))?;
    // A lock of an earlier run would be kept, and with it the revision of its baseline.
    let lock = folder.join(format!("{stem}.vm.lock.json"));
    if let Err(error) = fs::remove_file(&lock)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(Failure::file("remove", &lock, &error));
    }
    let mut command = Command::new(compiler);
    command.arg("lock").arg(&spec);
    if !tools::run(&mut command, None)?.success() {
        return Err(Failure::bug(format!("{} does not compile", spec.display())));
    }
    crate::job::text(&lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_are_left_out_are_counted_and_named() {
        assert_eq!(Wanted::default().models(), "8 of 8 CPU models");
        let left_out = |name: &str| format!("{name}: this QEMU has no such CPU");
        let wanted = Wanted {
            hosts: Vec::new(),
            skipped: vec![left_out("neoverse-v1"), left_out("neoverse-n2")],
        };
        let words = "6 of 8 CPU models, SKIPPED neoverse-v1, neoverse-n2";
        assert_eq!(wanted.models(), words);
    }
}
