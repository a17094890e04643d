//! The two forms of a description mean the same, and the decoder accepts what the JSON Schema accepts: over descriptions
//! and mutations of them that are made by numbers, the same each time.

use crate::schemas::{put, schema, validator};
use crate::scratch::Scratch;
use crate::surface::kdl;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rules that a schema cannot say: about what hangs together, what files and the catalogue's values say, and what stands
/// twice. Each with a description, as a change of [`base`], that the schema accepts and the decoder refuses for it.
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
    ("spec::vector-lengths", &[("/cpu/vector-lengths", "[128]")]),
    (
        "spec::impossible-value",
        &[(
            "/cpu/set",
            r#"[{ "field": "ID_AA64ISAR0_EL1.RNDR", "value": 99 }]"#,
        )],
    ),
    (
        "spec::disk-contents",
        &[(
            "/devices",
            r#"[{ "disk": { "name": "a", "path": "a", "size": 512, "read-only": true } }]"#,
        )],
    ),
];

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

fn base() -> Value {
    json!({
        "name": "web", "arch": "arm64", "abi": ["kvm-6.8", "psci-1.1"],
        "cpu": { "model": "neoverse-n1", "count": 2 }, "memory": 512 << 20,
        "boot": { "kernel": "vmlinuz" },
    })
}

/// Numbers that are the same each time (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }
    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
    /// Some of them, in their order.
    fn some(&mut self, of: &[&str], times: usize) -> Vec<String> {
        of.iter()
            .filter(|_| self.once_in(times))
            .map(|s| (*s).to_owned())
            .collect()
    }
}

/// A description out of everything that one can say; most make a lock.
fn description(dice: &mut Dice) -> Value {
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
            "model": dice.one(&["neoverse-n1", "cortex-a72", "cortex-a76"]),
            "count": dice.one(&[1, 2, 7]),
        },
        "memory": dice.one(&[64u64 << 20, 512 << 20, 3 << 30]),
    });
    let cpu = &mut spec["cpu"];
    let pmu = dice.once_in(3);
    let mut features = dice.some(&["steal-time"], 4);
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
    if dice.once_in(2) {
        spec["boot"] = dice.one(&[
            json!({ "kernel": "vmlinuz" }),
            json!({ "kernel": "a b/vmlinuz", "initrd": "initrd.img", "cmdline": "quiet\tx=\"y\" \\" }),
            json!({ "kernel": "k", "any-file": true, "kaslr-seed": true, "cmdline": "" }),
            json!({ "kernel": "k", "kernel-address": 0x4020_0000, "kernel-digest": format!("sha256-{}", "0a".repeat(32)) }),
        ]);
    }
    if dice.once_in(3) {
        spec["console"] = json!("16550");
    }
    let all = [
        json!({ "disk": { "name": "root", "path": "root.img", "size": 8u64 << 30, "serial": "a b" } }),
        json!({ "disk": { "name": "data", "path": "/dev/none", "size": 1 << 20, "read-only": true, "any-file": true } }),
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
        spec["labels"] = json!({ "team": "shop", "a.b-c": "x y" });
    }
    if dice.once_in(4) {
        spec["lock-schema"] = json!("../schema/lock.v3.schema.json");
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
        json!(1.5),
        json!(31),
        json!(70_000),
        json!(1u64 << 32),
        json!(1u64 << 63),
        json!(""),
        json!("web"),
        json!("a\nb"),
        json!(".."),
        json!("16550"),
        json!("kvm-6.1"),
        json!("kvm-9.9"),
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

/// What the compiler says of many files in one run: of each the codes of its errors, and the digest of its lock.
struct Said {
    codes: BTreeMap<String, Vec<String>>,
    locks: BTreeMap<String, String>,
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
        let locks = object["locks"].as_array().unwrap().iter();
        let locks = locks.map(|l| {
            (
                l["spec"].as_str().unwrap().to_owned(),
                l["digest"].as_str().unwrap().to_owned(),
            )
        });
        Self {
            codes,
            locks: locks.collect(),
        }
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
}

#[test]
fn what_a_schema_cannot_say_is_this() {
    let validator = validator(&schema("spec"));
    let scratch = Scratch::new("beyond");
    scratch.write(
        "own.kdl",
        "baseline \"own\" part=\"own\" {\n    title \"x\"\n    hide \"ID_AA64ISAR0_EL1.DP\" source=\"x\"\n}\n",
    );
    let mut files = Vec::new();
    for (index, (code, changes)) in BEYOND.iter().chain(PARTLY).enumerate() {
        let mut spec = base();
        for (place, value) in *changes {
            put(&mut spec, place, serde_json::from_str(value).unwrap());
        }
        let errors: Vec<String> = validator
            .iter_errors(&spec)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{code}: {spec:#}");
        let file = format!("j{index}.vm.json");
        scratch.write(&file, &spec.to_string());
        files.push((*code, file));
    }
    let names: Vec<String> = files.iter().map(|(_, file)| file.clone()).collect();
    let said = Said::of(&scratch, &names);
    for (code, file) in files {
        let codes = said.codes(&file);
        assert!(codes.iter().any(|c| c == code), "{code}, not {codes:?}");
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

#[test]
fn decoder_and_schema_accept_the_same_of_what_is_near_a_description() {
    let validator = validator(&schema("spec"));
    let mut dice = Dice(37);
    let scratch = Scratch::new("near");
    let (mut files, mut specs) = (Vec::new(), Vec::new());
    for index in 0..500 {
        let spec = mutated(&description(&mut dice), &mut dice);
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
    let among = |list: &[(&str, &[(&str, &str)])], code: &str| list.iter().any(|(c, _)| *c == code);
    let (mut accepted, mut refused, mut undecided, mut wrong) = (0, 0, 0, Vec::new());
    for (file, spec) in files.iter().zip(&specs) {
        let codes = said.codes(file);
        let known = |code: &String| among(BEYOND, code) || among(PARTLY, code);
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
    // It tries both, and decides nearly always.
    assert!(
        accepted > 100 && refused > 300 && undecided < 100,
        "{accepted}, {refused}, {undecided}"
    );
    let both = files.iter().filter(|file| file.ends_with(".kdl")).count();
    assert!(both > 200, "{both} in KDL");
}
