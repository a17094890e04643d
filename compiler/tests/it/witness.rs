//! The portable witness beside other people's machines: its image, and what is judged of what it saw.

use crate::scratch::{Scratch, err, out, root};
use std::fs;
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::observation::account::{Account, Machine};
use vmlock_spec::observation::scope::Scope;
use vmlock_spec::observation::{Incomplete, Promise, Sighting, promises};
use vmlock_spec::report::Seen;

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
    assert!(!names(&cpu).is_empty());
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

/// What a guest of the lock's machine sees of these scopes, as `vmlock observe` would write it.
fn facts_of(lock: &Lock, scopes: &[Scope]) -> Account {
    let promises = promises(lock).into_iter();
    let judged = promises.filter(|promise| scopes.contains(&Scope::of(promise.key)));
    let seen = |promise: Promise| Sighting {
        vcpu: promise.vcpu,
        key: promise.key,
        seen: promise.value.map_or(Seen::Undefined, Seen::Value),
    };
    let vcpus = lock.machine.vcpus.len() as u32;
    Account {
        witness: "0.1.0".to_owned(),
        machine: Machine {
            cpus: vcpus,
            entered_at: 1,
            uart: "pl011@9000000".to_owned(),
            gic: "v3@8000000".to_owned(),
            psci: "hvc".to_owned(),
        },
        vcpus,
        sightings: judged.map(seen).collect(),
        incomplete: Vec::new(),
    }
}

/// The one way to a yes, and each that must not lead there.
#[test]
fn a_machine_that_keeps_a_lock_is_told_from_those_that_do_not() {
    let scratch = Scratch::new("kept");
    let path = root().join(LOCK);
    let lock = canonical::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    let scopes = [Scope::Cpu, Scope::Firmware, Scope::Gic];
    let judge = |account: &Account| {
        scratch.write("facts.json", &serde_json::to_string(account).unwrap());
        let only = ["--observed", "facts.json", "--only", "cpu,firmware,gic"];
        let all = [&["audit", path.to_str().unwrap()], &only[..]].concat();
        let said = scratch.vmlock(&all);
        let words: Vec<String> = [out(&said), err(&said)]
            .map(|text| {
                // As it would stand on one line.
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .into();
        (said.status.code(), words.join(" "))
    };
    let kept = facts_of(&lock, &scopes);
    assert!(kept.sightings.len() > 700, "{}", kept.sightings.len());
    let (code, words) = judge(&kept);
    assert_eq!(code, Some(0), "{words}");
    assert!(
        words.contains("exactly what the lock promises there"),
        "{words}"
    );
    assert!(words.contains("not judged: "), "{words}");
    for at in (0..kept.sightings.len()).step_by(97) {
        let mut other = kept.clone();
        let seen = &mut other.sightings[at].seen;
        *seen = Seen::Abort;
        let (code, words) = judge(&other);
        assert_eq!(code, Some(1), "{words}");
        assert!(words.contains("1 promise is not kept"), "{words}");
        let mut less = kept.clone();
        less.sightings.remove(at);
        assert_eq!(judge(&less).0, Some(1));
    }
    let mut unfinished = kept.clone();
    unfinished.incomplete.push(Incomplete {
        vcpu: 1,
        reason: "the witness did not finish on this vCPU".to_owned(),
    });
    let (code, words) = judge(&unfinished);
    assert_eq!(code, Some(1), "{words}");
    assert!(
        words.contains("none is broken, and what stands above is no yes"),
        "{words}"
    );
    // Of another number of vCPUs it is another machine, whatever is judged of it.
    let mut more = kept.clone();
    let third = more.sightings.iter().filter(|s| s.vcpu == 1);
    let third: Vec<Sighting> = third.map(|s| Sighting { vcpu: 2, ..*s }).collect();
    more.sightings.extend(third);
    more.vcpus = 3;
    let (code, words) = judge(&more);
    assert_eq!(code, Some(1), "{words}");
    assert!(
        words.contains("the machine has 3 vCPUs and the lock 2"),
        "{words}"
    );
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

/// What one of them did not tell may differ.
#[test]
fn accounts_that_are_not_whole_are_not_called_alike() {
    let scratch = Scratch::new("untold");
    let lock = canonical::parse(&fs::read_to_string(root().join(LOCK)).unwrap()).unwrap();
    let mut account = facts_of(&lock, &[Scope::Cpu]);
    let write = |name: &str, account: &Account| {
        scratch.write(name, &serde_json::to_string(account).unwrap());
    };
    write("a.json", &account);
    write("b.json", &account);
    let same = scratch.vmlock(&["diff", "a.json", "b.json"]);
    assert_eq!(same.status.code(), Some(0), "{}", err(&same));
    assert!(out(&same).contains("do not differ"));
    account.incomplete.push(Incomplete {
        vcpu: 1,
        reason: "the witness did not finish on this vCPU".to_owned(),
    });
    write("b.json", &account);
    let untold = scratch.vmlock(&["diff", "a.json", "b.json"]);
    assert_eq!(untold.status.code(), Some(1));
    assert!(out(&untold).contains("nothing that both of them tell differs"));
    assert!(err(&untold).contains("did not finish"), "{}", err(&untold));
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
