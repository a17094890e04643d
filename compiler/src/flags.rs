//! The command line: one definition, from which parser, help, manual pages and
//! completions come.

mod drift;
mod export;
mod fleet;
mod git;
mod import;
mod labels;
pub mod runner;

pub use drift::DriftFlags;
pub use export::ExportFlags;
pub use fleet::FleetFlags;
pub use git::{GitCommand, GitFlags, GitMergeFlags, GitSetupFlags};
pub use import::ImportFlags;
pub use labels::LabelsFlags;

use crate::complete;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use std::ffi::OsString;
use std::path::PathBuf;
use vmlock_spec::observation::scope::Scope;
use vmlock_spec::vm::Feature;

/// A description, for people who begin with an empty file.
macro_rules! whole {
    () => {
        r#"A whole description, web.vm.kdl:
  vm "web" {
      arch "arm64"
      abi "kvm-6.8" "psci-1.1"
      // As QEMU emulates it, which is warned of: `vmlock cpu REPORT` makes a model of a machine.
      cpu "neoverse-n1" count=2 {
          pmu
      }
      memory "512MiB"
      boot kernel="vmlinuz" initrd="initrd.img" cmdline="console=ttyS0"
  }"#
    };
}

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
#[command(name = "vmlock", version, after_long_help = TOUR, max_term_width = 100, propagate_version = true)]
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

const WITNESS_HELP: &str = r#"Examples:
  vmlock witness -o witness.Image
  qemu-system-aarch64 -M virt -cpu neoverse-n1 -nographic -kernel witness.Image > machine.log
  vmlock observe machine.log

The image is an arm64 kernel that runs at any address, needs no KVM, disk or
command line, finds console, interrupt controller and CPUs in the device tree,
reads what a guest can read on every vCPU, prints it and powers off. A second is
enough under KVM; what it prints has a check sum, so other people's lines may
stand between its own. It needs 64 MiB of memory. Only the console is written
to, and interrupt controller registers that are put back.

  QEMU, KVM          qemu-system-aarch64 -M virt,gic-version=3 -accel kvm -cpu host -smp 2 -m 256
                       -nographic -kernel witness.Image > machine.log
  libvirt            <os><kernel>/path/witness.Image</kernel></os>, a serial console with a <log file='…'/>
  Firecracker        "boot-source": {"kernel_image_path": "witness.Image", "boot_args": "console=ttyS0"};
                       its standard output, without the console= there is no UART
  Cloud Hypervisor   cloud-hypervisor --kernel witness.Image --cpus boot=2 --memory size=256M
                       --serial file=machine.log --console off
  crosvm             crosvm run --cpus 2 --mem 256 --serial type=file,path=machine.log,hardware=serial,num=1
                       witness.Image
  kvmtool            lkvm run -k witness.Image -c 2 -m 256 --console serial > machine.log
QEMU's are what vmlock's tests run; the others follow from those programs' own
sources. UEFI firmware does not boot it: the VMM has to boot a kernel directly,
at EL1 or EL2, with a device tree.

Kernels up to 6.1 may log "Unsupported guest sys_reg access" once on the host
for registers that they do not know: that is the witness asking."#;

/// Flags of `witness`.
#[derive(Args)]
#[command(after_long_help = WITNESS_HELP)]
pub struct WitnessFlags {
    /// Write the image here.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

const OBSERVE_HELP: &str = r#"Examples:
  vmlock observe machine.log                     is it whole, and what machine is it?
  vmlock observe machine.log -o machine.json     the facts as JSON
  vmlock observe *.log --format json             all of them
  vmlock diff before.log after.log               what a guest would notice

A log that is cut off or damaged is refused, with the line where. Exit code 1
when a vCPU has not told all, 4 when a file cannot be read."#;

/// Flags of `observe`.
#[derive(Args)]
#[command(after_long_help = OBSERVE_HELP)]
pub struct ObserveFlags {
    /// Logs of consoles, or what `-o` made of one.
    #[arg(required = true, value_name = "FILE", add = ArgValueCompleter::new(complete::observed))]
    pub files: Vec<PathBuf>,
    /// Write the facts here, as JSON.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

const AUDIT_HELP: &str = r#"Examples:
  vmlock audit web.vm.lock.json --observed machine.log
  vmlock audit web.vm.lock.json --observed machine.log --only cpu,firmware,gic

The judge is that of `vmlock-run audit`. Memory, devices and what a vCPU begins
with are the VMM's own and not looked at by the portable witness as the lock
promises them: without --only they are not kept. What was not judged is counted.

  cpu        system registers, caches, optional features in use
  firmware   PSCI and all other calls
  gic        the interrupt controller
  entry      what a vCPU begins with
  machine    memory, devices, and what answers where nothing is

Exit code 1 when a promise is not kept."#;

/// Flags of `audit`.
#[derive(Args)]
#[command(after_long_help = AUDIT_HELP)]
pub struct AuditFlags {
    /// The lock.
    #[arg(add = ArgValueCompleter::new(complete::locks))]
    pub lock: PathBuf,
    /// The log of a portable witness, or what `vmlock observe -o` made of it.
    #[arg(long, value_name = "FILE", add = ArgValueCompleter::new(complete::observed))]
    pub observed: PathBuf,
    /// Judge these alone: cpu, firmware, gic, entry, machine.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', value_parser = scope, add = ArgValueCandidates::new(complete::scopes))]
    pub only: Vec<Scope>,
}

/// A scope by its name.
fn scope(name: &str) -> Result<Scope, String> {
    let known = Scope::ALL.iter().find(|scope| scope.name() == name);
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        format!("there is no such scope; known: {}", names.join(", "))
    })
}

const SCHEMA_HELP: &str = r#"Examples:
  vmlock schema lock > lock.v3.schema.json

Draft-07, described throughout. A lock names its schema, and a description in
its JSON form, NAME.vm.json, can; `vmlock editor-setup` tells an editor where
they are."#;

/// Flags of `schema`.
#[derive(Args)]
#[command(after_long_help = SCHEMA_HELP)]
pub struct SchemaFlags {
    /// Which one.
    #[arg(value_enum)]
    pub which: Which,
    /// For VS Code and its language server: descriptions as Markdown too, which strict validators refuse.
    #[arg(long)]
    pub editor: bool,
}

/// The formats that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// A description, in its JSON form.
    Spec,
    /// A lock, in its newest version.
    Lock,
    /// A lock of version 1.
    #[value(name = "lock-v1")]
    LockV1,
    /// A lock of version 2.
    #[value(name = "lock-v2")]
    LockV2,
    /// A host report.
    Host,
    /// Observed facts.
    Observed,
    /// What `vmlock-run status` tells.
    Status,
    /// A line of what `vmlock-run start --log json` says.
    Event,
    /// What `--format json` prints.
    Diagnostics,
}

const EDITOR_SETUP_HELP: &str = r#"Examples:
  vmlock editor-setup vscode            write .vscode/settings.json, or add to it
  vmlock editor-setup vscode --print    print what would stand there
  vmlock editor-setup neovim >> ~/.config/nvim/init.lua
  vmlock editor-setup textmate > vmlock.tmLanguage.json   colours, for editors that read TextMate's grammars

A lock names its schema by a name that nothing has to be fetched for
(urn:vmlock:schema:lock:v3): this tells the editor what has that name, and that
NAME.vm.json is a description. For helix and zed the schemas are written into
the folder of the user's data, vmlock/schema, since their settings only name
files; run it again after vmlock was updated.

Descriptions in KDL are `vmlock lsp`'s: neovim and helix start it as these settings
say, VS Code by its extension for KDL (kdl-org.kdl), or by vmlock's own. Zed starts
servers that its extensions bring, and no others."#;

/// Flags of `editor-setup`.
#[derive(Args)]
#[command(after_long_help = EDITOR_SETUP_HELP)]
pub struct EditorSetupFlags {
    /// Which editor.
    #[arg(value_enum)]
    pub editor: Editor,
    /// Print the settings, and write no file.
    #[arg(long)]
    pub print: bool,
}

/// Editors whose JSON language server is that of VS Code, and those that read its grammars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Editor {
    /// Visual Studio Code: settings of the folder that this is run in.
    Vscode,
    /// Neovim 0.10 and later with `vscode-json-language-server`: Lua for its configuration.
    Neovim,
    /// Helix: TOML for `languages.toml`.
    Helix,
    /// Zed: JSON for `settings.json`.
    Zed,
    /// Others: the grammar by which descriptions are coloured, as TextMate has them, in JSON.
    Textmate,
}

const LSP_HELP: &str = r#"Examples:
  vmlock editor-setup neovim      how an editor is told to start it
  vmlock lsp                      what the editor starts: it speaks over standard input and output

An editor starts it; there is nothing to see in a terminal. It finds what
`vmlock lock` finds while you type, completes words, names and files, shows what
`vmlock explain` says and what the lock has, goes to where names come from,
lays out as `vmlock fmt` does, applies suggestions and changes names. It writes
a lock when it is asked to (the command vmlock.updateLock), and copies of the
catalogue's own text into the user's cache, to be looked at; nothing else.

Exit code 0 when the client ended it, 1 when the client went away."#;

/// Flags of `lsp`.
#[derive(Args)]
#[command(after_long_help = LSP_HELP)]
pub struct LspFlags {
    /// Over standard input and output, as it does anyway: editors give this.
    #[arg(long)]
    pub stdio: bool,
}

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
