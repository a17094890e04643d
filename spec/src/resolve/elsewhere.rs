//! Fields that `set` and `vary` do not reach: why, and where they are decided instead.

use super::{Complaints, Context};
use crate::catalogue::{BASELINES, Field, Kind, RegisterInfo, Subject};
use crate::smccc;

/// Says of a field that is not `set`'s (then with the value that it wants) or `vary`'s to decide who decides it.
pub(super) fn complain(
    context: &Context,
    (register, field): (&RegisterInfo, &Field),
    wanted: Option<u64>,
    place: &str,
    complaints: &mut Complaints,
) {
    const NOT_IN_LOCK: &str = "spec::not-in-lock";
    const NOT_SETTABLE: &str = "spec::not-settable";
    let path = format!("{}.{}", register.name, field.name);
    let (code, message, help) = match register.kind {
        Kind::Firmware => (
            NOT_SETTABLE,
            format!("`{path}` is decided by name: what a guest is offered hangs together"),
            by_name(context, register, field, wanted),
        ),
        Kind::Cache if wanted.is_some() => (
            NOT_SETTABLE,
            format!("`{path}` cannot be set by itself: registers of caches are chosen together"),
            format!(
                "name one of {} in `abi`: the caches of the CPU model, or those that KVM makes up of CTR_EL0",
                listed(&parts(|s| matches!(s, Subject::Cache(_))))
            ),
        ),
        Kind::Cache => (
            NOT_IN_LOCK,
            format!(
                "`{path}` is not in the lock of this machine: its CLIDR_EL1 names no such cache"
            ),
            "leave it out".to_owned(),
        ),
        Kind::Identification if register.name == "MPIDR_EL1" => (
            NOT_SETTABLE,
            format!("`{path}` is each vCPU's own, and follows from its number"),
            "leave it out".to_owned(),
        ),
        _ => match register.feature.as_deref() {
            Some(feature) if !context.has_feature(feature) => (
                NOT_IN_LOCK,
                format!("`{path}` is not in the lock of this machine: no vCPU has `{feature}`"),
                format!("name `{feature}` in the `cpu` block, or leave this out"),
            ),
            // PMMIR_EL1 is the only one left.
            _ => (
                NOT_IN_LOCK,
                format!(
                    "`{path}` is not in the lock of this machine: its PMU is older than the register"
                ),
                "PMUv3 for Armv8.4 has it first (ID_AA64DFR0_EL1.PMUVer of 5)".to_owned(),
            ),
        },
    };
    complaints.error(code, place, message, Some(help));
}

/// The parts of baselines that decide a firmware register; the right one where there is one.
fn by_name(
    context: &Context,
    register: &RegisterInfo,
    field: &Field,
    wanted: Option<u64>,
) -> String {
    if register.id == smccc::PSCI_VERSION_REGISTER {
        let now = context.last(|s| match s {
            Subject::Psci(version) => Some(u64::from(*version)),
            _ => None,
        });
        let now = now.map_or(0, |(version, _)| version);
        let asked = wanted.map(|value| field.put(now, value));
        let named = |s: &Subject| matches!(s, Subject::Psci(v) if Some(u64::from(*v)) == asked);
        return name_one(named, |s| matches!(s, Subject::Psci(_)));
    }
    let now = context.last(|s| match s {
        Subject::Bitmap(name, bits) if *name == register.name => Some(bits.unwrap_or(0)),
        _ => None,
    });
    let now = now.map_or(0, |(bits, _)| bits);
    let asked = wanted.map(|value| field.put(now, value));
    let about = |s: &Subject| matches!(s, Subject::Bitmap(name, _) if *name == register.name);
    let named = |s: &Subject| match s {
        Subject::Bitmap(_, bits) => about(s) && asked == Some(bits.unwrap_or(0)),
        _ => false,
    };
    name_one(named, about)
}

fn name_one(right: impl Fn(&Subject) -> bool, about: impl Fn(&Subject) -> bool) -> String {
    match parts(right).first() {
        Some(name) => format!("name \"{name}\" in `abi`"),
        None => format!("name one of {} in `abi`", listed(&parts(about))),
    }
}

/// Parts that speak of something.
fn parts(about: impl Fn(&Subject) -> bool) -> Vec<&'static str> {
    let parts = BASELINES.iter().filter(|b| b.part.is_some());
    let parts = parts.filter(|b| b.statements.iter().any(|s| about(&s.subject)));
    parts.map(|b| b.name.as_ref()).collect()
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    names.join(", ")
}
