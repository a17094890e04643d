//! `vmlock completions` and `vmlock man`: both out of `flags.rs`. A completion script asks `vmlock` itself, which knows
//! the names (`complete.rs`).

use super::reference;
use crate::command::unwritable;
use crate::complete::ASKED;
use crate::flags::{CompletionsFlags, ManFlags, Shell};
use crate::manual;
use crate::render::{Exit, Output};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use std::path::Path;
use std::{fs, io};

/// Prints a completion script.
pub fn run(flags: &CompletionsFlags, out: &mut Output) {
    let mut script = Vec::new();
    let shell: &dyn EnvCompleter = match flags.shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Zsh => &Zsh,
    };
    // Writing to memory cannot fail.
    let _ = shell.write_registration(ASKED, "vmlock", "vmlock", "vmlock", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    out.lines(script.trim_end().lines());
    out.value("script", script);
}

/// Prints or writes manual pages, or those of the reference.
pub fn man(flags: &ManFlags, out: &mut Output) {
    let pages = match flags.reference {
        true => reference::pages(),
        false => match manual::pages() {
            Ok(pages) => pages
                .into_iter()
                .map(|(name, page)| (format!("{name}.1"), page))
                .collect(),
            Err(error) => return out.fail(Exit::Environment, unwritable("vmlock.1", &error)),
        },
    };
    for (path, page) in pages {
        let Some(folder) = &flags.folder else {
            return out.lines(page.trim_end().lines());
        };
        let path = folder.join(path);
        let shown = path.display().to_string();
        if let Err(error) = written(folder, &path, &page) {
            return out.fail(Exit::Environment, unwritable(&shown, &error));
        }
        out.line(shown);
    }
}

/// Writes a page into the folder, or one folder below it that is made where it is not there.
fn written(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    match path.parent() {
        Some(below) if below != folder && folder.is_dir() && !below.is_dir() => {
            fs::create_dir(below)?;
        }
        _ => {}
    }
    vmlock_atomic::replace(path, text)
}
