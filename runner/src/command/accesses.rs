//! `vmlock-run accesses`: the lock's interrupt controller, access by access.

use super::kept_here;
use super::torture::number;
use crate::accesses::try_all;
use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::gic::proxy::{Counts, counts};
use crate::say;
use serde_json::json;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let stride = number(parsed, "stride", 1)?.max(1);
    let (system, lock, plan) = kept_here(parsed)?;
    let before = counts();
    let outcomes = try_all(&system, &lock, &plan, stride)?;
    let Counts {
        exits,
        stops,
        loans,
    } = counts().since(before);
    say::print_json(&json!({
        "outcomes": outcomes,
        "interruptController": { "exits": exits, "stops": stops, "loans": loans },
    }))?;
    Ok(exit::OK)
}
