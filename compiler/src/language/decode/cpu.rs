//! The `cpu` block: words that it has not, and a field that is set.

use super::Decoder;
use super::span::{head, range, range_of_entries};
use super::word::{FEATURES_LATER, VM_NODES};
use crate::diagnostic::suggest;
use crate::language::elsewhere;
use crate::language::nodes::Node;
use kdl::{KdlEntry, KdlNode};
use std::ops::RangeInclusive;
use vmlock_spec::vm::Feature;
use vmlock_spec::vm::limits::VCPUS;

/// How many vCPUs there can be.
const COUNT: RangeInclusive<i128> = *VCPUS.start() as i128..=*VCPUS.end() as i128;

/// What is said of vCPUs here that have sockets, cores or threads elsewhere.
pub(super) const NO_LAYOUT: &str = "no machine of vmlock's lays its vCPUs out";

/// How many vCPUs a value says: `2`, `"2"`, `x2`.
pub(super) fn counted(entry: &KdlEntry) -> Option<i128> {
    let number = match entry.value().as_string() {
        Some(text) => text.trim_matches(['x', 'X', '*']).parse().ok(),
        None => entry.value().as_integer(),
    };
    number.filter(|number| COUNT.contains(number))
}

impl Decoder<'_> {
    /// Reports sockets, cores and threads, however many there are; whether there are such, for a single one that counts
    /// vCPUs is another word for that.
    pub(super) fn laid_out(&mut self, node: &KdlNode) -> bool {
        let named =
            |entry: &&KdlEntry| entry.name().is_some_and(|n| elsewhere::lays_out(n.value()));
        let entries: Vec<&KdlEntry> = node.entries().iter().filter(named).collect();
        let name = |entry: &KdlEntry| entry.name().map_or("", |name| name.value()).to_owned();
        let counts = |name: &str| {
            node.entries()
                .iter()
                .any(|e| e.name().is_some_and(|n| n.value() == name))
        };
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return false;
        };
        let has = counts("count");
        if entries.len() == 1 && !has && elsewhere::counts(&name(first)) {
            return false;
        }
        let numbers = entries.iter().filter(|entry| name(entry) != "maxcpus");
        let numbers = numbers.map(|entry| entry.value().as_integer().filter(|n| *n > 0));
        let numbers: Option<Vec<i128>> = numbers.collect();
        let numbers = numbers.filter(|all| !all.is_empty());
        let product = numbers.and_then(|all| {
            all.into_iter()
                .try_fold(1_i128, |all, n| all.checked_mul(n))
        });
        let help = match product.filter(|all| COUNT.contains(all)) {
            _ if has => format!("leave it out: {NO_LAYOUT}, and `count` says how many there are"),
            Some(all) => format!("write `count={all}`: {NO_LAYOUT}"),
            None => format!("write `count=2`, or as many as there are: {NO_LAYOUT}"),
        };
        self.misspelt.insert("count");
        self.push(
            "spec::unknown-property",
            format!("`cpu` has no property `{}`", name(first)),
            range(first.span()).start..range(last.span()).end,
            "unknown",
            help,
        );
        true
    }

    pub(super) fn unknown_feature(&mut self, node: &KdlNode) {
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
        } else if elsewhere::lays_out(word) {
            format!(
                "leave it out: {NO_LAYOUT}; `count=` in the line of `cpu` says how many there are"
            )
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

    /// The field of a `set`, and its value.
    pub(super) fn set<'n>(&mut self, row: &Node, node: &'n KdlNode) -> Vec<&'n KdlEntry> {
        let mut list = self.arguments(node);
        for extra in list.iter().skip(2) {
            self.push(
                "spec::unexpected-argument",
                "`set` takes a field and its value".to_owned(),
                range(extra.span()),
                "one too many",
                "one `set` to a field",
            );
        }
        let told = node.children().is_some() || self.meant_a_value(node);
        if list.len() < 2 && !told {
            let field = list.first().and_then(|entry| entry.value().as_string());
            let (words, help) = match field.map(|f| f.split_once('=').unwrap_or((f, ""))) {
                None => ("nothing follows", format!("write `{}`", row.example)),
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
        list.truncate(2);
        list
    }
}
