//! Made of `spec/catalogue/baselines/debian-12.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Kernel, Statement, Subject};

pub(super) const DEBIAN_12_R1: Baseline = Baseline {
    name: Borrowed("debian-12.r1"),
    title: Borrowed("Debian 12, linux 6.1.192-2"),
    after: Some(Borrowed("kvm-6.1")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.CLRBHB"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, linux 6.1.192-2: beside BC, as v6.6 has it, taken over by stable 6.1.y"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR1_EL1.ECBHB"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr1, linux 6.1.192-2: as v6.12 has it, taken over by stable 6.1.y"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: Some(Kernel { package: Borrowed("linux-image-6.1.0-56-cloud-arm64"), version: Borrowed("6.1.192-2"), recorded: Some(Borrowed("6.1")) }),
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-d6272014b01773dfdbb56d247ad7fb94db554dcbc87a85531de3c1cd79ac7754"),
        Borrowed("sha256-04342bd176b9ee47e6d5e1c8968868976bc5d3073aa34c8a414709c85083b0dd"),
        Borrowed("sha256-04342bd176b9ee47e6d5e1c8968868976bc5d3073aa34c8a414709c85083b0dd"),
    ]),
};
