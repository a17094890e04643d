//! The machine that the runner makes: memory map, interrupts, devices, and the
//! flattened device tree that tells a guest about them.
//!
//! A change that a guest could see is a new version of the lock: locks carry
//! everything that is decided here, so an old lock keeps its old machine.

mod description;
pub mod devices;
mod tree;
pub mod virtio;

pub use crate::space::{ADDRESS_BITS, IPA_BITS, MEMORY_BASE, MEMORY_MAX, MEMORY_MIN, VCPUS_MAX};
pub use description::device_tree;
pub use tree::{difference, patch_initrd, patch_seed};
pub use vmlock_wire::REDISTRIBUTOR_SIZE;

use crate::lock::{
    Device, DeviceKind, Lock, Machine, PrivateInterrupts, Range, Unmapped, Vcpu, v1,
};
use crate::sha256;
use crate::vm::{Feature, VmSpec};

/// Where the FDT lies, but see [`tree_base`]; up to 1 MiB is kept for it.
pub const FDT_BASE: u64 = MEMORY_BASE;
/// How far behind the start of memory the FDT lies at the most where it lies behind a program.
const TREE_OFFSET_MAX: u64 = 128 << 20;
/// Where a kernel's 2 MiB-aligned image base lies (Documentation/arch/arm64/booting.rst).
pub const KERNEL_BASE: u64 = MEMORY_BASE + 0x20_0000;
/// Where vCPUs have their stolen-time structures: between the FDT and the kernel, as large as the largest page,
/// so that a guest can leave it out of its memory whatever its pages are.
pub const STOLEN_TIME: Range = Range {
    base: KERNEL_BASE - 0x1_0000,
    size: 0x1_0000,
};
/// Bytes of one such structure, and its alignment (DEN0057 section 4; `struct pvclock_vcpu_stolen_time`,
/// arch/arm64/include/asm/pvclock-abi.h).
pub const STOLEN_TIME_SIZE: u64 = 64;
/// Where the devices begin.
const SERIAL_BASE: u64 = 0x0900_0000;
/// Interrupt ids of the GIC: 32 private ones and 96 SPIs.
pub const INTERRUPTS: u32 = 128;
const DISTRIBUTOR: Range = Range {
    base: 0x0800_0000,
    size: 0x1_0000,
};
/// Where the redistributors of the first vCPUs lie, and how many: as far as the devices.
const REDISTRIBUTORS: (u64, u64) = (
    0x080a_0000,
    (SERIAL_BASE - 0x080a_0000) / REDISTRIBUTOR_SIZE,
);
/// Where the redistributors of all further vCPUs lie.
const MORE_REDISTRIBUTORS: u64 = 0x1000_0000;
const RTC_BASE: u64 = 0x0901_0000;
const PAGE: u64 = 0x1000;
/// Where a generation id lies, and how much memory is there: as large as the largest page of a host, since it is memory.
const GENERATION: Range = Range {
    base: 0x0902_0000,
    size: 0x1_0000,
};
/// A generation id's interrupt: behind those that virtio devices can have, so that no further disk moves it.
const GENERATION_INTERRUPT: u32 = FIRST_SPI + (devices::OURS.len() + virtio::DEVICES_MAX) as u32;
/// PPIs as Arm's Base System Architecture recommends (DEN0094 section 3.8).
const VIRTUAL_TIMER: u32 = 27;
const PHYSICAL_TIMER: u32 = 30;
const PMU: u32 = 23;
const FIRST_SPI: u32 = 32;

/// Where the FDT of a machine lies. A program without a header takes the memory between its end and the FDT for its own
/// and what is behind that as free (lib/arm/setup.c of kvm-unit-tests asserts that order): there the FDT lies in the
/// middle of the memory, unless the program does.
pub fn tree_base(memory: u64, kernel_address: Option<u64>) -> u64 {
    let behind = MEMORY_BASE + ((memory / 2).min(TREE_OFFSET_MAX) & !0x1f_ffff);
    match kernel_address {
        Some(address) if address < behind => behind,
        _ => FDT_BASE,
    }
}

/// MPIDR_EL1 of a vCPU by index, as KVM derives it (arch/arm64/kvm/sys_regs.c
/// `reset_mpidr`): 16 CPUs to an Aff0 group, bit 31 RES1.
pub const fn mpidr(index: u64) -> u64 {
    1 << 31 | index & 0xf | (index >> 4 & 0xff) << 8 | (index >> 12 & 0xff) << 16
}

/// The bits of MPIDR_EL1 that name a vCPU of a GICv3 guest, and bit 31 (Arm ARM DDI 0487): Aff3 is KVM's zero.
pub const fn mpidr_bits() -> u64 {
    1 << 31 | 0xff_ffff
}

/// GICR_TYPER of a vCPU (Arm IHI 0069 section 12.11.32): affinity, processor
/// number, Last of its region; no LPIs.
pub(crate) fn redistributor_type(index: u64, regions: &[Range]) -> u64 {
    let affinity = mpidr(index) & 0xff_ffff;
    let mut behind = 0;
    let mut ends = regions.iter().map(|region| {
        behind += region.size / REDISTRIBUTOR_SIZE;
        behind
    });
    let last = if ends.any(|end| index + 1 == end) {
        1 << 4
    } else {
        0
    };
    affinity << 32 | index << 8 | last
}

/// The regions of redistributors of so many vCPUs.
fn redistributors(count: u64) -> Vec<Range> {
    let (base, first) = REDISTRIBUTORS;
    let region = |base, count| Range {
        base,
        size: count * REDISTRIBUTOR_SIZE,
    };
    let mut regions = vec![region(base, count.min(first))];
    if count > first {
        regions.push(region(MORE_REDISTRIBUTORS, count - first));
    }
    regions
}

/// The fewest bits of guest-physical address that hold memory up to there; the devices lie below it.
fn address_bits(end: u64) -> u32 {
    let needed = u64::BITS - (end - 1).leading_zeros();
    needed.max(*ADDRESS_BITS.start())
}

/// The machine of that version of the lock.
pub fn build(spec: &VmSpec, version: u32) -> Machine {
    let count = u64::from(spec.cpu.count);
    let stolen_time = spec.cpu.features.contains(&Feature::StealTime);
    let device = |name: &str, kind, base, interrupt| Device {
        name: name.to_owned(),
        kind,
        range: Range { base, size: PAGE },
        interrupt,
        virtio: None,
    };
    let (address_bits, unmapped, clock) = match version {
        v1::VERSION => (v1::ADDRESS_BITS, Unmapped::ReadsAsZero, DeviceKind::Pl031),
        _ => (
            address_bits(MEMORY_BASE + spec.memory),
            Unmapped::ExternalAbort,
            DeviceKind::Pl031V2,
        ),
    };
    let console = DeviceKind::of_console(spec.console, version);
    let regions = redistributors(count);
    let [serial, rtc] = devices::OURS;
    let generation = spec.vmgenid.then(|| Device {
        range: GENERATION,
        ..device(
            devices::GENERATION,
            DeviceKind::Vmgenid,
            GENERATION.base,
            GENERATION_INTERRUPT,
        )
    });
    let ours = [
        device(serial, console, SERIAL_BASE, FIRST_SPI),
        device(rtc, clock, RTC_BASE, FIRST_SPI + 1),
    ];
    Machine {
        address_bits,
        unmapped,
        memory: Range {
            base: MEMORY_BASE,
            size: spec.memory,
        },
        distributor: DISTRIBUTOR,
        vcpus: (0..count)
            .map(|i| Vcpu {
                mpidr: mpidr(i),
                redistributor: redistributor_type(i, &regions),
                stolen_time: stolen_time.then_some(STOLEN_TIME.base + i * STOLEN_TIME_SIZE),
            })
            .collect(),
        redistributors: regions,
        private_interrupts: PrivateInterrupts {
            virtual_timer: VIRTUAL_TIMER,
            physical_timer: PHYSICAL_TIMER,
            pmu: spec.cpu.features.contains(&Feature::Pmu).then_some(PMU),
        },
        devices: ours
            .into_iter()
            .chain(generation)
            .chain(devices::devices(spec))
            .collect(),
    }
}

/// Makes the device tree say what the rest of the lock does.
pub fn describe(lock: &mut Lock) {
    let tree = device_tree(lock);
    let bytes = tree.bytes();
    let words = tree.words();
    lock.device_tree.digest = tree_digest(&bytes);
    lock.device_tree.text = words.lines().map(str::to_owned).collect();
    lock.device_tree.bytes = bytes;
}

/// The digest of a device tree's bytes, as locks have it.
pub fn tree_digest(bytes: &[u8]) -> String {
    sha256::named(bytes)
}
