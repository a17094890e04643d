//! `vmlock fmt`: descriptions laid out in one way, with every word and comment as it was written.

use crate::below;
use crate::command::{unreadable, unwritable};
use crate::diagnostic::Diagnostic;
use crate::flags::FmtFlags;
use crate::language::layout::{self, Edit};
use crate::language::read::{self, SIZE_MAX, Unreadable};
use crate::location::Source;
use crate::render::{Exit, Output};
use serde_json::json;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

/// The name that stands for standard input.
const STDIN: &str = "-";

/// Lays out each file; one that cannot be parsed does not keep the others from it.
pub fn run(flags: &FmtFlags, out: &mut Output) {
    if flags.files.iter().any(|f| f.as_os_str() == STDIN) {
        match flags.files.as_slice() {
            [_] => from_stdin(flags, out),
            _ => {
                let words = "`-` is standard input, and no file can be named beside it";
                out.fail(
                    Exit::Usage,
                    Diagnostic::error("usage::arguments", words).help("name it alone"),
                );
            }
        }
        return;
    }
    let files = below::files(
        &flags.files,
        "description",
        |name| name.ends_with(".vm.kdl"),
        out,
    );
    let mut of_files = Vec::new();
    let mut fine = 0;
    for file in files {
        let shown = file.path.display().to_string();
        let source = match source_of(&file.path, &shown) {
            Ok(source) => source,
            Err((exit, diagnostic)) => {
                out.fail(exit, *diagnostic);
                continue;
            }
        };
        let edits = match layout::edits(&source) {
            Ok(edits) => edits,
            Err(found) => {
                out.findings(found);
                out.note(format!("{shown}: left as it is"));
                continue;
            }
        };
        of_files.push(json!({ "file": shown, "changed": !edits.is_empty() }));
        let Some(first) = edits.first() else {
            fine += 1;
            continue;
        };
        if flags.check {
            out.fail(Exit::Findings, otherwise(&source, first));
            continue;
        }
        let text = layout::apply(&source.text, &edits);
        match vmlock_atomic::replace(&file.path, &text) {
            Ok(()) => out.line(format!("{shown}: laid out anew")),
            Err(error) => out.fail(Exit::Environment, unwritable(&shown, &error)),
        }
    }
    match fine {
        0 => {}
        1 => out.line("1 file is laid out already"),
        n => out.line(format!("{n} files are laid out already")),
    }
    out.value("files", of_files);
}

fn source_of(path: &Path, shown: &str) -> Result<Arc<Source>, (Exit, Box<Diagnostic>)> {
    // Many a text that is none parses as KDL.
    if path.extension().is_none_or(|e| e != "kdl") {
        let (words, help) = match path.extension().is_some_and(|e| e == "json") {
            true => (
                format!("`{shown}` is JSON, and KDL alone is laid out"),
                "any JSON formatter does it",
            ),
            false => (
                format!("`{shown}` is not called NAME.kdl, and KDL alone is laid out"),
                "rename it, or give its text by `vmlock fmt -`",
            ),
        };
        return Err((
            Exit::Usage,
            Box::new(
                Diagnostic::error("usage::name", words)
                    .in_file(shown)
                    .help(help),
            ),
        ));
    }
    read::read_source(path, shown).map_err(|error| match error {
        Unreadable::Io(error) => (Exit::Environment, Box::new(unreadable(path, &error))),
        Unreadable::Bytes(diagnostic) => (Exit::Findings, diagnostic),
    })
}

/// From standard input to standard output: what an editor does with what is not saved yet.
fn from_stdin(flags: &FmtFlags, out: &mut Output) {
    let mut bytes = Vec::new();
    if let Err(error) = io::stdin()
        .take(SIZE_MAX as u64 + 1)
        .read_to_end(&mut bytes)
    {
        return out.fail(Exit::Environment, unreadable(Path::new(STDIN), &error));
    }
    let source = match read::source_of(bytes, STDIN) {
        Ok(source) => source,
        Err(diagnostic) => return out.findings(vec![*diagnostic]),
    };
    match (layout::edits(&source), flags.check) {
        (Err(found), _) => out.findings(found),
        (Ok(edits), true) => {
            if let Some(first) = edits.first() {
                out.fail(Exit::Findings, otherwise(&source, first));
            }
        }
        (Ok(edits), false) => {
            let text = layout::apply(&source.text, &edits);
            out.verbatim(&text);
            out.value("text", text);
        }
    }
}

/// What `--check` says of a file.
fn otherwise(source: &Arc<Source>, first: &Edit) -> Diagnostic {
    let words = format!("`{}` is not laid out as `vmlock fmt` does it", source.path);
    let help = match source.path.as_str() {
        STDIN => "`vmlock fmt -` prints it as it should be".to_owned(),
        path => format!("run `vmlock fmt {path}`"),
    };
    // The gap itself may be a line break, which shows nothing.
    let gap = &source.text[first.span.clone()];
    let last = gap.rfind('\n').map_or(0, |at| at + 1);
    Diagnostic::error("fmt::layout", words)
        .at(
            source,
            first.span.start + last..first.span.end,
            "the first place",
        )
        .help(help)
}
