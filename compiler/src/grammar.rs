//! The grammar by which editors colour descriptions and imported files, as TextMate and VS Code read it. A word of the
//! language is coloured where a node can stand; one that it has not is not, so a mistake is seen before it is explained.
//! Which word stands in which block the language server says.

use crate::language::nodes::{DEFAULTS, VM, every};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use vmlock_catalogue_reader::words;

/// What such a grammar calls these files.
const SCOPE: &str = "source.vmlock";
/// Words that open what a file is made of.
const WHOLE: [&str; 3] = ["vm", "defaults", "baseline"];
/// What ends a word of KDL.
const END: &str = r##"(?=[\s{}()\[\]/\\"#;=]|$)"##;
/// Where a node begins: a line, a block, behind a semicolon.
const BEGIN: &str = r"(?:^|(?<=[{;]))[ \t]*";

/// The grammar, in JSON.
pub fn text() -> String {
    format!("{:#}\n", grammar())
}

/// Every word that is a node, in a description or in an imported file.
fn all() -> BTreeSet<&'static str> {
    let own = every(std::slice::from_ref(&VM));
    let own = own.into_iter().map(|node| node.word);
    let imported = words::OF_BASELINE.iter().chain(&words::OF_CPU);
    let whole = [DEFAULTS.word].into_iter().chain(WHOLE);
    own.chain(imported.map(|word| word.word))
        .chain(whole)
        .collect()
}

fn grammar() -> Value {
    let others: Vec<&str> = all().into_iter().filter(|w| !WHOLE.contains(w)).collect();
    let nodes = |words: &[&str]| format!("{BEGIN}({}){END}", words.join("|"));
    let named = |name: &str| format!("{name}.vmlock");
    let capture = |name: &str| json!({ "1": { "name": named(name) } });
    let include = |name: &str| json!({ "include": format!("#{name}") });
    let string = |begin: &str, end: &str, patterns: Value| json!({ "name": named("string.quoted.double"), "begin": begin, "end": end, "patterns": patterns });
    let escapes = json!([
        { "name": named("constant.character.escape"), "match": r#"\\(?:[\\"bfnrst]|u\{[0-9a-fA-F]{1,6}\}|\s+|$)"# },
        { "name": named("invalid.illegal"), "match": r"\\." },
    ]);
    let top = ["comments", "strings", "continued", "nodes", "values"].map(include);
    let going_on = ["comments", "strings", "values"].map(include);
    json!({
        "name": "vmlock",
        "scopeName": SCOPE,
        "patterns": top,
        "repository": {
            "comments": { "patterns": [
                { "name": named("comment.line.double-slash"), "match": "//.*$" },
                include("block-comment"),
                // What is taken out: the word behind the mark, or the mark alone before a block or a value.
                { "name": named("comment.block.slashdash"), "match": r##"/-[ \t]*(?:[^\s{}()\[\]/\\"#;=]+)?"## },
            ] },
            // They can stand in each other.
            "block-comment": {
                "name": named("comment.block"), "begin": r"/\*", "end": r"\*/", "patterns": [include("block-comment")],
            },
            // In this order: what begins like a shorter one comes first.
            "strings": { "patterns": [
                string(r##"(#+)""""##, r#""""\1"#, json!([])),
                string(r##"(#+)""##, r#""\1"#, json!([])),
                string(r#"""""#, r#"""""#, escapes.clone()),
                string("\"", r#""|$"#, escapes),
            ] },
            // A line that goes on has no node of its own on the next one.
            "continued": {
                "begin": r"\\[ \t]*\n", "end": r"(?<![\\\n])$|(?=[{};])",
                "patterns": going_on,
            },
            "nodes": { "patterns": [
                { "match": nodes(&WHOLE), "captures": capture("storage.type") },
                { "match": nodes(&others), "captures": capture("keyword.other") },
            ] },
            "values": { "patterns": [
                { "name": named("constant.language"), "match": format!("#(?:true|false|null|-?inf|nan){END}") },
                { "name": named("entity.other.attribute-name"), "match": r##"[^\s{}()\[\]/\\"#;=0-9+-][^\s{}()\[\]/\\"#;=]*(?=\s*=)"## },
                { "name": named("constant.numeric"), "match": format!(
                    r##"(?<![^\s{{}};=])[+-]?(?:0x[0-9a-fA-F][0-9a-fA-F_]*|0o[0-7][0-7_]*|0b[01][01_]*|[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9][0-9_]*)?){END}"##
                ) },
                { "name": named("punctuation.section.block"), "match": "[{}]" },
            ] },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs};

    #[test]
    fn the_extension_has_the_grammar_of_this_language() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/editors/vscode/syntaxes/vmlock.tmLanguage.json"
        );
        if env::var_os("VMLOCK_UPDATE").is_some_and(|v| v == "1") {
            fs::write(path, text()).unwrap();
        }
        let kept = fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            kept,
            text(),
            "the grammar is stale: VMLOCK_UPDATE=1 cargo test -p vmlock grammar"
        );
    }

    #[test]
    fn every_word_of_the_tables_is_in_it() {
        let text = text();
        let mut seen = 0;
        for word in all() {
            // It stands in a pattern between the others, and is none itself.
            let found = ["(", "|"].iter().any(|before| {
                [")", "|"]
                    .iter()
                    .any(|after| text.contains(&format!("{before}{word}{after}")))
            });
            assert!(found, "{word}");
            assert!(
                word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                "{word}"
            );
            seen += 1;
        }
        assert!(seen > 45, "only {seen} words");
    }
}
