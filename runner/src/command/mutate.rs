//! `vmlock-run mutate`: whether an altered promise would be noticed.

use super::{open, plan_here};
use crate::failure::{Failure, exit};
use crate::files::read_lock;
use crate::flags::Parsed;
use crate::mutate::mutate;
use crate::say;
use std::path::Path;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let lock = read_lock(Path::new(&parsed.argument))?;
    let system = open()?;
    let plan = plan_here(&system, &lock, parsed)?;
    if !plan.refusals.is_empty() {
        return Err(Failure::Refused(plan.refusals));
    }
    let tally = mutate(&system, &lock, &plan)?;
    say::print_json(&tally)?;
    Ok(match tally.unnoticed.is_empty() {
        true => exit::OK,
        false => exit::FINDINGS,
    })
}
