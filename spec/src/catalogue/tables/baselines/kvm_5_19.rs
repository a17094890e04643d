//! Made of `spec/catalogue/baselines/kvm-5.19.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_5_19: Baseline = Baseline {
    name: Borrowed("kvm-5.19"),
    title: Borrowed("Mainline Linux 5.19.0"),
    after: Some(Borrowed("kvm-5.18")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::IidrRevision(3), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/vgic/vgic.h KVM_VGIC_IMP_REV_LATEST, v5.19; v5.18 has 2"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_STD_BMAP"), Some(0x1)), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/hypercalls.c kvm_arm_init_hypercalls, v5.19; v5.18 has no such register"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_STD_HYP_BMAP"), Some(0x1)), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/hypercalls.c kvm_arm_init_hypercalls, v5.19"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP"), Some(0x3)), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/hypercalls.c kvm_arm_init_hypercalls, v5.19"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64ISAR2_EL1.WFxT"), Act::Show), when: Borrowed(&[]), source: Borrowed("arch/arm64/kernel/cpufeature.c ftr_id_aa64isar2, v5.19"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-9098fd8439b0933f61f5546f00c7c4238b539133cf8abe05a3af29f853851735"),
        Borrowed("sha256-3fcec0e7a84d152078f587ccca824e7b91d147051ca12356505002fc1573a366"),
        Borrowed("sha256-3fcec0e7a84d152078f587ccca824e7b91d147051ca12356505002fc1573a366"),
    ]),
};
