//! `docs/saved.md` is made of the code: tables of what stands where, and every field of every section with its form, what it says
//! and what it is held to. `VMLOCK_UPDATE=1 cargo test -p vmlock-saved --test page` writes it.

use std::fmt::Write as _;
use std::{env, fs};
use vmlock_saved::device::{VERSION, form};
use vmlock_saved::file::section::{KINDS, Kind};
use vmlock_saved::file::{Codec, ENTRY, ENTRY_BYTES, Field, HEADER, HEADER_BYTES};
use vmlock_saved::shape::{Form, Shape, names};
use vmlock_spec::lock::DeviceKind;

const PAGE: &str = include_str!("../../../docs/saved.md");

/// What stands where.
fn places(fields: &[Field], whole: usize) -> String {
    let mut out = "| at | bytes | what |\n|---|---|---|\n".to_owned();
    let mut end = 0;
    for Field { at, bytes, about } in fields {
        assert_eq!(*at, end, "{about}");
        end += bytes;
        let _ = writeln!(out, "| {at} | {bytes} | {about} |");
    }
    assert_eq!(end, whole);
    out
}

fn sections() -> String {
    let size = |bytes: u64| match bytes {
        bytes if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
        bytes => format!("{} KiB", bytes >> 10),
    };
    let row = |kind: &Kind| {
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
        format!("| `{name}`{each} | {newest} | {known} | {codec} | {most} | {about} |\n")
    };
    let head = "| name | version | must be known | read as | at most | what it says |\n|---|---|---|---|---|---|\n";
    KINDS
        .iter()
        .fold(head.to_owned(), |out, kind| out + &row(kind))
}

/// In words; what is within stands in lines of its own.
fn words(form: &Form) -> String {
    match form {
        Form::One(words) => (*words).to_owned(),
        Form::Some(Form::Fields(_)) => "a list of what follows".to_owned(),
        Form::Some(inner) => format!("a list: {}", words(inner)),
        Form::Times(count, inner) => format!("{count} times: {}", words(inner)),
        Form::Fields(_) => "what follows".to_owned(),
        Form::Words(_) => "one of the words that follow".to_owned(),
    }
}

/// A line for each field, and for those within.
fn lines(out: &mut String, before: &str, shape: &Shape, are_words: bool) {
    let names = (shape.names)();
    assert_eq!(names.len(), shape.fields.len(), "{names:?}");
    for (name, field) in names.iter().zip(shape.fields) {
        let (about, held) = field.words();
        // Links of the code's documentation lead nowhere here.
        let about = about.replace("[`", "`").replace("`]", "`");
        assert!(!about.is_empty(), "{before}{name}");
        let form = field.form.as_ref();
        let (path, stands) = match (are_words, form) {
            (false, _) => (format!("{before}{name}"), form.map(words)),
            (true, None) => (format!("{before}\"{name}\""), None),
            (true, Some(form)) => (format!("{before}{{\"{name}\": …}}"), Some(words(form))),
        };
        let stands = stands.unwrap_or_default();
        let _ = writeln!(out, "| `{path}` | {stands} | {about} | {held} |");
        match form {
            Some(Form::Fields(inner)) => lines(out, &format!("{path}."), inner, false),
            Some(Form::Some(Form::Fields(inner))) => {
                lines(out, &format!("{path}[]."), inner, false);
            }
            Some(Form::Words(inner)) => lines(out, &format!("{path} = "), inner, true),
            _ => {}
        }
    }
}

fn table(title: &str, form: &Form) -> String {
    let mut out = format!(
        "### {title}\n\n| field | stands as | what it says | held to, beside that |\n|---|---|---|---|\n"
    );
    let Form::Fields(shape) = form else {
        panic!("{title} has no fields");
    };
    lines(&mut out, "", shape, false);
    out
}

/// Every section that is JSON, and every kind of device that there is.
fn fields() -> String {
    let mut tables = Vec::new();
    for kind in &KINDS {
        let title = |version: u16| format!("`{}`, version {version}", kind.name);
        match (&kind.form, kind.codec) {
            (Some(form), Codec::Json) => tables.push(table(&title(kind.newest), form)),
            (None, Codec::Json) => assert_eq!(kind.name, "device"),
            (form, Codec::Raw) => assert!(form.is_none(), "{}", kind.name),
        }
        if kind.name != "device" {
            continue;
        }
        for name in names::<DeviceKind>() {
            let value = serde_json::Value::from(*name);
            let device: DeviceKind = serde_json::from_value(value).expect("it is one");
            assert_eq!(form(device).is_some(), device.has_state(), "{name}");
            if let Some(form) = form(device) {
                tables.push(table(
                    &format!("`device` of kind `{name}`, version {VERSION}"),
                    &form,
                ));
            }
        }
    }
    tables.join("\n")
}

/// The page with what is made put in: under each heading from the first line that a table or a heading of its own begins with, to
/// the last such line.
fn made(page: &str) -> String {
    let mut page = page.to_owned();
    for (heading, text) in [
        ("The header", places(HEADER, HEADER_BYTES)),
        ("An entry of the table", places(ENTRY, ENTRY_BYTES)),
        ("The sections", sections()),
        ("The fields", fields()),
    ] {
        let head = format!("\n## {heading}\n");
        let from = page.find(&head).unwrap_or_else(|| panic!("no {heading}")) + head.len();
        let end = page[from..]
            .find("\n## ")
            .map_or(page.len(), |at| from + at + 1);
        let section = &page[from..end];
        let is_made = |line: &&str| line.starts_with('|') || line.starts_with("### ");
        let mut at = 0;
        let (mut first, mut last) = (section.len(), section.len());
        for line in section.split_inclusive('\n') {
            if is_made(&line) {
                first = first.min(at);
                last = at + line.len();
            }
            at += line.len();
        }
        page.replace_range(from + first..from + last, &text);
    }
    page
}

#[test]
fn the_page_is_what_the_code_says() {
    let made = made(PAGE);
    if env::var_os("VMLOCK_UPDATE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/saved.md");
        return fs::write(path, made).expect("the checkout can be written");
    }
    let differ = made
        .lines()
        .zip(PAGE.lines())
        .find(|(made, page)| made != page);
    assert!(
        made == PAGE,
        "docs/saved.md is another ({differ:?}): VMLOCK_UPDATE=1 cargo test -p vmlock-saved --test page"
    );
}
