//! Made of `spec/catalogue/registers/machine.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Field, Kind, RegisterInfo, Rule};

pub(super) const CNTFRQ_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df00,
    name: Borrowed("CNTFRQ_EL0"),
    kind: Kind::Timer,
    encoding: Some(0xdf00),
    title: Borrowed("Counter-timer Frequency Register"),
    source: Borrowed("Arm ARM DDI 0487; hardware value, never trapped (arch/arm64/kvm, v5.10 to v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("ClockFreq"), high: 31, low: 0, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const ICC_CTLR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c664,
    name: Borrowed("ICC_CTLR_EL1"),
    kind: Kind::Gic,
    encoding: Some(0xc664),
    title: Borrowed("Interrupt Controller Control Register"),
    source: Borrowed("GIC architecture IHI 0069; arch/arm64/kvm/vgic-sys-reg-v3.c set_gic_ctlr (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: Some(Borrowed("it stands with the CPU interface: `interface`")),
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("CBPR"), high: 0, low: 0, rule: Rule::Free, signed: false },
        Field { name: Borrowed("EOImode"), high: 1, low: 1, rule: Rule::Free, signed: false },
        Field { name: Borrowed("PMHE"), high: 6, low: 6, rule: Rule::Free, signed: false },
        Field { name: Borrowed("PRIbits"), high: 10, low: 8, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("IDbits"), high: 13, low: 11, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("SEIS"), high: 14, low: 14, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("A3V"), high: 15, low: 15, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("RSS"), high: 18, low: 18, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("ExtRange"), high: 19, low: 19, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const OSLSR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013808c,
    name: Borrowed("OSLSR_EL1"),
    kind: Kind::Debug,
    encoding: Some(0x808c),
    title: Borrowed("OS Lock Status Register"),
    source: Borrowed("Arm ARM DDI 0487; arch/arm64/kvm/sys_regs.c trap_oslsr_el1 (v7.3); listed by v5.19"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: Some(0x2), clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("OSLM_0"), high: 0, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("OSLK"), high: 1, low: 1, rule: Rule::Free, signed: false },
        Field { name: Borrowed("nTT"), high: 2, low: 2, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("OSLM_1"), high: 3, low: 3, rule: Rule::Exact, signed: false },
    ]),
};
