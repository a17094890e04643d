//! Values of the catalogue as Rust says them in a constant: a fact, a line.

use std::fmt::Display;
use vmlock_catalogue_reader::Contents;
use vmlock_catalogue_types::vmm::{Lengths, Manner, Vmm};
use vmlock_catalogue_types::*;

/// What of a file becomes a constant of its own: its place in the table, its name, and its value. Registers are sorted
/// by id, and everything else stands as the files have it.
pub fn entries(contents: &Contents) -> Vec<(u64, String, String)> {
    let mut out = Vec::new();
    let mut add = |order, name: &Text, value| out.push((order, name.to_string(), value));
    for r in &contents.registers {
        add(r.id, &r.name, register(r));
    }
    for b in &contents.baselines {
        add(0, &b.name, baseline(b));
    }
    for c in &contents.cpus {
        add(0, &c.name, cpu(c));
    }
    for v in &contents.vmms {
        add(0, &v.name, vmm(v));
    }
    out
}

/// The tables of features, and of values that hang together, in the files' order.
pub fn features(all: &[&Contents]) -> String {
    let hwcaps = all.iter().flat_map(|c| &c.hwcaps).map(hwcap);
    let needs = all.iter().flat_map(|c| &c.needs).map(need);
    format!(
        "\n/// Every feature that has a name, in the file's order.\npub static HWCAPS: &[Hwcap] = &{};\n\
         \n/// All values that hang together, in the file's order.\npub static NEEDS: &[Need] = &{};\n",
        lines(0, hwcaps),
        lines(0, needs),
    )
}

/// Brackets around a list, each entry on a line of its own.
fn lines(depth: usize, entries: impl Iterator<Item = impl Display>) -> String {
    let margin = "    ".repeat(depth + 1);
    let body: String = entries.map(|e| format!("{margin}{e},\n")).collect();
    match body.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n{body}{}]", "    ".repeat(depth)),
    }
}

/// Such a list as the field of a constant.
fn list(entries: impl Iterator<Item = impl Display>) -> String {
    format!("Borrowed(&{})", lines(1, entries))
}

/// A list on one line.
fn row(entries: impl Iterator<Item = impl Display>) -> String {
    let entries: Vec<String> = entries.map(|e| e.to_string()).collect();
    format!("Borrowed(&[{}])", entries.join(", "))
}

fn text(text: &Text) -> String {
    format!("Borrowed({text:?})")
}

fn texts(list: &[Text]) -> String {
    row(list.iter().map(text))
}

fn option(value: &Option<Text>) -> String {
    value
        .as_ref()
        .map_or_else(|| "None".to_owned(), |t| format!("Some({})", text(t)))
}

/// A number that may not be there.
fn hex(value: Option<u64>) -> String {
    value.map_or_else(|| "None".to_owned(), |v| format!("Some({v:#x})"))
}

fn register(r: &RegisterInfo) -> String {
    let fields = r.fields.iter().map(|f| {
        format!(
            "Field {{ name: {}, high: {}, low: {}, rule: Rule::{:?}, signed: {} }}",
            text(&f.name),
            f.high,
            f.low,
            f.rule,
            f.signed
        )
    });
    let aliases = r.aliases.iter();
    let aliases = aliases.map(|(name, until)| format!("({}, {until})", text(name)));
    format!(
        "RegisterInfo {{
    id: {:#x},
    name: {},
    kind: Kind::{:?},
    encoding: {},
    title: {},
    source: {},
    gate: {}, feature: {}, neutral: {}, guest_only: {},
    reset: {:#x}, told: {:#x}, untold: {}, clears: {},
    unsaid: {},
    unsaved: {},
    since: {}, aliases: {},
    fields: {},
}}",
        r.id,
        text(&r.name),
        r.kind,
        hex(r.encoding.map(u64::from)),
        text(&r.title),
        text(&r.source),
        option(&r.gate),
        option(&r.feature),
        hex(r.neutral),
        r.guest_only,
        r.reset,
        r.told,
        hex(r.untold),
        option(&r.clears),
        option(&r.unsaid),
        option(&r.unsaved),
        r.since,
        row(aliases),
        list(fields),
    )
}

fn baseline(b: &Baseline) -> String {
    let statements = b.statements.iter().map(|s| {
        format!(
            "Statement {{ subject: {}, when: {}, source: {}, unsure_after: {}, since: {} }}",
            subject(&s.subject),
            texts(&s.when),
            text(&s.source),
            option(&s.unsure_after),
            s.since
        )
    });
    let stable = b.stable.iter();
    let stable = stable.map(|(version, words)| format!("({}, {})", text(version), text(words)));
    let kernel = b.kernel.as_ref().map_or("None".to_owned(), |k| {
        format!(
            "Some(Kernel {{ package: {}, version: {}, recorded: {} }})",
            text(&k.package),
            text(&k.version),
            option(&k.recorded)
        )
    });
    format!(
        "Baseline {{
    name: {},
    title: {},
    after: {},
    part: {},
    statements: {},
    stable: {},
    kernel: {kernel},
    measured_on: {},
    measured_as: {},
    unknown: {},
    digests: {},
}}",
        text(&b.name),
        text(&b.title),
        option(&b.after),
        option(&b.part),
        list(statements),
        list(stable),
        texts(&b.measured_on),
        option(&b.measured_as),
        unknown(&b.unknown),
        list(b.digests.iter().map(text)),
    )
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Field(target, act) => {
            let act = match act {
                Act::Show => "Show".to_owned(),
                Act::Hide => "Hide".to_owned(),
                Act::Cap(value) => format!("Cap({value:#x})"),
                Act::Force(value) => format!("Force({value:#x})"),
            };
            format!("Subject::Field({}, Act::{act})", text(target))
        }
        Subject::Cache(policy) => format!("Subject::Cache(CachePolicy::{policy:?})"),
        Subject::Events { register, and, or } => format!(
            "Subject::Events {{ register: {}, and: {and:#x}, or: {or:#x} }}",
            text(register)
        ),
        Subject::Psci(version) => format!("Subject::Psci({version:#x})"),
        Subject::IidrRevision(revision) => format!("Subject::IidrRevision({revision})"),
        Subject::Smc(conduit) => format!("Subject::Smc({conduit})"),
        Subject::Bitmap(register, value) => {
            format!("Subject::Bitmap({}, {})", text(register), hex(*value))
        }
    }
}

fn cpu(c: &CpuModel) -> String {
    let value = |v: &SiliconValue| {
        format!(
            "SiliconValue {{ register: {}, value: {:#x}, source: {} }}",
            text(&v.register),
            v.value,
            text(&v.source)
        )
    };
    format!(
        "CpuModel {{
    name: {},
    title: {},
    registers: {},
    facts: {},
    unaffected: {},
    vector_lengths: {},
    unknown: {},
    digests: {},
}}",
        text(&c.name),
        text(&c.title),
        list(c.registers.iter().map(value)),
        list(c.facts.iter().map(value)),
        texts(&c.unaffected),
        row(c.vector_lengths.iter()),
        unknown(&c.unknown),
        list(c.digests.iter().map(text)),
    )
}

/// What nobody has read.
fn unknown(entries: &[Unknown]) -> String {
    list(entries.iter().map(|u| {
        format!(
            "Unknown {{ path: {}, source: {} }}",
            text(&u.path),
            text(&u.source)
        )
    }))
}

fn hwcap(h: &Hwcap) -> String {
    let fields = h.fields.iter().map(|f| {
        format!(
            "Announcement {{ path: {}, from: {}, otherwise: {:?} }}",
            text(&f.path),
            f.from,
            f.otherwise
        )
    });
    format!(
        "Hwcap {{ name: {}, fields: {}, feature: {}, why: {}, source: {} }}",
        text(&h.name),
        row(fields),
        option(&h.feature),
        option(&h.why),
        text(&h.source)
    )
}

fn need(n: &Need) -> String {
    format!(
        "Need {{ given: {}, one_of: {}, why: {}, source: {}, lint: {} }}",
        option(&n.given),
        texts(&n.one_of),
        text(&n.why),
        text(&n.source),
        n.lint
    )
}

fn vmm(v: &Vmm) -> String {
    let options = v.options.iter().map(|o| {
        format!(
            "CommandOption {{ name: {}, value: {}, source: {} }}",
            text(&o.name),
            text(&o.value),
            text(&o.source)
        )
    });
    let writes = v.writes.iter().map(|w| {
        format!(
            "Writes {{ names: {}, but: {}, since: {}, tell: {}, source: {} }}",
            texts(&w.names),
            texts(&w.but),
            option(&w.since),
            option(&w.tell),
            text(&w.source)
        )
    });
    let features = v.features.iter().map(|f| {
        format!(
            "Given {{ feature: {}, manner: Manner::{}, source: {} }}",
            text(&f.feature),
            manner(&f.manner),
            text(&f.source)
        )
    });
    let overwrites = v.overwrites.iter().map(|o| {
        format!(
            "Overwrites {{ names: {}, value: {}, mask: {:#x}, source: {} }}",
            texts(&o.names),
            hex(o.value),
            o.mask,
            text(&o.source)
        )
    });
    format!(
        "Vmm {{
    name: {},
    title: {},
    versions: {},
    unreleased_from: {:?},
    form: Form::{:?},
    insists_on_gicv3: {},
    gicv3_source: {},
    options: {},
    writes: {},
    features: {},
    overwrites: {},
}}",
        text(&v.name),
        text(&v.title),
        texts(&v.versions),
        v.unreleased_from,
        v.form,
        v.insists_on_gicv3,
        text(&v.gicv3_source),
        list(options),
        list(writes),
        list(features),
        list(overwrites),
    )
}

fn manner(manner: &Manner) -> String {
    match manner {
        Manner::Told {
            on,
            off,
            lengths,
            insists,
            if_offered,
        } => {
            let named = |l: &Lengths| {
                format!(
                    "Some(Lengths {{ on: {}, off: {} }})",
                    text(&l.on),
                    text(&l.off)
                )
            };
            format!(
                "Told {{ on: {}, off: {}, lengths: {}, insists: {insists}, if_offered: {if_offered} }}",
                option(on),
                option(off),
                lengths.as_ref().map_or("None".to_owned(), named)
            )
        }
        Manner::Never => "Never".to_owned(),
        Manner::Always => "Always".to_owned(),
    }
}
