//! The file and its `vm` block: which nodes stand there, and what each word alone means.

use super::Decoder;
use super::span::{head, range};
use super::word::{DEVICES_ELSEWHERE, FEATURES_LATER, FROM_ELSEWHERE, VM_NODES};
use super::{ENTRIES_MAX, LACKS, too_many};
use crate::diagnostic::suggest;
use crate::language::elsewhere;
use crate::language::nodes;
use crate::several::MACHINES_MAX;
use kdl::{KdlDocument, KdlNode};
use std::collections::BTreeMap;
use vmlock_spec::vm::limits::MEMORY_BYTES;
use vmlock_spec::vm::{AcrossSaves, Arch, Feature, VmSpec};
use vmlock_spec::words::did_you_mean;

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

    /// A machine that is written out in full: its name, what it is, and what of it could not be read.
    pub(super) fn machine(
        &mut self,
        node: &KdlNode,
    ) -> (Option<String>, Option<VmSpec>, Vec<&'static str>) {
        let mut unread = Vec::new();
        self.places.note("", head(node));
        self.heir = range(node.span());
        self.no_type(node.ty());
        if let Some(entry) = self.properties(node, nodes::VM.properties).get("from") {
            self.string(entry, "`from`");
        }
        let name = self.only(node, "vm \"NAME\" { … }").and_then(|entry| {
            self.places.note("/name", range(entry.span()));
            self.string(entry, "the machine's name")
        });
        if name.is_none() {
            unread.push("/name");
        }
        let parts = self.parts(node);
        let one = |word: &str| parts.get(word).and_then(|nodes| nodes.first().copied());
        let all = |word: &str| parts.get(word).map(Vec::as_slice).unwrap_or_default();

        let description = one("description").and_then(|n| self.description(n));
        let labels = one("labels").map(|n| self.labels(n)).unwrap_or_default();
        let arch = self.required(node, one("arch"), "arch \"arm64\"");
        arch.and_then(|n| self.arch(n));
        let abi = self.required(node, one("abi"), "abi \"kvm-6.8\"");
        let abi = abi.map(|n| self.list(&[n], "/abi", "a baseline", "abi \"kvm-6.8\""));
        let cpu = self.required(node, one("cpu"), "cpu \"neoverse-n1\" count=2");
        let cpu = cpu.and_then(|n| self.cpu(n, &mut unread));
        let memory = self.required(node, one("memory"), "memory \"512MiB\"");
        let memory = memory.and_then(|n| self.memory(n));
        if memory.is_none() {
            unread.push("/memory");
        }
        let boot = one("boot").and_then(|n| {
            let boot = self.boot(n);
            if boot.is_none() {
                unread.push("/boot");
            }
            boot
        });
        let (console, devices) = self.devices(node);
        let across_saves = one("across-saves").and_then(|n| self.across_saves(n));
        let generation = one("vmgenid");
        if let Some(node) = generation {
            self.places.note("/vmgenid", head(node));
            self.properties(node, &[]);
            self.no_children(node);
            self.no_arguments(node, "the word alone asks for it; without it there is none");
        }
        let lock_schema = one("lock-schema").and_then(|n| {
            self.properties(n, &[]);
            self.no_children(n);
            let entry = self.only(n, "lock-schema \"../schema/lock.v1.schema.json\"")?;
            self.places.note("/lock-schema", range(entry.span()));
            self.string(entry, "the schema's place")
        });
        let vary = self.list(
            all("vary"),
            "/vary",
            "a waived field",
            "vary \"PMCR_EL0.IMP\"",
        );
        let allow = self.allow(all("allow"));
        let runs_on = self.list(all("runs-on"), "/runs-on", "a host", "runs-on \"kvm-6.12\"");
        let import = self.list(all("import"), "/import", "a file", "import \"my-cpu.kdl\"");

        let (Some(abi), Some(cpu)) = (abi.filter(|a| !a.is_empty()), cpu) else {
            return (name, None, unread);
        };
        let spec = VmSpec {
            name: name.clone().unwrap_or_else(|| "unnamed".to_owned()),
            description,
            labels,
            arch: Arch::Arm64,
            abi,
            cpu,
            memory: memory.unwrap_or(*MEMORY_BYTES.start()),
            boot,
            console: console.unwrap_or_default(),
            devices,
            across_saves: across_saves.unwrap_or_default(),
            vmgenid: generation.is_some(),
            vary,
            allow,
            runs_on,
            import,
            lock_schema,
            schema: None,
        };
        (name, Some(spec), unread)
    }

    /// The nodes of a `vm` block by name. Unknown ones and doubled single ones are reported.
    fn parts<'n>(&mut self, node: &'n KdlNode) -> BTreeMap<&'static str, Vec<&'n KdlNode>> {
        let mut parts: BTreeMap<&'static str, Vec<&KdlNode>> = BTreeMap::new();
        let children = node.children().map_or(&[][..], |c| c.nodes());
        for child in children {
            let word = child.name().value();
            self.no_type(child.ty());
            let Some(known) = VM_NODES.iter().find(|k| **k == word) else {
                self.unknown_part(child);
                continue;
            };
            let nodes = parts.entry(known).or_default();
            let repeats = nodes::VM.inner(known).is_some_and(|node| node.repeats);
            if let (false, Some(first)) = (repeats, nodes.first()) {
                let help = match *known {
                    "abi" => "name all baselines behind one `abi`".to_owned(),
                    _ => format!("keep one `{known}`"),
                };
                self.twice(first, child, &help);
                continue;
            }
            nodes.push(child);
        }
        parts
    }

    fn unknown_part(&mut self, node: &KdlNode) {
        let word = node.name().value();
        if !elsewhere::counts(word) {
            self.resembles(word, VM_NODES.into_iter());
        }
        let help = if Feature::ALL.iter().any(|f| f.name() == word)
            || FEATURES_LATER.contains(&word)
            || ["hide", "set"].contains(&word)
        {
            format!("`{word}` stands inside the `cpu` block: `cpu \"…\" {{ {word} … }}`")
        } else if word == "name" {
            "the machine's name stands right behind `vm`: `vm \"web\" { … }`".to_owned()
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
            return Some(format!("write `{ours}{rest}`"));
        }
        match word {
            "psci" | "gic" | "smccc" => Some("baselines decide that: a part stands in `abi` behind a whole one, as in `abi \"kvm-6.8\" \"psci-1.1\"`".to_owned()),
            "features" | "feature" => Some("features stand in the `cpu` block, each alone on its line: `cpu \"…\" count=2 { pmu; }`".to_owned()),
            "$schema" | "schema" => Some("KDL names no schema: leave it out; `vmlock editor-setup` tells an editor what a description has".to_owned()),
            "defaults" => Some("`defaults` stands in a file that machines `import`".to_owned()),
            "vm" => Some("machines stand side by side: write it behind the `}` of this one; `from=` has it take over what this one says".to_owned()),
            _ if elsewhere::absent(word) => Some("no machine of vmlock's has one: leave it out; there are `console`, `disk`, `net`, `rng` and `vsock`".to_owned()),
            _ => None,
        }
    }

    fn required<'n>(
        &mut self,
        vm: &KdlNode,
        found: Option<&'n KdlNode>,
        example: &str,
    ) -> Option<&'n KdlNode> {
        let word = example.split(' ').next().unwrap_or(example);
        if found.is_none() && !self.misspelt.contains(word) && !self.misspelt.contains("from") {
            self.push(
                "spec::missing",
                format!("{LACKS}{word}`"),
                head(vm),
                "in this block",
                format!("add `{example}`"),
            );
        }
        found
    }

    fn arch(&mut self, node: &KdlNode) -> Option<()> {
        self.properties(node, &[]);
        self.no_children(node);
        let entry = self.only(node, "arch \"arm64\"")?;
        self.places.note("/arch", range(entry.span()));
        let name = self.string(entry, "the instruction set")?;
        if name == "arm64" {
            return Some(());
        }
        let help = match name.as_str() {
            "aarch64" | "armv8" | "arm64e" | "ARM64" | "AArch64" | "Arm64" => {
                "write `arm64`, as Linux does"
            }
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

    fn across_saves(&mut self, node: &KdlNode) -> Option<AcrossSaves> {
        self.properties(node, &[]);
        self.no_children(node);
        let entry = self.only(node, "across-saves \"goes-on\"")?;
        self.places.note("/across-saves", range(entry.span()));
        let name = self.string(entry, "what the counter does")?;
        if let Some((_, known)) = AcrossSaves::ALL.iter().find(|(known, _)| *known == name) {
            return Some(*known);
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
