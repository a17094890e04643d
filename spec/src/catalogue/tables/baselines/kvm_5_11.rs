//! Made of `spec/catalogue/baselines/kvm-5.11.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_5_11: Baseline = Baseline {
    name: Borrowed("kvm-5.11"),
    title: Borrowed("Mainline Linux 5.11.0"),
    after: Some(Borrowed("kvm-5.10")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR0_EL1.CSV3"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/arm.c set_default_spectre, v5.11: zero unless not vulnerable"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR0_EL1.CSV3"), Act::Force(0x1)), when: Borrowed(&[Borrowed("unaffected:meltdown")]), source: Borrowed("arch/arm64/kvm/arm.c set_default_spectre, v5.11"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.PMUVer"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.11: zero without a PMU"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.PMUVer"), Act::Cap(0x4)), when: Borrowed(&[Borrowed("pmu")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.11 (PMUv3 for Armv8.1)"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-723c985370d4851e0e5aab72bbe115ea62e0005a164bf5e73909f1baf18106ef"),
        Borrowed("sha256-30b1b0f8fec35809bc9cf68744b75daf20d21553e05d1a83c1b753c4a7dca570"),
        Borrowed("sha256-30b1b0f8fec35809bc9cf68744b75daf20d21553e05d1a83c1b753c4a7dca570"),
    ]),
};
