//! A checkout with many descriptions: how long `vmlock lock --check` takes over all of them, as CI asks it.

use super::{Measure, median};
use crate::cache::{self, Cache};
use crate::failure::{Failure, Result};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// How many there are.
const DESCRIPTIONS: usize = 500;
/// How long it may take, in milliseconds.
const LIMIT: f64 = 1000.0;

/// Wall-clock time over all of them, each with a lock that is what its description says.
pub(super) fn check(cache: &Cache, root: &Path, compiler: &Path, runs: u32) -> Result<Measure> {
    let scratch = cache.scratch()?;
    let folder = scratch.path();
    let text = cache::read(&root.join("examples/portable.vm.kdl"))?;
    for number in 0..DESCRIPTIONS {
        cache::write(&folder.join(format!("m{number:03}.vm.kdl")), &text)?;
    }
    let lock = |arguments: &[&str]| {
        let began = Instant::now();
        let status = Command::new(compiler)
            .current_dir(folder)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|e| Failure::environment(format!("cannot run {}: {e}", compiler.display())))?;
        match status.success() {
            true => Ok(began.elapsed().as_secs_f64() * 1e3),
            false => Err(Failure::environment(format!(
                "`vmlock {}` over {DESCRIPTIONS} descriptions ended with {status}",
                arguments.join(" ")
            ))),
        }
    };
    lock(&["lock"])?;
    let mut times = Vec::new();
    for _ in 0..runs {
        times.push(lock(&["lock", "--check"])?);
    }
    Ok(Measure::new(
        format!("vmlock lock --check, {DESCRIPTIONS} descriptions"),
        median(&times),
        "ms",
        LIMIT,
        format!("wall clock, on all processors of this machine; median of {runs}"),
    ))
}
