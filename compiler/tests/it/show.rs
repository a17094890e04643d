//! `vmlock explain FILE` and `vmlock baselines`: what files say, and which baselines there are.

use crate::scratch::{Scratch, err, out, report_of, root};
use std::fs;

const SPEC: &str = "vm \"web\" {\n    arch \"arm64\"\n    abi \"kvm-6.8\" \"psci-1.1\"\n    cpu \"neoverse-n1\" count=2 {\n        pmu\n    }\n    memory \"512MiB\"\n    boot kernel=\"Image\" any-file=#true\n    vary \"PMCR_EL0.IMP\"\n    rng\n}\n";

#[test]
fn a_file_is_explained_by_what_it_says() {
    let scratch = Scratch::new("show-file");
    scratch.lock("web", SPEC);
    scratch.write("note.json", "{}");
    fs::copy(
        report_of("neoverse-n1", "6.12"),
        scratch.0.join("host.json"),
    )
    .unwrap();
    let report = "host.json";
    for (file, says) in [
        (
            "web.vm.lock.json",
            &[
                "machine `web`",
                "2 × neoverse-n1",
                "psci-1.1: ",
                "pmu",
                "512 MiB",
                "any file will do",
                "PMCR_EL0.IMP",
                "virtio-",
            ][..],
        ),
        ("web.vm.kdl", &["machine `web`", "lock of version"][..]),
        (report, &["one host", "PSCI", "abi kvm-6.1"][..]),
    ] {
        let output = scratch.vmlock(&["explain", file]);
        assert_eq!(output.status.code(), Some(0), "{file}: {}", err(&output));
        for words in says {
            assert!(
                out(&output).contains(words),
                "{file}: {words}: {}",
                out(&output)
            );
        }
        assert!(
            out(&output).lines().all(|l| l.chars().count() <= 100),
            "{}",
            out(&output)
        );
    }
    let output = scratch.vmlock(&["cpu", report, "--name", "mine", "-o", "mine.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let output = scratch.vmlock(&["explain", "mine.kdl"]);
    assert!(
        out(&output).contains("cpu       mine: "),
        "{}{}",
        out(&output),
        err(&output)
    );
    for (file, exit) in [
        ("note.json", 1),
        ("gone.json", 4),
        ("gone.vm.kdl", 4),
        ("gone.kdl", 4),
    ] {
        let output = scratch.vmlock(&["explain", file]);
        assert_eq!(output.status.code(), Some(exit), "{file}: {}", err(&output));
    }
    let (exit, object) = scratch.json(&["explain", "web.vm.lock.json"]);
    assert_eq!((exit, &object["lock"]["vcpus"]), (0, &2.into()));
}

#[test]
fn every_example_explains_itself() {
    let mut locks = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".vm.lock.json") {
            let output = crate::scratch::vmlock(&root().join("examples"), &["explain", &name]);
            assert_eq!(output.status.code(), Some(0), "{name}: {}", err(&output));
            locks += 1;
        }
    }
    assert!(locks > 4);
}

#[test]
fn baselines_are_listed_found_and_shown() {
    let scratch = Scratch::new("show-baselines");
    let all = out(&scratch.vmlock(&["baselines"]));
    assert!(
        all.contains("kvm-6.8 ") && all.contains("gic-iidr-rev1 "),
        "{all}"
    );
    let found = out(&scratch.vmlock(&["baselines", "PSCI"]));
    assert!(
        found.contains("psci-1.1 ") && !found.contains("gic-iidr-rev1 "),
        "{found}"
    );
    let (exit, object) = scratch.json(&["baselines", "psci", "1.3"]);
    assert_eq!(
        (exit, &object["baselines"][0]["name"]),
        (0, &"psci-1.3".into())
    );
    let one = out(&scratch.vmlock(&["baselines", "kvm-6.8"]));
    assert_eq!(one, out(&scratch.vmlock(&["explain", "kvm-6.8"])));
    let none = scratch.vmlock(&["baselines", "kvm-6.9x"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(err(&none).contains("kvm-6.9"), "{}", err(&none));
}

#[test]
fn the_reference_goes_into_a_folder() {
    let scratch = Scratch::new("show-reference");
    let output = scratch.vmlock(&["man", "--reference", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let said = out(&output);
    let files: Vec<&str> = said.lines().collect();
    assert!(files.len() > 100, "{files:?}");
    for file in files {
        let text = fs::read_to_string(scratch.0.join(file)).unwrap();
        assert!(text.starts_with("# "), "{file}");
    }
    let baseline = fs::read_to_string(scratch.0.join("baselines/kvm-6.12.md")).unwrap();
    assert!(baseline.contains("source: "), "{baseline}");
    // A folder that is not there is not made.
    let output = scratch.vmlock(&["man", "--reference", "absent"]);
    assert_eq!(output.status.code(), Some(4), "{}", err(&output));
    assert!(!scratch.0.join("absent").exists());
    // Without one, it is the list.
    let output = scratch.vmlock(&["man", "--reference"]);
    assert!(out(&output).starts_with("# Reference"), "{}", out(&output));
}

#[test]
fn a_cpu_that_was_read_from_an_emulator_is_said_to_be_that() {
    let scratch = Scratch::new("show-emulated");
    let (mut emulated, mut measured) = (0, 0);
    for cpu in vmlock_spec::catalogue::CPUS.iter() {
        let (code, object) = scratch.json(&["explain", &cpu.name]);
        let is_emulated = object["emulated"].as_bool().unwrap();
        assert_eq!(code, 0, "{object}");
        // Their titles say it as well.
        assert_eq!(is_emulated, cpu.title.contains("emulate"), "{}", cpu.title);
        let text = out(&scratch.vmlock(&["explain", &cpu.name]));
        assert_eq!(
            text.contains("Read from an emulator"),
            is_emulated,
            "{text}"
        );
        *if is_emulated {
            &mut emulated
        } else {
            &mut measured
        } += 1;
    }
    assert!(emulated > 5 && measured > 2, "{emulated} {measured}");
}
