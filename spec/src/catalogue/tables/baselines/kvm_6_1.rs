//! Made of `spec/catalogue/baselines/kvm-6.1.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline};

pub(super) const KVM_6_1: Baseline = Baseline {
    name: Borrowed("kvm-6.1"),
    title: Borrowed("Mainline Linux 6.1.0"),
    after: Some(Borrowed("kvm-6.0")),
    part: None,
    statements: Borrowed(&[]),
    stable: Borrowed(&[
        (Borrowed("6.1.170"), Borrowed("ID_AA64ISAR2_EL1.CLRBHB and ID_AA64MMFR1_EL1.ECBHB are shown; a write of GICD_IIDR revision 2 is honoured by 6.1.176")),
    ]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-4782c0b7860e13f8413545f3c76292ede811a2a635cd9b4a1485a281baecff82"),
        Borrowed("sha256-57ec4fc77ded2bb571e0d0fb271a14cbcbace241a0d6d73f3a709a02bbcf193c"),
        Borrowed("sha256-57ec4fc77ded2bb571e0d0fb271a14cbcbace241a0d6d73f3a709a02bbcf193c"),
    ]),
};
