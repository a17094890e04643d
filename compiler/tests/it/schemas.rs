//! The JSON Schemas by themselves: strict, described, with the names that the catalogue knows; seeded mistakes are found
//! where they are. `vmlock-lab editors` asks the engines that editors use the same.

use crate::scratch::{Scratch, err, out, root, vmlock};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use vmlock_spec::lock::canonical;

/// Every format that has one.
const ALL: [&str; 9] = [
    "spec",
    "lock",
    "lock-v2",
    "lock-v1",
    "host",
    "observed",
    "status",
    "event",
    "diagnostics",
];

pub fn schema(which: &str) -> Value {
    let output = vmlock(Path::new("."), &["schema", which]);
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn validator(schema: &Value) -> Validator {
    jsonschema::draft7::new(schema).unwrap()
}

/// Calls it with every object of a schema and its place.
fn each(place: &str, value: &Value, act: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            act(place, object);
            for (key, inner) in object {
                each(&format!("{place}/{key}"), inner, act);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                each(&format!("{place}/{index}"), inner, act);
            }
        }
        _ => {}
    }
}

#[test]
fn schemas_hold_nothing_that_a_strict_validator_does_not_know() {
    // Validation and annotation keywords of draft-07 that are in use here; the rest is names of properties.
    let known = "$id $ref $schema additionalProperties allOf anyOf const default definitions description else \
                 examples if items maxItems maxLength maxProperties maximum minItems minLength minProperties minimum multipleOf not \
                 oneOf pattern properties propertyNames required then title type uniqueItems";
    let known: BTreeSet<&str> = known.split_whitespace().collect();
    for which in ALL {
        let schema = schema(which);
        let mut unknown = Vec::new();
        each("", &schema, &mut |place, object| {
            let names = place.rsplit('/').next().unwrap_or_default();
            let is_map = ["properties", "definitions"].contains(&names)
                && !place.ends_with("/properties/properties");
            if is_map || place.contains("/examples/") {
                return;
            }
            unknown.extend(
                object
                    .keys()
                    .filter(|key| !known.contains(key.as_str()))
                    .map(|key| format!("{which}: {place}/{key}")),
            );
            if let Some(Value::String(words)) = object.get("description") {
                let rust =
                    words.contains("[`") || words.contains("](") || words.contains("JSON shape");
                if rust || words.is_empty() || words.lines().any(|line| line.starts_with(' ')) {
                    unknown.push(format!("{which}: {place}: {words}"));
                }
            }
        });
        assert_eq!(unknown, Vec::<String>::new());
    }
}

#[test]
fn an_editor_s_schema_has_its_words_as_markdown_too() {
    for which in ALL {
        let output = vmlock(Path::new("."), &["schema", which, "--editor"]);
        let text = out(&output);
        let mut edited: Value = serde_json::from_str(&text).unwrap();
        let (mut described, mut marked) = (0, 0);
        each("", &edited, &mut |_, object| {
            described += usize::from(object.get("description").is_some_and(Value::is_string));
            marked += usize::from(
                object
                    .get("markdownDescription")
                    .is_some_and(Value::is_string),
            );
        });
        assert!(
            described > 10 && described == marked,
            "{which}: {described}, {marked}"
        );
        strip(&mut edited);
        assert_eq!(edited, schema(which), "{which}");
    }
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("markdownDescription");
            object.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

/// An example that is refused would be taken for an answer.
#[test]
fn examples_are_valid() {
    let whole = schema("spec");
    let mut count = 0;
    each("", &whole, &mut |place, object| {
        for example in object
            .get("examples")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            count += 1;
            let part = json!({ "$ref": format!("#{place}"), "definitions": whole["definitions"], "properties": whole["properties"] });
            let part = if place.is_empty() {
                whole.clone()
            } else {
                part
            };
            let errors: Vec<String> = validator(&part)
                .iter_errors(example)
                .map(|e| e.to_string())
                .collect();
            assert_eq!(errors, Vec::<String>::new(), "{place}");
        }
    });
    assert!(count > 25, "{count}");
    let scratch = Scratch::new("examples");
    scratch.write("web.vm.json", &whole["examples"][0].to_string());
    let output = scratch.vmlock(&["lock", "web.vm.json"]);
    assert!(output.status.success(), "{}", err(&output));
}

/// Every lock that is checked in, with the schema of its version, and every report.
#[test]
fn files_that_are_checked_in_are_valid() {
    let locks = ["lock-v1", "lock-v2", "lock"].map(|which| validator(&schema(which)));
    let mut counts = [0; 3];
    for folder in [
        "examples",
        "lab/tests/specs",
        "spec/tests/frozen/v1",
        "spec/tests/frozen/v2",
        "spec/tests/frozen/v3",
    ] {
        for entry in fs::read_dir(root().join(folder)).unwrap().flatten() {
            let path = entry.path();
            if !path.to_string_lossy().ends_with(".vm.lock.json") {
                continue;
            }
            let lock: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let version = lock["lockVersion"].as_u64().unwrap() as usize;
            counts[version - 1] += 1;
            let errors: Vec<String> = locks[version - 1]
                .iter_errors(&lock)
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
            // Each version has a schema of its own.
            for (other, validator) in locks.iter().enumerate() {
                assert_eq!(
                    validator.is_valid(&lock),
                    other == version - 1,
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
    let reports = validator(&schema("host"));
    for path in crate::scratch::reports() {
        let text = fs::read_to_string(&path).unwrap();
        let report: Value = serde_json::from_str(&text).unwrap();
        assert!(reports.is_valid(&report), "{}", path.display());
    }
}

/// The seeds of `tests/schema/mistakes.json`: bases, and what is wrong with each.
#[test]
fn seeded_mistakes_are_found_where_they_are() {
    let text = include_str!("../schema/mistakes.json");
    let seeds: Value = serde_json::from_str(text).unwrap();
    let mistakes = seeds["mistakes"].as_array().unwrap();
    assert!(mistakes.len() >= 30);
    for (which, base) in [
        ("spec", "spec"),
        ("lock-v1", "lock-v1"),
        ("lock-v2", "lock-v2"),
        ("lock", "lock-v3"),
    ] {
        let validator = validator(&schema(which));
        let good = match &seeds[base] {
            Value::String(path) => {
                serde_json::from_str(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
            }
            inline => inline.clone(),
        };
        assert!(validator.is_valid(&good), "{base}");
        for mistake in mistakes.iter().filter(|m| m["in"] == base) {
            let mut bad = good.clone();
            for (pointer, value) in mistake["put"].as_object().into_iter().flatten() {
                put(&mut bad, pointer, value.clone());
            }
            for pointer in mistake["remove"].as_array().into_iter().flatten() {
                let (parent, key) = pointer.as_str().unwrap().rsplit_once('/').unwrap();
                bad.pointer_mut(parent)
                    .unwrap()
                    .as_object_mut()
                    .unwrap()
                    .remove(key)
                    .unwrap();
            }
            let at = mistake["at"].as_str().unwrap();
            let places: Vec<String> = validator
                .iter_errors(&bad)
                .map(|e| {
                    let place = e.instance_path().to_string();
                    match e.to_string().starts_with("Additional properties") {
                        true => format!("{place}/{}", at.rsplit('/').next().unwrap_or_default()),
                        false => place,
                    }
                })
                .collect();
            assert!(
                !places.is_empty() && places.iter().all(|place| place == at),
                "{}: {places:?}, not {at}",
                mistake["what"]
            );
        }
    }
}

/// Puts a value where there may be none yet.
pub fn put(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    if document.pointer(parent).is_none() {
        let empty = if key.parse::<usize>().is_ok() {
            json!([])
        } else {
            json!({})
        };
        put(document, parent, empty);
    }
    match document.pointer_mut(parent).unwrap() {
        Value::Array(list) => {
            let index: usize = key.parse().unwrap();
            match list.get_mut(index) {
                Some(old) => *old = value,
                None => list.push(value),
            }
        }
        other => other[key] = value,
    }
}

const KDL: &str = "vm \"web\" {\n    arch \"arm64\"\n    abi \"kvm-6.8\"\n    cpu \"neoverse-n1\" count=2\n    memory \"512MiB\"\n}\n";

#[test]
fn a_description_in_json_can_name_its_schema_and_means_the_same() {
    let scratch = Scratch::new("named");
    let plain = json!({
        "name": "web", "arch": "arm64", "abi": ["kvm-6.8"],
        "cpu": { "model": "neoverse-n1", "count": 2 }, "memory": 512 << 20,
    });
    let mut named = plain.clone();
    named["$schema"] = json!("./schema/spec.v1.schema.json");
    let validator = validator(&schema("spec"));
    assert!(validator.is_valid(&named));
    scratch.write("a.vm.json", &plain.to_string());
    scratch.write("b.vm.json", &named.to_string());
    scratch.write("c.vm.kdl", KDL);
    let output = scratch.vmlock(&["lock", "a.vm.json", "b.vm.json", "c.vm.kdl"]);
    assert!(output.status.success(), "{}", err(&output));
    let [a, b, c] = ["a", "b", "c"]
        .map(|n| fs::read_to_string(scratch.0.join(format!("{n}.vm.lock.json"))).unwrap());
    assert!(a == b && b == c);
    for (value, code) in [
        (json!(1), "spec::json"),
        (json!(""), "spec::empty"),
        (json!("a\nb"), "spec::control-character"),
    ] {
        named["$schema"] = value;
        assert!(!validator.is_valid(&named));
        scratch.write("b.vm.json", &named.to_string());
        let (exit, object) = scratch.json(&["lock", "--dry-run", "b.vm.json"]);
        assert_eq!(
            (exit, object["diagnostics"][0]["code"].as_str()),
            (1, Some(code)),
            "{object:#}"
        );
    }
    // In KDL there is no such thing.
    scratch.write("c.vm.kdl", &KDL.replace("arch", "$schema \"x\"\n    arch"));
    assert_eq!(scratch.vmlock(&["lock", "c.vm.kdl"]).status.code(), Some(1));
}

/// A new lock names its schema by what moves with nothing; one that named a moving branch stays as it is until somebody
/// upgrades it.
#[test]
fn a_lock_s_schema_is_a_name_and_old_locks_keep_their_bytes() {
    let scratch = Scratch::new("urn");
    scratch.write("web.vm.kdl", KDL);
    assert!(scratch.vmlock(&["lock", "web.vm.kdl"]).status.success());
    let path = scratch.0.join("web.vm.lock.json");
    let new = fs::read_to_string(&path).unwrap();
    let version = canonical::version_in(&new).unwrap();
    let name = format!("urn:vmlock:schema:lock:v{version}");
    assert!(
        new.starts_with(&format!("{{\n  \"$schema\": \"{name}\",\n")),
        "{}",
        &new[..100]
    );
    assert_eq!(
        schema(if version == 2 { "lock-v2" } else { "lock" })["$id"],
        name
    );
    let former = format!(
        "https://raw.githubusercontent.com/vmlock/vmlock/main/schema/lock.v{version}.schema.json"
    );
    let old = new.replace(&name, &former);
    fs::write(&path, &old).unwrap();
    assert!(
        scratch
            .vmlock(&["lock", "--check", "web.vm.kdl"])
            .status
            .success()
    );
    assert!(scratch.vmlock(&["lock", "web.vm.kdl"]).status.success());
    assert_eq!(fs::read_to_string(&path).unwrap(), old);
    assert!(
        scratch
            .vmlock(&["lock", "--upgrade", "web.vm.kdl"])
            .status
            .success()
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), new);
    // A place of somebody's own was the description's to name.
    fs::write(&path, new.replace(&name, "./mine.json")).unwrap();
    assert_eq!(
        scratch
            .vmlock(&["lock", "--check", "web.vm.kdl"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn editors_are_told_where_the_schemas_are() {
    let scratch = Scratch::new("editors");
    let data = scratch.0.join("data of mine");
    let run = |words: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_vmlock"))
            .arg("editor-setup")
            .args(words)
            .current_dir(&scratch.0)
            .env("XDG_DATA_HOME", &data)
            .output()
            .unwrap()
    };
    let settings = scratch.0.join(".vscode/settings.json");
    let printed = run(&["vscode", "--print"]);
    assert!(!settings.exists());
    // What would not come back as it was is left as it is.
    let latin = b"{ \"a\": \"caf\xe9\" }";
    fs::create_dir(scratch.0.join(".vscode")).unwrap();
    fs::write(&settings, latin).unwrap();
    assert_eq!(run(&["vscode"]).status.code(), Some(1));
    assert_eq!(fs::read(&settings).unwrap(), latin);
    fs::remove_file(&settings).unwrap();
    assert!(run(&["vscode"]).status.success());
    let text = fs::read_to_string(&settings).unwrap();
    assert_eq!(out(&printed), text);
    let parsed: Value = serde_json::from_str(&text).unwrap();
    let entries = parsed["json.schemas"].as_array().unwrap();
    let of = |url: &str| entries.iter().find(|e| e["url"] == url).unwrap();
    for which in ["lock", "lock-v2", "lock-v1", "host", "observed"] {
        let schema = schema(which);
        assert_eq!(of(schema["$id"].as_str().unwrap())["schema"], schema);
    }
    let spec = of("./.vscode/vmlock.spec.v1.schema.json");
    assert_eq!(spec["fileMatch"], json!(["*.vm.json"]));
    assert!(
        scratch
            .0
            .join(".vscode/vmlock.spec.v1.schema.json")
            .is_file()
    );
    // Again: nothing changes. Beside what was there: that stays.
    assert!(out(&run(&["vscode"])).contains("settings.json: unchanged"));
    fs::write(&settings, "// mine\n{\n  \"a\": 1, // one\n}\n").unwrap();
    assert!(run(&["vscode"]).status.success());
    let both = fs::read_to_string(&settings).unwrap();
    assert!(
        both.starts_with(concat!(
            "// mine\n{\n  \"kdl.command\": \"vmlock\",\n  \"kdl.argv\": [\"lsp\"],\n",
            "  \"json.schemas\": [\n",
        )) && both.ends_with("\n  ],\n  \"a\": 1, // one\n}\n"),
        "{both}"
    );
    // Somebody else's schemas are left alone.
    fs::write(&settings, "{ \"json.schemas\": [] }").unwrap();
    let refused = run(&["vscode"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("--print"), "{}", err(&refused));
    assert_eq!(
        fs::read_to_string(&settings).unwrap(),
        "{ \"json.schemas\": [] }"
    );

    let grammar =
        fs::read_to_string(root().join("compiler/editors/vscode/syntaxes/vmlock.tmLanguage.json"));
    assert_eq!(out(&run(&["textmate"])), grammar.unwrap());
    let zed: Value = serde_json::from_str(&out(&run(&["zed"]))).unwrap();
    let list = zed["lsp"]["json-language-server"]["settings"]["json"]["schemas"]
        .as_array()
        .unwrap();
    let helix = out(&run(&["helix", "--print"]));
    for entry in list {
        let place = entry["schema"]["$ref"]
            .as_str()
            .or(entry["url"].as_str())
            .unwrap();
        // Before a drive of Windows a URL has a slash more.
        let start = if cfg!(windows) { "file:///" } else { "file://" };
        let path = place.strip_prefix(start).unwrap().replace("%20", " ");
        assert!(Path::new(&path).is_file(), "{place}");
        assert!(
            helix.contains(&format!("url = {}", entry["url"])),
            "{helix}"
        );
    }
    assert_eq!(list.len(), 9);
    let neovim = out(&run(&["neovim"]));
    for words in [
        "\"vmlock\", \"schema\", which, \"--editor\"",
        "urn:vmlock:schema:lock:v1",
        "*.vm.json",
        "{ \"vmlock\", \"lsp\" }",
    ] {
        assert!(neovim.contains(words), "{neovim}");
    }
    assert!(helix.contains("language-servers = [\"vmlock\"]"), "{helix}");
}
