//! A vCPU's thread: it runs its vCPU, serves what that comes out with, and rests while somebody holds the guest.

use super::resting::Resting;
#[cfg(feature = "torture")]
use super::turn::Came;
use super::{Ended, Proxied, Shared};
use crate::counters;
use crate::firmware::End;
use crate::firmware::forward::{Firmware, Reply, Starter};
use crate::firmware::power::Start;
#[cfg(feature = "torture")]
use crate::jail::misbehave;
#[cfg(feature = "torture")]
use crate::jail::table::Thread;
use crate::kvm::{self, Entry, Exit, Kick, Mmio, Remains, Rest, Runnable, Unstarted, Vm, core};
use crate::machine::loan::look::Answers;
use crate::say;
use kvm_bindings::{
    KVM_SYSTEM_EVENT_CRASH, KVM_SYSTEM_EVENT_RESET, KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2,
    KVM_SYSTEM_EVENT_SHUTDOWN, KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2,
};
use nix::unistd::gettid;
use std::sync::atomic::Ordering;

/// What became of an exit.
enum Served {
    /// The guest goes on.
    GoOn,
    /// The access is answered by an external abort, with that FAR_EL1 if it is not the guest's own address.
    Abort(Option<u64>),
    /// The vCPU is off until somebody starts it.
    Off,
    /// The machine ends.
    End(Ended),
}

/// Runs one vCPU until the machine stops, or until this vCPU ends it: how.
pub(super) fn drive(index: u32, vcpu: Runnable, shared: &Shared) -> Option<Ended> {
    #[cfg(feature = "torture")]
    misbehave::inside(Thread::Vcpu);
    let (slot, world) = (index as usize, shared.proxied.as_ref().map(|p| &p.world));
    let counts = shared.counts.vcpus.get(slot)?;
    let (mut vcpu, how) = vcpu.on_this_thread(|vcpu| {
        if let Some(world) = world {
            world.join(slot, Kick::this_thread());
        }
        shared.barrier.join(index, gettid(), Kick::this_thread());
        let starter = shared.firmware.as_ref().and_then(Firmware::starter);
        // Who is on asks nobody whether it is to be started.
        let mut on = match &shared.on {
            Some(on) => on.get(slot).copied().unwrap_or(false),
            None => index == 0,
        };
        // One that goes on may have been on before.
        let mut was_on = on || shared.on.is_some();
        loop {
            if shared.stop.load(Ordering::Acquire) {
                return None;
            }
            let held = shared.barrier.is_lowered();
            #[cfg(feature = "torture")]
            if let Some(turn) = shared.turn.as_ref().filter(|_| !held) {
                match turn.lets_in(slot, vcpu) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(error) => return Some(Ended::Broken(error.to_string())),
                }
            }
            if let Some(world) = world {
                world.enter(slot);
            }
            let asked = starter
                .filter(|_| !on && !held)
                .and_then(|s| Some((s, s.power().take(slot)?)));
            let started = asked.map_or(Ok(()), |(starter, start)| {
                on = true;
                let again = std::mem::replace(&mut was_on, true);
                begin(vcpu, index, again, starter, start, &shared.vm).map_err(|e| e.to_string())
            });
            let came = started.and_then(|()| {
                let came = match held {
                    true => vcpu.settle(),
                    false => vcpu.run().map(Rest::Exit),
                };
                came.map_err(|e| e.to_string())
            });
            if let Some(world) = world {
                world.leave(slot);
            }
            let exit = match came {
                Ok(Rest::Settled(settled)) => {
                    let mut resting = Resting {
                        settled,
                        index,
                        lock: shared.lock,
                        lookout: shared.lookout.as_ref(),
                        answers: Answers {
                            firmware: shared.firmware.as_ref(),
                            frames: &|mmio| interrupt_controller(slot, mmio, shared),
                        },
                        ends: &|words| shared.end(Ended::Broken(words)),
                    };
                    shared.barrier.rest(index, &mut resting);
                    continue;
                }
                Ok(Rest::Exit(exit)) => Ok(exit),
                Err(words) => Err(words),
            };
            #[cfg(feature = "torture")]
            if let (Some(turn), Ok(exit)) = (&shared.turn, &exit) {
                turn.came(slot, Came::of(exit));
            }
            match exit.map(|exit| serve(slot, exit, shared, counts)) {
                Ok(Served::GoOn) => {}
                Ok(Served::Off) => {
                    if let Err(error) = vcpu.stop() {
                        return Some(Ended::Broken(error.to_string()));
                    }
                    on = false;
                    if let Some(starter) = starter {
                        starter.power().off(slot);
                    }
                }
                Ok(Served::Abort(far)) => {
                    if let Err(error) = vcpu.abort(far) {
                        return Some(Ended::Broken(error.to_string()));
                    }
                }
                Ok(Served::End(how)) => return Some(how),
                Err(words) => return Some(Ended::Broken(words)),
            }
        }
    });
    if let Some(how) = &how {
        // Before it counts as one that rests.
        shared.ends(how);
    }
    shared.barrier.part(index);
    if let Some(world) = world {
        world.part(slot);
    }
    match how {
        Some(Ended::Broken(words)) => {
            let place = match vcpu.post_mortem().and_then(|vcpu| vcpu.get(core::PC)) {
                Ok(pc) => format!(" (vCPU {index}, at {pc:#x})"),
                Err(_) => format!(" (vCPU {index})"),
            };
            Some(Ended::Broken(words + &place))
        }
        None if shared.overdue.load(Ordering::Relaxed) => {
            if let Ok(vcpu) = vcpu.post_mortem() {
                say::note(stood(index, &vcpu, counts));
            }
            None
        }
        how => how,
    }
}

/// Where a vCPU stood when the machine's time was up, and how often it had come out, in words: whether it never began, or goes
/// round in the vectors of exceptions that nobody handles.
fn stood(index: u32, vcpu: &Remains<'_>, counts: &counters::Vcpu) -> String {
    let named = [
        ("PC", core::PC),
        ("PSTATE", core::PSTATE),
        ("ELR_EL1", core::ELR_EL1),
        ("ESR_EL1", core::ESR_EL1),
        ("FAR_EL1", core::FAR_EL1),
    ];
    let values = named.map(|(name, id)| match vcpu.get(id) {
        Ok(value) => format!("{name} {value:#x}"),
        Err(_) => format!("{name} unknown"),
    });
    let out = [
        &counts.device,
        &counts.interrupt_controller,
        &counts.firmware,
        &counts.kicked,
        &counts.other,
    ];
    let out: u64 = out.into_iter().map(counters::Count::get).sum();
    format!(
        "vCPU {index} stood at {}, and had left KVM {out} times",
        values.join(", ")
    )
}

/// Starts a vCPU in the kernel's place, with what its lock says that it begins with; `again` where it was on before.
fn begin(
    vcpu: &Runnable,
    index: u32,
    again: bool,
    starter: &Starter,
    start: Start,
    vm: &Vm,
) -> Result<(), Unstarted> {
    if again {
        vcpu.reset(index, &vm.preferred_target()?, &starter.features)?;
    }
    let entry = Entry {
        pc: start.entry,
        x0: start.context,
        big_endian: start.big_endian,
    };
    vcpu.start(entry, starter.beginning(index as usize))
}

/// Does what an exit asks for.
fn serve(vcpu: usize, exit: Exit<'_>, shared: &Shared, counts: &counters::Vcpu) -> Served {
    match exit {
        // Which of two it is shows when it is served.
        Exit::Mmio(_) => {}
        Exit::Hypercall(_) => counts.firmware.add(1),
        Exit::Kicked => counts.kicked.add(1),
        _ => counts.other.add(1),
    }
    let ended = match exit {
        Exit::Mmio(mmio) => {
            let mut mmio = match interrupt_controller(vcpu, mmio, shared) {
                Ok(Some(mmio)) => mmio,
                Ok(None) => {
                    counts.interrupt_controller.add(1);
                    return Served::GoOn;
                }
                Err(error) => return Served::End(Ended::Broken(error.to_string())),
            };
            counts.device.add(1);
            let (address, is_write) = (mmio.address, mmio.is_write);
            let data = mmio.data();
            let mut bus = shared.bus();
            if !bus.has(address, data.len())
                && let Some(far) = shared.space.aborts(address)
            {
                return Served::Abort(far);
            }
            let line = match is_write {
                true => bus.write(address, data),
                false => bus.read(address, data),
            };
            let wait = bus.wait();
            shared.accessed(bus, line);
            if let Some(wait) = wait {
                wait.over();
            }
            None
        }
        Exit::Kicked => None,
        #[cfg(feature = "torture")]
        Exit::Stepped => None,
        Exit::SystemEvent {
            kind: KVM_SYSTEM_EVENT_SHUTDOWN,
            flags,
        } => {
            let hibernate = flags & u64::from(KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2) != 0;
            Some(if hibernate {
                Ended::Hibernate
            } else {
                Ended::PowerOff
            })
        }
        Exit::SystemEvent {
            kind: KVM_SYSTEM_EVENT_RESET,
            flags,
        } => Some(Ended::Reset(
            flags & u64::from(KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2) != 0,
        )),
        Exit::SystemEvent {
            kind: KVM_SYSTEM_EVENT_CRASH,
            ..
        } => Some(Ended::Crash),
        Exit::SystemEvent { kind, .. } => Some(Ended::Broken(format!(
            "it asked for system event {kind}, which its lock does not offer"
        ))),
        Exit::Hypercall(call) => {
            let Some(firmware) = &shared.firmware else {
                let name = vmlock_spec::smccc::function_name(call.function);
                return Served::End(Ended::Broken(format!(
                    "KVM forwarded {name}, which nobody asked it to"
                )));
            };
            match firmware.serve(&call) {
                Ok(Reply::GoOn) => None,
                Ok(Reply::Started(vcpu)) => {
                    shared.barrier.kick(vcpu as u32);
                    None
                }
                Ok(Reply::Off) => return Served::Off,
                Ok(Reply::End(End::Off)) => Some(Ended::PowerOff),
                Ok(Reply::End(End::Hibernate)) => Some(Ended::Hibernate),
                Ok(Reply::End(End::Reset)) => Some(Ended::Reset(false)),
                Ok(Reply::End(End::Reset2)) => Some(Ended::Reset(true)),
                Err(error) => Some(Ended::Broken(error.to_string())),
            }
        }
        // Not even what is there can be asked so: registers of devices are for plain loads and stores.
        Exit::NoSyndrome { address } => match shared.space.aborts(address) {
            Some(far) => return Served::Abort(far),
            None => Some(Ended::Broken(format!(
                "it accessed {address:#x}, where no memory is, with an instruction that the CPU does not describe"
            ))),
        },
        Exit::FailEntry { reason } => Some(Ended::Broken(format!(
            "the CPU refused to enter it, reason {reason:#x}"
        ))),
        Exit::IllegalState => Some(Ended::Broken(
            "KVM ended a vCPU of it for a state that this host does not offer, such as AArch32 at EL0".to_owned(),
        )),
        Exit::InternalError { suberror } => Some(Ended::Broken(format!(
            "KVM met an internal error, number {suberror}"
        ))),
        Exit::Other(reason) => Some(Ended::Broken(format!(
            "KVM ended with exit reason {reason}, which this program does not know"
        ))),
    };
    ended.map_or(Served::GoOn, Served::End)
}

/// Answers an access to a proxied interrupt controller; gives it back when it is none.
pub(super) fn interrupt_controller<'a>(
    vcpu: usize,
    mmio: Mmio<'a>,
    shared: &Shared,
) -> kvm::Result<Option<Mmio<'a>>> {
    match &shared.proxied {
        Some(Proxied { proxy, world, .. }) => proxy.access(world, vcpu, mmio),
        None => Ok(Some(mmio)),
    }
}
