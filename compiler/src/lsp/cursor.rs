//! What stands, or is about to stand, where an editor asks.

use super::outline::{Entry, Node, Outline};
use std::ops::Range;

/// One place of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A node's name, or where one can begin.
    Word,
    /// A value, by its number.
    Value(usize),
    /// A property's name.
    Property,
    /// A property's value, by the property's name.
    PropertyValue(String),
}

/// A place, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The words from the top of the text to the node that the slot is of; for [`Slot::Word`] to the block it stands in.
    pub path: Vec<String>,
    /// That node, of the outline.
    pub node: Option<usize>,
    pub slot: Slot,
    /// What stands there; empty where nothing does.
    pub span: Range<usize>,
}

impl Cursor {
    /// What is at a byte of a text; nothing in a comment, or in what was taken out.
    pub fn at(text: &str, outline: &Outline, offset: usize) -> Option<Self> {
        let silent = |span: &Range<usize>| {
            let comment = text.get(span.clone()).is_some_and(|t| t.starts_with("//"));
            // A comment goes to the end of its line.
            let behind = text.get(span.end..offset).unwrap_or("\n");
            let in_line = comment && !behind.contains(['\n', '\r']);
            span.start < offset && (offset < span.end || in_line)
        };
        if outline.silent.iter().any(silent) {
            return None;
        }
        let touches = |span: &Range<usize>| span.start <= offset && offset <= span.end;
        let own = |node: usize, slot, span: &Range<usize>| {
            Some(Self {
                path: words(outline.path(text, node)),
                node: Some(node),
                slot,
                span: span.clone(),
            })
        };
        let statement = |node: usize| -> Option<Self> {
            let of: &Node = &outline.nodes[node];
            if touches(&of.name) {
                let mut path = words(outline.path(text, node));
                path.pop();
                return Some(Self {
                    path,
                    node: of.parent,
                    slot: Slot::Word,
                    span: of.name.clone(),
                });
            }
            let mut values = 0;
            for Entry { name, value } in &of.entries {
                match name {
                    Some(name) if touches(name) => return own(node, Slot::Property, name),
                    Some(name) if touches(value) => {
                        let name = super::outline::unquoted(text.get(name.clone())?).to_owned();
                        return own(node, Slot::PropertyValue(name), value);
                    }
                    Some(_) => {}
                    None if touches(value) => return own(node, Slot::Value(values), value),
                    None => values += 1,
                }
            }
            None
        };
        // The word that ends here comes before the one that begins here.
        if let Some(found) = (0..outline.nodes.len()).find_map(statement) {
            return Some(found);
        }
        let block = outline.block_at(offset);
        let open = (0..outline.nodes.len()).rev().find(|n| {
            let node = &outline.nodes[*n];
            node.parent == block && node.name.end <= offset
        });
        if let Some(node) = open.filter(|n| goes_on(text, &outline.nodes[*n], offset)) {
            let before = |value: &&Range<usize>| value.end <= offset;
            let values = outline.nodes[node].values().filter(before).count();
            return own(node, Slot::Value(values), &(offset..offset));
        }
        let path = block.map(|n| outline.path(text, n)).unwrap_or_default();
        Some(Self {
            path: words(path),
            node: block,
            slot: Slot::Word,
            span: offset..offset,
        })
    }

    /// The path as the table of nodes takes it.
    pub fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

fn words(path: Vec<&str>) -> Vec<String> {
    path.into_iter().map(str::to_owned).collect()
}

/// Whether a statement is not over yet where an editor asks.
fn goes_on(text: &str, node: &Node, offset: usize) -> bool {
    if node.block.is_some() {
        return false;
    }
    let behind = text.get(node.end..offset).unwrap_or("");
    let lines = behind.split(['\n', '\r']).count() > 1;
    !behind.contains(';') && (!lines || behind.trim_start().starts_with('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is at the `|` of a text.
    fn at(text: &str) -> Option<(String, Slot, String)> {
        let offset = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        let cursor = Cursor::at(&text, &Outline::of(&text), offset)?;
        Some((
            cursor.path.join("/"),
            cursor.slot,
            text[cursor.span].to_owned(),
        ))
    }

    #[test]
    fn every_place_is_told() {
        let value = |index| Slot::Value(index);
        let of = |name: &str| Slot::PropertyValue(name.to_owned());
        for (text, path, slot, typed) in [
            ("|", "", Slot::Word, ""),
            ("v|", "", Slot::Word, "v"),
            ("vm \"w\" {\n  |\n}", "vm", Slot::Word, ""),
            ("vm \"w\" {\n  |", "vm", Slot::Word, ""),
            ("vm \"w\" {\n  ab|\n}", "vm", Slot::Word, "ab"),
            ("vm \"w\" {\n  abi |\n}", "vm/abi", value(0), ""),
            ("vm \"w\" {\n  abi \"kv|\n}", "vm/abi", value(0), "\"kv"),
            (
                "vm \"w\" {\n  abi \"k\" \"p|\"\n}",
                "vm/abi",
                value(1),
                "\"p\"",
            ),
            ("vm \"w\" {\n  abi \"k\" |\n}", "vm/abi", value(1), ""),
            ("vm \"w\" {\n  abi \"k\" \\\n  |\n}", "vm/abi", value(1), ""),
            (
                "vm \"w\" { cpu \"n\" co|unt=2 { } }",
                "vm/cpu",
                Slot::Property,
                "count",
            ),
            (
                "vm \"w\" { cpu \"n\" count=|2 { } }",
                "vm/cpu",
                of("count"),
                "2",
            ),
            ("vm \"w\" { boot kernel=|\n }", "vm/boot", of("kernel"), ""),
            ("vm \"w\" { cpu \"n\" { | } }", "vm/cpu", Slot::Word, ""),
            (
                "vm \"w\" { cpu \"n\" { pmu; | } }",
                "vm/cpu",
                Slot::Word,
                "",
            ),
            (
                "vm \"w\" { cpu \"n\" { set \"A\" | } }",
                "vm/cpu/set",
                value(1),
                "",
            ),
            ("vm \"w\" { cpu \"n\" { pmu } | }", "vm", Slot::Word, ""),
            ("vm \"w\" {} |", "", Slot::Word, ""),
        ] {
            let found = at(text);
            assert_eq!(
                found,
                Some((path.to_owned(), slot, typed.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn comments_say_nothing() {
        for text in ["// a|", "a /* | */", "/- ab|c 1", "vm { /- abi \"k|\" }"] {
            assert_eq!(at(text), None, "{text}");
        }
        assert!(at("a // b\n|").is_some());
    }
}
