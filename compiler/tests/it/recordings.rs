//! Pages as they run in a terminal: for `asciinema play` (recordings of its version 2), and as pictures that move, which a
//! page shows without a script. Both are made of a page's own commands and of what these print today; only the time between
//! two keys is invented.

use crate::documents::{Reader, Shown, read};
use crate::scratch::root;
use serde_json::json;
use std::{env, fs};

/// A recording, and its picture beside it.
struct Recording {
    /// Where both are, without their endings.
    file: &'static str,
    title: &'static str,
    /// What the picture shows, for those who do not see it.
    label: &'static str,
    /// The page whose commands are shown, and how they are read.
    page: &'static str,
    reader: Reader,
    /// The heading under which they stand, where these are not all of the page's.
    under: Option<&'static str>,
    /// How large the terminal is.
    columns: usize,
    rows: usize,
}

const TUTORIAL: Recording = Recording {
    file: "docs/tutorial",
    title: "vmlock: from nothing to a lock",
    label: "The tutorial's commands, as they run in a terminal",
    page: "docs/tutorial.md",
    reader: Reader::Program,
    under: None,
    columns: 110,
    rows: 30,
};

#[cfg(unix)]
const REFUSAL: Recording = Recording {
    file: "docs/refusal",
    title: "vmlock: a refusal, read and mended",
    label: "A refusal is read and mended by commands in a terminal",
    page: "docs/howto.md",
    reader: Reader::Terminal(80),
    under: Some("### One of them, from refusal to yes"),
    columns: 80,
    rows: 36,
};
/// Seconds: to read what is there, before a command is entered, for a key, and for a line that is printed.
const READ: f64 = 2.5;
const PAUSE: f64 = 0.8;
const KEY: f64 = 0.04;
const LINE: f64 = 0.03;
/// A column and a row in the picture, and its margin, in its own units.
const COLUMN: f64 = 8.43;
const ROW: usize = 18;
const MARGIN: usize = 12;

/// What comes to the terminal, and when: a key, or a line.
type Event = (f64, String);

fn events(shown: &[Shown]) -> Vec<Event> {
    let (mut out, mut now) = (Vec::new(), 0.0);
    let mut after = |seconds: f64, text: String| {
        now += seconds;
        out.push((now, text));
    };
    for Shown { typed, printed, .. } in shown {
        after(LINE, "$ ".to_owned());
        for (at, key) in typed.chars().enumerate() {
            after(if at == 0 { READ } else { KEY }, key.to_string());
        }
        after(PAUSE, "\r\n".to_owned());
        for line in printed {
            after(LINE, format!("{line}\r\n"));
        }
    }
    after(LINE, "$ ".to_owned());
    out
}

/// A line of JSON for the whole, and one for each event.
fn recording(of: &Recording, events: &[Event]) -> String {
    let head = json!({ "version": 2, "width": of.columns, "height": of.rows, "title": of.title });
    let mut out = format!("{head}\n");
    for (at, text) in events {
        out.push_str(&format!("[{at:.2},\"o\",{}]\n", json!(text)));
    }
    out
}

/// The lines that a terminal of so many columns has in the end, each with the time when all of it is there. It breaks those
/// that are longer wherever it ends.
fn lines(events: &[Event], columns: usize) -> Vec<Event> {
    let whole = whole_lines(events);
    let broken = whole.into_iter().flat_map(|(at, line)| {
        let letters: Vec<char> = line.chars().collect();
        let rows = letters.chunks(columns).map(|row| row.iter().collect());
        let rows: Vec<String> = match letters.is_empty() {
            true => vec![line],
            false => rows.collect(),
        };
        rows.into_iter().map(move |row| (at, row))
    });
    broken.collect()
}

fn whole_lines(events: &[Event]) -> Vec<Event> {
    let mut lines = vec![(0.0, String::new())];
    for (at, text) in events {
        if let Some(last) = lines.last_mut() {
            last.0 = *at;
            last.1.push_str(text.trim_end_matches("\r\n"));
        }
        if text.ends_with("\r\n") {
            lines.push((*at, String::new()));
        }
    }
    lines
}

/// The same as a picture: each line appears in its time, and those above make room.
fn picture(of: &Recording, lines: &[Event]) -> String {
    let (rows, label) = (of.rows, of.label);
    let (wide, high) = ((of.columns as f64 * COLUMN).ceil() as usize, rows * ROW);
    let whole = lines.last().map_or(0.0, |(at, _)| *at);
    let moves = lines.iter().enumerate().skip(rows);
    let moves: Vec<(f64, usize)> = moves
        .map(|(row, (at, _))| (at / whole, (row + 1 - rows) * ROW))
        .collect();
    let offsets: String = moves.iter().map(|(_, by)| format!(";0 -{by}")).collect();
    let times: String = moves.iter().map(|(at, _)| format!(";{at:.5}")).collect();
    let (outer, tall) = (wide + 2 * MARGIN, high + 2 * MARGIN);
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {outer} {tall}" role="img" aria-label="{label}">
<style>
  svg {{ --ground: #ffffff; --text: #1f2328; --line: #818b98; --typed: #0b57a4; }}
  @media (prefers-color-scheme: dark) {{ svg {{ --ground: #151b23; --text: #f0f6fc; --line: #656c76; --typed: #79c0ff; }} }}
  rect {{ fill: var(--ground); stroke: var(--line); }}
  text {{ fill: var(--text); font: 14px "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace; white-space: pre; visibility: hidden; }}
  .typed {{ fill: var(--typed); font-weight: bold; }}
</style>
<rect x="0.5" y="0.5" width="{}" height="{}" rx="6"/>
<svg x="{MARGIN}" y="{MARGIN}" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">
<g>
<animateTransform attributeName="transform" type="translate" calcMode="discrete" dur="{whole:.2}s" values="0 0{offsets}" keyTimes="0{times}" fill="freeze"/>
"##,
        outer - 1,
        tall - 1,
    );
    for (row, (at, text)) in lines.iter().enumerate() {
        let class = match text.starts_with("$ ") {
            true => " class=\"typed\"",
            false => "",
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        out.push_str(&format!(
            "<text y=\"{}\"{class}>{text}<set attributeName=\"visibility\" to=\"visible\" begin=\"{at:.2}s\" fill=\"freeze\"/></text>\n",
            row * ROW + ROW - 4
        ));
    }
    out + "</g>\n</svg>\n</svg>\n"
}

/// Makes both files, and holds them against those that are there.
fn held(of: &Recording) {
    let mut shown = read(of.page, of.reader);
    shown.retain(|shown| of.under.is_none_or(|under| shown.under == under));
    assert!(shown.len() >= 6, "only {} commands", shown.len());
    let events = events(&shown);
    let lines = lines(&events, of.columns);
    assert!(lines.len() > of.rows);
    for (end, made) in [
        ("cast", recording(of, &events)),
        ("svg", picture(of, &lines)),
    ] {
        let file = format!("{}.{end}", of.file);
        let path = root().join(&file);
        if env::var_os("VMLOCK_UPDATE").is_some_and(|v| v == "1") {
            fs::write(&path, &made).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "{file} is stale: VMLOCK_UPDATE=1 cargo test -p vmlock recording"
        );
    }
}

#[test]
fn the_recording_of_the_tutorial_shows_what_the_commands_print() {
    held(&TUTORIAL);
}

#[cfg(unix)]
#[test]
fn the_recording_of_a_refusal_shows_what_the_commands_print() {
    held(&REFUSAL);
}

#[test]
fn a_recording_is_what_players_read() {
    let shown = [Shown {
        typed: "a <".to_owned(),
        printed: vec!["é".to_owned()],
        under: String::new(),
    }];
    let events = events(&shown);
    let text = recording(&TUTORIAL, &events);
    let (head, rest) = text.split_once('\n').unwrap();
    let head: serde_json::Value = serde_json::from_str(head).unwrap();
    assert_eq!(head["version"], 2);
    let mut last = 0.0;
    for line in rest.lines() {
        let (at, kind, _): (f64, String, String) = serde_json::from_str(line).unwrap();
        assert!(at > last && kind == "o", "{line}");
        last = at;
    }
    let broken = |columns| -> Vec<String> {
        let lines = lines(&events, columns);
        lines.into_iter().map(|(_, text)| text).collect()
    };
    assert_eq!(broken(5), ["$ a <", "é", "$ "]);
    assert_eq!(broken(4), ["$ a ", "<", "é", "$ "]);
    let lines = lines(&events, 5);
    assert!(picture(&TUTORIAL, &lines).contains(">$ a &lt;<set"));
}
