//! `vmlock-lab run`: which files a program needs inside a host, and running it there.
//!
//! Inside the host the program runs in a directory of the same name as ours, and every file that it is
//! given is where it is here. So every path means the same inside and outside, and so do those that the program prints.

use crate::cache::Cache;
use crate::carried;
use crate::cross;
use crate::disk;
use crate::emulate::{self, Clock, Files, Job, LAB, Machine, Output, Work};
use crate::emulator;
use crate::failure::{ENVIRONMENT, Failure, Result, say};
use crate::flags::{Hardware, Run};
use crate::guest;
use crate::hibernate;
use crate::kernels::{self, Kernel};
use crate::kexec;
use crate::modules;
use crate::tools;
use crate::virtio;
use crate::zboot;
use serde_json::Value;
use std::env;
use std::io::IsTerminal;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs a program in a host; the result is its exit code.
pub fn run(cache: &Cache, flags: &Run) -> Result<u8> {
    let is_shell = flags.program.as_deref() == Some("sh");
    let program = || match &flags.program {
        Some(path) if !is_shell => Ok(PathBuf::from(path)),
        _ if flags.torture => cross::build_with(cache, cross::RUNNER, "torture"),
        _ => cross::build(cache, cross::RUNNER),
    };
    if flags.kernel == "host" {
        return here(cache, flags, &program()?, is_shell);
    }
    emulator::ensure(cache, flags.program.is_none() || is_shell)?;
    let [kernel] = kernels::resolve(cache, std::slice::from_ref(&flags.kernel), flags.refresh)?
        .try_into()
        .map_err(|_| Failure::bug("one kernel was asked for and not one was found"))?;
    let busybox = kernels::busybox(cache)?;

    let dir = current_dir()?;
    let mut files = Files::default();
    let inside = add_program(&mut files, &program()?)?;
    add_arguments(cache, &mut files, &dir, &flags.args)?;
    for with in &flags.with {
        let (source, path) = with.split_once('=').unwrap_or((with, with));
        let source = absolute(&dir, Path::new(source));
        if !source.is_file() {
            return Err(Failure::environment(format!(
                "--with {with}: there is no file {}",
                source.display()
            )));
        }
        files.copy(&text(&absolute(&dir, Path::new(path)))?, &source);
    }
    let mut results = Vec::new();
    for path in &flags.out {
        let path = absolute(&dir, path);
        if let Some(parent) = path.parent() {
            files.dir(&text(parent)?);
        }
        results.push(text(&path)?);
    }

    let mut wanted: Vec<&str> = flags.modules.iter().map(String::as_str).collect();
    if !flags.disks.is_empty() {
        wanted.extend(modules::DISKS);
    }
    files.modules(modules::provide(cache, &kernel, &wanted)?);

    let job = if is_shell {
        Job {
            program: format!("{LAB}/bin/sh"),
            args: flags.args.clone(),
        }
    } else {
        Job {
            program: inside,
            args: flags.args.clone(),
        }
    };
    let mut machine = machine(
        kernel,
        &flags.cpu,
        &flags.hardware,
        match flags.timeout {
            0 => None,
            seconds => Some(Duration::from_secs(seconds)),
        },
    );
    machine.disks = flags
        .disks
        .iter()
        .map(|disk| absolute(&dir, disk))
        .collect();
    let raw = (flags.terminal && std::io::stdin().is_terminal()).then(RawTerminal::set);
    let outcome = emulate::run(
        &machine,
        &Work {
            dir: &text(&dir)?,
            files: &files,
            busybox: &busybox,
            jobs: &[job],
            results: &results,
            output: if flags.terminal {
                Output::Terminal
            } else {
                Output::Stream
            },
            console: flags.console.as_deref(),
        },
    );
    drop(raw);
    let outcome = outcome?;
    for path in &results {
        match outcome.results.get(path) {
            Some(content) => crate::cache::write(Path::new(path), content)?,
            None => say(format_args!("the program did not write {path}")),
        }
    }
    let code = outcome.jobs.first().map_or(ENVIRONMENT, |job| job.code);
    if code == ENVIRONMENT {
        say("exit code 4 is the program's own: it ran in the host and ended with it");
    }
    Ok(code)
}

/// The hardware that flags describe.
pub fn machine(kernel: Kernel, cpu: &str, hardware: &Hardware, limit: Option<Duration>) -> Machine {
    Machine {
        kernel,
        cpu: cpu.to_owned(),
        cpus: hardware.host_cpus,
        memory: hardware.memory,
        kernel_args: hardware.kernel_args.clone(),
        disks: Vec::new(),
        kept: Vec::new(),
        shares: false,
        bag: None,
        cables: Vec::new(),
        limit,
        clock: Clock::Real,
    }
}

/// Puts a program into the host, under its own name on the PATH; the result is its path in there.
pub fn add_program(files: &mut Files, program: &Path) -> Result<String> {
    let content = crate::cache::read(program)?;
    // An ELF file for AArch64: e_machine, at offset 18, is 183.
    if content.get(..4) != Some(b"\x7fELF") || content.get(18..20) != Some(&183u16.to_le_bytes()) {
        return Err(Failure::environment(format!(
            "{} is no arm64 program (not an ELF file for AArch64), so no emulated host can run it",
            program.display()
        )));
    }
    let name = program
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or("program");
    // The host's own shell and its tools are found by name in the same place.
    let inside = match name {
        "busybox" => format!("{LAB}/program/busybox"),
        other => format!("{LAB}/bin/{other}"),
    };
    files.program(&inside, content);
    Ok(inside)
}

/// Puts the files that arguments name into the host, and those that locks among them name.
pub fn add_arguments(cache: &Cache, files: &mut Files, dir: &Path, args: &[String]) -> Result<()> {
    // These never look at what is to be booted, which is many megabytes.
    let boots = !matches!(
        args.first().map(String::as_str),
        Some("audit" | "probe" | "check" | "mutate" | "torture" | "accesses")
    );
    for arg in args {
        let value = match arg.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => value,
            _ => arg,
        };
        let path = absolute(dir, Path::new(value));
        if value.is_empty() || !path.is_file() || is_of_the_system(&path) {
            continue;
        }
        files.copy(&text(&path)?, &path);
        if !boots || !value.ends_with(".lock.json") {
            continue;
        }
        let base = path.parent().unwrap_or(dir);
        for (place, named) in boot_files(&crate::cache::read(&path)?) {
            let file = absolute(base, Path::new(&named));
            if !file.is_file() {
                provide(cache, &file)?;
            }
            if !file.is_file() {
                return Err(Failure::environment(format!(
                    "{value} names {named} as its {place}, and there is no {}",
                    file.display()
                )));
            }
            files.copy(&text(&file)?, &file);
        }
    }
    Ok(())
}

/// Makes the file if it is part of the guest that the examples use: `guest/Image`,
/// `guest/initrd.cpio.gz`, `guest/vmlinuz.efi`, `guest/hibernate.Image`, `guest/kexec.cpio`, `guest/virtio.cpio`,
/// `guest/carried.cpio`, `guest/carried-debian.cpio.gz`.
fn provide(cache: &Cache, file: &Path) -> Result<()> {
    let (Some(dir), Some(name)) = (file.parent(), file.file_name()) else {
        return Ok(());
    };
    let is_guest = dir.file_name().is_some_and(|d| d == "guest");
    if is_guest && name == hibernate::IMAGE {
        hibernate::provide(dir)?;
    } else if is_guest && name == kexec::INITRD {
        kexec::provide(cache, dir)?;
    } else if is_guest && name == carried::INITRD {
        carried::provide(cache, dir)?;
    } else if is_guest && name == carried::ON_DEBIAN {
        carried::provide_on_debian(cache, dir)?;
    } else if is_guest && name == virtio::INITRD {
        virtio::provide(cache, dir)?;
    } else if is_guest && (name == guest::IMAGE || name == guest::INITRD) {
        guest::provide(cache, dir, guest::KERNEL)?;
    } else if is_guest && (name == disk::DISK || name == disk::INITRD) {
        disk::provide(cache, dir)?;
    } else if is_guest && name == zboot::IMAGE {
        guest::provide(cache, dir, guest::KERNEL)?;
        zboot::provide(cache, dir)?;
    }
    Ok(())
}

/// Files that a lock names for booting: what each is, and its path relative to the lock.
fn boot_files(lock: &[u8]) -> Vec<(String, String)> {
    fn walk(value: &Value, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    if name == "boot"
                        && let Value::Object(boot) = member
                    {
                        for place in ["kernel", "initrd"] {
                            let path = match boot.get(place) {
                                Some(Value::Object(file)) => file.get("path"),
                                other => other,
                            };
                            if let Some(Value::String(path)) = path {
                                found.push((place.to_owned(), path.clone()));
                            }
                        }
                    } else {
                        walk(member, found);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    // A lock that cannot be read is the program's to complain about.
    if let Ok(lock) = serde_json::from_slice(lock) {
        walk(&lock, &mut found);
    }
    found
}

/// Whether a path means another thing inside a host than outside.
fn is_of_the_system(path: &Path) -> bool {
    ["/proc", "/sys", "/dev"]
        .iter()
        .any(|dir| path.starts_with(dir))
}

/// Where we are.
pub fn current_dir() -> Result<PathBuf> {
    env::current_dir()
        .map_err(|e| Failure::environment(format!("cannot find out the current directory: {e}")))
}

/// An absolute path without `.` and `..`, which is what it is inside the host.
pub fn absolute(dir: &Path, path: &Path) -> PathBuf {
    let mut whole = PathBuf::from("/");
    for part in dir.join(path).components() {
        match part {
            Component::Normal(name) => whole.push(name),
            Component::ParentDir => {
                whole.pop();
            }
            _ => {}
        }
    }
    whole
}

/// A path as text: the host's script can hold no other.
pub fn text(path: &Path) -> Result<String> {
    match path.to_str() {
        Some(text) if !text.contains('\n') => Ok(text.to_owned()),
        _ => Err(Failure::usage(format!(
            "the path {} is not UTF-8 text of one line; rename it",
            path.display()
        ))),
    }
}

/// Runs the program on this very machine.
fn here(cache: &Cache, flags: &Run, program: &Path, is_shell: bool) -> Result<u8> {
    if env::consts::ARCH != "aarch64" {
        return Err(Failure::environment(format!(
            "--kernel host runs on this machine, which is {} and not aarch64; name a kernel, e.g. --kernel 6.12",
            env::consts::ARCH
        )));
    }
    // Makes the guest's files where a lock names them.
    add_arguments(cache, &mut Files::default(), &current_dir()?, &flags.args)?;
    let mut command = if is_shell {
        let mut shell = Command::new("sh");
        let own = program.parent().unwrap_or(Path::new("/"));
        let path = env::var("PATH").unwrap_or_default();
        shell.env("PATH", format!("{}:{path}", own.display()));
        shell
    } else {
        Command::new(program)
    };
    command.args(&flags.args);
    let limit = (flags.timeout != 0).then(|| Duration::from_secs(flags.timeout));
    let status = tools::run(&mut command, limit)?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0);
    let code = status.code().unwrap_or(128 + signal);
    u8::try_from(code).map_err(|_| Failure::bug(format!("exit code {code} of a process")))
}

/// The terminal in raw mode; as it was before when dropped.
struct RawTerminal {
    before: Option<String>,
}

impl RawTerminal {
    fn set() -> Self {
        let stty = |args: &[&str]| {
            let out = Command::new("stty")
                .args(args)
                .stdin(Stdio::inherit())
                .output();
            out.ok()
                .filter(|o| o.status.success())
                .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        };
        let before = stty(&["-g"]);
        if before.is_some() {
            stty(&["raw", "-echo"]);
        }
        Self { before }
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = Command::new("stty").arg(before).status();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_to_boot_are_found_in_a_lock() {
        let lock = br#"{"machine": {"boot": {"kernel": "guest/Image", "initrd": {"path": "guest/i"}, "cmdline": "x"}}}"#;
        assert_eq!(
            boot_files(lock),
            [
                ("kernel".to_owned(), "guest/Image".to_owned()),
                ("initrd".to_owned(), "guest/i".to_owned())
            ]
        );
        assert!(boot_files(b"<<<<<<< ours").is_empty());
    }

    #[test]
    fn paths_are_plain() {
        let dir = Path::new("/a/b");
        assert_eq!(absolute(dir, Path::new("../c/./d")), Path::new("/a/c/d"));
        assert_eq!(absolute(dir, Path::new("/x/../y")), Path::new("/y"));
    }
}
