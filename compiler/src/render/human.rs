//! Findings for people: drawn into the text they are about. Of that text and of all words, only
//! what a reader can see reaches the terminal.

use super::terminal;
use crate::diagnostic::{Diagnostic, Label, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use std::fmt;
use std::io;
use std::sync::Arc;
use textwrap::{WordSeparator, WordSplitter};
use vmlock_spec::words;

/// Longest line of a source that is drawn, in bytes: drawing pads as far as a
/// label stands to the right.
const LINE_MAX: usize = 4096;

/// Longest span that is underlined, in bytes; a longer one is shown where it begins.
const LABEL_MAX: usize = 500;

/// All findings as text for stderr; with colours where its terminal has them.
pub fn render(found: &[Diagnostic]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let colours = terminal::has_colours(&io::stderr());
    let theme = if colours {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(terminal::of_messages())
        // Never within a name: `kvm-6.8` and `--emulate-gic` are one word each.
        .with_word_separator(WordSeparator::AsciiSpace)
        .with_word_splitter(WordSplitter::NoHyphenation)
        .with_break_words(false)
        .with_links(false)
        .with_context_lines(1);
    let mut text = String::new();
    for diagnostic in found {
        // Writing to a string cannot fail; a label that could not be drawn still leaves its words.
        if handler
            .render_report(&mut text, &Drawn::new(diagnostic))
            .is_err()
        {
            text.push_str(&shown(&diagnostic.message));
            text.push('\n');
        }
        text.push('\n');
    }
    // The drawing pads lines; a terminal does not need that and a file should not have it.
    let mut lines = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_end) {
        // Where it goes to a log, a word that was wrapped must not begin a command.
        match colours {
            true => lines.push_str(line),
            false => lines.push_str(&words::line(line)),
        }
        lines.push('\n');
    }
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
        let is_here = |l: &&Label| first.is_some_and(|f| Arc::ptr_eq(&f.source, &l.source));
        let (here, there): (Vec<&Label>, Vec<&Label>) =
            diagnostic.labels.iter().partition(|l| is_here(l));
        Self {
            code: Some(diagnostic.code),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            message: shown(&diagnostic.message),
            help: help(diagnostic),
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
            let place = format!("{}:{}:{} {}", l.source.path, at.line, at.column, l.words);
            words::printable(place.trim_end()).into_owned()
        };
        let places: Vec<String> = diagnostic.labels.iter().map(place).collect();
        Self {
            code: Some(diagnostic.code),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            message: format!("{} ({})", shown(&diagnostic.message), places.join("; ")),
            help: help(diagnostic),
            source: None,
            labels: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    fn elsewhere(label: &Label) -> Self {
        Self {
            code: None,
            severity: miette::Severity::Advice,
            message: words::printable(&label.words).into_owned(),
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

/// Texts of one line each, as lines.
fn shown(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|l| words::printable(l)).collect();
    lines.join("\n")
}

fn help(diagnostic: &Diagnostic) -> Option<String> {
    (!diagnostic.help.is_empty()).then(|| shown(&diagnostic.help))
}

fn named(label: &Label) -> miette::NamedSource<String> {
    let text: String = drawn(&label.source.text).map(|(_, c)| c).collect();
    miette::NamedSource::new(words::printable(&label.source.path), text)
}

/// The characters of a source as they are drawn, each with the offset of what it stands for: one
/// for one, so that columns are what they are.
fn drawn(text: &str) -> impl Iterator<Item = (usize, char)> {
    let ends_line = |at: usize| text[at..].starts_with("\r\n");
    text.char_indices().map(move |(at, c)| {
        let shown = match c {
            '\n' => c,
            '\r' if ends_line(at) => c,
            _ if words::is_printable(c) => c,
            // Pictures of the control characters (U+2400).
            '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(c),
            '\x7f' => '\u{2421}',
            _ => char::REPLACEMENT_CHARACTER,
        };
        (at, shown)
    })
}

fn span(label: &Label, primary: bool) -> LabeledSpan {
    let text = &label.source.text;
    let offset = |offset: usize| -> usize {
        let before = drawn(text).take_while(|(at, _)| *at < offset);
        before.map(|(_, c)| c.len_utf8()).sum()
    };
    let (start, end) = (offset(label.span.start), offset(label.span.end));
    let end = match end.max(start) {
        long if long - start > LABEL_MAX => start,
        end => end,
    };
    let words = (!label.words.is_empty()).then(|| words::printable(&label.words).into_owned());
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
