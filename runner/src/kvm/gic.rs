//! The in-kernel GICv3 (Documentation/virt/kvm/devices/arm-vgic-v3.rst).

use super::open::Open;
use super::{Error, Result, counted};
use kvm_bindings::{
    KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
    KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
    KVM_DEV_ARM_VGIC_GRP_NR_IRQS, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, KVM_VGIC_V3_ADDR_TYPE_DIST,
    KVM_VGIC_V3_ADDR_TYPE_REDIST, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, kvm_device_attr,
};
use kvm_ioctls::DeviceFd;
use std::sync::Arc;
use vmlock_spec::lock::Range;
use vmlock_spec::script;

/// The largest index of a region that KVM tells apart (`kvm_vgic_addr` in arch/arm64/kvm/vgic/vgic-kvm-device.c, 5.10 to 7.3).
const REGION_INDEX: u64 = 0xff;

/// The interrupt controller of a VM. Its registers can only be reached while
/// no vCPU is inside KVM_RUN; KVM answers EBUSY otherwise.
pub struct Gic {
    fd: DeviceFd,
    // After `fd`: the VM goes when its device is closed.
    _vm: Arc<Open>,
}

impl Gic {
    pub(super) fn new(fd: DeviceFd, vm: Arc<Open>) -> Self {
        Self { fd, _vm: vm }
    }

    fn set<T>(&self, group: u32, attr: u64, value: Option<&T>, what: &str) -> Result<()> {
        let addr = value.map_or(0, |v| std::ptr::from_ref(v) as u64);
        let attribute = kvm_device_attr {
            group,
            attr,
            addr,
            flags: 0,
        };
        counted(self.fd.set_device_attr(&attribute)).map_err(|e| Error::new(what, e))
    }

    /// Where the guest finds the distributor.
    pub fn set_distributor(&self, address: u64) -> Result<()> {
        self.set(
            KVM_DEV_ARM_VGIC_GRP_ADDR,
            KVM_VGIC_V3_ADDR_TYPE_DIST.into(),
            Some(&address),
            "placing the GIC distributor",
        )
    }

    /// Where the guest finds the redistributors: those of a region one after another, the regions in vCPU order.
    pub fn set_redistributors(&self, regions: &[Range]) -> Result<()> {
        const WHAT: &str = "placing the GIC redistributors";
        let group = KVM_DEV_ARM_VGIC_GRP_ADDR;
        if let [region] = regions {
            let kind = KVM_VGIC_V3_ADDR_TYPE_REDIST.into();
            return self.set(group, kind, Some(&region.base), WHAT);
        }
        for (index, region) in (0u64..).zip(regions) {
            let value = script::region(index, region);
            let kind = KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION.into();
            self.set(group, kind, Some(&value), WHAT)?;
        }
        Ok(())
    }

    /// Where KVM has the distributor.
    pub fn distributor_address(&self) -> Result<u64> {
        let what = "reading back where the GIC distributor is";
        self.address(KVM_VGIC_V3_ADDR_TYPE_DIST, 0, what)
    }

    /// Where KVM has redistributors: the address of each region, in their order.
    pub fn redistributor_addresses(&self) -> Result<Vec<u64>> {
        let what = "reading back where the GIC redistributors are";
        let mut addresses = Vec::new();
        // The index goes in, and comes back with address and number.
        for index in 0..=REGION_INDEX {
            match self.address(KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, index, what) {
                Ok(region) => addresses.push(region & script::REGION),
                Err(error) if error.errno == libc::ENOENT => break,
                Err(error) => return Err(error),
            }
        }
        Ok(addresses)
    }

    /// How many interrupt ids there are, SGIs and PPIs included.
    pub fn set_interrupts(&self, count: u32) -> Result<()> {
        self.set(
            KVM_DEV_ARM_VGIC_GRP_NR_IRQS,
            0,
            Some(&count),
            "setting the number of GIC interrupts",
        )
    }

    /// Finishes the configuration; every vCPU must exist.
    pub fn initialise(&self) -> Result<()> {
        let init = KVM_DEV_ARM_VGIC_CTRL_INIT.into();
        self.set::<u32>(
            KVM_DEV_ARM_VGIC_GRP_CTRL,
            init,
            None,
            "KVM_DEV_ARM_VGIC_CTRL_INIT",
        )
    }

    /// Reads 32 bits of the distributor.
    pub fn distributor(&self, offset: u32) -> Result<u32> {
        self.get(
            KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
            offset.into(),
            "reading a GIC distributor register",
        )
    }

    /// Writes 32 bits of the distributor.
    pub fn set_distributor_register(&self, offset: u32, value: u32) -> Result<()> {
        self.set(
            KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
            offset.into(),
            Some(&value),
            "writing a GIC distributor register",
        )
    }

    /// Reads 32 bits of the redistributor of the vCPU with that MPIDR_EL1.
    pub fn redistributor(&self, mpidr: u64, offset: u32) -> Result<u32> {
        self.get(
            KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
            script::affinity(mpidr) | u64::from(offset),
            "reading a GIC redistributor register",
        )
    }

    /// Writes 32 bits of the redistributor of the vCPU with that MPIDR_EL1.
    pub fn set_redistributor_register(&self, mpidr: u64, offset: u32, value: u32) -> Result<()> {
        self.set(
            KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
            script::affinity(mpidr) | u64::from(offset),
            Some(&value),
            "writing a GIC redistributor register",
        )
    }

    /// The input lines of the 32 interrupts from `first` on, as one bit each;
    /// private ones are those of the vCPU with that MPIDR_EL1. The kind of
    /// information is 0, line levels (`VGIC_LEVEL_INFO_LINE_LEVEL`).
    pub fn lines(&self, mpidr: u64, first: u32) -> Result<u32> {
        self.get(
            KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
            script::affinity(mpidr) | u64::from(first),
            "reading the input lines of GIC interrupts",
        )
    }

    /// Sets the input lines of the 32 interrupts from `first` on, as [`Gic::lines`] tells them.
    pub fn set_lines(&self, mpidr: u64, first: u32, levels: u32) -> Result<()> {
        self.set(
            KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
            script::affinity(mpidr) | u64::from(first),
            Some(&levels),
            "setting the input lines of GIC interrupts",
        )
    }

    /// Reads a register of the CPU interface of the vCPU with that MPIDR_EL1; `register` is how a guest names it in MRS.
    pub fn interface(&self, mpidr: u64, register: u16) -> Result<u64> {
        let mut value = 0u64;
        let addr = std::ptr::from_mut(&mut value) as u64;
        let mut attribute = kvm_device_attr {
            group: KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
            attr: script::affinity(mpidr) | u64::from(register),
            addr,
            flags: 0,
        };
        // SAFETY: for this group KVM writes exactly 64 bits to `addr` (arm-vgic-v3.rst), which points to a live u64.
        counted(unsafe { self.fd.get_device_attr(&mut attribute) })
            .map_err(|e| Error::new("reading a register of a GIC CPU interface", e))?;
        Ok(value)
    }

    /// Writes a register of the CPU interface of the vCPU with that MPIDR_EL1.
    pub fn set_interface(&self, mpidr: u64, register: u16, value: u64) -> Result<()> {
        self.set(
            KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
            script::affinity(mpidr) | u64::from(register),
            Some(&value),
            "writing a register of a GIC CPU interface",
        )
    }

    fn address(&self, which: u32, mut value: u64, what: &str) -> Result<u64> {
        let mut attribute = kvm_device_attr {
            group: KVM_DEV_ARM_VGIC_GRP_ADDR,
            attr: which.into(),
            addr: std::ptr::from_mut(&mut value) as u64,
            flags: 0,
        };
        // SAFETY: for this group KVM reads and writes exactly 64 bits at
        // `addr` (arm-vgic-v3.rst), which points to a live u64.
        counted(unsafe { self.fd.get_device_attr(&mut attribute) })
            .map_err(|e| Error::new(what, e))?;
        Ok(value)
    }

    fn get(&self, group: u32, attr: u64, what: &str) -> Result<u32> {
        let mut value = 0u32;
        let addr = std::ptr::from_mut(&mut value) as u64;
        let mut attribute = kvm_device_attr {
            group,
            attr,
            addr,
            flags: 0,
        };
        // SAFETY: for these groups KVM writes exactly 32 bits to
        // `addr` (arm-vgic-v3.rst), which points to a live u32.
        counted(unsafe { self.fd.get_device_attr(&mut attribute) })
            .map_err(|e| Error::new(what, e))?;
        Ok(value)
    }
}
