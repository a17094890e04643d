//! The command line.

use crate::kernels;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Real KVM hosts of many kernels on any Linux machine: emulated arm64 computers that boot Debian's kernels
/// and run vmlock-run.
///
/// Exit codes: that of the program that was run · 1 findings · 2 usage · 4 environment (a host, a kernel or a
/// package is missing or failed; stderr says which) · 70 a bug of the lab.
#[derive(Debug, Parser)]
#[command(name = "vmlock-lab", version, max_term_width = 100)]
pub struct Flags {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the static arm64 vmlock-run and print its path
    Build(Build),
    /// Lint vmlock-run as it is compiled for arm64
    Clippy,
    /// Build vmlock-run twice, from two folders, and compare the bytes
    ///
    /// Exit code 1: they differ.
    Reproduce,
    /// Package every crate that is published, and build each out of its package, without a network
    ///
    /// Exit code 1: one is not built by itself.
    Package,
    /// Make all that is released of a commit, twice, from two folders, and compare the bytes
    ///
    /// Archives of static programs, Debian packages, an image of containers, a bill of materials of each program, and
    /// the SHA-256 of each. Exit code 1: they differ, and nothing was written.
    Release(Release),
    /// Build the witness and put it where `vmlock` and the runner have it: compiler/witness.Image, runner/witness/
    ///
    /// Exit code 1, of `--check`: an image is none of this source, or a machine of QEMU's did not get through it.
    Witness(Witness),
    /// Hold the JSON Schemas against ajv, VS Code's JSON service and check-jsonschema, the language server against
    /// VS Code's client and Neovim, the grammar against VS Code's tokenizer, and load VS Code's extension
    ///
    /// Exit code 1: what they find, or that they are not to be had here.
    Editors,
    /// Test `vmlock` and the crates that it is made of as programs for Windows, under Wine, and check it for macOS
    ///
    /// Needs mingw-w64's GCC, Wine and Rust's targets, and names what is missing. Exit code 1: a test fails, or it does not
    /// build.
    Windows,
    /// Hold the XML that `vmlock export` writes for libvirt against libvirt's own schema, by Debian 13's xmllint
    ///
    /// Exit code 1: what it finds, or that it is not to be had here.
    Libvirt,
    /// Complete in bash, Debian 13's fish and its zsh what `vmlock completions` has them complete
    ///
    /// Exit code 1: what they complete otherwise, or that they are not to be had here.
    Shells,
    /// Hold what `vmlock labels` prints against Debian 13's Slurm, OpenStack placement API and kubectl
    ///
    /// Exit code 1: a job or a machine lands where its lock is not kept, or they are not to be had here.
    Schedulers,
    /// Pack VS Code's extension, and print the SHA-256 of target/vmlock.vsix and where it is
    Extension,
    /// Make the documents one book, with the reference that vmlock writes, and print where its first page is
    ///
    /// mdBook comes from the registry of crates and is built once, into the cache. Exit code 1: a link of the book leads nowhere, or mdBook warns.
    Book,
    /// Look at that book and at the page of `vmlock fleet` in Chromium: narrow and wide, light and dark, by keys alone
    ///
    /// Pictures are kept in target/book/pictures. Exit code 1: something is wider than its window, has too little contrast
    /// (WCAG 2.2, AA), is not reached by keys, or is fetched.
    Browser,
    /// Boot a host, run vmlock-run in it, and end with its exit code
    ///
    /// Files that the arguments name are there under the same names; for `start`, so are the kernel and the
    /// initramfs that the lock names. Standard output is the program's alone.
    Run(Run),
    /// Audit locks on every combination of kernel and CPU, and print a table
    ///
    /// Exit code 0: each audit gave a verdict (kept, or refused with reasons) and a lock that is kept on
    /// several hosts has one digest. 1: a guest saw what its lock does not promise, or digests differ.
    /// 4: an audit gave no verdict.
    Matrix(Matrix),
    /// Probe emulated hosts and write their reports into spec/catalogue/hosts, also packed, as vmlock has them
    Record(Record),
    /// Boot a kernel on emulated hosts, and say by `vmlock drift` what it changes for guests
    ///
    /// Exit codes are those of `git bisect run`. 0: nothing changed. 1: something did, or a lock is refused. 125: the
    /// kernel could not be tried, or nothing is known to have changed and not everything could be compared.
    Drift(Drift),
    /// Try what saving a guest takes for granted of KVM, statement by statement, on hosts of many kernels
    ///
    /// Exit code 1: a kernel shows something else, which is told with what would be lost.
    Facts(Facts),
    /// Audit locks of every PSCI version and hypercall service, answered by the kernel and by vmlock
    ///
    /// Exit code 1: a kernel keeps what it should refuse or the other way round, or guests were told different things.
    Firmware(Firmware),
    /// Hold what vmlock-run asks of Linux while guests run against its table, and make it ask for more
    ///
    /// Exit code 1: a thread asked for something else, nobody needs a row, or a misdeed was not ended.
    Confined,
    /// List the kernel series that can be had, and where those are that were fetched
    Kernels(Kernels),
    /// Show the main job: compile an example, start a guest on two kernels, audit on both, take a running guest there and back
    Tour,
    /// Run all tests: those of the workspace, and the examples on emulated hosts
    Test(Test),
    /// Measure speed and size, each beside its limit, and Debian's QEMU in the same hosts
    ///
    /// Exit code 1: a limit is not met.
    Bench(Bench),
    /// The part of `bench` that runs inside a host
    #[command(hide = true)]
    BenchInside {
        /// What is to be measured, as JSON
        order: PathBuf,
    },
    /// The part of it that measures disks and network there
    #[command(hide = true)]
    BenchDevicesInside {
        /// What is to be measured, as JSON
        order: PathBuf,
    },
    /// The part of it that has guests saved and restored there
    #[command(hide = true)]
    BenchSavesInside {
        /// What is to be measured, as JSON
        order: PathBuf,
    },
    /// What a guest of `bench` does with its disk and its network
    #[command(hide = true)]
    BenchLoad {
        /// `disks`, `network`; other words are none
        words: Vec<String>,
    },
    /// Save a guest at each of its instructions, hostile moments among them, and restore it on the next kernel
    ///
    /// Exit code 1: a guest came to something else than one that nobody saved.
    Moments(Moments),
    /// Send a million interrupts into a guest that disturbs them, natively and with the runner's distributor
    ///
    /// Exit code 1: one was lost or invented.
    Torture(Torture),
    /// Try an interrupt controller access by access, natively and with the runner's distributor
    ///
    /// Exit code 1: something is different.
    Accesses(Accesses),
    /// Carry one running guest from kernel to kernel, saved in one host and restored in the next
    ///
    /// The guest looks all the while whether anything of it is lost, with what its lock gives it; its disks and its initial
    /// RAM file system are the lab's. Exit code 1: something is lost, or a host did not take it.
    Carry(Carry),
    /// Audit a running guest again and again, with the kernel's distributor and the runner's
    ///
    /// The guest looks all the while whether anything of it is lost. Exit code 1: something is, or an audit finds something.
    Living(Living),
    /// Hand a running guest over from runner to runner again and again, to the kernel's distributor and the runner's in turn
    ///
    /// The guest looks all the while whether anything of it is lost, and is saved and restored at last. Exit code 1: something is.
    Handed(Handed),
    /// Boot a Debian from a virtio disk, with a network, natively and with the runner's distributor
    ///
    /// Exit code 1: it does not come up, loses something, or does not shut down.
    Debian(Debian),
    /// Provide a Debian guest: a kernel Image and an initramfs that reports its CPUs and powers off
    Guest(Guest),
}

/// `build`
#[derive(Debug, Args)]
pub struct Build {
    /// Package of the workspace to build
    #[arg(long, default_value = "vmlock-run")]
    pub package: String,
}

/// The host's hardware, as far as it can be chosen.
#[derive(Debug, Args)]
pub struct Hardware {
    /// CPUs of the host
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub host_cpus: u32,
    /// Memory of the host, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(256..))]
    pub memory: u32,
    /// A word for the host kernel's command line, e.g. kvm-arm.mode=nvhe (repeatable)
    #[arg(
        long = "kernel-arg",
        alias = "kernel-args",
        value_name = "WORD",
        allow_hyphen_values = true
    )]
    pub kernel_args: Vec<String>,
}

/// `release`
#[derive(Debug, Args)]
pub struct Release {
    /// Folder for all of it, with nothing in it yet
    #[arg(short, long, value_name = "FOLDER", required_unless_present = "check")]
    pub out: Option<PathBuf>,
    /// Make nothing: try the release that is in a folder, as README says, where there is nothing but apt, and in podman
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["out", "once", "quick", "maintainer"])]
    pub check: Option<PathBuf>,
    /// Make it once, and compare nothing
    #[arg(long)]
    pub once: bool,
    /// Hardly optimise, and take what is not committed: for trying, and not for others; `~quick` is in its names
    #[arg(long)]
    pub quick: bool,
    /// Whom users of the Debian packages write to (the author of the commit)
    #[arg(long, value_name = "NAME <ADDRESS>")]
    pub maintainer: Option<String>,
}

/// `witness`
#[derive(Debug, Args)]
pub struct Witness {
    /// Write nothing; build it in another folder, compare, and boot it under QEMU
    #[arg(long)]
    pub check: bool,
}

/// `run`
#[derive(Debug, Args)]
pub struct Run {
    /// Host kernel: a series (6.12), a version (6.12.107), the path of an arm64 Image, or `host` to run
    /// on this very machine
    #[arg(long)]
    pub kernel: String,
    /// Host CPU: cortex-a72, neoverse-n1, max, or another one that QEMU 7.2 has (VMLOCK_QEMU names another QEMU)
    #[arg(long, default_value = "neoverse-n1")]
    pub cpu: String,
    /// The rest of the host's hardware
    #[command(flatten)]
    pub hardware: Hardware,
    /// Give up when there is no result after so many seconds; 0: never
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    pub timeout: u64,
    /// A further file for the host; PATH is where it is in there (repeatable)
    #[arg(long = "with", value_name = "FILE[=PATH]")]
    pub with: Vec<String>,
    /// A disk of the host, /dev/vda and so on; what is written there is gone with the host (repeatable)
    #[arg(long = "disk", value_name = "FILE")]
    pub disks: Vec<PathBuf>,
    /// A module of the host's kernel to load, after those that it needs (repeatable)
    #[arg(long = "module", value_name = "NAME")]
    pub modules: Vec<String>,
    /// A file that the program writes, to be brought back to the same name here (repeatable)
    #[arg(long, value_name = "FILE")]
    pub out: Vec<PathBuf>,
    /// Another static arm64 program than vmlock-run; `sh` is the host's shell, with vmlock-run on its PATH
    #[arg(long, value_name = "PATH")]
    pub program: Option<String>,
    /// The vmlock-run that can be told to be slow and to misbehave, in the ordinary one's place
    #[arg(long)]
    pub torture: bool,
    /// Keep what the host's kernel printed in this file
    #[arg(long, value_name = "FILE")]
    pub console: Option<PathBuf>,
    /// Give the program our standard input as its terminal
    #[arg(long)]
    pub terminal: bool,
    /// Look for a newer point release of the series than the one in the cache
    #[arg(long)]
    pub refresh: bool,
    /// Arguments of the program
    #[arg(last = true, value_name = "ARGUMENT")]
    pub args: Vec<String>,
}

/// `test`
#[derive(Debug, Args)]
pub struct Test {
    /// Run the steps on emulated hosts whose names have these words, and nothing else
    #[arg(long, value_name = "WORDS")]
    pub only: Option<String>,
}

/// `matrix`
#[derive(Debug, Args)]
pub struct Matrix {
    /// Locks to audit
    #[arg(required_unless_present = "docs", value_name = "LOCK")]
    pub locks: Vec<PathBuf>,
    /// Audit all examples, or those that are named, on every kernel series and four CPUs, and write docs/matrix.md with
    /// its page and data; all of them take some 15 minutes
    #[arg(long, conflicts_with_all = ["kernels", "cpus", "Hardware", "format", "program", "args"])]
    pub docs: bool,
    /// Host kernels
    #[arg(long, value_delimiter = ',', default_value = "5.10,6.1,6.12,6.18,7.3")]
    pub kernels: Vec<String>,
    /// Host CPUs
    #[arg(long, value_delimiter = ',', default_value = "neoverse-n1")]
    pub cpus: Vec<String>,
    /// The rest of the hosts' hardware
    #[command(flatten)]
    pub hardware: Hardware,
    /// How the table is printed
    #[arg(long, value_enum, default_value_t = Table::Human)]
    pub format: Table,
    /// Hosts at a time [default: half the CPUs of this machine]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Give up on a host when it has no result after so many seconds per lock
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    pub timeout: u64,
    /// Another static arm64 program than the vmlock-run of this checkout
    #[arg(long, value_name = "PATH")]
    pub program: Option<PathBuf>,
    /// Look for newer point releases than those in the cache
    #[arg(long)]
    pub refresh: bool,
    /// Further arguments of `vmlock-run audit`
    #[arg(last = true, value_name = "ARGUMENT")]
    pub args: Vec<String>,
}

/// `record`
#[derive(Debug, Args)]
pub struct Record {
    /// Probe nothing: pack the reports that are there, after they were changed otherwise
    #[arg(long, conflicts_with_all = ["kernels", "cpus"])]
    pub pack: bool,
    /// Host kernels
    #[arg(long, value_delimiter = ',', default_values = kernels::SERIES)]
    pub kernels: Vec<String>,
    /// Host CPUs
    #[arg(long, value_delimiter = ',', default_values = kernels::CPUS)]
    pub cpus: Vec<String>,
    /// The rest of the hosts' hardware
    #[command(flatten)]
    pub hardware: Hardware,
    /// Give up on a host that has no report after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
    /// Look for newer point releases than those in the cache
    #[arg(long)]
    pub refresh: bool,
}

/// `drift`
#[derive(Debug, Args)]
pub struct Drift {
    /// The kernel: the path of an arm64 Image (with a `/` in it), a series (6.18) or a version (6.18.15)
    #[arg(long)]
    pub kernel: String,
    /// Host CPUs: the more, the more general is what is found
    #[arg(long, value_delimiter = ',', default_values = ["cortex-a72", "neoverse-n1"])]
    pub cpus: Vec<String>,
    /// The whole baseline that guests were built for [default: the newest of the catalogue]
    #[arg(long, value_name = "BASELINE")]
    pub from: Option<String>,
    /// Keep the hosts' reports in this folder, each named after its CPU; those that are there are replaced
    #[arg(long, value_name = "FOLDER")]
    pub reports: Option<PathBuf>,
    /// The rest of the hosts' hardware
    #[command(flatten)]
    pub hardware: Hardware,
    /// Give up on a host that has no report after so many seconds; 0: never
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
    /// Look for a newer point release of the series than the one in the cache
    #[arg(long)]
    pub refresh: bool,
    /// Further arguments of `vmlock drift`, such as `--write FILE` or `--lock LOCK`
    #[arg(last = true, value_name = "ARGUMENT")]
    pub args: Vec<String>,
}

/// `facts`
#[derive(Debug, Args)]
pub struct Facts {
    /// Kernels of the hosts, with commas between them
    #[arg(long, value_delimiter = ',', default_values = kernels::SERIES)]
    pub kernels: Vec<String>,
    /// CPU of the hosts
    #[arg(long, default_value = "cortex-a72")]
    pub cpu: String,
}

/// `firmware`
#[derive(Debug, Args)]
pub struct Firmware {
    /// Host kernels
    #[arg(long, value_delimiter = ',', default_values = kernels::SERIES)]
    pub kernels: Vec<String>,
    /// Look for newer point releases than those in the cache
    #[arg(long)]
    pub refresh: bool,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading
    Human,
    /// For programs
    Json,
    /// For documents
    Markdown,
}

/// How the table of `matrix` is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// For reading
    Human,
    /// For programs
    Json,
    /// For documents
    Markdown,
    /// For a browser: one page, with all that it needs in it
    Html,
}

/// `kernels`
#[derive(Debug, Args)]
pub struct Kernels {
    /// Ask the archive again even if its index was taken today
    #[arg(long)]
    pub refresh: bool,
    /// Fetch these series into the cache
    #[arg(value_name = "SERIES")]
    pub fetch: Vec<String>,
}

/// `bench`
#[derive(Debug, Args)]
pub struct Bench {
    /// Runs that count; each figure is the median
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// Measure in real time, on a machine that does nothing else, instead of by a clock that counts the
    /// instructions of the emulated host
    #[arg(long)]
    pub real_time: bool,
    /// Measure the start of a guest that powers off at once, and nothing else
    #[arg(long)]
    pub starts: bool,
    /// Measure disks and network beside QEMU's, and nothing else
    #[arg(long, conflicts_with = "starts")]
    pub devices: bool,
    /// Measure guests that are saved and restored, beside `dd` and QEMU, and nothing else; without it they are not measured
    #[arg(long, conflicts_with_all = ["starts", "devices"])]
    pub saves: bool,
    /// Measure the compiler's commands beside one that does nothing, and its language server, and nothing else
    #[arg(long, conflicts_with_all = ["starts", "devices", "saves"])]
    pub commands: bool,
    /// With --commands: count instructions (callgrind), and hold them against the counts that are checked in
    #[arg(long, requires = "commands")]
    pub count: bool,
    /// With --count: check in what is counted
    #[arg(long, requires = "count")]
    pub write: bool,
    /// Measure `vmlock fleet` over a thousand locks and a thousand hosts, no two alike, and nothing else
    #[arg(long, conflicts_with_all = ["starts", "devices", "saves", "commands"])]
    pub fleet: bool,
    /// Another static arm64 vmlock-run, to measure that start against in the same boot, with a lock of version 1
    #[arg(long, value_name = "PATH")]
    pub older: Option<PathBuf>,
    /// How the figures are printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// `living`
#[derive(Debug, Args)]
pub struct Living {
    /// Host kernel
    #[arg(long, default_value = "6.12")]
    pub kernel: String,
    /// How often it is audited each time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub audits: u32,
}

/// `handed`
#[derive(Debug, Args)]
pub struct Handed {
    /// Host kernel
    #[arg(long, default_value = "6.12")]
    pub kernel: String,
    /// How often it is handed over
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
}

/// `moments`
#[derive(Debug, Args)]
pub struct Moments {
    /// Host kernels, each of which restores what the one before it saved, and the first what the last one saved
    #[arg(long, value_delimiter = ',', default_values = ["5.10", "7.3"])]
    pub kernels: Vec<String>,
    /// The same of a guest whose firmware calls the runner answers, which takes kernels of 6.4 or newer
    #[arg(long, value_delimiter = ',', default_values = ["6.12", "7.3"])]
    pub answering: Vec<String>,
    /// At how many instructions the guest is saved on each
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: u64,
    /// One of N saved guests goes to the next kernel, and some of each kind of moment
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub each: u64,
}

/// `torture`
#[derive(Debug, Args)]
pub struct Torture {
    /// Host kernel
    #[arg(long, default_value = kernels::TORTURED)]
    pub kernel: String,
    /// How many interrupts are to be taken each time
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub interrupts: u64,
    /// One interrupt in N is followed by a disturbance
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    pub rarity: u64,
}

/// `accesses`
#[derive(Debug, Args)]
pub struct Accesses {
    /// Host kernels, of 5.10, 6.1, 6.12 and 7.3 [default: all]
    #[arg(long, value_delimiter = ',')]
    pub kernels: Vec<String>,
    /// One case in N is tried, beside every register; 1: all, and every word of the frames
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub stride: u64,
}

/// `carry`: its guest makes file systems of its own on empty disks, as large as the lock's
#[derive(Debug, Args)]
pub struct Carry {
    /// The guest's lock
    pub lock: PathBuf,
    /// Host kernels, two or more, in their order. Series, versions, or paths of Images: modules come from Debian alone, so an
    /// Image has NVMe built in, virtio's disks where the lock has some, and virtio's network card, TUN and bridge for taps;
    /// what it lacks it is refused for, by the option
    #[arg(long, value_delimiter = ',', default_value = "5.10,7.3,6.1,6.18,5.10")]
    pub kernels: Vec<String>,
    /// CPU of the hosts
    #[arg(long, default_value = "neoverse-n1")]
    pub cpu: String,
    /// Hand it over from host to host while it runs, without a file, by TCP: two hosts are up at a time
    #[arg(long)]
    pub live: bool,
    /// Rounds of the guest in each host, in which all that it does goes on
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// What the kernel cannot keep is refused
    #[arg(long)]
    pub native: bool,
    /// The runner answers for the distributor in every host
    #[arg(long, conflicts_with = "native")]
    pub emulate_gic: bool,
}

/// `debian`
#[derive(Debug, Args)]
pub struct Debian {
    /// Host kernels
    #[arg(long, value_delimiter = ',', default_value = "5.10,6.12,7.3")]
    pub kernels: Vec<String>,
    /// How much goes over its network each way, in bytes
    #[arg(long, value_name = "N")]
    pub bytes: Option<u64>,
}

/// `guest`
#[derive(Debug, Args)]
pub struct Guest {
    /// Where to put `Image` and `initrd.cpio.gz`
    #[arg(long, default_value = "examples/guest")]
    pub dir: PathBuf,
    /// Kernel of the guest
    #[arg(long, default_value = crate::guest::KERNEL)]
    pub kernel: String,
    /// Also a Debian on a disk, `root.img`, and `root.cpio.gz`, which starts from it
    #[arg(long)]
    pub disk: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_agrees_with_itself() {
        Flags::command().debug_assert();
        let parses =
            |words: &[&str]| Flags::try_parse_from([&["vmlock-lab"], words].concat()).is_ok();
        assert!(parses(&["matrix", "--docs"]));
        assert!(parses(&["matrix", "web.vm.lock.json", "--format", "html"]));
        assert!(parses(&[
            "matrix",
            "--docs",
            "examples/server.vm.lock.json"
        ]));
        assert!(!parses(&["matrix", "--docs", "--memory", "512"]));
        assert!(!parses(&["matrix"]));
    }
}
