//! What a guest saw: the witness's records decoded, the facts that a lock
//! promises, and the comparison of the two. Facts are compared by their keys
//! ([`wire::key`]); names are made of those that somebody reads.

pub mod account;
pub mod device;
pub mod living;
pub mod log;
mod names;
pub mod questions;
pub mod scope;
pub mod settled;
pub mod unpromised;
pub mod virtio;

pub(crate) use names::AT_LATER_ENTRY;
pub use names::{fact_name, is_call, key_named, key_of};
pub use vmlock_wire::{self as wire, accesses, moments, torture};

use crate::catalogue::field;
use crate::lock::{Lock, LockedRegister, Unmapped, full_mask, reset, v1};
use crate::report::{Fact, Seen};
use crate::sha256;
use crate::vm::Feature;
use names::{event_counter, event_type, keys};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use unpromised::Row;
use wire::Kind;

/// Bytes of an area's header and of each record in it, and how many it has room for.
const HEADER: usize = size_of::<wire::AreaHeader>();
const RECORD: usize = size_of::<wire::Record>();
const RECORDS_MAX: usize = (wire::AREA_STRIDE as usize - HEADER) / RECORD;

/// Why an area of records is not a complete account of what a vCPU saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Incomplete {
    /// The vCPU whose area it is.
    pub vcpu: u32,
    /// What is wrong with it.
    pub reason: String,
}

/// What one vCPU of a guest saw of one thing at which the witness looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Index of the vCPU.
    pub vcpu: u32,
    /// What was looked at: a [`wire::key`], which [`fact_name`] names.
    pub key: u64,
    /// What it saw.
    pub seen: Seen,
}

impl Sighting {
    /// The same under its name.
    pub fn fact(&self) -> Fact {
        Fact {
            vcpu: self.vcpu,
            name: fact_name(self.key).into_owned(),
            seen: self.seen,
        }
    }
}

/// What was seen, by name, as reports have it: sorted by vCPU and name.
pub fn facts(sightings: &[Sighting]) -> Vec<Fact> {
    let mut facts: Vec<Fact> = sightings.iter().map(Sighting::fact).collect();
    facts.sort();
    facts
}

/// Decodes one record area per vCPU, in vCPU order. A broken or hostile guest
/// may have written anything: nothing here trusts a count or a key.
///
/// Returns what was seen, sorted, and which areas are not complete.
pub fn decode(areas: &[&[u8]]) -> (Vec<Sighting>, Vec<Incomplete>) {
    let u32_at = |bytes: &[u8], at: usize| {
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let u64_at = |bytes: &[u8], at: usize| {
        u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
    };
    let mut sightings = Vec::new();
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
        if let Some(reason) = unfinished(u32_at(area, 12)) {
            problem(reason);
        }
        let count = (u32_at(area, 8) as usize).min((area.len() - HEADER) / RECORD);
        for record in area[HEADER..].chunks_exact(RECORD).take(count) {
            let key = u64_at(record, 0);
            match seen(key, u32_at(record, 12), u64_at(record, 16)) {
                Some(Ok(seen)) => sightings.push(Sighting { vcpu, key, seen }),
                Some(Err(reason)) => problem(&reason),
                None => {}
            }
        }
    }
    sightings.sort_unstable();
    sightings.dedup();
    (sightings, incomplete)
}

/// How far the witness has come on each vCPU whose area this is, in words: for a machine that did not come to its end.
#[must_use]
pub fn progress(areas: &[&[u8]]) -> String {
    let number = |bytes: &[u8], at: usize| {
        let bytes = bytes.get(at..at + 8).and_then(|b| b.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes)
    };
    let of_one = |(vcpu, area): (u32, &&[u8])| {
        if number(area, 0) != wire::AREA_MAGIC {
            return format!("vCPU {vcpu} has not begun");
        }
        // The lower half of the word that ends with the state.
        let count =
            (number(area, 8) as u32 as usize).min(area.len().saturating_sub(HEADER) / RECORD);
        match count.checked_sub(1) {
            None => format!("vCPU {vcpu} has begun and looked at nothing"),
            Some(last) => {
                let name = fact_name(number(area, HEADER + last * RECORD));
                format!("vCPU {vcpu} has looked at {count} things, {name} the last of them")
            }
        }
    };
    let each: Vec<String> = (0u32..).zip(areas).map(of_one).collect();
    each.join("; ")
}

/// Why an area is not complete that its vCPU left in that state ([`wire::AreaHeader::done`]).
fn unfinished(done: u32) -> Option<&'static str> {
    match done {
        wire::DONE_COMPLETE => None,
        wire::DONE_OVERFLOW => Some("the witness ran out of room for records"),
        wire::DONE_FAULT => Some("the witness met an exception that it did not expect"),
        _ => Some("the witness did not finish on this vCPU"),
    }
}

/// What of these sightings, which are sorted, one vCPU saw in two ways.
fn in_two_ways(sightings: &[Sighting]) -> impl Iterator<Item = Incomplete> {
    let same = |pair: &&[Sighting]| (pair[0].vcpu, pair[0].key) == (pair[1].vcpu, pair[1].key);
    sightings.windows(2).filter(same).map(|pair| Incomplete {
        vcpu: pair[0].vcpu,
        reason: format!("the witness saw {} in two ways", fact_name(pair[0].key)),
    })
}

/// What a record says, or why the area is not complete; nothing where it is about no fact.
fn seen(key: u64, status: u32, mut value: u64) -> Option<Result<Seen, String>> {
    match wire::kind_of(key) {
        Some(Kind::End) => return None,
        Some(
            Kind::GicdWritable
            | Kind::GicrWritable
            | Kind::SystemRegisterWritable
            | Kind::UartWritable
            | Kind::RtcWritable,
        ) => {
            value = (value >> 32 ^ value) & 0xffff_ffff;
        }
        _ => {}
    }
    Some(match status & 0xff {
        wire::STATUS_VALUE => Ok(Seen::Value(value)),
        wire::STATUS_UNDEFINED => Ok(Seen::Undefined),
        wire::STATUS_ABORT => Ok(Seen::Abort),
        wire::STATUS_TIMEOUT => Err(format!(
            "after {} the other vCPU did not come to its end within {} seconds",
            fact_name(key),
            wire::PATIENCE
        )),
        _ => Ok(Seen::Trapped((status >> 8) as u8)),
    })
}

/// One thing that a lock promises a guest will read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Promise {
    /// Index of the vCPU.
    pub vcpu: u32,
    /// The fact that is promised: a [`wire::key`].
    pub key: u64,
    /// The promised value; `None` where the guest must find nothing to read.
    pub value: Option<u64>,
    /// The bits that are promised.
    pub mask: u64,
}

impl Promise {
    /// The fact's name.
    pub fn name(&self) -> Cow<'static, str> {
        fact_name(self.key)
    }
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

/// What a vCPU finds: a fact, its value (`None`: nothing to read), and the bits that are promised.
type Shown = (u64, Option<u64>, u64);

/// What a guest finds where it cannot read: the instruction is undefined, or
/// takes an exception of the class that FEAT_IDST gives it.
const NOTHING: &str = "nothing there";

/// A fact of which no witness tells: what is promised of it is never kept. Of a lock that was read, every name has a key.
const UNSEEN: u64 = wire::key(Kind::End, 0);

/// The key of what has that name in a lock.
fn named(name: &str) -> u64 {
    key_of(name).unwrap_or(UNSEEN)
}

/// Everything that a lock promises, sorted by vCPU and fact.
pub fn promises(lock: &Lock) -> Vec<Promise> {
    let mut out = identifying(lock);
    out.extend(search(lock));
    out.extend(reach(lock));
    out.extend(device::promises(lock));
    out.extend(virtio::promises(lock));
    let begun = reset::begun(lock);
    let mut alike: BTreeMap<u64, (Option<u64>, u64)> = features(lock)
        .into_iter()
        .chain(unmapped(lock))
        .map(|(key, value, mask)| (key, (value, mask)))
        .collect();
    begin(&begun, &mut alike);
    let later = later(lock, &begun);
    for (vcpu, cpu) in (0u32..).zip(&lock.machine.vcpus) {
        if lock.lock_version >= settled::SINCE {
            // That it can be read is settled; what is read, where a vCPU begins with it and the witness leaves it alone.
            let settled = settled::promises(lock, vcpu);
            out.extend(settled.filter(|promise| !alike.contains_key(&promise.key)));
        }
        out.extend(alike.iter().map(|(key, (value, mask))| Promise {
            vcpu,
            key: *key,
            value: *value,
            mask: *mask,
        }));
        // The witness runs on the first vCPU from beginning to end.
        if vcpu > 0 && !later.is_empty() {
            out.extend(later.iter().map(|(key, value, mask)| Promise {
                vcpu,
                key: *key,
                value: *value,
                mask: *mask,
            }));
            out.push(Promise {
                vcpu,
                key: wire::key(Kind::Entry, MPIDR | wire::entry::LATER),
                value: Some(cpu.mpidr),
                mask: u64::MAX,
            });
        }
    }
    out.sort_by_key(|promise| (promise.vcpu, promise.key));
    out
}

/// What identifies the machine, and what every firmware call answers.
fn identifying(lock: &Lock) -> Vec<Promise> {
    let registers: Vec<Shown> = lock
        .registers
        .iter()
        .filter(|register| register.guest_readable())
        .map(|register| {
            let mask = register.promised();
            (named(&register.name), Some(register.value & mask), mask)
        })
        .collect();
    let gic = lock.gic.registers.iter();
    let gic: Vec<(u64, u64)> = gic.map(|r| (named(&r.name), r.value.into())).collect();
    let answers = lock.hypercalls.answers.iter();
    let answers: Vec<(u64, u64)> = answers.map(|a| (named(&a.call), a.answer)).collect();
    let mut out = Vec::new();
    for (vcpu, cpu) in (0u32..).zip(&lock.machine.vcpus) {
        out.extend(registers.iter().map(|(key, value, mask)| Promise {
            vcpu,
            key: *key,
            value: *value,
            mask: *mask,
        }));
        let mut promise = |key: u64, value: u64| {
            out.push(Promise {
                vcpu,
                key,
                value: Some(value),
                mask: u64::MAX,
            });
        };
        promise(MPIDR_EL1, cpu.mpidr);
        for (key, value) in &gic {
            // The distributor is one for all: vCPU 0 reads it.
            if vcpu == 0 || matches!(wire::kind_of(*key), Some(Kind::Gicr | Kind::GicrWritable)) {
                promise(*key, *value);
            }
        }
        if let Some(address) = cpu.stolen_time {
            let call = wire::call(wire::calls::PV_TIME_ST, 0, 0);
            promise(wire::key(Kind::Hvc, call), address);
            promise(wire::key(Kind::Use, wire::USE_STOLEN_TIME), 0);
        }
        let [low, high] = TYPER;
        promise(low, cpu.redistributor & full_mask(4));
        promise(high, cpu.redistributor >> 32);
        for (key, value) in &answers {
            // Secondaries ask a sample; `audit` compares what they asked.
            if vcpu == 0 || asked_by_all(*key) {
                promise(*key, *value);
            }
        }
    }
    out
}

/// The two halves of GICR_TYPER.
const TYPER: [u64; 2] = [wire::key(Kind::Gicr, 0x8), wire::key(Kind::Gicr, 0xc)];

/// What the optional features of a vCPU do when they are used, and that those
/// which the lock does not name are not there.
fn features(lock: &Lock) -> Vec<Shown> {
    let has = |feature| lock.features.contains(&feature);
    let mut out = Vec::new();
    let longest_of = |limit: u32| lock.vector_lengths.iter().rev().find(|l| **l <= limit);
    for len in 0..16u32 {
        // ZCR_EL1.LEN is in units of 128 bits, less one; RDVL counts bytes.
        if let Some(length) = longest_of((len + 1) * 128) {
            let key = wire::key(Kind::SveVectorLength, len.into());
            out.push((key, Some(u64::from(*length) / 8), u64::MAX));
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
    let mut readable = |key: u64, there: bool| out.push((key, there.then_some(0), 0));
    // DBGBVR<n>_EL1 and DBGBCR<n>_EL1, DBGWVR<n>_EL1 and DBGWCR<n>_EL1 (Arm ARM D24.3).
    for (name, pair) in [("BRPs", [4, 5]), ("WRPs", [6, 7])] {
        // The fields hold one less than there are. Whether more can be read differs between kernels.
        for n in 0..count("ID_AA64DFR0_EL1", name).map_or(0, |n| n + 1) {
            for op2 in pair {
                let encoding = wire::encoding(2, 0, 0, n, op2);
                readable(wire::key(Kind::SystemRegister, encoding), true);
            }
        }
    }
    if let Some(counters) = count("PMCR_EL0", "N") {
        for n in 0..settled::EVENT_COUNTERS {
            readable(event_counter(n), n < counters);
            readable(event_type(n), n < counters);
        }
    }
    let mut nothing = |keys: &[u64]| out.extend(keys.iter().map(|key| (*key, None, u64::MAX)));
    if !has(Feature::Sve) {
        nothing(keys!["ZCR_EL1"]);
    }
    // Hardware that has tags runs LDG and STG without effect in a guest that was given none:
    // what is not there then are the registers.
    if !has(Feature::Mte) {
        nothing(keys!["RGSR_EL1"]);
    }
    let mut used = |id, works| out.push((wire::key(Kind::Use, id), works, u64::MAX));
    if has(Feature::Mte) {
        used(wire::USE_MTE, Some(wire::MTE_WORKS));
    }
    // What is hidden may still run, and is not tried: KVM can take the vCPU out of use for it.
    if el0 == Some(2) {
        used(wire::USE_AARCH32, Some(wire::AARCH32_RUNS));
    }
    let pauth = has(Feature::Pauth).then_some(wire::PAUTH_WORKS);
    used(wire::USE_PAUTH, pauth);
    out
}

/// What every vCPU begins with, of what the witness sees; of what is promised already, more than that it can be read.
fn begin(begun: &[reset::Begun], promised: &mut BTreeMap<u64, (Option<u64>, u64)>) {
    if begun.is_empty() {
        return;
    }
    promised.insert(reset::VECTORS_FACT, (Some(0), u64::MAX));
    for begun in begun {
        let Some(fact) = begun.fact() else { continue };
        // More breakpoints than ID_AA64DFR0_EL1 counts are listed by KVM, and not always shown to a guest.
        if begun.info.name.starts_with("DBG") && !promised.contains_key(&fact) {
            continue;
        }
        promised.insert(fact, (Some(begun.value), begun.mask));
    }
}

/// MPIDR_EL1, which each vCPU has its own of, at entry.
const MPIDR: u64 = wire::entry::SYSTEM | wire::encoding(3, 0, 0, 0, 5);
/// The same when it is read.
const MPIDR_EL1: u64 = wire::key(Kind::SystemRegister, wire::encoding(3, 0, 0, 0, 5));

/// The same of a vCPU that was off and is started once more, of what its first instructions see.
fn later(lock: &Lock, begun: &[reset::Begun]) -> Vec<Shown> {
    if begun.is_empty() {
        return Vec::new();
    }
    let by_fact = |begun: &reset::Begun| Some((begun.fact()?, (begun.value, begun.mask)));
    let returning = begun.iter().filter(|begun| begun.returns());
    let mut promised: BTreeMap<u64, (u64, u64)> = returning.filter_map(by_fact).collect();
    promised.insert(reset::VECTORS_FACT, (0, u64::MAX));
    let ids = wire::entry::WORDS.iter().chain(&wire::entry::READ);
    let later = |id: &u64| wire::key(Kind::Entry, *id | wire::entry::LATER);
    let promise = |id: &u64| {
        let (value, mask) = promised.get(&wire::key(Kind::Entry, *id))?;
        Some((later(id), Some(*value), *mask))
    };
    let of_lock = |id: &u64| {
        let read = fact_name(wire::key(Kind::SystemRegister, *id & !wire::entry::SYSTEM));
        let mut registers = lock.registers.iter();
        let entry = registers.find(|r| r.name == read && r.guest_readable())?;
        let mask = entry.promised();
        Some((later(id), Some(entry.value & mask), mask))
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
            let key = wire::key(Kind::Unmapped, wire::unmapped(place, access));
            let value = match (machine.unmapped, place, access) {
                // No lock that was read: one whose promise was altered, which the witness has to notice.
                (Unmapped::ReadsAsZero, wire::PLACE_HOLE | wire::PLACE_ABOVE, _) => 0,
                (_, _, wire::ACCESS_FETCH) => wire::FETCH_ABORT,
                _ => wire::DATA_ABORT,
            };
            out.push((key, Some(value), u64::MAX));
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
            key: wire::key(Kind::Reach, id),
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
            key: wire::key(Kind::Search, id),
            value: Some(value),
            mask: u64::MAX,
        })
        .into()
}

/// Calls that the witness makes on every vCPU.
fn asked_by_all(call: u64) -> bool {
    use wire::calls::*;
    let id = wire::id_of(call);
    let function = wire::call_function(id);
    let first = wire::call_result(id) == 0;
    match wire::kind_of(call) {
        Some(Kind::Hvc) => {
            function == VENDOR_FEATURES
                || first && matches!(function, PSCI_VERSION | SMCCC_VERSION | PV_TIME_ST)
        }
        Some(Kind::Smc) => first && matches!(function, PSCI_VERSION | SMCCC_VERSION),
        Some(Kind::HvcArguments) => {
            (function, wire::call_case(id)) == (PSCI_AFFINITY_INFO, wire::CASE_SELF)
        }
        // SYSTEM_SUSPEND.
        Some(Kind::PsciFeatures) => matches!(
            function,
            PSCI_SYSTEM_RESET2 | PSCI_SYSTEM_OFF2 | PSCI_CPU_ON | 0xc400_000e
        ),
        // Workarounds 1 to 3.
        Some(Kind::ArchFeatures) => matches!(
            function,
            0x8000_8000 | 0x8000_7fff | 0x8000_3fff | PV_TIME_FEATURES
        ),
        _ => false,
    }
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

/// What an audit found: what a guest saw, held against what its lock promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Every promise, with what the guest saw of it.
    promised: Vec<(Promise, Option<Seen>)>,
    /// What the guest saw and the lock does not promise, with the row that names it.
    beside: Vec<(Sighting, Option<&'static Row>)>,
    /// vCPUs whose account is not complete.
    pub incomplete: Vec<Incomplete>,
}

/// The JSON shape of [`Audit`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuditShape<'a> {
    facts: usize,
    differences: Vec<Difference>,
    incomplete: &'a [Incomplete],
    observed: Vec<Observed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unnamed: Vec<Fact>,
    digest: String,
}

impl Serialize for Audit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        AuditShape {
            facts: self.facts(),
            differences: self.differences(),
            incomplete: &self.incomplete,
            observed: self.observed(),
            unnamed: self.unnamed(),
            digest: self.digest(),
        }
        .serialize(serializer)
    }
}

impl Audit {
    /// How many promised facts the guest saw.
    pub fn facts(&self) -> usize {
        let seen = self.promised.iter().filter(|(_, seen)| seen.is_some());
        seen.count()
    }

    /// Whether the guest saw all that was promised, and nothing else in its place.
    pub fn kept(&self) -> bool {
        let kept =
            |(promise, seen): &(Promise, Option<Seen>)| seen.is_some_and(|s| promise.kept(s));
        let named = self.beside.iter().all(|(_, row)| row.is_some());
        !self.promised.is_empty()
            && self.promised.iter().all(kept)
            && self.incomplete.is_empty()
            && named
    }

    /// Promises that were not kept, facts that were not seen included; by vCPU and name.
    pub fn differences(&self) -> Vec<Difference> {
        let broken = self.promised.iter().filter_map(|(promise, seen)| {
            let seen = match seen {
                Some(seen) if promise.kept(*seen) => return None,
                Some(seen) => words(*seen, promise.mask),
                None => "nothing: the witness did not report it".to_owned(),
            };
            Some(Difference {
                vcpu: promise.vcpu,
                name: promise.name().into_owned(),
                promised: promise.words(),
                seen,
            })
        });
        let mut differences: Vec<Difference> = broken.collect();
        differences.sort_by(|a, b| (a.vcpu, &a.name).cmp(&(b.vcpu, &b.name)));
        differences
    }

    /// What the guest saw and the lock does not promise, by vCPU and name.
    pub fn observed(&self) -> Vec<Observed> {
        let named = self.beside.iter().filter_map(|(sighting, row)| {
            Some(Observed {
                fact: sighting.fact(),
                unpromised: row.as_ref()?.name,
            })
        });
        let mut observed: Vec<Observed> = named.collect();
        observed.sort_by(|a, b| a.fact.cmp(&b.fact));
        observed
    }

    /// What it saw and nothing names, neither the lock nor [`unpromised::ROWS`]: a fault of this program's, with which
    /// nothing is kept.
    pub fn unnamed(&self) -> Vec<Fact> {
        let unnamed = self.beside.iter().filter(|(_, row)| row.is_none());
        let mut facts: Vec<Fact> = unnamed.map(|(sighting, _)| sighting.fact()).collect();
        facts.sort();
        facts
    }

    /// `sha256-` and 64 hex digits over every promised fact as the guest saw it, by vCPU and name.
    pub fn digest(&self) -> String {
        let seen = self.promised.iter().filter_map(|(promise, seen)| {
            let seen = (*seen)?;
            let words = match (promise.kept(seen), promise.value) {
                (true, None) => NOTHING.to_owned(),
                _ => words(seen, promise.mask),
            };
            Some((promise.vcpu, promise.name(), words))
        });
        let mut seen: Vec<(u32, Cow<str>, String)> = seen.collect();
        seen.sort();
        let lines = seen.into_iter();
        let lines = lines.map(|(vcpu, name, words)| format!("{vcpu} {name} {words}\n"));
        sha256::named(lines.collect::<String>().as_bytes())
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
pub fn audit(lock: &Lock, sightings: &[Sighting], incomplete: Vec<Incomplete>) -> Audit {
    compare(lock, promises(lock), sightings, incomplete)
}

/// Compares what a guest saw with promises of its lock, which are sorted by vCPU and fact.
fn compare(
    lock: &Lock,
    promises: Vec<Promise>,
    sightings: &[Sighting],
    mut incomplete: Vec<Incomplete>,
) -> Audit {
    let mut sightings = sightings.to_vec();
    sightings.sort_unstable();
    sightings.dedup();
    for found in in_two_ways(&sightings) {
        if !incomplete.contains(&found) {
            incomplete.push(found);
        }
    }
    let newer = unpromised::newer(lock);
    let mut promised: Vec<(Promise, Option<Seen>)> = Vec::with_capacity(promises.len());
    let mut beside: Vec<(Sighting, Option<&Row>)> = Vec::new();
    // Both are sorted by vCPU and fact.
    let mut waiting = promises.into_iter().peekable();
    for sighting in sightings {
        let about = (sighting.vcpu, sighting.key);
        while let Some(promise) = waiting.next_if(|promise| (promise.vcpu, promise.key) < about) {
            promised.push((promise, None));
        }
        while let Some(promise) = waiting.next_if(|promise| (promise.vcpu, promise.key) == about) {
            promised.push((promise, Some(sighting.seen)));
        }
        match promised.last_mut() {
            // Seen in two ways, and promised once.
            Some((promise, seen)) if (promise.vcpu, promise.key) == about => {
                *seen = Some(sighting.seen)
            }
            _ => {
                // What vCPU 0 has seen too has its row already.
                let first =
                    beside.binary_search_by_key(&(0, sighting.key), |(s, _)| (s.vcpu, s.key));
                let row = match first {
                    Ok(at) => beside[at].1,
                    Err(_) => unpromised::row(sighting.key, &newer),
                };
                beside.push((sighting, row));
            }
        }
    }
    promised.extend(waiting.map(|promise| (promise, None)));
    Audit {
        promised,
        beside,
        incomplete,
    }
}
