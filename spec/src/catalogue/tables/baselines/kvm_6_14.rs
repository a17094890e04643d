//! Made of `spec/catalogue/baselines/kvm-6.14.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_14: Baseline = Baseline {
    name: Borrowed("kvm-6.14"),
    title: Borrowed("Mainline Linux 6.14.0"),
    after: Some(Borrowed("kvm-6.13")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64ZFR0_EL1.F16MM"), Act::Show), when: Borrowed(&[Borrowed("sve")]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64zfr0, v6.14; arch/arm64/kvm/sys_regs.c id_visibility"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ZFR0_EL1.EltPerm"), Act::Show), when: Borrowed(&[Borrowed("sve")]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64zfr0, v6.14; arch/arm64/kvm/sys_regs.c id_visibility"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64FPFR0_EL1.F8MM8"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64fpfr0, v6.14"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64FPFR0_EL1.F8MM4"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64fpfr0, v6.14"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR3_EL1.FPRCVT"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar3, v6.14; arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR3_EL1.FAMINMAX"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar3, v6.14; arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-0883ba6e7b9727f5ed32192bc1ab060e60dac406fe10ab8f2039076bcc92c5e7"),
        Borrowed("sha256-0737ea48ebc03c1720d2c5f8df7ab33d458bc8f165c0ad449fdb17f2791c7382"),
        Borrowed("sha256-0737ea48ebc03c1720d2c5f8df7ab33d458bc8f165c0ad449fdb17f2791c7382"),
    ]),
};
