//! The `cpu` block: words that it has not, and a field that is set.

use super::Decoder;
use super::span::{head, range, range_of_entries};
use super::word::{FEATURES_LATER, VM_NODES};
use crate::diagnostic::suggest;
use crate::language::elsewhere;
use crate::language::nodes::Node;
use kdl::{KdlEntry, KdlNode};
use std::ops::RangeInclusive;
use vmlock_spec::catalogue::{Field, field, hwcap, register_by_name};
use vmlock_spec::names;
use vmlock_spec::vm::Feature;
use vmlock_spec::vm::limits::VCPUS;

/// How many vCPUs there can be.
const COUNT: RangeInclusive<i128> = *VCPUS.start() as i128..=*VCPUS.end() as i128;

/// What is said of vCPUs here that have sockets, cores or threads elsewhere.
pub(super) const NO_LAYOUT: &str = "no machine of vmlock's lays its vCPUs out";

/// What is said of a feature that is no vCPU's own.
const OF_MODEL: &str = "leave the line out: a CPU has what its model has, and";

/// What is said of a feature of Linux's as a line of its own.
fn of_linux(word: &str) -> Option<String> {
    let hwcap = hwcap(word)?;
    if let Some(why) = &hwcap.why {
        return Some(format!("leave the line out: {why}"));
    }
    let Some(feature) = hwcap.feature.as_deref() else {
        return Some(format!("{OF_MODEL} `hide \"{word}\"` alone takes it away"));
    };
    let known = Feature::ALL.iter().any(|known| known.name() == feature);
    Some(match (known, hwcap.fields.is_empty()) {
        (false, _) => format!("leave the line out: vmlock turns `{feature}` on for no guest"),
        (true, true) => format!("write `{feature}`"),
        // `sve` alone is less than `sve2`.
        (true, false) => {
            format!("leave the line out: it comes with `{feature}`, where the model has it")
        }
    })
}

/// What a line of other programs hides, as it is written here: names alone, or fields with the 0 that they would have
/// then. Where 0 says that there is something, it is set.
fn hidden(node: &KdlNode) -> Option<String> {
    let (names, others): (Vec<&KdlEntry>, Vec<&KdlEntry>) = node
        .entries()
        .iter()
        .partition(|entry| entry.name().is_none() && entry.value().as_string().is_some());
    let zero = |entry: &&KdlEntry| entry.name().is_none() && entry.value().as_integer() == Some(0);
    let names = names.iter().filter_map(|entry| entry.value().as_string());
    let names: Vec<&str> = names.collect();
    if names.is_empty() || !others.iter().all(zero) {
        return None;
    }
    if !others.is_empty() {
        let fields: Option<Vec<&Field>> = names.iter().map(|name| Some(field(name)?.1)).collect();
        let hides = fields?.iter().all(|field| field.none() == 0);
        if let ([name], false) = (names.as_slice(), hides) {
            return Some(format!("set {name:?} 0"));
        }
        if !hides {
            return None;
        }
    }
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    Some(format!("hide {}", names.join(" ")))
}

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
        } else if let Some(line) = hidden(node).filter(|_| elsewhere::hides(word)) {
            format!("write `{line}`")
        } else if let Some(written) = self.sets_a_field(node) {
            written
        } else if let Some(feature) = names::feature_elsewhere(word) {
            match known.clone().any(|known| known == feature) {
                true => format!("write `{feature}`"),
                false => format!("{OF_MODEL} `hide \"{feature}\"` alone takes it away"),
            }
        } else if let Some(help) = of_linux(word) {
            help
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

    /// A field of a register as a node of its own, or behind another word than `set`: how it is written here.
    fn sets_a_field(&self, node: &KdlNode) -> Option<String> {
        let word = node.name().value();
        let is_path = |path: &str| {
            let name = path.split('.').next().unwrap_or(path);
            path.contains('.') && register_by_name(&name.to_ascii_uppercase()).is_some()
        };
        let (path, value) = match node.entries() {
            [value] if is_path(word) => (word, Some(value)),
            [path, value] if !is_path(word) => (path.value().as_string()?, Some(value)),
            _ if register_by_name(word).is_some() || is_path(word) => (word, None),
            _ => return None,
        };
        let number = value.filter(|value| value.value().as_integer().is_some());
        let written = number.and_then(|value| self.source.text.get(self.value_span(value)));
        match written {
            Some(number) if is_path(path) => {
                let path = names::spelled(path).unwrap_or_else(|| path.to_owned());
                Some(format!("write `set {path:?} {number}`"))
            }
            _ if path == word => {
                let name = path.split('.').next().unwrap_or(path);
                Some(format!(
                    "a field is set in a line of its own, with its value: `set \"{name}.FIELD\" 0`"
                ))
            }
            _ => None,
        }
    }

    /// The field of a `set`, and its value.
    pub(super) fn set<'n>(&mut self, row: &Node, node: &'n KdlNode) -> Vec<&'n KdlEntry> {
        let mut list = self.arguments(node);
        // `set "REGISTER" "FIELD" 1` is one mistake.
        if let [register, field, value] = list.as_slice()
            && let (Some(register), Some(field)) =
                (register.value().as_string(), field.value().as_string())
            && let Some(path) = names::spelled(&format!("{register}.{field}"))
            && value.value().as_integer().is_some()
            && let Some(value) = self.source.text.get(self.value_span(value))
        {
            let help = format!("write `set \"{path}\" {value}`");
            let span = range(list[0].span()).start..range(list[1].span()).end;
            self.push(
                "spec::unexpected-argument",
                "a field is one name, with its register".to_owned(),
                span,
                "two names",
                help,
            );
            self.unread.push("/cpu/set".to_owned());
            return Vec::new();
        }
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
            let apart = |f| str::split_once(f, ['=', ':', ' ']).unwrap_or((f, ""));
            let (words, help) = match field.map(apart) {
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
