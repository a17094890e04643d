//! Made of `spec/catalogue/baselines/kvm-6.2.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_2: Baseline = Baseline {
    name: Borrowed("kvm-6.2"),
    title: Borrowed("Mainline Linux 6.2.0"),
    after: Some(Borrowed("kvm-6.1")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("PMCR_EL0.IMP"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c reset_pmcr, v6.2; v6.1 shows them"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("PMCR_EL0.IDCODE"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c reset_pmcr, v6.2; v6.1 shows them"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Events { register: Borrowed("PMCEID0_EL0"), and: 0xffffffffffffffff, or: 0x40000000 }, when: Borrowed(&[Borrowed("pmu")]), source: Borrowed("arch/arm64/kvm/pmu-emul.c kvm_pmu_get_pmceid, v6.2: always CHAIN"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_DFR0_EL1.PerfMon"), Act::Cap(0x6)), when: Borrowed(&[Borrowed("el0-aarch32"), Borrowed("pmu")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v6.2: follows ID_AA64DFR0_EL1.PMUVer"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.PMUVer"), Act::Cap(0x6)), when: Borrowed(&[Borrowed("pmu")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg and arch/arm64/kvm/pmu-emul.c kvm_arm_pmu_get_pmuver_limit, v6.2 (PMUv3 for Armv8.5)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.CSSC"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v6.2"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.RPRFM"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v6.2"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-a02ad2d5ceb39ff7b422813eafee89e1c78cf39c7aec5690e4814566d083ea1e"),
        Borrowed("sha256-ca73b801d21a0d86079d256c42320e4ec1c6f422cad7cffba5c0bbf2fc1e5757"),
        Borrowed("sha256-ca73b801d21a0d86079d256c42320e4ec1c6f422cad7cffba5c0bbf2fc1e5757"),
    ]),
};
