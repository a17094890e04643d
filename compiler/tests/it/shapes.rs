//! What is wrong with a description in its JSON form: one finding for one mistake, at its place, and a help that says how
//! what is meant is written there. A help that says what to write is followed, and the description is one then.

use crate::scratch::Scratch;
use serde_json::{Value, json};

fn form() -> Value {
    json!({
        "name": "web", "arch": "arm64", "abi": ["kvm-6.8"],
        "cpu": { "model": "neoverse-n1", "count": 2, "features": ["pmu"] },
        "memory": 536_870_912, "boot": { "kernel": "vmlinuz", "cmdline": "" },
        "allow": [{ "code": "spec::emulated-cpu", "reason": "so are the hosts" }],
    })
}

fn found(scratch: &Scratch, text: &str) -> Vec<Value> {
    scratch.write("a.vm.json", text);
    let (_, object) = scratch.json(&["lock", "--dry-run", "a.vm.json"]);
    object["diagnostics"].as_array().unwrap().clone()
}

/// What a finding points at.
fn at(text: &str, finding: &Value) -> String {
    let span = &finding["span"];
    let (start, end) = (span["start"].as_u64(), span["end"].as_u64());
    text[start.unwrap() as usize..end.unwrap() as usize].to_owned()
}

/// Puts a value at a place, or takes it away.
fn with(place: &str, value: Option<Value>) -> Value {
    let mut form = form();
    let (outer, key) = place.rsplit_once('/').unwrap();
    let outer = form.pointer_mut(outer).unwrap();
    match (outer, value) {
        (Value::Array(list), Some(value)) => list[key.parse::<usize>().unwrap()] = value,
        (Value::Object(object), Some(value)) => {
            object.insert(key.to_owned(), value);
        }
        (Value::Object(object), None) => {
            object.remove(key).unwrap();
        }
        (other, _) => panic!("{other}"),
    }
    form
}

/// Place, what somebody writes there, what is pointed at, and the help. A value that it says is written there, and then
/// there is nothing to be found.
#[test]
fn values_of_another_type_are_told_how_they_are_written() {
    let scratch = Scratch::new("shapes-types");
    let list = "name each value: what a list means would change with each new key";
    let cases = [
        ("/name", json!(1), "1", "write `\"1\"`, in quotes"),
        (
            "/name",
            json!(null),
            "null",
            "`name` is a string, such as `\"web\"`",
        ),
        (
            "/arch",
            json!("aarch64"),
            "\"aarch64\"",
            "write `\"arm64\"`, as Linux does",
        ),
        (
            "/arch",
            json!(["arm64"]),
            "[",
            "write `\"arm64\"`, without the brackets",
        ),
        (
            "/abi",
            json!("kvm-6.8"),
            "\"kvm-6.8\"",
            "write `[\"kvm-6.8\"]`: it is a list, of one",
        ),
        ("/abi/0", json!(6.8), "6.8", "write `\"kvm-6.8\"`"),
        (
            "/cpu",
            json!("neoverse-n1"),
            "\"neoverse-n1\"",
            "write `{ \"model\": \"neoverse-n1\", \"count\": 2 }`",
        ),
        ("/cpu", json!([]), "[", list),
        (
            "/cpu/count",
            json!("2"),
            "\"2\"",
            "write `2`, without quotes",
        ),
        ("/cpu/count", json!(2.0), "2.0", "write `2`"),
        ("/cpu/count", json!(2.5), "2.5", "`count` is a whole number"),
        ("/cpu/count", json!(-1), "-1", "`count` is 1 to 512"),
        (
            "/cpu/count",
            json!(true),
            "true",
            "`count` is a whole number, such as `2`",
        ),
        (
            "/cpu/features",
            json!("pmu"),
            "\"pmu\"",
            "write `[\"pmu\"]`: it is a list, of one",
        ),
        (
            "/cpu/features",
            json!({ "pmu": true, "sve": false }),
            "{",
            "write `[\"pmu\"]`",
        ),
        (
            "/cpu/features",
            json!({ "pmu": true, "sve": "on" }),
            "{",
            "list those that the guest has: `[\"pmu\", …]`",
        ),
        (
            "/cpu/features",
            json!(["PMU"]),
            "\"PMU\"",
            "did you mean `pmu`?",
        ),
        (
            "/cpu/set",
            json!({ "ID_AA64ISAR0_EL1.AES": 1 }),
            "{",
            "write `[{ \"field\": \"ID_AA64ISAR0_EL1.AES\", \"value\": 1 }]`",
        ),
        (
            "/cpu/set",
            json!([{ "field": "ID_AA64ISAR0_EL1.AES", "value": "0x1" }]),
            "\"0x1\"",
            "write `1`: numbers of JSON are decimal, and stand without quotes",
        ),
        (
            "/memory",
            json!("512MiB"),
            "\"512MiB\"",
            "write `536870912`: the JSON form has bytes",
        ),
        (
            "/memory",
            json!("512"),
            "\"512\"",
            "write the bytes as a number: `536870912` are 512 MiB",
        ),
        (
            "/boot",
            json!("vmlinuz"),
            "\"vmlinuz\"",
            "write `{ \"kernel\": \"vmlinuz\" }`",
        ),
        (
            "/boot/cmdline",
            json!(null),
            "null",
            "leave `cmdline` out: what is not written is not there",
        ),
        ("/boot/any-file", json!("yes"), "\"yes\"", "write `true`"),
        (
            "/allow",
            json!({ "code": "spec::emulated-cpu", "reason": "so" }),
            "{",
            "put `[` before it and `]` behind it: it is a list",
        ),
        (
            "/allow/0",
            json!("spec::emulated-cpu"),
            "\"spec::emulated-cpu\"",
            "write `{ \"code\": \"spec::emulated-cpu\", \"reason\": \"…\" }`",
        ),
        ("/devices", json!([{ "rng": null }]), "null", "write `{}`"),
        (
            "/devices",
            json!([{ "type": "disk", "path": "x" }]),
            "\"path\"",
            "there are `console`, `disk`, `net`, `rng` and `vsock`",
        ),
        ("/console", json!("ttyS0"), "\"ttyS0\"", "write `\"16550\"`"),
        (
            "/labels",
            json!({ "team": 1 }),
            "1",
            "write `\"1\"`, in quotes",
        ),
        ("/vmgenid", json!(1), "1", "write `true`"),
    ];
    for (place, value, points_at, help) in cases {
        let text = with(place, Some(value.clone())).to_string();
        let found = found(&scratch, &text);
        assert_eq!(found.len(), 1, "{place} {value}: {found:#?}");
        let one = &found[0];
        assert_eq!(one["code"], "spec::json", "{place} {value}");
        assert_eq!(one["help"], help, "{place} {value}: {one:#?}");
        assert_eq!(at(&text, one), points_at, "{place} {value}");
        // What it says is written, and is right then.
        let said = help.strip_prefix("write `").and_then(|h| h.split_once('`'));
        let Some(said) = said.and_then(|(said, _)| serde_json::from_str::<Value>(said).ok()) else {
            continue;
        };
        let start = one["span"]["start"].as_u64().unwrap() as usize;
        let end = match points_at {
            "[" | "{" => start + value.to_string().len(),
            _ => start + points_at.len(),
        };
        let mended = format!("{}{said}{}", &text[..start], &text[end..]);
        let left = self::found(&scratch, &mended);
        let errors = left.iter().filter(|one| one["severity"] == "error");
        assert_eq!(errors.count(), 0, "{mended}: {left:#?}");
    }
}

#[test]
fn keys_that_there_are_not_are_told_what_they_are_called() {
    let scratch = Scratch::new("shapes-keys");
    for (place, moved_from, help) in [
        ("/cpu/cores", Some("/cpu/count"), "write `\"count\"`"),
        ("/cpu/type", Some("/cpu/model"), "write `\"model\"`"),
        ("/ram", Some("/memory"), "write `\"memory\"`"),
        ("/architecture", Some("/arch"), "write `\"arch\"`"),
        ("/baselines", Some("/abi"), "write `\"abi\"`"),
        ("/boot/image", Some("/boot/kernel"), "write `\"kernel\"`"),
        ("/boot/args", Some("/boot/cmdline"), "write `\"cmdline\"`"),
        ("/boot/any_file", None, "write `\"any-file\"`"),
        ("/runsOn", None, "write `\"runs-on\"`"),
        ("/vcpus", None, "write `\"cpu\": { \"count\": … }`"),
        ("/kernel", None, "write `\"boot\": { \"kernel\": … }`"),
        ("/cpu/pauth", None, "write `\"features\": [\"pauth\"]`"),
        (
            "/gpu",
            None,
            "no machine of vmlock's has one: leave it out; `devices` has disks, networks, `rng` and `vsock`",
        ),
        ("/disk", None, "write `\"devices\": [{ \"disk\": { … } }]`"),
        (
            "/vm",
            None,
            "the whole file is the machine: write what it has without a `vm` around it",
        ),
        (
            "/lockVersion",
            None,
            "this is a lock, which `vmlock lock` makes of a description",
        ),
    ] {
        let mut form = with(place, Some(json!("x")));
        if let Some(from) = moved_from {
            let value = form.pointer(from).unwrap().clone();
            let (outer, key) = from.rsplit_once('/').unwrap();
            form.pointer_mut(outer)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(key);
            *form.pointer_mut(place).unwrap() = value;
        }
        let text = form.to_string();
        let found = found(&scratch, &text);
        assert_eq!(found.len(), 1, "{place}: {found:#?}");
        assert_eq!(found[0]["help"], help, "{place}");
        let key = place.rsplit('/').next().unwrap();
        assert_eq!(at(&text, &found[0]), format!("{key:?}"));
    }
    for (place, help) in [
        ("/name", "add `\"name\": \"web\"`"),
        ("/cpu/count", "add `\"count\": 2`"),
        ("/memory", "add `\"memory\": 536870912`"),
        ("/allow/0/reason", "add `\"reason\": \"…\"`"),
    ] {
        let found = found(&scratch, &with(place, None).to_string());
        assert_eq!(found.len(), 1, "{place}: {found:#?}");
        assert_eq!(found[0]["help"], help);
    }
    // All mistakes at once, each by itself.
    let all = json!({ "machines": [form(), { "name": 5, "arch": "arm", "abi": [], "cpu": { "model": "x" } }], "memory": 1 });
    assert_eq!(found(&scratch, &all.to_string()).len(), 5);
}

#[test]
fn what_is_no_json_says_what_it_is() {
    let scratch = Scratch::new("shapes-text");
    let whole = form().to_string();
    let with = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        whole.replacen(from, to, 1)
    };
    for (text, message, help) in [
        (
            String::new(),
            "the file is empty",
            "`vmlock init` writes a first description, and `vmlock convert` its JSON form",
        ),
        (
            "vm \"web\" {\n}\n".to_owned(),
            "this is KDL, not JSON",
            "call the file NAME.vm.kdl; `vmlock convert NAME.vm.kdl` prints its JSON form",
        ),
        (
            "name: web\narch: arm64\n".to_owned(),
            "this is YAML, not JSON",
            "a description is NAME.vm.kdl, or its JSON form; `vmlock lock --help` shows a whole one",
        ),
        (with("\"count\":2,", "\"count\":2,},"), "", ""),
        (
            with("[\"kvm-6.8\"]", "[\"kvm-6.8\", ]"),
            "a comma stands before nothing",
            "remove it: commas stand between values",
        ),
        (
            with("\"arm64\"", "'arm64'"),
            "`'` is no quote of JSON",
            "write `\"arm64\"`",
        ),
        (
            with("\"arm64\"", "arm64"),
            "`arm64` stands without quotes",
            "write `\"arm64\"`",
        ),
        (
            with("\"arch\"", "arch"),
            "`arch` stands without quotes",
            "write `\"arch\"`",
        ),
        (
            with("\"arm64\"", "True"),
            "`True` is no value of JSON",
            "write `true`",
        ),
        (
            with("\"arm64\"", "none"),
            "`none` is no value of JSON",
            "leave the key out: what is not written is not there",
        ),
        (
            with("\"arch\"", "// why\n\"arch\""),
            "JSON has no comments",
            "remove it; `\"description\"` says what a machine is for, and KDL has comments (`vmlock convert`)",
        ),
        (
            with(",\"arch\"", " \"arch\""),
            "a comma is missing",
            "put a `,` between the two",
        ),
        (
            whole[..whole.len() - 1].to_owned(),
            "the file ends within an object",
            "add a `}` where the object ends",
        ),
        (
            format!("{whole}}}"),
            "something stands behind the end",
            "remove it, or look for a bracket too many",
        ),
        (
            with("\"arm64\"", "\"arm64\n\""),
            "a string goes over the end of its line",
            "close it with a `\"`; a line break within a text is written `\\n`",
        ),
        (
            with("2", "02"),
            "this is no number of JSON",
            "numbers are decimal, without a `0` or a `+` in front",
        ),
    ] {
        let found = found(&scratch, &text);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        if !message.is_empty() {
            assert_eq!(found[0]["message"], message, "{text}");
            assert_eq!(found[0]["help"], help, "{text}");
        }
    }
}
