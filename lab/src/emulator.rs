//! Which QEMU emulates the hosts, and which CPUs it has.
//!
//! The release that the examples are made for: the machine's own where it is that one, and otherwise
//! Debian 12's, which is fetched into the cache and runs from there without being installed. `VMLOCK_QEMU`
//! names another: a newer one has CPUs that this one has not.

use crate::cache::Cache;
use crate::failure::{Failure, Result, say};
use crate::packages::{Architecture, Archive, Program};
use crate::programs::{Programs, Start, Wanted};
use crate::tools;
use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Names the emulator, in place of the one that is chosen here.
pub const VARIABLE: &str = "VMLOCK_QEMU";

/// The emulator's name on `PATH`.
const PROGRAM: &str = "qemu-system-aarch64";

/// Where Debian's package has it.
const IN_THE_PACKAGE: &str = "/usr/bin/qemu-system-aarch64";

/// The release whose CPUs the examples are locked for. Another one emulates other CPUs by the same names
/// (10.0 has no trace in ID_DFR0_EL1 and, in `max`, more features and another clock).
const OF_THE_EXAMPLES: [u32; 2] = [7, 2];

/// The emulator that was chosen.
struct Emulator {
    start: Start,
    /// `QEMU 7.2.22`.
    version: String,
    /// Names of its CPUs.
    cpus: Vec<String>,
}

static CHOSEN: OnceLock<Emulator> = OnceLock::new();

/// Makes sure that hosts can be emulated and, where it is to be built, that vmlock-run can be: installs or
/// names what is missing, and fetches the emulator where this machine has no right one.
pub fn ensure(cache: &Cache, builds: bool) -> Result<()> {
    if CHOSEN.get().is_some() {
        return Ok(());
    }
    let start = match ensure_programs(builds)? {
        Choice::Run(start) => start,
        Choice::Fetch { in_place_of } => fetched(cache, in_place_of.as_deref())?,
    };
    let version = ask_version(&start)?;
    let cpus = cpus(&start.answer(&["-M", "virt", "-cpu", "help"])?);
    CHOSEN.get_or_init(|| Emulator {
        start,
        version,
        cpus,
    });
    Ok(())
}

/// The first half of that: installs or names what is missing, and fetches nothing else. Where the emulator comes from.
pub fn ensure_programs(builds: bool) -> Result<Choice> {
    let named = named()?;
    let installed = match named {
        None => tools::find(PROGRAM).map(Start::from),
        Some(_) => None,
    };
    // One that does not even say its version is as good as none.
    let installed = installed.and_then(|start| {
        let version = ask_version(&start).ok()?;
        Some((start, version))
    });
    let choice = choose(named, installed);
    // All at once, so that the user is told one line and not two in turn.
    let mut needs = Vec::new();
    if builds && env::consts::ARCH != "aarch64" {
        needs.extend_from_slice(tools::CROSS);
    }
    if matches!(choice, Choice::Fetch { .. }) {
        needs.extend_from_slice(tools::ARCHIVE);
    }
    tools::ensure(&needs)?;
    Ok(choice)
}

/// The emulator that the user names.
fn named() -> Result<Option<PathBuf>> {
    let value = env::var_os(VARIABLE).filter(|value| !value.is_empty());
    match value.map(PathBuf::from) {
        Some(path) if !path.is_file() => Err(Failure::environment(format!(
            "{VARIABLE} names {}, which is no file; it takes the path of a {PROGRAM}",
            path.display()
        ))),
        path => Ok(path),
    }
}

/// Where the emulator comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is there.
    Run(Start),
    /// From Debian's archive; the machine has none, or that version.
    Fetch {
        /// The version that it has.
        in_place_of: Option<String>,
    },
}

/// Decides that. `named` is what the variable says, `installed` what is on `PATH`, with its version.
fn choose(named: Option<PathBuf>, installed: Option<(Start, String)>) -> Choice {
    match (named, installed) {
        (Some(path), _) => Choice::Run(path.into()),
        (None, Some((start, version))) if numbers(&version).starts_with(&OF_THE_EXAMPLES) => {
            Choice::Run(start)
        }
        (None, installed) => Choice::Fetch {
            in_place_of: installed.map(|(_, version)| version),
        },
    }
}

/// Debian 12's emulator out of the cache. It needs nothing of QEMU's data and modules: a host has no
/// firmware, no display and no device with a ROM.
fn fetched(cache: &Cache, in_place_of: Option<&str>) -> Result<Start> {
    let [major, minor] = OF_THE_EXAMPLES;
    let Some(architecture) = Architecture::native() else {
        let other = env::consts::ARCH;
        return Err(Failure::environment(format!(
            "hosts are emulated by QEMU {major}.{minor}; it can be fetched for x86-64 and arm64, not \
             for {other}; name one with {VARIABLE}=PATH-OF-{PROGRAM}"
        )));
    };
    let wanted = Wanted {
        from: Program {
            archive: Archive {
                state: "apt-emulator",
                architecture,
                suites: &["bookworm"],
                security: &["bookworm-security"],
                megabytes: 9,
            },
            suite: None,
            package: "qemu-system-arm",
            also: &[],
            without: "qemu-",
        },
        programs: &[IN_THE_PACKAGE],
        libraries: &[],
        trees: &[],
        folder: format!("qemu-{major}.{minor}-{}", architecture.name),
        words: format!(
            "Debian 12's QEMU {major}.{minor} and the libraries that it needs (26 MB), because the examples \
             are made for it and this machine has {}; {VARIABLE}=PATH names another",
            in_place_of.unwrap_or("no QEMU that runs")
        ),
    };
    let found = Programs::provide(cache, &wanted)?;
    Ok(found.start(cache, &wanted, IN_THE_PACKAGE))
}

fn chosen() -> Result<&'static Emulator> {
    CHOSEN
        .get()
        .ok_or_else(|| Failure::bug("no emulator was chosen before it was needed"))
}

/// How it is started.
pub fn start() -> Result<&'static Start> {
    Ok(&chosen()?.start)
}

/// The names in the answer to `-cpu help`: a title, then one CPU in each line.
fn cpus(help: &str) -> Vec<String> {
    let lines = help.lines().filter(|line| line.starts_with(' '));
    lines
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// `QEMU 7.2.22`, as an emulator says itself.
fn ask_version(start: &Start) -> Result<String> {
    Ok(version(&start.answer(&["--version"])?))
}

/// `QEMU 7.2.22` of the answer to `--version`.
fn version(text: &str) -> String {
    let words = text.split_whitespace();
    let number = words.skip_while(|word| *word != "version").nth(1);
    format!("QEMU {}", number.unwrap_or("of an unknown version"))
}

/// The numbers in `QEMU 7.2.22`.
fn numbers(version: &str) -> Vec<u32> {
    let words = version.split(|c: char| !c.is_ascii_digit());
    words.filter_map(|n| n.parse().ok()).collect()
}

/// Whether the emulator has that CPU, which may have properties (`max,sve=off`).
pub fn has(cpu: &str) -> Result<bool> {
    let name = cpu.split(',').next().unwrap_or_default();
    Ok(chosen()?.cpus.iter().any(|c| c == name))
}

/// Refuses a CPU that the emulator has not, and says which it has.
pub fn expect(cpu: &str) -> Result<()> {
    if has(cpu)? {
        return Ok(());
    }
    let Emulator { version, cpus, .. } = chosen()?;
    // The 32-bit ones have no KVM, but their names do not tell.
    let names = cpus.join(", ");
    Err(Failure::environment(format!(
        "{version} has no CPU `{cpu}`; it has {names}.\n\
         A newer one may: name it with {VARIABLE}=PATH-OF-{PROGRAM}"
    )))
}

/// Says so where `VMLOCK_QEMU` names another release than the examples are made for.
pub fn warn_of_other_cpus() -> Result<()> {
    let version = name()?;
    if !numbers(version).starts_with(&OF_THE_EXAMPLES) {
        let [major, minor] = OF_THE_EXAMPLES;
        say(format_args!(
            "{version} is not the emulator that the examples are made for: its CPUs differ in detail from \
             those of QEMU {major}.{minor}, and what their locks promise is refused; without {VARIABLE}, a \
             QEMU {major}.{minor} is found or fetched"
        ));
    }
    Ok(())
}

/// The emulator's major release: 7.
pub fn release() -> Result<u32> {
    let version = name()?;
    numbers(version)
        .first()
        .copied()
        .ok_or_else(|| Failure::environment(format!("{version}: `--version` says no number")))
}

/// `QEMU 7.2.22`.
pub fn name() -> Result<&'static str> {
    Ok(&chosen()?.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_qemu_says_of_itself() {
        let help = "Available CPUs:\n  a64fx\n  max\n  pxa250 (deprecated)\n\n";
        assert_eq!(cpus(help), ["a64fx", "max", "pxa250"]);
        let text = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright (c) 2003-2022\n";
        assert_eq!(version(text), "QEMU 7.2.22");
        assert_eq!(version("?"), "QEMU of an unknown version");
        assert_eq!(numbers("QEMU 7.2.22"), [7, 2, 22]);
        assert!(numbers(&version("?")).is_empty());
    }

    #[test]
    fn the_release_of_the_examples_is_fetched_where_it_is_not_there() {
        let named = PathBuf::from("/opt/qemu");
        let here = Start::from(PathBuf::from("/usr/bin/qemu"));
        let installed = |version: &str| Some((here.clone(), version.to_owned()));
        let fetch = |in_place_of: Option<&str>| Choice::Fetch {
            in_place_of: in_place_of.map(str::to_owned),
        };
        assert_eq!(
            choose(Some(named.clone()), None),
            Choice::Run(named.clone().into())
        );
        assert_eq!(
            choose(Some(named.clone()), installed("QEMU 7.2.22")),
            Choice::Run(named.into())
        );
        assert_eq!(
            choose(None, installed("QEMU 7.2.22")),
            Choice::Run(here.clone())
        );
        for other in ["QEMU 10.0.8", "QEMU 7.1.0", "QEMU 7.20.0", "QEMU 6.7.2"] {
            assert_eq!(choose(None, installed(other)), fetch(Some(other)));
        }
        assert_eq!(choose(None, None), fetch(None));
    }
}
