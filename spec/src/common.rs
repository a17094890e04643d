//! The most that all of several hosts can show: baseline, parts and fields,
//! each field by its own rule, and only with values that every host's report
//! says it shows or accepts. What is kept is decided by the planner alone.

use crate::adopt::shown;
use crate::catalogue::{Catalogue, Field, Kind, Rule, Subject, field, register_by_id};
use crate::lock::{Binding, Lock, LockedRegister};
use crate::plan::{Refusal, default_services, keeps, plan};
use crate::reason;
use crate::report::{GicReport, HostReport, View};
use crate::resolve;
use crate::smccc::{PSCI_VERSIONS, Services};
use crate::vm::{Cpu, Feature, SetField, VmSpec};
use std::collections::{BTreeMap, BTreeSet};

/// Memory of the machine that is tried: the least that there is.
const MEMORY_BYTES: u64 = 64 << 20;

/// What all hosts can keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common {
    /// A whole baseline, and the parts that it needs.
    pub abi: Vec<String>,
    /// The CPU model.
    pub cpu: String,
    /// vCPU features, sorted.
    pub features: Vec<Feature>,
    /// With `sve`: the vector lengths that all of them can be cut down to, in bits.
    pub vector_lengths: Vec<u32>,
    /// Fields with another value than the baseline gives them on that CPU.
    pub set: Vec<Shown>,
    /// Fields for which no value satisfies all hosts.
    pub vary: Vec<Shown>,
}

/// One field, and what each host shows of it by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// `REGISTER.FIELD`.
    pub field: String,
    /// The value that all hosts can show; of a waived field, what the lock would hold.
    pub value: u64,
    /// In the order of the hosts; `None` where a guest reads nothing.
    pub hosts: Vec<Option<u64>>,
}

/// Why there is nothing in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// No CPU model is the one of any of these hosts.
    UnknownCpu,
    /// These entries differ and cannot be left open; each with the index of the host that refuses it.
    Impossible(Vec<(usize, Refusal)>),
}

/// One host, looked at with the features that are asked for.
struct Host<'a> {
    report: &'a HostReport,
    view: &'a View,
}

/// Finds the most that all hosts can show to a guest with these (sorted) features.
/// Without a CPU model, the one that fits best is taken.
///
/// # Errors
/// [`Nothing`] says why.
pub fn common(
    reports: &[HostReport],
    catalogue: &Catalogue,
    features: &[Feature],
    cpu: Option<&str>,
) -> Result<Common, Nothing> {
    let wholes = catalogue.releases();
    let Some(newest) = wholes.last() else {
        return Err(Nothing::UnknownCpu);
    };
    let describe = |abi: &[&str], model: &str| describe(abi, model, features, reports);
    let models: Vec<&str> = match cpu {
        Some(cpu) => vec![cpu],
        None => catalogue.cpu_names().collect(),
    };
    let Some((model, lock)) = fitting(catalogue, models, features, reports) else {
        // Without such a guest on one of the hosts, or with vCPUs that are not alike, that is the reason.
        let lock = catalogue
            .cpu_names()
            .find_map(|m| self::lock(catalogue, &describe(&[newest], m)).ok());
        let missing = lock.map_or(Vec::new(), |l| refused(&l, reports));
        let missing: Vec<_> = missing
            .into_iter()
            .filter(|(host, r)| reports[*host].view(features).is_none() || disagree(r))
            .collect();
        return Err(match missing.is_empty() {
            true => Nothing::UnknownCpu,
            false => Nothing::Impossible(missing),
        });
    };
    let apart: Vec<_> = refused(&lock, reports)
        .into_iter()
        .filter(|(_, refusal)| disagree(refusal))
        .collect();
    if !apart.is_empty() {
        return Err(Nothing::Impossible(apart));
    }
    let mut hosts = Vec::new();
    for report in reports {
        match report.view(features) {
            Some(view) => hosts.push(Host { report, view }),
            None => return Err(Nothing::Impossible(refused(&lock, reports))),
        }
    }
    let targets = targets(&lock, &hosts);
    let start = describe(&[newest], model);
    let parts = parts(catalogue, &start, &hosts, reports);
    let mut best: Option<(Cost, Attempt)> = None;
    let mut seen: BTreeSet<Vec<(u64, u64)>> = BTreeSet::new();
    for (age, whole) in wholes.iter().rev().enumerate() {
        let start = describe(&[whole], model);
        let Ok(plain) = self::lock(catalogue, &start) else {
            continue;
        };
        // An older baseline that says the same on this CPU is no better.
        let registers = plain.registers.iter().map(|r| (r.id, r.value));
        let revision = plain.gic.value("GICD_IIDR").unwrap_or(0);
        if !seen.insert(registers.chain([(0, revision.into())]).collect()) {
            continue;
        }
        let Some(attempt) = attempt(catalogue, start, plain, &parts, &targets, reports) else {
            continue;
        };
        let cost = attempt.cost(age);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, attempt));
        }
    }
    let Some((_, attempt)) = best else {
        return Err(Nothing::UnknownCpu);
    };
    if !attempt.impossible.is_empty() {
        return Err(Nothing::Impossible(attempt.impossible));
    }
    let by_host = |path: &str, value: u64| -> Shown {
        let hosts = hosts.iter().map(|h| {
            let (register, field) = field(path)?;
            shown(h.view, register.id, &register.name).map(|v| field.get(v))
        });
        Shown {
            field: path.to_owned(),
            value,
            hosts: hosts.collect(),
        }
    };
    let locked = |path: &str| {
        let (register, field) = field(path)?;
        let entry = attempt
            .lock
            .registers
            .iter()
            .find(|r| r.id == register.id)?;
        Some(field.get(entry.value))
    };
    let VmSpec { abi, cpu, vary, .. } = &attempt.spec;
    Ok(Common {
        abi: abi.clone(),
        cpu: cpu.model.clone(),
        features: features.to_vec(),
        vector_lengths: cpu.vector_lengths.clone(),
        set: cpu.set.iter().map(|s| by_host(&s.field, s.value)).collect(),
        vary: vary
            .iter()
            .map(|f| by_host(f, locked(f).unwrap_or(0)))
            .collect(),
    })
}

/// The CPU model that is the CPU of one of the hosts, and of whose lock by the newest baseline they refuse the fewest
/// entries; with that lock.
pub fn fitting<'a>(
    catalogue: &'a Catalogue,
    models: Vec<&'a str>,
    features: &[Feature],
    reports: &[HostReport],
) -> Option<(&'a str, Lock)> {
    let wholes = catalogue.releases();
    let newest = wholes.last()?;
    let fitting = models.into_iter().filter_map(|model| {
        let lock = lock(catalogue, &describe(&[newest], model, features, reports)).ok()?;
        let midr = lock.registers.iter().find(|r| r.name == "MIDR_EL1")?;
        let is = |r: &HostReport| {
            let view = r.view(features)?;
            shown(view, midr.id, &midr.name)
        };
        let known = reports.iter().any(|r| is(r) == Some(midr.value));
        known.then(|| (refused(&lock, reports).len(), model, lock))
    });
    let (_, model, lock) = fitting.min_by_key(|(count, _, _)| *count)?;
    Some((model, lock))
}

/// The most SVE vector lengths that all hosts can show: KVM cuts off above a length, so
/// below the longest one that is kept all hosts must have the same. Hosts without SVE
/// are left to the planner; 128 bits are there wherever SVE is.
pub fn vector_lengths(reports: &[HostReport]) -> Vec<u32> {
    let up_to = |report: &HostReport, longest: u32| -> Vec<u32> {
        let all = report.vector_lengths.iter().copied();
        all.filter(|l| *l <= longest).collect()
    };
    let mut with_sve = reports.iter().filter(|r| !r.vector_lengths.is_empty());
    let Some(first) = with_sve.next() else {
        return vec![128];
    };
    let others: Vec<&HostReport> = with_sve.collect();
    let mut longest = first.vector_lengths.iter().rev().copied();
    longest
        .find_map(|longest| {
            let lengths = up_to(first, longest);
            let same = others.iter().all(|r| up_to(r, longest) == lengths);
            same.then_some(lengths)
        })
        .unwrap_or_else(|| vec![128])
}

/// A machine with nothing in it but what is asked about.
fn describe(abi: &[&str], model: &str, features: &[Feature], reports: &[HostReport]) -> VmSpec {
    let cpu = Cpu::bare(model, 1, features, &vector_lengths(reports));
    VmSpec::bare("common", abi, cpu, MEMORY_BYTES)
}

fn lock(catalogue: &Catalogue, spec: &VmSpec) -> Result<Lock, Vec<resolve::Complaint>> {
    resolve::resolve(spec, catalogue, &resolve::Target::NEWEST).map(|(lock, _)| lock)
}

/// Whether a host is refused because its vCPUs are not alike: no waiver makes one kind of CPU of two.
fn disagree(refusal: &Refusal) -> bool {
    refusal.code == reason::VCPUS_DISAGREE
}

/// Every refusal, with the index of its host.
fn refused(lock: &Lock, reports: &[HostReport]) -> Vec<(usize, Refusal)> {
    let of = |(index, report)| {
        let refusals = plan(lock, report).refusals;
        refusals.into_iter().map(move |r| (index, r))
    };
    reports.iter().enumerate().flat_map(of).collect()
}

/// The best value of every field that all hosts can show; a field without one is not named.
fn targets(lock: &Lock, hosts: &[Host]) -> BTreeMap<String, u64> {
    let mut out = BTreeMap::new();
    for entry in lock.registers.iter().filter(|r| r.rule == Binding::Exact) {
        let Some(info) = register_by_id(entry.id).filter(|i| i.kind != Kind::Firmware) else {
            continue;
        };
        let shown: Option<Vec<u64>> = hosts
            .iter()
            .map(|h| shown(h.view, entry.id, &entry.name))
            .collect();
        let Some(shown) = shown else { continue };
        for field in info.fields.iter().filter(|f| f.rule != Rule::Free) {
            if let Some(value) = target(entry, field, &shown, hosts) {
                out.insert(format!("{}.{}", entry.name, field.name), value);
            }
        }
    }
    out
}

/// The best value of one field, by the field's rule.
fn target(entry: &LockedRegister, field: &Field, shown: &[u64], hosts: &[Host]) -> Option<u64> {
    let own: Vec<u64> = shown.iter().map(|v| field.get(*v)).collect();
    let first = *own.first()?;
    if own.iter().all(|v| *v == first) {
        return Some(first);
    }
    let order = |v: u64| field.order(v);
    let lowest = own.iter().map(|v| order(*v)).min()?;
    let highest = own.iter().map(|v| order(*v)).max()?;
    let mut offered: BTreeSet<u64> = own.iter().copied().collect();
    for host in hosts {
        let accepts = host.view.register(entry.id).map(|r| &r.accepts);
        offered.extend(
            accepts
                .and_then(|a| a.get(field.name.as_ref()))
                .into_iter()
                .flatten(),
        );
    }
    let mut candidates: Vec<u64> = offered.into_iter().collect();
    match field.rule {
        // Less of a feature than any host has is safe on all; the most of that is best.
        Rule::Lower => {
            candidates.retain(|v| order(*v) <= lowest);
            candidates.sort_by_key(|v| -order(*v));
        }
        // A guest may do more than a host needs, never less.
        Rule::Higher => {
            candidates.retain(|v| order(*v) >= highest);
            candidates.sort_by_key(|v| order(*v));
        }
        Rule::HigherOrZero => {
            candidates.retain(|v| order(*v) >= highest || *v == 0);
            candidates.sort_by_key(|v| (*v == 0, order(*v)));
        }
        // Only what one of the hosts is; what most are comes first.
        Rule::Exact => {
            candidates.retain(|v| own.contains(v));
            candidates.sort_by_key(|v| usize::MAX - own.iter().filter(|o| *o == v).count());
        }
        Rule::Free => return None,
    }
    candidates.into_iter().find(|value| {
        let single = LockedRegister {
            value: field.put(0, *value),
            mask: field.mask(),
            vary: Vec::new(),
            ..entry.clone()
        };
        hosts.iter().all(|h| keeps(&single, h.view, h.report))
    })
}

/// For each sort of part the one that says what all hosts can show.
fn parts(
    catalogue: &Catalogue,
    start: &VmSpec,
    hosts: &[Host],
    reports: &[HostReport],
) -> Vec<String> {
    let services: Vec<Services> = hosts.iter().map(|h| default_services(h.view)).collect();
    // Services that every host offers by itself: no host offers more than its kernel has.
    let offered = |bits: fn(&Services) -> u64| services.iter().fold(u64::MAX, |m, s| m & bits(s));
    let psci = PSCI_VERSIONS
        .iter()
        .rev()
        .find(|(_, name)| reports.iter().all(|r| r.psci.iter().any(|p| p == name)));
    let revision = revision(reports);
    let says = |subject: &Subject| match subject {
        Subject::Psci(version) => psci.is_some_and(|(v, _)| v == version),
        Subject::IidrRevision(r) => revision == Some(*r),
        Subject::Bitmap(register, bits) => {
            let all = match register.as_ref() {
                "KVM_REG_ARM_STD_BMAP" => offered(|s| s.std),
                "KVM_REG_ARM_STD_HYP_BMAP" => offered(|s| s.std_hyp),
                "KVM_REG_ARM_VENDOR_HYP_BMAP" => offered(|s| s.vendor_hyp),
                "KVM_REG_ARM_VENDOR_HYP_BMAP_2" => offered(|s| s.vendor_hyp_2),
                _ => return false,
            };
            bits.unwrap_or(0) == all
        }
        // Where one host has no such conduit, the runner can keep the others from showing theirs.
        Subject::Smc(conduit) => *conduit == services.iter().all(|s| s.smc),
        Subject::Field(..) | Subject::Cache(_) | Subject::Events { .. } => false,
    };
    let mut groups: BTreeMap<&str, &str> = BTreeMap::new();
    for name in catalogue.baseline_names() {
        let Some(baseline) = catalogue.baseline(name) else {
            continue;
        };
        if let Some(part) = baseline.part.as_deref()
            && baseline.statements.iter().all(|s| says(&s.subject))
        {
            groups.entry(part).or_insert(name);
        }
    }
    groups
        .into_values()
        .filter(|part| {
            let mut spec = start.clone();
            spec.abi.push((*part).to_owned());
            lock(catalogue, &spec).is_ok()
        })
        .map(str::to_owned)
        .collect()
}

/// The greatest revision of the distributor that all hosts show, or take and then show.
fn revision(reports: &[HostReport]) -> Option<u8> {
    let of = |iidr: u32| (iidr >> 12 & 0xf) as u8;
    let gics: Vec<&GicReport> = reports.iter().filter_map(|r| r.gic.as_ref()).collect();
    let shows = |gic: &GicReport, revision: u8| {
        let tried = gic.revisions.iter();
        of(gic.iidr) == revision
            || tried
                .filter(|t| t.revision == revision && t.accepted)
                .any(|t| of(t.read_back) == revision)
    };
    // Where there is none, the least of them: the runner can keep an old one, where it can keep any.
    let lowest = gics.iter().map(|gic| of(gic.iidr)).min();
    (0..16)
        .rev()
        .find(|r| gics.iter().all(|gic| shows(gic, *r)))
        .or(lowest)
}

/// One baseline, brought to what all hosts can show.
struct Attempt {
    spec: VmSpec,
    lock: Lock,
    impossible: Vec<(usize, Refusal)>,
}

/// Impossible entries, waivers, parts and fields, age: the least is best.
type Cost = (usize, usize, usize, usize);

impl Attempt {
    fn cost(&self, age: usize) -> Cost {
        let said = self.spec.abi.len() + self.spec.cpu.set.len();
        (self.impossible.len(), self.spec.vary.len(), said, age)
    }
}

fn attempt(
    catalogue: &Catalogue,
    mut spec: VmSpec,
    plain: Lock,
    parts: &[String],
    targets: &BTreeMap<String, u64>,
    reports: &[HostReport],
) -> Option<Attempt> {
    // A part that says what the baseline says is not needed.
    let needed = |part: &&String| {
        let baseline = catalogue.baseline(part);
        baseline.is_some_and(|b| !b.statements.iter().all(|s| holds(&plain, &s.subject)))
    };
    spec.abi.extend(parts.iter().filter(needed).cloned());
    for entry in &plain.registers {
        for field in register_by_id(entry.id).map_or(&[][..], |i| i.fields.as_ref()) {
            let path = format!("{}.{}", entry.name, field.name);
            if let Some(value) = targets.get(&path)
                && field.get(entry.value) != *value
            {
                spec.cpu.set.push(SetField {
                    field: path,
                    value: *value,
                });
            }
        }
    }
    // What the CPU model cannot have, or what cannot be set (caches), is left as the baseline has it.
    let lock = loop {
        match self::lock(catalogue, &spec) {
            Ok(lock) => break lock,
            Err(complaints) => {
                let bad: BTreeSet<usize> = complaints
                    .iter()
                    .filter_map(|c| c.place.strip_prefix("/cpu/set/"))
                    .filter_map(|rest| rest.split('/').next()?.parse().ok())
                    .collect();
                if bad.is_empty() {
                    return None;
                }
                let mut index = 0..;
                spec.cpu
                    .set
                    .retain(|_| index.next().is_some_and(|i| !bad.contains(&i)));
            }
        }
    };
    let waivable = |name: &str| {
        let known = field(name).filter(|(r, _)| r.kind != Kind::Firmware)?;
        lock.registers.iter().find(|r| r.id == known.0.id)
    };
    let first = refused(&lock, reports);
    let fields: BTreeSet<&String> = first
        .iter()
        .map(|(_, r)| &r.name)
        .filter(|n| waivable(n).is_some())
        .collect();
    if fields.is_empty() {
        return Some(Attempt {
            impossible: first,
            lock,
            spec,
        });
    }
    let vary: Vec<String> = fields.into_iter().cloned().collect();
    spec.cpu.set.retain(|s| !vary.contains(&s.field));
    spec.vary = vary;
    let lock = self::lock(catalogue, &spec).ok()?;
    let impossible = refused(&lock, reports);
    Some(Attempt {
        spec,
        lock,
        impossible,
    })
}

/// Whether a lock already holds what a part says.
fn holds(lock: &Lock, subject: &Subject) -> bool {
    let value = |name: &str| {
        let entry = lock.registers.iter().find(|r| r.name == name);
        entry.map_or(0, |r| r.value)
    };
    match subject {
        Subject::Psci(version) => value("KVM_REG_ARM_PSCI_VERSION") == u64::from(*version),
        Subject::IidrRevision(revision) => {
            let iidr = lock.gic.value("GICD_IIDR").unwrap_or(0);
            iidr >> 12 & 0xf == u32::from(*revision)
        }
        Subject::Bitmap(register, bits) => value(register) == bits.unwrap_or(0),
        Subject::Smc(conduit) => Services::of_lock(lock).smc == *conduit,
        Subject::Field(..) | Subject::Cache(_) | Subject::Events { .. } => false,
    }
}
