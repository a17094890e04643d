//! Made of `spec/catalogue/registers/state.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Field, Kind, RegisterInfo, Rule};

pub(super) const X0: RegisterInfo = RegisterInfo {
    id: 0x6030000000100000,
    name: Borrowed("X0"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 0"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("the guest is given it: where its device tree is, or the context of CPU_ON")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X1: RegisterInfo = RegisterInfo {
    id: 0x6030000000100002,
    name: Borrowed("X1"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 1"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X2: RegisterInfo = RegisterInfo {
    id: 0x6030000000100004,
    name: Borrowed("X2"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 2"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X3: RegisterInfo = RegisterInfo {
    id: 0x6030000000100006,
    name: Borrowed("X3"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 3"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X4: RegisterInfo = RegisterInfo {
    id: 0x6030000000100008,
    name: Borrowed("X4"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 4"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X5: RegisterInfo = RegisterInfo {
    id: 0x603000000010000a,
    name: Borrowed("X5"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 5"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X6: RegisterInfo = RegisterInfo {
    id: 0x603000000010000c,
    name: Borrowed("X6"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 6"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X7: RegisterInfo = RegisterInfo {
    id: 0x603000000010000e,
    name: Borrowed("X7"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 7"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X8: RegisterInfo = RegisterInfo {
    id: 0x6030000000100010,
    name: Borrowed("X8"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 8"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X9: RegisterInfo = RegisterInfo {
    id: 0x6030000000100012,
    name: Borrowed("X9"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 9"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X10: RegisterInfo = RegisterInfo {
    id: 0x6030000000100014,
    name: Borrowed("X10"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 10"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X11: RegisterInfo = RegisterInfo {
    id: 0x6030000000100016,
    name: Borrowed("X11"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 11"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X12: RegisterInfo = RegisterInfo {
    id: 0x6030000000100018,
    name: Borrowed("X12"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 12"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X13: RegisterInfo = RegisterInfo {
    id: 0x603000000010001a,
    name: Borrowed("X13"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 13"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X14: RegisterInfo = RegisterInfo {
    id: 0x603000000010001c,
    name: Borrowed("X14"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 14"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X15: RegisterInfo = RegisterInfo {
    id: 0x603000000010001e,
    name: Borrowed("X15"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 15"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X16: RegisterInfo = RegisterInfo {
    id: 0x6030000000100020,
    name: Borrowed("X16"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 16"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X17: RegisterInfo = RegisterInfo {
    id: 0x6030000000100022,
    name: Borrowed("X17"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 17"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X18: RegisterInfo = RegisterInfo {
    id: 0x6030000000100024,
    name: Borrowed("X18"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 18"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X19: RegisterInfo = RegisterInfo {
    id: 0x6030000000100026,
    name: Borrowed("X19"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 19"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X20: RegisterInfo = RegisterInfo {
    id: 0x6030000000100028,
    name: Borrowed("X20"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 20"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X21: RegisterInfo = RegisterInfo {
    id: 0x603000000010002a,
    name: Borrowed("X21"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 21"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X22: RegisterInfo = RegisterInfo {
    id: 0x603000000010002c,
    name: Borrowed("X22"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 22"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X23: RegisterInfo = RegisterInfo {
    id: 0x603000000010002e,
    name: Borrowed("X23"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 23"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X24: RegisterInfo = RegisterInfo {
    id: 0x6030000000100030,
    name: Borrowed("X24"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 24"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X25: RegisterInfo = RegisterInfo {
    id: 0x6030000000100032,
    name: Borrowed("X25"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 25"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X26: RegisterInfo = RegisterInfo {
    id: 0x6030000000100034,
    name: Borrowed("X26"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 26"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X27: RegisterInfo = RegisterInfo {
    id: 0x6030000000100036,
    name: Borrowed("X27"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 27"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X28: RegisterInfo = RegisterInfo {
    id: 0x6030000000100038,
    name: Borrowed("X28"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 28"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X29: RegisterInfo = RegisterInfo {
    id: 0x603000000010003a,
    name: Borrowed("X29"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 29"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const X30: RegisterInfo = RegisterInfo {
    id: 0x603000000010003c,
    name: Borrowed("X30"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("General-purpose register 30"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SP_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000010003e,
    name: Borrowed("SP_EL0"),
    kind: Kind::State,
    encoding: Some(0xc208),
    title: Borrowed("Stack pointer of EL0"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PC: RegisterInfo = RegisterInfo {
    id: 0x6030000000100040,
    name: Borrowed("PC"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Program counter"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("the guest is given it: where its kernel is, or the entry point of CPU_ON")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PSTATE: RegisterInfo = RegisterInfo {
    id: 0x6030000000100042,
    name: Borrowed("PSTATE"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Processor state"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x3c5, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SP_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000100044,
    name: Borrowed("SP_EL1"),
    kind: Kind::State,
    encoding: Some(0xe208),
    title: Borrowed("Stack pointer of EL1"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ELR_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000100046,
    name: Borrowed("ELR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc201),
    title: Borrowed("Exception Link Register of EL1"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SPSR_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000100048,
    name: Borrowed("SPSR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc200),
    title: Borrowed("Saved Program Status Register of EL1"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SPSR_ABT: RegisterInfo = RegisterInfo {
    id: 0x603000000010004a,
    name: Borrowed("SPSR_abt"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Saved Program Status Register, AArch32 Abort mode"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("no guest at EL1 can read it")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SPSR_UND: RegisterInfo = RegisterInfo {
    id: 0x603000000010004c,
    name: Borrowed("SPSR_und"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Saved Program Status Register, AArch32 Undefined mode"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("no guest at EL1 can read it")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SPSR_IRQ: RegisterInfo = RegisterInfo {
    id: 0x603000000010004e,
    name: Borrowed("SPSR_irq"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Saved Program Status Register, AArch32 IRQ mode"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("no guest at EL1 can read it")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SPSR_FIQ: RegisterInfo = RegisterInfo {
    id: 0x6030000000100050,
    name: Borrowed("SPSR_fiq"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Saved Program Status Register, AArch32 FIQ mode"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("no guest at EL1 can read it")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V0: RegisterInfo = RegisterInfo {
    id: 0x6040000000100054,
    name: Borrowed("V0"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 0; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V1: RegisterInfo = RegisterInfo {
    id: 0x6040000000100058,
    name: Borrowed("V1"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 1; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V2: RegisterInfo = RegisterInfo {
    id: 0x604000000010005c,
    name: Borrowed("V2"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 2; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V3: RegisterInfo = RegisterInfo {
    id: 0x6040000000100060,
    name: Borrowed("V3"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 3; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V4: RegisterInfo = RegisterInfo {
    id: 0x6040000000100064,
    name: Borrowed("V4"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 4; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V5: RegisterInfo = RegisterInfo {
    id: 0x6040000000100068,
    name: Borrowed("V5"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 5; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V6: RegisterInfo = RegisterInfo {
    id: 0x604000000010006c,
    name: Borrowed("V6"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 6; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V7: RegisterInfo = RegisterInfo {
    id: 0x6040000000100070,
    name: Borrowed("V7"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 7; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V8: RegisterInfo = RegisterInfo {
    id: 0x6040000000100074,
    name: Borrowed("V8"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 8; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V9: RegisterInfo = RegisterInfo {
    id: 0x6040000000100078,
    name: Borrowed("V9"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 9; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V10: RegisterInfo = RegisterInfo {
    id: 0x604000000010007c,
    name: Borrowed("V10"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 10; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V11: RegisterInfo = RegisterInfo {
    id: 0x6040000000100080,
    name: Borrowed("V11"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 11; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V12: RegisterInfo = RegisterInfo {
    id: 0x6040000000100084,
    name: Borrowed("V12"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 12; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V13: RegisterInfo = RegisterInfo {
    id: 0x6040000000100088,
    name: Borrowed("V13"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 13; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V14: RegisterInfo = RegisterInfo {
    id: 0x604000000010008c,
    name: Borrowed("V14"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 14; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V15: RegisterInfo = RegisterInfo {
    id: 0x6040000000100090,
    name: Borrowed("V15"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 15; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V16: RegisterInfo = RegisterInfo {
    id: 0x6040000000100094,
    name: Borrowed("V16"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 16; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V17: RegisterInfo = RegisterInfo {
    id: 0x6040000000100098,
    name: Borrowed("V17"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 17; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V18: RegisterInfo = RegisterInfo {
    id: 0x604000000010009c,
    name: Borrowed("V18"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 18; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V19: RegisterInfo = RegisterInfo {
    id: 0x60400000001000a0,
    name: Borrowed("V19"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 19; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V20: RegisterInfo = RegisterInfo {
    id: 0x60400000001000a4,
    name: Borrowed("V20"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 20; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V21: RegisterInfo = RegisterInfo {
    id: 0x60400000001000a8,
    name: Borrowed("V21"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 21; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V22: RegisterInfo = RegisterInfo {
    id: 0x60400000001000ac,
    name: Borrowed("V22"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 22; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V23: RegisterInfo = RegisterInfo {
    id: 0x60400000001000b0,
    name: Borrowed("V23"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 23; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V24: RegisterInfo = RegisterInfo {
    id: 0x60400000001000b4,
    name: Borrowed("V24"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 24; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V25: RegisterInfo = RegisterInfo {
    id: 0x60400000001000b8,
    name: Borrowed("V25"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 25; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V26: RegisterInfo = RegisterInfo {
    id: 0x60400000001000bc,
    name: Borrowed("V26"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 26; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V27: RegisterInfo = RegisterInfo {
    id: 0x60400000001000c0,
    name: Borrowed("V27"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 27; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V28: RegisterInfo = RegisterInfo {
    id: 0x60400000001000c4,
    name: Borrowed("V28"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 28; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V29: RegisterInfo = RegisterInfo {
    id: 0x60400000001000c8,
    name: Borrowed("V29"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 29; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V30: RegisterInfo = RegisterInfo {
    id: 0x60400000001000cc,
    name: Borrowed("V30"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 30; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const V31: RegisterInfo = RegisterInfo {
    id: 0x60400000001000d0,
    name: Borrowed("V31"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SIMD and floating-point register 31; absent when the vCPU has SVE"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const FPSR: RegisterInfo = RegisterInfo {
    id: 0x60200000001000d4,
    name: Borrowed("FPSR"),
    kind: Kind::State,
    encoding: Some(0xda21),
    title: Borrowed("Floating-point Status Register"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const FPCR: RegisterInfo = RegisterInfo {
    id: 0x60200000001000d5,
    name: Borrowed("FPCR"),
    kind: Kind::State,
    encoding: Some(0xda20),
    title: Borrowed("Floating-point Control Register"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h struct kvm_regs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z0: RegisterInfo = RegisterInfo {
    id: 0x6080000000150000,
    name: Borrowed("Z0"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 0"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z1: RegisterInfo = RegisterInfo {
    id: 0x6080000000150020,
    name: Borrowed("Z1"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 1"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z2: RegisterInfo = RegisterInfo {
    id: 0x6080000000150040,
    name: Borrowed("Z2"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 2"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z3: RegisterInfo = RegisterInfo {
    id: 0x6080000000150060,
    name: Borrowed("Z3"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 3"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z4: RegisterInfo = RegisterInfo {
    id: 0x6080000000150080,
    name: Borrowed("Z4"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 4"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z5: RegisterInfo = RegisterInfo {
    id: 0x60800000001500a0,
    name: Borrowed("Z5"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 5"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z6: RegisterInfo = RegisterInfo {
    id: 0x60800000001500c0,
    name: Borrowed("Z6"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 6"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z7: RegisterInfo = RegisterInfo {
    id: 0x60800000001500e0,
    name: Borrowed("Z7"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 7"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z8: RegisterInfo = RegisterInfo {
    id: 0x6080000000150100,
    name: Borrowed("Z8"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 8"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z9: RegisterInfo = RegisterInfo {
    id: 0x6080000000150120,
    name: Borrowed("Z9"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 9"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z10: RegisterInfo = RegisterInfo {
    id: 0x6080000000150140,
    name: Borrowed("Z10"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 10"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z11: RegisterInfo = RegisterInfo {
    id: 0x6080000000150160,
    name: Borrowed("Z11"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 11"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z12: RegisterInfo = RegisterInfo {
    id: 0x6080000000150180,
    name: Borrowed("Z12"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 12"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z13: RegisterInfo = RegisterInfo {
    id: 0x60800000001501a0,
    name: Borrowed("Z13"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 13"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z14: RegisterInfo = RegisterInfo {
    id: 0x60800000001501c0,
    name: Borrowed("Z14"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 14"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z15: RegisterInfo = RegisterInfo {
    id: 0x60800000001501e0,
    name: Borrowed("Z15"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 15"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z16: RegisterInfo = RegisterInfo {
    id: 0x6080000000150200,
    name: Borrowed("Z16"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 16"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z17: RegisterInfo = RegisterInfo {
    id: 0x6080000000150220,
    name: Borrowed("Z17"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 17"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z18: RegisterInfo = RegisterInfo {
    id: 0x6080000000150240,
    name: Borrowed("Z18"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 18"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z19: RegisterInfo = RegisterInfo {
    id: 0x6080000000150260,
    name: Borrowed("Z19"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 19"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z20: RegisterInfo = RegisterInfo {
    id: 0x6080000000150280,
    name: Borrowed("Z20"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 20"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z21: RegisterInfo = RegisterInfo {
    id: 0x60800000001502a0,
    name: Borrowed("Z21"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 21"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z22: RegisterInfo = RegisterInfo {
    id: 0x60800000001502c0,
    name: Borrowed("Z22"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 22"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z23: RegisterInfo = RegisterInfo {
    id: 0x60800000001502e0,
    name: Borrowed("Z23"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 23"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z24: RegisterInfo = RegisterInfo {
    id: 0x6080000000150300,
    name: Borrowed("Z24"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 24"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z25: RegisterInfo = RegisterInfo {
    id: 0x6080000000150320,
    name: Borrowed("Z25"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 25"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z26: RegisterInfo = RegisterInfo {
    id: 0x6080000000150340,
    name: Borrowed("Z26"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 26"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z27: RegisterInfo = RegisterInfo {
    id: 0x6080000000150360,
    name: Borrowed("Z27"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 27"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z28: RegisterInfo = RegisterInfo {
    id: 0x6080000000150380,
    name: Borrowed("Z28"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 28"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z29: RegisterInfo = RegisterInfo {
    id: 0x60800000001503a0,
    name: Borrowed("Z29"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 29"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z30: RegisterInfo = RegisterInfo {
    id: 0x60800000001503c0,
    name: Borrowed("Z30"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 30"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const Z31: RegisterInfo = RegisterInfo {
    id: 0x60800000001503e0,
    name: Borrowed("Z31"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable vector register 31"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_ZREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P0: RegisterInfo = RegisterInfo {
    id: 0x6050000000150400,
    name: Borrowed("P0"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 0"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P1: RegisterInfo = RegisterInfo {
    id: 0x6050000000150420,
    name: Borrowed("P1"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 1"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P2: RegisterInfo = RegisterInfo {
    id: 0x6050000000150440,
    name: Borrowed("P2"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 2"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P3: RegisterInfo = RegisterInfo {
    id: 0x6050000000150460,
    name: Borrowed("P3"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 3"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P4: RegisterInfo = RegisterInfo {
    id: 0x6050000000150480,
    name: Borrowed("P4"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 4"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P5: RegisterInfo = RegisterInfo {
    id: 0x60500000001504a0,
    name: Borrowed("P5"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 5"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P6: RegisterInfo = RegisterInfo {
    id: 0x60500000001504c0,
    name: Borrowed("P6"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 6"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P7: RegisterInfo = RegisterInfo {
    id: 0x60500000001504e0,
    name: Borrowed("P7"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 7"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P8: RegisterInfo = RegisterInfo {
    id: 0x6050000000150500,
    name: Borrowed("P8"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 8"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P9: RegisterInfo = RegisterInfo {
    id: 0x6050000000150520,
    name: Borrowed("P9"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 9"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P10: RegisterInfo = RegisterInfo {
    id: 0x6050000000150540,
    name: Borrowed("P10"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 10"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P11: RegisterInfo = RegisterInfo {
    id: 0x6050000000150560,
    name: Borrowed("P11"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 11"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P12: RegisterInfo = RegisterInfo {
    id: 0x6050000000150580,
    name: Borrowed("P12"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 12"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P13: RegisterInfo = RegisterInfo {
    id: 0x60500000001505a0,
    name: Borrowed("P13"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 13"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P14: RegisterInfo = RegisterInfo {
    id: 0x60500000001505c0,
    name: Borrowed("P14"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 14"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const P15: RegisterInfo = RegisterInfo {
    id: 0x60500000001505e0,
    name: Borrowed("P15"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Scalable predicate register 15"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_PREG (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const FFR: RegisterInfo = RegisterInfo {
    id: 0x6050000000150600,
    name: Borrowed("FFR"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("SVE First Fault Register"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_FFR (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const KVM_REG_ARM64_SVE_VLS: RegisterInfo = RegisterInfo {
    id: 0x606000000015ffff,
    name: Borrowed("KVM_REG_ARM64_SVE_VLS"),
    kind: Kind::State,
    encoding: None,
    title: Borrowed("Set of SVE vector lengths, as a bitmap; fixed before the vCPU is finalised"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM64_SVE_VLS (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("`vectorLengths` says it")),
    unsaved: Some(Borrowed("the lock says it: `vectorLengths`")),
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTV_CTL_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df19,
    name: Borrowed("CNTV_CTL_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf19),
    title: Borrowed("Virtual timer control"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_TIMER_CTL (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("ISTATUS"), high: 2, low: 2, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const CNTV_CVAL_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df02,
    name: Borrowed("CNTV_CVAL_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf1a),
    title: Borrowed("Virtual timer compare value"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_TIMER_CVAL (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTVCT_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df1a,
    name: Borrowed("CNTVCT_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf02),
    title: Borrowed("Virtual count"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_TIMER_CNT (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("time goes on in it: `counters` says from where")),
    unsaved: Some(Borrowed("there is one for all vCPUs: `virtualCounter` of the machine")),
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTPCT_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df01,
    name: Borrowed("CNTPCT_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf01),
    title: Borrowed("Physical count"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_PTIMER_CNT; listed from v6.4 on"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("time goes on in it: `counters` says from where")),
    unsaved: Some(Borrowed("it is the host's own counter")),
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTP_CTL_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df11,
    name: Borrowed("CNTP_CTL_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf11),
    title: Borrowed("Physical timer control"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_PTIMER_CTL; listed from v6.4 on"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: Some(0x3), clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("ISTATUS"), high: 2, low: 2, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const CNTP_CVAL_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df12,
    name: Borrowed("CNTP_CVAL_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf12),
    title: Borrowed("Physical timer compare value"),
    source: Borrowed("arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_PTIMER_CVAL; listed from v6.4 on"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: Some(0xffffffffffffffff), clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR0_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138004,
    name: Borrowed("DBGBVR0_EL1"),
    kind: Kind::State,
    encoding: Some(0x8004),
    title: Borrowed("Debug Breakpoint Value Register 0"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR0_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138005,
    name: Borrowed("DBGBCR0_EL1"),
    kind: Kind::State,
    encoding: Some(0x8005),
    title: Borrowed("Debug Breakpoint Control Register 0"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR0_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138006,
    name: Borrowed("DBGWVR0_EL1"),
    kind: Kind::State,
    encoding: Some(0x8006),
    title: Borrowed("Debug Watchpoint Value Register 0"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR0_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138007,
    name: Borrowed("DBGWCR0_EL1"),
    kind: Kind::State,
    encoding: Some(0x8007),
    title: Borrowed("Debug Watchpoint Control Register 0"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR1_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013800c,
    name: Borrowed("DBGBVR1_EL1"),
    kind: Kind::State,
    encoding: Some(0x800c),
    title: Borrowed("Debug Breakpoint Value Register 1"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR1_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013800d,
    name: Borrowed("DBGBCR1_EL1"),
    kind: Kind::State,
    encoding: Some(0x800d),
    title: Borrowed("Debug Breakpoint Control Register 1"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR1_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013800e,
    name: Borrowed("DBGWVR1_EL1"),
    kind: Kind::State,
    encoding: Some(0x800e),
    title: Borrowed("Debug Watchpoint Value Register 1"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR1_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013800f,
    name: Borrowed("DBGWCR1_EL1"),
    kind: Kind::State,
    encoding: Some(0x800f),
    title: Borrowed("Debug Watchpoint Control Register 1"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR2_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138014,
    name: Borrowed("DBGBVR2_EL1"),
    kind: Kind::State,
    encoding: Some(0x8014),
    title: Borrowed("Debug Breakpoint Value Register 2"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR2_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138015,
    name: Borrowed("DBGBCR2_EL1"),
    kind: Kind::State,
    encoding: Some(0x8015),
    title: Borrowed("Debug Breakpoint Control Register 2"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR2_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138016,
    name: Borrowed("DBGWVR2_EL1"),
    kind: Kind::State,
    encoding: Some(0x8016),
    title: Borrowed("Debug Watchpoint Value Register 2"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR2_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138017,
    name: Borrowed("DBGWCR2_EL1"),
    kind: Kind::State,
    encoding: Some(0x8017),
    title: Borrowed("Debug Watchpoint Control Register 2"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR3_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013801c,
    name: Borrowed("DBGBVR3_EL1"),
    kind: Kind::State,
    encoding: Some(0x801c),
    title: Borrowed("Debug Breakpoint Value Register 3"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR3_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013801d,
    name: Borrowed("DBGBCR3_EL1"),
    kind: Kind::State,
    encoding: Some(0x801d),
    title: Borrowed("Debug Breakpoint Control Register 3"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR3_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013801e,
    name: Borrowed("DBGWVR3_EL1"),
    kind: Kind::State,
    encoding: Some(0x801e),
    title: Borrowed("Debug Watchpoint Value Register 3"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR3_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013801f,
    name: Borrowed("DBGWCR3_EL1"),
    kind: Kind::State,
    encoding: Some(0x801f),
    title: Borrowed("Debug Watchpoint Control Register 3"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR4_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138024,
    name: Borrowed("DBGBVR4_EL1"),
    kind: Kind::State,
    encoding: Some(0x8024),
    title: Borrowed("Debug Breakpoint Value Register 4"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR4_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138025,
    name: Borrowed("DBGBCR4_EL1"),
    kind: Kind::State,
    encoding: Some(0x8025),
    title: Borrowed("Debug Breakpoint Control Register 4"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR4_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138026,
    name: Borrowed("DBGWVR4_EL1"),
    kind: Kind::State,
    encoding: Some(0x8026),
    title: Borrowed("Debug Watchpoint Value Register 4"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR4_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138027,
    name: Borrowed("DBGWCR4_EL1"),
    kind: Kind::State,
    encoding: Some(0x8027),
    title: Borrowed("Debug Watchpoint Control Register 4"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR5_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013802c,
    name: Borrowed("DBGBVR5_EL1"),
    kind: Kind::State,
    encoding: Some(0x802c),
    title: Borrowed("Debug Breakpoint Value Register 5"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR5_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013802d,
    name: Borrowed("DBGBCR5_EL1"),
    kind: Kind::State,
    encoding: Some(0x802d),
    title: Borrowed("Debug Breakpoint Control Register 5"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR5_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013802e,
    name: Borrowed("DBGWVR5_EL1"),
    kind: Kind::State,
    encoding: Some(0x802e),
    title: Borrowed("Debug Watchpoint Value Register 5"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR5_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013802f,
    name: Borrowed("DBGWCR5_EL1"),
    kind: Kind::State,
    encoding: Some(0x802f),
    title: Borrowed("Debug Watchpoint Control Register 5"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR6_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138034,
    name: Borrowed("DBGBVR6_EL1"),
    kind: Kind::State,
    encoding: Some(0x8034),
    title: Borrowed("Debug Breakpoint Value Register 6"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR6_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138035,
    name: Borrowed("DBGBCR6_EL1"),
    kind: Kind::State,
    encoding: Some(0x8035),
    title: Borrowed("Debug Breakpoint Control Register 6"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR6_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138036,
    name: Borrowed("DBGWVR6_EL1"),
    kind: Kind::State,
    encoding: Some(0x8036),
    title: Borrowed("Debug Watchpoint Value Register 6"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR6_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138037,
    name: Borrowed("DBGWCR6_EL1"),
    kind: Kind::State,
    encoding: Some(0x8037),
    title: Borrowed("Debug Watchpoint Control Register 6"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR7_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013803c,
    name: Borrowed("DBGBVR7_EL1"),
    kind: Kind::State,
    encoding: Some(0x803c),
    title: Borrowed("Debug Breakpoint Value Register 7"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR7_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013803d,
    name: Borrowed("DBGBCR7_EL1"),
    kind: Kind::State,
    encoding: Some(0x803d),
    title: Borrowed("Debug Breakpoint Control Register 7"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR7_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013803e,
    name: Borrowed("DBGWVR7_EL1"),
    kind: Kind::State,
    encoding: Some(0x803e),
    title: Borrowed("Debug Watchpoint Value Register 7"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR7_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013803f,
    name: Borrowed("DBGWCR7_EL1"),
    kind: Kind::State,
    encoding: Some(0x803f),
    title: Borrowed("Debug Watchpoint Control Register 7"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR8_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138044,
    name: Borrowed("DBGBVR8_EL1"),
    kind: Kind::State,
    encoding: Some(0x8044),
    title: Borrowed("Debug Breakpoint Value Register 8"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR8_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138045,
    name: Borrowed("DBGBCR8_EL1"),
    kind: Kind::State,
    encoding: Some(0x8045),
    title: Borrowed("Debug Breakpoint Control Register 8"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR8_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138046,
    name: Borrowed("DBGWVR8_EL1"),
    kind: Kind::State,
    encoding: Some(0x8046),
    title: Borrowed("Debug Watchpoint Value Register 8"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR8_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138047,
    name: Borrowed("DBGWCR8_EL1"),
    kind: Kind::State,
    encoding: Some(0x8047),
    title: Borrowed("Debug Watchpoint Control Register 8"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR9_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013804c,
    name: Borrowed("DBGBVR9_EL1"),
    kind: Kind::State,
    encoding: Some(0x804c),
    title: Borrowed("Debug Breakpoint Value Register 9"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR9_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013804d,
    name: Borrowed("DBGBCR9_EL1"),
    kind: Kind::State,
    encoding: Some(0x804d),
    title: Borrowed("Debug Breakpoint Control Register 9"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR9_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013804e,
    name: Borrowed("DBGWVR9_EL1"),
    kind: Kind::State,
    encoding: Some(0x804e),
    title: Borrowed("Debug Watchpoint Value Register 9"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR9_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013804f,
    name: Borrowed("DBGWCR9_EL1"),
    kind: Kind::State,
    encoding: Some(0x804f),
    title: Borrowed("Debug Watchpoint Control Register 9"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR10_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138054,
    name: Borrowed("DBGBVR10_EL1"),
    kind: Kind::State,
    encoding: Some(0x8054),
    title: Borrowed("Debug Breakpoint Value Register 10"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR10_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138055,
    name: Borrowed("DBGBCR10_EL1"),
    kind: Kind::State,
    encoding: Some(0x8055),
    title: Borrowed("Debug Breakpoint Control Register 10"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR10_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138056,
    name: Borrowed("DBGWVR10_EL1"),
    kind: Kind::State,
    encoding: Some(0x8056),
    title: Borrowed("Debug Watchpoint Value Register 10"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR10_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138057,
    name: Borrowed("DBGWCR10_EL1"),
    kind: Kind::State,
    encoding: Some(0x8057),
    title: Borrowed("Debug Watchpoint Control Register 10"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR11_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013805c,
    name: Borrowed("DBGBVR11_EL1"),
    kind: Kind::State,
    encoding: Some(0x805c),
    title: Borrowed("Debug Breakpoint Value Register 11"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR11_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013805d,
    name: Borrowed("DBGBCR11_EL1"),
    kind: Kind::State,
    encoding: Some(0x805d),
    title: Borrowed("Debug Breakpoint Control Register 11"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR11_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013805e,
    name: Borrowed("DBGWVR11_EL1"),
    kind: Kind::State,
    encoding: Some(0x805e),
    title: Borrowed("Debug Watchpoint Value Register 11"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR11_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013805f,
    name: Borrowed("DBGWCR11_EL1"),
    kind: Kind::State,
    encoding: Some(0x805f),
    title: Borrowed("Debug Watchpoint Control Register 11"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR12_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138064,
    name: Borrowed("DBGBVR12_EL1"),
    kind: Kind::State,
    encoding: Some(0x8064),
    title: Borrowed("Debug Breakpoint Value Register 12"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR12_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138065,
    name: Borrowed("DBGBCR12_EL1"),
    kind: Kind::State,
    encoding: Some(0x8065),
    title: Borrowed("Debug Breakpoint Control Register 12"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR12_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138066,
    name: Borrowed("DBGWVR12_EL1"),
    kind: Kind::State,
    encoding: Some(0x8066),
    title: Borrowed("Debug Watchpoint Value Register 12"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR12_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138067,
    name: Borrowed("DBGWCR12_EL1"),
    kind: Kind::State,
    encoding: Some(0x8067),
    title: Borrowed("Debug Watchpoint Control Register 12"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR13_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013806c,
    name: Borrowed("DBGBVR13_EL1"),
    kind: Kind::State,
    encoding: Some(0x806c),
    title: Borrowed("Debug Breakpoint Value Register 13"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR13_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013806d,
    name: Borrowed("DBGBCR13_EL1"),
    kind: Kind::State,
    encoding: Some(0x806d),
    title: Borrowed("Debug Breakpoint Control Register 13"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR13_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013806e,
    name: Borrowed("DBGWVR13_EL1"),
    kind: Kind::State,
    encoding: Some(0x806e),
    title: Borrowed("Debug Watchpoint Value Register 13"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR13_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013806f,
    name: Borrowed("DBGWCR13_EL1"),
    kind: Kind::State,
    encoding: Some(0x806f),
    title: Borrowed("Debug Watchpoint Control Register 13"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR14_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138074,
    name: Borrowed("DBGBVR14_EL1"),
    kind: Kind::State,
    encoding: Some(0x8074),
    title: Borrowed("Debug Breakpoint Value Register 14"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR14_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138075,
    name: Borrowed("DBGBCR14_EL1"),
    kind: Kind::State,
    encoding: Some(0x8075),
    title: Borrowed("Debug Breakpoint Control Register 14"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR14_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138076,
    name: Borrowed("DBGWVR14_EL1"),
    kind: Kind::State,
    encoding: Some(0x8076),
    title: Borrowed("Debug Watchpoint Value Register 14"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR14_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138077,
    name: Borrowed("DBGWCR14_EL1"),
    kind: Kind::State,
    encoding: Some(0x8077),
    title: Borrowed("Debug Watchpoint Control Register 14"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBVR15_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013807c,
    name: Borrowed("DBGBVR15_EL1"),
    kind: Kind::State,
    encoding: Some(0x807c),
    title: Borrowed("Debug Breakpoint Value Register 15"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGBCR15_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013807d,
    name: Borrowed("DBGBCR15_EL1"),
    kind: Kind::State,
    encoding: Some(0x807d),
    title: Borrowed("Debug Breakpoint Control Register 15"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWVR15_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013807e,
    name: Borrowed("DBGWVR15_EL1"),
    kind: Kind::State,
    encoding: Some(0x807e),
    title: Borrowed("Debug Watchpoint Value Register 15"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGWCR15_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013807f,
    name: Borrowed("DBGWCR15_EL1"),
    kind: Kind::State,
    encoding: Some(0x807f),
    title: Borrowed("Debug Watchpoint Control Register 15"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const MDCCINT_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138010,
    name: Borrowed("MDCCINT_EL1"),
    kind: Kind::State,
    encoding: Some(0x8010),
    title: Borrowed("Monitor DCC Interrupt Enable Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("there is no debug communications channel, and what a guest reads is what happened to be there")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const MDSCR_EL1: RegisterInfo = RegisterInfo {
    id: 0x6030000000138012,
    name: Borrowed("MDSCR_EL1"),
    kind: Kind::State,
    encoding: Some(0x8012),
    title: Borrowed("Monitor Debug System Control Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DBGVCR32_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013a038,
    name: Borrowed("DBGVCR32_EL2"),
    kind: Kind::State,
    encoding: Some(0xa038),
    title: Borrowed("Debug Vector Catch, AArch32 Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SCTLR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c080,
    name: Borrowed("SCTLR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc080),
    title: Borrowed("System Control Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0xc50078, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ACTLR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c081,
    name: Borrowed("ACTLR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc081),
    title: Borrowed("Auxiliary Control Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: Some(Borrowed("the lock says it: `reset`")),
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CPACR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c082,
    name: Borrowed("CPACR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc082),
    title: Borrowed("Architectural Feature Access Control Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TTBR0_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c100,
    name: Borrowed("TTBR0_EL1"),
    kind: Kind::State,
    encoding: Some(0xc100),
    title: Borrowed("Translation Table Base 0 Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TTBR1_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c101,
    name: Borrowed("TTBR1_EL1"),
    kind: Kind::State,
    encoding: Some(0xc101),
    title: Borrowed("Translation Table Base 1 Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TCR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c102,
    name: Borrowed("TCR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc102),
    title: Borrowed("Translation Control Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const AFSR0_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c288,
    name: Borrowed("AFSR0_EL1"),
    kind: Kind::State,
    encoding: Some(0xc288),
    title: Borrowed("Auxiliary Fault Status 0 Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0x0, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const AFSR1_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c289,
    name: Borrowed("AFSR1_EL1"),
    kind: Kind::State,
    encoding: Some(0xc289),
    title: Borrowed("Auxiliary Fault Status 1 Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0x0, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ESR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c290,
    name: Borrowed("ESR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc290),
    title: Borrowed("Exception Syndrome Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("ISS2"), high: 55, low: 32, rule: Rule::Free, signed: false },
        Field { name: Borrowed("RES0"), high: 63, low: 56, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const FAR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c300,
    name: Borrowed("FAR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc300),
    title: Borrowed("Fault Address Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PAR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c3a0,
    name: Borrowed("PAR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc3a0),
    title: Borrowed("Physical Address Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("11:1"), high: 11, low: 1, rule: Rule::Free, signed: false },
        Field { name: Borrowed("55:48"), high: 55, low: 48, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const MAIR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c510,
    name: Borrowed("MAIR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc510),
    title: Borrowed("Memory Attribute Indirection Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const AMAIR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c518,
    name: Borrowed("AMAIR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc518),
    title: Borrowed("Auxiliary Memory Attribute Indirection Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const VBAR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c600,
    name: Borrowed("VBAR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc600),
    title: Borrowed("Vector Base Address Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DISR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c609,
    name: Borrowed("DISR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc609),
    title: Borrowed("Deferred Interrupt Status Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CONTEXTIDR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c681,
    name: Borrowed("CONTEXTIDR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc681),
    title: Borrowed("Context ID Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TPIDR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c684,
    name: Borrowed("TPIDR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc684),
    title: Borrowed("EL1 software thread ID Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTKCTL_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c708,
    name: Borrowed("CNTKCTL_EL1"),
    kind: Kind::State,
    encoding: Some(0xc708),
    title: Borrowed("Counter-timer Kernel Control Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CSSELR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013d000,
    name: Borrowed("CSSELR_EL1"),
    kind: Kind::State,
    encoding: Some(0xd000),
    title: Borrowed("Cache Size Selection Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("up to 5.10 or so hardware holds it, and reads a cache level that is not there as it likes (Arm ARM D24.2.36)")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TPIDR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013de82,
    name: Borrowed("TPIDR_EL0"),
    kind: Kind::State,
    encoding: Some(0xde82),
    title: Borrowed("EL0 software thread ID Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TPIDRRO_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013de83,
    name: Borrowed("TPIDRRO_EL0"),
    kind: Kind::State,
    encoding: Some(0xde83),
    title: Borrowed("EL0 read-only software thread ID Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const DACR32_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e180,
    name: Borrowed("DACR32_EL2"),
    kind: Kind::State,
    encoding: Some(0xe180),
    title: Borrowed("Domain Access Control, AArch32 Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("no guest at EL1 can read it")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const IFSR32_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e281,
    name: Borrowed("IFSR32_EL2"),
    kind: Kind::State,
    encoding: Some(0xe281),
    title: Borrowed("Instruction Fault Status, AArch32 Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("no guest at EL1 can read it")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const FPEXC32_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e298,
    name: Borrowed("FPEXC32_EL2"),
    kind: Kind::State,
    encoding: Some(0xe298),
    title: Borrowed("Floating-point Exception Control, AArch32 Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("no guest at EL1 can read it")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SCTLR2_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c083,
    name: Borrowed("SCTLR2_EL1"),
    kind: Kind::State,
    encoding: Some(0xc083),
    title: Borrowed("System Control Register 2"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.SCTLRX")), feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TCR2_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c103,
    name: Borrowed("TCR2_EL1"),
    kind: Kind::State,
    encoding: Some(0xc103),
    title: Borrowed("Translation Control Register 2"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.TCRX")), feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PIRE0_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c512,
    name: Borrowed("PIRE0_EL1"),
    kind: Kind::State,
    encoding: Some(0xc512),
    title: Borrowed("Permission Indirection Register 0"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.S1PIE")), feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PIR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c513,
    name: Borrowed("PIR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc513),
    title: Borrowed("Permission Indirection Register 1"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.S1PIE")), feature: None, neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const POR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c514,
    name: Borrowed("POR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc514),
    title: Borrowed("Permission Overlay Register 1"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.S1POE")), feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const POR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dd14,
    name: Borrowed("POR_EL0"),
    kind: Kind::State,
    encoding: Some(0xdd14),
    title: Borrowed("Permission Overlay Register 0"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.S1POE")), feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SVCR: RegisterInfo = RegisterInfo {
    id: 0x603000000013da12,
    name: Borrowed("SVCR"),
    kind: Kind::State,
    encoding: Some(0xda12),
    title: Borrowed("Streaming Vector Control Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: Some(Borrowed("ID_AA64PFR1_EL1.SME")), feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const FPMR: RegisterInfo = RegisterInfo {
    id: 0x603000000013da22,
    name: Borrowed("FPMR"),
    kind: Kind::State,
    encoding: Some(0xda22),
    title: Borrowed("Floating-point Mode Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: Some(Borrowed("ID_AA64PFR2_EL1.FPMR")), feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ZCR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c090,
    name: Borrowed("ZCR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc090),
    title: Borrowed("SVE Control Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("sve")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const RGSR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c085,
    name: Borrowed("RGSR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc085),
    title: Borrowed("Random Allocation Tag Seed Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("mte")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("KVM fills it with a pattern, of which hardware keeps the bits that it has")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const GCR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c086,
    name: Borrowed("GCR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc086),
    title: Borrowed("Tag Control Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("mte")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("KVM fills it with a pattern, of which hardware keeps the bits that it has")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TFSR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c2b0,
    name: Borrowed("TFSR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc2b0),
    title: Borrowed("Tag Fault Status Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("mte")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("KVM fills it with a pattern, of which hardware keeps the bits that it has")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TFSRE0_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c2b1,
    name: Borrowed("TFSRE0_EL1"),
    kind: Kind::State,
    encoding: Some(0xc2b1),
    title: Borrowed("Tag Fault Status Register of EL0"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("mte")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("KVM fills it with a pattern, of which hardware keeps the bits that it has")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APIAKEYLO_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c108,
    name: Borrowed("APIAKEYLO_EL1"),
    kind: Kind::State,
    encoding: Some(0xc108),
    title: Borrowed("Pointer authentication key IA, low half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APIAKEYHI_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c109,
    name: Borrowed("APIAKEYHI_EL1"),
    kind: Kind::State,
    encoding: Some(0xc109),
    title: Borrowed("Pointer authentication key IA, high half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APIBKEYLO_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c10a,
    name: Borrowed("APIBKEYLO_EL1"),
    kind: Kind::State,
    encoding: Some(0xc10a),
    title: Borrowed("Pointer authentication key IB, low half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APIBKEYHI_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c10b,
    name: Borrowed("APIBKEYHI_EL1"),
    kind: Kind::State,
    encoding: Some(0xc10b),
    title: Borrowed("Pointer authentication key IB, high half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APDAKEYLO_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c110,
    name: Borrowed("APDAKEYLO_EL1"),
    kind: Kind::State,
    encoding: Some(0xc110),
    title: Borrowed("Pointer authentication key DA, low half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APDAKEYHI_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c111,
    name: Borrowed("APDAKEYHI_EL1"),
    kind: Kind::State,
    encoding: Some(0xc111),
    title: Borrowed("Pointer authentication key DA, high half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APDBKEYLO_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c112,
    name: Borrowed("APDBKEYLO_EL1"),
    kind: Kind::State,
    encoding: Some(0xc112),
    title: Borrowed("Pointer authentication key DB, low half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APDBKEYHI_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c113,
    name: Borrowed("APDBKEYHI_EL1"),
    kind: Kind::State,
    encoding: Some(0xc113),
    title: Borrowed("Pointer authentication key DB, high half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APGAKEYLO_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c118,
    name: Borrowed("APGAKEYLO_EL1"),
    kind: Kind::State,
    encoding: Some(0xc118),
    title: Borrowed("Pointer authentication key GA, low half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const APGAKEYHI_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c119,
    name: Borrowed("APGAKEYHI_EL1"),
    kind: Kind::State,
    encoding: Some(0xc119),
    title: Borrowed("Pointer authentication key GA, high half"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pauth")), neutral: None, guest_only: false,
    reset: 0x1de7ec7edbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMINTENSET_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c4f1,
    name: Borrowed("PMINTENSET_EL1"),
    kind: Kind::State,
    encoding: Some(0xc4f1),
    title: Borrowed("Performance Monitors Interrupt Enable Set Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMINTENCLR_EL1: RegisterInfo = RegisterInfo {
    id: 0x603000000013c4f2,
    name: Borrowed("PMINTENCLR_EL1"),
    kind: Kind::State,
    encoding: Some(0xc4f2),
    title: Borrowed("Performance Monitors Interrupt Enable Clear Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffffffffffff, untold: None, clears: Some(Borrowed("PMINTENSET_EL1")),
    unsaid: None,
    unsaved: Some(Borrowed("PMINTENSET_EL1 has its bits")),
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMCNTENSET_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dce1,
    name: Borrowed("PMCNTENSET_EL0"),
    kind: Kind::State,
    encoding: Some(0xdce1),
    title: Borrowed("Performance Monitors Count Enable Set Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMCNTENCLR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dce2,
    name: Borrowed("PMCNTENCLR_EL0"),
    kind: Kind::State,
    encoding: Some(0xdce2),
    title: Borrowed("Performance Monitors Count Enable Clear Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffffffffffff, untold: None, clears: Some(Borrowed("PMCNTENSET_EL0")),
    unsaid: None,
    unsaved: Some(Borrowed("PMCNTENSET_EL0 has its bits")),
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMOVSCLR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dce3,
    name: Borrowed("PMOVSCLR_EL0"),
    kind: Kind::State,
    encoding: Some(0xdce3),
    title: Borrowed("Performance Monitors Overflow Flag Status Clear Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffffffffffff, untold: None, clears: Some(Borrowed("PMOVSSET_EL0")),
    unsaid: None,
    unsaved: Some(Borrowed("PMOVSSET_EL0 has its bits")),
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMSWINC_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dce4,
    name: Borrowed("PMSWINC_EL0"),
    kind: Kind::State,
    encoding: Some(0xdce4),
    title: Borrowed("Performance Monitors Software Increment Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("it can only be written")),
    unsaved: Some(Borrowed("it can only be written")),
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMSELR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dce5,
    name: Borrowed("PMSELR_EL0"),
    kind: Kind::State,
    encoding: Some(0xdce5),
    title: Borrowed("Performance Monitors Event Counter Selection Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0x1e, told: 0x1f, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMCCNTR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dce8,
    name: Borrowed("PMCCNTR_EL0"),
    kind: Kind::State,
    encoding: Some(0xdce8),
    title: Borrowed("Performance Monitors Cycle Count Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: Some(Borrowed("some kernels let it begin with zero (6.1), and others with a pattern")),
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMUSERENR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dcf0,
    name: Borrowed("PMUSERENR_EL0"),
    kind: Kind::State,
    encoding: Some(0xdcf0),
    title: Borrowed("Performance Monitors User Enable Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMOVSSET_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013dcf3,
    name: Borrowed("PMOVSSET_EL0"),
    kind: Kind::State,
    encoding: Some(0xdcf3),
    title: Borrowed("Performance Monitors Overflow Flag Status Set Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMCCFILTR_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df7f,
    name: Borrowed("PMCCFILTR_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf7f),
    title: Borrowed("Performance Monitors Cycle Count Filter Register"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR0_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df40,
    name: Borrowed("PMEVCNTR0_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf40),
    title: Borrowed("Performance Monitors Event Count Register 0"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR1_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df41,
    name: Borrowed("PMEVCNTR1_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf41),
    title: Borrowed("Performance Monitors Event Count Register 1"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR2_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df42,
    name: Borrowed("PMEVCNTR2_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf42),
    title: Borrowed("Performance Monitors Event Count Register 2"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR3_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df43,
    name: Borrowed("PMEVCNTR3_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf43),
    title: Borrowed("Performance Monitors Event Count Register 3"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR4_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df44,
    name: Borrowed("PMEVCNTR4_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf44),
    title: Borrowed("Performance Monitors Event Count Register 4"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR5_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df45,
    name: Borrowed("PMEVCNTR5_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf45),
    title: Borrowed("Performance Monitors Event Count Register 5"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR6_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df46,
    name: Borrowed("PMEVCNTR6_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf46),
    title: Borrowed("Performance Monitors Event Count Register 6"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR7_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df47,
    name: Borrowed("PMEVCNTR7_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf47),
    title: Borrowed("Performance Monitors Event Count Register 7"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR8_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df48,
    name: Borrowed("PMEVCNTR8_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf48),
    title: Borrowed("Performance Monitors Event Count Register 8"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR9_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df49,
    name: Borrowed("PMEVCNTR9_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf49),
    title: Borrowed("Performance Monitors Event Count Register 9"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR10_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df4a,
    name: Borrowed("PMEVCNTR10_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf4a),
    title: Borrowed("Performance Monitors Event Count Register 10"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR11_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df4b,
    name: Borrowed("PMEVCNTR11_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf4b),
    title: Borrowed("Performance Monitors Event Count Register 11"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR12_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df4c,
    name: Borrowed("PMEVCNTR12_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf4c),
    title: Borrowed("Performance Monitors Event Count Register 12"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR13_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df4d,
    name: Borrowed("PMEVCNTR13_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf4d),
    title: Borrowed("Performance Monitors Event Count Register 13"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR14_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df4e,
    name: Borrowed("PMEVCNTR14_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf4e),
    title: Borrowed("Performance Monitors Event Count Register 14"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR15_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df4f,
    name: Borrowed("PMEVCNTR15_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf4f),
    title: Borrowed("Performance Monitors Event Count Register 15"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR16_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df50,
    name: Borrowed("PMEVCNTR16_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf50),
    title: Borrowed("Performance Monitors Event Count Register 16"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR17_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df51,
    name: Borrowed("PMEVCNTR17_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf51),
    title: Borrowed("Performance Monitors Event Count Register 17"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR18_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df52,
    name: Borrowed("PMEVCNTR18_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf52),
    title: Borrowed("Performance Monitors Event Count Register 18"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR19_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df53,
    name: Borrowed("PMEVCNTR19_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf53),
    title: Borrowed("Performance Monitors Event Count Register 19"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR20_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df54,
    name: Borrowed("PMEVCNTR20_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf54),
    title: Borrowed("Performance Monitors Event Count Register 20"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR21_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df55,
    name: Borrowed("PMEVCNTR21_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf55),
    title: Borrowed("Performance Monitors Event Count Register 21"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR22_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df56,
    name: Borrowed("PMEVCNTR22_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf56),
    title: Borrowed("Performance Monitors Event Count Register 22"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR23_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df57,
    name: Borrowed("PMEVCNTR23_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf57),
    title: Borrowed("Performance Monitors Event Count Register 23"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR24_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df58,
    name: Borrowed("PMEVCNTR24_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf58),
    title: Borrowed("Performance Monitors Event Count Register 24"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR25_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df59,
    name: Borrowed("PMEVCNTR25_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf59),
    title: Borrowed("Performance Monitors Event Count Register 25"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR26_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df5a,
    name: Borrowed("PMEVCNTR26_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf5a),
    title: Borrowed("Performance Monitors Event Count Register 26"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR27_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df5b,
    name: Borrowed("PMEVCNTR27_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf5b),
    title: Borrowed("Performance Monitors Event Count Register 27"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR28_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df5c,
    name: Borrowed("PMEVCNTR28_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf5c),
    title: Borrowed("Performance Monitors Event Count Register 28"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR29_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df5d,
    name: Borrowed("PMEVCNTR29_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf5d),
    title: Borrowed("Performance Monitors Event Count Register 29"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVCNTR30_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df5e,
    name: Borrowed("PMEVCNTR30_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf5e),
    title: Borrowed("Performance Monitors Event Count Register 30"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xdbadc0de, told: 0xffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PMEVTYPER0_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df60,
    name: Borrowed("PMEVTYPER0_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf60),
    title: Borrowed("Performance Monitors Event Type Register 0"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER1_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df61,
    name: Borrowed("PMEVTYPER1_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf61),
    title: Borrowed("Performance Monitors Event Type Register 1"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER2_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df62,
    name: Borrowed("PMEVTYPER2_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf62),
    title: Borrowed("Performance Monitors Event Type Register 2"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER3_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df63,
    name: Borrowed("PMEVTYPER3_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf63),
    title: Borrowed("Performance Monitors Event Type Register 3"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER4_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df64,
    name: Borrowed("PMEVTYPER4_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf64),
    title: Borrowed("Performance Monitors Event Type Register 4"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER5_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df65,
    name: Borrowed("PMEVTYPER5_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf65),
    title: Borrowed("Performance Monitors Event Type Register 5"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER6_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df66,
    name: Borrowed("PMEVTYPER6_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf66),
    title: Borrowed("Performance Monitors Event Type Register 6"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER7_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df67,
    name: Borrowed("PMEVTYPER7_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf67),
    title: Borrowed("Performance Monitors Event Type Register 7"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER8_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df68,
    name: Borrowed("PMEVTYPER8_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf68),
    title: Borrowed("Performance Monitors Event Type Register 8"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER9_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df69,
    name: Borrowed("PMEVTYPER9_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf69),
    title: Borrowed("Performance Monitors Event Type Register 9"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER10_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df6a,
    name: Borrowed("PMEVTYPER10_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf6a),
    title: Borrowed("Performance Monitors Event Type Register 10"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER11_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df6b,
    name: Borrowed("PMEVTYPER11_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf6b),
    title: Borrowed("Performance Monitors Event Type Register 11"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER12_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df6c,
    name: Borrowed("PMEVTYPER12_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf6c),
    title: Borrowed("Performance Monitors Event Type Register 12"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER13_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df6d,
    name: Borrowed("PMEVTYPER13_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf6d),
    title: Borrowed("Performance Monitors Event Type Register 13"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER14_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df6e,
    name: Borrowed("PMEVTYPER14_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf6e),
    title: Borrowed("Performance Monitors Event Type Register 14"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER15_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df6f,
    name: Borrowed("PMEVTYPER15_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf6f),
    title: Borrowed("Performance Monitors Event Type Register 15"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER16_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df70,
    name: Borrowed("PMEVTYPER16_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf70),
    title: Borrowed("Performance Monitors Event Type Register 16"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER17_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df71,
    name: Borrowed("PMEVTYPER17_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf71),
    title: Borrowed("Performance Monitors Event Type Register 17"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER18_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df72,
    name: Borrowed("PMEVTYPER18_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf72),
    title: Borrowed("Performance Monitors Event Type Register 18"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER19_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df73,
    name: Borrowed("PMEVTYPER19_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf73),
    title: Borrowed("Performance Monitors Event Type Register 19"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER20_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df74,
    name: Borrowed("PMEVTYPER20_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf74),
    title: Borrowed("Performance Monitors Event Type Register 20"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER21_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df75,
    name: Borrowed("PMEVTYPER21_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf75),
    title: Borrowed("Performance Monitors Event Type Register 21"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER22_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df76,
    name: Borrowed("PMEVTYPER22_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf76),
    title: Borrowed("Performance Monitors Event Type Register 22"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER23_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df77,
    name: Borrowed("PMEVTYPER23_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf77),
    title: Borrowed("Performance Monitors Event Type Register 23"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER24_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df78,
    name: Borrowed("PMEVTYPER24_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf78),
    title: Borrowed("Performance Monitors Event Type Register 24"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER25_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df79,
    name: Borrowed("PMEVTYPER25_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf79),
    title: Borrowed("Performance Monitors Event Type Register 25"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER26_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df7a,
    name: Borrowed("PMEVTYPER26_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf7a),
    title: Borrowed("Performance Monitors Event Type Register 26"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER27_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df7b,
    name: Borrowed("PMEVTYPER27_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf7b),
    title: Borrowed("Performance Monitors Event Type Register 27"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER28_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df7c,
    name: Borrowed("PMEVTYPER28_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf7c),
    title: Borrowed("Performance Monitors Event Type Register 28"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER29_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df7d,
    name: Borrowed("PMEVTYPER29_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf7d),
    title: Borrowed("Performance Monitors Event Type Register 29"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const PMEVTYPER30_EL0: RegisterInfo = RegisterInfo {
    id: 0x603000000013df7e,
    name: Borrowed("PMEVTYPER30_EL0"),
    kind: Kind::State,
    encoding: Some(0xdf7e),
    title: Borrowed("Performance Monitors Event Type Register 30"),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs (v7.3)"),
    gate: None, feature: Some(Borrowed("pmu")), neutral: None, guest_only: false,
    reset: 0xc80000de, told: 0xc80003ff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("evtCount[15:10]"), high: 15, low: 10, rule: Rule::Free, signed: false },
    ]),
};

pub(super) const VPIDR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e000,
    name: Borrowed("VPIDR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe000),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const VMPIDR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e005,
    name: Borrowed("VMPIDR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe005),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SCTLR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e080,
    name: Borrowed("SCTLR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe080),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ACTLR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e081,
    name: Borrowed("ACTLR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe081),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SCTLR2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e083,
    name: Borrowed("SCTLR2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe083),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_FILTERED (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.SCTLRX")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HCR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e088,
    name: Borrowed("HCR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe088),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const MDCR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e089,
    name: Borrowed("MDCR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe089),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CPTR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e08a,
    name: Borrowed("CPTR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe08a),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HSTR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e08b,
    name: Borrowed("HSTR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe08b),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HFGRTR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e08c,
    name: Borrowed("HFGRTR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe08c),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HFGWTR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e08d,
    name: Borrowed("HFGWTR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe08d),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HFGITR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e08e,
    name: Borrowed("HFGITR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe08e),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HACR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e08f,
    name: Borrowed("HACR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe08f),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ZCR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e090,
    name: Borrowed("ZCR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe090),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_FILTERED (v7.3)"),
    gate: Some(Borrowed("ID_AA64PFR0_EL1.SVE")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HCRX_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e092,
    name: Borrowed("HCRX_EL2"),
    kind: Kind::State,
    encoding: Some(0xe092),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const NVHCR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e0a8,
    name: Borrowed("NVHCR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe0a8),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_FILTERED (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TTBR0_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e100,
    name: Borrowed("TTBR0_EL2"),
    kind: Kind::State,
    encoding: Some(0xe100),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TTBR1_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e101,
    name: Borrowed("TTBR1_EL2"),
    kind: Kind::State,
    encoding: Some(0xe101),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TCR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e102,
    name: Borrowed("TCR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe102),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TCR2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e103,
    name: Borrowed("TCR2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe103),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_FILTERED (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.TCRX")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const VTTBR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e108,
    name: Borrowed("VTTBR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe108),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const VTCR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e10a,
    name: Borrowed("VTCR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe10a),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const VNCR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e110,
    name: Borrowed("VNCR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe110),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_FILTERED (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR4_EL1.NV_frac")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HDFGRTR2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e188,
    name: Borrowed("HDFGRTR2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe188),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HDFGWTR2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e189,
    name: Borrowed("HDFGWTR2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe189),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HFGRTR2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e18a,
    name: Borrowed("HFGRTR2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe18a),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HFGWTR2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e18b,
    name: Borrowed("HFGWTR2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe18b),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HDFGRTR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e18c,
    name: Borrowed("HDFGRTR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe18c),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HDFGWTR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e18d,
    name: Borrowed("HDFGWTR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe18d),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HAFGRTR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e18e,
    name: Borrowed("HAFGRTR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe18e),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HFGITR2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e18f,
    name: Borrowed("HFGITR2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe18f),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_FILT (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR0_EL1.FGT")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SPSR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e200,
    name: Borrowed("SPSR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe200),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_REDIR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ELR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e201,
    name: Borrowed("ELR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe201),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_REDIR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const AFSR0_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e288,
    name: Borrowed("AFSR0_EL2"),
    kind: Kind::State,
    encoding: Some(0xe288),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const AFSR1_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e289,
    name: Borrowed("AFSR1_EL2"),
    kind: Kind::State,
    encoding: Some(0xe289),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ESR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e290,
    name: Borrowed("ESR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe290),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_REDIR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const VSESR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e293,
    name: Borrowed("VSESR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe293),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const FAR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e300,
    name: Borrowed("FAR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe300),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_REDIR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const HPFAR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e304,
    name: Borrowed("HPFAR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe304),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const MAIR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e510,
    name: Borrowed("MAIR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe510),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PIRE0_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e512,
    name: Borrowed("PIRE0_EL2"),
    kind: Kind::State,
    encoding: Some(0xe512),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_FILTERED (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.S1PIE")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const PIR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e513,
    name: Borrowed("PIR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe513),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_FILTERED (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.S1PIE")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const POR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e514,
    name: Borrowed("POR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe514),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_FILTERED (v7.3)"),
    gate: Some(Borrowed("ID_AA64MMFR3_EL1.S1POE")), feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const AMAIR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e518,
    name: Borrowed("AMAIR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe518),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const VBAR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e600,
    name: Borrowed("VBAR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe600),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const VDISR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e609,
    name: Borrowed("VDISR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe609),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_AP0R0_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e640,
    name: Borrowed("ICH_AP0R0_EL2"),
    kind: Kind::State,
    encoding: Some(0xe640),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_AP0R1_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e641,
    name: Borrowed("ICH_AP0R1_EL2"),
    kind: Kind::State,
    encoding: Some(0xe641),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_AP0R2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e642,
    name: Borrowed("ICH_AP0R2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe642),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_AP0R3_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e643,
    name: Borrowed("ICH_AP0R3_EL2"),
    kind: Kind::State,
    encoding: Some(0xe643),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_AP1R0_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e648,
    name: Borrowed("ICH_AP1R0_EL2"),
    kind: Kind::State,
    encoding: Some(0xe648),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_AP1R1_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e649,
    name: Borrowed("ICH_AP1R1_EL2"),
    kind: Kind::State,
    encoding: Some(0xe649),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_AP1R2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e64a,
    name: Borrowed("ICH_AP1R2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe64a),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_AP1R3_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e64b,
    name: Borrowed("ICH_AP1R3_EL2"),
    kind: Kind::State,
    encoding: Some(0xe64b),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_HCR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e658,
    name: Borrowed("ICH_HCR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe658),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_VMCR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e65f,
    name: Borrowed("ICH_VMCR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe65f),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR0_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e660,
    name: Borrowed("ICH_LR0_EL2"),
    kind: Kind::State,
    encoding: Some(0xe660),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR1_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e661,
    name: Borrowed("ICH_LR1_EL2"),
    kind: Kind::State,
    encoding: Some(0xe661),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR2_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e662,
    name: Borrowed("ICH_LR2_EL2"),
    kind: Kind::State,
    encoding: Some(0xe662),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR3_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e663,
    name: Borrowed("ICH_LR3_EL2"),
    kind: Kind::State,
    encoding: Some(0xe663),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR4_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e664,
    name: Borrowed("ICH_LR4_EL2"),
    kind: Kind::State,
    encoding: Some(0xe664),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR5_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e665,
    name: Borrowed("ICH_LR5_EL2"),
    kind: Kind::State,
    encoding: Some(0xe665),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR6_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e666,
    name: Borrowed("ICH_LR6_EL2"),
    kind: Kind::State,
    encoding: Some(0xe666),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR7_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e667,
    name: Borrowed("ICH_LR7_EL2"),
    kind: Kind::State,
    encoding: Some(0xe667),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR8_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e668,
    name: Borrowed("ICH_LR8_EL2"),
    kind: Kind::State,
    encoding: Some(0xe668),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR9_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e669,
    name: Borrowed("ICH_LR9_EL2"),
    kind: Kind::State,
    encoding: Some(0xe669),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR10_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e66a,
    name: Borrowed("ICH_LR10_EL2"),
    kind: Kind::State,
    encoding: Some(0xe66a),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR11_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e66b,
    name: Borrowed("ICH_LR11_EL2"),
    kind: Kind::State,
    encoding: Some(0xe66b),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR12_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e66c,
    name: Borrowed("ICH_LR12_EL2"),
    kind: Kind::State,
    encoding: Some(0xe66c),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR13_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e66d,
    name: Borrowed("ICH_LR13_EL2"),
    kind: Kind::State,
    encoding: Some(0xe66d),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR14_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e66e,
    name: Borrowed("ICH_LR14_EL2"),
    kind: Kind::State,
    encoding: Some(0xe66e),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const ICH_LR15_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e66f,
    name: Borrowed("ICH_LR15_EL2"),
    kind: Kind::State,
    encoding: Some(0xe66f),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR_GICv3 (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CONTEXTIDR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e681,
    name: Borrowed("CONTEXTIDR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe681),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const TPIDR_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e682,
    name: Borrowed("TPIDR_EL2"),
    kind: Kind::State,
    encoding: Some(0xe682),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTVOFF_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e703,
    name: Borrowed("CNTVOFF_EL2"),
    kind: Kind::State,
    encoding: Some(0xe703),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG_VNCR (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTHCTL_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e708,
    name: Borrowed("CNTHCTL_EL2"),
    kind: Kind::State,
    encoding: Some(0xe708),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTHP_CTL_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e711,
    name: Borrowed("CNTHP_CTL_EL2"),
    kind: Kind::State,
    encoding: Some(0xe711),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs TIMER_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTHP_CVAL_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e712,
    name: Borrowed("CNTHP_CVAL_EL2"),
    kind: Kind::State,
    encoding: Some(0xe712),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs TIMER_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTHV_CTL_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e719,
    name: Borrowed("CNTHV_CTL_EL2"),
    kind: Kind::State,
    encoding: Some(0xe719),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs TIMER_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const CNTHV_CVAL_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013e71a,
    name: Borrowed("CNTHV_CVAL_EL2"),
    kind: Kind::State,
    encoding: Some(0xe71a),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs TIMER_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};

pub(super) const SP_EL2: RegisterInfo = RegisterInfo {
    id: 0x603000000013f208,
    name: Borrowed("SP_EL2"),
    kind: Kind::State,
    encoding: Some(0xf208),
    title: Borrowed(""),
    source: Borrowed("arch/arm64/kvm/sys_regs.c sys_reg_descs EL2_REG (v7.3)"),
    gate: None, feature: Some(Borrowed("el2")), neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[]),
};
