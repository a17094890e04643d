//! `vmlock import`: what somebody else's program knows of a CPU, as a part of a CPU model that a description imports, or
//! of a machine, as a description.
//!
//! What the file does not tell is unknown in the model, and no lock comes of it. Never is a host report made of one: that
//! would say what a kernel can be made to show, and none of these files does.

mod cpuinfo;
mod firecracker;
mod observed;
mod partial;
mod qemu;

use crate::baseline;
use crate::command::{convert, cpu, read_observed, unreadable, unwritable};
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::flags::ImportFlags;
use crate::language::write;
use crate::location::Source;
use crate::render::{Exit, Output, hanging};
use crate::shell;
use partial::{Model, Partial};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::json::from_str;
use vmlock_spec::observation::account;
use vmlock_spec::observation::wire::text::MARK;
use vmlock_spec::vm::VmSpec;
use vmlock_spec::words;

/// How many names are listed before the rest is counted.
const NAMED: usize = 6;
/// The longest text of a file's own that is taken over into a line, in characters.
const TEXT: usize = 80;

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Firecracker,
    Observed,
    Cpuinfo,
    Qemu,
    /// A host report, which other commands read.
    Report,
}

/// What comes of a file.
struct Found {
    /// What it is, for people.
    what: &'static str,
    made: Made,
    /// What of the file is no part of that, a line each.
    beside: Vec<String>,
}

/// What a file describes.
enum Made {
    /// Each kind of CPU, with a word on it where there are several.
    Models(Vec<(String, Partial)>),
    Machine(Box<VmSpec>),
}

/// Writes the models, or the description.
pub fn run(flags: &ImportFlags, out: &mut Output) {
    let found = match read(flags) {
        Ok(found) => found,
        Err((exit, problems)) => {
            for problem in problems {
                out.fail(exit, problem);
            }
            return;
        }
    };
    out.value("kind", found.what);
    match &found.made {
        Made::Models(parts) => models(flags, &found, parts, out),
        Made::Machine(spec) => machine(flags, &found, spec, out),
    }
    out.value("beside", found.beside);
}

/// Text of a file's own as it may stand in a line.
fn short(text: &str) -> String {
    let short: String = text.chars().take(TEXT).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    words::line(&short).into_owned() + more
}

/// The first so many of them, and how many more there are.
fn some(names: &[String], most: usize) -> String {
    let mut words = names[..names.len().min(most)].join(", ");
    if names.len() > most {
        words += &format!(" and {} more", names.len() - most);
    }
    words
}

/// Writes a file that is not there yet, and says whether it did.
fn create(path: &Path, text: &str, out: &mut Output) -> bool {
    let shown = path.display().to_string();
    let Err(error) = vmlock_atomic::create(path, text) else {
        return true;
    };
    let problem = match error.kind() {
        ErrorKind::AlreadyExists => {
            let words = format!("`{shown}` exists already; nothing was written");
            let finding = Diagnostic::error("io::exists", words).in_file(&shown);
            finding.help("choose another name, or remove it")
        }
        _ => unwritable(&shown, &error),
    };
    out.fail(Exit::Environment, problem);
    false
}

/// Writes models.
fn models(flags: &ImportFlags, found: &Found, parts: &[(String, Partial)], out: &mut Output) {
    if !flags.abi.is_empty() || flags.cpu.is_some() || !flags.imports.is_empty() {
        let words = format!(
            "`{}` is {}, of which a CPU model comes: `--abi`, `--cpu` and `--import` are about machines",
            flags.file.display(),
            found.what
        );
        let usage = Diagnostic::error("usage::arguments", words);
        return out.fail(Exit::Usage, usage.help("leave them out"));
    }
    let mut catalogue = Catalogue::builtin();
    let mut models: Vec<(String, String, Model)> = Vec::new();
    let several = parts.len() > 1;
    for (index, (about, part)) in parts.iter().enumerate() {
        let name = match several {
            true => format!("{}-{}", flags.name, index + 1),
            false => flags.name.clone(),
        };
        if let Some(unfit) = cpu::unfit_name(&name) {
            return out.fail(Exit::Usage, unfit);
        }
        let model = part.model(&name);
        // As a description would import it.
        if let Err(problem) = baseline::add(&mut catalogue, &model.kdl, &name) {
            return out.fail(Exit::Environment, *problem);
        }
        models.push((name, about.clone(), model));
    }
    let text: Vec<&str> = models
        .iter()
        .map(|(.., model)| model.kdl.as_str())
        .collect();
    let text = text.join("\n");
    let shown = flags.file.display();
    out.note(format!("{shown} is {}", found.what));
    for (name, about, model) in &models {
        say(name, about, model, out);
    }
    for line in &found.beside {
        out.note(format!("  not in the model: {line}"));
    }
    match &flags.output {
        None => out.verbatim(&text),
        Some(path) => {
            let shown = path.display().to_string();
            if !create(path, &text, out) {
                return;
            }
            out.line(format!(
                "{shown}: written; in a description: import \"{shown}\""
            ));
        }
    }
    let models: Vec<_> = models
        .into_iter()
        .map(|(name, _, model)| json!({ "name": name, "kdl": model.kdl, "known": model.known, "unknown": model.unknown }))
        .collect();
    out.value("models", models);
}

/// Writes a description, in which stands what it does not say.
fn machine(flags: &ImportFlags, found: &Found, spec: &VmSpec, out: &mut Output) {
    if let Some(unfit) = cpu::not_a_name(&flags.name) {
        return out.fail(Exit::Usage, unfit);
    }
    let shown = flags.file.display();
    let unsaid = |words: String| {
        let problem = Diagnostic::error("foreign::invalid", words).in_file(shown.to_string());
        problem.help("choose plainer words, or write the description by hand")
    };
    let body = match write::write(spec) {
        Ok(body) => body,
        Err(place) => {
            let words = format!("`{place}`: a size is a whole number of KiB");
            return out.fail(Exit::Environment, unsaid(words));
        }
    };
    let mut text = format!("// Made by `vmlock import` of {}.\n", found.what);
    for line in &found.beside {
        text.push_str(&format!("// Not said: {}\n", words::line(line)));
    }
    text.push_str(&body);
    let file = format!("{}.vm.kdl", flags.name);
    if convert::kdl(Path::new(&file), &text).as_ref() != Some(spec) {
        let words = "these words cannot be said in a description as they are".to_owned();
        return out.fail(Exit::Environment, unsaid(words));
    }
    out.note(format!("{shown} is {}", found.what));
    for line in &found.beside {
        for line in hanging(&format!("  not said: {line}")) {
            out.note(line);
        }
    }
    match &flags.output {
        None => out.verbatim(&text),
        Some(path) => {
            let shown = path.display().to_string();
            if !create(path, &text, out) {
                return;
            }
            out.line(format!("{shown}: written"));
            out.line(format!("next: vmlock lock {}", shell::word(&shown)));
        }
    }
    out.value("description", text);
}

/// What is known of one of them.
fn say(name: &str, about: &str, model: &Model, out: &mut Output) {
    let names = some(&model.unknown, NAMED);
    for line in hanging(&format!(
        "`{name}`{about}: {} registers have a value; unknown are {names}",
        model.known
    )) {
        out.note(line);
    }
    out.note("  a lock that would promise what is unknown is refused; the file names all of it, with why");
}

type Failed = (Exit, Vec<Diagnostic>);

/// What a file says.
fn read(flags: &ImportFlags) -> Result<Found, Failed> {
    let path = flags.file.as_path();
    let environment = |problem| (Exit::Environment, vec![problem]);
    let shown = path.display().to_string();
    let bytes =
        files::read(path, account::SIZE_MAX).map_err(|e| environment(unreadable(path, &e)))?;
    let (kind, most) = match kind(&bytes) {
        Some(Kind::Observed) => (Kind::Observed, account::SIZE_MAX),
        Some(Kind::Cpuinfo) => (Kind::Cpuinfo, cpuinfo::SIZE_MAX),
        Some(Kind::Qemu) => (Kind::Qemu, qemu::SIZE_MAX),
        Some(Kind::Firecracker) => (Kind::Firecracker, firecracker::SIZE_MAX),
        Some(Kind::Report) => {
            let words = format!("`{shown}` is a host report, and all of a CPU model comes of one");
            let help = "`vmlock cpu` makes it, and `vmlock adopt` a description with it";
            let problem = Diagnostic::error("foreign::unknown-kind", words).in_file(&shown);
            return Err(environment(problem.help(help)));
        }
        None => {
            let words =
                format!("`{shown}` is nothing of which a CPU model or a description could be made");
            let help = "known are templates, dumps and fingerprints of Firecracker's for aarch64, what a portable witness printed or `vmlock observe` wrote, /proc/cpuinfo of an arm64 machine, and a command line of `qemu-system-aarch64`";
            let problem = Diagnostic::error("foreign::unknown-kind", words).in_file(&shown);
            return Err(environment(problem.help(help)));
        }
    };
    if bytes.len() > most {
        let words = format!("`{shown}` is larger than {} MiB", most >> 20);
        let problem = Diagnostic::error("foreign::invalid", words).in_file(&shown);
        return Err(environment(
            problem.help("none of that kind is so large: look at what is in it"),
        ));
    }
    if kind == Kind::Observed {
        let account = read_observed(path).map_err(environment)?;
        let found = observed::read(&account, &shown).map_err(|p| (Exit::Refused, vec![*p]))?;
        return Ok(Found {
            what: "what a portable witness saw",
            made: Made::Models(vec![(String::new(), found.partial)]),
            beside: found.beside,
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let words = format!("`{shown}` is not UTF-8 (offset {offset})");
        let problem = Diagnostic::error("foreign::invalid", words).in_file(&shown);
        environment(problem.help("take the file as the program wrote it"))
    })?;
    let source = Arc::new(Source { path: shown, text });
    let wrong = |problems| (Exit::Environment, problems);
    match kind {
        Kind::Cpuinfo => {
            let found = cpuinfo::read(&source).map_err(wrong)?;
            let about = |cpus: &cpuinfo::Cpus| {
                let count = match cpus.count {
                    1 => "1 CPU".to_owned(),
                    n => format!("{n} CPUs"),
                };
                format!(" ({count} with MIDR_EL1 {:#x})", cpus.midr)
            };
            let parts = found.kinds.into_iter();
            Ok(Found {
                what: "/proc/cpuinfo of an arm64 machine",
                made: Made::Models(
                    parts
                        .map(|(cpus, partial)| (about(&cpus), partial))
                        .collect(),
                ),
                beside: found.beside,
            })
        }
        Kind::Qemu => {
            let said = qemu::Said {
                name: &flags.name,
                abi: &flags.abi,
                cpu: flags.cpu.as_deref(),
                import: &flags.imports,
            };
            let unsaid = said.unsaid(&source);
            if !unsaid.is_empty() {
                return Err((Exit::Usage, unsaid));
            }
            let found = qemu::read(&source, &said).map_err(wrong)?;
            Ok(Found {
                what: "a command line of QEMU's",
                made: Made::Machine(Box::new(found.spec)),
                beside: found.beside,
            })
        }
        Kind::Firecracker | Kind::Observed | Kind::Report => {
            let found = firecracker::read(&source).map_err(wrong)?;
            Ok(Found {
                what: found.what,
                made: Made::Models(vec![(String::new(), found.partial)]),
                beside: found.beside,
            })
        }
    }
}

/// What kind of file it is, by what no other kind has; `None` where that is not known.
fn kind(bytes: &[u8]) -> Option<Kind> {
    /// Keys by which JSON tells what it is.
    #[derive(Deserialize)]
    struct Keys {
        #[serde(rename = "observedVersion")]
        observed: Option<IgnoredAny>,
        #[serde(rename = "reportVersion")]
        report: Option<IgnoredAny>,
        guest_cpu_config: Option<IgnoredAny>,
        reg_modifiers: Option<IgnoredAny>,
        vcpu_features: Option<IgnoredAny>,
    }
    let text = String::from_utf8_lossy(bytes);
    if text.trim_start().starts_with('{') {
        let Ok(keys) = from_str::<Keys>(&text) else {
            // Where it breaks off, its reader says.
            return text
                .contains("\"reg_modifiers\"")
                .then_some(Kind::Firecracker);
        };
        return match keys {
            Keys {
                observed: Some(_), ..
            } => Some(Kind::Observed),
            Keys {
                report: Some(_), ..
            } => Some(Kind::Report),
            Keys {
                guest_cpu_config: None,
                reg_modifiers: None,
                vcpu_features: None,
                ..
            } => None,
            _ => Some(Kind::Firecracker),
        };
    }
    if cpuinfo::is_one(&text) {
        return Some(Kind::Cpuinfo);
    }
    if text.contains(MARK) {
        return Some(Kind::Observed);
    }
    qemu::is_one(&text).then_some(Kind::Qemu)
}
