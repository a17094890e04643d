//! Made of `spec/catalogue/baselines/kvm-6.18.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_18: Baseline = Baseline {
    name: Borrowed("kvm-6.18"),
    title: Borrowed("Mainline Linux 6.18.0"),
    after: Some(Borrowed("kvm-6.17")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_PFR1_EL1.GIC"), Act::Force(0x1)), when: Borrowed(&[Borrowed("el0-aarch32")]), source: Borrowed("arch/arm64/kvm/vgic/vgic-init.c kvm_vgic_create, v6.18.2"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR3_EL1.LSFE"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg, v6.18"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-bd9549b43ffce2780173e3cfe39c92db3e4ee737399fa701be4c464ef0eba1f5"),
        Borrowed("sha256-072568ca061ff5c9cb46d5d651613bf43abe60de846c4edc48fdabd731fc6b93"),
        Borrowed("sha256-072568ca061ff5c9cb46d5d651613bf43abe60de846c4edc48fdabd731fc6b93"),
    ]),
};
