//! Flags of `init`, `lock`, `fmt` and `convert`: whoever writes descriptions.

use super::feature;
use crate::complete;
use clap::Args;
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use std::path::PathBuf;
use vmlock_spec::vm::Feature;

const INIT_HELP: &str = r#"Examples:
  vmlock init                                        asks; writes NAME.vm.kdl
  vmlock init web --host host.json                   what that host can keep: vmlock-run probe > host.json
  vmlock init web --abi kvm-6.8 --cpu neoverse-n1 --kernel vmlinuz --cmdline console=ttyS0

What is not given is asked on a terminal. Elsewhere there are 2 vCPUs and 512MiB
unless it is said, and all else has to be. A file that is there is never written over."#;

/// Flags of `init`.
#[derive(Args)]
#[command(after_long_help = INIT_HELP)]
pub struct InitFlags {
    /// The machine's name: the description is NAME.vm.kdl, in the folder you are in.
    pub name: Option<String>,
    /// A host report: baselines and CPU model that this host can keep.
    #[arg(long, value_name = "REPORT", add = ArgValueCompleter::new(complete::reports))]
    pub host: Option<PathBuf>,
    /// Baselines that the guest was built for: one whole, and parts.
    #[arg(long, value_name = "BASELINE", num_args = 1.., add = ArgValueCandidates::new(complete::baselines))]
    pub abi: Vec<String>,
    /// The CPU model.
    #[arg(long, value_name = "MODEL", add = ArgValueCandidates::new(complete::models))]
    pub cpu: Option<String>,
    /// Features that the guest has, for example `pmu`.
    #[arg(long, value_name = "FEATURE", value_parser = feature, add = ArgValueCandidates::new(complete::features))]
    pub features: Vec<Feature>,
    /// How many vCPUs.
    #[arg(long, value_name = "NUMBER")]
    pub count: Option<u32>,
    /// How much memory, for example `512MiB`.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// The kernel to boot.
    #[arg(long, value_name = "FILE")]
    pub kernel: Option<String>,
    /// An initial RAM file system beside it.
    #[arg(long, value_name = "FILE", requires = "kernel")]
    pub initrd: Option<String>,
    /// The kernel's command line.
    #[arg(long, value_name = "TEXT", requires = "kernel")]
    pub cmdline: Option<String>,
}

const LOCK_HELP: &str = concat!(
    r#"Examples:
  vmlock lock                           all descriptions below the folder you are in
  vmlock lock web.vm.kdl db.vm.kdl      write both locks, print what changed
  vmlock lock --check --deny-warnings   in CI: exit 1 when one is stale or warned of
  vmlock lock --dry-run web.vm.kdl      print what would change, write nothing
  vmlock lock --print-digest web.vm.kdl  the lock's identity: sha256 of its bytes
  vmlock lock --for a.json --for b.json web.vm.kdl   only if both hosts could keep it
  vmlock lock --upgrade web.vm.kdl      move to the newest version of the format

"#,
    whole!(),
    r#"

A lock keeps the version of its format, and what it means by the names of
baselines and CPU models, until --upgrade: a newer vmlock alone changes nothing.

The lock stands beside the description: NAME.vm.kdl makes NAME.vm.lock.json.
It is written whole or not at all, and not at all when there is an error.

Of several machines in a file, each built `from` another or not, the one that is
called as the file is has NAME.vm.lock.json, and each other NAME.MACHINE.vm.lock.json.
All of them are written, or none."#
);

/// Flags of `lock`.
#[derive(Args)]
#[command(after_long_help = LOCK_HELP)]
pub struct LockFlags {
    /// Descriptions: NAME.vm.kdl, or their JSON form NAME.vm.json; or folders: all below but what `.gitignore` names.
    /// Without any, the folder you are in.
    #[arg(value_name = "SPEC", add = ArgValueCompleter::new(complete::specs))]
    pub specs: Vec<PathBuf>,
    /// Write nothing; exit 1 when a lock is missing or not what its description says.
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Write nothing; print what would change.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the digest of each lock.
    #[arg(long)]
    pub print_digest: bool,
    /// Move to the newest version of the lock's format, and to the newest corrections of the catalogue.
    #[arg(long)]
    pub upgrade: bool,
    /// Take warnings for errors: for CI, where each is to be mended or allowed in the description with its reason.
    #[arg(long)]
    pub deny_warnings: bool,
    /// A host report: there is no lock unless that host could keep it. May be repeated.
    #[arg(long = "for", value_name = "REPORT", add = ArgValueCompleter::new(complete::reports))]
    pub hosts: Vec<PathBuf>,
}

const FMT_HELP: &str = r#"Examples:
  vmlock fmt                            all descriptions below the folder you are in
  vmlock fmt web.vm.kdl my-cpu.kdl      these
  vmlock fmt --check                    in CI: exit 1 when one is laid out otherwise
  vmlock fmt - < web.vm.kdl             standard input to standard output, for editors

One node a line, four columns for each block, one space between values. Words,
numbers, strings and comments stay as they are written, and so do blank lines
(one of several in a row) and lines that a `\` continues. Comments that stand
below each other behind their lines stay so. The meaning never changes: what
comes out is parsed and compared before it is written."#;

/// Flags of `fmt`.
#[derive(Args)]
#[command(after_long_help = FMT_HELP)]
pub struct FmtFlags {
    /// KDL files, or folders: all descriptions below them but what `.gitignore` names. Without any, the folder you are in.
    #[arg(value_name = "FILE", add = ArgValueCompleter::new(complete::kdl))]
    pub files: Vec<PathBuf>,
    /// Write nothing; exit 1 when a file is laid out otherwise.
    #[arg(long)]
    pub check: bool,
}

const CONVERT_HELP: &str = r#"Examples:
  vmlock convert web.vm.kdl                      its JSON form, on stdout
  vmlock convert web.vm.json -o other.vm.kdl     as KDL, into a new file

Both forms make the same lock. JSON has no comments: they are counted and left
out. What one form can say and the other cannot is refused, never changed."#;

/// Flags of `convert`.
#[derive(Args)]
#[command(after_long_help = CONVERT_HELP)]
pub struct ConvertFlags {
    /// NAME.vm.kdl or NAME.vm.json.
    #[arg(value_name = "SPEC", add = ArgValueCompleter::new(complete::specs))]
    pub spec: PathBuf,
    /// Write a new file instead of to stdout.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
