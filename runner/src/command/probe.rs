//! `vmlock-run probe`: this host's report.

use super::open;
use crate::failure::{Failure, exit};
use crate::files::write_report;
use crate::flags::Parsed;
use crate::host::probe::{Scope, probe};
use crate::say;
use vmlock_spec::report;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let text = report::write(&probe(&open()?, &Scope::Everything)?);
    match parsed.value("output") {
        Some(path) => write_report(path, &text)?,
        None => say::document(&text)?,
    }
    Ok(exit::OK)
}
