//! Flags of `export`: a lock, whose VMM, and what of it may be otherwise there.

use crate::complete;
use clap::Args;
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use std::path::PathBuf;
use vmlock_spec::export::SCOPES;
use vmlock_spec::observation::scope::Scope;

const EXPORT_HELP: &str = r#"Examples:
  vmlock export web.vm.lock.json --to qemu@10.0 --host host.json
  vmlock export web.vm.lock.json --to firecracker --host host.json --accept chance -o template.json
  vmlock export web.vm.lock.json --to firecracker --host host.json --only cpu,firmware --accept 'chance,CLIDR_EL1'

Prints what becomes of every entry of the lock under that VMM, and what it can be told:

  kept         the VMM holds it: another host shows the same, or the guest is not started
  chance       this host shows it, and nobody holds it
  overwritten  the VMM shows something of its own there
  forced       follows from a feature that the VMM gives every guest
  cannot       it differs or is not known, and the VMM has no knob for it

Exit code 1, and no file is written, unless all are kept or accepted. The host's report
is made there with `vmlock-run probe`. A lock's memory, its devices and what a vCPU
begins with are the VMM's own there, and counted. Whether it is so says
`vmlock audit --observed` of what a portable witness saw."#;

/// Flags of `export`.
#[derive(Args)]
#[command(after_long_help = EXPORT_HELP)]
pub struct ExportFlags {
    /// The lock.
    #[arg(add = ArgValueCompleter::new(complete::locks))]
    pub lock: PathBuf,
    /// The VMM, and its version where that is not the newest one known: `qemu`, `qemu@10.0`.
    #[arg(long, value_name = "VMM[@VERSION]", add = ArgValueCandidates::new(complete::vmms))]
    pub to: String,
    /// The report of the host.
    #[arg(long, value_name = "REPORT", add = ArgValueCompleter::new(complete::reports))]
    pub host: PathBuf,
    /// Judge these alone: cpu, firmware, gic.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', value_parser = scope, add = ArgValueCandidates::new(complete::exported))]
    pub only: Vec<Scope>,
    /// Fates that are good enough, or entries by name; `*` stands for the rest of one, up to a dot. With commas between
    /// them, or said more than once.
    #[arg(long, value_name = "FATE|ENTRY", value_parser = accepted, add = ArgValueCandidates::new(complete::fates))]
    pub accept: Vec<String>,
    /// Write what the VMM is told here.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Name every entry.
    #[arg(long, short)]
    pub verbose: bool,
}

/// What is accepted: fates, entries or beginnings of some, never simply all. Which comma is part of a name, the entries
/// tell.
fn accepted(words: &str) -> Result<String, String> {
    let mut words_between = words.split(',');
    match words_between.any(|word| word.trim_end_matches('*').is_empty()) {
        true => Err("name a fate or an entry: what nobody named is not accepted".to_owned()),
        false => Ok(words.to_owned()),
    }
}

/// A scope by its name, of those that a VMM does not decide alone.
fn scope(name: &str) -> Result<Scope, String> {
    let known = SCOPES.into_iter().find(|scope| scope.name() == name);
    known.ok_or_else(|| {
        let names = SCOPES.map(Scope::name).join(", ");
        format!("no such scope can be exported; known: {names}")
    })
}
