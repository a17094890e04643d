//! Made of `spec/catalogue/vmms/libvirt.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::vmm::{CommandOption, Form, Given, Lengths, Manner, Overwrites, Vmm};

pub(super) const LIBVIRT: Vmm = Vmm {
    name: Borrowed("libvirt"),
    title: Borrowed("libvirt"),
    versions: Borrowed(&[Borrowed("11.3")]),
    unreleased_from: None,
    form: Form::Domain,
    insists_on_gicv3: true,
    gicv3_source: Borrowed("libvirt 11.3.0, libvirt_driver_qemu.so: `gic-version=3`, with which QEMU 10.0.8 starts no machine where KVM has none"),
    options: Borrowed(&[
        CommandOption { name: Borrowed("domain type='kvm'"), value: Borrowed("<name>{name}</name>"), source: Borrowed("libvirt 11.3.0, schemas/domaincommon.rng") },
        CommandOption { name: Borrowed("domain"), value: Borrowed("<memory unit='MiB'>{memory}</memory>"), source: Borrowed("libvirt 11.3.0, schemas/domaincommon.rng") },
        CommandOption { name: Borrowed("domain"), value: Borrowed("<vcpu placement='static'>{vcpus}</vcpu>"), source: Borrowed("libvirt 11.3.0, schemas/domaincommon.rng") },
        CommandOption { name: Borrowed("os"), value: Borrowed("<type arch='aarch64' machine='virt'>hvm</type>"), source: Borrowed("libvirt 11.3.0, schemas/domaincommon.rng") },
        CommandOption { name: Borrowed("features"), value: Borrowed("<gic version='3'/>"), source: Borrowed("libvirt 11.3.0, schemas/domaincommon.rng") },
        CommandOption { name: Borrowed("cpu mode='host-passthrough' check='none'"), value: Borrowed(""), source: Borrowed("libvirt 11.3.0, schemas/cputypes.rng: QEMU's CPU `host`") },
    ]),
    writes: Borrowed(&[]),
    features: Borrowed(&[
        Given { feature: Borrowed("pmu"), manner: Manner::Told { on: Some(Borrowed("features <pmu state='on'/>")), off: Some(Borrowed("features <pmu state='off'/>")), lengths: None, insists: true, if_offered: true }, source: Borrowed("libvirt 11.3.0, libvirt_driver_qemu.so: `,pmu=%s`; for the rest QEMU 10.0.8, target/arm/cpu.c") },
        Given { feature: Borrowed("sve"), manner: Manner::Told { on: Some(Borrowed("cpu <feature policy='require' name='sve'/>")), off: Some(Borrowed("cpu <feature policy='disable' name='sve'/>")), lengths: Some(Lengths { on: Borrowed("cpu <feature policy='require' name='sve{}'/>"), off: Borrowed("cpu <feature policy='disable' name='sve{}'/>") }), insists: true, if_offered: false }, source: Borrowed("libvirt 11.3.0, cpu_map/arm_features.xml; for the rest QEMU 10.0.8, docs/system/arm/cpu-features.rst") },
        Given { feature: Borrowed("pauth"), manner: Manner::Told { on: Some(Borrowed("cpu <feature policy='require' name='pauth'/>")), off: Some(Borrowed("cpu <feature policy='disable' name='pauth'/>")), lengths: None, insists: true, if_offered: false }, source: Borrowed("libvirt 11.3.0, cpu_map/arm_features.xml; for the rest QEMU 10.0.8, target/arm/cpu64.c") },
        Given { feature: Borrowed("mte"), manner: Manner::Never, source: Borrowed("libvirt 11.3.0, schemas/domaincommon.rng: no word for it, and QEMU 10.0.8 has it off by itself") },
        Given { feature: Borrowed("steal-time"), manner: Manner::Always, source: Borrowed("libvirt 11.3.0, cpu_map/arm_features.xml: no word for it; guests of QEMU 10.0.8 had it by themselves, with KVM of Linux 6.1 and 7.2") },
    ]),
    overwrites: Borrowed(&[
        Overwrites { names: Borrowed(&[Borrowed("GICD_TYPER")]), value: Some(0x7a0008), mask: 0x7a001f, source: Borrowed("guests of QEMU 10.0.8 by itself, with KVM of Linux 6.1 and 7.2: 288 interrupts and an ITS, against which libvirt 11.3.0 has no word") },
        Overwrites { names: Borrowed(&[Borrowed("GICR_TYPER")]), value: Some(0x1), mask: 0x1, source: Borrowed("guests of QEMU 10.0.8, with KVM of Linux 6.1 and 7.2: an ITS, hence LPIs, whatever libvirt 11.3.0 is told") },
        Overwrites { names: Borrowed(&[Borrowed("GICR_PROPBASER"), Borrowed("GICR_PENDBASER")]), value: Some(0x180), mask: 0xffffffffffffffff, source: Borrowed("guests of QEMU 10.0.8, with KVM of Linux 6.1 and 7.2: with an ITS it writes its own state at reset, whatever libvirt 11.3.0 is told") },
        Overwrites { names: Borrowed(&[Borrowed("GICD_IGROUPR*"), Borrowed("GICR_IGROUPR0")]), value: Some(0x0), mask: 0xffffffffffffffff, source: Borrowed("QEMU 10.0.8 below libvirt 11.3.0: it writes its own state at reset, where KVM has every interrupt in group 1") },
        Overwrites { names: Borrowed(&[Borrowed("GICD_ICFGR*")]), value: Some(0x0), mask: 0xffffffffffffffff, source: Borrowed("QEMU 10.0.8 below libvirt 11.3.0: as the groups, where KVM has 0xaaaaaaaa") },
    ]),
};
