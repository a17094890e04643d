//! What answers where a machine has nothing.

use vmlock_spec::lock::{Lock, Unmapped};

/// What answers an access to an address at which the machine has nothing.
#[derive(Clone, Copy)]
pub struct Space {
    /// Bits of guest-physical address.
    pub address_bits: u32,
    /// What answers up to the last address.
    pub unmapped: Unmapped,
}

impl Space {
    /// As the lock says.
    pub fn of_lock(lock: &Lock) -> Self {
        Self {
            address_bits: lock.machine.address_bits,
            unmapped: lock.machine.unmapped,
        }
    }

    /// What FAR_EL1 says of an access there; `None` where loads read zero and stores are dropped.
    ///
    /// Behind the last address KVM injects the abort itself from 5.19 or so on, with the guest-physical address in
    /// FAR_EL1, and hands the access out before (arch/arm64/kvm/mmu.c `kvm_handle_guest_abort`): one answer on all.
    pub(super) fn aborts(self, address: u64) -> Option<Option<u64>> {
        if address >> self.address_bits != 0 {
            return Some(Some(address));
        }
        match self.unmapped {
            Unmapped::ExternalAbort => Some(None),
            Unmapped::ReadsAsZero => None,
        }
    }
}
