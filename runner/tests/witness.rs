//! The witness's images that are built into the runner are those of which `witness/image/source` says that the source that
//! is here made them. A plain `cargo build` takes the images as they are and asks nobody; this asks.

use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// How images and digests are made anew.
const COMMAND: &str = "`cargo run -p vmlock-lab -- witness` makes images and digests anew";

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_images_are_of_the_source_that_is_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("witness/image/source")).expect("the source's digests");
    let (first, rest) = text.split_once('\n').expect("lines");
    assert_eq!(
        first,
        format!("{}  all lines below", digest(rest.as_bytes())),
        "the lines of witness/image/source are not of one run; {COMMAND}"
    );
    let (mut names, mut others) = (Vec::new(), Vec::new());
    for line in rest.lines() {
        let (known, name) = line.split_once("  ").expect("a digest and a path");
        if fs::read(root.join(name)).map_or(true, |bytes| digest(&bytes) != known) {
            others.push(name);
        }
        names.push(name);
    }
    assert!(others.is_empty(), "another digest of {others:?}; {COMMAND}");
    let images = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("witness"));
    let mut embedded = 0;
    for image in images.expect("the images").flatten() {
        let name = format!("runner/witness/{}", image.file_name().to_string_lossy());
        assert!(names.contains(&&*name), "{name} is of no source; {COMMAND}");
        embedded += 1;
    }
    assert_eq!(embedded, 3);
    for part in ["witness/src/", "spec/wire/src/"] {
        assert!(names.iter().any(|name| name.starts_with(part)), "{part}");
    }
}
