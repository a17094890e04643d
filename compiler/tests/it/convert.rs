//! `vmlock convert`: both forms of a description make the same lock.

use crate::scratch::{Scratch, err, out, root};
use std::fs;

/// The digest of the lock that a description makes.
fn digest(scratch: &Scratch, spec: &str) -> String {
    let output = scratch.vmlock(&["lock", "--dry-run", "--print-digest", spec]);
    let said = out(&output);
    let line = said.lines().find(|l| l.starts_with("sha256:"));
    let line = line.unwrap_or_else(|| panic!("{spec}: {said}{}", err(&output)));
    line.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn both_forms_make_the_same_lock() {
    let mut converted = 0;
    for folder in ["examples", "lab/tests/specs"] {
        let scratch = Scratch::new("convert-forms");
        for entry in fs::read_dir(root().join(folder)).unwrap().flatten() {
            if entry.path().extension().is_some_and(|e| e == "kdl") {
                fs::copy(entry.path(), scratch.0.join(entry.file_name())).unwrap();
            }
        }
        let specs = fs::read_dir(&scratch.0).unwrap().flatten();
        let specs = specs.filter_map(|e| e.file_name().into_string().ok());
        let mut specs: Vec<String> = specs.filter(|name| name.ends_with(".vm.kdl")).collect();
        specs.sort();
        for spec in specs {
            let stem = spec.strip_suffix(".vm.kdl").unwrap();
            let wanted = digest(&scratch, &spec);
            let (there, back) = (
                format!("{stem}-there.vm.json"),
                format!("{stem}-back.vm.kdl"),
            );
            for (from, to) in [(&spec, &there), (&there, &back)] {
                let output = scratch.vmlock(&["convert", from, "-o", to]);
                assert_eq!(output.status.code(), Some(0), "{from}: {}", err(&output));
                assert_eq!(digest(&scratch, to), wanted, "{to}");
            }
            let output = scratch.vmlock(&["fmt", "--check", &back]);
            assert_eq!(output.status.code(), Some(0), "{}", err(&output));
            converted += 1;
        }
    }
    assert!(converted > 10, "only {converted}");
}

const SPEC: &str = "vm \"a\" {\n    // b\n    arch \"arm64\" /* c */\n    abi \"kvm-6.8\"\n    cpu \"neoverse-n1\" count=1\n    memory \"64MiB\"\n}\n";

#[test]
fn what_is_lost_is_said_and_what_is_there_is_kept() {
    let scratch = Scratch::new("convert-lost");
    scratch.write("a.vm.kdl", SPEC);
    let output = scratch.vmlock(&["convert", "a.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        out(&output).starts_with("{\n  \"name\": \"a\",\n"),
        "{}",
        out(&output)
    );
    assert!(err(&output).contains("2 are left out"), "{}", err(&output));
    // The other form, beside it, and nothing that is there.
    scratch.write("taken.vm.json", "{}");
    for (to, exit, code) in [
        ("a.vm.kdl", 2, "usage::name"),
        ("../a.vm.json", 2, "usage::name"),
        ("taken.vm.json", 4, "io::exists"),
    ] {
        let output = scratch.vmlock(&["convert", "a.vm.kdl", "-o", to]);
        assert_eq!(output.status.code(), Some(exit), "{to}");
        assert!(err(&output).contains(code), "{}", err(&output));
    }
    assert_eq!(
        fs::read_to_string(scratch.0.join("a.vm.kdl")).unwrap(),
        SPEC
    );
    scratch.write("b.vm.kdl", &SPEC.replace("arm64", "x86-64"));
    let output = scratch.vmlock(&["convert", "b.vm.kdl", "-o", "b.vm.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!scratch.0.join("b.vm.json").exists());
}

#[test]
fn what_kdl_cannot_say_is_refused_with_its_place() {
    let scratch = Scratch::new("convert-unsaid");
    let json = |memory: u64, more: &str| {
        format!(
            "{{\"name\": \"a\", \"arch\": \"arm64\", \"abi\": [\"kvm-6.8\"], \"memory\": {memory},\n \"cpu\": {{\"model\": \"neoverse-n1\", \"count\": 1{more}}}}}"
        )
    };
    for (memory, more, place) in [
        (1000, "", "`memory`"),
        (1 << 30, ", \"pmu\": {\"counters\": 4}", "`cpu.pmu`"),
        (
            1 << 30,
            ", \"vector-lengths\": [128]",
            "`cpu.vector-lengths`",
        ),
    ] {
        scratch.write("a.vm.json", &json(memory, more));
        let output = scratch.vmlock(&["convert", "a.vm.json"]);
        assert_eq!((output.status.code(), out(&output).len()), (Some(1), 0));
        let words = err(&output);
        assert!(
            words.contains("convert::not-kept") && words.contains(place),
            "{words}"
        );
    }
    // What editors of JSON look for is nothing of the machine's.
    let named = json(1 << 30, "").replacen('{', "{\"$schema\": \"x.json\", ", 1);
    scratch.write("a.vm.json", &named);
    let output = scratch.vmlock(&["convert", "a.vm.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(!out(&output).contains("schema"), "{}", out(&output));
    // The order of features means nothing.
    scratch.write(
        "a.vm.json",
        &json(1 << 30, ", \"features\": [\"pauth\", \"pmu\"]"),
    );
    let output = scratch.vmlock(&["convert", "a.vm.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}
