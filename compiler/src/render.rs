//! How findings and results reach the user: four formats, one place that prints.
//!
//! What is printed holds names and words out of files that somebody else wrote. Each way in and each
//! format escapes them for where they go, so that no command has to think of it.

pub mod github;
pub mod human;
pub mod json;
pub mod sarif;
pub mod terminal;

use crate::diagnostic::{Diagnostic, Severity};
use crate::flags::Format;
use serde_json::{Map, Value};
use std::io::{self, Write};
use vmlock_spec::words;

/// How a run ended: of several ends, the last one of this list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing to complain of.
    Fine,
    /// Nothing is known to differ, and not everything could be compared.
    Unjudged,
    /// The input has findings, or two things differ.
    Findings,
    /// The command line made no sense.
    Usage,
    /// A host cannot keep a lock.
    Refused,
    /// A file is missing or cannot be read or written.
    Environment,
}

impl Exit {
    /// As an exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Environment => 4,
            // git-bisect(1): neither good nor bad.
            Self::Unjudged => 125,
        }
    }
}

/// Collects what a command has to say, and says it at the end in one format.
pub struct Output {
    format: Format,
    exit: Exit,
    found: Vec<Diagnostic>,
    /// Result lines for people.
    text: String,
    /// Remarks for people, after the diagnostics.
    notes: String,
    /// The result for programs.
    object: Map<String, Value>,
    /// Whether that is the whole of it, without the envelope.
    whole: bool,
    /// Whether lines of the result are broken where the reader's terminal ends.
    breaks: bool,
}

impl Output {
    /// Says nothing yet.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            exit: Exit::Fine,
            found: Vec::new(),
            text: String::new(),
            notes: String::new(),
            object: Map::new(),
            whole: false,
            breaks: false,
        }
    }

    /// The result is for reading, and for no file or program: its lines and remarks are broken where a terminal ends.
    pub fn is_for_reading(&mut self) {
        self.breaks = self.format == Format::Human;
    }

    /// The run ends at least this badly.
    pub fn exit(&mut self, exit: Exit) {
        self.exit = self.exit.max(exit);
    }

    /// Whether nothing was wrong so far.
    pub fn is_fine(&self) -> bool {
        self.exit == Exit::Fine
    }

    /// Adds findings; an error makes the exit code 1.
    pub fn findings(&mut self, found: Vec<Diagnostic>) {
        if found.iter().any(|d| d.severity == Severity::Error) {
            self.exit(Exit::Findings);
        }
        self.found.extend(found);
    }

    /// Makes errors of the warnings so far.
    pub fn deny_warnings(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        for diagnostic in &mut found {
            diagnostic.severity = Severity::Error;
        }
        self.findings(found);
    }

    /// Adds a finding that makes the run end that way.
    pub fn fail(&mut self, exit: Exit, diagnostic: Diagnostic) {
        self.exit(exit);
        self.found.push(diagnostic);
    }

    /// Adds one line to the result for people, whatever text of somebody's file is in it.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.text.push_str(&words::line(text.as_ref()));
        self.text.push('\n');
    }

    /// Adds several lines to the result for people.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        for line in lines {
            self.line(line);
        }
    }

    /// Adds a text that is the result itself, byte for byte: what a parser let through has nothing in it that a
    /// reader cannot see, but for line ends.
    pub fn verbatim(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// One like it, for a part of the work that somebody else does.
    pub fn part(&self) -> Self {
        Self::new(self.format)
    }

    /// Adds what a part had to say for people.
    pub fn add(&mut self, part: Self) {
        self.exit(part.exit);
        self.found.extend(part.found);
        self.text.push_str(&part.text);
        self.notes.push_str(&part.notes);
    }

    /// The result for people alone, for who shows it elsewhere.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Whether findings go to a service that shows them on the lines of a file, and results for people nowhere.
    pub fn is_for_services(&self) -> bool {
        matches!(self.format, Format::Github | Format::Sarif)
    }

    /// Adds a remark of one line for people, on stderr.
    pub fn note(&mut self, text: impl AsRef<str>) {
        self.notes.push_str(&words::line(text.as_ref()));
        self.notes.push('\n');
    }

    /// Adds to the result for programs.
    pub fn value(&mut self, key: &str, value: impl Into<Value>) {
        self.object.insert(key.to_owned(), value.into());
    }

    /// Prints what is made of the result for programs in place of that for people; nothing, where there is no result.
    pub fn shown_as(&mut self, made: impl FnOnce(&Value) -> String) {
        self.text.clear();
        if !self.object.is_empty() {
            self.text = made(&Value::Object(std::mem::take(&mut self.object)));
        }
    }

    /// The result for programs, as it is, without the envelope.
    pub fn whole(&mut self, object: Map<String, Value>) {
        self.object = object;
        self.whole = true;
    }

    /// Prints everything, and says how the run ended: what was found stands, whether or not somebody reads it.
    pub fn print(mut self) -> Exit {
        let mut out = String::new();
        let mut err = String::new();
        match self.format {
            Format::Human
            | Format::Html
            | Format::Nfd
            | Format::Kubectl
            | Format::Openstack
            | Format::Nomad
            | Format::Slurm => {
                err.push_str(&human::render(&self.found));
                if self.breaks {
                    let (results, messages) = terminal::columns();
                    self.text = broken(&self.text, results);
                    self.notes = broken(&self.notes, messages);
                }
                match terminal::has_colours(&io::stdout()) {
                    true => out.push_str(&terminal::paint(&self.text)),
                    false => out.push_str(&self.text),
                }
            }
            Format::Json => {
                let mut object = if self.whole {
                    Map::new()
                } else {
                    json::envelope(&self.found)
                };
                object.append(&mut self.object);
                self.notes.clear();
                out.push_str(&pretty(&Value::Object(object)));
            }
            Format::Github => {
                out.push_str(&self.text);
                out.push_str(&github::render(&self.found));
            }
            Format::Sarif => {
                out.push_str(&pretty(&sarif::document(&self.found)));
            }
        }
        err.push_str(&self.notes);
        let exit = told(write(io::stderr(), &err), "messages", self.exit);
        told(write(io::stdout(), &out), "result", exit)
    }
}

/// A line broken where the terminal ends: what follows stands two columns to the right of it.
pub fn hanging(line: &str) -> Vec<String> {
    hung(line, terminal::width())
}

/// Lines of which none that has a blank to be broken at has more columns.
fn broken(text: &str, columns: usize) -> String {
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        match line.chars().count() <= columns {
            true => lines.push_str(line),
            false => lines.push_str(&hung(line, columns).join("\n")),
        }
        lines.push('\n');
    }
    lines
}

fn hung(line: &str, columns: usize) -> Vec<String> {
    let indent = line.len() - line.trim_start().len();
    let mut lines = vec![String::new()];
    let mut width = 0;
    // Blanks that align columns stay.
    for word in line.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if width + length > columns && width > indent + 2 && length > 0 {
            lines.push(" ".repeat(indent + 2));
            width = indent + 2;
        }
        if let Some(last) = lines.last_mut() {
            last.push_str(word);
            width += word.chars().count();
        }
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Lines as they may stand in a terminal or a log.
pub fn plain(text: &str) -> String {
    text.lines()
        .map(|l| format!("{}\n", words::line(l)))
        .collect()
}

/// Writes a text, and all of it.
pub fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}

/// How a run ends whose words were written with this result. A reader that has gone has seen enough
/// (`vmlock explain | head`); any other failure is told, and is an exit code of its own.
pub fn told(result: io::Result<()>, what: &str, exit: Exit) -> Exit {
    match result {
        Ok(()) => exit,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit,
        Err(error) => {
            // Where that cannot be written either, the exit code says it.
            let _ = writeln!(
                io::stderr(),
                "vmlock: the {what} cannot be written: {error}"
            );
            exit.max(Exit::Environment)
        }
    }
}

fn pretty(value: &Value) -> String {
    let mut text = words::json(&format!("{value:#}")).into_owned();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn a_line_is_broken_at_blanks_and_never_within_a_name() {
        let long = "  ID_AA64PFR0_EL1.SVE-of-a-long-name-that-is-one-word  0x1 → 0x0  is gone";
        let text = format!("short\n{long}\n\nlast");
        assert_eq!(broken(&text, usize::MAX), format!("{text}\n"));
        let narrow = broken(&text, 40);
        assert_eq!(
            narrow,
            "short\n  ID_AA64PFR0_EL1.SVE-of-a-long-name-that-is-one-word\n    0x1 → 0x0  is gone\n\nlast\n"
        );
    }
}
