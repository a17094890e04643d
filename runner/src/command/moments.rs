//! `vmlock-run moments`: a guest saved and restored at each of its instructions.

use super::torture::number;
use super::{Planned, emulation, open, say_withheld};
use crate::failure::{Failure, exit};
use crate::files::{parse_lock, read_text};
use crate::flags::Parsed;
use crate::host::probe::Scope;
use crate::moments::{Sweep, finish, sweep};
use crate::say;
use std::path::{Path, PathBuf};
use vmlock_spec::lock::Lock;

/// Instructions where the command line says nothing.
const STEPS: u64 = 2000;
/// One saved guest in so many is kept.
const EACH: u64 = 20;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let path = Path::new(&parsed.argument);
    // Both live as long as the program, as where a guest is started.
    let text: &'static str = Box::leak(read_text(path)?.into_boxed_str());
    let lock: &'static Lock = Box::leak(Box::new(parse_lock(path, text)?));
    let system = open()?;
    let planned = Planned::new(&system, lock, &Scope::For(lock), emulation(parsed)?)?;
    say_withheld(&planned.withheld);
    let orders = planned.kept()?.orders();
    let steps = number(parsed, "steps", STEPS)?;
    let tally = match parsed.value("from") {
        Some(from) => finish(&system, (lock, text), &orders, Path::new(from))?,
        None => sweep(
            &system,
            (lock, text),
            &orders,
            &Sweep {
                steps,
                each: number(parsed, "each", EACH)?.max(1),
                into: parsed.value("into").map(PathBuf::from),
            },
        )?,
    };
    say::print_json(&tally)?;
    Ok(match tally.problems.is_empty() {
        true => exit::OK,
        false => exit::FINDINGS,
    })
}
