//! `vmlock run` and `vmlock lab`: the other programs, found and started.

use crate::scratch::{Scratch, err, out};
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

/// A copy of `vmlock` in a folder of its own, so that no program of this build lies beside it.
fn alone(scratch: &Scratch) -> PathBuf {
    let folder = scratch.0.join("bin");
    fs::create_dir(&folder).unwrap();
    let copy = folder.join(format!("vmlock{EXE_SUFFIX}"));
    let own = env!("CARGO_BIN_EXE_vmlock");
    // Linked where that can be: it is large.
    if fs::hard_link(own, &copy).is_err() {
        fs::copy(own, &copy).unwrap();
    }
    copy
}

/// A program that prints who it is and what it was told, and ends with 5.
#[cfg(unix)]
fn program(folder: &Path, name: &str, who: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\necho \"{who}:$*\"\nexit 5\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(vmlock: &Path, path: &str, folder: &Path, arguments: &[&str]) -> Output {
    loop {
        let output = Command::new(vmlock)
            .args(arguments)
            .env("PATH", path)
            .env("NO_COLOR", "1")
            .current_dir(folder)
            .output();
        // What was written a moment ago may still be open in a child of another test, which has not come to its exec.
        match output {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
            Ok(output) if err(&output).contains("Text file busy") => {}
            output => return output.unwrap(),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(unix)]
#[test]
fn the_program_beside_comes_first_and_then_those_in_path() {
    let scratch = Scratch::new("door");
    let vmlock = alone(&scratch);
    let elsewhere = scratch.0.join("elsewhere");
    let path = elsewhere.to_str().unwrap();
    let told = |output: &Output| (output.status.code(), out(output));
    let none = run(&vmlock, path, &scratch.0, &["run", "probe"]);
    assert_eq!(none.status.code(), Some(4));
    assert!(err(&none).contains("usage::no-program"), "{}", err(&none));
    // What lies in the current folder is nobody's, whatever PATH says.
    program(&scratch.0, "vmlock-run", "here");
    for relative in ["", ".", ":"] {
        let none = run(&vmlock, relative, &scratch.0, &["run"]);
        assert_eq!(none.status.code(), Some(4), "{relative:?}: {}", out(&none));
    }
    program(&elsewhere, "vmlock-run", "path");
    let output = run(&vmlock, path, &scratch.0, &["run", "--help", "-x", "a b"]);
    assert_eq!(told(&output), (Some(5), "path:--help -x a b\n".to_owned()));
    program(&scratch.0.join("bin"), "vmlock-run", "beside");
    let output = run(
        &vmlock,
        path,
        &scratch.0,
        &["run", "start", "--format", "json"],
    );
    assert_eq!(
        told(&output),
        (Some(5), "beside:start --format json\n".to_owned())
    );
    program(&elsewhere, "vmlock-lab", "lab");
    let output = run(
        &vmlock,
        path,
        &scratch.0,
        &["--format", "human", "lab", "kernels", "--help"],
    );
    assert_eq!(told(&output), (Some(5), "lab:kernels --help\n".to_owned()));
    let output = run(&vmlock, path, &scratch.0, &["help", "run", "start"]);
    assert_eq!(told(&output), (Some(5), "beside:start --help\n".to_owned()));
    // What would not be passed on is refused.
    for door in ["run", "lab"] {
        let output = run(
            &vmlock,
            path,
            &scratch.0,
            &["--format", "json", door, "probe"],
        );
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        let words = out(&output);
        assert!(words.contains(&format!("before `{door}`")), "{words}");
    }
}

#[cfg(unix)]
#[test]
fn a_program_for_another_machine_is_named_as_one() {
    let scratch = Scratch::new("door-foreign");
    let vmlock = alone(&scratch);
    let folder = scratch.0.join("bin");
    program(&folder, "vmlock-run", "never");
    // The head of an ELF file for a machine that nobody has (EM_M32, 1).
    let mut head = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    head.resize(18, 0);
    head.extend([1, 0]);
    fs::write(folder.join("vmlock-run"), head).unwrap();
    let output = run(&vmlock, "", &scratch.0, &["run", "probe"]);
    assert_eq!(output.status.code(), Some(4));
    let words = err(&output);
    assert!(
        words.contains("another machine") && words.contains("vmlock lab run"),
        "{words}"
    );
}

/// Neither where there is none nor where it is for another machine does one have to guess.
#[test]
fn the_help_of_vmlock_run_can_be_read_where_it_cannot_run() {
    let scratch = Scratch::new("door-help");
    let vmlock = alone(&scratch);
    for (arguments, wanted) in [
        (&["help", "run"][..], "Commands:\n  probe "),
        (&["run", "--help"], "Commands:\n  probe "),
        (&["run", "help", "start"], "--on-reset <WHAT>"),
        (&["help", "run", "start"], "--on-reset <WHAT>"),
        (&["run", "start", "x.lock.json", "-h"], "--on-reset <WHAT>"),
    ] {
        let output = run(&vmlock, "", &scratch.0, arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            err(&output)
        );
        assert!(
            out(&output).contains(wanted),
            "{arguments:?}: {}",
            out(&output)
        );
    }
    for arguments in [&["run", "start"][..], &["help", "run", "strat"]] {
        let output = run(&vmlock, "", &scratch.0, arguments);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}");
    }
}
