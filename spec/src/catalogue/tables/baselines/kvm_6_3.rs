//! Made of `spec/catalogue/baselines/kvm-6.3.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, CachePolicy, Statement, Subject};

pub(super) const KVM_6_3: Baseline = Baseline {
    name: Borrowed("kvm-6.3"),
    title: Borrowed("Mainline Linux 6.3.0"),
    after: Some(Borrowed("kvm-6.2")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Cache(CachePolicy::Fabricated), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c reset_clidr, get_ccsidr, v6.3"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("CTR_EL0.IDC"), Act::Force(0x1)), when: Borrowed(&[Borrowed("no-clean-to-pou")]), source: Borrowed("arch/arm64/include/asm/cachetype.h read_cpuid_effective_cachetype, v6.3; guests read it since CTR_EL0 is trapped (arch/arm64/include/asm/kvm_arm.h HCR_GUEST_FLAGS; measured: 6.1 shows the silicon's, 6.12 this)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("CTR_EL0.TminLine"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c access_ctr, v6.3: the sanitised value (arch/arm64/kernel/cpufeature.c ftr_ctr)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("CTR_EL0.IDC"), Act::Show), when: Borrowed(&[Borrowed("ID_AA64MMFR2_EL1.EVT>=1")]), source: Borrowed("arch/arm64/include/asm/kvm_emulate.h vcpu_reset_hcr, v6.3: HCR_EL2.TID4 in the place of TID2, so that a guest reads the hardware register (measured: neoverse-n2 on 6.12.107 to 7.3.4)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("CTR_EL0.TminLine"), Act::Show), when: Borrowed(&[Borrowed("ID_AA64MMFR2_EL1.EVT>=1")]), source: Borrowed("arch/arm64/include/asm/kvm_emulate.h vcpu_reset_hcr, v6.3: HCR_EL2.TID4 in the place of TID2, so that a guest reads the hardware register (measured: neoverse-n2 on 6.12.107 to 7.3.4)"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_MMFR4_EL1.CCIDX"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v6.3"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR2_EL1.CCIDX"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v6.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-cd7768e65d776770fd5d8fc8fb1681bc81bf25ccc509823f01a03fa010a44de6"),
        Borrowed("sha256-c13b1dafc19359d85832c41d35e2f511d14c4aa6c1ea12082e45a7eab9ddcae1"),
        Borrowed("sha256-c13b1dafc19359d85832c41d35e2f511d14c4aa6c1ea12082e45a7eab9ddcae1"),
    ]),
};
