//! Fleets of different hosts, on the recorded reports of the lab's kernels:
//! `lock --for`, `adopt` and `common`.

use crate::scratch::{Scratch, err, nameable, native, out, report_of as host, reports, root};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use vmlock_spec::report;

/// How an array of the object is counted.
fn len(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

const MODERN: &str = r#"vm "modern" {
    arch "arm64"
    abi "kvm-6.8" "psci-1.1"
    cpu "neoverse-n1" count=2
    memory "256MiB"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
"#;

#[test]
fn a_lock_is_made_for_hosts_that_can_keep_it_and_for_no_others() {
    let scratch = Scratch::new("for");
    scratch.write("a.vm.kdl", MODERN);
    let (old, new) = (host("neoverse-n1", "6.1"), host("neoverse-n1", "7.3"));
    let lock = scratch.0.join("a.vm.lock.json");
    let (code, object) = scratch.json(&["lock", "--for", &new, "--for", &old, "a.vm.kdl"]);
    assert_eq!(code, 1);
    assert!(!lock.exists(), "nothing is written");
    assert_eq!(object["hosts"][0]["kept"], true);
    assert_eq!(object["hosts"][1]["kept"], false);
    assert_eq!(object["hosts"][1]["spec"], "a.vm.kdl");
    let refusals = object["hosts"][1]["refusals"].as_array().unwrap();
    assert!(
        refusals
            .iter()
            .any(|r| r["name"] == "ID_AA64DFR0_EL1.DebugVer")
    );
    // Each finding points at the line that asked for it.
    for finding in object["diagnostics"].as_array().unwrap() {
        assert_eq!(finding["span"]["line"], 3, "{finding}");
        assert!(finding["help"].is_string(), "{finding}");
        assert!(
            finding["message"].as_str().unwrap().contains("6.1.json"),
            "{finding}"
        );
    }
    let (code, object) = scratch.json(&["lock", "--for", &new, "a.vm.kdl"]);
    assert_eq!(code, 0, "{object}");
    assert!(lock.exists());
    // What is checked is held against hosts too.
    assert_eq!(scratch.json(&["lock", "--check", "a.vm.kdl"]).0, 0);
    let check = ["lock", "--check", "--for", &old, "a.vm.kdl"];
    assert_eq!(scratch.json(&check).0, 1);
}

/// The recorded hosts with each CPU, by CPU.
fn by_cpu() -> BTreeMap<String, Vec<(String, PathBuf)>> {
    let mut all: BTreeMap<String, Vec<(String, PathBuf)>> = BTreeMap::new();
    for path in reports() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (cpu, _) = name.rsplit_once('-').unwrap();
        all.entry(cpu.to_owned()).or_default().push((name, path));
    }
    all
}

/// Adopts a host with all its features, and locks that for guests with each set of features that its report knows.
/// How many sets there were.
fn adopts(scratch: &Scratch, name: &str, path: &Path) -> usize {
    let path = path.to_str().unwrap();
    let report = report::parse(&fs::read_to_string(path).unwrap()).unwrap();
    let sets = report.views.iter().map(|view| &view.features);
    let most = sets.clone().max_by_key(|set| set.len()).unwrap();
    let mut adopt = vec!["adopt", path, "--name", name];
    for feature in most {
        adopt.extend(["--features", feature.name()]);
    }
    let (code, object) = scratch.json(&adopt);
    assert_eq!(code, 0, "{name}: {object}");
    let spec = fs::read_to_string(scratch.0.join(format!("{name}.vm.kdl"))).unwrap();
    for features in sets.clone() {
        // One file serves guests with any of the features: a line turns one on.
        let off = |line: &&str| {
            let word = line.split_whitespace().next().unwrap_or_default();
            let feature = most.iter().find(|f| f.name() == word);
            feature.is_none_or(|f| features.contains(f))
        };
        let lines: Vec<&str> = spec.lines().filter(off).collect();
        let dropped = most.len() - features.len();
        assert_eq!(
            lines.len() + dropped,
            spec.lines().count(),
            "{name}: {spec}"
        );
        scratch.write(&format!("{name}.vm.kdl"), &lines.join("\n"));
        let (code, object) = scratch.json(&["lock", &format!("{name}.vm.kdl")]);
        assert_eq!(code, 0, "{name} with {features:?}: {object}");
        let lock = format!("{name}.vm.lock.json");
        let (code, object) = scratch.json(&["check", &lock, "--native", "--host", path]);
        assert_eq!(code, 0, "{name} with {features:?}: {object}");
        let keeps = object["hosts"][0]["keeps"].as_array().unwrap();
        assert!(keeps.len() > 150, "{name}: {} entries", keeps.len());
        for keep in keeps {
            assert!(
                keep.get("step").is_none(),
                "{name} with {features:?}: {keep}"
            );
            assert_ne!(keep["way"], "vary", "{name}: {keep}");
        }
    }
    sets.len()
}

#[test]
fn an_adopted_host_keeps_its_lock_without_a_write() {
    let scratch = Scratch::new("adopt");
    let recorded = by_cpu();
    let sets: usize = thread::scope(|scope| {
        let each = recorded.values().map(|hosts| {
            let scratch = &scratch;
            let of = |(name, path): &(String, PathBuf)| adopts(scratch, name, path);
            scope.spawn(move || hosts.iter().map(of).sum::<usize>())
        });
        let threads: Vec<_> = each.collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    let hosts: usize = recorded.values().map(Vec::len).sum();
    assert!(recorded.len() >= 4 && hosts >= 44, "{hosts} hosts");
    // Every host has a plain guest and one with a PMU; those with more features, each of them and all together.
    assert!(
        sets >= 2 * hosts + 30,
        "{sets} sets of features on {hosts} hosts"
    );
}

#[test]
fn an_adopted_host_that_is_like_no_baseline_deviates_in_words() {
    let scratch = Scratch::new("deviates");
    let text = fs::read_to_string(host("neoverse-n1", "6.12")).unwrap();
    // A host whose kernel shows guests no CRC32, and a PSCI version of its own.
    let mut report: Value = serde_json::from_str(&text).unwrap();
    for view in report["views"].as_array_mut().unwrap() {
        for register in view["registers"].as_array_mut().unwrap() {
            if register["name"] == "ID_AA64ISAR0_EL1" {
                register["value"] = "0x0000100010201120".into();
            }
        }
        for guest in view["guest"].as_array_mut().unwrap() {
            guest["ID_AA64ISAR0_EL1"] = "0x0000100010201120".into();
        }
    }
    report["gic"]["iidr"] = "0x4b00243b".into();
    for view in report["views"].as_array_mut().unwrap() {
        view["guest"][0]["GICD_IIDR"] = "0x000000004b00243b".into();
        for guest in view["guest"].as_array_mut().unwrap() {
            guest["GICR_CTLR"] = "0x0000000000000000".into();
        }
    }
    scratch.write("host.json", &serde_json::to_string(&report).unwrap());
    let (code, object) = scratch.json(&["adopt", "host.json", "--name", "odd"]);
    assert_eq!(code, 0, "{object}");
    let deviations = object["adopted"]["deviations"].as_array().unwrap();
    assert!(
        deviations
            .iter()
            .any(|d| d["subject"] == "GICD_IIDR.Revision" && d["says"] == "2"),
        "{object}"
    );
    let nearest = object["adopted"]["nearest"].as_str().unwrap();
    let output = scratch.vmlock(&["diff", nearest, "odd-abi", "--import", "odd.host.kdl"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(
        out(&output).contains("GICD_IIDR.Revision"),
        "{}",
        out(&output)
    );
    let (code, _) = scratch.json(&["lock", "odd.vm.kdl"]);
    assert_eq!(code, 0);
    let check = ["check", "odd.vm.lock.json", "--host", "host.json"];
    assert_eq!(scratch.json(&check).0, 0);
    // An upgrade would change it, and is told beforehand.
    let newer = host("neoverse-n1", "6.18");
    let (code, object) = scratch.json(&["check", "odd.vm.lock.json", "--host", &newer]);
    let steps = object["hosts"][0]["keeps"].as_array().unwrap();
    assert!(code == 3 || steps.iter().any(|k| k.get("step").is_some()));
    // Nothing that is there is replaced.
    let (code, object) = scratch.json(&["adopt", "host.json", "--name", "odd"]);
    assert_eq!(code, 4);
    assert_eq!(object["diagnostics"][0]["code"], "adopt::exists");
}

#[test]
fn what_hosts_have_in_common_compiles_and_is_kept_by_all() {
    let scratch = Scratch::new("common");
    let n1 = |series: &str| host("neoverse-n1", series);
    let fleets = [
        (vec![n1("6.12"), n1("7.3")], false),
        (vec![n1("6.1"), n1("6.12"), n1("7.0")], true),
        (vec![host("cortex-a76", "6.12"), n1("6.12")], false),
        (
            vec![host("cortex-a72", "5.10"), host("cortex-a72", "7.3")],
            true,
        ),
    ];
    for (index, (hosts, pmu)) in fleets.iter().enumerate() {
        let mut arguments = vec!["common"];
        arguments.extend(hosts.iter().map(String::as_str));
        if *pmu {
            arguments.extend(["--features", "pmu"]);
        }
        let (code, object) = scratch.json(&arguments);
        assert_eq!(code, 0, "{index}: {object}");
        let fragment = object["common"]["kdl"].as_str().unwrap();
        let spec = format!("vm \"v{index}\" {{\narch \"arm64\"\nmemory \"64MiB\"\n{fragment}}}\n");
        scratch.write(&format!("v{index}.vm.kdl"), &spec);
        let file = format!("v{index}.vm.kdl");
        let mut arguments = vec!["lock", file.as_str()];
        for host in hosts {
            arguments.extend(["--for", host.as_str()]);
        }
        let (code, object) = scratch.json(&arguments);
        assert_eq!(code, 0, "{index}: {spec}{object}");
        assert_eq!(len(&object["hosts"]), hosts.len());
    }
}

#[test]
fn hosts_that_cannot_have_a_lock_in_common_are_told_apart() {
    let scratch = Scratch::new("apart");
    // Their firmware answers differently, and nobody can change that.
    let hosts = [host("cortex-a72", "7.3"), host("neoverse-n1", "7.3")];
    let (code, object) = scratch.json(&["common", &hosts[0], &hosts[1]]);
    assert_eq!(code, 3, "{object}");
    assert_eq!(object["diagnostics"][0]["code"], "common::impossible");
    assert!(len(&object["refusals"]) > 0);
    // A report that cannot be read is an error, never skipped.
    scratch.write("broken.json", "{");
    let (code, object) = scratch.json(&["common", &hosts[0], "broken.json", "missing.json"]);
    assert_eq!(code, 4);
    assert_eq!(len(&object["diagnostics"]), 2);
    assert!(object.get("common").is_none());
}

/// A host with CPUs of two kinds, as its probe's guest saw it.
#[test]
fn vcpus_that_disagree_are_no_host_for_any_command() {
    let scratch = Scratch::new("two-kinds");
    let recorded = host("neoverse-n1", "6.12");
    let mut report: Value = serde_json::from_str(&fs::read_to_string(&recorded).unwrap()).unwrap();
    for view in report["views"].as_array_mut().unwrap() {
        view["guest"][1]["MIDR_EL1"] = "0x00000000410fd083".into();
    }
    scratch.write("host.json", &serde_json::to_string(&report).unwrap());
    scratch.write("a.vm.kdl", MODERN);
    assert_eq!(scratch.json(&["lock", "a.vm.kdl"]).0, 0);
    let commands: [(&[&str], i32); 7] = [
        (&["check", "a.vm.lock.json", "--host", "host.json"], 3),
        (
            &["check", "--native", "a.vm.lock.json", "--host", "host.json"],
            3,
        ),
        (&["lock", "--for", "host.json", "a.vm.kdl"], 1),
        (&["common", "host.json"], 3),
        (&["common", "host.json", &recorded], 3),
        (&["cpu", "host.json", "--name", "mine"], 3),
        (&["adopt", "host.json", "--name", "mine"], 3),
    ];
    for (command, code) in commands {
        let (got, object) = scratch.json(command);
        assert_eq!(got, code, "{command:?}: {object}");
        let words = object.to_string();
        assert!(
            words.contains("host::vcpus-disagree"),
            "{command:?}: {words}"
        );
        assert!(words.contains("MIDR_EL1"), "{command:?}: {words}");
    }
    assert!(!scratch.0.join("mine.vm.kdl").exists());
}

/// A host whose CPU needs no workaround at all, as a Cortex-A53 does not: WORKAROUND_2 is not required, which has a
/// level and an answer of its own.
#[test]
fn a_cpu_that_needs_no_workaround_is_locked_and_adopted() {
    let scratch = Scratch::new("unaffected");
    let recorded = fs::read_to_string(host("cortex-a72", "6.12")).unwrap();
    let mut report: Value = serde_json::from_str(&recorded).unwrap();
    let levels = [
        (1, 2, "0x0000000000000001"),
        (2, 3, "0xfffffffffffffffe"),
        (3, 2, "0x0000000000000001"),
    ];
    for view in report["views"].as_array_mut().unwrap() {
        for (number, level, answer) in levels {
            let name = format!("KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_{number}");
            for register in view["registers"].as_array_mut().unwrap() {
                if register["name"] == name {
                    register["value"] = format!("{level:#018x}").into();
                }
            }
            for guest in view["guest"].as_array_mut().unwrap() {
                guest[format!("ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_{number})")] = answer.into();
            }
        }
    }
    scratch.write("listed.json", &serde_json::to_string(&report).unwrap());
    // A kernel without the registers answers the same.
    for view in report["views"].as_array_mut().unwrap() {
        let registers = view["registers"].as_array_mut().unwrap();
        registers.retain(|r| !r["name"].as_str().unwrap().contains("WORKAROUND"));
    }
    scratch.write("unlisted.json", &serde_json::to_string(&report).unwrap());
    for name in ["listed", "unlisted"] {
        let (report, model) = (format!("{name}.json"), format!("{name}.kdl"));
        let cpu = ["cpu", &report, "--name", name, "-o", &model];
        assert_eq!(scratch.json(&cpu).0, 0, "{name}");
        let text = fs::read_to_string(scratch.0.join(&model)).unwrap();
        for (number, level, _) in levels {
            let fact = format!("fact \"KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_{number}\" {level} ");
            assert!(text.contains(&fact), "{name}: {text}");
        }
        let spec = MODERN
            .replace(
                "cpu \"neoverse-n1\"",
                &format!("import \"{model}\"\n    cpu \"{name}\""),
            )
            .replace("\"kvm-6.8\" \"psci-1.1\"", "\"kvm-6.12\"");
        let description = format!("{name}-own.vm.kdl");
        scratch.write(&description, &spec);
        let (code, object) = scratch.json(&["lock", "--for", &report, &description]);
        assert_eq!(code, 0, "{name}: {object}");
        let check = [
            "check",
            &format!("{name}-own.vm.lock.json"),
            "--host",
            &report,
        ];
        assert_eq!(scratch.json(&check).0, 0, "{name}");
        let call = "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_2)";
        let explain = [
            "explain",
            call,
            "--lock",
            &format!("{name}-own.vm.lock.json"),
        ];
        let said = out(&scratch.vmlock(&explain));
        assert!(said.contains("answers NOT_REQUIRED"), "{name}: {said}");
        let (code, object) = scratch.json(&["adopt", &report, "--name", &format!("{name}-all")]);
        assert_eq!(code, 0, "{name}: {object}");
    }
    // Another CPU is told by the answers' names.
    scratch.write("other.vm.kdl", &MODERN.replace("neoverse-n1", "cortex-a72"));
    assert_eq!(scratch.json(&["lock", "other.vm.kdl"]).0, 0);
    let (code, object) = scratch.json(&["check", "other.vm.lock.json", "--host", "listed.json"]);
    assert_eq!(code, 3);
    let refusals = object["refusals"].as_array().unwrap();
    let call = refusals
        .iter()
        .find(|r| r["name"] == "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_2)")
        .unwrap_or_else(|| panic!("{object}"));
    assert_eq!(
        (&call["wanted"], &call["offered"]),
        (&"NOT_SUPPORTED".into(), &"NOT_REQUIRED".into())
    );
}

/// One answer for one question, whoever is asked.
#[test]
fn a_feature_that_is_not_there_is_refused_by_all_alike() {
    let scratch = Scratch::new("no-pmu");
    let recorded = fs::read_to_string(host("cortex-a72", "6.12")).unwrap();
    let mut report: Value = serde_json::from_str(&recorded).unwrap();
    let views = report["views"].as_array_mut().unwrap();
    views.retain(|view| len(&view["features"]) == 0);
    scratch.write("host.json", &serde_json::to_string(&report).unwrap());
    let spec = MODERN.replace(
        "neoverse-n1\" count=2",
        "cortex-a72\" count=2 {\n    pmu\n    }",
    );
    scratch.write("a.vm.kdl", &spec);
    assert_eq!(scratch.json(&["lock", "a.vm.kdl"]).0, 0);
    let commands: [&[&str]; 3] = [
        &["adopt", "host.json", "--features", "pmu", "--name", "mine"],
        &["common", "host.json", "--features", "pmu"],
        &["check", "a.vm.lock.json", "--host", "host.json"],
    ];
    for command in commands {
        let (code, object) = scratch.json(command);
        let words = object.to_string();
        assert_eq!(code, 3, "{command:?}: {words}");
        let said = "KVM on this host offers no vCPU feature `pmu`: its CPU has none";
        assert!(words.contains(said), "{command:?}: {words}");
        assert!(
            !words.contains("make the report again"),
            "{command:?}: {words}"
        );
    }
}

/// A folder with the recorded hosts of two CPUs, and the examples' locks.
fn hosts_and_locks(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    fs::create_dir_all(scratch.0.join("hosts/a72")).unwrap();
    fs::create_dir(scratch.0.join("locks")).unwrap();
    for series in ["6.1", "6.12", "7.3"] {
        let to = |path: String| scratch.0.join("hosts").join(path);
        fs::copy(host("neoverse-n1", series), to(format!("n1-{series}.json"))).unwrap();
        fs::copy(host("cortex-a72", series), to(format!("a72/{series}.json"))).unwrap();
    }
    for example in ["portable", "modern"] {
        let file = format!("{example}.vm.lock.json");
        let from = root().join("examples").join(&file);
        fs::copy(from, scratch.0.join("locks").join(&file)).unwrap();
    }
    scratch
}

/// Each cell is what `check` says of that lock on that host.
#[test]
fn a_fleet_is_what_check_says_of_each_lock_on_each_host() {
    let scratch = hosts_and_locks("fleet");
    let pinned = "pinned.vm.lock.json";
    let to = scratch.0.join("locks").join(pinned);
    fs::copy(root().join("examples").join(pinned), to).unwrap();
    let (kept, refused) = held_against_check(&scratch, &[]);
    assert!(kept > 5 && refused > 5, "{kept} {refused}");
    // The lock whose interrupt controller the runner answers for.
    let (natively, _) = held_against_check(&scratch, &["--native"]);
    assert!(0 < natively && natively < kept, "{natively} of {kept}");
}

/// How many cells are a yes and a no, each as `check` says it with those flags.
fn held_against_check(scratch: &Scratch, flags: &[&str]) -> (usize, usize) {
    let fleet = [&["fleet", "locks", "--host", "hosts"], flags].concat();
    let (exit, object) = scratch.json(&fleet);
    let all_kept = object["kept"].as_bool().unwrap();
    assert_eq!(exit, if all_kept { 0 } else { 3 }, "{object}");
    let hosts = object["hosts"].as_array().unwrap();
    assert_eq!((hosts.len(), len(&object["locks"])), (6, 3), "{object}");
    let (mut yes, mut no) = (0, 0);
    for lock in object["locks"].as_array().unwrap() {
        for (host, refused) in hosts.iter().zip(lock["refused"].as_array().unwrap()) {
            let (lock, host) = (lock["lock"].as_str().unwrap(), host.as_str().unwrap());
            let check = [&["check", lock, "--host", host], flags].concat();
            let (exit, checked) = scratch.json(&check);
            match refused.as_u64() {
                None => {
                    assert_eq!(exit, 0, "{lock} {host}");
                    yes += 1;
                }
                Some(number) => {
                    assert_eq!(exit, 3, "{lock} {host}");
                    let first = checked["refusals"][0]["name"].as_str().unwrap();
                    let register = first.split('.').next().unwrap();
                    let reasons = object["reasons"][number as usize]["refused"].to_string();
                    assert!(reasons.contains(register), "{register}: {reasons}");
                    no += 1;
                }
            }
        }
        let kept = lock["refused"].as_array().unwrap().iter();
        let kept = kept.filter(|cell| cell.is_null()).count();
        assert_eq!(lock["keptBy"], kept, "{lock}");
    }
    // The same each time, whichever thread was first.
    let again = scratch.json(&fleet);
    assert_eq!(again, (exit, object));
    (yes, no)
}

#[test]
fn a_lock_that_too_few_hosts_keep_is_told() {
    let scratch = hosts_and_locks("fleet-few");
    let modern = "locks/modern.vm.lock.json";
    for (at_least, exit) in [("0", 0), ("2", 0), ("3", 3)] {
        let output = scratch.vmlock(&["fleet", modern, "--host", "hosts", "--at-least", at_least]);
        assert_eq!(
            output.status.code(),
            Some(exit),
            "{at_least}: {}",
            out(&output)
        );
        assert_eq!(out(&output).contains("too few"), exit == 3);
        assert!(
            out(&output).contains("kept by 2 of 6 hosts"),
            "{}",
            out(&output)
        );
        assert!(out(&output).lines().all(|l| l.chars().count() <= 100));
    }
    // Of a fleet that nobody could read, nothing is said.
    scratch.write("hosts/broken.json", "{");
    let (exit, object) = scratch.json(&["fleet", modern, "--host", "hosts"]);
    assert_eq!(exit, 4, "{object}");
    assert!(object.get("locks").is_none(), "{object}");
    fs::create_dir(scratch.0.join("empty")).unwrap();
    let (exit, object) = scratch.json(&["fleet", modern, "--host", "empty", "--at-least", "0"]);
    assert_eq!(exit, 2, "{object}");
}

/// Many hosts can be alike; one is never two.
#[test]
fn hosts_that_are_alike_count_each_and_one_host_counts_once() {
    let scratch = hosts_and_locks("fleet-twice");
    let modern = "locks/modern.vm.lock.json";
    let text = fs::read_to_string(host("neoverse-n1", "7.3")).unwrap();
    let mut report = report::parse(&text).unwrap();
    let boot = |last: char| Some(format!("3e1b5c2a-77d0-4f6e-9a51-0c8d2f4b6e9{last}"));
    fs::create_dir(scratch.0.join("rack")).unwrap();
    report.boot = boot('0');
    scratch.report("rack/a.json", &report);
    report.boot = boot('1');
    scratch.report("rack/b.json", &report);
    let fleet = ["fleet", modern, "--host", "rack", "--at-least", "2"];
    let (exit, object) = scratch.json(&fleet);
    assert_eq!(
        (exit, &object["locks"][0]["keptBy"]),
        (0, &2.into()),
        "{object}"
    );
    report.boot = boot('0');
    scratch.report("rack/b.json", &report);
    let (exit, object) = scratch.json(&fleet);
    assert_eq!(exit, 2, "{object}");
    assert!(object.get("locks").is_none(), "{object}");
    // Nor is one file two, however it is named, where no boot tells.
    report.boot = None;
    scratch.report("rack/a.json", &report);
    fs::remove_file(scratch.0.join("rack/b.json")).unwrap();
    let mut others = vec!["./rack/a.json", "rack/../rack/a.json", "rack"];
    if scratch.link("rack/a.json", "link.json") && scratch.link("rack", "row") {
        others.extend(["link.json", "row/a.json", "row"]);
    }
    let absolute = scratch.0.join("rack/a.json").display().to_string();
    let kept = |other: &str| {
        let two = ["rack/a.json", other, "--at-least", "2"];
        let (exit, object) = scratch.json(&[&["fleet", modern, "--host"], &two[..]].concat());
        let hosts = object["hosts"].clone();
        (exit, object["locks"][0]["keptBy"].clone(), hosts)
    };
    for other in others.into_iter().chain([&absolute[..]]) {
        let once = (3, 1.into(), vec!["rack/a.json"].into());
        assert_eq!(kept(other), once, "{other}");
    }
    // What nobody can tell from another host is another.
    fs::copy(&absolute, scratch.0.join("copy.json")).unwrap();
    let two = (0, 2.into(), vec!["rack/a.json", "copy.json"].into());
    assert_eq!(kept("copy.json"), two);
}

/// What stands in the page is what the program prints.
#[test]
fn the_page_of_fleets_shows_what_is_printed() {
    let scratch = hosts_and_locks("fleet-page");
    let page = fs::read_to_string(root().join("docs/fleet.md")).unwrap();
    let mut shown = 0;
    for block in page.split("```console\n$ vmlock ").skip(1) {
        let block = block.split("```").next().unwrap();
        let (command, wanted) = block.split_once('\n').unwrap();
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let output = scratch.vmlock(&arguments);
        assert!(!wanted.is_empty());
        assert_eq!(out(&output), native(wanted), "{command}: {}", err(&output));
        shown += 1;
    }
    assert_eq!(shown, 1);
}

/// The page has what the JSON has, as data.
#[test]
fn the_page_for_browsers_has_all_that_the_json_has() {
    let scratch = hosts_and_locks("fleet-html");
    // A name that would be markup, and whatever else a browser reads otherwise.
    let name = native(&nameable("hosts/<script>alert(1)<!-- & \u{202e}.json"));
    fs::rename(scratch.0.join("hosts/n1-7.3.json"), scratch.0.join(&name)).unwrap();
    let shown = name.replace('\u{202e}', r"\u{202e}");
    let fleet = ["fleet", "locks", "--host", "hosts", "--at-least", "3"];
    let (exit, mut object) = scratch.json(&fleet);
    assert_eq!(exit, 3, "{object}");
    let mut html = fleet.to_vec();
    html.extend(["--format", "html"]);
    let output = scratch.vmlock(&html);
    assert_eq!(output.status.code(), Some(3), "{}", err(&output));
    let page = out(&output);
    let (_, rest) = page
        .split_once("<script type=\"application/json\" id=\"data\">")
        .unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert!(
        data["hosts"].as_array().unwrap().contains(&json!(shown)),
        "{data}"
    );
    // What turns text around is told there, as it is for people.
    let hosts = object["hosts"].as_array_mut().unwrap();
    let host = hosts.iter_mut().find(|host| **host == *name);
    *host.unwrap() = json!(shown);
    assert_eq!(data["hosts"], object["hosts"]);
    let (rows, locks) = (&data["rows"], object["locks"].as_array().unwrap());
    assert_eq!(rows.as_array().unwrap().len(), locks.len());
    let (mut kept, mut refused) = (0, 0);
    for (row, lock) in rows.as_array().unwrap().iter().zip(locks) {
        assert_eq!(row["name"], lock["lock"]);
        assert_eq!(row["marked"], lock["kept"] == false);
        let reasons = lock["refused"].as_array().unwrap();
        for (cell, reason) in row["cells"].as_array().unwrap().iter().zip(reasons) {
            let cell = &data["cells"][cell.as_u64().unwrap() as usize];
            let words = &data["kinds"][cell["kind"].as_u64().unwrap() as usize]["words"];
            let Some(reason) = reason.as_u64() else {
                assert_eq!((words, &cell["lines"]), (&json!("kept"), &json!([])));
                kept += 1;
                continue;
            };
            let reason = &object["reasons"][reason as usize];
            let mut lines = reason["refused"].as_array().unwrap().clone();
            if reason["anotherCpu"].is_string() {
                lines.insert(0, reason["anotherCpu"].clone());
            }
            assert_eq!((words, &cell["lines"]), (&json!("not kept"), &json!(lines)));
            refused += 1;
        }
    }
    assert_eq!(
        kept + refused,
        locks.len() * object["hosts"].as_array().unwrap().len()
    );
    assert!(kept > 0 && refused > 0);
    assert!(page.contains("default-src 'none'") && !page.contains("<script>alert"));
}
