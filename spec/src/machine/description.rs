//! What the device tree says of a machine (Devicetree Specification v0.4;
//! Documentation/devicetree/bindings of Linux): of each version of the lock the
//! same for ever, since its digest stands in locks.

use super::tree::{INITRD_END, INITRD_START, KASLR_SEED, Node};
use super::{FIRST_SPI, STOLEN_TIME};
use crate::lock::{Boot, Device, DeviceKind, Lock, Machine, Range};

const PHANDLE_GIC: u32 = 1;
const PHANDLE_CLOCK: u32 = 2;
const PHANDLE_CACHE: u32 = 0x100;
const GIC_SPI: u32 = 0;
const GIC_PPI: u32 = 1;
const EDGE_RISING: u32 = 1;
const LEVEL_HIGH: u32 = 4;
/// Clock of the UART and of the RTC's bus.
const CLOCK_HZ: u32 = 24_000_000;

/// The device tree of a lock whose other parts are complete.
pub fn device_tree(lock: &Lock) -> Node {
    let machine = &lock.machine;
    let mut root = Node::new("");
    root.cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
        .cells("interrupt-parent", &[PHANDLE_GIC])
        .text("compatible", "linux,dummy-virt")
        .text("model", &format!("vmlock machine {}", lock.lock_version))
        .child(chosen(lock.boot.as_ref(), &machine.devices));
    let mut memory = Node::new(format!("memory@{:x}", machine.memory.base));
    memory
        .text("device_type", "memory")
        .wide("reg", &[machine.memory.base, machine.memory.size]);
    root.child(memory);
    if machine.vcpus.iter().any(|v| v.stolen_time.is_some()) {
        root.child(reserved("stolen-time", STOLEN_TIME));
    }
    let mut clock = Node::new("apb-pclk");
    clock
        .text("compatible", "fixed-clock")
        .cells("#clock-cells", &[0])
        .cells("clock-frequency", &[CLOCK_HZ])
        .cells("phandle", &[PHANDLE_CLOCK]);
    root.child(cpus(lock))
        .child(psci(&lock.hypercalls.psci, &lock.hypercalls.conduit));
    for node in interrupts(machine) {
        root.child(node);
    }
    root.child(clock);
    for node in machine.devices.iter().map(device) {
        root.child(node);
    }
    root
}

fn device(device: &Device) -> Node {
    let base = device.range.base;
    let interrupt = device.interrupt.saturating_sub(FIRST_SPI);
    let placed = |mut node: Node, trigger| {
        node.wide("reg", &[base, device.range.size])
            .cells("interrupts", &[GIC_SPI, interrupt, trigger]);
        node
    };
    match device.kind {
        DeviceKind::Uart16550 | DeviceKind::Uart16550V2 => {
            let mut node = Node::new(format!("serial@{base:x}"));
            node.text("compatible", "ns16550a");
            let mut node = placed(node, LEVEL_HIGH);
            node.cells("clock-frequency", &[CLOCK_HZ]);
            node
        }
        DeviceKind::Pl031 | DeviceKind::Pl031V2 => {
            let mut node = Node::new(format!("rtc@{base:x}"));
            node.texts("compatible", &["arm,pl031", "arm,primecell"]);
            let mut node = placed(node, LEVEL_HIGH);
            node.cells("clocks", &[PHANDLE_CLOCK])
                .text("clock-names", "apb_pclk");
            node
        }
        // virtio/mmio.yaml of the bindings; an irqfd without a resampler is an edge.
        DeviceKind::VirtioBlock
        | DeviceKind::VirtioNet
        | DeviceKind::VirtioConsole
        | DeviceKind::VirtioEntropy
        | DeviceKind::VirtioVsock => {
            let mut node = Node::new(format!("virtio@{base:x}"));
            node.text("compatible", "virtio,mmio");
            let mut node = placed(node, EDGE_RISING);
            node.flag("dma-coherent");
            node
        }
        // rng/microsoft,vmgenid.yaml of the bindings; it is memory, and no part of what /memory tells of.
        DeviceKind::Vmgenid => {
            let mut node = Node::new(format!("rng@{base:x}"));
            node.text("compatible", "microsoft,vmgenid");
            placed(node, EDGE_RISING)
        }
    }
}

/// Memory that a guest leaves alone (Devicetree Specification v0.4 section 3.5).
fn reserved(name: &str, range: Range) -> Node {
    let mut all = Node::new("reserved-memory");
    all.cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
        .flag("ranges");
    let mut node = Node::new(format!("{name}@{:x}", range.base));
    node.wide("reg", &[range.base, range.size]).flag("no-map");
    all.child(node);
    all
}

fn chosen(boot: Option<&Boot>, devices: &[Device]) -> Node {
    let mut node = Node::new("chosen");
    if let Some(serial) = devices.iter().find(|d| d.kind.is_uart()) {
        node.text("stdout-path", &format!("/serial@{:x}", serial.range.base));
    }
    if let Some(boot) = boot {
        node.text("bootargs", &boot.cmdline);
        if boot.initrd.is_some() {
            node.wide(INITRD_START, &[0]).wide(INITRD_END, &[0]);
        }
        if boot.kaslr_seed {
            node.wide(KASLR_SEED, &[0]);
        }
    }
    node
}

/// One cache level, from CLIDR_EL1 and CCSIDR_EL1.
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

/// The caches that the tree tells of.
///
/// From 6.3 on KVM makes CCSIDR_EL1 up: one set of one way, whatever the silicon
/// has (arch/arm64/kvm/sys_regs.c `get_ccsidr`). Linux believes the tree before
/// the registers, and would take such a cache for one of 64 bytes: from version
/// 2 of the lock on the tree is silent where all geometry is made up.
fn caches(lock: &Lock) -> Vec<CacheLevel> {
    let value = |name: &str| {
        let mut registers = lock.registers.iter();
        registers.find(|r| r.name == name).map(|r| r.value)
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
    let made_up = |(size, line, _): (u32, u32, u32)| size == line;
    let mut known = levels.iter().flat_map(|l| [l.data, l.instruction]);
    if lock.lock_version > 1 && known.all(|geometry| geometry.is_none_or(made_up)) {
        levels.clear();
    }
    levels
}

fn cpus(lock: &Lock) -> Node {
    let levels = caches(lock);
    let mut node = Node::new("cpus");
    node.cells("#address-cells", &[2])
        .cells("#size-cells", &[0]);
    for (index, vcpu) in lock.machine.vcpus.iter().enumerate() {
        let affinity = vcpu.mpidr & 0xff_00ff_ffff;
        let mut cpu = Node::new(format!("cpu@{affinity:x}"));
        cpu.text("device_type", "cpu")
            .text("compatible", "arm,armv8")
            .text("enable-method", "psci")
            .wide("reg", &[affinity]);
        for level in levels.iter().filter(|l| l.level == 1) {
            cache_properties(&mut cpu, level);
        }
        if levels.iter().any(|l| l.level > 1) {
            cpu.cells("next-level-cache", &[cache_phandle(index, 2)]);
        }
        for level in levels.iter().filter(|l| l.level > 1) {
            let mut cache = Node::new(format!("l{}-cache", level.level));
            cache
                .text("compatible", "cache")
                .cells("cache-level", &[level.level]);
            cache_properties(&mut cache, level);
            if levels.iter().any(|l| l.level == level.level + 1) {
                cache.cells("next-level-cache", &[cache_phandle(index, level.level + 1)]);
            }
            cache.cells("phandle", &[cache_phandle(index, level.level)]);
            cpu.child(cache);
        }
        node.child(cpu);
    }
    node
}

/// Every vCPU has caches of its own: CLIDR_EL1 does not say which are shared.
const fn cache_phandle(vcpu: usize, level: u32) -> u32 {
    PHANDLE_CACHE + vcpu as u32 * 8 + level
}

fn cache_properties(node: &mut Node, level: &CacheLevel) {
    if level.unified {
        node.flag("cache-unified");
    }
    let prefix = if level.unified { "" } else { "d-" };
    for (prefix, geometry) in [(prefix, level.data), ("i-", level.instruction)] {
        if let Some((size, line, sets)) = geometry {
            node.cells(format!("{prefix}cache-size"), &[size])
                .cells(format!("{prefix}cache-line-size"), &[line])
                .cells(format!("{prefix}cache-sets"), &[sets]);
        }
    }
}

fn psci(version: &str, conduit: &str) -> Node {
    let mut node = Node::new("psci");
    let compatible: &[&str] = match version {
        "0.2" => &["arm,psci-0.2"],
        _ => &["arm,psci-1.0", "arm,psci-0.2"],
    };
    node.texts("compatible", compatible).text("method", conduit);
    node
}

fn interrupts(machine: &Machine) -> Vec<Node> {
    let mut gic = Node::new(format!(
        "interrupt-controller@{:x}",
        machine.distributor.base
    ));
    gic.text("compatible", "arm,gic-v3")
        .cells("#interrupt-cells", &[3])
        .flag("interrupt-controller");
    let regions = &machine.redistributors;
    if regions.len() > 1 {
        gic.cells("#redistributor-regions", &[regions.len() as u32]);
    }
    let frames = std::iter::once(&machine.distributor).chain(regions);
    let frames: Vec<u64> = frames.flat_map(|r| [r.base, r.size]).collect();
    gic.wide("reg", &frames).cells("phandle", &[PHANDLE_GIC]);
    let private = &machine.private_interrupts;
    let ppi = |intid: u32| [GIC_PPI, intid.saturating_sub(16), LEVEL_HIGH];
    let mut timer = Node::new("timer");
    // Secure, non-secure physical, virtual, hypervisor: the first and the last
    // have to stand there and belong to levels that the guest has not.
    let all = [29, private.physical_timer, private.virtual_timer, 26];
    timer
        .text("compatible", "arm,armv8-timer")
        .cells("interrupts", &all.map(ppi).concat())
        .flag("always-on");
    let mut nodes = vec![gic, timer];
    if let Some(interrupt) = private.pmu {
        let mut pmu = Node::new("pmu");
        pmu.text("compatible", "arm,armv8-pmuv3")
            .cells("interrupts", &ppi(interrupt));
        nodes.push(pmu);
    }
    nodes
}
