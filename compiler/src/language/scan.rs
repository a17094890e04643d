//! A first look at KDL text, before the parser sees it.
//!
//! It knows only strings, comments, braces and words, and that is enough to
//! refuse what the parser cannot survive (deep nesting overflows its stack and
//! ends the process), to say plainly what it would say in five messages (a brace
//! that is never closed), and to recognise habits of other languages: in whole
//! files (`whole`), statements (`foreign`, `rewrite`), comments and words.

mod comment;
mod foreign;
mod literal;
mod rewrite;
mod whole;
mod word;

pub use whole::conflict;

use crate::diagnostic::Diagnostic;
use crate::language::nodes;
use crate::location::Source;
use std::ops::Range;
use std::sync::Arc;

/// Deepest nesting of blocks or of comments that is parsed; a description needs 3.
pub const DEPTH_MAX: usize = 32;

/// Most words and strings in a file. A description has some 40, a catalogue file a few thousand.
pub const WORDS_MAX: usize = 20_000;

/// Longest word outside quotes, in bytes.
const WORD_BYTES_MAX: usize = 1024;

/// Most findings that are looked for; ten are shown.
const FOUND_MAX: usize = 100;

/// Most `/-` in a row: the parser recurses into each.
const SLASHDASHES_MAX: usize = 8;

/// What is wrong with the text as text, in order.
pub fn scan(source: &Arc<Source>) -> Vec<Diagnostic> {
    let mut scanner = Scanner {
        source,
        bytes: source.text.as_bytes(),
        at: 0,
        open: Vec::new(),
        begins: true,
        continued: false,
        words: 0,
        slashdashes: 0,
        taken_out: false,
        listed: false,
        found: Vec::new(),
    };
    scanner.run();
    scanner.found
}

struct Scanner<'a> {
    source: &'a Arc<Source>,
    bytes: &'a [u8],
    at: usize,
    open: Vec<usize>,
    /// Whether a node begins here: the next word is its name.
    begins: bool,
    /// Whether this line goes on in the next one.
    continued: bool,
    words: usize,
    slashdashes: usize,
    /// Whether a `/-` has taken out something.
    taken_out: bool,
    /// Whether values stand in parentheses here, line by line.
    listed: bool,
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
        if self.unseen() {
            return;
        }
        if self.other_language() || self.other_version() {
            return;
        }
        while self.at < self.bytes.len() && self.found.len() < FOUND_MAX {
            let start = self.at;
            if self.begins && (self.of_a_merge(start) || self.foreign(start) || self.table(start)) {
                continue;
            }
            let goes_on = match self.bytes[self.at] {
                b'/' if self.rest().starts_with(b"//") => self.line_comment(),
                b'/' if self.rest().starts_with(b"/*") => self.block_comment(),
                b'/' if self.rest().starts_with(b"/-") => self.slashdash(start),
                b'/' => self.counted(start) && self.path(start),
                b',' => self.comma(start),
                b'"' => self.counted(start) && self.string(start) && self.apart(),
                b'#' => self.counted(start) && self.hash(start),
                b'{' => {
                    self.at += 1;
                    let before = self.bytes[..start].trim_ascii_end().last();
                    if self.begins && before.is_some_and(|b| !b"{};".contains(b)) {
                        self.report(
                            "a `{` stands where a node begins",
                            start..start + 1,
                            "whose block is it?",
                            "put it at the end of its node's line: `cpu \"…\" count=2 {`",
                        );
                    }
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
                sign @ (b'(' | b')' | b'[' | b']' | b'\\') => {
                    if matches!(sign, b'(' | b')') {
                        self.no_brace(start);
                    }
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
            self.follow(self.bytes[start]);
        }
        if self.at < self.bytes.len() {
            return;
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

    /// Whether a node begins behind what began with that byte.
    fn follow(&mut self, byte: u8) {
        match byte {
            b'\n' if self.continued => self.continued = false,
            b'\n' | b';' | b'{' | b'}' => self.begins = true,
            b'\\' => self.continued = true,
            b'/' => {}
            _ if byte.is_ascii_whitespace() => {}
            _ => self.begins = false,
        }
    }

    /// What no KDL text may hold as it stands (KDL 2.0.0, "Disallowed Literal Code Points"): the
    /// parser would blame the string or the word around it. Says whether there is any.
    fn unseen(&mut self) -> bool {
        let zeros = self.bytes.iter().filter(|byte| **byte == 0).count();
        if zeros > 1 {
            let at = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
            // Of ASCII in UTF-16 each second byte is 0, and none of the others.
            let places = self
                .bytes
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == 0);
            let odd = places.filter(|(at, _)| at % 2 == 1).count();
            let is_half = zeros * 3 > self.bytes.len();
            let message = match is_half && (odd == 0 || odd == zeros) {
                true => "this file is UTF-16",
                false => "this is no text: it has zero bytes",
            };
            let help = "save the file as UTF-8";
            self.report(message, at..at + 1, "the first zero byte", help);
            return true;
        }
        let disallowed = |at: usize, c: char| {
            matches!(c, '\0'..='\x08' | '\x0e'..='\x1f' | '\x7f' | '\u{200e}' | '\u{200f}')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                || (c == '\u{feff}' && at > 0)
        };
        let text = &self.source.text;
        let unseen = text.char_indices().filter(|(at, c)| disallowed(*at, *c));
        for (at, c) in unseen.take(FOUND_MAX) {
            self.report(
                &format!(
                    "the text holds the control character U+{:04X}",
                    u32::from(c)
                ),
                at..at + c.len_utf8(),
                "nobody sees it",
                "remove it",
            );
        }
        !self.found.is_empty()
    }

    /// A statement or a comment of another language where a node begins; says whether it is one, and goes on behind it.
    fn foreign(&mut self, start: usize) -> bool {
        if self.bytes[start].is_ascii_whitespace() || b"{}/#=,()[]\\".contains(&self.bytes[start]) {
            return false;
        }
        if self.other_comment(start) {
            return true;
        }
        let Some(found) = foreign::statement(&self.source.text, start) else {
            return false;
        };
        let sign = &self.source.text[found.at.clone()];
        let (message, label, help) = rewrite::words(&found, sign);
        self.report(&message, found.at.clone(), label, help);
        self.at = found.end;
        self.begins = matches!(self.bytes[..found.end].last(), Some(b',' | b'}'));
        true
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
        let behind = self.rest().trim_ascii_start();
        self.taken_out |= !behind.starts_with(b"kdl-version");
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

    /// A `(` or `)` where other languages have a block.
    fn no_brace(&mut self, at: usize) {
        let opens = self.bytes[at] == b'(';
        let next = self.bytes[at + 1..].iter().find(|b| !b" \t\r".contains(b));
        let before = self.bytes[..at].iter().rfind(|b| !b" \t\r".contains(b));
        let alone = match opens {
            true => matches!(next, None | Some(b'\n' | b')')),
            false => matches!(before, None | Some(b'\n')),
        };
        let closes = !opens && std::mem::take(&mut self.listed);
        if !alone || closes {
            return;
        }
        if let Some(word) = self.line_of_values(at).filter(|_| opens) {
            self.listed = true;
            self.report(
                &format!("the values of `{word}` stand in parentheses"),
                at..at + 1,
                "values stand side by side",
                format!("write them in the line of `{word}`, with blanks between them"),
            );
        } else {
            let (sign, brace) = if opens { ('(', '{') } else { (')', '}') };
            self.report(
                &format!("a `{sign}` is no brace of a block"),
                at..at + 1,
                "this sign",
                format!("a block stands in braces: write `{brace}`"),
            );
        }
    }

    /// The node of the line up to there, where it takes values and no block.
    fn line_of_values(&self, at: usize) -> Option<&'static str> {
        let near = &self.bytes[at.saturating_sub(word::NEAR)..at];
        let begins = near.iter().rposition(|b| b"\n;{".contains(b));
        let line = near[begins.map_or(0, |at| at + 1)..].trim_ascii_start();
        let end = line.iter().position(u8::is_ascii_whitespace);
        let word = &line[..end.unwrap_or(line.len())];
        let rows = nodes::every(std::slice::from_ref(&nodes::VM)).into_iter();
        let rows: Vec<_> = rows.filter(|row| row.word.as_bytes() == word).collect();
        let values = rows.iter().all(|row| row.block.is_empty());
        rows.first().filter(|_| values).map(|row| row.word)
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
        // Every newline of KDL ends it (specification of version 2, "Newline"): what follows has to be counted.
        let rest = self.rest();
        let newline = |at: &usize| {
            matches!(
                rest[*at..],
                [b'\n' | b'\r' | 0x0b | 0x0c, ..]
                    | [0xc2, 0x85, ..]
                    | [0xe2, 0x80, 0xa8 | 0xa9, ..]
            )
        };
        let end = (0..rest.len()).find(newline);
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
        let mut escape = None;
        while self.at < self.bytes.len() {
            if self.rest().starts_with(quote) {
                self.at += quote.len();
                if let Some(at) = escape {
                    self.escaped(start, at);
                }
                self.of_one_line(start, quote.len());
                return true;
            }
            match self.bytes[self.at] {
                b'\\' => {
                    if escape.is_none() && !many {
                        escape = self.wrong_escape(start);
                    }
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

    /// `"""…"""` within one line: such a string begins and ends in lines of its own.
    fn of_one_line(&mut self, start: usize, quotes: usize) {
        let text = &self.source.text[start + quotes..self.at - quotes];
        if quotes == 3 && !text.contains('\n') {
            let help = match text.contains(['"', '\\']) {
                true => "write it between single `\"`, with `\\\"` for one that is part of it"
                    .to_owned(),
                false => format!("write `\"{text}\"`"),
            };
            self.report(
                "text of one line stands between `\"\"\"`",
                start..self.at,
                "they are for several lines",
                help,
            );
        }
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
            if self.hash_comment(start) {
                return true;
            }
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
}

/// Whether a byte cannot be part of a bare word. Bytes of multi-byte characters can.
fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"#{}()[]/\\=;,".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let source = Arc::new(Source {
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
        assert_eq!(messages("a 0x1b 1_000 10e3"), Vec::<String>::new());
    }

    #[test]
    fn a_value_without_its_quotes_is_recognised_whole() {
        for (text, value) in [
            ("boot kernel=guest/Image", "guest/Image"),
            ("boot kernel=/boot/Image initrd=\"x\"", "/boot/Image"),
            ("import ../my/cpu.kdl;", "../my/cpu.kdl"),
            ("import /cpu.kdl // a path", "/cpu.kdl"),
            ("boot kernel=C:\\Image{}", "C:\\Image"),
            ("boot cmdline=console=ttyS0 // quiet", "console=ttyS0"),
            ("boot cmdline = root=/dev/vda", "root=/dev/vda"),
            ("vary a[0]", "a[0]"),
            ("abi 6.8.0-generic", "6.8.0-generic"),
            ("memory 0x100MiB", "0x100MiB"),
            ("a b#c", "b#c"),
        ] {
            assert_eq!(
                messages(text),
                [format!("`{value}` stands without quotes")],
                "{text}"
            );
        }
        for text in [
            "a/* c */b//c",
            "a b/-c \\\n d=e \\ // f\n",
            "x \"a\"=b \"c\"{ (u8)d; }",
            "a -1 +2 0x1f 1.5e-3 kvm-6.8 a.b it's",
            "a b=1 \\\n c=2 \\ // d\n e = 3; f",
        ] {
            assert_eq!(messages(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn habits_of_other_languages_are_recognised() {
        for (text, message) in [
            ("boot kernel='my Image' initrd=b", "`'` is no quote of KDL"),
            ("vm “web” { }", "`“` is no quote of KDL"),
            ("vm `web { }", "`\u{60}` is no quote of KDL"),
            (
                "boot kernel: \"a\"",
                "a property of `boot` takes `=`, not `:`",
            ),
            ("abi kvm 6.8", "a name is one word, and this is two"),
            (
                "vm a { abi \"kvm-6.8\" psci 1.1; }",
                "a name is one word, and this is two",
            ),
            (
                "runs-on kvm 6.12 \"debian-12\"",
                "a name is one word, and this is two",
            ),
            ("abi a, b", "the values of `abi` have a comma between them"),
            ("abi [a b]", "the values of `abi` stand in brackets"),
            (
                "vm a { arch=arm64; }",
                "`arch` takes what it gives without `=`",
            ),
            (
                "boot kernel=a\ncmdline=b",
                "`cmdline` takes what it gives without `=`",
            ),
            ("memory = \"1GiB\"", "this is TOML, not KDL"),
            ("---\nname: a", "this is YAML, not KDL"),
            ("<vm name=\"a\"/>", "this is XML, not KDL"),
            (
                "a \"b\" # c 'd' {",
                "`#` begins a comment in YAML, TOML and shells, not in KDL",
            ),
            (
                "#!/bin/vmlock\na",
                "`#` begins a comment in scripts, not in KDL",
            ),
            ("a\n; b {", "`;` begins a comment in INI files, not in KDL"),
            (
                "a\n -- b {",
                "`--` begins a comment in Lua and SQL, not in KDL",
            ),
            ("a #True", "`#True` is no keyword"),
            (
                "/- kdl-version 1\na true",
                "this file says that it is KDL version 1",
            ),
            (
                "/-kdl-version 3\na",
                "this file says that it is KDL version 3",
            ),
            ("boot \"a\"b c", "a string ends in the middle of a word"),
            ("boot \"a\"\"b\"", "a string ends in the middle of a word"),
            (
                "\n { \"name\": \"web\", \"x\": 1 }",
                "this is JSON, not KDL",
            ),
            (
                "a \"\u{1b}\"",
                "the text holds the control character U+001B",
            ),
            ("a \u{202e}b", "the text holds the control character U+202E"),
        ] {
            assert_eq!(messages(text), [message], "{text}");
        }
        for text in [
            "\u{feff}a \u{200c}",
            "/- kdl-version 2\na",
            "a; b; ;",
            "a --b; -x c",
            "a --",
            "a -- b=1; c d=-- e=1",
            "a -- \"b\"; c -- {\n}",
            "/- a -- b c",
            "/- a {\n abi kvm 6.8\n}",
            "abi kvm psci kvm-6.8",
            "/- a {\n b -- c d\n}",
            "abi (a) /* c */ \"b\"",
            "abi (a) #\"b\"#",
        ] {
            assert_eq!(messages(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_the_parser_cannot_bear_is_limited() {
        assert_eq!(messages(&"/- ".repeat(SLASHDASHES_MAX + 1)).len(), 1);
        assert_eq!(messages(&"/- a\n".repeat(100)).len(), 0);
        assert_eq!(messages(&"a;".repeat(WORDS_MAX)).len(), 0);
        assert_eq!(messages(&"a;".repeat(WORDS_MAX + 1)).len(), 1);
        assert_eq!(messages(&"a/b ".repeat(5000)).len(), FOUND_MAX);
        // All of that on one line, and nobody looks for where it begins at each word.
        assert_eq!(messages(&"kvm 6 ".repeat(WORDS_MAX / 2)).len(), 0);
        assert_eq!(messages(&"\u{1b}".repeat(5000)).len(), FOUND_MAX);
        assert!(messages(&format!("a/{}", "b".repeat(100_000)))[0].len() < 500);
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
