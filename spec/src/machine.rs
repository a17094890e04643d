//! The machine that the runner makes: memory map, interrupts, devices, and the
//! flattened device tree that tells a guest about them.
//!
//! This is generation 1. A change that a guest could see is a new generation;
//! locks carry everything that is decided here, the FDT's bytes included, so an
//! old lock keeps its old machine.

use crate::lock::{Device, DeviceKind, Fdt, Lock, Machine, PrivateInterrupts, Range, Vcpu};
use crate::vm::{Boot, Feature, VmSpec};
use vm_fdt::FdtWriter;

/// Bits of guest-physical address that a machine has where the host offers them: more than the largest memory needs.
/// Never the most that a host offers (`KVM_CAP_ARM_VM_IPA_SIZE`): what a guest gets for an access behind them, and what
/// KVM takes to build and end a VM, would be the host's.
pub const IPA_BITS: u32 = 40;
/// Start of guest memory.
pub const MEMORY_BASE: u64 = 0x4000_0000;
/// Where the FDT lies; up to 1 MiB is kept for it.
pub const FDT_BASE: u64 = MEMORY_BASE;
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
/// Interrupt ids of the GIC: 32 private ones and 96 SPIs.
pub const INTERRUPTS: u32 = 128;
const DISTRIBUTOR: Range = Range {
    base: 0x0800_0000,
    size: 0x1_0000,
};
const REDISTRIBUTORS_BASE: u64 = 0x080a_0000;
const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;
const SERIAL_BASE: u64 = 0x0900_0000;
const RTC_BASE: u64 = 0x0901_0000;
const PAGE: u64 = 0x1000;
/// PPIs as Arm's Base System Architecture recommends (DEN0094 section 3.8).
const VIRTUAL_TIMER: u32 = 27;
const PHYSICAL_TIMER: u32 = 30;
const PMU: u32 = 23;
const FIRST_SPI: u32 = 32;

/// MPIDR_EL1 of a vCPU by index, as KVM derives it (arch/arm64/kvm/sys_regs.c
/// `reset_mpidr`): 16 CPUs to an Aff0 group, bit 31 RES1.
pub const fn mpidr(index: u64) -> u64 {
    1 << 31 | index & 0xf | (index >> 4 & 0xff) << 8 | (index >> 12 & 0xff) << 16
}

/// GICR_TYPER of a vCPU (Arm IHI 0069 section 12.11.32): affinity, processor
/// number, Last; no LPIs.
fn redistributor_type(index: u64, count: u64) -> u64 {
    let affinity = mpidr(index) & 0xff_ffff;
    let last = if index + 1 == count { 1 << 4 } else { 0 };
    affinity << 32 | index << 8 | last
}

/// The machine without its FDT.
pub fn build(spec: &VmSpec) -> Machine {
    let count = u64::from(spec.cpu.count);
    let stolen_time = spec.cpu.features.contains(&Feature::StealTime);
    let device = |name: &str, kind, base, interrupt| Device {
        name: name.to_owned(),
        kind,
        range: Range { base, size: PAGE },
        interrupt,
    };
    Machine {
        memory: Range {
            base: MEMORY_BASE,
            size: spec.memory,
        },
        distributor: DISTRIBUTOR,
        redistributors: Range {
            base: REDISTRIBUTORS_BASE,
            size: count * REDISTRIBUTOR_SIZE,
        },
        vcpus: (0..count)
            .map(|i| Vcpu {
                mpidr: mpidr(i),
                redistributor: redistributor_type(i, count),
                stolen_time: stolen_time.then_some(STOLEN_TIME.base + i * STOLEN_TIME_SIZE),
            })
            .collect(),
        private_interrupts: PrivateInterrupts {
            virtual_timer: VIRTUAL_TIMER,
            physical_timer: PHYSICAL_TIMER,
            pmu: spec.cpu.features.contains(&Feature::Pmu).then_some(PMU),
        },
        devices: vec![
            device("serial", spec.console.into(), SERIAL_BASE, FIRST_SPI),
            device("rtc", DeviceKind::Pl031, RTC_BASE, FIRST_SPI + 1),
        ],
        fdt: Fdt {
            base: FDT_BASE,
            bytes: Vec::new(),
        },
    }
}

const PHANDLE_GIC: u32 = 1;
const PHANDLE_CLOCK: u32 = 2;
const PHANDLE_CACHE: u32 = 0x100;
const GIC_SPI: u32 = 0;
const GIC_PPI: u32 = 1;
const LEVEL_HIGH: u32 = 4;
/// Clock of the UART and of the RTC's bus.
const CLOCK_HZ: u32 = 24_000_000;

/// One cache level of the FDT, from CLIDR_EL1 and CCSIDR_EL1.
struct CacheLevel {
    level: u32,
    unified: bool,
    /// (size, line, sets) of the data or unified cache.
    data: Option<(u32, u32, u32)>,
    /// The same of the instruction cache.
    instruction: Option<(u32, u32, u32)>,
}

/// Cache geometry as (size, line, sets), from CCSIDR_EL1's 32-bit format.
fn geometry(ccsidr: u64) -> (u32, u32, u32) {
    let line = 1u32 << ((ccsidr & 7) + 4);
    let ways = (ccsidr >> 3 & 0x3ff) as u32 + 1;
    let sets = (ccsidr >> 13 & 0x7fff) as u32 + 1;
    (line.saturating_mul(ways).saturating_mul(sets), line, sets)
}

fn caches(lock: &Lock) -> Vec<CacheLevel> {
    let value = |name: &str| {
        lock.registers
            .iter()
            .find(|r| r.name == name)
            .map(|r| r.value)
    };
    let clidr = value("CLIDR_EL1").unwrap_or(0);
    let mut levels = Vec::new();
    for level in 0..7u32 {
        let kind = clidr >> (3 * level) & 7;
        if kind == 0 {
            break;
        }
        let at = |selector: u32| value(&format!("CCSIDR_EL1[{selector}]")).map(geometry);
        levels.push(CacheLevel {
            level: level + 1,
            unified: kind == 4,
            data: if kind >= 2 { at(level << 1) } else { None },
            instruction: if kind == 1 || kind == 3 {
                at(level << 1 | 1)
            } else {
                None
            },
        });
    }
    levels
}

/// The FDT of a lock whose other parts are complete.
///
/// # Errors
/// Only if the writer meets text with a NUL byte, which the caller has excluded.
pub fn fdt(lock: &Lock) -> Result<Vec<u8>, vm_fdt::Error> {
    let machine = &lock.machine;
    let mut fdt = FdtWriter::new()?;
    let root = fdt.begin_node("")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_u32("interrupt-parent", PHANDLE_GIC)?;
    fdt.property_string("compatible", "linux,dummy-virt")?;
    fdt.property_string("model", "vmlock machine 1")?;
    chosen(&mut fdt, lock.boot.as_ref(), &machine.devices)?;
    let memory = fdt.begin_node(&format!("memory@{:x}", machine.memory.base))?;
    fdt.property_string("device_type", "memory")?;
    fdt.property_array_u64("reg", &[machine.memory.base, machine.memory.size])?;
    fdt.end_node(memory)?;
    if machine.vcpus.iter().any(|v| v.stolen_time.is_some()) {
        reserved(&mut fdt, "stolen-time", STOLEN_TIME)?;
    }
    cpus(&mut fdt, lock)?;
    psci(&mut fdt, &lock.hypercalls.psci, &lock.hypercalls.conduit)?;
    interrupts(&mut fdt, machine)?;
    let clock = fdt.begin_node("apb-pclk")?;
    fdt.property_string("compatible", "fixed-clock")?;
    fdt.property_u32("#clock-cells", 0)?;
    fdt.property_u32("clock-frequency", CLOCK_HZ)?;
    fdt.property_phandle(PHANDLE_CLOCK)?;
    fdt.end_node(clock)?;
    for device in &machine.devices {
        let base = device.range.base;
        let (name, compatible): (&str, Vec<String>) = match device.kind {
            DeviceKind::Uart16550 => ("serial", vec!["ns16550a".into()]),
            DeviceKind::Pl031 => ("rtc", vec!["arm,pl031".into(), "arm,primecell".into()]),
        };
        let node = fdt.begin_node(&format!("{name}@{base:x}"))?;
        fdt.property_string_list("compatible", compatible)?;
        fdt.property_array_u64("reg", &[base, device.range.size])?;
        fdt.property_array_u32(
            "interrupts",
            &[GIC_SPI, device.interrupt - FIRST_SPI, LEVEL_HIGH],
        )?;
        match device.kind {
            DeviceKind::Uart16550 => fdt.property_u32("clock-frequency", CLOCK_HZ)?,
            DeviceKind::Pl031 => {
                fdt.property_u32("clocks", PHANDLE_CLOCK)?;
                fdt.property_string("clock-names", "apb_pclk")?;
            }
        }
        fdt.end_node(node)?;
    }
    fdt.end_node(root)?;
    fdt.finish()
}

/// Memory that a guest leaves alone (Devicetree Specification v0.4 section 3.5).
fn reserved(fdt: &mut FdtWriter, name: &str, range: Range) -> Result<(), vm_fdt::Error> {
    let all = fdt.begin_node("reserved-memory")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_null("ranges")?;
    let node = fdt.begin_node(&format!("{name}@{:x}", range.base))?;
    fdt.property_array_u64("reg", &[range.base, range.size])?;
    fdt.property_null("no-map")?;
    fdt.end_node(node)?;
    fdt.end_node(all)
}

fn chosen(
    fdt: &mut FdtWriter,
    boot: Option<&Boot>,
    devices: &[Device],
) -> Result<(), vm_fdt::Error> {
    let node = fdt.begin_node("chosen")?;
    if let Some(serial) = devices.iter().find(|d| d.kind == DeviceKind::Uart16550) {
        fdt.property_string("stdout-path", &format!("/serial@{:x}", serial.range.base))?;
    }
    if let Some(boot) = boot {
        fdt.property_string("bootargs", &boot.cmdline)?;
        if boot.initrd.is_some() {
            fdt.property_u64(INITRD_START, 0)?;
            fdt.property_u64(INITRD_END, 0)?;
        }
    }
    fdt.end_node(node)
}

fn cpus(fdt: &mut FdtWriter, lock: &Lock) -> Result<(), vm_fdt::Error> {
    let levels = caches(lock);
    let node = fdt.begin_node("cpus")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 0)?;
    for (index, vcpu) in lock.machine.vcpus.iter().enumerate() {
        let affinity = vcpu.mpidr & 0xff_00ff_ffff;
        let cpu = fdt.begin_node(&format!("cpu@{affinity:x}"))?;
        fdt.property_string("device_type", "cpu")?;
        fdt.property_string("compatible", "arm,armv8")?;
        fdt.property_string("enable-method", "psci")?;
        fdt.property_u64("reg", affinity)?;
        for level in levels.iter().filter(|l| l.level == 1) {
            cache_properties(fdt, level)?;
        }
        if levels.iter().any(|l| l.level > 1) {
            fdt.property_u32("next-level-cache", cache_phandle(index, 2))?;
        }
        for level in levels.iter().filter(|l| l.level > 1) {
            let cache = fdt.begin_node(&format!("l{}-cache", level.level))?;
            fdt.property_string("compatible", "cache")?;
            fdt.property_u32("cache-level", level.level)?;
            cache_properties(fdt, level)?;
            if levels.iter().any(|l| l.level == level.level + 1) {
                fdt.property_u32("next-level-cache", cache_phandle(index, level.level + 1))?;
            }
            fdt.property_phandle(cache_phandle(index, level.level))?;
            fdt.end_node(cache)?;
        }
        fdt.end_node(cpu)?;
    }
    fdt.end_node(node)
}

/// Every vCPU has caches of its own: CLIDR_EL1 does not say which are shared.
const fn cache_phandle(vcpu: usize, level: u32) -> u32 {
    PHANDLE_CACHE + vcpu as u32 * 8 + level
}

fn cache_properties(fdt: &mut FdtWriter, level: &CacheLevel) -> Result<(), vm_fdt::Error> {
    if level.unified {
        fdt.property_null("cache-unified")?;
    }
    let prefix = if level.unified { "" } else { "d-" };
    for (prefix, geometry) in [(prefix, level.data), ("i-", level.instruction)] {
        if let Some((size, line, sets)) = geometry {
            fdt.property_u32(&format!("{prefix}cache-size"), size)?;
            fdt.property_u32(&format!("{prefix}cache-line-size"), line)?;
            fdt.property_u32(&format!("{prefix}cache-sets"), sets)?;
        }
    }
    Ok(())
}

fn psci(fdt: &mut FdtWriter, version: &str, conduit: &str) -> Result<(), vm_fdt::Error> {
    let node = fdt.begin_node("psci")?;
    let compatible = match version {
        "0.2" => vec!["arm,psci-0.2".to_owned()],
        _ => vec!["arm,psci-1.0".to_owned(), "arm,psci-0.2".to_owned()],
    };
    fdt.property_string_list("compatible", compatible)?;
    fdt.property_string("method", conduit)?;
    fdt.end_node(node)
}

fn interrupts(fdt: &mut FdtWriter, machine: &Machine) -> Result<(), vm_fdt::Error> {
    let node = fdt.begin_node(&format!(
        "interrupt-controller@{:x}",
        machine.distributor.base
    ))?;
    fdt.property_string("compatible", "arm,gic-v3")?;
    fdt.property_u32("#interrupt-cells", 3)?;
    fdt.property_null("interrupt-controller")?;
    let frames = [machine.distributor, machine.redistributors];
    fdt.property_array_u64("reg", &frames.map(|r| [r.base, r.size]).concat())?;
    fdt.property_phandle(PHANDLE_GIC)?;
    fdt.end_node(node)?;
    let private = &machine.private_interrupts;
    let ppi = |intid: u32| [GIC_PPI, intid - 16, LEVEL_HIGH];
    let timer = fdt.begin_node("timer")?;
    fdt.property_string("compatible", "arm,armv8-timer")?;
    // Secure, non-secure physical, virtual, hypervisor: the first and the last
    // have to stand there and belong to levels that the guest has not.
    let all = [29, private.physical_timer, private.virtual_timer, 26];
    fdt.property_array_u32("interrupts", &all.map(ppi).concat())?;
    fdt.property_null("always-on")?;
    fdt.end_node(timer)?;
    if let Some(pmu) = private.pmu {
        let node = fdt.begin_node("pmu")?;
        fdt.property_string("compatible", "arm,armv8-pmuv3")?;
        fdt.property_array_u32("interrupts", &ppi(pmu))?;
        fdt.end_node(node)?;
    }
    Ok(())
}

const INITRD_START: &str = "linux,initrd-start";
const INITRD_END: &str = "linux,initrd-end";

/// Fills in where the initial RAM file system lies. The FDT may come from
/// anywhere: nothing outside `fdt` is touched, and no content panics.
///
/// # Errors
/// When `fdt` is not a flattened device tree with both properties.
pub fn patch_initrd(fdt: &mut [u8], start: u64, end: u64) -> Result<(), &'static str> {
    for (name, value) in [(INITRD_START, start), (INITRD_END, end)] {
        let at = find_u64(fdt, name).ok_or("the FDT has no place for the initrd's address")?;
        fdt[at..at + 8].copy_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

/// Offset of the 8-byte value of the first property of that name
/// (Devicetree Specification v0.4 chapter 5).
fn find_u64(fdt: &[u8], name: &str) -> Option<usize> {
    const BEGIN_NODE: u32 = 1;
    const END_NODE: u32 = 2;
    const PROP: u32 = 3;
    const NOP: u32 = 4;
    let word = |at: usize| -> Option<u32> {
        let bytes = fdt.get(at..at.checked_add(4)?)?;
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    if word(0)? != 0xd00d_feed {
        return None;
    }
    let strings = word(12)? as usize;
    let mut at = word(8)? as usize;
    loop {
        let token = word(at)?;
        at = at.checked_add(4)?;
        match token {
            BEGIN_NODE => {
                let length = fdt.get(at..)?.iter().position(|b| *b == 0)?;
                at = (at + length + 1).next_multiple_of(4);
            }
            PROP => {
                let length = word(at)? as usize;
                let label = strings.checked_add(word(at.checked_add(4)?)? as usize)?;
                let value = at.checked_add(8)?;
                let wanted = fdt.get(label..)?.strip_prefix(name.as_bytes());
                if length == 8 && wanted.is_some_and(|rest| rest.first() == Some(&0)) {
                    fdt.get(value..value.checked_add(8)?)?;
                    return Some(value);
                }
                at = value.checked_add(length)?.checked_next_multiple_of(4)?;
            }
            END_NODE | NOP => {}
            _ => return None,
        }
    }
}
