//! The recorded reports, which lie beside this crate as JSON files, against what is packed of them: byte by byte.
//! `vmlock-lab record --pack` packs those anew that are others; it does not need this crate to be built.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use vmlock_recorded_hosts::RECORDED;

/// The most that all of them may add to a program, in bytes.
const SIZE_MAX: u64 = 1_000_000;

/// How they are packed anew.
const UPDATE: &str = "cargo run -p vmlock-lab -- record --pack";

/// Files of a folder of this crate that end so, by their names without that end.
fn listed(folder: &Path, end: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("a name in UTF-8"));
    names
        .filter_map(|name| Some(name.strip_suffix(end)?.to_owned()))
        .collect()
}

#[test]
fn what_is_packed_is_what_was_recorded() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let packed = folder.join("packed");
    let (mut known, mut others, mut size) = (BTreeSet::new(), Vec::new(), 0);
    for host in RECORDED {
        let series = host.name.strip_prefix("kvm-").expect("it begins so");
        let name = format!("{}-{series}", host.cpu);
        let path = folder.join(format!("{name}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let frame = packed.join(format!("{name}.zst"));
        if host.report().as_ref() != Some(&text) {
            others.push(name.clone());
        }
        size += fs::metadata(&frame).expect("it is packed").len();
        known.insert(name);
    }
    assert!(
        others.is_empty(),
        "not packed as spec/catalogue/hosts has them: {others:?}; pack them anew: {UPDATE}"
    );
    assert!(known.len() >= 44, "only {} reports", known.len());
    assert_eq!(listed(&folder, ".json"), known);
    assert_eq!(listed(&packed, ".zst"), known);
    assert!(size < SIZE_MAX, "{size} bytes are packed");
}
