//! Made of `spec/catalogue/baselines/al2023-6.1.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Kernel, Statement, Subject, Unknown};

pub(super) const AL2023_6_1_R1: Baseline = Baseline {
    name: Borrowed("al2023-6.1.r1"),
    title: Borrowed("Amazon Linux 2023, kernel 6.1.172-216.329.amzn2023, as far as guests of Graviton2, 3 and 4 were measured"),
    after: Some(Borrowed("kvm-6.1")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR2_EL1.CCIDX"), Act::Hide), when: Borrowed(&[]), source: Borrowed("measured on Graviton3 and 4: hidden as v6.3 does since it makes the caches up (arch/arm64/kvm/sys_regs.c read_id_reg); here CLIDR_EL1 and CCSIDR_EL1 are the silicon's"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_MMFR4_EL1.CCIDX"), Act::Hide), when: Borrowed(&[]), source: Borrowed("measured on Graviton3: as ID_AA64MMFR2_EL1.CCIDX, for AArch32"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR1_EL1.ECBHB"), Act::Show), when: Borrowed(&[]), source: Borrowed("measured on Graviton4; stable 6.1.y has v6.12's field of arch/arm64/kernel/cpufeature.c ftr_id_aa64mmfr1 too (debian-12.r1 is read from it)"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: Some(Kernel { package: Borrowed("kernel"), version: Borrowed("6.1.172-216.329.amzn2023"), recorded: None }),
    measured_on: Borrowed(&[Borrowed("graviton2"), Borrowed("graviton3"), Borrowed("graviton4")]),
    measured_as: None,
    unknown: Borrowed(&[
        Unknown { path: Borrowed("gic-iidr-revision"), source: Borrowed("registers alone were measured: no interrupt controller, and no call of which this kernel has no register") },
        Unknown { path: Borrowed("smc"), source: Borrowed("registers alone were measured: no interrupt controller, and no call of which this kernel has no register") },
        Unknown { path: Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP_2"), source: Borrowed("registers alone were measured: no interrupt controller, and no call of which this kernel has no register") },
        Unknown { path: Borrowed("DCZID_EL0.DZP"), source: Borrowed("KVM_GET_ONE_REG does not serve the register: nobody looked from inside") },
        Unknown { path: Borrowed("DCZID_EL0.BS"), source: Borrowed("KVM_GET_ONE_REG does not serve the register: nobody looked from inside") },
        Unknown { path: Borrowed("pmu"), source: Borrowed("guests without vCPU features alone were measured") },
        Unknown { path: Borrowed("sve"), source: Borrowed("guests without vCPU features alone were measured") },
        Unknown { path: Borrowed("pauth"), source: Borrowed("guests without vCPU features alone were measured") },
        Unknown { path: Borrowed("mte"), source: Borrowed("guests without vCPU features alone were measured") },
        Unknown { path: Borrowed("steal-time"), source: Borrowed("guests without vCPU features alone were measured") },
    ]),
    digests: Borrowed(&[
        Borrowed("sha256-eed984450a010c02ab62fb6c1c9c1b7bdcecc1c5fa556babbf5be17757362194"),
        Borrowed("sha256-42a5cd04866e3742f4354aec2a96732c3dda41995ace5e679c423d1ec3aea36d"),
        Borrowed("sha256-42a5cd04866e3742f4354aec2a96732c3dda41995ace5e679c423d1ec3aea36d"),
    ]),
};
