//! `vmlock drift`: what a new kernel changes for guests, what broke, what restores it, and the baseline that says so.

mod say;
pub mod write;

use crate::baseline;
use crate::command::diff::{Side, kind, observed, side};
use crate::command::observe::incomplete;
use crate::command::{cpu, read_lock, untried};
use crate::diagnostic::{Diagnostic, join};
use crate::difference::imported;
use crate::flags::{DriftFlags, Format};
use crate::hosts::recorded;
use crate::language::import;
use crate::page;
use crate::render::{Exit, Output};
use crate::shell;
use crate::wording;
use say::Names;
use vmlock_spec::adopt::shown;
use vmlock_spec::catalogue::{Catalogue, register_by_name};
use vmlock_spec::common::fitting;
use vmlock_spec::drift::{self, Drift, Host, Question, Unfit};
use vmlock_spec::lock::Lock;
use vmlock_spec::names;
use vmlock_spec::observation::account::Account;
use vmlock_spec::report::{HostReport, Imported};

/// What a host shows that is compared with another one of the same CPU.
const BEFORE: &str = "as-it-was-before";

/// A file's name, and what is in it.
type Named<T> = (String, T);
/// How a run ends, and why.
type Failed = (Exit, Box<Diagnostic>);

/// Compares, and writes the baseline where that was asked for.
pub fn run(flags: &DriftFlags, out: &mut Output) {
    let mut all = Catalogue::builtin();
    for path in &flags.imports {
        for problem in import::add_file(&mut all, path).err().into_iter().flatten() {
            out.fail(Exit::Environment, problem);
        }
    }
    let names = [(&flags.from, true), (&flags.cpu, false)];
    for (name, is_baseline) in names {
        if let Some(unknown) = name.as_ref().and_then(|n| unknown(n, is_baseline, &all)) {
            out.fail(Exit::Usage, unknown);
        }
    }
    if let Some(path) = &flags.write
        && let Some((exit, unfit)) = write::unfit(path, &all, &write::DRIFT)
    {
        out.fail(exit, unfit);
    }
    let (mut reports, mut accounts, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut imported = Vec::new();
    for name in &flags.files {
        match side(name, &all) {
            Ok(Side::Report(report)) if report.imported.is_some() => {
                imported.extend(report.imported.map(|of| (name.as_str(), of)));
            }
            Ok(Side::Report(report)) if report.view(&[]).is_none() => {
                let nobody = cpu::without(&[], &report).in_file(name);
                out.fail(Exit::Environment, nobody);
            }
            Ok(Side::Report(report)) => reports.push((name.clone(), *report)),
            Ok(Side::Observed(account)) => accounts.push((name.as_str(), account)),
            Ok(other) => others.push(format!("`{name}` is {}", kind(&other))),
            Err(problem) => out.fail(Exit::Environment, *problem),
        }
    }
    let mut locks = Vec::new();
    for path in &flags.locks {
        match read_lock(path) {
            Ok(lock) => locks.push((path.display().to_string(), lock)),
            Err(problem) => out.fail(Exit::Environment, problem),
        }
    }
    if !out.is_fine() {
        return;
    }
    let catalogue = named(&all, flags);
    if let Some((name, of)) = imported.first() {
        match imported.as_slice() {
            [a, b] if flags.files.len() == 2 && a.1.by == b.1.by && asked(flags).is_empty() => {
                of_imported(a, b, out);
            }
            // Neither good nor bad: nobody has tried.
            _ => out.fail(Exit::Unjudged, untried(name, of)),
        }
        if flags.format == Format::Html {
            out.shown_as(page::drift);
        }
        return;
    }
    let done = match (accounts.as_slice(), reports.as_slice()) {
        ([a, b], []) if others.is_empty() => of_observed(flags, a, b, out),
        ([], [a, b]) if others.is_empty() && flags.from.is_none() => {
            between(flags, a, b, catalogue, &locks, out)
        }
        ([], [_, ..]) if others.is_empty() && (flags.from.is_some() || reports.len() == 1) => {
            against(flags, &reports, &catalogue, &locks, out)
        }
        _ => Err((Exit::Usage, Box::new(files(flags, &others)))),
    };
    if let Err((exit, problem)) = done {
        out.fail(exit, *problem);
    }
    if flags.format == Format::Html {
        out.shown_as(page::drift);
    }
}

/// vmlock's own catalogue, and of somebody's files what the command line names: nothing else takes part unasked.
fn named(all: &Catalogue, flags: &DriftFlags) -> Catalogue {
    let mut catalogue = Catalogue::builtin();
    let chain = flags
        .from
        .as_deref()
        .and_then(|name| all.chain(all.revision(name, &[])));
    let chain = chain.unwrap_or_default().into_iter();
    let own = chain.filter(|b| catalogue.baseline(&b.name).is_none());
    let own = own.cloned().collect();
    let cpu = flags.cpu.as_deref().and_then(|name| all.cpu(name));
    let cpu = cpu.filter(|cpu| catalogue.cpu(&cpu.name).is_none());
    let cpu = cpu.into_iter().cloned().collect();
    // No name of them is taken: those that are were left out.
    let _ = catalogue.import(own, cpu);
    catalogue
}

/// A name that is not one of the catalogue.
pub fn unknown(name: &str, is_baseline: bool, catalogue: &Catalogue) -> Option<Diagnostic> {
    let (words, help) = match is_baseline {
        true => match catalogue.newest(name) {
            Some(baseline) if baseline.part.is_none() => return None,
            Some(_) => (
                format!("`{name}` is a part, and guests are built for a whole baseline"),
                "name a whole one, such as `kvm-7.2`".to_owned(),
            ),
            None => (
                format!("there is no baseline `{name}`"),
                names::baseline(name, catalogue),
            ),
        },
        false => match catalogue.cpu(name) {
            Some(_) => return None,
            None => (
                format!("there is no CPU model `{name}`"),
                format!(
                    "{}; --import FILE adds one of yours",
                    names::cpu(name, catalogue)
                ),
            ),
        },
    };
    Some(Diagnostic::error("drift::unknown", words).help(help))
}

/// What to say of files that cannot be compared.
fn files(flags: &DriftFlags, others: &[String]) -> Diagnostic {
    let words = match (others, flags.from.is_some()) {
        ([], true) => "with --from, every file is a host report".to_owned(),
        ([], false) => "without --from there are two files of a kind, or one report".to_owned(),
        (others, _) => format!(
            "{}: only host reports and what witnesses saw can drift",
            join(others)
        ),
    };
    Diagnostic::error("drift::files", words)
        .help("name what guests were built for, `--from kvm-7.2`, and the reports of the new kernel; or a file of before and one of after")
}

/// The CPU model of a host by the catalogue: the one that was named, or the one that fits best; `None` where there is
/// none.
pub fn model(
    named: Option<&str>,
    report: &HostReport,
    catalogue: &Catalogue,
) -> Result<Option<String>, Failed> {
    let models = match named {
        Some(cpu) => vec![cpu],
        None => catalogue.cpu_names().collect(),
    };
    match (
        fitting(catalogue, models, &[], std::slice::from_ref(report)),
        named,
    ) {
        (Some((name, _)), _) => Ok(Some(name.to_owned())),
        (None, None) => Ok(None),
        (None, Some(cpu)) => {
            let words = format!("`{cpu}` is not the CPU of this host: its MIDR_EL1 is another one");
            let help = "without --cpu, the model that fits best is taken";
            let diagnostic = Diagnostic::error("drift::another-cpu", words).help(help);
            Err((Exit::Usage, Box::new(diagnostic)))
        }
    }
}

/// What to say where there is no model of a host's CPU.
pub fn own_model(name: &str) -> Diagnostic {
    let words = format!(
        "no CPU model of the catalogue is the CPU of `{name}`: of one that is made of the report itself, what this kernel hides of the silicon is missing, and nobody would see that it was taken away"
    );
    Diagnostic::error("drift::own-model", words)
        .in_file(name)
        .help("compare with a report of the old kernel, `vmlock drift OLD NEW`; or make a model of one with `vmlock cpu OLD`, and name it with --cpu and --import")
}

/// What statements name as their source, until somebody has looked.
fn source(models: &[String]) -> String {
    format!(
        "TO BE FILLED IN: kernel file and version; seen by `vmlock drift` on {}",
        join(&each(models))
    )
}

/// Each name once.
fn each(names: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        if !out.contains(name) {
            out.push(name.clone());
        }
    }
    out
}

/// Asks, and says why there is no answer.
pub fn ask<'a>(
    question: Question<'_>,
    hosts: &[Host<'a>],
    paths: &[&str],
) -> Result<Drift<'a>, Failed> {
    drift::drift(question, hosts).map_err(|unfit| {
        let problem = match unfit {
            Unfit::NoGuest(host) => cpu::without(&[], hosts[host].report).in_file(paths[host]),
            Unfit::NoLock(host, complaints) => {
                let help = complaints.iter().find_map(|c| c.help.clone());
                let words: Vec<String> = complaints.into_iter().map(|c| c.message).collect();
                let words = format!(
                    "`{}` cannot be applied to `{}`: {}",
                    question.named,
                    hosts[host].model,
                    words.join("; ")
                );
                let problem = Diagnostic::error("drift::unknown", words).in_file(paths[host]);
                match help {
                    Some(help) => problem.help(help),
                    None => problem,
                }
            }
        };
        (Exit::Environment, Box::new(problem))
    })
}

/// Hosts against a baseline.
fn against(
    flags: &DriftFlags,
    reports: &[Named<HostReport>],
    catalogue: &Catalogue,
    locks: &[Named<Lock>],
    out: &mut Output,
) -> Result<(), Failed> {
    let newest = catalogue.releases().last().map(|name| (*name).to_owned());
    let named = flags.from.as_deref();
    let named = named.map(|name| catalogue.revision(name, &[]).to_owned());
    let Some(from) = named.or(newest) else {
        let words = "the catalogue has no whole baseline";
        let problem = Diagnostic::error("drift::unknown", words).help("name one with --from");
        return Err((Exit::Usage, Box::new(problem)));
    };
    let (mut models, mut lacking) = (Vec::new(), Vec::new());
    for (name, report) in reports {
        match model(flags.cpu.as_deref(), report, catalogue) {
            Ok(Some(model)) => models.push(model),
            Ok(None) => lacking.push((Exit::Usage, own_model(name))),
            Err((exit, problem)) => lacking.push((exit, problem.in_file(name))),
        }
    }
    if let Some((exit, last)) = lacking.pop() {
        for (exit, problem) in lacking {
            out.fail(exit, problem);
        }
        return Err((exit, Box::new(last)));
    }
    // The lab has looked at some kernels already.
    let olds: Vec<Option<HostReport>> = models.iter().map(|m| recorded::host(m, &from)).collect();
    let hosts = models.iter().zip(reports).zip(&olds);
    let hosts: Vec<Host<'_>> = hosts
        .map(|((model, (_, report)), old)| Host {
            model,
            report,
            old: old.as_ref(),
        })
        .collect();
    let paths: Vec<&str> = reports.iter().map(|(name, _)| name.as_str()).collect();
    let source = source(&models);
    let question = Question {
        catalogue,
        baseline: &from,
        named: &from,
        source: &source,
    };
    let found = ask(question, &hosts, &paths)?;
    let names = Names {
        from: &from,
        adopted: None,
        paths: &paths,
        models: &each(&models),
    };
    for (index, _) in olds.iter().enumerate().filter(|(_, old)| old.is_none()) {
        out.note(format!(
            "{}: nobody has recorded `{from}` on {}: what no lock promises is not compared",
            paths[index], models[index]
        ));
    }
    finish(flags, &found, &names, question, reports, locks, out);
    if let Some(path) = &flags.write {
        write::baseline(path, &found, question, &hosts, &write::DRIFT, out)?;
    }
    Ok(())
}

/// One host against another one with the same CPU.
fn between(
    flags: &DriftFlags,
    (a, before): &Named<HostReport>,
    b: &Named<HostReport>,
    mut catalogue: Catalogue,
    locks: &[Named<Lock>],
    out: &mut Output,
) -> Result<(), Failed> {
    let midr = |report: &HostReport| {
        let register = register_by_name("MIDR_EL1")?;
        shown(report.view(&[])?, register.id, &register.name)
    };
    if midr(before).is_none() || midr(before) != midr(&b.1) {
        let words = format!(
            "`{a}` and `{}` are hosts with different CPUs: what differs is not their kernels' doing alone",
            b.0
        );
        let help = format!(
            "`vmlock diff {a} {}` compares them; `--from BASELINE` holds each against what its kernel should show",
            b.0
        );
        let problem = Diagnostic::error("drift::another-cpu", words).help(help);
        return Err((Exit::Usage, Box::new(problem)));
    }
    let at_a = |(exit, problem): Failed| (exit, Box::new(problem.in_file(a)));
    // What the old kernel hid of the silicon, guests did not have before either.
    let model = match model(flags.cpu.as_deref(), before, &catalogue).map_err(at_a)? {
        Some(model) => model,
        None => {
            let own = "host-cpu";
            let text = cpu::model(before, own).map_err(|unfit| {
                let (exit, problem) = unfit.said();
                (exit, Box::new(problem.in_file(a)))
            })?;
            let added = baseline::add(&mut catalogue, &text, own);
            added.map_err(|problem| (Exit::Environment, problem))?;
            own.to_owned()
        }
    };
    let host = |report, old| Host {
        model: &model,
        report,
        old,
    };
    let Some(nearest) = drift::nearest(&catalogue, host(before, None)) else {
        let words = "no baseline of the catalogue can be applied to it";
        let help = "make the report again with `vmlock-run probe`";
        let problem = Diagnostic::error("report::incomplete", words).in_file(a);
        return Err((Exit::Environment, Box::new(problem.help(help))));
    };
    let models = vec![model.clone()];
    let source = source(&models);
    let near = Question {
        catalogue: &catalogue.clone(),
        baseline: &nearest,
        named: &nearest,
        source: &source,
    };
    let old = ask(near, &[host(before, None)], &[a])?;
    let title = "A default guest before";
    let text = baseline::kdl(BEFORE, &nearest, title, &old.statements());
    let added = baseline::add(&mut catalogue, &text, a);
    added.map_err(|problem| (Exit::Environment, problem))?;
    let question = Question {
        catalogue: &catalogue,
        baseline: BEFORE,
        ..near
    };
    let all = [host(&b.1, Some(before))];
    let mut found = ask(question, &all, &[&b.0])?;
    // There the baseline says what the nearest one does, which no guest was seen to find.
    found.set_aside_untold(|statement| {
        let subject = wording::subject(statement);
        format!("{subject}: `{a}` does not tell what its guest found")
    });
    let names = Names {
        from: a,
        adopted: Some(a),
        paths: &[&b.0],
        models: &models,
    };
    let reports = std::slice::from_ref(b);
    finish(flags, &found, &names, question, reports, locks, out);
    if let Some(path) = &flags.write {
        // A file says its difference from a baseline that others have, too.
        let whole = ask(near, &all, &[&b.0])?;
        write::baseline(path, &whole, near, &all, &write::DRIFT, out)?;
    }
    Ok(())
}

/// Says what was found, and judges the locks.
fn finish(
    flags: &DriftFlags,
    found: &Drift<'_>,
    names: &Names<'_>,
    question: Question<'_>,
    reports: &[Named<HostReport>],
    locks: &[Named<Lock>],
    out: &mut Output,
) {
    say::drift(found, names, question, out);
    if found.has_changed() {
        out.exit(Exit::Findings);
    } else if !found.unknown.is_empty() {
        out.exit(Exit::Unjudged);
    }
    if !flags.locks.is_empty() {
        say::locks(locks, reports, out);
    }
}

/// What was asked that needs to know what a host can be made to show.
fn asked(flags: &DriftFlags) -> Vec<String> {
    let asked = [
        ("--from", flags.from.is_some()),
        ("--cpu", flags.cpu.is_some()),
        ("--lock", !flags.locks.is_empty()),
        ("--write", flags.write.is_some()),
    ];
    let given = asked.iter().filter(|(_, given)| *given);
    given.map(|(flag, _)| format!("`{flag}`")).collect()
}

/// What one guest was shown on each of two hosts whose reports were imported.
fn of_imported((a, before): &(&str, Imported), (b, after): &(&str, Imported), out: &mut Output) {
    let midr = |of: &Imported| of.seen("MIDR_EL1").value();
    if midr(before).is_none() || midr(before) != midr(after) {
        let words = format!(
            "that `{a}` and `{b}` are of one CPU is not told: MIDR_EL1 is another one, or was not seen, and what differs is not their kernels' doing alone"
        );
        let help = format!(
            "`vmlock diff {} {}` compares them",
            shell::word(a),
            shell::word(b)
        );
        let problem = Diagnostic::error("drift::another-cpu", words).help(help);
        return out.fail(Exit::Unjudged, problem);
    }
    let (changes, untold) = imported::compare(before, after);
    let mut unknown = vec![
        "what these hosts can be made to show: both reports were imported, and nobody has tried"
            .to_owned(),
        "whether a difference is the kernel's or what the virtual machine monitor wrote: such a report does not tell"
            .to_owned(),
    ];
    if !untold.is_empty() {
        unknown.push(format!(
            "{}: one of the two reports alone tells",
            join(&untold)
        ));
    }
    say::observed(a, b, &changes, &unknown, out);
    if !changes.is_empty() {
        out.exit(Exit::Findings);
    }
    for words in unknown {
        let finding = Diagnostic::error("report::imported", words).in_file(*b);
        out.fail(
            Exit::Unjudged,
            finding.help("make reports on both hosts with `vmlock-run probe`"),
        );
    }
}

/// Between two runs of a witness: what a host could be made to show is not known.
fn of_observed(
    flags: &DriftFlags,
    (name, a): &(&str, Box<Account>),
    (other, b): &(&str, Box<Account>),
    out: &mut Output,
) -> Result<(), Failed> {
    let asked = asked(flags);
    if !asked.is_empty() {
        let words = format!(
            "{} needs the report of a host: a witness does not say what its host can be made to show",
            join(&asked)
        );
        let help = "`vmlock-run probe` makes a report; a lock is held against a log by `vmlock audit LOCK --observed FILE`";
        let problem = Diagnostic::error("drift::files", words).help(help);
        return Err((Exit::Usage, Box::new(problem)));
    }
    let changes = observed::compare(a, b);
    // What was not told may have changed.
    let untold: Vec<Diagnostic> = [(name, a), (other, b)]
        .into_iter()
        .flat_map(|(name, account)| incomplete(name, account))
        .collect();
    let words: Vec<String> = untold.iter().map(|u| u.message.concat()).collect();
    say::observed(name, other, &changes, &words, out);
    if !changes.is_empty() {
        out.exit(Exit::Findings);
    }
    for finding in untold {
        out.fail(Exit::Unjudged, finding);
    }
    Ok(())
}
