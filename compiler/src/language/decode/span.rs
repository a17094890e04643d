//! Where a node and its parts stand in the text.

use super::Decoder;
pub(super) use crate::language::span::{head, range};
use kdl::{KdlEntry, KdlNode};
use std::ops::Range;

/// From a node's name to its last entry.
pub(super) fn range_of_entries(node: &KdlNode) -> Range<usize> {
    let start = head(node);
    let end = node.entries().iter().map(|e| range(e.span()).end).max();
    start.start..end.unwrap_or(start.end).max(start.end)
}

/// The span of an entry's value in a text, without the property's name.
pub(super) fn of_value(text: &str, entry: &KdlEntry) -> Range<usize> {
    let whole = range(entry.span());
    let Some(name) = entry.name() else {
        return whole;
    };
    let after = range(name.span()).end.clamp(whole.start, whole.end);
    let rest = text.get(after..whole.end).unwrap_or("");
    let skipped = rest.len()
        - rest
            .trim_start_matches(|c: char| c == '=' || c.is_whitespace())
            .len();
    after + skipped..whole.end
}

impl Decoder<'_> {
    /// The same, in the text that is read.
    pub(super) fn value_span(&self, entry: &KdlEntry) -> Range<usize> {
        of_value(&self.source.text, entry)
    }
}
