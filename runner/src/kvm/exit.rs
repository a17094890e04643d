//! Entering KVM_RUN, and what comes out: exits, and the vCPUs that wait in them.
//!
//! An access where no memory is has a register under way, so an [`Mmio`] gives none but those that completing it
//! leaves alone. [`Mmio::complete`] makes a [`Between`] of it: a vCPU that will run on, between two instructions.

use super::register::{get, set};
use super::{Error, Result, core, counted};
use kvm_bindings::{
    KVM_EXIT_ARM_NISV, KVM_EXIT_FAIL_ENTRY, KVM_EXIT_HYPERCALL, KVM_EXIT_INTERNAL_ERROR,
    KVM_EXIT_MMIO, KVM_EXIT_SYSTEM_EVENT, KVM_HYPERCALL_EXIT_SMC,
};
use kvm_ioctls::VcpuFd;

/// Why KVM_RUN returned.
pub enum Exit<'a> {
    /// The guest reads or writes where no memory is.
    Mmio(Mmio<'a>),
    /// PSCI asks for something that concerns the whole machine.
    SystemEvent {
        /// `KVM_SYSTEM_EVENT_*`.
        kind: u32,
        /// `KVM_SYSTEM_EVENT_*_FLAG_*`.
        flags: u64,
    },
    /// A firmware call that was forwarded. KVM has moved the PC past the
    /// instruction already, and nothing of it is pending in the kernel.
    Hypercall(Forwarded<'a>),
    /// An access that the CPU does not describe well enough to be emulated.
    NoSyndrome {
        /// Guest-physical address.
        address: u64,
    },
    /// The CPU refused to enter the guest.
    FailEntry {
        /// The hardware's reason.
        reason: u64,
    },
    /// The vCPU is in a state that KVM does not let it run in, and is of no
    /// further use (arch/arm64/kvm/handle_exit.c `handle_exit`).
    IllegalState,
    /// KVM gave up.
    InternalError {
        /// `KVM_INTERNAL_ERROR_*`.
        suberror: u32,
    },
    /// Somebody wants the vCPU's thread, or a signal came.
    Kicked,
    /// It went one instruction, as it was asked to ([`Runnable::step`](super::Runnable::step)).
    #[cfg(feature = "torture")]
    Stepped,
    /// An exit that this program does not know, by `kvm_run.exit_reason`.
    Other(u32),
}

/// A firmware call that waits for its answer in x0 to x3 (SMCCC, DEN0028).
pub struct Forwarded<'a> {
    fd: &'a VcpuFd,
    /// The function identifier.
    pub function: u32,
    /// Whether the guest called by SMC instead of HVC.
    pub smc: bool,
}

impl Forwarded<'_> {
    /// An argument: x1 for 1, and so on.
    pub fn argument(&self, number: u64) -> Result<u64> {
        get(self.fd, core::X0 + 2 * number)
    }

    /// Puts results into x0 and on; registers beyond them stay as they are.
    pub fn answer(&self, results: &[u64]) -> Result<()> {
        for (id, result) in (core::X0..).step_by(2).zip(results) {
            counted(self.fd.set_one_reg(id, &result.to_le_bytes()))
                .map_err(|e| Error::new("answering a firmware call", e))?;
        }
        Ok(())
    }

    /// Whether the guest's data is big-endian at EL1 (SCTLR_EL1.EE).
    pub fn is_big_endian(&self) -> Result<bool> {
        get(self.fd, core::SCTLR_EL1).map(|sctlr| sctlr & core::SCTLR_EE != 0)
    }

    /// What the guest would read in CNTVCT_EL0, or in CNTPCT_EL0.
    pub fn counter(&self, physical: bool) -> Result<u64> {
        get(self.fd, if physical { core::CNTPCT } else { core::CNTVCT })
    }
}

/// Bits of CNTV_CTL_EL0 and CNTP_CTL_EL0: ENABLE, and IMASK.
const TIMER_ENABLE: u64 = 1 << 0;
const TIMER_IMASK: u64 = 1 << 1;

/// An access where no memory is, under way.
pub struct Mmio<'a> {
    fd: &'a mut VcpuFd,
    /// Guest-physical address.
    pub address: u64,
    /// Whether the guest writes.
    pub is_write: bool,
}

impl<'a> Mmio<'a> {
    /// What is written, or where the value that is read goes: 1 to 8 bytes, little-endian.
    pub fn data(&mut self) -> &mut [u8] {
        // SAFETY: an `Mmio` is only made where the exit reason says that KVM
        // filled in `mmio`, and no vCPU is entered while it is borrowed.
        let mmio = unsafe { &mut self.fd.get_kvm_run().__bindgen_anon_1.mmio };
        let length = (mmio.len as usize).min(mmio.data.len());
        &mut mmio.data[..length]
    }

    /// What is written, or was put there to be read.
    pub fn value(&mut self) -> u64 {
        let mut bytes = [0; 8];
        bytes
            .iter_mut()
            .zip(self.data())
            .for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(bytes)
    }

    /// What is read.
    pub fn set_value(&mut self, value: u64) {
        let bytes = value.to_le_bytes();
        self.data()
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = from);
    }

    /// X0 to X30. One of them is not yet what it will be, if this is a read.
    ///
    /// # Errors
    /// KVM's.
    pub fn general(&self) -> Result<[u64; core::GENERAL]> {
        general(self.fd)
    }

    /// The vCPU's virtual timer. What completes the access, a general-purpose
    /// register and the PC, is none of a timer's.
    ///
    /// # Errors
    /// KVM's.
    pub fn virtual_timer_fires(&self) -> Result<bool> {
        fires(self.fd, [core::CNTV_CTL, core::CNTV_CVAL, core::CNTVCT])
    }

    /// The vCPU's physical timer; `None` where KVM does not tell (up to 6.3).
    ///
    /// # Errors
    /// KVM's.
    pub fn physical_timer_fires(&self) -> Result<Option<bool>> {
        match fires(self.fd, [core::CNTP_CTL, core::CNTP_CVAL, core::CNTPCT]) {
            Err(error) if error.errno == libc::ENOENT => Ok(None),
            fires => fires.map(Some),
        }
    }

    /// Completes the access; a read gets the value that is in its data.
    ///
    /// # Errors
    /// KVM's, or it did not go on to the next instruction.
    pub fn complete(self) -> Result<Between<'a>> {
        let before = get(self.fd, core::PC)?;
        let completed = enter_immediately(self.fd)?;
        // An instruction of AArch32 may have two bytes.
        let moved = get(self.fd, core::PC)?.wrapping_sub(before);
        if completed && matches!(moved, 2 | 4) {
            return Ok(Between { fd: self.fd });
        }
        Err(Error {
            call: format!("completing an access to {:#x}", self.address),
            errno: libc::EPROTO,
        })
    }
}

/// Whether a timer's interrupt is raised at this moment, as KVM finds it out
/// (`kvm_timer_should_fire`, arch/arm64/kvm/arch_timer.c, 5.10;
/// `kvm_timer_pending`, 7.3). ISTATUS is not asked: newer kernels tell
/// userspace that of the last exit (`arch_timer_get_user`, 6.18 and 7.3).
fn fires(fd: &VcpuFd, [control, value, count]: [u64; 3]) -> Result<bool> {
    let control = get(fd, control)?;
    Ok(
        control & (TIMER_ENABLE | TIMER_IMASK) == TIMER_ENABLE
            && get(fd, value)? <= get(fd, count)?,
    )
}

fn general(fd: &VcpuFd) -> Result<[u64; core::GENERAL]> {
    let mut all = [0; core::GENERAL];
    for (id, register) in (core::X0..).step_by(2).zip(&mut all) {
        *register = get(fd, id)?;
    }
    Ok(all)
}

/// A vCPU that will run on, between two instructions: nothing of an exit is pending.
pub struct Between<'a> {
    pub(super) fd: &'a mut VcpuFd,
}

/// What a vCPU did until it was between two instructions again.
pub enum Ran {
    /// It wrote where no memory is, at this guest-physical address.
    Wrote(u64),
    /// It asked for something that was answered.
    Answered,
    /// Somebody wanted its thread; it may have run, and may not.
    Kicked,
    /// Something else, in words.
    Otherwise(String),
}

impl Between<'_> {
    /// Reads a register of at most 64 bits.
    ///
    /// # Errors
    /// KVM's.
    pub fn get(&self, id: u64) -> Result<u64> {
        get(self.fd, id)
    }

    /// Writes a register of at most 64 bits; bits beyond its width must be zero.
    ///
    /// # Errors
    /// KVM's.
    pub fn set(&self, id: u64, value: u64) -> Result<()> {
        set(self.fd, id, value)
    }

    /// X0 to X30.
    ///
    /// # Errors
    /// KVM's.
    pub fn general(&self) -> Result<[u64; core::GENERAL]> {
        general(self.fd)
    }

    /// Completes what is pending all the same, as after an exit whose answer failed. A read that has none finds anything.
    ///
    /// # Errors
    /// KVM's, or it does not come to an end.
    pub fn complete(&mut self) -> Result<()> {
        match enter_immediately(self.fd)? {
            true => Ok(()),
            false => Err(Error {
                call: "completing the exit of a vCPU that is lent".to_owned(),
                errno: libc::EPROTO,
            }),
        }
    }

    /// Runs the vCPU to its next exit, and completes that. Nothing is answered.
    ///
    /// # Errors
    /// KVM's, or the exit cannot be completed.
    pub fn run(&mut self) -> Result<Ran> {
        self.run_with(|_| Ok(false), |mmio| Ok(Some(mmio)))
    }

    /// The same; `calls` is given calls of firmware that are forwarded, and says whether it has answered, and `accesses`
    /// those where no memory is, and gives back what it does not answer.
    ///
    /// # Errors
    /// As [`Between::run`], and theirs.
    pub fn run_with(
        &mut self,
        calls: impl FnOnce(&Forwarded<'_>) -> Result<bool>,
        accesses: impl for<'m> FnOnce(Mmio<'m>) -> Result<Option<Mmio<'m>>>,
    ) -> Result<Ran> {
        let words = match run(self.fd)? {
            Exit::Mmio(mmio) => {
                let (address, is_write) = (mmio.address, mmio.is_write);
                let Some(mut mmio) = accesses(mmio)? else {
                    self.complete()?;
                    return Ok(Ran::Answered);
                };
                if !is_write {
                    mmio.data().fill(0);
                }
                mmio.complete()?;
                if is_write {
                    return Ok(Ran::Wrote(address));
                }
                format!("it read at {address:#x}")
            }
            Exit::Kicked => return Ok(Ran::Kicked),
            Exit::SystemEvent { kind, .. } => format!("it asked for system event {kind}"),
            Exit::Hypercall(call) if calls(&call)? => return Ok(Ran::Answered),
            Exit::Hypercall(call) => format!("it called firmware function {:#010x}", call.function),
            Exit::NoSyndrome { address } => {
                format!(
                    "it accessed {address:#x} with an instruction that the CPU does not describe"
                )
            }
            Exit::FailEntry { reason } => {
                format!("the CPU refused to enter it, reason {reason:#x}")
            }
            Exit::IllegalState => "KVM does not let it run in its state".to_owned(),
            Exit::InternalError { suberror } => {
                format!("KVM met an internal error, number {suberror}")
            }
            #[cfg(feature = "torture")]
            Exit::Stepped => "it went one instruction alone".to_owned(),
            Exit::Other(reason) => format!("KVM ended with exit reason {reason}"),
        };
        Ok(Ran::Otherwise(words))
    }
}

/// Enters KVM_RUN with `immediate_exit` set. True when that is what ended it,
/// false when there was an exit to serve first.
pub(super) fn enter_immediately(fd: &mut VcpuFd) -> Result<bool> {
    fd.set_kvm_immediate_exit(1);
    let ended = counted(fd.run()).map(|_| ()).map_err(|e| e.errno());
    fd.set_kvm_immediate_exit(0);
    match ended {
        Ok(()) => Ok(false),
        Err(libc::EINTR) => Ok(true),
        Err(errno) => Err(Error {
            call: "KVM_RUN with immediate_exit".to_owned(),
            errno,
        }),
    }
}

/// Runs a vCPU until something has to be done for it.
pub(super) fn run(fd: &mut VcpuFd) -> Result<Exit<'_>> {
    let ended = counted(fd.run()).map(|_| ()).map_err(|e| e.errno());
    match ended {
        Ok(()) => Ok(decode(fd)),
        Err(libc::EINTR | libc::EAGAIN) => {
            fd.set_kvm_immediate_exit(0);
            Ok(Exit::Kicked)
        }
        // The one failure that fills in `exit_reason`; KVM clears that on its way in.
        Err(libc::EINVAL) if fd.get_kvm_run().exit_reason == KVM_EXIT_FAIL_ENTRY => {
            Ok(Exit::IllegalState)
        }
        Err(errno) => Err(Error {
            call: "KVM_RUN".to_owned(),
            errno,
        }),
    }
}

/// What ended the last KVM_RUN.
pub(super) fn decode(fd: &mut VcpuFd) -> Exit<'_> {
    let run = fd.get_kvm_run();
    match run.exit_reason {
        KVM_EXIT_MMIO => {
            // SAFETY: the exit reason says that KVM filled in `mmio`.
            let mmio = unsafe { run.__bindgen_anon_1.mmio };
            Exit::Mmio(Mmio {
                fd,
                address: mmio.phys_addr,
                is_write: mmio.is_write != 0,
            })
        }
        KVM_EXIT_HYPERCALL => {
            // SAFETY: the exit reason says that KVM filled in `hypercall`.
            let call = unsafe { run.__bindgen_anon_1.hypercall };
            // SAFETY: both members of the union are plain numbers.
            let flags = unsafe { call.__bindgen_anon_1.flags };
            Exit::Hypercall(Forwarded {
                fd,
                function: call.nr as u32,
                smc: flags & u64::from(KVM_HYPERCALL_EXIT_SMC) != 0,
            })
        }
        KVM_EXIT_SYSTEM_EVENT => {
            // SAFETY: the exit reason says that KVM filled in `system_event`.
            let event = unsafe { &run.__bindgen_anon_1.system_event };
            // Kernels before 5.19 have no `ndata`; they fill in `flags`,
            // which is where `data[0]` is.
            // SAFETY: both members of the union are plain numbers in zeroed memory.
            let flags = unsafe { event.__bindgen_anon_1.data[0] };
            Exit::SystemEvent {
                kind: event.type_,
                flags,
            }
        }
        KVM_EXIT_ARM_NISV => {
            // SAFETY: the exit reason says that KVM filled in `arm_nisv`.
            let address = unsafe { run.__bindgen_anon_1.arm_nisv.fault_ipa };
            Exit::NoSyndrome { address }
        }
        KVM_EXIT_FAIL_ENTRY => {
            // SAFETY: the exit reason says that KVM filled in `fail_entry`.
            let entry = unsafe { run.__bindgen_anon_1.fail_entry };
            Exit::FailEntry {
                reason: entry.hardware_entry_failure_reason,
            }
        }
        KVM_EXIT_INTERNAL_ERROR => {
            // SAFETY: the exit reason says that KVM filled in `internal`.
            let suberror = unsafe { run.__bindgen_anon_1.internal.suberror };
            Exit::InternalError { suberror }
        }
        #[cfg(feature = "torture")]
        kvm_bindings::KVM_EXIT_DEBUG => Exit::Stepped,
        reason => Exit::Other(reason),
    }
}
