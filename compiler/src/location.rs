//! Where things stand: source files, byte spans, and the map from a place in a
//! description (a JSON pointer such as `/abi/1`) to the span that says it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the user wrote it.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// A line and a column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Source {
    /// The position of a byte offset; one that is too large means the end.
    pub fn position(&self, offset: usize) -> Position {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }
}

/// Below the place of a word that stands for something, where its whole node stands, block and all.
pub const WHOLE: &str = "/whole";

/// Byte spans by JSON pointer, all in one source.
#[derive(Debug)]
pub struct Places {
    source: Arc<Source>,
    spans: BTreeMap<String, Range<usize>>,
}

impl Places {
    /// An empty map for that source.
    pub fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            spans: BTreeMap::new(),
        }
    }

    /// The source that all spans are in.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Notes where a place is said.
    pub fn note(&mut self, pointer: impl Into<String>, span: Range<usize>) {
        self.spans.insert(pointer.into(), span);
    }

    /// The span of a place that is there.
    pub fn get(&self, pointer: &str) -> Option<Range<usize>> {
        self.spans.get(pointer).cloned()
    }

    /// The places below one, called as they are from there.
    pub fn below(&self, pointer: &str) -> Self {
        let inner = self.spans.iter().filter_map(|(place, span)| {
            let rest = place.strip_prefix(pointer)?;
            let below = rest.is_empty() || rest.starts_with('/');
            below.then(|| (rest.to_owned(), span.clone()))
        });
        Self {
            source: Arc::clone(&self.source),
            spans: inner.collect(),
        }
    }

    /// The span of a place, or that of the nearest enclosing one.
    pub fn find(&self, pointer: &str) -> Range<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.spans.get(pointer) {
                return span.clone();
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return 0..0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            path: "x".into(),
            text: text.into(),
        })
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        let source = source("a\nhé🦀x\n");
        assert_eq!(source.position(9), Position { line: 2, column: 4 });
        assert_eq!(source.position(6), Position { line: 2, column: 3 });
        assert_eq!(source.position(999), Position { line: 3, column: 1 });
    }

    #[test]
    fn an_unknown_place_falls_back_to_its_parent() {
        let mut places = Places::new(source("abcdef"));
        places.note("", 0..1);
        places.note("/cpu", 1..2);
        assert_eq!(places.find("/cpu/set/0/field"), 1..2);
        assert_eq!(places.find("/abi/1"), 0..1);
    }
}
