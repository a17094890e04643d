//! Made of `spec/catalogue/baselines/debian-11.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Kernel, Statement, Subject};

pub(super) const DEBIAN_11_R1: Baseline = Baseline {
    name: Borrowed("debian-11.r1"),
    title: Borrowed("Debian 11, linux 5.10.223-1"),
    after: Some(Borrowed("kvm-5.10")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.CLRBHB"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, linux 5.10.223-1: of v5.17's mitigation of Spectre-BHB, taken over by stable 5.10.y"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.RPRES"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, linux 5.10.223-1: v5.17's field, taken over by stable 5.10.y with the mitigation of Spectre-BHB"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR1_EL1.AFP"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr1, linux 5.10.223-1: v5.17's field, taken over by stable 5.10.y with the mitigation of Spectre-BHB"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.TraceVer"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64dfr0, linux 5.10.223-1: not there; commit 1d676673d665 of v5.12, taken over by stable 5.10.y"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: Some(Kernel { package: Borrowed("linux-image-5.10.0-32-cloud-arm64"), version: Borrowed("5.10.223-1"), recorded: Some(Borrowed("5.10")) }),
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-7d6fef1d75f730457a7c932893a18bde319c1d10f176eae9461686d2285d912d"),
        Borrowed("sha256-94222b82b3a0ce76cc9a13c403fee443640fc15b2aba6e2f9ce4b67cb27b86f7"),
        Borrowed("sha256-94222b82b3a0ce76cc9a13c403fee443640fc15b2aba6e2f9ce4b67cb27b86f7"),
    ]),
};
