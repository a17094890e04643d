//! The picture at the top of the README, of text: what it shows of an example is what the example's files say.

use super::read;
use std::collections::BTreeMap;

/// The example that is shown.
const EXAMPLE: &str = "modern";

/// The picture's texts, in their order, by what they are (`class`).
fn texts(picture: &str) -> BTreeMap<&str, Vec<String>> {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for text in picture.split("<text class=\"").skip(1) {
        let (class, rest) = text.split_once('"').expect("a class");
        let (_, rest) = rest.split_once('>').expect("a text");
        let (words, _) = rest.split_once("</text>").expect("its end");
        let words = words.replace("&lt;", "<").replace("&amp;", "&");
        all.entry(class).or_default().push(words);
    }
    all
}

/// What a lock has for a name, without leading zeroes.
fn in_lock(lock: &str, name: &str) -> Option<String> {
    let named = |key: &str| format!("\"{key}\": \"{name}\"");
    let line = lock
        .lines()
        .find(|line| line.contains(&named("name")) || line.contains(&named("call")))?;
    let value = ["\"value\": \"0x", "\"answer\": \"0x"];
    let rest = value.iter().find_map(|key| line.split_once(key))?.1;
    let digits = rest.split('"').next()?.trim_start_matches('0');
    Some(format!("0x{digits}"))
}

#[test]
fn the_picture_shows_what_the_example_says() {
    let picture = read("docs/vmlock.svg");
    let texts = texts(&picture);
    assert!(read("README.md").contains("](docs/vmlock.svg)"));

    let spec = read(&format!("examples/{EXAMPLE}.vm.kdl"));
    assert!(texts["spec"].len() >= 4);
    for line in &texts["spec"] {
        assert!(
            spec.lines().any(|l| l == line),
            "the example has no `{line}`"
        );
    }
    let lock = read(&format!("examples/{EXAMPLE}.vm.lock.json"));
    assert!(texts["lock"].len() >= 4);
    for line in &texts["lock"] {
        let (name, value) = line.split_once(' ').expect("a name and a value");
        let found = in_lock(&lock, name);
        assert_eq!(found.as_deref(), Some(value.trim()), "{name} in the lock");
    }
    // Verdicts are those of the matrix, on the CPU that the example is for.
    let matrix = read("docs/matrix.md");
    let section = matrix
        .split("\n## ")
        .find(|s| s.starts_with(&format!("`{EXAMPLE}`")));
    let mut rows = section
        .expect("a section")
        .lines()
        .filter(|l| l.starts_with("| "));
    let head = rows.next().expect("a head").split(" | ");
    let column = head
        .map(|c| c.trim_matches(['|', ' ']))
        .position(|c| c == "neoverse-n1");
    let column = column.expect("the CPU's column");
    let rows: Vec<&str> = rows.collect();
    let verdicts = picture.split("<text class=\"host\"").skip(1);
    let hosts = texts["host"].iter().zip(verdicts);
    let mut seen = [0, 0];
    for (host, rest) in hosts {
        let series = host.strip_prefix("Linux ").expect("a kernel");
        let row = rows
            .iter()
            .find(|row| row.starts_with(&format!("| {series}.")));
        let cell = row
            .and_then(|row| row.split(" | ").nth(column))
            .expect("a verdict");
        let kept = rest.contains("class=\"kept\"");
        assert_ne!(kept, rest.contains("class=\"refused\""), "{host}");
        let wanted = if kept { "**yes**" } else { "no: " };
        assert!(cell.starts_with(wanted), "{host}: {cell}");
        seen[usize::from(kept)] += 1;
    }
    assert!(seen[0] >= 1 && seen[1] >= 2, "{seen:?}");
    for file in &texts["name"] {
        let known = ["vm.kdl", "vm.lock.json"].map(|end| format!("{EXAMPLE}.{end}"));
        assert!(known.contains(file), "{file}");
    }
    let commands = [
        "vmlock lock".to_owned(),
        format!("vmlock-run start {EXAMPLE}.vm.lock.json"),
    ];
    assert_eq!(texts["command"], commands);
    // Nothing but these, and words about them.
    let known = [
        "command", "host", "kept", "lock", "more", "name", "note", "refused", "spec",
    ];
    assert_eq!(texts.keys().copied().collect::<Vec<_>>(), known);
}

/// It says the same where it is read out.
#[test]
fn the_picture_can_be_read_in_light_and_dark_and_without_eyes() {
    let picture = read("docs/vmlock.svg");
    assert!(picture.contains("prefers-color-scheme: dark"));
    assert!(picture.contains("role=\"img\"") && picture.contains("<desc id=\"desc\">"));
    for word in [
        "<script",
        "href",
        "url(",
        "@import",
        "<image",
        "<foreignObject",
    ] {
        assert!(!picture.contains(word), "{word}");
    }
}
