//! `vmlock explain FILE` and `vmlock baselines`: what files say, and which baselines there are.

use crate::scratch::{Scratch, err, out, report_of, root};
use std::fs;
use std::os::unix::fs::FileExt as _;

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

/// A saved guest is told of without its memory, which is a hole here; one that was damaged is refused by its section.
#[test]
fn a_saved_guest_is_explained() {
    let scratch = Scratch::new("show-saved");
    let frozen = fs::read(root().join("spec/saved/tests/frozen/v1.sections")).unwrap();
    let (header, rest) = frozen.split_at(4096);
    let table = u64::from_le_bytes(header[32..40].try_into().unwrap());
    let file = fs::File::create(scratch.0.join("web.save")).unwrap();
    file.write_all_at(header, 0).unwrap();
    file.write_all_at(rest, table).unwrap();
    let told = scratch.vmlock(&["explain", "web.save"]);
    assert_eq!(told.status.code(), Some(0), "{}", err(&told));
    for words in [
        "a guest that was saved",
        "1, 1 of them on",
        "of which 4 MiB",
        "section   vcpu.0",
    ] {
        assert!(out(&told).contains(words), "no {words}: {}", out(&told));
    }
    let (exit, object) = scratch.json(&["explain", "web.save"]);
    assert_eq!((exit, &object["saved"]["chunks"]), (0, &2.into()));
    file.write_all_at(&[0; 4], table + rest.len() as u64 - 4)
        .unwrap();
    file.write_all_at(&[9], table + 128 * 40).unwrap();
    let refused = scratch.vmlock(&["explain", "web.save"]);
    assert_eq!(refused.status.code(), Some(1), "{}", err(&refused));
    assert!(err(&refused).contains("section `"), "{}", err(&refused));
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
