//! `vmlock-lab record`: host reports of emulated hosts, for `spec/catalogue/hosts/`.
//!
//! They are what `runs-on` and the planner's tests know of hosts that nobody has at hand. The tests read the reports
//! themselves; `vmlock` has them packed (zstd), a file for each, which is made here alone.

use crate::cache::{self, Cache};
use crate::cross;
use crate::emulate::Machine;
use crate::failure::{Failure, OK, Result, say};
use crate::flags::Record;
use crate::job;
use crate::kernels;
use crate::tools;
use crate::trial::Bench;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where the reports lie in the checkout.
const FOLDER: &str = "spec/catalogue/hosts";
/// Where they lie packed, below that.
const PACKED: &str = "packed";
/// Where the baselines are.
const BASELINES: &str = "spec/catalogue/baselines";

/// Who packs them.
const ZSTD: (&str, &str) = ("zstd", "zstd");

/// Probes every host and writes its report; a report that is there is replaced. Then all of them are packed.
pub fn run(cache: &Cache, flags: &Record) -> Result<u8> {
    tools::ensure(&[ZSTD])?;
    if flags.pack {
        return pack(&cross::workspace()?.join(FOLDER));
    }
    let bench = Bench::prepare(cache)?;
    let kernels = kernels::resolve(cache, &flags.kernels, flags.refresh)?;
    let limit = Some(Duration::from_secs(flags.timeout)).filter(|limit| !limit.is_zero());
    let hosts: Vec<Machine> = flags
        .cpus
        .iter()
        .flat_map(|cpu| {
            let on = |kernel| job::machine(kernel, cpu, &flags.hardware, limit);
            kernels.iter().cloned().map(on)
        })
        .collect();
    let folder = bench.root().join(FOLDER);
    let baselines = bench.root().join(BASELINES);
    for kernel in &kernels {
        // An Image of somebody's is of no series, after which reports are named.
        let package = kernel.about()?.package;
        is_the_named_one(&baselines, &kernel.asked, &package.version)?;
    }
    tools::in_parallel(&hosts, tools::hosts_at_a_time(), |host| {
        record(&bench, &folder, host)
    })?;
    pack(&folder)
}

/// Packs every report of which there is not the same in a packed file already, whatever made that; a packed file
/// without a report is removed.
fn pack(folder: &Path) -> Result<u8> {
    let packed = folder.join(PACKED);
    let reports = listed(folder, "json")?;
    for report in &reports {
        let frame = packed.join(report.with_extension("zst").file_name().unwrap_or_default());
        let text = cache::read(report)?;
        // One that is damaged is another one, too.
        if frame.exists() && zstd("--decompress", &frame)?.is_some_and(|held| held == text) {
            continue;
        }
        let bytes = zstd("-19", report)?.ok_or_else(|| {
            Failure::environment(format!(
                "zstd cannot pack {}; its own messages are above",
                report.display()
            ))
        })?;
        cache::write(&frame, &bytes)?;
        say(format_args!("{}: {} bytes", frame.display(), bytes.len()));
    }
    for frame in listed(&packed, "zst")? {
        let of = |report: &PathBuf| report.file_stem() == frame.file_stem();
        if !reports.iter().any(of) {
            fs::remove_file(&frame).map_err(|e| Failure::file("remove", &frame, &e))?;
            say(format_args!(
                "{}: removed, no report has its name",
                frame.display()
            ));
        }
    }
    Ok(OK)
}

/// Files of a folder with that extension.
fn listed(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let unlisted = |e| Failure::file("list", folder, &e);
    let entries = fs::read_dir(folder).map_err(unlisted)?;
    // One that is not seen would have its frame removed.
    let paths: Result<Vec<PathBuf>> = entries
        .map(|entry| Ok(entry.map_err(unlisted)?.path()))
        .collect();
    let mut paths = paths?;
    paths.retain(|path| path.extension().is_some_and(|e| e == extension));
    Ok(paths)
}

/// What zstd makes of a file; `None` where it cannot.
fn zstd(how: &str, file: &Path) -> Result<Option<Vec<u8>>> {
    let mut command = Command::new(ZSTD.0);
    command.args([how, "--quiet", "--stdout"]).arg(file);
    let (status, bytes) = tools::output(&mut command)?;
    Ok(status.success().then_some(bytes))
}

fn record(bench: &Bench, folder: &Path, host: &Machine) -> Result<()> {
    let name = format!("{}-{}", host.cpu, host.kernel.asked);
    let report = probe(bench, host)?;
    let target = folder.join(format!("{name}.json"));
    cache::write(&target, &report)?;
    say(format_args!("{name}: {} bytes", report.len()));
    Ok(())
}

/// Refuses a kernel where a distribution's baseline says of the same recordings that they are of another one: whoever names
/// that baseline in `runs-on` would be told of this kernel in its place.
fn is_the_named_one(baselines: &Path, series: &str, version: &str) -> Result<()> {
    for file in listed(baselines, "kdl")? {
        let text = String::from_utf8_lossy(&cache::read(&file)?).into_owned();
        let recorded = format!(" recorded=\"{series}\"");
        let named = text.lines().filter(|line| line.contains(&recorded));
        for line in named {
            if !line.contains(&format!(" version=\"{version}\"")) {
                return Err(Failure::environment(format!(
                    "{} says that hosts of {series} are recorded with another kernel than {version}: `{}`. Give it a revision \
                     for {version}, and take `recorded` from the one before",
                    file.display(),
                    line.trim()
                )));
            }
        }
    }
    Ok(())
}

/// Boots a host and has it say what it can be made to show.
pub fn probe(bench: &Bench, host: &Machine) -> Result<Vec<u8>> {
    let errand = bench.errand(&host.cpu, &host.kernel.asked, &[vec!["probe"]]);
    let outcome = bench.run(host, &[&errand])?;
    let ended = outcome
        .jobs
        .into_iter()
        .next()
        .ok_or_else(|| Failure::bug("a host without a result"))?;
    let is_report = serde_json::from_slice::<Value>(&ended.stdout).is_ok_and(|v| v.is_object());
    if ended.code != OK || !is_report {
        return Err(Failure::environment(format!(
            "{}-{}: the probe ended with code {} and no report: {}",
            host.cpu,
            host.kernel.asked,
            ended.code,
            String::from_utf8_lossy(&ended.stderr).trim()
        )));
    }
    Ok(ended.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_that_a_baseline_names_are_of_its_kernel() {
        let baselines = cross::workspace().expect("a checkout").join(BASELINES);
        let named = |series, version| is_the_named_one(&baselines, series, version);
        named("6.1", "6.1.192-2").expect("debian-12 says so");
        named("6.1", "6.1.193-1").expect_err("debian-12 is of another one");
        named("6.18", "6.18.1-1").expect("no distribution's");
    }
}
