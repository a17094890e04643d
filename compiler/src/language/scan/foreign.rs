//! Statements as other languages write them: `arch = "arm64"` (TOML, HCL), `arch: arm64` (YAML), `"arch": "arm64",`
//! (JSON), `abi("kvm-6.8")`. Each is read as far as its author meant it, so that one finding can say how all of it is
//! written here (`rewrite`).

use super::literal::OTHER_QUOTES;
use std::ops::Range;

/// Deepest objects that are looked into.
const DEPTH_MAX: usize = 4;
/// What begins a statement elsewhere.
const KEYWORDS: [&str; 7] = ["export", "let", "var", "const", "local", "def", "declare"];
/// Most values of a statement that are remembered.
const VALUES_MAX: usize = 32;

/// A statement that is not KDL.
pub(super) struct Foreign {
    /// Its first word.
    pub key: String,
    /// What KDL does not have there.
    pub sign: Sign,
    /// Where that is.
    pub at: Range<usize>,
    /// What its author gave.
    pub meant: Meant,
    /// Where it ends.
    pub end: usize,
}

/// What KDL does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// `=`, `:=`, `==`, `=>` or `->` behind the first word.
    Equals,
    /// `:` behind the first word.
    Colon,
    /// `:` behind a property's name.
    PropertyColon,
    /// `,` between values.
    Comma,
    /// `[` around values, or `(` right behind the first word.
    Bracket,
    /// `-` before each value, in lines of their own.
    Item,
    /// `let`, `export` or the like before the statement.
    Keyword,
}

/// What a statement gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// Values, in their order; none where nothing could be read.
    Values(Vec<Value>),
    /// Names and what each has.
    Object(Vec<(String, Meant)>),
    /// A block that begins here and is KDL again.
    Block(Vec<Value>),
}

/// One value or property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// The property's name.
    pub name: Option<String>,
    /// What stands between the quotes, or the bare word.
    pub text: String,
    /// Whether it had quotes of some sort.
    pub quoted: bool,
}

/// The statement that begins there, where it is not KDL.
pub(super) fn statement(text: &str, start: usize) -> Option<Foreign> {
    let mut reader = Reader {
        text,
        at: start,
        found: None,
    };
    let (key, meant) = reader.statement(0)?;
    let (sign, at) = reader.found.clone()?;
    if reader
        .rest()
        .trim_start_matches([' ', '\t'])
        .starts_with("# ")
    {
        // A comment behind it is told of with it.
        reader.at = reader.line_end();
    }
    Some(Foreign {
        key,
        sign,
        at,
        meant,
        end: reader.at,
    })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// What KDL does not have, where it was seen first.
    found: Option<(Sign, Range<usize>)>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn found(&mut self, sign: Sign, length: usize) {
        self.found.get_or_insert((sign, self.at..self.at + length));
        self.at += length;
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn white(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn line_end(&self) -> usize {
        self.rest()
            .find('\n')
            .map_or(self.text.len(), |n| self.at + n)
    }

    /// `KEY SIGN VALUES` up to its end.
    fn statement(&mut self, depth: usize) -> Option<(String, Meant)> {
        let start = self.at;
        let key = self.word()?;
        let (mut key, quoted) = (key.text, key.quoted);
        if key.is_empty() {
            return None;
        }
        let mut signed = false;
        if let Some(name) = key.strip_suffix(':').filter(|_| !quoted) {
            key = name.to_owned();
            self.at -= 1;
        } else if self.peek() == Some('(') {
            self.found(Sign::Bracket, 1);
            signed = true;
        } else {
            self.blanks();
        }
        for sign in [":=", "=>", "==", "->", "=", ":"] {
            if !signed && self.rest().starts_with(sign) {
                let kind = match sign {
                    ":" => Sign::Colon,
                    _ => Sign::Equals,
                };
                self.found(kind, sign.len());
                signed = true;
            }
        }
        self.blanks();
        if signed && self.peek() == Some('{') && depth < DEPTH_MAX {
            return Some((key, self.object(depth)));
        }
        let values = self.values(signed, depth > 0)?;
        if self.peek() == Some('{') {
            return Some((key, Meant::Block(values)));
        }
        if let (
            [
                Value {
                    name: Some(name), ..
                },
                ..,
            ],
            true,
        ) = (values.as_slice(), KEYWORDS.contains(&key.as_str()))
        {
            let name = name.clone();
            self.found = Some((Sign::Keyword, start..start + key.len()));
            let bare = |value: Value| Value {
                name: None,
                ..value
            };
            return Some((name, Meant::Values(values.into_iter().map(bare).collect())));
        }
        if values.is_empty() && !signed && self.rest().trim_start().starts_with("- ") {
            let dash = self.at + self.rest().len() - self.rest().trim_start().len();
            self.found.get_or_insert((Sign::Item, dash..dash + 1));
            return Some((key, self.lines(start, depth)));
        }
        let colon = matches!(self.found, Some((Sign::Colon, _)));
        if colon && values.is_empty() && self.peek().is_none_or(|c| c == '\n' || c == '\r') {
            return Some((key, self.lines(start, depth)));
        }
        Some((key, Meant::Values(values)))
    }

    /// Values up to the end of the statement; `None` for texts that only KDL has.
    fn values(&mut self, signed: bool, inside: bool) -> Option<Vec<Value>> {
        let mut values: Vec<Value> = Vec::new();
        let mut open = usize::from(signed && self.text[..self.at].ends_with('('));
        loop {
            self.blanks();
            let rest = self.rest();
            let Some(c) = self.peek() else { break };
            match c {
                '\\' if rest[1..]
                    .trim_start_matches([' ', '\t', '\r'])
                    .starts_with('\n') =>
                {
                    self.at = self.line_end() + 1;
                }
                '\n' | '\r' if open > 0 => self.white(),
                '\n' | '\r' | ';' | '}' | '{' => break,
                ',' => {
                    self.found(Sign::Comma, 1);
                    // Behind the last one of a line, and of an object's pair, comes the next statement.
                    let ends = self
                        .rest()
                        .trim_start_matches([' ', '\t', '\r'])
                        .starts_with('\n');
                    if open == 0 && (inside || ends || signed && self.pair_follows()) {
                        break;
                    }
                }
                '[' => {
                    self.found(Sign::Bracket, 1);
                    open += 1;
                }
                ']' | ')' => {
                    self.at += 1;
                    open = open.saturating_sub(1);
                }
                // `(…)` with nothing behind it is no type annotation, but a list.
                '(' if self.list_in_parentheses() => {
                    self.found(Sign::Bracket, 1);
                    open += 1;
                }
                // A type annotation.
                '(' => self.at += rest.find(')').unwrap_or(rest.len() - 1) + 1,
                '/' if rest.starts_with("//") || rest.starts_with("/*") => break,
                '/' if rest.starts_with("/-") => self.at += 2,
                '#' if rest.starts_with("# ") || rest.starts_with("#\n") => break,
                _ => {
                    let mut value = self.word()?;
                    if value.text.is_empty() && !value.quoted {
                        // Nothing that a value begins with.
                        self.at += c.len_utf8();
                        continue;
                    }
                    self.named(&mut value)?;
                    if values.len() < VALUES_MAX {
                        values.push(value);
                    }
                }
            }
        }
        Some(values)
    }

    /// Whether the parentheses that open here, in this line, stand around values.
    fn list_in_parentheses(&self) -> bool {
        let line = self.rest().lines().next().unwrap_or("");
        let Some((inside, behind)) = line.split_once(')') else {
            return false;
        };
        let behind = behind.trim_start();
        let ends = behind.is_empty() || behind.starts_with([';', '{', '}']);
        // A value may follow a comment in `/*`, and begin with a `#`.
        inside.contains('=') || ends || behind.starts_with("//") || behind.starts_with("# ")
    }

    /// Whether a name with a sign comes next.
    fn pair_follows(&self) -> bool {
        let mut ahead = Reader {
            text: self.text,
            at: self.at,
            found: None,
        };
        ahead.blanks();
        let name = ahead.word();
        ahead.blanks();
        let colon = name.is_some_and(|n| !n.quoted && n.text.ends_with(':'));
        colon || ahead.rest().starts_with([':', '='])
    }

    /// Takes a word for a property's name, where one with its value follows.
    fn named(&mut self, value: &mut Value) -> Option<()> {
        let before = self.at;
        if let Some(name) = value.text.strip_suffix(':').filter(|_| !value.quoted) {
            value.text = name.to_owned();
            self.at -= 1;
            self.found(Sign::PropertyColon, 1);
        } else if value.quoted && self.peek() == Some(':') {
            self.found(Sign::PropertyColon, 1);
        } else {
            self.blanks();
            if self.peek() != Some('=') {
                self.at = before;
                return Some(());
            }
            self.at += 1;
        }
        self.blanks();
        let given = match self.peek() {
            Some('[') => {
                // A property has one value.
                self.found(Sign::Bracket, 1);
                let mut list = Vec::new();
                while !self.rest().is_empty() && !self.rest().starts_with([']', '\n', '}']) {
                    let before = self.at;
                    list.extend(self.word().filter(|w| w.quoted || !w.text.is_empty()));
                    if self.at == before {
                        self.at += self.peek().map_or(1, char::len_utf8);
                    }
                }
                self.at += usize::from(self.peek() == Some(']'));
                let one = <[Value; 1]>::try_from(list).map(|[one]| one);
                one.unwrap_or_else(|_| Value {
                    name: None,
                    text: "…".to_owned(),
                    quoted: true,
                })
            }
            None | Some('\n' | '\r' | ';' | '{' | '}') => return Some(()),
            Some(_) => self.word()?,
        };
        *value = Value {
            name: Some(std::mem::take(&mut value.text)),
            ..given
        };
        // A value with a `=` of its own.
        while let Some(c) = self
            .peek()
            .filter(|c| "=:/\\".contains(*c) && !value.quoted)
        {
            value.text.push(c);
            self.at += 1;
            value.text.push_str(&self.word()?.text);
        }
        Some(())
    }

    /// `{ NAME SIGN VALUE … }`, whose brace comes next.
    fn object(&mut self, depth: usize) -> Meant {
        self.at += 1;
        let mut pairs = Vec::new();
        loop {
            let rest = self.rest();
            let skipped = |c: char| c.is_whitespace() || c == ',' || c == ';';
            self.at += rest.len() - rest.trim_start_matches(skipped).len();
            match self.peek() {
                None => break,
                Some('}') => {
                    self.at += 1;
                    self.blanks();
                    if self.peek() == Some(',') {
                        self.at += 1;
                    }
                    break;
                }
                Some('#') => self.at = self.line_end(),
                Some('/') if self.rest().starts_with("//") => self.at = self.line_end(),
                Some(c) => match self.statement(depth + 1) {
                    Some((_, Meant::Block(_))) | None if self.peek() == Some('{') => {
                        // Deeper than anything that is meant here.
                        self.at += 1;
                    }
                    Some(pair) if pairs.len() < VALUES_MAX => pairs.push(pair),
                    Some(_) => {}
                    None => self.at += self.peek().map_or(c.len_utf8(), char::len_utf8),
                },
            }
        }
        Meant::Object(pairs)
    }

    /// What YAML has below a name: lines that are indented further, or begin with `-`.
    fn lines(&mut self, start: usize, depth: usize) -> Meant {
        let indent = |at: usize| {
            let line = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
            at - line
        };
        let own = indent(start);
        let (mut values, mut pairs) = (Vec::new(), Vec::new());
        if depth >= DEPTH_MAX {
            return Meant::Values(values);
        }
        loop {
            let rest = self.rest();
            let at = self.at + rest.len() - rest.trim_start().len();
            let item = self.text[at..].starts_with("- ");
            let deeper = at < self.text.len() && indent(at) >= own + usize::from(!item);
            if !deeper || !rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n') {
                break;
            }
            let before = (self.at, self.found.clone());
            self.at = at + if item { 2 } else { 0 };
            if item && !self.text[self.at..self.line_end()].contains(": ") {
                match self.values(false, false) {
                    Some(more) => values.extend(more),
                    None => self.at = self.line_end(),
                }
            } else {
                self.found = None;
                let pair = self.statement(depth + 1);
                let foreign = self.found.is_some();
                self.found = before.1;
                match pair {
                    Some(pair) if foreign => pairs.push(pair),
                    // KDL again.
                    _ => {
                        self.at = before.0;
                        break;
                    }
                }
            }
            if self.at <= before.0 {
                break;
            }
        }
        match pairs.is_empty() {
            true => Meant::Values(values),
            false => Meant::Object(pairs),
        }
    }

    /// One word, with or without quotes, and what stands between them; `None` for strings that only KDL has.
    fn word(&mut self) -> Option<Value> {
        let rest = self.rest();
        let quote = self
            .peek()
            .filter(|c| *c == '"' || OTHER_QUOTES.contains(c));
        let Some(quote) = quote else {
            let raw = rest.trim_start_matches('#').starts_with('"') && rest.starts_with('#');
            if raw {
                return None;
            }
            let mut inside = false;
            let length = rest.char_indices().find(|(at, c)| {
                // `a[0]` is a word, `[a]` is none.
                let index = *c == '[' && *at > 0 || *c == ']' && inside;
                inside |= index;
                !index && (c.is_whitespace() || "=,;{}[]()\"".contains(*c))
            });
            let length = length.map_or(rest.len(), |(at, _)| at);
            let arrow = rest[..length].find("->").filter(|at| *at > 0);
            let length = arrow.unwrap_or(length);
            self.at += length;
            return Some(Value {
                name: None,
                text: rest[..length].to_owned(),
                quoted: false,
            });
        };
        if rest.starts_with("\"\"\"") {
            return None;
        }
        let inner = &rest[quote.len_utf8()..];
        let mut escaped = false;
        let end = inner.find(|c: char| {
            let ends = match quote {
                '"' => c == '"',
                _ => OTHER_QUOTES.contains(&c),
            };
            let ends = (ends && !escaped) || c == '\n';
            escaped = c == '\\' && !escaped && quote == '"';
            ends
        });
        let end = end?;
        let closing = inner[end..].chars().next().filter(|c| *c != '\n')?;
        self.at += quote.len_utf8() + end + closing.len_utf8();
        Some(Value {
            name: None,
            text: inner[..end].to_owned(),
            quoted: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kdl_is_not_foreign() {
        for text in [
            "arch \"arm64\"\nabi \"kvm-6.8\"",
            "boot kernel=\"a, b: [c]\" cmdline = \"x=y, z\" \\\n  initrd=\"i\"",
            "cpu \"neoverse-n1\" count=2 { pmu; }",
            "set \"ID_AA64ISAR0_EL1.RNDR\" 0 // [a], b: c",
            "vary (u8)\"a\" /* [ */ \"b\"",
            "deny 0x11 0x8; }",
            "a #\"[, ]\"# b",
            "x \"\"\"\n , [ : \n\"\"\"",
            "allow spec::midr-promises reason=\"a: b\"",
        ] {
            assert!(statement(text, 0).is_none(), "{text}");
        }
    }

    #[test]
    fn a_statement_is_read_to_its_end() {
        for (text, sign, rest) in [
            ("arch = \"arm64\"\nabi", Sign::Equals, "\nabi"),
            ("arch: arm64; abi", Sign::Colon, "; abi"),
            ("abi [\"a\",\n \"b\"] // c", Sign::Bracket, "// c"),
            ("abi(\"a\")\n", Sign::Bracket, "\n"),
            ("abi (a)\n", Sign::Bracket, "\n"),
            ("abi (\"a\" \"b\") // c", Sign::Bracket, "// c"),
            ("cpu \"a\" (count=2) {", Sign::Bracket, "{"),
            (
                "\"cpu\": {\"model\": \"n1\", \"x\": {\"y\": 1}}, z",
                Sign::Colon,
                " z",
            ),
            ("abi:\n  - a\n  - b\ncpu \"c\"", Sign::Colon, "\ncpu \"c\""),
            (
                "  cpu:\n    model: a\n  memory: b",
                Sign::Colon,
                "\n  memory: b",
            ),
            ("cpu = \"a\" {", Sign::Equals, "{"),
            ("a \"b\", \"c\",\nd", Sign::Comma, "\nd"),
            ("a = [", Sign::Equals, ""),
            ("a = {", Sign::Equals, ""),
        ] {
            let start = text.len() - text.trim_start().len();
            let found = statement(text, start).unwrap();
            assert_eq!(found.sign, sign, "{text}");
            assert_eq!(&text[found.end..], rest, "{text}");
        }
    }

    #[test]
    fn every_beginning_of_a_text_is_survived() {
        let text = "\"a\": {b = ['c', “d”], \"e\": {f: -> (g) #\"h\"# \"\"\"}}\n  - x: y\n - z";
        for (start, _) in text.char_indices() {
            for (end, _) in text.char_indices().filter(|(end, _)| *end >= start) {
                if let Some(found) = statement(&text[..end], start) {
                    assert!(found.end > start && found.end <= end);
                }
            }
        }
        let deep = "a = {".repeat(10_000);
        assert!(statement(&deep, 0).is_some());
    }
}
