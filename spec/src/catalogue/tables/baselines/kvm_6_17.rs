//! Made of `spec/catalogue/baselines/kvm-6.17.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_17: Baseline = Baseline {
    name: Borrowed("kvm-6.17"),
    title: Borrowed("Mainline Linux 6.17.0"),
    after: Some(Borrowed("kvm-6.16")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Events { register: Borrowed("PMCEID0_EL0"), and: 0xffffffffffffffff, or: 0x40000001 }, when: Borrowed(&[Borrowed("pmu")]), source: Borrowed("arch/arm64/kvm/pmu-emul.c compute_pmceid0, v6.17: always SW_INCR and CHAIN"), unsure_after: Some(Borrowed("kvm-6.14")), since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR1_EL1.DF2"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c sanitise_id_aa64pfr1_el1, v6.17"), unsure_after: Some(Borrowed("kvm-6.14")), since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR1_EL1.MTE_frac"), Act::Show), when: Borrowed(&[Borrowed("mte")]), source: Borrowed("arch/arm64/kvm/sys_regs.c sanitise_id_aa64pfr1_el1, v6.17"), unsure_after: Some(Borrowed("kvm-6.14")), since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR2_EL1.MTEFAR"), Act::Show), when: Borrowed(&[Borrowed("mte")]), source: Borrowed("arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg, v6.17"), unsure_after: Some(Borrowed("kvm-6.14")), since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR2_EL1.MTESTOREONLY"), Act::Show), when: Borrowed(&[Borrowed("mte")]), source: Borrowed("arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg, v6.17"), unsure_after: Some(Borrowed("kvm-6.14")), since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR3_EL1.SCTLRX"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg, v6.17"), unsure_after: Some(Borrowed("kvm-6.14")), since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR4_EL1.NV_frac"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr4, v6.17"), unsure_after: Some(Borrowed("kvm-6.14")), since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-28b1488ed11792f9562415994fdfecb83695aec9ea42f80d71fa7ad158b69dbb"),
        Borrowed("sha256-9032a90827a537af16c60df8656f702c017ad55371ca9c92519a3ac7b0e33f41"),
        Borrowed("sha256-9032a90827a537af16c60df8656f702c017ad55371ca9c92519a3ac7b0e33f41"),
    ]),
};
