//! Made of `spec/catalogue/baselines/kvm-6.16.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline};

pub(super) const KVM_6_16: Baseline = Baseline {
    name: Borrowed("kvm-6.16"),
    title: Borrowed("Mainline Linux 6.16.0"),
    after: Some(Borrowed("kvm-6.15")),
    part: None,
    statements: Borrowed(&[]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-a497e673ac931e5f7bd834fbbff11de5bf17f63e69926918128c8545686a2b78"),
        Borrowed("sha256-4f14a17e7e68c9d5a59cd1309aa6d9da7af497b518174fa1a5f84341c3655809"),
        Borrowed("sha256-4f14a17e7e68c9d5a59cd1309aa6d9da7af497b518174fa1a5f84341c3655809"),
    ]),
};
