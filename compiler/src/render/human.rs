//! Findings for people: drawn into the text they are about.

use crate::diagnostic::{Diagnostic, Label, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::rc::Rc;

/// Columns that messages are wrapped at.
const WIDTH: usize = 100;

/// Longest line of a source that is drawn, in bytes: drawing pads as far as a
/// label stands to the right.
const LINE_MAX: usize = 4096;

/// All findings as text for stderr; colours only on a terminal and without NO_COLOR.
pub fn render(found: &[Diagnostic]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let theme = if io::stderr().is_terminal() && !plain {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_links(false)
        .with_context_lines(1);
    let mut text = String::new();
    for diagnostic in found {
        // Writing to a string cannot fail; a label that could not be drawn still leaves its words.
        if handler
            .render_report(&mut text, &Drawn::new(diagnostic))
            .is_err()
        {
            text.push_str(&diagnostic.message);
            text.push('\n');
        }
        text.push('\n');
    }
    // The drawing pads lines; a terminal does not need that and a file should not have it.
    let mut lines: String = text
        .lines()
        .map(|l| format!("{}\n", l.trim_end()))
        .collect();
    lines.truncate(lines.trim_end().len());
    lines.push_str("\n\n");
    lines
}

/// A finding as the drawing library wants it.
#[derive(Debug)]
struct Drawn {
    code: Option<&'static str>,
    severity: miette::Severity,
    message: String,
    help: Option<String>,
    source: Option<miette::NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Drawn>,
}

impl Drawn {
    fn new(diagnostic: &Diagnostic) -> Self {
        let drawable = |l: &Label| l.source.text.lines().all(|line| line.len() <= LINE_MAX);
        if !diagnostic.labels.iter().all(drawable) {
            return Self::in_words(diagnostic);
        }
        let first = diagnostic.labels.first();
        let is_here = |l: &&Label| first.is_some_and(|f| Rc::ptr_eq(&f.source, &l.source));
        let (here, there): (Vec<&Label>, Vec<&Label>) =
            diagnostic.labels.iter().partition(|l| is_here(l));
        Self {
            code: Some(diagnostic.code),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            source: first.map(named),
            labels: here
                .iter()
                .enumerate()
                .map(|(index, l)| span(l, index == 0))
                .collect(),
            elsewhere: there.iter().map(|l| Self::elsewhere(l)).collect(),
        }
    }

    /// Without the text: its places by line and column.
    fn in_words(diagnostic: &Diagnostic) -> Self {
        let place = |l: &Label| {
            let at = l.source.position(l.span.start);
            format!("{}:{}:{} {}", l.source.path, at.line, at.column, l.words)
                .trim_end()
                .to_owned()
        };
        let places: Vec<String> = diagnostic.labels.iter().map(place).collect();
        Self {
            code: Some(diagnostic.code),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            message: format!("{} ({})", diagnostic.message, places.join("; ")),
            help: diagnostic.help.clone(),
            source: None,
            labels: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    fn elsewhere(label: &Label) -> Self {
        Self {
            code: None,
            severity: miette::Severity::Advice,
            message: label.words.clone(),
            help: None,
            source: Some(named(label)),
            labels: vec![span(
                &Label {
                    words: String::new(),
                    ..label.clone()
                },
                true,
            )],
            elsewhere: Vec::new(),
        }
    }
}

fn named(label: &Label) -> miette::NamedSource<String> {
    miette::NamedSource::new(&label.source.path, label.source.text.clone())
}

fn span(label: &Label, primary: bool) -> LabeledSpan {
    let end = label.span.end.min(label.source.text.len());
    let start = label.span.start.min(end);
    let words = (!label.words.is_empty()).then(|| label.words.clone());
    if primary {
        LabeledSpan::new_primary_with_span(words, (start, end - start))
    } else {
        LabeledSpan::new(words, start, end - start)
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl miette::Diagnostic for Drawn {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|c| Box::new(c) as Box<dyn fmt::Display>)
    }
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(
            self.elsewhere.iter().map(|d| d as &dyn miette::Diagnostic),
        ))
    }
}
