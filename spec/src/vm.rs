//! What a user describes: one virtual machine, before anything is resolved.
//!
//! This model is the JSON form of a spec; `NAME.vm.kdl` is its pretty surface.
//! The JSON Schema of specs is generated from it.

pub mod device;
pub mod limits;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One virtual machine, as its author wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VmSpec {
    /// In the JSON form: where an editor finds the JSON Schema of this file. It is read by nothing else.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The machine's name: letters, digits, `-`, `_` and `.`, and no `.` at the front.
    pub name: String,
    /// What the machine is for, in a line for people. No guest sees it, and no lock holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Names and values of the author's own, for programs that sort machines. No guest sees them, and no lock holds
    /// them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
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
    /// Virtio devices, in the order in which the guest finds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<device::Device>,
    /// What the guest's virtual counter (CNTVCT_EL0) does while the guest is saved in a file.
    #[serde(default, skip_serializing_if = "AcrossSaves::is_default")]
    pub across_saves: AcrossSaves,
    /// Whether the guest has a generation id: 16 random bytes, which are others after each restore, and an interrupt that says
    /// so. Copies of a saved guest learn by it that they are copies, and mix it into their random numbers: where their kernel
    /// has the driver, and from the interrupt on. Until then, and without the driver, they may share those to come.
    #[serde(default, skip_serializing_if = "is_false")]
    pub vmgenid: bool,
    /// Fields that the lock does not promise: `REGISTER.FIELD`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vary: Vec<String>,
    /// Warnings that the author knows of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Allow>,
    /// Recorded hosts that must be able to keep the lock, by their kernels, a series (`kvm-6.12`) or a distribution's
    /// (`debian-13`), with the CPU of `cpu`.
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

impl VmSpec {
    /// A machine with that much memory (bytes), that boots nothing and of which nothing else is said.
    pub fn bare(name: &str, abi: &[&str], cpu: Cpu, memory: u64) -> Self {
        Self {
            schema: None,
            name: name.to_owned(),
            description: None,
            labels: BTreeMap::new(),
            arch: Arch::Arm64,
            abi: abi.iter().map(|&a| a.to_owned()).collect(),
            cpu,
            memory,
            boot: None,
            console: Console::default(),
            devices: Vec::new(),
            across_saves: AcrossSaves::default(),
            vmgenid: false,
            vary: Vec::new(),
            allow: Vec::new(),
            runs_on: Vec::new(),
            import: Vec::new(),
            lock_schema: None,
        }
    }
}

/// A warning that is no news to the author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// The warning's code, e.g. `spec::withholds-mitigation`.
    pub code: String,
    /// Of which fields alone the author knows, `REGISTER.FIELD`; absent: whatever is warned of. For
    /// `spec::withholds-mitigation` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// Why it is no mistake here, for those who read the description later.
    pub reason: String,
}

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit Arm (AArch64).
    Arm64,
}

/// The CPUs of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cpu {
    /// A CPU model of the catalogue or of an imported file.
    pub model: String,
    /// How many vCPUs: 1 to 512; in a lock of version 1, 1 to 64.
    pub count: u32,
    /// Optional features that the guest gets; all are off unless named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// With `sve`: every vector length that the guest can select, in bits, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vector_lengths: Vec<u32>,
    /// With `pmu`: what the guest gets less than the silicon has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pmu: Option<Pmu>,
    /// How many breakpoints and watchpoints the guest gets; those of the silicon unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug: Option<Debug>,
    /// Whether the guest counts on AArch32 at EL0: a CPU that lacks it is an error.
    #[serde(default, skip_serializing_if = "is_false")]
    pub aarch32: bool,
    /// Instruction set features to hide, by their Linux hwcap name (`crc32`), as `aarch32` (at EL0) or as
    /// `REGISTER.FIELD`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hide: Vec<String>,
    /// ID register fields, or features by their Linux hwcap name, with a value of the author's choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<SetField>,
}

impl Cpu {
    /// So many of a model with these features, of which nothing else is said; the vector lengths count with
    /// `sve` alone.
    pub fn bare(model: &str, count: u32, features: &[Feature], vector_lengths: &[u32]) -> Self {
        let vector_lengths = match features.contains(&Feature::Sve) {
            true => vector_lengths.to_vec(),
            false => Vec::new(),
        };
        Self {
            model: model.to_owned(),
            count,
            features: features.to_vec(),
            vector_lengths,
            ..Self::default()
        }
    }
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

/// What a guest's performance monitoring unit is; what is not named is the silicon's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pmu {
    /// Version of the PMUv3 architecture: `3.0`, `3.1`, `3.4`, `3.5`, `3.7`, `3.8` or `3.9`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Event counters beside the cycle counter, 0 to 31 (PMCR_EL0.N).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<u32>,
    /// Of the common events (0 to 0x3f, 0x4000 to 0x403f), the only ones that the guest can count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<u16>,
    /// Common events that the guest cannot count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<u16>,
}

impl Pmu {
    /// Versions with the values of ID_AA64DFR0_EL1.PMUVer and ID_DFR0_EL1.PerfMon (Arm ARM DDI 0487).
    pub const VERSIONS: &'static [(&'static str, u64, u64)] = &[
        ("3.0", 1, 3),
        ("3.1", 4, 4),
        ("3.4", 5, 5),
        ("3.5", 6, 6),
        ("3.7", 7, 7),
        ("3.8", 8, 8),
        ("3.9", 9, 9),
    ];
}

/// The debug unit that a guest gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Debug {
    /// Breakpoints, 2 to 16 (ID_AA64DFR0_EL1.BRPs is one less).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breakpoints: Option<u32>,
    /// Watchpoints, 2 to 16 (ID_AA64DFR0_EL1.WRPs is one less).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchpoints: Option<u32>,
}

/// One field that the author sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetField {
    /// `REGISTER.FIELD`, e.g. `ID_AA64ISAR0_EL1.RNDR`, or a Linux hwcap, e.g. `rng`.
    pub field: String,
    /// Its value; of a hwcap 1 where the guest counts on it, 0 where it is hidden.
    pub value: u64,
}

/// `KVM_CAP_ARM_MTE`: also what a VM has to be told before its first vCPU.
pub const KVM_CAP_ARM_MTE: u32 = 205;

/// An optional vCPU feature (`KVM_ARM_VCPU_*`, arch/arm64/include/uapi/asm/kvm.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// A performance monitoring unit, PMUv3 (`KVM_ARM_VCPU_PMU_V3`).
    Pmu,
    /// Scalable vectors, with the lengths that the lock names (`KVM_ARM_VCPU_SVE`).
    Sve,
    /// Pointer authentication, of addresses and generic: KVM has the two together alone
    /// (`KVM_ARM_VCPU_PTRAUTH_ADDRESS`, `KVM_ARM_VCPU_PTRAUTH_GENERIC`).
    Pauth,
    /// Memory tagging, of the whole VM (`KVM_CAP_ARM_MTE`).
    Mte,
    /// Stolen time: how long the host let each vCPU wait for a CPU (DEN0057; `KVM_ARM_VCPU_PVTIME_CTRL`).
    StealTime,
}

impl Feature {
    /// Every feature that a spec can name.
    pub const ALL: &'static [Feature] = &[
        Feature::Pmu,
        Feature::Sve,
        Feature::Pauth,
        Feature::Mte,
        Feature::StealTime,
    ];

    /// The name in a spec, a lock and a condition of a baseline.
    pub const fn name(self) -> &'static str {
        match self {
            Feature::Pmu => "pmu",
            Feature::Sve => "sve",
            Feature::Pauth => "pauth",
            Feature::Mte => "mte",
            Feature::StealTime => "steal-time",
        }
    }

    /// Bit numbers in `kvm_vcpu_init.features` (`KVM_ARM_VCPU_*`).
    pub const fn kvm_bits(self) -> &'static [u32] {
        match self {
            Feature::Pmu => &[3],
            Feature::Sve => &[4],
            Feature::Pauth => &[5, 6],
            Feature::Mte | Feature::StealTime => &[],
        }
    }

    /// Whether it changes which registers a vCPU has or what they hold, so that a host report has a view of it.
    pub const fn has_view(self) -> bool {
        !matches!(self, Feature::StealTime)
    }

    /// Numbers of the capabilities that say that a host has it (`KVM_CAP_ARM_*`,
    /// include/uapi/linux/kvm.h): `PMU_V3`, `SVE`, `PTRAUTH_ADDRESS` and `_GENERIC`, `MTE`,
    /// `KVM_CAP_STEAL_TIME`.
    pub const fn kvm_capabilities(self) -> &'static [u32] {
        match self {
            Feature::Pmu => &[126],
            Feature::Sve => &[170],
            Feature::Pauth => &[171, 172],
            Feature::Mte => &[KVM_CAP_ARM_MTE],
            Feature::StealTime => &[187],
        }
    }

    /// `REGISTER.FIELD`s of the silicon of which one at least must hold the value or more; none where any will do.
    pub const fn silicon(self) -> &'static [(&'static str, u64)] {
        match self {
            Feature::Pmu => &[("ID_AA64DFR0_EL1.PMUVer", 1)],
            Feature::Sve => &[("ID_AA64PFR0_EL1.SVE", 1)],
            Feature::Pauth => &[
                ("ID_AA64ISAR1_EL1.APA", 1),
                ("ID_AA64ISAR1_EL1.API", 1),
                ("ID_AA64ISAR2_EL1.APA3", 1),
            ],
            // 1 is EL0's instructions alone, without tags in memory: KVM asks for 2.
            Feature::Mte => &[("ID_AA64PFR1_EL1.MTE", 2)],
            Feature::StealTime => &[],
        }
    }
}

/// What a guest boots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Boot {
    /// An arm64 Linux `Image`, as it is, compressed with gzip or zstd, or in an EFI program (zboot); relative to the
    /// lock.
    pub kernel: String,
    /// An initial RAM file system; relative to the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initrd: Option<String>,
    /// The kernel command line, at most 2047 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cmdline: String,
    /// `sha256-` and 64 hex digits of the kernel; that of the file that is there unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_digest: Option<String>,
    /// `sha256-` and 64 hex digits of the initial RAM file system; that of the file that is there unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initrd_digest: Option<String>,
    /// For a kernel without the header of an arm64 `Image`: the guest-physical address at which it is loaded and
    /// entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_address: Option<u64>,
    /// Whether any file will do: neither kernel nor initial RAM file system is held to a digest.
    #[serde(default, skip_serializing_if = "is_false")]
    pub any_file: bool,
    /// Whether the guest gets eight random bytes of the host's at each start (`/chosen/kaslr-seed`), from which Linux
    /// chooses where it lies.
    #[serde(default, skip_serializing_if = "is_false")]
    pub kaslr_seed: bool,
}

/// What a virtual counter does between a save and the restore that follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AcrossSaves {
    /// To the guest no time has passed; its clock of the day alone has gone on. So it is unless it says otherwise.
    #[default]
    StandsStill,
    /// It has counted all the time that the host's wall clock says has passed, and never goes back.
    GoesOn,
}

impl AcrossSaves {
    /// Both, with what they are called in a description.
    pub const ALL: [(&'static str, Self); 2] = [
        ("stands-still", Self::StandsStill),
        ("goes-on", Self::GoesOn),
    ];

    /// What it is called in a description.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StandsStill => "stands-still",
            Self::GoesOn => "goes-on",
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
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
