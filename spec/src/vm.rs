//! What a user describes: one virtual machine, before anything is resolved.
//!
//! This model is the JSON form of a spec; `NAME.vm.kdl` is its pretty surface.
//! The JSON Schema of specs is generated from it.

use serde::{Deserialize, Serialize};

/// One virtual machine, as its author wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VmSpec {
    /// The machine's name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The instruction set.
    pub arch: Arch,
    /// Baselines by name: one whole (`kvm-6.8`) and any number of parts (`psci-1.1`).
    pub abi: Vec<String>,
    /// The CPUs.
    pub cpu: Cpu,
    /// Guest memory in bytes; a multiple of 2 MiB, at least 64 MiB. In KDL `"512MiB"`.
    pub memory: u64,
    /// What the guest boots. A lock without it can be audited, not started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
    /// The console's hardware.
    #[serde(default)]
    pub console: Console,
    /// Fields that the lock does not promise: `REGISTER.FIELD`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vary: Vec<String>,
    /// Recorded hosts that must be able to keep the lock, by kernel series (`kvm-6.12`), with the CPU of `cpu`.
    /// The compiler holds the lock against their reports; the lock itself does not name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs_on: Vec<String>,
    /// Files with the user's own CPU models and baselines, relative to the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub import: Vec<String>,
    /// Where an editor finds the JSON Schema of the lock: a path relative to the lock, or a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_schema: Option<String>,
}

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit Arm (AArch64).
    Arm64,
}

/// The CPUs of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cpu {
    /// A CPU model of the catalogue or of an imported file.
    pub model: String,
    /// How many vCPUs: 1 to 64.
    pub count: u32,
    /// Optional features that the guest gets; all are off unless named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// Instruction set features to hide, by their Linux hwcap name (`crc32`) or as `REGISTER.FIELD`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hide: Vec<String>,
    /// ID register fields with a value of the author's choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<SetField>,
}

/// One field that the author sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetField {
    /// `REGISTER.FIELD`, e.g. `ID_AA64ISAR0_EL1.RNDR`.
    pub field: String,
    /// Its value.
    pub value: u64,
}

/// An optional vCPU feature (`KVM_ARM_VCPU_*`, arch/arm64/include/uapi/asm/kvm.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// A performance monitoring unit, PMUv3 (`KVM_ARM_VCPU_PMU_V3`).
    Pmu,
}

impl Feature {
    /// Every feature that a spec can name.
    pub const ALL: &'static [Feature] = &[Feature::Pmu];

    /// The name in a spec, a lock and a condition of a baseline.
    pub const fn name(self) -> &'static str {
        match self {
            Feature::Pmu => "pmu",
        }
    }

    /// Bit number in `kvm_vcpu_init.features`.
    pub const fn kvm_bit(self) -> u32 {
        match self {
            Feature::Pmu => 3,
        }
    }
}

/// What a guest boots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Boot {
    /// An arm64 Linux `Image`, uncompressed or gzip; relative to the lock.
    pub kernel: String,
    /// An initial RAM file system; relative to the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initrd: Option<String>,
    /// The kernel command line, at most 2048 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cmdline: String,
}

/// The hardware behind the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Console {
    /// A 16550A UART; Linux calls it `ttyS0`.
    #[default]
    #[serde(rename = "16550")]
    Uart16550,
}
