//! One finding about a user's file: a code, what is wrong, where, and what to do.
//!
//! Rendering is elsewhere (`render/`); codes are explained in `codes.rs`.

use crate::location::{Places, Source};
use std::ops::Range;
use std::sync::Arc;
use vmlock_spec::words::did_you_mean;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// Worth a word; the work goes on.
    Warning,
}

/// A span of a source, and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub source: Arc<Source>,
    pub span: Range<usize>,
    pub words: String,
}

/// One finding. The first label is the place it is about. Every text is one line: a line break in
/// it is a name's, and is shown as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub severity: Severity,
    /// What is wrong, and then its details: a line each.
    pub message: Vec<String>,
    pub labels: Vec<Label>,
    /// What to do, a line each.
    pub help: Vec<String>,
    /// The file it is about, where there is no text to point into.
    pub file: Option<String>,
}

impl Diagnostic {
    /// An error that does not point anywhere yet.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: vec![message.into()],
            labels: Vec::new(),
            help: Vec::new(),
            file: None,
        }
    }

    /// Points at a span; the first one is the place that the finding is about.
    pub fn at(
        mut self,
        source: &Arc<Source>,
        span: Range<usize>,
        words: impl Into<String>,
    ) -> Self {
        self.labels.push(Label {
            source: Arc::clone(source),
            span,
            words: words.into(),
        });
        self
    }

    /// Adds a line to the message.
    pub fn detail(mut self, words: impl Into<String>) -> Self {
        self.message.push(words.into());
        self
    }

    /// Says what to do, or what else.
    pub fn help(mut self, words: impl Into<String>) -> Self {
        self.help.push(words.into());
        self
    }

    /// Names a file that has no text to point into.
    pub fn in_file(mut self, path: impl Into<String>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// The file that the finding is about.
    pub fn path(&self) -> Option<&str> {
        let label = self.labels.first().map(|l| l.source.path.as_str());
        label.or(self.file.as_deref())
    }

    /// A complaint of the resolver, with its places turned into spans.
    pub fn of_complaint(complaint: &vmlock_spec::resolve::Complaint, places: &Places) -> Self {
        use vmlock_spec::resolve::Severity as Theirs;
        let source = places.source();
        let mut labels = vec![Label {
            source: Arc::clone(source),
            span: places.find(&complaint.place),
            words: if complaint.also.is_empty() {
                String::new()
            } else {
                "here".to_owned()
            },
        }];
        labels.extend(complaint.also.iter().map(|(place, words)| Label {
            source: Arc::clone(source),
            span: places.find(place),
            words: words.clone(),
        }));
        Self {
            code: complaint.code,
            severity: match complaint.severity {
                Theirs::Error => Severity::Error,
                Theirs::Warning => Severity::Warning,
            },
            message: vec![complaint.message.clone()],
            labels,
            help: complaint.help.iter().cloned().collect(),
            file: None,
        }
    }
}

/// `did you mean …?`, or the list of what there is.
pub fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    did_you_mean(word, known.clone().into_iter()).unwrap_or_else(|| {
        let names: Vec<String> = known.into_iter().map(|n| format!("`{n}`")).collect();
        match names.as_slice() {
            [one] => format!("there is only {one}"),
            _ => format!("there are {}", join(&names)),
        }
    })
}

/// `a, b and c`.
pub fn join(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_near_or_lists_all() {
        assert_eq!(suggest("cpus", ["abi", "cpu"]), "did you mean `cpu`?");
        assert_eq!(
            suggest("xyz", ["abi", "cpu", "vary"]),
            "there are `abi`, `cpu` and `vary`"
        );
        assert_eq!(suggest("xyz", ["16550"]), "there is only `16550`");
    }
}
