//! Made of `spec/catalogue/baselines/kvm-6.19.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline};

pub(super) const KVM_6_19: Baseline = Baseline {
    name: Borrowed("kvm-6.19"),
    title: Borrowed("Mainline Linux 6.19.0"),
    after: Some(Borrowed("kvm-6.18")),
    part: None,
    statements: Borrowed(&[]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-61a42d137993615a928caaeb91ca42dca116f773dd5d3c25b46a277425bc0f7b"),
        Borrowed("sha256-24038e6b389edfc68d21b2a6b18428c62d96296b9ba247fa4ee9c3860992d4b4"),
        Borrowed("sha256-24038e6b389edfc68d21b2a6b18428c62d96296b9ba247fa4ee9c3860992d4b4"),
    ]),
};
