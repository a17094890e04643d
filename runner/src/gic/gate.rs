//! Who may send interrupts into a machine, and when.
//!
//! A pending latch can only be cleared by rewriting 32 of them at once
//! (`bank.rs`), and one that is set between reading and writing would be lost.
//! Stopping every vCPU keeps no device from it: those that call KVM_IRQ_LINE
//! wait here, and eventfds are taken off their interrupts. KVM sends on all
//! that came before it lets go of one (`irqfd_shutdown`, virt/kvm/eventfd.c, 5.10 to
//! 7.3), and looks for what has come since when it is bound again
//! (`kvm_irqfd_assign`), so nothing is lost that way.

use crate::kvm::{Result, Vm};
use std::sync::{RwLock, RwLockReadGuard};
use vmm_sys_util::eventfd::EventFd;

/// An eventfd that is bound to a shared interrupt.
pub struct Wire {
    event: EventFd,
    intid: u32,
}

/// What everyone who sends interrupts passes.
pub struct Gate {
    vm: Vm,
    wires: RwLock<Vec<Wire>>,
}

impl Gate {
    /// The gate of a machine without eventfds.
    pub fn new(vm: Vm) -> Self {
        Self {
            vm,
            wires: RwLock::default(),
        }
    }

    /// While it lives, no latch is rewritten.
    pub fn pass(&self) -> RwLockReadGuard<'_, Vec<Wire>> {
        // A panic ends the process, so poison says nothing.
        self.wires.read().unwrap_or_else(|e| e.into_inner())
    }

    /// Binds an eventfd to a shared interrupt.
    ///
    /// # Errors
    /// KVM's.
    pub fn wire(&self, event: EventFd, intid: u32) -> Result<()> {
        let mut wires = self.wires.write().unwrap_or_else(|e| e.into_inner());
        self.vm.wire(&event, intid)?;
        wires.push(Wire { event, intid });
        Ok(())
    }

    /// Does something while nobody sends any of the 32 interrupts from `first` on.
    ///
    /// # Errors
    /// The work's, or KVM's.
    pub fn quietly<T>(&self, first: u32, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let wires = self.wires.write().unwrap_or_else(|e| e.into_inner());
        let these = || wires.iter().filter(|w| w.intid & !31 == first);
        for wire in these() {
            self.vm.unwire(&wire.event, wire.intid)?;
        }
        let result = work();
        for wire in these() {
            self.vm.wire(&wire.event, wire.intid)?;
        }
        result
    }
}
