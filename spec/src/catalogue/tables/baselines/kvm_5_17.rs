//! Made of `spec/catalogue/baselines/kvm-5.17.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_5_17: Baseline = Baseline {
    name: Borrowed("kvm-5.17"),
    title: Borrowed("Mainline Linux 5.17.0"),
    after: Some(Borrowed("kvm-5.16")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.CLRBHB"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v5.17"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.RPRES"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v5.17"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR1_EL1.AFP"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr1, v5.17"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-963d60b079eee4763bfdbb182678c58ed71cada877f08799142bc95b67c7fc55"),
        Borrowed("sha256-854993597bc993453974c1cb64223ba59d37364c91384f8c80dadd7b0dc3b10e"),
        Borrowed("sha256-854993597bc993453974c1cb64223ba59d37364c91384f8c80dadd7b0dc3b10e"),
    ]),
};
