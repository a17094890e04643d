//! What the probe's guest saw, found by the key of what it looked at; by name, where that has no key in a lock.

use crate::catalogue::register_by_id;
use crate::lock::LockedRegister;
use crate::observation::{fact_name, key_of, wire};
use crate::report::{Fact, Reading, View};
use std::collections::BTreeMap;

/// The facts of a view.
pub(super) struct Inside<'a> {
    /// By key; those of one key in the order of the report.
    keyed: Vec<(u64, &'a Fact)>,
    /// By a name that no lock has; in the order of the report.
    named: BTreeMap<&'a str, Vec<&'a Fact>>,
}

impl<'a> Inside<'a> {
    pub(super) fn of(view: &'a View) -> Self {
        let mut keyed = Vec::with_capacity(view.guest.len());
        let mut named: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
        for fact in &view.guest {
            match key(&fact.name) {
                Some(key) => keyed.push((key, fact)),
                None => named.entry(&fact.name).or_default().push(fact),
            }
        }
        keyed.sort_by_key(|(key, _)| *key);
        Self { keyed, named }
    }

    /// What was seen of that, in the order of the report.
    pub(super) fn facts(&self, key: u64) -> impl Iterator<Item = &'a Fact> + Clone {
        let from = self.keyed.partition_point(|(other, _)| *other < key);
        let keyed = &self.keyed[from..];
        let count = keyed.iter().take_while(|(other, _)| *other == key).count();
        let named = match count == 0 && !self.named.is_empty() {
            true => self.under(&fact_name(key)),
            false => &[][..],
        };
        let keyed = keyed[..count].iter().map(|(_, fact)| *fact);
        keyed.chain(named.iter().copied())
    }

    fn under(&self, name: &str) -> &[&'a Fact] {
        self.named.get(name).map_or(&[][..], Vec::as_slice)
    }

    /// What the vCPUs of the probe's guest read there.
    pub(super) fn seen(&self, key: u64) -> Reading {
        Reading::of(self.facts(key))
    }

    /// The same by name.
    pub(super) fn seen_as(&self, name: &str) -> Reading {
        match key(name) {
            Some(key) => self.seen(key),
            None => Reading::of(self.under(name).iter().copied()),
        }
    }

    /// The same of a register of a lock.
    pub(super) fn seen_of(&self, entry: &LockedRegister) -> Reading {
        let info = register_by_id(entry.id).filter(|info| info.name == entry.name);
        match info.and_then(|info| info.encoding.filter(|_| info.csselr().is_none())) {
            Some(encoding) => self.seen(wire::key(wire::Kind::SystemRegister, encoding.into())),
            None => self.seen_as(&entry.name),
        }
    }
}

/// The key of what has that name; where a register has two, as its encoding and its own, that one alone.
fn key(name: &str) -> Option<u64> {
    let encoded = name.starts_with("S2_") || name.starts_with("S3_");
    key_of(name).filter(|key| !encoded || fact_name(*key) == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::REGISTERS;
    use crate::report::Seen;

    /// Found by key, by name and one by one, it is the same.
    #[test]
    fn what_was_seen_is_found_by_key_as_by_name() {
        let names = REGISTERS.iter().map(|info| info.name.to_string());
        let others = [
            "S3_0_C0_C0_0",
            "S3_0_C0_C0_1",
            "GICD_TYPER",
            "GICR_PROPBASER.high.writable",
            "PSCI_VERSION()",
            "SMC PSCI_VERSION()",
            "PSCI_FEATURES(SYSTEM_OFF)",
            "PSCI_VERSION() changes of x1 to x17",
            "X1 at entry",
            "MDSCR_EL1 at entry",
            "CPU_ON(vCPU 1)",
            "nothing of all that",
        ];
        let names: Vec<String> = names.chain(others.map(str::to_owned)).collect();
        let fact = |(value, name): (u64, &String)| Fact {
            vcpu: (value % 3) as u32,
            name: name.clone(),
            seen: Seen::Value(value),
        };
        let twice = names.iter().chain(names.iter().step_by(2));
        let view = View {
            guest: (0..).zip(twice).map(fact).collect(),
            features: Vec::new(),
            registers: Vec::new(),
            rehearsed: false,
        };
        let inside = Inside::of(&view);
        for name in names.iter().map(String::as_str).chain(["GICD_IIDR"]) {
            assert_eq!(inside.seen_as(name), view.seen(name), "{name}");
            if let Some(key) = key(name) {
                assert_eq!(inside.seen(key), view.seen(name), "{name}");
            }
        }
        // Which no lock names.
        for key in [
            wire::key(wire::Kind::HvcLeaves, wire::call(0x8400_0000, 0, 0)),
            wire::key(wire::Kind::CpuOn, 1),
            wire::key(wire::Kind::Entry, 1),
        ] {
            let seen = view.seen(&fact_name(key));
            assert_ne!(seen, Reading::Unseen, "{}", fact_name(key));
            assert_eq!(inside.seen(key), seen);
        }
        for info in REGISTERS.iter() {
            let entry = LockedRegister {
                id: info.id,
                name: info.name.to_string(),
                value: 0,
                rule: crate::lock::Binding::Exact,
                from: String::new(),
                mask: 0,
                vary: Vec::new(),
            };
            assert_eq!(
                inside.seen_of(&entry),
                view.seen(&info.name),
                "{}",
                info.name
            );
        }
        assert!(!inside.keyed.is_empty() && !inside.named.is_empty());
    }
}
