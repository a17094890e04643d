//! What can stand where somebody writes: words of the language, their properties, names and files.

use super::cursor::{Cursor, Slot};
use super::outline::unquoted;
use super::view::{View, marked};
use crate::language::nodes::{self, Node, Property, Value};
use crate::meaning::{self, Named};
use gen_lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTextEdit, Documentation, InsertTextFormat,
    Position,
};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// Most files of a folder that are offered.
const FILES_MAX: usize = 200;

/// Everything that can stand at a position.
pub fn complete(view: &View, position: Position) -> Vec<CompletionItem> {
    let Some(cursor) = view.cursor(position) else {
        return Vec::new();
    };
    let offset = view.offset(position);
    // A string without an end takes the rest of its line, of which at most a word is its own.
    let typed = view.words(cursor.span.clone());
    let open = typed.starts_with('"') && (typed.len() == 1 || !typed.ends_with('"'));
    let end = match open {
        true => {
            let rest = view.words(offset..cursor.span.end);
            let word = |c: char| c.is_alphanumeric() || "-_./".contains(c);
            offset + rest.find(|c| !word(c)).unwrap_or(rest.len())
        }
        false => cursor.span.end.max(offset),
    };
    let mut items = Items {
        view,
        // What is behind the place where somebody writes in a word is replaced with it.
        span: cursor.span.start.min(offset)..end,
        list: Vec::new(),
    };
    let path = cursor.path();
    match &cursor.slot {
        Slot::Word => items.nodes(&path, &cursor),
        Slot::Property => items.properties(&path, &cursor),
        Slot::PropertyValue(name) => {
            let property = nodes::at(&path).and_then(|node| node.property(name));
            if let Some(property) = property {
                // A machine is not built from itself.
                items.values(property.value, &given(view, &cursor));
            }
        }
        Slot::Value(index) => {
            if let Some(node) = nodes::at(&path) {
                if let Some(kind) = node.value(*index) {
                    items.values(kind, &given(view, &cursor));
                }
                // A word without quotes may become a property.
                if !view.words(items.span.clone()).starts_with(['"', '#']) {
                    items.properties(&path, &cursor);
                }
            }
        }
    }
    items.list
}

/// The values that stand in the node already, beside the one that is written.
fn given<'v>(view: &'v View, cursor: &Cursor) -> Vec<&'v str> {
    let node = cursor.node.and_then(|n| view.analysis.outline.nodes.get(n));
    let values = node.into_iter().flat_map(|node| node.values());
    values
        .filter(|span| **span != cursor.span)
        .map(|span| unquoted(view.words(span.clone())))
        .collect()
}

struct Items<'a> {
    view: &'a View<'a>,
    span: Range<usize>,
    list: Vec<CompletionItem>,
}

impl Items<'_> {
    fn push(&mut self, label: &str, text: String, kind: CompletionItemKind, words: String) {
        let typed = self.view.words(self.span.clone());
        // Clients compare what is written with this: with its quote, where there is one.
        let filter = match typed.starts_with('"') {
            true => format!("\"{label}\""),
            false => label.to_owned(),
        };
        let order = self.list.len();
        let documentation = match words.is_empty() {
            true => None,
            false => Some(Documentation::MarkupContent(marked(
                words,
                self.view.client.markdown.1,
            ))),
        };
        self.list.push(CompletionItem {
            label: label.to_owned(),
            kind: Some(kind),
            documentation,
            sort_text: Some(format!("{order:05}")),
            filter_text: Some(filter),
            text_edit: Some(CompletionItemTextEdit::TextEdit(
                self.view.edit(self.span.clone(), text),
            )),
            ..CompletionItem::default()
        });
    }

    /// Nodes that can stand in a block, or at the top.
    fn nodes(&mut self, path: &[&str], cursor: &Cursor) {
        let outline = &self.view.analysis.outline;
        let block: &'static [Node] = match path {
            [] => std::slice::from_ref(&nodes::VM),
            path => nodes::at(path).map_or(&[], |node| node.block),
        };
        let there: Vec<&str> = outline
            .inside(cursor.node)
            .filter(|(_, node)| node.name != cursor.span)
            .map(|(_, node)| self.view.words(node.name.clone()))
            .collect();
        for node in block {
            if !node.repeats && there.contains(&node.word) {
                continue;
            }
            let words = match node.meaning {
                "" => String::new(),
                place => meaning::of_word(place, node.word).unwrap_or_default(),
            };
            let words = format!("{words}\n\n```kdl\n{}\n```", node.example);
            // In a line that has more already, the word alone is meant.
            let alone = {
                let named = outline.nodes.iter().find(|n| n.name == cursor.span);
                named.is_none_or(|n| n.entries.is_empty() && n.block.is_none())
            };
            let (text, holes) = match alone {
                true if self.view.client.snippets => (snippet(node), true),
                true => (node.example.replace(" { … }", ""), false),
                false => (node.word.to_owned(), false),
            };
            self.push(node.word, text, CompletionItemKind::Keyword, words);
            if let (true, Some(last)) = (holes, self.list.last_mut()) {
                last.insert_text_format = Some(InsertTextFormat::Snippet);
            }
        }
    }

    /// Properties that the node does not have yet.
    fn properties(&mut self, path: &[&str], cursor: &Cursor) {
        let Some(node) = nodes::at(path) else { return };
        let own = cursor
            .node
            .and_then(|n| self.view.analysis.outline.nodes.get(n));
        let there: Vec<&str> = own
            .into_iter()
            .flat_map(|node| &node.entries)
            .filter_map(|entry| entry.name.clone())
            .filter(|name| *name != cursor.span)
            .map(|name| self.view.words(name))
            .collect();
        for Property { name, value, .. } in node.properties {
            if there.contains(name) {
                continue;
            }
            let place = format!("{}/properties/{name}", node.of);
            let words = match value {
                Value::Machine => nodes::FROM.to_owned(),
                _ => meaning::of(&place).unwrap_or_default(),
            };
            let text = match (cursor.slot == Slot::Property, value) {
                // Its value stands there.
                (true, _) => (*name).to_owned(),
                (false, Value::Truth) => format!("{name}=#true"),
                (false, _) => format!("{name}="),
            };
            self.push(name, text, CompletionItemKind::Property, words);
        }
    }

    /// What a value can be.
    fn values(&mut self, kind: Value, given: &[&str]) {
        match kind {
            Value::Truth => {
                for truth in ["#true", "#false"] {
                    self.push(
                        truth,
                        truth.to_owned(),
                        CompletionItemKind::Value,
                        String::new(),
                    );
                }
            }
            Value::Import => {
                self.files(|name| name.ends_with(".kdl") && !name.ends_with(".vm.kdl"))
            }
            Value::File => self.files(|name| !name.ends_with(".kdl") && !name.ends_with(".json")),
            kind => {
                let own = self.own(kind);
                for Named { name, markdown, .. } in own.into_iter().chain(meaning::names(kind)) {
                    if given.contains(&name.as_str()) {
                        continue;
                    }
                    let text = format!("\"{name}\"");
                    self.push(&name, text, CompletionItemKind::Value, markdown);
                }
            }
        }
    }

    /// Names of imported files, before those that everyone has.
    fn own(&self, kind: Value) -> Vec<Named> {
        if kind == Value::Machine {
            return self.machines();
        }
        let Some(catalogue) = self.view.analysis.catalogue_at(self.span.start) else {
            return Vec::new();
        };
        let known = meaning::names(kind);
        let is_own = |name: &&str| !known.iter().any(|n| n.name == *name);
        let named = |name: &str, title: &str| Named {
            name: name.to_owned(),
            words: title.to_owned(),
            markdown: title.to_owned(),
        };
        match kind {
            Value::Baseline => catalogue
                .baseline_names()
                .filter(is_own)
                .filter_map(|name| Some(named(name, &catalogue.baseline(name)?.title)))
                .collect(),
            Value::Model => catalogue
                .cpu_names()
                .filter(is_own)
                .filter_map(|name| Some(named(name, &catalogue.cpu(name)?.title)))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The machines of the text.
    fn machines(&self) -> Vec<Named> {
        let outline = &self.view.analysis.outline;
        let vms = outline
            .inside(None)
            .filter(|(_, node)| self.view.words(node.name.clone()) == nodes::VM.word);
        let names = vms.filter_map(|(_, node)| node.values().next());
        names
            .map(|span| Named {
                name: unquoted(self.view.words(span.clone())).to_owned(),
                words: String::new(),
                markdown: String::new(),
            })
            .collect()
    }

    /// Files of the folder that is written already, relative to the description's.
    fn files(&mut self, fits: impl Fn(&str) -> bool) {
        if !self.view.document.on_disk {
            return;
        }
        let typed = unquoted(self.view.words(self.span.clone())).to_owned();
        let inner = typed.rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = self.view.document.path.parent().unwrap_or(Path::new("."));
        let Ok(entries) = fs::read_dir(own.join(inner)) else {
            return;
        };
        let mut names: Vec<(String, bool)> = entries
            .take(10 * FILES_MAX)
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let folder = entry.file_type().ok()?.is_dir();
                let hidden = name.starts_with('.');
                // A name with a quote is written in another way.
                let plain = !name.contains(['"', '\\']) && !name.contains(char::is_control);
                (!hidden && plain && (folder || fits(&name))).then_some((name, folder))
            })
            .collect();
        names.sort();
        names.truncate(FILES_MAX);
        for (name, folder) in names {
            let path = match inner {
                "" => name,
                inner => format!("{inner}/{name}"),
            };
            let (path, kind) = match folder {
                true => (format!("{path}/"), CompletionItemKind::Folder),
                false => (path, CompletionItemKind::File),
            };
            self.push(&path, format!("\"{path}\""), kind, String::new());
        }
    }
}

/// A node's example with a hole for each of its values.
fn snippet(node: &Node) -> String {
    let mut out = String::new();
    let (mut hole, mut first) = (0, true);
    let example = node.example.replace("{ … }", "{\n\t$0\n}");
    for part in example.split_inclusive(' ') {
        let (word, blank) = match part.strip_suffix(' ') {
            Some(word) => (word, " "),
            None => (part, ""),
        };
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (format!("{name}="), value),
            None => (String::new(), word),
        };
        let is_value = !first
            && !value.is_empty()
            && (value.starts_with('"') || value.starts_with(|c: char| c.is_ascii_digit()));
        out.push_str(&name);
        match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
            Some(inner) if is_value => {
                hole += 1;
                out.push_str(&format!("\"${{{hole}:{inner}}}\""));
            }
            None if is_value && !value.ends_with(';') => {
                hole += 1;
                out.push_str(&format!("${{{hole}:{value}}}"));
            }
            _ => out.push_str(value),
        }
        out.push_str(blank);
        first = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_has_a_hole_for_each_value() {
        let of = |path: &[&str]| snippet(nodes::at(path).unwrap());
        assert_eq!(of(&["vm"]), "vm \"${1:NAME}\" {\n\t$0\n}");
        assert_eq!(of(&["vm", "cpu"]), "cpu \"${1:neoverse-n1}\" count=${2:2}");
        assert_eq!(of(&["vm", "rng"]), "rng");
        assert_eq!(of(&["vm", "cpu", "sve"]), "sve ${1:128} ${2:256}");
    }
}
