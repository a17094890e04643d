//! `docs/saved.md` against the code: tables of what stands where, and the name of every field.

use std::collections::BTreeSet;
use std::io;
use vmlock_saved::file::section::KINDS;
use vmlock_saved::file::{Codec, ENTRY, ENTRY_BYTES, Field, HEADER, HEADER_BYTES};
use vmlock_saved::{ReadAt, open};

const PAGE: &str = include_str!("../../../docs/saved.md");
const FROZEN: &[u8] = include_bytes!("frozen/v1.sections");

/// A table's rows under that heading.
fn rows(heading: &str) -> Vec<&'static str> {
    let page = PAGE.split_once(&format!("\n## {heading}\n"));
    let (_, page) = page.unwrap_or_else(|| panic!("no {heading}"));
    let page = page.split("\n## ").next().unwrap_or(page);
    let rows = page.lines().filter(|line| line.starts_with("| "));
    rows.skip(1).collect()
}

fn number(cell: &str) -> usize {
    cell.trim().parse().unwrap_or_else(|_| panic!("`{cell}`"))
}

#[test]
fn what_stands_where_is_what_the_page_says() {
    for (heading, fields, whole) in [
        ("The header", HEADER, HEADER_BYTES),
        ("An entry of the table", ENTRY, ENTRY_BYTES),
    ] {
        let rows = rows(heading);
        assert_eq!(rows.len(), fields.len(), "{heading}");
        let mut end = 0;
        for (row, Field { at, bytes }) in rows.iter().zip(fields) {
            let cells: Vec<&str> = row.split('|').collect();
            let said = (number(cells[1]), number(cells[2]));
            assert_eq!(said, (*at, *bytes), "{heading}: {row}");
            assert_eq!(*at, end, "{heading}: {row}");
            end += bytes;
        }
        assert_eq!(end, whole, "{heading}");
    }
}

#[test]
fn the_sections_are_those_of_the_page() {
    let size = |bytes: u64| match bytes {
        bytes if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
        bytes => format!("{} KiB", bytes >> 10),
    };
    let row = |kind: &vmlock_saved::file::section::Kind| {
        let each = if kind.many { ", each" } else { "" };
        let newest = match kind.newest {
            u16::MAX => "its kind's".to_owned(),
            newest => newest.to_string(),
        };
        let known = if kind.critical { "yes" } else { "no" };
        let codec = match kind.codec {
            Codec::Json => "JSON",
            Codec::Raw => "bytes",
        };
        let (name, most, about) = (kind.name, size(kind.bytes_max), kind.about);
        format!("| `{name}`{each} | {newest} | {known} | {codec} | {most} | {about} |")
    };
    let expected: Vec<String> = KINDS.iter().map(row).collect();
    assert_eq!(rows("The sections"), expected, "\n{}", expected.join("\n"));
}

/// The file of version 1, whose memory is a hole.
struct Frozen {
    table: u64,
}

impl ReadAt for Frozen {
    fn length(&self) -> io::Result<u64> {
        Ok(self.table + (FROZEN.len() - HEADER_BYTES) as u64)
    }
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let offset = match offset {
            0 => 0,
            behind => behind - self.table + HEADER_BYTES as u64,
        };
        FROZEN.read_at(bytes, offset)
    }
}

#[test]
fn each_field_is_on_the_page() {
    let table = FROZEN[32..40].try_into().expect("eight bytes");
    let table = u64::from_le_bytes(table);
    let saved = open(&Frozen { table }).expect("it is read for ever");
    let state = &saved.state;
    let mut names = BTreeSet::new();
    for value in [
        serde_json::to_value(&state.machine),
        serde_json::to_value(&state.vcpus),
        serde_json::to_value(&state.gic),
        serde_json::to_value(&state.lines),
        serde_json::to_value(&saved.disks),
        serde_json::to_value(&saved.host),
    ] {
        collect(&value.expect("it has JSON"), &mut names);
    }
    assert!(names.len() > 25, "{names:?}");
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !PAGE.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "docs/saved.md has no {missing:?}");
}

/// Names of fields; registers have those of the architecture.
fn collect(value: &serde_json::Value, names: &mut BTreeSet<String>) {
    if let Some(list) = value.as_array() {
        list.iter().for_each(|value| collect(value, names));
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        names.insert(name.clone());
        if !["registers", "interface"].contains(&name.as_str()) {
            collect(inner, names);
        }
    }
}
