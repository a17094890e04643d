//! `vmlock adopt --baseline`: what one host's kernel shows, as a baseline alone, for any description to import.
//!
//! It is found and written as `vmlock drift --write` does it, as the difference from the mainline baseline that the host
//! comes nearest to. It is for the CPU of that host: what the kernel does with what this CPU has not, nobody has seen.

use super::said;
use crate::command::drift::{ask, model, own_model, unknown, write};
use crate::command::{cpu, read_tried};
use crate::diagnostic::Diagnostic;
use crate::flags::AdoptFlags;
use crate::language::import;
use crate::names;
use crate::render::{Exit, Output};
use crate::shell;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::drift::{self, Host, Question};
use vmlock_spec::plan::Refusal;
use vmlock_spec::report::HostReport;

/// Writes the file.
pub fn run(flags: &AdoptFlags, name: &str, out: &mut Output) {
    if let Some(unfit) = names::not_a_name(name) {
        return out.fail(Exit::Usage, unfit);
    }
    let mut all = Catalogue::builtin();
    for path in &flags.imports {
        for problem in import::add_file(&mut all, path).err().into_iter().flatten() {
            out.fail(Exit::Environment, problem);
        }
    }
    if !out.is_fine() {
        return;
    }
    let known = flags.cpu.as_deref();
    if let Some(unknown) = known.and_then(|cpu| unknown(cpu, false, &all)) {
        return out.fail(Exit::Usage, unknown);
    }
    // Of somebody's files the model that was named, and nothing else: no baseline of theirs takes part.
    let mut catalogue = Catalogue::builtin();
    let own = known.and_then(|name| all.cpu(name));
    let own = own.filter(|cpu| catalogue.cpu(&cpu.name).is_none());
    let own = own.into_iter().cloned().collect();
    // Its name is free: one that is taken was left out.
    let _ = catalogue.import(Vec::new(), own);
    let folder = flags.output.as_deref().unwrap_or(Path::new(""));
    let path = folder.join(format!("{name}.kdl"));
    if let Some((exit, unfit)) = write::unfit(&path, &all, &write::ADOPT) {
        return out.fail(exit, unfit);
    }
    let report = match read_tried(&flags.report) {
        Ok(report) => report,
        Err(diagnostic) => return out.fail(Exit::Environment, diagnostic),
    };
    if let Err((exit, problem)) = adopt(flags, &report, &catalogue, &path, out) {
        out.fail(exit, *problem);
    }
}

/// What differs, written and told.
fn adopt(
    flags: &AdoptFlags,
    report: &HostReport,
    catalogue: &Catalogue,
    path: &Path,
    out: &mut Output,
) -> Result<(), (Exit, Box<Diagnostic>)> {
    let shown = flags.report.display().to_string();
    if report.view(&[]).is_none() {
        let nobody = cpu::without(&[], report).in_file(&shown);
        return Err((Exit::Environment, Box::new(nobody)));
    }
    let in_file =
        |(exit, problem): (Exit, Box<Diagnostic>)| (exit, Box::new(problem.in_file(&shown)));
    let found = model(flags.cpu.as_deref(), report, catalogue).map_err(in_file)?;
    let Some(model) = found else {
        return Err((Exit::Usage, Box::new(own_model(&shown))));
    };
    let host = Host {
        model: &model,
        report,
        old: None,
    };
    let Some(nearest) = drift::nearest(catalogue, host) else {
        let words = "no baseline of the catalogue can be applied to it";
        let help = "make the report again with `vmlock-run probe`";
        let problem = Diagnostic::error("report::incomplete", words).in_file(&shown);
        return Err((Exit::Environment, Box::new(problem.help(help))));
    };
    let source = format!("read on a host with {model} by vmlock-run probe");
    let question = Question {
        catalogue,
        baseline: &nearest,
        named: &nearest,
        source: &source,
    };
    let found = ask(question, &[host], &[&shown])?;
    // What a plain guest sees there a baseline has to say, or it says something else.
    let plain = |machines: &[drift::Machine]| machines.iter().any(|m| m.features.is_empty());
    let unsaid = found.beyond.iter().filter(|(_, machines)| plain(machines));
    let (untold, unsaid): (Vec<_>, Vec<_>) =
        unsaid.partition(|(one, _)| one.after == Refusal::UNTOLD);
    let is_shown = !unsaid.is_empty();
    let unsaid = unsaid.into_iter().map(|(one, _)| {
        format!(
            "{}: the host shows {}, a lock would say {}",
            one.name, one.after, one.before
        )
    });
    let uncompared = found
        .unknown
        .iter()
        .filter(|u| u.machine.features.is_empty());
    let untold = untold.into_iter().map(|(one, _)| one.name.clone());
    let untold = untold.chain(uncompared.map(|u| u.words.clone()));
    let unsaid: Vec<String> = unsaid.chain(untold).collect();
    if !unsaid.is_empty() && !is_shown {
        return Err(super::untold(unsaid, &shown));
    }
    if !unsaid.is_empty() {
        let words = "this host shows what no baseline can say; nothing was written";
        let problem = Diagnostic::error("adopt::not-expressible", words).in_file(&shown);
        let problem = unsaid.into_iter().fold(problem, Diagnostic::detail);
        return Err((Exit::Refused, Box::new(problem)));
    }
    write::baseline(path, &found, question, &[host], &write::ADOPT, out)?;
    let statements = found.statements();
    match statements.len() {
        0 => out.line(format!("the mainline baseline that it is nearest to is `{nearest}`: on `{model}` it shows the same")),
        count => out.line(format!("the mainline baseline that it is nearest to is `{nearest}`; it deviates from it in {count}:")),
    }
    let list: Vec<Value> = statements.iter().map(|s| said(s, out)).collect();
    let open = write::open(&found);
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (feature, why) in &open {
        reasons.entry(why).or_default().push(feature.name());
    }
    for (why, features) in reasons {
        let features = features.join(", ");
        out.line(format!(
            "  {features}: unknown, so that no lock comes of it ({why})"
        ));
    }
    let made = path.display().to_string();
    out.line(format!(
        "next: in a description with a `{model}`, import {} and name it in `abi`",
        shell::word(&made)
    ));
    out.value(
        "adopted",
        json!({
            "nearest": nearest, "model": model, "deviations": list, "files": [made],
            "unknown": open.keys().map(|f| f.name()).collect::<Vec<_>>(),
        }),
    );
    Ok(())
}
