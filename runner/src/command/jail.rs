//! `vmlock-run jail`: what a started guest's runner may still ask of Linux.

use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::jail::table::ROWS;
use crate::say;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    match parsed.json() {
        true => say::print_json(&ROWS)?,
        false => {
            let lines: Vec<String> = ROWS.iter().map(ToString::to_string).collect();
            say::println(&lines.join("\n"))?;
        }
    }
    Ok(exit::OK)
}
