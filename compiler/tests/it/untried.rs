//! Reports that were imported, in every command that takes one: what nobody has tried is never a yes.

use crate::import::fingerprint;
use crate::schemas::validator;
use crate::scratch::{Scratch, err, out, report_of, root};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// What a witness saw under KVM.
fn log(kernel: &str) -> String {
    let path = format!("compiler/tests/ui/diff-observed-under-kvm/linux-{kernel}.log");
    root().join(path).to_str().unwrap().to_owned()
}

/// A folder with a report of each kind of file of which one comes.
fn imported(name: &str) -> (Scratch, Vec<String>) {
    let scratch = Scratch::new(name);
    let mut files = vec![log("6.1"), log("7.2")];
    let silicon = fs::read_dir(root().join("spec/tests/measured/silicon")).unwrap();
    for file in silicon.map(|entry| entry.unwrap().path()) {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if file.extension().is_none_or(|ending| ending != "txt") {
            continue;
        }
        let mut whole = fingerprint(&name);
        scratch.write(
            &format!("{name}.dump"),
            &whole["guest_cpu_config"].take().to_string(),
        );
        scratch.write(&format!("{name}.json"), &fingerprint(&name).to_string());
        files.extend([format!("{name}.dump"), format!("{name}.json")]);
    }
    assert!(files.len() >= 6, "{files:?}");
    let facts = scratch.vmlock(&["observe", &log("6.1"), "-o", "facts.json"]);
    assert_eq!(facts.status.code(), Some(0), "{}", err(&facts));
    files.push("facts.json".to_owned());
    let mut reports = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let report = format!("host-{index}.report.json");
        let done = scratch.vmlock(&[
            "import", file, "--name", "own", "--to", "report", "-o", &report,
        ]);
        assert_eq!(done.status.code(), Some(0), "{file}: {}", err(&done));
        assert!(
            err(&done).contains("no lock is ever kept by it"),
            "{}",
            err(&done)
        );
        reports.push(report);
    }
    (scratch, reports)
}

/// All locks that are checked in.
fn locks() -> Vec<PathBuf> {
    let folders = ["examples", "lab/tests/specs"];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let is_lock = |path: &PathBuf| path.to_string_lossy().ends_with(".vm.lock.json");
    let locks: Vec<PathBuf> = files.filter(is_lock).collect();
    assert!(locks.len() > 30, "{}", locks.len());
    locks
}

#[test]
fn no_lock_is_kept_by_an_imported_report() {
    let (scratch, reports) = imported("untried");
    let locks = locks();
    let locks: Vec<&str> = locks.iter().map(|path| path.to_str().unwrap()).collect();
    let arguments = |command: &[&'static str]| {
        let mut all: Vec<&str> = command.to_vec();
        all.extend(&locks);
        all.push("--host");
        all.extend(reports.iter().map(String::as_str));
        all.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for native in [&["check"][..], &["check", "--native"]] {
        let all = arguments(native);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let (code, object) = scratch.json(&all);
        assert_eq!((code, &object["kept"]), (3, &false.into()));
        let (mut count, mut alike) = (0, 0);
        for lock in object["locks"].as_array().unwrap() {
            for host in lock["hosts"].as_array().unwrap() {
                assert_eq!(
                    (&host["kept"], &host["keeps"]),
                    (&false.into(), &Value::Array(vec![]))
                );
                let unknown = host["unknown"].as_array().unwrap();
                let same = unknown.iter().filter(|entry| entry["alike"] == true);
                alike += same.count();
                assert_eq!(host["refusals"][0]["code"], "host::imported");
                count += 1;
            }
        }
        assert_eq!(count, locks.len() * reports.len());
        assert!(alike > 1000, "{alike}");
    }
    let all = arguments(&["fleet"]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let (code, object) = scratch.json(&all);
    assert_eq!((code, &object["kept"]), (3, &false.into()));
    let reasons = object["reasons"].as_array().unwrap();
    assert!(
        reasons.iter().any(|reason| reason["unknown"] == true),
        "{reasons:?}"
    );
    for lock in object["locks"].as_array().unwrap() {
        assert_eq!(lock["keptBy"], 0, "{lock}");
    }
}

/// The schema that such a report names has it valid, and no report that says the other version.
#[test]
fn an_imported_report_is_valid_by_the_checked_in_schema() {
    let (scratch, reports) = imported("untried-schema");
    let path = root().join("schema/host-report.v1.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let schema = validator(&schema);
    let probed = fs::read_to_string(report_of("neoverse-n1", "6.12")).unwrap();
    let probed: Value = serde_json::from_str(&probed).unwrap();
    let texts = reports
        .iter()
        .map(|name| fs::read_to_string(scratch.0.join(name)).unwrap());
    let all = texts.map(|text| serde_json::from_str(&text).unwrap());
    for (index, report) in [probed].into_iter().chain(all).enumerate() {
        let version = if index == 0 { 1 } else { 2 };
        assert_eq!(report["reportVersion"], version, "{index}");
        let found: Vec<String> = schema.iter_errors(&report).map(|e| e.to_string()).collect();
        assert_eq!(found, Vec::<String>::new(), "{index}");
        for other in [3 - version, 3] {
            let mut wrong = report.clone();
            wrong["reportVersion"] = other.into();
            assert!(!schema.is_valid(&wrong), "{index}: {other}");
        }
        if index > 0 {
            let mut empty = report.clone();
            empty["imported"]["shown"] = Value::Array(Vec::new());
            assert!(!schema.is_valid(&empty), "{index}");
        }
    }
}

/// In a table and beside a host that was tried, unknown is no "no".
#[test]
fn unknown_is_told_apart_from_refused() {
    let (scratch, reports) = imported("untried-apart");
    let modern = root().join("examples/modern.vm.lock.json");
    let server = root().join("examples/server.vm.lock.json");
    let (modern, server) = (modern.to_str().unwrap(), server.to_str().unwrap());
    let (yes, no) = (
        report_of("neoverse-n1", "6.12"),
        report_of("cortex-a72", "6.12"),
    );
    let hosts = ["--host", &yes, &no, &reports[0]];
    let table = scratch.vmlock(&[&["check", modern, server][..], &hosts].concat());
    let text = out(&table);
    assert_eq!(table.status.code(), Some(3), "{text}");
    let row = text.lines().find(|line| line.starts_with(modern)).unwrap();
    assert!(row.ends_with("unknown") && row.contains("yes"), "{text}");
    let one = scratch.vmlock(&["check", modern, "--host", &reports[0]]);
    let text = out(&one);
    assert_eq!(one.status.code(), Some(3));
    assert!(
        text.contains("unknown whether it keeps `modern`") && !text.contains("cannot keep"),
        "{text}"
    );
    assert!(
        text.contains("help: make a report on the host with `vmlock-run probe`"),
        "{text}"
    );
    let fleet = scratch.vmlock(&[&["fleet", modern][..], &hosts].concat());
    let text = out(&fleet);
    assert!(
        text.contains("kept by 1 of 3 hosts, unknown of 1"),
        "{text}"
    );
    assert!(
        text.contains("  not by 1: ") && text.contains("  unknown of 1: "),
        "{text}"
    );
    let page = scratch.vmlock(&[&["fleet", modern, "--format", "html"][..], &hosts].concat());
    let page = out(&page);
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    let cells = data["rows"][0]["cells"].as_array().unwrap().iter();
    let words: Vec<&Value> = cells
        .map(|cell| {
            let kind = &data["cells"][cell.as_u64().unwrap() as usize]["kind"];
            &data["kinds"][kind.as_u64().unwrap() as usize]["words"]
        })
        .collect();
    assert_eq!(words, ["kept", "not kept", "unknown: nobody has tried"]);
    // As one of the hosts of a description.
    scratch.write(
        "a.vm.kdl",
        "vm \"a\" {\n    arch \"arm64\"\n    abi \"kvm-6.1\"\n    cpu \"neoverse-n1\" count=1\n    memory \"64MiB\"\n    allow \"spec::emulated-cpu\" reason=\"a test\"\n}\n",
    );
    let lock = scratch.vmlock(&["lock", "a.vm.kdl", "--for", &reports[0]]);
    assert_eq!(lock.status.code(), Some(1), "{}{}", out(&lock), err(&lock));
    assert!(!scratch.0.join("a.vm.lock.json").exists());
    let text = format!("{}{}", out(&lock), err(&lock));
    assert!(
        text.contains("it is unknown whether") && !text.contains("cannot keep"),
        "{text}"
    );
    assert!(!text.contains("asked for here"), "{text}");
    let (code, object) = scratch.json(&["lock", "a.vm.kdl", "--for", &reports[0]]);
    assert_eq!(code, 1, "{object}");
    assert!(object.to_string().contains("\"unknown\":true"), "{object}");
}

#[test]
fn what_needs_a_trial_says_so_and_what_does_not_says_what_is_told() {
    let (scratch, reports) = imported("untried-others");
    let modern = root().join("examples/modern.vm.lock.json");
    let modern = modern.to_str().unwrap();
    let host = reports[0].as_str();
    for (arguments, code) in [
        (&["labels", "--host", host][..], 4),
        (&["labels", modern, "--host", host], 4),
        (&["export", modern, "--to", "qemu", "--host", host], 4),
        (&["adopt", host, "--name", "rack"], 4),
        (&["adopt", host, "--baseline", "rack"], 4),
        (&["common", host], 4),
        (&["init", "--host", host, "a"], 4),
        (&["diff", host, &report_of("neoverse-n1", "6.1")], 4),
        (&["diff", &report_of("neoverse-n1", "6.1"), host], 4),
        (&["diff", host, &reports[3]], 4),
        (&["drift", "--from", "kvm-6.1", host], 125),
        (&["drift", &report_of("neoverse-n1", "6.1"), host], 125),
        (&["drift", host, &reports[3]], 125),
        (&["drift", host, &reports[1], "--lock", modern], 125),
    ] {
        let (ended, object) = scratch.json(arguments);
        let found = &object["diagnostics"][0];
        assert_eq!(
            (ended, &found["code"]),
            (code, &"report::imported".into()),
            "{arguments:?}: {object}"
        );
        assert!(object["labels"].is_null(), "{arguments:?}");
    }
    let left: Vec<_> = fs::read_dir(&scratch.0)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().ends_with(".kdl")),
        "{left:?}"
    );
    // What was shown on two hosts is compared, and no more.
    let (code, object) = scratch.json(&["drift", host, &reports[1]]);
    assert_eq!(code, 1, "{object}");
    let changes = object["changes"].to_string();
    assert!(changes.contains("PSCI_VERSION()"), "{changes}");
    assert!(
        object["unknown"].to_string().contains("nobody has tried"),
        "{object}"
    );
    let (ended, apart) = scratch.json(&["diff", host, &reports[1]]);
    assert_eq!((ended, &apart["changes"]), (1, &object["changes"]));
    let (ended, apart) = scratch.json(&["diff", host, host]);
    assert_eq!((ended, &apart["changes"]), (0, &Value::Array(vec![])));
    // What is of two CPUs is no kernel's doing.
    let text = fs::read_to_string(scratch.0.join(host)).unwrap();
    let mut other: Value = serde_json::from_str(&text).unwrap();
    for facts in other["imported"]["shown"].as_array_mut().unwrap() {
        assert!(facts["MIDR_EL1"].is_string(), "{facts}");
        facts["MIDR_EL1"] = "0x00000000410fd083".into();
    }
    scratch.write("other.json", &other.to_string());
    let (code, object) = scratch.json(&["drift", host, "other.json"]);
    assert_eq!(
        (code, &object["diagnostics"][0]["code"]),
        (125, &"drift::another-cpu".into())
    );
    let (code, object) = scratch.json(&["drift", host, host]);
    assert_eq!(
        (code, &object["changes"]),
        (125, &Value::Array(vec![])),
        "{object}"
    );
    let explained = scratch.vmlock(&["explain", host]);
    assert!(
        out(&explained).contains("no lock is ever kept by it"),
        "{}",
        out(&explained)
    );
}

/// The CPU of such a report is that of the file of which it was made, with the same unknown.
#[test]
fn a_model_of_an_imported_report_knows_what_the_file_does() {
    let (scratch, reports) = imported("untried-models");
    let mut count = 0;
    for (file, report) in [(log("6.1"), &reports[0]), (log("7.2"), &reports[1])] {
        let (code, object) = scratch.json(&["import", &file, "--name", "own"]);
        assert_eq!(code, 0, "{object}");
        let (ended, model) = scratch.json(&["cpu", report, "--name", "own"]);
        assert_eq!(ended, 0, "{model}");
        assert_eq!(model["model"]["kdl"], object["models"][0]["kdl"]);
        count += 1;
    }
    for report in &reports[2..] {
        let text = fs::read_to_string(scratch.0.join(report)).unwrap();
        let (ended, model) = scratch.json(&["cpu", report, "--name", "own"]);
        assert_eq!(ended, 0, "{model}");
        let kdl = model["model"]["kdl"].as_str().unwrap();
        assert!(kdl.contains("    unknown \""), "{kdl}");
        if text.contains("\"by\": \"monitor\"") {
            assert!(kdl.contains("\"CNTFRQ_EL0\""), "{kdl}");
        }
        count += 1;
    }
    assert_eq!(count, reports.len());
}

#[test]
fn what_tells_of_no_guest_under_kvm_makes_no_report() {
    let scratch = Scratch::new("untried-none");
    let template = root().join("examples/firecracker/no-sve.json");
    scratch.write(
        "cpuinfo",
        "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n",
    );
    let tcg = root().join("compiler/tests/ui/observe/console.log");
    for file in [
        template.to_str().unwrap(),
        "cpuinfo",
        tcg.to_str().unwrap(),
        root().join("examples/qemu/web.args").to_str().unwrap(),
        root().join("examples/libvirt/db.xml").to_str().unwrap(),
    ] {
        let arguments = [
            "import", file, "--name", "own", "--to", "report", "-o", "x.json",
        ];
        let (code, object) = scratch.json(&arguments);
        assert_eq!(
            (code, &object["diagnostics"][0]["code"]),
            (1, &"foreign::no-host".into()),
            "{file}: {object}"
        );
        assert!(!scratch.0.join("x.json").exists());
    }
    // That log's model says that its CPU is an emulator's.
    let (code, object) = scratch.json(&["import", tcg.to_str().unwrap(), "--name", "own"]);
    assert_eq!(code, 0, "{object}");
    let kdl = object["models"][0]["kdl"].as_str().unwrap();
    assert!(kdl.contains("source=\"an emulated host: "), "{kdl}");
    // A real CPU under another hypervisor, or in a log that came not so far, is no emulator's.
    let facts = scratch.vmlock(&["observe", &log("6.1"), "-o", "facts.json"]);
    assert_eq!(facts.status.code(), Some(0), "{}", err(&facts));
    let facts = fs::read_to_string(scratch.0.join("facts.json")).unwrap();
    for (iidr, words) in [
        (Some("0x000000000000043b"), "GICD_IIDR is another's"),
        (None, "was not seen"),
    ] {
        let mut facts: Value = serde_json::from_str(&facts).unwrap();
        for vcpu in facts["guest"].as_array_mut().unwrap() {
            let vcpu = vcpu.as_object_mut().unwrap();
            vcpu.remove("VENDOR_HYP_CALL_UID()");
            if let Some(old) = vcpu.remove("GICD_IIDR") {
                vcpu.extend(iidr.map(|new| ("GICD_IIDR".to_owned(), new.into())));
                assert!(old.is_string(), "{old}");
            }
            if vcpu.contains_key("ID_AA64PFR0_EL1") {
                vcpu["ID_AA64PFR0_EL1"] = "0x1100000011111112".into();
            }
        }
        scratch.write("real.json", &facts.to_string());
        let import = ["import", "real.json", "--name", "own"];
        let (code, object) = scratch.json(&import);
        assert_eq!(code, 0, "{object}");
        let kdl = object["models"][0]["kdl"].as_str().unwrap();
        assert!(!kdl.contains("an emulated host"), "{kdl}");
        assert!(kdl.contains(words), "{kdl}");
        let (code, object) = scratch.json(&[&import[..], &["--to", "report"]].concat());
        assert_eq!(
            (code, &object["diagnostics"][0]["code"]),
            (1, &"foreign::no-host".into())
        );
        assert!(object.to_string().contains(words), "{object}");
    }
}
