//! Names that an author gave, changed wherever they are used: the machine's, and those of baselines and CPU models of
//! imported files. All other names are somebody else's.

use super::cursor::Slot;
use super::document::Document;
use super::message::{FAILED, Refusal};
use super::outline::{Outline, unquoted};
use super::view::View;
use crate::below;
use crate::language::json;
use crate::language::nodes::{self, Value};
use crate::language::read::Unreadable;
use gen_lsp_types::{Position, PrepareRenamePlaceholder, TextEdit, WorkspaceEdit};
use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use vmlock_spec::catalogue::{CPUS, Catalogue};
use vmlock_spec::resolve::is_name;

/// Most files and folders that are walked through below one that is open, for a name that several files share.
const ENTRIES_MAX: usize = 100_000;
/// Most files that are read for it.
const FILES_MAX: usize = 2000;

/// What can be renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Machine,
    Device,
    Baseline,
    Model,
}

struct Target {
    what: What,
    name: String,
    span: Range<usize>,
}

fn refused(words: impl Into<String>) -> Refusal {
    Refusal::new(FAILED, words)
}

/// A name is changed everywhere or nowhere.
fn unsure(target: &Target, why: &str) -> Refusal {
    let name = &target.name;
    refused(format!(
        "`{name}` is not changed, because nobody knows who else names it: {why}"
    ))
}

/// What stands at a position, where it can be renamed.
///
/// # Errors
/// Why it cannot.
pub fn prepare(view: &View, position: Position) -> Result<PrepareRenamePlaceholder, Refusal> {
    let target = target(view, position)?;
    Ok(PrepareRenamePlaceholder {
        range: view.range(target.span),
        placeholder: target.name,
    })
}

fn target(view: &View, position: Position) -> Result<Target, Refusal> {
    let other = "the names of machines, devices, and baselines and CPU models of your own can be changed; this is none of them";
    let cursor = view.cursor(position).ok_or_else(|| refused(other))?;
    let path = cursor.path();
    let name = unquoted(view.words(cursor.span.clone())).to_owned();
    let what = match (path.as_slice(), &cursor.slot) {
        (["vm"], Slot::Value(0)) => What::Machine,
        (["vm"], Slot::PropertyValue(property)) if property == "from" => What::Machine,
        (["vm", "disk" | "net"], Slot::Value(0)) => What::Device,
        (["baseline"], Slot::Value(0)) => What::Baseline,
        (["cpu"], Slot::Value(0)) => What::Model,
        (["baseline"], Slot::PropertyValue(property)) if property == "after" => What::Baseline,
        (path, Slot::Value(index)) => match nodes::at(path).and_then(|node| node.value(*index)) {
            Some(Value::Baseline) => What::Baseline,
            Some(Value::Model) => What::Model,
            _ => return Err(refused(other)),
        },
        _ => return Err(refused(other)),
    };
    let of_catalogue = match what {
        What::Baseline => Catalogue::builtin().newest(&name).is_some(),
        What::Model => CPUS.iter().any(|c| c.name == name),
        What::Machine | What::Device => false,
    };
    if of_catalogue {
        let words = format!("`{name}` is a name of the catalogue: what it means never changes");
        return Err(refused(words));
    }
    // A string without an end has taken the rest of its line.
    if !is_name(&name) {
        return Err(refused(other));
    }
    Ok(Target {
        what,
        name,
        span: cursor.span,
    })
}

/// The edits that give something another name. `roots` are the folders that are open.
///
/// # Errors
/// Why it cannot be called so.
pub fn rename(
    view: &View,
    position: Position,
    name: &str,
    roots: &[PathBuf],
) -> Result<WorkspaceEdit, Refusal> {
    let target = target(view, position)?;
    if !is_name(name) {
        let words = format!("`{name}` is no name: letters, digits, `-`, `_` and `.`, not first");
        return Err(refused(words));
    }
    let text = format!("\"{name}\"");
    let mut changes: HashMap<gen_lsp_types::Uri, Vec<TextEdit>> = HashMap::new();
    if target.what == What::Device {
        changes.insert(
            view.document.uri.clone().into(),
            vec![view.edit(target.span, text)],
        );
    } else if target.what == What::Machine {
        let edits = of_machine(view, &target, name)?;
        let edits = edits.into_iter().map(|span| view.edit(span, text.clone()));
        changes.insert(view.document.uri.clone().into(), edits.collect());
    } else {
        let taken = match (target.what, view.analysis.catalogue_at(target.span.start)) {
            (What::Baseline, Some(known)) => known.baseline(name).is_some(),
            (What::Model, Some(known)) => known.cpu(name).is_some(),
            _ => false,
        };
        if taken {
            return Err(refused(format!("`{name}` exists already")));
        }
        for document in together(view, roots, &target)? {
            let encoding = view.client.encoding;
            let edits: Vec<TextEdit> = uses(&document, &target)
                .into_iter()
                .map(|span| TextEdit {
                    range: document.range(span, encoding),
                    new_text: text.clone(),
                })
                .collect();
            if !edits.is_empty() {
                changes.insert(document.uri.into(), edits);
            }
        }
    }
    Ok(WorkspaceEdit {
        changes: Some(changes),
        ..WorkspaceEdit::default()
    })
}

/// Where a text names a machine: where it is described, and where others are built from it.
///
/// # Errors
/// There is none of that name, or one that is called as it is to be.
fn of_machine(view: &View, target: &Target, new: &str) -> Result<Vec<Range<usize>>, Refusal> {
    let outline = &view.analysis.outline;
    let vms = || {
        let top = outline.inside(None).map(|(_, node)| node);
        top.filter(|node| view.words(node.name.clone()) == nodes::VM.word)
    };
    let called = |span: &Range<usize>| unquoted(view.words(span.clone())).to_owned();
    let names: Vec<Range<usize>> = vms().filter_map(|vm| vm.values().next().cloned()).collect();
    let is_target = |span: &&Range<usize>| called(span) == target.name;
    if !names.iter().any(|span| called(span) == target.name) {
        let words = format!("no machine of this file is called `{}`", target.name);
        return Err(refused(words));
    }
    let other = |span: &&Range<usize>| called(span) != target.name;
    if let Some(taken) = names
        .iter()
        .filter(other)
        .find(|span| called(span).eq_ignore_ascii_case(new))
    {
        return Err(refused(format!("`{}` exists already", called(taken))));
    }
    let from = vms().flat_map(|vm| &vm.entries).filter(|entry| {
        let name = entry.name.clone();
        name.is_some_and(|name| view.words(name) == "from")
    });
    let all = names.iter().chain(from.map(|entry| &entry.value));
    Ok(all.filter(is_target).cloned().collect())
}

/// Where a text names it.
fn uses(document: &Document, target: &Target) -> Vec<Range<usize>> {
    let text = document.text.as_str();
    if is_json(&document.path) {
        return uses_in_json(document, target);
    }
    let outline = Outline::of(text);
    let mut found = Vec::new();
    for (index, node) in outline.nodes.iter().enumerate() {
        let path = outline.path(text, index);
        let values: Vec<&Range<usize>> = match (path.as_slice(), target.what) {
            (["vm" | "defaults", "abi"], What::Baseline) => node.values().collect(),
            (["vm" | "defaults", "cpu"], What::Model) => node.values().take(1).collect(),
            (["baseline"], What::Baseline) => {
                let after = node.entries.iter().filter(|entry| {
                    let name = entry.name.clone().and_then(|name| text.get(name));
                    name == Some("after")
                });
                node.values()
                    .take(1)
                    .chain(after.map(|entry| &entry.value))
                    .collect()
            }
            (["cpu"], What::Model) => node.values().take(1).collect(),
            _ => Vec::new(),
        };
        let same = |span: &&Range<usize>| {
            text.get((*span).clone()).map(unquoted) == Some(target.name.as_str())
        };
        found.extend(values.into_iter().filter(same).cloned());
    }
    found
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "json")
}

/// The same in a description's JSON form; nothing in one that cannot be read.
fn uses_in_json(document: &Document, target: &Target) -> Vec<Range<usize>> {
    let decoded = document.source().ok().and_then(|s| json::decode(&s).ok());
    let mut spans = Vec::new();
    for machine in decoded.into_iter().flatten() {
        let Some(spec) = machine.spec else { continue };
        let abi = spec.abi.iter().enumerate();
        let named: Vec<String> = match target.what {
            What::Baseline => abi
                .filter(|(_, name)| **name == target.name)
                .map(|(index, _)| format!("/abi/{index}"))
                .collect(),
            What::Model if spec.cpu.model == target.name => vec!["/cpu/model".to_owned()],
            _ => Vec::new(),
        };
        spans.extend(named.iter().filter_map(|place| machine.places.get(place)));
    }
    spans
}

/// The texts that share the name: the file that defines it, all descriptions that import that, and what else those
/// import.
///
/// # Errors
/// No file that is imported defines it, or there is one that may name it and is not looked into.
fn together(view: &View, roots: &[PathBuf], target: &Target) -> Result<Vec<Document>, Refusal> {
    let mut texts: BTreeMap<PathBuf, Document> = BTreeMap::new();
    for document in view.documents.all() {
        texts.insert(document.path.clone(), document.clone());
    }
    // A text without a file has no folder.
    let on_disk = Some(&view.document).filter(|document| document.on_disk);
    let folder = on_disk.and_then(|document| document.path.parent().map(Path::to_owned));
    let is_ours = |name: &str| name.ends_with(".kdl") || name.ends_with(".vm.json");
    let folders = match roots {
        [] => folder.into_iter().collect(),
        roots => roots.to_vec(),
    };
    let mut paths = Vec::new();
    for root in folders {
        let found = below::at_most(ENTRIES_MAX, &root, is_ours);
        paths.extend(found.map_err(|why| unsure(target, &why))?);
    }
    if paths.len() > FILES_MAX {
        let why = format!("more than {FILES_MAX} files may do");
        return Err(unsure(target, &why));
    }
    let read = |paths: Vec<PathBuf>, texts: &mut BTreeMap<PathBuf, Document>| {
        for path in paths {
            if texts.contains_key(&path) {
                continue;
            }
            match view.documents.text(&path) {
                Ok(document) => {
                    texts.insert(path, document);
                }
                // A link to nothing, what is no file, or no text of ours, names nothing.
                Err(Unreadable::Io(error)) if NOTHING.contains(&error.kind()) => {}
                Err(Unreadable::Bytes(_)) => {}
                Err(Unreadable::Io(error)) => {
                    let why = format!("`{}` cannot be read: {error}", path.display());
                    return Err(unsure(target, &why));
                }
            }
        }
        Ok(())
    };
    read(paths, &mut texts)?;
    // What is imported may stand outside of these folders.
    let outside: Vec<PathBuf> = texts.values().flat_map(imported).collect();
    read(outside, &mut texts)?;
    let word = match target.what {
        What::Baseline => "baseline",
        _ => "cpu",
    };
    let imports: BTreeMap<&PathBuf, Vec<PathBuf>> = texts
        .iter()
        .map(|(path, document)| (path, imported(document)))
        .collect();
    // Seen from where the name stands: of several files that define it, the one that is meant here.
    let own: Vec<PathBuf> = match imports.get(&view.document.path) {
        Some(list) if !list.is_empty() => list.clone(),
        _ => vec![view.document.path.clone()],
    };
    let defines = |path: &&PathBuf| {
        texts.get(*path).is_some_and(|document| {
            super::definition::defined(&document.text, word, &target.name).is_some()
        })
    };
    let defining: Vec<PathBuf> = own.iter().filter(defines).cloned().collect();
    if defining.is_empty() {
        let words = format!(
            "no file that is imported here defines `{}`: change the name there",
            target.name
        );
        return Err(refused(words));
    }
    let users = imports
        .iter()
        .filter(|(_, list)| list.iter().any(|path| defining.contains(path)));
    let mut all: Vec<PathBuf> = defining.clone();
    for (path, list) in users {
        all.push((*path).clone());
        all.extend(list.iter().cloned());
    }
    all.push(view.document.path.clone());
    all.sort();
    all.dedup();
    Ok(all
        .into_iter()
        .filter_map(|path| texts.get(&path).cloned())
        .collect())
}

/// Why there is no text under a name: nothing is there, or no file (`files::read`).
const NOTHING: [ErrorKind; 3] = [
    ErrorKind::NotFound,
    ErrorKind::NotADirectory,
    ErrorKind::InvalidInput,
];

/// The files that a description imports.
fn imported(document: &Document) -> Vec<PathBuf> {
    let text = document.text.as_str();
    let folder = document.path.parent().unwrap_or(Path::new(""));
    let names: Vec<String> = if is_json(&document.path) {
        let decoded = document.source().ok().and_then(|s| json::decode(&s).ok());
        let specs = decoded.into_iter().flatten().filter_map(|one| one.spec);
        specs.flat_map(|spec| spec.import).collect()
    } else {
        let outline = Outline::of(text);
        let nodes = outline.nodes.iter().enumerate();
        nodes
            .filter(|(index, _)| outline.path(text, *index) == ["vm", "import"])
            .flat_map(|(_, node)| node.values())
            .filter_map(|span| text.get(span.clone()))
            .map(|name| unquoted(name).to_owned())
            .collect()
    };
    names
        .iter()
        .map(|name| super::document::plain(&folder.join(name)))
        .collect()
}
