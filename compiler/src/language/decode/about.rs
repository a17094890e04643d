//! `labels NAME="VALUE"`: what is said of a machine for programs around it. No guest sees it, and no lock holds it.

use super::Decoder;
use super::row::Object;
use super::span::{head, range};
use crate::diagnostic::Diagnostic;
use kdl::KdlNode;
use std::collections::BTreeMap;
use std::ops::Range;

impl Decoder<'_> {
    /// The labels of a machine. Their names are the author's, so that none is unknown.
    pub(super) fn labels(&mut self, node: &KdlNode) -> Object {
        self.places.note("/labels", head(node));
        self.no_block_of_labels(node);
        self.no_arguments(
            node,
            "a label has a name and a value: `labels team=\"shop\"`",
        );
        let mut labels = Object::new();
        let mut spans: BTreeMap<&str, Range<usize>> = BTreeMap::new();
        for entry in node.entries() {
            let Some(name) = entry.name().map(|name| name.value()) else {
                continue;
            };
            self.no_type(entry.ty());
            let span = range(entry.span());
            if let Some(first) = spans.insert(name, span.clone()) {
                let words = format!("the label `{name}` is given twice");
                self.found.push(
                    Diagnostic::error("spec::duplicate-property", words)
                        .at(self.source, span, "again here")
                        .at(self.source, first, "first here")
                        .help("keep one of the two"),
                );
                continue;
            }
            self.places.note(format!("/labels/{name}"), span);
            if let Some(value) = self.string(entry, &format!("the label `{name}`")) {
                labels.insert(name.to_owned(), value.into());
            }
        }
        labels
    }

    /// Other languages have a block of them.
    fn no_block_of_labels(&mut self, node: &KdlNode) {
        let children = node.children().map_or(&[][..], |block| block.nodes());
        let one = |child: &KdlNode| {
            let value = child.entries().first()?;
            let written = self.source.text.get(self.value_span(value))?;
            Some(format!("{}={written}", child.name().value()))
        };
        let written: Option<Vec<String>> = children.iter().map(one).collect();
        match written.filter(|labels| !labels.is_empty()) {
            None => self.no_children(node),
            Some(labels) => self.push(
                "spec::unexpected-block",
                "`labels` takes no block".to_owned(),
                head(node),
                "its block",
                format!("write `labels {}`", labels.join(" ")),
            ),
        }
    }
}
