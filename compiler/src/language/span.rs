//! Spans of the parser as bytes of the text.

use kdl::KdlNode;
use std::ops::Range;

/// The bytes of a span.
pub fn range(span: miette::SourceSpan) -> Range<usize> {
    span.offset()..span.offset() + span.len()
}

/// A node's name.
pub fn head(node: &KdlNode) -> Range<usize> {
    range(node.name().span())
}
