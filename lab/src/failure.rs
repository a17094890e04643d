//! What can go wrong in the lab itself, as opposed to in the program it runs,
//! and the exit code each kind ends with.

use std::fmt;
use std::io::{self, ErrorKind, Write as _};

/// Everything was done and found good.
pub const OK: u8 = 0;
/// The lab did its work and found something to report.
pub const FINDINGS: u8 = 1;
/// The command line asks for something that does not exist.
pub const USAGE: u8 = 2;
/// Something outside the lab is missing or failed.
pub const ENVIRONMENT: u8 = 4;
/// The lab contradicts itself.
pub const BUG: u8 = 70;
/// 128 + SIGINT, as shells report it.
pub const INTERRUPTED: u8 = 130;

/// A failure of the lab: a sentence for the user, and the code to end with.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
    /// Whether an emulated host crashed or stood still, in the middle of its work.
    crash: bool,
}

/// The lab's results.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The command line asks for something that does not exist.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: USAGE,
            crash: false,
        }
    }

    /// Something outside the lab is missing or failed.
    pub fn environment(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: ENVIRONMENT,
            crash: false,
        }
    }

    /// The lab contradicts itself.
    pub fn bug(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: BUG,
            crash: false,
        }
    }

    /// The user or a supervisor asked to stop.
    pub fn interrupted() -> Self {
        Self {
            message: "interrupted".to_owned(),
            code: INTERRUPTED,
            crash: false,
        }
    }

    /// An operation on a file failed: says which and on what.
    pub fn file(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::environment(format!("cannot {what} {}: {error}", path.display()))
    }

    /// An emulated host crashed or stood still, in the middle of its work.
    pub fn crash(message: impl Into<String>) -> Self {
        Self {
            crash: true,
            ..Self::environment(message)
        }
    }

    /// Whether it is one of [`Failure::crash`].
    pub fn is_crash(&self) -> bool {
        self.crash
    }

    /// The process exit code for this failure.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A word to the user on stderr, with the program's name in front.
pub fn say(message: impl fmt::Display) {
    // Where nobody reads it, the exit code still says how it ended.
    let _ = writeln!(io::stderr(), "vmlock-lab: {message}");
}

/// A line of a result, on stdout. A reader that has gone is no failure.
pub fn tell(line: impl fmt::Display) -> Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) => unwritten(&error),
        Ok(()) => Ok(()),
    }
}

/// What comes of a result that cannot be written to stdout.
pub fn unwritten(error: &io::Error) -> Result<()> {
    match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::environment(format!(
            "the result cannot be written to stdout: {error}"
        ))),
    }
}
