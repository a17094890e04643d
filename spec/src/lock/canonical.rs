//! The lock's bytes: a byte-stable writer and a strict reader of every version.
//!
//! Two spaces, LF, a final newline, keys in the order of the types; version 1 has
//! a field to a line, later ones a fact. `write(parse(x)) == x` for everything
//! that was written here, in any version.

use super::consistent::consistent;
use super::{LOCK_VERSION, Lock, v1, v2};
use crate::json;
use crate::machine;
use serde::Deserialize;
use std::{fmt, iter, mem};

/// Largest lock that is read, in bytes. Real ones have some 40 kB.
pub const SIZE_MAX: usize = 4 << 20;

/// Why a text is no lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockError {
    /// It is larger than [`SIZE_MAX`].
    TooLarge,
    /// A merge left its markers in the file.
    ConflictMarker {
        /// Line number, from 1.
        line: usize,
    },
    /// It was made by a newer vmlock.
    Newer {
        /// The `lockVersion` that it says.
        version: u32,
    },
    /// It is not JSON, lacks something, or has something unknown.
    Malformed {
        /// Line number, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the reader met there.
        message: String,
    },
    /// It parses and yet contradicts itself.
    Inconsistent(String),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::TooLarge => write!(f, "the lock is larger than {} MiB", SIZE_MAX >> 20),
            LockError::ConflictMarker { line } => {
                write!(
                    f,
                    "line {line} is a merge conflict marker: merge the spec, then run `vmlock lock`"
                )
            }
            LockError::Newer { version } => write!(
                f,
                "lockVersion {version} is newer than this program's {LOCK_VERSION}: use the vmlock that made it, or a newer one"
            ),
            LockError::Malformed {
                line,
                column,
                message,
            } => {
                write!(f, "line {line}, column {column}: {message}")
            }
            LockError::Inconsistent(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for LockError {}

/// The canonical bytes of a lock, in its own version.
pub fn write(lock: &Lock) -> String {
    // Serialising plain structs with string keys cannot fail.
    const ALWAYS: &str = "a lock is always representable";
    if lock.lock_version == v1::VERSION {
        let shape = v1::LockShape::from(lock);
        let mut text = serde_json::to_string_pretty(&shape).expect(ALWAYS);
        text.push('\n');
        return text;
    }
    match lock.lock_version {
        v2::VERSION => json::to_lines(&v2::LockShape::from(lock)),
        _ => json::to_lines(lock),
    }
    .expect(ALWAYS)
}

/// The digest of a lock's text, in the form in which locks have those of other files.
pub fn digest(text: &str) -> String {
    machine::tree_digest(text.as_bytes())
}

/// Reads a lock, strictly: no unknown fields, no newer version, nothing that contradicts itself.
///
/// # Errors
/// [`LockError`] says what and where.
pub fn parse(text: &str) -> Result<Lock, LockError> {
    if text.len() > SIZE_MAX {
        return Err(LockError::TooLarge);
    }
    // No JSON has a line that begins so: markers are looked for in what is none.
    read(text).map_err(|error| match conflict_marker(text) {
        Some(line) => LockError::ConflictMarker { line },
        None => error,
    })
}

/// The line of the first marker that a merge left, from 1.
fn conflict_marker(text: &str) -> Option<usize> {
    let marker = |l: &str| {
        ["<<<<<<< ", "=======", ">>>>>>> "]
            .iter()
            .any(|m| l.starts_with(m))
    };
    text.lines().position(marker).map(|line| line + 1)
}

fn read(text: &str) -> Result<Lock, LockError> {
    let malformed = |e: serde_json::Error| LockError::Malformed {
        line: e.line(),
        column: e.column(),
        message: json::words(&e),
    };
    let version = match version_in(text) {
        Some(version @ ..=LOCK_VERSION) => version,
        // What the whole text says, before anything is made of that.
        _ => {
            let head: Head = json::from_str(text).map_err(malformed)?;
            head.lock_version
        }
    };
    if version > LOCK_VERSION {
        return Err(LockError::Newer { version });
    }
    let mut lock: Lock = match version {
        0 => {
            return Err(LockError::Inconsistent(
                "lockVersion 0 does not exist".into(),
            ));
        }
        v1::VERSION => {
            let shape: v1::LockShape = json::from_str(text).map_err(malformed)?;
            shape.read().map_err(LockError::Inconsistent)?
        }
        v2::VERSION => {
            let shape: v2::LockShape = json::from_str(text).map_err(malformed)?;
            shape.read()
        }
        _ => json::from_str(text).map_err(malformed)?,
    };
    if lock.lock_version != version {
        return Err(LockError::Inconsistent(
            "it says two versions of itself".into(),
        ));
    }
    consistent(&lock).map_err(LockError::Inconsistent)?;
    described(&mut lock).map_err(LockError::Inconsistent)?;
    Ok(lock)
}

/// The version of the lock in a text that may be none any more: after a merge, say.
pub fn version_in(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("\"lockVersion\":")?;
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

/// The device tree says what the rest of the lock does, to the byte: nothing else compares them.
fn described(lock: &mut Lock) -> Result<(), String> {
    if lock.lock_version == v1::VERSION {
        let found = mem::take(&mut lock.device_tree.bytes);
        machine::describe(lock);
        return match machine::difference(&lock.device_tree.bytes, &found) {
            None => Ok(()),
            Some(words) => Err(format!(
                "the device tree and the machine contradict each other: {words}"
            )),
        };
    }
    let made = machine::device_tree(lock);
    let (words, bytes) = (made.words(), made.bytes());
    let found = &mut lock.device_tree;
    let (mut lines, mut others) = (words.lines(), found.text.iter().map(String::as_str));
    let mut pairs = iter::from_fn(|| match (lines.next(), others.next()) {
        (None, None) => None,
        pair => Some(pair),
    });
    if let Some((line, other)) = pairs.find(|(line, other)| line != other) {
        let words = |line: Option<&str>| match line {
            Some(line) => format!("`{}`", line.trim().escape_debug()),
            None => "nothing more".to_owned(),
        };
        return Err(format!(
            "the device tree and the machine contradict each other: it says {} where the machine makes it {}",
            words(other),
            words(line)
        ));
    }
    if bytes.len() as u64 > super::consistent::TREE_SIZE {
        return Err("the device tree is larger than what is kept for it".into());
    }
    if found.digest != machine::tree_digest(&bytes) {
        return Err("the digest of the device tree is not that of its text".into());
    }
    found.bytes = bytes;
    Ok(())
}

/// The version is readable before the body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    lock_version: u32,
}
