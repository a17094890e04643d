//! Made of `spec/catalogue/baselines/kvm-6.6.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_6: Baseline = Baseline {
    name: Borrowed("kvm-6.6"),
    title: Borrowed("Mainline Linux 6.6.0"),
    after: Some(Borrowed("kvm-6.5")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Events { register: Borrowed("PMCEID1_EL0"), and: 0xffffffff1fffffff, or: 0x0 }, when: Borrowed(&[Borrowed("pmu")]), source: Borrowed("arch/arm64/kvm/pmu-emul.c kvm_pmu_get_pmceid, v6.6: no STALL_SLOT, STALL_SLOT_FRONTEND, STALL_SLOT_BACKEND"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.CLRBHB"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v6.6"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-7cb5ca6ed572106dfffdfa14f0b25570b2d19042b8ef47b3e7d8ef66852df5ee"),
        Borrowed("sha256-89170a3abd9d9bf58053258dbff666a9d827e67f37159e8656c4c0b5c4e15e21"),
        Borrowed("sha256-89170a3abd9d9bf58053258dbff666a9d827e67f37159e8656c4c0b5c4e15e21"),
    ]),
};
