//! What machines share without copying it: `vm "b" from="a" { … }` is what stands in the block of `a`, with what `b` says
//! itself in its place. Here such a machine is written out in full, as a tree; all that comes after this reads it like any
//! other, and its lock is the same to the byte.
//!
//! How two statements of one word are joined is in the table of words (`Shared`, `Carried`). Nothing that is taken over
//! can be taken away: what only some machines have does not belong to what they all are built from.

use super::nodes::{self, Carried, Node, Shared};
use super::span::range;
use crate::diagnostic::{Diagnostic, join, suggest};
use crate::location::Source;
use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Most machines of a circle that are named.
const CIRCLE_SHOWN_MAX: usize = 8;

/// `defaults` of the files that machines import, by what they are called there.
#[derive(Debug, Default)]
pub struct Defaults(pub BTreeMap<String, KdlNode>);

/// A machine of a file.
#[derive(Debug)]
pub struct Machine {
    /// Its node, written out in full.
    pub node: KdlNode,
    /// Whether what it is built from could be had; else it lacks what it would have had from there.
    pub whole: bool,
}

/// The machines of a file, each written out in full; and what is wrong with what they are built from.
pub fn written_out(
    source: &Arc<Source>,
    vms: &[&KdlNode],
    defaults: &Defaults,
) -> (Vec<Machine>, Vec<Diagnostic>) {
    let named = vms.iter().filter_map(|vm| {
        let value = vm.entries().iter().find(|entry| entry.name().is_none())?;
        Some((value.value().as_string()?, range(value.span())))
    });
    let mut found = taken_names(source, &named.collect::<Vec<_>>());
    let bases: Vec<Base> = vms.iter().map(|vm| base(vms, vm)).collect();
    for (vm, base) in vms.iter().zip(&bases) {
        if let Base::Unknown = base {
            found.extend(unknown(source, vms, vm));
        }
    }
    let mut told = BTreeSet::new();
    let mut done = vec![None; vms.len()];
    let machines = (0..vms.len())
        .map(|index| {
            let chain = chain(index, &bases);
            if let Some(circle) = &chain.circle
                && told.insert(circle.iter().min().copied())
            {
                found.push(in_a_circle(source, vms, circle));
            }
            let mut node = joined(vms, &chain, &mut done);
            found.extend(with_defaults(source, &mut node, defaults));
            Machine {
                node,
                whole: chain.whole,
            }
        })
        .collect();
    (machines, found)
}

/// What a machine is built from.
#[derive(Clone, Copy)]
enum Base {
    Nothing,
    Another(usize),
    /// No machine of the file is called so.
    Unknown,
    /// It is no name, which the decoder tells.
    Unread,
}

/// A machine with all that it is built from.
struct Chain {
    /// From the machine itself to the last that is built from nothing.
    vms: Vec<usize>,
    /// Whether it ends there.
    whole: bool,
    /// The machines that are built from each other, where it comes to such.
    circle: Option<Vec<usize>>,
}

fn chain(index: usize, bases: &[Base]) -> Chain {
    let mut chain = Chain {
        vms: vec![index],
        whole: true,
        circle: None,
    };
    let mut seen = BTreeSet::from([index]);
    let mut at = index;
    loop {
        match bases.get(at) {
            Some(Base::Another(next)) if seen.insert(*next) => {
                chain.vms.push(*next);
                at = *next;
            }
            Some(Base::Another(next)) => {
                let begins = chain.vms.iter().position(|vm| vm == next);
                chain.circle = chain.vms.get(begins.unwrap_or(0)..).map(<[usize]>::to_vec);
                chain.whole = false;
                return chain;
            }
            Some(Base::Unknown | Base::Unread) => {
                chain.whole = false;
                return chain;
            }
            Some(Base::Nothing) | None => return chain,
        }
    }
}

/// The last one's block with what each before it says in its place. `done` are those that are written out already.
fn joined(vms: &[&KdlNode], chain: &Chain, done: &mut [Option<KdlNode>]) -> KdlNode {
    let mut whole: Option<KdlNode> = None;
    for &index in chain.vms.iter().rev() {
        let Some(vm) = vms.get(index) else { continue };
        if let Some(Some(known)) = done.get(index) {
            whole = Some(known.clone());
            continue;
        }
        let mut node = (*vm).clone();
        if let Some(base) = whole {
            let base = carried(base.children(), nodes::VM.block);
            let block = over_block(base.as_ref(), vm.children(), nodes::VM.block);
            node.set_children(block);
        }
        // Of what is built in a circle each is another, seen from each.
        if chain.whole
            && let Some(slot) = done.get_mut(index)
        {
            *slot = Some(node.clone());
        }
        whole = Some(node);
    }
    whole.unwrap_or_else(|| KdlNode::new(nodes::VM.word))
}

/// Puts what a machine has by default below what it says; gives what is wrong with that.
fn with_defaults(
    source: &Arc<Source>,
    vm: &mut KdlNode,
    defaults: &Defaults,
) -> Option<Diagnostic> {
    let of = |entry: &KdlEntry| defaults.0.get(entry.value().as_string()?);
    let mut all = imports(vm).filter_map(|entry| Some((entry, of(entry)?)));
    let (first, base) = all.next()?;
    let another = all.find(|(entry, _)| entry.value() != first.value());
    let finding = another.map(|(entry, _)| {
        let words = "two files that are imported here have `defaults`".to_owned();
        Diagnostic::error("spec::two-defaults", words)
            .at(source, range(entry.span()), "this one")
            .at(source, range(first.span()), "and this one")
            .help("which of them comes first would be a guess: let one file have those of both, or say here what one of them says")
    });
    let block = over_block(base.children(), vm.children(), nodes::VM.block);
    drop(all);
    vm.set_children(block);
    finding
}

/// The files that a machine imports.
pub fn imports(vm: &KdlNode) -> impl Iterator<Item = &KdlEntry> {
    let nodes = vm.children().map_or(&[][..], |block| block.nodes()).iter();
    let imports = nodes.filter(|node| node.name().value() == "import");
    imports
        .flat_map(KdlNode::entries)
        .filter(|entry| entry.name().is_none())
}

/// What a machine is called.
pub fn name_of(vm: &KdlNode) -> Option<&str> {
    first(vm)?.as_string()
}

fn base(vms: &[&KdlNode], vm: &KdlNode) -> Base {
    let Some(entry) = from(vm) else {
        return Base::Nothing;
    };
    let Some(name) = entry.value().as_string() else {
        return Base::Unread;
    };
    match vms.iter().position(|vm| name_of(vm) == Some(name)) {
        Some(index) => Base::Another(index),
        None => Base::Unknown,
    }
}

/// The property that says what it is built from.
fn from(vm: &KdlNode) -> Option<&KdlEntry> {
    let is = |entry: &&KdlEntry| entry.name().is_some_and(|name| name.value() == "from");
    vm.entries().iter().find(is)
}

/// The second of two machines that are called alike: of their locks, files would have one name. Each with where its name
/// stands.
pub fn taken_names(source: &Arc<Source>, machines: &[(&str, Range<usize>)]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, (name, span)) in machines.iter().enumerate() {
        let same = |(other, _): &&(&str, _)| other.eq_ignore_ascii_case(name);
        let Some((other, first)) = machines.iter().take(index).find(same) else {
            continue;
        };
        let words = match other == name {
            true => format!("two machines are called `{name}`"),
            false => format!(
                "`{other}` and `{name}` differ in capitals alone, and some systems take their locks for one file"
            ),
        };
        found.push(
            Diagnostic::error("spec::duplicate-machine", words)
                .at(source, span.clone(), "again here")
                .at(source, first.clone(), "first here")
                .help("each machine of a file has a lock of its own, which is called after it: give one of the two another name"),
        );
    }
    found
}

fn unknown(source: &Arc<Source>, vms: &[&KdlNode], vm: &KdlNode) -> Option<Diagnostic> {
    let entry = from(vm)?;
    let name = entry.value().as_string()?;
    let others: Vec<&str> = vms
        .iter()
        .filter_map(|other| name_of(other))
        .filter(|other| Some(*other) != name_of(vm))
        .collect();
    let help = match others.as_slice() {
        [] => "it is the only machine of this file".to_owned(),
        others => suggest(name, others.iter().copied()),
    };
    let words = format!("no machine of this file is called `{name}`");
    let found = Diagnostic::error("spec::unknown-machine", words);
    let found = found.at(source, range(entry.span()), "unknown");
    Some(found.help(help))
}

fn in_a_circle(source: &Arc<Source>, vms: &[&KdlNode], circle: &[usize]) -> Diagnostic {
    let shown = || circle.iter().take(CIRCLE_SHOWN_MAX);
    let of_circle = || shown().filter_map(|index| vms.get(*index));
    let names = of_circle().filter_map(|vm| name_of(vm));
    let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let more = circle.len() - shown().count();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let first = names.first().cloned().unwrap_or_default();
    let words = match names.get(1..).unwrap_or_default() {
        [] => format!("{first} is built from itself"),
        others => format!("{first} is built from itself, by way of {}", join(others)),
    };
    let mut found = Diagnostic::error("spec::circle", words);
    for (index, vm) in of_circle().enumerate() {
        let words = match index {
            0 => "from here",
            _ => "and from here",
        };
        if let Some(entry) = from(vm) {
            found = found.at(source, range(entry.span()), words);
        }
    }
    found.help("let one of them stand for itself: leave out its `from`, and say there what all of them have")
}

/// The first of a node's values.
fn first(node: &KdlNode) -> Option<&KdlValue> {
    let value = node.entries().iter().find(|entry| entry.name().is_none());
    value.map(KdlEntry::value)
}

/// A block over that of what it is built from.
fn over_block(
    base: Option<&KdlDocument>,
    own: Option<&KdlDocument>,
    table: &[Node],
) -> KdlDocument {
    let row = |node: &KdlNode| table.iter().find(|row| row.word == node.name().value());
    let nodes = |block: Option<&KdlDocument>| -> Vec<KdlNode> {
        block
            .map(|block| block.nodes().to_vec())
            .unwrap_or_default()
    };
    // Each with whether it is still as it was taken over.
    let mut all: Vec<(KdlNode, bool)> = nodes(base).into_iter().map(|node| (node, true)).collect();
    for mut node in nodes(own) {
        let Some(row) = row(&node) else {
            all.push((node, false));
            continue;
        };
        let word = |other: &KdlNode| other.name().value() == row.word;
        match row.shared {
            Shared::Parts | Shared::Named | Shared::Own => {
                let named = row.shared == Shared::Named;
                let same = |(other, old): &&mut (KdlNode, bool)| {
                    *old && word(other) && (!named || first(other) == first(&node))
                };
                match all.iter_mut().find(same) {
                    Some(slot) => *slot = (over(&slot.0, &node, row), false),
                    None => all.push((node, false)),
                }
            }
            Shared::Listed => {
                let known: Vec<&KdlValue> = all
                    .iter()
                    .filter(|(other, old)| *old && word(other))
                    .flat_map(|(other, _)| other.entries().iter().map(KdlEntry::value))
                    .collect();
                let new =
                    |entry: &KdlEntry| entry.name().is_some() || !known.contains(&entry.value());
                let had_any = !node.entries().is_empty();
                node.entries_mut().retain(new);
                if !(had_any && node.entries().is_empty()) {
                    all.push((node, false));
                }
            }
        }
    }
    let mut block = KdlDocument::new();
    *block.nodes_mut() = all.into_iter().map(|(node, _)| node).collect();
    block
}

/// A block without what of it is its machine's own.
fn carried(block: Option<&KdlDocument>, table: &[Node]) -> Option<KdlDocument> {
    let mut block = block?.clone();
    let row = |node: &KdlNode| table.iter().find(|row| row.word == node.name().value());
    block
        .nodes_mut()
        .retain(|node| row(node).is_none_or(|row| row.shared != Shared::Own));
    for node in block.nodes_mut() {
        let Some(row) = row(node) else { continue };
        let stays = |entry: &KdlEntry| {
            let property = entry.name().and_then(|name| row.property(name.value()));
            property.is_none_or(|property| property.carried != Carried::Never)
        };
        node.entries_mut().retain(stays);
        if let Some(inner) = carried(node.children(), row.block) {
            node.set_children(inner);
        }
    }
    Some(block)
}

/// A statement over the one that it takes the place of, part by part.
fn over(base: &KdlNode, own: &KdlNode, row: &Node) -> KdlNode {
    let given = |name: &str| {
        let mut names = own.entries().iter().filter_map(KdlEntry::name);
        names.any(|given| given.value() == name)
    };
    let has_values = own.entries().iter().any(|entry| entry.name().is_none());
    let stays = |entry: &KdlEntry| match entry.name().map(|name| name.value()) {
        None => !has_values,
        Some(name) if given(name) => false,
        Some(name) => match row.property(name).map(|property| property.carried) {
            Some(Carried::With(others)) => !others.iter().any(|other| given(other)),
            _ => true,
        },
    };
    // Where it stands is where its own word does.
    let mut node = own.clone();
    let kept = base.entries().iter().filter(|entry| stays(entry)).cloned();
    let entries: Vec<KdlEntry> = kept.chain(own.entries().iter().cloned()).collect();
    *node.entries_mut() = entries;
    if base.children().is_some() || own.children().is_some() {
        node.set_children(over_block(base.children(), own.children(), row.block));
    }
    node
}
