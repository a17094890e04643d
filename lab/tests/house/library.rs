//! What `docs/library.md` shows of the example is what stands there.

use crate::{read, root, sources};
use std::fs;

/// The lines of a text without what all of them are indented by.
fn flush(lines: &[&str]) -> Vec<String> {
    let indented = |line: &&&str| !line.trim().is_empty();
    let depth = |line: &&str| line.len() - line.trim_start().len();
    let least = lines.iter().filter(indented).map(depth).min().unwrap_or(0);
    let line = |line: &&str| line.get(least..).unwrap_or_default().to_owned();
    lines.iter().map(line).collect()
}

/// Whether some lines of a text are these, indented or not.
fn has(text: &str, wanted: &[&str]) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let wanted = flush(wanted);
    let mut places = lines.windows(wanted.len());
    places.any(|place| flush(place) == wanted)
}

#[test]
fn the_page_of_the_library_shows_the_example_as_it_is() {
    let mut paths = Vec::new();
    sources(&root().join("runner/examples/monitor"), &mut paths);
    let texts = paths.iter().map(fs::read_to_string);
    let texts: Vec<String> = texts.map(|text| text.expect("a source")).collect();
    let page = read("docs/library.md");
    let blocks = page.split("```rust\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let blocks: Vec<&str> = blocks.collect();
    assert!(blocks.len() >= 3 && texts.len() == 2, "{blocks:?}");
    for block in blocks {
        let lines: Vec<&str> = block.lines().collect();
        assert!(lines.len() >= 3, "{block}");
        assert!(
            texts.iter().any(|text| has(text, &lines)),
            "the example has not:\n{block}"
        );
    }
    assert!(!has(&texts[0], &["never", "there"]));
}

/// Lines that are neither empty nor a comment.
fn code(text: &str) -> usize {
    let lines = text.lines().map(str::trim_start);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.count()
}

#[test]
fn the_example_has_as_many_lines_as_its_page_says() {
    let example = |name: &str| read(&format!("runner/examples/monitor/{name}"));
    let main = example("main.rs");
    // Two attributes, that import, and what stands in its place.
    let (_, elsewhere) = main.split_once("use machine::keep;").expect("its use");
    let elsewhere = code(elsewhere) + 3;
    let (main, machine) = (code(&main), code(&example("machine.rs")));
    let page = read("docs/library.md");
    for words in [
        format!("`main.rs` plans: {main} lines, of which {elsewhere} are for machines that"),
        format!("reads everything back: {machine} lines."),
    ] {
        assert!(page.contains(&words), "the page has not: {words}");
    }
    assert_eq!(main + machine - elsewhere, 100);
    assert_eq!(code("// a\n\n  /// b\nc // d\n"), 1);
}
