//! The two forms of a description mean the same, and the decoder accepts what the JSON Schema accepts: over descriptions
//! and mutations of them that are made by numbers, the same each time.

use crate::dice::Dice;
use crate::schemas::{put, schema, validator};
use crate::scratch::{Scratch, err, out, root};
use crate::surface::kdl;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use vmlock_spec::parallel;

/// Rules that a schema cannot say: about what hangs together, what files and the catalogue's values say, and what stands
/// twice. Each with a description, as a change of [`base`], that the schema accepts and the decoder refuses for it. What hosts
/// answer that `runs-on` names, under any of their codes, is one of them.
const BEYOND: &[(&str, &[(&str, &str)])] = &[
    ("io::unreadable", &[("/boot/kernel", r#"".""#)]),
    (
        "spec::shared-file",
        &[(
            "/devices",
            r#"[{ "disk": { "name": "a", "path": "a", "size": 512 } }, { "disk": { "name": "b", "path": "a", "size": 512 } }]"#,
        )],
    ),
    ("import::unreadable", &[("/import", r#"["none.kdl"]"#)]),
    (
        "spec::contradiction",
        &[("/abi", r#"["kvm-6.8", "psci-1.1", "psci-1.0"]"#)],
    ),
    ("spec::no-whole-baseline", &[("/abi", r#"["psci-1.1"]"#)]),
    ("spec::not-in-lock", &[("/vary", r#"["PMMIR_EL1.SLOTS"]"#)]),
    (
        "spec::cpu-lacks-feature",
        &[
            ("/cpu/features", r#"["sve"]"#),
            ("/cpu/vector-lengths", "[128]"),
        ],
    ),
    (
        "spec::disk-contents",
        &[(
            "/devices",
            r#"[{ "disk": { "name": "a", "path": "a", "size": 512, "read-only": true } }]"#,
        )],
    ),
    ("spec::unmeasured", &[("/cpu/model", r#""graviton3""#)]),
    (
        "spec::wide-ccsidr",
        &[
            ("/abi", r#"["kvm-5.10"]"#),
            ("/cpu/model", r#""graviton3""#),
        ],
    ),
    (
        "spec::duplicate-machine",
        &[(
            "",
            r#"{ "machines": [
                { "name": "a", "arch": "arm64", "abi": ["kvm-6.8"], "cpu": { "model": "neoverse-n1", "count": 1 }, "memory": 67108864 },
                { "name": "A", "arch": "arm64", "abi": ["kvm-6.8"], "cpu": { "model": "neoverse-n1", "count": 1 }, "memory": 67108864 }
            ] }"#,
        )],
    ),
    (HOST, &[("/runs-on", r#"["kvm-5.10"]"#)]),
    ("import::name-taken", &[("/import", r#"["taken.kdl"]"#)]),
    ("import::invalid", &[("/import", r#"["invalid.kdl"]"#)]),
];

/// What the codes of hosts' answers begin with.
const HOST: &str = "host::";

/// Whether a code is in that list.
fn among(list: &[(&str, &[(&str, &str)])], code: &str) -> bool {
    let is = |known: &str| known == code || known == HOST && code.starts_with(HOST);
    list.iter().any(|(known, _)| is(known))
}

/// What the descriptions import: a baseline, one whose name is taken, and what is none.
fn imported(scratch: &Scratch) {
    let hide = "hide \"ID_AA64ISAR0_EL1.DP\" source=\"x\"";
    for (file, text) in [
        (
            "own.kdl",
            format!("baseline \"own\" part=\"own\" {{\n    title \"x\"\n    {hide}\n}}\n"),
        ),
        (
            "taken.kdl",
            format!("baseline \"kvm-6.8\" after=\"kvm-6.1\" {{\n    title \"x\"\n    {hide}\n}}\n"),
        ),
        (
            "invalid.kdl",
            "baseline \"of-mine\" part=\"own\" {\n    hide \"NOPE_EL1.X\" source=\"x\"\n}\n"
                .to_owned(),
        ),
    ] {
        scratch.write(file, &text);
    }
}

/// Codes of which a schema says a part: in places the same mistake is beyond it. Also each with such a description.
const PARTLY: &[(&str, &[(&str, &str)])] = &[
    (
        "spec::unknown-baseline",
        &[("/import", r#"["own.kdl"]"#), ("/abi/0", r#""of-mine""#)],
    ),
    (
        "spec::unknown-cpu",
        &[
            ("/import", r#"["own.kdl"]"#),
            ("/cpu/model", r#""of-mine""#),
        ],
    ),
    (
        "spec::not-settable",
        &[(
            "/cpu/set",
            r#"[{ "field": "KVM_REG_ARM_PSCI_VERSION.Minor", "value": 1 }]"#,
        )],
    ),
    ("spec::off-already", &[("/cpu/hide", r#"["sve"]"#)]),
    (
        "spec::disk-size",
        &[("/devices", r#"[{ "disk": { "name": "a", "path": "a" } }]"#)],
    ),
    ("spec::out-of-range", &[("/boot/kernel-address", "4")]),
    (
        "spec::memory-size",
        &[
            ("/cpu/model", r#""cortex-a76""#),
            ("/memory", "70368744177664"),
        ],
    ),
    ("spec::vector-lengths", &[("/cpu/vector-lengths", "[128]")]),
    (
        "spec::impossible-value",
        &[(
            "/cpu/set",
            r#"[{ "field": "ID_AA64ISAR0_EL1.RNDR", "value": 99 }]"#,
        )],
    ),
    (
        "spec::taken-literally",
        &[("/boot/kernel", r#""~/vmlinuz""#)],
    ),
    (
        "spec::bad-serial",
        &[(
            "/devices",
            r#"[{ "disk": { "name": "longer-than-a-serial-is", "path": "a", "size": 512 } }]"#,
        )],
    ),
    (
        "spec::duplicate-value",
        &[(
            "/cpu/set",
            r#"[{ "field": "ID_AA64ISAR0_EL1.RNDR", "value": 0 }, { "field": "ID_AA64ISAR0_EL1.RNDR", "value": 0 }]"#,
        )],
    ),
    (
        "spec::unknown-warning",
        &[(
            "/allow",
            r#"[{ "code": "spec::unsure", "fields": ["ID_AA64PFR0_EL1.CSV2"], "reason": "x" }]"#,
        )],
    ),
    (
        "spec::unknown-host",
        &[
            ("/cpu/model", r#""a64fx""#),
            ("/runs-on", r#"["kvm-6.12"]"#),
        ],
    ),
];

/// A code, changes of a description that show it, and which descriptions may have it though their schema has no fault to find.
type But = (
    &'static str,
    &'static [(&'static str, &'static str)],
    fn(&Value) -> bool,
);

/// Codes of which a schema says all but this, and which descriptions can have it: a `pmu` whose values are all `null` (it says
/// nothing, and a schema counts keys), and a whole number written as `1.0` (an integer for draft 7, and none for the decoder).
const BUT: &[But] = &[
    (
        "spec::missing",
        &[
            ("/cpu/features", r#"["pmu"]"#),
            ("/cpu/pmu", r#"{ "counters": null }"#),
        ],
        has_silent_pmu,
    ),
    ("spec::json", &[("/cpu/count", "1.0")], has_whole_float),
];

fn has_silent_pmu(spec: &Value) -> bool {
    match spec {
        Value::Array(list) => list.iter().any(has_silent_pmu),
        Value::Object(object) => object.iter().any(|(key, value)| {
            let pmu = value.as_object().filter(|_| key == "pmu");
            pmu.is_some_and(|pmu| pmu.values().all(Value::is_null)) || has_silent_pmu(value)
        }),
        _ => false,
    }
}

fn has_whole_float(spec: &Value) -> bool {
    match spec {
        Value::Array(list) => list.iter().any(has_whole_float),
        Value::Object(object) => object.values().any(has_whole_float),
        Value::Number(number) => number.is_f64() && number.as_f64().unwrap().fract() == 0.0,
        _ => false,
    }
}

fn base() -> Value {
    json!({
        "name": "web", "arch": "arm64", "abi": ["kvm-6.8", "psci-1.1"],
        "cpu": { "model": "neoverse-n1", "count": 2 }, "memory": 512 << 20,
        "boot": { "kernel": "vmlinuz" },
    })
}

/// A description: of one machine, or of two.
fn description(dice: &mut Dice) -> Value {
    let mut first = machine(dice);
    if !dice.once_in(6) {
        return first;
    }
    first["name"] = json!("first");
    json!({ "machines": [first, machine(dice)] })
}

/// A machine out of everything that one can say of it; most make a lock.
fn machine(dice: &mut Dice) -> Value {
    let mut abi = vec![
        dice.one(&["kvm-5.10", "kvm-6.1", "kvm-6.8", "kvm-6.12", "kvm-7.3"])
            .to_owned(),
    ];
    abi.extend(dice.some(&["psci-1.1", "gic-iidr-rev1"], 3));
    let mut spec = json!({
        "name": dice.one(&["web", "db-1", "a.b_c"]),
        "arch": "arm64",
        "abi": abi,
        "cpu": {
            "model": dice.one(&["neoverse-n1", "neoverse-n1", "cortex-a72", "cortex-a76", "a64fx"]),
            "count": dice.one(&[1, 2, 7]),
        },
        "memory": dice.one(&[64u64 << 20, 512 << 20, 3 << 30]),
    });
    let cpu = &mut spec["cpu"];
    let pmu = dice.once_in(3);
    let mut features = dice.some(&["steal-time"], 4);
    features.extend(dice.some(&["pauth", "mte"], 12));
    if cpu["model"] == "a64fx" {
        features.push("sve".to_owned());
        cpu["vector-lengths"] = dice.one(&[json!([128, 256]), json!([128, 256, 512])]);
    }
    if pmu {
        features.insert(0, "pmu".to_owned());
        if dice.once_in(2) {
            cpu["pmu"] = dice.one(&[
                json!({ "counters": 4 }),
                json!({ "version": "3.1" }),
                json!({ "version": "3.0", "counters": 0, "deny": [17, 18] }),
                json!({ "allow": [17] }),
            ]);
        }
    }
    if !features.is_empty() {
        cpu["features"] = json!(features);
    }
    let hide = dice.some(&["crc32", "atomics", "ID_AA64ISAR0_EL1.DP"], 3);
    if !hide.is_empty() {
        cpu["hide"] = json!(hide);
    }
    if dice.once_in(3) {
        cpu["set"] = dice.one(&[
            json!([{ "field": "ID_AA64ISAR0_EL1.RNDR", "value": 0 }]),
            json!([{ "field": "aes", "value": 1 }, { "field": "ID_AA64PFR0_EL1.CSV3", "value": 0 }]),
        ]);
    }
    if dice.once_in(4) {
        cpu["debug"] = dice.one(&[
            json!({ "breakpoints": 4 }),
            json!({ "breakpoints": 2, "watchpoints": 2 }),
        ]);
    }
    if dice.once_in(6) {
        cpu["aarch32"] = json!(true);
    }
    let digest = format!("sha256-{}", "0a".repeat(32));
    if dice.once_in(2) {
        spec["boot"] = dice.one(&[
            json!({ "kernel": "vmlinuz" }),
            json!({ "kernel": "a b/vmlinuz", "initrd": "initrd.img", "cmdline": "quiet\tx=\"y\" \\" }),
            json!({ "kernel": "k", "any-file": true, "kaslr-seed": true, "cmdline": "" }),
            json!({ "kernel": "k", "kernel-address": 0x4020_0000, "kernel-digest": digest }),
            json!({ "kernel": "k", "any-file": true, "initrd": "i", "initrd-digest": digest }),
        ]);
    }
    if dice.once_in(3) {
        spec["console"] = json!("16550");
    }
    let all = [
        json!({ "disk": { "name": "root", "path": "root.img", "size": 8u64 << 30, "serial": "a b" } }),
        json!({ "disk": { "name": "data", "path": "/dev/none", "size": 1 << 20, "read-only": true, "any-file": true } }),
        json!({ "disk": { "name": "os", "path": "os.img", "size": 1 << 20, "read-only": true, "digest": digest } }),
        json!({ "rng": {} }),
        json!({ "net": { "name": "lan", "tap": "tap0", "mac": "52:54:00:12:34:56", "mtu": 9000 } }),
        json!({ "console": {} }),
        json!({ "vsock": { "cid": 3, "ports": [{ "port": 1024, "path": "agent.sock" }, { "port": 0, "path": "b" }] } }),
    ];
    let devices: Vec<&Value> = all.iter().filter(|_| dice.once_in(4)).collect();
    if !devices.is_empty() {
        spec["devices"] = json!(devices);
    }
    if dice.once_in(4) {
        spec["across-saves"] = dice.one(&[json!("goes-on"), json!("stands-still")]);
    }
    if dice.once_in(4) {
        spec["vmgenid"] = json!(true);
    }
    if pmu && dice.once_in(2) {
        spec["vary"] = json!(["PMCR_EL0.IMP", "PMCR_EL0.IDCODE"]);
    }
    if dice.once_in(4) {
        spec["allow"] = dice.one(&[
            json!([{ "code": "spec::unsure", "reason": "it was looked at" }]),
            json!([{ "code": "spec::withholds-mitigation", "fields": ["ID_AA64PFR0_EL1.CSV3"], "reason": "é" }]),
        ]);
    }
    if dice.once_in(4) {
        spec["description"] = json!("serves the \"shop\", é");
    }
    if dice.once_in(4) {
        spec["labels"] = json!({ "team": "shop", "a.b-c": "x y", "reason": " " });
    }
    if dice.once_in(4) {
        spec["lock-schema"] = json!("../schema/lock.v3.schema.json");
    }
    if dice.once_in(8) {
        spec["import"] = json!(["own.kdl"]);
    }
    if dice.once_in(8) {
        spec["runs-on"] = json!(["kvm-6.12"]);
    }
    spec
}

/// What is put in the place of something.
fn wrong(dice: &mut Dice) -> Value {
    dice.one(&[
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.0),
        json!(1.5),
        json!(31),
        json!(70_000),
        json!(1u64 << 32),
        json!(1u64 << 46),
        json!(1u64 << 63),
        json!(""),
        json!("web"),
        json!("a\nb"),
        json!(".."),
        json!("16550"),
        json!("~/x"),
        json!("$X"),
        json!("'x'"),
        json!("k*"),
        json!("C:\\x"),
        json!("kvm-6.1"),
        json!("kvm-9.9"),
        json!("debian-12"),
        json!("graviton3"),
        json!("own"),
        json!("own.kdl"),
        json!(format!("sha256-{}", "0a".repeat(32))),
        json!("cortex-a76"),
        json!("crc32"),
        json!("PMCR_EL0.IMP"),
        json!("ID_AA64ISAR0_EL1.AESS"),
        json!("3.5"),
        json!("é大"),
        json!("x".repeat(70)),
        json!("x".repeat(5000)),
        json!([]),
        json!(["kvm-6.1"]),
        json!({}),
        json!({ "kernel": "x" }),
    ])
}

/// Changes one thing of a description.
fn mutated(spec: &Value, dice: &mut Dice) -> Value {
    fn places(value: &Value, at: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(key, inner)| {
                let place = format!("{at}/{key}");
                places(inner, &place, out);
                out.push(place);
            }),
            Value::Array(list) => list.iter().enumerate().for_each(|(index, inner)| {
                let place = format!("{at}/{index}");
                places(inner, &place, out);
                out.push(place);
            }),
            _ => {}
        }
    }
    let mut all = Vec::new();
    places(spec, "", &mut all);
    let place = dice.one(&all);
    let (parent, key) = place.rsplit_once('/').unwrap();
    let mut out = spec.clone();
    match dice.below(5) {
        0 => match out.pointer_mut(parent).unwrap() {
            Value::Object(object) => drop(object.remove(key)),
            Value::Array(list) => drop(list.remove(key.parse().unwrap())),
            _ => {}
        },
        1 => match out.pointer_mut(parent).unwrap() {
            Value::Object(object) => drop(
                object.insert(
                    dice.one(&["colour", "kernel", "count", "any-file", "size"])
                        .to_owned(),
                    json!(1),
                ),
            ),
            Value::Array(list) => list.push(list[key.parse::<usize>().unwrap()].clone()),
            _ => {}
        },
        _ => put(&mut out, &place, wrong(dice)),
    }
    out
}

/// What the compiler says of many files in one run: of each the codes of its errors, and the digests of its locks.
struct Said {
    codes: BTreeMap<String, Vec<String>>,
    locks: BTreeMap<String, Vec<String>>,
}

impl Said {
    fn of(scratch: &Scratch, files: &[String]) -> Self {
        let mut words = vec!["lock", "--dry-run"];
        words.extend(files.iter().map(String::as_str));
        let (_, object) = scratch.json(&words);
        let mut codes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for found in object["diagnostics"].as_array().unwrap() {
            if found["severity"] == "error" {
                let file = found["file"].as_str().unwrap().to_owned();
                codes
                    .entry(file)
                    .or_default()
                    .push(found["code"].as_str().unwrap().to_owned());
            }
        }
        let mut locks: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for lock in object["locks"].as_array().unwrap() {
            let file = lock["spec"].as_str().unwrap().to_owned();
            let digest = lock["digest"].as_str().unwrap().to_owned();
            locks.entry(file).or_default().push(digest);
        }
        Self { codes, locks }
    }
    fn codes(&self, file: &str) -> Vec<String> {
        let mut codes = self.codes.get(file).cloned().unwrap_or_default();
        codes.sort();
        codes
    }
}

#[test]
fn a_description_means_the_same_in_both_forms() {
    let mut dice = Dice(12);
    let scratch = Scratch::new("both");
    imported(&scratch);
    let mut files = Vec::new();
    let mut specs = Vec::new();
    for index in 0..120 {
        let spec = description(&mut dice);
        let text = kdl(&spec).unwrap_or_else(|| panic!("KDL cannot say {spec:#}"));
        for (file, text) in [
            (format!("k{index}.vm.kdl"), text),
            (format!("j{index}.vm.json"), spec.to_string()),
        ] {
            scratch.write(&file, &text);
            files.push(file);
        }
        specs.push(spec);
    }
    let said = Said::of(&scratch, &files);
    for (pair, spec) in files.chunks(2).zip(&specs) {
        assert_eq!(said.codes(&pair[0]), said.codes(&pair[1]), "{spec:#}");
        assert_eq!(
            said.locks.get(&pair[0]),
            said.locks.get(&pair[1]),
            "{spec:#}"
        );
    }
    // Of nothing but refusals it would show little.
    assert!(said.locks.len() > 120, "{} locks of 240", said.locks.len());

    // `vmlock convert` has the same meaning there and back, and the same words.
    let there_and_back = |index: usize| {
        let steps = [
            (format!("j{index}.vm.json"), format!("c{index}.vm.kdl")),
            (format!("c{index}.vm.kdl"), format!("d{index}.vm.json")),
            (format!("d{index}.vm.json"), format!("e{index}.vm.kdl")),
        ];
        for (from, to) in &steps {
            let output = scratch.vmlock(&["convert", from, "-o", to]);
            assert_eq!(output.status.code(), Some(0), "{from}: {}", err(&output));
        }
        let [first, second] = [0, 2].map(|n: usize| {
            let text = fs::read_to_string(scratch.0.join(&steps[n].1));
            text.unwrap()
        });
        assert_eq!(first, second);
        steps.map(|(_, to)| to)
    };
    let locked: Vec<usize> = (0..specs.len())
        .filter(|index| said.locks.contains_key(&format!("j{index}.vm.json")))
        .collect();
    let converted = parallel::each(locked.len(), |n| there_and_back(locked[n]));
    let again = Said::of(&scratch, &converted.concat());
    for (index, files) in locked.iter().zip(&converted) {
        let wanted = &said.locks[&format!("j{index}.vm.json")];
        for file in files {
            assert_eq!(again.locks.get(file), Some(wanted), "{file}");
        }
    }
}

/// What objects of a description may have, by what the schema calls such an object.
fn keys(schema: &Value) -> BTreeSet<String> {
    let definitions = schema["definitions"].as_object().unwrap().iter();
    let all = definitions.map(|(name, of)| (name.as_str(), of));
    let all = all.chain([("", schema)]);
    let of = |(name, of): (&str, &Value)| {
        let keys = of["properties"].as_object().into_iter().flatten();
        let keys = keys.map(|(key, _)| format!("{name}.{key}"));
        keys.collect::<Vec<_>>()
    };
    all.flat_map(of).collect()
}

/// Adds what a value has of these.
fn said(schema: &Value, name: &str, value: &Value, out: &mut BTreeSet<String>) {
    let of = match name {
        "" => schema,
        name => &schema["definitions"][name],
    };
    let Some(properties) = of["properties"].as_object() else {
        return;
    };
    for (key, value) in value.as_object().unwrap() {
        out.insert(format!("{name}.{key}"));
        let property = &properties[key];
        let shape = if value.is_array() {
            &property["items"]
        } else {
            property
        };
        let reference = shape["$ref"]
            .as_str()
            .or(shape["allOf"][0]["$ref"].as_str());
        let Some(reference) = reference else { continue };
        let name = reference.strip_prefix("#/definitions/").unwrap_or("");
        match value.as_array() {
            Some(list) => list.iter().for_each(|one| said(schema, name, one, out)),
            None => said(schema, name, value, out),
        }
    }
}

/// A new field of descriptions asks for its place here.
#[test]
fn the_generator_says_all_that_can_be_said() {
    let schema = schema("spec");
    let (mut dice, mut out) = (Dice(12), BTreeSet::new());
    for _ in 0..500 {
        said(&schema, "", &description(&mut dice), &mut out);
    }
    // It is of editors, and KDL has none.
    out.insert(".$schema".to_owned());
    assert_eq!(out, keys(&schema));
}

#[test]
fn what_a_schema_cannot_say_is_this() {
    let validator = validator(&schema("spec"));
    let scratch = Scratch::new("beyond");
    imported(&scratch);
    let mut files = Vec::new();
    let rows = BEYOND.iter().chain(PARTLY).copied();
    let rows = rows.chain(BUT.iter().map(|(code, changes, _)| (*code, *changes)));
    for (index, (code, changes)) in rows.enumerate() {
        let mut spec = base();
        for (place, value) in changes {
            let value = serde_json::from_str(value).unwrap();
            match *place {
                "" => spec = value,
                place => put(&mut spec, place, value),
            }
        }
        let errors: Vec<String> = validator
            .iter_errors(&spec)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{code}: {spec:#}");
        let file = format!("j{index}.vm.json");
        scratch.write(&file, &spec.to_string());
        files.push((code, changes, file));
    }
    let names: Vec<String> = files.iter().map(|(.., file)| file.clone()).collect();
    let said = Said::of(&scratch, &names);
    for (code, changes, file) in files {
        let mut codes = said.codes(&file);
        // What is wrong within an imported file stands there.
        if code == "import::invalid" {
            assert_eq!(changes, [("/import", r#"["invalid.kdl"]"#)]);
            codes.extend(said.codes("invalid.kdl"));
        }
        let row: &[(&str, &[(&str, &str)])] = &[(code, &[])];
        assert!(codes.iter().any(|c| among(row, c)), "{code}, not {codes:?}");
    }
}

#[test]
fn what_says_nothing_or_of_nothing_is_refused_by_both() {
    let validator = validator(&schema("spec"));
    let scratch = Scratch::new("nothing");
    let pmu = |lists: Value| {
        let mut spec = base();
        put(&mut spec, "/cpu/features", json!(["pmu"]));
        put(&mut spec, "/cpu/pmu", lists);
        spec
    };
    let allow = |fields: Value| {
        let code = "spec::withholds-mitigation";
        let mut spec = base();
        let allow = json!([{ "code": code, "fields": fields, "reason": "x" }]);
        put(&mut spec, "/allow", allow);
        spec
    };
    for (index, (spec, code)) in [
        (pmu(json!({ "counters": 2, "allow": [] })), "spec::missing"),
        (pmu(json!({ "deny": [] })), "spec::missing"),
        (allow(json!(["ID_AA64PFR0_EL1.CSV"])), "spec::unknown-field"),
        (
            allow(json!(["ID_AA64PFR9_EL1.CSV3"])),
            "spec::unknown-register",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(!validator.is_valid(&spec), "{spec:#}");
        let json = format!("j{index}.vm.json");
        scratch.write(&json, &spec.to_string());
        let files = [json];
        assert_eq!(Said::of(&scratch, &files).codes(&files[0]), [code]);
    }
}

/// The examples in JSON; what they import is put into the folder.
fn examples(scratch: &Scratch) -> Vec<Value> {
    let mut specs = Vec::new();
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".vm.kdl") {
            specs.push(path);
        } else if name.ends_with(".kdl") {
            fs::copy(&path, scratch.0.join(name)).unwrap();
        }
    }
    assert!(specs.len() >= 5, "{specs:?}");
    specs.sort();
    let json = |path: &std::path::PathBuf| {
        let output = scratch.vmlock(&["convert", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        serde_json::from_str(&out(&output)).unwrap()
    };
    specs.iter().map(json).collect()
}

#[test]
fn decoder_and_schema_accept_the_same_of_what_is_near_a_description() {
    let validator = validator(&schema("spec"));
    let mut dice = Dice(37);
    let scratch = Scratch::new("near");
    imported(&scratch);
    let examples = examples(&scratch);
    let (mut files, mut specs) = (Vec::new(), Vec::new());
    for index in 0..800 {
        let whole = match index % 8 {
            0..5 => description(&mut dice),
            _ => dice.one(&examples),
        };
        let spec = mutated(&whole, &mut dice);
        let text = spec.to_string();
        let mut own = vec![(format!("j{index}.vm.json"), text)];
        own.extend(kdl(&spec).map(|text| (format!("k{index}.vm.kdl"), text)));
        for (file, text) in own {
            scratch.write(&file, &text);
            files.push(file);
            specs.push(spec.clone());
        }
    }
    let said = Said::of(&scratch, &files);
    let (mut accepted, mut refused, mut undecided, mut wrong) = (0, 0, 0, Vec::new());
    for (file, spec) in files.iter().zip(&specs) {
        let codes = said.codes(file);
        let known = |code: &String| {
            let mut but = BUT.iter();
            among(BEYOND, code)
                || among(PARTLY, code)
                || but.any(|(known, _, has)| known == code && has(spec))
        };
        let decoder = codes.iter().all(|code| among(BEYOND, code));
        if !decoder && codes.iter().all(known) {
            undecided += 1;
        } else if decoder != validator.is_valid(spec) {
            let errors: Vec<String> = validator
                .iter_errors(spec)
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            wrong.push(format!(
                "{file}: {codes:?}, and by the schema {errors:?}\n{spec}"
            ));
        } else if decoder {
            accepted += 1;
        } else {
            refused += 1;
        }
    }
    assert_eq!(
        wrong,
        Vec::<String>::new(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // It tries both, and decides mostly.
    assert!(
        accepted > 200 && refused > 800 && undecided < 220,
        "{accepted}, {refused}, {undecided}"
    );
    let both = files.iter().filter(|file| file.ends_with(".kdl")).count();
    assert!(both > 200, "{both} in KDL");
}
