//! Version 2 of the lock: its JSON shape, frozen.
//!
//! It is the newest version's without virtio devices, without a seed and with a
//! counter that stands still across saves: such a machine is locked in it still.

use super::{
    Boot, BootFile, Counters, Device, DeviceKind, DeviceTree, Gic, Hypercalls, Lock, LockedCpu,
    LockedRegister, Machine, PhysicalCounter, PrivateInterrupts, Range, ResetValue, Unmapped, Vcpu,
    VirtualCounter, unique,
};
use crate::vm::{Arch, Feature};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this shape.
pub const VERSION: u32 = 2;

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
    /// The baselines that the spec names, each with a digest over its catalogue entry and all those that it is a
    /// difference from.
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
    /// What every vCPU begins with, at boot and after CPU_ON, in the registers in which that is not zero, and in
    /// ACTLR_EL1; by id. Empty in version 1, which promises nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reset: Vec<ResetValue>,
    /// Memory map, interrupts and devices.
    machine: MachineShape,
    /// What tells the guest of them.
    device_tree: DeviceTree,
    /// What the guest boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boot: Option<BootShape>,
}

/// How time is counted.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Counters"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CountersShape {
    /// CNTVCT_EL0 counts from the machine's creation.
    virtual_counter: VirtualCounter,
    /// CNTPCT_EL0.
    physical_counter: PhysicalCounter,
}

impl From<&Counters> for CountersShape {
    fn from(counters: &Counters) -> Self {
        Self {
            virtual_counter: counters.virtual_counter,
            physical_counter: counters.physical_counter,
        }
    }
}

impl CountersShape {
    /// In the types of the newest version.
    pub(super) fn read(self) -> Counters {
        Counters {
            virtual_counter: self.virtual_counter,
            physical_counter: self.physical_counter,
            across_saves: None,
        }
    }
}

/// What a guest boots.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Boot"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BootShape {
    /// The kernel.
    kernel: BootFile,
    /// An initial RAM file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initrd: Option<BootFile>,
    /// The kernel command line, at most 2048 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    cmdline: String,
}

/// Memory map, interrupts and devices: the part of the ABI that the runner itself makes.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Machine"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MachineShape {
    /// Bits of guest-physical address (`KVM_CREATE_VM`'s machine type): what lies behind them is not there.
    address_bits: u32,
    /// What answers where nothing is.
    unmapped: Unmapped,
    /// Guest memory.
    memory: Range,
    /// Distributor frame.
    distributor: Range,
    /// Regions of redistributor frames: two 64 KiB frames per vCPU, in vCPU order.
    redistributors: Vec<Range>,
    /// Multiprocessor affinity (MPIDR_EL1) of each vCPU, in order.
    vcpus: Vec<Vcpu>,
    /// Private interrupts, as INTIDs.
    private_interrupts: PrivateInterrupts,
    /// Devices in the order in which the guest finds them.
    devices: Vec<DeviceShape>,
}

/// What a device is: the part that is modelled, and the version of the model.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "DeviceKind"))]
enum DeviceKindShape {
    /// 16550A UART, byte-wide registers; the model of version 1 of the lock.
    #[serde(rename = "16550-1")]
    Uart16550,
    /// 16550A UART, byte-wide registers: holds input back until a driver is there.
    #[serde(rename = "16550-2")]
    Uart16550V2,
    /// PL031 real-time clock (Arm DDI 0224) without an alarm; the model of version 1 of the lock.
    #[serde(rename = "pl031-1")]
    Pl031,
    /// PL031 real-time clock (Arm DDI 0224) whose alarm rings.
    #[serde(rename = "pl031-2")]
    Pl031V2,
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

impl DeviceKindShape {
    /// `None` for what this version has no name for.
    const fn of(kind: DeviceKind) -> Option<Self> {
        match kind {
            DeviceKind::Uart16550 => Some(Self::Uart16550),
            DeviceKind::Uart16550V2 => Some(Self::Uart16550V2),
            DeviceKind::Pl031 => Some(Self::Pl031),
            DeviceKind::Pl031V2 => Some(Self::Pl031V2),
            DeviceKind::VirtioBlock
            | DeviceKind::VirtioNet
            | DeviceKind::VirtioConsole
            | DeviceKind::VirtioEntropy
            | DeviceKind::VirtioVsock
            | DeviceKind::Vmgenid => None,
        }
    }

    const fn kind(self) -> DeviceKind {
        match self {
            Self::Uart16550 => DeviceKind::Uart16550,
            Self::Uart16550V2 => DeviceKind::Uart16550V2,
            Self::Pl031 => DeviceKind::Pl031,
            Self::Pl031V2 => DeviceKind::Pl031V2,
        }
    }
}

impl From<&Lock> for LockShape {
    /// Of a lock of version 2: what a newer one says beside it is left out.
    fn from(lock: &Lock) -> Self {
        let machine = &lock.machine;
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
            registers: lock.registers.clone(),
            gic: lock.gic.clone(),
            hypercalls: lock.hypercalls.clone(),
            counters: CountersShape::from(&lock.counters),
            reset: lock.reset.clone(),
            device_tree: lock.device_tree.clone(),
            boot: lock.boot.as_ref().map(|boot| BootShape {
                kernel: boot.kernel.clone(),
                initrd: boot.initrd.clone(),
                cmdline: boot.cmdline.clone(),
            }),
            machine: MachineShape {
                address_bits: machine.address_bits,
                unmapped: machine.unmapped,
                memory: machine.memory,
                distributor: machine.distributor,
                redistributors: machine.redistributors.clone(),
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
            },
        }
    }
}

impl LockShape {
    /// In the types of the newest version.
    pub fn read(self) -> Lock {
        let machine = self.machine;
        let devices = machine.devices.into_iter();
        Lock {
            schema: self.schema,
            lock_version: self.lock_version,
            name: self.name,
            arch: self.arch,
            baselines: self.baselines,
            cpu: self.cpu,
            features: self.features,
            vector_lengths: self.vector_lengths,
            registers: self.registers,
            gic: self.gic,
            hypercalls: self.hypercalls,
            counters: self.counters.read(),
            reset: self.reset,
            device_tree: self.device_tree,
            boot: self.boot.map(|boot| Boot {
                kernel: boot.kernel,
                initrd: boot.initrd,
                cmdline: boot.cmdline,
                kaslr_seed: false,
            }),
            machine: Machine {
                address_bits: machine.address_bits,
                unmapped: machine.unmapped,
                memory: machine.memory,
                distributor: machine.distributor,
                redistributors: machine.redistributors,
                vcpus: machine.vcpus,
                private_interrupts: machine.private_interrupts,
                devices: devices
                    .map(|device| Device {
                        name: device.name,
                        kind: device.kind.kind(),
                        range: device.range,
                        interrupt: device.interrupt,
                        virtio: None,
                    })
                    .collect(),
            },
        }
    }
}
