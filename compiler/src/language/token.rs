//! KDL text that parses, cut into what is kept byte for byte (words, strings, comments, signs) and the gaps between,
//! which are all that a layout changes.

use std::ops::Range;

/// What stands between two gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name, number, keyword or string of any kind.
    Word,
    /// `(` of a type annotation.
    OpenType,
    /// `)` of a type annotation.
    CloseType,
    /// `=` between a property's name and value.
    Equals,
    /// `{`
    Open,
    /// `}`
    Close,
    /// `/-`
    Slashdash,
    /// `// …`, without its end of line and the blanks before that.
    LineComment,
    /// `/* … */`
    BlockComment,
    /// The byte order mark at the beginning of a file.
    Mark,
}

/// What stands between a token and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Ends of lines, but for those that a `\` takes back.
    pub lines: usize,
    /// A `;`.
    pub semicolon: bool,
    /// A `\`.
    pub continued: bool,
}

impl Gap {
    /// Whether a node that stands before it is over.
    pub fn ends_node(self) -> bool {
        self.lines > 0 || self.semicolon
    }
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub span: Range<usize>,
    pub before: Gap,
    /// A comment behind a `\` whose line end is still to come: its node goes on behind it.
    pub held: bool,
}

/// The tokens of a text. In one that does not parse, a string of one line that is not closed ends with its line.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut cutter = Cutter {
        text,
        at: 0,
        gap: Gap::default(),
        held: false,
        tokens: Vec::new(),
    };
    while cutter.at < text.len() {
        cutter.next();
    }
    cutter.tokens
}

/// The length of the end of a line that a text begins with (KDL 2.0.0, "Newline"); 0 where it begins with none.
pub fn newline(text: &str) -> usize {
    if text.starts_with("\r\n") {
        return 2;
    }
    match text.chars().next() {
        Some(c @ ('\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')) => {
            c.len_utf8()
        }
        _ => 0,
    }
}

/// The bytes of a text before the first end of a line.
fn line_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |at: &usize| match bytes[*at] {
        b'\n' | b'\r' | 0xb | 0xc => true,
        // U+0085, U+2028 and U+2029.
        0xc2 => bytes.get(at + 1) == Some(&0x85),
        0xe2 => matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xa8 | 0xa9])),
        _ => false,
    };
    (0..bytes.len()).find(ends).unwrap_or(bytes.len())
}

/// White space within a line (KDL 2.0.0, "Whitespace").
fn blank(c: char) -> bool {
    matches!(
        c,
        '\t' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

struct Cutter<'a> {
    text: &'a str,
    at: usize,
    gap: Gap,
    /// Whether the next end of a line is taken back.
    held: bool,
    tokens: Vec<Token>,
}

impl Cutter<'_> {
    fn next(&mut self) {
        let rest = &self.text[self.at..];
        let line = newline(rest);
        if line > 0 {
            self.at += line;
            match std::mem::take(&mut self.held) {
                true => {}
                false => self.gap.lines += 1,
            }
            return;
        }
        let first = rest.chars().next().unwrap_or(' ');
        match first {
            _ if blank(first) => self.at += first.len_utf8(),
            ';' => {
                self.gap.semicolon = true;
                self.at += 1;
            }
            '\\' => {
                self.gap.continued = true;
                self.held = true;
                self.at += 1;
            }
            '\u{feff}' => self.token(Kind::Mark, first.len_utf8()),
            '{' => self.token(Kind::Open, 1),
            '}' => self.token(Kind::Close, 1),
            '(' => self.token(Kind::OpenType, 1),
            ')' => self.token(Kind::CloseType, 1),
            '=' => self.token(Kind::Equals, 1),
            '/' if rest.starts_with("//") => {
                let comment = &rest[..line_length(rest)];
                self.token(Kind::LineComment, comment.trim_end_matches(blank).len());
            }
            '/' if rest.starts_with("/*") => self.token(Kind::BlockComment, block_comment(rest)),
            '/' if rest.starts_with("/-") => self.token(Kind::Slashdash, 2),
            _ => self.token(Kind::Word, word(rest)),
        }
    }

    fn token(&mut self, kind: Kind, length: usize) {
        let start = self.at;
        // Never empty, and never behind the end: a text that does not parse ends here as well.
        self.at = (start + length.max(1)).min(self.text.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        self.tokens.push(Token {
            kind,
            span: start..self.at,
            before: std::mem::take(&mut self.gap),
            held: self.held,
        });
    }
}

/// The length of a comment that may hold others.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth = depth.saturating_sub(1);
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// The length of a name, number, keyword or string.
fn word(text: &str) -> usize {
    let hashes = text.bytes().take_while(|b| *b == b'#').count();
    let behind = &text[hashes..];
    if !behind.starts_with('"') {
        let ends = |c: char| {
            blank(c) || "\"(){}[]/\\=;".contains(c) || newline(c.encode_utf8(&mut [0; 4])) > 0
        };
        return hashes + behind.find(ends).unwrap_or(behind.len());
    }
    let quotes = if behind.starts_with("\"\"\"") { 3 } else { 1 };
    let closing = format!("{}{}", "\"".repeat(quotes), "#".repeat(hashes));
    let bytes = text.as_bytes();
    let mut at = hashes + quotes;
    // `""` is a string of one line with nothing in it.
    while at < bytes.len() {
        if bytes[at..].starts_with(closing.as_bytes()) {
            return at + closing.len();
        }
        // One that is still being written ends with its line.
        if quotes == 1 && b"\r\n".contains(&bytes[at]) {
            return at;
        }
        if bytes[at] == b'\\' && hashes == 0 {
            // A `\` takes back all blanks behind it, ends of lines among them.
            let behind = &bytes[at + 1..];
            let blanks = behind.len() - behind.trim_ascii_start().len();
            at += 1 + blanks.max(1);
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        tokens(text).into_iter().map(|t| &text[t.span]).collect()
    }

    #[test]
    fn strings_and_comments_are_one_token_each() {
        for (text, expected) in [
            (r#"a "b\"c" "" d"#, vec!["a", r#""b\"c""#, "\"\"", "d"]),
            (r##"a #"b"\"# #true"##, vec!["a", r##"#"b"\"#"##, "#true"]),
            (
                "a \"\"\"\n x\"\n \"\"\" b",
                vec!["a", "\"\"\"\n x\"\n \"\"\"", "b"],
            ),
            (
                "a /* /* */ } */ b // c  \r\nd",
                vec!["a", "/* /* */ } */", "b", "// c", "d"],
            ),
            (
                "a=1;/-b{(t)c}",
                vec!["a", "=", "1", "/-", "b", "{", "(", "t", ")", "c", "}"],
            ),
            ("\u{feff}é\u{2028}🦀", vec!["\u{feff}", "é", "🦀"]),
        ] {
            assert_eq!(cut(text), expected, "{text}");
        }
    }

    #[test]
    fn a_line_ends_as_the_language_says() {
        for end in [
            "\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}",
        ] {
            assert_eq!(
                line_length(&format!("// é\u{2030}🦀\u{a0}x{end}y")),
                15,
                "{end:?}"
            );
            assert!(newline(end) > 0);
        }
        assert_eq!(line_length("é"), 2);
    }

    #[test]
    fn what_a_backslash_takes_back_ends_no_node() {
        let tokens = tokens("a \\ // b\n c\n\n d;e");
        let gaps: Vec<(usize, bool)> = tokens.iter().map(|t| (t.before.lines, t.held)).collect();
        assert_eq!(
            gaps,
            [(0, false), (0, true), (0, false), (2, false), (0, false)]
        );
        assert!(tokens[1].before.continued && tokens[4].before.semicolon);
    }

    #[test]
    fn a_text_that_does_not_parse_ends_nothing() {
        for text in ["\"", "/*", "#\"", "\"\\", "\"é\\é", "[a]", "/", "\"\"\""] {
            assert!(
                tokens(text)
                    .iter()
                    .all(|t| text.get(t.span.clone()).is_some())
            );
        }
    }
}
