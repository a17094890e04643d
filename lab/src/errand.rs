//! What a step of the tests wants done in a host. Errands to one kernel on one CPU share a boot (`step.rs`).

use std::path::PathBuf;
use std::time::Duration;

/// How long a run may take where its errand says nothing else.
pub const LIMIT: Duration = Duration::from_secs(400);

/// Runs of one program in one host.
pub struct Errand {
    /// The host's CPU.
    pub cpu: String,
    /// The series of its kernel.
    pub kernel: String,
    /// A static arm64 program.
    pub program: PathBuf,
    /// Whether the arguments are those of the host's shell, which has the program on its PATH.
    pub by_shell: bool,
    /// Files of the checkout that it needs beside those that its arguments name.
    pub with: Vec<String>,
    /// Disks of the host, `/dev/vda` and so on; those of all that go to one host are one behind the other.
    pub disks: Vec<PathBuf>,
    /// Modules of the host's kernel that it needs.
    pub modules: Vec<String>,
    /// Its arguments, for one run after the other.
    pub jobs: Vec<Vec<String>>,
    /// How long each run may take.
    pub limit: Duration,
}
