//! Which crates a program is made of, as cargo knows them.

use super::surroundings::Surroundings;
use crate::cache;
use crate::cross;
use crate::failure::{Failure, Result};
use crate::tools;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A crate that is in a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Under which terms, an SPDX expression.
    pub license: String,
    /// The digest of its package, of one that is not of this checkout.
    pub checksum: Option<String>,
    /// Where its source is.
    pub folder: PathBuf,
    /// What of the others it needs, by [`Crate::id`].
    pub needs: Vec<String>,
}

impl Crate {
    /// What no other one is called.
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// The crates that are in the program of a package for a target, itself among them, in the order of their names. What is
/// of use while it is built alone is not among them: build scripts, macros, tests.
pub fn within(
    root: &Path,
    surroundings: &Surroundings,
    package: &str,
    triple: &str,
) -> Result<Vec<Crate>> {
    let tree = cargo(
        root,
        surroundings,
        &[
            "tree",
            "--locked",
            "--package",
            package,
            "--target",
            triple,
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ],
    )?;
    let within = named(&String::from_utf8_lossy(&tree));
    let known = cargo(
        root,
        surroundings,
        &[
            "metadata",
            "--locked",
            "--format-version",
            "1",
            "--filter-platform",
            triple,
        ],
    )?;
    let known: Value = serde_json::from_slice(&known)
        .map_err(|e| Failure::environment(format!("cargo's metadata is no JSON: {e}")))?;
    let lock = cache::read(&root.join("Cargo.lock"))?;
    picked(&known, &within, &checksums(&String::from_utf8_lossy(&lock)))
}

fn cargo(root: &Path, surroundings: &Surroundings, arguments: &[&str]) -> Result<Vec<u8>> {
    let mut cargo = cross::cargo_in(root);
    cargo.args(arguments);
    let (status, out) = tools::output(&mut surroundings.around(cargo))?;
    match status.success() {
        true => Ok(out),
        false => Err(Failure::environment(format!(
            "`cargo {}` ended with {status}; its own messages are above",
            arguments.join(" ")
        ))),
    }
}

/// Lines `name v1.2.3`, with more behind, as ids.
fn named(tree: &str) -> BTreeSet<String> {
    let id = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some(format!("{name}@{}", rest.split(' ').next()?))
    };
    tree.lines().filter_map(id).collect()
}

/// The digests in a `Cargo.lock`, by id.
fn checksums(lock: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for stanza in lock.split("[[package]]") {
        let value = |key: &str| {
            let mut lines = stanza.lines();
            lines.find_map(|line| {
                line.strip_prefix(key)?
                    .strip_prefix(" = \"")?
                    .strip_suffix('"')
            })
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (value("name"), value("version"), value("checksum"))
        {
            found.insert(format!("{name}@{version}"), checksum.to_owned());
        }
    }
    found
}

/// What `cargo metadata` says of those within.
fn picked(
    known: &Value,
    within: &BTreeSet<String>,
    checksums: &BTreeMap<String, String>,
) -> Result<Vec<Crate>> {
    let missing = |what: &str| Failure::environment(format!("cargo's metadata has no {what}"));
    let packages = known["packages"]
        .as_array()
        .ok_or_else(|| missing("packages"))?;
    let nodes = known["resolve"]["nodes"]
        .as_array()
        .ok_or_else(|| missing("resolve"))?;
    let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let name = |of: &Value| format!("{}@{}", text(of, "name"), text(of, "version"));
    let ids: BTreeMap<String, String> = packages.iter().map(|p| (text(p, "id"), name(p))).collect();
    let mut needs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for node in nodes {
        let deps = node["deps"].as_array().into_iter().flatten();
        let is_normal = |dep: &&Value| {
            let mut kinds = dep["dep_kinds"].as_array().into_iter().flatten();
            kinds.any(|kind| kind["kind"].is_null())
        };
        let mut of: Vec<String> = deps
            .filter(is_normal)
            .filter_map(|dep| ids.get(dep["pkg"].as_str()?))
            .filter(|id| within.contains(*id))
            .cloned()
            .collect();
        of.sort();
        of.dedup();
        needs.insert(node["id"].as_str().unwrap_or_default(), of);
    }
    let mut crates = Vec::new();
    for package in packages.iter().filter(|p| within.contains(&name(p))) {
        let id = name(package);
        let checksum = checksums.get(&id).cloned();
        if checksum.is_none() && !package["source"].is_null() {
            return Err(missing(&format!("digest of {id}, nor has Cargo.lock")));
        }
        let Some(license) = package["license"].as_str() else {
            return Err(missing(&format!("terms of {id}")));
        };
        crates.push(Crate {
            name: text(package, "name"),
            version: text(package, "version"),
            // An older way to write it.
            license: license.replace('/', " OR ").replace("  ", " "),
            checksum,
            folder: Path::new(&text(package, "manifest_path"))
                .parent()
                .map(Path::to_owned)
                .unwrap_or_default(),
            needs: needs
                .remove(text(package, "id").as_str())
                .unwrap_or_default(),
        });
    }
    crates.sort_by_key(Crate::id);
    match crates.len() == within.len() {
        true => Ok(crates),
        false => Err(missing("package of each crate that cargo's tree names")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_within_is_told_with_terms_digest_and_needs() {
        let within = named("own v0.1.0 (/some/where)\na v1.2.3\n\na v1.2.3 (*)\n");
        assert_eq!(within.iter().collect::<Vec<_>>(), ["a@1.2.3", "own@0.1.0"]);
        let sums = checksums(
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\nchecksum = \"00ff\"\n\n\
             [[package]]\nname = \"own\"\nversion = \"0.1.0\"\n",
        );
        assert_eq!(
            sums,
            BTreeMap::from([("a@1.2.3".to_owned(), "00ff".to_owned())])
        );
        let mut known = json!({
            "packages": [
                { "id": "1", "name": "own", "version": "0.1.0", "license": "MIT", "source": null, "manifest_path": "/o/Cargo.toml" },
                { "id": "2", "name": "a", "version": "1.2.3", "license": "MIT/Apache-2.0", "source": "r", "manifest_path": "/a/Cargo.toml" },
                { "id": "3", "name": "b", "version": "1.0.0", "license": null, "source": "r", "manifest_path": "/b/Cargo.toml" },
            ],
            "resolve": { "nodes": [
                { "id": "1", "deps": [
                    { "pkg": "2", "dep_kinds": [{ "kind": null }] },
                    { "pkg": "3", "dep_kinds": [{ "kind": "dev" }] },
                ] },
                { "id": "2", "deps": [] },
            ] },
        });
        let crates = picked(&known, &within, &sums).unwrap();
        assert_eq!(crates.len(), 2);
        assert_eq!(crates[0].license, "MIT OR Apache-2.0");
        assert_eq!(crates[0].checksum.as_deref(), Some("00ff"));
        assert_eq!(crates[0].folder, Path::new("/a"));
        assert_eq!(crates[1].needs, ["a@1.2.3"]);
        assert_eq!(crates[1].checksum, None);
        // Nothing is told that is not known.
        assert!(picked(&known, &within, &BTreeMap::new()).is_err());
        known["packages"][1]["license"] = json!(null);
        assert!(picked(&known, &within, &sums).is_err());
        known["packages"].as_array_mut().unwrap().remove(1);
        assert!(picked(&known, &within, &sums).is_err());
    }
}
