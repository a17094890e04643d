//! Links between the documents lead somewhere: to a file that is there, and in a page to a heading that it has.

use super::{read, root};
use std::collections::BTreeSet;
use std::fs;

/// The pages: those at the top, and all of `docs/`.
fn pages() -> Vec<String> {
    let top = ["", "docs/"].into_iter().flat_map(|folder| {
        let entries = fs::read_dir(root().join(folder)).expect("the folder is there");
        entries.flatten().map(move |entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            format!("{folder}{name}")
        })
    });
    let mut pages: Vec<String> = top.filter(|name| name.ends_with(".md")).collect();
    pages.sort();
    pages
}

/// A page without what stands in fences, where nothing is a link and nothing a heading.
fn prose(page: &str) -> String {
    let parts = page.split("```");
    let outside = parts.step_by(2);
    outside.collect::<Vec<_>>().join("\n")
}

/// What a heading is called by links: lower case, blanks as dashes, without punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(page: &str) -> BTreeSet<String> {
    let lines = page.lines().filter(|line| line.starts_with('#'));
    lines
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let (mut held, mut wrong) = (0, Vec::new());
    for name in pages() {
        let text = prose(&read(&name));
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in text.split("](").skip(1).filter_map(|l| l.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            held += 1;
            let (path, heading) = match link.split_once('#') {
                Some((path, heading)) => (path, Some(heading)),
                None => (link, None),
            };
            let path = match path {
                "" => root().join(&name),
                path => root().join(folder).join(path),
            };
            let found = match heading {
                None => path.exists(),
                Some(heading) => fs::read_to_string(&path)
                    .is_ok_and(|page| anchors(&prose(&page)).contains(heading)),
            };
            if !found {
                wrong.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "these lead nowhere: {wrong:#?}");
    assert!(held > 40, "only {held} links");
}

#[test]
fn headings_are_called_as_pages_call_them() {
    assert_eq!(anchor(" Read a refusal"), "read-a-refusal");
    assert_eq!(
        anchor(" `cpu` of an imported file"),
        "cpu-of-an-imported-file"
    );
    assert!(!anchors("text\n# A b\n").contains("a_b"));
}
