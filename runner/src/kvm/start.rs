//! A vCPU turned off and started again by the runner, as KVM does for CPU_OFF and CPU_ON (arch/arm64/kvm/psci.c
//! `kvm_psci_vcpu_off`, `kvm_psci_vcpu_on`; reset.c `kvm_reset_vcpu`), but with what its lock says that it begins with.

use super::register::{get, set};
use super::vcpu::{Runnable, initialise};
use super::{Error, Result, core, counted, name_of};
use kvm_bindings::{KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_STOPPED, kvm_mp_state, kvm_vcpu_init};
use vmlock_spec::vm::Feature;

/// What a vCPU begins with in one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// KVM register id.
    pub id: u64,
    /// The whole value to write.
    pub value: u64,
    /// The bits that are read back.
    pub told: u64,
}

/// Where a vCPU begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its first instruction.
    pub pc: u64,
    /// What it finds in x0.
    pub x0: u64,
    /// Whether its data is big-endian.
    pub big_endian: bool,
}

impl Runnable {
    /// Turns the vCPU off: KVM_RUN waits until it is started.
    ///
    /// # Errors
    /// KVM's.
    pub fn stop(&self) -> Result<()> {
        self.set_state(KVM_MP_STATE_STOPPED)
    }

    /// Resets a vCPU that was on before, with the arguments of its first KVM_ARM_VCPU_INIT. Only for one that is off: no
    /// exit of it waits for its completion.
    ///
    /// # Errors
    /// KVM's.
    pub fn reset(&self, index: u32, target: &kvm_vcpu_init, features: &[Feature]) -> Result<()> {
        let mpidr = get(&self.fd, core::MPIDR_EL1)?;
        initialise(&self.fd, index, target, features)?;
        match get(&self.fd, core::MPIDR_EL1)? == mpidr {
            true => Ok(()),
            false => set(&self.fd, core::MPIDR_EL1, mpidr),
        }
    }

    /// Starts a vCPU that is off and as KVM resets it. What is written is read back.
    ///
    /// # Errors
    /// KVM's; a register that does not hold what was written.
    pub fn start(&self, entry: Entry, beginning: &[Beginning]) -> Result<()> {
        for Beginning { id, value, told } in beginning {
            set(&self.fd, *id, *value)?;
            if (get(&self.fd, *id)? ^ value) & told != 0 {
                return Err(Error {
                    call: format!("KVM_SET_ONE_REG of {}, read back,", name_of(*id)),
                    errno: libc::EIO,
                });
            }
        }
        if entry.big_endian {
            let control = get(&self.fd, core::SCTLR_EL1)?;
            set(&self.fd, core::SCTLR_EL1, control | core::SCTLR_EE)?;
        }
        set(&self.fd, core::PC, entry.pc)?;
        set(&self.fd, core::X0, entry.x0)?;
        self.set_state(KVM_MP_STATE_RUNNABLE)
    }

    fn set_state(&self, mp_state: u32) -> Result<()> {
        counted(self.fd.set_mp_state(kvm_mp_state { mp_state }))
            .map_err(|e| Error::new("KVM_SET_MP_STATE", e))
    }
}
