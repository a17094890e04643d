//! vCPU features that a description turns on, against silicon and baselines.

use super::Complaints;
use crate::catalogue::{CpuModel, field};
use crate::lock::LockedRegister;
use crate::smccc;
use crate::vm::{Feature, VmSpec};

/// Whether a CPU has what a vCPU feature of that name needs; of other names nothing is known.
pub(super) fn is_in(cpu: &CpuModel, name: &str) -> bool {
    let feature = Feature::ALL.iter().find(|f| f.name() == name);
    feature.is_some_and(|f| has(cpu, *f))
}

fn has(cpu: &CpuModel, feature: Feature) -> bool {
    let announced = |(path, least): &(&str, u64)| {
        let Some((register, field)) = field(path) else {
            return false;
        };
        let raw = cpu.registers.iter().find(|r| r.register == register.name);
        field.get(raw.map_or(0, |r| r.value)) >= *least
    };
    feature.silicon().is_empty() || feature.silicon().iter().any(announced)
}

/// Whether the CPU has what its optional features need.
pub(super) fn silicon(spec: &VmSpec, cpu: &CpuModel, complaints: &mut Complaints) {
    for (index, feature) in spec.cpu.features.iter().enumerate() {
        if !has(cpu, *feature) {
            let fields: Vec<&str> = feature.silicon().iter().map(|(path, _)| *path).collect();
            complaints.error(
                "spec::cpu-lacks-feature",
                format!("/cpu/features/{index}"),
                format!("the CPU `{}` has no `{}`", cpu.name, feature.name()),
                Some(format!(
                    "choose a CPU model that has it ({}), or leave it out",
                    fields.join(", ")
                )),
            );
        }
    }
}

/// A guest finds its stolen time by a call, which the baselines may hide.
pub(super) fn stolen_time(spec: &VmSpec, locked: &[LockedRegister], complaints: &mut Complaints) {
    let features = &spec.cpu.features;
    let Some(index) = features.iter().position(|f| *f == Feature::StealTime) else {
        return;
    };
    let bitmap = locked.iter().find(|r| r.id == smccc::STD_HYP_BMAP_REGISTER);
    let from = match bitmap {
        // Bit 0: paravirtualised time.
        Some(bitmap) if bitmap.value & 1 != 0 => return,
        Some(bitmap) => bitmap.from.as_str(),
        None => "abi",
    };
    let by = from.strip_prefix("abi/").unwrap_or(from);
    let complaint = complaints.error(
        "spec::steal-time-hidden",
        format!("/cpu/features/{index}"),
        format!(
            "a guest could not find its stolen time: `{by}` hides the calls of paravirtual time"
        ),
        Some("leave out `steal-time`, or what hides PV_TIME".into()),
    );
    if let Some(at) = spec.abi.iter().position(|name| name == by) {
        let words = format!("`{by}` is named here");
        complaint.also.push((format!("/abi/{at}"), words));
    }
}
