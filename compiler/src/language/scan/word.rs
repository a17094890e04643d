//! Words outside quotes, and what their author meant by them: values that need
//! quotes, quotes that are none, habits of KDL version 1 and of other languages.

use super::{Scanner, ends_word};

/// Words that KDL 2 spells with a `#`.
const KEYWORDS: [&str; 6] = ["true", "false", "null", "inf", "-inf", "nan"];

/// What people and their editors write for `"`.
const OTHER_QUOTES: [char; 9] = ['\'', '`', '“', '”', '„', '‘', '’', '«', '»'];

/// Longest text that a message repeats, in characters.
const SHOWN_CHARS: usize = 100;

impl Scanner<'_> {
    pub(super) fn word(&mut self, start: usize) -> bool {
        if self.quoted(start) {
            return true;
        }
        while self.bytes.get(self.at).is_some_and(|b| !ends_word(*b)) {
            self.at += 1;
        }
        let word = &self.source.text[start..self.at];
        if KEYWORDS.contains(&word) {
            let help = format!("write `#{word}`: since KDL version 2 keywords begin with `#`");
            let message = format!("bare `{word}` is KDL version 1");
            self.report(&message, start..self.at, "a keyword without its `#`", help);
        } else if word == "r" && self.raw_string(start) {
        } else if let Some(equals) = self.property_of_nothing() {
            let message = format!(
                "`{}` stands where a node begins, and a node has no `=`",
                shown(word)
            );
            let help = format!(
                "write `{}` and its value with a blank between them; a property stands in the line of its node, or behind a `\\` at its end",
                shown(word)
            );
            self.report(&message, equals..equals + 1, "this `=`", help);
            self.at = equals + 1;
        } else if let Some(what) = self.glued(start) {
            self.needs_quotes(start, what);
        } else if let Some(size) = bare_size(word) {
            self.report(
                &format!("the size `{word}` stands without quotes"),
                start..self.at,
                "a word cannot begin with a digit",
                format!("write `\"{size}\"`"),
            );
        } else if begins_as_number(word) && !is_number(word) {
            self.needs_quotes(start, "a word cannot begin with a digit");
        } else if let Some(name) = word.strip_suffix(':') {
            self.report(
                &format!("`{}` is no name of a property", shown(word)),
                start..self.at,
                "a colon",
                format!("write `{}=` and the value right behind it", shown(name)),
            );
        }
        true
    }

    /// A path that begins with `/`.
    pub(super) fn path(&mut self, start: usize) -> bool {
        self.at += 1;
        if self.bytes.get(self.at).is_some_and(|b| !ends_word(*b)) {
            self.needs_quotes(start, "a `/` cannot stand in a word");
        }
        true
    }

    /// Values stand with blanks between them.
    pub(super) fn comma(&mut self, start: usize) -> bool {
        self.at += 1;
        self.report(
            "a comma means nothing here",
            start..self.at,
            "this comma",
            "values are separated by blanks; one with a comma in it stands in quotes",
        );
        true
    }

    /// Holds a string apart from what follows it.
    pub(super) fn apart(&mut self) -> bool {
        let next = self.bytes.get(self.at).copied();
        if next.is_some_and(|b| !ends_word(b) || b == b'"') {
            self.report(
                "a string ends in the middle of a word",
                self.at - 1..self.at,
                "it ends here",
                "put a blank behind it; a quote that is part of a string is written `\\\"`",
            );
            // What is left of the word has been told of; another string has not.
            while self.bytes.get(self.at).is_some_and(|b| !ends_word(*b)) {
                self.at += 1;
            }
        }
        true
    }

    /// Where the `=` stands behind a word that begins a node.
    fn property_of_nothing(&self) -> Option<usize> {
        let rest = &self.bytes[self.at..];
        let blanks = rest.iter().take_while(|b| b" \t".contains(b)).count();
        (self.begins && rest.get(blanks) == Some(&b'=')).then_some(self.at + blanks)
    }

    /// What follows a word without a blank, and cannot be part of it.
    fn glued(&self, start: usize) -> Option<&'static str> {
        let next = |n: usize| self.bytes.get(self.at + n).copied();
        let before = self.bytes[..start].trim_ascii_end().last();
        let blank = |b: Option<u8>| b.is_none_or(|b| b.is_ascii_whitespace());
        match next(0)? {
            b'/' if !matches!(next(1), Some(b'/' | b'*' | b'-')) => {
                Some("a `/` cannot stand in a word")
            }
            b'\\' if !blank(next(1)) => Some("a `\\` cannot stand in a word"),
            b'=' if before == Some(&b'=') => Some("a `=` cannot stand in a word"),
            b'[' | b']' => Some("brackets cannot stand in a word"),
            b'"' | b'#' => Some("quotes and `#` cannot stand in a word"),
            _ => None,
        }
    }

    /// Reports everything up to the next blank as a value that needs quotes, and goes on behind it.
    fn needs_quotes(&mut self, start: usize, why: &str) {
        let ends = |b: &u8| b.is_ascii_whitespace() || b";{}\"".contains(b);
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
        let text = shown(&self.source.text[start..self.at]);
        let written = text.replace('\\', "\\\\");
        self.report(
            &format!("`{text}` stands without quotes"),
            start..self.at,
            why,
            format!("write `\"{written}\"`"),
        );
    }

    /// A word that begins with a quote which KDL does not know, up to its end in that line; says
    /// whether it is one.
    fn quoted(&mut self, start: usize) -> bool {
        let line = self.source.text[start..].lines().next().unwrap_or("");
        let Some(quote) = line.chars().next().filter(|c| OTHER_QUOTES.contains(c)) else {
            return false;
        };
        let inner = &line[quote.len_utf8()..];
        let end = inner.find(|c| OTHER_QUOTES.contains(&c));
        let (text, closing) = match end.and_then(|end| Some((end, inner[end..].chars().next()?))) {
            Some((end, closing)) => (&inner[..end], closing.len_utf8()),
            None => (inner.split([' ', ';', '{', '}']).next().unwrap_or(""), 0),
        };
        self.at = start + quote.len_utf8() + text.len() + closing;
        self.report(
            &format!("`{quote}` is no quote of KDL"),
            start..self.at,
            "these quotes would be part of the value",
            format!("write `\"{}\"`", shown(text)),
        );
        true
    }

    /// `r"…"` and `r#"…"#` of KDL version 1; says whether it is one.
    fn raw_string(&mut self, start: usize) -> bool {
        let rest = &self.bytes[self.at..];
        let hashes = rest.iter().take_while(|b| **b == b'#').count();
        if rest.get(hashes) != Some(&b'"') {
            return false;
        }
        self.report(
            "`r\"…\"` is a raw string of KDL version 1",
            start..self.at + hashes + 1,
            "a raw string begins with `#\"` now",
            "write `#\"…\"#`, without the `r`",
        );
        // Skip the string as version 1 meant it: backslashes are plain.
        self.at += hashes + 1;
        let mut end = vec![b'"'];
        end.resize(1 + hashes, b'#');
        while self.at < self.bytes.len() && !self.rest().starts_with(&end) {
            self.at += 1;
        }
        self.at = (self.at + end.len()).min(self.bytes.len());
        true
    }
}

/// A text as a message can hold it.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The size that a word such as `512MiB` or `2G` means; hex numbers are none.
fn bare_size(word: &str) -> Option<String> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = word.split_at(digits);
    let mut letters = unit.chars();
    let letter = letters.next()?.to_ascii_uppercase();
    let known = matches!(
        letters.as_str().to_ascii_lowercase().as_str(),
        "" | "b" | "ib"
    );
    (digits > 0 && "KMGT".contains(letter) && known).then(|| format!("{number}{letter}iB"))
}

/// Whether KDL reads a number, or nothing.
fn begins_as_number(word: &str) -> bool {
    let unsigned = word.trim_start_matches(['+', '-']);
    let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
    word.len() - unsigned.len() <= 1 && digits.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a word is a number of KDL: `17`, `1_000`, `-1.5e3`, `0x1f`, `0o17`, `0b11`.
fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let run = |text: &str, radix: u32| {
        text.starts_with(|c: char| c.is_digit(radix))
            && text.chars().all(|c| c.is_digit(radix) || c == '_')
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = unsigned.strip_prefix(prefix) {
            return run(digits, radix);
        }
    }
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent = exponent.is_none_or(|e| run(e.strip_prefix(['+', '-']).unwrap_or(e), 10));
    let (whole, part) = match number.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (number, None),
    };
    exponent && run(whole, 10) && part.is_none_or(|part| run(part, 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_kdl() {
        for number in [
            "0", "17", "+1_000", "-1.5e3", "1e-9", "0x1F_ff", "0o17", "0b10", "1.0E+2",
        ] {
            assert!(begins_as_number(number) && is_number(number), "{number}");
        }
        for word in [
            "6.8.0-9", "1.", "1.x", "0x", "0xg", "0b2", "1e", "512é", "1_a", "2nd", ".5",
        ] {
            assert!(begins_as_number(word) && !is_number(word), "{word}");
        }
        for word in ["kvm-6.8", "a1", "-a", "--1", ".x", "-.x", "", "+"] {
            assert!(!begins_as_number(word), "{word}");
        }
    }
}
