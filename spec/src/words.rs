//! Words for people that several parts need: "did you mean", and text out of a
//! file as it may stand in a terminal or in a log.

use std::borrow::Cow;

/// Most candidates that are equally near and named side by side.
const NEAREST: usize = 4;

/// `did you mean …` for the candidate within an edit distance of two (of one for a word of up to four letters), or nothing.
/// Of several that are equally near it is the one that begins like the word; where that does not tell, all of them are
/// named, or none of many: which one is meant is nobody's to guess.
pub fn did_you_mean<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    if word.is_empty() {
        return None;
    }
    let limit = if word.len() < 5 { 1 } else { 2 };
    let near = candidates
        .filter(|c| !two_things(word, c))
        .map(|c| (distance(word, c), usize::MAX - alike(word, c), c))
        .filter(|(d, ..)| *d <= limit);
    let mut near: Vec<(usize, usize, &str)> = near.collect();
    near.sort_unstable();
    near.dedup();
    let (distance, unlike, _) = *near.first()?;
    near.retain(|(d, u, _)| (*d, *u) == (distance, unlike));
    let names: Vec<String> = near.iter().map(|(.., c)| format!("`{c}`")).collect();
    (names.len() <= NEAREST).then(|| format!("did you mean {}?", names.join(" or ")))
}

/// How many characters two words begin with alike.
fn alike(a: &str, b: &str) -> usize {
    let lower = |text: &str| text.to_lowercase();
    let (a, b) = (lower(a), lower(b));
    let same = a.chars().zip(b.chars()).take_while(|(x, y)| x == y);
    same.count()
}

/// Levenshtein distance, case-insensitive, on characters.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    if a.len().abs_diff(b.len()) > 2 || a.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

/// Whether two words have other digits, and not only one more: then they are names of two things.
fn two_things(a: &str, b: &str) -> bool {
    let numbers = |word: &str| -> Vec<Vec<u8>> {
        let runs = word.split(|c: char| !c.is_ascii_digit());
        let sorted = |run: &str| {
            // Two digits that were swapped are a slip of the fingers.
            let mut digits = run.as_bytes().to_vec();
            digits.sort_unstable();
            digits
        };
        runs.filter(|run| !run.is_empty()).map(sorted).collect()
    };
    let (a, b) = (numbers(a), numbers(b));
    let (longer, shorter) = match a.concat().len() > b.concat().len() {
        true => (a.concat(), b.concat()),
        false => (b.concat(), a.concat()),
    };
    let mut rest = longer.iter();
    let within =
        longer.len() > shorter.len() && shorter.iter().all(|d| rest.any(|other| other == d));
    a != b && !within
}

/// Text without what acts on a terminal or hides from a reader: each such character as `\u{1b}`.
/// These are the control characters but for tabs, and the invisible format characters of Unicode
/// (general category Cf: zero width, direction of writing, tags) with both its separators of lines.
pub fn printable(text: &str) -> Cow<'_, str> {
    // Most is plain ASCII.
    let plain = |byte: u8| matches!(byte, b' '..=b'~');
    if text.bytes().all(plain) || text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_printable(c) {
            true => out.push(c),
            false => out.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(out)
}

/// Whether [`printable`] leaves that character as it is.
pub fn is_printable(c: char) -> bool {
    let acts = c.is_control() && c != '\t';
    let hides = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !acts && !hides
}

/// One line of a terminal or of a log, whatever the text says: [`printable`], line breaks included, and no
/// command to a CI service that reads what its jobs print. GitHub's runner obeys `::NAME …::` at the start
/// of a line, blanks aside, and `##[NAME …]` anywhere in it (actions/runner, ActionCommand.cs).
pub fn line(text: &str) -> Cow<'_, str> {
    let mut out = printable(text);
    if out.trim_start().starts_with("::") {
        out = Cow::Owned(out.replacen("::", "\\u{3a}:", 1));
    }
    if out.contains("##[") {
        out = Cow::Owned(out.replace("##[", "#\\u{23}["));
    }
    out
}

/// The same for JSON, which stays the same JSON: what [`line`] would change can stand in strings
/// alone, and is escaped there as JSON escapes.
pub fn json(text: &str) -> Cow<'_, str> {
    // What else is ASCII stands between the strings, or was escaped.
    let raw = |c: char| c == '\x7f' || !c.is_ascii() && !is_printable(c);
    if !text.contains(raw) && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.replace("##[", "#\\u0023[").chars() {
        match raw(c) {
            true => out.extend(
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|u| format!("\\u{u:04x}")),
            ),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_digit_is_another_thing() {
        let near =
            |word: &str| did_you_mean(word, ["psci-1.1", "neoverse-n1", "crc32"].into_iter());
        assert_eq!(
            near("psci-1.1x"),
            Some("did you mean `psci-1.1`?".to_owned())
        );
        assert_eq!(
            near("neoverse-n"),
            Some("did you mean `neoverse-n1`?".to_owned())
        );
        assert_eq!(
            near("neovers-m1"),
            Some("did you mean `neoverse-n1`?".to_owned())
        );
        for other in ["psci-1.2", "neoverse-n2", "crc16", "psci-0.1"] {
            assert_eq!(near(other), None, "{other}");
        }
    }

    #[test]
    fn what_acts_is_shown_and_what_is_read_stays() {
        assert_eq!(
            printable("a\u{1b}[2J\r\n\0"),
            "a\\u{1b}[2J\\u{d}\\u{a}\\u{0}"
        );
        assert_eq!(
            printable("\u{9b}1m\u{7f}\u{202e}\u{feff}\u{2028}"),
            "\\u{9b}1m\\u{7f}\\u{202e}\\u{feff}\\u{2028}"
        );
        for fine in ["", "web-1", "a\tb", "größe 大 🦀 e\u{301}", "C:\\x"] {
            assert!(
                matches!(printable(fine), Cow::Borrowed(same) if same == fine),
                "{fine}"
            );
        }
    }

    #[test]
    fn a_line_commands_nobody() {
        assert_eq!(line("::error file=x::y"), "\\u{3a}:error file=x::y");
        assert_eq!(
            line(" \t\u{a0}::stop-commands::y"),
            " \t\u{a0}\\u{3a}:stop-commands::y"
        );
        assert_eq!(
            line("a ##[group]b##[endgroup]"),
            "a #\\u{23}[group]b#\\u{23}[endgroup]"
        );
        assert_eq!(line("a\n::error::b"), "a\\u{a}::error::b");
        assert_eq!(line("###[x]"), "##\\u{23}[x]");
        assert_eq!(line("see spec::empty ## [x]"), "see spec::empty ## [x]");
    }

    #[test]
    fn json_stays_what_it_says() {
        let value = serde_json::json!({ "a\u{9b}": "##[x] \u{7f}\u{202e}\u{e0041}é\n\u{1b}\\" });
        let text = value.to_string();
        let safe = json(&text);
        assert!(
            safe.chars().all(is_printable) && !safe.contains("##["),
            "{safe}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
        assert!(safe.contains('é'));
        let fine = "{\n  \"a\": 1\n}\n";
        assert!(matches!(json(fine), Cow::Borrowed(same) if same == fine));
    }
}
