//! Made of `spec/catalogue/baselines/kvm-5.15.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline};

pub(super) const KVM_5_15: Baseline = Baseline {
    name: Borrowed("kvm-5.15"),
    title: Borrowed("Mainline Linux 5.15.0"),
    after: Some(Borrowed("kvm-5.14")),
    part: None,
    statements: Borrowed(&[]),
    stable: Borrowed(&[
        (Borrowed("5.15.55"), Borrowed("ID_AA64ISAR2_EL1.CLRBHB and RPRES and ID_AA64MMFR1_EL1.AFP are shown, SMCCC_ARCH_WORKAROUND_3 is answered and its register exists")),
    ]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-598c6cd22d895edd16478a4d7ac12a75674a0988e53eda005a59a7d75b2cd864"),
        Borrowed("sha256-94df43df0d247ca2e0999f996f5a283699b29fd32d959ed646dafcb47d3cbda9"),
        Borrowed("sha256-94df43df0d247ca2e0999f996f5a283699b29fd32d959ed646dafcb47d3cbda9"),
    ]),
};
