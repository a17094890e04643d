//! What is left of an exit when KVM_RUN comes back.

use super::name;
use crate::guest::{self, Came, DEVICE, Guest, MEMORY, PC, X0, code};
use kvm_ioctls::Kvm;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use vmm_sys_util::signal::{Killable, SIGRTMIN, register_signal_handler};

/// The answer to a load.
const ANSWER: u32 = 0x5a;
/// How long a vCPU has to get where its program stays.
const SETTLED: Duration = Duration::from_secs(1);
/// How long a signal has to get a vCPU out of KVM_RUN.
const LIMIT: Duration = Duration::from_secs(30);

/// PSCI's SYSTEM_OFF (DEN0022, 5.9): each KVM gives it to user space.
const SYSTEM_OFF: u64 = 0x8400_0008;

/// A load from a device.
pub fn read(kvm: &Kvm) -> io::Result<String> {
    access(kvm, code::LOAD, &Came::Load(DEVICE))
}

/// A store to a device.
pub fn write(kvm: &Kvm) -> io::Result<String> {
    access(kvm, code::STORE, &Came::Store(DEVICE, 0x11))
}

fn access(kvm: &Kvm, instruction: u32, expected: &Came) -> io::Result<String> {
    let mut guest = Guest::new(kvm, 1, &[instruction, code::SPIN])?;
    let came = guest.run_answered(0, ANSWER);
    if came != *expected {
        return Ok(format!("another exit: {came:?}"));
    }
    let state = |guest: &Guest| -> io::Result<String> {
        let pc = guest.get(0, PC)?.wrapping_sub(MEMORY);
        Ok(format!("PC + {pc}, X0 {:#x}", guest.get(0, X0)?))
    };
    let at_exit = state(&guest)?;
    let first = name(&guest.complete(0));
    let completed = state(&guest)?;
    let second = name(&guest.complete(0));
    let again = state(&guest)?;
    Ok(format!(
        "at the exit {at_exit}; completed ({first}) {completed}; once more ({second}) {again}"
    ))
}

/// A firmware call.
pub fn call(kvm: &Kvm) -> io::Result<String> {
    let mut guest = Guest::new(kvm, 1, &[code::CALL, code::SPIN])?;
    guest.set(0, X0, SYSTEM_OFF)?;
    let came = guest.run(0);
    if came != Came::Event {
        return Ok(format!("another exit: {came:?}"));
    }
    let at_exit = guest.get(0, PC)?.wrapping_sub(MEMORY);
    let completed = name(&guest.complete(0));
    let after = guest.get(0, PC)?.wrapping_sub(MEMORY);
    Ok(format!(
        "at the exit PC + {at_exit}; completed ({completed}) PC + {after}"
    ))
}

/// A WFI that a signal ends.
pub fn wait(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[code::WAIT, code::SPIN])?;
    let (mut guest, came) = beside(guest, |_| Ok(()))?;
    let at_exit = guest.get(0, PC)?.wrapping_sub(MEMORY);
    let completed = name(&guest.complete(0));
    let after = guest.get(0, PC)?.wrapping_sub(MEMORY);
    Ok(format!(
        "{}: PC + {at_exit}; completed ({completed}) PC + {after}",
        name(&came)
    ))
}

/// Lets the first vCPU run on a thread of its own, does something meanwhile with the rest, and gets it out by a signal.
pub fn beside(
    mut guest: Guest,
    meanwhile: impl FnOnce(&Guest) -> io::Result<()>,
) -> io::Result<(Guest, Came)> {
    extern "C" fn nothing(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}
    register_signal_handler(SIGRTMIN(), nothing)?;
    let mut vcpu = guest.vcpus.remove(0);
    let running = thread::spawn(move || {
        let came = guest::run(&mut vcpu, 0);
        (vcpu, came)
    });
    thread::sleep(SETTLED);
    let done = meanwhile(&guest);
    let (vcpu, came) = end(running)?;
    guest.vcpus.insert(0, vcpu);
    done?;
    Ok((guest, came))
}

fn end<T>(thread: JoinHandle<T>) -> io::Result<T> {
    let begun = Instant::now();
    while !thread.is_finished() {
        if begun.elapsed() > LIMIT {
            return Err(io::Error::other("a signal gets no vCPU out of KVM_RUN"));
        }
        thread.kill(SIGRTMIN())?;
        thread::sleep(Duration::from_millis(100));
    }
    thread
        .join()
        .map_err(|_| io::Error::other("a vCPU's thread panicked"))
}
