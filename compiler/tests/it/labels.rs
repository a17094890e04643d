//! `vmlock labels`: what a scheduler is told of a host, and what a machine asks for.

use crate::scratch::{Scratch, err, out, report_of, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
#[cfg(unix)]
use std::process::Command;
use vmlock_spec::report;

const BOOT: &str = "3e1b5c2a-77d0-4f6e-9a51-0c8d2f4b6e90";
const DOMAIN: [&str; 2] = ["--domain", "vmlock.example.com"];

/// A recorded host's report, as of that boot.
fn booted(scratch: &Scratch, series: &str, boot: Option<&str>) {
    let text = fs::read_to_string(report_of("neoverse-n1", series)).unwrap();
    let mut report = report::parse(&text).unwrap();
    report.boot = boot.map(str::to_owned);
    scratch.report("host.json", &report);
}

/// A folder with the examples' locks, and the report of a host that keeps some of them.
fn fleet(name: &str, series: &str) -> Scratch {
    let scratch = Scratch::new(name);
    fs::create_dir(scratch.0.join("locks")).unwrap();
    for example in ["portable", "modern", "pinned"] {
        let file = format!("{example}.vm.lock.json");
        fs::copy(
            root().join("examples").join(&file),
            scratch.0.join("locks").join(&file),
        )
        .unwrap();
    }
    booted(&scratch, series, Some(BOOT));
    scratch
}

fn names(object: &Value) -> BTreeSet<&str> {
    let labels = object["labels"].as_array().unwrap();
    labels
        .iter()
        .map(|label| label["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_lock_has_a_label_where_check_says_yes_and_nowhere_else() {
    let (mut yes, mut no) = (0, 0);
    for series in ["5.10", "6.1", "6.12", "6.18", "7.3"] {
        let scratch = fleet("labels-check", series);
        let (exit, object) = scratch.json(&["labels", "--host", "host.json", "locks"]);
        assert_eq!(exit, 0, "{object}");
        for example in ["portable", "modern", "pinned"] {
            let lock = format!("locks/{example}.vm.lock.json");
            let checked = scratch.vmlock(&["check", &lock, "--host", "host.json"]);
            let kept = checked.status.code() == Some(0);
            let label = format!("lock.{example}");
            assert_eq!(
                names(&object).contains(&*label),
                kept,
                "{series} {example}: {object}"
            );
            if kept {
                yes += 1;
            } else {
                no += 1;
            }
        }
    }
    assert!(yes > 3 && no > 3, "{yes} {no}");
}

/// The digest is that of `vmlock lock --print-digest`, as far as it fits.
#[test]
fn a_changed_lock_lands_on_no_old_answer() {
    let scratch = fleet("labels-changed", "7.3");
    let lock = "locks/modern.vm.lock.json";
    let select = |scratch: &Scratch| {
        let (exit, object) = scratch.json(&["labels", "--select", lock]);
        assert_eq!(exit, 0, "{object}");
        object["select"].clone()
    };
    let before = select(&scratch);
    let (_, object) = scratch.json(&["labels", "--host", "host.json", "locks"]);
    assert!(
        object["labels"].as_array().unwrap().contains(&before),
        "{object}"
    );
    assert_eq!(before["value"].as_str().unwrap().len(), 40);
    // The same name, and twice the memory.
    let spec = fs::read_to_string(root().join("examples/modern.vm.kdl")).unwrap();
    let spec = spec
        .lines()
        .filter(|line| !line.trim_start().starts_with("boot "));
    let spec = spec.collect::<Vec<_>>().join("\n");
    scratch.lock("modern", &spec.replace("256MiB", "512MiB"));
    fs::rename(scratch.0.join("modern.vm.lock.json"), scratch.0.join(lock)).unwrap();
    let after = select(&scratch);
    assert_eq!(before["name"], after["name"]);
    assert_ne!(before["value"], after["value"]);
    assert!(!object["labels"].as_array().unwrap().contains(&after));
}

#[test]
fn a_report_of_no_boot_makes_no_label() {
    let scratch = fleet("labels-boot", "7.3");
    booted(&scratch, "7.3", None);
    let (exit, object) = scratch.json(&["labels", "--host", "host.json", "locks"]);
    assert_eq!(exit, 1, "{object}");
    assert_eq!(object["diagnostics"][0]["code"], "labels::no-boot");
    assert!(object.get("labels").is_none());
    for boot in [
        "",
        "x",
        "3E1B5C2A-77d0-4f6e-9a51-0c8d2f4b6e90",
        "3e1b5c2a77d04f6e9a510c8d2f4b6e90",
        "a\nb",
    ] {
        booted(&scratch, "7.3", Some(boot));
        let (exit, object) = scratch.json(&["labels", "--host", "host.json", "locks"]);
        assert_eq!(exit, 4, "{boot}: {object}");
        assert_eq!(object["diagnostics"][0]["code"], "report::invalid");
    }
}

/// What could not be looked at has no label, and neither has anything else: absent means no.
#[test]
fn where_something_cannot_be_read_nothing_is_said() {
    let scratch = fleet("labels-broken", "7.3");
    scratch.write("locks/bad.vm.lock.json", "{");
    scratch.write("labels", "as it was");
    let mut arguments = vec![
        "labels",
        "--host",
        "host.json",
        "locks",
        "--format",
        "nfd",
        "-o",
        "labels",
    ];
    arguments.extend(DOMAIN);
    let output = scratch.vmlock(&arguments);
    assert_eq!(output.status.code(), Some(4), "{}", err(&output));
    assert_eq!(out(&output), "");
    assert_eq!(
        fs::read_to_string(scratch.0.join("labels")).unwrap(),
        "as it was"
    );
}

#[test]
fn a_host_without_gicv3_has_no_label_but_what_it_is() {
    let scratch = fleet("labels-no-gic", "7.3");
    let text = fs::read_to_string(scratch.0.join("host.json")).unwrap();
    let mut report = report::parse(&text).unwrap();
    report.gic = None;
    report.views.clear();
    scratch.report("host.json", &report);
    let (exit, object) = scratch.json(&["labels", "--host", "host.json", "locks"]);
    assert_eq!(exit, 0, "{object}");
    assert_eq!(names(&object), BTreeSet::from(["boot", "report"]));
}

/// A revision that is accepted and not there afterwards (6.16 to 6.18) is none that a host has.
#[test]
fn what_was_accepted_and_not_honoured_is_no_label() {
    let scratch = fleet("labels-revisions", "6.18");
    let text = fs::read_to_string(scratch.0.join("host.json")).unwrap();
    let report = report::parse(&text).unwrap();
    let revision = |iidr: u32| (iidr >> 12 & 0xf) as u8;
    let gic = report.gic.unwrap();
    let lies = gic
        .revisions
        .iter()
        .filter(|t| t.accepted && revision(t.read_back) != t.revision);
    let lies: Vec<u8> = lies.map(|t| t.revision).collect();
    assert!(!lies.is_empty());
    let (_, object) = scratch.json(&["labels", "--host", "host.json"]);
    for lie in lies {
        assert!(
            !names(&object).contains(&*format!("gic-iidr-rev{lie}")),
            "{object}"
        );
    }
    assert!(names(&object).contains(&*format!("gic-iidr-rev{}", revision(gic.iidr))));
}

#[test]
fn flags_that_mean_nothing_are_told() {
    let scratch = fleet("labels-flags", "7.3");
    for (more, word) in [
        (&["--format", "nfd"][..], "domain"),
        (
            &["--format", "kubectl", "--domain", "a.example.com"],
            "--node",
        ),
        (
            &["--format", "slurm", "--domain", "a.example.com"],
            "--domain",
        ),
        (&["--format", "nomad", "--node", "n1"], "--node"),
        (&["--format", "openstack", "--expires", "2h"], "--expires"),
        (&["--output", "x"], "--output"),
        (
            &["--format", "nfd", "--domain", "node.kubernetes.io"],
            "kubernetes.io",
        ),
        (
            &[
                "--format",
                "nfd",
                "--domain",
                "a.example.com",
                "--expires",
                "2d",
            ],
            "2h",
        ),
        (&["--format", "yaml"], "nfd"),
    ] {
        let mut arguments = vec!["labels", "--host", "host.json"];
        arguments.extend(more);
        let output = scratch.vmlock(&arguments);
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", err(&output));
        assert!(err(&output).contains(word), "{more:?}: {}", err(&output));
        assert_eq!(out(&output), "");
    }
    assert!(!scratch.0.join("x").exists());
    // Before the command, the formats are those of all commands.
    let output = scratch.vmlock(&["--format", "nfd", "labels", "--host", "host.json"]);
    assert_eq!(output.status.code(), Some(2));
}

/// What stands in the page is what the program prints.
#[test]
fn the_page_shows_what_is_printed() {
    let scratch = fleet("labels-page", "7.3");
    let page = fs::read_to_string(root().join("docs/labels.md")).unwrap();
    let mut shown = 0;
    for block in page.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let Some((command, wanted)) = block.split_once('\n') else {
            continue;
        };
        let Some(command) = command
            .strip_prefix("$ vmlock ")
            .filter(|_| !wanted.is_empty())
        else {
            continue;
        };
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let output = scratch.vmlock(&arguments);
        assert_eq!(out(&output), wanted, "{command}: {}", err(&output));
        shown += 1;
    }
    assert!(shown >= 9, "{shown}");
}

/// The unit's commands are read by the programs that they are for.
#[test]
fn the_unit_starts_what_there_is() {
    let unit =
        fs::read_to_string(root().join("examples/kubernetes/vmlock-labels.service")).unwrap();
    let scratch = fleet("labels-unit", "7.3");
    fs::create_dir_all(scratch.0.join("run")).unwrap();
    fs::rename(scratch.0.join("host.json"), scratch.0.join("run/host.json")).unwrap();
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/vmlock labels "));
    let line = line
        .unwrap()
        .replace("/run/vmlock-labels", "run")
        .replace("/etc/vmlock", "locks");
    let mut arguments = vec!["labels"];
    arguments.extend(line.split_whitespace());
    let file = arguments.last_mut().unwrap();
    assert_eq!(
        *file,
        "/etc/kubernetes/node-feature-discovery/features.d/vmlock"
    );
    *file = "features";
    let output = scratch.vmlock(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = fs::read_to_string(scratch.0.join("features")).unwrap();
    assert!(text.starts_with("# +expiry-time=2"), "{text}");
    assert!(
        text.contains(&format!("\nvmlock.example.com/boot={BOOT}\n")),
        "{text}"
    );
    assert!(text.contains("\nvmlock.example.com/lock.modern="), "{text}");
    let first = |word: &str| {
        unit.lines()
            .position(|line| line.starts_with(word))
            .unwrap()
    };
    assert!(first("ExecStartPre=") < first("ExecStart=/usr/local/bin/vmlock-run probe --boot"));
}

/// What another boot wrote, or nobody knows which, goes; what this one wrote stays until it is written again.
#[cfg(unix)]
#[test]
fn the_unit_removes_what_is_of_another_boot() {
    let unit =
        fs::read_to_string(root().join("examples/kubernetes/vmlock-labels.service")).unwrap();
    let line = unit.lines().find_map(|line| {
        line.strip_prefix("ExecStartPre=/bin/sh -c '")?
            .strip_suffix('\'')
    });
    let features = "/etc/kubernetes/node-feature-discovery/features.d/vmlock";
    let known = "/proc/sys/kernel/random/boot_id";
    let line = line.unwrap();
    assert_eq!(
        (line.matches(features).count(), line.matches(known).count()),
        (2, 1)
    );
    let script = line
        .replace("$$", "$")
        .replace(features, "features")
        .replace(known, "boot_id");
    let scratch = fleet("labels-before", "7.3");
    let stays = |boot: Option<&str>, text: Option<&str>| {
        let _ = fs::remove_file(scratch.0.join("boot_id"));
        if let Some(boot) = boot {
            scratch.write("boot_id", &format!("{boot}\n"));
        }
        if let Some(text) = text {
            scratch.write("features", text);
        }
        let mut shell = Command::new("/bin/sh");
        let shell = shell.args(["-c", &script]).current_dir(&scratch.0);
        assert!(shell.output().unwrap().status.success());
        scratch.0.join("features").exists()
    };
    let mut labels = vec!["labels", "--host", "host.json", "locks", "--format", "nfd"];
    labels.extend(DOMAIN);
    let text = out(&scratch.vmlock(&labels));
    assert!(text.contains("/lock.modern="), "{text}");
    assert!(stays(Some(BOOT), Some(&text)));
    assert!(!stays(
        Some("00000000-77d0-4f6e-9a51-0c8d2f4b6e90"),
        Some(&text)
    ));
    assert!(!stays(Some(BOOT), None));
    assert!(!stays(Some(BOOT), Some("")));
    assert!(!stays(None, Some(&text)));
}

/// A path that a shell would run is pasted as a path.
#[cfg(unix)]
#[test]
fn what_is_to_be_pasted_is_quoted() {
    let scratch = fleet("labels-paste", "7.3");
    let odd = "locks/$(touch ran).vm.lock.json";
    fs::rename(
        scratch.0.join("locks/portable.vm.lock.json"),
        scratch.0.join(odd),
    )
    .unwrap();
    let output = scratch.vmlock(&["labels", "--host", "host.json", "locks"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let said = err(&output);
    let (_, rest) = said.split_once("why: `vmlock ").unwrap();
    let (command, _) = rest.split_once('`').unwrap();
    let script = format!("printf '%s\\n' {command}");
    let mut shell = Command::new("/bin/sh");
    let read = shell
        .args(["-c", &script])
        .current_dir(&scratch.0)
        .output()
        .unwrap();
    assert_eq!(
        out(&read),
        format!("check\n{odd}\n--host\nhost.json\n"),
        "{said}"
    );
    assert!(!scratch.0.join("ran").exists());
}

#[test]
fn the_pod_selects_its_lock() {
    let pod = fs::read_to_string(root().join("examples/kubernetes/pod.yaml")).unwrap();
    let mut arguments = vec![
        "labels",
        "--select",
        "examples/modern.vm.lock.json",
        "--format",
        "nfd",
    ];
    arguments.extend(DOMAIN);
    let output = crate::scratch::vmlock(&root(), &arguments);
    let selector = out(&output);
    assert_eq!(selector.lines().count(), 2, "{selector}{}", err(&output));
    for line in selector.lines() {
        assert!(pod.contains(&format!("\n  {line}\n")), "{line}: {pod}");
    }
}
