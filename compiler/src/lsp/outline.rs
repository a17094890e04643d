//! The nodes of a text that may not parse: what is being written still has places that an editor asks about.

use crate::language::token::{Kind, tokens};
use std::ops::Range;

/// A value or property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A property's name.
    pub name: Option<Range<usize>>,
    /// The value; of a property whose value is still to come it is empty.
    pub value: Range<usize>,
}

/// A node, by what of the text it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: Range<usize>,
    pub entries: Vec<Entry>,
    /// From its `{` to behind its `}`, or to the end of the text.
    pub block: Option<Range<usize>>,
    /// Whether that `}` is there.
    pub closed: bool,
    /// Behind the last of all that.
    pub end: usize,
    /// The node in whose block it stands.
    pub parent: Option<usize>,
}

impl Node {
    /// Its values: no properties.
    pub fn values(&self) -> impl Iterator<Item = &Range<usize>> {
        let values = self.entries.iter().filter(|entry| entry.name.is_none());
        values.map(|entry| &entry.value)
    }

    /// From its name to its last entry.
    pub fn head(&self) -> Range<usize> {
        let last = self.entries.last().map(|e| e.value.end);
        self.name.start..last.unwrap_or(self.name.end).max(self.name.end)
    }
}

/// The nodes of a text, each before those of its block. What a `/-` takes out is none.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    pub nodes: Vec<Node>,
    /// Where comments are, and what was taken out.
    pub silent: Vec<Range<usize>>,
}

/// What a `{` belongs to.
#[derive(Clone, Copy)]
enum Open {
    Of(usize),
    /// No node: what stands in it is of the block around it.
    Nothing(Option<usize>),
    /// A block, or the block of a node, that was taken out.
    Out,
}

/// The node in whose block one would begin.
fn block(open: &[Open]) -> Option<usize> {
    match open.last() {
        Some(Open::Of(node)) => Some(*node),
        Some(Open::Nothing(around)) => *around,
        Some(Open::Out) | None => None,
    }
}

/// Deepest nesting of which the whole path is told: a description has four words at most.
const PATH_MAX: usize = 40;

impl Outline {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        let mut out = Self::default();
        let mut open: Vec<Open> = Vec::new();
        let mut node: Option<usize> = None;
        // What a `/-` takes out: from where, and whether its node's name has come.
        let mut taken: Option<(usize, bool)> = None;
        let (mut in_type, mut property) = (false, false);
        for token in tokens(text) {
            let span = token.span.clone();
            let ends = token.before.ends_node();
            if ends && !matches!(taken, Some((_, false))) {
                taken = None;
                node = None;
                property = false;
            }
            let is_out = taken.is_some() || matches!(open.last(), Some(Open::Out));
            match token.kind {
                Kind::Mark => {}
                Kind::LineComment | Kind::BlockComment => out.silent.push(span),
                Kind::Slashdash => taken = Some((span.start, false)),
                Kind::OpenType => in_type = true,
                Kind::CloseType => in_type = false,
                Kind::Equals => {
                    let last = node.filter(|_| !is_out).and_then(|n| out.nodes.get_mut(n));
                    if let Some(last) = last.and_then(|n| n.entries.last_mut()) {
                        last.name = Some(std::mem::replace(&mut last.value, span.end..span.end));
                        property = true;
                    }
                    if is_out {
                        out.silent.push(span);
                    }
                }
                Kind::Open => {
                    open.push(match (is_out, node) {
                        (true, _) => Open::Out,
                        (false, Some(n)) => Open::Of(n),
                        (false, None) => Open::Nothing(block(&open)),
                    });
                    if let (false, Some(n)) = (is_out, node.and_then(|n| out.nodes.get_mut(n))) {
                        n.block = Some(span.start..text.len());
                        n.end = text.len();
                    }
                    taken = None;
                    node = None;
                }
                Kind::Close => {
                    node = match open.pop() {
                        Some(Open::Of(n)) => {
                            if let Some(n) = out.nodes.get_mut(n) {
                                n.block = n.block.take().map(|block| block.start..span.end);
                                n.end = span.end;
                                n.closed = true;
                            }
                            Some(n)
                        }
                        _ => None,
                    };
                    taken = None;
                    property = false;
                }
                Kind::Word if in_type => {}
                Kind::Word if is_out => {
                    out.silent.push(span);
                    // A value that is taken out is over with its word, a node is not.
                    taken = match (taken, node) {
                        (Some((from, false)), None) => Some((from, true)),
                        (Some((_, false)), Some(_)) => None,
                        (other, _) => other,
                    };
                }
                Kind::Word => match node {
                    None => {
                        let parent = block(&open);
                        node = Some(out.nodes.len());
                        out.nodes.push(Node {
                            end: span.end,
                            name: span,
                            entries: Vec::new(),
                            block: None,
                            closed: false,
                            parent,
                        });
                    }
                    Some(n) => {
                        let Some(n) = out.nodes.get_mut(n) else {
                            continue;
                        };
                        n.end = n.end.max(span.end);
                        match n.entries.last_mut() {
                            Some(last) if std::mem::take(&mut property) => last.value = span,
                            _ => n.entries.push(Entry {
                                name: None,
                                value: span,
                            }),
                        }
                    }
                },
            }
        }
        out
    }

    /// The words from the top of the text to a node; of one that is nested deeper than any can be, the last of them.
    pub fn path<'t>(&self, text: &'t str, node: usize) -> Vec<&'t str> {
        let mut path = Vec::new();
        let mut at = self.nodes.get(node);
        while let Some(node) = at.filter(|_| path.len() < PATH_MAX) {
            path.push(unquoted(text.get(node.name.clone()).unwrap_or("")));
            at = node.parent.and_then(|parent| self.nodes.get(parent));
        }
        path.reverse();
        path
    }

    /// The nodes in the block of one, or at the top.
    pub fn inside(&self, parent: Option<usize>) -> impl Iterator<Item = (usize, &Node)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(move |(_, node)| node.parent == parent)
    }

    /// The innermost node whose block a byte stands in.
    pub fn block_at(&self, offset: usize) -> Option<usize> {
        let holds = |node: &Node| {
            let block = node.block.as_ref();
            block.is_some_and(|b| b.start < offset && (offset < b.end || !node.closed))
        };
        self.nodes.iter().rposition(holds)
    }
}

/// A word or string without what it is quoted by; what an escape stands for is left to who has parsed it.
pub fn unquoted(word: &str) -> &str {
    let bare = word.trim_matches('#');
    match bare.strip_prefix('"') {
        Some(inner) => inner.strip_suffix('"').unwrap_or(inner),
        None => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each node as its path, values and properties.
    fn told(text: &str) -> Vec<String> {
        let outline = Outline::of(text);
        (0..outline.nodes.len())
            .map(|n| {
                let node = &outline.nodes[n];
                let entry = |e: &Entry| match &e.name {
                    Some(name) => format!(" {}={}", &text[name.clone()], &text[e.value.clone()]),
                    None => format!(" {}", &text[e.value.clone()]),
                };
                let entries: String = node.entries.iter().map(entry).collect();
                format!("{}{entries}", outline.path(text, n).join("/"))
            })
            .collect()
    }

    #[test]
    fn nodes_of_a_whole_text() {
        let text = "vm \"w\" {\n  abi \"a\" /- \"b\" \"c\" // x\n  cpu (t)\"n\" count=2 { pmu; /- sve 1 { x; }\n hide \"z\"; }\n  /- boot kernel=1\n}\nlast";
        assert_eq!(
            told(text),
            [
                "vm \"w\"",
                "vm/abi \"a\" \"c\"",
                "vm/cpu \"n\" count=2",
                "vm/cpu/pmu",
                "vm/cpu/hide \"z\"",
                "last"
            ]
        );
    }

    #[test]
    fn nodes_of_what_is_still_being_written() {
        for (text, expected) in [
            (
                "vm {\n abi \"kvm-\n memory \"1",
                &["vm", "vm/abi \"kvm-", "vm/memory \"1"][..],
            ),
            (
                "vm { boot kernel= \n arch",
                &["vm", "vm/boot kernel=", "vm/arch"],
            ),
            ("} a { b } } c", &["a", "a/b", "c"]),
            ("= a = b", &["a b"]),
            ("{ a; } b", &["a", "b"]),
            ("/-", &[]),
            ("(t", &[]),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn words_without_quotes() {
        for (word, bare) in [
            ("\"a\"", "a"),
            ("\"a", "a"),
            ("#\"a\"#", "a"),
            ("a", "a"),
            ("\"", ""),
            ("#true", "#true"),
        ] {
            assert_eq!(unquoted(word), bare);
        }
    }
}
