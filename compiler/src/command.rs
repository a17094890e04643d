//! The verbs, one to a file.

pub mod adopt;
pub mod audit;
pub mod baselines;
pub mod check;
pub mod common;
pub mod completions;
pub mod convert;
pub mod cpu;
pub mod diff;
pub mod drift;
pub mod editor_setup;
pub mod explain;
pub mod export;
pub mod fleet;
pub mod fmt;
pub mod git;
pub mod import;
pub mod init;
pub mod labels;
pub mod lock;
pub mod observe;
mod reference;
pub mod schema;
pub mod witness;

use crate::diagnostic::{Diagnostic, join};
use crate::files;
use crate::flags::Which;
use crate::language::json;
use crate::location::Source;
use crate::shell;
use sha2::{Digest as _, Sha256};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::sync::Arc;
use vmlock_saved::{Refused, Saved, file};
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::observation::account::{self, Account};
use vmlock_spec::observation::log;
use vmlock_spec::report::{self, HostReport, Imported, ReportError};
use vmlock_spec::vm::Feature;

/// What to say of a file that cannot be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let shown = path.display().to_string();
    let help = match error.kind() {
        ErrorKind::NotFound => "look at the path; it is relative to the folder you are in",
        _ if path.is_dir() => "name the file in it that is meant",
        ErrorKind::InvalidInput => "name a file; what a pipe gives can be written into one first",
        _ => "look at the path and its permissions",
    };
    let words = format!("`{shown}` cannot be read: {error}");
    Diagnostic::error("io::unreadable", words)
        .in_file(shown)
        .help(help)
}

/// What to say of a file that cannot be written.
fn unwritable(shown: &str, error: &io::Error) -> Diagnostic {
    let words = format!("`{shown}` cannot be written: {error}");
    Diagnostic::error("io::unwritable", words)
        .in_file(shown)
        .help("look at the folder's permissions and at the space on the disk")
}

/// Reads a file that is a lock or a report: at most `limit` bytes of UTF-8.
fn read(path: &Path, limit: usize) -> Result<String, Diagnostic> {
    let bytes = files::read(path, limit).map_err(|e| unreadable(path, &e))?;
    String::from_utf8(bytes).map_err(|e| {
        let offset = e.utf8_error().valid_up_to();
        let words = format!("it is not UTF-8 (offset {offset})");
        unreadable(path, &io::Error::new(ErrorKind::InvalidData, words))
    })
}

/// The SHA-256 of a text, in hex.
fn digest_of(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What to say of a description where a lock belongs; `None` for other files.
fn description(path: &Path) -> Option<Diagnostic> {
    crate::compile::lock_path(path)?;
    let shown = path.display().to_string();
    let locks = crate::compile::locks_of(path).into_iter();
    let locks: Vec<String> = locks.map(|lock| format!("`{}`", lock.display())).collect();
    let (which, them) = match locks.len() {
        1 => ("its lock is", "it"),
        _ => ("its locks are", "them"),
    };
    let words = format!("`{shown}` is a description, not a lock");
    Some(
        Diagnostic::error("lock::invalid", words)
            .in_file(&shown)
            .help(format!(
                "{which} {}; `vmlock lock {}` makes {them}",
                join(&locks),
                shell::word(&shown)
            )),
    )
}

/// Reads a lock.
fn read_lock(path: &Path) -> Result<Lock, Diagnostic> {
    if let Some(diagnostic) = description(path) {
        return Err(diagnostic);
    }
    let text = read(path, canonical::SIZE_MAX)?;
    parse_lock(path, text).map(|(lock, _)| lock)
}

/// Parses a lock's text, and hands the text back.
fn parse_lock(path: &Path, text: String) -> Result<(Lock, String), Diagnostic> {
    let error = match canonical::parse(&text) {
        Ok(lock) => return Ok((lock, text)),
        Err(error) => error,
    };
    use canonical::LockError;
    let code = match &error {
        LockError::ConflictMarker { .. } => "lock::conflict-marker",
        LockError::Newer { .. } => "lock::newer",
        _ => "lock::invalid",
    };
    let shown = path.display().to_string();
    let help = match code {
        "lock::conflict-marker" => "resolve the merge in the description, then run `vmlock lock`",
        "lock::newer" => {
            "where it shall be one of this program's: remove it, and run `vmlock lock`"
        }
        _ => "a lock is made by `vmlock lock`, never by hand: run it again on the description",
    };
    let words = match &error {
        LockError::Malformed {
            line,
            column,
            message,
        } => {
            let which = json::of_lock(&text);
            let source = Arc::new(Source { path: shown, text });
            let met = (*line, *column, message.as_str());
            let mut member = json::unlike(&source, (which, "lock", code), met);
            member.help = vec![help.to_owned()];
            return Err(member);
        }
        LockError::ConflictMarker { .. } => {
            "a merge left its conflict markers in this lock".to_owned()
        }
        other => other.to_string(),
    };
    // Where nothing is pointed at, the words say which file it is.
    let words = match &error {
        LockError::ConflictMarker { .. } => words,
        _ => format!("`{shown}`: {words}"),
    };
    let diagnostic = Diagnostic::error(code, words).in_file(&shown).help(help);
    Err(match error {
        LockError::ConflictMarker { line } => {
            let at = json::offset(&text, line, 1);
            let source = Arc::new(Source { path: shown, text });
            diagnostic.at(&source, at..at, "here")
        }
        _ => diagnostic,
    })
}

/// The line of a description that turns a vCPU feature on.
fn feature_line(feature: Feature, vector_lengths: &[u32]) -> String {
    let mut line = feature.name().to_owned();
    if feature == Feature::Sve {
        for length in vector_lengths {
            line.push_str(&format!(" {length}"));
        }
    }
    line
}

/// Reads what a portable witness saw: the log of its console, or what `vmlock observe` made of one.
fn read_observed(path: &Path) -> Result<Account, Diagnostic> {
    let shown = path.display().to_string();
    let bytes = files::read(path, account::SIZE_MAX).map_err(|e| unreadable(path, &e))?;
    if bytes.len() > account::SIZE_MAX {
        let words = format!("`{shown}` is larger than {} MiB", account::SIZE_MAX >> 20);
        return Err(Diagnostic::error("observed::invalid", words)
            .in_file(shown)
            .help("cut out what the witness printed"));
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        let text = String::from_utf8_lossy(&bytes);
        return account::parse(&text).map_err(|words| {
            let value = serde_json::from_str(&text);
            let kind = value.as_ref().ok().and_then(json::what_it_is);
            let words = match kind.filter(|kind| kind.starts_with("a ")) {
                Some(kind) => format!("this is {kind}, not what a witness saw"),
                None => words,
            };
            Diagnostic::error("observed::invalid", format!("`{shown}`: {words}"))
                .in_file(shown)
                .help("make it with `vmlock observe -o` from a log")
        });
    }
    log::read(&bytes).map_err(|damage| {
        Diagnostic::error("observed::damaged", format!("`{shown}`: {damage}"))
            .in_file(shown)
            .help(damage.help)
    })
}

/// Whether a file begins as a saved guest does.
fn is_saved(path: &Path) -> bool {
    let mut head = Vec::new();
    let begin = file::HEADER_BYTES as u64;
    let read = files::open(path).and_then(|file| file.take(begin).read_to_end(&mut head));
    read.is_ok() && file::is_saved(&head)
}

/// Reads a saved guest, but for its memory.
fn read_saved(path: &Path) -> Result<Saved, Diagnostic> {
    let file = files::open(path).map_err(Refused::from);
    file.and_then(|file| vmlock_saved::open(&file))
        .map_err(|refused| match refused {
            Refused::Unreadable(error) => unreadable(path, &error),
            Refused::Wrong { .. } => {
                let shown = path.display().to_string();
                let words = format!("no guest can be restored from `{shown}`: {refused}");
                Diagnostic::error("saved::invalid", words)
                    .in_file(shown)
                    .help(
                        "take another copy of the file, or a guest that was saved at another time",
                    )
            }
        })
}

/// Reads a host report.
fn read_report(path: &Path) -> Result<HostReport, Diagnostic> {
    const CODE: &str = "report::invalid";
    let text = read(path, report::SIZE_MAX)?;
    report::read(&text).map_err(|error| {
        let shown = path.display().to_string();
        let help = match error {
            ReportError::Newer { .. } => {
                "or make it anew on its host, with the `vmlock-run probe` of this release"
            }
            _ => "make it on the host with `vmlock-run probe`",
        };
        if let ReportError::Malformed {
            line,
            column,
            message,
        } = &error
        {
            let source = Arc::new(Source { path: shown, text });
            let met = (*line, *column, message.as_str());
            let mut member = json::unlike(&source, (Which::Host, "report", CODE), met);
            member.help = vec![help.to_owned()];
            return member;
        }
        Diagnostic::error(CODE, format!("`{shown}`: {error}"))
            .in_file(shown)
            .help(help)
    })
}

/// Reads a host report of what was tried on its host: one that was imported tells nothing of that.
fn read_tried(path: &Path) -> Result<HostReport, Diagnostic> {
    let report = read_report(path)?;
    match &report.imported {
        None => Ok(report),
        Some(imported) => Err(untried(&path.display().to_string(), imported)),
    }
}

/// What to say of a report that was imported where one is needed of what was tried.
fn untried(shown: &str, imported: &Imported) -> Diagnostic {
    let words = format!(
        "`{shown}` was imported ({}): it says what one guest was shown there, and not what that host's kernel can be made to show",
        imported.of
    );
    Diagnostic::error("report::imported", words)
        .in_file(shown)
        .help("make a report on the host with `vmlock-run probe`")
}
