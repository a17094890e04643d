//! `drift`, on the recorded hosts of the lab's kernels and on the page of the documents that shows it.

use crate::scratch::{Scratch, err, out, report_of, root};
use serde_json::Value;
use std::fs;

/// Hosts under the names that the page has for them.
fn hosts(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    for (short, cpu, series) in [
        ("n1-6.1.json", "neoverse-n1", "6.1"),
        ("n1-6.12.json", "neoverse-n1", "6.12"),
        ("n1-7.3.json", "neoverse-n1", "7.3"),
        ("a72-7.3.json", "cortex-a72", "7.3"),
    ] {
        fs::copy(report_of(cpu, series), scratch.0.join(short)).unwrap();
    }
    scratch
}

/// What stands below each command of the page is what it prints.
#[test]
fn the_page_shows_what_is_printed() {
    let path = root().join("docs/drift.md");
    let page = fs::read_to_string(&path).unwrap();
    let scratch = hosts("page");
    let (mut made, mut shown, mut inside) = (String::new(), 0, false);
    for line in page.lines() {
        let command = line.strip_prefix("$ vmlock ");
        inside = (inside || command.is_some()) && line != "```";
        if let Some(command) = command {
            let arguments: Vec<&str> = command.split_whitespace().collect();
            let output = scratch.vmlock(&arguments);
            made.push_str(&format!("{line}\n{}", out(&output)));
            shown += 1;
        } else if !inside {
            made.push_str(&format!("{line}\n"));
        }
    }
    if std::env::var_os("VMLOCK_UPDATE").is_some_and(|v| v == "1") {
        fs::write(&path, &made).unwrap();
    } else {
        assert_eq!(made, page, "VMLOCK_UPDATE=1 writes the page anew");
    }
    assert!(shown >= 2, "{shown} commands");
}

#[test]
fn a_written_baseline_describes_the_host_that_it_was_made_of() {
    let scratch = hosts("written");
    let arguments = [
        "drift",
        "--from",
        "kvm-6.1",
        "n1-6.12.json",
        "--write",
        "new.kdl",
    ];
    let (code, object) = scratch.json(&arguments);
    assert_eq!(code, 1, "{object}");
    let changes = object["changes"].as_array().unwrap();
    let restored = |c: &&Value| c["restored"][0]["line"].is_string();
    assert!(
        changes.len() >= 5 && changes.iter().filter(restored).count() >= 3,
        "{object}"
    );
    // Against itself, the host does not drift.
    let again = [
        "drift",
        "--from",
        "new",
        "--import",
        "new.kdl",
        "n1-6.12.json",
    ];
    let (code, object) = scratch.json(&again);
    assert_eq!(code, 0, "{object}");
    // Nothing is written over, and no name is given twice.
    assert_eq!(scratch.json(&arguments).0, 4);
    let taken = ["drift", "n1-6.12.json", "--write", "kvm-6.12.kdl"];
    assert_eq!(scratch.json(&taken).0, 2);
}

#[test]
fn two_hosts_drift_as_their_kernels_do_and_locks_are_judged() {
    let scratch = hosts("between");
    let spec = "vm \"a\" {\narch \"arm64\"\nabi \"kvm-6.1\"\ncpu \"neoverse-n1\" count=1 { pmu; }\nmemory \"64MiB\"\n}\n";
    scratch.lock("a", spec);
    let arguments = [
        "drift",
        "n1-6.1.json",
        "n1-6.12.json",
        "--lock",
        "a.vm.lock.json",
    ];
    let (code, object) = scratch.json(&arguments);
    assert_eq!(code, 3, "{object}");
    assert_eq!(object["locks"][0]["kept"], false);
    assert!(object["changes"].as_array().unwrap().len() >= 5, "{object}");
    let same = ["drift", "n1-6.12.json", "n1-6.12.json"];
    assert_eq!(scratch.json(&same).0, 0);
    let (code, object) = scratch.json(&["drift", "a72-7.3.json", "n1-7.3.json"]);
    assert_eq!(
        (code, object["diagnostics"][0]["code"].as_str()),
        (2, Some("drift::another-cpu"))
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let scratch = hosts("refused");
    for arguments in [
        &["drift", "--from", "kvm-9.9", "n1-7.3.json"][..],
        &["drift", "--from", "psci-1.1", "n1-7.3.json"],
        &["drift", "--cpu", "cortex-a72", "n1-7.3.json"],
        &["drift", "kvm-7.2", "n1-7.3.json"],
        &["drift", "n1-6.1.json", "n1-6.12.json", "n1-7.3.json"],
    ] {
        let output = scratch.vmlock(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            err(&output)
        );
        assert!(
            err(&output).contains("help"),
            "{arguments:?}: {}",
            err(&output)
        );
    }
}
