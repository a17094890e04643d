//! The host report: what one host's kernel and CPU can be made to show,
//! found by trying it on scratch VMs, never from a version string.
//!
//! Deterministic: no host name, no time, lists sorted, and no boot unless it is
//! asked for. The planner reads it; `vmlock-run probe` writes it.

use crate::catalogue::{Kind, register_by_id, register_by_name};
use crate::json;
use crate::lock::{full_mask, hex32, hex64, optional_hex64};
use crate::space::VCPUS_MAX;
use crate::vm::{Arch, Feature};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The format of a report that was made on its host.
pub const REPORT_VERSION: u32 = 1;
/// The format of a report that was imported ([`HostReport::imported`]): a program that knows none of these refuses one by
/// its number, and never takes it for what a host was tried for.
pub const IMPORTED_VERSION: u32 = 2;
/// Largest report that is read, in bytes.
pub const SIZE_MAX: usize = 16 << 20;

/// What one host can show.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostReport {
    /// Where an editor finds the JSON Schema of this file.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// Version of this format: 1 of what was tried on a host, 2 of what was imported.
    pub report_version: u32,
    /// What another program's file says of the host; then nothing was tried there, and all else stands empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// The boot in which it was made (`/proc/sys/kernel/random/boot_id`), for who has to know when it is old; without it
    /// a report is the same after each boot of one kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(regex(pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))
    )]
    pub boot: Option<String>,
    /// The instruction set.
    pub arch: Arch,
    /// `KVM_CHECK_EXTENSION` of every capability that bears on a guest, by name.
    pub capabilities: BTreeMap<String, i64>,
    /// Largest number of vCPUs (`KVM_CAP_MAX_VCPUS`).
    pub vcpus_max: u32,
    /// Bits of guest-physical address (`KVM_CAP_ARM_VM_IPA_SIZE`).
    pub ipa_bits: u32,
    /// Whether firmware calls can be forwarded to the runner (`KVM_ARM_VM_SMCCC_FILTER`).
    pub smccc_filter: bool,
    /// Whether PMU events can be hidden (`KVM_ARM_VCPU_PMU_V3_FILTER`).
    pub event_filter: bool,
    /// Whether vCPUs can be given a stolen-time structure (`KVM_ARM_VCPU_PVTIME_CTRL`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub stolen_time: bool,
    /// SVE vector lengths that a vCPU has unless told otherwise, in bits, ascending
    /// (`KVM_REG_ARM64_SVE_VLS`); empty where the host has no SVE for guests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vector_lengths: Vec<u32>,
    /// PSCI versions that were accepted and stuck, e.g. `1.1`.
    pub psci: Vec<String>,
    /// The interrupt controller. Without it KVM has no GICv3 for guests: no machine of a lock can be made
    /// there, so that none was looked at, and there is no view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gic: Option<GicReport>,
    /// The interrupt controllers that KVM has for guests instead of a GICv3, by name: `GICv2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_gics: Vec<String>,
    /// What a guest with a given set of vCPU features has: one view without any
    /// feature, one for each that the host offers, one for all of them.
    pub views: Vec<View>,
}

/// What another program's file says of a host: values that one guest was shown there. What its kernel can be made to show
/// nobody has tried, so that no lock is ever kept by such a report.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Imported {
    /// What it was made of, in a few words.
    pub of: String,
    /// Who saw what is in `shown`.
    pub by: Witness,
    /// What it does not tell, a line each.
    pub unknown: Vec<String>,
    /// What that guest was shown, by name, for each of its vCPUs: by default, or as its virtual machine monitor had
    /// written it.
    pub shown: Vec<BTreeMap<String, Seen>>,
}

/// Who saw what a guest was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// The guest itself, from inside.
    Guest,
    /// Its virtual machine monitor, from outside (`KVM_GET_ONE_REG`), which for a few registers is another value.
    Monitor,
}

impl Imported {
    /// A report of this, in which nothing was tried.
    pub fn report(self) -> HostReport {
        HostReport {
            schema: SCHEMA.to_owned(),
            report_version: IMPORTED_VERSION,
            imported: Some(self),
            boot: None,
            arch: Arch::Arm64,
            capabilities: BTreeMap::new(),
            vcpus_max: 0,
            ipa_bits: 0,
            smccc_filter: false,
            event_filter: false,
            stolen_time: false,
            vector_lengths: Vec::new(),
            psci: Vec::new(),
            gic: None,
            other_gics: Vec::new(),
            views: Vec::new(),
        }
    }

    /// What the vCPUs of that guest were shown under that name.
    pub fn seen(&self, name: &str) -> Reading {
        let mut reading = Reading::default();
        for (vcpu, facts) in (0..).zip(&self.shown) {
            if let Some(seen) = facts.get(name) {
                reading.add(vcpu, *seen);
            }
        }
        reading
    }

    /// All that it tells, by name, as [`Self::seen`] does of one.
    pub fn readings(&self) -> BTreeMap<&str, Reading> {
        let mut all: BTreeMap<&str, Reading> = BTreeMap::new();
        for (vcpu, facts) in (0..).zip(&self.shown) {
            for (name, seen) in facts {
                all.entry(name).or_default().add(vcpu, *seen);
            }
        }
        all
    }

    /// How many different things it tells.
    pub fn told(&self) -> usize {
        self.readings().len()
    }
}

/// Where an editor finds the JSON Schema of a report.
pub const SCHEMA: &str = "urn:vmlock:schema:host-report:v1";

/// What the in-kernel GICv3 shows and accepts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GicReport {
    /// GICD_IIDR as it is by default.
    #[serde(with = "hex32")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{8}$"))
    )]
    pub iidr: u32,
    /// What a write of each revision did.
    pub revisions: Vec<RevisionWrite>,
}

/// One attempt to change GICD_IIDR.Revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevisionWrite {
    /// The revision that was written.
    pub revision: u8,
    /// Whether the kernel returned success.
    pub accepted: bool,
    /// What GICD_IIDR held afterwards.
    #[serde(with = "hex32")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{8}$"))
    )]
    pub read_back: u32,
}

/// What a guest with these features has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "ViewShape", try_from = "ViewShape")]
pub struct View {
    /// The vCPU features, sorted.
    pub features: Vec<Feature>,
    /// Every register that `KVM_GET_REG_LIST` names, sorted by id.
    pub registers: Vec<ReportedRegister>,
    /// What a guest on two vCPUs read from inside, sorted by vCPU and name.
    pub guest: Vec<Fact>,
    /// Whether a guest looks at everything in the machine of one lock, for which alone it was made, before another guest
    /// runs there: what is not seen here is seen then. A report in a file never says so.
    pub rehearsed: bool,
}

/// What a guest with these features has.
// Of `View` in JSON: run-time state is a list of names, and what the guest read is a map for each vCPU, so that a
// report stays readable.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "View"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ViewShape {
    /// The vCPU features, sorted.
    features: Vec<Feature>,
    /// Registers of `KVM_GET_REG_LIST` that identify something, and run-time state that could not be read, sorted by id.
    registers: Vec<ReportedRegister>,
    /// Registers of `KVM_GET_REG_LIST` that are run-time state, by name.
    state: Vec<String>,
    /// What KVM says that a vCPU begins with: the value of each register of `state` in which it is not zero, and of
    /// none that is wider than 64 bits. Reports of before do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reset: Option<BTreeMap<String, Bits>>,
    /// Those of these registers of which not every bit takes another value, each with the bits that do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    settable: BTreeMap<String, Bits>,
    /// What a guest read from inside, by name, for each of its vCPUs.
    guest: Vec<BTreeMap<String, Seen>>,
}

/// Bits of a register.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
struct Bits(
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    u64,
);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for View {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        ViewShape::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ViewShape::json_schema(generator)
    }
}

impl From<View> for ViewShape {
    fn from(view: View) -> Self {
        let has = |feature: &str| view.features.iter().any(|have| have.name() == feature);
        let begins = |r: &ReportedRegister| register_by_id(r.id).is_some_and(|k| k.begins(has));
        let tells = view
            .registers
            .iter()
            .any(|r| begins(r) && r.value.is_some());
        let is_state = |r: &ReportedRegister| {
            let known =
                register_by_id(r.id).is_some_and(|k| k.name == r.name && k.kind == Kind::State);
            // What could not be read is not zero: where others are told, it says so by itself.
            let untold = tells && begins(r) && r.value.is_none();
            known && r.accepts.is_empty() && !untold
        };
        let (state, registers): (Vec<_>, Vec<_>) = view.registers.into_iter().partition(is_state);
        let told = state.iter().any(|r| r.value.is_some());
        let begun = |r: &ReportedRegister| {
            let value = r.value.filter(|value| *value != 0)?;
            Some((r.name.clone(), Bits(value)))
        };
        let partly = |r: &&ReportedRegister| r.value.is_some() && r.writable != all_of(r.id);
        let reset = told.then(|| state.iter().filter_map(begun).collect());
        let settable = state.iter().filter(partly);
        let settable = settable.map(|r| (r.name.clone(), Bits(r.writable)));
        let settable = settable.collect();
        let mut guest: Vec<BTreeMap<String, Seen>> = Vec::new();
        for fact in view.guest {
            let vcpu = fact.vcpu as usize;
            guest.resize_with(guest.len().max(vcpu + 1), BTreeMap::new);
            guest[vcpu].insert(fact.name, fact.seen);
        }
        let state = state.into_iter().map(|r| r.name).collect();
        Self {
            features: view.features,
            registers,
            state,
            reset,
            settable,
            guest,
        }
    }
}

/// All the bits of a register of at most 64 bits, by its id.
fn all_of(id: u64) -> u64 {
    full_mask(1 << (id >> 52 & 0xf))
}

impl TryFrom<ViewShape> for View {
    type Error = String;

    fn try_from(shape: ViewShape) -> Result<Self, String> {
        let ascending = shape.features.is_sorted_by(|a, b| a < b);
        if !ascending || !shape.features.iter().all(|f| f.has_view()) {
            let names: Vec<&str> = shape.features.iter().map(|f| f.name()).collect();
            return Err(format!(
                "the features of a view are out of order, doubled or none that a view is of: {}",
                names.join(", ")
            ));
        }
        let mut registers = shape.registers;
        let has = |feature: &str| shape.features.iter().any(|have| have.name() == feature);
        let state: BTreeSet<&String> = shape.state.iter().collect();
        let begun = |name: &String| {
            let begins = register_by_name(name).is_some_and(|info| info.begins(has));
            begins && shape.reset.is_some() && state.contains(name)
        };
        let told = shape
            .reset
            .iter()
            .flatten()
            .map(|(name, _)| ("reset", name));
        let settable = shape.settable.keys().map(|name| ("settable", name));
        if let Some((list, name)) = told.chain(settable).find(|(_, name)| !begun(name)) {
            return Err(format!(
                "`{name}` of `{list}` is no register of `state` of which can be said what a vCPU begins with"
            ));
        }
        for name in shape.state {
            let known = register_by_name(&name).filter(|k| k.kind == Kind::State);
            let info =
                known.ok_or_else(|| format!("`{name}` is no run-time state that is known"))?;
            let id = info.id;
            let begins = info.begins(has);
            let told = shape.reset.as_ref().filter(|_| begins);
            let value = told.map(|reset| reset.get(&name).map_or(0, |bits| bits.0));
            let settable = shape.settable.get(&name).map(|bits| bits.0);
            registers.push(ReportedRegister {
                id,
                value,
                writable: value.map_or(0, |_| settable.unwrap_or(all_of(id))),
                name,
                accepts: BTreeMap::new(),
                honoured: BTreeMap::new(),
            });
        }
        registers.sort_by_key(|r| r.id);
        if let Some(pair) = registers.windows(2).find(|pair| pair[0].id == pair[1].id) {
            let name = pair[1].name.escape_debug();
            return Err(format!("the register `{name}` stands twice"));
        }
        let facts = |(vcpu, map): (u32, BTreeMap<String, Seen>)| {
            map.into_iter()
                .map(move |(name, seen)| Fact { vcpu, name, seen })
        };
        let guest = (0..).zip(shape.guest).flat_map(facts).collect();
        Ok(Self {
            features: shape.features,
            registers,
            guest,
            rehearsed: false,
        })
    }
}

/// One register of `KVM_GET_REG_LIST`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportedRegister {
    /// KVM register id.
    #[serde(with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub id: u64,
    /// The architecture's name, or `unknown`.
    pub name: String,
    /// Its value on vCPU 0 before the first run; absent for state that is wider than 64 bits.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "optional_hex64"
    )]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<String>", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub value: Option<u64>,
    /// Bits that were flipped, accepted and read back flipped. Only for
    /// registers without ordered fields (CLIDR_EL1, CCSIDR_EL1, bitmaps, …).
    /// For MIDR_EL1, REVIDR_EL1 and AIDR_EL1 in a VM with
    /// `KVM_CAP_ARM_WRITABLE_IMP_ID_REGS`, where the host has it.
    #[serde(default, skip_serializing_if = "is_zero", with = "hex64")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = r"^0x[0-9a-f]{16}$"))
    )]
    pub writable: u64,
    /// For each field of an ID register every value that was accepted and stuck,
    /// the default included; a field with only its default is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accepts: BTreeMap<String, Vec<u64>>,
    /// Only of a register of which a guest reads something else than `value` by default (CTR_EL0 on CPUs with
    /// FEAT_EVT): fields that were changed to these values, all at once. A guest then read exactly what was written,
    /// and what `value` has in every other bit; so it does as soon as one of them is changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub honoured: BTreeMap<String, u64>,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// One thing that a guest read from inside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fact {
    /// Index of the vCPU that read it.
    pub vcpu: u32,
    /// Its name, e.g. `ID_AA64PFR0_EL1`, `GICD_IIDR`, `PSCI_FEATURES(SYSTEM_OFF)`.
    pub name: String,
    /// What it read.
    pub seen: Seen,
}

/// The outcome of one read or call by the guest. In JSON a text: the value in
/// hex, `undefined`, `abort`, or `trapped 0x18` with ESR_EL1.EC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Seen {
    /// A value.
    Value(u64),
    /// An undefined instruction (ESR_EL1.EC = 0x00).
    Undefined,
    /// Another exception, with ESR_EL1.EC.
    Trapped(u8),
    /// An external abort.
    Abort,
}

/// In words, for people.
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Value(value) => write!(f, "{value:#x}"),
            Seen::Undefined => f.write_str("an undefined instruction"),
            Seen::Trapped(class) => write!(f, "an exception of class {class:#04x}"),
            Seen::Abort => f.write_str("an external abort"),
        }
    }
}

impl From<Seen> for String {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Value(value) => format!("{value:#018x}"),
            Seen::Undefined => "undefined".to_owned(),
            Seen::Trapped(class) => format!("trapped {class:#04x}"),
            Seen::Abort => "abort".to_owned(),
        }
    }
}

impl TryFrom<String> for Seen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "undefined" => Ok(Seen::Undefined),
            "abort" => Ok(Seen::Abort),
            _ => match text.strip_prefix("trapped ") {
                Some(class) => hex64::parse_digits(class, 2).map(|c| Seen::Trapped(c as u8)),
                None => hex64::parse(&text).map(Seen::Value),
            },
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Seen {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Seen".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What a guest read: the value in hex, `undefined`, `abort`, or `trapped` with the exception class.",
            "type": "string",
            "pattern": "^(0x[0-9a-f]{16}|undefined|abort|trapped 0x[0-9a-f]{2})$"
        })
    }
}

impl View {
    /// How many vCPUs its guest had.
    pub fn vcpus(&self) -> u32 {
        let last = self.guest.iter().map(|fact| fact.vcpu).max();
        last.map_or(0, |last| last.saturating_add(1))
    }

    /// The register with that id.
    pub fn register(&self, id: u64) -> Option<&ReportedRegister> {
        let at = self.registers.binary_search_by_key(&id, |r| r.id).ok()?;
        Some(&self.registers[at])
    }
    /// What the vCPUs of the probe's guest read under that name.
    pub fn seen(&self, name: &str) -> Reading {
        Reading::of(self.guest.iter().filter(|f| f.name == name))
    }
}

/// What the vCPUs of one guest read under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reading {
    /// No vCPU read it.
    #[default]
    Unseen,
    /// All vCPUs that read it read the same, the first of them with that index.
    Alike(u32, Seen),
    /// They disagree: each different reading with the first vCPU that had it.
    Apart(Vec<(u32, Seen)>),
}

impl Reading {
    /// Of facts under one name.
    pub(crate) fn of<'a>(facts: impl Iterator<Item = &'a Fact>) -> Self {
        let mut reading = Self::default();
        facts.for_each(|fact| reading.add(fact.vcpu, fact.seen));
        reading
    }

    fn add(&mut self, of: u32, new: Seen) {
        match self {
            Reading::Unseen => *self = Reading::Alike(of, new),
            Reading::Alike(_, seen) if *seen == new => {}
            Reading::Alike(vcpu, seen) => *self = Reading::Apart(vec![(*vcpu, *seen), (of, new)]),
            Reading::Apart(all) if all.iter().any(|(_, seen)| *seen == new) => {}
            Reading::Apart(all) => all.push((of, new)),
        }
    }

    /// The value that all vCPUs read; `None` where they disagree, took an exception or did not read it.
    pub fn value(&self) -> Option<u64> {
        match self {
            Reading::Alike(_, Seen::Value(value)) => Some(*value),
            _ => None,
        }
    }
}

impl HostReport {
    /// Whether a vCPU can have that feature, by itself.
    pub fn offers(&self, feature: Feature) -> bool {
        match feature {
            Feature::StealTime => self.stolen_time,
            _ => self.views.iter().any(|v| v.features.contains(&feature)),
        }
    }

    /// The view of exactly these (sorted) features; those that change no register have none of their own.
    pub fn view(&self, features: &[Feature]) -> Option<&View> {
        let (seen, unseen): (Vec<Feature>, Vec<Feature>) =
            features.iter().partition(|f| f.has_view());
        if !unseen.iter().all(|f| self.offers(*f)) {
            return None;
        }
        self.views.iter().find(|v| v.features == seen)
    }
}

impl HostReport {
    /// The same without its boot: what two boots of one kernel on one host share.
    pub fn without_boot(&self) -> Self {
        Self {
            boot: None,
            ..self.clone()
        }
    }
}

/// The canonical bytes of a report.
pub fn write(report: &HostReport) -> String {
    // Serialising plain structs with string keys cannot fail.
    let mut text = serde_json::to_string_pretty(report).expect("a report is always representable");
    text.push('\n');
    text
}

/// Why a text is no host report that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportError {
    /// It is not JSON, lacks something, or has something that no report has.
    Malformed {
        /// Line number, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the reader met there.
        message: String,
    },
    /// It was made by a newer vmlock.
    Newer {
        /// The `reportVersion` that it says.
        version: u32,
    },
    /// It is too large, or contradicts itself: why.
    Unusable(String),
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReportError::Malformed {
                line,
                column,
                message,
            } => write!(
                f,
                "this host report cannot be read: {message} at line {line} column {column}"
            ),
            ReportError::Newer { version } => write!(
                f,
                "reportVersion {version} is newer than this program's {IMPORTED_VERSION}: use a newer vmlock"
            ),
            ReportError::Unusable(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for ReportError {}

/// Reads a report.
///
/// # Errors
/// Words for people: too large, newer than this program, or not a report.
pub fn parse(text: &str) -> Result<HostReport, String> {
    read(text).map_err(|error| error.to_string())
}

/// Reads a report, and says where it is none.
///
/// Of one that was imported it asks more than its types do: version 2, no trial in it, from 1 vCPU to as many as a machine can
/// have. Serde alone does not; even so no lock is kept by such a report, since a plan looks at `imported` first.
///
/// # Errors
/// [`ReportError`] says what and where.
pub fn read(text: &str) -> Result<HostReport, ReportError> {
    use ReportError::Unusable;
    if text.len() > SIZE_MAX {
        let words = format!("the report is larger than {} MiB", SIZE_MAX >> 20);
        return Err(Unusable(words));
    }
    let malformed = |e: serde_json::Error| ReportError::Malformed {
        line: e.line(),
        column: e.column(),
        message: json::words(&e),
    };
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        report_version: u32,
    }
    let head: Head = json::from_str(text).map_err(malformed)?;
    if head.report_version > IMPORTED_VERSION {
        let version = head.report_version;
        return Err(ReportError::Newer { version });
    }
    let report: HostReport = json::from_str(text).map_err(malformed)?;
    if let Some(boot) = report.boot.as_deref().filter(|boot| !is_boot(boot)) {
        return Err(Unusable(format!(
            "this host report cannot be read: `{}` is no boot's identifier",
            boot.escape_debug()
        )));
    }
    let says_imported = head.report_version == IMPORTED_VERSION;
    if report.imported.is_some() != says_imported {
        return Err(Unusable(format!(
            "this host report cannot be read: reportVersion {IMPORTED_VERSION} is of reports that were imported, and of no other"
        )));
    }
    if let Some(imported) = &report.imported
        && !(1..=VCPUS_MAX as usize).contains(&imported.shown.len())
    {
        return Err(Unusable(format!(
            "this host report cannot be read: `shown` is of {} vCPUs, and a guest has from 1 to {VCPUS_MAX}",
            imported.shown.len()
        )));
    }
    // Nobody has tried anything there: what says otherwise was put together by hand.
    let bare = |imported: &Imported| imported.clone().report();
    if let Some(imported) = &report.imported
        && (HostReport {
            schema: SCHEMA.to_owned(),
            ..report.clone()
        }) != bare(imported)
    {
        let words = "this host report cannot be read: it was imported, and says what only a trial on the host can";
        return Err(Unusable(words.to_owned()));
    }
    let mut known = BTreeSet::new();
    match report.views.iter().find(|v| !known.insert(&v.features)) {
        None => Ok(report),
        Some(twice) => {
            let names: Vec<&str> = twice.features.iter().map(|f| f.name()).collect();
            Err(Unusable(format!(
                "this host report cannot be read: the view of `{}` stands twice",
                names.join(", ")
            )))
        }
    }
}

/// Whether a text is the identifier of a boot, as Linux writes it: 32 hex digits in groups of 8, 4, 4, 4 and 12.
pub fn is_boot(text: &str) -> bool {
    let hex = |group: &str| {
        group
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.split('-').all(hex)
}
