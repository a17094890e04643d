//! Made of `spec/catalogue/registers/identification.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Field, Kind, RegisterInfo, Rule};

pub(super) const MIDR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c000,
    name: Borrowed("MIDR_EL1"),
    kind: Kind::Identification,
    encoding: Some(0xc000),
    title: Borrowed("Main ID Register"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/include/asm/cputype.h (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("Revision"), high: 3, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("PartNum"), high: 15, low: 4, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Architecture"), high: 19, low: 16, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Variant"), high: 23, low: 20, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Implementer"), high: 31, low: 24, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const MPIDR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c005,
    name: Borrowed("MPIDR_EL1"),
    kind: Kind::Identification,
    encoding: Some(0xc005),
    title: Borrowed("Multiprocessor Affinity Register"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/kvm/sys_regs.c reset_mpidr (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("Aff0"), high: 7, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Aff1"), high: 15, low: 8, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Aff2"), high: 23, low: 16, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("MT"), high: 24, low: 24, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("U"), high: 30, low: 30, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("RES1"), high: 31, low: 31, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Aff3"), high: 39, low: 32, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const GMID_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c804,
    name: Borrowed("GMID_EL1"),
    kind: Kind::Identification,
    encoding: Some(0xc804),
    title: Borrowed("Multiple tag transfer ID Register: how many tags LDGM and STGM move"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/kvm/sys_regs.c undef_access, arch/arm64/include/asm/kvm_arm.h HCR_TID5 (v7.3): the silicon's, where the guest has tags"),
    gate: None, feature: Some(Borrowed("mte")), neutral: None, guest_only: true,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("BS"), high: 3, low: 0, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const REVIDR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c006,
    name: Borrowed("REVIDR_EL1"),
    kind: Kind::Identification,
    encoding: Some(0xc006),
    title: Borrowed("Revision ID Register"),
    source: Borrowed("Arm ARM DDI 0487"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("ImplDef"), high: 63, low: 0, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const AIDR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c807,
    name: Borrowed("AIDR_EL1"),
    kind: Kind::Identification,
    encoding: Some(0xc807),
    title: Borrowed("Auxiliary ID Register"),
    source: Borrowed("Arm ARM DDI 0487"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("ImplDef"), high: 63, low: 0, rule: Rule::Exact, signed: false },
    ]),
};
