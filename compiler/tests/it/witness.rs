//! The portable witness beside other people's machines: its image, and what is judged of what it saw.

use crate::scratch::{Scratch, err, root};
use std::fs;

/// What a witness printed under QEMU's own emulation of a Neoverse N1.
const LOG: &str = "compiler/tests/ui/observe/console.log";
const LOCK: &str = "examples/modern.vm.lock.json";

/// Linux, Documentation/arch/arm64/booting.rst: what a boot loader looks at.
#[test]
fn the_image_has_linuxs_header() {
    let scratch = Scratch::new("image");
    let (code, said) = scratch.json(&["witness", "-o", "w.Image"]);
    assert_eq!(code, 0);
    let image = fs::read(scratch.0.join("w.Image")).unwrap();
    let word = |at: usize| u64::from_le_bytes(image[at..at + 8].try_into().unwrap());
    assert_eq!(&image[56..60], b"ARM\x64");
    // At the beginning of any 2 MiB; in memory it is larger than in the file; little-endian, 4 KiB, anywhere.
    assert_eq!((word(8), word(24)), (0, 0xa));
    assert!(word(16) > image.len() as u64 && word(16) < 64 << 20);
    assert!(said["digest"].as_str().unwrap().starts_with("sha256-"));
    let output = scratch.vmlock(&["witness", "-o", "none/w.Image"]);
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_machine_is_judged_by_scopes_and_what_is_left_out_is_counted() {
    let scratch = Scratch::new("judged");
    let (lock, log) = (root().join(LOCK), root().join(LOG));
    let (lock, log) = (lock.to_str().unwrap(), log.to_str().unwrap());
    let judge = |more: &[&str]| {
        let mut all = vec!["audit", lock, "--observed", log];
        all.extend(more);
        scratch.json(&all)
    };
    let (code, all) = judge(&[]);
    assert_eq!((code, &all["kept"]), (1, &false.into()));
    assert_eq!(all["notJudged"]["promises"], 0);
    let (code, cpu) = judge(&["--only", "cpu"]);
    assert_eq!(
        code, 1,
        "an emulator's CPU is not what a lock for KVM promises"
    );
    assert_eq!(cpu["only"], serde_json::json!(["cpu"]));
    assert!(cpu["facts"].as_u64().unwrap() > 300);
    let names = |value: &serde_json::Value| -> Vec<String> {
        let list = value["differences"].as_array().unwrap();
        list.iter()
            .map(|d| d["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(!names(&cpu).contains(&"MIDR_EL1".to_owned()));
    assert!(names(&cpu).contains(&"CNTFRQ_EL0".to_owned()) || !names(&cpu).is_empty());
    assert!(names(&all).len() > names(&cpu).len());
    let total = |v: &serde_json::Value| {
        v["facts"].as_u64().unwrap() + v["notJudged"]["promises"].as_u64().unwrap()
    };
    assert!(total(&cpu) <= total(&judge(&["--only", "cpu,gic"]).1));
    // The facts by themselves are judged as their log is.
    let output = scratch.vmlock(&["observe", log, "-o", "facts.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let facts = scratch.0.join("facts.json");
    let (code, again) = scratch.json(&[
        "audit",
        lock,
        "--observed",
        facts.to_str().unwrap(),
        "--only",
        "cpu",
    ]);
    assert_eq!((code, &again["digest"]), (1, &cpu["digest"]));
    let sarif = scratch.vmlock(&[
        "--format",
        "sarif",
        "audit",
        lock,
        "--observed",
        log,
        "--only",
        "cpu",
    ]);
    assert!(String::from_utf8_lossy(&sarif.stdout).contains("observed::broken"));
    assert_eq!(
        scratch
            .vmlock(&["audit", lock, "--observed", log, "--only", "disk"])
            .status
            .code(),
        Some(2)
    );
}

/// A machine of another number of vCPUs is another machine, whatever is judged of it.
#[test]
fn vcpus_that_are_too_many_are_told() {
    let scratch = Scratch::new("many");
    let lock = root().join("examples/portable.vm.lock.json");
    let text = fs::read_to_string(&lock).unwrap();
    let vcpus = serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let count = vcpus["machine"]["vcpus"].as_array().unwrap().len();
    let log = root().join(LOG);
    let arguments = [
        "audit",
        lock.to_str().unwrap(),
        "--observed",
        log.to_str().unwrap(),
        "--only",
        "gic",
    ];
    let (code, said) = scratch.json(&arguments);
    let told = said["incomplete"].as_array().unwrap().len();
    assert_eq!((code, told), (1, usize::from(count != 2)));
}

#[test]
fn what_a_witness_saw_is_compared_with_its_like_alone() {
    let scratch = Scratch::new("like");
    let (lock, log) = (root().join(LOCK), root().join(LOG));
    let (lock, log) = (lock.to_str().unwrap(), log.to_str().unwrap());
    let output = scratch.vmlock(&["diff", lock, log]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("vmlock audit"), "{}", err(&output));
    let output = scratch.vmlock(&["observe", log, "-o", "facts.json"]);
    assert_eq!(output.status.code(), Some(0));
    let same = scratch.vmlock(&["diff", log, "facts.json"]);
    assert_eq!(same.status.code(), Some(0), "{}", err(&same));
}

/// The schema that is checked in is that of what is written.
#[test]
fn observed_facts_are_valid_by_their_schema() {
    let scratch = Scratch::new("schema");
    let log = root().join(LOG);
    scratch.vmlock(&["observe", log.to_str().unwrap(), "-o", "facts.json"]);
    let facts = fs::read_to_string(scratch.0.join("facts.json")).unwrap();
    let schema = fs::read_to_string(root().join("schema/observed.v1.schema.json")).unwrap();
    let schema = serde_json::from_str(&schema).unwrap();
    let facts = serde_json::from_str(&facts).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(&facts)
        .map(|e| e.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:?}");
}
