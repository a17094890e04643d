//! Made of `spec/catalogue/baselines/kvm-6.11.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline};

pub(super) const KVM_6_11: Baseline = Baseline {
    name: Borrowed("kvm-6.11"),
    title: Borrowed("Mainline Linux 6.11.0"),
    after: Some(Borrowed("kvm-6.10")),
    part: None,
    statements: Borrowed(&[]),
    stable: Borrowed(&[
        (Borrowed("6.11.11"), Borrowed("ID_AA64ISAR1_EL1.XS is shown, which mainline has from 6.13 on; ID_AA64MMFR1_EL1.ECBHB is shown")),
    ]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-827744cde3ea5c8242b65d0af0fca7213064a182d923ed006a0b6819d8956316"),
        Borrowed("sha256-3567a86de4a9a48aeb152f51ff574e3712d6f39f90d10104b578f308f6b28e3d"),
        Borrowed("sha256-3567a86de4a9a48aeb152f51ff574e3712d6f39f90d10104b578f308f6b28e3d"),
    ]),
};
