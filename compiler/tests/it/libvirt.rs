//! `vmlock import` of libvirt's XML, and of several files at once.

use crate::scratch::{Scratch, err, native, out, root};
use serde_json::Value;
use std::fs;

/// What `virsh capabilities` of libvirt 11.3.0 prints on a host of one Neoverse N1, but for what is not read. The lab holds
/// it against libvirt's own schema.
const CAPABILITIES: &str = include_str!("../libvirt/host.xml");

/// What a machine's author says beside its file.
const SAID: [&str; 5] = ["--abi", "kvm-6.8", "psci-1.1", "--cpu", "neoverse-n1"];

/// A domain with that in it.
fn domain(inside: &str) -> String {
    format!(
        "<domain type='kvm'>\n<memory unit='MiB'>256</memory>\n<os><type arch='aarch64' machine='virt-8.2'>hvm</type></os>\n{inside}\n</domain>\n"
    )
}

/// Imports a text.
fn import(scratch: &Scratch, text: &str) -> (i32, Value) {
    scratch.write("web.xml", text);
    scratch.json(&[&["import", "web.xml"], &SAID[..]].concat())
}

#[test]
fn a_domain_becomes_the_description_of_the_machine_that_it_was_exported_from() {
    let scratch = Scratch::new("libvirt-domain");
    let example = root().join("examples/libvirt/modern.xml");
    let example = example.to_str().unwrap();
    let output =
        scratch.vmlock(&[&["import", example], &SAID[..], &["-o", "modern.vm.kdl"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let output = scratch.vmlock(&["lock", "modern.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let read = |path: &std::path::Path| {
        vmlock_spec::lock::canonical::parse(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let path = scratch.0.join("modern.vm.lock.json");
    let (lock, modern) = (
        read(&path),
        read(&root().join("examples/modern.vm.lock.json")),
    );
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
    // And back: the same domain.
    let host = root().join("spec/catalogue/hosts/neoverse-n1-7.2.json");
    let fates = "chance,overwritten,forced,cannot";
    let more = [
        "--host",
        host.to_str().unwrap(),
        "--accept",
        fates,
        "-o",
        "again.xml",
    ];
    let export = ["export", "modern.vm.lock.json", "--to", "libvirt"];
    let output = scratch.vmlock(&[&export[..], &more[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let again = fs::read_to_string(scratch.0.join("again.xml")).unwrap_or_default();
    assert_eq!(again, fs::read_to_string(example).unwrap());
    // What the domain does not say is asked for, all at once.
    let (code, object) = scratch.json(&["import", example]);
    let text = object["diagnostics"].to_string();
    assert!(
        code == 2 && text.contains("--abi") && text.contains("--cpu"),
        "{object}"
    );
}

#[test]
fn of_a_domain_everything_is_said_or_named() {
    let scratch = Scratch::new("libvirt-said");
    let text = "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n<name>other</name>\n<uuid>u</uuid>\n\
        <memory>1048576</memory><currentMemory>524288</currentMemory>\n<vcpu placement='static' current='2'>4</vcpu>\n\
        <os firmware='efi'><type arch='aarch64' machine='virt'>hvm</type><kernel> Image </kernel><cmdline>console=ttyAMA0 a=&quot;b&quot;</cmdline></os>\n\
        <features><acpi/><pmu/></features>\n\
        <cpu mode='custom'><model fallback='forbid'>cortex-a57</model><feature policy='require' name='sve256'/><feature policy='disable' name='pauth'/>\
        <feature policy='optional' name='sve512'/><topology sockets='1' cores='4' threads='1'/></cpu>\n\
        <clock offset='utc'/>\n<devices><memory model='dimm'/></devices>\n\
        <qemu:commandline><qemu:arg value='-global'/><qemu:arg value='host-arm-cpu.kvm-psci-version=1.1'/><qemu:arg value='-machine'/>\
        <qemu:arg value='its=off'/><qemu:arg value='-d'/><qemu:arg value='int'/><qemu:env name='A' value='b'/></qemu:commandline>\n</domain>";
    let (code, object) = import(&scratch, text);
    assert_eq!(code, 0, "{object}");
    let text = object["description"].as_str().unwrap();
    for words in [
        "vm \"web\"",
        "abi \"kvm-6.8\" \"psci-1.1\"",
        "cpu \"neoverse-n1\" count=2",
        "sve 256",
        "pmu",
        "memory \"1GiB\"",
        "kernel=\"Image\"",
        "console=ttyAMA0 a=",
        "`<model>cortex-a57</model>`, of which QEMU decides",
        "`<currentMemory>`",
        "modules of memory",
        "// Not said: steal-time: QEMU",
        "which GIC: without `<gic version='3'/>` libvirt gives",
        "<vcpu>4</vcpu>, 2 of them",
        "<os> firmware",
        "<features><acpi>",
        "<cpu><topology>",
        "cpu feature sve512, which is there where the host has it",
        "<clock>",
        "<uuid>",
        "<qemu:env>",
        "-d",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    for words in ["other", "an ITS", "pauth\n", "512\n", "<name>"] {
        assert!(!text.contains(words), "{words} in {text}");
    }
    // Which CPU a host has no mode names.
    for (cpu, words) in [
        ("", "no `<cpu>`"),
        ("<cpu mode='host-model'/>", "`mode='host-model'`"),
        ("<cpu mode='maximum'/>", "`mode='maximum'`"),
        (
            "<cpu><topology sockets='1' cores='1' threads='1'/></cpu>",
            "no CPU model",
        ),
    ] {
        let (code, object) = import(&scratch, &domain(cpu));
        let text = object["description"].as_str().unwrap_or_default();
        let said = words;
        assert!(code == 0 && text.contains(said), "{cpu}: {object}");
        assert!(
            text.contains("`neoverse-n1` is what was said instead"),
            "{text}"
        );
    }
    let (_, object) = import(&scratch, &domain("<cpu mode='host-passthrough'/>"));
    assert!(!object.to_string().contains("said instead"), "{object}");
    let tcg = domain("").replace("'kvm'", "'qemu'");
    let (code, object) = import(&scratch, &tcg);
    assert!(
        code == 0 && object.to_string().contains("no host with KVM"),
        "{object}"
    );
}

#[test]
fn what_is_wrong_with_a_domain_is_told_at_its_place() {
    let scratch = Scratch::new("libvirt-wrong");
    let with = |from: &str, to: &str| domain("").replace(from, to);
    let again = "http://libvirt.org/schemas/domain/qemu/1.0";
    let passed = |word: &str| {
        domain(&format!(
            "<q:commandline xmlns:q='{again}'><q:arg value='{word}'/><q:arg value='x'/></q:commandline>"
        ))
    };
    for (text, words, line) in [
        (with("aarch64", "x86_64"), "its architecture is `x86_64`", 3),
        (with("virt-8.2", "pc"), "another machine than `virt`", 3),
        (with(" machine='virt-8.2'", ""), "which machine it is", 3),
        (with("hvm", "exe"), "no machine of its own", 3),
        (with("'kvm'", "'xen'"), "no machine of KVM's", 1),
        (with("256", "-1"), "no size of memory", 2),
        (with("'MiB'", "'pages'"), "`pages` is no unit of memory", 2),
        (with("256", "0"), "has no memory", 2),
        (with("256", "2<b/>56"), "`<memory>` is a text", 2),
        (
            domain("<currentMemory>1</currentMemory><currentMemory>1</currentMemory>"),
            "`<currentMemory>` stands there twice",
            4,
        ),
        (
            domain("<cpu><numa><cell memory='1' unit='MiB'/></numa></cpu>"),
            "the cells of `<numa>`",
            4,
        ),
        (
            domain("<features><pmu state='off'/></features><cpu><feature name='pmu'/></cpu>"),
            "`pmu` is said twice, and differently",
            4,
        ),
        (passed("-set"), "can change anything", 4),
        (passed("-readconfig"), "can change anything", 4),
        (
            domain(&format!("<a/>{}", "<b xmlns:c='d'>".repeat(65))),
            "`xmlns` more than 64 times",
            4,
        ),
        (
            domain(&format!(
                "<a {}/>",
                (0..300_000).fold(String::new(), |all, n| all + &format!("a{n}='' "))
            )),
            "more than 256 `=`",
            4,
        ),
        (with("256", "99999999999999999999"), "no size of memory", 2),
        (
            domain("<memory>1</memory>"),
            "`<memory>` stands there twice",
            4,
        ),
        (domain("<vcpu>0</vcpu>"), "no number of CPUs", 4),
        (domain("<vcpu current='3'>2</vcpu>"), "2 at most", 4),
        (
            domain("<features><gic version='2'/></features>"),
            "a GICv2",
            4,
        ),
        (
            domain("<features><pmu state='maybe'/></features>"),
            "neither on nor off",
            4,
        ),
        (domain("<cpu mode='own'/>"), "no mode of a CPU", 4),
        (
            domain("<cpu><feature name='sve' policy='wish'/></cpu>"),
            "no policy",
            4,
        ),
        (
            domain("<cpu><feature name='sve'/><feature name='sve' policy='disable'/></cpu>"),
            "stands there twice",
            4,
        ),
        (passed("-cpu"), "`-cpu` in `<qemu:commandline>`", 4),
        (passed("-smp"), "`-smp` in `<qemu:commandline>`", 4),
        (with("</domain>", ""), "no XML", 1),
        (domain("<a></b>"), "no XML", 4),
        (domain("&bomb;"), "no XML", 4),
        (
            format!(
                "<!DOCTYPE d [<!ENTITY a 'b'><!ENTITY c '&a;&a;&a;'>]>\n{}",
                domain("&c;")
            ),
            "document type",
            1,
        ),
        (
            format!("<domain>{}", "<a>".repeat(250_000)),
            "more than 200000 elements",
            1,
        ),
    ] {
        let (code, object) = import(&scratch, &text);
        let found = &object["diagnostics"][0];
        assert_eq!(
            (code, found["code"].as_str()),
            (4, Some("foreign::invalid")),
            "{words}: {object}"
        );
        assert!(
            found["message"].to_string().contains(words),
            "{words}: {object}"
        );
        assert_eq!(found["span"]["line"], line, "{words}: {found}");
    }
    // What is passed on counts last, wherever it stands.
    let machine = |words: &str| {
        let passed = format!(
            "<q:commandline xmlns:q='{again}'><q:arg value='-machine'/>{words}</q:commandline>\n<features><gic version='3'/></features>"
        );
        import(&scratch, &domain(&passed))
    };
    for (words, told) in [
        ("<q:arg value='gic-version=2'/>", "a GICv2"),
        ("<q:arg value='kernel=other'/>", "which machine it is"),
        ("<q:arg value='memory-backend=a'/>", "which machine it is"),
        ("<q:arg value='smp.cpus=2'/>", "which machine it is"),
        ("<q:arg value='accel=tcg'/>", "which machine it is"),
        ("", "has no value"),
        ("<arg value='its=off'/>", "has no value"),
    ] {
        let (code, object) = machine(words);
        let found = &object["diagnostics"][0];
        assert!(
            code == 4 && found["message"].to_string().contains(told),
            "{words}: {object}"
        );
        assert_eq!(found["span"]["line"], 4, "{words}: {found}");
    }
    let (code, object) = machine("<q:arg value='gic-version=host'/>");
    assert!(
        code == 0 && object.to_string().contains("which GIC"),
        "{object}"
    );
    // All of it at once.
    let (_, object) = import(
        &scratch,
        &domain("<vcpu>x</vcpu><cpu mode='own'/>").replace("aarch64", "mips"),
    );
    assert_eq!(
        object["diagnostics"].as_array().map(Vec::len),
        Some(3),
        "{object}"
    );
    // Deep is no trouble, and what libvirt prints of other things is named.
    let deep = format!("{}{}", "<a>".repeat(90_000), "</a>".repeat(90_000));
    let (code, object) = import(&scratch, &domain(&deep));
    assert_eq!(code, 0, "{object}");
    let (code, object) = import(&scratch, "<domainsnapshot/>");
    assert_eq!(
        (code, &object["diagnostics"][0]["code"]),
        (4, &"foreign::unknown-kind".into()),
        "{object}"
    );
    let (code, _) = import(&scratch, &domain("<a/>").repeat(20_000));
    assert_eq!(code, 4);
}

#[test]
fn a_text_is_whole_and_another_namespace_is_not_read() {
    let scratch = Scratch::new("libvirt-texts");
    let text = domain("<vcpu>1<!-- a -->2</vcpu><cpu xmlns:o='urn:o'><o:model>x</o:model></cpu>")
        .replace("256", "2<!-- a -->5<?b?>6")
        .replace(
            "</os>",
            "<kernel>Im<!-- a -->age</kernel><cmdline>quiet <!-- a -->nosmp</cmdline><kernel xmlns='urn:o'>no</kernel></os>",
        );
    let (code, object) = import(&scratch, &text);
    assert_eq!(code, 0, "{object}");
    let found = object["description"].as_str().unwrap();
    for words in [
        "count=12",
        "memory \"256MiB\"",
        "kernel=\"Image\"",
        "quiet nosmp",
        "<kernel> of another namespace",
        "<model> of another namespace",
        "no CPU model",
    ] {
        assert!(found.contains(words), "{words} in {found}");
    }
    // The file names all of what has no place, the terminal the first of it.
    let many: String = (10..40).map(|n| format!("<n{n}/>")).collect();
    scratch.write("web.xml", &domain(&many));
    let output = scratch.vmlock(&[&["import", "web.xml"], &SAID[..]].concat());
    assert!(out(&output).contains("<n39>") && out(&output).contains("no `<vcpu>`"));
    assert!(!err(&output).contains("<n39>") && err(&output).contains(" more"));
}

#[test]
fn of_a_host_whose_cpu_it_is_and_no_more_is_known() {
    let scratch = Scratch::new("libvirt-host");
    scratch.write("host.xml", CAPABILITIES);
    let (code, object) = scratch.json(&["import", "host.xml", "-o", "own.kdl"]);
    assert_eq!(code, 0, "{object}");
    let model = &object["models"][0];
    let (kdl, unknown) = (
        model["kdl"].as_str().unwrap(),
        model["unknown"].as_array().unwrap(),
    );
    assert!(
        kdl.contains("cpu \"host\"") && kdl.contains("\"MIDR_EL1\" 0x410fd0c0"),
        "{kdl}"
    );
    let is_unknown = |path: &str| unknown.iter().any(|u| u == path);
    for path in [
        "MIDR_EL1.Revision",
        "MIDR_EL1.Variant",
        "ID_AA64ISAR0_EL1.AES",
        "CLIDR_EL1",
        "unaffected:meltdown",
    ] {
        assert!(is_unknown(path), "{path}");
    }
    for path in [
        "MIDR_EL1",
        "MIDR_EL1.PartNum",
        "ID_AA64ISAR0_EL1.Atomic",
        "ID_AA64PFR0_EL1.FP",
    ] {
        assert!(!is_unknown(path), "{path}");
    }
    assert!(object["beside"].to_string().contains("iommu"), "{object}");
    // No lock comes of it.
    scratch.write(
        "a.vm.kdl",
        "vm \"a\" {\n    arch \"arm64\"\n    import \"own.kdl\"\n    abi \"kvm-6.8\"\n    cpu \"host\" count=1\n    memory \"64MiB\"\n}\n",
    );
    let (code, object) = scratch.json(&["lock", "a.vm.kdl"]);
    assert!(
        code != 0 && object.to_string().contains("spec::unmeasured"),
        "{object}"
    );
    let read = |from: &str, to: &str| {
        scratch.write("host.xml", &CAPABILITIES.replace(from, to));
        scratch.json(&["import", "host.xml"])
    };
    for (from, to, words) in [
        ("aarch64", "x86_64", "arm64 alone"),
        (">ARM<", ">Cavium<", "a CPU of ARM, and here of Cavium"),
        ("<vendor>ARM</vendor>", "", "and here of nobody"),
        ("<vendor>", "<vendor>APM</vendor><vendor>", "twice"),
        ("<arch>aarch64</arch>", "", "is missing"),
        ("<feature name='fp'/>", "<feature/>", "no name"),
    ] {
        let (code, object) = read(from, to);
        assert!(
            code == 4
                && object["diagnostics"][0]["message"]
                    .to_string()
                    .contains(words),
            "{words}: {object}"
        );
    }
    // Of a CPU that libvirt has no name for less is known.
    let (code, object) = read("<model>Neoverse-N1</model>", "");
    let kdl = object["models"][0]["kdl"].as_str().unwrap_or_default();
    assert!(
        code == 0 && kdl.contains("\"MIDR_EL1\" 0x410f0000"),
        "{object}"
    );
    assert!(kdl.contains("\"MIDR_EL1.PartNum\""), "{kdl}");
    let (code, object) = read("Neoverse-N1", "Neoverse-Z9");
    assert!(
        code == 0 && object["beside"].to_string().contains("Neoverse-Z9"),
        "{object}"
    );
}

#[test]
fn several_files_are_written_together_or_not_at_all() {
    let scratch = Scratch::new("import-several");
    scratch.write("host.xml", CAPABILITIES);
    scratch.write("web.xml", &domain(""));
    scratch.write("bad.xml", &domain("<vcpu>x</vcpu>"));
    scratch.write("worse.json", "{}");
    let args = fs::read_to_string(root().join("examples/qemu/modern.args")).unwrap();
    scratch.write("modern.args", &args);
    fs::create_dir(scratch.0.join("made")).unwrap();
    let made = || {
        let files = fs::read_dir(scratch.0.join("made")).unwrap();
        let mut names: Vec<String> = files
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let with = |files: &[&'static str]| [&["import"], files, &SAID[..], &["-o", "made"]].concat();
    let (code, object) = scratch.json(&with(&["host.xml", "bad.xml", "web.xml", "worse.json"]));
    assert_eq!((code, made().len()), (4, 0), "{object}");
    let found: Vec<&str> = object["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["code"].as_str())
        .collect();
    assert_eq!(found, ["foreign::invalid", "foreign::unknown-kind"]);
    let output = scratch.vmlock(&with(&["host.xml", "web.xml", "modern.args"]));
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(made(), ["host.kdl", "modern.vm.kdl", "web.vm.kdl"]);
    assert_eq!(
        out(&output).matches(": written").count(),
        3,
        "{}",
        out(&output)
    );
    // One of them is there already: nothing is written, and nothing taken away.
    fs::remove_file(scratch.0.join("made/host.kdl")).unwrap();
    let (code, object) = scratch.json(&with(&["host.xml", "web.xml"]));
    assert!(
        code == 4 && object.to_string().contains("io::exists"),
        "{object}"
    );
    assert_eq!(made(), ["modern.vm.kdl", "web.vm.kdl"]);
    for name in made() {
        fs::remove_file(scratch.0.join("made").join(name)).unwrap();
    }
    let (code, object) = scratch.json(&with(&["host.xml", "web.xml"]));
    assert_eq!(
        (code, object["files"].as_array().map(Vec::len)),
        (0, Some(2)),
        "{object}"
    );
    assert_eq!(object["files"][1]["written"], native("made/web.vm.kdl"));
    // Two of one name, no folder, and what is said of one alone.
    fs::create_dir(scratch.0.join("other")).unwrap();
    scratch.write("other/new.xml", CAPABILITIES);
    scratch.write("new.xml", CAPABILITIES);
    let (code, object) = scratch.json(&["import", "new.xml", "other/new.xml", "-o", "made"]);
    assert!(
        code == 4 && object.to_string().contains("would have one name"),
        "{object}"
    );
    let (code, object) = scratch.json(&["import", "new.xml", "host.xml", "-o", "nowhere"]);
    assert!(
        code == 4 && object.to_string().contains("is no folder"),
        "{object}"
    );
    for more in [&["--name", "a", "-o", "made"][..], &[]] {
        let (code, object) = scratch.json(&[&["import", "new.xml", "host.xml"], more].concat());
        assert_eq!(
            (code, &object["diagnostics"][0]["code"]),
            (2, &"usage::arguments".into()),
            "{object}"
        );
    }
}
