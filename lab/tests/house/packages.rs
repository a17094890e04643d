//! What is published: each crate with what a registry asks for and with all that it is built of, from inside its folder; and
//! what the library brings with it.

use crate::{root, sources, tree};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Crates of the workspace that are never published, as `lab/src/package.rs` has them.
const NEVER: [&str; 4] = [
    "vmlock-lab",
    "vmlock-lab-agent",
    "vmlock-lab-facts",
    "vmlock-witness-image",
];

/// Crates that another virtual machine monitor may depend on, and what they need.
const LIBRARY: [&str; 3] = ["vmlock-catalogue-types", "vmlock-spec", "vmlock-wire"];
const RUST: &str = "1.89";

fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    let said = cargo.current_dir(root()).args(arguments).output();
    let said = said.expect("cargo runs");
    assert!(said.status.success(), "{arguments:?}: {said:?}");
    String::from_utf8(said.stdout).expect("cargo prints text")
}

/// The workspace's crates by name, as cargo sees them.
fn crates() -> BTreeMap<String, Value> {
    let said = cargo(&[
        "metadata",
        "--locked",
        "--offline",
        "--no-deps",
        "--format-version",
        "1",
    ]);
    let said: Value = serde_json::from_str(&said).expect("cargo prints JSON");
    let all = said["packages"].as_array().expect("packages");
    let name = |of: &Value| of["name"].as_str().expect("a name").to_owned();
    all.iter().map(|of| (name(of), of.clone())).collect()
}

#[test]
fn what_is_published_says_what_it_is() {
    let (mut never, mut library) = (BTreeSet::new(), BTreeSet::new());
    for (name, of) in crates() {
        let folder = Path::new(of["manifest_path"].as_str().expect("a path"));
        if of["publish"] == serde_json::json!([]) {
            never.insert(name);
            continue;
        }
        assert_eq!(of["license"], "Apache-2.0 OR MIT", "{name}");
        assert!(
            of["description"].as_str().is_some_and(|d| d.len() > 20),
            "{name}"
        );
        assert_eq!(of["readme"], "README.md", "{name}");
        let page = fs::read_to_string(folder.with_file_name("README.md")).expect("a README");
        assert!(
            page.starts_with(&format!("# {name}\n")),
            "{name}'s README is of another"
        );
        if of["rust_version"] == RUST {
            library.insert(name);
        }
    }
    assert_eq!(never, NEVER.map(str::to_owned).into());
    assert_eq!(library, LIBRARY.map(str::to_owned).into());
}

/// The files that a source includes outside of its tests, as they are written there.
fn included(text: &str) -> Vec<&str> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let names = ["include_str!(\"", "include_bytes!(\"", "include!(\""].into_iter();
    let names = names.flat_map(|call| text.split(call).skip(1));
    names.filter_map(|rest| rest.split('"').next()).collect()
}

/// `a/b/../c` as `a/c`; nothing where that leaves the folder.
fn within(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            part => out.push(part),
        }
    }
    Some(out)
}

#[test]
fn packages_have_all_that_they_are_built_of() {
    let (mut packages, mut files) = (0, 0);
    for (name, of) in crates() {
        if NEVER.contains(&name.as_str()) {
            continue;
        }
        let folder = Path::new(of["manifest_path"].as_str().expect("a path")).parent();
        let folder = folder.expect("a folder");
        let said = cargo(&[
            "package",
            "--list",
            "--offline",
            "--allow-dirty",
            "--package",
            &name,
        ]);
        let packaged: BTreeSet<&str> = said.lines().collect();
        assert!(packaged.contains("README.md"), "{name}: {packaged:?}");
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            assert!(packaged.contains(licence), "{name} has no {licence}");
            let text = fs::read_to_string(folder.join(licence)).expect("a licence");
            assert!(text == crate::read(licence), "{name}: another {licence}");
        }
        assert!(
            !packaged.iter().any(|file| file.ends_with("build.rs")),
            "{name}"
        );
        let mut all = Vec::new();
        sources(&folder.join("src"), &mut all);
        for path in all.iter().filter(|path| !path.ends_with("tests.rs")) {
            let path = path.strip_prefix(folder).expect("below its crate");
            assert!(
                packaged.contains(&*path.to_string_lossy()),
                "{name}: {path:?}"
            );
            let text = fs::read_to_string(folder.join(path)).expect("a source");
            for file in included(&text) {
                let place = path.with_file_name("").join(file);
                let place =
                    within(&place).unwrap_or_else(|| panic!("{name}: {path:?} includes {file}"));
                assert!(
                    packaged.contains(&*place.to_string_lossy()),
                    "{name}: {path:?} includes {file}, which is not packaged"
                );
                files += 1;
            }
        }
        packages += 1;
    }
    assert!(
        packages >= 11 && files >= 50,
        "{files} files in {packages} packages"
    );
}

/// Who depends on the library builds no parser for the catalogue, and no cryptography.
#[test]
fn the_library_brings_little_with_it() {
    let names = tree("vmlock-spec", "normal,build", &["--all-features"]);
    assert!(
        names.contains("vmlock-catalogue-types") && names.contains("schemars"),
        "{names:?}"
    );
    for absent in ["kdl", "sha2", "miette", "cc", "vmlock-catalogue-reader"] {
        assert!(!names.contains(absent), "vmlock-spec brings {absent}");
    }
}
