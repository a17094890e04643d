//! What differs between what two witnesses saw: by register field and by call, once for all vCPUs that agree.

use crate::command::observe::{place, version};
use crate::difference::{Change, by_field, change, offered};
use std::collections::{BTreeMap, BTreeSet};
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::observation::account::Account;
use vmlock_spec::observation::scope::Scope;
use vmlock_spec::observation::{fact_name, wire};
use vmlock_spec::report::Seen;
use vmlock_spec::smccc;
use wire::Kind;

/// Facts that no two runs of one machine have alike.
const PASSING: [u64; 1] = [wire::key(Kind::Use, wire::USE_STOLEN_NANOSECONDS)];

/// What one vCPU saw of a fact, before and after.
type Pair = (Option<Seen>, Option<Seen>);

/// Compares them: the vCPUs that both machines have.
pub fn compare(a: &Account, b: &Account) -> Vec<Change> {
    let mut changes = Vec::new();
    if a.vcpus != b.vcpus {
        let common = a.vcpus.min(b.vcpus);
        let words = format!("the first {common} are compared");
        changes.push(change(
            "vCPUs",
            a.vcpus.to_string(),
            b.vcpus.to_string(),
            &words,
        ));
    }
    let level = |account: &Account| account.machine.entered_at.to_string();
    for (name, before, after) in [
        ("entered at EL", &level(a), &level(b)),
        ("PSCI's conduit", &a.machine.psci, &b.machine.psci),
        ("interrupt controller", &a.machine.gic, &b.machine.gic),
        ("console", &a.machine.uart, &b.machine.uart),
    ] {
        if before != after {
            changes.push(change(name, place(before), place(after), ""));
        }
    }
    let vcpus = a.vcpus.min(b.vcpus);
    let mut facts: BTreeMap<(Scope, u64), Vec<Pair>> = BTreeMap::new();
    for (side, account) in [a, b].into_iter().enumerate() {
        for sighting in account.sightings.iter().filter(|s| s.vcpu < vcpus) {
            let key = (Scope::of(sighting.key), sighting.key);
            let pairs = facts
                .entry(key)
                .or_insert_with(|| vec![(None, None); vcpus as usize]);
            if let Some(pair) = pairs.get_mut(sighting.vcpu as usize) {
                match side {
                    0 => pair.0 = Some(sighting.seen),
                    _ => pair.1 = Some(sighting.seen),
                }
            }
        }
    }
    for ((_, key), pairs) in facts {
        if PASSING.contains(&key) {
            continue;
        }
        // What vCPU 0 alone looks at is nothing on the others.
        let looked: Vec<(usize, Pair)> = (0..)
            .zip(pairs)
            .filter(|(_, p)| *p != (None, None))
            .collect();
        let different: BTreeSet<Pair> = looked.iter().map(|(_, pair)| *pair).collect();
        let alike = different.len() == 1;
        // Where all that looked saw the same, the first of them speaks for the others.
        let told = if alike { 1 } else { looked.len() };
        for (vcpu, pair) in looked.into_iter().take(told) {
            if pair.0 == pair.1 {
                continue;
            }
            let name = match alike {
                true => String::new(),
                false => format!("vCPU {vcpu} "),
            };
            fact(&name, key, pair, &mut changes);
        }
    }
    changes
}

/// One fact that changed. `of` stands before its name.
fn fact(of: &str, key: u64, pair: Pair, out: &mut Vec<Change>) {
    let own = fact_name(key);
    let name = format!("{of}{own}");
    let kind = wire::kind_of(key);
    let (before, after) = match pair {
        (Some(before), Some(after)) => (before, after),
        (before, after) => {
            let gone = after.is_none();
            out.push(Change {
                name,
                before: before.map(|seen| seen.to_string()),
                after: after.map(|seen| seen.to_string()),
                words: if gone {
                    "is not looked at"
                } else {
                    "was not looked at"
                }
                .to_owned(),
            });
            return;
        }
    };
    if let (Some(Kind::SystemRegister), Seen::Value(old), Seen::Value(new), Some(info)) =
        (kind, before, after, register_by_name(&own))
    {
        return by_field(&name, info, old, new, out);
    }
    let words = match kind {
        Some(
            Kind::PsciFeatures | Kind::ArchFeatures | Kind::TrngFeatures | Kind::PvTimeFeatures,
        ) => offered(key, before, after),
        _ if own == "PSCI_VERSION()" => "the PSCI version that guests are told".to_owned(),
        _ if own == "GICD_IIDR" => "KVM's revision of the distributor".to_owned(),
        _ => match (before, after) {
            (Seen::Value(_), Seen::Value(_)) => String::new(),
            (Seen::Value(_), _) => "a guest can no longer".to_owned(),
            (_, Seen::Value(_)) => "a guest can now".to_owned(),
            _ => "another exception".to_owned(),
        },
    };
    let shown = |seen: Seen| match (seen, kind) {
        (Seen::Value(value), Some(Kind::Hvc | Kind::Smc)) if own.ends_with("_VERSION()") => {
            version(&own, value)
        }
        (Seen::Value(value), _) if is_answer(kind) => smccc::answer_name(&own, value),
        (seen, _) => seen.to_string(),
    };
    out.push(change(&name, shown(before), shown(after), &words));
}

fn is_answer(kind: Option<Kind>) -> bool {
    let asked = [
        Kind::Hvc,
        Kind::HvcArguments,
        Kind::Smc,
        Kind::PsciFeatures,
        Kind::ArchFeatures,
        Kind::TrngFeatures,
        Kind::PvTimeFeatures,
        Kind::CpuOn,
    ];
    kind.is_some_and(|kind| asked.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_spec::observation::account::Machine;
    use vmlock_spec::observation::{Sighting, key_named};

    fn account(facts: &[(u32, &str, u64)]) -> Account {
        let sighting = |(vcpu, name, value): &(u32, &str, u64)| Sighting {
            vcpu: *vcpu,
            key: key_named(name).expect("a name"),
            seen: Seen::Value(*value),
        };
        Account {
            witness: "0.1.0".to_owned(),
            machine: Machine {
                cpus: 3,
                entered_at: 1,
                uart: "pl011@9000000".to_owned(),
                gic: "v3@8000000".to_owned(),
                psci: "hvc".to_owned(),
            },
            vcpus: 3,
            sightings: facts.iter().map(sighting).collect(),
            incomplete: Vec::new(),
        }
    }

    /// Which vCPU looks is no reason to say nothing: only those that are started look at a later entry.
    #[test]
    fn what_differs_on_any_vcpu_is_told_once_for_those_that_agree() {
        let names = |a: &[(u32, &str, u64)], b: &[(u32, &str, u64)]| -> Vec<String> {
            let changes = compare(&account(a), &account(b)).into_iter();
            changes.map(|change| change.name).collect()
        };
        let later = "ACTLR_EL1 at a later entry";
        let both = |value| [(1, later, value), (2, later, value)];
        assert_eq!(names(&both(0), &both(0)), Vec::<String>::new());
        assert_eq!(names(&both(0), &both(1)), [later]);
        assert_eq!(names(&both(0)[..1], &both(1)[..1]), [later]);
        let one = [both(0)[0], both(1)[1]];
        assert_eq!(names(&both(0), &one), [format!("vCPU 2 {later}")]);
        assert_eq!(names(&both(0), &[]), [later]);
        let mut other = account(&[]);
        other.machine.gic = "v3@8010000".to_owned();
        let changes = compare(&account(&[]), &other);
        let after = changes.iter().map(|c| c.after.as_deref());
        assert_eq!(after.collect::<Vec<_>>(), [Some("v3 at 0x8010000")]);
    }
}
