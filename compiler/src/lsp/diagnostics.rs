//! Findings as an editor shows them.

use super::analysis::Analysis;
use super::document::{self, Document};
use super::position::Encoding;
use super::view::Client;
use crate::diagnostic::{self, Label, Severity};
use gen_lsp_types::{
    Code, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Message,
};
use std::ops::Range;
use std::path::{Path, PathBuf};
use vmlock_spec::words;

/// The source that editors show beside a finding.
pub const SOURCE: &str = "vmlock";

/// All findings on an open text. `other` finds another text that one points into.
pub fn all(
    analysis: &Analysis,
    document: &Document,
    client: &Client,
    other: &dyn Fn(&Path) -> Option<Document>,
) -> Vec<Diagnostic> {
    let found = analysis.found.iter();
    found
        .map(|finding| one(finding, analysis, document, client, other))
        .collect()
}

fn one(
    finding: &diagnostic::Diagnostic,
    analysis: &Analysis,
    document: &Document,
    client: &Client,
    other: &dyn Fn(&Path) -> Option<Document>,
) -> Diagnostic {
    let encoding = client.encoding;
    let shown = document.path.display().to_string();
    let is_here = |label: &Label| label.source.path == shown;
    // A finding on an imported file is shown where that is imported.
    let here = finding.labels.iter().find(|label| is_here(label));
    let range = match here {
        Some(label) => document.range(label.span.clone(), encoding),
        None => document.range(imported(finding, analysis, document), encoding),
    };
    let mut lines: Vec<String> = finding.message.iter().map(|l| plain(l)).collect();
    if let (Some(label), None) = (finding.labels.first(), here) {
        let at = label.source.position(label.span.start);
        let place = format!("in {}:{}:{}", label.source.path, at.line, at.column);
        lines.push(plain(&place));
    }
    lines.extend(
        finding
            .help
            .iter()
            .map(|help| format!("help: {}", plain(help))),
    );
    let elsewhere = finding.labels.iter().filter(|label| {
        let first = here.is_some_and(|here| std::ptr::eq(here, *label));
        !first
    });
    let information: Vec<DiagnosticRelatedInformation> = elsewhere
        .filter_map(|label| located(label, document, encoding, other))
        .collect();
    Diagnostic {
        range,
        severity: Some(match finding.severity {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
        }),
        code: Some(Code::String(finding.code.to_owned())),
        code_description: None,
        source: Some(SOURCE.to_owned()),
        message: Message::String(lines.join("\n")),
        tags: None,
        related_information: (client.related && !information.is_empty()).then_some(information),
        data: None,
    }
}

/// Where a description imports the file that a finding is about; its beginning where it is about all of it.
fn imported(
    finding: &diagnostic::Diagnostic,
    analysis: &Analysis,
    document: &Document,
) -> Range<usize> {
    let path = finding.path().map(|path| document::plain(Path::new(path)));
    let folder = document.path.parent().unwrap_or(Path::new(""));
    let is_it = |name: &String| Some(document::plain(&folder.join(name))) == path;
    let place = analysis.machines().iter().find_map(|machine| {
        let read = machine.read.as_ref()?;
        let index = read.spec.import.iter().position(is_it)?;
        Some(read.places.find(&format!("/import/{index}")))
    });
    place.unwrap_or(0..0)
}

fn plain(text: &str) -> String {
    words::printable(text).into_owned()
}

fn located(
    label: &Label,
    document: &Document,
    encoding: Encoding,
    other: &dyn Fn(&Path) -> Option<Document>,
) -> Option<DiagnosticRelatedInformation> {
    let words = match label.words.as_str() {
        "" => "here".to_owned(),
        words => plain(words),
    };
    let path = PathBuf::from(&label.source.path);
    let (uri, range) = if path == document.path {
        (
            document.uri.clone(),
            document.range(label.span.clone(), encoding),
        )
    } else {
        let other = other(&path)?;
        // What is open has changed since, and may be shorter.
        let range = other.range(label.span.clone(), encoding);
        (other.uri, range)
    };
    Some(DiagnosticRelatedInformation {
        location: Location {
            uri: uri.into(),
            range,
        },
        message: words,
    })
}
