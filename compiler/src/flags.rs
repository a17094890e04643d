//! The command line: one definition, from which parser, help, manual pages and
//! completions come.

/// A description, for people who begin with an empty file; above the modules, whose helps show it too.
macro_rules! whole {
    () => {
        r#"A whole description, web.vm.kdl:
  vm "web" {
      arch "arm64"
      abi "kvm-6.8" "psci-1.1"
      // As QEMU emulates it; `vmlock cpu REPORT` makes a model of a real one.
      cpu "neoverse-n1" count=2 {
          pmu
      }
      memory "512MiB"
      boot kernel="vmlinuz" initrd="initrd.img" cmdline="console=ttyS0"
      allow "spec::emulated-cpu" reason="a trial on emulated hosts"
  }"#
    };
}

mod author;
mod drift;
mod editor;
mod export;
mod fleet;
mod git;
mod host;
mod import;
mod labels;
mod observed;
pub mod runner;

pub use author::{ConvertFlags, FmtFlags, InitFlags, LockFlags};
pub use drift::DriftFlags;
pub use editor::{Editor, EditorSetupFlags, LspFlags, SchemaFlags, Which};
pub use export::ExportFlags;
pub use fleet::FleetFlags;
pub use git::{GitCommand, GitFlags, GitMergeFlags, GitSetupFlags};
pub use host::{AdoptFlags, CommonFlags, CpuFlags};
pub use import::{ImportFlags, To};
pub use labels::LabelsFlags;
pub use observed::{AuditFlags, ObserveFlags, WitnessFlags};

use crate::complete;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use std::ffi::OsString;
use std::path::PathBuf;
use vmlock_spec::vm::Feature;

/// A line that says what it is, and that description, two columns to the right.
pub const WHOLE: &str = whole!();

const TOUR: &str = concat!(
    r#"Examples:
  vmlock lock web.vm.kdl                          compile it; writes web.vm.lock.json beside it
  vmlock lock --check web.vm.kdl                  in CI: is the lock what the description says?
  vmlock check web.vm.lock.json --host a.json     could host a keep it? (a.json: vmlock-run probe)
  vmlock diff kvm-6.1 kvm-6.8 --cpu neoverse-n1   what a guest would notice
  vmlock run start web.vm.lock.json               the same as vmlock-run start: keep it here, or refuse
  vmlock explain ID_AA64ISAR0_EL1.RNDR            what a field is, and who says what about it

"#,
    whole!(),
    r#"

Exit codes: 0 ok, 1 findings, 2 usage, 3 a host cannot keep the lock,
4 a file is missing or unreadable, 70 a bug in vmlock, 125 (of drift) no change
is known, and not everything could be compared."#
);

/// Cargo.lock for the hardware that a guest sees.
///
/// A description (NAME.vm.kdl) names the guest-visible ABI that a virtual
/// machine was built for. vmlock turns it into a lock (NAME.vm.lock.json):
/// every register, interrupt controller and firmware fact that the guest can
/// ever observe, with one exact value each. `vmlock-run` makes a host show
/// exactly that, or refuses.
#[derive(Parser)]
#[command(name = "vmlock", bin_name = "vmlock", version, after_long_help = TOUR, max_term_width = 100, propagate_version = true)]
pub struct Flags {
    /// How to print: for people, as JSON, as GitHub annotations, or as SARIF.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "human",
        value_name = "FORMAT"
    )]
    pub format: Format,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: results on stdout, words about them on stderr.
    Human,
    /// One JSON object on stdout.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
    /// SARIF 2.1.0, for code scanning services.
    Sarif,
    /// `fleet` and `drift`: a page for a browser.
    #[value(skip)]
    Html,
    /// `labels`: a file of node-feature-discovery.
    #[value(skip)]
    Nfd,
    /// `labels`: a node, for `kubectl apply --server-side`.
    #[value(skip)]
    Kubectl,
    /// `labels`: traits, for OpenStack's placement.
    #[value(skip)]
    Openstack,
    /// `labels`: the configuration of a client of Nomad's.
    #[value(skip)]
    Nomad,
    /// `labels`: features of a node of Slurm's.
    #[value(skip)]
    Slurm,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Write a first description: from a host report, flags, and questions.
    Init(InitFlags),
    /// Compile descriptions to locks.
    Lock(LockFlags),
    /// Lay out descriptions in one way, and keep every word and comment.
    Fmt(FmtFlags),
    /// Convert a description from KDL to JSON, or back.
    Convert(ConvertFlags),
    /// Say which hosts can keep which locks, without running anything.
    Check(CheckFlags),
    /// Say what differs between two locks, baselines, host reports, saved guests or observed machines.
    Diff(DiffFlags),
    /// Say what a new kernel changes for guests, what broke, and what restores it.
    Drift(DriftFlags),
    /// Explain a baseline, CPU model, register, field, feature, code or file.
    Explain(ExplainFlags),
    /// List the baselines, find some by words, or show one.
    Baselines(BaselinesFlags),
    /// Write the portable witness: a kernel image that says what a guest sees, under any VMM.
    Witness(WitnessFlags),
    /// Read what a portable witness printed.
    Observe(ObserveFlags),
    /// Hold what a portable witness saw against a lock.
    Audit(AuditFlags),
    /// Say what somebody's VMM can be told of a lock, and what becomes of each entry there.
    Export(ExportFlags),
    /// Print a JSON Schema.
    Schema(SchemaFlags),
    /// Tell an editor where the schemas are and how the language server is started, without the network.
    EditorSetup(EditorSetupFlags),
    /// Serve an editor: findings as you type, completion, explanations, locked values (language server protocol).
    Lsp(LspFlags),
    /// Have git merge locks by resolving again, and show them by field.
    Git(GitFlags),
    /// Make a CPU model from a host report.
    Cpu(CpuFlags),
    /// Make a part of a CPU model of what others know: Firecracker, a portable witness, /proc/cpuinfo; or a description of a QEMU command line.
    Import(ImportFlags),
    /// Pin a host as it is: a description, CPU model and baseline out of its report.
    Adopt(AdoptFlags),
    /// Say which of many hosts keep which locks, and why the others do not.
    Fleet(FleetFlags),
    /// Print what a host keeps as labels, for a scheduler: NFD, kubectl, OpenStack, Nomad, Slurm.
    Labels(LabelsFlags),
    /// Print the most that all of several hosts can show, as a description to paste.
    Common(CommonFlags),
    /// Start vmlock-run, which keeps a lock on this host: `vmlock run start web.vm.lock.json`.
    #[command(disable_help_flag = true)]
    Run(DoorFlags),
    /// Start vmlock-lab, which has emulated hosts: `vmlock lab kernels`.
    #[command(disable_help_flag = true)]
    Lab(DoorFlags),
    /// Print a completion script for a shell.
    Completions(CompletionsFlags),
    /// Print the manual pages (roff), or write them into a folder.
    Man(ManFlags),
}

const CHECK_HELP: &str = r#"Examples:
  vmlock-run probe > host-a.json            on the host: what can it be made to show?
  vmlock check web.vm.lock.json --host host-a.json host-b.json
  vmlock check machines --host hosts/*.json   which host can keep which of the locks, as a table
  vmlock check web.save --host new.json     can the saved guest go on there?

Exit code 3 when one of the hosts cannot keep the lock, or does not take what a saved guest has. The decision is the
same code that vmlock-run uses on the host itself."#;

/// Flags of `check`.
#[derive(Args)]
#[command(after_long_help = CHECK_HELP)]
pub struct CheckFlags {
    /// Locks, saved guests, or folders: all locks below but what `.gitignore` names. Without any, the folder you are in.
    #[arg(value_name = "LOCK", add = ArgValueCompleter::new(complete::locks))]
    pub locks: Vec<PathBuf>,
    /// Host reports, made by `vmlock-run probe`.
    #[arg(long = "host", required = true, num_args = 1.., value_name = "REPORT", add = ArgValueCompleter::new(complete::reports))]
    pub hosts: Vec<PathBuf>,
    /// Show every entry and how it would be kept, not only what has to be done.
    #[arg(long, short)]
    pub verbose: bool,
    /// Take warnings for errors.
    #[arg(long)]
    pub deny_warnings: bool,
    /// Refuse what a host's kernel cannot keep by itself, where the runner would answer in its place.
    #[arg(long)]
    pub native: bool,
}

const DIFF_HELP: &str = r#"Examples:
  vmlock diff old.vm.lock.json new.vm.lock.json
  vmlock diff kvm-6.1 kvm-6.8                    what their statements say
  vmlock diff kvm-6.1 kvm-6.8 --cpu neoverse-n1  what a guest on that CPU sees
  vmlock diff host-a.json host-b.json
  vmlock diff a.save b.save                      two saved guests, without reading their memory
  vmlock diff before.log after.log               two machines, as portable witnesses saw them
  vmlock diff kvm-6.12 fleet-abi --import fleet.host.kdl   where an adopted host deviates

Exit code 1 when they differ, as diff(1) does."#;

/// Flags of `diff`.
#[derive(Args)]
#[command(after_long_help = DIFF_HELP)]
pub struct DiffFlags {
    /// A lock, a host report, a saved guest, the log of a portable witness, or the name of a baseline.
    #[arg(add = ArgValueCompleter::new(complete::comparable))]
    pub a: String,
    /// Another one of the same kind.
    #[arg(add = ArgValueCompleter::new(complete::comparable))]
    pub b: String,
    /// For baselines: compare what a guest sees on this CPU model.
    #[arg(long, value_name = "MODEL", add = ArgValueCandidates::new(complete::models))]
    pub cpu: Option<String>,
    /// For baselines on a CPU model: with a PMU.
    #[arg(long, requires = "cpu")]
    pub pmu: bool,
    /// A file with baselines and CPU models of your own, as `vmlock adopt` writes it. May be repeated.
    #[arg(long = "import", value_name = "FILE", add = ArgValueCompleter::new(complete::kdl))]
    pub imports: Vec<PathBuf>,
}

const EXPLAIN_HELP: &str = r#"Examples:
  vmlock explain                                 list what can be explained
  vmlock explain kvm-6.12                        a baseline, with the source of every statement
  vmlock explain neoverse-n1                     a CPU model
  vmlock explain ID_AA64PFR0_EL1                 a register and its fields
  vmlock explain ID_AA64PFR0_EL1.CSV3            a field, and what each baseline says of it
  vmlock explain crc32                           a feature that `hide` knows
  vmlock explain spec::contradiction             a diagnostic
  vmlock explain web.vm.lock.json                a lock, description, host report, saved guest or file of baselines
  vmlock explain PMCR_EL0.IMP --lock web.vm.lock.json   ... and its value there, or who waived it"#;

/// Flags of `explain`.
#[derive(Args)]
#[command(after_long_help = EXPLAIN_HELP)]
pub struct ExplainFlags {
    /// What to explain, a name or a file; without it, everything is listed.
    #[arg(add = ArgValueCompleter::new(complete::explainable))]
    pub name: Option<String>,
    /// Show also what this lock holds of a register or field.
    #[arg(long, value_name = "LOCK", add = ArgValueCompleter::new(complete::locks))]
    pub lock: Option<PathBuf>,
}

const BASELINES_HELP: &str = r#"Examples:
  vmlock baselines                 all of them
  vmlock baselines psci            those with that word in their name, title or part
  vmlock baselines kvm-6.8         one, with the source of every statement"#;

/// Flags of `baselines`.
#[derive(Args)]
#[command(after_long_help = BASELINES_HELP)]
pub struct BaselinesFlags {
    /// Words that all have to be found, or the name of one.
    #[arg(value_name = "WORD", add = ArgValueCandidates::new(complete::baselines))]
    pub words: Vec<String>,
}

const DOOR_HELP: &str = r#"Examples:
  vmlock run --help                       what vmlock-run can do, also where it cannot run
  vmlock help run start                   the same of one of its commands
  vmlock run start web.vm.lock.json       the same as vmlock-run start web.vm.lock.json
  vmlock lab run --kernel 6.12 -- audit web.vm.lock.json

The program is looked for where vmlock itself is, and then in PATH. It takes
vmlock's place: its exit code and signals are its own."#;

/// What another program is told.
#[derive(Args)]
#[command(after_long_help = DOOR_HELP)]
pub struct DoorFlags {
    /// Its arguments, as they are.
    #[arg(
        value_name = "ARGUMENT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub arguments: Vec<OsString>,
}

/// A vCPU feature by its name.
fn feature(name: &str) -> Result<Feature, String> {
    let known = Feature::ALL.iter().find(|f| f.name() == name);
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = Feature::ALL.iter().map(|f| f.name()).collect();
        format!("there is no such feature; known: {}", names.join(", "))
    })
}

const COMPLETIONS_HELP: &str = r#"Examples:
  vmlock completions bash > /etc/bash_completion.d/vmlock
  vmlock completions fish > ~/.config/fish/completions/vmlock.fish
  vmlock completions zsh > ~/.zfunc/_vmlock"#;

/// Flags of `completions`.
#[derive(Args)]
#[command(after_long_help = COMPLETIONS_HELP)]
pub struct CompletionsFlags {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// A shell that a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// Fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// Zsh.
    Zsh,
}

const MAN_HELP: &str = r#"Examples:
  vmlock man ~/.local/share/man/man1   then `man vmlock-lock`, `man vmlock-run-start`
  vmlock man | man -l -                the main page alone
  vmlock man --reference ./reference   in Markdown: the language, and a page of each name

The pages of vmlock-run are among them, also where it cannot run."#;

/// Flags of `man`.
#[derive(Args)]
#[command(after_long_help = MAN_HELP)]
pub struct ManFlags {
    /// A folder that is there, for one page per command; without it, the main page goes to stdout.
    pub folder: Option<PathBuf>,
    /// The reference instead, in Markdown: the language, and a page of each baseline, CPU model and code; without a
    /// folder, the list of them.
    #[arg(long)]
    pub reference: bool,
}

/// Formats of a command that has others than most, by the names that it gives them.
fn one_of(
    known: &'static [(&'static str, Format)],
) -> impl TypedValueParser<Value = Format> + use<> {
    PossibleValuesParser::new(known.iter().map(|(name, _)| *name)).map(|name| {
        let known = known.iter().find(|(known, _)| *known == name);
        known.map_or(Format::Human, |(_, format)| *format)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn definition_is_consistent() {
        Flags::command().debug_assert();
    }

    /// What an option's value is called where it is a name out of a table, or a file of a kind that its name tells.
    const NAMED: [&str; 9] = [
        "BASELINE",
        "FATE|ENTRY",
        "FEATURE",
        "LOCK",
        "MODEL",
        "REPORT",
        "SCOPE",
        "SPEC",
        "VMM[@VERSION]",
    ];

    /// Arguments of that command and of those below it, by their places.
    fn values(command: &clap::Command, place: &str, out: &mut Vec<(String, clap::Arg)>) {
        let place = format!("{place} {}", command.get_name());
        let own = command
            .get_arguments()
            .map(|arg| (place.clone(), arg.clone()));
        out.extend(own);
        command
            .get_subcommands()
            .for_each(|c| values(c, &place, out));
    }

    #[test]
    fn shells_know_what_a_name_can_be() {
        let mut all = Vec::new();
        values(&Flags::command(), "", &mut all);
        let mut seen = std::collections::BTreeSet::new();
        for (place, arg) in all {
            let names = arg.get_value_names().unwrap_or_default();
            let Some(name) = NAMED
                .iter()
                .find(|known| names.iter().any(|n| n == **known))
            else {
                continue;
            };
            seen.insert(*name);
            let knows = arg.get::<ArgValueCandidates>().is_some()
                || arg.get::<ArgValueCompleter>().is_some();
            assert!(knows, "{place} {arg}: a shell knows no {name}");
        }
        assert_eq!(seen, NAMED.into());
    }

    #[test]
    fn every_command_teaches_by_example() {
        for command in Flags::command()
            .get_subcommands()
            .filter(|c| !c.is_hide_set())
        {
            let help = command
                .get_after_long_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                help.contains("Examples:"),
                "`{}` has no examples",
                command.get_name()
            );
        }
    }
}
