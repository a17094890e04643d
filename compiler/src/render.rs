//! How findings and results reach the user: four formats, one place that prints.

pub mod github;
pub mod human;
pub mod json;
pub mod sarif;

use crate::diagnostic::{Diagnostic, Severity};
use crate::flags::Format;
use serde_json::{Map, Value};
use std::io::{self, Write};

/// How a run ended, as an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing to complain of.
    Fine = 0,
    /// The input has findings, or two things differ.
    Findings = 1,
    /// The command line made no sense.
    Usage = 2,
    /// A host cannot keep a lock.
    Refused = 3,
    /// A file is missing or cannot be read or written.
    Environment = 4,
}

/// Collects what a command has to say, and says it at the end in one format.
pub struct Output {
    format: Format,
    exit: Exit,
    found: Vec<Diagnostic>,
    /// Result lines for people.
    text: String,
    /// Remarks for people, after the diagnostics.
    notes: Vec<String>,
    /// The result for programs.
    object: Map<String, Value>,
    /// Whether that is the whole of it, without the envelope.
    whole: bool,
}

impl Output {
    /// Says nothing yet.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            exit: Exit::Fine,
            found: Vec::new(),
            text: String::new(),
            notes: Vec::new(),
            object: Map::new(),
            whole: false,
        }
    }

    /// The run ends at least this badly.
    pub fn exit(&mut self, exit: Exit) {
        self.exit = self.exit.max(exit);
    }

    /// Adds findings; an error makes the exit code 1.
    pub fn findings(&mut self, found: Vec<Diagnostic>) {
        if found.iter().any(|d| d.severity == Severity::Error) {
            self.exit(Exit::Findings);
        }
        self.found.extend(found);
    }

    /// Adds a finding that makes the run end that way.
    pub fn fail(&mut self, exit: Exit, diagnostic: Diagnostic) {
        self.exit(exit);
        self.found.push(diagnostic);
    }

    /// Adds a line to the result for people.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.text.push_str(text.as_ref());
        self.text.push('\n');
    }

    /// Adds a remark for people, on stderr.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Adds to the result for programs.
    pub fn value(&mut self, key: &str, value: impl Into<Value>) {
        self.object.insert(key.to_owned(), value.into());
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
            Format::Human => {
                err.push_str(&human::render(&self.found));
                out.push_str(&self.text);
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
        for note in &self.notes {
            err.push_str(note);
            err.push('\n');
        }
        let exit = told(write(io::stderr(), &err), "messages", self.exit);
        told(write(io::stdout(), &out), "result", exit)
    }
}

fn write(mut to: impl Write, text: &str) -> io::Result<()> {
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
    let mut text = format!("{value:#}");
    text.push('\n');
    text
}
