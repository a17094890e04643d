//! Made of `spec/catalogue/baselines/kvm-6.12.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_12: Baseline = Baseline {
    name: Borrowed("kvm-6.12"),
    title: Borrowed("Mainline Linux 6.12.0"),
    after: Some(Borrowed("kvm-6.11")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR2_EL1.FPMR"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64pfr2, v6.12; arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64FPFR0_EL1.F8CVT"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64fpfr0, v6.12; arch/arm64/kvm/sys_regs.c sys_reg_descs"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64FPFR0_EL1.F8FMA"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64fpfr0, v6.12; arch/arm64/kvm/sys_regs.c sys_reg_descs"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64FPFR0_EL1.F8DP4"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64fpfr0, v6.12; arch/arm64/kvm/sys_regs.c sys_reg_descs"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64FPFR0_EL1.F8DP2"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64fpfr0, v6.12; arch/arm64/kvm/sys_regs.c sys_reg_descs"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64FPFR0_EL1.F8E4M3"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64fpfr0, v6.12; arch/arm64/kvm/sys_regs.c sys_reg_descs"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64FPFR0_EL1.F8E5M2"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64fpfr0, v6.12; arch/arm64/kvm/sys_regs.c sys_reg_descs"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR1_EL1.ECBHB"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr1, v6.12; v6.11.11 has it, v6.10 not"), unsure_after: Some(Borrowed("kvm-6.10")), since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR3_EL1.S1POE"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr3, v6.12; arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[
        (Borrowed("6.12.94"), Borrowed("ID_AA64PFR0_EL1.MPAM and ID_AA64PFR1_EL1.MPAM_frac are hidden, ID_AA64ISAR1_EL1.XS is shown, S1POE only where the host itself uses it, AArch32 ID registers can be written, SMCCC_ARCH_WORKAROUND_2 follows the guest's ID_AA64PFR1_EL1.SSBS, a write of GICD_IIDR revision 2 is honoured")),
    ]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-9b35495cc2333105bec3ad5c3781ecd404d3047d27409c0b5d8b1f7752c01f80"),
        Borrowed("sha256-fd71c827f4a3da2d76633b85bd110da886f7b487ba88f1fdf243b4972a32ef71"),
        Borrowed("sha256-fd71c827f4a3da2d76633b85bd110da886f7b487ba88f1fdf243b4972a32ef71"),
    ]),
};
