//! Which QEMU emulates the hosts, and which CPUs it has.
//!
//! The first `qemu-system-aarch64` on `PATH`, or the one that `VMLOCK_QEMU` names: a newer one than the
//! machine's has CPUs that the machine's has not.

use crate::failure::{Failure, Result, say};
use crate::tools::{self, Need};
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Names the emulator, in place of the first on `PATH`.
pub const VARIABLE: &str = "VMLOCK_QEMU";

/// The emulator's name on `PATH`.
const PROGRAM: &str = "qemu-system-aarch64";

/// What an emulated host needs of this machine.
const NEEDS: &[Need] = &[(PROGRAM, "qemu-system-arm")];

/// The emulator to run.
pub fn program() -> PathBuf {
    env::var_os(VARIABLE).map_or_else(|| PathBuf::from(PROGRAM), PathBuf::from)
}

/// What has to be installed for it: nothing where one is named, and that one has to be there.
pub fn needs() -> Result<&'static [Need]> {
    match env::var_os(VARIABLE) {
        None => Ok(NEEDS),
        Some(path) if PathBuf::from(&path).is_file() => Ok(&[]),
        Some(path) => Err(Failure::environment(format!(
            "{VARIABLE} names {}, which is no file; it takes the path of a {PROGRAM}",
            PathBuf::from(path).display()
        ))),
    }
}

/// What the emulator says of itself.
struct About {
    /// `QEMU 7.2.22`.
    version: String,
    /// Names of its CPUs.
    cpus: Vec<String>,
}

fn about() -> Result<&'static About> {
    static ABOUT: OnceLock<About> = OnceLock::new();
    if let Some(about) = ABOUT.get() {
        return Ok(about);
    }
    let ask = |arguments: &[&str]| {
        let (status, out) = tools::output(Command::new(program()).args(arguments))?;
        match status.success() {
            true => Ok(String::from_utf8_lossy(&out).into_owned()),
            false => Err(Failure::environment(format!(
                "{} {} failed: {status}",
                program().display(),
                arguments.join(" ")
            ))),
        }
    };
    let cpus = cpus(&ask(&["-M", "virt", "-cpu", "help"])?);
    let version = version(&ask(&["--version"])?);
    Ok(ABOUT.get_or_init(|| About { version, cpus }))
}

/// The names in the answer to `-cpu help`: a title, then one CPU in each line.
fn cpus(help: &str) -> Vec<String> {
    let lines = help.lines().filter(|line| line.starts_with(' '));
    lines
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// `QEMU 7.2.22` of the answer to `--version`.
fn version(text: &str) -> String {
    let words = text.split_whitespace();
    let number = words.skip_while(|word| *word != "version").nth(1);
    format!("QEMU {}", number.unwrap_or("of an unknown version"))
}

/// Whether the emulator has that CPU, which may have properties (`max,sve=off`).
pub fn has(cpu: &str) -> Result<bool> {
    let name = cpu.split(',').next().unwrap_or_default();
    Ok(about()?.cpus.iter().any(|c| c == name))
}

/// Refuses a CPU that the emulator has not, and says which it has.
pub fn expect(cpu: &str) -> Result<()> {
    if has(cpu)? {
        return Ok(());
    }
    let About { version, cpus } = about()?;
    // The 32-bit ones have no KVM, but their names do not tell.
    let names = cpus.join(", ");
    Err(Failure::environment(format!(
        "{version} has no CPU `{cpu}`; it has {names}.\n\
         A newer one may: name it with {VARIABLE}=PATH-OF-{PROGRAM}"
    )))
}

/// The release whose CPUs the examples are locked for.
const OF_THE_EXAMPLES: u32 = 7;

/// Says so where the examples cannot be kept: another release emulates other CPUs by the same names
/// (10.0 has no trace in ID_DFR0_EL1 and, in `max`, more features and another clock).
pub fn warn_of_other_cpus() -> Result<()> {
    if release()? != OF_THE_EXAMPLES {
        say(format_args!(
            "{} is not the emulator that the examples are made for: its CPUs differ in detail from those of \
             QEMU {OF_THE_EXAMPLES}.2, and what their locks promise is refused; name a QEMU \
             {OF_THE_EXAMPLES}.2 (Debian 12's) with {VARIABLE}=PATH-OF-{PROGRAM}",
            name()?
        ));
    }
    Ok(())
}

/// The emulator's major release: 7.
pub fn release() -> Result<u32> {
    let version = name()?;
    let number = version.split(|c: char| !c.is_ascii_digit());
    let mut numbers = number.filter_map(|n| n.parse().ok());
    numbers
        .next()
        .ok_or_else(|| Failure::environment(format!("{version}: `--version` says no number")))
}

/// `QEMU 7.2.22`.
pub fn name() -> Result<&'static str> {
    Ok(&about()?.version)
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
    }
}
