//! Made of `spec/catalogue/vmms/cloud-hypervisor.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::vmm::{CommandOption, Form, Given, Manner, Overwrites, Vmm};

pub(super) const CLOUD_HYPERVISOR: Vmm = Vmm {
    name: Borrowed("cloud-hypervisor"),
    title: Borrowed("Cloud Hypervisor"),
    versions: Borrowed(&[Borrowed("53.0")]),
    unreleased_from: None,
    form: Form::Arguments,
    insists_on_gicv3: true,
    gicv3_source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), hypervisor/src/kvm/aarch64/gic/mod.rs: KVM_DEV_TYPE_ARM_VGIC_V3 alone"),
    options: Borrowed(&[
        CommandOption { name: Borrowed("--cpus"), value: Borrowed("boot={vcpus}"), source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), docs/cpu.md") },
        CommandOption { name: Borrowed("--memory"), value: Borrowed("size={memory}M"), source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), docs/memory.md") },
    ]),
    writes: Borrowed(&[]),
    features: Borrowed(&[
        Given { feature: Borrowed("pmu"), manner: Manner::Always, source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), hypervisor/src/kvm/mod.rs: on where KVM has it, and no switch") },
        Given { feature: Borrowed("sve"), manner: Manner::Always, source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), hypervisor/src/kvm/mod.rs: on where KVM has it, and no switch") },
        Given { feature: Borrowed("pauth"), manner: Manner::Never, source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), hypervisor/src/kvm/mod.rs: not asked for") },
        Given { feature: Borrowed("mte"), manner: Manner::Never, source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), hypervisor/src/kvm/mod.rs: not asked for") },
        Given { feature: Borrowed("steal-time"), manner: Manner::Never, source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), hypervisor/src/kvm/mod.rs: not asked for") },
    ]),
    overwrites: Borrowed(&[
        Overwrites { names: Borrowed(&[Borrowed("GICD_TYPER")]), value: Some(0x7a0007), mask: 0x7a001f, source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), arch/src/aarch64/layout.rs: 256 interrupts, and an ITS; arch/arm64/kvm/vgic/vgic-mmio-v3.c of Linux 6.8 for what that shows") },
        Overwrites { names: Borrowed(&[Borrowed("GICR_TYPER")]), value: Some(0x1), mask: 0x1, source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), hypervisor/src/kvm/aarch64/gic/mod.rs: an ITS, hence LPIs (arch/arm64/kvm/vgic/vgic-mmio-v3.c of Linux 6.8)") },
        Overwrites { names: Borrowed(&[Borrowed("GICR_PROPBASER")]), value: Some(0x580), mask: 0xffffffffffffffff, source: Borrowed("Cloud Hypervisor 53.0 (9ed824d6d08d), hypervisor/src/kvm/aarch64/gic/mod.rs: with an ITS the table of LPIs begins as inner shareable and cacheable (arch/arm64/kvm/vgic/vgic-its.c of Linux 6.8, INITIAL_PROPBASER_VALUE)") },
    ]),
};
