//! Locks that no description makes any more: what a rename leaves behind, with the version and the names that the
//! lock had pinned.

use super::Outcome;
use crate::compile::is_made;
use crate::diagnostic::{Diagnostic, Severity, join};
use crate::files;
use crate::shell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use vmlock_spec::lock::canonical;

/// The code of the warning.
pub const CODE: &str = "lock::orphan";

/// More of them are counted.
const LISTED_MAX: usize = 8;

/// One warning for each of these folders that holds such locks.
/// `made` are locks that are known to have a description.
pub fn warnings(
    folders: &BTreeSet<PathBuf>,
    outcomes: &[Outcome],
    made: &BTreeSet<PathBuf>,
) -> Vec<Diagnostic> {
    folders
        .iter()
        .filter_map(|f| warning(f, outcomes, made))
        .collect()
}

fn warning(folder: &Path, outcomes: &[Outcome], made: &BTreeSet<PathBuf>) -> Option<Diagnostic> {
    let orphans = orphans(folder, made);
    let first = orphans.first()?;
    // A new lock of a machine that an orphan is of: its file was renamed. One of a file whose lock an orphan was, by its
    // name: the machine was.
    let new = || outcomes.iter().filter(|o| o.is_new());
    let same_name =
        |outcome: &Outcome, orphan: &Path| name_in(orphan).as_ref() == Some(&outcome.name);
    let file = new().find_map(|outcome| {
        let of = orphans.iter().find(|orphan| same_name(outcome, orphan))?;
        Some((of, outcome, "the description"))
    });
    let machine = new().find_map(|outcome| {
        let of = orphans
            .iter()
            .find(|orphan| is_below(orphan, &outcome.spec))?;
        Some((of, outcome, "a machine"))
    });
    let renamed = file.or(machine);
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
        Some((orphan, Outcome { lock, spec, .. }, what)) => format!(
            "was {what} renamed? Then `mv {} {}` and `vmlock lock {}`: so its version is kept",
            shell::word(&orphan.display().to_string()),
            shell::word(lock),
            shell::word(spec)
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
fn orphans(folder: &Path, made: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let listed = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let entries = fs::read_dir(listed).into_iter().flatten().flatten();
    let orphan = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let stem = name.strip_suffix(".vm.lock.json");
        let path = folder.join(stem.filter(|s| !s.is_empty()).map(|_| &name)?);
        let has_one = made.contains(&path) || is_made(&path);
        (!has_one).then_some(path)
    };
    let mut list: Vec<PathBuf> = entries.filter_map(orphan).collect();
    list.sort();
    list
}

/// Whether a lock is called as one of a machine of that file is.
fn is_below(lock: &Path, spec: &str) -> bool {
    let of = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let spec = Path::new(spec);
    let stem = of(spec).and_then(|name| Some(name.rsplit_once(".vm.")?.0.to_owned()));
    let begins = stem.zip(of(lock)).is_some_and(|(stem, lock)| {
        let rest = lock.strip_prefix(&stem);
        rest.is_some_and(|rest| rest.starts_with('.'))
    });
    begins && lock.parent() == spec.parent()
}

/// The machine's name in a lock.
fn name_in(path: &Path) -> Option<String> {
    let bytes = files::read(path, canonical::SIZE_MAX).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(canonical::parse(&text).ok()?.name)
}
