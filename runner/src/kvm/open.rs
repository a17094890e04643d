//! An open VM: its descriptor, and the memory that is mapped as long as anybody has it.

use crate::memory::Memory;
use kvm_ioctls::VmFd;
use std::sync::{Arc, Mutex};

/// What keeps a VM alive: vCPUs and devices hold it too, so that the guest's
/// memory is unmapped only after the last descriptor of the VM is closed.
pub(super) struct Open {
    // Field order is drop order: the descriptor goes before the memory.
    pub(super) fd: VmFd,
    pub(super) memory: Mutex<Vec<Arc<Memory>>>,
}

impl Open {
    pub(super) fn new(fd: VmFd) -> Self {
        Self {
            fd,
            memory: Mutex::new(Vec::new()),
        }
    }
}
