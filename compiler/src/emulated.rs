//! Whether what a guest or KVM tells of a CPU is an emulator's.

use vmlock_spec::catalogue::{Catalogue, RegisterInfo, field, register_by_name};

/// MIDR_EL1.Implementer of Arm Limited (DDI 0487, MIDR_EL1).
const ARM: u64 = 0x41;

/// Why a CPU is no silicon's, if that shows. Of zero in MIDR_EL1.Implementer the Arm ARM (DDI 0487) has it that software may
/// use it. Every core of Arm's that has an EL2 and an MMU at EL1 has an EL3 too (their Technical Reference Manuals,
/// ID_AA64PFR0_EL1), and KVM tells guests of it; QEMU's `virt` with `virtualization=on` has none, whatever CPU it emulates.
pub fn emulated(read: impl Fn(&RegisterInfo) -> Option<u64>) -> Option<&'static str> {
    let shown = |path: &str| {
        let (register, field) = field(path)?;
        Some(field.get(read(register)?))
    };
    let implementer = shown("MIDR_EL1.Implementer")?;
    if implementer == 0 {
        return Some("MIDR_EL1.Implementer is 0, which no silicon has");
    }
    let midr = register_by_name("MIDR_EL1").and_then(&read);
    let catalogue = Catalogue::builtin();
    let mut models = catalogue.cpu_names().filter_map(|name| catalogue.cpu(name));
    let is_emulated = models.any(|cpu| {
        let named = register_by_name("MIDR_EL1").map(|info| cpu.silicon(info).value);
        cpu.emulator().is_some() && named == midr
    });
    let no_el3 = shown("ID_AA64PFR0_EL1.EL3") == Some(0);
    (no_el3 && (implementer == ARM || is_emulated))
        .then_some("ID_AA64PFR0_EL1.EL3 is 0, and such a CPU has an EL3")
}
