//! Version 1 of the lock: its JSON shape, frozen.
//!
//! A lock of version 1 is read into the types of the newest version and written
//! back to the same bytes. What it does not say is what its machines had:
//! 40 bits of address, the devices' first models, one region of redistributors.

use super::hex::hex64;
use super::v2::CountersShape;
use super::{
    Boot, BootFile, Device, DeviceKind, DeviceTree, Gic, Hypercalls, Lock, LockedCpu,
    LockedRegister, Machine, PrivateInterrupts, Range, Unmapped, Vcpu, unique,
};
use crate::catalogue::register_by_id;
use crate::vm::{Arch, Feature};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this shape.
pub const VERSION: u32 = 1;
/// Bits of guest-physical address of every machine of this version.
pub const ADDRESS_BITS: u32 = 40;

/// A resolved machine.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Lock"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockShape {
    /// Where an editor finds the JSON Schema of this file.
    #[serde(rename = "$schema")]
    schema: String,
    /// Version of this format.
    lock_version: u32,
    /// The machine's name.
    name: String,
    /// The instruction set.
    arch: Arch,
    /// Every baseline that took part, with the digest of its catalogue entry.
    #[serde(deserialize_with = "unique")]
    baselines: BTreeMap<String, String>,
    /// The CPU model, with the digest of its catalogue entry.
    cpu: LockedCpu,
    /// Optional features of every vCPU, sorted.
    features: Vec<Feature>,
    /// With `sve`: every vector length that the guest can select, in bits, ascending
    /// (`KVM_REG_ARM64_SVE_VLS`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    vector_lengths: Vec<u32>,
    /// System and firmware registers, sorted by id.
    registers: Vec<LockedRegister>,
    /// The interrupt controller.
    gic: Gic,
    /// What firmware calls answer.
    hypercalls: Hypercalls,
    /// How time is counted.
    counters: CountersShape,
    /// Memory map, interrupts, devices and FDT.
    machine: MachineShape,
    /// What the guest boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boot: Option<BootShape>,
}

/// Memory map, interrupts and devices: the part of the ABI that the runner itself makes.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Machine"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MachineShape {
    /// Guest memory.
    memory: Range,
    /// Distributor frame.
    distributor: Range,
    /// Redistributor frames: two 64 KiB frames per vCPU, in vCPU order.
    redistributors: Range,
    /// Multiprocessor affinity (MPIDR_EL1) of each vCPU, in order.
    vcpus: Vec<Vcpu>,
    /// Private interrupts, as INTIDs.
    private_interrupts: PrivateInterrupts,
    /// Devices in the order in which the guest finds them.
    devices: Vec<DeviceShape>,
    /// The flattened device tree, exactly as the guest gets it, but for the
    /// addresses `/chosen/linux,initrd-start` and `-end`, which follow from the
    /// size of the file and are filled in by the runner.
    fdt: Fdt,
}

/// What a device is.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "DeviceKind"))]
enum DeviceKindShape {
    /// 16550A UART, byte-wide registers.
    #[serde(rename = "16550")]
    Uart16550,
    /// PL031 real-time clock (Arm DDI 0224).
    #[serde(rename = "pl031")]
    Pl031,
}

impl DeviceKindShape {
    /// `None` for what this version has no name for.
    const fn of(kind: DeviceKind) -> Option<Self> {
        match kind {
            DeviceKind::Uart16550 | DeviceKind::Uart16550V2 => Some(Self::Uart16550),
            DeviceKind::Pl031 | DeviceKind::Pl031V2 => Some(Self::Pl031),
            DeviceKind::VirtioBlock
            | DeviceKind::VirtioNet
            | DeviceKind::VirtioConsole
            | DeviceKind::VirtioEntropy
            | DeviceKind::VirtioVsock
            | DeviceKind::Vmgenid => None,
        }
    }
}

/// One memory-mapped device.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Device"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeviceShape {
    /// Its name in the lock.
    name: String,
    /// What it is.
    kind: DeviceKindShape,
    /// Its registers.
    range: Range,
    /// Its interrupt, as an INTID (32 and up).
    interrupt: u32,
}

/// The flattened device tree.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fdt {
    /// Where the guest finds it.
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    base: u64,
    /// Its bytes, 32 to a line, in hex.
    bytes: Vec<String>,
}

/// What a guest boots.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Boot"))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct BootShape {
    /// An arm64 Linux `Image`, uncompressed or gzip; relative to the lock.
    kernel: String,
    /// An initial RAM file system; relative to the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initrd: Option<String>,
    /// The kernel command line, at most 2048 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    cmdline: String,
}

impl Fdt {
    fn new(base: u64, bytes: &[u8]) -> Self {
        let line = |chunk: &[u8]| chunk.iter().map(|b| format!("{b:02x}")).collect();
        Self {
            base,
            bytes: bytes.chunks(32).map(line).collect(),
        }
    }
    /// The bytes; `None` where they are not written as [`Fdt::new`] does.
    fn decode(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for line in &self.bytes {
            if !line.is_ascii() || line.len() % 2 != 0 {
                return None;
            }
            for at in (0..line.len()).step_by(2) {
                out.push(u8::from_str_radix(&line[at..at + 2], 16).ok()?);
            }
        }
        (Self::new(self.base, &out).bytes == self.bytes).then_some(out)
    }
}

impl From<&Lock> for LockShape {
    /// Of a lock of version 1: what a newer one says beside it is left out.
    fn from(lock: &Lock) -> Self {
        let mut registers = lock.registers.clone();
        for entry in &mut registers {
            if let Some(info) = register_by_id(entry.id) {
                info.name_in(VERSION).clone_into(&mut entry.name);
            }
        }
        let machine = &lock.machine;
        let first = machine.redistributors.first().copied();
        let devices = machine.devices.iter();
        Self {
            schema: lock.schema.clone(),
            lock_version: lock.lock_version,
            name: lock.name.clone(),
            arch: lock.arch,
            baselines: lock.baselines.clone(),
            cpu: lock.cpu.clone(),
            features: lock.features.clone(),
            vector_lengths: lock.vector_lengths.clone(),
            registers,
            gic: lock.gic.clone(),
            hypercalls: lock.hypercalls.clone(),
            counters: CountersShape::from(&lock.counters),
            machine: MachineShape {
                memory: machine.memory,
                distributor: machine.distributor,
                redistributors: first.unwrap_or(Range { base: 0, size: 0 }),
                vcpus: machine.vcpus.clone(),
                private_interrupts: machine.private_interrupts.clone(),
                devices: devices
                    .filter_map(|device| {
                        Some(DeviceShape {
                            name: device.name.clone(),
                            kind: DeviceKindShape::of(device.kind)?,
                            range: device.range,
                            interrupt: device.interrupt,
                        })
                    })
                    .collect(),
                fdt: Fdt::new(lock.device_tree.base, &lock.device_tree.bytes),
            },
            boot: lock.boot.as_ref().map(|boot| BootShape {
                kernel: boot.kernel.path.clone(),
                initrd: boot.initrd.as_ref().map(|file| file.path.clone()),
                cmdline: boot.cmdline.clone(),
            }),
        }
    }
}

impl LockShape {
    /// In the types of the newest version. Its device tree has bytes alone.
    ///
    /// # Errors
    /// Words for people.
    pub fn read(self) -> Result<Lock, String> {
        let mut registers = self.registers;
        for entry in &mut registers {
            let Some(info) = register_by_id(entry.id) else {
                continue;
            };
            if info.name_in(VERSION) != entry.name {
                return Err(format!(
                    "`{}` is called `{}` in version {VERSION} of the lock",
                    entry.name,
                    info.name_in(VERSION)
                ));
            }
            info.name.as_ref().clone_into(&mut entry.name);
        }
        let machine = self.machine;
        let bytes = machine.fdt.decode();
        let bytes = bytes.ok_or("the FDT is not lines of hex, 32 bytes each")?;
        let devices = machine.devices.into_iter();
        Ok(Lock {
            schema: self.schema,
            lock_version: self.lock_version,
            name: self.name,
            arch: self.arch,
            baselines: self.baselines,
            cpu: self.cpu,
            features: self.features,
            vector_lengths: self.vector_lengths,
            registers,
            gic: self.gic,
            hypercalls: self.hypercalls,
            counters: self.counters.read(),
            reset: Vec::new(),
            machine: Machine {
                address_bits: ADDRESS_BITS,
                unmapped: Unmapped::ReadsAsZero,
                memory: machine.memory,
                distributor: machine.distributor,
                redistributors: vec![machine.redistributors],
                vcpus: machine.vcpus,
                private_interrupts: machine.private_interrupts,
                devices: devices
                    .map(|device| Device {
                        name: device.name,
                        kind: match device.kind {
                            DeviceKindShape::Uart16550 => DeviceKind::Uart16550,
                            DeviceKindShape::Pl031 => DeviceKind::Pl031,
                        },
                        range: device.range,
                        interrupt: device.interrupt,
                        virtio: None,
                    })
                    .collect(),
            },
            device_tree: DeviceTree {
                base: machine.fdt.base,
                digest: String::new(),
                text: Vec::new(),
                bytes,
            },
            boot: self.boot.map(|boot| Boot {
                kernel: BootFile::at(&boot.kernel),
                initrd: boot.initrd.as_deref().map(BootFile::at),
                cmdline: boot.cmdline,
                kaslr_seed: false,
            }),
        })
    }
}
