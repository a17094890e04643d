//! Made of `spec/catalogue/baselines/kvm-7.1.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_7_1: Baseline = Baseline {
    name: Borrowed("kvm-7.1"),
    title: Borrowed("Mainline Linux 7.1.0"),
    after: Some(Borrowed("kvm-7.0")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Field(Borrowed("ID_PFR1_EL1.GIC"), Act::Hide), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/vgic/vgic-init.c kvm_vgic_finalize_idregs, v7.1"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_PFR1_EL1.GIC"), Act::Force(0x1)), when: Borrowed(&[Borrowed("el0-aarch32")]), source: Borrowed("arch/arm64/kvm/vgic/vgic-init.c kvm_vgic_finalize_idregs, v7.1"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR3_EL1.LSUI"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg, v7.1"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-29e7e161166d9260c886681059bf841c3c3bfe963e9bd0372fa4540fa11160c5"),
        Borrowed("sha256-241834ae3845eb84fe5f267b997c941c986f810281fdda9fc5baaf6110fe8cdd"),
        Borrowed("sha256-241834ae3845eb84fe5f267b997c941c986f810281fdda9fc5baaf6110fe8cdd"),
    ]),
};
