//! `vmlock git`: drivers by which git merges locks and shows them, and how git is told of them.

mod merge;
mod setup;

use crate::command::read;
use crate::command::unreadable;
use crate::fields;
use crate::files;
use crate::flags::{GitCommand, GitFlags};
use crate::render::{Exit, Output};
use std::path::Path;
use vmlock_spec::lock::canonical;

/// Runs one of the verbs below it.
pub fn run(flags: &GitFlags, out: &mut Output) {
    match &flags.command {
        GitCommand::Setup(flags) => setup::run(flags, out),
        GitCommand::Merge(flags) => merge::run(flags, out),
        GitCommand::Text(flags) => text(&flags.file, out),
    }
}

/// A lock as git's diff shows it, a field to a line. A file that is none is shown as it is: git takes anything else for a
/// failure, and shows nothing.
fn text(path: &Path, out: &mut Output) {
    let lock = read(path, canonical::SIZE_MAX).map(|text| canonical::parse(&text));
    if let Ok(Ok(lock)) = lock {
        return out.lines(fields::of(&lock));
    }
    match files::read(path, canonical::SIZE_MAX) {
        Ok(bytes) => out.verbatim(&String::from_utf8_lossy(&bytes)),
        Err(error) => out.fail(Exit::Environment, unreadable(path, &error)),
    }
}
