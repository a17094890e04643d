//! Lock × host report × virtual machine monitor → what that VMM can be told of the lock, and what becomes of each entry
//! in its guests.
//!
//! Nothing is decided here that [`plan`](crate::plan) decides. A VMM is data of the catalogue: which registers it
//! writes, which vCPU features it gives, what it overwrites. Through it a host shows less than to our own runner: the
//! report is cut down to that ([`through`]), the lock is planned on what is left, and the refusals are what this VMM
//! cannot do. What is kept without anybody holding it is told apart from what is written: on the next host it may differ.

mod arguments;
mod calls;
mod template;
mod through;

use crate::catalogue::vmm::{Form, Manner, Overwrites, Vmm, names};
use crate::lock::{Binding, Lock, LockedRegister};
use crate::observation::scope::{NotJudged, Scope};
use crate::observation::wire::{self, Kind};
use crate::observation::{Promise, key_named, promises, settled};
use crate::plan::{self, Emulation, Plan, Refusal, Step, Way, plan_with};
use crate::report::{HostReport, View};
use crate::vm::Feature;
use calls::Decider;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use through::Told;

/// What becomes of an entry under a VMM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// The VMM holds it: another host shows the same, or the guest is not started.
    Kept,
    /// This host shows it, and nobody holds it.
    Chance,
    /// The VMM shows something of its own there.
    Overwritten,
    /// The VMM gives guests a feature that the lock does not have, and this follows.
    Forced,
    /// It differs, and this VMM has no knob for it.
    Cannot,
}

impl Fate {
    /// All of them, the best first.
    pub const ALL: [Fate; 5] = [
        Fate::Kept,
        Fate::Chance,
        Fate::Overwritten,
        Fate::Forced,
        Fate::Cannot,
    ];

    /// As it is written on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Fate::Kept => "kept",
            Fate::Chance => "chance",
            Fate::Overwritten => "overwritten",
            Fate::Forced => "forced",
            Fate::Cannot => "cannot",
        }
    }

    /// What it means, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Fate::Kept => "the VMM holds it",
            Fate::Chance => "this host shows it, and nobody holds it",
            Fate::Overwritten => "the VMM shows something of its own",
            Fate::Forced => "follows from a feature that the VMM gives every guest",
            Fate::Cannot => "differs, and the VMM has no knob for it",
        }
    }
}

/// The parts of a lock that can be held against a guest of somebody's VMM: its memory, its devices and the state in which
/// it begins are the VMM's own.
pub const SCOPES: [Scope; 3] = [Scope::Cpu, Scope::Firmware, Scope::Gic];

/// What becomes of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The entry's name.
    pub name: String,
    /// Of which part of the machine it is.
    pub scope: Scope,
    /// What becomes of it.
    pub fate: Fate,
    /// Why; empty where the fate says it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// What a VMM can be told of a lock on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// What becomes of every entry, by scope and name.
    pub entries: Vec<Entry>,
    /// Promises of the parts that are the VMM's own.
    pub not_looked_at: NotJudged,
    /// What the VMM is told, in its own form.
    pub text: String,
}

/// Exports a lock to one of the versions of a VMM that the catalogue knows, for a host, with these parts of it judged.
pub fn export(
    lock: &Lock,
    report: &HostReport,
    vmm: &Vmm,
    version: &str,
    scopes: &[Scope],
) -> Export {
    let told = Told { vmm, version };
    let all = promises(lock);
    let judged = |promise: &&Promise| scopes.contains(&Scope::of(promise.key));
    let not_looked_at = NotJudged {
        promises: all.iter().filter(|promise| !judged(promise)).count(),
        facts: 0,
    };
    let mut features = lock.features.clone();
    features.sort();
    let seen = match through::guests(lock, report, told) {
        Ok(seen) => seen,
        Err(refusal) => return none(vec![*refusal], not_looked_at),
    };
    if seen.view(&features).is_none() {
        // Nothing of it can be planned.
        let refusals = plan_with(lock, report, Emulation::Forbidden).refusals;
        return none(refusals, not_looked_at);
    }
    let judge = Judge::new(lock, report, &seen, told, all.iter().filter(judged));
    let mut entries = judge.entries();
    entries.retain(|entry| scopes.contains(&entry.scope));
    let text = match vmm.form {
        Form::Template => template::text(&judge),
        Form::Arguments => arguments::text(&judge),
    };
    Export {
        entries,
        not_looked_at,
        text,
    }
}

/// An export of which nothing could be planned.
fn none(refusals: Vec<Refusal>, not_looked_at: NotJudged) -> Export {
    let entry = |refusal: Refusal| Entry {
        scope: scope_of(&refusal.name),
        name: refusal.name,
        fate: Fate::Cannot,
        words: refusal.reason,
    };
    Export {
        entries: refusals.into_iter().map(entry).collect(),
        not_looked_at,
        text: String::new(),
    }
}

/// What has to be known to tell the fates.
struct Judge<'a> {
    lock: &'a Lock,
    told: Told<'a>,
    report: &'a HostReport,
    /// What a guest with the VMM's features has on this host.
    view: &'a View,
    /// What is promised, by name.
    facts: BTreeMap<String, Vec<&'a Promise>>,
    /// The plan on what is left of the host through this VMM.
    plan: Plan,
    /// Refusals of that plan, by the entry that they are about.
    refusals: BTreeMap<String, Vec<Refusal>>,
    /// Names of the refusals that are there as well with the lock's own features, and with our own runner.
    unwritten: BTreeSet<String>,
    native: BTreeSet<String>,
    /// Who decides the answer of each firmware call.
    deciders: BTreeMap<u64, BTreeSet<Decider>>,
    /// Registers that are written with another value than the host's.
    written: BTreeSet<u64>,
}

/// The fact by which a guest looks for a conduit, and how the names of those begin that have one.
const SMC: &str = "SMC ";
const BY_SMC: &str = "SMC PSCI_VERSION()";
/// What a plan calls the vector lengths.
const LENGTHS: &str = "SVE vector lengths";
/// The fact that says where stolen time is written.
const STOLEN_TIME_AT: &str = "PV_TIME_ST()";

impl<'a> Judge<'a> {
    fn new(
        lock: &'a Lock,
        report: &'a HostReport,
        seen: &'a HostReport,
        told: Told<'a>,
        promised: impl Iterator<Item = &'a Promise>,
    ) -> Self {
        let mut facts: BTreeMap<String, Vec<&Promise>> = BTreeMap::new();
        for promise in promised {
            facts
                .entry(promise.name().into_owned())
                .or_default()
                .push(promise);
        }
        let of = |report: &HostReport| plan_with(lock, report, Emulation::Forbidden);
        let refused = |report: &HostReport| {
            let refusals = of(report).refusals.into_iter();
            refusals.map(|refusal| refusal.name).collect()
        };
        let plan = of(seen);
        let mut refusals: BTreeMap<String, Vec<Refusal>> = BTreeMap::new();
        for refusal in &plan.refusals {
            let entry = about(&refusal.name, |name| {
                facts.contains_key(name) || lock.registers.iter().any(|r| r.name == name)
            });
            refusals
                .entry(entry.to_owned())
                .or_default()
                .push(refusal.clone());
        }
        let written = plan.steps().filter_map(|step| match step {
            Step::Register { id, .. } if told.carries_out(step) => Some(*id),
            _ => None,
        });
        Self {
            written: written.collect(),
            unwritten: refused(&through::hands(report, told)),
            native: refused(report),
            deciders: calls::deciders(lock),
            view: &seen.views[0],
            lock,
            told,
            report,
            facts,
            plan,
            refusals,
        }
    }

    /// What becomes of every entry.
    fn entries(&self) -> Vec<Entry> {
        let mut entries: BTreeMap<(Scope, String), (Fate, String)> = BTreeMap::new();
        let mut add = |name: &str, scope: Scope, fate: (Fate, String)| {
            entries.entry((scope, name.to_owned())).or_insert(fate);
        };
        for feature in Feature::ALL {
            add(
                feature.name(),
                scope_of(feature.name()),
                self.feature(*feature),
            );
        }
        for (name, promises) in &self.facts {
            let waived = self.entry(name).is_some_and(|entry| entry.promised() == 0);
            if let Some(promise) = promises.first().filter(|_| !waived) {
                add(name, Scope::of(promise.key), self.fact(name, promises));
            }
        }
        for entry in &self.lock.registers {
            if entry.promised() != 0 || entry.rule == Binding::Absent {
                add(&entry.name, scope_of(&entry.name), self.register(entry));
            }
        }
        // What the host lists beside the lock, and shows as if it was not there.
        for keep in self
            .plan
            .keeps
            .iter()
            .filter(|keep| keep.way == Way::Absent)
        {
            let fate = match &keep.step {
                Some(step) => self.carried_out(step),
                None => (Fate::Chance, String::new()),
            };
            add(&keep.name, scope_of(&keep.name), fate);
        }
        for name in self.refusals.keys() {
            if let Some(fate) = self.refused(name) {
                add(name, scope_of(name), fate);
            }
        }
        let entry = |((scope, name), (fate, words))| Entry {
            name,
            scope,
            fate,
            words,
        };
        entries.into_iter().map(entry).collect()
    }

    /// The entry of the lock's registers with that name.
    fn entry(&self, name: &str) -> Option<&'a LockedRegister> {
        self.lock.registers.iter().find(|entry| entry.name == name)
    }

    fn title(&self) -> &str {
        &self.told.vmm.title
    }

    /// The features by name that guests have beside the lock's, and can see.
    fn forced(&self) -> String {
        let forced = self.told.forced(self.lock, self.report).into_iter();
        let names: Vec<&str> = forced.filter(|f| f.has_view()).map(Feature::name).collect();
        names.join(" and ")
    }

    fn feature(&self, feature: Feature) -> (Fate, String) {
        let wanted = self.lock.features.contains(&feature);
        let given = self.told.gives(feature, wanted, self.report);
        let title = self.title();
        match (wanted, given, self.told.manner(feature)) {
            (true, false, _) => (Fate::Cannot, format!("{title} gives it to no guest")),
            (false, true, _) => (
                Fate::Forced,
                format!("{title} gives it to every guest where the host has it"),
            ),
            (false, false, Some(Manner::Always)) => (
                Fate::Chance,
                format!("{title} would give it, and this host has none"),
            ),
            _ => (Fate::Kept, String::new()),
        }
    }

    fn fact(&self, name: &str, promises: &[&Promise]) -> (Fate, String) {
        if let Some(fate) = self.overwritten(name, promises) {
            return fate;
        }
        let key = promises[0].key;
        let stolen = self
            .told
            .gives_as_promised(Feature::StealTime, self.lock, self.report);
        if name == STOLEN_TIME_AT && self.lock.features.contains(&Feature::StealTime) && stolen {
            let words = format!("where {} has room for it", self.title());
            return (Fate::Overwritten, words);
        }
        let decided = self.deciders.get(&key);
        if !stolen && decided.is_some_and(|by| by.contains(&Decider::StolenTime)) {
            return self.feature(Feature::StealTime);
        }
        if let Some(entry) = self.entry(name) {
            return self.register(entry);
        }
        if let Some(fate) = self.refused(name) {
            return fate;
        }
        if let Some(fate) = self.follows(name, promises) {
            return fate;
        }
        if wire::kind_of(key) == Some(Kind::SveVectorLength) {
            return self.lengths();
        }
        match decided {
            Some(by) => self.call(name, by),
            None => (Fate::Chance, String::new()),
        }
    }

    /// What becomes of a fact for which no entry of the plan stands: a refusal of the register that decides it, or of the
    /// call by which a guest looks for a conduit, speaks for it. `None` where it is as promised, or will be.
    fn follows(&self, name: &str, promises: &[&Promise]) -> Option<(Fate, String)> {
        let key = promises[0].key;
        let smc = name.starts_with(SMC) && self.refusals.contains_key(BY_SMC);
        if !smc && (self.deciders.contains_key(&key) || Scope::of(key) != Scope::Cpu) {
            return None;
        }
        let broken = |p: &&&Promise| {
            let mut seen = self.view.guest.iter();
            // MPIDR_EL1 depends on how many there are.
            seen.any(|f| f.vcpu == p.vcpu && f.name == name && !p.kept(f.seen))
                && name != "MPIDR_EL1"
        };
        promises.iter().find(broken)?;
        if smc {
            return Some((Fate::Cannot, "this host's kernel takes no SMC".to_owned()));
        }
        let Some(register) = settled::decided_by(key) else {
            let mut features = self.lock.features.clone();
            features.sort();
            let own = self.report.view(&features);
            let kept = |p: &&Promise| {
                let mut seen = own.iter().flat_map(|view| &view.guest);
                seen.any(|f| f.vcpu == p.vcpu && f.name == name && p.kept(f.seen))
            };
            return Some(match promises.iter().any(kept) {
                true => (Fate::Forced, format!("with {}", self.forced())),
                false => (
                    Fate::Cannot,
                    "a guest on this host sees something else".to_owned(),
                ),
            });
        };
        let entry = self.entry(register)?;
        let (fate, _) = self.register(entry);
        (fate > Fate::Chance).then(|| (fate, format!("{register} decides it")))
    }

    /// What the VMM itself makes of a fact; `None` where others decide.
    fn overwritten(&self, name: &str, promises: &[&Promise]) -> Option<(Fate, String)> {
        let vmm = self.told.vmm;
        let own: &Overwrites = vmm.overwrites.iter().find(|o| names(&o.names, name))?;
        let title = self.title();
        let Some(value) = own.value else {
            let words = format!("{title} writes what it has read elsewhere: {}", own.source);
            return Some((Fate::Overwritten, words));
        };
        let differs = |p: &&&Promise| {
            let promised = p.value.unwrap_or(!value);
            (promised ^ value) & own.mask & p.mask != 0
        };
        if let Some(broken) = promises.iter().find(differs) {
            let shown = broken.value.unwrap_or(0) & !own.mask | value & own.mask;
            let words = match broken.value {
                Some(promised) => {
                    format!("promised {promised:#x}, and {title} makes it {shown:#x}")
                }
                None => format!("promised nothing there, and {title} makes it {shown:#x}"),
            };
            return Some((Fate::Overwritten, words));
        }
        let whole = promises.iter().all(|p| p.mask & !own.mask == 0);
        whole.then(|| (Fate::Kept, format!("{title} makes it so by itself")))
    }

    /// Why the plan refuses an entry; `None` where it does not.
    fn refused(&self, name: &str) -> Option<(Fate, String)> {
        let refusals = self.refusals.get(name)?;
        // Where it is refused for the features that every guest gets, and for nothing else, it is these that are forced.
        let (mut here, mut unwritten, mut forced) = (Vec::new(), Vec::new(), Vec::new());
        for refusal in refusals {
            let group = match &refusal.name {
                name if self.native.contains(name) => &mut here,
                name if self.unwritten.contains(name) => &mut unwritten,
                _ => &mut forced,
            };
            group.push(field(name, refusal));
        }
        let fate = match here.is_empty() && unwritten.is_empty() {
            true => Fate::Forced,
            false => Fate::Cannot,
        };
        let title = self.title();
        let groups = [
            (here, "this host cannot show it".to_owned()),
            (unwritten, format!("{title} does not write it")),
            (forced, format!("with {}", self.forced())),
        ];
        let groups = groups.iter().filter(|(fields, _)| !fields.is_empty());
        let words: Vec<String> = groups
            .map(|(fields, why)| format!("{}: {why}", fields.join(", ")))
            .collect();
        Some((fate, words.join("; ")))
    }

    /// Whether a step of the plan is one of the VMM's.
    fn carried_out(&self, step: &Step) -> (Fate, String) {
        match self.told.carries_out(step) {
            true => (Fate::Kept, String::new()),
            false => {
                let words = format!("the host takes it, and {} does not write it", self.title());
                (Fate::Cannot, words)
            }
        }
    }

    /// An entry of the lock's registers.
    fn register(&self, entry: &LockedRegister) -> (Fate, String) {
        if let Some(fate) = self.refused(&entry.name) {
            return fate;
        }
        let mut keeps = self.plan.keeps.iter();
        let step = keeps
            .find(|k| k.name == entry.name)
            .and_then(|k| k.step.as_ref());
        match step {
            Some(step) => self.carried_out(step),
            None if self.is_written(entry) => (Fate::Kept, String::new()),
            None => (Fate::Chance, String::new()),
        }
    }

    /// Whether the VMM writes that register, be it with the value that the host has already: what only silicon decides, and
    /// what the host does not list, nobody writes.
    fn is_written(&self, entry: &LockedRegister) -> bool {
        let listed = self.view.register(entry.id);
        entry.rule != Binding::Fact
            && listed.is_some_and(|r| r.value.is_some())
            && !self.refusals.contains_key(&entry.name)
            && self.told.writes(&entry.name).is_some()
    }

    fn lengths(&self) -> (Fate, String) {
        if let Some(fate) = self.refused(LENGTHS) {
            return fate;
        }
        let mut keeps = self.plan.keeps.iter();
        match keeps
            .find(|keep| keep.name == LENGTHS)
            .and_then(|k| k.step.as_ref())
        {
            Some(step) => self.carried_out(step),
            None if self.told.length().is_some() => (Fate::Kept, String::new()),
            None => (Fate::Chance, String::new()),
        }
    }

    /// A firmware call: kept where all that decides its answer is.
    fn call(&self, name: &str, by: &BTreeSet<Decider>) -> (Fate, String) {
        let mut keeps = self.plan.keeps.iter();
        let moved = keeps.any(|keep| keep.name == name && keep.way == Way::Set);
        // Whether it is given as promised was looked at before.
        let written = |decider: &Decider| match decider {
            Decider::Register(id) => self.written.contains(id),
            Decider::StolenTime => self.lock.features.contains(&Feature::StealTime),
            Decider::Kernel => false,
        };
        if moved && !by.iter().any(written) {
            let words = format!("{} does not write what decides it", self.title());
            return (Fate::Cannot, words);
        }
        let held = |decider: &Decider| match decider {
            Decider::Register(id) => {
                let mut entries = self.lock.registers.iter();
                entries.any(|entry| entry.id == *id && self.is_written(entry))
            }
            Decider::StolenTime => self.told.manner(Feature::StealTime) != Some(&Manner::Always),
            Decider::Kernel => false,
        };
        match !by.is_empty() && by.iter().all(held) {
            true => (Fate::Kept, String::new()),
            false => (Fate::Chance, String::new()),
        }
    }
}

/// What a refusal says of an entry: of a register, one of its fields.
fn field(entry: &str, refusal: &Refusal) -> String {
    let Refusal {
        name,
        wanted,
        offered,
        ..
    } = refusal;
    // What else the host takes is of no use here.
    let offered = offered.split(" (").next().unwrap_or(offered);
    match name
        .strip_prefix(entry)
        .and_then(|rest| rest.strip_prefix('.'))
    {
        Some(field) => format!("{field} is {offered} and not {wanted}"),
        None => format!("{offered} and not {wanted}"),
    }
}

/// The entry that a refusal is about: it names the field where one differs.
fn about(name: &str, is_entry: impl Fn(&str) -> bool) -> &str {
    match name.rsplit_once('.') {
        Some((register, _)) if !is_entry(name) && is_entry(register) => register,
        _ => name,
    }
}

/// Of which part of the machine an entry is that a plan names.
fn scope_of(name: &str) -> Scope {
    const OF_MACHINE: [&str; 2] = ["vCPUs", "address bits"];
    if name == Feature::StealTime.name() || name.starts_with("KVM_REG_ARM_") {
        Scope::Firmware
    } else if name == "GICv3" {
        Scope::Gic
    } else if name == plan::ENTRY || name.ends_with(" at entry") {
        Scope::Entry
    } else if OF_MACHINE.contains(&name) {
        Scope::Machine
    } else {
        let register = name.rsplit_once('.').map(|(register, _)| register);
        let key = key_named(name).or(register.and_then(key_named));
        key.map_or(Scope::Cpu, Scope::of)
    }
}
