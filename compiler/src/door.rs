//! One door to three programs: `vmlock run …` is `vmlock-run …`, `vmlock lab …` is `vmlock-lab …`, as git and cargo have
//! it. The other program takes this one's place, so that its exit code, signals and terminal are its own.

use crate::command::unreadable;
use crate::diagnostic::Diagnostic;
use crate::flags::{Flags, Format, runner};
use crate::render::{Exit, Output};
use crate::system;
use clap::CommandFactory as _;
use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The words that open it, and the programs behind it.
const DOORS: [(&str, &str); 2] = [("run", "vmlock-run"), ("lab", "vmlock-lab")];

/// Whether a command line asks for another program: which, and what it is told. What stands behind the word is the
/// other's alone, `--help` included, and so is `help run …`; a flag before the word is this program's.
pub fn asked(
    arguments: impl IntoIterator<Item = OsString>,
) -> Option<(&'static str, Vec<OsString>)> {
    let mut arguments = arguments.into_iter().skip(1);
    let mut word = arguments.next()?;
    let asks_for_help = word == "help";
    if asks_for_help {
        word = arguments.next().filter(|word| word == "run")?;
    }
    let (_, program) = DOORS.iter().find(|(door, _)| word == *door)?;
    let help = asks_for_help.then(|| OsString::from("--help"));
    Some((program, arguments.chain(help).collect()))
}

/// Starts the program in this one's place; comes back where it cannot.
pub fn open(program: &'static str, arguments: &[OsString], out: &mut Output) {
    let beside = env::current_exe()
        .ok()
        .and_then(|own| own.parent().map(Path::to_owned));
    let path = env::var_os("PATH").unwrap_or_default();
    let Some(found) = find(program, beside.as_deref(), &path) else {
        return without(program, arguments, missing(program, beside.as_deref()), out);
    };
    // The C library would give to a shell what the kernel cannot run.
    let make = |path: &Path| make(path).unwrap_or_default();
    let own = env::current_exe().map_or([0; 2], |own| make(&own));
    // Of one that cannot be read, nothing is known.
    if own != [0; 2] && ![[0; 2], own].contains(&make(&found)) {
        return without(program, arguments, foreign(program, &found), out);
    }
    let error = system::instead(Command::new(&found).args(arguments));
    out.fail(Exit::Environment, unreadable(&found, &error));
}

/// The program cannot be started: what its help says is known here, too.
fn without(program: &str, arguments: &[OsString], why: Diagnostic, out: &mut Output) {
    match runner::help(arguments).filter(|_| program == "vmlock-run") {
        Some(text) => out.lines(text.lines()),
        None => out.fail(Exit::Environment, why),
    }
}

/// The same where flags of this program stand before the word. How the other prints is not this one's to say.
pub fn behind(format: Format, door: &str, arguments: &[OsString], out: &mut Output) {
    let Some((_, program)) = DOORS.iter().find(|(word, _)| *word == door) else {
        return;
    };
    if format == Format::Human {
        return open(program, arguments, out);
    }
    let words =
        format!("`--format` before `{door}` is of `vmlock` alone, and {program} does not see it");
    let help = format!(
        "write it behind the command of {program} that takes it: `vmlock {door} COMMAND --format …`"
    );
    out.fail(
        Exit::Usage,
        Diagnostic::error("usage::arguments", words).help(help),
    );
}

/// The command line as shells complete it: behind `run` it is the other program's.
pub fn completed() -> clap::Command {
    Flags::command().mut_subcommand("run", |door| {
        let about = door.get_about().cloned().unwrap_or_default();
        runner::command("run").about(about)
    })
}

/// For which machine a program is: `e_machine` of its ELF header, in its own byte order; zero where it is no ELF file.
fn make(path: &Path) -> io::Result<[u8; 2]> {
    let mut head = [0; 20];
    File::open(path)?.read_exact(&mut head)?;
    let [0x7f, b'E', b'L', b'F', .., first, second] = head else {
        return Ok([0; 2]);
    };
    Ok([first, second])
}

/// Beside this program, where one is; else in PATH, but for folders that depend on where one is.
fn find(program: &str, beside: Option<&Path>, path: &OsStr) -> Option<PathBuf> {
    let folders = beside
        .map(Path::to_owned)
        .into_iter()
        .chain(env::split_paths(path));
    let mut files = folders
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(format!("{program}{EXE_SUFFIX}")));
    files.find(|file| file.metadata().is_ok_and(|m| system::is_program(&m)))
}

fn foreign(program: &str, found: &Path) -> Diagnostic {
    let shown = found.display().to_string();
    let words = format!("`{shown}` is a program for another machine than this one");
    let help = match program {
        "vmlock-run" => "`vmlock lab run --kernel 6.12 -- …` runs it in an emulated arm64 host",
        _ => "build it here: in a checkout, `cargo build -p vmlock-lab` makes it beside `vmlock`",
    };
    Diagnostic::error("usage::no-program", words)
        .in_file(shown)
        .help(help)
}

fn missing(program: &str, beside: Option<&Path>) -> Diagnostic {
    let beside = beside.map_or_else(
        || "this program".to_owned(),
        |folder| format!("`{}`", folder.display()),
    );
    let words = format!("`{program}` is neither in {beside}, where `vmlock` is, nor in PATH");
    let help = match program {
        "vmlock-run" => {
            "in a checkout, `cargo run -p vmlock-lab -- build` makes it for arm64 and prints its path; put it beside `vmlock` or in PATH"
        }
        _ => "in a checkout, `cargo build -p vmlock-lab` makes it beside `vmlock`",
    };
    Diagnostic::error("usage::no-program", words).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn what_stands_behind_the_word_is_the_others() {
        let asked_of = |line: &str| asked(words(line));
        assert_eq!(asked_of("vmlock run"), Some(("vmlock-run", Vec::new())));
        let told = Some(("vmlock-lab", words("run --kernel 6.12 -- audit --help")));
        assert_eq!(
            asked_of("vmlock lab run --kernel 6.12 -- audit --help"),
            told
        );
        let told = Some(("vmlock-run", words("start --help")));
        assert_eq!(asked_of("vmlock help run start"), told);
        for line in [
            "vmlock",
            "vmlock help",
            "vmlock help lock",
            "vmlock lock run",
            "vmlock --help",
            "vmlock runs",
        ] {
            assert_eq!(asked_of(line), None, "{line}");
        }
    }
}
