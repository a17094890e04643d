//! The judge of an export: what becomes of each entry of a lock, by the plan on what a VMM leaves of the host.
//!
//! Nothing is said to be as promised without somebody who says so: the VMM that writes it, the plan, or the report's own
//! guest, which saw it. What none of them knows is not kept.

use super::calls::{self, Decider};
use super::through::{self, Told};
use super::{Entry, Fate, scope_of};
use crate::catalogue::vmm::{Manner, Overwrites, names};
use crate::lock::{Binding, Lock, LockedRegister};
use crate::machine::mpidr;
use crate::observation::scope::Scope;
use crate::observation::wire::{self, Kind};
use crate::observation::{Promise, settled, words};
use crate::plan::{
    BY_SMC, Emulation, LENGTHS, Plan, Refusal, SMC, Step, Way, default_services, plan_with,
};
use crate::report::{HostReport, Seen, View};
use crate::smccc::{Services, answer_to, answers};
use crate::vm::Feature;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// The fact that says where stolen time is written.
const STOLEN_TIME_AT: &str = "PV_TIME_ST()";
/// What KVM makes of a vCPU's number, which nobody can change.
const OF_SHAPE: [&str; 3] = ["MPIDR_EL1", "GICR_TYPER", "GICR_TYPER.high"];
/// Why a fact is not known.
const UNTOLD: &str = "the report does not say what a guest sees there";

type Judged = (Fate, String);

/// What has to be known to tell the fates.
pub(super) struct Judge<'a> {
    pub lock: &'a Lock,
    pub told: Told<'a>,
    pub report: &'a HostReport,
    /// What a guest with the VMM's features has on this host.
    pub view: &'a View,
    /// The plan on what is left of the host through this VMM.
    pub plan: Plan,
    /// What is promised, by name.
    facts: BTreeMap<String, Vec<&'a Promise>>,
    /// What that guest saw, by vCPU and name.
    seen: BTreeMap<(u32, &'a str), Seen>,
    /// Refusals of that plan, by the entry that they are about.
    refusals: BTreeMap<String, Vec<Refusal>>,
    /// Names of the refusals that are there as well with the lock's own features, and with our own runner.
    unwritten: BTreeSet<String>,
    native: BTreeSet<String>,
    /// Who decides the answer of each firmware call.
    deciders: BTreeMap<u64, BTreeSet<Decider>>,
    /// What decides the calls' answers on this host by default, and what does once the VMM has written what it writes.
    services: [Services; 2],
}

impl<'a> Judge<'a> {
    pub fn new(
        lock: &'a Lock,
        report: &'a HostReport,
        seen: &'a HostReport,
        told: Told<'a>,
        promised: impl Iterator<Item = &'a Promise>,
    ) -> Self {
        let mut facts: BTreeMap<String, Vec<&Promise>> = BTreeMap::new();
        for promise in promised {
            let name = promise.name().into_owned();
            facts.entry(name).or_default().push(promise);
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
            let of_entry = refusals.entry(entry.to_owned()).or_default();
            of_entry.push(refusal.clone());
        }
        let view = &seen.views[0];
        let default = default_services(view);
        let mut then = default;
        for step in plan.steps().filter(|step| told.carries_out(step)) {
            if let Step::Register { id, value } = step {
                calls::write(&mut then, *id, *value);
            }
        }
        let wanted = lock.features.contains(&Feature::StealTime);
        then.stolen_time = told.gives(Feature::StealTime, wanted, report);
        let guest = view.guest.iter();
        Self {
            unwritten: refused(&through::hands(report, told)),
            native: refused(report),
            deciders: calls::deciders(lock),
            services: [default, then],
            seen: guest.map(|f| ((f.vcpu, f.name.as_str()), f.seen)).collect(),
            lock,
            told,
            report,
            view,
            facts,
            plan,
            refusals,
        }
    }

    /// What becomes of every entry.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: BTreeMap<(Option<Scope>, String), Judged> = BTreeMap::new();
        let mut add = |name: &str, scope: Option<Scope>, judged: Judged| {
            entries.entry((scope, name.to_owned())).or_insert(judged);
        };
        for feature in Feature::ALL {
            let name = feature.name();
            add(name, scope_of(name), self.feature(*feature));
        }
        for (name, promises) in &self.facts {
            let waived = self.entry(name).is_some_and(|entry| entry.promised() == 0);
            if let Some(promise) = promises.first().filter(|_| !waived) {
                add(
                    name,
                    Some(Scope::of(promise.key)),
                    self.fact(name, promises),
                );
            }
        }
        for entry in &self.lock.registers {
            if entry.promised() != 0 || entry.rule == Binding::Absent {
                add(&entry.name, scope_of(&entry.name), self.register(entry));
            }
        }
        // What the host lists beside the lock, and shows as if it was not there.
        let absent = self.plan.keeps.iter().filter(|k| k.way == Way::Absent);
        for keep in absent {
            let judged = match &keep.step {
                Some(step) => self.carried_out(step),
                None => (Fate::Chance, String::new()),
            };
            add(&keep.name, scope_of(&keep.name), judged);
        }
        for name in self.refusals.keys() {
            if let Some(judged) = self.refused(name) {
                add(name, scope_of(name), judged);
            }
        }
        let entry = |((scope, name), (fate, words)): ((_, String), Judged)| Entry {
            seen: self.facts.contains_key(&name),
            name,
            scope,
            fate,
            words,
        };
        entries.into_iter().map(entry).collect()
    }

    /// What a guest can find here and no lock promises, by name; of all parts of the machine, whichever are judged.
    pub fn unpromised(&self) -> Vec<String> {
        let keeps = self.plan.keeps.iter();
        let found = keeps.filter(|keep| keep.way == Way::Unpromised);
        found.map(|keep| keep.name.clone()).collect()
    }

    /// Whether the VMM writes that register, be it with the value that the host has already. Nobody writes what only
    /// silicon decides, what the host does not list and what is waived; and where a guest reads something else than KVM
    /// says, writing KVM's own value changes nothing.
    pub fn is_written(&self, entry: &LockedRegister) -> bool {
        let listed = self.view.register(entry.id);
        entry.rule != Binding::Fact
            && entry.promised() != 0
            && listed.is_some_and(|r| r.value.is_some())
            && !self.plan.only_inside.contains(&entry.id)
            && !self.refusals.contains_key(&entry.name)
            && self.told.can_say(entry)
    }

    /// The entry of the lock's registers with that name.
    fn entry(&self, name: &str) -> Option<&'a LockedRegister> {
        self.lock.registers.iter().find(|entry| entry.name == name)
    }

    fn title(&self) -> &str {
        &self.told.vmm.title
    }

    /// What follows from the features that the VMM's guests have otherwise than the lock.
    fn by_features(&self) -> Judged {
        let names = |features: Vec<Feature>| {
            let visible = features.into_iter().filter(|f| f.has_view());
            visible.map(Feature::name).collect::<Vec<_>>().join(" and ")
        };
        let forced = names(self.told.forced(self.lock, self.report));
        let withheld = names(self.told.withheld(self.lock, self.report));
        match (forced.is_empty(), withheld.is_empty()) {
            (false, true) => (Fate::Forced, format!("with {forced}")),
            (true, false) => (Fate::Cannot, format!("without {withheld}")),
            (false, false) => (
                Fate::Cannot,
                format!("with {forced}, and without {withheld}"),
            ),
            (true, true) => (
                Fate::Cannot,
                "a guest on this host sees something else".to_owned(),
            ),
        }
    }

    fn feature(&self, feature: Feature) -> Judged {
        let wanted = self.lock.features.contains(&feature);
        let given = self.told.gives(feature, wanted, self.report);
        let title = self.title();
        let chance = |words: String| (Fate::Chance, words);
        match (wanted, given, self.told.manner(feature)) {
            (true, false, _) => (Fate::Cannot, format!("{title} gives it to no guest")),
            (false, true, _) => (
                Fate::Forced,
                format!("{title} gives it to every guest where the host has it"),
            ),
            (true, true, Some(Manner::Told { insists: true, .. })) => (Fate::Kept, String::new()),
            (true, true, _) => chance(format!("where a host has none, {title} leaves it out")),
            (false, false, Some(Manner::Always)) => {
                chance(format!("{title} would give it, and this host has none"))
            }
            (
                false,
                false,
                Some(Manner::Told {
                    if_offered: true, ..
                }),
            ) if !self.report.offers(feature) => chance(format!(
                "this host has none, and {title} can only be told so where there is one"
            )),
            (false, false, _) => (Fate::Kept, String::new()),
        }
    }

    fn fact(&self, name: &str, promises: &[&Promise]) -> Judged {
        if let Some(judged) = self.overwritten(name, promises) {
            return judged;
        }
        let given = |feature| self.told.gives_as_promised(feature, self.lock, self.report);
        let wanted = self.lock.features.contains(&Feature::StealTime);
        if name == STOLEN_TIME_AT && wanted && given(Feature::StealTime) {
            let words = format!("where {} has room for it", self.title());
            return (Fate::Overwritten, words);
        }
        if let Some(entry) = self.entry(name) {
            return self.register(entry);
        }
        if let Some(judged) = self.refused(name) {
            return judged;
        }
        let key = promises[0].key;
        if let Some(by) = self.deciders.get(&key) {
            return self.call(name, promises[0], by);
        }
        if wire::kind_of(key) == Some(Kind::SveVectorLength) {
            return self.lengths();
        }
        self.shown(name, promises)
    }

    /// What the VMM itself makes of a fact; `None` where others decide.
    fn overwritten(&self, name: &str, promises: &[&Promise]) -> Option<Judged> {
        let vmm = self.told.vmm;
        let own = vmm.overwrites.iter().find(|o| names(&o.names, name));
        let title = self.title();
        let (value, mask) = match own {
            Some(Overwrites {
                value: None,
                source,
                ..
            }) => {
                let words = format!("{title} writes what it has read elsewhere: {source}");
                return Some((Fate::Overwritten, words));
            }
            Some(Overwrites {
                value: Some(value),
                mask,
                ..
            }) => (*value, *mask),
            // Groups of interrupts that its distributor does not have read as zero.
            None => match group(name).zip(self.told.lines()) {
                Some((group, lines)) if group > lines => (0, u64::MAX),
                _ => return None,
            },
        };
        let differs = |p: &&&Promise| {
            let promised = p.value.unwrap_or(!value);
            (promised ^ value) & mask & p.mask != 0
        };
        if let Some(broken) = promises.iter().find(differs) {
            let shown = broken.value.unwrap_or(0) & !mask | value & mask;
            let words = match broken.value {
                Some(promised) => {
                    format!("promised {promised:#x}, and {title} makes it {shown:#x}")
                }
                None => format!("promised nothing there, and {title} makes it {shown:#x}"),
            };
            return Some((Fate::Overwritten, words));
        }
        // The rest is KVM's: nobody holds it, and it is as the report's guest saw it.
        if promises.iter().any(|p| p.mask & !mask != 0) {
            let seen = |p: &Promise| match self.seen_by(p, name)? {
                Seen::Value(value) => Some(value),
                _ => None,
            };
            let as_seen = |p: &&Promise| {
                let both = p.value.zip(seen(p));
                both.is_some_and(|(value, seen)| (value ^ seen) & p.mask & !mask == 0)
            };
            let words = format!("{title} makes some of it so, and nobody holds the rest");
            return promises
                .iter()
                .all(as_seen)
                .then_some((Fate::Chance, words));
        }
        Some(match vmm.insists_on_gicv3 {
            true => (Fate::Kept, format!("{title} makes it so by itself")),
            false => {
                let words = format!("{title} makes it so, and takes a GICv2 where that fails");
                (Fate::Chance, words)
            }
        })
    }

    /// Why the plan refuses an entry; `None` where it does not.
    fn refused(&self, name: &str) -> Option<Judged> {
        let refusals = self.refusals.get(name)?;
        if scope_of(name).is_none() {
            let reasons: Vec<&str> = refusals.iter().map(|r| r.reason.as_str()).collect();
            return Some((Fate::Cannot, reasons.join("; ")));
        }
        // Where it is refused for the features that every guest gets, and for nothing else, it is these that are forced.
        let (mut here, mut unwritten, mut otherwise) = (Vec::new(), Vec::new(), Vec::new());
        for refusal in refusals {
            let group = match &refusal.name {
                name if self.native.contains(name) => &mut here,
                name if self.unwritten.contains(name) => &mut unwritten,
                _ => &mut otherwise,
            };
            group.push(field(name, refusal));
        }
        let (by_features, with) = self.by_features();
        let fate = match here.is_empty() && unwritten.is_empty() {
            true => by_features,
            false => Fate::Cannot,
        };
        let title = self.title();
        let groups = [
            (here, "this host cannot show it".to_owned()),
            (unwritten, format!("{title} does not write it")),
            (otherwise, with),
        ];
        let groups = groups.iter().filter(|(fields, _)| !fields.is_empty());
        let words: Vec<String> = groups
            .map(|(fields, why)| format!("{}: {why}", fields.join(", ")))
            .collect();
        Some((fate, words.join("; ")))
    }

    /// Whether a step of the plan is one of the VMM's.
    fn carried_out(&self, step: &Step) -> Judged {
        match self.told.carries_out(step) {
            true => (Fate::Kept, String::new()),
            false => {
                let words = format!("the host takes it, and {} does not write it", self.title());
                (Fate::Cannot, words)
            }
        }
    }

    /// An entry of the lock's registers.
    fn register(&self, entry: &LockedRegister) -> Judged {
        if let Some(judged) = self.refused(&entry.name) {
            return judged;
        }
        let mut keeps = self.plan.keeps.iter();
        let Some(keep) = keeps.find(|keep| keep.name == entry.name) else {
            return (Fate::Cannot, UNTOLD.to_owned());
        };
        match &keep.step {
            Some(step) => match self.carried_out(step) {
                (Fate::Kept, _) => self.written(entry),
                judged => judged,
            },
            None if self.is_written(entry) => self.written(entry),
            // How it is as promised, where the host does not list it.
            None => (Fate::Chance, keep.words.clone()),
        }
    }

    /// A register that the VMM writes: kept, but where KVM on another host can ignore what is written.
    fn written(&self, entry: &LockedRegister) -> Judged {
        /// The AArch32 ID registers, ID_PFR0_EL1 to ID_MMFR5_EL1 and those between them: op0 3, op1 0, CRn 0, CRm 1 to 3.
        const AARCH32: RangeInclusive<u64> = 0x6030_0000_0013_c008..=0x6030_0000_0013_c01f;
        /// ID_AA64PFR0_EL1.EL0, which says whether there is AArch32 at EL0.
        const EL0: u64 = 0xf;
        let holds_el0 = || {
            let entry = self.entry("ID_AA64PFR0_EL1");
            entry.is_some_and(|e| self.is_written(e) && e.promised() & EL0 == EL0)
        };
        if entry.name == "CTR_EL0" {
            let words = "on a CPU with FEAT_EVT where KVM has that value already, a guest reads the CPU's own";
            return (Fate::Chance, words.to_owned());
        }
        if AARCH32.contains(&entry.id) && !holds_el0() {
            let words = "on a host without AArch32 at EL0 KVM ignores what is written, and nothing holds ID_AA64PFR0_EL1.EL0";
            return (Fate::Chance, words.to_owned());
        }
        (Fate::Kept, String::new())
    }

    fn lengths(&self) -> Judged {
        if let Some(judged) = self.refused(LENGTHS) {
            return judged;
        }
        let mut keeps = self.plan.keeps.iter();
        let keep = keeps.find(|keep| keep.name == LENGTHS);
        match keep.map(|keep| &keep.step) {
            Some(Some(step)) => self.carried_out(step),
            Some(None) if self.told.lengths().is_some() => (Fate::Kept, String::new()),
            Some(None) => (Fate::Chance, String::new()),
            None => (Fate::Cannot, UNTOLD.to_owned()),
        }
    }

    /// A firmware call, or what follows from one: kept where all that decides its answer is.
    fn call(&self, name: &str, promise: &Promise, by: &BTreeSet<Decider>) -> Judged {
        let promised = match promise.value {
            Some(value) if self.answer(name, promise.key) == Some(value) => true,
            _ => calls::of_structure(promise.key) && calls::tells_stolen_time(&self.services[1]),
        };
        let of_time = by.contains(&Decider::StolenTime);
        let stolen = self.feature(Feature::StealTime);
        if !promised {
            return match of_time && stolen.0 > Fate::Chance {
                true => stolen,
                false => {
                    let words = format!("{} does not write what decides it", self.title());
                    (Fate::Cannot, words)
                }
            };
        }
        let held = |decider: &Decider| match decider {
            Decider::Register(id) => {
                let mut entries = self.lock.registers.iter();
                entries.any(|entry| entry.id == *id && self.is_written(entry))
            }
            Decider::StolenTime => stolen.0 == Fate::Kept,
            Decider::Kernel => false,
        };
        match !by.is_empty() && by.iter().all(held) {
            true => (Fate::Kept, String::new()),
            false => (Fate::Chance, String::new()),
        }
    }

    /// What the kernel answers a call once the VMM has written what it writes, as [`plan`](crate::plan) foretells it for
    /// what our runner writes: by the model, where the host's default answer is the model's. `None` where nobody knows.
    fn answer(&self, name: &str, key: u64) -> Option<u64> {
        let modelled = |services: &Services| {
            let all = answers(services, self.lock.lock_version);
            answer_to(&all, key)
        };
        let [before, after] = self.services.each_ref().map(modelled);
        let now = self.seen.get(&(0, name)).and_then(|seen| match seen {
            Seen::Value(value) => Some(*value),
            _ => None,
        });
        match now.is_some() && now == before {
            true => after,
            false => now.filter(|_| before == after),
        }
    }

    /// What a vCPU of the lock sees there: what the report's guest saw, whose second vCPU stands for all others, but for
    /// what KVM makes of a vCPU's number, and for how many redistributors there are.
    fn seen_by(&self, promise: &Promise, name: &str) -> Option<Seen> {
        /// GICR_TYPER.Last and .Processor_Number (Arm IHI 0069 section 12.11.32).
        const LAST: u64 = 1 << 4;
        const NUMBER: u64 = 0xffff << 8;
        let seen = *self.seen.get(&(promise.vcpu.min(1), name))?;
        let Seen::Value(value) = seen else {
            return Some(seen);
        };
        let index = u64::from(promise.vcpu);
        let beyond = promise.vcpu >= self.view.vcpus();
        let value = match name {
            "MPIDR_EL1" if beyond => mpidr(index),
            "GICR_TYPER.high" if beyond => mpidr(index) & 0xff_ffff,
            "GICR_TYPER" => {
                let number = match beyond {
                    true => index << 8,
                    false => value & NUMBER,
                };
                // The last one of its region: how many another VMM has, nobody knows who has several.
                let machine = &self.lock.machine;
                if machine.redistributors.len() > 1 {
                    return None;
                }
                let last = match promise.vcpu as usize + 1 == machine.vcpus.len() {
                    true => LAST,
                    false => 0,
                };
                value & !(NUMBER | LAST) | number | last
            }
            _ => value,
        };
        Some(Seen::Value(value))
    }

    /// A fact for which no entry of the plan stands: as promised where the report's guest saw it, and nowhere else.
    fn shown(&self, name: &str, promises: &[&Promise]) -> Judged {
        let chance = (Fate::Chance, String::new());
        let key = promises[0].key;
        let keeps = self.plan.keeps.iter().filter(|keep| keep.name == name);
        if let Some(step) = keeps.clone().find_map(|keep| keep.step.as_ref()) {
            return self.carried_out(step);
        }
        // The others are by a step that stands elsewhere, or are what no lock promises.
        let by_itself = |way| matches!(way, Way::Same | Way::Fact | Way::Absent);
        let kept = keeps.clone().any(|keep| by_itself(keep.way));
        let beyond = |p: &&Promise| settled::starts_beyond(p.key, self.view.vcpus(), self.lock);
        if kept || promises.iter().all(beyond) {
            return chance;
        }
        let seen = |p: &&Promise| self.seen_by(p, name);
        if promises.iter().any(|p| seen(p).is_none()) {
            return (Fate::Cannot, UNTOLD.to_owned());
        }
        let broken = promises.iter().find_map(|p| {
            let seen = seen(p)?;
            (!p.kept(seen)).then_some((p, seen))
        });
        let Some((promise, seen)) = broken else {
            return chance;
        };
        if OF_SHAPE.contains(&name) {
            let (vcpu, wanted, seen) = (promise.vcpu, promise.words(), words(seen, u64::MAX));
            let words = format!("vCPU {vcpu} is promised {wanted}, and KVM makes it {seen}");
            return (Fate::Cannot, words);
        }
        if name.starts_with(SMC) && self.refusals.contains_key(BY_SMC) {
            return (Fate::Cannot, "this host's kernel takes no SMC".to_owned());
        }
        let decided = settled::decided_by(key).and_then(|register| self.entry(register));
        match decided.map(|entry| (entry, self.register(entry).0)) {
            // An export has no rehearsal, in which our own runner would see whether the kernel follows.
            Some((entry, Fate::Kept)) => {
                let words = format!(
                    "{} decides it once written, and nobody saw that it does",
                    entry.name
                );
                (Fate::Cannot, words)
            }
            Some((entry, fate)) if fate > Fate::Chance => {
                (fate, format!("{} decides it", entry.name))
            }
            _ => self.by_features(),
        }
    }
}

/// Of a fact about groups of the distributor's interrupts, of which 32 it is (`GICD_IGROUPR3`, `GICD_IGROUPR3.writable`).
fn group(name: &str) -> Option<u64> {
    let rest = name.strip_prefix("GICD_IGROUPR")?;
    rest.strip_suffix(".writable").unwrap_or(rest).parse().ok()
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
