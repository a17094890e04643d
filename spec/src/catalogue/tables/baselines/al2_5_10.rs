//! Made of `spec/catalogue/baselines/al2-5.10.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Kernel, Statement, Subject, Unknown};

pub(super) const AL2_5_10_R1: Baseline = Baseline {
    name: Borrowed("al2-5.10.r1"),
    title: Borrowed("Amazon Linux 2, kernel 5.10.255-253.1008.amzn2, as far as guests of Graviton2, 3 and 4 were measured"),
    after: Some(Borrowed("kvm-5.10")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.TraceVer"), Act::Hide), when: Borrowed(&[]), source: Borrowed("measured on Graviton2, 3 and 4; stable 5.10.y has commit 1d676673d665 of v5.12 too (debian-11.r1 is read from it)"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: Some(Kernel { package: Borrowed("kernel"), version: Borrowed("5.10.255-253.1008.amzn2"), recorded: None }),
    measured_on: Borrowed(&[Borrowed("graviton2"), Borrowed("graviton3"), Borrowed("graviton4")]),
    measured_as: None,
    unknown: Borrowed(&[
        Unknown { path: Borrowed("gic-iidr-revision"), source: Borrowed("registers alone were measured: no interrupt controller and no call") },
        Unknown { path: Borrowed("smc"), source: Borrowed("registers alone were measured: no interrupt controller and no call") },
        Unknown { path: Borrowed("KVM_REG_ARM_STD_BMAP"), source: Borrowed("registers alone were measured: no interrupt controller and no call") },
        Unknown { path: Borrowed("KVM_REG_ARM_STD_HYP_BMAP"), source: Borrowed("registers alone were measured: no interrupt controller and no call") },
        Unknown { path: Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP"), source: Borrowed("registers alone were measured: no interrupt controller and no call") },
        Unknown { path: Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP_2"), source: Borrowed("registers alone were measured: no interrupt controller and no call") },
        Unknown { path: Borrowed("OSLSR_EL1.OSLM_0"), source: Borrowed("this kernel does not list the register: nobody looked from inside") },
        Unknown { path: Borrowed("OSLSR_EL1.nTT"), source: Borrowed("this kernel does not list the register: nobody looked from inside") },
        Unknown { path: Borrowed("OSLSR_EL1.OSLM_1"), source: Borrowed("this kernel does not list the register: nobody looked from inside") },
        Unknown { path: Borrowed("DCZID_EL0.DZP"), source: Borrowed("KVM_GET_ONE_REG does not serve the register: nobody looked from inside") },
        Unknown { path: Borrowed("DCZID_EL0.BS"), source: Borrowed("KVM_GET_ONE_REG does not serve the register: nobody looked from inside") },
        Unknown { path: Borrowed("pmu"), source: Borrowed("guests without vCPU features alone were measured") },
        Unknown { path: Borrowed("sve"), source: Borrowed("guests without vCPU features alone were measured") },
        Unknown { path: Borrowed("pauth"), source: Borrowed("guests without vCPU features alone were measured") },
        Unknown { path: Borrowed("mte"), source: Borrowed("guests without vCPU features alone were measured") },
        Unknown { path: Borrowed("steal-time"), source: Borrowed("guests without vCPU features alone were measured") },
    ]),
    digests: Borrowed(&[
        Borrowed("sha256-25e28985daafc837651298927c3ecd61f567fe4d08c5c7d4e1d8ceb2294ec83b"),
        Borrowed("sha256-381fca0f98d2103752c9a9d66c23bd6b4949622f3e2f6516fbcf8a553d6d2ef9"),
        Borrowed("sha256-381fca0f98d2103752c9a9d66c23bd6b4949622f3e2f6516fbcf8a553d6d2ef9"),
    ]),
};
