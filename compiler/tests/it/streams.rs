//! What becomes of a verdict whose words nobody reads, or that cannot be written.

use crate::scratch::root;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

/// A pipe whose reader has gone.
fn unread() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A disk without space.
fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

/// The exit code of `vmlock` with these streams.
fn code(arguments: &[&str], stdout: Stdio, stderr: Stdio) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmlock"));
    let command = command.args(arguments).current_dir(root());
    let status = command.stdout(stdout).stderr(stderr).status().unwrap();
    status.code()
}

#[test]
fn a_verdict_is_the_same_when_nobody_reads_it() {
    let refused = [
        "check",
        "examples/modern.vm.lock.json",
        "--host",
        "spec/catalogue/hosts/neoverse-n1-6.1.json",
    ];
    let missing = ["lock", "--check", "no-such.vm.kdl"];
    let differs = ["diff", "kvm-6.8", "kvm-6.12"];
    let misspelt = ["lcok"];
    for (arguments, wanted) in [
        (&refused[..], 3),
        (&missing[..], 4),
        (&differs[..], 1),
        (&misspelt[..], 2),
        (&["--help"][..], 0),
        (&["completions", "bash"][..], 0),
    ] {
        for format in ["human", "json", "github", "sarif"] {
            let arguments = [&["--format", format], arguments].concat();
            let read = code(&arguments, Stdio::null(), Stdio::null());
            assert_eq!(read, Some(wanted), "{arguments:?}");
            for (stdout, stderr) in [
                (unread(), Stdio::null()),
                (Stdio::null(), unread()),
                (unread(), unread()),
            ] {
                assert_eq!(
                    code(&arguments, stdout, stderr),
                    Some(wanted),
                    "{arguments:?}"
                );
            }
        }
    }
}

/// Where a lock belongs, there is something that has no end.
#[test]
fn a_lock_without_an_end_is_told_of() {
    let folder = std::env::temp_dir().join(format!("vmlock-endless-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let spec = folder.join("modern.vm.kdl");
    fs::copy(root().join("examples/modern.vm.kdl"), &spec).unwrap();
    symlink("/dev/zero", folder.join("modern.vm.lock.json")).unwrap();
    let spec = spec.to_str().unwrap();
    let stale = ["lock", "--check", spec];
    assert_eq!(code(&stale, Stdio::null(), Stdio::null()), Some(1));
    let lock = "/dev/zero";
    let report = ["check", "examples/modern.vm.lock.json", "--host", lock];
    for arguments in [&["check", lock, "--host", lock][..], &report] {
        assert_eq!(code(arguments, Stdio::null(), Stdio::null()), Some(4));
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    for arguments in [
        &["completions", "bash"][..],
        &["explain", "psci-1.1"][..],
        &["--format", "json", "explain", "psci-1.1"][..],
        &["--help"][..],
    ] {
        assert_eq!(
            code(arguments, full(), Stdio::null()),
            Some(4),
            "{arguments:?}"
        );
        let ended = Command::new(env!("CARGO_BIN_EXE_vmlock"))
            .args(arguments)
            .stdout(full())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let words = String::from_utf8(ended.stderr).unwrap();
        assert!(
            words.contains("cannot be written"),
            "{arguments:?}: {words}"
        );
    }
    // Nor is one whose messages cannot.
    let missing = ["lock", "--check", "no-such.vm.kdl"];
    assert_eq!(code(&missing, Stdio::null(), full()), Some(4));
}
