//! The warning where a CPU model was read from an emulator, which real machines with a CPU of that name do not show.

use super::allow::EMULATED;
use super::{Complaint, Severity};
use crate::catalogue::{Catalogue, CpuModel, register_by_name};

/// MIDR_EL1.Implementer: of zero the Arm ARM (DDI 0487, MIDR_EL1) has it that software may use it, and no silicon does.
const IMPLEMENTER: u64 = 0xff00_0000;

/// What to say of a lock's model, if anything.
pub(super) fn warning(cpu: &CpuModel, catalogue: &Catalogue) -> Option<Complaint> {
    let emulator = cpu.emulator()?;
    let midr = register_by_name("MIDR_EL1").map(|midr| cpu.silicon(midr).value);
    // A model of a user's own has a name that no CPU has.
    let (emulator, whose) = match emulator {
        CpuModel::EMULATED => (emulator.to_owned(), "such a CPU"),
        name => (format!("an emulator, {name}"), "a CPU of that name"),
    };
    let real = match midr.is_some_and(|midr| midr & IMPLEMENTER != 0) {
        true => format!(
            "real machines with {whose} have an EL3, and mostly another revision, other caches and firmware: they keep this \
             lock only where they can be made to show the emulator's"
        ),
        false => "no real machine has such a CPU".to_owned(),
    };
    let measured: Vec<&str> = catalogue
        .cpu_names()
        .filter(|name| {
            catalogue
                .cpu(name)
                .is_some_and(|cpu| cpu.emulator().is_none())
        })
        .collect();
    Some(Complaint {
        code: EMULATED,
        place: "/cpu/model".into(),
        also: Vec::new(),
        message: format!("`{}` was read from {emulator}; {real}", cpu.name),
        help: Some(format!(
            "for real machines: a model of a host of yours (`vmlock cpu REPORT`; `vmlock adopt REPORT` writes a description with \
             it), or one of {}, whose lock has to leave open (`vary`) what nobody has read of them; where the hosts are that \
             emulator: allow \"{EMULATED}\" reason=\"…\"",
            measured.join(", ")
        )),
        severity: Severity::Warning,
    })
}
