//! Made of `spec/catalogue/baselines/kvm-6.5.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_5: Baseline = Baseline {
    name: Borrowed("kvm-6.5"),
    title: Borrowed("Mainline Linux 6.5.0"),
    after: Some(Borrowed("kvm-6.4")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR0_EL1.CSV3"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_aa64pfr0_el1, v6.5: the silicon's where it is vulnerable, no longer zero"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR0_EL1.CSV2"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_aa64pfr0_el1, v6.5: the silicon's where it is vulnerable, no longer zero"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR0_EL1.CSV3"), Act::Force(0x1)), when: Borrowed(&[Borrowed("unaffected:meltdown")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_aa64pfr0_el1, v6.5"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR0_EL1.CSV2"), Act::Force(0x1)), when: Borrowed(&[Borrowed("unaffected:spectre-v2")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_aa64pfr0_el1, v6.5"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR1_EL1.HCX"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr1, v6.5"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR3_EL1.S1PIE"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr3, v6.5"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR3_EL1.TCRX"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr3, v6.5"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_DFR0_EL1.PerfMon"), Act::Force(0x3)), when: Borrowed(&[Borrowed("!el0-aarch32"), Borrowed("pmu"), Borrowed("ID_AA64DFR0_EL1.PMUVer>=1")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_dfr0_el1, v6.5: also where EL0 has no AArch32 (measured: a64fx on 6.12.107 to 7.3.4)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_DFR0_EL1.PerfMon"), Act::Force(0x4)), when: Borrowed(&[Borrowed("!el0-aarch32"), Borrowed("pmu"), Borrowed("ID_AA64DFR0_EL1.PMUVer>=4")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_dfr0_el1, v6.5: also where EL0 has no AArch32 (measured: a64fx on 6.12.107 to 7.3.4)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_DFR0_EL1.PerfMon"), Act::Force(0x5)), when: Borrowed(&[Borrowed("!el0-aarch32"), Borrowed("pmu"), Borrowed("ID_AA64DFR0_EL1.PMUVer>=5")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_dfr0_el1, v6.5: also where EL0 has no AArch32 (measured: a64fx on 6.12.107 to 7.3.4)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_DFR0_EL1.PerfMon"), Act::Force(0x6)), when: Borrowed(&[Borrowed("!el0-aarch32"), Borrowed("pmu"), Borrowed("ID_AA64DFR0_EL1.PMUVer>=6")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_sanitised_id_dfr0_el1, v6.5: also where EL0 has no AArch32 (measured: a64fx on 6.12.107 to 7.3.4)"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-78b74280d4ab0ffe9dd59db17457a633fdad16b20fd8c569e60655aa4c354847"),
        Borrowed("sha256-d347b40e887a8ceb62fa238ce7488288a39d9f344413649e5ce42dd94e0cd402"),
        Borrowed("sha256-d347b40e887a8ceb62fa238ce7488288a39d9f344413649e5ce42dd94e0cd402"),
    ]),
};
