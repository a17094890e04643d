//! A small VM that probes do as they like with: 64 KiB of memory, a GICv3, one vCPU or two at EL1 with all masked.

use kvm_bindings::{
    KVM_ARM_VCPU_PMU_V3, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT,
    KVM_ARM_VCPU_PMU_V3_IRQ, KVM_ARM_VCPU_POWER_OFF, KVM_ARM_VCPU_PSCI_0_2,
    KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CTRL,
    KVM_DEV_ARM_VGIC_GRP_NR_IRQS, KVM_VGIC_V3_ADDR_TYPE_DIST, KVM_VGIC_V3_ADDR_TYPE_REDIST,
    kvm_create_device, kvm_device_attr, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3,
    kvm_userspace_memory_region, kvm_vcpu_init,
};
use kvm_ioctls::{DeviceFd, Kvm, VcpuExit, VcpuFd, VmFd};
use std::io;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Where the memory is, and how much of it there is.
pub const MEMORY: u64 = 0x4000_0000;
/// Bytes of the memory.
pub const SIZE: usize = 0x1_0000;
/// Where nothing is: a load or a store there is an exit.
pub const DEVICE: u64 = 0x0900_0000;
const DISTRIBUTOR: u64 = 0x0800_0000;
const REDISTRIBUTORS: u64 = 0x080a_0000;
const INTERRUPTS: u32 = 64;

/// X0; X1 and on follow, two apart (`KVM_REG_ARM_CORE_REG`, arch/arm64/include/uapi/asm/kvm.h).
pub const X0: u64 = 0x6030_0000_0010_0000;
/// X1.
pub const X1: u64 = X0 + 2;
/// X2.
pub const X2: u64 = X0 + 4;
/// The program counter.
pub const PC: u64 = 0x6030_0000_0010_0040;
/// PSTATE.
pub const PSTATE: u64 = 0x6030_0000_0010_0042;
/// VBAR_EL1 (encoding 3 0 12 0 0).
pub const VBAR_EL1: u64 = 0x6030_0000_0013_c600;
/// The virtual counter (`KVM_REG_ARM_TIMER_CNT`).
pub const CNTVCT: u64 = 0x6030_0000_0013_df1a;
/// The virtual timer's control (`KVM_REG_ARM_TIMER_CTL`).
pub const CNTV_CTL: u64 = 0x6030_0000_0013_df19;
/// The virtual timer's compare value (`KVM_REG_ARM_TIMER_CVAL`).
pub const CNTV_CVAL: u64 = 0x6030_0000_0013_df02;
/// EL1h with D, A, I and F masked.
pub const MASKED: u64 = 0x3c5;
/// The same with A clear: an SError is taken.
pub const ABORTS: u64 = 0x2c5;

/// Instructions of which guests are made (Arm ARM, C6.2).
pub mod code {
    /// `ldr w0, [x1]`
    pub const LOAD: u32 = 0xb940_0020;
    /// `str w0, [x1]`
    pub const STORE: u32 = 0xb900_0020;
    /// `ldr w0, [x2]`
    pub const LOAD_X2: u32 = 0xb940_0040;
    /// `str w0, [x2]`
    pub const STORE_X2: u32 = 0xb900_0040;
    /// `wfi`
    pub const WAIT: u32 = 0xd503_207f;
    /// `hvc #0`
    pub const CALL: u32 = 0xd400_0002;
    /// `b .`
    pub const SPIN: u32 = 0x1400_0000;
    /// `isb`
    pub const BARRIER: u32 = 0xd503_3fdf;
    /// `subs x4, x4, #1`
    pub const LESS_X4: u32 = 0xf100_0484;
    /// `b.ne .-4`
    pub const BACK: u32 = 0x54ff_ffe1;

    /// `msr`, of the system register of that id.
    pub const fn msr(register: u64, from: u32) -> u32 {
        0xd500_0000 | (register as u32 & 0xffff) << 5 | from
    }

    /// `mrs`, of the system register of that id.
    pub const fn mrs(to: u32, register: u64) -> u32 {
        0xd520_0000 | (register as u32 & 0xffff) << 5 | to
    }
}

/// Memory on pages of its own, whichever of the three sizes they have.
#[repr(C, align(65536))]
pub struct Memory([AtomicU32; SIZE / 4]);

impl Memory {
    /// Zeroes that stay to the process's end: a VM that has them may outlive whoever made it.
    pub fn new() -> &'static Self {
        Box::leak(Box::new(Self([const { AtomicU32::new(0) }; SIZE / 4])))
    }

    /// The word at a byte's offset.
    pub fn word(&self, offset: usize) -> &AtomicU32 {
        &self.0[offset / 4 % self.0.len()]
    }
}

/// What a vCPU came back with, without what it borrows.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    /// Out of a load from there.
    Load(u64),
    /// Out of a store of that word there.
    Store(u64, u32),
    /// Out of a call that ends the machine.
    Event,
    /// Out of a call that was asked for.
    Call,
    /// With an error of Linux.
    Error(i32),
    /// With another exit, in words.
    Other(String),
}

/// A VM with its vCPUs.
pub struct Guest {
    /// Its vCPUs.
    pub vcpus: Vec<VcpuFd>,
    /// Its interrupt controller.
    pub gic: DeviceFd,
    /// The VM.
    pub vm: VmFd,
}

impl Guest {
    /// A VM with so many vCPUs, of which the first would begin with that program, X0 being 0x11 and X1 the device's address.
    pub fn new(kvm: &Kvm, vcpus: u64, program: &[u32]) -> io::Result<Self> {
        Self::with_slot(kvm, vcpus, program, 0)
    }

    /// The same; its memory's slot has those flags.
    pub fn with_slot(kvm: &Kvm, vcpus: u64, program: &[u32], flags: u32) -> io::Result<Self> {
        Self::with(kvm, vcpus, program, flags, 0)
    }

    /// One vCPU with a PMU.
    pub fn with_pmu(kvm: &Kvm, program: &[u32]) -> io::Result<Self> {
        let guest = Self::with(kvm, 1, program, 0, 1 << KVM_ARM_VCPU_PMU_V3)?;
        let interrupt: u32 = 23;
        for (attr, addr) in [
            (
                KVM_ARM_VCPU_PMU_V3_IRQ,
                std::ptr::from_ref(&interrupt) as u64,
            ),
            (KVM_ARM_VCPU_PMU_V3_INIT, 0),
        ] {
            guest.vcpus[0].set_device_attr(&kvm_device_attr {
                group: KVM_ARM_VCPU_PMU_V3_CTRL,
                attr: attr.into(),
                addr,
                flags: 0,
            })?;
        }
        Ok(guest)
    }

    fn with(kvm: &Kvm, vcpus: u64, program: &[u32], flags: u32, features: u32) -> io::Result<Self> {
        let vm = kvm.create_vm()?;
        let memory = Memory::new();
        for (at, word) in program.iter().enumerate() {
            memory.word(at * 4).store(*word, SeqCst);
        }
        add_slot(&vm, 0, flags, MEMORY, memory)?;
        let vcpus = (0..vcpus).map(|id| vm.create_vcpu(id));
        let vcpus: Vec<VcpuFd> = vcpus.collect::<Result<_, _>>()?;
        let gic = vm.create_device(&mut kvm_create_device {
            type_: kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3,
            ..Default::default()
        })?;
        let group = KVM_DEV_ARM_VGIC_GRP_ADDR;
        let place = |kind: u32, address: u64| set(&gic, group, kind.into(), Some(&address));
        place(KVM_VGIC_V3_ADDR_TYPE_DIST, DISTRIBUTOR)?;
        place(KVM_VGIC_V3_ADDR_TYPE_REDIST, REDISTRIBUTORS)?;
        set(&gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, Some(&INTERRUPTS))?;
        for (at, vcpu) in vcpus.iter().enumerate() {
            initialise(&vm, vcpu, at > 0, features)?;
        }
        let init = KVM_DEV_ARM_VGIC_CTRL_INIT.into();
        set::<u32>(&gic, KVM_DEV_ARM_VGIC_GRP_CTRL, init, None)?;
        let guest = Self { vcpus, gic, vm };
        for (register, value) in [(PSTATE, MASKED), (PC, MEMORY), (X0, 0x11), (X1, DEVICE)] {
            guest.set(0, register, value)?;
        }
        Ok(guest)
    }

    /// Reads a register.
    pub fn get(&self, vcpu: usize, register: u64) -> io::Result<u64> {
        get_register(&self.vcpus[vcpu], register)
    }

    /// Writes a register.
    pub fn set(&self, vcpu: usize, register: u64, value: u64) -> io::Result<()> {
        self.vcpus[vcpu].set_one_reg(register, &value.to_le_bytes())?;
        Ok(())
    }

    /// Lets a vCPU run.
    pub fn run(&mut self, vcpu: usize) -> Came {
        run(&mut self.vcpus[vcpu], 0)
    }

    /// The same, with that for an answer if it comes back out of a load.
    pub fn run_answered(&mut self, vcpu: usize, answer: u32) -> Came {
        run(&mut self.vcpus[vcpu], answer)
    }

    /// A KVM_RUN with immediate_exit.
    pub fn complete(&mut self, vcpu: usize) -> Came {
        let vcpu = &mut self.vcpus[vcpu];
        vcpu.set_kvm_immediate_exit(1);
        let came = run(vcpu, 0);
        vcpu.set_kvm_immediate_exit(0);
        came
    }

    /// Reads an attribute of the interrupt controller.
    pub fn attribute(&self, group: u32, attr: u64) -> io::Result<u32> {
        attribute(&self.gic, group, attr)
    }

    /// Writes one.
    pub fn set_attribute(&self, group: u32, attr: u64, value: u32) -> io::Result<()> {
        set(&self.gic, group, attr, Some(&value))
    }

    /// Writes one of a group whose attributes are of 64 bits.
    pub fn set_long_attribute(&self, group: u32, attr: u64, value: u64) -> io::Result<()> {
        set(&self.gic, group, attr, Some(&value))
    }
}

/// Gives a VM memory at that address.
pub fn add_slot(
    vm: &VmFd,
    slot: u32,
    flags: u32,
    address: u64,
    memory: &'static Memory,
) -> io::Result<()> {
    let region = kvm_userspace_memory_region {
        slot,
        flags,
        guest_phys_addr: address,
        memory_size: SIZE as u64,
        userspace_addr: std::ptr::from_ref(memory) as u64,
    };
    // SAFETY: the memory is ours alone, of that size, there to the process's end, and read and written by atomics only.
    unsafe { vm.set_user_memory_region(region) }?;
    Ok(())
}

/// Makes a vCPU one that a guest can run on, with those features beside PSCI; the others begin when they are told to.
pub fn initialise(vm: &VmFd, vcpu: &VcpuFd, is_off: bool, features: u32) -> io::Result<()> {
    let mut init = kvm_vcpu_init::default();
    vm.get_preferred_target(&mut init)?;
    init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2 | features;
    if is_off {
        init.features[0] |= 1 << KVM_ARM_VCPU_POWER_OFF;
    }
    vcpu.vcpu_init(&init)?;
    Ok(())
}

/// Lets a vCPU run; that is the answer if it comes back out of a load.
pub fn run(vcpu: &mut VcpuFd, answer: u32) -> Came {
    match vcpu.run() {
        Ok(VcpuExit::MmioRead(address, data)) => {
            for (byte, value) in data.iter_mut().zip(answer.to_le_bytes()) {
                *byte = value;
            }
            Came::Load(address)
        }
        Ok(VcpuExit::MmioWrite(address, data)) => {
            let mut word = [0; 4];
            for (byte, value) in word.iter_mut().zip(data) {
                *byte = *value;
            }
            Came::Store(address, u32::from_le_bytes(word))
        }
        Ok(VcpuExit::SystemEvent(..)) => Came::Event,
        Ok(VcpuExit::Hypercall(_)) => Came::Call,
        Ok(other) => Came::Other(format!("{other:?}")),
        Err(error) => Came::Error(error.errno()),
    }
}

/// Reads a register of 64 bits.
pub fn get_register(vcpu: &VcpuFd, register: u64) -> io::Result<u64> {
    let mut value = [0; 8];
    vcpu.get_one_reg(register, &mut value)?;
    Ok(u64::from_le_bytes(value))
}

/// Reads an attribute of 32 bits.
pub fn attribute(device: &DeviceFd, group: u32, attr: u64) -> io::Result<u32> {
    // KVM writes 64 bits where a group's attributes are of that size; ours are of 32.
    let mut value = 0u64;
    let mut attribute = kvm_device_attr {
        group,
        attr,
        addr: std::ptr::from_mut(&mut value) as u64,
        flags: 0,
    };
    // SAFETY: the address is that of `value`, which is as large as any attribute and outlives the call.
    unsafe { device.get_device_attr(&mut attribute) }?;
    Ok(value as u32)
}

fn set<T>(device: &DeviceFd, group: u32, attr: u64, value: Option<&T>) -> io::Result<()> {
    let attribute = kvm_device_attr {
        group,
        attr,
        addr: value.map_or(0, |value| std::ptr::from_ref(value) as u64),
        flags: 0,
    };
    device.set_device_attr(&attribute)?;
    Ok(())
}
