//! The formats: schemas that are checked in, and the claim that the schema of
//! descriptions and the decoder accept the same.

use crate::schemas::schema;
use crate::scratch::{Scratch, root, vmlock};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

#[test]
fn schemas_that_are_checked_in_are_those_that_are_generated() {
    let update = std::env::var_os("VMLOCK_UPDATE").is_some_and(|v| v == "1");
    assert!(
        !(update && std::env::var_os("CI").is_some()),
        "schemas are not rewritten in CI"
    );
    let folder = root().join("schema");
    let mut expected = Vec::new();
    for (which, file) in [
        ("spec", "spec.v1"),
        ("lock", "lock.v3"),
        ("lock-v2", "lock.v2"),
        ("lock-v1", "lock.v1"),
        ("host", "host-report.v1"),
        ("observed", "observed.v1"),
        ("status", "status.v1"),
        ("event", "event.v1"),
        ("diagnostics", "diagnostics.v1"),
    ] {
        let path = folder.join(format!("{file}.schema.json"));
        let text = String::from_utf8(vmlock(Path::new("."), &["schema", which]).stdout).unwrap();
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let have = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            have == text,
            "{} is stale: VMLOCK_UPDATE=1 cargo test -p vmlock",
            path.display()
        );
        expected.push(path.file_name().unwrap().to_owned());
    }
    for entry in fs::read_dir(&folder).unwrap().flatten() {
        assert!(
            expected.contains(&entry.file_name()),
            "{} belongs to no format",
            entry.path().display()
        );
    }
}

/// Places of properties and enum values without a description.
fn undescribed(path: &str, schema: &Value, out: &mut Vec<String>) {
    let Some(object) = schema.as_object() else {
        return;
    };
    if let Some(properties) = object.get("properties").and_then(Value::as_object) {
        for (name, inner) in properties {
            // In draft-07 an editor ignores what stands beside `$ref`; schemars wraps such in allOf.
            if inner.get("description").is_none() {
                out.push(format!("{path}/{name}"));
            }
            undescribed(&format!("{path}/{name}"), inner, out);
        }
        if path.ends_with('#') && object.get("description").is_none() {
            out.push(path.to_owned());
        }
    }
    for key in ["oneOf", "anyOf"] {
        for (index, inner) in object
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            if inner.get("description").is_none()
                && inner.get("$ref").is_none()
                && inner.get("type") != Some(&json!("null"))
            {
                out.push(format!("{path}/{key}/{index}"));
            }
        }
    }
    if object.get("enum").is_some() {
        out.push(format!("{path}: values without words"));
    }
}

#[test]
fn schemas_are_draft_07_and_described_throughout() {
    for which in ["spec", "lock", "lock-v1", "host", "diagnostics"] {
        let schema = schema(which);
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert!(jsonschema::draft7::meta::is_valid(&schema), "{which}");
        let mut missing = Vec::new();
        undescribed("#", &schema, &mut missing);
        for (name, inner) in schema["definitions"].as_object().into_iter().flatten() {
            undescribed(&format!("#/definitions/{name}"), inner, &mut missing);
        }
        assert_eq!(missing, Vec::<String>::new(), "{which}");
    }
}

const WHOLE: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8" "psci-1.1"
    cpu "neoverse-n1" count=2 {
        pmu
        hide "crc32"
        set "ID_AA64ISAR0_EL1.ATOMIC" 1
    }
    memory "512MiB"
    boot kernel="vmlinuz" initrd="initrd.img" cmdline="console=ttyS0"
    console "16550"
    disk "root" path="root.img" size="8GiB" serial="a b"
    rng
    net "lan" tap="tap0" mac="52:54:00:12:34:56" mtu=9000
    console "virtio"
    vsock cid=3 { port 1024 path="agent.sock"; }
    vary "PMCR_EL0.IMP" "PMCR_EL0.IDCODE"
    lock-schema "lock.v1.schema.json"
}
"#;

fn whole_json() -> Value {
    json!({
        "name": "web",
        "arch": "arm64",
        "abi": ["kvm-6.8", "psci-1.1"],
        "cpu": {
            "model": "neoverse-n1",
            "count": 2,
            "features": ["pmu"],
            "hide": ["crc32"],
            "set": [{ "field": "ID_AA64ISAR0_EL1.ATOMIC", "value": 1 }],
        },
        "memory": 536870912,
        "boot": { "kernel": "vmlinuz", "initrd": "initrd.img", "cmdline": "console=ttyS0" },
        "console": "16550",
        "devices": [
            { "disk": { "name": "root", "path": "root.img", "size": 8u64 << 30, "serial": "a b" } },
            { "rng": {} },
            { "net": { "name": "lan", "tap": "tap0", "mac": "52:54:00:12:34:56", "mtu": 9000 } },
            { "console": {} },
            { "vsock": { "cid": 3, "ports": [{ "port": 1024, "path": "agent.sock" }] } },
        ],
        "vary": ["PMCR_EL0.IMP", "PMCR_EL0.IDCODE"],
        "lock-schema": "lock.v1.schema.json",
    })
}

#[test]
fn both_forms_of_a_description_make_the_same_lock() {
    let scratch = Scratch::new("forms");
    fs::write(scratch.0.join("a.vm.kdl"), WHOLE).unwrap();
    fs::write(scratch.0.join("b.vm.json"), whole_json().to_string()).unwrap();
    let output = vmlock(&scratch.0, &["lock", "a.vm.kdl", "b.vm.json"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read = |name: &str| fs::read_to_string(scratch.0.join(name)).unwrap();
    assert_eq!(read("a.vm.lock.json"), read("b.vm.lock.json"));
}

#[test]
fn a_lock_is_valid_under_its_schema_and_a_second_run_changes_nothing() {
    let scratch = Scratch::new("lock");
    fs::write(scratch.0.join("a.vm.kdl"), WHOLE).unwrap();
    assert!(vmlock(&scratch.0, &["lock", "a.vm.kdl"]).status.success());
    let text = fs::read_to_string(scratch.0.join("a.vm.lock.json")).unwrap();
    assert!(
        text.starts_with("{\n  \"$schema\": \"lock.v1.schema.json\",\n  \"lockVersion\": 3,\n")
    );
    let lock: Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::draft7::new(&schema("lock")).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&lock)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    let again = vmlock(&scratch.0, &["lock", "--check", "a.vm.kdl"]);
    assert!(again.status.success());
    assert!(String::from_utf8_lossy(&again.stdout).contains("unchanged"));
}

#[test]
fn findings_are_valid_under_their_schema() {
    let scratch = Scratch::new("findings");
    fs::write(
        scratch.0.join("a.vm.kdl"),
        WHOLE.replace("kvm-6.8", "kvm-6.8\" \"kvm-6.1"),
    )
    .unwrap();
    fs::write(scratch.0.join("b.vm.json"), "{ \"name\": 1 }").unwrap();
    let validator = jsonschema::draft7::new(&schema("diagnostics")).unwrap();
    // With places that take part, with one place, and with none.
    for words in [
        &["lock", "a.vm.kdl"][..],
        &["lock", "b.vm.json"],
        &["lock", "missing.vm.kdl"],
        &["explain", "nothing-of-that-name"],
        &["lock", "--no-such-flag"],
    ] {
        let all = [&["--format", "json"], words].concat();
        let output = vmlock(&scratch.0, &all);
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(!object["diagnostics"].as_array().unwrap().is_empty());
        let errors: Vec<String> = validator
            .iter_errors(&object)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{words:?}");
    }
}

/// Codes of what no schema knows; `forms.rs` has an input for each.
const BEYOND_THE_SCHEMA: [&str; 9] = [
    "io::unreadable",
    "spec::contradiction",
    "spec::no-whole-baseline",
    "spec::not-in-lock",
    "spec::not-settable",
    "spec::cpu-lacks-feature",
    "spec::vector-lengths",
    "spec::impossible-value",
    "spec::disk-contents",
];

/// One pair of a KDL text and what it says in the JSON form.
fn changed(kdl: (&str, &str), json: impl Fn(&mut Value)) -> (String, Value) {
    assert!(WHOLE.contains(kdl.0), "{}", kdl.0);
    let mut value = whole_json();
    json(&mut value);
    (WHOLE.replacen(kdl.0, kdl.1, 1), value)
}

/// The parts of a device.
fn device(value: &mut Value, index: usize) -> &mut Value {
    let device = value["devices"][index].as_object_mut().unwrap();
    device.values_mut().next().unwrap()
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key);
}

#[test]
fn decoder_and_schema_accept_the_same_descriptions() {
    let digest = format!("sha256-{}", "0a".repeat(32));
    let disk =
        |n: u32| json!({ "name": format!("d{n}"), "path": format!("{n}.img"), "size": 512 << 10 });
    let more_disks: String = (0..29)
        .map(|n| format!("disk \"d{n}\" path=\"{n}.img\" size=\"512KiB\"\n"))
        .collect();
    let more_ports: String = (0..65)
        .map(|port| format!("port {port} path=\"agent.sock\"\n"))
        .collect();
    let corpus = [
        changed(("\"web\"", "\"web\""), |_| {}),
        changed(("\"web\"", "\"a b\""), |v| v["name"] = json!("a b")),
        changed(("\"web\"", ""), |v| remove(v, "name")),
        changed(("arch \"arm64\"", ""), |v| remove(v, "arch")),
        changed(("\"arm64\"", "\"x86-64\""), |v| v["arch"] = json!("x86-64")),
        changed(("abi \"kvm-6.8\" \"psci-1.1\"", "abi"), |v| {
            v["abi"] = json!([])
        }),
        changed(("abi \"kvm-6.8\" \"psci-1.1\"", ""), |v| remove(v, "abi")),
        changed(("\"psci-1.1\"", "\"\""), |v| v["abi"][1] = json!("")),
        changed(("\"psci-1.1\"", "\"kvm-6.8\""), |v| {
            v["abi"][1] = json!("kvm-6.8")
        }),
        changed(("\"psci-1.1\"", "7"), |v| v["abi"][1] = json!(7)),
        changed(("count=2", "count=0"), |v| v["cpu"]["count"] = json!(0)),
        changed(("count=2", "count=64"), |v| v["cpu"]["count"] = json!(64)),
        changed(("count=2", "count=65"), |v| v["cpu"]["count"] = json!(65)),
        changed(("count=2", "count=\"2\""), |v| {
            v["cpu"]["count"] = json!("2")
        }),
        changed(("count=2", ""), |v| remove(&mut v["cpu"], "count")),
        changed(("\"neoverse-n1\"", ""), |v| remove(&mut v["cpu"], "model")),
        changed(("pmu", "el2"), |v| v["cpu"]["features"] = json!(["el2"])),
        changed(("pmu", "sve 128 256"), |v| {
            v["cpu"]["features"] = json!(["sve"]);
            v["cpu"]["vector-lengths"] = json!([128, 256]);
        }),
        changed(
            ("pmu", "pmu version=\"3.1\" counters=4 { deny 0x11; }"),
            |v| {
                v["cpu"]["pmu"] = json!({ "version": "3.1", "counters": 4, "deny": [17] });
            },
        ),
        changed(("pmu", "pmu counters=32"), |v| {
            v["cpu"]["pmu"] = json!({ "counters": 32 });
        }),
        changed(("pmu", "debug breakpoints=1"), |v| {
            remove(&mut v["cpu"], "features");
            v["cpu"]["debug"] = json!({ "breakpoints": 1 });
        }),
        changed(("pmu", "aarch32"), |v| {
            remove(&mut v["cpu"], "features");
            v["cpu"]["aarch32"] = json!(true);
        }),
        changed(("pmu", "sve \"128\""), |v| {
            v["cpu"]["features"] = json!(["sve"]);
            v["cpu"]["vector-lengths"] = json!(["128"]);
        }),
        changed(("hide \"crc32\"", "hide \"crc32\" \"crc32\""), |v| {
            v["cpu"]["hide"] = json!(["crc32", "crc32"])
        }),
        changed(("ATOMIC\" 1", "ATOMIC\" -1"), |v| {
            v["cpu"]["set"][0]["value"] = json!(-1)
        }),
        changed(("ATOMIC\" 1", "ATOMIC\""), |v| {
            remove(&mut v["cpu"]["set"][0], "value")
        }),
        changed(("\"512MiB\"", "\"63MiB\""), |v| {
            v["memory"] = json!(63 << 20)
        }),
        changed(("\"512MiB\"", "\"65MiB\""), |v| {
            v["memory"] = json!(65 << 20)
        }),
        changed(("\"512MiB\"", "\"512GiB\""), |v| {
            v["memory"] = json!(512u64 << 30)
        }),
        changed(("\"512MiB\"", "\"1TiB\""), |v| {
            v["memory"] = json!(1u64 << 40)
        }),
        changed(("memory \"512MiB\"", ""), |v| remove(v, "memory")),
        changed(("kernel=\"vmlinuz\"", ""), |v| {
            remove(&mut v["boot"], "kernel")
        }),
        changed(("kernel=\"vmlinuz\"", "kernel=\"\""), |v| {
            v["boot"]["kernel"] = json!("")
        }),
        changed(("initrd=", "inird="), |v| {
            remove(&mut v["boot"], "initrd");
            v["boot"]["inird"] = json!("initrd.img");
        }),
        changed(("initrd=\"initrd.img\"", ""), |v| {
            remove(&mut v["boot"], "initrd")
        }),
        changed(("\"16550\"", "\"pl011\""), |v| {
            v["console"] = json!("pl011")
        }),
        changed(("console \"16550\"", ""), |v| remove(v, "console")),
        changed(("console \"16550\"", "colour \"blue\""), |v| {
            v["colour"] = json!("blue")
        }),
        changed(("\"PMCR_EL0.IDCODE\"", "\"PMCR_EL0.IMP\""), |v| {
            v["vary"][1] = json!("PMCR_EL0.IMP")
        }),
        changed(("pmu", "debug"), |v| {
            remove(&mut v["cpu"], "features");
            v["cpu"]["debug"] = json!({});
        }),
        changed(("initrd=", "kernel-digest=\"sha256-0\" initrd="), |v| {
            v["boot"]["kernel-digest"] = json!("sha256-0")
        }),
        changed(
            ("initrd=", &format!("initrd-digest=\"{digest}\" initrd=")),
            |v| v["boot"]["initrd-digest"] = json!(digest),
        ),
        changed(
            (
                "initrd=",
                &format!("initrd-digest=\"{}\" initrd=", digest.to_uppercase()),
            ),
            |v| v["boot"]["initrd-digest"] = json!(digest.to_uppercase()),
        ),
        changed(("\"root\"", "\"\""), |v| device(v, 0)["name"] = json!("")),
        changed(("path=\"root.img\"", ""), |v| remove(device(v, 0), "path")),
        changed(("size=\"8GiB\"", "size=\"1KiB\""), |v| {
            device(v, 0)["size"] = json!(1024)
        }),
        changed(("size=\"8GiB\"", "size=\"0KiB\""), |v| {
            device(v, 0)["size"] = json!(0)
        }),
        changed(("size=\"8GiB\"", "size=\"8388608TiB\""), |v| {
            device(v, 0)["size"] = json!(1u64 << 63)
        }),
        changed(("serial=", "read-only=#true serial="), |v| {
            device(v, 0)["read-only"] = json!(true)
        }),
        changed(("serial=", "read-only=1 serial="), |v| {
            device(v, 0)["read-only"] = json!(1)
        }),
        changed(("\"a b\"", "\"a b \""), |v| {
            device(v, 0)["serial"] = json!("a b ")
        }),
        changed(("\"a b\"", "\"ä\""), |v| {
            device(v, 0)["serial"] = json!("ä")
        }),
        changed(("\"a b\"", "\"twenty characters....\""), |v| {
            device(v, 0)["serial"] = json!("twenty characters....")
        }),
        changed(("serial=", "cache=\"none\" serial="), |v| {
            device(v, 0)["cache"] = json!("none")
        }),
        changed(("rng\n", "rng 1\n"), |v| device(v, 1)["rate"] = json!(1)),
        changed(("tap=\"tap0\"", ""), |v| remove(device(v, 2), "tap")),
        changed(("\"tap0\"", "\"..\""), |v| {
            device(v, 2)["tap"] = json!("..")
        }),
        changed(("\"tap0\"", "\"tap:0\""), |v| {
            device(v, 2)["tap"] = json!("tap:0")
        }),
        changed(("\"tap0\"", "\"a-tap-of-sixteen\""), |v| {
            device(v, 2)["tap"] = json!("a-tap-of-sixteen")
        }),
        changed(("52:54:00:12:34:56", "52:54:00:12:34:5A"), |v| {
            device(v, 2)["mac"] = json!("52:54:00:12:34:5A")
        }),
        changed(("52:54:00:12:34:56", "53:54:00:12:34:56"), |v| {
            device(v, 2)["mac"] = json!("53:54:00:12:34:56")
        }),
        changed(("52:54:00:12:34:56", "00:00:00:00:00:00"), |v| {
            device(v, 2)["mac"] = json!("00:00:00:00:00:00")
        }),
        changed(("52:54:00:12:34:56", "00:00:00:00:00:01"), |v| {
            device(v, 2)["mac"] = json!("00:00:00:00:00:01")
        }),
        changed(("mtu=9000", "mtu=67"), |v| device(v, 2)["mtu"] = json!(67)),
        changed(("mtu=9000", "mtu=65521"), |v| {
            device(v, 2)["mtu"] = json!(65521)
        }),
        changed(("mtu=9000", "mtu=65522"), |v| {
            device(v, 2)["mtu"] = json!(65522)
        }),
        changed(("kernel=", "kaslr-seed=#true kernel="), |v| {
            v["boot"]["kaslr-seed"] = json!(true)
        }),
        changed(("kernel=", "kaslr-seed=8 kernel="), |v| {
            v["boot"]["kaslr-seed"] = json!(8)
        }),
        changed(
            ("serial=", "read-only=#true digest=\"sha256-0\" serial="),
            |v| {
                device(v, 0)["read-only"] = json!(true);
                device(v, 0)["digest"] = json!("sha256-0");
            },
        ),
        changed(("port 1024 path=\"agent.sock\"", &more_ports), |v| {
            let ports = (0..65).map(|port| json!({ "port": port, "path": "agent.sock" }));
            device(v, 4)["ports"] = ports.collect();
        }),
        changed(("mtu=9000", "mtu=65536"), |v| {
            device(v, 2)["mtu"] = json!(65536)
        }),
        changed(("cid=3", "cid=2"), |v| device(v, 4)["cid"] = json!(2)),
        changed(("cid=3", "cid=4294967294"), |v| {
            device(v, 4)["cid"] = json!(4294967294u32)
        }),
        changed(("cid=3", "cid=4294967295"), |v| {
            device(v, 4)["cid"] = json!(4294967295u32)
        }),
        changed(("port 1024", "port 4294967295"), |v| {
            device(v, 4)["ports"][0]["port"] = json!(4294967295u32)
        }),
        changed(("port 1024", "port"), |v| {
            remove(&mut device(v, 4)["ports"][0], "port")
        }),
        changed(("rng\n", ""), |v| {
            v["devices"].as_array_mut().unwrap().remove(1);
        }),
        changed(("rng\n", &more_disks), |v| {
            let devices = v["devices"].as_array_mut().unwrap();
            let more = (0..29).map(|n| json!({ "disk": disk(n) }));
            devices.splice(1..2, more);
        }),
        changed(("pmu", "debug watchpoints=17"), |v| {
            remove(&mut v["cpu"], "features");
            v["cpu"]["debug"] = json!({ "watchpoints": 17 });
        }),
    ];
    // What each text may hold, KDL's spelling and the text: in a name, where an empty text is one, elsewhere.
    let (long, longer) = ("x".repeat(2047), "x".repeat(2048));
    let (path, no_path) = ("x".repeat(4095), "x".repeat(4096));
    let texts = [
        ("", ""),
        (".", "."),
        ("..", ".."),
        (".web", ".web"),
        ("a/b", "a/b"),
        ("a b é 大", "a b é 大"),
        ("a\\tb", "a\tb"),
        ("a\\nb", "a\nb"),
        ("a\\rb", "a\rb"),
        ("a\\u{0}b", "a\0b"),
        ("a\\u{1b}[2J", "a\u{1b}[2J"),
        ("a\\u{9b}2J", "a\u{9b}2J"),
        ("a\\u{202e}b", "a\u{202e}b"),
        ("a\\u{2028}b", "a\u{2028}b"),
        ("\\u{feff}a", "\u{feff}a"),
        ("a\u{200c}b", "a\u{200c}b"),
        (&long, &long),
        (&longer, &longer),
        (&path, &path),
        (&no_path, &no_path),
    ];
    let places = [
        ("\"web\"", "/name"),
        ("\"psci-1.1\"", "/abi/1"),
        ("\"neoverse-n1\"", "/cpu/model"),
        ("\"crc32\"", "/cpu/hide/0"),
        ("\"ID_AA64ISAR0_EL1.ATOMIC\"", "/cpu/set/0/field"),
        ("\"vmlinuz\"", "/boot/kernel"),
        ("\"initrd.img\"", "/boot/initrd"),
        ("\"console=ttyS0\"", "/boot/cmdline"),
        ("\"root\"", "/devices/0/disk/name"),
        ("\"root.img\"", "/devices/0/disk/path"),
        ("\"PMCR_EL0.IDCODE\"", "/vary/1"),
        ("\"lock.v1.schema.json\"", "/lock-schema"),
    ];
    let texts = places.iter().flat_map(|(kdl, pointer)| {
        texts.iter().map(move |(spelt, text)| {
            changed((kdl, &format!("\"{spelt}\"")), |v| {
                *v.pointer_mut(pointer).unwrap() = json!(text);
            })
        })
    });
    let structures = corpus.len();
    let corpus: Vec<(String, Value)> = corpus.into_iter().chain(texts).collect();
    let validator = jsonschema::draft7::new(&schema("spec")).unwrap();
    let scratch = Scratch::new("oracle");
    for (index, (kdl, projection)) in corpus.iter().enumerate() {
        fs::write(scratch.0.join("a.vm.kdl"), kdl).unwrap();
        fs::write(scratch.0.join("b.vm.json"), projection.to_string()).unwrap();
        let mut of_forms = Vec::new();
        for form in ["a.vm.kdl", "b.vm.json"] {
            let (_, object) = scratch.json(&["lock", "--dry-run", form]);
            let found = object["diagnostics"].as_array().unwrap();
            let errors = found.iter().filter(|d| d["severity"] == "error");
            let codes: Vec<String> = errors
                .clone()
                .filter_map(|d| d["code"].as_str().map(str::to_owned))
                .collect();
            let accepts = codes
                .iter()
                .all(|c| BEYOND_THE_SCHEMA.contains(&c.as_str()));
            // Of a feature that the CPU lacks nothing else is said, so that its form is not judged.
            let lacks = form == "a.vm.kdl" && codes.iter().any(|c| c == "spec::cpu-lacks-feature");
            assert!(
                accepts == validator.is_valid(projection) || (lacks && accepts),
                "{form} {codes:?}\n{kdl}\n{projection:#}"
            );
            let pointing = errors.filter(|d| d["span"]["start"].as_u64() > Some(0));
            assert!(
                index < structures || pointing.count() == codes.len(),
                "{object:#}"
            );
            of_forms.push(codes);
        }
        // A text is judged in one place, whatever form it comes in.
        assert!(
            index < structures || of_forms[0] == of_forms[1],
            "{of_forms:?}\n{kdl}"
        );
    }
}

#[test]
fn the_description_in_the_help_compiles() {
    let scratch = Scratch::new("help");
    let help = String::from_utf8(vmlock(&scratch.0, &["--help"]).stdout).unwrap();
    let start = help.find("  vm \"web\"").unwrap();
    let end = start + help[start..].find("\n  }\n").unwrap() + 5;
    fs::write(scratch.0.join("a.vm.kdl"), &help[start..end]).unwrap();
    let output = vmlock(&scratch.0, &["lock", "a.vm.kdl"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Pieces that, a megabyte of them, must neither end the process nor take long.
#[test]
fn a_megabyte_of_anything_is_refused_in_words() {
    let scratch = Scratch::new("megabyte");
    for piece in [
        "(", "/-", "/- ", "\\\n", "a ", "a=1 ", "\"a\" ", "#", "#\"", "a;", "a{};", "=", "[", "é",
        "a\n", "{", "/*", "-",
    ] {
        fs::write(
            scratch.0.join("a.vm.kdl"),
            piece.repeat(1_000_000 / piece.len()),
        )
        .unwrap();
        let output = vmlock(&scratch.0, &["lock", "a.vm.kdl"]);
        assert_eq!(output.status.code(), Some(1), "{piece:?}");
        assert!(
            output.stderr.len() < 20_000,
            "{piece:?}: {} bytes of words",
            output.stderr.len()
        );
    }
    let long = "x".repeat(100_000);
    for json in [
        format!("{{\"name\": \"{long}\"}}"),
        format!("{{\"{long}\": 1, \"{long}\": 2}}"),
        format!("{{\"{long}\": [{}1]}}", "1,".repeat(100_000)),
        format!("{{\"arch\": \"{long}\"}}"),
        format!("{{{}\"a\": 1}}", "\"a\": 1,".repeat(100_000)),
        "[".repeat(1_000_000),
        format!("{}1{}", "{\"a\":".repeat(120), "}".repeat(120)),
    ] {
        fs::write(scratch.0.join("b.vm.json"), &json).unwrap();
        let output = vmlock(&scratch.0, &["lock", "b.vm.json"]);
        assert_eq!(output.status.code(), Some(1), "{}", &json[..60]);
        assert!(output.stderr.len() < 20_000, "{}", &json[..60]);
    }
}

/// Texts near a correct description: pieces cut out, doubled, swapped, and noise put in.
fn mutant() -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        0..WHOLE.len(),
        0..WHOLE.len(),
        0..5u8,
        prop::sample::select(NOISE),
    );
    prop::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for (a, b, what, noise) in edits {
            let (a, b) = (a.min(bytes.len()), b.min(bytes.len()));
            let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 40));
            match what {
                0 => drop(bytes.drain(from..to)),
                1 => {
                    let piece = bytes[from..to].to_vec();
                    bytes.splice(from..from, piece);
                }
                2 => bytes[from..to].reverse(),
                _ => drop(bytes.splice(from..from, noise.bytes())),
            }
        }
        bytes
    })
}

const NOISE: &[&str] = &[
    "{",
    "}",
    "\"",
    "#\"",
    "\"\"\"",
    "/*",
    "*/",
    "//",
    "/-",
    "=",
    ";",
    "\\",
    "\n",
    "\0",
    "é",
    "🦀",
    "true",
    "#null",
    "0x",
    "-1",
    "99999999999999999999999999999999999999999",
    "1e999",
    "(u8)",
    "vm",
    "cpu",
    "pmu",
    "set",
    "r\"",
    "#inf",
    "\u{feff}",
    "\u{202e}",
    "512MB",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_vmlock_crash_or_leave_a_lock_behind_an_error(text in mutant()) {
        let scratch = Scratch::new("mutant");
        fs::write(scratch.0.join("a.vm.kdl"), &text).unwrap();
        // A lock of an earlier test run would hide one that is written now.
        let lock = scratch.0.join("a.vm.lock.json");
        let _ = fs::remove_file(&lock);
        let output = vmlock(&scratch.0, &["lock", "a.vm.kdl"]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => prop_assert!(lock.exists()),
            Some(1) => {
                prop_assert!(!lock.exists());
                prop_assert!(words.contains("no lock was written"), "{}", words);
            }
            other => prop_assert!(false, "exit {:?}\n{}\n{}", other, words, String::from_utf8_lossy(&text)),
        }
    }
}
