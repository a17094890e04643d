//! What the `cpu` block says against the baselines: `hide`, `set`, `pmu`, `debug` and `aarch32`.

use super::aarch32::absent;
use super::registers::{Drafts, look_up, not_in_lock};
use super::{Complaints, Context, HWCAPS, aarch32, debug, pmu};
use crate::catalogue::{Field, Kind, Rule};
use crate::words::did_you_mean;
use std::collections::BTreeMap;

/// `hide` and `set` of the `cpu` block.
pub(super) fn overrides(context: &Context, registers: &mut Drafts, complaints: &mut Complaints) {
    let spec = context.spec;
    let mut touched: BTreeMap<String, String> = BTreeMap::new();
    let mut claim = |path: &str, place: &str, complaints: &mut Complaints| {
        if let Some(first) = touched.insert(path.to_owned(), place.to_owned()) {
            complaints
                .error(
                    "spec::contradiction",
                    place,
                    format!("`{path}` is decided twice"),
                    Some("keep one".into()),
                )
                .also
                .push((first, "first decided here".into()));
        }
    };
    let mut wishes = pmu::wishes(context, registers, complaints);
    wishes.extend(debug::wishes(context, complaints));
    wishes.extend(aarch32::wishes(context, complaints));
    for wish in wishes {
        let Some((register, field)) = look_up(wish.path, &wish.place, complaints) else {
            continue;
        };
        let Some((_, draft)) = registers.get_mut(register.name.as_ref()) else {
            not_in_lock(wish.path, &wish.place, complaints);
            continue;
        };
        claim(wish.path, &wish.place, complaints);
        if let Err(why) = can_have(field, wish.value, field.get(context.raw(&register.name))) {
            complaints.error(
                "spec::impossible-value",
                &wish.place,
                format!(
                    "`{}` cannot be {:#x} on `{}`: {why}",
                    wish.path, wish.value, context.cpu.name
                ),
                Some(format!("`vmlock explain {}` tells the rule", wish.path)),
            );
            continue;
        }
        draft.value = field.put(draft.value, wish.value);
        draft.from.push(wish.from.to_owned());
    }
    pmu::events(context, registers, complaints);
    for (index, name) in spec.cpu.hide.iter().enumerate() {
        let place = format!("/cpu/hide/{index}");
        let single = [name.as_str()];
        let fields: &[&str] = match HWCAPS.iter().find(|(cap, _)| cap == name) {
            Some((_, fields)) => fields,
            None if name.contains('.') => &single,
            None => {
                let caps = HWCAPS.iter().map(|(cap, _)| *cap);
                let help = did_you_mean(name, caps).unwrap_or_else(|| {
                    "write a Linux hwcap such as \"crc32\", or REGISTER.FIELD".into()
                });
                complaints.error(
                    "spec::unknown-feature",
                    place,
                    format!("unknown feature `{name}`"),
                    Some(help),
                );
                continue;
            }
        };
        for path in fields {
            let Some((register, field)) = look_up(path, &place, complaints) else {
                continue;
            };
            let Some((_, draft)) = registers.get_mut(register.name.as_ref()) else {
                not_in_lock(path, &place, complaints);
                continue;
            };
            claim(path, &place, complaints);
            if register.kind != Kind::Id {
                complaints.error(
                    "spec::not-settable",
                    place.clone(),
                    format!("`{path}` is no ID register field: it cannot be hidden"),
                    None,
                );
                continue;
            }
            draft.value = field.put(draft.value, absent(path, field));
            draft.from.push(format!("spec/cpu/hide/{name}"));
        }
    }
    for (index, set) in spec.cpu.set.iter().enumerate() {
        let place = format!("/cpu/set/{index}");
        let at = format!("{place}/field");
        let Some((register, field)) = look_up(&set.field, &at, complaints) else {
            continue;
        };
        let Some((_, draft)) = registers.get_mut(register.name.as_ref()) else {
            not_in_lock(&set.field, &at, complaints);
            continue;
        };
        claim(&set.field, &place, complaints);
        let silicon = field.get(context.raw(&register.name));
        if let Err(why) = can_have(field, set.value, silicon) {
            complaints.error(
                "spec::impossible-value",
                format!("{place}/value"),
                format!(
                    "`{}` cannot be {:#x} on `{}`: {why}",
                    set.field, set.value, context.cpu.name
                ),
                Some(format!(
                    "the silicon has {silicon:#x}; `vmlock explain {}` tells the rule",
                    set.field
                )),
            );
            continue;
        }
        draft.value = field.put(draft.value, set.value);
        draft.from.push(format!("spec/cpu/set/{}", set.field));
    }
}

/// A field that `pmu`, `debug` or `aarch32` of the `cpu` block decides.
pub(super) struct Wish {
    pub(super) path: &'static str,
    pub(super) value: u64,
    pub(super) place: String,
    pub(super) from: &'static str,
}

impl Wish {
    pub(super) fn new(path: &'static str, value: u64, place: &str, from: &'static str) -> Self {
        Self {
            path,
            value,
            place: place.to_owned(),
            from,
        }
    }
}

/// Whether a CPU whose silicon has one value can be shown with another.
fn can_have(field: &Field, value: u64, silicon: u64) -> Result<(), String> {
    if value > field.max() {
        return Err(format!("the field has {} bits", field.high - field.low + 1));
    }
    let (wanted, has) = (field.order(value), field.order(silicon));
    match field.rule {
        Rule::Lower if wanted > has => Err("that is more than the CPU can do".into()),
        Rule::Higher if wanted < has => Err("a guest would rely on less than the CPU needs".into()),
        Rule::HigherOrZero if wanted < has && value != 0 => Err("only zero or more is safe".into()),
        Rule::Exact if wanted != has => Err("only the silicon's own value is compatible".into()),
        _ => Ok(()),
    }
}
