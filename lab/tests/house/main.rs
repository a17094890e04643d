//! The map of the house against the house: ARCHITECTURE.md and the pages about tests name nothing that
//! is not there, the map leaves out no source file; every command that the documents show exists; their links lead
//! somewhere (`links.rs`); the picture shows what is so (`picture.rs`); imports do not run in circles (`imports.rs`);
//! packages are whole (`packages.rs`); the library's page shows its example (`library.rs`).

mod imports;
mod library;
mod links;
mod packages;
mod picture;

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Text between back quotes, outside of code blocks.
fn quoted(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            out.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    out
}

/// Source files of a part of the house: all but its tests and what was built.
fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.ends_with("tests") || path.ends_with("target") {
                continue;
            }
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "s") {
            out.push(path);
        }
    }
}

#[test]
fn every_path_that_the_documents_name_exists() {
    for (name, least) in [
        ("ARCHITECTURE.md", 50),
        ("docs/evidence.md", 15),
        ("docs/threat-model.md", 25),
    ] {
        let mut seen = 0;
        for word in quoted(&read(name)) {
            let first = word.split('/').next().unwrap_or_default();
            if [
                "spec", "compiler", "runner", "witness", "lab", "fuzz", "examples", "schema",
            ]
            .contains(&first)
                && word.contains('/')
            {
                assert!(
                    root().join(&word).exists(),
                    "{name} names {word}, which is not there"
                );
                seen += 1;
            }
        }
        assert!(seen > least, "only {seen} paths in {name}");
    }
}

#[test]
fn every_source_file_is_on_the_map() {
    let named: BTreeSet<String> = quoted(&read("ARCHITECTURE.md")).into_iter().collect();
    let mut all = Vec::new();
    for part in ["spec", "compiler", "runner", "witness", "lab", "fuzz"] {
        sources(&root().join(part), &mut all);
    }
    assert!(all.len() > 60, "only {} source files found", all.len());
    for path in all {
        let path = path.strip_prefix(root()).expect("below the root");
        let mut places = path.ancestors().map(|p| p.to_string_lossy().into_owned());
        let itself = places.next().expect("the path itself");
        let folder = places.next().map(|p| format!("{p}/"));
        let found = named.contains(&itself) || folder.is_some_and(|f| named.contains(&f));
        assert!(found, "{itself} is not on the map in ARCHITECTURE.md");
    }
}

/// Command lines of a document: lines after a prompt, and what stands between back quotes, which may span lines.
fn command_lines(text: &str) -> Vec<String> {
    let (mut prose, mut out, mut in_block) = (String::new(), Vec::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            prose.push_str(line);
            prose.push('\n');
        } else if let Some(command) = line.strip_prefix("$ ") {
            out.push(command.split(" #").next().unwrap_or(command).to_owned());
        }
    }
    let quoted = prose.split('`').skip(1).step_by(2);
    out.extend(quoted.map(|quoted| quoted.replace('\n', " ")));
    out
}

/// The workspace's programs, built as its tests are.
fn programs() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    let cargo = cargo.current_dir(root());
    let built = cargo.args(["build", "--quiet", "--workspace", "--bins"]);
    assert!(built.status().expect("cargo runs").success());
    let lab = Path::new(env!("CARGO_BIN_EXE_vmlock-lab"));
    lab.parent().expect("a folder").to_owned()
}

/// Holds a program's arguments against its own help: the verb, and each flag before `--`; after it, vmlock-run's.
fn hold(programs: &Path, program: &str, arguments: &[&str], line: &str) {
    let verb = arguments.first().copied().unwrap_or_default();
    let help = Command::new(programs.join(program))
        .args([verb, "--help"])
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(help.status.success(), "`{line}`: {program} has no {verb}");
    let help = String::from_utf8_lossy(&help.stdout);
    let known: BTreeSet<&str> = help
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .collect();
    for (at, argument) in arguments.iter().enumerate() {
        match *argument {
            ">" | "|" => return,
            // What only a runner with that feature has is in no program that is built here, and in the table of all of them.
            "--" if arguments[..at].contains(&"--torture") => {
                let (own, table) = (&arguments[at + 1..], read("runner/flags/src/lib.rs"));
                for word in own.iter().filter(|word| !word.contains('.')) {
                    let entry = match word.strip_prefix("--") {
                        Some(flag) => format!("long: \"{flag}\""),
                        None => format!("name: \"{word}\""),
                    };
                    let is_there = table.contains(&entry);
                    assert!(is_there, "`{line}`: no vmlock-run has {word}");
                }
                return;
            }
            "--" => return hold(programs, "vmlock-run", &arguments[at + 1..], line),
            flag if flag.starts_with('-') => {
                let flag = flag.split('=').next().unwrap_or(flag);
                assert!(
                    known.contains(flag),
                    "`{line}`: {program} {verb} has no {flag}"
                );
            }
            _ => {}
        }
    }
}

#[test]
fn every_command_in_the_documents_exists() {
    let config = read(".cargo/config.toml");
    let programs = programs();
    let mut held = 0;
    for name in links::pages() {
        for line in command_lines(&read(&name)) {
            let words = line.split_whitespace();
            let variable = |word: &&str| word.contains('=') && !word.starts_with('-');
            let words: Vec<&str> = words.skip_while(variable).collect();
            match words[..] {
                [program @ ("vmlock" | "vmlock-run" | "vmlock-lab"), _, ..] => {
                    hold(&programs, program, &words[1..], &line);
                }
                ["cargo", "run", ..] => {
                    let package = words.iter().skip_while(|w| **w != "-p").nth(1);
                    let package = package.unwrap_or_else(|| panic!("`{line}` runs nothing"));
                    let own = words.iter().position(|w| *w == "--");
                    let own = own.unwrap_or_else(|| panic!("`{line}` asks for nothing"));
                    hold(&programs, package, &words[own + 1..], &line);
                }
                // Cargo's own, a tool that the line says how to install, or an alias of ours.
                [
                    "cargo",
                    "test" | "check" | "clippy" | "fmt" | "deny" | "install",
                    ..,
                ]
                | ["cargo"] => {}
                ["cargo", alias, ..] => {
                    assert!(config.contains(&format!("\n{alias} = ")), "`{line}`");
                }
                [file, ..] if file.starts_with(".ci/") => {
                    assert!(root().join(file).exists(), "`{line}`");
                }
                _ => continue,
            }
            held += 1;
        }
    }
    assert!(held >= 35, "only {held} commands in the documents");
}

/// The table of the matrix is about the locks as they are, and about enough hosts; each cell is short, and opens on its
/// page for browsers, which says the same.
#[test]
fn the_matrix_in_the_documents_is_of_these_locks() {
    let table = read("docs/matrix.md");
    assert!(table.contains("](matrix-page.html)"));
    let page = read("docs/matrix-page.html");
    let data = page
        .split_once("<script type=\"application/json\" id=\"data\">")
        .and_then(|(_, rest)| rest.split_once("</script>"));
    let data: Value = serde_json::from_str(data.expect("its data").0).expect("JSON");
    let sections: Vec<&str> = table.split("\n## ").skip(1).collect();
    let folder = root().join("examples");
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut seen = 0;
    for name in entries
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".vm.lock.json"))
    {
        let example = name.trim_end_matches(".vm.lock.json");
        let section = sections
            .iter()
            .find(|s| s.starts_with(&format!("`{example}`")))
            .unwrap_or_else(|| panic!("docs/matrix.md leaves out {example}"));
        let digest = Sha256::digest(read(&format!("examples/{name}")).as_bytes());
        let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        assert!(
            section.contains(&digest),
            "docs/matrix.md is about an older {example}: write it anew with `vmlock-lab matrix --docs`"
        );
        let mut rows = section.lines().filter(|l| l.starts_with("| "));
        let cells = |row: &str| -> Vec<String> {
            let row = row.trim_matches(['|', ' ']).split(" | ");
            row.map(str::to_owned).collect()
        };
        let cpus = cells(rows.next().expect("a head"));
        let rows: Vec<Vec<String>> = rows.map(cells).collect();
        assert!(
            cpus.len() > 4 && rows.len() >= 10,
            "{example}: {} CPUs, {} kernels",
            cpus.len() - 1,
            rows.len()
        );
        let all = data["rows"].as_array().expect("rows");
        let of_page = all.iter().find(|row| row["name"] == example);
        let of_page = of_page.unwrap_or_else(|| panic!("the page leaves out {example}"));
        for row in &rows {
            assert_eq!(row.len(), cpus.len(), "{example}: {row:?}");
            for (cpu, cell) in cpus.iter().zip(row).skip(1) {
                let (words, lines) = on_the_page(&data, of_page, &row[0], cpu);
                let refused = cell.strip_prefix("no: ").and_then(|c| c.split_once(", "));
                match refused {
                    Some((count, word)) => {
                        assert_eq!(words, "not kept", "{example}: {cell}");
                        let code = format!(": host::{word}");
                        assert!(lines.iter().any(|line| line.ends_with(&code)), "{lines:?}");
                        assert_eq!(count.parse().ok(), Some(refusals(&lines)), "{lines:?}");
                    }
                    None => {
                        let kept = cell
                            .strip_prefix("**yes**")
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with(": "));
                        assert!(kept && words == "kept", "{example}: {cell}: {words}");
                    }
                }
                assert!(cell.len() <= 40, "{example}: {cell}");
            }
        }
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} examples");
}

/// What the page of the matrix says of a lock on a host: a word, and what the cell opens.
fn on_the_page(data: &Value, row: &Value, version: &str, cpu: &str) -> (String, Vec<String>) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let at = |value: &Value| usize::try_from(value.as_u64().expect("a place")).expect("small");
    let hosts = data["hosts"].as_array().expect("hosts").iter().map(text);
    let (series, _) = version.rsplit_once('.').expect("a point release");
    let column = hosts
        .clone()
        .position(|host| host == format!("{series}, {cpu}"));
    let column = column.unwrap_or_else(|| panic!("the page leaves out {version} on {cpu}"));
    let cell = &data["cells"][at(&row["cells"][column])];
    let lines = cell["lines"].as_array().expect("lines");
    let lines: Vec<String> = lines.iter().map(text).collect();
    assert_eq!(lines[0], format!("Linux {version}"));
    (text(&data["kinds"][at(&cell["kind"])]["words"]), lines)
}

/// How many refused entries the lines of a cell are about: one each.
fn refusals(lines: &[String]) -> usize {
    let refused = lines.iter().filter(|line| line.contains(": host::"));
    refused.count()
}

/// What `cargo tree` names below a package.
fn tree(package: &str, edges: &str, more: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    let cargo = cargo.current_dir(root()).args(["tree", "--locked"]);
    let cargo = cargo.args(["--package", package, "--edges", edges]);
    let cargo = cargo.args(["--prefix", "none"]).args(more);
    let tree = cargo.output().expect("cargo runs");
    assert!(tree.status.success(), "{tree:?}");
    let tree = String::from_utf8_lossy(&tree.stdout);
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Packages that a first tour builds: most of its time hangs on these.
#[test]
fn a_first_tour_builds_no_more_packages_than_it_did() {
    let programs: [(&str, usize, &[&str]); 3] = [
        ("vmlock-lab", 64, &[]),
        ("vmlock", 116, &[]),
        ("vmlock-run", 54, &["--target", "aarch64-unknown-linux-gnu"]),
    ];
    for (program, most, more) in programs {
        let built = tree(program, "normal,build", more).len();
        assert!(
            built <= most,
            "{program} is built of {built} packages, and {most} were enough: `cargo tour` is to take five minutes from nothing"
        );
        assert!(built * 10 > most * 9, "{program}: {built} of {most}");
    }
}

/// What the runner is linked with, on the machine that it is for.
#[test]
fn the_runner_links_no_parser_no_renderer_and_no_c() {
    let names = tree(
        "vmlock-run",
        "normal",
        &["--target", "aarch64-unknown-linux-gnu"],
    );
    assert!(
        names.contains("vmlock-spec") && names.contains("kvm-ioctls"),
        "{names:?}"
    );
    for absent in ["kdl", "miette", "clap", "cc", "vmlock-catalogue-reader"] {
        assert!(!names.contains(absent), "the runner links {absent}");
    }
}
