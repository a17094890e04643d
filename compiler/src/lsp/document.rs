//! Texts that an editor has open: what stands there counts, and not what the disk has.

use super::digests::Digests;
use super::position::{Encoding, Lines};
use crate::language::reach::{Disk, Reach};
use crate::language::read::{SIZE_MAX, Unreadable, source_of};
use crate::location::Source;
use crate::uri;
use gen_lsp_types::{Range, TextDocumentContentChangeEvent};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// An open text.
#[derive(Clone, Debug)]
pub struct Document {
    /// How the client calls it.
    pub uri: String,
    /// Its file, or a name for one that has none.
    pub path: PathBuf,
    /// Whether it has a file.
    pub on_disk: bool,
    /// The client's count of its changes.
    pub version: i32,
    pub text: String,
    pub lines: Lines,
}

impl Document {
    /// One that was opened.
    pub fn new(uri: String, version: i32, text: String) -> Self {
        let file = uri::to_path(&uri);
        let on_disk = file.is_some();
        // A text that was never saved is called something like `untitled:Untitled-1`.
        let other = || PathBuf::from(uri.rsplit([':', '/']).next().unwrap_or("untitled"));
        Self {
            path: file.map_or_else(other, |file| plain(&file)),
            on_disk,
            version,
            lines: Lines::of(&text),
            text,
            uri,
        }
    }

    /// Follows one change of the editor's. Places that there are none of mean the nearest.
    pub fn change(&mut self, change: TextDocumentContentChangeEvent, encoding: Encoding) {
        let (range, text) = match change {
            TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                (part.range, part.text)
            }
            TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
                self.lines = Lines::of(&whole.text);
                self.text = whole.text;
                return;
            }
        };
        let start = self.lines.offset(&self.text, range.start, encoding);
        let end = self
            .lines
            .offset(&self.text, range.end, encoding)
            .max(start);
        self.text.replace_range(start..end, &text);
        self.lines.edit(&self.text, start..end, text.len());
    }

    /// A span as a range.
    pub fn range(&self, span: std::ops::Range<usize>, encoding: Encoding) -> Range {
        self.lines.range(&self.text, span, encoding)
    }

    /// The text as diagnostics point into it.
    ///
    /// # Errors
    /// What is wrong with it where it is too long.
    pub fn source(&self) -> Result<Arc<Source>, Box<crate::diagnostic::Diagnostic>> {
        let shown = self.path.display().to_string();
        match self.text.len() > SIZE_MAX {
            true => source_of(self.text.clone().into_bytes(), &shown),
            false => Ok(Arc::new(Source {
                path: shown,
                text: self.text.clone(),
            })),
        }
    }
}

/// A change as a client sends it. One with a range is never taken for a whole text, whatever is wrong with it.
///
/// # Errors
/// What it is not.
pub fn change_of(change: Value) -> Result<TextDocumentContentChangeEvent, serde_json::Error> {
    match change["range"].is_null() {
        true => serde_json::from_value(change)
            .map(TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument),
        false => serde_json::from_value(change)
            .map(TextDocumentContentChangeEvent::TextDocumentContentChangePartial),
    }
}

/// A path without `.` and `..`: two ways to write one are one.
pub fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// A text of the disk as clients have it: without a byte order mark.
fn unmarked(source: Arc<Source>) -> Arc<Source> {
    match source.text.strip_prefix('\u{feff}') {
        Some(text) => Arc::new(Source {
            path: source.path.clone(),
            text: text.to_owned(),
        }),
        None => source,
    }
}

/// All that is open, and what is known of large files.
#[derive(Default)]
pub struct Documents {
    open: BTreeMap<String, Document>,
    pub digests: Digests,
}

impl Documents {
    /// The one that the client calls so.
    pub fn get(&self, uri: &str) -> Option<&Document> {
        self.open.get(uri)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, uri: &str) -> Option<&mut Document> {
        self.open.get_mut(uri)
    }

    /// One that is opened; again, where the client says it twice.
    pub fn open(&mut self, document: Document) {
        self.open.insert(document.uri.clone(), document);
    }

    /// One that is closed.
    pub fn close(&mut self, uri: &str) {
        self.open.remove(uri);
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Document> {
        self.open.values()
    }

    /// The one of that file.
    pub fn of_path(&self, path: &Path) -> Option<&Document> {
        let path = plain(path);
        self.all().find(|document| document.path == path)
    }

    /// The text of a file: what is open, else what the disk has.
    ///
    /// # Errors
    /// As [`Reach::source`].
    pub fn text(&self, path: &Path) -> Result<Document, Unreadable> {
        if let Some(open) = self.of_path(path) {
            return Ok(open.clone());
        }
        let source = Disk
            .source(path, &path.display().to_string())
            .map(unmarked)?;
        let mut document = Document::new(uri::of_path(path), 0, source.text.clone());
        document.path = path.to_owned();
        Ok(document)
    }
}

impl Reach for Documents {
    fn source(&self, path: &Path, shown: &str) -> Result<Arc<Source>, Unreadable> {
        match self.of_path(path) {
            Some(open) => {
                source_of(open.text.clone().into_bytes(), shown).map_err(Unreadable::Bytes)
            }
            None => Disk.source(path, shown).map(unmarked),
        }
    }

    fn digest(&self, file: File, bytes: u64) -> io::Result<Option<String>> {
        self.digests.of(file, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::chance::{Chance, edits};
    use gen_lsp_types::{
        Position, TextDocumentContentChangePartial, TextDocumentContentChangeWholeDocument,
    };

    const INSERTED: [&str; 14] = [
        "",
        "a",
        "\n",
        "\r\n",
        "\r",
        "🦀",
        "é\n",
        "\"",
        "{\n",
        "}",
        "vm \"x\" {\n",
        "// 👩‍🚀\r",
        "\u{2028}",
        " ",
    ];

    /// The text as a list of lines, each with its end: what a position means, said in another way.
    struct Model(Vec<String>);

    impl Model {
        fn of(text: &str) -> Self {
            let mut lines = vec![String::new()];
            let mut chars = text.chars().peekable();
            while let Some(c) = chars.next() {
                let last = lines.last_mut().unwrap();
                last.push(c);
                if c == '\n' || (c == '\r' && chars.peek() != Some(&'\n')) {
                    lines.push(String::new());
                }
            }
            Self(lines)
        }

        fn offset(&self, position: Position) -> usize {
            let line = position.line as usize;
            if line >= self.0.len() {
                return self.0.iter().map(String::len).sum();
            }
            let before: usize = self.0[..line].iter().map(String::len).sum();
            let mut units = 0;
            let mut at = 0;
            for c in self.0[line].chars().filter(|c| !"\r\n".contains(*c)) {
                units += c.len_utf16();
                if units > position.character as usize {
                    break;
                }
                at += c.len_utf8();
            }
            before + at
        }
    }

    /// Random edits, followed here and in the model; `VMLOCK_EDITS` says how many.
    #[test]
    fn a_text_is_what_its_edits_make_of_it() {
        let mut chance = Chance(0x6564_6974);
        let mut document = Document::new("file:///a.vm.kdl".to_owned(), 0, String::new());
        let mut model = String::new();
        for edit in 0..edits(3000) {
            let lines = Model::of(&model);
            let mut position = || Position {
                line: chance.below(lines.0.len() + 2) as u32,
                character: chance.below(12) as u32,
            };
            let (start, end) = (position(), position());
            // Most edits are where the last one was, and small; some take much away.
            let end = match chance.below(8) {
                0 => end,
                _ => Position {
                    line: start.line,
                    character: start.character + chance.below(3) as u32,
                },
            };
            let text = INSERTED[chance.below(INSERTED.len())].repeat(1 + chance.below(2));
            let change = match chance.below(500) {
                0 => TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(
                    TextDocumentContentChangeWholeDocument { text: text.clone() },
                ),
                _ => TextDocumentContentChangeEvent::TextDocumentContentChangePartial(
                    TextDocumentContentChangePartial {
                        range: Range { start, end },
                        text: text.clone(),
                        ..Default::default()
                    },
                ),
            };
            let whole = matches!(
                change,
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(_)
            );
            document.change(change, Encoding::Utf16);
            if whole {
                model = text;
            } else {
                let from = lines.offset(start);
                let to = lines.offset(end).max(from);
                model.replace_range(from..to, &text);
            }
            assert_eq!(document.text, model, "edit {edit}");
            assert_eq!(document.lines, Lines::of(&model), "edit {edit}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_none_of_a_text() {
        let name = format!("vmlock-marked-{}.kdl", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "\u{feff}vm").unwrap();
        let documents = Documents::default();
        assert_eq!(documents.text(&path).unwrap().text, "vm");
        assert_eq!(documents.source(&path, "x").unwrap().text, "vm");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_is_open_counts_for_imports() {
        let mut documents = Documents::default();
        documents.open(Document::new(
            "file:///a/b/own.kdl".to_owned(),
            1,
            "unsaved".to_owned(),
        ));
        let path = Path::new("/a/./c/../b/own.kdl");
        assert_eq!(documents.source(path, "own.kdl").unwrap().text, "unsaved");
        documents.close("file:///a/b/own.kdl");
        assert!(documents.source(path, "own.kdl").is_err());
    }
}
