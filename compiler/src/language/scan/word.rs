//! Words outside quotes, and what their author meant by them: values that need
//! quotes, quotes that are none, habits of KDL version 1 and of other languages.

use super::literal::{FLAGS, OTHER_QUOTES, bare_size, begins_as_number, is_number, shown};
use super::{Scanner, ends_word};
use crate::language::nodes::{self, Value};
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::names;
use vmlock_spec::resolve::{posix, unexpanded};

/// Words that KDL 2 spells with a `#`.
const KEYWORDS: [&str; 6] = ["true", "false", "null", "inf", "-inf", "nan"];

/// How far away a line may begin that anybody wrote: looking for where each word of a longer one's begins would take for
/// ever.
pub(super) const NEAR: usize = 200;

impl Scanner<'_> {
    pub(super) fn word(&mut self, start: usize) -> bool {
        if self.quoted(start) {
            return true;
        }
        while self.bytes.get(self.at).is_some_and(|b| !ends_word(*b)) {
            self.at += 1;
        }
        let word = &self.source.text[start..self.at];
        let blank = word
            .char_indices()
            .find(|(_, c)| c.is_whitespace() || *c == '\u{200b}');
        if let Some((at, c)) = blank {
            let span = start + at..start + at + c.len_utf8();
            let message = format!(
                "U+{:04X} looks like a blank, and is none here",
                u32::from(c)
            );
            self.report(&message, span, "this character", "write an ordinary blank");
            return true;
        }
        if word.ends_with('$') && matches!(self.bytes.get(self.at), Some(b'{' | b'(')) {
            return self.variable(start);
        }
        if word.starts_with("<<") && self.heredoc(start) {
            return true;
        }
        if word == "--" && self.dashes_begin_words(start) {
            self.comment(start, "--", "Lua and SQL");
            return true;
        }
        if self.name_in_two_words(start) {
            return true;
        }
        if self.begins && begins_as_number(word) {
            let help =
                "begin with the word that says what it is, as in `port 1024 path=\"agent.sock\"`";
            self.report(
                "a node begins with a number",
                start..self.at,
                "what is it?",
                help,
            );
            return true;
        }
        if is_number(word) && self.bytes.get(self.at) == Some(&b'=') {
            self.at += 1;
            let value = &self.source.text[self.at..];
            // A string is read as one.
            let ends = |c: char| c.is_whitespace() || ";{}\"".contains(c);
            self.at += value.find(ends).unwrap_or(value.len());
            self.report(
                "no property is called by a number",
                start..self.at,
                "a number stands as a value",
                "write it as a value, and behind it what belongs to it by its name, as in `port 1024 path=\"agent.sock\"`",
            );
            return true;
        }
        if KEYWORDS.contains(&word) {
            let line = self.source.text[..start].rsplit(['\n', ';', '{']).next();
            let flag = line.map(str::trim).filter(|name| FLAGS.contains(name));
            let help = match (word, flag) {
                ("true", Some(flag)) => format!("write `{flag}`: the word alone turns it on"),
                ("false", Some(flag)) => {
                    format!("leave the line out: without `{flag}` it is off")
                }
                ("null", _) => "leave it out: what is not written is not there".to_owned(),
                _ => format!("write `#{word}`: since KDL version 2 keywords begin with `#`"),
            };
            let message = format!("bare `{word}` is KDL version 1");
            self.report(&message, start..self.at, "a keyword without its `#`", help);
        } else if word == "r" && self.raw_string(start) {
        } else if let Some(what) = self.glued(start) {
            self.needs_quotes(start, what);
        } else if let Some(size) = bare_size(word).filter(|_| !self.takes_a_number(start)) {
            self.report(
                &format!("the size `{word}` stands without quotes"),
                start..self.at,
                "a word cannot begin with a digit",
                format!("write `\"{size}\"`"),
            );
        } else if begins_as_number(word) && !is_number(word) {
            self.needs_quotes(start, "a word cannot begin with a digit");
        }
        true
    }

    /// Whether the `--` that has just been read begins a comment of other languages. It is a word of KDL as well: a value,
    /// and anything in what a `/-` takes out. So only one with a word behind it that is no name of a property is taken for it.
    fn dashes_begin_words(&self, start: usize) -> bool {
        let before = &self.source.text[..start];
        if self.begins || before.ends_with('=') || self.taken_out {
            return false;
        }
        let line = self.source.text[self.at..].lines().next().unwrap_or("");
        let word = line.trim_start();
        let end = word.find(|c: char| !(c.is_alphanumeric() || "_-.'".contains(c)));
        let (word, behind) = word.split_at(end.unwrap_or(word.len()));
        line.starts_with([' ', '\t'])
            && word.starts_with(char::is_alphabetic)
            && !behind.trim_start().starts_with('=')
    }

    /// Whether the node that begins on this line is one of those that take names of baselines or hosts. A line that begins
    /// far away is none that anybody wrote, and looking for where each of its words' lines begins would take for ever.
    fn names_baselines(&self, start: usize) -> bool {
        let from = start.saturating_sub(NEAR);
        let near = &self.bytes[from..start];
        let begins = near.iter().rposition(|b| matches!(b, b'\n' | b';' | b'{'));
        let line = match begins {
            Some(at) => &near[at + 1..],
            None if from == 0 => near,
            None => return false,
        };
        let line = line.trim_ascii_start();
        let end = line.iter().position(u8::is_ascii_whitespace);
        let node = &line[..end.unwrap_or(line.len())];
        matches!(node, b"abi" | b"runs-on")
    }

    /// Whether what stands there has to be a number: the value of a property, or one of a node's own.
    fn takes_a_number(&self, start: usize) -> bool {
        let before = &self.bytes[..start];
        let from = start.saturating_sub(NEAR);
        let line = &before[from..];
        let begins = line.iter().rposition(|b| matches!(b, b'\n' | b';' | b'{'));
        let begins = match begins {
            Some(at) => at + 1,
            None if from > 0 => return false,
            None => 0,
        };
        let line = String::from_utf8_lossy(&line[begins..]);
        let mut words = line.split_whitespace();
        let Some(node) = words.next() else {
            return false;
        };
        let is_number = |value: Value| matches!(value, Value::Number(_) | Value::Event);
        let rows = nodes::every(std::slice::from_ref(&nodes::VM)).into_iter();
        let mut rows = rows.filter(|row| row.word == node);
        let last = line.rsplit([' ', '\t']).next().unwrap_or("");
        if let Some(name) = last.strip_suffix('=') {
            return rows.any(|row| row.property(name).is_some_and(|p| is_number(p.value)));
        }
        let at = words.filter(|word| !word.contains('=')).count();
        line.ends_with([' ', '\t']) && rows.any(|row| row.value(at).is_some_and(is_number))
    }

    /// A baseline or a host whose name stands in two words, as in `abi kvm 6.8`; says whether it is one. A second word in
    /// quotes may be the name of another baseline.
    fn name_in_two_words(&mut self, start: usize) -> bool {
        let text = self.source.text.as_str();
        let family = &text[start..self.at];
        if self.taken_out || !self.names_baselines(start) {
            return false;
        }
        let rest = &text[self.at..];
        let bare = rest.trim_start_matches([' ', '\t']);
        let end = bare.find(|c: char| c.is_whitespace() || ";{}()\\/=\",#".contains(c));
        let (number, behind) = bare.split_at(end.unwrap_or(bare.len()));
        let comment = behind.starts_with("//") || behind.starts_with("/*");
        if behind.starts_with(['"', '=', '/', '\\', '(', '#', ',']) && !comment {
            return false;
        }
        let Some(help) = names::in_two_words(family, number, &Catalogue::builtin()) else {
            return false;
        };
        self.at = text.len() - behind.len();
        let span = start..self.at;
        let message = "a name is one word, and this is two";
        self.report(message, span, "one name", help);
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

    /// `${VAR}` or `$(COMMAND)`, without quotes, and what is glued to it.
    fn variable(&mut self, start: usize) -> bool {
        let rest = &self.source.text[self.at..];
        let line = rest.lines().next().unwrap_or("");
        let close = line.find(['}', ')']).map_or(line.len(), |at| at + 1);
        let glued = line[close..].find(|c: char| c.is_whitespace() || ";{}".contains(c));
        self.at += glued.map_or(line.len(), |at| close + at);
        if let Some((message, help)) = unexpanded(&self.source.text[start..self.at]) {
            self.report(&message, start..self.at, "taken as it stands", help);
        }
        true
    }

    /// `<<EOF`, the lines below it and their end; says whether it is one.
    fn heredoc(&mut self, start: usize) -> bool {
        let name = self.source.text[start..self.at].trim_matches(['<', '-', '~', '\'']);
        let after = &self.source.text[self.at..];
        let mut end = 0;
        let closes = after.split_inclusive('\n').skip(1).any(|line| {
            end += line.len();
            line.trim() == name
        });
        if name.is_empty() || !closes {
            return false;
        }
        let word = start..self.at;
        let first = after.find('\n').map_or(after.len(), |at| at + 1);
        self.at = (self.at + first + end).min(self.bytes.len());
        let help =
            "text of several lines stands between `\"\"\"`; a command line is one line, in quotes";
        self.report("KDL has no here-documents", word, "it begins here", help);
        true
    }

    /// Where a `\` begins nothing that KDL knows, or what looks like a path of Windows in the string that begins there.
    pub(super) fn wrong_escape(&self, start: usize) -> Option<usize> {
        let next = self.source.text.get(self.at + 1..)?.chars().next()?;
        let known = "nrt\\\"bfsu".contains(next) || next.is_whitespace();
        let inner = &self.bytes[start + 1..self.at];
        let drive = matches!(inner, [letter, b':'] if letter.is_ascii_alphabetic());
        let share = inner.starts_with(b"\\\\");
        let windows =
            (drive || share || matches!(inner, b"." | b"..")) && next != '\\' && next != '"';
        (!known || windows).then_some(self.at)
    }

    /// Reports the escape at a place in the string that begins at `start` and ends here.
    pub(super) fn escaped(&mut self, start: usize, at: usize) {
        let text = &self.source.text[start + 1..self.at - 1];
        let next = self.source.text[at + 1..].chars().next();
        let span = at..at + 1 + next.map_or(0, char::len_utf8);
        let path = text.as_bytes().get(1) == Some(&b':') || text.starts_with(['.', '\\']);
        let help = match path {
            true => format!("a path has `/` here: write `\"{}\"`", shown(&posix(text))),
            false => "a `\\` that is part of the text is written `\\\\`".to_owned(),
        };
        let message = "a `\\` in a string begins an escape";
        self.report(message, span, "this is no letter of a path", help);
    }

    /// Reports everything up to the next blank as a value that needs quotes, and goes on behind it.
    fn needs_quotes(&mut self, start: usize, why: &str) {
        let ends = |b: &u8| b.is_ascii_whitespace() || b";{}\"".contains(b);
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
        if self.source.text[..start].trim_end().ends_with("cmdline=") {
            self.command_line();
        }
        let span = start..self.at;
        // Of quotes the second alone.
        let closes = self.bytes.get(self.at) == Some(&b'"')
            && self
                .bytes
                .get(self.at + 1)
                .is_none_or(|b| b.is_ascii_whitespace() || b";{}".contains(b));
        self.at += usize::from(closes);
        if let Some(number) = capital(&self.source.text[span.clone()]) {
            let message = format!("`{}` is no number of KDL", &self.source.text[span.clone()]);
            let help = format!("write `{number}`");
            return self.report(&message, span, "its second letter is small", help);
        }
        let text = shown(&self.source.text[span.clone()]);
        if begins_as_number(&text) && self.takes_a_number(start) {
            let message = format!("`{text}` is no number");
            let help = "write a whole number, in digits alone or as `0x` and hexadecimal ones";
            return self.report(&message, span, "no number of KDL", help);
        }
        if let Some((message, help)) = unexpanded(&text) {
            return self.report(&message, span, "taken as it stands", help);
        }
        let written = text.replace('\\', "\\\\");
        self.report(
            &format!("`{text}` stands without quotes"),
            start..self.at,
            why,
            format!("write `\"{written}\"`"),
        );
    }

    /// Goes on to the end of a command line that stands without quotes: all of its line but other properties of `boot`.
    fn command_line(&mut self) {
        let rest = &self.source.text[self.at..];
        let line = rest.split(['\n', ';', '"', '}']).next().unwrap_or("");
        // What follows it: another property, or a comment.
        let others = [
            " kernel",
            " initrd",
            " any-file",
            " kaslr-seed",
            " //",
            " /*",
        ];
        let other = others.iter().filter_map(|sign| line.find(sign)).min();
        self.at += line[..other.unwrap_or(line.len())].trim_end().len();
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

/// `0X1F`, as KDL writes it.
fn capital(word: &str) -> Option<String> {
    let digits = word.strip_prefix('0')?;
    let lower = format!(
        "0{}{}",
        digits.get(..1)?.to_ascii_lowercase(),
        digits.get(1..)?
    );
    (lower != word && is_number(&lower)).then_some(lower)
}
