//! The catalogue (KDL files under `spec/catalogue/`) as the constant tables of `vmlock-spec`, which are checked in
//! below `spec/src/catalogue/tables/`: who depends on that crate builds no parser.
//!
//! A file of the catalogue gives a file of tables of its name; `VMLOCK_UPDATE=1` writes them anew. This is a test of the
//! reader and not of `vmlock-spec`, because tables that do not compile have to be made anew, too. It fails, naming file
//! and line, when a file does not parse, a statement has no source, or two entries have one name.

mod rust;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use vmlock_catalogue_reader::{Contents, decode};
use vmlock_catalogue_types::{RegisterInfo, Text};
use vmlock_wire::registers;

/// Folders of the catalogue, each with what a table of them is called and what it holds.
#[rustfmt::skip]
const FOLDERS: [(&str, &str, &str, &str); 4] = [
    ("registers", "REGISTERS", "RegisterInfo", "Every register, sorted by id."),
    ("baselines", "BASELINES", "Baseline", "Every baseline, sorted by file."),
    ("cpus", "CPUS", "CpuModel", "Every CPU model, sorted by file."),
    ("vmms", "VMMS", "Vmm", "Every virtual machine monitor that is none of ours, sorted by file."),
];

/// What entries have no names by which constants could be called: a list in each file.
const FEATURES: &str = "features";

/// How the tables are made anew.
const UPDATE: &str = "VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables";

fn spec() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_tables_are_those_of_the_catalogue() {
    let made = tables(&read(&spec().join("catalogue")));
    assert!(made.len() > 50, "only {} files of tables", made.len());
    let folder = spec().join("src/catalogue");
    let mut there = BTreeMap::new();
    for below in ["tables.rs", "tables"] {
        found(&folder, &folder.join(below), &mut there);
    }
    if std::env::var_os("VMLOCK_UPDATE").is_some_and(|v| v == "1") {
        for name in there.keys().filter(|name| !made.contains_key(*name)) {
            fs::remove_file(folder.join(name)).expect("a table that is no more can be removed");
        }
        for (name, text) in made
            .iter()
            .filter(|(name, text)| there.get(*name) != Some(text))
        {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        return;
    }
    let names: BTreeSet<&String> = made.keys().chain(there.keys()).collect();
    let other = |name: &&&String| made.get(**name) != there.get(**name);
    let others: Vec<&&String> = names.iter().filter(other).collect();
    assert!(
        others.is_empty(),
        "not as the catalogue says, in spec/src/catalogue: {others:?}; write them anew: {UPDATE}"
    );
}

/// All files of tables that are there, by their names from `root` on.
fn found(root: &Path, below: &Path, out: &mut BTreeMap<String, String>) {
    if below.is_dir() {
        let entries = fs::read_dir(below).expect("a folder can be read");
        entries.for_each(|entry| found(root, &entry.expect("an entry").path(), out));
    } else if below.exists() {
        let name = below.strip_prefix(root).expect("below the root");
        let text = fs::read_to_string(below).unwrap_or_else(|e| panic!("{}: {e}", below.display()));
        out.insert(name.to_string_lossy().replace('\\', "/"), text);
    }
}

/// A file of the catalogue: its folder, its name without `.kdl`, and what it holds.
struct File {
    folder: &'static str,
    stem: String,
    text: String,
    contents: Contents,
}

/// The files of the catalogue, each checked.
fn read(root: &Path) -> Vec<File> {
    let mut files = Vec::new();
    let mut wrong = Vec::new();
    for folder in FOLDERS
        .map(|(folder, ..)| folder)
        .into_iter()
        .chain([FEATURES])
    {
        let place = root.join(folder);
        let entries = fs::read_dir(&place).unwrap_or_else(|e| panic!("{}: {e}", place.display()));
        let paths = entries.map(|entry| entry.expect("a folder can be read").path());
        for path in paths.filter(|p| p.extension().is_some_and(|x| x == "kdl")) {
            let text = fs::read_to_string(&path).expect("a file of the catalogue can be read");
            let stem = path.file_stem().expect("a name").to_string_lossy();
            let name = format!("{folder}/{stem}.kdl");
            let contents = match contents(&text) {
                Ok(contents) => contents,
                Err(words) => {
                    wrong.extend(words.iter().map(|words| format!("{name}, {words}")));
                    continue;
                }
            };
            let stem = stem.into_owned();
            files.push(File {
                folder,
                stem,
                text,
                contents,
            });
        }
    }
    files.sort_by(|a, b| (a.folder, &a.stem).cmp(&(b.folder, &b.stem)));
    let all = || files.iter().map(|file| &file.contents);
    let names: [(&str, Vec<&Text>); 5] = [
        (
            "registers",
            all()
                .flat_map(|c| c.registers.iter().map(|r| &r.name))
                .collect(),
        ),
        (
            "baselines",
            all()
                .flat_map(|c| c.baselines.iter().map(|b| &b.name))
                .collect(),
        ),
        (
            "CPU models",
            all().flat_map(|c| c.cpus.iter().map(|c| &c.name)).collect(),
        ),
        (
            "features",
            all()
                .flat_map(|c| c.hwcaps.iter().map(|h| &h.name))
                .collect(),
        ),
        (
            "VMMs",
            all().flat_map(|c| c.vmms.iter().map(|v| &v.name)).collect(),
        ),
    ];
    for (what, mut names) in names {
        assert!(!names.is_empty(), "there are no {what}");
        names.sort();
        let twice = names.windows(2).filter(|pair| pair[0] == pair[1]);
        wrong.extend(twice.map(|pair| format!("{what}: `{}` is defined twice", pair[0])));
    }
    let mut ids: Vec<&RegisterInfo> = all().flat_map(|c| &c.registers).collect();
    ids.sort_by_key(|r| r.id);
    let twice = ids.windows(2).filter(|pair| pair[0].id == pair[1].id);
    wrong.extend(twice.map(|p| format!("`{}` and `{}` have one id", p[0].name, p[1].name)));
    assert!(wrong.is_empty(), "the catalogue:\n  {}", wrong.join("\n  "));
    files
}

/// What one file holds, or all that is wrong with it.
fn contents(text: &str) -> Result<Contents, Vec<String>> {
    let line = |offset: usize| {
        let before = &text.as_bytes()[..offset.min(text.len())];
        before.iter().filter(|b| **b == b'\n').count() + 1
    };
    let document: kdl::KdlDocument = text.parse().map_err(|error: kdl::KdlError| {
        let said = error.diagnostics.iter();
        said.map(|d| format!("line {}: {d}", line(d.span.offset())))
            .collect::<Vec<String>>()
    })?;
    let (contents, problems) = decode(&document);
    if problems.is_empty() {
        return Ok(contents);
    }
    let words = problems.iter().map(|p| {
        let help = p.help.as_deref().map(|h| format!(" ({h})"));
        format!(
            "line {}: {}{}",
            line(p.span.0),
            p.message,
            help.unwrap_or_default()
        )
    });
    Err(words.collect())
}

/// All files of tables, by their names below `spec/src/catalogue/`.
fn tables(files: &[File]) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut root = String::from("//! The catalogue as constant tables.\n");
    root += &format!("//!\n//! Made of `spec/catalogue/` by `{UPDATE}`.\n\n");
    root += "mod baselines;\nmod cpus;\nmod encodings;\nmod features;\nmod names;\nmod registers;\nmod texts;\nmod vmms;\n\n";
    root +=
        "pub use baselines::BASELINES;\npub use cpus::CPUS;\npub use features::{HWCAPS, NEEDS};\n";
    root += "pub(super) use encodings::{SYSTEM_REGISTERS, SYSTEM_REGISTERS_BY_NAME};\npub(super) use names::BY_NAME;\n";
    root +=
        "pub use registers::REGISTERS;\npub use texts::{MADE_OF, TEXTS};\npub use vmms::VMMS;\n";
    out.insert("tables.rs".to_owned(), root);
    for (folder, table, kind, words) in FOLDERS {
        let of = files.iter().filter(|f| f.folder == folder);
        let mut listed: Vec<(u64, String)> = Vec::new();
        let mut modules = String::new();
        for file in of {
            let module = identifier(&file.stem).to_lowercase();
            let mut body = String::new();
            for (order, name, value) in rust::entries(&file.contents) {
                let constant = identifier(&name).to_uppercase();
                let _ = write!(body, "\npub(super) const {constant}: {kind} = {value};\n");
                listed.push((order, format!("{module}::{constant}")));
            }
            let _ = writeln!(modules, "mod {module};");
            let path = format!("tables/{folder}/{module}.rs");
            let made = page(
                &format!("`spec/catalogue/{folder}/{}.kdl`", file.stem),
                &body,
            );
            assert!(out.insert(path, made).is_none(), "two files give one table");
        }
        // Of the same place in the order stays what the files say.
        listed.sort_by_key(|(order, _)| *order);
        let distinct: BTreeSet<&String> = listed.iter().map(|(_, name)| name).collect();
        assert_eq!(
            distinct.len(),
            listed.len(),
            "{folder}: two names give one constant"
        );
        let mut body = format!("\n{modules}\n/// {words}\npub static {table}: &[{kind}] = &[\n");
        for (_, name) in &listed {
            let _ = writeln!(body, "    {name},");
        }
        body += "];\n";
        out.insert(
            format!("tables/{folder}.rs"),
            page(&format!("`spec/catalogue/{folder}/`"), &body),
        );
    }
    let all: Vec<&Contents> = files.iter().map(|file| &file.contents).collect();
    for (name, made_of, body) in [
        ("features", "features/`", rust::features(&all)),
        ("names", "registers/`", names(&all)),
        (
            "encodings",
            "registers/` and the witness's lists",
            encodings(&all),
        ),
        ("texts", "`", texts(files)),
    ] {
        let made_of = format!("`spec/catalogue/{made_of}");
        out.insert(format!("tables/{name}.rs"), page(&made_of, &body));
    }
    out
}

/// A file of tables: what it was made of, what it imports, and the rest.
fn page(made_of: &str, body: &str) -> String {
    let names = |all: &[&'static str]| -> Vec<&str> {
        let used = |name: &&&str| {
            [" {", "::", "] =", " = "]
                .iter()
                .any(|after| body.contains(&format!("{name}{after}")))
        };
        all.iter().filter(used).copied().collect()
    };
    let mut out = format!("//! Made of {made_of} by `{UPDATE}`.\n");
    let types = names(&[
        "Act",
        "Announcement",
        "Baseline",
        "CachePolicy",
        "CpuModel",
        "Field",
        "Hwcap",
        "Kernel",
        "Kind",
        "Need",
        "RegisterInfo",
        "Rule",
        "SiliconValue",
        "Statement",
        "Subject",
        "Unknown",
    ]);
    let monitors = names(&[
        "CommandOption",
        "Form",
        "Given",
        "Lengths",
        "Manner",
        "Overwrites",
        "Vmm",
        "Writes",
    ]);
    let cow = body.contains("Borrowed(");
    if cow || !types.is_empty() || !monitors.is_empty() {
        out.push('\n');
    }
    if cow {
        out += "use std::borrow::Cow::Borrowed;\n";
    }
    for (path, names) in [("", types), ("vmm::", monitors)] {
        if !names.is_empty() {
            let _ = writeln!(
                out,
                "use vmlock_catalogue_types::{path}{{{}}};",
                names.join(", ")
            );
        }
    }
    out + body
}

/// A name as Rust can have it.
fn identifier(name: &str) -> String {
    let kept = name.trim_end_matches(']');
    kept.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// Registers, sorted by name.
fn names(all: &[&Contents]) -> String {
    let known = by_id(all);
    let mut by_name: Vec<usize> = (0..known.len()).collect();
    by_name.sort_by_key(|at| &known[*at].name);
    let mut out = String::from(
        "\n/// Places in [`REGISTERS`](super::REGISTERS), sorted by name.\npub static BY_NAME: &[u16] = &[\n",
    );
    for at in by_name {
        let _ = writeln!(out, "    {at}, // {}", known[at].name);
    }
    out + "];\n"
}

fn by_id<'a>(all: &[&'a Contents]) -> Vec<&'a RegisterInfo> {
    let mut known: Vec<&RegisterInfo> = all.iter().flat_map(|c| &c.registers).collect();
    known.sort_by_key(|r| r.id);
    known
}

/// The encodings of all system registers with their names: as the catalogue has them, or else the witness's lists.
fn encodings(all: &[&Contents]) -> String {
    let listed = registers::IDENTIFICATION.iter().chain(registers::OTHERS);
    let encoding = |id: u64| u16::try_from(id).expect("an encoding has 16 bits");
    let mut named: BTreeMap<u16, &str> = listed.map(|r| (encoding(r.id), r.name)).collect();
    let known = by_id(all).into_iter();
    named.extend(known.filter_map(|r| Some((r.encoding?, r.name.as_ref()))));
    let mut by_name: Vec<(&str, u16)> = named.iter().map(|(e, name)| (*name, *e)).collect();
    by_name.sort_unstable();
    let mut out = String::from(
        "\n/// All system registers that have a name, sorted by encoding.\npub static SYSTEM_REGISTERS: &[(u16, &str)] = &[\n",
    );
    for (encoding, name) in &named {
        let _ = writeln!(out, "    ({encoding:#06x}, {name:?}),");
    }
    out += "];\n\n/// The same, sorted by name.\n";
    out += "pub static SYSTEM_REGISTERS_BY_NAME: &[(&str, u16)] = &[\n";
    for (name, encoding) in &by_name {
        let _ = writeln!(out, "    ({name:?}, {encoding:#06x}),");
    }
    out + "];\n"
}

/// The files themselves, for who wants to read what a name stands for.
fn texts(files: &[File]) -> String {
    let mut out = String::from(
        "\n/// The catalogue as it is written: each file by its path, and its text.\npub static TEXTS: &[(&str, &str)] = &[\n",
    );
    for File { folder, stem, .. } in files {
        let name = format!("{folder}/{stem}.kdl");
        let _ = writeln!(
            out,
            "    ({name:?}, include_str!(\"../../../catalogue/{name}\")),"
        );
    }
    out += "];\n\n/// SHA-256 of the catalogue of which all tables were made: of a line for each of its files, sorted by path, with\n";
    out += "/// the file's own SHA-256, two spaces and the path. A merge of two changed catalogues fits neither side's.\n";
    let _ = writeln!(out, "pub static MADE_OF: &str = {:?};", made_of(files));
    out
}

/// What [`texts`] says of all files.
fn made_of(files: &[File]) -> String {
    let hex = |text: &str| -> String {
        let digest = Sha256::digest(text);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let named = files
        .iter()
        .map(|f| (format!("{}/{}.kdl", f.folder, f.stem), hex(&f.text)));
    let named: BTreeMap<String, String> = named.collect();
    let lines = named
        .iter()
        .map(|(name, digest)| format!("{digest}  {name}\n"));
    hex(&lines.collect::<String>())
}
