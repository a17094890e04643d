//! Files of a kind below folders, for commands that take a whole checkout. What git is told to ignore is left out, and
//! git's own folder; links to folders are not followed.

use crate::diagnostic::Diagnostic;
use crate::render::{Exit, Output};
use ignore::{DirEntry, Walk, WalkBuilder};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: PathBuf,
    /// Whether it was named; else it was found below a folder.
    pub named: bool,
}

/// What a command was given, with the files of that kind below each folder in its place, in the order of their names;
/// below the folder where one is, when nothing was given. A file that stands there twice is taken once.
///
/// Folders that cannot be read are told, and so is that there is no such file at all.
pub fn files(
    given: &[PathBuf],
    kind: &str,
    is: impl Fn(&str) -> bool,
    out: &mut Output,
) -> Vec<File> {
    let here = [PathBuf::from(".")];
    let given = match given {
        [] => &here,
        given => given,
    };
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(File {
                path: path.clone(),
                named: true,
            });
            continue;
        }
        let found = below(path, &is, out);
        if found.is_empty() {
            let shown = path.display();
            let words = format!("there is no {kind} in `{shown}` or below");
            let help = "name files or another folder; what `.gitignore` names is left out";
            out.fail(
                Exit::Usage,
                Diagnostic::error("usage::none-found", words).help(help),
            );
        }
        files.extend(found.into_iter().map(|path| File { path, named: false }));
    }
    let mut known = BTreeSet::new();
    let plain = |path: &Path| path.strip_prefix(".").unwrap_or(path).to_owned();
    files.retain(|file| known.insert(plain(&file.path)));
    files
}

/// Files below a folder whose names are of that kind.
pub fn below(folder: &Path, is: impl Fn(&str) -> bool, out: &mut Output) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in walk(folder) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let shown = folder.display().to_string();
                let words = format!("`{shown}` cannot be listed whole: {error}");
                let finding = Diagnostic::error("io::unreadable", words).in_file(shown);
                let help = "look at the path and its permissions";
                out.fail(Exit::Environment, finding.help(help));
                continue;
            }
        };
        found.extend(file_of(&entry, &is));
    }
    found.sort();
    found
}

/// The same, of a folder that can be listed whole and has at most so many entries.
///
/// # Errors
/// In words, why it is not listed.
pub fn at_most(
    most: usize,
    folder: &Path,
    is: impl Fn(&str) -> bool,
) -> Result<Vec<PathBuf>, String> {
    let shown = folder.display();
    let mut found = Vec::new();
    for (count, entry) in walk(folder).enumerate() {
        if count > most {
            return Err(format!("`{shown}` has more than {most} files and folders"));
        }
        let entry = entry.map_err(|error| format!("`{shown}` cannot be listed whole: {error}"))?;
        found.extend(file_of(&entry, &is));
    }
    found.sort();
    Ok(found)
}

fn walk(folder: &Path) -> Walk {
    // Other programs' lists of what they leave out say nothing here.
    let mut walk = WalkBuilder::new(folder);
    walk.ignore(false)
        .hidden(false)
        .filter_entry(|entry| entry.file_name() != ".git");
    walk.build()
}

/// A file of a kind.
fn file_of(entry: &DirEntry, is: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let file = entry.file_type().is_some_and(|kind| !kind.is_dir());
    // A name that is no text is told by whoever takes it.
    let path = entry.path();
    let fits = file && is(&entry.file_name().to_string_lossy());
    fits.then(|| path.strip_prefix(".").unwrap_or(path).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_too_much_in_it_is_not_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lsp");
        let rust = |name: &str| name.ends_with(".rs");
        let all = at_most(1000, &folder, rust).unwrap();
        assert!(all.contains(&folder.join("server.rs")));
        assert!(at_most(all.len() - 1, &folder, rust).is_err());
        assert!(at_most(1000, &folder.join("nowhere"), rust).is_err());
    }
}
