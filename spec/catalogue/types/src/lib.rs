//! What the catalogue says, as types: registers and their fields, baselines
//! (what a kernel shows) and CPU models (what silicon says).
//!
//! A crate without dependencies, for two who must not meet: `vmlock-catalogue-reader`
//! makes these values out of KDL, and `vmlock-spec` holds them as constant tables
//! and has no KDL. Text is `Cow`, because the same types hold the built-in tables
//! (borrowed) and a user's imported files (owned).

pub mod vmm;

use std::borrow::Cow;

/// The newest version of the lock's format: what an entry of the catalogue was for older ones is kept beside it.
pub const LOCK_VERSION: u32 = 3;

/// Text that is either compiled in or read from a user's file.
pub type Text = Cow<'static, str>;
/// A list that is either compiled in or read from a user's file.
pub type List<T> = Cow<'static, [T]>;

/// How a field's value may differ from the host's without harm to a guest,
/// in the sense of the kernel's `enum ftr_type` (arch/arm64/include/asm/cpufeature.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// Showing a guest a lower value than the host's is safe (`FTR_LOWER_SAFE`).
    Lower,
    /// Showing a higher value is safe (`FTR_HIGHER_SAFE`).
    Higher,
    /// Higher is safe, and zero safest of all (`FTR_HIGHER_OR_ZERO_SAFE`).
    HigherOrZero,
    /// No other value is compatible (`FTR_EXACT`).
    Exact,
    /// Any value may be written; the meaning is not ordered.
    Free,
}

/// What sort of thing a register is. It decides where the lock, the plan and
/// the witness treat it, and nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// ID registers: op0=3, op1=0, CRn=0, CRm=1..7.
    Id,
    /// MIDR_EL1, MPIDR_EL1, REVIDR_EL1, AIDR_EL1.
    Identification,
    /// CTR_EL0, CLIDR_EL1, CCSIDR_EL1, DCZID_EL0.
    Cache,
    /// Performance monitor identification (PMCR_EL0, PMCEIDn_EL0, PMMIR_EL1).
    Pmu,
    /// Timer identification (CNTFRQ_EL0).
    Timer,
    /// GIC CPU interface identification (ICC_CTLR_EL1).
    Gic,
    /// KVM's firmware pseudo-registers.
    Firmware,
    /// Debug identification (OSLSR_EL1).
    Debug,
    /// Run-time state, which belongs to a running guest and is no promise.
    State,
}

/// A named bit range of a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The architecture's name of the field, e.g. `CSV3`.
    pub name: Text,
    /// Most significant bit.
    pub high: u8,
    /// Least significant bit.
    pub low: u8,
    /// Which other values are compatible.
    pub rule: Rule,
    /// Two's complement: 0xf is "not implemented", 0 the first version.
    pub signed: bool,
}

impl Field {
    /// The bits that the field occupies, in place.
    pub const fn mask(&self) -> u64 {
        (u64::MAX >> (63 - (self.high - self.low))) << self.low
    }
    /// The field's value out of a whole register.
    pub const fn get(&self, register: u64) -> u64 {
        (register & self.mask()) >> self.low
    }
    /// `register` with the field replaced; bits of `value` beyond the field are dropped.
    pub const fn put(&self, register: u64, value: u64) -> u64 {
        (register & !self.mask()) | ((value << self.low) & self.mask())
    }
    /// The value that says "not implemented": all ones where signed, else zero.
    pub const fn none(&self) -> u64 {
        if self.signed {
            self.mask() >> self.low
        } else {
            0
        }
    }
    /// The largest value that fits.
    pub const fn max(&self) -> u64 {
        self.mask() >> self.low
    }
    /// The order in which "lower" and "higher" are meant: signed fields sort
    /// their all-ones value below zero.
    pub const fn order(&self, value: u64) -> i64 {
        let bits = self.high - self.low + 1;
        if self.signed && bits < 64 && value >> (bits - 1) & 1 == 1 {
            value as i64 - (1i64 << bits)
        } else {
            value as i64
        }
    }
}

/// One register that KVM or the architecture shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterInfo {
    /// KVM register id (`KVM_REG_ARM64 | size | ...`, Documentation/virt/kvm/api.rst
    /// section 4.68). System registers that KVM does not list have the id that
    /// their encoding would have.
    pub id: u64,
    /// The architecture's name, or `S3_0_C0_Cm_op2` where none is allocated.
    pub name: Text,
    /// What sort of register it is.
    pub kind: Kind,
    /// One line for people.
    pub title: Text,
    /// Where the facts come from.
    pub source: Text,
    /// Its named fields; a bit of an ID register outside all of them is RES0.
    pub fields: List<Field>,
    /// `REGISTER.FIELD` without which the register does not exist for a guest.
    pub gate: Option<Text>,
    /// The vCPU feature without which the register does not exist.
    pub feature: Option<Text>,
    /// The value that makes the register invisible to a guest whose lock does
    /// not know it.
    pub neutral: Option<u64>,
    /// How a guest names it in MRS: op0 in bits 15:14, op1 13:11, CRn 10:7,
    /// CRm 6:3, op2 2:0. `None` for what is no system register.
    pub encoding: Option<u16>,
    /// `KVM_GET_ONE_REG` does not serve it: only a guest can read it.
    pub guest_only: bool,
    /// What a vCPU begins with in it; only for run-time state.
    pub reset: u64,
    /// Bits in which `KVM_GET_ONE_REG` says what a guest reads; only for run-time state.
    pub told: u64,
    /// Why a lock does not say what a vCPU begins with in it; only for run-time state.
    pub unsaid: Option<Text>,
    /// Why a saved guest's vCPU does not have it, although it is run-time state or has some.
    pub unsaved: Option<Text>,
    /// The register whose bits it clears, where it has the same ones.
    pub clears: Option<Text>,
    /// Where some kernels keep it to themselves (they do not list it): the bits in which a guest that left it alone has
    /// nothing but zeros.
    pub untold: Option<u64>,
    /// The first version of the lock that knows the register: older locks treat it as unknown.
    pub since: u32,
    /// Names that older locks have for it, each with the last version of the lock that uses it.
    pub aliases: List<(Text, u32)>,
}

impl RegisterInfo {
    /// Its name in a lock of that version.
    pub fn name_in(&self, version: u32) -> &str {
        let mut aliases = self.aliases.iter().filter(|(_, until)| version <= *until);
        aliases.next().map_or(&self.name, |(name, _)| name)
    }
    /// CSSELR_EL1 value that selects it, for `CCSIDR_EL1[n]`, which KVM serves
    /// as `KVM_REG_ARM_DEMUX` registers.
    pub const fn csselr(&self) -> Option<u8> {
        if self.id >> 16 & 0xfff == 0x11 {
            Some(self.id as u8)
        } else {
            None
        }
    }
    /// Bits that a lock promises: all of the register's width but run-time state.
    pub fn promised(&self) -> u64 {
        let all = match self.id >> 52 & 0xf {
            bytes @ 0..3 => (1 << (8 << bytes)) - 1,
            _ => u64::MAX,
        };
        let free = self.fields.iter().filter(|f| f.rule == Rule::Free);
        free.fold(all, |bits, field| bits & !field.mask())
    }
    /// Whether it is state of which can be said what a vCPU with these features begins with, in 64 bits.
    pub fn begins(&self, has: impl Fn(&str) -> bool) -> bool {
        let there = self.feature.as_deref().is_none_or(has);
        self.kind == Kind::State && self.unsaid.is_none() && self.id >> 52 & 0xf <= 3 && there
    }
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }
}

/// What a statement of a baseline does with a field (or a whole register).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The guest sees what the silicon says.
    Show,
    /// The guest sees "not implemented".
    Hide,
    /// The silicon's value, at most this.
    Cap(u64),
    /// Always this value.
    Force(u64),
}

/// How cache geometry is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePolicy {
    /// The silicon's CLIDR_EL1 and CCSIDR_EL1 (up to 6.2).
    Silicon,
    /// The hierarchy that KVM makes up from CTR_EL0 (arch/arm64/kvm/sys_regs.c
    /// `reset_clidr`, 6.3 and later).
    Fabricated,
    /// The CPU model's hierarchy, in the form in which KVM takes it (arch/arm64/kvm/sys_regs.c
    /// `set_clidr`, `set_ccsidr`, 6.3 and later): without FEAT_CCIDX, bits 31:28 of CCSIDR_EL1 zero.
    Model,
}

/// What one statement of a baseline is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `REGISTER.FIELD`, or `REGISTER` for all of it.
    Field(Text, Act),
    /// CLIDR_EL1 and CCSIDR_EL1.
    Cache(CachePolicy),
    /// PMCEID0_EL0 or PMCEID1_EL0: the silicon's bits, and-ed and or-ed.
    Events {
        /// `PMCEID0_EL0` or `PMCEID1_EL0`.
        register: Text,
        /// Bits that are passed on.
        and: u64,
        /// Bits that are always set.
        or: u64,
    },
    /// PSCI version, `(major << 16) | minor` (DEN0022 section 5.1.1).
    Psci(u32),
    /// GICD_IIDR.Revision (arch/arm64/kvm/vgic/vgic.h `KVM_VGIC_IMP_REV_n`).
    IidrRevision(u8),
    /// Whether SMC #0 is a firmware conduit as HVC #0 is; else it answers -1.
    Smc(bool),
    /// A hypercall bitmap register; `None` where the kernel has none and offers nothing.
    Bitmap(Text, Option<u64>),
}

impl Subject {
    /// What it is about, by the word that `unknown` in a baseline has for it.
    pub fn topic(&self) -> &str {
        match self {
            Self::Field(name, _) | Self::Bitmap(name, _) | Self::Events { register: name, .. } => {
                name
            }
            Self::Cache(_) => "cache",
            Self::Psci(_) => "psci",
            Self::IidrRevision(_) => "gic-iidr-revision",
            Self::Smc(_) => "smc",
        }
    }
}

/// One statement of a baseline, with where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it says.
    pub subject: Subject,
    /// All of these must hold: a vCPU feature, `!feature`, or a fact of the CPU model.
    pub when: List<Text>,
    /// Kernel file and version, Arm document, or measurement.
    pub source: Text,
    /// The last whole baseline known *not* to be so, where those between it and
    /// the one that makes the statement were not seen.
    pub unsure_after: Option<Text>,
    /// The first version of the lock that has the fact: older locks are made without the statement.
    pub since: u32,
}

/// A kernel that a distribution ships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The distribution's package.
    pub package: Text,
    /// That package's version.
    pub version: Text,
    /// The series under which hosts with this kernel are recorded (`spec/catalogue/hosts/`); `None` where none is.
    pub recorded: Option<Text>,
}

/// A named, immutable statement about what a guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// E.g. `kvm-6.8`.
    pub name: Text,
    /// One line for people.
    pub title: Text,
    /// The whole baseline from which this one is the difference.
    pub after: Option<Text>,
    /// `None` for a whole baseline, else the part it speaks of.
    pub part: Option<Text>,
    /// The statements, in file order; a later one about the same thing wins.
    pub statements: List<Statement>,
    /// Stable point releases known to differ: version, and how.
    pub stable: List<(Text, Text)>,
    /// The distribution's kernel that it describes; `None` where it is a mainline release, a part, or does not say.
    pub kernel: Option<Kernel>,
    /// The CPU models on which that kernel was measured: of any other CPU nothing is known, and no lock comes of it. Empty
    /// where its source was read.
    pub measured_on: List<Text>,
    /// One of the [`CpuModel::digests`] of that model, where it is a user's: its file can come to describe another CPU. No
    /// name of our own catalogue can.
    pub measured_as: Option<Text>,
    /// What nobody has measured of that kernel: a topic of [`Subject::topic`], or a vCPU feature. It decides what makes no
    /// lock, as that of a CPU model does: no part of the digests.
    pub unknown: List<Unknown>,
    /// For each version of the lock, from 1 on, `sha256-` and 64 hex digits over what the statements mean that this
    /// version knows, without their sources.
    pub digests: List<Text>,
}

impl Baseline {
    /// Whether it describes one kernel of a distribution, and no release of mainline's.
    pub fn is_of_distribution(&self) -> bool {
        self.kernel.is_some() || !self.measured_on.is_empty()
    }
}

/// A value of the silicon, with where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiliconValue {
    /// Register name; for CCSIDR_EL1 `CCSIDR_EL1[n]`, n being CSSELR_EL1.
    pub register: Text,
    /// Its raw value.
    pub value: u64,
    /// Manual or measurement.
    pub source: Text,
}

/// What nobody has read of the silicon or its firmware, with why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// `REGISTER.FIELD`, or `REGISTER` for all of it; of a CPU also `unaffected:NAME`, whether it has that vulnerability.
    pub path: Text,
    /// Who hides it, or who has not looked.
    pub source: Text,
}

/// What is known of one register of the silicon: each of its bits is 0, 1 or unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silicon {
    /// The register as far as it is known; unknown bits are 0 here.
    pub value: u64,
    /// The bits of which nobody knows.
    pub unknown: u64,
}

impl Silicon {
    /// A field's value; `None` where a bit of it is unknown.
    pub const fn get(&self, field: &Field) -> Option<u64> {
        match self.known(field.mask()) {
            Some(value) => Some(field.get(value)),
            None => None,
        }
    }

    /// What it has in those bits; `None` where one of them is unknown.
    pub const fn known(&self, bits: u64) -> Option<u64> {
        match self.unknown & bits {
            0 => Some(self.value & bits),
            _ => None,
        }
    }
}

/// What one CPU's silicon and firmware say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuModel {
    /// E.g. `neoverse-n1`.
    pub name: Text,
    /// One line for people.
    pub title: Text,
    /// Raw registers; one that is named neither here nor in `unknown` reads as zero, but for a few of a user's own model
    /// that only silicon decides: these are unknown.
    pub registers: List<SiliconValue>,
    /// Things that silicon and firmware decide and no kernel can change:
    /// workaround levels, CNTFRQ_EL0, ICC_CTLR_EL1.
    pub facts: List<SiliconValue>,
    /// Vulnerabilities that the CPU does not have, as conditions for baselines
    /// (`meltdown` stands for the condition `unaffected:meltdown`).
    pub unaffected: List<Text>,
    /// SVE vector lengths of the silicon, in bits, ascending; empty where the model does not say.
    /// They decide what makes no lock, and nothing of what stands in one: no part of the digests.
    pub vector_lengths: List<u32>,
    /// What nobody knows of it. It decides what makes no lock, as the vector lengths do: no part of the digests.
    pub unknown: List<Unknown>,
    /// For each version of the lock, from 1 on, `sha256-` and 64 hex digits over what the model says, without its
    /// sources.
    pub digests: List<Text>,
}

impl CpuModel {
    /// The emulator that it was read from, as the source of its MIDR_EL1 says: `QEMU 7.2` say, or [`Self::EMULATED`] where
    /// that host does not tell its name; `None` of silicon's.
    pub fn emulator(&self) -> Option<&str> {
        let midr = self.registers.iter().find(|v| v.register == "MIDR_EL1")?;
        if let Some(host) = midr.source.get(..Self::EMULATED.len())
            && host == Self::EMULATED
        {
            return Some(host);
        }
        let version = midr
            .source
            .strip_prefix("QEMU ")?
            .split([' ', ','])
            .next()?;
        midr.source.get(.."QEMU ".len() + version.len())
    }

    /// With what the source of a value begins that was read on a host which is no machine's.
    pub const EMULATED: &str = "an emulated host";

    /// What is known of a register, be it silicon's or firmware's.
    pub fn silicon(&self, register: &RegisterInfo) -> Silicon {
        let mut values = self.registers.iter().chain(self.facts.iter());
        let value = values.find(|v| v.register == register.name);
        let unknown = self.unknown.iter().fold(0, |bits, entry| {
            match entry.path.strip_prefix(register.name.as_ref()) {
                Some("") => u64::MAX,
                Some(rest) => {
                    let field = rest.strip_prefix('.').and_then(|name| register.field(name));
                    bits | field.map_or(0, Field::mask)
                }
                None => bits,
            }
        });
        Silicon {
            value: value.map_or(0, |v| v.value) & !unknown,
            unknown,
        }
    }
}

/// A feature by the name that Linux has for it (a hwcap, as in /proc/cpuinfo).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hwcap {
    /// E.g. `crc32`.
    pub name: Text,
    /// The fields of ID registers that announce it. None where no register does, and where it is `feature` itself.
    pub fields: List<Announcement>,
    /// The vCPU feature without which no guest has it; `sme` is one that no spec can name.
    pub feature: Option<Text>,
    /// Why no lock could hide it, where none could.
    pub why: Option<Text>,
    /// Where that was read.
    pub source: Text,
}

/// One field that announces a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// `REGISTER.FIELD`.
    pub path: Text,
    /// The lowest value that announces it.
    pub from: u64,
    /// The highest value that does not, where that is not the field's [`Field::none`].
    pub otherwise: Option<u64>,
}

impl Announcement {
    /// The highest value of the field that does not announce the feature.
    pub fn without(&self, field: &Field) -> u64 {
        self.otherwise.unwrap_or_else(|| field.none())
    }
}

/// Values of ID registers that hang together. A condition in it is `REGISTER.FIELD>=n`,
/// `REGISTER.FIELD>=REGISTER.FIELD`, or one that statements know too: a vCPU feature, or a fact of the CPU model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Where it must hold; `None` everywhere.
    pub given: Option<Text>,
    /// Conditions of which one must hold.
    pub one_of: List<Text>,
    /// Why, for people.
    pub why: Text,
    /// Where that was read.
    pub source: Text,
    /// Whether software works without it all the same, as no CPU is but a guest may be.
    pub lint: bool,
}
