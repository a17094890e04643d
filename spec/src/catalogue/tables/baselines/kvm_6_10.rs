//! Made of `spec/catalogue/baselines/kvm-6.10.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline};

pub(super) const KVM_6_10: Baseline = Baseline {
    name: Borrowed("kvm-6.10"),
    title: Borrowed("Mainline Linux 6.10.0"),
    after: Some(Borrowed("kvm-6.9")),
    part: None,
    statements: Borrowed(&[]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-120246bca973ee6249fc224dc2c2113095b2d4543a3e18d6fb5e636e892e6ae0"),
        Borrowed("sha256-8e510adff00a2562977e1812e2306f34761c466a306c644d2b5467f93e76b7d2"),
        Borrowed("sha256-8e510adff00a2562977e1812e2306f34761c466a306c644d2b5467f93e76b7d2"),
    ]),
};
