//! Made of `spec/catalogue/baselines/kvm-7.0.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_7_0: Baseline = Baseline {
    name: Borrowed("kvm-7.0"),
    title: Borrowed("Mainline Linux 7.0.0"),
    after: Some(Borrowed("kvm-6.19")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR1_EL1.LS64"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar1, v7.0"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-c1ad06abcc98791645740e13c6918d3d9cff677c0913399fe09890c85541d28e"),
        Borrowed("sha256-d2772a22f0b10536b305731f7db8f32506dac82ab13d6421373049b00a67d133"),
        Borrowed("sha256-d2772a22f0b10536b305731f7db8f32506dac82ab13d6421373049b00a67d133"),
    ]),
};
