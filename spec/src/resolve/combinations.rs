//! Values of ID registers that hang together, as the catalogue's `needs` say: what a description takes apart.
//!
//! What the baselines and the CPU make of them is as kernels have it; only what
//! `hide`, `set` and their like change is held against the table.

use super::decision::Decided;
use super::registers::Drafts;
use super::{Complaint, Complaints, Context, Severity};
use crate::catalogue::{NEEDS, Need, field};

/// A field's value in the registers as they are so far, in the field's own order.
fn value(registers: &Drafts, path: &str) -> Option<i64> {
    let (register, field) = field(path)?;
    let (_, draft) = registers.get(register.name.as_ref())?;
    Some(field.order(field.get(draft.value)))
}

/// Whether a condition holds; `None` where it speaks of what the lock does not hold.
fn holds(context: &Context, registers: &Drafts, condition: &str) -> Option<bool> {
    let Some((path, least)) = condition.split_once(">=") else {
        return Some(context.holds(condition));
    };
    let least = match least.parse() {
        Ok(number) => number,
        Err(_) => value(registers, least)?,
    };
    Some(value(registers, path)? >= least)
}

fn is_broken(context: &Context, registers: &Drafts, need: &Need) -> bool {
    let holds = |condition: &str| holds(context, registers, condition);
    let given = need.given.as_deref().map_or(Some(true), holds);
    given == Some(true) && need.one_of.iter().all(|c| holds(c) == Some(false))
}

/// Those that are broken before the description has its say: kernels show such values.
pub(super) fn broken(context: &Context, registers: &Drafts) -> Vec<&'static Need> {
    let broken = |need: &&Need| is_broken(context, registers, need);
    NEEDS.iter().filter(broken).collect()
}

/// The fields that a condition speaks of.
fn paths(condition: &str) -> impl Iterator<Item = &str> {
    condition.split(">=").filter(|word| word.contains('.'))
}

/// Says what the description took apart: each of its entries once.
pub(super) fn complain(
    context: &Context,
    registers: &Drafts,
    before: &[&Need],
    decided: &Decided,
    complaints: &mut Complaints,
) {
    let mut places: Vec<String> = Vec::new();
    for need in broken(context, registers) {
        let conditions = need.given.iter().chain(need.one_of.iter());
        let mut at = conditions
            .flat_map(|c| paths(c))
            .filter_map(|path| decided.get(path));
        let Some(place) = at.next() else {
            continue;
        };
        if before.contains(&need) || places.contains(place) {
            continue;
        }
        places.push(place.clone());
        let others = at.filter(|other| *other != place);
        let also = others.map(|other| (other.clone(), "and this".to_owned()));
        let complaint = Complaint {
            code: match concerns_one_field(need) {
                true => "spec::impossible-value",
                false => "spec::impossible-combination",
            },
            place: place.clone(),
            also: also.collect(),
            message: message(registers, need),
            help: Some(help(context, need)),
            severity: match need.lint {
                true => Severity::Warning,
                false => Severity::Error,
            },
        };
        complaints.0.push(complaint);
    }
}

/// A condition that speaks of no field, in words.
fn fact(condition: &str) -> String {
    match condition {
        "el0-aarch32" => "AArch32 at EL0".to_owned(),
        feature => format!("the vCPU feature `{feature}`"),
    }
}

/// A condition in words, with what stands in its field now.
fn words(registers: &Drafts, condition: &str) -> String {
    let Some((path, least)) = condition.split_once(">=") else {
        return fact(condition);
    };
    let now = match value(registers, path) {
        Some(-1) => "not implemented".to_owned(),
        Some(value) => value.to_string(),
        None => "nothing".to_owned(),
    };
    match least.parse::<u64>() {
        Ok(least) => format!("`{path}` of {least} or more (here {now})"),
        Err(_) => format!("`{path}` of no less than `{least}` (here {now})"),
    }
}

fn message(registers: &Drafts, need: &Need) -> String {
    let wanted: Vec<String> = need.one_of.iter().map(|c| words(registers, c)).collect();
    let wanted = wanted.join(", or ");
    match need.given.as_deref() {
        None => format!("every CPU has {wanted}: {}", need.why),
        Some(given) => {
            let given = match given.split_once(">=") {
                Some((path, _)) => format!("`{path}` = {}", value(registers, path).unwrap_or(0)),
                None => fact(given),
            };
            format!("{given} needs {wanted}: {}", need.why)
        }
    }
}

fn concerns_one_field(need: &Need) -> bool {
    let conditions = need.given.iter().chain(need.one_of.iter());
    conditions.map(|c| paths(c).count()).sum::<usize>() == 1 && need.given.is_none()
}

fn help(context: &Context, need: &Need) -> String {
    if need.lint {
        return "no CPU is so; decide both alike, unless the guest goes by each by itself"
            .to_owned();
    }
    let feature = need.one_of.iter().find(|c| !c.contains('.'));
    match (feature, need.given.as_deref()) {
        (Some(feature), _) => {
            format!("name `{feature}` in the `cpu` block, or leave this out")
        }
        (None, Some(given)) if context.has_feature(given) => {
            format!("leave this out, or leave out `{given}`")
        }
        _ if concerns_one_field(need) => "leave this out".to_owned(),
        _ => "decide both, or leave this out".to_owned(),
    }
}
