//! Made of `spec/catalogue/baselines/kvm-7.2.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_7_2: Baseline = Baseline {
    name: Borrowed("kvm-7.2"),
    title: Borrowed("Mainline Linux 7.2.0"),
    after: Some(Borrowed("kvm-7.1")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64FPFR0_EL1.F16MM2"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64fpfr0, v7.2"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.ATS1A"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v7.2"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-0489e3a13f859f4ffe3361ee27dfe6e7e2f39cbf7b75801aebd848f38452e228"),
        Borrowed("sha256-449ca106ac0596ff00ac9f040e0461839ae449a0b99e0fb7a8571b15fa880190"),
        Borrowed("sha256-449ca106ac0596ff00ac9f040e0461839ae449a0b99e0fb7a8571b15fa880190"),
    ]),
};
