//! vCPUs of one guest that do not read the same: a host with CPUs of several
//! kinds, on which no promise holds for all vCPUs.

use super::{Plan, Refusal};
use crate::catalogue::register_by_id;
use crate::lock::LockedRegister;
use crate::observation::words;
use crate::reason;
use crate::report::Seen;

/// Refuses an entry, with what each vCPU read of it.
pub(super) fn refuse(
    name: &str,
    wanted: String,
    readings: &[(u32, Seen)],
    from: &str,
    plan: &mut Plan,
) {
    let offered: Vec<String> = readings
        .iter()
        .map(|(vcpu, seen)| format!("{} on vCPU {vcpu}", words(*seen, u64::MAX)))
        .collect();
    plan.refusals.push(Refusal {
        code: reason::VCPUS_DISAGREE,
        name: name.to_owned(),
        wanted,
        offered: offered.join(", "),
        reason: format!(
            "two vCPUs of one guest on this host do not see the same in {name}: its CPUs are not of one kind"
        ),
        from: from.to_owned(),
        help: vec![
            "let the runner run on CPUs of one kind only (`taskset --cpu-list …`), and make the report again there"
                .to_owned(),
        ],
    });
}

/// Refuses a register by each promised field in which vCPUs differ. Whether
/// they do: what is waived may differ.
pub(super) fn refuse_fields(
    entry: &LockedRegister,
    readings: &[(u32, Seen)],
    plan: &mut Plan,
) -> bool {
    let values: Option<Vec<(u32, u64)>> = readings
        .iter()
        .map(|(vcpu, seen)| match seen {
            Seen::Value(value) => Some((*vcpu, *value)),
            _ => None,
        })
        .collect();
    let Some(values) = values else {
        let wanted = format!("{:#x}", entry.value);
        refuse(&entry.name, wanted, readings, &entry.from, plan);
        return true;
    };
    let first = values.first().map_or(0, |(_, value)| *value);
    let moved = values.iter().fold(0, |bits, (_, v)| bits | (v ^ first)) & entry.promised();
    let mut rest = moved;
    let mut part = |name: &str, get: &dyn Fn(u64) -> u64| {
        let of: Vec<(u32, Seen)> = values
            .iter()
            .map(|(vcpu, value)| (*vcpu, Seen::Value(get(*value))))
            .collect();
        let wanted = format!("{:#x}", get(entry.value));
        refuse(name, wanted, &of, &entry.from, plan);
    };
    for field in register_by_id(entry.id).map_or(&[][..], |i| i.fields.as_ref()) {
        if rest & field.mask() != 0 {
            part(&format!("{}.{}", entry.name, field.name), &|v| field.get(v));
            rest &= !field.mask();
        }
    }
    if rest != 0 {
        part(&entry.name, &|v| v & rest);
    }
    moved != 0
}
