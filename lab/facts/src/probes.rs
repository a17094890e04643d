//! The probes: each does what its statement is about, and says in words what it saw.

mod completion;
mod latches;
mod machine;
mod pmu;
mod timers;
mod vcpu;

use crate::guest::Came;
use crate::table::Probe;
use kvm_ioctls::Kvm;
use std::io;

/// What a probe saw.
pub fn try_one(probe: Probe, kvm: &Kvm) -> io::Result<String> {
    match probe {
        Probe::ReadCompleted => completion::read(kvm),
        Probe::WriteCompleted => completion::write(kvm),
        Probe::WaitCompleted => completion::wait(kvm),
        Probe::CallCompleted => completion::call(kvm),
        Probe::PrivateLatches => latches::private(kvm),
        Probe::SharedLatches => latches::shared(kvm),
        Probe::Lines => latches::lines(kvm),
        Probe::ActiveTimer => timers::active(kvm),
        Probe::ExpiredTimer => timers::expired(kvm),
        Probe::Counter => timers::counter(kvm),
        Probe::CounterCreated => timers::created(kvm),
        Probe::Events => machine::events(kvm),
        Probe::Busy => machine::busy(kvm),
        Probe::Revisions => machine::revisions(kvm),
        Probe::ReadOnly => machine::read_only(kvm),
        Probe::Dirty => machine::dirty(kvm),
        Probe::Forwarded => vcpu::forwarded(kvm),
        Probe::Edge => latches::edge(kvm),
        Probe::Interface => latches::interface(kvm),
        Probe::TimerStatus => timers::status(kvm),
        Probe::PhysicalTimer => timers::physical(kvm),
        Probe::TurnedOn => vcpu::turned_on(kvm),
        Probe::Ended => vcpu::ended(kvm),
        Probe::Actlr => vcpu::actlr(kvm),
        Probe::OsLock => vcpu::os_lock(kvm),
        Probe::PmuListed => pmu::listed(kvm),
        Probe::PmuEnables => pmu::enables(kvm),
        Probe::PmuCounts => pmu::counts(kvm),
    }
}

/// An error of Linux by its name, as far as KVM has it here; anything else as it is.
fn name(came: &Came) -> String {
    match came {
        Came::Error(errno) => error_name(*errno),
        other => format!("{other:?}"),
    }
}

/// An error of a call, by the same names.
fn failed(error: &io::Error) -> String {
    error_name(error.raw_os_error().unwrap_or(0))
}

fn error_name(errno: i32) -> String {
    match errno {
        libc::EINTR => "EINTR".to_owned(),
        libc::EBUSY => "EBUSY".to_owned(),
        libc::EINVAL => "EINVAL".to_owned(),
        libc::ENOENT => "ENOENT".to_owned(),
        other => io::Error::from_raw_os_error(other).to_string(),
    }
}
