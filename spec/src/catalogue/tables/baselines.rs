//! Made of `spec/catalogue/baselines/` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use vmlock_catalogue_types::{Baseline};

mod al2_5_10;
mod al2023_6_1;
mod debian_11;
mod debian_12;
mod debian_13;
mod kvm_5_10;
mod kvm_5_11;
mod kvm_5_12;
mod kvm_5_13;
mod kvm_5_14;
mod kvm_5_15;
mod kvm_5_16;
mod kvm_5_17;
mod kvm_5_18;
mod kvm_5_19;
mod kvm_6_0;
mod kvm_6_1;
mod kvm_6_10;
mod kvm_6_11;
mod kvm_6_12;
mod kvm_6_13;
mod kvm_6_14;
mod kvm_6_15;
mod kvm_6_16;
mod kvm_6_17;
mod kvm_6_18;
mod kvm_6_19;
mod kvm_6_2;
mod kvm_6_3;
mod kvm_6_4;
mod kvm_6_5;
mod kvm_6_6;
mod kvm_6_7;
mod kvm_6_8;
mod kvm_6_9;
mod kvm_7_0;
mod kvm_7_1;
mod kvm_7_2;
mod kvm_7_3;
mod parts;

/// Every baseline, sorted by file.
pub static BASELINES: &[Baseline] = &[
    al2_5_10::AL2_5_10_R1,
    al2023_6_1::AL2023_6_1_R1,
    debian_11::DEBIAN_11_R1,
    debian_12::DEBIAN_12_R1,
    debian_13::DEBIAN_13_R1,
    kvm_5_10::KVM_5_10,
    kvm_5_11::KVM_5_11,
    kvm_5_12::KVM_5_12,
    kvm_5_13::KVM_5_13,
    kvm_5_14::KVM_5_14,
    kvm_5_15::KVM_5_15,
    kvm_5_16::KVM_5_16,
    kvm_5_17::KVM_5_17,
    kvm_5_18::KVM_5_18,
    kvm_5_19::KVM_5_19,
    kvm_6_0::KVM_6_0,
    kvm_6_1::KVM_6_1,
    kvm_6_10::KVM_6_10,
    kvm_6_11::KVM_6_11,
    kvm_6_12::KVM_6_12,
    kvm_6_13::KVM_6_13,
    kvm_6_14::KVM_6_14,
    kvm_6_15::KVM_6_15,
    kvm_6_16::KVM_6_16,
    kvm_6_17::KVM_6_17,
    kvm_6_18::KVM_6_18,
    kvm_6_19::KVM_6_19,
    kvm_6_2::KVM_6_2,
    kvm_6_3::KVM_6_3,
    kvm_6_4::KVM_6_4,
    kvm_6_5::KVM_6_5,
    kvm_6_6::KVM_6_6,
    kvm_6_7::KVM_6_7,
    kvm_6_8::KVM_6_8,
    kvm_6_9::KVM_6_9,
    kvm_7_0::KVM_7_0,
    kvm_7_1::KVM_7_1,
    kvm_7_2::KVM_7_2,
    kvm_7_3::KVM_7_3,
    parts::PSCI_0_2,
    parts::PSCI_1_0,
    parts::PSCI_1_1,
    parts::PSCI_1_2,
    parts::PSCI_1_3,
    parts::GIC_IIDR_REV0,
    parts::GIC_IIDR_REV1,
    parts::GIC_IIDR_REV2,
    parts::GIC_IIDR_REV3,
    parts::CACHE_MODEL,
    parts::CACHE_MADE_UP,
    parts::SMCCC_TRNG_1_0,
    parts::NO_SMCCC_TRNG,
    parts::SMCCC_PV_TIME,
    parts::NO_SMCCC_PV_TIME,
    parts::SMCCC_VENDOR_HYP,
    parts::SMCCC_PTP,
    parts::NO_SMCCC_VENDOR_HYP,
    parts::SMCCC_DISCOVER_IMPL,
    parts::NO_SMCCC_DISCOVER_IMPL,
    parts::SMC_NONE,
    parts::SMC_FULL,
];
