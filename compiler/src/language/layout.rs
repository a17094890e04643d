//! How a description is laid out: four columns for each block, one node a line, one space between what stands in it.
//!
//! Only the gaps between words, strings and comments are changed, each by an edit of its span: every name, number and
//! comment stays as its author wrote it, and so do blank lines (one of several in a row), lines that a `\` continues,
//! comments that stand below each other behind their lines, and the line ends of the file.
//! What came out is parsed again and held against the text that it was made of.

use super::read::{SIZE_MAX, parse};
use super::token::{Kind, Token, newline, tokens};
use crate::diagnostic::Diagnostic;
use crate::location::Source;
use kdl::{KdlDocument, KdlNode, KdlValue};
use std::iter;
use std::ops::Range;
use std::sync::Arc;

/// Columns by which a block stands further to the right than what it belongs to.
const INDENT: usize = 4;

/// What stands at a span of the text instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Range<usize>,
    pub text: String,
}

/// What has to be edited so that the text is laid out: in order, none where it is.
///
/// # Errors
/// What is wrong with the text: one that does not parse has no layout.
pub fn edits(source: &Arc<Source>) -> Result<Vec<Edit>, Vec<Diagnostic>> {
    let before = parse(source)?;
    let edits = Layout::of(&source.text).edits();
    let after = Arc::new(Source {
        path: source.path.clone(),
        text: apply(&source.text, &edits),
    });
    if after.text.len() > SIZE_MAX {
        let words = format!("`{}` would be larger than 1 MiB when laid out", source.path);
        return Err(vec![
            Diagnostic::error("spec::too-large", words)
                .in_file(&source.path)
                .help("it was left as it is; is this the right file?"),
        ]);
    }
    let kept = words(&source.text) == words(&after.text)
        && parse(&after).is_ok_and(|after| same(&before, &after));
    match kept {
        true => Ok(edits),
        false => Err(vec![
            Diagnostic::error(
                "fmt::not-kept",
                format!("`{}` would not mean the same when laid out", source.path),
            )
            .in_file(&source.path)
            .help("it was left as it is; please report it together with the file"),
        ]),
    }
}

/// How many comments a text has, what a `/-` takes out counted as one.
pub fn comments(text: &str) -> usize {
    let comment = |t: &Token| {
        matches!(
            t.kind,
            Kind::LineComment | Kind::BlockComment | Kind::Slashdash
        )
    };
    tokens(text).iter().filter(|t| comment(t)).count()
}

/// The text after the edits.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.span.start]);
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(&text[at..]);
    out
}

/// All that is kept byte for byte.
fn words(text: &str) -> Vec<&str> {
    tokens(text).into_iter().map(|t| &text[t.span]).collect()
}

/// Whether two documents say the same, whatever their layout.
fn same(a: &KdlDocument, b: &KdlDocument) -> bool {
    let entry = |a: &kdl::KdlEntry, b: &kdl::KdlEntry| {
        a.name().map(|n| n.value()) == b.name().map(|n| n.value())
            && a.ty().map(|t| t.value()) == b.ty().map(|t| t.value())
            && match (a.value(), b.value()) {
                // What is not a number is not equal to itself.
                (KdlValue::Float(a), KdlValue::Float(b)) => a.to_bits() == b.to_bits(),
                (a, b) => a == b,
            }
    };
    let node = |a: &KdlNode, b: &KdlNode| {
        a.name().value() == b.name().value()
            && a.ty().map(|t| t.value()) == b.ty().map(|t| t.value())
            && a.entries().len() == b.entries().len()
            && a.entries()
                .iter()
                .zip(b.entries())
                .all(|(a, b)| entry(a, b))
            && match (a.children(), b.children()) {
                (Some(a), Some(b)) => same(a, b),
                (a, b) => a.is_none() && b.is_none(),
            }
    };
    let (a, b) = (a.nodes(), b.nodes());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| node(a, b))
}

/// A comment behind what stands in its line.
struct Trailing {
    /// Which gap is before it.
    gap: usize,
    /// The line where it stands in what comes out.
    line: usize,
    /// Where its author wrote it, in columns from 0.
    wanted: usize,
    /// What is before it in what comes out, in columns.
    width: usize,
}

struct Layout<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// Of each comment, whether its node goes on behind it.
    goes_on: Vec<bool>,
    newline: &'static str,
    depth: usize,
    /// Whether a node has begun that may go on.
    in_node: bool,
    /// Whether what a `/-` takes out is still to come: no end of a line ends anything before.
    taking_out: bool,
    /// What goes before each token.
    gaps: Vec<String>,
    trailing: Vec<Trailing>,
}

impl<'a> Layout<'a> {
    fn of(text: &'a str) -> Self {
        let tokens = tokens(text);
        // The first line that ends outside a string or comment says how all of them do.
        let mut at = 0;
        let mut first = "";
        for token in tokens
            .iter()
            .map(|t| t.span.clone())
            .chain(iter::once(text.len()..text.len()))
        {
            let gap = &text[at..token.start];
            if let Some(line) = (0..gap.len())
                .filter(|i| gap.is_char_boundary(*i))
                .find(|i| newline(&gap[*i..]) > 0)
            {
                first = &gap[line..];
                break;
            }
            at = token.end;
        }
        Self {
            text,
            goes_on: goes_on(&tokens),
            tokens,
            newline: if first.starts_with("\r\n") {
                "\r\n"
            } else {
                "\n"
            },
            depth: 0,
            in_node: false,
            taking_out: false,
            gaps: Vec::new(),
            trailing: Vec::new(),
        }
    }

    fn edits(mut self) -> Vec<Edit> {
        let (mut line, mut width) = (0, 0);
        for index in 0..self.tokens.len() {
            let gap = self.gap(index);
            self.follow(index);
            (line, width) = advance(line, width, &gap);
            let token = &self.tokens[index];
            if token.kind == Kind::LineComment && gap == " " {
                self.trailing.push(Trailing {
                    gap: index,
                    line,
                    wanted: column(self.text, token.span.start),
                    width: width - 1,
                });
            }
            (line, width) = advance(line, width, &self.text[token.span.clone()]);
            self.gaps.push(gap);
        }
        self.align();
        let mut edits = Vec::new();
        let mut at = 0;
        let last = match self.tokens.iter().any(|t| t.kind != Kind::Mark) {
            true => self.newline,
            false => "",
        };
        let ends = iter::once(self.text.len()..self.text.len());
        let spans = self.tokens.iter().map(|t| t.span.clone()).chain(ends);
        for (span, gap) in spans.zip(self.gaps.iter().map(String::as_str).chain([last])) {
            if &self.text[at..span.start] != gap {
                edits.push(Edit {
                    span: at..span.start,
                    text: gap.to_owned(),
                });
            }
            at = span.end;
        }
        edits
    }

    /// A new line at that depth, after a blank one where there was one.
    fn line(&self, depth: usize, blank: bool) -> String {
        let lines = self.newline.repeat(1 + usize::from(blank));
        format!("{lines}{}", " ".repeat(depth * INDENT))
    }

    /// What goes before a token.
    fn gap(&self, index: usize) -> String {
        use Kind::*;
        let (kind, gap) = (self.tokens[index].kind, self.tokens[index].before);
        let before = index.checked_sub(1).map(|i| &self.tokens[i]);
        let Some(before) = before.filter(|t| t.kind != Mark) else {
            return String::new();
        };
        // Of a `\` with nothing behind its comment, the end of the line is one after all.
        let taken_back = usize::from(before.kind == LineComment && before.held);
        let blank = gap.lines > 0 && gap.lines + taken_back > 1;
        // Behind a line that is continued, and behind a `/-`, the node is as it was.
        let depth = self.depth + usize::from(self.in_node);
        match (before.kind, kind) {
            (Open, Close) => String::new(),
            (_, Close) => self.line(self.depth.saturating_sub(1), false),
            (LineComment, _) => {
                let continued = self.in_node || self.taking_out;
                self.line(depth, blank && !continued)
                    + if continued && kind == LineComment && self.tokens[index].held {
                        "\\ "
                    } else {
                        ""
                    }
            }
            (Open, LineComment) if gap.lines == 0 => " ".to_owned(),
            (Open, _) => self.line(self.depth, false),
            _ if self.taking_out => match kind {
                // What is taken out of a node clings to its sign; nodes and blocks do not.
                Word | OpenType if self.in_node && before.kind == Slashdash => String::new(),
                _ => " ".to_owned(),
            },
            (_, LineComment) if gap.lines == 0 => {
                match self.in_node && !gap.semicolon && self.goes_on[index] {
                    true => " \\ ".to_owned(),
                    false => " ".to_owned(),
                }
            }
            _ if gap.ends_node() => self.line(self.depth, blank),
            (Equals | OpenType | CloseType, _) | (_, Equals | CloseType) => String::new(),
            (_, Open) => " ".to_owned(),
            _ if gap.continued && self.in_node => format!(" \\{}", self.line(depth, false)),
            _ => " ".to_owned(),
        }
    }

    /// What a token changes for those behind it.
    fn follow(&mut self, index: usize) {
        let Token { kind, before, .. } = self.tokens[index];
        if before.ends_node() && !self.taking_out {
            self.in_node = false;
        }
        match kind {
            Kind::Slashdash => self.taking_out = true,
            Kind::BlockComment | Kind::Mark => {}
            Kind::LineComment => {
                self.in_node &= self.taking_out || self.goes_on[index];
            }
            Kind::Open => {
                self.depth += 1;
                self.in_node = false;
                self.taking_out = false;
            }
            Kind::Close => {
                self.depth = self.depth.saturating_sub(1);
                self.in_node = true;
            }
            _ => {
                self.in_node = true;
                self.taking_out = false;
            }
        }
    }

    /// Comments in lines that follow each other stay in one column where their author put them in one.
    fn align(&mut self) {
        let belong = |a: &Trailing, b: &Trailing| b.line == a.line + 1 && b.wanted == a.wanted;
        for run in self.trailing.chunk_by(belong) {
            let widest = run.iter().map(|t| t.width).max().unwrap_or(0);
            for trailing in run {
                self.gaps[trailing.gap] = " ".repeat(widest - trailing.width + 1);
            }
        }
    }
}

/// Of each comment, whether its node goes on behind it: a `\` before it takes the end of its line back.
fn goes_on(tokens: &[Token]) -> Vec<bool> {
    let mut all = vec![false; tokens.len()];
    for index in (1..tokens.len()).rev() {
        let (comment, next) = (&tokens[index - 1], &tokens[index]);
        let over = next.before.ends_node() || next.kind == Kind::Close;
        all[index - 1] = comment.held && !over && (next.kind != Kind::LineComment || all[index]);
    }
    all
}

/// The line and column behind a text that begins there; both from 0.
fn advance(line: usize, column: usize, text: &str) -> (usize, usize) {
    let lines = text.matches('\n').count();
    match text.rsplit_once('\n') {
        Some((_, last)) => (line + lines, last.chars().count()),
        None => (line, column + text.chars().count()),
    }
}

/// The column of a byte in its line, from 0.
fn column(text: &str, at: usize) -> usize {
    let before = text[..at].chars().rev();
    let line = before.take_while(|c| newline(c.encode_utf8(&mut [0; 4])) == 0);
    line.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::decode::decode;
    use crate::language::sharing::Defaults;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            path: "x".into(),
            text: text.into(),
        })
    }

    /// Laid out; `None` where it does not parse.
    fn laid_out(text: &str) -> Option<String> {
        match edits(&source(text)) {
            Ok(edits) => Some(apply(text, &edits)),
            Err(found) => {
                assert!(found.iter().all(|d| d.code != "fmt::not-kept"), "{text:?}");
                None
            }
        }
    }

    /// What a text means, or what is wrong with that.
    fn meaning(text: &str) -> String {
        let source = source(text);
        let decoded = decode(&source, &parse(&source).unwrap(), &Defaults::default()).remove(0);
        let found = decoded.found.iter().map(|d| (d.code, &d.message));
        format!("{:?}{:?}", decoded.spec, found.collect::<Vec<_>>())
    }

    /// Every KDL file of the tree, but for those that are built.
    fn corpus() -> Vec<String> {
        fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                let name = entry.file_name();
                if path.is_dir() && name != "target" && name != ".git" {
                    walk(&path, files);
                } else if path.extension().is_some_and(|e| e == "kdl") {
                    files.push(path);
                }
            }
        }
        let mut files = Vec::new();
        walk(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
            &mut files,
        );
        files.sort();
        // Registers and kernels are written as these are, only at length.
        let texts: Vec<String> = files
            .iter()
            .filter_map(|f| fs::read_to_string(f).ok())
            .filter(|text| text.len() < 8000)
            .collect();
        assert!(texts.len() > 200, "only {} files", texts.len());
        texts
    }

    /// Holds what each text becomes, and that this stays as it is.
    fn laid_out_as(cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(laid_out(text).as_deref(), Some(*expected), "{text:?}");
            let again = laid_out(expected);
            assert_eq!(again.as_deref(), Some(*expected), "{expected:?}");
        }
    }

    #[test]
    fn one_layout() {
        laid_out_as(&[
            ("", ""),
            ("\n \n", ""),
            ("a  1\tb = 2", "a 1 b=2\n"),
            ("a 0x00_ff 1.50 #true r", "a 0x00_ff 1.50 #true r\n"),
            ("a{b;c{d}}", "a {\n    b\n    c {\n        d\n    }\n}\n"),
            ("a { }\n\n\n\nb {\n\n  c\n\n}", "a {}\n\nb {\n    c\n}\n"),
            ("a ; b // x \nc;", "a\nb // x\nc\n"),
            ("a { // x\n b // y\n}// z", "a { // x\n    b // y\n} // z\n"),
            ("  // x\n\n\n// y\na", "// x\n\n// y\na\n"),
            (
                "/* x */ a /* y */ 1 /*z*/\n/*w*/\nb",
                "/* x */ a /* y */ 1 /*z*/\n/*w*/\nb\n",
            ),
            (
                "a \\\n  b \\  // x\n c \\\n",
                "a \\\n    b \\ // x\n    c\n",
            ),
            ("a \\ // x\n\nb", "a // x\n\nb\n"),
            ("a; \\ // x\n b", "a // x\nb\n"),
            ("a \\\n { b; }", "a {\n    b\n}\n"),
            ("\\\na", "a\n"),
            (
                "/-  a 1\n/-\nb /- c /-  d=1 /- { e; }",
                "/- a 1\n/- b /-c /-d=1 /- {\n    e\n}\n",
            ),
            ("/- // x\na", "/- // x\na\n"),
            ("( t )a ( u )  1 p = (v) 2", "(t)a (u)1 p=(v)2\n"),
            (
                "a \"\"\"\n      b\n    c\n    \"\"\" d",
                "a \"\"\"\n      b\n    c\n    \"\"\" d\n",
            ),
            ("a #\"\\\"# \"\\\"\"  b", "a #\"\\\"# \"\\\"\" b\n"),
            ("\u{feff}\n a", "\u{feff}a\n"),
            ("a\r\n  b\nc", "a\r\nb\r\nc\r\n"),
            (
                "a \"\"\"\n  x\n  \"\"\"\r\nb",
                "a \"\"\"\n  x\n  \"\"\"\r\nb\r\n",
            ),
        ]);
    }

    #[test]
    fn comments_stay_below_each_other() {
        laid_out_as(&[
            (
                "a      // 1\nbbb 1  // 2\nc // 3",
                "a     // 1\nbbb 1 // 2\nc // 3\n",
            ),
            ("a  // 1\rbb // 2", "a  // 1\nbb // 2\n"),
            (
                "a {     // 1\n  é     // 2\n\n  c     // 3\n}",
                "a {   // 1\n    é // 2\n\n    c // 3\n}\n",
            ),
        ]);
    }

    #[test]
    fn examples_are_laid_out() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let files = fs::read_dir(folder).unwrap().flatten().map(|e| e.path());
        let specs = files.filter(|p| p.extension().is_some_and(|e| e == "kdl"));
        let texts: Vec<String> = specs.map(|p| fs::read_to_string(p).unwrap()).collect();
        assert!(texts.len() > 4);
        for text in texts {
            assert_eq!(laid_out(&text).as_ref(), Some(&text));
        }
    }

    /// Numbers that are the same in every run (SplitMix64).
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % limit as u64) as usize
        }
    }

    /// Texts that are put where chance has it; the last of them takes something away.
    const SPLICES: [&str; 26] = [
        " ",
        "\n",
        "\r\n",
        "\n\n\n",
        ";",
        " \\\n",
        " \\ // c\n",
        " // d\n",
        "// e\r",
        "/- ",
        "/-\n",
        "/- // f\n",
        "/* g */",
        " /* h\n */ ",
        " = ",
        "( t )",
        "{",
        "}",
        " { i 1; }",
        "j=2",
        " \"k \\\" l\" ",
        "\t",
        "\u{a0}",
        "\u{2028}",
        " #\"m\\\"# ",
        "",
    ];

    #[test]
    fn no_layout_changes_a_meaning_and_none_is_changed_twice() {
        let corpus = corpus();
        let small: Vec<&String> = corpus.iter().filter(|t| t.len() < 500).collect();
        let mut chance = Chance(12);
        let mut parsed = 0;
        let mutants = (0..MUTANTS).map(|_| {
            let mut text = small[chance.below(small.len())].clone();
            for _ in 0..=chance.below(3) {
                let at = text.floor_char_boundary(chance.below(text.len() + 1));
                let splice = SPLICES[chance.below(SPLICES.len())];
                let end = match splice {
                    "" => text.ceil_char_boundary((at + 1 + chance.below(4)).min(text.len())),
                    _ => at,
                };
                text.replace_range(at..end, splice);
            }
            text
        });
        for text in corpus.iter().cloned().chain(mutants) {
            let Some(once) = laid_out(&text) else {
                continue;
            };
            parsed += 1;
            assert_eq!(meaning(&text), meaning(&once), "{text:?} {once:?}");
            assert_eq!(Layout::of(&once).edits(), [], "{text:?}");
        }
        assert!(
            parsed > corpus.len() / 2 + MUTANTS / 4,
            "only {parsed} parse"
        );
    }

    /// How many changed texts are looked at.
    const MUTANTS: usize = 250;

    #[test]
    fn what_is_too_much_is_refused_or_kept() {
        let nested = |depth: usize| "a {".repeat(depth) + &"}".repeat(depth);
        let deep = laid_out(&nested(32)).unwrap();
        assert!(deep.contains(&format!("\n{}a {{}}\n", " ".repeat(31 * 4))));
        assert_eq!(laid_out(&nested(33)), None);
        assert_eq!(laid_out(&nested(100_000)), None);
        // A megabyte in one line.
        assert_eq!(laid_out(&"a;".repeat(500_000)), None);
        let comments = "\\//\n".repeat(1_000) + "a";
        assert!(laid_out(&comments).is_some());
        let text = format!("a \"{}\"", "é".repeat(60_000));
        assert_eq!(laid_out(&text), Some(format!("{text}\n")));
    }
}
