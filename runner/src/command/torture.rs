//! `vmlock-run torture`: the lock's interrupt controller under fire.

use super::kept_here;
use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::gic::proxy::{Counts, counts};
use crate::say;
use crate::torture::torture;
use serde_json::json;

/// Interrupts where the command line says nothing.
const INTERRUPTS: u64 = 1_000_000;
/// One interrupt in so many is followed by a disturbance.
const RARITY: u64 = 64;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let interrupts = number(parsed, "interrupts", INTERRUPTS)?;
    let rarity = number(parsed, "rarity", RARITY)?;
    let (system, lock, plan) = kept_here(parsed)?;
    let tally = torture(&system, &lock, &plan, interrupts, rarity)?;
    let Counts {
        exits,
        stops,
        loans,
    } = counts();
    let agrees = tally.agrees();
    say::print_json(&json!({
        "agrees": agrees,
        "tally": tally,
        "interruptController": { "exits": exits, "stops": stops, "loans": loans },
    }))?;
    Ok(if agrees { exit::OK } else { exit::FINDINGS })
}

/// A flag's number.
pub fn number(parsed: &Parsed, flag: &str, otherwise: u64) -> Result<u64, Failure> {
    let Some(text) = parsed.value(flag) else {
        return Ok(otherwise);
    };
    text.parse()
        .map_err(|_| Failure::usage(format!("`--{flag} {text}` is not a number"), &[]))
}
