//! A vCPU goes one instruction at a time (`KVM_SET_GUEST_DEBUG`), for tests.
//!
//! KVM sets MDSCR_EL1.SS and PSTATE.SS when it enters the guest, and takes what the guest has in MDSCR_EL1 back when it
//! leaves (arch/arm64/kvm/debug.c `kvm_arm_setup_debug` and `kvm_arm_clear_debug`, 5.10).

use super::state::off;
use super::vcpu::Runnable;
use super::{Error, Result, counted};
use kvm_bindings::{KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_SINGLESTEP, kvm_guest_debug};

impl Runnable {
    /// Has it come out after each instruction, or no more.
    ///
    /// # Errors
    /// KVM's.
    pub fn step(&self, on: bool) -> Result<()> {
        let control = match on {
            true => KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
            false => 0,
        };
        let debug = kvm_guest_debug {
            control,
            ..Default::default()
        };
        counted(self.fd.set_guest_debug(&debug)).map_err(|e| Error::new("KVM_SET_GUEST_DEBUG", e))
    }
    /// Whether it is off: a CPU_OFF that KVM answers is no exit, and the vCPU waits inside KVM_RUN until it is kicked.
    ///
    /// # Errors
    /// KVM's.
    pub fn is_off(&self) -> Result<bool> {
        off(&self.fd)
    }
}
