//! A first look at KDL text, before the parser sees it.
//!
//! It knows only strings, comments, braces and words, and that is enough to
//! refuse what the parser cannot survive (deep nesting overflows its stack and
//! ends the process), to say plainly what it would say in five messages (a brace
//! that is never closed), and to recognise habits of KDL version 1.

use crate::diagnostic::Diagnostic;
use crate::location::Source;
use std::ops::Range;
use std::rc::Rc;

/// Deepest nesting of blocks or of comments that is parsed; a description needs 3.
pub const DEPTH_MAX: usize = 32;

/// Most words and strings in a file. A description has some 40, a catalogue file a few thousand.
pub const WORDS_MAX: usize = 20_000;

/// Longest word outside quotes, in bytes.
const WORD_BYTES_MAX: usize = 1024;

/// Most `/-` in a row: the parser recurses into each.
const SLASHDASHES_MAX: usize = 8;

/// Words that KDL 2 spells with a `#`.
const KEYWORDS: [&str; 6] = ["true", "false", "null", "inf", "-inf", "nan"];

/// What is wrong with the text as text, in order.
pub fn scan(source: &Rc<Source>) -> Vec<Diagnostic> {
    let mut scanner = Scanner {
        source,
        bytes: source.text.as_bytes(),
        at: 0,
        open: Vec::new(),
        words: 0,
        slashdashes: 0,
        found: Vec::new(),
    };
    scanner.run();
    scanner.found
}

struct Scanner<'a> {
    source: &'a Rc<Source>,
    bytes: &'a [u8],
    at: usize,
    open: Vec<usize>,
    words: usize,
    slashdashes: usize,
    found: Vec<Diagnostic>,
}

impl Scanner<'_> {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn report(&mut self, message: &str, span: Range<usize>, words: &str, help: impl Into<String>) {
        self.found.push(
            Diagnostic::error("spec::syntax", message)
                .at(self.source, span, words)
                .help(help),
        );
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() {
            let start = self.at;
            let goes_on = match self.bytes[self.at] {
                b'/' if self.rest().starts_with(b"//") => self.line_comment(),
                b'/' if self.rest().starts_with(b"/*") => self.block_comment(),
                b'/' if self.rest().starts_with(b"/-") => self.slashdash(start),
                b'"' => self.counted(start) && self.string(start),
                b'#' => self.counted(start) && self.hash(start),
                b'{' => {
                    self.at += 1;
                    self.open.push(start);
                    self.depth(start)
                }
                b'}' => {
                    self.at += 1;
                    if self.open.pop().is_none() {
                        self.report(
                            "this `}` closes nothing",
                            start..start + 1,
                            "no block is open here",
                            "remove it, or open a block with `{` before it",
                        );
                    }
                    true
                }
                b'=' => {
                    self.at += 1;
                    self.value_follows(start);
                    self.counted(start)
                }
                b'(' | b')' | b'[' | b']' | b'\\' => {
                    self.at += 1;
                    self.counted(start)
                }
                byte if ends_word(byte) => {
                    self.at += 1;
                    true
                }
                _ => self.counted(start) && self.word(start),
            } && self.short(start);
            if !goes_on {
                return;
            }
        }
        // The innermost one is where the author looks; the others follow from it.
        if let Some(at) = self.open.pop() {
            self.report(
                "this `{` is never closed",
                at..at + 1,
                "the block that opens here",
                "add a `}` where the block ends",
            );
        }
    }

    /// Counts a word or a string; says whether the file may go on.
    fn counted(&mut self, at: usize) -> bool {
        self.slashdashes = 0;
        self.words += 1;
        if self.words <= WORDS_MAX {
            return true;
        }
        self.found.push(
            Diagnostic::error(
                "spec::too-large",
                format!("this file has more than {WORDS_MAX} words"),
            )
            .at(self.source, at..at + 1, "one too many")
            .help("a description has some 40 words; is this the right file?"),
        );
        false
    }

    /// Refuses a word that no name can be; what lies in quotes or comments may be long.
    fn short(&mut self, start: usize) -> bool {
        let quoted = self.bytes[start..self.at]
            .iter()
            .any(|b| b"\"/".contains(b));
        if quoted || self.at - start <= WORD_BYTES_MAX {
            return true;
        }
        self.report(
            &format!("a word of {} bytes", self.at - start),
            start..start,
            "begins here",
            "look for quotes or spaces that are missing",
        );
        false
    }

    fn slashdash(&mut self, at: usize) -> bool {
        self.at += 2;
        self.slashdashes += 1;
        if self.slashdashes > SLASHDASHES_MAX {
            self.report(
                &format!("more than {SLASHDASHES_MAX} `/-` in a row"),
                at..at + 2,
                "one too many",
                "each takes out what follows it; one is enough",
            );
            return false;
        }
        true
    }

    /// The parser would point at the whole node.
    fn value_follows(&mut self, at: usize) {
        let blank = |b: &&u8| matches!(b, b' ' | b'\t');
        let next = self.rest().iter().find(|b| !blank(b));
        if matches!(next, None | Some(b'\n' | b'\r' | b';' | b'{' | b'}')) {
            self.report(
                "this `=` has no value",
                at..at + 1,
                "nothing follows",
                "write the value right behind it, or remove the property",
            );
        }
    }

    fn depth(&mut self, at: usize) -> bool {
        if self.open.len() <= DEPTH_MAX {
            return true;
        }
        self.report(
            &format!("blocks are nested more than {DEPTH_MAX} deep"),
            at..at + 1,
            "one block too many",
            "a description needs three levels; look for a `}` that is missing further up",
        );
        false
    }

    fn line_comment(&mut self) -> bool {
        let end = self.rest().iter().position(|b| *b == b'\n');
        self.at = end.map_or(self.bytes.len(), |n| self.at + n);
        true
    }

    fn block_comment(&mut self) -> bool {
        let start = self.at;
        let mut depth = 0;
        while self.at < self.bytes.len() {
            if self.rest().starts_with(b"/*") {
                depth += 1;
                self.at += 2;
                if depth > DEPTH_MAX {
                    self.report(
                        &format!("comments are nested more than {DEPTH_MAX} deep"),
                        start..start + 2,
                        "the comment that opens here",
                        "close it with `*/`",
                    );
                    return false;
                }
            } else if self.rest().starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return true;
                }
            } else {
                self.at += 1;
            }
        }
        self.report(
            "this comment is never closed",
            start..start + 2,
            "the comment that opens here",
            "add `*/` where it ends",
        );
        false
    }

    /// A quoted string, of one line or (`"""`) of many.
    fn string(&mut self, start: usize) -> bool {
        let many = self.rest().starts_with(b"\"\"\"");
        let quote: &[u8] = if many { b"\"\"\"" } else { b"\"" };
        self.at += quote.len();
        while self.at < self.bytes.len() {
            if self.rest().starts_with(quote) {
                self.at += quote.len();
                return true;
            }
            match self.bytes[self.at] {
                b'\\' => {
                    self.at += 1;
                    // An escaped line break takes the white space around it along.
                    let blank = |b: &&u8| b" \t\r\n".contains(b);
                    let blanks = self.rest().iter().take_while(blank).count();
                    self.at += blanks.max(1);
                }
                b'\n' if !many => break,
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        self.unclosed(start, quote.len());
        false
    }

    fn unclosed(&mut self, start: usize, quotes: usize) {
        self.report(
            "this string is never closed",
            start..start + quotes,
            "the string that opens here",
            "close it with the same quotes; text over several lines stands between `\"\"\"`",
        );
    }

    /// `#true`, or a raw string `#"…"#`.
    fn hash(&mut self, start: usize) -> bool {
        let hashes = self.rest().iter().take_while(|b| **b == b'#').count();
        if self.bytes.get(start + hashes) != Some(&b'"') {
            self.at += hashes;
            // The keyword itself must not look like a bare one.
            while self.bytes.get(self.at).is_some_and(|b| !ends_word(*b)) {
                self.at += 1;
            }
            return true;
        }
        let many = self.bytes[start + hashes..].starts_with(b"\"\"\"");
        let quotes = if many { 3 } else { 1 };
        let mut end = vec![b'"'; quotes];
        end.resize(quotes + hashes, b'#');
        self.at += hashes + quotes;
        while self.at < self.bytes.len() && (many || self.bytes[self.at] != b'\n') {
            if self.rest().starts_with(&end) {
                self.at += end.len();
                return true;
            }
            self.at += 1;
        }
        self.unclosed(start, hashes + quotes);
        false
    }

    fn word(&mut self, start: usize) -> bool {
        while self.bytes.get(self.at).is_some_and(|b| !ends_word(*b)) {
            self.at += 1;
        }
        let word = &self.source.text[start..self.at];
        if KEYWORDS.contains(&word) {
            let help = format!("write `#{word}`: since KDL version 2 keywords begin with `#`");
            let span = start..self.at;
            self.report(
                &format!("bare `{word}` is KDL version 1"),
                span,
                "a keyword without its `#`",
                help,
            );
        } else if let Some(size) = bare_size(word) {
            self.report(
                &format!("the size `{word}` stands without quotes"),
                start..self.at,
                "a word cannot begin with a digit",
                format!("write `\"{size}\"`"),
            );
        } else if word == "r" && matches!(self.bytes.get(self.at), Some(b'"' | b'#')) {
            let hashes = self.rest().iter().take_while(|b| **b == b'#').count();
            if self.bytes.get(self.at + hashes) == Some(&b'"') {
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
            }
        }
        true
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

/// Whether a byte cannot be part of a bare word. Bytes of multi-byte characters can.
fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"#{}()[]/\\=;,".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let source = Rc::new(Source {
            path: "x".into(),
            text: text.into(),
        });
        scan(&source).into_iter().flat_map(|d| d.message).collect()
    }

    #[test]
    fn braces_in_strings_and_comments_do_not_count() {
        for text in [
            r##"a "{" { b #"{"# } // {"##,
            "a /* { /* } */ { */ { }",
            "a \"\"\"\n  {\"\n  \"\"\"",
            "a ##\"{\"#\"##",
            r#"a "\"{""#,
            "a \"x \\\n   y{\"",
            "true-ish inflow #true a=#false",
        ] {
            assert_eq!(messages(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_is_open_is_found() {
        assert_eq!(messages("a { b {"), ["this `{` is never closed"]);
        assert_eq!(messages("}"), ["this `}` closes nothing"]);
        assert_eq!(messages("a \"b\nc"), ["this string is never closed"]);
        assert_eq!(messages("a #\"b\""), ["this string is never closed"]);
        assert_eq!(messages("/* /* */"), ["this comment is never closed"]);
        assert_eq!(messages("a \"\\"), ["this string is never closed"]);
        assert_eq!(messages("a b=\nc d= {}"), ["this `=` has no value"; 2]);
        assert_eq!(messages("a b= 1 c=\\\n  2"), Vec::<String>::new());
    }

    #[test]
    fn version_1_is_recognised() {
        assert_eq!(messages("a true b=null").len(), 2);
        assert_eq!(messages(r##"a r#"{"#"##).len(), 1);
        assert_eq!(messages(r#"a r"\" b"#).len(), 1);
    }

    #[test]
    fn a_size_without_quotes_is_recognised() {
        assert_eq!(
            messages("memory 512MiB"),
            ["the size `512MiB` stands without quotes"]
        );
        assert_eq!(
            messages("memory 2g"),
            ["the size `2g` stands without quotes"]
        );
        assert_eq!(messages("a 0x1b 1_000 10e3 512é"), Vec::<String>::new());
    }

    #[test]
    fn what_the_parser_cannot_bear_is_limited() {
        assert_eq!(messages(&"/- ".repeat(SLASHDASHES_MAX + 1)).len(), 1);
        assert_eq!(messages(&"/- a\n".repeat(100)).len(), 0);
        assert_eq!(messages(&"a;".repeat(WORDS_MAX)).len(), 0);
        assert_eq!(messages(&"a;".repeat(WORDS_MAX + 1)).len(), 1);
    }

    #[test]
    fn nesting_is_limited_exactly() {
        let nested = |n: usize| format!("{}{}", "a {".repeat(n), "}".repeat(n));
        assert!(messages(&nested(DEPTH_MAX)).is_empty());
        assert_eq!(messages(&nested(DEPTH_MAX + 1)).len(), 1);
        assert_eq!(messages(&"{".repeat(1_000_000)).len(), 1);
        assert_eq!(messages(&"/*".repeat(500_000)).len(), 1);
    }
}
