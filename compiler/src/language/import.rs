//! Files of the user's own CPU models, baselines and defaults, which a description imports.

mod known;

use super::{defaults, read};
use crate::diagnostic::{Diagnostic, join};
use crate::language::reach::Reach;
use crate::location::{Places, Source};
use kdl::KdlDocument;
use std::path::Path;
use std::sync::Arc;
use vmlock_catalogue_reader as catalogue_file;
use vmlock_spec::catalogue::Catalogue;

/// Adds the files that a description imports to the catalogue. `folder` holds the description.
///
/// # Errors
/// Everything that is wrong with any of them, with spans in the file that is at fault.
pub fn import(
    catalogue: &mut Catalogue,
    files: &[String],
    folder: &Path,
    shown_folder: &Path,
    places: &Places,
    reach: &dyn Reach,
) -> Result<(), Vec<Diagnostic>> {
    let (mut found, mut read) = (Vec::new(), Vec::new());
    for (index, file) in files.iter().enumerate() {
        let span = places.find(&format!("/import/{index}"));
        if file.starts_with('/') || file.contains('\\') || file.get(1..2) == Some(":") {
            found.push(
                Diagnostic::error("spec::absolute-import", format!("`{file}` is not a relative path with `/`"))
                    .at(places.source(), span, "not relative")
                    .help("name the file relative to this one, so that everyone who checks it out gets the same lock"),
            );
            continue;
        }
        let shown = shown_folder.join(file).display().to_string();
        let source = match reach.source(&folder.join(file), &shown) {
            Ok(source) => source,
            Err(read::Unreadable::Io(error)) => {
                found.push(
                    Diagnostic::error(
                        "import::unreadable",
                        format!("`{file}` cannot be read: {error}"),
                    )
                    .at(places.source(), span, "imported here")
                    .help(format!(
                        "the path is relative to the description: `{shown}`"
                    )),
                );
                continue;
            }
            Err(read::Unreadable::Bytes(diagnostic)) => {
                found.push(diagnostic.at(places.source(), span, "imported here"));
                continue;
            }
        };
        let (document, problems) = add(catalogue, &source, file);
        read.extend(document.map(|document| (source, document)));
        for problem in problems {
            // What is wrong with the whole file is shown where it is imported.
            let words = match (problem.labels.is_empty(), problem.code) {
                (false, _) => None,
                (true, "import::name-taken") => Some("this file defines it again"),
                (true, _) => Some("imported here"),
            };
            found.push(match words {
                Some(words) => problem.at(places.source(), span.clone(), words),
                None => problem,
            });
        }
    }
    // One file may build on another that is imported later.
    let unknown = read
        .iter()
        .flat_map(|(source, document)| known::unknown(catalogue, source, document));
    found.extend(unknown.collect::<Vec<_>>());
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Parses an imported file, which no description is asked for.
fn parse(source: &Arc<Source>) -> Result<KdlDocument, Vec<Diagnostic>> {
    const HELP: &str = "an imported file holds `baseline`, `cpu` and `defaults` blocks, in KDL; `vmlock cpu REPORT` makes one of a host report";
    read::parse(source).map_err(|mut errors| {
        for error in &mut errors {
            if error
                .message
                .iter()
                .any(|words| words.ends_with(", not KDL"))
            {
                error.help = vec![HELP.to_owned()];
            }
        }
        errors
    })
}

/// Adds one file to the catalogue; gives its tree, and what is wrong with it, whole-file problems without a place.
pub fn add(
    catalogue: &mut Catalogue,
    source: &Arc<Source>,
    file: &str,
) -> (Option<KdlDocument>, Vec<Diagnostic>) {
    let document = match parse(source) {
        Ok(document) => document,
        Err(errors) => return (None, errors),
    };
    if document.nodes().is_empty() {
        let words = format!("`{file}` holds nothing");
        let help =
            "`vmlock cpu` makes a file with a CPU model, `vmlock adopt` one with a baseline too";
        return (
            None,
            vec![Diagnostic::error("import::invalid", words).help(help)],
        );
    }
    let mut document = document;
    let mut found = defaults::take(source, &mut document);
    let (contents, problems) = catalogue_file::decode(&document);
    found.extend(problems.iter().map(|p| problem(source, p)));
    for register in &contents.registers {
        found.push(
            Diagnostic::error(
                "import::register",
                format!("`{file}` defines the register `{}`", register.name),
            )
            .help("only vmlock's own catalogue defines registers; an imported file holds `baseline`, `cpu` and `defaults`"),
        );
    }
    if !contents.hwcaps.is_empty() || !contents.needs.is_empty() {
        found.push(
            Diagnostic::error(
                "import::register",
                format!("`{file}` says what fields of registers mean"),
            )
            .help("only vmlock's own catalogue does; an imported file holds `baseline`, `cpu` and `defaults`"),
        );
    }
    for vmm in &contents.vmms {
        found.push(
            Diagnostic::error(
                "import::vmm",
                format!("`{file}` describes the VMM `{}`", vmm.name),
            )
            .help("only vmlock's own catalogue does; an imported file holds `baseline`, `cpu` and `defaults`"),
        );
    }
    if let Err(taken) = catalogue.import(contents.baselines, contents.cpus) {
        let names: Vec<String> = taken.iter().map(|n| format!("`{n}`")).collect();
        found.push(
            Diagnostic::error(
                "import::name-taken",
                format!("{} exists already", join(&names)),
            )
            .help("give it a name of its own: what a name means never changes"),
        );
    }
    (Some(document), found)
}

/// What is wrong with the whole of an imported file that has no defaults: it is no KDL, or has at its top what such files
/// have not. A machine may lack just what was meant to stand there.
pub fn wrong_as_a_whole(source: &Arc<Source>, file: &str) -> Vec<Diagnostic> {
    let strange = match parse(source) {
        Err(errors) => return errors,
        Ok(document) => {
            let mut nodes = document.nodes().iter();
            nodes.any(|node| defaults::is_strange(node.name().value()))
        }
    };
    if !strange {
        return Vec::new();
    }
    let (_, found) = add(&mut Catalogue::builtin(), source, file);
    found.into_iter().map(|d| with_file(d, source)).collect()
}

/// Adds a file that is named on the command line.
///
/// # Errors
/// Everything that is wrong with it.
pub fn add_file(catalogue: &mut Catalogue, path: &Path) -> Result<(), Vec<Diagnostic>> {
    let shown = path.display().to_string();
    let found = match read::read_source(path, &shown) {
        Ok(source) => check(catalogue, &source),
        Err(read::Unreadable::Bytes(diagnostic)) => vec![*diagnostic],
        Err(read::Unreadable::Io(error)) => vec![
            Diagnostic::error(
                "import::unreadable",
                format!("`{shown}` cannot be read: {error}"),
            )
            .help("the path is relative to the folder you are in")
            .in_file(&shown),
        ],
    };
    match found.is_empty() {
        true => Ok(()),
        false => Err(found),
    }
}

/// Adds a file by itself; gives everything that is wrong with it.
pub fn check(catalogue: &mut Catalogue, source: &Arc<Source>) -> Vec<Diagnostic> {
    let (document, mut found) = add(catalogue, source, &source.path);
    let unknown = document.map(|document| known::unknown(catalogue, source, &document));
    found.extend(unknown.into_iter().flatten());
    found.into_iter().map(|d| with_file(d, source)).collect()
}

/// A finding on the whole file, with its name.
fn with_file(found: Diagnostic, source: &Source) -> Diagnostic {
    match found.labels.is_empty() {
        true => found.in_file(&source.path),
        false => found,
    }
}

fn problem(source: &Arc<Source>, problem: &catalogue_file::Problem) -> Diagnostic {
    let (start, length) = problem.span;
    let start = start.min(source.text.len());
    let end = start.saturating_add(length).min(source.text.len());
    // A node spans all its lines; its first one is where it is named.
    let first = source.text.get(start..end).and_then(|t| t.lines().next());
    let end = start + first.map_or(0, |l| l.trim_end().len());
    let diagnostic = Diagnostic::error("import::invalid", problem.message.clone()).at(
        source,
        start..end,
        "here",
    );
    match &problem.help {
        Some(help) => diagnostic.help(help.clone()),
        None => diagnostic,
    }
}
