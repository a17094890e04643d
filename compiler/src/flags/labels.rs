//! Flags of `labels`: what a scheduler is told of a host.

use super::{Format, one_of};
use crate::complete;
use crate::scheduler::Domain;
use clap::Args;
use clap_complete::ArgValueCompleter;
use std::path::PathBuf;
use std::time::Duration;

const LABELS_HELP: &str = r#"Examples:
  vmlock-run probe --boot > host.json                 on the host, once in each boot
  vmlock labels --host host.json web.vm.lock.json     which of the locks it keeps, and what else a scheduler may know
  vmlock labels --host host.json /etc/vmlock --format nfd --domain vmlock.example.com \
      --expires 2h -o /etc/kubernetes/node-feature-discovery/features.d/vmlock
  vmlock labels --host host.json /etc/vmlock --format kubectl --domain vmlock.example.com --node n1 |
      kubectl apply --server-side --field-manager=vmlock -f -
  vmlock labels --select web.vm.lock.json --format kubectl --domain vmlock.example.com

A host that keeps a lock has a label with the lock's name and the first 40 digits of
its digest. No label means no: the host refuses it, or nobody has asked. What a machine
selects is both, so that a lock that was changed lands on no old answer. Another boot may
be another kernel: labels are of the boot in which the report was made, and have its
identifier beside them. A scheduler believes them until it is told anew, and a run that
fails leaves the file of an earlier one: have labels expire, and nothing placed on a host
that has booted until they are of that boot. docs/labels.md says how for each scheduler."#;

/// Flags of `labels`.
#[derive(Args)]
#[command(after_long_help = LABELS_HELP)]
pub struct LabelsFlags {
    /// How to print: for people, as JSON, or as one of these schedulers takes it.
    #[arg(
        long,
        id = "format",
        default_value = "human",
        value_name = "FORMAT",
        value_parser = one_of(&FORMATS)
    )]
    pub format: Format,
    /// Locks, or folders: all locks below but what `.gitignore` names.
    #[arg(value_name = "LOCK", add = ArgValueCompleter::new(complete::locks))]
    pub locks: Vec<PathBuf>,
    /// The host's report, made in this boot by `vmlock-run probe --boot`.
    #[arg(
        long,
        value_name = "REPORT",
        required_unless_present = "select",
        conflicts_with = "select",
        add = ArgValueCompleter::new(complete::reports)
    )]
    pub host: Option<PathBuf>,
    /// Print what a machine of this lock has to ask for, to paste.
    #[arg(long, value_name = "LOCK", conflicts_with = "locks", add = ArgValueCompleter::new(complete::locks))]
    pub select: Option<PathBuf>,
    /// For Kubernetes: a DNS domain of yours, before each label's name.
    #[arg(long, value_name = "DOMAIN", value_parser = Domain::new)]
    pub domain: Option<Domain>,
    /// For kubectl: the node's name.
    #[arg(long, value_name = "NAME", conflicts_with = "select")]
    pub node: Option<String>,
    /// For nfd: how long the labels hold unless the file is written again, for example `90m` or `2h`.
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "select")]
    pub expires: Option<Duration>,
    /// Write this file, whole or not at all, instead of to stdout.
    #[arg(long, short, value_name = "FILE", conflicts_with = "select")]
    pub output: Option<PathBuf>,
}

/// The formats that `labels` has.
const FORMATS: [(&str, Format); 7] = [
    ("human", Format::Human),
    ("json", Format::Json),
    ("nfd", Format::Nfd),
    ("kubectl", Format::Kubectl),
    ("openstack", Format::Openstack),
    ("nomad", Format::Nomad),
    ("slurm", Format::Slurm),
];

/// A time of whole minutes or hours, up to a week.
fn span(text: &str) -> Result<Duration, String> {
    const WEEK: u64 = 7 * 24 * 3600;
    let whole = |unit: char, seconds: u64| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(seconds)
    };
    let seconds = whole('m', 60).or_else(|| whole('h', 3600));
    let seconds = seconds.filter(|seconds| (60..=WEEK).contains(seconds));
    let seconds = seconds.ok_or("write whole minutes or hours, up to a week: `90m`, `2h`")?;
    Ok(Duration::from_secs(seconds))
}
