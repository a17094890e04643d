//! The words of the language: every node with its values, properties and block, and what they are in the JSON form. A
//! description is read and written by this table, and an editor completes and explains by it; what the words mean is in
//! the schema, at the place that is named here, and a test holds the two against each other.

mod table;

#[cfg(test)]
pub use table::WORD;
pub use table::{ANY_FILE, DEFAULTS, EVENT, FROM, OF_DEFAULTS, OF_VM, VM, VM_NODES};

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
    /// Another text.
    Text,
    /// A whole number.
    Number(Number),
    /// An event of the PMU, by its number.
    Event,
    /// A size with its unit; bytes in the JSON form.
    Size(Size),
}

/// What a whole number can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The least one.
    pub least: u64,
    /// The largest one.
    pub most: u64,
    /// The code of a finding on one out of range.
    pub code: &'static str,
    /// From which one on it is written in hexadecimal digits.
    pub hex_from: u64,
}

/// What a size can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// What stands before it in the text.
    pub before: &'static str,
    /// The code of a finding on it.
    pub code: &'static str,
    /// How large it can be, in words.
    pub limits: &'static str,
    /// The least one, in bytes.
    pub least: u64,
}

/// What a node makes of the JSON form, at its key in the object of the block that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing but its place in a list of words.
    Nothing,
    /// Its value.
    Value,
    /// `true`: the word alone says all.
    Truth,
    /// A list of its values, and of those of the others of its name.
    List,
    /// An object of its values, properties and block.
    Object,
    /// An object in a list of those of its name.
    Item,
    /// An object in the list of devices, under its word.
    Device,
    /// The console, which is a device where it is one of virtio: `decode/device.rs`.
    Console,
    /// An object with names of the author's own: `decode/about.rs`.
    Labels,
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
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name, in both forms of a description.
    pub name: &'static str,
    /// What it can be.
    pub value: Value,
    /// Whether it is taken over where a machine is built from another.
    pub carried: Carried,
    /// What is said of a node that has to have it and does not; nothing where it may be left out.
    pub lacks: &'static str,
}

/// A value of a node, which has no name in KDL.
#[derive(Clone, Copy, Debug)]
pub struct Positional {
    /// Its name in the JSON form; none where it is all that the node says.
    pub key: &'static str,
    /// What it can be.
    pub value: Value,
    /// What a message calls it.
    pub what: &'static str,
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
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Its name.
    pub word: &'static str,
    /// What it makes of the JSON form.
    pub form: Form,
    /// Its name there, where that is another one.
    pub key: &'static str,
    /// The list of words there that its word is put into, in the table's order.
    pub list: &'static str,
    /// Whether a block has to have it.
    pub needed: bool,
    /// Where the schema says what it means.
    pub meaning: &'static str,
    /// Its values, one after the other; of the last one there may be several where it says so.
    pub values: &'static [Positional],
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
        let value = match self.values.get(index) {
            None if self.many => self.values.last(),
            value => value,
        };
        value.map(|value| value.value)
    }

    /// Its name in the JSON form.
    pub fn key(&self) -> &'static str {
        match self.key {
            "" => self.word,
            key => key,
        }
    }

    /// Whether it is nothing without all that it says: where it has to say something.
    pub fn is_whole(&self) -> bool {
        let needed = |property: &Property| !property.lacks.is_empty();
        !self.values.is_empty() || self.properties.iter().any(needed)
    }

    /// Where the schema says what a property means.
    pub fn meaning_of(&self, property: &Property) -> String {
        format!("{}/properties/{}", self.of, property.name)
    }
}

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

/// The node at a path of words from the top of a description, or of an imported file: `["vm", "cpu", "pmu"]`.
pub fn at(path: &[&str]) -> Option<&'static Node> {
    let (first, rest) = path.split_first()?;
    let top = [&VM, &DEFAULTS]
        .into_iter()
        .find(|top| top.word == *first)?;
    rest.iter().try_fold(top, |node, word| node.inner(word))
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
    }

    /// The keys that a row's object has in the JSON form.
    fn keys(row: &'static Node) -> BTreeSet<&'static str> {
        let values = row.values.iter().map(|value| value.key);
        let properties = row.properties.iter();
        let properties = properties.filter(|property| property.value != Value::Machine);
        let of_block = row.block.iter().flat_map(|inner| {
            let own = (inner.form != Form::Nothing).then(|| inner.key());
            match inner.form {
                Form::Device => ["devices", ""],
                Form::Console => ["devices", inner.key()],
                _ => [inner.list, own.unwrap_or_default()],
            }
        });
        let all = values.chain(properties.map(|p| p.name)).chain(of_block);
        all.filter(|key| !key.is_empty()).collect()
    }

    #[test]
    fn each_key_of_the_json_form_has_its_row() {
        let schema = schema(Which::Spec);
        let mut seen = 0;
        for row in every(std::slice::from_ref(&VM)) {
            if !matches!(row.form, Form::Object | Form::Item | Form::Device) {
                continue;
            }
            let is_vm = row.word == VM.word;
            let of = schema
                .pointer(row.of)
                .filter(|_| is_vm || !row.of.is_empty());
            let known = of.and_then(|of| of["properties"].as_object());
            let known = known.into_iter().flatten().map(|(key, _)| key.as_str());
            // For editors, and for several machines in one file.
            let known: BTreeSet<&str> = known
                .filter(|key| !is_vm || !["$schema", "machines"].contains(key))
                .collect();
            assert_eq!(keys(row), known, "{}", row.word);
            seen += known.len();
        }
        assert!(seen > 50, "{seen}");
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
            ("cpu", at(&["vm", "cpu"]).unwrap().block),
            ("pmu", at(&["vm", "cpu", "pmu"]).unwrap().block),
            ("vsock", at(&["vm", "vsock"]).unwrap().block),
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
