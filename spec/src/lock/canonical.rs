//! The lock's bytes: a byte-stable writer and a strict reader.
//!
//! Two spaces, one field per line, LF, a final newline, keys in the order of
//! the types. `write(parse(x)) == x` for everything that was written here.

use super::{LOCK_VERSION, Lock, Range, Waiver};
use crate::catalogue::{REGISTERS, register_by_id};
use crate::machine::STOLEN_TIME_SIZE;
use crate::observation::fact_name;
use crate::resolve::{identification, owed, waived_answers};
use crate::smccc::{self, Services, psci_name};
use crate::vm::Feature;
use serde::Deserialize;
use std::fmt;

/// Largest lock that is read, in bytes. Real ones have some 40 kB.
pub const SIZE_MAX: usize = 4 << 20;

/// Why a text is no lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockError {
    /// It is larger than [`SIZE_MAX`].
    TooLarge,
    /// A merge left its markers in the file.
    ConflictMarker {
        /// Line number, from 1.
        line: usize,
    },
    /// It was made by a newer vmlock.
    Newer {
        /// The `lockVersion` that it says.
        version: u32,
    },
    /// It is not JSON, lacks something, or has something unknown.
    Malformed {
        /// Line number, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the reader met.
        message: String,
    },
    /// It parses and yet contradicts itself.
    Inconsistent(String),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::TooLarge => write!(f, "the lock is larger than {} MiB", SIZE_MAX >> 20),
            LockError::ConflictMarker { line } => {
                write!(
                    f,
                    "line {line} is a merge conflict marker: merge the spec, then run `vmlock lock`"
                )
            }
            LockError::Newer { version } => write!(
                f,
                "lockVersion {version} is newer than this program's {LOCK_VERSION}: use the vmlock that made it, or a newer one"
            ),
            LockError::Malformed {
                line,
                column,
                message,
            } => {
                write!(f, "line {line}, column {column}: {message}")
            }
            LockError::Inconsistent(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for LockError {}

/// The canonical bytes of a lock.
pub fn write(lock: &Lock) -> String {
    // Serialising plain structs with string keys cannot fail.
    let mut text = serde_json::to_string_pretty(lock).expect("a lock is always representable");
    text.push('\n');
    text
}

/// Reads a lock, strictly: no unknown fields, no newer version, nothing that contradicts itself.
///
/// # Errors
/// [`LockError`] says what and where.
pub fn parse(text: &str) -> Result<Lock, LockError> {
    if text.len() > SIZE_MAX {
        return Err(LockError::TooLarge);
    }
    let marker = |l: &str| {
        ["<<<<<<< ", "=======", ">>>>>>> "]
            .iter()
            .any(|m| l.starts_with(m))
    };
    if let Some(line) = text.lines().position(marker) {
        return Err(LockError::ConflictMarker { line: line + 1 });
    }
    let malformed = |e: serde_json::Error| LockError::Malformed {
        line: e.line(),
        column: e.column(),
        message: e.to_string(),
    };
    let head: Head = serde_json::from_str(text).map_err(malformed)?;
    if head.lock_version > LOCK_VERSION {
        return Err(LockError::Newer {
            version: head.lock_version,
        });
    }
    let lock: Lock = serde_json::from_str(text).map_err(malformed)?;
    consistent(&lock).map_err(LockError::Inconsistent)?;
    Ok(lock)
}

/// The version is readable before the body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    lock_version: u32,
}

/// What must hold between the parts of a lock, so that no reader has to ask again.
fn consistent(lock: &Lock) -> Result<(), String> {
    if lock.lock_version == 0 {
        return Err("lockVersion 0 does not exist".into());
    }
    for pair in lock.registers.windows(2) {
        if pair[0].id >= pair[1].id {
            return Err(format!(
                "registers `{}` and `{}` are out of order or doubled",
                pair[0].name, pair[1].name
            ));
        }
    }
    promising(lock)?;
    let lengths = &lock.vector_lengths;
    let valid = |l: &u32| (128..=2048).contains(l) && l.is_multiple_of(128);
    if lock.features.contains(&Feature::Sve) == lengths.is_empty()
        || !lengths.iter().all(valid)
        || !lengths.is_sorted_by(|a, b| a < b)
    {
        return Err("the vector lengths are not those of a CPU with, or without, `sve`".into());
    }
    let machine = &lock.machine;
    let count = machine.vcpus.len();
    if count == 0 || count > 64 {
        return Err(format!("{count} vCPUs: a machine has 1 to 64"));
    }
    let mut ranges = vec![
        ("memory", machine.memory),
        ("distributor", machine.distributor),
        ("redistributors", machine.redistributors),
    ];
    ranges.extend(machine.devices.iter().map(|d| (d.name.as_str(), d.range)));
    for (index, (name, range)) in ranges.iter().enumerate() {
        // KVM gives a guest 40 bits of physical addresses unless asked otherwise.
        if range.size == 0 || range.base % 0x1000 != 0 || range.size % 0x1000 != 0 {
            return Err(format!(
                "`{name}` is empty or not made of whole 4 KiB pages"
            ));
        }
        if range.end().is_none_or(|end| end > 1 << 40) {
            return Err(format!("`{name}` ends beyond 40 bits of address"));
        }
        if let Some((other, _)) = ranges[..index].iter().find(|(_, r)| r.overlaps(range)) {
            return Err(format!("`{name}` and `{other}` overlap"));
        }
    }
    if machine.memory.size < 64 << 20 || machine.memory.size > 512 << 30 {
        return Err("memory must be 64 MiB to 512 GiB".into());
    }
    if machine.distributor.size != 0x1_0000
        || machine.redistributors.size != count as u64 * 0x2_0000
    {
        return Err("the GIC frames do not fit the number of vCPUs".into());
    }
    let Some(fdt) = machine.fdt.decode() else {
        return Err("the FDT is not lines of hex".into());
    };
    let fdt_end = machine.fdt.base.checked_add(fdt.len() as u64);
    let inside = fdt_end.is_some_and(|end| {
        machine.fdt.base >= machine.memory.base && Some(end) <= machine.memory.end()
    });
    if !inside || fdt.len() > 1 << 20 {
        return Err("the FDT does not fit into memory".into());
    }
    stolen_time(lock, fdt.len() as u64)?;
    let interrupts = lock.gic.interrupts;
    let whole = interrupts.is_multiple_of(32) && (64..=1024).contains(&interrupts);
    if lock.gic.version != 3 || !whole {
        return Err("the GIC is not a GICv3 with 64 to 1024 interrupts, a multiple of 32".into());
    }
    for device in &machine.devices {
        if device.interrupt < 32 || device.interrupt >= interrupts.min(1020) {
            return Err(format!(
                "`{}` has interrupt {}, which the GIC has not",
                device.name, device.interrupt
            ));
        }
    }
    for private in [
        Some(machine.private_interrupts.virtual_timer),
        Some(machine.private_interrupts.physical_timer),
        machine.private_interrupts.pmu,
    ]
    .into_iter()
    .flatten()
    {
        if !(16..32).contains(&private) {
            return Err(format!("private interrupt {private} is not 16 to 31"));
        }
    }
    Ok(())
}

/// A lock promises all that the compiler would have it promise, and only
/// `vary` waives. A later version that asks for more counts [`LOCK_VERSION`] up.
fn promising(lock: &Lock) -> Result<(), String> {
    for entry in &lock.registers {
        let name = &entry.name;
        let Some(info) = register_by_id(entry.id).filter(|info| info.name == name.as_str()) else {
            return Err(format!(
                "`{name}` is not the name of the register {:#018x}, as far as this program knows",
                entry.id
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
                waiver.field, waiver.mask
            ));
        }
    }
    let entry = |name: &str| lock.registers.iter().find(|r| r.name == name);
    let debug = entry("ID_AA64DFR0_EL1").map_or(0, |r| r.value);
    let missing = REGISTERS.iter().find(|info| {
        let cache = info.csselr().is_none_or(|n| lock.names_cache(n));
        cache && owed(info, &lock.features, debug) && entry(&info.name).is_none()
    });
    if let Some(info) = missing {
        return Err(format!("it says nothing of the register `{}`", info.name));
    }
    let gic = identification(0, lock.gic.interrupts.clamp(64, 1024));
    let names = lock.gic.registers.iter().map(|r| &r.name);
    if !names.eq(gic.iter().map(|(name, _)| name)) {
        return Err("the registers of the GIC are not those of a GICv3 with its interrupts".into());
    }
    let services = Services::of_lock(lock);
    let waived = waived_answers(&lock.registers);
    let asked = smccc::answers(&services).into_iter();
    let asked = asked.filter(|(key, _)| !waived.contains(key));
    let calls = lock.hypercalls.answers.iter().map(|a| a.call.clone());
    if !calls.eq(asked.map(|(key, _)| fact_name(key))) {
        return Err("the calls that are answered are not those of its services".into());
    }
    if psci_name(services.psci) != Some(lock.hypercalls.psci.as_str()) {
        return Err(
            "`psci` and the register KVM_REG_ARM_PSCI_VERSION contradict each other".into(),
        );
    }
    let pmu = lock.machine.private_interrupts.pmu;
    if lock.features.contains(&Feature::Pmu) != pmu.is_some() {
        return Err("a PMU has an interrupt, and nothing else has that one".into());
    }
    Ok(())
}

/// With `steal-time`, and only then, each vCPU has a structure of its own, in memory that is not the FDT's.
fn stolen_time(lock: &Lock, fdt_size: u64) -> Result<(), String> {
    let machine = &lock.machine;
    let fdt = Range {
        base: machine.fdt.base,
        size: fdt_size,
    };
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
            && !place.overlaps(&fdt);
        if !asked || !inside || !base.is_multiple_of(STOLEN_TIME_SIZE) {
            return Err(format!(
                "the stolen-time structure of vCPU {index} is not asked for, or not in memory of its own"
            ));
        }
        free = base + STOLEN_TIME_SIZE;
    }
    Ok(())
}
