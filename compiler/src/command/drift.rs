//! `vmlock drift`: what a new kernel changes for guests, what broke, what restores it, and the baseline that says so.

mod say;

use crate::baseline;
use crate::command::diff::{Side, kind, observed, side};
use crate::command::observe::incomplete;
use crate::command::{cpu, read_lock, unwritable};
use crate::diagnostic::{Diagnostic, Severity, join};
use crate::flags::DriftFlags;
use crate::hosts::recorded;
use crate::language::import;
use crate::render::{Exit, Output};
use say::Names;
use std::path::Path;
use vmlock_spec::adopt::shown;
use vmlock_spec::catalogue::{Catalogue, register_by_name};
use vmlock_spec::common::fitting;
use vmlock_spec::drift::{self, Drift, Host};
use vmlock_spec::names;
use vmlock_spec::observation::account::Account;
use vmlock_spec::report::HostReport;
use vmlock_spec::words::printable;

/// What a host shows that is compared with another one of the same CPU.
const BEFORE: &str = "as-it-was-before";

/// Compares, and writes the baseline where that was asked for.
pub fn run(flags: &DriftFlags, out: &mut Output) {
    let mut catalogue = Catalogue::builtin();
    for path in &flags.imports {
        for problem in import::add_file(&mut catalogue, path)
            .err()
            .into_iter()
            .flatten()
        {
            out.fail(Exit::Environment, problem);
        }
    }
    let names = [(&flags.from, true), (&flags.cpu, false)];
    for (name, is_baseline) in names {
        if let Some(unknown) = name
            .as_ref()
            .and_then(|n| unknown(n, is_baseline, &catalogue))
        {
            out.fail(Exit::Usage, unknown);
        }
    }
    if let Some(unfit) = flags
        .write
        .as_deref()
        .and_then(|path| unfit(path, &catalogue))
    {
        out.fail(unfit.0, unfit.1);
    }
    let (mut reports, mut accounts, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for name in &flags.files {
        match side(name, &catalogue) {
            Ok(Side::Report(report)) => reports.push((name.clone(), *report)),
            Ok(Side::Observed(account)) => accounts.push((name.as_str(), account)),
            Ok(other) => others.push(format!("`{name}` is {}", kind(&other))),
            Err(problem) => out.fail(Exit::Environment, *problem),
        }
    }
    if !out.is_fine() {
        return;
    }
    match (accounts.as_slice(), reports.as_slice()) {
        ([a, b], []) if others.is_empty() => of_observed(flags, a, b, &catalogue, out),
        ([], [a, b]) if others.is_empty() && flags.from.is_none() => {
            between(flags, a, b, catalogue, out);
        }
        ([], [_, ..]) if others.is_empty() && (flags.from.is_some() || reports.len() == 1) => {
            against(flags, &reports, catalogue, out);
        }
        _ => out.fail(Exit::Usage, files(flags, &others)),
    }
}

/// A name that is not one of the catalogue.
fn unknown(name: &str, is_baseline: bool, catalogue: &Catalogue) -> Option<Diagnostic> {
    let (words, help) = match is_baseline {
        true => match catalogue.baseline(name) {
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

/// Why no baseline can be written there.
fn unfit(path: &Path, catalogue: &Catalogue) -> Option<(Exit, Diagnostic)> {
    let name = stem(path);
    if let Some(unfit) = cpu::not_a_name(&name) {
        return Some((Exit::Usage, unfit));
    }
    if catalogue.baseline(&name).is_some() || catalogue.cpu(&name).is_some() {
        let words = format!("`{name}` exists already, and what a name means never changes");
        let help = "the baseline is called as its file is: choose another one";
        return Some((
            Exit::Usage,
            Diagnostic::error("import::name-taken", words).help(help),
        ));
    }
    let shown = path.display().to_string();
    path.exists().then(|| {
        let words = format!("`{shown}` exists already; nothing was written");
        let help = "choose another file for --write, or remove it";
        (
            Exit::Environment,
            Diagnostic::error("drift::exists", words)
                .in_file(shown)
                .help(help),
        )
    })
}

/// The name of the baseline in a file.
fn stem(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    name.strip_suffix(".kdl").unwrap_or(&name).to_owned()
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

/// Says that a CPU model was made of the report itself.
fn own_model(name: &str) -> Diagnostic {
    let words = format!(
        "no CPU model of the catalogue is the CPU of `{name}`: one was made of the report itself, so what this kernel hides of the silicon, and the old one showed, is not seen"
    );
    Diagnostic {
        severity: Severity::Warning,
        ..Diagnostic::error("drift::own-model", words)
            .in_file(name)
            .help("compare with a report of the old kernel, `vmlock drift OLD NEW`; or make a model of one with `vmlock cpu`, and give it with --import")
    }
}

/// The CPU model of a host: the catalogue's that fits best, or one of its own, which is added.
fn model(
    flags: &DriftFlags,
    report: &HostReport,
    own: &str,
    catalogue: &mut Catalogue,
) -> Result<(String, bool), (Exit, Box<Diagnostic>)> {
    let models = match &flags.cpu {
        Some(cpu) => vec![cpu.as_str()],
        None => catalogue.cpu_names().collect(),
    };
    if let Some((name, _)) = fitting(catalogue, models, &[], std::slice::from_ref(report)) {
        return Ok((name.to_owned(), false));
    }
    if let Some(cpu) = &flags.cpu {
        let words = format!("`{cpu}` is not the CPU of this host: its MIDR_EL1 is another one");
        let help = "without --cpu, the model that fits best is taken";
        return Err((
            Exit::Usage,
            Box::new(Diagnostic::error("drift::another-cpu", words).help(help)),
        ));
    }
    let text = cpu::model(report, own).map_err(|unfit| {
        let (exit, problem) = unfit.said();
        (exit, Box::new(problem))
    })?;
    baseline::add(catalogue, &text, own).map_err(|problem| (Exit::Environment, problem))?;
    Ok((own.to_owned(), true))
}

/// What statements name as their source, until somebody has looked.
fn source(models: &[String]) -> String {
    let mut models = models.to_vec();
    models.dedup();
    format!(
        "TO BE FILLED IN: kernel file and version; seen by `vmlock drift` on {}",
        join(&models)
    )
}

/// Hosts against a baseline.
fn against(
    flags: &DriftFlags,
    reports: &[(String, HostReport)],
    mut catalogue: Catalogue,
    out: &mut Output,
) {
    let wholes = catalogue.wholes();
    let newest = wholes.last().map(|name| (*name).to_owned());
    let Some(from) = flags.from.clone().or(newest) else {
        return;
    };
    let mut models = Vec::new();
    for (index, (name, report)) in reports.iter().enumerate() {
        let own = format!("host-cpu-{}", index + 1);
        match model(flags, report, &own, &mut catalogue) {
            Ok((model, is_own)) => {
                models.push(model);
                out.findings(is_own.then(|| own_model(name)).into_iter().collect());
            }
            Err((exit, problem)) => return out.fail(exit, problem.in_file(name)),
        }
    }
    let hosts: Vec<Host<'_>> = models
        .iter()
        .zip(reports)
        .map(|(model, (_, report))| Host { model, report })
        .collect();
    let paths: Vec<&str> = reports.iter().map(|(name, _)| name.as_str()).collect();
    let mut found = match drift::drift(&catalogue, &from, &hosts, &source(&models)) {
        Ok(found) => found,
        Err((host, complaints)) => {
            let words: Vec<String> = complaints.into_iter().map(|c| c.message).collect();
            let words = format!(
                "`{from}` cannot be applied to `{}`: {}",
                models[host],
                words.join("; ")
            );
            let problem = Diagnostic::error("drift::unknown", words).in_file(paths[host]);
            return out.fail(Exit::Environment, problem);
        }
    };
    // What no baseline says of a recorded host of the old kernel either has not changed.
    for model in &models {
        let Some(report) = recorded::host(model, &from) else {
            continue;
        };
        let host = Host {
            model,
            report: &report,
        };
        if let Ok(old) = drift::drift(&catalogue, &from, &[host], "") {
            found.unsaid.retain(|unsaid, guests| {
                let known = old.unsaid.contains_key(unsaid);
                guests.retain(|guest| !known || models[found.guests[*guest].host] != *model);
                !guests.is_empty()
            });
        }
    }
    let names = Names {
        from: &from,
        old: &from,
        paths: &paths,
        models: &models,
    };
    finish(flags, &found, &found, &names, reports, &catalogue, out);
}

/// One host against another one with the same CPU.
fn between(
    flags: &DriftFlags,
    (a, before): &(String, HostReport),
    b: &(String, HostReport),
    mut catalogue: Catalogue,
    out: &mut Output,
) {
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
        return out.fail(
            Exit::Usage,
            Diagnostic::error("drift::another-cpu", words).help(help),
        );
    }
    let (model, _) = match model(flags, before, "host-cpu", &mut catalogue) {
        Ok(model) => model,
        Err((exit, problem)) => return out.fail(exit, problem.in_file(a)),
    };
    let models = vec![model.clone()];
    let host = |report| Host {
        model: &model,
        report,
    };
    let Some(nearest) = drift::nearest(&catalogue, host(before)) else {
        let words = "no baseline of the catalogue can be applied to it";
        let problem = Diagnostic::error("report::incomplete", words).in_file(a);
        return out.fail(
            Exit::Environment,
            problem.help("make the report again with `vmlock-run probe`"),
        );
    };
    let source = source(&models);
    let Ok(old) = drift::drift(&catalogue, &nearest, &[host(before)], &source) else {
        return;
    };
    let text = baseline::kdl(
        BEFORE,
        &nearest,
        "A default guest before",
        &old.statements(),
    );
    if let Err(problem) = baseline::add(&mut catalogue, &text, a) {
        return out.fail(Exit::Environment, *problem);
    }
    let all = [host(&b.1)];
    let found = drift::drift(&catalogue, BEFORE, &all, &source);
    let whole = drift::drift(&catalogue, &nearest, &all, &source);
    let (Ok(mut found), Ok(whole)) = (found, whole) else {
        return;
    };
    // What no baseline says of the old host either has not changed.
    found
        .unsaid
        .retain(|unsaid, _| !old.unsaid.contains_key(unsaid));
    let names = Names {
        from: a,
        old: &nearest,
        paths: &[&b.0],
        models: &models,
    };
    finish(
        flags,
        &found,
        &whole,
        &names,
        std::slice::from_ref(b),
        &catalogue,
        out,
    );
}

/// Says what was found, judges the locks, and writes the baseline. `whole` is the difference from a baseline by name.
fn finish(
    flags: &DriftFlags,
    found: &Drift<'_>,
    whole: &Drift<'_>,
    names: &Names<'_>,
    reports: &[(String, HostReport)],
    catalogue: &Catalogue,
    out: &mut Output,
) {
    say::drift(found, names, out);
    if !found.is_none() {
        out.exit(Exit::Findings);
    }
    let mut locks = Vec::new();
    for path in &flags.locks {
        match read_lock(path) {
            Ok(lock) => locks.push((path.display().to_string(), lock)),
            Err(problem) => out.fail(Exit::Environment, problem),
        }
    }
    say::locks(&locks, reports, out);
    let Some(path) = &flags.write else { return };
    let name = stem(path);
    let mut text = format!(
        "// What a default guest sees there, as its difference from {}. Written by `vmlock drift`: the sources are\n\
         // to be filled in, each with the kernel's file and version.\n",
        names.old
    );
    for unsaid in whole.unsaid.keys() {
        let words = format!(
            "{}: {} where it says {}",
            unsaid.name, unsaid.offered, unsaid.wanted
        );
        text.push_str(&format!(
            "// Not said here, since no statement can: {}\n",
            printable(&words)
        ));
    }
    text.push_str(&baseline::kdl(
        &name,
        names.old,
        &format!("What {name} shows a guest"),
        &whole.statements(),
    ));
    let shown = path.display().to_string();
    if let Err(problem) = baseline::add(&mut catalogue.clone(), &text, &shown) {
        return out.fail(Exit::Environment, *problem);
    }
    if let Err(error) = vmlock_atomic::replace(path, &text) {
        return out.fail(Exit::Environment, unwritable(&shown, &error));
    }
    out.note(format!("{shown}: written; its sources are to be filled in"));
    out.value("written", shown);
}

/// Between two runs of a witness: what a host could be made to show is not known.
fn of_observed(
    flags: &DriftFlags,
    (name, a): &(&str, Box<Account>),
    (other, b): &(&str, Box<Account>),
    catalogue: &Catalogue,
    out: &mut Output,
) {
    let asked = [
        ("--from", flags.from.is_some()),
        ("--cpu", flags.cpu.is_some()),
        ("--lock", !flags.locks.is_empty()),
        ("--write", flags.write.is_some()),
    ];
    let asked: Vec<String> = asked
        .iter()
        .filter(|(_, given)| *given)
        .map(|(flag, _)| format!("`{flag}`"))
        .collect();
    if !asked.is_empty() {
        let words = format!(
            "{} needs the report of a host: a witness does not say what its host can be made to show",
            join(&asked)
        );
        let help = "`vmlock-run probe` makes a report; a lock is held against a log by `vmlock audit LOCK --observed FILE`";
        return out.fail(
            Exit::Usage,
            Diagnostic::error("drift::files", words).help(help),
        );
    }
    let changes = observed::compare(a, b);
    say::observed(name, other, &changes, catalogue, out);
    if !changes.is_empty() {
        out.exit(Exit::Findings);
    }
    for (name, account) in [(name, a), (other, b)] {
        out.findings(incomplete(name, account));
    }
}
