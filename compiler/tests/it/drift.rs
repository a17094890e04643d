//! `drift`, on the recorded hosts of the lab's kernels and on the page of the documents that shows it.

use crate::scratch::{Scratch, err, nameable, out, report_of, root};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use vmlock_spec::report::{self, HostReport, Seen};
use vmlock_spec::vm::Feature;

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
    // In what is promised: nobody has recorded a host of that name.
    assert_eq!(object["byPromises"][0], "n1-6.12.json", "{object}");
    let words = out(&scratch.vmlock(&again));
    assert!(
        words.contains("no difference in what locks promise"),
        "{words}"
    );
    // Nothing is written over, and no name is given twice.
    assert_eq!(scratch.json(&arguments).0, 4);
    if scratch.link("nothing", "link.kdl") {
        let linked = ["drift", "n1-6.12.json", "--write", "link.kdl"];
        assert_eq!(scratch.json(&linked).0, 4);
    }
    // Nor is anything written where something else that was asked cannot be answered.
    let unread = [
        "drift",
        "n1-6.12.json",
        "--write",
        "x.kdl",
        "--lock",
        "none.json",
    ];
    assert_eq!(scratch.json(&unread).0, 4);
    assert!(!scratch.0.join("x.kdl").exists() && !scratch.0.join("nothing").exists());
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

/// A recorded host, altered.
fn altered(scratch: &Scratch, name: &str, of: [&str; 2], alter: impl FnOnce(&mut HostReport)) {
    let text = fs::read_to_string(report_of(of[0], of[1])).unwrap();
    let mut report = report::parse(&text).unwrap();
    alter(&mut report);
    scratch.report(name, &report);
}

/// A revision of the CPU that no model is of: what the silicon has, nobody knows.
fn other_cpu(report: &mut HostReport) {
    for view in &mut report.views {
        for register in view.registers.iter_mut().filter(|r| r.name == "MIDR_EL1") {
            register.value = register.value.map(|value| value ^ 0xf0);
        }
        for fact in view.guest.iter_mut().filter(|f| f.name == "MIDR_EL1") {
            if let Seen::Value(value) = &mut fact.seen {
                *value ^= 0xf0;
            }
        }
    }
}

#[test]
fn what_silicon_has_is_not_taken_from_the_report_that_is_judged() {
    let scratch = Scratch::new("own");
    altered(&scratch, "old.json", ["neoverse-n1", "6.1"], other_cpu);
    altered(&scratch, "new.json", ["neoverse-n1", "6.12"], other_cpu);
    let (code, object) = scratch.json(&["drift", "new.json"]);
    let said = object["diagnostics"][0]["code"].as_str();
    assert_eq!((code, said), (2, Some("drift::own-model")));
    // A host of before tells.
    let (code, object) = scratch.json(&["drift", "old.json", "new.json"]);
    assert_eq!(code, 1, "{object}");
    assert!(object["changes"].as_array().unwrap().len() >= 5, "{object}");
    assert_eq!(scratch.json(&["drift", "new.json", "new.json"]).0, 0);
    // So does a model of it, once it is named, and only then.
    let model = ["cpu", "old.json", "--name", "mine", "-o", "mine.kdl"];
    assert_eq!(scratch.json(&model).0, 0);
    let imported = [
        "drift", "--from", "kvm-6.1", "new.json", "--import", "mine.kdl",
    ];
    assert_eq!(scratch.json(&imported).0, 2);
    let named = [&imported[..], &["--cpu", "mine"]].concat();
    let (code, object) = scratch.json(&named);
    assert_eq!(
        (code, &object["models"][0]),
        (1, &"mine".into()),
        "{object}"
    );
}

#[test]
fn what_is_imported_takes_no_part_unless_it_is_named() {
    let scratch = hosts("unasked");
    // As near as can be to the host, and of its CPU.
    scratch.write(
        "mine.kdl",
        "baseline \"mine\" after=\"kvm-7.3\" {\n    title \"As 7.3\"\n    psci \"1.0\" source=\"a test\"\n}\n",
    );
    let plain = scratch.json(&["drift", "n1-7.3.json"]);
    let imported = scratch.json(&["drift", "n1-7.3.json", "--import", "mine.kdl"]);
    assert_eq!(plain, imported);
    assert_eq!(plain.0, 0, "{}", plain.1);
    let named = [
        "drift",
        "n1-7.3.json",
        "--import",
        "mine.kdl",
        "--from",
        "mine",
    ];
    let (code, object) = scratch.json(&named);
    assert_eq!((code, &object["baseline"]), (1, &"mine".into()), "{object}");
}

/// Two fields that no CPU has one without the other: no line restores one of them, a baseline of the old host both.
#[test]
fn a_host_of_before_that_no_baseline_is_of_is_adopted() {
    const CRYPTOGRAPHY: u64 = 0xff0;
    let scratch = Scratch::new("adopted");
    altered(&scratch, "old.json", ["neoverse-n1", "7.3"], |report| {
        for view in &mut report.views {
            let mut registers = view.registers.iter_mut();
            let isar0 = registers.find(|r| r.name == "ID_AA64ISAR0_EL1").unwrap();
            isar0.value = isar0.value.map(|value| value & !CRYPTOGRAPHY);
            let facts = view.guest.iter_mut();
            for fact in facts.filter(|f| f.name == "ID_AA64ISAR0_EL1") {
                if let Seen::Value(value) = &mut fact.seen {
                    *value &= !CRYPTOGRAPHY;
                }
            }
        }
    });
    fs::copy(report_of("neoverse-n1", "7.3"), scratch.0.join("new.json")).unwrap();
    let (code, object) = scratch.json(&["drift", "old.json", "new.json"]);
    assert_eq!(code, 1, "{object}");
    let changes = object["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{object}");
    for change in changes {
        let words = change["restored"][0]["words"].as_str().unwrap();
        assert!(words.contains("`vmlock adopt old.json`"), "{words}");
    }
    assert_eq!(object["old"][0]["kept"], true, "{object}");
    // What it names does it.
    let adopt = ["adopt", "old.json", "--name", "mine"];
    assert_eq!(scratch.json(&adopt).0, 0);
    assert_eq!(scratch.json(&["lock", "mine.vm.kdl"]).0, 0);
    let check = ["check", "mine.vm.lock.json", "--host", "new.json"];
    assert_eq!(scratch.json(&check).0, 0);
}

#[test]
fn features_that_are_gone_break_machines_that_have_them() {
    let scratch = Scratch::new("gone");
    let of = ["neoverse-n1", "7.3"];
    altered(&scratch, "new.json", of, |report| {
        report.views.retain(|v| !v.features.contains(&Feature::Pmu));
    });
    fs::copy(report_of("neoverse-n1", "7.3"), scratch.0.join("old.json")).unwrap();
    for arguments in [
        &["drift", "--from", "kvm-7.3", "new.json"][..],
        &["drift", "old.json", "new.json"],
    ] {
        let (code, object) = scratch.json(arguments);
        assert_eq!(code, 1, "{object}");
        let unsaid = object["unsaid"].as_array().unwrap();
        assert!(unsaid.iter().any(|u| u["name"] == "pmu"), "{object}");
        let old = object["old"].as_array().unwrap();
        let of_kept = |kept: bool| old.iter().find(|o| o["kept"] == kept).unwrap();
        // Guests with a PMU are refused, the others are not.
        let features = |o: &Value| o["guests"][0]["features"].to_string();
        assert_eq!(features(of_kept(true)), "[]");
        assert!(features(of_kept(false)).contains("pmu"), "{object}");
        // A baseline that is written of it says so.
        let written = scratch.0.join("written.kdl");
        let write = [arguments, &["--write", "written.kdl"]].concat();
        assert_eq!(scratch.json(&write).0, 1);
        let text = fs::read_to_string(&written).unwrap();
        let line = "// Not said here, since no statement can: pmu: no vCPU with it";
        assert!(text.contains(line), "{text}");
        fs::remove_file(written).unwrap();
    }
}

#[test]
fn a_written_baseline_says_what_was_not_compared() {
    let scratch = Scratch::new("untold");
    altered(&scratch, "new.json", ["neoverse-n1", "7.3"], |report| {
        for view in &mut report.views {
            view.guest.retain(|fact| !fact.name.starts_with("SMC "));
        }
    });
    let write = ["drift", "--from", "kvm-7.3", "new.json", "--write", "x.kdl"];
    let (code, object) = scratch.json(&write);
    // That a guest did not ask is no change.
    let nothing = json!([]);
    let changed = [&object["changes"], &object["unsaid"]];
    assert_eq!((code, changed), (125, [&nothing; 2]), "{object}");
    let text = fs::read_to_string(scratch.0.join("x.kdl")).unwrap();
    let line = "// Not compared, neoverse-n1: SMC PSCI_VERSION(): what SMC PSCI_VERSION() answers here is not known";
    assert!(text.contains(line), "{text}");
    // Nor is it promised: what the baseline before says of it, nobody has seen there.
    assert_eq!(text.matches("unknown ").count(), 1, "{text}");
    let spec = "vm \"web\" {\n    arch \"arm64\"\n    import \"x.kdl\"\n    abi \"x\"\n    cpu \"neoverse-n1\" count=1\n    memory \"64MiB\"\n}\n";
    scratch.write("web.vm.kdl", spec);
    let (code, object) = scratch.json(&["lock", "--dry-run", "web.vm.kdl"]);
    let found = object["diagnostics"].to_string();
    let words = "SMC as a conduit of firmware calls";
    assert!(code == 1 && found.contains(words), "{code} {found}");
    // The report lacks it, and the host shows nothing that could not be said.
    for how in ["--baseline", "--name"] {
        let (code, object) = scratch.json(&["adopt", "new.json", how, "own"]);
        let found = &object["diagnostics"][0];
        assert_eq!(
            (code, &found["code"]),
            (4, &json!("report::incomplete")),
            "{object}"
        );
        assert!(
            found.to_string().contains("make the report again"),
            "{found}"
        );
    }
}

/// What one of two reports does not tell is no change, whichever it is: the baseline that comes nearest to the other one is
/// not what its guests were seen to find.
#[test]
fn what_one_report_alone_tells_of_calls_is_no_change() {
    let scratch = Scratch::new("half-told");
    let of_stolen_time = |name: &str| name.contains("PV_TIME_");
    let by_smc = |name: &str| name.starts_with("SMC ");
    for (series, is_it, named) in [
        ("6.12", &by_smc as &dyn Fn(&str) -> bool, "SMC "),
        ("5.10", &of_stolen_time, "PV_TIME_"),
    ] {
        let of = ["neoverse-n1", series];
        fs::copy(report_of(of[0], series), scratch.0.join("full.json")).unwrap();
        altered(&scratch, "poor.json", of, |report| {
            for view in &mut report.views {
                view.guest.retain(|fact| !is_it(&fact.name));
            }
        });
        altered(&scratch, "without.json", of, |report| {
            let guest = report.views.iter_mut().flat_map(|view| &mut view.guest);
            for fact in guest.filter(|fact| is_it(&fact.name)) {
                fact.seen = Seen::Value(u64::MAX);
            }
        });
        for pair in [
            ["poor.json", "without.json"],
            ["without.json", "poor.json"],
            ["poor.json", "full.json"],
            ["full.json", "poor.json"],
        ] {
            let (code, object) = scratch.json(&["drift", pair[0], pair[1]]);
            let nothing = json!([]);
            let changed = [&object["changes"], &object["unsaid"]];
            assert_eq!((code, changed), (125, [&nothing; 2]), "{pair:?} {object}");
            assert!(object["unknown"].to_string().contains(named), "{object}");
        }
        // Where both tell, it is one.
        let (code, object) = scratch.json(&["drift", "full.json", "without.json"]);
        assert_eq!(code, 1, "{object}");
    }
}

/// Where nothing is known to have changed, what could not be compared is neither good nor bad, for `git bisect run`.
#[test]
fn what_nobody_can_judge_is_neither_changed_nor_unchanged() {
    let scratch = Scratch::new("unjudged");
    altered(&scratch, "new.json", ["neoverse-n1", "7.3"], |report| {
        for view in &mut report.views {
            view.guest.retain(|fact| fact.name != "DISR_EL1");
        }
    });
    let drift = ["drift", "--from", "kvm-7.3", "new.json"];
    let (code, object) = scratch.json(&drift);
    let nothing = json!([]);
    let changed = [&object["changes"], &object["unsaid"]];
    assert_eq!((code, changed), (125, [&nothing; 2]), "{object}");
    assert_ne!(object["unknown"], nothing);
    // A change beside it is one, and a lock that is refused is refused.
    let older = ["drift", "--from", "kvm-6.1", "new.json"];
    assert_eq!(scratch.json(&older).0, 1);
    let spec = "vm \"a\" {\narch \"arm64\"\nabi \"kvm-6.1\"\ncpu \"neoverse-n1\" count=1 { pmu; }\nmemory \"64MiB\"\n}\n";
    scratch.lock("a", spec);
    let locked = [&drift[..], &["--lock", "a.vm.lock.json"]].concat();
    assert_eq!(scratch.json(&locked).0, 3);
}

#[test]
fn a_host_that_can_make_no_guest_is_not_called_unchanged() {
    let scratch = Scratch::new("gicv2");
    altered(&scratch, "new.json", ["cortex-a72", "7.3"], |report| {
        report.gic = None;
        report.other_gics = vec!["GICv2".to_owned()];
        report.views.clear();
    });
    let output = scratch.vmlock(&["drift", "new.json"]);
    assert_eq!(output.status.code(), Some(4), "{}", err(&output));
    assert!(err(&output).contains("GICv3"), "{}", err(&output));
}

#[test]
fn what_two_witnesses_saw_is_compared_and_no_line_is_promised() {
    let scratch = Scratch::new("observed");
    let log = root().join("compiler/tests/ui/observe/console.log");
    let log = log.to_str().unwrap();
    assert_eq!(scratch.json(&["observe", log, "-o", "old.json"]).0, 0);
    let old = fs::read_to_string(scratch.0.join("old.json")).unwrap();
    let mut new: Value = serde_json::from_str(&old).unwrap();
    for facts in new["guest"].as_array_mut().unwrap() {
        // What vCPU 0 alone asks, the others have not.
        if facts.get("PSCI_VERSION()").is_some() {
            facts["PSCI_VERSION()"] = "0x0000000000010003".into();
        }
        facts["MIDR_EL1"] = "0x00000000413fd0c1".into();
    }
    scratch.write("new.json", &new.to_string());
    assert_eq!(scratch.json(&["drift", log, "old.json"]).0, 0);
    let (code, object) = scratch.json(&["drift", "old.json", "new.json"]);
    assert_eq!(code, 1, "{object}");
    let changes = object["changes"].as_array().unwrap();
    let has = |name: &str| {
        changes
            .iter()
            .any(|c| c["name"].as_str().unwrap().starts_with(name))
    };
    assert!(has("PSCI_VERSION()") && has("MIDR_EL1"), "{object}");
    let output = scratch.vmlock(&["drift", "old.json", "new.json"]);
    assert!(!out(&output).contains("restore"), "{}", out(&output));
    // What was not told may have changed.
    new = serde_json::from_str(&old).unwrap();
    new["incomplete"] = serde_json::json!([{ "vcpu": 0, "reason": "it stopped" }]);
    scratch.write("new.json", &new.to_string());
    let output = scratch.vmlock(&["drift", "old.json", "new.json"]);
    assert_eq!(output.status.code(), Some(125), "{}", err(&output));
    assert!(
        out(&output).contains("that both of them tell"),
        "{}",
        out(&output)
    );
}

/// The data of a page, and how the run ended.
fn page(scratch: &Scratch, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut all = arguments.to_vec();
    all.extend(["--format", "html"]);
    let output = scratch.vmlock(&all);
    let page = out(&output);
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", err(&output));
    assert!(page.contains("default-src 'none'") && !page.contains("<script>alert"));
    let (_, rest) = page
        .split_once("<script type=\"application/json\" id=\"data\">")
        .unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    (output.status.code(), serde_json::from_str(data).unwrap())
}

/// What the page says of a row on a host: its kind in words, and its lines.
fn cell(data: &Value, name: &str, host: &str) -> (String, Vec<String>) {
    let at = |list: &Value, is: &dyn Fn(&Value) -> bool| {
        let found = list.as_array().unwrap().iter().position(is);
        found.unwrap_or_else(|| panic!("{name} on {host}: {data}"))
    };
    let row = at(&data["rows"], &|row| {
        row["name"].as_str().unwrap().starts_with(name)
    });
    let column = at(&data["hosts"], &|other| other == host);
    let number = data["rows"][row]["cells"][column].as_u64().unwrap();
    let cell = &data["cells"][number as usize];
    let kind = &data["kinds"][cell["kind"].as_u64().unwrap() as usize];
    let lines = serde_json::from_value(cell["lines"].clone()).unwrap();
    (kind["words"].as_str().unwrap().to_owned(), lines)
}

#[test]
fn the_page_for_browsers_has_each_change_with_what_restores_it() {
    let scratch = hosts("html");
    let example = root().join("examples/portable.vm.lock.json");
    let lock = "</script><script>alert(1)\u{202e}.lock.json".replace('/', "\u{2215}");
    let lock = nameable(&lock);
    fs::copy(example, scratch.0.join(&lock)).unwrap();
    let host = "n1-6.12.json";
    let asked = ["drift", "--from", "kvm-6.1", host];
    let (code, object) = scratch.json(&asked);
    let (same, data) = page(&scratch, &asked);
    assert_eq!(same, Some(code));
    assert_eq!(data["summary"], object["summary"]);
    assert_eq!(data["hosts"], object["reports"]);
    let number = |list: &Value| list.as_array().unwrap().len();
    // All else, the lines together, and the old locks.
    let unsaid = object["unsaid"].as_array().unwrap().iter();
    let unsaid: BTreeSet<_> = unsaid.map(|one| one["name"].as_str()).collect();
    let wanted = number(&object["changes"]) + unsaid.len() + 3;
    assert_eq!(number(&data["rows"]), wanted);
    let (words, lines) = cell(&data, "CTR_EL0.IDC: ", host);
    assert_eq!(words, "changed, and can be restored");
    assert!(lines[0].starts_with("CTR_EL0.IDC: 0x0 → 0x1"), "{lines:?}");
    let restored = |l: &String| l.contains("restored by: set \"CTR_EL0.IDC\" 0x0");
    assert!(lines.iter().any(restored), "{lines:?}");
    let (words, lines) = cell(&data, "PMCR_EL0.IDCODE", host);
    assert_eq!(words, "changed, and no line restores it for all guests");
    let nothing = |l: &String| l.contains("nothing restores it") && l.contains("guests with pmu");
    assert!(lines.iter().any(nothing), "{lines:?}");
    assert_eq!(cell(&data, "all else", host).0, "no difference");
    let (words, lines) = cell(&data, "machines that are locked", host);
    assert_eq!(words, "not kept");
    let refused = |l: &String| l.starts_with("PMCR_EL0.IDCODE: ");
    assert!(lines.iter().any(refused), "{lines:?}");
}

/// Each host has its own column, and a lock is held against the hosts of its CPU alone.
#[test]
fn the_page_for_browsers_tells_hosts_apart() {
    let scratch = hosts("html-hosts");
    let example = root().join("examples/portable.vm.lock.json");
    let lock = &nameable("<script>alert(1)\u{202e}.lock.json");
    fs::copy(example, scratch.0.join(lock)).unwrap();
    let (new, old, other) = ("n1-6.12.json", "n1-6.1.json", "a72-7.3.json");
    let asked = [
        "drift", "--from", "kvm-6.1", new, other, old, "--lock", lock,
    ];
    let (_, object) = scratch.json(&asked);
    let (_, data) = page(&scratch, &asked);
    // The kernel of before, on the same CPU, changed nothing.
    for row in data["rows"].as_array().unwrap() {
        let words = cell(&data, row["name"].as_str().unwrap(), old).0;
        let at_rest = ["no difference", "kept", "not compared"].contains(&words.as_str());
        assert!(at_rest, "{row}: {words}");
    }
    assert_eq!(cell(&data, "CTR_EL0", old).0, "no difference");
    assert!(cell(&data, "CTR_EL0", new).0.starts_with("changed"));
    assert_eq!(cell(&data, "machines that are locked", old).0, "kept");
    assert_eq!(cell(&data, "machines that are locked", new).0, "not kept");
    // What changed from different values on different CPUs is one row, which tells of both.
    let names = data["rows"].as_array().unwrap().iter();
    let mut names: Vec<&str> = names.map(|row| row["name"].as_str().unwrap()).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    for host in [new, other] {
        assert!(cell(&data, "CCSIDR_EL1[0]", host).0.starts_with("changed"));
    }
    // Its name is shown like any other.
    let shown = lock.replace('\u{202e}', "\\u{202e}");
    let kept = match object["locks"][0]["kept"] == true {
        true => "kept",
        false => "not kept",
    };
    assert_eq!(object["locks"].as_array().unwrap().len(), 1);
    assert_eq!(cell(&data, &shown, other).0, kept);
    assert_eq!(cell(&data, &shown, new).0, "not compared");
}

/// What was not compared is never shown as what did not change.
#[test]
fn the_page_says_what_was_not_compared() {
    let scratch = hosts("html-unknown");
    // Nobody recorded a host of this baseline, so what no lock promises has nothing to be held against.
    scratch.write(
        "mine.kdl",
        "baseline \"mine\" after=\"kvm-7.3\" {\n    title \"As 7.3\"\n    psci \"1.0\" source=\"a test\"\n}\n",
    );
    let asked = [
        "drift",
        "--from",
        "mine",
        "--import",
        "mine.kdl",
        "n1-7.3.json",
    ];
    let (_, object) = scratch.json(&asked);
    assert_eq!(object["byPromises"][0], "n1-7.3.json", "{object}");
    let (_, data) = page(&scratch, &asked);
    let (words, lines) = cell(&data, "all else", "n1-7.3.json");
    assert_eq!(words, "not compared");
    assert!(lines[0].contains("nobody has recorded"), "{lines:?}");
    // Where nothing can be asked there is no page.
    let output = scratch.vmlock(&[
        "drift",
        "--from",
        "kvm-9.9",
        "n1-7.3.json",
        "--format",
        "html",
    ]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""));
}
