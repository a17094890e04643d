//! `vmlock import`: what others know of a CPU becomes a part of a model, and what they do not know is unknown in it.

use crate::scratch::{Scratch, err, root};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use vmlock_spec::catalogue::{CPUS, CpuModel, REGISTERS, register_by_name};

/// A fingerprint as Firecracker's helper writes it, of what a guest on a real machine was measured to have.
pub fn fingerprint(measured: &str) -> Value {
    let path = root().join(format!("spec/tests/measured/silicon/{measured}.txt"));
    let text = fs::read_to_string(path).unwrap();
    let modifier = |line: &str| {
        let mut words = line.strip_prefix("R ")?.split(' ');
        let (id, value) = (words.next()?, words.nth(1)?);
        let value = u128::from_str_radix(value, 16).ok()?;
        Some(json!({ "addr": format!("0x{id}"), "bitmap": format!("0b{value:0128b}") }))
    };
    let modifiers: Vec<Value> = text.lines().filter_map(modifier).collect();
    assert!(modifiers.len() > 200, "{measured}: {}", modifiers.len());
    json!({
        "firecracker_version": "1.16.1",
        "kernel_version": "6.1.172-216.329.amzn2023.aarch64",
        "microcode_version": "",
        "bios_version": "1.0",
        "bios_revision": "1.0",
        "guest_cpu_config": { "kvm_capabilities": [], "vcpu_features": [], "reg_modifiers": modifiers }
    })
}

/// The model in a file, as the catalogue's reader has it.
fn model(text: &str, name: &str) -> CpuModel {
    let document: kdl::KdlDocument = text.parse().unwrap_or_else(|e| panic!("{e}: {text}"));
    let (contents, problems) = vmlock_catalogue_reader::decode(&document);
    assert!(problems.is_empty(), "{problems:?}");
    let mut cpus = contents.cpus.into_iter();
    cpus.find(|cpu| cpu.name == name).expect("the model")
}

/// Imports a file, and reads what comes of it.
fn import(scratch: &Scratch, file: &str) -> (CpuModel, Value) {
    let (code, object) = scratch.json(&["import", file, "--name", "own"]);
    assert_eq!(code, 0, "{object}");
    let text = object["models"][0]["kdl"].as_str().unwrap();
    (model(text, "own"), object)
}

fn ours(name: &str) -> &'static CpuModel {
    CPUS.iter().find(|cpu| cpu.name == name).unwrap()
}

/// Fields of which the first model knows a value: those that both know and have otherwise, those that the second does not
/// know, and how many both know.
fn held(imported: &CpuModel, ours: &CpuModel) -> (BTreeSet<String>, BTreeSet<String>, usize) {
    let (mut other, mut more, mut alike) = (BTreeSet::new(), BTreeSet::new(), 0);
    for register in REGISTERS {
        for field in register.fields.iter() {
            let Some(value) = imported.silicon(register).get(field) else {
                continue;
            };
            let path = format!("{}.{}", register.name, field.name);
            match ours.silicon(register).get(field) {
                Some(own) if own == value => alike += 1,
                Some(own) => {
                    other.insert(format!("{path} {value:#x} {own:#x}"));
                }
                None => {
                    more.insert(path);
                }
            }
        }
    }
    for path in ["unaffected:meltdown", "unaffected:spectre-v2"] {
        let says = |cpu: &CpuModel| {
            let name = path.trim_start_matches("unaffected:");
            let unaffected = cpu.unaffected.iter().any(|u| u == name);
            let known = unaffected || !cpu.unknown.iter().any(|u| u.path == path);
            known.then_some(unaffected)
        };
        match (says(imported), says(ours)) {
            (None, _) => {}
            (Some(_), None) => {
                more.insert(path.to_owned());
            }
            (Some(value), Some(own)) if value == own => alike += 1,
            (Some(value), Some(own)) => {
                other.insert(format!("{path} {value} {own}"));
            }
        }
    }
    (other, more, alike)
}

/// A description of a guest on the model in `own.kdl`.
fn on_own(abi: &str) -> String {
    format!(
        "vm \"a\" {{\n    arch \"arm64\"\n    import \"own.kdl\"\n    abi \"{abi}\"\n    cpu \"own\" count=1\n    memory \"64MiB\"\n}}\n"
    )
}

#[test]
fn whether_a_cpu_is_open_to_a_vulnerability_is_unknown_until_something_proves_it() {
    let scratch = Scratch::new("import-unaffected");
    scratch.write("cpuinfo", &cpu(0, "0xd0c", "1", N1));
    // A template that hides both: nothing about the CPU.
    let pfr0 = |csv: &str| {
        let bitmap = format!("0b{csv}{}", "x".repeat(56));
        json!({ "reg_modifiers": [{ "addr": "0x603000000013c020", "bitmap": bitmap }] })
    };
    scratch.write("hidden.json", &pfr0("00000000").to_string());
    scratch.write("shown.json", &pfr0("00010001").to_string());
    // A guest to which CSV3 and CSV2 read as zero, and one that was told nothing of the register, or a part of it.
    let mut zero = fingerprint("graviton2-neoverse-n1-6.1");
    let modifiers = zero["guest_cpu_config"]["reg_modifiers"].as_array_mut();
    let modifiers = modifiers.unwrap();
    let at = modifiers
        .iter()
        .position(|m| m["addr"] == "0x603000000013c020")
        .expect("the register");
    let whole = modifiers[at]["bitmap"].as_str().unwrap().to_owned();
    modifiers[at]["bitmap"] = format!("0b{}{}", "0".repeat(72), &whole[2 + 72..]).into();
    scratch.write("zero.json", &zero.to_string());
    zero["guest_cpu_config"]["reg_modifiers"][at]["bitmap"] =
        format!("{}x", &whole[..whole.len() - 1]).into();
    scratch.write("part.json", &zero.to_string());
    let modifiers = zero["guest_cpu_config"]["reg_modifiers"].as_array_mut();
    modifiers.unwrap().remove(at);
    scratch.write("none.json", &zero.to_string());
    for file in [
        "cpuinfo",
        "hidden.json",
        "shown.json",
        "zero.json",
        "part.json",
        "none.json",
    ] {
        let (imported, object) = import(&scratch, file);
        assert!(imported.unaffected.is_empty(), "{file}");
        let unknown = object["models"][0]["unknown"].as_array().unwrap();
        for name in ["unaffected:meltdown", "unaffected:spectre-v2"] {
            assert!(unknown.iter().any(|u| u == name), "{file}: {unknown:?}");
        }
        let text = object["models"][0]["kdl"].as_str().unwrap();
        scratch.write("own.kdl", text);
        for (abi, paths) in [
            ("kvm-5.10", &["CSV2"][..]),
            ("kvm-6.1", &["CSV2", "CSV3"]),
            ("kvm-6.12", &["CSV2", "CSV3"]),
        ] {
            scratch.write("a.vm.kdl", &on_own(abi));
            let (code, object) = scratch.json(&["lock", "a.vm.kdl"]);
            let found = object["diagnostics"].as_array().unwrap();
            let told: Vec<&Value> = found
                .iter()
                .filter(|d| d["code"] == "spec::unmeasured")
                .collect();
            for path in paths {
                let path = format!("ID_AA64PFR0_EL1.{path}");
                let names = |d: &&Value| d["message"].as_str().unwrap().contains(&path);
                let named = told.iter().any(names);
                assert!(code == 1 && named, "{file} {abi} {path}: {object}");
            }
        }
    }
    // Words of a model's own.
    let text = fs::read_to_string(scratch.0.join("own.kdl")).unwrap();
    for (from, to, words) in [
        (
            "\"unaffected:meltdown\"",
            "\"unaffected:metldown\"",
            "metldown",
        ),
        (
            "    unknown",
            "    unaffected \"meltdown\"\n    unknown",
            "`unaffected \\\"meltdown\\\"` is given and unknown",
        ),
        (
            "    unknown",
            "    unaffected \"Meltdown\"\n    unknown",
            "there is no vulnerability `Meltdown`",
        ),
        // A second line takes nothing back of the first.
        (
            "    unknown",
            "    unaffected \"meltdown\"\n    unaffected \"spectre-v2\"\n    unknown",
            "`unaffected \\\"meltdown\\\"` is given and unknown",
        ),
    ] {
        scratch.write("own.kdl", &text.replacen(from, to, 1));
        let (code, object) = scratch.json(&["lock", "a.vm.kdl"]);
        assert!(
            code == 1 && object["diagnostics"].to_string().contains(words),
            "{words}: {object}"
        );
    }
    // A part of a user's own can have more than a field hang on it.
    let part = "baseline \"own-psci\" part=\"psci\" {\n    title \"x\"\n    psci \"1.0\" when=\"unaffected:meltdown\" source=\"x\"\n}\n";
    scratch.write("own.kdl", &(text + part));
    let abi = on_own("kvm-6.1").replace("\"kvm-6.1\"", "\"kvm-6.1\" \"own-psci\"");
    scratch.write("a.vm.kdl", &abi);
    let (code, object) = scratch.json(&["lock", "a.vm.kdl"]);
    let told = object["diagnostics"].to_string();
    assert!(
        code == 1 && told.contains("hangs on unaffected:meltdown"),
        "{object}"
    );
}

#[test]
fn a_register_without_fields_is_known_whole_or_not_at_all() {
    let scratch = Scratch::new("import-fieldless");
    let without = |r: &&vmlock_spec::catalogue::RegisterInfo| {
        r.kind == vmlock_spec::catalogue::Kind::Id && r.fields.is_empty()
    };
    let register = REGISTERS.iter().find(without).expect("such a register");
    for (bitmap, known) in [("x".repeat(64), false), ("0".repeat(64), true)] {
        let modifier =
            json!({ "addr": format!("{:#x}", register.id), "bitmap": format!("0b{bitmap}") });
        scratch.write(
            "a.json",
            &json!({ "reg_modifiers": [modifier] }).to_string(),
        );
        let (imported, object) = import(&scratch, "a.json");
        let unknown = if known { 0 } else { u64::MAX };
        assert_eq!(imported.silicon(register).unknown, unknown, "{bitmap}");
        let part = format!(
            "baseline \"own-part\" part=\"own\" {{\n    title \"x\"\n    show \"{}\" source=\"x\"\n}}\n",
            register.name
        );
        let text = object["models"][0]["kdl"].as_str().unwrap();
        scratch.write("own.kdl", &(text.to_owned() + &part));
        let abi = on_own("kvm-6.1").replace("\"kvm-6.1\"", "\"kvm-6.1\" \"own-part\"");
        scratch.write("a.vm.kdl", &abi);
        let (code, object) = scratch.json(&["lock", "a.vm.kdl"]);
        let found = object["diagnostics"].as_array().unwrap();
        let names = |d: &Value| {
            let message = d["message"].as_str().unwrap();
            d["code"] == "spec::unmeasured" && message.contains(register.name.as_ref())
        };
        assert_eq!(
            (code, found.iter().any(names)),
            (1, !known),
            "{bitmap}: {object}"
        );
    }
}

#[test]
fn a_fingerprint_knows_nothing_that_is_not_so() {
    let scratch = Scratch::new("import-fingerprint");
    for (name, measured) in [
        ("graviton2", "graviton2-neoverse-n1-5.10"),
        ("graviton2", "graviton2-neoverse-n1-6.1"),
        ("graviton3", "graviton3-neoverse-v1-5.10"),
        ("graviton3", "graviton3-neoverse-v1-6.1"),
        ("graviton4", "graviton4-neoverse-v2-5.10"),
        ("graviton4", "graviton4-neoverse-v2-6.1"),
    ] {
        scratch.write("a.json", &fingerprint(measured).to_string());
        let (imported, object) = import(&scratch, "a.json");
        let (other, more, alike) = held(&imported, ours(name));
        assert!(
            other.is_empty() && more.is_empty(),
            "{measured}: {other:?} {more:?}"
        );
        assert!(alike > 150, "{measured}: only {alike} fields");
        let unknown = object["models"][0]["unknown"].to_string();
        for path in [
            "ID_AA64PFR0_EL1.SVE",
            "CNTFRQ_EL0",
            "CLIDR_EL1",
            "CCSIDR_EL1[0]",
            "ACTLR_EL1",
        ] {
            assert!(unknown.contains(path), "{measured}: {path} in {unknown}");
        }
        assert!(object["beside"].to_string().contains("psci-1."), "{object}");
    }
}

#[test]
fn what_was_not_told_makes_no_lock_until_somebody_decides_it() {
    let scratch = Scratch::new("import-lock");
    scratch.write(
        "a.json",
        &fingerprint("graviton2-neoverse-n1-6.1").to_string(),
    );
    let output = scratch.vmlock(&["import", "a.json", "--name", "own", "-o", "own.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let spec = |more: &str, cpu: &str| {
        format!(
            "vm \"a\" {{\n    arch \"arm64\"\n    import \"own.kdl\"\n    abi \"kvm-6.8\"\n    cpu \"own\" count=1 {{{cpu}}}\n    memory \"64MiB\"\n{more}}}\n"
        )
    };
    scratch.write("a.vm.kdl", &spec("", ""));
    let (code, object) = scratch.json(&["lock", "a.vm.kdl"]);
    let found = object["diagnostics"].as_array().unwrap();
    assert!(
        code == 1 && found.iter().all(|d| d["code"] == "spec::unmeasured"),
        "{object}"
    );
    assert!(!scratch.0.join("a.vm.lock.json").exists());
    // The vCPU features that the guest did not have.
    for feature in ["pmu", "sve", "pauth", "mte"] {
        scratch.write("a.vm.kdl", &spec("", &format!("\n        {feature}\n    ")));
        let (code, object) = scratch.json(&["lock", "a.vm.kdl"]);
        let words = format!("nobody has measured `{feature}` on `own`");
        assert!(code == 1 && object.to_string().contains(&words), "{object}");
    }
    // Each line that the help names, and the two registers that no line can leave open.
    let mut decided = fs::read_to_string(scratch.0.join("own.kdl")).unwrap();
    for (name, value) in [("CLIDR_EL1", "0x82000023"), ("ACTLR_EL1", "0x0")] {
        decided = decided.replacen(&format!(" \"{name}\""), "", 1);
        let line = format!("    register \"{name}\" {value} source=\"the manual\"\n    unaffected");
        decided = decided.replacen("    unaffected", &line, 1);
    }
    scratch.write("own.kdl", &decided);
    let helps: Vec<&str> = found.iter().filter_map(|d| d["help"].as_str()).collect();
    let between = |from: &str, to: &str| {
        let rest = helps
            .iter()
            .find_map(|help| help.split_once(from))
            .map(|(_, rest)| rest);
        let rest = rest.unwrap_or_else(|| panic!("{from} in {helps:?}"));
        rest.split_once(to)
            .map_or(rest, |(names, _)| names)
            .to_owned()
    };
    let (hide, vary) = (between("hide ", ";"), between("vary ", ";"));
    // On a CPU with FEAT_EVT kernels show the silicon's own IDC.
    let cpu = format!("\n        hide {hide}\n        set \"CTR_EL0.IDC\" 0\n    ");
    let whole = spec(&format!("    vary {vary}\n"), &cpu);
    let lock = scratch.lock("a", &whole);
    assert!(lock.registers.len() > 60, "{}", lock.registers.len());
    assert!(
        lock.registers
            .iter()
            .any(|r| r.name == "CNTFRQ_EL0" && !r.vary.is_empty())
    );
}

#[test]
fn what_was_exported_comes_back_with_the_same_values() {
    let scratch = Scratch::new("import-template");
    let template = root().join("examples/firecracker/modern.json");
    let (imported, object) = import(&scratch, template.to_str().unwrap());
    let text = fs::read_to_string(&template).unwrap();
    let template: Value = serde_json::from_str(&text).unwrap();
    let lock = fs::read_to_string(root().join("examples/modern.vm.lock.json")).unwrap();
    let lock = vmlock_spec::lock::canonical::parse(&lock).unwrap();
    let mut compared = 0;
    for modifier in template["reg_modifiers"].as_array().unwrap() {
        let id = modifier["addr"].as_str().unwrap().trim_start_matches("0x");
        let id = u64::from_str_radix(id, 16).unwrap();
        let Some(entry) = lock.registers.iter().find(|r| r.id == id) else {
            continue;
        };
        let register = register_by_name(&entry.name).unwrap();
        let silicon = imported.silicon(register);
        let promised = entry.promised();
        if silicon.unknown & promised == promised {
            // Calls, versions and what a kernel makes of debug registers are no part of a CPU.
            assert!(
                entry.name.starts_with("KVM_REG_ARM_") || entry.name == "OSLSR_EL1",
                "{}",
                entry.name
            );
            continue;
        }
        if imported
            .registers
            .iter()
            .any(|r| r.register == register.name)
        {
            assert_eq!(
                silicon.value & promised,
                entry.value & promised,
                "{}",
                entry.name
            );
            compared += 1;
        }
    }
    assert!(compared > 55, "only {compared} registers");
    assert!(
        object["beside"].to_string().contains("psci-1.1"),
        "{object}"
    );
    // The host decides these there.
    for name in ["MIDR_EL1", "CLIDR_EL1", "CNTFRQ_EL0"] {
        let register = register_by_name(name).unwrap();
        assert_eq!(imported.silicon(register).unknown, u64::MAX, "{name}");
    }
}

#[test]
fn what_a_witness_saw_under_kvm_knows_nothing_that_is_not_so() {
    let scratch = Scratch::new("import-observed");
    for (kernel, real) in [("6.1", true), ("7.2", false)] {
        let log = root().join(format!(
            "compiler/tests/ui/diff-observed-under-kvm/linux-{kernel}.log"
        ));
        let (imported, object) = import(&scratch, log.to_str().unwrap());
        let (other, more, alike) = held(&imported, ours("neoverse-n1"));
        // Debug version 6 is made up there, and events are left out.
        assert!(
            other.is_empty() && more.is_empty(),
            "{kernel}: {other:?} {more:?}"
        );
        assert!(alike > 180, "{kernel}: only {alike} fields");
        let known = |name: &str| imported.silicon(register_by_name(name).unwrap()).unknown == 0;
        assert_eq!(known("CLIDR_EL1"), real, "{kernel}");
        assert_eq!(known("CCSIDR_EL1[0]"), real, "{kernel}");
        assert!(known("CNTFRQ_EL0") && known("ICC_CTLR_EL1"), "{kernel}");
        assert!(
            object["beside"].to_string().contains("gic-iidr-rev3"),
            "{object}"
        );
        // The same from what `observe` made of it.
        let facts = scratch.vmlock(&["observe", log.to_str().unwrap(), "-o", "facts.json"]);
        assert_eq!(facts.status.code(), Some(0), "{}", err(&facts));
        let (again, _) = import(&scratch, "facts.json");
        assert_eq!(again, imported);
        // A console's log that begins as XML does not.
        let text = fs::read_to_string(&log).unwrap();
        scratch.write("console.log", &format!("<6>[ 0.0] Booting\n{text}"));
        let (again, _) = import(&scratch, "console.log");
        assert_eq!(again, imported);
    }
    let log = root().join("compiler/tests/ui/diff-observed-under-kvm/linux-6.1.log");
    scratch.vmlock(&["observe", log.to_str().unwrap(), "-o", "facts.json"]);
    let facts = fs::read_to_string(scratch.0.join("facts.json")).unwrap();
    let mut apart: Value = serde_json::from_str(&facts).unwrap();
    apart["guest"][1]["MIDR_EL1"] = "0x00000000410fd083".into();
    scratch.write("apart.json", &apart.to_string());
    let (code, object) = scratch.json(&["import", "apart.json", "--name", "own"]);
    assert_eq!(
        (code, &object["diagnostics"][0]["code"]),
        (3, &"host::vcpus-disagree".into()),
        "{object}"
    );
    let whole = fs::read(&log).unwrap();
    fs::write(scratch.0.join("cut.log"), &whole[..whole.len() / 2]).unwrap();
    let (code, object) = scratch.json(&["import", "cut.log", "--name", "own"]);
    assert_eq!(
        (code, &object["diagnostics"][0]["code"]),
        (4, &"observed::damaged".into()),
        "{object}"
    );
}

/// A CPU as arm64 Linux prints it.
fn cpu(number: u32, part: &str, revision: &str, features: &str) -> String {
    format!(
        "processor\t: {number}\nBogoMIPS\t: 243.75\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: {part}\nCPU revision\t: {revision}\n\n"
    )
}

const N1: &str = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs";

#[test]
fn cpuinfo_knows_the_least_that_there_is() {
    let scratch = Scratch::new("import-cpuinfo");
    scratch.write(
        "cpuinfo",
        &(cpu(0, "0xd0c", "1", N1) + &cpu(1, "0xd0c", "1", N1)),
    );
    let (imported, _) = import(&scratch, "cpuinfo");
    let (other, more, alike) = held(&imported, ours("graviton2"));
    assert!(other.is_empty() && more.is_empty(), "{other:?} {more:?}");
    assert!(alike >= 18, "only {alike} fields");
    let has = |path: &str| {
        let (register, field) = vmlock_spec::catalogue::field(path).unwrap();
        imported.silicon(register).get(field)
    };
    for (path, least) in [
        ("MIDR_EL1.Revision", Some(1)),
        ("ID_AA64ISAR0_EL1.AES", Some(2)),
        ("ID_AA64ISAR0_EL1.SHA2", Some(1)),
        ("ID_AA64PFR0_EL1.FP", Some(1)),
        // Not named, which says nothing; and what AArch32 would see.
        ("ID_AA64ISAR0_EL1.SM4", None),
        ("ID_AA64PFR0_EL1.SVE", None),
        ("ID_ISAR5_EL1.AES", None),
    ] {
        assert_eq!(has(path), least, "{path}");
    }
    // Two kinds of CPU are two models, each with what all of its kind have.
    let little = "fp asimd aes";
    scratch.write(
        "both",
        &(cpu(0, "0xd0c", "1", N1) + &cpu(1, "0xd05", "0", little) + &cpu(2, "0xd0c", "1", little)),
    );
    let (code, object) = scratch.json(&["import", "both", "--name", "own"]);
    let models = object["models"].as_array().unwrap();
    assert_eq!((code, models.len()), (0, 2), "{object}");
    let named = |at: usize| {
        model(
            models[at]["kdl"].as_str().unwrap(),
            &format!("own-{}", at + 1),
        )
    };
    let midr = register_by_name("MIDR_EL1").unwrap();
    assert_eq!(
        [0, 1].map(|at| named(at).silicon(midr).value),
        [0x413f_d0c1, 0x413f_d050]
    );
    let (register, crc32) = vmlock_spec::catalogue::field("ID_AA64ISAR0_EL1.CRC32").unwrap();
    assert_eq!(named(0).silicon(register).get(crc32), None);
    // What it does not know makes no lock.
    let output = scratch.vmlock(&["import", "cpuinfo", "--name", "own", "-o", "own.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let spec = "vm \"a\" {\n    arch \"arm64\"\n    import \"own.kdl\"\n    abi \"kvm-6.12\"\n    cpu \"own\" count=1\n    memory \"64MiB\"\n}\n";
    scratch.write("a.vm.kdl", spec);
    let (code, object) = scratch.json(&["lock", "a.vm.kdl"]);
    assert!(
        code == 1 && object.to_string().contains("spec::unmeasured"),
        "{object}"
    );
    // Of a Linux that knows more than the catalogue does; and what no Linux calls so.
    scratch.write("newer", &cpu(0, "0xd0c", "1", "fp asimd tomorrow aarch32"));
    let (imported, object) = import(&scratch, "newer");
    let beside = object["beside"].to_string();
    assert!(
        beside.contains("tomorrow") && beside.contains("aarch32"),
        "{object}"
    );
    let (register, el0) = vmlock_spec::catalogue::field("ID_AA64PFR0_EL1.EL0").unwrap();
    assert_eq!(imported.silicon(register).get(el0), None);
    // Never over a file that is there, be it the one that is read.
    for taken in ["own.kdl", "newer"] {
        let before = fs::read(scratch.0.join(taken)).unwrap();
        let output = scratch.vmlock(&["import", "newer", "--name", "own", "-o", taken]);
        assert!(
            output.status.code() == Some(4) && err(&output).contains("io::exists"),
            "{}",
            err(&output)
        );
        assert_eq!(fs::read(scratch.0.join(taken)).unwrap(), before);
    }
}

#[test]
fn what_is_not_as_its_program_writes_it_is_refused_at_its_place_and_nothing_is_written() {
    let scratch = Scratch::new("import-refused");
    let modifiers = |list: &str| format!("{{ \"reg_modifiers\": [\n{list}\n] }}");
    let midr = r#"{ "addr": "0x603000000013c000", "bitmap": "0b1" }"#;
    let deep = "[".repeat(100_000);
    for (text, line, words) in [
        (
            modifiers(&format!("{midr},\n{midr}")),
            Some(2),
            "stands twice",
        ),
        (
            modifiers(&midr.replace("0b1", "0b2")),
            Some(2),
            "the bitmap of 0x603000000013c000 is none",
        ),
        (
            modifiers(&midr.replace("0b1", &"1".repeat(129))),
            Some(2),
            "is none",
        ),
        (
            modifiers(&midr.replace("0b1", &format!("1{}", "0".repeat(64)))),
            Some(2),
            "a bit beyond the 64",
        ),
        (
            modifiers(&midr.replace("0x603000000013c000", "0x+1")),
            Some(2),
            "no id of a register",
        ),
        (
            modifiers(&midr.replace("0x603000000013c000", "24627")),
            Some(2),
            "no id of a register",
        ),
        (
            modifiers(&midr.replace("bitmap", "bits")),
            Some(2),
            "unknown field `bits`",
        ),
        (
            modifiers(&midr.replace("0x603000000013c000", &"9".repeat(5000))),
            Some(2),
            "9999…` is no id of a register",
        ),
        (modifiers(""), None, "it names no register"),
        (
            "{ \"reg_modifiers\": [],\n \"cpuid_modifiers\": [] }".to_owned(),
            Some(2),
            "unknown field `cpuid_modifiers`",
        ),
        (
            format!("{{ \"reg_modifiers\": {deep}"),
            None,
            "EOF while parsing",
        ),
        (
            cpu(0, "0xd0c", "1", N1).replace("CPU part\t: 0xd0c\n", ""),
            Some(1),
            "no line `CPU part`",
        ),
        (
            cpu(0, "0xd0c", "16", N1),
            Some(8),
            "`16` is no `CPU revision`",
        ),
        (
            cpu(0, "0x1d0c", "1", N1),
            Some(7),
            "MIDR_EL1 has 12 bits for it",
        ),
        (cpu(0, "0x+c", "1", N1), Some(7), "is no `CPU part`"),
        (
            cpu(0, "0xd0c", "1", "half thumb fastmult vfp"),
            Some(3),
            "programs of 32 bits",
        ),
        (
            cpu(0, "0xd0c", "1", N1).replace(": 8", ": 7"),
            Some(5),
            "architecture `7`",
        ),
        (
            (0..20)
                .map(|n| cpu(n, &format!("{n:#x}"), "1", "fp"))
                .collect(),
            None,
            "more than 16 kinds",
        ),
        (
            "vendor_id\t: GenuineIntel\nflags\t\t: fpu vme\n".to_owned(),
            None,
            "nothing of which",
        ),
        (String::new(), None, "nothing of which"),
    ] {
        scratch.write("bad", &text);
        let (code, object) = scratch.json(&["import", "bad", "--name", "own", "-o", "own.kdl"]);
        let found = &object["diagnostics"][0];
        let shown = &text[..text.len().min(300)];
        assert_eq!(code, 4, "{shown}: {object}");
        assert!(
            found["message"].as_str().unwrap().contains(words),
            "{shown}: {object}"
        );
        assert!(
            found["help"].as_str().is_some_and(|help| !help.is_empty()),
            "{object}"
        );
        if let Some(line) = line {
            assert_eq!(found["span"]["line"], line, "{shown}: {object}");
        }
        assert!(!scratch.0.join("own.kdl").exists(), "{shown}");
    }
    // However much of it is wrong, a few problems are told, and soon.
    let many: Vec<String> = (0..40_000)
        .map(|n| midr.replace("0b1", &format!("2{n}")))
        .collect();
    let cpus: String = (0..20_000).map(|n| cpu(n, "0xd0c", "99", "fp")).collect();
    for text in [modifiers(&many.join(",\n")), cpus] {
        scratch.write("many", &text);
        let started = std::time::Instant::now();
        let (code, object) = scratch.json(&["import", "many", "--name", "own"]);
        let found = object["diagnostics"].as_array().unwrap();
        assert_eq!((code, found.len()), (4, 12));
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }
    // Text of a file's own acts on nobody: no line of a terminal, no comment or node of the model.
    let mut hostile = fingerprint("graviton2-neoverse-n1-6.1");
    hostile["kernel_version"] = "6.1\"\n}\ncpu \"x\" { // \u{1b}[2J".into();
    scratch.write("hostile.json", &hostile.to_string());
    let (imported, object) = import(&scratch, "hostile.json");
    let text = object["models"][0]["kdl"].as_str().unwrap();
    assert!(
        !text.contains('\u{1b}') && imported.title.contains("\\u{a}"),
        "{text}"
    );
    assert_eq!(text.matches("\ncpu ").count(), 1, "{text}");
    // Names that nothing can import, and reports, of which other commands make more.
    for (name, code) in [
        ("neoverse-n1", "import::name-taken"),
        ("a b", "usage::name"),
    ] {
        let (exit, object) = scratch.json(&["import", "hostile.json", "--name", name]);
        assert_eq!((exit, &object["diagnostics"][0]["code"]), (2, &code.into()));
    }
    let report = crate::scratch::report_of("neoverse-n1", "6.12");
    let (code, object) = scratch.json(&["import", &report, "--name", "own"]);
    assert_eq!(
        (code, &object["diagnostics"][0]["code"]),
        (4, &"foreign::unknown-kind".into())
    );
    assert!(object.to_string().contains("vmlock cpu"), "{object}");
}

#[test]
fn a_command_line_becomes_the_description_of_the_machine_that_it_was_exported_from() {
    let scratch = Scratch::new("import-qemu");
    let args = root().join("examples/qemu/modern.args");
    let args = args.to_str().unwrap();
    let said = [
        "--name",
        "web",
        "--abi",
        "kvm-6.8",
        "psci-1.1",
        "--cpu",
        "neoverse-n1",
    ];
    let with = |more: &[&'static str]| [&["import", args], &said[..], more].concat();
    let output = scratch.vmlock(&with(&["-o", "web.vm.kdl"]));
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let output = scratch.vmlock(&["lock", "web.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let read = |path: &std::path::Path| {
        vmlock_spec::lock::canonical::parse(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let lock = read(&scratch.0.join("web.vm.lock.json"));
    let modern = read(&root().join("examples/modern.vm.lock.json"));
    // The checked-in lock is older, and speaks of no more.
    for entry in &modern.registers {
        let same = lock.registers.iter().find(|r| r.id == entry.id);
        assert_eq!(
            same.map(|r| r.value & r.mask),
            Some(entry.value & entry.mask),
            "{}",
            entry.name
        );
    }
    assert!(modern.registers.len() > 60);
    assert_eq!(lock.machine.vcpus.len(), modern.machine.vcpus.len());
    assert_eq!(lock.machine.memory, modern.machine.memory);
    // Never over a file that is there.
    let output = scratch.vmlock(&with(&["-o", "web.vm.kdl"]));
    assert!(
        output.status.code() == Some(4) && err(&output).contains("io::exists"),
        "{}",
        err(&output)
    );
    // What the line does not say is asked for, all at once.
    let (code, object) = scratch.json(&["import", args, "--name", "web"]);
    let text = object["diagnostics"].to_string();
    assert!(
        code == 2 && text.contains("--abi") && text.contains("--cpu"),
        "{object}"
    );
}

#[test]
fn of_a_command_line_everything_is_said_or_named() {
    let scratch = Scratch::new("import-line");
    let line = |text: &str| {
        scratch.write("line", text);
        scratch.json(&[
            "import",
            "line",
            "--name",
            "web",
            "--abi",
            "kvm-6.12",
            "--cpu",
            "neoverse-v1",
        ])
    };
    let (code, object) = line(
        "/usr/bin/qemu-system-aarch64 -M virt-9.2,gic-version=3,mte=on \\\n -cpu host,sve=on,sve128=on,sve256=on,pauth=off,kvm-psci-version=1.1 \\\n \
         -enable-kvm -smp 4,sockets=1 -m 2G -kernel Image -append 'console=ttyAMA0 quiet' -device virtio-net-pci,netdev=n0 -nographic",
    );
    assert_eq!(code, 0, "{object}");
    let text = object["description"].as_str().unwrap();
    for words in [
        "abi \"kvm-6.12\" \"psci-1.1\"",
        "cpu \"neoverse-v1\" count=4",
        "sve 128 256",
        "mte",
        "memory \"2GiB\"",
        "kernel=Image",
        "console=ttyAMA0 quiet",
        "// Not said: pmu, steal-time: QEMU",
        "an ITS",
        "-device",
        "-smp sockets",
    ] {
        assert!(
            text.replace("kernel=\"Image\"", "kernel=Image")
                .contains(words),
            "{words} in {text}"
        );
    }
    assert!(!text.contains("pauth\n") && !text.contains("-;"), "{text}");
    for (text, words) in [
        ("qemu-system-x86_64 -M q35 -cpu host", "no QEMU for arm64"),
        (
            "qemu-system-aarch64 -M raspi3b -cpu host",
            "another machine than `virt`",
        ),
        ("qemu-system-aarch64 -M virt,gic-version=2", "a GICv2"),
        ("qemu-system-aarch64 -M virt -smp none", "no number of CPUs"),
        (
            "qemu-system-aarch64 -M virt -smp sockets=99999,cores=99999",
            "more CPUs than there can be",
        ),
        (
            "qemu-system-aarch64 -M virt -append",
            "`-append` has no value",
        ),
        (
            "qemu-system-aarch64 -M virt -m 99999999999999999999T",
            "no size",
        ),
        ("qemu-system-aarch64 -M virt -m +5", "no size"),
        (
            "qemu-system-aarch64 -M virt -cpu host,sve=on -cpu host",
            "given twice",
        ),
        (
            "qemu-system-aarch64 -M virt -cpu host,kvm-psci-version=9",
            "no version of PSCI",
        ),
        (
            "qemu-system-aarch64 -M virt -cpu host,pmu=on -global host-arm-cpu.pmu=off",
            "`pmu` is said twice, and differently",
        ),
        (
            "qemu-system-aarch64 -M virt -append 'open",
            "a quote in the line is not closed",
        ),
    ] {
        let (code, object) = line(text);
        assert_eq!(
            (code, &object["diagnostics"][0]["code"]),
            (4, &"foreign::invalid".into()),
            "{text}: {object}"
        );
        assert!(
            object["diagnostics"][0]["message"]
                .as_str()
                .unwrap()
                .contains(words),
            "{text}: {object}"
        );
    }
    for (text, words) in [
        ("-smp sockets=2,cores=4", "count=8"),
        ("-smp maxcpus=6,sockets=2,cores=4", "count=6"),
        ("-smp cpus=2,sockets=2,cores=4", "count=2"),
        ("-append -quiet -kernel -Image", "-quiet"),
        ("-append x -kernel -Image", "-Image"),
        ("-M mte=on,mte=off", "cpu \"neoverse-v1\" count=1\n"),
        (
            "-cpu host,sve256=on,sve=off",
            "cpu \"neoverse-v1\" count=1\n",
        ),
        ("-cpu host,sve256=on,sve=off", "-cpu sve256=on, and sve=off"),
        ("-cpu host,sve=on,sve512=off", "-cpu sve512=off"),
        ("-m 1G", "which GIC"),
        ("-M gic-version=host", "which GIC"),
        ("-M gic-version=2 -M gic-version=3", "an ITS"),
    ] {
        let (code, object) = line(&format!("qemu-system-aarch64 -M virt {text}"));
        let found = object["description"].as_str().unwrap_or_default();
        assert!(code == 0 && found.contains(words), "{text}: {object}");
    }
    let (_, object) = line("qemu-system-aarch64 -M virt,gic-version=3,its=off -M accel=kvm");
    let found = object["description"].as_str().unwrap();
    assert!(!found.contains("GIC") && !found.contains("ITS"), "{object}");
    let (_, object) = line("qemu-system-aarch64 -M virt -cpu cortex-a72");
    let text = object["description"].to_string();
    assert!(text.contains("Not said: `-cpu cortex-a72`"), "{object}");
    // Words of a line act on nobody.
    let (code, object) = line("qemu-system-aarch64 -M virt -cpu host -\u{1b}[2J -kernel 'a\"b\n}'");
    assert_eq!(code, 0, "{object}");
    assert!(
        !object["description"].as_str().unwrap().contains('\u{1b}'),
        "{object}"
    );
    // About machines alone.
    scratch.write("cpuinfo", &cpu(0, "0xd0c", "1", N1));
    let (code, object) =
        scratch.json(&["import", "cpuinfo", "--name", "own", "--cpu", "neoverse-n1"]);
    assert_eq!(
        (code, &object["diagnostics"][0]["code"]),
        (2, &"usage::arguments".into())
    );
}
