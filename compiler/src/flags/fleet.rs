//! Flags of `fleet`: which of many hosts keep which locks.

use super::{Format, one_of};
use crate::complete;
use clap::Args;
use clap_complete::ArgValueCompleter;
use std::path::PathBuf;

const FLEET_HELP: &str = r#"Examples:
  vmlock fleet web.vm.lock.json --host reports        which hosts keep it, and why the others do not
  vmlock fleet machines --host reports --at-least 3   in CI: exit 3 where fewer than three hosts keep a lock
  vmlock fleet machines --host reports --format html > fleet.html   a page to look at, with all reasons

Hosts that do not keep a lock for the same reasons stand together. `vmlock check LOCK
--host REPORT` says all that one host refuses, and what can be done about it. The decision
is the same code that vmlock-run uses on the host itself. Each report counts as a host:
keep one of each host among them."#;

/// Flags of `fleet`.
#[derive(Args)]
#[command(after_long_help = FLEET_HELP)]
pub struct FleetFlags {
    /// How to print: for people, as JSON, or as a page for a browser.
    #[arg(
        long,
        id = "format",
        default_value = "human",
        value_name = "FORMAT",
        value_parser = one_of(&FORMATS)
    )]
    pub format: Format,
    /// Locks, or folders: all locks below but what `.gitignore` names. Without any, the folder you are in.
    #[arg(value_name = "LOCK", add = ArgValueCompleter::new(complete::locks))]
    pub locks: Vec<PathBuf>,
    /// Host reports, made by `vmlock-run probe`, or folders: all `*.json` below that are no locks or descriptions.
    #[arg(long = "host", required = true, num_args = 1.., value_name = "DIR", add = ArgValueCompleter::new(complete::reports))]
    pub hosts: Vec<PathBuf>,
    /// How many hosts have to keep each lock.
    #[arg(long, value_name = "N", default_value = "1")]
    pub at_least: usize,
    /// Refuse what a host's kernel cannot keep by itself, where the runner would answer in its place.
    #[arg(long)]
    pub native: bool,
}

/// The formats that `fleet` has.
const FORMATS: [(&str, Format); 3] = [
    ("human", Format::Human),
    ("json", Format::Json),
    ("html", Format::Html),
];
