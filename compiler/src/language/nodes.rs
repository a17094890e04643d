//! The words of the language: every node with its values, properties and block. The decoder reads by this table, and an
//! editor completes and explains by it; what the words mean is in the schema, at the place that is named here, and a
//! test holds the two against each other.

/// What can stand somewhere as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// One of the names that a definition of the schema lists.
    Named(&'static str),
    /// A baseline of the catalogue or of an imported file.
    Baseline,
    /// A CPU model of the catalogue or of an imported file.
    Model,
    /// A feature by its hwcap name or field of a register, to be hidden.
    Hidden,
    /// The same, to be set.
    Set,
    /// A file of the user's own models and baselines.
    Import,
    /// Another file or device of the host.
    File,
    /// `#true` or `#false`.
    Truth,
    /// A console.
    Console,
    /// Another machine of the file.
    Machine,
    /// A name that the author gives.
    Name,
    /// Something else: a number, a size, a text.
    Other,
}

/// What becomes of a statement where a machine is built from another that has it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// It stands once, and is taken over part by part: values that are given take the place of all that there were, a
    /// property that of its name's, and a node of its block is joined as its own row says.
    Parts,
    /// The same, with the one that has the same first value, or like it has none.
    Named,
    /// All of both count.
    Listed,
    /// It is each machine's own, and not taken over.
    Own,
}

/// A property of a node.
#[derive(Debug)]
pub struct Property {
    /// Its name, in both forms of a description.
    pub name: &'static str,
    /// What it can be.
    pub value: Value,
    /// Whether it is taken over where a machine is built from another.
    pub carried: Carried,
}

/// Whether a property is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Where it is not given anew.
    Always,
    /// Where none of the properties is that it says something of: the digest of a file is not that of another file.
    With(&'static [&'static str]),
    /// Never: two machines that have it alike cannot be told apart.
    Never,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub word: &'static str,
    /// Where the schema says what it means.
    pub meaning: &'static str,
    /// Its values, one after the other; of the last one there may be several where it says so.
    pub values: &'static [Value],
    /// Whether there can be more of the last value.
    pub many: bool,
    /// Which definition of the schema has its properties.
    pub of: &'static str,
    /// Its properties.
    pub properties: &'static [Property],
    /// What can stand in its block.
    pub block: &'static [Node],
    /// Whether it can stand more than once.
    pub repeats: bool,
    /// What becomes of it where a machine is built from another.
    pub shared: Shared,
    /// How it is written.
    pub example: &'static str,
}

impl Node {
    /// The node of its block that has that name.
    pub fn inner(&self, word: &str) -> Option<&'static Node> {
        self.block.iter().find(|node| node.word == word)
    }

    /// The property of that name.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties
            .iter()
            .find(|property| property.name == name)
    }

    /// What the value with that number can be, from 0.
    pub fn value(&self, index: usize) -> Option<Value> {
        match self.values.get(index) {
            None if self.many => self.values.last().copied(),
            value => value.copied(),
        }
    }

    /// Where the schema says what a property means.
    pub fn meaning_of(&self, property: &Property) -> String {
        format!("{}/properties/{}", self.of, property.name)
    }
}

/// A node without anything: the word alone.
const WORD: Node = Node {
    word: "",
    meaning: "",
    values: &[],
    many: false,
    of: "",
    properties: &[],
    block: &[],
    repeats: false,
    shared: Shared::Parts,
    example: "",
};

const fn property(name: &'static str, value: Value) -> Property {
    Property {
        name,
        value,
        carried: Carried::Always,
    }
}

/// The property that waives what a file holds.
pub const ANY_FILE: &str = "any-file";

/// One that says something of others, which name a file.
const fn of_file(name: &'static str, value: Value, file: &'static [&'static str]) -> Property {
    Property {
        name,
        value,
        carried: Carried::With(file),
    }
}

/// One that is each machine's own.
const fn own(name: &'static str, value: Value) -> Property {
    Property {
        name,
        value,
        carried: Carried::Never,
    }
}

/// The word alone, in a `cpu` block.
const fn feature(word: &'static str) -> Node {
    Node {
        word,
        meaning: "/definitions/Feature",
        example: word,
        ..WORD
    }
}

const PMU: Node = Node {
    of: "/definitions/Pmu",
    properties: &[
        property("version", Value::Named("PmuVersion")),
        property("counters", Value::Other),
    ],
    block: &[
        Node {
            word: "allow",
            meaning: "/definitions/Pmu/properties/allow",
            values: &[Value::Other],
            many: true,
            repeats: true,
            shared: Shared::Listed,
            example: "allow 0x11",
            ..WORD
        },
        Node {
            word: "deny",
            meaning: "/definitions/Pmu/properties/deny",
            values: &[Value::Other],
            many: true,
            repeats: true,
            shared: Shared::Listed,
            example: "deny 0x11",
            ..WORD
        },
    ],
    ..feature("pmu")
};

const CPU: Node = Node {
    word: "cpu",
    meaning: "/properties/cpu",
    values: &[Value::Model],
    of: "/definitions/Cpu",
    properties: &[property("count", Value::Other)],
    block: &[
        PMU,
        Node {
            values: &[Value::Other],
            many: true,
            example: "sve 128 256",
            ..feature("sve")
        },
        feature("pauth"),
        feature("mte"),
        feature("steal-time"),
        Node {
            word: "debug",
            meaning: "/definitions/Cpu/properties/debug",
            of: "/definitions/Debug",
            properties: &[
                property("breakpoints", Value::Other),
                property("watchpoints", Value::Other),
            ],
            example: "debug breakpoints=4 watchpoints=2",
            ..WORD
        },
        Node {
            word: "aarch32",
            meaning: "/definitions/Cpu/properties/aarch32",
            example: "aarch32",
            ..WORD
        },
        Node {
            word: "hide",
            meaning: "/definitions/Cpu/properties/hide",
            values: &[Value::Hidden],
            many: true,
            repeats: true,
            shared: Shared::Listed,
            example: "hide \"crc32\"",
            ..WORD
        },
        Node {
            word: "set",
            meaning: "/definitions/Cpu/properties/set",
            values: &[Value::Set, Value::Other],
            repeats: true,
            shared: Shared::Named,
            example: "set \"ID_AA64ISAR0_EL1.RNDR\" 0",
            ..WORD
        },
    ],
    example: "cpu \"neoverse-n1\" count=2",
    ..WORD
};

const BOOT: Node = Node {
    word: "boot",
    meaning: "/properties/boot",
    of: "/definitions/Boot",
    properties: &[
        property("kernel", Value::File),
        property("initrd", Value::File),
        property("cmdline", Value::Other),
        of_file("kernel-digest", Value::Other, &["kernel"]),
        of_file("initrd-digest", Value::Other, &["initrd"]),
        of_file("kernel-address", Value::Other, &["kernel"]),
        of_file(ANY_FILE, Value::Truth, &["kernel", "initrd"]),
        property("kaslr-seed", Value::Truth),
    ],
    example: "boot kernel=\"vmlinuz\" initrd=\"initrd.img\" cmdline=\"console=ttyS0\"",
    ..WORD
};

const DISK: Node = Node {
    word: "disk",
    meaning: "/definitions/Device/properties/disk",
    values: &[Value::Name],
    of: "/definitions/Disk",
    properties: &[
        property("path", Value::File),
        of_file("size", Value::Other, &["path"]),
        property("read-only", Value::Truth),
        property("serial", Value::Other),
        of_file("digest", Value::Other, &["path"]),
        of_file(ANY_FILE, Value::Truth, &["path"]),
    ],
    repeats: true,
    shared: Shared::Named,
    example: "disk \"root\" path=\"root.img\"",
    ..WORD
};

const NET: Node = Node {
    word: "net",
    meaning: "/definitions/Device/properties/net",
    values: &[Value::Name],
    of: "/definitions/Net",
    properties: &[
        property("tap", Value::Other),
        own("mac", Value::Other),
        property("mtu", Value::Other),
    ],
    repeats: true,
    shared: Shared::Named,
    example: "net \"lan\" tap=\"tap0\"",
    ..WORD
};

const VSOCK: Node = Node {
    word: "vsock",
    meaning: "/definitions/Device/properties/vsock",
    of: "/definitions/Vsock",
    properties: &[own("cid", Value::Other)],
    block: &[Node {
        word: "port",
        meaning: "/definitions/Port",
        values: &[Value::Other],
        of: "/definitions/Port",
        properties: &[property("path", Value::File)],
        repeats: true,
        shared: Shared::Named,
        example: "port 1024 path=\"agent.sock\"",
        ..WORD
    }],
    repeats: true,
    shared: Shared::Named,
    example: "vsock cid=3 { port 1024 path=\"agent.sock\"; }",
    ..WORD
};

const ALLOW: Node = Node {
    word: "allow",
    meaning: "/properties/allow",
    values: &[Value::Named("Warning"), Value::Named("Field")],
    many: true,
    of: "/definitions/Allow",
    properties: &[property("reason", Value::Other)],
    repeats: true,
    shared: Shared::Named,
    example: "allow \"spec::withholds-mitigation\" reason=\"…\"",
    ..WORD
};

/// The node of a description: one for each machine.
pub static VM: Node = Node {
    word: "vm",
    values: &[Value::Name],
    meaning: "",
    properties: &[property("from", Value::Machine)],
    repeats: true,
    shared: Shared::Own,
    block: &BLOCK,
    example: "vm \"NAME\" { … }",
    ..WORD
};

const BLOCK: [Node; 19] = [
    Node {
        word: "arch",
        meaning: "/properties/arch",
        values: &[Value::Named("Arch")],
        example: "arch \"arm64\"",
        ..WORD
    },
    Node {
        word: "abi",
        meaning: "/properties/abi",
        values: &[Value::Baseline],
        many: true,
        example: "abi \"kvm-6.8\"",
        ..WORD
    },
    CPU,
    Node {
        word: "memory",
        meaning: "/properties/memory",
        values: &[Value::Other],
        example: "memory \"512MiB\"",
        ..WORD
    },
    BOOT,
    Node {
        word: "console",
        meaning: "/properties/console",
        values: &[Value::Console],
        repeats: true,
        shared: Shared::Named,
        example: "console \"16550\"",
        ..WORD
    },
    DISK,
    NET,
    Node {
        word: "rng",
        meaning: "/definitions/Device/properties/rng",
        repeats: true,
        shared: Shared::Named,
        example: "rng",
        ..WORD
    },
    VSOCK,
    Node {
        word: "across-saves",
        meaning: "/properties/across-saves",
        values: &[Value::Named("AcrossSaves")],
        example: "across-saves \"goes-on\"",
        ..WORD
    },
    Node {
        word: "vmgenid",
        meaning: "/properties/vmgenid",
        example: "vmgenid",
        ..WORD
    },
    Node {
        word: "vary",
        meaning: "/properties/vary",
        values: &[Value::Named("Field")],
        many: true,
        repeats: true,
        shared: Shared::Listed,
        example: "vary \"PMCR_EL0.IMP\"",
        ..WORD
    },
    ALLOW,
    Node {
        word: "runs-on",
        meaning: "/properties/runs-on",
        values: &[Value::Named("RecordedHost")],
        many: true,
        repeats: true,
        shared: Shared::Listed,
        example: "runs-on \"kvm-6.12\"",
        ..WORD
    },
    Node {
        word: "description",
        meaning: "/properties/description",
        values: &[Value::Other],
        shared: Shared::Own,
        example: "description \"serves the shop\"",
        ..WORD
    },
    Node {
        word: "labels",
        meaning: "/properties/labels",
        example: "labels team=\"shop\" stage=\"live\"",
        ..WORD
    },
    Node {
        word: "import",
        meaning: "/properties/import",
        values: &[Value::Import],
        many: true,
        repeats: true,
        shared: Shared::Listed,
        example: "import \"my-cpu.kdl\"",
        ..WORD
    },
    Node {
        word: "lock-schema",
        meaning: "/properties/lock-schema",
        values: &[Value::Other],
        example: "lock-schema \"../schema/lock.v1.schema.json\"",
        ..WORD
    },
];

/// Names of nodes, in the table's order.
pub const fn words<const N: usize>(nodes: &[Node]) -> [&'static str; N] {
    let mut out = [""; N];
    let mut at = 0;
    while at < N {
        out[at] = nodes[at].word;
        at += 1;
    }
    out
}

/// What an imported file gives the machines that import it.
pub static DEFAULTS: Node = Node {
    word: "defaults",
    block: &BLOCK,
    example: "defaults { … }",
    ..WORD
};

/// What `defaults` means, in Markdown: the JSON form, of which the schema tells, has no such.
pub const OF_DEFAULTS: &str = "what every machine that imports this file has, where it does not say it itself. \
     Paths are from this file.";

/// What `vm` means, in Markdown: in the JSON form the whole file is one.
pub const OF_VM: &str =
    "the block that describes one machine; its name stands behind it. A file may have several.";

/// What the one property of a `vm` means, in Markdown: the JSON form, of which the schema tells, has no such.
pub const FROM: &str = "another machine of this file, of which this one takes over all that it does not say itself. \
     Its `description`, and addresses by which two machines are told apart (`mac`, `cid`), stay its own.";

/// What a `vm` block may hold.
pub const VM_NODES: [&str; BLOCK.len()] = words(&BLOCK);

/// The node at a path of words from the top of a description, or of an imported file: `["vm", "cpu", "pmu"]`.
pub fn at(path: &[&str]) -> Option<&'static Node> {
    let (first, rest) = path.split_first()?;
    let top = [&VM, &DEFAULTS]
        .into_iter()
        .find(|top| top.word == *first)?;
    rest.iter().try_fold(top, |node, word| node.inner(word))
}

/// The properties of the node at a path; none where there is no such node.
pub fn properties(path: &[&str]) -> &'static [Property] {
    at(path).map_or(&[], |node| node.properties)
}

/// These nodes, and all that can stand in their blocks.
pub fn every(nodes: &'static [Node]) -> Vec<&'static Node> {
    let inner = nodes.iter().flat_map(|node| every(node.block));
    nodes.iter().chain(inner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Which;
    use crate::language::sharing::Defaults;
    use crate::language::{decode, read};
    use crate::location::Source;
    use crate::schema::schema;
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use vmlock_spec::vm::Feature;

    #[test]
    fn the_schema_says_what_each_word_means() {
        let schema = schema(Which::Spec);
        let nodes = every(VM.block);
        assert!(nodes.len() > 25);
        for node in &nodes {
            let meaning = schema.pointer(node.meaning);
            assert!(
                meaning.is_some_and(|m| m["description"].is_string()),
                "{}",
                node.word
            );
            for property in node.properties {
                let place = node.meaning_of(property);
                let meaning = schema.pointer(&place);
                assert!(
                    meaning.is_some_and(|m| m["description"].is_string()),
                    "{place}"
                );
            }
        }
        // And there is nothing in it that has no word here.
        let words: BTreeSet<&str> = nodes
            .iter()
            .flat_map(|node| node.properties.iter().map(|p| p.name).chain([node.word]))
            .collect();
        // Those that are a value behind a word, or the words themselves.
        let values = [
            "$schema",
            "machines",
            "name",
            "devices",
            "model",
            "features",
            "vector-lengths",
            "field",
            "value",
            "fields",
            "code",
            "port",
            "ports",
        ];
        let definitions = schema["definitions"].as_object().unwrap();
        let mut seen = 0;
        for object in definitions.values().chain([&schema]) {
            for name in object["properties"].as_object().into_iter().flatten() {
                seen += 1;
                let known = words.contains(name.0.as_str()) || values.contains(&name.0.as_str());
                assert!(known, "{} has no word", name.0);
            }
        }
        assert!(seen > 50);
    }

    #[test]
    fn features_are_words_of_the_cpu_block() {
        let cpu = at(&["vm", "cpu"]).unwrap();
        for feature in Feature::ALL {
            assert!(cpu.inner(feature.name()).is_some(), "{}", feature.name());
        }
        let features = cpu
            .block
            .iter()
            .filter(|n| n.meaning == "/definitions/Feature");
        assert_eq!(features.count(), Feature::ALL.len());
    }

    #[test]
    fn the_decoder_reads_every_example() {
        let mut read_ones = 0;
        for (path, nodes) in [
            ("vm", VM.block),
            ("cpu", CPU.block),
            ("pmu", PMU.block),
            ("vsock", VSOCK.block),
        ] {
            for node in nodes {
                let block = match path {
                    "vm" => node.example.to_owned(),
                    "cpu" => format!("cpu \"max\" count=1 {{ {} ; }}", node.example),
                    "pmu" => format!("cpu \"max\" count=1 {{ pmu {{ {}; }}; }}", node.example),
                    _ => format!("vsock cid=3 {{ {}; }}", node.example),
                };
                let source = Arc::new(Source {
                    path: "x".into(),
                    text: format!("vm \"x\" {{\n{block}\n}}"),
                });
                let decoded = decode::decode(
                    &source,
                    &read::parse(&source).unwrap(),
                    &Defaults::default(),
                )
                .remove(0);
                let wrong: Vec<_> = decoded
                    .found
                    .iter()
                    .filter(|d| d.code != "spec::missing")
                    .collect();
                assert!(wrong.is_empty(), "{block}: {wrong:?}");
                read_ones += 1;
            }
        }
        assert!(read_ones > 25);
    }
}
