//! Flags of `import`: a file that somebody else's program wrote.

use crate::complete;
use clap::Args;
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

What it is, the file itself tells. Each of them knows a part of a CPU: what comes of it is a
part of a CPU model, for a description to `import`, with all that the file does not tell as
`unknown` and with the reason. A lock that would promise some of that is refused.

Of a command line and of a domain comes a description, with what it does not say named in it. Which CPU the
host has and what its kernel shows is in neither: `--cpu` and `--abi` say it.

None of them says what a kernel can be made to show, so that no host report comes of them:
`vmlock-run probe` writes one on the host, and `vmlock cpu` a whole model of it."#;

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
