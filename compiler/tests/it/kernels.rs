//! Kernels of distributions: baselines of the catalogue by name, and `vmlock adopt --baseline`, which makes one of any other.

use crate::scratch::{Scratch, err, out, report_of};
use serde_json::Value;
use std::fs;
use vmlock_spec::report;

/// A plain description.
fn spec(name: &str, import: &str, abi: &str, cpu: &str) -> String {
    format!(
        "vm \"{name}\" {{\n    arch \"arm64\"\n{import}    abi {abi}\n    cpu {cpu}\n    memory \"64MiB\"\n}}\n"
    )
}

#[test]
fn a_distribution_s_kernel_is_locked_by_its_name_and_kept_where_it_runs() {
    let scratch = Scratch::new("debian");
    for (name, series, nearest) in [
        ("debian-11", "5.10", "kvm-5.10"),
        ("debian-12", "6.1", "kvm-6.1"),
        ("debian-13", "6.12", "kvm-6.12"),
    ] {
        let lock = scratch.lock(
            name,
            &spec(name, "", &format!("\"{name}\""), "\"cortex-a72\" count=1"),
        );
        let revision = format!("{name}.r1");
        assert_eq!(lock.baselines.keys().collect::<Vec<_>>(), [&revision]);
        let file = format!("{name}.vm.lock.json");
        let (code, object) = scratch.json(&[
            "check",
            &file,
            "--native",
            "--host",
            &report_of("cortex-a72", series),
        ]);
        assert_eq!(code, 0, "{object}");
        let keeps = object["hosts"][0]["keeps"].as_array().unwrap();
        assert!(
            keeps.len() > 150 && keeps.iter().all(|k| k.get("step").is_none()),
            "{object}"
        );
        // By its name, in any case, and by its revision.
        for asked in [name.to_uppercase(), revision.clone()] {
            let text = out(&scratch.vmlock(&["explain", &asked]));
            for words in [
                &format!("{revision}: "),
                "nearest to is",
                nearest,
                "Package linux-image-",
            ] {
                assert!(
                    text.split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ")
                        .contains(words.trim()),
                    "{words} in {text}"
                );
            }
        }
        assert_eq!(
            scratch.vmlock(&["diff", nearest, name]).status.code(),
            scratch.vmlock(&["diff", nearest, &revision]).status.code()
        );
        let (code, object) =
            scratch.json(&["drift", "--from", name, &report_of("cortex-a72", series)]);
        assert_eq!(code, 0, "{object}");
    }
}

/// Stolen time is given to who asks for it, on every host that has it: `adopt` says no other thing of it than `common`.
#[test]
fn a_host_is_adopted_with_the_stolen_time_that_it_has() {
    let scratch = Scratch::new("adopted-stolen");
    for series in ["5.10", "7.3"] {
        let report = report_of("neoverse-n1", series);
        let name = format!("own-{}", series.replace('.', "-"));
        let adopt = [
            "adopt",
            &report,
            "--name",
            &name,
            "--features",
            "steal-time",
        ];
        let output = scratch.vmlock(&adopt);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let lock = [&name, ".vm.lock.json"].concat();
        let (code, object) = scratch.json(&["lock", &format!("{name}.vm.kdl")]);
        assert_eq!(code, 0, "{object}");
        let (code, object) = scratch.json(&["check", &lock, "--native", "--host", &report]);
        assert_eq!(code, 0, "{object}");
        let keeps = object["hosts"][0]["keeps"].as_array().unwrap();
        let written = keeps.iter().filter(|k| k.get("step").is_some());
        let written: Vec<_> = written.map(|k| k["name"].as_str().unwrap()).collect();
        assert_eq!(written, ["steal-time"]);
        let common = scratch.vmlock(&["common", &report, "--features", "steal-time"]);
        assert_eq!(common.status.code(), Some(0), "{}", err(&common));
    }
}

/// Hosts with Debian's very kernels are recorded, so `runs-on` takes their names; of other kernels it says what is near.
#[test]
fn runs_on_knows_a_distribution_s_kernel() {
    let scratch = Scratch::new("runs-on-debian");
    let with = |line: &str| {
        let cpu = format!("\"cortex-a72\" count=1\n    {line}");
        spec("web", "", "\"kvm-6.12\"", &cpu)
    };
    let locked = |line: &str| {
        scratch.lock("web", &with(line));
        fs::read_to_string(scratch.0.join("web.vm.lock.json")).unwrap()
    };
    let plain = locked("");
    for names in ["\"debian-13\"", "\"debian-13.r1\" \"kvm-7.3\""] {
        let lock = locked(&format!("runs-on {names}"));
        assert_eq!(lock, plain, "the lock does not name them");
    }
    // It is that host that is asked: 5.10 cannot write ID registers.
    let newer = spec(
        "web",
        "",
        "\"kvm-6.8\"",
        "\"cortex-a72\" count=1\n    runs-on \"debian-11\"",
    );
    scratch.write("web.vm.kdl", &newer);
    let (code, object) = scratch.json(&["lock", "--dry-run", "web.vm.kdl"]);
    assert_eq!(code, 1, "{object}");
    let said = object["diagnostics"].to_string();
    assert!(said.contains("`debian-11` cannot keep"), "{said}");
    for (name, near) in [
        (
            "al2023-6.1",
            "the mainline baseline that it is nearest to is `kvm-6.1`",
        ),
        ("al2-5.10.r1", "nearest to is `kvm-5.10`"),
        ("kvm-6.8", "recorded next to it: `kvm-6.1` and `kvm-6.12`"),
        ("kvm-6.19.2", "write `kvm-6.19`"),
        (
            "ubuntu-24.04",
            "`debian-11`, `debian-12` and `debian-13`; for others",
        ),
    ] {
        scratch.write("web.vm.kdl", &with(&format!("runs-on \"{name}\"")));
        let (code, object) = scratch.json(&["lock", "--dry-run", "web.vm.kdl"]);
        let found = object["diagnostics"].as_array().unwrap();
        let unknown = found.iter().find(|d| d["code"] == "spec::unknown-host");
        let help = unknown.and_then(|d| d["help"].as_str()).unwrap_or("(none)");
        assert!(code == 1 && help.contains(near), "{name}: {help}");
        assert!(help.contains("vmlock lock --for REPORT"), "{name}: {help}");
    }
}

/// A model of a host that is no machine's says so, where it is made and where it is used.
#[test]
fn a_model_of_an_emulated_host_is_not_offered_as_a_machine_s() {
    let scratch = Scratch::new("emulated-model");
    let warned = |code: i32, object: &Value| {
        let found = object["diagnostics"].as_array().unwrap();
        let is = |d: &&Value| d["code"] == "spec::emulated-cpu";
        assert_eq!(code, 0, "{object}");
        found
            .iter()
            .find(is)
            .map(|d| d["message"].as_str().unwrap().to_owned())
    };
    let report = |name: &str, alter: &dyn Fn(&str) -> String| {
        let text = fs::read_to_string(report_of("neoverse-n1", "6.12")).unwrap();
        fs::write(scratch.0.join(name), alter(&text)).unwrap();
    };
    report("host.json", &|text| text.to_owned());
    // As the same CPU in a machine has an EL3.
    report("silicon.json", &|text| {
        let value = |text: &str, el3: char| {
            let mut digits: Vec<char> = text.chars().collect();
            let place = digits.len() - 4;
            digits[place] = el3;
            digits.into_iter().collect::<String>()
        };
        let report: report::HostReport = report::parse(text).unwrap();
        let mut registers = report.views[0].registers.iter();
        let pfr0 = registers.find(|r| r.name == "ID_AA64PFR0_EL1");
        let pfr0 = format!("{:#018x}", pfr0.unwrap().value.unwrap());
        text.replace(&pfr0, &value(&pfr0, '1'))
    });
    for (file, emulated) in [("host.json", true), ("silicon.json", false)] {
        let output = scratch.vmlock(&["cpu", file, "--name", "mine", "-o", "mine.kdl"]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let model = fs::read_to_string(scratch.0.join("mine.kdl")).unwrap();
        for words in [
            "title \"Captured from a report of an emulated host\"",
            "That host is an emulated one: ",
        ] {
            assert_eq!(model.contains(words), emulated, "{file}: {model}");
        }
        let text = spec(
            "web",
            "    import \"mine.kdl\"\n",
            "\"kvm-6.12\"",
            "\"mine\" count=1",
        );
        scratch.write("web.vm.kdl", &text);
        let (code, object) = scratch.json(&["lock", "--dry-run", "web.vm.kdl"]);
        let said = warned(code, &object);
        assert_eq!(said.is_some(), emulated, "{file}: {object}");
        let named =
            said.is_none_or(|said| said.starts_with("`mine` was read from an emulated host; "));
        assert!(named, "{object}");
    }
}

/// The report of a host whose kernel hides CRC32 and shows another revision of the interrupt controller.
fn altered(scratch: &Scratch) -> Value {
    let text = fs::read_to_string(report_of("neoverse-n1", "6.12")).unwrap();
    let mut report: Value = serde_json::from_str(&text).unwrap();
    report["gic"]["iidr"] = "0x4b00243b".into();
    for view in report["views"].as_array_mut().unwrap() {
        for register in view["registers"].as_array_mut().unwrap() {
            if register["name"] == "ID_AA64ISAR0_EL1" {
                register["value"] = "0x0000100010201120".into();
            }
        }
        for guest in view["guest"].as_array_mut().unwrap() {
            guest["ID_AA64ISAR0_EL1"] = "0x0000100010201120".into();
            guest["GICR_CTLR"] = "0x0000000000000000".into();
        }
        view["guest"][0]["GICD_IIDR"] = "0x000000004b00243b".into();
    }
    scratch.write("host.json", &serde_json::to_string(&report).unwrap());
    report
}

#[test]
fn a_kernel_s_baseline_is_made_of_a_report_and_kept_by_its_host() {
    let scratch = Scratch::new("kernel");
    altered(&scratch);
    let adopt = ["adopt", "host.json", "--baseline", "ours-9.6"];
    let (code, object) = scratch.json(&adopt);
    assert_eq!(code, 0, "{object}");
    let adopted = &object["adopted"];
    assert_eq!(
        (&adopted["nearest"], &adopted["model"]),
        (&"kvm-6.12".into(), &"neoverse-n1".into())
    );
    let said: Vec<&str> = adopted["deviations"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["subject"].as_str())
        .collect();
    assert_eq!(said.len(), 2, "{object}");
    assert!(
        said.contains(&"GICD_IIDR.Revision") && said.contains(&"ID_AA64ISAR0_EL1.CRC32"),
        "{said:?}"
    );
    let text = fs::read_to_string(scratch.0.join("ours-9.6.kdl")).unwrap();
    assert!(
        text.contains("after=\"kvm-6.12\"") && text.contains("measured-on \"neoverse-n1\""),
        "{text}"
    );
    let import = "    import \"ours-9.6.kdl\"\n";
    scratch.lock(
        "web",
        &spec(
            "web",
            import,
            "\"ours-9.6\"",
            "\"neoverse-n1\" count=1 { pmu; }",
        ),
    );
    let (code, object) = scratch.json(&[
        "check",
        "web.vm.lock.json",
        "--native",
        "--host",
        "host.json",
    ]);
    assert_eq!(code, 0, "{object}");
    let keeps = object["hosts"][0]["keeps"].as_array().unwrap();
    assert!(
        keeps.len() > 150 && keeps.iter().all(|k| k.get("step").is_none()),
        "{object}"
    );
    // Of a feature that no guest had which was compared nothing is known, be it one that no report has a view of.
    for feature in ["sve", "steal-time"] {
        assert!(text.contains(&format!("unknown \"{feature}\"")), "{text}");
    }
    let stolen = "\"neoverse-n1\" count=1 { steal-time; }";
    scratch.write(
        "stolen.vm.kdl",
        &spec("stolen", import, "\"ours-9.6\"", stolen),
    );
    let output = scratch.vmlock(&["lock", "stolen.vm.kdl"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(
        err(&output).contains("spec::unmeasured-kernel"),
        "{}",
        err(&output)
    );
    // Another CPU is not what was measured.
    scratch.write(
        "max.vm.kdl",
        &spec("max", import, "\"ours-9.6\"", "\"max\" count=1"),
    );
    let (code, object) = scratch.json(&["lock", "max.vm.kdl"]);
    assert_eq!(code, 1, "{object}");
    let found = object["diagnostics"].as_array().unwrap();
    let told = |d: &Value| d["code"] == "spec::unmeasured-kernel";
    assert!(found.iter().any(told), "{object}");
    assert!(!scratch.0.join("max.vm.lock.json").exists());
    let text = out(&scratch.vmlock(&["explain", "ours-9.6.kdl"]));
    assert!(
        text.contains("difference from mainline's kvm-6.12, in 2 statements, for neoverse-n1"),
        "{text}"
    );
    // Nothing that is there is replaced, and no name of the catalogue is taken.
    let (code, object) = scratch.json(&adopt);
    assert_eq!(
        (code, &object["diagnostics"][0]["code"]),
        (4, &"adopt::exists".into())
    );
    for taken in [
        "debian-12",
        "debian-12.r9",
        "kvm-6.1",
        "kvm-6.1.r2",
        "max",
        "max.r2",
    ] {
        let (code, object) = scratch.json(&["adopt", "host.json", "--baseline", taken]);
        assert_eq!(
            (code, &object["diagnostics"][0]["code"]),
            (2, &"import::name-taken".into())
        );
        assert!(!scratch.0.join(format!("{taken}.kdl")).exists());
    }
}

/// A feature of which the report does not say what its guest sees gets no lock of such a baseline.
#[test]
fn what_a_report_does_not_tell_its_baseline_does_not_promise() {
    let scratch = Scratch::new("untold");
    let text = fs::read_to_string(report_of("neoverse-n1", "6.12")).unwrap();
    let mut report: Value = serde_json::from_str(&text).unwrap();
    let views = report["views"].as_array_mut().unwrap();
    let all = views.len();
    views.retain(|view| view["features"].as_array().unwrap().is_empty());
    assert!(all > views.len() && views.len() == 1);
    scratch.write("host.json", &serde_json::to_string(&report).unwrap());
    let (code, object) = scratch.json(&["adopt", "host.json", "--baseline", "ours"]);
    assert_eq!(code, 0, "{object}");
    assert!(
        object["adopted"]["unknown"]
            .as_array()
            .unwrap()
            .contains(&"pmu".into()),
        "{object}"
    );
    let import = "    import \"ours.kdl\"\n";
    for (cpu, wanted) in [
        ("\"neoverse-n1\" count=1", 0),
        ("\"neoverse-n1\" count=1 { pmu; }", 1),
    ] {
        scratch.write("web.vm.kdl", &spec("web", import, "\"ours\"", cpu));
        let output = scratch.vmlock(&["lock", "web.vm.kdl"]);
        assert_eq!(output.status.code(), Some(wanted), "{}", err(&output));
        assert!(
            wanted == 0 || err(&output).contains("spec::unmeasured-kernel"),
            "{}",
            err(&output)
        );
    }
}

#[test]
fn a_host_without_a_model_of_its_cpu_is_told_how_to_make_one() {
    let scratch = Scratch::new("model");
    let mut report: Value =
        serde_json::from_str(&fs::read_to_string(report_of("neoverse-n1", "6.12")).unwrap())
            .unwrap();
    for view in report["views"].as_array_mut().unwrap() {
        for register in view["registers"].as_array_mut().unwrap() {
            if register["name"] == "MIDR_EL1" {
                register["value"] = "0x00000000410fd990".into();
            }
        }
        for guest in view["guest"].as_array_mut().unwrap() {
            guest["MIDR_EL1"] = "0x00000000410fd990".into();
        }
    }
    scratch.write("host.json", &serde_json::to_string(&report).unwrap());
    let (code, object) = scratch.json(&["adopt", "host.json", "--baseline", "ours"]);
    assert_eq!(
        (code, &object["diagnostics"][0]["code"]),
        (2, &"drift::own-model".into())
    );
    assert_eq!(
        scratch
            .json(&["cpu", "host.json", "--name", "mine", "-o", "mine.kdl"])
            .0,
        0
    );
    let with = [
        "adopt",
        "host.json",
        "--baseline",
        "ours",
        "--cpu",
        "mine",
        "--import",
        "mine.kdl",
    ];
    let (code, object) = scratch.json(&with);
    assert_eq!(code, 0, "{object}");
    let imports = "    import \"mine.kdl\" \"ours.kdl\"\n";
    scratch.lock("web", &spec("web", imports, "\"ours\"", "\"mine\" count=1"));
    let (code, object) = scratch.json(&[
        "check",
        "web.vm.lock.json",
        "--native",
        "--host",
        "host.json",
    ]);
    assert_eq!(code, 0, "{object}");
    // The model's file comes to describe another CPU under that name; and the baseline's no longer says which it was.
    let [mine, ours] =
        ["mine.kdl", "ours.kdl"].map(|name| fs::read_to_string(scratch.0.join(name)).unwrap());
    let other = mine.replace("0x410fd990", "0x410fd991");
    assert_ne!(other, mine);
    let (before, behind) = ours.split_once(" digest=\"").expect("a digest");
    let unbound = format!("{before}{}", behind.split_once('"').expect("its end").1);
    for (mine, ours, told) in [
        (&other, &ours, "spec::unmeasured-kernel"),
        (&mine, &unbound, "`mine` is a model in a file"),
    ] {
        scratch.write("mine.kdl", mine);
        scratch.write("ours.kdl", ours);
        let output = scratch.vmlock(&["lock", "--check", "web.vm.kdl"]);
        assert_eq!(output.status.code(), Some(1), "{}", err(&output));
        assert!(err(&output).contains(told), "{told} in {}", err(&output));
    }
}

#[test]
fn what_an_imported_baseline_does_not_know_has_to_exist() {
    let scratch = Scratch::new("topics");
    scratch.write(
        "own.kdl",
        "baseline \"own\" after=\"kvm-6.1\" {\n    kernel package=\"p\"\n    measured-on \"neoverse-n9\"\n    unknown \"smk\" source=\"s\"\n    unknown \"smc\"\n}\n",
    );
    scratch.write(
        "web.vm.kdl",
        &spec(
            "web",
            "    import \"own.kdl\"\n",
            "\"own\"",
            "\"neoverse-n1\" count=1",
        ),
    );
    let output = scratch.vmlock(&["lock", "web.vm.kdl"]);
    let text = err(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in [
        "`kernel` needs the package and its version",
        "no CPU model `neoverse-n9`",
        "no field or register `smk`",
        "`unknown` has no source",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(!scratch.0.join("web.vm.lock.json").exists());
}

/// A part says one thing of any kernel: what speaks of one kernel would be read in it, and nothing would act on it. And no
/// file says which hosts of the lab have a user's kernel.
#[test]
fn what_speaks_of_a_whole_kernel_is_refused_elsewhere() {
    let of_one = "    kernel package=\"p\" version=\"1\"\n    measured-on \"neoverse-n1\"\n    unknown \"pmu\" source=\"s\"\n";
    let recorded = "    kernel package=\"p\" version=\"1\" recorded=\"6.12\"\n";
    let in_part = [
        "`kernel` speaks",
        "`measured-on` speaks",
        "`unknown` speaks",
    ];
    for (head, body, told) in [
        ("part=\"psci\"", of_one, &in_part[..]),
        (
            "after=\"kvm-6.1\"",
            recorded,
            &["`recorded` names hosts"][..],
        ),
    ] {
        let scratch = Scratch::new("elsewhere");
        let file = format!("baseline \"own\" {head} {{\n    psci \"1.0\" source=\"s\"\n{body}}}\n");
        scratch.write("own.kdl", &file);
        let abi = match head.starts_with("part") {
            true => "\"kvm-6.1\" \"own\"",
            false => "\"own\"",
        };
        let import = "    import \"own.kdl\"\n";
        scratch.write(
            "web.vm.kdl",
            &spec("web", import, abi, "\"neoverse-n1\" count=1"),
        );
        let output = scratch.vmlock(&["lock", "web.vm.kdl"]);
        let text = err(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        for words in told {
            assert!(text.contains(words), "{words} in {text}");
        }
        assert!(!scratch.0.join("web.vm.lock.json").exists());
        // It is these lines alone that are in the way.
        let without = file.replace(body, "");
        scratch.write("own.kdl", &without);
        let output = scratch.vmlock(&["lock", "web.vm.kdl"]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    }
}

/// What a kernel before 5.11 cannot tell of a CPU is unknown in a model that is made there, and not "open to Meltdown".
#[test]
fn a_model_made_on_5_10_never_says_less_of_meltdown_than_a_later_kernel_shows() {
    const PFR0: &str = "ID_AA64PFR0_EL1";
    const LATER: [&str; 10] = [
        "6.1", "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3",
    ];
    let scratch = Scratch::new("made-on-5.10");
    let made = |report: &str, name: &str| -> String {
        let file = format!("{name}.kdl");
        let output = scratch.vmlock(&["cpu", report, "--name", name, "-o", &file]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        fs::read_to_string(scratch.0.join(&file)).unwrap()
    };
    for (cpu, told) in [
        ("cortex-a72", false),
        ("cortex-a76", true),
        ("neoverse-n1", true),
        ("max", true),
    ] {
        let mine = format!("mine-{cpu}");
        let text = made(&report_of(cpu, "5.10"), &mine);
        let unknown = "unknown \"unaffected:meltdown\"";
        assert_eq!(text.contains(unknown), !told, "{text}");
        assert_eq!(text.contains("unaffected \"meltdown\""), told, "{text}");
        for series in LATER {
            let name = format!("{cpu}-{series}");
            let import = format!("    import \"{mine}.kdl\"\n");
            let abi = format!("\"kvm-{series}\"");
            let asked = spec(&name, &import, &abi, &format!("\"{mine}\" count=1"));
            if !told {
                let file = format!("{name}.vm.kdl");
                scratch.write(&file, &asked);
                let (code, object) = scratch.json(&["lock", &file]);
                assert_eq!(code, 1, "{name}: {object}");
                let said = object.to_string();
                assert!(said.contains("spec::unmeasured"), "{said}");
                assert!(said.contains("ID_AA64PFR0_EL1.CSV3"), "{said}");
                // What the help says: who knows it says so in the model.
                let known = text.lines().map(|line| match line.contains(unknown) {
                    true => "    unaffected \"meltdown\"\n".to_owned(),
                    false => format!("{line}\n"),
                });
                scratch.write(&format!("{mine}.kdl"), &known.collect::<String>());
            }
            let lock = scratch.lock(&name, &asked);
            scratch.write(&format!("{mine}.kdl"), &text);
            let locked = lock.registers.iter().find(|r| r.name == PFR0).unwrap();
            let report = fs::read_to_string(report_of(cpu, series)).unwrap();
            let report = report::parse(&report).unwrap();
            let shown = report.view(&[]).unwrap().seen(PFR0).value();
            assert_eq!(Some(locked.value), shown, "{name}");
        }
        // Later kernels judge by themselves, and what they show is known.
        for series in LATER {
            let text = made(&report_of(cpu, series), &format!("own-{cpu}-{series}"));
            assert!(text.contains("unaffected \"meltdown\""), "{text}");
        }
    }
    // A later kernel that shows 0 has looked, and the CPU is open to it.
    for series in LATER {
        let text = fs::read_to_string(report_of("cortex-a72", series)).unwrap();
        let open = text.replace("\"0x1000000001000222\"", "\"0x0000000001000222\"");
        assert_ne!(open, text, "{series}");
        scratch.write("open.json", &open);
        let model = made("open.json", &format!("open-{series}"));
        assert!(!model.contains("meltdown"), "{series}: {model}");
    }
    // Each of the two signs of a kernel that looks is enough, and without both nobody knows.
    let text = fs::read_to_string(report_of("cortex-a72", "6.1")).unwrap();
    let open = text.replace("\"0x1000000001000222\"", "\"0x0000000001000222\"");
    for (has_bitmap, has_pmu) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut report: serde_json::Value = serde_json::from_str(&open).unwrap();
        let views = report["views"].as_array_mut().unwrap();
        assert_eq!(views.len(), 2);
        views.retain(|view| has_pmu || view["features"].as_array().is_some_and(Vec::is_empty));
        for view in views {
            let registers = view["registers"].as_array_mut().unwrap();
            let before = registers.len();
            registers.retain(|one| has_bitmap || one["name"] != "KVM_REG_ARM_STD_BMAP");
            assert_eq!(registers.len() == before, has_bitmap);
        }
        scratch.write("sign.json", &report.to_string());
        let model = made("sign.json", &format!("sign-{has_bitmap}-{has_pmu}"));
        assert_eq!(
            model.contains("unknown \"unaffected:meltdown\""),
            !(has_bitmap || has_pmu),
            "{has_bitmap} {has_pmu}: {model}"
        );
    }
    // A host is adopted as it is: what its guests see is known.
    let report = report_of("cortex-a72", "5.10");
    let (code, object) = scratch.json(&["adopt", &report, "--name", "old"]);
    assert_eq!(
        (code, &object["adopted"]["nearest"]),
        (0, &"kvm-5.10".into())
    );
    let (code, object) = scratch.json(&["lock", "old.vm.kdl"]);
    assert_eq!(code, 0, "{object}");
    let check = ["check", "old.vm.lock.json", "--host", &report];
    assert_eq!(scratch.json(&check).0, 0);
}
