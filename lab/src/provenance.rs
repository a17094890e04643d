//! Of which source is what is made and checked in, the witness's images and the catalogue's tables: that stands beside
//! them, so that nobody runs an older witness, or another catalogue, than the one that can be read, on whatever machine.
//!
//! `witness/image/source` has a line with a digest for each image, for what tells of the tools, and for each file of the
//! source. Its first line is a digest of all others: two branches that both change the witness conflict there, and
//! neither side's line fits what a merge makes of the rest.

use crate::cache;
use crate::failure::{Failure, Result};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use vmlock_witness_image::{Front, SOURCES};

/// The image that `vmlock witness` writes, below the checkout.
pub const PORTABLE: &str = "compiler/witness.Image";

/// All images.
pub const IMAGES: [(Front, &str); 4] = [
    (Front::Portable, PORTABLE),
    (Front::Embedded, "runner/witness/embedded.bin"),
    (Front::Torture, "runner/witness/torture.bin"),
    (Front::Living, "runner/witness/living.bin"),
];

/// What made them.
pub const TOOLS: &str = "witness/image/tools";

/// A digest and a path in each line, below the checkout.
const SOURCE: &str = "witness/image/source";

/// What the first line calls the others.
const ALL: &str = "all lines below";

/// How a source's name ends, in a folder of which all is one: what editors put beside them is none.
const ENDINGS: [&str; 5] = ["rs", "s", "S", "ld", "toml"];

/// The catalogue: folders with KDL in them.
const CATALOGUE: &str = "spec/catalogue";

/// Of which catalogue the tables are: in Rust, after [`MADE_OF`].
const TABLES: &str = "spec/src/catalogue/tables/texts.rs";
const MADE_OF: &str = "pub static MADE_OF: &str = \"";

/// How the images are made anew.
pub const COMMAND: &str = "`cargo run -p vmlock-lab -- witness`";

/// The images that are there were made by these tools of this source, which [`source`] gave before that.
pub fn write(root: &Path, source: &str) -> Result<()> {
    cache::write(&root.join(SOURCE), whole(root, source)?.as_bytes())
}

/// Nobody runs a witness that is older than its source, or that something else was made of.
///
/// # Errors
/// Which files are others than those that were written down when the images were made.
pub fn check(root: &Path) -> Result<()> {
    let made = cache::read(&root.join(SOURCE))?;
    let made = String::from_utf8_lossy(&made).into_owned();
    let names = others(&made, &whole(root, &source(root)?)?);
    if names.is_empty() {
        return Ok(());
    }
    Err(Failure::environment(format!(
        "the witness's images are not known to be made of the source that is here: {SOURCE} has another digest of {}; \
         {COMMAND} makes images and digests anew",
        names.join(", ")
    )))
}

/// Nothing is built with tables of another catalogue than the one that is here.
///
/// # Errors
/// They are of another one.
pub fn check_tables(root: &Path) -> Result<()> {
    let catalogue = root.join(CATALOGUE);
    let entries = |folder: &Path| -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder).map_err(|e| Failure::file("read", folder, &e))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let paths = paths.collect::<std::io::Result<Vec<PathBuf>>>();
        paths.map_err(|e| Failure::file("read", folder, &e))
    };
    let mut lines = BTreeMap::new();
    for folder in entries(&catalogue)?.iter().filter(|path| path.is_dir()) {
        for path in entries(folder)? {
            if path.extension().is_some_and(|end| end == "kdl") {
                let name = path.strip_prefix(&catalogue).unwrap_or(&path);
                let name = name.to_string_lossy().into_owned();
                let line = format!("{}  {name}\n", cache::digest(&path)?);
                lines.insert(name, line);
            }
        }
    }
    let here = hex(&lines.into_values().collect::<String>());
    let tables = cache::read(&root.join(TABLES))?;
    let tables = String::from_utf8_lossy(&tables).into_owned();
    let made_of = tables.lines().find_map(|line| line.strip_prefix(MADE_OF));
    if made_of == Some(&format!("{here}\";")) {
        return Ok(());
    }
    Err(Failure::environment(format!(
        "the tables of vmlock-spec are not known to be made of the catalogue that is in {CATALOGUE}: {TABLES} has another \
         digest than {here}; `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables` makes them anew"
    )))
}

/// SHA-256 of a text.
fn hex(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What has another line in one than in the other; where that is nothing but the order of lines, the file itself.
fn others(made: &str, here: &str) -> Vec<String> {
    let lines = |of: &str, other: &str| -> Vec<String> {
        let changed = of.lines().filter(|line| !other.lines().any(|o| o == *line));
        let name = |line: &str| {
            let name = line.split_once("  ").map_or(line, |(_, name)| name);
            name.to_owned()
        };
        changed.map(name).collect()
    };
    let mut names = [lines(made, here), lines(here, made)].concat();
    names.sort();
    names.dedup();
    // It follows from the rest, and says something by itself alone.
    if names.len() > 1 {
        names.retain(|name| name != ALL);
    }
    if names.is_empty() && made != here {
        names.push(SOURCE.to_owned());
    }
    names
}

/// All that stands in [`SOURCE`].
fn whole(root: &Path, source: &str) -> Result<String> {
    let mut lines = String::new();
    for name in IMAGES.map(|(_, name)| name).into_iter().chain([TOOLS]) {
        let _ = writeln!(lines, "{}  {name}", cache::digest(&root.join(name))?);
    }
    lines += source;
    Ok(format!("{}  {ALL}\n{lines}", hex(&lines)))
}

/// A line for each file of which the images are made.
pub fn source(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for name in SOURCES {
        let path = root.join(name);
        match path.is_dir() {
            true => below(&path, &mut files)?,
            false => files.push(path),
        }
    }
    files.sort();
    let mut out = String::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path);
        let _ = writeln!(out, "{}  {}", cache::digest(&path)?, name.display());
    }
    Ok(out)
}

/// All sources of a folder.
fn below(folder: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|e| Failure::file("read", folder, &e))?;
    for entry in entries {
        let path = entry.map_err(|e| Failure::file("read", folder, &e))?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() {
            below(&path, out)?;
        } else if !hidden
            && path
                .extension()
                .is_some_and(|end| ENDINGS.iter().any(|e| end == *e))
        {
            out.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Scratch;
    use std::process::Command;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// Files that are tracked at these places.
    fn tracked(places: &[&str]) -> Vec<String> {
        let mut git = Command::new("git");
        git.current_dir(root())
            .args(["ls-files", "-z", "--"])
            .args(places);
        let said = git.output().expect("git runs");
        assert!(said.status.success(), "{said:?}");
        let said = String::from_utf8(said.stdout).expect("names are text");
        said.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn the_images_are_of_the_source_that_is_here() {
        if let Err(failure) = check(&root()) {
            panic!("{failure}");
        }
    }

    #[test]
    fn all_that_the_witness_is_made_of_is_its_source() {
        let source = source(&root()).expect("it can be read");
        let known: Vec<&str> = source
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(_, name)| name)
            .collect();
        let beside = [
            "witness/image/Cargo.toml",
            "witness/image/README.md",
            SOURCE,
            TOOLS,
        ];
        let mut seen = 0;
        for name in tracked(&["witness", "spec/wire/src", "spec/wire/Cargo.toml"]) {
            // One that was removed, and that is not yet committed, is no source.
            if beside.contains(&&*name) || !root().join(&name).exists() {
                continue;
            }
            assert!(known.contains(&&*name), "{name} is not among the sources");
            seen += 1;
        }
        assert!(seen > 40, "only {seen} files");
    }

    /// What the witness shares with its host is compiled in the witness's workspace, and takes nothing of the other one's
    /// `Cargo.toml` that changes its code: that file is no source.
    #[test]
    fn no_code_of_the_witness_hangs_on_the_workspace_around_it() {
        let manifest = cache::read(&root().join("spec/wire/Cargo.toml")).expect("a manifest");
        let manifest = String::from_utf8(manifest).expect("text");
        let (mut inherited, mut tables) = (Vec::new(), Vec::new());
        for line in manifest.lines() {
            let line = line.trim();
            if line.starts_with('[') {
                tables.push(line);
            }
            if line
                .split('#')
                .next()
                .is_some_and(|l| l.contains("workspace"))
            {
                inherited.push(line);
            }
        }
        assert_eq!(tables, ["[package]", "[lints]"]);
        let harmless = [
            "version.workspace = true",
            "license.workspace = true",
            "workspace = true",
        ];
        assert_eq!(inherited, harmless);
    }

    /// A checkout in which there are the images, the tools and the source.
    fn checkout() -> Scratch {
        let scratch = Scratch::new().expect("a folder");
        let source = source(&root()).expect("it can be read");
        let sources = source.lines().filter_map(|line| line.split_once("  "));
        let names = sources.map(|(_, name)| name);
        let made = IMAGES
            .map(|(_, name)| name)
            .into_iter()
            .chain([TOOLS, SOURCE]);
        for name in names.chain(made) {
            let bytes = cache::read(&root().join(name)).expect(name);
            cache::write(&scratch.path().join(name), &bytes).expect(name);
        }
        check(scratch.path()).unwrap_or_else(|failure| panic!("{failure}"));
        scratch
    }

    /// What is said of a checkout in which a file is another.
    fn said(checkout: &Scratch, name: &str, text: &[u8]) -> String {
        let path = checkout.path().join(name);
        let before = cache::read(&path).ok();
        cache::write(&path, text).expect(name);
        let said = check(checkout.path()).map_or_else(|f| f.to_string(), |()| String::new());
        match before {
            Some(bytes) => cache::write(&path, &bytes).expect(name),
            None => fs::remove_file(&path).expect(name),
        }
        said
    }

    #[test]
    fn whatever_is_another_is_named() {
        let checkout = checkout();
        let images = IMAGES.map(|(_, name)| name);
        let sources = [
            "witness/src/boot.s",
            "witness/src/one_more.rs",
            "spec/wire/src/lib.rs",
        ];
        for name in images.into_iter().chain([TOOLS]).chain(sources) {
            let said = said(&checkout, name, b"another");
            assert!(
                said.contains(&format!("another digest of {name};")),
                "{name}: {said}"
            );
        }
        for name in [
            "witness/src/boot.s~",
            "witness/src/.#boot.s",
            "witness/src/.boot.s.swp",
        ] {
            assert_eq!(said(&checkout, name, b"an editor's"), "", "{name}");
        }
    }

    /// Two branches change a file each, and whoever merges them takes one side's first line.
    #[test]
    fn neither_side_of_a_merge_fits_it() {
        let checkout = checkout();
        let ours = fs::read_to_string(checkout.path().join(SOURCE)).expect("text");
        let names = ["witness/src/boot.s", "witness/src/main.rs"];
        for name in names {
            cache::write(&checkout.path().join(name), b"theirs").expect(name);
        }
        let now = source(checkout.path()).expect("it can be read");
        let merged = whole(checkout.path(), &now).expect("it can be read");
        let (first, _) = ours.split_once('\n').expect("lines");
        let (_, rest) = merged.split_once('\n').expect("lines");
        let said = said(&checkout, SOURCE, format!("{first}\n{rest}").as_bytes());
        assert!(
            said.contains(&format!("another digest of {ALL};")),
            "{said}"
        );
    }

    #[test]
    fn tables_of_another_catalogue_are_refused() {
        let root = root();
        check_tables(&root).unwrap_or_else(|failure| panic!("{failure}"));
        let scratch = Scratch::new().expect("a folder");
        let names = tracked(&[CATALOGUE, TABLES]);
        let names = names.iter().filter(|n| n.ends_with(".kdl") || *n == TABLES);
        for name in names {
            let bytes = cache::read(&root.join(name)).expect(name);
            cache::write(&scratch.path().join(name), &bytes).expect(name);
        }
        let check =
            || check_tables(scratch.path()).map_or_else(|f| f.to_string(), |()| String::new());
        assert_eq!(check(), "");
        let names = ["cpus/neoverse-n1.kdl", "baselines/one-more.kdl"];
        for name in names.map(|name| scratch.path().join(CATALOGUE).join(name)) {
            let before = cache::read(&name).unwrap_or_default();
            cache::write(&name, &[&before[..], b"// another\n"].concat()).expect("written");
            assert!(check().contains("VMLOCK_UPDATE=1"), "{name:?}");
            match before.is_empty() {
                true => fs::remove_file(&name).expect("removed"),
                false => cache::write(&name, &before).expect("written"),
            }
        }
        assert_eq!(check(), "");
        fs::remove_file(scratch.path().join(CATALOGUE).join("cpus/neoverse-n1.kdl"))
            .expect("removed");
        assert!(check().contains("VMLOCK_UPDATE=1"));
    }
}
