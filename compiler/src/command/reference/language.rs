//! The page of the language: out of the table of its words (`language/nodes.rs`), what the schema says that they mean,
//! and the reader's words of imported files.

use crate::flags::WHOLE;
use crate::language::nodes::{self, DEFAULTS, Node, Property, Shared, VM, Value};
use crate::meaning;
use vmlock_catalogue_reader::words::{self, Word};

/// Names of a value that are listed; of more, the command that does.
const LISTED: usize = 16;

const HEAD: &str = r#"# The language

A description is a file `NAME.vm.kdl` in [KDL](https://kdl.dev) 2: one word a line, its values behind it, then its properties
as `name=value`, then a block in braces. Strings stand in quotes, truths are `#true` and `#false`, `//` begins a comment, `/-`
takes the node behind it out. `vmlock fmt` lays a file out, `vmlock convert` writes the JSON form, in which the same names stand
at the places that `vmlock schema spec` tells.

This page is made of the table by which the compiler reads. A word that it does not list is an error.
"#;

const IMPORTED: &str = r#"
# Imported files

What `import` names: baselines and CPU models of the user's own, and `defaults` for the machines that import it. Names that the
catalogue has cannot be taken. `vmlock cpu` and `vmlock adopt` write such files out of a host's report.
"#;

const BASELINES: &str = r#"
## `baseline`

```kdl
baseline "NAME" after="kvm-6.8" {
    title "what it is, in a line"
    hide "ID_AA64ISAR0_EL1.RNDR" source="kernel file and version, Arm document, or measurement"
}
```

`after="BASELINE"` makes it a difference from another whole baseline; `part="psci"`, one that speaks of firmware, the interrupt
controller or another part alone, stands beside a whole one in `abi`. Statements are taken in order, the last one that speaks of a
field counts. Behind each may stand:

* `source="…"`, where it is known from: demanded where the table says so.
* `when="…"`, conditions of which all have to hold: a vCPU feature (`pmu`, `!sve`), `REGISTER.FIELD>=N` of the silicon,
  `el0-aarch32`, `no-clean-to-pou`, `unaffected:NAME`.
* `unsure-after="BASELINE"`, the last release known not to be so, where those in between were not seen.
* `since=N`, the version of the lock from which on it counts.
"#;

const CPUS: &str = r#"
## `cpu` of an imported file

```kdl
cpu "NAME" {
    register "MIDR_EL1" 0x414fd0c1 source="read from outside"
    unknown "ID_AA64DFR0_EL1.PMUVer" source="a default guest does not see it"
}
```
"#;

/// The page.
pub fn page() -> String {
    // As the help has it, of which a test holds that it compiles.
    let whole = WHOLE.lines().filter_map(|line| line.strip_prefix("  "));
    let whole = whole.collect::<Vec<_>>().join("\n");
    let mut out = format!("{HEAD}\n```kdl\n{whole}\n```\n");
    node(&VM, &[], &mut out);
    out.push_str(IMPORTED);
    node_itself(&DEFAULTS, "defaults", nodes::OF_DEFAULTS, &mut out);
    out.push_str("\nIts block holds what that of a `vm` does.\n");
    out.push_str(BASELINES);
    table(&words::OF_BASELINE, &mut out);
    out.push_str(CPUS);
    table(&words::OF_CPU, &mut out);
    out
}

/// A node, and all that can stand in its block.
fn node(node_: &'static Node, above: &[&str], out: &mut String) {
    let path = [above, &[node_.word]].concat();
    let meaning = match node_.meaning {
        "" => nodes::OF_VM.to_owned(),
        place => meaning::of_word(place, node_.word).unwrap_or_default(),
    };
    node_itself(node_, &path.join(" "), &meaning, out);
    values(node_, out);
    properties(node_, out);
    let words: Vec<String> = node_
        .block
        .iter()
        .map(|inner| format!("`{}`", inner.word))
        .collect();
    if !words.is_empty() {
        out.push_str(&format!("\nIts block: {}.\n", words.join(", ")));
    }
    for inner in node_.block {
        node(inner, &path, out);
    }
}

fn node_itself(node: &Node, path: &str, meaning: &str, out: &mut String) {
    out.push_str(&format!(
        "\n## `{path}`\n\n```kdl\n{}\n```\n\n{}\n",
        node.example,
        sentence(meaning)
    ));
    if node.word == VM.word {
        return;
    }
    let times = match node.repeats {
        true => "May stand more than once",
        false => "Stands at most once",
    };
    let shared = match node.shared {
        Shared::Parts => "a machine built `from` another takes over what it does not say itself",
        Shared::Named => {
            "a machine built `from` another takes over those that it does not have itself"
        }
        Shared::Listed => "a machine built `from` another has all of both",
        Shared::Own => "each machine's own",
    };
    out.push_str(&format!("\n{times}; {shared}.\n"));
}

fn values(node: &Node, out: &mut String) {
    for (index, value) in node.values.iter().enumerate() {
        let many = node.many && index + 1 == node.values.len();
        let name = match (node.values.len(), index, many) {
            (1, _, false) => "Value",
            (1, _, true) => "Values",
            (_, 0, _) => "First value",
            (_, _, false) => "Then",
            (_, _, true) => "Then, as many as there are",
        };
        let can_be = kind(value.value);
        if !can_be.is_empty() {
            out.push_str(&format!("\n{name}: {can_be}.\n"));
        }
    }
}

fn properties(node: &Node, out: &mut String) {
    if node.properties.is_empty() {
        return;
    }
    out.push_str("\n| property | what it can be | what it means |\n|---|---|---|\n");
    for property in node.properties {
        out.push_str(&format!(
            "| `{}` | {} | {} |\n",
            property.name,
            cell(&kind(property.value)),
            cell(&of_property(node, property))
        ));
    }
}

fn of_property(node: &Node, property: &Property) -> String {
    match property.value {
        Value::Machine => nodes::FROM.to_owned(),
        _ => meaning::of(&node.meaning_of(property)).unwrap_or_default(),
    }
}

/// What can stand for a value.
fn kind(value: Value) -> String {
    let all = match value {
        Value::Baseline => return "a baseline of the catalogue (`vmlock baselines`) or of an imported file".to_owned(),
        Value::Model => "a CPU model of an imported file, or one of",
        Value::Named("Field") => return "a field or register: `REGISTER.FIELD`, `REGISTER` (`vmlock explain REGISTER` lists its fields)".to_owned(),
        Value::Named("Warning") => return "a warning by its code (`vmlock explain CODE`)".to_owned(),
        Value::Named(_) | Value::Console => "one of",
        Value::Hidden => return "a feature by its name in Linux (`sha3`), or a field: `REGISTER.FIELD`".to_owned(),
        Value::Set => return "a field: `REGISTER.FIELD`".to_owned(),
        Value::Import => return "a file, from the folder of this one".to_owned(),
        Value::File => return "a file, device or socket of the host, from the folder of this one".to_owned(),
        Value::Truth => return "`#true` or `#false`".to_owned(),
        Value::Machine => return "another machine of the file".to_owned(),
        Value::Name => return "a name that you give".to_owned(),
        // What it means says which number or text.
        Value::Text | Value::Number(_) | Value::Event | Value::Size(_) => return String::new(),
    };
    let names = meaning::names(value);
    let listed: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|named| format!("`{}`", named.name))
        .collect();
    let more = match names.len() > LISTED {
        true => ", …",
        false => "",
    };
    format!("{all} {}{more}", listed.join(", "))
}

fn table(words: &[Word], out: &mut String) {
    out.push_str("\n| written | what it means | `source` |\n|---|---|---|\n");
    for word in words {
        let source = match word.sourced {
            true => "yes",
            false => "",
        };
        out.push_str(&format!(
            "| `{}` | {} | {source} |\n",
            cell(word.form),
            cell(word.meaning)
        ));
    }
}

/// Begins with a capital and ends with a dot.
fn sentence(words: &str) -> String {
    let words = words.trim();
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    let mut out: String = first.into_iter().flatten().chain(letters).collect();
    if !out.ends_with(['.', '`', ')']) {
        out.push('.');
    }
    out
}

/// What stands in a cell of a table has no line ends and no bars.
fn cell(words: &str) -> String {
    words
        .replace('|', "\\|")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::nodes::every;

    #[test]
    fn every_word_of_the_table_is_on_the_page_with_what_it_means() {
        let page = page();
        let mut seen = 0;
        for node in every(std::slice::from_ref(&VM)) {
            assert!(
                page.contains(&format!("{}`\n\n```kdl\n{}\n", node.word, node.example)),
                "{}",
                node.word
            );
            for property in node.properties {
                assert!(!of_property(node, property).is_empty(), "{}", property.name);
                assert!(
                    page.contains(&format!("| `{}` |", property.name)),
                    "{}",
                    property.name
                );
            }
            seen += 1 + node.properties.len();
        }
        assert!(seen > 50);
        for word in words::OF_BASELINE.iter().chain(&words::OF_CPU) {
            assert!(page.contains(word.form), "{}", word.word);
        }
    }
}
