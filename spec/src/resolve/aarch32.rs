//! AArch32 at EL0: shown, or hidden where it works all the same.

use super::context::AARCH32;
use super::decision::Decision;
use super::{Complaint, Complaints, Context, Severity};
use crate::catalogue::{Field, Kind, RegisterInfo, speaks_of};

/// The value of a field that says that there is no such thing.
pub(super) fn absent(path: &str, field: &Field) -> u64 {
    match path {
        // 0 would say that there is no EL0 at all.
        AARCH32 => 1,
        _ => field.none(),
    }
}

/// Whether a register is one of AArch32's (CRm 1 to 3) and the CPU has no AArch32: KVM shows zero then, and takes
/// nothing else (arch/arm64/kvm/sys_regs.c aa32_id_visibility).
pub(super) fn is_unreadable(context: &Context, register: &RegisterInfo) -> bool {
    let crm = register.encoding.map_or(0, |e| e >> 3 & 0xf);
    register.kind == Kind::Id && (1..=3).contains(&crm) && !context.holds("el0-aarch32")
}

/// What `aarch32` says, field by field.
pub(super) fn decisions(context: &Context, complaints: &mut Complaints) -> Vec<Decision> {
    let cpu = &context.spec.cpu;
    let mut out = Vec::new();
    let mut wish = |path, value, place: &str, from| {
        out.push(Decision::exactly(path, value, place, from));
    };
    let hide = cpu.hide.iter().position(|h| speaks_of(h, AARCH32));
    let set = cpu.set.iter().position(|s| match s.field.as_str() {
        AARCH32 => s.value == 1,
        name => s.value == 0 && speaks_of(name, AARCH32),
    });
    let hide = hide.map(|index| format!("/cpu/hide/{index}"));
    let hidden = hide.or(set.map(|index| format!("/cpu/set/{index}")));
    let has = context.holds("el0-aarch32");
    if cpu.aarch32 && !has {
        complaints.error(
            "spec::cpu-lacks-feature",
            "/cpu/aarch32",
            format!("the CPU `{}` has no AArch32 at EL0", context.cpu.name),
            Some(format!(
                "choose a CPU model that has it ({AARCH32} is 2), or leave it out"
            )),
        );
    } else if cpu.aarch32 {
        wish(AARCH32, 2, "/cpu/aarch32", "spec/cpu/aarch32");
    }
    if let Some(place) = hidden.filter(|_| has && !cpu.aarch32) {
        complaints.0.push(Complaint {
            code: "spec::hidden-and-working",
            place,
            also: Vec::new(),
            message: "AArch32 at EL0 is hidden, and 32-bit programs still run".into(),
            help: Some(
                "KVM cannot stop it on a CPU that has it: the lock promises what the ID register says, \
                 and nothing of what happens when a guest tries"
                    .into(),
            ),
            severity: Severity::Warning,
        });
    }
    out
}
