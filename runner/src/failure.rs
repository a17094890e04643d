//! What can go wrong, as something to say and an exit code: one place decides both.

use vmlock_spec::plan::Refusal;

/// Exit codes that every command shares.
pub mod exit {
    /// All is well.
    pub const OK: u8 = 0;
    /// Findings: the guest saw something else than was promised.
    pub const FINDINGS: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// This host cannot keep the lock.
    pub const REFUSED: u8 = 3;
    /// Something around us is missing: `/dev/kvm`, a file, memory.
    pub const ENVIRONMENT: u8 = 4;
    /// `start`: the guest asked for a reset.
    pub const RESET: u8 = 10;
    /// `start`: the guest crashed or did what nobody can answer.
    pub const BROKEN: u8 = 11;
    /// `start`: the guest asked to be hibernated (PSCI SYSTEM_OFF2).
    pub const HIBERNATE: u8 = 12;
    /// `start`: a thread of the runner did what its jail forbids.
    pub const JAIL: u8 = 13;
    /// A bug of ours.
    pub const BUG: u8 = 70;
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong.
    Usage(Trouble),
    /// Something around us is missing or broken.
    Environment(Trouble),
    /// This host cannot keep the lock: every reason.
    Refused(Vec<Refusal>),
}

/// What is wrong and what to do about it.
#[derive(Debug)]
pub struct Trouble {
    /// What, where and why.
    pub message: String,
    /// What next.
    pub help: Vec<String>,
}

impl Failure {
    /// A wrong command line.
    pub fn usage(message: impl Into<String>, help: &[&str]) -> Self {
        Self::Usage(Trouble::new(message, help))
    }

    /// Something around us is missing or broken.
    pub fn environment(message: impl Into<String>, help: &[&str]) -> Self {
        Self::Environment(Trouble::new(message, help))
    }
}

impl Trouble {
    fn new(message: impl Into<String>, help: &[&str]) -> Self {
        Self {
            message: message.into(),
            help: help.iter().map(|&h| h.to_owned()).collect(),
        }
    }
}
