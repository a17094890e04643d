//! Flags of `drift`.

use super::{Format, one_of};
use crate::complete;
use clap::Args;
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use std::path::PathBuf;

const DRIFT_HELP: &str = r#"Examples:
  vmlock-run probe > new.json                         on a host with the new kernel
  vmlock drift new.json                               against the newest baseline of the catalogue
  vmlock drift --from kvm-7.0 a72.json max.json       against another one, on two CPUs
  vmlock drift old.json new.json                      between two hosts with one CPU
  vmlock drift before.log after.log                   between two runs of a portable witness
  vmlock drift --from kvm-7.2 new.json --lock web.vm.lock.json   ... and is that lock kept?
  vmlock drift --from kvm-7.2 new.json --write kvm-7.4.kdl       ... and the baseline that says all that
  vmlock drift --from kvm-7.2 new.json --format html > drift.html   a page to look at, with all reasons

Each change comes with the line of a description that restores it; it was tried
on that host by the planner that `vmlock check` and `vmlock-run` use. See
docs/drift.md.

Exit code 0 when everything was compared and nothing changed (of a host of which
nobody recorded the old kernel: all that locks promise, as the first line says),
1 when something changed, 125 when nothing is known to have changed and not
everything could be compared, 3 when a lock is refused."#;

/// Flags of `drift`.
#[derive(Args)]
#[command(after_long_help = DRIFT_HELP)]
pub struct DriftFlags {
    /// How to print: for people, as JSON, as GitHub annotations, as SARIF, or as a page for a browser.
    #[arg(
        long,
        id = "format",
        default_value = "human",
        value_name = "FORMAT",
        value_parser = one_of(&FORMATS)
    )]
    pub format: Format,
    /// Host reports of the new kernel, made by `vmlock-run probe`; or, without --from, two files: a report or the log of
    /// a portable witness before and after.
    #[arg(required = true, value_name = "FILE", add = ArgValueCompleter::new(complete::comparable))]
    pub files: Vec<String>,
    /// The whole baseline that guests were built for; without it and with one report, the newest of vmlock's catalogue.
    #[arg(long, value_name = "BASELINE", add = ArgValueCandidates::new(complete::baselines))]
    pub from: Option<String>,
    /// The CPU model of these hosts; without it, the one of vmlock's own catalogue that fits best.
    #[arg(long, value_name = "MODEL", add = ArgValueCandidates::new(complete::models))]
    pub cpu: Option<String>,
    /// A lock that has to be kept. May be repeated.
    #[arg(long = "lock", num_args = 1.., value_name = "LOCK", add = ArgValueCompleter::new(complete::locks))]
    pub locks: Vec<PathBuf>,
    /// Write the baseline that describes these hosts; it is called as the file is.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// A file with baselines and CPU models of your own, for --from and --cpu to name. May be repeated.
    #[arg(long = "import", value_name = "FILE", add = ArgValueCompleter::new(complete::kdl))]
    pub imports: Vec<PathBuf>,
}

/// The formats that `drift` has.
const FORMATS: [(&str, Format); 5] = [
    ("human", Format::Human),
    ("json", Format::Json),
    ("github", Format::Github),
    ("sarif", Format::Sarif),
    ("html", Format::Html),
];
