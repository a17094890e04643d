//! Made of `spec/catalogue/baselines/kvm-6.9.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_9: Baseline = Baseline {
    name: Borrowed("kvm-6.9"),
    title: Borrowed("Mainline Linux 6.9.0"),
    after: Some(Borrowed("kvm-6.8")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.LUT"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v6.9"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR4_EL1.E2H0"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr4, v6.9; arch/arm64/kvm/sys_regs.c sys_reg_descs"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-b5cc8aedb8985531c7a335d78bf1b7ca414fa0cb97c1643f494917b713376950"),
        Borrowed("sha256-466fb93afb3998fcee95da601f8f22afb838f754d42a6b4a9440d0edc0ed4531"),
        Borrowed("sha256-466fb93afb3998fcee95da601f8f22afb838f754d42a6b4a9440d0edc0ed4531"),
    ]),
};
