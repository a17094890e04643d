//! Made of `spec/catalogue/baselines/debian-13.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Kernel, Statement, Subject};

pub(super) const DEBIAN_13_R1: Baseline = Baseline {
    name: Borrowed("debian-13.r1"),
    title: Borrowed("Debian 13, linux 6.12.118-1"),
    after: Some(Borrowed("kvm-6.12")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR0_EL1.MPAM"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_aa64pfr0_el1, linux 6.12.118-1: as v6.13 hides it, taken over by stable 6.12.y"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR1_EL1.MPAM_frac"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg, linux 6.12.118-1: as v6.13 hides it, taken over by stable 6.12.y"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR1_EL1.XS"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar1, linux 6.12.118-1: as v6.13 has it, taken over by stable 6.12.y"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: Some(Kernel { package: Borrowed("linux-image-6.12.118+deb13-cloud-arm64"), version: Borrowed("6.12.118-1"), recorded: Some(Borrowed("6.12")) }),
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-3174a0c3a0d1d2d1370f270e21165002c65cefdfc472b337ec65c1a6df6dc294"),
        Borrowed("sha256-e6980c64880966bf06d0c036f0ed8bc27e470537bedd1e461fb91cd96d954783"),
        Borrowed("sha256-e6980c64880966bf06d0c036f0ed8bc27e470537bedd1e461fb91cd96d954783"),
    ]),
};
