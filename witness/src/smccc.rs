//! What firmware answers: PSCI, the Arm architecture calls and each hypercall
//! service, what an unknown function returns, and whether SMC is a conduit.
//!
//! Function ids: SMCCC (DEN0028), PSCI (DEN0022), TRNG (DEN0098), paravirtual
//! time (DEN0057); KVM's own: include/linux/arm-smccc.h, v6.18.

use crate::boot;
use crate::probe::{self, Conduit, Outcome};
use crate::record::Area;
use crate::wire::{self, Kind};

const SMCCC_VERSION: u32 = 0x8000_0000;
const SMCCC_ARCH_FEATURES: u32 = 0x8000_0001;
const PSCI_VERSION: u32 = 0x8400_0000;
const PSCI_CPU_OFF: u32 = 0x8400_0002;
const PSCI_CPU_ON_32: u32 = 0x8400_0003;
const PSCI_CPU_ON: u32 = 0xc400_0003;
const PSCI_AFFINITY_INFO_32: u32 = 0x8400_0004;
const PSCI_AFFINITY_INFO: u32 = 0xc400_0004;
const PSCI_SYSTEM_OFF: u32 = 0x8400_0008;
const PSCI_FEATURES: u32 = 0x8400_000a;
const PSCI_SYSTEM_RESET2_32: u32 = 0x8400_0012;
const PSCI_SYSTEM_RESET2: u32 = 0xc400_0012;
const PSCI_SYSTEM_OFF2_32: u32 = 0x8400_0015;
const PSCI_SYSTEM_OFF2: u32 = 0xc400_0015;
const TRNG_FEATURES: u32 = 0x8400_0051;
const TRNG_RND_32: u32 = 0x8400_0053;
const TRNG_RND: u32 = 0xc400_0053;
const PV_TIME_FEATURES: u32 = 0xc500_0020;
const PV_TIME_ST: u32 = 0xc500_0021;
const VENDOR_FEATURES: u32 = 0x8600_0000;
const VENDOR_PTP: u32 = 0x8600_0001;
const VENDOR_DISCOVER_IMPL_VER: u32 = 0xc600_0040;
const VENDOR_DISCOVER_IMPL_CPUS: u32 = 0xc600_0041;

/// An id in the architecture range that is given to nothing.
const UNKNOWN_ARCHITECTURE: u32 = 0x8000_7000;

/// PSCI functions 0 to this are asked about, in both widths.
const LAST_PSCI: u32 = 0x20;

/// Functions that take no argument and change nothing, and how many result
/// registers each may use.
#[rustfmt::skip]
const CALLS: &[(u32, usize)] = &[
    (SMCCC_VERSION, 1),
    (0x8000_0002, 1),               // SOC_ID, version
    (0x8000_8000, 1),               // WORKAROUND_1
    (0x8000_3fff, 1),               // WORKAROUND_3
    (UNKNOWN_ARCHITECTURE, 1),
    (0xc000_7000, 1),               // the same with 64-bit registers
    (PSCI_VERSION, 1),
    (0x8400_0005, 1),               // MIGRATE (to nowhere)
    (0x8400_0006, 1),               // MIGRATE_INFO_TYPE
    (0x8400_0007, 1),               // MIGRATE_INFO_UP_CPU
    (0xc400_0005, 1),
    (0xc400_0007, 1),
    (0x8400_000f, 1),               // PSCI_SET_SUSPEND_MODE (platform)
    (0x8400_0010, 1),               // PSCI_STAT_RESIDENCY (of MPIDR 0)
    (0x8400_0011, 1),               // PSCI_STAT_COUNT
    (0x8400_0013, 1),               // MEM_PROTECT (off)
    (0x8400_001e, 1),               // not given to any PSCI function
    (0xc400_001e, 1),
    (0x8400_0050, 4),               // TRNG_VERSION
    (TRNG_FEATURES, 1),
    (0x8400_0052, 4),               // TRNG_GET_UUID
    (0xc400_0050, 1),
    (PV_TIME_FEATURES, 1),
    (PV_TIME_ST, 1),
    (0x8500_0020, 1),               // PV_TIME_FEATURES with 32-bit registers
    (VENDOR_FEATURES, 4),
    (0x8600_ff00, 4),               // call counts, UIDs, revisions of the owners
    (0x8600_ff01, 4),
    (0x8600_ff03, 4),
    (0x8500_ff00, 4),
    (0x8500_ff01, 4),
    (0x8500_ff03, 4),
    (0x8400_ff00, 4),
    (0x8400_ff01, 4),
    (0x8400_ff03, 4),
    (0x8000_ff01, 4),
    (VENDOR_DISCOVER_IMPL_VER, 4),
    (VENDOR_DISCOVER_IMPL_CPUS, 4),
    // Unknown functions: one of each owner, one yielding. The ids of PSCI 0.1
    // are left alone: some hypervisors do suspend the vCPU for them.
    (0x8100_7000, 1),               // CPU
    (0x8200_7000, 1),               // silicon partner
    (0x8300_7000, 1),               // OEM
    (0x8400_7000, 1),               // standard secure
    (0x8500_7000, 1),               // standard hypervisor
    (0x8600_7000, 1),               // vendor hypervisor
    (0xb000_7000, 1),               // trusted application
    (0xb200_7000, 1),               // trusted OS
    (0xc600_7000, 1),               // vendor hypervisor, 64-bit registers
    (0x0200_7000, 1),               // yielding
];

/// What SMCCC_ARCH_FEATURES is asked about.
#[rustfmt::skip]
const ARCH_FEATURES: &[u32] = &[
    SMCCC_VERSION, SMCCC_ARCH_FEATURES,
    0x8000_0002, 0x8000_0003, 0x8000_0004, // SOC_ID, FEATURE_AVAILABILITY, WORKAROUND_4
    0x8000_8000, 0x8000_7fff, 0x8000_3fff, // WORKAROUND_1, 2, 3
    UNKNOWN_ARCHITECTURE,
    PSCI_VERSION, PSCI_FEATURES,
    0x8400_0050, TRNG_FEATURES, TRNG_RND,
    PV_TIME_FEATURES, PV_TIME_ST,
    VENDOR_FEATURES, VENDOR_PTP, VENDOR_DISCOVER_IMPL_VER,
];

/// What TRNG_FEATURES is asked about: version, itself, UUID, both RND, nothing.
const TRNG_FUNCTIONS: &[u32] = &[
    0x8400_0050,
    TRNG_FEATURES,
    0x8400_0052,
    TRNG_RND_32,
    TRNG_RND,
    0x8400_0054,
];

/// An affinity that no vCPU has: all of its fields are ones.
const NOBODY: u64 = 0xff_00ff_ffff;

/// Bit 24 of an MPIDR is MT, not a part of the affinity.
const RESERVED_BIT: u64 = 1 << 24;

fn outcome(conduit: Conduit, function: u32, arguments: [u64; 3]) -> Outcome {
    let [x1, x2, x3] = arguments;
    match probe::call(conduit, [function.into(), x1, x2, x3]) {
        Ok([x0, ..]) => Outcome::Value(x0),
        Err(esr) => Outcome::Exception(esr),
    }
}

/// Records x0 up to `results` registers of a call without arguments.
fn plain(area: &mut Area, kind: Kind, conduit: Conduit, function: u32, results: usize) {
    match probe::call(conduit, [function.into(), 0, 0, 0]) {
        Ok(values) => {
            for (n, value) in (0..).zip(values).take(results) {
                let id = wire::call(function, n, 0);
                area.push_outcome(kind, id, Outcome::Value(value));
            }
        }
        Err(esr) => {
            area.push_outcome(kind, wire::call(function, 0, 0), Outcome::Exception(esr));
        }
    }
}

/// Records x0 of a call with arguments.
fn with(area: &mut Area, function: u32, case: u64, arguments: [u64; 3]) {
    let outcome = outcome(Conduit::Hvc, function, arguments);
    area.push_outcome(Kind::HvcArguments, wire::call(function, 0, case), outcome);
}

/// As [`with`], where success has no result that could be promised.
fn with_success(area: &mut Area, function: u32, case: u64, x1: u64) {
    let outcome = outcome(Conduit::Hvc, function, [x1, 0, 0]);
    // An error is negative in the width of the function: 32-bit ones are seen
    // with and without sign extension.
    let outcome = outcome.map(|x0| {
        if (x0 as i64) < 0 || x0 >> 31 == 1 {
            x0
        } else {
            0
        }
    });
    area.push_outcome(Kind::HvcArguments, wire::call(function, 0, case), outcome);
}

/// Records what every vCPU asks.
pub fn each(area: &mut Area, mpidr: u64) {
    for function in [PSCI_VERSION, SMCCC_VERSION] {
        plain(area, Kind::Hvc, Conduit::Hvc, function, 1);
    }
    for function in [
        PSCI_SYSTEM_RESET2,
        PSCI_SYSTEM_OFF2,
        PSCI_CPU_ON,
        0xc400_000e,
    ] {
        features(area, PSCI_FEATURES, Kind::PsciFeatures, function);
    }
    for function in [0x8000_8000, 0x8000_7fff, 0x8000_3fff, PV_TIME_FEATURES] {
        features(area, SMCCC_ARCH_FEATURES, Kind::ArchFeatures, function);
    }
    with(area, PSCI_AFFINITY_INFO, wire::CASE_SELF, [mpidr, 0, 0]);
    plain(area, Kind::Hvc, Conduit::Hvc, PV_TIME_ST, 1);
    plain(area, Kind::Hvc, Conduit::Hvc, VENDOR_FEATURES, 4);
    smc(area);
}

/// Records what stands in the structure that this vCPU is told of, if it is told of one.
pub fn stolen_time(area: &mut Area) {
    let Outcome::Value(address) = outcome(Conduit::Hvc, PV_TIME_ST, [0; 3]) else {
        return;
    };
    // An address in the identity map; an error is negative.
    if address % 64 != 0 || !(wire::RAM_BASE..boot::IDENTITY_END).contains(&address) {
        return;
    }
    let (revision, attributes) = (probe::read32(address), probe::read32(address + 4));
    let head = match attributes {
        Outcome::Value(high) => revision.map(|low| high << 32 | low),
        exception => exception,
    };
    area.push_outcome(Kind::Use, wire::USE_STOLEN_TIME, head);
    let time = probe::read32(address + 8);
    area.push_outcome(Kind::Use, wire::USE_STOLEN_NANOSECONDS, time);
}

/// Records every service. vCPU 1, if there is one, must not have been started.
pub fn full(area: &mut Area, mpidr: u64, other: Option<u64>) {
    for &(function, results) in CALLS {
        plain(area, Kind::Hvc, Conduit::Hvc, function, results);
    }
    for number in 0..=LAST_PSCI {
        for width in [0x8400_0000, 0xc400_0000] {
            features(area, PSCI_FEATURES, Kind::PsciFeatures, width | number);
        }
    }
    for function in [SMCCC_VERSION, SMCCC_ARCH_FEATURES] {
        features(area, PSCI_FEATURES, Kind::PsciFeatures, function);
    }
    for &function in ARCH_FEATURES {
        features(area, SMCCC_ARCH_FEATURES, Kind::ArchFeatures, function);
    }
    for &function in TRNG_FUNCTIONS {
        features(area, TRNG_FEATURES, Kind::TrngFeatures, function);
    }
    for function in [PV_TIME_FEATURES, PV_TIME_ST, UNKNOWN_ARCHITECTURE] {
        features(area, PV_TIME_FEATURES, Kind::PvTimeFeatures, function);
    }
    psci_arguments(area, mpidr, other);
    with_success(area, TRNG_RND_32, wire::CASE_BITS_GOOD, 32);
    with_success(area, TRNG_RND_32, wire::CASE_BITS_BAD, 97);
    with_success(area, TRNG_RND, wire::CASE_BITS_GOOD, 64);
    with_success(area, TRNG_RND, wire::CASE_BITS_BAD, 193);
    with_success(area, VENDOR_PTP, wire::CASE_VIRTUAL_COUNTER, 0);
    smc(area);
}

fn features(area: &mut Area, asked: u32, kind: Kind, function: u32) {
    let outcome = outcome(Conduit::Hvc, asked, [function.into(), 0, 0]);
    area.push_outcome(kind, function.into(), outcome);
}

/// Error codes. None of these can start or stop anything: their target runs
/// already, does not exist, or the type is one that PSCI does not define.
fn psci_arguments(area: &mut Area, mpidr: u64, other: Option<u64>) {
    for function in [
        PSCI_AFFINITY_INFO,
        PSCI_AFFINITY_INFO_32,
        PSCI_CPU_ON,
        PSCI_CPU_ON_32,
    ] {
        with(area, function, wire::CASE_SELF, [mpidr, 0, 0]);
    }
    for function in [PSCI_AFFINITY_INFO, PSCI_CPU_ON] {
        let reserved = mpidr | RESERVED_BIT;
        with(
            area,
            function,
            wire::CASE_SELF_RESERVED_BIT,
            [reserved, 0, 0],
        );
        with(area, function, wire::CASE_NOBODY, [NOBODY, 0, 0]);
    }
    with(
        area,
        PSCI_AFFINITY_INFO,
        wire::CASE_BAD_LEVEL,
        [mpidr, 4, 0],
    );
    if let Some(other) = other {
        with(area, PSCI_AFFINITY_INFO, wire::CASE_OFF, [other, 0, 0]);
    }
    for function in [PSCI_SYSTEM_RESET2, PSCI_SYSTEM_RESET2_32] {
        with(area, function, wire::CASE_BAD_TYPE, [1, 0, 0]);
    }
    for function in [PSCI_SYSTEM_OFF2, PSCI_SYSTEM_OFF2_32] {
        with(area, function, wire::CASE_BAD_TYPE, [2, 0, 0]);
    }
}

fn smc(area: &mut Area) {
    for function in [PSCI_VERSION, SMCCC_VERSION] {
        plain(area, Kind::Smc, Conduit::Smc, function, 1);
    }
}

/// Starts the vCPU with this affinity at `entry`, `context` in its x0.
pub fn cpu_on(mpidr: u64, entry: u64, context: u64) -> Outcome {
    outcome(Conduit::Hvc, PSCI_CPU_ON, [mpidr, entry, context])
}

/// Stops this vCPU; returns only if that is refused.
pub fn cpu_off() {
    outcome(Conduit::Hvc, PSCI_CPU_OFF, [0; 3]);
}

/// Ends the machine; returns only if that is refused.
pub fn system_off() {
    outcome(Conduit::Hvc, PSCI_SYSTEM_OFF, [0; 3]);
}
