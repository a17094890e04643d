//! Hosts that a description has to fit, while it is compiled: reports that the
//! user gives (`lock --for`), and the recorded ones of the lab's kernels that
//! `runs-on` names. What a host can keep is decided by the planner alone; here
//! its refusals are led back to the lines that asked for them.

pub mod recorded;

use crate::diagnostic::{Diagnostic, join};
use crate::fold::folded;
use crate::location::Places;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use vmlock_spec::catalogue::{Catalogue, speaks_of};
use vmlock_spec::lock::Lock;
use vmlock_spec::names;
use vmlock_spec::part::{self, Another};
use vmlock_spec::plan::{Refusal, plan};
use vmlock_spec::reason;
use vmlock_spec::report::HostReport;
use vmlock_spec::resolve::Target;
use vmlock_spec::vm::VmSpec;

/// More entries than this are counted, not listed: `--format json` has them all.
const LISTED_MAX: usize = 12;

/// A host that has to keep the lock.
pub struct Host {
    /// The report's path as it was given, or the name that `runs-on` has for it.
    pub name: String,
    /// What it can show.
    pub report: HostReport,
    /// Place in the description that names it; `None` for one from the command line.
    pub place: Option<String>,
}

/// What the planner says of one host.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The report's path, or the name that `runs-on` has for it.
    pub host: String,
    /// Whether it can keep the lock.
    pub kept: bool,
    /// Whether nobody knows: its report was imported, and nothing else is against it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// Every entry that it cannot keep.
    pub refusals: Vec<Refusal>,
}

/// The recorded hosts that a description's `runs-on` names, and what is wrong with the names.
pub fn named(spec: &VmSpec, places: &Places) -> (Vec<Host>, Vec<Diagnostic>) {
    let mut hosts = Vec::new();
    let mut found = Vec::new();
    for (index, name) in spec.runs_on.iter().enumerate() {
        let place = format!("/runs-on/{index}");
        match recorded::host(&spec.cpu.model, name) {
            Some(report) => hosts.push(Host {
                name: name.clone(),
                report,
                place: Some(place),
            }),
            None => found.push(unknown(spec, name).at(
                places.source(),
                places.find(&place),
                "no such host is recorded",
            )),
        }
    }
    (hosts, found)
}

fn unknown(spec: &VmSpec, name: &str) -> Diagnostic {
    let model = &spec.cpu.model;
    let names = recorded::names(model);
    let own = "`vmlock-run probe` on the host makes a report, and `vmlock lock --for REPORT` holds the lock against it";
    let meant = names::of_release(name).filter(|meant| names.contains(meant));
    let help = if let Some(meant) = meant {
        format!("write `{meant}`: hosts are recorded by their kernels' series; for others {own}")
    } else if let Some(near) = near(name, &names) {
        format!("{near}; for others {own}")
    } else if names.is_empty() {
        let models = join(&recorded::models());
        format!("hosts with {models} are recorded; for others {own}")
    } else {
        let distributions = recorded::distributions(model).into_iter();
        let distributions = distributions.map(|(name, _)| name);
        let standing = distributions.filter(|name| !name.contains(".r"));
        let all = names.iter().cloned().chain(standing);
        let all: Vec<String> = all.map(|n| format!("`{n}`")).collect();
        format!("recorded are {}; for others {own}", join(&all))
    };
    Diagnostic::error(
        "spec::unknown-host",
        format!("no report of a host `{name}` with a `{model}` is recorded"),
    )
    .help(help)
}

/// Of a kernel that the catalogue knows and nobody recorded, those that were recorded and are next to it.
fn near(name: &str, recorded: &[String]) -> Option<String> {
    let catalogue = Catalogue::builtin();
    let kernel = catalogue.newest(name).filter(|b| b.part.is_none())?;
    let is_recorded = |name: &&str| recorded.iter().any(|known| known == name);
    if kernel.is_of_distribution() {
        let chain = catalogue.chain(&kernel.name)?;
        let mainline = chain.iter().rev().find(|b| !b.is_of_distribution())?;
        let nearest = Some(mainline.name.as_ref()).filter(is_recorded)?;
        return Some(format!(
            "the mainline baseline that it is nearest to is `{nearest}`, of which hosts are recorded: write that to hold the lock against these, which have another kernel"
        ));
    }
    let all = catalogue.releases();
    let (before, after) = all.split_at(all.iter().position(|other| *other == kernel.name)?);
    let next = [
        before.iter().rev().copied().find(is_recorded),
        after.iter().copied().find(is_recorded),
    ];
    let next: Vec<String> = next.iter().flatten().map(|n| format!("`{n}`")).collect();
    (!next.is_empty()).then(|| format!("recorded next to it: {}", join(&next)))
}

/// Plans a lock on every host. The findings point at the lines that asked for
/// what a host cannot show.
pub fn judge(
    spec: &VmSpec,
    lock: &Lock,
    hosts: &[Host],
    places: &Places,
) -> (Vec<Verdict>, Vec<Diagnostic>) {
    let verdicts: Vec<Verdict> = hosts
        .iter()
        .map(|host| {
            let plan = plan(lock, &host.report);
            Verdict {
                host: host.name.clone(),
                kept: plan.refusals.is_empty(),
                unknown: plan.is_unknown(),
                refusals: plan.refusals,
            }
        })
        .collect();
    // One finding for each line of the description and reason, whatever number of entries and hosts it is about.
    let mut groups: BTreeMap<(String, &'static str), Vec<(usize, &Refusal)>> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, verdict) in verdicts.iter().enumerate() {
        if let Some(another) = part::another(lock, &hosts[index].report)
            && !verdict.kept
        {
            found.push(of_another(&hosts[index], verdict, &another, places));
            continue;
        }
        for refusal in &verdict.refusals {
            if refusal.code == reason::IMPORTED {
                found.push(untold(&hosts[index], refusal, places));
                continue;
            }
            groups
                .entry((place(spec, lock, refusal), refusal.code))
                .or_default()
                .push((index, refusal));
        }
    }
    let of_group = |((place, code), list): (&(String, &'static str), &Vec<_>)| {
        finding(hosts, places, place, code, list)
    };
    found.extend(groups.iter().map(of_group));
    (verdicts, found)
}

/// A host whose report was imported: no line of the description is at fault, and nothing is known to be.
fn untold(host: &Host, refusal: &Refusal, places: &Places) -> Diagnostic {
    let words = format!(
        "it is unknown whether `{}` keeps this: {}",
        host.name, refusal.reason
    );
    let mut finding = Diagnostic::error(refusal.code, words);
    if let Some(place) = &host.place {
        finding = finding.at(
            places.source(),
            places.find(place),
            "this host is to keep it",
        );
    }
    let help = refusal.help.iter();
    help.fold(finding, |finding, words| finding.help(words.as_str()))
}

/// A host with another CPU: all that it cannot keep follows from that, or is not worth a look before.
fn of_another(host: &Host, verdict: &Verdict, another: &Another, places: &Places) -> Diagnostic {
    let folds = folded(&verdict.refusals);
    let code = folds.first().map_or(reason::SILICON_FACT, |fold| fold.code);
    let words = format!("`{}` cannot keep this: {}", host.name, another.words);
    let span = places.find("/cpu/model");
    let mut finding =
        Diagnostic::error(code, words).at(places.source(), span, "the CPU of the lock");
    for fold in folds.iter().take(LISTED_MAX) {
        finding = finding.detail(fold.line());
    }
    if folds.len() > LISTED_MAX {
        let more = folds.len() - LISTED_MAX;
        finding = finding.detail(format!("and {more} more (--format json lists them all)"));
    }
    finding.help(another.help.as_str())
}

fn finding(
    hosts: &[Host],
    places: &Places,
    place: &str,
    code: &'static str,
    list: &[(usize, &Refusal)],
) -> Diagnostic {
    // Entry and value that is asked for, with what each host offers instead.
    let mut entries: BTreeMap<(&str, &str), BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    let mut concerned: Vec<usize> = Vec::new();
    for (index, refusal) in list {
        entries
            .entry((&refusal.name, &refusal.wanted))
            .or_default()
            .entry(&refusal.offered)
            .or_default()
            .push(hosts[*index].name.clone());
        if !concerned.contains(index) {
            concerned.push(*index);
        }
    }
    let names: Vec<String> = concerned
        .iter()
        .map(|i| format!("`{}`", hosts[*i].name))
        .collect();
    let title = reason::reason(code).map_or(code, |r| r.title);
    let message = format!("{} cannot keep this: {title}", join(&names));
    let mut diagnostic =
        Diagnostic::error(code, message).at(places.source(), places.find(place), "asked for here");
    for ((name, wanted), offers) in entries.iter().take(LISTED_MAX) {
        let offers: Vec<String> = offers
            .iter()
            .map(|(offered, by)| match concerned.len() {
                1 => (*offered).to_owned(),
                _ => format!("{offered} on {}", join(by)),
            })
            .collect();
        diagnostic = diagnostic.detail(format!(
            "{name}: wanted {wanted}, offered {}",
            offers.join("; ")
        ));
    }
    if entries.len() > LISTED_MAX {
        let more = entries.len() - LISTED_MAX;
        diagnostic = diagnostic.detail(format!("and {more} more (--format json lists them all)"));
    }
    for index in &concerned {
        if let Some(host) = &hosts[*index].place {
            let words = format!("`{}` is to keep it", hosts[*index].name);
            let source = Arc::clone(places.source());
            diagnostic = diagnostic.at(&source, places.find(host), words);
        }
    }
    help(list).into_iter().fold(diagnostic, Diagnostic::help)
}

/// What the refusals say that the user can do, each once; waivers together.
fn help(list: &[(usize, &Refusal)]) -> Vec<String> {
    let mut lines: Vec<&str> = Vec::new();
    let mut waivers: Vec<&str> = Vec::new();
    for words in list.iter().flat_map(|(_, r)| &r.help) {
        match words
            .split_once("`vary \"")
            .and_then(|(_, rest)| rest.split_once('"'))
        {
            Some((field, _)) if !waivers.contains(&field) => waivers.push(field),
            Some(_) => {}
            None if !lines.contains(&words.as_str()) => lines.push(words),
            None => {}
        }
    }
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    if !waivers.is_empty() {
        let fields: Vec<String> = waivers
            .iter()
            .take(LISTED_MAX)
            .map(|f| format!("\"{f}\""))
            .collect();
        let more = match waivers.len() > LISTED_MAX {
            true => " …",
            false => "",
        };
        lines.push(format!(
            "or waive it in the open: vary {}{more}",
            fields.join(" ")
        ));
    }
    lines
}

/// The place in the description that asked for what is refused.
fn place(spec: &VmSpec, lock: &Lock, refusal: &Refusal) -> String {
    let speaks = |entry: &str| speaks_of(entry, &refusal.name);
    if let Some(index) = spec.cpu.set.iter().position(|s| speaks(&s.field)) {
        return format!("/cpu/set/{index}");
    }
    if let Some(index) = spec.cpu.hide.iter().position(|n| speaks(n)) {
        return format!("/cpu/hide/{index}");
    }
    if let Some((_, pointer)) = LESS.iter().find(|(field, pointer)| {
        let asked = match *pointer {
            "/cpu/pmu/version" => spec.cpu.pmu.as_ref().is_some_and(|p| p.version.is_some()),
            "/cpu/pmu/counters" => spec.cpu.pmu.as_ref().is_some_and(|p| p.counters.is_some()),
            _ => spec.cpu.debug.is_some(),
        };
        *field == refusal.name && asked
    }) {
        return (*pointer).to_owned();
    }
    // Baselines pass on what the CPU says that it is.
    let register = refusal.name.split('.').next().unwrap_or_default();
    if ["MIDR_EL1", "REVIDR_EL1", "AIDR_EL1"].contains(&register) {
        return "/cpu/model".to_owned();
    }
    // A register that several had a say in: the first is who decided all other fields.
    let from = service(lock, refusal).unwrap_or(&refusal.from);
    let first = from.split_whitespace().next().unwrap_or_default();
    if let Some(name) = first.strip_prefix("abi/") {
        let catalogue = Catalogue::builtin();
        let pins = Target::keeping(lock).pins;
        let builds_on_it = |named: &String| {
            let means = catalogue.revision(named, &pins);
            let chain = catalogue.chain(means).unwrap_or_default();
            named == name || chain.iter().any(|baseline| baseline.name == name)
        };
        let index = spec.abi.iter().position(builds_on_it).unwrap_or(0);
        return format!("/abi/{index}");
    }
    if first.starts_with("cpu/") {
        return "/cpu/model".to_owned();
    }
    if let Some(name) = first.strip_prefix("spec/cpu/") {
        let feature = spec.cpu.features.iter().position(|f| f.name() == name);
        return match (feature, name) {
            (Some(index), _) => format!("/cpu/features/{index}"),
            (None, "count" | "debug" | "aarch32") => format!("/cpu/{name}"),
            (None, _) => "/cpu".to_owned(),
        };
    }
    match first {
        "spec/memory" => "/memory".to_owned(),
        _ => "/abi".to_owned(),
    }
}

/// Fields that `pmu` and `debug` of the `cpu` block decide, with the place that does.
const LESS: [(&str, &str); 6] = [
    ("ID_AA64DFR0_EL1.PMUVer", "/cpu/pmu/version"),
    ("ID_DFR0_EL1.PerfMon", "/cpu/pmu/version"),
    ("PMCR_EL0.N", "/cpu/pmu/counters"),
    ("ID_AA64DFR0_EL1.BRPs", "/cpu/debug/breakpoints"),
    ("ID_AA64DFR0_EL1.CTX_CMPs", "/cpu/debug/breakpoints"),
    ("ID_AA64DFR0_EL1.WRPs", "/cpu/debug/watchpoints"),
];

/// Who decided that a service is offered, for a call to it.
fn service<'a>(lock: &'a Lock, refusal: &Refusal) -> Option<&'a str> {
    const SERVICES: [(&str, &str); 3] = [
        ("TRNG", "KVM_REG_ARM_STD_BMAP"),
        ("PV_TIME", "KVM_REG_ARM_STD_HYP_BMAP"),
        ("VENDOR_HYP", "KVM_REG_ARM_VENDOR_HYP_BMAP"),
    ];
    if refusal.code != reason::ANSWER {
        return None;
    }
    let (_, register) = SERVICES.iter().find(|(s, _)| refusal.name.contains(s))?;
    let entry = lock.registers.iter().find(|r| r.name == *register)?;
    Some(&entry.from)
}
