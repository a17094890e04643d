//! Made of `spec/catalogue/baselines/kvm-7.3.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline};

pub(super) const KVM_7_3: Baseline = Baseline {
    name: Borrowed("kvm-7.3"),
    title: Borrowed("Mainline Linux 7.3.0"),
    after: Some(Borrowed("kvm-7.2")),
    part: None,
    statements: Borrowed(&[]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-e379888d6248361c4f4aba15be4e2fd5f8c51bcd316fa92fba7f4438706d5579"),
        Borrowed("sha256-7c501a305748767b19beff7da5316c07b62dc7ebd33840eb4a41cc364b75dbe9"),
        Borrowed("sha256-7c501a305748767b19beff7da5316c07b62dc7ebd33840eb4a41cc364b75dbe9"),
    ]),
};
