//! What default guests of some hosts see otherwise than a baseline says: a kernel that changed is told here from one
//! that did not.
//!
//! Each host is looked at with every set of vCPU features that its report has. What differs from the lock of the same
//! guest becomes statements of a baseline, each as general as all of the guests allow: `show` before a number, no
//! condition before one. A statement is taken when the lock that comes of it shows what the host shows, by the very
//! functions that make and plan locks; nothing of what they decide is decided here again.

mod restore;
mod search;

pub use restore::{Knob, Restored, line_for};

use crate::adopt::deviations;
use crate::catalogue::{Baseline, CachePolicy, Catalogue, LOCK_VERSION, Statement, Subject};
use crate::lock::Lock;
use crate::plan::{Emulation, Plan, plan, plan_with};
use crate::report::{HostReport, View};
use crate::resolve::{self, Complaint};
use crate::vm::{Cpu, Feature, SetField, VmSpec};
use std::borrow::Cow;
use std::collections::BTreeMap;

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
}

/// A default guest with one set of vCPU features on one host.
#[derive(Debug)]
pub struct Guest<'a> {
    /// Index of the host.
    pub host: usize,
    /// The vCPU features, sorted.
    pub features: Vec<Feature>,
    model: &'a str,
    report: &'a HostReport,
    view: &'a View,
    /// Its lock by the baseline alone.
    before: Lock,
    /// In what it deviates from that.
    deviates: Vec<Subject>,
}

impl Guest<'_> {
    /// How its host keeps a machine that is locked to the old baseline.
    pub fn plan(&self) -> Plan {
        plan(&self.before, self.report)
    }
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
    /// Index into [`Drift::guests`].
    pub guest: usize,
    /// The lock by the old baseline.
    pub before: Lock,
    /// The same with that statement.
    pub after: Lock,
    /// What brings the old values back on this host.
    pub restored: Restored,
}

/// Something that differs from the baseline, and that no statement can say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsaid {
    /// The entry's name, with the field where one differs.
    pub name: String,
    /// What the baseline and the CPU model promise.
    pub wanted: String,
    /// What the host shows instead.
    pub offered: String,
    /// Why no line of a spec restores it; empty where the host can be made to show it.
    pub reason: String,
}

/// What changed.
#[derive(Debug)]
pub struct Drift<'a> {
    /// The guests that were looked at.
    pub guests: Vec<Guest<'a>>,
    /// What a baseline can say, in an order fit for a file.
    pub entries: Vec<Entry>,
    /// The rest, each with the guests that it is about.
    pub unsaid: BTreeMap<Unsaid, Vec<usize>>,
}

impl Drift<'_> {
    /// Whether nothing changed.
    pub fn is_none(&self) -> bool {
        self.entries.is_empty() && self.unsaid.is_empty()
    }

    /// What a baseline that describes these hosts says beside the old one.
    pub fn statements(&self) -> Vec<Statement> {
        self.entries.iter().map(|e| e.statement.clone()).collect()
    }
}

/// Compares these hosts with a whole baseline. `source` is what the statements name as theirs.
///
/// # Errors
/// Why the baseline cannot be applied to one of the CPU models, with the index of its host.
pub fn drift<'a>(
    catalogue: &Catalogue,
    baseline: &str,
    hosts: &[Host<'a>],
    source: &str,
) -> Result<Drift<'a>, (usize, Vec<Complaint>)> {
    let guests = guests(catalogue, baseline, hosts)?;
    let bench = Bench {
        catalogue,
        baseline,
        source,
    };
    let statements = search::statements(&bench, &guests);
    let mut drift = Drift {
        entries: Vec::new(),
        unsaid: BTreeMap::new(),
        guests,
    };
    let after = bench.with(&statements);
    for (index, guest) in drift.guests.iter().enumerate() {
        for unsaid in left(&after, guest) {
            drift.unsaid.entry(unsaid).or_default().push(index);
        }
    }
    for statement in statements {
        let alone = bench.with(std::slice::from_ref(&statement));
        let of_guest = |(index, guest): (usize, &Guest<'a>)| {
            let with = alone.lock(guest, &[])?;
            let moved = restore::moved(&guest.before, &with);
            (!moved.is_empty()).then(|| Difference {
                guest: index,
                restored: restore::restored(&bench, &after, guest, &statement, &moved),
                before: guest.before.clone(),
                after: with,
            })
        };
        let seen = drift.guests.iter().enumerate().filter_map(of_guest);
        let seen: Vec<Difference> = seen.collect();
        drift.entries.push(Entry { statement, seen });
    }
    Ok(drift)
}

/// The whole baseline from which a host deviates least, the newest among equals; `None` where none can be applied.
pub fn nearest(catalogue: &Catalogue, host: Host<'_>) -> Option<String> {
    let count = |name: &str| -> Option<usize> {
        let guests = guests(catalogue, name, &[host]).ok()?;
        Some(guests.iter().map(|guest| guest.deviates.len()).sum())
    };
    let wholes = catalogue.wholes().into_iter().rev();
    let counted = wholes.filter_map(|name| Some((count(name)?, name)));
    let (_, name) = counted.min_by_key(|(count, _)| *count)?;
    Some(name.to_owned())
}

/// Every guest of these hosts' reports that the baseline has a lock for.
fn guests<'a>(
    catalogue: &Catalogue,
    baseline: &str,
    hosts: &[Host<'a>],
) -> Result<Vec<Guest<'a>>, (usize, Vec<Complaint>)> {
    let mut guests = Vec::new();
    for (index, Host { model, report }) in hosts.iter().enumerate() {
        for view in &report.views {
            let spec = describe(baseline, model, &view.features, report);
            let before = match lock(catalogue, &spec) {
                Ok(lock) => lock,
                // What the model or an old release has no feature for is no guest of both.
                Err(_) if !view.features.is_empty() => continue,
                Err(complaints) => return Err((index, complaints)),
            };
            guests.push(Guest {
                host: index,
                features: view.features.clone(),
                model,
                report,
                view,
                deviates: deviations(&before, view, report),
                before,
            });
        }
    }
    Ok(guests)
}

/// A plain machine with these features.
fn describe(abi: &str, model: &str, features: &[Feature], report: &HostReport) -> VmSpec {
    let cpu = Cpu::bare(model, VCPUS, features, &report.vector_lengths);
    VmSpec::bare("drift", &[abi], cpu, MEMORY_BYTES)
}

fn lock(catalogue: &Catalogue, spec: &VmSpec) -> Result<Lock, Vec<Complaint>> {
    resolve::resolve(spec, catalogue, &resolve::Target::NEWEST).map(|(lock, _)| lock)
}

/// What is compared with.
struct Bench<'a> {
    catalogue: &'a Catalogue,
    baseline: &'a str,
    source: &'a str,
}

impl Bench<'_> {
    /// The catalogue with a baseline that says these things beside the old one.
    fn with(&self, statements: &[Statement]) -> After {
        let baseline = Baseline {
            name: TRIED.into(),
            title: Cow::Borrowed(""),
            after: Some(self.baseline.to_owned().into()),
            part: None,
            statements: statements.to_vec().into(),
            stable: Cow::Borrowed(&[]),
            digests: vec![Cow::Borrowed(""); LOCK_VERSION as usize].into(),
        };
        let mut catalogue = self.catalogue.clone();
        // The name is free: no file can define one with a space in it.
        let _ = catalogue.import(vec![baseline], Vec::new());
        After { catalogue }
    }
}

/// A catalogue with statements that are tried.
struct After {
    catalogue: Catalogue,
}

impl After {
    /// The lock of a guest, with these lines in its description; `None` where there is none.
    fn lock(&self, guest: &Guest<'_>, knobs: &[&Knob]) -> Option<Lock> {
        self.tried(guest, knobs).ok()
    }

    fn tried(&self, guest: &Guest<'_>, knobs: &[&Knob]) -> Result<Lock, Vec<Complaint>> {
        let mut spec = describe(TRIED, guest.model, &guest.features, guest.report);
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

    /// In what a guest deviates from what is tried.
    fn deviates(&self, guest: &Guest<'_>) -> Vec<Subject> {
        let lock = self.lock(guest, &[]);
        // Statements from which no lock comes say nothing right.
        lock.map_or_else(
            || vec![Subject::Cache(CachePolicy::Silicon)],
            |lock| deviations(&lock, guest.view, guest.report),
        )
    }
}

/// What the host of a guest shows otherwise than all statements together say: what would be refused, or written.
fn left(after: &After, guest: &Guest<'_>) -> Vec<Unsaid> {
    let Some(lock) = after.lock(guest, &[]) else {
        return Vec::new();
    };
    let plan = plan_with(&lock, guest.report, Emulation::Forbidden);
    let refused = plan.refusals.into_iter().map(|refusal| Unsaid {
        name: refusal.name,
        wanted: refusal.wanted,
        offered: refusal.offered,
        reason: refusal.reason,
    });
    let written = plan.keeps.into_iter().filter(|keep| keep.step.is_some());
    let written = written.map(|keep| Unsaid {
        name: keep.name,
        wanted: "what the baseline says".to_owned(),
        offered: "something else by default".to_owned(),
        reason: String::new(),
    });
    refused.chain(written).collect()
}
