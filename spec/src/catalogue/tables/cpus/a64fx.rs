//! Made of `spec/catalogue/cpus/a64fx.kdl` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use std::borrow::Cow::Borrowed;
use vmlock_catalogue_types::{CpuModel, SiliconValue};

pub(super) const A64FX: CpuModel = CpuModel {
    name: Borrowed("a64fx"),
    title: Borrowed("Fujitsu A64FX (Armv8.2 with SVE of 512 bits), as QEMU 7.2 emulates it"),
    registers: Borrowed(&[
        SiliconValue { register: Borrowed("MIDR_EL1"), value: 0x461f0010, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("ID_PFR1_EL1"), value: 0x10000000, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("ID_AA64PFR0_EL1"), value: 0x101110111, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("ID_AA64DFR0_EL1"), value: 0x10305408, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("ID_AA64ISAR0_EL1"), value: 0x10211120, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("ID_AA64ISAR1_EL1"), value: 0x10001, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("ID_AA64MMFR0_EL1"), value: 0x1122, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("ID_AA64MMFR1_EL1"), value: 0x11212100, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("ID_AA64MMFR2_EL1"), value: 0x1011, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("CLIDR_EL1"), value: 0x80000023, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("CTR_EL0"), value: 0x86668006, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("DCZID_EL0"), value: 0x6, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("PMCR_EL0"), value: 0x46014040, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("PMCEID0_EL0"), value: 0x20001, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("PMCEID1_EL0"), value: 0x18, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("CCSIDR_EL1[0]"), value: 0x7007e01c, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("CCSIDR_EL1[1]"), value: 0x2007e01c, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("CCSIDR_EL1[2]"), value: 0x70ffe07c, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
    ]),
    facts: Borrowed(&[
        SiliconValue { register: Borrowed("KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1"), value: 0x0, source: Borrowed("KVM of 6.1.176 to 7.3.4 on QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3") },
        SiliconValue { register: Borrowed("KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2"), value: 0x0, source: Borrowed("KVM of 6.1.176 to 7.3.4 on QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3") },
        SiliconValue { register: Borrowed("KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3"), value: 0x0, source: Borrowed("KVM of 6.1.176 to 7.3.4 on QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3") },
        SiliconValue { register: Borrowed("CNTFRQ_EL0"), value: 0x3b9aca0, source: Borrowed("QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3, read at EL2") },
        SiliconValue { register: Borrowed("ICC_CTLR_EL1"), value: 0x8c00, source: Borrowed("KVM of 5.10.223 to 7.3.4 on QEMU 7.2 -cpu a64fx -M virt,virtualization=on,gic-version=3") },
    ]),
    unaffected: Borrowed(&[]),
    vector_lengths: Borrowed(&[128, 256, 512]),
    unknown: Borrowed(&[]),
    digests: Borrowed(&[
        Borrowed("sha256-7101c4ba70f82218140d5636102351f3ff0737f6bb6bb4e7e65415a78c52b3da"),
        Borrowed("sha256-ba2dbce33c9ba2a97bc6f26089fce4851daef9a7f19556d1c0e904f2ec57e1aa"),
        Borrowed("sha256-ba2dbce33c9ba2a97bc6f26089fce4851daef9a7f19556d1c0e904f2ec57e1aa"),
    ]),
};
