//! Identification of the interrupt controller.

use super::{Complaints, Context};
use crate::catalogue::Subject;
use crate::lock::{Gic, GicRegister};
use crate::machine;

/// Identification of the interrupt controller (arch/arm64/kvm/vgic/vgic-mmio-v3.c, 5.10 to 7.3).
pub(super) fn gic(context: &Context, complaints: &mut Complaints) -> Gic {
    let revision = context.last(|s| match s {
        Subject::IidrRevision(revision) => Some(*revision),
        _ => None,
    });
    let Some((revision, _)) = revision else {
        complaints.error(
            "spec::incomplete-baseline",
            "/abi",
            "the baselines say nothing of GICD_IIDR".into(),
            Some("add a part such as \"gic-iidr-rev3\"".into()),
        );
        return Gic {
            version: 3,
            interrupts: machine::INTERRUPTS,
            registers: Vec::new(),
        };
    };
    let said = context
        .statements
        .iter()
        .filter_map(|(_, s, from)| match s.subject {
            Subject::IidrRevision(revision) => Some((revision, from)),
            _ => None,
        });
    let history = said.map(|(revision, from)| {
        let registers = identification(revision, machine::INTERRUPTS, context.version);
        (from.clone(), registers)
    });
    let decided = context.deciders(history);
    let registers = identification(revision, machine::INTERRUPTS, context.version);
    let entry = |(name, value): (String, u32)| GicRegister {
        from: decided.get(&name).cloned().unwrap_or_default(),
        name,
        value,
    };
    Gic {
        version: 3,
        interrupts: machine::INTERRUPTS,
        registers: registers.into_iter().map(entry).collect(),
    }
}

/// GICD_IIDR and GICR_IIDR of KVM without a revision: implementer Arm (0x43b), product 'K'
/// (arch/arm64/kvm/vgic/vgic.h, 5.10 to 7.3).
pub(crate) const GIC_IIDR: u32 = 0x4b << 24 | 0x43b;

/// The registers of a GICv3 that KVM makes, with so many interrupt ids and that
/// revision of GICD_IIDR, as far as that version of the lock speaks of them.
pub(crate) fn identification(revision: u8, interrupts: u32, _version: u32) -> Vec<(String, u32)> {
    let mut registers = Vec::new();
    let mut push = |name: String, value: u32| registers.push((name, value));
    let lines = interrupts / 32 - 1;
    // Groups are writable from revision 2 on; before, GICv3 interrupts are all in group 1.
    let groups = if revision >= 2 { u32::MAX } else { 0 };
    // ARE_NS and DS read as one always.
    push("GICD_CTLR".into(), 0x50);
    // IDbits: ten bits of interrupt id.
    push("GICD_TYPER".into(), 9 << 19 | lines);
    push("GICD_IIDR".into(), GIC_IIDR | u32::from(revision) << 12);
    push("GICD_TYPER2".into(), 0);
    push("GICD_PIDR2".into(), 0x3b);
    for word in 1..=lines {
        push(format!("GICD_IGROUPR{word}"), u32::MAX);
        push(format!("GICD_IGROUPR{word}.writable"), groups);
    }
    // Revision 3 shows that INVLPIR and INVALLR exist (IR) and that clearing EnableLPIs works (CES).
    push("GICR_CTLR".into(), if revision >= 3 { 0b110 } else { 0 });
    push("GICR_IIDR".into(), GIC_IIDR);
    push("GICR_PIDR2".into(), 0x3b);
    push("GICR_IGROUPR0".into(), u32::MAX);
    push("GICR_IGROUPR0.writable".into(), groups);
    registers
}
