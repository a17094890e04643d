//! From a KDL tree to a description, with the span of every place in it.
//!
//! Nothing here stops at the first problem: each part pushes what is wrong with
//! it and yields nothing, and the rest goes on. Names of baselines, models and
//! registers are not looked up here; the resolver does that, and its places come
//! back through [`Places`].
//!
//! `row` makes the JSON form of a node by its row of the table, out of `grammar`, `value` and `span`, and serde the
//! description of that; `line` makes one finding of what is wrong with a line. What no row says is in a file for each part: `vm`, `about`, `cpu`, `memory` and `device`; `missing`
//! says what has to be there, and `meant` and `event` know what is meant by a value that is none.

mod about;
mod cpu;
mod device;
mod event;
mod grammar;
mod line;
pub mod meant;
mod memory;
mod missing;
mod row;
mod span;
mod value;
mod vm;
pub mod word;

pub use memory::size;
use span::range;

use crate::diagnostic::Diagnostic;
use crate::language::nodes;
use crate::language::sharing::{self, Defaults};
use crate::location::{Places, Source};
use kdl::{KdlDocument, KdlNode};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use vmlock_spec::vm::VmSpec;

/// Most nodes, values and properties of a description: the checks compare names
/// with each other and with all registers.
pub const ENTRIES_MAX: usize = 2000;

/// How the finding on a machine begins that lacks what it has to have.
pub const LACKS: &str = "this `vm` has no `";

/// What came out of a machine of a file.
pub struct Decoded {
    /// Its name; `None` where that could not be read.
    pub name: Option<String>,
    /// Its node in the text.
    pub span: Range<usize>,
    /// The description. With problems, parts that could not be read hold
    /// placeholders; `None` where too little is left to resolve.
    pub spec: Option<VmSpec>,
    /// Where everything stands.
    pub places: Places,
    /// What is wrong.
    pub found: Vec<Diagnostic>,
    /// Pointers of parts that hold placeholders: what the resolver says of them is noise.
    pub unread: Vec<String>,
}

/// Decodes a document: one for each of its machines, or for none the findings alone. What is wrong with the file is found
/// with the first, and what is wrong with a place that machines share with each of them.
pub fn decode(source: &Arc<Source>, document: &KdlDocument, defaults: &Defaults) -> Vec<Decoded> {
    let mut top = Decoder::new(source);
    let vms = top.document(document);
    let (machines, found) = sharing::written_out(source, &vms, defaults);
    top.found.extend(found);
    let mut all: Vec<Decoded> = machines
        .iter()
        .map(|machine| {
            let mut decoder = Decoder::new(source);
            decoder.misspelt = top.misspelt.clone();
            let (name, spec) = decoder.machine(&machine.node);
            if !machine.whole {
                // What it lacks may stand in what it is built from.
                decoder
                    .found
                    .retain(|finding| finding.code != "spec::missing");
            }
            Decoded {
                name,
                span: range(machine.node.span()),
                spec,
                places: decoder.places,
                found: decoder.found,
                unread: decoder.unread,
            }
        })
        .collect();
    match all.first_mut() {
        Some(first) => {
            top.found.append(&mut first.found);
            first.found = top.found;
        }
        None => all.push(Decoded {
            name: None,
            span: 0..source.text.len(),
            spec: None,
            places: top.places,
            found: top.found,
            unread: Vec::new(),
        }),
    }
    all
}

/// What is wrong with the `defaults` of a file by themselves: a machine that has them says the rest.
pub fn of_defaults(source: &Arc<Source>, node: &KdlNode) -> Vec<Diagnostic> {
    let mut decoder = Decoder::new(source);
    let mut vm = KdlNode::new(nodes::VM.word);
    if let Some(block) = node.children() {
        vm.set_children(block.clone());
    }
    vm.set_span(node.span());
    decoder.machine(&vm);
    decoder
        .found
        .retain(|finding| finding.code != "spec::missing");
    decoder.found
}

struct Decoder<'a> {
    source: &'a Arc<Source>,
    places: Places,
    found: Vec<Diagnostic>,
    /// Known names that an unknown one resembles: they are not missing as well.
    misspelt: BTreeSet<&'static str>,
    /// Where the machine stands; what stands elsewhere it takes over.
    heir: Range<usize>,
    /// Pointers of parts that hold placeholders.
    unread: Vec<String>,
    /// Where the console stands that is a UART.
    uart: Option<Range<usize>>,
    /// Where nodes begin with a property that they do not have, and that says something here.
    odd: BTreeSet<usize>,
}

impl<'a> Decoder<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        Self {
            source,
            places: Places::new(Arc::clone(source)),
            found: Vec::new(),
            misspelt: BTreeSet::new(),
            heir: 0..0,
            unread: Vec::new(),
            uart: None,
            odd: BTreeSet::new(),
        }
    }

    fn push(
        &mut self,
        code: &'static str,
        message: String,
        span: Range<usize>,
        words: &str,
        help: impl Into<String>,
    ) {
        self.found.push(
            Diagnostic::error(code, message)
                .at(self.source, span, words)
                .help(help),
        );
    }
}

/// The finding on a file with more than [`ENTRIES_MAX`] entries.
pub fn too_many(source: &Source, count: usize) -> Diagnostic {
    Diagnostic::error(
        "spec::too-large",
        format!("this file has {count} nodes and values"),
    )
    .in_file(&source.path)
    .help(format!(
        "a description has at most {ENTRIES_MAX}; is this the right file?"
    ))
}
