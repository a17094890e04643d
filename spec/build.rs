//! Turns the catalogue (KDL files under `catalogue/`) into constant tables.
//!
//! The build fails, naming file and line, when a file does not parse, a
//! statement has no source, or two entries have one name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process};
use vmlock_catalogue_reader::{Contents, decode};
use vmlock_catalogue_types::vmm::{Lengths, Manner, Vmm};
use vmlock_catalogue_types::*;
use vmlock_wire::registers;

fn main() {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("catalogue");
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = Vec::new();
    for folder in ["registers", "baselines", "cpus", "features", "vmms"] {
        let path = root.join(folder);
        println!("cargo::rerun-if-changed={}", path.display());
        let entries = fs::read_dir(&path).unwrap_or_else(|e| fail(&path, &e.to_string()));
        files.extend(
            entries
                .flatten()
                .map(|e| e.path())
                .filter(|p| p.extension().is_some_and(|x| x == "kdl")),
        );
    }
    files.sort();
    let mut all = Contents::default();
    for file in &files {
        let text = fs::read_to_string(file).unwrap_or_else(|e| fail(file, &e.to_string()));
        let document: kdl::KdlDocument = match text.parse() {
            Ok(document) => document,
            Err(error) => {
                let error: kdl::KdlError = error;
                let words: Vec<String> = error
                    .diagnostics
                    .iter()
                    .map(|d| format!("line {}: {d}", line(&text, d.span.offset())))
                    .collect();
                fail(file, &words.join("\n  "))
            }
        };
        let (contents, problems) = decode(&document);
        if !problems.is_empty() {
            let words: Vec<String> = problems
                .iter()
                .map(|p| {
                    let help = p
                        .help
                        .as_deref()
                        .map(|h| format!(" ({h})"))
                        .unwrap_or_default();
                    format!("line {}: {}{help}", line(&text, p.span.0), p.message)
                })
                .collect();
            fail(file, &words.join("\n  "));
        }
        all.registers.extend(contents.registers);
        all.baselines.extend(contents.baselines);
        all.cpus.extend(contents.cpus);
        all.hwcaps.extend(contents.hwcaps);
        all.needs.extend(contents.needs);
        all.vmms.extend(contents.vmms);
    }
    all.registers.sort_by_key(|r| r.id);
    for pair in all.registers.windows(2) {
        if pair[0].id == pair[1].id {
            fail(
                &root,
                &format!("`{}` and `{}` have one id", pair[0].name, pair[1].name),
            );
        }
    }
    unique(&root, all.registers.iter().map(|r| &r.name));
    unique(&root, all.baselines.iter().map(|b| &b.name));
    unique(&root, all.cpus.iter().map(|c| &c.name));
    unique(&root, all.hwcaps.iter().map(|c| &c.name));
    unique(&root, all.vmms.iter().map(|v| &v.name));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("catalogue.rs");
    let tables = tables(&all) + &files_as_they_are(&root, &files);
    fs::write(&out, tables).unwrap_or_else(|e| fail(&out, &e.to_string()));
}

/// The files themselves, for who wants to read what a name stands for.
fn files_as_they_are(root: &Path, files: &[PathBuf]) -> String {
    let mut out = String::from(
        "/// The catalogue as it is written: each file by its path, and its text.\npub static TEXTS: &[(&str, &str)] = &[",
    );
    for file in files {
        let name = file
            .strip_prefix(root)
            .unwrap_or(file)
            .display()
            .to_string();
        let name = name.replace('\\', "/");
        let text =
            format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/catalogue/{name}\"))");
        let _ = writeln!(out, "({name:?}, {text}),");
    }
    out.push_str("];\n");
    out
}

// Cargo reads it.
#[expect(clippy::print_stderr)]
fn fail(path: &Path, words: &str) -> ! {
    eprintln!("{}:\n  {words}", path.display());
    process::exit(1)
}

fn line(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
        + 1
}

fn unique<'a>(root: &Path, names: impl Iterator<Item = &'a Text>) {
    let mut names: Vec<&Text> = names.collect();
    names.sort();
    if let Some(pair) = names.windows(2).find(|p| p[0] == p[1]) {
        fail(root, &format!("`{}` is defined twice", pair[0]));
    }
}

/// The tables as Rust source text.
fn tables(all: &Contents) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "/// Every register, sorted by id.\npub static REGISTERS: &[RegisterInfo] = &["
    );
    for r in &all.registers {
        let fields: String = r
            .fields
            .iter()
            .map(|f| {
                format!(
                    "Field {{ name: {}, high: {}, low: {}, rule: Rule::{:?}, signed: {} }},",
                    text(&f.name),
                    f.high,
                    f.low,
                    f.rule,
                    f.signed
                )
            })
            .collect();
        let aliases: String = r
            .aliases
            .iter()
            .map(|(name, until)| format!("({}, {until}),", text(name)))
            .collect();
        let _ = writeln!(
            out,
            "RegisterInfo {{ id: {:#x}, name: {}, kind: Kind::{:?}, title: {}, source: {}, fields: Cow::Borrowed(&[{fields}]), gate: {}, feature: {}, neutral: {:?}, encoding: {:?}, guest_only: {}, reset: {:#x}, told: {:#x}, unsaid: {}, unsaved: {}, clears: {}, untold: {:?}, since: {}, aliases: Cow::Borrowed(&[{aliases}]) }},",
            r.id,
            text(&r.name),
            r.kind,
            text(&r.title),
            text(&r.source),
            option(&r.gate),
            option(&r.feature),
            r.neutral,
            r.encoding,
            r.guest_only,
            r.reset,
            r.told,
            option(&r.unsaid),
            option(&r.unsaved),
            option(&r.clears),
            r.untold,
            r.since
        );
    }
    let mut by_name: Vec<usize> = (0..all.registers.len()).collect();
    by_name.sort_by_key(|at| &all.registers[*at].name);
    let _ = writeln!(
        out,
        "];\n/// Places in [`REGISTERS`], sorted by name.\nstatic BY_NAME: &[u16] = &{by_name:?};"
    );
    let encodings = system_registers(all);
    let mut names: Vec<(&str, u16)> = encodings.iter().map(|(e, name)| (*name, *e)).collect();
    names.sort_unstable();
    let _ = writeln!(
        out,
        "/// All system registers that have a name, sorted by encoding.\nstatic SYSTEM_REGISTERS: &[(u16, &str)] = &{encodings:?};\n/// The same, sorted by name.\nstatic SYSTEM_REGISTERS_BY_NAME: &[(&str, u16)] = &{names:?};"
    );
    let _ = writeln!(
        out,
        "/// Every baseline, sorted by file.\npub static BASELINES: &[Baseline] = &["
    );
    for b in &all.baselines {
        let statements: String = b
            .statements
            .iter()
            .map(|s| {
                let when: String = s.when.iter().map(|w| format!("{},", text(w))).collect();
                format!(
                    "Statement {{ subject: {}, when: Cow::Borrowed(&[{when}]), source: {}, unsure_after: {}, since: {} }},",
                    subject(&s.subject),
                    text(&s.source),
                    option(&s.unsure_after),
                    s.since
                )
            })
            .collect();
        let stable: String = b
            .stable
            .iter()
            .map(|(v, w)| format!("({}, {}),", text(v), text(w)))
            .collect();
        let _ = writeln!(
            out,
            "Baseline {{ name: {}, title: {}, after: {}, part: {}, statements: Cow::Borrowed(&[{statements}]), stable: Cow::Borrowed(&[{stable}]), digests: Cow::Borrowed(&[{}]) }},",
            text(&b.name),
            text(&b.title),
            option(&b.after),
            option(&b.part),
            texts(&b.digests)
        );
    }
    let _ = writeln!(
        out,
        "];\n/// Every CPU model, sorted by file.\npub static CPUS: &[CpuModel] = &["
    );
    for c in &all.cpus {
        let values = |list: &[SiliconValue]| -> String {
            list.iter()
                .map(|v| {
                    format!(
                        "SiliconValue {{ register: {}, value: {:#x}, source: {} }},",
                        text(&v.register),
                        v.value,
                        text(&v.source)
                    )
                })
                .collect()
        };
        let unaffected: String = c
            .unaffected
            .iter()
            .map(|u| format!("{},", text(u)))
            .collect();
        let unknown: String = c
            .unknown
            .iter()
            .map(|u| {
                format!(
                    "Unknown {{ path: {}, source: {} }},",
                    text(&u.path),
                    text(&u.source)
                )
            })
            .collect();
        let _ = writeln!(
            out,
            "CpuModel {{ name: {}, title: {}, registers: Cow::Borrowed(&[{}]), facts: Cow::Borrowed(&[{}]), unaffected: Cow::Borrowed(&[{unaffected}]), vector_lengths: Cow::Borrowed(&{:?}), unknown: Cow::Borrowed(&[{unknown}]), digests: Cow::Borrowed(&[{}]) }},",
            text(&c.name),
            text(&c.title),
            values(&c.registers),
            values(&c.facts),
            c.vector_lengths,
            texts(&c.digests)
        );
    }
    let _ = writeln!(
        out,
        "];\n/// Every feature that has a name, in the file's order.\npub static HWCAPS: &[Hwcap] = &["
    );
    for h in &all.hwcaps {
        let fields: String = h
            .fields
            .iter()
            .map(|f| {
                format!(
                    "Announcement {{ path: {}, from: {}, otherwise: {:?} }},",
                    text(&f.path),
                    f.from,
                    f.otherwise
                )
            })
            .collect();
        let _ = writeln!(
            out,
            "Hwcap {{ name: {}, fields: Cow::Borrowed(&[{fields}]), feature: {}, why: {}, source: {} }},",
            text(&h.name),
            option(&h.feature),
            option(&h.why),
            text(&h.source)
        );
    }
    let _ = writeln!(
        out,
        "];\n/// All values that hang together, in the file's order.\npub static NEEDS: &[Need] = &["
    );
    for n in &all.needs {
        let one_of: String = n.one_of.iter().map(|c| format!("{},", text(c))).collect();
        let _ = writeln!(
            out,
            "Need {{ given: {}, one_of: Cow::Borrowed(&[{one_of}]), why: {}, source: {}, lint: {} }},",
            option(&n.given),
            text(&n.why),
            text(&n.source),
            n.lint
        );
    }
    out.push_str("];\n");
    out + &vmms(&all.vmms)
}

/// The table of virtual machine monitors.
fn vmms(all: &[Vmm]) -> String {
    let mut out = String::from(
        "/// Every virtual machine monitor that is none of ours, sorted by file.\npub static VMMS: &[vmm::Vmm] = &[",
    );
    for v in all {
        let options: String = v
            .options
            .iter()
            .map(|o| {
                format!(
                    "vmm::CommandOption {{ name: {}, value: {}, source: {} }},",
                    text(&o.name),
                    text(&o.value),
                    text(&o.source)
                )
            })
            .collect();
        let writes: String = v
            .writes
            .iter()
            .map(|w| {
                format!(
                    "vmm::Writes {{ names: Cow::Borrowed(&[{}]), but: Cow::Borrowed(&[{}]), since: {}, tell: {}, source: {} }},",
                    texts(&w.names),
                    texts(&w.but),
                    option(&w.since),
                    option(&w.tell),
                    text(&w.source)
                )
            })
            .collect();
        let manner = |manner: &Manner| match manner {
            Manner::Told {
                on,
                off,
                lengths,
                insists,
                if_offered,
            } => {
                let named = |l: &Lengths| {
                    let (on, off) = (text(&l.on), text(&l.off));
                    format!("Some(vmm::Lengths {{ on: {on}, off: {off} }})")
                };
                let lengths = lengths.as_ref().map_or("None".to_owned(), named);
                format!(
                    "Told {{ on: {}, off: {}, lengths: {lengths}, insists: {insists}, if_offered: {if_offered} }}",
                    option(on),
                    option(off)
                )
            }
            Manner::Never => "Never".to_owned(),
            Manner::Always => "Always".to_owned(),
        };
        let features: String = v
            .features
            .iter()
            .map(|f| {
                format!(
                    "vmm::Given {{ feature: {}, manner: vmm::Manner::{}, source: {} }},",
                    text(&f.feature),
                    manner(&f.manner),
                    text(&f.source)
                )
            })
            .collect();
        let overwrites: String = v
            .overwrites
            .iter()
            .map(|o| {
                format!(
                    "vmm::Overwrites {{ names: Cow::Borrowed(&[{}]), value: {:?}, mask: {:#x}, source: {} }},",
                    texts(&o.names),
                    o.value,
                    o.mask,
                    text(&o.source)
                )
            })
            .collect();
        let _ = writeln!(
            out,
            "vmm::Vmm {{ name: {}, title: {}, versions: Cow::Borrowed(&[{}]), unreleased_from: {:?}, form: vmm::Form::{:?}, insists_on_gicv3: {}, gicv3_source: {}, options: Cow::Borrowed(&[{options}]), writes: Cow::Borrowed(&[{writes}]), features: Cow::Borrowed(&[{features}]), overwrites: Cow::Borrowed(&[{overwrites}]) }},",
            text(&v.name),
            text(&v.title),
            texts(&v.versions),
            v.unreleased_from,
            v.form,
            v.insists_on_gicv3,
            text(&v.gicv3_source)
        );
    }
    out.push_str("];\n");
    out
}

/// The encodings of all system registers with their names: as the catalogue has them, or else the witness's lists.
fn system_registers(all: &Contents) -> Vec<(u16, &str)> {
    let listed = registers::IDENTIFICATION.iter().chain(registers::OTHERS);
    let mut named: BTreeMap<u16, &str> = listed.map(|r| (r.id as u16, r.name)).collect();
    let known = all.registers.iter();
    named.extend(known.filter_map(|r| Some((r.encoding?, r.name.as_ref()))));
    named.into_iter().collect()
}

fn text(text: &Text) -> String {
    format!("Cow::Borrowed({text:?})")
}

fn texts(list: &[Text]) -> String {
    list.iter().map(|t| format!("{},", text(t))).collect()
}

fn option(value: &Option<Text>) -> String {
    value
        .as_ref()
        .map_or_else(|| "None".to_owned(), |t| format!("Some({})", text(t)))
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Field(target, act) => format!("Subject::Field({}, Act::{act:?})", text(target)),
        Subject::Cache(policy) => format!("Subject::Cache(CachePolicy::{policy:?})"),
        Subject::Events { register, and, or } => {
            format!(
                "Subject::Events {{ register: {}, and: {and:#x}, or: {or:#x} }}",
                text(register)
            )
        }
        Subject::Psci(version) => format!("Subject::Psci({version:#x})"),
        Subject::IidrRevision(revision) => format!("Subject::IidrRevision({revision})"),
        Subject::Smc(conduit) => format!("Subject::Smc({conduit})"),
        Subject::Bitmap(register, value) => {
            format!("Subject::Bitmap({}, {value:?})", text(register))
        }
    }
}
