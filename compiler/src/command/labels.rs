//! `vmlock labels`: what a host keeps, as a scheduler takes it.
//!
//! A scheduler believes a label. So a lock has one where the host's plan refuses nothing of it, and only then; beside
//! it stands what the report says of a write that was tried and stuck. All of it is of one boot: a report that does not
//! say of which makes no label.

use super::{digest_of, parse_lock, read, read_tried, unwritable};
use crate::below;
use crate::diagnostic::Diagnostic;
use crate::flags::{Format, LabelsFlags};
use crate::fold::folded;
use crate::render::{Exit, Output};
use crate::scheduler::{Label, Scheduler};
use crate::shell;
use serde_json::{Value, json};
use std::path::Path;
use std::time::SystemTime;
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::plan::{Plan, plan};
use vmlock_spec::report::{self, HostReport};
use vmlock_spec::smccc;
use vmlock_spec::vm::Feature;

/// Digits of a digest that a label holds: all of SHA-256 would be 64, one too many for Kubernetes.
const DIGITS: usize = 40;

/// Prints the labels of a host, or what a machine has to ask for.
pub fn run(flags: &LabelsFlags, out: &mut Output) {
    let scheduler = match scheduler(flags) {
        Ok(scheduler) => scheduler,
        Err(diagnostic) => return out.fail(Exit::Usage, *diagnostic),
    };
    match (&flags.select, &flags.host) {
        (Some(lock), _) => select(lock, scheduler.as_ref(), out),
        (None, Some(host)) => labels(flags, host, scheduler.as_ref(), out),
        // The command line asks for one of them.
        (None, None) => {}
    }
}

fn misused(words: &str, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("usage::arguments", words).help(help))
}

/// Who is meant, where somebody is.
fn scheduler(flags: &LabelsFlags) -> Result<Option<Scheduler>, Box<Diagnostic>> {
    let domain = || {
        let words = "labels of Kubernetes begin with a domain, and none was given";
        let help = "name one of your own: `--domain vmlock.example.com`";
        flags.domain.clone().ok_or_else(|| misused(words, help))
    };
    let scheduler = match flags.format {
        Format::Nfd => {
            let until = flags.expires.map(|span| SystemTime::now() + span);
            Some(Scheduler::Nfd(domain()?, until))
        }
        Format::Kubectl => {
            if flags.node.is_none() && flags.select.is_none() {
                let words = "kubectl has to know which node the labels are of";
                return Err(misused(words, "name it: `--node NAME`"));
            }
            Some(Scheduler::Kubectl(domain()?, flags.node.clone()))
        }
        Format::Openstack => Some(Scheduler::Openstack),
        Format::Nomad => Some(Scheduler::Nomad),
        Format::Slurm => Some(Scheduler::Slurm),
        _ => None,
    };
    // What would be given and not heard.
    let of_kubernetes = matches!(scheduler, Some(Scheduler::Nfd(..) | Scheduler::Kubectl(..)));
    for (given, heard, flag, with) in [
        (
            flags.domain.is_some(),
            of_kubernetes,
            "--domain",
            "--format nfd` or `--format kubectl",
        ),
        (
            flags.node.is_some(),
            flags.format == Format::Kubectl,
            "--node",
            "--format kubectl",
        ),
        (
            flags.expires.is_some(),
            flags.format == Format::Nfd,
            "--expires",
            "--format nfd",
        ),
        (
            flags.output.is_some(),
            scheduler.is_some(),
            "--output",
            "--format nfd` and its like",
        ),
    ] {
        if given && !heard {
            let words = format!("`{flag}` means nothing here");
            return Err(misused(&words, &format!("it belongs to `{with}`")));
        }
    }
    Ok(scheduler)
}

/// A lock with the label that a host has which keeps it.
fn lock_of(path: &Path) -> Result<(Lock, Label), Diagnostic> {
    let text = read(path, canonical::SIZE_MAX)?;
    let (lock, text) = parse_lock(path, text)?;
    let label = Label::new(format!("lock.{}", lock.name), short(&text));
    Ok((lock, label))
}

/// As many digits of a text's digest as a label holds.
fn short(text: &str) -> String {
    let mut digits = digest_of(text);
    digits.truncate(DIGITS);
    digits
}

fn select(path: &Path, scheduler: Option<&Scheduler>, out: &mut Output) {
    let label = match lock_of(path) {
        Ok((_, label)) => label,
        Err(diagnostic) => return out.fail(Exit::Environment, diagnostic),
    };
    out.value("select", of_label(&label));
    let text = match scheduler {
        None => return out.line(format!("{}={}", label.name, label.value)),
        Some(scheduler) => scheduler.selector(&label),
    };
    match text {
        Ok(text) => out.verbatim(&text),
        Err(words) => out.findings(vec![unfit(&words)]),
    }
}

fn labels(flags: &LabelsFlags, host: &Path, scheduler: Option<&Scheduler>, out: &mut Output) {
    let report = match read_tried(host) {
        Ok(report) => report,
        Err(diagnostic) => return out.fail(Exit::Environment, diagnostic),
    };
    let Some(boot) = report.boot.clone() else {
        let shown = host.display().to_string();
        let words = format!(
            "`{shown}` does not say of which boot it is, so nobody could tell when its labels are old"
        );
        let help = "make it on the host with `vmlock-run probe --boot`, anew in each boot";
        let diagnostic = Diagnostic::error("labels::no-boot", words).in_file(shown);
        return out.fail(Exit::Findings, diagnostic.help(help));
    };
    let files = match flags.locks.is_empty() {
        // Without any, the host's own labels are asked for.
        true => Vec::new(),
        false => below::files(&flags.locks, "lock", |n| n.ends_with(".vm.lock.json"), out),
    };
    let mut all = vec![Label::new("boot", boot)];
    all.extend(of_host(&report));
    let mut asked = Vec::new();
    for file in &files {
        let (lock, label) = match lock_of(&file.path) {
            Ok(read) => read,
            Err(diagnostic) => {
                out.fail(Exit::Environment, diagnostic);
                continue;
            }
        };
        let shown = file.path.display().to_string();
        let plan = plan(&lock, &report);
        let kept = plan.refusals.is_empty();
        asked.push(json!({ "lock": shown, "label": of_label(&label), "kept": kept }));
        match kept {
            true => all.push(label),
            false => out.note(not_kept(&shown, host, &plan)),
        }
    }
    // A part of the labels would say no of what nobody looked at.
    if !out.is_fine() {
        return;
    }
    out.value("labels", all.iter().map(of_label).collect::<Vec<_>>());
    out.value("locks", asked);
    let text = match scheduler {
        None => {
            return out.lines(
                all.iter()
                    .map(|label| format!("{}={}", label.name, label.value)),
            );
        }
        Some(scheduler) => scheduler.document(&all),
    };
    match (text, &flags.output) {
        (Err(wrong), _) => {
            out.findings(wrong.iter().map(|words| unfit(words)).collect());
        }
        (Ok(text), None) => out.verbatim(&text),
        (Ok(text), Some(path)) => {
            if let Err(error) = vmlock_atomic::replace(path, &text) {
                let shown = path.display().to_string();
                out.fail(Exit::Environment, unwritable(&shown, &error));
            }
        }
    }
}

/// What the report says of the host beside locks: what was written on it, accepted, and then there.
fn of_host(report: &HostReport) -> Vec<Label> {
    // Which boot it was is no part of what the host can show.
    let digest = short(&report::write(&report.without_boot()));
    let mut all = vec![Label::new("report", digest)];
    let Some(gic) = &report.gic else {
        return all;
    };
    let known = report.psci.iter();
    let known = known.filter(|version| smccc::psci_number(version).is_some());
    all.extend(known.map(|version| Label::new(format!("psci-{version}"), "true")));
    let revision = |iidr: u32| (iidr >> 12 & 0xf) as u8;
    let stuck = |revision_: &u8| {
        let mut tried = gic.revisions.iter();
        revision(gic.iidr) == *revision_
            || tried.any(|t| {
                t.accepted && t.revision == *revision_ && revision(t.read_back) == *revision_
            })
    };
    let revisions = (0..=0xf).filter(stuck);
    all.extend(revisions.map(|r: u8| Label::new(format!("gic-iidr-rev{r}"), "true")));
    let features = Feature::ALL.iter().filter(|f| report.offers(**f));
    all.extend(features.map(|f| Label::new(format!("feature.{}", f.name()), "true")));
    all
}

/// For people: what has no label, and where the reasons are told.
fn not_kept(shown: &str, host: &Path, plan: &Plan) -> String {
    let folds = folded(&plan.refusals);
    let first = folds.first().map(|fold| fold.name).unwrap_or_default();
    let more = match folds.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    format!(
        "vmlock: no label for `{shown}`, which this host does not keep ({first}{more}); why: `vmlock check {} --host {}`",
        shell::word(shown),
        shell::word(&host.display().to_string())
    )
}

fn of_label(label: &Label) -> Value {
    json!({ "name": label.name, "value": label.value })
}

fn unfit(words: &str) -> Diagnostic {
    Diagnostic::error("labels::unfit", words.to_owned())
        .help("give the machine another name in its description, or take fewer locks")
}
