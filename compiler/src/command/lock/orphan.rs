//! Locks that no description makes any more: what a rename leaves behind, with the version and the names that the
//! lock had pinned.

use super::Outcome;
use crate::diagnostic::{Diagnostic, Severity, join};
use crate::files;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use vmlock_spec::lock::canonical;

/// The code of the warning.
pub const CODE: &str = "lock::orphan";

/// More of them are counted.
const LISTED_MAX: usize = 8;

/// One warning for each of these folders that holds such locks.
pub fn warnings(folders: &BTreeSet<PathBuf>, outcomes: &[Outcome]) -> Vec<Diagnostic> {
    folders
        .iter()
        .filter_map(|f| warning(f, outcomes))
        .collect()
}

fn warning(folder: &Path, outcomes: &[Outcome]) -> Option<Diagnostic> {
    let orphans = orphans(folder);
    let first = orphans.first()?;
    // A new lock of a machine that an orphan is of: that one was renamed.
    let renamed = outcomes.iter().filter(|o| o.is_new()).find_map(|outcome| {
        let of = orphans
            .iter()
            .find(|orphan| name_in(orphan).as_ref() == Some(&outcome.name))?;
        Some((of, &outcome.lock, &outcome.spec))
    });
    let mut names: Vec<String> = orphans
        .iter()
        .take(LISTED_MAX)
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if orphans.len() > LISTED_MAX {
        names.push(format!("{} more", orphans.len() - LISTED_MAX));
    }
    let words = match orphans.len() {
        1 => format!("{} has no description beside it", names[0]),
        _ => format!("{} have no description beside them", join(&names)),
    };
    let help = match renamed {
        Some((orphan, lock, spec)) => format!(
            "was the description renamed? Then `mv {} {lock}` and `vmlock lock {spec}`: so its version is kept",
            orphan.display()
        ),
        None => format!(
            "was a description renamed or removed? Move its lock along, or remove it: `{}` is held to nothing",
            first.display()
        ),
    };
    let mut warning = Diagnostic::error(CODE, words)
        .in_file(first.display().to_string())
        .help(help);
    warning.severity = Severity::Warning;
    Some(warning)
}

/// Locks of a folder without their descriptions, in the order of their names. What cannot be listed has none.
fn orphans(folder: &Path) -> Vec<PathBuf> {
    let listed = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let entries = fs::read_dir(listed).into_iter().flatten().flatten();
    let orphan = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let stem = name
            .strip_suffix(".vm.lock.json")
            .filter(|s| !s.is_empty())?;
        let forms = [".vm.kdl", ".vm.json"];
        let made = forms
            .iter()
            .any(|form| folder.join(format!("{stem}{form}")).exists());
        (!made).then(|| folder.join(&name))
    };
    let mut list: Vec<PathBuf> = entries.filter_map(orphan).collect();
    list.sort();
    list
}

/// The machine's name in a lock.
fn name_in(path: &Path) -> Option<String> {
    let bytes = files::read(path, canonical::SIZE_MAX).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(canonical::parse(&text).ok()?.name)
}
