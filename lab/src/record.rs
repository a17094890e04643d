//! `vmlock-lab record`: host reports of emulated hosts, for `spec/catalogue/hosts/`.
//!
//! They are what `runs-on` and the planner's tests know of hosts that nobody has at hand.

use crate::cache::{self, Cache};
use crate::emulate::Machine;
use crate::failure::{Failure, OK, Result, say};
use crate::flags::Record;
use crate::job;
use crate::kernels;
use crate::tools;
use crate::trial::Bench;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// Where the reports lie in the checkout.
const FOLDER: &str = "spec/catalogue/hosts";

/// Probes every host and writes its report; a report that is there is replaced.
pub fn run(cache: &Cache, flags: &Record) -> Result<u8> {
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
    tools::in_parallel(&hosts, tools::hosts_at_a_time(), |host| {
        record(&bench, &folder, host)
    })?;
    Ok(OK)
}

fn record(bench: &Bench, folder: &Path, host: &Machine) -> Result<()> {
    let name = format!("{}-{}", host.cpu, host.kernel.asked);
    let report = probe(bench, host)?;
    let target = folder.join(format!("{name}.json"));
    cache::write(&target, &report)?;
    say(format_args!("{name}: {} bytes", report.len()));
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
