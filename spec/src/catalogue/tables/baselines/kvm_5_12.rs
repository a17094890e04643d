//! Made of `spec/catalogue/baselines/kvm-5.12.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_5_12: Baseline = Baseline {
    name: Borrowed("kvm-5.12"),
    title: Borrowed("Mainline Linux 5.12.0"),
    after: Some(Borrowed("kvm-5.11")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_STD_BMAP"), Some(0x1)), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/hypercalls.c, arch/arm64/kvm/trng.c, v5.12: no such register, but TRNG is always answered"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_DFR0_EL1.PerfMon"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.12: zero without a PMU"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_DFR0_EL1.PerfMon"), Act::Cap(0x5)), when: Borrowed(&[Borrowed("el0-aarch32"), Borrowed("pmu")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.12 (PMUv3 for Armv8.4)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.PMUVer"), Act::Cap(0x5)), when: Borrowed(&[Borrowed("pmu")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.12 (PMUv3 for Armv8.4)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.DebugVer"), Act::Force(0x6)), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.12 (Armv8.0)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.TraceVer"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64dfr0, v5.12: not there; commit 1d676673d665 on v5.12-rc3, v5.11.4 still shows it"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Events { register: Borrowed("PMCEID1_EL0"), and: 0xffffffff7fffffff, or: 0x0 }, when: Borrowed(&[Borrowed("pmu")]), source: Borrowed("arch/arm64/kvm/pmu-emul.c kvm_pmu_get_pmceid, v5.12: no STALL_SLOT (up to 6.5 only masked where PMUVer is 5 or more; it exists nowhere else)"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-fee482ca58918fb41c48d73f42d8e4b5846180bd9ac44ffa79687d9a7536867c"),
        Borrowed("sha256-c39819d660dd9e6f305f6f3498550d033ee0ff172f671344a4c3ba9428c329f0"),
        Borrowed("sha256-c39819d660dd9e6f305f6f3498550d033ee0ff172f671344a4c3ba9428c329f0"),
    ]),
};
