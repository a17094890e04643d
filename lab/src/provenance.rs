//! Of which source the witness's images are that are checked in: it stands beside them, so that nobody runs an older
//! witness than the one that can be read, on whatever machine.

use crate::cache;
use crate::failure::{Failure, Result};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use vmlock_witness_image::SOURCES;

/// A digest and a path in each line, below the checkout.
const SOURCE: &str = "witness/image/source";

/// How the images are made anew.
pub const COMMAND: &str = "`cargo run -p vmlock-lab -- witness`";

/// The images were made just now.
pub fn write(root: &Path) -> Result<()> {
    cache::write(&root.join(SOURCE), source(root)?.as_bytes())
}

/// Nobody runs a witness that is older than its source.
///
/// # Errors
/// Which files changed since the images were made.
pub fn check(root: &Path) -> Result<()> {
    let made = cache::read(&root.join(SOURCE))?;
    let made = String::from_utf8_lossy(&made).into_owned();
    let here = source(root)?;
    if made == here {
        return Ok(());
    }
    let lines = |of: &str, other: &str| -> Vec<String> {
        let changed = of.lines().filter(|line| !other.lines().any(|o| o == *line));
        let names = changed.filter_map(|line| line.split_once("  "));
        names.map(|(_, name)| name.to_owned()).collect()
    };
    let mut names = [lines(&made, &here), lines(&here, &made)].concat();
    names.sort();
    names.dedup();
    Err(Failure::environment(format!(
        "the witness's images are of an older source, {} changed; {COMMAND} makes them anew",
        names.join(", ")
    )))
}

/// A line for each file of which the images are made.
fn source(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for name in SOURCES {
        below(&root.join(name), &mut files)?;
    }
    files.sort();
    let mut out = String::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path);
        let _ = writeln!(out, "{}  {}", cache::digest(&path)?, name.display());
    }
    Ok(out)
}

/// A file, or all files of a folder.
fn below(path: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        out.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|e| Failure::file("read", path, &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Failure::file("read", path, &e))?;
        below(&entry.path(), out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_are_of_the_source_that_is_here() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let source = source(&root).expect("it can be read");
        for name in [
            "witness/src/main.rs",
            "witness/src/boot.s",
            "spec/wire/src/lib.rs",
        ] {
            assert!(source.contains(name), "{name} is not among the sources");
        }
        if let Err(failure) = check(&root) {
            panic!("{failure}");
        }
    }
}
