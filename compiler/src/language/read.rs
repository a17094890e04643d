//! From a file's bytes to a KDL tree, or to plain words about why not.

use super::decode::{ENTRIES_MAX, too_many};
use super::scan::{conflict, scan};
use super::token::{Kind, Token, tokens};
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::location::Source;
use kdl::{KdlDocument, KdlError};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use vmlock_spec::words;

/// Largest file of a user that is read, in bytes.
pub const SIZE_MAX: usize = 1 << 20;
/// Errors of the parser that are shown; further ones mostly follow from the first.
const SYNTAX_ERRORS_MAX: usize = 3;
/// Findings of the first look that are shown: each is a mistake of its own.
const FIRST_LOOK_MAX: usize = 10;
/// The parser recurses; its depth is bounded by [`super::scan::DEPTH_MAX`], and
/// this much stack holds that even in a debug build.
const STACK_BYTES: usize = 16 << 20;

/// Why a file could not be had.
#[derive(Debug)]
pub enum Unreadable {
    /// The system said no: nothing is wrong with the text.
    Io(std::io::Error),
    /// The bytes are no text that is parsed here.
    Bytes(Box<Diagnostic>),
}

/// Reads a text file of a user: at most 1 MiB of UTF-8.
///
/// # Errors
/// [`Unreadable`] says whether the system or the bytes are at fault.
pub fn read_source(path: &Path, shown: &str) -> Result<Arc<Source>, Unreadable> {
    let bytes = files::read(path, SIZE_MAX).map_err(Unreadable::Io)?;
    source_of(bytes, shown).map_err(Unreadable::Bytes)
}

/// Bytes as a text of a user: at most 1 MiB of UTF-8.
///
/// # Errors
/// What is wrong with the bytes.
pub fn source_of(bytes: Vec<u8>, shown: &str) -> Result<Arc<Source>, Box<Diagnostic>> {
    let bad = |d: Diagnostic| Err(Box::new(d));
    if bytes.len() > SIZE_MAX {
        return bad(Diagnostic::error(
            "spec::too-large",
            format!("`{shown}` is larger than 1 MiB"),
        )
        .in_file(shown)
        .help("a description has some 20 lines; is this the right file?"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Arc::new(Source {
            path: shown.to_owned(),
            text,
        })),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let byte = bytes[offset];
            // The valid part is enough to point with.
            let valid = String::from_utf8_lossy(&bytes[..offset]).into_owned();
            let line = valid.matches('\n').count() + 1;
            let words =
                format!("`{shown}` is not UTF-8: byte {byte:#04x} at offset {offset}, line {line}");
            bad(Diagnostic::error("spec::not-utf-8", words)
                .in_file(shown)
                .help(match bytes.get(..2) {
                    Some([0xff, 0xfe] | [0xfe, 0xff]) => {
                        "save the file as UTF-8: it is UTF-16, as some editors and PowerShell's `>` write it"
                    }
                    _ => "save the file as UTF-8",
                }))
        }
    }
}

/// Parses KDL.
///
/// # Errors
/// What is wrong with the text: what the first look finds, else the parser's
/// first three errors.
pub fn parse(source: &Arc<Source>) -> Result<KdlDocument, Vec<Diagnostic>> {
    looked_at(source)?;
    parse_tokens(source, &tokens(&source.text))
}

/// Parses a description: one with too many entries is refused before that, which takes a parser long.
///
/// # Errors
/// As [`parse`], and that there are too many.
pub fn parse_description(source: &Arc<Source>) -> Result<KdlDocument, Vec<Diagnostic>> {
    looked_at(source)?;
    let tokens = tokens(&source.text);
    match entries(&tokens) {
        Some(count) if count > ENTRIES_MAX => Err(vec![too_many(source, count)]),
        _ => parse_tokens(source, &tokens),
    }
}

/// Whether a text has one machine at most, where that is plain to see: `vm` stands once in it as a word, comments and
/// strings included, and nothing is spelt with escapes.
pub fn has_one_machine(text: &str) -> bool {
    // What cannot stand beside a whole word; other bytes may.
    let of_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let bytes = text.as_bytes();
    let is_word = |at: &usize| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !before.is_some_and(of_word) && !bytes.get(at + 2).is_some_and(of_word)
    };
    let words = text.match_indices("vm").map(|(at, _)| at).filter(is_word);
    words.take(2).count() < 2 && !bytes.contains(&b'\\')
}

/// What the machines of a text are called, where that is plain to see: each name in quotes, with nothing to unescape and
/// nothing taken out by `/-`. `None` where it takes the parser to know.
pub fn machine_names(source: &Arc<Source>) -> Option<Vec<String>> {
    looked_at(source).ok()?;
    let tokens = tokens(&source.text);
    // Behind either of them a gap is not all that decides whether a node ends.
    if tokens
        .iter()
        .any(|t| t.held || t.kind == Kind::BlockComment)
    {
        return None;
    }
    let comment = |t: &&Token| t.kind != Kind::LineComment;
    let mut tokens = tokens.iter().filter(comment).peekable();
    let text = |token: &Token| source.text.get(token.span.clone());
    let (mut names, mut depth, mut begins) = (Vec::new(), 0_usize, true);
    while let Some(token) = tokens.next() {
        let is_first = begins || token.before.ends_node();
        begins = false;
        match token.kind {
            Kind::Slashdash | Kind::Mark => return None,
            Kind::Open => {
                depth += 1;
                begins = true;
            }
            Kind::Close => {
                depth = depth.checked_sub(1)?;
                begins = true;
            }
            // `"vm"` is the same name, and `(…)vm` has begun already.
            Kind::Word if depth == 0 && is_first && text(token)?.starts_with(['"', '#']) => {
                return None;
            }
            Kind::Word if depth == 0 && is_first && text(token)? != "vm" => {}
            Kind::Word if depth == 0 && is_first => {
                let name = tokens.next().filter(|next| !next.before.ends_node())?;
                let quoted = text(name)?.strip_prefix('"')?.strip_suffix('"')?;
                let is_property = tokens.peek().is_some_and(|t| t.kind == Kind::Equals);
                let plain = !is_property && !quoted.contains(['"', '\\', '\n']);
                names.push(plain.then(|| quoted.to_owned())?);
            }
            Kind::OpenType if depth == 0 => return None,
            _ => {}
        }
    }
    Some(names)
}

/// What the first look finds.
fn looked_at(source: &Arc<Source>) -> Result<(), Vec<Diagnostic>> {
    if let Some(conflict) = conflict(source) {
        return Err(vec![conflict]);
    }
    let found = scan(source);
    match found.is_empty() {
        true => Ok(()),
        false => Err(limited(found, FIRST_LOOK_MAX)),
    }
}

/// Nodes, values and properties of a text that parses; `None` where a `/-` takes some out.
fn entries(tokens: &[Token]) -> Option<usize> {
    let count = |kind| tokens.iter().filter(|t| t.kind == kind).count();
    // A property is two words, and a type's name is one that counts for nothing.
    let others = count(Kind::Equals) + count(Kind::OpenType);
    (count(Kind::Slashdash) == 0).then(|| count(Kind::Word).saturating_sub(others))
}

/// A blank of three bytes: a third of the characters for the parser to look at.
const WIDE: &str = "\u{3000}";

/// The text with blanks where its comments are, as many bytes of them: the parser takes sixty times as long for a comment.
fn without_comments(text: &str, tokens: &[Token]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for token in tokens {
        let comment = matches!(token.kind, Kind::LineComment | Kind::BlockComment);
        let words = &text[token.span.clone()];
        // What may not stand in a comment either, the parser tells of.
        let line = |line: &str| words::printable(line).len() == line.len();
        if !comment || !words.lines().all(line) {
            continue;
        }
        out.push_str(&text[at..token.span.start]);
        out.push_str(&WIDE.repeat(words.len() / WIDE.len()));
        out.push_str(&" ".repeat(words.len() % WIDE.len()));
        at = token.span.end;
    }
    out.push_str(&text[at..]);
    out
}

fn parse_tokens(source: &Arc<Source>, tokens: &[Token]) -> Result<KdlDocument, Vec<Diagnostic>> {
    let text = without_comments(&source.text, tokens);
    let parser = thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || KdlDocument::parse_v2(&text));
    let result: Result<KdlDocument, KdlError> = match parser.map(|p| p.join()) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => {
            let words = format!("cannot start the parser's thread: {error}");
            return Err(vec![
                Diagnostic::error("spec::syntax", words).in_file(&source.path),
            ]);
        }
    };
    result.map_err(|error| {
        let found = error.diagnostics.iter().map(|d| words(source, d));
        limited(found.collect(), SYNTAX_ERRORS_MAX)
    })
}

/// The parser's words, in ours.
fn words(source: &Arc<Source>, error: &kdl::KdlDiagnostic) -> Diagnostic {
    let start = error.span.offset().min(source.text.len());
    let end = start
        .saturating_add(error.span.len())
        .min(source.text.len());
    let message = error.message.as_deref().unwrap_or("this is not KDL");
    // An error that spans lines is about where it begins.
    let first_line = source.text.get(start..end).unwrap_or("");
    let length = first_line.find('\n').unwrap_or(first_line.len());
    let label = error.label.as_deref().unwrap_or("here");
    let diagnostic = Diagnostic::error("spec::syntax", message.trim_end_matches('.')).at(
        source,
        start..start + length,
        label,
    );
    match &error.help {
        Some(help) => diagnostic.help(help.trim_end_matches('.')),
        None => diagnostic,
    }
}

fn limited(mut found: Vec<Diagnostic>, most: usize) -> Vec<Diagnostic> {
    let more = found.len().saturating_sub(most);
    found.truncate(most);
    if more > 0
        && let Some(last) = found.last_mut()
    {
        let errors = match more {
            1 => "syntax error is",
            _ => "syntax errors are",
        };
        let note = format!("{more} more {errors} not shown: fix these first");
        last.help.push(note);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            path: "x".into(),
            text: text.into(),
        })
    }

    #[test]
    fn machines_are_named_without_the_parser_as_with_it() {
        let parsed = |text: &str| {
            let document = parse(&source(text)).ok()?;
            let vms = document.nodes().iter().filter(|n| n.name().value() == "vm");
            let name = |vm: &kdl::KdlNode| {
                let first = vm.entries().iter().find(|e| e.name().is_none())?;
                Some(first.value().as_string()?.to_owned())
            };
            Some(vms.map(name).collect::<Vec<Option<String>>>())
        };
        let plain = [
            "",
            "vm \"a\"",
            "// vm \"c\"\ndefaults { vm \"b\" }\nvm \"a\" from=\"b\" { cpu \"x\"; }\nvm \"b\"",
            "import \"vm\"; vm \"a b\" { }\n\nvm \"d\" // d",
            "other vm \"a\"\nvm \\\n \"a\"",
        ];
        for text in plain {
            let names = machine_names(&source(text)).expect(text);
            let names: Vec<Option<String>> = names.into_iter().map(Some).collect();
            assert_eq!(Some(names), parsed(text), "{text}");
        }
        let odd = [
            "vm a",
            "vm",
            "vm 1",
            "vm\n\"a\"",
            "vm \"\\u{61}\"",
            "vm #\"a\"#",
            "vm \"\"\"\n a\n \"\"\"",
            "vm \"a\"=1",
            "vm \"a\"=1 \"b\"",
            "\"vm\" \"a\"",
            "(t)vm \"a\"",
            "vm (t)\"a\"",
            "vm from=\"b\" \"a\"",
            "/-vm \"b\"\nvm \"a\"",
            "vm /-\"b\" \"a\"",
            "vm \"a\" {",
            "} vm \"a\"",
            "x\n/* c */ vm \"a\"",
            "x;/* c */vm \"a\"",
            "vm\n/* c */ \"a\"",
            "x \\ // c\n vm \"a\"",
        ];
        for text in odd {
            assert_eq!(machine_names(&source(text)), None, "{text}");
        }
        // Whatever stands beside what: the parser says the same of all that it reads.
        let pieces = [
            "vm ", "vm ", "vm", " ", "\"a\"", "\"a\"", "\"b\"", "\n", "\n", ";", "/*c*/", "//c\n",
            "\\\n", " {", "}", "x", "x ", "/-", "=1", "(t)",
        ];
        let (mut state, mut compared) = (1_u64, 0);
        for _ in 0..15_000 {
            let mut text = String::new();
            for _ in 0..6 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                text += pieces[(state >> 33) as usize % pieces.len()];
            }
            let names = machine_names(&source(&text));
            if let (Some(names), Some(parsed)) = (names, parsed(&text)) {
                let names: Vec<Option<String>> = names.into_iter().map(Some).collect();
                assert_eq!(names, parsed, "{text}");
                compared += usize::from(!parsed.is_empty());
            }
        }
        assert!(compared > 20, "{compared}");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let mut read = 0;
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let text = match entry.path().to_string_lossy().ends_with(".vm.kdl") {
                true => fs::read_to_string(entry.path()).unwrap(),
                false => continue,
            };
            let names = machine_names(&source(&text)).expect("an ordinary file is plain");
            let names: Vec<Option<String>> = names.into_iter().map(Some).collect();
            assert_eq!(Some(names), parsed(&text), "{entry:?}");
            read += 1;
        }
        assert!(read > 3);
    }

    /// Everything that a tree says, and where.
    fn told(document: &KdlDocument) -> String {
        let of = |node: &kdl::KdlNode| {
            let entry = |e: &kdl::KdlEntry| {
                let name = e.name().map(|n| n.value().to_owned());
                format!(" {name:?} {:?} {:?}", e.value(), e.span())
            };
            let entries: String = node.entries().iter().map(entry).collect();
            let inner = node.children().map(told).unwrap_or_default();
            let span = node.name().span();
            format!("({} {span:?}{entries}{inner})", node.name().value())
        };
        document.nodes().iter().map(of).collect()
    }

    #[test]
    fn comments_change_nothing_but_time() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let files = fs::read_dir(folder).unwrap().flatten().map(|e| e.path());
        let specs = files.filter(|path| path.extension().is_some_and(|e| e == "kdl"));
        let mut texts: Vec<String> = specs.map(|p| fs::read_to_string(p).unwrap()).collect();
        assert!(texts.len() > 4);
        let tricky = [
            "a /* \n */ 1 // é\nb \"// x\" /*🦀*/ 2",
            "a \\ // x\n 1\nb /* /* */ */ { /* } */ c }",
            "/- /* x */ a\nb /- /* y */ 1 2 // z",
            "a \"\"\"\n  // x\n  \"\"\" #\"/* \"#\r\n// y\r\nb",
            "// only",
        ];
        texts.extend(tricky.map(str::to_owned));
        for text in texts {
            let raw = KdlDocument::parse_v2(&text).unwrap();
            let ours = parse(&source(&text)).unwrap();
            assert_eq!(told(&raw), told(&ours), "{text:?}");
        }
    }

    #[test]
    fn one_machine_is_plain_to_see_and_never_two_are_taken_for_it() {
        let kept = "vm \"w\" {\n boot kernel=\"vmlinuz\" // of kvm-6.8's vm-x\n}\n";
        for one in [kept, "", "a", "/-vm \"a\"\nvm \"b\"", "(a)vm \"a\""] {
            assert!(has_one_machine(one), "{one}");
        }
        for more in [
            "vm \"a\"\nvm \"b\"",
            "vm \"a\";vm \"b\"",
            "\"vm\" \"a\"\n#\"vm\"# \"b\"",
            "vm \"a\"\n\"\\u{76}m\" \"b\"",
            "vm \"a\"{};/**/vm \"b\"",
            "(a)vm \"a\"\n(b)vm /-1 \"b\"",
            "\"\"\"\nvm\n\"\"\" \"a\"\nvm \"b\"",
            "\u{feff}vm \"a\"\nvm \"b\"",
        ] {
            let document = KdlDocument::parse_v2(more).unwrap();
            let named = document.nodes().iter().filter(|n| n.name().value() == "vm");
            assert_eq!(named.count(), 2, "{more}");
            assert!(!has_one_machine(more), "{more}");
        }
    }

    /// What takes the parser long is counted, not timed: of ten thousand lines of comments it sees blanks alone.
    #[test]
    fn the_parser_sees_no_comment_and_not_too_many_entries() {
        let text = "vm \"w\" {\n".to_owned() + &"    // why\n".repeat(10_000) + "}\n";
        let left = without_comments(&text, &tokens(&text));
        assert_eq!(left.len(), text.len());
        assert_eq!(
            left.split_whitespace().collect::<Vec<_>>(),
            ["vm", "\"w\"", "{", "}"]
        );
        // As many as a description may have, and one more.
        let most = "a b=1 (t)\"c\" {\n    d\n}\n".repeat(ENTRIES_MAX / 4);
        assert_eq!(entries(&tokens(&most)), Some(ENTRIES_MAX));
        assert!(parse_description(&source(&most)).is_ok());
        let more = most + "e";
        let found = parse_description(&source(&more)).unwrap_err();
        assert_eq!(found[0].code, "spec::too-large");
        // One that is taken out counts for nothing, so that is left to who has parsed it.
        assert_eq!(entries(&tokens("a /- b")), None);
    }
}
