//! A vCPU's state as a whole: read of one at rest, written to one that has not run, or that is lent.
//!
//! What there is of registers, KVM says itself (`KVM_GET_REG_LIST`). Beside them a vCPU runs or is off
//! (`KVM_GET_MP_STATE`), and may have an SError to come (`KVM_GET_VCPU_EVENTS`). A CPU_ON that KVM has yet to carry out is
//! done by the first register that is read (arch/arm64/kvm/arm.c `kvm_arch_vcpu_ioctl`, 5.10 to 7.3), so whether the vCPU
//! runs is asked last.

use super::exit::Between;
use super::register::{bytes, set_bytes};
use super::vcpu::{Fresh, Settled, list};
use super::{Error, Result, counted};
use kvm_bindings::{KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_STOPPED, kvm_mp_state};
use kvm_ioctls::VcpuFd;

/// An SError that a vCPU has yet to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SError {
    /// What its syndrome says; `None` where the host's CPU lets nobody choose.
    pub syndrome: Option<u64>,
}

/// The state of a vCPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Ids and bytes, little-endian, in the order of the ids.
    pub registers: Vec<(u64, Vec<u8>)>,
    /// Whether it is off until somebody turns it on.
    pub off: bool,
    /// What it has yet to take.
    pub serror: Option<SError>,
}

pub(super) fn off(fd: &VcpuFd) -> Result<bool> {
    let state = counted(fd.get_mp_state()).map_err(|e| Error::new("KVM_GET_MP_STATE", e))?;
    match state.mp_state {
        KVM_MP_STATE_RUNNABLE => Ok(false),
        KVM_MP_STATE_STOPPED => Ok(true),
        other => Err(Error {
            call: format!("KVM_GET_MP_STATE, which says {other}"),
            errno: libc::EPROTO,
        }),
    }
}

fn set_off(fd: &VcpuFd, off: bool) -> Result<()> {
    let mp_state = match off {
        true => KVM_MP_STATE_STOPPED,
        false => KVM_MP_STATE_RUNNABLE,
    };
    counted(fd.set_mp_state(kvm_mp_state { mp_state }))
        .map_err(|e| Error::new("KVM_SET_MP_STATE", e))
}

fn serror(fd: &VcpuFd) -> Result<Option<SError>> {
    let events = counted(fd.get_vcpu_events()).map_err(|e| Error::new("KVM_GET_VCPU_EVENTS", e))?;
    let exception = events.exception;
    Ok((exception.serror_pending != 0).then_some(SError {
        syndrome: (exception.serror_has_esr != 0).then_some(exception.serror_esr),
    }))
}

impl Settled<'_> {
    /// All of it, of the registers those that are `wanted`.
    ///
    /// # Errors
    /// KVM's.
    pub fn whole(&self, wanted: impl Fn(u64) -> bool) -> Result<Whole> {
        let ids = list(self.fd)?.into_iter().filter(|id| wanted(*id));
        let registers = ids.map(|id| Ok((id, bytes(self.fd, id)?)));
        Ok(Whole {
            registers: registers.collect::<Result<_>>()?,
            serror: serror(self.fd)?,
            off: off(self.fd)?,
        })
    }
}

impl Between<'_> {
    /// Writes a register of any width, all of its bytes.
    ///
    /// # Errors
    /// KVM's; it has another width.
    pub fn set_bytes(&self, id: u64, value: &[u8]) -> Result<()> {
        set_bytes(self.fd, id, value)
    }

    /// Turns it on or off, and nothing else of it changes.
    ///
    /// # Errors
    /// KVM's.
    pub fn set_off(&self, off: bool) -> Result<()> {
        set_off(self.fd, off)
    }
}

impl Fresh {
    /// A register of any width: its bytes, little-endian.
    ///
    /// # Errors
    /// KVM's.
    pub fn bytes(&self, id: u64) -> Result<Vec<u8>> {
        bytes(&self.fd, id)
    }

    /// Writes a register of any width, all of its bytes.
    ///
    /// # Errors
    /// KVM's; it has another width.
    pub fn set_bytes(&self, id: u64, value: &[u8]) -> Result<()> {
        set_bytes(&self.fd, id, value)
    }

    /// Whether it is off until somebody turns it on.
    ///
    /// # Errors
    /// KVM's.
    pub fn off(&self) -> Result<bool> {
        off(&self.fd)
    }

    /// Turns it on or off, and nothing else of it changes.
    ///
    /// # Errors
    /// KVM's.
    pub fn set_off(&self, off: bool) -> Result<()> {
        set_off(&self.fd, off)
    }
}
