//! Firmware calls: names of functions, and what KVM answers to those whose
//! answer never changes, as a function of PSCI version and service bitmaps.
//!
//! Sources: SMC Calling Convention (DEN0028), PSCI (DEN0022), TRNG (DEN0098),
//! paravirtualised time (DEN0057); arch/arm64/kvm/psci.c and hypercalls.c, 5.10 to 7.3.

use crate::catalogue::register_by_name;
use crate::lock::{Lock, LockedRegister, hex};
use crate::observation::{fact_name, wire};
use crate::vm::Feature;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// `KVM_REG_ARM_PSCI_VERSION` (arch/arm64/include/uapi/asm/kvm.h), 64 bits.
pub const PSCI_VERSION_REGISTER: u64 = 0x6030_0000_0014_0000;
/// `KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1`.
pub const WORKAROUND_1_REGISTER: u64 = 0x6030_0000_0014_0001;
/// `KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2`.
pub const WORKAROUND_2_REGISTER: u64 = 0x6030_0000_0014_0002;
/// `KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3`.
pub const WORKAROUND_3_REGISTER: u64 = 0x6030_0000_0014_0003;
/// `KVM_REG_ARM_STD_BMAP`.
pub const STD_BMAP_REGISTER: u64 = 0x6030_0000_0016_0000;
/// `KVM_REG_ARM_STD_HYP_BMAP`.
pub const STD_HYP_BMAP_REGISTER: u64 = 0x6030_0000_0016_0001;
/// `KVM_REG_ARM_VENDOR_HYP_BMAP`.
pub const VENDOR_HYP_BMAP_REGISTER: u64 = 0x6030_0000_0016_0002;
/// `KVM_REG_ARM_VENDOR_HYP_BMAP_2`.
pub const VENDOR_HYP_BMAP_2_REGISTER: u64 = 0x6030_0000_0016_0003;

/// The firmware workarounds: KVM's register, and the function that SMCCC_ARCH_FEATURES is asked about.
pub const WORKAROUNDS: [(u64, u32); 3] = [
    (WORKAROUND_1_REGISTER, 0x8000_8000),
    (WORKAROUND_2_REGISTER, 0x8000_7fff),
    (WORKAROUND_3_REGISTER, 0x8000_3fff),
];

/// The PSCI versions that exist, as `(major << 16) | minor`, with their names.
pub const PSCI_VERSIONS: &[(u32, &str)] = &[
    (0x0_0002, "0.2"),
    (0x1_0000, "1.0"),
    (0x1_0001, "1.1"),
    (0x1_0002, "1.2"),
    (0x1_0003, "1.3"),
];

/// The name of a PSCI version.
pub fn psci_name(version: u32) -> Option<&'static str> {
    PSCI_VERSIONS
        .iter()
        .find(|(v, _)| *v == version)
        .map(|(_, name)| *name)
}

/// The number of a PSCI version.
pub fn psci_number(name: &str) -> Option<u32> {
    PSCI_VERSIONS
        .iter()
        .find(|(_, n)| *n == name)
        .map(|(v, _)| *v)
}

/// SMCCC `SUCCESS` (DEN0028 section 7.1).
pub const SUCCESS: u64 = 0;
/// SMCCC `NOT_SUPPORTED`, -1 in 64 bits (DEN0028 section 7.1).
pub const NOT_SUPPORTED: u64 = u64::MAX;
/// SMCCC `NOT_REQUIRED`, -2 (DEN0028 section 7.1): no CPU needs SMCCC_ARCH_WORKAROUND_2.
pub const NOT_REQUIRED: u64 = u64::MAX - 1;
/// That this CPU needs no SMCCC_ARCH_WORKAROUND_1 or _3 (DEN0028; `SMCCC_ARCH_WORKAROUND_RET_UNAFFECTED`,
/// include/linux/arm-smccc.h, 7.3).
pub const UNAFFECTED: u64 = 1;
/// PSCI `INVALID_PARAMETERS`, -2 (DEN0022 section 5.2.2).
pub const INVALID_PARAMETERS: u64 = u64::MAX - 1;
/// PSCI `ALREADY_ON`, -4.
pub const ALREADY_ON: u64 = u64::MAX - 3;

/// Function identifiers and their names.
pub const FUNCTIONS: &[(u32, &str)] = &[
    (0x8000_0000, "SMCCC_VERSION"),
    (0x8000_0001, "SMCCC_ARCH_FEATURES"),
    (0x8000_0002, "SMCCC_ARCH_SOC_ID"),
    (0x8000_3fff, "SMCCC_ARCH_WORKAROUND_3"),
    (0x8000_7fff, "SMCCC_ARCH_WORKAROUND_2"),
    (0x8000_8000, "SMCCC_ARCH_WORKAROUND_1"),
    (0x8000_0004, "SMCCC_ARCH_WORKAROUND_4"),
    (0x8400_0000, "PSCI_VERSION"),
    (0x8400_0001, "CPU_SUSPEND32"),
    (0x8400_0002, "CPU_OFF"),
    (0x8400_0003, "CPU_ON32"),
    (0x8400_0004, "AFFINITY_INFO32"),
    (0x8400_0005, "MIGRATE32"),
    (0x8400_0006, "MIGRATE_INFO_TYPE"),
    (0x8400_0007, "MIGRATE_INFO_UP_CPU32"),
    (0x8400_0008, "SYSTEM_OFF"),
    (0x8400_0009, "SYSTEM_RESET"),
    (0x8400_000a, "PSCI_FEATURES"),
    (0x8400_000b, "CPU_FREEZE"),
    (0x8400_000c, "CPU_DEFAULT_SUSPEND32"),
    (0x8400_000d, "NODE_HW_STATE32"),
    (0x8400_000e, "SYSTEM_SUSPEND32"),
    (0x8400_000f, "PSCI_SET_SUSPEND_MODE"),
    (0x8400_0010, "PSCI_STAT_RESIDENCY32"),
    (0x8400_0011, "PSCI_STAT_COUNT32"),
    (0x8400_0012, "SYSTEM_RESET2_32"),
    (0x8400_0013, "MEM_PROTECT"),
    (0x8400_0014, "MEM_PROTECT_CHECK_RANGE32"),
    (0x8400_0015, "SYSTEM_OFF2_32"),
    (0xc400_0001, "CPU_SUSPEND64"),
    (0xc400_0003, "CPU_ON64"),
    (0xc400_0004, "AFFINITY_INFO64"),
    (0xc400_0005, "MIGRATE64"),
    (0xc400_0007, "MIGRATE_INFO_UP_CPU64"),
    (0xc400_000c, "CPU_DEFAULT_SUSPEND64"),
    (0xc400_000d, "NODE_HW_STATE64"),
    (0xc400_000e, "SYSTEM_SUSPEND64"),
    (0xc400_0010, "PSCI_STAT_RESIDENCY64"),
    (0xc400_0011, "PSCI_STAT_COUNT64"),
    (0xc400_0012, "SYSTEM_RESET2_64"),
    (0xc400_0014, "MEM_PROTECT_CHECK_RANGE64"),
    (0xc400_0015, "SYSTEM_OFF2_64"),
    (0x8400_0050, "TRNG_VERSION"),
    (0x8400_0051, "TRNG_FEATURES"),
    (0x8400_0052, "TRNG_GET_UUID"),
    (0x8400_0053, "TRNG_RND32"),
    (0xc400_0053, "TRNG_RND64"),
    (0xc500_0020, "PV_TIME_FEATURES"),
    (0xc500_0021, "PV_TIME_ST"),
    (0x8600_ff01, "VENDOR_HYP_CALL_UID"),
    (0x8600_0000, "VENDOR_HYP_KVM_FEATURES"),
    (0x8600_0001, "VENDOR_HYP_KVM_PTP"),
    (0xc600_0040, "VENDOR_HYP_KVM_DISCOVER_IMPL_VER"),
    (0xc600_0041, "VENDOR_HYP_KVM_DISCOVER_IMPL_CPUS"),
];

/// The UUID by which KVM names its generator of random numbers (arch/arm64/kvm/trng.c, 7.3), as the four
/// words that a guest gets.
pub const TRNG_UUID: [u64; 4] = [0x00e0_210d, 0xeb11_8443, 0x4452_7080, 0x4c5a_4e55];

/// KVM's UID 28b46fb6-2ec5-11e9-a9ca-4b564d003a74 (`ARM_SMCCC_VENDOR_HYP_UID_KVM`, include/linux/arm-smccc.h,
/// 7.3), likewise.
pub const VENDOR_HYP_UID: [u64; 4] = [0xb66f_b428, 0xe911_c52e, 0x564b_caa9, 0x743a_004d];

/// The name of a function, or its identifier in words when it has none.
pub fn function_name(id: u32) -> Cow<'static, str> {
    match FUNCTIONS.iter().find(|(f, _)| *f == id) {
        Some((_, name)) => (*name).into(),
        None => {
            let mut name = String::with_capacity(UNNAMED.len() + 8);
            write_function(id, &mut name);
            name.into()
        }
    }
}

/// Adds what [`function_name`] names a function.
pub fn write_function(id: u32, name: &mut String) {
    if let Some((_, known)) = FUNCTIONS.iter().find(|(f, _)| *f == id) {
        name.push_str(known);
        return;
    }
    name.push_str(UNNAMED);
    hex::write_digits(id.into(), 8, name);
}

/// What stands before the identifier of a function that has no name, in eight hex digits.
const UNNAMED: &str = "function 0x";

/// The function that [`function_name`] names so.
pub fn function_named(name: &str) -> Option<u32> {
    match name.strip_prefix(UNNAMED) {
        Some(digits) => {
            let id = u32::from_str_radix(digits, 16).ok()?;
            (function_name(id) == name).then_some(id)
        }
        None => FUNCTIONS.iter().find(|(_, n)| *n == name).map(|(f, _)| *f),
    }
}

/// What decides KVM's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Services {
    /// PSCI version, `(major << 16) | minor`.
    pub psci: u32,
    /// `KVM_REG_ARM_STD_BMAP`: bit 0 TRNG.
    pub std: u64,
    /// `KVM_REG_ARM_STD_HYP_BMAP`: bit 0 paravirtualised time.
    pub std_hyp: u64,
    /// `KVM_REG_ARM_VENDOR_HYP_BMAP`: bit 0 features and UID, bit 1 PTP.
    pub vendor_hyp: u64,
    /// `KVM_REG_ARM_VENDOR_HYP_BMAP_2`: bits 0 and 1 the implementation discovery.
    pub vendor_hyp_2: u64,
    /// Workaround levels, as in the KVM registers of [`WORKAROUNDS`].
    pub workarounds: [u64; 3],
    /// Whether SMC #0 is a conduit as HVC #0 is (Linux 6.4 and later); else
    /// it answers -1 to everything.
    pub smc: bool,
    /// Whether each vCPU has a stolen-time structure; where one is, is the vCPU's own answer.
    pub stolen_time: bool,
    /// MIDR_EL1, REVIDR_EL1 and AIDR_EL1 of the one implementation that
    /// DISCOVER_IMPL_CPUS tells of; KVM by itself answers no such call.
    pub implementation: Option<[u64; 3]>,
}

impl Services {
    /// What a lock's registers promise. A firmware register that is not among
    /// them offers nothing, and they say nothing of the SMC conduit.
    pub fn of_registers(registers: &[LockedRegister]) -> Self {
        let value = |id: u64| registers.iter().find(|r| r.id == id).map_or(0, |r| r.value);
        let named = |name: &str| register_by_name(name).map_or(0, |info| value(info.id));
        Self {
            psci: value(PSCI_VERSION_REGISTER) as u32,
            std: value(STD_BMAP_REGISTER),
            std_hyp: value(STD_HYP_BMAP_REGISTER),
            vendor_hyp: value(VENDOR_HYP_BMAP_REGISTER),
            vendor_hyp_2: value(VENDOR_HYP_BMAP_2_REGISTER),
            workarounds: WORKAROUNDS.map(|(register, _)| value(register)),
            smc: false,
            stolen_time: false,
            implementation: Some(["MIDR_EL1", "REVIDR_EL1", "AIDR_EL1"].map(named)),
        }
    }

    /// What a lock promises.
    pub fn of_lock(lock: &Lock) -> Self {
        let through_smc = fact_name(wire::key(wire::Kind::Smc, wire::call(0x8400_0000, 0, 0)));
        let mut answers = lock.hypercalls.answers.iter();
        Self {
            smc: answers.any(|a| a.call == through_smc && a.answer != NOT_SUPPORTED),
            stolen_time: lock.features.contains(&Feature::StealTime),
            ..Self::of_registers(&lock.registers)
        }
    }
}

/// Whether the SMCCC filter can take a function out of the kernel's hands:
/// all but the Arm architecture calls (arch/arm64/kvm/hypercalls.c
/// `init_smccc_filter`, 6.4 to 7.3).
pub const fn filterable(function: u32) -> bool {
    !matches!(
        function,
        0x8000_0000..=0x8000_ffff | 0xc000_0000..=0xc000_ffff
    )
}

/// What [`filterable`] says, as ranges of function ids.
const FILTERABLE: [(u32, u32); 3] = [
    (0, 0x7fff_ffff),
    (0x8001_0000, 0xbfff_ffff),
    (0xc001_0000, u32::MAX),
];

/// Functions that need the vCPUs' states, and stay in the kernel: CPU_SUSPEND, CPU_OFF, CPU_ON and AFFINITY_INFO.
pub const STATEFUL: [u32; 7] = [
    0x8400_0001,
    0x8400_0002,
    0x8400_0003,
    0x8400_0004,
    0xc400_0001,
    0xc400_0003,
    0xc400_0004,
];

/// Every function that the filter can take but these, as ranges that do not touch.
pub fn filterable_but(left: &BTreeSet<u32>) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    for (mut first, last) in FILTERABLE {
        let mut ended = false;
        for &function in left.range(first..=last) {
            if function > first {
                out.push((first, function - 1));
            }
            ended = function == last;
            first = function.saturating_add(1);
        }
        if !ended {
            out.push((first, last));
        }
    }
    out
}

/// Functions that the runner can answer in the kernel's place, because their
/// answers need nothing that only the kernel has; see [`STATEFUL`].
pub const ANSWERED_BY_RUNNER: &[u32] = &[
    0x8400_0000, // PSCI_VERSION
    0x8400_0006, // MIGRATE_INFO_TYPE
    0x8400_0008, // SYSTEM_OFF
    0x8400_0009, // SYSTEM_RESET
    0x8400_000a, // PSCI_FEATURES
    0x8400_0012, // SYSTEM_RESET2
    0xc400_0012,
    0x8400_0015, // SYSTEM_OFF2
    0xc400_0015,
    0x8400_0050, // TRNG
    0x8400_0051,
    0x8400_0052,
    0x8400_0053,
    0xc400_0053,
    0xc500_0020, // PV_TIME
    0xc500_0021,
    0x8600_ff01, // KVM's own: UID, features, PTP, implementations
    0x8600_0000,
    0x8600_0001,
    0xc600_0040,
    0xc600_0041,
];

/// Those of them that KVM answers better where it can: stolen time (DEN0057), which it alone measures, and PTP, for
/// which it reads the clock and the counter at once.
pub const KNOWN_BY_KVM: [u32; 3] = [0xc500_0020, 0xc500_0021, 0x8600_0001];

/// CPU_OFF, CPU_ON and AFFINITY_INFO, which need the states of vCPUs: the runner answers all of them, or none.
pub const POWER: [u32; 5] = [
    0x8400_0002,
    0x8400_0003,
    0x8400_0004,
    0xc400_0003,
    0xc400_0004,
];

/// The function that a witness's question calls; `None` for what is no call.
pub fn function_of(key: u64) -> Option<u32> {
    use wire::Kind;
    match wire::kind_of(key)? {
        Kind::Hvc | Kind::HvcArguments | Kind::Smc => Some(wire::call_function(wire::id_of(key))),
        Kind::PsciFeatures => Some(0x8400_000a),
        Kind::ArchFeatures => Some(0x8000_0001),
        Kind::TrngFeatures => Some(0x8400_0051),
        Kind::PvTimeFeatures => Some(0xc500_0020),
        _ => None,
    }
}

/// A call whose answer never changes: the witness's key, and what x0 (or the
/// result register that the key names) holds.
pub type KeyedAnswer = (u64, u64);

const fn supported(yes: bool) -> u64 {
    if yes { 0 } else { NOT_SUPPORTED }
}

/// What SMCCC_ARCH_FEATURES answers about a firmware workaround whose KVM register holds that level.
///
/// WORKAROUND_1 and _3 have the levels not available, available and not required; WORKAROUND_2 has not available,
/// unknown, available and not required (Documentation/virt/kvm/arm/fw-pseudo-registers.rst). What follows from them is
/// in arch/arm64/kvm/hypercalls.c `get_kernel_wa_level` and `kvm_smccc_call_handler`, 5.10 to 7.3, which know neither
/// unknown nor available of WORKAROUND_2; kernels before them did (virt/kvm/arm/psci.c, 5.4).
const fn workaround(register: u64, level: u64) -> u64 {
    match (register, level & 0xf) {
        (WORKAROUND_1_REGISTER | WORKAROUND_3_REGISTER, 1) => SUCCESS,
        (WORKAROUND_1_REGISTER | WORKAROUND_3_REGISTER, 2) => UNAFFECTED,
        (WORKAROUND_2_REGISTER, 2) => SUCCESS,
        (WORKAROUND_2_REGISTER, 3) => NOT_REQUIRED,
        _ => NOT_SUPPORTED,
    }
}

/// The level that such an answer tells of, for kernels without the register: the least one that answers so.
pub fn workaround_level(register: u64, answer: Option<u64>) -> u64 {
    let told = |level: &u64| answer == Some(workaround(register, *level));
    (0..=3).find(told).unwrap_or(0)
}

/// The name of what such a question was answered.
fn workaround_answer(x0: u64) -> Option<&'static str> {
    match x0 {
        SUCCESS => Some("SUCCESS"),
        UNAFFECTED => Some("UNAFFECTED"),
        NOT_REQUIRED => Some("NOT_REQUIRED"),
        _ => None,
    }
}

/// The name of an answer, in the terms of the call (by its fact's name) that it was given to; hex where it has none.
pub fn answer_name(call: &str, x0: u64) -> String {
    let asked = |function| call == fact_name(wire::key(wire::Kind::ArchFeatures, function));
    let of_workaround = WORKAROUNDS.iter().any(|(_, f)| asked(u64::from(*f)));
    let name = match x0 {
        NOT_SUPPORTED => Some("NOT_SUPPORTED"),
        _ if of_workaround => workaround_answer(x0),
        INVALID_PARAMETERS => Some("INVALID_PARAMETERS"),
        _ => None,
    };
    name.map_or_else(|| format!("{x0:#x}"), str::to_owned)
}

/// What such answers, sorted by key, have for a call.
pub fn answer_to(answers: &[KeyedAnswer], call: u64) -> Option<u64> {
    let at = answers.binary_search_by_key(&call, |(key, _)| *key).ok()?;
    Some(answers[at].1)
}

/// What KVM answers with these services, for every call that a lock of that version promises; sorted by key.
///
/// Left out, because KVM changed them between 5.10 and 7.3 without a knob and nobody else can answer them: CPU_ON and
/// AFFINITY_INFO with reserved affinity bits, and SMC as a conduit of calls that only the kernel can answer, such as
/// CPU_ON and SMCCC_VERSION, where a baseline has none. [`crate::observation::unpromised`] names them.
/// PSCI_VERSION is what a guest asks to find a conduit, and that is promised.
pub fn answers(services: &Services, _version: u32) -> Vec<KeyedAnswer> {
    use wire::{Kind, call, key};
    let at_least = |version: u32| services.psci >= version;
    let (v1_0, v1_1, v1_3) = (at_least(0x1_0000), at_least(0x1_0001), at_least(0x1_0003));
    let mut out = vec![
        (key(Kind::Hvc, call(0x8000_0000, 0, 0)), 0x1_0001),
        (
            key(Kind::Hvc, call(0x8400_0000, 0, 0)),
            services.psci.into(),
        ),
        // MIGRATE_INFO_TYPE 2: no trusted OS, or one that needs no migration.
        (key(Kind::Hvc, call(0x8400_0006, 0, 0)), 2),
        (
            key(Kind::HvcArguments, call(0xc400_0004, 0, wire::CASE_SELF)),
            0,
        ),
        (
            key(Kind::HvcArguments, call(0x8400_0004, 0, wire::CASE_SELF)),
            0,
        ),
        (
            key(Kind::HvcArguments, call(0xc400_0004, 0, wire::CASE_NOBODY)),
            INVALID_PARAMETERS,
        ),
        (
            key(
                Kind::HvcArguments,
                call(0xc400_0004, 0, wire::CASE_BAD_LEVEL),
            ),
            INVALID_PARAMETERS,
        ),
        (
            key(Kind::HvcArguments, call(0xc400_0003, 0, wire::CASE_SELF)),
            ALREADY_ON,
        ),
        (
            key(Kind::HvcArguments, call(0x8400_0003, 0, wire::CASE_SELF)),
            ALREADY_ON,
        ),
        (
            key(Kind::HvcArguments, call(0xc400_0003, 0, wire::CASE_NOBODY)),
            INVALID_PARAMETERS,
        ),
    ];
    let smc = if services.smc {
        out.push((key(Kind::Smc, call(0x8000_0000, 0, 0)), 0x1_0001));
        services.psci.into()
    } else {
        NOT_SUPPORTED
    };
    out.push((key(Kind::Smc, call(0x8400_0000, 0, 0)), smc));
    // SYSTEM_RESET2 and SYSTEM_OFF2, in both widths.
    for (function, there) in [
        (0xc400_0012, v1_1),
        (0x8400_0012, v1_1),
        (0xc400_0015, v1_3),
        (0x8400_0015, v1_3),
    ] {
        let answer = if there {
            INVALID_PARAMETERS
        } else {
            NOT_SUPPORTED
        };
        out.push((
            key(Kind::HvcArguments, call(function, 0, wire::CASE_BAD_TYPE)),
            answer,
        ));
    }
    // PSCI_FEATURES of all functions, in both widths.
    for number in 0..=0x20 {
        for width in [0x8400_0000u32, 0xc400_0000] {
            let wide = width == 0xc400_0000;
            let answer = match number {
                // PSCI_VERSION, CPU_OFF, MIGRATE_INFO_TYPE, SYSTEM_OFF, SYSTEM_RESET, PSCI_FEATURES
                0x0 | 0x2 | 0x6 | 0x8 | 0x9 | 0xa => supported(v1_0 && !wide),
                // CPU_SUSPEND, CPU_ON, AFFINITY_INFO
                0x1 | 0x3 | 0x4 => supported(v1_0),
                0x12 => supported(v1_1),
                // Bit 0: HIBERNATE_OFF.
                0x15 if v1_3 => 1,
                _ => NOT_SUPPORTED,
            };
            out.push((key(Kind::PsciFeatures, u64::from(width | number)), answer));
        }
    }
    out.push((key(Kind::PsciFeatures, 0x8000_0000), supported(v1_0)));
    out.push((key(Kind::PsciFeatures, 0x8000_0001), NOT_SUPPORTED));
    let trng = services.std & 1 != 0;
    let pv_time = services.std_hyp & 1 != 0;
    let vendor = services.vendor_hyp & 1 != 0;
    let ptp = services.vendor_hyp & 2 != 0;
    for function in [
        0x8000_0000u32,
        0x8000_0001,
        0x8000_0002,
        0x8000_0003,
        0x8000_0004,
        0x8000_7000,
        0x8400_0000,
        0x8400_000a,
        0x8400_0050,
        0x8400_0051,
        0xc400_0053,
        0xc500_0021,
        0x8600_0000,
        0x8600_0001,
        0xc600_0040,
    ] {
        out.push((key(Kind::ArchFeatures, function.into()), NOT_SUPPORTED));
    }
    for ((register, function), level) in WORKAROUNDS.into_iter().zip(services.workarounds) {
        let asked = key(Kind::ArchFeatures, function.into());
        out.push((asked, workaround(register, level)));
    }
    out.push((key(Kind::ArchFeatures, 0xc500_0020), supported(pv_time)));
    // TRNG (DEN0098): version 1.0, KVM's own UUID.
    out.push((
        key(Kind::Hvc, call(0x8400_0050, 0, 0)),
        if trng { 0x1_0000 } else { NOT_SUPPORTED },
    ));
    for function in [
        0x8400_0050u32,
        0x8400_0051,
        0x8400_0052,
        0x8400_0053,
        0xc400_0053,
    ] {
        out.push((key(Kind::TrngFeatures, function.into()), supported(trng)));
    }
    out.push((key(Kind::TrngFeatures, 0x8400_0054), NOT_SUPPORTED));
    results(&mut out, 0x8400_0052, trng, TRNG_UUID);
    for function in [0x8400_0053u32, 0xc400_0053] {
        out.push((
            key(Kind::HvcArguments, call(function, 0, wire::CASE_BITS_GOOD)),
            supported(trng),
        ));
        let bad = if trng {
            INVALID_PARAMETERS
        } else {
            NOT_SUPPORTED
        };
        out.push((
            key(Kind::HvcArguments, call(function, 0, wire::CASE_BITS_BAD)),
            bad,
        ));
    }
    // Paravirtualised time (DEN0057): without a structure there is no stolen time, and the features call says of
    // itself, too, that it is not there (arch/arm64/kvm/pvtime.c kvm_hypercall_pv_features, 5.10 to 7.3).
    let stolen = pv_time && services.stolen_time;
    if !stolen {
        out.push((key(Kind::Hvc, call(0xc500_0021, 0, 0)), NOT_SUPPORTED));
    }
    for function in [0xc500_0020u32, 0xc500_0021] {
        out.push((
            key(Kind::PvTimeFeatures, function.into()),
            supported(stolen),
        ));
    }
    out.push((key(Kind::PvTimeFeatures, 0x8000_7000), NOT_SUPPORTED));
    // KVM's own range: UID, feature bitmaps, PTP.
    results(&mut out, 0x8600_ff01, vendor, VENDOR_HYP_UID);
    results(
        &mut out,
        0x8600_0000,
        vendor,
        [services.vendor_hyp, 0, services.vendor_hyp_2, 0],
    );
    out.push((
        key(
            Kind::HvcArguments,
            call(0x8600_0001, 0, wire::CASE_VIRTUAL_COUNTER),
        ),
        supported(ptp),
    ));
    // Version 1.0, one implementation, and what that one is. KVM shows the bits
    // and leaves the calls to whoever set them.
    let [midr, revidr, aidr] = services.implementation.unwrap_or_default();
    let bit = |n: u64| services.vendor_hyp_2 >> n & 1 != 0 && services.implementation.is_some();
    results(&mut out, 0xc600_0040, bit(0), [0, 0x1_0000, 1, 0]);
    results(&mut out, 0xc600_0041, bit(1), [0, midr, revidr, aidr]);
    // What is given to nothing answers NOT_SUPPORTED in every owner's range.
    for function in [
        0x8000_7000u32,
        0xc000_7000,
        0x8100_7000,
        0x8200_7000,
        0x8300_7000,
        0x8400_7000,
        0x8500_7000,
        0x8600_7000,
        0xc600_7000,
        0x8400_001e,
        0xc400_001e,
    ] {
        out.push((key(Kind::Hvc, call(function, 0, 0)), NOT_SUPPORTED));
    }
    out.sort_unstable_by_key(|(key, _)| *key);
    out
}

/// The four result registers of a service that is there or not.
fn results(out: &mut Vec<KeyedAnswer>, function: u32, there: bool, values: [u64; 4]) {
    let absent = [NOT_SUPPORTED, 0, 0, 0];
    let values = if there { values } else { absent };
    for (n, value) in (0..).zip(values) {
        out.push((
            wire::key(wire::Kind::Hvc, wire::call(function, n, 0)),
            value,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_all_that_the_filter_takes_but_what_is_left() {
        let left: BTreeSet<u32> = STATEFUL.iter().chain(&[0, 0x7fff_ffff]).copied().collect();
        let ranges = filterable_but(&left);
        let held = |f: u32| ranges.iter().filter(|(a, b)| (a..=b).contains(&&f)).count();
        let edges = [
            0u32,
            1,
            0x7fff_fffe,
            0x7fff_ffff,
            0x8000_0000,
            0x8000_ffff,
            0x8001_0000,
        ];
        let near = left
            .iter()
            .flat_map(|f| [f.wrapping_sub(1), *f, f.wrapping_add(1)]);
        let more = [0xbfff_ffff, 0xc000_0000, 0xc000_ffff, 0xc001_0000, u32::MAX];
        for function in edges.into_iter().chain(near).chain(more) {
            let wanted = filterable(function) && !left.contains(&function);
            assert_eq!(held(function), usize::from(wanted), "{function:#010x}");
        }
        assert_eq!(filterable_but(&BTreeSet::new()), FILTERABLE);
        assert_eq!(
            filterable_but(&[u32::MAX].into()).last(),
            Some(&(0xc001_0000, u32::MAX - 1))
        );
    }

    /// Level by level as arch/arm64/kvm/hypercalls.c has it.
    #[test]
    fn every_level_of_a_workaround_answers_by_its_right_name() {
        let levels: [&[&str]; 3] = [
            &["NOT_SUPPORTED", "SUCCESS", "UNAFFECTED", "NOT_SUPPORTED"],
            &["NOT_SUPPORTED", "NOT_SUPPORTED", "SUCCESS", "NOT_REQUIRED"],
            &["NOT_SUPPORTED", "SUCCESS", "UNAFFECTED", "NOT_SUPPORTED"],
        ];
        for (index, ((register, function), names)) in
            WORKAROUNDS.into_iter().zip(levels).enumerate()
        {
            let asked = wire::key(wire::Kind::ArchFeatures, function.into());
            for (level, name) in (0..).zip(names) {
                let mut services = Services::of_registers(&[]);
                services.workarounds[index] = level;
                let all = answers(&services, crate::lock::LOCK_VERSION);
                let (_, x0) = all
                    .iter()
                    .find(|(key, _)| *key == asked)
                    .expect("it is promised");
                let shown = format!("{function:#x} at level {level}");
                assert_eq!(answer_name(&fact_name(asked), *x0), *name, "{shown}");
                // A kernel without the register tells by the call alone.
                let told = workaround_level(register, Some(*x0));
                assert_eq!(workaround(register, told), *x0, "{shown}");
                let plain = *name == "NOT_SUPPORTED";
                assert_eq!(told, if plain { 0 } else { level }, "{shown}");
            }
            assert_eq!(workaround_level(register, None), 0);
        }
        assert_eq!(NOT_REQUIRED as i64, -2);
        assert_eq!(
            answer_name("CPU_ON64(no such CPU)", NOT_REQUIRED),
            "INVALID_PARAMETERS"
        );
        assert_eq!(answer_name("PSCI_FEATURES(SYSTEM_OFF2_64)", 1), "0x1");
    }
}
