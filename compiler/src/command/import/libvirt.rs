//! libvirt's XML: a domain (`virsh dumpxml`; docs/formatdomain.rst and src/conf/schemas/domaincommon.rng of libvirt 11.3.0)
//! as a description of the same machine, and what `virsh capabilities` says of a host's CPU (schemas/capability.rng there).
//!
//! Neither has a document type of its own, so that none is read: no text of it can grow.

use super::machine::{Found, Said, Told, Words};
use super::qemu::{self, global, options, parts};
use super::short;
use crate::diagnostic::Diagnostic;
use crate::location::Source;
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use vmlock_spec::vm::Boot;

/// Largest file that is read, in bytes.
pub const SIZE_MAX: usize = 4 << 20;
/// The most elements, texts and comments that one is believed to have: a thousand CPUs are ten thousand of them.
const NODES: u32 = 200_000;
/// The most attributes that one element is believed to have, and the most declarations of namespaces in the whole file:
/// the parser compares each with all others, so that a few hundred thousand would take hours.
const ATTRIBUTES: usize = 256;
const NAMESPACES: usize = 64;
/// The namespace of what goes to QEMU as it is (docs/drvqemu.rst).
const QEMU: &str = "http://libvirt.org/schemas/domain/qemu/1.0";
/// How a domain says what a description does not.
const WORDS: Words = Words {
    property: "cpu feature",
    gic: "without `<gic version='3'/>` libvirt gives",
    gic3: "give it a GICv3: `<gic version='3'/>`",
    its: "which QEMU's machine has, and libvirt no word against it",
};
/// Elements of a domain of which a guest sees nothing: names, and what happens to it from outside.
const UNSEEN: [&str; 16] = [
    "blkiotune",
    "cputune",
    "description",
    "iothreadids",
    "iothreads",
    "memtune",
    "memoryBacking",
    "metadata",
    "name",
    "numatune",
    "on_crash",
    "on_poweroff",
    "on_reboot",
    "resource",
    "seclabel",
    "title",
];
/// Options of QEMU's that libvirt gives itself: a second one of them adds to, or takes the place of, what the domain says.
const TAKEN: [&str; 7] = ["append", "cpu", "initrd", "kernel", "m", "smp", "accel"];
/// Options of QEMU's that say what others say, in a file or by a name: what comes of them nobody knows here.
const ELSEWHERE: [&str; 2] = ["readconfig", "set"];
/// Properties of the machine that libvirt gives by options of their own, or that make another machine of it.
const MACHINE: [&str; 7] = [
    "accel", "append", "dtb", "firmware", "initrd", "kernel", "type",
];
/// The same, of which each begins so.
const MACHINES: [&str; 2] = ["memory", "smp"];

/// What a text of libvirt's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    Domain,
    Capabilities,
}

/// Whether a text may be one. A kernel's log may begin with `<6>`, which is no name.
pub fn is_one(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let inside = text.strip_prefix('<').and_then(|rest| rest.chars().next());
    inside.is_some_and(|c| c.is_alphabetic() || ['_', '?', '!'].contains(&c))
}

/// What is there more often than the parser could bear, with where it begins. An element's tag has no `<` in it, so that
/// no part of a text between two of them has more attributes than `=`.
fn excess(text: &str) -> Option<(usize, String)> {
    let crowd = text.split('<').scan(0, |at, part| {
        let start = *at;
        *at += part.len() + 1;
        Some((start, part.bytes().filter(|b| *b == b'=').count()))
    });
    let crowd = crowd.into_iter().find(|(_, count)| *count > ATTRIBUTES);
    let spaces = || text.match_indices("xmlns").nth(NAMESPACES);
    match crowd {
        Some((at, _)) => Some((
            at.saturating_sub(1),
            format!("one element has more than {ATTRIBUTES} `=` in it and behind it"),
        )),
        None => spaces().map(|(at, _)| {
            let words = format!("it says `xmlns` more than {NAMESPACES} times");
            (at, words)
        }),
    }
}

/// Parses it.
///
/// # Errors
/// What it is instead.
pub fn parse(source: &Arc<Source>) -> Result<(Document<'_>, Root), Box<Diagnostic>> {
    if let Some((at, words)) = excess(&source.text) {
        let finding = Diagnostic::error("foreign::invalid", words).at(source, at..at, "here");
        let help = "nothing of libvirt's has so many: take what `virsh dumpxml` or `virsh capabilities` prints";
        return Err(Box::new(finding.help(help)));
    }
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(&source.text, options).map_err(|error| {
        let position = error.pos();
        // Of this parser's columns one is a character.
        let line = usize::try_from(position.row).unwrap_or(1).max(1) - 1;
        let before: usize = source
            .text
            .split_inclusive('\n')
            .take(line)
            .map(str::len)
            .sum();
        let words = match error {
            roxmltree::Error::DtdDetected => {
                "it has a document type, which nothing of libvirt's has".to_owned()
            }
            roxmltree::Error::NodesLimitReached => format!("it has more than {NODES} elements"),
            other => format!("it is no XML: {}", short(&other.to_string())),
        };
        let column = usize::try_from(position.col).unwrap_or(1).max(1) - 1;
        let text = source.text.get(before..).unwrap_or_default();
        let at = before + text.chars().take(column).map(char::len_utf8).sum::<usize>();
        Box::new(
            Diagnostic::error("foreign::invalid", words)
                .at(source, at..at, "here")
                .help("take what `virsh dumpxml` or `virsh capabilities` prints"),
        )
    })?;
    let root = document.root_element();
    let kind = match (root.tag_name().namespace(), root.tag_name().name()) {
        (None, "domain") => Root::Domain,
        (None, "capabilities") => Root::Capabilities,
        (_, other) => {
            let words = format!(
                "`<{}>` is nothing of which a CPU model or a description could be made",
                short(other)
            );
            let finding = Diagnostic::error("foreign::unknown-kind", words);
            return Err(Box::new(
                finding
                    .at(source, start(root), "here")
                    .help("known is the XML of libvirt's domains (`virsh dumpxml`) and of a host's capabilities (`virsh capabilities`)"),
            ));
        }
    };
    Ok((document, kind))
}

/// Elements in an element that are of its own namespace: libvirt looks for no others.
pub fn inside<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    let own = node.tag_name().namespace();
    node.children()
        .filter(move |inner| inner.is_element() && inner.tag_name().namespace() == own)
}

/// Where it begins: what stands in it may be long.
pub fn start(node: Node) -> Range<usize> {
    let range = node.range();
    let text = node.document().input_text().get(range.clone());
    let tag = text.and_then(|text| text.find('>'));
    range.start..tag.map_or(range.end, |length| range.start + length + 1)
}

/// Its text, without the space around it: all of it, also what stands behind a comment.
pub fn text(node: Node) -> String {
    let texts = node.children().filter(Node::is_text);
    let whole: String = texts.filter_map(|text| text.text()).collect();
    whole.trim().to_owned()
}

/// Whether there are elements in it, of which libvirt would take the text along.
pub fn has_elements(node: Node) -> bool {
    node.children().any(|inner| inner.is_element())
}

/// What an element is called.
pub fn name<'a>(node: Node<'a, '_>) -> &'a str {
    node.tag_name().name()
}

/// Reads a domain.
///
/// # Errors
/// Everything that is wrong with it.
pub fn domain(
    source: &Arc<Source>,
    document: &Document,
    said: &Said,
) -> Result<Found, Vec<Diagnostic>> {
    let root = document.root_element();
    let mut domain = Domain {
        told: Told::new(&WORDS),
        model: said.model(),
        memory: None,
        current: None,
        cells: None,
    };
    domain.told.has_its = true;
    domain.is_at(root);
    match root.attribute("type") {
        Some("kvm") => {}
        Some(other @ ("qemu" | "hvf")) => domain.told.notes.push(format!(
            "`type='{other}'`, whose CPU shows what no host with KVM does"
        )),
        other => {
            let words = format!(
                "`type='{}'` is no machine of KVM's",
                short(other.unwrap_or_default())
            );
            domain.told.problem(
                words,
                "a lock is of a machine that Linux's KVM runs: `type='kvm'`",
            );
        }
    }
    let mut seen = BTreeSet::new();
    let mut passed_on = Vec::new();
    for node in root.children().filter(Node::is_element) {
        domain.is_at(node);
        let is_qemu = node.tag_name().namespace() == Some(QEMU);
        if !is_qemu && node.tag_name().namespace().is_some() {
            domain.stray(node);
            continue;
        }
        if !seen.insert((is_qemu, name(node))) && is_read(node) {
            domain.told.problem(
                format!("`<{}>` stands there twice", name(node)),
                "libvirt takes the first one: leave the others out",
            );
            continue;
        }
        if is_qemu {
            passed_on.push(node);
        } else {
            domain.element(node);
        }
    }
    // libvirt puts these words behind its own, wherever they stand.
    for node in passed_on {
        domain.passed_on(node);
    }
    domain.is_at(root);
    if !seen.contains(&(false, "os")) {
        domain.told.problem(
            "nothing says of which architecture it is: `<os>` is missing",
            "take all that `virsh dumpxml` prints",
        );
    }
    let Some(memory) = domain.memory else {
        if !seen.contains(&(false, "memory")) {
            domain.told.problem(
                "`<memory>` is missing",
                "take all that `virsh dumpxml` prints",
            );
        }
        return domain.told.found(source, said);
    };
    domain.told.memory = memory;
    domain.sums(memory);
    if !seen.contains(&(false, "vcpu")) {
        let words = "no `<vcpu>`: one CPU, as libvirt gives it";
        domain.told.notes.push(words.to_owned());
    }
    if !seen.contains(&(false, "cpu")) {
        domain.cpu_is("no `<cpu>`, so that libvirt decides which CPU there is");
    }
    domain.told.found(source, said)
}

/// Whether an element is read, so that a second one could say otherwise.
fn is_read(node: Node) -> bool {
    [
        "commandline",
        "cpu",
        "currentMemory",
        "devices",
        "features",
        "memory",
        "os",
        "vcpu",
    ]
    .contains(&name(node))
}

/// What a domain says so far.
struct Domain<'s> {
    told: Told,
    /// The CPU model that was said.
    model: &'s str,
    memory: Option<u64>,
    /// What `<currentMemory>` says, where it is there and is a size.
    current: Option<Option<u64>>,
    /// Where cells of `<numa>` are, and what they have together, where that is a size.
    cells: Option<(Range<usize>, Option<u64>)>,
}

impl Domain<'_> {
    fn is_at(&mut self, node: Node) {
        self.told.here = Some(start(node));
    }

    /// Which CPU the domain names has no say in which one the description names.
    fn cpu_is(&mut self, what: &str) {
        let words = format!("{what}: `{}` is what was said instead", self.model);
        self.told.notes.push(words);
    }

    /// Attributes that say more than is read.
    fn others(&mut self, node: Node, read: &[&str], prefix: &str) {
        let is_read =
            |name: &str, namespace: Option<&str>| namespace.is_none() && read.contains(&name);
        for attribute in node.attributes() {
            if !is_read(attribute.name(), attribute.namespace()) {
                self.told.beside(&format!("{prefix} {}", attribute.name()));
            }
        }
    }

    /// An element where none of its namespace is read.
    fn stray(&mut self, node: Node) {
        let words = format!("<{}> of another namespace", name(node));
        self.told.beside(&words);
    }

    /// Elements in one that are read; those of another namespace have no place.
    fn inside<'a, 'input>(&mut self, node: Node<'a, 'input>) -> Vec<Node<'a, 'input>> {
        let own = node.tag_name().namespace();
        let all = node.children().filter(Node::is_element);
        let (read, strays): (Vec<_>, Vec<_>) =
            all.partition(|inner| inner.tag_name().namespace() == own);
        for inner in strays {
            self.stray(inner);
        }
        read
    }

    /// Text of an element that has nothing else in it.
    fn text(&mut self, node: Node) -> String {
        if has_elements(node) {
            let words = format!("`<{}>` is a text, and has elements in it", name(node));
            self.told.problem(words, "take them out");
        }
        text(node)
    }

    /// What else says how much memory there is, held against what `<memory>` says.
    fn sums(&mut self, memory: u64) {
        if self.current.is_some_and(|current| current != Some(memory)) {
            self.told.notes.push("`<currentMemory>`, which a balloon takes from the guest: the description's memory is all that it may have".to_owned());
        }
        if let Some((place, sum)) = self.cells.take()
            && sum != Some(memory)
        {
            self.told.here = Some(place);
            self.told.problem(
                "the cells of `<numa>` have another size together than `<memory>` says",
                "libvirt takes the cells' sum: say that in `<memory>`, and in each cell a whole number in KiB or in its `unit`",
            );
        }
    }

    fn element(&mut self, node: Node) {
        match name(node) {
            "memory" => self.memory = self.size(node),
            "vcpu" => self.processors(node),
            "os" => self.os(node),
            "features" => self.features(node),
            "cpu" => self.cpu(node),
            "currentMemory" => {
                let digits = self.text(node);
                self.current = Some(bytes(&digits, node));
            }
            "devices" => {
                let is_memory = |device: Node| name(device) == "memory";
                if inside(node).any(is_memory) {
                    self.told.notes.push("modules of memory in `<devices>`: `<memory>` counts them too, so that all of it is the description's from the start".to_owned());
                }
            }
            other if UNSEEN.contains(&other) => {}
            other => self.told.beside(&format!("<{other}>")),
        }
    }

    /// A size that has to be one.
    fn size(&mut self, node: Node) -> Option<u64> {
        let digits = self.text(node);
        let bytes = bytes(&digits, node).filter(|bytes| *bytes > 0);
        if bytes.is_none() {
            let unit = node.attribute("unit").filter(|word| unit(word).is_none());
            let words = match unit {
                Some(unit) => format!("`{}` is no unit of memory", short(unit)),
                None if digits.parse() == Ok(0u64) => "the machine has no memory".to_owned(),
                None => format!("`{}` is no size of memory", short(&digits)),
            };
            self.told.problem(
                words,
                "a whole number above 0, in KiB or in its `unit`: `<memory unit='MiB'>512</memory>`",
            );
        }
        bytes
    }

    /// How many CPUs there are from the start.
    fn processors(&mut self, node: Node) {
        let most = self.text(node);
        let most = most.as_str();
        let count = node.attribute("current").unwrap_or(most);
        let number = |digits: &str| {
            let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|n| is_plain && *n > 0)
        };
        let (Some(vcpus), Some(all)) = (number(count), number(most)) else {
            let words = format!(
                "`{}` is no number of CPUs",
                short(if number(most).is_some() { count } else { most })
            );
            return self.told.problem(words, "as in `<vcpu>4</vcpu>`");
        };
        if vcpus > all {
            let words = format!("{vcpus} CPUs are there from the start, and {all} at most");
            return self
                .told
                .problem(words, "`current` is at most what stands in `<vcpu>`");
        }
        if vcpus < all {
            self.told.beside(&format!(
                "<vcpu>{all}</vcpu>, {vcpus} of them from the start"
            ));
        }
        self.told.vcpus = Some(vcpus);
    }

    fn os(&mut self, node: Node) {
        let (mut kernel, mut initrd, mut cmdline) = (None, None, None);
        let mut seen = BTreeSet::new();
        self.others(node, &[], "<os>");
        for inner in self.inside(node) {
            self.is_at(inner);
            let is_new = seen.insert(name(inner));
            match name(inner) {
                "type" | "kernel" | "initrd" | "cmdline" if !is_new => self.told.problem(
                    format!("`<{}>` stands there twice", name(inner)),
                    "libvirt takes the first one: leave the others out",
                ),
                "type" => self.kind(inner),
                "kernel" => kernel = Some(self.text(inner)),
                "initrd" => initrd = Some(self.text(inner)),
                "cmdline" => cmdline = Some(self.text(inner)),
                other => self.told.beside(&format!("<os><{other}>")),
            }
        }
        self.is_at(node);
        if !seen.contains("type") {
            self.told.problem(
                "nothing says of which architecture it is: `<type>` is missing",
                "as in `<type arch='aarch64' machine='virt'>hvm</type>`",
            );
        }
        if kernel.is_none() && (initrd.is_some() || cmdline.is_some()) {
            self.told
                .notes
                .push("`<initrd>` and `<cmdline>` are nothing without `<kernel>`".to_owned());
        }
        self.told.boot = kernel.map(|kernel| Boot {
            kernel,
            initrd,
            cmdline: cmdline.unwrap_or_default(),
            ..Boot::default()
        });
    }

    /// What kind of machine it is.
    fn kind(&mut self, node: Node) {
        match node.attribute("arch") {
            Some("aarch64") => {}
            other => {
                let words = match other {
                    Some(arch) => format!("its architecture is `{}`", short(arch)),
                    None => "nothing says of which architecture it is".to_owned(),
                };
                self.told
                    .problem(words, "vmlock knows arm64 alone: `arch='aarch64'`");
            }
        }
        match node.attribute("machine") {
            Some(machine) if machine == "virt" || machine.starts_with("virt-") => {}
            other => {
                let words = match other {
                    Some(machine) => format!(
                        "`machine='{}'` is another machine than `virt`",
                        short(machine)
                    ),
                    None => "nothing says which machine it is".to_owned(),
                };
                self.told.problem(words, "a description is one of a machine with a GICv3 and virtio devices, as QEMU's `virt` is");
            }
        }
        let kind = self.text(node);
        if kind != "hvm" {
            let words = format!("`{}` is no machine of its own", short(&kind));
            self.told.problem(words, "KVM runs `hvm` alone");
        }
    }

    fn features(&mut self, node: Node) {
        let mut seen = BTreeSet::new();
        for inner in self.inside(node) {
            self.is_at(inner);
            let is_new = seen.insert(name(inner));
            match name(inner) {
                "gic" | "pmu" if !is_new => self.told.problem(
                    format!("`<{}>` stands there twice", name(inner)),
                    "leave the others out",
                ),
                "gic" => self.told.gic_is(inner.attribute("version")),
                "pmu" => match inner.attribute("state") {
                    state @ (None | Some("on" | "off")) => {
                        self.told.property("pmu", state);
                    }
                    Some(other) => {
                        let words =
                            format!("`<pmu state='{}'/>` says neither on nor off", short(other));
                        self.told.problem(words, "as in `<pmu state='off'/>`");
                    }
                },
                other => self.told.beside(&format!("<features><{other}>")),
            }
        }
    }

    fn cpu(&mut self, node: Node) {
        self.others(node, &["mode", "check", "match"], "<cpu>");
        let model = inside(node).find(|inner| name(*inner) == "model");
        let model = model.map(|model| self.text(model));
        let what = match (node.attribute("mode"), model) {
            (Some("host-passthrough"), _) => None,
            (Some("maximum"), _) => {
                Some("`mode='maximum'`, which is all that QEMU can show".to_owned())
            }
            (Some("host-model"), _) => Some(
                "`mode='host-model'`, of which libvirt decides what it is on each host".to_owned(),
            ),
            (Some("custom") | None, Some(model)) => Some(format!(
                "`<model>{}</model>`, of which QEMU decides what it shows",
                short(&model)
            )),
            (Some("custom") | None, None) => {
                Some("no CPU model, so that libvirt decides which CPU there is".to_owned())
            }
            (Some(other), _) => {
                let words = format!(
                    "`mode='{}'` is no mode of a CPU that is known",
                    short(other)
                );
                return self.told.problem(
                    words,
                    "modes are host-passthrough, host-model, maximum and custom",
                );
            }
        };
        if let Some(what) = what {
            self.cpu_is(&what);
        }
        let mut seen = BTreeSet::new();
        for inner in self.inside(node) {
            self.is_at(inner);
            match name(inner) {
                "model" => {}
                "numa" => {
                    self.told.beside("<cpu><numa>");
                    self.cells(inner);
                }
                "feature" => {
                    let feature = inner.attribute("name").unwrap_or_default();
                    if !seen.insert(feature) {
                        let words = format!("the feature `{}` stands there twice", short(feature));
                        self.told.problem(words, "leave one of them out");
                        continue;
                    }
                    self.feature(feature, inner.attribute("policy"));
                }
                other => self.told.beside(&format!("<cpu><{other}>")),
            }
        }
    }

    /// Memory of the cells: where there are any, libvirt takes their sum for the machine's
    /// (src/conf/domain_postparse.c `virDomainDefPostParseMemory`).
    fn cells(&mut self, node: Node) {
        let sizes = inside(node)
            .filter(|cell| name(*cell) == "cell")
            .map(|cell| cell.attribute("memory").and_then(|size| bytes(size, cell)));
        let sums = sizes.reduce(|sum, size| sum?.checked_add(size?));
        if let Some(sum) = sums {
            self.cells = Some((start(node), sum));
        }
    }

    /// A feature of the CPU: libvirt gives QEMU a property of that name.
    fn feature(&mut self, name: &str, policy: Option<&str>) {
        let value = match policy {
            None | Some("require" | "force") => "on",
            Some("disable" | "forbid") => "off",
            Some("optional") => {
                return self.told.beside(&format!(
                    "cpu feature {name}, which is there where the host has it"
                ));
            }
            Some(other) => {
                let words = format!("`policy='{}'` is no policy for a feature", short(other));
                return self.told.problem(
                    words,
                    "policies are require, force, disable, forbid and optional",
                );
            }
        };
        // What is no word with two answers, libvirt cannot give.
        if name.starts_with("kvm-psci") || !self.told.property(name, Some(value)) {
            self.told.beside(&format!("cpu feature {name}"));
        }
    }

    /// What goes to QEMU as it is.
    fn passed_on(&mut self, node: Node) {
        if name(node) != "commandline" {
            return self.told.beside(&format!("<qemu:{}>", name(node)));
        }
        self.is_at(node);
        let mut words = Vec::new();
        for inner in self.inside(node) {
            match (name(inner), inner.attribute("value")) {
                ("arg", Some(word)) => words.push(word.to_owned()),
                ("arg", None) => {
                    self.is_at(inner);
                    self.told.problem(
                        "`<qemu:arg>` has no value",
                        "as in `<qemu:arg value='-global'/>`",
                    );
                }
                (other, _) => self.told.beside(&format!("<qemu:{other}>")),
            }
        }
        self.is_at(node);
        for (option, value) in options(words) {
            let value = value.as_deref();
            match (option.as_str(), value) {
                ("global" | "M" | "machine", None) => self.told.problem(
                    format!("`-{option}` in `<qemu:commandline>` has no value"),
                    "as in `<qemu:arg value='-machine'/>` and `<qemu:arg value='its=off'/>`",
                ),
                ("global", Some(value)) => global(&mut self.told, value),
                ("M" | "machine", Some(value)) => self.machine(value),
                (taken, _) if TAKEN.contains(&taken) => {
                    let words = format!(
                        "`-{taken}` in `<qemu:commandline>` says again what the domain says"
                    );
                    self.told.problem(words, "leave one of the two out");
                }
                (elsewhere, _) if ELSEWHERE.contains(&elsewhere) => {
                    let words = format!(
                        "`-{elsewhere}` in `<qemu:commandline>` can change anything of the machine"
                    );
                    let help = "say it in the domain's own words, or by `-machine` and `-global`";
                    self.told.problem(words, help);
                }
                ("", value) => self.told.beside(value.unwrap_or_default()),
                (other, _) => self.told.beside(&format!("-{other}")),
            }
        }
    }

    /// Properties of the machine behind those that libvirt gives.
    fn machine(&mut self, value: &str) {
        for (name, value) in parts(value) {
            let is_own =
                MACHINE.contains(&name) || MACHINES.iter().any(|part| name.starts_with(part));
            if value.is_none() || is_own {
                let words = format!(
                    "`-machine {}` would change which machine it is",
                    short(name)
                );
                let help = "leave it to `<type machine='virt'>`, `<os>`, `<memory>` and `<vcpu>`";
                self.told.problem(words, help);
                continue;
            }
            qemu::property(&mut self.told, name, value);
        }
    }
}

/// A size in its unit, or in KiB; libvirt takes whole numbers alone (src/util/virutil.c `virScaleInteger`).
fn bytes(digits: &str, node: Node) -> Option<u64> {
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_plain)?;
    let unit = unit(node.attribute("unit").unwrap_or("KiB"))?;
    // libvirt counts in KiB, and rounds up (src/conf/domain_conf.c `virDomainParseMemory`).
    number.checked_mul(unit)?.checked_next_multiple_of(1 << 10)
}

/// How many bytes a unit is.
fn unit(word: &str) -> Option<u64> {
    Some(match word.to_ascii_lowercase().as_str() {
        "b" | "byte" | "bytes" => 1,
        "kb" => 1000,
        "k" | "kib" => 1 << 10,
        "mb" => 1_000_000,
        "m" | "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "g" | "gib" => 1 << 30,
        "tb" => 1_000_000_000_000,
        "t" | "tib" => 1 << 40,
        _ => return None,
    })
}
