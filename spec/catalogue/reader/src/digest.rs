//! The digests by which a lock names the entries of the catalogue.
//!
//! A digest is over what an entry means, so that a source that is worded better
//! changes no lock. Each version of the lock has a canonical text of its own,
//! and none follows from how this program names its types: version 1's is what
//! the first vmlock happened to print of them, and is written out here for ever.
//! `spec/tests/digests.txt` holds every digest of the built-in catalogue and may
//! only grow.

use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write as _;
use vmlock_catalogue_types::*;

/// What a baseline says, apart from what it is called and where that was read.
pub struct Meaning<'a> {
    /// Its name.
    pub name: &'a str,
    /// The whole baseline that it is a difference from.
    pub after: Option<&'a str>,
    /// The part that it speaks of.
    pub part: Option<&'a str>,
    /// Its statements, in order.
    pub statements: &'a [Statement],
}

/// The digests of a baseline, for each version of the lock.
pub fn of_baseline(baseline: &Meaning) -> List<Text> {
    let of = |version| {
        let known = baseline.statements.iter().filter(|s| s.since <= version);
        let known: Vec<&Statement> = known.collect();
        match version {
            1 => baseline_1(baseline, &known),
            _ => baseline_2(baseline, &known),
        }
    };
    (1..=LOCK_VERSION)
        .map(|version| digest(&of(version)))
        .collect()
}

/// The digests of a CPU model, for each version of the lock.
pub fn of_cpu(
    name: &str,
    registers: &[SiliconValue],
    facts: &[SiliconValue],
    unaffected: &[Text],
) -> List<Text> {
    let of = |version| match version {
        1 => cpu_1(name, registers, facts, unaffected),
        _ => cpu_2(name, registers, facts, unaffected),
    };
    (1..=LOCK_VERSION)
        .map(|version| digest(&of(version)))
        .collect()
}

fn digest(canonical: &str) -> Text {
    let mut text = String::from("sha256-");
    for byte in Sha256::digest(canonical.as_bytes()) {
        let _ = write!(text, "{byte:02x}");
    }
    Cow::Owned(text)
}

/// Text between quotation marks, as version 1 has it: what the standard library's escaping makes of it.
fn escaped(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '\'' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    out.push('"');
    out
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn option(value: Option<String>) -> String {
    value.map_or_else(|| "None".to_owned(), |v| format!("Some({v})"))
}

fn subject_1(subject: &Subject) -> String {
    match subject {
        Subject::Field(path, act) => {
            let act = match act {
                Act::Show => "Show".to_owned(),
                Act::Hide => "Hide".to_owned(),
                Act::Cap(limit) => format!("Cap({limit})"),
                Act::Force(value) => format!("Force({value})"),
            };
            format!("Field({}, {act})", escaped(path))
        }
        Subject::Cache(CachePolicy::Silicon) => "Cache(Silicon)".to_owned(),
        Subject::Cache(CachePolicy::Fabricated) => "Cache(Fabricated)".to_owned(),
        Subject::Cache(CachePolicy::Model) => "Cache(Model)".to_owned(),
        Subject::Events { register, and, or } => {
            let register = escaped(register);
            format!("Events {{ register: {register}, and: {and}, or: {or} }}")
        }
        Subject::Psci(version) => format!("Psci({version})"),
        Subject::IidrRevision(revision) => format!("IidrRevision({revision})"),
        Subject::Smc(conduit) => format!("Smc({conduit})"),
        Subject::Bitmap(register, bits) => {
            let bits = option(bits.map(|b| b.to_string()));
            format!("Bitmap({}, {bits})", escaped(register))
        }
    }
}

fn baseline_1(baseline: &Meaning, statements: &[&Statement]) -> String {
    let quoted = |name: Option<&str>| option(name.map(escaped));
    let statements = list(statements.iter().map(|s| {
        let when = list(s.when.iter().map(|w| escaped(w)));
        format!("({}, {when})", subject_1(&s.subject))
    }));
    format!(
        "baseline {} after {} part {} {statements}",
        baseline.name,
        quoted(baseline.after),
        quoted(baseline.part)
    )
}

fn cpu_1(
    name: &str,
    registers: &[SiliconValue],
    facts: &[SiliconValue],
    unaffected: &[Text],
) -> String {
    let values = |values: &[SiliconValue]| {
        let pairs = values.iter();
        list(pairs.map(|v| format!("({}, {})", escaped(&v.register), v.value)))
    };
    let (registers, facts) = (values(registers), values(facts));
    let unaffected = list(unaffected.iter().map(|u| escaped(u)));
    format!("cpu {name} {registers} {facts} {unaffected}")
}

/// Text between quotation marks, as version 2 has it: `\` and `"` behind a `\`, control characters as `\u{hex}`.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn subject_2(subject: &Subject) -> String {
    match subject {
        Subject::Field(path, act) => {
            let path = quoted(path);
            match act {
                Act::Show => format!("show {path}"),
                Act::Hide => format!("hide {path}"),
                Act::Cap(limit) => format!("cap {path} {limit:#x}"),
                Act::Force(value) => format!("force {path} {value:#x}"),
            }
        }
        Subject::Cache(CachePolicy::Silicon) => "cache silicon".to_owned(),
        Subject::Cache(CachePolicy::Fabricated) => "cache fabricated".to_owned(),
        Subject::Cache(CachePolicy::Model) => "cache model".to_owned(),
        Subject::Events { register, and, or } => {
            format!("pmceid {} and {and:#x} or {or:#x}", quoted(register))
        }
        Subject::Psci(version) => format!("psci {version:#x}"),
        Subject::IidrRevision(revision) => format!("gic-iidr-revision {revision}"),
        Subject::Smc(true) => "smc full".to_owned(),
        Subject::Smc(false) => "smc none".to_owned(),
        Subject::Bitmap(register, Some(bits)) => format!("bitmap {} {bits:#x}", quoted(register)),
        Subject::Bitmap(register, None) => format!("bitmap {} absent", quoted(register)),
    }
}

/// A line for the entry, and one for each statement.
fn baseline_2(baseline: &Meaning, statements: &[&Statement]) -> String {
    let mut text = format!("baseline {}", quoted(baseline.name));
    for (word, name) in [("after", baseline.after), ("part", baseline.part)] {
        if let Some(name) = name {
            let _ = write!(text, " {word} {}", quoted(name));
        }
    }
    text.push('\n');
    for statement in statements {
        text.push_str(&subject_2(&statement.subject));
        for condition in statement.when.iter() {
            let _ = write!(text, " when {}", quoted(condition));
        }
        text.push('\n');
    }
    text
}

/// A line for the entry, and one for each value.
fn cpu_2(
    name: &str,
    registers: &[SiliconValue],
    facts: &[SiliconValue],
    unaffected: &[Text],
) -> String {
    let mut text = format!("cpu {}\n", quoted(name));
    for (word, values) in [("register", registers), ("fact", facts)] {
        for value in values {
            let _ = writeln!(
                text,
                "{word} {} {:#x}",
                quoted(&value.register),
                value.value
            );
        }
    }
    for name in unaffected {
        let _ = writeln!(text, "unaffected {}", quoted(name));
    }
    text
}
