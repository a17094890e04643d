//! What the resolver has to say, and how bad it is.

/// How bad a complaint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// No lock comes of this.
    Error,
    /// A lock comes of it, and its author should know.
    Warning,
}

/// One thing that the resolver has to say about a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// A stable code, `spec::…`.
    pub code: &'static str,
    /// JSON pointer into the description's JSON form.
    pub place: String,
    /// Other places that take part, each with words.
    pub also: Vec<(String, String)>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether a lock comes of it.
    pub severity: Severity,
}

/// Collects complaints.
#[derive(Default)]
pub(super) struct Complaints(pub(super) Vec<Complaint>);

impl Complaints {
    pub(super) fn error(
        &mut self,
        code: &'static str,
        place: impl Into<String>,
        message: String,
        help: Option<String>,
    ) -> &mut Complaint {
        self.0.push(Complaint {
            code,
            place: place.into(),
            also: Vec::new(),
            message,
            help,
            severity: Severity::Error,
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}
