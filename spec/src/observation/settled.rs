//! What follows from a lock without standing in it, from version 2 on: what a KVM guest finds in registers, frames and
//! calls that hold the same on every kernel, or hang on a field that the lock has. One table; the rest of what the
//! witness can see stands in the lock itself, or in [`super::unpromised`].
//!
//! Sources: Arm ARM DDI 0487 chapter D24 and IHI 0069 chapter 12 for what a register is;
//! arch/arm64/kvm/{sys_regs,psci,hypercalls,trng,pvtime}.c and vgic/vgic-mmio-v3.c, 5.10 to 7.3, for what a guest gets,
//! seen on emulated hosts of 5.10, 6.1, 6.12 and 7.3.

use super::names::{event_counter, event_type, keys};
use super::wire::{self, Kind, calls, key};
use super::{Promise, Shown};
use crate::catalogue::field;
use crate::lock::Lock;
use crate::smccc::{self, NOT_SUPPORTED, Services};
use crate::vm::Feature;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// TRNG_VERSION (DEN0098), which has one result.
const TRNG_VERSION: u32 = 0x8400_0050;
/// SMCCC_ARCH_WORKAROUND_1 and _3, which the hypervisor answers before KVM sees them, whatever their levels
/// (arch/arm64/kvm/hyp/hyp-entry.S).
const FAST: [u32; 2] = [0x8000_8000, 0x8000_3fff];
/// MIGRATE_INFO_TYPE (DEN0022).
const MIGRATE_INFO_TYPE: u32 = 0x8400_0006;
/// AFFINITY_INFO of a CPU that is off (DEN0022 section 5.7).
const AFFINITY_OFF: u64 = 1;

/// The first version of the lock that promises what follows from it.
pub const SINCE: u32 = 2;

/// Where an entry holds.
#[derive(Clone, Copy, Debug)]
enum Given {
    Always,
    /// The lock has that vCPU feature.
    With(Feature),
    Without(Feature),
    /// The lock promises a field of an ID register, and in it at least this.
    Announced(&'static str, u64),
    /// The lock promises a field of an ID register, and in it the value for "not there".
    Hidden(&'static str),
}
use Given::{Always, Announced, Hidden, With, Without};

/// What every vCPU finds.
#[derive(Clone, Copy, Debug)]
enum Shows {
    /// Nothing to read.
    Nothing,
    /// Something that can be read.
    Readable,
    /// This value.
    Value(u64),
}
use Shows::{Nothing, Readable, Value};

/// What every vCPU finds in system registers and in its own redistributor; of those that stand in two rows, both
/// conditions never hold at once.
#[rustfmt::skip]
const OF_EACH: &[(Given, Shows, &[u64])] = &[
    // Unallocated encodings, of other levels, or each implementer's own (HCR_EL2.TIDCP).
    (Always, Nothing, keys![
        "S3_0_C0_C0_1", "S3_0_C0_C0_2", "S3_0_C0_C0_3", "S3_0_C0_C0_4", "S3_0_C0_C0_7", "CCSIDR2_EL1", "RVBAR_EL1",
        "HCR_EL2", "SPSR_EL2", "S3_0_C11_C0_0", "S3_0_C15_C0_0", "S3_0_C15_C1_4", "S3_1_C15_C1_4",
    ]),
    // What KVM's traps keep from every guest: profiling and trace (MDCR_EL2, CPTR_EL2), activity monitors.
    (Always, Nothing, keys![
        "PMSCR_EL1", "PMSIDR_EL1", "PMBLIMITR_EL1", "TRBLIMITR_EL1", "TRCIDR0", "TRCAUTHSTATUS",
        "AMCR_EL0", "AMCFGR_EL0", "AMCGCR_EL0", "AMUSERENR_EL0", "PMUACR_EL1", "PMECR_EL1",
    ]),
    (Always, Readable, keys!["CNTPCT_EL0", "CNTVCT_EL0"]),
    // CSSELR_EL1 holds what was written last.
    (Always, Value(0xd), keys!["CSSELR_EL1"]),
    (Always, Value(0), keys!["ISR_EL1", "MDCCSR_EL0", "MDRAR_EL1", "OSDLR_EL1"]),
    // The GIC's CPU interface, with nothing pending or active.
    (Always, Value(7), keys!["ICC_SRE_EL1"]),
    (Always, Value(0), keys!["ICC_IGRPEN0_EL1", "ICC_IGRPEN1_EL1", "ICC_PMR_EL1", "ICC_AP0R0_EL1", "ICC_AP1R0_EL1"]),
    (Always, Value(0x3ff), keys!["ICC_HPPIR0_EL1", "ICC_HPPIR1_EL1"]),
    (Always, Value(0xff), keys!["ICC_RPR_EL1"]),
    // Limited ordering regions: none, where there is the feature.
    (Announced("ID_AA64MMFR1_EL1.LO", 1), Value(0), keys!["LORSA_EL1", "LOREA_EL1", "LORN_EL1", "LORC_EL1", "LORID_EL1"]),
    (Hidden("ID_AA64MMFR1_EL1.LO"), Nothing, keys!["LORSA_EL1", "LOREA_EL1", "LORN_EL1", "LORC_EL1", "LORID_EL1"]),
    // Features that the guest is told of.
    (Announced("ID_AA64PFR0_EL1.RAS", 1), Readable, keys!["DISR_EL1"]),
    (Announced("ID_AA64MMFR1_EL1.PAN", 1), Value(0), keys!["PAN"]),
    (Announced("ID_AA64MMFR2_EL1.UAO", 1), Value(0), keys!["UAO"]),
    (Announced("ID_AA64PFR0_EL1.DIT", 1), Value(0), keys!["DIT"]),
    (Announced("ID_AA64PFR1_EL1.SSBS", 2), Readable, keys!["SSBS"]),
    (Announced("ID_AA64ISAR0_EL1.RNDR", 1), Readable, keys!["RNDR", "RNDRRS"]),
    (Announced("ID_AA64MMFR0_EL1.ECV", 1), Readable, keys!["CNTPCTSS_EL0", "CNTVCTSS_EL0"]),
    (Announced("ID_AA64MMFR3_EL1.TCRX", 1), Readable, keys!["TCR2_EL1"]),
    (Announced("ID_AA64MMFR3_EL1.SCTLRX", 1), Readable, keys!["SCTLR2_EL1"]),
    (Announced("ID_AA64MMFR3_EL1.S1PIE", 1), Readable, keys!["PIR_EL1", "PIRE0_EL1"]),
    (Announced("ID_AA64MMFR3_EL1.S1POE", 1), Readable, keys!["POR_EL0", "POR_EL1"]),
    (Announced("ID_AA64PFR2_EL1.FPMR", 1), Readable, keys!["FPMR"]),
    // Features of a vCPU, which it has or cannot use.
    (With(Feature::Pauth), Readable, keys![
        "APIAKEYLO_EL1", "APIBKEYLO_EL1", "APDAKEYLO_EL1", "APDBKEYLO_EL1", "APGAKEYLO_EL1",
    ]),
    (Without(Feature::Pauth), Nothing, keys![
        "APIAKEYLO_EL1", "APIBKEYLO_EL1", "APDAKEYLO_EL1", "APDBKEYLO_EL1", "APGAKEYLO_EL1",
    ]),
    (With(Feature::Mte), Readable, keys!["RGSR_EL1", "GCR_EL1", "TFSR_EL1", "TFSRE0_EL1", "TCO"]),
    (Without(Feature::Mte), Nothing, keys!["GCR_EL1", "TFSR_EL1", "TFSRE0_EL1"]),
    (With(Feature::Sve), Readable, keys!["ZCR_EL1"]),
    // Redistributor, with LPIs off.
    (Always, Value(0), keys![
        "GICR_STATUSR", "GICR_WAKER", "GICR_MPAMIDR", "GICR_PARTIDR", "GICR_PROPBASER.high", "GICR_PENDBASER.high",
        "GICR_SYNCR", "GICR_PIDR0", "GICR_PIDR1", "GICR_PIDR3", "GICR_PIDR4", "GICR_PIDR5", "GICR_PIDR6", "GICR_PIDR7",
        "GICR_CIDR0", "GICR_CIDR1", "GICR_CIDR2", "GICR_CIDR3", "GICR_IPRIORITYR0", "GICR_ICFGR1", "GICR_IGRPMODR0",
        "GICR_NSACR", "GICR_ICFGR1.writable", "GICR_IGRPMODR0.writable",
    ]),
    (Always, Value(0x580), keys!["GICR_PENDBASER"]),
    (Always, Value(0xaaaa_aaaa), keys!["GICR_ICFGR0"]),
    (Always, Value(0xf8f8_f8f8), keys!["GICR_IPRIORITYR0.writable"]),
    (Always, Value(0xffff_fe1f), keys!["GICR_PROPBASER.writable"]),
    (Always, Value(0xffff_0e00), keys!["GICR_PENDBASER.writable"]),
    (Always, Value(0xf_ffff), keys!["GICR_PROPBASER.high.writable", "GICR_PENDBASER.high.writable"]),
];

/// What vCPU 0 finds, which looks at the distributor.
#[rustfmt::skip]
const OF_FIRST: &[(Shows, &[u64])] = &[
    (Value(0), keys![
        "GICD_IPRIORITYR8", "GICD_ITARGETSR8", "GICD_IGRPMODR1", "GICD_NSACR2", "GICD_IROUTER32", "GICD_IROUTER32.high",
        "GICD_PIDR0", "GICD_PIDR1", "GICD_PIDR3", "GICD_PIDR4", "GICD_PIDR5", "GICD_PIDR6", "GICD_PIDR7",
        "GICD_CIDR0", "GICD_CIDR1", "GICD_CIDR2", "GICD_CIDR3", "GICD_IGRPMODR1.writable",
    ]),
    (Value(u32::MAX as u64), keys!["GICD_STATUSR"]),
    (Value(0xaaaa_aaaa), keys!["GICD_ICFGR2", "GICD_ICFGR2.writable"]),
    (Value(0xf8f8_f8f8), keys!["GICD_IPRIORITYR8.writable"]),
];

/// The same as promises.
pub fn promises(lock: &Lock, vcpu: u32) -> impl Iterator<Item = Promise> {
    of(lock, vcpu)
        .into_iter()
        .map(move |(key, value, mask)| Promise {
            vcpu,
            key,
            value,
            mask,
        })
}

/// Whether it is how a vCPU of the lock is started that a guest with so many vCPUs has not.
pub fn starts_beyond(fact: u64, vcpus: u32, lock: &Lock) -> bool {
    starts(fact, lock).is_some_and(|vcpu| is_beyond(vcpu, vcpus))
}

/// The vCPU of a lock, where it is how that one is started.
pub(crate) fn starts(fact: u64, lock: &Lock) -> Option<u64> {
    let vcpu = wire::id_of(fact);
    let is_one = wire::kind_of(fact) == Some(Kind::CpuOn);
    (is_one && vcpu < lock.machine.vcpus.len() as u64).then_some(vcpu)
}

/// Whether a guest with so many vCPUs has no such one; the first starts without being started.
pub(crate) fn is_beyond(vcpu: u64, vcpus: u32) -> bool {
    vcpu >= vcpus.max(1).into()
}

/// The ID register whose field decides what a guest finds there, where one does.
pub fn decided_by(fact: u64) -> Option<&'static str> {
    static KNOWN: LazyLock<BTreeMap<u64, &str>> = LazyLock::new(|| {
        let of_each = OF_EACH.iter().flat_map(|(.., facts)| *facts);
        let facts = of_each.chain(PMU).copied().chain(of_events());
        facts
            .filter_map(|fact| Some((fact, decides(fact)?)))
            .collect()
    });
    KNOWN.get(&fact).copied()
}

/// What the witness reads of counters of events.
fn of_events() -> impl Iterator<Item = u64> {
    (0..EVENT_COUNTERS).flat_map(|n| [event_counter(n), event_type(n)])
}

/// As [`decided_by`], out of the rows.
fn decides(fact: u64) -> Option<&'static str> {
    let mut rows = OF_EACH.iter().filter(|(.., facts)| facts.contains(&fact));
    let field = rows.find_map(|(given, ..)| match given {
        Announced(path, _) | Hidden(path) => Some(*path),
        Always | With(_) | Without(_) => None,
    });
    let of_pmu = PMU.contains(&fact) || of_events().any(|of_event| of_event == fact);
    let path = field.or(of_pmu.then_some(PMU_VERSION))?;
    path.split_once('.').map(|(register, _)| register)
}

/// The field that says whether there is a PMU.
const PMU_VERSION: &str = "ID_AA64DFR0_EL1.PMUVer";

/// Of the PMU's registers, those that a vCPU without one cannot read where it is told of none. PMMIR_EL1 is missing:
/// up to 6.18 it can be read there.
#[rustfmt::skip]
const PMU: &[u64] = keys![
    "PMCR_EL0", "PMCEID0_EL0", "PMCEID1_EL0", "PMCNTENSET_EL0", "PMCNTENCLR_EL0", "PMOVSCLR_EL0", "PMOVSSET_EL0",
    "PMSELR_EL0", "PMCCNTR_EL0", "PMXEVTYPER_EL0", "PMXEVCNTR_EL0", "PMUSERENR_EL0", "PMINTENSET_EL1",
    "PMINTENCLR_EL1", "PMCCFILTR_EL0",
];

/// The most counters of events that a PMU can have.
pub(super) const EVENT_COUNTERS: u64 = 31;

/// What follows from a lock of [`SINCE`] or later for one vCPU.
pub(super) fn of(lock: &Lock, vcpu: u32) -> Vec<Shown> {
    let mut out = Vec::new();
    let mut add = |shows: Shows, facts: &[u64]| {
        let (value, mask) = match shows {
            Nothing => (None, u64::MAX),
            Readable => (Some(0), 0),
            Value(value) => (Some(value), u64::MAX),
        };
        out.extend(facts.iter().map(|fact| (*fact, value, mask)));
    };
    for (given, shows, facts) in OF_EACH {
        if holds(lock, *given) {
            add(*shows, facts);
        }
    }
    // Where vCPU 0 has written zero before, KVM has made it cacheable and shareable (`vgic_sanitise_lpi_config`…).
    add(
        Value(if vcpu == 0 { 0 } else { 0x180 }),
        keys!["GICR_PROPBASER"],
    );
    if let Some(bits) = priority_bits(lock) {
        priorities(bits, &mut add);
    }
    if no_pmu(lock) {
        add(Nothing, PMU);
        for n in 0..EVENT_COUNTERS {
            add(Nothing, &[event_counter(n), event_type(n)]);
        }
    }
    if vcpu == 0 {
        for (shows, facts) in OF_FIRST {
            add(*shows, facts);
        }
        for other in 1..lock.machine.vcpus.len() as u64 {
            add(Value(0), &[key(Kind::CpuOn, other)]);
        }
        for (call, value) in firmware(lock) {
            add(Value(value), &[call]);
        }
    }
    out
}

/// Whether the guest has no PMU and is told of none.
fn no_pmu(lock: &Lock) -> bool {
    !lock.features.contains(&Feature::Pmu) && holds(lock, Hidden(PMU_VERSION))
}

/// Functions that answer no caller without arguments, and how many results are looked at: all that the witness calls
/// and of which a lock does not say what they answer.
pub fn unimplemented(services: &Services) -> impl Iterator<Item = (u32, u64)> {
    let answered: BTreeSet<u32> = smccc::answers(services, SINCE)
        .into_iter()
        .filter(|(key, _)| wire::kind_of(*key) == Some(Kind::Hvc))
        .map(|(key, _)| wire::call_function(wire::id_of(key)))
        .chain(FAST)
        .chain([calls::PV_TIME_ST])
        .collect();
    let all = calls::CALLS
        .iter()
        .map(|(function, results)| (*function, *results as u64));
    all.filter(move |(function, _)| !answered.contains(function))
}

/// What firmware answers beside the lock's own answers: the calls, and x0 or what the name says.
fn firmware(lock: &Lock) -> Vec<(u64, u64)> {
    let services = Services::of_lock(lock);
    let call = |kind, function, n| key(kind, wire::call(function, n, 0));
    let mut out = Vec::new();
    for (function, results) in unimplemented(&services) {
        out.push((call(Kind::Hvc, function, 0), NOT_SUPPORTED));
        out.extend((1..results).map(|n| (call(Kind::Hvc, function, n), 0)));
    }
    out.extend(FAST.map(|function| (call(Kind::Hvc, function, 0), smccc::SUCCESS)));
    out.extend((1..4).map(|n| (call(Kind::Hvc, TRNG_VERSION, n), 0)));
    if lock.machine.vcpus.len() > 1 {
        let asked = wire::call(calls::PSCI_AFFINITY_INFO, 0, wire::CASE_OFF);
        out.push((key(Kind::HvcArguments, asked), AFFINITY_OFF));
    }
    for function in calls::LEAVE_REGISTERS.iter().copied() {
        out.push((call(Kind::HvcLeaves, function, 0), wire::LEFT_ZEROED));
        // Where SMC is no conduit, it is taken for none where the runner can see to that.
        if !services.smc && !smccc::filterable(function) {
            continue;
        }
        let left = if services.smc { wire::LEFT_ZEROED } else { 0 };
        out.push((call(Kind::SmcLeaves, function, 0), left));
        if !calls::BY_SMC.contains(&function) {
            let answer = match function {
                MIGRATE_INFO_TYPE if services.smc => 2,
                _ => NOT_SUPPORTED,
            };
            out.push((call(Kind::Smc, function, 0), answer));
        }
    }
    out
}

/// Bits of priority that the GIC's CPU interface has (ICC_CTLR_EL1.PRIbits counts one less).
fn priority_bits(lock: &Lock) -> Option<u64> {
    field_of(lock, "ICC_CTLR_EL1.PRIbits").map(|bits| bits + 1)
}

/// The registers in which the bits of priority show: which ICC_AP0Rn and ICC_AP1Rn there are, how small a binary point
/// can be, and what of a priority can be written (IHI 0069, chapter 12).
fn priorities(bits: u64, add: &mut impl FnMut(Shows, &[u64])) {
    let there = |from| if bits >= from { Value(0) } else { Nothing };
    add(there(6), keys!["ICC_AP0R1_EL1", "ICC_AP1R1_EL1"]);
    add(
        there(7),
        keys![
            "ICC_AP0R2_EL1",
            "ICC_AP0R3_EL1",
            "ICC_AP1R2_EL1",
            "ICC_AP1R3_EL1",
        ],
    );
    let (group_0, group_1) = (7u64.saturating_sub(bits), 8u64.saturating_sub(bits));
    add(Value(group_0), keys!["ICC_BPR0_EL1"]);
    add(Value(group_1), keys!["ICC_BPR1_EL1"]);
    add(Value(7 ^ group_0), keys!["ICC_BPR0_EL1.writable"]);
    add(Value(7 ^ group_1), keys!["ICC_BPR1_EL1.writable"]);
    add(Value(0xff & !(0xff >> bits)), keys!["ICC_PMR_EL1.writable"]);
}

fn holds(lock: &Lock, given: Given) -> bool {
    match given {
        Always => true,
        With(feature) => lock.features.contains(&feature),
        Without(feature) => !lock.features.contains(&feature),
        Announced(path, least) => {
            let order = |value| field(path).map_or(0, |(_, field)| field.order(value));
            field_of(lock, path).is_some_and(|value| order(value) >= order(least))
        }
        Hidden(path) => {
            let none = field(path).map(|(_, field)| field.none());
            none.is_some() && field_of(lock, path) == none
        }
    }
}

/// A field that a lock promises as a whole; 0 where the register stands in no lock of its version.
fn field_of(lock: &Lock, path: &str) -> Option<u64> {
    let (register, field) = field(path)?;
    match lock.registers.iter().find(|entry| entry.id == register.id) {
        Some(entry) => {
            let promised = entry.promised() & field.mask() == field.mask();
            promised.then(|| field.get(entry.value))
        }
        None => Some(field.none()),
    }
}
