//! Imported files are held to what descriptions are held to: what there is not has no effect in silence, each mistake is
//! told of once, in the file where it is, with what can stand there.

use crate::scratch::Scratch;

const SPEC: &str = r#"vm "web" {
    arch "arm64"
    import "own.kdl"
    abi "own-abi"
    cpu "neoverse-n1" count=1
    memory "512MiB"
}
"#;

#[test]
fn no_file_describes_a_vmm() {
    let scratch = Scratch::new("imports-vmm");
    scratch.write("a.vm.kdl", SPEC);
    let vmm = "vmm \"mine\" {\n    title \"mine\"\n    versions \"1.0\"\n    form \"arguments\"\n    gicv3 \"insists\" source=\"its page\"\n}\n";
    scratch.write("own.kdl", vmm);
    let output = scratch.vmlock(&["lock", "--dry-run", "a.vm.kdl"]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("import::vmm"), "{words}");
    assert!(words.contains("describes the VMM `mine`"), "{words}");
}

#[test]
fn what_a_file_says_of_what_there_is_not_is_refused_at_its_place() {
    let scratch = Scratch::new("imports");
    scratch.write("a.vm.kdl", SPEC);
    let baseline = |after: &str, says: &str| {
        format!("baseline \"own-abi\" after=\"{after}\" {{\n    title \"mine\"\n    {says}\n}}\n")
    };
    let of = |says: &str| baseline("kvm-6.8", says);
    let fine =
        of("hide \"ID_AA64ISAR0_EL1.SM4\" when=\"!pmu ID_AA64MMFR2_EL1.EVT>=1\" source=\"x\"");
    scratch.write("own.kdl", &fine);
    let output = scratch.vmlock(&["lock", "--dry-run", "a.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let says = "it can say `show \"REGISTER.FIELD\" …`, `hide \"REGISTER.FIELD\" …`, `cap ";
    let condition = "a condition is a vCPU feature (`pmu`, `!sve`), ";
    for (text, line, help) in [
        (
            baseline("kvm-6.88", ""),
            1,
            "there was no such release: `kvm-6.19`",
        ),
        (baseline("kvm-6.8.0", ""), 1, "write `kvm-6.8`"),
        (baseline("psci-1.1", ""), 1, "name a whole baseline"),
        (
            baseline("own-b", "") + "baseline \"own-b\" after=\"own-abi\" {}\n",
            1,
            "never in a circle",
        ),
        (
            of("hide \"ISAR0.AES\" source=\"x\""),
            3,
            "did you mean `ID_AA64ISAR0_EL1.AES`?",
        ),
        (
            of("force \"ID_AA64ISAR0_EL1.AESX\" 1 source=\"x\""),
            3,
            "`ID_AA64ISAR0_EL1` has: AES",
        ),
        (
            of("force \"ID_AA64ISAR0_EL1.AES\" \"0x1\" source=\"x\""),
            3,
            "write `0x1`, without quotes",
        ),
        (
            of("bitmap \"KVM_REG_ARM_STD_BMAPP\" 1 source=\"x\""),
            3,
            "did you mean `KVM_REG_ARM_STD_BMAP`?",
        ),
        (
            of("psci \"1.4\" source=\"x\""),
            3,
            "one of 0.2, 1.0, 1.1, 1.2, 1.3",
        ),
        (of("psci 1.1 source=\"x\""), 3, "write it in quotes"),
        (
            of("cache \"sillicon\" source=\"x\""),
            3,
            "one of `silicon`, `fabricated` and `model`",
        ),
        (
            of("hide \"ID_AA64ISAR0_EL1.SM4\" when=\"pmuu\" source=\"x\""),
            3,
            condition,
        ),
        (
            of("hide \"ID_AA64ISAR0_EL1.SM4\" when=\"unaffected:x\" source=\"x\""),
            3,
            condition,
        ),
        (
            of("hide \"ID_AA64ISAR0_EL1.SM4\" sorce=\"x\""),
            3,
            "there are `source`, `when`",
        ),
        (of("hied \"ID_AA64ISAR0_EL1.SM4\" source=\"x\""), 3, says),
        (
            of("after \"kvm-6.8\""),
            3,
            "it stands in the first line: `baseline \"NAME\" after=\"…\" {`",
        ),
        (
            of("set \"ID_AA64ISAR0_EL1.SM4\" 0"),
            3,
            "write `force \"REGISTER.FIELD\" VALUE source=\"…\"`",
        ),
        (of("psci = \"1.1\""), 3, "write `psci \"1.1\"`"),
        (of("# a comment"), 3, "write `// a comment`"),
        (
            "cpu \"own\" {\n    regster \"MIDR_EL1\" 1 source=\"x\"\n}\n".to_owned(),
            2,
            "there are `title`, `register`",
        ),
        (
            "cpu \"own\" {\n    register \"MIDR\" 1 source=\"x\"\n}\n".to_owned(),
            2,
            "did you mean `MIDR_EL1`",
        ),
        (
            "vm \"x\" {\n}\n".to_owned(),
            1,
            "an imported file holds `baseline`, `cpu` and `defaults` blocks, and no machine",
        ),
        (
            "machine \"x\" {\n}\n".to_owned(),
            1,
            "an imported file holds `baseline`, `cpu` and `defaults` blocks",
        ),
    ] {
        scratch.write("own.kdl", &text);
        let (code, object) = scratch.json(&["lock", "--dry-run", "a.vm.kdl"]);
        let found = object["diagnostics"].as_array().unwrap();
        assert_eq!((code, found.len()), (1, 1), "{text}: {found:#?}");
        assert_eq!(found[0]["file"], "own.kdl", "{text}");
        assert_eq!(found[0]["span"]["line"], line, "{text}");
        let said = found[0]["help"].as_str().unwrap_or("(no help)");
        assert!(said.contains(help), "{text}: {said}");
    }
    // Nothing is said in it: that is told of where it is imported.
    scratch.write("own.kdl", "// nothing yet\n");
    let (_, object) = scratch.json(&["lock", "--dry-run", "a.vm.kdl"]);
    assert_eq!(
        object["diagnostics"][0]["message"],
        "`own.kdl` holds nothing"
    );
    assert_eq!(object["diagnostics"][0]["file"], "a.vm.kdl");
}

#[test]
fn one_file_builds_on_another_in_any_order() {
    let scratch = Scratch::new("imports-order");
    scratch.write(
        "a.vm.kdl",
        &SPEC.replace("\"own.kdl\"", "\"own.kdl\" \"base.kdl\""),
    );
    scratch.write(
        "own.kdl",
        "baseline \"own-abi\" after=\"own-base\" {\n title \"x\"\n}\n",
    );
    scratch.write(
        "base.kdl",
        "baseline \"own-base\" after=\"kvm-6.8\" {\n title \"x\"\n}\n",
    );
    let output = scratch.vmlock(&["lock", "a.vm.kdl"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// A machine that has all from the defaults of a file lacks all of it where they are none: that is one mistake, in the file.
#[test]
fn what_was_meant_to_be_defaults_is_told_in_its_file() {
    let scratch = Scratch::new("imports-no-defaults");
    let all = "arch \"arm64\"\nabi \"kvm-6.8\"\ncpu \"neoverse-n1\" count=2\nmemory \"512MiB\"\n";
    let vm =
        "vm \"a\" {\n    import \"fleet.kdl\"\n    allow \"spec::emulated-cpu\" reason=\"so\"\n}\n";
    scratch.write("a.vm.kdl", vm);
    let found = |text: &str| {
        scratch.write("fleet.kdl", text);
        let (_, object) = scratch.json(&["lock", "--dry-run", "a.vm.kdl"]);
        object["diagnostics"].as_array().unwrap().clone()
    };
    assert!(found(&format!("defaults {{\n{all}}}\n")).is_empty());
    let whole = format!("vm \"b\" {{\n{all}}}\n");
    let unclosed = format!("defaults {{\n{all}");
    let default = format!("default {{\n{all}}}\n");
    for (text, at, help) in [
        (default.as_str(), 0, "write `defaults {`"),
        (
            all,
            0,
            "put `defaults {` before all that machines take over, and `}` behind it",
        ),
        (
            &whole,
            0,
            "an imported file holds `baseline`, `cpu` and `defaults` blocks, and no machine",
        ),
        (&unclosed, 9, "add a `}` where the block ends"),
    ] {
        let found = found(text);
        let [one] = found.as_slice() else {
            panic!("{text}: {found:#?}");
        };
        assert_eq!(one["file"], "fleet.kdl", "{text}: {one:#?}");
        assert_eq!(one["span"]["start"], at, "{text}: {one:#?}");
        assert_eq!(one["help"], help, "{text}");
    }
    // A file that is right says nothing of what a machine lacks.
    let model = "cpu \"mine\" from=\"neoverse-n1\" {\n}\n";
    let lacks = found(model);
    assert!(lacks.len() >= 4, "{lacks:#?}");
    assert!(lacks.iter().all(|one| one["file"] == "a.vm.kdl"));
}
