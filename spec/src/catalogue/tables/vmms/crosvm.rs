//! Made of `spec/catalogue/vmms/crosvm.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::vmm::{CommandOption, Form, Given, Manner, Overwrites, Vmm};

pub(super) const CROSVM: Vmm = Vmm {
    name: Borrowed("crosvm"),
    title: Borrowed("crosvm"),
    versions: Borrowed(&[Borrowed("2026.08.21")]),
    unreleased_from: None,
    form: Form::Arguments,
    insists_on_gicv3: false,
    gicv3_source: Borrowed("crosvm f1e797a68dad, devices/src/irqchip/kvm/aarch64.rs"),
    options: Borrowed(&[
        CommandOption { name: Borrowed("--cpus"), value: Borrowed("num-cores={vcpus}"), source: Borrowed("crosvm f1e797a68dad, src/crosvm/cmdline.rs") },
        CommandOption { name: Borrowed("--mem"), value: Borrowed("size={memory}"), source: Borrowed("crosvm f1e797a68dad, src/crosvm/cmdline.rs: in MiB") },
    ]),
    writes: Borrowed(&[]),
    features: Borrowed(&[
        Given { feature: Borrowed("pmu"), manner: Manner::Told { on: None, off: Some(Borrowed("--no-pmu")), lengths: None, insists: false, if_offered: false }, source: Borrowed("crosvm f1e797a68dad, aarch64/src/lib.rs: on where KVM has it") },
        Given { feature: Borrowed("sve"), manner: Manner::Told { on: Some(Borrowed("--cpus sve=[auto=true]")), off: Some(Borrowed("--cpus sve=[auto=false]")), lengths: None, insists: false, if_offered: false }, source: Borrowed("crosvm f1e797a68dad, aarch64/src/lib.rs: on where KVM has it; the lengths are the host's") },
        Given { feature: Borrowed("pauth"), manner: Manner::Always, source: Borrowed("crosvm f1e797a68dad, hypervisor/src/kvm/aarch64.rs: on where KVM has it, and no switch") },
        Given { feature: Borrowed("mte"), manner: Manner::Told { on: Some(Borrowed("--cpus mte=[auto=true]")), off: Some(Borrowed("--cpus mte=[auto=false]")), lengths: None, insists: false, if_offered: false }, source: Borrowed("crosvm f1e797a68dad, hypervisor/src/kvm/aarch64.rs: on where KVM has it") },
        Given { feature: Borrowed("steal-time"), manner: Manner::Always, source: Borrowed("crosvm f1e797a68dad, aarch64/src/lib.rs: on where KVM has it, and no switch") },
    ]),
    overwrites: Borrowed(&[
        Overwrites { names: Borrowed(&[Borrowed("GICD_TYPER")]), value: Some(0x1), mask: 0x1f, source: Borrowed("crosvm f1e797a68dad, devices/src/irqchip/kvm/aarch64.rs: 64 interrupts") },
    ]),
};
