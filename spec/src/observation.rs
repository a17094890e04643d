//! What a guest saw: the witness's records decoded into named facts, the facts
//! that a lock promises, and the comparison of the two.

pub mod device;
pub mod questions;
pub mod settled;
pub mod unpromised;

pub use vmlock_wire::{self as wire, accesses, torture};

use crate::catalogue::{field, register_by_encoding};
use crate::lock::{Lock, LockedRegister, Unmapped, full_mask, reset, v1};
use crate::report::{Fact, Seen};
use crate::smccc::function_name;
use crate::vm::Feature;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

fn distributor(offset: u64) -> String {
    let read = wire::frames::DISTRIBUTOR;
    if let Some((_, name)) = read.iter().find(|(o, _)| *o == offset) {
        return (*name).to_owned();
    }
    match offset {
        0x84..0x100 => format!("GICD_IGROUPR{}", (offset - wire::frames::GICD_IGROUPR) / 4),
        _ => format!("GICD offset {offset:#06x}"),
    }
}

fn redistributor(offset: u64) -> String {
    let read = wire::frames::REDISTRIBUTOR;
    match read.iter().find(|(o, _)| *o == offset) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("GICR offset {offset:#07x}"),
    }
}

/// A system register, by the name that the catalogue has for it, or else the witness's list.
fn system_register(id: u64) -> String {
    if let Some(register) = register_by_encoding(id as u16) {
        return register.name.to_string();
    }
    match wire::registers::name(id) {
        Some(name) => name.to_owned(),
        None => format!(
            "S{}_{}_C{}_C{}_{}",
            id >> 14 & 3,
            id >> 11 & 7,
            id >> 7 & 15,
            id >> 3 & 15,
            id & 7
        ),
    }
}

/// What of a vCPU's first state a record is about.
fn entry_name(id: u64) -> String {
    match id {
        wire::entry::VECTORS => "V0 to V31".to_owned(),
        wire::entry::PSTATE => "PSTATE".to_owned(),
        1..=30 => format!("X{id}"),
        _ => system_register(id & !wire::entry::SYSTEM),
    }
}

/// The name of what a record is about.
pub fn fact_name(key: u64) -> String {
    use wire::Kind;
    let id = wire::id_of(key);
    let call = |prefix: &str| {
        let arguments = match wire::call_case(id) {
            wire::CASE_SELF => "itself",
            wire::CASE_SELF_RESERVED_BIT => "itself, reserved bit set",
            wire::CASE_NOBODY => "no such CPU",
            wire::CASE_OFF => "a CPU that is off",
            wire::CASE_BAD_LEVEL => "no such level",
            wire::CASE_BAD_TYPE => "no such type",
            wire::CASE_BITS_GOOD => "allowed number of bits",
            wire::CASE_BITS_BAD => "too many bits",
            wire::CASE_VIRTUAL_COUNTER => "virtual counter",
            _ => "",
        };
        let result = match wire::call_result(id) {
            0 => String::new(),
            n => format!(".x{n}"),
        };
        format!(
            "{prefix}{}({arguments}){result}",
            function_name(wire::call_function(id))
        )
    };
    let asked = || function_name(id as u32);
    match wire::kind_of(key) {
        Some(Kind::SystemRegister) => system_register(id),
        Some(Kind::SystemRegisterWritable) => format!("{}.writable", system_register(id)),
        Some(Kind::Ccsidr) => format!("CCSIDR_EL1[{id}]"),
        Some(Kind::Gicd) => distributor(id),
        Some(Kind::Gicr) => redistributor(id),
        Some(Kind::GicdWritable) => format!("{}.writable", distributor(id)),
        Some(Kind::GicrWritable) => format!("{}.writable", redistributor(id)),
        Some(Kind::Hvc | Kind::HvcArguments) => call(""),
        Some(Kind::PsciFeatures) => format!("PSCI_FEATURES({})", asked()),
        Some(Kind::ArchFeatures) => format!("ARCH_FEATURES({})", asked()),
        Some(Kind::TrngFeatures) => format!("TRNG_FEATURES({})", asked()),
        Some(Kind::PvTimeFeatures) => format!("PV_TIME_FEATURES({})", asked()),
        Some(Kind::Smc) => call("SMC "),
        Some(Kind::HvcLeaves) => format!("{} changes of x1 to x17", call("")),
        Some(Kind::SmcLeaves) => format!("{} changes of x1 to x17", call("SMC ")),
        Some(Kind::SveVectorLength) => format!("SVE vector length at ZCR_EL1.LEN {id}"),
        Some(Kind::Use) => match id {
            wire::USE_PAUTH => "pointer authentication in use".to_owned(),
            wire::USE_MTE => "memory tagging in use".to_owned(),
            wire::USE_STOLEN_TIME => "stolen-time structure, revision and attributes".to_owned(),
            wire::USE_STOLEN_NANOSECONDS => "stolen time in nanoseconds".to_owned(),
            wire::USE_AARCH32 => "AArch32 at EL0 in use".to_owned(),
            _ => format!("use {id}"),
        },
        Some(Kind::Unmapped) => {
            let access = match id & 0xff {
                wire::ACCESS_LOAD => "load",
                wire::ACCESS_STORE => "store",
                wire::ACCESS_PAIR => "load of a pair",
                wire::ACCESS_EXCLUSIVE => "exclusive load",
                wire::ACCESS_ZERO => "DC ZVA",
                _ => "instruction fetch",
            };
            let place = match id >> 8 {
                wire::PLACE_HOLE => "between the devices",
                wire::PLACE_ABOVE => "above memory",
                _ => "behind the last address",
            };
            format!("{access} {place}")
        }
        Some(Kind::Reach) => match id {
            wire::REACH_FIRST_WORD => "first word of memory".to_owned(),
            wire::REACH_LAST_WORD => "last word of memory".to_owned(),
            wire::REACH_ADDRESS_BITS => "address bits".to_owned(),
            _ => format!("reach {id}"),
        },
        Some(Kind::CpuOn) => match id & wire::ON_AGAIN {
            0 => format!("CPU_ON(vCPU {id})"),
            _ => format!("CPU_ON(vCPU {}), once more", id & !wire::ON_AGAIN),
        },
        Some(Kind::Fault) => format!("witness fault {id}"),
        Some(Kind::Search) => match id {
            wire::SEARCH_DISTRIBUTORS => "distributors found".to_owned(),
            wire::SEARCH_DISTRIBUTOR_ADDRESSES => "distributors found, sum of addresses".to_owned(),
            wire::SEARCH_REDISTRIBUTORS => "redistributors found".to_owned(),
            wire::SEARCH_REDISTRIBUTOR_ADDRESSES => {
                "redistributors found, sum of addresses".to_owned()
            }
            _ => format!("search {id}"),
        },
        Some(kind @ (Kind::Uart | Kind::UartWritable | Kind::Rtc | Kind::RtcWritable)) => {
            device::name(kind, id)
        }
        Some(Kind::Entry) => {
            let when = match id & wire::entry::LATER {
                0 => "at entry",
                _ => "at a later entry",
            };
            format!("{} {when}", entry_name(id & !wire::entry::LATER))
        }
        Some(Kind::End) => "end".to_owned(),
        None => format!("unknown record {key:#018x}"),
    }
}

/// Why an area of records is not a complete account of what a vCPU saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Incomplete {
    /// The vCPU whose area it is.
    pub vcpu: u32,
    /// What is wrong with it.
    pub reason: String,
}

/// Decodes one record area per vCPU, in vCPU order. A broken or hostile guest
/// may have written anything: nothing here trusts a count or a key.
///
/// Returns the facts, sorted, and which areas are not complete.
pub fn decode_facts(areas: &[&[u8]]) -> (Vec<Fact>, Vec<Incomplete>) {
    const HEADER: usize = size_of::<wire::AreaHeader>();
    const RECORD: usize = size_of::<wire::Record>();
    let u32_at = |bytes: &[u8], at: usize| {
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let u64_at = |bytes: &[u8], at: usize| {
        u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
    };
    let mut facts = Vec::new();
    let mut incomplete = Vec::new();
    for (vcpu, area) in (0u32..).zip(areas) {
        let mut problem = |reason: &str| {
            incomplete.push(Incomplete {
                vcpu,
                reason: reason.to_owned(),
            });
        };
        if area.len() < HEADER || u64_at(area, 0) != wire::AREA_MAGIC {
            problem("this vCPU never ran the witness");
            continue;
        }
        match u32_at(area, 12) {
            wire::DONE_COMPLETE => {}
            wire::DONE_OVERFLOW => problem("the witness ran out of room for records"),
            wire::DONE_FAULT => problem("the witness met an exception that it did not expect"),
            _ => problem("the witness did not finish on this vCPU"),
        }
        let count = (u32_at(area, 8) as usize).min((area.len() - HEADER) / RECORD);
        for record in area[HEADER..].chunks_exact(RECORD).take(count) {
            let key = u64_at(record, 0);
            let (status, mut value) = (u32_at(record, 12), u64_at(record, 16));
            match wire::kind_of(key) {
                Some(wire::Kind::End) => continue,
                Some(
                    wire::Kind::GicdWritable
                    | wire::Kind::GicrWritable
                    | wire::Kind::SystemRegisterWritable
                    | wire::Kind::UartWritable
                    | wire::Kind::RtcWritable,
                ) => {
                    value = (value >> 32 ^ value) & 0xffff_ffff;
                }
                _ => {}
            }
            if status & 0xff == wire::STATUS_TIMEOUT {
                problem(&format!(
                    "after {} the other vCPU did not come to its end within {} seconds",
                    fact_name(key),
                    wire::PATIENCE
                ));
                continue;
            }
            let seen = match status & 0xff {
                wire::STATUS_VALUE => Seen::Value(value),
                wire::STATUS_UNDEFINED => Seen::Undefined,
                wire::STATUS_ABORT => Seen::Abort,
                _ => Seen::Trapped((status >> 8) as u8),
            };
            facts.push(Fact {
                vcpu,
                name: fact_name(key),
                seen,
            });
        }
    }
    facts.sort();
    facts.dedup();
    (facts, incomplete)
}

/// One thing that a lock promises a guest will read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Promise {
    /// Index of the vCPU.
    pub vcpu: u32,
    /// The fact's name.
    pub name: String,
    /// The promised value; `None` where the guest must find nothing to read.
    pub value: Option<u64>,
    /// The bits that are promised.
    pub mask: u64,
}

impl Promise {
    /// Whether that is what was promised.
    pub fn kept(&self, seen: Seen) -> bool {
        match (self.value, seen) {
            (Some(promised), Seen::Value(value)) => value & self.mask == promised,
            (None, Seen::Undefined | Seen::Trapped(_)) => true,
            _ => false,
        }
    }
    /// The promise in words.
    pub(crate) fn words(&self) -> String {
        match self.value {
            Some(value) => format!("{value:#x}"),
            None => NOTHING.to_owned(),
        }
    }
}

/// What a vCPU finds: a fact's name, its value (`None`: nothing to read), and the bits that are promised.
type Shown = (String, Option<u64>, u64);

/// What a guest finds where it cannot read: the instruction is undefined, or
/// takes an exception of the class that FEAT_IDST gives it.
const NOTHING: &str = "nothing there";

/// Everything that a lock promises, sorted by vCPU and name.
pub fn promises(lock: &Lock) -> Vec<Promise> {
    let mut out = identifying(lock);
    out.extend(search(lock));
    out.extend(reach(lock));
    out.extend(device::promises(lock));
    let mut features = features(lock);
    features.extend(unmapped(lock));
    begun(lock, &mut features);
    let later = later(lock);
    for (vcpu, cpu) in (0u32..).zip(&lock.machine.vcpus) {
        if lock.lock_version >= settled::SINCE {
            // That it can be read is settled; what is read, where a vCPU begins with it and the witness leaves it alone.
            let begun = |promise: &Promise| features.iter().any(|(name, ..)| *name == promise.name);
            out.extend(settled::promises(lock, vcpu).filter(|promise| !begun(promise)));
        }
        let of_vcpu = |(name, value, mask): &Shown| Promise {
            vcpu,
            name: name.clone(),
            value: *value,
            mask: *mask,
        };
        out.extend(features.iter().map(of_vcpu));
        // The witness runs on the first vCPU from beginning to end.
        if vcpu > 0 && !later.is_empty() {
            out.extend(later.iter().map(of_vcpu));
            out.push(Promise {
                vcpu,
                name: fact_name(wire::key(wire::Kind::Entry, MPIDR | wire::entry::LATER)),
                value: Some(cpu.mpidr),
                mask: u64::MAX,
            });
        }
    }
    out.sort();
    out
}

/// What identifies the machine, and what every firmware call answers.
fn identifying(lock: &Lock) -> Vec<Promise> {
    let mut out = Vec::new();
    for (vcpu, cpu) in (0u32..).zip(&lock.machine.vcpus) {
        let mut promise = |name: &str, value: u64, mask: u64| {
            out.push(Promise {
                vcpu,
                name: name.to_owned(),
                value: Some(value & mask),
                mask,
            });
        };
        for register in &lock.registers {
            if register.guest_readable() {
                promise(&register.name, register.value, register.promised());
            }
        }
        promise("MPIDR_EL1", cpu.mpidr, u64::MAX);
        for register in &lock.gic.registers {
            // The distributor is one for all: vCPU 0 reads it.
            if vcpu == 0 || register.name.starts_with("GICR_") {
                promise(&register.name, register.value.into(), u64::MAX);
            }
        }
        if let Some(address) = cpu.stolen_time {
            promise("PV_TIME_ST()", address, u64::MAX);
            let head = wire::key(wire::Kind::Use, wire::USE_STOLEN_TIME);
            promise(&fact_name(head), 0, u64::MAX);
        }
        promise("GICR_TYPER", cpu.redistributor & full_mask(4), u64::MAX);
        promise("GICR_TYPER.high", cpu.redistributor >> 32, u64::MAX);
        if vcpu == 0 {
            for answer in &lock.hypercalls.answers {
                promise(&answer.call, answer.answer, u64::MAX);
            }
        } else {
            // Secondaries ask a sample; `audit` compares what they asked.
            for answer in lock
                .hypercalls
                .answers
                .iter()
                .filter(|a| asked_by_all(&a.call))
            {
                promise(&answer.call, answer.answer, u64::MAX);
            }
        }
    }
    out
}

/// What the optional features of a vCPU do when they are used, and that those
/// which the lock does not name are not there: name, value, promised bits.
fn features(lock: &Lock) -> Vec<Shown> {
    let has = |feature| lock.features.contains(&feature);
    let mut out = Vec::new();
    let longest_of = |limit: u32| lock.vector_lengths.iter().rev().find(|l| **l <= limit);
    for len in 0..16u32 {
        // ZCR_EL1.LEN is in units of 128 bits, less one; RDVL counts bytes.
        if let Some(length) = longest_of((len + 1) * 128) {
            let name = fact_name(wire::key(wire::Kind::SveVectorLength, len.into()));
            out.push((name, Some(u64::from(*length) / 8), u64::MAX));
        }
    }
    // Of what an ID register counts, each one is there; what it holds is run-time state.
    let count = |register: &str, name: &str| {
        let entry = lock.registers.iter().find(|r| r.name == register)?;
        let (_, field) = field(&format!("{register}.{name}"))?;
        let promised = entry.promised() & field.mask() == field.mask();
        promised.then(|| field.get(entry.value))
    };
    let el0 = count("ID_AA64PFR0_EL1", "EL0");
    let mut readable = |name: String, there: bool| out.push((name, there.then_some(0), 0));
    for (name, kind) in [("BRPs", 'B'), ("WRPs", 'W')] {
        // The fields hold one less than there are. Whether more can be read differs between kernels.
        for n in 0..count("ID_AA64DFR0_EL1", name).map_or(0, |n| n + 1) {
            readable(format!("DBG{kind}VR{n}_EL1"), true);
            readable(format!("DBG{kind}CR{n}_EL1"), true);
        }
    }
    if let Some(counters) = count("PMCR_EL0", "N") {
        for n in 0..31 {
            readable(format!("PMEVCNTR{n}_EL0"), n < counters);
            readable(format!("PMEVTYPER{n}_EL0"), n < counters);
        }
    }
    if !has(Feature::Sve) {
        out.push(("ZCR_EL1".to_owned(), None, u64::MAX));
    }
    let used = |id| fact_name(wire::key(wire::Kind::Use, id));
    // What is hidden may still run, and is not tried: KVM can take the vCPU out of use for it.
    if el0 == Some(2) {
        out.push((used(wire::USE_AARCH32), Some(wire::AARCH32_RUNS), u64::MAX));
    }
    let pauth = has(Feature::Pauth).then_some(wire::PAUTH_WORKS);
    out.push((used(wire::USE_PAUTH), pauth, u64::MAX));
    // Hardware that has tags runs LDG and STG without effect in a guest that was given none:
    // what is not there then are the registers.
    out.push(match has(Feature::Mte) {
        true => (used(wire::USE_MTE), Some(wire::MTE_WORKS), u64::MAX),
        false => ("RGSR_EL1".to_owned(), None, u64::MAX),
    });
    out
}

/// What every vCPU begins with, of what the witness sees; of what is promised already, more than that it can be read.
fn begun(lock: &Lock, promised: &mut Vec<(String, Option<u64>, u64)>) {
    let all = reset::begun(lock);
    if all.is_empty() {
        return;
    }
    promised.push((reset::vectors_fact(), Some(0), u64::MAX));
    for begun in all {
        let Some(fact) = begun.fact() else { continue };
        let promise = (fact, Some(begun.value), begun.mask);
        let numbered = begun.info.name.starts_with("DBG");
        match promised.iter_mut().find(|(name, ..)| *name == promise.0) {
            Some(readable) => *readable = promise,
            // More breakpoints than ID_AA64DFR0_EL1 counts are listed by KVM, and not always shown to a guest.
            None if numbered => {}
            None => promised.push(promise),
        }
    }
}

/// MPIDR_EL1, which each vCPU has its own of.
const MPIDR: u64 = wire::entry::SYSTEM | wire::encoding(3, 0, 0, 0, 5);

/// The same of a vCPU that was off and is started once more, of what its first instructions see.
fn later(lock: &Lock) -> Vec<(String, Option<u64>, u64)> {
    let all = reset::begun(lock);
    if all.is_empty() {
        return Vec::new();
    }
    let by_fact = |begun: &reset::Begun| Some((begun.fact()?, (begun.value, begun.mask)));
    let returning = all.iter().filter(|begun| begun.returns());
    let mut promised: HashMap<String, (u64, u64)> = returning.filter_map(by_fact).collect();
    promised.insert(reset::vectors_fact(), (0, u64::MAX));
    let ids = wire::entry::WORDS.iter().chain(&wire::entry::READ);
    let name = |id: u64| fact_name(wire::key(wire::Kind::Entry, id));
    let promise = |id: &u64| {
        let (value, mask) = promised.get(&name(*id))?;
        Some((name(*id | wire::entry::LATER), Some(*value), *mask))
    };
    let of_lock = |id: &u64| {
        let read = system_register(*id & !wire::entry::SYSTEM);
        let entry = lock
            .registers
            .iter()
            .find(|r| r.name == read && r.guest_readable())?;
        let mask = entry.promised();
        Some((
            name(*id | wire::entry::LATER),
            Some(entry.value & mask),
            mask,
        ))
    };
    let again = wire::entry::AGAIN.iter().filter_map(of_lock);
    ids.filter_map(promise).chain(again).collect()
}

/// What answers where nothing is: the same abort, whatever asks. Version 1 promised nothing of it.
fn unmapped(lock: &Lock) -> Vec<Shown> {
    let machine = &lock.machine;
    if lock.lock_version == v1::VERSION {
        return Vec::new();
    }
    let physical_bits = LockedRegister::physical_bits(&lock.registers);
    let above = machine.memory.end().unwrap_or(u64::MAX);
    let all = wire::ACCESS_LOAD..=wire::ACCESS_FETCH;
    let mut places = vec![(wire::PLACE_HOLE, wire::ACCESS_LOAD..=wire::ACCESS_PAIR)];
    if machine.address_bits < physical_bits {
        places.push((wire::PLACE_EDGE, all.clone()));
    }
    // Where memory ends with the addresses, that place is looked at already.
    if above >> physical_bits == 0 && above != 1 << machine.address_bits {
        places.push((wire::PLACE_ABOVE, all));
    }
    let mut out = Vec::new();
    for (place, accesses) in places {
        for access in accesses {
            let name = fact_name(wire::key(
                wire::Kind::Unmapped,
                wire::unmapped(place, access),
            ));
            let value = match (machine.unmapped, place, access) {
                // No lock that was read: one whose promise was altered, which the witness has to notice.
                (Unmapped::ReadsAsZero, wire::PLACE_HOLE | wire::PLACE_ABOVE, _) => 0,
                (_, _, wire::ACCESS_FETCH) => wire::FETCH_ABORT,
                _ => wire::DATA_ABORT,
            };
            out.push((name, Some(value), u64::MAX));
        }
    }
    out
}

/// Memory reaches from its first word to its last one, and addresses as far as the machine does. Version 1 promised
/// nothing of it.
fn reach(lock: &Lock) -> Vec<Promise> {
    if lock.lock_version == v1::VERSION {
        return Vec::new();
    }
    let [first, last] = wire::REACH_WRITTEN.map(u64::from);
    let bits = lock
        .machine
        .address_bits
        .min(LockedRegister::physical_bits(&lock.registers));
    let promises = [
        (wire::REACH_FIRST_WORD, first),
        (wire::REACH_LAST_WORD, last),
        (wire::REACH_ADDRESS_BITS, bits.into()),
    ];
    promises
        .map(|(id, value)| Promise {
            vcpu: 0,
            name: fact_name(wire::key(wire::Kind::Reach, id)),
            value: Some(value),
            mask: u64::MAX,
        })
        .into()
}

/// What a search of guest-physical space for interrupt controllers must find:
/// the one distributor and the redistributors that the FDT names, no others.
fn search(lock: &Lock) -> Vec<Promise> {
    let machine = &lock.machine;
    let count = machine.vcpus.len() as u64;
    let sum = machine.redistributor_frames().fold(0, u64::wrapping_add);
    let found = [
        (wire::SEARCH_DISTRIBUTORS, 1),
        (wire::SEARCH_DISTRIBUTOR_ADDRESSES, machine.distributor.base),
        (wire::SEARCH_REDISTRIBUTORS, count),
        (wire::SEARCH_REDISTRIBUTOR_ADDRESSES, sum),
    ];
    found
        .map(|(id, value)| Promise {
            vcpu: 0,
            name: fact_name(wire::key(wire::Kind::Search, id)),
            value: Some(value),
            mask: u64::MAX,
        })
        .into()
}

/// Calls that the witness makes on every vCPU.
fn asked_by_all(call: &str) -> bool {
    const CALLS: &[&str] = &[
        "PSCI_VERSION()",
        "SMCCC_VERSION()",
        "PSCI_FEATURES(SYSTEM_RESET2_64)",
        "PSCI_FEATURES(SYSTEM_OFF2_64)",
        "PSCI_FEATURES(CPU_ON64)",
        "PSCI_FEATURES(SYSTEM_SUSPEND64)",
        "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_1)",
        "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_2)",
        "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_3)",
        "ARCH_FEATURES(PV_TIME_FEATURES)",
        "AFFINITY_INFO64(itself)",
        "PV_TIME_ST()",
        "SMC PSCI_VERSION()",
        "SMC SMCCC_VERSION()",
    ];
    CALLS.contains(&call) || call.starts_with("VENDOR_HYP_KVM_FEATURES()")
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Index of the vCPU.
    pub vcpu: u32,
    /// The fact's name.
    pub name: String,
    /// What was promised, in hex.
    pub promised: String,
    /// What the guest saw, in words.
    pub seen: String,
}

/// A fact that is not promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// What was seen.
    #[serde(flatten)]
    pub fact: Fact,
    /// The row of [`unpromised::ROWS`] that names it.
    pub unpromised: &'static str,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// How many promised facts the guest saw.
    pub facts: usize,
    /// Promises that were not kept, facts that were not seen included.
    pub differences: Vec<Difference>,
    /// vCPUs whose account is not complete.
    pub incomplete: Vec<Incomplete>,
    /// What the guest saw and the lock does not promise.
    pub observed: Vec<Observed>,
    /// What it saw and nothing names, neither the lock nor [`unpromised::ROWS`]: a fault of this program's, with which
    /// nothing is kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<Fact>,
    /// `sha256-` and 64 hex digits over every promised fact as the guest saw it.
    pub digest: String,
}

impl Audit {
    /// Whether the guest saw all that was promised, and nothing else in its place.
    pub fn kept(&self) -> bool {
        let found = self.differences.is_empty() && self.incomplete.is_empty();
        self.facts > 0 && found && self.unnamed.is_empty()
    }
}

/// Words for what a guest saw, without the bits that are not promised.
pub(crate) fn words(seen: Seen, mask: u64) -> String {
    match seen {
        Seen::Value(value) => Seen::Value(value & mask).to_string(),
        other => other.to_string(),
    }
}

/// Compares what a guest saw with what its lock promises.
pub fn audit(lock: &Lock, facts: &[Fact], mut incomplete: Vec<Incomplete>) -> Audit {
    let mut seen: HashMap<(u32, &str), Seen> = HashMap::with_capacity(facts.len());
    for fact in facts {
        let before = seen.insert((fact.vcpu, fact.name.as_str()), fact.seen);
        if before.is_some_and(|before| before != fact.seen) {
            incomplete.push(Incomplete {
                vcpu: fact.vcpu,
                reason: format!("the witness saw {} in two ways", fact.name),
            });
        }
    }
    let promises = promises(lock);
    let mut hash = Sha256::new();
    let mut differences = Vec::new();
    let mut count = 0;
    for promise in &promises {
        let Some(seen) = seen.get(&(promise.vcpu, promise.name.as_str())).copied() else {
            differences.push(Difference {
                vcpu: promise.vcpu,
                name: promise.name.clone(),
                promised: promise.words(),
                seen: "nothing: the witness did not report it".to_owned(),
            });
            continue;
        };
        count += 1;
        let kept = promise.kept(seen);
        let words = match (kept, promise.value) {
            (true, None) => NOTHING.to_owned(),
            _ => words(seen, promise.mask),
        };
        hash.update(format!("{} {} {words}\n", promise.vcpu, promise.name));
        if !kept {
            differences.push(Difference {
                vcpu: promise.vcpu,
                name: promise.name.clone(),
                promised: promise.words(),
                seen: words,
            });
        }
    }
    let promised: HashSet<(u32, &str)> =
        promises.iter().map(|p| (p.vcpu, p.name.as_str())).collect();
    let newer = unpromised::newer(lock);
    let (mut observed, mut unnamed) = (Vec::new(), Vec::new());
    for fact in facts {
        if promised.contains(&(fact.vcpu, fact.name.as_str())) {
            continue;
        }
        match unpromised::row(&fact.name, &newer) {
            Some(row) => observed.push(Observed {
                fact: fact.clone(),
                unpromised: row.name,
            }),
            None => unnamed.push(fact.clone()),
        }
    }
    let digest = hash
        .finalize()
        .iter()
        .fold("sha256-".to_owned(), |text, byte| {
            format!("{text}{byte:02x}")
        });
    Audit {
        facts: count,
        differences,
        incomplete,
        observed,
        unnamed,
        digest,
    }
}
