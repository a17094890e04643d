//! Made of `spec/catalogue/registers/pmu.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Field, Kind, RegisterInfo, Rule};

pub(super) const PMCR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dce0,
    name: Borrowed("PMCR_EL0"),
    kind: Kind::Pmu,
    encoding: Some(0xdce0),
    title: Borrowed("Performance Monitors Control Register"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/kvm/sys_regs.c reset_pmcr, set_pmcr (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("E"), high: 0, low: 0, rule: Rule::Free, signed: false },
        Field { name: Borrowed("P"), high: 1, low: 1, rule: Rule::Free, signed: false },
        Field { name: Borrowed("C"), high: 2, low: 2, rule: Rule::Free, signed: false },
        Field { name: Borrowed("D"), high: 3, low: 3, rule: Rule::Free, signed: false },
        Field { name: Borrowed("X"), high: 4, low: 4, rule: Rule::Free, signed: false },
        Field { name: Borrowed("DP"), high: 5, low: 5, rule: Rule::Free, signed: false },
        Field { name: Borrowed("LC"), high: 6, low: 6, rule: Rule::Free, signed: false },
        Field { name: Borrowed("LP"), high: 7, low: 7, rule: Rule::Free, signed: false },
        Field { name: Borrowed("FZO"), high: 9, low: 9, rule: Rule::Free, signed: false },
        Field { name: Borrowed("N"), high: 15, low: 11, rule: Rule::Lower, signed: false },
        Field { name: Borrowed("IDCODE"), high: 23, low: 16, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("IMP"), high: 31, low: 24, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("FZS"), high: 32, low: 32, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMCEID0_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dce6,
    name: Borrowed("PMCEID0_EL0"),
    kind: Kind::Pmu,
    encoding: Some(0xdce6),
    title: Borrowed("Performance Monitors Common Event Identification Register 0"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/kvm/pmu-emul.c kvm_pmu_get_pmceid (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("ID"), high: 31, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("IDhi"), high: 63, low: 32, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const PMCEID1_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dce7,
    name: Borrowed("PMCEID1_EL0"),
    kind: Kind::Pmu,
    encoding: Some(0xdce7),
    title: Borrowed("Performance Monitors Common Event Identification Register 1"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/kvm/pmu-emul.c kvm_pmu_get_pmceid (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("ID"), high: 31, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("IDhi"), high: 63, low: 32, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const PMMIR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c4f6,
    name: Borrowed("PMMIR_EL1"),
    kind: Kind::Pmu,
    encoding: Some(0xc4f6),
    title: Borrowed("Performance Monitors Machine Identification Register"),
    source: Borrowed("Arm ARM DDI 0487; listed from v7.3 on, reads as zero before (arch/arm64/kvm/sys_regs.c get_pmmir)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: Some(0x0), guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("SLOTS"), high: 7, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("BUS_SLOTS"), high: 15, low: 8, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("BUS_WIDTH"), high: 19, low: 16, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("THWIDTH"), high: 23, low: 20, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("EDGE"), high: 27, low: 24, rule: Rule::Exact, signed: false },
    ]),
};
