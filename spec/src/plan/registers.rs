//! Registers that the lock names: shown already, written, or refused by field.
//!
//! What a guest reads from inside counts where `KVM_GET_ONE_REG` says something
//! else; what is written must have been tried by the probe, and have stuck.

use super::decider::Decider;
use super::host::{Filter, Shown};
use super::{Plan, Refusal, Step, Way, disagreement};
use crate::catalogue::{Kind, RegisterInfo, register_by_id};
use crate::lock::{Binding, LockedRegister};
use crate::reason;
use crate::report::{Reading, ReportedRegister, Seen};
use crate::smccc;

/// Whether a step needs that capability.
pub(super) fn writes_identity(step: &Step) -> bool {
    let Step::Register { id, .. } = step else {
        return false;
    };
    register_by_id(*id).is_some_and(|info| info.kind == Kind::Identification)
}

pub(super) fn register(
    entry: &LockedRegister,
    shown: &Shown,
    same_cpu: Option<bool>,
    plan: &mut Plan,
) {
    if entry.promised() == 0 {
        plan.keep(&entry.name, Way::Vary, None, "waived by the spec");
        return;
    }
    let info = register_by_id(entry.id);
    let same = match entry.rule {
        Binding::Fact => Way::Fact,
        Binding::Exact | Binding::Absent => Way::Same,
    };
    let listed = shown.listed.and_then(|r| r.value.map(|value| (r, value)));
    let inside = match entry.guest_readable().then_some(&shown.seen) {
        Some(Reading::Alike(_, seen)) => Some(*seen),
        Some(Reading::Apart(readings)) => {
            if disagreement::refuse_fields(entry, readings, plan) {
                return;
            }
            // They differ in what is waived: one speaks for all.
            readings.first().map(|(_, seen)| *seen)
        }
        Some(Reading::Unseen) | None => None,
    };
    if listed.is_some() {
        plan.read_back.insert(entry.id);
    }
    match (listed, inside) {
        // A guest that reads something else than KVM_GET_ONE_REG says: what is
        // seen from inside counts, and writing it proves nothing but where the
        // probe's guest saw what was written.
        (Some((listed, value)), Some(seen))
            if seen != Seen::Value(value) && !agrees(entry, value, seen) =>
        {
            let there = matches!(seen, Seen::Value(v) if (v ^ entry.value) & entry.promised() == 0);
            let tried = entry.rule == Binding::Exact && !listed.honoured.is_empty();
            match (info, seen) {
                (Some(info), Seen::Value(seen)) if tried && !there => {
                    once_written(entry, info, listed, [value, seen], plan);
                }
                _ => {
                    plan.only_inside.insert(entry.id);
                    from_inside(entry, info, seen, shown, same_cpu, plan);
                }
            }
        }
        (Some((_, value)), _) if (value ^ entry.value) & entry.promised() == 0 => {
            plan.keep(&entry.name, same, None, "");
        }
        (Some((listed, value)), _) => set(entry, info, (listed, value), shown, same_cpu, plan),
        (None, Some(seen)) => from_inside(entry, info, seen, shown, same_cpu, plan),
        (None, None) if !entry.guest_readable() && entry.id != smccc::PSCI_VERSION_REGISTER => {
            let way = if entry.rule == Binding::Absent {
                Way::Absent
            } else {
                same
            };
            plan.keep(
                &entry.name,
                way,
                None,
                "this host has no such register: the answers of the calls count",
            );
        }
        (None, None) => plan.refusals.push(Refusal {
            code: reason::NO_KNOB,
            name: entry.name.clone(),
            wanted: format!("{:#x}", entry.value),
            offered: "nothing that a guest reads".into(),
            reason: "neither KVM nor a guest on this host has this register".into(),
            from: entry.from.clone(),
            help: vec!["make the report again with `vmlock-run probe`".into()],
        }),
    }
}

/// A register of which a guest reads something else than KVM's value until it is changed, and then what was written, as
/// the probe's guest saw (CTR_EL0 on CPUs with FEAT_EVT). It takes the lock's value in every promised bit, KVM's own in
/// the others, and one change at least. `value` is KVM's, `seen` the guest's by default.
fn once_written(
    entry: &LockedRegister,
    info: &RegisterInfo,
    listed: &ReportedRegister,
    [value, seen]: [u64; 2],
    plan: &mut Plan,
) {
    let promised = entry.promised();
    let mut written = entry.value & promised | value & !promised;
    let mut kept_back = differing(Some(info), entry, value);
    kept_back.retain(|(field, wanted, _, mask)| {
        let changed = (written ^ value) & mask;
        !(listed.honoured.contains_key(field) && takes(listed, field, *wanted, changed))
    });
    if written == value {
        // Of what is not promised, anything may be changed for it.
        let mut open = info.fields.iter().filter(|f| f.mask() & promised == 0);
        let other = open.find_map(|f| Some(f.put(value, *listed.honoured.get(f.name.as_ref())?)));
        written = other.unwrap_or(value);
    }
    if kept_back.is_empty() && written != value {
        let step = Some(Step::Register {
            id: entry.id,
            value: written,
        });
        let words = "once it is written, a guest reads what KVM has there";
        plan.keep(&entry.name, Way::Set, step, words);
        return;
    }
    let then: Vec<String> = kept_back
        .iter()
        .map(|(field, _, kvm, _)| format!("{kvm:#x} in {}.{field}", entry.name))
        .collect();
    let name = &entry.name;
    let mut help = Vec::new();
    let why = if then.is_empty() {
        if let Some((field, seen)) = listed.honoured.first_key_value() {
            help.push(format!(
                "or change another field too: `set \"{name}.{field}\" {seen:#x}`"
            ));
        }
        format!(
            "it sees KVM's value, which is the lock's, only once another field of {name} is changed"
        )
    } else {
        let named = kept_back
            .iter()
            .filter(|(field, ..)| !field.starts_with("bits "));
        help.extend(named.map(|(field, _, kvm, _)| {
            format!("or take that too: `set \"{name}.{field}\" {kvm:#x}`")
        }));
        format!("once {name} is written it sees {}", then.join(" and "))
    };
    let first = plan.refusals.len();
    let decider = Decider::kernel(reason::NOT_WRITABLE, &why);
    refuse_fields(entry, Some(info), seen, &decider, plan);
    for refusal in plan.refusals.iter_mut().skip(first) {
        refusal.help.splice(1..1, help.iter().cloned());
    }
}

/// Whether what a guest reads and what KVM says differ in unpromised bits alone.
fn agrees(entry: &LockedRegister, value: u64, seen: Seen) -> bool {
    matches!(seen, Seen::Value(inside) if (inside ^ value) & entry.promised() == 0)
}

/// Names of the fields in which two values differ, each with both values;
/// `bits` where no field is there to name.
fn differing(
    info: Option<&RegisterInfo>,
    entry: &LockedRegister,
    offered: u64,
) -> Vec<(String, u64, u64, u64)> {
    let mut rest = (entry.value ^ offered) & entry.promised();
    let mut out = Vec::new();
    for field in info.map_or(&[][..], |i| i.fields.as_ref()) {
        if rest & field.mask() != 0 {
            out.push((
                field.name.to_string(),
                field.get(entry.value),
                field.get(offered),
                field.mask(),
            ));
            rest &= !field.mask();
        }
    }
    if rest != 0 {
        out.push((
            format!("bits {rest:#x}"),
            entry.value & rest,
            offered & rest,
            rest,
        ));
    }
    out
}

/// An entry that only a guest can read: it is equal, or the one knob is the PMU event filter.
fn from_inside(
    entry: &LockedRegister,
    info: Option<&RegisterInfo>,
    seen: Seen,
    shown: &Shown,
    same_cpu: Option<bool>,
    plan: &mut Plan,
) {
    let same = if entry.rule == Binding::Fact {
        Way::Fact
    } else {
        Way::Same
    };
    let Seen::Value(value) = seen else {
        plan.refusals.push(Refusal {
            code: reason::NO_KNOB,
            name: entry.name.clone(),
            wanted: format!("{:#x}", entry.value),
            offered: "an exception".into(),
            reason: "a guest on this host cannot read it".into(),
            from: entry.from.clone(),
            help: Vec::new(),
        });
        return;
    };
    let extra = (value ^ entry.value) & entry.promised();
    if extra == 0 {
        plan.keep(&entry.name, same, None, "read from inside");
        return;
    }
    let base: Option<u16> = match entry.name.as_str() {
        "PMCEID0_EL0" => Some(0),
        "PMCEID1_EL0" => Some(0x20),
        _ => None,
    };
    if let Some(base) = base
        && shown.knobs.event_filter
        && extra & entry.value == 0
    {
        let event = |bit: u16| {
            if bit < 32 {
                base + bit
            } else {
                0x4000 + base + bit - 32
            }
        };
        let events = (0..64u16)
            .filter(|bit| extra >> bit & 1 == 1)
            .map(event)
            .collect();
        plan.keep(
            &entry.name,
            Way::Set,
            Some(Step::DenyEvents(events)),
            "by the PMU event filter",
        );
        return;
    }
    let decider = match entry.rule {
        Binding::Fact => Decider::fact(entry, info, value, same_cpu),
        _ => Decider::kernel(reason::NO_KNOB, "KVM has no knob for it"),
    };
    refuse_fields(entry, info, value, &decider, plan);
}

/// Pushes one refusal per differing field.
fn refuse_fields(
    entry: &LockedRegister,
    info: Option<&RegisterInfo>,
    offered: u64,
    decider: &Decider,
    plan: &mut Plan,
) {
    for (field, wanted, offered, _) in differing(info, entry, offered) {
        let path = format!("{}.{field}", entry.name);
        plan.refusals.push(Refusal {
            code: decider.code,
            wanted: format!("{wanted:#x}"),
            offered: format!("{offered:#x}"),
            reason: sentence(offered, &path, decider),
            from: entry.from.clone(),
            help: field_help(decider, &path, &field),
            name: path,
        });
    }
}

/// What a guest sees, and who decides it.
fn sentence(offered: u64, path: &str, decider: &Decider) -> String {
    let who = &decider.who;
    format!("a guest on this host sees {offered:#x} in {path}, and {who}")
}

fn field_help(decider: &Decider, path: &str, field: &str) -> Vec<String> {
    let mut help = vec![decider.help.clone()];
    if !field.starts_with("bits ") {
        help.push(format!("or waive the field in the spec: `vary \"{path}\"`"));
    }
    help
}

/// Whether the kernel takes a field's value, of which these bits change.
pub(super) fn takes(listed: &ReportedRegister, field: &str, wanted: u64, changed: u64) -> bool {
    let accepted = listed.accepts.get(field);
    accepted.is_some_and(|values| values.contains(&wanted)) || changed & !listed.writable == 0
}

/// An entry whose value has to be written: each differing field must be one that was tried and stuck.
fn set(
    entry: &LockedRegister,
    info: Option<&RegisterInfo>,
    (listed, value): (&ReportedRegister, u64),
    shown: &Shown,
    same_cpu: Option<bool>,
    plan: &mut Plan,
) {
    if entry.rule == Binding::Fact {
        let decider = Decider::fact(entry, info, value, same_cpu);
        return refuse_fields(entry, info, value, &decider, plan);
    }
    // A version is one thing: the kernel takes 0.2 and 1.1, and no 1.2.
    let psci =
        (entry.id == smccc::PSCI_VERSION_REGISTER).then(|| smccc::psci_name(entry.value as u32));
    let taken = |(field, wanted, _, mask): &(String, u64, u64, u64)| {
        if let Some(version) = psci {
            return version.is_some_and(|v| shown.knobs.psci.iter().any(|p| p == v));
        }
        let changed = (entry.value ^ value) & mask & entry.promised();
        takes(listed, field, *wanted, changed)
    };
    let refused: Vec<_> = differing(info, entry, value)
        .into_iter()
        .filter(|d| !taken(d))
        .collect();
    if refused.is_empty() {
        let value = entry.value & entry.promised() | value & !entry.promised();
        plan.keep(
            &entry.name,
            Way::Set,
            Some(Step::Register {
                id: entry.id,
                value,
            }),
            "",
        );
        return;
    }
    let calls_alone = !entry.guest_readable();
    if calls_alone && matches!(shown.knobs.filter, Filter::Usable | Filter::Preferred) {
        // Whether the calls can be answered is decided call by call.
        let id = entry.id;
        plan.keep(
            &entry.name,
            Way::Emulate,
            Some(Step::Leave { id, value }),
            "the kernel does not take the value: the runner answers the calls that depend on it",
        );
        return;
    }
    let decider = match psci {
        Some(_) => Decider::kernel(reason::PSCI, "the kernel does not offer this version"),
        None => Decider::unwritable(info, shown.knobs.identity),
    };
    // Only the fields that do not stick are refused.
    for (field, wanted, offered, _) in refused {
        let path = format!("{}.{field}", entry.name);
        let taken = listed.accepts.get(&field).map(|values| {
            let values: Vec<String> = values.iter().map(|v| format!("{v:#x}")).collect();
            format!(" (it takes {})", values.join(", "))
        });
        let mut help = field_help(&decider, &path, &field);
        if calls_alone {
            help.extend(shown.knobs.filter.help());
        }
        plan.refusals.push(Refusal {
            code: decider.code,
            wanted: format!("{wanted:#x}"),
            offered: format!("{offered:#x}{}", taken.unwrap_or_default()),
            reason: sentence(offered, &path, &decider),
            from: entry.from.clone(),
            help,
            name: path,
        });
    }
}
