//! What every vCPU begins with, at boot and after CPU_ON: which registers a lock speaks of, and what it says.
//!
//! A lock names those that are not zero ([`crate::lock::ResetValue`]); the others of the catalogue's run-time state are
//! owed as zero. What the guest is given (x0, PC), what no guest can read and what hardware holds as it likes is
//! `unsaid`, with the reason, in the catalogue. Version 1 of the lock says nothing of all this.

use super::{Lock, ResetValue, full_mask, v1};
use crate::catalogue::{Kind, REGISTERS, RegisterInfo, field};
use crate::observation::wire;
use crate::vm::Feature;
use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// One register, as every vCPU begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The register.
    pub info: &'static RegisterInfo,
    /// What it holds; zero where it is wider than 64 bits.
    pub value: u64,
    /// The bits that are promised.
    pub mask: u64,
    /// Those of them in which `KVM_GET_ONE_REG` says what a guest reads; none where it is only seen from inside.
    pub told: u64,
}

/// By the register's id, which stands for all that there is to know of it.
impl Hash for Begun {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.info.id, self.value, self.mask, self.told).hash(state);
    }
}

impl Begun {
    /// Whether it has at most 64 bits.
    pub const fn is_narrow(&self) -> bool {
        self.info.id >> 52 & 0xf <= 3
    }

    /// How an entry of a plan, a refusal or a promise names it.
    pub fn name(&self) -> String {
        at_entry(&self.info.name)
    }

    /// The key of the witness's fact that tells of it, if one does.
    pub fn fact(&self) -> Option<u64> {
        if let Some(id) = seen_at_entry(self.info) {
            return Some(wire::key(wire::Kind::Entry, id));
        }
        let name = self.info.name.as_ref();
        // The witness reads these before it touches them.
        let pmu = self.info.feature.as_deref() == Some("pmu");
        let untouched =
            pmu || name == "ZCR_EL1" || name.starts_with("DBGB") || name.starts_with("DBGW");
        let read = |encoding: u16| wire::key(wire::Kind::SystemRegister, encoding.into());
        self.info.encoding.filter(|_| untouched).map(read)
    }

    /// Whether a vCPU that was off begins with it, too.
    pub fn returns(&self) -> bool {
        !LEFT.contains(&self.info.name.as_ref())
    }

    /// Who decided it.
    pub fn from(&self, lock: &Lock) -> String {
        self.of_model(&lock.cpu.model)
    }

    /// The same of a lock for that CPU model.
    pub(crate) fn of_model(&self, model: &str) -> String {
        match self.info.name.as_ref() {
            ACTLR => format!("cpu/{model}"),
            _ => "the architecture and KVM".to_owned(),
        }
    }
}

/// The register that is the host's own: guests read it, their writes are ignored
/// (arch/arm64/kvm/sys_regs.c `access_actlr`, 5.10 to 7.3).
pub const ACTLR: &str = "ACTLR_EL1";

/// A register's name, when a vCPU begins.
fn at_entry(name: &str) -> String {
    format!("{name} at entry")
}

/// Where the witness tells what it was before anything else was done, if it does: the record's id.
fn seen_at_entry(info: &RegisterInfo) -> Option<u64> {
    let id = match info.encoding {
        Some(encoding) => wire::entry::SYSTEM | u64::from(encoding),
        None if info.name == "PSTATE" => wire::entry::PSTATE,
        None => number(&info.name, "X")?,
    };
    let mut ids = wire::entry::WORDS.iter().chain(&wire::entry::READ);
    ids.any(|seen| *seen == id).then_some(id)
}

/// Registers that KVM leaves as the guest left them when it starts a vCPU once more (arch/arm64/kvm/reset.c
/// `kvm_reset_vcpu`, 5.10 to 7.3: `sys_reg_descs` has no reset for them, and arch_timer.c `kvm_timer_vcpu_reset` turns
/// the timers off and leaves their compare values).
const LEFT: [&str; 5] = [
    "SP_EL1",
    "ELR_EL1",
    "SPSR_EL1",
    "CNTP_CVAL_EL0",
    "CNTV_CVAL_EL0",
];

/// What all of V0 to V31 begin with, as a fact of the witness.
pub const VECTORS_FACT: u64 = wire::key(wire::Kind::Entry, wire::entry::VECTORS);

/// The line of a lock that speaks of a register: those of the PMU's counters, which begin alike, have one together, named
/// as the Arm ARM names them.
pub fn line_name(info: &RegisterInfo) -> Cow<'_, str> {
    for (prefix, name) in COUNTERS {
        if info.name.starts_with(prefix) {
            return Cow::Borrowed(name);
        }
    }
    Cow::Borrowed(&info.name)
}

const COUNTERS: [(&str, &str); 2] = [
    ("PMEVCNTR", "PMEVCNTR<n>_EL0"),
    ("PMEVTYPER", "PMEVTYPER<n>_EL0"),
];

/// Every register of which the lock says what a vCPU begins with, by id.
pub fn begun(lock: &Lock) -> Vec<Begun> {
    let owed = owed(lock);
    owed.map(|info| {
        let line = lock.reset.iter().find(|line| line.name == line_name(info));
        let mask = promised(lock, info);
        Begun {
            info,
            value: line.map_or(0, |line| line.value),
            mask,
            told: mask & told(lock, info),
        }
    })
    .collect()
}

/// The lines of a lock whose other parts are complete; `actlr` is what the CPU has in ACTLR_EL1.
pub fn lines(lock: &Lock, actlr: u64) -> Vec<ResetValue> {
    let mut lines: Vec<ResetValue> = Vec::new();
    for info in owed(lock) {
        let value = match info.name.as_ref() {
            ACTLR => actlr,
            _ if per_counter(info) => info.reset & told(lock, info),
            _ => info.reset & promised(lock, info),
        };
        let name = line_name(info);
        if (value != 0 || name == ACTLR) && lines.iter().all(|line| line.name != name) {
            let name = name.into_owned();
            lines.push(ResetValue { name, value });
        }
    }
    lines
}

/// Checks the lines of a lock that was read.
///
/// # Errors
/// The first that is none, or not where it belongs.
pub(crate) fn consistent(lock: &Lock) -> Result<(), String> {
    let mut places = owed(lock);
    let mut last = None;
    for line in &lock.reset {
        let name = line.name.escape_debug();
        // Registers that have a line together stand side by side.
        let twice = last.replace(&line.name) == Some(&line.name);
        let Some(info) = places.find(|info| !twice && line_name(info) == line.name) else {
            return Err(format!(
                "`{name}` of `reset` is no register of a vCPU's state, out of order or doubled"
            ));
        };
        if line.value & !promised(lock, info) != 0 || line.value == 0 && line.name != ACTLR {
            return Err(format!(
                "`{name}` of `reset` holds nothing, or bits that are not promised"
            ));
        }
    }
    if lock.lock_version != v1::VERSION && lock.reset.iter().all(|line| line.name != ACTLR) {
        return Err(format!("`reset` says nothing of {ACTLR}"));
    }
    Ok(())
}

/// Registers of which the lock speaks, by id.
fn owed(lock: &Lock) -> impl Iterator<Item = &'static RegisterInfo> {
    let state = REGISTERS
        .iter()
        .filter(|info| info.kind == Kind::State && info.unsaid.is_none());
    state.filter(move |info| {
        let feature = info.feature.as_deref();
        let counter = || {
            let mut counters = COUNTERS.iter();
            counters.find_map(|(prefix, _)| number(&info.name, prefix))
        };
        lock.lock_version != v1::VERSION
            && info.since <= lock.lock_version
            && feature.is_none_or(|f| lock.features.iter().any(|have| have.name() == f))
            && info.gate.as_deref().is_none_or(|gate| shows(lock, gate))
            && counter().is_none_or(|n| counters(lock).is_some_and(|count| n < count))
            && !(lock.features.contains(&Feature::Sve) && number(&info.name, "V").is_some())
    })
}

/// `n` of `PREFIX<n>` or `PREFIX<n>_EL…`.
fn number(name: &str, prefix: &str) -> Option<u64> {
    let rest = name.strip_prefix(prefix)?;
    let digits = rest.split_once("_EL").map_or(rest, |(digits, _)| digits);
    digits.parse().ok()
}

/// Whether the lock's guest has what `REGISTER.FIELD` announces.
fn shows(lock: &Lock, gate: &str) -> bool {
    let Some((info, field)) = field(gate) else {
        return false;
    };
    let entry = lock.registers.iter().find(|r| r.id == info.id);
    entry.is_some_and(|entry| field.get(entry.value) != field.none())
}

/// PMCR_EL0.N, how many event counters the PMU of the lock's guest has, where it is promised.
pub fn counters(lock: &Lock) -> Option<u64> {
    let entry = lock.registers.iter().find(|r| r.name == "PMCR_EL0")?;
    let (_, field) = field("PMCR_EL0.N")?;
    let promised = entry.promised() & field.mask() == field.mask();
    promised.then(|| field.get(entry.value))
}

/// Bits that are promised of a register.
fn promised(lock: &Lock, info: &RegisterInfo) -> u64 {
    match per_counter(info) {
        // The cycle counter's bit alone, where nobody knows how many others there are.
        true if counters(lock).is_none() => CYCLE_COUNTER,
        _ => info.promised() & full_mask(1 << (info.id >> 52 & 0xf)),
    }
}

/// Bits in which KVM says what a guest of the lock reads.
pub fn told(lock: &Lock, info: &RegisterInfo) -> u64 {
    match per_counter(info) {
        true => CYCLE_COUNTER | ((1 << counters(lock).unwrap_or(0)) - 1),
        false => info.told,
    }
}

/// Bit 31 of the PMU's masks (Arm ARM D24.5.7 PMCNTENSET_EL0.C).
const CYCLE_COUNTER: u64 = 1 << 31;

/// Whether it has a bit for each of the PMU's counters.
pub fn per_counter(info: &RegisterInfo) -> bool {
    ["PMINTEN", "PMCNTEN", "PMOVS"]
        .iter()
        .any(|prefix| info.name.starts_with(prefix))
}
