//! What becomes of a verdict whose words nobody reads, or that cannot be written.

use crate::scratch::root;
use std::io;
use std::process::{Command, Stdio};
#[cfg(unix)]
use {
    crate::scratch::Scratch,
    std::fs::{self, File},
    std::os::unix::fs::symlink,
    std::thread,
    std::time::{Duration, Instant},
};

/// Longest that anything here may take.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(60);

/// A pipe whose reader has gone.
fn unread() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A disk without space.
#[cfg(unix)]
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

/// Where a file belongs, there is something that has no end, or that nobody ever writes to.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_told_of_at_once() {
    let scratch = Scratch::new("endless");
    let spec = fs::read_to_string(root().join("examples/modern.vm.kdl")).unwrap();
    scratch.write("a.vm.kdl", &spec);
    scratch.write("b.vm.kdl", &spec);
    scratch.write(
        "c.vm.kdl",
        &spec
            .replace("vm \"", "vm \"x")
            .replace("abi ", "import \"pipe\"\nabi "),
    );
    let lock = fs::read_to_string(root().join("examples/modern.vm.lock.json")).unwrap();
    scratch.write("fine.lock.json", &lock);
    symlink("/dev/zero", scratch.0.join("a.vm.lock.json")).unwrap();
    let made = Command::new("mkfifo")
        .args(["pipe", "pipe.vm.kdl", "form.vm.json", "b.vm.lock.json"])
        .current_dir(&scratch.0)
        .status();
    assert!(made.unwrap().success());
    for (arguments, wanted, what) in [
        (&["lock", "pipe.vm.kdl"][..], 4, "a pipe"),
        (&["lock", "form.vm.json"], 4, "a pipe"),
        (&["lock", "a.vm.kdl"], 4, "a device"),
        (&["lock", "--check", "a.vm.kdl"], 4, "a device"),
        (&["lock", "b.vm.kdl"], 4, "a pipe"),
        (&["lock", "c.vm.kdl"], 1, "a pipe"),
        (&["lock", "--for", "pipe", "a.vm.kdl"], 4, "a pipe"),
        (&["check", "pipe", "--host", "pipe"], 4, "a pipe"),
        (&["check", "fine.lock.json", "--host", "pipe"], 4, "a pipe"),
        (
            &["check", "fine.lock.json", "--host", "/dev/zero"],
            4,
            "a device",
        ),
        (&["diff", "pipe", "fine.lock.json"], 4, "a pipe"),
        (
            &["diff", "kvm-6.8", "kvm-6.12", "--import", "pipe"],
            4,
            "a pipe",
        ),
        (&["explain", "MIDR_EL1", "--lock", "pipe"], 4, "a pipe"),
        (&["cpu", "pipe", "--name", "x"], 4, "a pipe"),
        (&["adopt", "pipe", "--name", "x"], 4, "a pipe"),
        (&["common", "pipe"], 4, "a pipe"),
        (&["common", ".", "--import", "pipe"], 4, "a pipe"),
        (&["cpu", ".", "--name", "x"], 4, "a folder"),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vmlock"))
            .args(arguments)
            .current_dir(&scratch.0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("{arguments:?} waits for ever");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let ended = child.wait_with_output().unwrap();
        let words = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(wanted), "{arguments:?}: {words}");
        assert!(
            words.contains(&format!("it is {what}")),
            "{arguments:?}: {words}"
        );
    }
}

#[cfg(unix)]
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
