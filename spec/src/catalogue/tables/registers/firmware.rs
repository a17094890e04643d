//! Made of `spec/catalogue/registers/firmware.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Field, Kind, RegisterInfo, Rule};

pub(super) const KVM_REG_ARM_PSCI_VERSION: RegisterInfo = RegisterInfo {
    id: 0x6030000000140000,
    name: Borrowed("KVM_REG_ARM_PSCI_VERSION"),
    kind: Kind::Firmware,
    encoding: None,
    title: Borrowed("PSCI version that the guest is told"),
    source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_PSCI_VERSION (v7.3); Arm DEN0022 PSCI_VERSION"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("Minor"), high: 15, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Major"), high: 31, low: 16, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1: RegisterInfo = RegisterInfo {
    id: 0x6030000000140001,
    name: Borrowed("KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1"),
    kind: Kind::Firmware,
    encoding: None,
    title: Borrowed("Firmware workaround for CVE-2017-5715: 0 not available, 1 available, 2 not required"),
    source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1 (v7.3); Arm DEN0028"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("Level"), high: 3, low: 0, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2: RegisterInfo = RegisterInfo {
    id: 0x6030000000140002,
    name: Borrowed("KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2"),
    kind: Kind::Firmware,
    encoding: None,
    title: Borrowed("Firmware workaround for CVE-2018-3639: 0 not available, 1 unknown, 2 available, 3 not required"),
    source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2 (v7.3); Arm DEN0028"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("Level"), high: 3, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("Enabled"), high: 4, low: 4, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3: RegisterInfo = RegisterInfo {
    id: 0x6030000000140003,
    name: Borrowed("KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3"),
    kind: Kind::Firmware,
    encoding: None,
    title: Borrowed("Firmware workaround for CVE-2022-23960: 0 not available, 1 available, 2 not required"),
    source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3 (v7.3); Arm DEN0028"),
    gate: None, feature: None, neutral: None, guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("Level"), high: 3, low: 0, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const KVM_REG_ARM_STD_BMAP: RegisterInfo = RegisterInfo {
    id: 0x6030000000160000,
    name: Borrowed("KVM_REG_ARM_STD_BMAP"),
    kind: Kind::Firmware,
    encoding: None,
    title: Borrowed("Standard secure services offered to the guest"),
    source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_STD_BMAP (v7.3); Arm DEN0098"),
    gate: None, feature: None, neutral: Some(0x0), guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("TRNG_V1_0"), high: 0, low: 0, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const KVM_REG_ARM_STD_HYP_BMAP: RegisterInfo = RegisterInfo {
    id: 0x6030000000160001,
    name: Borrowed("KVM_REG_ARM_STD_HYP_BMAP"),
    kind: Kind::Firmware,
    encoding: None,
    title: Borrowed("Standard hypervisor services offered to the guest"),
    source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_STD_HYP_BMAP (v7.3); Arm DEN0057"),
    gate: None, feature: None, neutral: Some(0x0), guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("PV_TIME"), high: 0, low: 0, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const KVM_REG_ARM_VENDOR_HYP_BMAP: RegisterInfo = RegisterInfo {
    id: 0x6030000000160002,
    name: Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP"),
    kind: Kind::Firmware,
    encoding: None,
    title: Borrowed("Services of the KVM vendor range offered to the guest"),
    source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_VENDOR_HYP_BMAP (v7.3)"),
    gate: None, feature: None, neutral: Some(0x0), guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("FUNC_FEAT"), high: 0, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("PTP"), high: 1, low: 1, rule: Rule::Exact, signed: false },
    ]),
};

pub(super) const KVM_REG_ARM_VENDOR_HYP_BMAP_2: RegisterInfo = RegisterInfo {
    id: 0x6030000000160003,
    name: Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP_2"),
    kind: Kind::Firmware,
    encoding: None,
    title: Borrowed("Further services of the KVM vendor range offered to the guest"),
    source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, arch/arm64/include/uapi/asm/kvm.h KVM_REG_ARM_VENDOR_HYP_BMAP_2 (v7.3)"),
    gate: None, feature: None, neutral: Some(0x0), guest_only: false,
    reset: 0x0, told: 0xffffffffffffffff, untold: None, clears: None,
    unsaid: None,
    unsaved: None,
    since: 1, aliases: Borrowed(&[]),
    fields: Borrowed(&[
        Field { name: Borrowed("DISCOVER_IMPL_VER"), high: 0, low: 0, rule: Rule::Exact, signed: false },
        Field { name: Borrowed("DISCOVER_IMPL_CPUS"), high: 1, low: 1, rule: Rule::Exact, signed: false },
    ]),
};
