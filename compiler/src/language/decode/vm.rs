//! The file and its `vm` block: which nodes stand there, and what each word alone means.

use super::Decoder;
use super::cpu::NO_LAYOUT;
use super::span::{head, range};
use super::word::{DEVICES_ELSEWHERE, FEATURES_LATER, FROM_ELSEWHERE, VM_NODES};
use super::{ENTRIES_MAX, too_many};
use crate::diagnostic::suggest;
use crate::language::elsewhere;
use crate::language::nodes::{self, Node};
use crate::several::MACHINES_MAX;
use kdl::{KdlDocument, KdlEntry, KdlNode};
use serde::Deserialize;
use serde_json::Value as Json;
use vmlock_spec::vm::{AcrossSaves, Feature, VmSpec};
use vmlock_spec::words::did_you_mean;

/// What is said of a command line of QEMU's.
const OPTION: &str =
    "`vmlock import FILE` makes a description of a command line of QEMU's that stands in a file";

impl Decoder<'_> {
    /// The machines of a file. What else stands at its top is reported, and so is that there is none.
    pub(super) fn document<'n>(&mut self, document: &'n KdlDocument) -> Vec<&'n KdlNode> {
        let count = entries(document);
        if count > ENTRIES_MAX {
            self.found.push(too_many(self.source, count));
            return Vec::new();
        }
        let mut machines = Vec::new();
        for node in document.nodes() {
            let word = node.name().value();
            if word == "vm" {
                machines.push(node);
                continue;
            }
            let help = match word {
                "baseline" => "a baseline stands in a file of its own: name that file with `import` inside `vm`".to_owned(),
                "cpu" => "inside `vm` it names the model; a model of your own stands in a file that `import` names".to_owned(),
                "defaults" => "`defaults` stands in a file that machines `import`; those of one file are built `from` one of them".to_owned(),
                _ if VM_NODES.contains(&word) => format!("`{word}` stands inside the `vm` block"),
                "kdl-version" => "leave it out; a line `/- kdl-version 2` may stand there instead".to_owned(),
                _ if word.starts_with("qemu-") => OPTION.to_owned(),
                _ if elsewhere::node(word) == Some("import") => "inside the `vm` block, `import \"my-cpu.kdl\"` names a file of your own".to_owned(),
                _ => did_you_mean(word, ["vm"].into_iter()).unwrap_or_else(|| match node.children() {
                    Some(_) => "a description is `vm` blocks, one for each machine: `vm \"NAME\" { … }`".to_owned(),
                    None => "a description is `vm` blocks, one for each machine".to_owned(),
                }),
            };
            self.push(
                "spec::unknown-node",
                format!("`{word}` is not known at the top of a description"),
                head(node),
                "unknown",
                help,
            );
        }
        if let Some(first) = machines.get(MACHINES_MAX) {
            self.push(
                "spec::too-large",
                format!("this file has {} machines", machines.len()),
                head(first),
                "one too many",
                format!("a file has at most {MACHINES_MAX}: what files share is `import`ed"),
            );
            machines.truncate(MACHINES_MAX);
        }
        if machines.is_empty() && self.found.is_empty() {
            let end = self.source.text.trim_end().len();
            self.push(
                "spec::missing",
                "there is no `vm` block".to_owned(),
                end..end,
                "the file ends without one",
                "a description begins `vm \"NAME\" { … }`; `vmlock lock --help` shows a whole one",
            );
        }
        machines
    }

    /// A machine that is written out in full: its name, and what it is.
    pub(super) fn machine(&mut self, node: &KdlNode) -> (Option<String>, Option<VmSpec>) {
        self.places.note("", head(node));
        self.heir = range(node.span());
        self.no_type(node.ty());
        let since = self.found.len();
        let mut machine = self.object(&nodes::VM, node, "").unwrap_or_default();
        self.in_one(&nodes::VM, node, since);
        let name = machine.get("name").and_then(Json::as_str);
        let name = name.filter(|_| !self.unread.iter().any(|place| place == "/name"));
        let name = name.map(str::to_owned);
        if !(machine.contains_key("abi") && machine.contains_key("cpu")) {
            return (name, None);
        }
        // There is one; that it is missing, or another, has been told.
        let arch = machine.entry("arch");
        arch.or_insert_with(|| "arm64".into());
        let spec = VmSpec::deserialize(Json::Object(machine));
        // The table and the type do not fit together, which tests would show.
        if let Err(error) = &spec {
            let message = format!("this machine cannot be read: {error}");
            let help = "this is a mistake of vmlock's own";
            self.push("spec::json", message, head(node), "this machine", help);
        }
        (name, spec.ok())
    }

    /// Reports a word that a block has not.
    pub(super) fn unknown(&mut self, row: &Node, node: &KdlNode) {
        match row.word {
            "vm" => return self.unknown_part(node),
            "cpu" => return self.unknown_feature(node),
            _ => {}
        }
        let word = node.name().value();
        let known: Vec<&str> = row.block.iter().map(|inner| inner.word).collect();
        self.push(
            "spec::unknown-node",
            format!("a `{}` has no `{word}`", row.word),
            head(node),
            "unknown",
            suggest(word, known),
        );
    }

    fn unknown_part(&mut self, node: &KdlNode) {
        let word = node.name().value();
        let option = word.trim_start_matches('-');
        if option.len() < word.len() && option.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.option(node);
        }
        // The sign of a diff or of a list, before a line that is one of ours.
        let named = node
            .entries()
            .first()
            .and_then(|entry| entry.value().as_string());
        let ours = named.and_then(|named| VM_NODES.iter().find(|known| **known == named));
        if let Some(ours) = ours.filter(|_| ["+", "-", ">", "*", "•", "|"].contains(&word)) {
            self.misspelt.insert(ours);
            let message = format!("a `{word}` stands before `{ours}`");
            let help = format!("a line begins with its word: remove the `{word}`, or the line");
            self.push("spec::unknown-node", message, head(node), "this sign", help);
            return;
        }
        if !elsewhere::counts(word) {
            self.resembles(word, VM_NODES.into_iter());
        }
        let help = if Feature::ALL.iter().any(|f| f.name() == word)
            || FEATURES_LATER.contains(&word)
            || ["hide", "set"].contains(&word)
        {
            format!("`{word}` stands inside the `cpu` block: `cpu \"…\" {{ {word} … }}`")
        } else if word == "name" {
            let name = node.entries().first();
            let name = name.and_then(|entry| self.source.text.get(self.value_span(entry)));
            let name = name.unwrap_or("\"web\"");
            format!("the machine's name stands right behind `vm`: `vm {name} {{ … }}`")
        } else if word == "from" || FROM_ELSEWHERE.contains(&word) {
            // What it would have had from there is not missing as well.
            self.misspelt.insert("from");
            "what a machine is built from stands right behind its name: `vm \"b\" from=\"a\" { … }`"
                .to_owned()
        } else if let Some((_, ours)) = DEVICES_ELSEWHERE.iter().find(|(w, _)| *w == word) {
            format!("write `{ours}`")
        } else if let Some(help) = self.known_elsewhere(node) {
            help
        } else {
            suggest(word, VM_NODES)
        };
        self.push(
            "spec::unknown-node",
            format!("a `vm` has no `{word}`"),
            head(node),
            "unknown",
            help,
        );
    }

    /// Reports an option of a command line, with which the others are told of.
    fn option(&mut self, node: &KdlNode) {
        if self
            .found
            .iter()
            .any(|one| one.help.iter().any(|h| h == OPTION))
        {
            return;
        }
        // What they say may be what the machine has not.
        self.misspelt.extend(["cpu", "memory"]);
        let word = node.name().value();
        let message = format!("`{word}` is an option of a command line");
        self.push("spec::unknown-node", message, head(node), "unknown", OPTION);
    }

    /// What to write for a node that has another name elsewhere, or another place; what it means is not missing as well.
    fn known_elsewhere(&mut self, node: &KdlNode) -> Option<String> {
        let word = node.name().value();
        let first = node.entries().first();
        let value = first.and_then(|entry| self.source.text.get(self.value_span(entry)));
        let release = value.is_some_and(|v| {
            let v = v.trim_matches('"');
            v.starts_with("kvm") || v.starts_with(|c: char| c.is_ascii_digit())
        });
        if word == "kernel" && release {
            self.misspelt.insert("abi");
            return Some(format!(
                "what the host's kernel shows is `abi \"kvm-6.8\"`; what a guest boots, `{}`",
                "boot kernel=\"vmlinuz\""
            ));
        }
        let of_boot = nodes::at(&["vm", "boot"]).and_then(|boot| boot.property(word));
        let of_boot = of_boot.map(|property| property.name);
        if let Some(name) = of_boot.or_else(|| elsewhere::property("boot", word)) {
            // A `boot` beside it may lack just that.
            self.misspelt.insert(name);
            let value = value.unwrap_or("…");
            return Some(match name {
                "kernel" => format!("write `boot kernel={value}`"),
                _ => format!("it stands in the line of `boot`: `boot kernel=\"…\" {name}={value}`"),
            });
        }
        if elsewhere::counts(word) {
            self.misspelt.insert("count");
            let count = value.filter(|v| v.parse::<u32>().is_ok()).unwrap_or("2");
            return Some(format!(
                "how many vCPUs there are stands behind the model: `cpu \"neoverse-n1\" count={count}`"
            ));
        }
        if let Some(words) = elsewhere::nothing::node(word) {
            return Some(format!("leave it out: {words}"));
        }
        if elsewhere::lays_out(word) {
            self.misspelt.insert("count");
            return Some(format!(
                "leave it out: {NO_LAYOUT}; how many there are stands behind the model: `cpu \"neoverse-n1\" count=2`"
            ));
        }
        if let Some(ours) = elsewhere::node(word) {
            self.misspelt.insert(ours);
            let line = node
                .children()
                .map_or(node.span().offset() + node.span().len(), |block| {
                    block.span().offset()
                });
            let rest = self
                .source
                .text
                .get(head(node).end..line)
                .unwrap_or_default();
            let rest = rest.lines().next().unwrap_or_default();
            let rest = rest.trim_end().trim_end_matches(['{', ';']).trim_end();
            // A warning is allowed with a reason.
            let reasons = ours != "allow" || rest.contains('=');
            let why = if reasons { "" } else { " reason=\"…\"" };
            return Some(format!("write `{ours}{rest}{why}`"));
        }
        match word {
            "psci" | "gic" | "smccc" | "gic-version" | "gic_version" => Some("baselines decide that: a part stands in `abi` behind a whole one, as in `abi \"kvm-6.8\" \"psci-1.1\"`".to_owned()),
            "features" | "feature" => Some("features stand in the `cpu` block, each alone on its line: `cpu \"…\" count=2 { pmu; }`".to_owned()),
            "$schema" | "schema" => Some("KDL names no schema: leave it out; `vmlock editor-setup` tells an editor what a description has".to_owned()),
            "defaults" => Some("`defaults` stands in a file that machines `import`".to_owned()),
            "vm" => Some("machines stand side by side: write it behind the `}` of this one; `from=` has it take over what this one says".to_owned()),
            _ if elsewhere::absent(word) => Some("no machine of vmlock's has one: leave it out; there are `console`, `disk`, `net`, `rng` and `vsock`".to_owned()),
            _ => None,
        }
    }

    /// An instruction set by its name.
    pub(super) fn arch(&mut self, entry: &KdlEntry, what: &str) -> Option<String> {
        if let Some(number) = entry.value().as_integer() {
            let help = match number {
                64 => "write `\"arm64\"`",
                _ => "this vmlock knows `arm64` alone",
            };
            self.wrong_type(entry, what, "a name", help.to_owned());
            return None;
        }
        let name = self.string(entry, what)?;
        if name == "arm64" {
            return Some(name);
        }
        let plain = name.strip_prefix("linux/").unwrap_or(&name);
        let help = match plain {
            "arm64" | "arm64/v8" | "armv8-a" | "armv8a" | "arm64-v8a" | "aarch64" | "armv8"
            | "arm64e" | "ARM64" | "AArch64" | "Arm64" => "write `arm64`, as Linux does",
            _ => "this vmlock knows `arm64` alone",
        };
        self.push(
            "spec::unknown-arch",
            format!("unknown instruction set `{name}`"),
            range(entry.span()),
            "unknown",
            help,
        );
        None
    }

    /// What a counter does across saves.
    pub(super) fn across_saves(&mut self, entry: &KdlEntry, what: &str) -> Option<String> {
        let name = self.string(entry, what)?;
        if AcrossSaves::ALL.iter().any(|(known, _)| *known == name) {
            return Some(name);
        }
        self.push(
            "spec::unknown-across-saves",
            format!("across saves, no counter does `{name}`"),
            range(entry.span()),
            "unknown",
            suggest(&name, AcrossSaves::ALL.map(|(known, _)| known)),
        );
        None
    }
}

/// Nodes, values and properties of a document, at every depth.
fn entries(document: &KdlDocument) -> usize {
    let of = |node: &KdlNode| 1 + node.entries().len() + node.children().map_or(0, entries);
    document.nodes().iter().map(of).sum()
}
