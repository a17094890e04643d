//! `vmlock import`: what somebody else's program knows of a CPU, as a part of a CPU model that a description imports, or
//! of a machine, as a description.
//!
//! What a file does not tell is unknown in the model, and no lock comes of it. None of them says what a kernel can be made
//! to show: a host report that is made of one says so, and no lock is kept by it.

mod capabilities;
mod cpuinfo;
mod firecracker;
mod kind;
mod libvirt;
mod machine;
mod observed;
mod partial;
mod qemu;

use crate::baseline;
use crate::command::{convert, unwritable};
use crate::diagnostic::Diagnostic;
use crate::flags::{ImportFlags, To};
use crate::language::write;
use crate::names;
use crate::render::{Exit, Output, hanging};
use crate::shell;
use kind::Failed;
use machine::Said;
use partial::Model;
pub use partial::Partial;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::report::{self, Imported, Witness};
use vmlock_spec::vm::VmSpec;
use vmlock_spec::words;

/// How many names are listed before the rest is counted.
const NAMED: usize = 6;
/// How many names of what is no part of a description are told before the rest is counted: the file has all.
const STRAYS: usize = 12;
/// The longest text of a file's own that is taken over into a line, in characters.
const TEXT: usize = 80;

/// What comes of a file.
struct Found {
    /// What it is, for people.
    what: &'static str,
    made: Made,
    /// What of it is told of a host; else why nothing is.
    host: Result<Imported, &'static str>,
    /// What of the file is no part of that, a line each.
    beside: Vec<String>,
}

/// What a file describes.
enum Made {
    /// Each kind of CPU, with a word on it where there are several.
    Models(Vec<(String, Partial)>),
    /// A description, and the names of what is no part of one.
    Machine(Box<VmSpec>, Vec<String>),
}

/// What kind of file is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Models,
    Machine,
    Report,
}

impl Form {
    /// How such files end.
    const fn ending(self) -> &'static str {
        match self {
            Self::Models => "kdl",
            Self::Machine => "vm.kdl",
            Self::Report => "json",
        }
    }
}

/// A file to be written, and what is said of it.
struct Text {
    /// All of it.
    whole: String,
    form: Form,
    /// The names of CPU models in it; none in another file.
    models: Vec<String>,
    /// For people.
    notes: Vec<String>,
    /// For programs.
    values: Map<String, Value>,
}

/// Writes the models and the descriptions: all of them, or none.
pub fn run(flags: &ImportFlags, out: &mut Output) {
    let several = flags.files.len() > 1;
    for (is_wrong, words, help) in [
        (
            several && flags.name.is_some(),
            "`--name` names what comes of one file",
            "leave it out: of several files each is named as it is called, without its ending",
        ),
        (
            several && flags.output.is_none(),
            "of several files as many come, and nothing says where they go",
            "say the folder with `-o FOLDER`",
        ),
    ] {
        if is_wrong {
            return out.fail(
                Exit::Usage,
                Diagnostic::error("usage::arguments", words).help(help),
            );
        }
    }
    let mut texts: Vec<(&Path, String, Text)> = Vec::new();
    for file in &flags.files {
        let name = flags.name.clone().unwrap_or_else(|| called(file));
        match text(flags, file, &name) {
            Ok(text) => texts.push((file, name, text)),
            Err((exit, problems)) => {
                for problem in problems {
                    out.fail(exit, problem);
                }
            }
        }
    }
    if !out.is_fine() {
        return;
    }
    let is_about_machines =
        !flags.abi.is_empty() || flags.cpu.is_some() || !flags.imports.is_empty();
    if is_about_machines && texts.iter().all(|(.., text)| text.form == Form::Models) {
        let words =
            "CPU models come of what was given: `--abi`, `--cpu` and `--import` are about machines";
        let usage = Diagnostic::error("usage::arguments", words);
        return out.fail(Exit::Usage, usage.help("leave them out"));
    }
    let places = match places(flags, &texts) {
        Ok(places) => places,
        Err(problems) => {
            for problem in problems {
                out.fail(Exit::Environment, problem);
            }
            return;
        }
    };
    for (.., text) in &texts {
        for note in &text.notes {
            out.note(note);
        }
    }
    let mut written: Vec<&Path> = Vec::new();
    for ((.., text), place) in texts.iter().zip(&places) {
        let Some(place) = place else {
            out.verbatim(&text.whole);
            continue;
        };
        if let Err(error) = vmlock_atomic::create(place, &text.whole) {
            // Somebody else was faster, or the disk is full: what is there of these is of no use alone. Of any other
            // error the file may be there nevertheless.
            let is_others = error.kind() == ErrorKind::AlreadyExists;
            if !is_others {
                written.push(place);
            }
            out.fail(
                Exit::Environment,
                match is_others {
                    true => exists(place),
                    false => unwritable(&place.display().to_string(), &error),
                },
            );
            for problem in written.into_iter().filter_map(remove) {
                out.fail(Exit::Environment, problem);
            }
            return;
        }
        written.push(place);
    }
    for ((.., text), place) in texts.iter().zip(&places) {
        let Some(shown) = place.as_ref().map(|place| place.display().to_string()) else {
            continue;
        };
        match text.form {
            Form::Machine => {
                out.line(format!("{shown}: written"));
                out.line(format!("next: vmlock lock {}", shell::word(&shown)));
            }
            Form::Models => out.line(format!(
                "{shown}: written; in a description: import \"{shown}\""
            )),
            Form::Report => out.line(format!(
                "{shown}: written; what a lock finds there: vmlock check LOCK --host {}",
                shell::word(&shown)
            )),
        }
    }
    let objects = texts
        .into_iter()
        .zip(&places)
        .map(|((file, _, text), place)| {
            let mut values = text.values;
            if several {
                values.insert("file".to_owned(), file.display().to_string().into());
            }
            if let Some(place) = place {
                values.insert("written".to_owned(), place.display().to_string().into());
            }
            values
        });
    if several {
        out.value("files", objects.map(Value::Object).collect::<Vec<_>>());
        return;
    }
    for (key, value) in objects.flatten() {
        out.value(&key, value);
    }
}

/// What a file is called, without its ending.
fn called(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Where each of them goes; nothing for the standard output. None is there yet, and no two are one.
fn places(
    flags: &ImportFlags,
    texts: &[(&Path, String, Text)],
) -> Result<Vec<Option<PathBuf>>, Vec<Diagnostic>> {
    let Some(output) = &flags.output else {
        return Ok(vec![None; texts.len()]);
    };
    if texts.len() == 1 && !output.is_dir() {
        return Ok(vec![Some(output.clone())]);
    }
    let shown = output.display().to_string();
    if !output.is_dir() {
        let words = format!("`{shown}` is no folder");
        let problem = Diagnostic::error("io::unwritable", words).in_file(&shown);
        return Err(vec![problem.help("make it, or name another one")]);
    }
    let (mut places, mut problems) = (Vec::new(), Vec::new());
    let mut taken: BTreeMap<String, &Path> = BTreeMap::new();
    for (file, name, text) in texts {
        let path = output.join(format!("{name}.{}", text.form.ending()));
        let mut names = text.models.clone();
        names.push(path.display().to_string());
        let twice = names.iter().find_map(|name| taken.get(name));
        if let Some(other) = twice {
            let words = format!(
                "what comes of `{}` and of `{}` would have one name",
                other.display(),
                file.display()
            );
            let problem =
                Diagnostic::error("io::exists", words).in_file(file.display().to_string());
            problems.push(problem.help("rename one of them, or import it by itself with `--name`"));
        } else if path.symlink_metadata().is_ok() {
            problems.push(exists(&path));
        }
        taken.extend(names.into_iter().map(|name| (name, *file)));
        places.push(Some(path));
    }
    match problems.is_empty() {
        true => Ok(places),
        false => Err(problems),
    }
}

/// What comes of one file.
fn text(flags: &ImportFlags, file: &Path, name: &str) -> Result<Text, Failed> {
    let said = Said {
        name,
        abi: &flags.abi,
        cpu: flags.cpu.as_deref(),
        import: &flags.imports,
        to_report: flags.to == Some(To::Report),
    };
    let found = kind::read(file, &said)?;
    let shown = file.display().to_string();
    let mut text = match &found.made {
        _ if said.to_report => report(name, &shown, &found),
        Made::Models(parts) => models(name, &shown, &found, parts),
        Made::Machine(spec, strays) => machine(name, &shown, &found, (spec, strays)),
    }
    .map_err(|(exit, problem)| (exit, vec![problem.in_file(&shown)]))?;
    text.values.insert("kind".to_owned(), found.what.into());
    let mut beside = found.beside;
    if text.form == Form::Report {
        // What is no part of a CPU model is told of the host like the rest.
        beside.clear();
    }
    if let Made::Machine(_, strays) = &found.made
        && !strays.is_empty()
    {
        beside.push(no_part(&strays.join("; ")));
    }
    text.values.insert("beside".to_owned(), beside.into());
    Ok(text)
}

/// Text of a file's own as it may stand in a line.
fn short(text: &str) -> String {
    let short: String = text.chars().take(TEXT).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    words::line(&short).into_owned() + more
}

/// The first so many of them, and how many more there are.
fn some(names: &[String], between: &str, most: usize) -> String {
    let mut words = names[..names.len().min(most)].join(between);
    if names.len() > most {
        words += &format!(" and {} more", names.len() - most);
    }
    words
}

/// Names of what is no part of a description, in words.
fn no_part(names: &str) -> String {
    format!("{names}: no part of a description")
}

/// A file is in the way.
fn exists(path: &Path) -> Diagnostic {
    let shown = path.display().to_string();
    let words = format!("`{shown}` exists already; nothing was written");
    let finding = Diagnostic::error("io::exists", words).in_file(&shown);
    finding.help("choose another name, or remove it")
}

/// Takes a file away that was written, and says where it stays.
fn remove(path: &Path) -> Option<Diagnostic> {
    let error = fs::remove_file(path)
        .err()
        .filter(|error| error.kind() != ErrorKind::NotFound)?;
    let shown = path.display().to_string();
    let words = format!("`{shown}` was written, and cannot be taken away again: {error}");
    let finding = Diagnostic::error("io::unwritable", words).in_file(&shown);
    Some(finding.help("remove it: another file of the same run is missing"))
}

/// Models.
fn models(
    name: &str,
    shown: &str,
    found: &Found,
    parts: &[(String, Partial)],
) -> Result<Text, (Exit, Box<Diagnostic>)> {
    let mut catalogue = Catalogue::builtin();
    let mut models: Vec<(String, Model)> = Vec::new();
    let mut notes = vec![format!("{shown} is {}", found.what)];
    for (index, (about, part)) in parts.iter().enumerate() {
        let name = match parts.len() {
            1 => name.to_owned(),
            _ => format!("{name}-{}", index + 1),
        };
        if let Some(unfit) = names::unfit_name(&name) {
            return Err((Exit::Usage, Box::new(unfit)));
        }
        let model = part.model(&name);
        // As a description would import it.
        baseline::add(&mut catalogue, &model.kdl, &name)
            .map_err(|problem| (Exit::Environment, problem))?;
        notes.extend(say(&name, about, &model));
        models.push((name, model));
    }
    for line in &found.beside {
        notes.push(format!("  not in the model: {line}"));
    }
    let text: Vec<&str> = models.iter().map(|(_, model)| model.kdl.as_str()).collect();
    let kdl = text.join("\n");
    let names = models.iter().map(|(name, _)| name.clone()).collect();
    let models: Vec<_> = models
        .into_iter()
        .map(|(name, model)| json!({ "name": name, "kdl": model.kdl, "known": model.known, "unknown": model.unknown }))
        .collect();
    Ok(Text {
        whole: kdl,
        form: Form::Models,
        models: names,
        notes,
        values: Map::from_iter([("models".to_owned(), models.into())]),
    })
}

/// A description, in which stands what it does not say.
fn machine(
    name: &str,
    shown: &str,
    found: &Found,
    (spec, strays): (&VmSpec, &[String]),
) -> Result<Text, (Exit, Box<Diagnostic>)> {
    if let Some(unfit) = names::not_a_name(name) {
        return Err((Exit::Usage, Box::new(unfit)));
    }
    let unsaid = |words: String| {
        let problem = Diagnostic::error("foreign::invalid", words);
        let help = "choose plainer words, or write the description by hand";
        (Exit::Environment, Box::new(problem.help(help)))
    };
    let body = write::write(spec)
        .map_err(|place| unsaid(format!("`{place}`: a size is a whole number of KiB")))?;
    let mut kdl = format!("// Made by `vmlock import` of {}.\n", found.what);
    let mut notes = vec![format!("{shown} is {}", found.what)];
    for line in &found.beside {
        kdl.push_str(&format!("// Not said: {}\n", words::line(line)));
        notes.extend(hanging(&format!("  not said: {line}")));
    }
    // All of them in the file; the terminal has the first.
    if !strays.is_empty() {
        let whole = no_part(&strays.join("; "));
        kdl.push_str(&format!("// Not said: {}\n", words::line(&whole)));
        let first = no_part(&some(strays, "; ", STRAYS));
        notes.extend(hanging(&format!("  not said: {first}")));
    }
    kdl.push_str(&body);
    if convert::kdl(Path::new(&format!("{name}.vm.kdl")), &kdl).as_ref() != Some(spec) {
        let words = "these words cannot be said in a description as they are";
        return Err(unsaid(words.to_owned()));
    }
    // The text is shown as it is, and the logs of CI services take these for the start of a command of theirs.
    if kdl.contains("##[") {
        let words = "`##[` in it would be a command to the log of a CI service";
        return Err(unsaid(words.to_owned()));
    }
    let values = Map::from_iter([("description".to_owned(), kdl.clone().into())]);
    Ok(Text {
        whole: kdl,
        form: Form::Machine,
        models: Vec::new(),
        notes,
        values,
    })
}

/// A host report, which says of itself that it was imported.
fn report(name: &str, shown: &str, found: &Found) -> Result<Text, (Exit, Box<Diagnostic>)> {
    if let Some(unfit) = names::not_a_name(name) {
        return Err((Exit::Usage, Box::new(unfit)));
    }
    let imported = match &found.host {
        Ok(imported) => imported,
        Err(why) => {
            let words = format!("no host report comes of {}: {why}", found.what);
            let help = "make one on the host with `vmlock-run probe`; of a fingerprint or a dump of Firecracker's, and of what a portable witness saw under KVM, comes one that knows a part";
            let problem = Diagnostic::error("foreign::no-host", words).help(help);
            return Err((Exit::Findings, Box::new(problem)));
        }
    };
    let mut notes = vec![
        format!("{shown} is {}", found.what),
        format!(
            "it says {} things that one guest was shown",
            imported.told()
        ),
    ];
    for line in &imported.unknown {
        notes.extend(hanging(&format!("  unknown: {line}")));
    }
    notes.push(
        "no lock is ever kept by it: `vmlock-run probe` makes a whole report on the host"
            .to_owned(),
    );
    let report = imported.clone().report();
    let value = serde_json::to_value(&report).unwrap_or_default();
    Ok(Text {
        whole: report::write(&report),
        form: Form::Report,
        models: Vec::new(),
        notes,
        values: Map::from_iter([("report".to_owned(), value)]),
    })
}

/// The CPU of a host of which such a report tells, as far as it does.
///
/// # Errors
/// Its vCPUs are not of one kind.
pub fn of_report(imported: &Imported, shown: &str) -> Result<Partial, Box<Diagnostic>> {
    match imported.by {
        Witness::Guest => observed::of_report(imported, shown),
        Witness::Monitor => Ok(firecracker::of_report(imported)),
    }
}

/// What is known of one of them.
fn say(name: &str, about: &str, model: &Model) -> Vec<String> {
    let names = some(&model.unknown, ", ", NAMED);
    let mut lines = hanging(&format!(
        "`{name}`{about}: {} registers have a value; unknown are {names}",
        model.known
    ));
    lines.push(
        "  a lock that would promise what is unknown is refused; the file names all of it, with why".to_owned(),
    );
    lines
}
