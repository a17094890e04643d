//! The baseline that `vmlock drift --write` leaves behind: written once, never over another file, and read back first.

use crate::baseline as text;
use crate::command::{cpu, unwritable};
use crate::diagnostic::Diagnostic;
use crate::render::{Exit, Output};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::drift::{self, Drift, Host, Machine, Question, Unknown};
use vmlock_spec::words::printable;

/// Why no baseline can be written there.
pub fn unfit(path: &Path, catalogue: &Catalogue) -> Option<(Exit, Diagnostic)> {
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
    path.symlink_metadata()
        .is_ok()
        .then(|| (Exit::Environment, exists(path)))
}

fn exists(path: &Path) -> Diagnostic {
    let shown = path.display().to_string();
    let words = format!("`{shown}` exists already; nothing was written");
    let help = "choose another file for --write, or remove it";
    Diagnostic::error("drift::exists", words)
        .in_file(shown)
        .help(help)
}

/// The name of the baseline in a file.
fn stem(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    name.strip_suffix(".kdl").unwrap_or(&name).to_owned()
}

/// Writes what was found beside the baseline of the question, after the text was read, and applied to the hosts.
///
/// # Errors
/// What is wrong with the text, which is our own fault, or why it cannot be written.
pub fn baseline(
    path: &Path,
    found: &Drift<'_>,
    question: Question<'_>,
    hosts: &[Host<'_>],
    out: &mut Output,
) -> Result<(), (Exit, Box<Diagnostic>)> {
    let (name, old) = (stem(path), question.baseline);
    let shown = path.display().to_string();
    let mut kdl = format!(
        "// What a default guest sees there, as its difference from {old}. Written by `vmlock drift`: the sources are\n\
         // to be filled in, each with the kernel's file and version.\n"
    );
    for unsaid in found.beyond.keys() {
        let words = format!(
            "{}: {} where it says {}",
            unsaid.name, unsaid.after, unsaid.before
        );
        kdl.push_str(&format!(
            "// Not said here, since no statement can: {}\n",
            printable(&words)
        ));
    }
    let lacking: BTreeSet<String> = found.unknown.iter().map(|u| comment(u, hosts)).collect();
    for words in &lacking {
        kdl.push_str(&format!("// Not compared, {}\n", printable(words)));
    }
    let title = format!("What {name} shows a guest");
    kdl.push_str(&text::kdl(&name, old, &title, &found.statements()));
    let mut catalogue = question.catalogue.clone();
    let added = text::add(&mut catalogue, &kdl, &shown);
    added.map_err(|problem| (Exit::Environment, problem))?;
    let again = Question {
        catalogue: &catalogue,
        baseline: &name,
        named: &name,
        source: "",
    };
    let says_all = drift::drift(again, hosts).is_ok_and(|again| {
        again.entries.is_empty()
            && again.beyond.keys().eq(found.beyond.keys())
            && again.unknown.iter().all(|unknown| is_known(unknown, found))
    });
    if !says_all {
        let words = format!(
            "the baseline for `{shown}` would not say what these hosts show; nothing was written"
        );
        let problem = Diagnostic::error("drift::not-said", words)
            .help("this is a mistake in vmlock: please report it, with the host reports");
        return Err((Exit::Environment, Box::new(problem)));
    }
    vmlock_atomic::create(path, &kdl).map_err(|error| {
        let problem = match error.kind() {
            ErrorKind::AlreadyExists => exists(path),
            _ => unwritable(&shown, &error),
        };
        (Exit::Environment, Box::new(problem))
    })?;
    out.note(format!("{shown}: written; its sources are to be filled in"));
    out.value("written", shown);
    Ok(())
}

/// What could not be compared, and of whom.
fn comment(unknown: &Unknown, hosts: &[Host<'_>]) -> String {
    let Machine { host, features } = &unknown.machine;
    let features: Vec<&str> = features.iter().map(|f| f.name()).collect();
    let model = hosts.get(*host).map_or("", |host| host.model);
    match features.is_empty() {
        true => format!("{model}: {}", unknown.words),
        false => format!("{model} with {}: {}", features.join(" and "), unknown.words),
    }
}

/// Whether something was said already of that guest that could not be compared; the reason may name another baseline.
fn is_known(unknown: &Unknown, found: &Drift<'_>) -> bool {
    let what = |words: &str| words.split(": ").next().map(str::to_owned);
    let named = what(&unknown.words);
    let same = |other: &Unknown| other.machine == unknown.machine && what(&other.words) == named;
    let mut unsaid = found.unsaid.iter();
    found.unknown.iter().any(same)
        || unsaid
            .any(|(one, of)| named.as_ref() == Some(&one.name) && of.contains(&unknown.machine))
}
