//! One page for a browser, with all that it needs in it: a grid of rows and hosts, a cell of which opens its reasons.
//!
//! Names and reasons in it are somebody else's texts. They stand as JSON in a block that no browser runs or reads as
//! markup, and the script shows them as text alone, each isolated from the words about it, whichever way it is written,
//! and with nothing in it that hides or turns text around. The page's policy lets this very script and style in and nothing
//! else, from nowhere.
//!
//! What is particular to a command, which rows there are and what a cell of them means, is its own: `vmlock fleet`,
//! `vmlock drift` and `vmlock-lab matrix` make a [`Grid`] and a [`Frame`] each.

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;

const STYLE: &str = include_str!("grid.css");
const SCRIPT: &str = include_str!("grid.js");

/// What a cell can be: a sign and a shape beside its colour, for who sees no colours. The same in all pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A lock's promises hold there.
    Kept,
    /// The host cannot keep a lock.
    Refused,
    /// A guest saw something else than its lock says.
    Differs,
    /// Nobody knows: nothing was tried on that host.
    Untried,
    /// Nobody knows: it was tried, and did not come to its end.
    NoVerdict,
    /// Nothing changed.
    Same,
    /// It changed, and a line of a description restores it.
    Restored,
    /// It changed.
    Changed,
    /// Nobody knows: it was not compared.
    NotCompared,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Kept,
        Self::Refused,
        Self::Differs,
        Self::Untried,
        Self::NoVerdict,
        Self::Same,
        Self::Restored,
        Self::Changed,
        Self::NotCompared,
    ];

    /// Its sign, its class of the style sheet, and its words.
    const fn shown(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Kept => ("✓", "kept", "kept"),
            Self::Refused => ("✗", "refused", "not kept"),
            Self::Differs => ("!", "refused", "a guest saw something else"),
            Self::Untried => ("…", "unknown", "unknown: nobody has tried"),
            Self::NoVerdict => ("–", "unknown", "no verdict"),
            Self::Same => ("=", "same", "no difference"),
            Self::Restored => ("↺", "restored", "changed, and can be restored"),
            Self::Changed => (
                "≠",
                "refused",
                "changed, and no line restores it for all guests",
            ),
            Self::NotCompared => ("?", "unknown", "not compared"),
        }
    }
}

/// What is the same in all pages of one command.
pub struct Frame {
    /// Its name.
    pub title: &'static str,
    /// What stands above all of it.
    pub heading: &'static str,
    /// What one row is.
    pub row: &'static str,
    /// What the field for reasons finds.
    pub finds: &'static str,
    /// What is explained: all kinds that its cells can be.
    pub kinds: &'static [Kind],
    /// A text as a person can read it, with nothing in it that hides or turns text around.
    pub legible: fn(&str) -> Cow<'_, str>,
}

/// One row of the grid.
#[derive(Serialize)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// What stands before its name.
    pub note: String,
    /// Whether it is to be seen at once.
    pub marked: bool,
    /// For each host the number of a cell.
    pub cells: Vec<usize>,
}

/// What cells say, each once: they are many, and what they say is little.
#[derive(Default)]
pub struct Cells {
    all: Vec<(Kind, Vec<String>)>,
    known: HashMap<(Kind, Vec<String>), usize>,
}

impl Cells {
    /// The number of a cell of that kind, which says that.
    pub fn number(&mut self, kind: Kind, lines: Vec<String>) -> usize {
        *self.known.entry((kind, lines)).or_insert_with_key(|cell| {
            self.all.push(cell.clone());
            self.all.len() - 1
        })
    }
}

/// What a page shows.
pub struct Grid {
    /// All of it in a sentence.
    pub summary: String,
    /// What its columns are called.
    pub hosts: Vec<String>,
    /// From above.
    pub rows: Vec<Row>,
    /// What its rows' cells say.
    pub cells: Cells,
}

/// The page, as a text of HTML.
pub fn page(frame: &Frame, grid: &Grid) -> String {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        source(SCRIPT),
        source(STYLE)
    );
    let cells = grid.cells.all.iter();
    let cells: Vec<Value> = cells
        .map(|(kind, lines)| json!({ "kind": *kind as usize, "lines": lines }))
        .collect();
    let kinds = Kind::ALL.map(|kind| {
        let (sign, shape, words) = kind.shown();
        json!({ "sign": sign, "shape": shape, "words": words })
    });
    let theirs = json!({
        "summary": grid.summary, "hosts": grid.hosts, "rows": grid.rows, "cells": cells,
    });
    let mut data = legible(frame.legible, &theirs);
    data["row"] = frame.row.into();
    data["kinds"] = json!(kinds);
    let data = inert(&data.to_string());
    let legend = frame.kinds.iter();
    let legend: Vec<String> = legend
        .map(|kind| {
            let (sign, _, words) = kind.shown();
            format!("{sign} {words}")
        })
        .collect();
    let legend = legend.join(", ");
    let Frame {
        title,
        heading,
        row,
        finds,
        ..
    } = frame;
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{heading}</h1>
<p id="summary"></p>
<form id="filters">
<label>{finds} <input id="reason" type="search" list="registers" autocomplete="off"></label>
<label>{row} <input id="name" type="search" autocomplete="off"></label>
<label>host <input id="host" type="search" autocomplete="off"></label>
<datalist id="registers"></datalist>
</form>
<p id="count" role="status"></p>
<p id="legend">{legend}: choose a cell for its reasons</p>
<div class="scroll"><table id="grid" aria-describedby="legend"></table></div>
<section id="why" aria-live="polite"><h2>Choose a cell for its reasons</h2></section>
<script type="application/json" id="data">{data}</script>
<script>{SCRIPT}</script>
</body>
</html>
"#
    )
}

/// The same with each text as a person can read it.
fn legible(with: fn(&str) -> Cow<'_, str>, value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(with(text).into_owned()),
        Value::Array(all) => all.iter().map(|value| legible(with, value)).collect(),
        Value::Object(all) => {
            let each = all
                .iter()
                .map(|(key, value)| (key.clone(), legible(with, value)));
            Value::Object(each.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// JSON in which nothing is left that HTML or JavaScript reads otherwise: these stand in its texts alone, where an
/// escape means the same.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// A text as a Content-Security-Policy names it.
fn source(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

/// RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let all =
            chunk.iter().fold(0u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = all >> (18 - 6 * place) & 0x3f;
            out.push(match place <= chunk.len() {
                true => char::from(DIGITS[digit as usize]),
                false => '=',
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands between two marks, the first time.
    fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once(to).unwrap().0
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }

    const FRAME: Frame = Frame {
        title: "a title",
        heading: "a heading",
        row: "lock",
        finds: "refused for",
        kinds: &[Kind::Kept, Kind::Refused],
        legible: |text| text.into(),
    };

    /// A page in which one text stands wherever there are somebody's texts.
    fn of(text: &str) -> String {
        framed(&FRAME, text)
    }

    fn framed(frame: &Frame, text: &str) -> String {
        let mut cells = Cells::default();
        let cell = cells.number(Kind::Refused, vec![text.to_owned()]);
        let row = Row {
            name: text.to_owned(),
            note: text.to_owned(),
            marked: true,
            cells: vec![cell],
        };
        let grid = Grid {
            summary: text.to_owned(),
            hosts: vec![text.to_owned()],
            rows: vec![row],
            cells,
        };
        page(frame, &grid)
    }

    #[test]
    fn what_is_hostile_is_data() {
        let hostile = [
            "</script><script>alert(1)</script>",
            "<!--<script>",
            "]]>",
            "&lt;img src=x onerror=alert(1)&gt;",
            "\u{2028}\u{2029}",
            "\"';alert(1)//\\",
            "\0\u{7f}\r\n",
            "\u{202e}tpek :\u{200b}",
        ];
        let plain = of("plain");
        for text in hostile {
            let page = of(text);
            let block = between(&page, "id=\"data\">", "</script>");
            // It comes out as it went in, and the page around it is the same whatever it is.
            let read: Value = serde_json::from_str(block).unwrap();
            for place in [
                &read["summary"],
                &read["hosts"][0],
                &read["rows"][0]["name"],
                &read["rows"][0]["note"],
                &read["cells"][0]["lines"][0],
            ] {
                assert_eq!(place, text, "{text:?}");
            }
            assert!(
                !block.contains(['<', '>', '&', '\u{2028}', '\u{2029}']),
                "{block}"
            );
            let around = plain.replace(between(&plain, "id=\"data\">", "</script>"), "");
            assert_eq!(page.replace(block, ""), around, "{text:?}");
        }
    }

    #[test]
    fn every_text_is_made_legible_first() {
        let frame = Frame {
            legible: |_| "legible".into(),
            ..FRAME
        };
        let page = framed(&frame, "as it came");
        let legible = page.matches("\"legible\"").count();
        // In the summary, three names and a reason.
        assert_eq!((legible, page.contains("as it came")), (5, false));
    }

    #[test]
    fn nothing_but_its_own_script_and_style_is_let_in() {
        let page = of("plain");
        let policy = between(
            &page,
            "http-equiv=\"Content-Security-Policy\" content=\"",
            "\"",
        );
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        let script = between(&page, "<script>", "</script>");
        let style = between(&page, "<style>", "</style>");
        for (text, directive) in [(script, "script-src"), (style, "style-src")] {
            let digest = Sha256::digest(text.as_bytes());
            let named = format!("{directive} 'sha256-{}';", base64(&digest));
            assert!(policy.contains(&named), "{policy}: {named}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"));
        // Neither is there anything that would need more: no address, no handler, no style in an attribute.
        for word in [
            "http:", "https:", "//", "url(", "@import", " src=", " href=", " style=", " onclick",
        ] {
            let code = SCRIPT
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let all = page.replace(SCRIPT, &code.collect::<Vec<_>>().join("\n"));
            // Base 64 has slashes of its own.
            let all = all.replace(policy, "");
            assert!(!all.contains(word), "{word}");
        }
        assert_eq!(page.matches("<script").count(), 2);
        // A browser reads a line's end as LF before it takes the digest.
        assert!(!SCRIPT.contains('\r') && !STYLE.contains('\r'));
    }

    /// What the script draws anew is the table's, so what explains it stands outside.
    #[test]
    fn what_the_signs_mean_stays_in_the_page() {
        let page = of("plain");
        assert!(page.contains("<p id=\"legend\">✓ kept, ✗ not kept"));
        assert!(page.contains("<table id=\"grid\" aria-describedby=\"legend\"></table>"));
        assert!(!SCRIPT.contains("legend"));
    }

    /// A name that is written from right to left turns nothing around but itself.
    #[test]
    fn names_stand_by_themselves_behind_the_verdict() {
        for name in ["row.name", "data.hosts["] {
            let mut shown = 0;
            for line in SCRIPT.lines().filter(|line| line.contains(name)) {
                // As a text, it is an element of its own, or behind all else that its attribute says.
                let text =
                    line.contains("made(") || line.contains("textContent") || line.contains('`');
                let alone = line.contains("made(\"bdi\", ") && !line.contains('`');
                let behind = line.contains("aria-label") && line.contains("`${verdict}: ");
                assert!(!text || alone || behind, "{line}");
                shown += usize::from(text);
            }
            assert!(shown >= 3, "{name}: {shown}");
        }
    }

    /// Text is put into the page as text: no call by which it would be read as markup or run.
    #[test]
    fn the_script_has_no_way_to_make_markup_of_text() {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval",
            "Function(",
            "setTimeout",
            ".style",
            "import(",
            "fetch(",
        ] {
            assert!(!SCRIPT.contains(word), "{word}");
        }
        assert!(SCRIPT.contains("textContent"));
        assert!(!SCRIPT.contains("</") && !STYLE.contains('<'));
    }

    /// Nobody has to see a colour to tell two kinds from another.
    #[test]
    fn kinds_differ_in_sign_and_words() {
        for (index, kind) in Kind::ALL.iter().enumerate() {
            let (sign, shape, words) = kind.shown();
            let rule = format!("button.{shape} {{");
            assert!(STYLE.contains(&rule), "{rule}");
            assert_eq!(*kind as usize, index);
            for other in &Kind::ALL[..index] {
                let other = other.shown();
                assert!(other.0 != sign && other.2 != words, "{words}");
            }
        }
    }
}
