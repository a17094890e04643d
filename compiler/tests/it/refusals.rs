//! What is said of a host that cannot keep a lock, in each format; warnings in CI; SARIF as its readers want it.

use crate::documents::PAGES;
use crate::scratch::{Scratch, err, out, report_of, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

const SPEC: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8"
    cpu "neoverse-n1" count=2
    memory "512MiB"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
"#;

/// A lock for a Neoverse N1, and a host with a Cortex-A72.
fn another(name: &str) -> (Scratch, String) {
    let scratch = Scratch::new(name);
    scratch.lock("a", SPEC);
    (scratch, report_of("cortex-a72", "6.12"))
}

#[test]
fn a_host_with_another_cpu_says_that_first_and_folds_the_rest() {
    let (scratch, host) = another("refusals-cpu");
    fs::copy(&host, scratch.0.join("host.json")).unwrap();
    let check = ["check", "a.vm.lock.json", "--host", "host.json"];
    let output = scratch.vmlock(&check);
    assert_eq!(output.status.code(), Some(3));
    let text = out(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("host.json: cannot keep `web`: "),
        "{text}"
    );
    assert_eq!(
        lines[1],
        "  this host's CPU is a Cortex-A72, and the lock is for a Neoverse N1"
    );
    assert!(
        lines[2].starts_with("    help: choose a host with that CPU; "),
        "{text}"
    );
    let of_midr = lines.iter().filter(|l| l.contains("MIDR_EL1: "));
    assert_eq!(of_midr.count(), 1, "{text}");
    assert!(text.contains("PartNum 0xd08 for 0xd0c"), "{text}");
    assert_eq!(text.matches("help:").count(), 1, "{text}");
    assert!(!text.contains("vary \""), "{text}");
    assert!(lines.iter().all(|l| l.chars().count() <= 100), "{text}");
    // All of it is there for who asks.
    let whole = out(&scratch.vmlock(&[&check[..], &["--verbose"]].concat()));
    assert!(
        whole.contains("refused MIDR_EL1.PartNum [host::not-writable]"),
        "{whole}"
    );
    assert!(whole.lines().all(|l| l.chars().count() <= 100), "{whole}");
    // One finding, where the description names the CPU.
    let (code, object) = scratch.json(&["lock", "--dry-run", "--for", "host.json", "a.vm.kdl"]);
    let found = object["diagnostics"].as_array().unwrap();
    assert_eq!((code, found.len()), (1, 1), "{found:#?}");
    assert_eq!(found[0]["span"]["line"], 4);
    let message = found[0]["message"].as_str().unwrap();
    let says = "`host.json` cannot keep this: this host's CPU is a Cortex-A72, and the lock is for a Neoverse N1\n";
    assert!(message.starts_with(says), "{message}");
    // With its own CPU a host is told of as before.
    fs::copy(
        report_of("neoverse-n1", "5.10"),
        scratch.0.join("host.json"),
    )
    .unwrap();
    let text = out(&scratch.vmlock(&check));
    assert!(!text.contains("this host's CPU is"), "{text}");
}

#[test]
fn a_part_that_stands_first_is_not_blamed_for_the_rest() {
    let scratch = Scratch::new("refusals-provenance");
    scratch.write(
        "a.vm.kdl",
        &SPEC.replace("\"kvm-6.8\"", "\"psci-1.1\" \"kvm-6.8\""),
    );
    let host = report_of("neoverse-n1", "5.10");
    let (_, object) = scratch.json(&["lock", "--dry-run", "--for", &host, "a.vm.kdl"]);
    let found = object["diagnostics"].as_array().unwrap();
    let of = |code: &str| {
        let one = found.iter().find(|d| d["code"] == code);
        one.unwrap_or_else(|| panic!("{code}: {found:#?}"))["span"]["column"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(of("host::no-knob"), 20, "the whole baseline says it");
}

#[test]
fn services_are_told_of_refusals_and_of_usage_errors() {
    let (scratch, host) = another("refusals-services");
    let other = report_of("neoverse-n1", "5.10");
    let check = ["check", "a.vm.lock.json", "--host", &host, &other];
    let text = out(&scratch.vmlock(&[&["--format", "github"], &check[..]].concat()));
    let lines: Vec<&str> = text.lines().filter(|l| l.starts_with("::error ")).collect();
    assert!(lines.len() > 3, "{text}");
    assert!(
        lines[0].starts_with("::error file=a.vm.lock.json,line="),
        "{text}"
    );
    assert!(
        lines[0].contains("this host's CPU is a Cortex-A72"),
        "{text}"
    );
    for arguments in [
        &["convert"][..],
        &["lock", "--chek", "a.vm.kdl"],
        &["chek"],
        &["lock", "a.kdl"],
    ] {
        let output = scratch.vmlock(&[&["--format", "github"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            out(&output).contains("::error "),
            "{arguments:?}: {}",
            out(&output)
        );
        assert!(
            out(&output).contains("title=usage%3A%3A"),
            "{arguments:?}: {}",
            out(&output)
        );
    }
    let runs = [
        (&check[..], "host::not-writable"),
        (&["convert"], "usage::arguments"),
        (&["lock", "a.kdl"], "usage::name"),
        (&["lock", "missing.vm.kdl"], "io::unreadable"),
        (&["explain", "xyz"], "explain::unknown"),
    ];
    for (arguments, code) in runs {
        let output = scratch.vmlock(&[&["--format=sarif"], arguments].concat());
        let document: Value = serde_json::from_str(&out(&output)).unwrap();
        let results = sarif(&document);
        assert!(results.contains(code), "{arguments:?}: {results:?}");
    }
    let warned = SPEC.replace("count=2", "count=2 { hide \"crc32\"; set \"xyz\" 1; }");
    scratch.write("w.vm.kdl", &warned);
    let output = scratch.vmlock(&["--format=sarif", "lock", "w.vm.kdl"]);
    let document: Value = serde_json::from_str(&out(&output)).unwrap();
    assert!(sarif(&document).contains("spec::unknown-feature"));
}

/// Holds a document to what SARIF 2.1.0 (OASIS) and its validator want of it; the rules of its results.
fn sarif(document: &Value) -> BTreeSet<String> {
    let keys = |value: &Value, known: &[&str]| {
        for key in value.as_object().unwrap().keys() {
            assert!(known.contains(&key.as_str()), "{key}: {value:#}");
        }
    };
    let sentence = |value: &Value| {
        keys(value, &["text"]);
        let text = value["text"].as_str().unwrap();
        assert!(text.ends_with(['.', '?', '!']), "SARIF2001: {text}");
    };
    keys(document, &["$schema", "version", "runs"]);
    assert_eq!(document["version"], "2.1.0");
    assert_eq!(
        document["$schema"],
        "https://json.schemastore.org/sarif-2.1.0.json"
    );
    let run = &document["runs"][0];
    keys(run, &["tool", "columnKind", "results"]);
    let driver = &run["tool"]["driver"];
    keys(
        driver,
        &[
            "name",
            "version",
            "semanticVersion",
            "informationUri",
            "rules",
        ],
    );
    let mut rules = BTreeSet::new();
    for rule in driver["rules"].as_array().unwrap() {
        keys(rule, &["id", "shortDescription", "fullDescription", "help"]);
        for text in ["shortDescription", "fullDescription", "help"] {
            sentence(&rule[text]);
        }
        assert!(rules.insert(rule["id"].as_str().unwrap().to_owned()));
    }
    let location = |value: &Value| {
        keys(value, &["physicalLocation", "message"]);
        if let Some(message) = value.get("message") {
            sentence(message);
        }
        let place = &value["physicalLocation"];
        keys(place, &["artifactLocation", "region"]);
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(
            !uri.starts_with('/') && !uri.contains([' ', '\\', '"']),
            "{uri}"
        );
        let region = place.get("region");
        let region = region.unwrap_or_else(|| panic!("SARIF2017: no region: {value:#}"));
        keys(
            region,
            &["startLine", "startColumn", "endLine", "endColumn"],
        );
        let number = |key: &str| region[key].as_u64().unwrap();
        let (start, end) = (
            (number("startLine"), number("startColumn")),
            (number("endLine"), number("endColumn")),
        );
        assert!(start >= (1, 1) && end >= start && end.1 >= 1, "{region}");
    };
    let mut used = BTreeSet::new();
    for result in run["results"].as_array().unwrap() {
        keys(
            result,
            &[
                "ruleId",
                "level",
                "message",
                "locations",
                "relatedLocations",
            ],
        );
        sentence(&result["message"]);
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
        for list in ["locations", "relatedLocations"] {
            result
                .get(list)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .for_each(location);
        }
        used.insert(result["ruleId"].as_str().unwrap().to_owned());
    }
    assert_eq!(used, rules);
    used
}

#[test]
fn warnings_end_a_run_in_ci_unless_they_are_allowed() {
    let scratch = Scratch::new("refusals-warnings");
    let warned = SPEC.replace("count=2", "count=2 { hide \"crc32\"; }");
    scratch.write("a.vm.kdl", &warned);
    assert_eq!(scratch.vmlock(&["lock", "a.vm.kdl"]).status.code(), Some(0));
    let output = scratch.vmlock(&["lock", "--check", "--deny-warnings", "a.vm.kdl"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(
        err(&output).contains("allow \"spec::midr-promises\" reason=\"…\""),
        "{}",
        err(&output)
    );
    fs::remove_file(scratch.0.join("a.vm.lock.json")).unwrap();
    let output = scratch.vmlock(&["lock", "--deny-warnings", "a.vm.kdl"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(!scratch.0.join("a.vm.lock.json").exists());
    let allowed = warned.replace(
        "arch",
        "allow \"spec::midr-promises\" reason=\"no library\"\narch",
    );
    scratch.write("a.vm.kdl", &allowed);
    let output = scratch.vmlock(&["lock", "--deny-warnings", "a.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    // `check` warns of what the lock alone tells.
    let host = report_of("neoverse-n1", "7.3");
    let check = ["check", "a.vm.lock.json", "--host", &host];
    assert_eq!(scratch.vmlock(&check).status.code(), Some(0));
    let denied = scratch.vmlock(&[&check[..], &["--deny-warnings"]].concat());
    assert_eq!(denied.status.code(), Some(1), "{}", err(&denied));
}

#[test]
fn no_example_of_ours_warns() {
    let mut specs = Vec::new();
    for folder in ["examples", "lab/tests/specs"] {
        for entry in fs::read_dir(root().join(folder)).unwrap().flatten() {
            let path = entry.path().to_str().unwrap().to_owned();
            specs.extend(Some(path).filter(|path| path.ends_with(".vm.kdl")));
        }
    }
    assert!(specs.len() > 20, "{specs:?}");
    let scratch = Scratch::new("refusals-examples");
    let mut arguments = vec!["lock", "--check", "--deny-warnings"];
    arguments.extend(specs.iter().map(String::as_str));
    let output = scratch.vmlock(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

/// The whole descriptions of all documents, and the schema's. Of a page that is tried from top to bottom (`documents.rs`)
/// each warning stands in it, and the matrix has the examples as they are.
#[test]
fn no_description_of_a_document_warns() {
    let mut pages = vec!["README.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).unwrap().flatten() {
        let page = format!("docs/{}", entry.file_name().to_str().unwrap());
        let is_text = page.ends_with(".md") && page != "docs/matrix.md";
        pages.extend(Some(page).filter(|page| is_text && !PAGES.contains(&page.as_str())));
    }
    let scratch = Scratch::new("refusals-documents");
    let mut count = 0;
    let mut holds = |name: &str, whose: &str| {
        let lock = ["lock", "--dry-run", "--deny-warnings", name];
        let output = scratch.vmlock(&lock);
        assert_eq!(output.status.code(), Some(0), "{whose}: {}", err(&output));
        count += 1;
    };
    for page in pages {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for block in text.split("\n```kdl").skip(1) {
            let (_, block) = block.split_once('\n').unwrap();
            let (block, _) = block.split_once("\n```").unwrap();
            if !(block.contains("vm \"") && block.contains("arch ")) {
                continue;
            }
            let name = block
                .split("vm \"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            // Disks are as large as their files, which a reader has.
            for path in block.split("path=\"").skip(1) {
                scratch.write(path.split('"').next().unwrap(), &"\0".repeat(4096));
            }
            let file = format!("{name}.vm.kdl");
            scratch.write(&file, block);
            holds(&file, &page);
            fs::remove_file(scratch.0.join(file)).unwrap();
        }
    }
    let schema = fs::read_to_string(root().join("schema/spec.v1.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    for example in schema["examples"].as_array().unwrap() {
        let file = format!("{}.vm.json", example["name"].as_str().unwrap());
        scratch.write(&file, &example.to_string());
        holds(&file, "the schema of descriptions");
    }
    assert!(count >= 4, "{count}");
}

/// What is told, and nothing else of the same.
#[test]
fn one_mistake_is_one_finding() {
    let scratch = Scratch::new("refusals-one");
    for (line, habit, code, help) in [
        (
            "abi \"kvm-6.8\"",
            "abi kvm 6.8",
            "spec::syntax",
            "write `\"kvm-6.8\"`",
        ),
        (
            "abi \"kvm-6.8\"",
            "abi \"kvm-6.8\" psci 1.1",
            "spec::syntax",
            "write `\"psci-1.1\"`",
        ),
        (
            "count=2",
            "count=2 {\n sve { length 256; }\n }",
            "spec::cpu-lacks-feature",
            "choose a CPU model that has it (ID_AA64PFR0_EL1.SVE), or leave it out",
        ),
        (
            "memory \"512MiB\"",
            "memory \"512MiB\"\n disk \"root\" path=\"root.img\" digest=\"abc\"",
            "spec::contradiction",
            "add `read-only=#true`, or leave `digest` out",
        ),
        (
            "abi \"kvm-6.8\"",
            "abi \"kvm-6.8\" // a/-b, \"a/-b\"\n -- the baseline of it",
            "spec::syntax",
            "write `// the baseline of it`",
        ),
        (
            "\"neoverse-n1\"",
            "\"host\"",
            "spec::unknown-cpu",
            "a lock is for one CPU, and names its model: `vmlock cpu REPORT ",
        ),
    ] {
        assert!(SPEC.contains(line), "{line}");
        scratch.write("a.vm.kdl", &SPEC.replace(line, habit));
        let (_, object) = scratch.json(&["lock", "--dry-run", "a.vm.kdl"]);
        let found = object["diagnostics"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{habit}: {found:#?}");
        assert_eq!(found[0]["code"], code, "{habit}");
        let said = found[0]["help"].as_str().unwrap_or("(no help)");
        assert!(said.starts_with(help), "{habit}: {said}");
    }
    // A baseline of one's own may have any name, also one of digits, which has to be quoted.
    scratch.write(
        "own.kdl",
        "baseline \"linux\" after=\"kvm-6.8\" { title \"x\"; }\nbaseline \"1.1\" part=\"psci\" { title \"y\"; psci \"1.1\" source=\"x\"; }\n",
    );
    let own = "import \"own.kdl\"\n    abi linux \"1.1\"";
    scratch.write("own.vm.kdl", &SPEC.replace("abi \"kvm-6.8\"", own));
    let taken = scratch.vmlock(&["lock", "--dry-run", "own.vm.kdl"]);
    assert_eq!(taken.status.code(), Some(0), "{}", err(&taken));
    // What stands in another line is another mistake.
    let two = "count=2 {\n sve\n pmu { x; }\n }";
    scratch.write("a.vm.kdl", &SPEC.replace("count=2", two));
    let (_, object) = scratch.json(&["lock", "--dry-run", "a.vm.kdl"]);
    assert_eq!(
        object["diagnostics"].as_array().unwrap().len(),
        2,
        "{object:#}"
    );
}

#[test]
fn an_empty_file_leads_to_a_whole_example() {
    let scratch = Scratch::new("refusals-empty");
    for text in ["", "\n\n", "// nothing yet\n"] {
        scratch.write("a.vm.kdl", text);
        let (code, object) = scratch.json(&["lock", "a.vm.kdl"]);
        assert_eq!(code, 1);
        assert_eq!(object["diagnostics"].as_array().unwrap().len(), 1);
        let help = object["diagnostics"][0]["help"].as_str().unwrap();
        assert!(
            help.contains("`vmlock lock --help` shows a whole one"),
            "{help}"
        );
    }
    let help = out(&scratch.vmlock(&["lock", "--help"]));
    let start = help.find("  vm \"web\" {").unwrap();
    let end = start + help[start..].find("\n  }\n").unwrap() + 4;
    scratch.write("web.vm.kdl", &help[start..end]);
    let output = scratch.vmlock(&["lock", "--deny-warnings", "web.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

#[test]
fn a_lock_that_a_rename_left_behind_is_named() {
    let scratch = Scratch::new("refusals-orphan");
    scratch.write("old.vm.kdl", SPEC);
    assert!(scratch.vmlock(&["lock", "old.vm.kdl"]).status.success());
    fs::rename(scratch.0.join("old.vm.kdl"), scratch.0.join("new.vm.kdl")).unwrap();
    let output = scratch.vmlock(&["lock", "--check", "new.vm.kdl"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let words = err(&output);
    assert!(
        words.contains("lock::missing") && words.contains("lock::orphan"),
        "{words}"
    );
    let (code, object) = scratch.json(&["lock", "new.vm.kdl"]);
    let found = &object["diagnostics"][0];
    assert_eq!((code, found["code"].as_str()), (0, Some("lock::orphan")));
    assert_eq!(found["file"], "old.vm.lock.json");
    let help = found["help"].as_str().unwrap();
    assert!(
        help.contains("`mv old.vm.lock.json new.vm.lock.json`"),
        "{help}"
    );
    let denied = ["lock", "--check", "--deny-warnings", "new.vm.kdl"];
    assert_eq!(scratch.vmlock(&denied).status.code(), Some(1));
    fs::remove_file(scratch.0.join("old.vm.lock.json")).unwrap();
    let output = scratch.vmlock(&denied);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(err(&output), "");
}
