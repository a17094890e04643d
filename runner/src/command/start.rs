//! `vmlock-run start`: the guest, if this host can show it what its lock says.

use super::{open, plan_here};
use crate::device::bus::Bus;
use crate::enforce::apply::{self, Recipe};
use crate::enforce::verify::{self, Verified};
use crate::failure::{Failure, exit};
use crate::files::read_lock;
use crate::firmware::forward::Firmware;
use crate::flags::Parsed;
use crate::gic::proxy::counts;
use crate::kvm::{System, bury};
use crate::machine::boot;
use crate::machine::home::spawn;
use crate::machine::memory::Memory;
use crate::machine::run::{self, Ended, Session, Space};
use crate::machine::terminal::Raw;
use crate::rehearse::{Search, prove};
use crate::say;
use crate::stats::{self, Stats};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use vmlock_spec::lock::Lock;

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let mut stats = Stats::new(parsed.has("stats"));
    let path = Path::new(&parsed.argument);
    let lock = Arc::new(read_lock(path)?);
    let (system, cores) = open()?;
    let memory = Memory::new(lock.machine.memory).map_err(|e| Failure::environment(e, &[]))?;
    let memory = Arc::new(memory);
    // Copying a kernel takes as long as all the rest, and needs nothing of it. A refusal does not wait for it.
    let (loaded, loading) = channel();
    {
        let (lock, memory) = (Arc::clone(&lock), Arc::clone(&memory));
        let directory = boot::directory(path);
        spawn("loader", move || {
            // After a refusal, nobody wants it any more.
            let _ = loaded.send(boot::load(&lock, &directory, &memory));
        })?;
    }
    let (verified, firmware) = enforced(parsed, &system, &lock, &memory, &mut stats)?;
    let entry = loading
        .recv()
        .map_err(|_| Failure::environment("the thread that loads the kernel has gone", &[]))??;
    entry.set(&verified)?;
    stats.mark("load");
    let bus = Bus::new(&lock.machine.devices, Box::new(std::io::stdout()));
    let raw = Raw::enter().map_err(|e| Failure::environment(format!("the terminal: {e}"), &[]))?;
    if raw.is_some() {
        say::eprintln("vmlock-run: Ctrl-A x ends the guest");
    }
    let session = Session {
        bus,
        firmware,
        console: true,
        escape: raw.is_some(),
        limit: None,
        space: Space::of_lock(&lock),
        cores: Some(cores),
        first: {
            let said = stats.into_last();
            Box::new(move || {
                said();
                bury();
            })
        },
    };
    let rehearsed = counts();
    let how = run::run(verified, session);
    drop(raw);
    let how = how?;
    if parsed.has("stats") {
        let (line, words) = stats::interrupts(rehearsed);
        say::eprintln(format_args!("{line}\nvmlock-run: {words}"));
    }
    let (code, words) = ending(&how);
    say::eprintln(format_args!("vmlock-run: {words}"));
    Ok(code)
}

/// The machine, proven to be what its lock says, and who answers the calls that
/// its kernel cannot; its memory is still being filled.
fn enforced(
    parsed: &Parsed,
    system: &System,
    lock: &Lock,
    memory: &Arc<Memory>,
    stats: &mut Stats,
) -> Result<(Verified, Option<Firmware>), Failure> {
    let plan = plan_here(system, lock, parsed)?;
    stats.mark("probe");
    if !plan.refusals.is_empty() {
        return Err(Failure::Refused(plan.refusals));
    }
    prove(system, lock, &plan, Search::WhereTheyAre)?;
    stats.mark("rehearse");
    let recipe = Recipe::of_lock(lock, &plan);
    let begun = apply::begin(system, &recipe, Some(Arc::clone(memory)))?;
    stats.mark("create");
    let built = apply::complete(begun, &recipe)?;
    stats.mark("enforce");
    let verified = verify::verify(built, lock, &recipe)?;
    stats.mark("verify");
    Ok((verified, Firmware::new(lock, &recipe.steps)))
}

/// The exit code and the words for how a guest ended.
fn ending(how: &Ended) -> (u8, String) {
    match how {
        Ended::PowerOff => (exit::OK, "the guest powered off".to_owned()),
        Ended::Hibernate => (
            exit::HIBERNATE,
            "the guest asked to be hibernated".to_owned(),
        ),
        Ended::Reset(false) => (exit::RESET, "the guest asked for a reset".to_owned()),
        Ended::Reset(true) => (
            exit::RESET,
            "the guest asked for a reset by SYSTEM_RESET2".to_owned(),
        ),
        Ended::Crash => (exit::BROKEN, "the guest crashed".to_owned()),
        Ended::Broken(why) => (exit::BROKEN, format!("the guest cannot go on: {why}")),
        Ended::Unread => (
            exit::OK,
            "ended: nobody reads the guest's console any more (the reader of stdout has gone)"
                .to_owned(),
        ),
        Ended::Quit => (
            say::signalled(libc::SIGINT),
            "ended from the keyboard".to_owned(),
        ),
        Ended::TimedOut => (exit::BROKEN, "the guest ran into its time limit".to_owned()),
    }
}
