//! The lock: everything a guest can read, with one exact value each.
//!
//! `lock.rs` and `lock/machine.rs` have the nouns, in the shape of the newest
//! version; older versions keep theirs (`lock/v1.rs`, `lock/v2.rs`). `lock/canonical.rs` writes
//! each version byte-stably and reads it strictly, and `lock/consistent.rs` says
//! what holds in every lock that was read.

pub mod canonical;
mod consistent;
pub mod hex;
mod machine;
pub mod newer;
pub mod reset;
pub mod v1;
pub mod v2;
mod virtio;

pub use hex::{hex32, hex64, optional_hex64};
pub use machine::{
    Device, DeviceKind, DeviceTree, Machine, PrivateInterrupts, Range, Unmapped, Vcpu,
};
pub use virtio::{Block, Net, Port, Virtio, Vsock};

use crate::catalogue::selectors;
use crate::vm::{Arch, Feature};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

pub use crate::catalogue::LOCK_VERSION;

/// A resolved machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lock {
    /// Where an editor finds the JSON Schema of this file.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// Version of this format.
    pub lock_version: u32,
    /// The machine's name.
    pub name: String,
    /// The instruction set.
    pub arch: Arch,
    /// The baselines that the spec names, each with a digest over its catalogue entry and all those that it is a
    /// difference from.
    #[serde(deserialize_with = "unique")]
    pub baselines: BTreeMap<String, String>,
    /// The CPU model, with the digest of its catalogue entry.
    pub cpu: LockedCpu,
    /// Optional features of every vCPU, sorted.
    pub features: Vec<Feature>,
    /// With `sve`: every vector length that the guest can select, in bits, ascending
    /// (`KVM_REG_ARM64_SVE_VLS`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vector_lengths: Vec<u32>,
    /// System and firmware registers, sorted by id.
    pub registers: Vec<LockedRegister>,
    /// The interrupt controller.
    pub gic: Gic,
    /// What firmware calls answer.
    pub hypercalls: Hypercalls,
    /// How time is counted.
    pub counters: Counters,
    /// What every vCPU begins with, at boot and after CPU_ON, in the registers in which that is not zero, and in
    /// ACTLR_EL1; by id. Empty in version 1, which promises nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reset: Vec<ResetValue>,
    /// Memory map, interrupts and devices.
    pub machine: Machine,
    /// What tells the guest of them.
    pub device_tree: DeviceTree,
    /// What the guest boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
}

/// What a register holds when a vCPU begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetValue {
    /// The architecture's name; `PMEVCNTR<n>_EL0` and `PMEVTYPER<n>_EL0` are those of every counter that there is.
    pub name: String,
    /// What it holds.
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub value: u64,
}

/// What a guest boots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Boot {
    /// The kernel.
    pub kernel: BootFile,
    /// An initial RAM file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initrd: Option<BootFile>,
    /// The kernel command line, at most 2048 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cmdline: String,
    /// Whether the device tree has a `kaslr-seed`: eight bytes that are zero in the lock, and at each start the host's
    /// random ones.
    #[serde(default, skip_serializing_if = "crate::vm::is_false")]
    pub kaslr_seed: bool,
}

/// A file that goes into the guest's memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BootFile {
    /// Where it is, relative to the lock.
    pub path: String,
    /// `sha256-` and 64 hex digits of its content: another file is refused. Without it, any file will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(regex(pattern = r"^sha256-[0-9a-f]{64}$"))
    )]
    pub digest: Option<String>,
    /// For a kernel without the header of an arm64 `Image`: the guest-physical address at which it is loaded and
    /// entered.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "optional_hex64"
    )]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<String>", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub address: Option<u64>,
}

impl BootFile {
    /// A file by its path, with nothing else said of it.
    pub fn at(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            digest: None,
            address: None,
        }
    }
}

/// A map in which no key stands twice.
pub(crate) fn unique<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, V>, D::Error> {
    struct Unique<V>(PhantomData<V>);
    impl<'de, V: Deserialize<'de>> serde::de::Visitor<'de> for Unique<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("a map")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut access: A,
        ) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<String, V>()? {
                if map.contains_key(&key) {
                    return Err(A::Error::custom(format!("duplicate key `{key}`")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Unique(PhantomData))
}

impl Lock {
    /// Whether CLIDR_EL1 names the cache that CSSELR_EL1 selects so: what
    /// CCSIDR_EL1 holds for others is UNKNOWN, and for these it is promised.
    pub fn names_cache(&self, selector: u8) -> bool {
        self.caches().contains(&selector.into())
    }

    /// What CSSELR_EL1 selects of the caches that CLIDR_EL1 names.
    pub(crate) fn caches(&self) -> Vec<u64> {
        let mut registers = self.registers.iter();
        let clidr = registers.find(|r| r.name == "CLIDR_EL1");
        clidr.map_or_else(Vec::new, |r| selectors(r.value))
    }
}

/// The CPU model that was resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockedCpu {
    /// Its name.
    pub model: String,
    /// `sha256-` and 64 hex digits of its catalogue entry.
    pub digest: String,
}

/// How strictly an entry binds, and how it can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// The guest must see exactly this value; the host may be made to show it.
    Exact,
    /// The guest must see exactly this value, and only silicon or firmware can show it.
    Fact,
    /// The guest must find nothing there.
    Absent,
}

/// One register that the guest can read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LockedRegister {
    /// KVM register id (or the id that the encoding would have).
    pub id: u64,
    /// The architecture's name.
    pub name: String,
    /// The value, for every vCPU.
    pub value: u64,
    /// How strictly it binds.
    pub rule: Binding,
    /// Which baseline, CPU model or place in the spec decided it.
    pub from: String,
    /// Bits that are promised; the others are run-time state (PMCR_EL0.E) or
    /// left UNKNOWN by the architecture. All ones for most registers.
    pub mask: u64,
    /// Fields that are not promised, each with the place that waived it.
    pub vary: Vec<Waiver>,
}

/// An open waiver: this field is not promised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Waiver {
    /// The field's name.
    pub field: String,
    /// Its bits within the register, as a mask.
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub mask: u64,
    /// Who waived it.
    pub from: String,
}

impl LockedRegister {
    /// Bits of the register that the lock does promise.
    pub fn promised(&self) -> u64 {
        self.vary.iter().fold(self.mask, |mask, w| mask & !w.mask)
    }
    /// Whether a guest reads it by an instruction: firmware registers are KVM's
    /// own, and a guest sees them through hypercalls alone.
    pub const fn guest_readable(&self) -> bool {
        // KVM_REG_ARM_FW (0x14) and KVM_REG_ARM_FW_FEAT_BMAP (0x16).
        !matches!(self.id >> 16 & 0xfff, 0x14 | 0x16)
    }
    /// How many bits of address the CPU's own translation has, by its registers (ID_AA64MMFR0_EL1.PARange): it answers
    /// for what lies behind them, and no machine does.
    pub fn physical_bits(registers: &[LockedRegister]) -> u32 {
        let features = registers.iter().find(|r| r.name == "ID_AA64MMFR0_EL1");
        vmlock_wire::physical_bits(features.map_or(0, |r| r.value))
    }
    /// Width in bytes, from the id's size bits (`KVM_REG_SIZE_MASK`).
    pub const fn bytes(&self) -> usize {
        1 << ((self.id >> 52) & 0xf)
    }
}

/// One register that the guest can read.
// Of `LockedRegister` in JSON: the value's digits follow the register's width.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "Register"))]
struct RegisterShape<'a> {
    /// KVM register id: `0x` and 16 hex digits.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^0x[0-9a-f]{16}$")))]
    #[serde(borrow)]
    id: Cow<'a, str>,
    /// The architecture's name.
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// The value in hex, padded to the register's width.
    #[cfg_attr(
        feature = "schema",
        schemars(regex(pattern = r"^0x([0-9a-f]{8}|[0-9a-f]{16})$"))
    )]
    #[serde(borrow)]
    value: Cow<'a, str>,
    /// How strictly it binds.
    rule: Binding,
    /// Which baseline, CPU model or place in the spec decided it.
    #[serde(borrow)]
    from: Cow<'a, str>,
    /// Bits that are promised, where not all are: the others are run-time state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(regex(pattern = r"^0x([0-9a-f]{8}|[0-9a-f]{16})$"))
    )]
    mask: Option<Cow<'a, str>>,
    /// Fields that are not promised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    vary: Vec<Waiver>,
}

/// All the bits of a register of that many bytes.
pub const fn full_mask(bytes: usize) -> u64 {
    if bytes >= 8 {
        u64::MAX
    } else {
        (1 << (8 * bytes)) - 1
    }
}

impl Serialize for LockedRegister {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let width = 2 + 2 * self.bytes();
        let partial = self.mask != full_mask(self.bytes());
        RegisterShape {
            id: format!("{:#018x}", self.id).into(),
            name: Cow::Borrowed(&self.name),
            value: format!("{:#0width$x}", self.value).into(),
            rule: self.rule,
            from: Cow::Borrowed(&self.from),
            mask: partial.then(|| format!("{:#0width$x}", self.mask).into()),
            vary: self.vary.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LockedRegister {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = RegisterShape::deserialize(deserializer)?;
        let id = hex64::parse(&shape.id).map_err(D::Error::custom)?;
        let bytes = 1usize << ((id >> 52) & 0xf);
        if bytes != 4 && bytes != 8 {
            let name = shape.name;
            return Err(D::Error::custom(format!(
                "register `{name}` is neither 32 nor 64 bits wide"
            )));
        }
        let value = hex64::parse_digits(&shape.value, 2 * bytes).map_err(D::Error::custom)?;
        let mask = match &shape.mask {
            Some(mask) => hex64::parse_digits(mask, 2 * bytes).map_err(D::Error::custom)?,
            None => full_mask(bytes),
        };
        Ok(Self {
            id,
            name: shape.name.into_owned(),
            value,
            rule: shape.rule,
            from: shape.from.into_owned(),
            mask,
            vary: shape.vary,
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for LockedRegister {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        RegisterShape::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        RegisterShape::json_schema(generator)
    }
}

/// The interrupt controller (GICv3, Arm IHI 0069).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gic {
    /// Architecture version; 3.
    pub version: u32,
    /// Number of interrupt ids, SGIs and PPIs included (`KVM_DEV_ARM_VGIC_GRP_NR_IRQS`).
    pub interrupts: u32,
    /// Identification registers of the distributor and the redistributors, by frame and offset.
    pub registers: Vec<GicRegister>,
}

impl Gic {
    /// The value that is promised for a register, by name.
    pub fn value(&self, name: &str) -> Option<u32> {
        self.registers
            .iter()
            .find(|r| r.name == name)
            .map(|r| r.value)
    }
}

/// One GIC register, the same on every vCPU, at reset.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GicRegister {
    /// `GICD_…` or `GICR_…`; `GICD_IGROUPR.writable` and `GICR_IGROUPR0.writable` are the bits that a guest can change.
    pub name: String,
    /// 32-bit value.
    #[serde(with = "hex32")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{8}$"))
    )]
    pub value: u32,
    /// Which baseline decided it.
    pub from: String,
}

/// What firmware calls answer (SMCCC, DEN0028; PSCI, DEN0022).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hypercalls {
    /// PSCI version, e.g. `1.1`.
    pub psci: String,
    /// SMCCC version, e.g. `1.1`.
    pub smccc: String,
    /// The instruction by which the FDT tells the guest to call: `hvc`.
    pub conduit: String,
    /// Calls whose answer is the same whenever and wherever they are made.
    pub answers: Vec<Answer>,
}

/// What one call answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// The call, e.g. `PSCI_FEATURES(SYSTEM_RESET2)`.
    pub call: String,
    /// What x0 holds afterwards (further result registers carry their own entry).
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub answer: u64,
    /// Which baseline or CPU model decided it.
    pub from: String,
}

/// How time is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counters {
    /// CNTVCT_EL0 counts from the machine's creation.
    pub virtual_counter: VirtualCounter,
    /// CNTPCT_EL0.
    pub physical_counter: PhysicalCounter,
    /// What CNTVCT_EL0 does while its guest is saved in a file, where it does not stand still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub across_saves: Option<AcrossSaves>,
}

/// What a virtual counter does between a save and the restore that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AcrossSaves {
    /// It has counted all the time that the host's wall clock says has passed, and never goes back.
    GoesOn,
}

/// Policy of the virtual counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum VirtualCounter {
    /// Zero when the machine is created (KVM's default offset).
    ZeroAtCreation,
}

/// Policy of the physical counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PhysicalCounter {
    /// The host's counter, without an offset.
    Host,
}
