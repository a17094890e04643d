//! What `vmlock` says, whole: one folder per rule under `tests/ui/`.
//!
//! A case is copied into an empty folder, `vmlock` runs there, and everything it
//! leaves is compared: stdout, stderr, the exit code and the files.
//!
//! - `in.vm.kdl` (or any other input file)
//! - `command.txt`: arguments, one line; absent means `lock in.vm.kdl`
//! - `stderr.txt`, `stdout.txt`: exact; absent means empty
//! - `exit.txt`: the exit code; absent means 1, since most cases are mistakes
//! - `out/`: files that exist afterwards and were not in the case, exact; a lock
//!   is `(a lock)`, since what stands in it is the matter of the examples
//!
//! `VMLOCK_UPDATE=1 cargo test -p vmlock --test it ui` rewrites the expectations; a
//! continuous integration run (`CI` set) refuses to.

use crate::scratch::Scratch;
use std::collections::BTreeMap;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::{fs, io};

const EXPECTATIONS: [&str; 4] = ["command.txt", "stderr.txt", "stdout.txt", "exit.txt"];
/// A file that is not there, in the words of Unix.
const MISSING: &str = "No such file or directory (os error 2)";
/// Fewer cases than this means that some were lost.
const CASES_MIN: usize = 40;

fn update() -> bool {
    let asked = std::env::var_os("VMLOCK_UPDATE").is_some_and(|v| v == "1");
    assert!(
        !(asked && std::env::var_os("CI").is_some()),
        "expectations are not rewritten in CI"
    );
    asked
}

/// A text with the separators of Unix, whichever there are here.
fn alike(text: &str) -> String {
    text.replace(MAIN_SEPARATOR, "/")
}

/// What is printed, as it is told on Unix: the system's own words for a file that is not there are others on others.
fn told(printed: Vec<u8>) -> Vec<u8> {
    let Ok(text) = String::from_utf8(printed.clone()) else {
        return printed;
    };
    let missing = io::Error::from_raw_os_error(2).to_string();
    alike(&text.replace(&missing, MISSING)).into_bytes()
}

/// All files below a folder, by relative path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(root, &path, out);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                out.insert(alike(name), fs::read(&path).unwrap());
            }
        }
    }
    let mut out = BTreeMap::new();
    if folder.exists() {
        walk(folder, folder, &mut out);
    }
    out
}

/// A lock is shown as the fact that it is one: what stands in locks is the
/// matter of the examples, and changes with the catalogue.
fn shown(bytes: Vec<u8>) -> Vec<u8> {
    let lock = std::str::from_utf8(&bytes)
        .is_ok_and(|text| vmlock_spec::lock::canonical::parse(text).is_ok());
    if lock { b"(a lock)\n".to_vec() } else { bytes }
}

/// Runs one case; `None` when all is as expected.
fn run(case: &Path, name: &str) -> Option<String> {
    let all = files(case);
    let input: BTreeMap<&String, &Vec<u8>> = all
        .iter()
        .filter(|(n, _)| !n.starts_with("out/") && !EXPECTATIONS.contains(&n.as_str()))
        .collect();
    if input.is_empty() {
        return Some("has no input: a forgotten folder?".to_owned());
    }
    let scratch = Scratch::new(&format!("ui-{name}"));
    for (name, bytes) in &input {
        let path = scratch.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let text = |name: &str| all.get(name).map(|b| String::from_utf8(b.clone()).unwrap());
    let command = text("command.txt").unwrap_or_else(|| "lock in.vm.kdl".to_owned());
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let output = scratch.vmlock(&arguments);
    let mut after = files(&scratch.0);
    after.retain(|name, bytes| input.get(name).is_none_or(|old| **old != *bytes));
    let mut got: BTreeMap<String, Vec<u8>> = after
        .into_iter()
        .map(|(name, bytes)| (format!("out/{name}"), shown(bytes)))
        .collect();
    for (name, bytes) in [("stdout.txt", output.stdout), ("stderr.txt", output.stderr)] {
        if !bytes.is_empty() {
            got.insert(name.to_owned(), told(bytes));
        }
    }
    let exit = output
        .status
        .code()
        .map_or("signal".to_owned(), |c| c.to_string());
    if exit != "1" {
        got.insert("exit.txt".to_owned(), format!("{exit}\n").into_bytes());
    }
    let mut expected = all.clone();
    expected.retain(|n, _| {
        n.starts_with("out/") || (EXPECTATIONS.contains(&n.as_str()) && n != "command.txt")
    });
    for (name, text) in &mut expected {
        if !name.starts_with("out/") {
            *text = told(std::mem::take(text));
        }
    }
    if got == expected {
        return None;
    }
    if update() {
        for name in expected.keys() {
            fs::remove_file(case.join(name)).unwrap();
        }
        for (name, bytes) in &got {
            let path = case.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        return None;
    }
    let mut words = String::new();
    for name in expected
        .keys()
        .chain(got.keys().filter(|n| !expected.contains_key(*n)))
    {
        let show = |side: &BTreeMap<String, Vec<u8>>| {
            side.get(name).map_or("(nothing)".to_owned(), |b| {
                String::from_utf8_lossy(b).into_owned()
            })
        };
        let (want, have) = (show(&expected), show(&got));
        if want != have {
            let short = |text: String| {
                if text.len() > 4000 {
                    format!("{} bytes", text.len())
                } else {
                    text
                }
            };
            words.push_str(&format!(
                "--- {name} expected\n{}\n--- {name} got\n{}\n",
                short(want),
                short(have)
            ));
        }
    }
    Some(words)
}

#[test]
fn every_case_says_exactly_what_is_written_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut cases: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .collect();
    cases.sort();
    let mut failed = Vec::new();
    for case in &cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        if !case.is_dir() {
            failed.push(format!("{name}: a file outside any case"));
        } else if let Some(words) = run(case, name) {
            failed.push(format!("{name}\n{words}"));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} cases:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
    assert!(cases.len() >= CASES_MIN, "only {} cases", cases.len());
}
