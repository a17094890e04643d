//! Registers of a vCPU: which are in the lock, what baselines and model make of them, and their names.

use super::{Complaints, Context, Draft, features};
use crate::catalogue::{
    Field, Kind, REGISTERS, RegisterInfo, Silicon, Subject, field, hwcap, register_by_name,
};
use crate::lock::{Binding, LockedRegister};
use crate::names;
use crate::vm::Feature;
use crate::words::did_you_mean;
use std::collections::BTreeMap;

/// Registers on their way into the lock, by name.
pub(super) type Drafts = BTreeMap<&'static str, (&'static RegisterInfo, Draft)>;

/// Registers that belong into the lock of this spec.
fn belongs(context: &Context, register: &RegisterInfo) -> bool {
    let features = &context.spec.cpu.features;
    let made_up = register.kind == Kind::Firmware || register.name == "CLIDR_EL1";
    // Where nobody knows PMUVer, there is no lock with a PMU: `features` tells of it.
    let debug = context.known("ID_AA64DFR0_EL1", 0xf00).unwrap_or(0);
    !made_up && register.csselr().is_none() && owed(register, features, debug, context.version)
}

/// Whether a lock of that version speaks of a register, with these features and that
/// ID_AA64DFR0_EL1; of a CCSIDR_EL1 it does where CLIDR_EL1 names the cache.
pub(crate) fn owed(
    register: &RegisterInfo,
    features: &[Feature],
    debug: u64,
    version: u32,
) -> bool {
    if register.since > version {
        return false;
    }
    if let Some(feature) = register.feature.as_deref()
        && !features.iter().any(|f| f.name() == feature)
    {
        return false;
    }
    match register.kind {
        Kind::State => false,
        Kind::Identification => register.name != "MPIDR_EL1",
        // PMMIR_EL1 exists from PMUv3 for Armv8.4 on (ID_AA64DFR0_EL1.PMUVer = 5).
        Kind::Pmu if register.name == "PMMIR_EL1" => (5..0xf).contains(&(debug >> 8 & 0xf)),
        Kind::Id
        | Kind::Pmu
        | Kind::Timer
        | Kind::Gic
        | Kind::Debug
        | Kind::Cache
        | Kind::Firmware => true,
    }
}

/// What the baselines and the CPU make of every such register.
pub(super) fn registers(context: &Context, complaints: &mut Complaints) -> Drafts {
    let mut out = BTreeMap::new();
    for register in REGISTERS.iter().filter(|r| belongs(context, r)) {
        if is_the_cpus_alone(register) && context.said(register).is_none() {
            // Of a feature that the CPU lacks something else is said.
            if register
                .feature
                .as_deref()
                .is_none_or(|f| features::is_in(context.cpu, f))
            {
                incomplete(context, register, complaints);
            }
            continue;
        }
        let mut draft = context.register(register);
        let cpu = format!("cpu/{}", context.cpu.name);
        let silicon = context.cpu.silicon(register);
        let fact = context.fact(&register.name).is_some();
        if fact || is_a_fact(register) {
            draft = Draft {
                value: silicon.value,
                unknown: silicon.unknown,
                from: vec![cpu],
            };
        } else if register.name == "PMCEID0_EL0" || register.name == "PMCEID1_EL0" {
            let masks = context.last(|s| match s {
                Subject::Events {
                    register: r,
                    and,
                    or,
                } if *r == register.name => Some((*and, *or)),
                _ => None,
            });
            let Silicon { value, unknown } = silicon;
            draft = match masks {
                Some(((and, or), from)) => Draft {
                    value: value & and | or,
                    unknown: unknown & and & !or,
                    from: vec![from],
                },
                None => Draft {
                    value,
                    unknown,
                    from: vec![cpu],
                },
            };
        } else if draft.from.is_empty() {
            // No statement speaks of it: it reads as zero under that baseline.
            draft.from.extend(context.oldest());
        }
        out.insert(register.name.as_ref(), (register, draft));
    }
    out
}

/// Whether silicon and firmware alone decide a register, and no kernel changes it.
fn is_a_fact(register: &RegisterInfo) -> bool {
    matches!(register.kind, Kind::Timer | Kind::Gic)
}

/// Whether a register holds what a model alone can know, and no CPU has zero there: a model that does not name it
/// has forgotten it.
fn is_the_cpus_alone(register: &RegisterInfo) -> bool {
    let never_zero = ["MIDR_EL1", "CTR_EL0", "GMID_EL1"];
    is_a_fact(register) || never_zero.contains(&register.name.as_ref())
}

/// Says that a model lacks a register.
pub(super) fn incomplete(context: &Context, register: &RegisterInfo, complaints: &mut Complaints) {
    let (cpu, name) = (&context.cpu.name, &register.name);
    let node = match register.kind {
        Kind::Firmware => format!("fact \"{name}\" LEVEL"),
        Kind::Timer | Kind::Gic | Kind::Identification if register.name != "MIDR_EL1" => {
            format!("fact \"{name}\" VALUE")
        }
        _ => format!("register \"{name}\" VALUE"),
    };
    complaints.error(
        "spec::incomplete-cpu",
        "/cpu/model",
        format!("CPU model `{cpu}` does not say its {name}"),
        Some(format!("add `{node} source=\"…\"` to it")),
    );
}

/// Finds `REGISTER.FIELD`, or says what is wrong with it.
pub(super) fn look_up(
    path: &str,
    place: &str,
    complaints: &mut Complaints,
) -> Option<(&'static RegisterInfo, &'static Field)> {
    if let Some(found) = field(path).filter(|(info, _)| info.kind != Kind::State) {
        return Some(found);
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    match register_by_name(name) {
        None => {
            let help = hwcap(path).map(|feature| {
                let fields = feature.fields.iter().map(|f| format!("`{}`", f.path));
                let fields: Vec<String> = fields.collect();
                match fields.is_empty() {
                    true => format!("no field of a register says `{path}`: leave it out"),
                    false => format!("the fields that say `{path}` are {}", fields.join(" and ")),
                }
            });
            let help = help.or_else(|| names::field(path)).unwrap_or_else(|| {
                "a field is written REGISTER.FIELD, such as \"ID_AA64ISAR0_EL1.AES\"; `vmlock explain` lists the registers".to_owned()
            });
            complaints.error(
                "spec::unknown-register",
                place,
                format!("there is no register `{name}`"),
                Some(help),
            );
        }
        Some(register) if register.kind == Kind::State => {
            complaints.error(
                "spec::not-in-lock",
                place,
                format!("`{name}` is run-time state of a guest: no lock holds it"),
                Some("leave it out: a lock holds what a guest finds, not what it does".into()),
            );
        }
        Some(register) => {
            let fields: Vec<&str> = register.fields.iter().map(|f| f.name.as_ref()).collect();
            // A value has no place in a path, and bits of a field are none of its name.
            let (bare, value) = match rest.split_once('[') {
                Some((bare, _)) => (bare, ""),
                None => rest.split_once(['=', ':', ' ']).unwrap_or((rest, "")),
            };
            let (bare, value) = (bare.trim(), value.trim_matches(['=', ':', ' ']));
            let known = fields.iter().find(|f| f.eq_ignore_ascii_case(bare));
            let help = match known {
                Some(field) if !value.is_empty() => {
                    format!(
                        "name the field alone, `{name}.{field}`; its value stands in a `set`: `set \"{name}.{field}\" {value}`"
                    )
                }
                Some(field) => format!("did you mean `{field}`?"),
                None => did_you_mean(rest, fields.iter().copied())
                    .unwrap_or_else(|| format!("`{name}` has: {}", fields.join(", "))),
            };
            let message = match rest {
                "" => format!("`{name}` needs a field, as in `{name}.FIELD`"),
                _ => format!("`{name}` has no field `{rest}`"),
            };
            complaints.error("spec::unknown-field", place, message, Some(help));
        }
    }
    None
}

/// Drafts as lock entries.
pub(super) fn finish(context: &Context, registers: Drafts) -> Vec<LockedRegister> {
    let entry = |(info, draft): (&'static RegisterInfo, Draft)| {
        let fact = is_a_fact(info) || context.fact(&info.name).is_some();
        LockedRegister {
            id: info.id,
            name: info.name.to_string(),
            value: draft.value & info.promised(),
            rule: if fact { Binding::Fact } else { Binding::Exact },
            from: draft.from.join(" "),
            mask: info.promised(),
            vary: Vec::new(),
        }
    };
    registers.into_values().map(entry).collect()
}
