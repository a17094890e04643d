//! The VM that a monitor has anyway, with a GICv3 and vCPUs without optional features, and how KVM is asked about it.

use super::Result;
use kvm_bindings::*;
use kvm_ioctls::{DeviceFd, Kvm, VcpuFd, VmFd};
use std::io;
use std::os::fd::AsRawFd;
use vmlock_spec::lock::Lock;
use vmlock_spec::machine::REDISTRIBUTOR_SIZE;
use vmm_sys_util::ioctl::ioctl_with_ref;
use vmm_sys_util::ioctl_iow_nr;

// kvm-ioctls reads the attributes of devices, and not those of vCPUs.
ioctl_iow_nr!(KVM_GET_DEVICE_ATTR, KVMIO, 0xe2, kvm_device_attr);

/// KVM register id of MPIDR_EL1.
const MPIDR_EL1: u64 = 0x6030_0000_0013_c005;
/// Where the frames of an interrupt controller are.
pub const ADDRESS: u32 = KVM_DEV_ARM_VGIC_GRP_ADDR;

/// A VM that is being built.
pub struct Machine<'a> {
    pub lock: &'a Lock,
    pub vm: VmFd,
    pub vcpus: Vec<VcpuFd>,
    gic: Option<DeviceFd>,
    /// The host's counter before there was a VM, and once that had its vCPUs.
    pub created: (u64, u64),
}

impl<'a> Machine<'a> {
    /// A VM without vCPUs.
    pub fn new(lock: &'a Lock) -> Result<Self> {
        let before = counter();
        Ok(Self {
            lock,
            vm: Kvm::new()?.create_vm_with_ipa_size(lock.machine.address_bits)?,
            vcpus: Vec::new(),
            gic: None,
            created: (before, before),
        })
    }

    /// The interrupt controller, once there is one.
    pub fn gic(&self) -> Result<&DeviceFd> {
        let gic = self.gic.as_ref();
        gic.ok_or_else(|| "there is no interrupt controller yet".into())
    }

    /// vCPUs that are all alike, and an interrupt controller that has its place and its size.
    pub fn populate(&mut self) -> Result<()> {
        let machine = &self.lock.machine;
        for index in 0..machine.vcpus.len() as u64 {
            self.vcpus.push(self.vm.create_vcpu(index)?);
        }
        self.created.1 = counter();
        let gic = self.vm.create_device(&mut kvm_create_device {
            type_: kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3,
            ..Default::default()
        })?;
        let set = |attribute| gic.set_device_attr(&attribute);
        let place = KVM_VGIC_V3_ADDR_TYPE_DIST.into();
        set(attribute(ADDRESS, place, Some(&machine.distributor.base)))?;
        for (index, region) in (0u64..).zip(&machine.redistributors) {
            let count = region.size / REDISTRIBUTOR_SIZE;
            let place = KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION.into();
            let region = count << 52 | region.base | index;
            set(attribute(ADDRESS, place, Some(&region)))?;
        }
        let interrupts = Some(&self.lock.gic.interrupts);
        set(attribute(KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, interrupts))?;
        self.gic = Some(gic);
        let mut target = kvm_vcpu_init::default();
        self.vm.get_preferred_target(&mut target)?;
        target.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
        for vcpu in &self.vcpus {
            vcpu.vcpu_init(&target)?;
            // All but the first wait for CPU_ON.
            target.features[0] |= 1 << KVM_ARM_VCPU_POWER_OFF;
        }
        Ok(())
    }

    /// Gives each vCPU its MPIDR_EL1, where KVM chose another one.
    pub fn number(&self) -> Result<()> {
        for (vcpu, promised) in self.vcpus.iter().zip(&self.lock.machine.vcpus) {
            if get(vcpu, MPIDR_EL1)? != promised.mpidr {
                vcpu.set_one_reg(MPIDR_EL1, &promised.mpidr.to_le_bytes())?;
            }
        }
        Ok(())
    }

    /// Gives the timers their interrupts, which KVM keeps for the whole VM.
    pub fn wire(&self) -> Result<()> {
        let first = self.vcpus.first().ok_or("the lock has no vCPU")?;
        for (timer, interrupt) in self.timers() {
            let timer = attribute(KVM_ARM_VCPU_TIMER_CTRL, timer, Some(&interrupt));
            first.set_device_attr(&timer)?;
        }
        Ok(())
    }

    /// The timers as attributes of a vCPU, each with its interrupt.
    pub fn timers(&self) -> [(u64, u32); 2] {
        let lines = &self.lock.machine.private_interrupts;
        [
            (KVM_ARM_VCPU_TIMER_IRQ_VTIMER.into(), lines.virtual_timer),
            (KVM_ARM_VCPU_TIMER_IRQ_PTIMER.into(), lines.physical_timer),
        ]
    }

    /// Ends the configuration of the interrupt controller.
    pub fn finish(&self) -> Result<()> {
        let end = KVM_DEV_ARM_VGIC_CTRL_INIT.into();
        let end = attribute::<u32>(KVM_DEV_ARM_VGIC_GRP_CTRL, end, None);
        Ok(self.gic()?.set_device_attr(&end)?)
    }

    /// Enters each vCPU: KVM finalises it, and comes back before the first instruction.
    pub fn enter(&mut self) -> Result<()> {
        for vcpu in &mut self.vcpus {
            vcpu.set_kvm_immediate_exit(1);
            match vcpu.run().map(|_| ()).map_err(|error| error.errno()) {
                Err(libc::EINTR) => vcpu.set_kvm_immediate_exit(0),
                other => return Err(format!("KVM_RUN with immediate_exit gave {other:?}").into()),
            }
        }
        Ok(())
    }
}

/// The host's counter, from which KVM counts offsets.
pub fn counter() -> u64 {
    let ticks;
    // SAFETY: Linux lets every program read CNTVCT_EL0 (its vDSO does).
    unsafe {
        std::arch::asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack, preserves_flags));
    }
    ticks
}

/// A register, as wide as it is.
pub fn bytes(vcpu: &VcpuFd, id: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; kvm_ioctls::reg_size(id)];
    vcpu.get_one_reg(id, &mut bytes)?;
    Ok(bytes)
}

/// A register of at most 64 bits.
pub fn get(vcpu: &VcpuFd, id: u64) -> Result<u64> {
    let mut bytes = bytes(vcpu, id)?;
    bytes.resize(bytes.len().max(8), 0);
    let value = <[u8; 8]>::try_from(bytes);
    let value = value.map_err(|_| format!("register {id:#018x} is wider than 64 bits"))?;
    Ok(u64::from_le_bytes(value))
}

/// An attribute of a vCPU or a device, as it is set.
pub fn attribute<T>(group: u32, attr: u64, value: Option<&T>) -> kvm_device_attr {
    let addr = value.map_or(0, |value| std::ptr::from_ref(value) as u64);
    let flags = 0;
    kvm_device_attr {
        group,
        attr,
        addr,
        flags,
    }
}

/// What KVM says of one; some are asked for with a number.
pub fn read(of: &impl AsRawFd, group: u32, attr: u64, mut value: u64) -> Result<u64> {
    let (addr, flags) = (std::ptr::from_mut(&mut value) as u64, 0);
    let attribute = kvm_device_attr {
        group,
        attr,
        addr,
        flags,
    };
    // SAFETY: of the attributes that are asked for here, KVM reads and writes at most the 64 bits of `value`, which outlives
    // the call.
    match unsafe { ioctl_with_ref(of, KVM_GET_DEVICE_ATTR(), &attribute) } {
        0 => Ok(value),
        _ => Err(io::Error::last_os_error().into()),
    }
}
