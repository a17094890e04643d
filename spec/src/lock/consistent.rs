//! What holds between the parts of every lock that was read, so that no reader
//! has to ask again.

use super::hex::is_digest;
use super::{
    BootFile, Device, DeviceKind, Lock, LockedRegister, Range, Unmapped, Waiver, reset, v1,
};
use crate::catalogue::{REGISTERS, register_by_id};
use crate::machine::{
    ADDRESS_BITS, MEMORY_MIN, REDISTRIBUTOR_SIZE, STOLEN_TIME_SIZE, VCPUS_MAX, mpidr_bits,
    redistributor_type, virtio,
};
use crate::observation::is_call;
use crate::resolve::{identification, is_name, owed, waived_answers};
use crate::smccc::{self, Services, psci_name};
use crate::vm::Feature;
use std::collections::BTreeSet;

/// Checks a lock of which the device tree is not looked at.
///
/// # Errors
/// The first contradiction, in words.
pub(super) fn consistent(lock: &Lock) -> Result<(), String> {
    if !is_name(&lock.name) {
        return Err(format!(
            "`{}` is no name for a machine",
            lock.name.escape_debug()
        ));
    }
    let baselines = lock.baselines.iter();
    let baselines = baselines.map(|(name, digest)| (format!("baselines.{name}"), digest));
    let mut digests = baselines.chain([("cpu.digest".to_owned(), &lock.cpu.digest)]);
    if let Some((member, _)) = digests.find(|(_, digest)| !is_digest(digest)) {
        return Err(format!(
            "`{}` is not `sha256-` and 64 hex digits",
            member.escape_debug()
        ));
    }
    registers(lock)?;
    let services = Services::of_lock(lock);
    promising(lock, &services)?;
    features(lock)?;
    vcpus(lock)?;
    memory_map(lock)?;
    interrupts(lock)?;
    if lock.lock_version >= virtio::SINCE {
        let seed = lock.boot.as_ref().is_some_and(|boot| boot.kaslr_seed);
        let counts = lock.counters.across_saves.is_some();
        let devices = &lock.machine.devices;
        let generation = lock.machine.generation_id().is_some();
        virtio::consistent(devices, seed || counts || generation)?;
        generation_id(devices)?;
    }
    hypercalls(lock, &services)?;
    reset::consistent(lock)?;
    boot(lock)
}

fn registers(lock: &Lock) -> Result<(), String> {
    for pair in lock.registers.windows(2) {
        if pair[0].id >= pair[1].id {
            return Err(format!(
                "registers `{}` and `{}` are out of order or doubled",
                pair[0].name, pair[1].name
            ));
        }
    }
    for entry in &lock.registers {
        let name = &entry.name;
        let known = register_by_id(entry.id).filter(|info| info.since <= lock.lock_version);
        let Some(info) = known.filter(|info| info.name == name.as_str()) else {
            return Err(format!(
                "`{}` is not the name of the register {:#018x}, as far as version {} of the lock knows",
                name.escape_debug(),
                entry.id,
                lock.lock_version
            ));
        };
        if info.promised() & !entry.mask != 0 {
            return Err(format!(
                "`{name}` promises less than the whole register: only `vary` in a spec waives"
            ));
        }
        let named = |w: &Waiver| info.field(&w.field).is_some_and(|f| f.mask() == w.mask);
        if let Some(waiver) = entry.vary.iter().find(|w| !named(w)) {
            return Err(format!(
                "`{name}` has no field `{}` with the bits {:#x} to be waived",
                waiver.field.escape_debug(),
                waiver.mask
            ));
        }
        let fields: BTreeSet<&str> = entry.vary.iter().map(|w| w.field.as_str()).collect();
        if fields.len() < entry.vary.len() {
            return Err(format!("a field of `{name}` is waived twice"));
        }
    }
    Ok(())
}

/// A lock promises all that the compiler would have it promise in its version, and only `vary` waives.
fn promising(lock: &Lock, services: &Services) -> Result<(), String> {
    let version = lock.lock_version;
    let entry = |name: &str| lock.registers.iter().find(|r| r.name == name);
    let debug = entry("ID_AA64DFR0_EL1").map_or(0, |r| r.value);
    // Entries stand in the order of their ids, each with its name.
    let at = |id: u64| lock.registers.binary_search_by_key(&id, |r| r.id);
    let missing = REGISTERS.iter().find(|info| {
        let asked = owed(info, &lock.features, debug, version);
        asked && at(info.id).is_err() && info.csselr().is_none_or(|n| lock.names_cache(n))
    });
    if let Some(info) = missing {
        return Err(format!(
            "it says nothing of the register `{}`",
            info.name_in(version)
        ));
    }
    let gic = identification(0, lock.gic.interrupts.clamp(64, 1024), version);
    let names = lock.gic.registers.iter().map(|r| &r.name);
    if !names.eq(gic.iter().map(|(name, _)| name)) {
        return Err("the registers of the GIC are not those of a GICv3 with its interrupts".into());
    }
    let waived = waived_answers(&lock.registers);
    let mut asked = smccc::answers(services, version);
    asked.retain(|(key, _)| !waived.contains(key));
    let calls = &lock.hypercalls.answers;
    let mut room = String::new();
    let mut pairs = calls.iter().zip(&asked);
    if calls.len() != asked.len() || !pairs.all(|(a, (key, _))| is_call(&a.call, *key, &mut room)) {
        return Err("the calls that are answered are not those of its services".into());
    }
    Ok(())
}

fn features(lock: &Lock) -> Result<(), String> {
    let named: BTreeSet<Feature> = lock.features.iter().copied().collect();
    if named.len() < lock.features.len() {
        return Err("a feature is named twice".into());
    }
    let lengths = &lock.vector_lengths;
    let valid = |l: &u32| (128..=2048).contains(l) && l.is_multiple_of(128);
    if named.contains(&Feature::Sve) == lengths.is_empty()
        || !lengths.iter().all(valid)
        || !lengths.is_sorted_by(|a, b| a < b)
    {
        return Err("the vector lengths are not those of a CPU with, or without, `sve`".into());
    }
    if named.contains(&Feature::Pmu) != lock.machine.private_interrupts.pmu.is_some() {
        return Err("a PMU has an interrupt, and nothing else has that one".into());
    }
    Ok(())
}

fn vcpus(lock: &Lock) -> Result<(), String> {
    // Version 1 had one region of redistributors, which the devices end.
    let most = match lock.lock_version {
        v1::VERSION => 64,
        _ => VCPUS_MAX,
    };
    let vcpus = &lock.machine.vcpus;
    let count = vcpus.len();
    if count == 0 || count > most as usize {
        return Err(format!("{count} vCPUs: a machine has 1 to {most}"));
    }
    let mut seen = BTreeSet::new();
    for (index, vcpu) in vcpus.iter().enumerate() {
        if vcpu.mpidr & !mpidr_bits() != 0 || !seen.insert(vcpu.mpidr & mpidr_bits()) {
            return Err(format!(
                "MPIDR_EL1 of vCPU {index} is another's, or none: {:#x}",
                vcpu.mpidr
            ));
        }
    }
    Ok(())
}

fn memory_map(lock: &Lock) -> Result<(), String> {
    let machine = &lock.machine;
    let bits = machine.address_bits;
    let unmapped = match lock.lock_version {
        v1::VERSION => Unmapped::ReadsAsZero,
        _ => Unmapped::ExternalAbort,
    };
    if !ADDRESS_BITS.contains(&bits) || machine.unmapped != unmapped {
        let (low, high) = (ADDRESS_BITS.start(), ADDRESS_BITS.end());
        return Err(format!(
            "{bits} bits of address: a machine has {low} to {high}, and an external abort where nothing is"
        ));
    }
    let mut ranges = vec![
        ("memory".to_owned(), machine.memory),
        ("distributor".to_owned(), machine.distributor),
    ];
    for (index, region) in machine.redistributors.iter().enumerate() {
        ranges.push((format!("redistributors {index}"), *region));
    }
    let mut names = BTreeSet::new();
    for device in &machine.devices {
        if !is_name(&device.name) || !names.insert(&device.name) {
            return Err(format!(
                "`{}` is no name of a device, or another's",
                device.name.escape_debug()
            ));
        }
        let range = match device.virtio {
            // Less than a page, with the page for itself; of what is larger than everything, too much.
            Some(_) => Range {
                size: device
                    .range
                    .size
                    .checked_next_multiple_of(0x1000)
                    .unwrap_or(u64::MAX),
                ..device.range
            },
            None => device.range,
        };
        ranges.push((device.name.clone(), range));
    }
    for (index, (name, range)) in ranges.iter().enumerate() {
        if range.size == 0 || range.base % 0x1000 != 0 || range.size % 0x1000 != 0 {
            return Err(format!(
                "`{name}` is empty or not made of whole 4 KiB pages"
            ));
        }
        if range.end().is_none_or(|end| end > 1 << bits) {
            return Err(format!("`{name}` ends beyond {bits} bits of address"));
        }
        if let Some((other, _)) = ranges[..index].iter().find(|(_, r)| r.overlaps(range)) {
            return Err(format!("`{name}` and `{other}` overlap"));
        }
    }
    let physical_bits = LockedRegister::physical_bits(&lock.registers);
    if lock.lock_version != v1::VERSION
        && machine
            .memory
            .end()
            .is_none_or(|end| end > 1 << physical_bits)
    {
        return Err(format!(
            "memory ends beyond the {physical_bits} bits of address that ID_AA64MMFR0_EL1.PARange says"
        ));
    }
    let in_order = |regions: &[Range]| regions.is_sorted_by_key(|region| region.base);
    if !in_order(&machine.redistributors) {
        return Err("the regions of redistributors are not in the order of their addresses".into());
    }
    if machine.memory.size < MEMORY_MIN {
        return Err("memory must be 64 MiB or more".into());
    }
    if [machine.memory.base, machine.memory.size].map(|n| n % LARGEST_PAGE) != [0; 2] {
        return Err("memory is not made of whole 64 KiB pages, which some hosts have".into());
    }
    let tree = Range {
        base: lock.device_tree.base,
        size: TREE_SIZE,
    };
    let memory = machine.memory;
    if tree.base < memory.base || tree.end().is_none_or(|end| Some(end) > memory.end()) {
        return Err("the device tree does not lie in memory".into());
    }
    // Linux, Documentation/arch/arm64/booting.rst.
    if !tree.base.is_multiple_of(8) {
        return Err("the device tree does not begin at a multiple of 8 bytes".into());
    }
    stolen_time(lock, tree)
}

/// Bytes of the largest page of a host: what it gives a guest as memory is whole ones (`KVM_SET_USER_MEMORY_REGION`,
/// virt/kvm/kvm_main.c).
const LARGEST_PAGE: u64 = 0x1_0000;

/// Bytes that are kept for the device tree where it lies, at the least: those of the largest machine's would fit.
pub(super) const TREE_SIZE: u64 = 0x10_0000;

/// With `steal-time`, and only then, each vCPU has a structure of its own, in memory that is not the device tree's.
fn stolen_time(lock: &Lock, tree: Range) -> Result<(), String> {
    let machine = &lock.machine;
    let asked = lock.features.contains(&Feature::StealTime);
    let mut free = machine.memory.base;
    for (index, vcpu) in machine.vcpus.iter().enumerate() {
        let Some(base) = vcpu.stolen_time else {
            if asked {
                return Err(format!("vCPU {index} has no stolen-time structure"));
            }
            continue;
        };
        let place = Range {
            base,
            size: STOLEN_TIME_SIZE,
        };
        let inside = base >= free
            && place
                .end()
                .is_some_and(|end| Some(end) <= machine.memory.end())
            && !place.overlaps(&tree);
        if !asked || !inside || !base.is_multiple_of(STOLEN_TIME_SIZE) {
            return Err(format!(
                "the stolen-time structure of vCPU {index} is not asked for, or not in memory of its own"
            ));
        }
        free = base + STOLEN_TIME_SIZE;
    }
    Ok(())
}

/// A machine has one generation id at the most, and it is memory: pages of any host.
fn generation_id(devices: &[Device]) -> Result<(), String> {
    let mut all = devices.iter().filter(|d| d.kind == DeviceKind::Vmgenid);
    let Some(Device { name, range, .. }) = all.next() else {
        return Ok(());
    };
    if let Some(other) = all.next() {
        return Err(format!(
            "`{name}` and `{}` are generation ids: a machine has one",
            other.name
        ));
    }
    if range.size != LARGEST_PAGE || !range.base.is_multiple_of(LARGEST_PAGE) {
        return Err(format!(
            "`{name}` is a generation id that is not 64 KiB at a multiple of that"
        ));
    }
    Ok(())
}

fn interrupts(lock: &Lock) -> Result<(), String> {
    let machine = &lock.machine;
    let frames: u64 = machine.redistributors.iter().map(|r| r.size).sum();
    let whole =
        |r: &Range| r.size.is_multiple_of(REDISTRIBUTOR_SIZE) && r.base.is_multiple_of(0x1_0000);
    if machine.distributor.size != 0x1_0000
        || !machine.distributor.base.is_multiple_of(0x1_0000)
        || !machine.redistributors.iter().all(whole)
        || frames != machine.vcpus.len() as u64 * REDISTRIBUTOR_SIZE
    {
        return Err("the GIC frames do not fit the number of vCPUs".into());
    }
    for (index, vcpu) in (0..).zip(&machine.vcpus) {
        let wanted = redistributor_type(index, &machine.redistributors);
        if vcpu.redistributor != wanted {
            return Err(format!(
                "GICR_TYPER of vCPU {index} is {:#x}, and its place among the redistributors makes it {wanted:#x}",
                vcpu.redistributor
            ));
        }
    }
    let interrupts = lock.gic.interrupts;
    let whole = interrupts.is_multiple_of(32) && (64..=1024).contains(&interrupts);
    if lock.gic.version != 3 || !whole {
        return Err("the GIC is not a GICv3 with 64 to 1024 interrupts, a multiple of 32".into());
    }
    if !machine.devices.iter().any(|d| d.kind.is_uart()) {
        return Err("there is no console among the devices".into());
    }
    let mut taken = BTreeSet::new();
    for device in &machine.devices {
        let there = (32..interrupts.min(1020)).contains(&device.interrupt);
        if !there || !taken.insert(device.interrupt) {
            return Err(format!(
                "`{}` has interrupt {}, which the GIC has not, or another device",
                device.name, device.interrupt
            ));
        }
    }
    let private = &machine.private_interrupts;
    let all = [
        Some(private.virtual_timer),
        Some(private.physical_timer),
        private.pmu,
    ];
    for interrupt in all.into_iter().flatten() {
        if !(16..32).contains(&interrupt) || !taken.insert(interrupt) {
            return Err(format!(
                "private interrupt {interrupt} is not 16 to 31, or stands twice"
            ));
        }
    }
    Ok(())
}

fn hypercalls(lock: &Lock, services: &Services) -> Result<(), String> {
    let calls = &lock.hypercalls;
    if psci_name(services.psci) != Some(calls.psci.as_str()) {
        return Err(
            "`psci` and the register KVM_REG_ARM_PSCI_VERSION contradict each other".into(),
        );
    }
    // KVM has had no other since 4.16, and the answers say the same.
    let version = calls.answers.iter().find(|a| a.call == "SMCCC_VERSION()");
    if calls.smccc != "1.1" || version.is_none_or(|a| a.answer != 0x1_0001) {
        return Err(format!(
            "`smccc` is {}, and KVM's is 1.1",
            calls.smccc.escape_debug()
        ));
    }
    if calls.conduit != "hvc" {
        return Err(format!(
            "`conduit` is {}, and a guest of KVM calls by hvc",
            calls.conduit.escape_debug()
        ));
    }
    Ok(())
}

fn boot(lock: &Lock) -> Result<(), String> {
    let Some(boot) = &lock.boot else {
        return Ok(());
    };
    let bad_path = |file: &BootFile| file.path.is_empty() || file.path.contains('\0');
    if std::iter::once(&boot.kernel)
        .chain(&boot.initrd)
        .any(bad_path)
    {
        return Err("a file to boot has no path that a file can have".into());
    }
    if boot.cmdline.len() > 2048 || boot.cmdline.contains(['\0', '\n']) {
        return Err("the command line is longer than 2048 bytes or has more than one line".into());
    }
    let digest = |file: &BootFile| file.digest.as_deref().is_none_or(is_digest);
    if !std::iter::once(&boot.kernel)
        .chain(&boot.initrd)
        .all(digest)
    {
        return Err("the digest of a file to boot is not `sha256-` and 64 hex digits".into());
    }
    if boot
        .initrd
        .as_ref()
        .is_some_and(|file| file.address.is_some())
    {
        return Err("the runner places the initial RAM file system: it has no address".into());
    }
    let memory = lock.machine.memory;
    let outside = |address: &u64| {
        *address < memory.base
            || memory.end().is_none_or(|end| *address >= end)
            || !address.is_multiple_of(4)
    };
    match boot.kernel.address.filter(outside) {
        Some(address) => Err(format!(
            "the kernel's address {address:#x} is none of an instruction in memory"
        )),
        None => Ok(()),
    }
}
