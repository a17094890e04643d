//! What statements are evaluated against: which of them apply, and what they make of a register.

use crate::catalogue::{
    Act, Baseline, CpuModel, Field, Kind, RegisterInfo, Silicon, SiliconValue, Statement, Subject,
    field, register_by_name, speaks_of,
};
use crate::lock::v1;
use crate::vm::VmSpec;
use std::collections::BTreeMap;

/// Whether EL0 can be in AArch32: 2, and 1 where it is AArch64 alone.
pub(super) const AARCH32: &str = "ID_AA64PFR0_EL1.EL0";

/// Which caches there are.
pub(super) const CLIDR: &str = "CLIDR_EL1";

/// What stands before the name of a vulnerability, in the condition that the CPU does not have it.
const UNAFFECTED: &str = "unaffected:";

/// The vulnerability of which a condition speaks.
fn vulnerability(condition: &str) -> Option<&str> {
    let condition = condition.strip_prefix('!').unwrap_or(condition);
    condition.strip_prefix(UNAFFECTED)
}

/// One value on its way into the lock, and who decided it so far.
pub(super) struct Draft {
    pub(super) value: u64,
    /// Bits that come of what nobody knows of the CPU.
    pub(super) unknown: u64,
    pub(super) from: Vec<String>,
}

/// Everything that statements are evaluated against.
pub(super) struct Context<'a> {
    pub(super) spec: &'a VmSpec,
    pub(super) cpu: &'a CpuModel,
    pub(super) statements: Vec<(&'a Baseline, &'a Statement, String)>,
    /// The version of the lock that is made.
    pub(super) version: u32,
}

impl<'a> Context<'a> {
    /// Keeps the statements whose conditions hold: they depend on description and CPU alone.
    pub(super) fn new(
        spec: &'a VmSpec,
        cpu: &'a CpuModel,
        statements: Vec<(&'a Baseline, &'a Statement, String)>,
        version: u32,
    ) -> Self {
        let mut context = Self {
            spec,
            cpu,
            statements: Vec::new(),
            version,
        };
        // What hangs on something unknown stays: `undecided` tells of it, and no lock comes of it.
        let may =
            |condition: &str| context.unknown_in(condition).is_some() || context.holds(condition);
        let holds = |(_, s, _): &(&Baseline, &Statement, String)| {
            s.since <= version && s.when.iter().all(|condition| may(condition))
        };
        context.statements = statements.into_iter().filter(holds).collect();
        context
    }

    /// What the silicon has in those bits of a register; `None` where nobody knows one of them, of which the caller has
    /// to make something.
    pub(super) fn known(&self, register: &str, bits: u64) -> Option<u64> {
        self.cpu.silicon(register_by_name(register)?).known(bits)
    }

    /// The same of `REGISTER.FIELD`.
    pub(super) fn has(&self, path: &str) -> Option<u64> {
        let (register, field) = field(path)?;
        self.cpu.silicon(register).get(field)
    }

    /// What the model says of a register's silicon or firmware, be it that some of it is unknown. An ID register that
    /// it does not name reads as zero; any other that it does not name it has forgotten.
    pub(super) fn said(&self, register: &RegisterInfo) -> Option<Silicon> {
        let named = |r: &SiliconValue| r.register == register.name;
        let mut values = self.cpu.registers.iter().chain(self.cpu.facts.iter());
        let silicon = self.cpu.silicon(register);
        let said = register.kind == Kind::Id || silicon.unknown != 0 || values.any(named);
        said.then_some(silicon)
    }

    /// The fields of the silicon on which it hangs whether statements apply, and of which nobody knows. Where a field
    /// alone hangs on a vulnerability, its bits are unknown instead ([`Self::register`]): a description can decide those.
    pub(super) fn undecided(&self) -> Vec<String> {
        let is_told = |statement: &Statement, condition: &str| {
            matches!(statement.subject, Subject::Field(..)) && vulnerability(condition).is_some()
        };
        let mut paths = Vec::new();
        for (_, statement, _) in &self.statements {
            let conditions = statement.when.iter().filter(|c| !is_told(statement, c));
            paths.extend(conditions.filter_map(|c| self.unknown_in(c)));
        }
        paths.sort();
        paths.dedup();
        paths
    }

    /// What a condition speaks of, where nobody knows it of this CPU.
    fn unknown_in(&self, condition: &str) -> Option<String> {
        let condition = condition.strip_prefix('!').unwrap_or(condition);
        if vulnerability(condition).is_some() {
            let mut unknown = self.cpu.unknown.iter();
            let is_unknown = unknown.any(|entry| entry.path == condition);
            return is_unknown.then(|| condition.to_owned());
        }
        let path = match condition {
            "el0-aarch32" => AARCH32,
            "no-clean-to-pou" => {
                let unknown = self.known(CLIDR, u64::MAX).is_none();
                return unknown.then(|| CLIDR.to_owned());
            }
            _ => condition.split_once(">=")?.0,
        };
        let (register, field) = field(path)?;
        let known = self.cpu.silicon(register).get(field).is_some();
        (!known).then(|| path.to_owned())
    }

    /// The vulnerabilities on which it hangs whether a statement applies, and of which nobody knows whether the CPU has
    /// them.
    pub(super) fn unproven<'s>(
        &'s self,
        statement: &'s Statement,
    ) -> impl Iterator<Item = &'s str> {
        let names = statement.when.iter().filter_map(|c| vulnerability(c));
        names.filter(|name| self.unknown_in(&format!("{UNAFFECTED}{name}")).is_some())
    }

    /// Whether the description turns a vCPU feature on.
    pub(super) fn has_feature(&self, name: &str) -> bool {
        self.spec.cpu.features.iter().any(|f| f.name() == name)
    }

    pub(super) fn fact(&self, register: &str) -> Option<u64> {
        self.cpu
            .facts
            .iter()
            .find(|r| r.register == register)
            .map(|r| r.value)
    }

    /// Whether a condition holds. Of what nobody knows it says no: [`Self::undecided`] tells of it.
    pub(super) fn holds(&self, condition: &str) -> bool {
        if let Some(negated) = condition.strip_prefix('!') {
            return !self.holds(negated);
        }
        if let Some(name) = vulnerability(condition) {
            return self.cpu.unaffected.iter().any(|u| u == name);
        }
        if condition == "el0-aarch32" {
            return self.has(AARCH32) == Some(2);
        }
        if condition == "no-clean-to-pou" {
            // What CLIDR_EL1 says where CTR_EL0.IDC is silent: nothing has to be
            // cleaned when LoC, or both LoUU and LoUIS, are zero.
            return self.known(CLIDR, u64::MAX).is_some_and(|clidr| {
                let level = |low: u32| clidr >> low & 7;
                level(24) == 0 || level(27) == 0 && level(21) == 0
            });
        }
        if let Some((path, least)) = condition.split_once(">=") {
            // The catalogue's test knows that such a field exists.
            return field(path).is_some_and(|(_, field)| {
                let least = least.parse().unwrap_or(u64::MAX);
                let has = self.has(path);
                has.is_some_and(|has| field.order(has) >= field.order(least))
            });
        }
        self.has_feature(condition)
    }

    /// Statements whose conditions hold, oldest first, with the lock's name of who said them.
    fn applying(&self) -> impl Iterator<Item = (&Statement, &str)> {
        let all = self.statements.iter();
        all.map(|(_, s, from)| (*s, from.as_str()))
    }

    /// Whether a statement decides what it says again: in version 1 the last one did, whatever was said before; later
    /// the first of those that say the same, so that a newer baseline that changes nothing changes no lock.
    pub(super) fn decides<T: PartialEq>(&self, before: Option<&T>, said: &T) -> bool {
        self.version == v1::VERSION || before != Some(said)
    }

    /// What the last statement about something says, and who decided it.
    pub(super) fn last<T: PartialEq>(
        &self,
        pick: impl Fn(&Subject) -> Option<T>,
    ) -> Option<(T, String)> {
        let mut found: Option<(T, String)> = None;
        for (statement, from) in self.applying() {
            if let Some(value) = pick(&statement.subject)
                && self.decides(found.as_ref().map(|(before, _)| before), &value)
            {
                found = Some((value, from.to_owned()));
            }
        }
        found
    }

    /// The lock's name of the oldest baseline of the chain.
    pub(super) fn oldest(&self) -> Option<String> {
        self.statements.first().map(|(_, _, from)| from.clone())
    }

    /// Who decided each of several things, out of all that were said of them, oldest first.
    pub(super) fn deciders<K: Ord, V: PartialEq>(
        &self,
        history: impl Iterator<Item = (String, Vec<(K, V)>)>,
    ) -> BTreeMap<K, String> {
        let mut found: BTreeMap<K, (V, String)> = BTreeMap::new();
        for (from, values) in history {
            for (key, value) in values {
                if self.decides(found.get(&key).map(|(before, _)| before), &value) {
                    found.insert(key, (value, from.clone()));
                }
            }
        }
        let from = |(key, (_, from)): (K, (V, String))| (key, from);
        found.into_iter().map(from).collect()
    }

    /// The place that decides a field: an entry of the `cpu` block, or else the baselines.
    pub(super) fn decided_at(&self, path: &str) -> String {
        let cpu = &self.spec.cpu;
        let hide = cpu.hide.iter().position(|h| speaks_of(h, path));
        let set = cpu.set.iter().position(|s| speaks_of(&s.field, path));
        match (hide, set) {
            (Some(index), _) => format!("/cpu/hide/{index}"),
            (None, Some(index)) => format!("/cpu/set/{index}"),
            (None, None) => "/abi".to_owned(),
        }
    }

    /// What the baselines make of a register of this CPU.
    pub(super) fn register(&self, register: &RegisterInfo) -> Draft {
        let silicon = self.cpu.silicon(register);
        let raw = silicon.value;
        let mut draft = Draft {
            value: 0,
            unknown: 0,
            from: Vec::new(),
        };
        if self.version > v1::VERSION {
            // Before anybody speaks of it, it reads as zero under the oldest baseline.
            draft.from.extend(self.oldest());
        }
        for (statement, from) in self.applying() {
            let Subject::Field(target, act) = &statement.subject else {
                continue;
            };
            let (value, bits) = match target.strip_prefix(register.name.as_ref()) {
                Some("") => {
                    let value = match act {
                        Act::Show => raw,
                        Act::Hide => 0,
                        Act::Cap(limit) => raw.min(*limit),
                        Act::Force(value) => *value,
                    };
                    (value, u64::MAX)
                }
                Some(rest) => {
                    let Some(field) = rest.strip_prefix('.').and_then(|f| register.field(f)) else {
                        continue;
                    };
                    let value = field.put(draft.value, apply(field, *act, raw));
                    (value, field.mask())
                }
                None => continue,
            };
            if self.unproven(statement).next().is_some() {
                // It holds or it does not: either way the rest of the chain may decide these bits again.
                draft.unknown |= bits;
                continue;
            }
            draft.unknown &= !bits;
            if matches!(act, Act::Show | Act::Cap(_)) {
                draft.unknown |= silicon.unknown & bits;
            }
            let before = (!draft.from.is_empty()).then_some(&draft.value);
            if self.decides(before, &value) {
                draft.from = vec![from.to_owned()];
            }
            draft.value = value;
        }
        draft
    }
}

/// What one statement makes of one field of the silicon's register.
fn apply(field: &Field, act: Act, raw: u64) -> u64 {
    let silicon = field.get(raw);
    match act {
        Act::Show => silicon,
        Act::Hide => field.none(),
        Act::Cap(limit) if field.order(silicon) > field.order(limit) => limit,
        Act::Cap(_) => silicon,
        Act::Force(value) => value,
    }
}
