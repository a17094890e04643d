//! Under which terms a program may be given on: its own, and those of all that is in it, in the words of each.

use super::bill::Part;
use super::crates::Crate;
use crate::cache;
use crate::failure::{Failure, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

/// How the names of files begin that say under which terms a crate is.
const BEGIN: [&str; 6] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

/// The text: `own` is what is ours, `others` what stands in the folders of the crates.
pub fn text(own: &str, crates: &[Crate], parts: &[Part]) -> Result<String> {
    let mut texts = Vec::new();
    for each in crates.iter().filter(|each| each.checksum.is_some()) {
        texts.push((each.id(), each.license.clone(), found(each)?));
    }
    for part in parts {
        let id = format!("{} {}", part.name, part.version);
        texts.push((id, part.license.to_owned(), part.texts.clone()));
    }
    Ok(put_together(own, &texts))
}

/// The texts in a crate's folder.
fn found(of: &Crate) -> Result<Vec<String>> {
    let list = |e| Failure::file("list", &of.folder, &e);
    let mut paths = Vec::new();
    for entry in fs::read_dir(&of.folder).map_err(list)? {
        let path = entry.map_err(list)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        if path.is_file() && BEGIN.iter().any(|begin| name.starts_with(begin)) {
            paths.push(path);
        }
    }
    paths.sort();
    let text = |path| Ok(String::from_utf8_lossy(&cache::read(path)?).into_owned());
    paths.iter().map(|path| text(path)).collect()
}

/// Each text once, with the names of those that it is of.
fn put_together(own: &str, others: &[(String, String, Vec<String>)]) -> String {
    let mut out = format!(
        "{}\n\nOf others are in it, under these terms:\n\n",
        own.trim_end()
    );
    let mut all: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (id, license, texts) in others {
        let without = if texts.is_empty() {
            ", without a text of its own"
        } else {
            ""
        };
        let _ = writeln!(out, "  {id}: {license}{without}");
        for text in texts {
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            let names = all
                .entry(lines.join("\n").trim_matches('\n').to_owned())
                .or_default();
            if !names.contains(&id.as_str()) {
                names.push(id);
            }
        }
    }
    let mut all: Vec<(String, Vec<&str>)> = all.into_iter().collect();
    all.sort_by(|one, other| one.1.cmp(&other.1).then(one.0.cmp(&other.0)));
    for (text, names) in all {
        let _ = write!(
            out,
            "\n{}\n{}:\n\n{text}\n",
            "-".repeat(72),
            names.join(", ")
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_stands_once_with_all_that_it_is_of() {
        let of = |id: &str, texts: &[&str]| {
            let texts = texts.iter().map(|&t| t.to_owned()).collect();
            (id.to_owned(), "MIT".to_owned(), texts)
        };
        let others = [
            of("a@1", &["Copyright A \r\nMIT\n"]),
            of("b@1", &["\nCopyright A\nMIT", "A notice"]),
            of("c@1", &[]),
        ];
        let line = "-".repeat(72);
        assert_eq!(
            put_together("Ours.\n", &others),
            format!(
                "Ours.\n\nOf others are in it, under these terms:\n\n  a@1: MIT\n  b@1: MIT\n  \
                 c@1: MIT, without a text of its own\n\n{line}\na@1, b@1:\n\nCopyright A\nMIT\n\n{line}\nb@1:\n\nA notice\n"
            )
        );
    }
}
