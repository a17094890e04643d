//! What nobody has read of a CPU, and a lock would promise all the same: no lock comes of it.
//!
//! A model of a real machine is made of what its guests were seen to find. Its
//! other bits are unknown, which is neither 0 nor 1: a baseline that shows
//! them, or a feature that needs them, asks for a measurement.

use super::registers::Drafts;
use super::{Complaints, Context, features};
use crate::catalogue::{Field, Kind, Rule, Subject, field};
use crate::lock::LockedRegister;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a field of which nobody knows what the silicon has can be shown with that value: with the least that there is.
pub(super) fn can_be_shown(field: &Field, value: u64) -> Result<(), String> {
    let least = match field.rule {
        Rule::Lower => field.none(),
        Rule::Higher => field.max(),
        Rule::HigherOrZero => 0,
        Rule::Free => return Ok(()),
        Rule::Exact => return Err("nobody has measured what the silicon has".into()),
    };
    match value == least {
        true => Ok(()),
        false => Err(format!(
            "nobody has measured what the silicon has, and only {least:#x} is safe whatever that is"
        )),
    }
}

/// The bits of each draft that are unknown, by the register's name.
pub(super) fn of(drafts: &Drafts) -> BTreeMap<&'static str, u64> {
    let open = drafts.iter().filter(|(_, (_, draft))| draft.unknown != 0);
    open.map(|(name, (_, draft))| (*name, draft.unknown))
        .collect()
}

/// Says which fields of the finished registers nobody knows, unless they are waived. Of those that come with a vCPU
/// feature that nobody measured, the feature tells.
pub(super) fn complain(
    context: &Context,
    unknown: &BTreeMap<&'static str, u64>,
    locked: &[LockedRegister],
    complaints: &mut Complaints,
) {
    let cpu = context.cpu;
    let asked = context.spec.cpu.features.iter();
    let told: Vec<&str> = asked
        .filter(|f| matches!(features::of(cpu, **f), features::Has::Unknown(_)))
        .map(|f| f.name())
        .collect();
    let with_feature = |path: &str| {
        let mut said = context.statements.iter();
        said.any(|(_, statement, _)| {
            let about = matches!(&statement.subject, Subject::Field(target, _) if target == path);
            about && statement.when.iter().any(|w| told.contains(&w.as_ref()))
        })
    };
    let (mut hide, mut vary, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for entry in locked {
        let Some(bits) = unknown.get(entry.name.as_str()) else {
            continue;
        };
        let Some(info) = crate::catalogue::register_by_id(entry.id) else {
            continue;
        };
        if info.feature.as_deref().is_some_and(|f| told.contains(&f)) {
            continue;
        }
        if info.fields.is_empty() && bits & entry.promised() != 0 {
            whole.push(info.name.to_string());
        }
        for field in info.fields.iter() {
            let path = format!("{}.{}", info.name, field.name);
            if field.mask() & bits & entry.promised() == 0 || with_feature(&path) {
                continue;
            }
            match (info.kind, field.rule) {
                (Kind::Id, Rule::Lower) => hide.push(path),
                _ => vary.push(path),
            }
        }
    }
    // A register without fields can neither be hidden nor be left open.
    let all = hide.iter().chain(&vary).chain(&whole);
    let all: Vec<&str> = all.map(String::as_str).collect();
    if !all.is_empty() {
        let mut ways = vec![features::MEASURE.to_owned()];
        if !hide.is_empty() {
            ways.push(format!("or do not show it: hide {}", quoted(&hide)));
        }
        if !vary.is_empty() {
            ways.push(format!("or leave it open: vary {}", quoted(&vary)));
        }
        ways.extend(unproven(context, &all));
        complaints.error(
            "spec::unmeasured",
            "/cpu/model",
            format!(
                "the lock would promise what nobody has read of `{}`: {}",
                cpu.name,
                all.join(", ")
            ),
            Some(ways.join("; ")),
        );
    }
    let undecided = context.undecided().into_iter().filter(|path| {
        let by_feature = field(path).is_some_and(|_| {
            let said = context.statements.iter();
            let mut hang = said.filter(|(_, s, _)| s.when.iter().any(|w| w.contains(path)));
            hang.all(|(_, s, _)| s.when.iter().any(|w| told.contains(&w.as_ref())))
        });
        !by_feature
    });
    for path in undecided {
        hangs(context, SHOWN, &path, None, complaints);
    }
}

/// How a model says whether its CPU has the vulnerabilities on which these fields hang.
fn unproven(context: &Context, paths: &[&str]) -> Option<String> {
    let said = context
        .statements
        .iter()
        .map(|(_, statement, _)| *statement);
    let about = said.filter(|statement| {
        let Subject::Field(target, _) = &statement.subject else {
            return false;
        };
        let is_of = |path: &&str| {
            let rest = path.strip_prefix(target.as_ref());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        paths.iter().any(is_of)
    });
    let names: BTreeSet<&str> = about.flat_map(|s| context.unproven(s)).collect();
    let lines: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                "in place of `unknown \"unaffected:{name}\"` say `unaffected \"{name}\"`, or nothing where the CPU has that vulnerability"
            )
        })
        .collect();
    (!lines.is_empty()).then(|| {
        format!(
            "or, where it is known, say so in the model: {}",
            lines.join(", and ")
        )
    })
}

/// What a guest is shown.
pub(super) const SHOWN: &str = "what these baselines show";

/// Says that something hangs on what nobody knows of the silicon, and what else can be done than to measure it.
pub(super) fn hangs(
    context: &Context,
    what: &str,
    path: &str,
    otherwise: Option<String>,
    complaints: &mut Complaints,
) {
    let cpu = &context.cpu.name;
    let mut ways = vec![features::MEASURE.to_owned()];
    if crate::catalogue::NEVER_FORGOTTEN.contains(&path) {
        ways.push(format!(
            "or, where it is known, add `register \"{path}\" VALUE source=\"…\"` to the model"
        ));
    }
    ways.extend(otherwise);
    complaints.error(
        "spec::unmeasured",
        "/cpu/model",
        format!("{what} hangs on {path}, and nobody has read that of `{cpu}`"),
        Some(ways.join("; ")),
    );
}

fn quoted(paths: &[String]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| format!("\"{path}\"")).collect();
    paths.join(" ")
}
