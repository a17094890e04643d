//! `vmlock-run mutate`: whether an altered promise would be noticed.

use super::{Planned, emulation, kept_here};
use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::host::probe::Scope;
use crate::kvm::System;
use crate::mutate::{living, mutate};
use crate::say;
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::Plan;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let (system, lock, plan) = kept_here(parsed)?;
    if parsed.has("living") {
        return of_living(parsed, &system, lock, &plan);
    }
    let tally = mutate(&system, &lock, &plan)?;
    say::print_json(&tally)?;
    Ok(match tally.unnoticed.is_empty() {
        true => exit::OK,
        false => exit::FINDINGS,
    })
}

/// The same of an audit of a guest that runs.
fn of_living(parsed: &Parsed, system: &System, lock: Lock, plan: &Plan) -> Result<u8, Failure> {
    let emulation = emulation(parsed)?;
    let plans =
        |altered: &Lock| Planned::new(system, altered, &Scope::For(altered), emulation)?.kept();
    // It lives as long as the program, as where a guest is started.
    let lock = Box::leak(Box::new(lock));
    let tally = living::mutate(system, lock, &plan.orders(), &plans)?;
    say::print_json(&tally)?;
    Ok(match tally.unnoticed.is_empty() {
        true => exit::OK,
        false => exit::FINDINGS,
    })
}
