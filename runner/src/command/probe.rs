//! `vmlock-run probe`: this host's report.

use super::open;
use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::host::probe::{Scope, probe};
use std::io::Write;
use vmlock_spec::report;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let text = report::write(&probe(&open()?, &Scope::Everything)?);
    match parsed.value("output") {
        Some(path) => std::fs::write(path, text).map_err(|e| {
            Failure::environment(
                format!("the report cannot be written to `{path}`: {e}"),
                &[],
            )
        })?,
        None => {
            // A reader that has gone is no error.
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
    }
    Ok(exit::OK)
}
