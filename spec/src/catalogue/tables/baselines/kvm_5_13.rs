//! Made of `spec/catalogue/baselines/kvm-5.13.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline, Statement, Subject};

pub(super) const KVM_5_13: Baseline = Baseline {
    name: Borrowed("kvm-5.13"),
    title: Borrowed("Mainline Linux 5.13.0"),
    after: Some(Borrowed("kvm-5.12")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP"), Some(0x3)), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/hypercalls.c, v5.14-rc5: no such register, but UID, features and PTP are always answered; merged for 5.13 (d8f37d291cd7, April 2021), v5.12.9 has it not"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-d434f37ca1df3e3e66128d017b7cfd9d850154de0a4e4e3f26bf811e1511e8b9"),
        Borrowed("sha256-28c31710b546f7754b40fac9ffd08a6c6409b8ba5d61f15d82a6118d631317ef"),
        Borrowed("sha256-28c31710b546f7754b40fac9ffd08a6c6409b8ba5d61f15d82a6118d631317ef"),
    ]),
};
