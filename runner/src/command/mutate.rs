//! `vmlock-run mutate`: whether an altered promise would be noticed.

use super::kept_here;
use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::mutate::mutate;
use crate::say;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let (system, lock, plan) = kept_here(parsed)?;
    let tally = mutate(&system, &lock, &plan)?;
    say::print_json(&tally)?;
    Ok(match tally.unnoticed.is_empty() {
        true => exit::OK,
        false => exit::FINDINGS,
    })
}
