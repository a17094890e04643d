//! Reads catalogue files (registers, baselines, CPU models, virtual machine monitors) from KDL.
//!
//! A crate for two users: its own test reads the built-in catalogue with it, and
//! makes the tables of `vmlock-spec`; and the compiler the files that a spec
//! imports, so that a user's baseline is read by exactly the code that reads ours. Every problem of
//! a file is reported, each with its byte span.

use kdl::{KdlDocument, KdlNode, KdlValue};
use std::borrow::Cow;
use vmlock_catalogue_types::vmm::Vmm;
use vmlock_catalogue_types::*;

mod digest;
mod vmm;
pub mod words;

/// One thing wrong with a catalogue file.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Byte offset and length in the file.
    pub span: (usize, usize),
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What one file holds.
#[derive(Default)]
pub struct Contents {
    /// `register` nodes.
    pub registers: Vec<RegisterInfo>,
    /// `baseline` nodes.
    pub baselines: Vec<Baseline>,
    /// `cpu` nodes.
    pub cpus: Vec<CpuModel>,
    /// What `hwcaps` nodes hold.
    pub hwcaps: Vec<Hwcap>,
    /// `needs`, `always` and `lint` nodes.
    pub needs: Vec<Need>,
    /// `vmm` nodes.
    pub vmms: Vec<Vmm>,
}

struct Reader {
    problems: Vec<Problem>,
}

/// Decodes a parsed document.
pub fn decode(document: &KdlDocument) -> (Contents, Vec<Problem>) {
    let mut reader = Reader {
        problems: Vec::new(),
    };
    let mut contents = Contents::default();
    for node in document.nodes() {
        match node.name().value() {
            "register" => contents.registers.extend(reader.register(node)),
            "baseline" => contents.baselines.extend(reader.baseline(node)),
            "cpu" => contents.cpus.extend(reader.cpu(node)),
            "hwcaps" => contents.hwcaps.extend(reader.hwcaps(node)),
            "needs" | "always" | "lint" => contents.needs.extend(reader.need(node)),
            "vmm" => contents.vmms.extend(reader.vmm(node)),
            "vm" => reader.problem(
                node,
                "a description cannot be imported",
                Some("an imported file holds `baseline`, `cpu` and `defaults` blocks, and no machine"),
            ),
            other => reader.problem(
                node,
                format!("unknown node `{other}`"),
                Some("an imported file holds `baseline`, `cpu` and `defaults` blocks"),
            ),
        }
    }
    (contents, reader.problems)
}

fn owned(text: &str) -> Text {
    Cow::Owned(text.to_owned())
}

fn arguments(node: &KdlNode) -> Vec<&KdlValue> {
    let positional = node.entries().iter().filter(|e| e.name().is_none());
    positional.map(|e| e.value()).collect()
}

fn children(node: &KdlNode) -> &[KdlNode] {
    node.children().map_or(&[], |c| c.nodes())
}

/// `there are `a`, `b` …`.
fn has(known: &[&str]) -> String {
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => "it has none".to_owned(),
        false => format!("there are {}", names.join(", ")),
    }
}

/// What a baseline can say, and how. Titles and what later releases do otherwise stand last.
fn says() -> String {
    let forms = words::OF_BASELINE.map(|word| format!("`{}`", word.form));
    format!(
        "{} (all but the last four with source=\"…\")",
        forms.join(", ")
    )
}

impl Reader {
    fn problem(&mut self, node: &KdlNode, message: impl Into<String>, help: Option<&str>) {
        self.problems.push(Problem {
            span: (node.span().offset(), node.span().len()),
            message: message.into(),
            help: help.map(str::to_owned),
        });
    }

    fn texts(&mut self, node: &KdlNode) -> Vec<Text> {
        let mut out = Vec::new();
        for value in arguments(node) {
            match value.as_string() {
                Some(text) => out.push(owned(text)),
                None => self.problem(
                    node,
                    format!("`{}` takes strings", node.name().value()),
                    None,
                ),
            }
        }
        out
    }

    fn text(&mut self, node: &KdlNode, index: usize, what: &str) -> Option<Text> {
        let value = arguments(node)
            .get(index)
            .and_then(|v| v.as_string())
            .map(owned);
        if value.is_none() {
            let given = arguments(node).get(index).is_some_and(|v| !v.is_string());
            let help = given.then_some("write it in quotes");
            self.problem(
                node,
                format!("`{}` needs {what}", node.name().value()),
                help,
            );
        }
        value
    }

    fn number(&mut self, node: &KdlNode, index: usize, what: &str) -> Option<u64> {
        let value = arguments(node).get(index).and_then(|v| v.as_integer());
        match value.map(u64::try_from) {
            Some(Ok(number)) => Some(number),
            _ => {
                let word = node.name().value();
                let given = arguments(node).get(index).and_then(|v| v.as_string());
                let digits = given.filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
                let help = digits.map(|text| format!("write `{text}`, without quotes"));
                self.problem(
                    node,
                    format!("`{word}` needs {what}, a whole number of at most 64 bits"),
                    help.as_deref(),
                );
                None
            }
        }
    }

    fn property(&mut self, node: &KdlNode, name: &str) -> Option<Text> {
        let value = node.get(name)?;
        match value.as_string() {
            Some(text) => Some(owned(text)),
            None => {
                self.problem(node, format!("`{name}` must be a string"), None);
                None
            }
        }
    }

    fn known_properties(&mut self, node: &KdlNode, known: &[&str]) {
        let mut seen: Vec<&str> = Vec::new();
        for entry in node.entries() {
            let Some(name) = entry.name().map(|n| n.value()) else {
                continue;
            };
            if !known.contains(&name) {
                let word = node.name().value();
                let words = format!("`{word}` has no property `{name}`");
                self.problem(node, words, Some(&has(known)));
            }
            if seen.contains(&name) {
                self.problem(node, format!("property `{name}` is given twice"), None);
            }
            seen.push(name);
        }
    }

    fn source(&mut self, node: &KdlNode) -> Text {
        // One that is misspelt has been told of.
        let near = |e: &kdl::KdlEntry| {
            let name = e.name().map(|n| n.value());
            let other = |n: &str| !["source", "since"].contains(&n);
            name.is_some_and(|n| other(n) && n.starts_with('s') && n.ends_with("ce"))
        };
        if node.entries().iter().any(near) {
            return Cow::Borrowed("");
        }
        match self.property(node, "source") {
            Some(text) if !text.trim().is_empty() => text,
            _ => {
                self.problem(
                    node,
                    format!("`{}` has no source", node.name().value()),
                    Some("add source=\"kernel file and version, Arm document, or measurement\""),
                );
                Cow::Borrowed("")
            }
        }
    }

    fn register(&mut self, node: &KdlNode) -> Option<RegisterInfo> {
        let name = self.text(node, 0, "a name")?;
        let (mut id, mut kind) = (None, None);
        let (mut title, mut source) = (Cow::Borrowed(""), Cow::Borrowed(""));
        let mut fields: Vec<Field> = Vec::new();
        let (mut gate, mut feature, mut neutral) = (None, None, None);
        let (mut encoding, mut guest_only) = (None, false);
        let (mut reset, mut told, mut unsaid) = (0, u64::MAX, None);
        let (mut unsaved, mut clears, mut untold) = (None, None, None);
        let (mut since, mut aliases) = (1, Vec::new());
        for child in children(node) {
            match child.name().value() {
                "encoding" => encoding = self.encoding(child),
                "guest-only" => guest_only = true,
                "reset" => reset = self.number(child, 0, "a value").unwrap_or(0),
                "told" => told = self.number(child, 0, "bits").unwrap_or(u64::MAX),
                "unsaid" => unsaid = self.text(child, 0, "the reason"),
                "unsaved" => unsaved = self.text(child, 0, "the reason"),
                "clears" => clears = self.text(child, 0, "a register"),
                "untold" => untold = self.number(child, 0, "bits"),
                "since" => since = self.version(child, 0).unwrap_or(1),
                "alias" => {
                    let name = self.text(child, 0, "the old name");
                    aliases.extend(name.zip(self.version(child, 1)));
                }
                "id" => id = self.number(child, 0, "the KVM register id"),
                "kind" => kind = self.kind(child),
                "title" => title = self.text(child, 0, "a line of text").unwrap_or_default(),
                "source" => source = self.text(child, 0, "a line of text").unwrap_or_default(),
                "gate" => gate = self.text(child, 0, "REGISTER.FIELD"),
                "feature" => feature = self.text(child, 0, "a vCPU feature"),
                "neutral" => neutral = self.number(child, 0, "a value"),
                "field" => fields.extend(self.field(child)),
                other => self.problem(child, format!("a register has no `{other}`"), None),
            }
        }
        // Where both are given, `id` is what KVM's ABI uses: the virtual timer's
        // count and compare value have swapped ids.
        let id = id.or(encoding.map(|e| 0x6030_0000_0013_0000 | u64::from(e)));
        let (Some(id), Some(kind)) = (id, kind) else {
            self.problem(
                node,
                format!("register `{name}` needs `kind`, and `encoding` or `id`"),
                None,
            );
            return None;
        };
        if source.is_empty() {
            self.problem(node, format!("register `{name}` has no source"), None);
        }
        fields.sort_by_key(|f| f.low);
        for pair in fields.windows(2) {
            if pair[0].high >= pair[1].low {
                let (a, b) = (&pair[0].name, &pair[1].name);
                self.problem(
                    node,
                    format!("fields `{a}` and `{b}` of `{name}` overlap"),
                    None,
                );
            }
        }
        Some(RegisterInfo {
            id,
            name,
            kind,
            title,
            source,
            fields: Cow::Owned(fields),
            gate,
            feature,
            neutral,
            encoding,
            guest_only,
            reset,
            told,
            unsaid,
            unsaved,
            clears,
            untold,
            since,
            aliases: Cow::Owned(aliases),
        })
    }

    /// A version of the lock.
    fn version(&mut self, node: &KdlNode, index: usize) -> Option<u32> {
        let number = self.number(node, index, "a version of the lock")?;
        match u32::try_from(number) {
            Ok(version @ 1..=LOCK_VERSION) => Some(version),
            _ => {
                let words = format!("there is no version {number} of the lock");
                self.problem(node, words, None);
                None
            }
        }
    }

    /// Features by Linux's names, with the fields that announce them.
    fn hwcaps(&mut self, node: &KdlNode) -> Vec<Hwcap> {
        self.known_properties(node, &["feature", "source"]);
        let feature = self.property(node, "feature");
        let source = self.source(node);
        let mut out = Vec::new();
        for child in children(node) {
            self.known_properties(child, &["why"]);
            let mut fields = Vec::new();
            for text in self.texts(child) {
                match announcement(&text) {
                    Some(announcement) => fields.push(announcement),
                    None => self.problem(
                        child,
                        format!("`{text}` announces nothing"),
                        Some("as in \"ID_AA64ISAR0_EL1.AES>=2 else 1\""),
                    ),
                }
            }
            out.push(Hwcap {
                name: owned(child.name().value()),
                fields: Cow::Owned(fields),
                feature: feature.clone(),
                why: self.property(child, "why"),
                source: source.clone(),
            });
        }
        out
    }

    /// Values that hang together: the condition first, unless they `always` do.
    fn need(&mut self, node: &KdlNode) -> Option<Need> {
        self.known_properties(node, &["why", "source"]);
        let word = node.name().value();
        let mut one_of = self.texts(node);
        let given = (word != "always" && !one_of.is_empty()).then(|| one_of.remove(0));
        let why = self.property(node, "why").unwrap_or_default();
        if one_of.is_empty() || why.is_empty() {
            self.problem(node, format!("`{word}` needs conditions and a `why`"), None);
            return None;
        }
        Some(Need {
            given,
            one_of: Cow::Owned(one_of),
            why,
            source: self.source(node),
            lint: word == "lint",
        })
    }

    /// `op0 op1 CRn CRm op2` in 16 bits, as MRS and KVM's register ids have them.
    fn encoding(&mut self, node: &KdlNode) -> Option<u16> {
        let mut parts = [0; 5];
        for (index, (part, limit)) in parts.iter_mut().zip([3, 7, 15, 15, 7]).enumerate() {
            *part = self.number(node, index, "op0 op1 CRn CRm op2")?;
            if *part > limit {
                self.problem(node, format!("{part} is out of range (0 to {limit})"), None);
                return None;
            }
        }
        let [op0, op1, crn, crm, op2] = parts;
        Some((op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2) as u16)
    }

    fn kind(&mut self, node: &KdlNode) -> Option<Kind> {
        let kind = match self.text(node, 0, "a kind")?.as_ref() {
            "id" => Kind::Id,
            "identification" => Kind::Identification,
            "cache" => Kind::Cache,
            "pmu" => Kind::Pmu,
            "timer" => Kind::Timer,
            "gic" => Kind::Gic,
            "firmware" => Kind::Firmware,
            "debug" => Kind::Debug,
            "state" => Kind::State,
            other => {
                self.problem(node, format!("unknown kind `{other}`"), None);
                return None;
            }
        };
        Some(kind)
    }

    fn field(&mut self, node: &KdlNode) -> Option<Field> {
        self.known_properties(node, &["signed"]);
        let name = self.text(node, 0, "a name")?;
        let high = self.number(node, 1, "its high bit")?;
        let low = self.number(node, 2, "its low bit")?;
        let rule = match self.text(node, 3, "a rule")?.as_ref() {
            "lower" => Rule::Lower,
            "higher" => Rule::Higher,
            "higher-or-zero" => Rule::HigherOrZero,
            "exact" => Rule::Exact,
            "free" => Rule::Free,
            other => {
                self.problem(
                    node,
                    format!("unknown rule `{other}`"),
                    Some("one of lower, higher, higher-or-zero, exact, free"),
                );
                return None;
            }
        };
        if high > 63 || low > high {
            self.problem(node, format!("bits {high}:{low} do not exist"), None);
            return None;
        }
        let signed = node
            .get("signed")
            .and_then(|v| v.as_bool())
            .unwrap_or(false);
        Some(Field {
            name,
            high: high as u8,
            low: low as u8,
            rule,
            signed,
        })
    }

    fn baseline(&mut self, node: &KdlNode) -> Option<Baseline> {
        self.known_properties(node, &["after", "part"]);
        let name = self.text(node, 0, "a name")?;
        let after = self.property(node, "after");
        let part = self.property(node, "part");
        let mut title = Cow::Borrowed("");
        let mut statements = Vec::new();
        let mut stable = Vec::new();
        let (mut kernel, mut measured_on, mut unknown) = (None, Vec::new(), Vec::new());
        let mut measured_as = None;
        for child in children(node) {
            match child.name().value() {
                word @ ("kernel" | "measured-on" | "unknown") if part.is_some() => {
                    self.problem(
                        child,
                        format!(
                            "`{word}` speaks of a whole kernel, and a part says one thing of any"
                        ),
                        Some("it belongs into a whole baseline, which has `after` and no `part`"),
                    );
                }
                "kernel" if kernel.is_some() => {
                    self.problem(child, "`kernel` is given twice", None);
                }
                "kernel" => kernel = self.kernel_of(child),
                "measured-on" => {
                    measured_on.extend(self.models(child));
                    measured_as = measured_as.or(self.property(child, "digest"));
                }
                "unknown" => unknown.extend(self.unknown(child)),
                "title" => title = self.text(child, 0, "a line of text").unwrap_or_default(),
                "stable" => {
                    let version = self.text(child, 0, "a version");
                    let words = self.text(child, 1, "what differs");
                    stable.extend(version.zip(words));
                }
                _ => self.statement(child, &mut statements),
            }
        }
        let digests = digest::of_baseline(&digest::Meaning {
            name: &name,
            after: after.as_deref(),
            part: part.as_deref(),
            statements: &statements,
        });
        Some(Baseline {
            name,
            title,
            after,
            part,
            statements: Cow::Owned(statements),
            stable: Cow::Owned(stable),
            kernel,
            measured_on: Cow::Owned(measured_on),
            measured_as,
            unknown: Cow::Owned(unknown),
            digests,
        })
    }

    /// The distribution's kernel that a baseline describes.
    fn kernel_of(&mut self, node: &KdlNode) -> Option<Kernel> {
        self.known_properties(node, &["package", "version", "recorded"]);
        let package = self.property(node, "package");
        let version = self.property(node, "version");
        let recorded = self.property(node, "recorded");
        let (Some(package), Some(version)) = (package, version) else {
            self.problem(
                node,
                "`kernel` needs the package and its version",
                Some("kernel package=\"linux-image-6.1.0-56-arm64\" version=\"6.1.192-2\""),
            );
            return None;
        };
        Some(Kernel {
            package,
            version,
            recorded,
        })
    }

    /// The CPU models on which a kernel was measured.
    fn models(&mut self, node: &KdlNode) -> Vec<Text> {
        self.known_properties(node, &["digest"]);
        let models = self.texts(node);
        if models.is_empty() {
            self.problem(node, "`measured-on` names no CPU model", None);
        }
        models
    }

    fn statement(&mut self, node: &KdlNode, out: &mut Vec<Statement>) {
        let word = node.name().value();
        self.known_properties(
            node,
            match word {
                "pmceid" => &["source", "when", "unsure-after", "since", "and", "or"],
                _ => &["source", "when", "unsure-after", "since"],
            },
        );
        let mut subjects = Vec::new();
        match word {
            "show" | "hide" => {
                let act = if word == "show" { Act::Show } else { Act::Hide };
                let targets = self.texts(node);
                if targets.is_empty() {
                    self.problem(node, format!("`{word}` names nothing"), None);
                }
                subjects.extend(targets.into_iter().map(|t| Subject::Field(t, act)));
            }
            "cap" | "force" | "value" => {
                let target = self.text(node, 0, "a REGISTER.FIELD");
                let value = self.number(node, 1, "a value");
                if let (Some(target), Some(value)) = (target, value) {
                    let act = match word {
                        "cap" => Act::Cap(value),
                        _ => Act::Force(value),
                    };
                    subjects.push(Subject::Field(target, act));
                }
            }
            "cache" => match self
                .text(node, 0, "`silicon`, `fabricated` or `model`")
                .as_deref()
            {
                Some("silicon") => subjects.push(Subject::Cache(CachePolicy::Silicon)),
                Some("fabricated") => subjects.push(Subject::Cache(CachePolicy::Fabricated)),
                Some("model") => subjects.push(Subject::Cache(CachePolicy::Model)),
                Some(other) => self.problem(
                    node,
                    format!("unknown cache policy `{other}`"),
                    Some("one of `silicon`, `fabricated` and `model`"),
                ),
                None => {}
            },
            "pmceid" => {
                let mask = |name: &str, default: u64| match node.get(name) {
                    None => Some(default),
                    Some(value) => value.as_integer().and_then(|v| u64::try_from(v).ok()),
                };
                let register = self.text(node, 0, "PMCEID0_EL0 or PMCEID1_EL0");
                match (register, mask("and", u64::MAX), mask("or", 0)) {
                    (Some(register), Some(and), Some(or)) => {
                        subjects.push(Subject::Events { register, and, or });
                    }
                    _ => self.problem(node, "`and` and `or` are 64-bit masks", None),
                }
            }
            "psci" => {
                let version = self.text(node, 0, "a version such as \"1.1\"");
                match version.as_deref().map(psci) {
                    Some(Some(version)) => subjects.push(Subject::Psci(version)),
                    Some(None) => {
                        self.problem(node, "not a PSCI version", Some("\"0.2\" to \"1.3\""));
                    }
                    None => {}
                }
            }
            "gic-iidr-revision" => match self.number(node, 0, "a revision") {
                Some(revision) if revision < 16 => {
                    subjects.push(Subject::IidrRevision(revision as u8));
                }
                Some(_) => self.problem(node, "GICD_IIDR.Revision has four bits", None),
                None => {}
            },
            "smc" => match self.text(node, 0, "`none` or `full`").as_deref() {
                Some("none") => subjects.push(Subject::Smc(false)),
                Some("full") => subjects.push(Subject::Smc(true)),
                Some(other) => self.problem(
                    node,
                    format!("unknown SMC conduit `{other}`"),
                    Some("`none` or `full`"),
                ),
                None => {}
            },
            "bitmap" => {
                if let Some(register) = self.text(node, 0, "a bitmap register") {
                    let absent = arguments(node).get(1).and_then(|v| v.as_string());
                    if absent == Some("absent") {
                        subjects.push(Subject::Bitmap(register, None));
                    } else if let Some(value) = self.number(node, 1, "its bits, or `absent`") {
                        subjects.push(Subject::Bitmap(register, Some(value)));
                    }
                }
            }
            other => {
                let help = match other {
                    "after" | "part" => {
                        format!("it stands in the first line: `baseline \"NAME\" {other}=\"…\" {{`")
                    }
                    "set" | "field" => {
                        "write `force \"REGISTER.FIELD\" VALUE source=\"…\"`".to_owned()
                    }
                    _ => format!("it can say {}", says()),
                };
                self.problem(
                    node,
                    format!("a baseline cannot say `{other}`"),
                    Some(&help),
                );
                return;
            }
        }
        let source = self.source(node);
        let when: Vec<Text> = self
            .property(node, "when")
            .map(|w| w.split_whitespace().map(owned).collect())
            .unwrap_or_default();
        let unsure_after = self.property(node, "unsure-after");
        let since = match node.get("since").map(|v| v.as_integer()) {
            None => 1,
            Some(Some(version)) if (1..=LOCK_VERSION.into()).contains(&version) => version as u32,
            Some(_) => {
                self.problem(node, "`since` is a version of the lock", None);
                return;
            }
        };
        out.extend(subjects.into_iter().map(|subject| Statement {
            subject,
            when: Cow::Owned(when.clone()),
            source: source.clone(),
            unsure_after: unsure_after.clone(),
            since,
        }));
    }

    fn cpu(&mut self, node: &KdlNode) -> Option<CpuModel> {
        self.known_properties(node, &[]);
        let name = self.text(node, 0, "a name")?;
        let mut title = Cow::Borrowed("");
        let (mut unaffected, mut vector_lengths) = (Vec::new(), Vec::new());
        let mut unknown = Vec::new();
        let (mut registers, mut facts) = (Vec::<SiliconValue>::new(), Vec::new());
        for child in children(node) {
            match child.name().value() {
                "title" => title = self.text(child, 0, "a line of text").unwrap_or_default(),
                "unaffected" => unaffected.extend(self.texts(child)),
                "vector-lengths" => vector_lengths = self.vector_lengths(child),
                "unknown" => unknown.extend(self.unknown(child)),
                word @ ("register" | "fact") => {
                    let register = self.text(child, 0, "a register");
                    let value = self.number(child, 1, "a value");
                    let source = self.source(child);
                    if let (Some(register), Some(value)) = (register, value) {
                        let list = match word {
                            "fact" => &mut facts,
                            _ => &mut registers,
                        };
                        list.push(SiliconValue {
                            register,
                            value,
                            source,
                        });
                    }
                }
                "ccsidr" => {
                    let selector = self.number(child, 0, "a CSSELR_EL1 value");
                    let value = self.number(child, 1, "the CCSIDR_EL1 value");
                    let source = self.source(child);
                    if let (Some(selector), Some(value)) = (selector, value) {
                        registers.push(SiliconValue {
                            register: Cow::Owned(format!("CCSIDR_EL1[{selector}]")),
                            value,
                            source,
                        });
                    }
                }
                other => {
                    let words = format!("a CPU model has no `{other}`");
                    self.problem(
                        child,
                        words,
                        Some(&has(&words::OF_CPU.map(|word| word.word))),
                    );
                }
            }
        }
        for (index, value) in registers.iter().enumerate() {
            if registers[..index]
                .iter()
                .any(|v| v.register == value.register)
            {
                self.problem(node, format!("`{}` is given twice", value.register), None);
            }
        }
        for entry in &unknown {
            let whole = |v: &&SiliconValue| v.register == entry.path;
            if registers.iter().chain(&facts).any(|v| whole(&v)) {
                let words = format!("`{}` is given and unknown", entry.path);
                self.problem(node, words, Some("say one of the two"));
            }
            let name = entry.path.strip_prefix("unaffected:");
            if let Some(name) = name.filter(|name| unaffected.iter().any(|u| u == name)) {
                let words = format!("`unaffected \"{name}\"` is given and unknown");
                self.problem(node, words, Some("say one of the two"));
            }
        }
        let digests = digest::of_cpu(&name, &registers, &facts, &unaffected);
        Some(CpuModel {
            name,
            title,
            registers: Cow::Owned(registers),
            facts: Cow::Owned(facts),
            unaffected: Cow::Owned(unaffected),
            vector_lengths: Cow::Owned(vector_lengths),
            unknown: Cow::Owned(unknown),
            digests,
        })
    }

    /// What nobody has read.
    fn unknown(&mut self, node: &KdlNode) -> Vec<Unknown> {
        self.known_properties(node, &["source"]);
        let source = self.source(node);
        let paths = self.texts(node);
        if paths.is_empty() {
            self.problem(node, "`unknown` names nothing", None);
        }
        let entry = |path| Unknown {
            path,
            source: source.clone(),
        };
        paths.into_iter().map(entry).collect()
    }

    /// SVE vector lengths in bits, the shortest first.
    fn vector_lengths(&mut self, node: &KdlNode) -> Vec<u32> {
        self.known_properties(node, &["source"]);
        self.source(node);
        let count = arguments(node).len();
        let numbers = (0..count).filter_map(|i| self.number(node, i, "lengths in bits"));
        let lengths: Vec<u32> = numbers.filter_map(|n| n.try_into().ok()).collect();
        let ascend = lengths.windows(2).all(|pair| pair[0] < pair[1]);
        if lengths.is_empty() || lengths.len() != count || !ascend {
            self.problem(node, "`vector-lengths` are bits, the shortest first", None);
        }
        lengths
    }
}

/// `REGISTER.FIELD>=n`, or `REGISTER.FIELD>=n else m`.
fn announcement(text: &str) -> Option<Announcement> {
    let (condition, otherwise) = match text.split_once(" else ") {
        Some((condition, value)) => (condition, Some(value.parse().ok()?)),
        None => (text, None),
    };
    let (path, from) = condition.split_once(">=")?;
    Some(Announcement {
        path: owned(path),
        from: from.parse().ok()?,
        otherwise,
    })
}

/// `"1.1"` as `(1 << 16) | 1`.
fn psci(text: &str) -> Option<u32> {
    let (major, minor) = text.split_once('.')?;
    let (major, minor): (u16, u16) = (major.parse().ok()?, minor.parse().ok()?);
    Some(u32::from(major) << 16 | u32::from(minor))
}
