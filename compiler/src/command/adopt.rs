//! `vmlock adopt`: a host as it is, as a description with a CPU model and a
//! baseline of the user's own. The lock that comes of it needs no write there.

mod kernel;

use crate::baseline;
use crate::command::{cpu, read_tried, unwritable};
use crate::diagnostic::Diagnostic;
use crate::flags::AdoptFlags;
use crate::names;
use crate::render::{Exit, Output};
use crate::shell;
use crate::wording;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fs;
use std::path::Path;
use vmlock_spec::adopt::deviations;
use vmlock_spec::catalogue::{Catalogue, Statement, Subject};
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::{Emulation, Keep, Refusal, Step, plan_with};
use vmlock_spec::report::HostReport;
use vmlock_spec::resolve;
use vmlock_spec::vm::{Cpu, Feature, VmSpec};

/// Where every statement of an adopted baseline comes from.
const SOURCE: &str = "read on the host by vmlock-run probe";
/// Size and number of what the host's report does not decide; the user's to change.
const VCPUS: u32 = 2;
const MEMORY_BYTES: u64 = 512 << 20;

/// Writes the files.
pub fn run(flags: &AdoptFlags, out: &mut Output) {
    if let Some(name) = &flags.baseline {
        return kernel::run(flags, name, out);
    }
    // One of the two is there: the command line asks for it.
    let name = flags.name.as_deref().unwrap_or_default();
    if let Some(unfit) = names::not_a_name(name) {
        return out.fail(Exit::Usage, unfit);
    }
    let report = match read_tried(&flags.report) {
        Ok(report) => report,
        Err(diagnostic) => return out.fail(Exit::Environment, diagnostic),
    };
    let mut features = flags.features.clone();
    features.sort();
    features.dedup();
    let shown = flags.report.display().to_string();
    let adopted = match adopt(&report, name, &features) {
        Ok(adopted) => adopted,
        Err((exit, diagnostic)) => return out.fail(exit, diagnostic.in_file(shown)),
    };
    let folder = flags.output.as_deref().unwrap_or(Path::new(""));
    let files = [
        (folder.join(adopted.host_file()), &adopted.host),
        (folder.join(format!("{name}.vm.kdl")), &adopted.spec),
    ];
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        let shown = path.display().to_string();
        let words = format!("`{shown}` exists already; nothing was written");
        let diagnostic = Diagnostic::error("adopt::exists", words).in_file(shown);
        out.fail(
            Exit::Environment,
            diagnostic.help("choose another --name or --output, or remove it"),
        );
        return;
    }
    for (index, (path, text)) in files.iter().enumerate().rev() {
        let shown = path.display().to_string();
        if let Err(error) = vmlock_atomic::replace(path, text) {
            // Both or none: one alone would only be in the way of the next try.
            for (earlier, _) in &files[index + 1..] {
                let _ = fs::remove_file(earlier);
            }
            return out.fail(Exit::Environment, unwritable(&shown, &error));
        }
    }
    for (path, _) in &files {
        out.line(format!("{}: written", path.display()));
    }
    let near = &adopted.near;
    let nearest = &near.baseline;
    let equals = match near.equals.as_slice() {
        [] => String::new(),
        [one] => format!(" (`{one}` says the same on this CPU)"),
        [first, .., last] => format!(" (`{first}` to `{last}` say the same on this CPU)"),
    };
    match near.statements.len() {
        0 => out.line(format!(
            "a default guest on this host sees `{nearest}`{equals}"
        )),
        count => out.line(format!(
            "the nearest baseline is `{nearest}`{equals}; the host deviates from it in {count}:"
        )),
    }
    let list: Vec<Value> = near.statements.iter().map(|s| said(s, out)).collect();
    let made = files[1].0.display().to_string();
    out.line(format!("next: vmlock lock {}", shell::word(&made)));
    out.value(
        "adopted",
        json!({
            "name": name,
            "nearest": nearest,
            "equals": near.equals,
            "deviations": list,
            "files": files.map(|(path, _)| path.display().to_string()),
        }),
    );
}

/// Tells one deviation; the same for programs.
fn said(statement: &Statement, out: &mut Output) -> Value {
    let (subject, says) = (wording::subject(statement), wording::act(statement));
    out.line(format!("  {subject}: {says}"));
    json!({ "subject": subject, "says": says })
}

/// What comes of a report.
struct Adopted {
    name: String,
    near: Near,
    /// CPU model and baseline, KDL.
    host: String,
    /// The description, KDL.
    spec: String,
}

impl Adopted {
    fn host_file(&self) -> String {
        format!("{}.host.kdl", self.name)
    }
}

type Failed = (Exit, Box<Diagnostic>);

/// Our own text, which no description could import.
fn unread(problem: Box<Diagnostic>) -> Failed {
    (Exit::Environment, problem)
}

/// The files' texts, tried: the lock that comes of them is kept on the host without a write.
fn adopt(report: &HostReport, name: &str, features: &[Feature]) -> Result<Adopted, Failed> {
    let incomplete = |words: String| {
        let diagnostic = Diagnostic::error("report::incomplete", words);
        let help = "make the report again with `vmlock-run probe`";
        (Exit::Environment, Box::new(diagnostic.help(help)))
    };
    if report.view(features).is_none() {
        return Err((Exit::Refused, Box::new(cpu::without(features, report))));
    }
    let (model, abi) = (format!("{name}-cpu"), format!("{name}-abi"));
    let cpu = cpu::model(report, &model).map_err(|unfit| {
        let (exit, diagnostic) = unfit.said();
        (exit, Box::new(diagnostic))
    })?;
    let mut catalogue = Catalogue::builtin();
    baseline::add(&mut catalogue, &cpu, "adopted").map_err(unread)?;
    let Some(near) = nearest(&catalogue, &model, report) else {
        return Err(incomplete(
            "no baseline of the catalogue can be applied to it".to_owned(),
        ));
    };
    let host = format!(
        "// What a default guest sees on one host, made from its report by `vmlock adopt`: the CPU\n\
         // as KVM shows it, and a baseline, stated as its difference from the nearest one of vmlock's\n\
         // catalogue. Locks hold the digests of both: changing one changes every lock made with it.\n\
         {}\n{cpu}",
        baseline::kdl(
            &abi,
            &near.baseline,
            "A default guest on one host",
            &near.statements
        )
    );
    let mut spec = format!(
        "// Pins what a default guest sees on one host today; made by `vmlock adopt`.\n\
         // Number of CPUs, memory and what to boot are yours to change.\n\
         vm \"{name}\" {{\n    arch \"arm64\"\n    import \"{name}.host.kdl\"\n    abi \"{abi}\"\n"
    );
    let features_block: String = features
        .iter()
        .map(|f| {
            format!(
                "        {}\n",
                super::feature_line(*f, &report.vector_lengths)
            )
        })
        .collect();
    spec.push_str(&match features_block.is_empty() {
        true => format!("    cpu \"{model}\" count={VCPUS}\n"),
        false => format!("    cpu \"{model}\" count={VCPUS} {{\n{features_block}    }}\n"),
    });
    spec.push_str(&format!("    memory \"{}MiB\"\n}}\n", MEMORY_BYTES >> 20));
    let mut catalogue = Catalogue::builtin();
    baseline::add(&mut catalogue, &host, "adopted").map_err(unread)?;
    prove(&catalogue, &abi, &model, features, report)?;
    Ok(Adopted {
        name: name.to_owned(),
        near,
        host,
        spec,
    })
}

/// The lock of a plain machine.
pub fn plain(
    catalogue: &Catalogue,
    abi: &str,
    model: &str,
    features: &[Feature],
    report: &HostReport,
) -> Result<Lock, Vec<resolve::Complaint>> {
    let cpu = Cpu::bare(model, VCPUS, features, &report.vector_lengths);
    let spec = VmSpec::bare("adopted", &[abi], cpu, MEMORY_BYTES);
    resolve::resolve(&spec, catalogue, &resolve::Target::NEWEST).map(|(lock, _)| lock)
}

/// A baseline that a host comes near to.
struct Near {
    baseline: String,
    /// Other baselines that come as near: on this CPU they say the same.
    equals: Vec<String>,
    statements: Vec<Statement>,
}

/// The whole baseline with the fewest deviations, the newest among equals.
fn nearest(catalogue: &Catalogue, model: &str, report: &HostReport) -> Option<Near> {
    let mut best: Option<Near> = None;
    for name in catalogue.releases() {
        let Some(statements) = against(catalogue, name, model, report) else {
            continue;
        };
        let mut equals = Vec::new();
        match best.take() {
            Some(near) if near.statements.len() < statements.len() => {
                best = Some(near);
                continue;
            }
            Some(near) if near.statements == statements => {
                equals = near.equals;
                equals.push(near.baseline);
            }
            _ => {}
        }
        best = Some(Near {
            baseline: name.to_owned(),
            equals,
            statements,
        });
    }
    best
}

/// What the host shows otherwise than a baseline says, in every set of features
/// that its report has: one file serves guests with and without a PMU.
fn against(
    catalogue: &Catalogue,
    baseline: &str,
    model: &str,
    report: &HostReport,
) -> Option<Vec<Statement>> {
    let of = |features: &[Feature]| {
        let view = report.view(features)?;
        let lock = plain(catalogue, baseline, model, features, report).ok()?;
        Some(deviations(&lock, view, report))
    };
    let base = of(&[])?;
    let pmu = of(&[Feature::Pmu]);
    let statement = |subject: Subject, when: &[&'static str]| Statement {
        subject,
        when: when.iter().map(|w| Cow::Borrowed(*w)).collect(),
        source: Cow::Borrowed(SOURCE),
        unsure_after: None,
        since: 1,
    };
    // Of the other features, what a guest without them does not see.
    let mut others = Vec::new();
    for feature in Feature::ALL.iter().filter(|f| **f != Feature::Pmu) {
        let more = of(&[*feature]).unwrap_or_default();
        let more = more.into_iter().filter(|s| !base.contains(s));
        others.extend(more.map(|s| statement(s, &[feature.name()])));
    }
    let Some(pmu) = pmu else {
        let base = base.into_iter().map(|s| statement(s, &[]));
        return Some(base.chain(others).collect());
    };
    let in_both = |s: &Subject| base.contains(s) && pmu.contains(s);
    let only = |list: &[Subject], when: &'static str| -> Vec<Statement> {
        let rest = list.iter().filter(|s| !in_both(s)).cloned();
        rest.map(|s| statement(s, &[when])).collect()
    };
    let both = base.iter().filter(|s| in_both(s)).cloned();
    let mut all: Vec<Statement> = both.map(|s| statement(s, &[])).collect();
    all.extend(only(&base, "!pmu"));
    all.extend(only(&pmu, "pmu"));
    all.extend(others);
    Some(all)
}

/// That the report does not tell what a baseline would have to say.
fn untold(what: Vec<String>, file: &str) -> Failed {
    let words = "this report does not tell all that a guest sees there; nothing was written";
    let problem = Diagnostic::error("report::incomplete", words).help(Refusal::AGAIN);
    let problem = what.into_iter().fold(problem, Diagnostic::detail);
    let problem = match file.is_empty() {
        true => problem,
        false => problem.in_file(file),
    };
    (Exit::Environment, Box::new(problem))
}

/// Plans the lock on the host: no refusal, no step.
fn prove(
    catalogue: &Catalogue,
    abi: &str,
    model: &str,
    features: &[Feature],
    report: &HostReport,
) -> Result<(), Failed> {
    let unsaid = |words: String, details: Vec<String>| {
        let diagnostic = Diagnostic::error("adopt::not-expressible", words);
        let diagnostic = details.into_iter().fold(diagnostic, Diagnostic::detail);
        (Exit::Refused, Box::new(diagnostic))
    };
    let lock = plain(catalogue, abi, model, features, report).map_err(|complaints| {
        let words: Vec<String> = complaints.into_iter().map(|c| c.message).collect();
        unsaid(
            format!("no lock comes of this host: {}", words.join("; ")),
            Vec::new(),
        )
    })?;
    let plan = plan_with(&lock, report, Emulation::Forbidden);
    let is_untold = |r: &Refusal| r.offered == Refusal::UNTOLD;
    let written = |k: &Keep| !matches!(k.step, None | Some(Step::StolenTime(_)));
    let is_shown = plan.keeps.iter().any(written) || plan.refusals.iter().any(|r| !is_untold(r));
    if !is_shown && !plan.refusals.is_empty() {
        let reasons = plan.refusals.into_iter().map(|r| r.reason).collect();
        return Err(untold(reasons, ""));
    }
    let mut problems: Vec<String> = plan
        .refusals
        .iter()
        .map(|r| {
            format!(
                "{}: the host shows {}, a lock would say {}",
                r.name, r.offered, r.wanted
            )
        })
        .collect();
    problems.extend(
        plan.keeps
            .iter()
            // What is asked for is given, and is nothing that the host shows otherwise.
            .filter(|k| written(k))
            .map(|k| format!("{}: it would have to be written", k.name)),
    );
    if problems.is_empty() {
        return Ok(());
    }
    let words = "this host shows what no baseline can say; nothing was written";
    Err(unsaid(words.to_owned(), problems))
}
