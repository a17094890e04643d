//! Made of `spec/catalogue/baselines/kvm-6.13.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_13: Baseline = Baseline {
    name: Borrowed("kvm-6.13"),
    title: Borrowed("Mainline Linux 6.13.0"),
    after: Some(Borrowed("kvm-6.12")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Psci(0x10003), when: Borrowed(&[]), source: Borrowed("include/kvm/arm_psci.h KVM_ARM_PSCI_LATEST, v6.13; v6.12 has 1.1"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR0_EL1.MPAM"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c sanitise_id_aa64pfr0_el1, v6.13"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR1_EL1.MPAM_frac"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg, v6.13"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR1_EL1.XS"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar1, v6.13.2 and v6.11.11 of December 2024; v6.12.0 has it not"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-f199f8c383f03126abeca183e0d13e74519e8ee162e4320797326b360b1a8b75"),
        Borrowed("sha256-ec63ffcfb8a2fa04152d9de284257cf81d5802b4d06781db288dc8e5ec4e59c2"),
        Borrowed("sha256-ec63ffcfb8a2fa04152d9de284257cf81d5802b4d06781db288dc8e5ec4e59c2"),
    ]),
};
