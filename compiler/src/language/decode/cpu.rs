//! The `cpu` block: the model, how many, and what is on, hidden and set.

use super::Decoder;
use super::span::{head, range, range_of_entries};
use super::word::{FEATURES_LATER, VM_NODES};
use crate::diagnostic::suggest;
use crate::language::elsewhere;
use crate::language::nodes::properties;
use kdl::KdlNode;
use std::collections::BTreeMap;
use vmlock_spec::vm::limits::VCPUS;
use vmlock_spec::vm::{Cpu, Feature, SetField};

impl Decoder<'_> {
    pub(super) fn cpu(&mut self, node: &KdlNode, unread: &mut Vec<&'static str>) -> Option<Cpu> {
        self.places.note("/cpu", head(node));
        let properties = self.properties(node, properties(&["vm", "cpu"]));
        let model = self
            .only(node, "cpu \"neoverse-n1\" count=2")
            .and_then(|entry| {
                self.places.note("/cpu/model", range(entry.span()));
                self.string(entry, "the CPU model")
            });
        let count = match properties.get("count") {
            Some(entry) => {
                self.places.note("/cpu/count", range(entry.span()));
                self.number(entry, "spec::cpu-count", "`count`", VCPUS)
            }
            None if self.misspelt.contains("count") || self.count_elsewhere(node) => None,
            None => {
                self.push(
                    "spec::missing",
                    "`cpu` does not say how many there are".to_owned(),
                    head(node),
                    "no `count`",
                    "add `count=1`, or as many vCPUs as the guest has",
                );
                None
            }
        };
        if count.is_none() {
            unread.push("/cpu/count");
        }
        let mut features: BTreeMap<Feature, &KdlNode> = BTreeMap::new();
        let mut vector_lengths = Vec::new();
        let (mut pmu, mut debug, mut aarch32) = (None, None, false);
        let mut single: BTreeMap<&str, &KdlNode> = BTreeMap::new();
        let (mut hides, mut set) = (Vec::new(), Vec::new());
        for child in node.children().map_or(&[][..], |c| c.nodes()) {
            let word = child.name().value();
            self.no_type(child.ty());
            match word {
                "hide" => hides.push(child),
                "set" => {
                    let one = self.set(child, set.len());
                    set.extend(one);
                }
                "debug" | "aarch32" => {
                    if let Some(first) = single.insert(word, child) {
                        self.twice(first, child, "keep one of the two");
                    }
                    if word == "debug" {
                        debug = self.debug(child);
                    } else {
                        aarch32 = true;
                        self.places.note("/cpu/aarch32", head(child));
                        self.properties(child, &[]);
                        self.no_children(child);
                        self.no_arguments(
                            child,
                            "the word alone asks for it; without it there is none",
                        );
                    }
                }
                _ => match Feature::ALL.iter().find(|f| f.name() == word) {
                    Some(feature) => {
                        let help =
                            format!("the word alone turns it on; without `{word}` it is off");
                        match feature {
                            Feature::Sve => {
                                self.properties(child, &[]);
                                self.no_children(child);
                                vector_lengths = self.vector_lengths(child, unread);
                            }
                            Feature::Pmu => {
                                self.no_arguments(child, &help);
                                pmu = self.pmu(child);
                            }
                            Feature::Pauth | Feature::Mte | Feature::StealTime => {
                                self.properties(child, &[]);
                                self.no_children(child);
                                self.no_arguments(child, &help);
                            }
                        }
                        match features.get(feature) {
                            Some(first) => self.twice(first, child, "keep one of the two"),
                            None => {
                                features.insert(*feature, child);
                            }
                        }
                    }
                    None => self.unknown_feature(child),
                },
            }
        }
        for (index, (_, node)) in features.iter().enumerate() {
            self.places
                .note(format!("/cpu/features/{index}"), head(node));
        }
        let hide = self.list(&hides, "/cpu/hide", "a feature to hide", "hide \"crc32\"");
        Some(Cpu {
            model: model?,
            count: count.unwrap_or(1) as u32,
            features: features.into_keys().collect(),
            vector_lengths,
            pmu,
            debug,
            aarch32,
            hide,
            set,
        })
    }

    /// Whether the number of vCPUs stands where it cannot be read: that is told of there.
    fn count_elsewhere(&self, node: &KdlNode) -> bool {
        let nameless = |entry: &&kdl::KdlEntry| entry.name().is_none();
        let mut values = node.entries().iter().filter(nameless).skip(1);
        let inner = node.children().map_or(&[][..], |block| block.nodes());
        values.any(|entry| entry.value().as_integer().is_some())
            || inner
                .iter()
                .any(|node| elsewhere::counts(node.name().value()))
    }

    fn unknown_feature(&mut self, node: &KdlNode) {
        let word = node.name().value();
        if FEATURES_LATER.contains(&word) {
            self.push(
                "spec::not-yet",
                format!("the vCPU feature `{word}` is designed but not built yet"),
                head(node),
                "not built yet",
                "remove it: the guest is then made without that feature",
            );
            return;
        }
        let known = Feature::ALL
            .iter()
            .map(|f| f.name())
            .chain(["debug", "aarch32", "hide", "set"]);
        let values: Vec<&str> = node
            .entries()
            .iter()
            .filter_map(|entry| self.source.text.get(self.value_span(entry)))
            .collect();
        // `-pmu` and `no-pmu` say that it is off.
        let off = ["no-", "no_", "-", "!", "without-"]
            .iter()
            .filter_map(|sign| word.strip_prefix(sign))
            .find(|feature| known.clone().any(|known| known == *feature));
        let help = if VM_NODES.contains(&word) {
            format!("`{word}` stands in the `vm` block, outside `cpu`")
        } else if let Some(feature) = off {
            format!("leave the line out: without `{feature}` it is off")
        } else if elsewhere::counts(word) {
            let count = values.first().copied().unwrap_or("2");
            format!("it stands in the line of `cpu`: `cpu \"…\" count={count} {{`")
        } else if word == "model" {
            "the model stands right behind `cpu`: `cpu \"neoverse-n1\" count=2 {`".to_owned()
        } else if ["features", "feature", "enable"].contains(&word) {
            let words = values.iter().map(|value| value.trim_matches('"'));
            let words: Vec<&str> = words
                .filter(|word| known.clone().any(|k| k == *word))
                .collect();
            match words.is_empty() {
                true => "each feature stands alone on its line: `pmu`".to_owned(),
                false => format!(
                    "each feature stands alone on its line: `{}`",
                    words.join("; ")
                ),
            }
        } else if elsewhere::hides(word) && !values.is_empty() {
            format!("write `hide {}`", values.join(" "))
        } else {
            suggest(word, known)
        };
        self.push(
            "spec::unknown-node",
            format!("a `cpu` has no `{word}`"),
            head(node),
            "unknown",
            help,
        );
    }

    fn set(&mut self, node: &KdlNode, index: usize) -> Option<SetField> {
        const EXAMPLE: &str = "set \"ID_AA64ISAR0_EL1.RNDR\" 0";
        self.properties(node, &[]);
        self.no_children(node);
        let list = self.arguments(node);
        for extra in list.iter().skip(2) {
            self.push(
                "spec::unexpected-argument",
                "`set` takes a field and its value".to_owned(),
                range(extra.span()),
                "one too many",
                "one `set` to a field",
            );
        }
        let told = node.children().is_some() || self.meant_a_value(node, EXAMPLE);
        if list.len() < 2 && !told {
            let field = list.first().and_then(|entry| entry.value().as_string());
            let (words, help) = match field.map(|f| f.split_once('=').unwrap_or((f, ""))) {
                None => ("nothing follows", format!("write `{EXAMPLE}`")),
                Some((field, "")) => (
                    "the value is missing",
                    format!("write `set {field:?}` and the value that a guest is to see"),
                ),
                Some((field, value)) => (
                    "the value is a word of its own",
                    format!("write `set {:?} {}`", field.trim(), value.trim()),
                ),
            };
            self.push(
                "spec::missing",
                "`set` takes a field and its value".to_owned(),
                range_of_entries(node),
                words,
                help,
            );
        }
        let (field, value) = (list.first()?, list.get(1));
        let text = self.string(field, "the field to set");
        let number =
            value.and_then(|v| self.number(v, "spec::out-of-range", "the value", 0..=u64::MAX));
        let one = SetField {
            field: text?,
            value: number?,
        };
        let pointer = format!("/cpu/set/{index}");
        self.places
            .note(format!("{pointer}/field"), range(field.span()));
        if let Some(value) = value {
            self.places
                .note(format!("{pointer}/value"), range(value.span()));
        }
        self.places.note(pointer, range_of_entries(node));
        Some(one)
    }
}
