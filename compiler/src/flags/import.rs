//! Flags of `import`: a file that somebody else's program wrote.

use crate::complete;
use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;
use std::path::PathBuf;

const IMPORT_HELP: &str = r#"Examples:
  vmlock import fingerprint.json --name rack-7 -o rack-7.kdl   Firecracker's fingerprint, dump or CPU template
  vmlock import a.log --name rack-7 -o rack-7.kdl              what a portable witness printed, or `vmlock observe -o` wrote
  vmlock import /proc/cpuinfo --name rack-7                    of an arm64 machine
  vmlock import web.args --name web --abi kvm-6.8 --cpu neoverse-n1 -o web.vm.kdl   a command line of QEMU's
  vmlock import web.xml --abi kvm-6.8 --cpu neoverse-n1 -o web.vm.kdl   a domain of libvirt's: `virsh dumpxml web`
  vmlock import rack-7.xml -o rack-7.kdl                       what `virsh capabilities` prints on an arm64 host
  vmlock import rack-*.xml a.log b.log -o cpus                 all of them into a folder, or nothing where one is wrong
  vmlock import a.log --to report -o rack-7.json               what it tells of its host, for `vmlock check` and its like

What it is, the file itself tells. Each of them knows a part of a CPU: what comes of it is a
part of a CPU model, for a description to `import`, with all that the file does not tell as
`unknown` and with the reason. A lock that would promise some of that is refused.

Of a command line and of a domain comes a description, with what it does not say named in it. Which CPU the
host has and what its kernel shows is in neither: `--cpu` and `--abi` say it.

With `--to report` a fingerprint, a dump and a witness's log become a host report that is marked as
imported. It says what one guest was shown, and what nobody has tried: whether the host keeps a lock is
`unknown` by it, and never yes. `vmlock-run probe` makes a whole one on the host."#;

/// What shall come of a file, where that is not what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum To {
    /// A host report that is marked as imported.
    Report,
}

/// Flags of `import`.
#[derive(Args)]
#[command(after_long_help = IMPORT_HELP)]
pub struct ImportFlags {
    /// The files. Where one of them is wrong, nothing is written.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The name of the CPU model, or of the machine; without it what the file is called, without its ending.
    /// Of CPUs of several kinds there are NAME-1, NAME-2 and so on.
    #[arg(long)]
    pub name: Option<String>,
    /// Make a host report of what the file tells of its host, in place of a part of a CPU model. No lock is ever kept by it.
    #[arg(long, value_enum, conflicts_with_all = ["abi", "cpu", "imports"])]
    pub to: Option<To>,
    /// For a machine: baselines of the kernel that its guest was made for, one whole and parts.
    #[arg(long, value_name = "BASELINE", num_args = 1.., add = ArgValueCandidates::new(complete::baselines))]
    pub abi: Vec<String>,
    /// For a machine: the model of its CPU.
    #[arg(long, value_name = "MODEL", add = ArgValueCandidates::new(complete::models))]
    pub cpu: Option<String>,
    /// For a machine: a file of your own with baselines or CPU models, as the description is to name it. May be repeated.
    #[arg(long = "import", value_name = "FILE")]
    pub imports: Vec<String>,
    /// Write the file here instead of to stdout; of several files into this folder.
    #[arg(long, short, value_name = "FILE|FOLDER")]
    pub output: Option<PathBuf>,
}
