//! One VM: its memory, its vCPUs, its interrupt controller.

use super::gic::Gic;
use super::open::Open;
use super::vcpu::Fresh;
use super::{Error, Result, counted, undertaker};
use crate::memory::Memory;
use kvm_bindings::{
    KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, KVM_CAP_ARM_NISV_TO_USER,
    KVM_CAP_ARM_WRITABLE_IMP_ID_REGS, KVM_MEM_READONLY, kvm_create_device, kvm_device_attr,
    kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3, kvm_enable_cap, kvm_smccc_filter,
    kvm_smccc_filter_action_KVM_SMCCC_FILTER_DENY,
    kvm_smccc_filter_action_KVM_SMCCC_FILTER_FWD_TO_USER, kvm_userspace_memory_region,
    kvm_vcpu_init,
};
use kvm_ioctls::{IoEventAddress, VmFd};
use std::sync::{Arc, Mutex, PoisonError};
use vmlock_spec::lock::Range;
use vmlock_spec::vm::KVM_CAP_ARM_MTE;
use vmm_sys_util::eventfd::EventFd;

/// `KVM_ARM_IRQ_TYPE_SPI` in its place in `kvm_irq_level.irq`.
const IRQ_TYPE_SPI: u32 = 1 << 24;

/// Bytes of a slot that every kernel takes, whatever its pages: `KVM_MEM_MAX_NR_PAGES` is one page less than twice that
/// many of 4 KiB (include/linux/kvm_host.h, 5.10 to 7.3).
const SLOT_MAX: u64 = 4 << 40;

/// Takes what belongs to a VM that is not needed any more. The kernel takes its
/// time to tear one down (it waits for readers of the memory map), so that is left to
/// [`bury`] or to the end of the process: no start has to wait for it.
pub fn discard(parts: impl Send + 'static) {
    let mut dead = DEAD.lock().unwrap_or_else(PoisonError::into_inner);
    dead.push(Box::new(parts));
}

/// Tears down what was discarded so far, which takes its time.
pub fn bury() {
    let dead = std::mem::take(&mut *DEAD.lock().unwrap_or_else(PoisonError::into_inner));
    drop(dead);
}

static DEAD: Mutex<Vec<Box<dyn Send>>> = Mutex::new(Vec::new());

/// A piece of memory that a guest has or has not.
pub struct Slot {
    region: kvm_userspace_memory_region,
    vm: Arc<Open>,
}

impl Slot {
    /// The guest has it from now on.
    pub fn give(&self) -> Result<()> {
        self.set(self.region)
    }

    /// The guest has it no longer. What is in it stays.
    pub fn take(&self) -> Result<()> {
        self.set(kvm_userspace_memory_region {
            memory_size: 0,
            ..self.region
        })
    }

    fn set(&self, region: kvm_userspace_memory_region) -> Result<()> {
        // SAFETY: the region is nothing, or what `Vm::slot` saw to be within a mapping that the list of the VM's
        // memory keeps until the VM's last descriptor is closed.
        counted(unsafe { self.vm.fd.set_user_memory_region(region) }).map_err(|e| {
            let call = format!(
                "KVM_SET_USER_MEMORY_REGION at {:#x}",
                region.guest_phys_addr
            );
            Error::new(call, e)
        })
    }
}

/// A VM.
#[derive(Clone)]
pub struct Vm {
    open: Arc<Open>,
}

impl Vm {
    pub(super) fn new(fd: VmFd) -> Self {
        Self {
            open: Arc::new(Open::new(fd)),
        }
    }

    /// Makes accesses that KVM cannot decode an exit with an address instead
    /// of an error without one. Nothing about it is visible to a guest
    /// (`KVM_CAP_ARM_NISV_TO_USER`, 5.5 and later); false on older kernels.
    pub fn report_undecodable(&self) -> bool {
        let capability = kvm_enable_cap {
            cap: KVM_CAP_ARM_NISV_TO_USER,
            ..Default::default()
        };
        counted(self.open.fd.enable_cap(&capability)).is_ok()
    }

    /// Turns memory tagging on for all vCPUs that are created from now on.
    pub fn enable_memory_tagging(&self) -> Result<()> {
        let capability = kvm_enable_cap {
            cap: KVM_CAP_ARM_MTE,
            ..Default::default()
        };
        counted(self.open.fd.enable_cap(&capability))
            .map_err(|e| Error::new("KVM_ENABLE_CAP of KVM_CAP_ARM_MTE", e))
    }

    /// Lets MIDR_EL1, REVIDR_EL1 and AIDR_EL1 be written
    /// (`KVM_CAP_ARM_WRITABLE_IMP_ID_REGS`, 6.15 and later). The VM has no vCPU yet.
    pub fn allow_identity(&self) -> Result<()> {
        let capability = kvm_enable_cap {
            cap: KVM_CAP_ARM_WRITABLE_IMP_ID_REGS,
            ..Default::default()
        };
        counted(self.open.fd.enable_cap(&capability))
            .map_err(|e| Error::new("KVM_ENABLE_CAP of KVM_CAP_ARM_WRITABLE_IMP_ID_REGS", e))
    }

    /// Gives the guest a part of the memory, at the address that the memory knows itself.
    pub fn add_memory(&self, memory: &Arc<Memory>, part: Range) -> Result<()> {
        let mut done = 0;
        while done < part.size {
            let size = (part.size - done).min(SLOT_MAX);
            let base = part.base + done;
            self.slot(Arc::clone(memory), Range { base, size }, false)?
                .give()?;
            done += size;
        }
        Ok(())
    }

    /// A piece of memory that the guest does not have before it is given; the guest can write to it unless it is
    /// `read_only`. The piece is made of whole pages of the host.
    pub fn slot(&self, memory: Arc<Memory>, range: Range, read_only: bool) -> Result<Slot> {
        let whole = memory.range();
        let offset = range.base.checked_sub(whole.base);
        let (Some(offset), true) = (offset, whole.end() >= range.end()) else {
            return Err(Error {
                call: format!("a memory slot at {:#x}", range.base),
                errno: libc::EINVAL,
            });
        };
        // Nothing panics while the lock is held.
        let mut all = self.open.memory.lock().unwrap_or_else(|e| e.into_inner());
        let region = kvm_userspace_memory_region {
            slot: all.len() as u32,
            flags: if read_only { KVM_MEM_READONLY } else { 0 },
            guest_phys_addr: range.base,
            memory_size: range.size,
            userspace_addr: memory.host_address() + offset,
        };
        all.push(memory);
        Ok(Slot {
            region,
            vm: Arc::clone(&self.open),
        })
    }

    /// Creates the vCPU with that index. vCPUs are created in the order of
    /// their indices: KVM derives MPIDR_EL1 and the redistributors' order from them.
    pub fn create_vcpu(&self, index: u32) -> Result<Fresh> {
        let fd = counted(self.open.fd.create_vcpu(index.into()))
            .map_err(|e| Error::new(format!("KVM_CREATE_VCPU {index}"), e))?;
        if index == 1 {
            undertaker::enter(&self.open);
        }
        Ok(Fresh::new(fd, index, Arc::clone(&self.open)))
    }

    /// What `KVM_ARM_VCPU_INIT` takes on this host, without features.
    pub fn preferred_target(&self) -> Result<kvm_vcpu_init> {
        let mut target = kvm_vcpu_init::default();
        counted(self.open.fd.get_preferred_target(&mut target))
            .map_err(|e| Error::new("KVM_ARM_PREFERRED_TARGET", e))?;
        Ok(target)
    }

    /// Creates the in-kernel GICv3.
    pub fn create_gic(&self) -> Result<Gic> {
        let mut device = kvm_create_device {
            type_: kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3,
            fd: 0,
            flags: 0,
        };
        let fd = counted(self.open.fd.create_device(&mut device))
            .map_err(|e| Error::new("KVM_CREATE_DEVICE of a GICv3", e))?;
        Ok(Gic::new(fd, Arc::clone(&self.open)))
    }

    /// Whether the VM can have an in-kernel device of that kind (`enum kvm_device_type`). It then has it.
    pub fn offers_device(&self, kind: u32) -> bool {
        let mut device = kvm_create_device {
            type_: kind,
            fd: 0,
            flags: 0,
        };
        counted(self.open.fd.create_device(&mut device)).is_ok()
    }

    /// Whether firmware calls can be denied or forwarded (6.4 and later).
    pub fn has_smccc_filter(&self) -> bool {
        let attribute = kvm_device_attr {
            group: KVM_ARM_VM_SMCCC_CTRL,
            attr: KVM_ARM_VM_SMCCC_FILTER.into(),
            addr: 0,
            flags: 0,
        };
        counted(self.open.fd.has_device_attr(&attribute)).is_ok()
    }

    /// Takes firmware functions out of the kernel's hands, both ends included, before any vCPU
    /// has run (`KVM_ARM_VM_SMCCC_FILTER`, Documentation/virt/kvm/devices/vm.rst section 6).
    /// Forwarded, a call is an [`Exit::Hypercall`](super::Exit::Hypercall); else
    /// the kernel answers NOT_SUPPORTED.
    ///
    /// # Errors
    /// One of them is the architecture's own, or was taken before.
    pub fn filter_functions(&self, (first, last): (u32, u32), forward: bool) -> Result<()> {
        let action = if forward {
            kvm_smccc_filter_action_KVM_SMCCC_FILTER_FWD_TO_USER
        } else {
            kvm_smccc_filter_action_KVM_SMCCC_FILTER_DENY
        };
        let filter = kvm_smccc_filter {
            base: first,
            nr_functions: last.saturating_sub(first).saturating_add(1),
            action: action as u8,
            pad: [0; 15],
        };
        let attribute = kvm_device_attr {
            group: KVM_ARM_VM_SMCCC_CTRL,
            attr: KVM_ARM_VM_SMCCC_FILTER.into(),
            addr: std::ptr::from_ref(&filter) as u64,
            flags: 0,
        };
        counted(self.open.fd.set_device_attr(&attribute)).map_err(|e| {
            let what = format!("KVM_ARM_VM_SMCCC_FILTER of {first:#010x} to {last:#010x}");
            Error::new(what, e)
        })
    }

    /// Sets the level of a shared interrupt (INTID 32 and up).
    pub fn set_interrupt(&self, intid: u32, level: bool) -> Result<()> {
        counted(
            self.open
                .fd
                .set_irq_line(IRQ_TYPE_SPI | (intid & 0xffff), level),
        )
        .map_err(|e| Error::new(format!("KVM_IRQ_LINE of interrupt {intid}"), e))
    }

    /// Lets an eventfd send a shared interrupt, as a short pulse: an edge. INTIDs
    /// and what KVM calls them here differ by 32
    /// (`kvm_vgic_setup_default_irq_routing`, arch/arm64/kvm/vgic/vgic-irqfd.c).
    pub fn wire(&self, event: &EventFd, intid: u32) -> Result<()> {
        counted(self.open.fd.register_irqfd(event, intid.wrapping_sub(32)))
            .map_err(|e| Error::new(format!("KVM_IRQFD of interrupt {intid}"), e))
    }

    /// Lets an eventfd be signalled when the guest writes that word, four bytes long, at an address where no memory is: such
    /// a write is no exit any more.
    pub fn bell(&self, event: &EventFd, address: u64, word: u32) -> Result<()> {
        let place = IoEventAddress::Mmio(address);
        counted(self.open.fd.register_ioevent(event, &place, word))
            .map_err(|e| Error::new(format!("KVM_IOEVENTFD of {word} at {address:#x}"), e))
    }

    /// Takes the eventfd off the interrupt again.
    pub fn unwire(&self, event: &EventFd, intid: u32) -> Result<()> {
        counted(self.open.fd.unregister_irqfd(event, intid.wrapping_sub(32)))
            .map_err(|e| Error::new(format!("KVM_IRQFD off interrupt {intid}"), e))
    }
}
