//! What a whole file is: another language than KDL, another version of it, or two files that a merge left in one.

use super::Scanner;
use crate::diagnostic::Diagnostic;
use crate::location::Source;
use std::ops::Range;
use std::sync::Arc;

/// What begins a line between the sides of a merge that was not finished, and is no KDL (git-merge(1)).
const MARKERS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

/// What git left in a file, for all that somebody may write by hand.
pub fn conflict(source: &Arc<Source>) -> Option<Diagnostic> {
    let mut at = 0;
    let mut marks: Vec<(Range<usize>, &str)> = Vec::new();
    for line in source.text.split_inclusive('\n') {
        // Some indent them afterwards, and git writes longer ones where it is told to (conflict-marker-size).
        let bare = line.trim_start_matches([' ', '\t']);
        let start = at + line.len() - bare.len();
        if let Some((marker, length)) = marker(bare) {
            marks.push((start..start + length, marker));
        }
        at += line.len();
    }
    let first = marks.iter().position(|(_, marker)| *marker == MARKERS[0])?;
    let marks = &marks[first..];
    let last = marks.iter().position(|(_, marker)| *marker == MARKERS[3])?;
    let mut found = Diagnostic::error(
        "spec::conflict-marker",
        "a merge left its conflict markers in this file",
    )
    .help("keep what is meant of the two sides, and remove the lines with the markers");
    let mut told = Vec::new();
    for (span, marker) in &marks[..=last] {
        // However many there are, one of each says what they are.
        if told.contains(marker) {
            continue;
        }
        told.push(*marker);
        let words = match *marker {
            "<<<<<<<" => "one side begins here",
            "|||||||" => "what both sides began with",
            "=======" => "the other side begins here",
            _ => "it ends here",
        };
        found = found.at(source, span.clone(), words);
    }
    let more = marks.iter().filter(|(_, m)| *m == MARKERS[0]).count() - 1;
    Some(match more {
        0 => found,
        1 => found.help("there is another one further down"),
        more => found.help(format!("there are {more} more further down")),
    })
}

/// The marker that a line begins with, and how long it is.
fn marker(line: &str) -> Option<(&'static str, usize)> {
    let sign = line.chars().next()?;
    let rest = line.trim_start_matches(sign);
    let length = line.len() - rest.len();
    let ends = rest.is_empty() || rest.starts_with([' ', '\r', '\n']);
    let marker = MARKERS.iter().find(|marker| line.starts_with(**marker));
    marker.filter(|_| ends).map(|marker| (*marker, length))
}

impl Scanner<'_> {
    /// A marker of a merge whose other one is gone, or the head of a part of a diff, where a node begins; says whether it
    /// is one.
    pub(super) fn of_a_merge(&mut self, start: usize) -> bool {
        // Few nodes begin so, and looking for the ends of long lines takes time.
        let signs = self.source.text.as_bytes().get(start..start + 2);
        if !signs.is_some_and(|signs| signs[0] == signs[1] && b"<>=|@".contains(&signs[0])) {
            return false;
        }
        let rest = &self.source.text[start..];
        if !MARKERS.iter().any(|signs| rest.starts_with(*signs)) && !rest.starts_with("@@ ") {
            return false;
        }
        let line = rest.lines().next().unwrap_or("");
        let (message, length) = match marker(line) {
            Some((_, length)) => (
                "a merge left one of its conflict markers in this file",
                length,
            ),
            None if line.starts_with("@@ ") => ("this line is of a diff", 2),
            None => return false,
        };
        self.at = start + line.len();
        let help = "keep what is meant, and remove the line";
        self.report(message, start..start + length, "this line", help);
        true
    }

    /// A file of another language; says whether it is one.
    pub(super) fn other_language(&mut self) -> bool {
        let Some((name, span)) = language(&self.source.text) else {
            return false;
        };
        let help = match name {
            "JSON" => "the JSON form of a description is called NAME.vm.json, and holds one object",
            _ => "a description is `vm \"NAME\" { … }`; `vmlock lock --help` shows a whole one",
        };
        let message = format!("this is {name}, not KDL");
        self.report(&message, span, "it begins here", help);
        true
    }

    /// `/- kdl-version 1`, which a file may begin with (KDL 2.0.0, "Version Marker"); says whether it is for others.
    pub(super) fn other_version(&mut self) -> bool {
        let text = &self.source.text;
        let marker = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let start = text.len() - marker.len();
        let line = marker.lines().next().unwrap_or("");
        let mut words = line.split([' ', '\t']).filter(|w| !w.is_empty());
        let name = match words.next() {
            Some("/-") => words.next(),
            Some(glued) => glued.strip_prefix("/-"),
            None => None,
        };
        let version = words
            .next()
            .map(|v| v.trim_end_matches(';').trim_matches('"'));
        let (Some("kdl-version"), Some(version)) = (name, version) else {
            return false;
        };
        if version == "2" {
            return false;
        }
        let help = match version {
            "1" => {
                "write `/- kdl-version 2` once keywords begin with `#` (`#true`) and raw strings with `#\"`, or remove the line"
            }
            _ => "write `/- kdl-version 2`, or remove the line",
        };
        let span = start..start + line.trim_end().len();
        let version = super::literal::shown(version);
        let message = format!("this file says that it is KDL version {version}");
        self.report(&message, span, "vmlock reads version 2", help);
        true
    }
}

/// The language of a text that is another one's from its first line on, and where that is.
fn language(text: &str) -> Option<(&'static str, Range<usize>)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let plain = line.trim_start_matches('\u{feff}').trim();
        let start = at + line.find(plain).unwrap_or(0);
        at += line.len();
        // A comment of YAML and TOML, of which a KDL file can have some by mistake.
        if plain.is_empty() || plain.starts_with('#') {
            continue;
        }
        let rest = &text[start..];
        let name = if is_json(rest) {
            "JSON"
        } else if plain.starts_with('<')
            && plain[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "?!".contains(c))
        {
            "XML"
        } else if plain.starts_with("diff --git ") || plain.starts_with("--- a/") {
            "a diff"
        } else if plain.starts_with('{') && plain.ends_with("}:") {
            "Nix"
        } else if is_yaml(plain) {
            "YAML"
        } else if is_toml(plain) {
            "TOML"
        } else {
            return None;
        };
        let length = match name {
            "JSON" => 1,
            _ => plain.len(),
        };
        return Some((name, start..start + length));
    }
    None
}

fn is_json(text: &str) -> bool {
    let inside = |open| text.strip_prefix(open).map(str::trim_start);
    inside('{').is_some_and(|rest| rest.starts_with(['"', '}']))
        || inside('[').is_some_and(|rest| rest.starts_with(['"', '{', ']']))
}

fn is_name(word: &str) -> bool {
    let of_names = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !word.is_empty() && word.chars().all(of_names)
}

fn is_yaml(line: &str) -> bool {
    let pair = line.split_once(':').filter(|(name, rest)| {
        let ends = rest.is_empty() || rest.starts_with(' ');
        is_name(name) && ends && !rest.ends_with('{')
    });
    line == "---" || line.starts_with("%YAML") || pair.is_some()
}

fn is_toml(line: &str) -> bool {
    let table = line.strip_prefix('[').and_then(|l| l.strip_suffix(']'));
    let table = table.map(|t| {
        t.strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(t)
    });
    let pair = line.split_once('=').filter(|(name, rest)| {
        is_name(name.trim_end()) && !rest.ends_with('{') && !rest.starts_with(['=', '>'])
    });
    table.is_some_and(|t| {
        t.split(['.', ' ', '"', '\''])
            .all(|w| w.is_empty() || is_name(w))
    }) || pair.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_languages_are_told_by_their_first_line() {
        for (text, name) in [
            ("{\"a\": 1}", "JSON"),
            ("\n[ {\n", "JSON"),
            ("# a\n\n---\nname: web", "YAML"),
            ("vm:\n  name: web", "YAML"),
            ("name: web\n", "YAML"),
            ("[vm]\nname = \"web\"", "TOML"),
            ("[[vm.cpu]]", "TOML"),
            ("name = \"web\"", "TOML"),
            ("<?xml version=\"1.0\"?>", "XML"),
            ("<vm name=\"web\">", "XML"),
        ] {
            assert_eq!(language(text).map(|(name, _)| name), Some(name), "{text}");
        }
        for text in [
            "",
            "# a",
            "vm \"web\" {",
            "vm = \"web\" {",
            "vm: {",
            "vm web",
            "// a\nname: b",
            "<<<<<<< a",
            "(a)b",
            "[",
            "{ vm",
        ] {
            assert_eq!(language(text), None, "{text}");
        }
    }
}
