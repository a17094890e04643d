//! What an answer is made of: an open text, what is known of it, what else is open, and what the client can show.

use super::analysis::Analysis;
use super::cursor::Cursor;
use super::document::{Document, Documents};
use super::position::Encoding;
use gen_lsp_types::{MarkupContent, MarkupKind, Position, Range, TextEdit};
use serde_json::Value;
use std::ops;

/// What the client says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub encoding: Encoding,
    /// Whether it shows further places of a finding.
    pub related: bool,
    /// Whether it shows Markdown where it explains, and where it completes.
    pub markdown: (bool, bool),
    /// Whether a completion can have holes to be filled.
    pub snippets: bool,
    /// Whether symbols can stand in each other.
    pub nested: bool,
    /// Whether an action can make a file.
    pub creates: bool,
    /// Whether it can be asked to watch files.
    pub watches: bool,
    /// Whether it asks for inlay hints anew when it is told to.
    pub refreshes: bool,
    /// Whether findings are sent to it; else it asks for them.
    pub pushed: bool,
}

impl Client {
    /// Of what a client sends with `initialize`.
    pub fn of(params: &Value) -> Self {
        let at = |place: &str| params.pointer(&format!("/capabilities{place}"));
        let can = |place: &str| at(place).and_then(Value::as_bool).unwrap_or_default();
        let lists = |place: &str, word: &str| {
            let list = at(place).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|known| known == word))
        };
        let encodings = at("/general/positionEncodings").and_then(Value::as_array);
        let encodings = encodings.map(Vec::as_slice).unwrap_or_default().iter();
        let pulls = at("/textDocument/diagnostic").is_some();
        Self {
            encoding: Encoding::agreed(encodings.filter_map(Value::as_str)),
            related: can("/textDocument/publishDiagnostics/relatedInformation")
                || can("/textDocument/diagnostic/relatedInformation"),
            markdown: (
                lists("/textDocument/hover/contentFormat", "markdown"),
                lists(
                    "/textDocument/completion/completionItem/documentationFormat",
                    "markdown",
                ),
            ),
            snippets: can("/textDocument/completion/completionItem/snippetSupport"),
            nested: can("/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
            creates: can("/workspace/workspaceEdit/documentChanges")
                && lists("/workspace/workspaceEdit/resourceOperations", "create"),
            watches: can("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            refreshes: can("/workspace/inlayHint/refreshSupport"),
            pushed: at("/textDocument/publishDiagnostics").is_some() || !pulls,
        }
    }
}

/// See the top of the file.
pub struct View<'a> {
    pub document: &'a Document,
    pub analysis: &'a Analysis,
    pub documents: &'a Documents,
    pub client: &'a Client,
}

impl View<'_> {
    /// Whether the text is KDL: a description in its JSON form is its own schema's.
    pub fn is_kdl(&self) -> bool {
        self.document.path.extension().is_none_or(|e| e != "json")
    }

    pub fn text(&self) -> &str {
        &self.document.text
    }

    /// The text at a span.
    pub fn words(&self, span: ops::Range<usize>) -> &str {
        self.text().get(span).unwrap_or("")
    }

    pub fn range(&self, span: ops::Range<usize>) -> Range {
        self.document.range(span, self.client.encoding)
    }

    pub fn offset(&self, position: Position) -> usize {
        let encoding = self.client.encoding;
        self.document.lines.offset(self.text(), position, encoding)
    }

    /// What is at a position.
    pub fn cursor(&self, position: Position) -> Option<Cursor> {
        let offset = self.offset(position);
        Cursor::at(self.text(), &self.analysis.outline, offset).filter(|_| self.is_kdl())
    }

    /// Something else in the place of a span.
    pub fn edit(&self, span: ops::Range<usize>, text: impl Into<String>) -> TextEdit {
        TextEdit {
            range: self.range(span),
            new_text: text.into(),
        }
    }
}

/// Markdown for who can show it, and else the same as plain text.
pub fn marked(markdown: String, shown: bool) -> MarkupContent {
    match shown {
        true => MarkupContent {
            kind: MarkupKind::Markdown,
            value: markdown,
        },
        false => MarkupContent {
            kind: MarkupKind::PlainText,
            value: markdown
                .replace("```text\n", "")
                .replace("```", "")
                .replace("**", "")
                .replace('`', ""),
        },
    }
}
