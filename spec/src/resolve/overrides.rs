//! What the `cpu` block says against the baselines, field by field: `hide`, `set`, `pmu`, `debug` and `aarch32`.
//!
//! Each becomes a [`Decision`], and one rule holds for all of them: a value that
//! no host with this CPU could show makes no lock.

use super::decision::{Decision, Want};
use super::registers::{Drafts, look_up};
use super::{
    Complaints, Context, aarch32, combinations, debug, elsewhere, features, named, pmu, unmeasured,
};
use crate::catalogue::{Announcement, Field, Kind, RegisterInfo, Rule, field};
use crate::mitigation;
use std::collections::BTreeMap;

/// Carries out what the `cpu` block says.
pub(super) fn overrides(context: &Context, registers: &mut Drafts, complaints: &mut Complaints) {
    let before = combinations::broken(context, registers);
    let mut decided: BTreeMap<String, (String, Want)> = BTreeMap::new();
    let mut decisions = pmu::decisions(context, registers, complaints);
    decisions.extend(debug::decisions(context, complaints));
    decisions.extend(aarch32::decisions(context, complaints));
    for decision in decisions {
        settle(context, &decision, registers, &mut decided, complaints);
    }
    // Which events there are follows from the version.
    pmu::events(context, registers, complaints);
    let mut decisions = hidden(context, complaints);
    decisions.extend(set(context, complaints));
    for decision in decisions {
        settle(context, &decision, registers, &mut decided, complaints);
    }
    let places = decided.into_iter();
    let decided = places.map(|(path, (place, _))| (path, place)).collect();
    combinations::complain(context, registers, &before, &decided, complaints);
}

/// What `hide` says.
fn hidden(context: &Context, complaints: &mut Complaints) -> Vec<Decision> {
    let mut out = Vec::new();
    for (index, name) in context.spec.cpu.hide.iter().enumerate() {
        let place = format!("/cpu/hide/{index}");
        let from = format!("spec/cpu/hide/{name}");
        let decision = |path: &str, limit| Decision {
            path: path.to_owned(),
            want: Want::AtMost(limit),
            place: place.clone(),
            value_at: place.clone(),
            from: from.clone(),
        };
        if name.contains('.') {
            let Some((register, field)) = look_up(name, &place, complaints) else {
                continue;
            };
            if register.kind != Kind::Id {
                complaints.error(
                    "spec::not-settable",
                    place,
                    format!("`{name}` is no ID register field: it cannot be hidden"),
                    None,
                );
                continue;
            }
            out.push(decision(name, aarch32::absent(name, field)));
        } else if let Some(fields) = named::hidden(context, name, &place, complaints) {
            let limit = |f: &Announcement| field(&f.path).map_or(0, |(_, field)| f.without(field));
            out.extend(fields.iter().map(|f| decision(&f.path, limit(f))));
        }
    }
    out
}

/// What `set` says.
fn set(context: &Context, complaints: &mut Complaints) -> Vec<Decision> {
    let mut out = Vec::new();
    for (index, set) in context.spec.cpu.set.iter().enumerate() {
        let place = format!("/cpu/set/{index}");
        let decision = |path: &str, want| Decision {
            path: path.to_owned(),
            want,
            place: place.clone(),
            value_at: format!("{place}/value"),
            from: format!("spec/cpu/set/{}", set.field),
        };
        if named::is_name(&set.field) {
            let wants = named::set(context, set, &place, complaints);
            out.extend(wants.into_iter().map(|(path, want)| decision(path, want)));
        } else if look_up(&set.field, &format!("{place}/field"), complaints).is_some() {
            out.push(decision(&set.field, Want::Exactly(set.value)));
        }
    }
    out
}

/// Carries out one decision, or says why no host could keep it.
fn settle(
    context: &Context,
    decision: &Decision,
    registers: &mut Drafts,
    decided: &mut BTreeMap<String, (String, Want)>,
    complaints: &mut Complaints,
) {
    let Decision { path, want, .. } = decision;
    let Some((register, field)) = field(path) else {
        return;
    };
    let before = decided.insert(path.clone(), (decision.place.clone(), *want));
    if let Some((first, other)) = before {
        // To hide something twice, by two names, is no contradiction.
        let both_hide = matches!((other, want), (Want::AtMost(_), Want::AtMost(_)));
        if !both_hide {
            complaints
                .error(
                    "spec::contradiction",
                    &decision.place,
                    format!("`{path}` is decided twice"),
                    Some("keep one".into()),
                )
                .also
                .push((first, "first decided here".into()));
        }
    }
    if let Some(fact) = context.fact(&register.name) {
        let fact = field.get(fact);
        return fixed(context, decision, fact, want.of(field, fact), complaints);
    }
    let Some((_, draft)) = registers.get_mut(register.name.as_ref()) else {
        let at = decision.value_at.strip_suffix("/value");
        let at = at.map_or(decision.place.clone(), |entry| format!("{entry}/field"));
        let wanted = Some(want.of(field, 0));
        return elsewhere::complain(context, (register, field), wanted, &at, complaints);
    };
    let shown = field.get(draft.value);
    let value = want.of(field, shown);
    let open = draft.unknown & field.mask() != 0;
    if (value != shown || open)
        && let Err(why) = can_have(context, register, field, value)
    {
        let silicon = context.said(register);
        let help = match silicon.map(|silicon| silicon.get(field)) {
            Some(Some(has)) => {
                format!("the silicon has {has:#x}; `vmlock explain {path}` tells the rule")
            }
            Some(None) => features::MEASURE.to_owned(),
            None => format!("`vmlock explain {path}` tells the rule"),
        };
        let cpu = &context.cpu.name;
        complaints.error(
            "spec::impossible-value",
            &decision.value_at,
            format!("`{path}` cannot be {value:#x} on `{cpu}`: {why}"),
            Some(help),
        );
        return;
    }
    draft.value = field.put(draft.value, value);
    draft.unknown &= !field.mask();
    draft.from.push(decision.from.clone());
}

/// A value that silicon and firmware decide: to say the same is no mistake.
fn fixed(
    context: &Context,
    decision: &Decision,
    fact: u64,
    value: u64,
    complaints: &mut Complaints,
) {
    if value == fact {
        return;
    }
    let (path, cpu) = (&decision.path, &context.cpu.name);
    complaints.error(
        "spec::not-settable",
        &decision.value_at,
        format!(
            "`{path}` is {fact} on `{cpu}` and cannot be {value}: silicon and firmware decide it, and no kernel can change it"
        ),
        Some(format!(
            "where the hosts have another value, make a model of one (`vmlock cpu REPORT`) and import it, \
             or leave it open: vary \"{path}\""
        )),
    );
}

/// Whether a CPU can be shown with a value that the baselines do not show.
fn can_have(
    context: &Context,
    register: &RegisterInfo,
    field: &Field,
    value: u64,
) -> Result<(), String> {
    if value > field.max() {
        return Err(format!("the field has {} bits", field.high - field.low + 1));
    }
    if aarch32::is_unreadable(context, register) {
        return Err("without AArch32 at EL0, KVM shows this register as zero".into());
    }
    let Some(silicon) = context.said(register) else {
        return Err("the CPU model does not say what the silicon has".into());
    };
    let Some(raw) = silicon.get(field) else {
        return unmeasured::can_be_shown(field, value);
    };
    let path = format!("{}.{}", register.name, field.name);
    // What KVM says of a CPU that is not open to a vulnerability, its register need not.
    let told = mitigation::told_of(context.cpu, &path);
    let has = told.map_or(raw, |told| told.max(raw));
    let (wanted, has) = (field.order(value), field.order(has));
    match field.rule {
        Rule::Lower if wanted > has => Err("that is more than the CPU can do".into()),
        Rule::Higher if wanted < has => Err("a guest would rely on less than the CPU needs".into()),
        Rule::HigherOrZero if wanted < has && value != 0 => Err("only zero or more is safe".into()),
        Rule::Exact if wanted != has => Err("only the silicon's own value is compatible".into()),
        _ => Ok(()),
    }
}
