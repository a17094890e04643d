//! Made of `spec/catalogue/baselines/kvm-5.16.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_5_16: Baseline = Baseline {
    name: Borrowed("kvm-5.16"),
    title: Borrowed("Mainline Linux 5.16.0"),
    after: Some(Borrowed("kvm-5.15")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR0_EL1.GIC"), Act::Force(0x1)), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.16, for a guest with a GICv3; from 5.18 on for every guest of a host with one"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-fa3a8b00e320a49b9eae7439c89a00db76665eb85fee0d57712416f37232af94"),
        Borrowed("sha256-413b18caaa19d6dd2ef22eecee7ecd8c978addd7cb6c5125d03b05242174c8ee"),
        Borrowed("sha256-413b18caaa19d6dd2ef22eecee7ecd8c978addd7cb6c5125d03b05242174c8ee"),
    ]),
};
