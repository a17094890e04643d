//! `vmlock init`: first descriptions, by flags, from a host report, and at a terminal.

use crate::scratch::{Scratch, err, out, report_of};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn flags_alone_are_enough() {
    let scratch = Scratch::new("init-flags");
    let arguments =
        "init web --abi kvm-6.8 psci-1.1 --cpu neoverse-n1 --features pmu --count 4 --memory 1GiB";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let output = scratch.vmlock(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = fs::read_to_string(scratch.0.join("web.vm.kdl")).unwrap();
    let expected = "vm \"web\" {\n    arch \"arm64\"\n    abi \"kvm-6.8\" \"psci-1.1\"\n    cpu \"neoverse-n1\" count=4 {\n        pmu\n    }\n    memory \"1GiB\"\n}\n";
    assert_eq!(text, expected);
    assert!(
        out(&output).ends_with("next: vmlock lock web.vm.kdl\n"),
        "{}",
        out(&output)
    );
    let output = scratch.vmlock(&["lock", "web.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let again = scratch.vmlock(&arguments);
    assert_eq!(again.status.code(), Some(4));
    assert!(err(&again).contains("io::exists"), "{}", err(&again));
    // Nor beside the other form, or a lock that is there: what it knows would come into the new one.
    for taken in ["web.vm.json", "web.vm.lock.json"] {
        let scratch = Scratch::new(taken);
        scratch.write(taken, "{}");
        let output = scratch.vmlock(&arguments);
        assert_eq!(output.status.code(), Some(4), "{taken}");
        assert!(err(&output).contains(taken), "{}", err(&output));
    }
}

#[test]
fn texts_are_said_as_they_are() {
    let scratch = Scratch::new("init-texts");
    let base = "init web --abi kvm-6.8 --cpu neoverse-n1 --kernel Image --cmdline";
    let mut arguments: Vec<&str> = base.split(' ').collect();
    arguments.push("\"\"\\x \u{ad} \"#");
    let output = scratch.vmlock(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let output = scratch.vmlock(&["convert", "web.vm.kdl"]);
    assert!(
        out(&output).contains(r##""cmdline": "\"\"\\x \u00ad \"#""##),
        "{}",
        out(&output)
    );
}

#[test]
fn a_host_says_what_it_can_keep() {
    let scratch = Scratch::new("init-host");
    let report = report_of("neoverse-n1", "6.12");
    let output = scratch.vmlock(&["init", "web", "--host", &report]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let output = scratch.vmlock(&["lock", "web.vm.kdl", "--for", &report]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    // In whatever order features are named.
    let report = report_of("max", "6.12");
    let mut arguments = vec!["init", "most", "--host", &report];
    for feature in ["mte", "sve", "pmu", "pauth", "pmu"] {
        arguments.extend(["--features", feature]);
    }
    let output = scratch.vmlock(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

#[test]
fn nothing_is_written_that_makes_no_lock() {
    let scratch = Scratch::new("init-wrong");
    for (arguments, exit, words) in [
        ("init web --abi kvm-6.8", 2, "--cpu or --host"),
        ("init web --cpu neoverse-n1", 2, "--abi or --host"),
        ("init --abi kvm-6.8 --cpu neoverse-n1", 2, "NAME"),
        (
            "init web --abi kvm-6.8.0 --cpu neoverse-n1",
            1,
            "write `kvm-6.8`",
        ),
        (
            "init web --abi kvm-6.8 --cpu neoverse-n1 --memory 1G",
            2,
            "write `1GiB`",
        ),
        (
            "init web --abi kvm-6.8 --cpu neoverse-n1 --count 0",
            1,
            "vCPUs",
        ),
        (
            "init a/b --abi kvm-6.8 --cpu neoverse-n1",
            1,
            "ASCII letters",
        ),
        ("init web --host gone.json", 4, "gone.json"),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = Command::new(env!("CARGO_BIN_EXE_vmlock"))
            .args(&arguments)
            .current_dir(&scratch.0)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(exit),
            "{arguments:?}: {}",
            err(&output)
        );
        assert!(
            err(&output).contains(words),
            "{arguments:?}: {}",
            err(&output)
        );
        assert_eq!(
            fs::read_dir(&scratch.0).unwrap().count(),
            0,
            "{arguments:?}"
        );
    }
}

#[test]
fn a_machine_is_called_as_its_file_is() {
    let scratch = Scratch::new("init-file");
    let arguments = [
        "init",
        "web.vm.kdl",
        "--abi",
        "kvm-6.8",
        "--cpu",
        "neoverse-n1",
    ];
    let output = scratch.vmlock(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let spec = fs::read_to_string(scratch.0.join("web.vm.kdl")).unwrap();
    assert!(spec.starts_with("vm \"web\" {"), "{spec}");
    assert!(!scratch.0.join("web.vm.kdl.vm.kdl").exists());
}

#[cfg(unix)]
#[test]
fn a_terminal_is_asked() {
    use std::io::Write as _;
    let scratch = Scratch::new("init-terminal");
    let (mut master, slave) = crate::terminal::pair();
    // What is typed before it is asked for waits in the terminal.
    master
        .write_all(b"web\nkvm-6.8\nneoverse-n1\n\n\n")
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_vmlock"))
        .arg("init")
        .current_dir(&scratch.0)
        .stdin(Stdio::from(slave))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(
        err(&output).contains("how many vCPUs [2]: "),
        "{}",
        err(&output)
    );
    assert!(scratch.0.join("web.vm.kdl").exists());
}
