//! What becomes of an exit code whose words nobody reads, or of a result that cannot be written.

use std::fs::File;
use std::io;
use std::process::{Command, Stdio};

/// A pipe whose reader has gone.
fn unread() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// The exit code of `vmlock-run` with these streams.
fn code(arguments: &[&str], stdout: Stdio, stderr: Stdio) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmlock-run"));
    let status = command
        .args(arguments)
        .stdout(stdout)
        .stderr(stderr)
        .status();
    status.expect("it runs").code()
}

#[test]
fn an_exit_code_is_the_same_when_nobody_reads_why() {
    for (arguments, wanted) in [
        (&["strat"][..], 2),
        (&["start", "no-such.vm.lock.json"][..], 4),
        (&["completions", "tcsh"][..], 2),
        (&["completions", "bash"][..], 0),
        (&["--help"][..], 0),
    ] {
        let ended = code(arguments, unread(), unread());
        assert_eq!(ended, Some(wanted), "{arguments:?}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    for arguments in [&["completions", "bash"][..], &["--help"], &["--version"]] {
        let full = File::options().write(true).open("/dev/full");
        let full = full.expect("Linux has it");
        let ended = code(arguments, full.into(), Stdio::null());
        assert_eq!(ended, Some(4), "{arguments:?}");
    }
}
