//! Made of `spec/catalogue/vmms/qemu.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::vmm::{CommandOption, Form, Given, Lengths, Manner, Overwrites, Vmm, Writes};

pub(super) const QEMU: Vmm = Vmm {
    name: Borrowed("qemu"),
    title: Borrowed("QEMU"),
    versions: Borrowed(&[Borrowed("10.0"), Borrowed("11.1")]),
    unreleased_from: Some(50),
    form: Form::Arguments,
    insists_on_gicv3: true,
    gicv3_source: Borrowed("QEMU 10.0.8, docs/system/arm/virt.rst: `gic-version=3` starts no machine where KVM has none"),
    options: Borrowed(&[
        CommandOption { name: Borrowed("-machine"), value: Borrowed("virt,gic-version=3,its=off"), source: Borrowed("QEMU 10.0.8, docs/system/arm/virt.rst: without `its=off` there is an ITS, and LPIs with it; a guest with KVM of Linux 6.1 and 7.2") },
        CommandOption { name: Borrowed("-accel"), value: Borrowed("kvm"), source: Borrowed("QEMU 10.0.8, qemu-options.hx") },
        CommandOption { name: Borrowed("-cpu"), value: Borrowed("host"), source: Borrowed("QEMU 10.0.8, docs/system/arm/cpu-features.rst") },
        CommandOption { name: Borrowed("-smp"), value: Borrowed("{vcpus}"), source: Borrowed("QEMU 10.0.8, qemu-options.hx") },
        CommandOption { name: Borrowed("-m"), value: Borrowed("{memory}M"), source: Borrowed("QEMU 10.0.8, qemu-options.hx") },
    ]),
    writes: Borrowed(&[
        Writes { names: Borrowed(&[Borrowed("KVM_REG_ARM_PSCI_VERSION")]), but: Borrowed(&[]), since: Some(Borrowed("11.1")), tell: Some(Borrowed("-cpu kvm-psci-version={psci}")), source: Borrowed("QEMU 11.1.3 with KVM of Linux 6.1 and 7.2: what a guest was told, and a version that the kernel lacks starts none; 10.0.8 of Debian 13 has no such property") },
    ]),
    features: Borrowed(&[
        Given { feature: Borrowed("pmu"), manner: Manner::Told { on: Some(Borrowed("-cpu pmu=on")), off: Some(Borrowed("-cpu pmu=off")), lengths: None, insists: true, if_offered: true }, source: Borrowed("QEMU 10.0.8, docs/system/arm/cpu-features.rst, and target/arm/cpu.c: there is no property `pmu` where KVM has no PMU; a guest of 10.0.8 with KVM of Linux 6.1 and 7.2") },
        Given { feature: Borrowed("sve"), manner: Manner::Told { on: Some(Borrowed("-cpu sve=on")), off: Some(Borrowed("-cpu sve=off")), lengths: Some(Lengths { on: Borrowed("-cpu sve{}=on"), off: Borrowed("-cpu sve{}=off") }), insists: true, if_offered: false }, source: Borrowed("QEMU 10.0.8, docs/system/arm/cpu-features.rst: with KVM what is not said of a length below the longest is the host's, and no guest starts with other lengths than were said") },
        Given { feature: Borrowed("pauth"), manner: Manner::Told { on: Some(Borrowed("-cpu pauth=on")), off: Some(Borrowed("-cpu pauth=off")), lengths: None, insists: true, if_offered: false }, source: Borrowed("QEMU 10.0.8, docs/system/arm/cpu-features.rst and target/arm/cpu64.c") },
        Given { feature: Borrowed("mte"), manner: Manner::Never, source: Borrowed("QEMU 10.0.8 and 11.1.3: off but with `-machine mte=on`, which nobody has tried with KVM") },
        Given { feature: Borrowed("steal-time"), manner: Manner::Told { on: Some(Borrowed("-cpu kvm-steal-time=on")), off: Some(Borrowed("-cpu kvm-steal-time=off")), lengths: None, insists: true, if_offered: false }, source: Borrowed("QEMU 10.0.8, docs/system/arm/cpu-features.rst; a guest of 10.0.8 with KVM of Linux 6.1 and 7.2") },
    ]),
    overwrites: Borrowed(&[
        Overwrites { names: Borrowed(&[Borrowed("GICD_TYPER")]), value: Some(0x8), mask: 0x1f, source: Borrowed("QEMU 10.0.8: 288 interrupts, whatever its machine has") },
        Overwrites { names: Borrowed(&[Borrowed("GICD_IGROUPR*"), Borrowed("GICR_IGROUPR0")]), value: Some(0x0), mask: 0xffffffffffffffff, source: Borrowed("QEMU 10.0.8: it writes its own state at reset, where KVM has every interrupt in group 1") },
        Overwrites { names: Borrowed(&[Borrowed("GICD_ICFGR*")]), value: Some(0x0), mask: 0xffffffffffffffff, source: Borrowed("QEMU 10.0.8: as the groups, where KVM has 0xaaaaaaaa") },
    ]),
};
