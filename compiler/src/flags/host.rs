//! Flags of `cpu`, `adopt` and `common`: what is made of hosts as they are.

use super::feature;
use crate::complete;
use clap::Args;
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use std::path::PathBuf;
use vmlock_spec::vm::Feature;

const CPU_HELP: &str = r#"Examples:
  vmlock-run probe > host.json                        on the host
  vmlock cpu host.json --name my-cpu -o my-cpu.kdl    anywhere
and in a description:
  import "my-cpu.kdl"
  cpu "my-cpu" count=2"#;

/// Flags of `cpu`.
#[derive(Args)]
#[command(after_long_help = CPU_HELP)]
pub struct CpuFlags {
    /// A host report, made by `vmlock-run probe`.
    #[arg(add = ArgValueCompleter::new(complete::reports))]
    pub report: PathBuf,
    /// The model's name.
    #[arg(long)]
    pub name: String,
    /// Write the file here instead of to stdout.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

const ADOPT_HELP: &str = r#"Examples:
  vmlock-run probe > host.json                       on the host
  vmlock adopt host.json --name fleet                writes fleet.vm.kdl and fleet.host.kdl here
  vmlock adopt host.json --name fleet --features pmu -o machines
  vmlock lock fleet.vm.kdl                           what a default guest sees there today, locked
  vmlock check fleet.vm.lock.json --host newer.json  what an upgrade would change
  vmlock diff kvm-6.12 fleet-abi --import fleet.host.kdl
  vmlock adopt host.json --baseline rhel-9.6         writes rhel-9.6.kdl: that kernel alone, for any description

The lock is kept on that host without a single write: nothing changes for its
guests. fleet.host.kdl holds a CPU model and a baseline of your own, stated as
its difference from the nearest baseline of the catalogue.

With --baseline one file says what a distribution's kernel shows a guest, as its
difference from the nearest mainline baseline: a description imports it and
names it in `abi`, with the catalogue's model of that CPU."#;

/// Flags of `adopt`.
#[derive(Args)]
#[command(after_long_help = ADOPT_HELP)]
pub struct AdoptFlags {
    /// A host report, made by `vmlock-run probe`.
    #[arg(add = ArgValueCompleter::new(complete::reports))]
    pub report: PathBuf,
    /// The machine's name; also the start of the names of files, CPU model and baseline.
    #[arg(long, required_unless_present = "baseline")]
    pub name: Option<String>,
    /// Write a baseline of this name alone, NAME.kdl: what this host's kernel shows, for many descriptions to import.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["name", "features"])]
    pub baseline: Option<String>,
    /// With --baseline, the CPU model of this host; without it, the one of vmlock's own catalogue that fits best.
    #[arg(long, value_name = "MODEL", requires = "baseline", add = ArgValueCandidates::new(complete::models))]
    pub cpu: Option<String>,
    /// With --baseline, a file with CPU models of your own, for --cpu to name. May be repeated.
    #[arg(long = "import", value_name = "FILE", requires = "baseline", add = ArgValueCompleter::new(complete::kdl))]
    pub imports: Vec<PathBuf>,
    /// Features that the guests have, for example `pmu`.
    #[arg(long, value_name = "FEATURE", value_parser = feature, add = ArgValueCandidates::new(complete::features))]
    pub features: Vec<Feature>,
    /// The folder to write into; without it, the one you are in.
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

const COMMON_HELP: &str = r#"Examples:
  vmlock common a.json b.json c.json                 for hosts with a CPU of the catalogue
  vmlock common *.json --features pmu
  vmlock cpu a.json --name mine -o mine.kdl          for others: their CPU first
  vmlock common a.json b.json --import mine.kdl

The result is a description to paste: the newest baseline, and the fields that
have to be less than it says. Each field is taken by its own rule, and only with
values that every host shows or was seen to accept. What no value satisfies is
waived in it with `vary`, where you can see it. Exit code 3 when something that
cannot be waived differs."#;

/// Flags of `common`.
#[derive(Args)]
#[command(after_long_help = COMMON_HELP)]
pub struct CommonFlags {
    /// Host reports, made by `vmlock-run probe`.
    #[arg(required = true, value_name = "REPORT", add = ArgValueCompleter::new(complete::reports))]
    pub reports: Vec<PathBuf>,
    /// Features that the guests have, for example `pmu`.
    #[arg(long, value_name = "FEATURE", value_parser = feature, add = ArgValueCandidates::new(complete::features))]
    pub features: Vec<Feature>,
    /// Use this CPU model; without it, the one that fits best.
    #[arg(long, value_name = "MODEL", add = ArgValueCandidates::new(complete::models))]
    pub cpu: Option<String>,
    /// A file with CPU models of your own, as `vmlock cpu` writes it. May be repeated.
    #[arg(long = "import", value_name = "FILE", add = ArgValueCompleter::new(complete::kdl))]
    pub imports: Vec<PathBuf>,
}
