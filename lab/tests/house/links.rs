//! Links between the documents lead somewhere: to a file that is there, and in a page to a heading that it has. Every page
//! stands in the book, and what it links to is there, too.

use super::{read, root};
use std::collections::BTreeSet;
use std::fs;

/// The pages: those at the top, and all of `docs/`.
pub fn pages() -> Vec<String> {
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

/// Where the links of such a text lead within the checkout.
fn links(prose: &str) -> impl Iterator<Item = &str> {
    let behind = prose.split("](").skip(1);
    let links = behind.filter_map(|rest| rest.split(')').next());
    links.filter(|link| !link.starts_with("https://"))
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
        for link in links(&text) {
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

/// The book's pages have the places that they have in the checkout, and beside them are the files that they link to
/// (`lab/src/book.rs`). So a page that is left out is nowhere, and a folder is no page.
#[test]
fn every_page_stands_in_the_book_once() {
    const SUMMARY: &str = "docs/SUMMARY.md";
    let path = |folder: &str, link: &str| {
        let path = link.split('#').next().unwrap_or_default();
        match path.strip_prefix("../") {
            Some(path) => path.to_owned(),
            None if path.is_empty() => String::new(),
            None => format!("{folder}{path}"),
        }
    };
    let summary = read(SUMMARY);
    let mut listed: Vec<String> = links(&summary).map(|link| path("docs/", link)).collect();
    listed.sort();
    let mut wanted = pages();
    wanted.retain(|page| page != SUMMARY);
    assert_eq!(listed, wanted, "{SUMMARY} lists other pages than there are");
    for name in &listed {
        let folder = name.rfind('/').map_or("", |at| &name[..=at]);
        let text = prose(&read(name));
        for link in links(&text).map(|link| path(folder, link)) {
            let there = match link.ends_with(".md") {
                true => listed.contains(&link),
                false => link.is_empty() || root().join(&link).is_file(),
            };
            assert!(there, "{name}: {link} is not in the book");
        }
    }
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
