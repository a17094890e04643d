//! `defaults { … }` in an imported file: what the machines that import it have where they do not say it themselves, joined
//! with them as with a machine that they are built from (`sharing`).
//!
//! Trees of several files are read as one: behind the text of the description come those of the files, and spans in them
//! count on from there. What is found is told in the file where it stands.

use super::decode::{Decoded, decode, of_defaults};
use super::nodes::{self, Carried, Node, Value};
use super::reach::Reach;
use super::read;
use super::sharing::{Defaults, imports};
use super::span::{head, range};
use crate::diagnostic::Diagnostic;
use crate::location::Source;
use kdl::{KdlDocument, KdlEntry, KdlIdentifier, KdlNode, KdlValue};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use vmlock_spec::words::did_you_mean;

/// What cannot be a default, and why.
const OWN: [(&str, &str); 5] = [
    (
        "description",
        "it says what one machine is for: write it there",
    ),
    (
        "vary",
        "nothing is waived in silence: what a machine does not promise stands in its own file",
    ),
    (
        "allow",
        "nothing is waived in silence: what is known of a machine stands in its own file",
    ),
    (
        "import",
        "a file is imported by the machine that needs it: write it there",
    ),
    (
        "lock-schema",
        "it is a path from each lock: write it in the machine",
    ),
];

/// Texts that were read as one.
pub struct Joined {
    whole: Arc<Source>,
    /// Each with where it begins there, the description first.
    parts: Vec<(usize, Arc<Source>)>,
    /// Files that are imported and have no defaults, and which machines import each.
    without: Vec<Without>,
}

/// An imported file that has no defaults.
struct Without {
    /// What it is called where it is imported.
    file: String,
    source: Arc<Source>,
    /// Where the machines stand that import it.
    machines: Vec<Range<usize>>,
}

impl Joined {
    /// The files without defaults that the machine at that place imports, and what they are called there.
    pub fn without(&self, machine: &Range<usize>) -> impl Iterator<Item = (&str, &Arc<Source>)> {
        let files = self.without.iter();
        let files = files.filter(|one| one.machines.contains(machine));
        files.map(|one| (one.file.as_str(), &one.source))
    }

    /// Findings, each in the text where it stands.
    pub fn told(&self, mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let labels = found.iter_mut().flat_map(|finding| &mut finding.labels);
        for label in labels.filter(|label| Arc::ptr_eq(&label.source, &self.whole)) {
            let mut parts = self.parts.iter().rev();
            let Some((start, source)) = parts.find(|(start, _)| *start <= label.span.start) else {
                continue;
            };
            label.span = label.span.start - start..label.span.end.saturating_sub(*start);
            label.source = Arc::clone(source);
        }
        found
    }
}

/// Reads a description in KDL with the defaults of what it imports. `folder` holds it, and is called `shown`.
///
/// # Errors
/// What is wrong with the description as KDL. What is wrong with a file that it imports is left to who imports it.
pub fn described(
    source: &Arc<Source>,
    folder: &Path,
    shown: &Path,
    reach: &dyn Reach,
) -> Result<(Vec<Decoded>, Joined), Vec<Diagnostic>> {
    let document = read::parse_description(source)?;
    let mut joined = Joined {
        whole: Arc::clone(source),
        parts: vec![(0, Arc::clone(source))],
        without: Vec::new(),
    };
    let vms = || {
        let all = document.nodes().iter();
        all.filter(|node| node.name().value() == nodes::VM.word)
    };
    let files: BTreeSet<String> = vms()
        .flat_map(|vm| imports(vm).filter_map(|entry| entry.value().as_string()))
        .filter(|file| Path::new(file).is_relative())
        .map(str::to_owned)
        .collect();
    let mut text = source.text.clone();
    let mut nodes = BTreeMap::new();
    for file in files {
        let shown = shown.join(&file).display().to_string();
        let Ok(part) = reach.source(&folder.join(&file), &shown) else {
            continue;
        };
        let Some(mut node) = of_file(&part) else {
            let is = |entry: &KdlEntry| entry.value().as_string() == Some(&file);
            let importing = vms().filter(|vm| imports(vm).any(is));
            let machines = importing.map(|vm| range(vm.span())).collect();
            joined.without.push(Without {
                file,
                source: part,
                machines,
            });
            continue;
        };
        text.push('\n');
        move_node(&mut node, text.len());
        rebase(&mut node, &file);
        joined.parts.push((text.len(), Arc::clone(&part)));
        text.push_str(&part.text);
        nodes.insert(file, node);
    }
    if !nodes.is_empty() {
        joined.whole = Arc::new(Source {
            path: source.path.clone(),
            text,
        });
    }
    let decoded = decode(&joined.whole, &document, &Defaults(nodes));
    Ok((decoded, joined))
}

/// The defaults of a file.
fn of_file(source: &Arc<Source>) -> Option<KdlNode> {
    // Most files have none, and need not be parsed for that. A word can be written with escapes, too.
    if !source.text.contains(nodes::DEFAULTS.word) && !source.text.contains('\\') {
        return None;
    }
    let document = read::parse_description(source).ok()?;
    let mut nodes = document.into_iter();
    nodes.find(|node| node.name().value() == nodes::DEFAULTS.word)
}

/// What imported files have, beside what their defaults are.
const OF_CATALOGUES: [&str; 2] = ["baseline", "cpu"];

/// Whether a word at the top of an imported file is none that such a file has.
pub fn is_strange(word: &str) -> bool {
    word != nodes::DEFAULTS.word && !OF_CATALOGUES.contains(&word)
}

/// Takes out of an imported file what stands at its top and was meant to be its defaults: what a machine has, without the
/// block around it, and the block by another name. Each is one mistake.
fn meant(source: &Arc<Source>, document: &mut KdlDocument) -> Vec<Diagnostic> {
    let finding = |node: &KdlNode, words: String, help: &str| {
        let finding = Diagnostic::error("import::invalid", words);
        finding.at(source, head(node), "here").help(help)
    };
    let word = |node: &KdlNode| node.name().value().to_owned();
    let near = |node: &KdlNode| {
        let word = word(node);
        is_strange(&word)
            && node.children().is_some()
            && (word == "default"
                || did_you_mean(&word, [nodes::DEFAULTS.word].into_iter()).is_some())
    };
    let bare = |node: &KdlNode| {
        let word = word(node);
        is_strange(&word) && nodes::DEFAULTS.inner(&word).is_some()
    };
    // A `cpu` of a machine's has its number of vCPUs.
    let of_machine = |node: &KdlNode| word(node) == "cpu" && node.get("count").is_some();
    let mut found = Vec::new();
    for node in document.nodes().iter().filter(|node| near(node)) {
        let words = format!("an imported file has no `{}`", word(node));
        found.push(finding(node, words, "write `defaults {`"));
    }
    let is_bare = document.nodes().iter().any(bare);
    if let Some(first) = document.nodes().iter().find(|node| bare(node)) {
        let words = format!("`{}` stands at the top of an imported file", word(first));
        let help = match word(first).as_str() {
            "import" => "a file imports no other: name both files in the `import` of the machine",
            _ => "put `defaults {` before all that machines take over, and `}` behind it",
        };
        found.push(finding(first, words, help));
    }
    document
        .nodes_mut()
        .retain(|node| !(near(node) || bare(node) || is_bare && of_machine(node)));
    found
}

/// Takes the defaults out of an imported file; gives what is wrong with them.
pub fn take(source: &Arc<Source>, document: &mut KdlDocument) -> Vec<Diagnostic> {
    let is = |node: &KdlNode| node.name().value() == nodes::DEFAULTS.word;
    let all: Vec<KdlNode> = document.nodes().iter().filter(|n| is(n)).cloned().collect();
    document.nodes_mut().retain(|node| !is(node));
    let mut found = meant(source, document);
    if let [one, again, ..] = all.as_slice() {
        let words = "a file has one `defaults`".to_owned();
        found.push(
            Diagnostic::error("spec::duplicate-node", words)
                .at(source, head(again), "again here")
                .at(source, head(one), "first here")
                .help("write both as one, or the second in another file"),
        );
    }
    for node in all.iter().take(1) {
        for entry in node.entries() {
            let words = "`defaults` takes no value".to_owned();
            let finding = Diagnostic::error("spec::unexpected-argument", words);
            let finding = finding.at(source, range(entry.span()), "unexpected");
            found.push(finding.help("write `defaults { … }`: it is for all that import the file"));
        }
        let children = node.children().map_or(&[][..], |block| block.nodes());
        for child in children {
            found.extend(not_shared(source, child));
        }
        found.extend(of_defaults(source, node));
    }
    found
}

/// What of a statement cannot be a default.
fn not_shared(source: &Arc<Source>, node: &KdlNode) -> Vec<Diagnostic> {
    let word = node.name().value();
    let of = |what: &str, span, help: &str| {
        let words = format!("`{what}` is no default");
        let finding = Diagnostic::error("spec::no-default", words);
        finding.at(source, span, "each machine's own").help(help)
    };
    if let Some((_, why)) = OWN.iter().find(|(own, _)| *own == word) {
        return vec![of(word, head(node), why)];
    }
    let Some(row) = nodes::DEFAULTS.inner(word) else {
        return Vec::new();
    };
    let is_own = |entry: &&KdlEntry| {
        let property = entry.name().and_then(|name| row.property(name.value()));
        property.is_some_and(|property| property.carried == Carried::Never)
    };
    let name_of = |entry: &KdlEntry| entry.name().map_or("", KdlIdentifier::value).to_owned();
    let waives = |entry: &&KdlEntry| name_of(entry) == nodes::ANY_FILE;
    let own = node.entries().iter();
    let own = own.filter(|entry| is_own(entry) || waives(entry));
    own.map(|entry| {
        let help = match waives(&entry) {
            true => "nothing is waived in silence: what a machine does not promise stands in its own file",
            false => "by it two machines are told apart: write it in the machine",
        };
        of(&name_of(entry), range(entry.span()), help)
    })
    .collect()
}

/// Paths of an imported file are from there, and those of a description from where that stands.
fn rebase(node: &mut KdlNode, file: &str) {
    let Some((folder, _)) = file.rsplit_once('/') else {
        return;
    };
    // However the import is spelled, the paths in a lock are the same.
    let parts = folder.split('/').filter(|part| *part != ".");
    let folder = &parts.collect::<Vec<_>>().join("/");
    if folder.is_empty() {
        return;
    }
    let children = node.children_mut().iter_mut().flat_map(|b| b.nodes_mut());
    for child in children {
        if let Some(row) = nodes::DEFAULTS.inner(child.name().value()) {
            rebase_one(child, row, folder);
        }
    }
}

fn rebase_one(node: &mut KdlNode, row: &Node, folder: &str) {
    for entry in node.entries_mut() {
        let property = entry.name().and_then(|name| row.property(name.value()));
        let is_file = property.is_some_and(|property| property.value == Value::File);
        let path = entry.value().as_string();
        let path = path.filter(|path| is_file && !path.is_empty() && !path.starts_with('/'));
        if let Some(path) = path {
            let path = format!("{folder}/{path}");
            entry.set_value(KdlValue::String(path));
        }
    }
    let children = node.children_mut().iter_mut().flat_map(|b| b.nodes_mut());
    for child in children {
        if let Some(row) = row.inner(child.name().value()) {
            rebase_one(child, row, folder);
        }
    }
}

/// Moves all spans of a tree behind so many bytes.
fn move_node(node: &mut KdlNode, by: usize) {
    let moved = |span: miette::SourceSpan| (span.offset() + by, span.len());
    node.set_span(moved(node.span()));
    let name = node.name_mut();
    name.set_span(moved(name.span()));
    if let Some(of_type) = node.ty_mut() {
        of_type.set_span(moved(of_type.span()));
    }
    for entry in node.entries_mut() {
        entry.set_span(moved(entry.span()));
        if let Some(name) = entry.name_mut() {
            name.set_span(moved(name.span()));
        }
        if let Some(of_type) = entry.ty_mut() {
            of_type.set_span(moved(of_type.span()));
        }
    }
    if let Some(block) = node.children_mut() {
        block.set_span(moved(block.span()));
        for child in block.nodes_mut() {
            move_node(child, by);
        }
    }
}
