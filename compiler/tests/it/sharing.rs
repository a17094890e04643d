//! What machines share without copying it, and what is said of them that no guest sees: the locks are those of
//! descriptions that are written out in full.

use crate::schemas::{schema, validator};
use crate::scratch::{Scratch, err, out};
use std::fs;

/// A machine, whole.
const WHOLE: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8"
    cpu "neoverse-n1" count=1
    memory "64MiB"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
"#;

impl Scratch {
    /// The bytes of a file.
    fn bytes(&self, name: &str) -> String {
        let path = self.0.join(name);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

#[test]
fn what_is_said_for_people_is_in_no_lock() {
    let scratch = Scratch::new("about");
    scratch.lock("web", WHOLE);
    let plain = scratch.bytes("web.vm.lock.json");
    let said = "vm \"web\" {\n    description \"serves the shop\"\n    labels team=\"shop\" \"1st\"=\"é\"\n";
    scratch.lock("web", &WHOLE.replace("vm \"web\" {\n", said));
    assert_eq!(scratch.bytes("web.vm.lock.json"), plain);
    // It goes over into the other form and back.
    let convert = |from: &str, to: &str| {
        let output = scratch.vmlock(&["convert", from, "-o", to]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        scratch.bytes(to)
    };
    let json = convert("web.vm.kdl", "other.vm.json");
    assert!(json.contains("\"team\": \"shop\"") && json.contains("serves the shop"));
    let kdl = convert("other.vm.json", "again.vm.kdl");
    assert!(kdl.contains("labels \"1st\"=\"é\" team=\"shop\""), "{kdl}");
    // What is no name, given twice, or no text.
    scratch.write(
        "bad.vm.kdl",
        &WHOLE.replace(
            "vm \"web\" {\n",
            "vm \"web\" {\n    labels \"a b\"=\"x\" c=\"x\" c=\"y\" d=1 \"e\"\n",
        ),
    );
    let output = scratch.vmlock(&["lock", "bad.vm.kdl"]);
    let words = err(&output);
    for part in [
        "spec::bad-name",
        "the label `c` is given twice",
        "write `d=\"1\"`",
        "`labels` takes no value",
        "4 errors",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

/// Three machines: one that is whole, one built from it, and one from that.
const FLEET: &str = r#"vm "web" {
    description "serves the shop"
    labels team="shop" stage="live"
    arch "arm64"
    abi "kvm-6.12" "psci-1.1"
    cpu "neoverse-n1" count=2 {
        pmu counters=4 {
            deny 0x11
        }
        hide "crc32"
        set "ID_AA64ISAR0_EL1.DP" 0
    }
    memory "512MiB"
    boot kernel="vmlinuz" cmdline="quiet" any-file=#true
    disk "root" path="root.img" size="1GiB" serial="r1"
    net "lan" mac="52:54:00:12:34:56" mtu=9000
    rng
    vsock cid=3 {
        port 1024 path="a.sock"
    }
    vary "PMCR_EL0.IMP"
    allow "spec::midr-promises" reason="nothing looks at it"
    allow "spec::emulated-cpu" reason="so are the hosts"
}

vm "db" from="web" {
    description "holds the shop's stock"
    labels stage="test"
    memory "1GiB"
    cpu count=4 {
        pmu counters=2 {
            deny 0x11 0x12
        }
        hide "crc32" "atomics"
        set "ID_AA64ISAR0_EL1.DP" 1
        set "ID_AA64ISAR0_EL1.RNDR" 0
    }
    disk "data" path="data.img" size="2GiB"
    disk "root" path="db.img" size="3GiB"
    vsock cid=4 {
        port 1024 path="b.sock"
        port 1025 path="c.sock"
    }
    vary "PMCR_EL0.IMP" "PMCR_EL0.IDCODE"
}

vm "db-next" from="db" {
    abi "kvm-6.12"
    boot kernel="next"
    vsock cid=5
}
"#;

/// The same as `db` and `db-next`, written out by hand.
const IN_FULL: [(&str, &str); 2] = [
    (
        "db",
        r#"vm "db" {
    arch "arm64"
    abi "kvm-6.12" "psci-1.1"
    cpu "neoverse-n1" count=4 {
        pmu counters=2 {
            deny 0x11
            deny 0x12
        }
        hide "crc32"
        set "ID_AA64ISAR0_EL1.DP" 1
        hide "atomics"
        set "ID_AA64ISAR0_EL1.RNDR" 0
    }
    memory "1GiB"
    boot kernel="vmlinuz" cmdline="quiet" any-file=#true
    disk "root" path="db.img" size="3GiB" serial="r1"
    net "lan" mtu=9000
    rng
    vsock cid=4 {
        port 1024 path="b.sock"
        port 1025 path="c.sock"
    }
    vary "PMCR_EL0.IMP"
    allow "spec::midr-promises" reason="nothing looks at it"
    disk "data" path="data.img" size="2GiB"
    vary "PMCR_EL0.IDCODE"
}
"#,
    ),
    (
        "db-next",
        r#"vm "db-next" {
    arch "arm64"
    abi "kvm-6.12"
    cpu "neoverse-n1" count=4 {
        pmu counters=2 {
            deny 0x11 0x12
        }
        hide "crc32" "atomics"
        set "ID_AA64ISAR0_EL1.DP" 1
        set "ID_AA64ISAR0_EL1.RNDR" 0
    }
    memory "1GiB"
    boot kernel="next" cmdline="quiet"
    disk "root" path="db.img" size="3GiB" serial="r1"
    net "lan" mtu=9000
    rng
    vsock cid=5 {
        port 1024 path="b.sock"
        port 1025 path="c.sock"
    }
    disk "data" path="data.img" size="2GiB"
    vary "PMCR_EL0.IMP" "PMCR_EL0.IDCODE"
    allow "spec::midr-promises" reason="nothing looks at it"
}
"#,
    ),
];

#[test]
fn what_is_built_from_another_makes_the_lock_of_the_same_in_full() {
    let scratch = Scratch::new("sharing-same");
    scratch.write("fleet.vm.kdl", FLEET);
    let output = scratch.vmlock(&["lock", "fleet.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let said = out(&output);
    let files: Vec<&str> = said.lines().filter_map(|l| l.split(':').next()).collect();
    let locks = ["web", "db", "db-next"].map(|name| format!("fleet.{name}.vm.lock.json"));
    assert_eq!(files, locks, "{said}");
    for (name, text) in IN_FULL {
        scratch.lock(name, text);
        let shared = scratch.bytes(&format!("fleet.{name}.vm.lock.json"));
        let full = scratch.bytes(&format!("{name}.vm.lock.json"));
        assert_eq!(shared, full, "{name}");
    }
    let check = scratch.vmlock(&["lock", "--check", "--deny-warnings", "fleet.vm.kdl"]);
    assert_eq!(check.status.code(), Some(0), "{}", err(&check));
    // All commands that take a description know its machines.
    let explained = out(&scratch.vmlock(&["explain", "fleet.vm.kdl"]));
    for part in [
        "machine `web`",
        "machine `db`",
        "machine `db-next`",
        "is        holds the shop's stock",
        "labels    stage=test, team=shop",
    ] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    assert_eq!(explained.matches("  is  ").count(), 2, "{explained}");
    let (_, explained) = scratch.json(&["explain", "fleet.vm.kdl"]);
    assert_eq!(explained["locks"][1]["labels"]["stage"], "test");
    let words = err(&scratch.vmlock(&["check", "fleet.vm.kdl", "--host", "x.json"]));
    let words = words.replace("\n        ", " ");
    assert!(
        words.contains("its locks are `fleet.web.vm.lock.json`, `fleet.db.vm.lock.json` and"),
        "{words}"
    );
    let (exit, _) = scratch.json(&["diff", "fleet.web.vm.lock.json", "fleet.db.vm.lock.json"]);
    assert_eq!(exit, 1);
}

#[test]
fn both_forms_have_several_machines() {
    let scratch = Scratch::new("sharing-forms");
    scratch.write("fleet.vm.kdl", FLEET);
    let convert = |from: &str, to: &str| {
        let output = scratch.vmlock(&["convert", from, "-o", to]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        (scratch.bytes(to), err(&output))
    };
    let (json, words) = convert("fleet.vm.kdl", "json.vm.json");
    assert!(
        words.contains("what `from` takes over is written out"),
        "{words}"
    );
    let value = serde_json::from_str(&json).unwrap();
    assert!(validator(&schema("spec")).is_valid(&value), "{json}");
    let (kdl, words) = convert("json.vm.json", "again.vm.kdl");
    assert_eq!(words, "");
    assert_eq!(kdl.matches("vm \"").count(), 3);
    let said = scratch.vmlock(&["fmt", "--check", "again.vm.kdl", "fleet.vm.kdl"]);
    assert_eq!(said.status.code(), Some(0), "{}", err(&said));
    let output = scratch.vmlock(&["lock"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    for name in ["web", "db", "db-next"] {
        let lock = |file: &str| scratch.bytes(&format!("{file}.{name}.vm.lock.json"));
        assert_eq!(lock("fleet"), lock("json"), "{name}");
        assert_eq!(lock("fleet"), lock("again"), "{name}");
    }
    // A mistake of one of them is shown where it is.
    let wrong = json.replacen("\"kvm-6.12\"\n", "\"kvm-6.99\"\n", 1);
    assert_ne!(wrong, json);
    scratch.write("wrong.vm.json", &wrong);
    let words = err(&scratch.vmlock(&["lock", "wrong.vm.json"]));
    let line = wrong.lines().position(|l| l.contains("kvm-6.99")).unwrap() + 1;
    assert!(words.contains(&format!("wrong.vm.json:{line}:")), "{words}");
    for (text, part) in [
        (r#"{ "machines": [] }"#, "`machines` is empty"),
        (r#"{ "machines": {} }"#, "`machines` must be a list"),
        (
            r#"{ "machines": [], "name": "a" }"#,
            "`name` stands beside `machines`",
        ),
        (
            r#"{ "machines": [{ "name": "b", "from": "a" }] }"#,
            "each machine is described in full",
        ),
    ] {
        scratch.write("wrong.vm.json", text);
        let output = scratch.vmlock(&["lock", "wrong.vm.json"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains(part), "{part}: {}", err(&output));
        let value = serde_json::from_str(text).unwrap();
        assert!(!validator(&schema("spec")).is_valid(&value), "{text}");
    }
    let twice = json.replace("\"db-next\"", "\"DB\"");
    scratch.write("wrong.vm.json", &twice);
    let words = err(&scratch.vmlock(&["lock", "wrong.vm.json"]));
    assert!(words.contains("spec::duplicate-machine"), "{words}");
}

/// Each mistake is one finding, at its place.
#[test]
fn what_cannot_be_built_from_says_why() {
    let scratch = Scratch::new("sharing-wrong");
    let built = |more: &str| format!("{WHOLE}\n{more}\n");
    for (text, code, parts) in [
        (
            built("vm \"b\" from=\"wbe\""),
            "spec::unknown-machine",
            &["there is only `web`", "[b.vm.kdl:9:"][..],
        ),
        (
            WHOLE.replace("vm \"web\"", "vm \"web\" from=\"x\""),
            "spec::unknown-machine",
            &["it is the only machine of this file"],
        ),
        (
            WHOLE.replace("vm \"web\"", "vm \"web\" from=\"web\""),
            "spec::circle",
            &["`web` is built from itself"],
        ),
        (
            built(
                "vm \"a\" from=\"b\" { memory \"1GiB\"; }\nvm \"b\" from=\"c\"\nvm \"c\" from=\"a\"\nvm \"d\" from=\"a\"",
            ),
            "spec::circle",
            &[
                "`a` is built from itself, by way of `b` and `c`",
                "leave out its `from`",
            ],
        ),
        (
            built("vm \"web\" from=\"web\""),
            "spec::duplicate-machine",
            &["two machines are called `web`"],
        ),
        (
            built("vm \"Web\" from=\"web\""),
            "spec::duplicate-machine",
            &["differ in capitals alone"],
        ),
        (
            built("vm \"b\" from=1"),
            "spec::wrong-type",
            &["write `from=\"1\"`"],
        ),
        (
            built("vm \"b\" form=\"web\""),
            "spec::unknown-property",
            &["write `from=\"web\"`"],
        ),
        (
            built("vm \"b\" extends=\"web\""),
            "spec::unknown-property",
            &["write `from=\"web\"`"],
        ),
        (
            built("vm \"b\" { from \"web\"; }"),
            "spec::unknown-node",
            &["`vm \"b\" from=\"a\" { … }`"],
        ),
        // What is wrong with what is taken over is told once, and where it is.
        (
            WHOLE.replace("kvm-6.8", "kvm-6.88") + "\nvm \"b\" from=\"web\"\n",
            "spec::unknown-baseline",
            &["[b.vm.kdl:3:"],
        ),
        (
            WHOLE.replace("memory", "vsock cid=3\n    memory") + "\nvm \"b\" from=\"web\"\n",
            "spec::missing",
            &["a `cid` is each machine's own", "[b.vm.kdl:10:"],
        ),
    ] {
        scratch.write("b.vm.kdl", &text);
        let (exit, said) = scratch.json(&["lock", "b.vm.kdl"]);
        assert_eq!(exit, 1, "{text}");
        let found = said["diagnostics"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0]["code"], code, "{text}");
        let words = err(&scratch.vmlock(&["lock", "b.vm.kdl"]));
        let words = words.replace("\n  │ ", " ").replace("\n        ", " ");
        for part in parts {
            assert!(words.contains(part), "{part}: {words}");
        }
        assert!(
            words.ends_with("b.vm.kdl: 1 error; no lock was written\n"),
            "{words}"
        );
        assert!(!scratch.0.join("b.vm.lock.json").exists());
        assert!(!scratch.0.join("b.web.vm.lock.json").exists(), "{text}");
    }
}

/// However many machines there are, what is said of them can be read.
#[test]
fn many_machines_are_told_of_in_few_words() {
    let scratch = Scratch::new("sharing-many");
    let circle = (0..20).map(|n| format!("vm \"m{n}\" from=\"m{}\"\n", (n + 1) % 20));
    scratch.write("b.vm.kdl", &circle.collect::<String>());
    let (_, said) = scratch.json(&["lock", "b.vm.kdl"]);
    let found = said["diagnostics"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let words = found[0]["message"].as_str().unwrap();
    assert!(words.ends_with("`m7` and 12 more"), "{words}");
    let chain = |count: usize| {
        let built = (1..count).map(|n| format!("vm \"m{n}\" from=\"m{}\"\n", n - 1));
        WHOLE.replace("web", "m0") + &built.collect::<String>()
    };
    scratch.write("b.vm.kdl", &chain(100));
    let (exit, said) = scratch.json(&["lock", "--dry-run", "b.vm.kdl"]);
    assert_eq!(
        (exit, said["locks"].as_array().map(Vec::len)),
        (0, Some(100))
    );
    scratch.write("b.vm.kdl", &chain(101));
    let (exit, said) = scratch.json(&["lock", "b.vm.kdl"]);
    let found = said["diagnostics"].as_array().unwrap();
    assert_eq!((exit, found.len()), (1, 1), "{found:?}");
    assert_eq!(found[0]["code"], "spec::too-large");
}

#[test]
fn locks_are_called_after_their_machines_and_a_rename_leaves_none_unnamed() {
    let scratch = Scratch::new("sharing-names");
    scratch.lock("web", WHOLE);
    let first = scratch.bytes("web.vm.lock.json");
    // A machine that is added moves no lock of a file that is called after its machine.
    scratch.write("web.vm.kdl", &format!("{WHOLE}vm \"db\" from=\"web\"\n"));
    let output = scratch.vmlock(&["lock", "web.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(err(&output), "");
    assert_eq!(scratch.bytes("web.vm.lock.json"), first);
    let (exit, said) = scratch.json(&["lock", "--check", "web.vm.kdl"]);
    assert_eq!((exit, said["locks"].as_array().map(Vec::len)), (0, Some(2)));
    // One machine gets another name.
    scratch.write("web.vm.kdl", &format!("{WHOLE}vm \"data\" from=\"web\"\n"));
    let output = scratch.vmlock(&["lock", "web.vm.kdl"]);
    let words = err(&output);
    for part in [
        "`web.db.vm.lock.json` has no description",
        "was a machine renamed?",
        "mv web.db.vm.lock.json web.data.vm.lock.json",
    ] {
        assert!(
            words.replace("\n        ", " ").contains(part),
            "{part}: {words}"
        );
    }
    fs::remove_file(scratch.0.join("web.db.vm.lock.json")).unwrap();
    // The only machine has the file's lock, whatever it is called.
    scratch.write("web.vm.kdl", &WHOLE.replace("\"web\"", "\"other\""));
    let (_, said) = scratch.json(&["lock", "--check", "web.vm.kdl"]);
    assert_eq!(said["diagnostics"][0]["code"], "lock::stale");
    assert_eq!(said["diagnostics"][1]["code"], "lock::orphan", "{said}");
    // Two files whose machines' locks would have one name.
    scratch.write("web.vm.kdl", &format!("{WHOLE}vm \"a.b\" from=\"web\"\n"));
    scratch.write("web.a.vm.kdl", &format!("{}vm \"b\" from=\"web\"\n", WHOLE));
    let (exit, said) = scratch.json(&["lock"]);
    assert_eq!(exit, 1);
    let found = said["diagnostics"].as_array().unwrap();
    let disputed = found
        .iter()
        .filter(|d| d["code"] == "lock::two-descriptions");
    assert_eq!(disputed.count(), 2, "{found:?}");
    assert!(!scratch.0.join("web.a.b.vm.lock.json").exists());
    scratch.write("web.a.vm.kdl", WHOLE);
    assert_eq!(scratch.vmlock(&["lock"]).status.code(), Some(0));
    assert!(scratch.0.join("web.a.b.vm.lock.json").exists());
}

/// What machines of several files share.
const DEFAULTS: &str = r#"defaults {
    labels team="shop" stage="live"
    arch "arm64"
    abi "kvm-6.12" "psci-1.1"
    cpu "neoverse-n1" count=2 {
        pmu
        hide "crc32"
    }
    memory "512MiB"
    boot kernel="vmlinuz" initrd="/boot/initrd.img"
    disk "root" path="images/root.img" size="1GiB"
}
"#;

#[test]
fn defaults_of_an_imported_file_make_the_lock_of_the_same_in_full() {
    let scratch = Scratch::new("sharing-defaults");
    fs::create_dir(scratch.0.join("fleet")).unwrap();
    scratch.write("fleet/shop.kdl", DEFAULTS);
    let shared = r#"vm "web" {
    import "fleet/shop.kdl"
    labels stage="test"
    cpu count=4 { hide "atomics"; }
    memory "1GiB"
}
"#;
    let full = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.12" "psci-1.1"
    cpu "neoverse-n1" count=4 {
        pmu
        hide "crc32" "atomics"
    }
    memory "1GiB"
    boot kernel="fleet/vmlinuz" initrd="/boot/initrd.img"
    disk "root" path="fleet/images/root.img" size="1GiB"
}
"#;
    scratch.lock("web", shared);
    scratch.lock("full", full);
    let lock = scratch.bytes("web.vm.lock.json");
    assert_eq!(lock, scratch.bytes("full.vm.lock.json"));
    let explained = out(&scratch.vmlock(&["explain", "web.vm.kdl"]));
    assert!(
        explained.contains("labels    stage=test, team=shop"),
        "{explained}"
    );
    let explained = out(&scratch.vmlock(&["explain", "fleet/shop.kdl"]));
    let words = "defaults  labels, arch, abi, cpu, memory, boot, disk";
    assert!(explained.contains(words), "{explained}");
    // Through another machine they come, too, below what that says.
    scratch.write(
        "two.vm.kdl",
        &format!("{shared}vm \"db\" from=\"web\" {{ memory \"2GiB\"; }}\n"),
    );
    let output = scratch.vmlock(&["lock", "two.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let full = full
        .replace("\"web\"", "\"db\"")
        .replace("1GiB\"\n    boot", "2GiB\"\n    boot");
    scratch.lock("full", &full);
    assert_eq!(
        scratch.bytes("two.db.vm.lock.json"),
        scratch.bytes("full.vm.lock.json")
    );
    // The JSON form says them in full, and what comes back means the same.
    for (from, to) in [
        ("web.vm.kdl", "json.vm.json"),
        ("json.vm.json", "again.vm.kdl"),
    ] {
        let output = scratch.vmlock(&["convert", from, "-o", to]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert_eq!(scratch.vmlock(&["lock", to]).status.code(), Some(0));
    }
    assert_eq!(scratch.bytes("json.vm.lock.json"), lock);
    assert_eq!(scratch.bytes("again.vm.lock.json"), lock);
    // A file that is found wrong is so at its own place, once.
    for (old, new, code, line, part) in [
        (
            "memory \"512MiB\"",
            "memroy \"512MiB\"",
            "spec::unknown-node",
            9,
            "did you mean `memory`?",
        ),
        (
            "memory \"512MiB\"",
            "vary \"PMCR_EL0.IMP\"",
            "spec::no-default",
            9,
            "nothing is waived in silence",
        ),
        (
            "initrd.img\"",
            "initrd.img\" any-file=#true",
            "spec::no-default",
            10,
            "nothing is waived in silence",
        ),
        (
            "memory \"512MiB\"",
            "vsock cid=3",
            "spec::no-default",
            9,
            "two machines are told apart",
        ),
        (
            "memory \"512MiB\"",
            "description \"x\"",
            "spec::no-default",
            9,
            "what one machine is for",
        ),
        ("crc32", "crc33", "spec::unknown-feature", 7, "crc32"),
        (
            "neoverse-n1",
            "neoverse-n3",
            "spec::unknown-cpu",
            5,
            "neoverse-n",
        ),
        (
            "defaults {",
            "defaults \"x\" {",
            "spec::unexpected-argument",
            1,
            "for all that import",
        ),
    ] {
        scratch.write("fleet/shop.kdl", &DEFAULTS.replace(old, new));
        let (exit, said) = scratch.json(&["lock", "--dry-run", "web.vm.kdl"]);
        assert_eq!(exit, 1, "{new}");
        let found = said["diagnostics"].as_array().unwrap();
        let found: Vec<_> = found.iter().filter(|d| d["severity"] == "error").collect();
        assert_eq!(found.len(), 1, "{new}: {found:?}");
        assert_eq!(found[0]["code"], code, "{new}");
        assert_eq!(found[0]["file"], "fleet/shop.kdl", "{new}: {found:?}");
        assert_eq!(found[0]["span"]["line"], line, "{new}: {found:?}");
        assert!(
            found[0]["help"].as_str().unwrap().contains(part),
            "{found:?}"
        );
    }
    scratch.write("fleet/shop.kdl", DEFAULTS);
    scratch.write("other.kdl", "defaults {\n    memory \"64MiB\"\n}\n");
    scratch.write(
        "web.vm.kdl",
        &shared.replace(".kdl\"", ".kdl\" \"other.kdl\""),
    );
    let (_, said) = scratch.json(&["lock", "web.vm.kdl"]);
    assert_eq!(said["diagnostics"][0]["code"], "spec::two-defaults");
    scratch.write("web.vm.kdl", &format!("{DEFAULTS}{WHOLE}"));
    let words = err(&scratch.vmlock(&["lock", "web.vm.kdl"]));
    assert!(words.contains("stands in a file that machines"), "{words}");
}

#[test]
fn an_heir_without_a_cid_is_told_so_whatever_else_is_wrong_with_the_vsock() {
    let scratch = Scratch::new("heir-cid");
    for (line, others) in [("vsock cid=3", 0), ("vsock cid=3 foo=1", 1)] {
        let text = WHOLE.replace("memory", &format!("{line}\n    memory"));
        scratch.write(
            "web.vm.kdl",
            &format!("{text}vm \"b\" from=\"web\" {{ }}\n"),
        );
        let (code, object) = scratch.json(&["lock", "--dry-run", "web.vm.kdl"]);
        let found = object["diagnostics"].as_array().unwrap();
        let heirs = found.iter().filter(|one| {
            let message = one["message"].as_str().unwrap_or_default();
            message.starts_with("this machine takes over a `vsock`")
        });
        assert_eq!(
            (code, heirs.count(), found.len()),
            (1, 1, 1 + others),
            "{found:#?}"
        );
    }
}
