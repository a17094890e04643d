//! The nodes of a text, as an editor's outline shows them.

use super::outline::{Node, Outline, unquoted};
use super::view::View;
use gen_lsp_types::{
    BaseSymbolInformation, DocumentSymbol, Location, SymbolInformation, SymbolKind,
};
use serde_json::Value;

/// Most nodes that are told; the rest of a file that has more is no description's.
const SYMBOLS_MAX: usize = 5000;

/// Deepest nesting that is told: deeper, no text parses.
const DEPTH_MAX: usize = 32;

/// All of them: within each other, or in a row for a client that cannot show that.
pub fn symbols(view: &View) -> Value {
    if !view.is_kdl() {
        return Value::Array(Vec::new());
    }
    let outline = &view.analysis.outline;
    match view.client.nested {
        true => {
            let nested = nested(view, outline);
            serde_json::to_value(nested).unwrap_or_default()
        }
        false => {
            let all = outline.nodes.iter().take(SYMBOLS_MAX);
            let flat: Vec<SymbolInformation> = all.map(|node| flat(view, outline, node)).collect();
            serde_json::to_value(flat).unwrap_or_default()
        }
    }
}

/// Built from the last node to the first: each is put into the one that it stands in.
fn nested(view: &View, outline: &Outline) -> Vec<DocumentSymbol> {
    let count = outline.nodes.len().min(SYMBOLS_MAX);
    let mut depths: Vec<usize> = Vec::with_capacity(count);
    let mut made: Vec<Option<DocumentSymbol>> = Vec::with_capacity(count);
    for node in outline.nodes.iter().take(count) {
        let depth = node
            .parent
            .and_then(|parent| depths.get(parent))
            .map_or(0, |d| d + 1);
        depths.push(depth);
        made.push((depth < DEPTH_MAX).then(|| one(view, node)));
    }
    let mut top = Vec::new();
    for at in (0..count).rev() {
        let Some(mut symbol) = made.get_mut(at).and_then(Option::take) else {
            continue;
        };
        if let Some(children) = &mut symbol.children {
            children.reverse();
        }
        let parent = outline.nodes[at].parent;
        match parent
            .and_then(|parent| made.get_mut(parent))
            .and_then(Option::as_mut)
        {
            Some(parent) => parent.children.get_or_insert_default().push(symbol),
            None => top.push(symbol),
        }
    }
    top.reverse();
    top
}

#[expect(
    deprecated,
    reason = "a field that the protocol has for old clients, and that stays empty"
)]
fn one(view: &View, node: &Node) -> DocumentSymbol {
    let (name, detail) = named(view, node);
    DocumentSymbol {
        name,
        detail: (!detail.is_empty()).then_some(detail),
        kind: kind(view.words(node.name.clone())),
        tags: None,
        deprecated: None,
        range: view.range(node.name.start..node.end),
        selection_range: view.range(node.name.clone()),
        children: None,
    }
}

#[expect(
    deprecated,
    reason = "a field that the protocol has for old clients, and that stays empty"
)]
fn flat(view: &View, outline: &Outline, node: &Node) -> SymbolInformation {
    let (name, detail) = named(view, node);
    let within = node.parent.and_then(|parent| outline.nodes.get(parent));
    SymbolInformation {
        base_symbol_information: BaseSymbolInformation {
            name: format!("{name} {detail}").trim_end().to_owned(),
            kind: kind(view.words(node.name.clone())),
            tags: None,
            container_name: within.map(|node| view.words(node.name.clone()).to_owned()),
        },
        deprecated: None,
        location: Location {
            uri: view.document.uri.clone().into(),
            range: view.range(node.name.start..node.end),
        },
    }
}

/// A node's word, and its values.
fn named(view: &View, node: &Node) -> (String, String) {
    let values: Vec<&str> = node
        .values()
        .map(|v| unquoted(view.words(v.clone())))
        .collect();
    // A name that is empty is none for a client.
    let name = match view.words(node.name.clone()) {
        "" => "…",
        name => name,
    };
    (name.to_owned(), values.join(" "))
}

fn kind(word: &str) -> SymbolKind {
    match word {
        "vm" => SymbolKind::Module,
        "cpu" | "baseline" => SymbolKind::Class,
        "disk" | "net" | "rng" | "vsock" | "console" => SymbolKind::Object,
        "import" => SymbolKind::File,
        "set" | "hide" | "vary" | "show" | "register" => SymbolKind::Field,
        _ => SymbolKind::Property,
    }
}
