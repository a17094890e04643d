//! `vmlock diff`: two locks, two host reports, two saved guests, two baselines, or what two witnesses saw.

pub mod observed;
mod saved;

use crate::command::observe::incomplete;
use crate::command::{
    description, is_saved, parse_lock, read, read_observed, read_report, read_saved, untried,
};
use crate::diagnostic::{Diagnostic, join};
use crate::difference::imported;
use crate::difference::{self, Change};
use crate::files;
use crate::flags::DiffFlags;
use crate::language::import;
use crate::render::{Exit, Output};
use crate::shell;
use crate::wording;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::path::{Path, is_separator};
use vmlock_saved::Saved;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::lock::Lock;
use vmlock_spec::names;
use vmlock_spec::observation::account::{self, Account};
use vmlock_spec::observation::wire::text::NAME;
use vmlock_spec::report::{self, HostReport};
use vmlock_spec::resolve;
use vmlock_spec::vm::{Cpu, Feature, VmSpec};

/// One side of the comparison.
pub enum Side {
    /// What a guest is promised.
    Lock(Box<Lock>),
    /// What a host can be made to show.
    Report(Box<HostReport>),
    /// What a portable witness saw.
    Observed(Box<Account>),
    /// A guest in a file.
    Saved(Box<Saved>),
    /// A baseline of the catalogue, by name.
    Baseline(String),
}

/// Compares.
pub fn run(flags: &DiffFlags, out: &mut Output) {
    let mut catalogue = Catalogue::builtin();
    for path in &flags.imports {
        if let Err(problems) = import::add_file(&mut catalogue, path) {
            for problem in problems {
                out.fail(Exit::Environment, problem);
            }
            return;
        }
    }
    let sides = [&flags.a, &flags.b].map(|name| side(name, &catalogue));
    let [a, b] = match sides {
        [Ok(a), Ok(b)] => [a, b],
        failed => {
            for diagnostic in failed.into_iter().filter_map(Result::err) {
                out.fail(Exit::Environment, *diagnostic);
            }
            return;
        }
    };
    // What one of two reports that were imported alone tells, by name.
    let mut alone = Vec::new();
    let changes = match (&a, &b) {
        (Side::Lock(a), Side::Lock(b)) => difference::compare(a, b),
        (Side::Report(a), Side::Report(b)) => match [&a.imported, &b.imported] {
            [None, None] => difference::compare(a, b),
            [Some(a), Some(b)] if a.by == b.by => {
                let (changes, names) = imported::compare(a, b);
                alone = names;
                changes
            }
            // What nobody has tried would be told as zero.
            [a, b] => {
                let sides = [(&flags.a, a), (&flags.b, b)];
                for (name, of) in sides {
                    if let Some(of) = of {
                        out.fail(Exit::Environment, untried(name, of));
                    }
                }
                return;
            }
        },
        (Side::Observed(a), Side::Observed(b)) => observed::compare(a, b),
        (Side::Saved(a), Side::Saved(b)) => saved::compare(a, b),
        (Side::Baseline(a), Side::Baseline(b)) if part(&catalogue, a) == part(&catalogue, b) => {
            match &flags.cpu {
                None => statements(&catalogue, a, b),
                Some(cpu) => {
                    let locks = [a, b].map(|name| on_cpu(&catalogue, name, cpu, flags.pmu));
                    match locks {
                        [Ok(a), Ok(b)] => difference::guest_visible(difference::compare(&a, &b)),
                        failed => {
                            // What is wrong with the CPU is wrong for both.
                            let known = catalogue.cpu(cpu).is_some();
                            let failed = failed.into_iter().filter_map(Result::err);
                            for diagnostic in failed.take(if known { 2 } else { 1 }) {
                                out.fail(Exit::Environment, *diagnostic);
                            }
                            return;
                        }
                    }
                }
            }
        }
        _ => {
            return out.fail(Exit::Usage, two_kinds(flags, &a, &b));
        }
    };
    // What was not told may differ.
    let untold: Vec<Diagnostic> = [(&flags.a, &a), (&flags.b, &b)]
        .into_iter()
        .flat_map(|(name, side)| match side {
            Side::Observed(account) => incomplete(name, account),
            _ => Vec::new(),
        })
        .collect();
    if changes.is_empty() && untold.is_empty() && alone.is_empty() {
        out.line(format!("{} and {} do not differ", flags.a, flags.b));
    } else if changes.is_empty() {
        let words = "nothing that both of them tell differs";
        out.line(format!("{} and {}: {words}", flags.a, flags.b));
    } else {
        out.exit(Exit::Findings);
        out.lines(difference::table(&changes));
        if let Some(words) =
            difference::in_short(&changes).filter(|_| matches!(a, Side::Observed(_)))
        {
            out.note(format!("in short: {words}"));
        }
        out.note(match changes.len() {
            1 => "1 difference".to_owned(),
            n => format!("{n} differences"),
        });
    }
    if !alone.is_empty() {
        out.note(format!("{}: one of the two alone tells", join(&alone)));
    }
    out.findings(untold);
    out.value("changes", serde_json::to_value(changes).unwrap_or_default());
}

/// What a baseline speaks of; nothing for a whole one.
fn part<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a str> {
    catalogue.newest(name)?.part.as_deref()
}

/// What to say of two things that cannot be compared, and what was probably wanted.
fn two_kinds(flags: &DiffFlags, a: &Side, b: &Side) -> Diagnostic {
    let (name_a, name_b) = (&flags.a, &flags.b);
    let words = match (a, b) {
        (Side::Baseline(_), Side::Baseline(_)) => {
            format!("`{name_a}` and `{name_b}` do not speak of the same thing")
        }
        _ => format!(
            "`{name_a}` is {} and `{name_b}` is {}: only two of a kind can be compared",
            kind(a),
            kind(b)
        ),
    };
    let (name_a, name_b) = (shell::word(name_a), shell::word(name_b));
    let help = match (a, b) {
        (Side::Lock(_), Side::Report(_)) => {
            format!("whether that host can keep it: `vmlock check {name_a} --host {name_b}`")
        }
        (Side::Report(_), Side::Lock(_)) => {
            format!("whether that host can keep it: `vmlock check {name_b} --host {name_a}`")
        }
        (Side::Report(_), Side::Baseline(_)) => {
            format!("how a host differs from the nearest baseline: `vmlock adopt {name_a} --name NAME`")
        }
        (Side::Baseline(_), Side::Report(_)) => {
            format!("how a host differs from the nearest baseline: `vmlock adopt {name_b} --name NAME`")
        }
        (Side::Lock(_), Side::Observed(_)) => {
            format!("whether that machine is the lock's: `vmlock audit {name_a} --observed {name_b}`")
        }
        (Side::Observed(_), Side::Lock(_)) => {
            format!("whether that machine is the lock's: `vmlock audit {name_b} --observed {name_a}`")
        }
        (Side::Lock(_), Side::Baseline(_)) | (Side::Baseline(_), Side::Lock(_)) => {
            "name the other baseline in the description: `vmlock lock --dry-run SPEC` says what that changes".to_owned()
        }
        (Side::Saved(_), _) | (_, Side::Saved(_)) => format!(
            "compare two saved guests; `vmlock explain {name_a}` and `vmlock explain {name_b}` say what each holds"
        ),
        _ => format!(
            "compare two whole baselines, or two parts of one thing; `vmlock explain {name_a}` and `vmlock explain {name_b}` say what each holds"
        ),
    };
    Diagnostic::error("diff::two-kinds", words).help(help)
}

/// What it is, for people, with its article.
pub fn kind(side: &Side) -> &'static str {
    match side {
        Side::Lock(_) => "a lock",
        Side::Report(_) => "a host report",
        Side::Observed(_) => "what a witness saw",
        Side::Saved(_) => "a saved guest",
        Side::Baseline(_) => "a baseline",
    }
}

/// What a name on the command line means: a baseline, else a file.
///
/// # Errors
/// It is neither, or a file that cannot be read.
pub fn side(name: &str, catalogue: &Catalogue) -> Result<Side, Box<Diagnostic>> {
    if let Some(baseline) = catalogue.newest(name) {
        return Ok(Side::Baseline(baseline.name.to_string()));
    }
    let path = Path::new(name);
    if !path.exists() && !name.contains(|c| c == '.' || is_separator(c))
        || !path.exists() && !name.ends_with(".json")
    {
        let (words, help) = match catalogue.cpu(&name.to_ascii_lowercase()) {
            Some(cpu) => (
                format!("`{name}` is a CPU model, and models are not compared"),
                format!(
                    "`vmlock explain {0}` shows one; `vmlock diff kvm-6.8 kvm-6.12 --cpu {0}` what a guest sees on it",
                    cpu.name
                ),
            ),
            None => (
                format!("`{name}` is neither a file nor a baseline"),
                names::baseline(name, catalogue),
            ),
        };
        return Err(Box::new(
            Diagnostic::error("diff::unknown", words).help(help),
        ));
    }
    if let Some(diagnostic) = description(path) {
        return Err(Box::new(diagnostic));
    }
    if is_saved(path) {
        return Ok(Side::Saved(Box::new(read_saved(path)?)));
    }
    // A log is no JSON, and may not even be text.
    let begins = files::read(path, account::SIZE_MAX).unwrap_or_default();
    let bare = begins.strip_prefix("\u{feff}".as_bytes());
    let bare = bare.unwrap_or(&begins).trim_ascii_start();
    if !bare.starts_with(b"{") && contains(&begins, NAME.as_bytes()) {
        return Ok(Side::Observed(Box::new(read_observed(path)?)));
    }
    let text = read(path, report::SIZE_MAX)?;
    // The formats begin with their version, each under its own name.
    let head: BTreeMap<String, IgnoredAny> = serde_json::from_str(&text).unwrap_or_default();
    if head.contains_key("observedVersion") {
        return Ok(Side::Observed(Box::new(read_observed(path)?)));
    }
    if head.contains_key("reportVersion") {
        return Ok(Side::Report(Box::new(read_report(path)?.without_boot())));
    }
    let (lock, _) = parse_lock(path, text)?;
    Ok(Side::Lock(Box::new(lock)))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What a guest on that CPU sees under that baseline, as a small machine.
fn on_cpu(
    catalogue: &Catalogue,
    baseline: &str,
    model: &str,
    pmu: bool,
) -> Result<Lock, Box<Diagnostic>> {
    let features: &[Feature] = if pmu { &[Feature::Pmu] } else { &[] };
    let cpu = Cpu::bare(model, 1, features, &[]);
    let spec = VmSpec::bare("comparison", &[baseline], cpu, 64 << 20);
    match resolve::resolve(&spec, catalogue, &resolve::Target::NEWEST) {
        Ok((lock, _)) => Ok(lock),
        Err(complaints) => {
            let words: Vec<String> = complaints.iter().map(|c| c.message.clone()).collect();
            let help = complaints.iter().find_map(|c| c.help.clone());
            let message = format!(
                "`{baseline}` cannot be applied to `{model}`: {}",
                words.join("; ")
            );
            let diagnostic = Diagnostic::error("diff::unknown", message);
            Err(Box::new(match help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            }))
        }
    }
}

/// What the statements of two baselines say differently.
fn statements(catalogue: &Catalogue, a: &str, b: &str) -> Vec<Change> {
    let said = |name: &str| -> BTreeMap<String, String> {
        let list = wording::effective(catalogue, name).unwrap_or_default();
        list.iter()
            .map(|(_, s)| (wording::subject(s), wording::act(s)))
            .collect()
    };
    let (before, after) = (said(a), said(b));
    let mut changes = Vec::new();
    for (subject, old) in &before {
        match after.get(subject) {
            Some(new) if new == old => {}
            new => changes.push(Change {
                name: subject.clone(),
                before: Some(old.clone()),
                after: new.cloned(),
                words: String::new(),
            }),
        }
    }
    for (subject, new) in after.iter().filter(|(s, _)| !before.contains_key(*s)) {
        changes.push(Change {
            name: subject.clone(),
            before: None,
            after: Some(new.clone()),
            words: String::new(),
        });
    }
    changes.sort_by(|x, y| x.name.cmp(&y.name));
    changes
}
