//! From a file's bytes to a KDL tree, or to plain words about why not.

use super::scan::{conflict, scan};
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::location::Source;
use kdl::{KdlDocument, KdlError};
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// Largest file of a user that is read, in bytes.
pub const SIZE_MAX: usize = 1 << 20;
/// Errors of the parser that are shown; further ones mostly follow from the first.
const SYNTAX_ERRORS_MAX: usize = 3;
/// Findings of the first look that are shown: each is a mistake of its own.
const FIRST_LOOK_MAX: usize = 10;
/// The parser recurses; its depth is bounded by [`super::scan::DEPTH_MAX`], and
/// this much stack holds that even in a debug build.
const STACK_BYTES: usize = 16 << 20;

/// Why a file could not be had.
#[derive(Debug)]
pub enum Unreadable {
    /// The system said no: nothing is wrong with the text.
    Io(std::io::Error),
    /// The bytes are no text that is parsed here.
    Bytes(Box<Diagnostic>),
}

/// Reads a text file of a user: at most 1 MiB of UTF-8.
///
/// # Errors
/// [`Unreadable`] says whether the system or the bytes are at fault.
pub fn read_source(path: &Path, shown: &str) -> Result<Arc<Source>, Unreadable> {
    let bytes = files::read(path, SIZE_MAX).map_err(Unreadable::Io)?;
    source_of(bytes, shown).map_err(Unreadable::Bytes)
}

/// Bytes as a text of a user: at most 1 MiB of UTF-8.
///
/// # Errors
/// What is wrong with the bytes.
pub fn source_of(bytes: Vec<u8>, shown: &str) -> Result<Arc<Source>, Box<Diagnostic>> {
    let bad = |d: Diagnostic| Err(Box::new(d));
    if bytes.len() > SIZE_MAX {
        return bad(Diagnostic::error(
            "spec::too-large",
            format!("`{shown}` is larger than 1 MiB"),
        )
        .in_file(shown)
        .help("a description has some 20 lines; is this the right file?"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Arc::new(Source {
            path: shown.to_owned(),
            text,
        })),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let byte = bytes[offset];
            // The valid part is enough to point with.
            let valid = String::from_utf8_lossy(&bytes[..offset]).into_owned();
            let line = valid.matches('\n').count() + 1;
            let words =
                format!("`{shown}` is not UTF-8: byte {byte:#04x} at offset {offset}, line {line}");
            bad(Diagnostic::error("spec::not-utf-8", words)
                .in_file(shown)
                .help("save the file as UTF-8"))
        }
    }
}

/// Parses KDL.
///
/// # Errors
/// What is wrong with the text: what the first look finds, else the parser's
/// first three errors.
pub fn parse(source: &Arc<Source>) -> Result<KdlDocument, Vec<Diagnostic>> {
    if let Some(conflict) = conflict(source) {
        return Err(vec![conflict]);
    }
    let found = scan(source);
    if !found.is_empty() {
        return Err(limited(found, FIRST_LOOK_MAX));
    }
    let text = source.text.clone();
    let parser = thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || KdlDocument::parse_v2(&text));
    let result: Result<KdlDocument, KdlError> = match parser.map(|p| p.join()) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => {
            let words = format!("cannot start the parser's thread: {error}");
            return Err(vec![
                Diagnostic::error("spec::syntax", words).in_file(&source.path),
            ]);
        }
    };
    result.map_err(|error| {
        let found = error.diagnostics.iter().map(|d| words(source, d));
        limited(found.collect(), SYNTAX_ERRORS_MAX)
    })
}

/// The parser's words, in ours.
fn words(source: &Arc<Source>, error: &kdl::KdlDiagnostic) -> Diagnostic {
    let message = error.message.as_deref().unwrap_or("this is not KDL");
    let start = error.span.offset().min(source.text.len());
    let end = start
        .saturating_add(error.span.len())
        .min(source.text.len());
    // An error that spans lines is about where it begins.
    let first_line = source.text.get(start..end).unwrap_or("");
    let length = first_line.find('\n').unwrap_or(first_line.len());
    let label = error.label.as_deref().unwrap_or("here");
    let diagnostic = Diagnostic::error("spec::syntax", message.trim_end_matches('.')).at(
        source,
        start..start + length,
        label,
    );
    match &error.help {
        Some(help) => diagnostic.help(help.trim_end_matches('.')),
        None => diagnostic,
    }
}

fn limited(mut found: Vec<Diagnostic>, most: usize) -> Vec<Diagnostic> {
    let more = found.len().saturating_sub(most);
    found.truncate(most);
    if more > 0
        && let Some(last) = found.last_mut()
    {
        let errors = match more {
            1 => "syntax error is",
            _ => "syntax errors are",
        };
        let note = format!("{more} more {errors} not shown: fix these first");
        last.help.push(note);
    }
    found
}
