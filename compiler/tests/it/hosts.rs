//! `check`, `cpu` and `diff` on host reports that are made here: a host that
//! shows exactly what a lock says, and hosts that differ from it in one thing.

use crate::scratch::{Scratch, err, out, report_of, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use vmlock_spec::lock::reset;
use vmlock_spec::lock::{Binding, Lock, full_mask};
use vmlock_spec::observation::{fact_name, settled};
use vmlock_spec::report::{
    Fact, GicReport, HostReport, REPORT_VERSION, ReportedRegister, RevisionWrite, Seen, View,
    parse, write,
};

const SPEC: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8"
    cpu "neoverse-n1" count=2
    memory "64MiB"
    vary "MIDR_EL1.Revision"
}
"#;

/// A folder with a description, its lock, and the report of a host that can keep it.
fn host(name: &str) -> (Scratch, Lock, HostReport) {
    let scratch = Scratch::new(name);
    let lock = scratch.lock("a", SPEC);
    let report = mirror(&lock);
    (scratch, lock, report)
}

/// The report of a host that shows by default what the lock says.
fn mirror(lock: &Lock) -> HostReport {
    let present = lock.registers.iter().filter(|r| r.rule != Binding::Absent);
    let registers = present.clone().map(|r| ReportedRegister {
        id: r.id,
        name: r.name.clone(),
        value: Some(r.value),
        writable: 0,
        accepts: BTreeMap::new(),
        honoured: BTreeMap::new(),
    });
    let state = reset::begun(lock).into_iter().map(|b| ReportedRegister {
        id: b.info.id,
        name: b.info.name.to_string(),
        value: b.is_narrow().then_some(b.value),
        writable: match b.is_narrow() {
            true => full_mask(1 << (b.info.id >> 52 & 0xf)),
            false => 0,
        },
        accepts: BTreeMap::new(),
        honoured: BTreeMap::new(),
    });
    let mut registers: Vec<ReportedRegister> = registers.chain(state).collect();
    registers.sort_by_key(|r| r.id);
    let mut facts = Vec::new();
    for vcpu in 0..2 {
        let mut fact = |name: &str, value: u64| {
            facts.push(Fact {
                vcpu,
                name: name.to_owned(),
                seen: Seen::Value(value),
            });
        };
        for register in present.clone().filter(|r| r.guest_readable()) {
            fact(&register.name, register.value);
        }
        for register in &lock.gic.registers {
            fact(&register.name, register.value.into());
        }
        for answer in &lock.hypercalls.answers {
            fact(&answer.call, answer.answer);
        }
    }
    // What follows from it.
    for vcpu in 0..2 {
        facts.extend(settled::promises(lock, vcpu).map(|promise| Fact {
            vcpu,
            name: promise.name().into_owned(),
            seen: promise.value.map_or(Seen::Undefined, Seen::Value),
        }));
    }
    let begun = reset::begun(lock).into_iter();
    facts.extend(begun.filter_map(|b| {
        // What is settled of it is that it can be read.
        let name = b
            .fact()
            .map(fact_name)
            .filter(|name| name.ends_with("at entry"))?;
        Some(Fact {
            vcpu: 0,
            name: name.into_owned(),
            seen: Seen::Value(b.value),
        })
    }));
    let iidr = lock.gic.value("GICD_IIDR").unwrap();
    HostReport {
        schema: "host-report.v1.schema.json".to_owned(),
        report_version: REPORT_VERSION,
        imported: None,
        arch: lock.arch,
        capabilities: BTreeMap::new(),
        vcpus_max: 8,
        ipa_bits: 40,
        smccc_filter: true,
        stolen_time: false,
        vector_lengths: Vec::new(),
        event_filter: true,
        psci: vec!["1.0".to_owned(), "1.1".to_owned()],
        gic: Some(GicReport {
            iidr,
            revisions: Vec::new(),
        }),
        other_gics: Vec::new(),
        boot: None,
        views: vec![View {
            features: Vec::new(),
            registers,
            guest: facts,
            rehearsed: false,
        }],
    }
}

#[test]
fn a_host_that_shows_the_lock_keeps_it() {
    let (scratch, _, report) = host("keeps");
    scratch.report("host.json", &report);
    let output = scratch.vmlock(&["check", "a.vm.lock.json", "--host", "host.json"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        out(&output),
        err(&output)
    );
    assert!(out(&output).starts_with("host.json: can keep `web`"));
    assert!(
        out(&output).contains("vary   MIDR_EL1.Revision  waived by spec/vary/MIDR_EL1.Revision")
    );
}

#[test]
fn a_revision_that_is_accepted_and_not_honoured_is_refused_in_words() {
    let (scratch, _, mut report) = host("iidr");
    let wanted = report.gic.as_ref().map_or(0, |gic| gic.iidr);
    let shown = wanted ^ 1 << 12;
    report.gic = Some(GicReport {
        iidr: shown,
        revisions: vec![RevisionWrite {
            revision: (wanted >> 12 & 0xf) as u8,
            accepted: true,
            read_back: shown,
        }],
    });
    scratch.report("bad.json", &report);
    if let Some(gic) = &mut report.gic {
        gic.iidr = wanted;
    }
    scratch.report("good.json", &report);
    let output = scratch.vmlock(&["check", "a.vm.lock.json", "--host", "bad.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).contains("the runner answers for the distributor"));
    let output = scratch.vmlock(&[
        "check",
        "--native",
        "a.vm.lock.json",
        "--host",
        "good.json",
        "bad.json",
    ]);
    assert_eq!(output.status.code(), Some(3));
    assert!(out(&output).contains("good.json: can keep `web`"));
    assert!(out(&output).contains("refused GICD_IIDR.Revision [host::iidr-not-honoured]"));
    assert!(out(&output).contains("accepted by the kernel and not honoured"));
    let output = scratch.vmlock(&[
        "check",
        "--native",
        "--format",
        "json",
        "a.vm.lock.json",
        "--host",
        "good.json",
        "bad.json",
    ]);
    let object: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(object["kept"], false);
    assert_eq!(object["hosts"][0]["kept"], true);
    assert_eq!(object["hosts"][1]["kept"], false);
    assert_eq!(object["refusals"][0]["code"], "host::iidr-not-honoured");
}

/// The lint of `vmlock lock` again, for who has the lock alone.
#[test]
fn a_lock_that_hides_what_midr_promises_is_told_of() {
    let (scratch, ..) = host("midr");
    let host = report_of("neoverse-n1", "7.3");
    for (name, told) in [("eight", true), ("masked", false)] {
        let lock = root().join(format!("lab/tests/specs/{name}.vm.lock.json"));
        let lock = lock.to_str().unwrap();
        let output = scratch.vmlock(&["check", lock, "--host", &host]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let words = err(&output);
        let named = words.contains("MIDR_EL1") && words.contains("ID_AA64ISAR0_EL1.CRC32");
        assert_eq!(named, told, "{name}: {words}");
    }
}

#[test]
fn a_register_that_nobody_knows_is_refused() {
    let (scratch, _, mut report) = host("unknown");
    report.views[0].registers.push(ReportedRegister {
        id: 0x6030_0000_0014_00ff,
        name: "unknown".to_owned(),
        value: Some(0),
        writable: 0,
        accepts: BTreeMap::new(),
        honoured: BTreeMap::new(),
    });
    report.views[0].registers.sort_by_key(|r| r.id);
    scratch.report("host.json", &report);
    let output = scratch.vmlock(&["check", "a.vm.lock.json", "--host", "host.json"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        out(&output).contains("[host::unknown-register]"),
        "{}",
        out(&output)
    );
}

#[test]
fn a_report_that_cannot_be_read_is_no_host_that_keeps_the_lock() {
    let (scratch, _, report) = host("unreadable");
    scratch.report("host.json", &report);
    scratch.write("newer.json", r#"{"reportVersion": 99}"#);
    scratch.write("broken.json", "{");
    for bad in ["missing.json", "newer.json", "broken.json"] {
        let output = scratch.vmlock(&[
            "check",
            "--format",
            "json",
            "a.vm.lock.json",
            "--host",
            "host.json",
            bad,
        ]);
        assert_eq!(output.status.code(), Some(4), "{bad}");
        let object: Value = serde_json::from_str(&out(&output)).unwrap();
        assert_eq!(object["kept"], false, "{bad}");
        assert_eq!(object["diagnostics"].as_array().unwrap().len(), 1, "{bad}");
    }
}

#[test]
fn a_model_of_a_host_makes_the_lock_that_the_host_keeps() {
    let (scratch, lock, report) = host("model");
    scratch.report("host.json", &report);
    let output = scratch.vmlock(&["cpu", "host.json", "--name", "mine", "-o", "mine.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let spec = SPEC.replace(
        "cpu \"neoverse-n1\"",
        "import \"mine.kdl\"\n    cpu \"mine\"",
    );
    let mine = scratch.lock("b", &spec);
    assert_ne!(mine.cpu.digest, lock.cpu.digest);
    let values = |l: &Lock| -> Vec<(String, u64)> {
        l.registers
            .iter()
            .map(|r| (r.name.clone(), r.value))
            .collect()
    };
    assert_eq!(values(&mine), values(&lock));
    let output = scratch.vmlock(&["check", "b.vm.lock.json", "--host", "host.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
}

#[test]
fn a_model_needs_a_report_that_says_enough() {
    let (scratch, _, mut report) = host("poor");
    report.views[0].registers.retain(|r| r.name != "MIDR_EL1");
    report.views[0].guest.retain(|f| f.name != "MIDR_EL1");
    scratch.report("host.json", &report);
    let output = scratch.vmlock(&["cpu", "host.json", "--name", "mine"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(
        err(&output).contains("it does not say MIDR_EL1"),
        "{}",
        err(&output)
    );
    let output = scratch.vmlock(&["cpu", "host.json", "--name", "no good"]);
    assert_eq!(output.status.code(), Some(2));
}

/// What a report does not tell is not zero in its model, and makes no lock that would promise it.
#[test]
fn what_a_report_does_not_tell_is_unknown_in_its_model() {
    let (scratch, _, report) = host("untold");
    let spec = SPEC.replace(
        "cpu \"neoverse-n1\"",
        "import \"mine.kdl\"\n    cpu \"mine\"",
    );
    scratch.write("b.vm.kdl", &spec);
    let asked = ["cpu", "host.json", "--name", "mine"];
    scratch.report("host.json", &report);
    let full = out(&scratch.vmlock(&asked));
    // The words before and after a name: `register "NAME" VALUE`.
    let named = |word: &str| -> Vec<String> {
        let lines = full.lines().map(str::trim);
        let names = lines.filter_map(|line| line.strip_prefix(word)?.split('"').nth(1));
        names.map(str::to_owned).collect()
    };
    let (registers, facts) = (named("register "), named("fact "));
    assert!(registers.len() > 20 && facts.len() == 5, "{full}");
    let facts: BTreeSet<&String> = facts.iter().collect();
    for name in registers.iter().chain(facts.iter().copied()) {
        let call = name.strip_prefix("KVM_REG_ARM_");
        let call = call.map(|call| format!("ARCH_FEATURES({call})"));
        let mut poor = report.clone();
        for view in &mut poor.views {
            view.registers.retain(|r| r.name != *name);
            let of_it = |fact: &str| fact == name || call.as_deref() == Some(fact);
            view.guest.retain(|f| !of_it(&f.name));
        }
        assert!(poor != report, "{name}");
        scratch.report("host.json", &poor);
        let output = scratch.vmlock(&asked);
        let model = out(&output);
        // Without these there is no model at all.
        let needed = ["MIDR_EL1", "CTR_EL0"].contains(&name.as_str()) || facts.contains(name);
        if needed {
            let words = format!("it does not say {name}");
            assert_eq!(output.status.code(), Some(4), "{name}: {model}");
            assert!(err(&output).contains(&words), "{}", err(&output));
            continue;
        }
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(model.contains(&format!("unknown \"{name}\"")), "{model}");
        let is_read = [
            "ID_AA64ISAR0_EL1",
            "ID_AA64MMFR2_EL1",
            "REVIDR_EL1",
            "MVFR1_EL1",
        ];
        if !is_read.contains(&name.as_str()) {
            continue;
        }
        scratch.write("mine.kdl", &model);
        let (code, object) = scratch.json(&["lock", "--dry-run", "b.vm.kdl"]);
        let found = object["diagnostics"].to_string();
        assert!(
            code == 1 && found.contains("spec::unmeasured") && found.contains(name.as_str()),
            "{name}: {found}"
        );
    }
}

#[test]
fn reports_differ_by_field() {
    let (scratch, _, report) = host("diff");
    scratch.report("a.json", &report);
    let mut other = report.clone();
    for register in &mut other.views[0].registers {
        if register.name == "ID_AA64ISAR0_EL1" {
            register.value = register.value.map(|v| v & !(0xf << 16));
        }
    }
    for fact in &mut other.views[0].guest {
        if fact.name == "ID_AA64ISAR0_EL1" && fact.vcpu == 1 {
            fact.seen = Seen::Undefined;
        }
    }
    other.psci.push("1.3".to_owned());
    scratch.report("b.json", &other);
    let output = scratch.vmlock(&["diff", "a.json", "b.json"]);
    assert_eq!(output.status.code(), Some(1));
    let words = out(&output);
    assert!(words.contains("psci"), "{words}");
    assert!(
        words.contains("plain guest: ID_AA64ISAR0_EL1.CRC32"),
        "{words}"
    );
    assert!(words.contains("a guest no longer finds it"), "{words}");
    assert!(
        words.contains("plain guest: vCPU 1 ID_AA64ISAR0_EL1"),
        "{words}"
    );
    let output = scratch.vmlock(&["diff", "a.json", "a.json"]);
    assert_eq!(output.status.code(), Some(0));
    let output = scratch.vmlock(&["diff", "a.json", "a.vm.lock.json"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn locks_differ_by_field_and_say_where_a_waiver_stands() {
    let (scratch, _, _) = host("locks");
    let spec = SPEC
        .replace("count=2", "count=2 {\n    hide \"crc32\"\n}")
        .replace("    vary \"MIDR_EL1.Revision\"\n", "");
    scratch.lock("b", &spec);
    let output = scratch.vmlock(&["diff", "a.vm.lock.json", "b.vm.lock.json"]);
    assert_eq!(output.status.code(), Some(1));
    let words = out(&output);
    assert!(words.contains("ID_AA64ISAR0_EL1.CRC32"), "{words}");
    assert!(words.contains("MIDR_EL1.vary"), "{words}");
    let output = scratch.vmlock(&["explain", "MIDR_EL1.Revision", "--lock", "a.vm.lock.json"]);
    assert!(
        out(&output).contains("not promised, waived by spec/vary/MIDR_EL1.Revision"),
        "{}",
        out(&output)
    );
}

/// A field is explained with its own bits of the lock, not with the register's.
#[test]
fn a_field_is_explained_by_what_the_lock_says_of_it() {
    let (scratch, lock, _) = host("explain");
    let said = |what: &str, lock: &str| {
        let output = scratch.vmlock(&["explain", what, "--lock", lock]);
        assert_eq!(output.status.code(), Some(0), "{what}");
        let said = out(&output);
        let line = said.lines().find(|line| line.contains("his lock"));
        line.unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    // Both fields of it are what its hardware keeps.
    let par = reset::begun(&lock)
        .into_iter()
        .find(|b| b.info.name == "PAR_EL1");
    let par = par.expect("a lock speaks of it");
    assert_eq!(
        said("PAR_EL1", "a.vm.lock.json"),
        format!("In this lock: a vCPU begins with {:#x}", par.value)
    );
    for field in ["PAR_EL1.11:1", "ESR_EL1.ISS2", "CNTV_CTL_EL0.ISTATUS"] {
        assert_eq!(
            said(field, "a.vm.lock.json"),
            "In this lock: not promised",
            "{field}"
        );
    }
    let pmu = SPEC.replace("count=2", "count=2 { pmu; }");
    scratch.lock("pmu", &pmu);
    assert_eq!(
        said("PMCR_EL0.E", "pmu.vm.lock.json"),
        "In this lock: not promised"
    );
    assert!(said("PMCR_EL0.N", "pmu.vm.lock.json").starts_with("In this lock: 0x"));
    assert_eq!(
        said("PMCCFILTR_EL0", "a.vm.lock.json"),
        "This lock does not hold it."
    );
}

#[test]
fn a_lock_of_a_newer_vmlock_is_refused_in_words() {
    let (scratch, _, report) = host("newer");
    scratch.report("host.json", &report);
    let path: &Path = &scratch.0.join("a.vm.lock.json");
    let text = fs::read_to_string(path).unwrap();
    fs::write(
        path,
        text.replace("\"lockVersion\": 2", "\"lockVersion\": 4"),
    )
    .unwrap();
    let output = scratch.vmlock(&["check", "a.vm.lock.json", "--host", "host.json"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(err(&output).contains("lock::newer"), "{}", err(&output));
    assert_eq!(err(&output).matches("a newer one").count(), 1);
}

/// Programs write locks and reports; where a hand did, the member that is not as it has to be is pointed at.
#[test]
fn a_member_of_another_kind_is_named_at_its_place() {
    let (scratch, _, report) = host("member");
    scratch.report("host.json", &report);
    let read = |name: &str| fs::read_to_string(scratch.0.join(name)).unwrap();
    let (lock, host) = (read("a.vm.lock.json"), read("host.json"));
    let version = format!("\"reportVersion\": {}", vmlock_spec::report::REPORT_VERSION);
    let text = |text: &str, old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        text.replacen(old, new, 1)
    };
    for (lock, host, code, message, at) in [
        (
            text(&lock, "\"registers\": ", "\"registers\": 3, \"x\": "),
            host.clone(),
            "lock::invalid",
            "`registers` must be a list, not a whole number",
            "3",
        ),
        (
            text(&lock, "\"registers\": ", "\"register\": "),
            host.clone(),
            "lock::invalid",
            "`lock` has no `register`",
            "\"register\"",
        ),
        (
            lock.clone(),
            text(&host, &version, "\"reportVersion\": []"),
            "report::invalid",
            "`reportVersion` must be a whole number, not a list",
            "[",
        ),
        (
            lock.clone(),
            text(&host, "\"MIDR_EL1\": \"0x", "\"MIDR_EL1\": \"0y"),
            "report::invalid",
            "`MIDR_EL1` cannot be `0y0000",
            "\"0y0000",
        ),
        (
            lock.clone(),
            text(&host, "\"ipaBits\": ", "\"ipaBits\": 99999999999, \"x\": "),
            "report::invalid",
            "`ipaBits` is out of range",
            "99999999999",
        ),
        (
            lock.clone(),
            text(&host, "\"VBAR_EL1\"", "\"VBAR_EL9\""),
            "report::invalid",
            "`views` cannot be used: `VBAR_EL",
            "{",
        ),
        (
            lock.clone(),
            text(&host, "\"views\"", "views"),
            "report::invalid",
            "`views` stands without quotes",
            "views",
        ),
        (
            text(&lock, "\"value\": \"0x", "\"value\": \"0X"),
            host.clone(),
            "lock::invalid",
            "`value` cannot be `0X",
            "\"0X",
        ),
    ] {
        scratch.write("b.vm.lock.json", &lock);
        scratch.write("b.json", &host);
        let (status, object) = scratch.json(&["check", "b.vm.lock.json", "--host", "b.json"]);
        assert_eq!(status, 4, "{object:#}");
        let found = object["diagnostics"].as_array().unwrap();
        let [one] = found.as_slice() else {
            panic!("{found:#?}");
        };
        assert_eq!(one["code"], code);
        let said = one["message"].as_str().unwrap();
        assert!(said.starts_with(message), "{said}");
        let of = if code == "lock::invalid" {
            &lock
        } else {
            &host
        };
        let place = |end: &str| one["span"][end].as_u64().unwrap() as usize;
        let shown = &of[place("start")..place("end")];
        assert!(shown.starts_with(at), "{one:#}");
        // Nothing is said of the lock on no host.
        assert!(object.get("unpromised").is_none(), "{object:#}");
    }
}

#[test]
fn what_a_lock_withholds_is_said_once_with_every_host_that_has_it() {
    let root = root();
    let host = |series: &str| {
        let path = format!("spec/catalogue/hosts/cortex-a72-{series}.json");
        root.join(path).to_string_lossy().into_owned()
    };
    let lock = root.join("examples/portable.vm.lock.json");
    let lock = lock.to_string_lossy();
    let scratch = Scratch::new("withheld");
    let (old, new, newest) = (host("5.10"), host("6.12"), host("7.3"));
    let hosts = ["--host", &old, "--host", &new, "--host", &newest];
    let flags = ["--format", "json"];
    let output = scratch.vmlock(&[&["check", lock.as_ref()], &hosts[..], &flags].concat());
    assert!(output.status.success(), "{}", err(&output));
    let result: Value = serde_json::from_str(&out(&output)).unwrap();
    let found = result["diagnostics"].as_array().unwrap();
    let mut withheld = found
        .iter()
        .filter(|d| d["code"] == "spec::withholds-mitigation");
    let words = withheld.next().expect("a warning")["message"]
        .as_str()
        .unwrap();
    assert!(withheld.next().is_none(), "once");
    assert!(words.contains("ID_AA64PFR0_EL1.CSV3"), "{words}");
    assert!(
        words.contains("a72-6.12.json") && words.contains("a72-7.3.json"),
        "{words}"
    );
    assert!(!words.contains("a72-5.10.json"), "{words}");
}

/// Hosts whose KVM has no GICv3 for guests: what is asked of their reports is answered in words.
#[test]
fn a_host_without_a_gicv3_is_refused_in_words_by_every_command() {
    let (scratch, _, mut report) = host("gicv2");
    (report.gic, report.views) = (None, Vec::new());
    scratch.report("none.json", &report);
    report.other_gics = vec!["GICv2".to_owned()];
    assert_eq!(parse(&write(&report)), Ok(report.clone()));
    scratch.report("v2.json", &report);
    for (host, offered) in [
        ("v2.json", "a GICv2"),
        ("none.json", "no interrupt controller"),
    ] {
        for (arguments, wanted) in [
            (&["check", "a.vm.lock.json", "--host", host][..], 3),
            (&["check", "--native", "a.vm.lock.json", "--host", host], 3),
            (&["lock", "--for", host, "a.vm.kdl"], 1),
            (&["adopt", host, "--name", "x"], 3),
            (&["common", host], 3),
            (&["cpu", host, "--name", "x"], 3),
        ] {
            let output = scratch.vmlock(arguments);
            let said = format!("{}{}", out(&output), err(&output));
            assert_eq!(output.status.code(), Some(wanted), "{arguments:?}: {said}");
            assert!(said.contains("for guests"), "{arguments:?}: {said}");
            // Nothing was counted.
            assert!(!said.contains("()"), "{arguments:?}: {said}");
            let named = said.contains(offered) || arguments[0] == "cpu";
            assert!(
                named && !said.contains("make the report again"),
                "{arguments:?}: {said}"
            );
        }
    }
    let kept = scratch.vmlock(&["diff", "v2.json", "none.json"]);
    assert!(out(&kept).contains("GICv2"), "{}{}", out(&kept), err(&kept));
}

#[test]
fn check_says_what_a_newer_lock_would_promise_beside_an_old_one() {
    let root = root();
    let host = root.join("spec/catalogue/hosts/neoverse-n1-6.12.json");
    let host = host.to_string_lossy();
    let scratch = Scratch::new("newer");
    let old = root.join("spec/tests/frozen/v1/modern.vm.lock.json");
    let check = |lock: &str| {
        let output = scratch.vmlock(&["check", lock, "--host", &host, "--format", "json"]);
        serde_json::from_str::<Value>(&out(&output)).unwrap()
    };
    let result = check(&old.to_string_lossy());
    assert_eq!(result["kept"], true);
    let promises = result["newer"]["promises"].as_array().unwrap();
    for name in ["machine.addressBits", "machine.unmapped", "boot"] {
        assert!(promises.iter().any(|p| p["name"] == name), "{name}");
    }
    let words = err(&scratch.vmlock(&["check", &old.to_string_lossy(), "--host", &host]));
    assert!(words.contains("would promise beside it"), "{words}");
    assert!(words.contains("--upgrade"), "{words}");

    let newest = root.join("lab/tests/specs/caches.vm.lock.json");
    assert_eq!(check(&newest.to_string_lossy())["newer"], Value::Null);
}
