//! `vmlock-run probe`: this host's report.

use super::open;
use crate::failure::{Failure, exit};
use crate::files::write_report;
use crate::flags::Parsed;
use crate::host::probe::{Scope, probe};
use crate::say;
use std::fs;
use vmlock_spec::report;

/// Where Linux says which boot this is.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let boot = match parsed.has("boot") {
        true => Some(boot()?),
        false => None,
    };
    let mut report = probe(&open()?, &Scope::Everything)?;
    report.boot = boot;
    let text = report::write(&report);
    match parsed.value("output") {
        Some(path) => write_report(path, &text)?,
        None => say::document(&text)?,
    }
    Ok(exit::OK)
}

/// This boot's identifier.
fn boot() -> Result<String, Failure> {
    let help = ["mount /proc, or leave `--boot` out"];
    let text = fs::read_to_string(BOOT)
        .map_err(|e| Failure::environment(format!("`{BOOT}` cannot be read: {e}"), &help))?;
    match text.trim_end() {
        boot if report::is_boot(boot) => Ok(boot.to_owned()),
        other => {
            let words = format!(
                "`{BOOT}` has no boot's identifier: `{}`",
                other.escape_debug()
            );
            Err(Failure::environment(words, &help))
        }
    }
}
