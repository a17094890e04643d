//! What keeps a text from being JSON, in words: habits of other languages, and what is missing at its end.

use crate::diagnostic::Diagnostic;
use crate::location::Source;
use std::ops::Range;
use std::sync::Arc;

/// The finding on a text that is no JSON: `at` is where its reader stopped, and `words` is what that says.
pub fn wrong(source: &Arc<Source>, at: usize, words: &str) -> Diagnostic {
    let text = source.text.as_str();
    let found = |message: String, span: Range<usize>, label: &str, help: &str| {
        Diagnostic::error("spec::json", message)
            .at(source, span, label)
            .help(help)
    };
    if text.starts_with('\u{feff}') {
        let words = "the file begins with a byte order mark, which JSON has not".to_owned();
        return found(words, at..at, "here", "save it as UTF-8 without one");
    }
    if text.trim().is_empty() {
        let help = "`vmlock init` writes a first description, and `vmlock convert` its JSON form";
        return found("the file is empty".to_owned(), 0..0, "here", help);
    }
    let begins = text.trim_start();
    let start = text.len() - begins.len();
    if begins.starts_with("vm ") || begins.starts_with("vm\t") || begins.starts_with("/-") {
        let help = "call the file NAME.vm.kdl; `vmlock convert NAME.vm.kdl` prints its JSON form";
        return found(
            "this is KDL, not JSON".to_owned(),
            start..start + 2,
            "it begins here",
            help,
        );
    }
    let first = begins.lines().next().unwrap_or("");
    if begins.starts_with(|c: char| c.is_alphabetic() || c == '-') && first.contains(": ") {
        let help = "a description is NAME.vm.kdl, or its JSON form; `vmlock lock --help` shows a whole one";
        return found(
            "this is YAML, not JSON".to_owned(),
            start..start + first.len(),
            "it begins here",
            help,
        );
    }
    // The reader stops behind what it did not expect, or at it.
    let at = at.min(text.len());
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let within = text[..at].len() - text[..at].trim_end_matches(word).len();
    // Of a word that it took for `true` or `null` it has read a part.
    let at = match words.starts_with("expected ident") {
        true => at - within,
        false => at,
    };
    let here = text[at..].len() - text[at..].trim_start().len() + at;
    let before = text[..here].trim_end();
    let rest = &text[here..];
    let next = rest.chars().next();
    let one = |at: usize| at..at + text[at..].chars().next().map_or(0, char::len_utf8);
    if before.ends_with(',') && matches!(next, Some('}' | ']')) {
        let comma = before.len() - 1;
        return found(
            "a comma stands before nothing".to_owned(),
            comma..comma + 1,
            "this comma",
            "remove it: commas stand between values",
        );
    }
    if rest.starts_with("//") || rest.starts_with("/*") || next == Some('#') {
        let help = "remove it; `\"description\"` says what a machine is for, and KDL has comments (`vmlock convert`)";
        return found(
            "JSON has no comments".to_owned(),
            one(here),
            "this comment",
            help,
        );
    }
    if words.starts_with("EOF") {
        let end = text.trim_end().len();
        let (message, help) = match words {
            w if w.contains("string") => (
                "the file ends within a string",
                "add a `\"` where the string ends, and what is missing behind it",
            ),
            w if w.contains("list") => (
                "the file ends within a list",
                "add a `]` where the list ends, and what is missing behind it",
            ),
            _ => (
                "the file ends within an object",
                "add a `}` where the object ends",
            ),
        };
        return found(message.to_owned(), end..end, "here", help);
    }
    if words.starts_with("control character") {
        return found(
            "a string goes over the end of its line".to_owned(),
            one(at.min(here)),
            "in this string",
            "close it with a `\"`; a line break within a text is written `\\n`",
        );
    }
    if let Some(quote @ ('\'' | '“' | '”' | '‘' | '’' | '`')) = next {
        let inner = &rest[quote.len_utf8()..];
        let end = inner
            .find(['\'', '“', '”', '‘', '’', '`', '\n'])
            .unwrap_or(inner.len());
        let help = format!("write `\"{}\"`", inner[..end].trim_end());
        return found(
            format!("`{quote}` is no quote of JSON"),
            one(here),
            "this quote",
            &help,
        );
    }
    if next.is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$') {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "_-.$".contains(c)));
        let word = &rest[..end.unwrap_or(rest.len())];
        let key = rest[word.len()..].trim_start().starts_with(':');
        let span = here..here + word.len();
        let (message, help) = match (word.to_ascii_lowercase().as_str(), key) {
            (_, true) => (
                format!("`{word}` stands without quotes"),
                format!("write `\"{word}\"`"),
            ),
            (truth @ ("true" | "false" | "null"), _) => (
                format!("`{word}` is no value of JSON"),
                format!("write `{truth}`"),
            ),
            ("yes" | "on", _) => (
                format!("`{word}` is no value of JSON"),
                "write `true`".to_owned(),
            ),
            ("no" | "off", _) => (
                format!("`{word}` is no value of JSON"),
                "write `false`".to_owned(),
            ),
            ("none" | "nil" | "undefined" | "nan" | "infinity", _) => (
                format!("`{word}` is no value of JSON"),
                "leave the key out: what is not written is not there".to_owned(),
            ),
            _ if words.starts_with("expected `,`") || words.starts_with("trailing") => (
                format!("`{word}` stands where nothing can stand"),
                "remove it, or put a comma before it and quotes around it".to_owned(),
            ),
            _ => (
                format!("`{word}` stands without quotes"),
                format!("write `\"{word}\"`"),
            ),
        };
        return found(message, span, "this word", &help);
    }
    if words.starts_with("expected `,`") && matches!(next, Some('"' | '{' | '[')) {
        let end = before.len();
        return found(
            "a comma is missing".to_owned(),
            end..end,
            "behind this value",
            "put a `,` between the two",
        );
    }
    if words.starts_with("trailing characters") {
        return found(
            "something stands behind the end".to_owned(),
            one(here),
            "the object has ended before",
            "remove it, or look for a bracket too many",
        );
    }
    if words.starts_with("invalid number") {
        return found(
            "this is no number of JSON".to_owned(),
            at..at,
            "here",
            "numbers are decimal, without a `0` or a `+` in front",
        );
    }
    let met = match words {
        w if w.contains("escape") || w.contains("unicode") => {
            "a `\\` begins nothing here that JSON has"
        }
        "number out of range" => "this number is larger than any that JSON has here",
        "recursion limit exceeded" => "lists and objects lie too deep in each other",
        "key must be a string" => "a key stands in quotes",
        "expected `:`" => "a `:` is missing between a key and its value",
        w if w.starts_with("expected `,`") => "a comma or the closing bracket is missing",
        "expected value" => "a value is missing, or something else stands in its place",
        _ => "this is no JSON",
    };
    found(
        met.to_owned(),
        at..at,
        "here",
        "`vmlock convert NAME.vm.kdl` prints the JSON form of a description, as it has to be",
    )
}
