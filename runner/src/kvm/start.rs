//! A vCPU turned off and started again by the runner, as KVM does for CPU_OFF and CPU_ON (arch/arm64/kvm/psci.c
//! `kvm_psci_vcpu_off`, `kvm_psci_vcpu_on`; reset.c `kvm_reset_vcpu`), but with what its lock says that it begins with.

use super::register::{get, set};
use super::vcpu::{Runnable, initialise};
use super::{Error, Result, core, counted, name_of};
use kvm_bindings::{KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_STOPPED, kvm_mp_state, kvm_vcpu_init};
use std::fmt;
use vmlock_spec::plan::Beginning;
use vmlock_spec::vm::Feature;

/// Why a vCPU was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unstarted {
    /// A call to KVM failed.
    Kvm(Error),
    /// A register does not hold what the vCPU has to begin with.
    Moved {
        /// Its name.
        register: String,
        /// What it has to hold, of the bits that KVM tells.
        wanted: u64,
        /// What it holds of them.
        read: u64,
        /// What KVM said when it was written.
        refused: Option<Error>,
    },
}

impl From<Error> for Unstarted {
    fn from(error: Error) -> Self {
        Self::Kvm(error)
    }
}

impl fmt::Display for Unstarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (register, wanted, read, refused) = match self {
            Self::Kvm(error) => return error.fmt(f),
            Self::Moved {
                register,
                wanted,
                read,
                refused,
            } => (register, wanted, read, refused),
        };
        write!(
            f,
            "a vCPU that CPU_ON starts has to begin with {wanted:#x} in {register}, which reads {read:#x}"
        )?;
        match refused {
            Some(error) => write!(f, " and is not to be written ({error})")?,
            None => f.write_str(" after it was written")?,
        }
        f.write_str(
            ": choose another host for a guest that turns vCPUs off and on, and report this one",
        )
    }
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
    /// exit of it waits for its completion. What was written to it before may be gone: [`Runnable::start`] sees to it.
    ///
    /// # Errors
    /// KVM's.
    pub fn reset(&self, index: u32, target: &kvm_vcpu_init, features: &[Feature]) -> Result<()> {
        initialise(&self.fd, index, target, features)
    }

    /// Starts a vCPU that is off and as KVM resets it. What it begins with is read, written where it has moved (KVM takes
    /// no write of an ID register once a vCPU has run, not even of what it holds), and read back.
    ///
    /// # Errors
    /// KVM's; a register that does not hold what it has to.
    pub fn start(
        &self,
        entry: Entry,
        beginning: impl IntoIterator<Item = Beginning>,
    ) -> std::result::Result<(), Unstarted> {
        for register in beginning {
            self.hold(register)?;
        }
        if entry.big_endian {
            let control = get(&self.fd, core::SCTLR_EL1)?;
            set(&self.fd, core::SCTLR_EL1, control | core::SCTLR_EE)?;
        }
        set(&self.fd, core::PC, entry.pc)?;
        set(&self.fd, core::X0, entry.x0)?;
        Ok(self.set_state(KVM_MP_STATE_RUNNABLE)?)
    }

    /// Sees to it that the vCPU has that in one register.
    fn hold(&self, Beginning { id, value, told }: Beginning) -> std::result::Result<(), Unstarted> {
        let moved = |read: u64| (read ^ value) & told != 0;
        if !moved(get(&self.fd, id)?) {
            return Ok(());
        }
        let refused = set(&self.fd, id, value).err();
        let read = get(&self.fd, id)?;
        match moved(read) {
            false => Ok(()),
            true => Err(Unstarted::Moved {
                register: name_of(id),
                wanted: value & told,
                read: read & told,
                refused,
            }),
        }
    }

    fn set_state(&self, mp_state: u32) -> Result<()> {
        counted(self.fd.set_mp_state(kvm_mp_state { mp_state }))
            .map_err(|e| Error::new("KVM_SET_MP_STATE", e))
    }
}
