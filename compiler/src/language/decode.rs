//! From a KDL tree to a description, with the span of every place in it.
//!
//! Nothing here stops at the first problem: each part pushes what is wrong with
//! it and yields nothing, and the rest goes on. Names of baselines, models and
//! registers are not looked up here; the resolver does that, and its places come
//! back through [`Places`].

use crate::diagnostic::{Diagnostic, join, suggest};
use crate::location::{Places, Source};
use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;
use vmlock_spec::vm::{Arch, Boot, Console, Cpu, Debug, Feature, Pmu, SetField, VmSpec};
use vmlock_spec::words::did_you_mean;

/// Most vCPUs of a machine.
pub const VCPUS_MAX: u64 = 64;
/// Guest memory comes in blocks of 2 MiB, so that the host can map it with huge pages.
pub const MEMORY_STEP_BYTES: u64 = 2 << 20;
/// Least guest memory.
pub const MEMORY_MIN_BYTES: u64 = 64 << 20;
/// Most guest memory.
pub const MEMORY_MAX_BYTES: u64 = 512 << 30;
/// Longest command line (arm64 `COMMAND_LINE_SIZE`, arch/arm64/include/uapi/asm/setup.h).
pub const CMDLINE_MAX_BYTES: usize = 2048;
/// Most nodes, values and properties of a description: the checks compare names
/// with each other and with all registers.
pub const ENTRIES_MAX: usize = 2000;
/// Longest string of a description, in bytes (`PATH_MAX` of Linux).
const STRING_BYTES_MAX: usize = 4096;
/// Longest machine name.
const NAME_MAX_BYTES: usize = 63;

/// What a `vm` block may hold.
const VM_NODES: [&str; 10] = [
    "arch",
    "abi",
    "cpu",
    "memory",
    "boot",
    "console",
    "vary",
    "runs-on",
    "import",
    "lock-schema",
];
/// Designed, and not built yet.
const VM_NODES_LATER: [&str; 2] = ["disk", "net"];
/// vCPU features of KVM that a description cannot name yet.
const FEATURES_LATER: [&str; 1] = ["el2"];

/// What came out of a file.
pub struct Decoded {
    /// The description. With problems, parts that could not be read hold
    /// placeholders; `None` where too little is left to resolve.
    pub spec: Option<VmSpec>,
    /// Where everything stands.
    pub places: Places,
    /// What is wrong.
    pub found: Vec<Diagnostic>,
    /// Pointers of parts that hold placeholders: what the resolver says of them is noise.
    pub unread: Vec<&'static str>,
}

/// Decodes a document that holds one `vm`.
pub fn decode(source: &Rc<Source>, document: &KdlDocument) -> Decoded {
    let mut decoder = Decoder {
        source,
        places: Places::new(Rc::clone(source)),
        found: Vec::new(),
        misspelt: BTreeSet::new(),
    };
    let (spec, unread) = decoder.document(document);
    Decoded {
        spec,
        places: decoder.places,
        found: decoder.found,
        unread,
    }
}

struct Decoder<'a> {
    source: &'a Rc<Source>,
    places: Places,
    found: Vec<Diagnostic>,
    /// Known names that an unknown one resembles: they are not missing as well.
    misspelt: BTreeSet<&'static str>,
}

fn range(span: miette::SourceSpan) -> Range<usize> {
    span.offset()..span.offset() + span.len()
}

fn head(node: &KdlNode) -> Range<usize> {
    range(node.name().span())
}

/// The kind of a value, for people.
fn kind(value: &KdlValue) -> &'static str {
    match value {
        KdlValue::String(_) => "a string",
        KdlValue::Integer(_) => "a whole number",
        KdlValue::Float(_) => "a number with a fraction",
        KdlValue::Bool(_) => "a truth value",
        KdlValue::Null => "`#null`",
    }
}

impl<'a> Decoder<'a> {
    /// The span of an entry's value, without the property's name.
    fn value_span(&self, entry: &KdlEntry) -> Range<usize> {
        let whole = range(entry.span());
        let Some(name) = entry.name() else {
            return whole;
        };
        let after = range(name.span()).end.clamp(whole.start, whole.end);
        let rest = self.source.text.get(after..whole.end).unwrap_or("");
        let skipped = rest.len()
            - rest
                .trim_start_matches(|c: char| c == '=' || c.is_whitespace())
                .len();
        after + skipped..whole.end
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

    // --- the grammar of one node -------------------------------------------

    fn no_type(&mut self, annotation: Option<&kdl::KdlIdentifier>) {
        if let Some(name) = annotation {
            self.push(
                "spec::type-annotation",
                format!(
                    "a type annotation, `({})`, means nothing here",
                    name.value()
                ),
                range(name.span()),
                "this annotation",
                "remove it, with its parentheses",
            );
        }
    }

    fn arguments<'n>(&mut self, node: &'n KdlNode) -> Vec<&'n KdlEntry> {
        let entries = node.entries().iter().filter(|e| e.name().is_none());
        let list: Vec<&KdlEntry> = entries.collect();
        for entry in &list {
            self.no_type(entry.ty());
        }
        list
    }

    /// The properties of a node; unknown and doubled ones are reported.
    fn properties<'n>(
        &mut self,
        node: &'n KdlNode,
        known: &[&'static str],
    ) -> BTreeMap<&'static str, &'n KdlEntry> {
        let mut map: BTreeMap<&'static str, &KdlEntry> = BTreeMap::new();
        let word = node.name().value();
        for entry in node.entries() {
            let Some(name) = entry.name() else { continue };
            self.no_type(entry.ty());
            let Some(known_name) = known.iter().find(|k| **k == name.value()) else {
                self.resembles(name.value(), known);
                let help = match (known, did_you_mean(name.value(), known.iter().copied())) {
                    (_, Some(words)) => words,
                    ([], _) => {
                        let inside = match word {
                            "vm" => VM_NODES.contains(&name.value()),
                            "cpu" => ["hide", "set"].contains(&name.value()),
                            _ => false,
                        };
                        if inside {
                            format!(
                                "`{}` stands inside the block: `{word} … {{ {} … }}`",
                                name.value(),
                                name.value()
                            )
                        } else {
                            format!("`{word}` has no properties")
                        }
                    }
                    _ => {
                        let names: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
                        format!("`{word}` has {}", join(&names))
                    }
                };
                self.push(
                    "spec::unknown-property",
                    format!("`{word}` has no property `{}`", name.value()),
                    range(name.span()),
                    "unknown",
                    help,
                );
                continue;
            };
            if let Some(first) = map.insert(known_name, entry) {
                let span = range(entry.span());
                let first = range(first.span());
                self.found.push(
                    Diagnostic::error(
                        "spec::duplicate-property",
                        format!("`{known_name}` is given twice"),
                    )
                    .at(self.source, span, "again here")
                    .at(self.source, first, "first here")
                    .help("keep one of the two"),
                );
            }
        }
        map
    }

    /// Remembers which known names a word was probably meant to be.
    fn resembles(&mut self, word: &str, known: &[&'static str]) {
        let near = |k: &&&'static str| did_you_mean(word, std::iter::once(**k)).is_some();
        self.misspelt.extend(known.iter().filter(near));
    }

    fn no_children(&mut self, node: &KdlNode) {
        if let Some(children) = node.children() {
            let word = node.name().value();
            let mut span = range(children.span());
            // The block's own span may leave out its braces; the node's never does.
            if span.is_empty() {
                span = head(node);
            }
            self.push(
                "spec::unexpected-block",
                format!("`{word}` takes no block"),
                span,
                "this block",
                format!("remove the braces and what is between them; `{word}` is one line"),
            );
        }
    }

    fn no_arguments(&mut self, node: &KdlNode, help: &str) {
        let word = node.name().value();
        for entry in self.arguments(node) {
            self.push(
                "spec::unexpected-argument",
                format!("`{word}` takes no value"),
                range(entry.span()),
                "unexpected",
                help,
            );
        }
    }

    /// The node's one argument; further ones are reported.
    fn only<'n>(&mut self, node: &'n KdlNode, example: &str) -> Option<&'n KdlEntry> {
        let list = self.arguments(node);
        let word = node.name().value();
        for extra in list.iter().skip(1) {
            self.push(
                "spec::unexpected-argument",
                format!("`{word}` takes one value"),
                range(extra.span()),
                "one too many",
                format!("write `{example}`"),
            );
        }
        if list.is_empty() {
            self.push(
                "spec::missing",
                format!("`{word}` needs a value"),
                head(node),
                "nothing follows",
                format!("write `{example}`"),
            );
        }
        list.first().copied()
    }

    fn wrong_type(&mut self, entry: &KdlEntry, what: &str, wanted: &str, help: String) {
        self.push(
            "spec::wrong-type",
            format!("{what} must be {wanted}, not {}", kind(entry.value())),
            self.value_span(entry),
            kind(entry.value()),
            help,
        );
    }

    /// A string that is not empty.
    fn string(&mut self, entry: &KdlEntry, what: &str) -> Option<String> {
        let span = self.value_span(entry);
        let Some(text) = entry.value().as_string() else {
            let written = self
                .source
                .text
                .get(span)
                .unwrap_or("…")
                .trim_start_matches('#');
            let name = entry
                .name()
                .map(|n| format!("{}=", n.value()))
                .unwrap_or_default();
            let help = format!("write `{name}\"{written}\"`");
            self.wrong_type(entry, what, "a string", help);
            return None;
        };
        if text.is_empty() {
            self.push(
                "spec::empty",
                format!("{what} is empty"),
                span,
                "nothing between the quotes",
                "write a name or leave the whole entry out",
            );
            return None;
        }
        if text.len() > STRING_BYTES_MAX {
            self.push(
                "spec::out-of-range",
                format!("{what} has {} bytes", text.len()),
                span.start..span.start,
                "too long",
                format!("at most {STRING_BYTES_MAX}"),
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// A whole number within bounds.
    fn number(
        &mut self,
        entry: &KdlEntry,
        code: &'static str,
        what: &str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let Some(number) = entry.value().as_integer() else {
            let name = entry
                .name()
                .map(|n| format!("{}=", n.value()))
                .unwrap_or_default();
            let example = match entry.value() {
                KdlValue::String(text) if text.trim().parse::<u64>().is_ok() => {
                    text.trim().to_owned()
                }
                KdlValue::Float(float) => format!("{float:.0}"),
                _ => bounds.start().to_string(),
            };
            self.wrong_type(
                entry,
                what,
                "a whole number",
                format!("write `{name}{example}`"),
            );
            return None;
        };
        match u64::try_from(number) {
            Ok(number) if bounds.contains(&number) => Some(number),
            _ => {
                let limits = match *bounds.end() {
                    u64::MAX => format!("{} to {:#x}", bounds.start(), u64::MAX),
                    end => format!("{} to {end}", bounds.start()),
                };
                self.push(
                    code,
                    format!("{what} is out of range"),
                    self.value_span(entry),
                    "out of range",
                    format!("{what} is {limits}"),
                );
                None
            }
        }
    }

    /// The strings of one or several nodes of one name; doubled ones are reported.
    fn list(
        &mut self,
        nodes: &[&KdlNode],
        pointer: &str,
        what: &str,
        example: &str,
    ) -> Vec<String> {
        let mut out: Vec<(String, Range<usize>)> = Vec::new();
        for node in nodes {
            self.properties(node, &[]);
            self.no_children(node);
            let arguments = self.arguments(node);
            if arguments.is_empty() {
                self.push(
                    "spec::missing",
                    format!("`{}` names nothing", node.name().value()),
                    head(node),
                    "nothing follows",
                    format!("write `{example}`"),
                );
            }
            for entry in arguments {
                let Some(text) = self.string(entry, what) else {
                    continue;
                };
                let span = range(entry.span());
                if let Some((_, first)) = out.iter().find(|(t, _)| *t == text) {
                    self.found.push(
                        Diagnostic::error(
                            "spec::duplicate-value",
                            format!("`{text}` is named twice"),
                        )
                        .at(self.source, span, "again here")
                        .at(self.source, first.clone(), "first here")
                        .help("keep one of the two"),
                    );
                    continue;
                }
                self.places
                    .note(format!("{pointer}/{}", out.len()), span.clone());
                out.push((text, span));
            }
        }
        if let Some(node) = nodes.first() {
            self.places.note(pointer, head(node));
        }
        out.into_iter().map(|(text, _)| text).collect()
    }

    // --- the file ------------------------------------------------------------

    fn document(&mut self, document: &KdlDocument) -> (Option<VmSpec>, Vec<&'static str>) {
        let count = entries(document);
        if count > ENTRIES_MAX {
            self.found.push(too_many(self.source, count));
            return (None, Vec::new());
        }
        let mut machine: Option<&KdlNode> = None;
        for node in document.nodes() {
            let word = node.name().value();
            if word != "vm" {
                let help = match word {
                    "baseline" => "a baseline stands in a file of its own: name that file with `import` inside `vm`".to_owned(),
                    "cpu" => "inside `vm` it names the model; a model of your own stands in a file that `import` names".to_owned(),
                    _ if VM_NODES.contains(&word) => format!("`{word}` stands inside the `vm` block"),
                    _ => did_you_mean(word, ["vm"].into_iter()).unwrap_or_else(|| "a description is one `vm` block".to_owned()),
                };
                self.push(
                    "spec::unknown-node",
                    format!("`{word}` is not known at the top of a description"),
                    head(node),
                    "unknown",
                    help,
                );
                continue;
            }
            match machine {
                None => machine = Some(node),
                Some(first) => self.twice(
                    first,
                    node,
                    "a file describes one machine: move the second `vm` to a file of its own",
                ),
            }
        }
        match machine {
            Some(node) => self.machine(node),
            None => {
                if self.found.is_empty() {
                    let end = self.source.text.trim_end().len();
                    self.push(
                        "spec::missing",
                        "there is no `vm` block".to_owned(),
                        end..end,
                        "the file ends without one",
                        "a description begins `vm \"NAME\" { … }`; `vmlock lock --help` shows a whole one",
                    );
                }
                (None, Vec::new())
            }
        }
    }

    fn twice(&mut self, first: &KdlNode, second: &KdlNode, help: &str) {
        let (first, second, word) = (head(first), head(second), second.name().value());
        self.found.push(
            Diagnostic::error("spec::duplicate-node", format!("`{word}` is given twice"))
                .at(self.source, second, "again here")
                .at(self.source, first, "first here")
                .help(help),
        );
    }

    fn machine(&mut self, node: &KdlNode) -> (Option<VmSpec>, Vec<&'static str>) {
        let mut unread = Vec::new();
        self.places.note("", head(node));
        self.no_type(node.ty());
        self.properties(node, &[]);
        let name = self.only(node, "vm \"NAME\" { … }").and_then(|entry| {
            self.places.note("/name", range(entry.span()));
            let name = self.string(entry, "the machine's name")?;
            self.name(entry, name)
        });
        if name.is_none() {
            unread.push("/name");
        }
        let parts = self.parts(node);
        let one = |word: &str| parts.get(word).and_then(|nodes| nodes.first().copied());
        let all = |word: &str| parts.get(word).map(Vec::as_slice).unwrap_or_default();

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
        let console = one("console").and_then(|n| self.console(n));
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
        let runs_on = self.list(all("runs-on"), "/runs-on", "a host", "runs-on \"kvm-6.12\"");
        let import = self.list(all("import"), "/import", "a file", "import \"my-cpu.kdl\"");

        let (Some(abi), Some(cpu)) = (abi.filter(|a| !a.is_empty()), cpu) else {
            return (None, unread);
        };
        let spec = VmSpec {
            name: name.unwrap_or_else(|| "unnamed".to_owned()),
            arch: Arch::Arm64,
            abi,
            cpu,
            memory: memory.unwrap_or(MEMORY_MIN_BYTES),
            boot,
            console: console.unwrap_or_default(),
            vary,
            runs_on,
            import,
            lock_schema,
        };
        (Some(spec), unread)
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
            let repeats = ["vary", "runs-on", "import"].contains(known);
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
        if VM_NODES_LATER.contains(&word) {
            self.push(
                "spec::not-yet",
                format!(
                    "`{word}` is designed but not built yet: this vmlock has no virtio devices"
                ),
                head(node),
                "not built yet",
                "remove it; put what the guest needs into its initramfs",
            );
            return;
        }
        self.resembles(word, &VM_NODES);
        let help = if Feature::ALL.iter().any(|f| f.name() == word)
            || FEATURES_LATER.contains(&word)
            || ["hide", "set"].contains(&word)
        {
            format!("`{word}` stands inside the `cpu` block: `cpu \"…\" {{ {word} … }}`")
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

    fn required<'n>(
        &mut self,
        vm: &KdlNode,
        found: Option<&'n KdlNode>,
        example: &str,
    ) -> Option<&'n KdlNode> {
        let word = example.split(' ').next().unwrap_or(example);
        if found.is_none() && !self.misspelt.contains(word) {
            self.push(
                "spec::missing",
                format!("this `vm` has no `{word}`"),
                head(vm),
                "in this block",
                format!("add `{example}`"),
            );
        }
        found
    }

    fn name(&mut self, entry: &KdlEntry, name: String) -> Option<String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.chars().all(allowed) && name.len() <= NAME_MAX_BYTES {
            return Some(name);
        }
        let mut better: String = name
            .chars()
            .map(|c| if allowed(c) { c } else { '-' })
            .collect();
        better.truncate(NAME_MAX_BYTES);
        self.push(
            "spec::bad-name",
            "this cannot be a machine's name".to_owned(),
            range(entry.span()),
            "only ASCII letters, digits, `-`, `_` and `.`, at most 63",
            format!("for example `{better}`"),
        );
        None
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
            "aarch64" | "armv8" | "arm64e" => "write `arm64`, as Linux does",
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

    fn cpu(&mut self, node: &KdlNode, unread: &mut Vec<&'static str>) -> Option<Cpu> {
        self.places.note("/cpu", head(node));
        let properties = self.properties(node, &["count"]);
        let model = self
            .only(node, "cpu \"neoverse-n1\" count=2")
            .and_then(|entry| {
                self.places.note("/cpu/model", range(entry.span()));
                self.string(entry, "the CPU model")
            });
        let count = match properties.get("count") {
            Some(entry) => {
                self.places.note("/cpu/count", range(entry.span()));
                self.number(entry, "spec::cpu-count", "`count`", 1..=VCPUS_MAX)
            }
            None if self.misspelt.contains("count") => None,
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
        let mut fields: BTreeMap<String, &KdlNode> = BTreeMap::new();
        for child in node.children().map_or(&[][..], |c| c.nodes()) {
            let word = child.name().value();
            self.no_type(child.ty());
            match word {
                "hide" => hides.push(child),
                "set" => {
                    let Some(one) = self.set(child, set.len()) else {
                        continue;
                    };
                    match fields.get(&one.field) {
                        Some(first) => {
                            let (again, first) = (range_of_entries(child), range_of_entries(first));
                            self.found.push(
                                Diagnostic::error(
                                    "spec::duplicate-value",
                                    format!("`{}` is set twice", one.field),
                                )
                                .at(self.source, again, "again here")
                                .at(self.source, first, "first here")
                                .help("keep one of the two"),
                            );
                        }
                        None => {
                            fields.insert(one.field.clone(), child);
                            set.push(one);
                        }
                    }
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
                        self.no_arguments(child, "the word alone asks for it");
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

    /// A number that a property of a node gives.
    fn count(
        &mut self,
        properties: &BTreeMap<&'static str, &KdlEntry>,
        name: &str,
        pointer: &str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Option<u32> {
        let entry = properties.get(name)?;
        self.places
            .note(format!("{pointer}/{name}"), range(entry.span()));
        let number = self.number(entry, "spec::out-of-range", &format!("`{name}`"), bounds)?;
        Some(number as u32)
    }

    /// What stands behind `pmu` and in its block; `None` for the word alone.
    fn pmu(&mut self, node: &KdlNode) -> Option<Pmu> {
        const POINTER: &str = "/cpu/pmu";
        self.places.note(POINTER, head(node));
        let properties = self.properties(node, &["version", "counters"]);
        let mut pmu = Pmu {
            counters: self.count(&properties, "counters", POINTER, 0..=31),
            ..Pmu::default()
        };
        if let Some(entry) = properties.get("version") {
            self.places
                .note(format!("{POINTER}/version"), range(entry.span()));
            pmu.version = self.string(entry, "`version`");
        }
        for child in node.children().map_or(&[][..], |c| c.nodes()) {
            let word = child.name().value();
            self.no_type(child.ty());
            let list = match word {
                "allow" => &mut pmu.allow,
                "deny" => &mut pmu.deny,
                _ => {
                    self.push(
                        "spec::unknown-node",
                        format!("a `pmu` has no `{word}`"),
                        head(child),
                        "unknown",
                        suggest(word, ["allow", "deny"]),
                    );
                    continue;
                }
            };
            self.properties(child, &[]);
            self.no_children(child);
            for entry in self.arguments(child) {
                let event = self.number(entry, "spec::out-of-range", "an event", 0..=0xffff);
                if let Some(event) = event {
                    let pointer = format!("{POINTER}/{word}/{}", list.len());
                    self.places.note(pointer, range(entry.span()));
                    list.push(event as u16);
                }
            }
        }
        (pmu != Pmu::default()).then_some(pmu)
    }

    /// `debug breakpoints=4 watchpoints=2`.
    fn debug(&mut self, node: &KdlNode) -> Option<Debug> {
        const POINTER: &str = "/cpu/debug";
        self.places.note(POINTER, head(node));
        self.no_children(node);
        self.no_arguments(node, "write `debug breakpoints=4 watchpoints=2`");
        let properties = self.properties(node, &["breakpoints", "watchpoints"]);
        if properties.is_empty() {
            self.push(
                "spec::missing",
                "`debug` does not say how many there are".to_owned(),
                head(node),
                "nothing follows",
                "write `debug breakpoints=4 watchpoints=2`, or one of the two",
            );
        }
        Some(Debug {
            breakpoints: self.count(&properties, "breakpoints", POINTER, 2..=16),
            watchpoints: self.count(&properties, "watchpoints", POINTER, 2..=16),
        })
    }

    /// The lengths of `sve 128 256`; the resolver says which sets there are.
    fn vector_lengths(&mut self, node: &KdlNode, unread: &mut Vec<&'static str>) -> Vec<u32> {
        self.places.note("/cpu/vector-lengths", head(node));
        let mut out = Vec::new();
        for entry in self.arguments(node) {
            let what = "a vector length, in bits,";
            let bits = self.number(entry, "spec::vector-lengths", what, 128..=2048);
            match bits {
                Some(bits) => {
                    let pointer = format!("/cpu/vector-lengths/{}", out.len());
                    self.places.note(pointer, range(entry.span()));
                    out.push(bits as u32);
                }
                None => unread.push("/cpu/vector-lengths"),
            }
        }
        out
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
        let help = if VM_NODES.contains(&word) {
            format!("`{word}` stands in the `vm` block, outside `cpu`")
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
        if list.len() < 2 {
            self.push(
                "spec::missing",
                "`set` takes a field and its value".to_owned(),
                range_of_entries(node),
                if list.is_empty() {
                    "nothing follows"
                } else {
                    "the value is missing"
                },
                format!("write `{EXAMPLE}`"),
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

    fn memory(&mut self, node: &KdlNode) -> Option<u64> {
        self.properties(node, &[]);
        self.no_children(node);
        let entry = self.only(node, "memory \"512MiB\"")?;
        let span = range(entry.span());
        self.places.note("/memory", span.clone());
        if let Some(number) = entry.value().as_integer() {
            let unit = match number {
                1..64 => format!("{number}GiB"),
                64..16_777_216 => format!("{number}MiB"),
                16_777_216.. => format!("{}MiB", number >> 20),
                _ => "512MiB".to_owned(),
            };
            self.wrong_type(
                entry,
                "memory",
                "a size with its unit",
                format!("for example `memory \"{unit}\"`"),
            );
            return None;
        }
        let text = self.string(entry, "memory")?;
        let bytes = match size(&text) {
            Ok(bytes) => bytes,
            Err(help) => {
                self.push(
                    "spec::memory-size",
                    format!("`{text}` is not a size"),
                    span,
                    "not a size",
                    help,
                );
                return None;
            }
        };
        if !(MEMORY_MIN_BYTES..=MEMORY_MAX_BYTES).contains(&bytes) {
            self.push(
                "spec::memory-size",
                "memory is out of range".to_owned(),
                span,
                if bytes < MEMORY_MIN_BYTES {
                    "too little"
                } else {
                    "too much"
                },
                "memory is 64MiB to 512GiB",
            );
            return None;
        }
        if bytes % MEMORY_STEP_BYTES != 0 {
            let up = bytes.next_multiple_of(MEMORY_STEP_BYTES) >> 20;
            self.push(
                "spec::memory-size",
                "memory must be a multiple of 2 MiB".to_owned(),
                span,
                "not a multiple of 2 MiB",
                format!("for example `memory \"{up}MiB\"`"),
            );
            return None;
        }
        Some(bytes)
    }

    fn boot(&mut self, node: &KdlNode) -> Option<Boot> {
        const EXAMPLE: &str =
            "boot kernel=\"vmlinuz\" initrd=\"initrd.img\" cmdline=\"console=ttyS0\"";
        self.places.note("/boot", head(node));
        self.no_children(node);
        self.no_arguments(node, &format!("write `{EXAMPLE}`"));
        let properties = self.properties(node, &["kernel", "initrd", "cmdline"]);
        for (name, entry) in &properties {
            self.places
                .note(format!("/boot/{name}"), range(entry.span()));
        }
        let mut fine = true;
        let mut text = |decoder: &mut Self, name: &str| {
            let entry = properties.get(name)?;
            // An empty command line is one; an empty path is none.
            if name == "cmdline" && entry.value().as_string() == Some("") {
                return None;
            }
            let text = decoder.string(entry, &format!("`{name}`"));
            fine &= text.is_some();
            text.filter(|t| {
                let whole = !t.contains(['\0', '\n']);
                if !whole {
                    let span = decoder.value_span(entry);
                    let message = format!("`{name}` holds a NUL or a line break");
                    decoder.push(
                        "spec::bad-cmdline",
                        message,
                        span,
                        "not one line of text",
                        "keep it on one line",
                    );
                }
                whole
            })
        };
        let kernel = text(self, "kernel");
        let initrd = text(self, "initrd");
        let cmdline = text(self, "cmdline").unwrap_or_default();
        if !properties.contains_key("kernel") && !self.misspelt.contains("kernel") {
            self.push(
                "spec::missing",
                "`boot` names no kernel".to_owned(),
                head(node),
                "no `kernel`",
                format!("write `{EXAMPLE}`"),
            );
        }
        if cmdline.len() > CMDLINE_MAX_BYTES {
            // The value itself would fill the screen.
            let name = properties.get("cmdline").and_then(|e| e.name());
            let span = name.map_or(head(node), |n| range(n.span()));
            self.push(
                "spec::bad-cmdline",
                format!("the command line has {} bytes", cmdline.len()),
                span,
                "too long",
                "an arm64 kernel reads at most 2048",
            );
            return None;
        }
        let kernel = kernel.filter(|_| fine)?;
        Some(Boot {
            kernel,
            initrd,
            cmdline,
        })
    }

    fn console(&mut self, node: &KdlNode) -> Option<Console> {
        self.properties(node, &[]);
        self.no_children(node);
        let entry = self.only(node, "console \"16550\"")?;
        self.places.note("/console", range(entry.span()));
        let name = self.string(entry, "the console")?;
        if name == "16550" {
            return Some(Console::Uart16550);
        }
        self.push(
            "spec::unknown-console",
            format!("unknown console `{name}`"),
            range(entry.span()),
            "unknown",
            suggest(&name, ["16550"]),
        );
        None
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

/// Nodes, values and properties of a document, at every depth.
fn entries(document: &KdlDocument) -> usize {
    let of = |node: &KdlNode| 1 + node.entries().len() + node.children().map_or(0, entries);
    document.nodes().iter().map(of).sum()
}

/// From a node's name to its last entry.
fn range_of_entries(node: &KdlNode) -> Range<usize> {
    let start = head(node);
    let end = node.entries().iter().map(|e| range(e.span()).end).max();
    start.start..end.unwrap_or(start.end).max(start.end)
}

/// Bytes of a size such as `512MiB`.
///
/// # Errors
/// What to write instead.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let Ok(number) = number.parse::<u64>() else {
        return Err("write a whole number and `MiB` or `GiB`, for example `512MiB`".to_owned());
    };
    let shift = match unit {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => {
            let letter = unit
                .trim_start()
                .chars()
                .next()
                .map(|c| c.to_ascii_uppercase());
            return Err(match letter {
                Some(unit @ ('K' | 'M' | 'G' | 'T')) => {
                    format!("write `{number}{unit}iB`: sizes are binary, and say so")
                }
                Some(_) => "the units are `KiB`, `MiB` and `GiB`".to_owned(),
                None => format!("add the unit, for example `{number}MiB`"),
            });
        }
    };
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "memory is 64MiB to 512GiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_and_say_so() {
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert!(size("512MB").unwrap_err().contains("512MiB"));
        assert!(size("2g").unwrap_err().contains("2GiB"));
        assert!(size("512").unwrap_err().contains("512MiB"));
        assert!(size("99999999999999999TiB").is_err());
        assert!(size("").is_err());
        assert!(size("-1MiB").is_err());
    }
}
