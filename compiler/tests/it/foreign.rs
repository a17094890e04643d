//! Text out of somebody else's file reaches neither a terminal nor the log of a CI service as more than text:
//! each string of a lock, a report, a description and an import in turn, and names of files, in each format.

use crate::scratch::{Scratch, nameable, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use vmlock_spec::lock::canonical::version_in;

/// Clears a screen, ends its line, and tells GitHub of an error of its own.
const HOSTILE: &str = "\u{1b}[2J\u{9b}1m\u{202e}\r\n::error file=x::pwned ##[error]pwned";
const FORMATS: [&str; 4] = ["human", "json", "github", "sarif"];

/// Runs `vmlock` in every format and holds what it says; whether the hostile text is in it.
fn harmless(scratch: &Scratch, arguments: &[&str]) -> bool {
    harmless_as(scratch, &FORMATS, arguments)
}

/// The same in some formats.
fn harmless_as(scratch: &Scratch, formats: &[&str], arguments: &[&str]) -> bool {
    let mut found = false;
    for format in formats {
        let output = scratch.vmlock(&[&["--format", format], arguments].concat());
        assert!(
            output.status.code().is_some_and(|c| c != 70),
            "{arguments:?}: {output:?}"
        );
        for (stream, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
            let text = String::from_utf8(bytes).unwrap();
            let context = format!("{format} {arguments:?} on {stream}: {text:?}");
            found |= text.contains("pwned");
            let acts = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            assert!(!text.contains(acts), "{context}");
            assert!(!text.contains("##["), "{context}");
            for line in text.lines().filter(|l| l.trim_start().starts_with("::")) {
                let ours = ["::error ", "::warning ", "::notice"];
                assert!(*format == "github" && stream == "stdout", "{context}");
                assert!(ours.iter().any(|o| line.starts_with(o)), "{context}");
                assert!(!line.starts_with("::error file=x:"), "{context}");
            }
        }
    }
    found
}

/// One document for each place in it (elements of a list are one place), with hostile text there.
fn hostile(document: &Value) -> Vec<(String, Value)> {
    fn walk(value: &Value, pointer: &str, place: &str, out: &mut Vec<(String, String, bool)>) {
        match value {
            Value::String(_) => out.push((pointer.to_owned(), place.to_owned(), false)),
            Value::Array(list) => {
                for (index, inner) in list.iter().enumerate() {
                    walk(
                        inner,
                        &format!("{pointer}/{index}"),
                        &format!("{place}/*"),
                        out,
                    );
                }
            }
            Value::Object(map) => {
                out.push((pointer.to_owned(), format!("{place} (a key)"), true));
                for (key, inner) in map {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(
                        inner,
                        &format!("{pointer}/{key}"),
                        &format!("{place}/{key}"),
                        out,
                    );
                }
            }
            _ => {}
        }
    }
    let (mut places, mut seen) = (Vec::new(), BTreeSet::new());
    walk(document, "", "", &mut places);
    places.retain(|(_, place, _)| {
        // What guests read is a map with a key for each fact.
        let place = place.split("/guest/").next().unwrap_or_default().to_owned();
        seen.insert(place)
    });
    let with = |(pointer, place, key): (String, String, bool)| {
        let mut document = document.clone();
        let value = document.pointer_mut(&pointer).unwrap();
        match value {
            Value::String(text) => text.push_str(HOSTILE),
            Value::Object(map) if key => {
                let (name, inner) = map
                    .iter()
                    .next()
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .unwrap();
                map.insert(format!("{name}{HOSTILE}"), inner);
            }
            _ => unreachable!(),
        }
        (place, document)
    };
    places.into_iter().map(with).collect()
}

/// All formats for some documents: what differs among them is not the place.
fn formats(index: usize) -> &'static [&'static str] {
    match index % 8 {
        0 => &FORMATS,
        _ => &FORMATS[..1],
    }
}

fn json(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

#[test]
fn of_a_lock() {
    let scratch = Scratch::new("foreign-lock");
    let report = json("spec/catalogue/hosts/neoverse-n1-6.12.json");
    scratch.write("host.json", &report.to_string());
    let versions = [
        (1, "spec/tests/frozen/v1/modern.vm.lock.json"),
        (2, "examples/modern.vm.lock.json"),
    ];
    for (version, path) in versions {
        let lock = json(path);
        assert_eq!(version_in(&lock.to_string()), Some(version), "{path}");
        scratch.write("fine.lock.json", &lock.to_string());
        let places = hostile(&lock);
        assert!(places.len() > 30, "{path}: {}", places.len());
        let mut found = 0;
        for (index, (_, document)) in places.iter().enumerate() {
            let formats = formats(index);
            scratch.write("a.lock.json", &document.to_string());
            for arguments in [
                &["diff", "fine.lock.json", "a.lock.json"][..],
                &["check", "a.lock.json", "--host", "host.json", "--verbose"],
                &["explain", "MIDR_EL1", "--lock", "a.lock.json"],
            ] {
                found += usize::from(harmless_as(&scratch, formats, arguments));
            }
        }
        assert!(found > 10, "{path} was shown {found} times");
    }
}

#[test]
fn of_a_report() {
    let scratch = Scratch::new("foreign-report");
    let lock = json("examples/modern.vm.lock.json");
    scratch.write("a.lock.json", &lock.to_string());
    let spec = fs::read_to_string(root().join("examples/modern.vm.kdl")).unwrap();
    scratch.write("a.vm.kdl", &spec);
    let report = json("spec/catalogue/hosts/neoverse-n1-6.12.json");
    scratch.write("fine.json", &report.to_string());
    let places = hostile(&report);
    assert!(places.len() > 10, "{}", places.len());
    let mut found = 0;
    for (index, (_, document)) in places.iter().enumerate() {
        let formats = formats(index);
        scratch.write("host.json", &document.to_string());
        for arguments in [
            &["diff", "fine.json", "host.json"][..],
            &["check", "a.lock.json", "--host", "host.json", "--verbose"],
            &["lock", "--dry-run", "--for", "host.json", "a.vm.kdl"],
            &["common", "fine.json", "host.json"],
            &["cpu", "host.json", "--name", "x"],
        ] {
            found += usize::from(harmless_as(&scratch, formats, arguments));
        }
    }
    assert!(found > 10, "it was shown {found} times");
}

#[test]
fn of_a_description_in_either_form() {
    let scratch = Scratch::new("foreign-spec");
    let kdl = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8"
    cpu "neoverse-n1" count=2 { pmu version="3.1"; hide "crc32"; set "ID_AA64ISAR0_EL1.ATOMIC" 1; }
    memory "512MiB"
    boot kernel="vmlinuz" initrd="initrd.img" cmdline="quiet"
    console "16550"
    vary "PMCR_EL0.IMP"
    runs-on "kvm-6.12"
    import "own.kdl"
    lock-schema "lock.json"
}
"#;
    let escaped = "\\u{1b}[2J\\u{9b}1m\\u{202e}\\r\\n::error file=x::pwned ##[error]pwned";
    let mut found = 0;
    // In KDL, spelt; raw, where the syntax allows it; between the words and in comments.
    let quotes: Vec<usize> = kdl
        .match_indices('"')
        .map(|(at, _)| at)
        .skip(1)
        .step_by(2)
        .collect();
    for at in &quotes {
        for text in [escaped, HOSTILE, "\u{1b}[2J pwned"] {
            let (before, after) = kdl.split_at(*at);
            scratch.write("a.vm.kdl", &format!("{before}{text}{after}"));
            found += usize::from(harmless(&scratch, &["lock", "--dry-run", "a.vm.kdl"]));
        }
    }
    for text in ["\u{1b}[2Jpwned", "\u{9b}pwned=\u{1b}", "\"\u{1b}pwned\""] {
        for (at, _) in kdl.match_indices(' ').step_by(5) {
            let (before, after) = kdl.split_at(at);
            scratch.write("a.vm.kdl", &format!("{before} {text}{after}"));
            found += usize::from(harmless(&scratch, &["lock", "--dry-run", "a.vm.kdl"]));
        }
    }
    let form = serde_json::json!({
        "name": "web", "arch": "arm64", "abi": ["kvm-6.8"],
        "cpu": { "model": "neoverse-n1", "count": 2, "features": ["pmu"], "pmu": { "version": "3.1" },
                 "hide": ["crc32"], "set": [{ "field": "ID_AA64ISAR0_EL1.ATOMIC", "value": 1 }] },
        "memory": 536870912, "boot": { "kernel": "vmlinuz", "initrd": "initrd.img", "cmdline": "quiet" },
        "console": "16550", "vary": ["PMCR_EL0.IMP"], "runs-on": ["kvm-6.12"], "import": ["own.kdl"],
        "lock-schema": "lock.json",
    });
    for (_, document) in hostile(&form) {
        for text in [document.to_string(), format!("{document:#}")] {
            scratch.write("b.vm.json", &text);
            found += usize::from(harmless(&scratch, &["lock", "--dry-run", "b.vm.json"]));
        }
    }
    assert!(found > 50, "it was shown {found} times");
}

#[test]
fn of_an_imported_file() {
    let scratch = Scratch::new("foreign-import");
    let output = scratch.vmlock(&[
        "adopt",
        root()
            .join("spec/catalogue/hosts/neoverse-n1-6.12.json")
            .to_str()
            .unwrap(),
        "--name",
        "own",
    ]);
    assert!(output.status.success());
    let own = fs::read_to_string(scratch.0.join("own.host.kdl")).unwrap();
    let escaped = "\\u{1b}[2J\\n::error file=x::pwned ##[error]pwned";
    let quotes: Vec<usize> = own
        .match_indices('"')
        .map(|(at, _)| at)
        .skip(1)
        .step_by(2)
        .collect();
    let mut found = 0;
    for at in quotes.iter().take(12).chain(quotes.iter().rev().take(4)) {
        for text in [escaped, HOSTILE] {
            let (before, after) = own.split_at(*at);
            scratch.write("own.host.kdl", &format!("{before}{text}{after}"));
            found += usize::from(harmless(&scratch, &["lock", "--dry-run", "own.vm.kdl"]));
            let diff = ["diff", "kvm-6.12", "own-abi", "--import", "own.host.kdl"];
            found += usize::from(harmless(&scratch, &diff));
        }
    }
    assert!(found > 5, "it was shown {found} times");
}

#[test]
fn of_xml_of_libvirts() {
    let scratch = Scratch::new("foreign-xml");
    // What XML has no character for is no XML, which is told too.
    let hostile = "&#x9b;1m&#x202e;&#xd;&#xa;::error file=x::pwned ##[error]pwned";
    let host = include_str!("../libvirt/host.xml");
    let domain = "<domain type='kvm'><name>a</name><memory unit='MiB'>256</memory><vcpu current='1'>2</vcpu>\
        <os firmware='efi'><type arch='aarch64' machine='virt'>hvm</type><kernel>Image</kernel><cmdline>quiet</cmdline></os>\
        <features><gic version='3'/><pmu state='on'/></features><clock offset='utc'/>\
        <cpu mode='custom'><model>cortex-a57</model><feature policy='require' name='sve256'/></cpu>\
        <q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-d'/><q:arg value='int'/>\
        <q:arg value='-global'/><q:arg value='a.b=c'/></q:commandline></domain>";
    let (mut found, mut tried) = (0, 0);
    for text in [host, domain] {
        // In each attribute and each text; and as the name of an element, where it is none.
        let attributes = text
            .match_indices('\'')
            .map(|(at, _)| at)
            .skip(1)
            .step_by(2);
        let texts = text.match_indices("</").map(|(at, _)| at);
        let names = text.match_indices("/>").map(|(at, _)| at);
        // In the name of a closing tag, and of a prefix.
        let closing = text.match_indices("</").map(|(at, _)| at + 2);
        let prefixes = text.match_indices("q:").map(|(at, _)| at);
        let places: Vec<usize> = attributes
            .chain(texts)
            .chain(names)
            .chain(closing)
            .chain(prefixes)
            .collect();
        for at in places {
            for words in [hostile, HOSTILE] {
                let (before, after) = text.split_at(at);
                scratch.write("web.xml", &format!("{before}{words}{after}"));
                let said = [
                    "import",
                    "web.xml",
                    "--abi",
                    "kvm-6.12",
                    "--cpu",
                    "neoverse-n1",
                ];
                let said = if text == host { &said[..2] } else { &said[..] };
                found += usize::from(harmless(&scratch, said));
                tried += 1;
            }
        }
    }
    assert!(
        found > 20 && tried > 100,
        "it was shown {found} times of {tried}"
    );
}

#[test]
fn of_names_of_files_and_arguments() {
    let scratch = Scratch::new("foreign-names");
    let name = "\u{1b}[2J\n::error file=x::pwned ##[error]pwned";
    let spec = fs::read_to_string(root().join("examples/modern.vm.kdl")).unwrap();
    let file = |end: &str| format!("{}{end}", nameable(name));
    let (fine, broken) = (file(".vm.kdl"), file("x.vm.kdl"));
    let (form, lock) = (file(".vm.json"), file(".vm.lock.json"));
    scratch.write(&fine, &spec);
    scratch.write(&broken, &spec.replace("memory", "memoy"));
    let report = root().join("spec/catalogue/hosts/neoverse-n1-6.12.json");
    let host = file(".json");
    // What follows a `=` would be its value.
    let flag = format!("--{}", name.replace('=', " "));
    fs::copy(report, scratch.0.join(&host)).unwrap();
    let old = root().join("spec/catalogue/hosts/neoverse-n1-5.10.json");
    fs::copy(old, scratch.0.join("old.json")).unwrap();
    assert!(scratch.vmlock(&["lock", &fine]).status.success());
    for arguments in [
        &["lock", &fine][..],
        &["lock", "--check", &broken],
        &["lock", &form],
        &["lock", name],
        &["check", &lock, "--host", &host],
        &["check", &fine, "--host", &host],
        &["check", &host, "--host", &lock],
        &["diff", &lock, &lock],
        &["diff", &lock, &host],
        &["diff", &lock, name],
        &["explain", name],
        &["explain", "MIDR_EL1", "--lock", &fine],
        &["common", &host, "old.json"],
        &["common", &host, "--cpu", name],
        &["adopt", &host, "--name", "x", "--features", name],
        &["cpu", &host, "--name", "x", "-o", &format!("{name}.kdl")],
        &[name],
        &[&flag],
        &["lock", &flag],
    ] {
        assert!(
            harmless(&scratch, arguments),
            "{arguments:?} says nothing of it"
        );
    }
}

#[test]
fn what_is_printed_for_programs_is_what_it_was() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = |format: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_vmlock"));
            let output = command.args(["--format", format, "completions", shell]);
            String::from_utf8(output.output().unwrap().stdout).unwrap()
        };
        let object: Value = serde_json::from_str(&run("json")).unwrap();
        let script = object["script"].as_str().unwrap();
        assert_eq!(run("human").trim_end(), script.trim_end(), "{shell}");
    }
}
