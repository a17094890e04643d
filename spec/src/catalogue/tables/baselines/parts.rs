//! Made of `spec/catalogue/baselines/parts.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{Baseline, CachePolicy, Statement, Subject};

pub(super) const PSCI_0_2: Baseline = Baseline {
    name: Borrowed("psci-0.2"),
    title: Borrowed("PSCI 0.2: PSCI_FEATURES does not exist"),
    after: None,
    part: Some(Borrowed("psci")),
    statements: Borrowed(&[
        Statement { subject: Subject::Psci(0x2), when: Borrowed(&[]), source: Borrowed("Arm DEN0022 PSCI_VERSION; arch/arm64/kvm/psci.c, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-2ba840a53904790b34c0777e47ff62c787f6b6b1f91b08a7b901b647bc0d2664"),
        Borrowed("sha256-15b89650bac7070d5c52ff03c364b9fa56f03fa223b73d6082e044fbf29902c2"),
        Borrowed("sha256-15b89650bac7070d5c52ff03c364b9fa56f03fa223b73d6082e044fbf29902c2"),
    ]),
};

pub(super) const PSCI_1_0: Baseline = Baseline {
    name: Borrowed("psci-1.0"),
    title: Borrowed("PSCI 1.0: adds PSCI_FEATURES"),
    after: None,
    part: Some(Borrowed("psci")),
    statements: Borrowed(&[
        Statement { subject: Subject::Psci(0x10000), when: Borrowed(&[]), source: Borrowed("Arm DEN0022 PSCI_VERSION; arch/arm64/kvm/psci.c, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-13384a097d3218e34f6b3393b6cd39ef0962f77f79d5fd50ba50a1de0afd21aa"),
        Borrowed("sha256-d0d2ef80522bfd17380d388b147550708aed2434f4210185c6c646cae8c339cb"),
        Borrowed("sha256-d0d2ef80522bfd17380d388b147550708aed2434f4210185c6c646cae8c339cb"),
    ]),
};

pub(super) const PSCI_1_1: Baseline = Baseline {
    name: Borrowed("psci-1.1"),
    title: Borrowed("PSCI 1.1: adds SYSTEM_RESET2"),
    after: None,
    part: Some(Borrowed("psci")),
    statements: Borrowed(&[
        Statement { subject: Subject::Psci(0x10001), when: Borrowed(&[]), source: Borrowed("Arm DEN0022 PSCI_VERSION; arch/arm64/kvm/psci.c, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-bf533f7bda21758dbc287b03f6423724c27ba43330bc91a833f1b5e463eab99f"),
        Borrowed("sha256-cf48257f8fdc9b97ce87ffd9811e4c7b14e82e1f6ff676e9bca573ac8d5ad0f0"),
        Borrowed("sha256-cf48257f8fdc9b97ce87ffd9811e4c7b14e82e1f6ff676e9bca573ac8d5ad0f0"),
    ]),
};

pub(super) const PSCI_1_2: Baseline = Baseline {
    name: Borrowed("psci-1.2"),
    title: Borrowed("PSCI 1.2: adds no function of its own in KVM"),
    after: None,
    part: Some(Borrowed("psci")),
    statements: Borrowed(&[
        Statement { subject: Subject::Psci(0x10002), when: Borrowed(&[]), source: Borrowed("Arm DEN0022 PSCI_VERSION; arch/arm64/kvm/psci.c, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-e7133e2838420f1a91f8547ec89256445513cec4027add4c3321daac1d07db22"),
        Borrowed("sha256-6fc6e8bffa73f9f7dc38505b7fd96c939ec1d27481668d93e28662945aa9c7ed"),
        Borrowed("sha256-6fc6e8bffa73f9f7dc38505b7fd96c939ec1d27481668d93e28662945aa9c7ed"),
    ]),
};

pub(super) const PSCI_1_3: Baseline = Baseline {
    name: Borrowed("psci-1.3"),
    title: Borrowed("PSCI 1.3: adds SYSTEM_OFF2"),
    after: None,
    part: Some(Borrowed("psci")),
    statements: Borrowed(&[
        Statement { subject: Subject::Psci(0x10003), when: Borrowed(&[]), source: Borrowed("Arm DEN0022 PSCI_VERSION; arch/arm64/kvm/psci.c, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-c67c1fd716f615f1aee4ae50d758a915f4ec6a8541cbd70c987165533710f75c"),
        Borrowed("sha256-b271b4432707dd3dc060f14f0afd2cc9c745741fffd7312e2ea6b8e06f00eced"),
        Borrowed("sha256-b271b4432707dd3dc060f14f0afd2cc9c745741fffd7312e2ea6b8e06f00eced"),
    ]),
};

pub(super) const GIC_IIDR_REV0: Baseline = Baseline {
    name: Borrowed("gic-iidr-rev0"),
    title: Borrowed("GICD_IIDR revision 0: every interrupt is in group 1 and stays there"),
    after: None,
    part: Some(Borrowed("gic-iidr")),
    statements: Borrowed(&[
        Statement { subject: Subject::IidrRevision(0), when: Borrowed(&[]), source: Borrowed("virt/kvm/arm/vgic/vgic-mmio-v3.c, v4.18 (and v4.16): no revision in GICD_IIDR, IGROUPR reads as ones and ignores writes"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-d633a6de7ee79ff7f2ce48cc222b32eaffc4dff2d31b13efd5d32f282dfd16d6"),
        Borrowed("sha256-0056b18c2f88bd561f435896261d8d0561c9234748a4e6854de351e76f0220c3"),
        Borrowed("sha256-0056b18c2f88bd561f435896261d8d0561c9234748a4e6854de351e76f0220c3"),
    ]),
};

pub(super) const GIC_IIDR_REV1: Baseline = Baseline {
    name: Borrowed("gic-iidr-rev1"),
    title: Borrowed("GICD_IIDR revision 1: GICv3 interrupts are in group 1 and stay there"),
    after: None,
    part: Some(Borrowed("gic-iidr")),
    statements: Borrowed(&[
        Statement { subject: Subject::IidrRevision(1), when: Borrowed(&[]), source: Borrowed("KVM mailing list, May 2026, patch for arch/arm64/kvm/vgic/vgic-mmio.c vgic_mmio_write_group: below revision 2 writes are ignored; GICD_IIDR 0x4b00143b"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-b795c71c2a43b630d1d35663c43bcfeb6169dbf4a1667af5a5077954727c278e"),
        Borrowed("sha256-4873e3da1df764a150cde4ab40f66ce46f48473a01c29f927b02bd429eec1a87"),
        Borrowed("sha256-4873e3da1df764a150cde4ab40f66ce46f48473a01c29f927b02bd429eec1a87"),
    ]),
};

pub(super) const GIC_IIDR_REV2: Baseline = Baseline {
    name: Borrowed("gic-iidr-rev2"),
    title: Borrowed("GICD_IIDR revision 2: interrupt groups can be written, no GICR_INVLPIR"),
    after: None,
    part: Some(Borrowed("gic-iidr")),
    statements: Borrowed(&[
        Statement { subject: Subject::IidrRevision(2), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/vgic/vgic.h KVM_VGIC_IMP_REV_2, v7.3; the revision of v4.19 to v5.18"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-83f85c181ad1cafb0b5c823e0be108f906da3a9208dff3747734988fe607b770"),
        Borrowed("sha256-c4c088b3f021bffd6ffdc429f7ccac3b7f291336dd67baf928f8df90fe2735c1"),
        Borrowed("sha256-c4c088b3f021bffd6ffdc429f7ccac3b7f291336dd67baf928f8df90fe2735c1"),
    ]),
};

pub(super) const GIC_IIDR_REV3: Baseline = Baseline {
    name: Borrowed("gic-iidr-rev3"),
    title: Borrowed("GICD_IIDR revision 3: GICR_CTLR tells of GICR_INVLPIR"),
    after: None,
    part: Some(Borrowed("gic-iidr")),
    statements: Borrowed(&[
        Statement { subject: Subject::IidrRevision(3), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/vgic/vgic.h KVM_VGIC_IMP_REV_3, v7.3; the revision from v5.19 on"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-d43be94cf2a63c3d3290cf11a0dfcefc915037175ec3b244849726fa8d2722a7"),
        Borrowed("sha256-e80f911b5c6440fb3a43610772c3b83173233fae7d600f778f85f03cf8c3266e"),
        Borrowed("sha256-e80f911b5c6440fb3a43610772c3b83173233fae7d600f778f85f03cf8c3266e"),
    ]),
};

pub(super) const CACHE_MODEL: Baseline = Baseline {
    name: Borrowed("cache-model"),
    title: Borrowed("The caches of the CPU model: its CLIDR_EL1 and CCSIDR_EL1, in the form that kernels from 6.3 on take"),
    after: None,
    part: Some(Borrowed("cache")),
    statements: Borrowed(&[
        Statement { subject: Subject::Cache(CachePolicy::Model), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c set_clidr, set_ccsidr, v6.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-d6d9838b3518c705679eeb6c7c2c20a5f49b2982217b03682002ce7a9ba1af2f"),
        Borrowed("sha256-4e9de2a99d1e273576a9cfbf3ad45f677c7ab07bc1b064d934a361c0ebd88df0"),
        Borrowed("sha256-4e9de2a99d1e273576a9cfbf3ad45f677c7ab07bc1b064d934a361c0ebd88df0"),
    ]),
};

pub(super) const CACHE_MADE_UP: Baseline = Baseline {
    name: Borrowed("cache-made-up"),
    title: Borrowed("The caches that kernels from 6.3 on make up from CTR_EL0: one set and one way each"),
    after: None,
    part: Some(Borrowed("cache")),
    statements: Borrowed(&[
        Statement { subject: Subject::Cache(CachePolicy::Fabricated), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/sys_regs.c reset_clidr, get_ccsidr, v6.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-6e7fef4704de150b14f34e1516855526577f5561f2d491ccd4c7dc02e79d198a"),
        Borrowed("sha256-75270cdf55d3278144ec21dade6fa7f5708a27873de5f828441a3b824690fbb3"),
        Borrowed("sha256-75270cdf55d3278144ec21dade6fa7f5708a27873de5f828441a3b824690fbb3"),
    ]),
};

pub(super) const SMCCC_TRNG_1_0: Baseline = Baseline {
    name: Borrowed("smccc-trng-1.0"),
    title: Borrowed("TRNG 1.0 (random numbers by hypercall)"),
    after: None,
    part: Some(Borrowed("trng")),
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_STD_BMAP"), Some(0x1)), when: Borrowed(&[]), source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, v7.3; Arm DEN0098"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-fad08f1fefdf58385822be9b4a450fbba997f50ff644ce652b38b4c0e9e07b70"),
        Borrowed("sha256-6b5516d6b5d40ce86c02628dfdf1a28b25f89cde5a39695adc3a3e4b2a2abb56"),
        Borrowed("sha256-6b5516d6b5d40ce86c02628dfdf1a28b25f89cde5a39695adc3a3e4b2a2abb56"),
    ]),
};

pub(super) const NO_SMCCC_TRNG: Baseline = Baseline {
    name: Borrowed("no-smccc-trng"),
    title: Borrowed("No TRNG"),
    after: None,
    part: Some(Borrowed("trng")),
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_STD_BMAP"), Some(0x0)), when: Borrowed(&[]), source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-9ba5917ae60348e00ca4559e8b4b2830627644360a25a899a1fb0bff1c10185d"),
        Borrowed("sha256-665b805aa170d25f0dabaac7a82da15aa18b02512d1b50a6088ec11992b72044"),
        Borrowed("sha256-665b805aa170d25f0dabaac7a82da15aa18b02512d1b50a6088ec11992b72044"),
    ]),
};

pub(super) const SMCCC_PV_TIME: Baseline = Baseline {
    name: Borrowed("smccc-pv-time"),
    title: Borrowed("Paravirtual time (stolen time by hypercall)"),
    after: None,
    part: Some(Borrowed("pv-time")),
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_STD_HYP_BMAP"), Some(0x1)), when: Borrowed(&[]), source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, v7.3; Arm DEN0057"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-5df2b34291a2942619a6f6656fb7b1a975d2060925a4dcf8b2ab5ea7d3e9b7bc"),
        Borrowed("sha256-e1bcc2cd938182ca82baabc2fb8a48829998cfae497a78fa0256ab64fc2d220d"),
        Borrowed("sha256-e1bcc2cd938182ca82baabc2fb8a48829998cfae497a78fa0256ab64fc2d220d"),
    ]),
};

pub(super) const NO_SMCCC_PV_TIME: Baseline = Baseline {
    name: Borrowed("no-smccc-pv-time"),
    title: Borrowed("No paravirtual time"),
    after: None,
    part: Some(Borrowed("pv-time")),
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_STD_HYP_BMAP"), Some(0x0)), when: Borrowed(&[]), source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-f7718f37386c78d5a7169df4002461302f10f338dda8d69f40d606a75934e55e"),
        Borrowed("sha256-95a2c77412bf106de218b70d409ffcdfe757cc5d26378c2154ada7621267eafb"),
        Borrowed("sha256-95a2c77412bf106de218b70d409ffcdfe757cc5d26378c2154ada7621267eafb"),
    ]),
};

pub(super) const SMCCC_VENDOR_HYP: Baseline = Baseline {
    name: Borrowed("smccc-vendor-hyp"),
    title: Borrowed("KVM vendor range: UID and feature discovery, without PTP"),
    after: None,
    part: Some(Borrowed("vendor-hyp")),
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP"), Some(0x1)), when: Borrowed(&[]), source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-f544e2e3c577888dba21410960ff430727188c839c2847a3c55311dc22ff7c85"),
        Borrowed("sha256-06dcfea6a549fff7a7c3a0008a2c016f8266038d48900efc554891bb3e3931c5"),
        Borrowed("sha256-06dcfea6a549fff7a7c3a0008a2c016f8266038d48900efc554891bb3e3931c5"),
    ]),
};

pub(super) const SMCCC_PTP: Baseline = Baseline {
    name: Borrowed("smccc-ptp"),
    title: Borrowed("KVM vendor range: UID, feature discovery and PTP (host clock by hypercall)"),
    after: None,
    part: Some(Borrowed("vendor-hyp")),
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP"), Some(0x3)), when: Borrowed(&[]), source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-8277da244a25aa511e65cd4659b28fc55e55cc2d078de7939264de7e4708c0c9"),
        Borrowed("sha256-0e8298e91159c8778ef19e47525d5624de7232b1d4f176718c2857b0857ca139"),
        Borrowed("sha256-0e8298e91159c8778ef19e47525d5624de7232b1d4f176718c2857b0857ca139"),
    ]),
};

pub(super) const NO_SMCCC_VENDOR_HYP: Baseline = Baseline {
    name: Borrowed("no-smccc-vendor-hyp"),
    title: Borrowed("No KVM vendor range"),
    after: None,
    part: Some(Borrowed("vendor-hyp")),
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP"), Some(0x0)), when: Borrowed(&[]), source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-23201926fd22b25cad09b162a1c21b23ad036a5838dffce1599ed1c28cefa96f"),
        Borrowed("sha256-dd2fe0bb43fed8a5e86c73e0c262980e0e9db9890c240377890f340831f4a8b8"),
        Borrowed("sha256-dd2fe0bb43fed8a5e86c73e0c262980e0e9db9890c240377890f340831f4a8b8"),
    ]),
};

pub(super) const SMCCC_DISCOVER_IMPL: Baseline = Baseline {
    name: Borrowed("smccc-discover-impl"),
    title: Borrowed("KVM vendor range: discovery of CPU implementations offered"),
    after: None,
    part: Some(Borrowed("vendor-hyp-2")),
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP_2"), Some(0x3)), when: Borrowed(&[]), source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, v7.3; v6.15 has it; the calls themselves are the VMM's to answer"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-bfb3ddfedee94900f80eb9a74c92837c3929e77da5cc2797e528ee68944f1804"),
        Borrowed("sha256-858262aea814df523af31a0d1f97326b64cd5928721cc4fee95e0f1186c02720"),
        Borrowed("sha256-858262aea814df523af31a0d1f97326b64cd5928721cc4fee95e0f1186c02720"),
    ]),
};

pub(super) const NO_SMCCC_DISCOVER_IMPL: Baseline = Baseline {
    name: Borrowed("no-smccc-discover-impl"),
    title: Borrowed("No discovery of CPU implementations"),
    after: None,
    part: Some(Borrowed("vendor-hyp-2")),
    statements: Borrowed(&[
        Statement { subject: Subject::Bitmap(Borrowed("KVM_REG_ARM_VENDOR_HYP_BMAP_2"), Some(0x0)), when: Borrowed(&[]), source: Borrowed("Documentation/virt/kvm/arm/fw-pseudo-registers.rst, v7.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-f959946acbfb61594778599846afa0c7c35f6d41e96bebecaa2e4a9c2b95ec2b"),
        Borrowed("sha256-4cc347ae16b3593f71390e66f0e43792f6f45f8ce3cfd5da78fef46194f41333"),
        Borrowed("sha256-4cc347ae16b3593f71390e66f0e43792f6f45f8ce3cfd5da78fef46194f41333"),
    ]),
};

pub(super) const SMC_NONE: Baseline = Baseline {
    name: Borrowed("smc-none"),
    title: Borrowed("SMC is no conduit: it answers -1 (the calls that only a kernel can answer, such as SMCCC_VERSION and CPU_ON, are not promised)"),
    after: None,
    part: Some(Borrowed("smc")),
    statements: Borrowed(&[
        Statement { subject: Subject::Smc(false), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/handle_exit.c handle_smc, v6.3"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-42407815f5e643570fb18512c79766ce0b94c67403675619bd0816c789626771"),
        Borrowed("sha256-62de5bfa755baba8cb84713562ccd73e1fce16dc5e7d3708994400256a42ab70"),
        Borrowed("sha256-62de5bfa755baba8cb84713562ccd73e1fce16dc5e7d3708994400256a42ab70"),
    ]),
};

pub(super) const SMC_FULL: Baseline = Baseline {
    name: Borrowed("smc-full"),
    title: Borrowed("SMC is a conduit for firmware calls as HVC is"),
    after: None,
    part: Some(Borrowed("smc")),
    statements: Borrowed(&[
        Statement { subject: Subject::Smc(true), when: Borrowed(&[]), source: Borrowed("arch/arm64/kvm/handle_exit.c handle_smc, v6.4"), unsure_after: None, since: 1 },
    ]),
    stable: Borrowed(&[]),
    kernel: None,
    measured_on: Borrowed(&[]),
    measured_as: None,
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-a37d5f288dbbbff2907df249c394646dd176b3d57af4c1ca27f96b7feef7d01e"),
        Borrowed("sha256-856fa08b3e8698564ef8249311b99387a8b57eee561c6d59308488abdbdfe441"),
        Borrowed("sha256-856fa08b3e8698564ef8249311b99387a8b57eee561c6d59308488abdbdfe441"),
    ]),
};
