//! Made of `spec/catalogue/vmms/firecracker.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::vmm::{Form, Given, Manner, Overwrites, Vmm, Writes};

pub(super) const FIRECRACKER: Vmm = Vmm {
    name: Borrowed("firecracker"),
    title: Borrowed("Firecracker"),
    versions: Borrowed(&[Borrowed("1.16")]),
    unreleased_from: None,
    form: Form::Template,
    insists_on_gicv3: false,
    gicv3_source: Borrowed("Firecracker 1.16.1 (2038188f145f), src/vmm/src/arch/aarch64/gic/mod.rs"),
    options: Borrowed(&[]),
    writes: Borrowed(&[
        Writes { names: Borrowed(&[Borrowed("*")]), but: Borrowed(&[Borrowed("MPIDR_EL1"), Borrowed("MIDR_EL1"), Borrowed("REVIDR_EL1"), Borrowed("AIDR_EL1"), Borrowed("CLIDR_EL1")]), since: None, tell: None, source: Borrowed("Firecracker 1.16.1 (2038188f145f), src/vmm/src/cpu_config/aarch64/custom_cpu_template.rs and src/vmm/src/arch/aarch64/vcpu.rs; it does not ask KVM for KVM_CAP_ARM_WRITABLE_IMP_ID_REGS") },
    ]),
    features: Borrowed(&[
        Given { feature: Borrowed("pmu"), manner: Manner::Never, source: Borrowed("Firecracker 1.16.1 (2038188f145f), src/vmm/src/cpu_config/aarch64/custom_cpu_template.rs: bit 3 of vcpu_features is refused") },
        Given { feature: Borrowed("sve"), manner: Manner::Told { on: None, off: None, lengths: None, insists: true, if_offered: false }, source: Borrowed("Firecracker 1.16.1 (2038188f145f), src/vmm/src/arch/aarch64/vcpu.rs: bit 4 of vcpu_features, which KVM refuses where there is none; the lengths are the host's, since KVM_REG_ARM64_SVE_VLS is wider than a template's registers") },
        Given { feature: Borrowed("pauth"), manner: Manner::Told { on: None, off: None, lengths: None, insists: true, if_offered: false }, source: Borrowed("Firecracker 1.16.1 (2038188f145f), src/vmm/src/arch/aarch64/vcpu.rs: bits 5 and 6 of vcpu_features, which KVM refuses where there is none") },
        Given { feature: Borrowed("mte"), manner: Manner::Never, source: Borrowed("Firecracker 1.16.1 (2038188f145f) does not ask for KVM_CAP_ARM_MTE") },
        Given { feature: Borrowed("steal-time"), manner: Manner::Always, source: Borrowed("Firecracker 1.16.1 (2038188f145f), src/vmm/src/builder.rs: where the vCPU has KVM_ARM_VCPU_PVTIME_CTRL") },
    ]),
    overwrites: Borrowed(&[
        Overwrites { names: Borrowed(&[Borrowed("CLIDR_EL1")]), value: None, mask: 0xffffffffffffffff, source: Borrowed("the host's sysfs, after the template, and warns where KVM does not take it (1.16.1, src/vmm/src/arch/aarch64/mod.rs)") },
        Overwrites { names: Borrowed(&[Borrowed("GICD_TYPER")]), value: Some(0x7a0003), mask: 0xffffffffffffffff, source: Borrowed("Firecracker 1.16.1 (2038188f145f), src/vmm/src/arch/aarch64/gic/gicv3/mod.rs: 128 interrupts and an ITS; arch/arm64/kvm/vgic/vgic-mmio-v3.c of Linux 6.8 for what that shows") },
        Overwrites { names: Borrowed(&[Borrowed("GICR_TYPER")]), value: Some(0x1), mask: 0x1, source: Borrowed("Firecracker 1.16.1 (2038188f145f), src/vmm/src/arch/aarch64/gic/gicv3/mod.rs: an ITS, hence LPIs (arch/arm64/kvm/vgic/vgic-mmio-v3.c of Linux 6.8)") },
        Overwrites { names: Borrowed(&[Borrowed("GICR_PROPBASER")]), value: Some(0x580), mask: 0xffffffffffffffff, source: Borrowed("Firecracker 1.16.1 (2038188f145f), src/vmm/src/arch/aarch64/gic/gicv3/mod.rs: with an ITS the table of LPIs begins as inner shareable and cacheable (arch/arm64/kvm/vgic/vgic-its.c of Linux 6.8, INITIAL_PROPBASER_VALUE)") },
    ]),
};
