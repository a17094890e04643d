//! Made of `spec/catalogue/baselines/kvm-6.4.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline, Statement, Subject};

pub(super) const KVM_6_4: Baseline = Baseline {
    name: Borrowed("kvm-6.4"),
    title: Borrowed("Mainline Linux 6.4.0"),
    after: Some(Borrowed("kvm-6.3")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Smc(true), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/handle_exit.c handle_smc, v6.4: SMC #0 is a call as HVC #0 is; up to v6.3 it answers -1"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-53eb40859eb569483152a460a8faee5f1b82c434087fff73a6c5b9ee6180bae8"),
        Borrowed("sha256-4a4bb9ec727c0d34945bc314ad13b87d5067683787298ba7b619f772356def95"),
        Borrowed("sha256-4a4bb9ec727c0d34945bc314ad13b87d5067683787298ba7b619f772356def95"),
    ]),
};
