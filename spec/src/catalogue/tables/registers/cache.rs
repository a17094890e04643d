//! Made of `spec/catalogue/registers/cache.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Field, Kind, RegisterInfo, Rule};

pub(super) const CTR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013d801,
    name: Borrowed("CTR_EL0"),
    kind: Kind::Cache,
    encoding: Some(0xd801),
    title: Borrowed("Cache Type Register"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/kernel/cpufeature.c ftr_ctr (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("IminLine"), high: 3, low: 0, rule: Rule::Lower, signed: false },
        Field { name: Borrowed("L1Ip"), high: 15, low: 14, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("DminLine"), high: 19, low: 16, rule: Rule::Lower, signed: false },
        Field { name: Borrowed("ERG"), high: 23, low: 20, rule: Rule::HigherOrZero, signed: false },
        Field { name: Borrowed("CWG"), high: 27, low: 24, rule: Rule::HigherOrZero, signed: false },
        Field { name: Borrowed("IDC"), high: 28, low: 28, rule: Rule::Lower, signed: false },
        Field { name: Borrowed("DIC"), high: 29, low: 29, rule: Rule::Lower, signed: false },
        Field { name: Borrowed("RES1"), high: 31, low: 31, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("TminLine"), high: 37, low: 32, rule: Rule::Lower, signed: false },
    ]),
};

pub(super) const DCZID_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013d807,
    name: Borrowed("DCZID_EL0"),
    kind: Kind::Cache,
    encoding: Some(0xd807),
    title: Borrowed("Data Cache Zero ID Register"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/kernel/cpufeature.c ftr_dczid (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("BS"), high: 3, low: 0, rule: Rule::Lower, signed: false },
        Field { name: Borrowed("DZP"), high: 4, low: 4, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CLIDR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c801,
    name: Borrowed("CLIDR_EL1"),
    kind: Kind::Cache,
    encoding: Some(0xc801),
    title: Borrowed("Cache Level ID Register"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/kvm/sys_regs.c reset_clidr (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("Ctype1"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ctype2"), high: 5, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ctype3"), high: 8, low: 6, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ctype4"), high: 11, low: 9, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ctype5"), high: 14, low: 12, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ctype6"), high: 17, low: 15, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ctype7"), high: 20, low: 18, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("LoUIS"), high: 23, low: 21, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("LoC"), high: 26, low: 24, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("LoUU"), high: 29, low: 27, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("ICB"), high: 32, low: 30, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ttype1"), high: 34, low: 33, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ttype2"), high: 36, low: 35, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ttype3"), high: 38, low: 37, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ttype4"), high: 40, low: 39, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ttype5"), high: 42, low: 41, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ttype6"), high: 44, low: 43, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Ttype7"), high: 46, low: 45, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_0: RegisterInfo = RegisterInfo {
    id: 0x6020000000110000,
    name: Borrowed("CCSIDR_EL1[0]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 1 data or unified cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_1: RegisterInfo = RegisterInfo {
    id: 0x6020000000110001,
    name: Borrowed("CCSIDR_EL1[1]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 1 instruction cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_2: RegisterInfo = RegisterInfo {
    id: 0x6020000000110002,
    name: Borrowed("CCSIDR_EL1[2]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 2 data or unified cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_3: RegisterInfo = RegisterInfo {
    id: 0x6020000000110003,
    name: Borrowed("CCSIDR_EL1[3]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 2 instruction cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_4: RegisterInfo = RegisterInfo {
    id: 0x6020000000110004,
    name: Borrowed("CCSIDR_EL1[4]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 3 data or unified cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_5: RegisterInfo = RegisterInfo {
    id: 0x6020000000110005,
    name: Borrowed("CCSIDR_EL1[5]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 3 instruction cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_6: RegisterInfo = RegisterInfo {
    id: 0x6020000000110006,
    name: Borrowed("CCSIDR_EL1[6]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 4 data or unified cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_7: RegisterInfo = RegisterInfo {
    id: 0x6020000000110007,
    name: Borrowed("CCSIDR_EL1[7]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 4 instruction cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_8: RegisterInfo = RegisterInfo {
    id: 0x6020000000110008,
    name: Borrowed("CCSIDR_EL1[8]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 5 data or unified cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_9: RegisterInfo = RegisterInfo {
    id: 0x6020000000110009,
    name: Borrowed("CCSIDR_EL1[9]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 5 instruction cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_10: RegisterInfo = RegisterInfo {
    id: 0x602000000011000a,
    name: Borrowed("CCSIDR_EL1[10]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 6 data or unified cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_11: RegisterInfo = RegisterInfo {
    id: 0x602000000011000b,
    name: Borrowed("CCSIDR_EL1[11]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 6 instruction cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_12: RegisterInfo = RegisterInfo {
    id: 0x602000000011000c,
    name: Borrowed("CCSIDR_EL1[12]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 7 data or unified cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const CCSIDR_EL1_13: RegisterInfo = RegisterInfo {
    id: 0x602000000011000d,
    name: Borrowed("CCSIDR_EL1[13]"),
    kind: Kind::Cache,
    encoding: None,
    title: Borrowed("Cache Size ID Register, level 7 instruction cache"),
    source: Borrowed("Arm ARM DDI 0487 (format without FEAT_CCIDX); arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_DEMUX (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("LineSize"), high: 2, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Associativity"), high: 12, low: 3, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("NumSets"), high: 27, low: 13, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Policy"), high: 31, low: 28, rule: Rule::Exact, signed: false },
    ]),
};
