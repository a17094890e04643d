//! The least that a virtual machine monitor does to keep a lock: plan it on this host, carry the plan out by plain
//! `kvm-ioctls`, read everything back. docs/library.md goes through it.
//!
//!     monitor LOCK REPORT
//!
//! The report is what `vmlock-run probe` wrote on this host. Exit code 0: all that can be read of the machine is as the lock
//! says. 1: KVM took it, and something is different all the same. 3: the plan has refusals. 4: it could not be tried. The guest's
//! memory, its devices and its first instruction are what a monitor does next, and stand here no more.

#[cfg(target_arch = "aarch64")]
mod machine;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::{env, fs};
use vmlock_spec::lock::canonical;
use vmlock_spec::plan::{Emulation, plan_with};
use vmlock_spec::report;
use vmlock_spec::script;

/// What keeps it from being tried, in words.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let (code, said) = run().unwrap_or_else(|error| (4, format!("error: {error}")));
    let _ = writeln!(std::io::stdout(), "{said}");
    ExitCode::from(code)
}

fn run() -> Result<(u8, String)> {
    let mut files = env::args().skip(1).map(fs::read_to_string);
    let mut text = || files.next().ok_or("needed: monitor LOCK REPORT");
    let lock = canonical::parse(&text()??)?;
    let report = report::parse(&text()??)?;
    let plan = plan_with(&lock, &report, Emulation::Forbidden);
    if !plan.refusals.is_empty() {
        let refused = plan.refusals.iter();
        let refused = refused.map(|r| format!("refused: {}: {}", r.name, r.reason));
        return Ok((3, refused.collect::<Vec<_>>().join("\n")));
    }
    let judged = keep(script::Script::new(&lock, plan.orders())?)?;
    Ok((u8::from(!judged.different.is_empty()), judged.to_string()))
}

#[cfg(target_arch = "aarch64")]
use machine::keep;

/// There is no KVM of arm64 to ask.
#[cfg(not(target_arch = "aarch64"))]
fn keep(_: script::Script<'_>) -> Result<script::Judged> {
    Err("the plan keeps it; carrying it out needs arm64, and this is another machine".into())
}
