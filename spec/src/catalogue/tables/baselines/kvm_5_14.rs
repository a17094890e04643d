//! Made of `spec/catalogue/baselines/kvm-5.14.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_5_14: Baseline = Baseline {
    name: Borrowed("kvm-5.14"),
    title: Borrowed("Mainline Linux 5.14.0"),
    after: Some(Borrowed("kvm-5.13")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_AA64PFR1_EL1.MTE"), Act::Show), when: Borrowed(&[Borrowed("mte")]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.14-rc5"), unsure_after: Some(Borrowed("kvm-5.12")), since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64DFR0_EL1.PMSVer"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c read_id_reg, v5.14-rc5"), unsure_after: Some(Borrowed("kvm-5.12")), since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-c1747396ee9041fc53c304775ed97bf9894027601f039dc1a849cb61608f5227"),
        Borrowed("sha256-942523648180df21e21127afaf6840f4e97ad9d12bf57e68f8689952e25e879a"),
        Borrowed("sha256-942523648180df21e21127afaf6840f4e97ad9d12bf57e68f8689952e25e879a"),
    ]),
};
