//! What holds in every saved guest, beyond its checksums: anybody can make these right, and say something else.

use crate::hex::Hex32;
use crate::state::{Disk, Gic, INTERFACE, Registers, Serror, State, Vcpu};
use vmlock_spec::lock::hex::is_digest;
use vmlock_spec::lock::{DeviceKind, Lock};

/// Of which section, and what is wrong there.
type Lie = (String, String);

/// Holds a state against the lock that it is a guest of, and against itself.
///
/// # Errors
/// The first thing that cannot be, with its section's name.
pub(super) fn consistent(lock: &Lock, state: &State, disks: &[(String, Disk)]) -> Result<(), Lie> {
    let machine = &lock.machine;
    let count = |section: &str, found: usize, expected: usize, what: &str| {
        let words = || format!("it has {found} {what}, and the lock {expected}");
        (found == expected)
            .then_some(())
            .ok_or_else(|| (section.to_owned(), words()))
    };
    count("vcpu", state.vcpus.len(), machine.vcpus.len(), "vCPUs")?;
    for (number, vcpu) in state.vcpus.iter().enumerate() {
        self::vcpu(vcpu).map_err(|words| (format!("vcpu.{number}"), words))?;
    }
    let vcpus = machine.vcpus.len();
    count(
        "gic",
        state.gic.redistributors.len(),
        vcpus,
        "redistributors",
    )?;
    let shared = (lock.gic.interrupts as usize)
        .div_ceil(32)
        .saturating_sub(1);
    count(
        "gic",
        state.gic.shared.len(),
        shared,
        "times 32 shared interrupts",
    )?;
    gic(&state.gic).map_err(|words| ("gic".to_owned(), words))?;
    let ascending = state.lines.up.is_sorted_by(|a, b| a < b);
    // What has no state of its own is not in the file, and holds no line up: nobody would lower it.
    let stateful = || machine.devices.iter().filter(|d| d.kind.has_state());
    let belongs = |line: &u32| stateful().any(|device| device.interrupt == *line);
    if !ascending || !state.lines.up.iter().all(belongs) {
        let words = "a line is up that is no device's, out of order or twice";
        return Err(("lines".into(), words.into()));
    }
    levels(state).map_err(|words| ("gic".to_owned(), words))?;
    count("device", state.devices.len(), stateful().count(), "devices")?;
    for (device, locked) in state.devices.iter().zip(stateful()) {
        if device.name != locked.name || device.version == 0 {
            let words = format!("the lock has `{}` in its place", locked.name);
            return Err((format!("device.{}", device.name), words));
        }
    }
    let mut names = machine
        .devices
        .iter()
        .filter(|d| d.kind == DeviceKind::VirtioBlock);
    for (name, disk) in disks {
        let section = || format!("disk.{name}");
        if names.next().is_none_or(|device| device.name != *name) {
            return Err((
                section(),
                "it is no disk of the lock's, or out of order".into(),
            ));
        }
        self::disk(disk).map_err(|words| (section(), words))?;
    }
    match names.next() {
        Some(left) => Err((format!("disk.{}", left.name), "it is missing".into())),
        None => Ok(()),
    }
}

/// A vCPU by itself.
pub(super) fn vcpu(vcpu: &Vcpu) -> Result<(), String> {
    match vcpu.serror {
        Serror::Syndrome(iss) if iss >> 24 != 0 => {
            return Err("the syndrome of its SError has more than 24 bits".into());
        }
        _ => {}
    }
    // Whichever kernel it was saved on has these.
    let missing = ["X0", "SP_EL0", "PC", "PSTATE", "SCTLR_EL1", "VBAR_EL1"]
        .into_iter()
        .find(|name| vcpu.registers.get(name).is_none());
    match missing {
        Some(name) => Err(format!("{name} is missing")),
        None => pstate(&vcpu.registers),
    }
}

/// PSTATE is one that a guest can be in: at EL0 or EL1.
fn pstate(registers: &Registers) -> Result<(), String> {
    let pstate = registers.get("PSTATE").and_then(|value| value.word());
    let pstate = pstate.ok_or("PSTATE is missing")?;
    // SPSR_EL1.M: AArch64 with EL0t, EL1t or EL1h, or AArch32 with a mode below Hyp.
    let mode = pstate & 0x1f;
    match mode {
        0 | 4 | 5 | 0x10 | 0x11 | 0x12 | 0x13 | 0x17 | 0x1b | 0x1f => Ok(()),
        _ => Err(format!(
            "PSTATE.M is {mode:#x}, which is no mode of a guest"
        )),
    }
}

/// The interrupt controller by itself.
pub(super) fn gic(gic: &Gic) -> Result<(), String> {
    let mut interfaces = gic.redistributors.iter().map(|r| &r.interface);
    let first = interfaces.next();
    let mut names = first.into_iter().flat_map(|interface| interface.keys());
    if let Some(name) = names.find(|name| INTERFACE.iter().all(|(known, _)| known != name)) {
        return Err(format!(
            "a CPU interface has no register `{}`",
            name.escape_debug()
        ));
    }
    let needed = INTERFACE.iter().filter(|(_, always)| *always);
    for (name, _) in needed {
        if first.is_some_and(|interface| !interface.contains_key(*name)) {
            return Err(format!("{name} is missing"));
        }
    }
    match interfaces.all(|interface| first.is_some_and(|f| f.keys().eq(interface.keys()))) {
        true => Ok(()),
        false => Err("the CPU interfaces do not have the same registers".into()),
    }
}

/// The lines of shared interrupts that follow a level are those of the devices: nobody would lower another one.
fn levels(state: &State) -> Result<(), String> {
    for (first, shared) in (32..).step_by(32).zip(&state.gic.shared) {
        let [low, high] = shared.interrupts.configuration.map(|Hex32(word)| word);
        let edges = u64::from(high) << 32 | u64::from(low);
        let up = (0..32)
            .filter(|n| edges >> (2 * n + 1) & 1 == 0 && state.lines.up.contains(&(first + n)))
            .fold(0u32, |all, n| all | 1 << n);
        let differ = shared.interrupts.level.0 ^ up;
        if differ != 0 {
            return Err(format!(
                "the line of interrupt {} is not as its device has it",
                first + differ.trailing_zeros()
            ));
        }
    }
    Ok(())
}

/// A disk by itself.
pub(super) fn disk(disk: &Disk) -> Result<(), String> {
    if !is_digest(&disk.digest) {
        return Err("its digest is none".into());
    }
    let crate::state::Covers::Blocks(blocks) = &disk.covers else {
        return Ok(());
    };
    let inside = |block: &u64| *block < disk.size.div_ceil(4096);
    match blocks.is_sorted_by(|a, b| a < b) && blocks.iter().all(inside) {
        true => Ok(()),
        false => Err("its digest is over blocks behind its end, out of order or twice".into()),
    }
}
