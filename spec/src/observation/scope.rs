//! What facts are about, for who judges a part of them: a virtual machine monitor that is none of ours decides its
//! machine by itself, and its CPUs, firmware and interrupt controller can be held against a lock all the same.

use super::{Audit, wire};
use serde::Serialize;
use std::fmt;
use wire::Kind;

/// A part of what a guest sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// System registers, caches, and optional features in use.
    Cpu,
    /// Firmware calls.
    Firmware,
    /// The interrupt controller, its CPU interface included.
    Gic,
    /// What a vCPU begins with.
    Entry,
    /// Memory, devices, and what answers where nothing is.
    Machine,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 5] = [
        Scope::Cpu,
        Scope::Firmware,
        Scope::Gic,
        Scope::Entry,
        Scope::Machine,
    ];

    /// As it is written on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Cpu => "cpu",
            Scope::Firmware => "firmware",
            Scope::Gic => "gic",
            Scope::Entry => "entry",
            Scope::Machine => "machine",
        }
    }

    /// What the fact with that key is about.
    pub fn of(key: u64) -> Scope {
        let id = wire::id_of(key);
        match wire::kind_of(key) {
            Some(Kind::SystemRegister | Kind::SystemRegisterWritable) if is_of_interface(id) => {
                Scope::Gic
            }
            Some(Kind::Use)
                if matches!(id, wire::USE_STOLEN_TIME | wire::USE_STOLEN_NANOSECONDS) =>
            {
                Scope::Firmware
            }
            Some(
                Kind::SystemRegister
                | Kind::SystemRegisterWritable
                | Kind::Ccsidr
                | Kind::SveVectorLength
                | Kind::Use,
            ) => Scope::Cpu,
            Some(
                Kind::Hvc
                | Kind::HvcArguments
                | Kind::PsciFeatures
                | Kind::ArchFeatures
                | Kind::TrngFeatures
                | Kind::PvTimeFeatures
                | Kind::Smc
                | Kind::HvcLeaves
                | Kind::SmcLeaves
                | Kind::CpuOn,
            ) => Scope::Firmware,
            Some(Kind::Gicd | Kind::Gicr | Kind::GicdWritable | Kind::GicrWritable) => Scope::Gic,
            Some(Kind::Entry) => Scope::Entry,
            _ => Scope::Machine,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether that is an ICC_…_EL1: ICC_PMR_EL1, or one of op0 3, op1 0, CRn 12, CRm 8 to 12 (Arm IHI 0069 section 12.2).
fn is_of_interface(id: u64) -> bool {
    let priority_mask = wire::encoding(3, 0, 4, 6, 0);
    let first = wire::encoding(3, 0, 12, 8, 0);
    let last = wire::encoding(3, 0, 12, 12, 7);
    id == priority_mask || (first..=last).contains(&id)
}

/// How much of an audit was not judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotJudged {
    /// Promises that nobody held against anything.
    pub promises: usize,
    /// Facts that the guest saw beside them.
    pub facts: usize,
}

impl Audit {
    /// What of it is about these scopes, and how much is not.
    pub fn only(mut self, scopes: &[Scope]) -> (Audit, NotJudged) {
        let before = (self.promised.len(), self.beside.len());
        self.promised
            .retain(|(promise, _)| scopes.contains(&Scope::of(promise.key)));
        self.beside
            .retain(|(sighting, _)| scopes.contains(&Scope::of(sighting.key)));
        let not = NotJudged {
            promises: before.0 - self.promised.len(),
            facts: before.1 - self.beside.len(),
        };
        (self, not)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::canonical;
    use crate::observation::{Sighting, audit, promises};
    use crate::report::Seen;

    const LOCK: &str = include_str!("../../../examples/modern.vm.lock.json");

    /// What the lock promises, as a guest would see it.
    fn kept() -> (crate::lock::Lock, Vec<Sighting>) {
        let lock = canonical::parse(LOCK).expect("an example");
        let seen = |promise: super::super::Promise| Sighting {
            vcpu: promise.vcpu,
            key: promise.key,
            seen: promise.value.map_or(Seen::Undefined, Seen::Value),
        };
        let sightings = promises(&lock).into_iter().map(seen).collect();
        (lock, sightings)
    }

    #[test]
    fn every_promise_is_of_one_scope_and_what_is_left_out_is_counted() {
        let (lock, sightings) = kept();
        let all = promises(&lock).len();
        let mut judged = 0;
        for scope in Scope::ALL {
            let (part, not) = audit(&lock, &sightings, Vec::new()).only(&[scope]);
            assert!(part.kept(), "{scope}");
            assert_eq!(part.facts() + not.promises, all, "{scope}");
            judged += part.facts();
        }
        assert_eq!(judged, all);
        let (none, _) = audit(&lock, &sightings, Vec::new()).only(&[]);
        assert!(!none.kept(), "nothing was judged");
    }

    #[test]
    fn what_is_broken_shows_in_its_scope_alone() {
        let (lock, sightings) = kept();
        let places = [
            ("PSCI_VERSION()", Scope::Firmware),
            ("MIDR_EL1", Scope::Cpu),
            ("GICD_IIDR", Scope::Gic),
            ("ICC_SRE_EL1", Scope::Gic),
        ];
        for (name, scope) in places {
            let mut altered = sightings.clone();
            let key = crate::observation::key_of(name).expect("a name");
            let found = altered.iter_mut().find(|s| s.key == key);
            found.expect("a promise").seen = Seen::Value(0x1234_5678);
            for judged in Scope::ALL {
                let (part, _) = audit(&lock, &altered, Vec::new()).only(&[judged]);
                assert_eq!(part.kept(), judged != scope, "{name} in {judged}");
            }
        }
    }
}
