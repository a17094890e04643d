//! What a start says of itself: its phases.

use super::median;
use crate::failure::{Failure, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// The phases of a start, in their order.
const ORDER: [&str; 4] = ["probe", "enforce", "verify", "load"];

/// What `vmlock-run start --stats` says of its start: ioctls and microseconds by phase.
pub struct Phases {
    phases: BTreeMap<String, (f64, f64)>,
    /// Microseconds of all of them.
    pub total: f64,
}

impl Phases {
    /// Finds the line of JSON among the words on standard error.
    pub fn read(words: &str) -> Result<Self> {
        let stats = || {
            let stats: Value = words
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .find(|line: &Value| line["microseconds"].is_object())?;
            let times = stats["microseconds"].as_object()?;
            let phases = times
                .iter()
                .filter(|(name, _)| *name != "total")
                .map(|(name, time)| {
                    let ioctls = stats["ioctls"][name].as_f64()?;
                    Some((name.clone(), (ioctls, time.as_f64()?)))
                })
                .collect::<Option<BTreeMap<_, _>>>()?;
            let known = ["enforce", "verify"]
                .iter()
                .all(|n| phases.contains_key(*n));
            let total = times.get("total")?.as_f64()?;
            (known && total > 0.0).then_some(Self { phases, total })
        };
        stats().ok_or_else(|| {
            Failure::environment(format!(
                "vmlock-run start --stats says nothing of its phases; it said:\n{}",
                words.trim_end()
            ))
        })
    }

    /// The phases, those that come first in a start first.
    fn names(&self) -> Vec<&str> {
        let place = |name: &&str| ORDER.iter().position(|known| known == name);
        let mut names: Vec<&str> = self.phases.keys().map(String::as_str).collect();
        names.sort_by_key(|name| place(name).unwrap_or(ORDER.len()));
        names
    }

    /// The medians of several starts, phase by phase.
    pub fn words(starts: &[Self]) -> String {
        let of = |pick: &dyn Fn(&Self) -> f64| median(&starts.iter().map(pick).collect::<Vec<_>>());
        let names = starts.first().map(Self::names).unwrap_or_default();
        let words: Vec<String> = names
            .iter()
            .map(|name| {
                format!(
                    "{name} {:.1} ms ({} ioctls)",
                    of(&|p| p.phase(name).1 / 1e3),
                    of(&|p| p.phase(name).0)
                )
            })
            .collect();
        words.join(", ")
    }

    /// Whether there was such a phase.
    pub fn has(&self, name: &str) -> bool {
        self.phases.contains_key(name)
    }

    /// Ioctls and microseconds of a phase.
    pub fn phase(&self, name: &str) -> (f64, f64) {
        self.phases.get(name).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phases_are_found_among_other_words() {
        let words = "vmlock-run: a word\n{\"other\": 1}\n{\"ioctls\":{\"probe\":7,\"enforce\":30,\"verify\":4,\"total\":41},\
            \"microseconds\":{\"probe\":900,\"enforce\":60,\"verify\":40,\"total\":1000}}\nvmlock-run: bye\n";
        let phases = Phases::read(words).unwrap();
        assert_eq!(phases.phase("enforce"), (30.0, 60.0));
        assert_eq!(phases.names(), ["probe", "enforce", "verify"]);
        assert!(Phases::read("vmlock-run: a word\n").is_err());
        assert!(Phases::read("{\"ioctls\":{},\"microseconds\":{\"total\":1}}").is_err());
    }
}
