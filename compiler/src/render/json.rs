//! Findings for programs, version 1: shapes of their own, so that the internal
//! types can change without the format.

use crate::diagnostic::{Diagnostic, Label, Severity};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// What every command prints with `--format json`. Commands add their own keys
/// (`locks`, `hosts`, `changes`, …) beside these two.
#[derive(Serialize, JsonSchema)]
pub struct Envelope {
    /// Version of this format: 1.
    pub version: u32,
    /// Everything that was found, in the order of the files.
    pub diagnostics: Vec<Finding>,
}

/// One finding.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Diagnostic")]
pub struct Finding {
    /// Stable code; `vmlock explain CODE` explains it.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Level,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The file that it is about, as its path was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// Words on that place.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Other places that take part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// How bad a finding is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing is written, and the exit code is not 0.
    Error,
    /// The work goes on.
    Warning,
}

/// A range of a file.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Span {
    /// First byte, from 0.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// Line of the first byte, from 1.
    pub line: usize,
    /// Column of the first byte in characters, from 1.
    pub column: usize,
    /// Line of the end, from 1.
    pub end_line: usize,
    /// Column of the end in characters, from 1.
    pub end_column: usize,
}

/// Another place that takes part in a finding.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Related {
    /// What is there.
    pub message: String,
    /// The file.
    pub file: String,
    /// Where in that file.
    pub span: Span,
}

fn place(label: &Label) -> Span {
    let (start, end) = (label.span.start, label.span.end);
    let (from, to) = (label.source.position(start), label.source.position(end));
    Span {
        start,
        end,
        line: from.line,
        column: from.column,
        end_line: to.line,
        end_column: to.column,
    }
}

fn finding(diagnostic: &Diagnostic) -> Finding {
    let first = diagnostic.labels.first();
    Finding {
        code: diagnostic.code,
        severity: match diagnostic.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        },
        message: diagnostic.message.join("\n"),
        help: (!diagnostic.help.is_empty()).then(|| diagnostic.help.join("\n")),
        file: diagnostic.path().map(str::to_owned),
        span: first.map(place),
        label: first.map(|l| l.words.clone()).unwrap_or_default(),
        related: diagnostic
            .labels
            .iter()
            .skip(1)
            .map(|label| Related {
                message: label.words.clone(),
                file: label.source.path.clone(),
                span: place(label),
            })
            .collect(),
    }
}

/// The keys that every command has.
pub fn envelope(found: &[Diagnostic]) -> Map<String, Value> {
    let envelope = Envelope {
        version: 1,
        diagnostics: found.iter().map(finding).collect(),
    };
    match serde_json::to_value(envelope) {
        Ok(Value::Object(object)) => object,
        // Plain structs with string keys always become an object.
        _ => Map::new(),
    }
}
