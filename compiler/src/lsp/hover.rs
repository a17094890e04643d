//! What a word, name or file means: as `vmlock explain` says it, with what the lock has there.

use super::cursor::{Cursor, Slot};
use super::outline::unquoted;
use super::view::{View, marked};
use crate::command::explain;
use crate::language::nodes::{self, Node, Property, Value};
use crate::meaning;
use gen_lsp_types::{Contents, Hover, Position};

/// Lines of an explanation that an editor shows.
const LINES_MAX: usize = 60;

/// What is known of what stands at a position.
pub fn hover(view: &View, position: Position) -> Option<Hover> {
    let cursor = view.cursor(position)?;
    if cursor.span.is_empty() {
        return None;
    }
    let words = of(view, &cursor)?;
    Some(Hover {
        contents: Contents::MarkupContent(marked(words, view.client.markdown.0)),
        range: Some(view.range(cursor.span)),
    })
}

fn of(view: &View, cursor: &Cursor) -> Option<String> {
    let typed = unquoted(view.words(cursor.span.clone()));
    let path = cursor.path();
    if let Some(words) = imported(view, &path, &cursor.slot, typed) {
        return Some(words);
    }
    match &cursor.slot {
        Slot::Word => {
            let mut full = path;
            full.push(typed);
            let node = nodes::at(&full)?;
            let meaning = match node.meaning {
                "" if node.word == nodes::DEFAULTS.word => nodes::OF_DEFAULTS.to_owned(),
                "" => nodes::OF_VM.to_owned(),
                place => meaning::of_word(place, typed)?,
            };
            Some(format!(
                "**{typed}**: {meaning}\n\n```kdl\n{}\n```",
                node.example
            ))
        }
        Slot::Property => {
            let node = nodes::at(&path)?;
            let property = node.property(typed)?;
            let meaning = of_property(node, property)?;
            Some(format!("**{typed}** of `{}`: {meaning}", node.word))
        }
        Slot::PropertyValue(name) => {
            let node = nodes::at(&path)?;
            let property = node.property(name)?;
            named(property.value, typed).or_else(|| of_property(node, property))
        }
        Slot::Value(index) => {
            let node = nodes::at(&path)?;
            let kind = node.value(*index)?;
            match kind {
                Value::Baseline | Value::Model | Value::Hidden | Value::Set => {
                    explained(view, typed, cursor.span.start)
                }
                Value::Named("Field" | "Warning") => explained(view, typed, cursor.span.start),
                kind => named(kind, typed),
            }
            .or_else(|| meaning::of(node.meaning))
        }
    }
}

/// A file of baselines and models names what the catalogue has, and what it defines itself.
fn imported(view: &View, path: &[&str], slot: &Slot, typed: &str) -> Option<String> {
    let in_file = matches!(path.first(), Some(&("baseline" | "cpu")));
    let named = matches!(slot, Slot::Value(_) | Slot::PropertyValue(_));
    (in_file && named)
        .then(|| explained(view, typed, 0))
        .flatten()
}

fn of_property(node: &Node, property: &Property) -> Option<String> {
    match property.value {
        Value::Machine => Some(nodes::FROM.to_owned()),
        _ => meaning::of(&node.meaning_of(property)),
    }
}

/// One of the names that a value can have.
fn named(kind: Value, typed: &str) -> Option<String> {
    let named = meaning::names(kind).into_iter().find(|n| n.name == typed)?;
    Some(format!("**{typed}**: {}", named.markdown))
}

/// What `vmlock explain` says, for the machine at a byte of the text.
pub fn explained(view: &View, name: &str, at: usize) -> Option<String> {
    let lock = view.analysis.compiled_at(at).and_then(|c| c.lock.as_ref());
    let catalogue = view.analysis.catalogue_at(at)?;
    let words = explain::words(name, lock, catalogue)?;
    let mut lines: Vec<&str> = words.trim_end().lines().collect();
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    let mut text = format!("```text\n{}\n```", lines.join("\n"));
    if more > 0 {
        text.push_str(&format!("\n{more} more lines: `vmlock explain {name}`"));
    }
    Some(text)
}
