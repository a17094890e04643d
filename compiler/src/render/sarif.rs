//! Findings as SARIF 2.1.0 (OASIS), for code scanning services.

use crate::codes;
use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::system;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// One run with its rules and results. Rule ids are our codes; paths are as they were given.
pub fn document(found: &[Diagnostic]) -> Value {
    let used: BTreeSet<&str> = found.iter().map(|d| d.code).collect();
    let rules: Vec<Value> = used.iter().map(|code| rule(code)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "vmlock",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": "https://github.com/vmlock/vmlock",
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": found.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn rule(code: &str) -> Value {
    let (title, explanation) = codes::find(code).map_or((code, code), |c| (c.title, c.explanation));
    json!({
        "id": code,
        "shortDescription": { "text": sentence(title) },
        "fullDescription": { "text": sentence(explanation) },
        "help": { "text": format!("`vmlock explain {code}` prints this too.") },
    })
}

fn result(diagnostic: &Diagnostic) -> Value {
    let words = [&diagnostic.message[..], &diagnostic.help[..]].concat();
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": { "text": words.iter().map(|w| sentence(w)).collect::<Vec<_>>().join("\n") },
    });
    match diagnostic.labels.first() {
        Some(label) => result["locations"] = json!([location(label)]),
        None => {
            if let Some(path) = &diagnostic.file {
                result["locations"] = json!([{ "physicalLocation": {
                    "artifactLocation": { "uri": uri(path) },
                    "region": beginning(),
                } }]);
            }
        }
    }
    let others: Vec<Value> = diagnostic.labels.iter().skip(1).map(location).collect();
    if !others.is_empty() {
        result["relatedLocations"] = others.into();
    }
    result
}

/// Services show texts as sentences, and validators want them to end as such (SARIF2001).
fn sentence(text: &str) -> String {
    match text.trim_end().ends_with(['.', '?', '!']) {
        true => text.to_owned(),
        false => format!("{}.", text.trim_end()),
    }
}

fn location(label: &Label) -> Value {
    let from = label.source.position(label.span.start);
    let to = label.source.position(label.span.end);
    let mut location = json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&label.source.path) },
        "region": {
            "startLine": from.line,
            "startColumn": from.column,
            "endLine": to.line,
            "endColumn": to.column,
        },
    } });
    if !label.words.is_empty() {
        location["message"] = json!({ "text": sentence(&label.words) });
    }
    location
}

/// Where a finding about a whole file stands, which may be missing or no text: validators want a place of each
/// (SARIF2017), and services show nothing that has none.
fn beginning() -> Value {
    json!({ "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1 })
}

/// A path as a URI reference: everything that is not plain is percent-encoded.
fn uri(path: &str) -> String {
    let is_absolute = Path::new(path).is_absolute();
    let path = system::slashes(path);
    let mut out = match (is_absolute, path.starts_with('/')) {
        (_, true) => "file://".to_owned(),
        (true, _) => "file:///".to_owned(),
        _ => String::new(),
    };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
