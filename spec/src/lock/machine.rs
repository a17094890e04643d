//! The part of a lock that the runner itself makes: memory map, interrupts,
//! devices and the device tree.

use super::hex::{hex64, optional_hex64};
use super::virtio::Virtio;
use crate::vm::Console;
use serde::{Deserialize, Serialize};
use vmlock_wire::REDISTRIBUTOR_SIZE;

/// Memory map, interrupts and devices: the part of the ABI that the runner itself makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Machine {
    /// Bits of guest-physical address (`KVM_CREATE_VM`'s machine type): what lies behind them is not there.
    pub address_bits: u32,
    /// What answers where nothing is.
    pub unmapped: Unmapped,
    /// Guest memory.
    pub memory: Range,
    /// Distributor frame.
    pub distributor: Range,
    /// Regions of redistributor frames: two 64 KiB frames per vCPU, in vCPU order.
    pub redistributors: Vec<Range>,
    /// Multiprocessor affinity (MPIDR_EL1) of each vCPU, in order.
    pub vcpus: Vec<Vcpu>,
    /// Private interrupts, as INTIDs.
    pub private_interrupts: PrivateInterrupts,
    /// Devices in the order in which the guest finds them.
    pub devices: Vec<Device>,
}

impl Machine {
    /// The generation id, where there is one.
    pub fn generation_id(&self) -> Option<&Device> {
        let mut devices = self.devices.iter();
        devices.find(|device| device.kind == DeviceKind::Vmgenid)
    }

    /// The address of each vCPU's redistributor, in vCPU order.
    pub fn redistributor_frames(&self) -> impl Iterator<Item = u64> {
        let regions = self.redistributors.iter();
        regions
            .flat_map(|r| (0..r.size / REDISTRIBUTOR_SIZE).map(|n| r.base + n * REDISTRIBUTOR_SIZE))
    }
}

/// What answers an access to an address at which the machine has nothing: in a hole of the memory map, above memory,
/// and behind the last address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Unmapped {
    /// A synchronous external abort (ESR_ELx.DFSC or IFSC 0x10), whatever the instruction; version 2 of the lock.
    ExternalAbort,
    /// Up to the last address, loads read zero and stores are dropped; version 1 of the lock promised nothing of it.
    ReadsAsZero,
}

/// A range of guest-physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Range {
    /// First address.
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub base: u64,
    /// Length in bytes.
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub size: u64,
}

impl Range {
    /// First address after the range; `None` where that exceeds 64 bits.
    pub const fn end(&self) -> Option<u64> {
        self.base.checked_add(self.size)
    }
    /// Whether the two share an address.
    pub const fn overlaps(&self, other: &Range) -> bool {
        self.base < other.base.saturating_add(other.size)
            && other.base < self.base.saturating_add(self.size)
    }
}

/// One vCPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vcpu {
    /// MPIDR_EL1.
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub mpidr: u64,
    /// GICR_TYPER of its redistributor.
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub redistributor: u64,
    /// Address of its stolen-time structure, 64 bytes (DEN0057 section 4); only with the `steal-time` feature.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "optional_hex64"
    )]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<String>", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub stolen_time: Option<u64>,
}

/// INTIDs of the private interrupts (16..31).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrivateInterrupts {
    /// Virtual timer (CNTV).
    pub virtual_timer: u32,
    /// Physical timer (CNTP).
    pub physical_timer: u32,
    /// PMU overflow; only with the `pmu` feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pmu: Option<u32>,
}

/// What a device is: the part that is modelled, and the version of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DeviceKind {
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
    /// A disk (virtio 1.2 section 5.2).
    #[serde(rename = "virtio-block-1")]
    VirtioBlock,
    /// A network card (virtio 1.2 section 5.1).
    #[serde(rename = "virtio-net-1")]
    VirtioNet,
    /// A console (virtio 1.2 section 5.3).
    #[serde(rename = "virtio-console-1")]
    VirtioConsole,
    /// A source of entropy (virtio 1.2 section 5.4).
    #[serde(rename = "virtio-entropy-1")]
    VirtioEntropy,
    /// Sockets between guest and host (virtio 1.2 section 5.10).
    #[serde(rename = "virtio-vsock-1")]
    VirtioVsock,
    /// A generation id: 16 random bytes at the beginning of memory that the guest can only read, zeroes behind them. They are
    /// others at each start and after each restore, and an edge of the interrupt says the latter (`microsoft,vmgenid`).
    #[serde(rename = "vmgenid-1")]
    Vmgenid,
}

impl DeviceKind {
    /// The console's hardware, as machines of that version of the lock have it.
    pub const fn of_console(console: Console, version: u32) -> Self {
        match (console, version) {
            (Console::Uart16550, 1) => DeviceKind::Uart16550,
            (Console::Uart16550, _) => DeviceKind::Uart16550V2,
        }
    }
    /// Whether it is a UART, the console's hardware.
    pub const fn is_uart(self) -> bool {
        matches!(self, DeviceKind::Uart16550 | DeviceKind::Uart16550V2)
    }
    /// Whether it has a state of its own, which goes along when its guest is saved.
    pub const fn has_state(self) -> bool {
        !matches!(self, DeviceKind::Vmgenid)
    }
    /// Whether it is a clock.
    pub const fn is_clock(self) -> bool {
        matches!(self, DeviceKind::Pl031 | DeviceKind::Pl031V2)
    }
}

/// One memory-mapped device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Device {
    /// Its name in the lock.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Its registers, or the memory that it is.
    pub range: Range,
    /// Its interrupt, as an INTID (32 and up).
    pub interrupt: u32,
    /// Of a virtio device, what it shows beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtio: Option<Virtio>,
}

/// The device tree, exactly as the guest gets it, but for the addresses
/// `/chosen/linux,initrd-start` and `-end`, which follow from the size of the
/// file and are filled in by the runner.
///
/// It follows from the rest of the lock, by an encoder that is frozen for each
/// version: here it stands for people, and so that nothing else is ever booted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceTree {
    /// Where the guest finds it.
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub base: u64,
    /// `sha256-` and 64 hex digits of its bytes.
    pub digest: String,
    /// What it says, a property to a line.
    pub text: Vec<String>,
    /// Its bytes (Devicetree Specification v0.4 chapter 5).
    #[serde(skip)]
    pub bytes: Vec<u8>,
}
