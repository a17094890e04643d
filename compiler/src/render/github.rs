//! Findings as workflow commands of GitHub Actions, which shows them on the
//! changed lines of a pull request.

use crate::diagnostic::{Diagnostic, Severity};
use crate::system;
use vmlock_spec::words;

/// GitHub shows this many errors, and as many warnings, of one step.
const SHOWN_MAX: usize = 10;

/// One line for each finding, errors first, and a line that counts them.
pub fn render(found: &[Diagnostic]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let mut sorted: Vec<&Diagnostic> = found.iter().collect();
    sorted.sort_by_key(|d| d.severity == Severity::Warning);
    let mut text: String = sorted.iter().map(|d| line(d)).collect();
    if found.len() > SHOWN_MAX {
        let rest = format!(
            "{} findings; GitHub shows the first {SHOWN_MAX} errors of a step",
            found.len()
        );
        text.push_str(&format!("::notice::{}\n", escape(&rest)));
    }
    text
}

fn line(diagnostic: &Diagnostic) -> String {
    let word = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut properties = Vec::new();
    if let Some(path) = diagnostic.path() {
        properties.push(format!("file={}", escape_property(&system::slashes(path))));
    }
    if let Some(label) = diagnostic.labels.first() {
        let from = label.source.position(label.span.start);
        let to = label.source.position(label.span.end);
        properties.push(format!("line={},endLine={}", from.line, to.line));
        // GitHub takes columns only within one line.
        if from.line == to.line {
            properties.push(format!("col={},endColumn={}", from.column, to.column));
        }
    }
    properties.push(format!("title={}", escape_property(diagnostic.code)));
    let words = [&diagnostic.message[..], &diagnostic.help[..]].concat();
    let message = escape(&words.join("\n"));
    format!("::{word} {}::{message}\n", properties.join(","))
}

/// What would end the command is encoded, as GitHub decodes it; what acts on a terminal is spelt.
fn escape(text: &str) -> String {
    let text = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    words::line(&text).into_owned()
}

fn escape_property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_github_would_misread_is_escaped() {
        let found = Diagnostic::error("spec::syntax", "50%\r\nof \u{1b}[1mit")
            .in_file("a,b:c\n::error::d.kdl")
            .help("::warning::x");
        assert_eq!(
            render(&[found]),
            "::error file=a%2Cb%3Ac%0A%3A%3Aerror%3A%3Ad.kdl,title=spec%3A%3Asyntax::\
             50%25%0D%0Aof \\u{1b}[1mit%0A::warning::x\n"
        );
    }
}
