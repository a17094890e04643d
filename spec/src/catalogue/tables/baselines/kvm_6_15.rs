//! Made of `spec/catalogue/baselines/kvm-6.15.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Act, Baseline, Statement, Subject};

pub(super) const KVM_6_15: Baseline = Baseline {
    name: Borrowed("kvm-6.15"),
    title: Borrowed("Mainline Linux 6.15.0"),
    after: Some(Borrowed("kvm-6.14")),
    part: None,
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP_2"), Some(0x0)), when: Borrowed(&[]), source: Borrowed("KVM/arm64 merge tag for 6.15; 6.16.12 lists the register (measured), arch/arm64/kvm/hypercalls.c, v6.14 has it not"), unsure_after: None, since: 1 },
        Statement { subject: Subject::Field(Borrowed("ID_AA64MMFR2_EL1.NV"), Act::Hide), when: Borrowed(&[]), source: Borrowed("KVM/arm64 merge tag for 6.15; arch/arm64/kvm/sys_regs.c __kvm_read_sanitised_id_reg, v6.17 hides it, v6.14 not"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-642430981d99869e6e54f7d8262130052b19b0ca6e5b398a4628e934d8543e4a"),
        Borrowed("sha256-dcb3211789b40f2b17a0b6c12cde7a1567adba2a1429bf1668b5138ec5767f61"),
        Borrowed("sha256-dcb3211789b40f2b17a0b6c12cde7a1567adba2a1429bf1668b5138ec5767f61"),
    ]),
};
