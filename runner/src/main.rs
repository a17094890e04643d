//! `vmlock-run`: makes the kernel it finds itself on show a guest exactly what
//! its lock says, proves it, or refuses to start the guest and says why.
//!
//! [`host`] finds out what the host can show, `vmlock_spec::plan` decides,
//! [`enforce`] carries it out and reads it back, [`machine`] runs the guest.
//! What is pure (flags, image headers, devices) is built and tested everywhere;
//! KVM is arm64's.

// Elsewhere only the tests use what surrounds KVM.
#![cfg_attr(not(target_arch = "aarch64"), allow(dead_code))]

#[cfg(all(target_arch = "aarch64", feature = "torture"))]
mod accesses;
mod arriving;
#[cfg(target_arch = "aarch64")]
mod command;
mod console;
mod control;
mod cores;
mod counters;
mod device;
#[cfg(target_arch = "aarch64")]
mod enforce;
mod failure;
mod files;
mod firmware;
mod flags;
#[cfg(target_arch = "aarch64")]
mod generation;
mod gic;
mod handover;
mod hold;
#[cfg(target_arch = "aarch64")]
mod host;
mod jail;
mod keeper;
mod kick;
#[cfg(target_arch = "aarch64")]
mod kvm;
#[cfg(all(target_arch = "aarch64", feature = "torture"))]
mod living;
mod machine;
mod memory;
#[cfg(all(target_arch = "aarch64", feature = "torture"))]
mod moments;
#[cfg(all(target_arch = "aarch64", feature = "torture"))]
mod mutate;
mod notify;
#[cfg(any(test, all(target_arch = "aarch64", feature = "torture")))]
mod pack;
mod passed;
mod proof;
#[cfg(target_arch = "aarch64")]
mod rehearse;
mod say;
mod signals;
mod snapshot;
mod speaker;
#[cfg(target_arch = "aarch64")]
mod stats;
mod threads;
#[cfg(all(target_arch = "aarch64", feature = "torture"))]
mod torture;
mod unix;
#[cfg(target_arch = "aarch64")]
mod witness;

use failure::exit;
use flags::Request;
use std::process;
use vmlock_spec::event::Event;

fn main() {
    std::panic::set_hook(Box::new(|panic| {
        machine::terminal::restore();
        say::event(Event::Bug, format_args!("this is a bug of ours: {panic}"));
        process::exit(exit::BUG.into());
    }));
    let arguments = std::env::args_os()
        .skip(1)
        .map(|a| a.to_string_lossy().into_owned());
    let (ended, json) = match flags::parse(arguments) {
        Ok(Request::Print(text)) => (say::println(&text).map(|()| exit::OK), false),
        Ok(Request::Run(parsed)) => {
            if parsed.value(vmlock_run_flags::LOG.long) == Some("json") {
                say::log_json();
            }
            (run(&parsed), parsed.json())
        }
        Err(failure) => (Err(failure), false),
    };
    signals::give_way();
    let code = ended.unwrap_or_else(|failure| say::failure(&failure, json));
    #[cfg(target_arch = "aarch64")]
    kvm::leave_open_vms();
    // Threads that still wait for a key or a full pipe end with the process.
    process::exit(code.into());
}

#[cfg(target_arch = "aarch64")]
use command::run;

/// Other machines have no KVM that could show an arm64 guest anything.
#[cfg(not(target_arch = "aarch64"))]
fn run(parsed: &flags::Parsed) -> Result<u8, failure::Failure> {
    if parsed.verb == "completions" {
        say::println(&flags::completions(&parsed.argument)?)?;
        return Ok(exit::OK);
    }
    if parsed.verb == control::MIGRATE {
        return control::migrator::run(parsed);
    }
    if parsed.verb == control::SAVE {
        return control::saver::run(parsed);
    }
    if control::VERBS.contains(&parsed.verb) {
        return control::client::run(parsed);
    }
    Err(failure::Failure::environment(
        format!(
            "`vmlock-run {}` needs Linux on arm64, and this is another machine",
            parsed.verb
        ),
        &["`vmlock-lab run --kernel 6.12 -- …` runs the same command in an emulated arm64 host"],
    ))
}
