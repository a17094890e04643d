//! Made of `spec/catalogue/baselines/kvm-6.8.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline};

pub(super) const KVM_6_8: Baseline = Baseline {
    name: Borrowed("kvm-6.8"),
    title: Borrowed("Mainline Linux 6.8.0"),
    after: Some(Borrowed("kvm-6.7")),
    part: None,
    statements: Borrowed(&[]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-9692a8bc179da34cd44452c77fe1d21b7cffd02541a7bf48c43268e95a3cc737"),
        Borrowed("sha256-fdfd18f7f600082be28f2c290c1cc9a0f7c7c7c53fd60a3beb1160f903bad506"),
        Borrowed("sha256-fdfd18f7f600082be28f2c290c1cc9a0f7c7c7c53fd60a3beb1160f903bad506"),
    ]),
};
