//! Made of `spec/catalogue/baselines/kvm-6.7.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_7: Baseline = Baseline {
    name: Borrowed("kvm-6.7"),
    title: Borrowed("Mainline Linux 6.7.0"),
    after: Some(Borrowed("kvm-6.6")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_DFR0_EL1.CopDbg"), Act::Cap(0xa)), when: Borrowed(&[Borrowed("el0-aarch32")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_dfr0_el1, v6.7 (Armv8.8)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.DebugVer"), Act::Cap(0xa)), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_aa64dfr0_el1, v6.7 (Armv8.8)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ZFR0_EL1.B16B16"), Act::Show), when: Borrowed(&[Borrowed("sve")]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64zfr0, v6.7; arch/arm64/kvm/sys_regs.c id_visibility"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.MOPS"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg, v6.7: no longer hidden"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-fb59c550c88bc10cf5160fccf13b499565e3c8183c4909879e949783104d74d0"),
        Borrowed("sha256-310ac568a23ea42bbab48a2615e4e57217d3e96bac16aa0575f3fe3314819718"),
        Borrowed("sha256-310ac568a23ea42bbab48a2615e4e57217d3e96bac16aa0575f3fe3314819718"),
    ]),
};
