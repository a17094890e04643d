//! What statements are evaluated against: which of them apply, and what they make of a register.

use crate::catalogue::{Act, Baseline, CpuModel, Field, RegisterInfo, Statement, Subject, field};
use crate::vm::VmSpec;

/// One value on its way into the lock, and who decided it so far.
pub(super) struct Draft {
    pub(super) value: u64,
    pub(super) from: Vec<String>,
}

/// Everything that statements are evaluated against.
pub(super) struct Context<'a> {
    pub(super) spec: &'a VmSpec,
    pub(super) cpu: &'a CpuModel,
    pub(super) statements: Vec<(&'a Baseline, &'a Statement, String)>,
}

impl<'a> Context<'a> {
    /// Keeps the statements whose conditions hold: they depend on description and CPU alone.
    pub(super) fn new(
        spec: &'a VmSpec,
        cpu: &'a CpuModel,
        statements: Vec<(&'a Baseline, &'a Statement, String)>,
    ) -> Self {
        let mut context = Self {
            spec,
            cpu,
            statements: Vec::new(),
        };
        let holds = |(_, s, _): &(&Baseline, &Statement, String)| {
            s.when.iter().all(|condition| context.holds(condition))
        };
        context.statements = statements.into_iter().filter(holds).collect();
        context
    }

    pub(super) fn raw(&self, register: &str) -> u64 {
        self.cpu
            .registers
            .iter()
            .find(|r| r.register == register)
            .map_or(0, |r| r.value)
    }

    pub(super) fn fact(&self, register: &str) -> Option<u64> {
        self.cpu
            .facts
            .iter()
            .find(|r| r.register == register)
            .map(|r| r.value)
    }

    pub(super) fn holds(&self, condition: &str) -> bool {
        if let Some(negated) = condition.strip_prefix('!') {
            return !self.holds(negated);
        }
        if let Some(name) = condition.strip_prefix("unaffected:") {
            return self.cpu.unaffected.iter().any(|u| u == name);
        }
        if condition == "el0-aarch32" {
            // ID_AA64PFR0_EL1.EL0 = 2: AArch32 at EL0 too.
            return self.raw("ID_AA64PFR0_EL1") & 0xf == 2;
        }
        if condition == "no-clean-to-pou" {
            // What CLIDR_EL1 says where CTR_EL0.IDC is silent: nothing has to be
            // cleaned when LoC, or both LoUU and LoUIS, are zero.
            let clidr = self.raw("CLIDR_EL1");
            let level = |low: u32| clidr >> low & 7;
            return level(24) == 0 || level(27) == 0 && level(21) == 0;
        }
        if let Some((path, least)) = condition.split_once(">=") {
            // The catalogue's test knows that such a field exists.
            return field(path).is_some_and(|(register, field)| {
                let least = least.parse().unwrap_or(u64::MAX);
                field.order(field.get(self.raw(&register.name))) >= field.order(least)
            });
        }
        self.spec.cpu.features.iter().any(|f| f.name() == condition)
    }

    /// Statements whose conditions hold, oldest first, with the lock's name of who said them.
    fn applying(&self) -> impl Iterator<Item = (&Statement, &str)> {
        let all = self.statements.iter();
        all.map(|(_, s, from)| (*s, from.as_str()))
    }

    /// The last statement about something.
    pub(super) fn last<T>(&self, pick: impl Fn(&Subject) -> Option<T>) -> Option<(T, String)> {
        let mut found = None;
        for (statement, from) in self.applying() {
            if let Some(value) = pick(&statement.subject) {
                found = Some((value, from.to_owned()));
            }
        }
        found
    }

    /// What the baselines make of a register of this CPU.
    pub(super) fn register(&self, register: &RegisterInfo) -> Draft {
        let raw = self.raw(&register.name);
        let mut draft = Draft {
            value: 0,
            from: Vec::new(),
        };
        for (statement, from) in self.applying() {
            let Subject::Field(target, act) = &statement.subject else {
                continue;
            };
            let value = match target.strip_prefix(register.name.as_ref()) {
                Some("") => match act {
                    Act::Show => raw,
                    Act::Hide => 0,
                    Act::Cap(limit) => raw.min(*limit),
                    Act::Force(value) => *value,
                },
                Some(rest) => {
                    let Some(field) = rest.strip_prefix('.').and_then(|f| register.field(f)) else {
                        continue;
                    };
                    field.put(draft.value, apply(field, *act, raw))
                }
                None => continue,
            };
            draft.value = value;
            if draft.from.last().is_none_or(|f| f != from) {
                draft.from = vec![from.to_owned()];
            }
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
