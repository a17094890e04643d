//! What default guests of some hosts see otherwise than a baseline says: a kernel that changed is told here from one
//! that did not.
//!
//! Each host is looked at with every set of vCPU features that a guest had or has there. What differs from the lock of
//! the same guest becomes statements of a baseline, each as general as all of the guests allow: `show` before a number, no
//! condition before one. A statement is taken when the lock that comes of it shows what the host shows, by the very
//! functions that make and plan locks; nothing of what they decide is decided here again. What no statement can say is
//! compared with the report of a host with the old kernel, where there is one. What nobody can compare is said too: it
//! counts neither as changed nor as the same.

mod beyond;
mod restore;
mod search;

pub use beyond::{Remedy, Unsaid};
pub use restore::{Knob, Restored, Together};

use crate::adopt::{deviations, tells};
use crate::catalogue::{Baseline, Catalogue, LOCK_VERSION, Statement, Subject};
use crate::lock::Lock;
use crate::plan::{Refusal, not_offered, plan};
use crate::report::{HostReport, View};
use crate::resolve::{self, Complaint};
use crate::vm::{Cpu, Feature, SetField, VmSpec};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A probe's guest has two vCPUs.
const VCPUS: u32 = 2;
/// Memory of the machine that is tried: the least that there is.
const MEMORY_BYTES: u64 = 64 << 20;
/// What the statements that are tried are called; no baseline has a space in its name.
const TRIED: &str = "statements that are tried";

/// A host, and the CPU model that its CPU is.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// A CPU model of the catalogue.
    pub model: &'a str,
    /// What its kernel can be made to show.
    pub report: &'a HostReport,
    /// What the old kernel can be made to show on that CPU, where somebody has looked.
    pub old: Option<&'a HostReport>,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Baselines and CPU models.
    pub catalogue: &'a Catalogue,
    /// The whole baseline that says what guests saw.
    pub baseline: &'a str,
    /// The whole baseline that a description would name for it: the same, or the nearest one that there is to name.
    pub named: &'a str,
    /// What statements name as their source.
    pub source: &'a str,
}

/// One host's guest with one set of vCPU features.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// Index of the host.
    pub host: usize,
    /// The vCPU features, sorted.
    pub features: Vec<Feature>,
}

/// A default guest that can be compared.
#[derive(Debug)]
pub struct Guest<'a> {
    /// Which one it is.
    pub machine: Machine,
    model: &'a str,
    report: &'a HostReport,
    old: Option<&'a HostReport>,
    view: &'a View,
    /// With `sve`: the vector lengths that it had, in bits.
    lengths: Vec<u32>,
    /// Its lock by the baseline alone.
    before: Lock,
    /// In what it deviates from that.
    deviates: Vec<Subject>,
}

/// One thing that changed.
#[derive(Debug)]
pub struct Entry {
    /// What a baseline has to say of it.
    pub statement: Statement,
    /// The guests for which it makes a difference.
    pub seen: Vec<Difference>,
}

/// What one statement makes of one guest's lock.
#[derive(Debug)]
pub struct Difference {
    /// The guest.
    pub machine: Machine,
    /// The lock without that statement.
    pub before: Lock,
    /// The same with it.
    pub after: Lock,
    /// What brings the old values back on this host.
    pub restored: Restored,
}

/// Whether a machine that is locked to the old baseline is kept.
#[derive(Debug)]
pub struct Kept {
    /// Which one.
    pub machine: Machine,
    /// What of it is refused; nothing where it is kept.
    pub refusals: Vec<Refusal>,
}

/// What could not be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Whose it is.
    pub machine: Machine,
    /// What, and why, in words.
    pub words: String,
}

/// What changed.
#[derive(Debug)]
pub struct Drift<'a> {
    /// The guests that were compared.
    pub guests: Vec<Guest<'a>>,
    /// What a baseline can say, in an order fit for a file.
    pub entries: Vec<Entry>,
    /// What changed beside, each with the guests that it is about.
    pub unsaid: BTreeMap<Unsaid, Vec<Machine>>,
    /// In what the hosts differ from a baseline with all of these statements, whether it changed or not.
    pub beyond: BTreeMap<Unsaid, Vec<Machine>>,
    /// What could not be compared.
    pub unknown: Vec<Unknown>,
    /// How many things changed of which no statement was looked for, since so much did: in what, `unknown` does not say.
    pub unsought: usize,
    /// Every machine of the old baseline, kept or refused.
    pub kept: Vec<Kept>,
    /// Where several lines restore something for one guest: all of them in one description.
    pub together: Vec<Together>,
}

/// Why hosts cannot be compared with a baseline.
#[derive(Debug)]
pub enum Unfit {
    /// No guest ran on that host, by its index, that could have looked.
    NoGuest(usize),
    /// The baseline cannot be applied to the CPU model of that host.
    NoLock(usize, Vec<Complaint>),
}

impl Drift<'_> {
    /// Whether anything is known to have changed.
    pub fn has_changed(&self) -> bool {
        !(self.entries.is_empty() && self.unsaid.is_empty() && self.unsought == 0)
    }

    /// Whether everything was compared, and nothing changed; of the hosts of [`Self::by_promises`], all that is promised.
    pub fn is_none(&self) -> bool {
        !self.has_changed() && self.unknown.is_empty()
    }

    /// Indices of the hosts of which nobody has looked at the old kernel: what no lock promises is not compared there.
    pub fn by_promises(&self) -> BTreeSet<usize> {
        let guests = self.guests.iter().filter(|guest| guest.old.is_none());
        guests.map(|guest| guest.machine.host).collect()
    }

    /// Takes out of what changed what the reports of the old kernel do not tell, and names each by those words: for a
    /// baseline that was made of such a report, and says there what another one does.
    pub fn set_aside_untold(&mut self, words: impl Fn(&Statement) -> String) {
        let guests: BTreeMap<&Machine, &Guest<'_>> =
            self.guests.iter().map(|g| (&g.machine, g)).collect();
        let is_told = |subject: &Subject, machine: &Machine| {
            let old = guests.get(machine).and_then(|guest| guest.old);
            // A report that has no view of these features tells nothing of them.
            old.is_none_or(|old| {
                let view = old.view(&machine.features);
                view.is_some_and(|view| tells(subject, view, old))
            })
        };
        let mut aside = Vec::new();
        for entry in &mut self.entries {
            let subject = &entry.statement.subject;
            let all = std::mem::take(&mut entry.seen).into_iter();
            let (told, untold) = all.partition(|seen| is_told(subject, &seen.machine));
            entry.seen = told;
            aside.extend(untold.into_iter().map(|seen: Difference| Unknown {
                machine: seen.machine,
                words: words(&entry.statement),
            }));
        }
        self.entries.retain(|entry| !entry.seen.is_empty());
        // What is no change is not to be restored either, and lines for all that changed would restore that too.
        let is_whole =
            |lines: &Together| aside.iter().all(|unknown| unknown.machine != lines.machine);
        let (whole, part): (Vec<_>, Vec<_>) = std::mem::take(&mut self.together)
            .into_iter()
            .partition(is_whole);
        self.together = whole;
        aside.extend(part.into_iter().map(|lines| Unknown {
            machine: lines.machine,
            words: "which lines restore all that changed together: a part of it the old host's report does not tell"
                .to_owned(),
        }));
        self.unknown.extend(aside);
    }

    /// What a baseline that describes these hosts says beside the old one.
    pub fn statements(&self) -> Vec<Statement> {
        self.entries.iter().map(|e| e.statement.clone()).collect()
    }
}

/// Compares these hosts with a whole baseline.
///
/// # Errors
/// [`Unfit`] says why it cannot be.
pub fn drift<'a>(question: Question<'_>, hosts: &[Host<'a>]) -> Result<Drift<'a>, Unfit> {
    let mut drift = guests(question, hosts)?;
    let bench = Bench { question };
    let (statements, unsought) = search::statements(&bench, &drift.guests);
    let all = unsought.iter();
    let has_changed = |thing: &&Subject| drift.guests.iter().any(|guest| guest.changed(thing));
    drift.unsought = all.filter(has_changed).count();
    for guest in &drift.guests {
        let of_guest = |thing: &&Subject| {
            let mut all = guest.deviates.iter();
            all.any(|subject| search::same_thing(subject, thing))
        };
        match unsought.iter().filter(of_guest).count() {
            0 => {}
            count => drift.unknown.push(Unknown {
                machine: guest.machine.clone(),
                words: format!(
                    "so much differs that for {count} more of it no statement was looked for"
                ),
            }),
        }
    }
    let after = bench.with(&statements);
    for guest in &drift.guests {
        let view = guest
            .old
            .map(|old| (old, old.view(&guest.machine.features)));
        let old = match view {
            Some((old, Some(view))) => Some((view, beyond::left(&guest.before, view, old))),
            Some((_, None)) => {
                drift.unknown.push(Unknown {
                    machine: guest.machine.clone(),
                    words: "what no lock promises: the old host's report has no view of exactly these features".to_owned(),
                });
                None
            }
            None => None,
        };
        let (with, new) = match after.tried(guest, &[]) {
            Ok(lock) => {
                let left = beyond::left(&lock, guest.view, guest.report);
                (lock, left)
            }
            Err(complaints) => {
                let words = words("all that changed together gives no lock", &complaints);
                let machine = guest.machine.clone();
                drift.unknown.push(Unknown { machine, words });
                continue;
            }
        };
        let all = beyond::changed(None, (guest.view, &new));
        let mut changed = beyond::changed(
            old.as_ref()
                .map(|(view, left)| (&guest.before, *view, left)),
            (guest.view, &new),
        );
        if let Some((view, left)) = &old {
            let views = (*view, guest.view);
            let beside = beyond::unpromised([&guest.before, &with], views, [left, &new]);
            changed.unsaid.extend(beside.unsaid);
            changed.unknown.extend(beside.unknown);
        }
        for (list, unsaid) in [
            (&mut drift.beyond, all.unsaid),
            (&mut drift.unsaid, changed.unsaid),
        ] {
            for one in unsaid {
                list.entry(one).or_default().push(guest.machine.clone());
            }
        }
        drift
            .unknown
            .extend(changed.unknown.into_iter().map(|words| Unknown {
                machine: guest.machine.clone(),
                words,
            }));
    }
    // For each guest the lines, and the names of what they bring back.
    let mut knobs: Vec<(Vec<Knob>, BTreeSet<String>)> =
        vec![Default::default(); drift.guests.len()];
    for (index, statement) in statements.iter().enumerate() {
        let alone = bench.with(std::slice::from_ref(statement));
        let mut rest = statements.clone();
        rest.remove(index);
        let without = bench.with(&rest);
        let mut seen = Vec::new();
        for (guest, knobs) in drift.guests.iter().zip(&mut knobs) {
            let differs = |(before, with): (Lock, Lock)| {
                let moved = restore::moved(&before, &with);
                (!moved.is_empty()).then_some((before, with, moved))
            };
            // What says nothing by itself is looked at beside the others.
            let by_itself = alone.lock(guest).map(|with| (guest.before.clone(), with));
            let beside = || without.lock(guest).zip(after.lock(guest));
            let pair = by_itself.and_then(differs);
            let Some((before, with, moved)) = pair.or_else(|| differs(beside()?)) else {
                continue;
            };
            let restored = restore::restored(&bench, &after, guest, statement, &moved);
            if let Restored::By { knob, .. } = &restored {
                if !knobs.0.contains(knob) {
                    knobs.0.push(knob.clone());
                }
                knobs.1.extend(moved.into_keys());
            }
            seen.push(Difference {
                machine: guest.machine.clone(),
                before,
                after: with,
                restored,
            });
        }
        let statement = statement.clone();
        drift.entries.push(Entry { statement, seen });
    }
    let several = drift.guests.iter().zip(knobs);
    drift.together = several
        .filter(|(_, (knobs, _))| knobs.len() > 1)
        .map(|(guest, (knobs, names))| restore::together(&after, guest, knobs, &names))
        .collect();
    Ok(drift)
}

/// The whole baseline from which a host deviates least, the newest among equals; `None` where none can be applied.
pub fn nearest(catalogue: &Catalogue, host: Host<'_>) -> Option<String> {
    let count = |name: &str| -> Option<(usize, usize)> {
        let question = Question {
            catalogue,
            baseline: name,
            named: name,
            source: "",
        };
        let host = Host { old: None, ..host };
        let found = guests(question, &[host]).ok()?;
        let deviates = found.guests.iter().map(|guest| guest.deviates.len());
        // A baseline that has no lock for some guests says less of the host, not more.
        let views = host.report.views.len().saturating_sub(found.guests.len());
        Some((views, deviates.sum()))
    };
    let wholes = catalogue.releases().into_iter().rev();
    let counted = wholes.filter_map(|name| Some((count(name)?, name)));
    let (_, name) = counted.min_by_key(|(count, _)| *count)?;
    Some(name.to_owned())
}

/// Every guest that the baseline has a lock for, and what is to be said of the others.
fn guests<'a>(question: Question<'_>, hosts: &[Host<'a>]) -> Result<Drift<'a>, Unfit> {
    let mut found = Drift {
        guests: Vec::new(),
        entries: Vec::new(),
        unsaid: BTreeMap::new(),
        beyond: BTreeMap::new(),
        unknown: Vec::new(),
        unsought: 0,
        kept: Vec::new(),
        together: Vec::new(),
    };
    for (host, of) in hosts.iter().enumerate() {
        if of.report.view(&[]).is_none() {
            return Err(Unfit::NoGuest(host));
        }
        for features in sets(of) {
            let machine = Machine { host, features };
            one(question, of, machine, &mut found)?;
        }
    }
    Ok(found)
}

/// The sets of features with which a guest of that host is looked at: those that were looked at, and each by itself.
fn sets(host: &Host<'_>) -> BTreeSet<Vec<Feature>> {
    let alone = Feature::ALL.iter().map(|feature| vec![*feature]);
    let reports = [Some(host.report), host.old].into_iter().flatten();
    let views = reports.flat_map(|report| &report.views);
    let seen = views.map(|view| view.features.clone());
    seen.chain(alone).collect()
}

impl Guest<'_> {
    /// Whether it deviates in that thing, and the guest of before, where somebody has looked, did not in the same way.
    fn changed(&self, thing: &Subject) -> bool {
        let before = self.old.and_then(|old| {
            let view = old.view(&self.machine.features)?;
            Some(deviations(&self.before, view, old))
        });
        let before = before.unwrap_or_default();
        let mut now = self.deviates.iter();
        now.any(|subject| search::same_thing(subject, thing) && !before.contains(subject))
    }
}

/// One guest: compared, gone, new, or not to be compared.
fn one<'a>(
    question: Question<'_>,
    host: &Host<'a>,
    machine: Machine,
    found: &mut Drift<'a>,
) -> Result<(), Unfit> {
    let Host { model, report, old } = *host;
    let features = &machine.features;
    let has_sve = features.contains(&Feature::Sve);
    let silicon = question.catalogue.cpu(model).map(|cpu| &cpu.vector_lengths);
    // KVM gives guests what the silicon has.
    let told = old.map(|old| &old.vector_lengths[..]).into_iter();
    let mut told = told.chain(silicon.map(|list| &list[..]));
    let told = told.find(|list| !list.is_empty());
    let lengths = told.unwrap_or(&report.vector_lengths).to_vec();
    let spec = describe(question.baseline, model, features, &lengths);
    let lock = match lock(question.catalogue, &spec) {
        Err(complaints) if features.is_empty() => {
            return Err(Unfit::NoLock(machine.host, complaints));
        }
        lock => lock,
    };
    let had = old.map(|old| old.view(features).is_some());
    let Some(view) = report.view(features) else {
        // Where nobody has looked at the old kernel, the lock says what a guest had there.
        let had = had.unwrap_or(lock.is_ok());
        if features.iter().all(|feature| report.offers(*feature)) {
            if had {
                let words = "a guest with exactly these features: the report has no view of it, and `vmlock-run check LOCK` asks the host itself".to_owned();
                found.unknown.push(Unknown { machine, words });
            }
            return Ok(());
        }
        for refusal in not_offered(features, report) {
            let gone = beyond::gone(refusal);
            // A baseline that gives such a guest a lock says more than this host has.
            let lists = [(had, &mut found.unsaid), (lock.is_ok(), &mut found.beyond)];
            for (_, list) in lists.into_iter().filter(|(is_in, _)| *is_in) {
                list.entry(gone.clone()).or_default().push(machine.clone());
            }
        }
        if had && let Ok(lock) = &lock {
            let refusals = plan(lock, report).refusals;
            found.kept.push(Kept { machine, refusals });
        }
        return Ok(());
    };
    if let Some(old) = old {
        for feature in features.iter().filter(|f| !old.offers(**f)) {
            let new = beyond::new(*feature);
            found.unsaid.entry(new).or_default().push(machine.clone());
        }
    }
    if !features.iter().all(|f| f.has_view()) {
        return Ok(());
    }
    match lock {
        Ok(before) => {
            if has_sve && told.is_none() {
                found.unknown.push(Unknown {
                    machine: machine.clone(),
                    words: "which SVE vector lengths guests had: neither baseline nor CPU model says it".to_owned(),
                });
            }
            found.kept.push(Kept {
                machine: machine.clone(),
                refusals: plan(&before, report).refusals,
            });
            found.guests.push(Guest {
                machine,
                model,
                report,
                old,
                view,
                lengths,
                deviates: deviations(&before, view, report),
                before,
            });
        }
        Err(complaints) => {
            let before = old.and_then(|old| Some((old, old.view(features)?)));
            let alike = before.is_some_and(|(old, before)| {
                let lengths = !has_sve || old.vector_lengths == report.vector_lengths;
                lengths && beyond::alike(before, view)
            });
            // What both reports tell otherwise has changed; what one of them alone tells, nobody knows.
            if let Some((old, before)) = before {
                let lengths = [old, report].map(|report| &report.vector_lengths[..]);
                let lengths = has_sve.then(|| beyond::lengths(lengths)).flatten();
                for unsaid in beyond::told(before, view).into_iter().chain(lengths) {
                    found
                        .unsaid
                        .entry(unsaid)
                        .or_default()
                        .push(machine.clone());
                }
            }
            if !alike {
                let words = words(
                    "the old baseline gives no lock for such a guest",
                    &complaints,
                );
                found.unknown.push(Unknown { machine, words });
            }
        }
    }
    Ok(())
}

/// What has no lock, and why.
fn words(what: &str, complaints: &[Complaint]) -> String {
    let why: Vec<&str> = complaints.iter().map(|c| c.message.as_str()).collect();
    format!("{what}: {}", why.join("; "))
}

/// A plain machine with these features.
fn describe(abi: &str, model: &str, features: &[Feature], lengths: &[u32]) -> VmSpec {
    let cpu = Cpu::bare(model, VCPUS, features, lengths);
    VmSpec::bare("drift", &[abi], cpu, MEMORY_BYTES)
}

fn lock(catalogue: &Catalogue, spec: &VmSpec) -> Result<Lock, Vec<Complaint>> {
    resolve::resolve(spec, catalogue, &resolve::Target::NEWEST).map(|(lock, _)| lock)
}

/// Where statements are tried.
struct Bench<'a> {
    question: Question<'a>,
}

impl Bench<'_> {
    /// The catalogue with a baseline that says these things beside the old one.
    fn with(&self, statements: &[Statement]) -> After {
        let baseline = Baseline {
            name: TRIED.into(),
            title: Cow::Borrowed(""),
            after: Some(self.question.baseline.to_owned().into()),
            part: None,
            statements: statements.to_vec().into(),
            stable: Cow::Borrowed(&[]),
            kernel: None,
            measured_on: Cow::Borrowed(&[]),
            measured_as: None,
            unknown: Cow::Borrowed(&[]),
            digests: vec![Cow::Borrowed(""); LOCK_VERSION as usize].into(),
        };
        let mut catalogue = self.question.catalogue.clone();
        // The name is free: no file can define one with a space in it.
        let _ = catalogue.import(vec![baseline], Vec::new());
        After { catalogue }
    }

    /// The lock of a guest by the baseline that a description would name; `None` where there is none.
    fn named(&self, guest: &Guest<'_>) -> Option<Lock> {
        let named = self.question.named;
        let spec = describe(named, guest.model, &guest.machine.features, &guest.lengths);
        lock(self.question.catalogue, &spec).ok()
    }
}

/// A catalogue with statements that are tried.
struct After {
    catalogue: Catalogue,
}

impl After {
    /// The lock of a guest; `None` where there is none.
    fn lock(&self, guest: &Guest<'_>) -> Option<Lock> {
        self.tried(guest, &[]).ok()
    }

    /// The same with these lines in its description.
    fn tried(&self, guest: &Guest<'_>, knobs: &[&Knob]) -> Result<Lock, Vec<Complaint>> {
        let mut spec = describe(TRIED, guest.model, &guest.machine.features, &guest.lengths);
        for knob in knobs {
            match knob {
                Knob::Part(name) => spec.abi.push(name.clone()),
                Knob::Hide(field) => spec.cpu.hide.push(field.clone()),
                Knob::Set(field, value) => spec.cpu.set.push(SetField {
                    field: field.clone(),
                    value: *value,
                }),
                Knob::Deny(events) => {
                    let pmu = spec.cpu.pmu.get_or_insert_default();
                    pmu.deny.extend(events);
                }
            }
        }
        lock(&self.catalogue, &spec)
    }

    /// In what a guest deviates from what is tried; `None` where no lock comes of that.
    fn deviates(&self, guest: &Guest<'_>) -> Option<Vec<Subject>> {
        let lock = self.lock(guest)?;
        Some(deviations(&lock, guest.view, guest.report))
    }
}
