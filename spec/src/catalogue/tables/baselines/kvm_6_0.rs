//! Made of `spec/catalogue/baselines/kvm-6.0.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_0: Baseline = Baseline {
    name: Borrowed("kvm-6.0"),
    title: Borrowed("Mainline Linux 6.0.0"),
    after: Some(Borrowed("kvm-5.19")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.CLRBHB"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v6.0: its bits 31:28 are taken for those of BC, 23:20 (until 6.6)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.BC"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v6.0"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR1_EL1.TIDCP1"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr1, v6.0"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-06cbb7daaa4a1dabeb084f4e3ebc8b9713d1cbbb40622aa1b2b9824aaec4e3d0"),
        Borrowed("sha256-ba4db747b142a3bd7c9965550c779a84ebf9accb1a7a5543135e1846432c70d4"),
        Borrowed("sha256-ba4db747b142a3bd7c9965550c779a84ebf9accb1a7a5543135e1846432c70d4"),
    ]),
};
