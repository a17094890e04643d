//! The reference, in Markdown: a page of the language (`reference/language.rs`, out of the table of its words and the
//! schema) and a page of each baseline, CPU model and code, as `vmlock explain` has it. `docs/language.md` is the first.

mod language;

use crate::codes;
use crate::command::explain;
use std::borrow::Cow;
use vmlock_spec::catalogue::{BASELINES, Baseline, CPUS, Catalogue};

/// Pages of one sort: its heading, the folder that they are in, and of each its name and a line about it.
type Section = (
    &'static str,
    &'static str,
    Vec<(Cow<'static, str>, Cow<'static, str>)>,
);

/// The page of the language alone.
pub fn language() -> String {
    language::page()
}

/// Every page: where it is in the folder of the reference, and its text. `README.md` names them all.
pub fn pages() -> Vec<(String, String)> {
    let sections = sections();
    let mut pages = vec![
        ("README.md".to_owned(), contents(&sections)),
        ("language.md".to_owned(), language()),
    ];
    let catalogue = Catalogue::builtin();
    for (_, folder, names) in &sections {
        for (name, title) in names {
            let words = explain::words(name, None, &catalogue).unwrap_or_default();
            // The first line says what stands in the heading.
            let (_, words) = words.split_once('\n').unwrap_or_default();
            let text = format!(
                "# `{name}`: {title}\n\n```text\n{}\n```\n\n`vmlock explain {name}` says the same.\n",
                words.trim()
            );
            pages.push((format!("{folder}/{}.md", file(name)), text));
        }
    }
    pages
}

/// What there are pages of.
fn sections() -> Vec<Section> {
    let is_part = |b: &&Baseline| b.part.is_some();
    let of = |b: &'static Baseline| (b.name.clone(), b.title.clone());
    let whole = BASELINES.iter().filter(|b| !is_part(b)).map(of);
    let parts = BASELINES.iter().filter(is_part).map(of);
    let cpus = CPUS.iter().map(|c| (c.name.clone(), c.title.clone()));
    let codes = codes::all().map(|c| (c.code.into(), c.title.into()));
    vec![
        ("Whole baselines", "baselines", whole.collect()),
        ("Parts", "baselines", parts.collect()),
        ("CPU models", "cpus", cpus.collect()),
        ("Codes of findings and refusals", "codes", codes.collect()),
    ]
}

/// A name as a file has it on every system.
fn file(name: &str) -> String {
    name.replace("::", "-")
}

fn contents(sections: &[Section]) -> String {
    let mut out = "# Reference\n\n* [The language](language.md): every word of a description and of an imported file\n".to_owned();
    for (heading, folder, names) in sections {
        out.push_str(&format!("\n## {heading}\n\n"));
        for (name, title) in names {
            out.push_str(&format!(
                "* [`{name}`]({folder}/{}.md): {title}\n",
                file(name)
            ));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::{env, fs};

    #[test]
    fn each_name_has_one_page_that_says_something() {
        let pages = pages();
        let paths: BTreeSet<&str> = pages.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths.len(), pages.len(), "two pages of one name");
        assert_eq!(
            pages.len(),
            2 + BASELINES.len() + CPUS.len() + codes::all().count()
        );
        for (path, text) in &pages {
            let empty = text.contains("```text\n\n```") || text.len() < 120;
            assert!(!empty, "{path}: {text}");
            // A fence inside would end the one around it.
            assert_eq!(text.matches("```").count() % 2, 0, "{path}");
        }
        // All that the first page links to is there, and nothing else is.
        let links: BTreeSet<&str> = pages[0]
            .1
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .collect();
        let all = paths.iter().copied().filter(|path| *path != "README.md");
        assert_eq!(links, all.collect());
    }

    #[test]
    fn the_page_in_the_documents_is_that_of_this_language() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/language.md");
        if env::var_os("VMLOCK_UPDATE").is_some_and(|v| v == "1") {
            fs::write(path, language()).unwrap();
        }
        let kept = fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            kept,
            language(),
            "docs/language.md is stale: VMLOCK_UPDATE=1 cargo test -p vmlock"
        );
    }
}
