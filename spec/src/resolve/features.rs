//! vCPU features that a description turns on, against silicon and baselines.

use super::Complaints;
use crate::catalogue::{CpuModel, REGISTERS, field};
use crate::lock::LockedRegister;
use crate::smccc;
use crate::vm::{Feature, VmSpec};

/// How a model comes to know more.
pub(super) const MEASURE: &str = "measure it: `vmlock-run probe` on such a host writes a report, `vmlock cpu REPORT --name NAME -o NAME.kdl` makes a model of it, for `import`";

/// Whether a CPU has what a vCPU feature needs.
pub(super) enum Has {
    Yes,
    No,
    /// Nobody has read these of it.
    Unknown(Vec<String>),
}

/// Whether a CPU is known to have what a vCPU feature of that name needs; of other names nothing is known.
pub(super) fn is_in(cpu: &CpuModel, name: &str) -> bool {
    let feature = Feature::ALL.iter().find(|f| f.name() == name);
    feature.is_some_and(|f| matches!(of(cpu, *f), Has::Yes))
}

/// What a CPU has of a feature: one of the fields that announce it, and the registers that come with it.
pub(super) fn of(cpu: &CpuModel, feature: Feature) -> Has {
    let mut unknown = Vec::new();
    let mut announced = feature.silicon().is_empty();
    for (path, least) in feature.silicon() {
        let Some((register, field)) = field(path) else {
            continue;
        };
        match cpu.silicon(register).get(field) {
            Some(value) => announced |= value >= *least,
            None => unknown.push((*path).to_owned()),
        }
    }
    if announced {
        unknown.clear();
    } else if unknown.is_empty() {
        return Has::No;
    }
    let own = REGISTERS.iter().filter(|r| {
        r.feature.as_deref() == Some(feature.name()) && cpu.silicon(r).unknown & r.promised() != 0
    });
    unknown.extend(own.map(|r| r.name.to_string()));
    match unknown.is_empty() {
        true => Has::Yes,
        false => Has::Unknown(unknown),
    }
}

/// Whether it is known that the CPU has not what that feature needs.
pub(super) fn lacks(cpu: &CpuModel, feature: Feature) -> bool {
    matches!(of(cpu, feature), Has::No)
}

/// Whether the CPU has what its optional features need.
pub(super) fn silicon(spec: &VmSpec, cpu: &CpuModel, complaints: &mut Complaints) {
    for (index, feature) in spec.cpu.features.iter().enumerate() {
        let place = format!("/cpu/features/{index}");
        let name = feature.name();
        match of(cpu, *feature) {
            Has::Yes => {}
            Has::No => {
                let fields: Vec<&str> = feature.silicon().iter().map(|(path, _)| *path).collect();
                complaints.error(
                    "spec::cpu-lacks-feature",
                    place,
                    format!("the CPU `{}` has no `{name}`", cpu.name),
                    Some(format!(
                        "choose a CPU model that has it ({}), or leave it out",
                        fields.join(", ")
                    )),
                );
            }
            Has::Unknown(what) => {
                complaints.error(
                    "spec::unmeasured",
                    place,
                    format!(
                        "nobody has measured `{name}` on `{}`: what there is in {}",
                        cpu.name,
                        what.join(", ")
                    ),
                    Some(format!("{}; or leave `{name}` out", MEASURE)),
                );
            }
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
