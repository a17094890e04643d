//! Flags of `import`: a file that somebody else's program wrote.

use clap::Args;
use std::path::PathBuf;

const IMPORT_HELP: &str = r#"Examples:
  vmlock import fingerprint.json --name rack-7 -o rack-7.kdl   Firecracker's fingerprint, dump or CPU template
  vmlock import a.log --name rack-7 -o rack-7.kdl              what a portable witness printed, or `vmlock observe -o` wrote
  vmlock import /proc/cpuinfo --name rack-7                    of an arm64 machine

What it is, the file itself tells. Each of them knows a part of a CPU: what comes of it is a
part of a CPU model, for a description to `import`, with all that the file does not tell as
`unknown` and with the reason. A lock that would promise some of that is refused.

None of them says what a kernel can be made to show, so that no host report comes of them:
`vmlock-run probe` writes one on the host, and `vmlock cpu` a whole model of it."#;

/// Flags of `import`.
#[derive(Args)]
#[command(after_long_help = IMPORT_HELP)]
pub struct ImportFlags {
    /// The file.
    pub file: PathBuf,
    /// The name of the CPU model. Of CPUs of several kinds there are NAME-1, NAME-2 and so on.
    #[arg(long)]
    pub name: String,
    /// Write the file here instead of to stdout.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
