//! The least that a virtual machine monitor does to keep a lock: plan it on this host, carry the plan out phase by phase, read
//! everything back. docs/library.md goes through it.
//!
//!     monitor LOCK REPORT
//!
//! The report is what `vmlock-run probe` wrote on this host. Exit code 0: all that can be read of the machine is as the lock
//! says. 1: KVM took it, and something is different all the same. 3: the plan has refusals. 4: it could not be tried. The guest's
//! memory, its devices and its first instruction are what a monitor does next, and stand here no more.

#[cfg(target_arch = "aarch64")]
mod keep;
#[cfg(target_arch = "aarch64")]
mod machine;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::{env, fs};
use vmlock_spec::lock::canonical;
use vmlock_spec::plan::{Emulation, plan_with};
use vmlock_spec::report;

/// What keeps it from being tried, in words.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is to be said, and the exit code.
type Said = (u8, Vec<String>);

fn main() -> ExitCode {
    let (code, lines) = match run() {
        Ok(said) => said,
        Err(error) => (4, vec![format!("error: {error}")]),
    };
    for line in lines {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    ExitCode::from(code)
}

fn run() -> Result<Said> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [lock, report] = arguments.as_slice() else {
        return Err("two files are needed: monitor LOCK REPORT".into());
    };
    let lock = canonical::parse(&fs::read_to_string(lock)?)?;
    let report = report::parse(&fs::read_to_string(report)?)?;
    let plan = plan_with(&lock, &report, Emulation::Forbidden);
    if !plan.refusals.is_empty() {
        let refused = plan.refusals.iter();
        let refused = refused.map(|r| format!("refused: {}: {}", r.name, r.reason));
        return Ok((3, refused.collect()));
    }
    keep(&lock, &plan.orders())
}

#[cfg(target_arch = "aarch64")]
use keep::keep;

/// There is no KVM of arm64 to ask.
#[cfg(not(target_arch = "aarch64"))]
fn keep(_: &vmlock_spec::lock::Lock, _: &vmlock_spec::plan::Orders) -> Result<Said> {
    Err("the plan keeps it; carrying it out needs arm64, and this program is built for another machine".into())
}
