//! Made of `spec/catalogue/baselines/kvm-5.18.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_5_18: Baseline = Baseline {
    name: Borrowed("kvm-5.18"),
    title: Borrowed("Mainline Linux 5.18.0"),
    after: Some(Borrowed("kvm-5.17")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Psci(0x10001), when: Borrowed(&[]), source: Borrowed("include/kvm/arm_psci.h KVM_ARM_PSCI_LATEST, v5.18; v5.17 has 1.0"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.APA3"), Act::Show), when: Borrowed(&[Borrowed("pauth")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.18"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.GPA3"), Act::Show), when: Borrowed(&[Borrowed("pauth")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.18"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-49e64dd6df0e32f8f9346b9cd6a3343e40202c4adf6bb7b2ff2415ceff4314a8"),
        Borrowed("sha256-a44cac2a9d47bd96302c28c2f7a178dd09a3fc2c43b623a4df61f5182e024a28"),
        Borrowed("sha256-a44cac2a9d47bd96302c28c2f7a178dd09a3fc2c43b623a4df61f5182e024a28"),
    ]),
};
