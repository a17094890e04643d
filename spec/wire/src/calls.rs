//! What the witness asks of firmware: PSCI, the Arm architecture calls and each hypercall service, what an unknown
//! function returns and leaves in the registers, and whether SMC is a conduit.
//!
//! Function ids: SMCCC (DEN0028), PSCI (DEN0022), TRNG (DEN0098), paravirtual time (DEN0057); KVM's own:
//! include/linux/arm-smccc.h, v6.18.

use crate::{
    CASE_BAD_LEVEL, CASE_BAD_TYPE, CASE_BITS_BAD, CASE_BITS_GOOD, CASE_NOBODY, CASE_OFF, CASE_SELF,
    CASE_SELF_RESERVED_BIT, CASE_VIRTUAL_COUNTER,
};

/// Version of the calling convention.
pub const SMCCC_VERSION: u32 = 0x8000_0000;
/// Whether an Arm architecture call is there.
pub const SMCCC_ARCH_FEATURES: u32 = 0x8000_0001;
/// Version of PSCI.
pub const PSCI_VERSION: u32 = 0x8400_0000;
/// Stops the calling CPU.
pub const PSCI_CPU_OFF: u32 = 0x8400_0002;
/// Starts a CPU, 32-bit registers.
pub const PSCI_CPU_ON_32: u32 = 0x8400_0003;
/// Starts a CPU.
pub const PSCI_CPU_ON: u32 = 0xc400_0003;
/// Whether a CPU is on, 32-bit registers.
pub const PSCI_AFFINITY_INFO_32: u32 = 0x8400_0004;
/// Whether a CPU is on.
pub const PSCI_AFFINITY_INFO: u32 = 0xc400_0004;
/// Ends the machine.
pub const PSCI_SYSTEM_OFF: u32 = 0x8400_0008;
/// Whether a PSCI function is there.
pub const PSCI_FEATURES: u32 = 0x8400_000a;
/// Resets by type, 32-bit registers.
pub const PSCI_SYSTEM_RESET2_32: u32 = 0x8400_0012;
/// Resets by type.
pub const PSCI_SYSTEM_RESET2: u32 = 0xc400_0012;
/// Ends the machine by type, 32-bit registers.
pub const PSCI_SYSTEM_OFF2_32: u32 = 0x8400_0015;
/// Ends the machine by type.
pub const PSCI_SYSTEM_OFF2: u32 = 0xc400_0015;
/// Whether a function of the generator of random numbers is there.
pub const TRNG_FEATURES: u32 = 0x8400_0051;
/// Random numbers, 32-bit registers.
pub const TRNG_RND_32: u32 = 0x8400_0053;
/// Random numbers.
pub const TRNG_RND: u32 = 0xc400_0053;
/// Whether a function of paravirtualised time is there.
pub const PV_TIME_FEATURES: u32 = 0xc500_0020;
/// Where stolen time is told.
pub const PV_TIME_ST: u32 = 0xc500_0021;
/// Which of KVM's own functions are there.
pub const VENDOR_FEATURES: u32 = 0x8600_0000;
/// Two clocks at one instant.
pub const VENDOR_PTP: u32 = 0x8600_0001;
/// How many implementations there are.
pub const VENDOR_DISCOVER_IMPL_VER: u32 = 0xc600_0040;
/// Which implementations there are.
pub const VENDOR_DISCOVER_IMPL_CPUS: u32 = 0xc600_0041;
/// An id in the architecture range that is given to nothing.
pub const UNKNOWN_ARCHITECTURE: u32 = 0x8000_7000;

/// PSCI functions 0 to this are asked about, in both widths.
pub const LAST_PSCI: u32 = 0x20;

/// Functions that take no argument and change nothing, and how many result
/// registers each may use.
#[rustfmt::skip]
pub const CALLS: &[(u32, usize)] = &[
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
pub const ARCH_FEATURES: &[u32] = &[
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
pub const TRNG_FUNCTIONS: &[u32] = &[
    0x8400_0050,
    TRNG_FEATURES,
    0x8400_0052,
    TRNG_RND_32,
    TRNG_RND,
    0x8400_0054,
];

/// What PV_TIME_FEATURES is asked about.
pub const PV_TIME_FUNCTIONS: &[u32] = &[PV_TIME_FEATURES, PV_TIME_ST, UNKNOWN_ARCHITECTURE];

/// What PSCI_FEATURES is asked about, besides every PSCI function.
pub const PSCI_ARCHITECTURE: &[u32] = &[SMCCC_VERSION, SMCCC_ARCH_FEATURES];

/// Calls with arguments, each with its case. None of these can start or stop anything: their target runs
/// already, does not exist or is only asked about, or the type is one that PSCI does not define.
#[rustfmt::skip]
pub const WITH_ARGUMENTS: &[(u32, u64)] = &[
    (PSCI_AFFINITY_INFO, CASE_SELF), (PSCI_AFFINITY_INFO_32, CASE_SELF),
    (PSCI_CPU_ON, CASE_SELF), (PSCI_CPU_ON_32, CASE_SELF),
    (PSCI_AFFINITY_INFO, CASE_SELF_RESERVED_BIT), (PSCI_AFFINITY_INFO, CASE_NOBODY),
    (PSCI_CPU_ON, CASE_SELF_RESERVED_BIT), (PSCI_CPU_ON, CASE_NOBODY),
    (PSCI_AFFINITY_INFO, CASE_BAD_LEVEL), (PSCI_AFFINITY_INFO, CASE_OFF),
    (PSCI_SYSTEM_RESET2, CASE_BAD_TYPE), (PSCI_SYSTEM_RESET2_32, CASE_BAD_TYPE),
    (PSCI_SYSTEM_OFF2, CASE_BAD_TYPE), (PSCI_SYSTEM_OFF2_32, CASE_BAD_TYPE),
    (TRNG_RND_32, CASE_BITS_GOOD), (TRNG_RND_32, CASE_BITS_BAD),
    (TRNG_RND, CASE_BITS_GOOD), (TRNG_RND, CASE_BITS_BAD),
    (VENDOR_PTP, CASE_VIRTUAL_COUNTER),
];

/// x1 to x3 of a call with arguments, for a vCPU with the affinity `own`; `other` is that of vCPU 1, which has not
/// been started. `None` where there is no such vCPU, or no such case.
pub fn arguments(function: u32, case: u64, own: u64, other: Option<u64>) -> Option<[u64; 3]> {
    /// An affinity that no vCPU has: all of its fields are ones.
    const NOBODY: u64 = 0xff_00ff_ffff;
    /// Bit 24 of an MPIDR is MT, not a part of the affinity.
    const RESERVED_BIT: u64 = 1 << 24;
    let x1 = match (case, function) {
        (CASE_SELF, _) => own,
        (CASE_SELF_RESERVED_BIT, _) => own | RESERVED_BIT,
        (CASE_NOBODY, _) => NOBODY,
        (CASE_OFF, _) => other?,
        (CASE_BAD_LEVEL, _) => return Some([own, 4, 0]),
        (CASE_BAD_TYPE, PSCI_SYSTEM_RESET2 | PSCI_SYSTEM_RESET2_32) => 1,
        (CASE_BAD_TYPE, _) => 2,
        (CASE_BITS_GOOD, TRNG_RND_32) => 32,
        (CASE_BITS_GOOD, _) => 64,
        (CASE_BITS_BAD, TRNG_RND_32) => 97,
        (CASE_BITS_BAD, _) => 193,
        (CASE_VIRTUAL_COUNTER, _) => 0,
        _ => return None,
    };
    Some([x1, 0, 0])
}

/// Cases in which success has no result that could be promised: it is recorded as 0.
pub const SUCCESS_ALONE: &[u64] = &[CASE_BITS_GOOD, CASE_BITS_BAD, CASE_VIRTUAL_COUNTER];

/// Functions that every vCPU asks by SMC.
pub const BY_SMC: &[u32] = &[PSCI_VERSION, SMCCC_VERSION];

/// Functions of one result, or that are given to nothing, of which vCPU 0 sees what x1 to x17 hold afterwards, by both
/// conduits; and what they answer by SMC.
#[rustfmt::skip]
pub const LEAVE_REGISTERS: &[u32] = &[
    PSCI_VERSION,
    0x8400_0006,                    // MIGRATE_INFO_TYPE
    SMCCC_VERSION,
    UNKNOWN_ARCHITECTURE,
    0x8300_7000,                    // OEM
    0x8400_7000,                    // standard secure
    0x8500_7000,                    // standard hypervisor
    0x8600_7000,                    // vendor hypervisor
    0xc600_7000,                    // vendor hypervisor, 64-bit registers
    0xb200_7000,                    // trusted OS
    0x0200_7000,                    // yielding
];
